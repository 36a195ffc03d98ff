"""Sentences about nodes and paths. Every claim is checked on the graph before it is made."""

from __future__ import annotations

from collections.abc import Iterable

from dagreg.graph.ancestry import ENDS, GAP, MAX_SHOWN_NODES, shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path
from dagreg.identify.survey import Survey


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
    return " -> ".join("..." if v == GAP else graph.names[v] for v in nodes)


def shown(graph: CausalGraph, path: Path, v: int) -> str:
    """The path, a long one cut to its ends and what lies about v: `x <- a ... b -> v -> c ... d -> y`."""
    n = len(path.nodes)
    if n <= MAX_SHOWN_NODES + ENDS:
        return path.render(graph)
    at = path.nodes.index(v) if v in path.nodes else 0
    words, left_out = [graph.names[path.nodes[0]]], False
    for i, (mark, w) in enumerate(zip(path.marks, path.nodes[1:], strict=True), 1):
        if i < ENDS or i >= n - ENDS or abs(i - at) < 3:
            words += [mark, graph.names[w]]
            left_out = False
        elif not left_out:
            words.append("...")
            left_out = True
    return " ".join(words)


def forbidden_because(survey: Survey, v: int) -> str:
    """Why a forbidden node may not be adjusted for, naming the causal path."""
    criterion = survey.criterion
    graph, name = criterion.graph, criterion.graph.names[v]
    if not criterion.causal[criterion.y] or not criterion.causal[v] or v == criterion.y:
        return _below(survey, v)
    path = directed(graph, survey.causal_path(v))
    return f"`{name}` lies on the causal path {path}: adjusting for it would take away part of the effect"


def _below(survey: Survey, v: int) -> str:
    """A forbidden node that is no causal node itself: a descendant of one."""
    graph, name = survey.criterion.graph, survey.criterion.graph.names[v]
    path = survey.from_outcome(v)
    if path is not None:
        words = directed(graph, path)
        return f"`{name}` is a consequence of the outcome ({words}): adjusting for it would bias the effect"
    path = survey.from_mediators(v)
    assert path is not None  # v descends from a causal node
    return (
        f"`{name}` is a consequence of `{graph.names[path[0]]}` on a causal path ({directed(graph, path)}): "
        "adjusting for it would take away part of the effect and bias the rest"
    )


def opening(graph: CausalGraph, v: int, path: Path) -> str:
    """What adjusting for v opens: `path` has a collider at v or above it."""
    name, words = graph.names[v], shown(graph, path, v)
    if v in path.colliders:
        return f"`{name}` is a collider on {words}: adjusting for it would open that path"
    above = next(
        (p for c in path.colliders if (p := shortest_directed_path(graph, [c], graph.mask([v]))) is not None),
        None,
    )
    if above is None:
        return f"adjusting for `{name}` would open {words}"
    collider = graph.names[above[0]]
    return (
        f"`{name}` descends from the collider `{collider}` on {words}: adjusting for it would open that path"
    )
