"""The graph as a picture: DOT source, drawings made of it, and text for dagitty."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Literal, cast

from dagreg.errors import DagregError, Diagnostic
from dagreg.identify.types import Answer
from dagreg.lazy import Lazy
from dagreg.report.looks import (
    ARROW,
    CAUSAL,
    INK,
    MAX_EDGES,
    MAX_NODES,
    STYLES,
    Look,
    causal_edges,
    looks,
    names,
    night_css,
)
from dagreg.report.prose import visible
from dagreg.spec.types import Edge, Spec

if TYPE_CHECKING:
    import graphviz
    import pygraphviz
else:
    graphviz, pygraphviz = Lazy("graphviz"), Lazy("pygraphviz")

MAX_KEPT = 8  # drawings

PictureFormat = Literal["svg", "png", "pdf", "dot", "dagitty"]


class CannotDraw(DagregError):
    """The graph cannot be drawn (DR551); the message says why. Reports go on without the picture."""

    def __init__(self, message: str) -> None:
        note = "`dagreg draw -o graph.dot` writes the source for another program"
        super().__init__((Diagnostic("DR551", message, notes=(note,)),))


_GRAPH = {"rankdir": "LR", "nodesep": "0.35", "ranksep": "0.5", "margin": "0.06"}
_NODE = {
    "shape": "ellipse",
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "13",
    "fontcolor": INK,
    "height": "0.4",
    "margin": "0.14,0.06",
}
_EDGE = {"color": ARROW, "arrowsize": "0.75"}
_CAUSAL = {"color": CAUSAL, "penwidth": "2.4", "class": "causal"}
_BIDIRECTED = {"dir": "both", "style": "dashed", "constraint": "false", "class": "bidirected"}


def draw(spec: Spec, answer: Answer | None, format: PictureFormat) -> bytes:
    """The graph of `spec`, coloured for the question of `answer`, as a file of this format.

    Raises CannotDraw where the graph is too large or Graphviz gives up.
    """
    match format:
        case "dot":
            return dot_source(spec, answer).encode()
        case "dagitty":
            return dagitty_source(spec, answer).encode()
        case "svg":
            return svg(spec, answer).encode()
        case "png" | "pdf":
            return _layout(spec, answer, format)


def svg(spec: Spec, answer: Answer | None, identity: str = "dag") -> str:
    """The drawing as an SVG element; its ids begin with `identity`, so that a page can hold several."""
    return _polished(_layout(spec, answer, "svg").decode(), spec, answer, identity)


def edge_text(edge: Edge) -> str:
    return f"{edge.source} {'<->' if edge.bidirected else '->'} {edge.target}"


# DOT


def dot_source(spec: Spec, answer: Answer | None) -> str:
    """DOT source in which plain names are their own ids, so that other tools read it well."""
    return str(_dot(spec, answer, _readable_ids(names(spec))).source)


def _readable_ids(nodes: tuple[str, ...]) -> dict[str, str]:
    """Ids that need no escaping: the name itself where it is plain, else a made-up one."""
    taken = set(nodes)
    ids = {}
    for i, name in enumerate(nodes):
        plain = re.fullmatch(r"[^\W\d]\w*( \w+)*", name) is not None
        ids[name] = name if plain else next(c for c in _made_up(i) if c not in taken)
        taken.add(ids[name])
    return ids


def _made_up(i: int) -> Iterable[str]:
    candidate = f"n{i}"
    while True:
        yield candidate
        candidate = "_" + candidate


def _plain_ids(nodes: tuple[str, ...]) -> dict[str, str]:
    return {name: f"n{i}" for i, name in enumerate(nodes)}


def _dot(
    spec: Spec, answer: Answer | None, ids: Mapping[str, str], background: str = "transparent"
) -> graphviz.Digraph:
    graph = graphviz.Digraph(graph_attr={**_GRAPH, "bgcolor": background}, node_attr=_NODE, edge_attr=_EDGE)
    for name, look in looks(spec, answer).items():
        graph.node(ids[name], label=_label(name), **STYLES[look].attributes, **{"class": look})
    causal = causal_edges(spec, answer)
    for edge in spec.edges:
        on_path = not edge.bidirected and (edge.source, edge.target) in causal
        attributes = _BIDIRECTED if edge.bidirected else _CAUSAL if on_path else {}
        graph.edge(ids[edge.source], ids[edge.target], **attributes)
    return graph


def _label(name: str) -> str:
    """A label that Graphviz shows letter by letter: no HTML, no entities, no escapes."""
    return cast(str, graphviz.escape(visible(name).replace("&", "&amp;")))


def dagitty_source(spec: Spec, answer: Answer | None) -> str:
    """Text for dagitty.net and the R package dagitty."""
    words: dict[Look, str] = {
        "exposure": " [exposure]",
        "outcome": " [outcome]",
        "adjusted": " [adjusted]",
        "unobserved": " [latent]",
    }
    nodes = [f"{_dagitty_name(name)}{words.get(look, '')}" for name, look in looks(spec, answer).items()]
    edges = [
        f"{_dagitty_name(e.source)} {'<->' if e.bidirected else '->'} {_dagitty_name(e.target)}"
        for e in spec.edges
    ]
    return "\n".join(["dag {", *nodes, *edges, "}"]) + "\n"


def _dagitty_name(name: str) -> str:
    if re.fullmatch(r"[^\W\d]\w*", name):
        return name
    inside = visible(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


# SVG


def _layout(spec: Spec, answer: Answer | None, format: Literal["svg", "png", "pdf"]) -> bytes:
    nodes = names(spec)
    if len(nodes) > MAX_NODES or len(spec.edges) > MAX_EDGES:
        raise CannotDraw(
            f"the graph has {len(nodes):,} nodes and {len(spec.edges):,} edges, too many for a picture"
        )
    background = "transparent" if format == "svg" else "white"
    return _drawn(str(_dot(spec, answer, _plain_ids(nodes), background).source), format)


@lru_cache(maxsize=MAX_KEPT)
def _drawn(source: str, format: Literal["svg", "png", "pdf"]) -> bytes:
    """Graphviz's file. A report and the picture beside it show the same graph, which is laid out once."""
    try:
        with quiet():
            return cast(bytes, pygraphviz.AGraph(string=source).draw(prog="dot", format=format))
    except Exception as error:  # Graphviz raises whatever it likes, and a picture is not worth a report
        raise CannotDraw(f"Graphviz could not lay it out: {visible(str(error))}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without what C libraries write to stderr: Fontconfig complains of the system's own configuration."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _polished(drawing: str, spec: Spec, answer: Answer | None, identity: str) -> str:
    """Graphviz's file as an element: names for tooltips, ids of its own, a title for screen readers."""
    kinds = looks(spec, answer)
    titles = {f"n{i}": f"{visible(n)}: {STYLES[kinds[n]].name.lower()}" for i, n in enumerate(kinds)}
    text = drawing[drawing.index("<svg") :]
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<title>(n\d+)</title>", lambda m: f"<title>{escape(titles[m[1]])}</title>", text)
    text = re.sub(r"<title>(n\d+)&#45;&gt;(n\d+)</title>\n?", "", text)
    text = re.sub(r"<title>%3</title>\n?", "", text)
    text = re.sub(r' id="(\w+)"', rf' id="{identity}-\1"', text)
    text = re.sub(r' (width|height)="([\d.]+)pt"', r' \1="\2"', text, count=2)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    head = f'<svg class="dag" role="img" aria-labelledby="{identity}-title"'
    title = f'<title id="{identity}-title">{escape(picture_title(spec, answer))}</title>'
    text = text.replace("<svg", head, 1)
    return text.replace(">", f">\n{title}\n<style>{night_css()}</style>", 1).strip() + "\n"


def picture_title(spec: Spec, answer: Answer | None) -> str:
    if answer is None:
        return f"The causal graph of {visible(spec.name)}"
    query = answer.justification.query
    return visible(f"The causal graph, with exposure {', '.join(query.exposure)} and outcome {query.outcome}")
