"""Shrinkage of pooled levels, as a drawing. Plain values in, a picture out: no model is known here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dagreg.report.drawing import Drawing
from dagreg.report.plots import Axis, shortened, svg_text, tick, ticks, told_apart

_WIDTH, _LABELS, _EDGE = 460.0, 128.0, 12.0
_ROW, _HEAD, _FOOT = 20.0, 58.0, 44.0
_LABEL_LENGTH = 18


@dataclass(frozen=True, slots=True)
class DrawnLevel:
    """A level with its rows, its own estimate (not finite where the data give none), and the pooled one."""

    name: str
    count: int
    alone: float
    mean: float
    low: float
    high: float


def shrinkage(
    levels: Sequence[DrawnLevel], centre: float, title: str, axis_name: str, interval: str
) -> Drawing:
    """Each level's estimate from its own rows alone, and how far pooling draws it towards what all levels
    share.

    `interval` names the intervals, as in "94% interval".
    """
    axis = _axis(levels, centre)
    bottom = _HEAD + _ROW * len(levels)
    x = axis.at(centre)
    counts = [f" ({level.count:,})" for level in levels]
    rooms = [max(_LABEL_LENGTH - len(count), 5) for count in counts]
    names = [n + c for n, c in zip(told_apart([level.name for level in levels], rooms), counts, strict=True)]
    parts = [
        f'<text class="panel-title" x="1" y="15" font-weight="600">{svg_text(shortened(title, 64))}</text>',
        _legend(interval),
        f'<path class="centre" d="M{x:.1f} {_HEAD - 4:.0f}V{bottom:.0f}" stroke="currentColor" '
        'stroke-dasharray="4 3" '
        f'stroke-opacity="0.7"/>',
        *(
            _row(level, name, axis, _HEAD + i * _ROW)
            for i, (level, name) in enumerate(zip(levels, names, strict=True))
        ),
        f'<path class="axis" d="M{axis.left:.1f} {bottom:.0f}H{axis.right:.1f}" stroke="currentColor" '
        f'stroke-opacity="0.6"/>',
        *(tick(value, axis, bottom) for value in ticks(axis.low, axis.high)),
        f'<text class="tick" x="{(axis.left + axis.right) / 2:.0f}" y="{bottom + 36:.0f}" '
        'text-anchor="middle" '
        f'font-size="11">{svg_text(shortened(axis_name, 56))}</text>',
    ]
    words = f"{title}: estimates of {len(levels)} levels alone and partially pooled, with each {interval}"
    return Drawing(_WIDTH, bottom + _FOOT, "".join(parts), words, "plot shrinkage")


def _row(level: DrawnLevel, label: str, axis: Axis, top: float) -> str:
    y = top + _ROW / 2
    title = f"{level.name}, {level.count:,} rows: alone {_shown(level.alone)}, pooled {_shown(level.mean)}"
    return (
        f"<g><title>{svg_text(title)}</title>"
        f'<text x="{_LABELS - 8:.0f}" y="{y + 4:.0f}" text-anchor="end" '
        f'font-size="11">{svg_text(label)}</text>'
        f'<path class="interval" d="M{axis.at(level.low):.1f} {y:.1f}H{axis.at(level.high):.1f}" '
        f'stroke="currentColor" stroke-width="1.6" stroke-opacity="0.65"/>'
        f"{_alone(level, axis, y)}"
        f'<circle class="pooled" cx="{axis.at(level.mean):.1f}" cy="{y:.1f}" r="3.6"/></g>'
    )


def _alone(level: DrawnLevel, axis: Axis, y: float) -> str:
    """A ring at the level's own estimate; nothing where there is none, or it lies off the axis."""
    if not (math.isfinite(level.alone) and axis.low <= level.alone <= axis.high):
        return ""
    return (
        f'<circle class="alone" cx="{axis.at(level.alone):.1f}" cy="{y:.1f}" r="4.2" fill="none" '
        f'stroke="currentColor" stroke-width="1.4"/>'
    )


def _legend(interval: str) -> str:
    y = 36
    return (
        f'<g class="key" font-size="11"><circle cx="6" cy="{y}" r="4.2" fill="none" stroke="currentColor" '
        f'stroke-width="1.4"/><text x="15" y="{y + 4}">alone (no pooling)</text>'
        f'<path d="M126 {y}h22" stroke="currentColor" stroke-width="1.6" stroke-opacity="0.65"/>'
        f'<circle cx="137" cy="{y}" r="3.6"/><text x="154" y="{y + 4}">partially pooled, '
        f"{svg_text(interval)}</text>"
        f'<path d="M336 {y - 7}v14" stroke="currentColor" stroke-dasharray="4 3" stroke-opacity="0.7"/>'
        f'<text x="343" y="{y + 4}">shared by all levels</text></g>'
    )


def _axis(levels: Sequence[DrawnLevel], centre: float) -> Axis:
    """An axis that holds what is pooled, and of the levels' own estimates those within three times that
    width.
    """
    pooled = [centre, *(v for level in levels for v in (level.low, level.mean, level.high))]
    low, high = min(pooled), max(pooled)
    width = high - low or 1.0
    alone = [
        level.alone
        for level in levels
        if math.isfinite(level.alone) and abs(level.alone - centre) < 3 * width
    ]
    low, high = min([low, *alone]), max([high, *alone])
    air = 0.04 * (high - low) or 1.0
    return Axis(low - air, high + air, _LABELS, _WIDTH - _EDGE)


def _shown(value: float) -> str:
    return format(value, ".3g") if math.isfinite(value) else "not available"
