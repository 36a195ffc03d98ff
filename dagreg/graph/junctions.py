"""Forks, pipes and colliders: every triple a, m, b joined at m by two edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

from dagreg.graph.causal import CausalGraph

MAX_JUNCTIONS = 100_000


@dataclass(frozen=True, slots=True)
class Junction:
    """fork `a <- m -> b`, pipe `a -> m -> b`, collider `a -> m <- b`; `nodes` are (a, m, b).

    `shielded` says that a and b are adjacent. At an edge `a <-> m` the head at m counts: with
    another head it makes a collider, with a tail a pipe.
    """

    kind: Literal["fork", "pipe", "collider"]
    nodes: tuple[str, str, str]
    shielded: bool


def junctions(graph: CausalGraph) -> Iterator[Junction]:
    """Every junction, by its middle node in order of declaration; forks and colliders once, not once a
    direction.
    """
    names = graph.names
    beside = _Beside(graph)
    for m in range(len(graph)):
        heads = sorted({*graph.parents[m], *graph.siblings[m]})
        for a, b in combinations(graph.children[m], 2):
            yield Junction("fork", (names[a], names[m], names[b]), b in beside[a])
        for a in heads:
            for b in graph.children[m]:
                if a != b:
                    yield Junction("pipe", (names[a], names[m], names[b]), b in beside[a])
        for a, b in combinations(heads, 2):
            yield Junction("collider", (names[a], names[m], names[b]), b in beside[a])


def list_junctions(graph: CausalGraph, limit: int = MAX_JUNCTIONS) -> tuple[tuple[Junction, ...], bool]:
    """The first `limit` junctions, and whether there are more: a node with k neighbours has some k^2 / 2."""
    listed = tuple(islice(junctions(graph), limit + 1))
    return listed[:limit], len(listed) > limit


class _Beside(dict[int, frozenset[int]]):
    """The neighbours of a node, gathered once."""

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph

    def __missing__(self, v: int) -> frozenset[int]:
        graph = self.graph
        self[v] = frozenset((*graph.parents[v], *graph.children[v], *graph.siblings[v]))
        return self[v]
