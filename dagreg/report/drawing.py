"""Drawings as values: a size, the SVG inside, and what it shows in words; several make a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dagreg.report.prose import visible

_GAP = 18.0
# A file of its own follows the reader's theme; within a page the page's colours hold.
_ALONE = "<style>svg{color:#20252b}@media (prefers-color-scheme:dark){svg{color:#e3e7ec}}</style>"


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG elements within `width` x `height`, in currentColor; `title` is its text alternative."""

    width: float
    height: float
    body: str
    title: str
    css: str = "plot"


def element(drawing: Drawing, identity: str, *, alone: bool = False) -> str:
    """The drawing as an SVG element; `alone` where it is a file and not part of a page."""
    style = _ALONE if alone else ""
    return (
        f'<svg class="{drawing.css}" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}" width="{drawing.width:.0f}" '
        f'height="{drawing.height:.0f}" role="img" aria-labelledby="{escape(identity)}-title" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">'
        f'<title id="{escape(identity)}-title">{escape(visible(drawing.title))}</title>'
        f"{style}{drawing.body}</svg>\n"
    )


def sheet(drawings: Sequence[Drawing], title: str, columns: int = 2) -> Drawing:
    """Several drawings as one, row by row."""
    body, top, widest = [], 0.0, 0.0
    for start in range(0, len(drawings), columns):
        row, left = drawings[start : start + columns], 0.0
        for drawing in row:
            body.append(f'<g transform="translate({left:.0f} {top:.0f})">{drawing.body}</g>')
            left += drawing.width + _GAP
        widest = max(widest, left - _GAP)
        top += max(d.height for d in row) + _GAP
    return Drawing(widest, max(top - _GAP, 0.0), "".join(body), title)
