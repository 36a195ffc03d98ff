"""Tests of independence by one regression each: t and F, or likelihood ratios of generalised
linear models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dagreg.doubts.implication_columns import NodeColumn
from dagreg.doubts.within_groups import Statistic
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array
from dagreg.numerics.tails import chi_square_upper, f_upper, t_two_sided

MAX_LEVELS = 12  # of a response
FREE = 10  # degrees of freedom that have to be left
FLOOR = 1e-10  # relative to a sum of squares: rounding
MIN_SINGULAR = 1e-8  # of columns of length 1: less is rounding
STEPS = 40
TOLERANCE = 1e-9
RIDGE = 1e-9  # of the mean information
MAX_PREDICTOR = 30.0  # predictor of a count, which none reaches but where the likelihood has no maximum


def by_regression(
    x: NodeColumn, y: NodeColumn, given: Sequence[NodeColumn], rows: npt.NDArray[np.bool_]
) -> Statistic | str:
    """The test of x in the regression of y on `given` and x (or, where y has too many levels, of x on them
    and y).
    """
    if len(y.variable.levels) > MAX_LEVELS:
        x, y = y, x
    if len(y.variable.levels) > MAX_LEVELS:
        return f"both have more than {MAX_LEVELS} levels"
    base = np.ones((int(rows.sum()), 1))
    null = _orthonormal(base, np.empty((len(base), 0)))
    for other in given:
        null = np.hstack([null, _orthonormal(other.predictor(rows), null)])
    added = _orthonormal(x.predictor(rows), null)
    if added.shape[1] == 0:
        return unvarying_text(x)
    if len(base) - null.shape[1] - added.shape[1] < FREE:
        return "too few rows for the number of columns"
    return _TESTS[y.family](y, rows, null, added)


def unvarying_text(x: NodeColumn) -> str:
    return f"`{x.variable.name}` does not vary once the others are given"


def _orthonormal(block: Array, beside: Array) -> Array:
    """An orthonormal basis of what `block` adds to the span of `beside` (orthonormal too)."""
    if block.shape[1] == 0:
        return block
    size = np.linalg.norm(block, axis=0)
    left = block / np.where(size > 0, size, 1.0)
    for _ in range(2):  # twice is enough (Giraud, Langou and Rozloznik 2005)
        left = left - beside @ (beside.T @ left)
    q, r = np.linalg.qr(left)
    if _has_full_rank(r):
        return np.asarray(q * np.sign(np.diag(r)))  # a single column keeps its sign, and so does its t
    u, s, _ = np.linalg.svd(left, full_matrices=False)
    return np.asarray(u[:, s > MIN_SINGULAR])


def _has_full_rank(triangle: Array) -> bool:
    """Whether every singular value is above `MIN_SINGULAR`: the least one is at least 1 over the norm of the
    inverse. It costs far less than they do, and may say no where it is close.
    """
    if triangle.shape[0] < triangle.shape[1] or np.any(np.abs(np.diag(triangle)) <= MIN_SINGULAR):
        return False
    return float(np.linalg.norm(np.linalg.inv(triangle))) * MIN_SINGULAR < 1


def _linear(y: NodeColumn, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> Statistic | str:
    """t of the partial correlation for one added column, F for several."""
    response = y.blocks[rows, 0]
    left = response - response.mean()
    left = left - null @ (null.T @ left)
    return explained_by(y, left, added, len(left) - null.shape[1], squares_about_mean(response))


def squares_about_mean(response: Array) -> float:
    return float(((response - response.mean()) ** 2).sum())


def function_text(y: NodeColumn) -> str:
    return f"`{y.variable.name}` is a function of the others"


def explained_by(y: NodeColumn, left: Array, added: Array, room: int, squares: float) -> Statistic | str:
    """What `added` explains of a null regression's residuals, which have `room` degrees of freedom."""
    before = float(left @ left)
    if before <= FLOOR * squares:
        return function_text(y)
    along_added = added.T @ left
    explained = float(along_added @ along_added)
    columns, free = added.shape[1], room - added.shape[1]
    rest = max(before - explained, FLOOR * before) / free
    if columns == 1:
        t = float(along_added[0]) / rest**0.5
        return t, t_two_sided(t, free)
    f = explained / columns / rest
    return f, f_upper(f, columns, free)


