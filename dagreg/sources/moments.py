"""Sums and cross-products of groups of rows, as the database has answered them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.numerics.arrays import Array
from dagreg.sources.sql import Column

GROUPS = 60  # of rows that checks leave out in turn


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
        near = np.array([self.columns[i].near for i in at])
        return units, near + sums / units, products - np.outer(sums, sums) / units

    def only(self, kept: Sequence[int]) -> Moments | None:
        """Those of the columns at these places; None for none."""
        columns = tuple(self.columns[i] for i in kept)
        index = {c.sql: i for i, c in enumerate(columns)}
        products = self.products[:, kept][:, :, kept]
        return Moments(columns, index, self.units, self.sums[:, kept], products) if columns else None

    def hold(self, columns: Iterable[Column], groups: int) -> bool:
        """Whether they answer for these columns, in as many groups of rows."""
        return groups <= len(self.units) and all(c.sql in self.index for c in columns)


def unpacked(rows: Sequence[Sequence[Any]], columns: tuple[Column, ...]) -> Moments:
    """What `moments_sql` answers, as arrays; its extremes are left out."""
    width = len(columns)
    last = 2 + width + width * (width + 1) // 2
    table = np.array([row[1:last] for row in rows], dtype=np.float64)
    products = np.zeros((len(rows), width, width))
    upper = np.triu_indices(width)
    products[:, upper[0], upper[1]] = products[:, upper[1], upper[0]] = table[:, 1 + width :]
    index = {c.sql: i for i, c in enumerate(columns)}
    return Moments(columns, index, table[:, 0], table[:, 1 : 1 + width], products)
