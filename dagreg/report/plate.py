"""The plate diagram as a picture: DOT in PyMC's notation in, SVG out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from dagreg.lazy import Lazy
from dagreg.report.draw import CannotDraw, quiet
from dagreg.report.drawing import Drawing, element
from dagreg.report.prose import visible

if TYPE_CHECKING:
    import pygraphviz
else:
    pygraphviz = Lazy("pygraphviz")

MAX_NODES = 120
_GRAPH = {"rankdir": "LR", "nodesep": "0.14", "ranksep": "0.45", "pad": "0.06", "bgcolor": "transparent"}
_NODE = {"fontname": "Helvetica,Arial,sans-serif", "fontsize": "11", "height": "0.3", "margin": "0.1,0.03"}
_CLUSTER = {
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "11",
    "labeljust": "r",
    "labelloc": "b",
    "margin": "9",
}
_EDGE = {"arrowsize": "0.6", "color": "#6e7781"}
_FILL = "#dfe3e8"


def plate(source: str, title: str) -> Drawing:
    """The diagram in currentColor. Raises CannotDraw where it is too large or Graphviz gives up."""
    return _polished(plate_file(source, "svg").decode(), title)


def plate_file(source: str, format: Literal["svg", "png", "pdf"]) -> bytes:
    """The diagram as Graphviz draws it, as a file of this format. Raises CannotDraw as `plate` does."""
    try:
        with quiet():
            graph = _styled(pygraphviz.AGraph(string=source))
            if format != "svg":
                graph.graph_attr["bgcolor"] = "white"
            return cast(bytes, graph.draw(prog="dot", format=format))
    except CannotDraw:
        raise
    except Exception as error:  # Graphviz raises whatever it likes, and a picture is not worth a report
        raise CannotDraw(f"Graphviz could not lay it out: {visible(str(error))}") from error


def plate_picture(source: str, format: str, title: str) -> bytes:
    """The diagram as a whole file: SVG in the reader's colours, PNG or PDF on white, or DOT.

    Raises CannotDraw as `plate` does, and for other formats.
    """
    match format:
        case "svg":
            return element(plate(source, title), "plate", alone=True).encode()
        case "png" | "pdf":
            return plate_file(source, format)
        case "dot":
            return source.encode()
    raise CannotDraw(f"a plate diagram cannot be written as {format}")


def canonical(source: str) -> tuple[dict[str, tuple[str, str, str]], set[tuple[str, str]]]:
    """What a diagram says, apart from order and looks: name -> (distribution, shape, plate's label), and
    arrows.
    """
    graph = pygraphviz.AGraph(string=source)
    plates = {str(node): str(part.graph_attr["label"]) for part in graph.subgraphs() for node in part.nodes()}
    nodes = {
        str(n): (
            str(n.attr["label"]).replace("\\n", "\n").split("\n")[-1],
            str(n.attr["shape"]),
            plates.get(str(n), ""),
        )
        for n in graph.nodes()
    }
    return nodes, {(str(a), str(b)) for a, b in graph.edges()}


def _styled(given: Any) -> Any:
    """The diagram in order of names, which PyMC's hashes leave open, and in the report's looks."""
    if given.number_of_nodes() > MAX_NODES:
        raise CannotDraw(f"the model has {given.number_of_nodes():,} variables, too many for a picture")
    graph = pygraphviz.AGraph(directed=True)
    graph.graph_attr.update(_GRAPH)
    graph.node_attr.update(_NODE)
    graph.edge_attr.update(_EDGE)
    for node in sorted(given.nodes()):
        attributes = {key: node.attr[key] for key in ("shape", "style")}
        graph.add_node(node, label=_label(node.attr["label"]), fillcolor=_FILL, **attributes)
    for plate in sorted(given.subgraphs(), key=lambda p: str(p.graph_attr["label"])):
        label = str(plate.graph_attr["label"])
        graph.add_subgraph(sorted(plate.nodes()), f"cluster{label}", label=label, style="rounded", **_CLUSTER)
    for a, b in sorted(given.edges()):
        graph.add_edge(a, b)
    return graph


def _label(text: str) -> str:
    """`name ~ distribution` on two lines in place of PyMC's three; of data the name alone."""
    name, _, distribution = str(text).replace("\\n", "\n").partition("\n~\n")
    return f"{name}\\n~ {distribution}"


def _polished(drawing: str, title: str) -> Drawing:
    """What is within Graphviz's file, its blacks and greys in the page's colour."""
    width, height = (float(n) for n in re.findall(r' (?:width|height)="([\d.]+)pt"', drawing)[:2])
    text = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    text = re.sub(r"<!--.*?-->\s*|<title>[^<]*</title>\n?", "", text, flags=re.DOTALL)
    text = re.sub(r' id="\w+"| xml:space="preserve"', "", text)
    text = re.sub(r'(stroke|fill)="(?:black|#6e7781)"', r'\1="currentColor"', text)
    text = text.replace(f'fill="{_FILL}"', 'fill="currentColor" fill-opacity="0.1"')
    return Drawing(width, height, text.strip(), title, "plot plate")
