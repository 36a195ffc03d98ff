"""The measures of effect that a family has: differences of means, ratios of them, and what a coefficient is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dagreg.effects.types import Scale

if TYPE_CHECKING:
    from dagreg.engine.draws import Array
    from dagreg.model.types import Equation, Variable
    from dagreg.spec.types import Level

RISKS = ("bernoulli", "binomial", "beta_binomial")
COUNTS = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial")
POSITIVE = ("gamma", "lognormal", "weibull", "exponential")


def _ratio(start: Array, stop: Array) -> Array:
    return stop / start


def _odds_ratio(start: Array, stop: Array) -> Array:
    return stop / (1 - stop) * (1 - start) / start


_Ratios = Mapping[Scale, Callable[["Array", "Array"], "Array"]]
_OF_RISKS: _Ratios = {"risk ratio": _ratio, "odds ratio": _odds_ratio}
_OF_RATES: _Ratios = {"rate ratio": _ratio}
_OF_MEANS: _Ratios = {"mean ratio": _ratio}
RATIOS: Mapping[str, _Ratios] = {
    family: ratios
    for families, ratios in ((RISKS, _OF_RISKS), (COUNTS, _OF_RATES), (POSITIVE, _OF_MEANS))
    for family in families
}
"""By family. They compare the two standardised means, so they are marginal (Hernan and Robins 2020, section 1.3)."""


def ratios(equation: Equation, start: Array, stop: Array) -> dict[Scale, Array]:
    """Each ratio of the outcome's means that its family has; none where a mean leaves no ratio, as 0 does."""
    import numpy as np

    with np.errstate(all="ignore"):
        found = {scale: ratio(start, stop) for scale, ratio in RATIOS.get(equation.family.name, {}).items()}
    return {scale: values for scale, values in found.items() if np.isfinite(values).all() and (values > 0).all()}


def difference(family: str) -> str:
    """What the outcome's scale shows of a response that is one number."""
    if family in RISKS:
        return "risk difference"
    return "rate difference" if family in COUNTS else "mean difference"


def event(response: Variable) -> Level | None:
    """The level of a response of two whose probability its mean is; None where the mean is no probability."""
    return response.levels[1] if len(response.levels) == 2 else None


_COEFFICIENT: Mapping[str, str] = {
    "probit": "difference in probits",
    "cloglog": "difference in log cumulative hazards",
    "inverse": "difference in the inverse mean",
    "softplus": "difference on the softplus scale",
}


def coefficient(equation: Equation) -> str:
    """What a coefficient is on the scale of the link, the other predictors held fixed.

    Under the complementary log-log link -log(1 - p) is the cumulative hazard (McCullagh and Nelder 1989, section
    4.3.1). The log link of a lognormal response is that of its median, whose ratios are those of the mean.
    """
    link, family = equation.link.name, equation.family.name
    if link == "log":
        return "log rate ratio" if family in COUNTS else "log mean ratio"
    if link == "logit":
        return {"ordinal": "log cumulative odds ratio", "beta": "log odds ratio of the mean"}.get(
            family, "log odds ratio"
        )
    return _COEFFICIENT.get(link, "difference on the link scale")
