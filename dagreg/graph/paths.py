"""All paths between exposure and outcome, the shortest first, lazily and within bounds.

A graph may hold exponentially many paths, and far more dead ends. Each partial path is
kept only where it can be completed, with the length of its shortest completion: a
search that never meets a dead end and yields paths by length (A* with an exact bound).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heappop, heappush

from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path
from dagreg.graph.separators import Budget

MAX_PATHS = 200
MAX_WORK = 1_000_000


def all_paths(graph: CausalGraph, xs: Collection[int], ys: Collection[int], budget: Budget) -> Iterator[Path]:
    """Every proper path from xs to ys (meeting either only at its ends), by length, then by declaration."""
    sources, targets = graph.mask(xs), graph.mask(ys)
    heap: list[tuple[int, tuple[int, ...], tuple[str, ...]]] = [(0, (x,), ()) for x in sorted(xs)]
    while len(heap) > 0:
        _, nodes, marks = heappop(heap)
        tip = nodes[-1]
        if targets[tip]:
            yield Path(nodes, marks)
            continue
        distance = _distances(graph, nodes, sources, targets, budget)
        if distance is None:
            return
        for w, mark in steps(graph, tip):
            if w in distance:
                heappush(heap, (len(marks) + 1 + distance[w], (*nodes, w), (*marks, mark)))


def steps(graph: CausalGraph, v: int) -> list[tuple[int, str]]:
    """The neighbours of v with the marks of the edges that lead to them."""
    return [
        *((c, "->") for c in graph.children[v]),
        *((p, "<-") for p in graph.parents[v]),
        *((s, "<->") for s in graph.siblings[v]),
    ]


def _distances(
    graph: CausalGraph, barred: tuple[int, ...], sources: bytearray, targets: bytearray, budget: Budget
) -> dict[int, int] | None:
    """Steps to the nearest target for each node that reaches one, past sources and `barred`; None: out of
    budget.
    """
    closed = set(barred)
    queue = [v for v, t in enumerate(targets) if t and v not in closed]
    distance = dict.fromkeys(queue, 0)
    wanted = set(graph.children[barred[-1]]).union(graph.parents[barred[-1]], graph.siblings[barred[-1]])
    missing = len([w for w in wanted if w not in closed and w not in distance])
    visits = 0
    for v in queue:
        if missing == 0:
            break
        visits += 1
        further = distance[v] + 1
        for group in (graph.children[v], graph.parents[v], graph.siblings[v]):
            visits += len(group)
            for w in group:
                if w not in distance and w not in closed and not sources[w]:
                    distance[w] = further
                    missing -= w in wanted
                    queue.append(w)
    return distance if budget.spend(visits) else None


def list_paths(
    graph: CausalGraph, xs: Collection[int], ys: Collection[int], limit: int = MAX_PATHS, work: int = MAX_WORK
) -> tuple[list[Path], bool]:
    """The first `limit` paths, and whether the list was cut by its limit or by the work it takes."""
    budget = Budget(work)
    listed: list[Path] = []
    for path in all_paths(graph, xs, ys, budget):
        if len(listed) == limit:
            return listed, True
        listed.append(path)
    if len(listed) == 0 and budget.exhausted:
        one = shortest_path(graph, xs, ys)
        listed += [] if one is None else [one]
    return listed, budget.exhausted


def shortest_path(graph: CausalGraph, xs: Collection[int], ys: Collection[int]) -> Path | None:
    """One path of least length, in linear time."""
    sources, targets = graph.mask(xs), graph.mask(ys)
    queue = sorted(xs)
    back: dict[int, tuple[int, str]] = {}
    for v in queue:
        if targets[v]:
            nodes, marks = [v], []
            while not sources[nodes[-1]]:
                previous, mark = back[nodes[-1]]
                nodes.append(previous)
                marks.append(mark)
            return Path(tuple(reversed(nodes)), tuple(reversed(marks)))
        for w, mark in steps(graph, v):
            if w not in back and not sources[w]:
                back[w] = (v, mark)
                queue.append(w)
    return None
