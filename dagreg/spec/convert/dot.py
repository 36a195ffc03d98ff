"""Graphviz's DOT, read by Graphviz itself.

Attributes of nodes say what is unobserved, exposure and outcome.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from dagreg.errors import Span
from dagreg.lazy import Lazy
from dagreg.spec.convert.draft import Draft, Read, Written
from dagreg.spec.convert.losses import Holds, check_names, losses, roles
from dagreg.spec.convert.marks import ROLES, SPELLED_OUT, read_marks
from dagreg.spec.source import SpecText, shorten
from dagreg.spec.types import Edge, Spec

if TYPE_CHECKING:
    import pygraphviz
else:
    pygraphviz = Lazy("pygraphviz")

_SAID = re.compile(r"syntax error in line (\d+)(?: near '(.*)')?")
_SPLIT = re.compile(r"badly delimited number '([^']*)' in line (\d+)")
_MARKS = ("observed", "label", *SPELLED_OUT)
_BIDIRECTED = "dir=both, style=dashed"
_DIRECTIONS = ("forward", "back", "both", "none")
_LEX = re.compile(r'/\*.*?\*/|//[^\n]*|^\#[^\n]*|"(?:\\.|[^"\\])*"|->|[{}<>]|\S', re.DOTALL | re.MULTILINE)
_OWN_LABEL = r"\N"  # Graphviz: the node's name


def read(text: str, name: str, file: str) -> Read:
    """The graph of DOT text.

    `a -> b` is an arrow, turned round by `dir=back`; `dir=both`, or a dashed line without arrowheads, is `a
    <-> b`. Raises SpecError: DR171 where Graphviz cannot read the text, DR172 where edges have no direction.
    """
    draft, source = Draft(text), SpecText(file, text)
    graph = _parsed(draft, source)
    _refuse_passed_over(draft, source)
    if not graph.is_directed():
        draft.refuse(
            "DR172", "a `graph` is not a DAG: its edges have no direction", None, "a DAG is a `digraph`"
        )
    for node in graph.nodes():
        _read_node(draft, str(node), node.attr)
    for edge in graph.edges():
        _read_edge(draft, str(edge[0]), str(edge[1]), edge.attr)
    return draft.finish(name)


def _parsed(draft: Draft, source: SpecText) -> Any:
    with _complaints() as said:
        try:
            graph = pygraphviz.AGraph(string=source.text)
            graph.nodes()
        except Exception as problem:  # it raises what it likes: on an empty name, on a foreign charset
            said.seek(0)
            complaint = said.read().decode("utf-8", "replace")
            draft.refuse("DR171", f"not DOT: {_sentence(complaint, problem)}", _place(complaint, source))
        said.seek(0)
        _refuse_split(draft, source, said.read().decode("utf-8", "replace"))
    return graph


def _refuse_split(draft: Draft, source: SpecText, complaint: str) -> None:
    """Raises SpecError (DR171) where Graphviz only warns: of `1a` it makes the nodes `1` and `a`."""
    match = _SPLIT.search(complaint)
    if match is not None:
        line = min(int(match[2]), source.text.count("\n") + 1)
        column = max(source.text.split("\n")[line - 1].find(match[1]), 0) + 1
        span = Span(source.file, line, column, column + len(match[1]))
        label = "put a name that begins with a digit in quotes"
        draft.refuse("DR171", f"not DOT: cannot tell whether `{shorten(match[1])}` is one name", span, label)


def _refuse_passed_over(draft: Draft, source: SpecText) -> None:
    """Raises SpecError (DR171) where Graphviz passes over text: behind the first graph, and at a `#` within a
    line.
    """
    depth, html, ended = 0, 0, False
    for match in _LEX.finditer(source.text):
        sign = match[0]
        at_start = match.start() == 0 or source.text[match.start() - 1] == "\n"
        if not html and (sign.startswith(("/*", "//")) or (sign.startswith("#") and at_start)):
            continue
        if ended and sign != ";":
            span = source.span(match.start(), match.end())
            draft.refuse(
                "DR171", "not DOT: more text after the end of the graph", span, "a file holds one graph"
            )
        if sign == "#" and html == 0:
            span = source.span(match.start(), match.end())
            draft.refuse(
                "DR171",
                "not DOT: a `#` within a line",
                span,
                "comments are `//`; a name with it needs quotes",
            )
        html = max(html + {"<": 1, ">": -1}.get(sign, 0), 0)
        if html == 0:
            depth += {"{": 1, "}": -1}.get(sign, 0)
            ended = sign == "}" and depth == 0


@contextmanager
def _complaints() -> Iterator[IO[bytes]]:
    """A file with what Graphviz writes to the process's stderr meanwhile: only there does it say what is
    wrong.
    """
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _sentence(complaint: str, problem: Exception) -> str:
    match = _SAID.search(complaint)
    if match is None:
        return shorten(str(problem), 200) or "unreadable"
    return f"a mistake near `{shorten(match[2])}`" if match[2] else "the text ends too early"


def _place(complaint: str, source: SpecText) -> Span | None:
    match = _SAID.search(complaint)
    if match is None:
        return None
    lines = source.text.split("\n")
    line = min(int(match[1]), len(lines))
    column = max(lines[line - 1].find(match[2] or ""), 0) + 1
    return Span(source.file, line, column, column + len(match[2] or " "))


def _read_node(draft: Draft, name: str, attributes: Any) -> None:
    draft.node(name)
    given = {key: attributes[key] for key in _MARKS if attributes[key]}
    if given.get("label") == _OWN_LABEL:
        del given["label"]
    read_marks(draft, name, given)
    for word in (attributes["class"] or "").split():  # as `dagreg draw` writes it
        if word in SPELLED_OUT:
            draft.mark(ROLES[word], name)


def _read_edge(draft: Draft, source: str, target: str, attributes: Any) -> None:
    direction, dashed = attributes["dir"] or "forward", "dashed" in (attributes["style"] or "")
    for end in ("headport", "tailport"):
        if attributes[end]:
            draft.ignore(f"{attributes[end]} (a port; a name with a colon needs quotes)")
    head = direction in ("forward", "both") and attributes["arrowhead"] != "none"
    tail = direction in ("back", "both") and attributes["arrowtail"] != "none"
    match head, tail:
        case True, False:
            draft.edge(source, target)
        case False, True:
            draft.edge(target, source)
        case True, True:
            draft.edge(source, target, bidirected=True)
        case _ if dashed and direction in _DIRECTIONS:
            draft.edge(source, target, bidirected=True)
        case _ if direction in _DIRECTIONS:
            message = f"the edge from `{shorten(source)}` to `{shorten(target)}` has no arrowhead"
            draft.mistakes.error(
                "DR172", message, None, "an arrow is `dir=forward`, a common cause `dir=both`"
            )
        case _:
            message = f"the edge from `{shorten(source)}` to `{shorten(target)}` has `dir={direction}`"
            draft.mistakes.error(
                "DR172", message, None, "an arrow is `dir=forward`, a common cause `dir=both`"
            )


def write(spec: Spec) -> Written:
    """DOT text that Graphviz reads.

    Raises SpecError (DR173) for names that DOT cannot hold.
    """
    rule = "no string of DOT has an odd number of backslashes before a quote or at its end"
    check_names(spec, "DOT", _fits, rule)
    marks = roles(spec)
    nodes = [f"  {_string(name)}{_brackets(marks[name], node.label)};" for name, node in spec.nodes.items()]
    edges = [f"  {_edge(edge)};" for edge in spec.edges]
    return Written(
        "\n".join(["digraph {", *nodes, *edges, "}"]) + "\n", losses(spec, Holds("DOT", label=_holds))
    )


def _edge(edge: Edge) -> str:
    return f"{_string(edge.source)} -> {_string(edge.target)}{f' [{_BIDIRECTED}]' if edge.bidirected else ''}"


def _fits(name: str) -> bool:
    return re.search(r'(?<!\\)(\\\\)*\\("|$)', name) is None and not name.startswith("%")


def _holds(label: str) -> bool:
    """Whether a label is this text for Graphviz too: its escapes and entities would be something else."""
    return not re.search(r"[\\&\n]", label)


def _string(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _brackets(marks: tuple[str, ...], label: str | None) -> str:
    words = ["observed=false" if mark == "unobserved" else f"{mark}=true" for mark in marks]
    if label is not None and _holds(label):
        words.append(f"label={_string(label)}")
    return f" [{', '.join(words)}]" if words else ""
