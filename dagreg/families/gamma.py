"""The gamma distribution, by its mean and its shape."""

from __future__ import annotations

from dagreg.families.family import NUMBERS, Family, each
from dagreg.families.parameters import SHAPE
from dagreg.families.positive import LINKS, NOT_ABOVE_ZERO, above_zero, draw_gamma, sample_gamma, square
from dagreg.families.scales import POSITIVE
from dagreg.numerics.arrays import stats


def _censored() -> dict[str, str]:
    """By the incomplete gamma functions, a difference being taken in the tail that holds it."""
    low, high = "{shape} * {low} / {mean}", "{shape} * {high} / {mean}"
    tail = f"pm.math.gammaincc({{shape}}, {low}) - pm.math.gammaincc({{shape}}, {high})"
    head = f"pm.math.gammainc({{shape}}, {high}) - pm.math.gammainc({{shape}}, {low})"
    return {
        "above": "pm.math.log(pm.math.gammaincc({shape}, {shape} * {at} / {mean}))",
        "below": "pm.math.log(pm.math.gammainc({shape}, {shape} * {at} / {mean}))",
        "between": f"pm.math.log(pm.math.where({{low}} > {{mean}}, {tail}, {head}))",
    }


FAMILY = Family(
    name="gamma",
    place=40,
    links=LINKS,
    accepts=NUMBERS,
    support="numbers above 0",
    distribution="Gamma",
    likelihood=each(LINKS, "alpha={shape}, beta={shape} / {mean}"),
    parameters=(SHAPE,),
    fits=above_zero,
    outside=NOT_ABOVE_ZERO,
    scale=POSITIVE,
    quasi_variance=square,
    draw=draw_gamma,
    law=lambda mean, p: stats.gamma(p["shape"], scale=mean / p["shape"]),
    sample=sample_gamma,
    censored=_censored(),
)
