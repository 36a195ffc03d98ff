"""Where bounds of an effect come from that is not identified (Balke and Pearl 1997; Sachs, Jonzon, Sjolander
and Gabriel 2023).

Let H be the latent projection over the ancestors of the outcome, and R the district of the exposure: what
unobserved causes tie to it. By Tian and Pearl (2002) every other district keeps its distribution under an
intervention on the exposure, and the data tell it. What the data tell of R is Q[R], its distribution given
its parents outside. All that is unknown of R is which *response functions* its nodes have, a value for each
setting of their own parents. Q[R] is linear in the probabilities of joint response functions, and so is the
effect: its extremes are linear programs. Where one unobserved cause is behind all of R they are sharp.
Parents of every node of R tell the programs apart: one for each setting of them (`strata`).
"""

from __future__ import annotations

from dataclasses import dataclass

from dagreg.graph.ancestry import ancestors, descendants, district_of, topological_order
from dagreg.graph.causal import CausalGraph
from dagreg.graph.projection import latent_projection
from dagreg.identify.types import Answer, Instrument, NotIdentified
from dagreg.spec.brief import Brief

MAX_NODES = 30  # in the projection over the outcome's ancestors


@dataclass(frozen=True, slots=True)
class Factor:
    """P(node | given), what the data tell of one node in the order of causes."""

    node: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Bounding(Brief):
    """The parts of the programs: names in the order of causes throughout.

    - `unknown`: R, the exposure's district, and the parents of each of its nodes in H.
    - `strata`: parents of every node of R that come before it.
    - `before`: other nodes that come before R and count under the intervention; `after`: those that come
      after R, with their own factors.
    - `factors` of R; `sharp` whether the bounds are the best there are.
    """

    exposure: str
    outcome: str
    unknown: tuple[Factor, ...]
    factors: tuple[Factor, ...]
    strata: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[Factor, ...]
    sharp: bool

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node whose column is read."""
        used = [n for f in (*self.factors, *self.after) for n in (f.node, *f.given)]
        return tuple(dict.fromkeys([*self.strata, *self.before, *used]))


def bounding_of(graph: CausalGraph, answer: Answer) -> Bounding | None:
    """Where bounds of a total effect come from; None where it is identified, or is no effect of one
    exposure on everyone in rows that were not chosen.
    """
    query = answer.justification.query
    if not isinstance(answer, NotIdentified | Instrument) or query.kind != "total" or query.by:
        return None
    if len(query.exposure) != 1 or any(graph.selected) or query.among != "everyone":
        return None
    if not answer.justification.causal_path:
        return None
    whole = latent_projection(graph)
    inside = ancestors(whole, [whole.index[query.outcome]])
    if sum(inside) > MAX_NODES:
        return None
    return _parts(whole, inside, whole.index[query.exposure[0]], whole.index[query.outcome], graph)


def _parts(whole: CausalGraph, inside: bytearray, x: int, y: int, graph: CausalGraph) -> Bounding:
    order = [v for v in topological_order(whole) if inside[v]]
    place = {v: i for i, v in enumerate(order)}
    district = set(district_of(whole, x, inside))
    below = descendants(whole, sorted(district))
    counting = _counting(whole, inside, x, y)
    names = whole.names

    def sorted_names(nodes: set[int]) -> tuple[str, ...]:
        return tuple(names[v] for v in sorted(nodes, key=place.__getitem__))

    def factor(v: int) -> Factor:
        """P(v | its Markov pillow): its district among the nodes up to it, and that district's parents."""
        upto = whole.mask(order[: place[v] + 1])
        tied = set(district_of(whole, v, upto))
        parents = {p for w in tied for p in whole.parents[w]}
        return Factor(names[v], sorted_names((tied | parents) - {v}))

    unknown = sorted(district, key=place.__getitem__)
    parents = [set(whole.parents[v]) for v in unknown]
    common = {p for p in set.intersection(*parents) if not below[p]} - district
    waiting = list(counting)
    while waiting:  # what a node after R is told by counts, too
        v = waiting.pop()
        if below[v] and v not in district:
            new = {whole.index[n] for n in factor(v).given} - counting - district
            counting |= new
            waiting += new
    before = {v for v in counting if not below[v] and v not in district} - common
    after = [v for v in order if v in counting and below[v] and v not in district]
    return Bounding(
        names[x],
        names[y],
        tuple(Factor(names[v], sorted_names(set(whole.parents[v]))) for v in unknown),
        tuple(factor(v) for v in unknown),
        sorted_names(common),
        sorted_names(before),
        tuple(factor(v) for v in after),
        sharp=len(district) == 2 or _one_cause(graph, {names[v] for v in district}),
    )


def _counting(whole: CausalGraph, inside: bytearray, x: int, y: int) -> set[int]:
    """The nodes that the outcome still follows once nothing leads into the exposure."""
    found, stack = {y}, [y]
    while stack:
        v = stack.pop()
        if v == x:
            continue
        for p in whole.parents[v]:
            if inside[p] and p not in found:
                found.add(p)
                stack.append(p)
    return found - {x}


def _one_cause(graph: CausalGraph, district: set[str]) -> bool:
    """Whether one unobserved node is a cause of all of them, through unobserved nodes alone."""
    for v in range(len(graph)):
        if graph.observed[v]:
            continue
        reached, stack = set[str](), [v]
        while stack:
            for c in graph.children[stack.pop()]:
                if graph.observed[c]:
                    reached.add(graph.names[c])
                else:
                    stack.append(c)
        if district <= reached:
            return True
    return False
