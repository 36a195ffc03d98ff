"""What the answer rests on: edges that the graph leaves out, or draws one way, and that would undo it."""

from __future__ import annotations

from collections.abc import Sequence

from dagreg.identify.types import Support
from dagreg.report.blocks import Block, Bullets, Paragraph
from dagreg.report.prose import counted, joined
from dagreg.report.view import EffectView

MAX_SHOWN = 5


def rests_on(view: EffectView) -> tuple[Block, ...]:
    if view.refused:
        return ()
    supports, cut = view.footing.supports, view.footing.truncated
    large = (Paragraph("The graph is large: not every edge was tried."),) if cut else ()
    if not supports:
        return large
    shown, rest = supports[:MAX_SHOWN], supports[MAX_SHOWN:]
    return (Paragraph(_WHAT), Bullets(tuple(map(_line, shown))), *_more(rest), *large)


_WHAT = (
    "The graph claims more by what it leaves out than by what it draws. Each line is taken on trust, and if "
    "it is not so, the answer above does not hold. The easiest to doubt comes first."
)


def _line(support: Support) -> str:
    claim = support.claim[:1].upper() + support.claim[1:]
    return f"{claim}. Otherwise {support.otherwise}."


def _more(rest: Sequence[Support]) -> tuple[Block, ...]:
    if not rest:
        return ()
    kinds = (
        ("verdict", "whether the effect is identified, or zero, at all"),
        ("strategy", "by which way"),
        ("set", "with which variables"),
    )
    counts = [(sum(s.changes == kind for s in rest), words) for kind, words in kinds]
    told = joined([f"{n:,} {words}" for n, words in counts if n])
    return (
        Paragraph(
            f"There {'is' if len(rest) == 1 else 'are'} {counted(len(rest), 'further claim')}, which "
            f"{'decides' if len(rest) == 1 else 'decide'}: {told}. `rests_on` in the JSON answer lists all."
        ),
    )
