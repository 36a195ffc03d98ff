"""`identify`: the strategies in their order, and the justification that goes with every answer."""

from __future__ import annotations

from dataclasses import replace

from dagreg.errors import DagregError, Diagnostic
from dagreg.graph.ancestry import ancestors, descendants
from dagreg.graph.causal import CausalGraph
from dagreg.graph.paths import list_paths
from dagreg.graph.separation import Path
from dagreg.identify.adjustment import optimal_set
from dagreg.identify.case import Case
from dagreg.identify.choice import canonical_set, choose, least, preferred
from dagreg.identify.chosen_rows import telling
from dagreg.identify.conditional import conditional_effect
from dagreg.identify.criterion import Criterion
from dagreg.identify.expression import Expression
from dagreg.identify.frontdoor import frontdoor_sets
from dagreg.identify.instrument import Pair, instruments
from dagreg.identify.measure import what_to_measure
from dagreg.identify.mediation import mediation
from dagreg.identify.notes import BOUNDED, NodeNotes
from dagreg.identify.selection import odds_ratio
from dagreg.identify.strategies import STRATEGIES, functional_of
from dagreg.identify.suggest import identified_in, suggestions
from dagreg.identify.treated import on_treated
from dagreg.identify.types import (
    Adjustment,
    AdjustmentAtLevels,
    AdjustmentSets,
    Answer,
    ConditionalInstrument,
    Hedge,
    Identified,
    Instrument,
    Justification,
    NotIdentified,
    PathNote,
    Query,
)
from dagreg.identify.words import quoted, the_set

MAX_SHOWN_PATHS = 20  # open paths named in a refusal


def identify(graph: CausalGraph, query: Query) -> Answer:
    """Whether the effect asked for is a functional of what is observed, by which strategy, and why.

    Raises `DagregError` where the query does not fit the graph (DR205 to DR207), or where the
    user's `adjust` is refused (DR202 to DR204).
    """
    _refuse_misfit(graph, query)
    case = Case.of(graph, query)
    sets, chosen = adjustment_sets(case)
    fronts, fronts_cut = _frontdoor(case)
    case = case.having(chosen, fronts)
    offered, offered_cut = ([], False) if _without_instruments(case) else instruments(case.criterion)
    notes = _cut_notes(fronts_cut, offered_cut)
    justification = replace(
        _justify(case, sets, offered, notes),
        conditional=conditional_effect(case),
        mediation=mediation(graph, case.xs, case.y)
        if query.kind == "mediation" and not case.selected
        else None,
    )
    if isinstance(justification.conditional, AdjustmentAtLevels) and justification.conditional.alone:
        return _at_levels(case, justification, justification.conditional)
    for strategy in STRATEGIES:
        answer = strategy(case, justification)
        if answer is not None:
            return _with_treated(case, answer)
    return _refuse(case, justification)


def _with_treated(case: Case, answer: Identified) -> Identified:
    """The answer with what it says of the treated, where they are asked about."""
    return replace(answer, justification=replace(answer.justification, treated=on_treated(case, answer)))


def _at_levels(case: Case, justification: Justification, levels: AdjustmentAtLevels) -> Identified:
    """The answer where the effect is identified at each level that is asked for, and its average is not."""
    chosen = tuple(sorted(case.graph.index[v] for v in levels.adjusted_for))
    why = f"{the_set(case.graph, chosen)} closes every other path at each of the levels that are asked for."
    sets = replace(justification.adjustment, chosen=case.graph.named(chosen), reason=why)
    justified = _justify(case.having(chosen, case.frontdoor), sets, [], justification.notes)
    whole = replace(justified, conditional=levels)
    return _with_treated(case, Adjustment(whole, levels.estimand, levels.functional, levels.adjusted_for))


def _refuse_misfit(graph: CausalGraph, query: Query) -> None:
    """Raise where the query names nodes that are not there, or that cannot be exposure or outcome."""
    named = (*query.exposure, query.outcome)
    problems = [
        Diagnostic("DR205", f"the effect names `{name}`, which is not a node of the graph", query.span)
        for name in (*named, *query.by)
        if name not in graph.index
    ]
    problems += [
        Diagnostic("DR206", f"`{name}` is unobserved: an effect is of and by what is measured", query.span)
        for name in (*named, *query.by)
        if name in graph.index and not graph.observed[graph.index[name]]
    ]
    if query.outcome in query.exposure:
        problems.append(Diagnostic("DR207", f"`{query.outcome}` is both exposure and outcome", query.span))
    if len(query.exposure) == 0:
        problems.append(Diagnostic("DR207", "the effect has no exposure", query.span))
    if not set(query.by).isdisjoint(named):
        problems.append(
            Diagnostic("DR207", "an effect is not asked for by its own exposure or outcome", query.span)
        )
    if len(problems) > 0:
        raise DagregError(tuple(problems))


