"""Log densities of priors, in NumPy: those of a scale for the exact engine, those of a coefficient for
Metropolis.

Each is a function of x (of a scale: x > 0) and the parameters in the order of `spec/priors.py`, up to a
constant that does not depend on x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array

LOG_DENSITIES: Mapping[str, Callable[..., Array]] = {
    "HalfNormal": lambda x, sigma: -0.5 * (x / sigma) ** 2,
    "HalfCauchy": lambda x, beta: -np.log1p((x / beta) ** 2),
    "HalfStudentT": lambda x, nu, sigma: -0.5 * (nu + 1) * np.log1p((x / sigma) ** 2 / nu),
    "Exponential": lambda x, lam: -lam * x,
    "Gamma": lambda x, alpha, beta: (alpha - 1) * np.log(x) - beta * x,
    "InverseGamma": lambda x, alpha, beta: -(alpha + 1) * np.log(x) - beta / x,
    "LogNormal": lambda x, mu, sigma: -np.log(x) - 0.5 * ((np.log(x) - mu) / sigma) ** 2,
    "Uniform": lambda x, lower, upper: np.where((x >= lower) & (x <= upper), 0.0, -np.inf),
    "Beta": lambda x, alpha, beta: np.where(x < 1, _log_beta(np.minimum(x, 1 - 1e-16), alpha, beta), -np.inf),
    "HalfFlat": np.zeros_like,
}


CONCAVE_PRIORS: Mapping[str, Callable[..., Array]] = {
    "Normal": lambda x, mu, sigma: -0.5 * ((x - mu) / sigma) ** 2,
    "Flat": np.zeros_like,
}
"""Those of a coefficient whose log is concave on the whole line, and smooth: a Laplace has a kink, and tails
that a t density reaches only far out.
"""


def _log_beta(x: Array, alpha: float, beta: float) -> Array:
    return np.asarray((alpha - 1) * np.log(x) + (beta - 1) * np.log1p(-x))


def log_density(prior: PriorChoice, x: Array) -> Array:
    """The log density of a prior at x > 0, up to a constant.

    Raises KeyError for a distribution that is not listed.
    """
    return LOG_DENSITIES[prior.distribution](x, *_numbers(prior))


def log_concave_density(prior: PriorChoice, x: Array) -> Array:
    """The log density of a coefficient's prior, up to a constant.

    Raises KeyError for one that is not listed.
    """
    return CONCAVE_PRIORS[prior.distribution](x, *_numbers(prior))


def bounds(prior: PriorChoice) -> tuple[float, float]:
    """Where the prior of a scale has its weight."""
    if prior.distribution == "Uniform":
        lower, upper = _numbers(prior)
        return max(lower, 0.0), upper
    return 0.0, 1.0 if prior.distribution == "Beta" else np.inf


def power_at_zero(prior: PriorChoice) -> float:
    """k, where the density of a scale's prior falls to 0 like x^k; infinite where it does so faster or ends
    before.

    Distributions that are not listed count as x^0.
    """
    match prior.distribution:
        case "Gamma" | "Beta":
            return _numbers(prior)[0] - 1
        case "InverseGamma" | "LogNormal":
            return np.inf
        case "Uniform":
            return np.inf if bounds(prior)[0] > 0 else 0.0
        case _:
            return 0.0


def _numbers(prior: PriorChoice) -> list[float]:
    return [float(a) for a in prior.arguments if isinstance(a, float | int)]
