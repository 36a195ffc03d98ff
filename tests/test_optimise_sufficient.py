"""Sufficient statistics: the same density as the rows, at every condition number."""

from __future__ import annotations

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.model.densities import log_density
from dagreg.model.triangle import BLOCK, from_moments, triangle
from dagreg.optimise.sufficient import of_triangle
from tests.fitting import spec_of
from tests.optimising import DATA, ROWS, assert_equal_up_to_a_constant, notes, optimised

CASES = {
    "defaults": "edges: ['z -> x', 'x, z -> y']\neffect: x -> y",
    "levels": "edges: ['g -> w', 'g, w -> y']\neffect: w -> y",
    "interactions": "edges: ['g -> x', 'x, g -> y']\neffect: x -> y\nregressions: {y: {interactions: "
    "['x:g']}}",
    "transform": "nodes: {pos: {transform: log}, z: binary, y: {transform: standardize}}\n"
    "edges: [z -> pos, 'pos, z -> y']\neffect: pos -> y",
    "priors at 0": "edges: ['z -> x', 'x, z -> y']\neffect: x -> y\nregressions:\n  y:\n    priors:\n"
    "      intercept: Normal(1, 2)\n      x: StudentT(4, 0, 1)\n      z: Laplace(0, 2)\n      sigma: "
    "HalfCauchy(2)",
    "flat": "edges: ['z -> x', 'x, z -> y']\neffect: x -> y\nregressions:\n  y:\n    priors:\n"
    "      slopes: Flat()\n      intercept: Cauchy(0, 2)\n      sigma: InverseGamma(2, 3)",
    "nearly collinear": "edges: ['u -> x', 'x, u -> y']\neffect: x -> y",
}


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_the_rows_up_to_a_constant(name: str) -> None:
    case = optimised(CASES[name])
    (piece,) = case.pieces
    assert notes(piece)["sufficient"]
    assert piece.rows == len(piece.equation.coefficients) + 1
    assert_equal_up_to_a_constant(case)


def test_weights_count_as_units() -> None:
    text = (
        "nodes: {x: continuous, m: continuous, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [x -> m -> s]\neffect: x -> s"
    )
    case = optimised(text, "chain")
    mediator = case.pieces[0]
    assert mediator.statistics is not None
    assert mediator.statistics.units == DATA["n"].sum()
    assert_equal_up_to_a_constant(case)


def test_squares_split_into_the_fit_and_what_is_left() -> None:
    """|y - X b|^2 = |z - R b|^2 + s, at any b."""
    rng = np.random.default_rng(1)
    design, response = np.column_stack([np.ones(ROWS), rng.normal(5, 1, (ROWS, 3))]), rng.normal(size=ROWS)
    found = of_triangle(ROWS, triangle(np.column_stack([design, response])))
    for b in rng.normal(size=(20, 4)):
        whole = ((response - design @ b) ** 2).sum()
        parts = ((np.array(found.rotated) - np.array(found.root) @ b) ** 2).sum() + found.left
        assert parts == pytest.approx(whole, rel=1e-12)


def test_blocks_of_rows_give_the_triangle_of_the_whole() -> None:
    rows = np.random.default_rng(2).normal(3, 1, (2 * BLOCK + 17, 4))
    blocks, whole = triangle(rows), np.linalg.qr(rows, mode="r")
    np.testing.assert_allclose(np.abs(blocks), np.abs(whole), rtol=1e-10)


def test_few_rows_leave_zeros() -> None:
    found = triangle(np.array([[1.0, 2.0, 3.0]]))
    assert found.shape == (3, 3)
    np.testing.assert_allclose(np.abs(found[0]), [1, 2, 3])
    assert (found[1:] == 0).all()


