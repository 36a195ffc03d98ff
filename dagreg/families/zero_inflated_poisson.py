"""Counts of a Poisson, with more zeros than it has."""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, by_log_mean, each
from dagreg.families.parameters import ZERO
from dagreg.families.scales import COUNT
from dagreg.numerics.arrays import stats

FAMILY = Family(
    name="zero_inflated_poisson",
    place=130,
    synonyms=("zip",),
    links=counts.INFLATED_LINKS,
    accepts=("count",),
    support="whole numbers from 0",
    distribution="ZeroInflatedPoisson",
    likelihood=each(counts.INFLATED_LINKS, "psi=1 - {zero}, mu={mean}"),
    parameters=(ZERO,),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients=counts.COEFFICIENTS,
    mean=counts.inflated_mean,
    quasi_variance=counts.proportional,
    shaped=True,
    log_density=by_log_mean(counts.INFLATED_LINKS, counts.log_inflated(counts.log_poisson)),
    draw=counts.draw_inflated(counts.draw_poisson),
    law=lambda mean, p: counts.Inflated(stats.poisson(mean), p["zero"]),
    sample=counts.sample_inflated(counts.sample_poisson),
)
