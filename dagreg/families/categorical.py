"""One of several levels without an order: a predictor for each but the first."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from dagreg.families.family import Family
from dagreg.families.scales import LEVEL
from dagreg.numerics.arrays import Array, np
from dagreg.numerics.logs import logaddexp

if TYPE_CHECKING:
    import numpy.typing as npt


def log_likelihood(codes: npt.NDArray[np.int64], predictors: Array) -> Array:
    """Rows x points, from levels - 1 x rows x points; the first level's predictor is 0."""
    top = np.maximum(predictors.max(axis=0), 0.0)
    total = np.exp(predictors - top).sum(axis=0) + np.exp(-top)
    own = np.zeros_like(top)
    for level, block in enumerate(predictors, start=1):
        here = codes == level
        own[here] = block[here]
    return np.asarray(own - top - np.log(total))


def _log(codes: Array, *predictors: Any) -> Any:
    """The same of rows x 1 codes and a predictor for each level but the first, in universal functions."""
    own = sum(np.where(codes == level, eta, 0.0) for level, eta in enumerate(predictors, start=1))
    return own - reduce(logaddexp, predictors, 0.0)


FAMILY = Family(
    name="categorical",
    place=150,
    synonyms=("multinomial",),
    links=("logit",),
    accepts=("categorical", "ordinal"),
    default_for=("categorical",),
    support="three levels or more",
    distribution="Categorical",
    likelihood={"logit": "logit_p={eta}"},
    discrete=True,
    predictor="unordered",
    scale=LEVEL,
    separable="at both ends",
    log_likelihood={"logit": log_likelihood},
    log_density={"logit": _log},
    concave=("logit",),
)
