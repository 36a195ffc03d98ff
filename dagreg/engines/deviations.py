"""Deviations of a group's levels drawn given everything else, where the likelihood is not Normal.

Given the other parameters levels are independent, and each has few deviations. For each level and draw a t
density at the maximum, with a scale of its own on either side of each axis (Geweke 1989, section 4), proposes
a few of them; independence Metropolis goes through these, so that what is left is the conditional (Tierney
1994, section 2.3.3). Its normalising constant is known by quadrature. So two checks can fail: the weights p /
q, normalised, have the mean 1 for each level, which tests quadrature by an independent estimate; and how
likely chains are to have moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dagreg.engines.marginal import Given, Marginal, Near, Peak, spread
from dagreg.engines.metropolis import stationary
from dagreg.numerics.arrays import Array, special

DEGREES = 15.0  # of freedom of the proposals
DISTANCES = np.arange(0.5, 5.5, 0.5)  # sds from the maximum, at which half widths are taken
WIDTHS = (0.7, 4.0)  # of these, in sds
PILOT, PILOT_STEPS = 64, 16  # draws, and proposals of each, that the number of proposals is told from
MOST_STEPS = 48
MIN_STEPS = 4
UNMOVED = 1e-3  # probability that a chain of the stationary distribution has never moved
CHECKED = 1_000  # draws whose weights are normalised
MAX_ERRORS = 5.5  # standard errors of a mean weight from 1
BIAS = 2e-3  # of a mean weight: what does not count


@dataclass(frozen=True, slots=True)
class Proposals:
    """Half widths up and down each axis, q x levels x 1 x 1, in the coordinates x of v = v* + C'^-1 x."""

    up: Array
    down: Array

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """x (q x levels x points x steps), and the log densities of these."""
        width = shape[0]
        up, down = self.up, self.down
        normal = rng.standard_normal(shape)
        above = rng.random(shape) * (up + down) < up
        stretch = DEGREES / rng.chisquare(DEGREES, shape[1:])
        squared = np.square(normal).sum(axis=0) * stretch
        x = np.abs(normal) * np.where(above, up, -down) * np.sqrt(stretch)
        density = -0.5 * (DEGREES + width) * np.log1p(squared / DEGREES)
        constant = special.gammaln(0.5 * (DEGREES + width)) - special.gammaln(0.5 * DEGREES)
        constant -= 0.5 * width * np.log(DEGREES * np.pi)
        return x, density + constant - np.log(0.5 * (up + down)).sum(axis=0)


def proposals_at(marginal: Marginal, given: Given, peak: Peak) -> Proposals:
    """As wide as h falls off slowly, at one point."""
    width, levels = peak.place.shape[:2]
    top = marginal.heights(given, peak.place[..., None])
    halves = []
    for side in (1.0, -1.0):
        own = np.empty((width, levels, 1, 1))
        for axis in range(width):
            x = np.zeros((width, 1, 1, len(DISTANCES)))
            x[axis] = side * DISTANCES
            at = peak.at(np.broadcast_to(x, (width, levels, 1, len(DISTANCES))))
            fall = np.maximum(top - marginal.heights(given, at), 1e-3)
            own[axis, :, :, 0] = np.clip((DISTANCES / np.sqrt(2 * fall)).max(axis=2), *WIDTHS)
        halves.append(own)
    return Proposals(*halves)


