"""Parameters in the unconstrained coordinates in which PyMC moves them, their priors, and derivatives of
both.

A parameter x is u itself where its prior lies on the line, exp(u) where above 0, and in an interval by the
logistic function; cutpoints are u0, u0 + exp(u1), u0 + exp(u1) + exp(u2), ... Densities are in u, so that
they have the log of |dx/du| beside that of x (Stan Reference Manual, chapter on transforms). Points are
points x parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.model.densities import LOG_DENSITIES
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array, special
from dagreg.numerics.jets import Jet, variable
from dagreg.spec.priors import DISTRIBUTIONS

GRID = np.linspace(-40.0, 40.0, 1_601)  # of u, on which a prior's centre is looked for
WIDEST = 4.0  # sd of u that a start is drawn with


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A number whose prior is of its own."""

    prior: PriorChoice

    @property
    def ends(self) -> tuple[float, float]:
        """Of the parameter."""
        match DISTRIBUTIONS[self.prior.distribution].support:
            case "real":
                return -np.inf, np.inf
            case "positive":
                return 0.0, np.inf
            case "unit":
                return 0.0, 1.0
            case _:
                low, high = self.arguments
                return low, high

    @property
    def arguments(self) -> list[float]:
        """The prior's, which all are numbers once there are data."""
        return [float(a) for a in self.prior.arguments if isinstance(a, float | int)]

    def value(self, u: Any) -> Any:
        """The parameter."""
        low, high = self.ends
        if np.isinf(high):
            return u if np.isinf(low) else low + np.exp(u)
        return low + (high - low) * special.expit(u)

    def free(self, x: float) -> float:
        """The coordinate of a parameter; one inside where it lies beyond the ends."""
        low, high = self.ends
        if np.isinf(high):
            return x if np.isinf(low) else float(np.log(max(x - low, 1e-6)))
        return float(special.logit(np.clip((x - low) / (high - low), 1e-6, 1 - 1e-6)))

    def log_prior(self, u: Any) -> Any:
        """The log density of u, up to a constant."""
        low, high = self.ends
        name, arguments = self.prior.distribution, self.arguments
        if np.isinf(low):
            return _ON_THE_LINE[name](u, *arguments)
        if np.isinf(high):
            return LOG_DENSITIES[name](np.exp(u), *arguments) + u
        above, below = (1.0, 1.0) if name == "Uniform" else arguments
        return above * special.log_expit(u) + below * special.log_expit(-u)

    def centre(self) -> tuple[float, float]:
        """About the mean and the sd of u under the prior; 0 and 1 where it has none."""
        if self.prior.distribution in ("Flat", "HalfFlat"):
            return 0.0, 1.0
        if np.isinf(self.ends[0]):
            mean, sd = self.arguments[-2:]
            return mean, sd
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            height = self.log_prior(GRID)
        weight = np.exp(height - np.nanmax(height))
        weight = np.where(np.isnan(weight), 0.0, weight)
        mean = float((weight * GRID).sum() / weight.sum())
        return mean, min(float(((weight * (GRID - mean) ** 2).sum() / weight.sum()) ** 0.5), WIDEST)

    def derivatives(self, u: float) -> tuple[Jet, Jet]:
        """The parameter and its log prior, each with two derivatives in u."""
        at = variable(np.array([[u]]), 0)
        value, height = self.value(at), self.log_prior(at)
        if not isinstance(height, Jet):  # a flat one
            height = Jet(np.asarray(height), {}, {})
        return value, height


def _student_t(x: Any, nu: float, mu: float, sigma: float) -> Any:
    return -0.5 * (nu + 1) * np.log1p(((x - mu) / sigma) ** 2 / nu)


