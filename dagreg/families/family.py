"""What there is to know of a family: the record that each file of this folder fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dagreg.families.links import LINKS
from dagreg.families.scales import MEAN, MeanScale
from dagreg.numerics.arrays import Array, np

if TYPE_CHECKING:
    import numpy.typing as npt

type Values = Mapping[str, Array]  # of the parameters besides the mean, by name
type Draw = Callable[[np.random.Generator, Array, Values], Array]
type Sampler = Callable[[np.random.Generator, Array, Values], npt.NDArray[np.generic]]
ResponseType = Literal["continuous", "positive", "proportion", "binary", "count", "categorical", "ordinal"]
Predictor = Literal["one", "unordered", "ordered"]
NUMBERS: tuple[ResponseType, ...] = ("continuous", "positive", "proportion", "count")


def itself(location: Array, parameters: Values) -> Array:
    return location


def constant(mean: Array) -> Array:
    return np.ones_like(mean)


def _any(low: float, high: float, whole: bool) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Tails:
    """The log probabilities of a response above and below a value, and between two: see `censoring.py`.

    Functions of the value or the two values, predictors, means and the parameters, as `Family.log_density`.
    """

    above: Callable[..., Any]
    below: Callable[..., Any]
    between: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a family besides the mean.

    `prior`: the default, in the grammar of priors; None where it is scaled to the data, as that of a residual
    sd is. `from_dispersion`: its value where a quasi-likelihood with this root of a dispersion stands for the
    family.
    """

    name: str
    prior: tuple[str, tuple[float, ...]] | None
    positive: bool = True  # a prior of the user's has to be, too
    words: str = "above 0"
    clipped: bool = False  # to the sizes that NumPy's generators take
    from_dispersion: Callable[[float], float] = lambda sigma: sigma


