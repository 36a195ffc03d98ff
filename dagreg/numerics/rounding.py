"""Numbers in as few digits as their meaning allows: a program prints what it computes with."""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_DIGITS, MAX_DIGITS = (
    6,
    17,
)  # significant digits: of any such number at least, and those that hold every double
CENTRE = 1e-5  # in sds: a centre so near the mean leaves slopes and their draws where they are
MAX_NUMBER = 1e75  # of a column: beyond, squares and ratios of columns are no numbers any more
MIN_SD = 1e-75  # sd of a column
KNOT = 1e-9  # in widths of a curve: what a knot may be off
PRIOR = 5e-7  # of a default prior's scale: no posterior mean moves by a millionth of its sd
PRIOR_DIGITS = 7  # which are that


def shortened(value: float, within: float, least: int = MIN_DIGITS) -> float:
    """The shortest decimal number this near, of so many significant digits or more."""
    if not math.isfinite(value):
        return value
    return next(
        short
        for digits in range(least, MAX_DIGITS + 1)
        if abs((short := float(f"{value:.{digits}g}")) - value) <= within or digits == MAX_DIGITS
    )


def distinct(values: Sequence[float], least: int = MIN_DIGITS) -> tuple[str, ...]:
    """The numbers in words, with so many significant digits or as many more as tell them apart."""
    for digits in range(least, MAX_DIGITS):
        words = tuple(f"{value:.{digits}g}" for value in values)
        if len(set(words)) == len(set(values)):
            return words
    return tuple(map(repr, values))
