"""The link functions, each as NumPy and as PyMC source, in the order of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dagreg.numerics.arrays import Array, np, special
from dagreg.numerics.logs import logaddexp

MIN_PREDICTOR = -709.0  # a predictor below has a mean of 0 under the logit: its exponential overflows


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """A link function g: `inverse` maps the linear predictor to the mean, `slope` is its derivative, `bend`
    the second.

    `source` is the inverse as PyMC source with the hole `{eta}`. `unit`: the predictor has a scale of its own
    (odds, ratios), so that default priors need not know that of the response.
    `averaged(eta, sd)` is the mean of the inverse over a Normal(eta, sd), where that has a closed form.
    `taylor(eta)`: the inverse and its first four derivatives, written in operators and universal functions
    alone, so that it takes SQL too (`sources/expression.py`); None where SQL has no such function.

    Under the complementary log-log link -log(1 - p) is the cumulative hazard (McCullagh and Nelder 1989,
    section 4.3.1). The log link of a lognormal response is that of its median, whose ratios are those of the
    mean. The tangent of half an angle takes directions to all numbers (Fisher and Lee 1992).
    """

    name: str
    inverse: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bend: Callable[[Array], Array]
    of_mean: Callable[[float], float]
    source: str
    unit: bool = True
    averaged: Callable[[Array, Array], Array] | None = None
    taylor: Callable[[Any], tuple[Any, ...]] | None = None
    coefficient: str = (
        "difference on the link scale"  # what a coefficient is, the other predictors held fixed
    )


def _expit(eta: Array) -> Array:
    p: Array = np.asarray(np.maximum(eta, MIN_PREDICTOR))
    np.negative(p, out=p)
    np.exp(p, out=p)
    p += 1.0
    return np.reciprocal(p, out=p)


def expit_taylor(eta: Any) -> tuple[Any, ...]:
    mean = _expit(eta) if isinstance(eta, np.ndarray) else special.expit(eta)
    slope = mean * (1.0 - mean)
    bent = 1.0 - 2.0 * mean
    return mean, slope, slope * bent, slope * (1.0 - 6.0 * slope), slope * bent * (1.0 - 12.0 * slope)


def _exp_taylor(eta: Any) -> tuple[Any, ...]:
    return (np.exp(eta),) * 5


def _cloglog_taylor(eta: Any) -> tuple[Any, ...]:
    rate = np.exp(eta)
    slope = rate * np.exp(-rate)
    return (
        -np.expm1(-rate),
        slope,
        slope * (1.0 - rate),
        slope * (1.0 - rate * (3.0 - rate)),
        slope * (1.0 - rate * (7.0 - rate * (6.0 - rate))),
    )


def _ones(eta: Array) -> Array:
    return np.ones_like(eta)


def _exp(eta: Array) -> Array:
    return np.exp(eta)


def _inside(mean: float) -> float:
    """A probability; where all or none succeed, one near that."""
    return mean if 0 < mean < 1 else min(max(mean, 1e-6), 1 - 1e-6)


def _above(mean: float) -> float:
    return mean if mean > 0 else 1e-6


def _logit(mean: float) -> float:
    return float(np.log(_inside(mean) / (1 - _inside(mean))))


def _ndtr(eta: Array) -> Array:
    return np.asarray(special.ndtr(eta))


def _probit(mean: float) -> float:
    return float(special.ndtri(_inside(mean)))


LINKS: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link(
            "identity",
            lambda eta: eta,
            _ones,
            lambda eta: np.zeros_like(eta),
            lambda mean: mean,
            "{eta}",
            unit=False,
            averaged=lambda eta, sd: eta,
        ),
        Link(
            "log",
            _exp,
            _exp,
            _exp,
            lambda mean: float(np.log(_above(mean))),
            "pm.math.exp({eta})",
            averaged=lambda eta, sd: np.exp(eta + sd**2 / 2),
            taylor=_exp_taylor,
            coefficient="log mean ratio",
        ),
        Link(
            "logit",
            _expit,
            lambda eta: _expit(eta) * _expit(-eta),
            lambda eta: _expit(eta) * _expit(-eta) * (_expit(-eta) - _expit(eta)),
            _logit,
            "pm.math.sigmoid({eta})",
            taylor=expit_taylor,
            coefficient="log odds ratio",
        ),
        Link(  # not pm.math.invprobit, which takes the root of 2 in single precision
            "probit",
            _ndtr,
            lambda eta: np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi),
            lambda eta: -eta * np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi),
            _probit,
            "(0.5 * pm.math.erfc(-{eta} / np.sqrt(2)))",
            averaged=lambda eta, sd: _ndtr(eta / np.sqrt(1 + sd**2)),
            coefficient="difference in probits",
        ),
        Link(
            "cloglog",
            lambda eta: -np.expm1(-np.exp(eta)),
            lambda eta: np.exp(eta - np.exp(eta)),
            lambda eta: np.exp(eta - np.exp(eta)) * -np.expm1(eta),
            lambda mean: float(np.log(-np.log1p(-_inside(mean)))),
            "(-pm.math.expm1(-pm.math.exp({eta})))",
            taylor=_cloglog_taylor,
            coefficient="difference in log cumulative hazards",
        ),
        Link(
            "inverse",
            lambda eta: 1 / eta,
            lambda eta: -1 / eta**2,
            lambda eta: 2 / eta**3,
            lambda mean: 1 / _above(mean),
            "(1 / {eta})",
            unit=False,
            coefficient="difference in the inverse mean",
        ),
        Link(
            "softplus",
            lambda eta: logaddexp(0.0, eta),
            _expit,
            lambda eta: _expit(eta) * _expit(-eta),
            lambda mean: _above(mean) + float(np.log(-np.expm1(-_above(mean)))),
            "pm.math.softplus({eta})",
            unit=False,
            coefficient="difference on the softplus scale",
        ),
        Link(
            "tan_half",
            lambda eta: 2 * np.arctan(eta),
            lambda eta: 2 / (1 + eta**2),
            lambda eta: -4 * eta / (1 + eta**2) ** 2,
            lambda mean: float(np.tan(min(max(mean, -3.0), 3.0) / 2)),  # of angles from -pi to pi
            "(2 * pm.math.arctan({eta}))",
            coefficient="difference in the tangent of half the direction",
        ),
    )
}
