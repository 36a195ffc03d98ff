"""What the graph forbids: the conditional independencies that data can refute.

For each pair of observed nodes that some set of observed nodes separates, one minimal
separating set. Under latents two nodes may be inseparable though no edge joins
them, so the test is for a separator and not for adjacency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagreg.graph.causal import CausalGraph
from dagreg.graph.separators import Budget, Separation, nearest_separator

LIMIT = 1000
WORK = 2_000_000


@dataclass(frozen=True, slots=True)
class Implication:
    """x and y are independent given `given`."""

    x: str
    y: str
    given: tuple[str, ...]


def implications(graph: CausalGraph, budget: Budget | None = None) -> Iterator[Implication]:
    """The testable independencies, by pairs in order of declaration.

    Rows chosen on a node are conditioned on it; such a node stands in every set.
    """
    observed = graph.mask(v for v, o in enumerate(graph.observed) if o)
    rows = [v for v, s in enumerate(graph.selected) if s]
    usable = [v for v, o in enumerate(observed) if o and v not in rows]
    for i, a in enumerate(usable):
        beside = {*graph.parents[a], *graph.children[a], *graph.siblings[a]}
        for b in usable[i + 1 :]:
            if b in beside:
                continue
            if budget is not None and not budget.spend(graph.size):
                return
            task = Separation.of(graph, (a,), (b,), observed, rows)
            found = nearest_separator(task)
            if found is not None:
                yield Implication(graph.names[a], graph.names[b], graph.named(found))


def list_implications(graph: CausalGraph, limit: int = LIMIT, work: int = WORK) -> tuple[list[Implication], bool]:
    """The first `limit` independencies, and whether the list was cut."""
    budget = Budget(work)
    found: list[Implication] = []
    for implication in implications(graph, budget):
        if len(found) == limit:
            return found, True
        found.append(implication)
    return found, budget.exhausted
