"""The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from dagreg.report.blocks import Band, Document, Forest, Gallery, Picture
from dagreg.report.curve import curve_svg
from dagreg.report.drawing import element
from dagreg.report.looks import night_css, swatch
from dagreg.report.plots import forest_svg
from dagreg.report.prose import runs, visible, visible_lines

TEMPLATES = Path(__file__).parent / "templates"
_ARROW = re.compile(r"&lt;-&gt;|-&gt;|&lt;-")
_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\d)")


def html(document: Document) -> str:
    """The document as a page, self-contained."""
    return _environment().get_template("report.html").render(document=document)


class _Beside(jinja2.BytecodeCache):
    """Compiled templates beside their sources, where Python keeps its own compiled modules."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError, ValueError, EOFError, TypeError), self._place(bucket.key).open("rb") as stream:
            bucket.load_bytecode(stream)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        place = self._place(bucket.key)
        with suppress(OSError):  # a folder that is closed to the user: the template is compiled each time
            place.parent.mkdir(exist_ok=True)
            half = place.with_suffix(f".{os.getpid()}")
            half.write_bytes(bucket.bytecode_to_string())
            half.replace(place)

    def _place(self, key: str) -> Path:
        return Path(cache_from_source(str(TEMPLATES / f"{key}.html")))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (TEMPLATES / name).read_text(encoding="utf-8")),
        bytecode_cache=_Beside(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        prose=_prose,
        plain=_plain,
        code=visible_lines,
        visible=visible,
        kind=lambda block: type(block).__name__.lower(),  # of the macro that writes it
        drawn=_drawn,
        plotted=_plotted,
        hung=_hung,
        curved=_curved,
        swatch=lambda css: Markup(swatch(css)),
    )
    environment.globals["night_css"] = lambda: Markup(night_css())
    return environment


def _prose(text: str) -> Markup:
    """Prose with names as code, everything escaped, and real minus signs before numbers."""
    pieces = (
        Markup("<code>{}</code>").format(_unbroken(piece))
        if is_name
        else _unbroken(_MINUS.sub("\u2212", piece))
        for is_name, piece in runs(text)
    )
    return Markup("").join(pieces)


def _unbroken(text: str) -> Markup:
    """Text, escaped, in which no line breaks within an arrow."""
    return Markup(_ARROW.sub(r'<span class="arrow">\g<0></span>', str(escape(text))))


def _plain(text: str) -> str:
    """Prose without its marks, for attributes and the page's title."""
    return "".join(piece for _, piece in runs(text))


def _drawn(picture: Picture) -> Markup | None:
    drawing = picture.svg()
    return None if drawing is None else Markup(drawing)  # made by `draw`, which escapes every name


def _plotted(forest: Forest, identity: str) -> Markup:
    return Markup(
        forest_svg(forest.panels, forest.caption, identity)
    )  # made by `plots`, which escapes every label


def _hung(gallery: Gallery, identity: str) -> list[Markup]:
    drawings = enumerate(gallery.drawings(), 1)
    return [Markup(element(d, f"{identity}-{i}")) for i, d in drawings]  # drawings escape what they are given


def _curved(curve: Band, identity: str) -> Markup:
    title, across, up = map(_plain, (curve.caption, curve.across, curve.up))
    return Markup(curve_svg(curve.points, title, across, up, identity))  # which escapes every word
