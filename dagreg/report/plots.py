"""The forest plot, as SVG and as plain text. Plain values in, a picture out: no model is known here."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from dagreg.report.prose import visible

Emphasis = Literal["primary", "plain", "muted"]

_WIDTH, _MARGIN, _EDGE = 460.0, 1.0, 8.0
_ROW, _TITLE, _AXIS = 40.0, 26.0, 42.0
_LABEL_LENGTH = 44
_BOLD_LENGTH = 33  # the primary's label is bold


@dataclass(frozen=True, slots=True)
class Row:
    """A point with its interval. `text` is the number in print."""

    label: str
    point: float
    low: float
    high: float
    text: str
    emphasis: Emphasis = "plain"


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows on one axis: of one scale, that is. `null` is its value of no effect, where a line is drawn."""

    title: str
    rows: tuple[Row, ...]
    null: float = 0.0


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to places: `low` stands at `left`, `high` at `right`."""

    low: float
    high: float
    left: float
    right: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)


def forest_svg(panels: Sequence[Panel], title: str, identity: str = "forest") -> str:
    """One SVG with a panel for each scale.

    Colours come from CSS classes, with a fallback for use on its own.
    """
    heights = [_TITLE + _ROW * len(p.rows) + _AXIS for p in panels]
    body, top = [], 0.0
    for panel, height in zip(panels, heights, strict=True):
        body.append(f'<g transform="translate(0 {top:.0f})">{_panel(panel)}</g>')
        top += height
    return (
        f'<svg class="forest" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {top:.0f}" '
        f'width="{_WIDTH:.0f}" height="{top:.0f}" role="img" aria-labelledby="{escape(identity)}-title" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">'
        f'<title id="{escape(identity)}-title">{svg_text(title)}</title>{"".join(body)}</svg>'
    )


def _panel(panel: Panel) -> str:
    axis = _axis(panel.rows, _EDGE, _WIDTH - _EDGE, panel.null)
    bottom = _TITLE + _ROW * len(panel.rows)
    parts = [
        f'<text class="panel-title" x="{_MARGIN:.0f}" y="15" '
        f'font-weight="600">{svg_text(panel.title)}</text>',
        *(
            _row(row, label, axis, _TITLE + i * _ROW, panel.null)
            for i, (row, label) in enumerate(zip(panel.rows, _labels(panel.rows), strict=True))
        ),
        f'<line class="axis" x1="{axis.left:.1f}" x2="{axis.right:.1f}" y1="{bottom:.0f}" y2="{bottom:.0f}" '
        f'stroke="currentColor" stroke-opacity="0.6"/>',
        *(tick(value, axis, bottom) for value in ticks(axis.low, axis.high)),
    ]
    return "".join(parts)


def _labels(rows: Sequence[Row]) -> list[str]:
    lengths = [_BOLD_LENGTH if row.emphasis == "primary" else _LABEL_LENGTH for row in rows]
    return told_apart([row.label for row in rows], lengths)


def _row(row: Row, shown: str, axis: Axis, top: float, null: float) -> str:
    label = visible(row.label)
    words = (
        f'<text x="{_MARGIN:.0f}" y="{top + 14:.0f}">{svg_text(shown)}</text>'
        f'<text class="value" x="{_WIDTH - _MARGIN:.0f}" y="{top + 14:.0f}" text-anchor="end">'
        f"{svg_text(row.text.replace('-', chr(0x2212)))}</text>"
    )
    title = f"<title>{svg_text(f'{label}: {row.text}')}</title>"
    return f'<g class="row {row.emphasis}">{title}{words}{_marks(row, axis, top, null)}</g>'


def _marks(row: Row, axis: Axis, top: float, null: float) -> str:
    y, at_zero = top + 27, axis.at(null)
    zero = (
        f'<line class="zero" x1="{at_zero:.1f}" x2="{at_zero:.1f}" y1="{top + 19:.0f}" y2="{top + 36:.0f}" '
        f'stroke="currentColor" stroke-opacity="0.5"/>'
    )
    if not _has_place(row):
        return zero
    width = 2.6 if row.emphasis == "primary" else 1.6
    line = (
        f'<line class="interval" x1="{axis.at(row.low):.1f}" x2="{axis.at(row.high):.1f}" y1="{y:.0f}" '
        f'y2="{y:.0f}" '
        f'stroke="currentColor" stroke-width="{width}"/>'
    )
    filled = 'fill="currentColor"' if row.emphasis != "muted" else 'fill="none"'
    radius = 5.0 if row.emphasis == "primary" else 3.8
    point = (
        f'<circle class="point" cx="{axis.at(row.point):.1f}" cy="{y:.0f}" r="{radius}" {filled} '
        f'stroke="currentColor" stroke-width="1.4"/>'
    )
    return zero + line + point


def _has_place(row: Row) -> bool:
    """Whether its numbers can be drawn: finite, and not so large that arithmetic on them overflows."""
    return all(abs(value) < 1e100 for value in (row.point, row.low, row.high))


def tick(value: float, axis: Axis, y: float) -> str:
    """A mark and its number below a horizontal axis at height `y`."""
    x = axis.at(value)
    anchor = "start" if x < axis.left + 14 else "end" if x > axis.right - 14 else "middle"
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.0f}" y2="{y + 5:.0f}" stroke="currentColor" '
        'stroke-opacity="0.6"/>'
        f'<text class="tick" x="{x:.1f}" y="{y + 18:.0f}" text-anchor="{anchor}" font-size="11">'
        f"{tick_text(value)}</text>"
    )


def _axis(rows: Iterable[Row], left: float, right: float, null: float) -> Axis:
    """An axis that holds every interval and the value of no effect, with a little air."""
    values = [v for row in rows if _has_place(row) for v in (row.low, row.point, row.high)]
    low, high = min([null, *values]), max([null, *values])
    air = 0.05 * (high - low) or 1.0
    return Axis(low - air, high + air, left, right)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within [low, high], some `about` of them.

    >>> ticks(-0.13, 0.42)
    [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    raw = (high - low) / about
    if not (math.isfinite(raw) and raw > 0):
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.8)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def tick_text(value: float) -> str:
    """A number beside an axis."""
    return format(value, "g").replace("-", "\u2212")


def svg_text(text: str) -> str:
    """Text for an SVG: escaped, every character visible."""
    return escape(visible(text))


def shortened(text: str, length: int) -> str:
    """At most `length` characters, all visible; the last an ellipsis where some are left out."""
    shown = visible(text)
    return shown if len(shown) <= length else shown[: length - 1] + "\u2026"


def told_apart(texts: Sequence[str], lengths: Sequence[int]) -> list[str]:
    """Each text in at most so many characters, and no two alike that differ: the middle goes where the end
    tells.

    >>> told_apart(["the level north", "the level south", "short"], [9, 9, 9])
    ['the …orth', 'the …outh', 'short']
    """
    short = [shortened(text, length) for text, length in zip(texts, lengths, strict=True)]
    for shown in [s for s in dict.fromkeys(short) if short.count(s) > 1]:
        alike = [i for i, s in enumerate(short) if s == shown]
        whole = [visible(texts[i]) for i in alike]
        if len(set(whole)) > 1:
            length = min(lengths[i] for i in alike)
            for i, label in zip(alike, _without_middles(whole, length), strict=True):
                short[i] = label
    return short


def _without_middles(texts: Sequence[str], length: int) -> list[str]:
    """The texts' beginnings and ends, as much of the beginning as leaves them different; else they are
    numbered.
    """
    for head in range(length // 2, -1, -1):
        tail = length - 1 - head
        short = [f"{text[:head]}\u2026{text[-tail:]}" for text in texts]
        if len(set(short)) == len(set(texts)):
            return short
    place = {text: i for i, text in enumerate(dict.fromkeys(texts), 1)}
    marks = [f"\u2026 ({place[text]})" for text in texts]
    return [text[: max(length - len(mark), 0)] + mark for text, mark in zip(texts, marks, strict=True)]


def forest_text(panels: Sequence[Panel], width: int = 78) -> str:
    """The same plot in characters: `*` the point, dashes the interval, `|` no effect."""
    blocks = [_panel_text(panel, width) for panel in panels]
    return "\n\n".join(blocks)


def _panel_text(panel: Panel, width: int) -> str:
    """A row for each point; where labels are long each stands on a line of its own, for none is cut."""
    labels = [visible(row.label) for row in panel.rows]
    longest = max(map(len, labels), default=0)
    beside = longest <= max(9 * width // 20, 10)
    indent = longest + 2 if beside else 2
    axis = _axis(panel.rows, 0, max(width - indent - 1, 10), panel.null)
    lines = _folded(visible(panel.title), width)
    for label, row in zip(labels, panel.rows, strict=True):
        if not beside:
            lines += _folded(label, width)
        lines.append(f"{label if beside else '':<{indent}}{_row_text(row, axis, panel.null)}".rstrip())
    lines.append(" " * indent + _axis_text(axis))
    return "\n".join(lines)


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _row_text(row: Row, axis: Axis, null: float) -> str:
    cells = [" "] * (int(axis.right) + 1)
    cells[round(axis.at(null))] = "|"
    if _has_place(row):
        for i in range(round(axis.at(row.low)), round(axis.at(row.high)) + 1):
            cells[i] = "=" if row.emphasis == "primary" else "-"
        cells[round(axis.at(row.point))] = "o" if row.emphasis == "muted" else "*"
    return "".join(cells)


def _axis_text(axis: Axis) -> str:
    cells = [" "] * (int(axis.right) + 1)
    free = 0
    for value in ticks(axis.low, axis.high):
        word = format(value, "g")
        start = round(axis.at(value)) - len(word) // 2
        if start >= free and start + len(word) <= len(cells):
            cells[start : start + len(word)] = word
            free = start + len(word) + 1
    return "".join(cells).rstrip()
