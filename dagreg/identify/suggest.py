"""What would help where nothing identifies the effect.

Every sentence is checked on the graph before it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagreg.graph.ancestry import ancestors
from dagreg.graph.causal import CausalGraph, build
from dagreg.identify.case import Case
from dagreg.identify.criterion import causal_nodes
from dagreg.identify.frontdoor import frontdoor_candidates, largest_frontdoor
from dagreg.identify.functional import is_identified
from dagreg.identify.measure import what_to_measure
from dagreg.identify.strategies import functional_of, hidden_detour
from dagreg.identify.types import Hedge, Query
from dagreg.identify.words import listed, quoted

MAX_PAIRS = 30
MAX_SHOWN_SETS = 3
MAX_SIZE = 4_000  # nodes and edge ends above which no changed graph is tried


def identified_in(query: Query, graph: CausalGraph) -> bool:
    """Whether the query would be identified in this graph, by adjustment or any formula."""
    other = Case.of(graph, query)
    if other.criterion.one() is not None:
        return True
    if query.kind == "direct" and hidden_detour(other, graph):
        return False
    formula = functional_of(other, graph)
    return formula is not None and not isinstance(formula, Hedge)


def suggestions(case: Case, measure: Sequence[tuple[int, ...]], instrumented: bool) -> tuple[str, ...]:
    """What to measure and by which strategy that would answer; the unnamed common causes; designs that would
    serve.
    """
    if case.selected or case.graph.size > MAX_SIZE:
        return ()
    return (*_measured(case, measure), *_unnamed(case), *_designs(case, instrumented))


def _measured(case: Case, measure: Sequence[tuple[int, ...]]) -> Iterator[str]:
    for us in measure[:MAX_SHOWN_SETS]:
        graph = case.graph.observing(us)
        yield (
            f"With {quoted(graph.named(us))} measured, the effect would be identified "
            f"{_strategy(case.query, graph)}."
        )


def _strategy(query: Query, graph: CausalGraph) -> str:
    case = Case.of(graph, query)
    if case.criterion.one() is not None:
        return "by adjustment"
    if query.kind != "direct":
        candidates = frontdoor_candidates(graph, case.xs, case.y)
        if largest_frontdoor(graph, case.xs, case.y, (), candidates) is not None:
            return "by the front-door formula"
    return "by the ID algorithm"


def _unnamed(case: Case) -> Iterator[str]:
    """The `<->` edges whose common cause, if it were named and measured, would identify the effect."""
    graph = case.graph
    above = ancestors(graph, [*case.xs, case.y])
    pairs = [(v, s) for v in range(len(graph)) for s in graph.siblings[v] if v < s and above[v] and above[s]]
    if len(pairs) == 0 or len(pairs) > MAX_PAIRS:
        return
    named = naming(graph, pairs)
    first = len(graph)
    latent = [v for v in range(len(graph)) if above[v] and not graph.observed[v]]
    sets = what_to_measure(
        named, [*range(first, len(named)), *latent], lambda g: identified_in(case.query, g)
    )
    for us in [us for us in sets if any(u >= first for u in us)][:MAX_SHOWN_SETS]:
        words = [_cause(graph, pairs[u - first]) if u >= first else f"`{named.names[u]}`" for u in sorted(us)]
        strategy = _strategy(case.query, named.observing(us))
        yield f"With {listed(words)} named and measured, the effect would be identified {strategy}."


def _cause(graph: CausalGraph, pair: tuple[int, int]) -> str:
    return f"the unnamed common cause of {quoted(graph.names[v] for v in pair)}"


def naming(graph: CausalGraph, pairs: Sequence[tuple[int, int]]) -> CausalGraph:
    """The graph with these `<->` edges spelled out: an unobserved node for each, numbered after
    all others.
    """
    gone = set(pairs)
    first = len(graph)
    directed = [(v, c) for v in range(first) for c in graph.children[v]]
    directed += [(first + i, end) for i, pair in enumerate(pairs) for end in pair]
    more = len(pairs)
    return build(
        (*graph.names, *(f"U({graph.names[a]}, {graph.names[b]})" for a, b in pairs)),
        directed,
        [(v, s) for v in range(first) for s in graph.siblings[v] if v < s and (v, s) not in gone],
        (*graph.observed, *(False,) * more),
        (*graph.selected, *(False,) * more),
        (*graph.cost, *(1.0,) * more),
    )


def _designs(case: Case, instrumented: bool) -> Iterator[str]:
    """An instrument, and a mediator that carries the whole effect: for a total effect of one exposure."""
    graph, query = case.graph, case.query
    if query.kind == "direct" or len(case.xs) != 1 or case.zero:
        return
    x, y = quoted(query.exposure), f"`{query.outcome}`"
    if is_identified(carried(graph, case.xs[0], case.y), case.xs, case.y):
        yield (
            f"A measured variable that carries the whole effect of {x}, and shares no unobserved cause with "
            f"{x} or with {y}, would identify the effect (the front-door idea)."
        )
    if not instrumented:  # a new cause of x alone is one: every path on from it is causal or meets a collider
        yield (
            f"A measured variable that moves {x}, and is tied to {y} only through it (an instrument), would "
            "give the effect on the further assumption of linearity."
        )


def carried(graph: CausalGraph, x: int, y: int) -> CausalGraph:
    """The graph with a new observed node between x and those of its children that lead to y."""
    causal = causal_nodes(graph, (x,), y)
    new = len(graph)
    directed = [(v, c) for v in range(new) for c in graph.children[v] if not (v == x and causal[c])]
    directed += [(x, new), *((new, c) for c in graph.children[x] if causal[c])]
    return build(
        (*graph.names, _fresh(graph)),
        directed,
        [(v, s) for v in range(new) for s in graph.siblings[v] if v < s],
        (*graph.observed, True),
        (*graph.selected, False),
        (*graph.cost, 1.0),
    )


def _fresh(graph: CausalGraph) -> str:
    name = "carrier"
    while name in graph.index:
        name += "'"
    return name
