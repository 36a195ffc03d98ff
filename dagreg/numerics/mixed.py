"""A Gaussian mixed model given its sds, correlations and sigma, from cross-products by group.

    y = X b + sum_k Z_k u_k + e,   u_k of each level ~ Normal(0, L_k L_k'),   e ~ Normal(0, sigma),   b ~
    Normal(m, D)

Given these, b and all u are jointly Normal. The group with most levels is integrated out level by level: with
A = Z'Z of a level and H = sigma^2 I + L'A L (Woodbury),

    R' V^-1 R = (R'R - sum over levels of (Z'R)' f (Z'R)) / sigma^2,    f = L H^-1 L',

where R = [Z of the other groups, X, y]. What is left is one dense system in the coordinates v = L^-1 u, which
has no singular point where an sd is 0 (Bates, Maechler, Bolker and Walker 2015; Pinheiro and Bates 2000,
section 2.2). Levels with equal Z'Z share f, so that their cross-products are added up beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.numerics.arrays import Array, linalg, sparse

Index = npt.NDArray[np.int64]
DENSE = 4_000_000  # numbers of a dense table of cross-products; beyond, it is made anew at every point
DENSE_LEVELS = 200_000  # numbers of Z'R of crossed groups; beyond, it is sparse
BLOCK = 1_000_000  # numbers at once
BATCHED = 48  # unknowns up to which many systems are solved together
MAX_UNKNOWNS = 4_000  # of the dense system
MAX_PAIRS = 60_000_000  # of columns that share a level: the sparse table's entries
CLUSTERS = 24  # of points that share a Cholesky factor
MAX_TERMS = 25  # of the series that takes one point's factor to another's
SERIES = 1e-4  # of a draw's size: what the series may leave out


@dataclass(frozen=True, slots=True)
class Grouped:
    """Cross-products by the levels of a group: of its own columns, and of these with the design and the
    response.
    """

    own: Array  # levels x q x q
    others: Array  # levels x q x (p + 1)

    @property
    def levels(self) -> int:
        return len(self.own)

    @property
    def width(self) -> int:
        return int(self.own.shape[1])


@dataclass(frozen=True, slots=True)
class Crossed:
    """Cross-products between the columns of two groups, for each pair of levels that occurs together."""

    left: Index
    right: Index
    products: Array  # pairs x q of the left x q of the right


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """All that a Gaussian mixed model knows of its rows. The response is y less X start."""

    units: float
    start: Array  # p
    total: Array  # (p + 1) x (p + 1), of [X response]
    groups: tuple[Grouped, ...]
    crossed: dict[tuple[int, int], Crossed] = field(
        default_factory=dict
    )  # by the places of two groups, in order


@dataclass(frozen=True, slots=True)
class Spread:
    """At many points: sigma, and the Cholesky factor of each group's covariance, points x q x q."""

    sigma: Array
    factors: tuple[Array, ...]

    def __getitem__(self, at: slice | Index) -> Spread:
        return Spread(self.sigma[at], tuple(f[at] for f in self.factors))

    def __len__(self) -> int:
        return len(self.sigma)


