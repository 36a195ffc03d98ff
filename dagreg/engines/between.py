"""The sds and correlations of coefficients that vary between groups: their coordinates, prior, and draws.

The free coordinates are, for each group, arsinh(sd / c) of its sds, then the inverse hyperbolic tangents of
its canonical partial correlations (Lewandowski, Kurowicka and Joe 2009), row by row. An sd far above c, which
is about what the rows resolve, moves as its log does; near 0 its density is smooth and the same on both
sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dagreg.model.densities import log_density
from dagreg.model.equation import Equation
from dagreg.model.terms import Varying
from dagreg.numerics.arrays import Array


@dataclass(frozen=True, slots=True)
class Between:
    """The free coordinates of the covariances between the levels of each group."""

    groups: tuple[Varying, ...]
    units: tuple[Array, ...]  # c of each group's sds

    @property
    def folded(self) -> tuple[int, ...]:
        """The places of the sds, for which a point and its mirror image are one."""
        places: list[int] = []
        at = 0
        for varying in self.groups:
            size = len(varying.deviations)
            places += range(at, at + size)
            at += size * (size + 1) // 2
        return tuple(places)

    @property
    def size(self) -> int:
        return sum(len(v.deviations) * (len(v.deviations) + 1) // 2 for v in self.groups)

    def factors(self, points: Array) -> tuple[tuple[Array, ...], Array]:
        """The covariances' Cholesky factors (points x q x q) at each point, and the log prior of the
        coordinates.
        """
        at, factors, prior = 0, [], np.zeros(len(points))
        for varying, unit in zip(self.groups, self.units, strict=True):
            size = len(varying.deviations)
            free = np.abs(points[:, at : at + size])
            sds = np.maximum(unit * np.sinh(free), 1e-300)
            prior = prior + np.log(np.cosh(free)).sum(axis=1)
            for i, deviation in enumerate(varying.deviations):
                prior = prior + log_density(deviation.prior, sds[:, i])
            at += size
            count = size * (size - 1) // 2
            root, correlations = correlated(points[:, at : at + count], size, varying.concentration)
            at += count
            factors.append(sds[:, :, None] * root)
            prior = prior + correlations
        return tuple(factors), prior

    def logarithms(self, points: Array) -> Array:
        """The entries of log(I + S) at each point, for each group's covariance S in its units.

        They are smooth in the covariance, at 0 too, and linear in the logarithm of a large one.
        """
        found = []
        for factor, unit in zip(self.factors(points)[0], self.units, strict=True):
            scaled = factor / unit[:, None]
            values, vectors = np.linalg.eigh(scaled @ np.swapaxes(scaled, 1, 2))
            logs = np.log1p(np.maximum(values, 0.0))
            whole = (vectors * logs[:, None, :]) @ np.swapaxes(vectors, 1, 2)
            rows, columns = np.tril_indices(len(unit))
            found.append(whole[:, rows, columns])
        return np.hstack(found)


def correlated(free: Array, size: int, concentration: float) -> tuple[Array, Array]:
    """The Cholesky factors of correlation matrices, and the log of their LKJ prior in these coordinates."""
    root = np.zeros((len(free), size, size))
    root[:, 0, 0] = 1.0
    log_prior = np.zeros(len(free))
    at = 0
    for i in range(1, size):
        left = np.ones(len(free))  # of the row's squares
        for j in range(i):
            partial = np.tanh(free[:, at])
            root[:, i, j] = partial * np.sqrt(left)
            log_prior += np.log1p(-np.square(partial)) + 0.5 * np.log(left)
            left = left * (1 - np.square(partial))
            at += 1
        root[:, i, i] = np.sqrt(left)
        log_prior += (size - 1 - i + 2 * (concentration - 1)) * 0.5 * np.log(left)
    return root, log_prior


def group_draws(
    varying: Varying, factor: Array, deviations: Array, shape: tuple[int, int]
) -> dict[str, Array]:
    """The draws of a group's parameters, by their symbols."""
    sds = np.sqrt(np.square(factor).sum(axis=2))
    if not varying.correlated:
        return {
            varying.symbol: deviations[..., 0].reshape(*shape, -1),
            varying.scale: sds[:, 0].reshape(shape),
        }
    root = factor / sds[:, :, None]
    correlation = root @ np.swapaxes(root, 1, 2)
    inside = np.arange(len(varying.deviations))
    correlation[:, inside, inside] = 1.0
    symbol, stds, correlations = varying.parameters
    size = len(varying.deviations)
    return {
        symbol: deviations.reshape(*shape, *deviations.shape[1:]),
        stds: sds.reshape(*shape, size),
        correlations: correlation.reshape(*shape, size, size),
    }


def own_columns(equation: Equation, varying: Varying, columns: Array) -> Array:
    """The columns whose coefficients vary between a group's levels, rows x deviations."""
    starts, at = {}, int(equation.has_intercept)
    for term in equation.terms:
        starts[term.name] = at
        at += len(term.columns)
    one = np.ones(len(columns))
    return np.column_stack(
        [one if d.term is None else columns[:, starts[d.term] + d.column] for d in varying.deviations]
    )
