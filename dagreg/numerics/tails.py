"""Upper tails of the t, F and chi-square distributions, by the continued fractions of the DLMF (8.9.2,
8.17.22).

SciPy has them too, and takes longer to load than an exact fit takes to run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

STEPS = 20_000  # a fraction needs about the root of its largest parameter
SMALLEST_NUMBER = 1e-300
TOLERANCE = 1e-15


def t_two_sided(t: float, free: float) -> float:
    """P(|T| >= |t|)"""
    return _incomplete_beta(free / 2, 0.5, free / (free + t * t))


@cache
def t_reach(level: float, free: float) -> float:
    """t with P(|T| <= t) = level, by bisection."""
    low, high = 0.0, 1.0
    while t_two_sided(high, free) > 1 - level:
        low, high = high, 2 * high
    while high - low > TOLERANCE * high and (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_two_sided(middle, free) > 1 - level else (low, middle)
    return high


def f_upper(f: float, columns: float, free: float) -> float:
    """P(F >= f)"""
    return 1.0 if f <= 0 else _incomplete_beta(free / 2, columns / 2, free / (free + columns * f))


def chi_square_upper(x: float, free: float) -> float:
    """P(X >= x)"""
    a, half = free / 2, x / 2
    if half <= 0:
        return 1.0
    scale = math.exp(a * math.log(half) - half - math.lgamma(a))
    if half < a + 1:
        return max(0.0, 1.0 - scale * _gamma_series(a, half))
    return scale / _fraction(half + 1 - a, _gamma_terms(a, half))


def _gamma_series(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, STEPS):
        term *= x / (a + n)
        total += term
        if term < total * TOLERANCE:
            break
    return total


def _gamma_terms(a: float, x: float) -> Iterator[tuple[float, float]]:
    for n in range(1, STEPS):
        yield -n * (n - a), x + 2 * n + 1 - a


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1 - x)
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logs) / (a * _fraction(1.0, _beta_terms(a, b, x)))


def _beta_terms(a: float, b: float, x: float) -> Iterator[tuple[float, float]]:
    for m in range(STEPS):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        n = m + 1
        yield n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)), 1.0


def _fraction(first: float, terms: Iterator[tuple[float, float]]) -> float:
    """first + a1 / (b1 + a2 / (b2 + ...)), by Lentz's method."""
    value = c = first or SMALLEST_NUMBER
    d = 0.0
    for above, below in terms:
        d = 1 / ((below + above * d) or SMALLEST_NUMBER)
        c = (below + above / c) or SMALLEST_NUMBER
        value *= c * d
        if abs(c * d - 1) < TOLERANCE:
            break
    return value
