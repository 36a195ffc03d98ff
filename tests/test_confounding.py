"""How strong a missed common cause would have to be: against published tables and regressions with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import dagreg
from dagreg.doubts.confounding import (
    adjusted,
    partial_r2,
    robustness_of_interval,
    robustness_value,
    shared,
    strengths,
    with_cause,
)
from dagreg.doubts.types import Sensitivity
from dagreg.errors import SpecError
from dagreg.numerics.tails import t_reach
from dagreg.results.fit import FittedEffect
from tests.fitting import Columns

# Darfur: Cinelli and Hazlett 2020, tables 1 and 2
ESTIMATE, ERROR, FREE = 0.09731582, 0.02325654, 783.0


def test_darfur() -> None:
    t = ESTIMATE / ERROR
    assert robustness_value(t, FREE) == pytest.approx(0.139, abs=0.0005)
    assert robustness_of_interval(t, FREE, 0.95) == pytest.approx(0.076, abs=0.0005)
    assert partial_r2(t, FREE) == pytest.approx(0.022, abs=0.0005)


@pytest.mark.parametrize(
    ("with_x", "with_y", "mean", "sd", "low", "high"),
    [
        (0.00916, 0.12464, 0.0752, 0.0219, 0.0323, 0.1182),
        (0.01833, 0.24927, 0.0529, 0.0204, 0.0129, 0.0929),
        (0.02749, 0.37390, 0.0304, 0.0187, -0.0063, 0.0670),
    ],
)
def test_darfur_with_a_cause_as_strong_as_female(
    with_x: float, with_y: float, mean: float, sd: float, low: float, high: float
) -> None:
    found = adjusted(ESTIMATE, ERROR, FREE, 0.95, with_x, with_y)
    assert found.mean == pytest.approx(mean, abs=0.0002)
    assert found.sd == pytest.approx(sd, abs=0.0001)
    assert found.interval == pytest.approx((low, high), abs=0.0003)


def least_squares(y: np.ndarray, *columns: np.ndarray) -> tuple[float, float, float]:
    """The first column's coefficient, its standard error, and the degrees of freedom."""
    design = np.column_stack([*columns, np.ones(len(y))])
    beta, left, _, _ = np.linalg.lstsq(design, y)
    free = len(y) - design.shape[1]
    variance = float(left[0]) / free * np.linalg.inv(design.T @ design)[0, 0]
    return float(beta[0]), math.sqrt(variance), free


def triangle(*columns: np.ndarray) -> np.ndarray:
    return np.linalg.qr(np.column_stack([np.ones(len(columns[0])), *columns]), mode="r")


