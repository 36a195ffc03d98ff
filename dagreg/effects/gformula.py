"""The g-formula on posterior draws (Robins 1986; Hernan and Robins 2020, chapter 13).

E[Y | do(x)] averages the outcome's regression over the rows; the chain replaces each
mediator by its own distribution given its (intervened) parents. Mediators are drawn, or summed
over where their support is two values; their mean stands in for them only where the outcome's
mean is linear in them, which is then exact (the g-formula is an integral, and integrals pass through
linear maps).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dagreg.effects.rows import Rows
from dagreg.engine.draws import Array
from dagreg.model.design import block, constant
from dagreg.model.types import Contrast, Equation, Model, Term, Varying
from dagreg.spec.types import Level

CELLS = 2_000_000  # draws x rows held at once
MONTE_CARLO = 5_000  # rows simulated per posterior draw, at least, where a mediator is drawn
BRANCHES = 64  # joint settings of two-valued mediators that are summed over; beyond, they are drawn


Side = Literal["start", "stop"]
World = Mapping[str, Side]
SIDES: tuple[Side, ...] = ("start", "stop")


@dataclass(frozen=True, slots=True)
class Branch:
    """One joint setting of the mediators so far: its probability, and the values."""

    probability: Array | float
    values: Mapping[str, Array]  # draws x rows x columns, or rows x columns for what does not vary by draw


def contrast_draws(model: Model, draws: Mapping[str, Array], rows: Rows, contrast: Contrast, seed: int) -> Array:
    """The contrast of the outcome's mean, averaged over the rows: one number per draw.

    `draws` maps symbols to draws (x coefficients). Both sides of the contrast use the same
    random numbers, so that the noise of drawn mediators cancels.
    """
    start, stop = means(model, draws, rows, contrast, [_world(model, "start"), _world(model, "stop")], seed)
    return stop - start


def means(
    model: Model, draws: Mapping[str, Array], rows: Rows, contrast: Contrast, worlds: Sequence[World], seed: int
) -> list[Array]:
    """The outcome's mean over the rows in each world, one number per draw.

    A world says for every response whose regression is passed through, the outcome's among them, on which side of
    the contrast it sees the exposures.
    """
    if _linear(model):
        rows = _average(rows)
    elif not _exact(model):
        rows = _repeat(rows)
    count = len(draws[model.outcome.intercept])
    step = max(1, CELLS // (len(rows) * min(_joint(model), BRANCHES)))
    sides = {side: _intervened(model, rows, contrast, side) for side in SIDES}
    parts: list[list[Array]] = [[] for _ in worlds]
    for i, part in chunks(draws, count, step):
        for found, world in zip(parts, worlds, strict=True):
            found.append(_mean(model, part, sides, world, rows.weights, contrast.level, seed + i))
    return [np.concatenate(found) for found in parts]


def _world(model: Model, side: Side) -> World:
    """Everything on one side."""
    return dict.fromkeys((e.response for e in (*model.mediators, model.outcome)), side)


def chunks(draws: Mapping[str, Array], count: int, step: int) -> Iterator[tuple[int, dict[str, Array]]]:
    for i in range(0, count, step):
        yield i, {name: values[i : i + step] for name, values in draws.items()}


def _intervened(model: Model, rows: Rows, contrast: Contrast, side: Side) -> dict[str, Array]:
    """The rows' values with the exposures set to one side of the contrast."""
    values = dict(rows.values)
    settings = contrast.stop if side == "stop" else contrast.start
    for i, name in enumerate(contrast.exposures):
        if settings is not None:
            values[name] = constant(model.variables[name], settings[i], len(rows))
        elif side == "stop":
            values[name] = values[name] + 1.0
    return values


def _mean(
    model: Model,
    draws: Mapping[str, Array],
    sides: Mapping[Side, Mapping[str, Array]],
    world: World,
    weights: Array,
    level: Level | None,
    seed: int,
) -> Array:
    """E[Y] in a world, or the probability of a level of Y, averaged over the rows, for each draw."""
    rng = np.random.default_rng(seed)
    exposures = model.estimand.exposure
    seen = {side: {name: values[name] for name in exposures} for side, values in sides.items()}
    branches = [Branch(1.0, sides["start"])]
    for equation in model.mediators:
        here = [Branch(b.probability, {**b.values, **seen[world[equation.response]]}) for b in branches]
        branches = [b for branch in here for b in _extend(model, equation, draws, branch, rng)]
    total: Array | float = 0.0
    for branch in branches:
        values = {**branch.values, **seen[world[model.outcome.response]]}
        total = total + branch.probability * _outcome(model.outcome, draws, values, level)
    result: Array = np.broadcast_to(total, (len(draws[model.outcome.intercept]), len(weights))) @ weights
    return result


