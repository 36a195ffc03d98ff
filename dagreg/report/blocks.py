"""What a report is made of: a few kinds of block. Sections make them, renderers write them.

Every string is prose in which `backticks` set off names and code. Renderers do the escaping, so a
block may hold any text whatever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dagreg.report.curve import Point
from dagreg.report.drawing import Drawing
from dagreg.report.plots import Panel

Tone = Literal["bad", "caution", "note"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Short answers, each with its name."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`strong` and `muted` are row numbers; what they mean is also said in the cells' words."""

    caption: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """A message that must not be overlooked."""

    tone: Tone
    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """The answer in one number, and in a sentence. `label` says which answer, where there are several."""

    value: str
    unit: str
    interval: str
    sentence: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class LegendItem:
    """One kind of node or arrow in the picture: its CSS class, name and look, and its nodes (`more` are not
    listed).
    """

    css: str
    name: str
    look: str
    nodes: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """The graph. `svg` and `png` draw it on demand and return None where that fails; `edges` stands in for
    it.
    """

    alt: str
    caption: str
    edges: tuple[str, ...]
    legend: tuple[LegendItem, ...]
    svg: Callable[[], str | None]
    png: Callable[[], bytes | None]


@dataclass(frozen=True, slots=True)
class Forest:
    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Drawings under one caption, drawn on demand. `file` names the one of the result's folder that holds
    them.

    `kind` is how they are laid out: one below the other (`column`), in two columns (`pairs`), as many columns
    as there is room for (`grid`), or as they are, in a box that scrolls (`wide`). A `folded` one opens on a
    click. Text leaves them out: the numbers stand in the tables.
    """

    caption: str
    note: str
    kind: Literal["column", "pairs", "grid", "wide"]
    drawings: Callable[[], tuple[Drawing, ...]]
    folded: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A line with its band. Text and Markdown leave it out: its numbers stand in a table."""

    caption: str
    across: str
    up: str
    points: tuple[Point, ...]


Block = Paragraph | Bullets | Facts | Table | Code | Banner | Headline | Picture | Forest | Gallery | Band


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it. `level` 2 starts a part, 3 is within one."""

    title: str
    blocks: tuple[Block, ...]
    level: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    subtitle: str
    sections: tuple[Section, ...]
