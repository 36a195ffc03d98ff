"""Estimates: numbers with their estimand, estimator and scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dagreg.effects.measures import Measure
from dagreg.spec.brief import Brief, cut
from dagreg.spec.types import Level

if TYPE_CHECKING:
    from dagreg.model.estimators import Estimator

EFFECTS = ("total effect", "direct effect", "effect on the treated", "effect on the untreated")
"""The estimands that are an effect itself, and no part of one."""

INDIRECT = "natural indirect effect"
"""The estimand that a mediation asks for."""

Scale = Literal["outcome", "link"] | Measure


def null_of(scale: Scale) -> float:
    """The value on a scale where there is no effect."""
    return scale.null if isinstance(scale, Measure) else 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Density(Brief):
    """A posterior's density at equal steps from `low` to `high`, which hold all of it that can be seen."""

    low: float
    high: float
    heights: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Brief):
    """A posterior in numbers. `interval` is equal-tailed with probability `level`.

    `prob_positive` is the probability of an effect above none: above 0, of a ratio above 1.
    """

    mean: float
    sd: float
    median: float
    interval: tuple[float, float]
    level: float
    prob_positive: float
    ess_bulk: float
    r_hat: float
    density: Density | None = None  # None where there is none to draw

    @property
    def line(self) -> str:
        """The numbers of most use, on one line."""
        low, high = self.interval
        return f"{self.mean:.4g}, sd {self.sd:.2g}, {self.level:.4g} interval {low:.4g} to {high:.4g}"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of an effect as a share of the whole: posterior median, and an equal-tailed interval."""

    median: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """One row of the answer: a contrast of the outcome's mean under an intervention."""

    name: str  # "x -> y"
    estimand: str  # "total effect", "direct effect", ...
    estimator: Estimator
    primary: bool
    scale: Scale
    contrast: tuple[Level, Level] | tuple[tuple[Level, ...], tuple[Level, ...]] | None
    by: Mapping[str, Level]
    adjusted_for: tuple[str, ...]
    summary: Summary
    label: str = ""  # the measure and what was compared: "risk difference of died = 1, drug: a against b"
    comparison: str = ""  # what was compared alone: "drug: a against b", "one unit more of x (cm)"
    outcome_level: Level | None = (
        None  # the level of the outcome whose probability, or odds, the number is of
    )
    share: Share | None = None  # of the total, for an indirect effect; None where the total may be 0, too
    surrogate_error: float | None = (
        None  # of the average over rows, in posterior sds; None: worked out at every draw
    )

    def __repr__(self) -> str:
        return cut(f"<Estimate by {self.estimator}, {self.label or self.name}: {self.summary.line}>")

    @property
    def null(self) -> float:
        """Its value where there is no effect."""
        return null_of(self.scale)

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio of two means, which is 1 where there is no effect."""
        return isinstance(self.scale, Measure) and self.scale.is_ratio

    @property
    def average(self) -> bool:
        """Whether it is the effect itself on the outcome's scale: over all rows, and no part of it."""
        return self.scale == "outcome" and len(self.by) == 0 and self.estimand in EFFECTS


@dataclass(frozen=True, slots=True, repr=False)
class Coefficient:
    """A regression coefficient as fitted.

    `causal` says whether it is the effect asked for (on the link scale).
    """

    response: str
    term: str
    estimator: Estimator
    summary: Summary
    causal: bool
    prior: str
    prior_given: bool
    why: str = ""
    response_level: Level | None = None  # the level of the response whose odds or probability it moves

    def __repr__(self) -> str:
        return cut(f"<Coefficient of {self.term} on {self.response}, {self.estimator}: {self.summary.line}>")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The chain's estimate minus the adjusted one, with the sd of that difference (rows resampled)."""

    contrast: str
    difference: float
    sd: float
    disagrees: bool  # beyond the uncertainty of the difference: evidence against the graph
    message: str


@dataclass(frozen=True, slots=True, repr=False)
class Dose(Brief):
    """The outcome's mean with the exposure set to a dose.

    `observed`: it lies within the exposure's own range.
    """

    dose: float
    summary: Summary
    observed: bool
    outcome_level: Level | None = None  # the level whose probability the mean is


@dataclass(frozen=True, slots=True, repr=False)
class EffectResult(Brief):
    """All the numbers of one effect."""

    estimates: tuple[Estimate, ...]
    coefficients: tuple[Coefficient, ...]
    disagreements: tuple[Disagreement, ...] = ()
    notes: tuple[str, ...] = field(default=())
    dose_response: tuple[Dose, ...] = ()
    prior_predictive: str = (
        ""  # what the priors said of the outcome's mean, in a sentence; "" where they are flat
    )


@dataclass(frozen=True, slots=True)
class Bound:
    """Between what an effect that is not identified must lie: posterior means of both ends, and intervals.

    `interval` reaches from the lower end of the lower bound's interval to the upper end of the upper one's:
    it holds the effect with probability `level` at least. `assumptions` are those beyond the graph.
    """

    estimand: str
    contrast: tuple[Level, Level]
    lower: float
    upper: float
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    interval: tuple[float, float]
    level: float
    sharp: bool
    outcome_level: Level | None = None
    by: Mapping[str, Level] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