@dataclass(frozen=True, slots=True, repr=False)
class Family:
    """A likelihood. Everything else asks this record, so that no other file names a family.

    What the user writes and may combine:

    - `links`: those that make sense, the default first. With a `cell_support`, means of cells are parameters
      themselves: the identity is then a link, too.
    - `accepts`: types of response node; `default_for` those whose default it is, and whether of responses
      with trials.
    - `fits(smallest, largest, whole numbers only)` says whether a column lies in its support. `widens` names
      the family that it stands in for where responses lie outside of that one's.

    In the emitted program:

    - `likelihood`: per link, the arguments of `distribution` as source (`distributions`: another one under
      this link), with the holes `{eta}` (the linear predictor), `{trials}` and the parameters by name.
      `helpers` are functions that these arguments name, as `emit/prelude.py` has them: a program gets a copy.
    - `censored`: the log probability of a response `above` and `below` `{at}`, and `between` `{low}` and
      `{high}`, as source with the holes `{arguments}` and `{mean}` besides; nothing where responses cannot be
      censored.
    - `predictor`: one number a row, or for responses with several levels one for each level but the first,
      unordered or sharing their slopes.

    In NumPy, where `location` is the inverse link of the predictor:

    - `mean(location, parameters)` is the mean response; `mean_is_linear` in the location.
    - `variance(mean)` is the variance function of the exponential family (McCullagh and Nelder 1989, section
      2.2), None where the family has none; then `quasi_variance` may stand for it, its dispersion estimated.
      `shaped`: mean and dispersion do not give the whole distribution. `on_log_scale`: it is the log that is
      fitted.
    - `log_likelihood`: per link, of responses and predictors, up to a term free of the predictors. Responses
      and trials are rows x 1, predictors rows x points; for several levels see `categorical.py` and
      `ordinal.py`. `log_constant` is that term, of responses and trials, None for 0; `log_total` the sum over
      rows of one trial each, where there is a faster way.
    - `log_density`: per link, of responses (rows x 1), predictors and means (rows x points) and the
      parameters (with `trials`), up to a term free of all but the response: what `engines/density.py` makes
      posteriors of. It is written in universal functions alone, so that it takes jets (`numerics/jets.py`)
      and has exact derivatives. Of several levels see `categorical.py` and `ordinal.py`.
      `log_shared(response, parameters)` is a summand of it that no predictor enters, worked out once for each
      distinct response; `log_tails` what censoring makes of it.
    - `log_taylor`: per link, of responses, predictors and trials: that log density and its first four
      derivatives in the predictor, as many as an order says, for series about a point
      (`numerics/series.py`). It is written as `Link.taylor`, so that it takes SQL too.
    - `law(location, parameters)` is the distribution of responses as SciPy has them: with `logpmf`, or
      `logpdf`, and where they can be censored `logcdf` and `logsf`. None for several levels.
    - `concave`: links under which the log likelihood is concave in the predictor (and the cutpoints).
    - `draw` samples responses by quantiles, so that every draw is monotone in the location for the same state
      of the generator, and noise cancels between two sides of a contrast; None where the support is finite
      and the g-formula sums over it. `probabilities(location, largest)` are those of the counts from 0 to the
      largest, where the g-formula may sum over these. `sample` uses NumPy's own generators, which are many
      times faster.
    - `grouped_as`: the family of the sum of responses that share their predictor, out of `units`.
    """

    name: str
    place: int  # among the families, in schema, messages and docs
    links: tuple[str, ...]
    accepts: tuple[ResponseType, ...]
    support: str
    distribution: str
    likelihood: Mapping[str, str]
    synonyms: tuple[str, ...] = ()
    default_for: tuple[ResponseType | Literal["trials"], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    discrete: bool = False
    real: bool = False  # any number is a response, also a transformed one
    trials: bool = False
    predictor: Predictor = "one"
    fits: Callable[[float, float, bool], bool] = _any
    outside: str = "FALSE"  # SQL of a row that does not fit, with the hole {number}
    widens: str = ""

    distributions: Mapping[str, str] = field(default_factory=dict)
    helpers: tuple[Callable[..., Any], ...] = ()
    censored: Mapping[str, str] = field(default_factory=dict)
    known_errors: bool = False  # those of the responses add to its variance
    error_scale: bool = False  # its residual sd may be a multiple of a column

    scale: MeanScale = MEAN
    coefficients: Mapping[str, str] = field(
        default_factory=dict
    )  # what they are by link, unless what its link says

    locations: tuple[float, float] | None = None  # where they lie, unless what the links say
    mean: Callable[[Array, Values], Array] = itself
    mean_is_linear: bool = True
    normal: bool = False  # Normal about the mean, with one sd
    variance: Callable[[Array], Array] | None = None
    quasi_variance: Callable[[Array], Array] | None = None
    shaped: bool = False
    on_log_scale: bool = False
    overdispersion: str = ""  # what allows for more variation than it has, where data may have that
    separable: Literal["", "at zero", "at both ends"] = (
        ""  # where a response can be certain, so that it has no maximum
    )
    tested_as: Literal["number", "count", "successes"] = (
        "number"  # where independences are held against the data
    )
    log_likelihood: Mapping[str, Callable[..., Array]] = field(default_factory=dict)
    log_constant: Callable[[Array, Array], Array] | None = None
    log_density: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    means_unread: tuple[str, ...] = ()  # links under which the log density is of the predictor alone
    log_shared: Callable[[Array, Mapping[str, Any]], Any] | None = None
    log_taylor: Mapping[str, Callable[[Any, Any, Any, int], Sequence[Any]]] = field(default_factory=dict)
    log_tails: Tails | None = None
    law: Callable[[Array, Values], Any] | None = None
    log_total: Mapping[str, Callable[[Array, Array], Array]] = field(default_factory=dict)
    concave: tuple[str, ...] = ()
    draw: Draw | None = None
    probabilities: Callable[[Array, int], Iterator[Array]] | None = None
    sample: Sampler | None = None
    grouped_as: str = ""
    units: Literal["trials", "exposure"] = "trials"
    cell_support: Literal["", "probability", "rate"] = (
        ""  # what the mean of a cell is, where a prior can be put on it
    )

    def __repr__(self) -> str:
        return f"Family({self.name!r})"

    def distribution_under(self, link: str) -> str:
        """The PyMC distribution of a response whose predictor has this link."""
        return self.distributions.get(link, self.distribution)

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return self.name.replace("_", " ")

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """The names of its parameters besides the mean."""
        return tuple(p.name for p in self.parameters)

    @property
    def finite(self) -> bool:
        """Whether its responses are a few levels, which the g-formula can sum over."""
        return self.draw is None and not self.trials

    @property
    def levelled(self) -> bool:
        """Whether a response is one of several levels, so that its mean is a probability for each."""
        return self.predictor != "one"

    @property
    def mean_is_location(self) -> bool:
        """Whether its mean is the inverse link itself."""
        return self.mean is itself

    @property
    def location_range(self) -> tuple[float, float]:
        """Where its location lies, which a link may leave."""
        if self.locations is not None:
            return self.locations
        return (-np.inf if self.real else 0.0), (1.0 if self.trials or "logit" in self.links else np.inf)


def each(links: tuple[str, ...], arguments: str, **special: str) -> dict[str, str]:
    """The arguments under each link, `{mean}` being its inverse; `special` ones as they are."""
    return {link: special.get(link, arguments.replace("{mean}", LINKS[link].source)) for link in links}


def by_log_mean(links: tuple[str, ...], log_density: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """A log density of (response, log mean, mean, parameters) under each link: under the log, the predictor
    is that.
    """

    def otherwise(y: Array, eta: Any, mean: Any, p: Mapping[str, Any]) -> Any:
        return log_density(y, np.log(mean), mean, p)

    return {link: log_density if link == "log" else otherwise for link in links}
