"""What identification answers: one type for each strategy, and `NotIdentified`, each with its whole
justification.

A new strategy is a type here, with its name and words, and its place in `Answer`: the type checker then lists
the matches that have to know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from dagreg.errors import Span
from dagreg.identify.expression import Expression, render
from dagreg.spec.brief import Brief
from dagreg.spec.types import Adjust, Among, Kind

Strategy = Literal["adjustment", "frontdoor", "functional", "instrument"]
Role = Literal[
    "exposure",
    "outcome",
    "confounder",
    "mediator",
    "collider",
    "descendant of exposure",
    "descendant of outcome",
    "ancestor of outcome",
    "instrument",
    "unobserved",
    "unrelated",
]


@dataclass(frozen=True, slots=True)
class Query:
    """The effect asked for."""

    exposure: tuple[str, ...]
    outcome: str
    kind: Kind = "total"
    adjust: Adjust | None = None
    by: tuple[str, ...] = ()  # asked for at each level of these
    span: Span | None = None  # where the spec asks it
    among: Among = "everyone"  # whom it is averaged over


@dataclass(frozen=True, slots=True, repr=False)
class AdjustmentSets(Brief):
    """The adjustment sets of a query.

    `minimal == ()` means that no set exists, `((),)` that the empty set is one.
    `chosen` is None exactly where no set is valid. Sets are sorted tuples.
    """

    minimal: tuple[tuple[str, ...], ...]
    truncated: bool
    optimal: tuple[str, ...] | None
    chosen: tuple[str, ...] | None
    reason: str  # why this set was chosen, or why there is none; whole sentences
    minimum: tuple[str, ...] | None = (
        None  # a valid set with the fewest members; None too where not searched for
    )
    cheapest: tuple[str, ...] | None = None  # one of least cost to measure


@dataclass(frozen=True, slots=True)
class NodeNote:
    """A node's roles, whether it is in the chosen set, and why, naming the path it opens or closes."""

    name: str
    roles: tuple[Role, ...]
    in_set: bool
    why: str
    harmful: bool = False  # adjusting for it (on top of the chosen set) would bias the effect


@dataclass(frozen=True, slots=True)
class PathNote:
    """A path between exposure and outcome.

    `open` is its state before any adjustment. `closed_by` names the members of the chosen set that
    close it, or for a path closed without adjustment its colliders. `open_after` is its
    state given the chosen set (or given nothing, where there is none).
    """

    path: str  # "x <- z -> y"
    causal: bool
    open: bool
    closed_by: tuple[str, ...]
    open_after: bool


@dataclass(frozen=True, slots=True)
class ConditionalInstrument:
    """A variable that is an instrument given others."""

    instrument: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class AdjustmentAtLevels(Brief):
    """P(outcome | do(exposure), given) by adjusting for `adjustment` besides `given`.

    `alone`: the average over the levels is not identified; the answer is the effect at each of them.
    """

    strategy: ClassVar[Strategy] = "adjustment"
    given: tuple[str, ...]
    reason: str  # a whole sentence
    adjustment: tuple[str, ...]
    functional: Expression
    alone: bool = False

    @property
    def estimand(self) -> str:
        return render(self.functional)

    @property
    def adjusted_for(self) -> tuple[str, ...]:
        """The set of the regression: the levels asked for with what is adjusted for besides."""
        return tuple(sorted({*self.adjustment, *self.given}))


@dataclass(frozen=True, slots=True, repr=False)
class FunctionalAtLevels(Brief):
    """P(outcome | do(exposure), given) by the ID algorithm for conditional effects."""

    strategy: ClassVar[Strategy] = "functional"
    given: tuple[str, ...]
    reason: str  # a whole sentence
    functional: Expression

    @property
    def estimand(self) -> str:
        return render(self.functional)


@dataclass(frozen=True, slots=True, repr=False)
class NotAtLevels(Brief):
    """The effect at the levels of `given` is not identified, or no strategy is tried."""

    given: tuple[str, ...]
    reason: str  # a whole sentence


Conditional = AdjustmentAtLevels | FunctionalAtLevels | NotAtLevels
"""The effect at each level of some variables."""


@dataclass(frozen=True, slots=True)
class OnTreated:
    """The effect over those who were seen at one level of the exposure."""

    identified: ClassVar[bool] = True
    group: Among
    reason: str  # whole sentences
    estimand: str


