"""What the notes of all nodes share, found for every node at once.

A graph of 100,000 nodes has 100,000 notes: none of them may search the whole graph by itself. Here
are the questions that one pass answers for all nodes; the passes are made when first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dagreg.graph.ancestry import (
    PathTree,
    ancestors,
    both,
    descendants,
    members,
    shortest_paths,
    topological_order,
    trail_towards,
)
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import reach
from dagreg.graph.separators import Separation, flood
from dagreg.identify.criterion import Criterion


class Survey:
    """The shared passes for one criterion and one set `base` (the chosen one, or the empty one)."""

    def __init__(self, criterion: Criterion, base: tuple[int, ...]) -> None:
        self.criterion = criterion
        self.base = base
        self.rows = criterion.selection.before
        self.given = (*base, *self.rows)

    @cached_property
    def in_base(self) -> bytearray:
        return self.criterion.graph.mask(self.base)

    @cached_property
    def exposures(self) -> bytearray:
        return self.criterion.graph.mask(self.criterion.xs)

    @cached_property
    def below_exposure(self) -> bytearray:
        return descendants(self.criterion.graph, self.criterion.xs)

    @cached_property
    def below_outcome(self) -> bytearray:
        return descendants(self.criterion.graph, [self.criterion.y])

    @cached_property
    def above_outcome(self) -> bytearray:
        return ancestors(self.criterion.graph, [self.criterion.y])

    @cached_property
    def forks(self) -> bytearray:
        return forks(self.criterion.graph, self.criterion.xs, self.criterion.y)

    @cached_property
    def separates(self) -> bool:
        """Whether the set closes every biasing path."""
        return self.criterion.separates(self.base)

    @cached_property
    def opening(self) -> bytearray:
        """The nodes that open a biasing path when they join a set that closes all of them.

        They are those tied to both exposure and outcome given the set: d-separation is weakly transitive (X
        and Y apart given Z, and given Z with v, leave v apart from one of them) and closed under composition.
        """
        cut, y = self.criterion.cut, self.criterion.y
        openers = both(_tied(cut, self.criterion.xs, self.given), _tied(cut, [y], self.given))
        for v in (*self.given, *self.criterion.xs, y):
            openers[v] = 0
        return openers

    @cached_property
    def needed(self) -> bytearray:
        """The members of a valid set without which it would not separate.

        In the moral graph of An(X, Y, Z) all of Z but z separates X and Y unless z is touched from both sides
        (van der Zander and Liskiewicz 2020). A member that is above no other node of X, Y and Z would leave
        that graph.
        """
        criterion = self.criterion
        graph, blocked = criterion.cut, criterion.cut.mask(self.given)
        task = Separation.of(graph, criterion.xs, (criterion.y,), bytearray(len(graph)), self.given)
        _, near_x = flood(task, criterion.xs, blocked)
        _, near_y = flood(task, (criterion.y,), blocked)
        touched = bytearray(len(graph))
        for z in self.base:
            touched[z] = near_x[z] and near_y[z] and any(task.within[c] for c in graph.children[z])
        return touched

    @cached_property
    def tied_to_exposure(self) -> bytearray:
        """The nodes that tell something of the exposure given the set."""
        return _tied(self.criterion.graph, self.criterion.xs, self.given)

    @cached_property
    def tied_to_outcome(self) -> bytearray:
        """The nodes that tell something of the outcome given the set and the exposure."""
        return _tied(self.criterion.graph, [self.criterion.y], (*self.criterion.xs, *self.given))

    @property
    def _ends_given(self) -> bool:
        """Whether the rows were chosen on the exposure or the outcome: no ball leaves a node that
        is given.
        """
        return any(v in self.rows for v in (*self.criterion.xs, self.criterion.y))

    @cached_property
    def may_turn(self) -> bytearray:
        """A superset of the nodes at which an open path between exposure and outcome may turn, once they are
        given.

        Both legs must enter by a head. A leg through a collider above v reaches v from that collider as well.
        """
        graph = self.criterion.graph
        _, from_x = reach(graph, self.criterion.xs, self.rows)
        _, from_y = reach(graph, [self.criterion.y], self.rows)
        turns = bytearray(b"\1") * len(graph) if self._ends_given else both(from_x, from_y)
        for v in members(turns):
            turns[v] = len(graph.parents[v]) + len(graph.siblings[v]) > 1
        return turns

    @cached_property
    def may_pass(self) -> bytearray:
        """A superset of the nodes that are non-colliders on a biasing path which is open before
        adjustment.
        """
        cut = self.criterion.cut
        if self._ends_given:
            return bytearray(b"\1") * len(cut)
        tail_x, head_x = reach(cut, self.criterion.xs, self.rows)
        tail_y, head_y = reach(cut, [self.criterion.y], self.rows)
        return bytearray(
            (a and (b or d)) or (c and b) for a, b, c, d in zip(tail_x, tail_y, head_x, head_y, strict=True)
        )

    # ------------------------------------------------------------ routes

    def causal_path(self, v: int) -> list[int]:
        """A shortest proper causal path through a causal node, cut where it is long."""
        second = trail_towards(self.criterion.graph, v, self.criterion.y, self._steps_to_outcome)
        return [*self._from_exposures.trail(v), *second[1:]]

    def to_outcome(self, v: int) -> list[int] | None:
        """A shortest directed path from v to the outcome past the exposures, or None."""
        if self._steps_to_outcome[v] < 0:
            return None
        return trail_towards(self.criterion.graph, v, self.criterion.y, self._steps_to_outcome)

    def from_outcome(self, v: int) -> list[int] | None:
        return self._from_outcome.trail(v) if self._from_outcome.depth[v] >= 0 else None

    def from_mediators(self, v: int) -> list[int] | None:
        """A shortest directed path from a causal node other than the outcome, or None."""
        return self._from_mediators.trail(v) if self._from_mediators.depth[v] >= 0 else None

    @cached_property
    def _from_exposures(self) -> PathTree:
        return shortest_paths(self.criterion.graph.children, self.criterion.xs, self.exposures)

    @cached_property
    def _steps_to_outcome(self) -> list[int]:
        return shortest_paths(self.criterion.graph.parents, [self.criterion.y], self.exposures).depth

    @cached_property
    def _from_outcome(self) -> PathTree:
        return shortest_paths(self.criterion.graph.children, [self.criterion.y])

    @cached_property
    def _from_mediators(self) -> PathTree:
        mediators = [c for c, m in enumerate(self.criterion.causal) if m and c != self.criterion.y]
        return shortest_paths(self.criterion.graph.children, mediators)


def _tied(graph: CausalGraph, nodes: Iterable[int], given: tuple[int, ...]) -> bytearray:
    """The nodes joined to these by an open path."""
    return bytearray(t or h for t, h in zip(*reach(graph, nodes, given), strict=True))


def forks(graph: CausalGraph, xs: tuple[int, ...], y: int) -> bytearray:
    """The nodes with two directed legs that share nothing else, one to an exposure and one to y.

    Menger: two such legs exist unless one other node lies on all paths from v to either end, that is unless a
    node other than v is the last bottleneck of v. The children's bottlenecks tell: where they
    agree theirs is that of v, and where they differ v is its own. Linear time.
    """
    none, exposure = -1, len(graph)
    bottleneck = [none] * len(graph)
    marked = bytearray(len(graph))
    ends = {**dict.fromkeys(xs, exposure), y: y}
    for v in reversed(topological_order(graph)):
        if v in ends:
            bottleneck[v] = ends[v]
            continue
        below = {bottleneck[c] for c in graph.children[v]} - {none}
        if len(below) == 1:
            bottleneck[v] = below.pop()
        elif len(below) > 1:
            bottleneck[v] = v
            marked[v] = 1
    return marked
