"""Bounds of an effect that is not identified, for every posterior draw of what is observed.

The programs are those of `identify/bounding.py`. The probabilities of a node given those before it are
Dirichlet, with Jeffreys's prior of 1/2 for each level, so that a draw of the observed distribution follows
the graph where it is a product of such factors. The bounds of a draw are the extremes of the effect over all
response functions that make it. Draws that no response functions make are left out: the posterior is that
given the graph; `possible` is the share of the others.

A bound is a maximum of several terms, and where terms are nearly equal the posterior of their maximum lies
too far inside (Chernozhukov, Lee and Rosen 2013). The ends of intervals are therefore those of one term, the
best at the posterior mean, at a level shared among all that may be best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.effects.types import Bound
from dagreg.identify.bounding import Bounding, Factor
from dagreg.numerics.arrays import Array, Index
from dagreg.numerics.programs import Minima, minima
from dagreg.spec.types import LEVEL, Level

PRIOR = 0.5  # of each level: Jeffreys
DRAWS = 2_000
FEW_DRAWS = 60  # where the programs of draws have no vertex in common
MAX_TYPES = 4_096  # joint response functions
MAX_CELLS = 20_000  # of a factor
MAX_SETTINGS = 4_096  # of the nodes outside of the district
MIN_POSSIBLE = 0.01  # of the draws: with fewer the data refute the graph

Levels = Mapping[str, tuple[Level, ...]]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """The combinations of levels: their places (combinations x nodes), and how many rows each has."""

    nodes: tuple[str, ...]
    positions: Index
    rows: Array


@dataclass(frozen=True, slots=True)
class Bounded:
    """The bounds of every contrast, and the share of draws of what is observed that the graph can make."""

    bounds: tuple[Bound, ...]
    possible: float
    violation: float = 0.0  # by how many sds the data lie outside of what the graph can make


def too_large(bounding: Bounding, levels: Levels) -> str:
    """Why the programs are not solved; "" where they are."""
    types = math.prod(_functions(f, bounding, levels) for f in bounding.unknown)
    outside = math.prod(len(levels[n]) for n in (*bounding.before, *(f.node for f in bounding.after)))
    cells = max(
        math.prod(len(levels[n]) for n in (f.node, *f.given)) for f in (*bounding.factors, *bounding.after)
    )
    if types > MAX_TYPES:
        return f"its nodes have {types:,.0f} joint response functions, and at most {MAX_TYPES:,} are tried"
    if outside > MAX_SETTINGS or cells > MAX_CELLS or _settings(bounding.strata, levels) > MAX_SETTINGS:
        return "the nodes have too many combinations of levels"
    return ""


def bounds_of(
    bounding: Bounding,
    levels: Levels,
    counts: Counts,
    contrasts: Sequence[tuple[Level, Level]],
    seed: int,
    level: float = LEVEL,
) -> Bounded:
    """Bounds of the change of each level's probability, for two levels that of the second alone."""
    constant = not bounding.before and not bounding.after
    world = _World(
        bounding, levels, counts, DRAWS if constant else FEW_DRAWS, np.random.default_rng([seed, 7])
    )
    outcomes = levels[bounding.outcome]
    shown = outcomes[1:] if len(outcomes) == 2 else outcomes
    found, possible, violation = list[Bound](), np.ones(world.draws, dtype=bool), 0.0
    for contrast in contrasts:
        for outcome in shown:
            low, high = world.extremes(contrast, outcome)
            fine = np.isfinite(low.values) & np.isfinite(high.values) & (low.values <= high.values + 1e-7)
            possible &= fine
            violation = max(violation, low.violation, high.violation)
            if fine.mean() >= MIN_POSSIBLE:
                of = outcome if len(outcomes) > 2 else outcomes[1]
                found.append(_bound(low, high, fine, contrast, of, bounding.sharp, level))
    return Bounded(tuple(found), float(possible.mean()), violation)


def _bound(
    low: Minima,
    high: Minima,
    fine: Flags,
    contrast: tuple[Level, Level],
    outcome: Level,
    sharp: bool,
    level: float,
) -> Bound:
    """The bounds of the draws that are possible; `high` are minima of the negative."""
    tail = (1 - level) / 2
    lows, highs = low.values[fine], high.values[fine]
    least = min(float(np.quantile(low.plain[fine], tail / low.ties)), float(lows.mean()))
    most = max(float(np.quantile(high.plain[fine], 1 - tail / high.ties)), float(highs.mean()))
    return Bound(
        estimand="total effect",
        contrast=contrast,
        outcome_level=outcome,
        lower=float(lows.mean()),
        upper=float(highs.mean()),
        lower_interval=(least, float(np.quantile(lows, 1 - tail))),
        upper_interval=(float(np.quantile(highs, tail)), most),
        interval=(least, most),
        level=level,
        sharp=sharp,
    )


