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
from dagreg.data import database, rows, source
from dagreg.data.database import IbisSource, open_database, translated
from dagreg.data.duck import open_file, open_frame
from dagreg.data.source import Source
from dagreg.errors import DagregError, Diagnostic, Span, redacted, render
from dagreg.model.types import Plan
from dagreg.spec.types import DataRef
from tests import databases
from tests.databases import PASSWORD, Postgres, spark_url
from tests.fitting import spec_of

ROOT = Path(__file__).parent.parent
COUNT = 2_000
SCHEMA = (
    "k BIGINT, z BOOLEAN, g VARCHAR, c INTEGER, x DOUBLE, m DOUBLE, y DOUBLE, d DECIMAL(12, 3), f FLOAT, hit INTEGER"
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
        row = (i, bool(z[i]), LEVELS[g[i]], int(c[i]), float(x[i]), float(m[i]), float(y[i]), d, f, int(hit[i]))
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
    started = request.getfixturevalue(request.param)
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
    assert other.distinct(["g", "z"], where) == duck.distinct(["g", "z"], where) == 12
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    estimated = other.summarise(["g", "k"])
    assert (estimated["g"].levels, estimated["g"].counts) == (other.summarise(["g"])["g"].levels, mine_counts(duck))
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
sampling: {draws: 60, tune: 60, chains: 1}
regressions: {hit: {interactions: ['z:c']}}
"""


def with_data(text: str, url: str, table: str = "t") -> str:
    return f"data: {{source: '{url}', table: {table}}}\n" + text


@pytest.mark.parametrize("large", [False, True], ids=["rows", "cross-products"])
def test_the_posterior_of_a_chain_is_the_same(
    large: bool, url: str, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(rows, "IN_MEMORY", 10)
    mine = pipeline.fit(spec_of(CHAIN), parquet)
    theirs = pipeline.fit(spec_of(with_data(CHAIN, url)))
    assert theirs.record.data.sha256 is None
    assert theirs.record.data.rows == COUNT
    assert set(mine.samples) == set(theirs.samples)
    for builder, draws in mine.samples.items():
        for symbol, values in draws.values.items():
            np.testing.assert_allclose(theirs.samples[builder].values[symbol], values, rtol=1e-9, atol=1e-12)
    assert_same_estimates(mine, theirs)


def assert_same_estimates(mine: pipeline.Result, theirs: pipeline.Result) -> None:
    for a, b in zip(mine.effects, theirs.effects, strict=True):
        assert a.result is not None
        assert b.result is not None
        for known, found in zip(a.result.estimates, b.result.estimates, strict=True):
            assert found.summary.mean == pytest.approx(known.summary.mean, rel=1e-9)
            assert found.summary.sd == pytest.approx(known.summary.sd, rel=1e-9)


def test_the_groups_of_a_binary_regression_are_the_same(url: str, parquet: Path) -> None:
    """The grouped tables are equal to the last bit, so what is computed from them is the same."""
    spec, other = spec_of(HITS), spec_of(with_data(HITS, url))
    mine, theirs = pipeline.compile(spec, parquet, optimised=True), pipeline.compile(other, optimised=True)
    assert list(mine.pieces) == list(theirs.pieces)
    tables = [
        pipeline.read(s, pipeline.questions(s)[1], d, allow_outside=True) for s, d in ((spec, parquet), (other, None))
    ]
    asked = [p.grouping for group in mine.pieces.values() for p in group]
    assert asked == [p.grouping for group in theirs.pieces.values() for p in group]
    assert any(g is not None for g in asked)
    for grouping in (g for g in asked if g is not None):
        known, found = (t.rows.grouped(grouping) for t in tables)
        assert list(known) == list(found)
        for name, values in known.items():
            np.testing.assert_array_equal(found[name], values)
    assert_same_estimates(pipeline.fit(spec, parquet), pipeline.fit(other))