@pytest.mark.parametrize("seed", range(6))
def test_the_bias_is_that_of_the_regression_without_the_cause(seed: int) -> None:
    """With U's own partial R2 the estimate and its error are those of the regression that has U."""
    rng = np.random.default_rng(seed)
    z, u = rng.normal(size=(2, 60))
    u = u + rng.normal() * z
    x = z + rng.normal() * u + rng.normal(size=60)
    y = 0.5 * x + z + rng.normal() * u + rng.normal(size=60)
    short, long = least_squares(y, x, z), least_squares(y, x, z, u)
    rows = triangle(z, u, x, y)  # columns 1, 2, 3, 4
    with_x, with_y = shared(rows, [2], 3, without=(4,)), shared(rows, [2], 4)
    towards = (short[0] - long[0]) * short[0] > 0  # else U hides a part of the effect
    found = adjusted(short[0], short[1], short[2], 0.95, with_x, with_y)
    moved = found.mean if towards else 2 * short[0] - found.mean
    assert moved == pytest.approx(long[0], abs=1e-10)
    assert found.sd == pytest.approx(long[1], abs=1e-10)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_robustness_value_takes_its_share_of_the_estimate(share: float) -> None:
    r2 = robustness_value(4.0, 90.0, share)
    assert adjusted(4.0, 1.0, 90.0, 0.9, r2, r2).mean == pytest.approx(4.0 * (1 - share))
    r2 = robustness_of_interval(4.0, 90.0, 0.9)
    assert adjusted(4.0, 1.0, 90.0, 0.9, r2, r2).interval[0] == pytest.approx(0, abs=1e-10)
    assert robustness_of_interval(1.0, 90.0, 0.9) == 0
    assert robustness_value(-4.0, 90.0) == robustness_value(4.0, 90.0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("times", [1, 2])
def test_a_cause_so_many_times_as_strong_stays_within_its_bounds(seed: int, times: int) -> None:
    """Population covariances: U is independent of z, and moves x and y by the root of `times` what z does."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0.1, 1, 3)
    root = math.sqrt(times)
    # z, u, x, y of four independent sources
    z, u, own_x, own_y = np.eye(4)
    x = a * z + root * a * u + own_x
    y = b * x + c * z + root * c * u + own_y
    columns = np.column_stack([z, u, x, y])
    true_x = shared(columns, [1], 2, without=(3,))
    true_y = shared(columns, [1], 3)
    # k is the ratio of the shares that U and z each have, the other not in the regression
    k_x = shared(columns, [1], 2, without=(0, 3)) / shared(columns, [0], 2, without=(1, 3))
    k_y = shared(columns, [1], 3, without=(0,)) / shared(columns, [0], 3, without=(1,))
    found = strengths(
        shared(columns, [0], 2, without=(1, 3)), shared(columns, [0], 3, without=(1,)), max(k_x, k_y)
    )
    if found is None:
        pytest.skip("no cause is so strong")
    assert true_x <= found[0] + 1e-12
    assert true_y <= found[1] + 1e-12


def test_shares_of_several_columns_are_joint() -> None:
    rng = np.random.default_rng(1)
    g1, g2, x = rng.normal(size=(3, 50))
    y = g1 - g2 + x + rng.normal(size=50)
    rows = triangle(g1, g2, x, y)
    without = np.column_stack([x, np.ones(50)])
    whole = np.column_stack([x, np.ones(50), g1, g2])
    left = [float(np.linalg.lstsq(d, y)[1][0]) for d in (without, whole)]
    assert shared(rows, [1, 2], 4) == pytest.approx(1 - left[1] / left[0])


def fitted(spec: str, data: Columns) -> FittedEffect:
    (effect,) = dagreg.fit(dagreg.loads(spec), data).record.effects
    return effect


def found_in(spec: str, data: Columns) -> Sensitivity:
    found = fitted(spec, data).sensitivity
    assert found is not None
    return found


def linear(rows: int = 400) -> Columns:
    rng = np.random.default_rng(8)
    z, w = rng.normal(size=(2, rows))
    g = rng.integers(0, 3, rows)
    x = 0.4 * z + 0.5 * w + 0.4 * (g == 1) + rng.normal(size=rows)
    y = 0.4 * x + 0.5 * z + 0.5 * w + (g == 2) + rng.normal(size=rows)
    return {"z": z, "w": w, "g": np.array(list("abc"))[g], "x": x, "y": y}


SPEC = "edges: ['z, w, g -> x, y', x -> y]\neffect: x -> y\n"


def test_a_fit_of_a_linear_regression_has_them() -> None:
    data = linear()
    found = found_in(SPEC, data)
    levels = [(data["g"] == level).astype(float) for level in "bc"]
    mean, sd, free = least_squares(data["y"], data["x"], data["z"], data["w"], *levels)
    assert found.degrees_of_freedom == free
    assert found.robustness_value == pytest.approx(robustness_value(mean / sd, free), rel=0.02)
    assert found.partial_r2 == pytest.approx(partial_r2(mean / sd, free), rel=0.03)
    assert found.e_value is None
    assert {b.node for b in found.benchmarks} == {"z", "w", "g"}
    rows = triangle(data["z"], data["w"], *levels, data["x"], data["y"])
    one = next(b for b in found.benchmarks if b.node == "g" and b.times == 1)
    strong = strengths(shared(rows, [3, 4], 5, without=(6,)), shared(rows, [3, 4], 6), 1)
    assert (one.share_exposure, one.share_outcome) == pytest.approx(strong)


def test_the_mean_of_many_draws_of_a_missed_cause_lies_where_a_benchmark_says() -> None:
    """A cause as strong as z, left out: with z alone in the set its benchmark is near the truth."""
    rng = np.random.default_rng(3)
    z, u = rng.normal(size=(2, 20_000))
    x = 0.5 * z + 0.5 * u + rng.normal(size=20_000)
    y = 0.3 * x + 0.5 * z + 0.5 * u + rng.normal(size=20_000)
    found = found_in("edges: ['z -> x, y', x -> y]\neffect: x -> y\n", {"z": z, "x": x, "y": y})
    one = next(b for b in found.benchmarks if b.times == 1)
    assert one.mean < 0.3 + 4 * one.sd  # a bound: at least so far down
    assert one.mean == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(("kind", "measure"), [("binary", "risk ratio"), ("count", "rate ratio")])
def test_ratios_have_e_values(kind: str, measure: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 2, 500)
    mean = 0.2 + 0.25 * x
    y = (rng.random(500) < mean).astype(int) if kind == "binary" else rng.poisson(10 * mean)
    spec = f"nodes: {{x: binary, y: {kind}}}\nedges: [x -> y]\neffect: x -> y\n"
    effect = fitted(spec, {"x": x, "y": y})
    found = effect.sensitivity
    assert found is not None
    assert found.robustness_value is None
    assert found.e_value is not None
    assert effect.result is not None
    ratio = next(e.summary for e in effect.result.estimates if e.scale == measure and e.primary is False)
    assert found.e_value.measure == measure
    assert found.e_value.estimate == pytest.approx(ratio.mean + math.sqrt(ratio.mean * (ratio.mean - 1)))
    low = ratio.interval[0]
    assert found.e_value.interval == pytest.approx(low + math.sqrt(low * (low - 1)))


def test_an_interval_that_holds_1_has_the_e_value_1() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 2, (2, 60))
    found = found_in("nodes: {x: binary, y: binary}\nedges: [x -> y]\neffect: x -> y\n", {"x": x, "y": y})
    assert found.e_value is not None
    assert found.e_value.interval == 1
    assert found.e_value.estimate >= 1


@pytest.mark.parametrize(
    "extra",
    [
        "regressions: {y: {interactions: ['x:z']}}\n",
        "regressions: {y: {family: student_t}}\n",
        "regressions: {y: {varying: {g: [intercept, x]}}}\n",
    ],
)
def test_where_one_coefficient_is_not_the_effect_nothing_is_said(extra: str) -> None:
    data = linear(90)
    kind = "nodes: {z: continuous, w: continuous, g: group, x: continuous, y: continuous}\n"
    assert fitted(kind + SPEC + extra, data).sensitivity is None


def test_a_report_says_it_and_a_summary_too() -> None:
    import io

    from rich.console import Console

    from dagreg.report.render import print_short, render

    result = dagreg.fit(dagreg.loads(SPEC), linear())
    text = " ".join(render(result.record, "text").split())
    assert "If a common cause was missed" in text
    assert "robustness values (Cinelli and Hazlett 2020)" in text
    stream = io.StringIO()
    print_short(result.record, Console(file=stream, width=80))
    assert "To bring the estimate to zero" in stream.getvalue()


@pytest.mark.parametrize("level", [0.5, 0.94, 0.999])
@pytest.mark.parametrize("free", [2.0, 7.5, 783.0, 1e6])
def test_quantiles_of_t(level: float, free: float) -> None:
    from scipy import stats

    assert t_reach(level, free) == pytest.approx(stats.t.ppf((1 + level) / 2, free), rel=1e-8)


def test_an_interval_under_an_assumed_cause_holds_the_truth_as_often_as_it_says() -> None:
    """Studies whose causes are drawn from the priors: 94 % within four Monte Carlo errors."""
    rng = np.random.default_rng(7)
    studies, rows, inside = 400, 150, 0
    for _ in range(studies):
        a, b = rng.normal(0, 0.6, 2)
        z, u = rng.normal(size=(2, rows))
        x = 0.5 * z + a * u + rng.normal(size=rows)
        y = 0.4 * x - z + b * u + rng.normal(size=rows)
        mean, error, free = least_squares(y, x, z)
        sigma = np.sqrt(free / rng.chisquare(free, 800))
        rest = x - np.polyval(np.polyfit(z, x, 1), z)
        left = float(rest @ rest)
        sd = error * math.sqrt(left)
        slopes = mean + error * sigma * rng.normal(size=800)
        variance = left / rng.chisquare(rows - 2, (5, 800))
        moved = with_cause(slopes, sd * sigma, variance, *rng.normal(0, 0.6, (2, 5, 800)))
        low, high = np.nanquantile(moved, [0.03, 0.97])
        inside += low <= 0.4 <= high
    assert abs(inside / studies - 0.94) < 4 * math.sqrt(0.94 * 0.06 / studies)


def test_an_assumed_cause_is_told_beside_the_answer() -> None:
    assumed = "{u: {exposure: 'Normal(0.5, 0.01)', outcome: 'Normal(0.5, 0.01)'}}"
    spec = SPEC.replace("effect: x -> y", f"effect: {{exposure: x, outcome: y, assume: {assumed}}}")
    data = linear(2_000)
    plain, found = found_in(SPEC, data), found_in(spec, data)
    assert plain.assumed is None
    assert found.assumed is not None
    mean, _, _ = least_squares(data["y"], data["x"], data["z"], data["w"], *[data["g"] == k for k in "bc"])
    rest = (
        data["x"]
        - np.column_stack([np.ones(2_000), data["z"], data["w"], *[data["g"] == k for k in "bc"]])
        @ np.linalg.lstsq(
            np.column_stack([np.ones(2_000), data["z"], data["w"], *[data["g"] == k for k in "bc"]]),
            data["x"],
        )[0]
    )
    assert found.assumed.mean == pytest.approx(mean - 0.25 / rest.var(), abs=0.01)
    assert found.assumed.possible > 0.99
    text = " ".join(dagreg.fit(dagreg.loads(spec), data).report("text").split())
    assert "This number rests on the assumption" in text


@pytest.mark.parametrize(
    "cause",
    [
        "{z: {exposure: 'Normal(0, 1)', outcome: 'Normal(0, 1)'}}",
        "{u: {exposure: Flat, outcome: 'Normal(0, 1)'}}",
    ],
)
def test_what_cannot_be_assumed_is_refused(cause: str) -> None:
    spec = SPEC.replace("effect: x -> y", f"effect: {{exposure: x, outcome: y, assume: {cause}}}")
    with pytest.raises(SpecError, match=r"DR15[02]"):
        dagreg.loads(spec)
