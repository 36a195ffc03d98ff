"""The importance engine: one mode, proposals that fit, draws of the posterior, and a check that can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from dagreg.engines import density, importance
from dagreg.engines.density import Posterior, posterior_of
from dagreg.engines.draws import convergence
from dagreg.engines.importance import (
    Mixture,
    Mode,
    SplitT,
    adapted,
    chains,
    climb,
    draw_by_importance,
    only_mode,
)
from dagreg.engines.nuts import sample
from dagreg.model.statistics import Sufficient
from dagreg.optimise.types import Piece
from dagreg.spec.types import Sampling
from tests.optimising import DATA, Optimised, optimised
from tests.test_metropolis import normal_target, regression

SE = 4.5  # Monte Carlo standard errors
SAMPLING = Sampling(draws=2_000, chains=4, seed=7)
ROWS = 40


def the_piece(text: str, data: Any = None, estimator: str = "adjusted") -> tuple[Optimised, Piece]:
    case = optimised(text, estimator, data)
    assert case.pieces[-1].engines[0] == "importance", case.pieces[-1].notes
    return case, case.pieces[-1]


def on_x(node: str, priors: str, response: np.ndarray, **more: Any) -> tuple[Optimised, Piece]:
    """A regression of `r` on x alone."""
    text = f"nodes: {{x: continuous, r: {node}}}\nedges: [x -> r]\neffect: x -> r\n"
    return the_piece(
        text + f"regressions: {{r: {{priors: {{{priors}}}}}}}\n", {"x": X, "r": response, **more}
    )


X = np.random.default_rng(1).normal(size=ROWS)


# ------------------------------------------------------------ the mode


def posterior(case: Optimised, piece: Piece) -> Posterior:
    statistics = piece.statistics if isinstance(piece.statistics, Sufficient) else None
    return posterior_of(piece.model, case.table(piece) if piece.reads_rows else {}, statistics)


def test_a_second_mode_is_not_missed() -> None:
    """A few rows around 0, and a narrow prior with heavy tails far from them."""
    rng = np.random.default_rng(2)
    heavy = "intercept: 'Cauchy(2.5, 0.02)', x: 'Normal(0, 0.1)', sigma: 'Gamma(400, 400)'"
    case, piece = on_x("continuous", heavy, 0.3 * rng.normal(size=ROWS))
    some = {name: values[:3] for name, values in case.rows.items()}
    rows = posterior_of(piece.model, some)
    around_rows, around_prior = climb(rows, np.array([0.0, 0.0, 0.0])), climb(rows, np.array([2.5, 0.0, 0.0]))
    assert isinstance(around_rows, Mode)
    assert isinstance(around_prior, Mode)
    assert np.abs(around_rows.point - around_prior.point).max() > 1
    for seed in range(10):
        assert only_mode(rows, np.random.default_rng(seed)) is None


def test_the_mode_is_where_the_gradient_is_0() -> None:
    case, piece = the_piece(regression("{type: positive, family: gamma}", "pos"))
    this = posterior(case, piece)
    mode = only_mode(this, np.random.default_rng(1))
    assert mode is not None
    gradient, hessian = this.derivatives(mode.point)
    assert np.linalg.norm(mode.root.T @ gradient) < importance.MAX_DISTANCE
    np.testing.assert_allclose(mode.root @ mode.root.T @ -hessian, np.eye(len(gradient)), atol=1e-8)


def test_a_density_that_rises_for_ever_has_no_mode() -> None:
    """Two groups of rows that nothing but a flat prior holds apart."""
    x = np.array([-2.0, -1.0, 1.0, 2.0] * 10)
    text = "nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b\n"
    case = optimised(
        text + "regressions: {b: {priors: {x: Flat}}}\n", data={"x": x, "b": (x > 0).astype(int)}
    )
    assert only_mode(posterior(case, case.pieces[-1]), np.random.default_rng(1)) is None


# ------------------------------------------------------------ proposals and chains


def test_densities_of_proposals_are_those_of_their_draws() -> None:
    """Weights of draws against another density average to the same constant for both."""
    rng = np.random.default_rng(3)
    root = np.array([[1.0, 0.0], [0.6, 0.5]])
    split = SplitT(np.array([1.0, 2.0]), root, np.array([2.0, 1.0]), np.array([0.7, 1.5]), 7.0)
    mixture = Mixture(np.array([0.3, 0.7]), np.array([[0.0, 0], [1, 1]]), np.array([root, 2 * root]), 7.0)
    for proposal in (split, mixture):
        constants = []
        for centre in ([0.5, 1.0], [2.0, 2.5], [0.0, 3.0]):
            target = stats.multivariate_normal(centre, 0.3 * np.eye(2))
            points = proposal.draw(rng, 200_000)
            weights = np.exp(target.logpdf(points) - proposal.log_density(points))
            constants.append((weights.mean(), weights.std() / len(weights) ** 0.5))
        values, errors = np.array(constants).T
        assert np.abs(values - values.mean()).max() < SE * np.hypot(errors.max(), errors.max())


def test_a_target_that_no_proposal_fits_is_given_up() -> None:
    """Mass far from the mode that the search is told of."""
    target = normal_target(np.full(12, 5.0), np.eye(12))
    mode = Mode(np.zeros(12), float(target(np.zeros((1, 12)))[0]), np.eye(12) / 3)
    assert chains(target, mode, 4, 500, np.random.default_rng(4)) is None


def test_a_tail_that_proposals_do_not_reach_is_seen() -> None:
    """A Cauchy in five dimensions: its weights have no mean."""

    def target(points: np.ndarray) -> np.ndarray:
        return -3 * np.log1p((points**2).sum(axis=1))  # t with one degree of freedom

    mode = Mode(np.zeros(5), 0.0, np.eye(5) / 6**0.5)
    assert chains(target, mode, 4, 1_000, np.random.default_rng(5)) is None


def test_a_skewed_target_is_fitted() -> None:
    """The log of a gamma with a small shape, whose lower tail is exponential."""

    def target(points: np.ndarray) -> np.ndarray:
        return (0.7 * points - np.exp(points)).sum(axis=1)

    mode = Mode(np.full(3, np.log(0.7)), float(target(np.full((1, 3), np.log(0.7)))[0]), np.eye(3) / 0.7**0.5)
    fit = adapted(target, mode, np.random.default_rng(6))
    assert fit is not None
    assert importance.effective(fit[2]) > 0.5
    points = chains(target, mode, 4, 4_000, np.random.default_rng(7))
    assert points is not None
    for values in np.moveaxis(points, -1, 0):
        ess = float(convergence(values)[0])
        kept = np.exp(values.ravel()[:: int(np.ceil(values.size / ess))])
        assert stats.kstest(kept, stats.gamma(0.7).cdf).pvalue > 1e-4


# ------------------------------------------------------------ the draws


def test_a_skewed_posterior_by_quadrature() -> None:
    """Nine counts that hardly vary more than a Poisson's: the shape has a long upper tail."""
    counts = np.array([1, 0, 2, 1, 3, 0, 1, 2, 0] * 4 + [1] * 4)
    priors = "intercept: 'Normal(0, 1)', x: 'Normal(0, 1e-6)', shape: 'HalfCauchy(5)'"
    case, piece = on_x("{type: count, family: negative_binomial}", priors, counts)
    draws = draw_by_importance(piece.model, case.table(piece), replace(SAMPLING, draws=5_000))
    assert draws is not None
    a, u = np.linspace(-1.2, 1.2, 241), np.linspace(-3, 25, 1_401)
    mean, shape = np.exp(a)[:, None, None], np.exp(u)[None, :, None]
    height = stats.nbinom.logpmf(counts, np.minimum(shape, 1e9), 1 / (1 + mean / np.minimum(shape, 1e9))).sum(
        axis=2
    )
    height += stats.norm.logpdf(a)[:, None] + stats.halfcauchy.logpdf(np.exp(u), scale=5) + u
    mass = np.exp(height - height.max())
    for axis, grid, values in ((1, a, draws.values["alpha_r"]), (0, u, np.log(draws.values["shape_r"]))):
        marginal = integrate.trapezoid(mass, (a, u)[axis], axis=axis)
        cumulative = integrate.cumulative_trapezoid(marginal, grid, initial=0)
        ess = float(convergence(values)[0])
        kept = values.ravel()[:: int(np.ceil(values.size / ess))]
        found = stats.kstest(kept, lambda v, grid=grid, c=cumulative: np.interp(v, grid, c / c[-1]))
        assert found.pvalue > 1e-4


