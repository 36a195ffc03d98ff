"""Whether units that differ in the exposure are alike in what is adjusted for (Rosenbaum and Rubin 1983).

Of an exposure with levels: each unit's probability of its level given the set, by logistic regression (the
score), and whether units of the other level have such scores. Units beyond the range of the others' scores
have *no counterpart*: there the answer is what the outcome's regression makes of other units. In units that
were exposed by lot a few lie beyond the others' range by chance, as many as the runs at both ends of a
shuffled row have: the warning asks for more than that.

Of an exposure that is a number: the share of its variance that the set leaves, and how many units lie beyond
all residuals once their exposure is moved as the contrast says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.rows import Rows
from dagreg.doubts.implication_regressions import binomial_means
from dagreg.doubts.types import Balance, Overlap, Profile
from dagreg.effects.steps import step_of
from dagreg.errors import Doubt
from dagreg.model.design import column, encode
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.numerics.arrays import Array
from dagreg.spec.types import Level

MAX_ROWS = 5_000  # of a sample
MAX_LEVELS = 60  # of a node of the set; with more it is left out of the score
MAX_COLUMNS = 200
MAX_PROFILED = 30  # nodes of the table
MIN_SHARE = 0.08  # of units without a counterpart, from which on they are worth a warning
CHANCE = 0.003  # that as many lie beyond the others' range in a shuffled row
CLIP = 1e-6  # of a score
MIN_UNITS = 10

Flags = npt.NDArray[np.bool_]


def overlap_of(model: Model, rows: Rows, seed: int) -> Overlap | None:
    """How alike units of different exposure are; None where the answer is no adjusted regression of one
    exposure.
    """
    if not model.estimator.offers.single or not model.complete or len(model.estimand.exposure) != 1:
        return None
    (name,) = model.estimand.exposure
    exposure = model.variables[name]
    if exposure.sampled or exposure.pooled or not model.estimand.contrasts:
        return None
    nodes = [model.variables[n] for n in model.outcome.predictors if n != name]
    data, weights = _sample(model, [exposure, *nodes], rows, seed)
    if len(weights) < MIN_UNITS:
        return None
    if not exposure.levels:
        return _of_number(model, exposure, nodes, data, weights)
    found = [
        one
        for contrast in dict.fromkeys(_levels(c) for c in model.estimand.contrasts)
        if contrast is not None
        and (one := _of_levels(model, exposure, nodes, data, weights, contrast)) is not None
    ]
    return max(found, key=lambda one: one.share_without_counterpart, default=None)


def overlap_doubts(found: Overlap | None, model: Model) -> tuple[Doubt, ...]:
    """The warning that units have no counterparts."""
    if found is None or found.contrast is None or not found.lacking:
        return ()
    (name,) = model.estimand.exposure
    nodes = _listed(model, name)
    start, stop = found.contrast
    count = f"{found.units_without_counterpart:,.0f} of {found.units:,.0f}"
    message = (
        f"{100 * found.share_without_counterpart:.0f}% of the units ({count}) have no counterpart: none with "
        f"`{name}` at the other of {start} and {stop} is like them in {nodes}. For them the answer is the "
        "regression's extrapolation."
    )
    remedy = (
        "Ask for those who were exposed, if they have counterparts (`among: treated`), or leave out rows "
        f"that could not have had the other `{name}`, and say so."
    )
    return (Doubt("DR631", message, remedy=remedy),)


def _listed(model: Model, exposure: str) -> str:
    names = [f"`{n}`" for n in model.outcome.predictors if n != exposure]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _levels(contrast: Contrast) -> tuple[Level, Level] | None:
    if contrast.start is None or contrast.stop is None:
        return None
    return contrast.start[0], contrast.stop[0]


def _sample(
    model: Model, variables: Sequence[Variable], rows: Rows, seed: int
) -> tuple[dict[str, npt.NDArray[Any]], Array]:
    """Whole rows of these variables, the outcome's columns among them, and how many units each stands for."""
    outcome = model.variables[model.estimand.outcome]
    trials = model.outcome.trials
    wanted = [v.column for v in (*variables, outcome)] + ([trials] if isinstance(trials, str) else [])
    table = rows.sample(tuple(dict.fromkeys(wanted)), MAX_ROWS, seed)
    there: Flags = np.ones(len(next(iter(table.values()))), dtype=bool)
    for values in table.values():
        known = np.ma.getdata(values)
        there &= ~np.ma.getmaskarray(values) & (known == known)
    for v in variables:
        if v.levels:
            there &= np.isin(np.ma.getdata(table[v.column]), np.array(v.levels, dtype=object))
    kept = {c: np.ma.getdata(values)[there] for c, values in table.items()}
    return kept, column(trials if isinstance(trials, str) else None, kept, int(there.sum()))


