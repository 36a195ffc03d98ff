"""The exact engine against closed forms, integration, long chains, and its own calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from dagreg import pipeline
from dagreg.engines.draws import convergence
from dagreg.engines.exact import _coefficients, draw_exactly, log_marginal, marginal, posterior_draws, problem
from dagreg.model.equation import Equation
from dagreg.model.statistics import Sufficient
from dagreg.model.terms import PriorChoice
from dagreg.model.triangle import triangle
from dagreg.optimise.sufficient import of_triangle
from tests.fitting import models_of, spec_of
from tests.optimising import DATA, optimised

COUNT = 40_000
SE = 4.5  # Monte Carlo standard errors


def given(distribution: str, *arguments: float) -> PriorChoice:
    return PriorChoice(distribution, arguments, given=True)


def equation(slopes: list[PriorChoice], sigma: PriorChoice, intercept: PriorChoice) -> Equation:
    """A Gaussian regression of y on x0, x1, ..., with these priors."""
    text = "nodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y"
    (made,) = models_of(text, {"x": np.arange(8.0), "y": np.arange(8.0) ** 2})["adjusted"].equations
    (term,) = made.terms
    terms = (replace(term, symbol=f"b{i}", columns=(f"x{i}",), prior=prior) for i, prior in enumerate(slopes))
    auxiliaries = (replace(made.auxiliaries[0], prior=sigma),)
    return replace(made, terms=tuple(terms), intercept_prior=intercept, auxiliaries=auxiliaries)


def statistics(design: np.ndarray, y: np.ndarray) -> Sufficient:
    return of_triangle(float(len(y)), triangle(np.column_stack([design, y])))


def rows(n: int = 25, seed: int = 0, collinear: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(2, 1, n)
    design = np.column_stack([np.ones(n), x, x + collinear * rng.normal(size=n)])
    return design, design @ [1.0, -2.0, 0.5] + rng.normal(0, 1.5, n)


def near(values: np.ndarray, mean: float, sd: float) -> None:
    """A sample's mean and sd within Monte Carlo error of these."""
    n = len(values)
    assert abs(values.mean() - mean) < SE * sd / n**0.5
    kurtosis = stats.kurtosis(values)
    assert abs(values.std() - sd) < SE * sd * ((kurtosis + 2) / (4 * n)) ** 0.5 + 1e-12


# ------------------------------------------------------------ closed forms


def test_known_sigma() -> None:
    """A prior that holds sigma fixed leaves the textbook Normal posterior (Bishop 2006, 3.49)."""
    design, y = rows()
    sigma, m, d = 1.3, np.array([0.5, 0.0, 1.0]), np.array([2.0, 1.0, 0.7])
    this = equation(
        [given("Normal", m[1], d[1]), given("Normal", m[2], d[2])],
        given("Uniform", sigma * (1 - 1e-9), sigma * (1 + 1e-9)),
        given("Normal", m[0], d[0]),
    )
    found, draws = posterior_draws(this, statistics(design, y), COUNT, np.random.default_rng(1))
    np.testing.assert_allclose(found, sigma, rtol=2e-9)
    precision = design.T @ design / sigma**2 + np.diag(1 / d**2)
    covariance = np.linalg.inv(precision)
    mean = covariance @ (design.T @ y / sigma**2 + m / d**2)
    for i in range(3):
        near(draws[:, i], mean[i], covariance[i, i] ** 0.5)
    np.testing.assert_allclose(
        np.cov(draws.T), covariance, atol=SE * np.diag(covariance).max() * (2 / COUNT) ** 0.5
    )


