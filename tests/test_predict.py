"""Predictions for new rows: every family against SciPy, chains against sums by hand, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import special, stats

from dagreg import pipeline
from dagreg.effects import predict as predictive
from dagreg.effects.predict import Prediction, routed
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError
from dagreg.families import FAMILIES
from dagreg.graph.causal import analyse
from dagreg.model.sampling import levels, responses
from dagreg.result import Result
from dagreg.sources.duck import open_frame
from tests.fitting import compiled, models_of, spec_of
from tests.test_families import FROZEN, PARAMETERS

# ---------------------------------------------------------------- the families' own noise


def test_every_family_can_be_drawn() -> None:
    assert {f.name for f in FAMILIES.values() if f.sample is None} == {"categorical", "ordinal"}


@pytest.mark.parametrize("family", sorted(f.name for f in FAMILIES.values() if f.sample is not None))
def test_responses_have_the_distribution_of_their_family(family: str) -> None:
    count, place = 200_000, 0.4 if "logit" in FAMILIES[family].links else 2.0
    values = {name: PARAMETERS[name] for name in FAMILIES[family].auxiliaries}
    p = {name: np.array([[value]]) for name, value in values.items()} | {"trials": np.array(7.0)}
    drawn = responses(np.random.default_rng(3), FAMILIES[family], np.full((1, count), place), p)[0]
    zero = values["zero"] if family.startswith("zero_inflated_") else 0.0
    frozen = {
        "binomial": lambda: stats.binom(7, place),
        "beta_binomial": lambda: stats.betabinom(7, place * PARAMETERS["precision"], (1 - place) * 4.0),
    }.get(family, lambda: FROZEN[family.removeprefix("zero_inflated_")](place, values))()
    for at in frozen.ppf([0.1, 0.3, 0.5, 0.7, 0.9, 0.99]):
        expected = zero * (at >= 0) + (1 - zero) * float(frozen.cdf(at))
        assert (drawn <= at).mean() == pytest.approx(expected, abs=4.5 * 0.5 / np.sqrt(count))


def test_a_mean_that_the_family_does_not_have_gives_no_response() -> None:
    drawn = responses(np.random.default_rng(0), FAMILIES["poisson"], np.array([[-1.0, 2.0, np.nan]]), {})
    np.testing.assert_array_equal(np.isnan(drawn), [[True, False, True]])


def test_levels_have_their_probabilities() -> None:
    shares = np.array([0.2, 0.5, 0.3])
    drawn = levels(np.random.default_rng(0), np.broadcast_to(shares, (1, 100_000, 3)))
    np.testing.assert_allclose(np.bincount(drawn[0]) / 100_000, shares, atol=0.006)


# ---------------------------------------------------------------- helpers

DRAWS = 20_000
ROWS = 60


@cache
def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    return {
        "x": rng.normal(size=ROWS),
        "z": rng.normal(size=ROWS),
        "m": rng.normal(size=ROWS),
        "w": rng.normal(size=ROWS),
        "b": rng.integers(0, 2, ROWS),
        "c": rng.binomial(4, 0.5, ROWS),
        "n": rng.integers(5, 9, ROWS),
        "e": rng.uniform(1, 2, ROWS),
        "pos": rng.lognormal(size=ROWS),
        "k": np.array(["u", "v", "w"], dtype=object)[rng.integers(0, 3, ROWS)],
        "g": rng.integers(100, 110, ROWS),
        "y": rng.normal(size=ROWS),
    }


def _at(
    text: str,
    new: Mapping[str, Any],
    values: Mapping[str, Any],
    do: Mapping[str, Any] | None = None,
    estimator: str = "adjusted",
    draws: int = DRAWS,
) -> Prediction:
    """A prediction where every draw has the same parameters: no uncertainty but that of the responses."""
    model = models_of(text, _data())[estimator]
    same = {
        name: np.broadcast_to(np.asarray(v, dtype=np.float64), (draws, *np.shape(v)))
        for name, v in values.items()
    }
    spec = spec_of(text)
    way, rows = routed(model, analyse(spec), open_frame({k: np.asarray(v) for k, v in new.items()}), do or {})
    return predictive.predict(model, same, way, rows, 1)


def _uncentred(response: str, family: str = "", slopes: str = "Normal(0, 1)") -> str:
    """Priors that leave the predictors as they are, so that the numbers below are those of the equations."""
    return (
        "regressions: "
        f"{{{response}: {{{family}priors: {{intercept: 'Normal(0, 1)', slopes: '{slopes}'}}}}}}\n"
    )


# ---------------------------------------------------------------- one regression

LINEAR = "edges: ['x, z -> y', z -> x]\neffect: x -> y\n"


@cache
def _fitted() -> Result:
    rng = np.random.default_rng(5)
    z = rng.normal(size=300)
    x = z + rng.normal(size=300)
    data = {"z": z, "x": x, "y": 1 + 2 * x - z + rng.normal(0, 1.5, 300)}
    priors = "regressions: {y: {priors: {intercept: Flat(), slopes: Flat(), sigma: HalfFlat()}}}\n"
    return pipeline.fit(spec_of(LINEAR + priors + "sampling: {draws: 10000}\n"), data)


def test_a_gaussian_prediction_is_students_t() -> None:
    """With flat priors (uniform in sigma, so n - p - 1 degrees): Gelman et al. 2013, section 14.2."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=300)
    x = z + rng.normal(size=300)
    y = 1 + 2 * x - z + rng.normal(0, 1.5, 300)
    design = np.column_stack([np.ones(300), x, z])
    beta, (rss,), *_ = np.linalg.lstsq(design, y, rcond=None)
    new = np.array([[1, 0.0, 0.0], [1, 3.0, -2.0]])
    leverage = np.einsum("ij,jk,ik->i", new, np.linalg.inv(design.T @ design), new)
    df = 300 - 3 - 1
    found = _fitted().predict({"x": new[:, 1], "z": new[:, 2]})
    response = stats.t(df, new @ beta, np.sqrt(rss / df * (1 + leverage)))
    mean = stats.t(df, new @ beta, np.sqrt(rss / df * leverage))
    np.testing.assert_allclose(found["lower"], response.ppf(0.03), atol=0.07)
    np.testing.assert_allclose(found["upper"], response.ppf(0.97), atol=0.07)
    np.testing.assert_allclose(found["sd"], response.std(), rtol=0.03)
    np.testing.assert_allclose(found["expected"], new @ beta, atol=0.01)
    np.testing.assert_allclose(found["expected_lower"], mean.ppf(0.03), atol=0.01)
    np.testing.assert_allclose(found["expected_sd"], mean.std(), rtol=0.03)


