"""Likelihoods of single rows against SciPy's densities and closed forms, and what ArviZ makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import dagreg
from dagreg.effects import pointwise as module
from dagreg.effects.pointwise import pointwise
from dagreg.errors import DagregError
from dagreg.families import FAMILIES
from dagreg.model.plan import Model
from tests import test_censored as censored
from tests.fitting import models_of
from tests.test_censored import by_rows
from tests.test_emit import sd
from tests.test_families import DATA, FROZEN, INVERSE, PAIRS, _given, _response, logpdf

DRAWS = 7


def likelihood(model: Model, draws: dict[str, Any], data: dict[str, Any]) -> dict[str, np.ndarray]:
    return dict(pointwise(model, draws, data, 0, likelihood=True, drawn=False).log_likelihood)


def drawn_from(column: str, x: str, family: str, above: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    head = rng.uniform(3.0, 4.0, DRAWS) if above else rng.normal(0, 0.5, DRAWS)
    draws = {f"alpha_{column}": head, f"beta_{column}_{x}": rng.normal(0, 0.1 if above else 0.5, DRAWS)}
    return draws | {f"{name}_{column}": rng.uniform(0.2, 0.9, DRAWS) for name in FAMILIES[family].auxiliaries}


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_every_family(family, link):
    column, _ = _response(family)
    model = models_of(_given(family, link), DATA)["adjusted"]
    above = link in ("identity", "inverse") and family not in ("gaussian", "student_t")
    draws = drawn_from(column, "e", family, above)
    x = (DATA["e"] - DATA["e"].mean()) / sd(DATA["e"])
    found = likelihood(model, draws, DATA)[column]
    for i in range(DRAWS):
        location = INVERSE[link](draws[f"alpha_{column}"][i] + draws[f"beta_{column}_e"][i] * x)
        values = {name: float(draws[f"{name}_{column}"][i]) for name in FAMILIES[family].auxiliaries}
        assert found[i] == pytest.approx(logpdf(family, location, values, DATA[column]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("family", "link"), [(f, link) for f in censored.CENSORED for link in FAMILIES[f].links]
)
def test_censored_rows_have_the_probability_of_their_bounds(family, link):
    column, data = ("share" if family == "beta" else "time"), censored.DATA
    model = models_of(censored._spec(family, link, column), data)["adjusted"]
    above = link in ("identity", "inverse") and family not in ("gaussian", "student_t")
    draws = drawn_from(column, "x", family, above)
    found = likelihood(model, draws, data)[column]
    for i in range(DRAWS):
        location = INVERSE[link](draws[f"alpha_{column}"][i] + draws[f"beta_{column}_x"][i] * data["x"])
        values = {name: float(draws[f"{name}_{column}"][i]) for name in FAMILIES[family].auxiliaries}
        told = by_rows(FROZEN[family](location, values), data[column], data[f"to_{column}"], censored.FLAGS)
        assert found[i] == pytest.approx(told, rel=1e-8, abs=1e-9)


RNG = np.random.default_rng(2)
N = 48
ROWS: dict[str, Any] = {
    "x": RNG.normal(size=N),
    "g": np.array(list("abcd"))[np.arange(N) % 4],
    "o": np.array(["lo", "mid", "hi"])[RNG.integers(0, 3, N)],
    "y": RNG.normal(size=N),
    "c": RNG.poisson(3, N),
    "t": RNG.uniform(1, 4, N),
    "z": RNG.normal(size=N),
}
FIXED = "regressions: {%s: {priors: {intercept: 'Normal(0, 5)'}}}\n"


def test_levels():
    words = "nodes: {x: continuous, o: {type: %s, levels: [lo, mid, hi]}}\nedges: [x -> o]\neffect: x -> o\n"
    place = np.array([["lo", "mid", "hi"].index(level) for level in ROWS["o"]])
    model = models_of(words % "categorical" + FIXED % "o", ROWS)["adjusted"]
    alpha, beta = RNG.normal(size=(DRAWS, 2)), RNG.normal(size=(DRAWS, 2))
    found = likelihood(model, {"alpha_o": alpha, "beta_o_x": beta}, ROWS)["o"]
    eta = alpha[:, None, :] + beta[:, None, :] * ROWS["x"][:, None]
    every = special.log_softmax(np.concatenate([np.zeros((DRAWS, N, 1)), eta], axis=-1), axis=-1)
    assert found == pytest.approx(every[:, np.arange(N), place])
    model = models_of(words % "ordinal", ROWS)["adjusted"]
    term = model.outcome.terms[0]
    cuts, slope = np.sort(RNG.normal(size=(DRAWS, 2)), axis=1), RNG.normal(size=DRAWS)
    found = likelihood(model, {model.outcome.intercept: cuts, term.symbol: slope}, ROWS)["o"]
    eta = slope[:, None] * (ROWS["x"] - (term.centre or (0.0,))[0])
    ends = np.concatenate([np.full((DRAWS, 1), -np.inf), cuts, np.full((DRAWS, 1), np.inf)], axis=1)
    told = special.expit(ends[:, place + 1] - eta) - special.expit(ends[:, place] - eta)
    assert found == pytest.approx(np.log(told))


def test_offsets_and_groups():
    spec = (
        "nodes: {x: continuous, c: {type: count, offset: t}, g: group}\nedges: ['x, g -> c']\neffect: x -> "
        "c\n"
    )
    spec += "regressions: {c: {varying: {g: [intercept]}, priors: {intercept: 'Normal(0, 5)'}}}\n"
    model = models_of(spec, ROWS)["adjusted"]
    (varying,) = model.outcome.varying
    draws = {"alpha_c": RNG.normal(size=DRAWS), "beta_c_x": RNG.normal(size=DRAWS)}
    draws[varying.symbol] = RNG.normal(size=(DRAWS, 4))
    found = likelihood(model, draws, ROWS)["c"]
    own = draws[varying.symbol][:, np.arange(N) % 4]
    rate = np.exp(draws["alpha_c"][:, None] + draws["beta_c_x"][:, None] * ROWS["x"] + own) * ROWS["t"]
    assert found == pytest.approx(stats.poisson.logpmf(ROWS["c"], rate))


def test_the_stages_of_an_instrument_multiply_to_their_joint_density():
    spec = (
        "nodes: {z: continuous, x: continuous, y: continuous}\nedges: [z -> x, x -> y, x <-> y]\neffect: x "
        "-> y\n"
    )
    model = models_of(spec, ROWS)["instrument"]
    first, second = model.equations
    rng = np.random.default_rng(8)
    draws = {e.intercept: rng.normal(size=DRAWS) for e in model.equations}
    draws |= {e.terms[0].symbol: rng.normal(size=DRAWS) for e in model.equations}
    names = {(e.response, a.name): a.symbol for e in model.equations for a in e.auxiliaries}
    draws |= {symbol: rng.uniform(0.5, 1.5, DRAWS) for symbol in names.values()}
    found = likelihood(model, draws, ROWS)
    for i in range(DRAWS):
        means = []
        for e in (first, second):
            centre = (e.terms[0].centre or (0.0,))[0]
            column = ROWS[e.terms[0].factors[0]]
            means.append(draws[e.intercept][i] + draws[e.terms[0].symbol][i] * (column - centre))
        one, two = (draws[names[e.response, "sigma"]][i] for e in (first, second))
        slope = draws[names["y", "control"]][i]
        joint = np.array([[one**2, slope * one**2], [slope * one**2, two**2 + slope**2 * one**2]])
        errors = np.column_stack([ROWS["x"] - means[0], ROWS["y"] - means[1]])
        told = stats.multivariate_normal([0, 0], joint).logpdf(errors)
        assert found["x"][i] + found["y"][i] == pytest.approx(told)


def test_rows_are_worked_on_in_parts(monkeypatch):
    model = models_of("nodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y\n", ROWS)[
        "adjusted"
    ]
    draws = {"alpha_y": RNG.normal(size=DRAWS), "beta_y_x": RNG.normal(size=DRAWS), "sigma_y": np.ones(DRAWS)}
    whole = likelihood(model, draws, ROWS)["y"]
    monkeypatch.setattr(module, "_MAX_BLOCK", 5 * DRAWS)
    assert np.array_equal(likelihood(model, draws, ROWS)["y"], whole)
    monkeypatch.setattr(module, "MAX_NUMBERS", DRAWS * N - 1)
    with pytest.raises(DagregError, match="DR568"):
        likelihood(model, draws, ROWS)


# With results and ArviZ

SPEC = "nodes: {x: continuous, z: continuous, y: continuous}\nedges: [z -> x, 'x, z -> y']\neffect: x -> y\n"


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(4)
    z = rng.normal(size=80)
    x = z + rng.normal(size=80)
    data = {"z": z, "x": x, "y": 1.0 + 2.0 * x - z + 0.7 * rng.standard_normal(80)}
    return dagreg.fit(dagreg.loads(SPEC), data), data


def test_leave_one_out_is_that_of_refits(fitted):
    """Against the predictive density of each row given the others, a Student t under flat priors."""
    import arviz as az

    result, data = fitted
    found = az.loo(result.to_datatree(log_likelihood=True, data=data))
    design = np.column_stack([np.ones(80), data["x"], data["z"]])
    told = 0.0
    for i in range(80):
        rest = np.delete(np.arange(80), i)
        coefficients, left, *_ = np.linalg.lstsq(design[rest], data["y"][rest])
        df = len(rest) - 3
        spread = 1 + design[i] @ np.linalg.inv(design[rest].T @ design[rest]) @ design[i]
        told += stats.t(df, design[i] @ coefficients, np.sqrt(left[0] / df * spread)).logpdf(data["y"][i])
    assert found.elpd == pytest.approx(
        told, abs=0.5
    )  # a tenth of its standard error: priors and importance weights
    assert found.se > 5


def test_the_tree_has_arvizs_groups_and_the_draws_of_the_fit(fitted):
    import arviz as az

    result, data = fitted
    tree = result.to_datatree(log_likelihood=True, posterior_predictive=True, data=data)
    assert set(tree.children) == {"posterior", "log_likelihood", "posterior_predictive", "observed_data"}
    assert tree.observed_data["y"].to_numpy() == pytest.approx(data["y"])
    replies, noise = tree.posterior_predictive["y"].to_numpy(), tree.posterior["sigma_y"].to_numpy()
    assert replies.shape == (4, 1000, 80)
    design = np.column_stack([np.ones(80), data["x"], data["z"]])
    line = design @ np.linalg.lstsq(design, data["y"])[0]
    assert replies.mean(axis=(0, 1)) == pytest.approx(line, abs=4 * noise.mean() / np.sqrt(4000) + 0.02)
    whole, branch = result.draws.posterior["beta_y_x"], result.draws["adjusted"].posterior["beta_y_x"]
    assert np.array_equal(whole, branch)
    mean = float(az.summary(result.draws, round_to="none").loc["beta_y_x", "mean"])
    assert mean == pytest.approx(result.effects[0].result.estimates[0].summary.mean)
    assert set(result.to_datatree("unadjusted").children) == {"posterior"}


def test_other_rows_are_refused(fitted, tmp_path):
    result, data = fitted
    with pytest.raises(DagregError, match="DR566"):
        result.to_datatree(log_likelihood=True)
    with pytest.raises(DagregError, match="DR566"):
        result.to_datatree(log_likelihood=True, data={**data, "y": data["y"] + 1})
    result.save(tmp_path / "r")
    again = dagreg.open(tmp_path / "r").to_datatree(log_likelihood=True, data=data)
    first = result.to_datatree(log_likelihood=True, data=data)
    assert np.array_equal(again.log_likelihood["y"], first.log_likelihood["y"])


def test_values_that_the_model_works_out_leave_no_likelihood_of_a_row():
    spec = "nodes: {x: {type: continuous, error: e}, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
    data = {"x": RNG.normal(size=N), "y": RNG.normal(size=N), "e": np.full(N, 0.3)}
    model = models_of(spec, data)["adjusted"]
    with pytest.raises(DagregError, match="DR565"):
        likelihood(model, {model.outcome.intercept: np.zeros(3)}, data)
