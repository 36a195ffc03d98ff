"""A table of a database or of Spark behind Ibis: the questions go there, translated, and only answers come
back.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from operator import methodcaller
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np

from dagreg.errors import HIDDEN, DagregError, redacted, secret_setting
from dagreg.lazy import Lazy
from dagreg.quoting import comment, literal
from dagreg.sources.reader import Reader
from dagreg.sources.source import Source, Values, first_line, identifier, longest, refused, too_late
from dagreg.spec.types import DataRef

if TYPE_CHECKING:
    import ibis
    import psycopg
    import pyarrow as pa
    import pyarrow.compute as pc
    import sqlglot
    from pyspark import sql as spark
    from sqlglot import expressions as exp
else:  # extras, whose absence is a message
    ibis, psycopg, spark = Lazy("ibis"), Lazy("psycopg"), Lazy("pyspark.sql")
    pa, pc = Lazy("pyarrow"), Lazy("pyarrow.compute")
    sqlglot, exp = Lazy("sqlglot"), Lazy("sqlglot.expressions")

GIVEN = "dagreg_rows"  # the spec's query, named in front of every question
SHARES = 1_000_000  # into which rows are dealt before some are sampled
VARIABLE = "DATABASE_URL"  # where the emitted program finds the connection string
_PRIME = 7919  # takes the samples of neighbouring seeds apart
_TYPES = {
    "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "uint8": "UTINYINT",
    "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT", "float32": "FLOAT", "float64": "DOUBLE",
    "decimal": "DECIMAL", "string": "VARCHAR", "boolean": "BOOLEAN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DatabaseEngine:
    """What sets one database engine apart from the others."""

    name: str
    extra: str  # of dagreg's package
    modules: tuple[str, ...]  # that the extra installs
    packages: tuple[str, ...]
    dialect: str  # SQLGlot's name of its SQL
    connect: Callable[[str], Any]
    describe: Callable[[Any, str], Mapping[str, str]]  # a query's columns and their types in DuckDB's names
    settle: Callable[[Any], None]  # before the first question
    rows: Callable[[Any], list[tuple[Any, ...]]]  # of what Ibis's `raw_sql` answers
    numbering: str  # of the rows of a table, even and the same at every scan
    numbering_given: str  # and of a query or view
    text: str  # compares and sorts by code points
    estimates: bool
    fence: str  # of a subquery
    program: Callable[[str], Reader]


@dataclass(frozen=True, slots=True, kw_only=True)
class IbisSource(Source):
    """A table, view or query of a connection that Ibis has opened. `given` is the spec's own query."""

    backend: Any
    engine: DatabaseEngine
    ref: DataRef
    number: str
    given: str = ""

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        with _asking(self.ref, self.engine):
            return [tuple(row) for row in self.engine.rows(self.backend.raw_sql(self.scripted(sql)))]

    def read(self, sql: str, columns: Mapping[str, Values]) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        with _asking(self.ref, self.engine):
            asked = self.backend.sql(self.scripted(sql), schema=dict(columns))
            table = asked.to_pyarrow_batches().read_all()
            return {name: _masked(table.column(name)) for name in columns}

    def sample(self, columns: Sequence[str], most: int, seed: int) -> dict[str, np.ma.MaskedArray[Any, Any]]:
        """Every row, or of a larger table about `most`: those to which one of `SHARES` equal shares falls."""
        if not columns:
            return {}
        kinds = {c: self.values(c) for c in columns}
        rows = self.rows()
        if rows <= most:
            return self.read(self.query(columns), kinds)
        share = f"({self.number} % {SHARES} + {seed * _PRIME % SHARES}) % {SHARES}"
        named = ", ".join(f"{self.value(c)} AS {identifier(c)}" for c in columns)
        dealt = f"SELECT {named}, {share} AS dagreg_share FROM {self.select}"
        wanted = ", ".join(map(identifier, columns))
        return self.read(
            f"SELECT {wanted} FROM ({dealt}) AS dealt WHERE dagreg_share < {SHARES * most // rows}", kinds
        )

    def scripted(self, sql: str) -> str:
        return (f"WITH {GIVEN} AS (\n{self.given}\n)\n" if self.given else "") + translated(
            sql, self.engine.dialect
        )

    def value(self, column: str) -> str:
        plain = Source.value(self, column)
        return self.engine.text.format(text=plain) if self.kind(column) == "text" else plain

    def sha256(self, columns: Sequence[str]) -> None:
        """None: the rows stay where they are, and a hash of summaries would not be one of the data."""

    @property
    def numbering(self) -> str:
        return self.number

    @property
    def reader(self) -> Reader:
        return self.engine.program(self.ref.source)

    @property
    def packages(self) -> tuple[str, ...]:
        return self.engine.packages

    @property
    def estimates(self) -> bool:
        return self.engine.estimates

    @property
    def elsewhere(self) -> bool:
        return True

    @property
    def fence(self) -> str:
        return self.engine.fence


