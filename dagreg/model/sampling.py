"""Draws of responses from every family, for predictions and simulated data.

`model/draws.py` draws by quantiles, so that two sides of a contrast share their noise. Here nothing is shared, and
NumPy's own generators are many times faster. `location` is the inverse link of the predictor (per trial), `p` the
other parameters; they broadcast against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from dagreg.model.families import Array, Family, Parameters

Sampler = Callable[[np.random.Generator, Array, Parameters], npt.NDArray[np.generic]]
_MOST = 1e18  # the largest rate that NumPy draws a Poisson of; beyond, the draw is its rate to nine digits
_LEAST = 1e-300


def _gamma(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    shape = np.broadcast_to(p["shape"], mean.shape)
    return np.asarray(mean / shape * rng.standard_gamma(shape))


def _weibull(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    from scipy import special

    shape = np.broadcast_to(p["shape"], mean.shape)
    return np.asarray(mean / special.gamma(1 + 1 / shape) * rng.weibull(shape))


def _beta(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    return rng.beta(np.maximum(mean * p["precision"], _LEAST), np.maximum((1 - mean) * p["precision"], _LEAST))


def _binomial(rng: np.random.Generator, mean: Array, p: Parameters) -> npt.NDArray[np.generic]:
    return rng.binomial(np.broadcast_to(p["trials"], mean.shape).astype(np.int64), np.clip(mean, 0.0, 1.0))


def _poisson(rng: np.random.Generator, mean: Array, p: Parameters) -> npt.NDArray[np.generic]:
    drawn = rng.poisson(np.minimum(mean, _MOST))
    return drawn if mean.max(initial=0.0) <= _MOST else np.where(mean > _MOST, mean, drawn)


def _negative_binomial(rng: np.random.Generator, mean: Array, p: Parameters) -> npt.NDArray[np.generic]:
    return _poisson(rng, _gamma(rng, mean, p), p)


def _inflated(counts: Sampler) -> Sampler:
    def draw(rng: np.random.Generator, mean: Array, p: Parameters) -> npt.NDArray[np.generic]:
        return np.where(rng.random(mean.shape) < p["zero"], 0, counts(rng, mean, p))

    return draw


SAMPLERS: Mapping[str, Sampler] = {
    "gaussian": lambda rng, mean, p: mean + p["sigma"] * rng.standard_normal(mean.shape),
    "student_t": lambda rng, mean, p: (
        mean + p["sigma"] * rng.standard_t(np.broadcast_to(p["nu"], mean.shape), mean.shape)
    ),
    "lognormal": lambda rng, median, p: median * np.exp(p["sigma"] * rng.standard_normal(median.shape)),
    "gamma": _gamma,
    "exponential": lambda rng, mean, p: mean * rng.standard_exponential(mean.shape),
    "weibull": _weibull,
    "beta": _beta,
    "bernoulli": lambda rng, mean, p: rng.random(mean.shape) < mean,
    "binomial": _binomial,
    "beta_binomial": lambda rng, mean, p: _binomial(rng, _beta(rng, mean, p), p),
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
    "zero_inflated_poisson": _inflated(_poisson),
    "zero_inflated_negative_binomial": _inflated(_negative_binomial),
}
"""By family; those of several levels are drawn by `levels`."""


def responses(rng: np.random.Generator, family: Family, location: Array, p: Parameters) -> Array:
    """One response for each location; NaN where the location is none of the family's, as under an identity link.

    Families of counts out of trials have these in `p`, under "trials".
    """
    low, high = (-np.inf if family.real else 0.0), (1.0 if family.trials or "logit" in family.links else np.inf)
    outside = ~((location >= low) & (location <= high))
    if not outside.any():
        return np.asarray(SAMPLERS[family.name](rng, location, p), dtype=np.float64)
    inside = np.where(outside, 0.5, location)
    return np.where(outside, np.nan, SAMPLERS[family.name](rng, inside, p))


def levels(rng: np.random.Generator, probabilities: Array) -> npt.NDArray[np.int64]:
    """A level for each vector of probabilities along the last axis."""
    below = np.cumsum(probabilities, axis=-1)[..., :-1]
    return np.asarray((rng.random(below.shape[:-1])[..., None] > below).sum(axis=-1))
