"""The parsed spec: what the user wrote, typed, each part with its place in the file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from dagreg.errors import Diagnostic, Span
from dagreg.lazy import Lazy
from dagreg.spec.brief import Brief, cut

if TYPE_CHECKING:
    from dagreg import families
else:  # few specs have trials, and the families take time to load
    families = Lazy("dagreg.families")

Level = str | int | float | bool
Side = Level | tuple[Level, ...]
NodeType = Literal[
    "continuous", "positive", "proportion", "binary", "count", "categorical", "ordinal", "group"
]
Transform = Literal["log", "log1p", "logit", "sqrt", "center", "standardize"]
Kind = Literal["total", "direct", "mediation"]
Among = Literal["everyone", "treated", "untreated"]
Standardise = Literal["rows", "bayesian bootstrap"]
Missing = Literal["error", "drop", "impute"]
EngineSetting = Literal["auto", "exact", "nuts"]  # "auto", or an engine of `engines/table.py`
Coding = Literal["reference", "index"]
CurveKind = Literal["poly", "spline"]
MAX_SEED = 2**32 - 1
LEVELS = (0.01, 0.999)  # of intervals: those that draws can tell
LEVEL = 0.94  # the probability of every interval, unless another is asked for


@dataclass(frozen=True, slots=True, repr=False)
class Node(Brief):
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


@dataclass(frozen=True, slots=True, repr=False)
class Edge(Brief):
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


@dataclass(frozen=True, slots=True, repr=False)
class Effect(Brief):
    """The question. `contrast` is (from, to) on the exposure's scale; None asks for the default one.

    With several exposures a side is one value for all of them, or a tuple of one for each. `doses` lists the
    doses of a dose-response curve, or says how many it has.
    """

    exposure: tuple[str, ...]
    outcome: str
    kind: Kind = "total"
    contrast: tuple[Side, Side] | None = None
    by: tuple[str, ...] = ()
    adjust: Adjust | None = None
    among: Among = "everyone"
    doses: tuple[float, ...] | int | None = None
    standardise: Standardise = "rows"
    assume: Assumption | None = None
    compare: tuple[str, ...] | None = None  # what a regression of the user's own adjusts for
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
class Assumption:
    """An unobserved common cause of exposure and outcome that the graph lacks, with priors of its strength.

    `exposure` and `outcome`: what an sd more of it adds to each, all else the same.
    """

    name: str
    exposure: Prior
    outcome: Prior


@dataclass(frozen=True, slots=True)
class Curve:
    """A term that is a curve: `poly(degree)`, `spline(columns)`."""

    kind: CurveKind
    columns: int
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.kind}({self.columns})"


@dataclass(frozen=True, slots=True, repr=False)
class Regression(Brief):
    """What the user says about the regression of one response.

    `coding`: levels against their reference and an intercept, or with `index` a coefficient for each level
    and no intercept. `cells`: the nodes of whose levels each combination has a mean of its own.
    """

    response: str
    family: str | None = None
    link: str | None = None
    coding: Coding = "reference"
    cells: tuple[str, ...] = ()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    interactions: tuple[tuple[str, ...], ...] | None = (
        None  # (): none at all, not even those that `by` asks for
    )
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
    engine: EngineSetting = "auto"


@dataclass(frozen=True, slots=True)
class DataRef:
    """Where the data are. `source` is a path (relative to the spec's folder) or a connection string."""

    source: str
    table: str | None = None
    query: str | None = None
    span: Span | None = None

    @property
    def is_connection(self) -> bool:
        """Whether it leads to a database."""
        return "://" in self.source


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Spec:
    """A whole spec file. `nodes` keeps the order of declaration (or of first use in `edges`).

    `Spec(edges=["z -> x, y", "x -> y"], effect="x -> y")` makes one of plain Python values by the keys of a
    file, with the same checks: it raises SpecError with every mistake, shown in the YAML that says the same.
    Made of its own parts (`Node`, `Edge`, `Effect`, ...) it is taken as it is.
    """

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
    notes: tuple[Diagnostic, ...] = ()  # what a reader has to say of a spec that is in order

    def __init__(
        self,
        name: str | None = None,
        nodes: Mapping[str, Any] | None = None,
        edges: Any = None,
        effects: Any = None,
        data: Any = None,
        missing: Missing = "error",
        regressions: Mapping[str, Any] | None = None,
        sampling: Any = None,
        path: str | os.PathLike[str] | None = None,
        declared: bool = False,
        text: str = "",
        places: Mapping[tuple[str | int, ...], Span] | None = None,
        notes: tuple[Diagnostic, ...] = (),
        *,
        effect: Any = None,
        **other: Any,
    ) -> None:
        """`path` is the file that relative paths of data start from; `other` keys are mistakes,
        and reported.
        """
        given: dict[str, Any] = {
            "name": name,
            "data": data,
            "missing": missing,
            "nodes": nodes,
            "edges": edges,
        }
        given |= {
            "effect": effect,
            "effects": effects,
            "regressions": regressions,
            "sampling": sampling,
            **other,
        }
        read_already = (
            bool(nodes) or bool(text) or places is not None
        )  # no nodes: what a reader makes of a mistake
        if effect is None and not other and read_already and _made_of_parts(given):
            parts = {
                **given,
                "effects": tuple(effects or ()),
                "regressions": {} if regressions is None else regressions,
                "sampling": Sampling() if sampling is None else sampling,
                "path": path,
                "declared": declared,
                "text": text,
                "places": {} if places is None else places,
                "notes": notes,
            }
        else:
            from dagreg.spec.python import built  # which reads what this file defines

            given["missing"] = None if missing == "error" else missing  # the default goes without saying
            read = built(given, None if path is None else os.fspath(path))
            parts = {entry.name: getattr(read, entry.name) for entry in fields(read)}
        for entry in fields(Spec):
            object.__setattr__(self, entry.name, parts[entry.name])

    def __repr__(self) -> str:
        asked = (
            "; ".join(f"{e.kind} {', '.join(e.exposure)} -> {e.outcome}" for e in self.effects) or "no effect"
        )
        return cut(f"<Spec {self.name!r}: {len(self.nodes)} nodes, {len(self.edges)} edges; {asked}>")

    def with_sampling(self, **settings: int | str | None) -> Spec:
        """The spec with sampling settings replaced where a value is given."""
        given: dict[str, Any] = {key: value for key, value in settings.items() if value is not None}
        return replace(self, sampling=replace(self.sampling, **given))

    def family_of(self, name: str) -> str | None:
        """The family that the spec declares for a response, or that its trials say; None where it leaves it
        open.
        """
        node, regression = self.nodes[name], self.regressions.get(name)
        declared = (regression.family if regression else None) or node.family
        if declared is not None or node.trials is None:
            return declared
        family = families.default_family("trials")
        return family.name if family is not None else None

    def place(self, *path: str | int) -> Span | None:
        """Where a value stands: `place("nodes", "x", "type")`, `place("effects", 0, "by")`; None if not
        written.
        """
        return self.places.get(path)


def _made_of_parts(given: Mapping[str, Any]) -> bool:
    """Whether these are a spec's parts as a reader makes them, and no plain values."""
    nodes, edges = given["nodes"], given["edges"]
    several = (
        (nodes.values() if isinstance(nodes, Mapping) else nodes, Node),
        (edges, Edge),
        (given["effects"] or (), Effect),
        (
            (given["regressions"] or {}).values()
            if isinstance(given["regressions"] or {}, Mapping)
            else None,
            Regression,
        ),
    )
    single = isinstance(given["data"], DataRef | None) and isinstance(given["sampling"], Sampling | None)
    return single and all(
        isinstance(values, Iterable)
        and not isinstance(values, str | Mapping)
        and all(isinstance(v, kind) for v in values)
        for values, kind in several
    )
