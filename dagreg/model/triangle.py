"""The triangle of a regression: all that a Gaussian likelihood knows of its rows.

Of the rows [X y] the upper triangular factor of a QR decomposition holds R, Q'y and, in its last corner,
the root of the residual sum of squares (Golub and Van Loan 2013, section 5.3). Triangles of parts of the
rows, stacked and decomposed again, give the triangle of the whole (Demmel et al. 2012), so that rows can be
taken in blocks.
"""

from __future__ import annotations

import numpy as np

from dagreg.numerics.arrays import Array

BLOCK = 65_536  # rows decomposed at once
MAX_CONDITION_NUMBER = 1e8  # condition number of the correlations from which cross-products are not trusted


def triangle(rows: Array) -> Array:
    """The upper triangular factor of these rows, columns x columns (zeros below, where there are
    fewer rows).
    """
    width = rows.shape[1]
    upper = np.zeros((0, width))
    for i in range(0, max(len(rows), 1), BLOCK):
        upper = np.linalg.qr(np.vstack([upper, rows[i : i + BLOCK]]), mode="r")
    return np.vstack([upper, np.zeros((width - len(upper), width))]) if len(upper) < width else upper


def constant(root: Array, *, intercept: bool, levels: int) -> Array:
    """What the triangle of a design makes of a response that is 1 everywhere.

    The design's first column is the intercept's, or its first `levels` columns add up to 1.
    """
    return np.asarray(root[:, 0] if intercept else root[:, :levels].sum(axis=1))


def of_regression(rows: Array, weights: Array, *, intercept: bool, levels: int) -> Array:
    """The triangle of [design, response], each row counted by its weight; `intercept`, `levels` as of
    `constant`.

    It is worked out of the response less its mean, so that the residual sum of squares loses no digits to a
    large one.
    """
    near = float(np.average(rows[:, -1], weights=weights))
    rows[:, -1] -= near
    upper = triangle(rows * np.sqrt(weights)[:, None])
    upper[:-1, -1] += near * constant(upper[:-1, :-1], intercept=intercept, levels=levels)
    return upper


def from_moments(units: float, means: Array, products: Array) -> Array | None:
    """The triangle of [1, columns] from the columns' means and cross-products about them; None where digits
    are lost.

    A Cholesky factor squares the condition number. With correlations of condition 1e8 eight of sixteen
    digits are left; beyond, the rows themselves have to be decomposed.
    """
    scale = np.sqrt(np.diag(products))
    if not (scale > 0).all():
        return None
    correlations = products / np.outer(scale, scale)
    if not np.linalg.cond(correlations) < MAX_CONDITION_NUMBER:
        return None
    width = len(means) + 1
    upper = np.zeros((width, width))
    upper[0] = np.sqrt(units) * np.concatenate([[1.0], means])
    upper[1:, 1:] = np.linalg.cholesky(correlations).T * scale
    return upper
