"""Factors of a likelihood: rows whose log density is one formula of a few linear predictors and a few
parameters of all rows.

With the design X_m of predictor m, and f_m, f_mn the derivatives of the rows' log densities,

    gradient = sum_m X_m' f_m,    Hessian = sum_mn X_m' diag(f_mn) X_n

(McCullagh and Nelder 1989, section 2.5, for one predictor). Values are for many points at once: points are
points x parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.numerics.arrays import Array, special
from dagreg.numerics.jets import Jet, variable

MAX_BLOCK_ROWS = 1_000
MIN_MERGED = 500  # rows of which equal ones are worth merging
Index = npt.NDArray[np.integer[Any]]
Formula = Callable[[Mapping[str, Array], Sequence[Any], Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A linear predictor: `design` (rows x coefficients) times the parameters at `places`, and `offset` (rows
    x 1).
    """

    design: Array
    places: Index
    offset: Array | None = None

    def at(self, values: Array, rows: slice) -> Array:
        """Rows x points."""
        eta = self.design[rows] @ values[:, self.places].T
        return eta if self.offset is None else eta + self.offset[rows]


@dataclass(frozen=True, slots=True)
class Factor:
    """Rows whose log density is `formula` of columns (rows x 1), predictors, and the parameters
    at `scalars`.
    """

    formula: Formula
    columns: Mapping[str, Array]
    predictors: tuple[Predictor, ...]
    scalars: tuple[int, ...]
    weights: Array

    def total(self, values: Array) -> Array:
        """The sum over rows at each point, rows and points in blocks."""
        scalars = [values[:, place][None, :] for place in self.scalars]
        total = np.zeros(len(values))
        for at in range(0, len(self.weights), MAX_BLOCK_ROWS):
            rows = slice(at, at + MAX_BLOCK_ROWS)
            columns = {name: numbers[rows] for name, numbers in self.columns.items()}
            density = self.formula(columns, [p.at(values, rows) for p in self.predictors], scalars)
            total += self.weights[rows] @ np.broadcast_to(density, (len(self.weights[rows]), len(values)))
        return total

    def each(self, values: Array) -> Array:
        """The log density of each row at each point, times its weight."""
        scalars, everything = [values[:, place][None, :] for place in self.scalars], slice(None)
        density = self.formula(self.columns, [p.at(values, everything) for p in self.predictors], scalars)
        return np.asarray(self.weights[:, None] * np.broadcast_to(density, (len(self.weights), len(values))))

    def slopes(self, values: Array) -> Array:
        """The gradient of each row's log density, times its weight, in the parameters (one point)."""
        jet, blocks = self._jet(values), self._blocks()
        slopes = np.zeros((len(self.weights), len(values)))
        if isinstance(jet, Jet):
            for i, slope in jet.first.items():
                design, places = blocks[i]
                slopes[:, places] += self._weighed(slope)[:, None] * design
        return slopes

    def add_derivatives(self, values: Array, gradient: Array, hessian: Array) -> None:
        """Adds those of the sum over rows in the parameters (one point), in place."""
        jet, blocks = self._jet(values), self._blocks()
        if not isinstance(jet, Jet):
            return
        for i, slope in jet.first.items():
            design, places = blocks[i]
            gradient[places] += design.T @ self._weighed(slope)
        for (i, j), bend in jet.second.items():
            (left, here), (right, there) = blocks[i], blocks[j]
            block = left.T @ (self._weighed(bend)[:, None] * right)
            hessian[np.ix_(here, there)] += block
            if i != j:
                hessian[np.ix_(there, here)] += block.T

    def _jet(self, values: Array) -> Any:
        """The log density of each row at one point, with its derivatives in predictors and scalars."""
        point, everything = values[None], slice(None)
        etas = [variable(p.at(point, everything), i) for i, p in enumerate(self.predictors)]
        scalars = [variable(point[:, [s]], len(etas) + i) for i, s in enumerate(self.scalars)]
        return self.formula(self.columns, etas, scalars)

    def _blocks(self) -> list[tuple[Array, Index]]:
        """What each of these is made of: a design and the places of its coefficients."""
        blocks = [(p.design, p.places) for p in self.predictors]
        return blocks + [(np.ones((len(self.weights), 1)), np.array([s])) for s in self.scalars]

    def picked(self, rows: Any) -> Factor:
        """These rows of it."""
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            predictors=tuple(
                replace(p, design=p.design[rows], offset=None if p.offset is None else p.offset[rows])
                for p in self.predictors
            ),
            weights=self.weights[rows],
        )

    def _weighed(self, derivative: Any) -> Array:
        """A derivative of every row, times its weight."""
        by_row = np.broadcast_to(derivative, (len(self.weights), 1))[:, 0]
        return np.where(self.weights > 0, by_row * self.weights, 0.0)