def test_setting_the_exposure_is_replacing_it() -> None:
    new = {"x": np.array([0.0, 5.0]), "z": np.array([1.0, 1.0])}
    one = _fitted().predict(new, {"x": 2})
    both = _fitted().predict({**new, "x": np.array([2.0, 2.0])})
    np.testing.assert_array_equal(one["expected"], both["expected"])
    assert (
        _fitted().predict({"z": np.array([1.0, 1.0])}, {"x": 2})["expected"].tolist()
        == one["expected"].tolist()
    )


def test_predictions_repeat_with_their_seed_and_the_level_widens_them() -> None:
    new = {"x": np.zeros(3), "z": np.zeros(3)}
    one, again = _fitted().predict(new), _fitted().predict(new)
    np.testing.assert_array_equal(one["upper"], again["upper"])
    assert (_fitted().predict(new, level=0.99)["upper"] > one["upper"]).all()
    assert not np.array_equal(_fitted().predict(new, seed=3)["upper"], one["upper"])


def test_intervals_cover_new_rows() -> None:
    rng = np.random.default_rng(50)
    z = rng.normal(size=4_000)
    x = z + rng.normal(size=4_000)
    y = 1 + 2 * x - z + rng.normal(0, 1.5, 4_000)
    found = _fitted().predict({"x": x, "z": z})
    assert np.mean((found["lower"] < y) & (y < found["upper"])) == pytest.approx(0.94, abs=0.025)


def test_no_rows_give_no_predictions() -> None:
    assert len(_fitted().predict({"x": np.zeros(0), "z": np.zeros(0)})) == 0


