"""More variation than a family allows: rows that are litters, herds or days, whose units are alike.

A count of successes among independent units is no binomial of one probability where the units differ in what
else is observed, and yet its sum is as certain as the binomial says, or more (Hoeffding 1956). Cells of a
table that differ by a node that the regression leaves out are therefore no doubt about the answer. So rows of
counts are compared with rows that are equal in every observed node but the outcome and what follows from it:
what remains is variation between rows.

- Rows that are equal: chi-square of their counts, given their sum and their sizes. Rows of one unit say
  nothing.
- Then their sums: where numbers differ, neighbours in their order are compared, `BLOCK` at a time, after a
  regression's trend is taken off. A number of few values (`MAX_LEVELS_OF_A_NUMBER`) is taken as levels.

Equal rows as one count, or the units of a count as rows, therefore give the same answer; that is why a binary
outcome is looked at, too. A count without exposure is of a unit itself, and the intervals are as narrow as
its own regression has it: there the Pearson statistic of that regression decides (McCullagh and Nelder 1989,
section 4.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.columns import as_columns
from dagreg.binding.counted import counts_of
from dagreg.binding.row_sums import in_sql, likelihood_rows
from dagreg.binding.rows import Rows
from dagreg.doubts.implication_regressions import binomial_means, poisson_means
from dagreg.doubts.point import design, regular
from dagreg.doubts.within_groups import combined, dense
from dagreg.engines.draws import Draws
from dagreg.errors import Doubt
from dagreg.graph.ancestry import descendants
from dagreg.graph.causal import CausalGraph
from dagreg.model.design import column, encode
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array, Index
from dagreg.numerics.tails import chi_square_upper
from dagreg.spec.types import Spec

DISPERSION = 1.2  # per degree of freedom
FALSE_ALARM_RATE = 0.005  # the chance of a false alarm
BLOCK = 4  # neighbours that are compared
MAX_LEVELS_OF_A_NUMBER = 10  # different values of a number that is taken as levels
ROWS_PER_TREND_TERM = 10  # rows for each square or product in the trend
MAX_TRENDS = 50  # cells with an intercept of their own in the trend
TestStatistic = tuple[float, float, float]  # of a statistic: its value, its mean, its variance
LEVELLED = ("binary", "categorical", "ordinal", "group")


@dataclass(frozen=True, slots=True)
class Beside:
    """Some rows of all that is observed beside an outcome: those of `levels` are levels, the
    others numbers.
    """

    columns: Mapping[str, npt.NDArray[Any]]  # of the data, those of the outcome's model among them
    levels: tuple[str, ...]
    numbers: tuple[str, ...]


def beside_outcome(spec: Spec, graph: CausalGraph, outcome: str) -> tuple[str, ...]:
    """The observed nodes that do not follow from the outcome."""
    after = descendants(graph, [graph.index[outcome]])
    return tuple(n for n in spec.nodes if graph.observed[graph.index[n]] and not after[graph.index[n]])


def rows_beside(spec: Spec, model: Model, names: Sequence[str], table: Mapping[str, Any]) -> Beside:
    """The rows that have a value in every column of the model's outcome and of these nodes."""
    columns = {n: spec.nodes[n].column or n for n in names}
    there: npt.NDArray[np.bool_] = np.ones(len(next(iter(table.values()))), dtype=bool)
    for values in table.values():
        data = np.ma.getdata(values)
        there &= ~np.ma.getmaskarray(values) & (data == data)
    kept = {c: np.ma.getdata(values)[there] for c, values in table.items()}
    levels, numbers = list[str](), list[str]()
    for name, c in columns.items():
        typed = spec.nodes[name].type in LEVELLED or (
            name in model.variables and bool(model.variables[name].levels)
        )
        (levels if typed or kept[c].dtype.kind not in "iuf" else numbers).append(c)
    return Beside(kept, tuple(levels), tuple(numbers))


def between_rows(equation: Equation) -> bool:
    """Whether it is rows that are alike that are compared."""
    family = equation.family
    return (
        regular(equation)
        and family.overdispersion != ""
        and (family.units == "trials" or bool(equation.offset))
    )


def _of_predictors(model: Model, data: Mapping[str, Any]) -> Beside:
    variables = [model.variables[n] for n in model.outcome.predictors]
    return Beside(
        data,
        tuple(v.column for v in variables if v.levels),
        tuple(v.column for v in variables if not v.levels),
    )


