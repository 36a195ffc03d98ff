"""Mixed models that are not Gaussian, by quadrature: integrals by brute force, calibration, NUTS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg, special, stats

from dagreg.engines import between, quadrature
from dagreg.engines.draws import convergence
from dagreg.engines.marginal import Near, Peak, marginal_of
from dagreg.engines.nuts import sample
from dagreg.engines.quadrature import Integrated, draw_by_quadrature, integrated_of
from dagreg.model.design import positions
from dagreg.numerics import importance
from dagreg.numerics.importance import independent_draws, mode
from dagreg.numerics.surrogate import draws_by_surrogate
from dagreg.spec.types import Sampling
from tests.optimising import Optimised, optimised

ROWS, LEVELS = 30, 4
EXACT = 1e-8
ERRORS = 4.5  # standard errors that two simulations may be apart

SPEC = """
nodes: {{x: continuous, y: {type}, g: group}}
edges: [x -> y, g -> y]
effect: x -> y
regressions:
  y: {{{said}}}
"""


def responses(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Of every type, as the nodes below name them."""
    share = rng.beta(2, 2, ROWS)
    return {
        "binary": rng.integers(0, 2, ROWS),
        "counts": rng.poisson(3, ROWS),
        "successes": rng.binomial(7, 0.4, ROWS),
        "positive": rng.gamma(2, 1.5, ROWS),
        "share": share,
        "number": rng.standard_t(3, ROWS),
        "stage": np.array(["a", "b", "c", "d"])[rng.integers(0, 4, ROWS)],
    }


NODES = {
    "bernoulli": ("binary", "binary"),
    "bernoulli, probit": ("binary", "{type: binary, link: probit}"),
    "poisson": ("counts", "{type: count}"),
    "negative binomial": ("counts", "{type: count, family: negative_binomial}"),
    "zero inflated": ("counts", "{type: count, family: zero_inflated_poisson}"),
    "binomial": ("successes", "{type: count, family: binomial, trials: n}"),
    "beta binomial": ("successes", "{type: count, family: beta_binomial, trials: n}"),
    "gamma": ("positive", "{type: positive, family: gamma}"),
    "weibull": ("positive", "{type: positive, family: weibull}"),
    "beta": ("share", "{type: proportion, family: beta}"),
    "student t": ("number", "{type: continuous, family: student_t}"),
    "ordinal": ("stage", "{type: ordinal, levels: [a, b, c, d]}"),
    "offset": ("counts", "{type: count, offset: exposure}"),
    "equal rows": ("binary", "binary"),
    "censored": ("positive", "{type: positive, family: weibull, censored: how}"),
}
INTERCEPTS, SLOPES = "", "varying: {g: [intercept, x]}"


