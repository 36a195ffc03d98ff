"""Gaussian mixed models without a compiler: independent draws from the few parameters that are left.

**Theorem.** Given theta = (the sds and correlations between groups, sigma) the coefficients, their priors
being Normal or flat, and all deviations are jointly Normal with the response. So p(theta | y) is known up to
a constant, by `numerics/mixed.py`, and given a draw of theta the others are drawn from a Normal (Pinheiro and
Bates 2000, section 2.2; Bates, Maechler, Bolker and Walker 2015). Theta has a dimension for sigma and q (q +
1) / 2 for each group with q coefficients. Its draws come from t proposals at the mode with weights (Rue,
Martino and Chopin 2009 integrate over the same parameters by a grid), and are given only where the weights'
Pareto shape is at most 0.7 (Vehtari, Simpson, Gelman, Yao and Gabry 2024), or no weight is more than 5 times
the mean: such a tail is too short for its shape to tell anything (Chatterjee and Diaconis 2018).

Theta in free coordinates: for each group arsinh(sd / c) of its sds, then the inverse hyperbolic tangents of
its canonical partial correlations (Lewandowski, Kurowicka and Joe 2009), row by row; last the log of sigma.
An sd far above c, which is about what the rows resolve, moves as its log does; near 0 its density is smooth
and the same on both sides, so that an sd that may be 0 needs no more care than another. Logs would leave an
exponential tail there that no t reaches.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.engines.between import Between, group_draws, own_columns
from dagreg.engines.draws import Draws, by_symbol
from dagreg.engines.engine import Engine, Obstacle, columns_read
from dagreg.model.densities import LOG_DENSITIES, log_density
from dagreg.model.design import absent, column, design_columns, encoded, positions
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import PriorChoice, Varying
from dagreg.numerics.arrays import Array
from dagreg.numerics.importance import Target, independent_draws, mode
from dagreg.numerics.mixed import MAX_UNKNOWNS, CrossProducts, Grouped, Spread, System, cross_products
from dagreg.numerics.surrogate import draws_by_surrogate
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

NAME = "mixed"
NORMAL = ("Normal", "Flat")  # priors of coefficients
BLUNT = 0.5  # of a free coordinate of an sd: nearer to 0 the rows say nothing of it
MAX_ROUNDING, NEAR = (
    0.01,
    0.1,
)  # of the log density, beyond which it is no number; and what share of it is near
MAX_LOST = 2e-3  # share of the draws that may be so near
MAX_WORK = 300_000.0  # operations of the density, from which a polynomial stands for it
MAX_WORK_EACH = 20_000_000.0  # and up to which it is evaluated at every proposal where no polynomial fits


@dataclass(frozen=True, slots=True)
class Theta:
    """The free coordinates of the sds, the correlations and sigma."""

    groups: tuple[Varying, ...]
    sigma: PriorChoice
    units: tuple[Array, ...]  # c of each group's sds

    @property
    def between(self) -> Between:
        return Between(self.groups, self.units)

    @property
    def folded(self) -> tuple[int, ...]:
        """The places of the sds, for which a point and its mirror image are one."""
        return self.between.folded

    @property
    def size(self) -> int:
        return 1 + self.between.size

    def spread(self, points: Array) -> tuple[Spread, Array]:
        """Sigma and the covariances' Cholesky factors at each point, and the log prior of the free
        coordinates.
        """
        sigma = np.exp(points[:, -1])
        factors, prior = self.between.factors(points[:, :-1])
        return Spread(sigma, factors), prior + points[:, -1] + log_density(self.sigma, sigma)


def obstacle(piece: Piece, data: Data) -> Obstacle | None:
    """Why a piece is no Gaussian mixed model; without words where no coefficients vary between groups."""
    if not piece.equation.varying:
        return Obstacle("")
    if len(piece.model.equations) > 1 or piece.model.latents or piece.model.mixture is not None:
        return Obstacle("its regressions share parameters, or values that are not known", piece.equation.span)
    why = _obstacle(piece.equation)
    return Obstacle(why, piece.equation.span) if why else None


def _obstacle(equation: Equation) -> str:
    if not is_linear(equation):
        words, link = equation.family.words, equation.link.name
        return f"under the likelihood of {words} with the {link} link no response is Normal"
    if equation.censoring is not None:
        return f"values of {equation.response} are censored"
    if equation.error is not None:
        return "every row has an error of its own"
    for prior in equation.coefficients:
        if prior.distribution not in NORMAL:
            return f"the prior {prior} of a coefficient is not Normal"
    scales = [a.prior for a in equation.auxiliaries] + [
        d.prior for v in equation.varying for d in v.deviations
    ]
    for prior in scales:
        if prior.distribution not in LOG_DENSITIES:
            return f"the prior {prior} of an sd has no density here"
    sizes = sorted(len(v.levels) * len(v.deviations) for v in equation.varying)
    if sum(sizes[:-1]) + len(equation.coefficients) > MAX_UNKNOWNS:
        return (
            f"its groups cross, and {sum(sizes[:-1]):,} deviations are left beside those of the largest group"
        )
    return ""


def is_linear(equation: Equation) -> bool:
    """Whether the response, or its log, is Normal about the linear predictor with one sd."""
    plain = equation.family.normal and equation.link.name == "identity"
    return plain or equation.family.on_log_scale


def draw_mixed(model: Model, data: Mapping[str, Any], sampling: Sampling) -> Draws | None:
    """Independent draws of the one regression of a model, in the shape of chains; None where the weights
    fail.
    """
    started = time.perf_counter()
    (equation,) = model.equations
    rng = np.random.default_rng([sampling.seed, *model.formula.encode()])
    rows = cross_products_of(model, equation, data)
    drawn = posterior_draws(equation, rows, sampling.chains * sampling.draws, rng)
    if drawn is None:
        return None
    at, coefficients, deviations = drawn
    shape = (sampling.chains, sampling.draws)
    values = by_symbol(equation, coefficients.reshape(*shape, -1))
    for varying, factor, own in zip(equation.varying, at.factors, deviations, strict=True):
        values |= group_draws(varying, factor, own, shape)
    values[equation.auxiliaries[0].symbol] = at.sigma.reshape(shape)
    values = {symbol: values[symbol] for symbol in equation.parameters if symbol in values}
    return Draws(values, NAME, 0, time.perf_counter() - started)


def posterior_draws(
    equation: Equation, rows: CrossProducts, count: int, rng: np.random.Generator
) -> tuple[Spread, Array, list[Array]] | None:
    """Draws of sds, correlations and sigma; of the coefficients (draws x coefficients, the intercept first);
    and of each group's deviations (draws x levels x deviations). None where the weights fail their check.
    """
    system, theta = system_of(equation, rows), theta_of(equation, rows)
    target = target_of(theta, system)
    place = mode(blunted(target, theta), *start(theta, system))
    if place is None:
        return None
    points = draws_by_surrogate(target, *place, count, rng, theta.folded) if system.work > MAX_WORK else None
    if points is None and system.work <= MAX_WORK_EACH:
        points = independent_draws(target, *place, count, rng, theta.folded)
    if points is None:
        return None
    at, _ = theta.spread(points)
    if np.mean(rounding(rows, at) > NEAR * MAX_ROUNDING) > MAX_LOST:
        return None
    return at, *system.draws(at, rng)


def theta_of(equation: Equation, rows: CrossProducts) -> Theta:
    """The free coordinates, with units from the rows: about the sds that they cannot tell from 0."""
    return Theta(
        equation.varying, equation.auxiliaries[0].prior, tuple(_resolved(rows, g) for g in rows.groups)
    )


def _resolved(rows: CrossProducts, group: Grouped) -> Array:
    """An sd of each coefficient between levels that is small beside the errors of the levels' own
    coefficients.
    """
    inside = np.maximum(np.einsum("laa->a", group.own) / group.levels, 1e-300)
    return np.asarray(np.sqrt(_left(rows) / inside) * (2 / group.levels) ** 0.25)


def _left(rows: CrossProducts) -> float:
    """The variance that least squares leave."""
    return max(float(rows.total[-1, -1]) / rows.units, 1e-300)


def system_of(equation: Equation, rows: CrossProducts) -> System:
    """The Normal equations under the priors of the coefficients."""
    priors = equation.coefficients
    flat = np.array([p.distribution == "Flat" for p in priors], dtype=bool)
    numbers = [(0.0, 1.0) if p.distribution == "Flat" else tuple(map(float, p.arguments)) for p in priors]  # type: ignore[arg-type]  # data are known here
    mean, sd = np.array(numbers).reshape(-1, 2).T
    return System(rows, mean, np.where(flat, 0.0, 1 / np.square(sd)))


def cross_products_of(model: Model, equation: Equation, data: Mapping[str, Any]) -> CrossProducts:
    """Those of a regression's rows."""
    if equation.dropped:
        there = ~absent(data[model.variables[equation.response].column])
        data = {name: np.asarray(data[name])[there] for name in model.columns}
    groups = {v.group for v in equation.varying}
    values = encoded(model, [n for n in (equation.response, *equation.predictors) if n not in groups], data)
    response = values[equation.response][:, 0]
    if equation.family.on_log_scale:
        response = np.log(response)
    if equation.offset is not None:
        response = response - np.log(np.asarray(data[equation.offset], dtype=np.float64))
    rows = len(response)
    columns = design_columns(equation, values, rows)
    level = {
        v.group: positions(np.asarray(data[model.variables[v.group].column]), v.levels)
        for v in equation.varying
    }
    own = [(level[v.group], len(v.levels), own_columns(equation, v, columns)) for v in equation.varying]
    return cross_products(columns, response, column(equation.weights, data, rows), own)


