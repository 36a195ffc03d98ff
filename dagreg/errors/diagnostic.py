"""What a diagnostic says and where it stands, and the exceptions that carry diagnostics."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dagreg.errors.secrets import redacted

Severity = Literal["error", "warning"]

MANY_WORDS = 500  # known words above which only those with the same first letter are compared


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a spec file. Lines and columns count from 1; `end` is exclusive."""

    file: str
    line: int
    column: int
    end: int


@dataclass(frozen=True, slots=True)
class Offence:
    """The rows at fault: those where `condition` holds, SQL in which `{number}` and `{text}` are the column's value.

    Without a condition, those of a column of text that hold no number.
    """

    column: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: a stable code, the sentence, where it stands, and what would mend it; never a password.

    `offence` says which rows of the data are at fault; a stage that has the data puts the first of them in a note.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""  # stands behind the carets: "did you mean `coached`?"
    notes: tuple[str, ...] = ()
    severity: Severity = "error"
    offence: Offence | None = None

    def __str__(self) -> str:
        """All that the command line says, but for the line of the spec."""
        place = f" ({self.span.file}:{self.span.line}:{self.span.column})" if self.span is not None else ""
        head = f"[{self.code}] {self.message}{place}" + (f": {self.label}" if self.label else "")
        return "\n".join([head, *(f"  {note}" for note in self.notes)])

    def __post_init__(self) -> None:
        for name in ("message", "label"):
            object.__setattr__(self, name, redacted(getattr(self, name)))
        object.__setattr__(self, "notes", tuple(map(redacted, self.notes)))


class DagregError(Exception):
    """The input or the result is at fault (exit code 1): carries every diagnostic found.

    `text` is the file that the spans point into, for `render`; empty where there is none.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], text: str = "") -> None:
        self.diagnostics = diagnostics
        self.text = text
        super().__init__("\n".join(map(str, diagnostics)))


class SpecError(DagregError):
    """A spec file that does not parse or validate."""


class DataError(DagregError):
    """Data that cannot be read, or do not fit the spec."""


class Unsolvable(DagregError):
    """A model without a posterior that can be drawn from; the rest of the report stands without its numbers."""


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
    if len(choices) > MANY_WORDS:
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
