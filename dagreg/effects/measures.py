"""The measures of effect that a family has: differences of means, ratios of them, and what a coefficient is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dagreg.effects.types import Scale

if TYPE_CHECKING:
    from dagreg.families.scales import Ratio
    from dagreg.model.equation import Equation
    from dagreg.model.summary import Variable
    from dagreg.numerics.arrays import Array
    from dagreg.spec.types import Level


def _ratio(start: Array, stop: Array) -> Array:
    return stop / start


def _odds_ratio(start: Array, stop: Array) -> Array:
    return stop / (1 - stop) * (1 - start) / start


RATIOS: Mapping[Ratio, Callable[[Array, Array], Array]] = {
    "risk ratio": _ratio,
    "odds ratio": _odds_ratio,
    "rate ratio": _ratio,
    "mean ratio": _ratio,
}
"""They compare the two standardised means, so they are marginal (Hernan and Robins 2020, section 1.3)."""


def ratios(equation: Equation, start: Array, stop: Array) -> dict[Scale, Array]:
    """Each ratio of the outcome's means that its family has; none where a mean leaves no ratio, as 0 does."""
    import numpy as np

    with np.errstate(all="ignore"):
        found = {name: RATIOS[name](start, stop) for name in equation.family.scale.ratios}
    return {scale: values for scale, values in found.items() if np.isfinite(values).all() and (values > 0).all()}


def event(response: Variable) -> Level | None:
    """The level of a response of two whose probability its mean is; None where the mean is no probability."""
    return response.levels[1] if len(response.levels) == 2 else None


def coefficient(equation: Equation) -> str:
    """What a coefficient is on the scale of the link, the other predictors held fixed."""
    return equation.family.coefficients.get(equation.link.name, equation.link.coefficient)
