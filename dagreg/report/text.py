"""The report for a terminal: as wide as the console, and as readable without colour as with it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from dagreg.report.blocks import (
    Band,
    Banner,
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    Forest,
    Gallery,
    Headline,
    Paragraph,
    Picture,
    Section,
    Table,
)
from dagreg.report.markdown import legend_nodes
from dagreg.report.plots import forest_text
from dagreg.report.prose import runs, visible, visible_lines

MAX_WIDTH = 110
_EDGES, _GAP = 2, 3  # what a table takes beside its columns, and between two of them
_NARROW = 60  # a console below this
_MAX_LINES = 4  # of a row of a table that has numbers; words that need more stand above them


def print_document(document: Document, console: Console) -> None:
    """Write the document to a rich console."""
    _Writer(console).document(document)


class _Writer:
    """Writes blocks to one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, MAX_WIDTH)

    def document(self, document: Document) -> None:
        self.line(document.title, "bold")
        self.line(document.subtitle)
        for section in document.sections:
            self.section(section)

    def section(self, section: Section) -> None:
        self.blank()
        self.line(section.title, "bold")
        rule = "=" if section.level == 2 else "-"
        self.raw(rule * min(self.width, len("".join(piece for _, piece in runs(section.title)))))
        for block in section.blocks:
            if isinstance(block, Gallery | Band):
                continue  # its numbers stand in the tables
            self.blank()
            _WRITERS[type(block)](self, block)

    def blank(self) -> None:
        self.console.print()

    def line(self, text: str, style: str = "", indent: int = 0, mark: str = "") -> None:
        """A paragraph, wrapped, with a hanging indent behind `mark`."""
        hanging = indent + len(mark)
        lines = prose(text, style).wrap(self.console, max(self.width - hanging, 10))
        for i, line in enumerate(lines):
            line.rstrip()
            if i == 0 and mark:
                line = prose(mark) + line
            self.console.print(
                Padding(line, (0, 0, 0, indent if i == 0 else hanging), expand=False), soft_wrap=True
            )

    def raw(self, text: str, indent: int = 0) -> None:
        """Lines as they are, never wrapped."""
        for line in text.split("\n"):
            self.console.print(
                " " * indent + line, markup=False, highlight=False, emoji=False, soft_wrap=True
            )

    def paragraph(self, b: Paragraph) -> None:
        self.line(b.text)

    def bullets(self, b: Bullets) -> None:
        for item in b.items:
            self.line(item, mark="- ")

    def facts(self, b: Facts) -> None:
        for name, value in b.pairs:
            self.line(f"{name}: {value}", mark="- ")

    def code(self, b: Code) -> None:
        if b.caption:
            self.line(f"{b.caption}:")
        self.raw(visible_lines(b.text).rstrip("\n"), indent=4)

    def banner(self, b: Banner) -> None:
        word = {"bad": "STOP", "caution": "Caution", "note": "Note"}[b.tone]
        self.line(f"{word}: {b.title}.", "bold red" if b.tone == "bad" else "bold yellow")
        for item in b.items:
            self.line(item, indent=2, mark="- ")

    def headline(self, b: Headline) -> None:
        unit = f" {b.unit}" if b.unit else ""
        label = f"{b.label}: " if b.label else ""
        self.line(f"{label}{b.value}{unit}   ({b.interval})", "bold")
        self.line(b.sentence)

    def picture(self, b: Picture) -> None:
        for edge in b.edges:
            self.raw(visible(edge), indent=4)
        for item in b.legend:
            if item.nodes:
                self.line(f"{item.name}: {legend_nodes(item)}", mark="- ")

    def forest(self, b: Forest) -> None:
        null = "zero" if all(panel.null == 0.0 for panel in b.panels) else "no effect"
        self.line(f"{b.caption} (`*` the mean, `|` {null})")
        self.raw(forest_text(b.panels, self.width - 2), indent=2)

    def table(self, b: Table) -> None:
        """As a grid where every word fits its column; else the numbers in columns, or each row as a list."""
        self.line(f"{b.caption}:")
        numbers = [i for i, column in enumerate(b.columns) if column.numeric]
        every = self.widths(b, range(len(b.columns)))
        below = self.widths(b, numbers) if numbers and not b.columns[0].numeric else None
        if every is not None and (below is None or _height(b, every) <= _MAX_LINES):
            self.grid(b, every)
        elif below is not None:
            self.numbers_below(b, numbers, below)
        elif every is not None:
            self.grid(b, every)
        else:
            self.records(b)

    def widths(self, b: Table, places: Iterable[int]) -> list[int] | None:
        """A width for each of these columns, none narrower than its longest word; None where they
        do not fit.
        """
        least, most = [], []
        for i in places:
            cells = [_plain(text) for text in (b.columns[i].title, *(row[i] for row in b.rows))]
            most.append(max(map(cell_len, cells)))
            words = cells if b.columns[i].numeric else [word for cell in cells for word in cell.split()]
            least.append(max(map(cell_len, words), default=1))
        room = self.width - _EDGES - _GAP * (len(least) - 1)
        if sum(least) > room:
            return None
        level = max(most, default=0)
        while (
            sum(wanted := [max(low, min(high, level)) for low, high in zip(least, most, strict=True)]) > room
        ):
            level -= 1
        return wanted

    def grid(self, b: Table, widths: Sequence[int]) -> None:
        grid = Grid(
            box=box.ASCII2 if self.console.legacy_windows else box.SIMPLE_HEAD, pad_edge=False, safe_box=True
        )
        for column, width in zip(b.columns, widths, strict=True):
            side: Literal["left", "right"] = "right" if column.numeric else "left"
            grid.add_column(prose(column.title), justify=side, width=width, overflow="fold")
        for i, row in enumerate(b.rows):
            grid.add_row(*map(prose, row), style=_style(b, i))
        self.console.print(grid, width=self.width)

    def numbers_below(self, b: Table, numbers: Sequence[int], widths: Sequence[int]) -> None:
        """The words of each row on lines of their own, its numbers below them, in columns."""
        rest = [i for i in range(len(b.columns)) if i not in numbers]
        room = _EDGES + sum(widths) + _GAP * (len(widths) - 1)
        indent = " " * min(4, 1 + self.width - room)

        def in_columns(cells: Iterable[str]) -> Text:
            line = prose(indent)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True)):
                words = prose(cell)
                words.pad_left(width - words.cell_len + (_GAP if k else 0))
                line.append_text(words)
            return line

        self.blank()
        self.console.print(in_columns(b.columns[i].title for i in numbers), style="bold", soft_wrap=True)
        bare = self.console.legacy_windows or self.console.options.ascii_only
        self.raw(" " + ("-" if bare else "\u2500") * (self.width - 2))
        for i, row in enumerate(b.rows):
            titles = [
                b.columns[j].title if k == 0 else _lowered(b.columns[j].title) for k, j in enumerate(rest)
            ]
            words = [f"{title}: {row[j]}" for title, j in zip(titles, rest, strict=True) if row[j]]
            self.line("; ".join(words), _style(b, i), indent=1)
            self.console.print(in_columns(row[j] for j in numbers), style=_style(b, i), soft_wrap=True)
        self.blank()

    def records(self, b: Table) -> None:
        """Each row as a sentence of its own, on a narrow console as a small list."""
        for row in b.rows:
            if self.width >= _NARROW:
                cells = [(c.title, cell) for c, cell in zip(b.columns, row, strict=True) if cell]
                words = [
                    f"{_lowered(title) if i else title}: {cell}" for i, (title, cell) in enumerate(cells)
                ]
                self.line("; ".join(words), mark="- ")
                continue
            for i, (column, cell) in enumerate(zip(b.columns, row, strict=True)):
                self.line(f"{column.title}: {cell}", mark="- " if i == 0 else "  ")


