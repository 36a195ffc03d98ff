"""Gaussian mixed models without a compiler: densities by brute force, draws by simulation-based
calibration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dagreg import pipeline
from dagreg.emit.naming import names_of
from dagreg.engines import between, mixed
from dagreg.engines.mixed import Theta, draw_mixed
from dagreg.model.densities import log_density
from dagreg.model.terms import Deviation, PriorChoice, Varying
from dagreg.numerics import mixed as numeric
from dagreg.numerics.importance import StudentT, independent_draws, mode
from dagreg.numerics.mixed import CrossProducts, Spread, System, cross_products
from dagreg.numerics.pareto import pareto_smoothed
from dagreg.numerics.surrogate import least_squares, polynomial
from dagreg.spec.load import load
from dagreg.spec.types import Sampling
from tests.optimising import Optimised, optimised

EXACT = 1e-9
ALONE = "nodes: {x: continuous, g: group, y: continuous}\nedges: ['x, g -> y']\neffect: x -> y\n"


class World:
    """Rows with groups, and all matrices of the model written out."""

    def __init__(
        self, seed: int, sizes: tuple[tuple[int, int], ...], rows: int, *, nested: bool = False
    ) -> None:
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
        self.response = (
            40 + rng.normal(size=rows) * 2 + 3 * x + rng.normal(size=sizes[0][0])[self.groups[0][0]]
        )
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
    repeated = Spread(
        np.repeat(at.sigma, size + 1), tuple(np.repeat(f, size + 1, axis=0) for f in at.factors)
    )
    coefficients, deviations = system.draws(repeated, Unit(size))  # type: ignore[arg-type]  # noise that is known
    drawn = np.hstack([*(d.reshape(size + 1, -1) for d in deviations), coefficients])
    mean, root = drawn[0], drawn[1:] - drawn[0]
    covariance = np.linalg.inv(precision)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(mean / scale, covariance @ right / scale, atol=1e-7)
    np.testing.assert_allclose(
        root.T @ root / np.outer(scale, scale), covariance / np.outer(scale, scale), atol=1e-8
    )


class Unit:
    """Noise of nothing at the first point, and of one unit vector after the other at the next."""

    def __init__(self, size: int) -> None:
        self.noise, self.at = np.vstack([np.zeros(size), np.eye(size)]), 0

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        width = int(np.prod(shape[1:]))
        found = self.noise[:, self.at : self.at + width]
        self.at += width
        return found.reshape(shape)


# ------------------------------------------------------------ the parameters that are left


def group(width: int, concentration: float = 2.0) -> Varying:
    prior = PriorChoice("HalfNormal", (1.5,), given=True)
    deviations = tuple(Deviation(f"d{i}", prior) for i in range(width))
    return Varying("g", deviations, "by", "sd", (0, 1), "adjustment", "", False, concentration)


@pytest.mark.parametrize(("width", "concentration"), [(2, 1.0), (2, 3.0), (3, 2.0), (4, 1.5)])
def test_the_prior_of_a_covariance_is_that_of_the_program(width: int, concentration: float) -> None:
    """PyMC's density of the Cholesky factor, moved to these coordinates by a Jacobian of differences."""
    import pymc as pm
    import pytensor

    theta = Theta(
        (group(width, concentration),), PriorChoice("Exponential", (1.0,), given=True), (np.full(width, 0.7),)
    )
    points = np.random.default_rng(width).normal(size=(5, theta.size))
    points[:, -1] = 0.0  # sigma has its own prior
    points[:, theta.folded] = np.abs(points[:, theta.folded])
    lower = np.tril_indices(width)

    def packed(at: np.ndarray) -> np.ndarray:
        return theta.spread(at)[0].factors[0][:, *lower]

    with pm.Model() as model, pytensor.config.change_flags(mode="FAST_COMPILE"):
        pm.LKJCholeskyCov(
            "c",
            n=width,
            eta=concentration,
            sd_dist=pm.HalfNormal.dist(np.full(width, 1.5)),
            compute_corr=False,
        )
        (value,) = model.value_vars
        density = model.compile_fn(model.logp(jacobian=False), inputs=[value])
        places = np.cumsum(np.arange(1, width + 1)) - 1  # PyMC keeps the logs of the diagonal
        step, theirs = 1e-5, []
        for point in points:
            free = np.eye(theta.size - 1, theta.size) * step
            jacobian = (packed(point + free) - packed(point - free)) / (2 * step)
            at = packed(point[None])[0]
            at[places] = np.log(at[places])
            theirs.append(float(density({value.name: at})) + np.linalg.slogdet(jacobian)[1])
    ours = theta.spread(points)[1]
    assert np.ptp(theirs) > 1
    np.testing.assert_allclose(ours - ours[0], np.array(theirs) - theirs[0], atol=1e-6)


