"""Deviations of a group's levels drawn given everything else, where the likelihood is not Normal.

Given the other parameters levels are independent, and each has few deviations. For each level and draw a t
density at the maximum, with a scale of its own on either side of each axis (Geweke 1989, section 4), proposes
a few of them; independence Metropolis goes through these, so that what is left is the conditional (Tierney
1994, section 2.3.3). For most draws the maximum is not looked for: a polynomial of the parameters tells about
where it is, since any proposals leave the conditional as it is.

The conditional's normalising constant is known by quadrature. So two checks can fail: the weights p / q,
normalised, have the mean 1 for each level, which tests quadrature by an independent estimate; and how likely
chains are to have moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dagreg.engines.marginal import Given, Marginal, Near, Peak, spread
from dagreg.engines.metropolis import stationary
from dagreg.numerics.arrays import Array, special
from dagreg.numerics.surrogate import least_squares

DEGREES = 15.0  # of freedom of the proposals
DISTANCES = np.arange(0.5, 5.5, 0.5)  # sds from the maximum, at which half widths are taken
WIDTHS = (0.7, 4.0)  # of these, in sds
PILOT, PILOT_STEPS = 64, 16  # draws, and proposals of each, that the number of proposals is told from
MOST_STEPS = 48
MIN_STEPS = 4
UNMOVED = 1e-3  # probability that a chain of the stationary distribution has never moved
CHECKED = 500  # draws whose weights are normalised
MIN_PER_COEFFICIENT = 1.5  # draws for each coefficient of a polynomial that tells maxima
MAX_PROPOSALS_RATIO = 1.5  # proposals about maxima that are told, for each about one that is looked for
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
    standard: Array,
    nodes: int,
    near: Near,
    middle: Given,
    rng: np.random.Generator,
) -> Array | None:
    """u of every level at each point, points x levels x q, from the parameters and L of the points.

    None where a check fails. `middle` is one point amid them; `standard` are the points in coordinates in
    which they are about standard Normal.
    """
    sampler = Sampler(marginal, proposals_at(marginal, middle, marginal.peak(middle, near)), near)
    few = slice(0, PILOT)
    given = marginal.given(values[few], factors[few])
    peak = marginal.peak(given, near)
    constants = marginal.integrals(given, peak, nodes)[..., None]
    steps = sampler.steps(given, peak, constants, rng)
    if steps > MOST_STEPS:
        return None
    drawn = [sampler.drawn(values[:CHECKED], factors[:CHECKED], rng, steps, nodes=nodes)]
    relative = np.exp(drawn[0].weights)
    error = relative.std(axis=(1, 2)) / np.sqrt(relative[0].size)
    if not (np.abs(relative.mean(axis=(1, 2)) - 1) < MAX_ERRORS * error + BIAS).all():
        return None
    if len(values) > CHECKED:
        peaks = told(standard, slice(PILOT, CHECKED), drawn[0].peaks.part(slice(PILOT, None)))
        again = steps if peaks is None else sampler.steps(given, peaks.part(few), constants, rng)
        if again > MAX_PROPOSALS_RATIO * steps:
            peaks, again = None, steps
        rest = slice(CHECKED, len(values))
        told_there = None if peaks is None else peaks.part(rest)
        drawn.append(sampler.drawn(values[rest], factors[rest], rng, again, peaks=told_there))
    return np.moveaxis(np.concatenate([d.deviations for d in drawn], axis=2), (0, 1, 2), (2, 1, 0))


def told(standard: Array, some: slice, peaks: Peak) -> Peak | None:
    """Maxima and curvatures at all points, from those at some, by polynomials of the second degree.

    Proposals need not lie at a maximum for Metropolis to leave the conditional as it is; how far they are off
    decides only how often chains move. None where there are too few points to tell.
    """
    left, right = np.triu_indices(standard.shape[1] + 1)
    first = np.hstack([np.ones((len(standard), 1)), standard])
    basis = first[:, left] * first[:, right]
    if len(basis[some]) < MIN_PER_COEFFICIENT * basis.shape[1]:
        return None
    width, levels, points = peaks.place.shape
    inside = np.arange(width)
    root = peaks.root.copy()
    root[inside, inside] = np.log(root[inside, inside])
    table = np.concatenate([peaks.place.reshape(-1, points), root.reshape(-1, points)])
    found = (basis @ least_squares(basis[some], table.T)).T
    ends = width * levels
    root = found[ends:].reshape(width, width, levels, -1)
    root[inside, inside] = np.exp(root[inside, inside])
    return Peak(found[:ends].reshape(width, levels, -1), root)


@dataclass(frozen=True, slots=True)
class Drawn:
    """u (q x levels x points), the logs of its proposals' weights (levels x points x steps), and their
    peaks.
    """

    deviations: Array
    weights: Array
    peaks: Peak


@dataclass(frozen=True, slots=True)
class Sampler:
    """What deviations are drawn by."""

    marginal: Marginal
    proposals: Proposals
    near: Near

    def steps(self, given: Given, peak: Peak, constants: Array, rng: np.random.Generator) -> int:
        """How many proposals are needed, as pilots tell; too many where their weights are no numbers."""
        weights, _ = self.proposed(given, peak, rng, PILOT_STEPS)
        weights = weights - constants
        if not np.isfinite(weights.max(axis=(1, 2))).all():
            return MOST_STEPS + 1
        return max(map(needed, weights.reshape(len(weights), -1)))

    def drawn(
        self,
        values: Array,
        factors: Array,
        rng: np.random.Generator,
        steps: int,
        *,
        nodes: int | None = None,
        peaks: Peak | None = None,
    ) -> Drawn:
        """Deviations at each point after so many proposals about the maxima, or about the peaks given.

        With nodes weights are normalised.
        """
        seeds = np.random.SeedSequence(int(rng.integers(2**63))).spawn(len(values))

        def block(part: slice) -> Drawn:
            own = np.random.default_rng(seeds[part.start])
            given = self.marginal.given(values[part], factors[part])
            peak = self.marginal.peak(given, self.near) if peaks is None else peaks.part(part)
            weights, deviations = self.proposed(given, peak, own, steps)
            last = np.take_along_axis(deviations, walked(weights, own)[None, ..., None], axis=3)[..., 0]
            if nodes is not None:
                weights = weights - self.marginal.integrals(given, peak, nodes)[..., None]
            return Drawn(last, weights, peak)

        blocks = self.marginal.in_blocks(block, len(values), steps)
        return Drawn(
            np.concatenate([b.deviations for b in blocks], axis=2),
            np.concatenate([b.weights for b in blocks], axis=1),
            Peak(
                np.concatenate([b.peaks.place for b in blocks], axis=2),
                np.concatenate([b.peaks.root for b in blocks], axis=3),
            ),
        )

    def proposed(self, given: Given, peak: Peak, rng: np.random.Generator, steps: int) -> tuple[Array, Array]:
        """Logs of weights (levels x points x steps), and deviations u (q in front)."""
        marginal = self.marginal
        x, density = self.proposals.draw(rng, (marginal.width, marginal.levels, given.points, steps))
        at = peak.at(x)
        density = density - peak.log_scale[..., None] + 0.5 * marginal.width * np.log(2 * np.pi)
        weights = marginal.heights(given, at) - density
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
    """Of one level: so many steps that all but `UNMOVED` of the chains have moved; too many where none are
    enough.
    """
    share, staying = stationary(weights)
    return next(
        (n for n in range(MIN_STEPS, MOST_STEPS + 1) if share @ staying ** (n - 1) < UNMOVED), MOST_STEPS + 1
    )