def start(theta: Theta, system: System) -> tuple[Array, Array]:
    """A first guess of theta, and of its sds.

    Of several groups each is first fitted alone, where that is quick: what the others add is then part of its
    sigma.
    """
    rows, prior = system.rows, (system.mean, system.precision)
    if len(theta.groups) == 1:
        return _start_alone(theta, system)
    points, scale, left, explained = [], [], [], []
    for varying, group, unit in zip(theta.groups, rows.groups, theta.units, strict=True):
        alone = System(CrossProducts(rows.units, rows.start, rows.total, (group,)), *prior)
        one = Theta((varying,), theta.sigma, (unit,))
        centre, guess = _start_alone(one, alone)
        place = mode(blunted(target_of(one, alone), one), centre, guess) if alone.work < MAX_WORK else None
        centre, root = place if place is not None else (centre, np.diag(guess))
        points.append(centre[:-1])
        scale.append(np.sqrt(np.square(root).sum(axis=1))[:-1])
        left.append(centre[-1])
        sds = unit * np.sinh(np.abs(centre[: len(unit)]))
        explained.append(float(np.square(sds) @ np.einsum("laa->a", group.own)) / rows.units)
    variance = np.exp(2 * left[0])
    sigma = 0.5 * np.log(max(variance - sum(explained[1:]), 0.2 * variance))
    return np.concatenate([*points, [sigma]]), np.concatenate([*scale, [1 / np.sqrt(2 * rows.units)]])


