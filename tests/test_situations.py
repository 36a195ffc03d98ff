"""Situations that users of other tools reported as bugs or confusions, rebuilt; right answers are worked out
apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from dagreg import pipeline
from dagreg.effects.types import Estimate
from dagreg.errors import DagregError
from dagreg.identify.types import NotIdentified
from tests.calling import call
from tests.fitting import spec_of

pd = pytest.importorskip("pandas")
RNG = np.random.default_rng
LOW_TO_HIGH = ["low", "mid", "high"]


def _estimates(text: str, data: Any, scale: str = "outcome", estimator: str = "adjusted") -> list[Estimate]:
    (effect,) = pipeline.fit(spec_of(text), data).effects
    return [e for e in effect.result.estimates if (e.scale, e.estimator) == (scale, estimator)]


def _slopes(columns: list[Any], y: Any) -> np.ndarray:
    return np.linalg.lstsq(np.column_stack(columns), y, rcond=None)[0]


def _ordered_logit(x: np.ndarray, place: np.ndarray) -> float:
    """The slope of a proportional-odds regression of places 0, 1, 2 by maximum likelihood."""

    def minus(b: np.ndarray) -> float:
        below = [1 / (1 + np.exp(-(cut - b[0] * x))) for cut in (b[1], b[1] + np.exp(b[2]))]
        return -float(np.log(np.choose(place, [below[0], below[1] - below[0], 1 - below[1]])).sum())

    return float(minimize(minus, [0.0, -1.0, 0.0]).x[0])


# ---------------------------------------------------------------- numbers that are names


def _sites() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = RNG(5)
    site = rng.choice([3, 7, 11], 600)
    x = rng.normal(size=600) + 2.0 * (site == 7)
    y = x + np.select([site == 7, site == 11], [0.0, 3.0], 0.0) + rng.normal(size=600)
    return site, x, y


def _as_pandas(site: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    return pd.DataFrame({"site": pd.Categorical(site), "x": x, "y": y})


def _as_arrow(site: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.table({"site": pa.array(site).dictionary_encode(), "x": x, "y": y})


def _as_mapping(site: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    return {"site": pd.Categorical(site), "x": x, "y": y}


@pytest.mark.parametrize("table", [_as_pandas, _as_arrow, _as_mapping])
def test_a_category_of_whole_numbers_is_no_number(table: Any) -> None:
    """DoWhy issue 297: a column made a category is still fitted as a straight line through its codes."""
    site, x, y = _sites()
    right = _slopes([np.ones(600), x, site == 7, site == 11], y)[1]
    line = _slopes([np.ones(600), x, site], y)[1]
    (found,) = _estimates("edges: [site -> x, 'site, x -> y']\neffect: x -> y", table(site, x, y))
    assert found.summary.mean == pytest.approx(right, abs=0.1 * found.summary.sd)
    assert abs(found.summary.mean - line) > 3 * found.summary.sd


def test_a_category_may_still_be_declared_or_transformed_as_a_number() -> None:
    site, x, y = _sites()
    frame = _as_pandas(site, x, y)
    by_line = _slopes([np.ones(600), x, site], y)[1]
    by_log = _slopes([np.ones(600), x, np.log(site)], y)[1]
    edges = "edges: [site -> x, 'site, x -> y']\neffect: x -> y\n"
    for how, right in (("{type: continuous}", by_line), ("{transform: log}", by_log)):
        (found,) = _estimates(f"nodes: {{site: {how}, x: {{}}, y: {{}}}}\n{edges}", frame)
        assert found.summary.mean == pytest.approx(right, abs=0.1 * found.summary.sd)


def test_a_transform_makes_a_number_of_two_values() -> None:
    """The transform of an undeclared column of 0 and 1 was left out without a word."""
    rng = RNG(6)
    x = rng.integers(0, 2, 400)
    y = x + rng.normal(size=400)
    (found,) = _estimates(
        "nodes: {x: {transform: standardize}, y: continuous}\nedges: [x -> y]\neffect: x -> y",
        {"x": x, "y": y},
    )
    assert found.summary.mean == pytest.approx(
        np.polyfit(x, y, 1)[0] * x.std(ddof=1), abs=0.1 * found.summary.sd
    )


def test_text_cannot_be_transformed() -> None:
    text = "nodes: {x: {transform: log}, y: continuous}\nedges: [x -> y]\neffect: x -> y"
    with pytest.raises(DagregError, match=r"DR312.*`x` is continuous, but column `x` holds text"):
        pipeline.fit(spec_of(text), {"x": ["a", "b"] * 20, "y": RNG(1).normal(size=40)})


# ---------------------------------------------------------------- the order of levels


def _grades() -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(3)
    t = rng.normal(size=600)
    return t, np.digitize(t + rng.logistic(size=600), [-1, 1])


def _ordered(place: np.ndarray) -> Any:
    return pd.Categorical.from_codes(place, LOW_TO_HIGH, ordered=True)


def _enum(place: np.ndarray) -> Any:
    polars = pytest.importorskip("polars")
    return polars.Series([LOW_TO_HIGH[i] for i in place], dtype=polars.Enum(LOW_TO_HIGH))


def test_an_ordered_category_is_an_ordinal_outcome() -> None:
    """brms issue 662, thresholds under the wrong names: the levels have the table's order, not the
    alphabet's.
    """
    t, place = _grades()
    text = "edges: [t -> g]\neffect: t -> g"
    (slope,) = _estimates(text, pd.DataFrame({"t": t, "g": _ordered(place)}), scale="link")
    assert slope.summary.mean == pytest.approx(_ordered_logit(t, place), abs=0.15 * slope.summary.sd)
    levels = [e.outcome_level for e in _estimates(text, pd.DataFrame({"t": t, "g": _ordered(place)}))]
    assert levels == LOW_TO_HIGH


def test_an_enum_has_the_order_of_a_declared_ordinal() -> None:
    polars = pytest.importorskip("polars")
    t, place = _grades()
    frame = polars.DataFrame({"t": t, "g": _enum(place)})
    (slope,) = _estimates("nodes: {t: {}, g: ordinal}\nedges: [t -> g]\neffect: t -> g", frame, scale="link")
    assert slope.summary.mean == pytest.approx(_ordered_logit(t, place), abs=0.15 * slope.summary.sd)


def test_a_category_without_order_gives_none() -> None:
    """What pandas makes of text is sorted by the alphabet, which is not the order that is meant."""
    t, place = _grades()
    frame = pd.DataFrame({"t": t, "g": pd.Categorical.from_codes(place, LOW_TO_HIGH)})
    with pytest.raises(DagregError, match="the order of the levels of `g` is not known"):
        pipeline.fit(spec_of("nodes: {t: {}, g: ordinal}\nedges: [t -> g]\neffect: t -> g"), frame)


def test_two_ordered_values_have_the_probability_of_the_higher() -> None:
    t, place = _grades()
    frame = pd.DataFrame({"t": t, "g": pd.Categorical.from_codes(place // 2, ["low", "high"], ordered=True)})
    (found,) = _estimates("edges: [t -> g]\neffect: t -> g", frame)
    assert (found.outcome_level, found.summary.mean > 0) == ("high", True)


@pytest.mark.parametrize("levels", ["", ", levels: [1, 2, 3]"])
def test_a_reference_does_not_put_the_grades_of_an_outcome_in_another_order(levels: str) -> None:
    """With `reference: 2` the model was fitted to the order 2 < 1 < 3, and its slope was 0.4 in
    place of 1.
    """
    t, place = _grades()
    text = (
        f"nodes: {{t: continuous, g: {{type: ordinal, reference: 2{levels}}}}}\nedges: [t -> g]\neffect: t "
        "-> g"
    )
    with pytest.raises(DagregError, match=r"DR401.*the reference of `g` is 2"):
        pipeline.fit(spec_of(text), {"t": t, "g": place + 1})


# ---------------------------------------------------------------- columns of pandas that DuckDB does not know


def _odd_columns() -> dict[str, Any]:
    return {
        "cut": pd.cut([1, 5, 9, 3] * 10, [0, 4, 8, 12]),
        "interval": pd.arrays.IntervalArray.from_breaks(range(41)),
        "period": pd.period_range("2020-01", periods=40, freq="M"),
        "sparse": pd.arrays.SparseArray([0, 1] * 20),
        "complex": np.ones(40) * 1j,
        "long": np.arange(40, dtype=np.longdouble),
    }


@pytest.mark.parametrize("odd", sorted(_odd_columns()))
def test_a_column_that_is_not_used_may_be_of_any_type(odd: str) -> None:
    rng = RNG(2)
    x = rng.normal(size=40)
    frame = pd.DataFrame({odd: _odd_columns()[odd], "x": x, "y": 2 * x + rng.normal(size=40)})
    (found,) = _estimates("edges: [x -> y]\neffect: x -> y", frame)
    assert found.summary.mean == pytest.approx(np.polyfit(frame.x, frame.y, 1)[0], abs=0.1 * found.summary.sd)


def test_binned_and_sparse_columns_are_used_as_they_stand() -> None:
    rng = RNG(2)
    age, x = rng.uniform(0, 120, 400), rng.integers(0, 2, 400)
    y = np.digitize(age, [9, 60]) * 2.0 + 0.5 * x + rng.normal(size=400)
    frame = pd.DataFrame({"age": pd.cut(age, [0, 9, 60, 120]), "x": pd.arrays.SparseArray(x), "y": y})
    bins = _estimates("edges: ['age, x -> y']\neffect: age -> y", frame)
    right = _slopes([np.ones(400), (age > 9) & (age <= 60), age > 60, x], y)
    assert [e.contrast for e in bins] == [
        ("(0, 9]", "(9, 60]"),
        ("(0, 9]", "(60, 120]"),
    ]  # "(60" sorts before "(9"
    assert [e.summary.mean for e in bins] == pytest.approx(right[1:3], abs=0.05)


def test_a_column_of_a_type_that_nothing_takes_is_named_where_it_is_used() -> None:
    frame = pd.DataFrame({"x": np.arange(40) * 1j, "y": np.arange(40.0)})
    with pytest.raises(DagregError, match=r"DR321.*column `x` holds complex128 values"):
        pipeline.fit(spec_of("edges: [x -> y]\neffect: x -> y"), frame)


# ---------------------------------------------------------------- one effect for all


def _modified(slope: float, n: int = 1000, seed: int = 12) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Rows in which z moves the effect of t, and what products of the two give everyone and the treated."""
    rng = RNG(seed)
    z = rng.normal(size=n)
    t = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    y = z + t * (1 + slope * z) + rng.normal(size=n)
    b = _slopes([np.ones(n), t, z, t * z], y)
    return {"z": z, "t": t, "y": y}, {
        "everyone": b[1] + b[3] * z.mean(),
        "treated": b[1] + b[3] * z[t == 1].mean(),
    }


