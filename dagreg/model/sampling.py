"""Draws of responses from every family, for predictions and simulated data.

Families draw by quantiles (`draw`), so that two sides of a contrast share their noise. Here nothing is
shared, and NumPy's own generators (`sample`) are many times faster. `location` is the inverse link of the
predictor (per trial), `p` the other parameters; they broadcast against each other.

Under wide priors either may be anything that doubles hold, infinite too. No draw raises: what lies beyond all
numbers is infinite, what has no distribution is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dagreg.families.family import Family, Values
from dagreg.numerics.arrays import Array

MIN_SHAPE, MAX_SHAPE = 1e-300, 1e300  # shapes and precisions that NumPy's generators take


def responses(rng: np.random.Generator, family: Family, location: Array, p: Values) -> Array:
    """One response for each location; NaN where the location is none of the family's, as under an identity
    link.

    Families of counts out of trials have these in `p`, under "trials".
    """
    assert family.sample is not None  # a response of several levels is drawn by `levels`
    low, high = family.location_range
    clipped = {q.name for q in family.parameters if q.clipped}
    outside = ~((location >= low) & (location <= high))
    known = {}
    for name, values in p.items():
        lost = np.isnan(values)
        outside = outside | lost
        usual = np.where(lost, 1.0, values)
        known[name] = np.clip(usual, MIN_SHAPE, MAX_SHAPE) if name in clipped else usual
    with np.errstate(all="ignore"):
        if not outside.any():
            return np.asarray(family.sample(rng, location, known), dtype=np.float64)
        inside = np.where(outside, 0.5, location)
        return np.where(outside, np.nan, family.sample(rng, inside, known))


def levels(rng: np.random.Generator, probabilities: Array) -> npt.NDArray[np.int64]:
    """A level for each vector of probabilities along the last axis."""
    below = np.cumsum(probabilities, axis=-1)[..., :-1]
    return np.asarray((rng.random(below.shape[:-1])[..., None] > below).sum(axis=-1))