def _settings(nodes: Sequence[str], levels: Levels) -> int:
    return math.prod(len(levels[n]) for n in nodes)


def _inputs(factor: Factor, bounding: Bounding) -> tuple[str, ...]:
    """What a response function depends on within a stratum."""
    return tuple(p for p in factor.given if p not in bounding.strata)


def _functions(factor: Factor, bounding: Bounding, levels: Levels) -> float:
    """How many response functions a node has."""
    settings = _settings(_inputs(factor, bounding), levels)
    return float(len(levels[factor.node])) ** min(settings, 200)


def _at(table: Array, places: Sequence[int | Index]) -> Array:
    """The draws of a table at these places: draws, or draws x places."""
    index: tuple[Any, ...] = (slice(None), *places)
    return np.asarray(table[index])


class _World:
    """The programs of one effect: response functions, what the data tell, draws of that."""

    def __init__(
        self, bounding: Bounding, levels: Levels, counts: Counts, draws: int, rng: np.random.Generator
    ) -> None:
        self.bounding, self.levels, self.draws = bounding, levels, draws
        self.counts, self.rng = counts, rng
        self.tables = {
            f.node: self._factor((*f.given, f.node), 1) for f in (*bounding.factors, *bounding.after)
        }
        self.given = {f.node: f.given for f in (*bounding.factors, *bounding.after)}
        outside = (*bounding.strata, *bounding.before)
        self.weights = self._factor(outside, len(outside)) if outside else None
        self.outside = outside
        self.inside = tuple(f.node for f in bounding.unknown)
        self.types = self._types()

    def _factor(self, nodes: tuple[str, ...], free: int) -> Array:
        """Draws of the distribution of the last `free` nodes given the others: draws x levels of each."""
        shape = tuple(len(self.levels[n]) for n in nodes)
        place = [self.counts.nodes.index(n) for n in nodes]
        table = np.zeros(shape)
        np.add.at(table, tuple(self.counts.positions[:, p] for p in place), self.counts.rows)
        gammas = self.rng.standard_gamma(table + PRIOR, size=(self.draws, *shape))
        axes = tuple(range(gammas.ndim - free, gammas.ndim))
        return np.asarray(gammas / np.maximum(gammas.sum(axis=axes, keepdims=True), 1e-300))

    def _types(self) -> Index:
        """Every joint response function: types x nodes, each a number whose digits are the values."""
        each = [range(int(_functions(f, self.bounding, self.levels))) for f in self.bounding.unknown]
        return np.array(list(product(*each)), dtype=np.int64)

    def _values(self, setting: Mapping[str, int], fixed: Mapping[str, int]) -> dict[str, Index]:
        """The values that each type gives the nodes of the district, the others at their setting; `fixed` are
        set by an intervention.
        """
        values: dict[str, Index] = {}
        for i, factor in enumerate(self.bounding.unknown):
            if factor.node in fixed:
                values[factor.node] = np.full(len(self.types), fixed[factor.node])
                continue
            place = np.zeros(len(self.types), dtype=np.int64)
            for parent in _inputs(factor, self.bounding):
                at = values[parent] if parent in values else setting[parent]
                place = place * len(self.levels[parent]) + at
            base = len(self.levels[factor.node])
            values[factor.node] = self.types[:, i] // base**place % base
        return values

    def _external(self) -> tuple[str, ...]:
        """Parents of the district from outside of it, within a stratum."""
        every = [p for f in self.bounding.unknown for p in _inputs(f, self.bounding) if p not in self.inside]
        return tuple(dict.fromkeys(every))

    def _each(self, nodes: Sequence[str]) -> Iterator[dict[str, int]]:
        for values in product(*(range(len(self.levels[n])) for n in nodes)):
            yield dict(zip(nodes, values, strict=True))

    def constraints(self) -> Array:
        """Which types make each value of the district, for each setting of its parents: rows x types."""
        rows = []
        for setting in self._each(self._external()):
            values = self._values(setting, {})
            for wanted in self._each(self.inside):
                rows.append(np.all([values[n] == v for n, v in wanted.items()], axis=0))
        return np.array(rows, dtype=np.float64)

    def sides(self, stratum: Mapping[str, int]) -> Array:
        """What the data tell of these: draws x rows."""
        columns = []
        for setting in self._each(self._external()):
            for wanted in self._each(self.inside):
                at = {**stratum, **setting, **wanted}
                chance = np.ones(self.draws)
                for node in self.inside:
                    chance = chance * self._chance(node, at)
                columns.append(chance)
        return np.column_stack(columns)

    def _chance(self, node: str, at: Mapping[str, int]) -> Array:
        """P(node | given) at these values, by draw."""
        return _at(self.tables[node], [*(at[p] for p in self.given[node]), at[node]])

    def objective(self, stratum: Mapping[str, int], x: int, y: int) -> Array:
        """P(outcome = y | do(exposure = x)) of each type within a stratum: draws x types, or 1 x types."""
        bounding = self.bounding
        fixed = {bounding.exposure: x}
        after = tuple(f.node for f in bounding.after)
        if not bounding.before and not after:
            free = self._external()  # what leads into the exposure alone does not matter
            values = self._values(dict.fromkeys(free, 0), fixed)
            return np.asarray((values[bounding.outcome] == y)[None], dtype=np.float64)
        total = np.zeros((self.draws, len(self.types)))
        for setting in self._each((*bounding.before, *after)):
            missing = {p: 0 for p in self._external() if p not in setting}
            values = self._values({**missing, **setting}, fixed)
            known = setting.get(bounding.outcome)
            hit = values[bounding.outcome] == y if known is None else np.full(len(self.types), known == y)
            if hit.any():
                total += (
                    self._weight(stratum, setting)[:, None] * self._follows(stratum, setting, values) * hit
                )
        return total

    def _weight(self, stratum: Mapping[str, int], setting: Mapping[str, int]) -> Array:
        """P(the nodes before | the stratum), by draw."""
        if not self.bounding.before or self.weights is None:
            return np.ones(self.draws)
        at = {**stratum, **setting}
        return np.asarray(_at(self.weights, [at[n] for n in self.outside]) / self._stratum(stratum))

    def _stratum(self, stratum: Mapping[str, int]) -> Array:
        """P(the stratum), by draw."""
        if self.weights is None:
            return np.ones(self.draws)
        part = _at(self.weights, [stratum[n] for n in self.bounding.strata])
        return np.asarray(part.reshape(self.draws, -1).sum(axis=1))

    def _follows(
        self, stratum: Mapping[str, int], setting: Mapping[str, int], values: Mapping[str, Index]
    ) -> Array:
        """The probability of the nodes after the district at this setting, for each type: draws x types."""
        total: Array = np.ones((self.draws, 1))
        for factor in self.bounding.after:
            known: dict[str, int | Index] = {**stratum, **setting, **values}
            part = _at(self.tables[factor.node], [known[n] for n in (*factor.given, factor.node)])
            total = total * (part if part.ndim == 2 else part[:, None])
        return total

    def extremes(self, contrast: tuple[Level, Level], outcome: Level) -> tuple[Minima, Minima]:
        """The least and the largest change of the outcome's probability, by draw."""
        x, y = self.levels[self.bounding.exposure], self.levels[self.bounding.outcome].index(outcome)
        rows = self.constraints()
        low, high = list[tuple[Array, Minima]](), list[tuple[Array, Minima]]()
        for stratum in self._each(self.bounding.strata):
            share, sides = self._stratum(stratum), self.sides(stratum)
            start, stop = (self.objective(stratum, x.index(v), y) for v in contrast)
            low.append((share, self._minima(stop - start, rows, sides)))
            high.append((share, self._minima(start - stop, rows, sides)))
        return _total(low, 1.0), _total(high, -1.0)

    def _minima(self, cost: Array, rows: Array, sides: Array) -> Minima:
        if len(cost) == 1:
            return minima(cost[0], rows, sides)
        each = [minima(c, rows, b[None]) for c, b in zip(cost, sides, strict=True)]
        values = np.array([m.values[0] for m in each])
        return Minima(values, values, 1, 0.0)


def _total(parts: Sequence[tuple[Array, Minima]], sign: float) -> Minima:
    """The sum over strata of minima times their shares."""
    values, plain = (
        sign * sum(share * v for share, v in vs)
        for vs in ([(share, m.values) for share, m in parts], [(share, m.plain) for share, m in parts])
    )
    ties = math.prod(m.ties for _, m in parts)
    return Minima(np.asarray(values), np.asarray(plain), ties, max(m.violation for _, m in parts))
