"""Whether chains agree, and how many independent draws theirs are worth (Vehtari, Gelman, Simpson, Carpenter
and Bürkner 2021): rank-normalised split R-hat and bulk effective sample size.

ArviZ has both, and a test holds these to its numbers; but loading it takes longer than most fits. Of one
chain, for which ArviZ gives no R-hat, the halves are compared.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

from dagreg.numerics.arrays import Array

MAX_R_HAT = 1.01  # beyond, chains do not agree yet (Vehtari et al. 2021)
MIN_ESS = 400.0  # below, the mean and the ends of intervals are not known well enough
MIN_DRAWS = 4  # draws of a chain: half of them still have a variance


def ranks(values: Array) -> Array:
    """The rank of each number among all, from 1; equal ones share the average of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    average = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(average[inverse].reshape(values.shape), dtype=np.float64)


def shares(values: Array) -> Array:
    """Ranks as shares of all, by Blom's formula: between 0 and 1."""
    return np.asarray((ranks(values) - 0.375) / (values.size + 0.25))


def bulk_size_and_r_hat(chains: Array) -> tuple[float, float]:
    """Bulk effective sample size and R-hat of chains x draws; no numbers where there are too few draws or
    gaps.
    """
    if chains.shape[1] < MIN_DRAWS or not np.isfinite(chains).all():
        return np.nan, np.nan
    half = chains.shape[1] // 2
    split = np.concatenate([chains[:, :half], chains[:, -half:]])
    scores = _normal_scores(split)
    r_hat = max(_r_hat(scores), _r_hat(_normal_scores(np.abs(split - np.median(split)))))
    return _effective_size(scores), r_hat


def _normal_scores(values: Array) -> Array:
    """The Normal quantile of each number's rank."""
    return _quantiles(values.size)[(2 * ranks(values)).astype(np.int64) - 2]


@cache
def _quantiles(size: int) -> Array:
    """The Normal quantiles of the ranks 1, 1.5, 2, ... of so many numbers."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse((rank / 2 - 0.375) / (size + 0.25)) for rank in range(2, 2 * size + 1)])


def _r_hat(chains: Array) -> float:
    """The root of the pooled variance over that within chains (Gelman and Rubin 1992)."""
    draws = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    between = draws * chains.mean(axis=1).var(ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt((between / within + draws - 1) / draws))


def _effective_size(chains: Array) -> float:
    """Draws over their autocorrelation time, whose sum ends by Geyer's initial monotone sequence (Geyer
    1992).
    """
    count, draws = chains.shape
    covariance = _autocovariance(chains)
    within = covariance[0] * draws / (draws - 1)
    pooled = covariance[0] + chains.mean(axis=1).var(ddof=1)
    correlation = 1 - (within - covariance) / pooled
    correlation[0] = 1.0
    pairs = correlation[: 2 + max(draws - 3, 0) // 2 * 2].reshape(-1, 2)  # those beyond have too few terms
    sums = pairs.sum(axis=1)
    ended = np.flatnonzero(sums < 0)
    end = int(ended[0]) if len(ended) else len(sums) - 1
    time = 2 * np.minimum.accumulate(sums[:end]).sum() - 1 + max(float(pairs[end, 0]), 0.0)
    total = count * draws
    return float(total / max(time, 1 / np.log10(total)))


def _autocovariance(chains: Array) -> Array:
    """At every lag, the mean over chains, each sum divided by the number of draws."""
    draws = chains.shape[1]
    apart = chains - chains.mean(axis=1, keepdims=True)
    size = 1 << (2 * draws - 1).bit_length()
    power = np.abs(np.fft.rfft(apart, size, axis=1)) ** 2
    return np.asarray(np.fft.irfft(power, size, axis=1)[:, :draws].mean(axis=0) / draws)
