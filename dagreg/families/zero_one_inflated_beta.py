"""Shares that are 0 or 1 with probabilities of their own, and else between them (Ospina and Ferrari 2010)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagreg.families import shares, successes
from dagreg.families.family import Family, Parameter, Values, each
from dagreg.families.parameters import PRECISION
from dagreg.numerics.arrays import Array, np, stats

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt

EXTREME = Parameter("extreme", ("Beta", (1.0, 1.0)), positive=False)  # the probability of 0 or 1
ONE = Parameter("one", ("Beta", (1.0, 1.0)), positive=False)  # of 1, where it is one of them


# mypy: disable-error-code="no-untyped-def, no-untyped-call"
def zero_one_inflated_beta(y, mean, precision, extreme, one):
    """The log density of shares that are 0 or 1 with the probability `extreme`, and of these 1 with that of
    `one`.
    """
    inside = pt.and_(y > 0, y < 1)
    share = pm.logp(pm.Beta.dist(mu=mean, nu=precision), pt.where(inside, y, 0.5))
    end = pt.where(y > 0, pt.log(one), pt.log1p(-one))
    return pt.where(inside, pt.log1p(-extreme) + share, pt.log(extreme) + end)


@dataclass(frozen=True, slots=True)
class _Law:
    """Shares between, and the two probabilities."""

    between: Any
    extreme: Array
    one: Array

    def logpdf(self, y: Array) -> Array:
        inside = (y > 0) & (y < 1)
        end = np.log(self.extreme) + np.where(y > 0, np.log(self.one), np.log1p(-self.one))
        return np.asarray(np.where(inside, np.log1p(-self.extreme) + self.between.logpdf(y), end))


def _law(mean: Array, p: Values) -> _Law:
    between = stats.beta(mean * p["precision"], (1 - mean) * p["precision"])
    return _Law(between, p["extreme"], p["one"])


def _log(y: Array, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    inside = (y > 0) & (y < 1)
    between = np.log1p(-p["extreme"]) + shares.log_beta(np.where(inside, y, 0.5), eta, mean, p)
    end = np.where(y > 0, np.log(p["one"]), np.log1p(-p["one"]))
    return np.where(inside, between, np.log(p["extreme"]) + end)


def _mean(location: Array, p: Values) -> Array:
    return np.asarray((1 - p["extreme"]) * location + p["extreme"] * p["one"])


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return _with_ends(shares.draw_beta(rng, location, p), rng, p)


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    return _with_ends(successes.sample_beta(rng, mean, p), rng, p)


def _with_ends(share: Array, rng: np.random.Generator, p: Values) -> Array:
    return shares.with_ends(
        share, rng.random(share.shape), p["extreme"] * (1 - p["one"]), p["extreme"] * p["one"]
    )


FAMILY = Family(
    name="zero_one_inflated_beta",
    place=72,
    synonyms=("zoib",),
    links=successes.LINKS,
    accepts=shares.TYPES,
    support="numbers from 0 to 1",
    distribution="CustomDist",
    likelihood=each(successes.LINKS, "{mean}, {precision}, {extreme}, {one}, logp=zero_one_inflated_beta"),
    helpers=(zero_one_inflated_beta,),
    parameters=(PRECISION, EXTREME, ONE),
    fits=shares.from_0_to_1,
    outside=shares.OUTSIDE,
    widens="beta",
    coefficients={"logit": "log odds ratio of the mean between 0 and 1"},
    mean=_mean,
    log_density=dict.fromkeys(successes.LINKS, _log),
    draw=_draw,
    law=_law,
    sample=_sample,
)
