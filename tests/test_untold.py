"""What the data do not tell: collinear columns, and predictors that separate the outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.errors import Doubt
from tests.fitting import spec_of

TWO = "edges: ['z -> x', 'x, z -> y']\neffect: x -> y\nsampling: {draws: 500}\n"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def doubts(text: str, data: dict[str, Any], code: str) -> tuple[Doubt, ...]:
    return tuple(d for d in pipeline.fit(spec_of(text), data).effects[0].doubts if d.code == code)


# ------------------------------------------------------------ collinearity


def alike(rows: int = 200) -> dict[str, Any]:
    r = rng()
    z = r.normal(20, 5, rows)
    x = 1.8 * z + 32
    return {"z": z, "x": x, "y": 0.5 * x + r.normal(0, 1, rows)}


def test_a_unit_apart() -> None:
    """The sum that the data tell is the slope of least squares on one of the two."""
    data = alike()
    (doubt,) = doubts(TWO, data, "DR518")
    assert "x = 1.8 z + 32 in every row" in doubt.message
    slope = np.polyfit(data["x"], data["y"], 1)[0]
    told = float(doubt.message.split("that of z: ")[1].split()[0])
    assert "the coefficient of x plus 0.5556 times that of z" in doubt.message
    assert told == pytest.approx(slope, abs=4.5 * 1 / (9 * 200**0.5) / 2000**0.5 + 1e-3)


def test_the_posterior_of_equal_columns() -> None:
    """y on x1 = x2 under Normal(0, 1): by a grid over sigma, .357 (.726)."""
    text = "edges: ['x2 -> x1', 'x1, x2 -> y']\neffect: x1 -> y\nsampling: {draws: 5000}\nregressions:\n"
    text += "  y: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 1)', sigma: Exponential(1)}}"
    x = np.arange(1.0, 6.0)
    result = pipeline.fit(spec_of(text), {"x1": x, "x2": x, "y": np.array([1.0, 5, 2, 3, 4])})
    found = next(e for e in result.effects[0].result.estimates if e.primary).summary
    assert found.mean == pytest.approx(0.357, abs=4.5 * 0.726 / 20_000**0.5 + 5e-4)
    assert found.sd == pytest.approx(0.726, abs=4.5 * 0.726 / 40_000**0.5 + 5e-4)


def _categories(r: np.random.Generator) -> dict[str, Any]:
    site = r.choice(["north", "south", "west"], 300)
    x = (site == "south").astype(int)
    return {"z": site, "x": x, "y": x + r.normal(size=300)}


def _centred(r: np.random.Generator) -> dict[str, Any]:
    z = r.normal(1e6, 1, 300).round(6)
    return {"z": z, "x": 10 * z, "y": z - 1e6 + r.normal(size=300)}


def _rounded(r: np.random.Generator) -> dict[str, Any]:
    z = r.normal(170, 10, 100).round(3)
    return {"z": z, "x": (z / 2.54).round(3), "y": z / 10 + r.normal(size=100)}


TIED = {
    "a level": (TWO, _categories, "x = z[south] in every row"),
    "far from 0": (TWO, _centred, "x = 10 z in every row"),
    "a transform": (
        "nodes: {z: {transform: standardize}, x: continuous, y: continuous}\n" + TWO,
        lambda r: alike(),
        "x = ",
    ),
    "rounded": (TWO, _rounded, "to the rounding of the data"),
}


@pytest.mark.parametrize("name", TIED)
def test_the_combination_is_named(name: str) -> None:
    text, make, words = TIED[name]
    (doubt,) = doubts(text, make(rng(3)), "DR518")
    assert words in doubt.message


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "ordinal"])
def test_of_other_families(family: str) -> None:
    r = rng(2)
    z = r.normal(size=400)
    p = 1 / (1 + np.exp(-z))
    y = {"bernoulli": r.binomial(1, p), "poisson": r.poisson(np.exp(z / 2)), "ordinal": r.binomial(3, p)}[
        family
    ]
    declared = (
        "{family: ordinal, type: ordinal, levels: [0, 1, 2, 3]}"
        if family == "ordinal"
        else f"{{family: {family}}}"
    )
    text = f"nodes: {{z: continuous, x: continuous, y: {declared}}}\n{TWO}"
    (doubt,) = doubts(text, {"z": z, "x": 2 * z + 1, "y": y}, "DR518")
    assert "x = 2 z + 1" in doubt.message


def test_a_product_that_is_a_column() -> None:
    """x is 1 only where z is, so that x:z is x."""
    r = rng(4)
    z = r.integers(0, 2, 300)
    x = z * r.integers(0, 2, 300)
    text = TWO + "regressions: {y: {interactions: ['x:z']}}"
    (doubt,) = doubts(text, {"z": z, "x": x, "y": x + z + r.normal(size=300)}, "DR518")
    assert "x:z" in doubt.message


def test_columns_that_the_effect_does_not_hang_on_are_a_note() -> None:
    r = rng(6)
    z = r.normal(size=200)
    x = z + r.normal(size=200)
    data = {"z": z, "w": 2 * z, "x": x, "y": x + z + r.normal(size=200)}
    text = "edges: ['z, w -> x', 'x, z, w -> y']\neffect: x -> y\nsampling: {draws: 500}"
    (effect,) = pipeline.fit(spec_of(text), data).effects
    assert [d for d in effect.doubts if d.code == "DR518"] == []
    assert any("w = 2 z" in note or "z = 0.5 w" in note for note in effect.result.notes)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("correlation", "rows"), [(0.99, 1_000), (0.999, 200), (0.9, 12), (0.0, 8)])
def test_high_correlation_alone_is_no_warning(correlation: float, rows: int, seed: int) -> None:
    r = rng(seed)
    z = r.normal(size=rows)
    x = correlation * z + (1 - correlation**2) ** 0.5 * r.normal(size=rows)
    assert doubts(TWO, {"z": z, "x": x, "y": x + z + r.normal(size=rows)}, "DR518") == ()


def test_more_coefficients_than_rows() -> None:
    r = rng(7)
    names = [f"z{i}" for i in range(6)]
    data = {n: r.normal(size=5) for n in (*names, "x", "y")}
    listed = ", ".join(names)
    text = f"edges: ['{listed} -> x', 'x, {listed} -> y']\neffect: x -> y\nsampling: {{draws: 500}}"
    result = pipeline.fit(spec_of(text), data)
    (doubt,) = (d for d in result.effects[0].doubts if d.code == "DR518")
    assert "8 coefficients and 5 rows" in doubt.message
    assert result.record.ok


# ------------------------------------------------------------ separation


def _two_by_two(a: int, b: int, c: int, d: int) -> dict[str, Any]:
    """y = 1 in a of a + b rows with x = 1, in c of c + d with x = 0."""
    x = np.repeat([1, 1, 0, 0], [a, b, c, d])
    return {"x": x, "y": np.repeat([1, 0, 1, 0], [a, b, c, d])}


ONE = "nodes: {x: binary, y: binary}\nedges: [x -> y]\neffect: x -> y\nsampling: {draws: 500}\n"
NUMBER = "nodes: {x: continuous, y: binary}\nedges: [x -> y]\neffect: x -> y\nsampling: {draws: 500}\n"


def test_an_empty_cell() -> None:
    (doubt,) = doubts(ONE, _two_by_two(12, 0, 10, 15), "DR519")
    assert "x = 1: every row has y = 1" in doubt.message
    assert "x = 0" not in doubt.message
    assert doubts(ONE, _two_by_two(12, 1, 10, 15), "DR519") == ()


def test_a_number_that_separates() -> None:
    x = np.arange(20.0)
    (doubt,) = doubts(NUMBER, {"x": x, "y": (x > 9.5).astype(int)}, "DR519")
    assert "where x is above 9 every row has y = 1" in doubt.message
    y = (x > 9.5).astype(int)
    y[[9, 10]] = 1, 0
    assert doubts(NUMBER, {"x": x, "y": y}, "DR519") == ()


def test_a_separation_that_takes_two_predictors() -> None:
    r = rng(1)
    x, z = r.normal(size=(2, 60))
    text = "nodes: {x: continuous, z: continuous, y: binary}\n" + TWO
    (doubt,) = doubts(text, {"x": x, "z": z, "y": (x + z > 0).astype(int)}, "DR519")
    assert "x together with z" in doubt.message


def test_a_separated_confounder_leaves_the_exposure_alone() -> None:
    r = rng(2)
    z, x = r.integers(0, 2, (2, 200))
    y = np.where(z == 1, 1, r.binomial(1, 0.3 + 0.3 * x))
    text = "nodes: {x: binary, z: binary, y: binary}\n" + TWO
    assert doubts(text, {"x": x, "z": z, "y": y}, "DR519") == ()


def test_counts_that_are_all_zero() -> None:
    x = np.repeat([0, 1], 30)
    y = np.where(x == 1, 0, rng(3).poisson(3, 60))
    text = "nodes: {x: binary, y: {family: poisson}}\nedges: [x -> y]\neffect: x -> y\nsampling: {draws: 500}"
    (doubt,) = doubts(text, {"x": x, "y": y}, "DR519")
    assert "x = 1: every count is 0" in doubt.message


@pytest.mark.parametrize("kind", ["ordinal", "categorical"])
def test_outcomes_in_levels(kind: str) -> None:
    r = rng(4)
    x = np.repeat([0, 1], 60)
    y = np.where(x == 1, 0, r.integers(0, 3, 120))
    text = f"nodes: {{x: binary, y: {{type: {kind}, levels: [0, 1, 2]}}}}\nedges: [x -> y]\neffect: x -> y\n"
    text += "sampling: {draws: 500}"
    assert len(doubts(text, {"x": x, "y": y}, "DR519")) == 1
    assert doubts(text, {"x": x, "y": r.integers(0, 3, 120)}, "DR519") == ()


@pytest.mark.parametrize("seed", range(12))
def test_it_is_found_where_brute_force_finds_it(seed: int) -> None:
    """With one number, rows are separated where the ranges of x in both outcomes overlap in one point at
    most.
    """
    r = rng(seed)
    x = r.integers(0, 6, 10).astype(float)
    y = r.binomial(1, 1 / (1 + np.exp(-3 * (x - 2.5))))
    if len(set(y)) < 2 or len(set(x)) < 3:
        return
    low, high = x[y == 0], x[y == 1]
    separated = low.max() <= high.min() or high.max() <= low.min()
    assert bool(doubts(NUMBER, {"x": x, "y": y}, "DR519")) == separated


def test_a_mean_for_each_level_of_two_nodes_leaves_their_contrasts_told() -> None:
    """Levels of either add up to 1: a contrast is a difference of two of them, and least squares tells it."""
    text = (
        "nodes: {t: binary, g: categorical, z: continuous, y: continuous}\nedges: ['z -> t, y', 't, g -> "
        "y']\n"
    )
    text += "effect: t -> y\nregressions: {y: {coding: index}}\nsampling: {draws: 500}"
    r = rng(8)
    data = {"t": r.integers(0, 2, 200), "g": r.choice(["a", "b", "c"], 200), "z": r.normal(size=200)}
    data["y"] = data["t"] + (data["g"] == "b") + data["z"] + r.normal(size=200)
    assert doubts(text, data, "DR518") == ()
    told = {**data, "g": np.where(data["t"] == 1, "b", "a")}  # here g is t under another name
    assert len(doubts(text, told, "DR518")) > 0
