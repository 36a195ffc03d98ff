"""What tests of independence take from generalised linear models, and words for what cannot be tested."""

from __future__ import annotations

import numpy as np

from dagreg.doubts.implication_columns import NodeColumn
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array

MAX_LEVELS = 12  # of a response
FREE = 10  # degrees of freedom that have to be left
FLOOR = 1e-10  # relative to a sum of squares: rounding
STEPS = 40
TOLERANCE = 1e-9
RIDGE = 1e-9  # of the mean information
MAX_PREDICTOR = 30.0  # predictor of a count, which none reaches but where the likelihood has no maximum


def unvarying_text(x: NodeColumn) -> str:
    return f"`{x.variable.name}` does not vary once the others are given"


def squares_about_mean(response: Array) -> float:
    return float(((response - response.mean()) ** 2).sum())


def function_text(y: NodeColumn) -> str:
    return f"`{y.variable.name}` is a function of the others"


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
