"""Factorisation: the regressions of a chain are solved apart; linked ones are not."""

from __future__ import annotations

import numpy as np

from tests.optimising import DATA, assert_equal_up_to_a_constant, notes, optimised

CHAIN = "edges: [z -> m, 'z, m -> d', 'm, d -> y']\neffect: z -> y"


def test_a_chain_is_the_product_of_its_regressions() -> None:
    case = optimised(CHAIN, "chain")
    assert [p.equation.response for p in case.pieces] == ["m", "d", "y"]
    assert [p.engine for p in case.pieces] == ["exact", "metropolis", "exact"]
    assert all(notes(p)["factorise"] for p in case.pieces)
    assert_equal_up_to_a_constant(case)


def test_builders_and_seeds_are_their_own() -> None:
    case = optimised(CHAIN, "chain")
    assert [p.model.builder for p in case.pieces] == ["build_chain_m", "build_chain_d", "build_chain_y"]
    assert set(case.program.builders) >= {p.model.builder for p in case.pieces}


def test_linked_errors_stay_together() -> None:
    text = (
        "nodes: {z: continuous, x: continuous, y: continuous}\nedges: [z -> x -> y, x <-> y]\neffect: x -> y"
    )
    data = {n: DATA[c] for n, c in (("z", "x"), ("x", "pos"), ("y", "y"))}
    case = optimised(text, "instrument", data=data)
    (piece,) = case.pieces
    assert notes(piece)["factorise"] is False
    assert piece.engine != "exact"
    assert piece.model == case.model


def test_a_functional_factorises_too() -> None:
    text = (
        "nodes: {x: binary, m: binary, y: continuous, u: unobserved}\nedges: [x -> m -> y, 'u -> x, "
        "y']\neffect: x -> y"
    )
    case = optimised(text, "frontdoor", data={"x": DATA["z"], "m": DATA["d"], "y": DATA["y"]})
    assert len(case.pieces) == 2
    assert_equal_up_to_a_constant(case)
    assert np.ptp([p.rows for p in case.pieces]) >= 0
