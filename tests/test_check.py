"""The doubts: point estimates, the jackknife, and when each warning speaks and when it keeps silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from dagreg import pipeline
from dagreg.doubts.checks import not_made
from dagreg.doubts.diagnostics import MAX_R_HAT, MIN_ESS, diagnose
from dagreg.doubts.disagreement import _jackknife, disagreements
from dagreg.doubts.dispersion import dispersion_doubts
from dagreg.doubts.fit import cell_doubts
from dagreg.doubts.influence import prior_doubts, variance_inflation
from dagreg.doubts.point import coefficients, design
from dagreg.effects.gformula import contrast_draws
from dagreg.engines.draws import Draws
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from tests.fitting import Columns, compiled, estimate_of, models_of, rows_of, spec_of

# ---------------------------------------------------------------- the posterior mode


def _table(rows: int = 150) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    x, z = rng.normal(2, 1, rows), rng.normal(size=rows)
    trials, exposure = rng.integers(1, 20, rows), rng.uniform(0.001, 0.02, rows)
    eta = -0.5 + 0.4 * x - 0.6 * z
    return {
        "x": x,
        "z": z,
        "g": rng.choice(["a", "b", "c"], rows),
        "y": eta + rng.normal(0, 0.7, rows),
        "d": (rng.random(rows) < special.expit(eta)).astype(int),
        "n": trials,
        "s": rng.binomial(trials, special.expit(eta)),
        "c": rng.poisson(np.exp(eta)),
        "e": exposure,
        "r": rng.poisson(1000 * exposure * np.exp(eta)),
    }


TABLE = _table()
_EDGES = "edges: [z -> x, g -> x, 'x, z, g -> {0}']\neffect: x -> {0}\n"
_COUNT = "nodes: {{x: continuous, z: continuous, g: categorical, {0}: {1}}}\n"
TIGHT = "regressions: {{{0}: {{priors: {{intercept: 'Normal(1, 0.5)', slopes: 'Normal(0.2, 0.1)'}}}}}}\n"
MODES: dict[str, tuple[str, str, Callable[[np.ndarray], np.ndarray]]] = {
    "bernoulli": (
        "d",
        "",
        lambda eta: TABLE["d"] * special.log_expit(eta) + (1 - TABLE["d"]) * special.log_expit(-eta),
    ),
    "binomial": (
        "s",
        "{type: count, family: binomial, trials: n}",
        lambda eta: stats.binom.logpmf(TABLE["s"], TABLE["n"], special.expit(eta)),
    ),
    "poisson": ("c", "count", lambda eta: stats.poisson.logpmf(TABLE["c"], np.exp(eta))),
    "poisson, small exposures": (
        "r",
        "{type: count, offset: e}",
        lambda eta: stats.poisson.logpmf(TABLE["r"], TABLE["e"] * np.exp(eta)),
    ),
}


def _columns() -> np.ndarray:
    return np.column_stack(
        [np.ones(len(TABLE["x"])), TABLE["x"], TABLE["z"], *(TABLE["g"] == level for level in ("b", "c"))]
    )


@pytest.mark.parametrize("tight", [False, True])
@pytest.mark.parametrize("name", MODES)
def test_iterated_least_squares_finds_the_posterior_mode(name: str, tight: bool) -> None:
    """The same point as a general optimiser on the log posterior written out."""
    response, kind, likelihood = MODES[name]
    spec = (_COUNT.format(response, kind) if kind else "") + _EDGES.format(response)
    priors = TIGHT if tight else TIGHT.replace("1, 0.5", "0, 50").replace("0.2, 0.1", "0, 50")
    model = models_of(spec + priors.format(response), TABLE)["adjusted"]
    means, sds = (np.array([1, 0.2, 0.2, 0.2, 0.2]), np.array([0.5, *[0.1] * 4])) if tight else (0.0, 50.0)
    columns = _columns()
    found = optimize.minimize(
        lambda beta: -likelihood(columns @ beta).sum() + (((beta - means) / sds) ** 2).sum() / 2,
        np.array([5.0 if response == "r" else 0.0, 0, 0, 0, 0]),
        method="BFGS",
        options={"gtol": 1e-6},
    )
    beta, sigma = coefficients(model.outcome, design(model, model.outcome, TABLE))
    np.testing.assert_allclose(beta, found.x, atol=2e-5)
    assert sigma == 1.0


def test_gaussian_points_are_least_squares() -> None:
    spec = _EDGES.format("y") + TIGHT.replace("1, 0.5", "0, 1e6").replace("0.2, 0.1", "0, 1e6").format("y")
    model = models_of(spec, TABLE)["adjusted"]
    beta, sigma = coefficients(model.outcome, design(model, model.outcome, TABLE))
    expected, residual, *_ = np.linalg.lstsq(_columns(), TABLE["y"], rcond=None)
    np.testing.assert_allclose(beta, expected, rtol=1e-6, atol=1e-9)
    assert sigma == pytest.approx(np.sqrt(residual[0] / (len(TABLE["y"]) - 5)), rel=1e-6)


def test_weights_are_repeated_rows() -> None:
    spec = _EDGES.format("y")
    model = models_of(spec, TABLE)["adjusted"]
    weights = np.random.default_rng(0).integers(0, 3, len(TABLE["y"]))
    repeated = {name: np.repeat(values, weights) for name, values in TABLE.items()}
    here = coefficients(model.outcome, design(model, model.outcome, TABLE), weights.astype(float))
    there = coefficients(model.outcome, design(model, model.outcome, repeated))
    np.testing.assert_allclose(here[0], there[0], rtol=1e-8)
    assert here[1] == pytest.approx(there[1])


def test_separated_classes_stay_finite() -> None:
    x = np.linspace(-2, 2, 40)
    data = {"x": x, "d": (x > 0).astype(int)}
    model = models_of("edges: [x -> d]\neffect: x -> d", data)["adjusted"]
    beta, _ = coefficients(model.outcome, design(model, model.outcome, data))
    assert np.isfinite(beta).all()
    assert 0 < beta[1] < 50


# ---------------------------------------------------------------- chain against adjusted


QUASI_MODES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "gamma": ("{type: positive, family: gamma}", lambda eta: -TABLE["v"] * np.exp(-eta) - eta),
    "exponential": ("{type: positive, family: exponential}", lambda eta: -TABLE["v"] * np.exp(-eta) - eta),
    "lognormal": ("{type: positive, family: lognormal}", lambda eta: -((np.log(TABLE["v"]) - eta) ** 2)),
    "zero_inflated_poisson": (
        "{type: count, family: zero_inflated_poisson, column: c}",
        lambda eta: stats.poisson.logpmf(TABLE["c"], np.exp(eta)),
    ),
    "beta": (
        "{type: proportion, family: beta, column: p}",
        lambda eta: TABLE["p"] * special.log_expit(eta) + (1 - TABLE["p"]) * special.log_expit(-eta),
    ),
    "known errors": (
        "{type: continuous, error: e2, column: y}",
        lambda eta: -((TABLE["y"] - eta) ** 2) / (KNOWN["sigma"] ** 2 + TABLE["e2"] ** 2),
    ),
    "scaled": (
        "{type: continuous, error: {scale: e2}, column: y}",
        lambda eta: -(((TABLE["y"] - eta) / TABLE["e2"]) ** 2),
    ),
}
KNOWN: dict[str, float] = {}  # the sd that was found, for the likelihood to be held against
TABLE["v"] = np.exp(0.3 * TABLE["x"] - 0.2 * TABLE["z"]) * np.random.default_rng(3).gamma(3, 1 / 3, 150)
TABLE["p"] = np.random.default_rng(4).beta(2 + TABLE["x"] ** 2, 3)
TABLE["e2"] = np.random.default_rng(5).uniform(0.2, 1.5, 150)


@pytest.mark.parametrize("name", QUASI_MODES)
def test_quasi_likelihood_finds_its_own_maximum(name: str) -> None:
    node, likelihood = QUASI_MODES[name]
    spec = _COUNT.format("v", node) + _EDGES.format("v")
    model = models_of(spec, TABLE)["adjusted"]
    this = design(model, model.outcome, TABLE)
    beta, sigma = coefficients(model.outcome, this, penalty=np.zeros(5))
    KNOWN["sigma"] = sigma
    found = optimize.minimize(
        lambda b: -likelihood(this.columns @ b).sum(), np.zeros(5), method="BFGS", options={"gtol": 1e-7}
    )
    np.testing.assert_allclose(beta, found.x, atol=1e-4)
    if name == "known errors":  # Paule and Mandel: the weighted squares are what is expected of them
        left = (TABLE["y"] - this.columns @ beta) ** 2 / (sigma**2 + TABLE["e2"] ** 2)
        assert left.sum() == pytest.approx(145, rel=1e-6)


@pytest.mark.parametrize("family", ["gamma", "lognormal", "negative_binomial"])
def test_a_missing_edge_is_flagged_by_quasi_likelihood_and_a_right_graph_is_not(family: str) -> None:
    """Of 30 tables from the graph itself at most 6 raise an alarm (5 % are 1.5 of them; 7 are
    beyond 4 sds).
    """
    rng = np.random.default_rng(31)
    kind = "count" if family == "negative_binomial" else "positive"
    spec = f"nodes: {{x: continuous, m: continuous, y: {{type: {kind}, family: {family}}}}}\n"
    spec += "edges: [x -> m -> y]\neffect: x -> y\n"

    def table(direct: float) -> dict[str, np.ndarray]:
        x = rng.normal(size=400)
        m = 0.6 * x + rng.normal(size=400)
        mean = np.exp(0.8 + 0.4 * m + direct * x)
        drawn = {
            "gamma": lambda: rng.gamma(2, mean / 2),
            "lognormal": lambda: mean * np.exp(rng.normal(0, 0.6, 400)),
            "negative_binomial": lambda: rng.negative_binomial(2, 2 / (2 + mean)),
        }
        return {"x": x, "m": m, "y": drawn[family]()}

    tables = [table(0.0) for _ in range(30)]
    models = models_of(spec, tables[0])
    assert sum(_verdict(models, data).disagrees for data in tables) <= 6
    assert _verdict(models, table(0.5)).disagrees


def test_a_tight_prior_of_a_gamma_regression_is_named() -> None:
    spec = "nodes: {x: continuous, v: {type: positive, family: gamma}}\nedges: [x -> v]\neffect: x -> v\n"
    for prior, warned in (("Normal(0, 0.01)", True), ("Normal(0, 10)", False)):
        model = models_of(spec + f"regressions: {{v: {{priors: {{x: '{prior}'}}}}}}\n", TABLE)["adjusted"]
        estimate = estimate_of(_mode(model, TABLE), 0.05)
        assert bool(prior_doubts(model, [estimate], TABLE, seed=0)) is warned


def _mode(model: Model, data: Columns) -> float:
    """The first contrast at the posterior mode."""
    from dagreg.doubts.point import as_draws

    draws: dict[str, np.ndarray] = {}
    for equation in model.equations:
        draws |= as_draws(equation, *coefficients(equation, design(model, equation, data)))
    return float(contrast_draws(model, draws, rows_of(model, data), model.estimand.contrasts[0], 0)[0])


PIPE = "nodes: {x: %s, m: %s, y: %s}\nedges: [x -> m -> y]\neffect: x -> y\n"


def _pipe(
    rng: np.random.Generator, rows: int, mediator: str, outcome: str, direct: float = 0.0
) -> dict[str, np.ndarray]:
    x = rng.normal(size=rows)
    if mediator == "count":
        m = rng.poisson(np.exp(0.2 + 0.4 * x)).astype(float)
    elif mediator == "binary":
        m = (rng.random(rows) < special.expit(0.9 * x)).astype(float)
    else:
        m = 0.8 * x + rng.normal(size=rows)
    eta = -0.3 + 0.6 * m + direct * x
    y = (
        eta + rng.normal(size=rows)
        if outcome == "continuous"
        else (rng.random(rows) < special.expit(eta)).astype(int)
    )
    return {"x": x, "m": m, "y": y}


def _verdict(models: Mapping[str, Model], data: Columns) -> Any:
    modes = {name: _mode(models[name], data) for name in ("adjusted", "chain")}
    rows = {name: (estimate_of(value, 0.05, estimator=name, contrast=None),) for name, value in modes.items()}
    (verdict,) = disagreements(models["adjusted"], models["chain"], rows, data, seed=0)
    return verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mediator", "outcome"),
    [("continuous", "continuous"), ("continuous", "binary"), ("count", "binary"), ("binary", "binary")],
)
def test_jackknife_sd_is_that_of_repeated_samples(mediator: str, outcome: str) -> None:
    """Chain less adjusted over 200 simulated tables. The jackknife's mean sd has to be within 20 % of theirs.

    (The sd of 200 numbers is known to 5 %.)
    """
    rng = np.random.default_rng(12)
    tables = [_pipe(rng, 400, mediator, outcome) for _ in range(200)]
    models = models_of(PIPE % ("continuous", mediator, outcome), tables[0])
    gaps, sds = [], []
    for i, data in enumerate(tables):
        if i % 10 == 0:
            gap, sd = _jackknife(models["adjusted"], models["chain"], data, seed=0)
            sds.append(float(sd[0]))
            gaps.append(float(gap[0]))
        else:
            gaps.append(_mode(models["chain"], data) - _mode(models["adjusted"], data))
    assert np.mean(sds) == pytest.approx(np.std(gaps), rel=0.2)


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_said() -> None:
    """The graph is right in each of 200 tables; 5 % of false alarms are 10 of them, and 20 are
    beyond 3 sds.
    """
    rng = np.random.default_rng(13)
    tables = [_pipe(rng, 300, "continuous", "continuous") for _ in range(200)]
    models = models_of(PIPE % ("continuous", "continuous", "continuous"), tables[0])
    alarms = sum(_verdict(models, data).disagrees for data in tables)
    assert 1 <= alarms <= 20


@pytest.mark.parametrize("outcome", ["continuous", "binary"])
@pytest.mark.parametrize("mediator", ["continuous", "count", "binary"])
def test_a_missing_edge_is_flagged(mediator: str, outcome: str) -> None:
    """x -> y exists in the data and not in the graph."""
    data = _pipe(np.random.default_rng(14), 1_500, mediator, outcome, direct=0.8)
    verdict = _verdict(models_of(PIPE % ("continuous", mediator, outcome), data), data)
    assert verdict.disagrees
    assert "more than chance" in verdict.message


def test_without_restriction_there_is_nothing_to_test() -> None:
    """x -> m -> y with x -> y: the chain is the same linear function of the data, and is said to be."""
    rng = np.random.default_rng(15)
    data = _pipe(rng, 300, "continuous", "continuous", direct=0.5)
    models = models_of("edges: [x -> m -> y, x -> y]\neffect: x -> y\n", data)
    verdict = _verdict(models, data)
    assert not verdict.disagrees
    assert "no restriction" in verdict.message


# ---------------------------------------------------------------- priors that move the answer


def _influence(spec: str, data: Columns) -> list[str]:
    """The warnings at the posterior mode, with the posterior sd of a linear regression."""
    model = models_of(spec, data)["adjusted"]
    this = design(model, model.outcome, data)
    _, sigma = coefficients(model.outcome, this)
    precision = this.columns.T @ this.columns / sigma**2 + np.diag(this.precision)
    sd = float(np.sqrt(np.linalg.inv(precision)[1, 1]))
    doubts = prior_doubts(model, [estimate_of(_mode(model, data), sd)], data, seed=0)
    return [f"{d.message} {d.remedy}" for d in doubts]


def _far_from_zero(centre: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(16)
    x = rng.normal(centre, 1, 200)
    return {"x": x, "y": 10 + 0.5 * (x - centre) + rng.normal(0, 1, 200)}


_TIGHT_INTERCEPT = (
    "edges: [x -> y]\neffect: x -> y\nregressions: {y: {priors: {intercept: 'Normal(0, 1)'}}}\n"
)


def test_a_tight_intercept_with_uncentred_predictors_is_named() -> None:
    """At x = 0 the line is at 5, and x lies around 10: the prior at 0 bends the slope."""
    (message,) = _influence(_TIGHT_INTERCEPT, _far_from_zero(10))
    assert "intercept's prior, Normal(0, 1)" in message
    assert "center" in message


def test_the_same_prior_on_centred_predictors_is_not() -> None:
    data = _far_from_zero(10)
    centred = "nodes: {x: {type: continuous, transform: center}, y: continuous}\n" + _TIGHT_INTERCEPT
    assert _influence(centred, data | {"y": data["y"] - data["y"].mean()}) == []


def test_defaults_and_wide_priors_are_silent() -> None:
    data = _far_from_zero(10)
    assert _influence("edges: [x -> y]\neffect: x -> y\n", data) == []
    assert _influence(_TIGHT_INTERCEPT.replace("0, 1)", "0, 100)"), data) == []


def test_tight_slopes_on_collinear_predictors_are_named() -> None:
    rng = np.random.default_rng(17)
    z = rng.normal(size=300)
    x = z + rng.normal(0, 0.03, 300)
    data = {"x": x, "z": z, "y": 3 * x + rng.normal(0, 0.5, 300)}
    spec = (
        "edges: [z -> x, 'x, z -> y']\neffect: x -> y\nregressions: {y: {priors: {slopes: 'Normal(0, "
        "0.3)'}}}\n"
    )
    (message,) = _influence(spec, data)
    assert "slopes' prior" in message
    assert "variance inflation" in message
    model = models_of(spec, data)["adjusted"]
    inflation = 1 / (1 - np.corrcoef(x, z)[0, 1] ** 2)
    assert variance_inflation(model, design(model, model.outcome, data)) == pytest.approx(inflation, rel=1e-6)


# ---------------------------------------------------------------- cells: positivity, additivity


def _cells(
    counts: list[tuple[int, int, int, int]], spec: str, estimate: float, sd: float = 0.01
) -> list[str]:
    """Doubts about a table of (exposure, stratum, units, successes)."""
    rows = [(x, z, d) for x, z, units, ones in counts for d in [1] * ones + [0] * (units - ones)]
    x, z, d = map(np.array, zip(*rows, strict=True))
    data = {"x": x, "z": np.array([f"s{v}" for v in z]), "d": d}
    model = models_of(spec, data)["adjusted"]
    return [f"{w.code} {w.message}" for w in cell_doubts(model, [estimate_of(estimate, sd)], data)]


_STRATA = "nodes: {x: binary, z: categorical, d: binary}\nedges: [z -> x, 'x, z -> d']\neffect: x -> d\n"
TITANIC = [
    (1, 1, 180, 145),
    (0, 1, 145, 45),
    (1, 2, 100, 90),
    (0, 2, 170, 20),
    (1, 3, 200, 90),
    (0, 3, 510, 75),
]


def test_positivity() -> None:
    """The stratum s2, a fifth of the units, holds nobody who was exposed."""
    (message,) = _cells(
        [(1, 1, 40, 20), (0, 1, 40, 10), (0, 2, 40, 5), (1, 3, 40, 4), (0, 3, 40, 9)], _STRATA, 0.2
    )
    assert message.startswith("DR522")
    assert "20.0%" in message


def test_additivity_states_both_answers() -> None:
    units = sum(u for *_, u, _ in TITANIC)
    strata = {z: sum(u for _, s, u, _ in TITANIC if s == z) / units for z in (1, 2, 3)}
    rate = {(x, z): ones / u for x, z, u, ones in TITANIC}
    saturated = sum(share * (rate[1, z] - rate[0, z]) for z, share in strata.items())
    (message,) = _cells(TITANIC, _STRATA, saturated + 0.05)
    assert message.startswith("DR523")
    assert f"{saturated:.3g}" in message
    assert f"{saturated + 0.05:.3g}" in message
    assert "one reported" in message
    assert _cells(TITANIC, _STRATA, saturated + 0.005) == []


def test_a_linear_model_makes_no_additivity_doubt_beyond_its_link() -> None:
    linear = _STRATA.replace("d: binary}", "d: {type: binary, family: gaussian}}")
    assert _cells(TITANIC, linear, 0.9) == []


def test_joint_exposures_are_compared_as_they_are_set() -> None:
    """Both set to 1 against both set to 0: the saturated answer moves both, and agrees here."""
    rng = np.random.default_rng(18)
    rows = 6_000
    z, a, b = (rng.integers(0, 2, rows) for _ in range(3))
    d = (rng.random(rows) < special.expit(-1 + 0.8 * a + 0.9 * b + 0.5 * z)).astype(int)
    data = {"z": z, "a": a, "b": b, "d": d}
    model = models_of("edges: ['z -> a, b, d', 'a, b -> d']\neffect: a, b -> d\n", data)["adjusted"]
    assert cell_doubts(model, [estimate_of(_mode(model, data), 0.02)], data) == ()


def test_rates_of_cells_are_counts_over_exposure() -> None:
    """The saturated rate of a cell is its counts over its exposure, however the exposure is cut into rows."""
    rng = np.random.default_rng(19)
    rows = 4_000
    x, z = rng.integers(0, 2, rows), rng.integers(0, 2, rows)
    exposure = np.where(rng.random(rows) < 0.5, 0.002, 50.0)
    c = rng.poisson(exposure * np.exp(0.1 + 0.3 * x + 0.2 * z))
    data = {"x": x, "z": z, "e": exposure, "c": c}
    spec = (
        "nodes: {x: binary, z: binary, c: {type: count, offset: e}}\nedges: [z -> x, 'x, z -> c']\neffect: x "
        "-> c\n"
    )
    model = models_of(spec, data)["adjusted"]
    assert cell_doubts(model, [estimate_of(_mode(model, data), 0.02)], data) == ()


# ---------------------------------------------------------------- overdispersion


def _dispersion(spec: str, data: Columns) -> list[str]:
    model = models_of(spec, data)["adjusted"]
    return [d.code for d in dispersion_doubts(model, _at_mode(model.outcome, model, data), data)]


def _at_mode(equation: Equation, model: Model, data: Columns) -> Draws:
    from dagreg.doubts.point import as_draws

    values = as_draws(equation, *coefficients(equation, design(model, equation, data)))
    return Draws({name: v[None] for name, v in values.items()}, "test", 0, 0.0)


def test_overdispersion_of_counts_and_proportions() -> None:
    rng = np.random.default_rng(20)
    x, e = rng.normal(size=800), rng.uniform(0.5, 30, 800)
    n = rng.integers(5, 40, 800)
    mean, risk = e * np.exp(0.2 + 0.3 * x), special.expit(0.2 + 0.5 * x)
    poisson = "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c\n"
    binomial = (
        "nodes: {x: continuous, c: {type: count, family: binomial, trials: n}}\nedges: [x -> c]\neffect: x "
        "-> c\n"
    )
    data = {"x": x, "e": e, "n": n}
    assert _dispersion(poisson, data | {"c": rng.poisson(mean)}) == []
    assert _dispersion(poisson, data | {"c": rng.poisson(mean * rng.gamma(3, 1 / 3, 800))}) == ["DR521"]
    assert _dispersion(binomial, data | {"c": rng.binomial(n, risk)}) == []
    assert _dispersion(binomial, data | {"c": rng.binomial(n, rng.beta(4 * risk, 4 * (1 - risk)))}) == [
        "DR521"
    ]


# ---------------------------------------------------------------- diagnostics


def _chains(shift: float = 0.0, draws: int = 1_000) -> np.ndarray:
    values = np.random.default_rng(21).normal(size=(4, draws))
    values[0] += shift
    return values


@pytest.mark.parametrize(
    ("values", "divergences", "words"),
    [
        (_chains(), 0, []),
        (_chains(shift=1.0), 0, ["R-hat"]),
        (_chains(draws=80), 0, ["effective sample size"]),
        (_chains(), 1, ["1 divergent transition:"]),
        (_chains(), 7, ["7 divergent transitions:"]),
    ],
)
def test_diagnostics(values: np.ndarray, divergences: int, words: list[str]) -> None:
    found = diagnose({"adjusted": Draws({"b": values}, "nuts", divergences, 1.0)}, [])
    assert found.ok == (not words)
    assert [any(w in p for p in found.problems) for w in words] == [True] * len(words)
    assert any("R-hat" in p for p in found.problems) == (found.max_r_hat > MAX_R_HAT)
    assert any("effective" in p for p in found.problems) == (found.min_ess < MIN_ESS)


def test_estimates_that_did_not_converge_count_too() -> None:
    from dataclasses import replace

    poor = replace(
        estimate_of(0.0, 1.0), summary=replace(estimate_of(0.0, 1.0).summary, r_hat=1.2, ess_bulk=20.0)
    )
    found = diagnose({"adjusted": Draws({"b": _chains()}, "nuts", 0, 1.0)}, [poor])
    assert (found.max_r_hat, found.min_ess, found.ok) == (1.2, 20.0, False)


def test_too_few_draws_are_no_agreement() -> None:
    draws = {"adjusted": Draws({"a": _chains(), "b": _chains()[:, :2]}, "nuts", 0, 1.0)}
    found = diagnose(draws, [])
    assert np.isnan(found.max_r_hat)
    assert (found.ok, len(found.problems)) == (False, 1)
    assert "There is no R-hat" in found.problems[0]


def test_a_constant_is_converged() -> None:
    found = diagnose({"adjusted": Draws({"b": np.ones((4, 1000))}, "nuts", 0, 1.0)}, [])
    assert (found.ok, found.max_r_hat) == (True, 1.0)


# ---------------------------------------------------------------- checks that are not made


@pytest.mark.parametrize(
    ("nodes", "priors", "says"),
    [
        ("y: continuous", "", []),
        ("y: {type: continuous, family: student_t}", "", []),
        ("y: {type: continuous, error: e}", "", []),
        (
            "c: {type: count, link: softplus}",
            "c: {priors: {x: 'Normal(0, 1)'}}",
            ["not compared", "`c` has the softplus link", "Whether your priors decide"],
        ),
        (
            "y: continuous, g: group",
            "y: {varying: {g: [intercept]}}",
            ["not compared", "coefficients of the regression of `y` vary between groups"],
        ),
        ("c: count, g: group", "c: {varying: {g: [intercept]}}", ["`c` varies more than its family allows"]),
    ],
)
def test_a_check_that_is_not_made_says_why(nodes: str, priors: str, says: list[str]) -> None:
    rng = np.random.default_rng(0)
    data = TABLE | {"m": rng.normal(size=len(TABLE["x"]))}
    outcome = nodes[0]
    groups = f", g -> {outcome}" if "group" in nodes else ""
    spec = (
        f"nodes: {{x: continuous, m: continuous, {nodes}}}\nedges: [x -> m -> {outcome}{groups}]\n"
        f"effect: x -> {outcome}\n" + (f"regressions: {{{priors}}}\n" if priors else "")
    )
    found = " ".join(not_made(compiled(spec, data).plans[0].models))
    assert (found == "") == (says == [])
    assert all(words in found for words in says), found


def test_priors_of_several_regressions_are_not_released() -> None:
    data = {"x": TABLE["d"], "m": TABLE["d"], "y": TABLE["y"]}
    spec = (
        "nodes: {x: binary, m: binary, y: continuous}\nedges: [x -> m -> y, x <-> y]\neffect: x -> y\n"
        "regressions: {y: {priors: {slopes: 'Normal(0, 1)'}}}\n"
    )
    (found,) = not_made(compiled(spec, data).plans[0].models)
    assert found == (
        "Whether your priors decide the answer was not checked: the frontdoor model has 2 regressions, and "
        "the check "
        "is of one."
    )


@pytest.mark.parametrize("rows", [3, 6, 7])
def test_chain_and_adjusted_are_compared_where_refits_tell_every_coefficient(rows: int) -> None:
    """On the fewest rows a refit without one of them goes through them all, and its jackknife is none."""
    r = np.random.default_rng(rows)
    data = {name: r.normal(size=rows) for name in ("x", "m", "z", "w", "y")}
    text = "edges: ['z, w -> x, m, y', x -> m, 'x, m -> y']\neffect: x -> y\nsampling: {draws: 50}\n"
    result = pipeline.fit(spec_of(text), data).effects[0].result
    assert result is not None
    said = [n for n in result.notes if n.startswith("Chain and adjusted estimates were not compared")]
    assert len(result.disagreements) == (rows == 7)
    assert len(said) == (rows < 7)
    assert all(f" coefficients, and there are {rows} rows" in n for n in said)
