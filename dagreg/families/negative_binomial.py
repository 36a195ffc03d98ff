"""Counts that vary more than a Poisson's: its rate is a gamma draw."""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, by_log_mean, each
from dagreg.families.parameters import SHAPE
from dagreg.families.scales import COUNT

FAMILY = Family(
    name="negative_binomial",
    place=120,
    synonyms=("negbinomial", "negbin"),
    links=counts.LINKS,
    accepts=("count",),
    support="whole numbers from 0",
    distribution="NegativeBinomial",
    likelihood=each(counts.LINKS, "mu={mean}, alpha={shape}"),
    parameters=(SHAPE,),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients=counts.COEFFICIENTS,
    quasi_variance=counts.proportional,
    shaped=True,
    log_density=by_log_mean(counts.LINKS, counts.log_negative_binomial),
    log_shared=counts.log_ways,
    draw=counts.draw_negative_binomial,
    law=counts.negative_binomial,
    sample=counts.sample_negative_binomial,
)
