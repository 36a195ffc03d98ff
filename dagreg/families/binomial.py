"""Successes out of trials."""

from __future__ import annotations

from dagreg.families import successes as shared
from dagreg.families.counts import NOT_WHOLE, whole_numbers
from dagreg.families.family import Family, each
from dagreg.families.scales import RISK_IN_TRIAL
from dagreg.numerics.arrays import Array, np, special, stats


def _chosen(successes: Array, trials: Array) -> Array:
    ways = (
        special.gammaln(trials + 1) - special.gammaln(successes + 1) - special.gammaln(trials - successes + 1)
    )
    return np.asarray(ways)


FAMILY = Family(
    name="binomial",
    place=90,
    links=shared.LINKS,
    accepts=("count",),
    default_for=("trials",),
    support="whole numbers from 0 to the trials",
    distribution="Binomial",
    likelihood=each((*shared.LINKS, "identity"), "n={trials}, p={mean}", logit="n={trials}, logit_p={eta}"),
    discrete=True,
    trials=True,
    fits=whole_numbers,
    outside=NOT_WHOLE,
    scale=RISK_IN_TRIAL,
    variance=shared.variance,
    overdispersion="`family: beta_binomial`",
    separable="at both ends",
    tested_as="successes",
    log_likelihood=shared.LOG_LIKELIHOOD,
    log_density=shared.LOG_DENSITY,
    log_taylor=shared.LOG_TAYLOR,
    means_unread=shared.LINKS,
    log_constant=_chosen,
    concave=shared.LINKS,
    law=lambda mean, p: stats.binom(p["trials"], mean),
    sample=shared.sample_binomial,
    grouped_as="binomial",
    cell_support="probability",
)
