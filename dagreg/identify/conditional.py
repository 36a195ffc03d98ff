"""Conditional effects, P(y | do(x), w): the effect at each level of some variables.

Theorem (Shpitser and Pearl 2006, IDC). Every w of W with

    Y _||_ w | X, W without w   in G without the edges into X and out of w

is moved from the conditions to the interventions (rule 2 of the do-calculus); P(y | do(x), w) is then
identified exactly where the joint P(y, w | do(x)) of what remains is, and is that joint divided by its
sum over y.

Among chosen rows by the rule of `chosen_rows`. By adjustment (LaPlante and Perkovic 2024): where no member of
W descends from X and Z with W is a valid adjustment set, P(y | do(x), w) = sum_z P(y | x, z, w) P(z | w).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dagreg.graph.ancestry import descendants
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import separated
from dagreg.identify.adjustment import without_causes
from dagreg.identify.case import Case
from dagreg.identify.choice import holding
from dagreg.identify.chosen_rows import holds_at_levels, level_set
from dagreg.identify.expression import Expression, conditional_formula, summed
from dagreg.identify.functional import id_joint, ratio
from dagreg.identify.strategies import held
from dagreg.identify.types import AdjustmentAtLevels, Conditional, FunctionalAtLevels, Hedge, NotAtLevels
from dagreg.identify.words import quoted


def idc(graph: CausalGraph, xs: Iterable[int], y: int, ws: Iterable[int]) -> Expression | Hedge:
    """P(y | do(xs), ws) as a functional of P(observed), or the hedge that forbids it."""
    doers, given = list(xs), list(ws)
    while True:
        free = next((w for w in given if _exchangeable(graph, doers, y, given, w)), None)
        if free is None:
            break
        given.remove(free)
        doers.append(free)
    joint = id_joint(graph, doers, (y, *given))
    if isinstance(joint, Hedge) or len(given) == 0:
        return joint
    return conditioned(joint, graph.names[y])


def _exchangeable(graph: CausalGraph, xs: Sequence[int], y: int, ws: Collection[int], w: int) -> bool:
    """Rule 2: whether seeing w is as good as setting it."""
    cut = without_causes(graph, xs)
    cut = cut.without((w, c) for c in cut.children[w])
    return separated(cut, (y,), (w,), (*xs, *(v for v in ws if v != w)))


def conditioned(joint: Expression, y: str) -> Expression:
    """The joint over its sum over y."""
    return ratio(joint, summed([y], joint))


def conditional_effect(case: Case) -> Conditional | None:
    """The answer at each level of the variables that the question is asked by; None where it names none."""
    graph, query = case.graph, case.query
    if len(query.by) == 0:
        return None
    ws = tuple(sorted(graph.index[w] for w in query.by))
    by = graph.named(ws)
    zs = conditional_set(case, ws)
    if zs is not None:
        formula = conditional_formula(query.exposure, query.outcome, graph.named(zs), by)
        means = (
            f"by adjusting for {quoted(graph.named(zs))} within it"
            if len(zs) > 0
            else "without further adjustment"
        )
        reason = f"At each level of {quoted(by)} the effect is identified {means}."
        alone = case.selected and case.chosen is None
        if alone:
            reason += (
                " Only the average over these levels is not: how many of all rows are at each, the chosen "
                "rows do not tell."
            )
        return AdjustmentAtLevels(by, reason, graph.named(zs), formula, alone)
    if case.selected:
        reason = (
            f"The rows were selected, and no valid set holds {quoted(by)}; no further strategy is tried then."
        )
        return NotAtLevels(by, reason)
    results = [idc(graph, doers, case.y, [w for w in ws if w not in doers]) for doers in held(case)]
    result = next((r for r in results if not isinstance(r, Hedge)), results[0])
    if not isinstance(result, Hedge):
        reason = f"At each level of {quoted(by)} the effect is identified by the ID algorithm (IDC)."
        return FunctionalAtLevels(by, reason, result)
    reason = (
        f"At the levels of {quoted(by)} the effect is not identified: {quoted(result.outer)} and within them "
        f"{quoted(result.inner)} are tied by unobserved causes that conditioning on {quoted(by)} does not "
        "sever."
    )
    return NotAtLevels(by, reason)


def conditional_set(case: Case, ws: tuple[int, ...]) -> tuple[int, ...] | None:
    """Z such that Z with W is valid and sum_z P(y | x, z, w) P(z | w) is the effect at w; the chosen set
    first.
    """
    below = descendants(case.graph, case.xs)
    if case.query.kind != "direct" and any(below[w] for w in ws):
        return None
    if case.selected and case.query.kind != "direct" and not case.zero:
        return _among_chosen(case, ws, below)
    chosen = case.chosen
    if chosen is None or not case.criterion.valid(tuple({*chosen, *ws})) or _moved(case, chosen, below):
        chosen = holding(case.criterion, None, ws)
    if chosen is None or _moved(case, chosen, below):
        return None
    return tuple(v for v in chosen if v not in ws)


def _among_chosen(case: Case, ws: tuple[int, ...], below: bytearray) -> tuple[int, ...] | None:
    """The same among chosen rows: the set of the average where it serves at each level, too, else any that
    does.
    """
    zs = tuple(v for v in case.chosen or () if v not in ws)
    barred = any(below[v] or not case.criterion.allowed[v] for v in (*zs, *ws))
    if case.chosen is not None and not barred and holds_at_levels(case.criterion, zs, ws):
        return zs
    return level_set(case.criterion, ws)


def _moved(case: Case, nodes: Iterable[int], below: bytearray) -> bool:
    """Whether the exposure changes a member: P(z | do(x), w) would then not be P(z | w)."""
    return case.query.kind != "direct" and any(below[v] for v in nodes)
