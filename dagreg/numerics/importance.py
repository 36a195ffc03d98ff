"""Draws of a density in a few dimensions by importance sampling: a t density at the mode, and weights with a
check.

The proposals are those of a multivariate t at the mode, with the curvature there, moved to the mean and the
covariance that its own weighted draws have. The largest weights are smoothed by a generalised Pareto
distribution. Its shape, k, tells whether weights have moments: up to 0.7 means are reliable, beyond they are
not (Vehtari, Simpson, Gelman, Yao and Gabry 2024). Points are points x dimensions throughout; a target gives
a log density, up to a constant, for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from dagreg.numerics.arrays import Array
from dagreg.numerics.pareto import pareto_smoothed

Target = Callable[[Array], Array]
STEP = 0.2  # of the differences, in posterior sds
MAX_NEWTON = 60
MAX_UNSETTLED = 20  # steps after which curvature that depends on the differences' size is taken as it is
MAX_DISTANCE = 0.1  # to the mode, in posterior sds
MAX_HALVINGS = 20
MAX_HEIGHT = 1e12  # of a log density, whose differences have no digits beyond
MIN_CURVATURE = 0.05  # curvature below which an sd is not told by it
MAX_STRETCH = 30.0  # of a step, in the sds that the curvature says
DEGREES = 6.0  # of freedom of the proposals
DEFENSIVE, WIDER = 0.1, 2.5  # the share of wider proposals, and how much wider they are
MAX_FOLD_DISTANCE = 40.0  # scales from 0, beyond which a mirror image has no density to speak of
MAX_FOLDED = 8  # coordinates whose mirror images are added up
PILOT, PILOT_EACH = 1_000, 200  # proposals that a t is fitted to, and for each dimension
MAX_ROUNDS = 5
MAX_SHAPE = 0.7  # k, from which means of weighted draws are not reliable
MAX_EVEN = 5.0  # the largest weight over the mean (Chatterjee and Diaconis 2018), up to which k is not asked
MIN_RATE = 0.02  # effective draws a proposal
MIN_EXCESS = 2.0  # effective draws for each that is kept
MAX_PROPOSALS = 400_000
MAX_BLOCK = 4_096  # points at once


@dataclass(frozen=True, slots=True)
class StudentT:
    """A multivariate t density; `root` is the Cholesky factor of its scale matrix.

    A share of the draws is of one that is `WIDER`, so that no weight grows large where the target has a
    longer tail on one side (a defensive mixture: Hesterberg 1995).

    The coordinates at `folded` are absolute values: a point stands for its mirror images, too.
    """

    centre: Array
    root: Array
    folded: tuple[int, ...] = ()
    degrees: float = DEGREES

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        normal = rng.standard_normal((count, len(self.centre)))
        radius = np.sqrt(self.degrees / rng.chisquare(self.degrees, count))
        radius[rng.random(count) < DEFENSIVE] *= WIDER
        points = self.centre + (normal * radius[:, None]) @ self.root.T
        points[:, self.folded] = np.abs(points[:, self.folded])
        return np.asarray(points)

    def log_density(self, points: Array) -> Array:
        """At each point, up to the constant that all t densities of this dimension share."""
        near = [i for i in self.folded if self.centre[i] < MAX_FOLD_DISTANCE * np.linalg.norm(self.root[i])][
            :MAX_FOLDED
        ]
        total = np.full(len(points), -np.inf)
        for signs in product((1.0, -1.0), repeat=len(near)):
            image = points.copy()
            image[:, near] *= signs
            total = np.logaddexp(total, self._unfolded(image))
        return total

    def _unfolded(self, points: Array) -> Array:
        standard = np.linalg.solve(self.root, (points - self.centre).T)
        size = len(self.centre)
        square = (standard**2).sum(axis=0) / self.degrees
        own = np.log1p(-DEFENSIVE) - 0.5 * (self.degrees + size) * np.log1p(square)
        wide = np.log(DEFENSIVE / WIDER**size) - 0.5 * (self.degrees + size) * np.log1p(square / WIDER**2)
        return np.asarray(np.logaddexp(own, wide) - float(np.log(np.abs(np.diag(self.root))).sum()))


@dataclass(frozen=True, slots=True)
class Weighted:
    """Points, the logs of their smoothed weights, and the shape k of the largest ones."""

    points: Array
    weights: Array  # shares of their sum
    shape: float

    @property
    def size(self) -> float:
        """How many independent draws they are worth (Kish)."""
        return float(1 / np.square(self.weights).sum())


# ------------------------------------------------------------ the mode


def mode(target: Target, start: Array, scale: Array) -> tuple[Array, Array] | None:
    """The mode, and the Cholesky factor of the inverse of the negative Hessian there; None where none is
    found.

    Newton's method with differences, in coordinates in which the density is about round. `scale` has a first
    guess of the sds.
    """
    centre, root = start, np.diag(scale)
    height = float(target(centre[None])[0])
    if not np.isfinite(height):
        return None
    for step_number in range(MAX_NEWTON):
        gradient, curvature = derivatives(target, centre, root, height, STEP)
        if not (np.isfinite(gradient).all() and np.isfinite(curvature).all()):
            root = root / 4
            continue
        values, vectors = np.linalg.eigh(curvature)
        bounded = np.maximum(np.abs(values), MIN_CURVATURE)
        step = vectors @ ((vectors.T @ gradient) / bounded)
        far = float(np.sqrt((np.square(vectors.T @ gradient) / bounded).sum()))
        if far > MAX_STRETCH:
            step *= MAX_STRETCH / far
        moved = False
        for halving in range(MAX_HALVINGS):
            there = centre + root @ step / 2.0**halving
            value = float(target(there[None])[0])
            if value > height:
                centre, height, moved = there, value, True
                break
            if far < MAX_DISTANCE:
                break
        settled = values.min() > 0.5 and values.max() < 2.0
        if far < MAX_DISTANCE and (settled or step_number >= MAX_UNSETTLED):
            half = root @ (vectors / np.sqrt(bounded))
            try:
                return (centre, np.linalg.cholesky(half @ half.T)) if abs(height) < MAX_HEIGHT else None
            except np.linalg.LinAlgError:
                return None
        root = root @ (vectors / np.sqrt(bounded))
        if not moved and far >= MAX_DISTANCE:
            root = root / 2
    return None


def derivatives(
    target: Target, centre: Array, root: Array, height: float, step: float
) -> tuple[Array, Array]:
    """The gradient and the negative Hessian in the coordinates of `root`, by central differences."""
    size = len(centre)
    one, (left, right) = np.eye(size), np.triu_indices(size, 1)
    two = one[left] + one[right]
    heights = target(centre + step * np.concatenate([one, -one, two, -two]) @ root.T)
    up, down, both, neither = np.split(heights, np.cumsum([size, size, len(two)]))
    with np.errstate(invalid="ignore"):  # the differences may reach where nothing is finite
        singles = up + down - 2 * height
        curvature = np.diag(-singles / step**2)
        curvature[left, right] = -(both + neither - 2 * height - singles[left] - singles[right]) / (
            2 * step**2
        )
        curvature[right, left] = curvature[left, right]
        slope = (up - down) / (2 * step)
    return slope, curvature


# ------------------------------------------------------------ weights


def weighted(target: Target, proposal: StudentT, points: Array) -> Weighted:
    """Draws of a proposal with their weights under the target."""
    log_weights = np.concatenate(
        [target(points[i : i + MAX_BLOCK]) for i in range(0, len(points), MAX_BLOCK)]
    )
    log_weights = log_weights - proposal.log_density(points)
    log_weights = np.where(np.isnan(log_weights), -np.inf, log_weights)
    if not np.isfinite(log_weights.max()):
        return Weighted(points, np.full(len(points), 1 / len(points)), np.inf)
    return Weighted(points, *pareto_smoothed(log_weights))


def moved(proposal: StudentT, draws: Weighted) -> StudentT:
    """The proposal with the mean and the covariance of its weighted draws, where they are enough to tell."""
    if draws.size < 10 * len(proposal.centre):
        return proposal
    centre = draws.weights @ draws.points
    apart = draws.points - centre
    covariance = (apart * draws.weights[:, None]).T @ apart
    try:
        return StudentT(centre, np.linalg.cholesky(covariance), proposal.folded, proposal.degrees)
    except np.linalg.LinAlgError:
        return proposal


def fitted(target: Target, proposal: StudentT, rng: np.random.Generator) -> StudentT:
    """The proposal moved to the target as long as that makes its draws worth more."""
    count = PILOT + PILOT_EACH * len(proposal.centre)
    best = proposal
    draws = weighted(target, best, best.draw(rng, count))
    for _ in range(MAX_ROUNDS):
        other = moved(best, draws)
        if other is best:
            break
        again = weighted(target, other, other.draw(rng, count))
        if not again.size > draws.size:
            break
        gain = again.size / draws.size
        best, draws = other, again
        if gain < 1.05:
            break
    return best


def independent_draws(
    target: Target,
    centre: Array,
    root: Array,
    count: int,
    rng: np.random.Generator,
    folded: tuple[int, ...] = (),
) -> Array | None:
    """So many draws, in random order; None where the weights cannot be relied on.

    The proposals grow until they are worth `MIN_EXCESS` times as many independent draws. Of these a
    systematic sample is taken (Kitagawa 1996), in which each occurs as often as its weight says, within one.
    """
    proposal = fitted(target, StudentT(_folded(centre, folded), root, folded), rng)
    points = np.empty((0, len(centre)))
    size = int(MIN_EXCESS * count * 2)
    while True:
        points = np.concatenate([points, proposal.draw(rng, size - len(points))])
        draws = weighted(target, proposal, points)
        if draws.shape == np.inf or draws.size / len(points) < MIN_RATE:  # infinite: no weight is a number
            return None
        if draws.size >= MIN_EXCESS * count:
            break
        size = int(min(len(points) * max(1.2, 1.1 * MIN_EXCESS * count / draws.size), MAX_PROPOSALS))
        if size <= len(points):
            return None
    even = float(draws.weights.max()) * len(points) <= MAX_EVEN  # a short tail whose shape tells nothing
    if draws.shape > MAX_SHAPE and not even:
        return None
    return draws.points[resampled(draws.weights, count, rng)]


def _folded(centre: Array, folded: tuple[int, ...]) -> Array:
    """A mode, or the mirror image of it that points stand for."""
    moved = centre.copy()
    moved[list(folded)] = np.abs(moved[list(folded)])
    return moved


def resampled(
    weights: Array, count: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The places of a systematic sample, in random order."""
    ends = np.cumsum(weights)
    places = np.searchsorted(ends, (np.arange(count) + rng.random()) / count * ends[-1], side="right")
    return rng.permutation(np.minimum(places, len(weights) - 1))
