"""Metropolis-Hastings with independent proposals, for log posteriors that are concave.

**Theorem.** Let the log likelihood be concave in the linear predictor (or in predictors and cutpoints;
families say under which links: `Family.concave`), the predictor linear in the parameters, and the log priors
concave (Normal or flat). Then

- the log posterior is concave: it has one mode, which Newton's method finds from any start;
- a proper posterior falls off at least exponentially (Cule and Samworth 2010, lemma 1), so that its ratio to
  any multivariate t density is bounded by some M;
- Metropolis-Hastings with independent proposals from that t converges to the posterior whatever its start,
  its distance from it shrinking by 1 - 1/M a step at least (Mengersen and Tweedie 1996, theorem 2.1; Tierney
  1994).

With the t centred and scaled as the posterior, 1 - 1/M is small, a chain forgets in a few steps, and no
gradient has to be compiled. M is not known, though: the next engine takes over where few proposals are
accepted, or where the chains disagree or are worth few draws.

Newton's method (`numerics/glm.py`) finds the mode and the curvature there; a t density of that place and
shape is then fitted to the posterior's mean and covariance by importance sampling; its draws are the
proposals of every chain (Tierney 1994, section 2.3.3; Gelman et al. 2013, section 13.3). The log posterior is
evaluated at thousands of points at once, or of very many rows a polynomial that stands for it
(`engines/expansion.py`). The chains keep one of every few states, so that what is kept is nearly independent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.row_sums import in_sql, likelihood_rows, start_of
from dagreg.binding.rows import SAMPLE, Rows
from dagreg.engines.draws import Draws, by_symbol, convergence
from dagreg.engines.engine import Engine, Obstacle, columns_read
from dagreg.engines.expansion import points_by_series
from dagreg.engines.target import Target, mode, target_of
from dagreg.model.densities import CONCAVE_PRIORS
from dagreg.model.design import absent
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array
from dagreg.numerics.importance import derivatives
from dagreg.numerics.series import RowSums
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

LogDensity = Callable[[Array], Array]
NAME = "metropolis"
MAX_PARAMETERS = 40  # the curvature takes evaluations as their square, and acceptance falls
MANY = 100_000  # rows from which a polynomial about the mode is tried in their place
STEP = 0.25  # of the differences, in posterior sds
SCALES = 60  # that are tried, far more than a smooth function takes
PILOT, PILOT_EACH = 1_000, 100  # proposals that the t density is fitted to, and for each parameter
ROUNDS = 6
GOOD = 0.85  # of its draws, weighed, that count as independent ones: no need to fit it better
ENOUGH = 10  # effective draws for every parameter, to tell a mean and a covariance from
LEAST = 0.25  # of proposals to be accepted; with fewer, NUTS does better
LEAST_SIZE = 0.1  # of the draws, in effect
MOST_R_HAT, BY_CHANCE = 1.005, 15.0  # beside what chance gives few and short chains, but once in 100,000
FORGOTTEN = 0.05  # the share of chains that have not moved between one state that is kept and the next
THINNEST = 20
SHORT = 200  # draws of a chain: fewer are too few to judge it by
WARM = 50  # proposals before the first


@dataclass(frozen=True, slots=True)
class Proposal:
    """A multivariate t density with these degrees of freedom; `root` is one of its scale matrix."""

    centre: Array
    root: Array
    degrees: float

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """Points, and the log density there up to a constant."""
        size = len(self.centre)
        normal = rng.standard_normal((count, size))
        radius = np.sqrt(self.degrees / rng.chisquare(self.degrees, count))
        standard = normal * radius[:, None]
        density = -0.5 * (self.degrees + size) * np.log1p((standard**2).sum(axis=1) / self.degrees)
        return self.centre + standard @ self.root.T, density


def obstacle(piece: Piece, data: Data) -> Obstacle | None:
    """Why a piece is not known to have a concave log posterior, or has too many parameters."""
    why = _obstacle(piece)
    return Obstacle(why, piece.equation.span) if why else None


def _obstacle(piece: Piece) -> str:
    if len(piece.model.equations) > 1 or piece.model.latents or piece.model.mixture is not None:
        return "its regressions share parameters, or values that are not known"
    equation = piece.equation
    family, link = equation.family, equation.link.name
    if link not in family.concave:
        return f"the likelihood of {family.words} with the {link} link is not known to be concave"
    if equation.varying:
        return f"coefficients vary between the levels of {equation.varying[0].group}"
    if equation.censoring is not None:
        return f"values of {equation.response} are censored"
    if equation.dropped:
        return f"rows lack {equation.response}"
    bent = [p for p in equation.coefficients if p.distribution not in CONCAVE_PRIORS]
    if bent:
        return f"the log of the prior {bent[0]} is not concave and smooth"
    count = parameters(equation)
    return f"it has {count} parameters, more than {MAX_PARAMETERS}" if count > MAX_PARAMETERS else ""


def parameters(equation: Equation) -> int:
    """How many numbers its parameters are."""
    head = int(equation.has_intercept)
    slopes = len(equation.coefficients) - head
    several = len(equation.levels) - 1
    match equation.family.predictor:
        case "unordered":
            return several * (head + slopes)
        case "ordered":
            return several + slopes
        case _:
            return head + slopes


def draw_by_metropolis(model: Model, data: Mapping[str, Any], sampling: Sampling) -> Draws | None:
    """Draws of the one regression of a model; None where the posterior is not of a shape that proposals can
    have.
    """
    started = time.perf_counter()
    (equation,) = model.equations
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # points may lie where nothing is finite
        table = as_columns(data).in_place
        points = None
        if table is not None and in_sql(equation):
            rows = likelihood_rows(model, equation, table)
            start = _near(model, table, start_of(equation, rows))
            points = _by_series(rows, equation.coefficients, start, model, sampling)
        if points is None:
            points = _from_arrays(model, data, sampling)
    if points is None:
        return None
    return Draws(by_symbol(equation, points), NAME, 0, time.perf_counter() - started)


def _near(model: Model, table: Rows, start: Array) -> Array:
    """The mode of a sample of the rows, from which that of all is a step or two away; `start` without one."""
    some = table.sample(model.columns, SAMPLE, 0)
    there = ~np.any([absent(column) for column in some.values()], axis=0)
    if not there.any():
        return start
    target = target_of(model, {name: np.ma.getdata(column)[there] for name, column in some.items()})
    found = mode(target.look, target.priors, start)
    return start if found is None else found[0]


def _from_arrays(model: Model, data: Mapping[str, Any], sampling: Sampling) -> Array | None:
    target = target_of(model, data)
    if target.sums is not None and target.rows >= MANY:
        points = _by_series(target.sums, target.priors, target.start, model, sampling)
        if points is not None:
            return points
    found = laplace(target)
    return None if found is None else _moved(target, *found, sampling, _generator(model, sampling))


def _by_series(
    rows: RowSums, priors: tuple[PriorChoice, ...], start: Array, model: Model, sampling: Sampling
) -> Array | None:
    """The chains on a polynomial that is the log posterior of many rows; None where none is close enough."""
    rng = _generator(model, sampling)

    def chained(density: LogDensity, mode: Array, root: Array) -> Array | None:
        return _moved(density, mode, root, sampling, rng)

    return points_by_series(rows, priors, start, chained, rng)


def _moved(
    density: LogDensity, mode: Array, root: Array, sampling: Sampling, rng: np.random.Generator
) -> Array | None:
    """The chains; None where they are not to be relied on."""
    points = chains(density, mode, root, sampling.chains, sampling.draws, rng)
    return points if points is not None and mixed(points) else None


def _generator(model: Model, sampling: Sampling) -> np.random.Generator:
    return np.random.default_rng([sampling.seed, *model.formula.encode()])


# ------------------------------------------------------------ where to propose


def laplace(target: Target) -> tuple[Array, Array] | None:
    """The mode of a concave log posterior, and a root of its inverse curvature there; None where it has none.

    None, too, where curvature has no scale to settle on: beside a cliff, as under separated rows and a very
    wide prior.
    """
    found = mode(target.look, target.priors, target.start)
    if found is None:
        return None
    centre, information = found
    try:
        root = np.asarray(np.linalg.inv(np.linalg.cholesky(information)).T)
    except np.linalg.LinAlgError:
        return None
    return settled(target, centre, root)


def settled(target: LogDensity, centre: Array, root: Array) -> tuple[Array, Array] | None:
    """The mode, and a root under which the density falls about as a Normal does within `STEP` of an sd; None
    where there is none.
    """
    height = float(target(centre[None])[0])
    for _ in range(SCALES):
        _, curvature = derivatives(target, centre, root, height, STEP)
        if not np.isfinite(curvature).all():
            root = root / 4  # the differences reach beyond where the density is a number
            continue
        values, vectors = np.linalg.eigh(curvature)
        root = root @ (vectors / np.sqrt(np.maximum(values, 1e-6)))
        if values.min() > 0.5 and values.max() < 2:
            return centre, root
    return None


def normalised(weights: Array) -> Array:
    """Log weights as shares of their sum."""
    relative = np.exp(weights - weights.max())
    return np.asarray(relative / relative.sum())


def fitted(proposal: Proposal, points: Array, weights: Array) -> Proposal:
    """The proposal moved to the mean and the covariance that weighted draws of it have."""
    share = normalised(weights)
    if 1 / (share**2).sum() < ENOUGH * len(proposal.centre):
        return proposal
    centre = share @ points
    apart = points - centre
    covariance = (apart * share[:, None]).T @ apart
    return Proposal(centre, _factor(covariance), proposal.degrees)


def _factor(covariance: Array) -> Array:
    """A root of a covariance matrix: its Cholesky factor, which rounding hardly moves, unlike eigenvectors'
    signs.

    Where columns are so collinear that there is none, eigenvectors have to do.
    """
    size = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(size, size)
    try:
        return np.asarray(size[:, None] * np.linalg.cholesky(correlation))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        return np.asarray(size[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


# ------------------------------------------------------------ chains


def chains(
    target: LogDensity, mode: Array, root: Array, count: int, draws: int, rng: np.random.Generator
) -> Array | None:
    """Chains x draws x parameters; None where too few proposals would be accepted."""
    proposal, points, weights = _chosen(
        target, Proposal(mode, _factor(root @ root.T), max(10.0, 2.0 * len(mode))), rng
    )
    share, staying = stationary(weights)
    if not 1 - share @ staying > LEAST:
        return None
    thin = next((n for n in range(1, THINNEST) if share @ staying**n < FORGOTTEN), THINNEST)
    found = np.empty((count, draws, len(mode)))
    for chain in range(count):
        first = int(rng.choice(len(points), p=share))
        proposed, heights = _weighed(target, proposal, WARM + draws * thin, rng)
        states = _walk(float(weights[first]), heights, rng.random(len(heights)))[WARM + thin - 1 :: thin]
        found[chain] = np.concatenate([points[first][None], proposed])[states]
    return found


def _chosen(
    target: LogDensity, proposal: Proposal, rng: np.random.Generator
) -> tuple[Proposal, Array, Array]:
    """The proposal, moved to the posterior as long as its weighed draws are then worth more; and
    those draws.
    """
    count = PILOT + PILOT_EACH * len(proposal.centre)
    best, best_rate = (proposal, *_weighed(target, proposal, count, rng)), 0.0
    latest = best
    for _ in range(ROUNDS):
        rate = 1 / float((normalised(latest[2]) ** 2).sum() * count)
        if not rate > best_rate:
            break
        best, best_rate = latest, rate
        if rate > GOOD:
            break
        moved = fitted(*latest)
        latest = (moved, *_weighed(target, moved, count, rng))
    return best


def _weighed(
    target: LogDensity, proposal: Proposal, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Proposals, and the log of the posterior over the proposal's density at each."""
    points, density = proposal.draw(rng, count)
    return points, target(points) - density


