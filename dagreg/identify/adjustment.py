"""Covariate adjustment: the complete criterion for total effects, the single-door criterion for direct ones.

Theorem (Shpitser, VanderWeele and Robins 2010; Perkovic, Textor, Kalisch and Maathuis
2018; van der Zander, Liskiewicz and Textor 2019). Z is an adjustment set for X on Y,
P(y | do(x)) = sum_z P(y | x, z) P(z), if and only if

1. Z holds no descendant of cn(X, Y), the nodes on proper causal paths from X to Y, and
2. Z separates X and Y in the proper back-door graph, which lacks the edges X -> cn(X, Y).

Theorem (Pearl 2009, theorem 5.3.1; Spirtes et al. 1998). The coefficient of X -> Y is that of X in the
regression of Y on X and Z if Z holds no descendant of Y and separates X and Y once the edge X -> Y is
deleted. The mediators in Z intercept every other causal path, and P(y | do(x, those)) is identified, so Z
gives a controlled direct effect without linearity too. Without such an edge the direct effect is zero, and
any separating set tests that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from dagreg.graph.ancestry import descendants, members
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import separated
from dagreg.identify.criterion import Criterion, Selection, causal_nodes, forbidden_nodes


def total_effect(graph: CausalGraph, xs: tuple[int, ...], y: int) -> Criterion:
    """The adjustment criterion for the (joint) total effect of xs on y."""
    causal = causal_nodes(graph, xs, y)
    cut = graph.without((x, c) for x in xs for c in graph.children[x] if causal[c])
    selection = selection_on(graph, xs, y)
    return Criterion.of(graph, cut, xs, y, causal, forbidden_nodes(graph, causal), selection)


def direct_effect(graph: CausalGraph, xs: tuple[int, ...], y: int) -> Criterion:
    """The single-door criterion for xs on y."""
    edges = [(x, y) for x in xs if y in graph.children[x]]
    forbidden = descendants(graph, [y]) if len(edges) > 0 else graph.mask([y])
    selected = tuple(v for v, s in enumerate(graph.selected) if s and v != y and v not in xs)
    selection = Selection(selected, (), graph.selected[y] or any(forbidden[s] for s in selected))
    causal = causal_nodes(graph, xs, y)
    return Criterion.of(graph, graph.without(edges), xs, y, causal, forbidden, selection)


def selection_on(graph: CausalGraph, xs: tuple[int, ...], y: int) -> Selection:
    """How the choice of the rows bears on the effect.

    Rows chosen on S leave P(y | do(x)) alone only if Y and S are separated by X once the edges into X are cut
    (Correa, Tian and Bareinboim 2018, type 1: covariates known from the chosen rows only).
    """
    chosen = [v for v, s in enumerate(graph.selected) if s and v not in xs]
    if len(chosen) == 0:
        return Selection((), (), False)
    below = descendants(graph, xs)
    barring = y in chosen or not separated(without_causes(graph, xs), (y,), chosen, xs)
    return Selection(tuple(s for s in chosen if not below[s]), tuple(s for s in chosen if below[s]), barring)


def without_causes(graph: CausalGraph, xs: Collection[int]) -> CausalGraph:
    """The graph after do(xs): no edge, directed or `<->`, points into xs."""
    cut = graph.without((p, x) for x in xs for p in graph.parents[x])
    barred = set(xs)
    siblings = tuple(
        () if v in barred else tuple(s for s in ends if s not in barred)
        for v, ends in enumerate(cut.siblings)
    )
    return replace(cut, siblings=siblings)


def optimal_set(criterion: Criterion) -> tuple[int, ...] | None:
    """The O-set pa(cn) minus (forbidden and X): the valid set of smallest asymptotic variance.

    Defined where X is a cause of Y; it is valid if any set of a wholly observed graph is
    (Henckel, Perkovic and Maathuis 2022). With latents it is still the best of all sets where its
    members happen to be observed. None where it does not exist: a latent or a `<->` at
    a causal node would belong to it.
    """
    graph, cn = criterion.graph, members(criterion.causal)
    if len(cn) == 0 or any(graph.selected) or any(len(graph.siblings[v]) > 0 for v in cn):
        return None
    barred = bytearray(criterion.forbidden)
    for x in criterion.xs:
        barred[x] = 1
    parents = tuple(sorted({p for v in cn for p in graph.parents[v] if not barred[p]}))
    if len(criterion.xs) == 1 and all(graph.observed) and not any(graph.siblings):
        return parents  # the parents of a single exposure are a valid set, and so the O-set is one
    return parents if criterion.valid(parents) else None
