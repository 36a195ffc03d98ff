"""A Gaussian regression without its rows.

**Theorem.** Let X be the n x p design, QR its decomposition, z = Q'y and s = |y - Qz|^2 (rows scaled by the
roots of their weights, which sum to N). For every b and sigma

    |y - X b|^2 = |z - R b|^2 + s,

so the likelihood, N times -log sigma less that over 2 sigma^2, is up to a constant the one of p observations
z ~ Normal(R b, sigma) and one s ~ Gamma((N - p) / 2, 1 / (2 sigma^2)): Fisher's sufficient statistics, by
Householder's R (Golub and Van Loan 2013, section 5.3). Where there are no more rows than coefficients, R has
as many rows as the data, s is 0, and so many observations z are all there is.

**When there is a posterior.** Directions in which neither data nor priors hold a coefficient leave none.
Where y lies in the span of X, of rank r, the likelihood grows like sigma^(r - N) as sigma falls to 0: with a
prior of sigma like sigma^k there, the posterior is finite only for N - r < k + 1.

A sampler gets b = start + spread free with a constant spread, whose Jacobian is a constant: `spread` is the
inverse root of the precision R'R / sigma^2 + (the priors'), so that the posterior of `free` is nearly round
however collinear the predictors are. The priors act on b, unchanged.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dagreg.errors import Diagnostic
from dagreg.model.densities import power_at_zero
from dagreg.model.equation import Equation
from dagreg.model.statistics import Sufficient
from dagreg.model.terms import PriorChoice
from dagreg.model.triangle import constant
from dagreg.numerics.arrays import Array
from dagreg.optimise.types import Data, Piece

STEP = "sufficient"
EXACT_FIT = 1e-24  # of the response's sum of squares about its mean: a residual below that is rounding
MIN_MOVE = 1e-12  # of the response: what a coefficient adds to it, if it is more than rounding
ULPS = 2.0  # of the mean: so is a residual sd below so many of its last digits
# coefficients: beyond, where no sampler is needed, round coordinates are not worth their time
MAX_ROUND = 200
MAX_SHOWN = 6  # coefficients in a message
COLLINEAR = 5e13  # condition number from which a combination of columns is rounding alone
_SCALES = {
    "Normal": (0, 1),
    "StudentT": (1, 2),
    "Cauchy": (0, 1),
    "Laplace": (0, 1),
}  # arguments: location, scale


def sufficient(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece on sufficient statistics, where it is one Gaussian regression."""
    equation = piece.equation
    if len(piece.model.equations) > 1 or not equation.family.normal or equation.linked is not None:
        return (piece,)
    obstacle = _obstacle(equation)
    if obstacle:
        return (piece.noted(STEP, obstacle, applied=False),)
    units, triangle = data.triangle(piece.model, equation)
    statistics = of_triangle(units, triangle, data.count - equation.dropped)
    flaw = _unbounded(equation, statistics) or _exact_fit(equation, statistics)
    if flaw is not None:
        return (replace(piece, flaw=flaw).noted(STEP, "there is no posterior to draw from", applied=False),)
    width, rows = len(statistics.rotated), data.count
    few = rows <= width
    why = f"{rows:,} rows stand " + (
        "in a triangle" if few else f"as {width:,} and their residual sum of squares"
    )
    placed = with_coordinates(equation, statistics)
    return (replace(piece, statistics=placed, rows=width + (not few)).noted(STEP, why, applied=True),)


def _obstacle(equation: Equation) -> str:
    if equation.link.name != "identity":
        return f"under the {equation.link.name} link the mean is not linear in the coefficients"
    if equation.varying:
        return f"coefficients vary between the levels of {equation.varying[0].group}"
    if equation.censoring is not None:
        return f"values of {equation.response} are censored"
    if equation.error is not None:
        return "every row has an error of its own"
    bounded = [p for p in equation.coefficients if p.distribution not in (*_SCALES, "Flat")]
    return f"the prior {bounded[0]} of a coefficient bounds it" if bounded else ""


def _rounding(equation: Equation, statistics: Sufficient) -> float:
    """The residual sum of squares that rounding alone may leave."""
    ones = constant(np.array(statistics.root), intercept=equation.has_intercept, levels=equation.cells)
    mean = float(ones @ np.array(statistics.rotated)) / statistics.units
    about = float(np.square(np.array(statistics.rotated) - mean * ones).sum()) + statistics.left
    digits = ULPS * np.finfo(np.float64).eps * mean
    return max(EXACT_FIT * about, digits * digits * statistics.units)


def of_triangle(units: float, triangle: Array, rows: int | None = None) -> Sufficient:
    """Sufficient statistics, from the triangle of [X y]; where so few rows fill only part of it, from that
    part.
    """
    kept = len(triangle) - 1 if rows is None else min(len(triangle) - 1, rows)
    return Sufficient(
        units=units,
        root=tuple(map(tuple, triangle[:kept, :-1].tolist())),
        rotated=tuple(triangle[:kept, -1].tolist()),
        left=float(triangle[-1, -1] ** 2),
    )


