"""Columns of rows, whatever holds them: a database, arrays, or arrays of distinct rows with their counts.

Checks and effects ask these few questions in place of what kind of table they have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dagreg.numerics.arrays import Array

if TYPE_CHECKING:
    from dagreg.binding.rows import Rows


class Columns(Mapping[str, npt.NDArray[Any]]):
    """Column name -> values of every row."""

    @property
    def count(self) -> int:
        """Rows of the table that these stand for."""
        return len(next(iter(self.values()), ()))

    @property
    def in_database(self) -> Rows | None:
        """The rows, if there are so many that the database should answer rather than arrays; else None."""
        return None

    @property
    def in_place(self) -> Rows | None:
        """The rows, if they had better stay where they are, and sums over them be asked for; else None."""
        return None

    @property
    def parts(self) -> Array | None:
        """Of the rows equal to each distinct one, how many lie in each group of rows; None if rows are not
        counted.
        """
        return None

    def row_counts(self, rows: int) -> Array:
        """How many rows of the table each of these (so many) stands for: 1, unless they are counted."""
        return np.ones(rows)


class InMemory(Columns):
    """Arrays of the caller's own."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return np.asarray(self._arrays[column])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def as_columns(data: Mapping[str, Any]) -> Columns:
    """The table itself, or plain arrays as one."""
    return data if isinstance(data, Columns) else InMemory(data)
