"""Sums over the rows of a regression, asked of the database that holds them.

They are those of `numerics/series.py`, with the same numbers as of arrays but for rounding. The database has
the columns of `binding/sql.py`, less what each is near; a matrix takes the sums from these to the columns of
the regression. Nothing of the size of the rows leaves it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.rows import Rows, centres
from dagreg.binding.sql import NOTHING_SET, Settings, term_columns, variable_columns
from dagreg.model.design import design_map, stored_columns
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Term
from dagreg.numerics.arrays import Array
from dagreg.numerics.series import Function, Series, products, told, unpacked
from dagreg.sources.expression import Sql, TableColumn, sql_of, sums_sql, total
from dagreg.sources.source import Source

MOST_SUMS = 2_000  # of a series that a database is asked for: each is some 50 ns a row there
EXTREME = 1e9  # the size, or one over it, of a column whose powers databases may refuse
AT_ONCE = 500  # sums of one question: databases have limits near 1,600


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a database. `columns` are SQL; times `turned` and with a 1 before them they are the design."""

    table: Rows
    columns: tuple[Sql, ...]
    turned: Array  # (1 + columns) x coefficients
    offset: Sql | None
    given: Mapping[str, Sql | float]
    of: Function

    def series(self, point: Array, order: int) -> Series:
        own = self.turned @ point
        parts = [sql_of(part) for part in self.of(self.given, self._predictor(own), order)]
        sums = [one for k in range(order + 1) for one in self._products(parts[k], k)]
        found = unpacked(len(own), sums_of(self.table, sums), order)
        return Series(own, found).turned(self.turned, point)

    def totals(self, points: Array) -> Array:
        parts = [self.of(self.given, self._predictor(self.turned @ point), 0)[0] for point in points]
        return np.array(sums_of(self.table, [sql_of(part) for part in parts]), dtype=np.float64)

    def highest(self, size: int) -> int:
        return max((k for k in (2, 3, 4) if told(len(self.turned), k) <= MOST_SUMS), default=0)

    def _predictor(self, own: Array) -> Sql:
        head, *slopes = own.tolist()
        offset = [] if self.offset is None else [self.offset]
        return total([head, *(b * x for b, x in zip(slopes, self.columns, strict=True)), *offset])

    def _products(self, part: Sql, order: int) -> list[Sql]:
        """A derivative times each product of so many columns."""
        every = (sql_of(1.0), *self.columns)
        pairs = {(i, j): every[i] * every[j] for i, j in products(len(every), 2)} if order > 1 else {}
        heads = {one: part * every[one] for one in range(len(every))}
        match order:
            case 0:
                return [part]
            case 1:
                return [heads[i] for (i,) in products(len(every), 1)]
            case 2:
                return [heads[i] * every[j] for i, j in products(len(every), 2)]
            case 3:
                return [heads[i] * pairs[j, k] for i, j, k in products(len(every), 3)]
            case _:
                firsts = {pair: part * both for pair, both in pairs.items()}
                return [firsts[i, j] * pairs[k, m] for i, j, k, m in products(len(every), 4)]


def sums_of(table: Rows, sums: Sequence[Sql]) -> list[float]:
    """The sums of formulas over the rows of a table."""
    source, found = table.source, list[float]()
    for at in range(0, len(sums), AT_ONCE):
        some = sums[at : at + AT_ONCE]
        (row,) = source.fetch(sums_sql(some, source.select, table.where, source.fence))
        found += [np.nan if number is None else float(number) for number in row]
    return found


def log_likelihood(equation: Equation) -> Function:
    """The log likelihood of a row, by its response, trials and units."""
    taylor = equation.family.log_taylor[equation.link.name]

    def parts(given: Mapping[str, Any], eta: Any, order: int) -> list[Any]:
        terms = taylor(given["response"], eta, given["trials"], order)
        return [given["units"] * part for part in terms]

    return parts


def in_sql(equation: Equation) -> bool:
    """Whether a database can work out the log likelihood and the means of a regression."""
    return equation.link.name in equation.family.log_taylor and equation.link.taylor is not None


def likelihood_rows(model: Model, equation: Equation, table: Rows) -> TableRows:
    """The rows of a regression with their log likelihood."""
    source = table.source
    (response,) = variable_columns(source, model.variables[equation.response])
    given = {
        "response": TableColumn(response.sql),
        "trials": _number(source, equation.trials),
        "units": _number(source, equation.weights),
    }
    return rows_of(model, equation, table, given, log_likelihood(equation), offset=True)


def start_of(equation: Equation, rows: TableRows) -> Array:
    """Coefficients from which to look for the mode of a likelihood: those of the mean response."""
    units, trials, response = (sql_of(rows.given[name]) for name in ("units", "trials", "response"))
    exposed = units * trials if rows.offset is None else units * trials * np.exp(rows.offset)
    some, whole = sums_of(rows.table, [units * response, exposed])
    start = np.zeros(rows.turned.shape[1])
    start[: equation.cells or 1] = equation.link.of_mean(some / whole)
    return start


def rows_of(
    model: Model,
    equation: Equation,
    table: Rows,
    given: Mapping[str, Sql | float],
    of: Function,
    settings: Settings = NOTHING_SET,
    *,
    offset: bool = False,
) -> TableRows:
    """The rows of a regression in a database with what is summed over them, some variables being set."""
    source = table.source
    columns = term_columns(source, model, equation, settings)
    near = np.array([c.near for c in columns])
    sizes = [_size(model, term) for term in equation.terms for _ in range(stored_columns(term))]
    back = np.diag([1.0, *sizes])
    back[0, 1:] = near - np.array(centres(equation))
    free = design_map(equation)
    turned = back if free is None else back @ free[:-1, :-1]
    shown = tuple(
        TableColumn(f"{c.sql} - {c.near!r}" if size == 1.0 else f"({c.sql} - {c.near!r}) / {size!r}")
        for c, size in zip(columns, sizes, strict=True)
    )
    exposure = (
        Sql("ln({})", TableColumn(source.real(equation.offset))) if offset and equation.offset else None
    )
    return TableRows(table, shown, turned, exposure, given, of)


def _size(model: Model, term: Term) -> float:
    """What a term's columns are divided by: 1, unless products of them would leave the range of numbers."""
    if term.curve is not None:
        return 1.0
    sds = [model.variables[name].sd for name in term.factors if not model.variables[name].levels]
    size = math.prod(sd for sd in sds if sd)
    return 1.0 if 1 / EXTREME < size < EXTREME else 2.0 ** round(math.log2(size))


def _number(source: Source, what: str | int | None) -> Sql | float:
    """A column of numbers, or the same number (1 for None) of every row."""
    return TableColumn(source.real(what)) if isinstance(what, str) else float(1 if what is None else what)