def _moments(columns: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    means = columns.mean(axis=0)
    return float(len(columns)), means, (columns - means).T @ (columns - means)


@pytest.mark.parametrize("far", [0.0, 1e6])
@pytest.mark.parametrize("power", range(9))
def test_cross_products_are_used_only_where_they_keep_the_digits(power: int, far: float) -> None:
    """Against Householder QR, at condition numbers of the design up to 1e8, and predictors far from 0."""
    rng = np.random.default_rng(power)
    x = rng.normal(size=5_000)
    columns = (
        np.column_stack([x, x + 10.0**-power * rng.normal(size=5_000), x + rng.normal(size=5_000)]) + far
    )
    reference = np.linalg.qr(np.column_stack([np.ones(5_000), columns]), mode="r")
    found = from_moments(*_moments(columns))
    if power >= 5:
        assert found is None
        return
    if found is None:
        assert power == 4
        return
    np.testing.assert_allclose(np.abs(np.diag(found)), np.abs(np.diag(reference)), rtol=1e-6)
    slopes = [np.linalg.solve(t[:3, :3], t[:3, 3]) for t in (found, reference)]
    np.testing.assert_allclose(slopes[0][1:], slopes[1][1:], atol=1e-5)


def test_a_constant_column_has_no_correlations() -> None:
    assert from_moments(3.0, np.array([1.0, 2.0]), np.array([[0.0, 0.0], [0.0, 2.0]])) is None


NOT_APPLIED = {
    "a bounded coefficient": (CASES["defaults"] + "\nregressions: {y: {priors: {x: HalfNormal(1)}}}", DATA),
}
EXACT = DATA | {"y": 2 * DATA["x"] + 3 * DATA["z"]}
TWICE = DATA | {"u": 2 * DATA["x"]}
FLAT = CASES["nearly collinear"] + "\nregressions: {y: {priors: {intercept: Flat(), slopes: Flat()}}}"
SITES = np.random.default_rng(0)
LEVELS = {"g": SITES.choice(["a", "b", "c"], 20), "x": SITES.integers(-40, 40, 20).astype(float)}
FLAWS = {
    "no error, and levels that add nothing": (
        "edges: ['g -> x', 'x, g -> y']\neffect: x -> y",
        LEVELS | {"y": LEVELS["x"].copy()},
        "DR506",
        "(coefficients: x: 1)",
    ),
    "no error": (CASES["defaults"], EXACT, "DR506", "x: 2, z: 3"),
    "no error, and a sigma that falls to 0 too slowly": (
        CASES["defaults"] + "\nregressions: {y: {priors: {sigma: 'Gamma(50, 1)'}}}",
        EXACT,
        "DR506",
        "x: 2, z: 3",
    ),
    "flat and collinear": (FLAT, TWICE, "DR507", "intercept, x, u"),
}


@pytest.mark.parametrize("name", FLAWS)
def test_where_there_is_no_posterior_the_fit_says_so(name: str) -> None:
    text, data, code, words = FLAWS[name]
    (effect,) = pipeline.fit(spec_of(text), data).effects
    (failure,) = (f for f in effect.failures if f.estimator == "adjusted")
    assert failure.code == code
    assert words in failure.message


SHARP = "edges: ['z -> x', 'x, z -> y']\neffect: x -> y\nregressions:\n  y:\n    priors:\n"
AWAY = {"sigma: InverseGamma(3, 1)": EXACT, "sigma: 'Uniform(0.1, 2)'": EXACT, "sigma: 'Gamma(90, 9)'": EXACT}


@pytest.mark.parametrize("sigma", AWAY)
def test_without_an_error_a_sigma_away_from_0_has_a_posterior(sigma: str) -> None:
    """The chance that sigma is below its median, by quadrature over the priors' own evidence of the rows."""
    text, data = (
        SHARP + f"      slopes: Normal(0, 3)\n      intercept: Normal(0, 3)\n      {sigma}",
        AWAY[sigma],
    )
    result = pipeline.fit(spec_of(text), data)
    model = result.model("adjusted")
    prior = model.outcome.auxiliaries[0].prior
    design = np.column_stack([np.ones(ROWS), data["x"], data["z"]])
    sigma_draws = result.samples[model.builder].values[model.outcome.auxiliaries[0].symbol].ravel()
    grid = np.exp(np.linspace(np.log(0.005), np.log(5), 100_000))
    values, vectors = np.linalg.eigh(9 * design @ design.T)
    turned = vectors.T @ data["y"]
    variances = grid[:, None] ** 2 + np.maximum(values, 0)
    log = (
        -0.5 * (np.log(variances) + turned**2 / variances).sum(axis=1)
        + log_density(prior, grid)
        + np.log(grid)
    )
    share = np.cumsum(np.exp(log - log.max()))
    expected = np.interp(np.median(sigma_draws), grid, share / share[-1])
    assert abs(expected - 0.5) < 4.5 * 0.5 / len(sigma_draws) ** 0.5 + 0.002


def few(rows: int) -> dict[str, np.ndarray]:
    return {n: v[[0, 7, 1, 30][:rows]] for n, v in DATA.items()}


@pytest.mark.parametrize("rows", [2, 3])
def test_no_more_rows_than_coefficients(rows: int) -> None:
    """The density is the rows', and the draws have the moments that dense algebra gives."""
    text = (
        SHARP
        + "      slopes: Normal(0, 3)\n      intercept: Normal(0, 3)\n      sigma: 'Uniform(0.999, 1.001)'"
    )
    data = few(rows)
    case = optimised(text, data=data)
    (piece,) = case.pieces
    assert piece.engine == "exact"
    assert piece.rows == rows
    assert_equal_up_to_a_constant(
        optimised(SHARP + "      slopes: Normal(0, 3)\n      sigma: HalfNormal(2)", data=data)
    )
    result = pipeline.fit(spec_of(text + "\nsampling: {draws: 20000}"), data)
    model = result.model("adjusted")
    draws = np.column_stack(
        [v.ravel() for v in map(result.samples[model.builder].values.get, model.outcome.coefficient_symbols)]
    )
    design = np.column_stack([np.ones(rows), data["x"], data["z"]])
    covariance = np.linalg.inv(design.T @ design + np.eye(3) / 9)
    mean, sd = covariance @ design.T @ data["y"], np.sqrt(np.diag(covariance))
    assert (np.abs(draws.mean(axis=0) - mean) < 4.5 * sd / len(draws) ** 0.5 + 2e-3 * np.abs(mean)).all()
    correlation = np.linalg.inv(np.diag(sd)) @ covariance @ np.linalg.inv(np.diag(sd))
    assert np.abs(np.corrcoef(draws.T) - correlation).max() < 4.5 / len(draws) ** 0.5
    assert (np.abs(draws.std(axis=0) / sd - 1) < 4.5 / (2 * len(draws)) ** 0.5 + 2e-3).all()


@pytest.mark.parametrize("name", NOT_APPLIED)
def test_where_it_does_not_apply_the_rows_stay(name: str) -> None:
    text, data = NOT_APPLIED[name]
    (piece,) = optimised(text, data=data).pieces
    assert notes(piece)["sufficient"] is False
    assert piece.statistics is None
    assert piece.engine != "exact"
    assert piece.rows == len(data["y"])
