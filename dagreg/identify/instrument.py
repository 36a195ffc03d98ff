"""Conditional instruments for a total effect; they rest on linearity or homogeneity.

Theorem (Brito and Pearl 2002; Henckel, Buttenschoen and Maathuis 2024). z is an instrument
given W for X on Y where z and W avoid X and the forbidden nodes, W does not
separate z from X, and W separates z from Y once the edges from X into the causal nodes are deleted.

A minimal W is most often a minimal separator of z and Y, which are listed with polynomial
delay. Where such a set cuts z off from X as well, adding a consequence of a collider may join
them again; to find those sets is hard in general (van der Zander, Textor and Liskiewicz 2015), so
that search is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from dagreg.graph.ancestry import members
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import separated
from dagreg.graph.separators import Budget, Separation, minimal_separators
from dagreg.identify.criterion import Criterion

MAX_LISTED_INSTRUMENTS = 1000
MAX_WORK = 1_000_000

Pair = tuple[int, tuple[int, ...]]  # an instrument and its conditioning set


def instruments(
    criterion: Criterion, limit: int = MAX_LISTED_INSTRUMENTS, work: int = MAX_WORK
) -> tuple[list[Pair], bool]:
    """Every (instrument, minimal conditioning set), at most `limit`, and whether the list was cut.

    No instruments where the exposure is no cause of the outcome, or where several exposures act jointly.
    """
    if len(criterion.xs) != 1 or not criterion.causal[criterion.y]:
        return [], False
    budget = Budget(work)
    pairs: list[Pair] = []
    for z in nearest_first(criterion.graph, criterion.xs[0]):
        if criterion.allowed[z]:
            if not budget.spend(criterion.graph.size):
                break
            pairs += ((z, ws) for ws in conditioning_sets(criterion, z, budget, limit - len(pairs)))
        if len(pairs) >= limit:
            return sorted(pairs), True
    return sorted(pairs), budget.exhausted


def nearest_first(graph: CausalGraph, x: int) -> Iterator[int]:
    """The other nodes by their distance from x: instruments stand close to the exposure."""
    seen = bytearray(len(graph))
    seen[x] = 1
    queue = [x]
    for v in queue:
        if v != x:
            yield v
        for group in (graph.parents[v], graph.children[v], graph.siblings[v]):
            for w in group:
                if not seen[w]:
                    seen[w] = 1
                    queue.append(w)


def conditioning_sets(criterion: Criterion, z: int, budget: Budget, limit: int) -> list[tuple[int, ...]]:
    """The minimal sets W given which z is an instrument, at most `limit` of them."""
    allowed = bytearray(criterion.allowed)
    allowed[z] = 0
    rows = criterion.selection.before
    task = Separation.of(criterion.cut, (z,), (criterion.y,), allowed, rows)
    relevant: list[tuple[int, ...]] = []
    severed: list[tuple[int, ...]] = []
    for ws in minimal_separators(task, budget):
        if len(relevant) == limit or not budget.spend(criterion.graph.size):
            return relevant
        joined = not separated(criterion.graph, (z,), criterion.xs, (*ws, *rows))
        (relevant if joined else severed).append(ws)
    for ws in severed:
        _rejoin(criterion, z, ws, members(allowed), relevant, budget)
    return [ws for ws in relevant if not any(set(other) < set(ws) for other in relevant)]


def _rejoin(
    criterion: Criterion,
    z: int,
    base: tuple[int, ...],
    usable: Sequence[int],
    relevant: list[tuple[int, ...]],
    budget: Budget,
) -> None:
    """Add to `relevant` the least supersets of `base` that join z to the exposure again and still separate z
    from Y.
    """
    extra = [v for v in usable if v not in base]
    rows = criterion.selection.before
    for size in range(1, len(extra) + 1):
        for more in combinations(extra, size):
            ws = tuple(sorted((*base, *more)))
            if any(set(other) <= set(ws) for other in relevant):
                continue
            if not budget.spend(criterion.graph.size):
                return
            if not separated(criterion.graph, (z,), criterion.xs, (*ws, *rows)) and separated(
                criterion.cut, (z,), (criterion.y,), (*ws, *rows)
            ):
                relevant.append(ws)
