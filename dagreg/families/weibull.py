"""The Weibull distribution, by its mean and its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Values, by_log_mean, each
from dagreg.families.parameters import SHAPE
from dagreg.families.positive import LINKS, NOT_ABOVE_ZERO, above_zero, square
from dagreg.families.scales import POSITIVE
from dagreg.numerics.arrays import Array, np, special, stats


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    scale = location / special.gamma(1 + 1 / p["shape"])
    return np.asarray(scale * rng.standard_exponential(location.shape) ** (1 / p["shape"]))


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    """By its log: the function of the shape that the mean is made of soon overflows."""
    shape = np.broadcast_to(p["shape"], mean.shape)
    log = np.log(rng.standard_exponential(mean.shape)) / shape - special.gammaln(1 + 1 / shape)
    log = np.where(np.isnan(log), -np.inf, log)
    return np.asarray(np.where(log > -np.inf, mean * np.exp(log), 0.0))


def _log_ratio(y: Any, log_mean: Any, shape: Any) -> Any:
    """The log of the response over its scale."""
    return np.log(y) - log_mean + special.gammaln(1 + 1 / shape)


def _log(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    power = p["shape"] * _log_ratio(y, log_mean, p["shape"])
    return np.log(p["shape"]) + power - np.exp(power)


def _log_above(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return -np.exp(p["shape"] * _log_ratio(at, np.log(mean), p["shape"]))


FAMILY = Family(
    name="weibull",
    place=60,
    links=LINKS,
    accepts=NUMBERS,
    support="numbers above 0",
    distribution="Weibull",
    likelihood=each(LINKS, "alpha={shape}, beta={mean} / pm.math.gamma(1 + 1 / {shape})"),
    parameters=(replace(SHAPE, prior=("LogNormal", (0.0, 1.0))),),
    fits=above_zero,
    outside=NOT_ABOVE_ZERO,
    scale=POSITIVE,
    quasi_variance=square,
    shaped=True,
    log_density=by_log_mean(LINKS, _log),
    log_tails=censoring.survival_tails(_log_above),
    draw=_draw,
    law=lambda mean, p: stats.weibull_min(p["shape"], scale=mean / special.gamma(1 + 1 / p["shape"])),
    sample=_sample,
    censored=censoring.by_survival("-(({at} / {mean} * pm.math.gamma(1 + 1 / {shape})) ** {shape})"),
)
