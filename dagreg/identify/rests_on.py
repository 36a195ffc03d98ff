"""What an answer rests on: every single edge whose presence, or absence, would undo it.

Each absent edge is added in turn, each present arrow turned, and of an instrument's answer each edge dropped
(what holds in a graph holds in one with fewer edges, but for an instrument's tie to the exposure). Most edges
are settled for all pairs at once, by what they would open (`graph.added`) and by which nodes they would make
consequences of the exposure; only the others are held against the answer one by one (`standing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from dagreg.graph.added import Added
from dagreg.graph.ancestry import ancestors, both, descendants, members
from dagreg.graph.causal import CausalGraph
from dagreg.graph.implications import Implication
from dagreg.graph.separators import Budget
from dagreg.identify.case import Case
from dagreg.identify.choice import canonical_set
from dagreg.identify.frontdoor import without_effects
from dagreg.identify.functional import ranks
from dagreg.identify.standing import ORDER, Change, Standing
from dagreg.identify.types import (
    Adjustment,
    Answer,
    Footing,
    FrontDoor,
    Functional,
    FunctionalAtLevels,
    Instrument,
    NotIdentified,
    Support,
    ZeroByGraph,
)
from dagreg.identify.words import quoted

MAX_NODES = 60  # nodes between which edges are tried, the nearest to the question first
MAX_WORK = 600_000  # nodes and edges visited for edges that are tried one by one
PASSES = 12  # over the graph, that one trial takes,
PASSES_OF_LEVELS = 30  # where the effect is asked for at levels,
PASSES_OF_PARTS = 150  # and where natural effects are
MAX_SUPPORTS = 200
MAX_CLAIMS = 60  # independences that edges are held against

Mask = bytearray


def rests_on(graph: CausalGraph, answer: Answer, implied: Sequence[Implication] | None = None) -> Footing:
    """The edges on which an answer rests, the easiest to doubt first; nothing of a refusal.

    `implied` are the independences that data can refute; None where the list of them is not whole.
    """
    return Footing() if isinstance(answer, NotIdentified) else _Search(graph, answer, implied).footing()


@dataclass(frozen=True, slots=True)
class _Trial:
    """An edge to be added, dropped, or turned; `place` is its place in the list."""

    place: int
    tail: int
    head: int
    arc: bool = False
    present: bool = False
    turned: bool = False


class _Suspects:
    """Which edges may undo an answer: a superset, told for all pairs at once."""

    def __init__(self, graph: CausalGraph, case: Case, standing: Standing) -> None:
        self.all = case.selected
        self.added: list[Added] = []
        self.arcs = bytearray(len(graph))  # arcs between any two of these
        self.arrows: list[tuple[Mask, Mask]] = []  # arrows from any of the ones to any of the others
        if not self.all:
            self._fill(graph, case, standing)

    def _fill(self, graph: CausalGraph, case: Case, standing: Standing) -> None:
        xs, y, used, answer = case.xs, case.y, standing.used, standing.answer
        everything = bytearray(b"\1") * len(graph)
        below, above_used = descendants(graph, xs), ancestors(graph, used)
        above = ancestors(graph, [y])
        self.arrows.append((below, above_used))  # a member would follow from the exposure
        match answer:
            case Adjustment() if standing.averages:
                self.added.append(Added.to(case.criterion.cut, xs, (y,), used))
                moved = both(below, above_used)
                for x in xs:
                    moved[x] = 0
                self.arrows.append((descendants(graph, members(moved)), above))
            case FrontDoor():
                self.added.append(Added.to(without_effects(graph, xs), xs, used, ()))
                self.added.append(Added.to(without_effects(graph, used), used, (y,), xs))
                past = graph.mask(used)
                self.arrows.append((descendants(graph, xs, past), ancestors(graph, [y], past)))
            case Functional():
                self._within(above, everything)
            case Instrument(instruments=zs, given=given):
                ws = [graph.index[w] for w in given]
                self.added += [Added.to(case.criterion.cut, (graph.index[z],), (y,), ws) for z in zs]
        if standing.zero:
            self.arrows.append((below, above))
        why = answer.justification
        if isinstance(why.conditional, FunctionalAtLevels):
            self._within(ancestors(graph, [y, *(graph.index[w] for w in why.conditional.given)]), everything)
        if why.mediation is not None and (
            why.mediation.direct.identified or why.mediation.indirect.identified
        ):
            self._within(above, everything)

    def _within(self, above: Mask, everything: Mask) -> None:
        for v in members(above):
            self.arcs[v] = 1
        self.arrows.append((everything, above))

    def arc(self, a: int, b: int) -> bool:
        return self.all or bool(self.arcs[a] and self.arcs[b]) or any(t.by_arc(a, b) for t in self.added)

    def arrow(self, a: int, b: int) -> bool:
        return (
            self.all
            or any(tails[a] and heads[b] for tails, heads in self.arrows)
            or any(t.by_arrow(a, b) for t in self.added)
        )


class _Search:
    def __init__(
        self,
        graph: CausalGraph,
        answer: Adjustment | FrontDoor | Functional | Instrument | ZeroByGraph,
        implied: Sequence[Implication] | None,
    ) -> None:
        self.implied = implied
        self.graph = graph
        self.answer = answer
        self.standing = Standing(graph, answer)
        self.case = Case.of(graph, self.standing.query)
        self.suspects = _Suspects(graph, self.case, self.standing)
        self.budget = Budget(MAX_WORK)
        self.part = self._parts()
        self.nodes = sorted(range(len(graph)), key=lambda v: (self.part[v], v))[:MAX_NODES]
        self.below: dict[int, bytearray] = {}
        self.rank = ranks(graph)

    def footing(self) -> Footing:
        found: list[tuple[tuple[int, int], Support]] = []
        cut = len(self.nodes) < len(self.graph)
        for trial in sorted(self._trials(), key=lambda t: t.place):
            if len(found) == MAX_SUPPORTS:
                cut = True
                break
            change = self._change(trial)
            if change is not None:
                found.append(((trial.place, ORDER.index(change.what)), self._support(trial, change)))
        return Footing(tuple(s for _, s in sorted(found, key=lambda f: f[0])), cut or self.budget.exhausted)

    # ------------------------------------------------------------ the edges

    def _parts(self) -> list[int]:
        """0 an exposure, 1 the outcome, 2 a mediator, 3 a member of the set, 4 observed, 5 unobserved."""
        graph, case = self.graph, self.case
        part = [4 if o else 5 for o in graph.observed]
        for v, c in enumerate(case.criterion.causal):
            part[v] = 2 if c and graph.observed[v] else part[v]
        for v in self.standing.used:
            part[v] = 2 if isinstance(self.answer, FrontDoor) else 3
        part[case.y] = 1
        for x in case.xs:
            part[x] = 0
        return part

    def _trials(self) -> Iterator[_Trial]:
        graph, suspects, nodes = self.graph, self.suspects, self.nodes
        for i, a in enumerate(nodes):
            children, siblings = set(graph.children[a]), set(graph.siblings[a])
            parents = set(graph.parents[a])
            for b in nodes[i + 1 :]:
                if b not in siblings and suspects.arc(a, b):
                    yield _Trial(self._place_of_arc(a, b), a, b, arc=True)
                if b in children or b in parents:
                    tail, head = (a, b) if b in children else (b, a)
                    if self._may_turn(tail, head):
                        yield _Trial(
                            self._place_of_arrow(tail, head, turned=True),
                            tail,
                            head,
                            present=True,
                            turned=True,
                        )
                else:
                    for tail, head in ((a, b), (b, a)):
                        if suspects.arrow(tail, head):
                            yield _Trial(self._place_of_arrow(tail, head), tail, head)
                yield from self._dropped(a, b)

    def _dropped(self, a: int, b: int) -> Iterator[_Trial]:
        """Edges whose absence may undo an answer: of an instrument's, all."""
        if not isinstance(self.answer, Instrument):
            return
        if b in self.graph.siblings[a]:
            yield _Trial(self._place_of_arc(a, b), a, b, arc=True, present=True)
        for tail, head in ((a, b), (b, a)):
            if head in self.graph.children[tail]:
                yield _Trial(self._place_of_arrow(tail, head), tail, head, present=True)

    def _may_turn(self, tail: int, head: int) -> bool:
        """Whether to turn it may undo the answer.

        Where it lies on no causal path, the graph without it leaves as much closed as the graph with it, so
        that the arrow back opens no more than it would beside it.
        """
        causal = self.case.criterion.causal
        on_path = (causal[tail] or tail in self.case.xs) and bool(causal[head])
        return on_path or isinstance(self.answer, Instrument) or self.suspects.arrow(head, tail)

    def _makes_cycle(self, trial: _Trial) -> bool:
        a, b = trial.tail, trial.head
        if trial.arc or (trial.present and not trial.turned):
            return False
        if trial.turned:
            return any(c != b and self._leads(c, b) for c in self.graph.children[a])
        return self._leads(b, a)

    def _leads(self, a: int, b: int) -> bool:
        """Whether a directed path leads from a to b; yes where that is not found out any more."""
        if self.rank[a] > self.rank[b]:
            return False
        if a not in self.below:
            if not self.budget.spend(self.graph.size):
                return True
            self.below[a] = descendants(self.graph, [a])
        return bool(self.below[a][b])

    # ------------------------------------------------------------ their order

    def _place_of_arc(self, a: int, b: int) -> int:
        """Common causes: of exposure and outcome, of a mediator and the outcome, of the exposure and a
        mediator, with a member of the set, with another node, with one that is not observed.
        """
        first, second = sorted((self.part[a], self.part[b]))
        if second == 5:
            return 50
        if isinstance(self.answer, Instrument) and (first, second) == (1, 3):
            return 0
        main = {(0, 1): 1, (1, 2): 2, (0, 2): 3}
        return main.get((first, second), 5 if second == 2 else 10 if second == 3 else 20)

    def _place_of_arrow(self, tail: int, head: int, *, turned: bool = False) -> int:
        """Arrows come after common causes, but for the way round of a causal path and an instrument's own."""
        first, second = self.part[tail], self.part[head]
        if isinstance(self.answer, Instrument) and {first, second} == {1, 3}:
            return 0
        if max(first, second) == 5:
            return 60
        if turned:
            return 4 if max(first, second) < 3 else 40
        return 30 if min(first, second) < 3 else 35

    # ------------------------------------------------------------ their trial

    def _change(self, trial: _Trial) -> Change | None:
        if self._makes_cycle(trial):
            return None
        known = self._known(trial)
        if known is not None:
            return known
        why = self.answer.justification
        passes = (
            PASSES_OF_PARTS if why.mediation is not None else PASSES_OF_LEVELS if why.query.by else PASSES
        )
        if not self.budget.spend(passes * self.graph.size):
            return None
        return self.standing.change(_changed(self.graph, trial))

    @cached_property
    def _plain(self) -> bool:
        """Whether the answer is a set for the average alone, of which `Added` tells all that arcs do."""
        why = self.answer.justification
        return (
            isinstance(self.answer, Adjustment)
            and not self.case.selected
            and why.treated is None
            and why.mediation is None
            and why.conditional is None
        )

    @cached_property
    def _any_set(self) -> Added:
        """What edges leave no set at all: of `<->`, those that open the set that is valid if any is."""
        criterion = self.case.criterion
        return Added.to(criterion.cut, criterion.xs, (criterion.y,), canonical_set(criterion))

    @cached_property
    def _near(self) -> bytearray:
        return ancestors(self.graph, [*self.case.xs, self.case.y])

    @cached_property
    def _below_exposure(self) -> bytearray:
        return descendants(self.graph, self.case.xs)

    def _known(self, trial: _Trial) -> Change | None:
        """That another set would do, where it shows without a trial.

        Causal nodes and what may be adjusted for do not change with an arc, nor with an arrow from a node
        that does not follow from the exposure. The canonical set is then An(X, Y) as far as it may be used:
        the same where the arrow's head is outside An(X, Y), and where both its ends are within.
        """
        if not self._plain or trial.present:
            return None
        a, b, near = trial.tail, trial.head, self._near
        another = Change("set", "adjustment")
        if trial.arc:
            return None if self._any_set.by_arc(a, b) else another
        if self._below_exposure[a] or not self.suspects.added[0].by_arrow(a, b):
            return None
        if not near[b]:
            return another
        return another if near[a] and not self._any_set.by_arrow(a, b) else None

    # ------------------------------------------------------------ in words

    def _support(self, trial: _Trial, change: Change) -> Support:
        names, mark = self.graph.names, "<->" if trial.arc else "->"
        tail, head = names[trial.tail], names[trial.head]
        edge = f"{tail} {mark} {head}"
        absent = "" if trial.present else edge
        if trial.turned:
            absent = f"{head} -> {tail}"
        return Support(
            absent,
            edge if trial.present else "",
            change.what,
            change.strategy,
            _claim(trial, tail, head),
            self._otherwise(change),
            self._testable(trial),
        )

    def _testable(self, trial: _Trial) -> bool | None:
        """Whether data can tell the two graphs apart by an independence.

        An edge more takes away the independence of its ends where there is one, and maybe others. An arrow
        turned changes none exactly where its ends have the same parents otherwise (Chickering 1995, lemma 1),
        all being observed.
        """
        graph, a, b = self.graph, trial.tail, trial.head
        if trial.turned:
            if not all(graph.observed) or any(graph.siblings) or any(graph.selected):
                return None
            return {*graph.parents[b]} - {a} != {*graph.parents[a]}
        if trial.present or self.implied is None or not (graph.observed[a] and graph.observed[b]):
            return None
        if frozenset((graph.names[a], graph.names[b])) in self._apart:
            return True
        if len(self.implied) > MAX_CLAIMS:
            return None
        return any(t.by_arc(a, b) if trial.arc else t.by_arrow(a, b) for t in self._claims)

    @cached_property
    def _apart(self) -> set[frozenset[str]]:
        """The pairs that the graph makes independent given something."""
        return {frozenset((i.x, i.y)) for i in self.implied or ()}

    @cached_property
    def _claims(self) -> list[Added]:
        """What edges would take away the independences that the graph implies."""
        index = self.graph.index
        return [
            Added.to(self.graph, (index[i.x],), (index[i.y],), [index[g] for g in i.given])
            for i in self.implied or ()
        ]

    def _otherwise(self, change: Change) -> str:
        at = f" at the levels of {quoted(self.answer.justification.query.by)}" if change.levels else ""
        whose = f"the {change.part}" if change.part else "the effect"
        match change.what:
            case "set" if change.strategy == "adjustment":
                return f"another set has to be adjusted for{at}"
            case "set" if change.strategy == "instrument":
                return "another instrument, or the same given other variables, is needed"
            case "set" if change.strategy == "frontdoor":
                return "the front-door formula needs other mediators"
            case "set":
                return f"another formula gives {whose}{at}"
            case "strategy":
                return f"{_WAYS[change.strategy or '']}{at}"
            case "verdict" if change.zero and self.standing.zero:
                return "no set of variables puts the zero to the test"
            case "verdict" if change.zero:
                return "the effect is zero by the graph"
            case "verdict" if change.strategy is not None:
                return "the effect need not be zero"
            case "verdict":
                still = isinstance(self.answer, Instrument)
                return "no instrument is left" if still else f"{whose}{at} is not identified"


_WAYS = {
    "adjustment": "a set of covariates gives the effect",
    "frontdoor": "no set is enough, and the front-door formula is needed",
    "functional": "no set is enough, and a formula of the ID algorithm is needed",
}


def _claim(trial: _Trial, tail: str, head: str) -> str:
    if trial.turned:
        return f"`{tail}` acts on `{head}`, not `{head}` on `{tail}`"
    if trial.present:
        return (
            f"an unobserved cause of both `{tail}` and `{head}`"
            if trial.arc
            else f"`{tail}` acts on `{head}`"
        )
    if trial.arc:
        return f"no unobserved cause of both `{tail}` and `{head}`"
    return f"no arrow from `{tail}` to `{head}`"


def _changed(graph: CausalGraph, trial: _Trial) -> CausalGraph:
    a, b = trial.tail, trial.head
    if trial.turned:
        return graph.without([(a, b)]).adding(b, a)
    if trial.arc:
        return graph.parting(a, b) if trial.present else graph.joining(a, b)
    return graph.without([(a, b)]) if trial.present else graph.adding(a, b)
