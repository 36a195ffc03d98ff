"""Order and kinship: topological order, ancestors, descendants, districts. All linear and iterative."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import compress

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


def members(mask: bytes | bytearray) -> list[int]:
    """The marked nodes, ascending."""
    return list(compress(range(len(mask)), mask))


def both(a: bytes | bytearray, b: bytes | bytearray) -> bytearray:
    """The nodes marked in both masks (bytes 0 or 1); as whole numbers, which is far faster than
    byte by byte.
    """
    return bytearray((int.from_bytes(a) & int.from_bytes(b)).to_bytes(len(a)))


def either(a: bytes | bytearray, b: bytes | bytearray) -> bytearray:
    """The nodes marked in one of the masks."""
    return bytearray((int.from_bytes(a) | int.from_bytes(b)).to_bytes(len(a)))


def without(a: bytes | bytearray, b: bytes | bytearray) -> bytearray:
    """The nodes marked in the first mask and not in the second."""
    whole = int.from_bytes(a)
    return bytearray((whole & ~int.from_bytes(b)).to_bytes(len(a)))


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
    passed: set[int] = set()  # hubs
    while stack:
        v = stack.pop()
        groups = [graph.siblings[v]]
        if len(graph.hubs) > 0:
            groups += [graph.hubs[h] for h in graph.hubs_of[v] if h not in passed]
            passed.update(graph.hubs_of[v])
        for group in groups:
            for s in group:
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


GAP = -1  # stands for the nodes left out of a long path
MAX_SHOWN_NODES = 12  # nodes of a path that are shown one by one
ENDS = 4  # nodes kept beside the node in question where the path is longer


@dataclass(frozen=True, slots=True)
class PathTree:
    """Shortest paths from the sources to every node that they reach, all found in one linear pass."""

    back: list[int]  # the node before; of a source itself
    root: list[int]
    depth: list[int]  # -1: not reached

    def trail(self, v: int) -> list[int]:
        """The shortest path from a source to v, inclusive; a long one is cut to its first and last nodes with
        a GAP.
        """
        cut = self.depth[v] >= MAX_SHOWN_NODES
        path = [v]
        while self.back[path[-1]] != path[-1] and not (cut and len(path) == ENDS):
            path.append(self.back[path[-1]])
        return [self.root[v], GAP, *reversed(path)] if cut else path[::-1]


def shortest_paths(
    neighbours: Adjacency, sources: Iterable[int], barred: bytearray | None = None
) -> PathTree:
    """Breadth first from the sources, never entering a barred node; ties go to the node found first."""
    n = len(neighbours)
    back, root, depth = [-1] * n, [-1] * n, [-1] * n
    queue = list(dict.fromkeys(sources))
    for v in queue:
        back[v], root[v], depth[v] = v, v, 0
    for v in queue:
        further = depth[v] + 1
        for w in neighbours[v]:
            if depth[w] < 0 and (barred is None or not barred[w]):
                back[w], root[w], depth[w] = v, root[v], further
                queue.append(w)
    return PathTree(back, root, depth)


def trail_towards(graph: CausalGraph, v: int, target: int, depth: Sequence[int]) -> list[int]:
    """A shortest directed path from v to `target`, `depth` being the steps to it; cut as by `Tree.trail`."""
    cut = depth[v] >= MAX_SHOWN_NODES
    path = [v]
    while path[-1] != target and not (cut and len(path) == ENDS):
        left = depth[path[-1]] - 1
        path.append(next(c for c in graph.children[path[-1]] if depth[c] == left))
    return [*path, GAP, target] if cut else path
