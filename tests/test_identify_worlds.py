"""Conditional effects, mediation and selection against random discrete models, by exact enumeration.

DAGREG_TRUST=20000 runs that many graphs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from dagreg.graph import CausalGraph
from dagreg.graph.ancestry import descendants
from dagreg.identify import Identified, Query, identify
from dagreg.identify.adjustment import total_effect
from dagreg.identify.case import Case
from dagreg.identify.chosen_rows import holds_at_levels, level_set, telling
from dagreg.identify.conditional import conditional_effect, idc
from dagreg.identify.expression import evaluate
from dagreg.identify.functional import id_joint, is_identified
from dagreg.identify.mediation import mediation
from dagreg.identify.selection import odds_ratio
from dagreg.identify.suggest import naming
from dagreg.identify.types import AdjustmentAtLevels, Hedge, NoFunctional, NotAtLevels, PathEffect
from tests.oracle import separation as brute
from tests.oracle.worlds import World

GRAPHS = int(os.environ.get("DAGREG_TRUST", "300"))
BLOCKS = 5


def compiled(graph: brute.Mixed, selected: tuple[str, ...] = ()) -> CausalGraph:
    return CausalGraph.of(graph.nodes, graph.directed, graph.bidirected, graph.unobserved, selected)


def questions(block: int, largest: int = 5) -> Iterator[tuple[random.Random, brute.Mixed, str, str]]:
    for number in range(block, GRAPHS, BLOCKS):
        rng = random.Random(77_000_000 + number)
        graph = brute.random_graph(rng, largest)
        if len(graph.observed) >= 3:
            x, y = rng.sample(graph.observed, 2)
            yield rng, graph, x, y


@pytest.mark.parametrize("block", range(BLOCKS))
def test_conditional_effects_equal_those_of_the_mutilated_model(block: int) -> None:
    """IDC's formula, and the one by adjustment, give P(y | do(x), w)."""
    for rng, slow, x, y in questions(block):
        graph = compiled(slow)
        others = [v for v in slow.observed if v not in (x, y)]
        ws = rng.sample(others, min(len(others), rng.choice([1, 1, 2])))
        found = idc(graph, [graph.index[x]], graph.index[y], [graph.index[w] for w in ws])
        case = Case.of(graph, Query((x,), y, by=tuple(ws)))
        stated = conditional_effect(case)
        assert stated is not None
        assert isinstance(stated, NotAtLevels) == isinstance(found, Hedge)
        if isinstance(found, Hedge) or isinstance(stated, NotAtLevels):
            continue
        world = World(slow, rng)
        values = {n: rng.randint(0, 1) for n in slow.nodes} | {x: 1, y: 1}
        given = {w: values[w] for w in ws}
        truth = world.after({x: 1}, {y: 1, **given}) / world.after({x: 1}, given)
        domains = dict.fromkeys(slow.nodes, (0, 1))
        for formula in (found, stated.functional):
            assert evaluate(formula, values, world.probability, domains) == pytest.approx(truth)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_joint_effects_equal_those_of_the_mutilated_model(block: int) -> None:
    for rng, slow, x, y in questions(block):
        graph = compiled(slow)
        other = rng.choice([v for v in slow.observed if v not in (x, y)])
        found = id_joint(graph, [graph.index[x]], [graph.index[y], graph.index[other]])
        if not isinstance(found, Hedge):
            world = World(slow, rng)
            values = {n: rng.randint(0, 1) for n in slow.nodes} | {x: 1}
            truth = world.after({x: 1}, {y: values[y], other: values[other]})
            got = evaluate(found, values, world.probability, dict.fromkeys(slow.nodes, (0, 1)))
            assert got == pytest.approx(truth)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_path_specific_effects_equal_nested_counterfactuals(block: int) -> None:
    """Every identified formula, against the enumeration of the errors of a structural model."""
    for rng, slow, x, y in questions(block):
        graph = compiled(slow)
        if y not in brute.descendants(slow, x) or sum(map(len, slow.parents.values())) > 8:
            continue
        answer = mediation(graph, [graph.index[x]], graph.index[y])
        world = World(slow, rng)
        hidden = set(slow.parents) - set(slow.observed)
        asked = [(answer.direct, lambda p: len(p) == 2)]
        asked += [(answer.indirect, lambda p: len(p) == 2)]  # both rest on Y(x, M(x*))
        asked += [(e, lambda p, m=e.name: m in p) for e in answer.through]
        asked += [(e, lambda p, name=e.name: " -> ".join(p) == name) for e in answer.paths]
        for effect, wanted in asked:
            if effect.functional is None:
                continue

            def active(path: tuple[str, ...], wanted=wanted, hidden=hidden) -> bool:
                return wanted(tuple(n for n in path if n not in hidden))

            assert formula_of(effect, slow, world, rng, x, y) == pytest.approx(world.nested(x, y, active)), (
                effect
            )


