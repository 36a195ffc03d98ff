"""The gamma distribution, by its mean and its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagreg.families.family import NUMBERS, Family, Tails, by_log_mean, each
from dagreg.families.parameters import SHAPE
from dagreg.families.positive import LINKS, NOT_ABOVE_ZERO, above_zero, draw_gamma, sample_gamma, square
from dagreg.families.scales import POSITIVE
from dagreg.numerics.arrays import np, special, stats


def _censored() -> dict[str, str]:
    """By the incomplete gamma functions, a difference being taken in the tail that holds it."""
    low, high = "{shape} * {low} / {mean}", "{shape} * {high} / {mean}"
    tail = f"pm.math.gammaincc({{shape}}, {low}) - pm.math.gammaincc({{shape}}, {high})"
    head = f"pm.math.gammainc({{shape}}, {high}) - pm.math.gammainc({{shape}}, {low})"
    return {
        "above": "pm.math.log(pm.math.gammaincc({shape}, {shape} * {at} / {mean}))",
        "below": "pm.math.log(pm.math.gammainc({shape}, {shape} * {at} / {mean}))",
        "between": f"pm.math.log(pm.math.where({{low}} > {{mean}}, {tail}, {head}))",
    }


def _log(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    shape = p["shape"]
    return shape * (np.log(shape) + np.log(y) - log_mean - y / mean) - special.gammaln(shape)


def _log_above(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.gammaincc(p["shape"], p["shape"] * at / mean))


def _log_below(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.gammainc(p["shape"], p["shape"] * at / mean))


def _log_between(low: Any, high: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    shape, first, second = p["shape"], p["shape"] * low / mean, p["shape"] * high / mean
    tail = special.gammaincc(shape, first) - special.gammaincc(shape, second)
    head = special.gammainc(shape, second) - special.gammainc(shape, first)
    return np.log(np.where(low > mean, tail, head))


FAMILY = Family(
    name="gamma",
    place=40,
    links=LINKS,
    accepts=NUMBERS,
    support="numbers above 0",
    distribution="Gamma",
    likelihood=each(LINKS, "alpha={shape}, beta={shape} / {mean}"),
    parameters=(SHAPE,),
    fits=above_zero,
    outside=NOT_ABOVE_ZERO,
    scale=POSITIVE,
    quasi_variance=square,
    log_density=by_log_mean(LINKS, _log),
    log_tails=Tails(_log_above, _log_below, _log_between),
    draw=draw_gamma,
    law=lambda mean, p: stats.gamma(p["shape"], scale=mean / p["shape"]),
    sample=sample_gamma,
    censored=_censored(),
)
