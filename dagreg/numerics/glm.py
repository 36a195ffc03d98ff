"""Generalised linear models by Newton's method: iteratively reweighted least squares (McCullagh and Nelder
1989, 2.5).

A likelihood enters by its derivatives in the predictors of the rows, of which there is one each, or several
where the response has several levels. With Fisher's information in place of the curvature a step is one of
scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dagreg.numerics.arrays import Array

MAX_LINE_HALVINGS = 24  # of a step to a mode: likelihoods may end beside it
MAX_HALVINGS = 10  # of a step that lowers the likelihood
MIN_LEFT = 1e-6  # of what all rows tell of a coefficient: less is rounding


@dataclass(frozen=True, slots=True)
class Derivatives:
    """A log likelihood at some predictors: rows x k, k of them a row.

    `height` is its value; None for a quasi-likelihood, whose steps are taken as they are.
    """

    height: float | None
    gradient: Array  # rows x k
    information: Array  # rows x k x k


@dataclass(frozen=True, slots=True)
class NormalPriors:
    """A Normal prior of each coefficient: its precision, 0 where it is flat, and its mean."""

    precision: Array
    mean: Array


@dataclass(frozen=True, slots=True)
class Quadratic:
    """A concave function at a point: its value, its gradient and the negative of its Hessian."""

    height: float
    gradient: Array
    information: Array


def prior_of(normals: Sequence[Sequence[object] | None]) -> NormalPriors:
    """The priors of coefficients from mean and sd of each; None where it is flat."""
    pairs = [(0.0, 0.0) if n is None else (float(str(n[0])), 1.0 / float(str(n[1])) ** 2) for n in normals]
    mean, precision = np.array(pairs).reshape(-1, 2).T
    return NormalPriors(precision, mean)


def mode(
    look: Callable[[Array], Quadratic],
    start: Array,
    *,
    prior: NormalPriors,
    steps: int = 50,
    close: float = 1e-6,
) -> tuple[Array, Array] | None:
    """Where a concave log likelihood and Normal priors have their maximum, and the information there.

    `look` gives the likelihood at a point, whatever rows it is a sum over. The last step is taken without
    another look, from within `close` posterior sds: what is left is of the order of its square. None if a
    number is not finite, if some direction has no curvature, or after so many steps.
    """

    def with_prior(point: Array) -> Quadratic:
        found, apart = look(point), point - prior.mean
        height = found.height - 0.5 * float(prior.precision @ apart**2)
        gradient = found.gradient - prior.precision * apart
        return Quadratic(height, gradient, found.information + np.diag(prior.precision))

    beta, here = start, with_prior(start)
    for _ in range(steps):
        if not (np.isfinite(here.height) and np.isfinite(here.information).all()):
            return None
        size = np.sqrt(np.diag(here.information))
        if not size.min() > 0:
            return None
        try:
            step = np.linalg.solve(here.information / np.outer(size, size), here.gradient / size) / size
        except np.linalg.LinAlgError:
            return None
        far = float(here.gradient @ step)  # squared, in posterior sds
        if not far >= 0:
            return None
        if far <= close**2:
            return beta + step, here.information
        for halvings in range(MAX_LINE_HALVINGS + 1):
            moved = beta + step / 2.0**halvings
            there = with_prior(moved)
            if there.height >= here.height - 1e-12 * abs(here.height):
                break
        beta, here = moved, there
    return None


def fit(
    columns: Array,
    derivatives: Callable[[Array], Derivatives],
    start: Array,
    *,
    offset: Array | float = 0.0,
    prior: NormalPriors | None = None,
    ridge: float = 0.0,
    steps: int = 50,
    tolerance: float = 1e-10,
    unit: float = 1.0,
) -> Array:
    """The coefficients (columns x k) at the maximum, from those at `start`.

    `offset` is rows x 1. `ridge` is a share of the mean information, added to that of each coefficient:
    separated classes stay finite. Without it every step is solved by QR of the rows (k = 1), which collinear
    columns need.

    It ends when the likelihood grows by less than `tolerance` of itself. If that is not known, it ends when
    no predictor moves by more than `tolerance` of the largest, to which `unit` is added. After `steps` it
    ends wherever it is.
    """
    beta = start
    eta = columns @ beta + offset
    here = derivatives(eta)
    for _ in range(steps):
        if ridge:
            full = beta + _newton_step(columns, here, ridge)
        else:
            full = _least_squares(columns, here, eta - offset, prior)
        share, halvings = 1.0, 0
        while True:
            moved = beta + share * (full - beta) if halvings else full
            reached = columns @ moved + offset
            there = derivatives(reached)
            if here.height is None or there.height is None or halvings == MAX_HALVINGS:
                break
            if there.height >= here.height - tolerance * (1 + abs(here.height)):
                break
            share, halvings = share / 2, halvings + 1
        if here.height is not None and there.height is not None:
            settled = abs(there.height - here.height) < tolerance * (1 + abs(here.height))
        else:
            settled = bool(
                np.max(np.abs(columns @ (moved - beta))) <= tolerance * (np.max(np.abs(eta)) + unit)
            )
        beta, eta, here = moved, reached, there
        if settled:
            break
    return beta


def weighted_least_squares(
    columns: Array, target: Array, information: Array, prior: NormalPriors | None = None
) -> Array:
    """Coefficients of a target (rows) by QR of the weighted rows, those of Normal priors stacked below."""
    root = np.sqrt(information)
    if prior is None:
        return np.asarray(np.linalg.lstsq(columns * root[:, None], target * root, rcond=None)[0])
    held = prior.precision > 0
    sizes = np.sqrt(prior.precision)
    stacked = np.vstack([columns * root[:, None], np.diag(sizes)[held]])
    targets = np.concatenate([target * root, (sizes * prior.mean)[held]])
    return np.asarray(np.linalg.lstsq(stacked, targets, rcond=None)[0])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Least squares without each group of rows."""

    coefficients: Array  # groups x columns
    squares: Array  # groups: the sum of squared residuals over the rows that are kept