@dataclass(frozen=True, slots=True)
class NotOnTreated:
    """The effect over those who were seen at one level of the exposure is not given."""

    identified: ClassVar[bool] = False
    estimand: ClassVar[None] = None
    group: Among
    reason: str  # whole sentences


Treated = OnTreated | NotOnTreated


@dataclass(frozen=True, slots=True, repr=False)
class PathsIdentified(Brief):
    """The effect along some causal paths, with the exposure unchanged (at x*) along all others.

    `functional` is the distribution of the outcome with the exposure at x along `paths` and at x* elsewhere.
    """

    identified: ClassVar[bool] = True
    zero: ClassVar[bool] = False
    witness: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "It is identified by the edge g-formula."
    name: str  # "natural direct effect", or the mediator, or the path
    paths: tuple[str, ...]
    functional: Expression

    @property
    def estimand(self) -> str:
        return render(self.functional)


@dataclass(frozen=True, slots=True, repr=False)
class PathsZero(Brief):
    """There is no such path: the effect is zero by the graph."""

    identified: ClassVar[bool] = True
    zero: ClassVar[bool] = True
    paths: ClassVar[tuple[str, ...]] = ()
    witness: ClassVar[tuple[str, ...]] = ()
    functional: ClassVar[None] = None
    estimand: ClassVar[None] = None
    name: str
    reason: str  # a whole sentence


@dataclass(frozen=True, slots=True, repr=False)
class PathsNotIdentified(Brief):
    """The effect along these paths is not identified.

    `witness` is the recanting node or district that forbids it.
    """

    identified: ClassVar[bool] = False
    zero: ClassVar[bool] = False
    functional: ClassVar[None] = None
    estimand: ClassVar[None] = None
    name: str
    paths: tuple[str, ...]
    reason: str  # a whole sentence
    witness: tuple[str, ...] = ()  # none where the total effect is not identified either


PathEffect = PathsIdentified | PathsZero | PathsNotIdentified


@dataclass(frozen=True, slots=True, repr=False)
class Mediation(Brief):
    """What of a mediation question is identified. Mediators count jointly in `direct` and `indirect`.

    Natural direct: Y(x, M(x*)) - Y(x*, M(x*)). Natural indirect: Y(x, M(x)) - Y(x, M(x*)); the two add up to
    the total, and both rest on the one cross-world distribution that is their `estimand`.
    """

    mediators: tuple[str, ...]
    reference: str  # the name of the exposure's other value in the formulas: "x*"
    direct: PathEffect
    indirect: PathEffect
    through: tuple[PathEffect, ...]  # all paths through one mediator, where there are several
    paths: tuple[PathEffect, ...]  # single paths, where there are several
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """What survives a selection on the outcome: the conditional odds ratio of exposure and outcome."""

    given: tuple[str, ...]
    reason: str  # whole sentences


@dataclass(frozen=True, slots=True, repr=False)
class Justification(Brief):
    """What both answers carry: the sets, the nodes, the paths."""

    query: Query
    causal_path: bool
    adjustment: AdjustmentSets
    nodes: Mapping[str, NodeNote]
    paths: tuple[PathNote, ...]
    paths_truncated: bool
    frontdoor: tuple[tuple[str, ...], ...] = ()
    instruments: tuple[ConditionalInstrument, ...] = ()
    notes: tuple[
        str, ...
    ] = ()  # further sentences for the reader: positivity, optimality not guaranteed, ...
    conditional: Conditional | None = None  # for a question `by` levels
    mediation: Mediation | None = None  # for a question of kind mediation
    treated: Treated | None = None  # for a question about the treated or the untreated

    def noting(self, *sentences: str) -> Justification:
        """The same with further notes."""
        return replace(self, notes=(*self.notes, *sentences))


@dataclass(frozen=True, slots=True)
class Hedge:
    """The witness that no functional exists: two c-forests, `inner` within `outer`, over one root set.

    Two models agree on everything observed and differ in P(y | do(x)) because of them.
    """

    outer: tuple[str, ...]
    inner: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class WithFunctional(Brief):
    """The effect is a functional of the observed distribution: what all such answers have."""

    words: ClassVar[str]  # "The effect is identified ..."
    for_everyone: ClassVar[str]  # why it does not give the effect on the treated: "... here ..."
    in_words: ClassVar[str] = ""  # what the formula does, with holes {x}, {y} and {m}, the mediators
    justification: Justification
    estimand: str  # readable formula: "sum_z P(y | x, z) P(z)"
    functional: Expression  # the same formula as a tree


