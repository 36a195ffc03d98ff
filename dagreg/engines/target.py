"""The log posterior of a regression in NumPy, at many points at once, where it is concave
(`engines/metropolis.py`).

It is that of the program that `compile --optimised` prints, up to a constant. A point holds the parameters in
the order of the equation: the intercept (or the cutpoints), then the coefficients; of an unordered response
each of them once for every level but the first, the levels varying fastest. Points are points x parameters.

Rows and points go by in blocks, of which sums are kept: memory does not grow with rows x points.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.row_sums import log_likelihood
from dagreg.model.densities import log_concave_density
from dagreg.model.design import column, design_columns, encoded, positions
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.response import starting_cutpoints
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array
from dagreg.numerics.series import ArrayRows, RowSums

BLOCK = 2**17  # numbers: they stay in a core's cache
ROWS = 1_000  # of a block; `Family.log_total` takes no more
ALONE = 2**20  # rows x points up to which threads are not worth starting
Likelihood = Callable[[slice, Array], Array]  # the log likelihood of these rows at these points


@dataclass(frozen=True, slots=True)
class Target:
    """A log posterior, and where to look for its mode."""

    priors: tuple[PriorChoice, ...]  # of each parameter
    start: Array
    spread: Array  # parameters x parameters, a root of what the posterior's covariance may be
    rows: int
    likelihood: Likelihood
    sums: RowSums | None = None  # of the same log likelihood, where its family has a series

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
    variance = np.ones(1) if equation.family.variance is None else equation.family.variance(np.array([mean]))
    information = units * (trials * exposure)[:, 0] * (float(variance[0]) or 1.0)
    priors = equation.coefficients
    root, sums = _root(columns, information, priors), None
    if equation.link.name in equation.family.log_taylor:
        given = {"response": response, "trials": trials, "units": units[:, None]}
        sums = ArrayRows(
            columns, None if equation.offset is None else offset, given, log_likelihood(equation)
        )
    return Target(priors, start, root, rows, likelihood, sums)


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
    each = _root(columns, units / (several + 1), equation.coefficients)
    root = np.asarray(np.kron(each, np.eye(several)), dtype=np.float64)
    return Target(priors, start.ravel(), root, rows, likelihood)


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
    counts = np.bincount(codes, units, several + 1)
    root = np.zeros((len(start), len(start)))
    root[:several, :several] = np.diag(1 / np.sqrt(1 + np.minimum(counts[1:], counts[:-1])))
    if others:
        root[several:, several:] = _root(slopes, units / (several + 1), others)
    return Target((*[head] * several, *others), start, root, rows, likelihood)


def _root(columns: Array, information: Array, priors: Any) -> Array:
    """A root of (X' W X + the priors' precisions)^-1, some direction being bounded where neither holds it."""
    held = [1 / float(p.arguments[1]) ** 2 if p.distribution == "Normal" else 0.0 for p in priors]
    curvature = (columns * information[:, None]).T @ columns + np.diag(held)
    size = np.sqrt(np.where(np.diag(curvature) > 0, np.diag(curvature), 1.0))
    values, vectors = np.linalg.eigh(curvature / np.outer(size, size))
    return np.asarray(vectors / np.sqrt(np.maximum(values, 1e-10)) / size[:, None])