MODIFIED = "edges: [z -> t, 'z, t -> y']\neffect: {exposure: t, outcome: y, among: %s}\n"
WITH_PRODUCT = "regressions: {y: {interactions: ['t:z']}}\n"


def _doubts(text: str, data: Any) -> dict[str, str]:
    (effect,) = pipeline.fit(spec_of(text), data).effects
    return {doubt.code: f"{doubt.message} {doubt.remedy}" for doubt in effect.doubts}


def test_the_effect_on_the_treated_is_not_that_on_everyone_without_a_word() -> None:
    """EconML issue 526: ATE, ATT and ATC come out the same, as a regression without products has one slope
    for all.
    """
    data, right = _modified(1.0)
    said = _doubts(MODIFIED % "treated", data)["DR590"]
    assert f"the average effect on the treated is {right['treated']:.3g}" in said
    assert '`interactions: ["t:z"]` under `y`' in said
    for among, value in right.items():
        (found,) = _estimates(MODIFIED % among + WITH_PRODUCT, data)
        assert found.summary.mean == pytest.approx(value, abs=0.1 * found.summary.sd)
        assert "DR590" not in _doubts(MODIFIED % among + WITH_PRODUCT, data)


def test_a_regression_weighs_strata_by_the_exposures_variance() -> None:
    """Sloczynski 2022: where few are treated, the slope is nearer the effect on the treated than that on
    everyone.
    """
    rng = RNG(4)
    n = 4000
    z = rng.integers(0, 2, n)
    t = (rng.random(n) < np.where(z == 1, 0.5, 0.02)).astype(int)
    y = z + t * 2.0 * z + rng.normal(size=n)
    cells = {k: y[(t == 1) & (z == k)].mean() - y[(t == 0) & (z == k)].mean() for k in (0, 1)}
    right = cells[0] * (z == 0).mean() + cells[1] * (z == 1).mean()
    said = _doubts(MODIFIED % "everyone", {"z": z, "t": t, "y": y})["DR590"]
    assert float(said.split("the average effect is ")[1].split(". ")[0]) == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_one_effect_for_all_is_no_doubt(seed: int) -> None:
    assert "DR590" not in _doubts(MODIFIED % "treated", _modified(0.0, 200, seed)[0])


