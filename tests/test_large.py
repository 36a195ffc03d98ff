"""Large tables: cross-products in SQL give what the rows give, and no array of the rows is made."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.binding.rows import Rows
from dagreg.result import Result
from dagreg.sources import moments, source
from tests.fitting import spec_of, table_of

SPEC = """\
nodes: {z: binary, x: continuous, m: {transform: log1p}, g: {type: categorical}, y: continuous}
edges: [z -> x, x -> m, 'z, g, m, x -> y']
effect: x -> y
sampling: {draws: 200, chains: 2}
"""
ROWS = 3_000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(8)
    z = rng.integers(0, 2, ROWS)
    x = rng.normal(1000, 2, ROWS) + z
    m = np.exp(0.2 * (x - 1000) + rng.normal(0, 0.3, ROWS))
    g = np.array(["a", "b'c", "d"])[rng.integers(0, 3, ROWS)]
    y = 0.5 * x + np.log1p(m) + z + (g == "d") + rng.normal(size=ROWS)
    columns = {"z": z, "x": x, "m": m, "g": g, "y": y}
    path = tmp_path / "t.parquet"
    typed = "z BIGINT, x DOUBLE, m DOUBLE, g VARCHAR, y DOUBLE"
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t ({typed})")
    connection.executemany(
        "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
        list(zip(*(c.tolist() for c in columns.values()), strict=True)),
    )
    connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def both(table: Path, monkeypatch: pytest.MonkeyPatch, text: str = SPEC) -> tuple[Result, Result]:
    """The same fit from arrays and from cross-products."""
    small = pipeline.fit(spec_of(text), table)
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    return small, pipeline.fit(spec_of(text), table)


def test_cross_products_give_the_same_posterior(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = both(table, monkeypatch)
    assert set(small.samples) == set(large.samples) == {"build_adjusted", "build_chain", "build_unadjusted"}
    for builder, draws in small.samples.items():
        for symbol, values in draws.values.items():
            others = large.samples[builder].values[symbol]
            assert (
                np.abs(values.mean(axis=(0, 1)) - others.mean(axis=(0, 1))).max()
                < 0.3 * values.std(axis=(0, 1)).max()
            )
            np.testing.assert_allclose(others.std(axis=(0, 1)), values.std(axis=(0, 1)), rtol=0.2)
    for a, b in zip(_estimates(small), _estimates(large), strict=True):
        assert b.summary.mean == pytest.approx(a.summary.mean, abs=0.3 * a.summary.sd)


def _estimates(result: Result) -> tuple[Any, ...]:
    (effect,) = result.effects
    assert effect.result is not None
    return effect.result.estimates


def test_the_disagreement_of_chain_and_adjusted_is_the_same(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The groups of rows differ, so its sd agrees within the error of a jackknife with 60 groups."""
    found = [r.effects[0].result.disagreements[0] for r in both(table, monkeypatch)]  # type: ignore[union-attr]
    assert found[1].sd == pytest.approx(found[0].sd, rel=0.5)
    assert found[1].disagrees == found[0].disagrees


def test_the_triangle_is_the_rows(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(SPEC)
    read = table_of(spec, table)
    models = pipeline.compile(spec, table).plans[0].models
    slow = [read.rows.triangle(m, e)[1] for m in models for e in m.equations]
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    read.rows.prepare(models)
    fast = [read.rows.triangle_without(m, e, None) for m in models for e in m.equations]
    for a, b in zip(slow, fast, strict=True):
        assert b is not None
        assert b[0] == ROWS
        np.testing.assert_allclose(b[1].T @ b[1], a.T @ a, rtol=1e-9, atol=1e-9 * np.abs(a).max() ** 2)


def test_groups_are_left_out_in_turn(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(SPEC)
    read = table_of(spec, table)
    (adjusted, *_) = pipeline.compile(spec, table).plans[0].models
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    counts = [read.rows.triangle_without(adjusted, adjusted.outcome, g) for g in range(moments.GROUPS)]
    assert all(c is not None for c in counts)
    assert sum(ROWS - c[0] for c in counts if c is not None) == ROWS


def test_no_row_enters_python(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)

    def refuse(self: Rows, column: str) -> None:
        raise AssertionError(f"{column} was read")

    monkeypatch.setattr(Rows, "__getitem__", refuse)
    tracemalloc.start()
    result = pipeline.fit(spec_of(SPEC), table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {d.engine for d in result.samples.values()} == {"exact"}
    assert peak < 40e6


def test_estimated_counts_keep_levels_and_types(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(SPEC)
    exact = table_of(spec, table).summary
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    estimated = table_of(spec, table).summary
    for name, column in exact.columns.items():
        other = estimated.columns[name]
        assert (other.kind, other.levels, other.counts) == (column.kind, column.levels, column.counts)
        assert other.distinct == pytest.approx(column.distinct, rel=0.3)
