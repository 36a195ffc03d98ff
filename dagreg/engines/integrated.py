"""Numbers that are not known, missing or measured with known errors, integrated out of regressions that are
linear in them and have Normal errors.

**Theorem.** Let a row's unknown numbers be z0 + u, and its regressions and measurements residuals
c_j - g_j' u with sds s_j. Their density in u is that of a Normal with precision A = sum g_j g_j' / s_j^2 and
mean A^-1 v, v = sum g_j c_j / s_j^2, and its integral over u is

    prod 1 / s_j * det(A)^-1/2 * exp(-(sum c_j^2 / s_j^2 - v' A^-1 v) / 2)

up to powers of 2 pi (Little and Rubin 2019, section 11.2; Carroll et al. 2006, section 8.1 for measurements).
Here c_j and the entries of g_j are linear predictors, so that a set of rows which lack the same is a `Factor`
of the numeric posterior as any other. Draws of the parameters then give draws of u from that Normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.engines.factors import Factor, Index, Predictor
from dagreg.model.design import absent, design_columns, encode
from dagreg.model.equation import ErrorScale
from dagreg.model.plan import Latent, Model
from dagreg.numerics.arrays import Array

Matrix = list[list[Any]]
MAX_UNKNOWN = 4  # variables that lack numbers: derivatives of more take long
MAX_BLOCK = 2**20  # numbers of a block of draws x rows


@dataclass(frozen=True, slots=True)
class Residual:
    """What a row says of its unknown numbers: `known - eta - sum slopes u`, with an sd.

    `eta` and `slopes` are the numbers of predictors; without an `eta` it is a measurement. `sigma` is the
    number of a scalar; `error` names the column of known errors that stand beside it, or that it multiplies
    where `scaled`.
    """

    known: str
    eta: int | None
    slopes: Mapping[int, int]
    itself: int | None = None  # the unknown number that is its response, or that it measures
    sigma: int | None = None
    error: str | None = None
    scaled: bool = False

    def slope(self, of: int, etas: Sequence[Any]) -> Any:
        """The derivative of what is taken off `known`, in one unknown number."""
        if of == self.itself:
            return 1.0 if self.eta is None else -1.0
        return etas[self.slopes[of]] if of in self.slopes else None

    def variance(self, columns: Mapping[str, Any], scalars: Sequence[Any]) -> Any:
        """Of its error: rows x points, or a number for all."""
        if self.sigma is None:
            return columns[self.error or ""] ** 2
        sigma = scalars[self.sigma]
        if self.error is None:
            return sigma * sigma
        return (sigma * columns[self.error]) ** 2 if self.scaled else sigma**2 + columns[self.error] ** 2


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows that lack the same numbers, and know the same responses."""

    unknown: tuple[str, ...]  # symbols of the latent values
    places: tuple[Index, ...]  # of each, where these rows' values stand among its own
    start: tuple[Array, ...]  # of each, the number that `u` is added to: rows
    residuals: tuple[Residual, ...]
    factor: Factor

    def normal(self, values: Array) -> tuple[Matrix, list[Any]]:
        """A and v of the theorem at many points, after elimination."""
        factor, everything = self.factor, slice(None)
        etas = [p.at(values, everything) for p in factor.predictors]
        scalars = [values[:, place][None, :] for place in factor.scalars]
        return _eliminated(self.residuals, len(self.unknown), factor.columns, etas, scalars)[:2]

    def draw(self, values: Array, rng: np.random.Generator) -> list[Array]:
        """Of each unknown number, rows x points."""
        matrix, vector = self.normal(values)
        shape = (len(self.factor.weights), len(values))
        moves: dict[int, Array] = {}
        for k in reversed(range(len(self.unknown))):
            mean = vector[k] - sum(matrix[k][j] * moves[j] for j in moves)
            moves[k] = np.broadcast_to(mean / matrix[k][k], shape) + rng.standard_normal(shape) / np.sqrt(
                matrix[k][k]
            )
        return [self.start[k][:, None] + moves[k] for k in range(len(self.unknown))]