def formula_of(
    effect: PathEffect, slow: brute.Mixed, world: World, rng: random.Random, x: str, y: str
) -> float:
    """The formula at x = 1 and x* = 0."""
    values = {n: rng.randint(0, 1) for n in slow.nodes} | {x: 1, y: 1, f"{x}*": 0}

    def probability(targets, given):  # type: ignore[no-untyped-def]
        plain = [{k.removesuffix("*"): v for k, v in event.items()} for event in (targets, given)]
        return world.probability(*plain)

    assert effect.functional is not None
    return evaluate(effect.functional, values, probability, dict.fromkeys(slow.nodes, (0, 1)))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_recanting_is_by_its_definition(block: int) -> None:
    """Without latents: one path alone is identified exactly where no node on it has another way to the
    outcome.
    """
    for _, slow, x, y in questions(block, largest=6):
        seen = brute.Mixed(slow.nodes, slow.directed)
        paths = list(brute.proper_causal_paths(seen, {x}, y))
        graph = compiled(seen)
        answer = mediation(graph, [graph.index[x]], graph.index[y])
        if len(paths) < 2:
            assert answer.paths == ()
            continue
        assert {e.name for e in answer.paths} == {" -> ".join(p) for p in paths}
        for effect in answer.paths:
            path = tuple(effect.name.split(" -> "))
            forks = [q for q in paths if q != path and q[1] == path[1]]
            assert effect.identified == (len(forks) == 0)
            if effect.witness:
                (w,) = effect.witness
                start = path[: path.index(w) + 1]
                assert any(q[: len(start)] == start for q in forks)
        assert answer.direct.identified
        assert answer.indirect.identified
        for effect in answer.through:
            heads = {p[1] for p in paths}
            mixed = [h for h in heads if len({effect.name in p for p in paths if p[1] == h}) == 2]
            assert effect.identified == (len(mixed) == 0)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_odds_ratio_survives_a_selection_on_the_outcome(block: int) -> None:
    """Among the chosen rows it equals the causal one, at every level of the set; and nothing else is
    reported.
    """
    for rng, slow, x, y in questions(block):
        parents = [y, *(v for v in slow.observed if v not in (x, y) and rng.random() < 0.2)]
        wider = brute.Mixed(
            (*slow.nodes, "s"),
            (*slow.directed, *((p, "s") for p in parents)),
            slow.bidirected,
            slow.unobserved,
        )
        graph = compiled(wider, ("s",))
        answer = identify(graph, Query((x,), y))
        found = odds_ratio(Case.of(graph, Query((x,), y)))
        if found is None:
            continue
        assert isinstance(answer, NoFunctional)
        assert answer.survives == found
        world = World(wider, rng)
        given = {z: rng.randint(0, 1) for z in found.given}
        seen = [world.probability({y: 1}, {x: v, "s": 1, **given}) for v in (0, 1)]
        done = [world.after({x: v}, {y: 1, **given}) / world.after({x: v}, given) for v in (0, 1)]
        odds = [(p / (1 - p)) for p in (*seen, *done)]
        assert odds[1] / odds[0] == pytest.approx(odds[3] / odds[2])


