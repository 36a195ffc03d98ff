"""Metropolis-Hastings on proposals that importance weights have judged, for models of few parameters.

Newton's method finds the mode of the log posterior (`engines/density.py`) and the curvature there, from
several starts far apart; they have to end at one mode. A split t density of that place and shape (Geweke
1989, section 4; Tierney and Kadane 1986 for the mode's part) then proposes all states of the chains. Where it
does not fit well, a mixture of t densities is fitted to weighted draws (Cappe, Douc, Guillin, Marin and
Robert 2008) and takes its place.

**Theorem.** Let proposals be independent draws of q, and w = p / q for the posterior p. Metropolis-Hastings
that accepts a move from x to y with the probability min(1, w(y) / w(x)) leaves p invariant; if w is bounded
by M, the distance from p shrinks by 1 - 1/M a step at least, whatever the start (Tierney 1994, section 2.3.3;
Mengersen and Tweedie 1996, theorem 2.1). Nothing is approximated: how well q fits decides only how fast
chains forget.

**The check.** No M is known, but draws of w tell of its tail: where a generalised Pareto distribution fitted
to the largest weights has a shape k above 0.7 (or 1 - 1 / log10 of the draws, if that is less), some region
that matters was hardly ever proposed (Vehtari, Simpson, Gelman, Yao and Gabry 2024). Then, or where proposals
are worth few draws, chains disagree, or several modes have mass, there are no draws here, and the next engine
takes over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dagreg.binding.rows import Rows
from dagreg.emit.program import Program
from dagreg.engines import density
from dagreg.engines.density import Posterior, parameters, posterior_of
from dagreg.engines.draws import Draws
from dagreg.engines.engine import Engine, Obstacle, Progress, columns_read
from dagreg.engines.metropolis import mixed, stationary
from dagreg.model.plan import Model
from dagreg.model.statistics import CellCounts, Sufficient
from dagreg.numerics.arrays import Array, special
from dagreg.numerics.pareto import tail_shape
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

LogDensity = Callable[[Array], Array]
NAME = "importance"
MAX_PARAMETERS = 30  # t densities of more fit few posteriors
MAX_NEWTON_STEPS = 150
MAX_HALVINGS = 16  # of a Newton step
MIN_CURVATURE = 1e-6  # in coordinates with a unit diagonal
MAX_DISTANCE = 0.05  # to the mode, in posterior sds, where the search ends
STARTS, STARTS_OF_MANY = 8, 4  # besides the first; of many rows each takes longer
MANY_ROWS = 20_000
START_SPREAD = 5.0  # sds of the posterior, from which starts are drawn around its mode
MAX_MODE_DISTANCE = 0.5  # posterior sds between two ends of searches that are one mode
MIN_MASS = 1e-4  # share of the probability from which other modes matter
MAX_DEPTH = 30.0  # log units under the mode, where a start that ends nowhere does not matter
DEGREES = 7.0  # of freedom of the t densities
DISTANCES = np.arange(0.5, 8.5, 0.5)  # sds from the mode, at which the half widths of a split t are taken
WIDTHS = (0.7, 5.0)  # of these, in sds
PILOT, PILOT_EACH = 1_000, 100  # proposals that the mixture is fitted to, and for each parameter
PILOT_OF_MANY = 500  # of many rows
MAX_ROUNDS = 8
MIN_GOOD_SHARE = 0.6  # effective draws in a proposal: no need to fit better
MIN_SHARE = 0.1
MAX_GOOD_SHAPE = 0.4  # of the tail of their weights: the same
MAX_COMPONENTS = 5
MIN_GAIN = 0.02  # in effective draws a proposal, for a round to count as better
EM_STEPS = 5
NEW_SHARE = 0.1  # of a component that is new
TOP_SHARE, TOP_EACH = 0.02, 5  # of draws, and for each parameter: those that it is put at
MAX_TAIL_SHAPE = 0.7
MAX_UNMOVED = 0.05  # share of chains that have not moved between one state that is kept and the next
MAX_UNMOVED_OF_MANY = 0.25  # of many rows
MAX_THINNING = 30


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """A maximum of a log density; `root` is a root of the inverse of its curvature there."""

    point: Array
    height: float
    root: Array

    @property
    def log_mass(self) -> float:
        """By Laplace's method."""
        return self.height + float(np.linalg.slogdet(self.root)[1])

    def beside(self, point: Array, height: float) -> bool:
        """Whether a point lies within half a posterior sd, and as high as that says."""
        if abs(self.height - height) > MAX_MODE_DISTANCE:
            return False
        return bool(np.linalg.norm(np.linalg.solve(self.root, point - self.point)) < MAX_MODE_DISTANCE)


