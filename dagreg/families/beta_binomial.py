"""Successes out of trials, whose probability differs between rows as a beta draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.families import successes
from dagreg.families.counts import whole_numbers
from dagreg.families.family import Family, Values, each
from dagreg.families.numeric import Array, np
from dagreg.families.parameters import PRECISION
from dagreg.families.scales import RISK_IN_TRIAL

if TYPE_CHECKING:
    import numpy.typing as npt


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    return successes.sample_binomial(rng, successes.sample_beta(rng, mean, p), p)


FAMILY = Family(
    name="beta_binomial",
    place=100,
    links=successes.LINKS,
    accepts=("count",),
    support="whole numbers from 0 to the trials",
    distribution="BetaBinomial",
    likelihood=each(successes.LINKS, "n={trials}, alpha={precision} * {mean}, beta={precision} * (1 - {mean})"),
    parameters=(PRECISION,),
    discrete=True,
    trials=True,
    fits=whole_numbers,
    scale=RISK_IN_TRIAL,
    quasi_variance=successes.variance,
    sample=_sample,
)