def test_seeds() -> None:
    case, piece = the_piece(regression("{type: positive, family: gamma}", "pos"))
    one, two = (draw_by_importance(piece.model, case.table(piece), SAMPLING) for _ in range(2))
    other = draw_by_importance(piece.model, case.table(piece), replace(SAMPLING, seed=8))
    assert one is not None
    assert two is not None
    assert other is not None
    for symbol, values in one.values.items():
        np.testing.assert_array_equal(values, two.values[symbol])
        assert not np.array_equal(values, other.values[symbol])
        assert not np.array_equal(values[0], values[1])


INSTRUMENT = (
    "nodes: {z: binary, x: continuous, m: continuous, y: continuous, u: unobserved}\n"
    "edges: ['z, x -> m', 'm, x -> y', 'u -> m, y']\neffect: m -> y\n"
)


def _endogenous() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    z, x, u = rng.integers(0, 2, 400), rng.normal(size=400), rng.normal(size=400)
    m = 1.5 * z + 0.5 * x + u + rng.normal(size=400)
    return {"z": z, "x": x, "m": m, "y": 0.7 * m - 0.4 * x + u + rng.normal(size=400)}


def _waiting() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    x = rng.normal(size=90)
    time, end = 4 * np.exp(0.4 * x) * rng.weibull(1.4, 90), rng.uniform(1, 9, 90)
    return {"x": x, "r": np.minimum(time, end), "how": np.where(time < end, "none", "right")}


