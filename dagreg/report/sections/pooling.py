"""Partial pooling: what each level says alone, and what it says beside the others."""

from __future__ import annotations

from dagreg.check.types import Pooling
from dagreg.report.blocks import Block, Gallery, Paragraph
from dagreg.report.drawing import Drawing
from dagreg.report.numbers import percent
from dagreg.report.prose import named
from dagreg.report.shrinkage import Level, shrinkage
from dagreg.report.view import EffectView
from dagreg.report.words import ESTIMATOR

_WHY = (
    "Levels share a distribution, so each one's estimate is drawn towards what all share, and the more so the "
    "less its own rows say (partial pooling, or shrinkage). A ring far from its dot: few rows, or an unusual value."
)


def pooling(view: EffectView) -> tuple[Block, ...]:
    shown = view.fitted.pooling if view.fitted else ()
    if not shown:
        return ()

    def drawings() -> tuple[Drawing, ...]:
        return tuple(_drawing(p) for p in shown)

    note = "; ".join(f"{p.omitted:,} more levels of {named(p.group)} are not shown" for p in shown if p.omitted)
    gallery = Gallery("Shrinkage of pooled levels", f"{note}." if note else "", "column", drawings, file="pooling.svg")
    return (Paragraph(_WHY), gallery)


def _drawing(p: Pooling) -> Drawing:
    levels = [Level(v.name, v.count, v.alone, v.mean, *v.interval) for v in p.levels]
    title = f"{p.group} in {p.response} ({ESTIMATOR.get(p.estimator, p.estimator)})"
    return shrinkage(levels, p.centre, title, p.scale, f"{percent(p.level)} interval")
