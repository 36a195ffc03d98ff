"""Averages over many rows by a polynomial of the parameters, against the averages at every draw."""

from __future__ import annotations

import numpy as np
import pytest

from dagreg.effects import gformula, surrogate
from dagreg.effects.estimate import estimates, surrogate_notes
from dagreg.effects.gformula import evaluations
from dagreg.effects.rows import merge
from dagreg.effects.surrogate import polynomial, surrogate_of
from dagreg.engines.draws import Draws
from dagreg.model.plan import Model
from tests.fitting import Columns, models_of, rows_of

SPEC = """
nodes: {z: continuous, x: continuous, k: binary, y: binary}
edges:
  - z -> x, y
  - x -> k -> y
  - x -> y
effect: x -> y
regressions:
  k: {priors: {intercept: 'Normal(0, 5)'}}
  y: {priors: {intercept: 'Normal(0, 5)'}}
"""
CHAINS, DRAWS = 4, 300


def _columns(rows: int = 400) -> Columns:
    rng = np.random.default_rng(3)
    z = rng.normal(size=rows)
    x = 0.5 * z + rng.normal(size=rows)
    k, y = (rng.random(rows) < 1 / (1 + np.exp(-x)) for _ in range(2))
    return {"z": z, "x": x, "k": k.astype(int), "y": y.astype(int)}


def _draws(sd: float) -> Draws:
    """Of a posterior with this sd in every coefficient, correlated."""
    centre = {
        "alpha_k": 0.2, "beta_k_x": 0.7, "alpha_y": -0.5, "beta_y_x": 0.6, "beta_y_z": 0.4, "beta_y_k": 0.9,
    }  # fmt: skip
    rng = np.random.default_rng(4)
    shared = rng.standard_normal((CHAINS, DRAWS))
    noise = {name: 0.5 * shared + rng.standard_normal((CHAINS, DRAWS)) for name in centre}
    return Draws({name: at + sd * noise[name] for name, at in centre.items()}, "exact", 0, 0.0)


def _chain(data: Columns) -> Model:
    return models_of(SPEC, data)["chain"]


@pytest.mark.parametrize("sd", [0.01, 0.04])
def test_a_surrogate_is_as_near_as_it_says(monkeypatch: pytest.MonkeyPatch, sd: float) -> None:
    data, draws = _columns(), _draws(sd)
    model = _chain(data)
    exact = estimates(model, draws, data, 1)
    monkeypatch.setattr(surrogate, "MAX_CELLS", 1)
    near = estimates(model, draws, data, 1)
    for one, other in zip(exact, near, strict=True):
        assert one.label == other.label
        if one.scale != "outcome":
            continue
        assert one.surrogate_error is None
        assert other.surrogate_error is not None
        assert 0 < other.surrogate_error <= surrogate.MAX_ERROR
        # the rms error over draws bounds what the mean and the sd are off by
        assert abs(other.summary.mean - one.summary.mean) <= surrogate.MAX_ERROR * one.summary.sd
        assert abs(other.summary.sd - one.summary.sd) <= surrogate.MAX_ERROR * one.summary.sd
    (note,) = surrogate_notes(near)
    assert "chain" in note
    assert "posterior sds" in note
    assert surrogate_notes(exact) == ()


def test_where_no_polynomial_is_near_enough_every_draw_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    data, draws = _columns(), _draws(3.0)
    model = _chain(data)
    exact = estimates(model, draws, data, 1)
    monkeypatch.setattr(surrogate, "MAX_CELLS", 1)
    near = estimates(model, draws, data, 1)
    for one, other in zip(exact, near, strict=True):
        assert other.surrogate_error is None
        assert other.summary.mean == pytest.approx(one.summary.mean, rel=1e-9)


def test_a_polynomial_of_the_right_degree_has_no_error() -> None:
    rng = np.random.default_rng(5)
    basis = np.hstack([np.ones((500, 1)), rng.standard_normal((500, 3))])
    values = np.stack([basis @ [1.0, 2.0, 0.0, -1.0], np.ones(500)])
    index = np.arange(0, 500, 10)
    fitted, error = polynomial(basis, index, values[:, index])
    assert np.allclose(fitted, values, rtol=1e-12, atol=1e-12)
    assert error < 1e-9


