"""A table behind DuckDB: files of any size and data frames, asked a few questions, never read whole."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import numpy as np

from dagreg.sources.frames import categories_of, register
from dagreg.sources.reader import ATTACH, DUCKDB, Reader
from dagreg.sources.source import (
    MAX_COLUMNS_AT_ONCE,
    MAX_EXACT_INTEGER,
    Source,
    Values,
    first_line,
    identifier,
    longest,
    quote,
    refused,
    too_late,
    too_long,
)
from dagreg.spec.types import DataRef, Level

_LOCATING = {
    "read_csv(": ("duckdb", "glob", "os", "sys"),
    "read_parquet(": ("duckdb", "glob", "os", "sys"),
    ATTACH: ("duckdb", "os", "sys"),
}
MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
SEE_NAN = (
    "SET disabled_optimizers = 'statistics_propagation'; "  # a Parquet file's statistics do not count NaN
)
CSV_TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR")  # no BOOLEAN: `yes` and `no` are words


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckSource(Source):
    """A relation of a DuckDB connection; Arrow files and tables in memory have no `script`."""

    connection: duckdb.DuckDBPyConnection
    files: tuple[str, ...] = ()
    before: str = ""  # SQL statements that the emitted program runs before its own
    text: bool = False  # a format that has to be parsed at every scan
    frame: Any = None  # kept alive for as long as the connection reads from it
    ref: DataRef | None = None
    foreign: bool = False  # a query or a view of the user's runs, which may fail or never end
    renamed: Mapping[str, str] = field(default_factory=dict)  # columns to what DuckDB calls them

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        with self._asking():
            found: list[tuple[Any, ...]] = self.connection.sql(sql).fetchall()
        return found

    def read(self, sql: str, columns: Mapping[str, Values]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        with self._asking():
            found = self.connection.sql(sql).fetchnumpy()
        # by place: of names that differ in case alone DuckDB numbers the second
        return {name: np.ma.asarray(v) for name, v in zip(columns, found.values(), strict=True)}

    def levels(self, columns: Sequence[str], where: str) -> dict[str, list[tuple[Level, int]]]:
        """The distinct values of each column with their counts; columns of one type share a question."""
        found: dict[str, list[tuple[Level, int]]] = {column: [] for column in columns}
        by_type: dict[str, list[str]] = {}
        for column in columns:
            by_type.setdefault(self.sql_types[column], []).append(column)
        for alike in by_type.values():
            for at in range(0, len(alike), MAX_COLUMNS_AT_ONCE):
                some = alike[at : at + MAX_COLUMNS_AT_ONCE]
                each = (
                    f"SELECT {i}, * FROM ({self.levels_sql(column, where)})" for i, column in enumerate(some)
                )
                for place, level, count in self.fetch(f"{' UNION ALL '.join(each)} ORDER BY 1, 2"):
                    found[some[place]].append((level, int(count)))
        return found

    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        if not columns:
            return {}
        some = f" USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})" if self.rows() > most else ""
        return self.read(self.query(columns) + some, {c: self.values(c) for c in columns})

    def name(self, column: str) -> str:
        return identifier(self.renamed.get(column, column))

    def scripted(self, sql: str) -> str:
        trusting = "isnan(" in sql and "read_parquet(" in self.script
        return (SEE_NAN if trusting else "") + self.before + sql

    @property
    def numbering(self) -> str:
        if self.select.startswith("read_parquet("):
            return "file_row_number"
        return "rowid" if self.select == "parsed" else "row_number() OVER ()"

    @property
    def reader(self) -> Reader:
        for opens, files in (
            ("read_csv(", self.files),
            ("read_parquet(", self.files),
            (ATTACH, self.files[:1]),
        ):
            found = replace(DUCKDB, imports=_LOCATING[opens], files=files, opens=opens)
            if files and opens + found.named() in self.before + self.script:
                return found
        return DUCKDB

    @property
    def folds(self) -> bool:
        return True

    @property
    def ordered(self) -> bool:
        return True

    @property
    def file(self) -> str:
        return self.origin if self.files else ""

    @property
    def scans(self) -> bool:
        return not self.numbering.startswith("row_number()")

    def narrow(self, columns: Sequence[str], numbers: Collection[str] = ()) -> DuckSource:
        """The same source with these columns only; text files are parsed once, into DuckDB's own memory."""
        if not self.text or not columns:
            return Source.narrow(self, columns, numbers)
        source = self._parsed(columns)
        types = {c: "VARCHAR" for c in source.doubles if c not in numbers and source.all_whole(c)}
        types |= {c: t for c in columns if c in numbers and (t := source.number_type(c))}
        notes = tuple(too_long(c) for c, t in types.items() if t == "VARCHAR")
        if not types:
            return source
        return replace(self.retyped(types)._parsed(columns), notes=(*self.notes, *notes))

    def _parsed(self, columns: Sequence[str]) -> DuckSource:
        kept = ", ".join(map(self.name, columns))
        with self._asking():
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE parsed AS SELECT {kept} FROM {self.select}"
            )
        return replace(self, select="parsed", sql_types={c: self.sql_types[c] for c in columns}, text=False)

    def retyped(self, types: Mapping[str, str]) -> DuckSource:
        """The text file with other types of some columns than those that DuckDB takes them for."""
        listed = ", ".join(f"{quote(self.renamed.get(c, c))}: {quote(t)}" for c, t in types.items())
        select, script = (f"{sql[:-1]}, types = {{{listed}}})" for sql in (self.select, self.script))
        return replace(self, select=select, script=script, sql_types={**self.sql_types, **types})

    @property
    def doubles(self) -> tuple[str, ...]:
        """Columns of doubles beyond those that are all exact."""
        asked = [c for c, kind in self.sql_types.items() if kind == "DOUBLE"]
        if not asked:
            return ()
        most = self._row(f"SELECT {', '.join(f'max(abs({self.name(c)}))' for c in asked)} FROM {self.select}")
        return tuple(
            c
            for c, largest in zip(asked, most, strict=True)
            if largest is not None and largest > MAX_EXACT_INTEGER
        )

    def all_whole(self, column: str) -> bool:
        """Whether every value of a column of a text file is written as digits alone."""
        raw = f"{self.script[:-1]}, all_varchar = true)"
        digits = f"bool_and(regexp_full_match(trim({self.name(column)}), '[+-]?[0-9]+'))"
        return bool(self._row(f"SELECT {digits} FROM {raw}")[0])

    def number_type(self, column: str) -> str | None:
        """The type of numbers that stand as text for their leading zeros or signs; None for other columns."""
        if self.sql_types[column] != "VARCHAR":
            return None
        name = f"trim({self.name(column)})"
        numbers, whole = self._row(
            f"SELECT bool_and(regexp_full_match({name}, '[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?')), "
            f"bool_and(regexp_full_match({name}, '[+-]?[0-9]{{1,18}}')) FROM {self.select}"
        )
        return ("BIGINT" if whole else "DOUBLE") if numbers else None

    def _asking(self) -> AbstractContextManager[None]:
        return _running(self.connection, self.ref, foreign=self.foreign)

    def sha256(self, columns: Sequence[str]) -> str:
        """The hash of the files' bytes; for a frame or a table of a database file, of the columns' values."""
        if self.files:
            return _sha256_of(self.files)
        digest = hashlib.sha256()
        for name, values in self.arrays(columns).items():
            digest.update(name.encode())
            digest.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
        return digest.hexdigest()

    def hashing(self, columns: Sequence[str]) -> Callable[[], str | None]:
        """Files are hashed beside the scans, in a thread; a connection serves one question at a time."""
        files = self.files  # all that the thread holds: the last of a connection must not end in it
        if not files:
            return lambda: self.sha256(columns)
        hashes: list[str] = []

        def hash_files() -> None:
            with suppress(OSError):  # of a file that goes away: whoever asks for the hash is told
                hashes.append(_sha256_of(files))

        thread = threading.Thread(target=hash_files, daemon=True)
        thread.start()

        def hashed() -> str:
            thread.join()
            return hashes[0] if hashes else _sha256_of(files)  # raises again what ended the thread

        return hashed


