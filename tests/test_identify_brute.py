"""Every listing against brute force over all subsets, on random graphs with latents and `<->` edges.

DAGREG_TRUST=20000 runs that many graphs.
"""

from __future__ import annotations

import os
import random

import pytest

from dagreg.graph import CausalGraph
from dagreg.identify import Identified, Query, identify
from dagreg.identify.adjustment import direct_effect, total_effect
from dagreg.identify.case import Case
from dagreg.identify.expression import evaluate
from dagreg.identify.frontdoor import frontdoor_sets
from dagreg.identify.functional import id_algorithm, is_identified
from dagreg.identify.instrument import instruments
from dagreg.identify.types import Hedge
from tests.oracle import separation as brute
from tests.oracle.worlds import World

GRAPHS = int(os.environ.get("DAGREG_TRUST", "300"))
BLOCKS = 10


def compiled(graph: brute.Mixed) -> CausalGraph:
    return CausalGraph.of(graph.nodes, graph.directed, graph.bidirected, graph.unobserved)


def questions(block: int, largest: int = 7):  # type: ignore[no-untyped-def]
    """Random graphs, each with an exposure and an outcome that are observed."""
    for number in range(block, GRAPHS, BLOCKS):
        rng = random.Random(number)
        graph = brute.random_graph(rng, largest)
        if len(graph.observed) >= 2:
            x, y = rng.sample(graph.observed, 2)
            yield rng, graph, compiled(graph), x, y


def as_sets(graph: CausalGraph, found: list[tuple[int, ...]]) -> set[frozenset[str]]:
    assert len(set(found)) == len(found)
    return {frozenset(graph.named(zs)) for zs in found}


@pytest.mark.parametrize("block", range(BLOCKS))
def test_minimal_sets_for_total_effects(block: int) -> None:
    for rng, slow, graph, x, y in questions(block):
        others = [v for v in slow.observed if v not in (x, y)]
        xs = {x, *rng.sample(others, min(len(others), rng.choice([0, 0, 1])))}
        valid = brute.adjustment_sets(slow, xs, y)
        criterion = total_effect(graph, tuple(sorted(graph.index[v] for v in xs)), graph.index[y])
        found, truncated = criterion.minimal()
        assert not truncated
        assert as_sets(graph, found) == brute.minimal(valid)
        one = criterion.one()
        assert (one is None) == (len(valid) == 0)
        assert one is None or frozenset(graph.named(one)) in brute.minimal(valid)
        for zs in brute.subsets(others):
            if zs.isdisjoint(xs):
                assert criterion.valid([graph.index[z] for z in zs]) == (zs in valid)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_minimal_sets_for_direct_effects(block: int) -> None:
    for _, slow, graph, x, y in questions(block):
        found, _ = direct_effect(graph, (graph.index[x],), graph.index[y]).minimal()
        assert as_sets(graph, found) == brute.minimal(brute.single_door_sets(slow, x, y))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_frontdoor_sets(block: int) -> None:
    for _, slow, graph, x, y in questions(block):
        expected = brute.minimal(brute.frontdoor_sets(slow, x, y))
        if any(True for _ in brute.proper_causal_paths(slow, {x}, y)):
            found, _ = frontdoor_sets(graph, (graph.index[x],), graph.index[y])
            assert as_sets(graph, found) == expected


@pytest.mark.parametrize("block", range(BLOCKS))
def test_instruments(block: int) -> None:
    for _, slow, graph, x, y in questions(block, largest=6):
        found, truncated = instruments(total_effect(graph, (graph.index[x],), graph.index[y]))
        assert not truncated
        assert len(set(found)) == len(found)
        assert {(graph.names[z], frozenset(graph.named(ws))) for z, ws in found} == brute.instruments(
            slow, x, y
        )


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_formula_gives_the_number_of_the_mutilated_model(block: int) -> None:
    """The estimand, evaluated on what is observed, equals P(y | do(x)) of a random model; so does the ID
    formula.
    """
    for rng, slow, graph, x, y in questions(block, largest=5):
        answer = identify(graph, Query((x,), y))
        general = id_algorithm(graph, (graph.index[x],), graph.index[y])
        assert isinstance(general, Hedge) != is_identified(graph, (graph.index[x],), graph.index[y])
        assert isinstance(answer, Identified) != isinstance(general, Hedge)
        if not isinstance(answer, Identified) or isinstance(general, Hedge):
            continue
        world = World(slow, rng)
        domains = dict.fromkeys(slow.nodes, (0, 1))
        truth = world.after({x: 1}, {y: 1})
        for formula in (answer.functional, general):
            values = {**{n: rng.randint(0, 1) for n in slow.nodes}, x: 1, y: 1}
            assert evaluate(formula, values, world.probability, domains) == pytest.approx(truth)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_notes_are_true(block: int) -> None:
    """`harmful`, by its definition; and every name in the chosen set has `in_set`."""
    for _, slow, graph, x, y in questions(block, largest=6):
        answer = identify(graph, Query((x,), y))
        chosen = answer.justification.adjustment.chosen
        if chosen is None:
            continue
        seen = brute.Mixed(slow.nodes, slow.directed, slow.bidirected)
        valid = brute.adjustment_sets(seen, {x}, y)
        for name, note in answer.justification.nodes.items():
            assert note.in_set == (name in chosen)
            if name not in (x, y):
                assert note.harmful == (frozenset({*chosen, name}) not in valid), (note, slow)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_single_door_set_implies_that_a_controlled_direct_effect_is_identified(block: int) -> None:
    """P(y | do(x, m)) is identified for the mediators m of the set, which intercept every other
    causal path.
    """
    for _, _, graph, x, y in questions(block):
        case = Case.of(graph, Query((x,), y, "direct"))
        one = case.criterion.one()
        if one is not None and not case.zero:
            mediators = [v for v in one if case.criterion.causal[v]]
            assert is_identified(graph, [graph.index[x], *mediators], graph.index[y])
