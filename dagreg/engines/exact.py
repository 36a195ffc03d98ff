"""Independent draws of a posterior: cell means by conjugacy, a Gaussian regression by one quadrature.

**Theorem.** Let y | b, sigma ~ Normal(X b, sigma) and b ~ Normal(m, diag(d^2)), some d infinite (flat), and
let sigma have any prior. Then b | sigma, y is Normal, and sigma has the one-dimensional marginal

    p(sigma | y)  ~  p(sigma) Normal(y | X m, sigma^2 + X diag(d^2) X')

(Bishop 2006, section 3.5; flat coefficients integrated out). A grid over log sigma gives its distribution
function, and draws of sigma, then of b given sigma, are independent draws of the posterior. Both steps need
the sufficient statistics only. Cells of counts have the posteriors of `optimise/cells.py`.

In Bishop's notation: with the sufficient statistics z = Q'y, R and s (see
`optimise/sufficient.py`) and b = m + D a, a ~ Normal(0, I), let U S V' be the singular value decomposition of
R D and c = U'(z - R m). Then, with N the number of units,

    log p(sigma | y) = log p(sigma) - (N - p) log sigma
                       - 1/2 sum_i [log(sigma^2 + S_i^2) + c_i^2 / (sigma^2 + S_i^2)] - s / (2 sigma^2) +
                         constant,
    (V'a)_i | sigma, y ~ Normal with mean S_i c_i / (sigma^2 + S_i^2), variance sigma^2 / (sigma^2 + S_i^2).

Nothing is inverted, so collinear predictors lose no more digits than their R has. Flat coefficients come
first in the triangle and are integrated out: given the others and sigma they solve T_ff f = z_f - T_fo b_o +
sigma e.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from dagreg.engines.draws import Draws, by_symbol
from dagreg.engines.engine import Engine, Obstacle
from dagreg.model.cells import beta_or_gamma
from dagreg.model.densities import LOG_DENSITIES, bounds, log_density
from dagreg.model.equation import Equation
from dagreg.model.statistics import CellCounts, Sufficient
from dagreg.model.terms import PriorChoice
from dagreg.model.triangle import triangle
from dagreg.numerics.arrays import Array, Index
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

NAME = "exact"
NORMAL = ("Normal", "Flat")  # priors of coefficients
POINTS = 2_001  # of the grid over log sigma
MAX_DEPTH = 45.0  # below the mode: e^-45 is lost beside 1 in double precision
MAX_WIDTH = 60.0  # of log sigma, to either side of the residual sd
MAX_ZOOMS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """The regression in the coordinates of the module's docstring, the flat coefficients apart."""

    order: Index  # the columns of the triangle, flat ones first
    flat: int
    top: Array  # T: rows of the flat coefficients, over all columns
    top_rotated: Array
    mean: Array  # m of the others
    scale: Array  # D
    singular: Array  # S
    right: Array  # V', coefficients x coefficients
    turned: Array  # c
    left: float  # s
    units: float  # N less the flat coefficients
    sigma: PriorChoice


def obstacle(piece: Piece, data: Data) -> Obstacle | None:
    """Why a piece has no solution in closed form."""
    equation = piece.equation
    if len(piece.model.equations) > 1:
        return Obstacle("its regressions share parameters, or values that are not known", equation.span)
    if isinstance(piece.statistics, CellCounts):
        return None
    if not equation.family.normal:
        return Obstacle(f"a {equation.family.name} likelihood has no conjugate prior here", equation.span)
    for prior in equation.coefficients:
        if prior.distribution not in NORMAL:
            return Obstacle(f"the prior {prior} of a coefficient is not Normal", prior.span)
    (sigma,) = (a.prior for a in equation.auxiliaries)
    if sigma.distribution not in LOG_DENSITIES:
        return Obstacle(f"the prior {sigma} of sigma has no density here", sigma.span)
    if piece.statistics is None:
        why = next((n.why for n in reversed(piece.notes) if not n.applied), "its rows are needed")
        return Obstacle(why, equation.span)
    return None


def _grounds(piece: Piece) -> str:
    if isinstance(piece.statistics, CellCounts):
        return ""
    return "coefficients are Normal given sigma, and sigma's marginal is one integral"


