"""The rows of a fit: column arrays read at the first touch, and answers that need no row in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.data.source import Source, Values
from dagreg.data.sql import Column, grouped_sql, moments_sql, regression_columns, variable_columns
from dagreg.model.design import design_map, regression_rows
from dagreg.model.families import Array
from dagreg.model.triangle import from_moments, triangle
from dagreg.model.types import DataSummary, Equation, Model, Term, Variable
from dagreg.optimise.types import Grouping

IN_MEMORY = 200_000  # rows up to which a QR of the arrays is as fast as cross-products in SQL
GROUPS = 60  # of rows that checks leave out in turn


class Rows(Mapping[str, npt.NDArray[Any]]):
    """The rows of a source where a condition holds: a mapping of column names to arrays, and what passes ask.

    The arrays are read together, when one of them is first asked for.
    """

    def __init__(self, source: Source, columns: Sequence[str], where: str, summary: DataSummary) -> None:
        self.source, self.columns, self.where, self.summary = source, tuple(columns), where, summary
        self._arrays: dict[str, npt.NDArray[Any]] | None = None
        self._known: Moments | None = None
        self._grouped: dict[Grouping, dict[str, npt.NDArray[Any]]] = {}

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        if self._arrays is None:
            self._arrays = self.source.arrays(self.columns, self.where, gaps=True)
        return self._arrays[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def count(self) -> int:
        """Rows used."""
        return self.summary.rows

    @property
    def large(self) -> bool:
        """Whether the database should answer rather than arrays."""
        return self.count > IN_MEMORY

    def distinct(self, columns: Sequence[str]) -> int:
        """Distinct combinations of these columns; at least that many where a single column has very many."""
        alone = max((self.summary.columns[c].distinct for c in columns), default=1)
        if alone > self.count // 2:
            return alone
        return self.source.distinct(columns, self.where)

    def grouped(self, grouping: Grouping) -> dict[str, npt.NDArray[Any]]:
        """The columns of a grouped table, its rows in the order of their keys."""
        if grouping not in self._grouped:
            keys: dict[str, Values] = {c: self.source.values(c) for c in grouping.keys}
            sums: dict[str, Values] = {s.name: "float64" for s in grouping.sums}
            found = self.source.read(self.grouped_query(grouping, self.source.select), keys | sums)
            self._grouped[grouping] = {name: np.ma.getdata(values) for name, values in found.items()}
        return self._grouped[grouping]

    def grouped_query(self, grouping: Grouping, select: str) -> str:
        """The SQL of a grouped table over the relation `select`."""
        return grouped_sql(self.source, grouping, select, self.where)

    def script_query(self, grouping: Grouping | None) -> str | None:
        """The SQL that reads these columns, or a grouped table, in a program of its own; None where none can."""
        source = self.source
        if not source.script:
            return None
        if grouping is None:
            return source.scripted(source.query(self.columns, self.where, source.script))
        return source.scripted(self.grouped_query(grouping, source.script))

    def triangle(self, model: Model, equation: Equation) -> tuple[float, Array]:
        """The units of a Gaussian regression, and the triangle of its rows [design, response].

        From cross-products about the mean where there are many rows; by Householder reflections where
        there are few, or where the cross-products have lost the digits.
        """
        found = self.triangle_without(model, equation, None)
        if found is not None:
            return found
        rows, weights = regression_rows(model, equation, self)
        rows *= np.sqrt(weights)[:, None]
        return float(weights.sum()), triangle(rows)

    def prepare(self, models: Iterable[Model]) -> None:
        """Asks for the cross-products of all Gaussian regressions of these models in one scan."""
        if not self.large:
            return
        wanted: list[Column] = []
        several = False
        for model in models:
            several = several or len(model.equations) > 1
            for equation in model.equations:
                if _has_moments(equation):
                    wanted += regression_columns(self.source, model, equation)
        if wanted:
            self._moments(wanted, GROUPS if several else 1)

    def triangle_without(self, model: Model, equation: Equation, group: int | None) -> tuple[float, Array] | None:
        """The same from cross-products, leaving out one of `GROUPS` groups of rows; None where they do not serve."""
        if not self.large or not _has_moments(equation):
            return None
        columns = regression_columns(self.source, model, equation)
        moments = self._moments(columns, 1 if group is None else GROUPS)
        units, means, products = moments.about_the_mean(columns, group)
        turned = design_map(equation)
        centres = [c for t in equation.terms for c in _centre(t)]
        found = from_moments(units, means - np.array([*centres, 0.0]), products)
        if found is None or turned is None:
            return None if found is None else (units, found)
        return units, triangle(found @ turned)

    def means(self, variables: Iterable[Variable], group: int | None = None) -> dict[str, Array]:
        """The mean of each design column, as one row for each variable."""
        found = {}
        for variable in variables:
            columns = variable_columns(self.source, variable)
            moments = self._moments(columns, 1 if group is None else GROUPS)
            found[variable.name] = moments.about_the_mean(columns, group)[1][None, :]
        return found

    def _moments(self, columns: Sequence[Column], groups: int) -> Moments:
        """Moments that hold these columns, asked for together with those already known."""
        known = self._known
        if known is None or groups > len(known.units) or any(c.sql not in known.index for c in columns):
            every = {c.sql: c for c in (*(known.columns if known else ()), *columns)}
            groups = max(groups, len(known.units) if known else 1)
            wanted = tuple(every.values())
            found = self.source.fetch(moments_sql(self.source, wanted, groups, self.where))
            known = self._known = unpacked(found, wanted)
        return known


def _centre(term: Term) -> tuple[float, ...]:
    """What is subtracted from a term's columns in the database; curves are centred later, by `design_map`."""
    if term.centre is None or term.curve is not None:
        return (0.0,) * (len(term.columns) - term.full)
    return term.centre


def _has_moments(equation: Equation) -> bool:
    exact = equation.error is None and equation.scaled_by is None and equation.censored is None
    plain = exact and equation.dropped == 0 and len(equation.varying) == 0
    linear = equation.family.name == "gaussian" and equation.link.name == "identity"
    return plain and linear and equation.weights is None


@dataclass(frozen=True, slots=True)
class Moments:
    """Of each group of rows: its number, and sums and cross-products of columns less what these are near."""

    columns: tuple[Column, ...]
    index: Mapping[str, int]
    units: Array  # groups
    sums: Array  # groups x columns
    products: Array  # groups x columns x columns

    def about_the_mean(self, columns: Sequence[Column], without: int | None) -> tuple[float, Array, Array]:
        """Units, means and cross-products about them of some columns, one group left out if asked."""
        at = np.array([self.index[c.sql] for c in columns])
        kept = np.arange(len(self.units)) != (-1 if without is None else without)
        units, sums = float(self.units[kept].sum()), self.sums[kept].sum(axis=0)[at]
        products = self.products[kept].sum(axis=0)[np.ix_(at, at)]
        near = np.array([c.near for c in columns])
        return units, near + sums / units, products - np.outer(sums, sums) / units


def unpacked(rows: Sequence[Sequence[Any]], columns: tuple[Column, ...]) -> Moments:
    """What `moments_sql` answers, as arrays."""
    width = len(columns)
    table = np.array([row[1:] for row in rows], dtype=np.float64)
    products = np.zeros((len(rows), width, width))
    upper = np.triu_indices(width)
    products[:, upper[0], upper[1]] = products[:, upper[1], upper[0]] = table[:, 1 + width :]
    index = {c.sql: i for i, c in enumerate(columns)}
    return Moments(columns, index, table[:, 0], table[:, 1 : 1 + width], products)
