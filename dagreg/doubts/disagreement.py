"""Chain against adjusted: two estimates of one effect whose gap, beyond chance, is evidence against the
graph.

Both use the same rows, so their errors are correlated, and their variances must not be added. The sd of the
difference comes from the delete-a-group jackknife (Efron and Tibshirani 1993, section 11.5): both are
refitted without each of up to `MAX_GROUPS` groups of rows. The refits are all but free of priors, which pull
chain and adjusted estimates apart without saying anything about the graph. Of a table of counts it is units
that are left out: a cell is no draw from anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.counted import Counted, are_cells
from dagreg.binding.rows import Rows
from dagreg.doubts.point import (
    Design,
    as_draws,
    coefficients,
    design,
    irregularity,
    triangle_design,
    without_each_group,
)
from dagreg.effects.estimate import comparison
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.rows import EncodedRows, linear, mean_row, observed_rows
from dagreg.effects.types import Disagreement, Estimate
from dagreg.model.design import column
from dagreg.model.equation import Equation
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.sources.moments import GROUPS as ALL

MAX_GROUPS = 60  # of rows, each left out of one refit
MIN_DIFFERENCE = 1e-3  # in posterior sds: differences that never exceed this are no test
NEARLY_FLAT = 1e-6  # of a prior's precision: enough to keep separated classes finite
MAX_FALSE_ALARMS = 0.05  # chance of a false alarm over all contrasts of an effect


def compared(models: Iterable[Model]) -> tuple[Model, Model] | None:
    """The adjusted model and the chain, where both are there."""
    named = {model.estimator: model for model in models}
    adjusted, chain = named.get(Estimator.ADJUSTED), named.get(Estimator.CHAIN)
    return None if adjusted is None or chain is None else (adjusted, chain)


def disagreements(
    adjusted: Model,
    chain: Model,
    estimates: Mapping[str, tuple[Estimate, ...]],
    data: Mapping[str, Any],
    seed: int,
) -> tuple[Disagreement, ...]:
    """One comparison per contrast of the outcome's mean; none where a regression cannot be refitted."""
    if obstacle(adjusted, chain, as_columns(data).count):
        return ()
    pairs = [
        (a, c)
        for a, c in zip(
            _on_outcome(estimates[adjusted.estimator]), _on_outcome(estimates[chain.estimator]), strict=True
        )
        if a.contrast == c.contrast
    ]
    gaps, spread = _jackknife(adjusted, chain, data, seed)
    beyond = NormalDist().inv_cdf(1 - MAX_FALSE_ALARMS / (2 * len(pairs)))
    return tuple(
        _compare(comparison(adjusted, contrast), *pair, float(gap), float(sd), beyond)
        for contrast, pair, gap, sd in zip(adjusted.estimand.contrasts, pairs, gaps, spread, strict=True)
    )


def obstacle(adjusted: Model, chain: Model, rows: float = math.inf) -> str:
    """Why the two are not compared, or "": a clause.

    Without a group, the rows have to tell every coefficient; rows with trials are many units each.
    """
    if not (adjusted.complete and chain.complete):
        return "some values are not known, and refits need them"
    mediators = {e.response for e in chain.mediators}
    every = [(e, e.response in mediators) for m in (adjusted, chain) for e in m.equations]
    left = rows - math.ceil(rows / MAX_GROUPS) if rows < math.inf else rows
    few = (
        f"the regression of {e.response} has {len(e.coefficients)} coefficients, and there are {rows:,.12g} "
        "rows"
        for e, _ in every
        if left <= len(e.coefficients) and adjusted.outcome.trials is None
    )
    return next((why for e, drawn in every if (why := irregularity(e, drawn=drawn))), next(few, ""))


def _on_outcome(rows: tuple[Estimate, ...]) -> list[Estimate]:
    return [row for row in rows if row.average]


def _compare(
    what: str, adjusted: Estimate, chain: Estimate, gap: float, sd: float, beyond: float
) -> Disagreement:
    """The verdict on one contrast: `gap` and its `sd` are of the refits; the posteriors' is shown."""
    difference = chain.summary.mean - adjusted.summary.mean
    if sd < MIN_DIFFERENCE * adjusted.summary.sd:
        message = (
            f"For {what}, chain and adjusted estimates are the same function of the data (they differ by "
            f"{difference:+.2g}, through priors and simulation): this graph puts no restriction between them "
            "to test."
        )
        return Disagreement(what, difference, sd, False, message)
    disagrees = abs(gap) > beyond * sd
    verdict = (
        "That is more than chance explains: an arrow or an independence of this graph, or the shape of a "
        "regression, does not hold in these data."
        if disagrees
        else "That is within chance: this comparison gives no evidence against the graph."
    )
    message = (
        f"For {what}, the chain's estimate less the adjusted one is {gap:+.3g}, with sd {sd:.2g}. {verdict}"
    )
    return Disagreement(what, difference, sd, disagrees, message)


def _jackknife(adjusted: Model, chain: Model, data: Mapping[str, Any], seed: int) -> tuple[Array, Array]:
    """Chain minus adjusted on all rows, and its sd: one number each for each contrast."""
    refit = _by_moments((adjusted, chain), data, seed) or _by_rows(
        *_units((adjusted, chain), data, seed), seed
    )
    gaps = [second - first for first, second in (refit.points(g) for g in (None, *range(refit.groups)))]
    whole, left_out = gaps[0], np.array(gaps[1:])
    spread = ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    return whole, np.sqrt((refit.groups - 1) / refit.groups * spread)


