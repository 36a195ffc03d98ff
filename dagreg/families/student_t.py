"""Student's t about the mean."""

from __future__ import annotations

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Values, constant, each
from dagreg.families.parameters import NU, SIGMA
from dagreg.numerics.arrays import Array, np, special, stats

LINKS = ("identity", "log", "softplus", "inverse")


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return np.asarray(location + p["sigma"] * special.stdtrit(p["nu"], rng.random(location.shape)))


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    return mean + p["sigma"] * rng.standard_t(np.broadcast_to(p["nu"], mean.shape), mean.shape)


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
    draw=_draw,
    law=lambda mean, p: stats.t(p["nu"], mean, p["sigma"]),
    sample=_sample,
    censored=censoring.by_logcdf("StudentT", "pm.logcdf(pm.StudentT.dist(nu={nu}, mu=-{mean}, sigma={sigma}), -{at})"),
)