@dataclass(frozen=True, slots=True, repr=False)
class Adjustment(WithFunctional):
    """A regression on the exposure and a valid set."""

    strategy: ClassVar[Strategy] = "adjustment"
    words = "by adjustment: one regression of the outcome, with the right covariates, is enough"
    for_everyone = "no set of variables separates exposure and outcome"
    adjusted_for: tuple[str, ...]  # by that regression; where levels are asked for, they are among them


@dataclass(frozen=True, slots=True, repr=False)
class ByFormula(WithFunctional):
    """A formula gives the effect where no regression alone does; all such answers are lowered alike.

    `strategy` is also the name of the estimator that evaluates it.
    """

    strategy: ClassVar[Strategy]
    formula: ClassVar[str]  # in words: "the front-door formula"


@dataclass(frozen=True, slots=True, repr=False)
class FrontDoor(ByFormula):
    """The front-door formula through `mediators`, which carry the whole effect."""

    strategy = "frontdoor"
    words = (
        "by the front-door formula: the whole effect passes through observed variables whose own effects "
        "can be told from confounding"
    )
    for_everyone = "the front-door formula gives it for everyone only"
    formula = "the front-door formula"
    in_words = (
        "In words: {m} carries the whole effect. How {x} moves {m} is seen directly, for nothing confounds "
        "the two; "
        "how {m} then moves {y} is seen within each value of {x}, which closes every other path. The formula "
        "joins "
        "the two steps."
    )
    mediators: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Functional(ByFormula):
    """Another formula, found by the ID algorithm."""

    strategy = "functional"
    words = (
        "by the ID algorithm (Tian and Pearl 2002; Shpitser and Pearl 2006), although no set of variables "
        "is enough to adjust for"
    )
    for_everyone = "the ID algorithm gives it for everyone only"
    formula = "the formula"
    in_words = (
        "The formula was derived from the graph step by step. Every distribution in it can be estimated from "
        "data of these variables."
    )


@dataclass(frozen=True, slots=True, repr=False)
class ZeroByGraph(WithFunctional):
    """Zero, and no separating set would test it: the outcome causes the exposure."""

    strategy: ClassVar[None] = None
    words = "by the graph alone: it is zero"
    for_everyone = "no set of variables separates exposure and outcome"


@dataclass(frozen=True, slots=True, repr=False)
class NoFunctional(Brief):
    """No functional of the observed distribution gives the effect; `open_paths` stay open whatever is
    adjusted for.
    """

    justification: Justification
    reason: str
    open_paths: tuple[str, ...]
    hedge: Hedge | None = None
    measure: tuple[tuple[str, ...], ...] = ()
    suggestions: tuple[str, ...] = ()  # what would help, a sentence each
    survives: OddsRatio | None = None  # what rows chosen on the outcome still tell


@dataclass(frozen=True, slots=True, repr=False)
class Instrument(NoFunctional):
    """Instruments offer an answer all the same; it rests on linearity.

    `instruments` are all those that share the smallest conditioning set, `given`.
    """

    strategy: ClassVar[Strategy] = "instrument"
    instruments: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NotIdentified(NoFunctional):
    """Nothing answers: neither a formula nor an instrument."""

    strategy: ClassVar[None] = None


Changes = Literal["verdict", "strategy", "set"]


@dataclass(frozen=True, slots=True)
class Support:
    """An edge on which an answer rests: with `absent` in the graph, or without `present`, it would not hold.

    Where both are named, `absent` is `present` turned round. `changes` says what would be another: the
    `verdict` (the effect is not identified, or is no longer zero, or is), the `strategy`, or the `set` (of
    covariates, mediators or instruments; for the ID algorithm the formula). `strategy` is the new one, None
    where there is none.
    """

    absent: str  # "x <-> y", "x -> y"; "" where an edge is only taken away
    present: str  # "" where an edge is only added
    changes: Changes
    strategy: Strategy | None
    claim: str  # what is taken on trust: "no unobserved cause of both `x` and `y`"
    otherwise: str  # what would be, were it not so: "the effect is not identified"
    testable: bool | None = (
        None  # whether data of the observed nodes can tell the two graphs apart; None: unknown
    )


@dataclass(frozen=True, slots=True, repr=False)
class Footing(Brief):
    """What an answer rests on, the easiest to doubt first. `truncated`: not every edge was tried."""

    supports: tuple[Support, ...] = ()
    truncated: bool = False


NO_FOOTING = Footing()

Identified = Adjustment | FrontDoor | Functional | ZeroByGraph
Answer = Identified | Instrument | NotIdentified
