"""The warnings about the answer, each with what to do."""

from __future__ import annotations

from dagreg.errors import Doubt
from dagreg.report.blocks import Banner, Block
from dagreg.report.prose import named, sentence
from dagreg.report.view import EffectView, Subject, study_in
from dagreg.results.fit import Report


def doubts(view: EffectView) -> tuple[Block, ...]:
    about = tuple(dict.fromkeys(d.about for d in view.doubts if d.about))
    whose = f"Warnings about the {about[0]}" if len(about) == 1 else "Warnings about this answer"
    return _banner(view.doubts, f"{whose}, the strongest first" if len(view.doubts) > 1 else whose)


def general_doubts(subject: Subject) -> tuple[Block, ...]:
    own = subject.doubts if isinstance(subject, Report) else ()
    return _banner(
        tuple(dict.fromkeys((*study_in(subject).doubts, *own))), "Warnings about the spec and the data"
    )


def _banner(doubts: tuple[Doubt, ...], title: str) -> tuple[Block, ...]:
    if not doubts:
        return ()
    return (Banner("caution", title, tuple(map(_doubt, doubts))),)


def _doubt(doubt: Doubt) -> str:
    what = f" What to do: {sentence(doubt.remedy)}" if doubt.remedy else ""
    return f"{named(doubt.code)}: {sentence(doubt.message)}{what}"
