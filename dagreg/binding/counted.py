"""Distinct rows with their counts, in place of a large table whose rows repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.columns import Columns, as_columns
from dagreg.numerics.arrays import Array


class Counted(Columns):
    """Columns of distinct rows, and how many rows of the table are equal to each.

    Sums over the table's rows are sums over these, weighted by `counts`: nothing is approximated.
    """

    def __init__(
        self, table: Mapping[str, npt.NDArray[Any]], counts: Array, parts: Callable[[], Array]
    ) -> None:
        self.table, self.counts, self._parts = dict(table), counts, parts

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return self.table[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def count(self) -> int:
        """Rows of the table."""
        return int(self.counts.sum())

    def row_counts(self, rows: int) -> Array:
        return self.counts

    @cached_property
    def parts(self) -> Array:
        """Of the rows equal to each, how many lie in each group of rows: distinct rows x groups."""
        return self._parts()


def counts_of(data: Mapping[str, Any], rows: int) -> Array:
    """How many rows of the table each row of `data` stands for: 1, unless they have been counted."""
    return as_columns(data).row_counts(rows)


def are_cells(columns: Sequence[npt.NDArray[Any]]) -> bool:
    """Whether rows with trials are the cells of a table of counts, each of as many units, and no clusters of
    them.

    Cells differ in what they are told apart by, and there are few values of each: of a number at most half as
    many as there are rows. Clusters (litters, herds) share values, or have each their own.
    """
    codes = [np.unique(values, return_inverse=True)[1].ravel() for values in columns]
    rows = len(codes[0]) if codes else 0
    if rows < 2 or any(int(c.max()) + 1 > rows / 2 for c in codes):
        return False
    return len(np.unique(np.column_stack(codes), axis=0)) == rows
