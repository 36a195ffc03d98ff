"""One scan of a large table tells what the questions one by one would have told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.sources import source
from dagreg.sources.duck import DuckSource, open_file
from dagreg.sources.scan import scan
from dagreg.spec.types import DataRef
from tests.fitting import spec_of, table_of

ROWS = 6_000
PLAIN = ("x", "f", "i", "d")
OTHERS = ("gap", "nan", "inf", "whole", "few", "late")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DuckSource:
    """Plain columns, and every reason for which a column is none."""
    rng = np.random.default_rng(4)
    x = rng.normal(1e6, 2, ROWS)
    late = rng.normal(size=ROWS)
    late[-1] = np.nan  # beyond the rows that are looked at first
    columns: dict[str, Any] = {
        "x": x,
        "f": rng.normal(size=ROWS).astype(np.float32),
        "i": rng.integers(-100_000, 100_000, ROWS),
        "d": pa.array([f"{v:.4f}" for v in rng.normal(size=ROWS)]).cast(pa.decimal128(12, 4)),
        "gap": pa.array([None, *x[1:]]),
        "nan": np.where(np.arange(ROWS) == 5, np.nan, x),
        "inf": np.where(np.arange(ROWS) == 5, np.inf, x),
        "whole": rng.integers(0, 100_000, ROWS).astype(float),
        "few": rng.integers(0, 50, ROWS) / 4,
        "late": late,
        "word": rng.choice(["a", "b"], ROWS),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    monkeypatch.setattr("dagreg.sources.scan.FIRST", 5_000)
    return open_file(DataRef(str(tmp_path / "t.parquet")), "")


def test_the_summaries_are_those_asked_for(table: DuckSource) -> None:
    found = scan(table, table.columns).columns
    assert set(found) == set(PLAIN)
    for name, column in table.summarise(PLAIN).items():
        mine = found[name]
        assert (mine.kind, mine.missing, mine.levels, mine.integral) == ("number", 0, (), column.integral)
        assert (mine.minimum, mine.maximum) == (column.minimum, column.maximum)
        assert mine.mean == pytest.approx(column.mean, rel=1e-12, abs=1e-12)
        assert mine.sd == pytest.approx(column.sd, rel=1e-10)


@pytest.mark.parametrize("column", OTHERS)
def test_other_columns_are_left_to_their_own_questions(table: DuckSource, column: str) -> None:
    assert set(scan(table, [column, "x"]).columns) == {"x"}


def test_small_tables_are_not_scanned(table: DuckSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "EXACT_COUNTS", ROWS)
    assert scan(table, ["x"]).moments is None


SPEC = "edges: [x -> i, 'x, i, few -> f']\neffect: x -> f\nsampling: {draws: 100, chains: 2}\n"


def test_a_fit_reads_the_table_twice_and_draws_one_sample(
    table: DuckSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apart from the levels of `few`: the scan, the regressions with `few` in them, and a sample."""
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    asked: list[str] = []
    fetch, read = DuckSource.fetch, DuckSource.read
    monkeypatch.setattr(DuckSource, "fetch", lambda self, sql: asked.append(sql) or fetch(self, sql))
    monkeypatch.setattr(
        DuckSource, "read", lambda self, sql, columns: asked.append(sql) or read(self, sql, columns)
    )
    result = pipeline.fit(spec_of(SPEC), table.files[0])
    whole = [sql for sql in asked if "LIMIT" not in sql and not sql.startswith("SELECT count(*) FROM")]
    assert sum(" AS part" in sql for sql in whole) == 2
    assert sum("USING SAMPLE" in sql or sql == table.query(["x", "i", "f", "few"]) for sql in whole) <= 1
    assert {d.engine for d in result.samples.values()} == {"exact"}


def test_columns_that_are_all_plain_need_no_second_scan(
    table: DuckSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    asked: list[str] = []
    fetch = DuckSource.fetch
    monkeypatch.setattr(DuckSource, "fetch", lambda self, sql: asked.append(sql) or fetch(self, sql))
    pipeline.fit(spec_of("edges: [x -> i -> f]\neffect: x -> f\n"), table.files[0])
    assert sum(sql.startswith("SELECT count(*) FROM") for sql in asked) == len(asked) - 1


def test_missing_rows_that_are_dropped_do_not_count(
    table: DuckSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan sees all rows, so where some are dropped its numbers are not used."""
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    spec = spec_of("edges: [x -> gap, x -> f]\neffect: x -> gap\nmissing: drop\n")
    read = table_of(spec, table.files[0])
    kept = table.arrays(["x"], table.complete(["gap"]))["x"]
    assert read.summary.columns["x"].mean == pytest.approx(kept.mean(), rel=1e-14)
    assert read.rows.count == ROWS - 1


def test_the_hash_is_the_same_in_a_thread(table: DuckSource) -> None:
    assert table.hashing(["x"])() == table.sha256(["x"])