@dataclass(frozen=True)
class System:
    """The equations for coefficients and deviations. `mean` and `precision` are of the coefficients' Normal
    priors.

    A precision of 0 is that of a flat prior.
    """

    rows: CrossProducts
    mean: Array
    precision: Array

    @cached_property
    def first(self) -> int:
        """The group that is integrated out level by level."""
        return int(np.argmax([g.levels * g.width for g in self.rows.groups]))

    @cached_property
    def rest(self) -> tuple[int, ...]:
        return tuple(k for k in range(len(self.rows.groups)) if k != self.first)

    @cached_property
    def starts(self) -> dict[int, int]:
        """Where the columns of each other group start."""
        sizes = [self.rows.groups[k].levels * self.rows.groups[k].width for k in self.rest]
        return dict(zip(self.rest, np.cumsum([0, *sizes]).tolist(), strict=False))

    @cached_property
    def unknowns(self) -> int:
        """Of the dense system: deviations of the other groups, then coefficients."""
        return sum(self.rows.groups[k].levels * self.rows.groups[k].width for k in self.rest) + len(self.mean)

    @cached_property
    def fixed(self) -> int:
        """Where the coefficients start."""
        return self.unknowns - len(self.mean)

    @cached_property
    def total(self) -> Array:
        """R'R."""
        size = self.unknowns + 1
        table = np.zeros((size, size))
        table[self.fixed :, self.fixed :] = self.rows.total
        for k in self.rest:
            group, at = self.rows.groups[k], self.starts[k]
            places = at + np.arange(group.levels * group.width).reshape(group.levels, group.width)
            table[places[:, :, None], places[:, None, :]] = group.own
            block = group.others.reshape(-1, group.others.shape[2])
            table[at : at + len(block), self.fixed :] = block
            table[self.fixed :, at : at + len(block)] = block.T
        for (k, other), pairs in self.rows.crossed.items():
            if self.first in (k, other):
                continue
            left = self.starts[k] + pairs.left[:, None] * self.rows.groups[k].width
            right = self.starts[other] + pairs.right[:, None] * self.rows.groups[other].width
            i = (left + np.arange(self.rows.groups[k].width))[:, :, None]
            j = (right + np.arange(self.rows.groups[other].width))[:, None, :]
            table[i, j] = pairs.products
            table[np.swapaxes(j, 1, 2), np.swapaxes(i, 1, 2)] = np.swapaxes(pairs.products, 1, 2)
        return table

    @cached_property
    def by_level(self) -> Any:
        """Z'R of the group integrated out, (levels x q) x columns: dense, or sparse where that would be
        large.
        """
        group = self.rows.groups[self.first]
        size = self.unknowns + 1
        rows = group.levels * group.width
        places, columns, values = [], [], []
        for k in self.rest:
            pairs, turned = self.rows.crossed.get((self.first, k)), False
            if pairs is None:
                pairs, turned = self.rows.crossed[(k, self.first)], True
            own, other = (pairs.right, pairs.left) if turned else (pairs.left, pairs.right)
            products = np.swapaxes(pairs.products, 1, 2) if turned else pairs.products
            i = own[:, None, None] * group.width + np.arange(group.width)[None, :, None]
            width = self.rows.groups[k].width
            j = self.starts[k] + other[:, None, None] * width + np.arange(width)[None, None, :]
            i, j = np.broadcast_arrays(i, j)
            places.append(i.ravel())
            columns.append(j.ravel())
            values.append(products.ravel())
        block = group.others.reshape(rows, -1)
        if rows * size <= DENSE_LEVELS or not self.rest:
            table = np.zeros((rows, size))
            for i, j, v in zip(places, columns, values, strict=True):
                table[i, j] = v
            table[:, self.fixed :] = block
            return table
        i, j = np.nonzero(block)
        entries = np.concatenate([*values, block[i, j]])
        where = (np.concatenate([*places, i]), np.concatenate([*columns, self.fixed + j]))
        return sparse.csr_array((entries, where), shape=(rows, size))

    @cached_property
    def classes(self) -> tuple[Array, Index, Index]:
        """The distinct Z'Z of the group integrated out, which one each level has, and how many have each."""
        own = self.rows.groups[self.first].own
        flat = own.reshape(len(own), -1)
        distinct, which, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
        return distinct.reshape(-1, *own.shape[1:]), which.ravel(), counts

    @cached_property
    def table(self) -> Any:
        """What each f adds: (columns x columns) x (distinct x q x q), dense or sparse; None where it is made
        anew.
        """
        width, size = self.rows.groups[self.first].width, self.unknowns + 1
        distinct, which, _ = self.classes
        if isinstance(self.by_level, np.ndarray):
            if len(distinct) * width**2 * size**2 > DENSE:
                return None
            found = np.zeros((len(distinct), width * size, width * size))
            flat = self.by_level.reshape(-1, width * size)
            order = np.argsort(which, kind="stable")
            ends = np.cumsum(np.bincount(which, minlength=len(distinct)))
            for c, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
                rows = flat[order[start:end]]
                found[c] = rows.T @ rows
            found = found.reshape(len(distinct), width, size, width, size)
            return np.ascontiguousarray(found.transpose(2, 4, 0, 1, 3).reshape(size * size, -1))
        return _sparse_table(self.by_level, width, which, len(distinct))

    @property
    def work(self) -> float:
        """Operations that one evaluation of the density takes, about."""
        distinct, width = len(self.classes[0]), self.rows.groups[self.first].width
        return self.unknowns**3 / 3 + distinct * width**2 * (self.unknowns + 1) ** (2 if not self.rest else 1)

    # ------------------------------------------------------------ the density

    def log_likelihood(self, at: Spread) -> Array:
        """The log density of the rows at each point, coefficients and deviations integrated out, up to a
        constant.
        """
        return np.concatenate([self._log_likelihood(at[part]) for part in self.blocks(len(at))])

    def blocks(self, points: int) -> Iterator[slice]:
        """Parts of the points that fit in memory together."""
        each = len(self.classes[0]) * self.rows.groups[self.first].width ** 2 + (self.unknowns + 1) ** 2
        step = max(BLOCK // each, 1) if self.unknowns <= BATCHED else 1
        for i in range(0, points, step):
            yield slice(i, i + step)

    def _log_likelihood(self, at: Spread) -> Array:
        log_det, left, right, square = self._reduced(at)
        found = np.full(len(at), -np.inf)
        for i, factor, solved in self._solved(left, right):
            size = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
            found[i] = -0.5 * (log_det[i] + 2 * size + square[i] - np.square(solved).sum(axis=-1))
        return found

    def _solved(self, left: Array, right: Array) -> Iterator[tuple[Any, Array, Array]]:
        """For points whose matrix is positive definite: the Cholesky factor C of it, and C^-1 of the right
        side.
        """
        if self.unknowns <= BATCHED:
            try:
                factor = np.linalg.cholesky(left)
                yield slice(None), factor, np.linalg.solve(factor, right[..., None])[..., 0]
                return
            except np.linalg.LinAlgError:
                pass
        for i, matrix in enumerate(left):
            try:
                factor = linalg.cholesky(matrix, lower=True, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            if not np.isfinite(np.diag(factor)).all():
                continue
            yield i, factor, linalg.solve_triangular(factor, right[i], lower=True, check_finite=False)

    def _reduced(self, at: Spread) -> tuple[Array, Array, Array, Array]:
        """log |V|, the matrix and the right side of the dense system, and the square that is left of y.

        The lower triangle of the matrix is filled, the upper one not always.
        """
        distinct, _, counts = self.classes
        group, size = self.rows.groups[self.first], self.unknowns + 1
        log_h, half = halves(at.factors[self.first], at.sigma, distinct)
        free = self.rows.units - group.levels * group.width
        log_det = 2 * free * np.log(at.sigma) + log_h @ counts
        weights = np.einsum("katc,kbtc->tcab", half, half).reshape(len(at), -1)
        reduced = (self.total - self._explained(weights)) / np.square(at.sigma)[:, None, None]
        for k in self.rest:
            width, levels = self.rows.groups[k].width, self.rows.groups[k].levels
            part = slice(self.starts[k], self.starts[k] + levels * width)
            if width == 1:
                reduced[:, part] *= at.factors[k]
                reduced[:, :, part] *= at.factors[k]
                continue
            rows = reduced[:, part].reshape(len(at), levels, width, size)
            reduced[:, part] = np.einsum("tab,tlaj->tlbj", at.factors[k], rows).reshape(len(at), -1, size)
            columns = reduced[:, :, part].reshape(len(at), size, levels, width)
            reduced[:, :, part] = np.einsum("tab,tila->tilb", at.factors[k], columns).reshape(
                len(at), size, -1
            )
        held = np.concatenate([np.ones(self.fixed), self.precision])
        inside = np.arange(self.unknowns)
        reduced[:, inside, inside] += held
        away = self.mean - self.rows.start
        right = reduced[:, -1, :-1].copy()
        right[:, self.fixed :] += self.precision * away
        square = reduced[:, -1, -1] + float(self.precision @ np.square(away))
        return log_det, reduced[:, :-1, :-1], right, square

    def _explained(self, weights: Array) -> Array:
        """The sum over levels of (Z'R)' f (Z'R), points x columns x columns."""
        size = self.unknowns + 1
        if self.table is None:
            return np.stack([self._one_by_one(row) for row in weights])
        if isinstance(self.table, np.ndarray):
            return (weights @ self.table.T).reshape(-1, size, size)
        lower = (self.table @ weights.T).T.reshape(-1, size, size)
        if all(self.rows.groups[k].width == 1 for k in self.rest):
            return np.asarray(lower)  # nothing reads the upper triangle
        return np.asarray(lower + np.swapaxes(np.tril(lower, -1), 1, 2))

    def _one_by_one(self, weights: Array) -> Array:
        width, size = self.rows.groups[self.first].width, self.unknowns + 1
        each = weights.reshape(-1, width, width)[self.classes[1]]
        if isinstance(self.by_level, np.ndarray):
            rows = self.by_level.reshape(-1, width, size)
            return np.asarray(self.by_level.T @ (each @ rows).reshape(-1, size))
        count = len(each)
        blocks = sparse.bsr_array((each, np.arange(count), np.arange(count + 1)))
        return np.asarray((self.by_level.T @ (blocks.tocsr() @ self.by_level)).todense())

    # ------------------------------------------------------------ draws

    def draws(self, at: Spread, rng: np.random.Generator) -> tuple[Array, list[Array]]:
        """One draw at each point: coefficients, points x p, and deviations of each group, points x levels x
        q.
        """
        coefficients = np.empty((len(at), len(self.mean)))
        deviations = [np.empty((len(at), g.levels, g.width)) for g in self.rows.groups]
        whole = self._rest(at, rng) if self.unknowns > BATCHED else None
        for part in self._drawn_blocks(len(at)):
            here = at[part]
            rest = self._rest(here, rng) if whole is None else whole[part]
            coefficients[part] = self.rows.start + rest[:, self.fixed :]
            for k in self.rest:
                group, start = self.rows.groups[k], self.starts[k]
                size = group.levels * group.width
                deviations[k][part] = rest[:, start : start + size].reshape(-1, group.levels, group.width)
            deviations[self.first][part] = self._levels(here, rest, rng)
        return coefficients, deviations

    def _drawn_blocks(self, points: int) -> Iterator[slice]:
        group = self.rows.groups[self.first]
        each = 4 * group.levels * group.width**2 + min(self.unknowns + 1, BATCHED) ** 2
        step = max(4 * BLOCK // each, 1)
        for i in range(0, points, step):
            yield slice(i, i + step)

    def _rest(self, at: Spread, rng: np.random.Generator) -> Array:
        """Deviations of the other groups and coefficients (less their start), points x unknowns."""
        noise = rng.standard_normal((len(at), self.unknowns))
        if self.unknowns <= BATCHED:
            _, left, right, _ = self._reduced(at)
            found = np.full((len(at), self.unknowns), np.nan)
            for i, factor, solved in self._solved(left, right):
                turned = np.swapaxes(factor, -1, -2)
                found[i] = np.linalg.solve(turned, (solved + noise[i])[..., None])[..., 0]
        else:
            found = self._near(at, noise)
        self.scale(found, at)
        return found

    def _near(self, at: Spread, noise: Array) -> Array:
        """The same for many unknowns, in the coordinates v: points that lie together share a Cholesky factor
        C.

        With S = C B C' the matrix of a point, C'^-1 B^-1/2 (B^-1/2 C^-1 right + noise) is the draw, and
        B^-1/2 is the binomial series in B - I, which is small. A point for which it does not converge gets
        its own factor.
        """
        found = np.empty((len(at), self.unknowns))
        pending = [(centre, members) for centre, members in clusters(at)]
        while pending:
            centre, members = pending.pop()
            _, left, _, _ = self._reduced(at[np.array([centre])])
            root = linalg.cholesky(left[0], lower=True, overwrite_a=True, check_finite=False)
            here = at[members]

            def down(values: Array, root: Array = root) -> Array:
                return np.asarray(linalg.solve_triangular(root, values, lower=True, check_finite=False))

            def up(values: Array, root: Array = root) -> Array:
                return np.asarray(
                    linalg.solve_triangular(root, values, lower=True, trans="T", check_finite=False)
                )

            def beyond(values: Array, here: Spread = here, down: Any = down, up: Any = up) -> Array:
                """(B - I) times each column."""
                return np.asarray(down(self._times(here, up(values))) - values)

            turned, fine = inverse_root(beyond, down(self._right(here)))
            drawn, also = inverse_root(beyond, turned + noise[members].T)
            fine &= also
            found[members] = up(drawn).T
            pending += [(int(i), np.array([i])) for i in members[~fine] if i != centre or len(members) > 1]
        return found

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """R'R, Z'R and its transpose, without the response, in the form in which columns are multiplied
        fastest.
        """
        total = self.total[:-1, :-1]
        if isinstance(self.by_level, np.ndarray):
            return total, self.by_level[:, :-1], self.by_level[:, :-1].T
        by_level = self.by_level[:, :-1].tocsr()
        return sparse.csr_array(total), by_level, by_level.T.tocsr()

    def _times(self, at: Spread, values: Array) -> Array:
        """The matrix of each point times its column, unknowns x points."""
        total, by_level, turned = self._parts
        scaled = values.T.copy()
        self.scale(scaled, at)
        told = self._weighed(at, by_level @ scaled.T)
        product = ((total @ scaled.T - turned @ told) / np.square(at.sigma)).T
        self.scale(product, at, turned=True)
        return np.asarray(product.T + np.concatenate([np.ones(self.fixed), self.precision])[:, None] * values)

    def _right(self, at: Spread) -> Array:
        """The right side of each point, unknowns x points."""
        told = self._weighed(at, np.repeat(self._response[:, None], len(at), axis=1))
        right = ((self.total[:-1, [-1]] - self._parts[2] @ told) / np.square(at.sigma)).T
        self.scale(right, at, turned=True)
        right[:, self.fixed :] += self.precision * (self.mean - self.rows.start)
        return np.asarray(right.T)

    @property
    def _response(self) -> Array:
        """Z'y of the group that is integrated out."""
        group = self.rows.groups[self.first]
        return group.others[:, :, -1].ravel()

    def _weighed(self, at: Spread, by_level: Array) -> Array:
        """f of each level and point times the level's columns, (levels x q) x points."""
        group = self.rows.groups[self.first]
        _, half = halves(at.factors[self.first], at.sigma, self.classes[0])
        each = half[..., self.classes[1]]
        inner = np.einsum("katl,lat->klt", each, by_level.reshape(group.levels, group.width, -1))
        return np.asarray(np.einsum("katl,klt->lat", each, inner).reshape(by_level.shape))

    def scale(self, standard: Array, at: Spread, *, turned: bool = False) -> None:
        """v becomes u = L v, or L' v where it is turned; in place, points x unknowns."""
        how = "tba,tlb->tla" if turned else "tab,tlb->tla"
        for k in self.rest:
            group, start = self.rows.groups[k], self.starts[k]
            part = slice(start, start + group.levels * group.width)
            each = standard[:, part].reshape(-1, group.levels, group.width)
            standard[:, part] = np.einsum(how, at.factors[k], each).reshape(len(at), -1)

    def _levels(self, at: Spread, rest: Array, rng: np.random.Generator) -> Array:
        """Deviations of the group that was integrated out, given the others: points x levels x q."""
        group = self.rows.groups[self.first]
        distinct, which, _ = self.classes
        left = self._response[:, None] - self._parts[1] @ rest.T
        told = left.T.reshape(len(at), group.levels, group.width)
        _, half = halves(at.factors[self.first], at.sigma, distinct)  # half = C^-1 L', H = C C'
        noise = rng.standard_normal(told.shape)
        each = half[..., which]
        inner = np.einsum("katl,tla->tlk", each, told) + at.sigma[:, None, None] * noise
        return np.asarray(np.einsum("katl,tlk->tla", each, inner))


def halves(factor: Array, sigma: Array, own: Array) -> tuple[Array, Array]:
    """log |H| of each point and level, and C^-1 L' (q x q x points x levels), where H = sigma^2 I + L'A L = C
    C'.

    `factor`: L, points x q x q; `own`: A, levels x q x q.
    """
    width, points, levels = own.shape[1], len(factor), len(own)
    if width == 1:
        scale = factor[:, 0, 0]
        h = np.square(sigma)[:, None] + np.square(scale)[:, None] * own[:, 0, 0]
        return np.log(h), (scale[:, None] / np.sqrt(h))[None, None]
    inner = np.einsum("ckl,tlb->kbtc", own, factor)
    h = np.einsum("tka,kbtc->abtc", factor, inner)
    root: list[list[Any]] = [[None] * width for _ in range(width)]
    log_det = np.zeros((points, levels))
    for i in range(width):
        for j in range(i + 1):
            value = h[i, j] - sum(root[i][k] * root[j][k] for k in range(j))
            if i == j:
                value = np.sqrt(value + np.square(sigma)[:, None])
                log_det += 2 * np.log(value)
            else:
                value = value / root[j][j]
            root[i][j] = value
    half = np.empty((width, width, points, levels))
    for i in range(width):
        for a in range(width):
            value = factor[:, a, i][:, None] - sum(root[i][k] * half[k, a] for k in range(i))
            half[i, a] = value / root[i][i]
    return log_det, half


def inverse_root(beyond: Any, values: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """B^-1/2 times each column by the binomial series in B - I, and which columns it has converged for."""
    found, term, factor = values.copy(), values, 1.0
    size = np.linalg.norm(values, axis=0)
    fine = np.zeros(values.shape[1], dtype=bool)
    for k in range(1, MAX_TERMS):
        term, factor = beyond(term), -factor * (2 * k - 1) / (2 * k)
        found += factor * term
        left = np.linalg.norm(term, axis=0) * abs(factor)
        fine = left <= SERIES * size
        if fine.all() or not np.isfinite(left).all() or left.max() > 10 * size.max():
            break
    return found, fine


def clusters(at: Spread) -> list[tuple[int, Index]]:
    """Points that lie close together, and one in the middle of them, by k-means."""
    free = [np.log(at.sigma)[:, None]]
    for factor in at.factors:
        inside = np.arange(factor.shape[1])
        size = np.maximum(factor[:, inside, inside], 1e-12)
        free.append(np.log(size))
        free.append((factor / size[:, :, None])[:, *np.tril_indices(factor.shape[1], -1)])
    points = np.concatenate(free, axis=1)
    spread = points.std(axis=0)
    points = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    centres = points[np.linspace(0, len(points) - 1, min(CLUSTERS, len(points))).astype(np.int64)]
    for _ in range(10):
        which = np.argmin(np.square(points[:, None] - centres).sum(axis=2), axis=1)
        for c in np.unique(which):
            centres[c] = points[which == c].mean(axis=0)
    found = []
    for c in np.unique(which):
        members = np.flatnonzero(which == c)
        middle = members[np.argmin(np.square(points[members] - centres[c]).sum(axis=1))]
        found.append((int(middle), members))
    return found


def _sparse_table(rows: Any, width: int, which: Index, distinct: int) -> Any:
    """The lower triangle of what each f adds, sparse; None where its entries are too many."""
    size = rows.shape[1]
    lengths = np.diff(rows.indptr)
    by_level = lengths.reshape(-1, width)
    if float((by_level[:, :, None] * by_level[:, None, :]).sum()) > MAX_PAIRS:
        return None
    places, columns, values = [], [], []
    for a in range(width):
        for b in range(width):
            first, second = lengths[a::width], lengths[b::width]
            pairs = first * second
            level = np.repeat(np.arange(len(pairs)), pairs)
            order = np.arange(len(level)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
            i = np.repeat(rows.indptr[:-1][a::width], pairs) + order // np.maximum(second[level], 1)
            j = np.repeat(rows.indptr[:-1][b::width], pairs) + order % np.maximum(second[level], 1)
            kept = rows.indices[i] >= rows.indices[j]
            i, j, level = i[kept], j[kept], level[kept]
            places.append(rows.indices[i].astype(np.int64) * size + rows.indices[j])
            columns.append((which[level] * width + a) * width + b)
            values.append(rows.data[i] * rows.data[j])
    where = (np.concatenate(places), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), where), shape=(size * size, distinct * width * width))


def cross_products(
    columns: Array, response: Array, units: Array, groups: Sequence[tuple[Index, int, Array]]
) -> CrossProducts:
    """From rows: the design, the response, the weight of each row; of each group the level of each row, how
    many levels there are, and its own columns (rows x q).

    The response is taken less its least-squares fit, so that no digits go on what the coefficients say
    anyway.
    """
    root = np.sqrt(units)
    start = np.linalg.lstsq(columns * root[:, None], response * root, rcond=None)[0]
    rows = np.column_stack([columns, response - columns @ start])
    weighed = rows * units[:, None]
    by_group = []
    for level, count, own in groups:
        sums = np.empty((count, own.shape[1], rows.shape[1]))
        within = np.empty((count, own.shape[1], own.shape[1]))
        for a in range(own.shape[1]):
            for j in range(rows.shape[1]):
                sums[:, a, j] = np.bincount(level, own[:, a] * weighed[:, j], count)
            for b in range(a + 1):
                within[:, a, b] = within[:, b, a] = np.bincount(level, own[:, a] * own[:, b] * units, count)
        by_group.append(Grouped(within, sums))
    crossed = {}
    for k, (left, _, first) in enumerate(groups):
        for other in range(k + 1, len(groups)):
            right, count, second = groups[other]
            cells, place = np.unique(left * count + right, return_inverse=True)
            products = np.empty((len(cells), first.shape[1], second.shape[1]))
            for a in range(first.shape[1]):
                for b in range(second.shape[1]):
                    products[:, a, b] = np.bincount(place, first[:, a] * second[:, b] * units, len(cells))
            crossed[(k, other)] = Crossed(cells // count, cells % count, products)
    return CrossProducts(float(units.sum()), start, rows.T @ weighed, tuple(by_group), crossed)
