"""What a source answers about its columns, and the grouped tables that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dagreg.spec.brief import Brief
from dagreg.spec.types import Level

ColumnKind = Literal["number", "text", "boolean"]


@dataclass(frozen=True, slots=True)
class Categories:
    """A table's own word that a column holds names and no numbers; `order`, the lowest first, where it knows
    one.
    """

    ordinal: bool  # whether the order is more than a list
    order: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class ColumnSummary(Brief):
    """All that the compiler knows of a column. Moments are of the column as stored, missing values apart."""

    kind: ColumnKind
    missing: int
    distinct: int
    levels: tuple[Level, ...]  # sorted distinct values; () where there are too many to list
    counts: tuple[int, ...] = ()  # rows of each level
    integral: bool = False  # whole numbers only
    mean: float = float("nan")
    sd: float = float("nan")
    minimum: float = float("nan")
    maximum: float = float("nan")
    categories: Categories | None = None  # where the table declares the column to hold some


@dataclass(frozen=True, slots=True)
class Sum:
    """A column of a grouped table: the sum over a group's rows of the product of these columns and numbers.

    `level`: the first factor is a column of levels and counts 1 where it has this one, 0 elsewhere.
    """

    name: str
    factors: tuple[str | int, ...]
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """A table with one row for each distinct combination of the columns `keys`."""

    keys: tuple[str, ...]
    sums: tuple[Sum, ...]
