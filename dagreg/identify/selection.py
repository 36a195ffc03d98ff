"""What rows chosen on the outcome still tell: the odds ratio.

Theorem (Cornfield 1951; Bareinboim and Pearl 2012; Didelez, Kreiner and Keiding 2010). Where the choice S is
independent of X given Y and Z, the odds ratio of X and Y given Z is the same among the chosen rows as in the
population: it is symmetric in X and Y, and P(x | y, z, s) = P(x | y, z). Where Z is moreover a valid
adjustment set that X does not change, it is the causal odds ratio at each z. Risks, means and their
differences are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from dagreg.graph.ancestry import descendants
from dagreg.graph.separation import separated
from dagreg.graph.separators import Budget, minimal_separators
from dagreg.identify.adjustment import optimal_set, total_effect
from dagreg.identify.case import Case
from dagreg.identify.criterion import Criterion
from dagreg.identify.types import OddsRatio
from dagreg.identify.words import quoted

MAX_TRIED_SETS = 200
MAX_WORK = 500_000


def odds_ratio(case: Case) -> OddsRatio | None:
    """The conditional odds ratio that survives the selection, or None where none is found."""
    graph = case.graph
    chosen = [v for v, s in enumerate(graph.selected) if s and v not in case.xs]
    if len(chosen) == 0 or case.query.kind == "direct" or case.zero:
        return None
    others = [s for s in chosen if s != case.y]
    population = replace(graph, selected=(False,) * len(graph))
    criterion = total_effect(population, case.xs, case.y)
    barred = bytearray(m | s for m, s in zip(descendants(graph, case.xs), graph.mask(others), strict=True))
    for zs in _sets(criterion, barred):
        if separated(graph, case.xs, others, (case.y, *zs)):
            return OddsRatio(graph.named(zs), _words(case, others, graph.named(zs)))
    return None


def _sets(criterion: Criterion, barred: bytearray) -> Iterator[tuple[int, ...]]:
    """Valid sets of the population without barred members: the O-set, the minimal ones, the largest one."""
    optimal = optimal_set(criterion)
    if optimal is not None and not any(barred[v] for v in optimal):
        yield optimal
    allowed = [v for v, b in enumerate(barred) if b]
    task = criterion.task(exclude=allowed)
    yield from islice(minimal_separators(task, Budget(MAX_WORK)), MAX_TRIED_SETS)
    largest = tuple(v for v, f in enumerate(task.free) if f)
    if criterion.valid(largest):
        yield largest


def _words(case: Case, others: list[int], zs: tuple[str, ...]) -> str:
    x, y = quoted(case.query.exposure), quoted((case.query.outcome,))
    given = f" at each level of {quoted(zs)}" if len(zs) > 0 else ""
    predictors = quoted((*case.query.exposure, *zs))
    rows = quoted(case.graph.names[s] for s in (others if len(others) > 0 else [case.y]))
    design = "" if len(others) > 0 else " (a case-control design)"
    coefficient = "coefficient" if len(case.query.exposure) == 1 else "coefficients"
    return (
        f"The rows were chosen on {rows}{design}, so average risks, means and their differences cannot be "
        f"had from them. For a binary {y} the odds ratio survives: in the logistic regression of {y} on "
        f"{predictors}, the exponential of the {coefficient} of {x} is the causal odds ratio{given}, as in "
        "all rows."
    )