def _sha256_of(files: Sequence[str]) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(1 << 20)
    for path in files:
        with open(path, "rb", buffering=0) as stream:
            while size := stream.readinto(buffer):
                digest.update(memoryview(buffer)[:size])
    return digest.hexdigest()


def open_file(
    ref: DataRef, folder: str, *, allow_outside: bool = True, others: bool | None = None
) -> DuckSource:
    """Opens a data file (or a glob of files) that a spec names, relative to the spec's folder.

    What is read are these files and nothing else, whatever a query or a view within them says, unless
    `others` (by default as `allow_outside`) lets it read other files and addresses too. Raises DataError
    where nothing is found, the path leaves `folder` without `allow_outside`, the kind of file is not known,
    the file does not parse, or a view or query reads other files (DR302).
    """
    files = _files(ref, folder, allow_outside=allow_outside)
    reader = _reader(ref, files)
    try:
        return _open(reader, files, ref, locked=True)
    except _Fenced as error:
        if not (allow_outside if others is None else others):
            raise refused(str(error), ref, _FENCE_NOTE, "DR302") from None
    try:
        return replace(_open(reader, files, ref, locked=False), files=())  # hashed by what it reads
    except _Fenced as error:
        raise refused(str(error), ref, "", "DR302") from None


_FENCE_NOTE = (
    "put the rows into a table or a file of their own, or pass --allow-outside to read the others too"
)
_OFFLINE = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def _files(ref: DataRef, folder: str, *, allow_outside: bool) -> tuple[str, ...]:
    """The files that a path means: the one of that name, or else those that match it as a pattern."""
    path = ref.source if os.path.isabs(ref.source) else os.path.join(folder, ref.source)
    there = os.path.lexists(path)
    found = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) and not there else []
    files = tuple(f for f in found if os.path.isfile(f)) or ((path,) if os.path.isfile(path) else ())
    if not allow_outside and not all(_within(folder, file) for file in (path, *files)):
        raise refused(
            f"`{ref.source}` lies outside the spec's folder", ref, "pass --allow-outside to read it", "DR302"
        )
    if os.path.isdir(path):
        note = f"name a file in it, or a pattern such as `{os.path.join(ref.source, '*.csv')}`"
        raise refused(f"`{ref.source}` is a folder", ref, note, "DR304")
    if os.path.exists(path) and not files:
        raise refused(f"`{ref.source}` is a device or a pipe", ref, "write the rows to a file first", "DR304")
    if not files:
        leads = there and os.path.islink(path)
        raise refused(f"no data file `{ref.source}`", ref, "the link leads nowhere" if leads else "", "DR301")
    closed = next((file for file in files if not os.access(file, os.R_OK)), None)
    if closed is not None:
        raise refused(
            f"`{closed}` is closed to you: its permissions do not let you read it", ref, "", "DR304"
        )
    return files


