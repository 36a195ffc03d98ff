"""The report as a Word document, by python-docx (`pip install dagreg[word]`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dagreg.errors import DagregError, Diagnostic
from dagreg.lazy import Lazy
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
    Table,
)
from dagreg.report.latex import shares
from dagreg.report.markdown import legend_line
from dagreg.report.plots import forest_text
from dagreg.report.prose import runs, visible, visible_lines

if TYPE_CHECKING:
    import docx
    import docx.enum.text
    import docx.shared
else:
    docx = Lazy("docx")

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that equal reports have equal bytes
WIDTH = 15.5  # cm, of a picture
SMALL, CODE = 8, 7  # points
MONO = "Consolas"


def word(document: Document) -> bytes:
    """The document as the bytes of a .docx file. Raises DagregError (DR552) without python-docx."""
    try:
        page = docx.Document()
    except ImportError:
        how = "pip install 'dagreg[word]'"
        raise DagregError(
            (Diagnostic("DR552", f"a Word document takes the package python-docx: {how}"),)
        ) from None
    page.core_properties.title = _plain(document.title)
    page.core_properties.author = ""
    page.core_properties.comments = ""
    page.core_properties.created = page.core_properties.modified = datetime(*EPOCH)
    page.add_heading(_plain(document.title), 0)
    _words(page.add_paragraph(), document.subtitle)
    for section in document.sections:
        page.add_heading(_plain(section.title), section.level - 1)
        for block in section.blocks:
            _WRITERS[type(block)](page, block)
    stream = io.BytesIO()
    page.save(stream)
    return _undated(stream.getvalue())


def _undated(archive: bytes) -> bytes:
    """The same archive without the times at which its files were made."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, EPOCH), old.read(name), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _plain(text: str) -> str:
    return "".join(piece for _, piece in runs(text))


def _words(paragraph: Any, text: str, *, bold: bool = False, size: float | None = None) -> None:
    """Prose in a paragraph, names in a typewriter's letters."""
    for is_name, piece in runs(text):
        run = paragraph.add_run(piece)
        run.bold = bold or None
        if is_name:
            run.font.name = MONO
        if size is not None:
            run.font.size = docx.shared.Pt(size)


def _paragraph(page: Any, b: Paragraph) -> None:
    _words(page.add_paragraph(), b.text)


def _bullets(page: Any, b: Bullets) -> None:
    for item in b.items:
        _words(page.add_paragraph(style="List Bullet"), item)


def _facts(page: Any, b: Facts) -> None:
    for name, value in b.pairs:
        line = page.add_paragraph(style="List Bullet")
        _words(line, f"{name}: ", bold=True)
        _words(line, value)


def _table(page: Any, b: Table) -> None:
    _words(page.add_paragraph(style="Caption"), b.caption)
    table = page.add_table(rows=1, cols=len(b.columns), style="Light List")
    table.autofit = False
    for cell, column in zip(table.rows[0].cells, b.columns, strict=True):
        _cell(cell, column.title, numeric=column.numeric, bold=True)
    for i, row in enumerate(b.rows):
        cells = table.add_row().cells
        for cell, column, text in zip(cells, b.columns, row, strict=True):
            _cell(cell, text, numeric=column.numeric, bold=i in b.strong)
    for column, share in zip(table.columns, shares(b), strict=True):
        for cell in column.cells:
            cell.width = docx.shared.Cm(WIDTH * share)
    page.add_paragraph()


def _cell(cell: Any, text: str, *, numeric: bool, bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    if numeric:
        paragraph.alignment = docx.enum.text.WD_ALIGN_PARAGRAPH.RIGHT
    _words(paragraph, text, bold=bold, size=SMALL)


def _lines(page: Any, text: str) -> None:
    """Lines as they are, in a typewriter's letters."""
    run = page.add_paragraph(style="No Spacing").add_run(visible_lines(text).rstrip("\n"))
    run.font.name, run.font.size = MONO, docx.shared.Pt(CODE)
    page.add_paragraph()


def _code(page: Any, b: Code) -> None:
    """The text; of a program where it is, for its lines are too long for a page."""
    if b.language:
        _words(page.add_paragraph(), f"It is the file `{b.caption}`.")
        return
    if b.caption:
        _words(page.add_paragraph(style="Caption"), b.caption)
    _lines(page, b.text)


def _banner(page: Any, b: Banner) -> None:
    word = {"bad": "Stop", "caution": "Caution", "note": "Note"}[b.tone]
    _words(page.add_paragraph(style="Intense Quote"), f"{word}: {b.title}.")
    _bullets(page, Bullets(b.items))


def _headline(page: Any, b: Headline) -> None:
    line = page.add_paragraph()
    if b.label:
        _words(line, f"{b.label}: ")
    _words(line, f"{b.value}{f' {b.unit}' if b.unit else ''}", bold=True)
    _words(line, f" ({b.interval}). {b.sentence}")


def _picture(page: Any, b: Picture) -> None:
    drawn = b.png()
    if drawn is None:
        _lines(page, "\n".join(map(visible, b.edges)))
    else:
        page.add_picture(io.BytesIO(drawn), width=docx.shared.Cm(WIDTH))
    _words(page.add_paragraph(style="Caption"), b.caption)
    _bullets(page, Bullets(tuple(legend_line(item) for item in b.legend)))


def _forest(page: Any, b: Forest) -> None:
    _words(page.add_paragraph(style="Caption"), b.caption)
    _lines(page, forest_text(b.panels))


def _left_out(page: Any, b: Block) -> None:
    """Drawings whose numbers stand in tables."""


_WRITERS: Mapping[type[Block], Callable[[Any, Any], None]] = {
    Paragraph: _paragraph,
    Bullets: _bullets,
    Facts: _facts,
    Table: _table,
    Code: _code,
    Banner: _banner,
    Headline: _headline,
    Picture: _picture,
    Forest: _forest,
    Gallery: _left_out,
    Band: _left_out,
}
