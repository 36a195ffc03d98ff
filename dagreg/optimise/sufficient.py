"""A Gaussian regression without its rows.

**Theorem.** Let X be the n x p design, QR its decomposition, z = Q'y and s = |y - Qz|^2 (rows scaled by the
roots of their weights, which sum to N). For every b and sigma

    |y - X b|^2 = |z - R b|^2 + s,

so the likelihood, N times -log sigma less that over 2 sigma^2, is up to a constant the one of p observations
z ~ Normal(R b, sigma) and one s ~ Gamma((N - p) / 2, 1 / (2 sigma^2)): Fisher's sufficient statistics, by
Householder's R (Golub and Van Loan 2013, section 5.3). N > p and s > 0 are needed for that Gamma.

A sampler gets b = start + spread free with a constant spread, whose Jacobian is a constant: `spread` is the
inverse root of the precision R'R / sigma^2 + (the priors'), so that the posterior of `free` is nearly round
however collinear the predictors are. The priors act on b, unchanged.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dagreg.families.numeric import Array
from dagreg.model.triangle import constant
from dagreg.model.types import Equation, PriorChoice, Sufficient
from dagreg.optimise.types import Data, Piece

STEP = "sufficient"
EXACT_FIT = 1e-24  # of the response's sum of squares about its mean: a residual below that is rounding
ULPS = 2.0  # of the mean: so is a residual sd below so many of its last digits
COLLINEAR = 5e13  # condition number from which a combination of columns is rounding alone
_SCALES = {"Normal": (0, 1), "StudentT": (1, 2), "Cauchy": (0, 1), "Laplace": (0, 1)}  # arguments: location, scale


def sufficient(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece on sufficient statistics, where it is one Gaussian regression."""
    equation = piece.equation
    if len(piece.model.equations) > 1 or not equation.family.normal or equation.linked is not None:
        return (piece,)
    obstacle = _obstacle(equation, data)
    if obstacle:
        return (piece.noted(STEP, obstacle, applied=False),)
    statistics = of_triangle(*data.triangle(piece.model, equation))
    width = len(statistics.rotated)
    if not statistics.left > _rounding(equation, statistics):
        return (piece.noted(STEP, "the regression fits its rows without an error", applied=False),)
    placed = with_coordinates(equation, statistics)
    if placed is None:
        return (piece.noted(STEP, "a predictor is a combination of others, and its prior is flat", applied=False),)
    why = f"{data.count:,} rows stand as {width:,} and their residual sum of squares"
    reduced = replace(piece.model, equations=(replace(equation, sufficient=placed),))
    return (replace(piece, model=reduced, rows=width + 1).noted(STEP, why, applied=True),)


def _obstacle(equation: Equation, data: Data) -> str:
    if equation.link.name != "identity":
        return f"under the {equation.link.name} link the mean is not linear in the coefficients"
    if equation.varying:
        return f"coefficients vary between the levels of {equation.varying[0].group}"
    if equation.censored is not None:
        return f"values of {equation.response} are censored"
    if equation.error is not None or equation.scaled_by is not None:
        return "every row has an error of its own"
    width = len(equation.coefficients)
    if data.count <= width:
        return f"{data.count:,} rows are no more than the {width:,} coefficients"
    bounded = [p for p in equation.coefficients if p.distribution not in (*_SCALES, "Flat")]
    return f"the prior {bounded[0]} of a coefficient bounds it" if bounded else ""


def _rounding(equation: Equation, statistics: Sufficient) -> float:
    """The residual sum of squares that rounding alone may leave."""
    ones = constant(np.array(statistics.root), intercept=equation.has_intercept, levels=equation.cells)
    mean = float(ones @ np.array(statistics.rotated)) / statistics.units
    about = float(np.square(np.array(statistics.rotated) - mean * ones).sum()) + statistics.left
    digits = ULPS * np.finfo(np.float64).eps * mean
    return max(EXACT_FIT * about, digits * digits * statistics.units)


def of_triangle(units: float, triangle: Array) -> Sufficient:
    """Sufficient statistics, from the triangle of [X y]."""
    return Sufficient(
        units=units,
        root=tuple(map(tuple, triangle[:-1, :-1].tolist())),
        rotated=tuple(triangle[:-1, -1].tolist()),
        left=float(triangle[-1, -1] ** 2),
    )


def with_coordinates(equation: Equation, statistics: Sufficient) -> Sufficient | None:
    """The statistics with `start` and `spread`; None where neither data nor priors hold a coefficient."""
    root, rotated = np.array(statistics.root), np.array(statistics.rotated)
    variance = statistics.left / (statistics.units - len(rotated))
    where, scale = np.array([_location_and_scale(p) for p in equation.coefficients]).T
    stacked = np.vstack([root / np.sqrt(variance), np.diag(1 / scale)])
    target = np.concatenate([rotated / np.sqrt(variance), where / scale])
    size = np.linalg.norm(stacked, axis=0)
    turned, upper = np.linalg.qr(stacked / size)
    if np.linalg.cond(upper) > COLLINEAR:
        return None
    spread = np.linalg.inv(upper) / size[:, None]
    start = np.linalg.solve(upper, turned.T @ target) / size
    return replace(statistics, start=tuple(start.tolist()), spread=tuple(map(tuple, spread.tolist())))


def _location_and_scale(prior: PriorChoice) -> tuple[float, float]:
    if prior.distribution == "Flat":
        return 0.0, np.inf
    numbers = [float(a) for a in prior.arguments]  # type: ignore[arg-type]  # data are known here
    location, scale = _SCALES[prior.distribution]
    return numbers[location], numbers[scale]
