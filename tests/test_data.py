"""Data sources: every kind of file and frame gives the same table, and what does not fit is
refused by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dagreg import pipeline
from dagreg.errors import DagregError
from dagreg.sources.duck import DuckSource, open_file, open_frame
from dagreg.spec.load import load
from dagreg.spec.types import DataRef, Spec
from tests.fitting import table_of

X = [1.5, 2.5, -3.0, 4.25, 0.0, 7.5]
G = ["a", "b", "a", "c", "b", "a"]
K = [1, 2, 3, 4, 5, 6]
FRAME = {"x": np.array(X), "g": np.array(G), "k": np.array(K)}


def _rows(separator: str = ",") -> str:
    lines = [separator.join(map(str, row)) for row in zip(X, G, K, strict=True)]
    return "\n".join([separator.join(("x", "g", "k")), *lines]) + "\n"


def _table() -> Any:
    import pyarrow as pa

    return pa.table({"x": X, "g": G, "k": K})


# ---------------------------------------------------------------- kinds of files


def _csv(folder: Path) -> DataRef:
    (folder / "t.csv").write_text(_rows())
    return DataRef("t.csv")


def _semicolons(folder: Path) -> DataRef:
    (folder / "t.csv").write_text(_rows(";"))
    return DataRef("t.csv")


def _windows(folder: Path) -> DataRef:
    """A byte order mark and CR LF, as spreadsheets write them."""
    (folder / "t.csv").write_bytes(b"\xef\xbb\xbf" + _rows().replace("\n", "\r\n").encode())
    return DataRef("t.csv")


def _tsv(folder: Path) -> DataRef:
    (folder / "t.tsv").write_text(_rows("\t"))
    return DataRef("t.tsv")


def _parquet(folder: Path) -> DataRef:
    import pyarrow.parquet as pq

    pq.write_table(_table(), folder / "t.parquet")
    return DataRef("t.parquet")


def _feather(folder: Path) -> DataRef:
    import pyarrow.feather as feather

    feather.write_feather(_table(), folder / "t.feather")
    return DataRef("t.feather")


def _arrow(folder: Path) -> DataRef:
    import pyarrow as pa

    with pa.OSFile(str(folder / "t.arrow"), "wb") as file, pa.ipc.new_file(file, _table().schema) as writer:
        writer.write_table(_table())
    return DataRef("t.arrow")


def _csv_parts(folder: Path) -> DataRef:
    """Two files, the second with its columns in another order."""
    lines = _rows().splitlines(keepends=True)
    (folder / "part-1.csv").write_text("".join(lines[:4]))
    turned = [",".join([row.strip().split(",")[i] for i in (2, 0, 1)]) for row in (lines[0], *lines[4:])]
    (folder / "part-2.csv").write_text("\n".join(turned) + "\n")
    return DataRef("part-*.csv")


def _parquet_parts(folder: Path) -> DataRef:
    import pyarrow.parquet as pq

    (folder / "deep" / "er").mkdir(parents=True)
    pq.write_table(_table().slice(0, 2), folder / "deep" / "1.parquet")
    pq.write_table(_table().slice(2), folder / "deep" / "er" / "2.parquet")
    return DataRef("deep/**/*.parquet")


def _database(folder: Path) -> None:
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.register("frame", _table())
        connection.execute('CREATE TABLE "rows here" AS SELECT * FROM frame')
        connection.execute("CREATE TABLE other AS SELECT 1 AS one")


def _duckdb_table(folder: Path) -> DataRef:
    _database(folder)
    return DataRef("t.duckdb", table="rows here")


def _duckdb_query(folder: Path) -> DataRef:
    _database(folder)
    return DataRef("t.duckdb", query='SELECT x, g, k FROM "rows here" ORDER BY k -- as they are\n;')


def _csv_query(folder: Path) -> DataRef:
    _csv(folder)
    return DataRef("t.csv", query="SELECT * FROM data WHERE k > 0")


FILES: list[Callable[[Path], DataRef]] = [
    _csv, _semicolons, _windows, _tsv, _parquet, _feather, _arrow, _csv_parts, _parquet_parts,
    _duckdb_table, _duckdb_query, _csv_query,
]  # fmt: skip


def _check(source: DuckSource) -> None:
    narrow = source.narrow(["x", "g", "k"])
    found = narrow.arrays(["x", "g", "k"])
    assert found["x"].tolist() == X
    assert found["g"].tolist() == G
    assert found["k"].tolist() == K
    assert [narrow.kind(c) for c in ("x", "g", "k")] == ["number", "text", "number"]
    summary = narrow.summarise(["x", "g", "k"])
    assert (summary["x"].mean, summary["x"].sd) == pytest.approx((np.mean(X), np.std(X, ddof=1)))
    assert (summary["g"].levels, summary["g"].counts) == (("a", "b", "c"), (3, 2, 1))
    assert (summary["k"].integral, summary["x"].integral) == (True, False)
    assert (summary["k"].minimum, summary["k"].maximum) == (1, 6)


@pytest.mark.parametrize("write", FILES, ids=lambda f: f.__name__.strip("_"))
def test_files(write: Callable[[Path], DataRef], tmp_path: Path) -> None:
    ref = write(tmp_path)
    _check(open_file(ref, str(tmp_path), allow_outside=False))


def _pandas() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(FRAME, index=range(10, 16))


def _pandas_categories() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(FRAME | {"g": pandas.Categorical(G, categories=["c", "b", "a"])})


def _polars() -> Any:
    return pytest.importorskip("polars").DataFrame(FRAME)


FRAMES: list[Callable[[], Any]] = [
    _table, _pandas, _pandas_categories, _polars, lambda: FRAME, lambda: {"x": X, "g": G, "k": K},
]  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
def test_frames(frame: Callable[[], Any]) -> None:
    _check(open_frame(frame()))


def test_a_frame_of_nothing_known_is_refused() -> None:
    with pytest.raises(DagregError, match="DR304"):
        open_frame(object())


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    hashes = {open_frame(FRAME).sha256(["x"]), open_frame(FRAME | {"x": np.array(X) + 1}).sha256(["x"])}
    hashes |= {open_frame(FRAME).sha256(["x", "k"]), open_file(_csv(tmp_path), str(tmp_path)).sha256(["x"])}
    assert len(hashes) == 4
    assert open_frame(FRAME).sha256(["x", "g"]) == open_frame(dict(FRAME)).sha256(["x", "g"])


# ---------------------------------------------------------------- columns


def _spec(folder: Path, text: str, table: str | None = None) -> Spec:
    if table is not None:
        (folder / "t.csv").write_text(table)
    (folder / "spec.yaml").write_text(text)
    return load(folder / "spec.yaml")


def _refusal(spec: Spec, data: Any = None, **options: Any) -> list[str]:
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec, data, **options)
    assert all("Traceback" not in d.message for d in caught.value.diagnostics)
    return [f"{d.code}: {d.message} {d.label}" for d in caught.value.diagnostics]


_PLAIN = "data: t.csv\nedges: [x -> y]\neffect: x -> y\n"


def _columns(text: str, folder: Path, spec: str = _PLAIN) -> dict[str, np.ndarray]:
    """The columns that a fit would use."""
    parsed = _spec(folder, spec, text)
    table = table_of(parsed, allow_outside=False)
    return table.source.arrays(table.columns, table.where)


BAD_TABLES = {
    "empty": ("", "DR304|DR311"),
    "a header only": ("x,y\n", "DR322|DR313"),
    "no such column": ("X,y\n1,2\n3,5\n", "DR311.*did you mean `X`"),
    "no such column, others listed": ("a,b\n1,2\n3,5\n", "DR311.*columns: a, b"),
    "the same name twice": ("x,x,y\n1,2,3\n4,5,7\n", "DR308.*`x`"),
    "dates": ("x,y\n2020-01-01,2\n2020-01-02,3\n", "DR321.*date"),
    "times": ("x,y\n2020-01-01 10:00:00,2\n2020-01-02 11:00:00,3\n", "DR321.*timestamp"),
    "infinite": ("x,y\ninf,2\n1.5,3\n", "DR306|DR312"),
    "missing": ("x,y\n1,2\nNA,3\n", "DR323.*`x` \\(1\\)"),
    "missing in two": ("x,y\n1,2\nNA,\n5,3\n", "DR323.*`x` \\(1\\), `y` \\(1\\)"),
    "all missing": ("x,y\nNA,1\nNA,2\n", "DR323|DR312|DR313"),
    "a single value": ("x,y\n1,2\n1,3\n", "DR313.*`x`"),
    "one row": ("x,y\n1,2\n", "DR313"),
    "ragged": ("x,y\n1,2\n3,4,5,6\n7\n", "DR304|DR311|DR323"),
    "decimal commas": ("x;y\n1,5;2\n2,5;3\n3,5;4\n", "DR41|DR31|ok"),
    "not text at all": ("\x00\x01\x02", "DR3"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables(name: str, tmp_path: Path) -> None:
    table, expected = BAD_TABLES[name]
    declared = "data: t.csv\nnodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
    (message, *_) = _refusal(_spec(tmp_path, declared, table))
    import re

    assert re.search(expected, message), message


def test_a_repeated_name_that_is_not_used_is_nobodys_business(tmp_path: Path) -> None:
    found = _columns("a,x,a,y\n9,1,9,3\n9,4,9,7\n9,5,9,1\n", tmp_path)
    assert found["x"].tolist() == [1, 4, 5]


def test_names_with_spaces_quotes_and_more(tmp_path: Path) -> None:
    header = '"the x","say ""y""","semi;colon","naïve π","se\'lect"'
    rows = "\n".join(f"{i},{i * i},{i % 3},{i % 2},{-i}" for i in range(8))
    spec = (
        "data: t.csv\nedges: [[the x, 'say \"y\"'], ['semi;colon', 'the x'], ['semi;colon', 'say \"y\"'],"
        " ['naïve π', 'the x'], ['naïve π', 'say \"y\"'], [\"se'lect\", 'the x'], [\"se'lect\", 'say "
        '"y"\']]\n'
        "effect: {exposure: the x, outcome: 'say \"y\"'}\n"
    )
    found = _columns(f"{header}\n{rows}\n", tmp_path, spec)
    assert found['say "y"'].tolist() == [i * i for i in range(8)]
    assert set(found) == {"the x", 'say "y"', "semi;colon", "naïve π", "se'lect"}


