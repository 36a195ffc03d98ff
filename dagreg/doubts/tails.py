"""Estimates whose mean is decided by a few draws far out: their posterior may have no mean.

A population of groups under the log link has the mean exp(sd^2 / 2), and a ratio may divide by what is
nearly 0. The sd of the draws then has nothing to do with their middle, and it changes from seed to seed as
the mean does.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

from dagreg.effects.types import Estimate, Summary
from dagreg.errors import Doubt

MAX_SPREAD = 3.0  # the sd, in what it would be for a Normal with the same interval


def tail_doubts(estimates: Iterable[Estimate]) -> tuple[Doubt, ...]:
    """A warning for each primary estimate with such a posterior."""
    return tuple(
        Doubt("DR536", _message(e), remedy=_REMEDY)
        for e in estimates
        if e.primary and has_long_tails(e.summary)
    )


_REMEDY = (
    "Report the median and the interval, or say priors under `regressions:` that rule out values so far out, "
    "such as `HalfNormal(1)` for the name of a group."
)


def has_long_tails(summary: Summary) -> bool:
    """Whether the sd is far beyond that of a Normal with this interval."""
    low, high = summary.interval
    normal = (high - low) / (2 * NormalDist().inv_cdf((1 + summary.level) / 2))
    return summary.sd > MAX_SPREAD * normal > 0


def _message(estimate: Estimate) -> str:
    summary = estimate.summary
    return (
        f"A few draws far out decide the mean and sd of {estimate.label or estimate.name}: its posterior may "
        f"have no mean. The median is {summary.median:.3g}."
    )