# -------------------------------------------------------- right already, and told apart from what others gave


def test_a_grouped_binomial_averages_over_its_trials() -> None:
    """marginaleffects issue 737: averaged over rows in place of people, the sign of the average turns."""
    cells = [("c", "desk", 12403, 103341), ("c", "phone", 1015, 16192), ("c", "tablet", 38, 401)]
    cells += [("z", "desk", 12490, 103000), ("z", "phone", 1045, 16300), ("z", "tablet", 20, 420)]
    frame = pd.DataFrame(cells, columns=["arm", "device", "y", "n"])
    share = frame.groupby("device").n.sum() / frame.n.sum()
    rate = frame.assign(p=frame.y / frame.n).pivot(index="device", columns="arm", values="p")
    gain = rate["z"] - rate["c"]
    text = (
        "nodes: {arm: categorical, device: categorical, y: {type: count, family: binomial, trials: n}}\n"
        "edges: ['arm, device -> y']\neffect: {exposure: arm, outcome: y, adjust: [device]}\n"
        "regressions: {y: {interactions: ['arm:device'], priors: {slopes: Flat(), intercept: Flat()}}}"
    )
    (found,) = _estimates(text, frame)
    assert gain.mean() < 0
    assert gain @ share > 0
    assert found.summary.mean == pytest.approx(gain @ share, abs=0.1 * found.summary.sd)


