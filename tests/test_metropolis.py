"""The Metropolis engine: its density is the program's, its draws are the posterior's."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from dagreg.engines.draws import convergence
from dagreg.engines.metropolis import (
    Proposal,
    chains,
    draw_by_metropolis,
    fitted,
    laplace,
    mixed,
    settled,
    stationary,
)
from dagreg.engines.nuts import sample
from dagreg.engines.store import seeded
from dagreg.engines.target import BLOCK, ROWS, Target, target_of
from dagreg.families import ordinal
from dagreg.families.successes import logit, softplus, total_logit
from dagreg.model.plan import Model
from dagreg.model.response import starting_cutpoints
from dagreg.numerics.importance import derivatives
from dagreg.optimise.types import Piece
from dagreg.spec.types import Sampling
from tests.optimising import DATA, Optimised, densities, notes, optimised, points

SE = 4.5  # Monte Carlo standard errors
SAMPLING = Sampling(draws=2_000, chains=4, seed=7)
NODES = (
    "nodes: {{z: binary, x: continuous, {node}}}\nedges: ['z -> x', 'x, z -> {name}']\neffect: x -> {name}\n"
)


def regression(node: str, name: str, more: str = "") -> str:
    return NODES.format(node=f"{name}: {node}", name=name) + more


COUNT = "{{type: count, family: binomial, trials: {n}}}"
CASES = {
    "bernoulli, logit": regression("binary", "b"),
    "bernoulli, probit": regression("binary", "b", "regressions: {b: {link: probit}}"),
    "bernoulli, cloglog": regression("binary", "b", "regressions: {b: {link: cloglog}}"),
    "binomial, logit": regression(COUNT.format(n="n"), "s"),
    "binomial, probit": regression(COUNT.format(n="n"), "s", "regressions: {s: {link: probit}}"),
    "binomial, cloglog": regression(COUNT.format(n=9), "s", "regressions: {s: {link: cloglog}}"),
    "poisson": regression("count", "c"),
    "poisson with exposures": regression("{type: count, offset: e}", "c"),
    "exponential": regression("{type: positive, family: exponential}", "pos"),
    "categorical": regression("categorical", "g"),
    "categorical on levels": "nodes: {x: continuous, g: categorical, k: {type: categorical}}\n"
    "edges: ['x -> k', 'x, k -> g']\neffect: k -> g\n",
    "ordinal, logit": regression("{type: ordinal, levels: [0, 1, 2]}", "k"),
    "ordinal, probit": regression(
        "{type: ordinal, levels: [0, 1, 2]}", "k", "regressions: {k: {link: probit}}"
    ),
    "ordinal on groups of rows": "nodes: {z: binary, d: binary, k: {type: ordinal, levels: [0, 1, 2]}}\n"
    "edges: ['z -> d', 'z, d -> k']\neffect: d -> k\n",
    "counts of groups of rows": "edges: ['g, z -> d', 'g, z, d -> b']\neffect: d -> b\n",
    "weights": "nodes: {z: binary, w: binary, s: {type: count, family: binomial, trials: n}, k: {type: "
    "ordinal, "
    "levels: [0, 1, 2]}}\nedges: [z -> k -> s]\neffect: z -> s\n",
    "interactions": regression("binary", "b", "regressions: {b: {interactions: ['x:z']}}"),
    "levels without an intercept": "edges: ['g -> x', 'x, g -> b']\neffect: x -> b\n"
    "regressions: {b: {coding: index}}\n",
    "priors": regression(
        "binary",
        "b",
        "regressions: {b: {priors: {x: 'Normal(0.1, 0.5)', z: Flat, intercept: 'Normal(1, 2)'}}}",
    ),
}


def the_piece(text: str, data: Any = None) -> tuple[Optimised, Piece]:
    """Of a chain the mediator's, whose rows have weights."""
    chain = "k -> s" in text
    case = optimised(text, "chain" if chain else "adjusted", data)
    return case, case.pieces[0 if chain else -1]


def as_points(model: Model, at: list[dict[str, Any]]) -> np.ndarray:
    """Points of the target from values by symbol."""
    (equation,) = model.equations
    return np.array([np.concatenate([np.ravel(p[s]) for s in equation.coefficient_symbols]) for p in at])


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_the_programs(name: str) -> None:
    case, piece = the_piece(CASES[name])
    assert piece.engine == "metropolis", piece.notes
    at = points(piece.model, 6)
    table = case.table(piece)
    theirs = densities(case.program, piece.model, table, at)
    gap = target_of(piece.model, table)(as_points(piece.model, at)) - theirs
    assert np.ptp(theirs) > 1
    exact = 1e-8 if name == "ordinal, probit" else 1e-9  # PyMC's takes the root of 2 in single precision
    assert np.ptp(gap) <= exact * np.abs(theirs).max()


