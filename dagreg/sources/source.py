"""What every source of data answers.

The questions are SQL in DuckDB's words; a source says how they are put.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from dagreg.errors import DataError, Diagnostic, Offence
from dagreg.numerics.rounding import MAX_NUMBER
from dagreg.sources.reader import DUCKDB, Reader
from dagreg.sources.types import Categories, ColumnKind, ColumnSummary
from dagreg.spec.types import DataRef, Level

LEVEL_CAP = 1000  # distinct values that are listed as levels
MAX_GROUPS = 1_000_000  # those of a column of groups
EXACT_COUNTS = 500_000  # rows up to which distinct values are counted, not estimated
MAX_COLUMNS_AT_ONCE = (
    32  # columns summarised by one question: each distinct count holds a hash table meanwhile
)
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
"UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_TEXTS = ("VARCHAR", "ENUM")
_WIDE = ("DECIMAL", "HUGEINT", "UHUGEINT")
_REALS = ("DECIMAL", "HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE")

SECONDS = 600.0  # that one question to a query or a view of the user's may take
SECONDS_VARIABLE = "DAGREG_QUERY_SECONDS"  # where another number stands
MAX_SECONDS = 2e6  # above which neither timers nor PostgreSQL count
MAX_EXACT_INTEGER = 2**53  # whole numbers up to here are all doubles

Values = Literal["int64", "float64", "string", "boolean"]
"""What a column of an answer holds."""


def quote(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(ABC):
    """A table that answers a few questions. `select` is what stands after FROM; `origin` is shown to people.

    `sql_types` are DuckDB's. `script` is what stands after FROM in the emitted program; "" where no SQL of a
    program's own reaches the rows.
    """

    select: str
    origin: str
    sql_types: Mapping[str, str]
    script: str = ""
    repeated: frozenset[str] = frozenset()  # names that several columns of the table have
    notes: tuple[str, ...] = ()  # what people should know of how it is read
    categories: Mapping[str, Categories] = field(default_factory=dict)  # of columns declared to hold some

    # ------------------------------------------------------------ what each source has its own way of

    @abstractmethod
    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a short answer. Raises DataError where a database refuses."""

    @abstractmethod
    def read(self, sql: str, columns: Mapping[str, Values]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        """The columns of a long answer, missing values masked. Raises DataError where a database refuses."""

    @abstractmethod
    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        """These columns with missing values masked: every row, or some `most` of them at random from a larger
        table.
        """

    @abstractmethod
    def scripted(self, sql: str) -> str:
        """A question as a program of its own puts it."""

    @abstractmethod
    def sha256(self, columns: Sequence[str]) -> str | None:
        """A hash of the content; None where it would cost reading a database's table."""

    @property
    @abstractmethod
    def numbering(self) -> str:
        """The SQL of a number that deals the rows out evenly, the same at every scan."""

    @property
    def reader(self) -> Reader:
        """How the emitted program puts its questions."""
        return DUCKDB

    @property
    def packages(self) -> tuple[str, ...]:
        """Python packages through which it is read, beside dagreg's own dependencies."""
        return ()

    @property
    def estimates(self) -> bool:
        """Whether it estimates the number of distinct values for less than counting them."""
        return True

    @property
    def ordered(self) -> bool:
        """Whether its rows have places that people know them by."""
        return False

    @property
    def file(self) -> str:
        """The file's name in a spec; "" of what is no file."""
        return ""

    @property
    def scans(self) -> bool:
        """Whether the sums of many groups of rows cost about as much as those of all."""
        return False

    @property
    def elsewhere(self) -> bool:
        """Whether its rows are in a database of their own, which many of them should not leave."""
        return False

    @property
    def fence(self) -> str:
        """What ends a subquery whose columns are worked out once a row, and not wherever they are named."""
        return ""

    # ------------------------------------------------------------ columns

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.sql_types)

    def kind(self, column: str) -> ColumnKind | None:
        """Whether a column holds numbers, text or booleans; None for what a regression cannot take (dates,
        lists).
        """
        base = self._base(column)
        if base in _NUMBERS:
            return "number"
        if base in _TEXTS:
            return "text"
        return "boolean" if base == "BOOLEAN" else None

    def narrow(self, columns: Sequence[str], numbers: Collection[str] = ()) -> Self:
        """The same source with these columns only.

        Whole numbers with more digits than a double keeps are text, so that none of them merge, unless the
        column is among `numbers`: those that measure something.
        """
        if not columns:
            return self
        types = {c: self.sql_types[c] for c in columns}
        wide = [c for c in columns if c not in numbers and self._may_be_wide(c)]
        if wide:
            asked = [f"max(abs({n})), min(CAST({n} = floor({n}) AS INT))" for n in map(self.name, wide)]
            answer = self._row(f"SELECT {', '.join(asked)} FROM {self.select}")
            each = zip(wide, answer[::2], answer[1::2], strict=True)
            wide = [c for c, most, whole in each if whole and float(most) > MAX_EXACT_INTEGER]
        kept = types | dict.fromkeys(wide, "VARCHAR")
        return replace(self, sql_types=kept, notes=(*self.notes, *map(too_long, wide)))

    def _may_be_wide(self, column: str) -> bool:
        found = re.fullmatch(r"DECIMAL\((\d+),.*\)", self.sql_types[column])
        return self._base(column) in _WIDE and not (found and int(found[1]) < len(str(MAX_EXACT_INTEGER)))

    def name(self, column: str) -> str:
        """The SQL identifier of a column."""
        return identifier(column)

    @property
    def folds(self) -> bool:
        """Whether names that differ in case alone are one in its SQL."""
        return False

    def value(self, column: str) -> str:
        """The SQL of a column's values in the types that NumPy has."""
        if self._base(column) in ("DECIMAL", "HUGEINT", "UHUGEINT", "FLOAT"):
            return f"CAST({self.name(column)} AS DOUBLE)"
        return f"CAST({self.name(column)} AS VARCHAR)" if self.kind(column) == "text" else self.name(column)

    def real(self, column: str) -> str:
        """The SQL of a column's numbers in double precision."""
        return f"CAST({self.value(column)} AS DOUBLE)"

    def values(self, column: str) -> Values:
        """What `value` of a column holds."""
        if self.kind(column) == "number":
            return "float64" if self._base(column) in _REALS else "int64"
        return "boolean" if self.kind(column) == "boolean" else "string"

    def _base(self, column: str) -> str:
        return self.sql_types[column].split("(")[0]

    # ------------------------------------------------------------ conditions

    def complete(self, columns: Iterable[str]) -> str:
        """An SQL condition: every one of these columns has a value."""
        return " AND ".join(self._present(c) for c in columns) or "TRUE"

    def _present(self, column: str) -> str:
        name = self.name(column)
        if self.sql_types[column] in ("FLOAT", "DOUBLE"):
            return f"{name} IS NOT NULL AND NOT isnan({name})"
        return f"{name} IS NOT NULL"

    # ------------------------------------------------------------ counts

    def first(self, column: str, where: str) -> tuple[int | None, Level | None]:
        """The first row where `where` holds, counted from 1, and its value of a column.

        The row is None where the source has no order; both are where there is none.
        """
        value = self.value(column)
        if not self.ordered:
            found = self.fetch(f"SELECT {value} FROM {self.select} WHERE {where} LIMIT 1")
            return None, found[0][0] if found else None
        numbered = (
            f"SELECT row_number() OVER () AS place, {value} AS found, ({where}) AS meant FROM {self.select}"
        )
        rows = self.fetch(
            f"SELECT place, found FROM ({numbered}) AS numbered WHERE meant ORDER BY place LIMIT 1"
        )
        return (int(rows[0][0]), rows[0][1]) if rows else (None, None)

    def rows(self, where: str = "TRUE") -> int:
        """How many rows there are where `where` holds."""
        kept = "" if where == "TRUE" else f" WHERE {where}"
        return int(self._row(f"SELECT count(*) FROM {self.select}{kept}")[0])

    def missing(self, columns: Iterable[str]) -> dict[str, int]:
        """How many rows have no value, per column."""
        names = list(columns)
        if not names:
            return {}
        sums = ", ".join(f"count(*) FILTER (WHERE NOT ({self._present(c)}))" for c in names)
        return dict(zip(names, map(int, self._row(f"SELECT {sums} FROM {self.select}")), strict=True))

    def distinct(self, columns: Sequence[str], where: str = "TRUE") -> int:
        """How many distinct combinations of these columns there are where `where` holds."""
        named = ", ".join(f"{self.value(c)} AS {identifier(c)}" for c in columns) or "1"
        inner = f"SELECT DISTINCT {named} FROM {self.select} WHERE {where}"
        return int(self._row(f"SELECT count(*) FROM ({inner}) AS combinations")[0])

    def about(self, columns: Sequence[str], where: str = "TRUE") -> int:
        """The same within some per cent, by a sketch of constant size (Flajolet et al. 2007)."""
        together = ", ".join(map(self.value, columns))
        key = f"hash({together})" if len(columns) > 1 else together
        return int(self._row(f"SELECT approx_count_distinct({key}) FROM {self.select} WHERE {where}")[0])

    @property
    def large(self) -> bool:
        """Whether distinct values are better estimated than counted."""
        return self.estimates and self.rows() > EXACT_COUNTS

    def hashing(self, columns: Sequence[str]) -> Callable[[], str | None]:
        """The hash of the content once it is asked for, computed in the meantime where nothing speaks against
        it.
        """
        return lambda: self.sha256(columns)

    # ------------------------------------------------------------ summaries

    def summarise(
        self, columns: Sequence[str], where: str = "TRUE", groups: Collection[str] = ()
    ) -> dict[str, ColumnSummary]:
        """Counts, levels and moments of each column over the rows where `where` holds.

        Levels are listed where they are few; of the columns `groups`, up to `MAX_GROUPS` of them.
        Raises DataError where a column holds infinite values, or such as arithmetic cannot square (DR435).
        """
        if not columns:
            return {}
        many = self.large
        rows: dict[str, tuple[Any, ...]] = {}
        for at in range(0, len(columns), MAX_COLUMNS_AT_ONCE):
            some = columns[at : at + MAX_COLUMNS_AT_ONCE]
            aggregates = [self._aggregates(column, estimated=many) for column in some]
            flat = self._row(
                f"SELECT {', '.join(a for group in aggregates for a in group)} FROM {self.select} WHERE "
                f"{where}"
            )
            width = len(aggregates[0])
            rows |= {column: flat[i * width : (i + 1) * width] for i, column in enumerate(some)}
        most = {column: MAX_GROUPS if column in groups else LEVEL_CAP for column in columns}
        slack = 2 if many else 1  # an estimate may be too high
        levels = self.levels([column for column in columns if rows[column][1] <= slack * most[column]], where)
        return {c: self._summary(c, rows[c], levels.get(c, []), most[c]) for c in columns}

    def moments(self, expressions: Sequence[str], where: str = "TRUE") -> list[tuple[float, float]]:
        """Mean and standard deviation (denominator n - 1) of SQL expressions."""
        if not expressions:
            return []
        parts = ", ".join(f"avg({e}), coalesce(stddev_samp({e}), 0)" for e in expressions)
        numbers = list(map(_number, self._row(f"SELECT {parts} FROM {self.select} WHERE {where}")))
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def _aggregates(self, column: str, *, estimated: bool) -> tuple[str, ...]:
        """Missing, distinct, mean, sd, smallest, largest, whole numbers only, infinite, too large: a column's
        part.
        """
        here = f"FILTER (WHERE {self._present(column)})"
        value = self.value(column)
        distinct = f"approx_count_distinct({value})" if estimated else f"count(DISTINCT {value})"
        counted = (
            f"count(*) FILTER (WHERE NOT ({self._present(column)}))",
            f"{distinct} {here}",
        )
        if self.kind(column) != "number":
            return (*counted, "NULL", "NULL", "NULL", "NULL", "FALSE", "0", "0")
        real = self.real(column)
        finite = f"FILTER (WHERE {self._present(column)} AND isfinite({real}))"
        within = f"FILTER (WHERE {self._present(column)} AND abs({real}) <= {MAX_NUMBER!r})"
        moments = (f"{f}({real}) {within}" for f in ("avg", "stddev_samp"))
        ends = (f"{f}({real}) {finite}" for f in ("min", "max"))
        whole = f"bool_and({real} = floor({real})) {finite}"
        beyond = f"{self._present(column)} AND isfinite({real}) AND abs({real}) > {MAX_NUMBER!r}"
        infinite = f"count(*) FILTER (WHERE isinf({real}))"
        return (*counted, *moments, *ends, whole, infinite, f"count(*) FILTER (WHERE {beyond})")

    def levels(self, columns: Sequence[str], where: str) -> dict[str, list[tuple[Level, int]]]:
        """The distinct values of each column with their counts, sorted."""
        found: dict[str, list[tuple[Level, int]]] = {}
        for column in columns:
            answer = self.fetch(f"{self.levels_sql(column, where)} ORDER BY 1")
            found[column] = [(level, int(count)) for level, count in answer]
        return found

    def levels_sql(self, column: str, where: str) -> str:
        """The SQL of the distinct values of a column and their counts."""
        there = f"({where}) AND {self._present(column)}"
        return f"SELECT {self.value(column)}, count(*) FROM {self.select} WHERE {there} GROUP BY 1"

    def _summary(
        self, column: str, row: tuple[Any, ...], levels: list[tuple[Level, int]], most: int
    ) -> ColumnSummary:
        missing, distinct, mean, sd, low, high, whole, infinite, beyond = row
        distinct = len(levels) or distinct
        levels = levels if len(levels) <= most else []
        if infinite:
            message = f"column `{column}` holds {infinite} infinite value{'s' * (infinite > 1)}"
            ways = "mend them, or leave those cells empty and say `missing: drop`"
            raise DataError(
                (Diagnostic("DR306", message, label=ways, offence=Offence(column, "isinf({number})")),)
            )
        if beyond:
            largest = max(low, high, key=abs)
            message = (
                f"column `{column}` holds {beyond} number{'s' * (beyond > 1)} beyond {MAX_NUMBER:g}, as "
                f"{largest:g}"
            )
            note = "their squares are beyond all numbers: divide the column by a round number, or mend it"
            raise refused(message, note=note, code="DR435")
        moments = dict(
            zip(("mean", "sd", "minimum", "maximum"), map(_number, (mean, sd, low, high)), strict=True)
        )
        values, counts = tuple(p[0] for p in levels), tuple(p[1] for p in levels)
        kind, own = self.kind(column) or "text", self.categories.get(column)
        return ColumnSummary(
            kind, int(missing), int(distinct), values, counts, bool(whole), **moments, categories=own
        )

    # ------------------------------------------------------------ rows

    def query(self, columns: Sequence[str], where: str = "TRUE", source: str = "") -> str:
        """The SQL that reads these columns, from `source` in place of this relation where that is given."""
        named = ", ".join(f"{self.value(c)} AS {identifier(c)}" for c in columns) or "1"
        return f"SELECT {named} FROM {source or self.select}" + ("" if where == "TRUE" else f" WHERE {where}")

    def arrays(
        self, columns: Sequence[str], where: str = "TRUE", *, gaps: bool = False
    ) -> dict[str, npt.NDArray[Any]]:
        """These columns as NumPy arrays, over the rows where `where` holds, in the table's order.

        With `gaps`, missing values are masked where there are any.
        """
        if not columns:
            return {}
        found = self.read(self.query(columns, where), {c: self.values(c) for c in columns})
        return {n: v if gaps and np.ma.is_masked(v) else np.ma.getdata(v) for n, v in found.items()}

    def _row(self, sql: str) -> tuple[Any, ...]:
        return self.fetch(sql)[0]


