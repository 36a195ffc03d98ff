"""The g-formula on posterior draws (Robins 1986; Hernan and Robins 2020, chapter 13).

E[Y | do(x)] averages the outcome's regression over the rows; the chain replaces each
mediator by its own distribution given its (intervened) parents. Mediators are drawn, or summed over where
they are levels, or counts of which few are likely. Their mean stands in for them only where the outcome's
mean is linear in them, which is then exact (the g-formula is an integral, and integrals pass through linear
maps).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dagreg.effects.predictor import (
    location,
    mean_over_population,
    ordered,
    parameters,
    population_sd,
    predictor,
    unordered,
)
from dagreg.effects.rows import EncodedRows, bootstrap_weights, fixed_groups, linear, repeated
from dagreg.effects.steps import ContrastEnd, Step, World, change, step_of
from dagreg.model.design import constant
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array

MAX_CELLS = 2_000_000  # draws x rows held at once
# the same of one array where nothing is drawn at random: it stays in the processor's cache
MAX_CACHED_CELLS = 50_000
MIN_SIMULATED = 5_000  # rows simulated per posterior draw, where a mediator is drawn
MAX_SUMMED = 80_000_000  # draws x rows x counts up to which counts are summed over: they are not drawn
MAX_COUNTS = 2_000  # joint settings of counts that are summed over
MAX_BRANCHES = 64  # joint settings of two-valued mediators that are summed over; beyond, they are drawn
TYPICAL_NODES = 10  # of quadrature over a population of groups
MAX_NEGLECTED = 1e-12  # probability of all counts beyond those that are summed over

SIDES: tuple[ContrastEnd, ...] = ("start", "stop")
Known = dict[tuple[object, ...], list[Array]]
"""Means over the rows that contrasts share which differ in the outcome's level alone: by contrast and worlds,
for each world levels x draws. Of one model, its draws, rows and seed.
"""


@dataclass(frozen=True, slots=True)
class Branch:
    """One joint setting of the mediators so far: its probability, and the values."""

    probability: Array | float
    values: Mapping[str, Array]  # draws x rows x columns, or rows x columns for what does not vary by draw


def contrast_draws(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    seed: int,
    held: Collection[str] = (),
) -> Array:
    """The contrast of the outcome's mean, averaged over the rows: one number per draw."""
    worlds = [_world(model, side) for side in SIDES]
    if linear(model, held):
        return change(model, draws, contrast, worlds[1])
    return changes(model, draws, rows, contrast, worlds, seed, held)[1][1]


def contrast_means(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    seed: int,
    held: Collection[str] = (),
) -> tuple[Array, Array]:
    """The outcome's mean over the rows on both sides of a contrast: one number per draw each.

    `draws` maps symbols to draws (x coefficients). Both sides of the contrast use the same
    random numbers, so that the noise of drawn mediators cancels. `held`: as of `means`.
    """
    start, stop = means(model, draws, rows, contrast, [_world(model, side) for side in SIDES], seed, held)
    return start, stop


def changes(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    worlds: Sequence[World],
    seed: int,
    held: Collection[str] = (),
    known: Known | None = None,
) -> tuple[Array, list[Array]]:
    """The outcome's mean in the first world, where all is at the start, and the change to each: one number
    per draw.

    Of one unit more the change is that per unit (`effects/steps.py`). In a model of lines it is made of
    coefficients, and not of two means that may have all their digits in common.
    """
    if linear(model, held):
        (base,) = means(model, draws, rows, contrast, worlds[:1], seed, held, known)
        return base, [change(model, draws, contrast, world) for world in worlds]
    base, *others = means(model, draws, rows, contrast, worlds, seed, held, known)
    units = step_of(model, contrast).units
    return base, [np.zeros_like(base), *((other - base) / units for other in others)]


def both_sides(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    seed: int,
    held: Collection[str] = (),
    known: Known | None = None,
) -> tuple[Array, Array]:
    """The outcome's mean over the rows at the start of a contrast, and its change: one number per
    draw each.
    """
    worlds = [_world(model, side) for side in SIDES]
    base, (_, change) = changes(model, draws, rows, contrast, worlds, seed, held, known)
    return base, change


