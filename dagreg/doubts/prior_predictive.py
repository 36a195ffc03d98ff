"""What the priors said before the data: whether they rule the data out, and whether the data moved them.

Data sets are simulated from the priors at the observed predictors, as in the prior predictive check of
Gelman, Vehtari et al. (2020, "Bayesian workflow", section 2.4) and Box (1980). Priors of the user's that
place the mean or the sd of a response where it all but never falls are a mistake of units, or need a defence.
Defaults are scaled to the data and cannot be wrong in that way. The effect's own prior is its contrast at the
same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.effects.estimate import comparison
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.predictor import location, parameters
from dagreg.effects.rows import linear, merge, observed_rows
from dagreg.effects.types import Estimate
from dagreg.errors import Doubt
from dagreg.model.design import column, encoded
from dagreg.model.equation import Equation, ErrorScale, KnownErrors
from dagreg.model.plan import Model
from dagreg.model.prior_draws import draw, proper
from dagreg.model.sampling import responses
from dagreg.model.terms import PriorChoice, Varying
from dagreg.numerics.arrays import Array
from dagreg.spec.types import LEVEL

DRAWS = 1_000
MAX_ROWS = 200  # of the data, for which responses are drawn
CENTRAL = 0.998  # of the prior predictive distribution: a statistic outside is ruled out
MIN_UNMOVED = 0.9  # of the prior's interval: a posterior as wide has learned next to nothing


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """What the priors said: doubts, and a sentence with the figures for the outcome ("" where
    there is none).
    """

    doubts: tuple[Doubt, ...]
    sentence: str


def prior_check(
    model: Model, estimates: Sequence[Estimate], data: Mapping[str, Any], seed: int
) -> PriorCheck:
    """The primary model's regressions under their priors; nothing is said of those whose priors are flat."""
    if not model.complete:
        return PriorCheck((), "")  # some values are parameters themselves
    rng = np.random.default_rng([seed, 71])
    table = _some_rows(model, data, rng)
    drawn = {e.response: _parameters(e, rng) for e in model.equations}
    by_response = {e.response: _predicted(model, e, drawn[e.response], table, rng) for e in model.equations}
    doubts = [
        doubt
        for equation in model.equations
        if (predicted := by_response[equation.response]) is not None
        for doubt in _ruled_out(equation, predicted)
    ]
    outcome = by_response[model.outcome.response]
    sentence = _sentence(model, outcome) if outcome is not None else ""
    every = {
        symbol: values for draws in drawn.values() if draws is not None for symbol, values in draws.items()
    }
    if all(draws is not None for draws in drawn.values()):
        doubts += _unmoved(model, estimates, every, table, seed)
    return PriorCheck(tuple(doubts), sentence)


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Mean and sd of a response in data sets under its priors, and as observed in the same rows."""

    means: Array
    sds: Array
    mean: float
    sd: float


def _some_rows(model: Model, data: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """At most `MAX_ROWS` of the rows, at random, those with missing values left out."""
    columns = model.columns
    table = as_columns(data).in_database
    if table is not None:
        masked = table.sample(columns, MAX_ROWS, int(rng.integers(2**31)))
        there = ~np.any([np.ma.getmaskarray(masked[c]) for c in columns], axis=0)
        return {c: np.ma.getdata(masked[c])[there] for c in columns}
    arrays = {c: np.asarray(data[c]) for c in columns}
    count = len(arrays[columns[0]])
    kept = np.arange(count) if count <= MAX_ROWS else np.sort(rng.choice(count, MAX_ROWS, replace=False))
    return {c: values[kept] for c, values in arrays.items()}


def _parameters(equation: Equation, rng: np.random.Generator) -> dict[str, Array] | None:
    """Draws of a regression's parameters from their priors; None where one cannot be drawn.

    Correlations between the deviations of a group are left out: they do not move a mean.
    """
    priors = [*equation.coefficients, *(a.prior for a in equation.auxiliaries)]
    priors += [d.prior for v in equation.varying for d in v.deviations]
    unlike = len(equation.levels) > 0 or equation.linked is not None or equation.censoring is not None
    if unlike or not all(map(proper, priors)):
        return None
    draws = {equation.intercept: _of(equation.intercept_prior, rng)}
    for term in equation.terms:
        draws[term.symbol] = _of(term.prior, rng, *([len(term.columns)] if len(term.columns) > 1 else []))
    for auxiliary in equation.auxiliaries:
        draws[auxiliary.symbol] = _of(auxiliary.prior, rng)
    for varying in equation.varying:
        draws |= _groups(varying, rng)
    return draws


def _groups(varying: Varying, rng: np.random.Generator) -> dict[str, Array]:
    """Draws of the sds between groups, and of the deviations of each."""
    width = len(varying.deviations)
    sds = np.stack([_of(d.prior, rng) for d in varying.deviations], axis=-1)
    deviations = sds[:, None, :] * rng.standard_normal((DRAWS, len(varying.levels), width))
    if not varying.correlated:
        return {varying.symbol: deviations[..., 0], varying.scale: sds[:, 0]}
    _, stds, correlations = varying.parameters
    alone = np.broadcast_to(np.eye(width), (DRAWS, width, width))
    return {varying.symbol: deviations, stds: sds, correlations: alone}


def _of(prior: PriorChoice, rng: np.random.Generator, *shape: int) -> Array:
    numbers = tuple(float(a) for a in prior.arguments if isinstance(a, float | int))  # data are known here
    return draw(rng, prior, numbers, (DRAWS, *shape))


def _predicted(
    model: Model,
    equation: Equation,
    draws: Mapping[str, Array] | None,
    table: Mapping[str, Any],
    rng: np.random.Generator,
) -> _Predicted | None:
    """Simulated data sets at these rows, each in its mean and sd (per unit); None where priors are flat.

    Counts of a row are sums over its trials, or over its exposure, and how units are cut into rows says
    nothing: the mean is that of the units, and the sd that of single trials.
    """
    if draws is None:
        return None
    names = (equation.response, *equation.predictors)
    values = encoded(model, names, table)
    observed = values[equation.response][:, 0]
    units = column(equation.offset or equation.trials, table, len(observed))
    with np.errstate(all="ignore"):  # under a log link a wide prior overflows: that is what it says
        simulated = _responses(equation, draws, values, table, rng)
        means, mean = simulated.sum(axis=1) / units.sum(), float(observed.sum() / units.sum())
        if equation.trials is not None:
            sds, sd = np.sqrt(means * (1 - means)), (mean * (1 - mean)) ** 0.5
        elif equation.offset is not None:
            sds, sd = np.zeros_like(means), 0.0
        else:
            sds, sd = simulated.std(axis=1), float(observed.std())
    means, sds = (np.where(np.isnan(moment), np.inf, moment) for moment in (means, sds))
    return _Predicted(means, sds, mean, sd)


def _responses(
    equation: Equation,
    draws: Mapping[str, Array],
    values: Mapping[str, Array],
    table: Mapping[str, Any],
    rng: np.random.Generator,
) -> Array:
    """A response for every row under every draw, draws x rows."""
    rows = len(values[equation.response])
    where = np.broadcast_to(location(equation, draws, values), (DRAWS, rows))
    others = parameters(equation, draws)
    if equation.offset is not None:
        where = where * column(equation.offset, table, rows)
    if isinstance(equation.error, KnownErrors):
        others["sigma"] = np.hypot(others["sigma"], column(equation.error.column, table, rows))
    if isinstance(equation.error, ErrorScale):
        others["sigma"] = others["sigma"] * column(equation.error.column, table, rows)
    return responses(rng, equation.family, where, others | {"trials": column(equation.trials, table, rows)})


def _ruled_out(equation: Equation, predicted: _Predicted) -> Iterator[Doubt]:
    """A doubt for the mean, or else the sd, where the user's priors leave it out."""
    if not _given(equation):
        return
    named = (("mean", predicted.means, predicted.mean), ("sd", predicted.sds, predicted.sd))
    for statistic, simulated, observed in named:
        low, high = _central(simulated, CENTRAL)
        if low <= observed <= high:
            continue
        message = (
            f"Your priors rule out the data. Before the data they place the {statistic} of "
            f"{_per_unit(equation)} between {low:.3g} and {high:.3g} with probability {CENTRAL:.1%}; in "
            f"the data it is {observed:.3g}."
        )
        remedy = (
            "Check the units of the priors under "
            f"`regressions: {{{equation.response}: {{priors: ...}}}}`, or widen them."
        )
        yield Doubt("DR515", message, remedy=remedy)
        return


