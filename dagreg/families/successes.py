"""What families of successes, and of shares, have in common.

Log likelihoods are functions of the successes, the predictors and the trials of rows: responses and trials
are rows x 1, predictors rows x points. They are concave in the predictor: under the logit as canonical
(McCullagh and Nelder 1989, section 2.2); under probit and cloglog because the density whose integrals they
are is log-concave (Pratt 1981; Burridge 1981).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagreg.families.family import Values
from dagreg.numerics.arrays import Array, np, special
from dagreg.numerics.logs import logaddexp

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

LINKS = ("logit", "probit", "cloglog")
HIGHEST = 700.0  # of a predictor whose exponential is taken: beyond, it is no number
MIN_BETA_PARAMETER = 1e-300  # parameters of a beta that NumPy's generator takes
TRIALS = 2**62  # the most that it takes


def variance(mean: Array) -> Array:
    """That of one trial."""
    return mean * (1 - mean)


def softplus(eta: Array) -> Array:
    """log(1 + exp(eta)), without overflow."""
    return np.asarray(logaddexp(0.0, eta))


def log_ndtr(eta: Array) -> Array:
    return np.asarray(special.log_ndtr(eta))


def logit(successes: Array, eta: Array, trials: Array) -> Array:
    found = softplus(eta)
    found *= -trials
    found += successes * eta
    return found


def total_logit(successes: Array, eta: Array) -> Array:
    """The sum over at most 1,000 rows of one trial each: as `logit`, with one logarithm for all of them.

    Every factor of the product is at most 2, so that it stays below 2^1000.
    """
    found: Array = np.abs(eta)
    size = found.sum(axis=0)
    np.negative(found, out=found)
    np.exp(found, out=found)
    found += 1.0
    return np.asarray((successes - 0.5).T[0] @ eta - 0.5 * size - np.log(np.multiply.reduce(found, axis=0)))


def probit(successes: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(successes * log_ndtr(eta) + (trials - successes) * log_ndtr(-eta))


def cloglog(successes: Array, eta: Array, trials: Array) -> Array:
    rate = np.exp(np.minimum(eta, HIGHEST))
    return np.asarray(
        np.where(successes > 0, successes * np.log(-np.expm1(-rate)), 0.0) - (trials - successes) * rate
    )


LOG_LIKELIHOOD: Mapping[str, Callable[..., Array]] = {"logit": logit, "probit": probit, "cloglog": cloglog}


def _log_logit(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    certain = logaddexp(0.0, eta)
    return y * eta - (certain if np.all(p["trials"] == 1.0) else p["trials"] * certain)


def _log_probit(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return y * special.log_ndtr(eta) + (p["trials"] - y) * special.log_ndtr(-eta)


def _log_cloglog(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    rate = np.exp(eta)
    return np.where(y > 0, y * np.log(-np.expm1(-rate)), 0.0) - (p["trials"] - y) * rate


def _log_identity(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    inside = special.xlogy(y, mean) + special.xlog1py(p["trials"] - y, -mean)
    return np.where((mean >= 0) & (mean <= 1), inside, -np.inf)


LOG_DENSITY: Mapping[str, Callable[..., Any]] = {
    "logit": _log_logit,
    "probit": _log_probit,
    "cloglog": _log_cloglog,
    "identity": _log_identity,
}


def sample_beta(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    precision = np.broadcast_to(p["precision"], mean.shape)
    return rng.beta(
        np.maximum(mean * precision, MIN_BETA_PARAMETER),
        np.maximum((1 - mean) * precision, MIN_BETA_PARAMETER),
    )


def sample_binomial(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    trials = np.minimum(np.broadcast_to(p["trials"], mean.shape), TRIALS)
    return rng.binomial(trials.astype(np.int64), np.clip(mean, 0.0, 1.0))
