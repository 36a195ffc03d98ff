"""The likelihood of a regression with one group, its levels' deviations integrated out by quadrature.

Given the parameters of all rows and the covariance L L' of a level's deviations u = L v, levels are
independent:

    p(y_g) = integral of exp(h(v)) (2 pi)^(-q/2) dv,    h(v) = sum_i log p(y_i | eta_i + z_i' L v) - |v|^2 / 2

Adaptive Gauss-Hermite quadrature puts the product rule's nodes x at v* + C'^-1 x, where v* is the maximum of
h and C C' its curvature there (Pinheiro and Chao 2006, section 2; Rabe-Hesketh, Skrondal and Pickles 2005,
section 2). With one node this is Laplace's method. In v nothing is singular where an sd is 0. Levels without
rows add nothing.

Arrays are levels x points (x nodes), and rows x points within a level's sums; deviations have q in front.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.engines.density import level_column, own_column
from dagreg.engines.factors import Factor
from dagreg.numerics.arrays import Array
from dagreg.numerics.jets import Jet, variable

BLOCK = 2**17  # numbers of rows x points x nodes at once: they stay in a core's cache
ALONE = 2**20  # of all numbers, up to which threads are not worth starting
NEWTON_STEPS = 200  # counts far below their rates take one for each unit of the predictor
ENOUGH = 0.1  # of the rise that the slope says, for a step to be taken
ROUNDING = 1e-12  # of a height
CLOSE = 0.1  # to the maximum of h before the last step, in sds: quadrature needs no more
Levels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a factor, sorted by level. `own` are the columns whose coefficients vary, rows x q."""

    factor: Factor
    own: Array
    level: Levels
    starts: Levels  # where the levels in `there` start
    there: Levels
    sign: float  # -1 where the predictor is a cutpoint less the linear part

    def weighed(self, by_row: Array) -> Array:
        """Rows x points times their weights."""
        return times(self.factor.weights, by_row)

    def summed(self, by_row: Array, levels: int) -> Array:
        """Sums of weighted rows by level, levels x anything."""
        sums = np.add.reduceat(by_row, self.starts, axis=0)
        if len(self.there) == levels:
            return np.asarray(sums)
        whole = np.zeros((levels, *sums.shape[1:]))
        whole[self.there] = sums
        return whole

    def shift(self, deviations: Array) -> Array:
        """What deviations u (q x levels x points) add to the predictor, rows x points."""
        total: Array | None = None
        for own, deviation in zip(self.own.T, deviations, strict=True):
            part = deviation.take(self.level, axis=0)
            if not (own == self.sign).all():
                part *= (self.sign * own)[:, None]
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return total


@dataclass(frozen=True, slots=True)
class Given:
    """Rows at points: predictors without deviations, by factor; the parameters of families; and L."""

    predictors: tuple[tuple[Array, ...], ...]  # rows x points each
    scalars: tuple[tuple[Array, ...], ...]  # 1 x points each
    root: Array  # q x q x points

    @property
    def points(self) -> int:
        return int(self.root.shape[2])

    def part(self, which: Any) -> Given:
        """Some of the points."""
        return Given(
            tuple(tuple(p[:, which] for p in each) for each in self.predictors),
            tuple(tuple(s[:, which] for s in each) for each in self.scalars),
            self.root[..., which],
        )


@dataclass(frozen=True, slots=True)
class Near:
    """The rows' log likelihood as quadratic in their predictors, from its derivatives at one point.

    `bend`: its curvature in u (q x q x levels x 1); `pull`: that times u plus the slope; `by_row`: by factor
    the curvature of each row, and its predictor without deviations (rows x 1 each).
    """

    bend: Array
    pull: Array  # q x levels x 1
    by_row: tuple[tuple[Array, Array], ...]


@dataclass(frozen=True, slots=True)
class Peak:
    """By level and point: the maximum of h, v* (q x levels x points), and C (q x q x levels x points)."""

    place: Array
    root: Array

    def part(self, which: slice) -> Peak:
        """Of some of the points."""
        return Peak(self.place[..., which], self.root[..., which])

    def at(self, standard: Array) -> Array:
        """v* + C'^-1 x of each x (q x levels x points x nodes)."""
        return self.place[..., None] + solved_upper(self.root[..., None], standard)

    @property
    def log_scale(self) -> Array:
        """- log |C|."""
        return -np.asarray(sum(np.log(self.root[i, i]) for i in range(len(self.root))))


