"""The rows of a fit: column arrays read at the first touch, and answers that need no row in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from dagreg.binding.columns import Columns
from dagreg.binding.counted import Counted
from dagreg.binding.memory import of_rows, room
from dagreg.binding.sql import regression_columns, term_columns, variable_columns
from dagreg.model.design import design_map, regression_rows, stored_columns
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.terms import Term
from dagreg.model.triangle import from_moments, of_regression, triangle
from dagreg.numerics.arrays import Array
from dagreg.sources.moments import GROUPS, Moments, unpacked
from dagreg.sources.source import Source, Values
from dagreg.sources.sql import Column, grouped_sql, moments_sql, parts_sql
from dagreg.sources.types import Grouping, Sum

COUNTED_FROM = 20_000  # rows from which equal ones are counted, so that effects and refits work on each once
MAX_DISTINCT = 20_000  # rows that are worth counting: times `GROUPS`, they still fit in an array
SAMPLE = 50_000  # rows that checks look at instead of all of a large table
MAX_IN_MEMORY = 200_000  # rows up to which a QR of the arrays is as fast as cross-products in SQL


class Rows(Columns):
    """The rows of a source where a condition holds: a mapping of column names to arrays, and what passes ask.

    The arrays are read together, when one of them is first asked for. `known` are moments of these rows that
    a scan has told already.
    """

    def __init__(
        self,
        source: Source,
        columns: Sequence[str],
        where: str,
        summary: DataSummary,
        known: Moments | None = None,
    ) -> None:
        self.source, self.columns, self.where, self.summary = source, tuple(columns), where, summary
        self.token = uuid4().hex  # no other fit's rows have it
        self._arrays: dict[str, npt.NDArray[Any]] | None = None
        self._known = [known] if known is not None else []
        self._grouped: dict[Grouping, dict[str, npt.NDArray[Any]]] = {}
        self._samples: dict[str, np.ma.MaskedArray[Any, Any]] = {}

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
        return self.count > MAX_IN_MEMORY

    @property
    def in_database(self) -> Rows | None:
        return self if self.large else None

    @property
    def in_place(self) -> Rows | None:
        if not self.large:
            return None
        limit = room()
        too_many = limit is not None and of_rows(self.count, len(self.columns) + 1) > limit
        return self if self.source.elsewhere or too_many else None

    def distinct(self, columns: Sequence[str]) -> int:
        """Distinct combinations of these columns; an estimate of that or less where a single column has very
        many.
        """
        alone = max((self.summary.columns[c].distinct for c in columns), default=1)
        if alone > self.count // 2:
            return alone
        unlisted = [c for c in columns if not self.summary.columns[c].levels]
        if self.large and unlisted and self.source.estimates:
            least = self.source.about(unlisted, self.where)
            if least > self.count // 2:
                return least
        return self.source.distinct(columns, self.where)

    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        """At most so many rows of the source at random; of a large table always out of the same `SAMPLE`.

        Rows outside the condition may be among them.
        """
        if not self.large:
            return self.source.sample(columns, most, seed)
        if not set(columns) <= set(self._samples):
            every = tuple(dict.fromkeys((*self._samples, *self.columns, *columns)))
            self._samples = self.source.sample(every, SAMPLE, seed)
        some = {c: self._samples[c] for c in columns}
        count = len(next(iter(some.values()))) if some else 0
        if count <= most:
            return some
        kept = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
        return {c: values[kept] for c, values in some.items()}

    def grouped(self, grouping: Grouping) -> dict[str, npt.NDArray[Any]]:
        """The columns of a grouped table, its rows in the order of their keys."""
        if grouping not in self._grouped:
            keys: dict[str, Values] = {c: self.source.values(c) for c in grouping.keys}
            sums: dict[str, Values] = {s.name: "float64" for s in grouping.sums}
            columns = self.source.read(self.grouped_query(grouping, self.source.select), keys | sums)
            self._grouped[grouping] = {name: np.ma.getdata(values) for name, values in columns.items()}
        return self._grouped[grouping]

    def grouped_query(self, grouping: Grouping, select: str) -> str:
        """The SQL of a grouped table over the relation `select`."""
        return grouped_sql(self.source, grouping, select, self.where)

    def script_query(self, grouping: Grouping | None) -> str | None:
        """The SQL that reads these columns, or a grouped table, in a program of its own; None
        where none can.
        """
        source = self.source
        if not source.script:
            return None
        if grouping is None:
            return source.scripted(source.query(self.columns, self.where, source.script))
        return source.scripted(self.grouped_query(grouping, source.script))

    def counted(self, models: Sequence[Model]) -> Counted | None:
        """The distinct rows that these models read, where a table has few of them and they are needed."""
        columns = tuple(dict.fromkeys(c for m in models for c in m.columns))
        if (
            self.count <= COUNTED_FROM
            or not columns
            or all(_has_moments(e) for m in models for e in m.equations)
        ):
            return None
        if any(
            not m.complete or m.estimand.doses is not None or any(e.dropped for e in m.equations)
            for m in models
        ):
            return None
        if self.distinct(columns) > min(MAX_DISTINCT, self.count // 10):
            return None
        name = max(columns, key=len) + "_"  # longer than any of them
        table = self.grouped(Grouping(columns, (Sum(name, ()),)))
        counts = table.pop(name)
        return Counted(table, counts, lambda: self._parts(columns, len(counts)))

    def _parts(self, columns: Sequence[str], distinct: int) -> Array:
        counts = np.zeros((distinct, GROUPS))
        answer = self.source.fetch(parts_sql(self.source, columns, GROUPS, self.where))
        place, part, count = np.array(answer, dtype=np.int64).T
        counts[place, part] = count
        return counts

    def triangle(self, model: Model, equation: Equation) -> tuple[float, Array]:
        """The units of a Gaussian regression, and the triangle of its rows [design, response].

        From cross-products about the mean where there are many rows; by Householder reflections where
        there are few, or where the cross-products have lost the digits.
        """
        units_and_triangle = self.triangle_without(model, equation, None)
        if units_and_triangle is not None:
            return units_and_triangle
        rows, weights = regression_rows(model, equation, self)
        reduced = of_regression(rows, weights, intercept=equation.has_intercept, levels=equation.cells)
        return float(weights.sum()), reduced

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

    def triangle_without(
        self, model: Model, equation: Equation, group: int | None
    ) -> tuple[float, Array] | None:
        """The same from cross-products, leaving out one of `GROUPS` groups of rows; None where they do not
        serve.
        """
        if not self.large or not _has_moments(equation):
            return None
        columns = regression_columns(self.source, model, equation)
        return self._triangle(columns, [*centres(equation), 0.0], design_map(equation), group)

    def design_triangle(self, model: Model, equation: Equation) -> Array | None:
        """That of a regression's design alone, from cross-products about the mean; None where they do not
        serve.
        """
        if not self.large or equation.varying or not equation.terms:
            return None
        columns, turned = term_columns(self.source, model, equation), design_map(equation)
        found = self._triangle(columns, centres(equation), None if turned is None else turned[:-1, :-1], None)
        return None if found is None else found[1]

    def _triangle(
        self, columns: Sequence[Column], centre: Sequence[float], turned: Array | None, group: int | None
    ) -> tuple[float, Array] | None:
        """Of rows [1, columns less their centres], which a matrix may turn into others."""
        moments = self._moments(columns, 1 if group is None else GROUPS)
        units, means, products = moments.about_the_mean(columns, group)
        upper = from_moments(units, means - np.array(centre), products)
        if upper is None or turned is None:
            return None if upper is None else (units, upper)
        return units, triangle(upper @ turned)

    def means(self, variables: Iterable[Variable], group: int | None = None) -> dict[str, Array]:
        """The mean of each design column, as one row for each variable."""
        means = {}
        for variable in variables:
            columns = variable_columns(self.source, variable)
            moments = self._moments(columns, 1 if group is None else GROUPS)
            means[variable.name] = moments.about_the_mean(columns, group)[1][None, :]
        return means

    def _moments(self, columns: Sequence[Column], groups: int) -> Moments:
        """Moments that hold these columns, from an earlier scan if there was one."""
        for known in self._known:
            if known.hold(columns, groups):
                return known
        wanted = tuple({c.sql: c for c in columns}.values())
        moments = unpacked(self.source.fetch(moments_sql(self.source, wanted, groups, self.where)), wanted)
        self._known.append(moments)
        return moments


def centres(equation: Equation) -> list[float]:
    """What is subtracted from the columns of a regression in the database."""
    return [c for t in equation.terms for c in _centre(t)]


def _centre(term: Term) -> tuple[float, ...]:
    """What is subtracted from a term's columns in the database.

    Slopes by level are centred there, curves later.
    """
    if term.centre is None or term.curve is not None or term.numbers:
        return (0.0,) * stored_columns(term)
    return term.centre


def _has_moments(equation: Equation) -> bool:
    exact = equation.error is None and equation.censoring is None
    plain = exact and equation.dropped == 0 and len(equation.varying) == 0
    linear = equation.family.normal and equation.link.name == "identity"
    return plain and linear and equation.weights is None
