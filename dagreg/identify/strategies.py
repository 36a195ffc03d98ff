"""The strategies in the order in which they are tried.

Each is a function from a `Case` and the justification so far to its answer, or None where it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dagreg.graph.ancestry import shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.identify.case import Case
from dagreg.identify.expression import (
    Expression,
    P,
    adjustment_formula,
    free_variables,
    frontdoor_formula,
    render,
)
from dagreg.identify.functional import id_algorithm
from dagreg.identify.types import (
    Adjustment,
    AdjustmentAtLevels,
    FrontDoor,
    Functional,
    Hedge,
    Identified,
    Justification,
    ZeroByGraph,
)
from dagreg.identify.words import directed, quoted


def by_adjustment(case: Case, why: Justification) -> Adjustment | None:
    """A regression on the exposure and a valid set."""
    if case.chosen is None:
        return None
    formula = adjustment_formula(case.query.exposure, case.query.outcome, case.graph.named(case.chosen))
    notes = (f"{why_zero(case)}; the adjusted estimate is a test of the graph.",) if case.zero else ()
    adjusted_for = case.graph.named(case.chosen)
    if isinstance(why.conditional, AdjustmentAtLevels):
        adjusted_for = why.conditional.adjusted_for
    return Adjustment(why.noting(*notes), render(formula), formula, adjusted_for)


def by_graph(case: Case, why: Justification) -> ZeroByGraph | None:
    """No directed path (or, for a direct effect, no edge): the effect is zero, and no data are needed."""
    if not case.zero:
        return None
    formula = P((case.query.outcome,))
    return ZeroByGraph(
        why.noting(f"{why_zero(case)}; no set of observed nodes tests it."), render(formula), formula
    )


def why_zero(case: Case) -> str:
    """`No directed path leads from x to y: the effect is zero by the graph`, and the path back where there is
    one.
    """
    graph, outcome = case.graph, f"`{case.query.outcome}`"
    path = "edge" if case.query.kind == "direct" else "directed path"
    back = shortest_directed_path(graph, [case.y], graph.mask(case.xs))
    reverse = "" if back is None else f" ({outcome} is a cause of the exposure: {directed(graph, back)})"
    return (
        f"No {path} leads from {quoted(case.query.exposure)} to {outcome}{reverse}: the effect is zero by "
        "the graph"
    )


def by_frontdoor(case: Case, why: Justification) -> FrontDoor | None:
    """The mediators of the cheapest front-door set."""
    if len(case.frontdoor) == 0 or case.selected:
        return None
    mediators = case.graph.named(case.frontdoor[0])
    formula = frontdoor_formula(case.query.exposure, case.query.outcome, mediators)
    return FrontDoor(why, render(formula), formula, mediators)


def by_functional(case: Case, why: Justification) -> Functional | None:
    """Any functional at all, by the ID algorithm."""
    if case.selected:
        return None
    formula = functional_of(case, case.graph)
    if formula is None or isinstance(formula, Hedge):
        return None
    fixed = {case.graph.names[v] for doers in held(case) for v in doers}
    open_values = sorted(free_variables(formula) - {case.query.outcome, *fixed})
    notes = (f"The formula gives the same number at any value of {quoted(open_values)}.",)
    return Functional(why.noting(*notes) if len(open_values) > 0 else why, render(formula), formula)


def held(case: Case) -> tuple[tuple[int, ...], ...]:
    """The nodes held fixed: the exposures, and for a direct effect the observed mediators too.

    Where holding all mediators fixed is not identified, holding the first on each causal path may be:
    they intercept every other way from the exposure to the outcome just as well.
    """
    if case.query.kind != "direct":
        return (case.xs,)
    graph = case.graph
    mediators = [v for v, c in enumerate(case.criterion.causal) if c and v != case.y and graph.observed[v]]
    near = (*case.xs, *hidden_below(graph, case.xs))
    first = sorted({c for v in near for c in graph.children[v] if c in mediators})
    return (*case.xs, *mediators), (*case.xs, *first)


def functional_of(case: Case, graph: CausalGraph) -> Expression | Hedge | None:
    """The ID algorithm for the nodes held fixed; None where a direct effect runs through unobserved nodes as
    well.
    """
    if case.query.kind == "direct" and hidden_detour(case, graph):
        return None
    results = [id_algorithm(graph, doers, case.y) for doers in held(replace(case, graph=graph))]
    return next((r for r in results if not isinstance(r, Hedge)), results[0])


def hidden_detour(case: Case, graph: CausalGraph) -> bool:
    """Whether a path x -> u -> ... -> y runs through unobserved nodes only: they cannot be held fixed."""
    return any(case.y in graph.children[u] for u in hidden_below(graph, case.xs))


def hidden_below(graph: CausalGraph, xs: tuple[int, ...]) -> list[int]:
    """The unobserved nodes reached from xs through unobserved nodes only."""
    hidden = list(dict.fromkeys(c for x in xs for c in graph.children[x] if not graph.observed[c]))
    seen = set(hidden)
    for u in hidden:
        for c in graph.children[u]:
            if c not in seen and not graph.observed[c]:
                seen.add(c)
                hidden.append(c)
    return hidden


STRATEGIES: tuple[Callable[[Case, Justification], Identified | None], ...] = (
    by_adjustment,
    by_graph,
    by_frontdoor,
    by_functional,
)
