"""One of two values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.families import successes
from dagreg.families.family import Family, Values, each
from dagreg.families.scales import RISK
from dagreg.numerics.arrays import Array, np, stats

if TYPE_CHECKING:
    import numpy.typing as npt


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    return rng.random(mean.shape) < mean


FAMILY = Family(
    name="bernoulli",
    place=80,
    synonyms=("logistic",),
    links=successes.LINKS,
    accepts=("binary", "categorical"),
    default_for=("binary",),
    support="two values",
    distribution="Bernoulli",
    likelihood=each((*successes.LINKS, "identity"), "p={mean}", logit="logit_p={eta}"),
    discrete=True,
    scale=RISK,
    variance=successes.variance,
    overdispersion="A `group` node for what such units share (a litter, a herd)",
    separable="at both ends",
    log_likelihood=successes.LOG_LIKELIHOOD,
    log_density=successes.LOG_DENSITY,
    log_taylor=successes.LOG_TAYLOR,
    means_unread=successes.LINKS,
    log_total={"logit": successes.total_logit},
    concave=successes.LINKS,
    law=lambda mean, p: stats.bernoulli(mean),
    sample=_sample,
    grouped_as="binomial",
    cell_support="probability",
)