def drawn_deviations(
    marginal: Marginal,
    values: Array,
    factors: Array,
    nodes: int,
    near: Near,
    middle: Given,
    rng: np.random.Generator,
) -> Array | None:
    """u of every level at each point, points x levels x q, from the parameters and L of the points.

    None where a check fails. `middle` is one point amid them.
    """
    sampler = Sampler(marginal, proposals_at(marginal, middle, marginal.peak(middle, near)), near)
    few = slice(0, PILOT)
    weights, _, constants = sampler.proposed(values[few], factors[few], rng, PILOT_STEPS, nodes)
    weights = weights - constants
    if not np.isfinite(weights.max(axis=(1, 2))).all():
        return None
    steps = max(map(needed, weights.reshape(len(weights), -1)))
    if steps > MOST_STEPS:
        return None
    parts = [slice(0, CHECKED), slice(CHECKED, len(values))]
    checked, others = (
        sampler.drawn(values[p], factors[p], rng, steps, nodes if p.start == 0 else None) for p in parts
    )
    relative = np.exp(checked[1])
    error = relative.std(axis=(1, 2)) / np.sqrt(relative[0].size)
    if not (np.abs(relative.mean(axis=(1, 2)) - 1) < MAX_ERRORS * error + BIAS).all():
        return None
    return np.moveaxis(np.concatenate([checked[0], others[0]], axis=2), (0, 1, 2), (2, 1, 0))


@dataclass(frozen=True, slots=True)
class Sampler:
    """What deviations are drawn by."""

    marginal: Marginal
    proposals: Proposals
    near: Near

    def drawn(
        self, values: Array, factors: Array, rng: np.random.Generator, steps: int, nodes: int | None
    ) -> tuple[Array, Array]:
        """u at each point (q x levels x points) after so many proposals, and the logs of their normalised
        weights.

        Without nodes nothing is normalised.
        """
        seeds = np.random.SeedSequence(int(rng.integers(2**63))).spawn(len(values))

        def block(part: slice) -> tuple[Array, Array]:
            own = np.random.default_rng(seeds[part.start])
            weights, deviations, constants = self.proposed(values[part], factors[part], own, steps, nodes)
            last = np.take_along_axis(deviations, walked(weights, own)[None, ..., None], axis=3)[..., 0]
            return last, weights - constants

        blocks = self.marginal.in_blocks(block, len(values), steps)
        if not blocks:
            return np.empty((self.marginal.width, self.marginal.levels, 0)), np.empty(
                (self.marginal.levels, 0, steps)
            )
        return np.concatenate([b[0] for b in blocks], axis=2), np.concatenate([b[1] for b in blocks], axis=1)

    def proposed(
        self, values: Array, factors: Array, rng: np.random.Generator, steps: int, nodes: int | None
    ) -> tuple[Array, Array, Array | float]:
        """Logs of weights (levels x points x steps), deviations u (q in front), and logs of the weights'
        constants.
        """
        marginal = self.marginal
        given = marginal.given(values, factors)
        peak = marginal.peak(given, self.near)
        x, density = self.proposals.draw(rng, (marginal.width, marginal.levels, len(values), steps))
        at = peak.at(x)
        density = density - peak.log_scale[..., None] + 0.5 * marginal.width * np.log(2 * np.pi)
        weights = marginal.heights(given, at) - density
        constants = 0.0 if nodes is None else marginal.integrals(given, peak, nodes)[..., None]
        flat = at.reshape(marginal.width, marginal.levels, -1)
        return weights, spread(np.repeat(given.root, steps, axis=2), flat).reshape(at.shape), constants


def walked(weights: Array, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Where chains through the proposals end: the place of a proposal, for each level and point."""
    levels, points, steps = weights.shape
    at, here = np.zeros((levels, points), dtype=np.int64), weights[..., 0].copy()
    logs = np.log(rng.random((levels, points, steps)))
    for step in range(1, steps):
        moves = logs[..., step] < weights[..., step] - here
        at[moves], here = step, np.where(moves, weights[..., step], here)
    return at


def needed(weights: Array) -> int:
    """Of one level: so many steps that all but `UNMOVED` of the chains have moved; too many where none are
    enough.
    """
    share, staying = stationary(weights)
    return next(
        (n for n in range(MIN_STEPS, MOST_STEPS + 1) if share @ staying ** (n - 1) < UNMOVED), MOST_STEPS + 1
    )
