"""Predictors measured with error: densities against NumPy, attenuation put right, McElreath's marriages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from dagreg import pipeline
from dagreg.errors import DagregError
from tests.fitting import compiled, spec_of
from tests.test_emit import Point, _check_density, normal
from tests.test_impute import PRIORS, _gappy, _priors, arrays

ROWS = 16


def _data() -> dict[str, Any]:
    rng = np.random.default_rng(8)
    x = rng.normal(size=ROWS)
    return {
        "z": rng.integers(0, 2, ROWS),
        "x": x,
        "se": rng.uniform(0.2, 0.6, ROWS),
        "y": rng.normal(x),
        "y_se": rng.uniform(0.2, 0.6, ROWS),
    }


DATA = _data()
TEXT = (
    "nodes: {z: binary, x: {type: continuous, error: se}, y: {type: continuous, error: y_se}}\n"
    "edges: ['z -> x, y', 'x -> y']\neffect: x -> y\n"
    f"regressions: {{z: {{priors: {PRIORS}}}}}, x: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}, "
    f"y: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}}}\n"
)


def _rows(p: Point, z: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The log densities of true value and outcome."""
    spread = np.hypot(p["sigma_y"], DATA["y_se"])
    found = stats.norm.logpdf(true, p["alpha_x"] + p["beta_x_z"] * z, p["sigma_x"])
    return found + stats.norm.logpdf(
        DATA["y"], p["alpha_y"] + p["beta_y_x"] * true + p["beta_y_z"] * z, spread
    )


def test_a_child_reads_the_true_value() -> None:
    def logp(p: Point) -> float:
        measured = normal(DATA["x"], p["x_true"], DATA["se"])
        return _priors(p) + measured + float(_rows(p, DATA["z"], p["x_true"]).sum())

    _check_density(compiled(TEXT, DATA).build(DATA), logp)


def test_noisy_measurements_are_sampled_around_the_regression() -> None:
    """The same density in other coordinates: true value = mean + sigma raw."""
    data = {**DATA, "se": DATA["se"] * 4}

    def logp(p: Point) -> float:
        true = p["alpha_x"] + p["beta_x_z"] * DATA["z"] + p["sigma_x"] * p["x_raw"]
        jacobian = ROWS * np.log(p["sigma_x"])
        measured = normal(DATA["x"], true, data["se"])
        return _priors(p) + measured + float(_rows(p, DATA["z"], true).sum()) + jacobian

    _check_density(compiled(TEXT, data).build(data), logp)


def test_with_missing_measurements_and_missing_levels() -> None:
    """A true value without a measurement has its regression alone; one row's levels share one true value."""
    gaps, lost = {2, 7}, {2, 3}
    data = {
        **DATA,
        "z": _gappy(DATA["z"], lost),
        "x": _gappy(DATA["x"], gaps),
        "se": _gappy(DATA["se"], gaps),
    }

    def logp(p: Point) -> float:
        known = [i for i in range(ROWS) if i not in gaps]
        total = _priors(p) + normal(DATA["x"][known], p["x_true"][known], DATA["se"][known])
        sides = []
        for level in (0, 1):
            z = np.array([level if i in lost else DATA["z"][i] for i in range(ROWS)])
            sides.append(
                _rows(p, z, p["x_true"]) + stats.bernoulli.logpmf(z, 1 / (1 + np.exp(-p["alpha_z"])))
            )
        rows = [np.logaddexp(a, b) if i in lost else a for i, (a, b) in enumerate(zip(*sides, strict=True))]
        return total + float(np.sum(rows))

    _check_density(compiled("missing: impute\n" + TEXT, data).build(arrays(data)), logp)


def test_a_standardised_measurement_has_its_error_divided() -> None:
    text = TEXT.replace("error: se", "transform: standardize, error: se")
    sd = np.std(DATA["x"], ddof=1)

    def logp(p: Point) -> float:
        measured = normal((DATA["x"] - DATA["x"].mean()) / sd, p["x_true"], DATA["se"] / sd)
        return _priors(p) + measured + float(_rows(p, DATA["z"], p["x_true"]).sum())

    _check_density(compiled(text, DATA).build(DATA), logp)


def test_an_error_of_a_transform_is_refused() -> None:
    with pytest.raises(DagregError) as caught:
        compiled(TEXT.replace("error: se", "transform: log, error: se"), {**DATA, "x": np.exp(DATA["x"])})
    assert caught.value.diagnostics[0].code == "DR425"


def test_a_mediator_measured_with_error_stays_in_the_chain() -> None:
    text = TEXT.replace("effect: x -> y", "effect: z -> y")
    assert [m.estimator for m in compiled(text, DATA).plans[0].models] == ["adjusted", "chain"]


@pytest.mark.slow
def test_attenuation_is_put_right() -> None:
    """The naive slope is the true one times the reliability, var(x) / (var(x) + se^2) = .64 here."""
    rng = np.random.default_rng(12)
    x = rng.normal(0, 1, 500)
    data = {"x": x + 0.75 * rng.normal(size=500), "se": np.full(500, 0.75), "y": rng.normal(1.5 * x, 1)}
    text = (
        "nodes: {{x: {}, y: continuous}}\nedges: [x -> y]\neffect: x -> y\n"
        "sampling: {{draws: 800, tune: 800, chains: 2}}\n"
    )
    naive, ours = (
        pipeline.fit(spec_of(text.format(node)), data).effects[0].result
        for node in ("continuous", "{type: continuous, error: se}")
    )
    assert naive is not None
    assert ours is not None
    attenuated, corrected = naive.estimates[0].summary, ours.estimates[0].summary
    assert attenuated.mean == pytest.approx(1.5 * 0.64, abs=3 * attenuated.sd)
    assert abs(corrected.mean - 1.5) < 2.5 * corrected.sd
    assert corrected.sd < 0.15
