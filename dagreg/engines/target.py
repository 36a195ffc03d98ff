"""The log posterior of a regression in NumPy, at many points at once, where it is concave
(`engines/metropolis.py`).

It is that of the program that `compile --optimised` prints, up to a constant. A point holds the parameters in
the order of the equation: the intercept (or the cutpoints), then the coefficients; of an unordered response
each of them once for every level but the first, the levels varying fastest. Points are points x parameters.

Rows and points go by in blocks, of which sums are kept: memory does not grow with rows x points.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.row_sums import log_likelihood
from dagreg.engines.density import posterior_of
from dagreg.model.densities import log_concave_density
from dagreg.model.design import column, design_columns, encoded, positions
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.response import starting_cutpoints
from dagreg.model.terms import PriorChoice
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array
from dagreg.numerics.series import ArrayRows, RowSums

BLOCK = 2**17  # numbers: they stay in a core's cache
ROWS = 1_000  # of a block; `Family.log_total` takes no more
ALONE = 2**20  # rows x points up to which threads are not worth starting
CLOSE = 1e-4  # to the mode, in posterior sds, before the last step: behind it hardly anything is left
Look = Callable[[Array], glm.Quadratic]
Likelihood = Callable[[slice, Array], Array]  # the log likelihood of these rows at these points


@dataclass(frozen=True, slots=True)
class Target:
    """A log posterior, and where to look for its mode."""

    priors: tuple[PriorChoice, ...]  # of each parameter
    start: Array
    look: Look  # the log likelihood at a point, with its derivatives
    rows: int
    likelihood: Likelihood
    sums: RowSums | None = None  # of the same log likelihood, where a row has one predictor

    def __call__(self, points: Array) -> Array:
        """The log posterior at each point, up to a constant; -inf where it is no number."""
        width = max(BLOCK // min(self.rows, ROWS), 1)
        parts = [points[at : at + width] for at in range(0, len(points), width)]
        if self.rows * len(points) > ALONE:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = list(pool.map(self._of_rows, parts))
        else:
            found = [self._of_rows(part) for part in parts]
        priors = np.sum([log_concave_density(p, points[:, i]) for i, p in enumerate(self.priors)], axis=0)
        total = np.concatenate(found) + priors
        return np.where(np.isnan(total), -np.inf, total)

    def _of_rows(self, points: Array) -> Array:
        total = np.zeros(len(points))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for at in range(0, self.rows, ROWS):
                total += self.likelihood(slice(at, at + ROWS), points)
        return total


def target_of(model: Model, data: Mapping[str, Any]) -> Target:
    """The log posterior of a model's one regression, on the columns that its program reads."""
    (equation,) = model.equations
    values = encoded(model, equation.predictors, data)
    rows = len(data[model.variables[equation.response].column])
    columns = design_columns(equation, values, rows)
    make = {"one": _one, "ordered": _ordered, "unordered": _unordered}[equation.family.predictor]
    return make(model, equation, data, columns)


def look_at(rows: RowSums) -> Look:
    """A log likelihood with its derivatives, from sums over rows."""

    def look(point: Array) -> glm.Quadratic:
        height, gradient, curvature = rows.series(point, 2).sums
        return glm.Quadratic(float(height), gradient, -curvature)

    return look


def _look_of(model: Model, data: Mapping[str, Any]) -> Look:
    """The same from the numeric posterior of any family (`engines/density.py`), of whose values points are
    made.
    """
    factors = posterior_of(model, data).factors

    def look(point: Array) -> glm.Quadratic:
        gradient, hessian = np.zeros(len(point)), np.zeros((len(point), len(point)))
        for factor in factors:
            factor.add_derivatives(point, gradient, hessian)
        return glm.Quadratic(float(sum(f.total(point[None])[0] for f in factors)), gradient, -hessian)

    return look