def _per_unit(equation: Equation) -> str:
    return (
        equation.response if equation.offset is None else f"{equation.response} per unit of {equation.offset}"
    )


def _given(equation: Equation) -> bool:
    priors = [*equation.coefficients, *(a.prior for a in equation.auxiliaries)]
    return any(p.given for p in (*priors, *(d.prior for v in equation.varying for d in v.deviations)))


def _central(values: Array, share: float) -> tuple[float, float]:
    """The central interval that holds this share: order statistics, since values may be infinite."""
    ordered = np.sort(values)
    cut = int((1 - share) / 2 * len(ordered))
    return float(ordered[cut]), float(ordered[-1 - cut])


def _sentence(model: Model, predicted: _Predicted) -> str:
    equation, mean = model.outcome, model.variables[model.outcome.response].mean
    low, high = _central(predicted.means, LEVEL)
    whose = "the priors, of which some are yours," if _given(equation) else "the default priors"
    cut = equation.trials is not None or equation.offset is not None
    observed = predicted.mean if cut or mean is None else mean  # of all rows, where it is known
    return (
        f"Before the data, {whose} place the mean of {_per_unit(equation)} between {low:.3g} and "
        f"{high:.3g} with probability {LEVEL:.0%} (prior predictive, at the observed predictors). In the "
        f"data it is {observed:.3g}."
    )


def _unmoved(
    model: Model,
    estimates: Sequence[Estimate],
    draws: Mapping[str, Array],
    table: Mapping[str, Any],
    seed: int,
) -> Iterator[Doubt]:
    """A doubt for each contrast whose posterior is about as wide as its prior."""
    if model.functional is not None or (model.mediators and not linear(model)):
        return
    rows = merge(observed_rows(model, table))
    heads = [e for e in estimates if e.average]
    for contrast, estimate in zip(model.estimand.contrasts, heads, strict=False):
        with np.errstate(all="ignore"):
            before = contrast_draws(model, draws, rows, contrast, seed)
        low, high = _central(before, estimate.summary.level)
        width = estimate.summary.interval[1] - estimate.summary.interval[0]
        if not width > MIN_UNMOVED * (high - low):  # a prior that reaches infinity has said next to nothing
            continue
        then, now = f"{low:.3g} to {high:.3g}", "{:.3g} to {:.3g}".format(*estimate.summary.interval)
        message = (
            f"The data hardly move the effect ({comparison(model, contrast)}): its "
            f"{estimate.summary.level:.0%} interval was {then} under the priors alone and is {now}. The "
            "answer is the priors'."
        )
        remedy = (
            "Only more rows, or more of the exposure's values, make it the data's. Until then state it as "
            f"what `regressions: {{{model.outcome.response}: {{priors: ...}}}}` says."
        )
        yield Doubt("DR516", message, remedy=remedy)