def _columns(nodes: Sequence[Variable], data: Mapping[str, Any]) -> dict[str, Array]:
    """Each node of the set as columns of mean 0 and sd 1; none where it has too many levels, or does not
    vary.
    """
    found: dict[str, Array] = {}
    for node in nodes:
        values = data[node.column]
        if len(node.levels) > MAX_LEVELS:
            continue
        if node.pooled or node.sampled:
            each = np.column_stack([values == level for level in node.levels[1:]]).astype(np.float64)
        else:
            each = encode(node, values)
        centred = each - each.mean(axis=0)
        size = np.sqrt(np.square(centred).mean(axis=0))
        moving = size > 1e-9 * np.maximum(np.abs(each).max(axis=0), 1e-300)
        if moving.any():
            found[node.name] = centred[:, moving] / size[moving]
    return found


def left_out(nodes: Sequence[Variable]) -> tuple[str, ...]:
    """The nodes of the set that have too many levels for a score."""
    return tuple(n.name for n in nodes if len(n.levels) > MAX_LEVELS)


def _of_levels(
    model: Model,
    exposure: Variable,
    nodes: Sequence[Variable],
    data: Mapping[str, Any],
    weights: Array,
    contrast: tuple[Level, Level],
) -> Overlap | None:
    start, stop = contrast
    values = data[exposure.column]
    here = (values == start) | (values == stop)
    treated = values[here] == stop
    units = weights[here]
    if not treated.any() or treated.all():
        return None
    kept = {c: v[here] for c, v in data.items()}
    columns = _columns(nodes, kept)
    design = np.hstack([np.ones((len(units), 1)), *columns.values()])
    if design.shape[1] > MAX_COLUMNS:
        return None
    score = np.clip(binomial_means(units * treated, units, design), CLIP, 1 - CLIP)
    beyond = without_counterpart(score, treated) if columns else np.zeros(len(units), dtype=bool)
    if columns and not beyond.all() and apart(design, units * treated, units):
        beyond[:] = True
    count = float(units @ beyond)
    inside = ~beyond
    weighing = np.where(treated, 1 / score, 1 / (1 - score)) * units
    lacking = count >= MIN_SHARE * units.sum() and (
        by_chance(int(beyond.sum()), float(treated.mean()), len(units)) < CHANCE
    )
    return Overlap(
        contrast=(str(start), str(stop)),
        units=float(units.sum()),
        units_without_counterpart=count,
        share_without_counterpart=count / float(units.sum()),
        effective_rows=sum(_kish((weighing)[inside & group]) for group in (treated, ~treated)),
        left=1.0,
        lacking=lacking,
        balance=tuple(_balance(columns, treated, units, np.where(inside, weighing, 0.0))),
        left_out=left_out(nodes),
        profile=tuple(
            _profile(model, exposure, nodes, kept, units, [(str(start), ~treated), (str(stop), treated)])
        ),
    )


def without_counterpart(score: Array, treated: Flags) -> Flags:
    """The units whose score lies beyond the range of the other group's."""
    beyond: Flags = np.zeros(len(score), dtype=bool)
    for group in (treated, ~treated):
        other = score[~group]
        beyond |= group & ((score < other.min()) | (score > other.max()))
    return beyond


def apart(design: Array, hits: Array, units: Array) -> bool:
    """Whether squares of the columns tell the groups apart without a miss: the exposure is a rule of the
    set.
    """
    squares = np.square(design[:, 1:])
    squares = squares[:, squares.std(axis=0) > 1e-9]
    if squares.shape[1] == 0 or design.shape[1] + squares.shape[1] >= len(design) // 5:
        return False
    score = binomial_means(hits, units, np.hstack([design, squares]))
    treated = hits > 0.5 * units
    return float(score[treated].min()) > float(score[~treated].max())


def by_chance(count: int, share: float, units: int) -> float:
    """The probability that in a row of `units` shuffled units, a `share` of them treated, the runs at both
    ends together are at least so long.
    """
    reach = np.arange(1, min(units, 4_000) + 1)
    tail = share**reach + (1 - share) ** reach  # that a run is at least so long
    alone = tail - np.append(tail[1:], 0.0)
    if count <= 1:
        return 1.0
    first = alone[: max(count - 1, 0)]
    needed = np.maximum(count - np.arange(1, len(first) + 1), 1)
    both = float((first * tail[np.minimum(needed, len(tail)) - 1]).sum())
    return min(both + float(tail[min(count - 1, len(tail) - 1)]), 1.0)


