"""From a transformed response back to the scale of its column."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dagreg.engine.draws import Array
from dagreg.model.types import Variable

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


def mean_on_own_scale(variable: Variable, mean: Array, sigma: Array | None, family: str) -> Array:
    """The mean of the column, where the transformed variable has this mean and, if it is gaussian, this sd.

    NaN where there is none: Student's t on a log scale.
    """
    if variable.transform not in _BACK:
        return on_own_scale(variable, mean)
    if family != "gaussian" or sigma is None:
        return np.full(mean.shape, np.nan)
    if variable.transform in ("log", "log1p"):
        return on_own_scale(variable, mean + sigma**2 / 2)
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    parts = (w * on_own_scale(variable, mean + sigma * z) for z, w in zip(points, weights / weights.sum(), strict=True))
    return np.asarray(sum(parts))
