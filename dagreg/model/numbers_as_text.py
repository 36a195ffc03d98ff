"""Numbers that are text because of how they are written: decimal commas, thousands, units, words for missing
values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")  # 0,461 is none
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+,\d+")  # 1.234,5
_UNIT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?P<unit>\s*[^\d\s.,:/+-][^\d]*)")
_BEFORE = re.compile(r"(?P<unit>[$€£¥<>≤≥~]\s*)(?:\d[\d,]*\.?\d*|\.\d+)")
_ABSENT = re.compile(
    r"#?n\.?/?a\.?|nan|n\.?d\.?|none|null|nil|missing|unknown|not "
    r"(available|applicable)|k\.a\.|s/o|\.|-{1,3}|\?|\*"
    r"|#(value|ref|num|null)!|#div/0!",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Words:
    """The distinct texts of a column: those that are numbers, the others, and the rows of the others."""

    good: tuple[str, ...]
    bad: tuple[str, ...]
    rows: int

    @property
    def odd(self) -> bool:
        """Whether others than words for missing values spoil the numbers."""
        return len(absent_words(self.bad)) < len(self.bad)


def parted(texts: Iterable[tuple[str, int]]) -> Words:
    """Texts with their rows, parted into numbers and others."""
    texts = list(texts)
    good = tuple(word for word, _ in texts if is_number(word))
    bad = tuple(word for word, _ in texts if not is_number(word))
    return Words(good, bad, sum(n for word, n in texts if not is_number(word)))


def is_number(text: str) -> bool:
    """Whether a text is a number with a decimal point."""
    return _NUMBER.fullmatch(text.strip()) is not None


def absent_words(words: Sequence[str]) -> list[str]:
    """Those of these texts that stand for a missing value."""
    return [word for word in words if _ABSENT.fullmatch(word.strip())]


MIN_NUMBERS, MIN_WITH_UNITS, MIN_WITH_WORDS = 3, 5, 8  # different numbers that make a column one of numbers


def are_numbers(words: Words) -> bool:
    """Whether a column holds numbers, only oddly written."""
    if not spoiling(words)[0]:
        return False
    if not words.odd:
        return len(words.good) >= MIN_WITH_WORDS
    with_units = sum(_UNIT.fullmatch(word.strip()) is not None for word in words.bad)
    if with_units:  # `5 mg` and `10 mg` may be the names of two arms, `7` and `7a` of two districts
        return with_units >= max(len(words.good), MIN_WITH_UNITS)
    return len(words.good) + len(words.bad) >= MIN_NUMBERS


def spoiling(words: Words) -> tuple[str, str]:
    """How numbers are written so that they are text, and the SQL with the hole `{x}` that reads them; else
    two "".

    Every text has to be a number, a number written in one such way, or a word for a missing value.
    """
    gone = absent_words(words.bad)
    rest = [word.strip() for word in words.bad if word not in gone]
    x = "{x}"
    for word in gone[:3]:
        x = f"nullif({x}, {_quote(word)})"
    if not rest:
        shown = ", ".join(map(repr, gone[:3]))
        return (f"{shown} stands for a missing value" if gone else ""), f"CAST({x} AS DOUBLE)"
    if all(map(_THOUSANDS.fullmatch, rest)):
        doubt = " (or, if it is a decimal comma, write a point)" if all(map(_COMMA.fullmatch, rest)) else ""
        return (
            f"the comma of {rest[0]!r} separates thousands{doubt}",
            f"CAST(replace({x}, ',', '') AS DOUBLE)",
        )
    if all(map(_COMMA.fullmatch, rest)):
        return f"{rest[0]!r} has a decimal comma", f"CAST(replace({x}, ',', '.') AS DOUBLE)"
    if all(_POINTS.fullmatch(word) or _COMMA.fullmatch(word) for word in rest):
        inner = f"replace(replace({x}, '.', ''), ',', '.')"
        return f"{rest[0]!r} has a decimal comma, and points between thousands", f"CAST({inner} AS DOUBLE)"
    units = {
        match["unit"] if (match := _UNIT.fullmatch(word) or _BEFORE.fullmatch(word)) else None
        for word in rest
    }
    unit = next(iter(units))
    if len(units) > 1 or unit is None:
        return "", ""
    plain = f"CAST(replace({x}, {_quote(unit)}, '') AS DOUBLE)"
    if unit.strip() == "%":
        return f"{rest[0]!r} is a percentage", f"{plain} / 100"
    what = "carries a sign" if _BEFORE.fullmatch(rest[0]) else "carries its unit"
    return f"{rest[0]!r} {what}, {unit.strip()!r}", plain


def _quote(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
