"""Data in databases: PostgreSQL and Spark answer what DuckDB answers, and no secret gets out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.binding.opening import starter_for
from dagreg.errors import DagregError, Diagnostic, Span, redacted, render
from dagreg.result import Result, open_result
from dagreg.sources import database, source
from dagreg.sources.database import open_database, translated
from dagreg.sources.duck import open_file
from dagreg.sources.source import Source
from dagreg.spec.secrets import shareable
from dagreg.spec.types import DataRef
from tests import databases
from tests.databases import PASSWORD, Postgres, spark_url
from tests.fitting import spec_of
from tests.optimising import densities, optimised, points
from tests.test_series import assert_same, many, refuse

ROOT = Path(__file__).parent.parent
COUNT = 2_000
SCHEMA = (
    "k BIGINT, z BOOLEAN, g VARCHAR, c INTEGER, x DOUBLE, m DOUBLE, y DOUBLE, d DECIMAL(12, 3), f FLOAT, hit "
    "INTEGER"
)
POSTGRES_SCHEMA = SCHEMA.replace("DOUBLE", "DOUBLE PRECISION").replace("FLOAT", "REAL")
LEVELS = ["b", "B", "it's", "back\\slash", "Zürich", 'say "so"']


def table() -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(11)
    z = rng.integers(0, 2, COUNT)
    g = rng.integers(0, len(LEVELS), COUNT)
    c = rng.integers(0, 4, COUNT)
    x = 1000 + z + 0.3 * g + rng.normal(0, 2, COUNT)
    m = np.exp(0.2 * (x - 1000) + rng.normal(0, 0.3, COUNT))
    y = 0.5 * x + np.log1p(m) + z + (g == 2) + rng.normal(size=COUNT)
    hit = rng.random(COUNT) < 1 / (1 + np.exp(0.5 - 0.4 * c + z))
    found = []
    for i in range(COUNT):
        d = None if i % 50 == 0 else round(float(y[i]), 3)
        f = float("nan") if i % 40 == 0 else float(np.float32(x[i]))
        row = (
            i,
            bool(z[i]),
            LEVELS[g[i]],
            int(c[i]),
            float(x[i]),
            float(m[i]),
            float(y[i]),
            d,
            f,
            int(hit[i]),
        )
        found.append(row)
    return found


@pytest.fixture(scope="session")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "t.parquet"
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t ({SCHEMA})")
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * 10)})", table())
    connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with databases.postgres() as cluster:
        cluster.load("t", POSTGRES_SCHEMA, table())
        cluster.run("CREATE TABLE second (a INT)", "CREATE SEQUENCE counter")
        yield cluster


@pytest.fixture(scope="session")
def spark(parquet: Path) -> Iterator[Any]:
    with databases.spark() as session:
        session.read.parquet(str(parquet)).createOrReplaceTempView("t")
        yield session


@pytest.fixture
def duck(parquet: Path) -> Source:
    return open_file(DataRef(str(parquet)), "")


@pytest.fixture(params=["postgres", "spark"])
def url(request: pytest.FixtureRequest) -> str:
    return url_of(request.param, request)


def url_of(engine: str, request: pytest.FixtureRequest) -> str:
    started = request.getfixturevalue(engine)
    return started.url if isinstance(started, Postgres) else spark_url()


# ---------------------------------------------------------------- the same answers


USED = ("k", "z", "g", "c", "x", "m", "y", "d", "f", "hit")


def test_summaries_are_those_of_duckdb(url: str, duck: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    other = open_database(DataRef(url, table="t"))
    assert {c: other.kind(c) for c in other.columns} == {c: duck.kind(c) for c in USED}
    assert other.rows() == duck.rows() == COUNT
    assert other.missing(USED) == duck.missing(USED) == dict.fromkeys(USED, 0) | {"d": 40, "f": 50}
    where = duck.complete(USED)
    mine, theirs = duck.summarise(USED, where), other.summarise(USED, where)
    for column in USED:
        a, b = mine[column], theirs[column]
        assert (b.kind, b.levels, b.counts, b.integral) == (a.kind, a.levels, a.counts, a.integral), column
        assert (b.missing, b.distinct) == (a.missing, a.distinct)
        for part in ("mean", "sd", "minimum", "maximum"):
            assert getattr(b, part) == pytest.approx(getattr(a, part), rel=1e-12, nan_ok=True)
    expressions = ['ln("m")', '"c" / 4', '("x" - 1000.5) / 2.0', "CAST(\"g\" = 'it''s' AS DOUBLE) * \"x\""]
    for found, known in zip(other.moments(expressions, where), duck.moments(expressions, where), strict=True):
        assert found == pytest.approx(known, rel=1e-12)
    quantile = 'SELECT quantile_cont("x", 0.05), quantile_cont("x", 0.5) FROM '
    assert other.fetch(quantile + other.select)[0] == pytest.approx(
        duck.fetch(quantile + duck.select)[0], rel=1e-14
    )
    assert other.distinct(["g", "z"], where) == duck.distinct(["g", "z"], where) == 12
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    estimated = other.summarise(["g", "k"])
    assert (estimated["g"].levels, estimated["g"].counts) == (
        other.summarise(["g"])["g"].levels,
        mine_counts(duck),
    )
    assert estimated["k"].distinct == pytest.approx(COUNT, rel=0.2)


def mine_counts(duck: Source) -> tuple[int, ...]:
    return duck.summarise(["g"])["g"].counts


def test_columns_come_as_duckdbs_do(url: str, duck: Source) -> None:
    other = open_database(DataRef(url, table="t"))
    where = duck.complete(USED)
    mine, theirs = duck.arrays(USED, where), other.arrays(USED, where)
    mine_order, their_order = np.argsort(mine["k"]), np.argsort(theirs["k"])
    for column in USED:
        np.testing.assert_array_equal(theirs[column][their_order], mine[column][mine_order])
        assert theirs[column].dtype.kind == mine[column].dtype.kind
    whole = other.sample(USED, COUNT, 1)
    assert (int(whole["d"].mask.sum()), len(whole["k"])) == (40, COUNT)
    assert int(np.isnan(np.ma.getdata(whole["f"])).sum() + np.ma.getmaskarray(whole["f"]).sum()) == 50


def test_a_sample_is_random_and_repeats(url: str) -> None:
    other = open_database(DataRef(url, table="t"))
    drawn = [set(other.sample(["k"], 500, seed)["k"].tolist()) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 400 < len(drawn[0]) < 600
    assert 800 < np.mean(list(drawn[0])) < 1200


CHAIN = """\
nodes: {z: binary, g: categorical, x: continuous, m: {transform: log1p}, y: continuous}
edges: ['z, g -> x', x -> m, 'z, g, m, x -> y']
effect: x -> y
sampling: {engine: exact, draws: 200, chains: 2}
"""
HITS = """\
nodes: {z: binary, g: categorical, c: count, hit: binary}
edges: ['z, g -> c', 'z, g, c -> hit']
effect: c -> hit
regressions: {hit: {interactions: ['z:c']}}
"""


def with_data(text: str, url: str, table: str = "t") -> str:
    return f"data: {{source: '{url}', table: {table}}}\n" + text


@pytest.mark.parametrize("large", [False, True], ids=["rows", "cross-products"])
def test_the_posterior_of_a_chain_is_the_same(
    large: bool, url: str, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    mine = pipeline.fit(spec_of(CHAIN), parquet)
    theirs = pipeline.fit(spec_of(with_data(CHAIN, url)))
    assert theirs.record.data.sha256 is None
    assert theirs.record.data.rows == COUNT
    assert set(mine.samples) == set(theirs.samples)
    for builder, draws in mine.samples.items():
        for symbol, values in draws.values.items():
            np.testing.assert_allclose(theirs.samples[builder].values[symbol], values, rtol=1e-9, atol=1e-12)
    assert_same_estimates(mine, theirs)


def assert_same_estimates(mine: Result, theirs: Result) -> None:
    for a, b in zip(mine.effects, theirs.effects, strict=True):
        assert a.result is not None
        assert b.result is not None
        for known, found in zip(a.result.estimates, b.result.estimates, strict=True):
            assert found.summary.mean == pytest.approx(known.summary.mean, rel=1e-9)
            assert found.summary.sd == pytest.approx(known.summary.sd, rel=1e-9)


def test_the_posterior_of_a_grouped_binary_regression_is_the_same(url: str, parquet: Path) -> None:
    """Equal tables of counts, and equal log densities: NUTS with one seed then draws the same from both."""
    text = with_data(HITS, url)
    mine, theirs = (optimised(text, data=data) for data in (str(parquet), url))
    (known,), (found,) = mine.pieces, theirs.pieces
    assert known.grouping == found.grouping != None  # noqa: E711  # three things at once
    counts, others = mine.table(known), theirs.table(found)
    assert list(counts) == list(others)
    for name, values in counts.items():
        np.testing.assert_array_equal(others[name], values)
    at = points(known.model, 3)
    np.testing.assert_allclose(
        densities(theirs.program, found.model, others, at),
        densities(mine.program, known.model, counts, at),
        rtol=1e-9,
    )


GLMS = {
    "logit": ("hit: binary, x: continuous, z: binary, g: categorical", "hit", ""),
    "plain": ("hit: binary, x: continuous, z: binary", "hit", ""),
    "cloglog": ("hit: binary, x: continuous, z: binary", "hit", "regressions: {hit: {link: cloglog}}\n"),
    "exposures": ("c: {type: count, offset: m}, x: continuous, z: binary", "c", ""),
    "trials": ("hit: {type: count, family: binomial, trials: 3}, x: continuous, z: binary", "hit", ""),
}


@pytest.mark.parametrize(("name", "engine"), [*((name, "postgres") for name in GLMS), ("plain", "spark")])
def test_a_regression_is_solved_where_its_rows_are(
    name: str, engine: str, parquet: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws and averages as from memory, and no column is read."""
    url = url_of(engine, request)
    nodes, outcome, more = GLMS[name]
    others = [n for n in ("z", "g") if f"{n}: " in nodes]
    edges = f"['{', '.join(others)} -> x', 'x, {', '.join(others)} -> {outcome}']"
    text = f"nodes: {{{nodes}}}\nedges: {edges}\neffect: x -> {outcome}\n{more}"
    text += "sampling: {draws: 250, chains: 2}\n"
    many(monkeypatch)
    mine = pipeline.fit(spec_of(text), parquet)
    monkeypatch.setattr(rows.Rows, "__getitem__", refuse)
    theirs = pipeline.fit(spec_of(with_data(text, url)))
    assert {d.engine for d in theirs.samples.values()} == {"metropolis"}
    assert_same(mine, theirs)


