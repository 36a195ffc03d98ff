"""What a spec says before it meets data: its graph, and every effect with its answer."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from dagreg.errors import DagregError, Diagnostic, Doubt
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.graph.implications import Implication, list_implications
from dagreg.graph.junctions import Junction, list_junctions
from dagreg.identify.chain import Chain, NoChain, chain_of
from dagreg.identify.explain import identify
from dagreg.identify.rests_on import rests_on
from dagreg.identify.types import NO_FOOTING, Answer, Footing, Identified, Query
from dagreg.spec.brief import Brief, cut
from dagreg.spec.types import Effect, Spec

Claim = tuple[str, str, tuple[str, ...]]  # x and y are independent given these


@dataclass(frozen=True, slots=True, repr=False)
class StudiedEffect(Brief):
    """One effect that the spec asks for with its answer, the chain of regressions that the graph allows, and
    what the answer rests on.
    """

    effect: Effect
    answer: Answer
    chain: Chain | NoChain
    footing: Footing = NO_FOOTING


@dataclass(frozen=True, slots=True, repr=False)
class Study:
    """The graph, every effect in the spec's order, and what the graph implies.

    `implications_complete` is False where their list was cut, None where there is no list.
    """

    spec: Spec
    graph: CausalGraph = field(compare=False)  # the spec makes it
    effects: tuple[StudiedEffect, ...]
    junctions: tuple[Junction, ...] = ()
    implications: tuple[Claim, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    implications_complete: bool | None = None
    junctions_truncated: bool = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Whether each effect is identified, how, and why."""
        return tuple(studied.answer for studied in self.effects)

    def __repr__(self) -> str:
        lines = []
        for answer in self.answers:
            query = answer.justification.query
            verdict = answer.strategy or (
                "zero by the graph" if isinstance(answer, Identified) else "not identified"
            )
            lines.append(f"{query.kind} {', '.join(query.exposure)} -> {query.outcome}: {verdict}")
        return cut(f"<{type(self).__name__} of {self.spec.name!r}: {'; '.join(lines)}>")


def study_of(spec: Spec) -> Study:
    """Analyses the graph once, and answers every effect. Needs no data.

    Raises DagregError on a cycle (DR201), for a spec without an effect (DR208), and where an effect does not
    fit the graph (DR202 to DR207).
    """
    if not spec.effects:
        raise DagregError((Diagnostic("DR208", f"{spec.name} asks for no effect: add `effect: x -> y`"),))
    graph = analyse(spec)
    junctions, more_junctions = list_junctions(graph)
    implied, more_implied = list_implications(graph)
    whole = None if more_implied else implied
    effects = tuple(_studied(graph, effect, whole) for effect in spec.effects)
    return Study(
        spec,
        graph,
        effects,
        junctions,
        tuple((i.x, i.y, i.given) for i in implied),
        implications_complete=not more_implied,
        junctions_truncated=more_junctions,
    )


def _studied(graph: CausalGraph, effect: Effect, implied: Sequence[Implication] | None) -> StudiedEffect:
    query = Query(
        effect.exposure, effect.outcome, effect.kind, effect.adjust, effect.by, effect.span, effect.among
    )
    answer = identify(graph, query)
    return StudiedEffect(effect, answer, chain_of(graph, query), rests_on(graph, answer, implied))


def absent_data(spec: Spec) -> tuple[Doubt, ...]:
    """The warning that the spec's data file is not there, for commands that need none."""
    if spec.data is None or spec.data.is_connection:
        return ()
    path = os.path.join(os.path.dirname(spec.path) if spec.path else "", spec.data.source)
    if os.path.exists(path) or glob.glob(path, recursive=True):
        return ()
    return (
        Doubt(
            "DR301", f"There is no data file `{spec.data.source}`, so types that are not declared stay open."
        ),
    )
