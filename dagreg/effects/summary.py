"""Posterior draws in numbers, and their density: light enough for every row of every report."""

from __future__ import annotations

import numpy as np

from dagreg.effects.types import Density, Summary
from dagreg.engines.draws import convergence
from dagreg.numerics.arrays import Array
from dagreg.spec.types import LEVEL

POINTS, BINS = 81, 512
AIR = 1.2  # beyond the middle 94 %, to either side, in its widths: a Cauchy's tails would hide its middle
BODY = (0.03, 0.97)
MIN_SIZE = 1e-200  # numbers beyond it or its inverse: arithmetic on them overflows
MIN_RELATIVE_STEP = 1e-12  # steps below this share of the numbers are lost in their digits
MAX_REACH = 4.0  # bandwidths at which the kernel is cut off


def summarise(
    values: Array, level: float = LEVEL, *, independent: bool = False, null: float = 0.0
) -> Summary:
    """Mean, sd, median, equal-tailed interval and convergence of one quantity, chains x draws.

    `independent`: the draws are no Markov chain's. `null`: the value of no effect.
    """
    tail = (1 - level) / 2
    low, middle, high = np.quantile(values, [tail, 0.5, 1 - tail])
    size = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    near_one = np.ldexp(values, -size)  # squares of very large or small numbers are none
    ess, r_hat = convergence(near_one, independent=independent)
    return Summary(
        mean=float(np.ldexp(near_one.mean(), size)),
        sd=float(np.ldexp(near_one.std(ddof=1), size)) if values.size > 1 else float("nan"),
        median=float(middle),
        interval=(float(low), float(high)),
        level=level,
        prob_positive=float((values > null).mean()),
        ess_bulk=float(ess),
        r_hat=float(r_hat),
        density=density(values),
    )


def density(values: Array) -> Density | None:
    """A Gaussian kernel estimate with Silverman's bandwidth (1986, equation 3.31), reflected at the ends.

    Returns None where the draws do not vary, or some are not finite or as good as: there is nothing to draw.
    """
    draws = np.asarray(values, dtype=np.float64).ravel()
    if not np.abs(draws).max() < 1 / MIN_SIZE or np.ptp(draws) == 0:
        return None
    left, quarter, three, right = np.quantile(draws, (BODY[0], 0.25, 0.75, BODY[1]))
    low, high = _window(draws, left, right)
    step = (high - low) / BINS
    if not (step > MIN_SIZE and step > MIN_RELATIVE_STEP * max(abs(low), abs(high))):
        return None
    width = _bandwidth(draws, three - quarter, high - low)
    kept = draws[(draws >= low) & (draws <= high)]
    counts, _ = np.histogram(kept, BINS, (low, high))
    reach = min(int(np.ceil(MAX_REACH * width / step)), BINS)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    smooth = np.convolve(
        np.pad(counts.astype(float), reach, mode="symmetric"), kernel / kernel.sum(), mode="valid"
    )
    middles = low + (np.arange(BINS) + 0.5) * step
    heights = np.interp(np.linspace(low, high, POINTS), middles, smooth) / (len(draws) * step)
    return Density(float(low), float(high), tuple(map(float, heights)))


def _window(draws: Array, left: float, right: float) -> tuple[float, float]:
    """All of the draws, or where tails are long their body with some air."""
    air = AIR * (right - left) if right > left else np.inf
    return max(float(draws.min()), float(left - air)), min(float(draws.max()), float(right + air))


def _bandwidth(draws: Array, quartiles: float, width: float) -> float:
    spread = min(s for s in (float(draws.std()), float(quartiles) / 1.34, width) if s > 0)
    return float(0.9 * spread * len(draws) ** -0.2)
