"""Draws of responses from every family, for predictions and simulated data.

`model/draws.py` draws by quantiles, so that two sides of a contrast share their noise. Here nothing is shared, and
NumPy's own generators are many times faster. `location` is the inverse link of the predictor (per trial), `p` the
other parameters; they broadcast against each other.

Under wide priors either may be anything that doubles hold, infinite too. No draw raises: what lies beyond all numbers
is infinite, what has no distribution is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from dagreg.model.families import Array, Family, Parameters

Sampler = Callable[[np.random.Generator, Array, Parameters], npt.NDArray[np.generic]]
_MOST = 1e18  # the largest rate that NumPy draws a Poisson of; beyond, the draw is its rate to nine digits
_LEAST, _LARGEST = 1e-300, 1e300  # shapes and precisions that NumPy's generators take
_TRIALS = 2**62
_SHAPES = ("shape", "precision", "nu")


def _ratio(rng: np.random.Generator, shape: Array) -> Array:
    """A gamma draw over its mean."""
    return np.asarray(rng.standard_gamma(shape) / shape)


def _gamma(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    ratio = _ratio(rng, np.broadcast_to(p["shape"], mean.shape))
    return np.asarray(np.where(ratio > 0, mean * ratio, 0.0))


def _weibull(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    """By its log: the function of the shape that the mean is made of soon overflows."""
    from scipy import special

    shape = np.broadcast_to(p["shape"], mean.shape)
    log = np.log(rng.standard_exponential(mean.shape)) / shape - special.gammaln(1 + 1 / shape)
    log = np.where(np.isnan(log), -np.inf, log)
    return np.asarray(np.where(log > -np.inf, mean * np.exp(log), 0.0))


def _beta(rng: np.random.Generator, mean: Array, p: Parameters) -> Array:
    precision = np.broadcast_to(p["precision"], mean.shape)
    return rng.beta(np.maximum(mean * precision, _LEAST), np.maximum((1 - mean) * precision, _LEAST))


def _binomial(rng: np.random.Generator, mean: Array, p: Parameters) -> npt.NDArray[np.generic]:
    trials = np.minimum(np.broadcast_to(p["trials"], mean.shape), _TRIALS)
    return rng.binomial(trials.astype(np.int64), np.clip(mean, 0.0, 1.0))


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
    "lognormal": lambda rng, median, p: np.exp(np.log(median) + p["sigma"] * rng.standard_normal(median.shape)),
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
    known = {}
    for name, values in p.items():
        lost = np.isnan(values)
        outside = outside | lost
        usual = np.where(lost, 1.0, values)
        known[name] = np.clip(usual, _LEAST, _LARGEST) if name in _SHAPES else usual
    with np.errstate(all="ignore"):
        if not outside.any():
            return np.asarray(SAMPLERS[family.name](rng, location, known), dtype=np.float64)
        inside = np.where(outside, 0.5, location)
        return np.where(outside, np.nan, SAMPLERS[family.name](rng, inside, known))


def levels(rng: np.random.Generator, probabilities: Array) -> npt.NDArray[np.int64]:
    """A level for each vector of probabilities along the last axis."""
    below = np.cumsum(probabilities, axis=-1)[..., :-1]
    return np.asarray((rng.random(below.shape[:-1])[..., None] > below).sum(axis=-1))
