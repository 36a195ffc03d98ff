"""Posterior densities: of the estimates, and of the coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dagreg.effects.types import Coefficient, Estimate, Summary
from dagreg.report.blocks import Block, Gallery
from dagreg.report.curves import DensityCurve, finite, ridge, small_densities
from dagreg.report.drawing import Drawing
from dagreg.report.plots import Emphasis
from dagreg.report.view import EffectView
from dagreg.report.words import compared, quantity_unit, scale
from dagreg.results.numbers import interval, number, percent

MAX_ROWS, MAX_CELLS = 6, 24
_READ = "the bar and the darker area hold {level} of the posterior, the dot is its mean"


def of_estimates(view: EffectView) -> tuple[Block, ...]:
    """A panel for each scale, its estimators one above the other."""
    rows = tuple(e for e in view.estimates if e.summary.density is not None)
    if not rows:
        return ()

    def drawings() -> tuple[Drawing, ...]:
        panels = ((words, tuple(finite(_curves(view, rows, words)))) for words in _scales(view, rows))
        return tuple(ridge(curves, words.capitalize(), words) for words, curves in panels if curves)

    level = percent(rows[0].summary.level)
    note = f"Each curve is drawn to the same height; {_READ.format(level=level)}."
    return (Gallery("Posterior densities of the estimates", note, "column", drawings, file="posterior.svg"),)


def _scales(view: EffectView, rows: Sequence[Estimate]) -> list[str]:
    return list(dict.fromkeys(_scale(view, e) for e in rows))


def _scale(view: EffectView, e: Estimate) -> str:
    unit = quantity_unit(view, e)
    return f"{scale(view, e)} ({unit})" if unit else scale(view, e)


def _curves(view: EffectView, rows: Sequence[Estimate], words: str) -> list[DensityCurve]:
    here = [e for e in rows if _scale(view, e) == words][:MAX_ROWS]
    said = [(e.estimator.label, e.estimand, compared(view, e, rows)) for e in here]
    differ = [len(set(column)) > 1 for column in zip(*said, strict=True)]
    labels = [
        ", ".join(word for word, tells in zip(row, differ, strict=True) if tells) or row[0] for row in said
    ]
    curves = (_curve(label, e.summary, _emphasis(view, e)) for label, e in zip(labels, here, strict=True))
    return [replace(c, null=e.null) for c, e in zip(curves, here, strict=True)]


def _emphasis(view: EffectView, e: Estimate) -> Emphasis:
    return (
        "primary" if e.primary and not view.refused else "muted" if not e.estimator.offers.effect else "plain"
    )


def of_coefficients(rows: Sequence[Coefficient]) -> tuple[Block, ...]:
    """A small picture for each coefficient, on an axis of its own."""
    drawn = [c for c in rows if c.summary.density is not None]
    if not drawn:
        return ()
    estimators = len({c.estimator for c in drawn}) > 1

    def drawings() -> tuple[Drawing, ...]:
        curves = (_curve(_term(c, estimators), c.summary, "primary" if c.causal else "plain") for c in drawn)
        return small_densities(list(finite(list(curves)[:MAX_CELLS])))

    level = percent(drawn[0].summary.level)
    cut = f" Shown are the first {MAX_CELLS} of {len(drawn):,}." if len(drawn) > MAX_CELLS else ""
    note = f"On the scale of the link; {_READ.format(level=level)}.{cut}"
    return (Gallery("Posterior densities of the coefficients", note, "grid", drawings, folded=True),)


def _term(c: Coefficient, estimators: bool) -> str:
    words = f"{c.term} in {c.response}"
    return f"{words}, {c.estimator.label}" if estimators else words


def _curve(label: str, s: Summary, emphasis: Emphasis) -> DensityCurve:
    assert s.density is not None  # callers leave the others out
    d = s.density
    text = f"{number(s.mean, s.sd)} ({interval(s)})"
    return DensityCurve(label, d.low, d.high, d.heights, s.mean, s.interval, text, emphasis)
