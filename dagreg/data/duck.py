"""A table behind DuckDB: files of any size and data frames, asked a few questions, never read whole."""

from __future__ import annotations

import glob
import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from dagreg.data.source import Source, Values, first_line, identifier, quote, refused
from dagreg.spec.types import DataRef

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
SEE_NAN = "SET disabled_optimizers = 'statistics_propagation'; "  # a Parquet file's statistics do not count NaN
CSV_TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR")  # no BOOLEAN: `yes` and `no` are words


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckSource(Source):
    """A relation of a DuckDB connection; Arrow files and tables in memory have no `script`."""

    connection: duckdb.DuckDBPyConnection
    files: tuple[str, ...] = ()
    before: str = ""  # SQL statements that the emitted program runs before its own
    text: bool = False  # a format that has to be parsed at every scan
    frame: Any = None  # kept alive for as long as the connection reads from it

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.sql(sql).fetchall()
        return found

    def read(self, sql: str, columns: Mapping[str, Values]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        found = self.connection.sql(sql).fetchnumpy()
        return {name: np.ma.asarray(found[name]) for name in columns}

    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        if not columns:
            return {}
        some = f" USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})" if self.rows() > most else ""
        return self.read(self.query(columns) + some, {c: self.values(c) for c in columns})

    def scripted(self, sql: str) -> str:
        trusting = "isnan(" in sql and "read_parquet(" in self.script
        return (SEE_NAN if trusting else "") + self.before + sql

    @property
    def numbering(self) -> str:
        if self.select.startswith("read_parquet("):
            return "file_row_number"
        return "rowid" if self.select == "parsed" else "row_number() OVER ()"

    @property
    def ordered(self) -> bool:
        return True

    @property
    def file(self) -> str:
        return self.origin if self.files else ""

    @property
    def scans(self) -> bool:
        return not self.numbering.startswith("row_number()")

    def narrow(self, columns: Sequence[str]) -> DuckSource:
        """The same source with these columns only; text files are parsed once, into DuckDB's own memory."""
        if not self.text or not columns:
            return self
        kept = ", ".join(map(identifier, columns))
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE parsed AS SELECT {kept} FROM {self.select}")
        return replace(self, select="parsed", sql_types={c: self.sql_types[c] for c in columns}, text=False)

    def sha256(self, columns: Sequence[str]) -> str:
        """The hash of the files' bytes; for a frame or a table of a database file, of the columns' values."""
        digest = hashlib.sha256()
        buffer = bytearray(1 << 20)
        for path in self.files:
            with open(path, "rb", buffering=0) as stream:
                while size := stream.readinto(buffer):
                    digest.update(memoryview(buffer)[:size])
        if not self.files:
            for name, values in self.arrays(columns).items():
                digest.update(name.encode())
                digest.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
        return digest.hexdigest()

    def hashing(self, columns: Sequence[str]) -> Callable[[], str | None]:
        """Files are hashed beside the scans, in a thread; a connection serves one question at a time."""
        if not self.files:
            return lambda: self.sha256(columns)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(self.sha256(columns)), daemon=True)
        thread.start()

        def hashed() -> str:
            thread.join()
            return found[0] if found else self.sha256(columns)  # raises again what ended the thread

        return hashed


def open_file(ref: DataRef, folder: str, *, allow_outside: bool = True) -> DuckSource:
    """Opens a data file (or a glob of files) that a spec names, relative to the spec's folder.

    Raises DataError where nothing is found, the path leaves `folder` without `allow_outside`,
    the kind of file is not known, or the file does not parse.
    """
    path = ref.source if os.path.isabs(ref.source) else os.path.join(folder, ref.source)
    found = tuple(sorted(glob.glob(path, recursive=True))) if glob.has_magic(path) and not os.path.exists(path) else ()
    files = found or ((path,) if os.path.isfile(path) else ())
    if not allow_outside and not all(_within(folder, file) for file in (path, *files)):
        raise refused(f"`{ref.source}` lies outside the spec's folder", ref, "pass --allow-outside to read it", "DR302")
    if not files:
        raise refused(f"no data file `{ref.source}`", ref, "", "DR301")
    suffix = os.path.splitext(files[0])[1].lower()
    reader = _READERS.get(suffix)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise refused(f"cannot read `{suffix or ref.source}` files", ref, f"known: {known}", "DR303")
    connection = duckdb.connect()
    try:
        opened = reader(connection, files, ref)
        source = _source(connection, opened, ref.source, files) if ref.query is None else None
        return source or _queried(connection, opened, ref, files, locked=not allow_outside)
    except (duckdb.Error, OSError, ValueError) as error:
        raise refused(f"`{ref.source}` cannot be read: {first_line(error)}", ref, "", "DR304") from None


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
        message = f"data of type {type(frame).__name__} cannot be read: {first_line(error)}"
        raise refused(message, code="DR304") from None


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
        connection=connection,
        select=opened.select,
        origin=origin,
        sql_types=types,
        files=files,
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
        raise refused("the `query:` is not a single SELECT", ref, "", "DR307")
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
    connection.execute(SEE_NAN)
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
        raise refused(f"{wanted} in `{ref.source}`", ref, "tables: " + ", ".join(tables), "DR305")
    return _Opened(identifier(table), identifier(table), before)


_READERS = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".duckdb": _database,
}


def _paths(files: tuple[str, ...]) -> str:
    quoted = ", ".join(quote(f) for f in files)
    return quoted if len(files) == 1 else f"[{quoted}]"