def test_memory_does_not_grow_with_the_rows() -> None:
    """200,000 rows x 1,000 draws would take 1.6 GB at once."""
    draws = _fitted().samples["build_adjusted"]
    short = Draws({n: v[:, :250] for n, v in draws.values.items()}, "exact", 0, 0.0)
    result = Result(_fitted().record, {"build_adjusted": short})
    rng = np.random.default_rng(0)
    new = {"x": rng.normal(size=20_000), "z": rng.normal(size=20_000)}
    tracemalloc.start()
    result.predict(new)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6


# ---------------------------------------------------------------- responses of other kinds


def test_trials_offsets_and_known_errors() -> None:
    text = (
        "nodes: {x: continuous, c: {type: count, family: binomial, trials: n}}\nedges: [x -> c]\neffect: x "
        "-> c\n"
    )
    found = _at(text + _uncentred("c"), {"x": [0.0, 1.0], "n": [10, 20]}, {"alpha_c": 0.3, "beta_c_x": 0.5})
    share = special.expit([0.3, 0.8])
    np.testing.assert_allclose(found["expected"], [10, 20] * share, rtol=1e-12)
    np.testing.assert_allclose(found["sd"], np.sqrt([10, 20] * share * (1 - share)), rtol=0.03)

    text = "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c\n"
    values = {"alpha_c": 0.3, "beta_c_x": 0.5}
    found = _at(text + _uncentred("c"), {"x": [0.0, 1.0], "e": [10.0, 20.0]}, values)
    np.testing.assert_allclose(found["expected"], [10, 20] * np.exp([0.3, 0.8]), rtol=1e-12)
    np.testing.assert_allclose(found["sd"] ** 2, found["expected"], rtol=0.06)
    alone = _at(text + _uncentred("c"), {"x": [0.0, 1.0]}, values)
    np.testing.assert_allclose(alone["expected"], np.exp([0.3, 0.8]), rtol=1e-12)
    assert "one unit of exposure" in alone.notes[0]

    for error, spread in (("e", np.hypot(0.5, [1.0, 3.0])), ("{scale: e}", 0.5 * np.array([1.0, 3.0]))):
        text = (
            f"nodes: {{x: continuous, y: {{type: continuous, error: {error}}}}}\nedges: [x -> y]\neffect: x "
            "-> y\n"
        )
        values = {"alpha_y": 0.3, "beta_y_x": 0.5, "sigma_y": 0.5}
        found = _at(text + _uncentred("y"), {"x": [0.0, 1.0], "e": [1.0, 3.0]}, values)
        np.testing.assert_allclose(found["sd"], spread, rtol=0.03)
        np.testing.assert_allclose(found["expected"], [0.3, 0.8], rtol=1e-12)


@pytest.mark.parametrize(
    ("transform", "back", "mean"),
    [
        ("log", np.exp, lambda m: np.exp(m + 0.08)),
        ("log1p", np.expm1, lambda m: np.exp(m + 0.08) - 1),
        ("sqrt", np.square, lambda m: m**2 + 0.16),
    ],
)
def test_a_transformed_outcome_comes_back_to_its_own_scale(transform: str, back: Any, mean: Any) -> None:
    text = f"nodes: {{x: continuous, pos: {{type: positive, transform: {transform}}}}}\nedges: [x -> pos]\n"
    values = {"alpha_pos": 2.0, "beta_pos_x": 0.5, "sigma_pos": 0.4}
    found = _at(text + "effect: x -> pos\n" + _uncentred("pos"), {"x": [0.0, 1.0]}, values)
    eta = np.array([2.0, 2.5])
    np.testing.assert_allclose(found["expected"], mean(eta), rtol=1e-6)
    np.testing.assert_allclose(found["median"], back(eta), rtol=0.02)
    np.testing.assert_allclose(found["upper"], back(eta + 0.4 * stats.norm.ppf(0.97)), rtol=0.03)
    np.testing.assert_allclose(found["mean"], mean(eta), rtol=0.02)