@dataclass(frozen=True, slots=True)
class Summed:
    """Rows whose levels are not all known: each counts with the sum of its densities over the levels that it
    may have (McLachlan and Krishnan 2008, section 1.5, for mixtures: a row's marginal density).

    The table has a cell for each of these. With p_c the share of a cell in its row's density, and g_c, H_c
    the derivatives of a cell's log density, those of the log of the sum are g = sum p_c g_c and
    sum p_c (H_c + g_c g_c') - g g' (Louis 1982).
    """

    parts: tuple[tuple[Index, Factor], ...]  # factors, each with the cells that its rows are
    places: Index  # rows x most: the cells of each row, padded with the number of cells
    cells: int

    def densities(self, values: Array) -> Array:
        """The log density of each cell at each point: rows x most x points, -inf beyond a row's cells."""
        each = np.zeros((self.cells + 1, len(values)))
        each[-1] = -np.inf
        for rows, factor in self.parts:
            each[rows] += factor.each(values)
        return np.asarray(each[self.places])

    def total(self, values: Array) -> Array:
        """The sum over rows at each point."""
        return np.asarray(special.logsumexp(self.densities(values), axis=1).sum(axis=0))

    def chances(self, values: Array) -> Array:
        """Points x rows x most: the probability of each cell of a row."""
        return np.moveaxis(special.softmax(self.densities(values), axis=1), -1, 0)

    def add_derivatives(self, values: Array, gradient: Array, hessian: Array) -> None:
        """Adds those of the sum over rows in the parameters (one point), in place."""
        shares = special.softmax(self.densities(values[None])[..., 0], axis=1)
        of_cells = np.zeros(self.cells + 1)
        of_cells[self.places] = shares
        slopes = np.zeros((self.cells + 1, len(values)))
        for rows, factor in self.parts:
            own = replace(factor, weights=of_cells[rows] * factor.weights)
            own.add_derivatives(values, gradient, hessian)
            slopes[rows] += factor.slopes(values)
        there = slopes[self.places]
        mean = np.einsum("rc,rcp->rp", shares, there)
        apart = (there - mean[:, None]) * np.sqrt(shares)[..., None]
        flat = apart.reshape(-1, len(values))
        hessian += flat.T @ flat


def merged(factor: Factor, fewest: float = MIN_MERGED) -> Factor:
    """The factor with equal rows as one of their joint weight, where fewer than half of them are distinct.

    Equal rows are told by a random combination of their numbers, and that they are is checked.
    """
    parts = [*factor.columns.values(), *(p.design for p in factor.predictors)]
    parts += [p.offset for p in factor.predictors if p.offset is not None]
    if len(factor.weights) < fewest:
        return factor
    table = np.hstack(parts)
    mark = table @ np.random.default_rng(0).uniform(1, 2, table.shape[1])
    _, first, which = np.unique(mark, return_index=True, return_inverse=True)
    if 2 * len(first) > len(mark) or not np.array_equal(table[first[which]], table):
        return factor
    return replace(factor.picked(first), weights=np.bincount(which, factor.weights, len(first)))
