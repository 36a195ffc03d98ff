"""Which file is read, what of it, and what it may not reach: names, digits, dialects, views, queries without
end.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dagreg import pipeline
from dagreg.binding.opening import starter_for
from dagreg.binding.table import Table
from dagreg.errors import DagregError, DataError, printable, printable_lines, redacted
from dagreg.sources.duck import open_file, open_frame
from dagreg.sources.tables import csv_text
from dagreg.spec.load import load
from dagreg.spec.types import DataRef, Spec
from tests.fitting import table_of

PLAIN = "edges: [x -> y]\neffect: x -> y\n"


def rows(slope: float, count: int = 30) -> str:
    return "x,y\n" + "".join(f"{i},{slope * i + (i * i) % 3}\n" for i in range(count))


def spec_in(folder: Path, text: str) -> Spec:
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    return load(folder / "s.yaml")


def table(spec: Spec, data: Any = None, **options: Any) -> Table:
    settings = {"allow_outside": False, **options}
    return table_of(spec, data, **settings)


def arrays(spec: Spec, data: Any = None, **options: Any) -> dict[str, list[Any]]:
    found = table(spec, data, **options)
    return {name: values.tolist() for name, values in found.source.arrays(found.columns, found.where).items()}


def refusal(spec: Spec, data: Any = None, **options: Any) -> str:
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec, data, **options)
    return "\n".join(f"{d.code}: {d.message} | {d.label}" for d in caught.value.diagnostics)


def program_columns(spec: Spec, data: Any = None) -> dict[str, list[Any]]:
    """What the emitted program reads, in a connection of its own."""
    query = table(spec, data).rows.script_query(None)
    assert query is not None
    return {name: values.tolist() for name, values in duckdb.connect().sql(query).fetchnumpy().items()}


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "other"), [("data[1]", "data1"), ("a*", "ab"), ("q?", "qq"), ("x**", "xyz"), ("b:c", "bc")]
)
def test_a_file_of_this_name_is_this_file(name: str, other: str, kind: str, tmp_path: Path) -> None:
    for stem, value in ((name, 1), (other, 2)):
        (tmp_path / f"{stem}.csv").write_text(f"x,y\n{value},1\n{value + 10},3\n{value + 20},7\n")
        if kind == "parquet":
            columns = {"x": np.array([value, value + 10, value + 20]), "y": np.array([1, 3, 7])}
            connection = duckdb.connect()
            connection.register("columns", columns)
            connection.execute(f"COPY (FROM columns) TO '{tmp_path}/half' (FORMAT parquet)")
            (tmp_path / "half").rename(tmp_path / f"{stem}.parquet")
    spec = spec_in(tmp_path, f"data: '{name}.{kind}'\n{PLAIN}")
    assert arrays(spec)["x"] == [1, 11, 21]
    assert program_columns(spec)["x"] == [1, 11, 21]
    digest = hashlib.sha256((tmp_path / f"{name}.{kind}").read_bytes()).hexdigest()
    assert table(spec).info.sha256 == digest
    query = spec_in(tmp_path, f"data: {{source: '{name}.{kind}', query: SELECT * FROM data}}\n{PLAIN}")
    assert arrays(query)["x"] == [1, 11, 21]


def test_a_pattern_is_one_where_no_file_has_its_name(tmp_path: Path) -> None:
    for i, stem in enumerate(("a1", "a2", "b1")):
        (tmp_path / f"{stem}.csv").write_text(f"x,y\n{i},1\n{i + 10},{i * i}\n")
    assert sorted(arrays(spec_in(tmp_path, f"data: 'a[12].csv'\n{PLAIN}"))["x"]) == [0, 1, 10, 11]


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    """DuckDB would put the folder's 5 in the place of the file's x."""
    folder = tmp_path / "x=5"
    folder.mkdir()
    (folder / "t.csv").write_text("x,y\n1,2\n2,3\n4,4\n")
    assert arrays(spec_in(folder, f"data: t.csv\n{PLAIN}"))["x"] == [1, 2, 4]
    assert program_columns(spec_in(folder, f"data: t.csv\n{PLAIN}"))["x"] == [1, 2, 4]


def test_partitions_are_columns_where_the_pattern_ranges_over_them(tmp_path: Path) -> None:
    for k in (5, 6):
        (tmp_path / f"k={k}").mkdir()
        (tmp_path / f"k={k}" / "t.csv").write_text(f"x,y\n{k},2\n{k + 1},3\n")
    spec = spec_in(tmp_path, "data: k=*/t.csv\nedges: ['k, x -> y']\neffect: k -> y\n")
    assert sorted(arrays(spec)["k"]) == [5, 5, 6, 6]


@pytest.mark.parametrize("make", ["folder", "pipe", "dangling link"])
def test_what_is_no_file_is_said(make: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "absent.csv")
    words = {
        "folder": "DR304: .* is a folder",
        "pipe": "DR304: .* a pipe",
        "dangling link": "DR301: .* leads nowhere",
    }
    found = refusal_of_check(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))
    import re

    assert re.match(words[make], found), found


def refusal_of_check(spec: Spec) -> str:
    with pytest.raises(DagregError) as caught:
        pipeline.check(spec)
    return "\n".join(f"{d.code}: {d.message} | {d.label}" for d in caught.value.diagnostics)


def test_files_of_several_kinds_or_databases_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(rows(1))
    (tmp_path / "b.tsv").write_text(rows(1))
    assert refusal(spec_in(tmp_path, f"data: '[ab].*'\n{PLAIN}")).startswith("DR303")
    for name in ("c", "d"):
        duckdb.connect(str(tmp_path / f"{name}.duckdb")).execute(
            "CREATE TABLE t AS SELECT 1 AS x, 2 AS y"
        ).close()
    assert refusal(spec_in(tmp_path, f"data: '[cd].duckdb'\n{PLAIN}")).startswith("DR304")


# ---------------------------------------------------------------- digits

FIRST = 12345678901234567890
WITH_IDS = "edges: ['id, x -> y', id -> x]\neffect: x -> y\n"


def ids(count: int = 60) -> dict[str, Any]:
    i = np.arange(count)
    return {
        "id": [FIRST + int(k) % 3 for k in i],
        "x": i % 7,
        "y": (i % 3) * 2.0 + i % 7 + (i * i) % 5 + 0.25,
    }


def write_ids(folder: Path, kind: str) -> str:
    columns = ids()
    if kind == "csv":
        (folder / "ids.csv").write_text(csv_text({**columns, "id": np.array(list(map(str, columns["id"])))}))
        return "ids.csv"
    i, y = "range AS i", "(i % 3) * 2.0::DOUBLE + i % 7 + (i * i) % 5 + 0.25"
    sql = f"SELECT ({FIRST} + i % 3)::{{}} AS id, i % 7 AS x, {y} AS y FROM (SELECT {i} FROM range(60))"
    if kind == "duckdb":
        duckdb.connect(str(folder / "ids.duckdb")).execute(
            "CREATE TABLE t AS " + sql.format("HUGEINT")
        ).close()
        return "ids.duckdb"
    duckdb.sql(f"COPY ({sql.format('DECIMAL(38,0)')}) TO '{folder}/ids.parquet'")
    return "ids.parquet"


@pytest.mark.parametrize("kind", ["csv", "duckdb", "parquet", "query"])
def test_long_ids_stay_apart_and_that_is_said(kind: str, tmp_path: Path) -> None:
    name = write_ids(tmp_path, "csv" if kind == "query" else kind)
    data = f"{{source: {name}, query: SELECT * FROM data}}" if kind == "query" else name
    spec = spec_in(tmp_path, f"data: {data}\n{WITH_IDS}")
    levels = table(spec).summary.columns["id"].levels
    assert levels == tuple(str(FIRST + i) for i in range(3))
    assert sorted(set(program_columns(spec)["id"])) == list(levels)
    (warning,) = pipeline.check(spec)["warnings"]
    assert (warning["code"], "`id`" in warning["message"]) == ("DR335", True)
    assert [d.code for d in pipeline.compile(spec).study.doubts] == ["DR335"]


def test_long_ids_give_the_effect_of_least_squares_with_three_levels(tmp_path: Path) -> None:
    name = write_ids(tmp_path, "csv")
    priors = "regressions: {y: {priors: {slopes: Flat(), intercept: Flat()}}}\nsampling: {engine: exact}\n"
    result = pipeline.fit(spec_in(tmp_path, f"data: {name}\n{WITH_IDS}{priors}"))
    columns = ids()
    level = np.array([k - FIRST for k in columns["id"]])
    design = np.column_stack([np.ones(60), level == 1, level == 2, columns["x"]])
    slope = np.linalg.lstsq(design, np.asarray(columns["y"]), rcond=None)[0][3]
    fitted = result.effects[0].result
    assert fitted is not None
    row = next(e for e in fitted.estimates if e.primary)
    assert row.summary.mean == pytest.approx(slope, abs=4 * row.summary.sd / np.sqrt(1000))
    assert "DR335" in {d.code for d in result.record.doubts}
    assert "Column id is read as text" in " ".join(result.report().split())


def test_python_integers_of_any_length(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, "edges: [id -> y]\neffect: id -> y\n")
    for first in (FIRST, 2**70, 10**40):
        frame = {"id": [first + i % 3 for i in range(30)], "y": np.arange(30.0)}
        assert table(spec, frame).summary.columns["id"].levels == tuple(str(first + i) for i in range(3))
    exact = open_frame({"id": [2**53 + 1, 2**53 + 3]})  # within 64 bits, whole numbers are themselves
    assert exact.summarise(["id"])["id"].levels == (2**53 + 1, 2**53 + 3)
    assert open_frame({"x": [2**60, 1.5]}).arrays(["x"])["x"].tolist() == [2.0**60, 1.5]


def test_long_numbers_that_measure_something_stay_numbers(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{10**19 + i * 10**17},{i * 2 + (i * i) % 3}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(text)
    spec = spec_in(tmp_path, f"data: t.csv\nnodes: {{x: continuous, y: continuous}}\n{PLAIN}")
    assert arrays(spec)["x"] == [float(10**19 + i * 10**17) for i in range(20)]
    assert pipeline.check(spec)["warnings"] == []


def test_numbers_closer_than_doubles_are_said(tmp_path: Path) -> None:
    """Doubles of this size are 256 apart: 40 numbers become 1, 11 or 40."""
    frame = {"x": 1712345678000000000 + 3 * np.arange(40), "y": np.arange(40.0)}
    with pytest.raises(DataError, match="DR435"):
        pipeline.check(spec_in(tmp_path, PLAIN), frame)
    merged = {**frame, "x": 1712345678000000000 + 64 * np.arange(40)}
    (warning,) = pipeline.check(spec_in(tmp_path, PLAIN), merged)["warnings"]
    assert warning["code"] == "DR336"
    apart = {**frame, "x": 1712345678000000000 + 1024 * np.arange(40)}
    assert pipeline.check(spec_in(tmp_path, PLAIN), apart)["warnings"] == []


def test_leading_zeros_are_kept_unless_the_column_measures_something(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "m,y\n" + "".join(f"{i % 12 + 1:02d},{i % 12 + (i * i) % 5}\n" for i in range(48))
    )
    question = "edges: [m -> y]\neffect: m -> y\n"
    spec = spec_in(tmp_path, f"data: t.csv\n{question}")
    assert table(spec).summary.columns["m"].levels[:2] == ("01", "02")
    spec = spec_in(tmp_path, f"data: t.csv\nnodes: {{m: continuous, y: continuous}}\n{question}")
    assert arrays(spec)["m"][:3] == [1, 2, 3]
    assert program_columns(spec)["m"][:3] == [1, 2, 3]


# ---------------------------------------------------------------- dialects

READ = {
    "byte order mark": ("\ufeff" + rows(1)).encode(),
    "semicolons": rows(1).replace(",", ";").encode(),
    "tabs": rows(1).replace(",", "\t").encode(),
    "bars": rows(1).replace(",", "|").encode(),
    "returns": rows(1).replace("\n", "\r\n").encode(),
    "a comment": b"# made, by hand\n" + rows(1).encode(),
    "a title": b"Table 1\n\n" + rows(1).encode(),
    "a last comma": rows(1).replace("\n", ",\n").encode(),
    "quoted line breaks": ("g," + rows(1).replace("\n", '\n"a\nb",')).removesuffix('"a\nb",').encode(),
}


@pytest.mark.parametrize("name", READ)
def test_dialects(name: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(READ[name])
    found = arrays(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))
    assert found == {"x": list(range(30)), "y": [i + (i * i) % 3 for i in range(30)]}


def test_compressed_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows(1).encode()))
    assert arrays(spec_in(tmp_path, f"data: t.csv.gz\n{PLAIN}"))["x"] == list(range(30))


NAMED = {
    "a word for a missing value": "null,x,NA\n1,2,3\n4,5,7\n",
    "a word for a missing value, and names that differ in case": "null,x,X\n1,2,3\n4,5,7\n",
    "a number sign": "#id,x,y\n1,2,3\n4,5,7\n",
    "a number sign below a comment": "# made, by hand\n#id,x,y\n1,2,3\n4,5,7\n",
    "a number sign, and few rows": "#id;the q;null\n1;2;3\n4;5;7\n",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_header_is_no_comment_and_its_names_no_missing_values(name: str, tmp_path: Path) -> None:
    """The first row stays a row, and every name a name."""
    (tmp_path / "t.csv").write_text(NAMED[name])
    first = next(line for line in NAMED[name].splitlines() if not line.startswith("# "))
    source = open_file(DataRef("t.csv"), str(tmp_path), allow_outside=False)
    assert list(source.columns) == first.replace(";", ",").split(",")
    found = source.arrays(source.columns, "TRUE")
    assert [values.tolist() for values in found.values()] == [[1, 4], [2, 5], [3, 7]]


def test_a_header_of_text_columns_below_a_comment(tmp_path: Path) -> None:
    """As many fields in a comment as in the header make no header of it."""
    (tmp_path / "t.csv").write_text("# Oslo, 2020\n" + rows(1))
    assert arrays(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))["x"] == list(range(30))


def test_init_leaves_out_what_no_spec_can_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,\x1b[31mred,y\n1,2,3\n4,5,7\n6,6,8\n")
    text = starter_for(str(tmp_path / "t.csv"), str(tmp_path / "s.yaml"))
    assert "its name holds a control character; rename it" in text
    assert set(spec_in(tmp_path, text).nodes) == {"x", "y"}


@pytest.mark.parametrize(
    ("values", "said", "read"),
    [
        (("2,473", "2,056", "0,461"), "has a decimal comma", [2.473, 2.056, 0.461]),
        (
            ("2,473", "2,056", "9,461"),
            "separates thousands (or, if it is a decimal comma",
            [2473, 2056, 9461],
        ),
        (("45%", "7%", "12%", "8%", "0%"), "is a percentage", [0.45, 0.07, 0.12, 0.08, 0.0]),
    ],
)
def test_init_says_how_it_reads_numbers_that_are_text(
    values: tuple[str, ...], said: str, read: list[float], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("x;y\n" + "".join(f"{v};{i}\n" for i, v in enumerate(values)))
    text = starter_for(str(tmp_path / "t.csv"), str(tmp_path / "s.yaml"))
    (line,) = (line for line in text.splitlines() if line.startswith("  #   x: "))
    assert said in line
    spec = spec_in(tmp_path, text.replace("edges: []", "edges: [x -> y]\neffect: x -> y", 1))
    assert arrays(spec)["x"] == pytest.approx(read)


REFUSED = {
    "a long row": (rows(1) + "1,2,3\n" + "4,5\n", "line 32 .*3 fields.*header 2 fields: `1,2,3`"),
    "a short row": (rows(1) + "Total\n", "line 32 .*1 field, .*`Total`"),
    "names of rows": ("x,y\n1,1,2\n2,3,4\n", "line 2 .*3 fields"),
    "Latin-1": (
        "x,y,g\n1,2,a\n3,4,café\n".encode("latin-1"),
        r"\(line 3\): it looks like Latin-1.*`3,4,café`.*iconv",
    ),
    "Windows-1252": ("x,y,g\n1,2,€\n3,4,b\n".encode("cp1252"), "Windows-1252.*€"),
    "UTF-16": (rows(1).encode("utf-16"), "UTF-16"),
    "gzip": (gzip.compress(rows(1).encode()), "gzip.*csv.gz"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(100), "spreadsheet"),
    "nothing": ("", "is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_text_that_is_no_table_says_where_and_why(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = refusal(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))
    import re

    assert found.startswith("DR304"), found
    assert re.search(words, found), found


def test_a_header_of_numbers_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2\n3,4\n5,7\n")
    assert "the first line has to hold the names" in refusal(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))


def test_a_total_among_numbers_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(rows(1) + "Total,9\n")
    (warning,) = pipeline.check(spec_in(tmp_path, f"data: t.csv\n{PLAIN}"))["warnings"]
    assert warning["code"] == "DR340"
    assert "`Total` in 1 of its 31 rows" in warning["message"]
    declared = "nodes: {x: categorical, y: continuous}\n"
    assert pipeline.check(spec_in(tmp_path, f"data: t.csv\n{declared}{PLAIN}"))["warnings"] == []


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "frame"])
def test_names_that_differ_in_case_alone(kind: str, tmp_path: Path) -> None:
    """Either is reachable; both together are no program's."""
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    columns = {"X": [7, 8, 9], "x": [1, 2, 4], "x_1": [0, 0, 1], "y": [1, 3, 2]}
    data: Any = None
    if kind == "csv":
        (tmp_path / "t.csv").write_text(csv_text(columns))
    elif kind == "parquet":
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    elif kind == "arrow":
        feather.write_feather(pa.table(columns), tmp_path / "t.arrow")
    else:
        data = columns
    named = "" if data is not None else f"data: t.{kind}\n"
    for name in ("x", "X", "x_1"):
        spec = spec_in(tmp_path, f"{named}edges: [{name} -> y]\neffect: {name} -> y\n")
        assert arrays(spec, data)[name] == columns[name], name
        if kind in ("csv", "parquet"):
            assert program_columns(spec)[name] == columns[name]
    both = spec_in(
        tmp_path,
        f"{named}edges: ['x, X -> y']\neffect: "
        f"{{exposure: [x, X], outcome: y, contrast: [[0, 0], [1, 1]]}}\n",
    )
    assert refusal(both, data).startswith("DR339: columns")