def test_flat_coefficients_and_inverse_sigma() -> None:
    """Flat coefficients and p(sigma) ~ 1 / sigma give t and inverse chi-square marginals (Gelman et al.

    2013, 14.2).
    """
    design, y = rows()
    n, p = design.shape
    tiny = given("InverseGamma", 1e-9, 1e-12)  # 1 / sigma up to 1e-9
    this = equation([given("Flat"), given("Flat")], tiny, given("Flat"))
    sigma, draws = posterior_draws(this, statistics(design, y), COUNT, np.random.default_rng(2))
    beta, residual = np.linalg.lstsq(design, y, rcond=None)[:2]
    s2, inverse = residual[0] / (n - p), np.linalg.inv(design.T @ design)
    for i in range(p):
        scaled = (draws[:, i] - beta[i]) / (s2 * inverse[i, i]) ** 0.5
        assert stats.kstest(scaled, stats.t(n - p).cdf).pvalue > 1e-4
    assert stats.kstest((n - p) * s2 / sigma**2, stats.chi2(n - p).cdf).pvalue > 1e-4


def test_the_evidence_of_normal_inverse_gamma() -> None:
    """Against the marginal density of sigma by brute force: p(sigma) times Normal(y | X m, sigma^2 + X D^2
    X').
    """
    design, y = rows(12)
    m, d = np.array([0.5, 0.0, 1.0]), np.array([2.0, 1.0, 0.7])
    this = equation(
        [given("Normal", m[1], d[1]), given("Normal", m[2], d[2])],
        given("HalfCauchy", 2.0),
        given("Normal", m[0], d[0]),
    )
    at = np.linspace(-1, 2, 9)
    ours = log_marginal(problem(this, statistics(design, y)), at)
    theirs = [
        stats.multivariate_normal(design @ m, s**2 * np.eye(12) + (design * d**2) @ design.T).logpdf(y)
        + stats.halfcauchy.logpdf(s, scale=2.0)
        + np.log(s)
        for s in np.exp(at)
    ]
    np.testing.assert_allclose(ours - ours[0], np.array(theirs) - theirs[0], rtol=1e-9, atol=1e-9)


SIGMAS = {
    "HalfNormal": (2.0,), "HalfCauchy": (2.0,), "HalfStudentT": (3.0, 2.0), "Exponential": (0.7,),
    "Gamma": (2.0, 1.5),
    "InverseGamma": (2.0, 3.0), "LogNormal": (0.3, 0.6), "Uniform": (0.8, 1.6), "Beta": (2.0, 3.0),
    "HalfFlat": (),
}  # fmt: skip
SCIPY = {
    "HalfNormal": lambda s: stats.halfnorm(scale=s),
    "HalfCauchy": lambda b: stats.halfcauchy(scale=b),
    "HalfStudentT": lambda nu, s: stats.t(nu, scale=s),
    "Exponential": lambda lam: stats.expon(scale=1 / lam),
    "Gamma": lambda a, b: stats.gamma(a, scale=1 / b),
    "InverseGamma": lambda a, b: stats.invgamma(a, scale=b),
    "LogNormal": lambda mu, s: stats.lognorm(s, scale=np.exp(mu)),
    "Uniform": lambda low, high: stats.uniform(low, high - low),
    "Beta": lambda a, b: stats.beta(a, b),
    "HalfFlat": lambda: stats.uniform(0, 1e9),
}


@pytest.mark.parametrize("name", SIGMAS)
def test_two_dimensional_integration(name: str) -> None:
    """Mean and sd of mu and sigma under each prior of sigma, by quadrature over both."""
    rng = np.random.default_rng(4)
    y = rng.normal(1, 1.2, 9)
    this = equation([], given(name, *SIGMAS[name]), given("Normal", 0.0, 0.8))
    sigma, draws = posterior_draws(this, statistics(np.ones((9, 1)), y), COUNT, rng)
    low, high = (0.8, 1.6) if name == "Uniform" else (0.0, 1.0) if name == "Beta" else (0.02, 12.0)
    prior = SCIPY[name](*SIGMAS[name])

    def density(mu: float, s: float) -> float:
        return float(
            np.exp(stats.norm.logpdf(y, mu, s).sum() + stats.norm.logpdf(mu, 0, 0.8) + prior.logpdf(s) + 12)
        )

    grid_mu, grid_s = np.linspace(-3, 4, 301), np.linspace(low + 1e-9, high - 1e-9, 601)
    weight = np.array([[density(mu, s) for s in grid_s] for mu in grid_mu[::3]])
    mus = grid_mu[::3]

    def mean(of: np.ndarray) -> float:
        return integrate.trapezoid(integrate.trapezoid(weight * of, grid_s), mus) / integrate.trapezoid(
            integrate.trapezoid(weight, grid_s), mus
        )

    for values, of in (
        (draws[:, 0], np.broadcast_to(mus[:, None], weight.shape)),
        (sigma, np.broadcast_to(grid_s, weight.shape)),
    ):
        first = mean(of)
        near(values, first, (mean(of**2) - first**2) ** 0.5)