@pytest.mark.parametrize("kind", ["categorical", "ordinal"])
def test_an_outcome_of_levels_has_the_probability_of_each(kind: str) -> None:
    text = (
        f"nodes: {{x: continuous, k: {{type: {kind}, levels: [u, v, w]}}}}\nedges: [x -> k]\neffect: x -> k\n"
    )
    values = {
        "categorical": {"alpha_k": [0.2, -0.1], "beta_k_x": [0.5, 1.0]},
        "ordinal": {"alpha_k": [-0.5, 0.7], "beta_k_x": 0.5},
    }
    found = _at(text + _uncentred("k"), {"x": [0.0, 1.0]}, values[kind], draws=50)
    for i, x in enumerate((0.0, 1.0)):
        if kind == "categorical":
            expected = special.softmax([0.0, 0.2 + 0.5 * x, -0.1 + x])
        else:
            expected = np.diff([0.0, *special.expit(np.array([-0.5, 0.7]) - 0.5 * x), 1.0])
        np.testing.assert_allclose([found[f"p[{k}]"][i] for k in "uvw"], expected, rtol=1e-10)
        assert found["likeliest"][i] == "uvw"[int(np.argmax(expected))]


def test_a_binary_outcome_says_which_level_is_1() -> None:
    text = (
        "nodes: {x: continuous, b: {type: binary, levels: [0, 1], reference: 1}}\nedges: [x -> b]\neffect: x "
        "-> b\n"
    )
    found = _at(text + _uncentred("b"), {"x": [0.0]}, {"alpha_b": 1.0, "beta_b_x": 0.0})
    assert found.of == "1 stands for 0"
    np.testing.assert_allclose(found["expected"], special.expit(1.0))
    np.testing.assert_allclose(found["mean"], special.expit(1.0), atol=0.015)


# ---------------------------------------------------------------- groups

GROUPED = (
    "nodes: {x: continuous, g: group, y: continuous}\nedges: ['x, g -> y']\neffect: x -> y\n"
    "regressions: {y: {varying: {g: [intercept, x]}, priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, "
    "1)'}}}\n"
)


def _grouped_values() -> dict[str, Any]:
    by = np.zeros((10, 2))
    by[3] = (1.0, -0.5)
    return {
        "alpha_y": 0.5, "beta_y_x": 1.0, "by_y_g": by, "sigma_y": 0.1, "cov_y_g_stds": [0.8, 0.3],
        "cov_y_g_corr": [[1.0, -0.4], [-0.4, 1.0]],
    }  # fmt: skip


def test_seen_groups_keep_their_own_deviations_and_new_ones_come_from_the_population() -> None:
    new = {"x": [2.0, 2.0, 2.0], "g": [103, 100, 999]}
    found = _at(GROUPED, new, _grouped_values())
    np.testing.assert_allclose(found["expected"][:2], [0.5 + 2 + 1 - 1, 2.5], rtol=1e-12)
    np.testing.assert_allclose(found["expected_sd"][:2], 0, atol=1e-12)
    variance = 0.8**2 + 4 * 0.3**2 + 2 * 2 * -0.4 * 0.8 * 0.3
    assert found["expected_sd"][2] == pytest.approx(np.sqrt(variance), rel=0.03)
    assert found["sd"][2] == pytest.approx(np.sqrt(variance + 0.01), rel=0.03)
    assert "1 of `g` are new to the fit" in found.notes[0]


def test_the_rows_of_a_new_group_share_its_deviations_wherever_they_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = {"x": [2.0, 0.0, 2.0, 2.0], "g": [999, 103, 998, 999]}
    whole = _at(GROUPED, new, _grouped_values(), draws=500)
    monkeypatch.setattr(predictive, "MAX_CELLS", 500)
    found = _at(GROUPED, new, _grouped_values(), draws=500)
    for column in ("expected", "expected_upper"):
        np.testing.assert_allclose(found[column], whole[column])
        assert found[column][0] == found[column][3] != found[column][2]


# ---------------------------------------------------------------- the chain

BINARY_CHAIN = (
    "nodes: {x: continuous, z: continuous, b: binary, c: count}\nedges: [x -> b -> c, 'z -> b, c', x -> c]\n"
    "effect: x -> c\nregressions:\n  b: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)'}}\n"
    "  c: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)'}}\n"
)
AT = {
    "alpha_b": 0.2,
    "beta_b_x": 0.7,
    "beta_b_z": -0.4,
    "alpha_c": 0.1,
    "beta_c_x": 0.3,
    "beta_c_b": 0.8,
    "beta_c_z": 0.2,
}


