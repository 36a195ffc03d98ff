"""Draws of responses from their families, for the mediators of the g-formula.

`location` is the inverse link of the predictor, `p` the other parameters; both broadcast. Every draw is monotone
in the location for the same state of `rng`, so that the noise cancels between two sides of a contrast.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dagreg.model import quantiles

Array = npt.NDArray[np.float64]
Parameters = Mapping[str, Array]


def normal(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    return location + p["sigma"] * rng.standard_normal(location.shape)


def student_t(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    from scipy import special

    return np.asarray(location + p["sigma"] * special.stdtrit(p["nu"], rng.random(location.shape)))


def lognormal(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    return np.asarray(location * np.exp(p["sigma"] * rng.standard_normal(location.shape)))


def gamma(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    from scipy import special

    return np.asarray(location * special.gammaincinv(p["shape"], rng.random(location.shape)) / p["shape"])


def exponential(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    return location * rng.standard_exponential(location.shape)


def weibull(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    from scipy import special

    scale = location / special.gamma(1 + 1 / p["shape"])
    return np.asarray(scale * rng.standard_exponential(location.shape) ** (1 / p["shape"]))


def beta(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    from scipy import special

    uniforms = rng.random(location.shape)
    return np.asarray(special.betaincinv(location * p["precision"], (1 - location) * p["precision"], uniforms))


def poisson(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    return quantiles.poisson(rng.random(location.shape), location)


def negative_binomial(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    """A Poisson whose rate is a gamma draw."""
    return poisson(rng, gamma(rng, location, p), p)


def zero_inflated_poisson(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    kept = rng.random(location.shape) >= p["zero"]
    return np.asarray(kept * poisson(rng, location, p))


def zero_inflated_negative_binomial(rng: np.random.Generator, location: Array, p: Parameters) -> Array:
    kept = rng.random(location.shape) >= p["zero"]
    return np.asarray(kept * negative_binomial(rng, location, p))
