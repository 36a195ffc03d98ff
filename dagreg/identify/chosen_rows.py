"""Rows chosen on S: the effect at each level of W, where the average over all levels may be lost.

Theorem. Let S_b be the nodes of S that do not descend from X, S_a the others, and let no member of Z and W
descend from X. If

1. Y _||_ S_b | W, X   in G without the edges into X,
2. Z, W and S_b separate X and Y in the proper back-door graph,
3. Y _||_ S_a | X, Z, W, S_b,   and   4. Z _||_ S_a | W, S_b   in G,

then P(y | do(x), w) = sum_z P(y | x, z, w, s) P(z | w, s), s being what was chosen. Proof. By 1 the left side
is P(y | do(x), w, s_b); by 2 that is sum_z P(y | x, z, w, s_b) P(z | w, s_b), since X changes none of Z, W,
S_b (adjustment, as in `conditional`); by 3 and 4 both factors are the same among the chosen rows. The rule
asks nothing of P(w): how many of all rows are at each level the chosen ones need not tell. (Without W it is
that of Correa, Tian and Bareinboim 2018 for covariates that are known of the chosen rows only.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from dagreg.graph.ancestry import ancestors, descendants
from dagreg.graph.separation import separated
from dagreg.graph.separators import Budget, minimal_separators
from dagreg.identify.adjustment import without_causes
from dagreg.identify.criterion import Criterion

MAX_TRIED_SETS = 200  # sets that are tried
MAX_WORK = 500_000  # nodes and edges visited to list them


def level_set(criterion: Criterion, ws: Collection[int]) -> tuple[int, ...] | None:
    """A set Z with which the chosen rows identify the effect at each level of W; None where none is found."""
    below = descendants(criterion.graph, criterion.xs)
    if not all(criterion.allowed[w] and not below[w] for w in ws):
        return None
    return next((zs for zs in _candidates(criterion, ws, below) if holds_at_levels(criterion, zs, ws)), None)


def _candidates(criterion: Criterion, ws: Collection[int], below: bytearray) -> Iterator[tuple[int, ...]]:
    """The empty set, then those that close every path together with W, the smallest ones first."""
    yield ()
    task = criterion.task(ws, [v for v, b in enumerate(below) if b])
    yield from islice(minimal_separators(task, Budget(MAX_WORK)), MAX_TRIED_SETS)


def holds_at_levels(criterion: Criterion, zs: Collection[int], ws: Collection[int]) -> bool:
    """The four conditions of the theorem; Z and W hold nothing that is barred or descends from X."""
    graph, xs, y = criterion.graph, criterion.xs, criterion.y
    before, after = criterion.selection.before, criterion.selection.after
    if y in after or y in before:
        return False
    return (
        (len(before) == 0 or separated(without_causes(graph, xs), (y,), before, (*xs, *ws)))
        and criterion.separates((*zs, *ws))
        and (len(after) == 0 or separated(graph, (y,), after, (*xs, *zs, *ws, *before)))
        and (len(after) == 0 or len(zs) == 0 or separated(graph, tuple(zs), after, (*ws, *before)))
    )


def telling(criterion: Criterion) -> tuple[int, ...] | None:
    """Variables at each of whose levels the effect is identified, as few as a walk finds; None where it finds
    none.
    """
    graph = criterion.graph
    below = descendants(graph, criterion.xs)
    ends = (*criterion.xs, criterion.y, *criterion.selection.before, *criterion.selection.after)
    above = ancestors(graph, ends)
    ws = [v for v, a in enumerate(criterion.allowed) if a and above[v] and not below[v]]
    if not holds_at_levels(criterion, (), ws):
        return None
    for v in tuple(ws):
        fewer = [w for w in ws if w != v]
        if holds_at_levels(criterion, (), fewer):
            ws = fewer
    return tuple(ws)
