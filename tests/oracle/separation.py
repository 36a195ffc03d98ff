"""Brute force: d-separation by the moral graph, and the criteria by their definitions over all subsets.

Slow on purpose, and sharing no code with `dagreg`: sets of names, `<->` edges as explicit
latent nodes, paths by enumeration.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations


@dataclass(frozen=True)
class Mixed:
    """A graph in names; `hidden` gives it with each `<->` spelled out as a latent node."""

    nodes: tuple[str, ...]
    directed: tuple[tuple[str, str], ...]
    bidirected: tuple[tuple[str, str], ...] = ()
    unobserved: frozenset[str] = frozenset()
    parents: dict[str, set[str]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parents: dict[str, set[str]] = {n: set() for n in self.nodes}
        for a, b in self.directed:
            parents[b].add(a)
        for a, b in self.bidirected:
            hidden = f"{a}<->{b}"
            parents[hidden] = set()
            parents[a].add(hidden)
            parents[b].add(hidden)
        object.__setattr__(self, "parents", parents)

    @property
    def observed(self) -> list[str]:
        return [n for n in self.nodes if n not in self.unobserved]

    def without(self, gone: Iterable[tuple[str, str]]) -> Mixed:
        barred = set(gone)
        kept = tuple(e for e in self.directed if e not in barred)
        return Mixed(self.nodes, kept, self.bidirected, self.unobserved)

    def children(self, node: str) -> list[str]:
        return [n for n, above in self.parents.items() if node in above]


def ancestors(graph: Mixed, nodes: Iterable[str]) -> set[str]:
    found = set(nodes)
    while True:
        more = set(chain.from_iterable(graph.parents[n] for n in found)) - found
        if not more:
            return found
        found |= more


def descendants(graph: Mixed, node: str) -> set[str]:
    return {n for n in graph.nodes if node in ancestors(graph, [n])}


def separated(graph: Mixed, xs: set[str], ys: set[str], given: set[str]) -> bool:
    """Lauritzen: moralise An(X, Y, Z), delete Z, look for a connection."""
    within = ancestors(graph, xs | ys | given)
    beside: dict[str, set[str]] = {n: set() for n in within}
    for n in within:
        family = [*graph.parents[n], n]
        for a, b in combinations(family, 2):
            beside[a].add(b)
            beside[b].add(a)
    seen = set(xs)
    while True:
        more = set(chain.from_iterable(beside[n] for n in seen)) - seen - given
        if not more:
            return seen.isdisjoint(ys)
        seen |= more


def proper_causal_paths(graph: Mixed, xs: set[str], y: str) -> Iterator[tuple[str, ...]]:
    """Directed paths from X to y that leave X once."""
    stack = [(x,) for x in sorted(xs)]
    while stack:
        path = stack.pop()
        if path[-1] == y:
            yield path
            continue
        stack += [(*path, c) for c in graph.children(path[-1]) if c not in xs]


def subsets(items: Iterable[str]) -> Iterator[frozenset[str]]:
    pool = sorted(items)
    for size in range(len(pool) + 1):
        yield from map(frozenset, combinations(pool, size))


def minimal(sets: Iterable[frozenset[str]]) -> set[frozenset[str]]:
    found = list(sets)
    return {s for s in found if not any(t < s for t in found)}


def adjustment_sets(graph: Mixed, xs: set[str], y: str) -> list[frozenset[str]]:
    """Every valid set for the total effect, by the definition with paths."""
    causal = set(chain.from_iterable(p[1:] for p in proper_causal_paths(graph, xs, y)))
    forbidden = set(chain.from_iterable(descendants(graph, n) for n in causal))
    cut = graph.without((x, c) for x in xs for c in causal)
    pool = set(graph.observed) - xs - {y} - forbidden
    return [z for z in subsets(pool) if separated(cut, xs, {y}, set(z))]


def single_door_sets(graph: Mixed, x: str, y: str) -> list[frozenset[str]]:
    edge = (x, y) in graph.directed
    barred = descendants(graph, y) if edge else set()
    pool = set(graph.observed) - {x, y} - barred
    cut = graph.without([(x, y)])
    return [z for z in subsets(pool) if separated(cut, {x}, {y}, set(z))]


def frontdoor_sets(graph: Mixed, x: str, y: str) -> list[frozenset[str]]:
    paths = [set(p) for p in proper_causal_paths(graph, {x}, y)]
    if not paths:
        return []
    found = []
    from_x = graph.without((x, c) for c in graph.children(x))
    for ms in subsets(set(graph.observed) - {x, y}):
        from_m = graph.without((m, c) for m in ms for c in graph.children(m))
        if (
            all(p & ms for p in paths)
            and all(separated(from_x, {x}, {m}, set()) for m in ms)
            and all(separated(from_m, {m}, {y}, {x}) for m in ms)
        ):
            found.append(ms)
    return found


def instruments(graph: Mixed, x: str, y: str) -> set[tuple[str, frozenset[str]]]:
    """(z, W) with W minimal among all sets that make z an instrument."""
    causal = set(chain.from_iterable(p[1:] for p in proper_causal_paths(graph, {x}, y)))
    if not causal:
        return set()
    forbidden = set(chain.from_iterable(descendants(graph, n) for n in causal))
    cut = graph.without((x, c) for c in causal)
    pool = set(graph.observed) - {x, y} - forbidden
    found = set()
    for z in pool:
        good = [
            w
            for w in subsets(pool - {z})
            if not separated(graph, {z}, {x}, set(w)) and separated(cut, {z}, {y}, set(w))
        ]
        found |= {(z, w) for w in minimal(good)}
    return found


def random_graph(rng: random.Random, largest: int = 7) -> Mixed:
    """A small graph with latents and `<->` edges; the nodes are declared in an order unlike the
    causal one.
    """
    n = rng.randint(3, largest)
    names = [f"v{i}" for i in range(n)]
    order = rng.sample(names, n)
    dense = rng.choice([0.25, 0.4, 0.6])
    directed = tuple((a, b) for a, b in combinations(order, 2) if rng.random() < dense)
    joined = rng.choice([0.0, 0.1, 0.3])
    bidirected = tuple((a, b) for a, b in combinations(order, 2) if rng.random() < joined)
    hidden = rng.choice([0.0, 0.2, 0.35])
    unobserved = frozenset(v for v in names if rng.random() < hidden)
    return Mixed(tuple(names), directed, bidirected, unobserved)
