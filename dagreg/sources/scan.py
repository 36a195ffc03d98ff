"""The numbers of a large table in one scan: the summary of every plain column, and the cross-products of all.

The first rows say which columns are plain: numbers without gaps and with too many values to be levels. They
also say what each is near. Sums of what is left over that lose no digits: the mean of the first rows is off
by at most sd * sqrt(rows / `FIRST`), about 20 sds of ten million rows. Columns that turn out to have gaps, or
values that are not finite, are left to the questions that `Source.summarise` asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.numerics.rounding import MAX_NUMBER
from dagreg.sources.moments import GROUPS, Moments, unpacked
from dagreg.sources.source import LEVEL_CAP, Source
from dagreg.sources.sql import Column, moments_sql
from dagreg.sources.types import ColumnSummary

FIRST = 20_000  # rows that are looked at first
MIN_DISTINCT = 2 * LEVEL_CAP  # distinct values from which a column of numbers cannot have levels


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over a table has told: nothing, where the table is small or no column is plain."""

    columns: Mapping[str, ColumnSummary] = field(default_factory=dict)
    moments: Moments | None = None


def scan(source: Source, columns: Sequence[str]) -> Scan:
    """The plain ones among these columns over all rows; of each the distinct values are counted in the first
    rows.
    """
    numbers = [c for c in columns if source.kind(c) == "number"]
    if not numbers or not source.scans or not source.large:
        return Scan()
    first = source.read(f"{source.query(numbers)} LIMIT {FIRST}", {c: source.values(c) for c in numbers})
    distinct = {
        c: len(np.unique(np.ma.getdata(v))) for c, v in first.items() if _is_plain(v, whole=_whole(source, c))
    }
    plain = [c for c in numbers if distinct.get(c, 0) > MIN_DISTINCT]
    if not plain:
        return Scan()
    wanted = tuple(Column(source.real(c), float(np.ma.getdata(first[c]).mean())) for c in plain)
    answer = source.fetch(moments_sql(source, wanted, GROUPS, "TRUE", extremes=True))
    moments, extremes = unpacked(answer, wanted), _extremes(answer, len(wanted))
    full = extremes[0] == moments.units.sum()
    small = np.abs(extremes[1:]).max(axis=0) <= MAX_NUMBER
    kept = [
        i for i in range(len(plain)) if full[i] and small[i] and np.isfinite(moments.products[:, i, i]).all()
    ]
    found = {
        plain[i]: _summary(
            moments, wanted[i], distinct[plain[i]], extremes[1:, i], whole=_whole(source, plain[i])
        )
        for i in kept
    }
    return Scan(found, moments.only(kept))


def _whole(source: Source, column: str) -> bool:
    return source.values(column) == "int64"


def _is_plain(values: np.ma.MaskedArray[Any, Any], *, whole: bool) -> bool:
    """Whether the first rows have all values, and show whether they are whole numbers."""
    if np.ma.is_masked(values):
        return False
    numbers = np.ma.getdata(values)
    return whole or bool(np.isfinite(numbers).all() and (numbers != np.floor(numbers)).any())


def _extremes(answer: Sequence[Sequence[float]], width: int) -> npt.NDArray[np.float64]:
    """Rows with a value, smallest and largest value of every column, over all groups."""
    parts = np.array([row[-3 * width :] for row in answer], dtype=np.float64).reshape(len(answer), 3, width)
    return np.array([parts[:, 0].sum(axis=0), parts[:, 1].min(axis=0), parts[:, 2].max(axis=0)])


def _summary(
    moments: Moments, column: Column, distinct: int, ends: npt.NDArray[np.float64], *, whole: bool
) -> ColumnSummary:
    units, means, products = moments.about_the_mean([column], None)
    sd = float(np.sqrt(max(products[0, 0], 0.0) / (units - 1)))
    low, high = ends.tolist()
    return ColumnSummary("number", 0, distinct, (), (), whole, float(means[0]), sd, low, high)
