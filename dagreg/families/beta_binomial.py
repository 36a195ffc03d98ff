"""Successes out of trials, whose probability differs between rows as a beta draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.families import successes
from dagreg.families.counts import NOT_WHOLE, whole_numbers
from dagreg.families.family import Family, Values, each
from dagreg.families.parameters import PRECISION
from dagreg.families.scales import RISK_IN_TRIAL
from dagreg.numerics.arrays import Array, np, stats

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
    outside=NOT_WHOLE,
    scale=RISK_IN_TRIAL,
    quasi_variance=successes.variance,
    law=lambda mean, p: stats.betabinom(p["trials"], mean * p["precision"], (1 - mean) * p["precision"]),
    sample=_sample,
)
