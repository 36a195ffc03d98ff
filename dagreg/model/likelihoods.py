"""Log likelihoods that are concave in the linear predictor, in NumPy: what the Metropolis engine evaluates.

Each is a function of the responses, the predictors and the trials of rows, up to a term free of the predictors:
responses and trials are rows x 1, predictors rows x points. Of a response in levels the predictors are a block for each
level but the first (`categorical`), or one block beside the cutpoints (`ordinal`).

Concavity in the predictor: of the logit, the log link of counts and of waiting times as canonical or by their second
derivative (McCullagh and Nelder 1989, section 2.2); of probit, cloglog and cumulative links because the density whose
integrals they are is log-concave (Pratt 1981; Burridge 1981).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from dagreg.model.links import Array

Codes = npt.NDArray[np.int64]
Likelihood = Callable[[Array, Array, Array], Array]
HIGHEST = 700.0  # of a predictor whose exponential is taken: beyond, it is no number


def softplus(eta: Array) -> Array:
    """log(1 + exp(eta)), without overflow; several times as fast as `logaddexp`."""
    found: Array = np.abs(eta)
    np.negative(found, out=found)
    np.exp(found, out=found)
    np.log1p(found, out=found)
    found += np.maximum(eta, 0.0)
    return found


def _log_ndtr(eta: Array) -> Array:
    from scipy import special

    return np.asarray(special.log_ndtr(eta))


def _logit(successes: Array, eta: Array, trials: Array) -> Array:
    found = softplus(eta)
    found *= -trials
    found += successes * eta
    return found


def total_logit(successes: Array, eta: Array) -> Array:
    """The sum over at most 1,000 rows of one trial each: as `_logit`, with one logarithm for all of them.

    Every factor of the product is at most 2, so that it stays below 2^1000.
    """
    found: Array = np.abs(eta)
    size = found.sum(axis=0)
    np.negative(found, out=found)
    np.exp(found, out=found)
    found += 1.0
    return np.asarray((successes - 0.5).T[0] @ eta - 0.5 * size - np.log(np.multiply.reduce(found, axis=0)))


def _probit(successes: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(successes * _log_ndtr(eta) + (trials - successes) * _log_ndtr(-eta))


def _cloglog(successes: Array, eta: Array, trials: Array) -> Array:
    rate = np.exp(np.minimum(eta, HIGHEST))
    return np.asarray(np.where(successes > 0, successes * np.log(-np.expm1(-rate)), 0.0) - (trials - successes) * rate)


def _poisson(count: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(count * eta - np.exp(eta))


def _exponential(time: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(-eta - time * np.exp(-eta))


CONCAVE: Mapping[tuple[str, str], Likelihood] = {
    ("bernoulli", "logit"): _logit,
    ("bernoulli", "probit"): _probit,
    ("bernoulli", "cloglog"): _cloglog,
    ("binomial", "logit"): _logit,
    ("binomial", "probit"): _probit,
    ("binomial", "cloglog"): _cloglog,
    ("poisson", "log"): _poisson,
    ("exponential", "log"): _exponential,
}
"""By family and link."""


def categorical(codes: Codes, predictors: Array) -> Array:
    """Rows x points, from levels - 1 x rows x points; the first level's predictor is 0."""
    top = np.maximum(predictors.max(axis=0), 0.0)
    total = np.exp(predictors - top).sum(axis=0) + np.exp(-top)
    own = np.zeros_like(top)
    for level, block in enumerate(predictors, start=1):
        here = codes == level
        own[here] = block[here]
    return np.asarray(own - top - np.log(total))


def ordinal(link: str, codes: Codes, predictor: Array, cutpoints: Array) -> Array:
    """Rows x points; cutpoints are levels - 1 x points. -inf where they are not in ascending order."""
    unbounded = np.full((1, cutpoints.shape[1]), np.inf)
    ends = np.concatenate([-unbounded, cutpoints, unbounded])
    above, below = ends[codes + 1] - predictor, ends[codes] - predictor
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = _between_logistic(below, above) if link == "logit" else _between_normal(below, above)
    ascending = (np.diff(cutpoints, axis=0) > 0).all(axis=0)
    return np.where(ascending, found, -np.inf)


def _between_logistic(low: Array, high: Array) -> Array:
    """log(F(high) - F(low)) = high + log(1 - exp(low - high)) - softplus(high) - softplus(low), the ends apart."""
    top = np.where(np.isinf(high), 0.0, -softplus(-high))  # log F(high)
    return np.asarray(top + np.log(-np.expm1(np.where(np.isinf(high), -np.inf, low - high))) - softplus(low))


def _between_normal(low: Array, high: Array) -> Array:
    """log(F(high) - F(low)), in the tail where the difference keeps its digits."""
    upper = low > 0
    first, second = np.where(upper, -high, low), np.where(upper, -low, high)
    larger = _log_ndtr(second)
    return np.asarray(larger + np.log(-np.expm1(_log_ndtr(first) - larger)))
