"""Linear programs that differ in their right sides alone, solved for many of them at once.

min c'q subject to A q = b, q >= 0 has the dual max b'l subject to A'l <= c, whose vertices do not depend on
b. A vertex that is best for one b is feasible for every other, so that b'l is a bound below the minimum
there, and the minimum itself where the vertex is best again (Bertsimas and Tsitsiklis 1997, section 5.2).
HiGHS solves some of the programs, their vertices are tried on all right sides, and it ends when `PATIENCE`
programs in a row bring no better vertex. What can be missed is a vertex: then a bound is wider than it has to
be, and never too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dagreg.lazy import Lazy
from dagreg.numerics.arrays import Array

optimize = Lazy("scipy.optimize")

MAX_SOLVED = 200
PATIENCE = 20
CLOSE = 1e-9
NEAR = 3.0  # sds of the difference, within which another vertex may as well be the best


@dataclass(frozen=True, slots=True)
class Minima:
    """The minimum for each right side, infinite where there is no solution.

    `plain` are the values of the one vertex that is best at the mean of the sides: below each minimum, and
    without the bias of a maximum of many. `ties` counts the vertices that may be best there. `violation` says
    by how many sds the mean side lies outside of all that have a solution; 0 where it has one.
    """

    values: Array
    plain: Array
    ties: int
    violation: float


def minima(cost: Array, constraints: Array, sides: Array) -> Minima:
    """The programs of all right sides (sides x constraints)."""
    found = np.full(len(sides), -np.inf)
    broken, in_vain = np.zeros(len(sides), dtype=bool), 0
    middle = sides.mean(axis=0)
    first = _vertex(cost, constraints, middle)
    vertices = [] if first is None else [first]
    violation = 0.0 if first is not None else _violation(_ray(constraints, middle), sides)
    for i in np.random.default_rng(len(sides)).permutation(len(sides))[:MAX_SOLVED]:
        if broken[i]:
            continue
        vertex = _vertex(cost, constraints, sides[i])
        if vertex is None:
            broken |= sides @ _ray(constraints, sides[i]) > CLOSE
            broken[i], in_vain = True, 0
            continue
        better = sides[i] @ vertex > found[i] + CLOSE
        in_vain = 0 if better else in_vain + 1
        if better:
            vertices.append(vertex)
        found = np.maximum(found, sides @ vertex)
        if in_vain == PATIENCE:
            break
    values = np.where(broken, np.inf, found)
    if not vertices:
        return Minima(values, values, 1, violation)
    each = sides @ np.array(vertices).T
    best = int(np.argmax(middle @ np.array(vertices).T))
    behind = each[:, [best]] - each
    spread = behind.std(axis=0)
    different = spread > CLOSE
    tied = different & (behind.mean(axis=0) < NEAR * spread)
    return Minima(values, each[:, best], 1 + _distinct(behind[:, tied]), violation)


def _distinct(columns: Array) -> int:
    """How many of these columns differ from those before them."""
    kept: list[Array] = []
    for column in columns.T:
        if all(np.abs(column - other).max() > CLOSE for other in kept):
            kept.append(column)
    return len(kept)


def _violation(ray: Array, sides: Array) -> float:
    """By how many sds the values along a ray lie above 0."""
    values = sides @ ray
    spread = float(values.std())
    return float(values.mean()) / spread if spread > 0 else np.inf


def _vertex(cost: Array, constraints: Array, side: Array) -> Array | None:
    """A best vertex of the dual; None where the program has no solution."""
    solved = optimize.linprog(cost, A_eq=constraints, b_eq=side, bounds=(0, None), method="highs")
    return np.asarray(solved.eqlin.marginals) if solved.status == 0 else None


def _ray(constraints: Array, side: Array) -> Array:
    """A ray along which the dual has no end: it separates the side from all that have a solution.

    The dual of coming as near to a solution as possible, in the sum of what is missing.
    """
    size = len(side)
    slack = np.hstack([constraints, np.eye(size), -np.eye(size)])
    weights = np.concatenate([np.zeros(constraints.shape[1]), np.ones(2 * size)])
    nearest = optimize.linprog(weights, A_eq=slack, b_eq=side, bounds=(0, None), method="highs")
    return np.asarray(nearest.eqlin.marginals) if nearest.status == 0 else np.zeros(size)
