"""Discrete models drawn at random on a graph: what is observed, and what do(x) makes of it, by
enumeration.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import pairwise, product
from math import prod

from tests.oracle.separation import Mixed, ancestors


class World:
    """Binary variables, each latent too, with random conditional probabilities away from 0 and 1."""

    def __init__(self, graph: Mixed, rng: random.Random) -> None:
        self.graph = graph
        self.order = sorted(graph.parents, key=lambda n: (len(ancestors(graph, [n])), n))
        self.table = {
            n: {row: rng.uniform(0.1, 0.9) for row in product((0, 1), repeat=len(graph.parents[n]))}
            for n in self.order
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

    def nested(self, x: str, y: str, active: Callable[[tuple[str, ...]], bool]) -> float:
        """P(Y = 1) with x at 1 along the causal paths that `active` accepts, and at 0 along all others.

        A nested counterfactual in the structural model v = [u_v < P(v = 1 | parents)] with independent
        uniform errors: each parent of a node takes the value that it has for the path on which it is asked.
        Enumerates the errors by the intervals between their thresholds.
        """
        thresholds = {n: sorted({0.0, 1.0, *self.table[n].values()}) for n in self.order if n != x}
        cells = {n: [((a + b) / 2, b - a) for a, b in pairwise(cuts)] for n, cuts in thresholds.items()}
        names = list(ancestors(self.graph, [y]) - {x})
        total = 0.0
        for choice in product(*(cells[n] for n in names)):
            errors = {n: u for n, (u, _) in zip(names, choice, strict=True)}
            if self._value(x, y, (y,), active, errors):
                total += prod(width for _, width in choice)
        return total

    def _value(
        self,
        x: str,
        node: str,
        path: tuple[str, ...],
        active: Callable[[tuple[str, ...]], bool],
        errors: dict[str, float],
    ) -> bool:
        """The value of `node` as seen along `path`, which leads from it to the outcome."""
        row = []
        for parent in sorted(self.graph.parents[node]):
            longer = (parent, *path)
            row.append(
                int(active(longer)) if parent == x else int(self._value(x, parent, longer, active, errors))
            )
        return errors[node] < self.table[node][tuple(row)]
