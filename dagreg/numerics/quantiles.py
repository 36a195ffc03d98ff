"""Quantile functions, for draws that two sides of a contrast share: the same uniforms, each side with its own
mean.
"""

from __future__ import annotations

from dagreg.numerics.arrays import Array, np, special

# means from which one count more or less is beyond the digits of the distribution function
MAX_COUNTED_MEAN = 1e9
MAX_MEAN_FROM_0 = 20.0  # means up to which counting up from 0 is the faster way


def poisson(uniforms: Array, means: Array) -> Array:
    """The smallest count whose cumulative probability reaches the uniform, element by element."""
    u, mean = np.broadcast_arrays(uniforms, means)
    small = mean <= MAX_MEAN_FROM_0
    counts = np.empty(u.shape)
    counts[small] = _by_counting(u[small], mean[small])
    counts[~small] = _by_approximation(u[~small], mean[~small])
    return counts


def _by_counting(u: Array, mean: Array) -> Array:
    """Adds up the probabilities of 0, 1, ... until each uniform is reached."""
    probability = np.exp(-mean)
    waiting = np.flatnonzero(u > probability)
    rest, mean, probability = (u - probability)[waiting], mean[waiting], probability[waiting]
    count, counts = 0, np.zeros(len(u))
    while (
        waiting.size and count < MAX_MEAN_FROM_0 + 20 * MAX_MEAN_FROM_0**0.5
    ):  # beyond, only rounding is left of the uniform
        count += 1
        probability = probability * (mean / count)
        counts[waiting] = count
        further = rest > probability
        rest, mean, probability = (rest - probability)[further], mean[further], probability[further]
        waiting = waiting[further]
    return counts


def _by_approximation(u: Array, mean: Array) -> Array:
    """The Cornish-Fisher approximation, put right by the distribution function."""
    z = special.ndtri(u)
    count = np.maximum(np.floor(mean + np.sqrt(mean) * z + (z * z - 1) / 6 + 0.5), 0.0)
    near = mean < MAX_COUNTED_MEAN
    if not near.all():
        count[near] = _put_right(count[near], u[near], mean[near])
        return np.where(np.isinf(mean), np.inf, count)
    return _put_right(count, u, mean)


def _put_right(count: Array, u: Array, mean: Array) -> Array:
    """The counts moved by ones until their cumulative probabilities are where they should be."""
    while True:
        up = special.pdtr(count, mean) < u
        count += up
        down = ~up & (count > 0) & (special.pdtr(count - 1, mean) >= u)
        count -= down
        if not (up.any() or down.any()):
            return np.asarray(count)
