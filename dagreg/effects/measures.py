"""The measures that compare two means besides their difference, a record each; and what a coefficient is.

They compare the two standardised means, so they are marginal (Hernan and Robins 2020, section 1.3). A new
measure is a member here: the means that it compares, its formula and its value where there is no effect.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from dagreg.numerics.arrays import np

if TYPE_CHECKING:
    from dagreg.families.scales import MeanKind
    from dagreg.model.equation import Equation
    from dagreg.model.summary import Variable
    from dagreg.numerics.arrays import Array
    from dagreg.spec.types import Level


class Measure(StrEnum):
    """A comparison of the outcome's mean before and after.

    A member is its name, in words and in saved results.
    """

    compares: MeanKind
    null: float  # its value where there is no effect
    formula: Callable[[Array, Array], Array]

    def __new__(
        cls, name: str, compares: MeanKind, null: float, formula: Callable[[Array, Array], Array]
    ) -> Measure:
        member = str.__new__(cls, name)
        member._value_ = name
        member.compares, member.null, member.formula = compares, null, formula
        return member

    def __repr__(self) -> str:
        return repr(str(self))

    RISK_RATIO = ("risk ratio", "risk", 1.0, lambda start, stop: stop / start)
    ODDS_RATIO = ("odds ratio", "risk", 1.0, lambda start, stop: stop / (1 - stop) * (1 - start) / start)
    RATE_RATIO = ("rate ratio", "count", 1.0, lambda start, stop: stop / start)
    MEAN_RATIO = ("mean ratio", "positive", 1.0, lambda start, stop: stop / start)

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio of two means, which is above 0."""
        return self.null == 1.0


def measures_of(equation: Equation) -> tuple[Measure, ...]:
    """Those that compare means of this response."""
    return tuple(measure for measure in Measure if measure.compares == equation.family.scale.kind)


def compared(equation: Equation, start: Array, stop: Array) -> dict[Measure, Array]:
    """Each measure of the outcome's two means, by draw; none where a mean leaves no number, as 0 leaves no
    ratio.
    """
    with np.errstate(all="ignore"):
        draws = {measure: measure.formula(start, stop) for measure in measures_of(equation)}
    return {
        measure: values
        for measure, values in draws.items()
        if np.isfinite(values).all() and (not measure.is_ratio or (values > 0).all())
    }


def event(response: Variable) -> Level | None:
    """The level of a response of two whose probability its mean is; None where the mean is no probability."""
    return response.levels[1] if len(response.levels) == 2 else None


def coefficient(equation: Equation) -> str:
    """What a coefficient is on the scale of the link, the other predictors held fixed."""
    return equation.family.coefficients.get(equation.link.name, equation.link.coefficient)
