"""The warnings about the answer."""

from __future__ import annotations

from dagreg.errors import Doubt
from dagreg.report.blocks import Banner, Block
from dagreg.report.prose import named, sentence
from dagreg.report.view import EffectView, Subject, study_in
from dagreg.results.fit import Report


def doubts(view: EffectView) -> tuple[Block, ...]:
    return _banner(view.doubts, "Warnings about this answer")


def general_doubts(subject: Subject) -> tuple[Block, ...]:
    own = subject.doubts if isinstance(subject, Report) else ()
    return _banner(
        tuple(dict.fromkeys((*study_in(subject).doubts, *own))), "Warnings about the spec and the data"
    )


def _banner(doubts: tuple[Doubt, ...], title: str) -> tuple[Block, ...]:
    if not doubts:
        return ()
    return (Banner("caution", title, tuple(f"{named(d.code)}: {sentence(d.message)}" for d in doubts)),)
