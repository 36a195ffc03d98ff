"""Numbers whose log is Normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Values, constant
from dagreg.families.parameters import SIGMA
from dagreg.families.positive import NOT_ABOVE_ZERO, above_zero
from dagreg.families.scales import POSITIVE
from dagreg.numerics.arrays import Array, np, stats


def _mean(median: Array, p: Values) -> Array:
    return np.asarray(median * np.exp(p["sigma"] ** 2 / 2))


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return np.asarray(location * np.exp(p["sigma"] * rng.standard_normal(location.shape)))


def _sample(rng: np.random.Generator, median: Array, p: Values) -> Array:
    return np.exp(np.log(median) + p["sigma"] * rng.standard_normal(median.shape))


def _z(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return (np.log(y) - eta) / p["sigma"]


def _log(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return -0.5 * _z(y, eta, mean, p) ** 2 - np.log(p["sigma"])


FAMILY = Family(
    name="lognormal",
    place=30,
    links=("log",),  # that of the median
    accepts=NUMBERS,
    support="numbers above 0",
    distribution="LogNormal",
    likelihood={"log": "mu={eta}, sigma={sigma}"},
    parameters=(replace(SIGMA, prior=("Exponential", (1.0,))),),
    fits=above_zero,
    outside=NOT_ABOVE_ZERO,
    scale=POSITIVE,
    mean=_mean,
    quasi_variance=constant,
    on_log_scale=True,
    log_density={"log": _log},
    log_tails=censoring.normal_tails(_z),
    draw=_draw,
    law=lambda median, p: stats.lognorm(p["sigma"], scale=median),
    sample=_sample,
    censored=censoring.normal("(pm.math.log({at}) - {eta}) / {sigma}"),
)
