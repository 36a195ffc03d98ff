"""Overlap and balance: counterparts counted by hand, warnings where they are due, and Table 1."""

from __future__ import annotations

import numpy as np
import pytest

import dagreg
from dagreg.doubts.overlap import by_chance, without_counterpart
from dagreg.doubts.types import Overlap
from dagreg.results.fit import FittedEffect
from tests.fitting import Columns

SPEC = "edges: ['z -> x, y', x -> y]\neffect: x -> y\n"


def fitted(spec: str, data: Columns) -> FittedEffect:
    (effect,) = dagreg.fit(dagreg.loads(spec), data).record.effects
    return effect


def found_in(spec: str, data: Columns) -> Overlap:
    found = fitted(spec, data).overlap
    assert found is not None
    return found


def codes(effect: FittedEffect) -> list[str]:
    return [d.code for d in effect.doubts]


def exposed(rows: int, strength: float, seed: int = 1) -> Columns:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=rows)
    x = (rng.random(rows) < 1 / (1 + np.exp(-strength * z))).astype(int)
    return {"z": z, "x": x, "y": x + z + rng.normal(size=rows)}


def test_counterparts_counted_by_hand() -> None:
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    treated = np.array([False, False, True, False, True, True])
    assert without_counterpart(score, treated).tolist() == [True, True, False, False, True, True]


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_runs_at_the_ends_of_shuffled_rows(share: float) -> None:
    rng = np.random.default_rng(3)
    times, units, treated = 20_000, 40, round(share * 40)
    rows = rng.permuted(np.tile(np.arange(units) < treated, (times, 1)), axis=1)
    runs = sum(np.argmax(side != side[:, :1], axis=1) for side in (rows, rows[:, ::-1]))
    for count in (3, 6, 10):
        simulated = float((runs >= count).mean())
        error = 4 * np.sqrt(simulated * (1 - simulated) / times)
        # with replacement runs are a little longer than without: the bound errs on the silent side
        assert simulated - error <= by_chance(count, share, units) <= simulated + error + 0.05


@pytest.mark.parametrize("rule", [lambda z: z > 0, lambda z: np.abs(z) > 1, lambda z: z > 1.2])
def test_an_exposure_by_rule_has_no_counterparts(rule: object) -> None:
    data = exposed(300, 0.0)
    data["x"] = rule(data["z"]).astype(int)  # type: ignore[operator]
    effect = fitted(SPEC, data)
    assert effect.overlap is not None
    assert effect.overlap.share_without_counterpart == 1.0
    assert effect.overlap.effective_rows == 0
    (doubt,) = [d for d in effect.doubts if d.code == "DR631"]
    assert "100% of the units" in doubt.message
    assert doubt.remedy


def test_lots_leave_everyone_with_counterparts() -> None:
    effects = [fitted(SPEC, exposed(200, 0.0, seed)) for seed in range(8)]
    assert not any("DR631" in codes(effect) for effect in effects)
    assert all(e.overlap is not None and e.overlap.share_without_counterpart < 0.08 for e in effects)


def test_weighing_balances_what_was_out_of_balance() -> None:
    data = exposed(3_000, 1.0)
    found = found_in(SPEC, data)
    (balance,) = found.balance
    treated = data["x"] == 1
    z = data["z"]
    spread = np.sqrt((z[treated].var() + z[~treated].var()) / 2)
    assert balance.before == pytest.approx((z[treated].mean() - z[~treated].mean()) / spread)
    assert abs(balance.after) < 0.1 < balance.before
    assert 0.3 * len(z) < found.effective_rows < len(z)


def test_table_1() -> None:
    rng = np.random.default_rng(2)
    g = np.array(list("abc"))[rng.integers(0, 3, 200)]
    data = exposed(200, 0.5) | {"g": g}
    found = found_in("edges: ['z, g -> x, y', x -> y]\neffect: x -> y\n", data)
    rows = {(p.node, p.level): p.groups for p in found.profile}
    treated = data["x"] == 1
    sizes = (float((~treated).sum()), float(treated.sum()))
    assert rows["units", None] == (("all", 200.0, None), ("0", sizes[0], None), ("1", sizes[1], None))
    name, mean, sd = rows["z", None][2]
    z = data["z"][treated]
    assert (name, mean, sd) == ("1", pytest.approx(z.mean()), pytest.approx(z.std()))
    assert rows["g", "b"][1][1] == pytest.approx((g[~treated] == "b").mean())
    assert {node for node, _ in rows} == {"units", "z", "g", "y"}


def test_an_exposure_that_is_a_number() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=500)
    x = z + rng.normal(size=500)
    found = found_in(SPEC, {"z": z, "x": x, "y": x + z + rng.normal(size=500)})
    left = 1 - np.corrcoef(z, x)[0, 1] ** 2
    assert found.contrast is None
    assert found.left == pytest.approx(left, rel=0.01)
    assert found.effective_rows == pytest.approx(500 * left, rel=0.01)
    assert found.balance[0].before == pytest.approx(np.corrcoef(z, x)[0, 1])
    assert not found.lacking


def test_a_number_that_the_set_all_but_decides_is_told_and_not_warned_of() -> None:
    """A line needs no counterparts; columns that cannot be told apart have a warning of their own (DR518)."""
    rng = np.random.default_rng(4)
    z = rng.normal(size=300)
    x = z + 0.05 * rng.normal(size=300)
    effect = fitted(SPEC, {"z": z, "x": x, "y": x + z + rng.normal(size=300)})
    assert effect.overlap is not None
    assert effect.overlap.effective_rows < 3
    assert "DR631" not in codes(effect)


def test_trials_count_as_units() -> None:
    rng = np.random.default_rng(5)
    size = rng.integers(5, 50, 60)
    z = rng.normal(size=60)
    x = rng.integers(0, 2, 60)
    data = {"z": z, "x": x, "n": size, "y": rng.binomial(size, 0.3)}
    spec = "nodes: {z: continuous, x: binary, y: {type: count, family: binomial, trials: n}}\n" + SPEC
    assert found_in(spec, data).units == size.sum()


@pytest.mark.parametrize(
    "spec",
    [
        "nodes: {z: continuous, x: binary, y: continuous, u: unobserved}\n"
        "edges: ['z -> x, y', x -> y, 'u -> x, y']\neffect: x -> y\n",
        "edges: [z -> x, x -> y]\neffect: {exposure: [x, z], outcome: y, contrast: [[0, 0], [1, 1]]}\n",
    ],
)
def test_where_no_one_regression_answers_nothing_is_said(spec: str) -> None:
    assert fitted(spec, exposed(100, 0.5)).overlap is None
