"""A table behind DuckDB: files of any size and data frames, asked a few questions, never read whole."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from dagreg.errors import DataError, Diagnostic
from dagreg.model.types import ColumnKind, ColumnSummary
from dagreg.spec.types import DataRef, Level

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
CSV_TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR")  # no BOOLEAN: `yes` and `no` are words
LEVEL_CAP = 1000
EXACT_COUNTS = 500_000  # rows up to which distinct values are counted, not estimated
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_TEXTS = ("VARCHAR", "ENUM")


def quote(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _kind(sql_type: str) -> ColumnKind | None:
    base = sql_type.split("(")[0]
    if base in _NUMBERS:
        return "number"
    if base in _TEXTS:
        return "text"
    return "boolean" if base == "BOOLEAN" else None


@dataclass(frozen=True, slots=True)
class DuckSource:
    """A relation of a DuckDB connection. `select` is what stands after FROM; `origin` is shown to people."""

    connection: duckdb.DuckDBPyConnection
    select: str
    origin: str
    sql_types: Mapping[str, str]
    files: tuple[str, ...] = ()
    script: str = ""  # what stands after FROM in the emitted program; "" where SQL alone cannot reach the rows
    before: str = ""  # SQL statements that the emitted program runs before that
    text: bool = False  # a format that has to be parsed at every scan
    frame: Any = None  # kept alive for as long as the connection reads from it
    repeated: frozenset[str] = frozenset()  # names that several columns of the table have

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.sql_types)

    def kind(self, column: str) -> ColumnKind | None:
        """Whether a column holds numbers, text or booleans; None for what a regression cannot take (dates, lists)."""
        return _kind(self.sql_types[column])

    @property
    def numbering(self) -> str:
        """The SQL of a number that deals the rows out evenly, the same at every scan."""
        if self.select.startswith("read_parquet("):
            return "file_row_number"
        return "rowid" if self.select == "parsed" else "row_number() OVER ()"

    def rows(self) -> int:
        return int(self._row(f"SELECT count(*) FROM {self.select}")[0])

    def missing(self, columns: Iterable[str]) -> dict[str, int]:
        """How many rows have no value, per column."""
        names = list(columns)
        if not names:
            return {}
        sums = ", ".join(f"count(*) FILTER (WHERE NOT ({self._present(c)}))" for c in names)
        return dict(zip(names, map(int, self._row(f"SELECT {sums} FROM {self.select}")), strict=True))

    def complete(self, columns: Iterable[str]) -> str:
        """An SQL condition: every one of these columns has a value."""
        return " AND ".join(self._present(c) for c in columns) or "TRUE"

    def narrow(self, columns: Sequence[str]) -> DuckSource:
        """The same source with these columns only; text files are parsed once, into DuckDB's own memory."""
        if not self.text or not columns:
            return self
        kept = ", ".join(map(identifier, columns))
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE parsed AS SELECT {kept} FROM {self.select}")
        return replace(self, select="parsed", sql_types={c: self.sql_types[c] for c in columns}, text=False)

    def summarise(self, columns: Sequence[str], where: str = "TRUE") -> dict[str, ColumnSummary]:
        """Counts, levels and moments of each column over the rows where `where` holds.

        Raises DataError where a column holds infinite values.
        """
        if not columns:
            return {}
        many = self.rows() > EXACT_COUNTS
        aggregates = [self._aggregates(column, estimated=many) for column in columns]
        flat = self._row(
            f"SELECT {', '.join(a for group in aggregates for a in group)} FROM {self.select} WHERE {where}"
        )
        width = len(aggregates[0])
        rows = {column: flat[i * width : (i + 1) * width] for i, column in enumerate(columns)}
        few = LEVEL_CAP * (2 if many else 1)  # an estimate may be too high
        levels = self._levels([c for c in columns if rows[c][1] <= few], where)
        return {column: self._summary(column, rows[column], levels.get(column, [])) for column in columns}

    def _summary(self, column: str, row: tuple[Any, ...], levels: list[tuple[Level, int]]) -> ColumnSummary:
        missing, distinct, mean, sd, low, high, whole, infinite = row
        distinct = len(levels) or distinct
        levels = levels if len(levels) <= LEVEL_CAP else []
        if infinite:
            raise _bad(f"column `{column}` holds {infinite} infinite value{'s' * (infinite > 1)}")
        moments = dict(zip(("mean", "sd", "minimum", "maximum"), map(_number, (mean, sd, low, high)), strict=True))
        values, counts = tuple(p[0] for p in levels), tuple(int(p[1]) for p in levels)
        kind = self.kind(column) or "text"
        return ColumnSummary(kind, int(missing), int(distinct), values, counts, bool(whole), **moments)

    def moments(self, expressions: Sequence[str], where: str = "TRUE") -> list[tuple[float, float]]:
        """Mean and standard deviation (denominator n - 1) of SQL expressions."""
        if not expressions:
            return []
        parts = ", ".join(f"avg({e}), coalesce(stddev_samp({e}), 0)" for e in expressions)
        found = self._row(f"SELECT {parts} FROM {self.select} WHERE {where}")
        numbers = list(map(_number, found))
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def query(self, columns: Sequence[str], where: str = "TRUE", source: str = "") -> str:
        """The SQL that reads these columns, from `source` in place of this relation where that is given."""
        named = ", ".join(f"{self.value(c)} AS {identifier(c)}" for c in columns) or "1"
        return f"SELECT {named} FROM {source or self.select}" + ("" if where == "TRUE" else f" WHERE {where}")

    def script_query(self, columns: Sequence[str], where: str = "TRUE") -> str | None:
        """The SQL that reads these columns in a program of its own; None for tables in memory and Arrow files."""
        return self.before + self.query(columns, where, self.script) if self.script else None

    def arrays(self, columns: Sequence[str], where: str = "TRUE", *, gaps: bool = False) -> dict[str, npt.NDArray[Any]]:
        """These columns as NumPy arrays, over the rows where `where` holds, in the table's order.

        With `gaps`, missing values are masked where there are any.
        """
        if not columns:
            return {}
        found = self.connection.sql(self.query(columns, where)).fetchnumpy()
        return {
            name: found[name] if gaps and np.ma.is_masked(found[name]) else np.ma.getdata(found[name])
            for name in columns
        }

    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        """These columns with missing values masked: every row, or `most` of them at random from a larger table."""
        if not columns:
            return {}
        some = f" USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})" if self.rows() > most else ""
        found = self.connection.sql(self.query(columns) + some).fetchnumpy()
        return {name: np.ma.asarray(found[name]) for name in columns}

    def sha256(self, columns: Sequence[str]) -> str:
        """The hash of the files' bytes; for a frame or a database table, of the columns' values."""
        digest = hashlib.sha256()
        for path in self.files:
            with open(path, "rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        if not self.files:
            for name, values in self.arrays(columns).items():
                digest.update(name.encode())
                digest.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
        return digest.hexdigest()

    def _row(self, sql: str) -> tuple[Any, ...]:
        found: list[tuple[Any, ...]] = self.connection.sql(sql).fetchall()
        return found[0]

    def _present(self, column: str) -> str:
        name = identifier(column)
        if self.sql_types[column] in ("FLOAT", "DOUBLE"):
            return f"{name} IS NOT NULL AND NOT isnan({name})"
        return f"{name} IS NOT NULL"

    def value(self, column: str) -> str:
        """The SQL of a column's values in the types that NumPy has."""
        wide = self.sql_types[column].split("(")[0] in ("DECIMAL", "HUGEINT", "UHUGEINT", "FLOAT")
        if wide:
            return f"CAST({identifier(column)} AS DOUBLE)"
        return f"CAST({identifier(column)} AS VARCHAR)" if self.kind(column) == "text" else identifier(column)

    def _aggregates(self, column: str, *, estimated: bool) -> tuple[str, ...]:
        """Missing, distinct, mean, sd, smallest, largest, whole numbers only, infinite: one column's part of a scan."""
        here = f"FILTER (WHERE {self._present(column)})"
        value = self.value(column)
        distinct = f"approx_count_distinct({value})" if estimated else f"count(DISTINCT {value})"
        counted = (
            f"count(*) FILTER (WHERE NOT ({self._present(column)}))",
            f"{distinct} {here}",
        )
        if self.kind(column) != "number":
            return (*counted, "NULL", "NULL", "NULL", "NULL", "FALSE", "0")
        real = f"CAST({self.value(column)} AS DOUBLE)"
        finite = f"FILTER (WHERE {self._present(column)} AND isfinite({real}))"
        moments = (f"{f}({real}) {finite}" for f in ("avg", "stddev_samp", "min", "max"))
        whole = f"bool_and({real} = floor({real})) {finite}"
        return (*counted, *moments, whole, f"count(*) FILTER (WHERE isinf({real}))")

    def _levels(self, columns: Sequence[str], where: str) -> dict[str, list[tuple[Level, int]]]:
        """The distinct values of each column with their counts, sorted."""
        found: dict[str, list[tuple[Level, int]]] = {}
        for column in columns:
            value = self.value(column)
            found[column] = self.connection.sql(
                f"SELECT {value}, count(*) FROM {self.select} WHERE ({where}) AND {self._present(column)} "
                "GROUP BY 1 ORDER BY 1"
            ).fetchall()
        return found


def open_file(ref: DataRef, folder: str, *, allow_outside: bool = True) -> DuckSource:
    """Opens a data file (or a glob of files) that a spec names, relative to the spec's folder.

    Raises DataError where nothing is found, the path leaves `folder` without `allow_outside`,
    the kind of file is not known, or the file does not parse.
    """
    path = ref.source if os.path.isabs(ref.source) else os.path.join(folder, ref.source)
    found = tuple(sorted(glob.glob(path, recursive=True))) if glob.has_magic(path) and not os.path.exists(path) else ()
    files = found or ((path,) if os.path.isfile(path) else ())
    if not allow_outside and not all(_within(folder, file) for file in (path, *files)):
        raise _bad(f"`{ref.source}` lies outside the spec's folder", ref, "pass --allow-outside to read it", "DR302")
    if not files:
        raise _bad(f"no data file `{ref.source}`", ref, "", "DR301")
    suffix = os.path.splitext(files[0])[1].lower()
    reader = _READERS.get(suffix)
    if reader is None:
        raise _bad(f"cannot read `{suffix or ref.source}` files", ref, "known: " + ", ".join(sorted(_READERS)), "DR303")
    connection = duckdb.connect()
    try:
        opened = reader(connection, files, ref)
        source = _source(connection, opened, ref.source, files) if ref.query is None else None
        return source or _queried(connection, opened, ref, files, locked=not allow_outside)
    except (duckdb.Error, OSError, ValueError) as error:
        raise _bad(f"`{ref.source}` cannot be read: {_first_line(error)}", ref, "", "DR304") from None


def open_frame(frame: Any) -> DuckSource:
    """Opens a pandas, polars or Arrow table, or a mapping of column names to arrays, without copying it.

    Raises DataError for anything else.
    """
    if isinstance(frame, Mapping):
        import pyarrow as pa  # already there for DuckDB's Arrow bridge; numpy alone has no mixed tables

        frame = pa.table({str(name): pa.array(values) for name, values in frame.items()})
    connection = duckdb.connect()
    try:
        connection.register("frame", frame)
        names = getattr(frame, "column_names", getattr(frame, "columns", ()))  # Arrow, else pandas and polars
        opened = _Opened("frame", "", frame=frame, repeated=_repeated(map(str, names)))
        return _source(connection, opened, f"{type(frame).__module__.split('.')[0]} table", ())
    except duckdb.Error as error:
        raise _bad(f"data of type {type(frame).__name__} cannot be read: {_first_line(error)}", code="DR304") from None


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a reader of one kind of file leaves: the relation here, and the way to it in a program of its own."""

    select: str
    script: str
    before: str = ""
    frame: Any = None
    repeated: frozenset[str] = frozenset()


def _within(folder: str, path: str) -> bool:
    root, target = os.path.realpath(folder or "."), os.path.realpath(path)
    return os.path.commonpath([root, target]) == root


def _source(connection: duckdb.DuckDBPyConnection, opened: _Opened, origin: str, files: tuple[str, ...]) -> DuckSource:
    described = connection.sql(f"DESCRIBE SELECT * FROM {opened.select}").fetchall()
    types = {row[0]: row[1] for row in described}
    text = opened.select.startswith("read_csv(")
    return DuckSource(
        connection,
        opened.select,
        origin,
        types,
        files,
        script=opened.script,
        before=opened.before,
        text=text,
        frame=opened.frame,
        repeated=opened.repeated,
    )


def _queried(
    connection: duckdb.DuckDBPyConnection, opened: _Opened, ref: DataRef, files: tuple[str, ...], *, locked: bool
) -> DuckSource:
    """The rows of the spec's query, which sees a file as the table `data`, a database's tables by their names.

    `locked` keeps the query to these files.
    """
    assert ref.query is not None
    query = ref.query.strip().rstrip(";")
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise _bad("the `query:` is not a single SELECT", ref, "", "DR307")
    before = opened.before
    if opened.select:
        connection.execute(f"CREATE TEMP VIEW data AS SELECT * FROM {opened.select}")
        before += f"CREATE TEMP VIEW data AS SELECT * FROM {opened.script}; "
    if locked:
        allowed = ", ".join(map(quote, map(os.path.abspath, files)))
        connection.execute(f"SET allowed_paths = [{', '.join(map(quote, files))}, {allowed}]")
        connection.execute("SET enable_external_access = false")
    here = f"({query}\n)"  # a query may end in a comment
    reachable = bool(opened.script or not opened.select)
    asked = _Opened(here, here if reachable else "", before, opened.frame)
    return _source(connection, asked, ref.source, files)


def _csv(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef, delimiter: str = "") -> _Opened:
    words = ", ".join(map(quote, MISSING_WORDS))
    several = ", union_by_name = true" if len(files) > 1 else ""
    types = ", ".join(map(quote, CSV_TYPES))
    select = (
        f"read_csv({_paths(files)}, header = true, sample_size = -1, nullstr = [{words}], "
        f"auto_type_candidates = [{types}]{delimiter}{several})"
    )
    header = f"read_csv({quote(files[0])}, header = false, all_varchar = true{delimiter})"
    names = connection.sql(f"SELECT * FROM {header} LIMIT 1").fetchall()
    return _Opened(select, select, repeated=_repeated(names[0] if names else ()))


def _repeated(names: Iterable[str | None]) -> frozenset[str]:
    """Names that stand more than once. DuckDB numbers the second of them in silence."""
    counts = Counter(name for name in names if name)
    return frozenset(name for name, count in counts.items() if count > 1)


def _tsv(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    return _csv(connection, files, ref, ", delim = '\\t'")


def _parquet(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    several = ", union_by_name = true" if len(files) > 1 else ""
    select = f"read_parquet({_paths(files)}{several})"
    return _Opened(select, select)


def _arrow(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    import pyarrow.dataset as ds

    dataset = ds.dataset(list(files), format="feather")
    connection.register("arrow_file", dataset)
    return _Opened("arrow_file", "", frame=dataset)


def _database(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    before = f"ATTACH {quote(files[0])} AS store (READ_ONLY); USE store; "
    connection.execute(before)
    if ref.query is not None:
        return _Opened("", "", before)
    tables = [row[0] for row in connection.sql("SHOW TABLES").fetchall()]
    table = ref.table or (tables[0] if len(tables) == 1 else None)
    if table is None or table not in tables:
        wanted = f"no table `{ref.table}`" if ref.table else "a `table:` is needed"
        raise _bad(f"{wanted} in `{ref.source}`", ref, "tables: " + ", ".join(tables), "DR305")
    return _Opened(identifier(table), identifier(table), before)


_READERS = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".duckdb": _database,
}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _paths(files: tuple[str, ...]) -> str:
    quoted = ", ".join(quote(f) for f in files)
    return quoted if len(files) == 1 else f"[{quoted}]"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]


def _bad(message: str, ref: DataRef | None = None, note: str = "", code: str = "DR306") -> DataError:
    return DataError((Diagnostic(code, message, ref.span if ref else None, label=note),))