def _kish(weights: Array) -> float:
    """The number of rows of equal weight that are worth as much as these (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum()) if weights.any() else 0.0


def _balance(
    columns: Mapping[str, Array], treated: Flags, units: Array, weighing: Array
) -> Iterator[Balance]:
    """The difference of the groups' means in sds, that of the level that differs most; before and after rows
    are weighed by the inverse probability of their exposure.
    """
    for name, each in columns.items():
        spread = np.sqrt(
            (_variance(each[treated], units[treated]) + _variance(each[~treated], units[~treated])) / 2
        )
        spread = np.where(spread > 0, spread, 1.0)
        before, after = (_difference(each, treated, w) / spread for w in (units, weighing))
        yield Balance(name, _largest(before), _largest(after))


def _variance(each: Array, weights: Array) -> Array:
    mean = weights @ each / weights.sum()
    return np.asarray(weights @ np.square(each - mean) / weights.sum())


def _difference(each: Array, treated: Flags, weights: Array) -> Array:
    """Of the groups' means; no number where a group has no weight."""
    sides = []
    for group in (treated, ~treated):
        total = weights[group].sum()
        sides.append(weights[group] @ each[group] / total if total > 0 else np.full(each.shape[1], np.nan))
    return np.asarray(sides[0] - sides[1])


def _largest(values: Array) -> float:
    return float(values[int(np.argmax(np.abs(values)))]) if np.isfinite(values).all() else math.nan


def _of_number(
    model: Model, exposure: Variable, nodes: Sequence[Variable], data: Mapping[str, Any], weights: Array
) -> Overlap | None:
    columns = _columns(nodes, data)
    x = encode(exposure, data[exposure.column])[:, 0]
    design = np.hstack([np.ones((len(x), 1)), *columns.values()])
    if design.shape[1] > min(MAX_COLUMNS, len(x) // 2) or not np.ptp(x) > 0:
        return None
    root = np.sqrt(weights)[:, None]
    fitted = design @ np.linalg.lstsq(design * root, x * root[:, 0], rcond=None)[0]
    rest = x - fitted
    mean = float(weights @ x / weights.sum())
    left = float(weights @ rest**2 / (weights @ (x - mean) ** 2)) * len(x) / (len(x) - design.shape[1] + 1)
    left = min(left, 1.0)
    moved = [one - fitted for one in _moved(model, exposure, x)]
    beyond = np.any([(m < rest.min()) | (m > rest.max()) for m in moved], axis=0)
    if not columns:
        beyond = np.zeros(len(x), dtype=bool)
    count = float(weights @ beyond)
    size = float(np.sqrt(weights @ (x - mean) ** 2 / weights.sum()))
    balance = [
        Balance(name, _largest(weights @ (each * (x - mean)[:, None]) / weights.sum() / size), 0.0)
        for name, each in columns.items()
    ]
    return Overlap(
        contrast=None,
        units=float(weights.sum()),
        units_without_counterpart=count,
        share_without_counterpart=count / float(weights.sum()),
        effective_rows=float(weights.sum()) * left,
        left=left,
        lacking=False,  # a line needs no counterparts, and what it cannot tell apart is doubted elsewhere
        balance=tuple(balance),
        left_out=left_out(nodes),
        profile=tuple(_profile(model, exposure, nodes, data, weights, [])),
    )


def _moved(model: Model, exposure: Variable, x: Array) -> Iterator[Array]:
    """The exposure as the contrasts move it."""
    for contrast in model.estimand.contrasts:
        if contrast.start is None or contrast.stop is None:
            step = step_of(model, contrast)
            yield x + (1.0 if step.units == 1.0 else step.units)
        else:
            for side in (contrast.start, contrast.stop):
                yield np.full(len(x), encode(exposure, np.array([side[0]], dtype=np.float64))[0, 0])


def _profile(
    model: Model,
    exposure: Variable,
    nodes: Sequence[Variable],
    data: Mapping[str, Any],
    weights: Array,
    groups: Sequence[tuple[str, Flags]],
) -> Iterator[Profile]:
    """Table 1: mean and sd of numbers, shares of levels, of all units and by exposure."""
    everyone: Flags = np.ones(len(weights), dtype=bool)
    parts = [("all", everyone), *groups]
    yield Profile("units", None, tuple((name, float(weights[g].sum()), None) for name, g in parts))
    outcome = model.variables[model.estimand.outcome]
    own = [] if exposure.levels else [exposure]
    for node in [*own, *nodes[:MAX_PROFILED], outcome]:
        values = data[node.column]
        if not node.levels:
            numbers = values.astype(np.float64)
            yield Profile(
                node.name, None, tuple((n, *_mean_and_sd(numbers[g], weights[g])) for n, g in parts)
            )
        elif len(node.levels) <= MAX_LEVELS:
            for level in node.levels[1:] if len(node.levels) == 2 else node.levels:
                shares = tuple(
                    (n, float(weights[g] @ (values[g] == level) / weights[g].sum()), None) for n, g in parts
                )
                yield Profile(node.name, str(level), shares)


def _mean_and_sd(values: Array, weights: Array) -> tuple[float, float]:
    mean = float(weights @ values / weights.sum())
    return mean, math.sqrt(float(weights @ (values - mean) ** 2 / weights.sum()))