def test_one_mediator_of_two_is_no_front_door() -> None:
    """DoWhy issue 971: with M and R between X and Y, {M} alone was taken for a front door."""
    rng = RNG(7)
    n = 1500
    u = rng.normal(size=n)
    x = (u + rng.normal(size=n) > 0).astype(int)
    m, r = 1.5 * x + rng.normal(size=n), -x + rng.normal(size=n)
    y = 2 * m + r + 2 * u + rng.normal(size=n)
    b = _slopes([np.ones(n), x, m, r], y)
    right = b[2] * (m[x == 1].mean() - m[x == 0].mean()) + b[3] * (r[x == 1].mean() - r[x == 0].mean())
    edges = "edges: ['U -> X, Y', 'X -> M, R', 'M, R -> Y']\neffect: X -> Y\n"
    kinds = "X: binary, M: continuous, Y: continuous, U: unobserved"
    (found,) = _estimates(
        f"nodes: {{{kinds}, R: continuous}}\n{edges}", {"X": x, "M": m, "R": r, "Y": y}, estimator="frontdoor"
    )
    assert found.summary.mean == pytest.approx(right, abs=0.1 * found.summary.sd)
    (hidden,) = pipeline.explain(spec_of(f"nodes: {{{kinds}, R: unobserved}}\n{edges}")).answers
    assert isinstance(hidden, NotIdentified)


# ---------------------------------------------------------------- texts that look alike, or like nothing

LEVELS_OF_G = "edges: [g -> y]\neffect: g -> y\n"


def _warnings(text: str, levels: list[str]) -> dict[str, str]:
    data = {"g": levels * 20, "y": RNG(1).normal(size=20 * len(levels))}
    return {doubt.code: doubt.message for doubt in pipeline.fit(spec_of(text), data).record.doubts}


def test_levels_that_differ_in_spaces_or_capitals_are_pointed_out() -> None:
    """A trailing space makes another level in every tool; effects then compare halves of one group."""
    assert (
        "'drug' (20 rows) and 'drug ' (20 rows)" in _warnings(LEVELS_OF_G, ["drug", "drug ", "none"])["DR591"]
    )
    assert "'Yes' (20 rows) and 'yes' (20 rows)" in _warnings(LEVELS_OF_G, ["Yes", "yes", "no"])["DR591"]


@pytest.mark.parametrize("levels", [["AA", "Aa", "aa"], ["A", "a"], ["new york", "newark"], ["no", "yes"]])
def test_levels_that_are_meant_to_differ_are_not(levels: list[str]) -> None:
    assert not {"DR591", "DR592"} & set(_warnings(LEVELS_OF_G, levels))


def test_levels_that_the_spec_lists_are_meant() -> None:
    text = "nodes: {g: {type: categorical, levels: [none, drug, 'drug ']}, y: continuous}\n" + LEVELS_OF_G
    assert "DR591" not in _warnings(text, ["none", "drug", "drug "])


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_text_that_is_a_level_is_pointed_out(empty: str) -> None:
    assert "an empty text in 20 rows" in _warnings(LEVELS_OF_G, [empty, "a", "b"])["DR592"]


@pytest.mark.parametrize("how", [[], ["--format", "json"]])
def test_check_says_each_warning_once(how: list[str], tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("g,y\n" + "yes,1.5\nYes,2\nno,3\n" * 5)
    (tmp_path / "s.yaml").write_text("data: d.csv\n" + LEVELS_OF_G)
    done = call("check", tmp_path / "s.yaml", *how)
    assert (done.code, done.stderr.count("warning[DR591]")) == (0, 1)


@pytest.mark.parametrize("beside", ["", "z, "])
def test_a_level_without_rows_is_named(beside: str) -> None:
    """infer issue 332, levels that a factor lists and no row has: as the reference, every answer was the
    prior's.
    """
    rng = RNG(1)
    data = {"g": rng.choice(["a", "b"], 80), "z": rng.integers(0, 2, 80), "y": rng.normal(size=80)}
    text = (
        "nodes: {g: {type: categorical, levels: [%s]}, z: binary, y: continuous}\n"
        f"edges: ['{beside}g -> y']\neffect: {{exposure: g, outcome: y, adjust: [{beside.strip(', ')}]}}"
    )
    text = text if beside else text.replace("z: binary, ", "")
    said = _doubts(text % "zz, a, b", data)["DR522"]
    assert "no row has g = zz" in said
    assert "DR522" not in _doubts(text % "a, b", data)
