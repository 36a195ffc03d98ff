"""What an answer rests on, against identifying every changed graph afresh.

DAGREG_TRUST=5000 runs that many graphs.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from dagreg.graph import CausalGraph
from dagreg.graph.ancestry import descendants
from dagreg.graph.implications import list_implications
from dagreg.identify import Query, identify
from dagreg.identify.case import Case
from dagreg.identify.rests_on import rests_on
from dagreg.identify.types import (
    Adjustment,
    AdjustmentAtLevels,
    Answer,
    FrontDoor,
    Functional,
    FunctionalAtLevels,
    Identified,
    Instrument,
    NotAtLevels,
    NotIdentified,
    OnTreated,
    ZeroByGraph,
)
from dagreg.spec.types import Adjust
from tests.oracle import separation as brute

GRAPHS = int(os.environ.get("DAGREG_TRUST", "200"))
BLOCKS = 5
Edge = tuple[str, str]


def compiled(graph: brute.Mixed, selected: tuple[str, ...] = ()) -> CausalGraph:
    return CausalGraph.of(graph.nodes, graph.directed, graph.bidirected, graph.unobserved, selected)


def changed(graph: brute.Mixed) -> Iterator[tuple[str, str, brute.Mixed]]:
    """Every graph that differs in one edge: what was absent, what was present ("" for neither), the graph."""

    def of(directed: tuple[Edge, ...], bidirected: tuple[Edge, ...] = graph.bidirected) -> brute.Mixed:
        return brute.Mixed(graph.nodes, directed, bidirected, graph.unobserved)

    for a, b in combinations(graph.nodes, 2):
        joined = [e for e in graph.bidirected if set(e) == {a, b}]
        if joined:
            yield (
                "",
                f"{a} <-> {b}",
                of(graph.directed, tuple(e for e in graph.bidirected if e not in joined)),
            )
        else:
            yield f"{a} <-> {b}", "", of(graph.directed, (*graph.bidirected, (a, b)))
        for tail, head in ((a, b), (b, a)):
            fewer = tuple(e for e in graph.directed if e != (tail, head))
            if (tail, head) in graph.directed:
                yield "", f"{tail} -> {head}", of(fewer)
                if tail not in brute.descendants(of(fewer), head) and not _reaches(of(fewer), tail, head):
                    yield f"{head} -> {tail}", f"{tail} -> {head}", of((*fewer, (head, tail)))
            elif (head, tail) not in graph.directed and not _reaches(graph, head, tail):
                yield f"{tail} -> {head}", "", of((*graph.directed, (tail, head)))


def _reaches(graph: brute.Mixed, a: str, b: str) -> bool:
    return a in brute.ancestors(graph, [b])


def holds(graph: brute.Mixed, answer: Answer, fresh: Answer, *, fewer: bool) -> bool:
    """By definitions with paths: whether the answer's own formula still gives the effect."""
    query = answer.justification.query
    xs, y = set(query.exposure), query.outcome
    direct = query.kind == "direct"
    match answer:
        case Adjustment(adjusted_for=zs) if direct:
            return _separates(graph, xs, y, zs, {(x, y) for x in xs})
        case Adjustment(adjusted_for=zs):
            return _separates(graph, xs, y, zs, None)
        case FrontDoor(mediators=ms):
            zero = not any(True for _ in brute.proper_causal_paths(graph, xs, y))
            return zero or frozenset(ms) in brute.frontdoor_sets(graph, *xs, y)
        case Functional(estimand=estimand):  # with fewer edges it still holds, in another form
            return fewer or (isinstance(fresh, Functional) and fresh.estimand == estimand)
        case Instrument(instruments=zs, given=ws):
            return all(_instrument(graph, *xs, y, z, set(ws)) for z in zs)
        case _:
            return True


