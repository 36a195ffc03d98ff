"""The latent projection: the same independencies and effects, without the unobserved nodes.

Tian and Pearl 2002 (after Verma 1993). Between observed a and b stand
`a -> b` where a directed path leads from a to b through unobserved nodes only, and
`a <-> b` where a path a <- ... -> b of unobserved non-colliders, or one whose turning point
is a `<->` edge, ends with a head at either node. `<->` edges join exactly two nodes:
a latent with three children gives three of them.
"""

from __future__ import annotations

from itertools import combinations

from dagreg.graph.ancestry import topological_order
from dagreg.graph.causal import CausalGraph, build


def latent_projection(graph: CausalGraph) -> CausalGraph:
    """The ADMG over the observed nodes, in the same order."""
    if all(graph.observed):
        return graph
    below = _observed_below(graph)
    kept = [v for v, o in enumerate(graph.observed) if o]
    new = {v: i for i, v in enumerate(kept)}
    directed = [(new[v], new[b]) for v in kept for c in graph.children[v] for b in below[c]]
    pairs: set[tuple[int, int]] = set()
    for v in range(len(graph)):
        if not graph.observed[v] and all(graph.observed[p] for p in graph.parents[v]):  # else its parent has them all
            pairs.update(combinations(below[v], 2))
        for s in graph.siblings[v]:
            if v < s:
                pairs.update((min(a, b), max(a, b)) for a in below[v] for b in below[s] if a != b)
    return build(
        tuple(graph.names[v] for v in kept),
        directed,
        [(new[a], new[b]) for a, b in sorted(pairs)],
        (True,) * len(kept),
        tuple(graph.selected[v] for v in kept),
        tuple(graph.cost[v] for v in kept),
    )


def _observed_below(graph: CausalGraph) -> list[tuple[int, ...]]:
    """For an observed node itself; for a latent the observed nodes reached through latents only, ascending."""
    below: list[tuple[int, ...]] = [()] * len(graph)
    for v in reversed(topological_order(graph)):
        if graph.observed[v]:
            below[v] = (v,)
        else:
            below[v] = tuple(sorted({b for c in graph.children[v] for b in below[c]}))
    return below