# ------------------------------------------------------------ stability


@pytest.mark.parametrize("power", range(9))
def test_collinear_designs_keep_their_digits(power: int) -> None:
    """Sum and difference of two predictors, against the same posterior in coordinates that are
    not collinear.
    """
    eps = 10.0**-power
    rng = np.random.default_rng(power)
    x, noise = rng.normal(size=200), rng.normal(size=200)
    y = x + rng.normal(size=200)
    design = np.column_stack([np.ones(200), x, x + eps * noise])
    this = equation(
        [given("Normal", 0, 3.0), given("Normal", 0, 3.0)], given("Exponential", 1.0), given("Normal", 0, 3.0)
    )
    sigma, draws = posterior_draws(this, statistics(design, y), COUNT, np.random.default_rng(9))
    # b1 + b2 and b2 - b1 have independent Normal priors, with predictors x + eps noise / 2 and eps noise / 2
    turned = np.column_stack([np.ones(200), x + eps * noise / 2, eps * noise / 2])
    wide = 3.0 * 2**0.5
    other = equation(
        [given("Normal", 0, wide), given("Normal", 0, wide)],
        given("Exponential", 1.0),
        given("Normal", 0, 3.0),
    )
    _, expected = posterior_draws(other, statistics(turned, y), COUNT, np.random.default_rng(10))
    for ours, theirs in (
        (draws[:, 1] + draws[:, 2], expected[:, 1]),
        (draws[:, 2] - draws[:, 1], expected[:, 2]),
    ):
        assert abs(ours.mean() - theirs.mean()) < SE * theirs.std() * (2 / COUNT) ** 0.5
        assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert 0.8 < sigma.mean() < 1.2


@pytest.mark.parametrize("units", [1e2, 1e5, 1e9, 1e13])
def test_the_grid_finds_narrow_densities(units: float) -> None:
    """At any number of rows the marginal of log sigma has the sd 1 / sqrt(2 N) around its mode."""
    this = equation([], given("HalfCauchy", 2.0), given("Normal", 0, 0.8))
    found = Sufficient(units, ((units**0.5,),), (0.3 * units**0.5,), 4.0 * units)
    grid, density = marginal(problem(this, found))
    mass = density / density.sum()
    mean = float(mass @ grid)
    assert mean == pytest.approx(np.log(2.0), abs=5 / units**0.5)
    assert float(mass @ (grid - mean) ** 2) ** 0.5 == pytest.approx((2 * units) ** -0.5, rel=0.05)
    assert (density > 1e-3).sum() > 100


# ------------------------------------------------------------ calibration


