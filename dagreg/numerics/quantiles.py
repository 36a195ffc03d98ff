"""Quantile functions, for draws that two sides of a contrast share: the same uniforms, each side with its own
mean.
"""

from __future__ import annotations

from dagreg.numerics.arrays import Array, np, special

# means from which one count more or less is beyond the digits of the distribution function
MAX_COUNTED_MEAN = 1e9
MAX_MEAN_FROM_0 = 20.0  # means up to which counting up from 0 is the faster way
MAX_COUNT_FROM_0 = MAX_MEAN_FROM_0 + 20 * MAX_MEAN_FROM_0**0.5  # beyond, only rounding is left of the uniform
MAX_BLOCK = 2**14  # uniforms at once: they stay in a core's cache


def poisson(uniforms: Array, means: Array) -> Array:
    """The smallest count whose cumulative probability reaches the uniform, element by element."""
    u, mean = np.broadcast_arrays(uniforms, means)
    small = mean <= MAX_MEAN_FROM_0
    counts = np.empty(u.shape)
    counts[small] = _by_counting(u[small], mean[small])
    counts[~small] = _by_approximation(u[~small], mean[~small])
    return counts


def _by_counting(u: Array, mean: Array) -> Array:
    """Adds up the probabilities of 0, 1, ... until each uniform is reached; in blocks that stay in a core's
    cache.
    """
    counts = np.empty(len(u))
    for at in range(0, len(u), MAX_BLOCK):
        part = slice(at, at + MAX_BLOCK)
        counts[part] = _block_by_counting(u[part], mean[part])
    return counts


def _block_by_counting(u: Array, mean: Array) -> Array:
    probability = np.exp(-mean)
    rest = u - probability
    counts = np.zeros(len(u))
    waiting = np.arange(len(u))
    own = counts  # of those that wait
    count, further = 0, rest > 0
    while further.any() and count < MAX_COUNT_FROM_0:
        if 2 * np.count_nonzero(further) < len(rest):  # fewer wait: it pays to leave the others behind
            counts[waiting] = own
            waiting, rest, mean, probability = (
                waiting[further],
                rest[further],
                mean[further],
                probability[further],
            )
            own, further = counts[waiting], np.ones(len(waiting), dtype=bool)
        count += 1
        own += further
        probability = probability * (mean / count)
        rest = rest - probability
        further = rest > 0
    counts[waiting] = own
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