def test_missing_values_of_every_kind_are_masked(postgres: Postgres, spark: Any) -> None:
    rows = (
        "(1, true, 'a', CAST(1.5 AS REAL)), (NULL, NULL, NULL, NULL), (9007199254740993, false, '', CAST(2.5 "
        "AS REAL))"
    )
    query = f"SELECT * FROM (VALUES {rows}) AS v (n, b, g, x)"
    postgres.run(f"CREATE TABLE gaps AS {query}")
    spark.sql(query).createOrReplaceTempView("gaps")
    for url in (postgres.url, spark_url()):
        found = open_database(DataRef(url, table="gaps"))
        assert found.missing(found.columns) == dict.fromkeys("nbgx", 1)
        columns = found.sample("nbgx", 10, 1)
        assert all(np.ma.getmaskarray(columns[c]).sum() == 1 for c in "nbx")
        assert sorted(columns["g"].compressed()) == ["", "a"]
        assert sorted(found.arrays("nb", found.complete("n"))["n"].tolist()) == [1, 2**53 + 1]


# ---------------------------------------------------------------- tables, views, queries


def test_a_query_in_the_databases_own_sql(postgres: Postgres, spark: Any, parquet: Path) -> None:
    queries = {
        postgres.url: "WITH s AS (SELECT * FROM t) SELECT x::float4, y, 'a;b'::text AS g FROM s WHERE k < 7 "
        "-- all\n;",
        spark_url(): f"SELECT CAST(x AS FLOAT) AS x, y, 'a;b' AS g FROM parquet.`{parquet}` WHERE k < 7",
    }
    for url, query in queries.items():
        found = open_database(DataRef(url, query=query))
        assert (found.rows(), found.columns, found.sql_types["x"]) == (7, ("x", "y", "g"), "FLOAT")
        assert found.summarise(["g"])["g"].levels == ("a;b",)
        assert len(found.sample(["x"], 3, 1)["x"]) < 7
        assert found.distinct(["x", "y"]) == 7


