"""Angles in radians from -pi to pi, about a mean direction (Fisher and Lee 1992; Mardia and Jupp 2000)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dagreg.families.family import Family, Parameter, Values, each
from dagreg.numerics.arrays import Array, np, special, stats

CONCENTRATION = Parameter(  # about 1 / sd^2, in radians, where angles lie close together
    "concentration", ("HalfCauchy", (5.0,)), clipped=True, from_dispersion=lambda sigma: 1 / sigma**2
)


def _on_the_circle(low: float, high: float, whole: bool) -> bool:
    return -np.pi <= low and high <= np.pi


def _log(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    """The Bessel function times exp(-concentration) has no end that it reaches."""
    concentration = p["concentration"]
    return concentration * (np.cos(y - mean) - 1) - np.log(special.i0e(concentration))


def _mean(location: Array, p: Values) -> Array:
    """The mean of the angles as numbers from -pi to pi: the direction, less a turn for those
    beyond the cut.
    """
    beyond = stats.vonmises.cdf(np.abs(location) - np.pi, p["concentration"])
    return np.asarray(location - 2 * np.pi * np.sign(location) * beyond)


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    turned = location + rng.vonmises(0.0, np.broadcast_to(p["concentration"], location.shape))
    return np.asarray((turned + np.pi) % (2 * np.pi) - np.pi)


class _Law:
    """SciPy's distribution between -pi and pi."""

    def __init__(self, location: Array, concentration: Array) -> None:
        self._law: Any = stats.vonmises(concentration, location)

    def logpdf(self, y: Array) -> Array:
        return np.asarray(np.where(np.abs(y) <= np.pi, self._law.logpdf(y), -np.inf))


FAMILY = Family(
    name="von_mises",
    place=78,
    synonyms=("vonmises",),
    links=("tan_half",),
    accepts=("continuous",),
    support="angles in radians from -pi to pi",
    distribution="VonMises",
    likelihood=each(("tan_half",), "mu={mean}, kappa={concentration}"),
    parameters=(CONCENTRATION,),
    fits=_on_the_circle,
    outside="abs({number}) > pi()",
    locations=(-math.pi, math.pi),  # NumPy's would load it whenever families are listed
    mean=_mean,
    mean_is_linear=False,
    log_density={"tan_half": _log},
    draw=_draw,
    law=lambda location, p: _Law(location, p["concentration"]),
    sample=_draw,
)