def open_database(ref: DataRef) -> IbisSource:
    """Opens the table or the query of a connection string that a spec names.

    Raises DataError where the engine is not known or not installed, there is no connection, or no such table.
    """
    engine = _engine(ref)
    _well_formed(ref)
    with _asking(ref, engine, "DR333", f"no connection to `{redacted(ref.source)}`"):
        backend = engine.connect(ref.source)
    if ref.query is not None:
        given = _single_select(ref, engine)
        with _asking(ref, engine, "DR334", "the `query:` is refused"):
            types = engine.describe(backend, given)
        select, number = GIVEN, engine.numbering_given
    else:
        select, types = _table(ref, engine, backend)
        given, number = "", engine.numbering
    source = IbisSource(
        select=select,
        origin=redacted(ref.source) + (f", table `{ref.table}`" if ref.table else ""),
        sql_types=types,
        script=select,
        backend=backend,
        engine=engine,
        ref=ref,
        number=number,
        given=given,
    )
    with _asking(ref, engine):
        engine.settle(backend)
    return _numbered(source)


def _engine(ref: DataRef) -> DatabaseEngine:
    scheme = ref.source.partition("://")[0].lower()
    engine = _ENGINES.get(scheme)
    if engine is None:
        known = ", ".join(f"{name}://" for name in _ENGINES)
        raise refused(f"dagreg does not read `{scheme}://`", ref, f"known: {known}, and data files", "DR331")
    missing = [name for name in engine.modules if find_spec(name) is None]
    if missing:
        label = f"pip install 'dagreg[{engine.extra}]'"
        listed = ", ".join(f"`{name}`" for name in missing)
        raise refused(f"{engine.name} needs packages that are not installed: {listed}", ref, label, "DR332")
    return engine


def _well_formed(ref: DataRef) -> None:
    """Raises DataError (DR333) where signs of a password would be taken for the URL's, and shown as a host or
    port.
    """
    try:
        parts = urlsplit(ref.source)
        clear = parts.port != 0 and ("@" in parts.netloc or "@" not in ref.source)
    except ValueError:
        clear = False
    if not clear:
        note = "in a password write / as %2F, @ as %40, and so on"
        raise refused("the connection string is not a valid URL", ref, note, "DR333")


def _table(ref: DataRef, engine: DatabaseEngine, backend: Any) -> tuple[str, Mapping[str, str]]:
    """What stands after FROM, and the columns; dots in `table:` part a catalog, a schema and the name."""
    with _asking(ref, engine):
        here = sorted(backend.list_tables()) if ref.table is None else []
    name = ref.table if ref.table is not None else (here[0] if len(here) == 1 else "")
    listed = ", ".join(here[:12]) + (", ..." if len(here) > 12 else "")
    if not name:
        raise refused("a `table:` or a `query:` is needed", ref, f"tables: {listed}" if here else "", "DR305")
    *within, last = name.split(".")
    with _asking(ref, engine, "DR305", f"no table `{name}`"):
        schema = backend.table(
            last, database=tuple(within) if len(within) > 1 else "".join(within) or None
        ).schema()
    return ".".join(map(identifier, (*within, last))), _sql_types(schema)


def _single_select(ref: DataRef, engine: DatabaseEngine) -> str:
    """The spec's query without comments and semicolon.

    Raises DataError (DR307) for anything but one SELECT.
    """
    assert ref.query is not None
    try:
        statements = [s for s in sqlglot.parse(ref.query, read=engine.dialect) if s is not None]
    except sqlglot.errors.SqlglotError:
        statements = []
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise refused(f"the `query:` is not a single SELECT in the SQL of {engine.name}", ref, "", "DR307")
    return str(statements[0].sql(dialect=engine.dialect, comments=False))


