"""`CausalGraph`: the DAG with its `<->` edges, as integers and adjacency tuples.

Nodes are numbered in the order of their declaration. Every answer computed from a
graph follows that order, so no answer depends on the order of a hash table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dagreg.errors import DagregError, Diagnostic
from dagreg.lazy import Lazy
from dagreg.spec.brief import Brief
from dagreg.spec.types import Spec

if TYPE_CHECKING:
    import networkx
else:
    networkx = Lazy("networkx")

Adjacency = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CausalGraph(Brief):
    """An acyclic directed mixed graph, immutable.

    `siblings` are the ends of `<->` edges: an unobserved common cause of exactly
    the two. `selected` nodes are those on which the rows were chosen. Only a projection has `hubs`: for
    districts alone, the members of unobserved common causes of three nodes or more.
    """

    names: tuple[str, ...]
    parents: Adjacency
    children: Adjacency
    siblings: Adjacency
    observed: tuple[bool, ...]
    selected: tuple[bool, ...]
    cost: tuple[float, ...]
    index: Mapping[str, int]
    hubs: Adjacency = ()
    hubs_of: Adjacency = ()  # the hubs of each node, by number; () where there are no hubs

    @classmethod
    def of(
        cls,
        nodes: Iterable[str],
        directed: Iterable[tuple[str, str]],
        bidirected: Iterable[tuple[str, str]] = (),
        unobserved: Iterable[str] = (),
        selected: Iterable[str] = (),
        cost: Mapping[str, float] | None = None,
    ) -> CausalGraph:
        """A graph from names and pairs of names. Raises `DagregError` (DR201) on a cycle."""
        names = tuple(nodes)
        index = {name: i for i, name in enumerate(names)}
        hidden, chosen, price = set(unobserved), set(selected), cost or {}
        graph = build(
            names,
            [(index[a], index[b]) for a, b in directed],
            [(index[a], index[b]) for a, b in bidirected],
            tuple(name not in hidden for name in names),
            tuple(name in chosen for name in names),
            tuple(price.get(name, 1.0) for name in names),
        )
        refuse_cycle(graph)
        return graph

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Nodes and edge ends: the unit of linear time."""
        return len(self.names) + sum(map(len, self.parents)) + sum(map(len, self.siblings))

    def named(self, nodes: Iterable[int]) -> tuple[str, ...]:
        """The names of nodes, sorted."""
        return tuple(sorted(self.names[v] for v in nodes))

    def mask(self, nodes: Iterable[int]) -> bytearray:
        """One byte a node, 1 for those given."""
        marks = bytearray(len(self.names))
        for v in nodes:
            marks[v] = 1
        return marks

    def adjacent(self, a: int, b: int) -> bool:
        return b in self.parents[a] or b in self.children[a] or b in self.siblings[a]

    def without(self, edges: Iterable[tuple[int, int]]) -> CausalGraph:
        """The graph with these directed edges deleted."""
        gone: dict[int, set[int]] = {}
        for a, b in edges:
            gone.setdefault(a, set()).add(b)
        heads: dict[int, set[int]] = {}
        children, parents = list(self.children), list(self.parents)
        for a, targets in gone.items():
            children[a] = tuple(c for c in children[a] if c not in targets)
            for b in targets:
                heads.setdefault(b, set()).add(a)
        for b, tails in heads.items():
            parents[b] = tuple(p for p in parents[b] if p not in tails)
        return replace(self, parents=tuple(parents), children=tuple(children))

    def adding(self, tail: int, head: int) -> CausalGraph:
        """The graph with one directed edge more; the caller sees to it that it makes no cycle."""
        children, parents = list(self.children), list(self.parents)
        children[tail] = _ordered([*children[tail], head])
        parents[head] = _ordered([*parents[head], tail])
        return replace(self, parents=tuple(parents), children=tuple(children))

    def joining(self, a: int, b: int) -> CausalGraph:
        """The graph with one `<->` edge more."""
        siblings = list(self.siblings)
        siblings[a], siblings[b] = _ordered([*siblings[a], b]), _ordered([*siblings[b], a])
        return replace(self, siblings=tuple(siblings))

    def parting(self, a: int, b: int) -> CausalGraph:
        """The graph without the `<->` edge between these two."""
        siblings = list(self.siblings)
        siblings[a] = tuple(s for s in siblings[a] if s != b)
        siblings[b] = tuple(s for s in siblings[b] if s != a)
        return replace(self, siblings=tuple(siblings))

    def restricted(self, keep: Sequence[int] | bytearray | bytes) -> CausalGraph:
        """The subgraph induced on the nodes marked in `keep`, renumbered in the same order."""
        kept = [v for v in range(len(self.names)) if keep[v]]
        new = {v: i for i, v in enumerate(kept)}
        return build(
            tuple(self.names[v] for v in kept),
            [(new[v], new[c]) for v in kept for c in self.children[v] if c in new],
            [(new[v], new[s]) for v in kept for s in self.siblings[v] if s in new and v < s],
            tuple(self.observed[v] for v in kept),
            tuple(self.selected[v] for v in kept),
            tuple(self.cost[v] for v in kept),
        )

    def observing(self, nodes: Iterable[int]) -> CausalGraph:
        """The graph as it would be, had these unobserved nodes been measured."""
        seen = list(self.observed)
        for v in nodes:
            seen[v] = True
        return replace(self, observed=tuple(seen))


