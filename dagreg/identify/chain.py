"""The chain of regressions: where the graph lets every variable on the causal paths be regressed on its
parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dagreg.graph.ancestry import ancestors, district_of, topological_order
from dagreg.graph.causal import CausalGraph
from dagreg.graph.projection import hub_projection
from dagreg.graph.separation import separated
from dagreg.identify.criterion import causal_nodes
from dagreg.identify.types import Query
from dagreg.spec.brief import Brief


@dataclass(frozen=True, slots=True, repr=False)
class Chain(Brief):
    """The regressions: each response with its parents, in topological order, the outcome last."""

    parents: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, repr=False)
class NoChain(Brief):
    """Why the chain does not give this effect."""

    reason: str


def chain_of(graph: CausalGraph, query: Query) -> Chain | NoChain:
    """The truncated factorisation over the causal paths (Pearl 2009, section 1.3; Tian and Pearl 2002).

    P(y | do(x)) is the product of P(v | parents of v) over the nodes v on causal paths, averaged over
    all else, where each such v shares no unobserved cause with an ancestor of the outcome: it is a
    district of its own in the latent projection on the outcome's ancestors.
    """
    projected = hub_projection(graph)
    xs, y = [projected.index[x] for x in query.exposure], projected.index[query.outcome]
    if query.kind == "direct":
        if y not in projected.children[xs[0]]:
            return NoChain(f"no arrow leads from {query.exposure[0]} to {query.outcome} past the other nodes")
        links = [y]
    else:
        causal = causal_nodes(projected, xs, y)
        links = [v for v in topological_order(projected) if causal[v]]
        if not links:
            return NoChain(
                "no causal path leads from exposure to outcome, so the chain says zero by construction"
            )
    above = ancestors(projected, [y])
    for v in links:
        others = [u for u in district_of(projected, v, above) if u != v]
        if others:
            name, other = projected.names[v], projected.names[others[0]]
            return NoChain(
                f"{name} and {other} share an unobserved cause, so regressing {name} on its parents is biased"
            )
    links = [v for v in links if v != y] + [y]
    spoilt = _spoilt(graph, projected, links)
    if spoilt != "":
        return NoChain(spoilt)
    return Chain({projected.names[v]: tuple(projected.names[p] for p in projected.parents[v]) for v in links})


def _spoilt(graph: CausalGraph, projected: CausalGraph, links: Iterable[int]) -> str:
    """The regression that the choice of the rows biases: P(v | parents, chosen) is not P(v | parents); "" for
    none.
    """
    rows = [v for v, s in enumerate(graph.selected) if s]
    for v in links if len(rows) > 0 else ():
        name, given = projected.names[v], [graph.index[projected.names[p]] for p in projected.parents[v]]
        others = [s for s in rows if s not in given]
        if graph.index[name] in others or not separated(graph, (graph.index[name],), others, given):
            chosen = ", ".join(graph.names[s] for s in others)
            return f"the rows were chosen on {chosen}, so regressing {name} on its parents is biased"
    return ""
