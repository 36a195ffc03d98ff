"""Words and marks: names in prose, lists in words, characters that must not reach a terminal or a browser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dagreg.errors import steers

_NAMES = re.compile(r"`([^`]+)`")


def visible(text: str) -> str:
    r"""`text` with the characters spelled out that would steer a terminal or a browser.

    >>> visible("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode("ascii") if steers(c) else c for c in text)


def visible_lines(text: str) -> str:
    """As `visible`, for text of several lines: newlines stay, and tabs become four spaces."""
    return "\n".join(visible(line) for line in text.replace("\r\n", "\n").expandtabs(4).split("\n"))


def named(name: object) -> str:
    """A name or value, marked as such in prose. A backtick within it is drawn as its look-alike.

    >>> named("x")
    '`x`'
    """
    return f"`{str(name).replace('`', '\u02cb') or ' '}`"


def runs(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of prose in order: (is it a name, its text), all characters visible.

    >>> list(runs("adjust for `z`."))
    [(False, 'adjust for '), (True, 'z'), (False, '.')]
    """
    for i, piece in enumerate(_NAMES.split(text)):
        if piece:
            yield i % 2 == 1, visible(piece)


def listed(names: Iterable[object], conjunction: str = "and") -> str:
    """Names in words: `a`, `b` and `c`."""
    return joined([named(name) for name in names], conjunction)


def joined(words: Iterable[str], conjunction: str = "and") -> str:
    """
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    *head, last = words
    return f"{', '.join(head)} {conjunction} {last}" if head else last


def braces(names: Iterable[str]) -> str:
    """A set as mathematicians write it; the empty one in words.

    >>> braces(["z", "w"])
    '{`z`, `w`}'
    """
    inside = ", ".join(named(name) for name in names)
    return f"{{{inside}}}" if inside else "the empty set"


def counted(n: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "path"), counted(2, "path")
    ('1 path', '2 paths')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """`text` with a full stop, where it has no ending of its own.

    >>> sentence("so it is"), sentence("(So it is.)"), sentence("Is it?")
    ('so it is.', '(So it is.)', 'Is it?')
    """
    stripped = text.strip()
    return stripped if not stripped or stripped.rstrip(")\"'\u201d")[-1:] in tuple(".:?!") else stripped + "."
