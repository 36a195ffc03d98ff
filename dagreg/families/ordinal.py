"""One of several levels in order: cutpoints on the scale of one predictor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dagreg.families.family import Family
from dagreg.families.scales import LEVEL
from dagreg.families.successes import log_ndtr, softplus
from dagreg.numerics.arrays import Array, np, special

if TYPE_CHECKING:
    import numpy.typing as npt

LINKS = ("logit", "probit")


def log_likelihood(link: str, codes: npt.NDArray[np.int64], predictor: Array, cutpoints: Array) -> Array:
    """Rows x points; cutpoints are levels - 1 x points. -inf where they are not in ascending order.

    Concave in predictor and cutpoints, because the density whose integrals these are is log-concave (Pratt
    1981; Burridge 1981).
    """
    unbounded = np.full((1, cutpoints.shape[1]), np.inf)
    ends = np.concatenate([-unbounded, cutpoints, unbounded])
    above, below = ends[codes + 1] - predictor, ends[codes] - predictor
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_p = _between_logistic(below, above) if link == "logit" else _between_normal(below, above)
    ascending = (np.diff(cutpoints, axis=0) > 0).all(axis=0)
    return np.where(ascending, log_p, -np.inf)


def _between_logistic(low: Array, high: Array) -> Array:
    """log(F(high) - F(low)) = high + log(1 - exp(low - high)) - softplus(high) - softplus(low), the ends
    apart.
    """
    top = np.where(np.isinf(high), 0.0, -softplus(-high))  # log F(high)
    return np.asarray(top + np.log(-np.expm1(np.where(np.isinf(high), -np.inf, low - high))) - softplus(low))


def _between_normal(low: Array, high: Array) -> Array:
    """log(F(high) - F(low)), in the tail where the difference keeps its digits."""
    upper = low > 0
    first, second = np.where(upper, -high, low), np.where(upper, -low, high)
    larger = log_ndtr(second)
    return np.asarray(larger + np.log(-np.expm1(log_ndtr(first) - larger)))


def _log_logistic(below: Any | None, above: Any | None) -> Any:
    """The log probability between two cutpoints less the predictor; None for one that there is not."""
    if below is None:
        return special.log_expit(above)
    if above is None:
        return special.log_expit(-below)
    return special.log_expit(above) + special.log_expit(-below) + np.log(-np.expm1(below - above))


def _log_normal(below: Any | None, above: Any | None) -> Any:
    if below is None:
        return special.log_ndtr(above)
    if above is None:
        return special.log_ndtr(-below)
    upper = below > 0
    first, second = np.where(upper, -above, below), np.where(upper, -below, above)
    larger = special.log_ndtr(second)
    return larger + np.log(-np.expm1(special.log_ndtr(first) - larger))


FAMILY = Family(
    name="ordinal",
    place=160,
    synonyms=("cumulative",),
    links=LINKS,
    accepts=("ordinal",),
    default_for=("ordinal",),
    support="three levels or more, in order",
    distribution="OrderedLogistic",
    likelihood=dict.fromkeys(LINKS, "eta={eta}, cutpoints={cutpoints}"),
    distributions={"probit": "OrderedProbit"},
    discrete=True,
    predictor="ordered",
    scale=LEVEL,
    separable="at both ends",
    coefficients={"logit": "log cumulative odds ratio"},
    log_likelihood={link: partial(log_likelihood, link) for link in LINKS},
    log_density={"logit": _log_logistic, "probit": _log_normal},
    concave=LINKS,
)
