"""Confounding groups: partial pooling against the estimate within groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dagreg.doubts.between_groups import group_doubts
from dagreg.engines.draws import Draws
from dagreg.model.plan import Model
from tests.fitting import models_of

GROUPS, EACH = 80, 3
SPEC = "nodes: {g: group, x: continuous, z: continuous, y: continuous}\n"
CONFOUNDED = SPEC + "edges: ['g -> x, y', 'x, z -> y', z -> x]\neffect: x -> y\n"


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(GROUPS), EACH)
    own, z = rng.normal(0, 1.5, GROUPS)[g], rng.normal(size=len(g))
    x = own + 0.5 * z + rng.normal(size=len(g))
    return {"g": g, "x": x, "z": z, "y": own + 0.3 * z + rng.normal(size=len(g))}


def _within(data: dict[str, np.ndarray]) -> tuple[float, float]:
    """With a column for every group: coefficient and standard error."""
    design = np.column_stack([data["x"], data["z"], *(data["g"] == j for j in range(GROUPS))]).astype(float)
    beta, left, *_ = np.linalg.lstsq(design, data["y"], rcond=None)
    variance = left[0] / (len(design) - design.shape[1])
    return float(beta[0]), float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0]))


def _draws(model: Model, mean: float, sd: float) -> Draws:
    values = np.random.default_rng(1).normal(mean, sd, (2, 500))
    return Draws({"beta_y_x": values}, "test", 0, 0.0)


def test_confounding_that_pooling_leaves_is_warned_of() -> None:
    data = _data()
    model = models_of(CONFOUNDED, data)["adjusted"]
    within, error = _within(data)
    (doubt,) = group_doubts(model, _draws(model, 0.6, 0.05), data)
    assert doubt.code == "DR526"
    assert f"{within:.4g} (standard error {error:.2g})" in doubt.message


def test_no_warning_where_both_agree_or_the_group_does_not_confound() -> None:
    data = _data()
    model = models_of(CONFOUNDED, data)["adjusted"]
    within, error = _within(data)
    assert group_doubts(model, _draws(model, within + 0.5 * error, 0.8 * error), data) == ()
    apart = models_of(CONFOUNDED.replace("g -> x, y", "g -> y"), data)["adjusted"]
    assert group_doubts(apart, _draws(apart, 0.6, 0.05), data) == ()


@pytest.mark.parametrize(("groups", "each", "spread"), [(20, 50, 2.0), (8, 100, 1.0), (40, 5, 0.5)])
def test_groups_that_do_not_confound_are_warned_of_one_time_in_twenty(
    groups: int, each: int, spread: float
) -> None:
    """With many rows per group both variances are all but equal, and noise decided in two of five such
    tables.
    """
    spec = "nodes: {g: group, x: continuous, y: continuous}\nedges: ['g -> x, y', x -> y]\neffect: x -> y\n"
    wrong, tables = 0, 60
    g = np.repeat(np.arange(groups), each)
    model: Model | None = None
    for seed in range(tables):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=groups)[g] + rng.normal(size=len(g))
        y = 0.5 * x + spread * rng.normal(size=groups)[g] + rng.normal(size=len(g))
        model = model or models_of(spec, {"g": g, "x": x, "y": y})["adjusted"]
        pooled = _pooled(g, x, y, spread)
        wrong += group_doubts(model, _draws(model, *pooled), {"g": g, "x": x, "y": y}) != ()
    assert wrong <= stats.binom.ppf(0.999, tables, 0.05)


def _pooled(g: np.ndarray, x: np.ndarray, y: np.ndarray, spread: float) -> tuple[float, float]:
    """Generalised least squares with varying intercepts of this sd and a residual sd of 1."""
    each = int(np.bincount(g)[0])
    kept = 1 - 1 / np.sqrt(1 + each * spread**2)
    left = [v - kept * (np.bincount(g, weights=v) / each)[g] for v in (np.ones(len(g)), x, y)]
    design = np.column_stack(left[:2])
    inverse = np.linalg.inv(design.T @ design)
    return float((inverse @ design.T @ left[2])[1]), float(inverse[1, 1] ** 0.5)


def test_where_no_comparison_is_made_few_rows_are_enough() -> None:
    data = _data()
    data["y"] = (data["y"] > 0).astype(int)
    spec = CONFOUNDED.replace("y: continuous", "y: binary")
    model = models_of(spec, data)["adjusted"]
    (doubt,) = group_doubts(model, _draws(model, 0.6, 0.05), data)
    assert "3 rows per level" in doubt.message


@pytest.mark.parametrize("among", ["treated", "untreated"])
def test_the_treated_keep_their_own_groups(among: str) -> None:
    """Slopes differ between groups, and so does the share of the treated: the population of groups is another
    one.
    """
    from dagreg.effects.estimate import estimates

    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(4), 50)
    x = (rng.random(200) < np.array([0.1, 0.3, 0.6, 0.9])[g]).astype(int)
    data = {"g": g, "x": x, "y": rng.normal(size=200)}
    spec = (
        "nodes: {g: {type: group, slopes: [x]}, x: binary, y: continuous}\nedges: ['g -> x, y', x -> y]\n"
        f"effect: {{exposure: x, outcome: y, among: {among}}}\n"
    )
    model = models_of(spec, data)["adjusted"]
    own = np.array([[0.2, -1.0], [0.0, -0.2], [0.1, 0.4], [-0.3, 0.8]])
    values = {"alpha_y": 0.0, "beta_y_x": 1.0, "by_y_g": own, "sigma_y": 1.0}
    values |= {"cov_y_g_stds": [1.0, 1.0], "cov_y_g_corr": np.eye(2)}
    draws = {n: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for n, v in values.items()}
    (row,) = estimates(model, Draws(draws, "test", 0, 0.0), data, 0)
    chosen = x == (1 if among == "treated" else 0)
    assert row.summary.mean == pytest.approx(1.0 + own[g[chosen], 1].mean(), rel=1e-12)


def test_effects_by_a_variable_that_lacks_values_have_their_levels() -> None:
    rng = np.random.default_rng(2)
    c = np.ma.masked_array(np.array(["a", "b", "c"])[rng.integers(0, 3, 90)], mask=rng.random(90) < 0.2)
    import pyarrow as pa

    table = pa.table(
        {
            "c": pa.array(
                [None if m else str(v) for v, m in zip(c.data, np.ma.getmaskarray(c), strict=True)]
            ),
            "x": rng.integers(0, 2, 90),
            "y": rng.normal(size=90),
        }
    )
    spec = (
        "missing: impute\nnodes: {c: categorical, x: binary, y: continuous}\nedges: ['c -> x, y', x -> y]\n"
        "effect: {exposure: x, outcome: y, by: [c]}\n"
    )
    model = models_of(spec, table)["adjusted"]
    assert model.estimand.groups == ({"c": "a"}, {"c": "b"}, {"c": "c"})
