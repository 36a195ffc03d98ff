"""The solver of generalised linear models, against closed forms, score equations and what a fit must not
change by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from dagreg.doubts.implication_regressions import binomial_means, multinomial, poisson_means
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array

RNG = np.random.default_rng(11)
ROWS = 200
COLUMNS = np.column_stack([np.ones(ROWS), RNG.normal(size=(ROWS, 2))])


def least_squares(response: Array, weights: Array) -> Callable[[Array], glm.Derivatives]:
    """A Gaussian likelihood with sd 1."""

    def derivatives(eta: Array) -> glm.Derivatives:
        left = response - eta[:, 0]
        return glm.Derivatives(
            -0.5 * float(weights @ left**2), (weights * left)[:, None], weights[:, None, None]
        )

    return derivatives


def test_a_gaussian_regression_with_normal_priors_has_its_closed_form() -> None:
    y, weights = RNG.normal(size=ROWS), RNG.uniform(0.5, 3, ROWS)
    offset = RNG.normal(size=(ROWS, 1))
    prior = glm.NormalPriors(np.array([0.0, 2.0, 5.0]), np.array([9.0, 1.0, -1.0]))
    beta = glm.fit(COLUMNS, least_squares(y, weights), np.zeros((3, 1)), offset=offset, prior=prior)[:, 0]
    matrix = COLUMNS.T @ (weights[:, None] * COLUMNS) + np.diag(prior.precision)
    vector = COLUMNS.T @ (weights * (y - offset[:, 0])) + prior.precision * prior.mean
    np.testing.assert_allclose(beta, np.linalg.solve(matrix, vector), rtol=1e-10)


def test_collinear_columns_are_fitted_as_well_as_others_by_qr() -> None:
    y = RNG.normal(size=ROWS)
    twice = np.column_stack([COLUMNS, COLUMNS[:, 1] + 1e-9 * RNG.normal(size=ROWS), COLUMNS[:, 2]])
    beta = glm.fit(twice, least_squares(y, np.ones(ROWS)), np.zeros((5, 1)))
    left = y - (twice @ beta)[:, 0]
    assert np.abs(COLUMNS.T @ left).max() < 1e-6


def test_poisson_and_binomial_means_solve_their_score_equations() -> None:
    offset = RNG.normal(0, 0.5, ROWS)
    counts = RNG.poisson(np.exp(COLUMNS @ [0.5, 0.7, -1.0] + offset)).astype(float)
    means = poisson_means(counts, offset, COLUMNS)
    np.testing.assert_allclose(COLUMNS.T @ (counts - means), 0, atol=1e-5)  # a trace of ridge, of 1e-9
    np.testing.assert_allclose(np.linalg.lstsq(COLUMNS, np.log(means) - offset, rcond=None)[1], 0, atol=1e-12)
    units = RNG.integers(1, 9, ROWS).astype(float)
    hits = RNG.binomial(units.astype(int), 1 / (1 + np.exp(-COLUMNS @ [0.2, 1.0, -0.5]))).astype(float)
    np.testing.assert_allclose(
        COLUMNS.T @ (hits - units * binomial_means(hits, units, COLUMNS)), 0, atol=1e-5
    )


def test_a_multinomial_regression_has_the_likelihood_that_another_optimiser_finds() -> None:
    odds = np.exp(COLUMNS @ RNG.normal(size=(3, 4)))
    counts = np.array([RNG.multinomial(1, row / row.sum()) for row in odds]).astype(float)

    def negative(flat: Array) -> float:
        eta = np.column_stack([np.zeros(ROWS), COLUMNS @ flat.reshape(3, 3)])
        return -float((counts * (eta - np.log(np.exp(eta).sum(axis=1, keepdims=True)))).sum())

    height, shares = multinomial(counts, COLUMNS)
    assert height == pytest.approx(-minimize(negative, np.zeros(9), options={"gtol": 1e-8}).fun, rel=1e-8)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(COLUMNS.T @ (counts - shares), 0, atol=1e-4)


@pytest.mark.parametrize("response", ["levels", "count"])
def test_separated_rows_end_finite_and_near_what_they_show(response: str) -> None:
    side = (COLUMNS[:, 1] > 0).astype(float)
    design = np.column_stack([np.ones(ROWS), side])
    if response == "levels":
        height, shares = multinomial(np.column_stack([1 - side, side]), design)
        assert -1e-6 < height <= 0
        np.testing.assert_allclose(shares[:, 1], side, atol=1e-8)
    else:
        np.testing.assert_allclose(poisson_means(4 * side, np.zeros(ROWS), design), 4 * side, atol=1e-8)


def test_a_step_that_overshoots_is_halved() -> None:
    counts = RNG.poisson(3.0, ROWS).astype(float)

    def derivatives(eta: Array) -> glm.Derivatives:
        mean = np.exp(eta)
        height = float((counts * eta[:, 0] - mean[:, 0] - gammaln(counts + 1)).sum())
        return glm.Derivatives(height, counts[:, None] - mean, mean[:, :, None])

    ones = np.ones((ROWS, 1))
    start = np.array([[-3.0]])  # a whole step from here leads to exp(57)
    beta = glm.fit(ones, derivatives, start, ridge=1e-12, tolerance=1e-14)
    assert beta[0, 0] == pytest.approx(np.log(counts.mean()), rel=1e-9)


@pytest.mark.parametrize("fractions", [False, True], ids=["whole rows", "shares of counted rows"])
def test_least_squares_without_each_group_are_those_of_refits(fractions: bool) -> None:
    rng = np.random.default_rng(8)
    columns = np.column_stack([np.ones(50), 1e4 + rng.normal(size=(50, 2))])
    target, units = rng.normal(size=50), rng.integers(1, 5, 50).astype(float)
    shares = rng.dirichlet(np.ones(7), size=50).T if fractions else np.eye(7)[np.arange(50) % 7].T
    fits = glm.without_each_group(columns, target, units, lambda g: shares[g], 7)
    assert fits is not None
    for group in range(7):
        kept = units * (1 - shares[group])
        beta = glm.weighted_least_squares(columns, target, kept)
        np.testing.assert_allclose(fits.coefficients[group], beta, rtol=1e-6)
        assert fits.squares[group] == pytest.approx(kept @ (target - columns @ beta) ** 2, rel=1e-8)


def test_a_level_of_one_group_alone_leaves_no_least_squares_without_it() -> None:
    level = np.repeat([1.0, 0.0], [5, 45])
    columns = np.column_stack([np.ones(50), level])
    member = np.where(level == 1, 0, 1 + np.arange(50) % 6)
    target = np.random.default_rng(9).normal(size=50)
    assert (
        glm.without_each_group(columns, target, np.ones(50), lambda g: (member == g).astype(float), 7) is None
    )
