"""What a diagnostic says and where it stands, and the exceptions that carry diagnostics."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from dagreg.errors.secrets import redacted

Severity = Literal["error", "warning"]

MAX_SHOWN_MISTAKES = 20  # mistakes that are shown of one file
SHOWN_LETTERS = 60  # of a doubt in its repr
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
    """The rows at fault: those where `condition` holds, SQL in which `{number}` and `{text}` are the column's
    value.

    Without a condition, those of a column of text that hold no number.
    """

    column: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: a stable code, the sentence, where it stands, and what would mend it; never a password.

    `offence` says which rows of the data are at fault; a stage that has the data puts the first of them in a
    note.
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


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning about the data or an answer: a stable code, what is doubtful, what it touches, what to do.

    `about` names the estimate that it touches ("total effect x -> y, adjusted"), "" where it touches none.
    `remedy` is a whole sentence in the spec's own syntax; empty only where nothing can be done.
    """

    code: str
    message: str
    about: str = ""
    remedy: str = ""

    def __repr__(self) -> str:
        words = (
            self.message if len(self.message) <= SHOWN_LETTERS else f"{self.message[: SHOWN_LETTERS - 3]}..."
        )
        return f"Doubt({self.code!r}, message={words!r})"


class DagregError(Exception):
    """The input or the result is at fault (exit code 1): carries every diagnostic found.

    `text` is the file that the spans point into, for `render`; empty where there is none.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], text: str = "") -> None:
        self.diagnostics = shortened(diagnostics)
        self.text = text
        super().__init__("\n".join(map(str, self.diagnostics)))


class SpecError(DagregError):
    """A spec file that does not parse or validate."""


class DataError(DagregError):
    """Data that cannot be read, or do not fit the spec."""


class Unsolvable(DagregError):
    """A model without a posterior that can be drawn from; the rest of the report stands without
    its numbers.
    """


class Diagnostics:
    """Collects the mistakes of one file, so that they are reported together."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str, Span | None, str | Callable[[], str], tuple[str, ...]]] = []
        self._notes: list[Diagnostic] = []

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str | Callable[[], str] = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        """Adds a mistake. A `label` that takes a search is given as a function, and asked for if
        it is shown.
        """
        self._found.append((code, message, span, label, notes))

    def note(self, code: str, message: str, span: Span | None, label: str = "") -> None:
        """Something to say that is no mistake."""
        self._notes.append(Diagnostic(code, message, span, label, severity="warning"))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What is said of a file that is in order, each once."""
        return tuple(dict.fromkeys(self._notes))

    def by_place(self) -> tuple[Diagnostic, ...]:
        """The distinct diagnostics in the order of the file: the first of them, and how many more
        there are.
        """
        distinct: dict[object, tuple[str, str, Span | None, str | Callable[[], str], tuple[str, ...]]] = {}
        for code, message, span, label, notes in self._found:
            key = (code, message, span, "" if callable(label) else label, notes)
            distinct.setdefault(key, (code, message, span, label, notes))
        ordered = sorted(distinct.values(), key=lambda found: _place(found[2]))
        first = tuple(
            Diagnostic(code, message, span, label() if callable(label) else label, notes)
            for code, message, span, label, notes in ordered[
                : MAX_SHOWN_MISTAKES if len(ordered) > MAX_SHOWN_MISTAKES + 1 else len(ordered)
            ]
        )
        return first if len(first) == len(ordered) else (*first, _and_more(len(ordered) - len(first)))


def shortened(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The first diagnostics, and how many more there are: a screen holds no more."""
    if len(diagnostics) <= MAX_SHOWN_MISTAKES + 1:
        return diagnostics
    return (*diagnostics[:MAX_SHOWN_MISTAKES], _and_more(len(diagnostics) - MAX_SHOWN_MISTAKES))


def _and_more(count: int) -> Diagnostic:
    return Diagnostic("DR196", f"and {count:,} more mistakes: these are the first {MAX_SHOWN_MISTAKES}")


def _place(span: Span | None) -> tuple[int, int, int]:
    return (span.line, span.column, span.end) if span else (0, 0, 0)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely stands for, or None."""
    choices = {choice.casefold(): choice for choice in known}
    if len(choices) > MANY_WORDS:
        choices = {folded: choice for folded, choice in choices.items() if folded[:1] == word[:1].casefold()}
    matches = difflib.get_close_matches(word.casefold()[:200], choices, n=1, cutoff=0.6)
    return choices[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a label; empty where nothing known is close to `word`."""
    match = closest(word, known)
    return f"did you mean `{match}`?" if match is not None else ""


def either(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *others, last = [f"`{word}`" for word in words]
    return f"{', '.join(others)} or {last}" if others else last
