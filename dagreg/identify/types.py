"""What identification answers: `Identified` or `NotIdentified`, each with its whole justification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dagreg.errors import Span
from dagreg.identify.expression import Expression
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
    minimum: tuple[str, ...] | None = None  # a valid set with the fewest members; None too where not searched for
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
class Instrument:
    instrument: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Conditional(Brief):
    """The effect at each level of `given`: P(outcome | do(exposure), given).

    `strategy` and `estimand` are None where it is not identified; `adjustment` holds what is
    adjusted for besides `given`, None where no set serves.
    """

    given: tuple[str, ...]
    strategy: Strategy | None
    adjustment: tuple[str, ...] | None
    estimand: str | None
    functional: Expression | None
    reason: str  # a whole sentence
    alone: bool = False  # the average over the levels is not identified: the answer is the effect at each of them

    @property
    def identified(self) -> bool:
        return self.estimand is not None


@dataclass(frozen=True, slots=True)
class Treated:
    """The effect over those who were seen at one level of the exposure. `estimand` is None where it is not given."""

    group: Among
    estimand: str | None
    reason: str  # whole sentences

    @property
    def identified(self) -> bool:
        return self.estimand is not None


@dataclass(frozen=True, slots=True, repr=False)
class PathEffect(Brief):
    """The effect along some causal paths, with the exposure unchanged (at x*) along all others.

    `estimand` is the distribution of the outcome with the exposure at x along `paths` and at x* elsewhere, None where
    it is not identified or zero. `witness` names the recanting node or district that forbids it.
    """

    name: str  # "natural direct effect", or the mediator, or the path
    paths: tuple[str, ...]
    identified: bool
    zero: bool
    estimand: str | None
    functional: Expression | None
    reason: str  # a whole sentence
    witness: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Mediation(Brief):
    """What of a mediation question is identified. Mediators count jointly in `direct` and `indirect`.

    Natural direct: Y(x, M(x*)) - Y(x*, M(x*)). Natural indirect: Y(x, M(x)) - Y(x, M(x*)); the two add up to the
    total, and both rest on the one cross-world distribution that is their `estimand`.
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
    instruments: tuple[Instrument, ...] = ()
    notes: tuple[str, ...] = ()  # further sentences for the reader: positivity, optimality not guaranteed, ...
    conditional: Conditional | None = None  # for a question `by` levels
    mediation: Mediation | None = None  # for a question of kind mediation
    treated: Treated | None = None  # for a question about the treated or the untreated


@dataclass(frozen=True, slots=True, repr=False)
class Identified(Brief):
    """The effect is a functional of the observed distribution.

    `strategy` is None only for an effect that is zero by the graph and has no separating set
    (the outcome causes the exposure).
    """

    justification: Justification
    strategy: Strategy | None
    estimand: str  # readable formula: "sum_z P(y | x, z) P(z)"
    functional: Expression | None = None  # the same formula as a tree


@dataclass(frozen=True, slots=True, repr=False)
class NotIdentified(Brief):
    """No functional of the observed distribution gives the effect; `open_paths` stay open whatever is adjusted for.

    `strategy` is "instrument" where an instrument offers an answer resting on linearity.
    """

    justification: Justification
    reason: str
    open_paths: tuple[str, ...]
    hedge: Mapping[str, tuple[str, ...]] | None = None
    measure: tuple[tuple[str, ...], ...] = ()
    strategy: Strategy | None = None
    suggestions: tuple[str, ...] = ()  # what would help, a sentence each
    survives: OddsRatio | None = None  # what rows chosen on the outcome still tell


Answer = Identified | NotIdentified
