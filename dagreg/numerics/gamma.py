"""Ratios of gamma functions, without the digits that their difference loses.

Shapes and precisions of counts have no upper end: where the data do not vary more than a Poisson's or a
binomial's, the posterior reaches to values at which the logs of two gamma functions differ in no digit.
"""

from __future__ import annotations

from typing import Any

from dagreg.numerics.arrays import np, special

STIRLING_FROM = 30.0  # where the series below is exact to double precision


def log_rising(a: Any, y: Any) -> Any:
    """log Gamma(a + y) - log Gamma(a) - y log a, in universal functions; 0 as a goes to infinity.

    By Stirling's series where a is large (Abramowitz and Stegun 1964, 6.1.41).
    """
    large = a > STIRLING_FROM
    far, near = np.where(large, a, STIRLING_FROM), np.where(large, 1.0, a)
    series = (far + y - 0.5) * np.log1p(y / far) - y + _correction(far + y) - _correction(far)
    return np.where(large, series, special.gammaln(near + y) - special.gammaln(near) - y * np.log(near))


def _correction(x: Any) -> Any:
    """What Stirling's formula lacks."""
    inverse = 1 / x
    square = inverse * inverse
    return inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
