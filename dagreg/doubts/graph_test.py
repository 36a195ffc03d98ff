"""A graph held against the data by itself: every implied independence, and the graph under other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagreg.binding.table import Table, bind
from dagreg.doubts.explanations import explained
from dagreg.doubts.implications import MAX_TESTS, Probe, names_of, verdicts_on
from dagreg.doubts.relabelled import relabelled
from dagreg.doubts.types import GraphTest
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.graph.implications import list_implications
from dagreg.sources.source import Source
from dagreg.spec.secrets import shareable
from dagreg.spec.types import Spec
from dagreg.study import Claim, Study, study_of


def nodes_tested(spec: Spec, claims: Sequence[Claim]) -> tuple[str, ...]:
    """The nodes whose columns tests of these claims read: those that are named, and groups."""
    groups = (n.name for n in spec.nodes.values() if n.observed and n.type == "group")
    return tuple(dict.fromkeys((*names_of(claims[:MAX_TESTS]), *groups)))


def probe_of(study: Study, table: Table, names: Iterable[str]) -> Probe:
    """The columns of these nodes in the table of a fit, so that a test by itself gives the fit's numbers."""
    return Probe.of(
        study.spec,
        table.source,
        names,
        study.spec.sampling.seed,
        known=table.known,
        sample=table.rows.sample,
        variables=table.complete,
        barred=table.unusable,
    )


def tested_graph(
    spec: Spec, graph: CausalGraph, probe: Probe, origin: str, rows: int, relabellings: int
) -> GraphTest:
    """Every independence that the graph implies, with its test, and at most so many relabelled graphs."""
    implied, cut = list_implications(graph)
    claims = tuple((i.x, i.y, i.given) for i in implied)
    verdicts = verdicts_on(claims, probe)
    seed = spec.sampling.seed
    return GraphTest(
        shareable(spec),
        claims,
        not cut,
        explained(verdicts.tests, graph, probe),
        verdicts.untested,
        relabelled(graph, claims, probe, relabellings, seed),
        origin,
        rows,
        seed,
    )


def graph_against(spec: Spec, source: Source, relabellings: int) -> GraphTest:
    """The graph of a spec against a source; one without an effect is tested too.

    Raises DagregError where the data do not fit the spec.
    """
    observed = tuple(n.name for n in spec.nodes.values() if n.observed)
    if not spec.effects:
        probe = Probe.of(spec, source, observed, spec.sampling.seed)
        return tested_graph(spec, analyse(spec), probe, source.origin, source.rows(), relabellings)
    study = study_of(spec)
    table = bind(study, source, observed)
    probe = probe_of(study, table, observed)
    return tested_graph(spec, study.graph, probe, source.origin, table.info.rows, relabellings)
