"""The grammar of edges: `a, b -> c <- d`, pairs, mappings; every name with its own place.

statement := names (arrow names)+        arrow := "->" | "<-" | "<->"
names     := name ("," name)*            statements end at ";" or at the end of a line
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise, product
from typing import Any

from dagreg.errors import Diagnostics, Span
from dagreg.spec.shapes import Field, ListOf, Located, Name, Record, valid_name
from dagreg.spec.source import Broken, Mapping, Scalar, Sequence, Tree, describe, shorten
from dagreg.spec.types import Edge

_TOKEN = re.compile(r"(?<![<>=~-])(?:<->|->|<-)(?![<>=~-])|[,;\n]")
_FOREIGN_ARROW = re.compile(
    r"(?<![<>=~-])[<>=~-]*(?:--|=>|~>|<~|->|<-)[<>=~-]*|(?<=\s)(?:<=|[~-])(?=\s)|[\u2190-\u21ff\u27f5-\u27ff\u2900-\u297f]"
)
_COMMENT = re.compile(r"(?:(?<=\s)|^)#[^\n]*", re.MULTILINE)

MAX_EDGES = 100_000
_MAX_BACK_EDGES = 50  # looked at for cycles to report

_STATEMENT_HINT = "an edge is written `a -> b`"
_NAME = Name()
_PAIR: ListOf[Located[str]] = ListOf(_NAME, "a pair `[from, to]`: two names", least=2, most=2, distinct=False)
_BETWEEN: ListOf[Located[str]] = ListOf(_NAME, "a pair of names", least=2, most=2, distinct=False)

FROM = Field("from", _NAME, "the cause")
TO = Field("to", _NAME, "the effect")
BETWEEN = Field("between", _BETWEEN, "two nodes with an unnamed common cause")
EDGE = Record("an edge", (FROM, TO, BETWEEN))

_DIRECTED = {"from": FROM, "to": TO}
EDGES_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "description": "one statement a line, or separated by `;`"},
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "description": "`a, b -> c <- d`, `a <-> b`"},
                    _PAIR.schema(),
                    {
                        "type": "object",
                        "properties": {key: entry.shape.schema() for key, entry in _DIRECTED.items()},
                        "required": list(_DIRECTED),
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "properties": {"between": _BETWEEN.schema()},
                        "required": ["between"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
    ]
}


@dataclass(frozen=True, slots=True)
class Statement:
    """`groups[i] arrows[i] groups[i + 1]`, each group one or more names."""

    groups: tuple[tuple[Located[str], ...], ...]
    arrows: tuple[str, ...]
    span: Span


@dataclass(slots=True)
class Edges:
    """What the `edges:` of a file say: its edges, and every use of a name in them."""

    edges: list[Edge] = field(default_factory=list)
    names: list[Located[str]] = field(default_factory=list)

    def add(self, source: Located[str], target: Located[str], bidirected: bool, span: Span) -> None:
        self.edges.append(Edge(source.value, target.value, bidirected, span))


def read_edges(tree: Tree, declared: Collection[str], mistakes: Diagnostics) -> Edges:
    """The edges of the value of `edges:`, loops, repetitions and cycles reported.

    `declared` are the names of `nodes:`; they are taken as they stand even where they look like an arrow.
    """
    edges = Edges()
    match tree:
        case Sequence():
            for item in tree.items:
                _read_item(item, declared, edges, mistakes)
        case Scalar(value=str()):
            _read_text(tree, declared, edges, mistakes)
        case Broken():
            pass
        case _:
            mistakes.error(
                "DR111", f"expected edges: a list or text, found {describe(tree)}", tree.span, _STATEMENT_HINT
            )
    check_edges(edges, mistakes)
    return edges


def _read_item(item: Tree, declared: Collection[str], edges: Edges, mistakes: Diagnostics) -> None:
    match item:
        case Scalar(value=str()):
            _read_text(item, declared, edges, mistakes)
        case Sequence():
            _read_pair(_PAIR, item, False, edges, mistakes)
        case Mapping():
            _read_mapping(item, edges, mistakes)
        case Broken():
            pass
        case _:
            mistakes.error("DR111", f"expected an edge, found {describe(item)}", item.span, _STATEMENT_HINT)


def _read_pair(
    shape: ListOf[Located[str]], tree: Tree, bidirected: bool, edges: Edges, mistakes: Diagnostics
) -> None:
    if (pair := shape.read(tree, mistakes)) is not None:
        source, target = pair.value
        edges.names += [source, target]
        edges.add(source, target, bidirected, pair.span)


def _read_mapping(item: Mapping, edges: Edges, mistakes: Diagnostics) -> None:
    reading = EDGE.read(item, mistakes)
    if reading is None or set(reading.keys) != {key.text for key, _ in item.entries}:
        return
    match sorted(reading.keys):
        case ["between"]:
            if (pair := reading[BETWEEN]) is not None:
                source, target = pair.value
                edges.names += [source, target]
                edges.add(source, target, True, pair.span)
        case ["from", "to"]:
            source_, target_ = reading[FROM], reading[TO]
            if source_ is not None and target_ is not None:
                edges.names += [source_, target_]
                edges.add(source_, target_, False, item.span)
        case _:
            mistakes.error(
                "DR120", "not an edge", item.span, "write `{from: a, to: b}` or `{between: [a, b]}`"
            )


def _read_text(scalar: Scalar, declared: Collection[str], edges: Edges, mistakes: Diagnostics) -> None:
    for statement in read_statements(scalar, declared, mistakes):
        edges.names += [name for group in statement.groups for name in group]
        for (left, right), arrow in zip(pairwise(statement.groups), statement.arrows, strict=True):
            if len(edges.edges) + len(left) * len(right) > MAX_EDGES:
                mistakes.error("DR107", f"more than {MAX_EDGES} edges", statement.span, "a spec is smaller")
                return
            for a, b in product(left, right):
                span = _cover(a.span, b.span)
                match arrow:
                    case "->":
                        edges.add(a, b, False, span)
                    case "<-":
                        edges.add(b, a, False, span)
                    case _:
                        edges.add(a, b, True, span)


def _cover(first: Span, last: Span) -> Span:
    if first.line != last.line:
        return first
    return Span(first.file, first.line, min(first.column, last.column), max(first.end, last.end))


# ---------------------------------------------------------------- statements


def read_statements(
    scalar: Scalar, declared: Collection[str], mistakes: Diagnostics, hint: str = _STATEMENT_HINT
) -> list[Statement]:
    """Every statement of a text; those that do not parse are reported, with `hint`, and left out."""
    text = scalar.text
    if scalar.style == "|":
        text = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
    statements = []
    start = 0
    for stop in _statement_ends(text):
        if text[start:stop].strip():
            statement = _Reader(scalar, text, declared, mistakes, hint).read(start, stop)
            statements += [statement] if statement else []
        start = stop + 1
    if not text.strip():
        mistakes.error("DR120", "no edges in this text", scalar.span, hint)
    return statements


def _statement_ends(text: str) -> Iterator[int]:
    yield from (match.start() for match in re.finditer(r"[;\n]", text))
    yield len(text)


class _Reader:
    """Reads one statement of `text`."""

    def __init__(
        self, scalar: Scalar, text: str, declared: Collection[str], mistakes: Diagnostics, hint: str
    ) -> None:
        self.scalar, self.text, self.declared, self.mistakes, self.hint = (
            scalar,
            text,
            declared,
            mistakes,
            hint,
        )
        self.start = self.stop = 0
        self.sound = True

    def read(self, start: int, stop: int) -> Statement | None:
        """The statement in the characters `start` to `stop`; None where it is not one, which is reported."""
        self.start, self.stop = start, stop
        groups: list[list[Located[str]]] = [[]]
        arrows: list[str] = []
        before, start = "", self.start
        for match in _TOKEN.finditer(self.text, self.start, self.stop):
            groups[-1] += self._name(start, match.start(), before, match[0])
            if match[0] != ",":
                arrows.append(match[0])
                groups.append([])
            before, start = match[0], match.end()
        groups[-1] += self._name(start, self.stop, before, "")
        if not self.sound:
            return None
        if not arrows:
            self._refuse("DR120", "no arrow in this edge", self.start, self.stop, self._missing_arrow_hint())
            return None
        return Statement(tuple(map(tuple, groups)), tuple(arrows), self._span(self.start, self.stop))

    def _name(self, start: int, stop: int, before: str, after: str) -> list[Located[str]]:
        start, stop = _trim(self.text, start, stop)
        name = self.text[start:stop]
        if not name:
            self._refuse_gap(start, before, after)
        elif self.scalar.lines_of(start, stop) > 1:
            label = "check the next line's indentation; a text of several lines begins with `|`"
            self._refuse("DR120", "a name that runs over the end of its line", start, stop, label)
        elif name not in self.declared and (arrow := _FOREIGN_ARROW.search(f" {name} ")):
            begin = start + arrow.start() - 1
            self._refuse("DR121", f"unknown arrow `{arrow[0]}`", begin, begin + len(arrow[0]), _ARROWS)
        elif not valid_name(name, self._span(start, stop), self.mistakes):
            self.sound = False
        else:
            return [Located(name, self._span(start, stop))]
        return []

    def _refuse_gap(self, at: int, before: str, after: str) -> None:
        neighbour = after or before
        place = self.text.find(after, at) if after else self.text.rfind(before, self.start, self.stop)
        where = "before" if after else "after"
        if not neighbour:
            self._refuse("DR120", "an edge without names", self.start, self.stop, self.hint)
            return
        self._refuse("DR120", f"a name is missing {where} `{neighbour}`", place, place + len(neighbour), "")

    def _missing_arrow_hint(self) -> str:
        before = self.scalar.source.text[max(0, self.scalar.start - 100) : self.scalar.start].rstrip()
        if "," not in self.text[self.start : self.stop] and before.endswith(("[", ",")):
            return "between `[` and `]` a comma ends the edge: put it in quotes, or write one edge a line"
        return self.hint

    def _refuse(self, code: str, message: str, start: int, stop: int, label: str) -> None:
        self.sound = False
        self.mistakes.error(code, message, self._span(start, stop), label)

    def _span(self, start: int, stop: int) -> Span:
        return self.scalar.span_of(*_trim(self.text, start, stop))


_ARROWS = "the arrows are `->`, `<-` and `<->`"


def _trim(text: str, start: int, stop: int) -> tuple[int, int]:
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    return start, stop


# ---------------------------------------------------------------- the graph they make


def check_edges(edges: Edges, mistakes: Diagnostics) -> None:
    """Reports loops, repetitions and cycles; loops and repetitions are taken out of `edges`."""
    _check_loops(edges, mistakes)
    _check_repetitions(edges, mistakes)
    _check_cycles(edges, mistakes)


def _check_loops(edges: Edges, mistakes: Diagnostics) -> None:
    for edge in edges.edges:
        if edge.source == edge.target:
            mistakes.error(
                "DR122", f"`{shorten(edge.source)}` cannot cause itself", edge.span, "an edge joins two nodes"
            )
    edges.edges = [edge for edge in edges.edges if edge.source != edge.target]


def _check_repetitions(edges: Edges, mistakes: Diagnostics) -> None:
    first: dict[tuple[str, str, bool], Edge] = {}
    for edge in edges.edges:
        ends = sorted((edge.source, edge.target)) if edge.bidirected else (edge.source, edge.target)
        earlier = first.setdefault((ends[0], ends[1], edge.bidirected), edge)
        if earlier is not edge and earlier.span is not None:
            arrow = "<->" if edge.bidirected else "->"
            message = f"the edge `{shorten(edge.source)} {arrow} {shorten(edge.target)}` is given twice"
            mistakes.error("DR123", message, edge.span, f"first on line {earlier.span.line}")
    edges.edges = list(first.values())


def _check_cycles(edges: Edges, mistakes: Diagnostics) -> None:
    directed = [edge for edge in edges.edges if not edge.bidirected]
    position = {(edge.source, edge.target): i for i, edge in enumerate(directed)}
    reported: set[int] = set()
    for cycle in islice(_cycles(directed), _MAX_BACK_EDGES):
        closing = max(range(len(cycle)), key=lambda i: position[cycle[i], cycle[(i + 1) % len(cycle)]])
        path = [*cycle[closing + 1 :], *cycle[: closing + 1]]
        steps = {position[step] for step in pairwise([*path, path[0]])}
        if steps & reported:
            continue
        reported |= steps
        shown = [*path, path[0]] if len(path) <= 12 else [*path[:6], "...", *path[-5:], path[0]]
        label = "an effect cannot precede its cause; leave one of these edges out"
        mistakes.error(
            "DR124", f"the edges form a cycle: {' -> '.join(shown)}", directed[max(steps)].span, label
        )


def _cycles(directed: list[Edge]) -> Iterator[list[str]]:
    """A cycle for every back edge of a depth-first search, which is empty exactly where there is no cycle."""
    children: dict[str, list[str]] = {}
    for edge in directed:
        children.setdefault(edge.source, []).append(edge.target)
    done: set[str] = set()
    for root in children:
        if root in done:
            continue
        path, on_path, pending = [root], {root: 0}, [iter(children[root])]
        while pending:
            child = next(pending[-1], None)
            if child is None:
                pending.pop()
                done.add(path[-1])
                del on_path[path.pop()]
            elif child in on_path:
                yield path[on_path[child] :]
            elif child not in done:
                on_path[child] = len(path)
                path.append(child)
                pending.append(iter(children.get(child, ())))
