"""The g-formula on posterior draws (Robins 1986; Hernan and Robins 2020, chapter 13).

E[Y | do(x)] averages the outcome's regression over the rows; the chain replaces each
mediator by its own distribution given its (intervened) parents. Mediators are drawn, or summed over where
they are levels, or counts of which few are likely. Their mean stands in for them only where the outcome's
mean is linear in them, which is then exact (the g-formula is an integral, and integrals pass through linear
maps). Where the outcome's predictor is linear in mediators that are Normal about their means, so is the
predictor, and the outcome's mean is an integral over one Normal number, whatever their number.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dagreg.effects.predictor import (
    location,
    mean_over_population,
    ordered,
    parameters,
    population_sd,
    predictor,
    slope_on,
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


Noise = Mapping[str, Array]
"""What a mediator varies by about its mean: the sd that comes from each independent source, draws x (rows or
1).
"""


@dataclass(frozen=True, slots=True)
class Branch:
    """One joint setting of the mediators so far: its probability, and the values."""

    probability: Array | float
    values: Mapping[str, Array]  # draws x rows x columns, or rows x columns for what does not vary by draw
    noise: Mapping[str, Noise] = field(default_factory=dict)  # of mediators whose mean is their value

    def having(self, name: str, value: Array, probability: Array | float = 1.0) -> Branch:
        """The same with a mediator's value, which has this probability."""
        return Branch(self.probability * probability, {**self.values, name: value}, self.noise)


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
    times, step, through = 1, step_of(model, contrast), shifts(model)
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
            setting = _Setting(
                model, part, frozenset(held), counted, through, np.random.default_rng(seed + i)
            )
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


def shifts(model: Model) -> frozenset[str]:
    """The mediators that shift the outcome's predictor by a Normal number.

    They are Normal about their means with one sd, enter the predictor in lines, directly or through each
    other, and nothing else follows them.
    """
    outcome = model.outcome
    kept = {e.response for e in _nonlinear(model) if e.family.normal and e.link.name == "identity"}
    if outcome.family.predictor == "unordered":
        return frozenset()
    while True:
        users = [e for e in (*model.mediators, outcome) if not kept.isdisjoint(e.predictors)]
        bad = {n for e in users for n in kept if not _shifted_by(e, n, kept, outcome)}
        if not bad:
            return frozenset(kept)
        kept -= bad


def _shifted_by(equation: Equation, name: str, kept: Collection[str], outcome: Equation) -> bool:
    """Whether this mediator is not in the equation, or shifts its predictor in lines."""
    terms = {t.name: t for t in equation.terms if name in t.factors}
    lines = all(t.curve is None and sum(f in kept for f in t.factors) == 1 for t in terms.values())
    same_slope = all(d.term not in terms for v in equation.varying for d in v.deviations)
    follows = equation is outcome or equation.response in kept
    return not terms or (lines and same_slope and follows)


def _nonlinear(model: Model) -> list[Equation]:
    """The mediators that are no levels and do more than shift a mean."""
    return [
        e for e in model.mediators if e.family.draw is not None and not enters_linearly(model, e.response)
    ]


def _drawn(model: Model) -> list[Equation]:
    """Those of them that are not integrated over: drawn, or counts that are summed over."""
    through = shifts(model)
    return [e for e in _nonlinear(model) if e.response not in through]


