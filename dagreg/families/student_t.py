"""Student's t about the mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Values, constant, each
from dagreg.families.parameters import NU, SIGMA
from dagreg.numerics.arrays import Array, np, special, stats
from dagreg.numerics.gamma import log_rising

LINKS = ("identity", "log", "softplus", "inverse")


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return np.asarray(location + p["sigma"] * special.stdtrit(p["nu"], rng.random(location.shape)))


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    return mean + p["sigma"] * rng.standard_t(np.broadcast_to(p["nu"], mean.shape), mean.shape)


def _log(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    nu = p["nu"]
    return (
        log_rising(nu / 2, 0.5)
        - np.log(p["sigma"])
        - (nu + 1) / 2 * np.log1p(((y - mean) / p["sigma"]) ** 2 / nu)
    )


def _log_below(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.stdtr(p["nu"], (at - mean) / p["sigma"]))


def _log_above(at: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return np.log(special.stdtr(p["nu"], (mean - at) / p["sigma"]))


FAMILY = Family(
    name="student_t",
    place=20,
    synonyms=("student", "t", "studentt"),
    links=LINKS,
    accepts=NUMBERS,
    support="any number",
    distribution="StudentT",
    likelihood=each(LINKS, "nu={nu}, mu={mean}, sigma={sigma}"),
    parameters=(NU, SIGMA),
    real=True,
    error_scale=True,
    quasi_variance=constant,
    shaped=True,
    log_density=dict.fromkeys(LINKS, _log),
    log_tails=censoring.cdf_tails(_log_below, _log_above),
    draw=_draw,
    law=lambda mean, p: stats.t(p["nu"], mean, p["sigma"]),
    sample=_sample,
    censored=censoring.by_logcdf(
        "StudentT", "pm.logcdf(pm.StudentT.dist(nu={nu}, mu=-{mean}, sigma={sigma}), -{at})"
    ),
)
