"""Which valid set is used, and why; and what the user's `adjust` says about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dagreg.errors import DagregError, Diagnostic
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separators import Separation, cheapest_separator
from dagreg.identify.criterion import Criterion
from dagreg.identify.survey import Survey
from dagreg.identify.words import forbidden_because, listed, quoted, the_set
from dagreg.spec.types import Adjust

MAX_FLOW_SIZE = 10_000  # nodes and edge ends
RULE = "the cheapest to measure, then the smallest, then the first declared"


def choose(
    criterion: Criterion,
    optimal: tuple[int, ...] | None,
    minimal: Sequence[tuple[int, ...]],
    truncated: bool,
    adjust: Adjust | None,
    by: Sequence[int] = (),
) -> tuple[tuple[int, ...] | None, str]:
    """The chosen set, None where no set is valid, with whole sentences that say why.

    It holds the nodes that the effect is asked `by`, where a valid set does.

    Raises `DagregError` where the user's set is not valid (DR202), where no valid set lies within the
    user's bounds (DR203), or where `adjust` names a node that cannot be adjusted for (DR204).
    """
    if adjust is not None and adjust.exactly is not None:
        return _exactly(criterion, adjust, adjust.exactly)
    if adjust is not None and (len(adjust.include) > 0 or len(adjust.exclude) > 0):
        return _within(criterion, optimal, adjust)
    if len(by) > 0 and not (optimal is not None and set(by) <= set(optimal)):
        widened = holding(criterion, optimal, by)
        if widened is not None:
            levels = quoted(criterion.graph.names[v] for v in by)
            return widened, (
                f"{the_set(criterion.graph, widened)} is a valid set that holds {levels}, "
                "because the effect is asked for at each of its levels."
            )
    if optimal is not None:
        return optimal, _optimality(criterion, optimal)
    if len(minimal) == 0:
        return None, why_none(criterion)
    best = preferred(criterion.graph, minimal)[0]
    if truncated:
        best = _cheaper(criterion, best, criterion.task())
    return best, f"{_of_minimal(criterion.graph, best, minimal, truncated)}{_no_optimum(criterion)}"


def _of_minimal(
    graph: CausalGraph, best: Sequence[int], minimal: Sequence[tuple[int, ...]], truncated: bool
) -> str:
    if len(minimal) == 1 and not truncated:
        return f"{the_set(graph, best)} is the only minimal valid set."
    return f"{the_set(graph, best)} is chosen of the minimal valid sets: {RULE}."


def preferred(graph: CausalGraph, sets: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The sets, the cheapest to measure first, then the smallest, then the first declared."""
    cost = graph.cost
    return sorted(sets, key=lambda zs: (sum(cost[z] for z in zs), len(zs), zs))


