"""What is known of the data: their columns in a few numbers, and the nodes as variables of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagreg.errors import Span
from dagreg.sources.types import ColumnSummary
from dagreg.spec.brief import Brief
from dagreg.spec.types import CurveKind, Level, NodeType, Transform


@dataclass(frozen=True, slots=True, repr=False)
class CurveBasis(Brief):
    """A curve with its knots, in ascending order; none where they wait for the data."""

    kind: CurveKind
    columns: int
    knots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CurveSummary:
    """What the data say of a curve: where its knots are, and the mean of each of its columns."""

    basis: CurveBasis
    means: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class DataSummary(Brief):
    """The data in a few numbers: rows, and a summary for each column that a node names."""

    rows: int
    columns: Mapping[str, ColumnSummary]
    transformed: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # by node: mean and sd
    products: Mapping[str, tuple[tuple[float, float], ...]] = field(
        default_factory=dict
    )  # "x:g": its columns
    curves: Mapping[str, CurveSummary] = field(default_factory=dict)  # "x spline(4)"


@dataclass(frozen=True, slots=True, repr=False)
class Variable(Brief):
    """A node as the model sees it. `levels` holds the reference first, and is () for numbers.

    Levels become one 0/1 column for each level but the reference; of a pooled variable they become one column
    of positions, the reference being 0. `mean` and `sd` are of the coded, transformed variable, None where
    there are no data.
    """

    name: str
    symbol: str  # a Python identifier, unique within the program
    column: str
    type: NodeType
    levels: tuple[Level, ...] = ()
    transform: Transform | None = None
    transform_at: tuple[float, float] = (0.0, 1.0)  # what center and standardize subtract and divide by
    inferred: bool = False
    missing: int = 0  # values to impute, in the rows used
    filler: Level = 0  # what stands in their place until then
    pooled: bool = False  # its levels share a distribution of the coefficients that vary between them
    integral: bool = False
    mean: float | None = None
    sd: float | None = None
    shares: tuple[float, ...] = ()  # of the levels, the reference first
    unit: str | None = None
    label: str | None = None
    span: Span | None = None

    @property
    def coded(self) -> bool:
        """Whether it stands for several 0/1 columns."""
        return len(self.levels) > 2 and not self.pooled

    @property
    def sampled(self) -> bool:
        """Whether its levels are a sample of a population of groups: clusters, people, sites."""
        return self.pooled and self.type == "group"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its design columns: `x`, or `x[b]`, `x[c]` for levels other than the reference."""
        if not self.levels or self.type == "binary" or self.pooled:
            return (self.name,)
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    @property
    def every_level(self) -> tuple[str, ...]:
        """The names of its columns where each level has one, the reference first."""
        return tuple(f"{self.name}[{level}]" for level in self.levels)
