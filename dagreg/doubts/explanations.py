"""What would explain the independences that the data reject: edges that are absent from the graph.

For each rejected independence the absent edges (an arrow either way, or a common cause) whose presence would
take it from what the graph implies. Of these the ones that take away most of the rejected independences,
then fewest of those that the data let stand: one missing edge often shows in several tests. Where several are
left, the data decide: the graph with the edge implies other independences of the rejected pairs, and those
edges are kept of which the data reject fewest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from dagreg.doubts.types import ImplicationTest
from dagreg.graph.ancestry import descendants, topological_order
from dagreg.graph.causal import CausalGraph, build
from dagreg.graph.implications import list_implications
from dagreg.graph.separation import separated

if TYPE_CHECKING:
    from dagreg.doubts.implications import Probe

MAX_WORK = 3_000_000  # nodes and edge ends visited; beyond, only edges between the two of each test
MAX_SHOWN = 3
MAX_PROBED = 12  # edges whose graphs are held against the data
CLEAR = 0.01  # p value below which the data speak against an edge's graph


@dataclass(frozen=True, slots=True)
class AbsentEdge:
    """An arrow from a to b, or a common cause of both."""

    a: int
    b: int
    common: bool

    def words(self, graph: CausalGraph) -> str:
        return f"{graph.names[self.a]} {'<->' if self.common else '->'} {graph.names[self.b]}"

    def added_to(self, graph: CausalGraph) -> CausalGraph:
        arrows = [(v, c) for v in range(len(graph)) for c in graph.children[v]]
        pairs = [(v, s) for v in range(len(graph)) for s in graph.siblings[v] if v < s]
        (pairs if self.common else arrows).append((self.a, self.b))
        return build(graph.names, arrows, pairs, graph.observed, graph.selected, graph.cost)


def explained(
    tests: Sequence[ImplicationTest], graph: CausalGraph, probe: Probe | None = None
) -> tuple[ImplicationTest, ...]:
    """The same tests, the rejected ones with the edges that would explain them; `probe` asks the data."""
    rejected = [t for t in tests if t.rejected]
    if not rejected:
        return tuple(tests)
    place = {v: i for i, v in enumerate(topological_order(graph))}
    own = list(dict.fromkeys(_pair(t, graph, place) for t in rejected))
    nodes = sorted({graph.index[n] for t in rejected for n in (t.x, t.y, *t.given)}, key=place.__getitem__)
    others = [p for p in combinations(nodes, 2) if p not in own and not graph.adjacent(*p)]
    if 3 * (len(own) + len(others)) * (len(tests) + 1) * graph.size > MAX_WORK:
        return tuple(replace(t, explained_by=_own_words(t, graph, place)) if t.rejected else t for t in tests)
    taken = {edge: _taken(edge.added_to(graph), tests) for edge in _edges([*own, *others], graph)}
    standing = frozenset(i for i, t in enumerate(tests) if not t.rejected)

    def merit(edge: AbsentEdge) -> tuple[int, int]:
        return len(taken[edge] - standing), -len(taken[edge] & standing)

    against: dict[AbsentEdge, int] = {}
    shown = []
    for i, test in enumerate(tests):
        able = [e for e in taken if i in taken[e]] if test.rejected else []
        best = max(map(merit, able), default=(0, 0))
        ends = _pair(test, graph, place)
        first = sorted((e for e in able if merit(e) == best), key=lambda e: {e.a, e.b} != set(ends))
        if probe is not None and len(first) > 1:
            for edge in first[:MAX_PROBED]:
                against.setdefault(edge, _against(edge.added_to(graph), rejected, probe))
            fewest = min(against[e] for e in first[:MAX_PROBED])
            first = [e for e in first[:MAX_PROBED] if against[e] == fewest]
        shown.append(replace(test, explained_by=tuple(e.words(graph) for e in first[:MAX_SHOWN])))
    return tuple(shown)


def _against(graph: CausalGraph, rejected: Sequence[ImplicationTest], probe: Probe) -> int:
    """How many independences of the rejected pairs this graph implies, and the data speak against."""
    pairs = {frozenset((t.x, t.y)) for t in rejected}
    claims = [(i.x, i.y, i.given) for i in list_implications(graph)[0] if frozenset((i.x, i.y)) in pairs]
    held = (n for n, selected in zip(graph.names, graph.selected, strict=True) if selected)
    known = {*probe.columns, *probe.absent, *held}
    answers = [probe.asked(c) for c in claims if known.issuperset((c[0], c[1], *c[2]))]
    return sum(not isinstance(found, str) and found.p < CLEAR for found in answers)


def edge_of(words: str, graph: CausalGraph) -> AbsentEdge:
    """The edge that `AbsentEdge.words` wrote."""
    a, b = (words.split(mark) for mark in (" <-> ", " -> "))
    ends = a if len(a) == 2 else b
    return AbsentEdge(graph.index[ends[0]], graph.index[ends[1]], len(a) == 2)


def _pair(test: ImplicationTest, graph: CausalGraph, place: dict[int, int]) -> tuple[int, int]:
    a, b = sorted((graph.index[test.x], graph.index[test.y]), key=place.__getitem__)
    return a, b


def _own_words(test: ImplicationTest, graph: CausalGraph, place: dict[int, int]) -> tuple[str, ...]:
    a, b = _pair(test, graph, place)
    return tuple(AbsentEdge(a, b, common).words(graph) for common in (False, True))


def _edges(pairs: Sequence[tuple[int, int]], graph: CausalGraph) -> Iterator[AbsentEdge]:
    """Every edge that may be added between the two of each pair, which stand in causal order."""
    for a, b in pairs:
        yield AbsentEdge(a, b, False)
        yield AbsentEdge(a, b, True)
        if not _leads(graph, a, b):
            yield AbsentEdge(b, a, False)


def _leads(graph: CausalGraph, a: int, b: int) -> bool:
    """Whether b is a descendant of a."""
    return bool(descendants(graph, (a,))[b])


def _taken(graph: CausalGraph, tests: Sequence[ImplicationTest]) -> frozenset[int]:
    """The tests whose independence this graph does not imply."""
    return frozenset(
        i
        for i, t in enumerate(tests)
        if not separated(graph, (graph.index[t.x],), (graph.index[t.y],), [graph.index[g] for g in t.given])
    )
