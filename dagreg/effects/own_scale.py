"""From a response as the model sees it back to its column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.equation import Equation
from dagreg.model.summary import Variable
from dagreg.numerics.arrays import Array

POINTS = 20  # of Gauss-Hermite quadrature


def _expit(z: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))


_BACK: Mapping[str, Callable[[Array], Array]] = {
    "log": np.exp,
    "log1p": np.expm1,
    "logit": _expit,
    "sqrt": lambda z: np.maximum(z, 0.0) ** 2,
}


def on_own_scale(variable: Variable, values: Array) -> Array:
    """Values of the variable as its column has them."""
    if variable.transform is not None and variable.transform in _BACK:
        with np.errstate(over="ignore"):
            return _BACK[variable.transform](values)
    centre, scale = variable.transform_at
    return values if variable.transform is None else values * scale + centre


def mean_on_own_scale(variable: Variable, mean: Array, sigma: Array | None, *, normal: bool) -> Array:
    """The mean of the column, where the transformed variable has this mean and, if it is Normal, this sd.

    NaN where there is none: Student's t on a log scale.
    """
    if variable.transform not in _BACK:
        return on_own_scale(variable, mean)
    if not normal or sigma is None:
        return np.full(mean.shape, np.nan)
    if variable.transform in ("log", "log1p"):
        return on_own_scale(variable, mean + sigma**2 / 2)
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    parts = (
        w * on_own_scale(variable, mean + sigma * z)
        for z, w in zip(points, weights / weights.sum(), strict=True)
    )
    return np.asarray(sum(parts))


def as_column(variable: Variable, equation: Equation, coded: Array) -> npt.NDArray[Any]:
    """Responses (rows x columns, as coded) as the data would hold them: levels, whole numbers, untransformed.

    Raises DagregError (DR572) where a response is no number.
    """
    check_finite(variable, coded)
    if equation.levels:
        return of_levels(variable, (coded @ np.arange(1, len(equation.levels))).astype(np.int64))
    if variable.levels:
        return of_levels(variable, coded[:, 0].astype(np.int64))
    own = on_own_scale(variable, coded[:, 0])
    check_finite(variable, own)
    whole = equation.family.discrete and (np.abs(own) < 2**62).all()
    return own.astype(np.int64) if whole else own


def check_finite(variable: Variable, values: Array) -> None:
    """Raises DagregError (DR572) where a value is no number."""
    if not np.isfinite(values).all():
        label = "give the regressions narrower priors"
        raise DagregError(
            (
                Diagnostic(
                    "DR572", f"values of `{variable.name}` are beyond all numbers", variable.span, label
                ),
            )
        )


def of_levels(variable: Variable, places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The levels at these places."""
    kinds = {type(level) for level in variable.levels}
    levels = np.array(variable.levels, dtype=object if str in kinds or len(kinds) > 1 else None)
    return np.asarray(levels[places])
