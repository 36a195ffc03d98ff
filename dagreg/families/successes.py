"""What families of successes, and of shares, have in common.

Log likelihoods are functions of the successes, the predictors and the trials of rows: responses and trials
are rows x 1, predictors rows x points. They are concave in the predictor: under the logit as canonical
(McCullagh and Nelder 1989, section 2.2); under probit and cloglog because the density whose integrals they
are is log-concave (Pratt 1981; Burridge 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagreg.families.family import Values
from dagreg.families.links import expit_taylor
from dagreg.numerics.arrays import Array, np, special
from dagreg.numerics.logs import logaddexp

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

LINKS = ("logit", "probit", "cloglog")
MAX_PREDICTOR = 700.0  # of a predictor whose exponential is taken: beyond, it is no number
MIN_BETA_PARAMETER = 1e-300  # parameters of a beta that NumPy's generator takes
MAX_TRIALS = 2**62  # the most that it takes


def variance(mean: Array) -> Array:
    """That of one trial."""
    return mean * (1 - mean)


def softplus(eta: Array) -> Array:
    """log(1 + exp(eta)), without overflow."""
    return np.asarray(logaddexp(0.0, eta))


def log_ndtr(eta: Array) -> Array:
    return np.asarray(special.log_ndtr(eta))


def logit(successes: Array, eta: Array, trials: Array) -> Array:
    log_p = softplus(eta)
    log_p *= -trials
    log_p += successes * eta
    return log_p


def total_logit(successes: Array, eta: Array) -> Array:
    """The sum over at most 1,000 rows of one trial each: as `logit`, with one logarithm for all of them.

    Every factor of the product is at most 2, so that it stays below 2^1000.
    """
    total: Array = np.abs(eta)
    size = total.sum(axis=0)
    np.negative(total, out=total)
    np.exp(total, out=total)
    total += 1.0
    return np.asarray((successes - 0.5).T[0] @ eta - 0.5 * size - np.log(np.multiply.reduce(total, axis=0)))


def probit(successes: Array, eta: Array, trials: Array) -> Array:
    return np.asarray(successes * log_ndtr(eta) + (trials - successes) * log_ndtr(-eta))


def cloglog(successes: Array, eta: Array, trials: Array) -> Array:
    rate = np.exp(np.minimum(eta, MAX_PREDICTOR))
    return np.asarray(
        np.where(successes > 0, successes * np.log(-np.expm1(-rate)), 0.0) - (trials - successes) * rate
    )


LOG_LIKELIHOOD: Mapping[str, Callable[..., Array]] = {"logit": logit, "probit": probit, "cloglog": cloglog}


def _log_logit(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    certain, trials = logaddexp(0.0, eta), p["trials"]
    single = isinstance(trials, np.ndarray | float | int) and np.all(trials == 1)  # one product less
    return y * eta - (certain if single else trials * certain)


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


def _taylor_of_logit(y: Any, eta: Any, trials: Any, order: int) -> Sequence[Any]:
    """The canonical link: the derivatives are those of the mean."""
    found = [_log_logit(y, eta, None, {"trials": trials})]
    if order >= 1:
        mean, *others = expit_taylor(eta)
        found += [y - trials * mean, *(-(trials * part) for part in others)]
    return found[: order + 1]


def _taylor_of_cloglog(y: Any, eta: Any, trials: Any, order: int) -> Sequence[Any]:
    """Of a success log(1 - exp(-rate)), whose slope u obeys u' = u (1 - rate - u); of a failure -rate."""
    rate = np.exp(eta)
    risk = -np.expm1(-rate)
    failures = (trials - y) * rate
    found = [np.where(y > 0, y * np.log(risk), 0.0) - failures]
    if order >= 1:
        slope = rate * np.exp(-rate) / risk
        first = 1.0 - rate - slope
        second = -rate - slope * first  # the derivative of `first`; the next ones follow
        bend = first * first + second
        third = -rate - slope * (first * first + second)
        found += [y * slope - failures, y * (slope * first) - failures, y * (slope * bend) - failures]
        found += [y * (slope * (first * bend + 2.0 * first * second + third)) - failures]
    return found[: order + 1]


def _taylor_of_probit(y: Any, eta: Any, trials: Any, order: int) -> Sequence[Any]:
    """Of a success log(Phi), whose slope u obeys u' = -u (eta + u); of a failure the same at -eta."""
    won, lost = (_taylor_of_log_ndtr(side, order) for side in (eta, -eta))
    return [y * w + (-1.0) ** k * ((trials - y) * f) for k, (w, f) in enumerate(zip(won, lost, strict=True))]


def _taylor_of_log_ndtr(eta: Any, order: int) -> Sequence[Any]:
    height = special.log_ndtr(eta)
    found = [height]
    if order >= 1:
        slope = np.exp(-0.5 * eta * eta - height) / np.sqrt(2 * np.pi)
        first = -(eta + slope)
        bend = slope * first
        second = -(1.0 + bend)
        third = -(bend * first + slope * second)
        found += [slope, bend, bend * first + slope * second]
        found += [bend * (first * first + second) + 2.0 * slope * first * second + slope * third]
    return found[: order + 1]


LOG_TAYLOR: Mapping[str, Callable[[Any, Any, Any, int], Sequence[Any]]] = {
    "logit": _taylor_of_logit,
    "probit": _taylor_of_probit,
    "cloglog": _taylor_of_cloglog,
}


def sample_beta(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    precision = np.broadcast_to(p["precision"], mean.shape)
    return rng.beta(
        np.maximum(mean * precision, MIN_BETA_PARAMETER),
        np.maximum((1 - mean) * precision, MIN_BETA_PARAMETER),
    )


def sample_binomial(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    trials = np.minimum(np.broadcast_to(p["trials"], mean.shape), MAX_TRIALS)
    return rng.binomial(trials.astype(np.int64), np.clip(mean, 0.0, 1.0))