def mixed(points: Array) -> bool:
    """Whether the chains agree and are worth enough draws; where they are not, a tail was hardly ever
    proposed.
    """
    sizes, r_hats = convergence(points)
    count, draws = points.shape[:2]
    if draws < SHORT:
        return True
    chance = BY_CHANCE / (draws // 2 * (2 * count - 1))
    return bool(((sizes > LEAST_SIZE * count * draws) & (r_hats < MOST_R_HAT + chance)).all())


def stationary(weights: Array) -> tuple[Array, Array]:
    """From log weights of proposals: how likely a chain is to be at each, and how likely to stay there for a
    step.
    """
    relative = np.exp(weights - weights.max())
    order = np.argsort(relative)
    ordered = relative[order]
    below = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    # from a weight w, a proposal of weight v is accepted with probability min(1, v / w)
    moving = (below / np.maximum(ordered, 1e-300) + np.arange(len(ordered), 0, -1)) / len(ordered)
    staying = np.empty(len(ordered))
    staying[order] = 1 - moving
    return normalised(weights), staying


def _walk(first: float, weights: Array, uniforms: Array) -> Any:
    """Where a chain is after each proposal: the number of a proposal, from 1; 0 is the first state."""
    at, here, states = 0, first, []
    for number, (weight, log) in enumerate(
        zip(weights.tolist(), np.log(uniforms).tolist(), strict=True), start=1
    ):
        if log < weight - here:
            at, here = number, weight
        states.append(at)
    return np.array(states)


ENGINE = Engine(
    name=NAME,
    words="Metropolis-Hastings with whole draws proposed from a t density fitted to the posterior (a Markov "
    "chain)",
    participle="sampled by Metropolis-Hastings",
    obstacle=obstacle,
    solve=lambda piece, data, sampling, *_: draw_by_metropolis(
        piece.model, columns_read(piece, data), sampling
    ),
    packages=("dagreg", "numpy"),
    in_place=lambda piece, data: (
        piece.grouping is None and data.in_place is not None and in_sql(piece.equation)
    ),
    unfit="no proposals for Metropolis-Hastings fitted it",
    step="concave",
    grounds=lambda piece: (
        "the log posterior has one mode, and a t density proposes whole draws (NUTS takes over if that does "
        "not fit)"
    ),
)
