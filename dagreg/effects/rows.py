"""The rows that an effect is averaged over: encoded, weighted, equal ones merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.counted import counts_of
from dagreg.binding.rows import Rows
from dagreg.errors import DataError, Diagnostic
from dagreg.model.design import absent, constant, encode, encoded
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Varying
from dagreg.numerics.arrays import Array, Index
from dagreg.spec.types import Level

MIN_MERGED = 64  # rows: fewer are not worth the sorting


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Encoded variables, rows x columns each, and the weight of each row (they sum to 1).

    `unseen` says of values that are parameters which of them a row has (-1 for a value that is known), by the
    symbol of their draws. `chance` says of a row that stands for one of several levels where its probability
    is. `units` says that the weights are uncertain, as the Bayesian bootstrap has it, and how many units they
    count.
    """

    values: Mapping[str, Array]
    weights: Array
    unseen: Mapping[str, tuple[str, Index]] = field(default_factory=dict)
    chance: tuple[str, Index, Index] | None = None
    units: float | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def complete(self) -> bool:
        """Whether every value is known."""
        return len(self.unseen) == 0 and self.chance is None

    def at(self, draws: Mapping[str, Array]) -> Mapping[str, Array]:
        """The values, draws x rows x columns where some are parameters."""
        completed = dict(self.values)
        for name, (symbol, which) in self.unseen.items():
            here = np.flatnonzero(which >= 0)
            known = self.values[name]
            completed[name] = np.broadcast_to(known, (len(draws[symbol]), *known.shape)).copy()
            completed[name][:, here, 0] = draws[symbol][:, which[here]]
        return completed

    def probability(self, draws: Mapping[str, Array]) -> Array | float:
        """That of each row, draws x rows: 1 but for rows that stand for one of several levels."""
        if self.chance is None:
            return 1.0
        symbol, gap, place = self.chance
        here = np.flatnonzero(gap >= 0)
        chance = np.ones((len(draws[symbol]), len(gap)))
        chance[:, here] = draws[symbol][:, gap[here], place[here]]
        return chance

    def taken(self, index: Index) -> EncodedRows:
        """The rows at these places, with their weights."""
        chance = (
            None if self.chance is None else (self.chance[0], self.chance[1][index], self.chance[2][index])
        )
        return EncodedRows(
            {name: values[index] for name, values in self.values.items()},
            self.weights[index],
            {name: (symbol, which[index]) for name, (symbol, which) in self.unseen.items()},
            chance,
            self.units,
        )


def covariates(model: Model, held: Collection[str] = ()) -> tuple[str, ...]:
    """The variables whose observed values the effect is averaged over.

    All but the outcome, drawn mediators, and groups that stand for a population and are not held at their
    levels.
    """
    stay = _stay(model, held)
    drawn = {model.estimand.outcome, *(e.response for e in model.mediators)}
    return tuple(n for n, v in model.variables.items() if n not in drawn and (n in stay or not v.sampled))


def observed_rows(model: Model, data: Mapping[str, Any], held: Collection[str] = ()) -> EncodedRows:
    """The covariates of every row; a row with trials stands for that many units.

    `held` are variables at whose levels the effect is given. Of a large table only what the average needs:
    its mean row, where every regression is linear and nothing is held. Rows that the effect is not averaged
    over weigh 0.
    """
    if model.latents:
        return _completed(model, data, covariates(model, held))
    everyone = model.estimand.seen is None and not model.estimand.bootstrapped
    average = model.functional is None and linear(model) and len(held) == 0 and everyone
    table = as_columns(data).in_database
    if table is not None and average:
        return mean_row(model, table)
    trials = model.outcome.trials
    units = np.asarray(data[trials], dtype=np.float64) if isinstance(trials, str) else None
    values = encoded(model, covariates(model, held), data)
    rows = len(data[model.variables[model.estimand.outcome].column])
    weights = counts_of(data, rows) * (1.0 if units is None else units)
    weights = weights * averaged_over(model, data, rows)
    if not weights.any():
        raise _nobody(model)
    total = float(weights.sum())
    return EncodedRows(values, weights / total, units=total if model.estimand.bootstrapped else None)


