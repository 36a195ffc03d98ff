"""Tests of independence where labels of many levels are among the variables: sites, people, schools.

A label is no number: as a condition it means a comparison within its levels, and as one of the two it stands
for the differences between its levels. Nothing here depends on what the levels are called, or in which order
they stand.

- `ColumnSpan` takes rows off the means of all levels of one or several labels, and off further columns; no
  matrix of rows x levels is made.
- `between` asks whether a number's mean differs between levels: the F test, exact for any number of levels.
- `crossed` asks it of levels: chi-square within strata, its mean and variance given both margins (Dawson
  1954), which stay right where cells are nearly empty.
- `scattered` asks it of levels and counts beside other predictors: the sums of a null regression's residuals
  in each level against the residuals within them, so that more variation than the family allows does not
  matter.
- `of_means` asks it of whole levels, where a variable does not vary within them (Rao 1951).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dagreg.numerics.arrays import Array, Index
from dagreg.numerics.tails import chi_square_upper, f_upper, t_two_sided

Statistic = tuple[float, float]  # and its p value
NEARLY_DEPENDENT = 1e-6  # the same, for a quick way that squares it
DEPENDENT = 1e-8  # of a column's length: what is left of it beside others is rounding
# levels of all labels but the largest; beyond, rows are compared within combinations of levels
MAX_BESIDE = 1_000
MAX_CROSSED = 20_000_000  # cells of their table
EXPECTED = 5.0  # rows that would differ from their level's by chance: then it is no chance that none does


def dense(places: npt.NDArray[np.generic]) -> Index:
    """The levels that occur, numbered from 0."""
    return np.asarray(np.unique(places, return_inverse=True)[1].ravel(), dtype=np.int64)


def combined(labels: Sequence[npt.NDArray[np.generic]], rows: int) -> Index:
    """The combinations of levels that occur, numbered from 0; one for all rows where there is no label."""
    together = np.zeros(rows, dtype=np.int64)
    for label in labels:
        codes = dense(label)
        together = dense(together * (int(codes.max()) + 1) + codes)
    return together


def constant_within(block: Array, places: Index) -> bool:
    """Whether rows of the same level are always equal, and rows drawn at random would not be."""
    codes, values = dense(places), dense(combined(list(block.T), len(block)))
    first = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    first[codes] = values
    if (first[codes] != values).any():
        return False
    shares = np.bincount(values) / len(values)
    size = np.bincount(codes)
    alone = np.array([(shares**n).sum() for n in np.unique(size)])  # the chance that n rows are equal
    expected = ((1 - alone) * np.bincount(np.unique(size, return_inverse=True)[1].ravel())).sum()
    return bool(expected >= EXPECTED)


class ColumnSpan:
    """All that is linear in the levels of some labels (the overall mean among them) and in
    further columns.
    """

    def __init__(self, labels: Sequence[npt.NDArray[np.generic]], columns: Array) -> None:
        rows = len(columns)
        codes = sorted((dense(label) for label in labels), key=lambda c: -int(c.max())) or [
            combined((), rows)
        ]
        beside = sum(int(c.max()) + 1 for c in codes[1:])
        if beside > MAX_BESIDE or beside * (int(codes[0].max()) + 1) > MAX_CROSSED:
            codes, beside = [combined(codes, rows)], 0
        self.first, self.size = codes[0], np.bincount(codes[0]).astype(np.float64)
        starts = np.cumsum([0, *(int(c.max()) + 1 for c in codes[1:])])
        self.others = [c + int(start) for c, start in zip(codes[1:], starts, strict=False)]
        self._levels(beside)
        self.basis = np.empty((rows, 0))
        self.basis = self.new(columns)

    def _levels(self, beside: int) -> None:
        """What the labels beside the first add: the inverse of their cross-products within its levels."""
        shares = np.zeros((len(self.size), beside))
        products = np.zeros((beside, beside))
        for code in self.others:
            np.add.at(shares, (self.first, code), 1.0)
            for other in self.others:
                np.add.at(products, (code, other), 1.0)
        products -= shares.T @ (shares / self.size[:, None])
        values, vectors = np.linalg.eigh(products) if beside else (np.zeros(0), products)
        kept = values > DEPENDENT * max(float(values.max(initial=0.0)), 1.0)
        self.inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
        self.shares = shares / self.size[:, None]
        self.levels = len(self.size) + int(kept.sum())

    @property
    def rank(self) -> int:
        return self.levels + self.basis.shape[1]

    def off(self, block: Array) -> Array:
        """What is left of these columns (rows x columns) beside the span."""
        return self._off(
            self._off(block - block.mean(axis=0))
        )  # twice is enough (Giraud, Langou and Rozloznik 2005)

    def _off(self, block: Array) -> Array:
        left = self._within(block)
        if self.others:
            sums = np.sum([sums_by(code, left, len(self.inverse)) for code in self.others], axis=0)
            weights = self.inverse @ sums
            left = left - self._within(np.sum([weights[code] for code in self.others], axis=0))
        return np.asarray(left - self.basis @ (self.basis.T @ left))

    def _within(self, block: Array) -> Array:
        if len(self.size) == 1:
            return np.asarray(block - block.mean(axis=0))
        means = sums_by(self.first, block, len(self.size)) / self.size[:, None]
        return np.asarray(block - means[self.first])

    def new(self, columns: Array) -> Array:
        """An orthonormal basis of what these columns add to the span."""
        if columns.shape[1] == 0:
            return columns
        about = columns - columns.mean(axis=0)
        size = np.linalg.norm(about, axis=0)
        left = self.off(about / np.where(size > 0, size, 1.0))
        quick = _orthonormal(left)
        if quick is not None:
            return quick
        q, r = np.linalg.qr(left)
        if has_full_rank(r, DEPENDENT):  # a single column keeps its sign
            return np.asarray(q * np.sign(np.diag(r)))
        u, s, _ = np.linalg.svd(left, full_matrices=False)
        return np.asarray(u[:, s > DEPENDENT])

    @cached_property
    def leverage(self) -> Array:
        """The diagonal of the projection onto the span."""
        leverage = 1 / self.size[self.first]
        if self.others:
            pulled = self.shares @ self.inverse
            own = np.einsum("ij,ij->i", pulled, self.shares)[self.first]
            cross = sum(pulled[self.first, code] for code in self.others)
            leverage = leverage + own - 2 * cross
            leverage = leverage + sum(
                self.inverse[code, other] for code in self.others for other in self.others
            )
        return np.asarray(leverage + (self.basis**2).sum(axis=1))


def _orthonormal(block: Array) -> Array | None:
    """An orthonormal basis of these columns by two Cholesky factors, far faster than by reflections; None
    where they are too near to dependent for it (Yamamoto, Nakatsukasa, Yanagisawa and Fukaya 2015).
    """
    for least in (NEARLY_DEPENDENT, 0.0):
        try:
            triangle = np.linalg.cholesky(block.T @ block).T
        except np.linalg.LinAlgError:
            return None
        if not has_full_rank(triangle, least):
            return None
        block = block @ np.linalg.inv(triangle)
    return np.asarray(block)


def has_full_rank(triangle: Array, least: float) -> bool:
    """Whether every singular value is above `least`: the least one is at least 1 over the norm of the
    inverse. It costs far less than they do, and may say no where it is close.
    """
    if triangle.shape[0] < triangle.shape[1] or np.any(np.abs(np.diag(triangle)) <= least):
        return False
    return float(np.linalg.norm(np.linalg.inv(triangle))) * least < 1


def sums_by(codes: Index, block: Array, levels: int) -> Array:
    """Sums of columns (levels x columns) over the rows of each level."""
    if levels == 1:
        return np.asarray(block.sum(axis=0, keepdims=True))
    sums = np.empty((levels, block.shape[1]))
    for i, column in enumerate(block.T):
        sums[:, i] = np.bincount(codes, weights=column, minlength=levels)
    return sums


def between(span: ColumnSpan, wider: ColumnSpan, response: Array, free: int) -> Statistic | None:
    """The F test of what `wider` adds to `span` (which it holds) for a response; None without `free` rows to
    spare.
    """
    before, after = (float((s.off(response[:, None]) ** 2).sum()) for s in (span, wider))
    columns, left = wider.rank - span.rank, len(response) - wider.rank
    if left < free or columns < 1:
        return None
    f = (before - after) / columns / max(after / left, 1e-300)
    return f, f_upper(f, columns, left)


def crossed(first: Index, second: Index, strata: Index) -> Statistic | None:
    """Chi-square of two labels within strata, given both margins; None where nothing can vary.

    The p value is that of a gamma distribution with this mean and variance.
    """
    statistic = mean = variance = 0.0
    for rows in np.split(np.argsort(strata, kind="stable"), np.cumsum(np.bincount(strata))[:-1]):
        a, b = dense(first[rows]), dense(second[rows])
        n, r, c = len(rows), int(a.max()) + 1, int(b.max()) + 1
        if n < 4 or r < 2 or c < 2:
            continue  # of three rows all chi-squares are alike, or nearly so
        across, down = np.bincount(a).astype(float), np.bincount(b).astype(float)
        cells, here = np.unique(a * c + b, return_counts=True)
        statistic += float(n * ((here**2 / (across[cells // c] * down[cells % c])).sum() - 1))
        mean += n * (r - 1) * (c - 1) / (n - 1)
        variance += _dawson(n, across, down)
    if variance <= 0:
        return None
    return statistic, chi_square_upper(2 * mean * statistic / variance, 2 * mean**2 / variance)


def _dawson(n: int, across: Array, down: Array) -> float:
    """The variance of chi-square given both margins of a table of n rows."""
    r, c = len(across), len(down)
    spread = [(n * (1 / m).sum() - len(m) ** 2) / (n - 2) for m in (across, down)]
    width = [(k - 1) * (n - k) / (n - 1) for k in (r, c)]
    both = (width[0] - spread[0]) * (width[1] - spread[1])
    return float(max(2 * n / (n - 3) * both + n**2 / (n - 1) * spread[0] * spread[1], 0.0))


def scattered(places: Index, left: Array, variance: Array, columns: Array) -> Statistic | None:
    """Whether sums of residuals are larger in the levels of a label than residuals are: an F test.

    `left` are a null regression's residuals, `variance` theirs but for a common factor, `columns` its design.
    """
    codes = dense(places)
    size = np.bincount(codes, weights=variance)
    sums = np.bincount(codes, weights=left)
    between_levels = float((sums**2 / size).sum())
    design = sums_by(codes, columns * variance[:, None], len(size))
    inverse = np.linalg.pinv(columns.T @ (columns * variance[:, None]))
    own = len(size) - float(np.trace(inverse @ (design.T @ (design / size[:, None]))))
    free = len(left) - columns.shape[1] - own
    inside = float((left**2 / variance).sum()) - between_levels
    if own <= DEPENDENT or free < 1:
        return None
    f = between_levels / own / max(inside / free, 1e-300)
    return f, f_upper(f, own, free)


def of_means(places: Index, x: Array, y: Array, given: Array, free: int) -> Statistic | None:
    """Whether the means of two blocks in each level of a label go together; None where levels are too few.

    One column against one is the t test of their partial correlation, several Wilks' lambda with Rao's F.
    """
    codes = dense(places)
    size = np.bincount(codes).astype(np.float64)
    means = [sums_by(codes, b, len(size)) / size[:, None] for b in (x, y, given)]
    span = ColumnSpan((), means[2])
    first, second = span.new(means[0]), span.new(means[1])
    p, q = first.shape[1], second.shape[1]
    left = len(size) - span.rank
    if p == 0 or q == 0 or left - max(p, q) < free:
        return None
    correlations = np.linalg.svd(first.T @ second, compute_uv=False)
    if p == q == 1:
        r = min(float((first.T @ second)[0, 0]), 1 - 1e-12)
        t = r * ((left - 1) / (1 - r * r)) ** 0.5
        return t, t_two_sided(t, left - 1)
    wilks = float(np.prod(np.maximum(1 - correlations**2, 1e-300)))
    root = ((p * p * q * q - 4) / (p * p + q * q - 5)) ** 0.5 if p * p + q * q > 5 else 1.0
    below = root * (left - (p + q + 1) / 2) - p * q / 2 + 1
    f = (wilks ** (-1 / root) - 1) * below / (p * q)
    return f, f_upper(f, p * q, below)
