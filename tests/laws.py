"""Distributions that SciPy does not have, from those that it has: for the tests of families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats


@dataclass(frozen=True)
class Hurdle:
    """Counts that are 0 with a probability, and else those of a distribution that are not 0."""

    counts: Any
    zero: float

    @property
    def dist(self) -> Any:
        return self.counts.dist

    @property
    def some(self) -> Any:
        return -np.expm1(self.counts.logpmf(0))

    def logpmf(self, y: Any) -> np.ndarray:
        return np.where(
            y == 0, np.log(self.zero), np.log1p(-self.zero) + self.counts.logpmf(y) - np.log(self.some)
        )

    def pmf(self, y: Any) -> np.ndarray:
        return np.exp(self.logpmf(y))

    def mean(self) -> Any:
        return (1 - self.zero) * self.counts.mean() / self.some

    def cdf(self, y: Any) -> Any:
        return self.zero + (1 - self.zero) * (self.counts.cdf(y) - self.counts.pmf(0)) / self.some

    def ppf(self, q: Any) -> np.ndarray:
        known = self.cdf(np.arange(200))
        return np.searchsorted(known, q).astype(float)

    def rvs(self, random_state: np.random.Generator, size: Any) -> np.ndarray:
        drawn = np.asarray(self.counts.rvs(random_state=random_state, size=size))
        while (drawn == 0).any():  # until none is left
            drawn = np.where(drawn == 0, self.counts.rvs(random_state=random_state, size=size), drawn)
        return drawn * (random_state.random(size) >= self.zero)


@dataclass(frozen=True)
class Ends:
    """Shares that are 0 and 1 with probabilities, and else those of a distribution."""

    between: Any
    zero: Any
    one: Any

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        rest = np.log1p(-self.zero - self.one) + self.between.logpdf(np.clip(y, 1e-9, 1 - 1e-9))
        return np.where(y == 0, np.log(self.zero), np.where(y == 1, np.log(self.one), rest))

    def mean(self) -> Any:
        return self.one + (1 - self.zero - self.one) * self.between.mean()

    def cdf(self, y: Any) -> Any:
        return np.where(y >= 1, 1.0, self.zero + (1 - self.zero - self.one) * self.between.cdf(y))

    def ppf(self, q: Any) -> np.ndarray:
        return self.between.ppf(np.clip((np.asarray(q) - self.zero) / (1 - self.zero - self.one), 0, 1))

    def rvs(self, random_state: np.random.Generator, size: Any) -> np.ndarray:
        u = random_state.random(size)
        drawn = self.between.rvs(random_state=random_state, size=size)
        return np.where(u < self.zero, 0.0, np.where(u < self.zero + self.one, 1.0, drawn))


def ordered(between: Any, location: Any, cut: float, gap: float) -> Ends:
    """Shares whose ends lie beyond two cutpoints of a logistic variable about the logit of the location."""
    eta = special.logit(location)
    return Ends(between, special.expit(cut - eta), special.expit(eta - cut - gap))


def leaning(mean: Any, sd: float, skew: float) -> Any:
    """SciPy's skew Normal with this mean and sd."""
    unit = stats.skewnorm(skew)
    scale = sd / unit.std()
    return stats.skewnorm(skew, mean - scale * unit.mean(), scale)


@dataclass(frozen=True)
class Angles:
    """SciPy's von Mises, cut at -pi and pi."""

    direction: Any
    concentration: float

    def logpdf(self, y: Any) -> np.ndarray:
        return np.asarray(stats.vonmises(self.concentration, self.direction).logpdf(y))

    def mean(self) -> Any:
        """By the Fourier series of the density: the k-th cosine moment is I_k / I_0."""
        k = np.arange(1, 200)
        moments = special.ive(k, self.concentration) / special.ive(0, self.concentration)
        turns = np.sin(np.asarray(self.direction)[..., None] * k)
        return (turns * moments * 2 * (-1.0) ** (k + 1) / k).sum(axis=-1)

    def cdf(self, y: Any) -> Any:
        law = stats.vonmises(self.concentration, self.direction)
        return law.cdf(y) - law.cdf(-np.pi)

    def ppf(self, q: Any) -> Any:
        grid = np.linspace(-np.pi, np.pi, 10_001)
        return np.interp(q, self.cdf(grid), grid)

    def rvs(self, random_state: np.random.Generator, size: Any) -> np.ndarray:
        drawn = stats.vonmises(self.concentration, self.direction).rvs(random_state=random_state, size=size)
        return (drawn + np.pi) % (2 * np.pi) - np.pi
