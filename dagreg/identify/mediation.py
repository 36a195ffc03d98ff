"""Mediation: which natural and path-specific effects are identified, and what forbids the others.

On the latent projection, let D be the ancestors of Y once X is deleted. A set of causal paths is
*edge-consistent* where it holds, of the paths that share a first edge X -> c, all or none. Otherwise some
node W follows a shared start both along a path of the set and along one outside it: a *recanting witness*
(Avin, Shpitser and Pearl 2005), which would have to take two values at once.

Theorem (Shpitser 2013; Shpitser and Tchetgen Tchetgen 2016). The distribution of Y with the exposure at x
along the paths and at x* along all others is identified if and only if the set is edge-consistent, no
district of D holds both a child of X that is to see x and one that is to see x* (a *recanting district*), and
P(y | do(x)) is identified. Then it is the edge g-formula

    sum over D without Y of  prod_i Q[D_i], each factor at x or at x* as its own children of X ask.

The natural direct effect is the case of the edge X -> Y alone (Pearl 2001); the natural indirect effect rests
on the same distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dagreg.graph.ancestry import ancestors, districts, reachable, shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.identify.criterion import causal_nodes
from dagreg.identify.expression import Expression, renamed, summed, times
from dagreg.identify.functional import identify_factor, ranks, relevant_projection
from dagreg.identify.types import Hedge, Mediation, PathEffect, PathsIdentified, PathsNotIdentified, PathsZero
from dagreg.identify.words import directed, quoted

MAX_PATHS = 30
MAX_MEDIATORS = 30
MAX_SHOWN_PATHS = 6  # written out for one effect


@dataclass(frozen=True, slots=True)
class Recanting:
    """What forbids a path-specific effect: one node that would take two values, or a district that would."""

    nodes: tuple[int, ...]
    district: bool


@dataclass(frozen=True, slots=True)
class _Question:
    """The projection on the ancestors of y, the exposures, and D; `heads` are the children of X in D."""

    g: CausalGraph
    xs: tuple[int, ...]
    y: int
    above: bytearray
    heads: tuple[int, ...]
    rank: Sequence[int]
    reference: dict[str, str]

    @classmethod
    def of(cls, graph: CausalGraph, xs: Iterable[int], y: int) -> _Question:
        names = [graph.names[x] for x in xs]
        g = relevant_projection(graph, (y,))
        inside = tuple(g.index[x] for x in names if x in g.index)
        above = ancestors(g, [g.index[graph.names[y]]], g.mask(inside))
        heads = tuple(sorted({c for x in inside for c in g.children[x] if above[c] and c not in inside}))
        reference = {x: _fresh(x, graph.index) for x in names}
        return cls(g, inside, g.index[graph.names[y]], above, heads, ranks(g), reference)


def _fresh(name: str, taken: Iterable[str]) -> str:
    known = set(taken)
    name += "*"
    while name in known:
        name += "*"
    return name


def mediation(graph: CausalGraph, xs: Iterable[int], y: int) -> Mediation:
    """What of the mediation question x -> y is identified; mediators are the observed nodes on
    causal paths.
    """
    ask = _Question.of(graph, xs, y)
    g = ask.g
    between = [v for v, c in enumerate(causal_nodes(g, ask.xs, ask.y)) if c and v != ask.y]
    listed, cut = _paths(ask)
    through = [_through(ask, m) for m in between[:MAX_MEDIATORS]] if len(between) > 1 else []
    alone = [_along(ask, path) for path in listed] if len(listed) > 1 and len(ask.xs) == 1 else []
    return Mediation(
        tuple(g.names[v] for v in between),
        ", ".join(ask.reference.values()),
        _direct(ask),
        _indirect(ask),
        tuple(through),
        tuple(alone),
        cut or len(between) > MAX_MEDIATORS,
    )


def natural_effects(graph: CausalGraph, xs: Iterable[int], y: int) -> tuple[PathEffect, PathEffect]:
    """The natural direct and the natural indirect effect alone."""
    ask = _Question.of(graph, xs, y)
    return _direct(ask), _indirect(ask)


def edge_formula(ask: _Question, active: Iterable[int]) -> Expression | Recanting | Hedge:
    """The distribution of y with x at the heads `active` and x* at the others, or what forbids it."""
    g, live = ask.g, set(active)
    factors: list[Expression] = []
    hedge: Hedge | None = None
    for part in districts(g, ask.above):
        heads = [v for v in part if v in ask.heads]
        seeing = [v for v in heads if v in live]
        if 0 < len(seeing) < len(heads):
            return Recanting(tuple(part), True)
        factor = identify_factor(g, part, ask.rank)
        if isinstance(factor, Hedge):
            hedge = factor
        elif len(seeing) > 0:
            factors.append(factor)
        else:
            factors.append(renamed(factor, ask.reference))
    if hedge is not None:
        return hedge
    over = [g.names[v] for v, d in enumerate(ask.above) if d and v != ask.y]
    return summed(over, times(factors))


def _direct(ask: _Question) -> PathEffect:
    name = "natural direct effect"
    if ask.y not in ask.heads:
        return PathsZero(
            name,
            f"No arrow leads from {_exposure(ask)} to {_name(ask, ask.y)} past the mediators: it is zero.",
        )
    return _judged(ask, name, [(*_start(ask, ask.y), ask.y)], edge_formula(ask, [ask.y]))


def _indirect(ask: _Question) -> PathEffect:
    """Y(x, M(x)) - Y(x, M(x*)): it needs the direct effect's distribution, and the total effect's."""
    name = "natural indirect effect"
    if all(h == ask.y for h in ask.heads):
        return PathsZero(
            name, f"No mediator lies between {_exposure(ask)} and {_name(ask, ask.y)}: it is zero."
        )
    paths = [p for p in _paths(ask)[0] if len(p) > 2]
    active = [ask.y] if ask.y in ask.heads else []
    return _judged(ask, name, paths, edge_formula(ask, active))


def _through(ask: _Question, m: int) -> PathEffect:
    """All causal paths through one mediator."""
    g, paths = ask.g, [p for p in _paths(ask)[0] if m in p]
    active: list[int] = []
    past = g.mask([m, *ask.xs])
    for head in ask.heads:
        meets = bool(reachable(g.children, [head], g.mask(ask.xs))[m])
        avoids = head != m and bool(reachable(g.children, [head], past)[ask.y])
        if meets and avoids:
            path = shortest_directed_path(g, [head], g.mask([m]), g.mask(ask.xs)) or [head]
            witness = next(w for w in reversed(path[:-1]) if reachable(g.children, [w], past)[ask.y])
            return _judged(ask, g.names[m], paths, Recanting((witness,), False))
        if meets:
            active.append(head)
    return _judged(ask, g.names[m], paths, edge_formula(ask, active))


def _along(ask: _Question, path: tuple[int, ...]) -> PathEffect:
    """One causal path alone."""
    name = directed(ask.g, path)
    branching = [
        v
        for v, following in pairwise(path[1:])
        if any(c != following and ask.above[c] for c in ask.g.children[v])
    ]
    if len(branching) > 0:
        return _judged(ask, name, [path], Recanting((branching[0],), False))
    return _judged(ask, name, [path], edge_formula(ask, [path[1]]))


def _judged(
    ask: _Question, name: str, paths: Sequence[tuple[int, ...]], verdict: Expression | Recanting | Hedge
) -> PathEffect:
    shown = tuple(directed(ask.g, p) for p in paths[:MAX_SHOWN_PATHS])
    if isinstance(verdict, Recanting):
        witness = tuple(ask.g.names[v] for v in verdict.nodes)
        return PathsNotIdentified(name, shown, _recanting(ask, verdict), witness)
    if isinstance(verdict, Hedge):
        reason = "The total effect is not identified, and so neither are its parts."
        return PathsNotIdentified(name, shown, reason)
    return PathsIdentified(name, shown, verdict)


def _recanting(ask: _Question, recanting: Recanting) -> str:
    names = quoted(ask.g.names[v] for v in recanting.nodes)
    if recanting.district:
        return (
            f"{names} are tied by unobserved common causes (a recanting district): some of them would see "
            "the exposure changed and others unchanged, and no data show what they do together then."
        )
    return (
        f"{names} lies both on the paths asked about and on others that begin alike (a recanting witness): "
        f"it would have to respond to {_exposure(ask)} for the ones and not for the others, and no data "
        "show that."
    )


def _exposure(ask: _Question) -> str:
    return quoted(ask.reference)


def _name(ask: _Question, v: int) -> str:
    return f"`{ask.g.names[v]}`"


def _start(ask: _Question, head: int) -> tuple[int, ...]:
    """An exposure with an arrow into this head."""
    return next((x,) for x in ask.xs if head in ask.g.children[x])


def _paths(ask: _Question) -> tuple[list[tuple[int, ...]], bool]:
    """The proper causal paths, the shortest first, at most `MAX_PATHS`; and whether there are more."""
    queue: list[tuple[int, ...]] = [(x,) for x in sorted(ask.xs)]
    complete: list[tuple[int, ...]] = []
    barred = set(ask.xs)
    for path in queue:
        if path[-1] == ask.y:
            complete.append(path)
            if len(complete) > MAX_PATHS:
                return complete[:MAX_PATHS], True
            continue
        if len(queue) > 50 * MAX_PATHS:
            return complete, True
        queue += [(*path, c) for c in ask.g.children[path[-1]] if ask.above[c] and c not in barred]
    return complete, False
