"""Point estimates of a regression by iteratively reweighted least squares (McCullagh and Nelder 1989, section
2.5).

Normal priors enter as a ridge penalty, so the result is the posterior mode under them. The checks use
it where a posterior would be wasted: on resampled rows, and without the priors.

Families that are no exponential ones, or have a second parameter, are fitted by quasi-likelihood: a variance
function and a dispersion stand for them (Wedderburn 1974; McCullagh and Nelder 1989, chapter 9). The mean is
then estimated consistently, whatever the rest of the family; a lognormal response is fitted on its log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.counted import counts_of
from dagreg.families.family import constant
from dagreg.families.links import LINKS
from dagreg.model.design import design_columns, encoded
from dagreg.model.equation import Equation, ErrorScale, KnownErrors
from dagreg.model.plan import Model
from dagreg.model.terms import PriorChoice
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array

Variance = Callable[[Array], Array]
TOLERANCE = 1e-10
MIN_SHARE_OF_USUAL = 1e-12  # of a usual value: what is smaller is rounding


@dataclass(frozen=True, slots=True)
class Design:
    """A regression's numbers: rows x columns (the intercept's first, where there is one), response per unit,
    ...
    """

    columns: Array
    response: Array
    units: Array
    offset: Array
    precision: Array  # of the Normal prior of each coefficient, 0 where there is none
    centre: Array  # its mean
    count: float | None = None  # of units, where a triangle stands for the rows
    error: Array | None = None  # known standard errors of the response
    scale: Array | None = None  # what the residual sd is a multiple of
    rows: Array | None = None  # how many rows of the table each stands for; None for a triangle


def design(model: Model, equation: Equation, data: Mapping[str, Any]) -> Design:
    """The regression of one equation on these data columns; its triangle, where the database has that for
    many rows.
    """
    table = as_columns(data).in_database
    if table is not None:
        reduced = triangle_design(equation, table.triangle_without(model, equation, None))
        if reduced is not None:
            return reduced
    return design_of_rows(model, equation, data)


def design_of_rows(model: Model, equation: Equation, data: Mapping[str, Any]) -> Design:
    """The same from the rows, also of a large table."""
    values = encoded(model, model.variables, data)
    response = values[equation.response][:, 0]
    columns = design_columns(equation, values, len(response))
    units = _column(equation.trials, data, len(response)) * _column(equation.weights, data, len(response))
    trials = _column(equation.trials, data, len(response))
    exposure = (
        np.asarray(data[equation.offset], dtype=np.float64) if equation.offset else np.ones(len(response))
    )
    counts = counts_of(data, len(response))
    precision, centre = np.array([_normal(c) for c in equation.coefficients]).T
    per_unit = np.log(response) if equation.family.on_log_scale else response / trials
    own = None if equation.error is None else np.asarray(data[equation.error.column], float)
    error, scale = (own if isinstance(equation.error, kind) else None for kind in (KnownErrors, ErrorScale))
    numbers = (columns, per_unit, units * counts, np.log(exposure), precision, centre)
    return Design(*numbers, error=error, scale=scale, rows=counts)


def triangle_design(equation: Equation, reduced: tuple[float, Array] | None) -> Design | None:
    """A Gaussian regression whose rows are those of its triangle: the same least squares."""
    if reduced is None:
        return None
    units, triangle = reduced
    precision, centre = np.array([_normal(c) for c in equation.coefficients]).T
    rows = len(triangle)
    return Design(triangle[:, :-1], triangle[:, -1], np.ones(rows), np.zeros(rows), precision, centre, units)


def regular(equation: Equation) -> bool:
    """Whether iteratively reweighted least squares finds the posterior mode of its own likelihood."""
    exact = equation.family.variance is not None and equation.error is None
    return exact and irregularity(equation) == ""


def irregularity(equation: Equation, *, drawn: bool = False) -> str:
    """Why it is not fitted by iteratively reweighted least squares, or "": a clause about the response.

    `drawn`: as a mediator, whose distribution has to be known and not its mean alone.
    """
    name, family = f"`{equation.response}`", equation.family
    if len(equation.varying) > 0:
        return f"coefficients of the regression of {name} vary between groups"
    if equation.censoring is not None:
        return f"{name} is censored"
    if equation.dropped > 0:
        return f"values of {name} are missing"
    if family.variance is None and (family.quasi_variance is None or (drawn and family.shaped)):
        return f"{name} {'is a mediator of' if drawn else 'has'} the {family.words} family"
    if equation.link.name in ("inverse", "softplus"):
        return f"{name} has the {equation.link.name} link"
    if equation.error is not None and equation.link.name != "identity":
        return f"{name} has known errors, and no identity link"
    return ""


def _column(what: str | int | None, data: Mapping[str, Any], rows: int) -> Array:
    if isinstance(what, str):
        return np.asarray(data[what], dtype=np.float64)
    return np.full(rows, float(what or 1))


def _normal(prior: PriorChoice) -> tuple[float, float]:
    """Precision and mean of the Normal that stands for a prior; other shapes count as flat."""
    if prior.distribution != "Normal":
        return 0.0, 0.0
    mean, sd = prior.arguments
    return 1.0 / float(sd) ** 2, float(mean)  # type: ignore[arg-type]  # data are known here, so these are numbers


def coefficients(
    equation: Equation, this: Design, weights: Array | None = None, *, penalty: Array | None = None
) -> tuple[Array, float]:
    """Coefficients (intercept first) and residual sd; the root of the dispersion where a quasi-likelihood
    stands in.

    1 for families without one. `weights` multiply the units of each row (0 leaves it out); `penalty` replaces
    the priors' precisions.
    """
    units = this.units if weights is None else this.units * weights
    precision = this.precision if penalty is None else penalty
    family = equation.family
    link = LINKS["identity"] if family.on_log_scale else equation.link
    variance = family.variance or family.quasi_variance
    assert variance is not None  # see `irregularity`
    free = family.normal or family.variance is None
    sigma = 0.0  # not yet known
    mean = np.average(this.response, weights=units) / np.average(np.exp(this.offset), weights=units)
    usual = link.of_mean(float(mean))
    least = MIN_SHARE_OF_USUAL * float(abs(variance(link.inverse(np.array([usual])))[0]))
    flattest = MIN_SHARE_OF_USUAL * float(abs(link.slope(np.array([usual]))[0]))

    def derivatives(eta: Array) -> glm.Derivatives:
        nonlocal sigma
        mean, slope = link.inverse(eta[:, 0]), link.slope(eta[:, 0])
        if sigma == 0:
            sigma = _spread(this.response, units) if variance is constant else 1.0
        elif free:
            sigma = _dispersion(this, units, variance, mean, sigma, least)
        spread = np.maximum(variance(mean) * _share(this, sigma), least)
        information = units * slope**2 / spread / sigma**2
        ahead = (this.response - mean) / np.maximum(slope, flattest)
        return glm.Derivatives(None, (information * ahead)[:, None], information[:, None, None])

    start = np.zeros((this.columns.shape[1], 1))
    constants = (
        1 if equation.has_intercept else len(equation.terms[0].columns)
    )  # every row has one of its levels
    start[:constants] = usual
    prior = glm.NormalPriors(precision, this.centre)
    unit = 1.0 if link.unit else 0.0
    beta = glm.fit(
        this.columns,
        derivatives,
        start,
        offset=this.offset[:, None],
        prior=prior,
        tolerance=TOLERANCE,
        unit=unit,
    )
    return beta[:, 0], sigma


def without_each_group(
    equation: Equation, this: Design, parts: Callable[[int], Array], groups: int
) -> tuple[tuple[Array, float], ...] | None:
    """`coefficients` without each group of rows in turn, and without priors; `parts(group)` is the share of
    each row in it.

    None where they are not those of one least-squares problem, or the rows that are kept do not tell them.
    """
    link = "identity" if equation.family.on_log_scale else equation.link.name
    variance = equation.family.variance or equation.family.quasi_variance
    known = this.error is not None or this.scale is not None or np.any(this.offset)
    if link != "identity" or variance is not constant or known or this.count is not None:
        return None
    fits = glm.without_each_group(this.columns, this.response, this.units, parts, groups)
    if fits is None:
        return None
    units = this.units.sum() - np.array([this.units @ parts(g) for g in range(groups)])
    left = np.maximum(units - this.columns.shape[1], 1.0)
    least = MIN_SHARE_OF_USUAL * _spread(this.response, this.units)
    sigmas = np.maximum(np.sqrt(fits.squares / left), least)
    return tuple((beta, float(sigma)) for beta, sigma in zip(fits.coefficients, sigmas, strict=True))


def _share(this: Design, sigma: float) -> Array | float:
    """The variance of each row over that of the family: known errors add to it, a scale multiplies it."""
    own = 1.0 if this.scale is None else this.scale**2
    return own if this.error is None else own + (this.error / sigma) ** 2


def _dispersion(
    this: Design, units: Array, variance: Variance, mean: Array, sigma: float, least: float
) -> float:
    """The root of the Pearson dispersion; beside known errors, where that is 1 with them (Paule and Mandel
    1982).
    """
    squares = units * (this.response - mean) ** 2 / np.maximum(variance(mean), least)
    count = units.sum() if this.count is None else this.count
    left = max(count - this.columns.shape[1], 1.0)
    if this.error is None:
        return max(float(np.sqrt((squares / _share(this, sigma)).sum() / left)), MIN_SHARE_OF_USUAL * sigma)
    low, high = 1e-6 * sigma, float(np.sqrt(squares.sum() / left)) + MIN_SHARE_OF_USUAL * sigma
    for _ in range(60):
        middle = (low + high) / 2
        excess = (squares / (middle**2 * _share(this, middle))).sum() > left
        low, high = (middle, high) if excess else (low, middle)
    return (low + high) / 2


def _spread(values: Array, units: Array) -> float:
    mean = np.average(values, weights=units)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=units))) or 1.0


def as_draws(equation: Equation, beta: Array, sigma: float) -> dict[str, Array]:
    """A point as draws with one draw, keyed by the equation's symbols."""
    at = int(equation.has_intercept)
    draws: dict[str, Array] = {equation.intercept: beta[:1] if at else np.zeros(1)}
    for term in equation.terms:
        width = len(term.columns)
        draws[term.symbol] = beta[at : at + 1] if width == 1 else beta[None, at : at + width]
        at += width
    for auxiliary, parameter in zip(equation.auxiliaries, equation.family.parameters, strict=True):
        draws[auxiliary.symbol] = np.array([parameter.from_dispersion(sigma)])
    return draws