def _reader(ref: DataRef, files: tuple[str, ...]) -> _Reading:
    endings = {_ending(file): file for file in files}
    ending, *others = endings
    reader = _READERS.get(ending)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise refused(f"cannot read `{ending or ref.source}` files", ref, f"known: {known}", "DR303")
    if any(_READERS.get(other) is not reader for other in others):
        listed = ", ".join(f"`{os.path.basename(file)}`" for file in endings.values())
        raise refused(
            f"`{ref.source}` means files of several kinds: {listed}", ref, "name those of one kind", "DR303"
        )
    if reader is _database and len(files) > 1:
        raise refused(f"`{ref.source}` means {len(files)} databases", ref, "name one of them", "DR304")
    return reader


def _ending(file: str) -> str:
    stem, ending = os.path.splitext(file.lower())
    return os.path.splitext(stem)[1] + ending if ending == ".gz" else ending


def _open(reader: _Reading, files: tuple[str, ...], ref: DataRef, *, locked: bool) -> DuckSource:
    """The source that a reader makes of these files; `locked`, its connection reads them alone, for good."""
    connection = duckdb.connect(
        config=dict(_OFFLINE) if locked else {}
    )  # a file's mark may call for an extension
    try:
        with _fenced():
            connection.execute("SET python_enable_replacements = false")
            opened = reader(connection, files, ref)
            if locked:
                _lock(connection, files)
            if ref.query is not None:
                opened = _queried(connection, opened, ref)
            journal = tuple(f for f in (f"{files[0]}.wal",) if reader is _database and os.path.isfile(f))
            with _limited(connection, ref, foreign=opened.foreign):
                return _source(connection, opened, ref.source, (*files, *journal), ref)
    except (duckdb.Error, OSError, ValueError) as error:
        raise refused(f"`{ref.source}` cannot be read: {first_line(error)}", ref, "", "DR304") from None


