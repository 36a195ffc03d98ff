"""Shares between 0 and 1, neither of them included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagreg.families import censoring, shares, successes
from dagreg.families.family import Family, each
from dagreg.families.parameters import PRECISION
from dagreg.numerics.arrays import np, special, stats


def _fits(low: float, high: float, whole: bool) -> bool:
    return low > 0 and high < 1


def _log_below(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.betainc(mean * p["precision"], (1 - mean) * p["precision"], at))


def _log_above(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.betainc((1 - mean) * p["precision"], mean * p["precision"], 1 - at))


FAMILY = Family(
    name="beta",
    place=70,
    links=successes.LINKS,
    accepts=shares.TYPES,
    support="numbers above 0 and below 1",
    distribution="Beta",
    likelihood=each(successes.LINKS, "mu={mean}, nu={precision}"),
    parameters=(PRECISION,),
    fits=_fits,
    outside="{number} <= 0 OR {number} >= 1",
    coefficients={"logit": "log odds ratio of the mean"},
    quasi_variance=successes.variance,
    log_density=dict.fromkeys(successes.LINKS, shares.log_beta),
    log_tails=censoring.cdf_tails(_log_below, _log_above),
    draw=shares.draw_beta,
    law=lambda mean, p: stats.beta(mean * p["precision"], (1 - mean) * p["precision"]),
    sample=successes.sample_beta,
    censored=censoring.by_logcdf("Beta", "pm.logcdf(pm.Beta.dist(mu=1 - {mean}, nu={precision}), 1 - {at})"),
)
