"""Discrete models drawn at random on a graph: what is observed, and what do(x) makes of it, by enumeration."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from math import prod

from tests.oracle.separation import Mixed, ancestors


class World:
    """Binary variables, each latent too, with random conditional probabilities away from 0 and 1."""

    def __init__(self, graph: Mixed, rng: random.Random) -> None:
        self.graph = graph
        self.order = sorted(graph.parents, key=lambda n: (len(ancestors(graph, [n])), n))
        self.table = {
            n: {row: rng.uniform(0.1, 0.9) for row in product((0, 1), repeat=len(graph.parents[n]))} for n in self.order
        }
        self.joint = self.distribution({})

    def distribution(self, do: Mapping[str, int]) -> dict[tuple[int, ...], float]:
        """The joint distribution of all variables, latents included, after do(...)."""
        above = {n: sorted(self.graph.parents[n]) for n in self.order}
        out = {}
        for row in product((0, 1), repeat=len(self.order)):
            value = dict(zip(self.order, row, strict=True))
            if any(value[n] != v for n, v in do.items()):
                continue
            terms = []
            for n in self.order:
                if n not in do:
                    p = self.table[n][tuple(value[a] for a in above[n])]
                    terms.append(p if value[n] else 1 - p)
            out[row] = prod(terms)
        return out

    def mass(self, joint: Mapping[tuple[int, ...], float], event: Mapping[str, int]) -> float:
        places = [(self.order.index(n), v) for n, v in event.items()]
        return sum(p for row, p in joint.items() if all(row[i] == v for i, v in places))

    def probability(self, targets: Mapping[str, int], given: Mapping[str, int]) -> float:
        """P(targets | given) as observed."""
        assert not {*targets, *given} & self.graph.unobserved
        if any(given.get(n, v) != v for n, v in targets.items()):
            return 0.0
        return self.mass(self.joint, {**targets, **given}) / self.mass(self.joint, given)

    def after(self, do: Mapping[str, int], event: Mapping[str, int]) -> float:
        """P(event | do)."""
        return self.mass(self.distribution(do), event)