def dispersion_doubts(
    model: Model, draws: Draws, data: Mapping[str, Any], beside: Beside | None = None
) -> tuple[Doubt, ...]:
    """Counts that vary more than their family allows; `beside` are the predictors where nothing else is
    observed.
    """
    equation = model.outcome
    family, of_counts = equation.family, equation.family.units == "exposure"
    own = of_counts and family.overdispersion != "" and regular(equation) and equation.offset is None
    if not own and not between_rows(equation):
        return ()
    doubts = (
        _pearson(model, draws, data)
        if own
        else _between_rows(model, equation, beside or _of_predictors(model, data))
    )
    if doubts is None:
        return ()
    ratio = doubts[0] / doubts[1]
    if ratio < DISPERSION or _tail(*doubts) > FALSE_ALARM_RATE:
        return ()
    narrow = f"so the intervals are too narrow by a factor of about {ratio**0.5:.2g}."
    remedy = f"{family.overdispersion} allows for that (`regressions: {{{equation.response}: ...}}`)."
    if own:
        message = (
            f"{equation.response} varies {ratio:.2g} times as much as the {family.name} family allows, "
            f"{narrow}"
        )
        return (Doubt("DR521", message, remedy=remedy),)
    message = (
        f"Between rows that are alike in all else that is observed, {equation.response} varies {ratio:.2g} "
        f"times as much as the {family.name} family allows: units of the same row are more alike than "
        f"others, {narrow}"
    )
    return (Doubt("DR521", message, remedy=remedy),)


def _tail(statistic: float, mean: float, variance: float) -> float:
    """P(at least this) of a gamma distribution: chi-squares of rare events are skewed."""
    return chi_square_upper(2 * mean * statistic / variance, 2 * mean**2 / variance)


def _pearson(model: Model, draws: Draws, data: Mapping[str, Any]) -> TestStatistic | None:
    """Pearson's chi-square of a Poisson regression, its degrees of freedom, and its variance."""
    equation = model.outcome
    point = np.concatenate(
        [np.ravel(draws.values[symbol].mean(axis=(0, 1))) for symbol in equation.coefficient_symbols]
    )
    table = as_columns(data).in_place
    if table is not None and in_sql(equation):
        return _pearson_in_place(model, table, point)
    this = design(model, equation, data)
    mean = np.maximum(equation.link.inverse(this.columns @ point + this.offset), 1e-12)
    counts = counts_of(data, len(mean))
    free = counts.sum() - len(point)
    if free < 1:
        return None
    statistic = float((counts * (this.response - mean) ** 2 / mean).sum())
    return statistic, float(free), float((counts * (2 + 1 / mean)).sum())


def _pearson_in_place(model: Model, table: Rows, point: Array) -> TestStatistic | None:
    """The same of rows that stay in their database."""
    equation = model.outcome
    taylor = equation.link.taylor
    assert taylor is not None  # see `in_sql`

    def distance(given: Mapping[str, Any], eta: Any, order: int) -> list[Any]:
        mean = np.maximum(taylor(eta)[0], 1e-12)
        return [np.square(given["response"] - mean) / mean]

    def variance(given: Mapping[str, Any], eta: Any, order: int) -> list[Any]:
        return [2.0 + 1.0 / np.maximum(taylor(eta)[0], 1e-12)]

    free = table.count - len(point)
    if free < 1:
        return None
    rows = likelihood_rows(model, equation, table)
    statistic, spread = (float(replace(rows, of=f).totals(point[None])[0]) for f in (distance, variance))
    return statistic, float(free), spread


# ---------------------------------------------------------------- rows against rows


@dataclass(frozen=True, slots=True)
class _Rows:
    """Counts of successes or events among units, in rows of which there may be several alike."""

    hits: Array
    units: Array
    counts: Array
    trend: Array  # what a regression expects per unit

    def taken(self, which: Any) -> _Rows:
        return _Rows(self.hits[which], self.units[which], self.counts[which], self.trend[which])

    def summed(self, places: Index) -> _Rows:
        """One row for each place."""
        hits, units = (np.bincount(places, weights=v * self.counts) for v in (self.hits, self.units))
        trend = np.bincount(places, weights=self.trend * self.units * self.counts) / units
        return _Rows(hits, units, np.ones(len(hits)), trend)