def case_of(name: str, said: str = INTERCEPTS, seed: int = 3) -> tuple[Optimised, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    column, node = NODES[name]
    data = {"x": rng.normal(1, 1, ROWS), "g": rng.integers(0, LEVELS, ROWS), "n": np.full(ROWS, 7)}
    data["exposure"] = rng.uniform(0.5, 3, ROWS)
    data["y"] = responses(rng)[column]
    data["how"] = np.array(["none", "right"])[(np.arange(ROWS) % 3 == 0).astype(int)]
    if name == "equal rows":
        data["x"] = rng.integers(0, 2, ROWS)
    return optimised(SPEC.format(type=node, said=said), data=data), data


def target_of(case: Optimised) -> tuple[Integrated, np.ndarray]:
    (piece,) = case.pieces
    width = len(piece.equation.varying[0].deviations)
    assert (piece.engines[0] == "quadrature") == (width <= quadrature.MAX_WIDTH), piece.notes
    target, start, _ = integrated_of(piece.model, case.table(piece))
    return target, start


def brute_force(case: Optimised, data: dict[str, Any], target: Integrated, point: np.ndarray) -> float:
    """The log likelihood from SciPy's distributions and a fine grid of deviations, all rows one by one."""
    (equation,) = case.model.equations
    values, factors = target.parameters(point[None])
    root, family = factors[0], equation.family
    width = len(root)
    line = np.linspace(-9, 9, 4_001 if width == 1 else 221)
    grid = np.stack(np.meshgrid(*[line] * width, indexing="ij"), axis=-1).reshape(-1, width)
    own = grid @ root.T
    weights = stats.norm.logpdf(grid).sum(axis=1) + width * np.log(line[1] - line[0])
    cuts = len(equation.levels) - 1 if family.predictor == "ordered" else 0
    coefficients, others = values[0][: cuts + 2 - bool(cuts)], values[0][cuts + 2 - bool(cuts) :]
    slope = coefficients[-1]
    x = data["x"] - np.array(equation.terms[0].centre)
    p: dict[str, Any] = {a.name: v for a, v in zip(equation.auxiliaries, others, strict=True)}
    p["trials"] = np.array(7.0)
    total = 0.0
    for level in equation.varying[0].levels:
        height = weights.copy()
        for i in np.flatnonzero(data["g"] == level):
            eta = x[i] * slope + own[:, 0] + (own[:, 1] * x[i] if width == 2 else 0.0)
            if cuts:
                code = positions(np.array([data["y"][i]]), equation.levels)
                cutpoints = np.repeat(coefficients[:cuts, None], len(eta), axis=1)
                height += family.log_likelihood[equation.link.name](code, eta[None], cutpoints)[0]
                continue
            eta = eta + coefficients[0]
            if equation.offset is not None:
                eta = eta + np.log(data["exposure"][i])
            law = family.law(equation.link.inverse(eta), p)
            density = law.logpmf if hasattr(law, "logpmf") and family.discrete else law.logpdf
            if equation.censoring is not None and data["how"][i] == "right":
                density = law.logsf
            height += density(data["y"][i])
        total += special.logsumexp(height)
    return total


@pytest.mark.parametrize("said", [INTERCEPTS, SLOPES], ids=["intercepts", "slopes"])
@pytest.mark.parametrize("name", NODES)
def test_the_likelihood_is_that_of_brute_force(name: str, said: str) -> None:
    """Up to a constant, at points with small and large sds and correlations."""
    case, data = case_of(name, said)
    target, start = target_of(case)
    points = start + 0.7 * np.random.default_rng(1).normal(size=(3, len(start)))
    points[1, target.folded[0]] = 0.02
    values, factors = target.parameters(points)
    ours = target.marginal.log_likelihood(values, factors, 61 if said == INTERCEPTS else 31, target.near)
    theirs = np.array([brute_force(case, data, target, point) for point in points])
    assert np.ptp(theirs) > 0.5
    assert np.ptp(ours - theirs) < EXACT * np.abs(theirs).max()


def test_levels_without_rows_add_nothing() -> None:
    """The integral of a level of which there are no rows is that of its prior, 1."""
    case, _ = case_of("bernoulli")
    target, start = target_of(case)
    marginal = marginal_of(target.posterior.factors, LEVELS + 1, 1, sign=1.0)
    values, factors = target.parameters(start[None])
    given = marginal.given(values, factors)
    near = marginal.near(given, np.zeros((1, LEVELS + 1, 1)))
    integrals = marginal.integrals(given, marginal.peak(given, near), target.nodes)
    np.testing.assert_allclose(integrals[-1], 0.0, atol=1e-12)
    ours = target.marginal.log_likelihood(values, factors, target.nodes, target.near)
    np.testing.assert_allclose(integrals.sum(axis=0), ours, rtol=1e-6)


@pytest.mark.parametrize("name", ["poisson", "bernoulli", "negative binomial", "gamma"])
@pytest.mark.parametrize("said", [INTERCEPTS, SLOPES], ids=["intercepts", "slopes"])
def test_maxima_are_found_from_afar(name: str, said: str) -> None:
    """Newton's steps from predictors 12 sds off, where rates overflow or likelihoods are flat."""
    case, _ = case_of(name, said)
    target, start = target_of(case)
    given = target.given(start + np.random.default_rng(2).normal(size=(6, len(start))))
    first = target.marginal.peak(given, target.near).place
    flat = tuple((np.zeros_like(weight), before) for weight, before in target.near.by_row)
    for side in (-12.0, 12.0):
        afar = Near(np.zeros_like(target.near.bend), np.full_like(target.near.pull, side), flat)
        np.testing.assert_allclose(target.marginal.peak(given, afar).place, first, atol=0.02)


# ------------------------------------------------------------ polynomials that stand for the density


def test_a_covariances_coordinates_are_the_entries_of_its_logarithm() -> None:
    """Of I plus the covariance in its units; where sds are near 0 too."""
    case, _ = case_of("poisson", SLOPES)
    target, start = target_of(case)
    points = start + np.random.default_rng(5).normal(size=(4, len(start)))
    points[2, list(target.folded)] = 1e-5, 0.0
    found = target.between.logarithms(points[:, target.own :])
    _, factors = target.parameters(points)
    for entries, factor in zip(found, factors, strict=True):
        scaled = factor / target.between.units[0][:, None]
        expected = linalg.logm(np.eye(2) + scaled @ scaled.T).real
        np.testing.assert_allclose(entries, expected[np.tril_indices(2)], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_draws_of_a_polynomial_are_those_of_the_density() -> None:
    """Of its coordinates: distributions within Monte Carlo error, whichever way they were drawn."""
    node, data = _stations()
    (piece,) = (case := optimised(SPEC.format(type=node, said=SLOPES), data=data)).pieces
    rng = np.random.default_rng(3)
    target, start, scale = integrated_of(piece.model, case.table(piece))
    place = mode(target, start, scale)
    assert place is not None
    by_polynomial = draws_by_surrogate(target, *place, 3_000, rng, target.folded, target.smooth)
    by_density = independent_draws(target, *place, 3_000, rng, target.folded)
    assert by_polynomial is not None
    assert by_density is not None
    for one, other in zip(by_polynomial.T, by_density.T, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 1e-4


# ------------------------------------------------------------ calibration

RANKS = 99
SIMULATIONS = {"bernoulli intercepts": 120, "negative binomial intercepts": 120}
SIMULATIONS |= {"bernoulli slopes": 60, "poisson slopes": 60}
OF_A_BUG = 70
PRIORS = "priors: {intercept: 'Normal(0.5, 1)', x: 'Normal(0, 0.7)', g: 'HalfNormal(1)'"


def _bernoulli(rng: np.random.Generator, eta: np.ndarray, p: dict[str, float]) -> np.ndarray:
    return rng.random(len(eta)) < special.expit(eta)


def _poisson(rng: np.random.Generator, eta: np.ndarray, p: dict[str, float]) -> np.ndarray:
    return rng.poisson(np.exp(eta))


def _negative_binomial(rng: np.random.Generator, eta: np.ndarray, p: dict[str, float]) -> np.ndarray:
    return rng.poisson(np.exp(eta) * rng.gamma(p["shape_y"], 1 / p["shape_y"], len(eta)))


CALIBRATED: dict[str, tuple[str, str, Callable[..., np.ndarray], dict[str, Callable[..., float]]]] = {
    "bernoulli intercepts": ("binary", PRIORS + "}", _bernoulli, {}),
    "negative binomial intercepts": (
        "{type: count, family: negative_binomial}",
        f"{PRIORS}, shape: 'Gamma(3, 1)'}}",
        _negative_binomial,
        {"shape_y": lambda rng: rng.gamma(3, 1)},
    ),
    "bernoulli slopes": ("binary", f"{PRIORS}}}, {SLOPES}", _bernoulli, {}),
    "poisson slopes": ("{type: count}", f"{PRIORS}}}, {SLOPES}", _poisson, {}),
}


def calibration(name: str, simulations: int, rows: int = 48, levels: int = 6) -> tuple[dict[str, float], int]:
    """How likely ranks as uneven as these are (Talts et al. 2018), by parameter, and how often there were no
    draws.

    Ranks become Normal scores. Their mean tells of draws that lie off, the sum of their squares of
    draws too wide or too narrow (Cook, Gelman and Rubin 2006): fewer simulations tell than by counts in bins.
    """
    node, said, respond, auxiliaries = CALIBRATED[name]
    rng = np.random.default_rng(17)
    x, g = rng.normal(0, 1, rows), rng.permutation(np.arange(rows) % levels)
    first = rng.integers(0, 2, rows) if node == "binary" else rng.poisson(2, rows)
    case = optimised(SPEC.format(type=node, said=said), data={"x": x, "g": g, "y": first})
    (piece,) = case.pieces
    assert piece.engines[0] == "quadrature", piece.notes
    varying, table = piece.equation.varying[0], dict(case.table(piece))
    centre = (piece.equation.terms[0].centre or (0.0,))[0]
    columns = np.column_stack([np.ones(rows), x - centre])
    size = len(varying.deviations)
    by, stds, *correlation = varying.parameters
    scores: dict[str, list[float]] = {}
    without = 0
    for _ in range(simulations):
        sds, root = np.abs(rng.normal(size=size)), np.eye(size)
        if size == 2:  # LKJ(2) of one correlation: (r + 1) / 2 is Beta(2, 2)
            r = 2 * rng.beta(2, 2) - 1
            root[1] = r, np.sqrt(1 - r * r)
        own = rng.normal(size=(levels, size)) @ (sds[:, None] * root).T
        truth = {symbol: draw(rng) for symbol, draw in auxiliaries.items()}
        coefficients = np.array([rng.normal(0.5, 1), rng.normal(0, 0.7)])
        eta = columns @ coefficients + (own[g] * columns[:, :size]).sum(axis=1)
        table["y"] = respond(rng, eta, truth).astype(np.int64)
        seed = int(rng.integers(1 << 30))
        draws = draw_by_quadrature(piece.model, table, Sampling(draws=RANKS, chains=1, seed=seed))
        if draws is None:
            without += 1
            continue
        values = draws.flat()
        seen = {"intercept": values["alpha_y"], "x": values["beta_y_x"], **{k: values[k] for k in truth}}
        known = {"intercept": coefficients[0], "x": coefficients[1], **truth}
        seen |= {f"sd {i}": values[stds].reshape(RANKS, -1)[:, i] for i in range(size)}
        known |= {f"sd {i}": sds[i] for i in range(size)}
        each = values[by].reshape(RANKS, levels, -1)
        seen |= {f"level {i}, {j}": each[:, i, j] for i in range(levels) for j in range(size)}
        known |= {f"level {i}, {j}": own[i, j] for i in range(levels) for j in range(size)}
        if correlation:
            seen["correlation"], known["correlation"] = values[correlation[0]][:, 1, 0], root[1, 0]
        for key, draw in seen.items():
            within = ((draw < known[key]).sum() + rng.random()) / (RANKS + 1)
            scores.setdefault(key, []).append(float(special.ndtri(within)))
    return {key: uneven(np.array(z)) for key, z in scores.items()}, without


def uneven(scores: np.ndarray) -> float:
    """The smaller of two p-values, doubled: of the mean of Normal scores, and of their sum of squares."""
    off = 2 * stats.norm.sf(abs(scores.sum()) / np.sqrt(len(scores)))
    spread = stats.chi2(len(scores))
    squares = float((scores**2).sum())
    return float(min(1.0, 2 * min(off, 2 * min(spread.cdf(squares), spread.sf(squares)))))


@pytest.fixture
def few_proposals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A t density is fitted to fewer of them: 100 draws need no better one, whose weights hold anyhow."""
    monkeypatch.setattr(importance, "PILOT", 200)
    monkeypatch.setattr(importance, "PILOT_EACH", 50)


@pytest.mark.slow
@pytest.mark.parametrize("name", CALIBRATED)
@pytest.mark.usefixtures("few_proposals")
def test_draws_are_calibrated(name: str) -> None:
    pvalues, without = calibration(name, SIMULATIONS[name])
    assert min(pvalues.values()) > 1e-4, pvalues
    assert without <= 0.05 * SIMULATIONS[name]


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["deviations", "integrals", "priors"])
@pytest.mark.usefixtures("few_proposals")
def test_calibration_catches_a_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deviations drawn too close to 0; integrals with a wrong scale; priors of sds that are too
    narrow.
    """
    if bug == "deviations":
        drawn = quadrature.drawn_deviations

        def shrunk(*arguments: Any) -> np.ndarray | None:
            deviations = drawn(*arguments)
            return None if deviations is None else 0.5 * deviations

        monkeypatch.setattr(quadrature, "drawn_deviations", shrunk)
    if bug == "integrals":
        scale = Peak.log_scale.fget
        monkeypatch.setattr(Peak, "log_scale", property(lambda self: 3 * scale(self)))
    if bug == "priors":
        prior = between.log_density
        monkeypatch.setattr(between, "log_density", lambda p, x: 9 * prior(p, x))
    pvalues, without = calibration("bernoulli intercepts", OF_A_BUG)
    assert min(pvalues.values(), default=0.0) < 1e-5 or without > OF_A_BUG / 2


def test_three_coefficients_that_vary_are_left_to_nuts() -> None:
    data = {
        "x": np.arange(40.0) % 7,
        "z": np.arange(40) % 3 / 2,
        "g": np.arange(40) % 8,
        "y": np.arange(40) % 5,
    }
    spec = SPEC.replace("x: continuous", "x: continuous, z: continuous").replace("x -> y,", "x -> y, z -> y,")
    for said, engine in ((SLOPES, "quadrature"), ("varying: {g: [intercept, x, z]}", "nuts")):
        (piece,) = optimised(spec.format(type="count", said=said), data=data).pieces
        assert piece.engines[0] == engine


# ------------------------------------------------------------ NUTS


def _tanks() -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(12)
    hunted, size = np.repeat([0, 1], 24), np.tile(np.repeat([10, 25, 35], 8), 2)
    eta = 2.5 - 2.2 * hunted + 0.8 * rng.normal(size=48)
    data = {"g": np.arange(48), "x": np.array(["no", "yes"])[hunted], "n": size}
    return "{type: count, family: binomial, trials: n}", data | {"y": rng.binomial(size, special.expit(eta))}


def _stations() -> tuple[str, dict[str, Any]]:
    """Intercepts and slopes of counts."""
    rng = np.random.default_rng(14)
    station, x = np.repeat(np.arange(15), 8), rng.normal(0, 1, 120)
    own = rng.normal(size=(15, 2)) @ np.array([[0.6, 0.0], [0.2, 0.3]]).T
    eta = 1.0 + 0.3 * x + own[station, 0] + own[station, 1] * x
    return "{type: count}", {"g": station, "x": x, "y": rng.poisson(np.exp(eta))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("story", "kind", "said"),
    [
        (_tanks, "binary", INTERCEPTS),
        (_stations, "continuous", SLOPES),
    ],
    ids=["tanks", "stations"],
)
def test_the_draws_are_those_of_nuts(
    story: Callable[[], tuple[str, dict[str, Any]]], kind: str, said: str
) -> None:
    """Means and sds of every parameter and deviation, within Monte Carlo error."""
    node, data = story()
    case = optimised(SPEC.replace("continuous", kind).format(type=node, said=said), data=data)
    (piece,) = case.pieces
    table = case.table(piece)
    ours = draw_by_quadrature(piece.model, table, Sampling(draws=4_000, chains=4, seed=7))
    theirs = sample(case.program, piece.model, table, Sampling(draws=2_000, chains=4, seed=8, tune=1_000))
    assert ours is not None
    assert list(ours.values) == list(theirs.values)
    for symbol, values in ours.values.items():
        other = theirs.values[symbol]
        assert values.shape[2:] == other.shape[2:], symbol
        own, ess = convergence(values, independent=True)[0], convergence(other)[0]
        error = np.sqrt(values.var(axis=(0, 1)) / own + other.var(axis=(0, 1)) / ess)
        assert (np.abs(values.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) <= ERRORS * error).all(), symbol
        moves = np.ptp(other, axis=(0, 1)) > 1e-9  # not the diagonal of a correlation matrix
        ratio = np.log(values.std(axis=(0, 1))[moves] / other.std(axis=(0, 1))[moves])
        heavy = np.maximum(stats.kurtosis(values[..., moves].reshape(-1, int(moves.sum()))), 0.0)
        spread = np.sqrt((heavy + 2) / 4 * (1 / own[moves] + 1 / ess[moves]))
        assert (np.abs(ratio) < ERRORS * spread).all(), symbol
