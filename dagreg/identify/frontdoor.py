"""The front-door criterion, as a property of the set.

Theorem (Pearl 1995). M is a front-door set for X on Y where
1. M meets every directed path from X to Y,
2. no back-door path from X to M is open, and
3. every back-door path from M to Y is blocked by X;
then P(y | do(x)) = sum_m P(m | x) sum_x' P(y | m, x') P(x').

Sets that satisfy 2 or 3 are closed under union, so the largest one within any bounds tells
whether there is one within these bounds (Jeong, Tian and Bareinboim 2022); it is found
in one pass (Wienobst, van der Zander and Liskiewicz 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from dagreg.graph.ancestry import ancestors, descendants
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import reach
from dagreg.graph.separators import Budget

MAX_LISTED_SETS = 1000
MAX_WORK = 1_000_000


def without_effects(graph: CausalGraph, nodes: Iterable[int]) -> CausalGraph:
    """The graph without the edges out of these nodes."""
    return graph.without((v, c) for v in nodes for c in graph.children[v])


def frontdoor_candidates(graph: CausalGraph, xs: tuple[int, ...], y: int) -> bytearray:
    """The observed nodes to which no back-door path from X is open: condition 2 holds for any set of them."""
    by_tail, by_head = reach(without_effects(graph, xs), xs, ())
    free = bytearray(o and not t and not h for o, t, h in zip(graph.observed, by_tail, by_head, strict=True))
    free[y] = 0
    return free


def largest_frontdoor(
    graph: CausalGraph, xs: tuple[int, ...], y: int, include: Iterable[int], within: bytearray
) -> bytearray | None:
    """The largest front-door set M with include <= M <= within, or None; `within` holds candidates only."""
    chosen = shielded_by_exposure(graph, xs, y, within)
    if not all(chosen[v] for v in include):
        return None
    return chosen if not descendants(graph, xs, chosen)[y] else None


def shielded_by_exposure(graph: CausalGraph, xs: tuple[int, ...], y: int, within: bytearray) -> bytearray:
    """The largest M <= within such that X blocks every back-door path from M to Y (condition 3).

    A Bayes ball from Y given X in the graph without the edges out of M. A node of M that it
    meets leaves M; its outgoing edges are then there again, and the ball goes on along them.
    """
    chosen = bytearray(within)
    blocked = graph.mask(xs)
    opened = ancestors(graph, xs)
    by_tail, by_head = bytearray(len(graph)), bytearray(len(graph))
    climbs = bytearray(len(graph))  # nodes from which the ball goes up to parents
    stack = [y]
    by_tail[y] = 1

    def enter_by_tail(v: int) -> None:
        if not by_tail[v]:
            by_tail[v] = 1
            stack.append(v)

    while len(stack) > 0:
        v = stack.pop()
        tail = v >= 0
        v = v if tail else ~v
        if chosen[v]:
            chosen[v] = 0
            if any(climbs[c] for c in graph.children[v]):
                enter_by_tail(v)
        passes = not blocked[v]
        if (tail and passes) or (not tail and opened[v]):
            climbs[v] = 1
            for p in graph.parents[v]:
                if not chosen[p]:
                    enter_by_tail(p)
            for s in graph.siblings[v]:
                if not by_head[s]:
                    by_head[s] = 1
                    stack.append(~s)
        if passes:
            for c in graph.children[v]:
                if not by_head[c]:
                    by_head[c] = 1
                    stack.append(~c)
    return chosen


def minimal_frontdoor_sets(
    graph: CausalGraph, xs: tuple[int, ...], y: int, budget: Budget | None = None
) -> Iterator[tuple[int, ...]]:
    """Every minimal front-door set, each once.

    A set found within the bounds (include, within) is shrunk; any other minimal set
    within them lacks one of its members, which splits the task.
    """
    candidates = frontdoor_candidates(graph, xs, y)
    tasks: list[tuple[tuple[int, ...], bytearray]] = [((), candidates)]
    while len(tasks) > 0:
        include, within = tasks.pop()
        if budget is not None and not budget.spend(graph.size):
            return
        largest = largest_frontdoor(graph, xs, y, include, within)
        if largest is None:
            continue
        small = _shrink(graph, xs, y, include, largest, budget)
        smallest = small if len(include) == 0 else _shrink(graph, xs, y, (), graph.mask(small), budget)
        if budget is not None and budget.exhausted:
            return
        if smallest == small:
            yield small
        kept = include
        branches = []
        for v in small:
            if v in include:
                continue
            narrower = bytearray(within)
            narrower[v] = 0
            branches.append((kept, narrower))
            kept = (*kept, v)
        tasks += reversed(branches)


def _shrink(
    graph: CausalGraph,
    xs: tuple[int, ...],
    y: int,
    include: tuple[int, ...],
    members: bytearray,
    budget: Budget | None = None,
) -> tuple[int, ...]:
    """A front-door set within `members` that holds `include` and no smaller such set.

    Whole blocks are left out at a time: few tests where the set that remains is small. What cannot
    be left out of a set cannot be left out of its subsets either, so one pass is enough.
    """
    blocks = [[v for v, f in enumerate(members) if f and v not in include]]
    while len(blocks) > 0:
        block = [v for v in blocks.pop() if members[v]]
        if len(block) == 0:
            continue
        if budget is not None and not budget.spend(graph.size):
            break
        narrower = bytearray(members)
        for v in block:
            narrower[v] = 0
        smaller = largest_frontdoor(graph, xs, y, include, narrower)
        if smaller is not None:
            members = smaller
        elif len(block) > 1:
            half = len(block) // 2
            blocks += [block[half:], block[:half]]
    return tuple(v for v, f in enumerate(members) if f)


def frontdoor_sets(
    graph: CausalGraph, xs: tuple[int, ...], y: int, limit: int = MAX_LISTED_SETS, work: int = MAX_WORK
) -> tuple[list[tuple[int, ...]], bool]:
    """The minimal front-door sets, at most `limit`, and whether the list was cut."""
    budget = Budget(work)
    sets = list(islice(minimal_frontdoor_sets(graph, xs, y, budget), limit + 1))
    return sets[:limit], len(sets) > limit or budget.exhausted