def least(
    criterion: Criterion, minimal: Sequence[tuple[int, ...]], truncated: bool
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """A valid set of least size, and one of least cost: among the minimal sets, or by max-flow where they
    were cut.

    None where there is none, or where the graph is too large for a flow.
    """
    graph = criterion.graph
    sets = list(minimal)
    if truncated:
        if graph.size > MAX_FLOW_SIZE:
            return None, None
        plain = replace(criterion.cut, cost=(1.0,) * len(graph))
        tasks = (replace(criterion.task(), graph=plain), criterion.task())
        sets += [zs for zs in map(cheapest_separator, tasks) if zs is not None and criterion.recoverable(zs)]
    if len(sets) == 0:
        return None, None
    ranked = preferred(graph, sets)
    return min(ranked, key=len), ranked[0]


def _cheaper(criterion: Criterion, best: tuple[int, ...], task: Separation) -> tuple[int, ...]:
    """The cheapest set of all by max-flow, where the listing was cut; else what the listing gave."""
    cheapest = cheapest_separator(task)
    if cheapest is None or not criterion.recoverable(cheapest):
        return best
    return preferred(criterion.graph, (cheapest, best))[0]


def _optimality(criterion: Criterion, optimal: tuple[int, ...]) -> str:
    graph = criterion.graph
    if len(optimal) == 0:
        return (
            "The empty set is the O-set: no other valid set gives a more precise estimate in large samples."
        )
    return (
        f"{the_set(graph, optimal)} is the O-set: of all valid sets it gives the most precise estimate in "
        "large samples (Henckel, Perkovic and Maathuis 2022)."
    )


def _no_optimum(criterion: Criterion) -> str:
    if criterion.causal[criterion.y] and criterion.cut is not criterion.graph:
        return " It is not guaranteed to be the most precise."
    return ""


def why_none(criterion: Criterion) -> str:
    """Why no set is valid, naming a path."""
    graph = criterion.graph
    if criterion.selection.barring:
        chosen = (*criterion.selection.before, *criterion.selection.after)
        rows = quoted(graph.names[s] for s in chosen)
        if chosen == (criterion.y,):
            return f"No set is valid: the rows were chosen on {rows}, the outcome itself."
        return (
            f"No set is valid: the rows were chosen on {rows}, and the effect among them is not that among "
            "all rows, whatever is adjusted for."
        )
    canonical = canonical_set(criterion)
    path = criterion.biasing_path(canonical)
    if path is None:
        return "No set is valid: the rows were chosen on a consequence of the exposure."
    shown = path.render(graph)
    if len(path.colliders) == 0 and not any(criterion.allowed[v] for v in path.nodes[1:-1]):
        return f"No set of observed nodes is valid: `{shown}` stays open whatever is adjusted for."
    return (
        f"No set of observed nodes is valid: closing one path opens another. "
        f"Given {the_set(graph, canonical, start=False)}, `{shown}` is open."
    )


def canonical_set(criterion: Criterion) -> tuple[int, ...]:
    """An(X, Y) minus forbidden, observed: valid if any set is (van der Zander, Liskiewicz and
    Textor 2014).
    """
    return tuple(v for v, f in enumerate(criterion.task().free) if f)


def _exactly(criterion: Criterion, adjust: Adjust, names: Sequence[str]) -> tuple[tuple[int, ...], str]:
    chosen = _nodes(criterion, names, adjust)
    graph = criterion.graph
    if criterion.valid(chosen):
        return chosen, f"{the_set(graph, chosen)} is the set asked for, and it is valid."
    raise _refusal(
        "DR202",
        f"the adjustment set {{{', '.join(sorted(names))}}} is not valid",
        flaw(criterion, chosen),
        adjust,
    )


def _within(
    criterion: Criterion, optimal: tuple[int, ...] | None, adjust: Adjust
) -> tuple[tuple[int, ...], str]:
    include, exclude = _nodes(criterion, adjust.include, adjust), _known(criterion, adjust.exclude, adjust)
    graph = criterion.graph
    barred = set(exclude)
    if optimal is not None:
        widened = tuple(sorted({*optimal, *include}))
        if barred.isdisjoint(widened) and criterion.valid(widened):
            more = "" if widened == optimal else " (widened by what was asked for)"
            return widened, f"{the_set(graph, widened)} is the O-set{more}, within the bounds given."
    task = criterion.task(include, exclude)
    separator = cheapest_separator(task)
    whole = None if separator is None else tuple(sorted({*separator, *include}))
    if whole is not None and criterion.valid(whole):
        return whole, f"{the_set(graph, whole)} is the cheapest valid set within the bounds given."
    reason = flaw(criterion, tuple(sorted({*(v for v, f in enumerate(task.free) if f), *include})))
    raise _refusal("DR203", "no valid adjustment set lies within `include` and `exclude`", reason, adjust)


def holding(
    criterion: Criterion, optimal: tuple[int, ...] | None, nodes: Iterable[int]
) -> tuple[int, ...] | None:
    """A valid set that holds these nodes: the O-set widened by them, else the cheapest; None where there is
    none.
    """
    wanted = tuple(sorted(nodes))
    if optimal is not None:
        widened = tuple(sorted({*optimal, *wanted}))
        if criterion.valid(widened):
            return widened
    if not all(criterion.allowed[v] for v in wanted):
        return None
    separator = cheapest_separator(criterion.task(wanted))
    whole = None if separator is None else tuple(sorted({*separator, *wanted}))
    return whole if whole is not None and criterion.valid(whole) else None


def flaw(criterion: Criterion, nodes: Sequence[int]) -> str:
    """What makes a set invalid, naming the path."""
    graph = criterion.graph
    bad = [v for v in nodes if criterion.forbidden[v]]
    if len(bad) > 0:
        return forbidden_because(Survey(criterion, ()), bad[0])
    path = criterion.biasing_path(nodes)
    if path is None:
        return why_none(criterion)
    opened = path.colliders
    if len(opened) > 0:
        return (
            f"`{path.render(graph)}` is open: the set conditions on {quoted(graph.names[c] for c in opened)} "
            "or below."
        )
    return f"`{path.render(graph)}` stays open"


def _known(criterion: Criterion, names: Iterable[str], adjust: Adjust) -> tuple[int, ...]:
    graph = criterion.graph
    unknown = [name for name in names if name not in graph.index]
    if len(unknown) > 0:
        raise _refusal("DR204", f"`adjust` names {listed(unknown)}, not a node of the graph", "", adjust)
    return tuple(sorted({graph.index[name] for name in names}))


def _nodes(criterion: Criterion, names: Iterable[str], adjust: Adjust) -> tuple[int, ...]:
    """The nodes named, all of which can be adjusted for at least in principle."""
    graph = criterion.graph
    nodes = _known(criterion, names, adjust)
    for v in nodes:
        name = graph.names[v]
        if v == criterion.y or v in criterion.xs:
            part = "outcome" if v == criterion.y else "exposure"
            raise _refusal("DR204", f"`{name}` is the {part}; it cannot be adjusted for", "", adjust)
        if not graph.observed[v]:
            raise _refusal("DR204", f"`{name}` is unobserved; it cannot be adjusted for", "", adjust)
    return nodes


def _refusal(code: str, message: str, why: str, adjust: Adjust) -> DagregError:
    text = f"{message}: {why}" if why != "" else message
    return DagregError((Diagnostic(code, text.rstrip("."), adjust.span),))
