"""Successes out of trials, whose probability differs between rows as a beta draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagreg.families import successes
from dagreg.families.counts import NOT_WHOLE, whole_numbers
from dagreg.families.family import Family, Values, each
from dagreg.families.parameters import PRECISION
from dagreg.families.scales import RISK_IN_TRIAL
from dagreg.numerics.arrays import Array, np, special, stats
from dagreg.numerics.gamma import log_rising

if TYPE_CHECKING:
    import numpy.typing as npt


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    return successes.sample_binomial(rng, successes.sample_beta(rng, mean, p), p)


def _log(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    precision, failures = p["precision"], p["trials"] - y
    first, second = precision * mean, precision * (1 - mean)
    binomial = special.xlogy(y, mean) + special.xlog1py(failures, -mean)
    return binomial + log_rising(first, y) + log_rising(second, failures) - log_rising(precision, p["trials"])


FAMILY = Family(
    name="beta_binomial",
    place=100,
    links=successes.LINKS,
    accepts=("count",),
    support="whole numbers from 0 to the trials",
    distribution="BetaBinomial",
    likelihood=each(
        successes.LINKS, "n={trials}, alpha={precision} * {mean}, beta={precision} * (1 - {mean})"
    ),
    parameters=(PRECISION,),
    discrete=True,
    trials=True,
    fits=whole_numbers,
    outside=NOT_WHOLE,
    scale=RISK_IN_TRIAL,
    quasi_variance=successes.variance,
    law=lambda mean, p: stats.betabinom(p["trials"], mean * p["precision"], (1 - mean) * p["precision"]),
    sample=_sample,
    log_density=dict.fromkeys(successes.LINKS, _log),
)
