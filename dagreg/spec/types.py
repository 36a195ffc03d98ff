"""The parsed spec: what the user wrote, typed, each part with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dagreg.errors import Span

Level = str | int | float | bool
Side = Level | tuple[Level, ...]
NodeType = Literal["continuous", "positive", "proportion", "binary", "count", "categorical", "ordinal", "group"]
Transform = Literal["log", "log1p", "logit", "sqrt", "center", "standardize"]
Kind = Literal["total", "direct", "mediation"]
Among = Literal["everyone", "treated", "untreated"]
Standardise = Literal["rows", "bayesian bootstrap"]
Missing = Literal["error", "drop", "impute"]
Engine = Literal["auto", "exact", "nuts"]
Coding = Literal["reference", "index"]
CurveKind = Literal["poly", "spline"]


@dataclass(frozen=True, slots=True)
class Node:
    """A variable of the graph. `type` is None where it is left to the data; an unobserved node has none."""

    name: str
    observed: bool = True
    type: NodeType | None = None
    levels: tuple[Level, ...] | None = None
    reference: Level | None = None
    column: str | None = None  # None: the column has the node's own name
    transform: Transform | None = None
    label: str | None = None
    unit: str | None = None
    description: str | None = None
    family: str | None = None
    link: str | None = None
    trials: str | int | None = None
    offset: str | None = None
    error: str | None = None
    error_is_scale: bool = False  # error: {scale: column}
    censored: str | None = None  # column of flags
    upper: str | None = None  # column of the upper bounds of intervals
    slopes: tuple[str, ...] = ()
    pool: bool = False
    cost: float = 1.0
    selected: bool = False
    position: tuple[float, float] | None = None  # of the node in a drawing by dagitty; dagreg only keeps it
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`source -> target`, or with `bidirected` an unobserved common cause of exactly these two."""

    source: str
    target: str
    bidirected: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Adjust:
    """What the user says about the adjustment set: exactly this set, or bounds on it."""

    exactly: tuple[str, ...] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """The question. `contrast` is (from, to) on the exposure's scale; None asks for the default one.

    With several exposures a side is one value for all of them, or a tuple of one for each. `curve` lists the doses of
    a dose-response curve, or says how many it has.
    """

    exposure: tuple[str, ...]
    outcome: str
    kind: Kind = "total"
    contrast: tuple[Side, Side] | None = None
    by: tuple[str, ...] = ()
    adjust: Adjust | None = None
    among: Among = "everyone"
    curve: tuple[float, ...] | int | None = None
    standardise: Standardise = "rows"
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior as written: a distribution of the closed grammar and its numbers, in PyMC's order."""

    distribution: str
    arguments: tuple[float, ...]
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.distribution}({', '.join(format(a, '.12g') for a in self.arguments)})"


@dataclass(frozen=True, slots=True)
class Curve:
    """A term that is a curve: `poly(degree)`, `spline(columns)`."""

    kind: CurveKind
    columns: int
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.kind}({self.columns})"


@dataclass(frozen=True, slots=True)
class Regression:
    """What the user says about the regression of one response.

    `coding`: levels against their reference and an intercept, or with `index` a coefficient for each level and no
    intercept. `cells`: the nodes of whose levels each combination has a mean of its own.
    """

    response: str
    family: str | None = None
    link: str | None = None
    coding: Coding = "reference"
    cells: tuple[str, ...] = ()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    interactions: tuple[tuple[str, ...], ...] | None = None  # (): none at all, not even those that `by` asks for
    varying: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    seed: int = 2026
    target_accept: float = 0.9
    engine: Engine = "auto"


@dataclass(frozen=True, slots=True)
class DataRef:
    """Where the data are. `source` is a path (relative to the spec's folder) or a connection string."""

    source: str
    table: str | None = None
    query: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec file. `nodes` keeps the order of declaration (or of first use in `edges`)."""

    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    effects: tuple[Effect, ...] = ()
    data: DataRef | None = None
    missing: Missing = "error"
    regressions: Mapping[str, Regression] = field(default_factory=dict)
    sampling: Sampling = Sampling()
    path: str | None = None  # as given on the command line; None for a Spec built in Python
    declared: bool = False  # a `nodes:` section is present, so it is complete
    text: str = ""
    places: Mapping[tuple[str | int, ...], Span] = field(default_factory=dict, repr=False)

    def place(self, *path: str | int) -> Span | None:
        """Where a value stands: `place("nodes", "x", "type")`, `place("effects", 0, "by")`; None if not written."""
        return self.places.get(path)