def _numbered(source: IbisSource) -> IbisSource:
    """With the numbering of a query where the rows have none of their own: those of views and
    foreign tables.
    """
    try:
        first = source.fetch(f"SELECT {source.number} FROM {source.select} LIMIT 2")
    except DagregError:
        with _asking(source.ref, source.engine):
            source.engine.settle(source.backend)  # the refused question has ended the transaction
        first = []
    return source if len(set(first)) == 2 else replace(source, number=source.engine.numbering_given)


def _sql_types(schema: Any) -> dict[str, str]:
    """Of an Ibis schema in DuckDB's names; Ibis's own for what is neither number, text nor boolean."""
    names = {column: str(kind.copy(nullable=True)) for column, kind in schema.items()}
    return {column: _TYPES.get(name.partition("(")[0], name) for column, name in names.items()}


def _masked(column: Any) -> np.ma.MaskedArray[Any, Any]:
    """An Arrow column as a NumPy array, missing values masked."""
    if column.null_count == 0:
        return np.ma.asarray(column.to_numpy())
    there = column.is_valid().to_numpy()
    filler = "" if pa.types.is_string(column.type) else pa.scalar(0).cast(column.type)
    return np.ma.array(pc.fill_null(column, filler).to_numpy(), mask=~there)


@contextmanager
def _asking(ref: DataRef, engine: DatabaseEngine, code: str = "DR334", what: str = "") -> Iterator[None]:
    """Whatever a database or its driver raises, as a located error without secrets.

    Drivers have hierarchies of errors of their own, and what goes wrong within them is beyond dagreg's reach.
    """
    try:
        yield
    except DagregError:
        raise
    except Exception as error:
        if any("statement timeout" in str(e) for e in _chain(error)):
            raise too_late(f"a question to {engine.name}", ref) from None
        reason = first_line(error) or type(error).__name__
        for secret in _secrets(ref.source):
            reason = reason.replace(secret, HIDDEN)
        raise refused(
            f"{what or f'{engine.name} refuses a question'}: {redacted(reason)}", ref, "", code
        ) from None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those in whose wake it was raised, as by a cursor that is closed after a refusal."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _secrets(url: str) -> tuple[str, ...]:
    """The secret values of a connection string, as they are written and as they are meant; the
    longest first.
    """
    authority = url.partition("://")[2].rpartition("@")[0]
    found = [authority.partition(":")[2]]
    found += [v for k, v in _settings(url).items() if secret_setting(k)]
    every = {form for secret in found for form in (secret, unquote(secret)) if len(form) > 2}
    return tuple(sorted(every, key=len, reverse=True))


def _settings(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2]))


# ---------------------------------------------------------------- translation


def translated(sql: str, dialect: str) -> str:
    """A question in DuckDB's SQL, in another."""
    parsed: Any = sqlglot.parse_one(sql, read="duckdb")
    if dialect == "spark":
        parsed = parsed.transform(_exact_quantile)
    return str(parsed.transform(_portable).sql(dialect=dialect))


def _exact_quantile(node: Any) -> Any:
    """SQLGlot writes quantiles for Spark in forms that Spark refuses, or that estimate."""
    match node:
        case exp.PercentileCont(this=x, expression=share):
            return exp.Anonymous(this="percentile", expressions=[x, share])
    return node


def _portable(node: Any) -> Any:
    """What SQLGlot leaves as it is and not every database has.

    Databases sort NaN above infinity and hold it equal to itself, unlike processors.
    """
    match node:
        case exp.IsNan(this=x):
            return exp.EQ(this=x, expression=_number_word("NaN"))
        case exp.IsInf(this=x):
            return exp.EQ(this=exp.Abs(this=x), expression=_number_word("Infinity"))
        case exp.Anonymous(this="isfinite", expressions=[x]):
            return exp.LT(this=exp.Abs(this=x), expression=_number_word("Infinity"))
        case exp.Cast(this=condition, to=kind) if isinstance(condition.unnest(), exp.Predicate):
            return exp.Cast(this=exp.Cast(this=condition, to=exp.DataType.build("int")), to=kind)
    return node


def _number_word(word: str) -> Any:
    return exp.Cast(this=exp.Literal.string(word), to=exp.DataType.build("double"))


# ---------------------------------------------------------------- PostgreSQL


def _connect_postgres(url: str) -> Any:
    backend = ibis.connect(url)
    weakref.finalize(backend, backend.con.close)
    return backend