@dataclass(frozen=True, slots=True)
class Integrated:
    """All rows that lack numbers."""

    latents: tuple[Latent, ...]
    patterns: tuple[Pattern, ...]

    @property
    def factors(self) -> tuple[Factor, ...]:
        return tuple(p.factor for p in self.patterns)

    def draws(self, values: Array, rng: np.random.Generator) -> dict[str, Array]:
        """Draws of the unknown numbers given the parameters (chains x draws x parameters), by symbol."""
        flat = values.reshape(-1, values.shape[-1])
        drawn = {la.values: np.empty((len(flat), la.count)) for la in self.latents}
        for pattern in self.patterns:
            width = max(MAX_BLOCK // len(pattern.factor.weights), 1)
            for at in range(0, len(flat), width):
                part = slice(at, at + width)
                columns = pattern.draw(flat[part], rng)
                for symbol, places, numbers in zip(pattern.unknown, pattern.places, columns, strict=True):
                    drawn[symbol][part, places] = numbers.T
        return {symbol: numbers.reshape(*values.shape[:2], -1) for symbol, numbers in drawn.items()}


def obstacle(model: Model) -> str:
    """Why the unknown numbers of a model are not integrated out, or ""."""
    unknown = {latent.variable for latent in model.latents}
    if any(latent.summed for latent in model.latents):
        return "numbers and levels are not known"
    if len(unknown) > MAX_UNKNOWN:
        return f"values of {len(unknown)} variables are not known"
    for equation in model.equations:
        name = f"the regression of {equation.response}"
        if not equation.family.normal or equation.link.name != "identity":
            return f"values are not known, and {name} is not linear with Normal errors"
        if equation.linked is not None or equation.censoring is not None or equation.weights is not None:
            return f"values are not known, and {name} has more than Normal errors of its own"
        if equation.error is not None and equation.response in unknown:
            return f"values are not known, and {name} has errors of two kinds"
        for term in equation.terms:
            if unknown & set(term.factors) and (
                term.curve is not None or len(unknown & set(term.factors)) > 1
            ):
                return f"values are not known, and {name} is not linear in them"
    return ""


def integrated(model: Model, data: Mapping[str, Any], places: Sequence[tuple[int, int]]) -> Integrated:
    """The rows that lack numbers; `places` are where an equation's coefficients start among the parameters,
    and where its auxiliaries do.
    """
    lacks = unknown_rows(model, data)
    responses = [e.response for e in model.equations if e.dropped]
    gone = {name: absent(data[model.variables[name].column]) for name in responses}
    gone |= {la.variable: absent(data[model.variables[la.variable].column]) for la in model.latents}
    marks = np.column_stack([*lacks.values(), *gone.values()])
    kinds, which = np.unique(marks[marks[:, : len(lacks)].any(axis=1)], axis=0, return_inverse=True)
    rows = np.flatnonzero(marks[:, : len(lacks)].any(axis=1))
    patterns = tuple(
        _pattern(model, data, places, rows[which.ravel() == kind], gone) for kind in range(len(kinds))
    )
    return Integrated(tuple(model.latents), patterns)


def unknown_rows(model: Model, data: Mapping[str, Any]) -> dict[str, Any]:
    """Of each variable with unknown numbers, the rows that lack one: all rows where it is measured with
    errors.
    """
    found = {}
    for latent in model.latents:
        gone = absent(data[model.variables[latent.variable].column])
        found[latent.variable] = gone if latent.error is None else np.ones(len(gone), dtype=bool)
    return found


def _pattern(
    model: Model,
    data: Mapping[str, Any],
    places: Sequence[tuple[int, int]],
    rows: Index,
    gone: Mapping[str, Any],
) -> Pattern:
    """Rows that lack the same."""
    first = rows[0]
    latents = [la for la in model.latents if la.error is not None or gone[la.variable][first]]
    number = {la.variable: k for k, la in enumerate(latents)}
    values, start = _values(model, data, rows, latents, gone)
    columns: dict[str, Array] = {}
    predictors: list[Predictor] = []
    scalars: list[int] = []
    residuals: list[Residual] = []
    for equation, (begins, auxiliaries) in zip(model.equations, places, strict=True):
        lost = equation.response in gone and gone[equation.response][first]
        if lost and equation.response not in number:
            continue
        spots = np.arange(begins, auxiliaries)
        eta, slopes = len(predictors), {}
        plain = design_columns(equation, values, len(rows))
        predictors.append(Predictor(plain, spots))
        for name in (n for n in equation.predictors if n in number):
            step = _step(values[name])
            moved = design_columns(equation, {**values, name: values[name] + step}, len(rows))
            slopes[number[name]] = len(predictors)
            predictors.append(Predictor((moved - plain) / step, spots))
        columns[f"known {len(residuals)}"] = values[equation.response]
        error = None
        if equation.error is not None:
            error = f"error {len(residuals)}"
            columns[error] = np.asarray(data[equation.error.column], dtype=np.float64)[rows][:, None]
        residuals.append(
            Residual(
                f"known {len(residuals)}",
                eta,
                slopes,
                number.get(equation.response),
                len(scalars),
                error,
                isinstance(equation.error, ErrorScale),
            )
        )
        scalars.append(auxiliaries + [a.name for a in equation.auxiliaries].index("sigma"))
    for name, latent in zip(number, latents, strict=True):
        if latent.error is None or gone[name][first]:
            continue
        variable = model.variables[name]
        scale = variable.transform_at[1] if variable.transform == "standardize" else 1.0
        at = len(residuals)
        columns[f"known {at}"] = np.zeros((len(rows), 1))  # the start is the measurement
        columns[f"error {at}"] = np.asarray(np.ma.getdata(data[latent.error]), float)[rows][:, None] / scale
        residuals.append(Residual(f"known {at}", None, {}, number[name], None, f"error {at}"))
    kept = tuple(residuals)

    def formula(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return _eliminated(kept, len(number), columns, etas, scalars)[2]

    factor = Factor(formula, columns, tuple(predictors), tuple(scalars), np.ones(len(rows)))
    own = tuple(_own_places(la, gone[la.variable], rows) for la in latents)
    return Pattern(tuple(la.values for la in latents), own, start, kept, factor)


def _step(values: Array) -> float:
    """A power of two about as large as the numbers: a design that is linear in them then loses no digits."""
    return float(2.0 ** np.ceil(np.log2(max(np.abs(values).max(), 1e-300))))


def _own_places(latent: Latent, gone: Any, rows: Index) -> Index:
    """Where the values of these rows stand among those of a latent variable: of the gaps, or of all rows."""
    return rows if latent.error is not None else np.searchsorted(np.flatnonzero(gone), rows)


def _values(
    model: Model, data: Mapping[str, Any], rows: Index, latents: Sequence[Latent], gone: Mapping[str, Any]
) -> tuple[dict[str, Array], tuple[Array, ...]]:
    """The encoded variables of these rows, what is not known at its mean or its measurement; and these
    numbers.
    """
    names = dict.fromkeys(n for e in model.equations for n in (e.response, *e.predictors))
    values = {}
    for name in names:
        variable = model.variables[name]
        column = np.ma.getdata(data[variable.column])[rows]
        if name in gone:
            column = np.where(gone[name][rows], np.array(variable.filler), column)
        values[name] = encode(variable, np.asarray(column))
    for latent in latents:
        if gone[latent.variable][rows[0]]:
            mean = float(model.variables[latent.variable].mean or 0.0)
            values[latent.variable] = np.full((len(rows), 1), mean)
    return values, tuple(values[la.variable][:, 0] for la in latents)


def _eliminated(
    residuals: Sequence[Residual],
    count: int,
    columns: Mapping[str, Any],
    etas: Sequence[Any],
    scalars: Sequence[Any],
) -> tuple[Matrix, list[Any], Any]:
    """A and v after Gaussian elimination, and the log density of the theorem.

    Row k of A then gives number k from those after it: its precision is the pivot. The squares that are left
    are those of the residuals at the Normal's mean, which rounding cannot make negative.
    """
    matrix: Matrix = [[0.0] * count for _ in range(count)]
    vector: list[Any] = [0.0] * count
    height: Any = 0.0
    parts = []
    for residual in residuals:
        variance = residual.variance(columns, scalars)
        left = columns[residual.known]
        left = left if residual.eta is None else left - etas[residual.eta]
        slopes = {k: s for k in range(count) if (s := residual.slope(k, etas)) is not None}
        parts.append((left, slopes, variance))
        height = height - 0.5 * np.log(variance)
        for k, slope in slopes.items():
            vector[k] = vector[k] + slope * left / variance
            for j, other in slopes.items():
                if j >= k:
                    matrix[k][j] = matrix[k][j] + slope * other / variance
    for k in range(count):
        height = height - 0.5 * np.log(matrix[k][k])
        for i in range(k + 1, count):
            share = matrix[k][i] / matrix[k][k]
            vector[i] = vector[i] - share * vector[k]
            for j in range(i, count):
                matrix[i][j] = matrix[i][j] - share * matrix[k][j]
    means: dict[int, Any] = {}
    for k in reversed(range(count)):
        means[k] = (vector[k] - sum(matrix[k][j] * means[j] for j in means)) / matrix[k][k]
    for left, slopes, variance in parts:
        apart = left - sum(slope * means[k] for k, slope in slopes.items())
        height = height - 0.5 * apart * apart / variance
    return matrix, vector, height