def _between_rows(model: Model, equation: Equation, beside: Beside) -> TestStatistic | None:
    """Chi-square of rows that are alike, its mean and its variance; None where none are."""
    variable = model.variables[equation.response]
    values = encode(variable, beside.columns[variable.column])[:, 0]
    count = len(values)
    units = column(equation.offset or equation.trials, beside.columns, count)
    numbers = [np.asarray(beside.columns[c], dtype=np.float64) for c in beside.numbers]
    many = [len(np.unique(v)) > MAX_LEVELS_OF_A_NUMBER for v in numbers]
    levels = [np.asarray(beside.columns[c]) for c in beside.levels]
    levels += [v for v, continuous in zip(numbers, many, strict=True) if not continuous]
    order = [v for v, continuous in zip(numbers, many, strict=True) if continuous]
    cells = combined(levels, count)
    poisson = equation.family.units == "exposure"
    rows = _Rows(values, units, counts_of(beside.columns, count), np.zeros(count))
    rows_there = units > 0
    if rows_there.sum() < 2:
        return None
    rows, cells, order = rows.taken(rows_there), cells[rows_there], [v[rows_there] for v in order]
    equal = combined([cells, *order], len(cells))
    moments = _chi_square(rows, equal, poisson=poisson)
    if order:
        merged, first = rows.summed(equal), np.unique(equal, return_index=True)[1]
        cells, order = cells[first], [v[first] for v in order]
        trend = _trend(merged, cells, order, poisson=poisson)
        merged = _Rows(merged.hits, merged.units, merged.counts, trend)
        sequence = np.lexsort((*order, trend, cells))
        merged, cells = merged.taken(sequence), dense(cells[sequence])
        starts = np.concatenate([[0], np.cumsum(np.bincount(cells))])[:-1]
        blocks = combined([cells, (np.arange(len(cells)) - starts[cells]) // BLOCK], len(cells))
        moments = np.hstack([moments, _but_largest(_chi_square(merged, blocks, poisson=poisson))])
    statistic, free, variance = moments.sum(axis=1)
    return (float(statistic), float(free), float(variance)) if free > 0 and variance > 0 else None


def _but_largest(statistics: Array) -> Array:
    """All blocks but the one furthest beyond its mean: a jump of the mean is in one, rows that differ are in
    all.
    """
    if statistics.shape[1] == 0:
        return statistics
    return np.delete(statistics, np.argmax((statistics[0] - statistics[1]) / np.sqrt(statistics[2])), axis=1)


def _chi_square(rows: _Rows, places: Index, *, poisson: bool) -> Array:
    """Chi-square of rows about what they share, its mean and its variance (3 x places), given the sums of
    each place.

    A binomial's are those of a table with both margins fixed (Dawson 1954), a Poisson's those of a
    multinomial.
    """

    def sums(values: Array) -> Array:
        return np.bincount(places, weights=values * rows.counts)

    size, hits, number, over = (
        sums(rows.units),
        sums(rows.hits),
        sums(np.ones(len(places))),
        sums(1 / rows.units),
    )
    share = hits / size
    about = rows.hits / rows.units - rows.trend
    about = about - (sums(rows.units * about) / size)[places]
    squares = sums(rows.units * about**2)
    if poisson:
        told = (hits > 0) & (number > 1)
        k, size, hits, over = number[told], size[told], hits[told], over[told]
        variance = 2 * (k - 1) + (size * over - k**2 - 2 * (k - 1)) / hits
        return _varying(squares[told] * size / hits, k - 1, variance)
    told = (hits > 0) & (hits < size) & (number > 1) & (size > 3)
    k, n, p = number[told], size[told], share[told]
    statistic = squares[told] / (p * (1 - p)) * (n - 1) / n
    tau = (n / (n * p) + n / (n * (1 - p)) - 4) / (n - 2)
    sigma = (n * over[told] - k**2) / (n - 2)
    both = ((n - 2) / (n - 1) - tau) * ((k - 1) * (n - k) / (n - 1) - sigma)
    variance = 2 * n / (n - 3) * both + n**2 / (n - 1) * sigma * tau
    return _varying(statistic, k - 1, variance * ((n - 1) / n) ** 2)


def _varying(statistic: Array, mean: Array, variance: Array) -> Array:
    """Without the places in which chi-square is always the same, as of single units."""
    return np.array([statistic, mean, variance])[:, variance > 1e-9]


def _trend(rows: _Rows, cells: Index, order: Sequence[Array], *, poisson: bool) -> Array:
    """What a regression on the numbers, and on the cells where they are few, expects of a unit of
    each row.
    """
    numbers = [(v - v.mean()) / (v.std() or 1.0) for v in order]
    if len(cells) > ROWS_PER_TREND_TERM * len(order) ** 2:
        numbers += [a * b for i, a in enumerate(numbers) for b in numbers[i:]]
    several = range(1, int(cells.max()) + 1) if cells.max() < MAX_TRENDS else ()
    columns = np.column_stack([np.ones(len(cells)), *numbers, *(cells == c for c in several)]).astype(
        np.float64
    )
    if poisson:
        return poisson_means(rows.hits, np.log(rows.units), columns) / rows.units
    return binomial_means(rows.hits, rows.units, columns)