def adjustment_sets(case: Case) -> tuple[AdjustmentSets, tuple[int, ...] | None]:
    """Every minimal set, the O-set and the chosen one."""
    graph, criterion = case.graph, case.criterion
    minimal, truncated = criterion.minimal()
    optimal = optimal_set(criterion) if case.query.kind != "direct" else None
    by = sorted(graph.index[w] for w in case.query.by)
    below = descendants(graph, case.xs)
    if any(below[w] for w in by):
        by = []  # what the exposure changes is no stratum of it to adjust within
    chosen, reason = choose(criterion, optimal, minimal, truncated, case.query.adjust, by)
    if chosen is None and case.selected and case.query.kind != "direct":
        reason = _lost_average(criterion) or reason
    sets = AdjustmentSets(
        tuple(graph.named(zs) for zs in preferred(graph, minimal)),
        truncated,
        None if optimal is None else graph.named(optimal),
        None if chosen is None else graph.named(chosen),
        reason,
        *(None if zs is None else graph.named(zs) for zs in least(criterion, minimal, truncated)),
    )
    return sets, chosen


def _lost_average(criterion: Criterion) -> str:
    """That the chosen rows still tell the effect at each level of some variables; "" where they do not."""
    ws = telling(criterion)
    if ws is None or len(ws) == 0:
        return ""
    graph, selection = criterion.graph, criterion.selection
    rows, names = quoted(graph.names[s] for s in (*selection.before, *selection.after)), graph.named(ws)
    return (
        f"The rows were chosen on {rows}. Given {quoted(names)} that choice is independent of the outcome, "
        f"but how {quoted(names)} {'is' if len(ws) == 1 else 'are'} distributed among all rows the chosen "
        "ones do not tell, so the average effect is lost. At each level it is identified: ask `by: "
        f"[{', '.join(names)}]`."
    )


def _frontdoor(case: Case) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """The minimal front-door sets of a total effect that is not zero, the cheapest first."""
    if case.query.kind == "direct" or case.zero:
        return (), False
    sets, cut = frontdoor_sets(case.graph, case.xs, case.y)
    return tuple(preferred(case.graph, sets)), cut


def _without_instruments(case: Case) -> bool:
    """Direct effects have none here; nor do rows chosen on the outcome or on a consequence of the
    exposure.
    """
    selection = case.criterion.selection
    return case.query.kind == "direct" or selection.barring or len(selection.after) > 0


def _cut_notes(fronts_cut: bool, offered_cut: bool) -> tuple[str, ...]:
    fronts = ("The list of front-door sets was cut.",) if fronts_cut else ()
    return (*fronts, *(("The list of instruments was cut.",) if offered_cut else ()))


def _justify(case: Case, sets: AdjustmentSets, offered: list[Pair], notes: tuple[str, ...]) -> Justification:
    graph = case.graph
    above = ancestors(graph, [case.y])
    paths, truncated = path_notes(case.criterion, case.chosen)
    optimal = sets.optimal is not None and sets.chosen == sets.optimal
    nodes = NodeNotes(case.criterion, case.chosen, case.query.kind, optimal, _first_of_each(offered))
    return Justification(
        query=case.query,
        causal_path=any(above[x] for x in case.xs),
        adjustment=sets,
        nodes=nodes,
        paths=paths,
        paths_truncated=truncated,
        frontdoor=tuple(graph.named(ms) for ms in case.frontdoor),
        instruments=tuple(ConditionalInstrument(graph.names[z], graph.named(ws)) for z, ws in offered),
        notes=(*notes, *((BOUNDED,) if nodes.bounded else ())),
    )


def _first_of_each(offered: list[Pair]) -> dict[int, tuple[int, ...]]:
    """Each instrument with the smallest of its conditioning sets."""
    first: dict[int, tuple[int, ...]] = {}
    for z, ws in sorted(offered, key=lambda o: (o[0], len(o[1]), o[1])):
        first.setdefault(z, ws)
    return first


