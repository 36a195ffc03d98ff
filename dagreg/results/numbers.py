"""Numbers in print: as many digits as their uncertainty deserves."""

from __future__ import annotations

import math

from dagreg.effects.types import Summary
from dagreg.spec.types import Level

UNKNOWN = "not available"
_MIN_PLAIN, _MAX_PLAIN = 1e-5, 1e7  # outside of these, scientific notation


def number(value: float, sd: float = math.nan) -> str:
    """`value` to the place of the second significant digit of `sd`.

    >>> number(-0.61234, 0.0312), number(1234.56, 87.0), number(0.5)
    ('-0.612', '1235', '0.5')
    """
    if not math.isfinite(value):
        return UNKNOWN
    if not (math.isfinite(sd) and sd > 0):
        return _unsigned_zero(format(value, ".3g"))
    size = max(abs(value), sd)
    if sd < _MIN_PLAIN or size >= _MAX_PLAIN:
        return _scientific(value, sd, size)
    return _unsigned_zero(f"{value:.{_decimals(sd)}f}")


def _decimals(sd: float) -> int:
    return max(0, 1 - math.floor(math.log10(sd)))


def _scientific(value: float, sd: float, size: float) -> str:
    digits = 1 + math.floor(math.log10(size)) - math.floor(math.log10(sd))
    return format(value, f".{min(max(digits, 1), 6)}e")


def _unsigned_zero(text: str) -> str:
    return text.lstrip("-") if text.startswith("-") and not text.strip("-0.") else text


def interval(summary: Summary, word: str = "to") -> str:
    """The interval's ends, in the digits of the posterior's sd."""
    low, high = summary.interval
    return f"{number(low, summary.sd)} {word} {number(high, summary.sd)}"


def percent(level: float) -> str:
    """
    >>> percent(0.94)
    '94%'
    """
    return f"{100 * level:.4g}%"


def probability(p: float) -> str:
    """A probability that never claims certainty: draws are finite.

    >>> probability(1.0), probability(0.25), probability(0.0)
    ('above 0.999', '0.25', 'below 0.001')
    """
    if not math.isfinite(p):
        return UNKNOWN
    if p < 0.001:
        return "below 0.001"
    if p > 0.999:
        return "above 0.999"
    return f"{p:.3f}" if p < 0.01 or p > 0.99 else f"{p:.2f}"


def short_probability(p: float) -> str:
    """As `probability`, for a table's cell."""
    return probability(p).replace("above ", "> ").replace("below ", "< ")


def level(value: Level) -> str:
    """
    >>> level(1.0), level("a"), level(True)
    ('1', 'a', 'True')
    """
    return format(value, ".15g") if isinstance(value, float) else str(value)