def _start_alone(theta: Theta, system: System) -> tuple[Array, Array]:
    """Of what least squares leave, a third is between the levels for each coefficient, and half
    within them.
    """
    rows, (group,), (unit,) = system.rows, system.rows.groups, theta.units
    size, left = len(unit), _left(rows)
    inside = np.maximum(np.einsum("laa->a", group.own) / rows.units, 1e-300)  # mean square of each column
    sds = np.arcsinh(np.sqrt(0.3 * left / inside) / unit)
    free = np.zeros(size * (size - 1) // 2)
    scale = np.full(size + len(free), min(1 / np.sqrt(2 * group.levels), 0.5))
    point = np.concatenate([sds, free, [0.5 * np.log(0.5 * left)]])
    return point, np.append(scale, min(1 / np.sqrt(2 * rows.units), 0.5))


def blunted(target: Target, theta: Theta) -> Target:
    """The target without the kink that a prior may have where an sd is 0, for Newton's method."""

    def smooth(points: Array) -> Array:
        moved = points.copy()
        moved[:, theta.folded] = np.sqrt(np.square(moved[:, theta.folded]) + BLUNT**2)
        return target(moved)

    return smooth


def target_of(theta: Theta, system: System) -> Target:
    """The log posterior of theta's free coordinates, up to a constant; -inf where it is no number, or
    rounding.
    """

    def target(points: Array) -> Array:
        with np.errstate(all="ignore"):
            spread, prior = theta.spread(points)
            density = prior + system.log_likelihood(spread)
            lost = rounding(system.rows, spread) > MAX_ROUNDING
        return np.where(np.isnan(density) | lost, -np.inf, density)

    return target


def rounding(rows: CrossProducts, at: Spread) -> Array:
    """About the error of the log density at each point: where sigma is small its squares are differences of
    larger ones, and so are pivots of levels whose rows do not tell their coefficients apart.
    """
    variance, worst = np.square(at.sigma), np.ones(len(at))
    for group, factor in zip(rows.groups, at.factors, strict=True):
        if group.width > 1:
            told = np.square(factor).sum(axis=2) * np.einsum("laa->la", group.own).max(axis=0)
            worst = np.maximum(worst, np.minimum(1 + told.max(axis=1) / variance, _condition(group)))
    return np.asarray(np.finfo(np.float64).eps * worst * float(rows.total[-1, -1]) / variance)


def _condition(group: Grouped) -> float:
    """Of the worst level's cross-products of its own columns, these scaled."""
    size = np.sqrt(np.einsum("laa->la", group.own))
    size = np.where(size > 0, size, 1.0)
    scaled = group.own / (size[:, :, None] * size[:, None, :])
    inside = np.arange(group.width)
    scaled[:, inside, inside] = 1.0  # a level without rows has no say
    return float(1 / max(np.linalg.eigvalsh(scaled).min(), 1e-16))


ENGINE = Engine(
    name=NAME,
    words="sds and correlations by importance sampling, all coefficients integrated out; then the "
    "coefficients from their Normal distribution",
    participle="solved with its groups integrated out",
    obstacle=obstacle,
    solve=lambda piece, data, sampling, *_: draw_mixed(piece.model, columns_read(piece, data), sampling),
    packages=("dagreg", "numpy", "scipy"),
    independent=True,
    unfit="no proposals for its sds fitted",
    step="mixed",
    grounds=lambda piece: (
        "given sds and correlations all coefficients are Normal, and these few are drawn first"
    ),
)
