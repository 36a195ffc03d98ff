"""Located diagnostics: where a mistake stands, what it is, and how to mend it.

Every stage reports mistakes as `Diagnostic` values; `DagregError` carries all of
them together, so that a user sees every mistake of a file in one run. `CODES` documents
every code, `render` draws a diagnostic under its line of the file.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line of a YAML file."""

_WIDEST = 100  # columns of source shown before a line is cut
_TAB = 4
_MANY = 500  # known words above which only those with the same first letter are compared


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a spec file. Lines and columns count from 1; `end` is exclusive."""

    file: str
    line: int
    column: int
    end: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: a stable code, the sentence, where it stands, and what would mend it."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""  # stands behind the carets: "did you mean `coached`?"
    notes: tuple[str, ...] = ()
    severity: Severity = "error"


class DagregError(Exception):
    """The input or the result is at fault (exit code 1): carries every diagnostic found.

    `text` is the file that the spans point into, for `render`; empty where there is none.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], text: str = "") -> None:
        self.diagnostics = diagnostics
        self.text = text
        super().__init__("; ".join(f"[{d.code}] {d.message}" for d in diagnostics))


class SpecError(DagregError):
    """A spec file that does not parse or validate."""


class DataError(DagregError):
    """Data that cannot be read, or do not fit the spec."""


class Diagnostics:
    """Collects the mistakes of one file, so that they are reported together."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def error(self, code: str, message: str, span: Span | None, label: str = "", notes: tuple[str, ...] = ()) -> None:
        self._found.append(Diagnostic(code, message, span, label, notes))

    def __len__(self) -> int:
        return len(self._found)

    def by_place(self) -> tuple[Diagnostic, ...]:
        """Every distinct diagnostic, in the order of the file."""
        return tuple(sorted(dict.fromkeys(self._found), key=_place))


def _place(diagnostic: Diagnostic) -> tuple[int, int, int]:
    span = diagnostic.span
    return (span.line, span.column, span.end) if span else (0, 0, 0)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely stands for, or None."""
    choices = {choice.casefold(): choice for choice in known}
    if len(choices) > _MANY:
        choices = {folded: choice for folded, choice in choices.items() if folded[:1] == word[:1].casefold()}
    found = difflib.get_close_matches(word.casefold()[:200], choices, n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a label; empty where nothing known is close to `word`."""
    match = closest(word, known)
    return f"did you mean `{match}`?" if match is not None else ""


def either(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *others, last = [f"`{word}`" for word in words]
    return f"{', '.join(others)} or {last}" if others else last


# ---------------------------------------------------------------- rendering


def render(diagnostic: Diagnostic, text: str = "") -> str:
    """The diagnostic as shown to the user, its line of `text` underlined; without a final newline."""
    parts = [f"{diagnostic.severity}[{diagnostic.code}]: {_printable(diagnostic.message)}"]
    span = diagnostic.span
    margin = ""
    if span is not None:
        margin = " " * len(str(span.line))
        parts += [
            f"{' ' * max(1, len(margin) - 1)}--> {_printable(span.file)}:{span.line}:{span.column}",
            *_excerpt(span, text, diagnostic.label, margin),
        ]
    elif diagnostic.label:
        parts[0] += f": {_printable(diagnostic.label)}"
    parts += [f"{margin} = {_printable(note)}" for note in diagnostic.notes]
    return "\n".join(parts)


def _excerpt(span: Span, text: str, label: str, margin: str) -> list[str]:
    lines = LINE_BREAK.split(text)
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    before, marked, after = _window(line, span.column - 1, max(span.end, span.column + 1) - 1)
    carets = "^" * max(1, _columns(marked))
    pointer = f"{' ' * _columns(before)}{carets} {_printable(label)}".rstrip()
    shown = f"{before}{marked}{after}".rstrip()
    return [f"{margin} |", f"{span.line} | {shown}".rstrip(), f"{margin} | {pointer}"]


def _window(line: str, start: int, stop: int) -> tuple[str, str, str]:
    """What stands before, in and after the span; long lines are cut around it."""
    before, marked, after = (_printable(part) for part in (line[:start], line[start:stop], line[stop:]))
    if len(before) + len(marked) + len(after) <= _WIDEST:
        return before, marked, after
    if len(marked) > _WIDEST - 20:
        marked, after = f"{marked[: _WIDEST - 23]}...", ""
    room = max(_WIDEST - len(marked), 20)
    right = min(len(after), max(room // 2, room - len(before)))
    left = room - right
    if len(before) > left:
        before = f"...{before[len(before) - left + 3 :]}"
    if len(after) > right:
        after = f"{after[: max(right - 3, 0)]}..."
    return before, marked, after


def _printable(text: str) -> str:
    """Tabs as spaces; control and direction characters escaped, so that no file can steer a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return f"\\u{ord(character):04x}"
    return character


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_column_count(character) for character in text)


def _column_count(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


# ---------------------------------------------------------------- the code table


@dataclass(frozen=True, slots=True)
class Code:
    """A documented code: what it means, a spec that raises it, and that spec mended."""

    title: str
    explanation: str
    bad: str = ""
    good: str = ""


CODES: Mapping[str, Code] = {}
