"""Priors: the user's exactly as given, else defaults scaled to the data.

The defaults are those of Gelman, Hill and Vehtari (2020), Regression and Other Stories, section 9.5
(as rstanarm has them): on the scale of the linear predictor, intercept Normal(centre, 2.5 s) at the
predictors' means, slopes Normal(0, 2.5 s / sd(predictor)), residual sd Exponential(1 / s), where s is the
response's sd under an identity link and 1 under the others. A 0/1 column is left unscaled.
"""

from __future__ import annotations

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
    sd: float | None,
) -> PriorChoice:
    """The prior of one term's coefficients. `sd` is that of the term's column, where it is a number."""
    chosen = _chosen(regression, key, "slopes")
    if chosen is not None:
        return chosen
    numeric = [v.name for v in factors if not v.levels]
    identity = link.name == "identity"
    top = f" sd({response.name})" if identity else ""
    rule = f"Normal(0, {WIDTH:g}{top}" + (f" / sd({':'.join(numeric)})" if numeric else "") + ")"
    if (identity and response.sd is None) or (numeric and sd is None):
        per = numeric[0] if numeric else None
        return _normal(0.0, DataScale(WIDTH, of=response.name if identity else None, per=per), rule)
    scale = WIDTH * (response.sd if identity and response.sd is not None else 1.0)
    return _normal(0.0, scale / sd if numeric and sd else scale, rule)


def auxiliary(regression: Regression | None, name: str, response: Variable) -> PriorChoice:
    """The prior of a parameter of the family besides the mean."""
    chosen = _chosen(regression, name)
    if chosen is not None:
        return chosen
    rule = f"Exponential(1 / sd({response.name}))"
    if response.sd is None:
        return PriorChoice("Exponential", (DataScale(1.0, per=response.name),), given=False, rule=rule)
    return PriorChoice("Exponential", (_rounded(1 / response.sd),), given=False, rule=rule)