def chosen_rows(rng: random.Random, slow: brute.Mixed) -> brute.Mixed:
    """The graph with a node "s" on which the rows are chosen: it has two causes or three, and may have an
    effect.
    """
    parents = rng.sample(slow.observed, min(len(slow.observed), rng.choice([1, 2, 2, 3])))
    directed = (*slow.directed, *((p, "s") for p in parents))
    return brute.Mixed((*slow.nodes, "s"), directed, slow.bidirected, slow.unobserved)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_effects_by_levels_among_chosen_rows_are_those_among_all(block: int) -> None:
    """The formula over the chosen rows is P(y | do(x), w) of the population, whether or not the average is
    told.
    """
    for rng, slow, x, y in questions(block):
        wider = chosen_rows(rng, slow)
        graph = compiled(wider, ("s",))
        others = [v for v in slow.observed if v not in (x, y)]
        ws = rng.sample(others, min(len(others), rng.choice([1, 1, 2])))
        answer = identify(graph, Query((x,), y, by=tuple(ws)))
        found = answer.justification.conditional
        assert found is not None
        if isinstance(found, NotAtLevels) or not answer.justification.causal_path:
            continue
        world = World(wider, rng)
        values = {n: rng.randint(0, 1) for n in wider.nodes} | {x: 1, y: 1}
        given = {w: values[w] for w in ws}
        truth = world.after({x: 1}, {y: 1, **given}) / world.after({x: 1}, given)
        domains = dict.fromkeys(wider.nodes, (0, 1))
        got = evaluate(
            found.functional, values, lambda v, g, w=world: w.probability(v, {**g, "s": 1}), domains
        )
        assert got == pytest.approx(truth)
        if isinstance(found, AdjustmentAtLevels) and found.alone:
            assert isinstance(answer, Identified)
            assert answer.functional == found.functional


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_set_that_serves_at_the_levels_is_overlooked(block: int) -> None:
    """Against every set of observed nodes."""
    for rng, slow, x, y in questions(block):
        wider = chosen_rows(rng, slow)
        graph = compiled(wider, ("s",))
        criterion = total_effect(graph, (graph.index[x],), graph.index[y])
        below = descendants(graph, criterion.xs)
        free = [v for v, a in enumerate(criterion.allowed) if a and not below[v]]
        ws = rng.sample(free, min(len(free), 1))
        rest = [v for v in free if v not in ws]
        sets = [zs for size in range(len(rest) + 1) for zs in combinations(rest, size)]
        serving = [zs for zs in sets if holds_at_levels(criterion, zs, ws)]
        found = level_set(criterion, ws)
        assert (found is not None) == (len(serving) > 0)
        assert found is None or holds_at_levels(criterion, found, ws)
        told = telling(criterion)
        assert told is None or holds_at_levels(criterion, (), told)
        alone = [zs for size in range(len(free) + 1) for zs in combinations(free, size)]
        assert (told is not None) == any(holds_at_levels(criterion, (), zs) for zs in alone)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_an_edge_spelled_out_changes_no_answer(block: int) -> None:
    """The unnamed common causes, named and not measured, leave everything as it was; measured, they help or
    not.
    """
    for _, slow, x, y in questions(block, largest=6):
        graph = compiled(slow)
        pairs = [(v, s) for v in range(len(graph)) for s in graph.siblings[v] if v < s]
        named = naming(graph, pairs)
        before = is_identified(graph, [graph.index[x]], graph.index[y])
        assert is_identified(named, [named.index[x]], named.index[y]) == before
        if len(pairs) > 0:
            seen = named.observing(range(len(graph), len(named)))
            whole = CausalGraph.of(
                (*slow.nodes, *(f"{a}{b}" for a, b in slow.bidirected)),
                (*slow.directed, *((f"{a}{b}", end) for a, b in slow.bidirected for end in (a, b))),
                unobserved=slow.unobserved,
            )
            expected = is_identified(whole, [whole.index[x]], whole.index[y])
            assert is_identified(seen, [seen.index[x]], seen.index[y]) == expected


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_least_sets_are_valid_and_least(block: int) -> None:
    for rng, slow, x, y in questions(block, largest=6):
        cost = {n: rng.choice([0.5, 1, 4]) for n in slow.nodes}
        graph = CausalGraph.of(slow.nodes, slow.directed, slow.bidirected, slow.unobserved, cost=cost)
        sets = identify(graph, Query((x,), y)).justification.adjustment
        valid = brute.adjustment_sets(slow, {x}, y)
        assert (sets.minimum is None) == (len(valid) == 0) == (sets.cheapest is None)
        if sets.minimum is not None and sets.cheapest is not None:
            assert {frozenset(sets.minimum), frozenset(sets.cheapest)} <= set(valid)
            assert len(sets.minimum) == min(map(len, valid))
            assert sum(cost[z] for z in sets.cheapest) == min(sum(cost[z] for z in zs) for zs in valid)
            assert total_effect(graph, (graph.index[x],), graph.index[y]).valid(
                [graph.index[z] for z in sets.cheapest]
            )
