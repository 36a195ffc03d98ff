"""Posterior draws in numbers."""

from __future__ import annotations

import numpy as np

from dagreg.effects.density import density
from dagreg.effects.types import Summary
from dagreg.engines.draws import convergence
from dagreg.numerics.arrays import Array
from dagreg.spec.types import LEVEL


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
