"""Counts whose variance is their mean."""

from __future__ import annotations

from dagreg.families import counts
from dagreg.families.family import Family, each
from dagreg.families.numeric import Array, np
from dagreg.families.scales import COUNT


def _log(count: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(count * eta - np.exp(eta))


FAMILY = Family(
    name="poisson",
    place=110,
    links=counts.LINKS,
    accepts=("count",),
    default_for=("count",),
    support="whole numbers from 0",
    distribution="Poisson",
    likelihood=each(counts.LINKS, "mu={mean}"),
    discrete=True,
    fits=counts.whole_numbers,
    scale=COUNT,
    coefficients=counts.COEFFICIENTS,
    variance=counts.proportional,
    overdisperses=True,
    tested_as="count",
    log_likelihood={"log": _log},
    concave=("log",),
    draw=counts.draw_poisson,
    sample=counts.sample_poisson,
    grouped_as="poisson",
    units="exposure",
    cell_support="rate",
)
