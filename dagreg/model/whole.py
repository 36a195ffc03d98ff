"""The whole graph as regressions: every node on its parents, unobserved causes among them.

Fitting needs the regressions of one answer; simulating data needs all. An unobserved node, and the common
cause that `a <-> b` stands for, become a standard normal variable that is left out of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dagreg.graph.ancestry import topological_order
from dagreg.graph.causal import analyse
from dagreg.model.context import Context, PlannedRegression
from dagreg.model.equation import Equation
from dagreg.model.estimators import Estimator
from dagreg.model.regression import equation_of
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.symbols import Namer
from dagreg.model.terms import Purpose
from dagreg.model.variables import resolve
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Edge, Node, Spec

GROUPS = 20  # of a group node whose levels are not known
_LATENT = ColumnSummary("number", 0, 1_000_000, (), mean=0.0, sd=1.0, minimum=-6.0, maximum=6.0)


@dataclass(frozen=True, slots=True)
class Whole:
    """Variables in topological order, the regression of each that has parents, and those that are
    unobserved.
    """

    variables: Mapping[str, Variable]
    equations: Mapping[str, Equation]
    latent: frozenset[str]


def whole(spec: Spec, summary: DataSummary | None) -> Whole:
    """The regressions of the whole graph.

    Raises DataError where nodes and columns do not fit, DagregError (DR4xx) where a node with parents has no
    family, or the levels of a node are not known.
    """
    opened = _opened(spec, known=summary is not None)
    latent = frozenset(opened.nodes.keys() - {name for name, node in spec.nodes.items() if node.observed})
    graph = analyse(opened)
    order = [graph.names[v] for v in topological_order(graph)]
    if summary is not None:
        summary = replace(summary, columns={**summary.columns, **dict.fromkeys(latent, _LATENT)})
    namer = Namer()
    resolved = resolve(opened, order, summary)
    variables = {name: replace(v, symbol=namer.identifier(name)) for name, v in resolved.items()}
    equations = {}
    for v, name in enumerate(graph.names):
        parents = tuple(graph.names[p] for p in graph.parents[v])
        if parents:
            equations[name] = _equation(opened, name, parents, variables, summary, namer)
    return Whole(variables, {name: equations[name] for name in order if name in equations}, latent)


def _equation(
    spec: Spec,
    response: str,
    parents: tuple[str, ...],
    variables: Mapping[str, Variable],
    summary: DataSummary | None,
    namer: Namer,
) -> Equation:
    why: tuple[Purpose, str] = ("parent", f"a parent of {response}")
    context = Context(spec=spec, variables=variables, summary=summary)
    return equation_of(
        context, PlannedRegression(response, parents, dict.fromkeys(parents, why)), Estimator.CHAIN, namer
    )


def _opened(spec: Spec, *, known: bool) -> Spec:
    """The spec with every unobserved cause as an observed node, and without data with levels for
    its groups.
    """
    nodes: dict[str, Node] = {}
    grouping = {group for regression in spec.regressions.values() for group in regression.varying}
    for name, node in spec.nodes.items():
        if not node.observed:
            node = replace(node, observed=True, type="continuous")
        grouped = node.type == "group" or (node.type is None and name in grouping)
        if grouped and not known and node.levels is None:
            node = replace(node, type="group", levels=tuple(range(1, GROUPS + 1)))
        nodes[name] = node
    edges: list[Edge] = []
    for edge in spec.edges:
        if not edge.bidirected:
            edges.append(edge)
            continue
        cause = f"{edge.source} <-> {edge.target}"
        nodes[cause] = Node(cause, type="continuous")
        edges += [Edge(cause, edge.source, span=edge.span), Edge(cause, edge.target, span=edge.span)]
    return replace(spec, nodes=nodes, edges=tuple(edges))
