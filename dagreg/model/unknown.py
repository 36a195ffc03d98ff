"""Predictors of which some values are not known: missing, or measured with error.

The joint density of a model's variables factors along any order, P(v1, ..., vk) = prod P(vi | v1, ..., vi-1),
which takes no causal assumption. Here the predictors that are known stand first and need no distribution;
then those that are not, each regressed on all before it; then the responses, whose regressions are there
already. An unknown value thus has its own regression for a prior, and every regression that it predicts for a
likelihood (Little and Rubin 2019, section 10.2; Carroll et al. 2006, chapter 9): right where values are
missing at random given these variables.

A response of a chain is regressed on its parents only. That is its distribution given everything before it,
too: a chain is offered where each of its responses shares no unobserved cause with an ancestor of the outcome
(`identify/chain.py`), and then it is independent of what is no descendant given its parents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from dagreg.families import FAMILIES
from dagreg.model.context import Context, PlannedRegression, error_at
from dagreg.model.equation import Equation
from dagreg.model.plan import Latent, Mixture
from dagreg.model.response import family_of
from dagreg.model.symbols import Namer
from dagreg.spec.types import Spec

MIN_NOISE = 0.5  # in sds of the measurements: above, true values are sampled around their regression


def completed(context: Context, regressions: tuple[PlannedRegression, ...]) -> tuple[PlannedRegression, ...]:
    """The regressions, before them one for each unknown predictor that none of them describes.

    Raises DagregError (DR434) where groups lack values.
    """
    responses = {r.response for r in regressions}
    predictors = dict.fromkeys(p for r in regressions for p in r.predictors if p not in responses)
    unknown = [name for name in in_order(context.spec, predictors) if is_unknown(context, name)]
    if not unknown:
        return regressions
    for name in unknown:
        if context.variables[name].pooled:
            said = f"values of the group `{name}` are missing, and groups are not imputed"
            raise error_at("DR434", said, context.variables[name])
    known = tuple(name for name in context.variables if name in predictors and name not in unknown)
    added = [_regression(context, name, (*known, *unknown[:i])) for i, name in enumerate(unknown)]
    return (*added, *regressions)


def is_unknown(context: Context, name: str) -> bool:
    """Whether some values of a predictor are not known as they are."""
    return context.variables[name].missing > 0 or _error(context, name) is not None


def in_order(spec: Spec, names: Collection[str]) -> list[str]:
    """These nodes, causes before effects."""
    parents: dict[str, list[str]] = {name: [] for name in spec.nodes}
    for edge in spec.edges:
        if not edge.bidirected:
            parents[edge.target].append(edge.source)
    return [name for name in TopologicalSorter(parents).static_order() if name in names]


def _error(context: Context, name: str) -> str | None:
    node = context.spec.nodes[name]
    return None if node.error_is_scale else node.error


def _regression(context: Context, name: str, before: tuple[str, ...]) -> PlannedRegression:
    why = f"it tells of the values of {name} that are not known"
    return PlannedRegression(name, before, dict.fromkeys(before, ("parent", why)), imputes=True)


def latents(context: Context, equations: Sequence[Equation], namer: Namer) -> tuple[Latent, ...]:
    """The unknown predictors of these regressions.

    Raises DagregError (DR434) where a kind of value is not imputed.
    """
    looked_up = [
        (name, t)
        for e in equations
        for t in e.terms
        for name in (t.factors if t.curve is not None else t.looked_up)
    ]
    for name, term in looked_up:
        if is_unknown(context, name):
            how = "as a curve" if term.curve is not None else "with a coefficient for each level"
            said = f"values of `{name}` are not known, and it enters {how}: that is not supported yet"
            raise error_at("DR434", said, context.variables[name])
    predictors = dict.fromkeys(p for e in equations for p in e.predictors)
    each = tuple(_latent(context, name, namer) for name in predictors if is_unknown(context, name))
    if any(latent.summed for latent in each):
        return each
    return tuple(replace(latent, around=True) if _noisy(context, latent) else latent for latent in each)


def _noisy(context: Context, latent: Latent) -> bool:
    """Whether measurements say so little of the true values that those are better sampled around their
    regression.

    Else the sampler meets a funnel, at the bottom of which the true values do not vary (Betancourt and
    Girolami 2015).
    """
    if latent.error is None or context.summary is None:
        return False
    variable = context.variables[latent.variable]
    scale = variable.transform_at[1] if variable.transform == "standardize" else 1.0
    return context.summary.columns[latent.error].mean / scale > MIN_NOISE * (variable.sd or 1.0)


def _latent(context: Context, name: str, namer: Namer) -> Latent:
    variable, error = context.variables[name], _error(context, name)
    family = family_of(context, name)
    summed = len(variable.levels) > 0
    if not summed and family.discrete:
        said = f"values of `{name}` are missing, and there is no end of counts to sum over"
        raise error_at("DR434", f"{said}: say `family: gaussian`, or declare it categorical", variable)
    return Latent(
        variable=name,
        missing=variable.missing,
        summed=summed,
        error=error,
        values=namer.identifier(name, "true" if error is not None else "unseen"),
        support=_support(family.name),
        count=0
        if summed
        else variable.missing
        if error is None
        else context.summary.rows
        if context.summary
        else 0,
    )


def _support(family: str) -> str:
    """The flat distribution over a family's support: the regression gives the values their own."""
    fits = FAMILIES[family].fits
    if fits(-1.0, -1.0, False):
        return "Flat"
    return "HalfFlat" if fits(2.0, 2.0, False) else "Uniform"


def mixture(latents: Iterable[Latent], namer: Namer) -> Mixture | None:
    """The sum over levels that are not known; None where there are none."""
    summed = tuple(latent.variable for latent in latents if latent.summed)
    return Mixture(summed, namer.identifier("chances")) if summed else None
