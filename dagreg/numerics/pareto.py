"""Whether importance weights can be trusted: the shape of their tail (Vehtari, Simpson, Gelman, Yao and Gabry
2024).

A generalised Pareto distribution is fitted to the largest weights by the method of Zhang and Stephens (2009),
with the prior of Vehtari et al. (their appendix C). Weights whose tail has the shape k have 1/k finite
moments.
"""

from __future__ import annotations

import numpy as np

from dagreg.numerics.arrays import Array

MIN_TAIL = 5  # weights of a tail
PRIOR_WEIGHTS = 10.0  # that the prior of k counts for; it is 0.5


def tail_length(count: int) -> int:
    """How many of so many weights make the tail."""
    return int(min(0.2 * count, 3 * count**0.5))


def tail_shape(log_weights: Array) -> float:
    """k of the largest weights; -inf where they do not vary, infinite where there are too few or
    no numbers.
    """
    length = tail_length(len(log_weights))
    if length < MIN_TAIL or not np.isfinite(log_weights.max()):
        return np.inf
    ordered = np.sort(log_weights - log_weights.max())
    cutoff, tail = ordered[-length - 1], ordered[-length:]
    excess = np.exp(tail) - np.exp(cutoff)
    if not excess[-1] > 1e-12:
        return -np.inf
    return _fitted(np.maximum(excess, 1e-300))[0]


def pareto_smoothed(log_weights: Array) -> tuple[Array, float]:
    """Weights as shares of their sum, the largest smoothed, and the shape k of these (Vehtari et al. 2024).

    k is infinite where there are too few weights to tell.
    """
    weights = np.exp(log_weights - log_weights.max())
    count = int(np.ceil(min(0.2 * len(weights), 3 * np.sqrt(len(weights)))))
    if count < 5 or not np.isfinite(weights).all():
        return weights / weights.sum(), np.inf
    order = np.argsort(weights, kind="stable")
    tail, cut = order[-count:], float(weights[order[-count - 1]])
    excess = weights[tail] - cut
    if excess[-1] - excess[0] <= 1e-14:
        return weights / weights.sum(), -np.inf
    shape, scale = _fitted(np.maximum(excess, 1e-300))
    places = (np.arange(count) + 0.5) / count
    if abs(shape) < 1e-12:
        smooth = cut - scale * np.log1p(-places)
    else:
        with np.errstate(over="ignore"):  # what is beyond the largest weight is cut there
            smooth = cut + scale * np.expm1(-shape * np.log1p(-places)) / shape
    weights[tail] = np.minimum(smooth, 1.0)
    return weights / weights.sum(), shape


def _fitted(excess: Array) -> tuple[float, float]:
    """k and the scale of a generalised Pareto distribution, from its values in ascending order."""
    count = len(excess)
    grid = 30 + int(count**0.5)
    quarter = excess[int(count / 4 + 0.5) - 1]
    b = 1 / excess[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quarter)
    k = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = count * (np.log(-b / k) - k - 1)
    with np.errstate(over="ignore"):  # a share of 0
        weight = 1 / np.exp(profile - profile[:, None]).sum(axis=1)
    best = float((b * weight).sum() / weight.sum())
    shape = float(np.log1p(-best * excess).mean())
    return (count * shape + PRIOR_WEIGHTS * 0.5) / (count + PRIOR_WEIGHTS), -shape / best
