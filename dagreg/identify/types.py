"""What identification answers: `Identified` or `NotIdentified`, each with its whole justification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dagreg.errors import Span
from dagreg.identify.expression import Expression
from dagreg.spec.types import Adjust, Kind

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
    by: tuple[str, ...] = ()  # the effect is wanted at each level of these, too
    by_span: Span | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentSets:
    """The adjustment sets of a query.

    `minimal == ()` means that no set exists, `((),)` that the empty set is one.
    `chosen` is None exactly where no set is valid. Sets are sorted tuples.
    """

    minimal: tuple[tuple[str, ...], ...]
    truncated: bool
    optimal: tuple[str, ...] | None
    chosen: tuple[str, ...] | None
    reason: str  # why this set was chosen, or why there is none; whole sentences


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


@dataclass(frozen=True, slots=True)
class Justification:
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


@dataclass(frozen=True, slots=True)
class Identified:
    """The effect is a functional of the observed distribution.

    `strategy` is None only for an effect that is zero by the graph and has no separating set
    (the outcome causes the exposure).
    """

    justification: Justification
    strategy: Strategy | None
    estimand: str  # readable formula: "sum_z P(y | x, z) P(z)"
    functional: Expression | None = None  # the same formula as a tree


@dataclass(frozen=True, slots=True)
class NotIdentified:
    """No functional of the observed distribution gives the effect; `open_paths` stay open whatever is adjusted for.

    `strategy` is "instrument" where an instrument offers an answer resting on linearity.
    """

    justification: Justification
    reason: str
    open_paths: tuple[str, ...]
    hedge: Mapping[str, tuple[str, ...]] | None = None
    measure: tuple[tuple[str, ...], ...] = ()
    strategy: Strategy | None = None


Answer = Identified | NotIdentified
