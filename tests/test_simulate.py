"""Data drawn from the model: its priors, its arrows and what cuts them; refitted, the data give the
parameters back.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import dagreg
from dagreg import pipeline
from dagreg.effects.simulate import Simulated
from dagreg.errors import DagregError
from dagreg.model import prior_draws
from dagreg.model.terms import PriorChoice
from dagreg.result import Result
from dagreg.spec.priors import DISTRIBUTIONS
from tests.fitting import spec_of

CHAIN = "edges: [z -> x, x -> m -> y, 'z, x -> y']\neffect: x -> y\n"
EVERY = """\
nodes:
  z: continuous
  k: {type: categorical, levels: [a, b, c]}
  g: {type: group, slopes: [z]}
  b: {type: binary, levels: ['no', 'yes'], reference: 'no'}
  o: {type: ordinal, levels: [low, mid, high]}
  p: {type: positive, transform: log}
  s: {type: proportion, family: beta}
  c: {type: count, family: binomial, trials: n}
  d: {type: count, offset: t}
  u: unobserved
edges:
  - z, k -> b -> o
  - b, u -> p -> s
  - k, z, g -> c
  - u, b -> d
  - z <-> d
effect: b -> o
"""


def _codes(call: Any) -> list[str]:
    with pytest.raises(DagregError) as caught:
        call()
    return [d.code for d in caught.value.diagnostics]


# ---------------------------------------------------------------- the priors

PRIORS = {
    "Normal": (stats.norm, (1.0, 2.0), lambda m, s: {"loc": m, "scale": s}),
    "StudentT": (stats.t, (4.0, 1.0, 2.0), lambda n, m, s: {"df": n, "loc": m, "scale": s}),
    "Cauchy": (stats.cauchy, (1.0, 2.0), lambda a, b: {"loc": a, "scale": b}),
    "Laplace": (stats.laplace, (1.0, 2.0), lambda m, b: {"loc": m, "scale": b}),
    "HalfNormal": (stats.halfnorm, (2.0,), lambda s: {"scale": s}),
    "HalfCauchy": (stats.halfcauchy, (2.0,), lambda b: {"scale": b}),
    "Exponential": (stats.expon, (2.0,), lambda lam: {"scale": 1 / lam}),
    "Gamma": (stats.gamma, (2.0, 3.0), lambda a, b: {"a": a, "scale": 1 / b}),
    "InverseGamma": (stats.invgamma, (3.0, 2.0), lambda a, b: {"a": a, "scale": b}),
    "LogNormal": (stats.lognorm, (0.5, 0.7), lambda m, s: {"s": s, "scale": np.exp(m)}),
    "Beta": (stats.beta, (2.0, 3.0), lambda a, b: {"a": a, "b": b}),
    "Uniform": (stats.uniform, (1.0, 3.0), lambda low, high: {"loc": low, "scale": high - low}),
}


@pytest.mark.parametrize("name", sorted(PRIORS))
def test_draws_of_a_prior_have_its_distribution(name: str) -> None:
    distribution, numbers, named = PRIORS[name]
    prior = PriorChoice(name, numbers, given=True)
    drawn = prior_draws.draw(np.random.default_rng(2), prior, numbers, (20_000,))
    assert stats.kstest(drawn, distribution(**named(*numbers)).cdf).pvalue > 1e-4


def test_every_proper_prior_of_one_number_can_be_drawn() -> None:
    single = {n for n, d in DISTRIBUTIONS.items() if d.support not in ("simplex", "cholesky")}
    assert set(prior_draws._DRAWS) - {"Constant"} == single - {"Flat", "HalfFlat"}
    drawn = prior_draws.draw(
        np.random.default_rng(2), PriorChoice("HalfStudentT", (), True), (4.0, 2.0), (20_000,)
    )
    assert stats.kstest(drawn, lambda x: 2 * stats.t.cdf(x / 2.0, 4) - 1).pvalue > 1e-4


@pytest.mark.parametrize(("size", "eta"), [(2, 1.0), (3, 2.0), (4, 0.7)])
def test_correlations_are_lkjs(size: int, eta: float) -> None:
    """Each correlation is Beta(eta + (d - 2) / 2, the same) on (-1, 1)."""
    rng = np.random.default_rng(1)
    drawn = np.array([prior_draws.correlations(rng, size, eta) for _ in range(4_000)])
    shape = eta - 1 + size / 2
    for i in range(size):
        for j in range(i):
            assert stats.kstest(drawn[:, i, j], stats.beta(shape, shape, -1, 2).cdf).pvalue > 1e-4
    np.testing.assert_allclose(drawn[:, range(size), range(size)], 1.0)


def test_an_improper_prior_cannot_be_drawn_from() -> None:
    spec = spec_of("edges: [x -> y]\neffect: x -> y\nregressions: {y: {priors: {slopes: Flat()}}}\n")
    assert _codes(lambda: dagreg.simulate(spec, 10)) == ["DR571"]


def test_a_prior_that_reaches_infinity_is_named() -> None:
    spec = spec_of(
        "nodes: {x: continuous, c: count, d: count}\nedges: [x -> c -> d]\neffect: x -> d\n"
        "regressions: {c: {priors: {slopes: 'Normal(5000, 1)'}}}\n"
    )
    assert _codes(lambda: dagreg.simulate(spec, 100)) == ["DR572"]


# ---------------------------------------------------------------- the graph without data


def test_every_kind_of_node_is_drawn_as_the_data_would_hold_it() -> None:
    spec = spec_of(EVERY)
    found = dagreg.simulate(spec, 3_000, seed=5)
    assert set(found.columns) == {"z", "k", "g", "b", "o", "p", "s", "c", "d", "n", "t"}
    assert set(found["k"]) == {"a", "b", "c"}
    assert set(found["b"]) <= {"no", "yes"}
    assert set(found["o"]) <= {"low", "mid", "high"}
    assert set(found["g"]) == set(range(1, 21))
    assert (found["p"] > 0).all()
    assert ((found["s"] >= 0) & (found["s"] <= 1)).all()
    assert found["c"].dtype == found["d"].dtype == np.int64
    assert ((found["c"] >= 0) & (found["c"] <= 10)).all()
    assert (found["n"] == 10).all()
    assert (found["t"] == 1).all()
    again = dagreg.simulate(spec, 3_000, seed=5)
    for column, values in found.columns.items():
        np.testing.assert_array_equal(values, again[column])
    assert not np.array_equal(dagreg.simulate(spec, 3_000, seed=6)["z"], found["z"])


def test_every_kind_of_node_can_be_drawn_as_data_of_its_own_spec() -> None:
    pipeline.compile(spec_of(EVERY), dict(dagreg.simulate(spec_of(EVERY), 400, seed=5).columns))


def test_regressions_are_those_of_the_parameters_that_are_returned() -> None:
    found = dagreg.simulate(spec_of(CHAIN), 50_000, seed=11)
    design = np.column_stack([np.ones(50_000), found["z"], found["x"], found["m"]])
    beta = np.linalg.lstsq(design, found["y"])[0]
    at, sigma = found.parameters, found.parameters["sigma_y"]
    errors = sigma * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    expected = np.array([at["beta_y_z"], at["beta_y_x"], at["beta_y_m"]])
    assert (np.abs(beta[1:] - expected) < 4.5 * errors[1:]).all()
    assert np.std(found["y"] - design @ beta) == pytest.approx(sigma, rel=0.02)


def test_unobserved_causes_confound_and_are_left_out() -> None:
    spec = spec_of(
        "nodes: {x: continuous, y: continuous, u: unobserved}\nedges: ['u -> x, y']\neffect: x -> y\n"
    )
    found = dagreg.simulate(spec, 20_000, seed=1)
    assert set(found.columns) == {"x", "y"}
    slopes = found.parameters["beta_x_u"], found.parameters["beta_y_u"]
    assert np.cov(found["x"], found["y"])[0, 1] == pytest.approx(slopes[0] * slopes[1], rel=0.05)


def test_setting_a_node_cuts_the_arrows_into_it_and_leaves_all_else() -> None:
    spec = spec_of(CHAIN)
    plain = dagreg.simulate(spec, 2_000, seed=3)
    low, high = (dagreg.simulate(spec, 2_000, seed=3, do={"x": value}) for value in (0, 1))
    assert set(low["x"]) == {0.0}
    assert plain.parameters == low.parameters == high.parameters
    np.testing.assert_array_equal(plain["z"], low["z"])
    at = plain.parameters
    total = at["beta_y_x"] + at["beta_m_x"] * at["beta_y_m"]
    np.testing.assert_allclose(high["y"] - low["y"], total, rtol=1e-9)
    np.testing.assert_allclose(high["m"] - low["m"], at["beta_m_x"], rtol=1e-9)


@pytest.mark.parametrize("do", [{"q": 1}, {"x": "high"}, {"x <-> y": 1}])
def test_what_cannot_be_set_is_refused(do: dict[str, Any]) -> None:
    assert _codes(lambda: dagreg.simulate(spec_of("edges: [x -> y, x <-> y]\n"), 10, do=do)) == ["DR562"]


def test_levels_that_are_not_known_are_asked_for() -> None:
    spec = spec_of("nodes: {k: categorical, y: continuous}\nedges: [k -> y]\n")
    assert _codes(lambda: dagreg.simulate(spec, 10)) == ["DR401"]


# ---------------------------------------------------------------- with data, and refitted


def _observed() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    z = rng.gamma(2.0, 3.0, 200)
    x = z + rng.normal(size=200)
    m = x + rng.normal(size=200)
    return {"z": z, "x": x, "m": m, "y": m + z + rng.normal(size=200)}


def test_roots_are_resampled_from_the_data() -> None:
    found = dagreg.simulate(spec_of(CHAIN), 500, data=_observed())
    assert set(found["z"]) <= set(_observed()["z"])
    assert len(set(found["z"])) > 100
    assert not set(found["x"]) & set(_observed()["x"])


@cache
def _ranks(replications: int) -> list[float]:
    """Where the true total effect lies among the draws of its posterior, over draws of the prior."""
    priors = "{intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)', sigma: 'Exponential(1)'}"
    regressions = "".join(f"  {node}: {{priors: {priors}}}\n" for node in ("x", "m", "y"))
    spec = spec_of(f"{CHAIN}regressions:\n{regressions}sampling: {{draws: 250, chains: 2}}\n")
    found = []
    for seed in range(replications):
        data = dagreg.simulate(spec, 60, seed=seed)
        at = data.parameters
        truth = at["beta_y_x"] + at["beta_m_x"] * at["beta_y_m"]
        result = pipeline.fit(spec, dict(data.columns))
        draws = result.samples["build_chain"].flat()
        effect = draws["beta_y_x"] + draws["beta_m_x"] * draws["beta_y_m"]
        found.append(float((effect < truth).mean()))
    return found


@pytest.mark.slow
def test_refitted_data_give_the_effect_back() -> None:
    """Simulation-based calibration (Talts et al.

    2018): over the prior, the truth's rank among the draws is uniform.
    """
    assert stats.kstest(_ranks(80), "uniform").pvalue > 1e-3


# ---------------------------------------------------------------- from a posterior


@cache
def _fitted() -> Result:
    return pipeline.fit(spec_of(CHAIN), _observed())


def _from_fit(rows: int = 4_000, seed: int = 1, **more: Any) -> Simulated:
    return dagreg.simulate(spec_of(CHAIN), rows, data=_observed(), posterior=_fitted(), seed=seed, **more)


def test_a_posterior_gives_data_like_those_that_were_fitted() -> None:
    found = _from_fit()
    assert set(found.columns) == {"z", "x", "m", "y"}
    seen = set(zip(_observed()["z"], _observed()["x"], strict=True))
    assert set(zip(found["z"], found["x"], strict=True)) <= seen
    for column in ("m", "y"):
        assert found[column].mean() == pytest.approx(_observed()[column].mean(), rel=0.1)
        assert found[column].std() == pytest.approx(_observed()[column].std(), rel=0.15)
    assert found.parameters["beta_m_x"] == pytest.approx(1.0, abs=0.1)


def test_setting_a_node_moves_a_posteriors_data_by_its_effect() -> None:
    low, high = _from_fit(do={"x": 0}), _from_fit(do={"x": 1})
    at = low.parameters
    assert set(high["x"]) == {1.0}
    np.testing.assert_allclose(
        high["y"] - low["y"], at["beta_y_x"] + at["beta_m_x"] * at["beta_y_m"], rtol=1e-8
    )
    assert _codes(lambda: _from_fit(do={"z": 1})) == ["DR561"]


def test_a_fit_of_another_spec_is_refused() -> None:
    other = spec_of("edges: [x -> y]\neffect: x -> y\n")
    assert _codes(lambda: dagreg.simulate(other, 10, data=_observed(), posterior=_fitted())) == ["DR573"]


# ---------------------------------------------------------------- the command


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "dagreg.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(CHAIN)
    shown = _run(tmp_path, "simulate", "spec.yaml", "-n", "7", "--seed", "4", "--do", "x=1")
    assert shown.returncode == 0, shown.stderr
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    expected = dagreg.simulate(spec_of(CHAIN), 7, seed=4, do={"x": 1})
    np.testing.assert_allclose([float(row["y"]) for row in rows], expected["y"], rtol=1e-8)

    answer = json.loads(_run(tmp_path, "simulate", "spec.yaml", "-n", "7", "--format", "json").stdout)
    assert len(answer["rows"]) == 7
    assert "beta_y_m" in answer["parameters"]

    assert _run(tmp_path, "simulate", "spec.yaml", "-n", "300", "-o", "rows.csv").returncode == 0
    (tmp_path / "spec.yaml").write_text("data: rows.csv\n" + CHAIN)
    assert _run(tmp_path, "fit", "spec.yaml", "-o", "out").returncode == 0
    again = _run(tmp_path, "simulate", "spec.yaml", "-n", "5", "--from", "out", "-o", "made.parquet")
    assert (again.returncode, again.stdout) == (0, ""), again.stderr
    assert (tmp_path / "made.parquet").is_file()
    refused = _run(tmp_path, "simulate", "spec.yaml", "-n", "5", "--do", "q=1")
    assert refused.returncode == 1
    assert "error[DR562]" in refused.stderr
