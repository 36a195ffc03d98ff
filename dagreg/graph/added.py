"""What an edge would open if it were added: for every pair of nodes at once, by two passes over the graph.

Let Z separate X and Y in G, and call a walk open where its colliders are in Z and its other inner nodes are
not (as good as paths: Koster 2002). Write *end* for a node at which an open walk from one side may go on
along a new arrowhead into it (it came by a tail and is outside Z, or by a head and is an ancestor of Z), and
*start* for one outside Z that an open walk from one side reaches at all.

Lemma. 1. G with `a <-> b` has an open path between X and Y if and only if one of a, b is an end of X's side
and the other an end of Y's. 2. G with `a -> b` has one if and only if a is a start of one side and b an end
of the other, or a is a start of both sides and b is an ancestor of Z.

Proof. Given Z an added edge makes new ancestors of Z only along itself, so every new open walk passes it. Cut
out what lies between the first and the last passing. In 1 the passings then have different directions or
there is one: one passing is the condition; with two the walk would turn at the same node, that is an end of
both sides or a joint of two ends, and was open in G. In 2 a passing a -> b ends X's part at a start and
begins Y's at an end; two opposite ones leave a collider at b, whose two legs both come from a.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dagreg.graph.ancestry import ancestors, both, either, without
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import reach


@dataclass(frozen=True, slots=True)
class Added:
    """For a graph in which `given` separates two sides: which single edges would join them."""

    ends: tuple[bytearray, bytearray]
    starts: tuple[bytearray, bytearray]
    above: bytearray  # the ancestors of what is given

    @classmethod
    def to(cls, graph: CausalGraph, xs: Sequence[int], ys: Sequence[int], given: Collection[int]) -> Added:
        """Linear time."""
        blocked, above = graph.mask(given), ancestors(graph, given)
        sides = [reach(graph, side, given) for side in (xs, ys)]
        ends = [either(without(by_tail, blocked), both(by_head, above)) for by_tail, by_head in sides]
        starts = [without(either(by_tail, by_head), blocked) for by_tail, by_head in sides]
        return cls((ends[0], ends[1]), (starts[0], starts[1]), above)

    def by_arc(self, a: int, b: int) -> bool:
        """Whether `a <-> b` would join the sides."""
        x, y = self.ends
        return bool((x[a] and y[b]) or (x[b] and y[a]))

    def by_arrow(self, a: int, b: int) -> bool:
        """Whether `a -> b`, which must make no cycle, would join the sides."""
        (x_end, y_end), (x_start, y_start) = self.ends, self.starts
        return bool(
            (x_start[a] and y_end[b])
            or (y_start[a] and x_end[b])
            or (x_start[a] and y_start[a] and self.above[b])
        )
