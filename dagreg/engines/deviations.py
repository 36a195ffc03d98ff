"""Deviations of a group's levels drawn given everything else, where the likelihood is not Normal.

Given the other parameters levels are independent, and each has few deviations. For each level and draw a t density
at the maximum, with a scale of its own on either side of each axis (Geweke 1989, section 4), proposes a few of
them; independence Metropolis goes through these, so that what is left is the conditional (Tierney 1994, section
2.3.3). Its normalising constant is known by quadrature. So two checks can fail: the weights p / q, normalised, have
the mean 1 for each level, which tests quadrature by an independent estimate; and how likely chains are to have moved.
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
    proposals = proposals_at(marginal, middle, marginal.peak(middle, near))
    few = slice(0, PILOT)
    weights, _ = proposed(marginal, proposals, values[few], factors[few], nodes, near, rng, PILOT_STEPS)
    if not np.isfinite(weights.max(axis=(1, 2))).all():
        return None
    steps = max(map(needed, weights.reshape(len(weights), -1)))
    if steps > MOST_STEPS:
        return None
    seeds = np.random.SeedSequence(int(rng.integers(2**63))).spawn(len(values))

    def block(part: slice) -> tuple[Array, Array, Array]:
        own = np.random.default_rng(seeds[part.start])
        weights, deviations = proposed(marginal, proposals, values[part], factors[part], nodes, near, own, steps)
        last = np.take_along_axis(deviations, walked(weights, own)[None, ..., None], axis=3)[..., 0]
        relative = np.exp(weights)
        return last, relative.sum(axis=(1, 2)), np.square(relative - 1).sum(axis=(1, 2))

    blocks = marginal.in_blocks(block, len(values), steps)
    count = len(values) * steps
    mean = sum(b[1] for b in blocks) / count
    error = np.sqrt(sum(b[2] for b in blocks)) / count
    if not (np.abs(mean - 1) < MAX_ERRORS * error + BIAS).all():
        return None
    return np.moveaxis(np.concatenate([b[0] for b in blocks], axis=2), (0, 1, 2), (2, 1, 0))


def proposed(
    marginal: Marginal,
    proposals: Proposals,
    values: Array,
    factors: Array,
    nodes: int,
    near: Near,
    rng: np.random.Generator,
    steps: int,
) -> tuple[Array, Array]:
    """Logs of normalised weights, levels x points x steps, and deviations u, q x levels x points x steps."""
    given = marginal.given(values, factors)
    peak = marginal.peak(given, near)
    x, density = proposals.draw(rng, (marginal.width, marginal.levels, len(values), steps))
    at = peak.at(x)
    density = density - peak.log_scale[..., None] + 0.5 * marginal.width * np.log(2 * np.pi)
    weights = marginal.heights(given, at) - density - marginal.integrals(given, peak, nodes)[..., None]
    flat = at.reshape(marginal.width, marginal.levels, -1)
    return weights, spread(np.repeat(given.root, steps, axis=2), flat).reshape(at.shape)


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
    """Of one level: so many steps that all but `UNMOVED` of the chains have moved; too many where none are enough."""
    share, staying = stationary(weights)
    return next((n for n in range(MIN_STEPS, MOST_STEPS + 1) if share @ staying ** (n - 1) < UNMOVED), MOST_STEPS + 1)