def _extend(
    model: Model, equation: Equation, draws: Mapping[str, Array], branch: Branch, rng: np.random.Generator
) -> list[Branch]:
    """A branch with one mediator more: by its mean, by its two values, or drawn."""
    name, rows = equation.response, max(len(v) if v.ndim == 2 else v.shape[1] for v in branch.values.values())
    if equation.levels:
        return _extend_by_level(model, equation, draws, branch, rng, rows)
    where = location(equation, draws, branch.values)
    where = np.broadcast_to(where, (len(where), rows))
    if _enters_linearly(model, name):
        mean = equation.family.mean(where, parameters(equation, draws))
        return [Branch(branch.probability, {**branch.values, name: mean[..., None]})]
    if equation.family.draw is None and _joint(model) <= BRANCHES:
        settings = ((where, np.ones((rows, 1))), (1.0 - where, np.zeros((rows, 1))))
        return [Branch(branch.probability * p, {**branch.values, name: v}) for p, v in settings]
    if equation.family.draw is None:
        drawn = (rng.random(where.shape) < where).astype(np.float64)
    else:
        drawn = equation.family.draw(rng, where, parameters(equation, draws))
    return [Branch(branch.probability, {**branch.values, name: drawn[..., None]})]


def _extend_by_level(
    model: Model, equation: Equation, draws: Mapping[str, Array], branch: Branch, rng: np.random.Generator, rows: int
) -> list[Branch]:
    """The same for a mediator that is one of several levels."""
    name = equation.response
    found = probabilities(equation, draws, branch.values)
    found = np.broadcast_to(found, (len(found), rows, len(equation.levels)))
    if _enters_linearly(model, name):
        return [Branch(branch.probability, {**branch.values, name: found[..., 1:]})]
    if _joint(model) <= BRANCHES:
        variable = model.variables[name]
        settings = [(found[..., i], constant(variable, level, rows)) for i, level in enumerate(equation.levels)]
        return [Branch(branch.probability * p, {**branch.values, name: v}) for p, v in settings]
    drawn = (rng.random(found.shape[:2])[..., None] > np.cumsum(found, axis=-1)[..., :-1]).sum(axis=-1)
    columns = (drawn[..., None] == np.arange(1, len(equation.levels))).astype(np.float64)
    return [Branch(branch.probability, {**branch.values, name: columns})]


def _outcome(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array], level: Level | None) -> Array:
    """The mean response, or the probability of one of its levels, draws x rows."""
    if not equation.levels:
        return predicted(equation, draws, values)
    return probabilities(equation, draws, values)[..., 0 if level is None else equation.levels.index(level)]


