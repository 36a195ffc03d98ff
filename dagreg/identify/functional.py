"""Identification by any functional at all: the complete ID algorithm, on the latent projection.

Tian and Pearl 2002; Shpitser and Pearl 2006; Huang and Valtorta 2006. With
D = An(Y) in G without X,

    P(y | do(x)) = sum over D minus Y of  prod_i Q[D_i],

the D_i being the districts of G_D. Each Q[D_i] is computed from Q[S], S its district in G,
by turns of marginalising to ancestors and splitting off a district; where neither
makes progress, D_i and the set that is left form a hedge, and no functional exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dagreg.graph.ancestry import ancestors, district_of, districts, topological_order
from dagreg.graph.causal import CausalGraph
from dagreg.graph.projection import hub_projection
from dagreg.identify.expression import Expression, P, Product, Quotient, summed, times
from dagreg.identify.types import Hedge


@dataclass(frozen=True, slots=True)
class Factor:
    """Q[nodes]: the distribution of the nodes after do(all others), as an expression of what is observed.

    `prefix(k)` is Q of the first k nodes in topological order, that is the sum of Q[nodes]
    over the rest. Q[T] of a district T of the whole graph is a product of conditionals, whose
    prefixes need no sums.
    """

    nodes: tuple[int, ...]  # in topological order
    prefix: Callable[[int], Expression]

    @property
    def whole(self) -> Expression:
        return self.prefix(len(self.nodes))


def relevant_projection(graph: CausalGraph, ys: Iterable[int]) -> CausalGraph:
    """The latent projection of the graph on the ancestors of ys: nothing else bears on them."""
    return hub_projection(graph.restricted(ancestors(graph, ys)))


def ranks(g: CausalGraph) -> list[int]:
    """Each node's place in topological order."""
    rank = [0] * len(g)
    for i, v in enumerate(topological_order(g)):
        rank[v] = i
    return rank


def id_algorithm(graph: CausalGraph, xs: Iterable[int], y: int) -> Expression | Hedge:
    """P(y | do(xs)) as a functional of P(observed), or the hedge that forbids it."""
    return id_joint(graph, xs, (y,))


def id_joint(graph: CausalGraph, xs: Iterable[int], ys: Sequence[int]) -> Expression | Hedge:
    """P(ys | do(xs)), the outcomes jointly, as a functional of P(observed), or the hedge that forbids it."""
    targets, doers = [graph.names[y] for y in ys], [graph.names[x] for x in xs]
    g = relevant_projection(graph, ys)
    barred = g.mask(g.index[x] for x in doers if x in g.index)
    rank = ranks(g)
    above = ancestors(g, [g.index[t] for t in targets], barred)  # D
    factors: list[Expression] = []
    for part in districts(g, above):
        factor = identify_factor(g, part, rank)
        if isinstance(factor, Hedge):
            return factor
        factors.append(factor)
    over = [g.names[v] for v, d in enumerate(above) if d and g.names[v] not in targets]
    return summed(over, times(factors))


def is_identified(graph: CausalGraph, xs: Iterable[int], y: int) -> bool:
    """Whether P(y | do(xs)) is a functional of what is observed; the formula itself is not built."""
    target, doers = graph.names[y], [graph.names[x] for x in xs]
    g = relevant_projection(graph, (y,))
    barred = g.mask(g.index[x] for x in doers if x in g.index)
    above = ancestors(g, [g.index[target]], barred)
    return all(not isinstance(_descend(g, part), Hedge) for part in districts(g, above))


def _descend(g: CausalGraph, part: Sequence[int]) -> list[tuple[list[int], list[int]]] | Hedge:
    """The turns from the district S of `part` in g down to `part`: pairs (A, T') with T >= A >= T' >= part.

    A = An(C) in G_T, T' the district of A that holds C (Huang and Valtorta 2006, Identify(C, T, Q)).
    """
    turns: list[tuple[list[int], list[int]]] = []
    within = g.mask(district_of(g, part[0]))
    size = sum(within)
    while size > len(part):
        a = _ancestors_within(g, part, within)
        if len(a) == size:
            return Hedge(tuple(sorted(g.names[v] for v in a)), tuple(sorted(g.names[v] for v in part)))
        if len(a) == len(part):
            turns.append((a, a))
            break
        t = district_of(g, part[0], g.mask(a))
        turns.append((a, t))
        within, size = g.mask(t), len(t)
    return turns


