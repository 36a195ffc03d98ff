"""The latent projection: the same independencies and effects, without the unobserved nodes.

Tian and Pearl 2002 (after Verma 1993). Between observed a and b stand
`a -> b` where a directed path leads from a to b through unobserved nodes only, and
`a <-> b` where a path a <- ... -> b of unobserved non-colliders, or one whose turning point
is a `<->` edge, ends with a head at either node. `<->` edges join exactly two nodes:
a latent with three children gives three of them.

So a latent with 3,000 children gives 4.5 million edges. Where only districts are asked for, `hub_projection`
keeps each such latent as a hub instead, in linear space.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from dagreg.graph.causal import CausalGraph, build


def latent_projection(graph: CausalGraph) -> CausalGraph:
    """The ADMG over the observed nodes, in the same order, every `<->` edge spelled out."""
    if all(graph.observed):
        return graph
    below = _Below(graph)
    pairs = {pair for hub in _confounded(graph, below) for pair in combinations(hub, 2)}
    return _projected(graph, below, pairs)


def hub_projection(graph: CausalGraph) -> CausalGraph:
    """The latent projection with a hub for every unobserved common cause of three nodes or more.

    Its districts, within any nodes, are those of the latent projection; nothing but `districts` and
    `district_of` reads the hubs.
    """
    if all(graph.observed):
        return graph
    below = _Below(graph)
    groups = dict.fromkeys(_confounded(graph, below))
    new = {v: i for i, v in enumerate(v for v, o in enumerate(graph.observed) if o)}
    hubs = [tuple(new[v] for v in group) for group in groups if len(group) > 2]
    hubs_of: list[list[int]] = [[] for _ in new]
    for h, hub in enumerate(hubs):
        for v in hub:
            hubs_of[v].append(h)
    plain = _projected(graph, below, {(group[0], group[1]) for group in groups if len(group) == 2})
    return replace(plain, hubs=tuple(hubs), hubs_of=tuple(map(tuple, hubs_of)))


def _projected(graph: CausalGraph, below: _Below, pairs: Iterable[tuple[int, int]]) -> CausalGraph:
    kept = [v for v, o in enumerate(graph.observed) if o]
    new = {v: i for i, v in enumerate(kept)}
    return build(
        tuple(graph.names[v] for v in kept),
        [(new[v], new[b]) for v in kept for c in graph.children[v] for b in below[c]],
        [(new[a], new[b]) for a, b in sorted(pairs)],
        (True,) * len(kept),
        tuple(graph.selected[v] for v in kept),
        tuple(graph.cost[v] for v in kept),
    )


def _confounded(graph: CausalGraph, below: _Below) -> Iterable[tuple[int, ...]]:
    """The groups of observed nodes of which every two share an unobserved cause, ascending."""
    for v in range(len(graph)):
        if not graph.observed[v] and all(
            graph.observed[p] for p in graph.parents[v]
        ):  # else its parent has them all
            yield below[v]
        for s in graph.siblings[v]:
            if (
                v < s and len(below[v]) > 0 and len(below[s]) > 0
            ):  # all below a latent share it, so the union is one group
                yield tuple(sorted({*below[v], *below[s]}))


class _Below:
    """For an observed node itself; for a latent the observed nodes reached through latents only,
    ascending.
    """

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph
        self.known: dict[int, tuple[int, ...]] = {}

    def __getitem__(self, v: int) -> tuple[int, ...]:
        graph = self.graph
        if graph.observed[v]:
            return (v,)
        while len(graph.children[v]) == 1 and not graph.observed[graph.children[v][0]]:
            v = graph.children[v][0]  # it reaches what its only child reaches
        if v not in self.known:
            self.known[v] = self._search(v)
        return self.known[v]

    def _search(self, v: int) -> tuple[int, ...]:
        graph = self.graph
        reached: set[int] = set()
        seen, stack = {v}, [v]
        while len(stack) > 0:
            for c in graph.children[stack.pop()]:
                if graph.observed[c]:
                    reached.add(c)
                elif c not in seen:
                    seen.add(c)
                    stack.append(c)
        return tuple(sorted(reached))