def test_a_question_without_end_is_ended(postgres: Postgres, monkeypatch: Any) -> None:
    monkeypatch.setenv("DAGREG_QUERY_SECONDS", "0.5")
    found = open_database(DataRef(postgres.url, query="SELECT 1 AS x, pg_sleep(60)::text AS y"))
    with pytest.raises(DagregError, match=r"DR338.*0\.5 seconds"):
        found.arrays(["x", "y"])


def test_long_ids_of_a_database_stay_apart(postgres: Postgres) -> None:
    query = (
        "SELECT (12345678901234567890 + i % 3)::numeric(38, 0) AS id, i::numeric / 7 AS x FROM "
        "generate_series(1, 9) i"
    )
    found = open_database(DataRef(postgres.url, query=query)).narrow(["id", "x"])
    assert found.summarise(["id"])["id"].levels == tuple(str(12345678901234567890 + i) for i in range(3))
    assert found.kind("x") == "number"
    assert len(found.notes) == 1


def test_views_schemas_and_enums(postgres: Postgres) -> None:
    postgres.run(
        'CREATE SCHEMA "Odd one"',
        "CREATE TYPE size AS ENUM ('small', 'large')",
        'CREATE TABLE "Odd one".stones (s size, a numeric, w char(4), d date, "quo""ted" int)',
        "INSERT INTO \"Odd one\".stones VALUES ('small', 1.5, 'x', '2020-01-01', 1), ('large', 2, 'y', NULL, "
        "2)",
        'CREATE VIEW stones AS SELECT * FROM "Odd one".stones',
    )
    for ref in (
        DataRef(postgres.url, table="Odd one.stones"),
        DataRef(postgres.url, table="stones"),
        DataRef(postgres.url, query="SELECT * FROM stones"),
    ):
        found = open_database(ref)
        assert [found.kind(c) for c in ("s", "a", "w", "d", 'quo"ted')] == [
            "text",
            "number",
            "text",
            None,
            "number",
        ]
        summary = found.summarise(["s", "a", "w"])
        assert (summary["s"].levels, summary["w"].levels) == (("large", "small"), ("x", "y"))
        assert (summary["a"].mean, summary["a"].distinct) == (1.75, 2)
        assert found.arrays(['quo"ted'])['quo"ted'].tolist() == [1, 2]
        assert len(found.fetch(f"SELECT {found.numbering} FROM {found.select}")) == 2