def _refuse(case: Case, justification: Justification) -> Instrument | NotIdentified:
    """No strategy succeeds: the witness, the paths that stay open, what would help; and instruments where
    there are.
    """
    graph = case.graph
    witness = None if case.selected else functional_of(case, graph)
    reason = _reason(case, justification.adjustment.reason, witness)
    open_paths, hedge = _open_paths(case), witness if isinstance(witness, Hedge) else None
    wanted = _measurable(case)
    sets = [] if case.selected else what_to_measure(graph, wanted, lambda g: identified_in(case.query, g))
    measure, survives = tuple(graph.named(us) for us in sets), odds_ratio(case)
    offered = sorted({i.instrument for i in justification.instruments})
    hints = suggestions(case, sets, len(offered) > 0)
    if len(offered) == 0:
        return NotIdentified(justification, reason, open_paths, hedge, measure, hints, survives)
    linear = (
        f"An estimate by {quoted(offered)} as instrument holds if the effect is linear, or the same for all."
    )
    given = min((i.given for i in justification.instruments), key=len)
    used = tuple(i.instrument for i in justification.instruments if i.given == given)
    why = justification.noting(linear)
    return Instrument(why, reason, open_paths, hedge, measure, hints, survives, used, given)


def _reason(case: Case, by_sets: str, witness: Expression | Hedge | None) -> str:
    if case.selected:
        return by_sets
    if isinstance(witness, Hedge):
        outer, inner = (f"`{{{', '.join(nodes)}}}`" for nodes in (witness.outer, witness.inner))
        return (
            f"{by_sets} No other formula gives the effect either: two models can agree on everything "
            f"observed and still differ in the effect. The proof is a hedge: {outer} around {inner}."
        )
    return f"{by_sets} The exposure also acts through unobserved nodes, which cannot be held fixed."


def _measurable(case: Case) -> list[int]:
    """The unobserved nodes that bear on the effect: causes of exposure or outcome."""
    above = ancestors(case.graph, [*case.xs, case.y])
    return [v for v, a in enumerate(above) if a and not case.graph.observed[v]]


def _open_paths(case: Case) -> tuple[str, ...]:
    """Biasing paths that are open given the canonical set, which closes all if any set does."""
    criterion = case.criterion
    given = (*canonical_set(criterion), *criterion.selection.before)
    closed, above = case.graph.mask(given), ancestors(case.graph, given)
    paths, _ = list_paths(criterion.cut, criterion.xs, (criterion.y,))
    shown = [p for p in paths if _is_open(p, closed, above)]
    if len(shown) == 0:  # all of the listed ones are closed: look for one
        path = criterion.biasing_path(canonical_set(criterion))
        shown = [path] if path is not None else []
    return tuple(p.render(case.graph) for p in shown[:MAX_SHOWN_PATHS])


def _is_open(path: Path, given: bytearray, above: bytearray) -> bool:
    return not any(given[v] for v in path.noncolliders) and all(above[c] for c in path.colliders)


def path_notes(criterion: Criterion, chosen: tuple[int, ...] | None) -> tuple[tuple[PathNote, ...], bool]:
    """Every path between exposures and outcome (capped), and its state before and after adjustment."""
    graph, selection = criterion.graph, criterion.selection
    base = (*selection.before, *selection.after)
    given = (*base, *(() if chosen is None else chosen))
    paths, truncated = list_paths(graph, criterion.xs, (criterion.y,))
    before, after = (graph.mask(base), ancestors(graph, base)), (graph.mask(given), ancestors(graph, given))
    return tuple(_path_note(graph, p, before, after) for p in paths), truncated


def _path_note(
    graph: CausalGraph, path: Path, before: tuple[bytearray, bytearray], after: tuple[bytearray, bytearray]
) -> PathNote:
    opened = _is_open(path, *before)
    closers = [v for v in path.noncolliders if after[0][v]]
    shut = [c for c in path.colliders if not after[1][c]]
    closed_by = shut if len(shut) > 0 and (not opened or len(closers) == 0) else closers
    names = tuple(graph.names[v] for v in closed_by)
    return PathNote(path.render(graph), path.causal, opened, names, _is_open(path, *after))