def _ancestors_within(g: CausalGraph, nodes: Sequence[int], within: bytearray) -> list[int]:
    """An(nodes) in the subgraph induced on `within`, ascending."""
    seen = set(nodes)
    stack = list(nodes)
    while len(stack) > 0:
        for p in g.parents[stack.pop()]:
            if within[p] and p not in seen:
                seen.add(p)
                stack.append(p)
    return sorted(seen)


def identify_factor(g: CausalGraph, part: Sequence[int], rank: Sequence[int]) -> Expression | Hedge:
    """Q[part] as an expression, or a hedge."""
    turns = _descend(g, part)
    if isinstance(turns, Hedge):
        return turns
    factor = district_factor(g, district_of(g, part[0]), rank)
    for a, t in turns:
        factor = split(g, marginal(g, factor, a), t)
    return factor.whole


def district_factor(g: CausalGraph, district: Sequence[int], rank: Sequence[int]) -> Factor:
    """Q[S] = prod of P(v | the nodes before v that it depends on), for a district S of the whole graph.

    Those are the district of v among the nodes up to v, and the parents of that district (Tian and Pearl
    2002).
    """
    nodes = tuple(sorted(district, key=rank.__getitem__))
    inside = bytearray(len(g))
    terms: list[Expression] = []
    for v in nodes:
        inside[v] = 1
        near = district_of(g, v, inside)
        given = {*near, *(p for u in near for p in g.parents[u])} - {v}
        terms.append(P((g.names[v],), tuple(g.names[u] for u in sorted(given, key=rank.__getitem__))))
    return Factor(nodes, lambda k: times(terms[:k]))


def marginal(g: CausalGraph, factor: Factor, keep: Sequence[int]) -> Factor:
    """Q[A] = sum of Q[T] over T minus A, for A ancestral in G_T."""
    if len(keep) == len(factor.nodes):
        return factor
    kept = set(keep)
    nodes = tuple(v for v in factor.nodes if v in kept)
    at = {v: i for i, v in enumerate(factor.nodes)}

    def prefix(k: int) -> Expression:
        """A's first k nodes: later nodes of T that are not needed are summed out by leaving their
        terms away.
        """
        if k == 0:
            return times(())
        last = at[nodes[k - 1]] + 1
        over = [g.names[v] for v in factor.nodes[:last] if v not in kept]
        return summed(over, factor.prefix(last))

    return Factor(nodes, prefix)


def split(g: CausalGraph, factor: Factor, district: Sequence[int]) -> Factor:
    """Q[T'] from Q[A], T' a district of G_A: the product over its nodes of Q[A up to v] / Q[A before v]."""
    if len(district) == len(factor.nodes):
        return factor
    chosen = set(district)
    places = [i for i, v in enumerate(factor.nodes) if v in chosen]
    terms: list[Expression] = []
    for i in places:
        above, below = factor.prefix(i + 1), factor.prefix(i)
        terms.append(above if i == 0 else ratio(above, below))
    return Factor(tuple(factor.nodes[i] for i in places), lambda k: times(terms[:k]))


def ratio(above: Expression, below: Expression) -> Expression:
    """above / below, without the factors that they share."""
    tops: list[Expression] = list(above.factors) if isinstance(above, Product) else [above]
    bottoms: list[Expression] = list(below.factors) if isinstance(below, Product) else [below]
    for shared in [b for b in bottoms if b in tops]:
        if shared in tops:
            tops.remove(shared)
            bottoms.remove(shared)
    return times(tops) if len(bottoms) == 0 else Quotient(times(tops), times(bottoms))