def test_simulation_based_calibration() -> None:
    """Ranks of the parameters among their posterior draws are uniform (Talts et al. 2018)."""
    simulations, kept, bins = 500, 99, 20
    this = equation(
        [given("Normal", 0.5, 1.0), given("Normal", 0, 2.0)],
        given("Exponential", 0.8),
        given("Normal", 1, 1.5),
    )
    rng = np.random.default_rng(2026)
    ranks = []
    for _ in range(simulations):
        x = rng.normal(2, 1, 15)
        design = np.column_stack([np.ones(15), x, x + 0.1 * rng.normal(size=15)])
        beta, sigma = rng.normal([1, 0.5, 0], [1.5, 1.0, 2.0]), rng.exponential(1 / 0.8)
        y = design @ beta + sigma * rng.normal(size=15)
        drawn, coefficients = posterior_draws(this, statistics(design, y), kept, rng)
        ranks.append(
            [
                *(coefficients < beta).sum(axis=0),
                (drawn < sigma).sum(),
                (drawn * coefficients[:, 1] < sigma * beta[1]).sum(),
            ]
        )
    for column in np.array(ranks).T:
        counts = np.histogram(column, bins=bins, range=(0, kept + 1))[0]
        assert stats.chisquare(counts).pvalue > 1e-3


# ------------------------------------------------------------ against NUTS

CASES = {
    "defaults": ("edges: ['z -> x', 'x, z -> y']\neffect: x -> y", "adjusted"),
    "levels and products": (
        "edges: ['g -> x', 'x, g -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:g']}}",
        "adjusted",
    ),
    "priors at 0": (
        "edges: ['z -> x', 'x, z -> y']\neffect: x -> y\nregressions:\n  y:\n    priors:\n"
        "      intercept: Normal(1, 2)\n      x: Flat()\n      z: Normal(1, 0.3)\n      sigma: "
        "HalfStudentT(3, 1)",
        "adjusted",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_long_chains_agree(name: str) -> None:
    text, estimator = CASES[name]
    slow = text + "\nsampling: {engine: nuts, draws: 5000, chains: 4}"
    quick = text + "\nsampling: {engine: exact, draws: 10000, chains: 4}"
    chains, exact = (pipeline.fit(spec_of(t), DATA).samples[f"build_{estimator}"] for t in (slow, quick))
    assert (chains.engine, exact.engine) == ("nuts", "exact")
    assert set(chains.values) == set(exact.values)
    for symbol, values in exact.values.items():
        theirs = chains.values[symbol]
        assert values.shape[2:] == theirs.shape[2:]
        ess = convergence(theirs)[0]
        sd = values.std(axis=(0, 1))
        error = sd * (1 / ess + 1 / 40_000) ** 0.5
        assert (np.abs(values.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1))) < SE * error).all()
        np.testing.assert_allclose(theirs.std(axis=(0, 1)), sd, rtol=0.06)


# ------------------------------------------------------------ draws


def test_draws_do_not_depend_on_the_signs_of_singular_vectors() -> None:
    """Rounding decides those, and sums that a database takes in parallel are rounded anew each time."""
    design, y = rows()
    normal = given("Normal", 0.0, 2.0)
    this = problem(equation([normal, normal], given("Exponential", 1.0), normal), statistics(design, y))
    signs = np.where(np.arange(len(this.singular)) % 2 == 0, -1.0, 1.0)
    other = replace(this, right=signs[:, None] * this.right, turned=signs * this.turned)
    sigma = np.linspace(0.5, 2.0, 50)
    first, second = (_coefficients(p, sigma, np.random.default_rng(1)) for p in (this, other))
    np.testing.assert_allclose(second, first, rtol=1e-12, atol=1e-12)


def test_draws_have_the_shape_of_chains_and_follow_the_seed() -> None:
    case = optimised(CASES["levels and products"][0])
    (piece,) = case.pieces
    sampling = spec_of("edges: [a -> b]\nsampling: {draws: 7, chains: 3}").sampling
    first, again = (draw_exactly(piece, sampling) for _ in range(2))
    assert {values.shape[:2] for values in first.values.values()} == {(3, 7)}
    assert first.values["beta_y_g"].shape == (3, 7, 2)
    assert first.independent
    for symbol, values in first.values.items():
        np.testing.assert_array_equal(values, again.values[symbol])
    other = draw_exactly(piece, replace(sampling, seed=1))
    assert (other.values["sigma_y"] != first.values["sigma_y"]).all()