WAITING = (
    "nodes: {x: continuous, r: {type: positive, family: weibull, censored: how}}\nedges: [x -> r]\neffect: x "
    "-> r\n"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "data", "estimator"),
    [
        (regression("{type: count, family: negative_binomial}", "c"), DATA, "adjusted"),
        (WAITING, _waiting(), "adjusted"),
        (INSTRUMENT, _endogenous(), "instrument"),
        (regression("{type: continuous, family: student_t}", "y"), DATA, "adjusted"),
    ],
)
def test_the_draws_are_those_of_nuts(text: str, data: Any, estimator: str) -> None:
    case, piece = the_piece(text, data, estimator)
    table = case.table(piece)
    ours = draw_by_importance(piece.model, table, SAMPLING)
    theirs = sample(case.program, piece.model, table, replace(SAMPLING, tune=1_000))
    assert ours is not None
    assert set(ours.values) == set(theirs.values)
    for symbol, values in ours.values.items():
        other = theirs.values[symbol]
        assert values.shape == other.shape
        values, other = (
            np.log(v) if symbol.startswith(("shape", "nu", "sigma")) else v for v in (values, other)
        )
        own, ess = convergence(values)[0], convergence(other)[0]
        error = np.sqrt(values.var(axis=(0, 1)) / own + other.var(axis=(0, 1)) / ess)
        assert (np.abs(values.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) < SE * error).all()
        ratio = np.log(values.std(axis=(0, 1)) / other.std(axis=(0, 1)))
        heavy = np.maximum(stats.kurtosis(values.reshape(-1, *values.shape[2:])), 0.0)
        assert (np.abs(ratio) < SE * np.sqrt((heavy + 2) / 4 * (1 / own + 1 / ess))).all()


# ------------------------------------------------------------ calibration

Truth = Mapping[str, float]
Responses = Callable[[np.random.Generator, np.ndarray, Truth], np.ndarray]
COMMON = "intercept: 'Normal(0.5, 0.5)', x: 'Normal(0, 0.5)'"
BETAS: Mapping[str, Callable[[np.random.Generator], float]] = {
    "alpha_r": lambda rng: rng.normal(0.5, 0.5),
    "beta_r_x": lambda rng: rng.normal(0, 0.5),
}


def _negative_binomial(rng: np.random.Generator, eta: np.ndarray, p: Truth) -> np.ndarray:
    return rng.poisson(np.exp(eta) * rng.gamma(p["shape_r"], 1 / p["shape_r"], ROWS))


def _hurdle(rng: np.random.Generator, eta: np.ndarray, p: Truth) -> np.ndarray:
    counts = stats.poisson(np.exp(eta))
    positive = counts.ppf(rng.uniform(counts.cdf(0), 1))
    return np.where(rng.random(ROWS) < p["zero_r"], 0, np.maximum(positive, 1))


def _weibull(rng: np.random.Generator, eta: np.ndarray, p: Truth) -> np.ndarray:
    from scipy.special import gamma

    return np.exp(eta) / gamma(1 + 1 / p["shape_r"]) * rng.weibull(p["shape_r"], ROWS)


