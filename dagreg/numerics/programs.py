"""Linear programs that differ in their right sides alone, solved for many of them at once.

min c'q subject to A q = b, q >= 0 has the dual max b'l subject to A'l <= c, whose vertices do not depend on
b. A vertex that is best for one b is feasible for every other, so that b'l is a bound below the minimum
there, and the minimum itself where the vertex is best again (Bertsimas and Tsitsiklis 1997, section 5.2).
HiGHS solves some of the programs, their vertices are tried on all right sides, and it ends when `PATIENCE`
programs in a row bring no better vertex. What can be missed is a vertex: then a bound is wider than it has to
be, and never too narrow.
"""

from __future__ import annotations

import numpy as np

from dagreg.lazy import Lazy
from dagreg.numerics.arrays import Array

optimize = Lazy("scipy.optimize")

MAX_SOLVED = 200
PATIENCE = 20
CLOSE = 1e-9


def minima(cost: Array, constraints: Array, sides: Array) -> Array:
    """The minimum for each right side (sides x constraints); infinite where there is no solution."""
    found = np.full(len(sides), -np.inf)
    broken, in_vain = np.zeros(len(sides), dtype=bool), 0
    for i in np.random.default_rng(len(sides)).permutation(len(sides))[:MAX_SOLVED]:
        if broken[i]:
            continue
        vertex = _vertex(cost, constraints, sides[i])
        if vertex is None:
            broken |= sides @ _ray(constraints, sides[i]) > CLOSE
            broken[i], in_vain = True, 0
            continue
        in_vain = in_vain + 1 if sides[i] @ vertex <= found[i] + CLOSE else 0
        found = np.maximum(found, sides @ vertex)
        if in_vain == PATIENCE:
            break
    return np.where(broken, np.inf, found)


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
