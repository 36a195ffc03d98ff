"""Estimands of the ID algorithm on posterior draws: the formula itself is evaluated, its conditionals by
regressions.

Sums over two-valued variables are taken exactly; a variable of any other kind is drawn from its own
conditional (one draw per particle: a sum of products is linear in each of its sums, so that is
unbiased). Marginals come from the rows. Both sides of a contrast use the same random numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dagreg.effects.gformula import MAX_CELLS, SIDES, chunks
from dagreg.effects.predictor import location, parameters, predicted
from dagreg.effects.rows import EncodedRows
from dagreg.effects.steps import ContrastEnd, Step, step_of
from dagreg.identify.expression import Expression, P, Product, Quotient, Sum, free_variables, times
from dagreg.model.design import constant
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.functional import drawn_jointly, gives
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array

PARTICLES = 2_000


@dataclass(frozen=True, slots=True)
class _World:
    """Where a formula is evaluated. `values` are draws x particles x columns, or particles x columns."""

    model: Model
    equations: Mapping[P, Equation]
    draws: Mapping[str, Array]
    rows: EncodedRows
    seed: int
    values: Mapping[str, Array]

    def having(self, name: str, value: Array) -> _World:
        return replace(self, values={**self.values, name: value})

    def random(self, name: str, depth: int) -> np.random.Generator:
        """The stream of one bound variable: the same on both sides of a contrast."""
        return np.random.default_rng([self.seed, depth, *name.encode()])


def functional_sides(
    model: Model, draws: Mapping[str, Array], rows: EncodedRows, contrast: Contrast, seed: int
) -> tuple[Array, Array]:
    """E[Y | do(x)] at the start of a contrast, and its change, of one unit more that per unit: one number per
    draw.
    """
    start, stop = functional_means(model, draws, rows, contrast, seed)
    return start, (stop - start) / step_of(model, contrast).units


def functional_means(
    model: Model, draws: Mapping[str, Array], rows: EncodedRows, contrast: Contrast, seed: int
) -> tuple[Array, Array]:
    """E[Y | do(x)] on both sides of a contrast, one number per draw each."""
    assert model.functional is not None
    expression = model.functional
    fixed = _free(expression, model)
    particles = PARTICLES if fixed or not _summable(model, expression) or contrast.start is None else 1
    picked = _picked(rows, (*fixed, *contrast.exposures), particles, seed)
    count, step = len(draws[model.outcome.intercept]), step_of(model, contrast)
    parts: list[list[Array]] = []
    for i, part in chunks(draws, count, max(1, MAX_CELLS // (4 * particles))):
        world = _World(
            model, dict(zip(model.factors, model.equations, strict=True)), part, rows, seed + i, picked
        )
        shape = (len(part[model.outcome.intercept]), particles)
        sides = (_evaluate(expression, _set(world, contrast, side, particles, step), 0) for side in SIDES)
        parts.append([np.broadcast_to(values, shape).mean(axis=1) for values in sides])
    start, stop = (np.concatenate(side) for side in zip(*parts, strict=True))
    return start, stop


def _free(expression: Expression, model: Model) -> tuple[str, ...]:
    """Variables that the formula leaves open and the exposures do not settle: any value serves, the rows give
    some.
    """
    settled = {*model.estimand.exposure, model.estimand.outcome}
    return tuple(v for v in model.variables if v in free_variables(expression) and v not in settled)


def _summable(model: Model, expression: Expression) -> bool:
    """Whether every bound variable takes two values."""
    match expression:
        case P():
            return True
        case Product(factors):
            return all(_summable(model, f) for f in factors)
        case Sum(over, body):
            return all(len(model.variables[v].levels) == 2 for v in over) and _summable(model, body)
        case Quotient(numerator, denominator):
            return _summable(model, numerator) and _summable(model, denominator)


def _picked(rows: EncodedRows, names: Iterable[str], particles: int, seed: int) -> dict[str, Array]:
    """Values of these variables at rows drawn by weight, evenly spread over them."""
    places = (np.arange(particles) + np.random.default_rng(seed).random()) / particles
    which = np.minimum(np.searchsorted(np.cumsum(rows.weights), places), len(rows) - 1)
    return {name: rows.values[name][which] for name in names}


def _set(world: _World, contrast: Contrast, side: ContrastEnd, particles: int, step: Step) -> _World:
    settings = contrast.stop if side == "stop" else contrast.start
    for i, name in enumerate(contrast.exposures):
        if settings is not None:
            world = world.having(name, constant(world.model.variables[name], settings[i], particles))
        elif added := step.stop if side == "stop" else step.start:
            world = world.having(name, world.values[name] + added)
    return world


def _evaluate(expression: Expression, world: _World, depth: int) -> Array:
    """The formula's value, draws x particles; the outcome's own factor counts as its mean."""
    match expression:
        case P():
            return _probability(expression, world)
        case Product(factors):
            total = np.ones((1, 1))
            for factor in factors:
                total = total * _evaluate(factor, world, depth)
            return total
        case Quotient(numerator, denominator):
            return _evaluate(numerator, world, depth) / _evaluate(denominator, world, depth)
        case Sum(over, body):
            return _sum(over, body, world, depth + 1)


def _sum(over: tuple[str, ...], body: Expression, world: _World, depth: int) -> Array:
    """Sums over two-valued variables, then draws the others from their conditionals, parents
    before children.
    """
    if len(over) == 0:
        return _evaluate(body, world, depth)
    factors = list(body.factors) if isinstance(body, Product) else [body]
    two_valued = [v for v in over if len(world.model.variables[v].levels) == 2]
    joint = next(
        (f for f in factors if isinstance(f, P) and drawn_jointly(f, over, world.model.variables)), None
    )
    if len(two_valued) > 0 and joint is None:
        name = two_valued[0]
        left = tuple(v for v in over if v != name)
        settings = (world.having(name, np.full((_particles(world), 1), value)) for value in (0.0, 1.0))
        first, second = (_sum(left, body, here, depth) for here in settings)
        return first + second
    source = joint or next(f for f in factors if isinstance(f, P) and gives(f, over))
    left = tuple(v for v in over if v not in source.targets)
    return _sum(left, times(f for f in factors if f is not source), _drawn(source, world, depth), depth)


def _particles(world: _World) -> int:
    return max((v.shape[-2] for v in world.values.values()), default=1)


def _drawn(source: P, world: _World, depth: int) -> _World:
    """The world with a factor's targets drawn: a conditional's from its regression, a marginal's from the
    rows.
    """
    rng = world.random(source.targets[0], depth)
    if len(source.given) == 0:
        which = rng.choice(len(world.rows), size=_particles(world), p=world.rows.weights)
        for name in source.targets:
            world = world.having(name, world.rows.values[name][which])
        return world
    equation = world.equations[source]
    where = location(equation, world.draws, world.values)
    where = np.broadcast_to(where, (len(where), _particles(world)))
    assert equation.family.draw is not None
    drawn = equation.family.draw(rng, where, parameters(equation, world.draws))
    return world.having(source.targets[0], drawn[..., None])


def _share(names: tuple[str, ...], world: _World) -> Array:
    """The rows' share of the present joint setting of two-valued variables."""
    cells = sum(world.rows.values[name][:, 0].astype(int) << i for i, name in enumerate(names))
    here = sum(world.values[name][..., 0].astype(int) << i for i, name in enumerate(names))
    return np.asarray(np.bincount(cells, weights=world.rows.weights, minlength=2 ** len(names))[here])


def _probability(factor: P, world: _World) -> Array:
    """The mean of the outcome, or the probability of a two-valued variable's value."""
    name = factor.targets[0]
    if name == world.model.estimand.outcome and name not in world.values:
        return predicted(world.equations[factor], world.draws, world.values)
    if len(factor.given) == 0:
        return _share(factor.targets, world)
    value = world.values[name][..., 0]
    mean = predicted(world.equations[factor], world.draws, world.values)
    return np.where(value == 1.0, mean, 1.0 - mean)
