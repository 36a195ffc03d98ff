"""What the answer rests on: edges that the graph leaves out, or draws one way, and that would undo it."""

from __future__ import annotations

from collections.abc import Sequence

from dagreg.identify.types import Support
from dagreg.report.blocks import Block, Bullets, Paragraph
from dagreg.report.prose import counted, joined, listed, named
from dagreg.report.view import EffectView

MAX_SHOWN = 5
MAX_NAMES = 12  # columns named


def rests_on(view: EffectView) -> tuple[Block, ...]:
    if view.refused:
        return ()
    supports, cut = view.footing.supports, view.footing.truncated
    large = (Paragraph("The graph is large: not every edge was tried."),) if cut else ()
    if not supports:
        return (*_unnamed(view), *large)
    shown, rest = supports[:MAX_SHOWN], supports[MAX_SHOWN:]
    return (Paragraph(_WHAT), Bullets(tuple(map(_line, shown))), *_unnamed(view), *_more(rest), *large)


_WHAT = (
    "The graph claims more by what it leaves out than by what it draws. Each line is taken on trust, and if "
    "it is not so, the answer above does not hold. The easiest to doubt comes first."
)


_TOLD = {
    None: "",
    True: " Data can speak against it: see what the graph claims about the data.",
    False: " No data of these variables can tell.",
}


def _line(support: Support) -> str:
    claim = support.claim[:1].upper() + support.claim[1:]
    return f"{claim}. Otherwise {support.otherwise}.{_TOLD[support.testable]}"


def _unnamed(view: EffectView) -> tuple[Block, ...]:
    """Columns that are there and that the graph does not speak of: a common cause may be among them."""
    if not view.unnamed:
        return ()
    shown, more = view.unnamed[:MAX_NAMES], len(view.unnamed) - MAX_NAMES
    names = listed(shown) if more <= 0 else f"{', '.join(map(named, shown))} and others"
    have = "a column" if len(view.unnamed) == 1 else "columns"
    return (
        Paragraph(
            f"The data have {have} that the graph does not name: {names}. If one of them acts on both "
            f"{listed(view.exposure)} and {named(view.outcome)}, draw it in `edges:`, for the answer rests "
            "on there being none."
        ),
    )


def _more(rest: Sequence[Support]) -> tuple[Block, ...]:
    if not rest:
        return ()
    kinds = (
        ("verdict", "whether the effect is identified, or zero, at all"),
        ("strategy", "by which way it is found"),
        ("set", "with which variables it is found"),
    )
    counts = [(sum(s.changes == kind for s in rest), words) for kind, words in kinds]
    told = joined([f"{n:,} {'decides' if n == 1 else 'decide'} {words}" for n, words in counts if n])
    return (
        Paragraph(
            f"{counted(len(rest), 'further claim').capitalize()}: {told}. `rests_on` in the JSON lists all."
        ),
    )