def test_only_the_columns_used_are_read(postgres: Postgres) -> None:
    """Its owner lets this user see no others, and the database would refuse."""
    postgres.run("CREATE ROLE reader LOGIN PASSWORD 'reader'", "GRANT SELECT (z, g, x, m, y) ON t TO reader")
    url = f"postgres://reader:reader@127.0.0.1:{postgres.port}/postgres"
    with pytest.raises(DagregError, match=r"DR334.*permission denied"):
        open_database(DataRef(url, table="t")).rows('"hit" = 1')
    assert pipeline.fit(spec_of(with_data(CHAIN, url))).effects[0].result is not None


def test_all_questions_see_the_same_rows(postgres: Postgres) -> None:
    postgres.load("growing", "x INT", [(1,), (2,)])
    found = open_database(DataRef(postgres.url, table="growing"))
    postgres.run("INSERT INTO growing VALUES (3)")
    assert (found.rows(), found.arrays(["x"])["x"].tolist()) == (2, [1, 2])
    assert open_database(DataRef(postgres.url, table="growing")).rows() == 3


def test_groups_of_rows_are_even_and_the_same_at_every_scan(url: str) -> None:
    found = open_database(DataRef(url, table="t"))
    scans = [dict(found.fetch(f"SELECT k, {found.numbering} % 10 FROM {found.select}")) for _ in range(2)]
    assert scans[0] == scans[1]
    assert np.bincount(list(scans[0].values())).min() > COUNT / 10 / 2