@pytest.mark.parametrize(("link", "cdf"), [("logit", stats.logistic.cdf), ("probit", stats.norm.cdf)])
def test_the_levels_of_an_ordinal_response(link: str, cdf: Any) -> None:
    """Against differences of SciPy's distribution functions, and in a tail where those lose every digit."""
    rng = np.random.default_rng(11)
    eta, cuts = rng.normal(size=(40, 3)), np.sort(rng.normal(size=(4, 3)), axis=0)
    codes = rng.integers(0, 5, 40)
    ends = np.concatenate([np.full((1, 3), -np.inf), cuts, np.full((1, 3), np.inf)])
    plain = np.log(cdf(ends[codes + 1] - eta) - cdf(ends[codes] - eta))
    np.testing.assert_allclose(ordinal.log_likelihood(link, codes, eta, cuts), plain, rtol=1e-10)
    far = ordinal.log_likelihood(
        link, np.array([1, 1]), np.array([[30.0], [-30.0]]), np.array([[-0.5], [0.5]])
    )
    upper = stats.logistic.logsf(29.5) if link == "logit" else stats.norm.logsf(29.5)
    share = np.log1p(-np.exp(-1)) if link == "logit" else 0.0  # the rest is beyond 30.5
    np.testing.assert_allclose(far[:, 0], upper + share, rtol=1e-9)
    assert ordinal.log_likelihood(link, codes, eta, cuts[::-1]).max() == -np.inf