_ON_THE_LINE: dict[str, Any] = {
    "Normal": lambda x, mu, sigma: -0.5 * ((x - mu) / sigma) ** 2,
    "StudentT": _student_t,
    "Cauchy": lambda x, alpha, beta: _student_t(x, 1.0, alpha, beta),
    "Laplace": lambda x, mu, b: -np.abs(x - mu) / b,
    "Flat": lambda x: 0.0 * x,
}


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Those of a model: numbers with priors of their own, and runs of them that are cutpoints in ascending
    order.
    """

    each: tuple[Coordinate, ...]
    ordered: tuple[slice, ...] = ()

    def __len__(self) -> int:
        return len(self.each)

    def values(self, points: Array) -> Array:
        """The parameters."""
        free = self._free
        values = np.empty_like(points)
        for i, coordinate in enumerate(self.each):
            if free[i]:
                values[..., i] = coordinate.value(points[..., i])
        for run in self.ordered:
            steps = points[..., run].copy()
            steps[..., 1:] = np.exp(steps[..., 1:])
            values[..., run] = np.cumsum(steps, axis=-1)
        return values

    def log_prior(self, points: Array, values: Array) -> Array:
        """The log density of the coordinates, up to a constant."""
        total = np.zeros(len(points))
        for i, (coordinate, free) in enumerate(zip(self.each, self._free, strict=True)):
            total += coordinate.log_prior(points[:, i] if free else values[:, i])
        for run in self.ordered:
            total += points[:, run][:, 1:].sum(axis=1)
        return total

    def start(self, values: Array) -> Array:
        """The coordinates of parameters."""
        point = np.array([c.free(x) for c, x in zip(self.each, values, strict=True)])
        for run in self.ordered:
            cuts = values[run]
            point[run] = np.concatenate([cuts[:1], np.log(np.maximum(np.diff(cuts), 1e-3))])
        return point

    def centres(self) -> tuple[Array, Array]:
        """About the mean and sd of each coordinate under the priors; of cutpoints' steps, about those of a
        log.
        """
        pairs = np.array([c.centre() for c in self.each]).T
        for run in self.ordered:
            pairs[:, run.start + 1 : run.stop] = [[0.0], [1.0]]
        return pairs[0], pairs[1]

    def pulled_back(self, point: Array, gradient: Array, hessian: Array) -> tuple[Array, Array]:
        """Gradient and Hessian in the coordinates, priors included, from those of the likelihood in the
        parameters.
        """
        size = len(self)
        slopes, bends = np.eye(size), np.zeros(size)
        own, curved = np.zeros(size), np.zeros(size)
        gradient, hessian = gradient.copy(), hessian.copy()
        for i, (coordinate, free) in enumerate(zip(self.each, self._free, strict=True)):
            at = point[i] if free else float(self.values(point[None])[0, i])
            if free and coordinate.prior.distribution == "Normal":  # most are, and jets take their time
                mean, sd = coordinate.arguments
                own[i], curved[i] = (mean - at) / sd**2, -1 / sd**2
                continue
            value, height = coordinate.derivatives(at)
            first, second = (_number(height.first.get(0)), _number(height.second.get((0, 0))))
            if free:
                slopes[i, i], bends[i] = (
                    _number(value.first[0]),
                    gradient[i] * _number(value.second.get((0, 0))),
                )
                own[i], curved[i] = first, second
            else:
                gradient[i] += first
                hessian[i, i] += second
        for run in self.ordered:
            steps = np.exp(point[run][1:])
            below = np.tril(np.ones((len(steps) + 1,) * 2))
            slopes[run, run] = below * np.concatenate([[1.0], steps])
            bends[run] = np.concatenate([[0.0], steps]) * (below.T @ gradient[run])
            own[run.start + 1 : run.stop] += 1.0
        return slopes.T @ gradient + own, slopes.T @ hessian @ slopes + np.diag(bends + curved)

    @property
    def _free(self) -> list[bool]:
        """Of each, whether its prior is of itself in its own coordinate: no cutpoint."""
        runs = {i for run in self.ordered for i in range(run.start, run.stop)}
        return [i not in runs for i in range(len(self.each))]


def _number(of: Any) -> float:
    return 0.0 if of is None else float(np.asarray(of).ravel()[0])