# ---------------------------------------------------------------- the fence


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    """The address of a table on this machine, and nothing that it should be asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/t.csv"
    server.shutdown()
    assert asked == []


@pytest.fixture
def fenced(tmp_path: Path) -> Path:
    """A folder with a database whose views and macros lead out of it."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    (inside / "beside.csv").write_text(rows(2))
    other = duckdb.connect(str(tmp_path / "other.duckdb"))
    other.execute("CREATE TABLE t AS SELECT i AS x, i * 2 AS y FROM range(9) r(i)")
    other.close()
    store = duckdb.connect(str(inside / "s.duckdb"))
    store.execute("CREATE TABLE t AS SELECT i AS x, i * 2 + i % 3 AS y FROM range(30) r(i)")
    store.execute("CREATE VIEW plain AS SELECT x, y FROM t WHERE x > 4")
    store.execute(f"CREATE VIEW leak AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    store.execute(
        "CREATE VIEW passwords AS SELECT column0 AS x, 1 AS y FROM read_csv('/etc/passwd', header = false)"
    )
    store.execute(f"CREATE VIEW beside AS SELECT * FROM read_csv('{inside}/beside.csv')")
    store.execute(f"CREATE MACRO leaking() AS TABLE SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    store.execute("CREATE MACRO word() AS (SELECT content FROM read_text('/etc/passwd'))")
    store.close()
    return inside


@pytest.mark.parametrize("view", ["leak", "passwords", "beside"])
def test_views_read_nothing_beside_their_database(view: str, fenced: Path) -> None:
    spec = spec_in(fenced, f"data: {{source: s.duckdb, table: {view}}}\n{PLAIN}")
    assert refusal(spec).startswith("DR302")
    given = spec_in(fenced, f"data: {{source: s.duckdb, query: SELECT * FROM {view}}}\n{PLAIN}")
    assert refusal(given).startswith("DR302")


def test_a_database_given_by_hand_is_fenced_too(fenced: Path) -> None:
    spec = spec_in(fenced, f"data: {{source: s.duckdb, table: leak}}\n{PLAIN}")
    store = duckdb.connect(str(fenced / "one.duckdb"))
    store.execute(f"CREATE VIEW leak AS SELECT * FROM read_csv('{fenced.parent}/secret.csv')")
    store.close()
    assert refusal(spec, fenced / "one.duckdb").startswith("DR302")
    with pytest.raises(DagregError, match="DR302"):
        starter_for(str(fenced / "one.duckdb"), None)
    assert pipeline.compile(spec, fenced / "one.duckdb", allow_outside=True).program.builders


OUT = (
    "SELECT * FROM leaking()",
    "SELECT word() AS x, y FROM t",
    "SELECT * FROM '{folder}/other.duckdb'",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM read_blob('{folder}/secret.csv')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT Delimiter AS x, SkipRows AS y FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM '{remote}'",
    "SELECT * FROM read_parquet('s3://bucket/t.parquet')",
)


@pytest.mark.parametrize("query", OUT)
def test_queries_read_nothing_beside_their_database(query: str, fenced: Path, remote: str) -> None:
    asked = query.format(folder=fenced.parent, remote=remote)
    spec = spec_in(fenced, f'data: {{source: s.duckdb, query: "{asked}"}}\n{PLAIN}')
    assert refusal(spec).startswith("DR302")


def test_the_lock_stays(fenced: Path) -> None:
    source = open_file(DataRef("s.duckdb", table="t"), str(fenced), allow_outside=False)
    for statement in (
        f"ATTACH '{fenced.parent}/other.duckdb'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "LOAD httpfs",
        f"COPY (SELECT 1) TO '{fenced}/made.csv'",
    ):
        with pytest.raises(duckdb.Error):
            source.connection.execute(statement)
    secret = [1]  # noqa: F841  # a variable of Python's that DuckDB would find by its name
    with pytest.raises(duckdb.Error):
        source.connection.execute("SELECT * FROM secret")


def test_an_attached_database_is_not_followed(fenced: Path) -> None:
    """A file that calls for an extension (here SQLite's mark) gets none."""
    import sqlite3

    store = sqlite3.connect(fenced / "lite.duckdb")
    store.execute("CREATE TABLE t (x, y)")
    store.commit()
    store.close()
    assert refusal(spec_in(fenced, f"data: {{source: lite.duckdb, table: t}}\n{PLAIN}")).startswith("DR304")


def test_what_a_database_holds_itself_is_read(fenced: Path) -> None:
    for name, count in (("t", 30), ("plain", 25)):
        assert (
            len(arrays(spec_in(fenced, f"data: {{source: s.duckdb, table: {name}}}\n{PLAIN}"))["x"]) == count
        )
    spec = spec_in(
        fenced, f'data: {{source: s.duckdb, query: "SELECT x, avg(y) AS y FROM t GROUP BY x"}}\n{PLAIN}'
    )
    assert len(arrays(spec)["x"]) == 30


def test_with_leave_a_view_reads_other_files_and_the_hash_is_of_the_values(fenced: Path) -> None:
    spec = spec_in(fenced, f"data: {{source: s.duckdb, table: leak}}\n{PLAIN}")
    assert arrays(spec, allow_outside=True) == {"x": [1, 3, 4], "y": [2, 5, 4]}
    before = table(spec, allow_outside=True).info.sha256
    (fenced.parent / "secret.csv").write_text("x,y\n1,2\n3,5\n4,9\n")
    assert table(spec, allow_outside=True).info.sha256 != before


def test_locked_connections_spill_to_disk(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(rows(1))
    source = open_file(
        DataRef("t.csv", query="SELECT i AS x, hash(i) AS y FROM range(2000000) r(i)"), str(tmp_path)
    )
    assert source.connection.sql("SELECT current_setting('lock_configuration')").fetchall() == [(True,)]
    assert source.connection.sql("SELECT current_setting('temp_directory')").fetchall() != [("",)]
    found = source.fetch(f"SELECT count(*) FROM (SELECT * FROM {source.select} ORDER BY y)")
    assert found == [(2_000_000,)]


# ---------------------------------------------------------------- queries


def test_a_query_that_fails_as_it_runs_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,4\nthree,5\n4,4\n")
    spec = spec_in(
        tmp_path, f"data: {{source: t.csv, query: 'SELECT CAST(x AS INT) AS x, y FROM data'}}\n{PLAIN}"
    )
    found = refusal(spec)
    assert found.startswith("DR337: the `query:` fails as it runs")
    assert "three" in found


ENDLESS = (
    "SELECT a.i AS x, b.i AS y FROM range(10000000) a(i), range(10000000) b(i)",
    "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT x, x AS y FROM r",
)


@pytest.mark.parametrize("query", ENDLESS)
def test_a_query_without_end_is_ended(query: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DAGREG_QUERY_SECONDS", "0.5")
    (tmp_path / "t.csv").write_text(rows(1))
    spec = spec_in(tmp_path, f"data: {{source: t.csv, query: '{query}'}}\n{PLAIN}")
    start = time.monotonic()
    found = refusal(spec)
    assert time.monotonic() - start < 20
    assert found.startswith("DR338")
    assert "0.5 seconds" in found
    assert "DAGREG_QUERY_SECONDS" in found
    store = duckdb.connect(str(tmp_path / "s.duckdb"))
    store.execute(f"CREATE VIEW endless AS {query}")
    store.close()
    assert refusal(spec_in(tmp_path, f"data: {{source: s.duckdb, table: endless}}\n{PLAIN}")).startswith(
        "DR338"
    )


def test_no_thread_outlives_a_query(tmp_path: Path) -> None:
    """One that held the last of a connection when the interpreter ended aborted the process."""
    (tmp_path / "t.csv").write_text(rows(40))
    before = threading.active_count()
    pipeline.compile(spec_in(tmp_path, f"data: {{source: t.csv, query: FROM data}}\n{PLAIN}"))
    assert threading.active_count() == before


@pytest.mark.parametrize("given", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_limit_is_a_number_above_0(given: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DAGREG_QUERY_SECONDS", given)
    (tmp_path / "t.csv").write_text(rows(1))
    assert refusal(spec_in(tmp_path, f"data: {{source: t.csv, query: FROM data}}\n{PLAIN}")).startswith(
        "DR338"
    )


# ---------------------------------------------------------------- what people see


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres:u:pw@h", "postgres:u:***@h"),
        ("no data file `postgres:u:p@w@h/db`", "no data file `postgres:u:***@h/db`"),
        ("token=pw", "token=***"),
        ("api_key = pw", "api_key = ***"),
        ("postgres://u@h/db?options=pw", "postgres://u@h/db?options=***"),
        ("https://h/t.csv?code=pw", "https://h/t.csv?code=***"),
        ("https://h/t.csv?sig=pw", "https://h/t.csv?sig=***"),
        ("x://h?encoding=utf8", "x://h?encoding=utf8"),
        ("pyspark://?spark.driver.extraJavaOptions=a", "pyspark://?spark.driver.extraJavaOptions=a"),
        ("contact: me@example.org, x:z", "contact: me@example.org, x:z"),
    ],
)
def test_more_secrets(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


STEERING = "a\x1b[31mb\x9bc\u200bd\u202ee\U000e0041"


def test_text_for_a_terminal() -> None:
    spelled = r"a\u001b[31mb\u009bc\u200bd\u202ee\udb40\udc41"
    assert printable(STEERING) == spelled
    assert printable("x\ty\nz") == r"x    y\u000az"
    assert printable_lines(f"x\ty\n{STEERING}") == f"x\ty\n{spelled}"
    joined = "\U0001f469\u200d\U0001f52c می\u200cخواهم é"
    assert printable_lines(joined) == joined
    assert json.loads(printable_lines(json.dumps([STEERING], ensure_ascii=False))) == [STEERING]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dagreg", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_that_steers_a_terminal_is_printed(tmp_path: Path) -> None:
    """Of the names of files, of levels, of options: on stdout and on stderr, in text, CSV and JSON."""
    name = "s\x1b[31m\x9b\u200b.yaml"
    (tmp_path / "t.csv").write_text(
        "x,y\n" + "".join(f'"a\x1b[1m\u200b{i % 2}",{i % 5}\n' for i in range(20))
    )
    (tmp_path / name).write_text(f"data: t.csv\nnodes: {{x: categorical, y: continuous}}\n{PLAIN}")
    commands = (
        ("check", name),
        ("check", name, "--format", "json"),
        ("explain", name),
        ("explain", "absent" + name),
        ("explain", name, "--f\x1bo"),
        ("simulate", name, "-n", "4"),
        ("compile", name),
        ("init", "--data", "t.csv"),
    )
    for words in commands:
        done = run(*words, cwd=tmp_path)
        for text in (done.stdout, done.stderr):
            assert not set("\x1b\x9b\u200b") & set(text), (words, text)
        assert "DR901" not in done.stderr
        assert done.stdout or done.stderr
    assert "\\u001b" in run("check", name, cwd=tmp_path).stdout
    run("simulate", name, "-n", "4", "-o", "made.csv", cwd=tmp_path)
    assert "a\x1b[1m\u200b" in (tmp_path / "made.csv").read_text()