def _through(x: float, z: float) -> tuple[float, float]:
    """Mean and variance of c with b drawn."""
    p = special.expit(0.2 + 0.7 * x - 0.4 * z)
    rates = np.exp(0.1 + 0.3 * x + 0.2 * z + 0.8 * np.array([0, 1]))
    mean = float((1 - p) * rates[0] + p * rates[1])
    return mean, float(mean + p * (1 - p) * (rates[1] - rates[0]) ** 2)


def test_a_mediator_that_is_missing_is_summed_over() -> None:
    found = _at(BINARY_CHAIN, {"x": [1.0], "z": [0.5]}, AT, estimator="chain")
    mean, variance = _through(1.0, 0.5)
    assert found["expected"][0] == pytest.approx(mean, rel=1e-12)
    assert found["mean"][0] == pytest.approx(mean, rel=0.03)
    assert found["sd"][0] ** 2 == pytest.approx(variance, rel=0.06)


def test_a_mediator_that_is_there_is_used_until_its_cause_is_set() -> None:
    new = {"x": [1.0, 1.0], "z": [0.5, 0.5], "b": [0, 1]}
    seen = _at(BINARY_CHAIN, new, AT, estimator="chain", draws=50)
    np.testing.assert_allclose(seen["expected"], np.exp(0.1 + 0.3 + 0.1 + 0.8 * np.array([0, 1])), rtol=1e-12)
    moved = _at(BINARY_CHAIN, new, AT, {"x": -1}, estimator="chain", draws=50)
    np.testing.assert_allclose(moved["expected"], [_through(-1.0, 0.5)[0]] * 2, rtol=1e-12)
    assert moved.notes == ("The rows' values of `b` are not used: `x` was set, which moves them.",)
    held = _at(BINARY_CHAIN, new, AT, {"x": -1, "b": 1}, estimator="chain", draws=50)
    np.testing.assert_allclose(held["expected"], [np.exp(0.1 - 0.3 + 0.1 + 0.8)] * 2, rtol=1e-12)
    alone = _at(BINARY_CHAIN, new, AT, {"b": 1}, estimator="chain", draws=50)
    np.testing.assert_allclose(alone["expected"], [np.exp(0.1 + 0.3 + 0.1 + 0.8)] * 2, rtol=1e-12)


def test_a_mediator_on_a_curve_is_drawn() -> None:
    text = (
        "nodes: {x: continuous, m: continuous, b: binary}\nedges: [x -> m -> b]\neffect: x -> "
        "b\nregressions:\n"
        "  m: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)'}}\n"
        "  b: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)'}}\n"
    )
    values = {"alpha_m": 0.5, "beta_m_x": 1.0, "sigma_m": 2.0, "alpha_b": -1.0, "beta_b_m": 1.5}
    found = _at(text, {"x": [1.0]}, values, estimator="chain")
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    expected = float(special.expit(-1 + 1.5 * (1.5 + 2 * points)) @ weights / weights.sum())
    assert found["expected"][0] == pytest.approx(expected, abs=0.004)
    assert found["mean"][0] == pytest.approx(expected, abs=0.015)


def test_what_a_simulated_cause_moves_is_simulated_too() -> None:
    """m is missing and w, its effect, is there: to hold w while m is drawn would leave out what w
    says of m.
    """
    text = "edges: [x -> m -> w -> y, m -> y, 'z -> x, y']\neffect: x -> y\n"
    new = {"x": [1.0], "z": [0.0], "w": [50.0]}
    values = {
        "alpha_m": 0.0, "beta_m_x": 1.0, "sigma_m": 1.0, "alpha_w": 0.0, "beta_w_m": 1.0, "sigma_w": 1.0,
        "alpha_y": 0.0, "beta_y_m": 1.0, "beta_y_w": 1.0, "beta_y_z": 1.0, "sigma_y": 1.0,
    }  # fmt: skip
    found = _at(text, new, values, estimator="chain")
    without = _at(text, {"x": [1.0], "z": [0.0]}, values, estimator="chain")
    assert found["expected"][0] == without["expected"][0]
    assert "`w` are not used: causes of theirs are missing" in found.notes[0]
    assert found["sd"][0] ** 2 == pytest.approx(4 + 1 + 1, rel=0.05)
    both = _at(text, {**new, "m": [2.0]}, values, estimator="chain", draws=50)
    assert both.notes == ()
    assert both["expected"][0] > 40


