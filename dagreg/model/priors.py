"""Priors: the user's exactly as given, else defaults scaled to the data.

The defaults are those of Gelman, Hill and Vehtari (2020), Regression and Other Stories, section 9.5 (as
rstanarm has them): on the scale of the linear predictor, intercept Normal(centre, 2.5 s) at the predictors'
means, slopes Normal(0, 2.5 s / sd(predictor)), residual sd Exponential(1 / s), where s is the response's sd
under an identity link, 1 under links with a scale of their own (log, logit, probit, cloglog), and under the
others the sd of the linked response by the delta method. A 0/1 column is left unscaled.

Sds between groups are HalfNormal(s), of slopes HalfNormal(s / sd(predictor)), with correlations LKJ(2)
(Lewandowski, Kurowicka and Joe 2009). Shapes, precisions and dispersions, which differ by orders of magnitude
from one problem to the next, are HalfCauchy(5), after Gelman (2006); degrees of freedom Gamma(2, 0.1) (Juarez
and Steel 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dagreg.families.family import Parameter
from dagreg.families.links import Link
from dagreg.model.summary import Variable
from dagreg.model.terms import DataScale, PriorChoice
from dagreg.numerics.rounding import PRIOR, PRIOR_DIGITS, shortened
from dagreg.spec.types import Prior, Regression

WIDTH = 2.5


def _rounded(value: float, scale: float | None = None) -> float:
    """In as many digits as its scale, its own where none is given, calls for."""
    return shortened(value, PRIOR * abs(value if scale is None else scale), PRIOR_DIGITS)


def given(prior: Prior) -> PriorChoice:
    """The user's prior, as it stands."""
    return PriorChoice(prior.distribution, prior.arguments, given=True, span=prior.span)


def _chosen(regression: Regression | None, *keys: str) -> PriorChoice | None:
    for key in keys:
        if regression is not None and key in regression.priors:
            return given(regression.priors[key])
    return None


def _normal(centre: float | DataScale, scale: float | DataScale, rule: str) -> PriorChoice:
    width = scale if isinstance(scale, float) else None
    shown = tuple(_rounded(a, width) if isinstance(a, float) else a for a in (centre, scale))
    return PriorChoice("Normal", shown, given=False, rule=rule)


def intercept(
    regression: Regression | None, response: Variable, link: Link, rate: float | None, *, levels: bool = False
) -> PriorChoice:
    """At predictors = 0 where the user gave it, else at the predictors' means.

    `rate` is the mean response per trial or per unit of exposure, None without data. With `levels` the
    response is one of several, and every intercept or cutpoint has the same prior.
    """
    chosen = _chosen(regression, "intercept")
    if chosen is not None:
        return chosen
    if levels:
        return _normal(0.0, WIDTH, f"Normal(0, {WIDTH:g})")
    if link.name == "identity":
        centre = DataScale(of=response.name, statistic="mean") if response.mean is None else response.mean
        scale = DataScale(WIDTH, of=response.name) if response.sd is None else WIDTH * response.sd
        return _normal(centre, scale, f"Normal(mean({response.name}), {WIDTH:g} sd({response.name}))")
    unknown = 0.0 if link.unit else link.of_mean(1.0)
    top = "" if link.unit else f" sd({link.name}({response.name}))"
    return _normal(
        unknown if rate is None else link.of_mean(rate),
        WIDTH * _spread(response, link),
        f"Normal({link.name} of the mean response, {WIDTH:g}{top})",
    )


def cell_mean(response: Variable, support: str, rate: float | None) -> PriorChoice:
    """The default prior of a cell's mean where that is a probability, or a rate: that of one
    trial or unit.
    """
    if support == "probability":
        return PriorChoice("Beta", (1.0, 1.0), given=False, rule="Beta(1, 1)")
    rule = f"Gamma(1, 1 / mean({response.name}))"
    below = DataScale(of=response.name, statistic="rate") if rate is None else _rounded(1 / (rate or 1.0))
    return PriorChoice("Gamma", (1.0, below), given=False, rule=rule)


def slope(
    regression: Regression | None, key: str, response: Variable, factors: tuple[Variable, ...], link: Link
) -> PriorChoice:
    """The prior of one term's coefficients.

    An interaction's is scaled by the sds of its factors, not by that of their product, which grows with the
    factors' means and would shrink the interaction towards 0 for no other reason.
    """
    chosen = _chosen(regression, key, "slopes")
    if chosen is not None:
        return chosen
    scale, below, rule = _scaled(WIDTH, response, factors, link)
    if isinstance(scale, DataScale):
        return _normal(0.0, scale, f"Normal(0, {rule})")
    return _normal(0.0, scale / below, f"Normal(0, {rule})")


