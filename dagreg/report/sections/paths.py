"""The paths between exposure and outcome: which carry the effect, which carry bias, what closes them."""

from __future__ import annotations

from dagreg.identify.types import PathNote
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import listed, named
from dagreg.report.view import EffectView

MAX_PATHS = 60
_COLUMNS = (
    Heading("Path"),
    Heading("Carries"),
    Heading("Without adjustment"),
    Heading("With the chosen set"),
)


def paths(view: EffectView) -> tuple[Block, ...]:
    why = view.justification
    x, y = listed(why.query.exposure), named(why.query.outcome)
    if not why.paths:
        return (Paragraph(f"No path joins {x} and {y}."),)
    chosen = why.adjustment.chosen
    table = Table(
        caption=f"Paths between {x} and {y}",
        columns=_COLUMNS if chosen is not None else _COLUMNS[:3],
        rows=tuple(_row(p, chosen is not None, why.query.kind == "direct") for p in why.paths[:MAX_PATHS]),
        strong=frozenset(i for i, p in enumerate(why.paths[:MAX_PATHS]) if p.causal),
    )
    if not why.paths_truncated and len(why.paths) <= MAX_PATHS:
        return (table,)
    return (table, Paragraph("The graph has more paths than are listed here."))


def _row(p: PathNote, adjusted: bool, direct: bool) -> tuple[str, ...]:
    indirect = direct and p.path.count(" -> ") > 1
    carries = ("the indirect effect" if indirect else "the effect") if p.causal else "other association"
    before = "open" if p.open else f"closed{_by(p, 'at the collider')}"
    after = "open" if p.open_after else f"closed{_by(p, 'by') if p.open else ''}"
    return (named(p.path), carries, before, after) if adjusted else (named(p.path), carries, before)


def _by(p: PathNote, word: str) -> str:
    return f" {word} {listed(p.closed_by)}" if p.closed_by else ""
