"""What to measure: the smallest sets of unobserved nodes that would identify the effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from dagreg.graph.causal import CausalGraph
from dagreg.graph.separators import Budget

MAX_LISTED_SETS = 20
MAX_WORK = 300_000


def what_to_measure(
    graph: CausalGraph,
    candidates: Sequence[int],
    identified: Callable[[CausalGraph], bool],
    limit: int = MAX_LISTED_SETS,
    work: int = MAX_WORK,
) -> list[tuple[int, ...]]:
    """The sets of least size among `candidates` (unobserved nodes) that identify the effect once measured.

    By cost within one size, then by declaration. Empty where nothing would help, or where the
    search outgrows its bounds before it finds anything.
    """
    budget = Budget(work)
    everything = graph.observing(candidates)
    if not identified(everything):
        return []
    for size in range(1, len(candidates) + 1):
        sets: list[tuple[int, ...]] = []
        for chosen in combinations(candidates, size):
            if not budget.spend(4 * graph.size) or len(sets) == limit:
                break
            if identified(graph.observing(chosen)):
                sets.append(chosen)
        if len(sets) > 0 or budget.exhausted:
            return sorted(sets, key=lambda s: (sum(graph.cost[v] for v in s), s))
    return []
