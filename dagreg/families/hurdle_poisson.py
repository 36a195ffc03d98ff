"""Counts that are 0 with a probability of its own, and else those of a Poisson that are not 0
(Mullahy 1986).
"""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, Values, by_log_mean, each
from dagreg.families.parameters import ZERO
from dagreg.families.scales import COUNT
from dagreg.numerics.arrays import Array, np, stats


def _mean(location: Array, p: Values) -> Array:
    some = -np.expm1(-location)  # the probability that a Poisson is not 0
    return np.asarray((1 - p["zero"]) * np.where(some > 0, location / np.where(some > 0, some, 1.0), 1.0))


FAMILY = Family(
    name="hurdle_poisson",
    place=142,
    links=counts.INFLATED_LINKS,
    accepts=("count",),
    support="whole numbers from 0",
    distribution="HurdlePoisson",
    likelihood=each(counts.INFLATED_LINKS, "psi=1 - {zero}, mu={mean}"),
    parameters=(ZERO,),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients={"log": "log rate ratio, before zeros are left out"},
    mean=_mean,
    mean_is_linear=False,
    log_density=by_log_mean(counts.INFLATED_LINKS, counts.log_hurdle(counts.log_poisson)),
    draw=counts.draw_inflated(counts.draw_positive_poisson),
    law=lambda rate, p: counts.Hurdle(stats.poisson(rate), p["zero"]),
    sample=counts.sample_inflated(counts.sample_positive_poisson),
)
