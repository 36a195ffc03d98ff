"""The likelihoods: one table of families. Adding a family is adding an entry.

The texts in `likelihood` are the arguments of a PyMC distribution, with the holes `{eta}` (the linear
predictor), `{trials}` and the auxiliary parameters by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from dagreg.model import draws
from dagreg.model.links import LINKS, Link
from dagreg.spec.brief import Brief
from dagreg.spec.types import NodeType

__all__ = ["DEFAULT_FAMILY", "FAMILIES", "LINKED_GAUSSIAN", "LINKS", "Array", "Family", "Link"]

Array = npt.NDArray[np.float64]
Parameters = Mapping[str, Array]
Draw = Callable[[np.random.Generator, Array, Parameters], Array]
Shape = Literal["one", "unordered", "ordered"]


def _itself(location: Array, parameters: Parameters) -> Array:
    return location


def _any(low: float, high: float, whole: bool) -> bool:
    return True


@dataclass(frozen=True, slots=True, repr=False)
class Family(Brief):
    """A likelihood.

    `links`: those that make sense, the default first. `accepts`: types of response node. `fits(smallest,
    largest, whole numbers only)` says whether a column lies in its support. `likelihood`: per link, the arguments of
    `distribution` as source (`distributions`: another one under this link). `mean(location, parameters)` is the mean
    response, where `location` is the inverse link of the predictor. `variance(mean)` is the variance function of the
    exponential family (McCullagh and Nelder 1989, section 2.2), None where the family has none. `draw` samples
    responses (`dagreg.model.draws`); None where the support is finite and the g-formula sums over it. `censored`:
    the log probability of a response `above` and `below` `{at}`, and `between` `{low}` and `{high}`, as source with
    the holes `{arguments}` and `{mean}` besides; nothing where responses cannot be censored. `predictor`: one number
    a row, or for responses with several levels one for each level but the first, unordered or sharing their slopes.
    With a `cell_support`, means of cells are parameters themselves: the identity is then a link, too.
    """

    name: str
    links: tuple[str, ...]
    accepts: tuple[NodeType, ...]
    support: str
    distribution: str
    likelihood: Mapping[str, str]
    variance: Callable[[Array], Array] | None = None
    discrete: bool = True
    auxiliaries: tuple[str, ...] = ()
    draw: Draw | None = None
    mean: Callable[[Array, Parameters], Array] = _itself
    fits: Callable[[float, float, bool], bool] = _any
    outside: str = "FALSE"  # SQL of a row that does not fit, with the hole {number}
    real: bool = False  # any number is a response, also a transformed one
    trials: bool = False
    predictor: Shape = "one"
    distributions: Mapping[str, str] = field(default_factory=dict)
    cell_support: Literal["", "probability", "rate"] = ""  # what the mean of a cell is, where a prior can be put on it
    censored: Mapping[str, str] = field(default_factory=dict)

    def distribution_under(self, link: str) -> str:
        """The PyMC distribution of a response whose predictor has this link."""
        return self.distributions.get(link, self.distribution)

    @property
    def finite(self) -> bool:
        """Whether its responses are a few levels, which the g-formula can sum over."""
        return self.draw is None and not self.trials

    @property
    def levelled(self) -> bool:
        """Whether a response is one of several levels, so that its mean is a probability for each."""
        return self.predictor != "one"


def _each(links: tuple[str, ...], arguments: str, **special: str) -> dict[str, str]:
    """The arguments under each link, `{mean}` being its inverse; `special` ones as they are."""
    return {link: special.get(link, arguments.replace("{mean}", LINKS[link].source)) for link in links}


_NUMBERS: tuple[NodeType, ...] = ("continuous", "positive", "proportion", "count")
_OF_LOG = ("log", "softplus", "identity", "inverse")
_OF_UNIT = ("logit", "probit", "cloglog")
_OF_COUNTS = ("log", "softplus", "identity")


def _positive(low: float, high: float, whole: bool) -> bool:
    return low > 0


def _counts(low: float, high: float, whole: bool) -> bool:
    return whole and low >= 0


_EXPONENTIAL_ABOVE = "-{at} / {mean}"
_WEIBULL_ABOVE = "-(({at} / {mean} * pm.math.gamma(1 + 1 / {shape})) ** {shape})"


def _normal(z: str) -> dict[str, str]:
    """Censoring by the helpers `log_above` and `log_between` of the program, for a response that is Normal as `z`."""
    low, high = z.replace("{at}", "{low}"), z.replace("{at}", "{high}")
    return {
        "above": f"log_above({z})",
        "below": f"log_above(-({z}))",
        "between": f"log_between({low}, {high})",
    }


def _by_survival(above: str) -> dict[str, str]:
    """Censoring where the log of the survival function is exact: the other probabilities follow from it."""
    low, high = above.replace("{at}", "{low}"), above.replace("{at}", "{high}")
    return {"above": above, "below": f"pm.math.log1mexp({above})", "between": f"pm.math.logdiffexp({low}, {high})"}


def _by_logcdf(distribution: str, above: str) -> dict[str, str]:
    """Censoring by PyMC's distribution function, which says nothing of the upper tail: `above` does."""
    cdf = f"pm.logcdf(pm.{distribution}.dist({{arguments}}), {{at}})"
    high, low = cdf.replace("{at}", "{high}"), cdf.replace("{at}", "{low}")
    return {"above": above, "below": cdf, "between": f"pm.math.logdiffexp({high}, {low})"}