@dataclass(frozen=True, slots=True)
class _Refit:
    """Both models' contrasts on all rows but one group's (None: on all)."""

    groups: int
    points: Callable[[int | None], tuple[Array, Array]]


def _by_rows(models: tuple[Model, Model], data: Mapping[str, Any], seed: int) -> _Refit:
    """Refits on the rows, a group left out by weights of 0."""
    designs = [[design(m, e, data) for e in m.equations] for m in models]
    rows = [observed_rows(m, data) for m in models]
    count = len(designs[0][0].response)
    parts = _parts(data, count, seed)
    groups = min(MAX_GROUPS, count) if as_columns(data).parts is None else ALL
    at_once = [
        [without_each_group(e, d, parts, groups) for e, d in zip(m.equations, ds, strict=True)]
        for m, ds in zip(models, designs, strict=True)
    ]

    def points(group: int | None) -> tuple[Array, Array]:
        kept = np.ones(count) if group is None else 1.0 - parts(group)
        first, second = (
            _point(
                m,
                [
                    _refitted(e, d, kept) if fits is None or group is None else fits[group]
                    for e, d, fits in zip(m.equations, ds, known, strict=True)
                ],
                _weighted(r, kept),
                seed,
            )
            for m, ds, known, r in zip(models, designs, at_once, rows, strict=True)
        )
        return first, second

    return _Refit(groups, points)


def _units(
    models: tuple[Model, Model], data: Mapping[str, Any], seed: int
) -> tuple[tuple[Model, Model], Mapping[str, Any]]:
    """Of a table of counts the units, which are what groups are made of: a row of successes, and one of
    failures.
    """
    outcome = models[0].outcome
    if not (outcome.family.trials and outcome.family.grouped_as) or as_columns(data).parts is not None:
        return models, data
    names = dict.fromkeys(n for m in models for e in m.equations for n in (e.response, *e.predictors))
    variables = {n: next(m.variables[n] for m in models if n in m.variables) for n in names}
    response = variables.pop(outcome.response)
    columns = {v.column: np.asarray(data[v.column]) for v in variables.values()}
    if not are_cells(list(columns.values())):
        return models, data
    hits = np.asarray(data[response.column], dtype=np.int64)
    counts = np.concatenate([hits, column(outcome.trials, data, len(hits)).astype(np.int64) - hits])
    table = {c: np.tile(v, 2)[counts > 0] for c, v in columns.items()}
    table[response.column] = np.repeat([1, 0], len(hits))[counts > 0]
    counts = counts[counts > 0]
    group = np.random.default_rng(seed).permutation(counts.sum()) % ALL
    place = np.repeat(np.arange(len(counts)), counts)

    def parts() -> Array:
        shared = np.bincount(place * ALL + group, minlength=len(counts) * ALL)
        return shared.reshape(-1, ALL).astype(np.float64)

    return (_single(models[0]), _single(models[1])), Counted(table, counts.astype(np.float64), parts)


def _single(model: Model) -> Model:
    """The model of rows that are one unit each."""
    alone = (
        replace(e, trials=None if e.trials is None else 1, weights=None if e.weights is None else 1)
        for e in model.equations
    )
    return replace(model, equations=tuple(alone))


def _parts(data: Mapping[str, Any], count: int, seed: int) -> Callable[[int], Array]:
    """The share of each row that lies in a group: all or nothing, but for a counted row."""
    parts = as_columns(data).parts
    if parts is not None:
        shares = parts / parts.sum(axis=1)[:, None]
        return lambda group: shares[:, group]
    member = np.random.default_rng(seed).permutation(count) % min(MAX_GROUPS, count)
    return lambda group: (member == group).astype(np.float64)


def _by_moments(models: tuple[Model, Model], data: Mapping[str, Any], seed: int) -> _Refit | None:
    """Refits on cross-products, where the database has them and every regression is linear; else None."""
    table = as_columns(data).in_database
    if table is None or not all(map(linear, models)):
        return None
    if any(m.estimand.seen is not None for m in models):
        return None
    every = [(m, e) for m in models for e in m.equations]
    if any(table.triangle_without(m, e, g) is None for g in range(ALL) for m, e in every):
        return None

    def points(group: int | None) -> tuple[Array, Array]:
        first, second = (
            _point(
                m,
                [_refitted(e, d) for e, d in zip(m.equations, _triangles(m, table, group), strict=True)],
                mean_row(m, table, group),
                seed,
            )
            for m in models
        )
        return first, second

    return _Refit(ALL, points)


def _triangles(model: Model, table: Rows, group: int | None) -> list[Design]:
    designs = (triangle_design(e, table.triangle_without(model, e, group)) for e in model.equations)
    return [this for this in designs if this is not None]


def _weighted(rows: EncodedRows, weights: Array) -> EncodedRows:
    kept = rows.weights * weights
    return EncodedRows(rows.values, kept / kept.sum())


def _refitted(equation: Equation, this: Design, weights: Array | None = None) -> tuple[Array, float]:
    return coefficients(equation, this, weights, penalty=NEARLY_FLAT * this.precision)


def _point(model: Model, fits: Sequence[tuple[Array, float]], rows: EncodedRows, seed: int) -> Array:
    """Every contrast at the coefficients and the sd of each regression, averaged over these rows."""
    draws: dict[str, Array] = {}
    for equation, (beta, sigma) in zip(model.equations, fits, strict=True):
        draws |= as_draws(equation, beta, sigma)
    return np.array([contrast_draws(model, draws, rows, c, seed)[0] for c in model.estimand.contrasts])
