"""Shares from 0 to 1 by one predictor: 0, between and 1 are ordered, with cutpoints on its scale (Kubinec
2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagreg.families import shares
from dagreg.families.family import Family, Parameter, Values
from dagreg.families.parameters import PRECISION
from dagreg.families.successes import sample_beta
from dagreg.numerics.arrays import Array, np, special, stats

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt

CUT = Parameter("cut", ("Normal", (-2.0, 2.0)), positive=False)  # between 0 and what is above
GAP = Parameter("gap", ("Gamma", (2.0, 0.5)), clipped=True)  # from there to the cutpoint of 1


# mypy: disable-error-code="no-untyped-def, no-untyped-call"
def ordered_beta(y, eta, precision, cut, gap):
    """The log density of shares: 0 below a cutpoint, 1 above the next, and a beta between them."""
    inside = pt.and_(y > 0, y < 1)
    low, high = eta - cut, eta - cut - gap
    share = pm.logp(pm.Beta.dist(mu=pm.math.sigmoid(eta), nu=precision), pt.where(inside, y, 0.5))
    between = pt.log(-pt.expm1(-gap)) - pt.softplus(-low) - pt.softplus(high)
    end = -pt.where(y > 0, pt.softplus(-high), pt.softplus(low))
    return pt.where(inside, between + share, end)


def _ends(location: Array, p: Values) -> tuple[Array, Array]:
    """The probabilities of more than 0, and of 1."""
    eta = special.logit(location)
    return special.expit(eta - p["cut"]), special.expit(eta - p["cut"] - p["gap"])


@dataclass(frozen=True, slots=True)
class _Law:
    location: Array
    p: Values

    def logpdf(self, y: Array) -> Array:
        some, all_of_it = _ends(self.location, self.p)
        precision = self.p["precision"]
        share = stats.beta(self.location * precision, (1 - self.location) * precision).logpdf(y)
        end = np.where(y > 0, np.log(all_of_it), np.log1p(-some))
        return np.asarray(np.where((y > 0) & (y < 1), np.log(some - all_of_it) + share, end))


def _log(y: Array, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    inside = (y > 0) & (y < 1)
    low, high = eta - p["cut"], eta - p["cut"] - p["gap"]
    between = np.log(-np.expm1(-p["gap"])) + special.log_expit(low) + special.log_expit(-high)
    end = np.where(y > 0, special.log_expit(high), special.log_expit(-low))
    return np.where(inside, between + shares.log_beta(np.where(inside, y, 0.5), eta, mean, p), end)


def _mean(location: Array, p: Values) -> Array:
    some, all_of_it = _ends(location, p)
    return np.asarray(all_of_it + (some - all_of_it) * location)


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return _with_ends(shares.draw_beta(rng, location, p), rng, location, p)


def _sample(rng: np.random.Generator, mean: Array, p: Values) -> Array:
    return _with_ends(sample_beta(rng, mean, p), rng, mean, p)


def _with_ends(share: Array, rng: np.random.Generator, location: Array, p: Values) -> Array:
    some, all_of_it = _ends(location, p)
    return shares.with_ends(share, rng.random(share.shape), 1 - some, all_of_it)


FAMILY = Family(
    name="ordered_beta",
    place=74,
    links=("logit",),
    accepts=shares.TYPES,
    support="numbers from 0 to 1",
    distribution="CustomDist",
    likelihood={"logit": "{eta}, {precision}, {cut}, {gap}, logp=ordered_beta"},
    helpers=(ordered_beta,),
    parameters=(PRECISION, CUT, GAP),
    fits=shares.from_0_to_1,
    outside=shares.OUTSIDE,
    widens="beta",
    coefficients={"logit": "log odds ratio of the mean between 0 and 1"},
    mean=_mean,
    mean_is_linear=False,
    log_density={"logit": _log},
    draw=_draw,
    law=lambda location, p: _Law(location, p),
    sample=_sample,
)
