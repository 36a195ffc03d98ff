"""Separation, separators, projection and paths against the slow oracle and networkx, on random graphs."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import combinations

import networkx as nx
import pytest

from dagreg.graph import CausalGraph, to_networkx
from dagreg.graph.implications import list_implications
from dagreg.graph.paths import list_paths
from dagreg.graph.projection import latent_projection
from dagreg.graph.separation import open_path, separated
from dagreg.graph.separators import (
    Separation,
    cheapest_separator,
    is_minimal,
    is_separator,
    minimal_separators,
    nearest_separator,
)
from tests.oracle import separation as brute

GRAPHS = int(os.environ.get("DAGREG_TRUST", "300"))
BLOCKS = 5


def graphs(block: int, largest: int = 7) -> Iterator[tuple[random.Random, brute.Mixed, CausalGraph]]:
    for number in range(block, GRAPHS, BLOCKS):
        rng = random.Random(10_000_000 + number)
        slow = brute.random_graph(rng, largest)
        cost = {n: rng.choice([0.5, 1, 2.25]) for n in slow.nodes}
        yield (
            rng,
            slow,
            CausalGraph.of(slow.nodes, slow.directed, slow.bidirected, slow.unobserved, cost=cost),
        )


def pick(rng: random.Random, slow: brute.Mixed) -> tuple[set[str], set[str], set[str]]:
    """Disjoint X, Y and Z, the first two not empty."""
    order = rng.sample(slow.nodes, len(slow.nodes))
    many = rng.choice([1, 1, 2]) if len(order) > 3 else 1
    return set(order[:many]), {order[many]}, set(order[many + 1 : rng.randint(many + 1, len(order))])


@pytest.mark.parametrize("block", range(BLOCKS))
def test_separation(block: int) -> None:
    for rng, slow, graph in graphs(block):
        peer = to_networkx(graph)
        for _ in range(10):
            xs, ys, zs = pick(rng, slow)
            numbers = [[graph.index[n] for n in sorted(s)] for s in (xs, ys, zs)]
            expected = brute.separated(slow, xs, ys, zs)
            assert separated(graph, *numbers) == expected
            assert nx.is_d_separator(peer, xs, ys, zs) == expected
            path = open_path(graph, *numbers)
            assert (path is None) == expected
            if path is not None:
                above = brute.ancestors(slow, zs)
                assert len(set(path.nodes)) == len(path.nodes)
                assert not zs & {graph.names[v] for v in path.noncolliders}
                assert {graph.names[c] for c in path.colliders} <= above


@pytest.mark.parametrize("block", range(BLOCKS))
def test_separators(block: int) -> None:
    for rng, slow, graph in graphs(block):
        xs, ys, include = pick(rng, slow)
        include = set(sorted(include)[:1])
        pool = {n for n in slow.observed if rng.random() < 0.8} - xs - ys - include
        allowed = graph.mask(graph.index[n] for n in pool)
        task = Separation.of(
            graph,
            *([graph.index[n] for n in sorted(s)] for s in (xs, ys)),
            allowed,
            [graph.index[n] for n in include],
        )
        good = [z for z in brute.subsets(pool) if brute.separated(slow, xs, ys, set(z) | include)]
        least = brute.minimal(good)
        within = brute.ancestors(slow, xs | ys | include)
        listed = list(minimal_separators(task))
        assert len(set(listed)) == len(listed)
        found = {frozenset(graph.named(zs)) for zs in listed}
        if len(include) == 0:
            assert found == least
        else:  # among ancestors of X, Y and what is included, where the theorem speaks
            assert found == brute.minimal(z for z in good if z <= within)
        one, cheap = nearest_separator(task), cheapest_separator(task)
        assert (one is None) == (cheap is None) == (len(found) == 0)
        if one is not None and cheap is not None:
            assert frozenset(graph.named(one)) in found
            price = {z: (sum(graph.cost[graph.index[n]] for n in z), len(z)) for z in found}
            assert price[frozenset(graph.named(cheap))] == min(price.values())
        for z in brute.subsets(pool & within):
            numbers = [graph.index[n] for n in z]
            assert is_separator(task, numbers) == (z in good)
            assert is_minimal(task, numbers) == (z in found)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_projection_keeps_every_independence_of_the_observed(block: int) -> None:
    for _, slow, graph in graphs(block, largest=6):
        projected = latent_projection(graph)
        for a, b in combinations(slow.observed, 2):
            for z in brute.subsets(set(slow.observed) - {a, b}):
                numbers = [projected.index[n] for n in z]
                expected = brute.separated(slow, {a}, {b}, set(z))
                assert separated(projected, [projected.index[a]], [projected.index[b]], numbers) == expected


@pytest.mark.parametrize("block", range(BLOCKS))
def test_paths(block: int) -> None:
    """As many as networkx finds among the edges of the multigraph, none twice, the shorter first."""
    for rng, slow, graph in graphs(block, largest=6):
        x, y = rng.sample(slow.nodes, 2)
        peer = nx.MultiGraph()
        peer.add_nodes_from(slow.nodes)
        peer.add_edges_from([*slow.directed, *slow.bidirected])
        expected = sum(1 for _ in nx.all_simple_edge_paths(peer, x, y))
        found, truncated = list_paths(graph, [graph.index[x]], [graph.index[y]], limit=10_000)
        assert not truncated
        assert len(found) == len(set(found)) == expected
        assert [len(p.nodes) for p in found] == sorted(len(p.nodes) for p in found)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_implications(block: int) -> None:
    for _, slow, graph in graphs(block, largest=6):
        found = {frozenset((i.x, i.y)): frozenset(i.given) for i in list_implications(graph)[0]}
        for a, b in combinations(slow.observed, 2):
            good = [
                z
                for z in brute.subsets(set(slow.observed) - {a, b})
                if brute.separated(slow, {a}, {b}, set(z))
            ]
            pair = frozenset((a, b))
            assert (pair in found) == (len(good) > 0)
            assert pair not in found or found[pair] in brute.minimal(good)