def _root(sd: Array | None, noise: Noise) -> Array | None:
    """The sd of a sum of independent parts; None where there are none."""
    if not noise:
        return sd
    squares = sum((np.square(part) for part in noise.values()), np.zeros((1, 1)))
    return np.asarray(np.sqrt(squares if sd is None else squares + np.square(sd)))


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
    shifts: frozenset[str]  # the mediators that are integrated over, see `shifts`
    rng: np.random.Generator

    def predictor(self, equation: Equation, values: Mapping[str, Array]) -> tuple[Array, Array | None]:
        """The linear predictor with the deviations of fixed groups, and the sd of those of the others'
        population.
        """
        fixed = fixed_groups(self.model, equation, self.held)
        others = [v for v in equation.varying if v not in fixed]
        sd = population_sd(others, equation, self.draws, values) if others else None
        return predictor(equation, self.draws, values, fixed), sd

    def mean(self, equation: Equation, branch: Branch) -> Array:
        """The mean response, draws x rows."""
        eta, sd = self.predictor(equation, branch.values)
        return mean_over_population(equation, self.draws, eta, _root(sd, self.noise(equation, branch)))

    def shares(self, equation: Equation, branch: Branch) -> Array:
        """The probability of each level of the response, draws x rows x levels."""
        if equation.family.predictor == "ordered":
            eta, sd = self.predictor(equation, branch.values)
            return ordered(equation, self.draws, eta, _root(sd, self.noise(equation, branch)))
        return unordered(equation, self.draws, branch.values)

    def noise(self, equation: Equation, branch: Branch) -> Noise:
        """What the predictor varies by because mediators do."""
        total: dict[str, Array] = {}
        for name, sources in branch.noise.items():
            if name in equation.predictors:
                slope = slope_on(equation, self.draws, branch.values, name)
                for source, sd in sources.items():
                    total[source] = total.get(source, 0.0) + slope * sd
        return total

    def about_mean(self, equation: Equation, branch: Branch) -> Branch:
        """A mediator that is Normal about its mean: that mean for its value, and what it varies by."""
        name = equation.response
        mean, sd = self.predictor(equation, branch.values)
        own = _root(sd, {name: parameters(equation, self.draws)["sigma"]})
        assert own is not None
        noise = {**branch.noise, name: {**self.noise(equation, branch), name: own}}
        return Branch(branch.probability, {**branch.values, name: mean[..., None]}, noise)

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
        here = [replace(b, values={**b.values, **seen[world[equation.response]]}) for b in tree]
        tree = [b for branch in here for b in _extend(setting, equation, branch)]
    totals: list[Array] = []
    for branch in tree:
        seeing = replace(branch, values={**branch.values, **seen[world[model.outcome.response]]})
        parts = _outcome(setting, model.outcome, seeing, places)
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
    """A branch with one mediator more: by its mean, by its values, or drawn."""
    name, rows = equation.response, max(len(v) if v.ndim == 2 else v.shape[1] for v in branch.values.values())
    if equation.levels:
        return _extend_by_level(setting, equation, branch, rows)
    if name in setting.counted and equation.family.probabilities is not None:
        means = location(equation, setting.draws, branch.values)
        each = equation.family.probabilities(
            np.broadcast_to(means, (len(means), rows)), setting.counted[name]
        )
        return [branch.having(name, np.full((rows, 1), float(count)), p) for count, p in enumerate(each)]
    if name in setting.shifts:
        return [setting.about_mean(equation, branch)]
    linearly = enters_linearly(setting.model, name)
    summed = equation.family.draw is None and _joint(setting.model) <= MAX_BRANCHES
    if not (summed or linearly):
        drawn = setting.drawn(equation, branch.values, rows)
        return [branch.having(name, drawn[..., None])]
    mean = setting.mean(equation, branch)
    mean = np.broadcast_to(mean, (len(mean), rows))
    if linearly:
        return [branch.having(name, mean[..., None])]
    settings = ((mean, np.ones((rows, 1))), (1.0 - mean, np.zeros((rows, 1))))
    return [branch.having(name, v, p) for p, v in settings]


def _extend_by_level(setting: _Setting, equation: Equation, branch: Branch, rows: int) -> list[Branch]:
    """The same for a mediator that is one of several levels."""
    model, name = setting.model, equation.response
    shares = setting.shares(equation, branch)
    shares = np.broadcast_to(shares, (len(shares), rows, len(equation.levels)))
    if enters_linearly(model, name):
        return [branch.having(name, shares[..., 1:])]
    if _joint(model) <= MAX_BRANCHES:
        variable = model.variables[name]
        settings = [
            (shares[..., i], constant(variable, level, rows)) for i, level in enumerate(equation.levels)
        ]
        return [branch.having(name, v, p) for p, v in settings]
    drawn = (setting.rng.random(shares.shape[:2])[..., None] > np.cumsum(shares, axis=-1)[..., :-1]).sum(
        axis=-1
    )
    columns = (drawn[..., None] == np.arange(1, len(equation.levels))).astype(np.float64)
    return [branch.having(name, columns)]


def _outcome(setting: _Setting, equation: Equation, branch: Branch, places: tuple[int, ...]) -> list[Array]:
    """The mean response, or the probabilities of its levels at these places, each draws x rows."""
    if not equation.levels:
        return [setting.mean(equation, branch)]
    shares = setting.shares(equation, branch)
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
    the population of groups, or over mediators, is by quadrature.
    """
    outcome = model.outcome
    sampled = len(outcome.varying) > len(fixed_groups(model, outcome, held)) or len(shifts(model)) > 0
    return TYPICAL_NODES if sampled and outcome.link.averaged is None else 1


def is_exact(model: Model) -> bool:
    """Whether no mediator has to be drawn."""
    return not _drawn(model) and _joint(model) <= MAX_BRANCHES


def _average(rows: EncodedRows) -> EncodedRows:
    return EncodedRows(
        {name: (rows.weights @ values)[None, :] for name, values in rows.values.items()}, np.ones(1)
    )
