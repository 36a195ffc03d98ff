"""A Normal that leans to one side, by its mean and standard deviation (Azzalini 1985)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagreg.families.family import NUMBERS, Family, Parameter, Values, constant, each
from dagreg.families.parameters import SIGMA
from dagreg.numerics.arrays import Array, np, special, stats

if TYPE_CHECKING:
    import pytensor.tensor as pt

LINKS = ("identity", "log", "softplus", "inverse")
SKEW = Parameter("skew", ("Normal", (0.0, 4.0)), positive=False, from_dispersion=lambda sigma: 0.0)


# mypy: disable-error-code="no-untyped-def, no-untyped-call"
def skew_normal(y, mean, sigma, skew):
    """The log density of a skew Normal by its mean and sd: skew is the slant (alpha) of Azzalini (1985)."""
    delta = skew / pt.sqrt(1 + skew**2)
    scale = sigma / pt.sqrt(1 - 2 * delta**2 / np.pi)
    z = (y - mean) / scale + np.sqrt(2 / np.pi) * delta
    over, under = pt.maximum(skew * z, 0), pt.minimum(skew * z, 0)
    tail = pt.log(pt.erfcx(-under / np.sqrt(2))) - under**2 / 2
    lean = pt.where(skew * z < 0, tail, pt.log(2) + pt.log1p(-pt.erfc(over / np.sqrt(2)) / 2))
    return lean - z**2 / 2 - pt.log(scale) - np.log(2 * np.pi) / 2


def _log(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    delta, scale = _shape(p)
    z = (y - mean) / scale + np.sqrt(2 / np.pi) * delta
    return special.log_ndtr(p["skew"] * z) - z**2 / 2 - np.log(scale)


def _shape(p: Mapping[str, Any]) -> tuple[Any, Any]:
    """Azzalini's delta, and the scale."""
    delta = p["skew"] / np.sqrt(1 + p["skew"] ** 2)
    return delta, p["sigma"] / np.sqrt(1 - 2 * delta**2 / np.pi)


def _law(mean: Array, p: Values) -> Any:
    delta, scale = _shape(p)
    return stats.skewnorm(p["skew"], mean - scale * np.sqrt(2 / np.pi) * delta, scale)


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    """A Normal, and the half of another that leans it: delta |u| + sqrt(1 - delta^2) v."""
    delta, scale = _shape(p)
    leaning = delta * (np.abs(rng.standard_normal(location.shape)) - np.sqrt(2 / np.pi))
    return np.asarray(
        location + scale * (leaning + np.sqrt(1 - delta**2) * rng.standard_normal(location.shape))
    )


FAMILY = Family(
    name="skew_normal",
    place=25,
    synonyms=("skewnormal",),
    links=LINKS,
    accepts=NUMBERS,
    support="any number",
    distribution="CustomDist",
    likelihood=each(LINKS, "{mean}, {sigma}, {skew}, logp=skew_normal"),
    helpers=(skew_normal,),
    parameters=(SIGMA, SKEW),
    real=True,
    quasi_variance=constant,
    shaped=True,
    log_density=dict.fromkeys(LINKS, _log),
    draw=_draw,
    law=_law,
    sample=_draw,
)