def build(
    names: tuple[str, ...],
    directed: Iterable[tuple[int, int]],
    bidirected: Iterable[tuple[int, int]],
    observed: tuple[bool, ...],
    selected: tuple[bool, ...],
    cost: tuple[float, ...],
) -> CausalGraph:
    """The graph from numbered edges; repeated edges count once."""
    n = len(names)
    parents: list[list[int]] = [[] for _ in range(n)]
    children: list[list[int]] = [[] for _ in range(n)]
    siblings: list[list[int]] = [[] for _ in range(n)]
    for a, b in directed:
        children[a].append(b)
        parents[b].append(a)
    for a, b in bidirected:
        siblings[a].append(b)
        siblings[b].append(a)
    return CausalGraph(
        names,
        tuple(map(_ordered, parents)),
        tuple(map(_ordered, children)),
        tuple(map(_ordered, siblings)),
        observed,
        selected,
        cost,
        {name: i for i, name in enumerate(names)},
    )


def _ordered(nodes: list[int]) -> tuple[int, ...]:
    return tuple(nodes) if len(nodes) < 2 else tuple(sorted(set(nodes)))


def analyse(spec: Spec) -> CausalGraph:
    """The causal graph of a spec. Raises `DagregError` (DR201) on a cycle."""
    index = {name: i for i, name in enumerate(spec.nodes)}
    nodes = tuple(spec.nodes.values())
    graph = build(
        tuple(spec.nodes),
        [(index[e.source], index[e.target]) for e in spec.edges if not e.bidirected],
        [(index[e.source], index[e.target]) for e in spec.edges if e.bidirected],
        tuple(node.observed for node in nodes),
        tuple(node.selected for node in nodes),
        tuple(node.cost for node in nodes),
    )
    refuse_cycle(graph, spec)
    return graph


def refuse_cycle(graph: CausalGraph, spec: Spec | None = None) -> None:
    """Raise DR201, naming one cycle, where the directed edges are not acyclic."""
    cycle = find_cycle(graph)
    if cycle is None:
        return
    names = [graph.names[v] for v in cycle]
    ends = (names[0], names[1])
    edges = spec.edges if spec is not None else ()
    span = next((e.span for e in edges if not e.bidirected and (e.source, e.target) == ends), None)
    message = f"the edges form a cycle: {' -> '.join(names)}"
    raise DagregError((Diagnostic("DR201", message, span, notes=("a causal graph has no directed cycles",)),))


def find_cycle(graph: CausalGraph) -> list[int] | None:
    """A directed cycle as [a, b, ..., a], or None. Kahn's algorithm, then a walk among what is left."""
    waiting = [len(p) for p in graph.parents]
    ready = [v for v, k in enumerate(waiting) if k == 0]
    for v in ready:
        for c in graph.children[v]:
            waiting[c] -= 1
            if waiting[c] == 0:
                ready.append(c)
    if len(ready) == len(graph):
        return None
    v = next(v for v, k in enumerate(waiting) if k > 0)
    at: dict[int, int] = {}
    walk: list[int] = []
    while v not in at:  # every node left over has a parent left over
        at[v] = len(walk)
        walk.append(v)
        v = next(p for p in graph.parents[v] if waiting[p] > 0)
    return [v, *reversed(walk[at[v] :])]


def to_networkx(graph: CausalGraph) -> networkx.DiGraph[Any]:
    """A networkx DAG; each `a <-> b` becomes an unobserved node `U(a, b)`."""
    out: networkx.DiGraph[Any] = networkx.DiGraph()
    for v, name in enumerate(graph.names):
        out.add_node(name, observed=graph.observed[v])
    for v, name in enumerate(graph.names):
        out.add_edges_from((name, graph.names[c]) for c in graph.children[v])
        for s in graph.siblings[v]:
            if v < s:
                hidden = f"U({name}, {graph.names[s]})"
                out.add_node(hidden, observed=False)
                out.add_edges_from([(hidden, name), (hidden, graph.names[s])])
    return out
