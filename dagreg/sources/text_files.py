"""Delimited text as it stands in the file: its header, and what is wrong with it where DuckDB
cannot read it.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import BinaryIO

DELIMITERS = (",", ";", "\t", "|")
_HEAD = 50  # lines among which a header may follow a preamble
_MAX_SHOWN = 60  # characters of a line that a message shows
_NUMBERED = re.compile(r"_\d+$")
_MARKS = {
    b"\x1f\x8b": "is compressed with gzip: give it an ending such as `.csv.gz`",
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet: save the table as CSV",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet: save the table as CSV",
    b"\xff\xfe": "is UTF-16: save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)",
    b"\xfe\xff": "is UTF-16: save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)",
    b"PAR1": "is a Parquet file: give it the ending `.parquet`",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The names in the first line of a file, parted in the ways that it allows; the likeliest first."""

    splits: tuple[tuple[str, tuple[str, ...]], ...]  # delimiter and names
    skipped: int = 0  # lines above it

    @property
    def delimiter(self) -> str:
        return self.splits[0][0]

    @property
    def names(self) -> tuple[str, ...]:
        return self.splits[0][1]


def header(path: str, delimiter: str = "") -> Header:
    """The first line of a file that is neither blank nor a comment; no names where there is none.

    Of several delimiters the one with the most fields comes first. Raises OSError where the file cannot be
    read.
    """
    candidates = (delimiter,) if delimiter else DELIMITERS
    head = _head(path)
    above = list(takewhile(lambda line: not line.strip() or line.startswith("#"), head))
    if above and any(
        _heads_numbers(head[len(above) - 1 : len(above) + 1], candidate) for candidate in candidates
    ):
        del above[-1]
    lines = head[len(above) :]
    found = []
    for candidate in candidates:
        names = next(csv.reader(lines, delimiter=candidate), [])
        found.append((candidate, tuple(name.strip() for name in names)))
    most = max(len(names) for _, names in found)
    parted = [split for split in found if len(split[1]) > 1 or most == 1 or len(found) == 1] or found[:1]
    return Header(tuple(sorted(parted, key=lambda split: -len(split[1]))), len(above))


def _heads_numbers(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the first of two lines names the fields of the second, `#` and all: as many, with a number
    among them and none among the names.
    """
    names, fields = (
        [f.strip() for f in next(csv.reader([line], delimiter=delimiter), [])] for line in (*lines, "")[:2]
    )
    return 1 < len(names) == len(fields) and any(map(_is_number, fields)) and not any(map(_is_number, names))


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def fits(names: Sequence[str], heads: Sequence[Header]) -> bool:
    """Whether the columns that a reader has found are those of the headers; a single one's, in number too."""
    if len(heads) > 1:
        known = {_plain(name) for head in heads for _, split in head.splits for name in split}
        return all(_known(name, known) for name in names)
    for _, split in heads[0].splits or (("", ()),):
        own = [_plain(name) for name in split]
        if len(own) == len(names) and all(_known(n, {o}) for n, o in zip(names, own, strict=True)):
            return True
    return not heads[0].names


def _known(name: str, known: Collection[str]) -> bool:
    """Whether this is one of the names, numbered if it stands more than once; columns without one are
    numbered too.
    """
    plain = _plain(name)
    while plain not in known and _NUMBERED.search(plain):
        plain = _NUMBERED.sub("", plain)
    return plain in known or ("" in known and plain.startswith("column"))


def _plain(name: str) -> str:
    return name.strip(" \t\"'").lower()


def has_preamble(path: str, names: Sequence[str]) -> bool:
    """Whether these names stand below lines of a single field, such as a title."""
    return any(_is_titled(path, names, delimiter) for delimiter in DELIMITERS)


def _is_titled(path: str, names: Sequence[str], delimiter: str) -> bool:
    lines = [line for line in _head(path) if not line.startswith("#")]
    for i, fields in enumerate(csv.reader(lines, delimiter=delimiter)):
        if len(names) > 1 and [f.strip() for f in fields] == list(names):
            return i > 0
        if len(fields) > 1:
            return False
    return False


def another_kind(paths: Iterable[str]) -> tuple[str, str] | None:
    """Of the first file that is no plain text by its first bytes, what it is, and what to do."""
    for path in (p for p in paths if not p.lower().endswith(".gz")):
        with open(path, "rb") as stream:
            start = stream.read(4)
        for mark, words in _MARKS.items():
            if start.startswith(mark):
                what, _, remedy = words.partition(": ")
                return f"`{os.path.basename(path)}` {what}", remedy
    return None


def fault(paths: Iterable[str], delimiter: str) -> tuple[str, str] | None:
    """What is wrong with the first file that is not plain text with equal rows, and what to do; None if
    nothing.
    """
    for path in paths:
        found = _not_text(path) or _ragged(path, delimiter)
        if found is not None:
            return found
    return None


def _not_text(path: str) -> tuple[str, str] | None:
    name = os.path.basename(path)
    with _opened(path) as stream:
        for i, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return _encoding(name, i, line, error)
            if b"\x00" in line:
                return (
                    f"line {i} of `{name}` holds a zero byte: the file is no text",
                    "save the table as UTF-8 text",
                )
    return None


def _encoding(name: str, number: int, line: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """Single bytes of western alphabets are Latin-1; those from 80 to 9F are letters in
    Windows-1252 alone.
    """
    windows = any(0x80 <= byte <= 0x9F for byte in line)
    encoding, code = ("Windows-1252", "CP1252") if windows else ("Latin-1", "LATIN1")
    around = line[max(0, error.start - 20) : error.start + 20]
    shown = around.decode("cp1252" if windows else "latin-1", "replace").strip()
    message = (
        f"`{name}` is not UTF-8 (line {number}): it looks like {encoding}, and would read `{shown}` there"
    )
    return message, f"save it as UTF-8, for instance by `iconv -f {code} -t UTF-8`"


def _ragged(path: str, delimiter: str) -> tuple[str, str] | None:
    """The first row with more or fewer fields than the header has; a last field that is empty
    does not count.
    """
    width = 0
    with _opened(path) as stream:
        rows = csv.reader(_lines(stream), delimiter=delimiter)
        try:
            for fields in rows:
                if not fields or (not width and fields[0].startswith("#")):
                    continue
                width = width or len(fields)
                least = len(fields) - (fields[-1] == "")
                if not least <= width <= len(fields):
                    where = f"line {rows.line_num} of `{os.path.basename(path)}`"
                    shown = delimiter.join(fields)
                    shown = f"{shown[:_MAX_SHOWN]}..." if len(shown) > _MAX_SHOWN else shown
                    counts = f"has {_fields(len(fields))}, and the header {_fields(width)}"
                    return (
                        f"{where} {counts}: `{shown}`",
                        "delete lines that are no rows, such as totals and titles",
                    )
        except csv.Error as error:
            return f"line {rows.line_num} of `{os.path.basename(path)}` is no row: {error}", ""
    return None


def _fields(count: int) -> str:
    return f"{count} field{'s' * (count != 1)}"


def _head(path: str) -> list[str]:
    with _opened(path) as stream:
        return list(islice(_lines(stream), _HEAD))


def _lines(stream: BinaryIO) -> Iterator[str]:
    for i, line in enumerate(stream):
        yield line.decode("utf-8-sig" if i == 0 else "utf-8", "replace")


def _opened(path: str) -> BinaryIO:
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]  # GzipFile reads as a binary stream
    return open(path, "rb")
