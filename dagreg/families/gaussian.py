"""The Normal distribution, and the linear model of an instrument's second stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dagreg.families import censoring
from dagreg.families.family import NUMBERS, Family, Parameter, Values, constant, each
from dagreg.families.parameters import SIGMA
from dagreg.numerics.arrays import Array, np, stats

LINKS = ("identity", "log", "softplus", "inverse")


def _draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return location + p["sigma"] * rng.standard_normal(location.shape)


def _z(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return (y - mean) / p["sigma"]


def log_density(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return -0.5 * _z(y, eta, mean, p) ** 2 - np.log(p["sigma"])


def _log_linked(y: Any, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    """Given the first stage's error, `linked_error`."""
    return log_density(y, eta, mean + p["control"] * p["linked_error"], p)


FAMILY = Family(
    name="gaussian",
    place=10,
    synonyms=("normal",),
    links=LINKS,
    accepts=(*NUMBERS, "binary"),
    default_for=("continuous", "positive", "proportion"),
    support="any number",
    distribution="Normal",
    likelihood=each(LINKS, "mu={mean}, sigma={sigma}"),
    parameters=(SIGMA,),
    real=True,
    known_errors=True,
    error_scale=True,
    normal=True,
    variance=constant,
    draw=_draw,
    law=lambda mean, p: stats.norm(mean, p["sigma"]),
    sample=_draw,
    censored=censoring.normal("({at} - {mean}) / {sigma}"),
    log_density=dict.fromkeys(LINKS, log_density),
    log_tails=censoring.normal_tails(_z),
)

LINKED = replace(
    FAMILY,
    synonyms=(),
    links=("identity",),
    default_for=(),
    likelihood={"identity": "mu={eta} + {control} * ({linked} - {linked_eta}), sigma={sigma}"},
    parameters=(SIGMA, Parameter("control", None, positive=False)),
    draw=None,
    censored={},
    log_density={"identity": _log_linked},
    log_tails=None,
)
"""The second stage of an instrument: errors bivariate normal with those of the first stage.

Written as the normal of this response given the other one, `control` being the slope of this
equation's error on the first stage's (the control function of Wooldridge 2010, section 6.2). Sampled
by its correlation in place of that slope, a weak instrument leaves divergences and an ESS of 70.
"""
