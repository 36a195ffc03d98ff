"""Diagnostics as the user sees them: a line of the file with carets under what is wrong, safe for
a terminal.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import zip_longest

from dagreg.errors.diagnostic import Diagnostic, Span
from dagreg.errors.secrets import redacted

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line of a YAML file."""

_MAX_COLUMNS = 100  # columns of source shown before a line is cut
_TAB = 4


def render(diagnostic: Diagnostic, text: str = "") -> str:
    """The diagnostic as shown to the user, its line of `text` underlined; without a final newline."""
    parts = [f"{diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}"]
    span = diagnostic.span
    margin = ""
    if span is not None:
        margin = " " * len(str(span.line))
        parts += [
            f"{' ' * max(1, len(margin) - 1)}--> {printable(span.file)}:{span.line}:{span.column}",
            *_excerpt(span, text, diagnostic.label, margin),
        ]
    elif diagnostic.label:
        parts[0] += f": {printable(diagnostic.label)}"
    parts += [f"{margin} = {printable(note)}" for note in diagnostic.notes]
    return "\n".join(parts)


def _excerpt(span: Span, text: str, label: str, margin: str) -> list[str]:
    lines = LINE_BREAK.split(text)
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    before, marked, after = _window(*_unveiled(line, span.column - 1, max(span.end, span.column + 1) - 1))
    carets = "^" * max(1, _columns(marked))
    pointer = f"{' ' * _columns(before)}{carets} {printable(label)}".rstrip()
    shown = f"{before}{marked}{after}".rstrip()
    return [f"{margin} |", f"{span.line} | {shown}".rstrip(), f"{margin} | {pointer}"]


def _unveiled(line: str, start: int, stop: int) -> tuple[str, int, int]:
    """A line without its secrets, and where the span stands in it."""
    shown = redacted(line)
    if shown == line:
        return line, start, stop
    same = next(i for i, pair in enumerate(zip_longest(line, shown)) if pair[0] != pair[1])
    longer = len(shown) - len(line)
    start = start if start <= same else max(same, start + longer)
    return shown, start, max(start + 1, stop if stop <= same else stop + longer)


def _window(line: str, start: int, stop: int) -> tuple[str, str, str]:
    """What stands before, in and after the span; long lines are cut around it."""
    before, marked, after = (printable(part) for part in (line[:start], line[start:stop], line[stop:]))
    if len(before) + len(marked) + len(after) <= _MAX_COLUMNS:
        return before, marked, after
    if len(marked) > _MAX_COLUMNS - 20:
        marked, after = f"{marked[: _MAX_COLUMNS - 23]}...", ""
    room = max(_MAX_COLUMNS - len(marked), 20)
    right = min(len(after), max(room // 2, room - len(before)))
    left = room - right
    if len(before) > left:
        before = f"...{before[len(before) - left + 3 :]}"
    if len(after) > right:
        after = f"{after[: max(right - 3, 0)]}..."
    return before, marked, after


def printable(text: str) -> str:
    """One line for a terminal: tabs as spaces, and characters that steer it spelled out as JSON
    spells them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " * _TAB if c == "\t" else spelled(c) if steers(c) else c for c in text)


def printable_lines(text: str) -> str:
    """As `printable`, for text of several lines, whose line breaks and tabs stay. JSON keeps its meaning."""
    if _STEERING.search(text) is None:
        return text
    return "".join(spelled(c) if c not in "\n\t" and steers(c) else c for c in text)


def steers(character: str) -> bool:
    """Whether a character could move a cursor, colour, hide or reorder text: those that are no letter or
    sign.

    The two joiners are part of words and emoji, and stay.
    """
    if character in "\u200c\u200d":
        return False
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        or ord(character) & 0xFFFE == 0xFFFE
    )


_STEERING = re.compile(r"[^\n\t -~]")  # the only characters that may


def spelled(character: str) -> str:
    r"""The escape of a character in JSON: `\u001b`."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_column_count(character) for character in text)


def _column_count(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
