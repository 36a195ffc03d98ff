"""Priors: the user's exactly as given, else defaults scaled to the data.

The defaults are those of Gelman, Hill and Vehtari (2020), Regression and Other Stories, section 9.5
(as rstanarm has them): on the scale of the linear predictor, intercept Normal(centre, 2.5 s) at the
predictors' means, slopes Normal(0, 2.5 s / sd(predictor)), residual sd Exponential(1 / s), where s is the
response's sd under an identity link and 1 under the others. A 0/1 column is left unscaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dagreg.model.families import Link
from dagreg.model.types import DataScale, PriorChoice, Variable
from dagreg.spec.types import Prior, Regression

WIDTH = 2.5


def _rounded(value: float) -> float:
    """Three significant digits: a default prior is no more exact than that, and reads better."""
    return float(f"{value:.3g}")


def given(prior: Prior) -> PriorChoice:
    """The user's prior, as it stands."""
    return PriorChoice(prior.distribution, prior.arguments, given=True, span=prior.span)


def _chosen(regression: Regression | None, *keys: str) -> PriorChoice | None:
    for key in keys:
        if regression is not None and key in regression.priors:
            return given(regression.priors[key])
    return None


def _normal(centre: float | DataScale, scale: float | DataScale, rule: str) -> PriorChoice:
    shown = tuple(_rounded(a) if isinstance(a, float) else a for a in (centre, scale))
    return PriorChoice("Normal", shown, given=False, rule=rule)


def intercept(regression: Regression | None, response: Variable, link: Link, rate: float | None) -> PriorChoice:
    """At predictors = 0 where the user gave it, else at the predictors' means.

    `rate` is the mean response per trial or per unit of exposure, None without data.
    """
    chosen = _chosen(regression, "intercept")
    if chosen is not None:
        return chosen
    if link.name == "identity":
        centre = DataScale(of=response.name, statistic="mean") if response.mean is None else response.mean
        scale = DataScale(WIDTH, of=response.name) if response.sd is None else WIDTH * response.sd
        return _normal(centre, scale, f"Normal(mean({response.name}), {WIDTH:g} sd({response.name}))")
    centre = 0.0 if rate is None else link.of_mean(rate)
    return _normal(centre, WIDTH, f"Normal({link.name} of the mean response, {WIDTH:g})")


def slope(
    regression: Regression | None,
    key: str,
    response: Variable,
    factors: tuple[Variable, ...],
    link: Link,
) -> PriorChoice:
    """The prior of one term's coefficients.

    An interaction's is scaled by the sds of its factors, not by that of their product, which grows with the
    factors' means and would shrink the interaction towards 0 for no other reason.
    """
    chosen = _chosen(regression, key, "slopes")
    if chosen is not None:
        return chosen
    numeric = tuple(v for v in factors if not v.levels)
    scaled = (*((response,) if link.name == "identity" else ()), *numeric)
    rule = _slope_rule(response.name if link.name == "identity" else None, [v.name for v in numeric])
    if any(v.sd is None for v in scaled):
        of = response.name if link.name == "identity" else None
        return _normal(0.0, DataScale(WIDTH, of=of, per=tuple(v.name for v in numeric)), rule)
    scale = WIDTH * (response.sd or 1.0) if link.name == "identity" else WIDTH
    return _normal(0.0, scale / math.prod(v.sd or 1.0 for v in numeric), rule)


def _slope_rule(of: str | None, per: Sequence[str]) -> str:
    """`Normal(0, 2.5 sd(y) / sd(x))` in the words of the report."""
    top = f"{WIDTH:g}" + (f" sd({of})" if of else "")
    sds = " ".join(f"sd({name})" for name in per)
    below = f"({sds})" if len(per) > 1 else sds
    return f"Normal(0, {top}{' / ' if below else ''}{below})"


def auxiliary(
    regression: Regression | None, name: str, response: Variable, linked: Variable | None = None
) -> PriorChoice:
    """The prior of a parameter of the family besides the mean; `linked` is the response that errors correlate with."""
    chosen = _chosen(regression, name)
    if chosen is not None:
        return chosen
    if linked is not None and name == "control":
        rule = f"Normal(0, {WIDTH:g} sd({response.name}) / sd({linked.name}))"
        if response.sd is None or linked.sd is None:
            return _normal(0.0, DataScale(WIDTH, of=response.name, per=(linked.name,)), rule)
        return _normal(0.0, WIDTH * response.sd / linked.sd, rule)
    rule = f"Exponential(1 / sd({response.name}))"
    if response.sd is None:
        return PriorChoice("Exponential", (DataScale(1.0, per=(response.name,)),), given=False, rule=rule)
    return PriorChoice("Exponential", (_rounded(1 / response.sd),), given=False, rule=rule)