def refused(message: str, ref: DataRef | None = None, note: str = "", code: str = "DR306") -> DataError:
    """The error of data that cannot be used, at the place where the spec names them."""
    return DataError((Diagnostic(code, message, ref.span if ref else None, label=note),))


def too_long(column: str) -> str:
    """What is said of a column of whole numbers that is read as text."""
    return (
        f"Column `{column}` is read as text: its whole numbers have more digits than the 16 that a number "
        "keeps, so that different ones would become equal. Where they measure something, declare `type: "
        "continuous`."
    )


def longest() -> float:
    """The seconds that a question to a query or a view may take.

    Raises DataError (DR338) for what is no number.
    """
    given = os.environ.get(SECONDS_VARIABLE, "").strip()
    try:
        limit = float(given) if given else SECONDS
    except ValueError:
        limit = 0.0
    if not 0 < limit <= MAX_SECONDS:
        raise refused(f"{SECONDS_VARIABLE} is `{given}`: not a number of seconds above 0", code="DR338")
    return limit


def too_late(what: str, ref: DataRef | None) -> DataError:
    """The error of a question that has taken longer than it may."""
    note = f"make it faster, store its rows in a file, or set {SECONDS_VARIABLE} to more seconds"
    return refused(f"{what} gave no answer within {longest():g} seconds", ref, note, "DR338")


def first_line(error: BaseException) -> str:
    """What an error says, without the details that libraries add below; of text, with the line that it is
    about.
    """
    first, *more = str(error).strip().split("\n")
    if "CSV Error on Line" not in first:
        return first
    return ". ".join(
        [first, *(line for line in more[:2] if line.strip() and not line.startswith("Possible"))]
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
