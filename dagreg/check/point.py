"""Point estimates of a regression by iteratively reweighted least squares (McCullagh and Nelder 1989, section 2.5).

Normal priors enter as a ridge penalty, so the result is the posterior mode under them. The checks use
it where a posterior would be wasted: on resampled rows, and without the priors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.data.rows import Rows as TableRows
from dagreg.engine.draws import Array
from dagreg.model.design import design_columns, encode
from dagreg.model.types import Equation, Model, PriorChoice

STEPS = 50
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Design:
    """A regression's numbers: rows x columns (the intercept's first, where there is one), response per unit, ..."""

    columns: Array
    response: Array
    units: Array
    offset: Array
    precision: Array  # of the Normal prior of each coefficient, 0 where there is none
    centre: Array  # its mean
    count: float | None = None  # of units, where a triangle stands for the rows


def design(model: Model, equation: Equation, data: Mapping[str, Any]) -> Design:
    """The regression of one equation on these data columns; its triangle, where the database has that for many rows."""
    if isinstance(data, TableRows):
        found = triangle_design(equation, data.triangle_without(model, equation, None))
        if found is not None:
            return found
    return design_of_rows(model, equation, data)


def design_of_rows(model: Model, equation: Equation, data: Mapping[str, Any]) -> Design:
    """The same from the rows, also of a large table."""
    values = {v.name: encode(v, data[v.column]) for v in model.variables.values()}
    response = values[equation.response][:, 0]
    columns = design_columns(equation, values, len(response))
    units = _column(equation.trials, data, len(response)) * _column(equation.weights, data, len(response))
    trials = _column(equation.trials, data, len(response))
    exposure = np.asarray(data[equation.offset], dtype=np.float64) if equation.offset else np.ones(len(response))
    precision, centre = np.array([_normal(c) for c in equation.coefficients]).T
    return Design(columns, response / trials, units, np.log(exposure), precision, centre)


def triangle_design(equation: Equation, found: tuple[float, Array] | None) -> Design | None:
    """A Gaussian regression whose rows are those of its triangle: the same least squares."""
    if found is None:
        return None
    units, triangle = found
    precision, centre = np.array([_normal(c) for c in equation.coefficients]).T
    rows = len(triangle)
    return Design(triangle[:, :-1], triangle[:, -1], np.ones(rows), np.zeros(rows), precision, centre, units)


def regular(equation: Equation) -> bool:
    """Whether iteratively reweighted least squares finds its posterior mode."""
    return irregularity(equation) == ""


def irregularity(equation: Equation) -> str:
    """Why iteratively reweighted least squares does not find its posterior mode, or "": a clause about the response."""
    name = f"`{equation.response}`"
    if len(equation.varying) > 0:
        return f"coefficients of the regression of {name} vary between groups"
    if equation.error is not None:
        return f"{name} is measured with known errors"
    if equation.scaled_by is not None:
        return f"the residual sd of {name} is a multiple of a column"
    if equation.censored is not None:
        return f"{name} is censored"
    if equation.dropped > 0:
        return f"values of {name} are missing"
    if equation.family.variance is None:
        return f"{name} has the {equation.family.name.replace('_', ' ')} family"
    if equation.link.name in ("inverse", "softplus"):
        return f"{name} has the {equation.link.name} link"
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
    """Coefficients (intercept first) and residual sd (1 for families without one).

    `weights` multiply the units of each row (0 leaves it out); `penalty` replaces the priors' precisions.
    """
    units = this.units if weights is None else this.units * weights
    precision = this.precision if penalty is None else penalty
    variance = equation.family.variance
    assert variance is not None
    gaussian, link = equation.family.name == "gaussian", equation.link
    sigma = _spread(this.response, units) if gaussian else 1.0
    beta = np.zeros(this.columns.shape[1])
    start = link.of_mean(
        float(np.average(this.response, weights=units) / np.average(np.exp(this.offset), weights=units))
    )
    if equation.has_intercept:
        beta[0] = start
    else:
        beta[: len(equation.terms[0].columns)] = start  # every row has one of its levels
    for _ in range(STEPS):
        eta = this.columns @ beta + this.offset
        mean, slope = link.inverse(eta), link.slope(eta)
        information = units * slope**2 / np.maximum(variance(mean), 1e-12)
        working = eta - this.offset + (this.response - mean) / np.maximum(slope, 1e-12)
        before, beta = beta, _solve(this, information / sigma**2, working, precision)
        if gaussian:
            left = this.response - this.columns @ beta - this.offset
            count = units.sum() if this.count is None else this.count
            sigma = float(np.sqrt((units * left**2).sum() / max(count - len(beta), 1.0)))
        if np.max(np.abs(this.columns @ (beta - before))) < TOLERANCE * (1 + np.max(np.abs(eta))):
            break
    return beta, sigma


def _spread(values: Array, units: Array) -> float:
    mean = np.average(values, weights=units)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=units))) or 1.0


def _solve(this: Design, information: Array, working: Array, precision: Array) -> Array:
    """One weighted ridge step, by QR of the stacked rows: stable where predictors are collinear."""
    root = np.sqrt(information)
    top, bottom = this.columns * root[:, None], np.diag(np.sqrt(precision))
    stacked = np.vstack([top, bottom[precision > 0]])
    target = np.concatenate([working * root, (np.sqrt(precision) * this.centre)[precision > 0]])
    return np.asarray(np.linalg.lstsq(stacked, target, rcond=None)[0])


def as_draws(equation: Equation, beta: Array, sigma: float) -> dict[str, Array]:
    """A point as draws with one draw, keyed by the equation's symbols."""
    at = int(equation.has_intercept)
    found: dict[str, Array] = {equation.intercept: beta[:1] if at else np.zeros(1)}
    for term in equation.terms:
        width = len(term.columns)
        found[term.symbol] = beta[at : at + 1] if width == 1 else beta[None, at : at + width]
        at += width
    for auxiliary in equation.auxiliaries:
        found[auxiliary.symbol] = np.array([sigma])
    return found
