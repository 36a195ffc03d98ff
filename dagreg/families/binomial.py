"""Successes out of trials."""

from __future__ import annotations

from dagreg.families import successes
from dagreg.families.counts import whole_numbers
from dagreg.families.family import Family, each
from dagreg.families.scales import RISK_IN_TRIAL

FAMILY = Family(
    name="binomial",
    place=90,
    links=successes.LINKS,
    accepts=("count",),
    default_for=("trials",),
    support="whole numbers from 0 to the trials",
    distribution="Binomial",
    likelihood=each((*successes.LINKS, "identity"), "n={trials}, p={mean}", logit="n={trials}, logit_p={eta}"),
    discrete=True,
    trials=True,
    fits=whole_numbers,
    scale=RISK_IN_TRIAL,
    variance=successes.variance,
    overdisperses=True,
    tested_as="successes",
    log_likelihood=successes.LOG_LIKELIHOOD,
    concave=successes.LINKS,
    sample=successes.sample_binomial,
    grouped_as="binomial",
    cell_support="probability",
)