def _separates(
    graph: brute.Mixed, xs: set[str], y: str, zs: tuple[str, ...], edges: set[Edge] | None
) -> bool:
    if edges is None:
        causal = {n for p in brute.proper_causal_paths(graph, xs, y) for n in p[1:]}
        edges = {(x, c) for x in xs for c in causal}
        barred = {d for n in causal for d in brute.descendants(graph, n)}
    else:
        barred = brute.descendants(graph, y) if edges & set(graph.directed) else {y}
    return not barred & set(zs) and brute.separated(graph.without(edges), xs, {y}, set(zs))


def _instrument(graph: brute.Mixed, x: str, y: str, z: str, ws: set[str]) -> bool:
    causal = {n for p in brute.proper_causal_paths(graph, {x}, y) for n in p[1:]}
    barred = {d for n in causal for d in brute.descendants(graph, n)}
    cut = graph.without((x, c) for c in causal)
    tied = not brute.separated(graph, {z}, {x}, ws)
    return not barred & {z, *ws} and tied and brute.separated(cut, {z}, {y}, ws)


def zero(answer: Answer, graph: brute.Mixed) -> bool:
    query = answer.justification.query
    if query.kind == "direct":
        return not any((x, query.outcome) in graph.directed for x in query.exposure)
    return not answer.justification.causal_path


def expected(graph: brute.Mixed, answer: Answer, other: brute.Mixed, *, fewer: bool) -> str:
    """What changes, "" where the answer holds."""
    fresh = identify(compiled(other), replace(answer.justification.query, adjust=None))
    was_zero, is_zero = zero(answer, graph), zero(fresh, other)
    if holds(other, answer, fresh, fewer=fewer) and not (was_zero and not is_zero):
        return ""
    if isinstance(answer, Instrument):
        if isinstance(fresh, Instrument):
            return "set"
        return "strategy" if isinstance(fresh, Identified) and fresh.strategy else "verdict"
    if was_zero != is_zero or not isinstance(fresh, Identified) or isinstance(fresh, ZeroByGraph):
        return "verdict"
    return "set" if fresh.strategy == answer.strategy else "strategy"


def compare(graph: brute.Mixed, query: Query) -> Answer:
    answer = identify(compiled(graph), query)
    found = rests_on(compiled(graph), answer)
    told = {(s.absent, s.present): s.changes for s in found.supports}
    assert len(told) == len(found.supports)
    assert not found.truncated
    if isinstance(answer, NotIdentified):
        assert told == {}
        return answer
    for absent, present, other in changed(graph):
        key = (absent, present) if (absent, present) in told else (_swapped(absent), _swapped(present))
        assert told.pop(key, "") == expected(graph, answer, other, fewer=absent == ""), (
            query,
            absent,
            present,
            graph,
        )
    assert told == {}
    return answer


def _swapped(edge: str) -> str:
    return " <-> ".join(reversed(edge.split(" <-> "))) if "<->" in edge else edge


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_edge_against_identifying_afresh(block: int) -> None:
    """Total and direct effects, of one exposure and of two, with a set asked for and without."""
    seen = set()
    for number in range(block, GRAPHS, BLOCKS):
        rng = random.Random(number)
        graph = brute.random_graph(rng, 6)
        if len(graph.observed) < 3:
            continue
        x, y, w = rng.sample(graph.observed, 3)
        kind = rng.choice(["total", "total", "direct"])
        exposure = (x, w) if kind == "total" and rng.random() < 0.2 else (x,)
        query = Query(exposure, y, kind)
        valid = brute.adjustment_sets(graph, set(exposure), y) if kind == "total" else []
        if len(valid) > 0 and rng.random() < 0.3:
            query = replace(query, adjust=Adjust(exactly=tuple(sorted(rng.choice(valid)))))
        seen.add(type(compare(graph, query)))
    assert Adjustment in seen