def obstacle(piece: Piece, data: Data) -> Obstacle | None:
    """Why this engine cannot solve a piece; None where it can."""
    why = density.obstacle(piece.model)
    if isinstance(piece.statistics, CellCounts):
        why = "counts stand for its rows"
    count = 0 if why else parameters(piece.model)
    if count > MAX_PARAMETERS:
        why = f"it has {count} parameters, more than {MAX_PARAMETERS}"
    return Obstacle(why, piece.equation.span) if why else None


def draw_by_importance(
    model: Model, data: Mapping[str, Any], sampling: Sampling, statistics: Sufficient | None = None
) -> Draws | None:
    """Draws of a model whose posterior few parameters have; None where the check above fails."""
    started = time.perf_counter()
    rng = np.random.default_rng([sampling.seed, *model.formula.encode()])
    posterior = posterior_of(model, data, statistics)
    mode = only_mode(posterior, rng)
    if mode is None:
        return None
    points = chains(posterior, mode, sampling.chains, sampling.draws, rng, posterior.rows)
    if points is None or not mixed(points):
        return None
    values = posterior.by_symbol(points)
    if posterior.unknown is not None:
        values |= posterior.unknown.draws(posterior.coordinates.values(points), rng)
    return Draws(values, NAME, 0, time.perf_counter() - started)


# ------------------------------------------------------------ the mode


