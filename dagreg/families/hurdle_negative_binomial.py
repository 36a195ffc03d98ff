"""Counts that are 0 with a probability of its own, and else those of a negative binomial that are not 0."""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, Values, by_log_mean, each
from dagreg.families.parameters import SHAPE, ZERO
from dagreg.families.scales import COUNT
from dagreg.numerics.arrays import Array, np


def _mean(location: Array, p: Values) -> Array:
    some = -np.expm1(
        -p["shape"] * np.log1p(location / p["shape"])
    )  # the probability of a count that is not 0
    return np.asarray((1 - p["zero"]) * np.where(some > 0, location / np.where(some > 0, some, 1.0), 1.0))


FAMILY = Family(
    name="hurdle_negative_binomial",
    place=144,
    links=counts.INFLATED_LINKS,
    accepts=("count",),
    support="whole numbers from 0",
    distribution="HurdleNegativeBinomial",
    likelihood=each(counts.INFLATED_LINKS, "psi=1 - {zero}, mu={mean}, alpha={shape}"),
    parameters=(ZERO, SHAPE),
    discrete=True,
    fits=counts.whole_numbers,
    outside=counts.NOT_WHOLE,
    scale=COUNT,
    coefficients={"log": "log rate ratio, before zeros are left out"},
    mean=_mean,
    mean_is_linear=False,
    log_density=by_log_mean(counts.INFLATED_LINKS, counts.log_hurdle(counts.log_negative_binomial)),
    log_shared=counts.log_ways,
    draw=counts.draw_inflated(counts.draw_positive_negative_binomial),
    law=lambda rate, p: counts.Hurdle(counts.negative_binomial(rate, p), p["zero"]),
    sample=counts.sample_inflated(counts.sample_positive_negative_binomial),
)
