"""The likelihoods: one table of families and one of links. Adding a family is adding an entry.

Numbers are NumPy arrays; the texts in `likelihood` are the arguments of a PyMC distribution, with the
holes `{eta}` (the linear predictor), `{trials}` and the auxiliary parameters by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dagreg.model import quantiles
from dagreg.spec.types import NodeType

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Link:
    """A link function g: `inverse` maps the linear predictor to the mean, `slope` is its derivative."""

    name: str
    inverse: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    of_mean: Callable[[float], float]


def _expit(eta: Array) -> Array:
    half: Array = np.tanh(eta * 0.5)
    half += 1.0
    half *= 0.5
    return half


def _logit(mean: float) -> float:
    inside = min(max(mean, 1e-6), 1 - 1e-6)
    return float(np.log(inside / (1 - inside)))


LINKS: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link("identity", lambda eta: eta, np.ones_like, lambda mean: mean),
        Link("logit", _expit, lambda eta: _expit(eta) * _expit(-eta), _logit),
        Link("log", np.exp, np.exp, lambda mean: float(np.log(max(mean, 1e-6)))),
    )
}


@dataclass(frozen=True, slots=True)
class Family:
    """A likelihood.

    `links`: those that make sense, the default first. `accepts`: types of response node.
    `likelihood`: per link, the arguments of `distribution` as source. `variance(mean)` is the
    variance function of the exponential family (McCullagh and Nelder 1989, section 2.2).
    `draw(rng, mean, parameters)` samples responses of the mean's shape; None where the support is
    finite and the g-formula sums over it. It is monotone in the mean for the same state of `rng`, so that
    the noise cancels between two means.
    """

    name: str
    links: tuple[str, ...]
    accepts: tuple[NodeType, ...]
    support: str
    distribution: str
    likelihood: Mapping[str, str]
    variance: Callable[[Array], Array]
    discrete: bool = True
    auxiliaries: tuple[str, ...] = ()
    draw: Callable[[np.random.Generator, Array, Mapping[str, Array]], Array] | None = None


def _draw_normal(rng: np.random.Generator, mean: Array, parameters: Mapping[str, Array]) -> Array:
    return mean + parameters["sigma"] * rng.standard_normal(mean.shape)


def _draw_poisson(rng: np.random.Generator, mean: Array, parameters: Mapping[str, Array]) -> Array:
    return quantiles.poisson(rng.random(mean.shape), mean)


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="gaussian",
            links=("identity",),
            accepts=("continuous", "positive", "proportion", "count", "binary"),
            support="any number",
            distribution="Normal",
            likelihood={"identity": "mu={eta}, sigma={sigma}"},
            variance=np.ones_like,
            discrete=False,
            auxiliaries=("sigma",),
            draw=_draw_normal,
        ),
        Family(
            name="bernoulli",
            links=("logit",),
            accepts=("binary",),
            support="0 or 1",
            distribution="Bernoulli",
            likelihood={"logit": "logit_p={eta}"},
            variance=lambda mean: mean * (1 - mean),
        ),
        Family(
            name="binomial",
            links=("logit",),
            accepts=("count",),
            support="whole numbers from 0 to the trials",
            distribution="Binomial",
            likelihood={"logit": "n={trials}, logit_p={eta}"},
            variance=lambda mean: mean * (1 - mean),
        ),
        Family(
            name="poisson",
            links=("log",),
            accepts=("count",),
            support="whole numbers from 0",
            distribution="Poisson",
            likelihood={"log": "mu=pm.math.exp({eta})"},
            variance=lambda mean: mean,
            draw=_draw_poisson,
        ),
    )
}

LINKED_GAUSSIAN = Family(
    name="gaussian",
    links=("identity",),
    accepts=("continuous", "positive", "proportion", "count", "binary"),
    support="any number",
    distribution="Normal",
    likelihood={"identity": "mu={eta} + {control} * ({linked} - {linked_eta}), sigma={sigma}"},
    variance=np.ones_like,
    discrete=False,
    auxiliaries=("sigma", "control"),
)
"""The second stage of an instrument: errors bivariate normal with those of the first stage.

Written as the normal of this response given the other one, `control` being the slope of this
equation's error on the first stage's (the control function of Wooldridge 2010, section 6.2). Sampled
by its correlation in place of that slope, a weak instrument leaves divergences and an ESS of 70.
"""

DEFAULT_FAMILY: Mapping[NodeType, str] = {
    "continuous": "gaussian",
    "positive": "gaussian",
    "proportion": "gaussian",
    "binary": "bernoulli",
    "count": "poisson",
}