def _describe_postgres(backend: Any, query: str) -> dict[str, str]:
    """Ibis would make a view of the query, for which not every user has leave and no replica allows it."""
    described = backend.raw_sql(f"SELECT * FROM ({query}) AS described LIMIT 0").description
    codes = ", ".join({str(column.type_code) for column in described})
    asked = backend.raw_sql(
        f"SELECT CAST(oid AS BIGINT), typcategory, typname FROM pg_type WHERE oid IN ({codes})"
    )
    kinds = {
        oid: "VARCHAR" if category in "SE" else _POSTGRES.get(name, name) for oid, category, name in asked
    }
    return {column.name: kinds[column.type_code] for column in described}


def _settle_postgres(backend: Any) -> None:
    """One transaction that only reads: every question sees the same state of the table, in the same order."""
    connection = backend.con
    connection.rollback()
    connection.autocommit = False
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    backend.raw_sql("SET LOCAL synchronize_seqscans = off").close()
    backend.raw_sql(f"SET LOCAL statement_timeout = {math.ceil(1000 * longest())}").close()


def _postgres_program(url: str) -> Reader:
    return Reader(
        ("os", "psycopg"),
        (
            f"database = psycopg.connect(os.environ[{literal(VARIABLE)}])"
            f"{comment(f'such as {redacted(url)}')}",
            "",
            "def columns(query):",
            "    cursor = database.execute(query)",
            "    return dict(zip([c.name for c in cursor.description], zip(*cursor.fetchall())))",
            "",
        ),
        "columns({query})",
    )


_POSTGRES = {
    "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "FLOAT", "float8": "DOUBLE",
    "numeric": "DECIMAL", "bool": "BOOLEAN",
}  # fmt: skip
POSTGRES = DatabaseEngine(
    name="PostgreSQL",
    extra="postgres",
    modules=("ibis", "psycopg"),
    packages=("ibis-framework", "psycopg"),
    dialect="postgres",
    connect=_connect_postgres,
    describe=_describe_postgres,
    settle=_settle_postgres,
    rows=methodcaller("fetchall"),
    numbering="(hashtext(CAST(ctid AS VARCHAR)) & 2147483647)",
    numbering_given="(hashint8(row_number() OVER ()) & 2147483647)",
    text='{text} COLLATE "C"',
    estimates=False,
    fence=" OFFSET 0",
    program=_postgres_program,
)


# ---------------------------------------------------------------- Spark


def _connect_spark(url: str) -> Any:
    """Ibis's own way from a URL sets each setting twice, which Spark refuses for those of its start."""
    builder = spark.SparkSession.builder
    for name, value in (
        {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"} | _spark(url)
    ).items():
        builder = builder.config(name, value)
    return ibis.pyspark.connect(builder.getOrCreate())


def _spark(url: str) -> dict[str, str]:
    """The session's settings: the path is the warehouse's folder, the rest stands behind the
    question mark.
    """
    folder = urlsplit(url.replace("[", "%5B").replace("]", "%5D")).path.lstrip("/")
    warehouse = {"spark.sql.warehouse.dir": os.path.abspath(f"/{folder}")} if folder else {}
    return warehouse | _settings(url)


def _spark_program(url: str) -> Reader:
    settings = {name: value for name, value in _spark(url).items() if not secret_setting(name)}
    chosen = "".join(f".config({literal(k)}, {literal(v)})" for k, v in settings.items())
    return Reader(
        ("pyspark.sql",),
        (f"database = pyspark.sql.SparkSession.builder{chosen}.getOrCreate()",),
        "database.sql({query}).toPandas()",
    )


SPARK = DatabaseEngine(
    name="Spark",
    extra="spark",
    modules=("ibis", "pyspark"),
    packages=("ibis-framework", "pyspark"),
    dialect="spark",
    connect=_connect_spark,
    describe=lambda backend, query: _sql_types(backend.sql(query).schema()),
    settle=lambda backend: None,
    rows=methodcaller("collect"),
    numbering="(hash(monotonically_increasing_id()) & 2147483647)",
    numbering_given="(hash(monotonically_increasing_id()) & 2147483647)",
    text="{text}",
    estimates=True,
    fence="",
    program=_spark_program,
)

_ENGINES: Mapping[str, DatabaseEngine] = {"postgres": POSTGRES, "postgresql": POSTGRES, "pyspark": SPARK}