def means(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    worlds: Sequence[World],
    seed: int,
    held: Collection[str] = (),
    known: Known | None = None,
) -> list[Array]:
    """The outcome's mean over the rows in each world, one number per draw. With `known`, of all its levels at
    once.

    A world says for every response whose regression is passed through, the outcome's among them, on which
    side of the contrast it sees the exposures. Coefficients that vary between sampled groups are averaged
    over the population of groups, new ones that is, unless the group is an exposure or among `held`: then
    over the rows' own.
    """
    levels = model.outcome.levels
    place = levels.index(contrast.level) if levels and contrast.level is not None else 0
    if known is None or not levels:
        return [
            by_place[0] for by_place in _means(model, draws, rows, contrast, worlds, seed, held, (place,))
        ]
    key = (replace(contrast, level=None), *(tuple(world.items()) for world in worlds))
    if key not in known:
        known[key] = _means(model, draws, rows, contrast, worlds, seed, held, tuple(range(len(levels))))
    return [by_place[place] for by_place in known[key]]


def _means(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    worlds: Sequence[World],
    seed: int,
    held: Collection[str],
    places: tuple[int, ...],
) -> list[Array]:
    """For each world, levels x draws: the outcome's mean, or the probabilities of its levels at
    these places.
    """
    times, step = 1, step_of(model, contrast)
    counted = {} if linear(model, held) else _counted(model, draws, rows, contrast, step, held)
    exact = linear(model, held) or bool(counted) or is_exact(model)
    if linear(model, held) and rows.complete and rows.units is None:
        rows = _average(rows)
    elif not exact:
        times = -(-MIN_SIMULATED // len(rows))
        rows = repeated(rows, times)
    count = len(draws[model.outcome.intercept])
    # Where numbers are drawn the size of a block decides which: there it stays as it is.
    cells = MAX_CACHED_CELLS if exact and rows.units is None else MAX_CELLS // branches(model)
    block = max(1, cells // len(rows))
    parts: list[list[Array]] = [[] for _ in worlds]
    for i, part in chunks(draws, count, block):
        values, probability = rows.at(part), rows.probability(part)
        sides = {side: intervened(model, values, len(rows), contrast, side, step) for side in SIDES}
        weights = rows.weights
        if rows.units is not None:
            weights = bootstrap_weights(rows, times, min(block, count - i), seed + i)
        for sums, world in zip(parts, worlds, strict=True):
            setting = _Setting(model, part, frozenset(held), counted, np.random.default_rng(seed + i))
            sums.append(_mean(setting, sides, world, weights, probability, places))
    return [np.concatenate(sums, axis=1) for sums in parts]


def _counted(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    step: Step,
    held: Collection[str],
) -> dict[str, int]:
    """The largest count of each mediator whose counts are summed over; {} if a mediator has to be drawn.

    For few rows, or few draws, that is less work than drawing them many times, and without noise.
    """
    drawn = _drawn(model)
    if not countable(model) or not rows.complete:
        return {}
    cells = len(draws[model.outcome.intercept]) * len(rows)
    most = min(MAX_COUNTS, MAX_SUMMED // cells) // _joint(model)
    counts: dict[str, int] = {}
    for equation in drawn:
        means = [
            location(equation, part, intervened(model, rows.values, len(rows), contrast, side, step))
            for side in SIDES
            for _, part in chunks(draws, len(draws[equation.intercept]), max(1, MAX_CELLS // len(rows)))
        ]
        if min(float(m.min()) for m in means) < 0 or equation.family.probabilities is None:
            return {}
        highest = np.array([max(float(m.max()) for m in means)])
        each = np.concatenate(list(equation.family.probabilities(highest, most)))
        (enough,) = np.nonzero(1.0 - np.cumsum(each) < MAX_NEGLECTED)
        if not enough.size:
            return {}
        counts[equation.response] = int(enough[0])
    return counts if math.prod(n + 1 for n in counts.values()) <= most else {}


def _drawn(model: Model) -> list[Equation]:
    """The mediators that are no levels and do more than shift a mean."""
    return [
        e for e in model.mediators if e.family.draw is not None and not enters_linearly(model, e.response)
    ]


def countable(model: Model) -> bool:
    """Whether mediators are counts that follow known values alone, so that their largest mean is known before
    they are summed over.
    """
    drawn, mediators = _drawn(model), set(_mediators(model))
    return len(drawn) > 0 and all(
        e.family.probabilities is not None and not e.varying and mediators.isdisjoint(e.predictors)
        for e in drawn
    )


def _world(model: Model, side: ContrastEnd) -> World:
    """Everything on one side."""
    return dict.fromkeys((e.response for e in (*model.mediators, model.outcome)), side)


def chunks(draws: Mapping[str, Array], count: int, step: int) -> Iterator[tuple[int, dict[str, Array]]]:
    for i in range(0, count, step):
        yield i, {name: values[i : i + step] for name, values in draws.items()}


def intervened(
    model: Model, observed: Mapping[str, Array], rows: int, contrast: Contrast, side: ContrastEnd, step: Step
) -> dict[str, Array]:
    """The rows' values with the exposures set to one side of the contrast."""
    values = dict(observed)
    settings = contrast.stop if side == "stop" else contrast.start
    for i, name in enumerate(contrast.exposures):
        if settings is not None:
            values[name] = constant(model.variables[name], settings[i], rows)
        elif added := step.stop if side == "stop" else step.start:
            values[name] = values[name] + added
    return values


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every step through the regressions needs."""

    model: Model
    draws: Mapping[str, Array]
    held: frozenset[str]
    counted: Mapping[str, int]  # the largest count of mediators that are summed over
    rng: np.random.Generator

    def predictor(self, equation: Equation, values: Mapping[str, Array]) -> tuple[Array, Array | None]:
        """The linear predictor with the deviations of fixed groups, and the sd of those of the others'
        population.
        """
        fixed = fixed_groups(self.model, equation, self.held)
        others = [v for v in equation.varying if v not in fixed]
        sd = population_sd(others, equation, self.draws, values) if others else None
        return predictor(equation, self.draws, values, fixed), sd

    def mean(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """The mean response, draws x rows."""
        eta, sd = self.predictor(equation, values)
        return mean_over_population(equation, self.draws, eta, sd)

    def shares(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """The probability of each level of the response, draws x rows x levels."""
        if equation.family.predictor == "ordered":
            return ordered(equation, self.draws, *self.predictor(equation, values))
        return unordered(equation, self.draws, values)

    def drawn(self, equation: Equation, values: Mapping[str, Array], rows: int) -> Array:
        """Responses, draws x rows: each of a new group where the groups are a sample."""
        eta, sd = self.predictor(equation, values)
        eta = np.broadcast_to(eta, (len(eta), rows))
        if sd is not None:
            eta = eta + sd * self.rng.standard_normal(eta.shape)
        where = equation.link.inverse(eta)
        if equation.family.draw is None:
            return (self.rng.random(where.shape) < where).astype(np.float64)
        return equation.family.draw(self.rng, where, parameters(equation, self.draws))


def _mean(
    setting: _Setting,
    sides: Mapping[ContrastEnd, Mapping[str, Array]],
    world: World,
    weights: Array,
    probability: Array | float,
    places: tuple[int, ...],
) -> Array:
    """E[Y] in a world, or the probability of each level of Y asked for, averaged over the rows: levels x
    draws.

    `weights` are the rows', or draws x rows. `probability` is that of each row, which stands for one of
    several levels where it is below 1.
    """
    model = setting.model
    exposures = model.estimand.exposure
    seen = {side: {name: values[name] for name in exposures} for side, values in sides.items()}
    tree = [Branch(1.0, sides["start"])]
    for equation in model.mediators:
        here = [Branch(b.probability, {**b.values, **seen[world[equation.response]]}) for b in tree]
        tree = [b for branch in here for b in _extend(setting, equation, branch)]
    totals: list[Array] = []
    for branch in tree:
        parts = _outcome(
            setting, model.outcome, {**branch.values, **seen[world[model.outcome.response]]}, places
        )
        if not isinstance(branch.probability, float):  # it is 1 where nothing is summed over
            parts = [branch.probability * part for part in parts]
        totals = [total + part for total, part in zip(totals, parts, strict=True)] if totals else parts
    shape = (len(setting.draws[model.outcome.intercept]), weights.shape[-1])
    return np.stack([_over_rows(np.broadcast_to(total, shape), weights, probability) for total in totals])


def _over_rows(each: Array, weights: Array, probability: Array | float) -> Array:
    """The weighted mean of draws x rows, for each draw."""
    if not isinstance(probability, float):
        chances = probability * weights
        return np.asarray((each * chances).sum(axis=1) / chances.sum(axis=1))
    return np.asarray(each @ weights if weights.ndim == 1 else np.einsum("dr,dr->d", each, weights))


def _extend(setting: _Setting, equation: Equation, branch: Branch) -> list[Branch]:
    """A branch with one mediator more: by its mean, by its two values, or drawn."""
    name, rows = equation.response, max(len(v) if v.ndim == 2 else v.shape[1] for v in branch.values.values())
    if equation.levels:
        return _extend_by_level(setting, equation, branch, rows)
    if name in setting.counted and equation.family.probabilities is not None:
        means = location(equation, setting.draws, branch.values)
        each = equation.family.probabilities(
            np.broadcast_to(means, (len(means), rows)), setting.counted[name]
        )
        return [
            Branch(branch.probability * p, {**branch.values, name: np.full((rows, 1), float(count))})
            for count, p in enumerate(each)
        ]
    linearly = enters_linearly(setting.model, name)
    summed = equation.family.draw is None and _joint(setting.model) <= MAX_BRANCHES
    if not (summed or linearly):
        drawn = setting.drawn(equation, branch.values, rows)
        return [Branch(branch.probability, {**branch.values, name: drawn[..., None]})]
    mean = setting.mean(equation, branch.values)
    mean = np.broadcast_to(mean, (len(mean), rows))
    if linearly:
        return [Branch(branch.probability, {**branch.values, name: mean[..., None]})]
    settings = ((mean, np.ones((rows, 1))), (1.0 - mean, np.zeros((rows, 1))))
    return [Branch(branch.probability * p, {**branch.values, name: v}) for p, v in settings]


def _extend_by_level(setting: _Setting, equation: Equation, branch: Branch, rows: int) -> list[Branch]:
    """The same for a mediator that is one of several levels."""
    model, name = setting.model, equation.response
    shares = setting.shares(equation, branch.values)
    shares = np.broadcast_to(shares, (len(shares), rows, len(equation.levels)))
    if enters_linearly(model, name):
        return [Branch(branch.probability, {**branch.values, name: shares[..., 1:]})]
    if _joint(model) <= MAX_BRANCHES:
        variable = model.variables[name]
        settings = [
            (shares[..., i], constant(variable, level, rows)) for i, level in enumerate(equation.levels)
        ]
        return [Branch(branch.probability * p, {**branch.values, name: v}) for p, v in settings]
    drawn = (setting.rng.random(shares.shape[:2])[..., None] > np.cumsum(shares, axis=-1)[..., :-1]).sum(
        axis=-1
    )
    columns = (drawn[..., None] == np.arange(1, len(equation.levels))).astype(np.float64)
    return [Branch(branch.probability, {**branch.values, name: columns})]


def _outcome(
    setting: _Setting, equation: Equation, values: Mapping[str, Array], places: tuple[int, ...]
) -> list[Array]:
    """The mean response, or the probabilities of its levels at these places, each draws x rows."""
    if not equation.levels:
        return [setting.mean(equation, values)]
    shares = setting.shares(equation, values)
    return [shares[..., place] for place in places]


def _mediators(model: Model) -> tuple[str, ...]:
    return tuple(e.response for e in model.mediators)


def enters_linearly(model: Model, mediator: str) -> bool:
    """Whether the outcome's mean is linear in this mediator, whatever path it takes there."""
    waiting = [mediator]
    drawn = set(_mediators(model))
    while waiting:
        name = waiting.pop()
        for equation in model.equations:
            for term in equation.terms:
                if name not in term.factors:
                    continue
                if term.curve is not None:
                    return False
                if (
                    equation.link.name != "identity"
                    or equation.levels
                    or sum(f in drawn for f in term.factors) > 1
                ):
                    return False
                if equation.response in drawn:
                    waiting.append(equation.response)
    return True


def _joint(model: Model) -> int:
    """Joint settings of the mediators that are summed over."""
    finite = (e for e in model.mediators if e.family.draw is None and not enters_linearly(model, e.response))
    return math.prod(len(e.levels) or 2 for e in finite)


def branches(model: Model) -> int:
    """Joint settings of the mediators that each row is worked out at."""
    return min(_joint(model), MAX_BRANCHES)


def evaluations(model: Model, held: Collection[str] = ()) -> int:
    """About how often the outcome's link is evaluated for a row and draw: more than once where its mean over
    the population of groups is by quadrature.
    """
    outcome = model.outcome
    sampled = len(outcome.varying) > len(fixed_groups(model, outcome, held))
    return TYPICAL_NODES if sampled and outcome.link.averaged is None else 1


def is_exact(model: Model) -> bool:
    """Whether no mediator has to be drawn."""
    return not _drawn(model) and _joint(model) <= MAX_BRANCHES


def _average(rows: EncodedRows) -> EncodedRows:
    return EncodedRows(
        {name: (rows.weights @ values)[None, :] for name, values in rows.values.items()}, np.ones(1)
    )
