"""Columns that span smooth functions of some nodes: what a test of independence takes off on both sides.

A sieve, without a penalty: natural cubic splines of each number with knots at its quantiles, indicators of
levels, and products of pairs, finer the more rows there are. A penalty that predicts best leaves as much bias
as noise, and where x and y bend alike the biases of both meet in the test. The order of rows does not matter,
nor does the unit of a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product

import numpy as np

from dagreg.numerics.arrays import Array

ROWS_PER_COLUMN = 5  # at least
MAX_COLUMNS = 80
MAX_WORK = 64_000_000  # rows x columns x columns
DEGREE = 5  # of a number in products with another
CLIPPED = 2.5  # standard deviations: beyond, products of two numbers stay as they are


def curves(blocks: Sequence[Array], rows: int) -> Array:
    """The columns for these nodes; a block is a number (one column) or indicators of levels.

    What every node adds linearly is always there; curvature, products of pairs and finer curves follow as
    long as there are `ROWS_PER_COLUMN` of so many rows for each column.
    """
    if len(blocks) == 0:
        return np.empty((rows, 0))
    numbers = [levelled(b[:, 0]) for b in blocks if is_number(b)]
    distinct = [_few_values(v) for v in numbers]
    parts = [powers(b) for b in blocks]
    used = sum(b.shape[1] for b in blocks)
    most = max(used, min(MAX_COLUMNS, rows // ROWS_PER_COLUMN, int((MAX_WORK / rows) ** 0.5)))
    knots, taken = 0, list[tuple[Array, ...]]()
    for step in _STEPS:
        if isinstance(step, int):
            wider = min(step, round(1.6 * rows ** (1 / 3)))
            more = sum(min(wider, d) - min(knots or 2, d) for d in distinct)
            if used + more <= most:
                knots, used = wider, used + more
        else:
            groups = combinations(parts, step.nodes)
            chosen = [
                tuple(part[i] for part, i in zip(one, powers_of, strict=True))
                for one in groups
                for powers_of in _exponents([len(p) for p in one], step.least, step.most)
            ]
            more = sum(int(np.prod([c.shape[1] for c in factors])) for factors in chosen)
            if used + more <= most:
                taken, used = taken + chosen, used + more
    bent = [_splines(v, knots) for v in numbers if knots > 2]
    return np.hstack([*blocks, *bent, *(reduce(_products, factors) for factors in taken)])


@dataclass(frozen=True, slots=True)
class _Products:
    """Products of so many nodes' powers, whose exponents (from 0, the first power) add up to this."""

    nodes: int
    least: int
    most: int


# Knots of the splines, and products; what has no room is left out.
_STEPS: tuple[int | _Products, ...] = (
    5,
    _Products(2, 0, 0),
    8,
    _Products(2, 1, 2),
    12,
    _Products(3, 0, 0),
    20,
    _Products(2, 3, 4),
    _Products(2, 5, 8),
)


def _exponents(counts: Sequence[int], least: int, most: int) -> Iterator[tuple[int, ...]]:
    return (e for e in product(*(range(n) for n in counts)) if least <= sum(e) <= most)


def _few_values(values: Array) -> int:
    """How many values there are, as far as more knots than that would be of no use."""
    return min(len(np.unique(values)), max(s for s in _STEPS if isinstance(s, int)))


def is_number(block: Array) -> bool:
    """Whether a block is a number of more than two values."""
    return block.shape[1] == 1 and bool(np.any((block != block.min()) & (block != block.max())))


def standardised(values: Array) -> Array:
    about = values - values.mean()
    spread = float(about.std())
    return np.asarray(about / spread if spread > 0 else about)


def levelled(values: Array) -> Array:
    """A number on a scale that draws its tails in: what is smooth in the one is in the other.

    On its own scale, a long tail takes all the columns.
    """
    about = values - np.median(values)
    spread = 2 * float(np.median(np.abs(about))) or float(about.std())
    return np.asarray(np.arcsinh(about / spread if spread > 0 else about))


def powers(block: Array) -> tuple[Array, ...]:
    """What a node brings into products: Chebyshev polynomials of a number, clipped, or its indicators."""
    if not is_number(block):
        return (np.column_stack([standardised(c) for c in block.T]),)
    angle = np.arccos(np.clip(standardised(levelled(block[:, 0])) / CLIPPED, -1, 1))[:, None]
    return tuple(np.cos(k * angle) for k in range(1, DEGREE + 1))


def _products(a: Array, b: Array) -> Array:
    return np.asarray((a[:, :, None] * b[:, None, :]).reshape(len(a), -1))


def _splines(values: Array, knots: int) -> Array:
    """What a natural cubic spline adds to a line, with knots at quantiles, closer in the tails (Hastie,
    Tibshirani and Friedman 2009, 5.2.1): values x (knots - 2), fewer where quantiles meet.
    """
    distinct = np.unique(values)
    if len(distinct) <= knots:
        return np.asarray(values[:, None] == distinct[1:-1], dtype=np.float64)
    least = 4 / len(values)
    heights = least + (1 - 2 * least) * (1 - np.cos(np.pi * np.linspace(0, 1, knots))) / 2
    at = np.unique(np.quantile(values, heights))
    if len(at) < 3:
        at = distinct[np.linspace(0, len(distinct) - 1, min(knots, len(distinct))).astype(int)]
    cubes = np.maximum(values[:, None] - at, 0) ** 3
    ends = (cubes[:, :-1] - cubes[:, -1:]) / (at[-1] - at[:-1])
    return np.asarray(ends[:, :-1] - ends[:, -1:])