def _lock(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """Nothing but these files is read, written or attached from now on, and nothing is loaded; temporary
    files stay.
    """
    known = dict.fromkeys(path for file in files for path in (file, _safe(file), os.path.abspath(file)))
    paths = dict.fromkeys(form for path in known for form in (path, glob.escape(path)))
    connection.execute(f"SET allowed_paths = [{', '.join(map(quote, paths))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def open_frame(frame: Any) -> DuckSource:
    """Opens a pandas, polars or Arrow table, or a mapping of column names to arrays, without copying it.

    Raises DataError for anything else.
    """
    numbers = isinstance(frame, Mapping) and any(map(np.isscalar, frame.values()))
    if numbers or isinstance(frame, list | tuple | set):
        what = "a mapping of single values is" if numbers else f"data of type {type(frame).__name__} are"
        note = (
            'give a table of pandas, polars or Arrow, or a mapping of column names to lists: `{"x": [1, 2]}`'
        )
        raise refused(f"{what} no table", note=note, code="DR304")
    try:
        if isinstance(frame, Mapping):
            import pyarrow as pa  # already there for DuckDB's Arrow bridge; numpy alone has no mixed tables

            frame = pa.table({str(name): _arrow_column(values) for name, values in frame.items()})
        connection = duckdb.connect()
        categories = categories_of(frame)
        read = register(connection, frame)
        frame = read.frame
        names = getattr(frame, "column_names", getattr(frame, "columns", ()))  # Arrow, else pandas and polars
        opened = _Opened("frame", "", frame=frame, names=tuple(map(str, names)))
        source = _source(connection, opened, f"{type(frame).__module__.split('.')[0]} table", ())
        return replace(source, sql_types={**source.sql_types, **read.strange}, categories=categories)
    except (duckdb.Error, ValueError, TypeError, OverflowError) as error:
        message = f"data of type {type(frame).__name__} cannot be read: {first_line(error)}"
        raise refused(message, code="DR304") from None


def _arrow_column(values: Any) -> Any:
    """An Arrow array; whole numbers beyond 64 bits as decimals, or as text beyond those, mixed numbers as
    doubles.
    """
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, OverflowError):
        numbers = [v for v in values if v is not None]
        if not all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in numbers):
            raise
    if not all(isinstance(v, int | np.integer) for v in numbers):
        return pa.array([None if v is None else float(v) for v in values])
    if max(map(abs, numbers)) < 10**38:
        return pa.array(values, type=pa.decimal128(38, 0))
    return pa.array([None if v is None else str(v) for v in values])


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a reader of one kind of file leaves: the relation here, and the way to it in a program
    of its own.
    """

    select: str
    script: str
    before: str = ""
    frame: Any = None
    names: tuple[str, ...] = ()  # the columns as the file has them, where they are known
    foreign: bool = False
    notes: tuple[str, ...] = ()
    described: tuple[tuple[Any, ...], ...] = ()  # DuckDB's names and types, where they have been asked for


_Reading = Callable[[duckdb.DuckDBPyConnection, tuple[str, ...], DataRef], _Opened]


def _within(folder: str, path: str) -> bool:
    root, target = os.path.realpath(folder or "."), os.path.realpath(path)
    return os.path.commonpath([root, target]) == root


def _source(
    connection: duckdb.DuckDBPyConnection,
    opened: _Opened,
    origin: str,
    files: tuple[str, ...],
    ref: DataRef | None = None,
) -> DuckSource:
    described = opened.described or connection.sql(f"DESCRIBE SELECT * FROM {opened.select}").fetchall()
    types = {row[0]: row[1] for row in described}
    renamed: dict[str, str] = {}
    repeated = _repeated(opened.names)
    if len(opened.names) == len(types):
        called = dict(zip(types, opened.names, strict=True))
        renamed = {
            name: sql
            for sql, name in called.items()
            if name not in repeated and name != sql and sql.lower().startswith(f"{name.lower()}_")
        }
        own = {sql: name for name, sql in renamed.items()}
        types = {own.get(sql, sql): kind for sql, kind in types.items()}
    return DuckSource(
        connection=connection,
        select=opened.select,
        origin=origin,
        sql_types=types,
        files=files,
        script=opened.script,
        before=opened.before,
        text=opened.select.startswith("read_csv("),
        frame=opened.frame,
        repeated=repeated,
        renamed=renamed,
        ref=ref,
        foreign=opened.foreign,
        notes=opened.notes,
    )


def _repeated(names: Iterable[str | None]) -> frozenset[str]:
    """Names that stand more than once. DuckDB numbers the second of them in silence."""
    counts = Counter(name for name in names if name)
    return frozenset(name for name, count in counts.items() if count > 1)


def _numbered(names: Iterable[str]) -> list[str]:
    """The names as DuckDB has them, to which case makes no difference: others than the first of a name are
    numbered.
    """
    found: dict[str, str] = {}
    for i, name in enumerate(names):
        own = base = name or f"column{i}"
        number = 1
        while own.lower() in found:
            own, number = f"{base}_{number}", number + 1
        found[own.lower()] = own
    return list(found.values())


def _queried(connection: duckdb.DuckDBPyConnection, opened: _Opened, ref: DataRef) -> _Opened:
    """The rows of the spec's query, which sees a file as the table `data`, a database's tables by their
    names.
    """
    assert ref.query is not None
    query = ref.query.strip().rstrip(";")
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise refused("the `query:` is not a single SELECT", ref, "", "DR307")
    before, notes = opened.before, opened.notes
    if opened.select:
        table = _source(connection, opened, ref.source, ())
        if table.text:
            types = {c: "VARCHAR" for c in table.doubles if table.all_whole(c)}
            table, notes = (table.retyped(types) if types else table), (*notes, *map(too_long, types))
        connection.execute(f"CREATE TEMP VIEW data AS SELECT * FROM {table.select}")
        before += f"CREATE TEMP VIEW data AS SELECT * FROM {table.script}; "
    here = f"({query}\n)"  # a query may end in a comment
    reachable = bool(opened.script or not opened.select)
    return _Opened(here, here if reachable else "", before, opened.frame, foreign=True, notes=notes)


# ---------------------------------------------------------------- what may go wrong


class _Fenced(Exception):
    """A query or a view wants to read what it may not."""


@contextmanager
def _fenced() -> Iterator[None]:
    try:
        yield
    except duckdb.PermissionException as error:
        found = re.search(r'Cannot access \w+ "(.*)"', str(error))
        what = f"`{found[1]}`" if found else f"more: {first_line(error)}"
        raise _Fenced(f"beside the data, a query or a view wants to read {what}") from None


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection, ref: DataRef | None, *, foreign: bool) -> Iterator[None]:
    """Ends a question to a query or a view of the user's after `longest()` seconds."""
    if not foreign:
        yield
        return
    limit, late = longest(), threading.Event()

    def end() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(limit, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        if not late.is_set():
            raise
        raise too_late(_asked(ref), ref) from None
    finally:
        timer.cancel()
        # a thread that outlives the interpreter and holds the last of a connection aborts the process
        timer.join()


@contextmanager
def _running(connection: duckdb.DuckDBPyConnection, ref: DataRef | None, *, foreign: bool) -> Iterator[None]:
    """What the rows raise when they are read, as a located error; a mistake in dagreg's own SQL stays one."""
    try:
        with _fenced(), _limited(connection, ref, foreign=foreign):
            yield
    except _Fenced as error:
        raise refused(str(error), ref, _FENCE_NOTE, "DR302") from None
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ParserException,
        duckdb.InterruptException,
    ):
        raise
    except duckdb.Error as error:
        if foreign:
            raise refused(f"{_asked(ref)} fails as it runs: {first_line(error)}", ref, "", "DR337") from None
        what = f"`{ref.source}`" if ref is not None else "the table"
        raise refused(f"{what} cannot be read: {first_line(error)}", ref, "", "DR304") from None