def with_coordinates(equation: Equation, statistics: Sufficient) -> Sufficient:
    """The statistics with `start` and `spread`: the priors' own where columns are combinations of others."""
    root, rotated = np.array(statistics.root), np.array(statistics.rotated)
    free = statistics.units - len(rotated)
    squares = statistics.left + float(rotated @ rotated)
    variance = statistics.left / free if free > 0 else 0.0
    variance = max(variance, 1e-6 * squares / statistics.units) or 1.0
    where, scale = np.array([_location_and_scale(p) for p in equation.coefficients]).T
    if len(scale) > MAX_ROUND and all(p.distribution == "Normal" for p in equation.coefficients):
        return replace(
            statistics, start=tuple(where.tolist()), spread=tuple(map(tuple, np.diag(scale).tolist()))
        )
    stacked = np.vstack([root / np.sqrt(variance), np.diag(1 / scale)])
    target = np.concatenate([rotated / np.sqrt(variance), where / scale])
    size = np.linalg.norm(stacked, axis=0)
    turned, upper = np.linalg.qr(stacked / size)
    if np.linalg.cond(upper) > COLLINEAR:
        spread, start = np.diag(np.where(np.isfinite(scale), scale, 1 / size)), where
    else:
        spread = np.linalg.inv(upper) / size[:, None]
        start = np.linalg.solve(upper, turned.T @ target) / size
    return replace(statistics, start=tuple(start.tolist()), spread=tuple(map(tuple, spread.tolist())))


def _unbounded(equation: Equation, statistics: Sufficient) -> Diagnostic | None:
    """The error of coefficients with flat priors that the data do not tell from each other."""
    flat = [i for i, prior in enumerate(equation.coefficients) if prior.distribution == "Flat"]
    columns = np.array(statistics.root)[:, flat]
    size = np.linalg.norm(columns, axis=0)
    if not flat or (
        len(columns) >= len(flat) and (size > 0).all() and np.linalg.cond(columns / size) <= COLLINEAR
    ):
        return None
    which = tuple(dict.fromkeys(name for i, name in enumerate(_names(equation)) if i in flat))
    return Diagnostic(
        "DR507",
        f"the regression of `{equation.response}` has no posterior: the priors of {', '.join(which)} are "
        "flat, and the data do not tell these coefficients apart",
        next((p.span for i, p in enumerate(equation.coefficients) if i in flat), None),
        label="give them proper priors",
        notes=(
            "any proper prior will do: the sums that the data tell are then theirs, the rest is the prior's",
        ),
    )


def _exact_fit(equation: Equation, statistics: Sufficient) -> Diagnostic | None:
    """The error of a response that is a combination of its predictors, under a sigma that may be 0."""
    root, rotated = np.array(statistics.root), np.array(statistics.rotated)
    rounding = _rounding(equation, statistics)
    if statistics.left > rounding:
        return None
    size = np.linalg.norm(root, axis=0)
    left, singular, right = np.linalg.svd(root / np.where(size > 0, size, 1.0), full_matrices=False)
    told = singular > singular.max(initial=0.0) / COLLINEAR
    inside = left[:, told].T @ rotated
    outside = np.zeros_like(rotated) if told.all() else rotated - left[:, told] @ inside
    if statistics.left + float(np.square(outside).sum()) > rounding:
        return None
    if statistics.units - told.sum() < 1 + power_at_zero(equation.auxiliaries[0].prior):
        return None
    slopes = (right[told].T @ (inside / singular[told])) / np.where(size > 0, size, 1.0)
    moves = np.abs(slopes) * size > MIN_MOVE * np.linalg.norm(rotated)
    named = [
        (n, b) for n, b, m in zip(_names(equation), slopes, moves, strict=True) if n != "intercept" and m
    ]
    shown = ", ".join(f"{name}: {b:.6g}" for name, b in named) if 0 < len(named) <= MAX_SHOWN else ""
    return Diagnostic(
        "DR506",
        f"`{equation.response}` is an exact combination of its predictors in all {statistics.units:,.12g} "
        "rows"
        f"{
            f' (coefficients: {shown})' if shown else ''
        }. Nothing is left for an error: its sigma would be 0, and has "
        "no posterior",
        equation.span,
        notes=(
            f"if `{equation.response}` is computed from its predictors, ask for what was measured instead",
            "a prior of sigma that keeps away from 0 gives an answer: `regressions: "
            f"{{{equation.response}: {{priors: "
            "{sigma: InverseGamma(3, 1)}}}`",
        ),
    )


def _names(equation: Equation) -> list[str]:
    """The term of each coefficient."""
    names = ["intercept"] if equation.has_intercept else []
    return names + [term.name for term in equation.terms for _ in term.columns]


def _location_and_scale(prior: PriorChoice) -> tuple[float, float]:
    if prior.distribution == "Flat":
        return 0.0, np.inf
    numbers = [float(a) for a in prior.arguments]  # type: ignore[arg-type]  # data are known here
    location, scale = _SCALES[prior.distribution]
    return numbers[location], numbers[scale]
