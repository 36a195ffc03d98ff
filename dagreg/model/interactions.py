"""The products of predictors in a regression: those that the spec declares, and those that an effect `by`
levels needs.

An effect that is asked for at each level of W differs between levels only as far as the regressions let it.
Each of them that is passed through therefore has the product of the exposure (in a chain, of a mediator, too)
with every combination of W, and those of W among themselves: within each level the exposure has a slope of
its own, and each combination of levels an intercept of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from dagreg.graph.causal import CausalGraph
from dagreg.identify.criterion import causal_nodes
from dagreg.model.context import Context, PlannedRegression
from dagreg.model.plan import Model
from dagreg.spec import types as spec

Factors = tuple[str, ...]


def products_of(context: Context, regression: PlannedRegression) -> tuple[Factors, ...]:
    """The products that this regression has: the declared ones whose factors it holds, then those
    for `by`.
    """
    said = context.spec.regressions.get(regression.response)
    here = set(regression.predictors)
    declared = [p for p in (said.interactions if said else None) or () if set(p) <= here]
    known = {frozenset(p) for p in declared}
    added = (p for p in modifying(context, regression) if frozenset(p) not in known)
    return (*declared, *added)


def modifying(context: Context, regression: PlannedRegression) -> tuple[Factors, ...]:
    """The products that let the effect differ between the levels that it is asked by; none where the spec has
    its own.

    Groups are left out, whose products are slopes that vary (`slopes_by_group`), and curves, which have no
    products.
    """
    said = context.spec.regressions.get(regression.response)
    levels, carriers = _levels(context, regression), carriers_of(context, regression)
    if not levels or not carriers or _own(said, levels, carriers):
        return ()
    curved, cells = set(said.curves if said else ()), set(said.cells if said else ())
    free = [w for w in levels if not context.variables[w].pooled and w not in curved]
    bent = [x for x in carriers if not context.variables[x].pooled and x not in curved]
    return tuple(p for p in crossed(bent, free) if not set(p) <= cells) if bent else ()


def slopes_by_group(context: Context, regression: PlannedRegression, group: str) -> Factors:
    """The slopes that vary between the levels of a group because the effect is asked for by it."""
    said = context.spec.regressions.get(regression.response)
    carriers = carriers_of(context, regression)
    if group not in _levels(context, regression) or _own(said, (group,), carriers):
        return ()
    curved = said.curves if said else ()
    return tuple(x for x in carriers if not context.variables[x].pooled and x not in curved)


def carriers_of(context: Context, regression: PlannedRegression) -> Factors:
    """The predictors through which the effect passes: the exposures, and in a chain the mediators."""
    carrying = {*context.exposure, *(context.responses - {context.outcome})}
    return tuple(name for name in regression.predictors if name in carrying)


def carrying(model: Model) -> frozenset[str]:
    """The same of a whole model."""
    return frozenset((*model.estimand.exposure, *(e.response for e in model.mediators)))


def _levels(context: Context, regression: PlannedRegression) -> Factors:
    """What the effect is asked `by`, as far as this regression holds it; none where it is not the
    answer's.
    """
    if regression.family is not None or regression.imputes:
        return ()
    return tuple(w for w in context.by if w in regression.predictors and w not in context.responses)


def _own(said: spec.Regression | None, levels: Sequence[str], carriers: Sequence[str]) -> bool:
    """Whether the spec says itself how the effect differs: not at all (`[]`), or with a product for each
    variable.
    """
    if said is None or said.interactions is None:
        return False
    return all(
        any(w in p and not set(carriers).isdisjoint(p) for p in said.interactions) for w in levels
    ) or (said.interactions == ())


def crossed(carriers: Sequence[str], levels: Sequence[str]) -> Iterator[Factors]:
    """The products of each carrier with every combination of the levels' variables, and these among
    themselves.
    """
    for size in range(1, len(levels) + 1):
        for some in combinations(levels, size):
            if size > 1:
                yield some
            yield from ((x, *some) for x in carriers)


def possible_products(
    asked: spec.Spec, names: Iterable[str], graph: CausalGraph | None
) -> tuple[Factors, ...]:
    """Every product of these nodes that a regression may have: the data are asked for their moments.

    Those of effects that are asked for by levels need the graph.
    """
    here = set(names)
    declared = [p for r in asked.regressions.values() for p in r.interactions or ()]
    products = [
        p for effect in asked.effects if effect.by and graph is not None for p in _possible(graph, effect)
    ]
    return tuple(dict.fromkeys(p for p in (*declared, *products) if set(p) <= here))


def _possible(graph: CausalGraph, effect: spec.Effect) -> Iterator[Factors]:
    if not {*effect.exposure, effect.outcome} <= set(graph.index):
        return iter(())  # identification says so
    causal = causal_nodes(graph, [graph.index[x] for x in effect.exposure], graph.index[effect.outcome])
    between = [name for name, c in zip(graph.names, causal, strict=True) if c and name != effect.outcome]
    levels = [w for w in effect.by if w in graph.index]
    return crossed([*effect.exposure, *(m for m in between if m not in levels)], levels)