def _statistics(piece: Piece) -> object:
    """What the draws hang on besides settings: the form of the regression, its priors, what stands for its
    rows.
    """
    equation = piece.equation
    priors = [(p.distribution, p.arguments) for p in equation.coefficients]
    others = [(a.symbol, a.prior.distribution, a.prior.arguments) for a in equation.auxiliaries]
    terms = [(t.symbol, len(t.columns)) for t in equation.terms]
    form = (equation.family.name, equation.intercept, equation.has_intercept, terms, priors, others)
    sums = piece.statistics
    if isinstance(sums, Sufficient):
        return (*form, (sums.units, sums.root, sums.rotated, sums.left), None)
    return (*form, None, sums)


def draw_exactly(piece: Piece, sampling: Sampling) -> Draws:
    """Independent draws of the one regression of a piece, in the shape of chains.

    The piece has its sufficient statistics and Normal or flat priors, or the counts of cells with conjugate
    ones.
    """
    started = time.perf_counter()
    (equation,) = piece.model.equations
    rng = np.random.default_rng([sampling.seed, *piece.model.formula.encode()])
    if isinstance(piece.statistics, CellCounts):
        cells = cell_draws(equation, piece.statistics, sampling.chains * sampling.draws, rng)
        (term,) = equation.terms
        shaped = cells.reshape(sampling.chains, sampling.draws, -1)
        return Draws({term.symbol: shaped}, NAME, 0, time.perf_counter() - started)
    assert piece.statistics is not None  # see `obstacle`
    sigma, coefficients = posterior_draws(equation, piece.statistics, sampling.chains * sampling.draws, rng)
    shape = (sampling.chains, sampling.draws)
    values = by_symbol(equation, coefficients.reshape(*shape, -1))
    values[equation.auxiliaries[0].symbol] = sigma.reshape(shape)
    return Draws(values, NAME, 0, time.perf_counter() - started)


def cell_draws(equation: Equation, counts: CellCounts, draws: int, rng: np.random.Generator) -> Array:
    """Means of cells, draws x cells, from their Beta or Gamma posteriors (see `optimise/cells.py`)."""
    (term,) = equation.terms
    first, second = beta_or_gamma(term.prior)
    totals, units = np.array(counts.totals), np.array(counts.units)
    shape = (draws, len(totals))
    if equation.family.cell_support == "probability":
        return rng.beta(first + totals, second + units - totals, shape)
    return rng.gamma(first + totals, 1 / (second + units), shape)


