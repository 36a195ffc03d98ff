"""A graph while it is being read from another program's text: nodes, edges and roles, each with its place.

Every reader fills a `Draft`; `finish` checks it by the rules of a spec and makes the `Spec`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Literal, NoReturn

from dagreg.errors import Diagnostic, Diagnostics, Span, SpecError
from dagreg.spec.edges import MAX_EDGES, Edges, check_edges
from dagreg.spec.shapes import has_controls, valid_name
from dagreg.spec.source import shorten
from dagreg.spec.types import Adjust, Edge, Effect, Node, Spec

MarkedRole = Literal["exposure", "outcome", "adjusted", "unobserved", "selected"]


@dataclass(frozen=True, slots=True)
class Read:
    """A spec made from another program's text, and warnings about what of the text it leaves out."""

    spec: Spec
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A spec as text for another program, and warnings about what of the spec that text leaves out."""

    text: str
    notes: tuple[Diagnostic, ...] = ()


class Draft:
    """Collects a graph. Mistakes are kept until `finish`; `refuse` is for those that end the reading."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.mistakes = Diagnostics()
        self.notes: list[Diagnostic] = []
        self._nodes: dict[str, Span | None] = {}
        self._edges: dict[tuple[str, str, bool], Edge] = {}
        self._labels: dict[str, str] = {}
        self._positions: dict[str, tuple[float, float]] = {}
        self._roles: dict[MarkedRole, dict[str, Span | None]] = {}
        self._ignored: dict[str, Span | None] = {}
        self._drawn = 0

    def node(self, name: str, span: Span | None = None) -> None:
        """A node, once or again; its first place is kept."""
        if name not in self._nodes:
            self._nodes[name] = span
            valid_name(name, span, self.mistakes)

    def edge(self, source: str, target: str, bidirected: bool = False, span: Span | None = None) -> None:
        """An edge and its nodes. An edge that stands in the text twice is one edge."""
        self.node(source, span)
        self.node(target, span)
        first, last = sorted((source, target)) if bidirected else (source, target)
        self._edges.setdefault((first, last, bidirected), Edge(source, target, bidirected, span))
        self._drawn += 1
        self._check_size(0, span)

    def edges(
        self, sources: Iterable[str], targets: Iterable[str], bidirected: bool, span: Span | None
    ) -> None:
        """Every edge from one of `sources` to one of `targets`."""
        left, right = tuple(sources), tuple(targets)
        self._check_size(len(left) * len(right), span)
        for source, target in product(left, right):
            self.edge(source, target, bidirected, span)

    def _check_size(self, more: int, span: Span | None) -> None:
        if self._drawn + more > MAX_EDGES:
            self.refuse("DR107", f"more than {MAX_EDGES} edges", span, "a spec is smaller")

    def mark(self, role: MarkedRole, name: str, span: Span | None = None) -> None:
        self._roles.setdefault(role, {}).setdefault(name, span)

    def label(self, name: str, label: str) -> None:
        """How reports call the node; a label that says nothing, or that no spec can hold, is left out."""
        if label.strip() and label != name and not has_controls(label, allowed="\t\n"):
            self._labels[name] = label

    def position(self, name: str, at: tuple[float, float]) -> None:
        """Where a drawing has the node."""
        self._positions[name] = at

    def ignore(self, what: str, span: Span | None = None) -> None:
        """Something that is no part of a causal graph; `finish` makes one note of them all."""
        self._ignored.setdefault(what, span)

    def note(self, message: str, span: Span | None = None, label: str = "") -> None:
        self.notes.append(Diagnostic("DR174", message, span, label, severity="warning"))

    def refuse(self, code: str, message: str, span: Span | None, label: str = "") -> NoReturn:
        """Raises SpecError with this mistake and those found before it."""
        self.mistakes.error(code, message, span, label)
        raise SpecError(self.mistakes.by_place(), self.text)

    def finish(self, name: str) -> Read:
        """The spec, with a note of what was ignored.

        Raises SpecError where the graph is not a DAG, has no nodes, or its effect cannot be asked.
        """
        edges = Edges(edges=list(self._edges.values()))
        check_edges(edges, self.mistakes)
        if not self._nodes and not len(self.mistakes):
            self.mistakes.error("DR114", "a graph without nodes", None)
        effects = self._effects()
        if len(self.mistakes):
            raise SpecError(self.mistakes.by_place(), self.text)
        nodes = {node: self._node(node, span) for node, span in self._nodes.items()}
        if self._ignored:
            listed = ", ".join(f"`{shorten(what)}`" for what in self._ignored)
            self.note(f"no place in a spec for {listed}: left out", next(iter(self._ignored.values())))
        return Read(
            Spec(name, nodes, tuple(edges.edges), effects, declared=True, text=self.text), tuple(self.notes)
        )

    def _node(self, name: str, span: Span | None) -> Node:
        observed = name not in self._names("unobserved")
        selected, at = name in self._names("selected"), self._positions.get(name)
        return Node(name, observed, label=self._labels.get(name), selected=selected, position=at, span=span)

    def _names(self, role: MarkedRole) -> dict[str, Span | None]:
        return self._roles.get(role, {})

    def _effects(self) -> tuple[Effect, ...]:
        """One effect for each outcome, of all exposures jointly; the set must hold what is marked as
        adjusted.
        """
        exposures, outcomes, adjusted = (
            self._names("exposure"),
            self._names("outcome"),
            self._names("adjusted"),
        )
        if not exposures or not outcomes:
            self._note_half_an_effect()
            return ()
        self._check_ends()
        adjust = Adjust(include=tuple(adjusted)) if adjusted else None
        return tuple(
            Effect(tuple(exposures), outcome, adjust=adjust, span=span) for outcome, span in outcomes.items()
        )

    def _note_half_an_effect(self) -> None:
        for role in ("exposure", "outcome", "adjusted"):
            for name, span in self._names(role).items():
                self.note(
                    f"`{shorten(name)}` is marked as {role}, but no effect has both its ends: left out", span
                )

    def _check_ends(self) -> None:
        for role in ("exposure", "outcome", "adjusted"):
            for name, span in self._names(role).items():
                if name in self._names("unobserved"):
                    self.mistakes.error(
                        "DR141", f"`{shorten(name)}` is unobserved and cannot be marked as {role}", span
                    )
        for name, span in self._names("exposure").items():
            if name in self._names("outcome"):
                self.mistakes.error("DR142", f"`{shorten(name)}` is both exposure and outcome", span)
        for name, span in self._names("adjusted").items():
            if name in self._names("exposure") or name in self._names("outcome"):
                self.mistakes.error(
                    "DR143", f"`{shorten(name)}` is an end of the effect and cannot be adjusted for", span
                )
