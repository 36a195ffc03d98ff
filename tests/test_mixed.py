"""Gaussian mixed models without a compiler: densities by brute force, draws by simulation-based calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from dagreg.engines import mixed
from dagreg.engines.mixed import Theta, correlated
from dagreg.model.types import Deviation, PriorChoice, Varying
from dagreg.numerics import mixed as numeric
from dagreg.numerics.importance import StudentT, independent_draws, mode, pareto_smoothed
from dagreg.numerics.mixed import CrossProducts, Spread, System, cross_products

EXACT = 1e-9


class World:
    """Rows with groups, and all matrices of the model written out."""

    def __init__(self, seed: int, sizes: tuple[tuple[int, int], ...], rows: int, *, nested: bool = False) -> None:
        self.rng = rng = np.random.default_rng(seed)
        x = rng.normal(size=rows)
        self.columns = np.column_stack([np.ones(rows), x, rng.normal(size=rows)])
        self.units = rng.integers(1, 4, rows).astype(float)
        self.groups = []
        for levels, width in sizes:
            level = rng.integers(0, levels, rows)
            if nested and self.groups:
                inner, count, _ = self.groups[0]
                level = np.arange(count)[inner] % levels
            self.groups.append((level, levels, self.columns[:, :width]))
        self.response = 40 + rng.normal(size=rows) * 2 + 3 * x + rng.normal(size=sizes[0][0])[self.groups[0][0]]
        self.mean, self.precision = np.array([35.0, 1.0, 0.0]), np.array([0.01, 0.25, 0.0])

    @property
    def rows(self) -> CrossProducts:
        return cross_products(self.columns, self.response, self.units, self.groups)

    @property
    def system(self) -> System:
        return System(self.rows, self.mean, self.precision)

    def spread(self, points: int) -> Spread:
        """Random points; at the first of them all sds are 0."""
        factors = []
        for _, _, own in self.groups:
            factor = np.tril(self.rng.normal(size=(points, own.shape[1], own.shape[1])))
            inside = np.arange(own.shape[1])
            factor[:, inside, inside] = np.abs(factor[:, inside, inside])
            factor[0] = 0.0
            factors.append(factor)
        return Spread(np.exp(self.rng.normal(size=points)), tuple(factors))

    def design(self) -> np.ndarray:
        """Every deviation's column, level by level, then the coefficients'."""
        blocks = [
            (own[:, None, :] * (level[:, None] == np.arange(levels))[:, :, None]).reshape(len(level), -1)
            for level, levels, own in self.groups
        ]
        return np.hstack([*blocks, self.columns])

    def precisions(self, at: Spread, point: int) -> np.ndarray:
        """Of all unknowns, a priori."""
        blocks = []
        for (_, levels, _), factor in zip(self.groups, at.factors, strict=True):
            blocks += [np.linalg.inv(factor[point] @ factor[point].T)] * levels
        blocks.append(np.diag(self.precision))
        size = sum(len(b) for b in blocks)
        whole, i = np.zeros((size, size)), 0
        for block in blocks:
            whole[i : i + len(block), i : i + len(block)] = block
            i += len(block)
        return whole

    def log_likelihood(self, at: Spread, point: int, flat: float = 1e-6) -> float:
        """The multivariate Normal density of the rows, each as often as its weight says."""
        times = self.units.astype(int)
        design = np.repeat(self.design(), times, axis=0)
        response = np.repeat(self.response, times)
        covariance = at.sigma[point] ** 2 * np.eye(len(response))
        column = 0
        for (_, levels, own), factor in zip(self.groups, at.factors, strict=True):
            block = np.kron(np.eye(levels), factor[point] @ factor[point].T)
            z = design[:, column : column + levels * own.shape[1]]
            covariance += z @ block @ z.T
            column += levels * own.shape[1]
        x, held = design[:, column:], self.precision > 0
        covariance += x[:, held] @ np.diag(1 / self.precision[held]) @ x[:, held].T
        left = response - x[:, held] @ self.mean[held]
        root = np.linalg.cholesky(covariance)
        y, free = np.linalg.solve(root, left), np.linalg.solve(root, x[:, ~held])
        reduced = np.linalg.cholesky(free.T @ free)  # flat coefficients are integrated out
        told = np.linalg.solve(reduced, free.T @ y)
        size = np.log(np.diag(root)).sum() + np.log(np.diag(reduced)).sum()
        return float(-size - 0.5 * (y @ y - told @ told))


WORLDS: dict[str, dict[str, Any]] = {
    "intercepts": {"sizes": ((7, 1),), "rows": 40},
    "intercepts and slopes": {"sizes": ((6, 2),), "rows": 40},
    "three that vary": {"sizes": ((5, 3),), "rows": 60},
    "crossed": {"sizes": ((6, 1), (4, 1)), "rows": 50},
    "crossed with slopes": {"sizes": ((4, 2), (7, 2)), "rows": 50},
    "three groups": {"sizes": ((6, 1), (4, 2), (3, 1)), "rows": 50},
    "nested": {"sizes": ((9, 2), (3, 1)), "rows": 50, "nested": True},
    "levels without rows": {"sizes": ((60, 2), (3, 1)), "rows": 50},
}


@pytest.mark.parametrize("limits", ["dense", "one by one", "sparse", "sparse, one by one"])
@pytest.mark.parametrize("name", WORLDS)
def test_the_density_is_that_of_a_multivariate_normal(name: str, limits: str, monkeypatch: Any) -> None:
    """Also where tables are sparse or made anew at every point, as they are for many levels."""
    world = World(3, **WORLDS[name])
    if limits == "one by one":
        monkeypatch.setattr(numeric.System, "table", property(lambda self: None))
    if limits.startswith("sparse"):
        monkeypatch.setattr(numeric, "DENSE_LEVELS", 0)
    if limits == "sparse, one by one":
        monkeypatch.setattr(numeric, "MAX_PAIRS", 0)
    at = world.spread(6)
    ours = world.system.log_likelihood(at)
    plain = np.array([world.log_likelihood(at, i) for i in range(6)])
    assert np.ptp(plain) > 5
    assert np.ptp(ours - plain) < EXACT * np.abs(plain).max()


@pytest.mark.parametrize("limits", ["batched", "alone", "sparse"])
@pytest.mark.parametrize("name", WORLDS)
def test_draws_have_the_normals_mean_and_covariance(name: str, limits: str, monkeypatch: Any) -> None:
    """Draws are linear in the noise, so that noise of 0 gives the mean, and unit vectors the covariance."""
    world = World(4, **WORLDS[name])
    if limits != "batched":
        monkeypatch.setattr(numeric, "BATCHED", 0)
    if limits == "sparse":
        monkeypatch.setattr(numeric, "DENSE_LEVELS", 0)
    at = world.spread(2)[slice(1, 2)]
    weighed = world.design() * world.units[:, None]
    precision = weighed.T @ world.design() / at.sigma[0] ** 2 + world.precisions(at, 0)
    size, p = len(precision), len(world.mean)
    right = weighed.T @ world.response / at.sigma[0] ** 2
    right[-p:] += world.precision * world.mean
    system = world.system
    repeated = Spread(np.repeat(at.sigma, size + 1), tuple(np.repeat(f, size + 1, axis=0) for f in at.factors))
    coefficients, deviations = system.draws(repeated, Unit(size))  # type: ignore[arg-type]  # noise that is known
    drawn = np.hstack([*(d.reshape(size + 1, -1) for d in deviations), coefficients])
    mean, root = drawn[0], drawn[1:] - drawn[0]
    covariance = np.linalg.inv(precision)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(mean / scale, covariance @ right / scale, atol=1e-7)
    np.testing.assert_allclose(root.T @ root / np.outer(scale, scale), covariance / np.outer(scale, scale), atol=1e-8)


class Unit:
    """Noise of nothing at the first point, and of one unit vector after the other at the next."""

    def __init__(self, size: int) -> None:
        self.noise, self.at = np.vstack([np.zeros(size), np.eye(size)]), 0

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        width = int(np.prod(shape[1:]))
        found = self.noise[:, self.at : self.at + width]
        self.at += width
        return found.reshape(shape)