def posterior_draws(
    equation: Equation, statistics: Sufficient, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draws of sigma, and of the coefficients (draws x coefficients, the intercept first)."""
    this = problem(equation, statistics)
    sigma = _inverse(*marginal(this), rng.random(count))
    return sigma, _coefficients(this, sigma, rng)


def problem(equation: Equation, statistics: Sufficient) -> Problem:
    """The regression, its flat coefficients rotated away from the others."""
    priors = equation.coefficients
    is_flat = np.array([p.distribution == "Flat" for p in priors])
    order = np.argsort(~is_flat, kind="stable").astype(np.int64)
    flat = int(is_flat.sum())
    root, rotated = np.array(statistics.root)[:, order], np.array(statistics.rotated)
    turned = triangle(np.column_stack([root, rotated])) if flat else np.column_stack([root, rotated])
    normal = [priors[i] for i in order[flat:]]
    mean, scale = np.array([[float(a) for a in p.arguments] for p in normal]).reshape(-1, 2).T
    rows = turned[flat:, :]
    target = rows[:, -1] - rows[:, flat:-1] @ mean
    left, singular, right = np.linalg.svd(rows[:, flat:-1] * scale, full_matrices=False)
    c = left.T @ target
    beyond = max(float(target @ target - c @ c), 0.0) if len(target) > len(c) else 0.0
    return Problem(
        order=order,
        flat=flat,
        top=turned[:flat, :-1],
        top_rotated=turned[:flat, -1],
        mean=mean,
        scale=scale,
        singular=singular,
        right=right,
        turned=c,
        left=statistics.left + beyond,
        units=statistics.units - flat,
        sigma=equation.auxiliaries[0].prior,
    )


def log_marginal(this: Problem, log_sigma: Array) -> Array:
    """The log density of log sigma given the rows, up to a constant."""
    sigma = np.clip(np.exp(log_sigma), *bounds(this.sigma))
    variance = (sigma**2)[:, None] + this.singular**2
    data = -(this.units - len(this.singular)) * log_sigma - 0.5 * this.left / sigma**2
    data -= 0.5 * (np.log(variance) + this.turned**2 / variance).sum(axis=1)
    return np.asarray(data + log_density(this.sigma, sigma) + log_sigma)


def marginal(this: Problem) -> tuple[Array, Array]:
    """A grid over log sigma that holds all but e^-45 of its density, and the density there (largest 1).

    The grid closes in on the mode: each time on the stretch that is not negligible, until that fills it.
    """
    start = 0.5 * np.log(max(float(this.left + this.turned @ this.turned) / this.units, 1e-300))
    low, high = start - MAX_WIDTH, start + MAX_WIDTH
    with np.errstate(divide="ignore"):
        ends = np.log(np.array(bounds(this.sigma)))
    low, high = max(low, float(ends[0])), min(high, float(ends[1]))
    for _ in range(MAX_ZOOMS):
        grid = np.linspace(low, high, POINTS)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            density = log_marginal(this, grid)
        density = np.where(np.isnan(density), -np.inf, density - np.nanmax(density))
        (kept,) = np.nonzero(density > -MAX_DEPTH)
        first, last = max(kept[0] - 1, 0), min(kept[-1] + 1, POINTS - 1)
        if last - first > POINTS // 2:
            break
        low, high = float(grid[first]), float(grid[last])
    return grid, np.exp(density)


def _inverse(grid: Array, density: Array, uniforms: Array) -> Array:
    """Sigma where the distribution function of log sigma, piecewise linear in density, reaches
    the uniforms.
    """
    step = grid[1] - grid[0]
    mass = np.concatenate([[0.0], np.cumsum((density[:-1] + density[1:]) * step / 2)])
    wanted = uniforms * mass[-1]
    at = np.clip(np.searchsorted(mass, wanted, side="right") - 1, 0, len(grid) - 2)
    left, slope, rest = density[at], (density[at + 1] - density[at]) / step, wanted - mass[at]
    root = np.sqrt(np.maximum(left**2 + 2 * slope * rest, 0.0))
    inside = 2 * rest / np.maximum(left + root, 1e-300)  # the root of the quadratic that loses no digits
    return np.asarray(np.exp(grid[at] + np.clip(inside, 0.0, step)))


def _coefficients(this: Problem, sigma: Array, rng: np.random.Generator) -> Array:
    """The coefficients given sigma, draws x coefficients, in the order of the equation."""
    noise = rng.standard_normal((len(sigma), len(this.order)))
    variance = (sigma**2)[:, None] + this.singular**2
    # Turned into the singular vectors' frame and back, it does not depend on their signs, which rounding
    # decides.
    turned = noise[:, this.flat :] @ this.right.T
    inner = turned * sigma[:, None] / np.sqrt(variance) + this.singular * this.turned / variance
    standard = inner @ this.right
    if len(this.right) < this.right.shape[1]:
        standard += (
            noise[:, this.flat :] - turned @ this.right
        )  # directions that no row speaks of keep their prior
    others = this.mean + standard * this.scale
    coefficients = np.empty(noise.shape)
    coefficients[:, this.order[this.flat :]] = others
    if this.flat:
        target = (
            this.top_rotated - others @ this.top[:, this.flat :].T + sigma[:, None] * noise[:, : this.flat]
        )
        coefficients[:, this.order[: this.flat]] = np.linalg.solve(this.top[:, : this.flat], target.T).T
    return coefficients


ENGINE = Engine(
    name=NAME,
    words="exact: independent draws from the posterior, without a Markov chain (there is no trace to look "
    "at)",
    participle="solved exactly",
    obstacle=obstacle,
    solve=lambda piece, data, sampling, *_: draw_exactly(piece, sampling),
    packages=("dagreg", "numpy"),
    independent=True,
    step="conjugate",
    grounds=_grounds,
    statistics=_statistics,
)
