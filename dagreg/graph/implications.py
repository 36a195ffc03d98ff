"""What the graph forbids: the conditional independencies that data can refute.

One statement for each pair of observed nodes that some set of observed nodes separates: a basis with one
member per missing edge (Pearl 1988, theorem 9; Tian and Pearl 2002 for latents). Under latents two nodes
may be inseparable though no edge joins them, so the test is for a separator and not for adjacency.

Each statement is `x _||_ y | given` with y after x in causal order and `given` the minimal separator
nearest to y: in a wholly observed graph those are parents of y, so that the regression of y on x and
`given` is one that the graph itself names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagreg.graph.ancestry import topological_order
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separators import Budget, Separation, nearest_separator

MAX_IMPLICATIONS = 1000
MAX_WORK = 1_000_000
MAX_SIZE = 20_000  # nodes and edge ends above which nothing is listed


@dataclass(frozen=True, slots=True)
class Implication:
    """x and y are independent given `given`; y is no cause of x."""

    x: str
    y: str
    given: tuple[str, ...]


def implications(graph: CausalGraph, budget: Budget | None = None) -> Iterator[Implication]:
    """The testable independencies, by pairs in causal order, the first declared first.

    Rows chosen on a node are conditioned on it; such a node stands in every set.
    """
    observed = graph.mask(v for v, o in enumerate(graph.observed) if o)
    rows = [v for v, s in enumerate(graph.selected) if s]
    order = [v for v in topological_order(graph) if observed[v] and v not in rows]
    for j, late in enumerate(order):
        beside = {*graph.parents[late], *graph.children[late], *graph.siblings[late]}
        for early in order[:j]:
            if early in beside:
                continue
            if budget is not None and not budget.spend(graph.size):
                return
            separator = nearest_separator(Separation.of(graph, (late,), (early,), observed, rows))
            if separator is not None:
                kept = (*separator, *(v for v in rows if observed[v]))
                yield Implication(graph.names[early], graph.names[late], graph.named(kept))


def list_implications(
    graph: CausalGraph, limit: int = MAX_IMPLICATIONS, work: int = MAX_WORK
) -> tuple[list[Implication], bool]:
    """The first `limit` independencies, and whether the list was cut; none of a graph above `MAX_SIZE`."""
    if graph.size > MAX_SIZE:
        return [], True
    budget = Budget(work)
    listed: list[Implication] = []
    for implication in implications(graph, budget):
        if len(listed) == limit:
            return listed, True
        listed.append(implication)
    return listed, budget.exhausted
