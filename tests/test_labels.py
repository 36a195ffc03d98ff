"""Which level of a response a number is of: said in every row, and true of the data."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import dagreg

ROWS = [(x, y) for x, ys in (("a", "nnnny" * 8), ("b", "nyyyy" * 8)) for y in ys]
DATA = {"x": [x for x, _ in ROWS], "y": [{"n": "no", "y": "yes"}[y] for _, y in ROWS]}
SAMPLING = "sampling: {draws: 500, chains: 2}"


def answered(spec, data):
    result = dagreg.fit(dagreg.loads(spec), data)
    return json.loads(result.report("json"))["effects"][0], result


@pytest.mark.parametrize("levels", [("no", "yes"), ("yes", "no")])
def test_a_binary_outcome_names_the_level_whose_probability_it_is(levels):
    node = f"y: {{type: binary, levels: [{', '.join(levels)}]}}"
    effect, _ = answered(f"nodes: {{x: binary, {node}}}\nedges: ['x -> y']\neffect: x -> y\n{SAMPLING}", DATA)
    share = Counter((x, y) for x, y in zip(DATA["x"], DATA["y"], strict=True))
    assert effect["estimates"]
    for row in effect["estimates"]:
        assert row["outcome_level"] == levels[1]
        assert f"of y = {levels[1]}, x: b against a" in row["label"]
        if row["scale"] == "outcome":
            truth = (share["b", levels[1]] - share["a", levels[1]]) / 40
            assert row["mean"] == pytest.approx(truth, abs=0.05)
    assert {row["response_level"] for row in effect["coefficients"]} == {levels[1]}


def test_an_outcome_of_several_levels_names_one_in_each_row():
    data = {"x": [0, 1] * 60, "y": ["a", "b", "c", "a", "b", "b"] * 20}
    spec = f"nodes: {{x: binary, y: categorical}}\nedges: ['x -> y']\neffect: x -> y\n{SAMPLING}"
    effect, result = answered(spec, data)
    assert effect["estimates"]
    for row in effect["estimates"]:
        assert row["outcome_level"] == row["name"].removeprefix("x -> y = ")
        cells = Counter(zip(data["x"], data["y"], strict=True))
        truth = (cells[1, row["outcome_level"]] - cells[0, row["outcome_level"]]) / 60
        assert row["mean"] == pytest.approx(truth, abs=0.05)
    assert {row["response_level"] for row in effect["coefficients"]} == {"b", "c"}
    text = " ".join(result.report().split())
    assert all(f"y = {level}; x: 1 against 0" in text for level in "abc")
    assert "changes the probability of y = a by" in text


def test_a_dose_names_the_level_too_and_a_mean_names_none():
    data = {
        "x": [0.1 * i for i in range(60)],
        "d": ["no", "yes", "yes"] * 20,
        "z": [float(i % 7) for i in range(60)],
    }
    nodes = "nodes: {x: continuous, d: binary, z: continuous}\nedges: ['x -> d', 'x -> z']\n"
    effect, _ = answered(f"{nodes}effect: {{exposure: x, outcome: d, dose_response: 3}}\n{SAMPLING}", data)
    assert [dose["outcome_level"] for dose in effect["dose_response"]] == ["yes"] * 3
    effect, _ = answered(f"{nodes}effect: x -> z\n{SAMPLING}", data)
    assert {row["outcome_level"] for row in effect["estimates"]} == {None}


def test_the_report_says_the_level_beside_its_numbers():
    spec = f"nodes: {{x: binary, y: binary}}\nedges: ['x -> y']\neffect: x -> y\n{SAMPLING}"
    _, result = answered(spec, DATA)
    for format in ("text", "md", "html"):
        assert "Probabilities and odds are those of" in result.report(format)
    assert "Probabilities and odds are those of y = yes." in " ".join(result.report().split())
