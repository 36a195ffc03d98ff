"""The report as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

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
    LegendItem,
    Paragraph,
    Picture,
    Section,
    Table,
)
from dagreg.report.plots import forest_text
from dagreg.report.prose import listed, runs, visible, visible_lines

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#&])")
_LIST_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$|[-=])")


def markdown(document: Document, picture: str | None = None, files: Collection[str] = ()) -> str:
    """The document as Markdown. `picture` is the file of the first graph's drawing, where there is one.

    `files` are those of the galleries' that are beside it; the others are left out, their numbers stand in
    tables.
    """
    pictures, left = [picture] if picture else [], set(files)
    parts = [f"# {prose(document.title)}", prose(document.subtitle)]
    for section in document.sections:
        parts += _section(section, pictures, left)
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, pictures: list[str], files: set[str]) -> list[str]:
    return [
        f"{'#' * section.level} {prose(section.title)}",
        *(_block(block, pictures, files) for block in section.blocks),
    ]


def _block(block: Block, pictures: list[str], files: set[str]) -> str:
    match block:
        case Picture():
            return _picture(block, pictures)
        case Gallery():
            return _gallery(block, files)
        case _:
            return _WRITERS[type(block)](block)


def prose(text: str) -> str:
    """Prose with names as code spans and every character of Markdown escaped."""
    words = "".join(
        _code_span(piece) if is_name else _SPECIAL.sub(r"\\\1", piece) for is_name, piece in runs(text)
    )
    return _LIST_START.sub(r"\1\\\2", words)


def _code_span(text: str) -> str:
    inside = f" {text} " if text.startswith(" ") and text.endswith(" ") and text.strip() else text
    return f"`{inside}`"


def _cell(text: str) -> str:
    """A cell of a table, where a bar must be escaped in code spans too."""
    pieces = (
        _code_span(p).replace("|", "\\|") if is_name else _SPECIAL.sub(r"\\\1", p)
        for is_name, p in runs(text)
    )
    return "".join(pieces)


def _table(b: Table) -> str:
    head = _row(tuple(c.title for c in b.columns))
    rule = "|" + "|".join(" ---: " if c.numeric else " --- " for c in b.columns) + "|"
    rows = [_row(row, strong=i in b.strong) for i, row in enumerate(b.rows)]
    return f"*{prose(b.caption)}*\n\n" + "\n".join([head, rule, *rows])


def _row(cells: tuple[str, ...], strong: bool = False) -> str:
    words = [_cell(c) for c in cells]
    if strong and words[0]:
        words[0] = f"**{words[0]}**"
    return "| " + " | ".join(words) + " |"


def _code(b: Code) -> str:
    text = visible_lines(b.text).rstrip("\n")
    caption = f"{prose(b.caption)}:\n\n" if b.caption else ""
    return caption + _fenced(text, b.language)


def _fenced(text: str, language: str = "") -> str:
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _banner(b: Banner) -> str:
    kind = {"bad": "CAUTION", "caution": "WARNING", "note": "NOTE"}[b.tone]
    items = [f"> - {prose(item)}" for item in b.items]
    return "\n".join([f"> [!{kind}]", f"> **{prose(b.title)}**", ">", *items])


def _headline(b: Headline) -> str:
    label = f"{prose(b.label)}: " if b.label else ""
    unit = f" {prose(b.unit)}" if b.unit else ""
    return f"{label}**{prose(b.value)}**{unit} ({prose(b.interval)})\n\n{prose(b.sentence)}"


def _picture(b: Picture, pictures: list[str]) -> str:
    drawn = (
        f"![{prose(b.alt)}]({pictures.pop()})"
        if pictures
        else _fenced(visible_lines("\n".join(map(visible, b.edges))))
    )
    return "\n\n".join(
        [drawn, prose(b.caption), "\n".join(f"- {prose(legend_line(item))}" for item in b.legend)]
    )


def _gallery(b: Gallery, files: set[str]) -> str:
    """A link to its file, which holds the first gallery of that name; how to read it is its title, on the
    same line.
    """
    if b.file not in files:
        return ""
    files.remove(b.file)
    note = "".join(piece for _, piece in runs(b.note)).replace("\\", "").replace('"', "'")
    return f"![{prose(b.caption)}]({b.file}{f' "{note}"' if note else ''})"


def legend_line(item: LegendItem) -> str:
    """A legend's entry in words."""
    return f"{item.name} ({item.look}){f': {legend_nodes(item)}' if item.nodes else ''}"


def legend_nodes(item: LegendItem) -> str:
    return f"{listed(item.nodes)}, and {item.more:,} more" if item.more else listed(item.nodes)


_WRITERS: Mapping[type[Block], Callable[[Any], str]] = {
    Paragraph: lambda b: prose(b.text),
    Bullets: lambda b: "\n".join(f"- {prose(item)}" for item in b.items),
    Facts: lambda b: "\n".join(f"- **{prose(name)}:** {prose(value)}" for name, value in b.pairs),
    Table: _table,
    Code: _code,
    Banner: _banner,
    Headline: _headline,
    Forest: lambda b: f"*{prose(b.caption)}*\n\n{_fenced(forest_text(b.panels))}",
    Band: lambda curve: "",
}
