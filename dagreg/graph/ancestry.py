"""Order and kinship: topological order, ancestors, descendants, districts. All linear and iterative."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from dagreg.graph.causal import Adjacency, CausalGraph


def topological_order(graph: CausalGraph) -> list[int]:
    """Parents before children; among those that are ready, the first declared comes first."""
    waiting = [len(p) for p in graph.parents]
    ready = [v for v, k in enumerate(waiting) if k == 0]
    heapify(ready)
    order: list[int] = []
    while ready:
        v = heappop(ready)
        order.append(v)
        for c in graph.children[v]:
            waiting[c] -= 1
            if waiting[c] == 0:
                heappush(ready, c)
    return order


def reachable(
    neighbours: Adjacency, sources: Iterable[int], barred: Sequence[int] | bytearray | None = None
) -> bytearray:
    """The sources and all that is reached from them along `neighbours`, never entering a barred node."""
    seen = bytearray(len(neighbours))
    stack: list[int] = []
    for v in sources:
        if not seen[v]:
            seen[v] = 1
            stack.append(v)
    while stack:
        for w in neighbours[stack.pop()]:
            if not seen[w] and (barred is None or not barred[w]):
                seen[w] = 1
                stack.append(w)
    return seen


def ancestors(graph: CausalGraph, nodes: Iterable[int], barred: bytearray | None = None) -> bytearray:
    """An(nodes), inclusive."""
    return reachable(graph.parents, nodes, barred)


def descendants(graph: CausalGraph, nodes: Iterable[int], barred: bytearray | None = None) -> bytearray:
    """De(nodes), inclusive."""
    return reachable(graph.children, nodes, barred)


def members(mask: bytearray) -> list[int]:
    """The marked nodes, ascending."""
    return [v for v, m in enumerate(mask) if m]


def districts(graph: CausalGraph, within: bytearray | None = None) -> list[list[int]]:
    """The c-components (Tian and Pearl 2002): the connected components of the `<->` edges, in order."""
    seen = bytearray(len(graph)) if within is None else bytearray(1 - m for m in within)
    out: list[list[int]] = []
    for v in range(len(graph)):
        if not seen[v]:
            district = district_of(graph, v, within)
            for w in district:
                seen[w] = 1
            out.append(district)
    return out


def district_of(graph: CausalGraph, node: int, within: bytearray | None = None) -> list[int]:
    """The c-component of one node in the subgraph induced on `within`, ascending."""
    seen = {node}
    stack = [node]
    while stack:
        for s in graph.siblings[stack.pop()]:
            if s not in seen and (within is None or within[s]):
                seen.add(s)
                stack.append(s)
    return sorted(seen)


def shortest_directed_path(
    graph: CausalGraph, sources: Iterable[int], targets: bytearray, barred: bytearray | None = None
) -> list[int] | None:
    """A shortest directed path from the sources into the targets (at least one node; inclusive), or None."""
    back: dict[int, int] = {}
    queue = list(dict.fromkeys(sources))
    for v in queue:
        back[v] = -1
    for v in queue:
        if targets[v]:
            path = [v]
            while back[path[-1]] >= 0:
                path.append(back[path[-1]])
            return path[::-1]
        for c in graph.children[v]:
            if c not in back and (barred is None or not barred[c]):
                back[c] = v
                queue.append(c)
    return None