def probabilities(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The probability of every level of a response that is one of several, draws x rows x levels."""
    alpha, slopes = draws[equation.intercept], [draws[t.symbol] for t in equation.terms]
    if equation.family.predictor == "ordered":
        eta: Array = np.zeros((len(alpha), 1))
        for term, coefficients in zip(equation.terms, slopes, strict=True):
            eta = eta + _contribution(term, coefficients, values)
        below = equation.link.inverse(alpha[:, None, :] - eta[..., None])
        edge = np.ones((*below.shape[:2], 1))
        return np.diff(np.concatenate([0 * edge, below, edge], axis=-1), axis=-1)
    eta = alpha[:, None, :]
    for term, coefficients in zip(equation.terms, slopes, strict=True):
        matrix = coefficients.reshape(len(alpha), len(term.columns), -1)
        columns = _columns(term, values)
        columns = np.broadcast_to(columns, (len(alpha), *columns.shape[-2:]))
        eta = eta + np.einsum("drk,dkl->drl", columns, matrix)
    eta = np.concatenate([np.zeros((*eta.shape[:2], 1)), eta], axis=-1)
    odds = np.exp(eta - eta.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def predicted(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The mean response, draws x rows (per trial, per unit of exposure)."""
    return equation.family.mean(location(equation, draws, values), parameters(equation, draws))


def parameters(equation: Equation, draws: Mapping[str, Array]) -> dict[str, Array]:
    """The family's parameters besides the location, draws x 1 each, as far as they are drawn."""
    return {a.name: draws[a.symbol][:, None] for a in equation.auxiliaries if a.symbol in draws}


def location(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The inverse link of the linear predictor, draws x rows."""
    eta = draws[equation.intercept][:, None]
    for term in equation.terms:
        eta = eta + _contribution(term, draws[term.symbol], values)
    for varying in equation.varying:
        eta = eta + _deviation(varying, equation, draws[varying.symbol], values)
    return equation.link.inverse(eta)


def _deviation(varying: Varying, equation: Equation, deviations: Array, values: Mapping[str, Array]) -> Array:
    """What the groups add to the linear predictor, draws x rows."""
    groups = values[varying.group][:, 0].astype(np.int64)
    total: Array = np.zeros((1, 1))
    for i, deviation in enumerate(varying.deviations):
        here = (deviations[..., i] if varying.correlated else deviations)[:, groups]
        if deviation.term is not None:
            term = next(t for t in equation.terms if t.name == deviation.term)
            here = here * _columns(term, values)[..., deviation.column]
        total = total + here
    return total


def _contribution(term: Term, coefficients: Array, values: Mapping[str, Array]) -> Array:
    """A term's part of the linear predictor, draws x rows."""
    slopes = coefficients[:, None] if coefficients.ndim == 1 else coefficients
    if all(values[f].ndim == 2 for f in term.factors):
        return np.asarray(slopes @ block(term, values).T)
    columns = _columns(term, values)
    return np.asarray(np.einsum("drk,dk->dr", np.broadcast_to(columns, (len(slopes), *columns.shape[-2:])), slopes))


def _columns(term: Term, values: Mapping[str, Array]) -> Array:
    """A term's design columns, (draws x) rows x columns, centred where the term is."""
    columns = values[term.factors[0]]
    for factor in term.factors[1:]:
        other = values[factor]
        columns = (columns[..., :, None] * other[..., None, :]).reshape(
            *np.broadcast_shapes(columns.shape[:-1], other.shape[:-1]), -1
        )
    return columns if term.centre is None else columns - np.array(term.centre)


def _mediators(model: Model) -> tuple[str, ...]:
    return tuple(e.response for e in model.mediators)


def _enters_linearly(model: Model, mediator: str) -> bool:
    """Whether the outcome's mean is linear in this mediator, whatever path it takes there."""
    waiting = [mediator]
    drawn = set(_mediators(model))
    while waiting:
        name = waiting.pop()
        for equation in model.equations:
            for term in equation.terms:
                if name not in term.factors:
                    continue
                if equation.link.name != "identity" or equation.levels or sum(f in drawn for f in term.factors) > 1:
                    return False
                if equation.response in drawn:
                    waiting.append(equation.response)
    return True


def _joint(model: Model) -> int:
    """Joint settings of the mediators that are summed over."""
    finite = (e for e in model.mediators if e.family.draw is None and not _enters_linearly(model, e.response))
    return math.prod(len(e.levels) or 2 for e in finite)


def _exact(model: Model) -> bool:
    """Whether no mediator has to be drawn."""
    nonlinear = [e for e in model.mediators if not _enters_linearly(model, e.response)]
    return all(e.family.draw is None for e in nonlinear) and _joint(model) <= BRANCHES


def _linear(model: Model) -> bool:
    """Whether every regression is linear in every variable: then the average row answers for all rows."""
    used = (*model.mediators, model.outcome)
    plain = not any(e.varying or e.levels for e in used)
    return plain and all(e.link.name == "identity" and all(len(t.factors) == 1 for t in e.terms) for e in used)


def _average(rows: Rows) -> Rows:
    return Rows({name: (rows.weights @ values)[None, :] for name, values in rows.values.items()}, np.ones(1))


def _repeat(rows: Rows) -> Rows:
    """Each row several times, so that the draws of its mediators average out."""
    times = -(-MONTE_CARLO // len(rows))
    values = {name: np.repeat(v, times, axis=0) for name, v in rows.values.items()}
    return Rows(values, np.repeat(rows.weights / times, times))