@dataclass(frozen=True, slots=True)
class Marginal:
    """The likelihood with the deviations of one group's levels integrated out."""

    rows: tuple[Rows, ...]
    plain: tuple[Factor, ...]  # which no deviation enters
    levels: int
    width: int

    @property
    def size(self) -> int:
        """Distinct rows."""
        return sum(len(r.level) for r in self.rows)

    # ------------------------------------------------------------ integrals

    def log_likelihood(self, values: Array, factors: Array, nodes: int, near: Near) -> Array:
        """At each point, given parameters (points x parameters) and L (points x q x q)."""

        def block(part: slice) -> Array:
            given = self.given(values[part], factors[part])
            total = self.integrals(given, self.peak(given, near), nodes).sum(axis=0)
            return np.asarray(sum((f.total(values[part]) for f in self.plain), total))

        return np.concatenate(self.in_blocks(block, len(values), nodes**self.width))

    def in_blocks(self, work: Callable[[slice], Any], points: int, nodes: int) -> list[Any]:
        """What `work` makes of each block of points, with so many nodes each."""
        width = max(BLOCK // max(self.size, 1), 1)
        parts = [slice(at, at + width) for at in range(0, points, width)]
        if len(parts) > 1 and self.size * nodes * points > ALONE:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(pool.map(work, parts))
        return [work(part) for part in parts]

    def given(self, values: Array, factors: Array) -> Given:
        """What rows are at points, from their parameters and L."""
        everything = slice(None)
        return Given(
            tuple(tuple(p.at(values, everything) for p in r.factor.predictors) for r in self.rows),
            tuple(tuple(values[:, place][None, :] for place in r.factor.scalars) for r in self.rows),
            np.moveaxis(factors, 0, 2),
        )

    def integrals(self, given: Given, peak: Peak, nodes: int) -> Array:
        """log p(y_g), levels x points."""
        places, log_weights = hermite(nodes, self.width)
        standard = np.broadcast_to(places[:, None, None, :], (self.width, 1, 1, len(log_weights)))
        heights = self.heights(given, peak.at(standard)) + log_weights
        top = heights.max(axis=2, keepdims=True)
        return np.asarray(np.log(np.exp(heights - top).sum(axis=2)) + top[..., 0] + peak.log_scale)

    def heights(self, given: Given, at: Array) -> Array:
        """h at each v (q x levels x points x nodes), levels x points x nodes; -inf where it is no number."""
        total = -0.5 * np.square(at).sum(axis=0)
        many = max(BLOCK // max(self.size * given.points, 1), 1)
        for first in range(0, at.shape[3], many):
            some = slice(first, first + many)
            total[..., some] += self._densities(given, at[..., some])
        total[np.isnan(total)] = -np.inf
        return np.asarray(total)

    def _densities(self, given: Given, at: Array) -> Array:
        """The rows' log likelihood by level, at nodes that are few enough to be taken at once."""
        times = at.shape[3]
        flat = at.reshape(self.width, self.levels, -1)
        total = np.zeros(flat.shape[1:])
        for number, (rows, etas) in enumerate(self._moved(given, spread(repeated(given.root, times), flat))):
            scalars = [repeated(s, times) for s in given.scalars[number]]
            density = rows.factor.formula(rows.factor.columns, etas, scalars)
            total += rows.summed(rows.weighed(density), self.levels)
        return total.reshape(at.shape[1:])

    def _moved(self, given: Given, deviations: Array) -> Any:
        """The rows of each factor with their predictors, deviations (q x levels x points) added.

        Deviations may be several for each point, one after the other.
        """
        for rows, predictors in zip(self.rows, given.predictors, strict=True):
            shift = rows.shift(deviations)
            by_point = shift.reshape(len(shift), given.points, -1)
            moved = [p[:, :, None] + by_point for p in predictors[1:]]
            moved.insert(0, np.add(by_point, predictors[0][:, :, None], out=by_point))
            yield rows, [eta.reshape(shift.shape) for eta in moved]

    # ------------------------------------------------------------ maxima

    def near(self, given: Given, deviations: Array) -> Near:
        """From the rows' derivatives at one point and u (q x levels x 1)."""
        _, slope, bend, by_row = self.derivatives(given, deviations)
        bend, slope = (np.nan_to_num(d, posinf=0.0, neginf=0.0) for d in (bend, slope))
        pull = slope + np.einsum("abgp,bgp->agp", bend, deviations)
        rows = zip(by_row, given.predictors, strict=True)
        return Near(bend, pull, tuple((np.nan_to_num(w, posinf=0.0), etas[0]) for w, etas in rows))

    def start(self, given: Given, near: Near) -> Array:
        """v* of each level and point if the rows' log likelihood were quadratic in their predictors."""
        pull = np.repeat(near.pull, given.points, axis=2)
        for rows, etas, (weight, before) in zip(self.rows, given.predictors, near.by_row, strict=True):
            apart = etas[0] - before
            apart *= rows.sign * weight
            for a in range(self.width):
                pull[a] -= rows.summed(times(rows.own[:, a], apart), self.levels)
        return _solved(cholesky(_inner(given.root, near.bend)), np.einsum("abp,agp->bgp", given.root, pull))

    def peak(self, given: Given, near: Near) -> Peak:
        """The maximum of h for each level and point by Newton's method from where a Normal likelihood would
        have it.

        Where a row's log density is convex its curvature counts as 0. Steps that rise too little are halved
        (Armijo). The last step is so small that the curvature before it serves. No number where it does not
        converge.
        """
        place = self.start(given, near)
        height, slope, root = self._curvature(given, place)
        beyond = ~(np.isfinite(height) & np.isfinite(slope).all(axis=0))
        if beyond.any():
            place = np.where(beyond, 0.0, place)
            height, slope, root = self._curvature(given, place)
        newton = _solved(root, slope)
        step = newton.copy()
        active, here = np.arange(given.points), given
        for _ in range(NEWTON_STEPS):
            decrement = (newton[..., active] * slope[..., active]).sum(axis=0)
            going = decrement.max(axis=0, initial=0.0) > CLOSE**2  # not where it is no number
            if not going.any():
                break
            active, here = active[going], here.part(going)
            there = place[..., active] + step[..., active]
            value, slope_there, root_there = self._curvature(here, there)
            before = height[:, active]
            rise = ENOUGH * (step[..., active] * slope[..., active]).sum(axis=0) - ROUNDING * np.abs(before)
            up = (value >= before + rise) & np.isfinite(slope_there).all(axis=0)
            place[..., active] = np.where(up, there, place[..., active])
            height[:, active] = np.where(up, value, before)
            slope[..., active] = np.where(up, slope_there, slope[..., active])
            root[..., active] = np.where(up, root_there, root[..., active])
            newton[..., active] = _solved(root[..., active], slope[..., active])
            step[..., active] = np.where(up, newton[..., active], step[..., active] / 2)
        converged = (newton * slope).sum(axis=0) <= CLOSE**2
        return Peak(np.where(converged, place + newton, np.nan), root)

    def _curvature(self, given: Given, place: Array) -> tuple[Array, Array, Array]:
        """h, its gradient, and the Cholesky factor of its curvature, in v."""
        root = given.root
        value, slope, bend, _ = self.derivatives(given, spread(root, place))
        value = value - 0.5 * np.square(place).sum(axis=0)
        slope = np.einsum("abp,agp->bgp", root, slope) - place
        inner = _inner(root, bend)
        return np.where(np.isnan(value), -np.inf, value), slope, cholesky(inner)

    def derivatives(self, given: Given, deviations: Array) -> tuple[Array, Array, Array, list[Array]]:
        """The rows' log likelihood by level, its gradient in u, its curvature (q x q x levels x points), and
        the curvature of each row in its predictor, by factor.
        """
        width, shape = self.width, deviations.shape
        value, slope, bend = np.zeros(shape[1:]), np.zeros(shape), np.zeros((width, *shape))
        by_row = []
        for number, (rows, etas) in enumerate(self._moved(given, deviations)):
            # one variable for all predictors: deviations move them together
            jet = rows.factor.formula(
                rows.factor.columns, [variable(e, 0) for e in etas], given.scalars[number]
            )
            value += rows.summed(rows.weighed(jet.value), self.levels)
            first, second = (_full(d, jet) for d in (jet.first.get(0, 0.0), jet.second.get((0, 0), 0.0)))
            first, second = rows.weighed(rows.sign * first), rows.weighed(np.maximum(-second, 0.0))
            by_row.append(second)
            for a in range(width):
                slope[a] += rows.summed(times(rows.own[:, a], first), self.levels)
                for b in range(a + 1):
                    own = rows.own[:, a] * rows.own[:, b]
                    bend[a, b] += rows.summed(times(own, second), self.levels)
        for a in range(width):
            bend[: a + 1, a] = bend[a, : a + 1]
        return value, slope, bend, by_row


def marginal_of(factors: Sequence[Factor], levels: int, width: int, *, sign: float) -> Marginal:
    """From the factors of a posterior (`engines/density.py`) with one group of so many levels."""
    rows, plain = [], []
    for factor in factors:
        if not factor.predictors:
            plain.append(factor)
            continue
        level = factor.columns[level_column(0)][:, 0].astype(np.int64)
        order = np.flatnonzero(factor.weights > 0)
        order = order[np.argsort(level[order], kind="stable")]
        there, starts = np.unique(level[order], return_index=True)
        own = np.hstack([factor.columns[own_column(0, a)] for a in range(width)])[order]
        rows.append(Rows(factor.picked(order), own, level[order], starts, there, sign))
    return Marginal(tuple(r for r in rows if len(r.level)), tuple(plain), levels, width)


def repeated(by_point: Array, times: int) -> Array:
    """Each point, which come last, so many times in succession."""
    return by_point if times == 1 else np.repeat(by_point, times, axis=-1)


@lru_cache
def hermite(nodes: int, width: int) -> tuple[Array, Array]:
    """Nodes of the product rule for a standard Normal's exponent (q x nodes), and the logs of their weights.

    The weights have exp(x^2 / 2) in them, and the Normal's constant.
    """
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    logs = np.log(weights) + 0.5 * places**2 - 0.5 * np.log(2 * np.pi)
    which = np.array(list(product(range(nodes), repeat=width)))
    return places[which].T, logs[which].sum(axis=1)


def times(by_row: Array, each: Array) -> Array:
    """A number for each row times rows x points."""
    return each if (by_row == 1.0).all() else by_row[:, None] * each


def _full(derivative: Any, jet: Jet) -> Array:
    return np.broadcast_to(derivative, jet.value.shape)


def _inner(root: Array, bend: Array) -> Array:
    """I + L' A L, q x q x levels x points."""
    inner = np.einsum("bcgp,cdp->bdgp", np.einsum("abp,acgp->bcgp", root, bend), root)
    for a in range(len(root)):
        inner[a, a] += 1.0
    return np.asarray(inner)


def spread(root: Array, standard: Array) -> Array:
    """u = L v."""
    if len(root) == 1:
        return np.asarray(root[0] * standard)
    return np.asarray(np.einsum("abp,bgp->agp", root, standard))


def cholesky(matrix: Array) -> Array:
    """The lower Cholesky factors of I plus a matrix without negative eigenvalues; the first two axes are its
    own.

    No pivot is below 1, whatever rounding leaves.
    """
    root = np.zeros_like(matrix)
    for i in range(len(matrix)):
        for j in range(i + 1):
            left = matrix[i, j] - sum(root[i, k] * root[j, k] for k in range(j))
            root[i, j] = np.sqrt(np.maximum(left, 1.0)) if i == j else left / root[j, j]
    return root


def solved_upper(root: Array, right: Array) -> Array:
    """C'^-1 times vectors, whose first axis is theirs."""
    width = len(root)
    found: list[Any] = [None] * width
    for i in reversed(range(width)):
        found[i] = (right[i] - sum(root[k, i] * found[k] for k in range(i + 1, width))) / root[i, i]
    return np.array(found)


def _solved(root: Array, right: Array) -> Array:
    """(C C')^-1 times vectors, whose first axis is theirs."""
    half: list[Any] = []
    for i in range(len(root)):
        half.append((right[i] - sum(root[i, k] * half[k] for k in range(i))) / root[i, i])
    return solved_upper(root, np.array(half))
