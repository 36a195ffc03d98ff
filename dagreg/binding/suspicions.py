"""Columns of numbers that are hardly meant as numbers: codes for missing values, names of groups, numbers of
rows.

Each rule is held to so rarely true of ordinary columns that its warning can be believed
(`tests/test_columns.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dagreg.binding.offences import reading
from dagreg.errors import Doubt
from dagreg.model.summary import DataSummary
from dagreg.numerics.arrays import optimize, stats
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Node, Spec

_NINES = (9, 99, 999, 9999, 99999, 999999)
SENTINELS = frozenset(
    float(sign * n)
    for sign in (1, -1)
    for k in _NINES
    for n in (k, k // 9 * 8, k - 1, k - 2)
    if sign < 0 or n > 9
) - {-1.0, -2.0}
FARTHER = 3.0  # times the range of all other values that a code for a missing value lies beyond them
MIN_ROWS = 8  # rows from which columns are looked at
CODES = range(3, 11)  # how many codes there are
MAX_ORDER_PROBABILITY = 1e-5  # probability of means as far from any order as these, were they in order
_ID = re.compile(
    r"(?:.*[_\s.-])?(?i:ids?|uu?id|index|rownames|row(?:id)?|(?:row|case)[_ ]?number|unnamed: "
    r"?0)|.*[a-z]I[Dd]"
)


def odd_columns(
    source: Source, spec: Spec, names: Sequence[str], summary: DataSummary, where: str
) -> tuple[Doubt, ...]:
    """Warnings about columns of these nodes that hold numbers and are hardly meant as numbers."""
    return tuple(Doubt(code, said) for code, said in suspicions(source, spec, names, summary, where))


def suspicions(
    source: Source, spec: Spec, names: Sequence[str], summary: DataSummary, where: str
) -> Iterator[tuple[str, str]]:
    """The code and the sentence of each warning. Codes are held against the outcome of the first effect."""
    outcome = (
        spec.nodes[spec.effects[0].outcome] if spec.effects and spec.effects[0].outcome in names else None
    )
    for name in names:
        node = spec.nodes[name]
        column = summary.columns.get(node.column or name)
        if column is None or column.kind != "number" or summary.rows < MIN_ROWS or not _free(node, spec):
            continue
        if column.categories is not None:
            continue
        shown = f"column `{node.column or name}`"
        code = sentinel(source, node.column or name, column, where) if node.transform is None else None
        if code is not None:
            value, rows, low, high = code
            yield (
                "DR349",
                f"{value:g} in {shown} looks like a code for a missing value: it stands in {rows} rows, "
                f"and all others lie between {low:.6g} and {high:.6g}. If so, "
                f"{_without(source, node, value)} and say `missing: drop`.",
            )
        elif is_id(node.column or name, column, summary.rows):
            yield (
                "DR351",
                f"{shown[:1].upper()}{shown[1:]} holds another whole number in every row, as ids do, and "
                f"enters as a number. If it names the rows, take `{name}` out of the graph.",
            )
        elif outcome is not None and outcome is not node and node.type is None and _codes(column):
            yield from _kinds(source, node, column, outcome, where)


def _kinds(
    source: Source, node: Node, column: ColumnSummary, outcome: Node, where: str
) -> Iterator[tuple[str, str]]:
    if nominal(source, node.column or node.name, outcome.column or outcome.name, where):
        yield (
            "DR350",
            f"Column `{node.column or node.name}` holds the codes 1 to {column.maximum:g} and enters as a "
            f"number, but `{outcome.name}` neither rises nor falls with them. If they are names of kinds, "
            f"say `{node.name}: categorical`; if not, `{node.name}: count` takes them as a number.",
        )


def _without(source: Source, node: Node, value: float) -> str:
    return reading(source, node.column or node.name, f"nullif({{x}}, {value:g})") + ","


def _free(node: Node, spec: Spec) -> bool:
    """Whether nothing but its column says what a node is: no type with levels, no trials, no censoring."""
    grouping = any(node.name in r.varying for r in spec.regressions.values())
    levelled = node.type in ("binary", "categorical", "ordinal", "group") or grouping
    return not levelled and node.trials is None and node.censored is None


def sentinel(
    source: Source, name: str, column: ColumnSummary, where: str
) -> tuple[float, int, float, float] | None:
    """A code for a missing value at one end of a column, far beyond the rest: it, its rows, and the rest's
    ends.
    """
    real = source.real(name)
    for value in (column.minimum, column.maximum):
        if value not in SENTINELS:
            continue
        asked = f"min({real}), max({real}), count(*), count(DISTINCT {real})"
        kept = f"({where}) AND {source.complete([name])} AND {real} <> {value!r}"
        ((low, high, rows, distinct),) = source.fetch(f"SELECT {asked} FROM {source.select} WHERE {kept}")
        total = sum(column.counts) or source.rows(f"({where}) AND {source.complete([name])}")
        told = total - int(rows)
        often = told > 1 or value < 0  # the largest of a long tail may be 99 by chance, once
        if distinct > 2 and often and _far(value, float(low), float(high)):
            return value, told, float(low), float(high)
    return None


def _far(value: float, low: float, high: float) -> bool:
    """Whether a value lies beyond the others by several times their range."""
    gap = low - value if value < low else value - high
    return gap > FARTHER * (high - low)


def is_id(name: str, column: ColumnSummary, rows: int) -> bool:
    """Whether a column that is called an id has another whole number in every row."""
    every = column.missing == 0 and column.integral and column.distinct == rows
    return every and _ID.fullmatch(name) is not None


def _codes(column: ColumnSummary) -> bool:
    """Whether a column holds 1 to k."""
    k = column.distinct
    return (
        k in CODES and column.integral and column.minimum == 1 and column.maximum == k and bool(column.levels)
    )


def nominal(source: Source, codes: str, outcome: str, where: str) -> bool:
    """Whether the means of the outcome by code are in no order, beyond chance."""
    if source.kind(outcome) != "number":
        return False
    y = source.real(outcome)
    kept = f"({where}) AND {source.complete([codes, outcome])}"
    asked = f"{source.value(codes)}, count(*), avg({y}), coalesce(var_samp({y}), 0)"
    groups = source.fetch(f"SELECT {asked} FROM {source.select} WHERE {kept} GROUP BY 1 ORDER BY 1")
    rows, means, variances = (np.array([row[i] for row in groups], dtype=np.float64) for i in (1, 2, 3))
    return unordered(rows, means, variances)


def unordered(
    rows: npt.NDArray[np.float64], means: npt.NDArray[np.float64], variances: npt.NDArray[np.float64]
) -> bool:
    """Whether means of groups neither rise nor fall with the groups' order, beyond chance.

    The weighted sum of squares between the means and the nearest ones in order is at most chi-squared with
    one degree of freedom for each group but one (Robertson, Wright and Dykstra 1988, theorem 2.3.1), so the
    test is conservative.
    """
    if len(rows) < min(CODES) or (rows < 5).any() or not (variances > 0).all():
        return False
    weights = rows / variances
    gaps = [
        float(weights @ (means - optimize.isotonic_regression(means, weights=weights, increasing=up).x) ** 2)
        for up in (True, False)
    ]
    return math.isfinite(min(gaps)) and float(stats.chi2.sf(min(gaps), len(rows) - 1)) < MAX_ORDER_PROBABILITY