def test_columns_named_like_sql(tmp_path: Path) -> None:
    """Neither keywords nor the names that the queries use themselves lead astray."""
    names = ["select", "v", "count", "parsed", "data", "group", "store"]
    rows = "\n".join(",".join(str((i * (j + 2)) % 11) for j in range(len(names))) for i in range(9))
    edges = ", ".join(f"[{name}, {names[-1]}]" for name in names[:-1])
    spec = f"data: t.csv\nedges: [{edges}]\neffect: select -> store\n"
    found = _columns(f"{','.join(names)}\n{rows}\n", tmp_path, spec)
    assert found["select"].tolist() == [(i * 2) % 11 for i in range(9)]


MISSING_WORDS = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"]


@pytest.mark.parametrize("word", MISSING_WORDS)
def test_rows_with_missing_values_are_dropped_where_asked(word: str, tmp_path: Path) -> None:
    table = f"x,g,y\n1.5,a,2\n{word},b,3\n2.5,{word},1\n4,a,{word}\n5.5,b,7\n6,b,8\n"
    spec = "data: t.csv\nmissing: drop\nedges: [g -> x, 'g, x -> y']\neffect: x -> y\n"
    parsed = _spec(tmp_path, spec, table)
    read = table_of(parsed, allow_outside=False)
    assert read.source.arrays(read.columns, read.where)["x"].tolist() == [1.5, 5.5, 6]
    assert (read.info.rows, read.info.rows_used, read.info.missing) == (6, 3, {"g": 1, "x": 1, "y": 1})
    assert read.summary.columns["x"].mean == pytest.approx(13 / 3)
    assert read.summary.columns["g"].levels == ("a", "b")


