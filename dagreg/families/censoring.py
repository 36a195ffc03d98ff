"""What censoring makes of a density: log probabilities as PyMC source (`Family.censored`) and in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagreg.families.family import Tails
from dagreg.numerics.arrays import np, special


def normal(z: str) -> dict[str, str]:
    """By the helpers `log_above` and `log_between` of the program, for a response that is Normal as `z`."""
    low, high = z.replace("{at}", "{low}"), z.replace("{at}", "{high}")
    return {
        "above": f"log_above({z})",
        "below": f"log_above(-({z}))",
        "between": f"log_between({low}, {high})",
    }


def by_survival(above: str) -> dict[str, str]:
    """Where the log of the survival function is exact: the other probabilities follow from it."""
    low, high = above.replace("{at}", "{low}"), above.replace("{at}", "{high}")
    return {
        "above": above,
        "below": f"pm.math.log1mexp({above})",
        "between": f"pm.math.logdiffexp({low}, {high})",
    }


def by_logcdf(distribution: str, above: str) -> dict[str, str]:
    """By PyMC's distribution function, which says nothing of the upper tail: `above` does."""
    cdf = f"pm.logcdf(pm.{distribution}.dist({{arguments}}), {{at}})"
    high, low = cdf.replace("{at}", "{high}"), cdf.replace("{at}", "{low}")
    return {"above": above, "below": cdf, "between": f"pm.math.logdiffexp({high}, {low})"}


LOG_HALF = -0.6931471805599453


def normal_tails(z: Callable[..., Any]) -> Tails:
    """Of a response that is Normal as z(value, eta, mean, parameters)."""

    def between(low: Any, high: Any, *others: Any) -> Any:
        """In the upper tail, where a difference of probabilities keeps its digits."""
        first, second = z(low, *others), z(high, *others)
        larger = special.log_ndtr(-np.maximum(first, -second))
        return _log_difference(larger, special.log_ndtr(-np.maximum(second, -first)))

    return Tails(
        above=lambda at, *others: special.log_ndtr(-z(at, *others)),
        below=lambda at, *others: special.log_ndtr(z(at, *others)),
        between=between,
    )


def survival_tails(above: Callable[..., Any]) -> Tails:
    """Where the log of the survival function is exact: the other probabilities follow from it."""
    return Tails(
        above=above,
        below=lambda at, *others: np.log(-np.expm1(above(at, *others))),
        between=lambda low, high, *others: _log_difference(above(low, *others), above(high, *others)),
    )


def cdf_tails(below: Callable[..., Any], above: Callable[..., Any]) -> Tails:
    """By the log probabilities of both sides; a difference is taken in the tail where it keeps its digits."""

    def between(low: Any, high: Any, *others: Any) -> Any:
        under = _log_difference(below(high, *others), below(low, *others))
        over = _log_difference(above(low, *others), above(high, *others))
        return np.where(below(low, *others) < LOG_HALF, under, over)

    return Tails(above, below, between)


def _log_difference(larger: Any, smaller: Any) -> Any:
    """log(exp(larger) - exp(smaller))"""
    return larger + np.log(-np.expm1(smaller - larger))