def without_each_group(
    columns: Array, target: Array, units: Array, parts: Callable[[int], Array], groups: int
) -> LeftOut | None:
    """Least squares of a target (rows) without each group in turn, from one QR of all rows.

    With the rows as QR, e their residuals, and Q_g and e_g those of group g: the coefficients change by
    -R^-1 (I - Q_g' Q_g)^-1 Q_g' e_g (Belsley, Kuh and Welsch 1980, section 2.1, for a group of rows).
    `parts(group)` is the share of each row that lies in the group. None if the rows that are kept do not tell
    every coefficient, all together or without some group.
    """
    root = np.sqrt(units)
    rows = columns * root[:, None]
    if len(rows) < columns.shape[1]:
        return None
    q, r = np.linalg.qr(rows)
    if np.any(np.abs(np.diag(r)) <= MIN_LEFT * np.linalg.norm(rows, axis=0)):
        return None
    score = q.T @ (target * root)
    residuals = target * root - q @ score
    residuals -= q @ (q.T @ residuals)
    inside, scores, squares = [], [], []
    for group in range(groups):
        share = parts(group)
        here = np.flatnonzero(share)
        mine, rest = q[here] * share[here, None], residuals[here]
        inside.append(mine.T @ q[here])
        scores.append(mine.T @ rest)
        squares.append(share[here] @ rest**2)
    left = np.eye(columns.shape[1]) - np.array(inside)
    if np.linalg.eigvalsh(left).min() <= MIN_LEFT:
        return None
    moved = np.linalg.solve(left, np.array(scores)[:, :, None])[:, :, 0]
    kept = residuals @ residuals - np.array(squares) - np.einsum("gi,gi->g", moved, np.array(scores))
    return LeftOut(np.linalg.solve(r, (score - moved).T).T, np.maximum(kept, 0.0))


def _least_squares(columns: Array, here: Derivatives, eta: Array, prior: NormalPriors | None) -> Array:
    """The coefficients that a whole step of one predictor reaches (columns x 1)."""
    information, gradient = here.information[:, 0, 0], here.gradient[:, 0]
    ahead = np.divide(gradient, information, out=np.zeros_like(gradient), where=information > 0)
    return weighted_least_squares(columns, eta[:, 0] + ahead, information, prior)[:, None]


def _newton_step(columns: Array, here: Derivatives, ridge: float) -> Array:
    """A whole step (columns x k) by the normal equations, the predictors outermost."""
    width, several = columns.shape[1], here.gradient.shape[1]
    matrix = np.empty((several * width, several * width))
    for i in range(several):
        for j in range(several):
            block = columns.T @ (here.information[:, i, j, None] * columns)
            matrix[i * width : (i + 1) * width, j * width : (j + 1) * width] = block
    matrix += ridge * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    step = np.linalg.solve(matrix, (columns.T @ here.gradient).T.ravel())
    return np.asarray(step.reshape(several, width).T)