def _asked(ref: DataRef | None) -> str:
    if ref is None or ref.query is not None:
        return "the `query:`"
    return f"table `{ref.table}`" if ref.table is not None else f"the table of `{ref.source}`"


# ---------------------------------------------------------------- kinds of files


def _csv(
    connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef, delimiter: str = ""
) -> _Opened:
    """As DuckDB takes the file, where that has the columns of its first line; else parted as that line says.

    One row with another number of fields leads DuckDB to another dialect, or to a header further down, in
    silence.
    """
    from dagreg.sources import text_files

    words, types = (", ".join(map(quote, listed)) for listed in (MISSING_WORDS, CSV_TYPES))

    def reading(dialect: str) -> str:
        return (
            f"read_csv({_paths(files)}, header = true, sample_size = -1, nullstr = [{words}], "
            f"auto_type_candidates = [{types}]{dialect}{_several(files)}{partitions})"
        )

    other = text_files.another_kind(files)
    if other is not None:
        raise refused(other[0], ref, other[1], "DR304")
    heads = [text_files.header(file, delimiter) for file in files]
    if not any(head.names for head in heads):
        raise refused(f"`{ref.source}` is empty", ref, "", "DR304")
    first = heads[0].delimiter
    partitions = _partitions(files, ref, {name for head in heads for name in head.names})
    same = heads[0].names if all(head.names == heads[0].names for head in heads) else ()
    tabs = f", delim = {_delimiter(delimiter)}" if delimiter else ""
    failed: duckdb.Error | None = None
    beside = _keys(files) if partitions == _RANGING else frozenset()
    # DuckDB takes a name such as `null` for no name.
    unnamed = any(name and name in MISSING_WORDS for name in same)
    named = f", names = [{', '.join(map(quote, _numbered(same)))}]" if unnamed else ""
    for dialect in (tabs, f", delim = {_delimiter(first)}, skip = {heads[0].skipped}{named}"):
        select = reading(dialect)
        try:
            described = connection.sql(f"DESCRIBE SELECT * FROM {select}").fetchall()
        except duckdb.Error as error:
            failed = error
            continue
        names = [str(row[0]) for row in described if row[0] not in beside]
        titled = dialect == tabs and len(files) == 1 and text_files.has_preamble(files[0], names)
        if titled or text_files.fits(names, heads):
            return _Opened(select, select, names=() if titled else same, described=tuple(described))
    wrong = text_files.fault(files, first)
    if wrong is not None:
        raise refused(wrong[0], ref, wrong[1], "DR304")
    if failed is not None:
        note = (
            "the first line has to hold the names, and every other one as many values, parted by the same "
            "sign"
        )
        raise refused(f"`{ref.source}` cannot be read: {first_line(failed)}", ref, note, "DR304")
    message = f"the columns of `{ref.source}` are not those of its first line"
    raise refused(
        message, ref, "the first line has to hold the name of every column, parted as the rows are", "DR304"
    )