def averaged_over(model: Model, data: Mapping[str, Any], rows: int) -> Array:
    """1 for the rows that the effect is averaged over, the treated for one, and 0 for the others."""
    if model.estimand.seen is None:
        return np.ones(rows)
    exposure = model.variables[model.estimand.exposure[0]]
    seen = (encode(exposure, data[exposure.column]) == constant(exposure, model.estimand.seen, rows)).all(
        axis=1
    )
    return np.where(seen, 1.0, 0.0)


def _nobody(model: Model) -> DataError:
    message = (
        f"no row is {model.estimand.among}: `{model.estimand.exposure[0]}` is nowhere {model.estimand.seen}"
    )
    return DataError((Diagnostic("DR428", message),))


def _completed(model: Model, data: Mapping[str, Any], names: Collection[str]) -> EncodedRows:
    """The same where values are not known: they are parameters, or a row stands once for each of
    its levels.
    """
    columns: dict[str, Any] = {name: data[name] for name in model.columns}
    rows, chance = np.arange(len(next(iter(columns.values())))), None
    if model.mixture is not None:
        levels = {model.variables[n].column: model.variables[n].levels for n in model.mixture.variables}
        columns, rows, place = every_level(columns, levels)
        several = np.flatnonzero(np.bincount(rows) > 1)
        gap = np.full(rows.max() + 1, -1)
        gap[several] = np.arange(len(several))
        chance = (model.mixture.chances, gap[rows], place)
    values, unseen = {}, {}
    for name in names:
        variable = model.variables[name]
        column = columns[variable.column]
        gone = absent(column)
        values[name] = encode(variable, np.where(gone, np.array(variable.filler), np.ma.getdata(column)))
        latent = next((la for la in model.latents if la.variable == name and not la.summed), None)
        if latent is not None:
            which = np.full(len(rows), -1)
            lacking = np.unique(rows[gone]) if latent.error is None else np.arange(rows.max() + 1)
            here = gone if latent.error is None else np.ones(len(rows), dtype=bool)
            which[here] = np.searchsorted(lacking, rows[here])
            unseen[name] = (latent.values, which)
    trials = model.outcome.trials
    weights = np.asarray(columns[trials], dtype=np.float64) if isinstance(trials, str) else np.ones(len(rows))
    weights = weights * averaged_over(model, columns, len(rows))
    if not weights.any():
        raise _nobody(model)
    total = float(weights[np.unique(rows, return_index=True)[1]].sum() or weights.sum())
    return EncodedRows(
        values, weights / total, unseen, chance, total if model.estimand.bootstrapped else None
    )


def every_level(
    data: Mapping[str, Any], levels: Mapping[str, Sequence[Level]]
) -> tuple[dict[str, Any], Index, Index]:
    """Each row once for every combination of the levels that it lacks, as the emitted program has it.

    Besides, the row that each stands for, and its place among those of that row.
    """
    table: dict[str, Any] = {name: np.ma.asarray(values) for name, values in data.items()}
    row = np.arange(len(next(iter(table.values()))))
    for name, known in levels.items():
        lacks = absent(table[name])
        times = np.where(lacks, len(known), 1)
        which = np.repeat(np.arange(len(times)), times)
        level = np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
        table, row = {column: values[which] for column, values in table.items()}, row[which]
        table[name] = np.where(lacks[which], np.array(known, dtype=object)[level], np.ma.getdata(table[name]))
    count = np.bincount(row)
    return table, row, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


def linear(model: Model, held: Collection[str] = ()) -> bool:
    """Whether every regression is linear in every variable: then the average row answers for all rows.

    `held`: groups at whose levels the effect is given. The deviations of other groups are averaged over their
    population, where they are 0.
    """
    used = (*model.mediators, model.outcome)
    plain = not any(e.levels or fixed_groups(model, e, held) for e in used)
    lines = (len(t.factors) == 1 and t.curve is None for e in used for t in e.terms)
    return plain and all(e.link.name == "identity" for e in used) and all(lines)


