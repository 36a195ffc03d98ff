"""Graphs of other programs in and out: one format a file, each with a reader and a writer of `Spec`.

    read = convert.read(text, "dagitty")        # .spec, and .notes on what of the text has no place in a spec
    written = convert.write(spec, "lavaan")     # .text, and .notes on what of the spec it leaves out

`convert.networkx` has the same for networkx graphs. Formats are imported when they are first used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Any

from dagreg.errors import Diagnostic, Span, SpecError, did_you_mean, either
from dagreg.spec.convert.draft import Read, Written
from dagreg.spec.source import MAX_BYTES
from dagreg.spec.types import Spec

__all__ = [
    "FORMATS",
    "Format",
    "Read",
    "Written",
    "detect",
    "format_of_ending",
    "format_to_write",
    "read",
    "write",
]


@dataclass(frozen=True, slots=True)
class GraphFormat:
    """A format: the endings of its files, and a pattern that only its texts match, for files that do not
    tell.
    """

    endings: tuple[str, ...]
    pattern: str


FORMATS: Mapping[str, GraphFormat] = {
    "yaml": GraphFormat((".yaml", ".yml"), r"^(edges|nodes|dagreg)\s*:"),
    "dagitty": GraphFormat((".dagitty",), r"\A(strict\s+)?(dag|pdag|mag|pag)\b[^\[{]*\{|->|<-"),
    "dot": GraphFormat((".dot", ".gv"), r"\A(strict\s+)?(di)?graph\b[^\[{]*\{"),
    "gml": GraphFormat((".gml",), r"^[^\S\n]*graph\s*\["),
    "lavaan": GraphFormat((".lav", ".lavaan"), r"[\w.][^\S\n]*(=~|~)"),
}
"""By name; `detect` tries their patterns in the order of `_ORDER`."""

_LOOKED_AT = 10_000  # characters of a file that does not tell its format
_ORDER = ("dot", "gml", "yaml", "lavaan", "dagitty")
_COMMENT = re.compile(r"/\*.*?\*/|(?://|#|!)[^\n]*", re.DOTALL)


def format_of_ending(path: str) -> str | None:
    """The format that the ending of a file names, or None."""
    ending = PurePath(path).suffix.lower()
    return next((name for name, format in FORMATS.items() if ending in format.endings), None)


def format_to_write(path: str) -> str:
    """The format that the ending of a file asks for. Raises SpecError (DR170) where it asks for none."""
    if (named := format_of_ending(path)) is not None:
        return named
    label = f"name it with `--to`: {either(FORMATS)}"
    raise SpecError((Diagnostic("DR170", f"the ending of {path} names no format", label=label),))


def detect(path: str, text: str) -> str:
    """The format of a file by its ending, else by its text.

    Raises SpecError (DR170) where neither tells.
    """
    if (named := format_of_ending(path)) is not None:
        return named
    bare = _COMMENT.sub("", text[:_LOOKED_AT]).strip()
    for name in _ORDER:
        if re.search(FORMATS[name].pattern, bare, re.MULTILINE):
            return name
    message = f"cannot tell what format {path} has"
    raise SpecError((Diagnostic("DR170", message, label=f"name it with `--from`: {either(FORMATS)}"),))


def read(text: str, format: str, *, file: str = "<text>") -> Read:
    """The spec of a text in one of `FORMATS`. `file` is what messages call it, its stem what the spec is
    called.

    Raises SpecError with the mistakes of the text.
    """
    module = _module(format)
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        label = "a graph is short; data go in a file of their own"
        raise SpecError(
            (Diagnostic("DR107", "the file is larger than 1 MB", Span(file, 1, 1, 1), label),), text
        )
    name = "graph" if file.startswith("<") else PurePath(file).stem or "graph"
    read_: Read = module.read(text, name, file)
    return read_


def write(spec: Spec, format: str) -> Written:
    """The spec as a text in one of `FORMATS`.

    Raises SpecError (DR173) with the names that the format cannot hold.
    """
    written: Written = _module(format).write(spec)
    return written


def _module(format: str) -> Any:
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS) or f"one of {either(FORMATS)}"
        raise SpecError((Diagnostic("DR170", f"unknown format `{format}`", label=hint),))
    return import_module(f"dagreg.spec.convert.{format}")
