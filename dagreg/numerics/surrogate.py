"""Draws of a density that takes long to evaluate: from a polynomial that is fitted to its logarithm.

How near a polynomial comes hangs on the coordinates. A likelihood in which deviations are integrated out is
smooth in their covariance, at 0 too, and about linear in the logarithm of a large one; in an sd and a
correlation it is neither. So a target may say in which coordinates it is smooth, and which part of it need
not be fitted, a prior for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np

from dagreg.numerics.arrays import Array
from dagreg.numerics.importance import Target, independent_draws

MAX_DEGREE = 4  # of the polynomial
MAX_BENT_DEGREE = 6  # of it in the coordinates that bend most
MAX_REACH = 5.5  # sds from the mode that it reaches
SPREAD = 1.5  # sds of the points that it is fitted to first
PER_PRODUCT = 1.6  # points for each of its coefficients
PER_ROUND = 0.5  # of its own draws, that join the fit
CHECKS = 32  # points that its error is measured at
MAX_ERROR = 0.02  # sd of the error of its log density
MAX_FITS = 4
MAX_MENDED = 0.2  # an error that more points do not mend


@dataclass(frozen=True, slots=True)
class Smooth:
    """How a log density is taken apart: a part that is known, and coordinates in which the rest is smooth.

    The rest is told by a polynomial; of higher order in the first `bent` of the coordinates.
    """

    known: Callable[[Array], Array]
    coordinates: Callable[[Array], Array]  # points x coordinates of points
    bent: int


PLAIN = Smooth(lambda points: np.zeros(len(points)), lambda points: points, 0)


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A log density as what is known of it plus a polynomial; -inf far outside."""

    centre: Array
    root: Array
    smooth: Smooth
    middle: Array  # of the smooth coordinates
    spread: Array  # a root of their covariance
    coefficients: Array

    def __call__(self, points: Array) -> Array:
        square = np.square(solved(self.root, points - self.centre)).sum(axis=1)
        standard = solved(self.spread, self.smooth.coordinates(points) - self.middle)
        found = polynomial(standard, self.smooth.bent) @ self.coefficients + self.smooth.known(points)
        return np.where(square <= MAX_REACH**2, found, -np.inf)


def solved(root: Array, apart: Array) -> Array:
    """Points x coordinates in units of a root of a covariance."""
    return np.linalg.solve(root, apart.T).T


def polynomial(standard: Array, bent: int = 0) -> Array:
    """Every product of at most `MAX_DEGREE` coordinates, and some more of the first, points x products."""
    points, size = standard.shape
    factors = products(size, bent)
    columns = np.ones((1 + len(factors), points))  # by product, so that each is written in one go
    for at, (fewer, factor) in enumerate(factors, start=1):
        np.multiply(columns[fewer], standard[:, factor], out=columns[at])
    return columns.T


@lru_cache
def products(size: int, bent: int) -> tuple[tuple[int, int], ...]:
    """Each product of coordinates but the empty one, as the place of a shorter one and one factor more.

    Of the first `bent` up to `MAX_BENT_DEGREE`, and `MAX_DEGREE` of these times one other.
    """
    wanted = [
        c for order in range(1, MAX_DEGREE + 1) for c in combinations_with_replacement(range(size), order)
    ]
    highest = list(combinations_with_replacement(range(bent), MAX_DEGREE))
    wanted += [(*places, other) for places in highest for other in range(bent, size)]
    for order in range(MAX_DEGREE + 1, MAX_BENT_DEGREE + 1):
        wanted += combinations_with_replacement(range(bent), order)
    at = {(): 0} | {places: number for number, places in enumerate(wanted, start=1)}
    return tuple((at[places[:-1]], places[-1]) for places in wanted)


def least_squares(design: Array, response: Array) -> Array:
    """Coefficients of one response, or of several side by side, from the normal equations of columns of
    length 1: a product of matrices, where an orthogonal decomposition is many small steps.

    The errors of a fit to products of coordinates are far above those of rounding.
    """
    lengths = np.linalg.norm(design, axis=0)
    scaled = design / lengths
    try:
        found = np.linalg.solve(scaled.T @ scaled, scaled.T @ response)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(design, response, rcond=None)[0]
    return np.asarray((found.T / lengths).T)


def draws_by_surrogate(
    target: Target,
    centre: Array,
    root: Array,
    count: int,
    rng: np.random.Generator,
    folded: tuple[int, ...] = (),
    smooth: Smooth = PLAIN,
) -> Array | None:
    """So many draws, as `independent_draws` has them of the density itself; None where no polynomial is near
    enough.

    The polynomial's error is measured at draws of it that it was not fitted to: its sd there must be at most
    `MAX_ERROR`, which moves no probability by more than half of that. These and more draws then join the fit.
    """
    size = len(centre)
    coefficients = 1 + len(products(size, smooth.bent))
    points = centre + SPREAD * rng.standard_normal((int(PER_PRODUCT * coefficients), size)) @ root.T
    heights = target(points)
    there = smooth.coordinates(centre + rng.standard_normal((len(points), size)) @ root.T)
    middle, spread = there.mean(axis=0), np.linalg.cholesky(np.cov(there.T).reshape(size, size))
    for _ in range(MAX_FITS):
        usable = np.isfinite(heights)
        weight = np.where(usable, np.exp(-np.square(solved(root, points - centre)).sum(axis=1) / 12), 0.0)
        rest = np.where(usable, heights - smooth.known(points), 0.0)
        rest = np.where(usable, rest - rest[usable].max(initial=-np.inf), 0.0)
        design = polynomial(solved(spread, smooth.coordinates(points) - middle), smooth.bent)
        fit = least_squares(design * weight[:, None], rest * weight)
        surrogate = Surrogate(centre, root, smooth, middle, spread, fit)
        draws = independent_draws(surrogate, centre, root, count, rng, folded)
        if draws is None:
            return None
        exact = target(draws[:CHECKS])
        error = float(np.std(exact - surrogate(draws[:CHECKS]))) if np.isfinite(exact).all() else np.inf
        if error <= MAX_ERROR:
            return draws
        if error > MAX_MENDED:
            return None
        more = draws[CHECKS : max(int(PER_ROUND * coefficients), CHECKS + 1)]
        points = np.concatenate([points, draws[:CHECKS], more])
        heights = np.concatenate([heights, exact, target(more)])
    return None
