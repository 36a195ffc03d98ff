"""The report for a terminal: as wide as the console, and as readable without colour as with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dagreg.report.blocks import (
    Banner,
    Block,
    Bullets,
    Code,
    Curve,
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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 110
_LEAST_CELL = 9  # narrower columns break every other word: rows are then written out one under the other


def print_document(document: Document, console: Console) -> None:
    """Write the document to a rich console."""
    _Writer(console).document(document)


class _Writer:
    """Writes blocks to one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, WIDEST)

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
            if isinstance(block, Gallery | Curve):
                continue  # its numbers stand in the tables
            self.blank()
            _WRITERS[type(block)](self, block)

    def blank(self) -> None:
        self.console.print()

    def line(self, text: str, style: str = "", indent: int = 0, mark: str = "") -> None:
        """A paragraph, wrapped, with a hanging indent behind `mark`."""
        from rich.padding import Padding

        hanging = indent + len(mark)
        lines = prose(text, style).wrap(self.console, max(self.width - hanging, 10))
        for i, line in enumerate(lines):
            line.rstrip()
            if i == 0 and mark:
                line = prose(mark) + line
            self.console.print(Padding(line, (0, 0, 0, indent if i == 0 else hanging), expand=False), soft_wrap=True)

    def raw(self, text: str, indent: int = 0) -> None:
        """Lines as they are, never wrapped."""
        for line in text.split("\n"):
            self.console.print(" " * indent + line, markup=False, highlight=False, emoji=False, soft_wrap=True)

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
        self.line(f"{b.caption}:")
        if self.width < _LEAST_CELL * len(b.columns):
            self.records(b)
        else:
            self.grid(b)

    def grid(self, b: Table) -> None:
        from rich import box
        from rich.table import Table as Grid

        grid = Grid(box=box.ASCII2 if self.console.legacy_windows else box.SIMPLE_HEAD, pad_edge=False, safe_box=True)
        for column in b.columns:
            grid.add_column(
                prose(column.title),
                justify="right" if column.numeric else "left",
                no_wrap=column.numeric,
                overflow="fold",
            )
        for i, row in enumerate(b.rows):
            style = "bold" if i in b.strong else "dim" if i in b.muted else ""
            grid.add_row(*map(prose, row), style=style)
        self.console.print(grid, width=self.width)

    def records(self, b: Table) -> None:
        """Each row as a small list, for narrow consoles."""
        for row in b.rows:
            for i, (column, cell) in enumerate(zip(b.columns, row, strict=True)):
                self.line(f"{column.title}: {cell}", mark="- " if i == 0 else "  ")


def prose(text: str, style: str = "") -> Text:
    """Prose as rich text: never parsed as markup, names set apart by colour alone."""
    from rich.text import Text

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
