"""Counts of a negative binomial, with more zeros than it has."""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, by_log_mean, each
from dagreg.families.parameters import SHAPE, ZERO
from dagreg.families.scales import COUNT

FAMILY = Family(
    name="zero_inflated_negative_binomial",
    place=140,
    synonyms=("zinb",),
    links=counts.INFLATED_LINKS,
    accepts=("count",),
    support="whole numbers from 0",
    distribution="ZeroInflatedNegativeBinomial",
    likelihood=each(counts.INFLATED_LINKS, "psi=1 - {zero}, mu={mean}, alpha={shape}"),
    parameters=(ZERO, SHAPE),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients=counts.COEFFICIENTS,
    mean=counts.inflated_mean,
    quasi_variance=counts.proportional,
    shaped=True,
    log_density=by_log_mean(counts.INFLATED_LINKS, counts.log_inflated(counts.log_negative_binomial)),
    log_shared=counts.log_ways,
    draw=counts.draw_inflated(counts.draw_negative_binomial),
    law=lambda mean, p: counts.Inflated(counts.negative_binomial(mean, p), p["zero"]),
    sample=counts.sample_inflated(counts.sample_negative_binomial),
)
