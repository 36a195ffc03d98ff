"""What families of counts share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagreg.families.family import Draw, Sampler, Values
from dagreg.families.positive import draw_gamma, sample_gamma
from dagreg.numerics import quantiles
from dagreg.numerics.arrays import Array, np, special, stats
from dagreg.numerics.gamma import log_rising
from dagreg.numerics.logs import logaddexp

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

LINKS = ("log", "softplus", "identity")
INFLATED_LINKS = ("log", "softplus")
NOT_WHOLE = "{number} < 0 OR {number} <> floor({number})"
COEFFICIENTS = {"log": "log rate ratio"}
# the largest rate that NumPy draws a Poisson of; beyond, the draw is its rate to nine digits
MAX_POISSON_RATE = 1e18


def whole_numbers(low: float, high: float, whole: bool) -> bool:
    return whole and low >= 0


def proportional(mean: Array) -> Array:
    """The variance of a Poisson."""
    return mean


def negative_binomial(mean: Array, p: Values) -> Any:
    """As SciPy has it."""
    return stats.nbinom(p["shape"], p["shape"] / (p["shape"] + mean))


@dataclass(frozen=True, slots=True)
class Inflated:
    """A distribution of counts, with more zeros than it has."""

    counts: Any
    zero: Array

    def logpmf(self, y: Array) -> Array:
        """log of (1 - zero) p(y), and of zero besides where y is 0."""
        usual = np.log1p(-self.zero) + self.counts.logpmf(y)
        return np.asarray(np.where(y == 0, logaddexp(np.log(self.zero), usual), usual))


def log_poisson(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    return y * log_mean - mean


def log_negative_binomial(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
    """Without what no predictor enters: see `log_ways`."""
    return y * log_mean - (y + p["shape"]) * np.log1p(mean / p["shape"])


def log_ways(y: Any, p: Mapping[str, Any]) -> Any:
    """The part of a negative binomial's log density that no predictor enters; 0 for a count of 0."""
    return log_rising(p["shape"], y)


def log_inflated(log_density: Callable[..., Any]) -> Callable[..., Any]:
    """With more zeros: the probability `zero` beside the one that the counts have."""

    def inflated(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
        usual = np.log1p(-p["zero"]) + log_density(y, log_mean, mean, p)
        return np.where(y == 0, logaddexp(np.log(p["zero"]), usual), usual)

    return inflated


def log_hurdle(log_density: Callable[..., Any]) -> Callable[..., Any]:
    """The probability `zero` of 0, and else counts that are not."""

    def hurdle(y: Any, log_mean: Any, mean: Any, p: Mapping[str, Any]) -> Any:
        some = np.log(-np.expm1(log_density(0.0 * y, log_mean, mean, p)))
        return np.where(
            y == 0, np.log(p["zero"]), np.log1p(-p["zero"]) + log_density(y, log_mean, mean, p) - some
        )

    return hurdle


def draw_poisson(rng: np.random.Generator, location: Array, p: Values) -> Array:
    return quantiles.poisson(rng.random(location.shape), location)


def poisson_probabilities(mean: Array, largest: int) -> Iterator[Array]:
    """Of the counts from 0 to the largest, each of the shape of the means."""
    probability = np.exp(-mean)
    yield probability
    for count in range(1, largest + 1):
        probability = probability * (mean / count)
        yield probability


def draw_negative_binomial(rng: np.random.Generator, location: Array, p: Values) -> Array:
    """A Poisson whose rate is a gamma draw."""
    return draw_poisson(rng, draw_gamma(rng, location, p), p)


def sample_poisson(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    drawn = rng.poisson(np.minimum(mean, MAX_POISSON_RATE))
    return (
        drawn if mean.max(initial=0.0) <= MAX_POISSON_RATE else np.where(mean > MAX_POISSON_RATE, mean, drawn)
    )


def sample_negative_binomial(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    return sample_poisson(rng, sample_gamma(rng, mean, p), p)


def draw_inflated(counts: Draw) -> Draw:
    """Draws that are 0 with the probability `zero`, and else those of the counts."""

    def draw(rng: np.random.Generator, location: Array, p: Values) -> Array:
        kept = rng.random(location.shape) >= p["zero"]
        return np.asarray(kept * counts(rng, location, p))

    return draw


def sample_inflated(counts: Sampler) -> Sampler:
    def sample(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
        return np.where(rng.random(mean.shape) < p["zero"], 0, counts(rng, mean, p))

    return sample


def inflated_mean(location: Array, p: Values) -> Array:
    return np.asarray(location * (1 - p["zero"]))


def _beyond_the_first(nothing: Array, v: Array) -> Array:
    """log((1 - v) exp(nothing) + v), where `nothing` is minus the log probability of no event in a unit of
    time.

    Given an event, `v` is a uniform that says when the first of them comes.
    """
    return np.asarray(np.maximum(nothing + np.log1p(v * np.expm1(-nothing)), 0.0))


def draw_positive_poisson(rng: np.random.Generator, location: Array, p: Values) -> Array:
    """A Poisson that is not 0: its first event, and those of the time that is left after it."""
    rest = _beyond_the_first(location, rng.random(location.shape))
    return np.asarray(1 + draw_poisson(rng, rest, p))


def sample_positive_poisson(rng: np.random.Generator, mean: Array, p: Values) -> npt.NDArray[np.generic]:
    rest = _beyond_the_first(mean, rng.random(mean.shape))
    return np.asarray(1.0 + np.asarray(sample_poisson(rng, rest, p), dtype=np.float64))


def _rest_of_negative_binomial(location: Array, p: Values, v: Array) -> Array:
    """The rate that is left after the first event, over the gamma draw (of `shape` + 1) that it is a multiple
    of.
    """
    shape = p["shape"]
    return np.asarray(np.expm1(_beyond_the_first(shape * np.log1p(location / shape), v) / shape))


def draw_positive_negative_binomial(rng: np.random.Generator, location: Array, p: Values) -> Array:
    rest = _rest_of_negative_binomial(location, p, rng.random(location.shape))
    rate = rest * special.gammaincinv(p["shape"] + 1, rng.random(location.shape))
    return np.asarray(1 + draw_poisson(rng, rate, p))


def sample_positive_negative_binomial(
    rng: np.random.Generator, mean: Array, p: Values
) -> npt.NDArray[np.generic]:
    rest = _rest_of_negative_binomial(mean, p, rng.random(mean.shape))
    rate = rest * rng.standard_gamma(np.broadcast_to(p["shape"], mean.shape) + 1)
    return np.asarray(1.0 + np.asarray(sample_poisson(rng, rate, p), dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Hurdle:
    """Counts that are 0 with a probability of its own, and else those of a distribution that are not."""

    counts: Any
    zero: Array

    def logpmf(self, y: Array) -> Array:
        positive = np.log1p(-self.zero) + self.counts.logpmf(y) - self.counts.logsf(0)
        return np.asarray(np.where(y == 0, np.log(self.zero), positive))
