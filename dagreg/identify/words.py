"""Sentences about nodes and paths. Every claim is checked on the graph before it is made."""

from __future__ import annotations

from collections.abc import Iterable

from dagreg.graph.ancestry import shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path
from dagreg.identify.criterion import Criterion


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def quoted(names: Iterable[str]) -> str:
    return listed(f"`{name}`" for name in names)


def the_set(graph: CausalGraph, nodes: Iterable[int], start: bool = True) -> str:
    """`{w, z}`, or `the empty set`, at the start of a sentence or within it."""
    names = graph.named(nodes)
    if len(names) == 0:
        return "The empty set" if start else "the empty set"
    return f"`{{{', '.join(names)}}}`"


def is_common_cause(path: Path, v: int) -> bool:
    """Whether both legs of the path lead away from v: x <- ... <- v -> ... -> y."""
    at = path.nodes.index(v)
    return set(path.marks[:at]) == {"<-"} and set(path.marks[at:]) == {"->"}


def directed(graph: CausalGraph, nodes: Iterable[int]) -> str:
    return " -> ".join(graph.names[v] for v in nodes)


def forbidden_because(criterion: Criterion, v: int) -> str:
    """Why a forbidden node may not be adjusted for, naming the causal path."""
    graph, name = criterion.graph, criterion.graph.names[v]
    if not criterion.causal[criterion.y] or not criterion.causal[v] or v == criterion.y:
        return _below(criterion, v)
    path = causal_path_through(criterion, v)
    return (
        f"`{name}` lies on the causal path {directed(graph, path)}: adjusting for it would take away part of the effect"
    )


def causal_path_through(criterion: Criterion, v: int) -> list[int]:
    """A proper causal path through a causal node."""
    graph, exposures = criterion.graph, criterion.graph.mask(criterion.xs)
    first = shortest_directed_path(graph, criterion.xs, graph.mask([v]), exposures)
    second = shortest_directed_path(graph, [v], graph.mask([criterion.y]), exposures)
    assert first is not None  # v is a causal node
    assert second is not None
    return [*first, *second[1:]]


def _below(criterion: Criterion, v: int) -> str:
    """A forbidden node that is no causal node itself: a descendant of one."""
    graph, name = criterion.graph, criterion.graph.names[v]
    y = criterion.y
    path = shortest_directed_path(graph, [y], graph.mask([v]))
    if path is not None:
        shown = directed(graph, path)
        return f"`{name}` is a consequence of the outcome ({shown}): adjusting for it would bias the effect"
    mediators = [c for c, m in enumerate(criterion.causal) if m and c != y]
    path = shortest_directed_path(graph, mediators, graph.mask([v]))
    assert path is not None  # v descends from a causal node
    return (
        f"`{name}` is a consequence of `{graph.names[path[0]]}` on a causal path ({directed(graph, path)}): "
        "adjusting for it would take away part of the effect and bias the rest"
    )


def opening(graph: CausalGraph, v: int, path: Path) -> str:
    """What adjusting for v opens: `path` has a collider at v or above it."""
    name, shown = graph.names[v], path.render(graph)
    if v in path.colliders:
        return f"`{name}` is a collider on {shown}: adjusting for it would open that path"
    above = next(
        (p for c in path.colliders if (p := shortest_directed_path(graph, [c], graph.mask([v]))) is not None), None
    )
    if above is None:
        return f"adjusting for `{name}` would open {shown}"
    collider = graph.names[above[0]]
    return f"`{name}` descends from the collider `{collider}` on {shown}: adjusting for it would open that path"
