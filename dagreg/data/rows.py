"""The rows of a fit: column arrays read at the first touch, and answers that need no row in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.data.duck import DuckSource, identifier
from dagreg.data.sql import grouped_sql, moments_sql, unpacked
from dagreg.model.design import regression_rows
from dagreg.model.families import Array
from dagreg.model.triangle import from_moments, triangle
from dagreg.model.types import DataSummary, Equation, Model
from dagreg.optimise.types import Grouping

IN_MEMORY = 200_000  # rows up to which a QR of the arrays is as fast as cross-products in SQL


class Rows(Mapping[str, npt.NDArray[Any]]):
    """The rows of a source where a condition holds: a mapping of column names to arrays, and what passes ask.

    The arrays are read together, when one of them is first asked for.
    """

    def __init__(self, source: DuckSource, columns: Sequence[str], where: str, summary: DataSummary) -> None:
        self.source, self.columns, self.where, self.summary = source, tuple(columns), where, summary
        self._arrays: dict[str, npt.NDArray[Any]] | None = None

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        if self._arrays is None:
            self._arrays = self.source.arrays(self.columns, self.where)
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
        named = ", ".join(map(identifier, columns)) or "1"
        found = self.source.connection.sql(
            f"SELECT count(*) FROM (SELECT DISTINCT {named} FROM {self.source.select} WHERE {self.where})"
        )
        return int(found.fetchall()[0][0])

    def grouped(self, grouping: Grouping) -> dict[str, npt.NDArray[Any]]:
        """The columns of a grouped table, its rows in the order of their keys."""
        found = self.source.connection.sql(self.grouped_query(grouping, self.source.select)).fetchnumpy()
        return {name: np.ma.getdata(values) for name, values in found.items()}

    def grouped_query(self, grouping: Grouping, select: str) -> str:
        """The SQL of a grouped table over the relation `select`."""
        return grouped_sql(self.source, grouping, select, self.where)

    def script_query(self, grouping: Grouping | None) -> str | None:
        """The SQL that reads these columns, or a grouped table, in a program of its own; None where none can."""
        if grouping is None or not self.source.script:
            return self.source.script_query(self.columns, self.where)
        return self.source.before + self.grouped_query(grouping, self.source.script)

    def triangle(self, model: Model, equation: Equation) -> tuple[float, Array]:
        """The units of a Gaussian regression, and the triangle of its rows [1, design, response].

        From cross-products about the mean where there are many rows; by Householder reflections where
        there are few, or where the cross-products have lost the digits.
        """
        if self.large:
            units, means, products = self._moments(model, equation)
            found = from_moments(units, means, products)
            if found is not None:
                return units, found
        rows, weights = regression_rows(model, equation, self)
        return float(weights.sum()), triangle(rows * np.sqrt(weights)[:, None])

    def _moments(self, model: Model, equation: Equation) -> tuple[float, Array, Array]:
        sql, width = moments_sql(self.source, model, equation, self.where)
        return unpacked(self.source.connection.sql(sql).fetchall()[0], width)
