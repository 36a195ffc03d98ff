"""d-separation by reachability: Shachter's Bayes ball (1998) with two states a node.

A node is entered by a *tail* (from one of its children) or by a *head* (from a
parent, or along `<->`). Given Z, a walk passes a node as a non-collider where the
node is outside Z, and as a collider where it is an ancestor of Z. An edge
`a <-> b` acts as a latent parent of both: it has a head at either end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dagreg.graph.ancestry import ancestors
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separators import Budget

TAIL, HEAD = 0, 1  # how a walk enters a node


def reach(graph: CausalGraph, sources: Iterable[int], given: Collection[int]) -> tuple[bytearray, bytearray]:
    """The nodes that an open walk from the sources enters by a tail, and those it enters by a head.

    Nodes of `given` are entered too, though passed only as colliders.
    """
    parents, children, siblings = graph.parents, graph.children, graph.siblings
    blocked, opened = graph.mask(given), ancestors(graph, given)
    by_tail, by_head = bytearray(len(graph)), bytearray(len(graph))
    stack: list[int] = []  # v: entered by a tail; ~v: entered by a head
    for v in sources:
        if not by_tail[v]:
            by_tail[v] = 1
            stack.append(v)
    while stack:
        v = stack.pop()
        up, down, across = False, False, False
        if v >= 0:
            up = down = across = not blocked[v]
        else:
            v = ~v
            down = not blocked[v]
            up = across = bool(opened[v])
        if up:
            for p in parents[v]:
                if not by_tail[p]:
                    by_tail[p] = 1
                    stack.append(p)
        if down:
            for c in children[v]:
                if not by_head[c]:
                    by_head[c] = 1
                    stack.append(~c)
        if across:
            for s in siblings[v]:
                if not by_head[s]:
                    by_head[s] = 1
                    stack.append(~s)
    return by_tail, by_head


def separated(graph: CausalGraph, xs: Iterable[int], ys: Iterable[int], given: Collection[int]) -> bool:
    """Whether every path between xs and ys is blocked by `given` (three disjoint sets)."""
    by_tail, by_head = reach(graph, xs, given)
    return not any(by_tail[y] or by_head[y] for y in ys)


@dataclass(frozen=True, slots=True)
class Path:
    """A path: its nodes, and for each step the mark of the edge, one of `->`, `<-`, `<->`."""

    nodes: tuple[int, ...]
    marks: tuple[str, ...]

    def render(self, graph: CausalGraph) -> str:
        """`x <- z -> y`."""
        words = [graph.names[self.nodes[0]]]
        for mark, v in zip(self.marks, self.nodes[1:], strict=True):
            words += [mark, graph.names[v]]
        return " ".join(words)

    @property
    def causal(self) -> bool:
        """Directed from its first node to its last."""
        return all(mark == "->" for mark in self.marks)

    @property
    def colliders(self) -> tuple[int, ...]:
        """Inner nodes with a head on either side."""
        return tuple(
            v
            for v, left, right in zip(self.nodes[1:-1], self.marks, self.marks[1:], strict=False)
            if left != "<-" and right != "->"
        )

    @property
    def noncolliders(self) -> tuple[int, ...]:
        """Inner nodes with a tail on at least one side."""
        return tuple(
            v
            for v, left, right in zip(self.nodes[1:-1], self.marks, self.marks[1:], strict=False)
            if left == "<-" or right == "->"
        )


def open_path(
    graph: CausalGraph,
    xs: Collection[int],
    ys: Collection[int],
    given: Collection[int],
    through: int | None = None,
    turning: bool = False,
) -> Path | None:
    """A shortest path between xs and ys that is open given `given`, or None where they are separated.

    A shortest open walk is a path: a loop at v can be cut out, v staying open
    (as a collider, because a walk that left v by a tail and came back met a
    collider below v, so v is an ancestor of Z). With `through`, the path must meet
    that node as a non-collider, or with `turning` as a collider; None may then also mean that only walks do.
    """
    blocked, opened = graph.mask(given), ancestors(graph, given)
    return open_path_where(graph, xs, ys, blocked, opened, through, turning)


def open_path_where(
    graph: CausalGraph,
    xs: Collection[int],
    ys: Collection[int],
    blocked: bytearray,
    opened: bytearray,
    through: int | None = None,
    turning: bool = False,
    budget: Budget | None = None,
) -> Path | None:
    """`open_path` where no `blocked` node is passed as a non-collider, and only `opened` ones as colliders.

    None too where the budget did not suffice; it is exhausted then.
    """
    parents, children, siblings = graph.parents, graph.children, graph.siblings
    source, target = frozenset(xs), frozenset(ys)
    start = [(v, TAIL, through is None) for v in xs]
    back: dict[tuple[int, int, bool], tuple[tuple[int, int, bool], str] | None] = dict.fromkeys(start)
    queue = list(start)
    for state in queue:
        v, entered, met = state
        if v in target:
            if met:
                return _walk_back(state, back)
            continue
        first = back[state] is None
        if v in source and not first:
            continue
        if budget is not None:
            visits = 1 + len(parents[v]) + len(children[v]) + len(siblings[v])
            if visits > budget.left:
                budget.exhausted = True
                return None
            budget.spend(visits)
        inside = bool(blocked[v]) and not first
        steps: list[tuple[int, int, str]] = []
        if (entered == TAIL and not inside) or (entered == HEAD and opened[v]):
            steps += [(p, TAIL, "<-") for p in parents[v]] + [(s, HEAD, "<->") for s in siblings[v]]
        if not inside:
            steps += [(c, HEAD, "->") for c in children[v]]
        for w, enters, mark in steps:
            passed = met or (v == through and not first and turning == (entered == HEAD and mark != "->"))
            following = (w, enters, passed)
            if following not in back:
                back[following] = (state, mark)
                queue.append(following)
    return None


def _walk_back(
    state: tuple[int, int, bool], back: dict[tuple[int, int, bool], tuple[tuple[int, int, bool], str] | None]
) -> Path | None:
    nodes, marks = [state[0]], []
    while (previous := back[state]) is not None:
        state, mark = previous
        nodes.append(state[0])
        marks.append(mark)
    if len(set(nodes)) < len(nodes):
        return None
    return Path(tuple(reversed(nodes)), tuple(reversed(marks)))
