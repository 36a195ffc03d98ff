"""Separating sets: nearest, minimal, all minimal ones, the cheapest.

X and Y are d-separated by Z with I <= Z <= R exactly where Z cuts X from Y in the
moral graph of An(X, Y, I) (Lauritzen; van der Zander and Liskiewicz 2020). The moral
graph is never built: a flood that may pass every node outside Z, and may turn
at a node of Z entered by a head, walks precisely its edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm

from dagreg.graph.ancestry import ancestors, both, districts, members, without
from dagreg.graph.causal import CausalGraph


class Budget:
    """Bounds the work of a listing, in nodes and edges visited; deterministic, unlike a clock."""

    __slots__ = ("exhausted", "left")

    def __init__(self, visits: int) -> None:
        self.left = visits
        self.exhausted = False

    def spend(self, visits: int) -> bool:
        """Whether there was still budget."""
        if self.left <= 0:
            self.exhausted = True
            return False
        self.left -= visits
        return True


@dataclass(frozen=True, slots=True)
class Separation:
    """The task: Z with `include` <= Z <= `include` + `allowed` that separates xs and ys.

    `within` marks An(xs, ys, include); `free` marks the nodes that may be used there.
    """

    graph: CausalGraph
    xs: tuple[int, ...]
    ys: tuple[int, ...]
    include: tuple[int, ...]
    within: bytearray
    free: bytearray

    @classmethod
    def of(
        cls,
        graph: CausalGraph,
        xs: Iterable[int],
        ys: Iterable[int],
        allowed: bytearray,
        include: Iterable[int] = (),
    ) -> Separation:
        xs, ys, include = tuple(xs), tuple(ys), tuple(include)
        within = ancestors(graph, [*xs, *ys, *include])
        free = both(allowed, within)
        for v in (*xs, *ys, *include):
            free[v] = 0
        return cls(graph, xs, ys, include, within, free)


def flood(task: Separation, sources: Iterable[int], blocked: bytearray) -> tuple[bytearray, bytearray]:
    """What the sources reach in the moral graph of An(X, Y, I) without passing a blocked node.

    Returns the nodes reached and the blocked nodes touched: the neighbours of the reached region.
    """
    graph = task.graph
    parents, children, siblings = graph.parents, graph.children, graph.siblings
    fresh, reached, touched = without(task.within, blocked), bytearray(len(graph)), bytearray(len(graph))
    turnable = both(task.within, blocked)
    stack = list(sources)
    for v in stack:
        fresh[v], reached[v] = 0, 1
    while stack:
        v = stack.pop()
        if v >= 0:
            below = children[v]
        else:  # a blocked node entered by a head: the walk turns there
            v, below = ~v, ()
        for p in parents[v]:
            if fresh[p]:
                fresh[p], reached[p] = 0, 1
                stack.append(p)
            elif blocked[p]:
                touched[p] = 1
        for group in (below, siblings[v]):
            for c in group:
                if fresh[c]:
                    fresh[c], reached[c] = 0, 1
                    stack.append(c)
                elif turnable[c]:
                    turnable[c], touched[c] = 0, 1
                    stack.append(~c)
    return reached, touched


def _blocking(task: Separation, nodes: bytearray) -> bytearray:
    blocked = bytearray(nodes)
    for v in task.include:
        blocked[v] = 1
    return blocked


@dataclass(frozen=True, slots=True)
class _Side:
    """A minimal separator and the region on the side of xs that it bounds."""

    separator: tuple[int, ...]
    region: bytearray


def _close(task: Separation, region: bytearray | None, extra: int | None) -> _Side | None:
    """The minimal separator nearest to xs whose region holds `region` and `extra`, or None."""
    usable = bytearray(task.free) if region is None else without(task.free, region)
    if extra is not None:
        usable[extra] = 0
    separator = _nearest(task, task.xs if extra is None else (*task.xs, extra), usable)
    if separator is None:
        return None
    reached, _ = flood(task, task.xs, _blocking(task, separator))
    return _Side(tuple(members(separator)), reached)


def _nearest(task: Separation, sources: Iterable[int], usable: bytearray) -> bytearray | None:
    """The minimal separator of usable nodes that is nearest to the sources, or None."""
    reached, touched = flood(task, sources, _blocking(task, usable))
    if any(reached[y] for y in task.ys):
        return None
    border = both(touched, usable)
    _, seen = flood(task, task.ys, _blocking(task, border))
    return both(seen, border)


def nearest_separator(task: Separation) -> tuple[int, ...] | None:
    """The minimal separator nearest to xs, without `include`; None where there is no separator.

    Two passes, linear time (van der Zander and Liskiewicz 2020, FindMinSep).
    """
    separator = _nearest(task, task.xs, task.free)
    return None if separator is None else tuple(members(separator))


def is_separator(task: Separation, nodes: Iterable[int]) -> bool:
    """Whether `nodes` with `include` separates; nodes outside An(X, Y, I) are refused."""
    chosen = task.graph.mask(nodes)
    reached, _ = flood(task, task.xs, _blocking(task, chosen))
    return not any(reached[y] for y in task.ys)


def is_minimal(task: Separation, nodes: Iterable[int]) -> bool:
    """Whether `nodes` separates and no proper subset does.

    Linear: a separator is minimal exactly where it lies in An(X, Y, I) and every
    member is touched from both sides (van der Zander and Liskiewicz 2020, TestMinSep).
    """
    chosen = task.graph.mask(nodes)
    if any(c and not f for c, f in zip(chosen, task.free, strict=True)):
        return False
    blocked = _blocking(task, chosen)
    reached, near_x = flood(task, task.xs, blocked)
    if any(reached[y] for y in task.ys):
        return False
    _, near_y = flood(task, task.ys, blocked)
    return all(near_x[v] and near_y[v] for v, c in enumerate(chosen) if c)


def minimal_separators(task: Separation, budget: Budget | None = None) -> Iterator[tuple[int, ...]]:
    """Every minimal separator (without `include`), each once, with polynomial delay.

    Takata 2010: the separators whose region on the side of xs holds C split at a node v
    of the border N(C): either v joins the region, or v stays in the separator. The
    nearest separator with v in its region tells at once whether that branch is
    empty, so every branch that is walked gives a separator.
    """
    cost = task.graph.size
    first = _close(task, None, None)
    if first is None:
        return
    _, beside_ys = flood(task, task.ys, _blocking(task, task.free))  # these never join the region
    stack: list[tuple[_Side, frozenset[int]]] = [(first, frozenset())]
    while stack:
        side, fixed = stack.pop()
        v = next((v for v in side.separator if v not in fixed and not beside_ys[v]), None)
        if v is None:
            yield side.separator
            continue
        if budget is not None and not budget.spend(cost):
            yield side.separator
            return
        stack.append((side, fixed | {v}))
        wider = _close(task, side.region, v)
        if wider is not None and not any(wider.region[u] for u in fixed):
            stack.append((wider, fixed))


def cheapest_separator(task: Separation) -> tuple[int, ...] | None:
    """A separator of least total cost and, among those, of least size (without `include`); None: there is
    none.

    Menger: the least weight of a vertex cut in the moral graph of An(X, Y, I) is the
    greatest flow, sent in phases along all shortest paths at once (Dinic 1970).
    """
    if nearest_separator(task) is None:
        return None
    flow = _Flow(task)
    while flow.augment():
        pass
    return flow.cut()


class _Flow:
    """A flow from xs to ys with capacities on the nodes.

    In the moral graph a district and its parents form a clique; a hub for each
    district stands for that clique, so the graph stays linear in size. A state is
    (kind, number): a node is entered (IN) and left (OUT), a hub (HUB) is passed freely.
    """

    IN, OUT, HUB = 0, 1, 2

    def __init__(self, task: Separation) -> None:
        graph, within = task.graph, task.within
        barred = task.graph.mask(task.include)
        self.task = task
        self.weight = _weights(task)
        self.unlimited = sum(self.weight) + 1
        self.hubs: list[list[int]] = [[] for _ in range(len(graph))]  # the hubs of a node
        self.members: list[list[int]] = []
        for district in districts(graph, within):
            clique = sorted({*district, *(p for v in district for p in graph.parents[v])})
            for v in clique:
                if not barred[v]:
                    self.hubs[v].append(len(self.members))
            self.members.append([v for v in clique if not barred[v]])
        self.through = [0] * len(graph)
        self.up: dict[tuple[int, int], int] = {}  # (node, hub): flow from the node into the hub
        self.down: dict[tuple[int, int], int] = {}  # (node, hub): flow from the hub into the node

    def residual(self, state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], int]]:
        """The states to which more can flow, and how much."""
        kind, v = state
        if kind == self.HUB:
            for u in self.members[v]:
                yield (self.IN, u), self.unlimited
                yield (self.OUT, u), self.up.get((u, v), 0)
        elif kind == self.IN:
            yield (self.OUT, v), self.weight[v] - self.through[v]
            for h in self.hubs[v]:
                yield (self.HUB, h), self.down.get((v, h), 0)
        elif kind == self.OUT:
            yield (self.IN, v), self.through[v]
            for h in self.hubs[v]:
                yield (self.HUB, h), self.unlimited

    def augment(self) -> bool:
        """A blocking flow along shortest residual paths; False where there is none left."""
        onward = self._shortest()
        if len(onward) == 0:
            return False
        for x in self.task.xs:
            path = [(self.OUT, x)] if (self.OUT, x) in onward else []
            while len(path) > 0:
                ahead = onward.get(path[-1])
                if ahead is None:  # an outcome
                    path = self._fill(path)
                elif len(ahead) == 0:  # a dead end for the rest of this phase
                    path.pop()
                    if len(path) > 0:
                        onward[path[-1]].pop()
                elif self._room(path[-1], ahead[-1]) == 0:
                    ahead.pop()
                else:
                    path.append(ahead[-1])
        return True

    def _shortest(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """The arcs of all shortest residual paths from xs to an outcome, by the state that they leave."""
        sinks = set(self.task.ys)
        queue = [(self.OUT, x) for x in self.task.xs]
        level = dict.fromkeys(queue, 0)
        before: dict[tuple[int, int], list[tuple[int, int]]] = {state: [] for state in queue}
        ends: list[tuple[int, int]] = []
        for state in queue:
            if len(ends) > 0 and level[state] == level[ends[0]]:
                break
            further = level[state] + 1
            for following, room in self.residual(state):
                if room > 0 and level.setdefault(following, further) == further:
                    if following not in before:
                        before[following] = []
                        queue.append(following)
                        if following[0] == self.IN and following[1] in sinks:
                            ends.append(following)
                    before[following].append(state)
        onward: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for state in ends:  # grows: all that lie on a shortest path
            for previous in before[state]:
                if previous not in onward:
                    onward[previous] = []
                    ends.append(previous)
                onward[previous].append(state)
        return onward

    def _fill(self, path: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Send what the path can carry, and return it up to its first arc that is full now."""
        rooms = [self._room(a, b) for a, b in pairwise(path)]
        amount = min(rooms)
        for a, b in pairwise(path):
            self._send(a, b, amount)
        return path[: rooms.index(amount) + 1]

    def _room(self, start: tuple[int, int], end: tuple[int, int]) -> int:
        """How much more can flow along one arc."""
        match start[0], end[0]:
            case self.IN, self.OUT:
                return self.weight[start[1]] - self.through[start[1]]
            case self.OUT, self.IN:
                return self.through[start[1]]
            case self.HUB, self.OUT:
                return self.up.get((end[1], start[1]), 0)
            case self.IN, self.HUB:
                return self.down.get((start[1], end[1]), 0)
        return self.unlimited

    def _send(self, start: tuple[int, int], end: tuple[int, int], amount: int) -> None:
        match start[0], end[0]:
            case self.IN, self.OUT:
                self.through[start[1]] += amount
            case self.OUT, self.IN:
                self.through[start[1]] -= amount
            case self.OUT, self.HUB:
                self._add(self.up, (start[1], end[1]), amount)
            case self.HUB, self.OUT:
                self._add(self.up, (end[1], start[1]), -amount)
            case self.HUB, self.IN:
                self._add(self.down, (end[1], start[1]), amount)
            case self.IN, self.HUB:
                self._add(self.down, (start[1], end[1]), -amount)

    @staticmethod
    def _add(flow: dict[tuple[int, int], int], arc: tuple[int, int], amount: int) -> None:
        flow[arc] = flow.get(arc, 0) + amount

    def cut(self) -> tuple[int, ...]:
        """The nodes that are entered but not left by what the sources still reach."""
        seen = {(self.OUT, x) for x in self.task.xs}
        queue = list(seen)
        for state in queue:
            for following, room in self.residual(state):
                if room > 0 and following not in seen:
                    seen.add(following)
                    queue.append(following)
        return tuple(v for v in members(self.task.free) if (self.IN, v) in seen and (self.OUT, v) not in seen)


def _weights(task: Separation) -> list[int]:
    """Whole numbers that order sets by cost, then by size; nodes that may not be used outweigh all others."""
    cost = [Fraction(str(c)) for c in task.graph.cost]
    scale = lcm(*(c.denominator for c in cost)) * (len(cost) + 1)
    weights = [int(c * scale) + 1 if f else 0 for c, f in zip(cost, task.free, strict=True)]
    unlimited = sum(weights) + 1
    return [w if f else unlimited for w, f in zip(weights, task.free, strict=True)]
