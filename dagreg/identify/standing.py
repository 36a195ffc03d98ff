"""Whether an answer still holds in another graph over the same nodes, and what there would be instead.

Of the answer it is asked whether *its own* formula still gives the effect: a valid set stays valid, whatever
other set would be chosen now. A graph with fewer edges has no more models, so what held goes on to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagreg.graph.ancestry import descendants
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import separated
from dagreg.identify.case import Case
from dagreg.identify.chosen_rows import holds_at_levels
from dagreg.identify.conditional import conditional_effect
from dagreg.identify.explain import identify
from dagreg.identify.expression import render
from dagreg.identify.frontdoor import frontdoor_candidates, largest_frontdoor
from dagreg.identify.functional import is_identified
from dagreg.identify.instrument import instruments
from dagreg.identify.mediation import natural_effects
from dagreg.identify.strategies import functional_of
from dagreg.identify.types import (
    Adjustment,
    AdjustmentAtLevels,
    Changes,
    FrontDoor,
    Functional,
    FunctionalAtLevels,
    Hedge,
    Identified,
    Instrument,
    NotAtLevels,
    OnTreated,
    PathEffect,
    Query,
    Strategy,
    ZeroByGraph,
)

ORDER: tuple[Changes, ...] = ("verdict", "strategy", "set")  # the gravest first
MAX_WORK = 20_000  # of a search for another instrument


@dataclass(frozen=True, slots=True)
class Change:
    """What of an answer would be another; `strategy` is the new one, and `zero` says that the effect is."""

    what: Changes
    strategy: Strategy | None
    zero: bool = False
    levels: bool = False  # the average holds; the effect at the levels asked for does not
    part: str = ""  # "natural direct effect": what the total is made of does not


class Standing:
    """One answer, to be held against other graphs over the same nodes."""

    def __init__(self, graph: CausalGraph, answer: Identified | Instrument) -> None:
        self.answer = answer
        self.query: Query = replace(answer.justification.query, adjust=None)
        self.zero = Case.of(graph, self.query).zero
        self.used = tuple(sorted(graph.index[v] for v in _used(answer)))

    @property
    def averages(self) -> bool:
        """Whether the answer is the average effect; else it is that at some levels alone."""
        levels = self.answer.justification.conditional
        return not (isinstance(levels, AdjustmentAtLevels) and levels.alone)

    def change(self, graph: CausalGraph) -> Change | None:
        """The gravest change that this graph brings; None where the answer holds in it."""
        case = Case.of(graph, self.query)
        found = [c for c in self._changes(case) if c is not None]
        return min(found, key=lambda c: ORDER.index(c.what)) if len(found) > 0 else None

    def _changes(self, case: Case) -> Iterator[Change | None]:
        why = self.answer.justification
        if self.averages:
            main = self._main(case)
            yield main
            if isinstance(why.treated, OnTreated):
                yield self._treated(case, holds=main is None)
        yield self._levels(case)
        if why.mediation is not None:
            before = (why.mediation.direct, why.mediation.indirect)
            after = natural_effects(case.graph, case.xs, case.y)
            yield from map(_part, before, after)

    def _main(self, case: Case) -> Change | None:
        if self._holds(case):
            return None
        strategy = _strategy(case)
        if isinstance(self.answer, Instrument):
            pairs = () if strategy is not None else instruments(case.criterion, 1, MAX_WORK)[0]
            if strategy is not None or len(pairs) == 0:
                return Change("verdict" if strategy is None else "strategy", strategy, case.zero)
            return Change("set", "instrument")
        if strategy is None or self.zero != case.zero:
            return Change("verdict", strategy, case.zero)
        return Change("set" if strategy == self.answer.strategy else "strategy", strategy)

    def _holds(self, case: Case) -> bool:
        """Whether the answer's own formula gives the effect; that of a zero effect is not asked to be zero
        again.
        """
        if self.zero and not case.zero:
            return False
        match self.answer:
            case Adjustment():
                return case.criterion.valid(self.used)
            case FrontDoor():
                return case.zero or _is_frontdoor(case, self.used)
            case Functional(estimand=estimand):
                formula = functional_of(case, case.graph)
                return formula is not None and not isinstance(formula, Hedge) and render(formula) == estimand
            case ZeroByGraph():
                return True
            case Instrument(instruments=zs, given=given):
                index = case.graph.index
                return _are_instruments(case, [index[z] for z in zs], [index[w] for w in given])

    def _treated(self, case: Case, *, holds: bool) -> Change | None:
        """A set without consequences of the exposure is asked for; minimal sets and the O-set have none."""
        below = descendants(case.graph, case.xs)
        if holds and not any(below[v] for v in self.used):
            return None
        given = case.criterion.one() is not None
        return Change("set" if given else "verdict", "adjustment" if given else None)

    def _levels(self, case: Case) -> Change | None:
        before = self.answer.justification.conditional
        if before is None or isinstance(before, NotAtLevels):
            return None
        if isinstance(before, AdjustmentAtLevels) and _at_levels(case, before):
            return None
        now = conditional_effect(case.having(case.criterion.one(), ()))
        if now is None or isinstance(now, NotAtLevels):
            return Change("verdict", None, levels=True)
        if isinstance(before, FunctionalAtLevels) and now.estimand == before.estimand:
            return None
        same = now.strategy == before.strategy
        return Change("set" if same else "strategy", now.strategy, levels=True)


def _used(answer: Identified | Instrument) -> tuple[str, ...]:
    """The nodes that the answer's formula chooses: covariates, mediators, instruments, their conditions."""
    match answer:
        case Adjustment():
            return answer.adjusted_for
        case FrontDoor():
            return answer.mediators
        case Instrument():
            return (*answer.instruments, *answer.given)
        case Functional() | ZeroByGraph():
            return ()


