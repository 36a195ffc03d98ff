"""Waiting times without memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Values, by_log_mean, each
from dagreg.families.positive import LINKS, square
from dagreg.families.scales import POSITIVE
from dagreg.numerics.arrays import Array, np, stats


def _fits(low: float, high: float, whole: bool) -> bool:
    return low >= 0


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return location * rng.standard_exponential(location.shape)


def _log(time: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(-eta - time * np.exp(-eta))


def _log_density(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return -log_mean - y / mean


def _taylor(y: Any, eta: Any, trials: Any, order: int) -> Sequence[Any]:
    times = y * np.exp(-eta)
    return [-eta - times, times - 1.0, -times, times, -times][: order + 1]


def _log_above(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return -at / np.where(mean > 0, mean, np.nan)


FAMILY = Family(
    name="exponential",
    place=50,
    links=LINKS,
    accepts=NUMBERS,
    support="numbers from 0",
    distribution="Exponential",
    likelihood=each(LINKS, "lam=1 / {mean}"),
    fits=_fits,
    outside="{number} < 0",
    scale=POSITIVE,
    quasi_variance=square,
    log_likelihood={"log": _log},
    log_taylor={"log": _taylor},
    concave=("log",),
    log_density=by_log_mean(LINKS, _log_density),
    log_tails=censoring.survival_tails(_log_above),
    draw=_draw,
    law=lambda mean, p: stats.expon(scale=mean),
    sample=_draw,
    censored=censoring.by_survival("-{at} / {mean}"),
)