def _gamma() -> dict[str, str]:
    """Censoring by the incomplete gamma functions, a difference being taken in the tail that holds it."""
    low, high = "{shape} * {low} / {mean}", "{shape} * {high} / {mean}"
    tail = f"pm.math.gammaincc({{shape}}, {low}) - pm.math.gammaincc({{shape}}, {high})"
    head = f"pm.math.gammainc({{shape}}, {high}) - pm.math.gammainc({{shape}}, {low})"
    return {
        "above": "pm.math.log(pm.math.gammaincc({shape}, {shape} * {at} / {mean}))",
        "below": "pm.math.log(pm.math.gammainc({shape}, {shape} * {at} / {mean}))",
        "between": f"pm.math.log(pm.math.where({{low}} > {{mean}}, {tail}, {head}))",
    }


_FAMILIES: tuple[Family, ...] = (
    Family(
        name="gaussian",
        links=("identity", "log", "softplus", "inverse"),
        accepts=(*_NUMBERS, "binary"),
        support="any number",
        distribution="Normal",
        likelihood=_each(("identity", "log", "softplus", "inverse"), "mu={mean}, sigma={sigma}"),
        variance=np.ones_like,
        discrete=False,
        auxiliaries=("sigma",),
        draw=draws.normal,
        real=True,
        censored=_normal("({at} - {mean}) / {sigma}"),
    ),
    Family(
        name="student_t",
        links=("identity", "log", "softplus", "inverse"),
        accepts=_NUMBERS,
        support="any number",
        distribution="StudentT",
        likelihood=_each(("identity", "log", "softplus", "inverse"), "nu={nu}, mu={mean}, sigma={sigma}"),
        discrete=False,
        auxiliaries=("nu", "sigma"),
        draw=draws.student_t,
        real=True,
        censored=_by_logcdf("StudentT", "pm.logcdf(pm.StudentT.dist(nu={nu}, mu=-{mean}, sigma={sigma}), -{at})"),
    ),
    Family(
        name="lognormal",  # the log link is that of the median
        links=("log",),
        accepts=_NUMBERS,
        support="numbers above 0",
        distribution="LogNormal",
        likelihood={"log": "mu={eta}, sigma={sigma}"},
        discrete=False,
        auxiliaries=("sigma",),
        draw=draws.lognormal,
        mean=lambda median, p: np.asarray(median * np.exp(p["sigma"] ** 2 / 2)),
        fits=_positive,
        outside="{number} <= 0",
        censored=_normal("(pm.math.log({at}) - {eta}) / {sigma}"),
    ),
    Family(
        name="gamma",
        links=_OF_LOG,
        accepts=_NUMBERS,
        support="numbers above 0",
        distribution="Gamma",
        likelihood=_each(_OF_LOG, "alpha={shape}, beta={shape} / {mean}"),
        discrete=False,
        auxiliaries=("shape",),
        draw=draws.gamma,
        fits=_positive,
        outside="{number} <= 0",
        censored=_gamma(),
    ),
    Family(
        name="exponential",
        links=_OF_LOG,
        accepts=_NUMBERS,
        support="numbers from 0",
        distribution="Exponential",
        likelihood=_each(_OF_LOG, "lam=1 / {mean}"),
        discrete=False,
        draw=draws.exponential,
        fits=lambda low, high, whole: low >= 0,
        outside="{number} < 0",
        censored=_by_survival(_EXPONENTIAL_ABOVE),
    ),
    Family(
        name="weibull",
        links=_OF_LOG,
        accepts=_NUMBERS,
        support="numbers above 0",
        distribution="Weibull",
        likelihood=_each(_OF_LOG, "alpha={shape}, beta={mean} / pm.math.gamma(1 + 1 / {shape})"),
        discrete=False,
        auxiliaries=("shape",),
        draw=draws.weibull,
        fits=_positive,
        outside="{number} <= 0",
        censored=_by_survival(_WEIBULL_ABOVE),
    ),
    Family(
        name="beta",
        links=_OF_UNIT,
        accepts=("proportion", "continuous", "positive"),
        support="numbers above 0 and below 1",
        distribution="Beta",
        likelihood=_each(_OF_UNIT, "mu={mean}, nu={precision}"),
        discrete=False,
        auxiliaries=("precision",),
        draw=draws.beta,
        fits=lambda low, high, whole: low > 0 and high < 1,
        outside="{number} <= 0 OR {number} >= 1",
        censored=_by_logcdf("Beta", "pm.logcdf(pm.Beta.dist(mu=1 - {mean}, nu={precision}), 1 - {at})"),
    ),
    Family(
        name="bernoulli",
        links=_OF_UNIT,
        accepts=("binary", "categorical"),
        support="two values",
        distribution="Bernoulli",
        likelihood=_each((*_OF_UNIT, "identity"), "p={mean}", logit="logit_p={eta}"),
        cell_support="probability",
        variance=lambda mean: mean * (1 - mean),
    ),
    Family(
        name="binomial",
        links=_OF_UNIT,
        accepts=("count",),
        support="whole numbers from 0 to the trials",
        distribution="Binomial",
        likelihood=_each((*_OF_UNIT, "identity"), "n={trials}, p={mean}", logit="n={trials}, logit_p={eta}"),
        cell_support="probability",
        variance=lambda mean: mean * (1 - mean),
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
        trials=True,
    ),
    Family(
        name="beta_binomial",
        links=_OF_UNIT,
        accepts=("count",),
        support="whole numbers from 0 to the trials",
        distribution="BetaBinomial",
        likelihood=_each(_OF_UNIT, "n={trials}, alpha={precision} * {mean}, beta={precision} * (1 - {mean})"),
        auxiliaries=("precision",),
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
        trials=True,
    ),
    Family(
        name="poisson",
        links=_OF_COUNTS,
        accepts=("count",),
        support="whole numbers from 0",
        distribution="Poisson",
        likelihood=_each(_OF_COUNTS, "mu={mean}"),
        cell_support="rate",
        variance=lambda mean: mean,
        draw=draws.poisson,
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
    ),
    Family(
        name="negative_binomial",
        links=_OF_COUNTS,
        accepts=("count",),
        support="whole numbers from 0",
        distribution="NegativeBinomial",
        likelihood=_each(_OF_COUNTS, "mu={mean}, alpha={shape}"),
        auxiliaries=("shape",),
        draw=draws.negative_binomial,
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
    ),
    Family(
        name="zero_inflated_poisson",
        links=("log", "softplus"),
        accepts=("count",),
        support="whole numbers from 0",
        distribution="ZeroInflatedPoisson",
        likelihood=_each(("log", "softplus"), "psi=1 - {zero}, mu={mean}"),
        auxiliaries=("zero",),
        draw=draws.zero_inflated_poisson,
        mean=lambda location, p: np.asarray(location * (1 - p["zero"])),
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
    ),
    Family(
        name="zero_inflated_negative_binomial",
        links=("log", "softplus"),
        accepts=("count",),
        support="whole numbers from 0",
        distribution="ZeroInflatedNegativeBinomial",
        likelihood=_each(("log", "softplus"), "psi=1 - {zero}, mu={mean}, alpha={shape}"),
        auxiliaries=("zero", "shape"),
        draw=draws.zero_inflated_negative_binomial,
        mean=lambda location, p: np.asarray(location * (1 - p["zero"])),
        fits=_counts,
        outside="{number} < 0 OR {number} <> floor({number})",
    ),
)

_BY_LEVELS = (
    Family(
        name="categorical",
        links=("logit",),
        accepts=("categorical", "ordinal"),
        support="three levels or more",
        distribution="Categorical",
        likelihood={"logit": "logit_p={eta}"},
        predictor="unordered",
    ),
    Family(
        name="ordinal",
        links=("logit", "probit"),
        accepts=("ordinal",),
        support="three levels or more, in order",
        distribution="OrderedLogistic",
        likelihood=dict.fromkeys(("logit", "probit"), "eta={eta}, cutpoints={cutpoints}"),
        distributions={"probit": "OrderedProbit"},
        predictor="ordered",
    ),
)
_FAMILIES += _BY_LEVELS

FAMILIES: Mapping[str, Family] = {family.name: family for family in _FAMILIES}

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
    real=True,
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
    "categorical": "categorical",
    "ordinal": "ordinal",
}
