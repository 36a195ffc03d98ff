"""Partial pooling: what each level says alone, and what it says beside the others."""

from __future__ import annotations

from collections.abc import Iterator

from dagreg.doubts.types import PooledLevel, Pooling
from dagreg.report.blocks import Block, Gallery, Heading, Paragraph, Table
from dagreg.report.drawing import Drawing
from dagreg.report.prose import counted, named
from dagreg.report.shrinkage import DrawnLevel, shrinkage
from dagreg.report.view import EffectView
from dagreg.results.numbers import number, percent

_WHY = (
    "All levels share one distribution, so each level's estimate is drawn towards the mean of all (partial "
    "pooling, or shrinkage). It moves furthest where its own rows say least."
)
_READ = "A ring is what a level's own rows say; far from its dot, they are few or unusual."


def pooling(view: EffectView) -> tuple[Block, ...]:
    """A table and a picture for each pooled variable of each regression."""
    shown = view.fitted.pooling if view.fitted else ()
    if not shown:
        return ()

    def drawings() -> tuple[Drawing, ...]:
        return tuple(_drawing(p) for p in shown)

    gallery = Gallery("Shrinkage of pooled levels", _READ, "column", drawings, file="pooling.svg")
    return (Paragraph(_WHY), gallery, *(block for p in shown for block in _table(p)))


def _drawing(p: Pooling) -> Drawing:
    levels = [DrawnLevel(v.name, v.count, v.alone, v.mean, *v.interval) for v in p.levels]
    title = f"{p.coefficient} by {p.group}, {p.estimator.label} regression of {p.response}"
    return shrinkage(levels, p.centre, title, p.scale, f"{percent(p.level)} interval")


def _table(p: Pooling) -> Iterator[Block]:
    yield Table(
        caption=f"The {named(p.coefficient)} by {named(p.group)} in the {p.estimator.label} "
        f"regression of {named(p.response)}: {p.scale}",
        columns=(
            Heading("Level"),
            Heading("Rows", True),
            Heading("Alone", True),
            Heading("Partially pooled", True),
            Heading(f"{percent(p.level)} interval", True),
        ),
        rows=tuple(_row(v) for v in p.levels),
    )
    if p.omitted:
        yield Paragraph(f"{counted(p.omitted, 'more level is', 'more levels are')} not shown.")


def _row(v: PooledLevel) -> tuple[str, ...]:
    low, high = v.interval
    sd = (high - low) / 4  # near enough for the digits
    numbers = (number(value, sd) for value in (v.alone, v.mean))
    return (named(v.name), f"{v.count:,}", *numbers, f"{number(low, sd)} to {number(high, sd)}")
