"""Draws from the concave log posterior of very many rows, which is a polynomial about its mode.

**Theorem.** Let q be a density with a polynomial for its log, p the posterior, and e = log p - log q with
|e| <= d at all draws but for a constant. Then every mean under p differs from that under q by at most
exp(2 d) - 1 sds of q: E_p f - E_q f = Cov_q(f, w) with w = exp(e) / E_q exp(e), and |w - 1| <= exp(2 d) - 1
(Cauchy and Schwarz).

Newton's method finds the mode from sums over all rows (`numerics/glm.py`); one more pass gives the sums of
the third, or of the fourth order (`numerics/series.py`). The chains of `engines/metropolis.py` then move on
the polynomial, which takes no row. The check works the exact log likelihood out at some draws, the farthest
ones among them, where the remainder is largest. If it is off by more than `MAX_REMAINDER` under both orders,
there is no answer, and the rows themselves are asked at every proposal.

The rows answer through `RowSums`: arrays in memory or the database that holds them, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dagreg.engines.target import look_at, mode
from dagreg.model.densities import log_concave_density
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array
from dagreg.numerics.series import LEAST_ORDER, RowSums, Series, farthest

MAX_REMAINDER = 0.005  # of the log posterior, at draws far out: no mean moves by more than 1 % of its sd
REACH = 5.5  # sds beyond those that most draws lie at, where the polynomial ends: less than 1e-6 of all draws
Chains = Callable[[Callable[[Array], Array], Array, Array], Array | None]
"""Chains x draws x parameters of a log density, given its mode and a root of its inverse curvature there."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A log posterior as a polynomial about its mode; -inf where no draw can be."""

    likelihood: Series
    priors: tuple[PriorChoice, ...]
    root: Array

    def __call__(self, points: Array) -> Array:
        apart = np.linalg.solve(self.root, (points - self.likelihood.centre).T)
        within = (apart**2).sum(axis=0) < (np.sqrt(len(self.root)) + REACH) ** 2
        heights = np.full(len(points), -np.inf)
        some = points[within]
        if len(some):
            heights[within] = self.likelihood(some) + log_prior(self.priors, some)
        return heights


def log_prior(priors: Sequence[PriorChoice], points: Array) -> Array:
    """That of each of points x coefficients, up to a constant."""
    parts = [log_concave_density(prior, points[:, i]) for i, prior in enumerate(priors)]
    return np.asarray(np.sum(parts, axis=0))


def points_by_series(
    rows: RowSums,
    priors: tuple[PriorChoice, ...],
    start: Array,
    chains: Chains,
    rng: np.random.Generator,
) -> Array | None:
    """Chains x draws x parameters; None where the posterior is not close enough to a polynomial."""
    highest = rows.highest(len(start))
    found = mode(look_at(rows), priors, start) if highest >= LEAST_ORDER else None
    if found is None:
        return None
    centre, information = found
    try:
        root = np.asarray(np.linalg.inv(np.linalg.cholesky(information)).T)
    except np.linalg.LinAlgError:
        return None
    for order in range(LEAST_ORDER, highest + 1):
        target = Expanded(rows.series(centre, order), priors, root)
        points = chains(target, centre, root)
        if points is None:
            return None
        if remainder(rows, target.likelihood, points.reshape(-1, len(centre)), root, rng) <= MAX_REMAINDER:
            return points
    return None


def remainder(rows: RowSums, series: Series, points: Array, root: Array, rng: np.random.Generator) -> float:
    """By how much a series is off at most, at some of the points; infinite where a sum is no number."""
    some = np.concatenate([series.centre[None], farthest(points, series.centre, root, rng)])
    off = rows.totals(some) - series(some)
    largest = float(np.abs(off - off[0]).max())
    return largest if np.isfinite(largest) else np.inf