# ---------------------------------------------------------------- what is refused


def _codes(call: Any) -> list[str]:
    with pytest.raises(DagregError) as caught:
        call()
    assert "Traceback" not in str(caught.value)
    return [d.code for d in caught.value.diagnostics]


NODES = (
    "nodes: {x: continuous, k: {type: categorical, levels: [u, v, w]}, pos: {type: positive, transform: "
    "log}, "
)
MIXED = NODES + "c: {type: count, family: binomial, trials: n}}\nedges: ['x, k, pos -> c']\neffect: x -> c\n"
GOOD: Mapping[str, Any] = {"x": [0.0, 1.0], "k": ["u", "v"], "pos": [1.0, 2.0], "n": [3, 4]}
MIXED_AT = {"alpha_c": 0.0, "beta_c_x": 0.0, "beta_c_k": [0.0, 0.0], "beta_c_pos": 0.0}


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"x": None, "n": None}, "DR311", "`x`, `n`"),
        ({"k": ["u", "q"]}, "DR316", "'q'"),
        ({"k": [1, 2]}, "DR316", "1, 2"),
        ({"x": [0.0, np.nan]}, "DR323", "`x` (1)"),
        ({"x": ["a", "b"]}, "DR312", "`x`"),
        ({"x": [0.0, np.inf]}, "DR306", "`x`"),
        ({"pos": [1.0, -2.0]}, "DR319", "-2"),
        ({"n": [3, 0]}, "DR324", "`n`"),
        ({"n": ["a", "b"]}, "DR312", "`n`"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change: Mapping[str, Any], code: str, word: str) -> None:
    new = {name: values for name, values in {**GOOD, **change}.items() if values is not None}
    with pytest.raises(DagregError) as caught:
        _at(MIXED, new, MIXED_AT, draws=5)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert word in diagnostic.message


def test_levels_and_numbers_may_be_written_otherwise() -> None:
    _at(MIXED, {**GOOD, "x": [1, 2], "n": [3.0, 4.0]}, MIXED_AT, draws=5)
    text = "nodes: {b: binary, y: continuous}\nedges: [b -> y]\neffect: b -> y\n"
    values = {"alpha_y": 0.0, "beta_y_b": 1.0, "sigma_y": 1.0}
    for shown in ([1.0, 0.0], ["1", "0"]):
        one = _at(text + _uncentred("y"), {"b": shown}, values, draws=5)["expected"]
        np.testing.assert_allclose(one, [1.0, 0.0])


def test_an_intervention_that_the_model_does_not_cover_is_refused() -> None:
    predict, new = _fitted().predict, {"x": np.zeros(1), "z": np.zeros(1)}
    assert _codes(lambda: predict(new, {"z": 1})) == ["DR561"]
    assert _codes(lambda: predict(new, {"x": 1}, estimator="unadjusted")) == ["DR561"]
    for do in ({"q": 1}, {"y": 1}, {"x": "high"}, {"x": float("nan")}):
        assert _codes(lambda do=do: predict(new, do)) == ["DR562"]
    assert _codes(lambda: predict(new, estimator="chain")) == ["DR564"]
    assert _codes(lambda: predict(new, effect=1)) == ["DR564"]


def test_a_cause_of_what_has_no_regression_cannot_be_set_in_the_chain() -> None:
    text = "edges: [z -> x, x -> m -> y, z -> y]\neffect: x -> y\n"
    names = ("alpha_m", "beta_m_x", "sigma_m", "alpha_y", "beta_y_m", "beta_y_z", "sigma_y")
    new = {"x": [0.0], "z": [0.0]}
    assert _codes(lambda: _at(text, new, dict.fromkeys(names, 1.0), {"z": 1}, "chain")) == ["DR561"]
    both = _at(text, new, dict.fromkeys(names, 1.0), {"z": 1, "x": 0}, "chain", draws=5)
    assert both.do == {"z": 1.0, "x": 0.0}