SPEC = """
nodes: {{x: continuous, y: {type}, g: group{more}}}
edges: [x -> y, g -> y{edges}]
effect: x -> y
regressions:
  y: {{{said}priors: {{intercept: 'Normal(1, 2)', x: 'Normal(0.3, 1)', sigma: 'Exponential(1)'{priors}}}}}
"""


def model_of(data: dict[str, Any], **parts: str) -> Optimised:
    given = {"type": "continuous", "more": "", "edges": "", "said": "", "priors": ""} | parts
    return optimised(SPEC.format(**given), data=data)


def rows_of(seed: int, rows: int = 60, levels: int = 8, others: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(2, 1, rows),
        "g": rng.integers(0, levels, rows),
        "h": rng.integers(0, others, rows),
        "y": np.exp(rng.normal(0, 0.5, rows)),
    }


CROSSED = {"more": ", h: group", "edges": ", h -> y"}
PROGRAMS = {
    "intercepts": {},
    "crossed": CROSSED,
    "a slope": {"said": "varying: {g: [x]}, "},
    "the log": {"type": "{type: positive, family: lognormal}"},
    "other priors": {"priors": ", g: 'Gamma(2, 3)'"},
    "flat": {"priors": ", slopes: Flat"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_density_is_the_programs_with_deviations_integrated_out(name: str) -> None:
    """p(theta | y) = p(theta, b, u | y) / p(b, u | theta, y), whatever b and u: the program has the
    numerator.
    """
    case = model_of(rows_of(2), **PROGRAMS[name])
    (piece,) = case.pieces
    assert piece.engines[0] == "mixed", piece.notes
    equation, rng = piece.equation, np.random.default_rng(1)
    rows = mixed.cross_products_of(piece.model, equation, case.table(piece))
    system, theta = mixed.system_of(equation, rows), mixed.theta_of(equation, rows)
    points = 0.4 * rng.normal(size=(5, theta.size))
    at, _ = theta.spread(points)
    coefficients, deviations = system.draws(at, rng)
    theirs = emitted(case, points, at, coefficients, deviations)
    given = np.array(
        [conditional(system, at, i, coefficients[i], [d[i] for d in deviations]) for i in range(5)]
    )
    to_logs = np.log(np.tanh(np.abs(points[:, theta.folded]))).sum(axis=1)
    ours = mixed.target_of(theta, system)(points) + to_logs
    assert np.ptp(theirs) > 1
    assert np.ptp(ours + given - theirs) < 1e-8 * np.abs(theirs).max()


def emitted(
    case: Optimised, points: np.ndarray, at: Spread, coefficients: np.ndarray, deviations: list[np.ndarray]
) -> np.ndarray:
    """The log density of the program, in the logs of sds and sigma, and in the deviations themselves."""
    import pytensor

    equation, names = case.pieces[0].equation, names_of(case.model)
    built = case.readable.build(case.model.builder, case.rows)
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        density = built.compile_fn(
            built.logp(jacobian=True), inputs=built.value_vars, on_unused_input="ignore"
        )
    found = []
    for i in range(len(points)):
        point: dict[str, Any] = dict(zip(equation.coefficient_symbols, coefficients[i], strict=True))
        more = 0.0
        for varying, factor, own in zip(equation.varying, at.factors, deviations, strict=True):
            sd = factor[i, 0, 0]
            point[f"{varying.scale}_log__"] = np.log(sd)
            mean = 0.0
            if varying.centred:
                mean = coefficients[i, 0 if varying.deviations[0].term is None else 1]
            point[names.group(varying).raw] = own[i, :, 0] + mean if varying.centred else own[i, :, 0] / sd
            more -= 0.0 if varying.centred else len(own[i]) * np.log(sd)
        point[f"{equation.auxiliaries[0].symbol}_log__"] = np.log(at.sigma[i])
        found.append(float(density({v.name: np.asarray(point[v.name]) for v in built.value_vars})) + more)
    return np.array(found)


def conditional(
    system: System, at: Spread, i: int, coefficients: np.ndarray, deviations: list[np.ndarray]
) -> float:
    """The log density of coefficients and deviations given theta, from their whole precision matrix."""
    rows, p = system.rows, len(coefficients)
    sizes = [g.levels for g in rows.groups]
    starts = np.cumsum([0, *sizes])
    whole = np.zeros((starts[-1] + p, starts[-1] + p))
    right = np.zeros(len(whole))
    whole[starts[-1] :, starts[-1] :] = rows.total[:p, :p]
    right[starts[-1] :] = rows.total[:p, -1]
    for k, g in enumerate(rows.groups):
        part = slice(starts[k], starts[k + 1])
        whole[part, part] = np.diag(g.own[:, 0, 0])
        whole[part, starts[-1] :], whole[starts[-1] :, part] = g.others[:, 0, :p], g.others[:, 0, :p].T
        right[part] = g.others[:, 0, -1]
    for (k, other), pairs in rows.crossed.items():
        whole[starts[k] + pairs.left, starts[other] + pairs.right] = pairs.products[:, 0, 0]
        whole[starts[other] + pairs.right, starts[k] + pairs.left] = pairs.products[:, 0, 0]
    held = [np.full(n, 1 / f[i, 0, 0] ** 2) for n, f in zip(sizes, at.factors, strict=True)]
    whole = whole / at.sigma[i] ** 2 + np.diag(np.concatenate([*held, system.precision]))
    right = right / at.sigma[i] ** 2
    right[starts[-1] :] += system.precision * (system.mean - rows.start)
    point = np.concatenate([*(d[:, 0] for d in deviations), coefficients - rows.start])
    apart = point - np.linalg.solve(whole, right)
    return float(0.5 * np.linalg.slogdet(whole)[1] - 0.5 * apart @ whole @ apart)


# ------------------------------------------------------------ draws


SIMULATIONS, RANKS = 200, 99
CALIBRATED = {
    "intercepts": {"priors": ", g: 'HalfNormal(1)'"},
    "intercepts and slopes": {"said": "varying: {g: [intercept, x]}, ", "priors": ", g: 'HalfNormal(1)'"},
    "crossed": CROSSED | {"priors": ", g: 'HalfNormal(1)', h: 'Exponential(2)'"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALIBRATED)
def test_draws_are_calibrated(name: str) -> None:
    """Ranks of parameters drawn from their prior among draws of their posterior are uniform (Talts et al.

    2018).
    """
    least = calibration(CALIBRATED[name], rows_of(5))
    assert min(least.values()) > 1e-4, least


@pytest.mark.slow
def test_draws_by_a_polynomial_are_calibrated(monkeypatch: Any) -> None:
    """As for many levels, where the density takes long to evaluate."""
    monkeypatch.setattr(mixed, "MAX_WORK", 0.0)
    least = calibration(CALIBRATED["crossed"], rows_of(5, 900, 60, 40))
    assert min(least.values()) > 1e-4, least


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["levels", "coefficients", "priors"])
def test_calibration_catches_a_bug(bug: str, monkeypatch: Any) -> None:
    """Deviations or coefficients drawn too close to 0; priors of sds that are too narrow."""
    if bug == "levels":
        levels = System._levels
        monkeypatch.setattr(System, "_levels", lambda self, at, rest, rng: 0.5 * levels(self, at, rest, rng))
    if bug == "coefficients":
        rest = System._rest
        monkeypatch.setattr(System, "_rest", lambda self, at, rng: 0.5 * rest(self, at, rng))
    if bug == "priors":
        monkeypatch.setattr(mixed, "log_density", lambda prior, x: 9 * log_density(prior, x))
    assert min(calibration(CALIBRATED["intercepts"], rows_of(5)).values()) < 1e-5


def calibration(parts: dict[str, str], data: dict[str, Any]) -> dict[str, float]:
    """The p-value of uniform ranks, by parameter."""
    case = model_of(data, **parts)
    (piece,) = case.pieces
    equation, rng = piece.equation, np.random.default_rng(17)
    blank = mixed.cross_products_of(piece.model, equation, data | {"y": np.zeros(len(data["x"]))})
    theta = mixed.theta_of(equation, blank)
    columns = np.column_stack([np.ones(len(data["x"])), data["x"]])  # the intercept's prior is that at x = 0
    ranks: dict[str, list[int]] = {}
    for _ in range(SIMULATIONS):
        true = from_prior(equation, rng)
        y = columns @ true["coefficients"] + true["sigma"] * rng.normal(size=len(columns))
        for varying in equation.varying:
            own = between.own_columns(equation, varying, columns)
            level = np.array([varying.levels.index(g) for g in data[varying.group]])
            y = y + (own * true[varying.group][level]).sum(axis=1)
        rows = mixed.cross_products_of(piece.model, equation, data | {"y": y})
        assert rows.units == blank.units
        drawn = mixed.posterior_draws(equation, rows, RANKS, rng)
        if drawn is None:
            ranks.setdefault("given up", []).append(0)
            continue
        at, coefficients, deviations = drawn
        seen = {"intercept": coefficients[:, 0], "x": coefficients[:, 1], "sigma": at.sigma}
        known = {"intercept": true["coefficients"][0], "x": true["coefficients"][1], "sigma": true["sigma"]}
        for varying, factor, own in zip(equation.varying, at.factors, deviations, strict=True):
            seen[f"sd {varying.group}"] = factor[:, 0, 0]
            known[f"sd {varying.group}"] = true[f"{varying.group} root"][0, 0]
            seen[f"first {varying.group}"] = own[:, 0, 0]
            known[f"first {varying.group}"] = true[varying.group][0, 0]
            if varying.correlated:
                seen["slope sd"] = np.sqrt(np.square(factor[:, 1]).sum(axis=1))
                known["slope sd"] = np.sqrt(np.square(true["g root"][1]).sum())
                seen["correlation"] = factor[:, 1, 0] / seen["slope sd"]
                known["correlation"] = true["g root"][1, 0] / known["slope sd"]
                seen["a slope"], known["a slope"] = own[:, 3, 1], true["g"][3, 1]
        for key, values in seen.items():
            ranks.setdefault(key, []).append(int((values < known[key]).sum()))
    assert len(ranks.pop("given up", ())) <= 0.02 * SIMULATIONS
    assert theta.size == sum("sd" in k or k in ("sigma", "correlation") for k in ranks)
    return {
        k: float(stats.chisquare(np.bincount(np.array(r) // 10, minlength=10)).pvalue)
        for k, r in ranks.items()
    }


def from_prior(equation: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Every parameter from the priors that the specs here give."""
    true: dict[str, Any] = {
        "coefficients": np.array([rng.normal(1, 2), rng.normal(0.3, 1)]),
        "sigma": rng.exponential(1),
    }
    for varying in equation.varying:
        size = len(varying.deviations)
        sds = np.abs(rng.normal(size=size)) if varying.group == "g" else rng.exponential(0.5, size)
        root = np.eye(size)
        if size == 2:  # LKJ(2) of one correlation: (r + 1) / 2 is Beta(2, 2)
            r = 2 * rng.beta(2, 2) - 1
            root[1] = r, np.sqrt(1 - r * r)
        root = sds[:, None] * root
        true[f"{varying.group} root"] = root
        true[varying.group] = rng.normal(size=(len(varying.levels), size)) @ root.T
    return true


def test_the_weights_of_a_heavier_tail_are_refused() -> None:
    """A t with one degree of freedom, for which proposals with six have weights without a mean."""

    def cauchy(points: np.ndarray) -> np.ndarray:
        return -np.log1p(np.square(points)).sum(axis=1)

    rng = np.random.default_rng(3)
    assert independent_draws(cauchy, np.zeros(3), np.eye(3), 1_000, rng) is None


def test_polynomials_are_fitted_as_by_an_orthogonal_decomposition() -> None:
    """Of several responses side by side: products of coordinates are found again, one coefficient each."""
    points = np.random.default_rng(9).normal(size=(200, 4))
    design = polynomial(points)
    assert design.shape == (200, 70)  # products of at most 4 of 4 coordinates
    products = np.column_stack([np.ones(200), points[:, 3], points[:, 0] ** 2 * points[:, 1] * points[:, 3]])
    found = least_squares(design, products)
    np.testing.assert_allclose(design @ found, products, atol=1e-9)
    np.testing.assert_allclose(np.sort(found, axis=0)[-1], 1.0, rtol=1e-9)
    response = np.exp(points[:, 0])
    expected = np.linalg.lstsq(design, response, rcond=None)[0]
    np.testing.assert_allclose(least_squares(design, response), expected, rtol=1e-7, atol=1e-9)


def test_proposals_without_a_weight_are_refused() -> None:
    """They would all count the same."""

    def nowhere(points: np.ndarray) -> np.ndarray:
        return np.full(len(points), -np.inf)

    assert independent_draws(nowhere, np.zeros(2), np.eye(2), 100, np.random.default_rng(3)) is None


def test_a_density_without_digits_has_no_mode() -> None:
    def lost(points: np.ndarray) -> np.ndarray:
        return -1e18 - np.square(points).sum(axis=1)

    assert mode(lost, np.zeros(2), np.ones(2)) is None


def replicates(sd: float, sizes: tuple[int, ...], seed: int) -> dict[str, np.ndarray]:
    """Levels that lie apart by about `sd`, errors of about 1."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(g))
    y = 0.5 * x + sd * rng.normal(size=len(sizes))[g] + rng.normal(size=len(g))
    return {"x": x, "g": g, "y": y}


TWO, FIVE = (5, 4), (3, 4, 3, 5, 2)


@pytest.mark.parametrize(
    ("sd", "sizes", "seed", "told"),
    [(1e3, TWO, 1, True), (1e4, FIVE, 21, True), (1e7, FIVE, 21, False), (1e9, FIVE, 21, False)],
)
def test_errors_lost_in_the_digits_of_the_response_are_left_to_nuts(
    sd: float, sizes: tuple[int, ...], seed: int, told: bool
) -> None:
    """Where sums of squares leave no digits of sigma the density rises for ever as sigma falls."""
    case = optimised(ALONE, data=replicates(sd, sizes, seed))
    drawn = draw_mixed(case.pieces[0].model, case.table(case.pieces[0]), Sampling(draws=500, seed=1))
    assert (drawn is not None) == told
    if drawn is not None:
        assert 0.3 < np.median(drawn.values["sigma_y"]) < 3


def test_a_row_for_each_level_by_brute_force() -> None:
    """Only the sum of both variances is told; far below it one sd is lost in rounding."""
    prior = "regressions: {y: {priors: {sigma: 'HalfCauchy(0.2)', x: 'Normal(0, 0.001)'}}}\n"
    rng = np.random.default_rng(3)
    data = {"x": rng.normal(size=12), "g": np.arange(12), "y": rng.normal(size=12)}
    case = optimised(ALONE + prior, data=data)
    (piece,) = case.pieces
    drawn = draw_mixed(piece.model, case.table(piece), Sampling(draws=4_000, seed=7))
    assert drawn is not None
    (intercept, _), deviation = piece.equation.coefficients, piece.equation.varying[0].deviations[0]
    centre, spread = map(float, intercept.arguments)
    u, v = np.linspace(-14, 3, 601), np.linspace(-10, 3, 401)  # logs of sigma and of the sd between
    variance = np.exp(2 * u)[:, None] + np.exp(2 * v)
    y = data["y"] - centre
    whole = (
        variance + len(y) * spread**2
    )  # the variance of the mean's direction, the intercept integrated out
    height = -0.5 * ((len(y) - 1) * np.log(variance) + np.log(whole) + (y @ y) / variance)
    height += 0.5 * y.sum() ** 2 * spread**2 / (variance * whole)
    height += log_density(piece.equation.auxiliaries[0].prior, np.exp(u))[:, None] + u[:, None]
    height += log_density(deviation.prior, np.exp(v)) + v
    mass = np.exp(height - height.max())
    mass /= mass.sum()
    for axis, grid, symbol in ((1, u, "sigma_y"), (0, v, "sd_y_g")):
        share, found = mass.sum(axis=axis), np.log(drawn.values[symbol]).ravel()
        mean = share @ grid
        sd, fourth = np.sqrt(share @ (grid - mean) ** 2), share @ (grid - mean) ** 4
        size = found.size / 2  # smoothed weights of proposals count for half as many
        assert abs(found.mean() - mean) < 4.5 * sd / size**0.5
        assert abs(found.std() / sd - 1) < 4.5 * np.sqrt((fourth / sd**4 - 1) / 4 / size)


def test_smoothed_weights_and_their_shape_are_arviz_s() -> None:
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(6)
    for shape in (0.2, 0.5, 0.9):
        weights = np.log(stats.genpareto(shape).rvs(4_000, random_state=rng) + 1)
        ours, k = pareto_smoothed(weights)
        theirs, known = array_stats.psislw(-weights)  # it takes log likelihoods
        assert k == pytest.approx(float(known), abs=0.01)
        np.testing.assert_allclose(np.log(ours), theirs, atol=0.02)


def test_the_mode_is_found_from_afar() -> None:
    root = np.array([[2.0, 0.0], [1.0, 0.3]])
    proposal = StudentT(np.array([40.0, -7.0]), root, (), 50.0)
    place, scale = mode(proposal.log_density, np.zeros(2), np.ones(2))
    assert np.linalg.norm(np.linalg.solve(root, place - proposal.centre)) < 0.2
    np.testing.assert_allclose(scale @ scale.T, root @ root.T * 50 / 52, rtol=0.2)


def test_sleep_is_what_nuts_says() -> None:
    """Means and sds of 4,000 draws by NUTS of the emitted program, worth 2,900 independent ones at least."""
    by_nuts = {
        "beta_reaction_days": (10.4477, 1.6530),
        "sigma_reaction": (25.7959, 1.5315),
        "cov_reaction_subject_stds": (np.array([38.8979, 6.2090]), np.array([7.2552, 1.3149])),
    }
    result = pipeline.fit(load(Path(__file__).parents[1] / "specs" / "sleep.yaml"))
    draws = result.samples["build_adjusted"]
    assert draws.engine == "mixed"
    for symbol, (mean, sd) in by_nuts.items():
        ours = draws.values[symbol]
        apart = np.abs(ours.mean(axis=(0, 1)) - mean) / sd
        assert (apart < 4.5 * np.sqrt(1 / 2_900 + 1 / 3_000)).all()
        np.testing.assert_allclose(ours.std(axis=(0, 1)), sd, rtol=4.5 * np.sqrt(1 / 2_900))