def _delimiter(character: str) -> str:
    return "'\\t'" if character == "\t" else quote(character)


def _tsv(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    return _csv(connection, files, ref, "\t")


def _parquet(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    own = connection.sql(
        f"SELECT * FROM read_parquet({_paths(files[:1])}, hive_partitioning = false) LIMIT 0"
    ).columns
    select = f"read_parquet({_paths(files)}{_several(files)}{_partitions(files, ref, own)})"
    connection.execute(SEE_NAN)
    names: list[str] = []
    if len(files) == 1:
        fields = connection.sql(f"SELECT name, num_children FROM parquet_schema({_paths(files)})").fetchall()
        names = [name for name, depth in zip(*_depths(fields), strict=True) if depth == 1]
    return _Opened(select, select, names=tuple(names))


def _depths(fields: Sequence[tuple[str, int | None]]) -> tuple[list[str], list[int]]:
    """The names of a Parquet schema, which lists a field before its children, and how deep each lies."""
    open_: list[int] = []
    depths = []
    for _, children in fields:
        depths.append(len(open_))
        if open_:
            open_[-1] -= 1
        if children:
            open_.append(children)
        while open_ and open_[-1] == 0:
            open_.pop()
    return [name for name, _ in fields], depths


def _arrow(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    import pyarrow.dataset as ds

    dataset = ds.dataset([os.path.abspath(file) for file in files], format="feather")
    connection.register("arrow_file", dataset)
    return _Opened("arrow_file", "", frame=dataset, names=tuple(dataset.schema.names))


def _database(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...], ref: DataRef) -> _Opened:
    before = f"ATTACH {quote(_safe(files[0]))} AS store (READ_ONLY); USE store; "
    connection.execute(before)
    if ref.query is not None:
        return _Opened("", "", before)
    tables = [row[0] for row in connection.sql("SHOW TABLES").fetchall()]
    table = ref.table or (tables[0] if len(tables) == 1 else None)
    if table is None or table not in tables:
        wanted = f"no table `{ref.table}`" if ref.table else "a `table:` is needed"
        raise refused(f"{wanted} in `{ref.source}`", ref, "tables: " + ", ".join(tables), "DR305")
    return _Opened(identifier(table), identifier(table), before, foreign=True)


_READERS: Mapping[str, _Reading] = {
    ".csv": _csv,
    ".csv.gz": _csv,
    ".tsv": _tsv,
    ".tsv.gz": _tsv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".duckdb": _database,
}


def _paths(files: tuple[str, ...]) -> str:
    """Files as DuckDB reads them by name: no sign in a name is a pattern's, and no colon ends a
    protocol's.
    """
    return replace(DUCKDB, files=files).named()


def _safe(path: str) -> str:
    return path if os.path.isabs(path) or ":" not in path else os.path.join(".", path)


def _several(files: tuple[str, ...]) -> str:
    return ", union_by_name = true" if len(files) > 1 else ""


_RANGING = ", hive_partitioning = true"


def _partitions(files: tuple[str, ...], ref: DataRef, own: Collection[str]) -> str:
    """Folders such as `year=2020` are columns where the spec's pattern ranges over them; elsewhere they only
    lie so.

    Left alone, DuckDB takes every such folder of a path for a column, in place of the file's own of that
    name.
    """
    keys = _keys(files)
    if not keys:
        return ""
    folder = os.path.dirname(ref.source).replace(os.sep, "/")
    ranges = any(("=" in part or part == "**") and glob.has_magic(part) for part in folder.split("/"))
    return _RANGING if ranges and len(files) > 1 and not keys & set(own) else ", hive_partitioning = false"


def _keys(files: tuple[str, ...]) -> frozenset[str]:
    folders = (os.path.dirname(os.path.abspath(file)).replace(os.sep, "/").split("/") for file in files)
    return frozenset(part.partition("=")[0] for parts in folders for part in parts if "=" in part)
