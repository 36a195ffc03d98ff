"""Posterior densities, traces and rank plots. Plain values in, drawings out: no model is known here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dagreg.report.drawing import Drawing
from dagreg.report.plots import Axis, Emphasis, shortened, svg_text, tick, tick_text, ticks, told_apart

Chains = Sequence[Sequence[float]]

CHAIN_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # Okabe and Ito's, legible on white and on black
_EDGE = 8.0
CURVE_MARGIN = 3.0  # widths of all curves
_RIDGE, _RIDGE_WIDTH, _CURVE = 96.0, 380.0, 46.0
_SMALL, _SMALL_HEIGHT = 264.0, 124.0
_WIDE, _WIDE_HEIGHT, _GUTTER = 360.0, 172.0, 52.0


@dataclass(frozen=True, slots=True)
class DensityCurve:
    """A density at equal steps from `low` to `high`, with its mean and interval.

    `text` is the number in print.
    """

    label: str
    low: float
    high: float
    heights: tuple[float, ...]
    mean: float
    interval: tuple[float, float]
    text: str
    emphasis: Emphasis = "plain"
    null: float = 0.0  # no effect, which is marked: 1 for ratios


def ridge(curves: Sequence[DensityCurve], title: str, axis_name: str) -> Drawing:
    """Densities of numbers of one scale, one above the other on one axis, which holds no effect where that is
    near.
    """
    axis = _axis(curves, _RIDGE_WIDTH, zero=True)
    bottom = 24 + _RIDGE * len(curves)
    parts = [
        f'<text class="panel-title" x="1" y="15" font-weight="600">{svg_text(shortened(title, 52))}</text>'
    ]
    labels = told_apart([curve.label for curve in curves], [52] * len(curves))
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        parts.append(f'<g class="row {curve.emphasis}">{_ridge_row(curve, label, axis, 24 + i * _RIDGE)}</g>')
    parts.append(_axis_marks(axis, bottom - 6, axis_name))
    words = f"{title}. " + "; ".join(f"{c.label}: {c.text}" for c in curves)
    return Drawing(_RIDGE_WIDTH, bottom + 42, "".join(parts), f"Posterior density, {words}", "plot curves")


def _ridge_row(curve: DensityCurve, label: str, axis: Axis, top: float) -> str:
    words = (
        f"<title>{svg_text(f'{curve.label}: {curve.text}')}</title>"
        f'<text x="1" y="{top + 14:.0f}">{svg_text(label)}</text>'
        f'<text class="value" x="1" y="{top + 30:.0f}" font-size="11">{svg_text(_minus(curve.text))}</text>'
    )
    floor = top + _RIDGE - 14
    return words + _curve(curve, axis, floor - _CURVE, _CURVE) + _zero(curve, axis, floor - _CURVE, floor)


def small_densities(curves: Sequence[DensityCurve]) -> tuple[Drawing, ...]:
    """Densities each on an axis of its own."""
    labels = told_apart([curve.label for curve in curves], [36] * len(curves))
    return tuple(_small_density(curve, label) for curve, label in zip(curves, labels, strict=True))


def _small_density(curve: DensityCurve, label: str) -> Drawing:
    axis = _axis((curve,), _SMALL, zero=False)
    bottom = _SMALL_HEIGHT - 24
    body = (
        f'<g class="row {curve.emphasis}">'
        f'<text x="1" y="12" font-weight="600">{svg_text(label)}</text>'
        f'<text class="value" x="1" y="28" font-size="11">{svg_text(_minus(curve.text))}</text>'
        f"{_curve(curve, axis, 36, bottom - 36)}{_zero(curve, axis, 34, bottom)}</g>"
        f"{_axis_marks(axis, bottom, about=3)}"
    )
    return Drawing(
        _SMALL, _SMALL_HEIGHT, body, f"Posterior density of {curve.label}: {curve.text}", "plot curves"
    )


def _curve(curve: DensityCurve, axis: Axis, top: float, height: float) -> str:
    """The curve with its interval filled, and below it the interval and the mean."""
    floor, peak = top + height, max(curve.heights)
    step = (curve.high - curve.low) / (len(curve.heights) - 1)
    low, high = curve.interval
    points = [(axis.at(curve.low + i * step), floor - height * h / peak) for i, h in enumerate(curve.heights)]
    inside = [p for i, p in enumerate(points) if low <= curve.low + i * step <= high]
    filled = (
        f'<path class="inside" d="{_area(inside, floor)}" fill-opacity="0.15"/>' if len(inside) > 1 else ""
    )
    return (
        f'<path class="curve" d="{_area(points, floor)}" fill-opacity="0.07" stroke="currentColor" '
        f'stroke-width="1.3"/>{filled}'
        f'<path class="interval" d="M{axis.at(low):.1f} {floor:.0f}H{axis.at(high):.1f}" fill="none" '
        f'stroke="currentColor" stroke-width="3"/>'
        f'<circle class="point" cx="{axis.at(curve.mean):.1f}" cy="{floor:.0f}" r="4.2" stroke="none"/>'
    )


def _area(points: Sequence[tuple[float, float]], floor: float) -> str:
    """What lies between a curve and the floor."""
    return _steps([(points[0][0], floor), *points, (points[-1][0], floor)])


def _zero(curve: DensityCurve, axis: Axis, top: float, bottom: float) -> str:
    if not axis.low <= curve.null <= axis.high:
        return ""
    x = axis.at(curve.null)
    return (
        f'<path class="zero" d="M{x:.1f} {top:.0f}V{bottom:.0f}" stroke="currentColor" stroke-opacity="0.5"/>'
    )


def _axis(curves: Sequence[DensityCurve], width: float, *, zero: bool) -> Axis:
    """An axis that holds every curve and interval; and no effect, unless that would press the curves into
    spikes.
    """
    values = [v for c in curves for v in (c.low, c.high, *c.interval)]
    low, high = min(values), max(values)
    null = curves[0].null
    if zero and max(low - null, null - high, 0.0) <= CURVE_MARGIN * (high - low):
        low, high = min(low, null), max(high, null)
    air = 0.02 * (high - low) or 1.0
    return Axis(low - air, high + air, _EDGE, width - _EDGE)


def _some_ticks(axis: Axis, about: int) -> list[float]:
    """Two ticks at least, where there are that many round numbers: one alone gives no scale."""
    places = ticks(axis.low, axis.high, about)
    return places if len(places) > 1 else ticks(axis.low, axis.high, 2 * about)


def _axis_marks(axis: Axis, y: float, name: str = "", about: int = 5) -> str:
    named = (
        f'<text class="tick" x="{(axis.left + axis.right) / 2:.0f}" y="{y + 36:.0f}" text-anchor="middle" '
        f'font-size="11">{svg_text(name)}</text>'
        if name
        else ""
    )
    across = f"M{axis.left:.1f} {y:.0f}H{axis.right:.1f}"
    line = f'<path class="axis" d="{across}" stroke="currentColor" stroke-opacity="0.6"/>'
    return line + "".join(tick(value, axis, y) for value in _some_ticks(axis, about)) + named


def trace(label: str, note: str, chains: Chains, step: int, draws: int) -> Drawing:
    """The chains of one parameter, draw by draw. `chains` holds every `step`-th of `draws` draws."""
    values = [v for chain in chains for v in chain]
    low, high = min(values), max(values)
    air = 0.04 * (high - low) or 1.0
    top, bottom = 36.0, _WIDE_HEIGHT - 40
    up, along = Axis(low - air, high + air, bottom, top), Axis(0, draws, _GUTTER, _WIDE - _EDGE)
    lines = [
        f'<path d="{_steps([(along.at(i * step), up.at(v)) for i, v in enumerate(chain)])}" fill="none" '
        f'stroke="{CHAIN_COLOURS[c % len(CHAIN_COLOURS)]}" stroke-opacity="0.75"/>'
        for c, chain in enumerate(chains)
    ]
    marks = [_left_tick(value, up.at(value)) for value in _some_ticks(up, 3)]
    body = _heading(label, note) + "".join([*lines, *marks]) + _axis_marks(along, bottom, "draw")
    return Drawing(
        _WIDE, _WIDE_HEIGHT, body, f"Trace of {label}, {len(chains)} chains: {note}", "plot chains"
    )


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """A path through points in whole tenths, by steps: half as long as absolute places."""
    places = [(round(10 * x), round(10 * y)) for x, y in points]
    moves = [f"{_tenths(b[0] - a[0])} {_tenths(b[1] - a[1])}" for a, b in pairwise(places)]
    start = f"M{_tenths(places[0][0])} {_tenths(places[0][1])}"
    return start + ("l" + " ".join(moves).replace(" -", "-") if moves else "")


def _tenths(n: int) -> str:
    return format(n / 10, "g")


def ranks(label: str, note: str, counts: Sequence[Sequence[int]], draws: int) -> Drawing:
    """A histogram of each chain's ranks among all draws; the dashed line is what chains that agree would
    show.
    """
    top, bottom = 36.0, _WIDE_HEIGHT - 40
    along = Axis(0, draws * len(counts), _GUTTER, _WIDE - _EDGE)
    expected = draws / len(counts[0])
    tallest = max(1.5 * expected, *(n for row in counts for n in row))
    strip = (bottom - top) / len(counts)
    rows = [
        _strip(row, along, top + (c + 1) * strip, (strip - 4) / tallest, expected, c)
        for c, row in enumerate(counts)
    ]
    body = (
        _heading(label, note)
        + "".join(rows)
        + _axis_marks(along, bottom, "rank among the draws of all chains")
    )
    return Drawing(
        _WIDE, _WIDE_HEIGHT, body, f"Rank plot of {label}, {len(counts)} chains: {note}", "plot chains"
    )


def _strip(
    counts: Sequence[int], along: Axis, floor: float, scale: float, expected: float, chain: int
) -> str:
    width = (along.right - along.left) / len(counts)
    bars = "".join(
        f"M{along.left + i * width:.1f} {floor:.1f}v{-n * scale:.1f}h{width - 1:.1f}v{n * scale:.1f}z"
        for i, n in enumerate(counts)
    )
    y = floor - expected * scale
    return (
        f'<path d="{bars}" fill="{CHAIN_COLOURS[chain % len(CHAIN_COLOURS)]}" fill-opacity="0.75"/>'
        f'<path d="M{along.left:.1f} {y:.1f}H{along.right:.1f}" stroke="currentColor" stroke-dasharray="3 '
        '3"/>'
        f'<text class="tick" x="{_GUTTER - 6:.0f}" y="{floor - 3:.0f}" text-anchor="end" font-size="11">'
        f"chain {chain + 1}</text>"
    )


def _heading(label: str, note: str) -> str:
    return (
        f'<text x="1" y="12" font-weight="600">{svg_text(shortened(label, 46))}</text>'
        f'<text class="value" x="1" y="28" font-size="11">{svg_text(note)}</text>'
    )


def _left_tick(value: float, y: float) -> str:
    return (
        f'<path d="M{_GUTTER - 4:.0f} {y:.1f}h4" stroke="currentColor" stroke-opacity="0.6"/>'
        f'<text class="tick" x="{_GUTTER - 6:.0f}" y="{y + 4:.1f}" text-anchor="end" font-size="11">'
        f"{tick_text(value)}</text>"
    )


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")


def finite(curves: Sequence[DensityCurve]) -> Iterator[DensityCurve]:
    """Those that can be drawn."""
    for c in curves:
        numbers = (c.low, c.high, c.mean, *c.interval)
        if (
            all(math.isfinite(v) and abs(v) < 1e100 for v in numbers)
            and len(c.heights) > 1
            and max(c.heights) > 0
        ):
            yield c