def _strategy(case: Case) -> Strategy | None:
    """The first strategy that answers, as `identify` tries them; None too where the graph makes it zero."""
    if case.selected:
        fresh = identify(case.graph, replace(case.query, by=(), among="everyone"))
        return fresh.strategy if isinstance(fresh, Identified) else None
    if case.criterion.one() is not None:
        return "adjustment"
    if case.zero:
        return None
    if case.query.kind == "direct":
        formula = functional_of(case, case.graph)
        return None if formula is None or isinstance(formula, Hedge) else "functional"
    if not is_identified(case.graph, case.xs, case.y):
        return None
    candidates = frontdoor_candidates(case.graph, case.xs, case.y)
    front = largest_frontdoor(case.graph, case.xs, case.y, (), candidates)
    return "functional" if front is None else "frontdoor"


def _is_frontdoor(case: Case, mediators: tuple[int, ...]) -> bool:
    candidates = frontdoor_candidates(case.graph, case.xs, case.y)
    if not all(candidates[m] for m in mediators):
        return False
    within = case.graph.mask(mediators)
    return largest_frontdoor(case.graph, case.xs, case.y, mediators, within) is not None


def _are_instruments(case: Case, zs: list[int], given: list[int]) -> bool:
    """Whether each of them is an instrument given `given` (Henckel, Buttenschoen and Maathuis 2024).

    Of a zero effect, too: z tells x, and nothing of y.
    """
    criterion, graph = case.criterion, case.graph
    if not all(criterion.allowed[v] for v in (*zs, *given)):
        return False
    ws = (*given, *criterion.selection.before)
    return all(
        not separated(graph, (z,), criterion.xs, ws) and separated(criterion.cut, (z,), (criterion.y,), ws)
        for z in zs
    )


def _at_levels(case: Case, levels: AdjustmentAtLevels) -> bool:
    """Whether the set still gives the effect at each level; as `conditional.conditional_set` asks."""
    graph, criterion = case.graph, case.criterion
    zs, ws = ([graph.index[v] for v in names] for names in (levels.adjustment, levels.given))
    below = descendants(graph, case.xs)
    moved = case.query.kind != "direct" and any(below[v] for v in (*zs, *ws))
    if moved:
        return False
    if case.selected and case.query.kind != "direct" and not case.zero:
        return all(criterion.allowed[v] for v in (*zs, *ws)) and holds_at_levels(criterion, zs, ws)
    return criterion.valid((*zs, *ws))


def _part(before: PathEffect, after: PathEffect) -> Change | None:
    """What becomes of a natural effect."""
    if not before.identified or (after.zero and not before.zero):
        return None
    if not after.identified or before.zero != after.zero:
        return Change("verdict", None, part=before.name)
    if before.estimand != after.estimand:
        return Change("set", "functional", part=before.name)
    return None
