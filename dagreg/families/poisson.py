"""Counts whose variance is their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagreg.families import counts
from dagreg.families.family import Family, by_log_mean, each
from dagreg.families.scales import COUNT
from dagreg.numerics.arrays import Array, np, special, stats


def _log(count: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(count * eta - np.exp(eta))


def _taylor(count: Any, eta: Any, trials: Any, order: int) -> Sequence[Any]:
    mean = np.exp(eta)
    return [count * eta - mean, count - mean, -mean, -mean, -mean][: order + 1]


def _factorial(count: Array, trials: Array) -> Array:
    return np.asarray(-special.gammaln(count + 1))


FAMILY = Family(
    name="poisson",
    place=110,
    links=counts.LINKS,
    accepts=("count",),
    default_for=("count",),
    support="whole numbers from 0",
    distribution="Poisson",
    likelihood=each(counts.LINKS, "mu={mean}"),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients=counts.COEFFICIENTS,
    variance=counts.proportional,
    overdispersion="`family: negative_binomial`",
    separable="at zero",
    tested_as="count",
    log_likelihood={"log": _log},
    log_constant=_factorial,
    log_taylor={"log": _taylor},
    concave=("log",),
    log_density=by_log_mean(counts.LINKS, counts.log_poisson),
    draw=counts.draw_poisson,
    probabilities=counts.poisson_probabilities,
    law=lambda mean, p: stats.poisson(mean),
    sample=counts.sample_poisson,
    grouped_as="poisson",
    units="exposure",
    cell_support="rate",
)