def test_translations_know_what_a_condition_is() -> None:
    pytest.importorskip("sqlglot")
    assert translated("SELECT CAST((\"g\" = 'a') AS DOUBLE) FROM t", "postgres") == (
        "SELECT CAST(CAST((\"g\" = 'a') AS INT) AS DOUBLE PRECISION) FROM t"
    )
    assert "NaN" in translated('SELECT isnan("x") FROM t', "spark")


# ---------------------------------------------------------------- what can go wrong


def refusal(ref: DataRef) -> Diagnostic:
    with pytest.raises(DagregError) as caught:
        open_database(ref).rows()
    assert caught.value.__cause__ is None
    (found,) = caught.value.diagnostics
    return found


AT = Span("spec.yaml", 1, 7, 20)
WRONG: dict[str, tuple[str, Callable[[Postgres], DataRef]]] = {
    "the password": ("DR333", lambda p: DataRef(p.address("a wrong one"), table="t", span=AT)),
    "the port": ("DR333", lambda p: DataRef(p.address(PASSWORD, port=9), table="t", span=AT)),
    "a setting": ("DR333", lambda p: DataRef(p.url + "?none=such&token=abcdef", table="t", span=AT)),
    "a slash in the password": ("DR333", lambda p: DataRef("postgres://u:sesa/me@h/db", table="t", span=AT)),
    "a number and a slash in it": (
        "DR333",
        lambda p: DataRef("postgres://u:123/sesame@h/db", table="t", span=AT),
    ),
    "the table": ("DR305", lambda p: DataRef(p.url, table="absent", span=AT)),
    "no table": ("DR305", lambda p: DataRef(p.url, span=AT)),
    "a column of the query": ("DR334", lambda p: DataRef(p.url, query="SELECT absent FROM t", span=AT)),
    "two statements": ("DR307", lambda p: DataRef(p.url, query="SELECT 1 AS a; DROP TABLE t", span=AT)),
    "no SELECT": ("DR307", lambda p: DataRef(p.url, query="DELETE FROM t RETURNING k", span=AT)),
    "no SQL": ("DR307", lambda p: DataRef(p.url, query="SELEC ((", span=AT)),
    "a query that writes": (
        "DR334",
        lambda p: DataRef(p.url, query="SELECT nextval('counter') AS a", span=AT),
    ),
    "a query that fails late": (
        "DR334",
        lambda p: DataRef(p.url, query="SELECT 1 AS a FROM t WHERE 1 / (k - k) > 0", span=AT),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_located_and_keep_the_secret(name: str, postgres: Postgres) -> None:
    code, ref = WRONG[name]
    found = refusal(ref(postgres))
    assert (found.code, found.span) == (code, AT), found
    assert_no_secret(found.message + found.label)


def test_a_missing_table_of_spark_and_a_query_that_is_none(spark: Any) -> None:
    assert refusal(DataRef(spark_url(), table="absent")).code == "DR305"
    assert refusal(DataRef(spark_url(), query="SELECT absent FROM t")).code == "DR334"
    assert refusal(DataRef(spark_url(), query="DROP TABLE t")).code == "DR307"


def test_engines_that_are_not_known() -> None:
    found = refusal(DataRef("mysql://user:sesame@host/db", table="t", span=AT))
    assert (found.code, found.span) == ("DR331", AT)
    assert "postgres://" in found.label


@pytest.mark.parametrize(("url", "extra"), [("postgres://h/db", "postgres"), ("pyspark://", "spark")])
def test_a_missing_extra_is_named(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_spec", lambda name: None)
    found = refusal(DataRef(url, table="t", span=AT))
    assert (found.code, found.span, found.label) == ("DR332", AT, f"pip install 'dagreg[{extra}]'")


# ---------------------------------------------------------------- secrets

SECRETS = ("sesame", "op&n", "op%26n", "abcdef", "a wrong one", "a%20wrong")


def assert_no_secret(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text, text


REDACTED = {
    "postgres://u:sesame@h:5/db": "postgres://u:***@h:5/db",
    "postgres://u:se@s/a?m#e @h/db and so on": "postgres://u:***@h/db and so on",
    "postgres://u/:sesame@h": "postgres://u:***@h",
    "postgres://:sesame@h": "postgres://:***@h",
    "postgres://u@h/db?password=sesame": "postgres://u@h/db?password=***",
    "postgres://u@h/db?a=1&sslpassword=se same&b=2": "postgres://u@h/db?a=1&sslpassword=***&b=2",
    "pyspark://?spark.hadoop.fs.s3a.secret.key=sesame": "pyspark://?spark.hadoop.fs.s3a.secret.key=***",
    "x://h?p%61ssword=sesame": "x://h?p%61ssword=***",
    "x://h?access_token=sesame": "x://h?access_token=***",
    "password=sesame host=h": "password=***",
    "postgres://u@h:5432/db?sslmode=require": "postgres://u@h:5432/db?sslmode=require",
    "data: t.csv  # a = b": "data: t.csv  # a = b",
}


@pytest.mark.parametrize("text", REDACTED)
def test_redaction(text: str) -> None:
    assert redacted(text) == REDACTED[text]
    assert redacted(redacted(text)) == redacted(text)
    assert redacted(f"before\n{text}\nafter me@home") == f"before\n{REDACTED[text]}\nafter me@home"


def test_a_stored_spec_has_no_secret_and_says_the_same() -> None:
    url = "postgres://u:sesame@h/db"
    spec = spec_of(with_data(CHAIN, url))
    shared = shareable(spec)
    assert_no_secret(repr(shared))
    assert shared.text == spec.text.replace(":sesame@", ":***@")
    assert (shared.nodes.keys(), shared.edges, shared.sampling) == (
        spec.nodes.keys(),
        spec.edges,
        spec.sampling,
    )
    escaped = spec_of(with_data(CHAIN, "").replace("''", '"postgres://u:ses\\x61me@h/db"'))
    assert escaped.data is not None
    assert escaped.data.source == url
    assert_no_secret(repr(shareable(escaped)))
    assert shareable(escaped).text == ""
    plain = spec_of(with_data(CHAIN, "postgres://u@h/db"))
    assert shareable(plain) is plain


@pytest.mark.parametrize("url", ["postgres://u:sesame@h/db", "postgres://u@h/db?token=sesame"])
def test_the_line_of_a_mistake_is_shown_without_the_secret(url: str) -> None:
    line = f"data: {{source: '{url}', tabel: t}}"
    mistake = Diagnostic(
        "DR103", f"unknown key in {url}", Span("s", 1, line.index("tabel") + 1, line.index(": t}") + 1)
    )
    shown = render(mistake, line)
    assert_no_secret(shown)
    if "?" not in url:
        assert shown.splitlines()[-1].index("^") == shown.splitlines()[-2].index("tabel")


def dagreg(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own."""
    command = [sys.executable, "-c", "from dagreg.cli import main; main()", *arguments]
    with_path = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, cwd=folder, env=with_path, capture_output=True, text=True, timeout=300)


def test_no_report_and_no_program_of_a_fit_holds_the_secret(postgres: Postgres, tmp_path: Path) -> None:
    url = f"{postgres.url}?connect_timeout=10&passfile=abcdef"
    spec = spec_of(with_data(CHAIN, url))
    result = pipeline.fit(spec)
    said = [result.report(format) for format in ("text", "json", "md", "html")]
    said += [
        pipeline.compile(spec).source,
        pipeline.compile(spec, optimised=True).source,
        pipeline.explain_plan(spec),
    ]
    said += [str(pipeline.explain(spec)), str(pipeline.check(spec)), str(result)]
    result.save(tmp_path)
    files = {path.name: path.read_bytes().decode("utf-8", "replace") for path in tmp_path.iterdir()}
    assert {"spec.yaml", "fit.json", "results.json", "report.html", "report.md", "model.py"} <= files.keys()
    assert "postgres://dagreg:***@" in files["spec.yaml"]
    for text in (*said, *files.values()):
        assert_no_secret(text)
    answer = json.loads(files["results.json"])
    assert answer["data"]["sha256"] is None
    assert answer["data"]["source"].startswith("postgres://dagreg:***@127.0.0.1")
    assert {"ibis-framework", "psycopg"} <= answer["versions"].keys()
    again = open_result(tmp_path)  # which makes the program again, and compares
    assert again.report("json") == result.report("json")


def test_the_command_line_says_what_is_wrong_and_no_more(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(with_data(CHAIN, postgres.address("a wrong one")))
    command = [
        sys.executable,
        "-c",
        "from dagreg.cli import main; main()",
        "fit",
        "spec.yaml",
        "--format",
        "json",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "error[DR333]" in done.stderr
    assert "spec.yaml:1:7" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert_no_secret(done.stdout + done.stderr)
    assert json.loads(done.stdout)["errors"][0]["code"] == "DR333"


def test_another_database_with_the_same_table(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--data` names the database, the spec its table; the password comes from PostgreSQL's own variable."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = f"postgres://dagreg@127.0.0.1:{postgres.port}/postgres"
    found = pipeline.check(spec_of(with_data(CHAIN, "postgres://nowhere/db")), url)
    assert found["nodes"]["g"] == "categorical"


def test_a_database_of_several_tables_needs_a_name(postgres: Postgres) -> None:
    with pytest.raises(DagregError, match=r"DR305.*`table:`") as caught:
        starter_for(postgres.url, None)
    assert " second" in caught.value.diagnostics[0].label


# ---------------------------------------------------------------- the program

ALONE = """
import sys
sys.modules["dagreg"] = None  # importing it fails
import arviz, nutpie, runpy
nutpie.compile_pymc_model = lambda model, **options: print([rv.name for rv in model.free_RVs])
nutpie.sample = lambda *arguments, **options: None  # it takes long, and is another test's business
arviz.summary = lambda draws, ci_prob: "drawn"
program = runpy.run_path("model.py", run_name="__main__")
print({k: len(v) for k, v in program["data"].items()})
"""


def test_programs_read_the_database_without_dagreg(postgres: Postgres, tmp_path: Path) -> None:
    small = "nodes: {z: binary, y: continuous}\nedges: [z -> y]\neffect: z -> y\n"
    spec = spec_of(with_data(small, postgres.url) + "sampling: {draws: 10, tune: 10, chains: 1}\n")
    program = pipeline.compile(spec, estimator="adjusted").source
    assert_no_secret(program)
    (tmp_path / "model.py").write_text(program)
    environment = os.environ | {"DATABASE_URL": postgres.url}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert f"'y': {COUNT}" in done.stdout
    assert "beta_y_z" in done.stdout


def test_programs_of_spark_keep_its_settings_but_no_secrets(spark: Any) -> None:
    url = spark_url(**{"spark.hadoop.fs.s3a.secret.key": "sesame"})
    spec = spec_of(with_data(CHAIN, url))
    program = pipeline.compile(spec, estimator="adjusted").source
    assert_no_secret(program)
    lines = [line.strip() for line in program.splitlines()]
    wanted = ("QUERY =", "import pyspark", "database =", "data =")
    found: dict[str, Any] = {}
    exec("\n".join(line for line in lines if line.startswith(wanted)), found)
    assert len(found["data"]["y"]) == COUNT
