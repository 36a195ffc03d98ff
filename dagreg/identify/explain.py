"""`identify`: the strategies in their order, and the justification that goes with every answer."""

from __future__ import annotations

from dagreg.errors import DagregError, Diagnostic
from dagreg.graph.ancestry import ancestors
from dagreg.graph.causal import CausalGraph
from dagreg.graph.paths import list_paths
from dagreg.graph.separation import Path
from dagreg.identify.adjustment import optimal_set, total_effect
from dagreg.identify.choice import choose
from dagreg.identify.criterion import Criterion
from dagreg.identify.direct import direct_effect
from dagreg.identify.expression import P, adjustment_formula, render
from dagreg.identify.notes import NodeNotes
from dagreg.identify.types import (
    AdjustmentSets,
    Answer,
    Identified,
    Justification,
    NotIdentified,
    PathNote,
    Query,
)


def identify(graph: CausalGraph, query: Query) -> Answer:
    """Whether the effect asked for is a functional of what is observed, by which strategy, and why.

    Raises `DagregError` where the query does not fit the graph, or where the user's `adjust` is refused.
    """
    xs, y = _nodes(graph, query)
    criterion = direct_effect(graph, xs, y) if query.kind == "direct" else total_effect(graph, xs, y)
    sets, chosen = adjustment_sets(criterion, query)
    above = ancestors(graph, [y])
    causal_path = any(above[x] for x in xs)
    justification = Justification(
        query, causal_path, sets, NodeNotes(criterion, chosen), *path_notes(criterion, chosen)
    )
    if chosen is not None:
        formula = adjustment_formula(query.exposure, query.outcome, graph.named(chosen))
        return Identified(justification, "adjustment", render(formula), formula)
    if is_zero(criterion, query):
        zero = P((query.outcome,))
        return Identified(justification, None, render(zero), zero)
    return NotIdentified(justification, sets.reason, ())


def is_zero(criterion: Criterion, query: Query) -> bool:
    """Whether the graph alone makes the effect zero."""
    if query.kind == "direct":
        return not any(criterion.y in criterion.graph.children[x] for x in criterion.xs)
    return not criterion.causal[criterion.y]


def _nodes(graph: CausalGraph, query: Query) -> tuple[tuple[int, ...], int]:
    problems = [
        Diagnostic("DR205", f"the effect names `{name}`, which is not a node of the graph")
        for name in (*query.exposure, query.outcome)
        if name not in graph.index
    ]
    problems += [
        Diagnostic("DR206", f"`{name}` is unobserved: it can be neither exposure nor outcome")
        for name in (*query.exposure, query.outcome)
        if name in graph.index and not graph.observed[graph.index[name]]
    ]
    if query.outcome in query.exposure:
        problems.append(Diagnostic("DR207", f"`{query.outcome}` is both exposure and outcome"))
    if len(query.exposure) == 0:
        problems.append(Diagnostic("DR207", "the effect has no exposure"))
    if len(problems) > 0:
        raise DagregError(tuple(problems))
    return tuple(dict.fromkeys(graph.index[x] for x in query.exposure)), graph.index[query.outcome]


def adjustment_sets(criterion: Criterion, query: Query) -> tuple[AdjustmentSets, tuple[int, ...] | None]:
    graph = criterion.graph
    minimal, truncated = criterion.minimal()
    optimal = optimal_set(criterion) if query.kind != "direct" else None
    chosen, reason = choose(criterion, optimal, minimal, truncated, query.adjust)
    cost = graph.cost
    ordered = sorted(minimal, key=lambda zs: (sum(cost[z] for z in zs), len(zs), zs))
    sets = AdjustmentSets(
        tuple(graph.named(zs) for zs in ordered),
        truncated,
        None if optimal is None else graph.named(optimal),
        None if chosen is None else graph.named(chosen),
        reason,
    )
    return sets, chosen


def path_notes(criterion: Criterion, chosen: tuple[int, ...] | None) -> tuple[tuple[PathNote, ...], bool]:
    """Every path between exposures and outcome (capped), and its state before and after adjustment."""
    graph, selection = criterion.graph, criterion.selection
    base = (*selection.before, *selection.after)
    given = (*base, *(chosen or ()))
    paths, truncated = list_paths(graph, criterion.xs, (criterion.y,))
    states = ancestors(graph, base), ancestors(graph, given)
    return tuple(_path_note(graph, p, graph.mask(base), graph.mask(given), *states) for p in paths), truncated


def _path_note(
    graph: CausalGraph, path: Path, before: bytearray, after: bytearray, above_before: bytearray, above_after: bytearray
) -> PathNote:
    opened = not any(before[v] for v in path.noncolliders) and all(above_before[c] for c in path.colliders)
    closers = [v for v in path.noncolliders if after[v]]
    shut = [c for c in path.colliders if not above_after[c]]
    if not opened and len(shut) > 0:
        closed_by = shut
    else:
        closed_by = closers if len(closers) > 0 else shut
    return PathNote(
        path.render(graph),
        path.causal,
        opened,
        tuple(graph.names[v] for v in closed_by),
        len(closers) == 0 and len(shut) == 0,
    )
