"""What families of shares have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagreg.families.family import ResponseType, Values
from dagreg.numerics.arrays import Array, np, special

TYPES: tuple[ResponseType, ...] = ("proportion", "continuous", "positive")
OUTSIDE = "{number} < 0 OR {number} > 1"


def from_0_to_1(low: float, high: float, whole: bool) -> bool:
    return low >= 0 and high <= 1


def draw_beta(rng: np.random.Generator, location: Array, p: Values) -> Array:
    """By quantiles, for the mediators of the g-formula."""
    uniforms = rng.random(location.shape)
    return np.asarray(
        special.betaincinv(location * p["precision"], (1 - location) * p["precision"], uniforms)
    )


def log_beta(y: Array, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    """The log density of a beta by its mean and its precision."""
    precision = p["precision"]
    first, second = mean * precision, (1 - mean) * precision
    ways = special.gammaln(precision) - special.gammaln(first) - special.gammaln(second)
    return ways + first * np.log(y) + second * np.log1p(-y)


def with_ends(share: Array, uniforms: Array, zero: Array, one: Array) -> Array:
    """The shares, but 0 at the lowest uniforms and 1 at the highest: so often as these probabilities say."""
    return np.asarray(np.where(uniforms < zero, 0.0, np.where(uniforms >= 1 - one, 1.0, share)))