def only_mode(posterior: Posterior, rng: np.random.Generator) -> Mode | None:
    """The one mode that has all but `MIN_MASS` of the probability; None where no search finds such a one."""
    centre, spread = posterior.coordinates.centres()
    first = next(
        (m for m in (climb(posterior, x) for x in (posterior.start, centre)) if isinstance(m, Mode)), None
    )
    if first is None:
        return None
    count = STARTS if posterior.rows < MANY_ROWS else STARTS_OF_MANY
    around = (
        first.point + START_SPREAD * rng.standard_normal((count - count // 2, len(centre))) @ first.root.T
    )
    afar = centre + spread * rng.standard_normal((count // 2, len(centre)))
    modes = [first]
    for start in (*around, *afar):
        end = climb(posterior, start, tuple(modes))
        if isinstance(end, Mode):
            if end not in modes:
                modes.append(end)
        elif end > max(m.height for m in modes) - MAX_DEPTH:
            return None
    mass = np.array([m.log_mass for m in modes])
    share = np.exp(mass - special.logsumexp(mass))
    best = int(np.argmax(share))
    return modes[best] if 1 - share[best] < MIN_MASS else None


def climb(posterior: Posterior, start: Array, known: tuple[Mode, ...] = ()) -> Mode | float:
    """Newton's method from a start, its steps halved until they lead up; else the height where that ends.

    Where the density is not concave the curvatures' absolute values take their place, so that every step
    leads up. It ends early beside a mode that is known.
    """
    point, height = start, float(posterior(start[None])[0])
    for _ in range(MAX_NEWTON_STEPS):
        if not np.isfinite(height):
            return -np.inf
        there = next((mode for mode in known if mode.beside(point, height)), None)
        if there is not None:
            return there
        gradient, hessian = posterior.derivatives(point)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return height
        size = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
        curvature, vectors = np.linalg.eigh(-hessian / np.outer(size, size))
        turned = vectors / np.sqrt(np.maximum(np.abs(curvature), MIN_CURVATURE)) / size[:, None]
        slope = turned.T @ gradient
        if float(np.linalg.norm(slope)) < MAX_DISTANCE and curvature.min() > MIN_CURVATURE:
            return Mode(point, height, turned)
        lengths = 2.0 ** -np.arange(MAX_HALVINGS)
        points = point + lengths[:, None] * (turned @ slope)
        heights = posterior(points)
        best = int(np.argmax(heights))
        if not heights[best] > height:
            return height
        point, height = points[best], float(heights[best])
    return height


# ------------------------------------------------------------ proposals


class Proposal(Protocol):
    """A density that points are drawn from."""

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Points."""
        ...

    def log_density(self, points: Array) -> Array:
        """Up to a constant."""
        ...


@dataclass(frozen=True, slots=True)
class SplitT:
    """A t density with a scale of its own on either side of the mode along each axis (Geweke 1989, section
    4).

    The axes are the columns of `root`. Densities of both sides meet at the mode.
    """

    centre: Array
    root: Array
    up: Array
    down: Array
    degrees: float

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        size = len(self.centre)
        upward = rng.random((count, size)) < self.up / (self.up + self.down)
        normal = np.abs(rng.standard_normal((count, size))) * np.where(upward, self.up, -self.down)
        normal *= np.sqrt(self.degrees / rng.chisquare(self.degrees, count))[:, None]
        return np.asarray(self.centre + normal @ self.root.T)

    def log_density(self, points: Array) -> Array:
        axes = np.linalg.solve(self.root, (points - self.centre).T).T
        squared = ((axes / np.where(axes > 0, self.up, self.down)) ** 2).sum(axis=1)
        return np.asarray(-0.5 * (self.degrees + len(self.centre)) * np.log1p(squared / self.degrees))


def split_t(target: LogDensity, mode: Mode) -> SplitT | None:
    """The split t density at a mode, as wide along each half axis as the target falls off slowly.

    The last parameters come first among the axes: those of families, which are skewed, and which others
    follow.
    """
    size = len(mode.point)
    turned = _factor((mode.root @ mode.root.T)[::-1, ::-1])
    if turned is None:
        return None
    root = turned[::-1]
    steps = np.concatenate([DISTANCES, -DISTANCES])
    points = mode.point + (steps[:, None, None] * root.T).reshape(-1, size)
    fall = np.maximum(mode.height - target(points), 1e-3).reshape(2, len(DISTANCES), size)
    width = np.clip((DISTANCES[:, None] / np.sqrt(2 * fall)).max(axis=1), *WIDTHS)
    return SplitT(mode.point, root, width[0], width[1], DEGREES)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of multivariate t densities: shares, centres, and roots of their scale matrices."""

    shares: Array
    centres: Array  # components x parameters
    roots: Array  # components x parameters x parameters, lower triangular
    degrees: float

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Points."""
        size = self.centres.shape[1]
        which = rng.choice(len(self.shares), count, p=self.shares)
        normal = rng.standard_normal((count, size))
        normal *= np.sqrt(self.degrees / rng.chisquare(self.degrees, count))[:, None]
        return np.asarray(self.centres[which] + np.einsum("nij,nj->ni", self.roots[which], normal))

    def parts(self, points: Array) -> tuple[Array, Array]:
        """Of each component, components x points: the log of its share times its density, and squared
        distances.
        """
        size = self.centres.shape[1]
        densities, distances = [], []
        for share, centre, root in zip(self.shares, self.centres, self.roots, strict=True):
            apart = np.linalg.solve(root, (points - centre).T)
            squared = (apart**2).sum(axis=0)
            scale = np.log(np.abs(np.diag(root))).sum()
            tail = -0.5 * (self.degrees + size) * np.log1p(squared / self.degrees)
            densities.append(np.log(share) - scale + tail)
            distances.append(squared)
        return np.array(densities), np.array(distances)

    def log_density(self, points: Array) -> Array:
        """Up to a constant."""
        return np.asarray(special.logsumexp(self.parts(points)[0], axis=0))


def fitted(mixture: Mixture, points: Array, share: Array) -> Mixture:
    """One step of EM towards the weighted points (Cappe et al. 2008, section 4.2, for t densities)."""
    densities, distances = mixture.parts(points)
    size = points.shape[1]
    member = np.exp(densities - special.logsumexp(densities, axis=0)) * share
    shrunk = member * (mixture.degrees + size) / (mixture.degrees + distances)
    shares, centres, roots = [], [], []
    for own, pull in zip(member, shrunk, strict=True):
        if 1 / max(float(((own / max(own.sum(), 1e-300)) ** 2).sum()), 1e-300) < 3 * size:
            continue  # too few draws to tell a covariance from
        centre = pull @ points / pull.sum()
        apart = points - centre
        covariance = (apart * pull[:, None]).T @ apart / own.sum()
        root = _factor(covariance)
        if root is not None:
            shares.append(own.sum())
            centres.append(centre)
            roots.append(root)
    if not shares:
        return mixture
    total = np.array(shares)
    return Mixture(total / total.sum(), np.array(centres), np.array(roots), mixture.degrees)


def split(mixture: Mixture, points: Array, weights: Array) -> Mixture:
    """The mixture with one component more, where the draws of the largest weights lie: there proposals are
    too few.
    """
    size = points.shape[1]
    top = np.argsort(weights)[-max(TOP_EACH * size, int(TOP_SHARE * len(points))) :]
    share = _shares(weights[top])
    centre = share @ points[top]
    nearest = mixture.roots[int(np.argmax(mixture.parts(centre[None])[0][:, 0]))]
    apart = points[top] - centre
    root = _factor((apart * share[:, None]).T @ apart + 0.25 * nearest @ nearest.T)
    if root is None:
        return mixture
    shares = np.concatenate([mixture.shares * (1 - NEW_SHARE), [NEW_SHARE]])
    roots = np.concatenate([mixture.roots, root[None]])
    return Mixture(shares, np.vstack([mixture.centres, centre]), roots, mixture.degrees)


def _factor(covariance: Array) -> Array | None:
    """The Cholesky factor of a covariance matrix, None where it has none."""
    size = np.sqrt(np.diag(covariance))
    if not (np.isfinite(size).all() and (size > 0).all()):
        return None
    try:
        return np.asarray(size[:, None] * np.linalg.cholesky(covariance / np.outer(size, size)))
    except np.linalg.LinAlgError:
        return None


def _shares(weights: Array) -> Array:
    """Log weights as shares of their sum."""
    relative = np.exp(weights - weights.max())
    return np.asarray(relative / relative.sum())


def effective(weights: Array) -> float:
    """How many independent draws a weighted one is worth, at most 1 (Kong 1992)."""
    return float(1 / (_shares(weights) ** 2).sum() / len(weights))


def adapted(
    target: LogDensity, mode: Mode, rng: np.random.Generator, pilot: int = PILOT
) -> tuple[Proposal, Array, Array] | None:
    """The proposal whose weighted draws are worth most; and those draws with their log weights.

    A split t density at the mode, or where that does not fit well a mixture, which starts as one t density
    there. None where not even one draw has a weight.
    """
    size = len(mode.point)
    root = _factor(mode.root @ mode.root.T)
    first = split_t(target, mode)
    if root is None or first is None:
        return None
    proposal: Proposal = first
    mixture = Mixture(np.ones(1), mode.point[None], root[None], DEGREES)
    best, best_score = None, -np.inf
    for _ in range(MAX_ROUNDS):
        points = proposal.draw(rng, pilot + PILOT_EACH * size)
        weights = target(points) - proposal.log_density(points)
        if not np.isfinite(weights.max()):
            return best
        rate, shape = effective(weights), tail_shape(weights)
        score = rate - max(shape - MAX_GOOD_SHAPE, 0.0)
        if score > best_score + MIN_GAIN:
            best, best_score = (proposal, points, weights), score
            if rate > MIN_GOOD_SHARE and shape < MAX_GOOD_SHAPE:
                return best
        elif best is not None:
            proposal, points, weights = best
            if len(mixture.shares) == MAX_COMPONENTS:
                return best
            mixture = split(proposal if isinstance(proposal, Mixture) else mixture, points, weights)
        for _ in range(EM_STEPS):
            mixture = fitted(mixture, points, _shares(weights))
        proposal = mixture
    return best


# ------------------------------------------------------------ chains


def chains(
    target: LogDensity, mode: Mode, count: int, draws: int, rng: np.random.Generator, rows: int = 0
) -> Array | None:
    """Chains x draws x coordinates; None where the proposals do not fit."""
    many = rows >= MANY_ROWS
    fit = adapted(target, mode, rng, PILOT_OF_MANY if many else PILOT)
    if fit is None:
        return None
    mixture, pilot, pilot_weights = fit
    share, staying = stationary(pilot_weights)
    if effective(pilot_weights) < MIN_SHARE:
        return None
    left = MAX_UNMOVED_OF_MANY if many else MAX_UNMOVED
    thin = next((n for n in range(1, MAX_THINNING) if share @ staying**n < left), MAX_THINNING)
    steps = draws * thin
    points = mixture.draw(rng, count * steps)
    weights = target(points) - mixture.log_density(points)
    enough = 1 - 1 / np.log10(max(len(weights), 20))
    if not tail_shape(weights) <= min(MAX_TAIL_SHAPE, enough):
        return None
    first = rng.choice(len(pilot), count, p=share)
    at = walk(pilot_weights[first], weights.reshape(count, steps), rng)[:, thin - 1 :: thin]
    everything = np.concatenate([pilot[first][:, None], points.reshape(count, steps, -1)], axis=1)
    return np.asarray(everything[np.arange(count)[:, None], at])


def walk(first: Array, weights: Array, rng: np.random.Generator) -> Any:
    """Of each chain, after each of its proposals, the number of the one that it is at, from 1; 0 is its first
    state.
    """
    uniforms = np.log(rng.random(weights.shape))
    states = np.empty(weights.shape, dtype=np.int64)
    for chain, here in enumerate(first.tolist()):
        at, visited = 0, []
        for number, (weight, log) in enumerate(
            zip(weights[chain].tolist(), uniforms[chain].tolist(), strict=True), 1
        ):
            if log < weight - here:
                at, here = number, weight
            visited.append(at)
        states[chain] = visited
    return states


def _solve(
    piece: Piece, data: Rows, sampling: Sampling, program: Callable[[], Program], progress: Progress
) -> Draws | None:
    statistics = piece.statistics if isinstance(piece.statistics, Sufficient) else None
    return draw_by_importance(piece.model, columns_read(piece, data), sampling, statistics)


ENGINE = Engine(
    name=NAME,
    words="Metropolis-Hastings on proposals judged by importance weights",
    participle="sampled by Metropolis-Hastings on proposals judged by importance weights",
    obstacle=obstacle,
    solve=_solve,
    packages=("dagreg", "numpy", "scipy"),
    unfit="importance weights found no proposals that fit",
    step=NAME,
    grounds=lambda piece: (
        "few parameters and a numeric posterior: its mode and curvature make proposals "
        "(NUTS takes over if those do not fit)"
    ),
)
