"""Questions to a source in SQL: grouped tables, and the moments of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from dagreg.sources.source import Source, identifier, quote
from dagreg.sources.types import Grouping, Sum
from dagreg.spec.types import Level


def literal(level: Level) -> str:
    """A level as an SQL literal."""
    return quote(level) if isinstance(level, str) else repr(level)


def grouped_sql(source: Source, grouping: Grouping, select: str, where: str) -> str:
    """SELECT keys, sums FROM select GROUP BY keys, ordered by the keys."""
    keys = [f"{source.value(c)} AS {identifier(c)}" for c in grouping.keys]
    sums = [f"{_sum(source, s)} AS {identifier(s.name)}" for s in grouping.sums]
    kept = "" if where == "TRUE" else f" WHERE {where}"
    order = ", ".join(str(i + 1) for i in range(len(keys)))
    ending = f" GROUP BY {order} ORDER BY {order}" if keys else ""
    return f"SELECT {', '.join([*keys, *sums])} FROM {select}{kept}{ending}"


def _sum(source: Source, total: Sum) -> str:
    """Sums in floating point: exact for whole numbers below 2^53, and no type that NumPy lacks."""
    if not total.factors:
        return "CAST(count(*) AS DOUBLE)"
    first, *others = total.factors
    parts = [_factor(source, f) for f in others]
    level = f"({source.value(str(first))} = {literal(total.level)})" if total.level is not None else None
    head = f"CAST({level} AS DOUBLE)" if level else _factor(source, first)
    return f"sum({' * '.join([head, *parts])})"


def _factor(source: Source, factor: str | int) -> str:
    return source.real(factor) if isinstance(factor, str) else f"{factor}.0"


@dataclass(frozen=True, slots=True)
class Column:
    """A number of every row in SQL, and one near its mean, for sums that lose no digits to it."""

    sql: str
    near: float


def parts_sql(source: Source, columns: Sequence[str], groups: int, where: str) -> str:
    """The rows of every distinct combination in every group: its place in their order, the group,
    the count.
    """
    keys = ", ".join(f"k{i}" for i in range(len(columns)))
    named = ", ".join(f"{source.value(c)} AS k{i}" for i, c in enumerate(columns))
    dealt = f"SELECT {named}, {source.numbering} % {groups} AS part FROM {source.select} WHERE {where}"
    counted = f"SELECT {keys}, part, count(*) AS counted FROM ({dealt}) AS dealt GROUP BY {keys}, part"
    return f"SELECT dense_rank() OVER (ORDER BY {keys}) - 1, part, counted FROM ({counted}) AS combinations"


def moments_sql(
    source: Source, columns: Sequence[Column], groups: int, where: str, *, extremes: bool = False
) -> str:
    """A row for each group of rows: its number, its rows, sums and cross-products, less what columns are
    near.

    With `extremes` then the rows that have a value of each column, the smallest, and the largest values.
    """
    here = range(len(columns))
    named = [f"{c.sql} - {c.near!r} AS v{i}" for i, c in enumerate(columns)]
    sums = [f"sum(v{i})" for i in here]
    sums += [f"sum(v{i} * v{j})" for i, j in combinations_with_replacement(here, 2)]
    if extremes:
        named += [f"{c.sql} AS r{i}" for i, c in enumerate(columns)]
        sums += [f"{f}(r{i})" for f in ("count", "min", "max") for i in here]
    group = f"{source.numbering} % {groups}" if groups > 1 else "0"
    numbered = f"SELECT {group} AS part, {', '.join(named)} FROM {source.select} WHERE {where}"
    return (
        f"SELECT part, count(*), {', '.join(sums)} FROM ({numbered}) AS numbered GROUP BY part ORDER BY part"
    )
