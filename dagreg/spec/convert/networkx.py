"""networkx graphs: nodes with `observed`, `exposure`, `outcome`, ...; edges with `bidirected`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagreg.errors import either
from dagreg.lazy import Lazy
from dagreg.spec.convert.draft import Draft
from dagreg.spec.convert.losses import roles
from dagreg.spec.convert.marks import read_marks, truth, unknown
from dagreg.spec.source import shorten
from dagreg.spec.types import Spec

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = Lazy("networkx")


def from_networkx(graph: nx.Graph, *, name: str = "graph") -> Spec:
    """The spec of a `DiGraph` or `MultiDiGraph`. Nodes are called by their `str`.

    A node with `observed=False` (or `latent=True`) is unobserved, an edge with `bidirected=True` is `<->`.
    Raises SpecError: DR172 for a graph without directions, and whatever is wrong with a spec's graph.
    """
    draft = Draft()
    fill(draft, graph)
    return draft.finish(name).spec


def fill(draft: Draft, graph: nx.Graph) -> None:
    """Adds the graph to the draft."""
    if not graph.is_directed():
        draft.refuse("DR172", "the edges of this graph have no direction", None, "a DAG is a directed graph")
    names = _names(draft, graph)
    for node, attributes in graph.nodes(data=True):
        draft.node(names[node])
        read_marks(draft, names[node], attributes)
        for key in unknown(attributes):
            draft.ignore(str(key))
    for source, target, attributes in graph.edges(data=True):
        draft.edge(names[source], names[target], _bidirected(draft, attributes))


def _names(draft: Draft, graph: nx.Graph) -> dict[Any, str]:
    names = {node: str(node) for node in graph}
    if len(set(names.values())) < len(names):
        draft.refuse(
            "DR115", "two nodes of this graph have the same name as text", None, "name the nodes apart"
        )
    return names


def _bidirected(draft: Draft, attributes: dict[str, Any]) -> bool:
    for key in attributes:
        if key != "bidirected":
            draft.ignore(str(key))
    said = truth(attributes.get("bidirected", False))
    if said is None:
        message = f"`bidirected` of an edge is `{shorten(str(attributes['bidirected']))}`"
        draft.mistakes.error("DR176", message, None, f"expected {either(('true', 'false'))}")
    return bool(said)


def to_networkx(spec: Spec, *, explicit_latents: bool = False) -> nx.DiGraph:
    """The graph of a spec, in the attributes that `from_networkx` reads.

    A `DiGraph` holds one edge from a to b, and `a -> b` may stand beside `a <-> b`: then the `<->` is stored
    from b to a, where a DAG has none. With `explicit_latents` every `<->` is a node with `observed=False` and
    two arrows instead, which algorithms for DAGs understand.
    """
    graph = nx.DiGraph(name=spec.name)
    for name, marks in roles(spec).items():
        label = spec.nodes[name].label
        shown = {mark: True for mark in marks if mark != "unobserved"}
        graph.add_node(
            name, observed=spec.nodes[name].observed, **shown, **({"label": label} if label else {})
        )
    graph.add_edges_from((edge.source, edge.target) for edge in spec.edges if not edge.bidirected)
    for edge in spec.edges:
        if edge.bidirected and explicit_latents:
            latent = _free_name(graph, f"U({edge.source}, {edge.target})")
            graph.add_node(latent, observed=False)
            graph.add_edges_from([(latent, edge.source), (latent, edge.target)])
        elif edge.bidirected:
            turned = graph.has_edge(edge.source, edge.target)
            ends = (edge.target, edge.source) if turned else (edge.source, edge.target)
            graph.add_edge(*ends, bidirected=True)
    return graph


def _free_name(graph: nx.DiGraph, name: str) -> str:
    while name in graph:
        name = f"{name}'"
    return name