def test_the_error_measured_is_the_error_made() -> None:
    """Residuals of what a straight line cannot follow: their rms at draws left out, and at all others."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal(20_000)
    values = (x + 0.05 * x**2)[None, :]
    basis, index = np.column_stack([np.ones_like(x), x]), np.arange(0, 20_000, 20)
    fitted, error = polynomial(basis, index, values[:, index])
    made = float(np.sqrt(((fitted - values) ** 2).mean()) / values.std())
    assert error == pytest.approx(made, rel=0.2)  # an rms of 1,000 values with heavy tails


@pytest.mark.parametrize(
    ("link", "held", "nodes"), [("logit", (), 10), ("probit", (), 1), ("logit", ("g",), 1)]
)
def test_work_counts_the_nodes_over_a_population_of_groups(
    link: str, held: tuple[str, ...], nodes: int
) -> None:
    spec = f"nodes: {{x: continuous, g: group, y: {{type: binary, link: {link}}}}}\nedges: [x -> y, g -> y]\n"
    data = _columns(60)
    columns = {"x": data["x"], "y": data["y"], "g": np.arange(60) % 5}
    assert evaluations(models_of(spec + "effect: x -> y\n", columns)["adjusted"], held) == nodes


def test_small_work_has_no_surrogate() -> None:
    data, draws = _columns(), _draws(0.1)
    assert surrogate_of(_chain(data), draws.flat(), rows_of(_chain(data), data)) is None


def test_merged_rows_keep_order_and_weights() -> None:
    rng = np.random.default_rng(7)
    data = dict(_columns(300))
    data["x"], data["z"] = rng.integers(0, 3, 300).astype(float), rng.integers(0, 4, 300).astype(float)
    rows = rows_of(_chain(data), data)
    table = np.column_stack([rows.values["x"], rows.values["z"]])
    distinct, counts = np.unique(np.column_stack([data["x"], data["z"]]), axis=0, return_counts=True)
    order = np.lexsort(table.T[::-1])
    assert np.array_equal(table[order], distinct)
    assert rows.weights[order] == pytest.approx(counts / 300, rel=1e-12)
    assert merge(rows) is rows


COUNTED = "nodes: {x: continuous, m: count, y: binary}\nedges: [x -> m, 'x, m -> y']\neffect: x -> y\n"


def test_counts_that_are_summed_over_at_some_draws_are_as_near(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    m = rng.poisson(np.exp(1.0 + 0.4 * x))
    y = (rng.random(400) < 1 / (1 + np.exp(1 - 0.3 * m))).astype(int)
    data: Columns = {"x": x, "m": m, "y": y}
    model = models_of(COUNTED, data)["chain"]
    centre = {"alpha_m": 1.0, "beta_m_x": 0.4, "alpha_y": -1.0, "beta_y_x": 0.1, "beta_y_m": 0.3}
    noise = {name: rng.standard_normal((CHAINS, DRAWS)) for name in centre}
    draws = Draws({name: at + 0.05 * noise[name] for name, at in centre.items()}, "exact", 0, 0.0)
    near = estimates(model, draws, data, 1)
    monkeypatch.setattr(surrogate, "MAX_SHARE", 0.0)
    monkeypatch.setattr(gformula, "MAX_SUMMED", 10**9)
    exact = estimates(model, draws, data, 1)
    assert any(e.surrogate_error for e in near)
    assert not any(e.surrogate_error for e in exact)
    for one, other in zip(exact, near, strict=True):
        if one.scale == "outcome":
            assert abs(other.summary.mean - one.summary.mean) <= surrogate.MAX_ERROR * one.summary.sd
            assert abs(other.summary.sd - one.summary.sd) <= surrogate.MAX_ERROR * one.summary.sd