def _style(b: Table, row: int) -> str:
    return "bold" if row in b.strong else "dim" if row in b.muted else ""


def _plain(text: str) -> str:
    return "".join(piece for _, piece in runs(text))


def _lowered(title: str) -> str:
    """A column's title within a line."""
    return title if title.startswith("`") else title[:1].lower() + title[1:]


def _height(b: Table, widths: Sequence[int]) -> int:
    """Lines of the tallest row, of columns of these widths."""
    cells = [(_plain(cell), width) for row in b.rows for cell, width in zip(row, widths, strict=True)]
    return max((len(textwrap.wrap(cell, width)) for cell, width in cells), default=1)


def prose(text: str, style: str = "") -> Text:
    """Prose as rich text: never parsed as markup, names set apart by colour alone."""
    words = Text(style=style)
    for is_name, piece in runs(text):
        words.append(piece, style="cyan" if is_name else "")
    return words


def _writers() -> Iterator[tuple[type[Block], Callable[[_Writer, Any], None]]]:
    yield Paragraph, _Writer.paragraph
    yield Bullets, _Writer.bullets
    yield Facts, _Writer.facts
    yield Table, _Writer.table
    yield Code, _Writer.code
    yield Banner, _Writer.banner
    yield Headline, _Writer.headline
    yield Picture, _Writer.picture
    yield Forest, _Writer.forest


_WRITERS: Mapping[type[Block], Callable[[_Writer, Any], None]] = dict(_writers())