def test_formulas_and_instruments_have_no_distribution_for_a_row() -> None:
    text = "edges: [z -> x -> y, x <-> y]\neffect: x -> y\n"
    assert _codes(lambda: _at(text, {"x": [0.0]}, {}, estimator="instrument")) == ["DR563"]
    text = "nodes: {b: binary, m: continuous, y: continuous}\nedges: [b -> m -> y, b <-> y]\neffect: b -> y\n"
    assert _codes(lambda: _at(text, {"b": [0]}, {}, estimator="frontdoor")) == ["DR563"]


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
    _fitted().save(tmp_path / "out")
    (tmp_path / "new.csv").write_text("id,x,z\n7,0.5,1\n8,-1,2\n")
    expected = _fitted().predict(str(tmp_path / "new.csv"), {"x": 1})
    arguments = ("predict", "out", "--data", "new.csv", "--do", "x=1")

    shown = _run(tmp_path, *arguments)
    assert shown.returncode == 0, shown.stderr
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert [row["row"] for row in rows] == ["1", "2"]
    for column in expected.columns:
        np.testing.assert_allclose([float(row[column]) for row in rows], expected[column], rtol=1e-8)

    answer = json.loads(_run(tmp_path, *arguments, "--format", "json").stdout)
    assert (answer["outcome"], answer["estimator"], answer["do"], answer["level"]) == (
        "y",
        "adjusted",
        {"x": 1.0},
        0.94,
    )
    np.testing.assert_allclose([row["upper"] for row in answer["rows"]], expected["upper"])

    assert _run(tmp_path, *arguments, "-o", "made/p.parquet").stdout == ""
    stored = duckdb.sql(f"SELECT upper FROM '{tmp_path}/made/p.parquet' ORDER BY row").fetchall()
    np.testing.assert_allclose([row[0] for row in stored], expected["upper"])

    for wrong, code in (
        (("--do", "z=1"), "DR561"),
        (("--do", "x"), "DR562"),
        (("-o", "p.xlsx"), "DR309"),
        (("--estimator", "chain"), "DR564"),
        (("--data", "none.csv"), "DR301"),
    ):
        refused = _run(tmp_path, "predict", "out", "--data", "new.csv", *wrong)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"error[{code}]" in refused.stderr


def test_programs_and_predictions_name_the_same_parameters() -> None:
    """The draws that the tests above make up have the symbols of the program."""
    assert set(AT) == {s for e in models_of(BINARY_CHAIN, _data())["chain"].equations for s in e.parameters}
    assert "build_chain" in compiled(BINARY_CHAIN, _data()).source


@pytest.mark.parametrize("family", ["lognormal", "gamma", "negative_binomial"])
def test_the_mean_of_a_long_tailed_response_has_no_noise_of_its_tail(family: str) -> None:
    """exp(eta + sigma^2 / 2) of a lognormal, exp(eta) of the others, exactly."""
    kind = "count" if family == "negative_binomial" else "positive"
    response = "c" if kind == "count" else "pos"
    own = {"lognormal": "sigma", "gamma": "shape", "negative_binomial": "shape"}[family]
    text = (
        f"nodes: {{x: continuous, {response}: {{type: {kind}, family: {family}}}}}\nedges: [x -> "
        f"{response}]\n"
        f"effect: x -> {response}\nregressions: {{{response}: {{priors: {{intercept: 'Normal(0, 5)'}}}}}}"
    )
    width = 2.5 if own == "sigma" else 0.05
    values = {f"alpha_{response}": 1.0, f"beta_{response}_x": 0.5, f"{own}_{response}": width}
    found = _at(text, {"x": [0.0, 2.0]}, values, draws=2_000)
    right = np.exp(np.array([1.0, 2.0]) + (width**2 / 2 if own == "sigma" else 0.0))
    np.testing.assert_allclose(found["mean"], right, rtol=1e-9)
    np.testing.assert_array_equal(found["mean"], found["expected"])