def _student_t(rng: np.random.Generator, eta: np.ndarray, p: Truth) -> np.ndarray:
    return eta + p["sigma_r"] * rng.standard_t(p["nu_r"], ROWS)


def _beta(rng: np.random.Generator, eta: np.ndarray, p: Truth) -> np.ndarray:
    mean, precision = 1 / (1 + np.exp(-eta)), p["precision_r"]
    return np.clip(rng.beta(mean * precision, (1 - mean) * precision), 1e-12, 1 - 1e-12)


CALIBRATED: Mapping[str, tuple[str, str, Responses, Mapping[str, Callable[[np.random.Generator], float]]]] = {
    "negative_binomial": (
        "{type: count, family: negative_binomial}",
        "shape: 'Gamma(2, 1)'",
        _negative_binomial,
        {"shape_r": lambda rng: rng.gamma(2, 1)},
    ),
    "hurdle_poisson": (
        "{type: count, family: hurdle_poisson}",
        "zero: 'Beta(2, 3)'",
        _hurdle,
        {"zero_r": lambda rng: rng.beta(2, 3)},
    ),
    "weibull, censored": (
        "{type: positive, family: weibull, censored: how}",
        "shape: 'LogNormal(0, 0.5)'",
        _weibull,
        {"shape_r": lambda rng: rng.lognormal(0, 0.5)},
    ),
    "student_t": (
        "{type: continuous, family: student_t}",
        "sigma: 'Exponential(1)', nu: 'Gamma(2, 0.5)'",
        _student_t,
        {"sigma_r": lambda rng: rng.exponential(1), "nu_r": lambda rng: rng.gamma(2, 2)},
    ),
    "beta": (
        "{type: proportion, family: beta}",
        "precision: 'Gamma(4, 0.5)'",
        _beta,
        {"precision_r": lambda rng: rng.gamma(4, 2)},
    ),
}


def calibration(name: str, simulations: int) -> tuple[list[float], int]:
    """The p-value of uniform ranks for each parameter (Talts et al.

    2018), and how often there were no draws.
    """
    node, priors, respond, auxiliaries = CALIBRATED[name]
    rng = np.random.default_rng(10)
    bound = {"how": np.where(np.arange(ROWS) % 4 == 0, "right", "none")} if "censored" in name else {}
    first = np.clip(
        respond(rng, np.full(ROWS, 0.5), dict.fromkeys(auxiliaries, 1.0) | {"zero_r": 0.3}), 0, 1e6
    )
    case, piece = on_x(node, f"{COMMON}, {priors}", first, **bound)
    table, centre = dict(case.table(piece)), (piece.equation.terms[0].centre or (0.0,))[0]
    ranks, without = [], 0
    for _ in range(simulations):
        truth = {symbol: draw(rng) for symbol, draw in {**BETAS, **auxiliaries}.items()}
        response = respond(rng, truth["alpha_r"] + truth["beta_r_x"] * (X - centre), truth)
        if bound:  # by an end of its own for each row
            end = np.exp(0.5) * rng.exponential(1.5, ROWS) + 0.05
            table["how"], response = np.where(response < end, "none", "right"), np.minimum(response, end)
        table["r"] = response
        draws = draw_by_importance(
            piece.model, table, Sampling(draws=99, chains=1, seed=int(rng.integers(1 << 30)))
        )
        if draws is None:
            without += 1
            continue
        ranks.append([int((draws.values[s] < value).sum()) for s, value in truth.items()])
    counts = [np.bincount(np.asarray(each) // 10, minlength=10) for each in np.array(ranks).T]
    return [float(stats.chisquare(c).pvalue) for c in counts], without


@pytest.mark.parametrize(
    ("name", "simulations"),
    [
        ("negative_binomial", 250),
        *(pytest.param(n, 250, marks=pytest.mark.slow) for n in list(CALIBRATED)[1:]),
    ],
)
def test_simulation_based_calibration(name: str, simulations: int) -> None:
    pvalues, without = calibration(name, simulations)
    assert min(pvalues) > 1e-4
    assert without <= 0.02 * simulations


def test_calibration_sees_a_wrong_density(monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative binomial without the part of its density that no predictor enters."""

    def without_shared(factor: density.Factor, fewest: int = 0) -> density.Factor:
        return factor if factor.predictors else replace(factor, weights=0.0 * factor.weights)

    monkeypatch.setattr(density, "merged", without_shared)
    pvalues, _ = calibration("negative_binomial", 80)
    assert min(pvalues) < 1e-8
