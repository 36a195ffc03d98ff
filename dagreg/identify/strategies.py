"""The strategies in the order in which they are tried. Each is a function from a `Case` to what it found, or None."""

from __future__ import annotations

from collections.abc import Callable

from dagreg.graph.ancestry import shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.identify.case import Case, Found
from dagreg.identify.expression import P, adjustment_formula, free_variables, frontdoor_formula
from dagreg.identify.functional import Functional, Hedge, id_algorithm
from dagreg.identify.words import directed, quoted


def by_adjustment(case: Case) -> Found | None:
    """A regression on the exposure and a valid set."""
    if case.chosen is None:
        return None
    formula = adjustment_formula(case.query.exposure, case.query.outcome, case.graph.named(case.chosen))
    notes = (f"{why_zero(case)}; the adjusted estimate is a test of the graph.",) if case.zero else ()
    return Found("adjustment", formula, notes)


def by_graph(case: Case) -> Found | None:
    """No directed path (or, for a direct effect, no edge): the effect is zero, and no data are needed."""
    if not case.zero:
        return None
    return Found(None, P((case.query.outcome,)), (f"{why_zero(case)}; no set of observed nodes tests it.",))


def why_zero(case: Case) -> str:
    """`No directed path leads from x to y: the effect is zero by the graph`, and the path back where there is one."""
    graph, outcome = case.graph, f"`{case.query.outcome}`"
    way = "edge" if case.query.kind == "direct" else "directed path"
    back = shortest_directed_path(graph, [case.y], graph.mask(case.xs))
    reverse = "" if back is None else f" ({outcome} is a cause of the exposure: {directed(graph, back)})"
    return f"No {way} leads from {quoted(case.query.exposure)} to {outcome}{reverse}: the effect is zero by the graph"


def by_frontdoor(case: Case) -> Found | None:
    """The mediators of the cheapest front-door set."""
    if len(case.frontdoor) == 0 or case.selected:
        return None
    return Found(
        "frontdoor", frontdoor_formula(case.query.exposure, case.query.outcome, case.graph.named(case.frontdoor[0]))
    )


def by_functional(case: Case) -> Found | None:
    """Any functional at all, by the ID algorithm."""
    if case.selected:
        return None
    answer = functional_of(case, case.graph)
    if not isinstance(answer, Functional):
        return None
    doers = held(case)
    open_values = sorted(
        free_variables(answer.expression) - {case.query.outcome, *(case.graph.names[v] for v in doers)}
    )
    notes = (f"The formula gives the same number at any value of {quoted(open_values)}.",)
    return Found("functional", answer.expression, notes if len(open_values) > 0 else ())


def held(case: Case) -> tuple[int, ...]:
    """The nodes held fixed: the exposures, and for a direct effect the observed mediators too."""
    if case.query.kind != "direct":
        return case.xs
    mediators = (v for v, c in enumerate(case.criterion.causal) if c and v != case.y and case.graph.observed[v])
    return (*case.xs, *mediators)


def functional_of(case: Case, graph: CausalGraph) -> Functional | Hedge | None:
    """The ID algorithm for the nodes held fixed; None where a direct effect runs through unobserved nodes as well."""
    if case.query.kind == "direct" and hidden_detour(case, graph):
        return None
    doers = held(Case(graph, case.query, case.criterion))
    return id_algorithm(graph, doers, case.y)


def hidden_detour(case: Case, graph: CausalGraph) -> bool:
    """Whether a path x -> u -> ... -> y runs through unobserved nodes only: they cannot be held fixed."""
    seen = set(case.xs)
    stack = [c for x in case.xs for c in graph.children[x] if not graph.observed[c]]
    while len(stack) > 0:
        v = stack.pop()
        if case.y in graph.children[v]:
            return True
        for c in graph.children[v]:
            if c not in seen and not graph.observed[c]:
                seen.add(c)
                stack.append(c)
    return False


STRATEGIES: tuple[Callable[[Case], Found | None], ...] = (by_adjustment, by_graph, by_frontdoor, by_functional)
