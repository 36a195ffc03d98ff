"""What families of numbers above 0 share."""

from __future__ import annotations

from dagreg.families.family import Values
from dagreg.numerics.arrays import Array, np, special

NOT_ABOVE_ZERO = "{number} <= 0"
LINKS = ("log", "softplus", "identity", "inverse")


def above_zero(low: float, high: float, whole: bool) -> bool:
    return low > 0


def square(mean: Array) -> Array:
    return np.square(mean)


def draw_gamma(rng: np.random.Generator, location: Array, p: Values) -> Array:
    """By quantiles, for the mediators of the g-formula."""
    return np.asarray(location * special.gammaincinv(p["shape"], rng.random(location.shape)) / p["shape"])


def sample_gamma(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    """By NumPy's generator: a draw over its mean, times the mean."""
    shape = np.broadcast_to(p["shape"], mean.shape)
    ratio = np.asarray(rng.standard_gamma(shape) / shape)
    return np.asarray(np.where(ratio > 0, mean * ratio, 0.0))
