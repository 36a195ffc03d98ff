"""Draws from the priors, as NumPy has them; the parameters in the order of `spec/priors.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array

Shape = tuple[int, ...]
_DRAWS: Mapping[str, Callable[..., Array]] = {
    "Constant": lambda rng, shape, value: np.full(shape, value),
    "Normal": lambda rng, shape, mu, sigma: rng.normal(mu, sigma, shape),
    "StudentT": lambda rng, shape, nu, mu, sigma: mu + sigma * rng.standard_t(nu, shape),
    "Cauchy": lambda rng, shape, alpha, beta: alpha + beta * rng.standard_cauchy(shape),
    "Laplace": lambda rng, shape, mu, b: rng.laplace(mu, b, shape),
    "HalfNormal": lambda rng, shape, sigma: np.abs(rng.normal(0.0, sigma, shape)),
    "HalfCauchy": lambda rng, shape, beta: np.abs(beta * rng.standard_cauchy(shape)),
    "HalfStudentT": lambda rng, shape, nu, sigma: np.abs(sigma * rng.standard_t(nu, shape)),
    "Exponential": lambda rng, shape, lam: rng.exponential(1 / lam, shape),
    "Gamma": lambda rng, shape, alpha, beta: rng.gamma(alpha, 1 / beta, shape),
    "InverseGamma": lambda rng, shape, alpha, beta: beta / rng.gamma(alpha, 1.0, shape),
    "LogNormal": lambda rng, shape, mu, sigma: rng.lognormal(mu, sigma, shape),
    "Beta": lambda rng, shape, alpha, beta: rng.beta(alpha, beta, shape),
    "Uniform": lambda rng, shape, lower, upper: rng.uniform(lower, upper, shape),
}


def proper(prior: PriorChoice) -> bool:
    """Whether there is something to draw: a flat prior spreads evenly over all numbers."""
    return prior.distribution in _DRAWS


def draw(rng: np.random.Generator, prior: PriorChoice, numbers: tuple[float, ...], shape: Shape) -> Array:
    """Values from a prior whose arguments are these numbers.

    Raises DagregError (DR571) for an improper one.
    """
    if not proper(prior):
        message = f"nothing can be drawn from the prior {prior}: it spreads evenly over all numbers"
        raise DagregError((Diagnostic("DR571", message, prior.span),))
    with np.errstate(all="ignore"):  # heavy tails reach infinity
        return np.asarray(_DRAWS[prior.distribution](rng, shape, *numbers), dtype=np.float64)


def correlations(rng: np.random.Generator, size: int, eta: float) -> Array:
    """A correlation matrix from LKJ(eta): the onion method of Lewandowski, Kurowicka and Joe (2009, section
    3.2).
    """
    matrix = np.eye(size)
    if size < 2:
        return matrix
    beta = eta + (size - 2) / 2
    matrix[0, 1] = matrix[1, 0] = 2 * rng.beta(beta, beta) - 1
    for k in range(2, size):
        beta -= 0.5
        direction = rng.standard_normal(k)
        direction *= np.sqrt(rng.beta(k / 2, beta)) / np.linalg.norm(direction)
        matrix[k, :k] = matrix[:k, k] = np.linalg.cholesky(matrix[:k, :k]) @ direction
    return matrix