def test_rows_and_points_beyond_a_block() -> None:
    """Blocks of rows and of points give the sums of a plain computation, with threads and without."""
    rng = np.random.default_rng(1)
    rows = 3 * ROWS + 17
    x, b = rng.normal(size=rows), rng.integers(0, 2, rows)
    case = optimised(
        "nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b", data={"x": x, "b": b}
    )
    target = target_of(case.pieces[0].model, case.table(case.pieces[0]))
    at = rng.normal(size=(BLOCK // ROWS + 300, 2))
    (term,) = case.pieces[0].equation.terms
    eta = at[:, 0] + (x[:, None] - term.centre[0]) * at[:, 1]
    priors = sum(stats.norm(*map(float, p.arguments)).logpdf(at[:, i]) for i, p in enumerate(target.priors))
    plain = (b[:, None] * eta - np.logaddexp(0, eta)).sum(axis=0) + priors
    gap = target(at) - plain
    assert np.ptp(gap) < 1e-11 * np.abs(plain).max()


def test_the_sum_of_a_block_of_trials() -> None:
    rng = np.random.default_rng(2)
    eta = np.concatenate([rng.normal(0, 5, (ROWS - 2, 4)), np.full((1, 4), 900.0), np.full((1, 4), -900.0)])
    successes = rng.integers(0, 2, (ROWS, 1)).astype(float)
    np.testing.assert_allclose(
        total_logit(successes, eta), logit(successes, eta, np.ones((ROWS, 1))).sum(axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(softplus(eta), np.logaddexp(0, eta), rtol=1e-14)
    near_none = np.zeros((ROWS, 2))  # every factor is 2
    np.testing.assert_allclose(total_logit(successes, near_none), -ROWS * np.log(2), rtol=1e-12)


# ------------------------------------------------------------ the proposal


def normal_target(mean: np.ndarray, root: np.ndarray) -> Any:
    inverse = np.linalg.inv(root)
    return lambda at: -0.5 * (((at - mean) @ inverse.T) ** 2).sum(axis=1)


def test_the_scale_of_a_normal() -> None:
    """From coordinates that are far from round."""
    rng = np.random.default_rng(3)
    mean, root = rng.normal(0, 50, 6), np.tril(rng.normal(size=(6, 6))) + 3 * np.eye(6)
    centre, spread = settled(normal_target(mean, root), mean, np.diag([1e-3, 1.0, 1e3, 1.0, 10.0, 0.1]))
    np.testing.assert_array_equal(centre, mean)
    np.testing.assert_allclose(spread @ spread.T, root @ root.T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_the_mode_and_the_curvature_there(name: str) -> None:
    """Against differences of the log posterior itself."""
    case, piece = the_piece(CASES[name])
    target = target_of(piece.model, case.table(piece))
    centre, root = laplace(target)
    height = float(target(centre[None])[0])
    gradient, curvature = derivatives(target, centre, root, height, 0.02)
    assert np.abs(gradient).max() < 0.01
    np.testing.assert_allclose(curvature, np.eye(len(centre)), atol=0.1)


def test_no_mode_is_found_where_there_is_none() -> None:
    """Separated rows under a flat prior: the likelihood rises for ever."""
    x = np.array([-2.0, -1.0, 1.0, 2.0] * 4)
    data = {"x": x, "b": (x > 0).astype(int)}
    text = (
        "nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b\nregressions: {b: {priors: {x: "
        "Flat}}}"
    )
    case = optimised(text, data=data)
    (piece,) = case.pieces
    assert piece.engine == "metropolis"
    assert draw_by_metropolis(piece.model, case.table(piece), SAMPLING) is None


def test_a_chain_stays_as_all_pairs_say() -> None:
    weights = np.random.default_rng(4).normal(0, 1.5, 300)
    w = np.exp(weights)
    plain = 1 - np.minimum(1, w[None, :] / w[:, None]).mean(axis=1)
    share, staying = stationary(weights)
    np.testing.assert_allclose(staying, plain, atol=1e-12)
    np.testing.assert_allclose(share, w / w.sum(), rtol=1e-12)
    np.testing.assert_allclose(stationary(np.zeros(5))[1], 0, atol=1e-15)


def test_a_proposal_is_moved_to_the_posterior() -> None:
    rng = np.random.default_rng(5)
    mean, root = np.array([1.0, -2.0]), np.array([[2.0, 0.0], [1.0, 0.5]])
    start = Proposal(mean + 0.5, 1.3 * root, 10.0)
    at, density = start.draw(rng, 40_000)
    moved = fitted(start, at, normal_target(mean, root)(at) - density)
    np.testing.assert_allclose(moved.centre, mean, atol=0.08)
    np.testing.assert_allclose(moved.root @ moved.root.T, root @ root.T, rtol=0.08, atol=0.02)


def test_few_weighted_draws_move_nothing() -> None:
    start = Proposal(np.zeros(3), np.eye(3), 10.0)
    at, _ = start.draw(np.random.default_rng(6), 100)
    assert fitted(start, at, np.r_[np.full(99, -1e3), 0.0]) is start


def test_a_target_that_no_proposal_fits_is_given_up() -> None:
    """Mass that lies far out in the proposal's tail, in many dimensions."""
    target = normal_target(np.zeros(20), np.eye(20))
    assert chains(target, np.full(20, 4.0), np.eye(20), 4, 100, np.random.default_rng(7)) is None


# ------------------------------------------------------------ the draws


def near(values: np.ndarray, mean: float, sd: float, least: float = 0.6) -> None:
    """Chains x draws, within Monte Carlo error of a mean and an sd."""
    ess, r_hat = convergence(values)
    assert r_hat < 1.01
    assert ess > least * values.size
    assert abs(values.mean() - mean) < SE * sd / float(ess) ** 0.5
    kurtosis = stats.kurtosis(values.ravel())
    assert abs(values.std() - sd) < SE * sd * ((kurtosis + 2) / (4 * float(ess))) ** 0.5


def test_a_skewed_posterior_by_quadrature() -> None:
    """Nine rows, one success: an intercept and a slope whose posterior is far from Normal."""
    data = {"x": np.arange(9.0) - 4, "b": np.array([0] * 8 + [1])}
    case = optimised("nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b", data=data)
    (piece,) = case.pieces
    target = target_of(piece.model, case.table(piece))
    found = draw_by_metropolis(piece.model, case.table(piece), replace(SAMPLING, draws=10_000))
    draws = [found.values[s] for s in piece.equation.coefficient_symbols]
    low, high = ([float(d.mean() + side * 12 * d.std()) for d in draws] for side in (-1, 1))
    a, b = (np.linspace(lo, hi, 801) for lo, hi in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1)
    height = target(grid.reshape(-1, 2)).reshape(801, 801)
    mass = np.exp(height - height.max())
    whole = integrate.trapezoid(integrate.trapezoid(mass, b), a)
    for i, values in enumerate(draws):
        mean = integrate.trapezoid(integrate.trapezoid(mass * grid[..., i], b), a) / whole
        square = integrate.trapezoid(integrate.trapezoid(mass * grid[..., i] ** 2, b), a) / whole
        near(values, mean, (square - mean**2) ** 0.5)
        marginal = integrate.trapezoid(mass, (b, a)[i], axis=1 - i)
        cumulative = integrate.cumulative_trapezoid(marginal, (a, b)[i], initial=0)
        ess = float(convergence(values)[0])
        kept = values.ravel()[:: max(int(np.ceil(values.size / ess)), 1)]
        axis = (a, b)[i]
        assert (
            stats.kstest(kept, lambda v, axis=axis, c=cumulative: np.interp(v, axis, c / c[-1])).pvalue > 1e-4
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["binomial, logit", "poisson with exposures", "categorical", "ordinal, probit"]
)
def test_the_draws_are_those_of_nuts(name: str) -> None:
    case, piece = the_piece(CASES[name])
    table = case.table(piece)
    ours = draw_by_metropolis(piece.model, table, SAMPLING)
    theirs = sample(case.program, piece.model, table, replace(SAMPLING, tune=1_000))
    assert set(ours.values) == set(theirs.values)
    for symbol, values in ours.values.items():
        other = theirs.values[symbol]
        assert values.shape == other.shape
        own, ess = convergence(values)[0], convergence(other)[0]
        error = np.sqrt(values.var(axis=(0, 1)) / own + other.var(axis=(0, 1)) / ess)
        assert (np.abs(values.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) < SE * error).all()
        ratio = np.log(values.std(axis=(0, 1)) / other.std(axis=(0, 1)))
        assert (np.abs(ratio) < SE * np.sqrt(1 / own + 1 / ess)).all()  # tails hardly heavier than a Normal's


def test_chains_and_seeds() -> None:
    case, piece = the_piece(CASES["bernoulli, logit"])
    one, two = (draw_by_metropolis(piece.model, case.table(piece), SAMPLING) for _ in range(2))
    other = draw_by_metropolis(piece.model, case.table(piece), replace(SAMPLING, seed=8))
    for symbol, values in one.values.items():
        assert values.shape == (4, 2_000)
        np.testing.assert_array_equal(values, two.values[symbol])
        assert not np.array_equal(values, other.values[symbol])
        assert not np.array_equal(values[0], values[1])


def test_the_order_of_rows_hardly_moves_the_draws() -> None:
    """Databases give rows in orders of their own: sums then differ in their last digits."""
    case, piece = the_piece(CASES["bernoulli, logit"])
    table = case.table(piece)
    turned = {name: np.asarray(table[name])[::-1].copy() for name in table}
    one, two = (draw_by_metropolis(piece.model, rows, SAMPLING) for rows in (table, turned))
    for symbol, values in one.values.items():
        np.testing.assert_allclose(values, two.values[symbol], rtol=1e-9, atol=1e-9 * values.std())


@pytest.mark.parametrize("sd", [20.0, 100.0])
def test_a_cliff_beside_a_long_slope(sd: float) -> None:
    """Every row of a level succeeds: its coefficient is all but its prior's upper half (by quadrature)."""
    z = np.repeat([0, 1], 30)
    data = {"z": z, "b": np.where(z == 1, 1, np.arange(60) % 2)}
    priors = f"{{intercept: 'Normal(0, 5)', z: 'Normal(0, {sd})'}}"
    text = (
        f"nodes: {{z: binary, b: binary}}\nedges: [z -> b]\neffect: z -> b\nregressions: "
        f"{{b: {{priors: {priors}}}}}"
    )
    case, piece = the_piece(text, data)
    target = target_of(piece.model, case.table(piece))
    a, b = np.linspace(-3, 3, 801), np.linspace(-5, 7 * sd, 8_001)
    grid = np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1).reshape(-1, 2)
    height = target(grid).reshape(801, 8_001)
    marginal = integrate.trapezoid(np.exp(height - height.max()), a, axis=0)
    mean, square = (
        integrate.trapezoid(marginal * b**k, b) / integrate.trapezoid(marginal, b) for k in (1, 2)
    )
    for seed in range(5):
        found = draw_by_metropolis(piece.model, case.table(piece), replace(SAMPLING, seed=seed))
        assert found is not None or sd > 20  # what no t follows is left to NUTS
        if found is not None:
            near(found.values["beta_b_z"], mean, (square - mean**2) ** 0.5, least=0.1)


def test_chains_that_lie_are_not_kept() -> None:
    rng = np.random.default_rng(12)
    good = rng.normal(size=(4, 1_000, 2))
    assert mixed(good)
    apart, stuck = good.copy(), good.copy()
    apart[0, :, 1] += 0.5
    stuck[2, 300:700, 0] = 4.0
    assert not mixed(apart)
    assert not mixed(stuck)
    assert all(mixed(rng.normal(size=(1, 200, 3))) for _ in range(200))  # short chains that agree
    assert mixed(rng.normal(size=(1, 10, 3)))  # too short to tell


def test_pieces_that_fall_back_have_seeds_of_their_own() -> None:
    """NUTS from one seed draws the same from equal posteriors, which are independent."""
    case = optimised(
        "nodes: {z: binary, d: binary, b: binary}\nedges: [z -> d -> b]\neffect: z -> b", "chain"
    )
    assert [p.engine for p in case.pieces] == ["metropolis", "metropolis"]
    one, two = (seeded(piece, SAMPLING, whole=False).seed for piece in case.pieces)
    assert one != two


def ordinal_of(*counts: int) -> tuple[Optimised, Piece]:
    """A regression of four levels, so many rows of each, on x."""
    levels = np.array(["low", "mid", "high", "top"])
    k = np.random.default_rng(13).permutation(np.repeat(levels, counts))
    nodes = "nodes: {x: continuous, k: {type: ordinal, levels: [low, mid, high, top]}}\n"
    return the_piece(f"{nodes}edges: [x -> k]\neffect: x -> k\n", {"x": DATA["x"], "k": k})


def test_levels_with_few_rows() -> None:
    """No warning reaches a user."""
    case, piece = ordinal_of(28, 1, 30, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = draw_by_metropolis(piece.model, case.table(piece), SAMPLING)
    assert found is not None
    assert (np.diff(found.values["alpha_k"], axis=-1) > 0).all()


@pytest.mark.slow
def test_a_level_without_rows() -> None:
    """The mode lies where two cutpoints meet: NUTS takes over, from cutpoints that are in ascending order."""
    case, piece = ordinal_of(30, 0, 29, 1)
    assert (np.diff(starting_cutpoints(piece.equation, piece.model.variables["k"])) > 0).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_by_metropolis(piece.model, case.table(piece), SAMPLING) is None
    found = sample(
        case.program, piece.model, case.table(piece), replace(SAMPLING, draws=100, tune=300, chains=1)
    )
    assert (np.diff(found.values["alpha_k"], axis=-1) > 0).all()


def test_simulation_based_calibration() -> None:
    """Over the prior, the truth's rank among the draws is uniform (Talts et al. 2018)."""
    case, piece = the_piece(CASES["bernoulli, logit"])
    table = dict(case.table(piece))
    target = target_of(piece.model, table)
    rng, ranks = np.random.default_rng(9), []
    scale = np.array([float(p.arguments[1]) for p in target.priors])
    design = np.column_stack([np.ones(len(DATA["x"])), *(_column(t, table) for t in piece.equation.terms)])
    for _ in range(200):
        truth = rng.normal(0, scale)
        table["b"] = (rng.random(len(design)) < 1 / (1 + np.exp(-design @ truth))).astype(int)
        found = draw_by_metropolis(
            piece.model, table, Sampling(draws=99, chains=1, seed=int(rng.integers(1 << 30)))
        )
        draws = np.stack([found.values[s][0] for s in piece.equation.coefficient_symbols])
        ranks.append((draws < truth[:, None]).sum(axis=1))
    for each in np.array(ranks).T:
        counts = np.bincount(np.asarray(each) // 10, minlength=10)
        assert stats.chisquare(counts).pvalue > 1e-4


def _column(term: Any, table: Any) -> np.ndarray:
    return np.asarray(table[term.name], dtype=float) - (term.centre[0] if term.centre else 0.0)


# ------------------------------------------------------------ which regressions


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (regression("{type: positive, family: gamma}", "pos"), "not known to be concave"),
        (regression("count", "c", "regressions: {c: {link: softplus}}"), "not known to be concave"),
        (
            regression("binary", "b", "regressions: {b: {priors: {x: 'StudentT(3, 0, 1)'}}}"),
            "StudentT(3, 0, 1)",
        ),
        (regression("binary", "b", "regressions: {b: {priors: {x: 'Laplace(0, 1)'}}}"), "Laplace(0, 1)"),
        (
            "nodes: {x: continuous, g: group, b: binary}\nedges: ['x, g -> b']\neffect: x -> b\n",
            "vary between the levels of g",
        ),
    ],
)
def test_what_it_does_not_solve(text: str, why: str) -> None:
    _, piece = the_piece(text)
    assert "metropolis" not in piece.engines
    assert notes(piece)["concave"] is False
    assert any(why in note.why for note in piece.notes if note.step == "concave")


def test_targets_hold_no_array_of_rows_times_points() -> None:
    import tracemalloc

    rows, count = 200_000, 4_000
    rng = np.random.default_rng(10)
    data = {"x": rng.normal(size=rows), "b": rng.integers(0, 2, rows)}
    case = optimised("nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b", data=data)
    target: Target = target_of(case.pieces[0].model, case.table(case.pieces[0]))
    at = 0.01 * rng.normal(size=(count, 2))
    tracemalloc.start()
    target(at)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20 < rows * count * 8
