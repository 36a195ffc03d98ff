"""Situations that users of other tools reported as bugs or confusions, rebuilt; right answers are worked out apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from dagreg import pipeline
from dagreg.effects.types import Estimate
from dagreg.errors import DagregError
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
        "nodes: {x: {transform: standardize}, y: continuous}\nedges: [x -> y]\neffect: x -> y", {"x": x, "y": y}
    )
    assert found.summary.mean == pytest.approx(np.polyfit(x, y, 1)[0] * x.std(ddof=1), abs=0.1 * found.summary.sd)


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
    """brms issue 662, thresholds under the wrong names: the levels have the table's order, not the alphabet's."""
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
    """With `reference: 2` the model was fitted to the order 2 < 1 < 3, and its slope was 0.4 in place of 1."""
    t, place = _grades()
    text = f"nodes: {{t: continuous, g: {{type: ordinal, reference: 2{levels}}}}}\nedges: [t -> g]\neffect: t -> g"
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
    assert [e.contrast for e in bins] == [("(0, 9]", "(9, 60]"), ("(0, 9]", "(60, 120]")]  # "(60" sorts before "(9"
    assert [e.summary.mean for e in bins] == pytest.approx(right[1:3], abs=0.05)


def test_a_column_of_a_type_that_nothing_takes_is_named_where_it_is_used() -> None:
    frame = pd.DataFrame({"x": np.arange(40) * 1j, "y": np.arange(40.0)})
    with pytest.raises(DagregError, match=r"DR321.*column `x` holds complex128 values"):
        pipeline.fit(spec_of("edges: [x -> y]\neffect: x -> y"), frame)