def mode(look: Look, priors: Sequence[PriorChoice], start: Array) -> tuple[Array, Array] | None:
    """The mode of a log posterior, and the information there; None where Newton's method finds none."""
    normal = glm.prior_of([p.arguments if p.distribution == "Normal" else None for p in priors])
    return glm.mode(look, start, prior=normal, close=CLOSE)


def _one(model: Model, equation: Equation, data: Mapping[str, Any], columns: Array) -> Target:
    """A number for each row."""
    variable, rows = model.variables[equation.response], len(columns)
    response = encoded(model, (variable.name,), data)[variable.name]
    trials = column(equation.trials, data, rows)[:, None]
    exposure = column(equation.offset, data, rows)[:, None]
    units = column(equation.weights, data, rows)
    density = equation.family.log_likelihood[equation.link.name]
    offset = np.log(exposure)
    total = equation.family.log_total.get(equation.link.name) if equation.weights is None else None

    def likelihood(rows: slice, points: Array) -> Array:
        eta = columns[rows] @ points.T
        if equation.offset is not None:
            eta += offset[rows]
        if total is not None:
            return total(response[rows], eta)
        return np.asarray(units[rows] @ density(response[rows], eta, trials[rows]))

    mean = float((units @ response)[0] / (units @ (trials * exposure))[0])
    start = np.zeros(columns.shape[1])
    start[: _constant(equation)] = equation.link.of_mean(mean)
    given = {"response": response, "trials": trials, "units": units[:, None]}
    sums = ArrayRows(columns, None if equation.offset is None else offset, given, log_likelihood(equation))
    return Target(equation.coefficients, start, look_at(sums), rows, likelihood, sums)


def _constant(equation: Equation) -> int:
    """How many of the first coefficients make the predictor of a row where the others are 0."""
    return 1 if equation.has_intercept else len(equation.terms[0].columns)


def _unordered(model: Model, equation: Equation, data: Mapping[str, Any], columns: Array) -> Target:
    """A number for each row and level but the first."""
    variable, rows = model.variables[equation.response], len(columns)
    codes = positions(np.asarray(data[variable.column]), equation.levels)
    units = column(equation.weights, data, rows)
    several = len(equation.levels) - 1
    density = equation.family.log_likelihood[equation.link.name]

    def likelihood(rows: slice, points: Array) -> Array:
        slopes = points.reshape(len(points), columns.shape[1], several)
        predictors = np.stack([columns[rows] @ slopes[:, :, level].T for level in range(several)])
        return np.asarray(units[rows] @ density(codes[rows], predictors))

    shares = np.bincount(codes, units, several + 1) / units.sum()
    start = np.zeros((columns.shape[1], several))
    start[: _constant(equation)] = np.log(np.maximum(shares[1:], 1e-3) / max(shares[0], 1e-3))
    priors = tuple(prior for prior in equation.coefficients for _ in range(several))
    return Target(priors, start.ravel(), _look_of(model, data), rows, likelihood)


def _ordered(model: Model, equation: Equation, data: Mapping[str, Any], columns: Array) -> Target:
    """A number for each row, beside cutpoints."""
    variable, rows = model.variables[equation.response], len(columns)
    codes = positions(np.asarray(data[variable.column]), equation.levels)
    units = column(equation.weights, data, rows)
    several, slopes = len(equation.levels) - 1, columns[:, 1:]  # cutpoints are in the place of an intercept
    density = equation.family.log_likelihood[equation.link.name]

    def likelihood(rows: slice, points: Array) -> Array:
        predictor, cutpoints = slopes[rows] @ points[:, several:].T, points[:, :several].T
        return np.asarray(units[rows] @ density(codes[rows], predictor, cutpoints))

    cutpoints = starting_cutpoints(equation, variable)
    start = np.concatenate([cutpoints, np.zeros(slopes.shape[1])])
    head, *others = equation.coefficients
    return Target((*[head] * several, *others), start, _look_of(model, data), rows, likelihood)