def test_missing_values_in_columns_that_are_not_used_do_not_matter(tmp_path: Path) -> None:
    found = _columns("x,other,y\n1,NA,2\n2,NA,3\n4,1,1\n", tmp_path)
    assert found["y"].tolist() == [2, 3, 1]


def test_not_a_number_in_frames_is_missing() -> None:
    frame = {"x": np.array([1.0, np.nan, 3.0]), "y": np.array([1.0, 2.0, 4.0])}
    source = open_frame(frame)
    assert source.missing(["x", "y"]) == {"x": 1, "y": 0}
    assert source.arrays(["y"], source.complete(["x", "y"]))["y"].tolist() == [1, 4]


def test_not_a_number_in_parquet_is_missing(tmp_path: Path) -> None:
    """Arrow's writers leave NaN out of a file's statistics, and DuckDB would conclude that there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    x = np.arange(40.0)
    x[7] = np.nan
    table = pa.table({"x": x, "y": np.random.default_rng(1).normal(size=40)})
    pq.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "s.yaml").write_text("data: t.parquet\nedges: [x -> y]\neffect: x -> y\nmissing: drop\n")
    spec = load(tmp_path / "s.yaml")
    read = table_of(spec, allow_outside=False)
    assert (read.info.missing, read.info.rows_used) == ({"x": 1}, 39)
    query = read.rows.script_query(None)  # what the emitted program runs, in a connection of its own
    assert query is not None
    assert len(duckdb.connect().sql(query).fetchall()) == 39


def test_integers_with_gaps_stay_numbers() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": pandas.array([1, None, 3], dtype="Int64"), "g": ["a", None, "b"]})
    source = open_frame(frame)
    assert source.missing(["x", "g"]) == {"x": 1, "g": 1}
    assert source.arrays(["x"], source.complete(["x"]))["x"].tolist() == [1, 3]


def test_infinite_values_in_frames() -> None:
    with pytest.raises(DagregError, match="infinite"):
        open_frame({"x": np.array([1.0, np.inf])}).summarise(["x"])


def test_only_the_columns_used_are_read(tmp_path: Path) -> None:
    """Columns that no regression needs may hold anything; the frame that is kept has them not."""
    parsed = _spec(
        tmp_path, _PLAIN, "when,x,list,y\n2020-01-01,1,[1],2\n2020-01-01,2,[2],3\n2021-01-01,4,[],1\n"
    )
    read = table_of(parsed, allow_outside=False)
    assert read.source.columns == ("x", "y")
    assert set(read.summary.columns) == {"x", "y"}


# ---------------------------------------------------------------- paths


def test_a_path_out_of_the_specs_folder_needs_leave(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    for path in ("../t.csv", str(tmp_path / "t.csv"), "../*.csv"):
        spec = _spec(inside, _PLAIN.replace("t.csv", f"'{path}'"))
        assert _refusal(spec)[0].startswith("DR302"), path
        assert pipeline.compile(spec, allow_outside=True).program.builders


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    os.symlink(tmp_path / "t.csv", inside / "linked.csv")
    for path in ("linked.csv", "link*.csv"):
        assert _refusal(_spec(inside, _PLAIN.replace("t.csv", path)))[0].startswith("DR302"), path


def test_data_given_by_hand_may_lie_anywhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    spec = _spec(inside, "edges: [x -> y]\neffect: x -> y\n")
    assert pipeline.compile(spec, tmp_path / "t.csv").program.builders


QUERIES = {
    "two statements": ("SELECT 1 AS x; CREATE TABLE made AS SELECT 1", "DR307"),
    "a way out of the parentheses": (
        "SELECT 1 AS x) ; COPY (SELECT 1) TO 'made.csv'; SELECT * FROM (SELECT 1 AS x",
        "DR30",
    ),
    "no SELECT": ("COPY data TO 'made.csv'", "DR307"),
    "another file": ("SELECT * FROM read_csv('../secret.csv')", "DR302"),
    "any file": ("SELECT content AS x, 1 AS y FROM read_text('/etc/hostname')", "DR302"),
    "nonsense": ("SELEKT x", "DR304"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries_read_the_files_named_and_nothing_else(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    (tmp_path / "secret.csv").write_text("x,y\n1,2\n3,5\n")
    query, code = QUERIES[name]
    spec = _spec(
        inside,
        f'data: {{source: t.csv, query: "{query}"}}\nedges: [x -> y]\neffect: x -> y\n',
        "x,y\n1,2\n3,4\n",
    )
    assert _refusal(spec)[0].startswith(code)
    assert not list(tmp_path.rglob("made*"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("absent.csv", "DR301"),
        ("none-*.csv", "DR301"),
        ("t.xlsx", "DR303"),
        ("{source: t.duckdb, table: absent}", "DR305"),
        ("t.duckdb", "DR305"),
        ("broken.parquet", "DR304"),
        ("broken.duckdb", "DR304"),
        ("broken.feather", "DR304"),
    ],
)
def test_files_that_cannot_be_opened(data: str, code: str, tmp_path: Path) -> None:
    _database(tmp_path)
    for name in ("t.xlsx", "broken.parquet", "broken.duckdb", "broken.feather"):
        (tmp_path / name).write_text("this is none of these")
    spec = _spec(tmp_path, f"data: {data}\nedges: [x -> y]\neffect: x -> y\n")
    with pytest.raises(DagregError, match=code):
        pipeline.check(spec)


def test_compile_goes_on_without_the_file_and_check_does_not(tmp_path: Path) -> None:
    spec = _spec(tmp_path, _PLAIN)
    assert pipeline.compile(spec).program.builders
    with pytest.raises(DagregError, match="DR301"):
        pipeline.check(spec)
    with pytest.raises(DagregError, match="DR301"):
        pipeline.fit(spec)


def test_yes_and_no_are_words_and_not_booleans(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("a,b,c\nyes,true,1\nno,false,0\n")
    source = open_file(DataRef("words.csv"), str(tmp_path))
    assert {column: source.kind(column) for column in source.columns} == {
        "a": "text",
        "b": "text",
        "c": "number",
    }