@pytest.mark.parametrize(
    ("kind", "directed"),
    [
        (FrontDoor, (("x", "m"), ("m", "y"))),
        (FrontDoor, (("x", "m"), ("m", "n"), ("n", "y"))),
        (Instrument, (("z", "x"), ("x", "y"))),
        (Instrument, (("z", "x"), ("x", "m"), ("m", "y"), ("w", "z"), ("w", "y"))),
    ],
    ids=["front door", "two front doors", "instrument", "instrument given w"],
)
def test_front_doors_and_instruments(kind: type, directed: tuple[Edge, ...]) -> None:
    """Exposure and outcome share an unobserved cause; a few random edges more."""
    order = ("w", "z", "x", "m", "n", "y")
    found = 0
    for number in range(GRAPHS // 10):
        rng = random.Random(f"{directed} {number}")
        used = {n for e in directed for n in e}
        nodes = [n for n in order if n in used or rng.random() < 0.4]
        pairs = list(combinations(nodes, 2))
        more = tuple(e for e in pairs if e not in directed and rng.random() < 0.12)
        joined = tuple(e for e in pairs if e != ("x", "y") and rng.random() < 0.06)
        shuffled = tuple(rng.sample(nodes, len(nodes)))
        graph = brute.Mixed(shuffled, (*directed, *more), (("x", "y"), *joined))
        found += isinstance(compare(graph, Query(("x",), "y")), kind)
    assert found > GRAPHS // 50


def test_a_large_graph_is_cut_and_says_so() -> None:
    names = [f"v{i}" for i in range(2_000)]
    graph = CausalGraph.of(names, list(pairwise(names)))
    found = rests_on(graph, identify(graph, Query(("v1000",), "v1100")))
    assert found.truncated
    assert (found.supports[0].absent, found.supports[0].changes) == ("v1000 <-> v1100", "strategy")


def gravest(changes: list[str]) -> str:
    return min(changes, key=["verdict", "strategy", "set", ""].index)


def of_levels(answer: Answer, other: CausalGraph, fresh: Answer) -> str:
    """What becomes of the effect at the levels asked for, where a set gave it."""
    before, after = answer.justification.conditional, fresh.justification.conditional
    if isinstance(before, FunctionalAtLevels) and after is not None and not isinstance(after, NotAtLevels):
        same = after.strategy == before.strategy
        return "" if after.estimand == before.estimand else "set" if same else "strategy"
    if isinstance(before, FunctionalAtLevels):
        return "verdict"
    if not isinstance(before, AdjustmentAtLevels):
        return ""
    case = Case.of(other, replace(answer.justification.query, adjust=None))
    zs, ws = ([other.index[v] for v in names] for names in (before.adjustment, before.given))
    below = descendants(other, case.xs)
    moved = any(below[v] for v in (*zs, *ws))
    if not moved and case.criterion.valid((*zs, *ws)):
        return ""
    if isinstance(after, NotAtLevels):
        return "verdict"
    return "set" if isinstance(after, AdjustmentAtLevels) else "strategy"


def of_parts(answer: Answer, fresh: Answer, *, fewer: bool) -> str:
    """What becomes of the natural effects."""
    before, after = answer.justification.mediation, fresh.justification.mediation
    if before is None or after is None or fewer:
        return ""
    found = [""]
    for a, b in ((before.direct, after.direct), (before.indirect, after.indirect)):
        if a.identified and not (b.zero and not a.zero):
            gone = not b.identified or a.zero != b.zero
            found.append("verdict" if gone else "set" if a.estimand != b.estimand else "")
    return gravest(found)


def of_treated(answer: Answer, other: CausalGraph, fresh: Answer, main: str) -> str:
    if not isinstance(answer.justification.treated, OnTreated):
        return ""
    below = descendants(other, [other.index[x] for x in answer.justification.query.exposure])
    assert isinstance(answer, Adjustment)
    if main == "" and not any(below[other.index[z]] for z in answer.adjusted_for):
        return ""
    return "set" if isinstance(fresh.justification.treated, OnTreated) else "verdict"


@pytest.mark.parametrize("asked", ["by", "treated", "mediation"])
def test_levels_the_treated_and_natural_effects(asked: str) -> None:
    compared = 0
    for number in range(GRAPHS // 2):
        rng = random.Random(f"{asked} {number}")
        graph = brute.random_graph(rng, 5)
        if len(graph.observed) < 3:
            continue
        x, y, w = rng.sample(graph.observed, 3)
        query = {
            "by": Query((x,), y, by=(w,)),
            "treated": Query((x,), y, among="treated"),
            "mediation": Query((x,), y, "mediation"),
        }[asked]
        answer = identify(compiled(graph), query)
        if isinstance(answer, (NotIdentified, Instrument)) or not answer.justification.causal_path:
            continue
        told = {(s.absent, s.present): s.changes for s in rests_on(compiled(graph), answer).supports}
        for absent, present, other in changed(graph):
            key = (absent, present) if (absent, present) in told else (_swapped(absent), _swapped(present))
            fewer, fresh = absent == "", identify(compiled(other), query)
            main = expected(graph, answer, other, fewer=fewer)
            said = [
                main,
                of_levels(answer, compiled(other), fresh) if not fewer else "",
                of_treated(answer, compiled(other), fresh, main),
                of_parts(answer, fresh, fewer=fewer),
            ]
            assert told.pop(key, "") == gravest(said), (query, absent, present, graph, said)
        assert told == {}
        compared += 1
    assert compared > GRAPHS // 50


def test_rows_chosen_on_a_node() -> None:
    """Where rows are selected, every edge is tried."""
    compared = 0
    for number in range(GRAPHS // 4):
        rng = random.Random(f"selected {number}")
        graph = brute.random_graph(rng, 5)
        if len(graph.observed) < 3:
            continue
        x, y, s = rng.sample(graph.observed, 3)
        whole = compiled(graph, (s,))
        answer = identify(whole, Query((x,), y))
        if not isinstance(answer, Adjustment):
            assert rests_on(whole, answer).supports == () or isinstance(answer, ZeroByGraph | Instrument)
            continue
        told = {(s.absent, s.present): s.changes for s in rests_on(whole, answer).supports}
        used = [whole.index[v] for v in answer.adjusted_for]
        for absent, present, other in changed(graph):
            key = (absent, present) if (absent, present) in told else (_swapped(absent), _swapped(present))
            changed_graph = compiled(other, (s,))
            fresh = identify(changed_graph, Query((x,), y))
            was, now = zero(answer, graph), zero(fresh, other)
            valid = Case.of(changed_graph, Query((x,), y)).criterion.valid(used)
            gone = was != now or not isinstance(fresh, Adjustment)
            said = "" if valid and not (was and not now) else "verdict" if gone else "set"
            assert told.pop(key, "") == said, (absent, present, graph, s)
        assert told == {}
        compared += 1
    assert compared > GRAPHS // 40


def independences(graph: brute.Mixed) -> set[tuple[frozenset[str], frozenset[str]]]:
    found = set()
    for pair in combinations(graph.observed, 2):
        others = [v for v in graph.observed if v not in pair]
        a, b = pair
        for given in brute.subsets(others):
            if brute.separated(graph, {a}, {b}, set(given)):
                found.add((frozenset(pair), given))
    return found


def test_whether_data_can_tell() -> None:
    """Against all independences of both graphs; where it is said, it is right."""
    told: Counter[bool | None] = Counter()
    for number in range(GRAPHS // 4):
        rng = random.Random(f"told {number}")
        graph = brute.random_graph(rng, 5)
        if len(graph.observed) < 2:
            continue
        x, y = rng.sample(graph.observed, 2)
        whole = compiled(graph)
        answer = identify(whole, Query((x,), y))
        claims, cut = list_implications(whole)
        assert not cut
        here = independences(graph)
        found = {(s.absent, s.present): s.testable for s in rests_on(whole, answer, claims).supports}
        for absent, present, other in changed(graph):
            key = (absent, present) if (absent, present) in found else (_swapped(absent), _swapped(present))
            said = found.get(key)
            told[said] += key in found
            if said is not None:
                assert said == (independences(other) != here), (absent, present, graph)
    assert min(told[True], told[False]) > GRAPHS // 20
