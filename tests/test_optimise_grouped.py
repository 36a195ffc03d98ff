"""Grouped counts: rows with equal predictors as one row, with the same density."""

from __future__ import annotations

import numpy as np
import pytest

from tests.optimising import DATA, assert_equal_up_to_a_constant, notes, optimised

CASES = {
    "bernoulli": ("edges: ['z -> d', 'z, d -> b']\neffect: d -> b", "adjusted"),
    "bernoulli of texts": ("edges: ['g -> w', 'g, w -> said']\neffect: w -> said", "adjusted"),
    "interactions": (
        "edges: ['g -> z', 'g, z -> b']\neffect: z -> b\nregressions: {b: {interactions: ['z:g']}}",
        "adjusted",
    ),
    "binomial": (
        "nodes: {z: binary, d: binary, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [z -> d, 'z, d -> s']\neffect: d -> s",
        "adjusted",
    ),
    "binomial, the same trials": (
        "nodes: {z: binary, d: binary, s: {type: count, family: binomial, trials: 9}}\n"
        "edges: [z -> d, 'z, d -> s']\neffect: d -> s",
        "adjusted",
    ),
    "poisson": ("edges: ['z -> d', 'z, d -> c']\neffect: d -> c", "adjusted"),
    "poisson with exposures": (
        "nodes: {z: binary, d: binary, c: {type: count, offset: e}}\nedges: [z -> d, 'z, d -> c']\neffect: d "
        "-> c",
        "adjusted",
    ),
    "counts as predictors": ("edges: ['k -> d', 'k, d -> b']\neffect: d -> b", "adjusted"),
    "categorical": (
        "nodes: {z: binary, d: binary, g: {type: categorical}}\nedges: ['z -> d', 'z, d -> g']\neffect: d -> "
        "g",
        "adjusted",
    ),
    "ordinal": (
        "nodes: {z: binary, d: binary, k: {type: ordinal, levels: [0, 1, 2]}}\n"
        "edges: ['z -> d', 'z, d -> k']\neffect: d -> k",
        "adjusted",
    ),
    "a categorical mediator weighted by trials": (
        "nodes: {z: binary, g: {type: categorical}, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [z -> g -> s]\neffect: z -> s",
        "chain",
    ),
    "a mediator weighted by trials": (
        "nodes: {z: binary, d: binary, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [z -> d -> s]\neffect: z -> s",
        "chain",
    ),
    "a mediator weighted by a number": (
        "nodes: {z: binary, c: count, s: {type: count, family: binomial, trials: 9}}\n"
        "edges: [z -> c -> s]\neffect: z -> s",
        "chain",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_density_is_the_rows_up_to_a_constant(name: str) -> None:
    case = optimised(*CASES[name])
    assert all(notes(piece)["grouped"] for piece in case.pieces)
    assert_equal_up_to_a_constant(case)


def test_the_counts_are_those_of_the_rows() -> None:
    case = optimised(CASES["poisson with exposures"][0])
    (piece,) = case.pieces
    table = case.table(piece)
    count, exposure = piece.grouping.sums
    assert piece.rows == len(table["z"]) == 4
    for z, d, c, e in zip(table["z"], table["d"], table[count.name], table[exposure.name], strict=True):
        here = (DATA["z"] == z) & (DATA["d"] == d)
        assert c == DATA["c"][here].sum()
        assert e == pytest.approx(DATA["e"][here].sum(), rel=1e-12)


def test_rows_that_differ_stay() -> None:
    (piece,) = optimised("edges: ['z -> x', 'x, z -> b']\neffect: x -> b").pieces
    assert notes(piece)["grouped"] is False
    assert piece.grouping is None
    assert piece.rows == len(DATA["b"])


def test_names_of_sums_do_not_hide_columns() -> None:
    """A node named like the new columns, and a response whose column is a predictor's too."""
    data = {"b_trials": DATA["z"], "d": DATA["d"], "b": DATA["b"]}
    case = optimised("edges: ['b_trials -> d', 'b_trials, d -> b']\neffect: d -> b", data=data)
    assert_equal_up_to_a_constant(case)


def test_a_text_that_needs_quoting() -> None:
    data = {
        "it's": np.array(["o'h", 'a"b'])[DATA["z"]],
        "d": DATA["d"],
        "b": np.array(["n'o", 'y"es'])[DATA["b"]],
    }
    case = optimised('edges: ["it\'s -> d", "it\'s, d -> b"]\neffect: d -> b', data=data)
    assert_equal_up_to_a_constant(case)
