"""A curve with its band, as SVG. Plain values in, a picture out: no model is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dagreg.report.plots import Axis, shortened, svg_text, tick_text, ticks

_WIDTH, _HEIGHT = 460.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 448.0, 30.0, 232.0
_MAX_LABEL = 44  # characters of an axis' name


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the curve, and the band there."""

    at: float
    value: float
    low: float
    high: float


def curve_svg(points: Sequence[Point], title: str, across: str, up: str, identity: str = "curve") -> str:
    """The curve over its band, with both axes named. Points that are not finite are left out."""
    kept = [p for p in points if all(abs(v) < 1e100 for v in (p.at, p.value, p.low, p.high))]
    return (
        f'<svg class="forest curve" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} '
        f'{_HEIGHT:.0f}" '
        f'width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" role="img" aria-labelledby="{escape(identity)}-title" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">'
        f'<title id="{escape(identity)}-title">{svg_text(title)}</title>{
            _body(kept, across, up) if kept else ""
        }</svg>'
    )


def _body(points: Sequence[Point], across: str, up: str) -> str:
    x = _axis([p.at for p in points], _LEFT, _RIGHT, 0.0)
    y = _axis([v for p in points for v in (p.low, p.value, p.high)], _BOTTOM, _TOP, 0.05)
    edge = [*((p.at, p.high) for p in points), *((p.at, p.low) for p in reversed(points))]
    marks = "".join(
        f'<circle class="point" cx="{x.at(p.at):.1f}" cy="{y.at(p.value):.1f}" r="2.6"/>' for p in points
    )
    return (
        f'<text class="panel-title" x="1" y="15" font-weight="600">{_name(up)}</text>'
        f'<polygon class="band" points="{_places(edge, x, y)}" fill-opacity="0.18"/>'
        f'<polyline class="line" points="{_places([(p.at, p.value) for p in points], x, y)}" fill="none" '
        f'stroke="currentColor" stroke-width="1.8"/>{marks}{_below(x)}{_beside(y)}'
        f'<text x="{(_LEFT + _RIGHT) / 2:.0f}" y="{_HEIGHT - 8:.0f}" '
        f'text-anchor="middle">{_name(across)}</text>'
    )


def _axis(values: Sequence[float], start: float, end: float, air: float) -> Axis:
    low, high = min(values), max(values)
    room = air * (high - low) if high > low else 1.0
    return Axis(low - room, high + room, start, end)


def _places(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in points)


def _below(x: Axis) -> str:
    line = f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{_BOTTOM}" y2="{_BOTTOM}" {_FAINT}/>'
    marks = (
        f'<line x1="{x.at(v):.1f}" x2="{x.at(v):.1f}" y1="{_BOTTOM}" y2="{_BOTTOM + 5}" {_FAINT}/>'
        f'<text class="tick" x="{x.at(v):.1f}" y="{_BOTTOM + 18}" text-anchor="middle" font-size="11">'
        f"{tick_text(v)}</text>"
        for v in ticks(x.low, x.high)
    )
    return line + "".join(marks)


def _beside(y: Axis) -> str:
    line = f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{_BOTTOM}" {_FAINT}/>'
    marks = (
        f'<line x1="{_LEFT - 5}" x2="{_LEFT}" y1="{y.at(v):.1f}" y2="{y.at(v):.1f}" {_FAINT}/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{y.at(v) + 4:.1f}" text-anchor="end" font-size="11">'
        f"{tick_text(v)}</text>"
        for v in ticks(y.low, y.high)
    )
    return line + "".join(marks)


_FAINT = 'stroke="currentColor" stroke-opacity="0.6"'


def _name(text: str) -> str:
    return svg_text(shortened(text, _MAX_LABEL))