def _counts(y: NodeColumn, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> Statistic | str:
    """The likelihood ratio of Poisson regressions, over the dispersion of the larger one (at least 1)."""
    response, offset = y.blocks[rows, 0], np.log(y.units[rows])
    both = np.hstack([null, added])
    smaller, larger = (poisson_means(response, offset, columns) for columns in (null, both))
    gain = 2 * float(_poisson_likelihood(response, larger) - _poisson_likelihood(response, smaller))
    free = len(response) - both.shape[1]
    dispersion = max(1.0, float(((response - larger) ** 2 / np.maximum(larger, FLOOR)).sum()) / free)
    return _scaled(gain, added.shape[1], dispersion, free)


def _scaled(gain: float, columns: int, dispersion: float, free: int) -> Statistic:
    statistic = max(gain, 0.0) / dispersion
    return statistic, f_upper(statistic / columns, columns, free)


def _poisson_likelihood(response: Array, mean: Array) -> Array:
    return np.asarray((response * np.log(np.maximum(mean, 1e-300)) - mean).sum())


def _successes(y: NodeColumn, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> Statistic | str:
    """The likelihood ratio of binomial regressions, over the dispersion of the larger one (at least 1)."""
    units = y.units[rows]
    hits = y.blocks[rows, 0]
    counts = np.column_stack([units - hits, hits])
    both = np.hstack([null, added])
    smaller, larger = (multinomial(counts, columns) for columns in (null, both))
    free = len(hits) - both.shape[1]
    share = larger[1][:, 1]
    pearson = float(((hits - units * share) ** 2 / np.maximum(units * share * (1 - share), FLOOR)).sum())
    return _scaled(2 * (larger[0] - smaller[0]), added.shape[1], max(1.0, pearson / free), free)


def _levels(y: NodeColumn, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> Statistic | str:
    """The likelihood ratio of multinomial logistic regressions."""
    indicators = y.blocks[rows]
    counts = np.column_stack([1.0 - indicators.sum(axis=1), indicators])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return f"`{y.variable.name}` has a single value in the rows of this test"
    both = np.hstack([null, added])
    gain = 2 * (multinomial(counts, both)[0] - multinomial(counts, null)[0])
    statistic = max(gain, 0.0)
    return statistic, chi_square_upper(statistic, added.shape[1] * (counts.shape[1] - 1))


def poisson_means(response: Array, offset: Array, columns: Array) -> Array:
    """Fitted means of a Poisson regression with the log link; `offset` is that of each row's predictor."""

    def derivatives(eta: Array) -> glm.Derivatives:
        mean = np.exp(np.clip(eta, -MAX_PREDICTOR, MAX_PREDICTOR))
        return glm.Derivatives(None, response[:, None] - mean, mean[:, :, None])

    near = np.log(np.maximum(response, 0.5 * max(float(response.mean()), FLOOR)) + 0.1)
    mean = np.exp(near)
    start = glm.weighted_least_squares(columns, near - offset + (response - mean) / mean, mean)
    beta = glm.fit(
        columns,
        derivatives,
        start[:, None],
        offset=offset[:, None],
        ridge=RIDGE,
        steps=STEPS,
        tolerance=TOLERANCE,
    )
    return np.asarray(np.exp(np.clip(columns @ beta[:, 0] + offset, -MAX_PREDICTOR, MAX_PREDICTOR)))


def binomial_means(hits: Array, units: Array, columns: Array) -> Array:
    """Fitted shares of successes of a logistic regression."""
    return multinomial(np.column_stack([units - hits, hits]), columns)[1][:, 1]


def multinomial(counts: Array, columns: Array) -> tuple[float, Array]:
    """Log likelihood and fitted shares of a multinomial logistic regression; counts are rows x classes."""
    totals = counts.sum(axis=1)

    def derivatives(eta: Array) -> glm.Derivatives:
        height, shares = _shares(counts, eta)
        others = shares[:, 1:]
        spread = np.eye(others.shape[1]) * others[:, :, None] - others[:, :, None] * others[:, None, :]
        return glm.Derivatives(
            height, counts[:, 1:] - totals[:, None] * others, totals[:, None, None] * spread
        )

    start = np.zeros((columns.shape[1], counts.shape[1] - 1))
    beta = glm.fit(columns, derivatives, start, ridge=RIDGE, steps=STEPS, tolerance=TOLERANCE)
    return _shares(counts, columns @ beta)


def _shares(counts: Array, predictors: Array) -> tuple[float, Array]:
    """The log likelihood, and the share of each class, from the predictors of all but the first."""
    eta = np.hstack([np.zeros((len(predictors), 1)), predictors])
    eta = eta - eta.max(axis=1, keepdims=True)
    logs = eta - np.log(np.exp(eta).sum(axis=1, keepdims=True))
    return float((counts * logs).sum()), np.exp(logs)


_TESTS = {"number": _linear, "count": _counts, "successes": _successes, "levels": _levels}
