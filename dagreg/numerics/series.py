"""Sums over many rows of a function of a linear predictor, as a Taylor series in its coefficients.

**Theorem.** Let row i have the design x_i, the predictor eta_i = x_i' b + o_i and a smooth function f_i of
it. With T_k = sum_i f_i^(k)(x_i' c + o_i) x_i^(k), the k-th power being the outer one,

    sum_i f_i(x_i' b + o_i) = sum_k <T_k, (b - c)^(k)> / k! + R,
    |R| <= sum_i M_i |x_i' (b - c)|^(K+1) / (K+1)!

where the sum runs to k = K and M_i bounds the next derivative of f_i (Taylor, with Lagrange's remainder).
The b of a posterior of n rows lie within O(n^-1/2) of its mode, so that the k-th summand of its log density
is of the order n^(1 - k/2): of a million rows the fourth is about a millionth. One pass over the rows makes
the sums T_k; then points cost nothing. The remainder is not bounded but measured, at points where it is
largest: along a ray from c it grows as the power K+1.

To order 2 the sums are the height, the gradient and the curvature that Newton's method takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any, Protocol

import numpy as np

from dagreg.numerics.arrays import Array

LEAST_ORDER = 3  # the first beyond a Normal's
WIDEST = 20  # coefficients up to which the fourth order is cheaper than the points that it saves
POINTS = 512  # at once
REMAINDER_POINTS = 10  # that the remainder is measured at, half of them the farthest


@dataclass(frozen=True, slots=True)
class Series:
    """The sums T_0, T_1, ... at `centre`; T_k has k axes of as many coefficients."""

    centre: Array
    sums: tuple[Array, ...]

    @property
    def order(self) -> int:
        return len(self.sums) - 1

    def __call__(self, points: Array) -> Array:
        """The polynomial at each of points x coefficients."""
        parts = [self._of(points[at : at + POINTS] - self.centre) for at in range(0, len(points), POINTS)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _of(self, apart: Array) -> Array:
        size = len(self.centre)
        total = np.full(len(apart), float(self.sums[0]))
        if self.order >= 1:
            total = total + apart @ self.sums[1]
        if self.order >= 2:
            squares = (apart[:, :, None] * apart[:, None, :]).reshape(len(apart), size**2)
            total = total + squares @ self.sums[2].ravel() / 2
        for k in range(3, self.order + 1):
            left, right = (squares, apart) if k == 3 else (squares, squares)
            total = total + ((left @ self.sums[k].reshape(size**2, -1)) * right).sum(axis=1) / math.factorial(
                k
            )
        return np.asarray(total)

    def turned(self, matrix: Array, centre: Array) -> Series:
        """In coefficients of other columns, each of them these columns times one of the matrix's."""
        sums = []
        for k, tensor in enumerate(self.sums):
            moved = tensor
            for _ in range(k):
                moved = np.tensordot(moved, matrix, axes=(0, 0))  # the axis that is done goes last
            sums.append(moved)
        return Series(centre, tuple(sums))


class RowSums(Protocol):
    """Rows that answer for sums of a function of their predictor, wherever they are."""

    def series(self, point: Array, order: int) -> Series:
        """The sums up to this order at a point."""
        ...

    def totals(self, points: Array) -> Array:
        """The sum itself at each of points x coefficients."""
        ...

    def highest(self, size: int) -> int:
        """The highest order that is worth its work for so many coefficients; less than 2 for none."""
        ...


Function = Callable[[Mapping[str, Any], Any, int], Sequence[Any]]
"""Of what is given of each row besides its predictor, of the predictors, and an order: the value and the
derivatives in the predictor, as many as the order says. Of arrays each is rows x points.
"""


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """Rows in memory: their design (rows x coefficients), offsets (rows x 1), and what is summed over them.

    What is given of the rows is rows x 1, or a number for all of them.
    """

    columns: Array
    offset: Array | None
    given: Mapping[str, Array | float]
    of: Function

    def highest(self, size: int) -> int:
        return 4 if size <= WIDEST else LEAST_ORDER

    @property
    def block(self) -> int:
        """Rows at once: their pairs of columns stay in a core's cache."""
        return max(256, 2**18 // (1 + int(self.columns.shape[1]) ** 2))

    def series(self, point: Array, order: int) -> Series:
        size = len(point)
        left, right = np.triu_indices(size)
        total, gradient, curvature = 0.0, np.zeros(size), np.zeros((size, size))
        third, fourth = np.zeros((len(left), size)), np.zeros((len(left), len(left)))
        for at in range(0, len(self.columns), self.block):
            rows = slice(at, at + self.block)
            x = self.columns[rows]
            parts = [part[:, 0] for part in self._parts(rows, point[None], order)]
            total += float(parts[0].sum())
            if order >= 1:
                gradient += parts[1] @ x
            if order >= 2:
                curvature += (x * parts[2][:, None]).T @ x
            if order >= 3:
                pairs = x[:, left] * x[:, right]
                third += pairs.T @ (x * parts[3][:, None])
            if order >= 4:
                fourth += pairs.T @ (pairs * parts[4][:, None])
        where = np.zeros((size, size), dtype=np.int64)
        where[left, right] = where[right, left] = np.arange(len(left))
        sums: list[Array] = [np.asarray(total), gradient, curvature]
        if order >= 3:
            sums.append(third[where.ravel()].reshape((size,) * 3))
        if order >= 4:
            sums.append(fourth[np.ix_(where.ravel(), where.ravel())].reshape((size,) * 4))
        return Series(point, tuple(sums[: order + 1]))

    def totals(self, points: Array) -> Array:
        total = np.zeros(len(points))
        block = max(256, 2**16 // max(len(points), 1))
        for at in range(0, len(self.columns), block):
            rows = slice(at, at + block)
            total += self._parts(rows, points, 0)[0].sum(axis=0)
        return total

    def _parts(self, rows: slice, points: Array, order: int) -> list[Array]:
        eta = self.columns[rows] @ points.T
        if self.offset is not None:
            eta = eta + self.offset[rows]
        here = {name: v[rows] if isinstance(v, np.ndarray) else v for name, v in self.given.items()}
        return [np.broadcast_to(part, eta.shape) for part in self.of(here, eta, order)]


def products(size: int, order: int) -> list[tuple[int, ...]]:
    """The places of the products of `order` columns, each once."""
    return list(combinations_with_replacement(range(size), order))


def unpacked(size: int, numbers: Sequence[float], order: int) -> tuple[Array, ...]:
    """T_0 to T_order from the sums of each product once, in the order of `products`."""
    found: list[Array] = []
    at = 0
    for k in range(order + 1):
        every = products(size, k)
        place = {one: i for i, one in enumerate(every)}
        own = np.array(numbers[at : at + len(every)], dtype=np.float64)
        at += len(every)
        cells = product(range(size), repeat=k)
        found.append(own[[place[tuple(sorted(cell))] for cell in cells]].reshape((size,) * k))
    return tuple(found)


def told(size: int, order: int) -> int:
    """How many sums a series has, each product once."""
    return sum(math.comb(size + k - 1, k) for k in range(order + 1))


def farthest(points: Array, centre: Array, root: Array, rng: np.random.Generator) -> Array:
    """The points that a remainder is measured at: the farthest in the coordinates of `root`, and others."""
    far = np.square(np.linalg.solve(root, (points - centre).T)).sum(axis=0)
    half = REMAINDER_POINTS // 2
    outer = np.argsort(far, kind="stable")[-half:]
    inner = rng.choice(len(points), half)
    return np.asarray(points[np.concatenate([outer, inner])])