def fixed_groups(model: Model, equation: Equation, held: Collection[str]) -> tuple[Varying, ...]:
    """The varying coefficients that stay those of each row's own level: of listed levels, and of
    groups held.
    """
    stay = _stay(model, held)
    return tuple(v for v in equation.varying if v.group in stay or not model.variables[v.group].sampled)


def _stay(model: Model, held: Collection[str]) -> frozenset[str]:
    """The variables whose own levels count: the exposures, those held, and all where some rows alone are
    asked of.

    The treated are not spread over the population of groups: their share differs from group to group.
    """
    return frozenset(
        model.variables if model.estimand.seen is not None else (*model.estimand.exposure, *held)
    )


def mean_row(model: Model, table: Rows, without: int | None = None) -> EncodedRows:
    """The average of the covariates, as the only row; one group of rows left out if asked."""
    return EncodedRows(table.means([model.variables[n] for n in covariates(model)], without), np.ones(1))


def subset(model: Model, rows: EncodedRows, group: Mapping[str, Level]) -> EncodedRows:
    """The rows at these levels of some covariates."""
    kept = rows.weights > 0
    for name, level in group.items():
        kept &= (rows.values[name] == constant(model.variables[name], level, 1)).all(axis=1)
    chosen = rows.taken(np.flatnonzero(kept))
    if rows.chance is not None:
        return chosen  # of rows that may be at these levels; how many are differs by draw
    total = float(chosen.weights.sum()) if kept.any() else 1.0
    units = None if rows.units is None else rows.units * total
    return replace(chosen, weights=chosen.weights / total, units=units)


def as_they_are(rows: EncodedRows) -> EncodedRows:
    """The rows with their weights certain."""
    return replace(rows, units=None)


def repeated(rows: EncodedRows, times: int) -> EncodedRows:
    """Each row several times in succession, sharing its weight."""
    copies = rows.taken(np.repeat(np.arange(len(rows)), times))
    return replace(copies, weights=copies.weights / times)


def bootstrap_weights(rows: EncodedRows, times: int, draws: int, seed: int) -> Array:
    """Weights of the Bayesian bootstrap, draws x rows, where every row stands `times` in succession (Rubin
    1981).

    Uniform over all distributions on the units: Dirichlet with 1 for each, so for a row with as many as it
    counts, whether it has trials or stands for several equal rows. Drawn as gammas over their sum.
    """
    assert rows.units is not None
    counts = rows.units * rows.weights[::times] * times
    drawn = np.random.default_rng([seed, times]).standard_gamma(counts, (draws, len(counts)))
    drawn /= drawn.sum(axis=1, keepdims=True)
    return np.repeat(drawn / times, times, axis=1)


def merge(rows: EncodedRows) -> EncodedRows:
    """Equal rows as one, their weights added, those of weight 0 left out; in the order of the values, so
    stable.
    """
    if not rows.values:
        return EncodedRows({}, np.ones(1))
    if not rows.complete:
        return rows
    units = rows.units
    counted = rows.weights > 0
    if not counted.all():
        rows = rows.taken(np.flatnonzero(counted))
    if len(rows) < MIN_MERGED:
        return rows
    table = np.column_stack(list(rows.values.values()))
    if any(len(np.unique(column)) == len(rows) for column in table.T):  # cheaper than to sort by all of them
        return rows
    order = np.lexsort(table.T[::-1])
    ordered = table[order]
    first = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    if first.all():
        return rows
    distinct, where = ordered[first], np.empty(len(rows), dtype=np.int64)
    where[order] = np.cumsum(first) - 1
    weights = np.bincount(where, weights=rows.weights, minlength=len(distinct))
    stops = np.cumsum([block.shape[1] for block in rows.values.values()])[:-1]
    return EncodedRows(
        dict(zip(rows.values, np.split(distinct, stops, axis=1), strict=True)), weights, units=units
    )