def between_groups(
    regression: Regression | None,
    keys: Sequence[str],
    response: Variable,
    factors: tuple[Variable, ...],
    link: Link,
) -> PriorChoice:
    """The prior of the sd, between groups, of the intercept (no `factors`) or of a slope."""
    chosen = _chosen(regression, *keys)
    if chosen is not None and chosen.distribution != "LKJCholesky":
        return chosen
    scale, below, rule = _scaled(1.0, response, factors, link)
    argument = scale if isinstance(scale, DataScale) else _rounded(scale / below)
    return PriorChoice("HalfNormal", (argument,), given=False, rule=f"HalfNormal({rule})")


def concentration(regression: Regression | None, group: str) -> float:
    """The LKJ prior's parameter: the user's, given as the group's prior, else 2."""
    chosen = _chosen(regression, group)
    if chosen is None or chosen.distribution != "LKJCholesky":
        return 2.0
    (eta,) = chosen.arguments
    assert isinstance(eta, float | int)
    return float(eta)


def _scaled(
    multiple: float, response: Variable, factors: tuple[Variable, ...], link: Link
) -> tuple[float | DataScale, float, str]:
    """`multiple` sds of the linked response, the product of the factors' sds that divides it, and both in
    words.

    Where the data are not known, the whole is a DataScale.
    """
    numeric = tuple(v for v in factors if not v.levels)
    named = {"identity": f"sd({response.name})"}.get(link.name, f"sd({link.name}({response.name}))")
    rule = _rule(multiple, None if link.unit else named, [v.name for v in numeric])
    scaled = (*((response,) if link.name == "identity" else ()), *numeric)
    if any(v.sd is None for v in scaled):
        of = response.name if link.name == "identity" else None
        return DataScale(multiple, of=of, per=tuple(v.name for v in numeric)), 1.0, rule
    return multiple * _spread(response, link), math.prod(v.sd or 1.0 for v in numeric), rule


def _spread(response: Variable, link: Link) -> float:
    """The sd of the linked response: exact for the identity, else by the delta method; 1 where it is not
    needed.
    """
    if link.unit or response.sd is None or response.mean is None:
        return 1.0
    if link.name == "identity":
        return response.sd or 1.0
    slope_there = link.slope(np.array([link.of_mean(response.mean)]))
    return float(response.sd / (abs(slope_there[0]) or 1.0)) or 1.0


def _rule(multiple: float, of: str | None, per: Sequence[str]) -> str:
    """`2.5 sd(y) / sd(x)` in the words of the report."""
    number = "" if multiple == 1 and of else f"{multiple:g}"
    top = " ".join(word for word in (number, of) if word)
    sds = " ".join(f"sd({name})" for name in per)
    below = f"({sds})" if len(per) > 1 else sds
    return f"{top}{' / ' if below else ''}{below}"


def auxiliary(
    regression: Regression | None,
    parameter: Parameter,
    response: Variable,
    linked: Variable | None = None,
    multiplied: float | None = None,
) -> PriorChoice:
    """The prior of a parameter of the family besides the mean: its own default, or one scaled to the data.

    `linked` is the response that errors correlate with; `multiplied` the mean of the column that the residual
    sd is a multiple of.
    """
    chosen = _chosen(regression, parameter.name)
    if chosen is not None:
        return chosen
    if linked is not None and parameter.name == "control":
        rule = f"Normal(0, {WIDTH:g} sd({response.name}) / sd({linked.name}))"
        if response.sd is None or linked.sd is None:
            return _normal(0.0, DataScale(WIDTH, of=response.name, per=(linked.name,)), rule)
        return _normal(0.0, WIDTH * response.sd / linked.sd, rule)
    if parameter.prior is not None:
        distribution, arguments = parameter.prior
        shown = ", ".join(f"{a:g}" for a in arguments)
        return PriorChoice(distribution, arguments, given=False, rule=f"{distribution}({shown})")
    if multiplied is not None and response.sd is not None:
        rule = f"Exponential(mean(its column) / sd({response.name}))"
        return PriorChoice("Exponential", (_rounded(multiplied / response.sd),), given=False, rule=rule)
    rule = f"Exponential(1 / sd({response.name}))"
    if response.sd is None:
        return PriorChoice("Exponential", (DataScale(1.0, per=(response.name,)),), given=False, rule=rule)
    return PriorChoice("Exponential", (_rounded(1 / response.sd),), given=False, rule=rule)
