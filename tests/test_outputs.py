"""What `-o` may replace: dagreg's own files, as it wrote them, and nothing else; and writes that fail."""

from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dagreg
from dagreg import files, pipeline
from dagreg.errors import DagregError
from dagreg.report.write import NAMES
from tests.fitting import spec_of

SPEC = """\
data: d.csv
nodes: {z: continuous, x: continuous, y: continuous}
edges: [z -> x -> y, z -> y]
effect: x -> y
sampling: {draws: 250, chains: 2}
"""
ROWS = "z,x,y\n" + "".join(f"{i % 5},{(i * 7) % 11},{(i * 3) % 13}\n" for i in range(40))
NEW = "z,x\n1,2\n3,4\n"

# Every command that writes a file, with the name that it writes to at the end. `fit` writes a folder: see
# below.
WRITERS = {
    "compile": ("compile", "spec.yaml", "-o", "out.py"),
    "compile --explain-plan": ("compile", "spec.yaml", "--explain-plan", "-o", "out.txt"),
    "draw": ("draw", "spec.yaml", "-o", "out.svg"),
    "draw png": ("draw", "spec.yaml", "-o", "out.png"),
    "convert": ("convert", "spec.yaml", "-o", "out.dot"),
    "simulate": ("simulate", "spec.yaml", "-n", "5", "-o", "out.csv"),
    "simulate parquet": ("simulate", "spec.yaml", "-n", "5", "-o", "out.parquet"),
    "predict": ("predict", "fitted", "--data", "new.csv", "-o", "out.csv"),
    "init": ("init", "--data", "d.csv", "out.yaml"),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and a list of dagreg's files that is this test's alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "d.csv").write_text(ROWS)
    (folder / "new.csv").write_text(NEW)
    return folder


def run(*arguments: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    words = [sys.executable, "-m", "dagreg", *arguments]
    return subprocess.run(
        words, capture_output=True, text=True, env=environment, preexec_fn=before, timeout=120
    )


def command(words: tuple[str, ...], output: str | Path | None = None) -> subprocess.CompletedProcess[str]:
    if words[0] == "predict" and not Path("fitted").exists():
        assert run("fit", "spec.yaml", "-o", "fitted").returncode == 0
    return run(*words[:-1], str(output if output is not None else words[-1]))


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Kind and content of all that lies in a folder."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IFMT(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def _full_folder(path: Path) -> None:
    path.mkdir()
    (path / "mine").write_text("kept")


OBSTACLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "foreign file": (lambda path: path.write_text("mine"), "DR580"),
    "empty file": (lambda path: path.touch(), "DR580"),
    "pipe": (_pipe, "DR581"),
    "socket": (_socket, "DR581"),
    "folder": (_full_folder, "DR581"),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), "DR581"),
    "link to a file": (lambda path: path.symlink_to("new.csv"), "DR581"),
}


@pytest.mark.parametrize("name", ["compile", "draw", "convert", "simulate", "predict", "init"])
def test_no_command_replaces_what_is_not_its_own(name: str, place: Path) -> None:
    words = WRITERS[name]
    ending = Path(words[-1]).suffix
    for obstacle in ("foreign file", "pipe", "link to nowhere"):
        make, code = OBSTACLES[obstacle]
        output = place / f"{obstacle.replace(' ', '_')}{ending}"
        make(output)
        if words[0] == "predict" and not Path("fitted").exists():
            command(words)  # fits, and writes another file
        before = everything(place)
        done = command(words, output.name)
        assert done.returncode == 1, (obstacle, done.stderr)
        assert f"error[{'DR191' if name == 'init' else code}]: `{output.name}`" in done.stderr
        assert everything(place) == before, obstacle


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_place_that_is_taken_is_refused_by_name(obstacle: str, place: Path) -> None:
    make, code = OBSTACLES[obstacle]
    make(place / "out")
    before = everything(place)
    with pytest.raises(DagregError, match=rf"\[{code}\] `out`"):
        files.check_place(Path("out"))
    with pytest.raises(DagregError, match=rf"\[{code}\] `out`"):
        files.write_file(Path("out"), lambda path: path.write_text("new"))
    assert everything(place) == before


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_a_device_is_refused(kind: int, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system describes one: no test touches a real device."""
    (place / "out").touch()
    really = os.lstat

    def described(path: object) -> os.stat_result:
        found = really(path)  # type: ignore[call-overload]  # whatever lstat takes
        return os.stat_result((kind | 0o666, *found[1:])) if str(path) == "out" else found

    monkeypatch.setattr(os, "lstat", described)
    with pytest.raises(DagregError, match=r"\[DR581\] `out` is a device"):
        files.write_file(Path("out"), lambda path: path.write_text("new"))


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "init"])
def test_a_file_of_its_own_is_replaced_until_someone_edits_it(name: str) -> None:
    words = WRITERS[name]
    output = Path(words[-1])
    for _ in range(2):
        assert command(words).returncode == 0
    written = output.read_bytes()
    output.write_bytes(written + b" ")
    refused = command(words)
    assert (refused.returncode, "error[DR580]" in refused.stderr) == (1, True)
    assert output.read_bytes() == written + b" "
    output.write_bytes(written)
    assert command(words).returncode == 0


@pytest.mark.parametrize(
    ("words", "made_by"),
    [
        (("compile", "draft.yaml", "-o", "draft.yaml"), ("init", "--data", "d.csv", "draft.yaml")),
        (("convert", "own.yaml", "-o", "own.yaml"), ("convert", "spec.yaml", "-o", "own.yaml")),
        (
            ("simulate", "spec.yaml", "-n", "3", "--data", "own.csv", "-o", "own.csv"),
            ("simulate", "spec.yaml", "-n", "9", "-o", "own.csv"),
        ),
        (
            ("simulate", "spec.yaml", "-n", "3", "-o", "d.csv"),
            ("simulate", "spec.yaml", "-n", "9", "-o", "own.csv"),
        ),
        (
            ("predict", "fitted", "--data", "own.csv", "-o", "./own.csv"),
            ("simulate", "spec.yaml", "-n", "9", "-o", "own.csv"),
        ),
    ],
)
def test_no_command_overwrites_what_it_reads(
    words: tuple[str, ...], made_by: tuple[str, ...], place: Path
) -> None:
    """Not even where dagreg itself wrote it."""
    assert run(*made_by).returncode == 0
    if words[0] == "predict":
        assert run("fit", "spec.yaml", "-o", "fitted").returncode == 0
    before = everything(place)
    done = run(*words)
    assert (done.returncode, "error[DR582]" in done.stderr) == (1, True), done.stderr
    assert everything(place) == before


def test_a_spec_that_init_wrote_is_the_users(place: Path) -> None:
    assert run("init", "--data", "d.csv", "draft.yaml").returncode == 0
    before = everything(place)
    done = run("convert", "spec.yaml", "-o", "draft.yaml")
    assert (done.returncode, "error[DR580]" in done.stderr) == (1, True)
    assert everything(place) == before


# ---------------------------------------------------------------- places where nothing can be written

BAD_PLACES = {
    "spec.yaml/out": "DR585",
    "n" * 300: "DR585",
    "no/" + "n" * 300: "DR585",
    "out\0put": "DR585",
}


@pytest.mark.parametrize("output", BAD_PLACES)
def test_a_place_that_cannot_be_is_refused(output: str, place: Path) -> None:
    before = everything(place)
    with pytest.raises(DagregError, match=rf"\[{BAD_PLACES[output]}\] cannot write"):
        files.write_file(Path(output), lambda path: path.write_text("new"))
    assert everything(place) == before


@pytest.mark.parametrize("output", [name for name in BAD_PLACES if "\0" not in name])
def test_a_fit_says_so_before_it_begins(output: str, place: Path) -> None:
    before = everything(place)
    done = run("fit", "spec.yaml", "-o", output)
    assert (done.returncode, f"error[{BAD_PLACES[output]}]: cannot write" in done.stderr) == (1, True), (
        done.stderr
    )
    assert "solving" not in done.stderr
    assert everything(place) == before


def test_parents_are_made_and_go_again_where_the_write_fails(place: Path) -> None:
    files.write_file(Path("a/b/out"), lambda path: path.write_text("new"))
    assert Path("a/b/out").read_text() == "new"
    before = everything(place)

    def fails(path: Path) -> None:
        path.write_text("half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for output in ("a/c/d/out", "a/b/out", "e/out"):
        with pytest.raises(DagregError, match=r"\[DR584\] cannot write `.*/out`: No space left"):
            files.write_file(Path(output), fails)
        assert everything(place) == before


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "DR584"),
        (errno.EDQUOT, "DR584"),
        (errno.EFBIG, "DR584"),
        (errno.EACCES, "DR583"),
        (errno.EPERM, "DR583"),
        (errno.EROFS, "DR583"),
        (errno.EIO, "DR586"),
    ],
)
def test_every_refusal_of_the_system_has_words(number: int, code: str, place: Path) -> None:
    before = everything(place)

    def fails(path: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(DagregError, match=rf"\[{code}\] cannot write `out`: {os.strerror(number)}"):
        files.write_file(Path("out"), fails)
    assert everything(place) == before


def test_a_closed_folder_is_refused_before_work_begins(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as a user to whom no folder is closed: `access` answers for one."""
    (place / "closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: "closed" not in str(path))
    for check in (
        lambda: files.check_place(Path("closed/out")),
        lambda: files.check_place(Path("closed/deep/out")),
        lambda: files.check_folder(Path("closed"), NAMES, {}),
        lambda: files.check_folder(Path("closed/deep"), NAMES, {}),
    ):
        with pytest.raises(DagregError, match=r"\[DR583\].*`closed` cannot be written to"):
            check()


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "spec.yaml", "-o", "deep/out"),
        ("compile", "long.yaml", "-o", "deep/out.py"),
        ("draw", "long.yaml", "-o", "deep/out.dot"),
        ("simulate", "spec.yaml", "-n", "2000", "-o", "deep/out.csv"),
        ("simulate", "spec.yaml", "-n", "2000", "-o", "deep/out.parquet"),
    ],
)
def test_a_full_disk_is_said_and_leaves_nothing_behind(words: tuple[str, ...], place: Path) -> None:
    many = "".join(f", z -> v{i} -> y" for i in range(40))
    (place / "long.yaml").write_text(f"edges: [z -> x -> y, z -> y{many}]\neffect: x -> y\n")
    before = everything(place)
    done = run(*words, before=_little_room)
    assert done.returncode == 1, done.stderr
    assert "error[DR584]: cannot write `deep/out" in done.stderr
    assert everything(place) == before


def test_a_fit_whose_folder_cannot_be_written_still_shows_its_numbers() -> None:
    done = run("fit", "spec.yaml", "--format", "json", before=_little_room)
    assert (done.returncode, '"estimates": [{' in done.stdout) == (1, True)


def test_stdout_that_is_full_is_no_internal_error() -> None:
    with Path("/dev/full").open("w") as full:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        words = [sys.executable, "-m", "dagreg", "explain", "spec.yaml"]
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, timeout=60
        )
    assert (done.returncode, "error[DR584]: cannot write `standard output`" in done.stderr) == (1, True), (
        done.stderr
    )


# ---------------------------------------------------------------- a result's folder


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_refuses_a_folder_with_a_file_of_someone_else(name: str, place: Path) -> None:
    """Before it begins, and by name: whether it would replace the file or remove it."""
    obstacles: list[Callable[[Path], object]] = [
        lambda path: path.write_text("mine"),
        _full_folder,
        _pipe,
        lambda path: path.symlink_to(place / "new.csv"),
    ]
    spec = spec_of(SPEC)
    result = None
    for i, make in enumerate(obstacles):
        folder = place / f"out{i}"
        folder.mkdir()
        make(folder / name)
        (folder / "notes.txt").write_text("mine")
        before = everything(folder)
        result = result or pipeline.fit(spec, place / "d.csv")
        with pytest.raises(DagregError, match=rf"\[DR580\] `{folder / name}` is there already"):
            result.save(folder)
        assert everything(folder) == before


def test_the_command_refuses_before_the_fit_begins_and_names_all(place: Path) -> None:
    _full_folder(place / "out")
    _full_folder(place / "out" / "model.py")
    (place / "out" / "chains.svg").write_text("mine")
    before = everything(place)
    done = run("fit", "spec.yaml", "-o", "out")
    assert done.returncode == 1
    assert "error[DR580]: `out/model.py`, `out/chains.svg` are there already" in done.stderr
    assert "solving" not in done.stderr
    assert everything(place) == before


def test_a_folder_of_its_own_is_written_again_until_a_file_in_it_is_edited(place: Path) -> None:
    for _ in range(2):
        assert run("fit", "spec.yaml", "--fresh").returncode == 0
    (place / "spec.dagreg" / "notes.txt").write_text("mine")
    assert run("fit", "spec.yaml", "--fresh").returncode == 0
    assert (place / "spec.dagreg" / "notes.txt").read_text() == "mine"
    with (place / "spec.dagreg" / "report.md").open("a") as stream:
        stream.write("\nMy own remark.\n")
    before = everything(place)
    done = run("fit", "spec.yaml", "--fresh")
    assert (done.returncode, "error[DR580]: `spec.dagreg/report.md` is" in done.stderr) == (1, True)
    assert everything(place) == before


def test_a_folder_that_was_moved_is_still_its_own(place: Path) -> None:
    assert run("fit", "spec.yaml").returncode == 0
    (place / "spec.dagreg").rename(place / "moved")
    assert run("fit", "spec.yaml", "-o", "moved", "--fresh").returncode == 0


def test_a_file_where_the_folder_should_be_is_refused(place: Path) -> None:
    before = everything(place)
    done = run("fit", "spec.yaml", "-o", "d.csv")
    assert (done.returncode, "error[DR581]: `d.csv` is no folder" in done.stderr) == (1, True)
    assert everything(place) == before


# ---------------------------------------------------------------- equal runs, equal bytes


@pytest.mark.parametrize("engine", ["exact", "metropolis"])
def test_equal_runs_give_equal_bytes(engine: str, tmp_path: Path) -> None:
    """In another folder, in another process, with another order of sets: all but `timings.json`."""
    kind = "continuous" if engine == "exact" else "binary"
    text = SPEC.replace("y: continuous", f"y: {kind}, g: {{type: categorical}}").replace(
        "z -> y]", "z -> y, g -> y]"
    )
    rows = "z,x,y,g\n" + "".join(
        f"{i % 5},{(i * 7) % 11},{(i * 3) % 7 % 2},{'uvw'[i % 3]}\n" for i in range(60)
    )
    found = []
    for seed in ("1", "4711"):
        folder = tmp_path / seed
        folder.mkdir()
        (folder / "spec.yaml").write_text(text.replace("effect: x -> y", "effects: [x -> y, z -> y]"))
        (folder / "d.csv").write_text(rows)
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": seed}
        words = [sys.executable, "-m", "dagreg", "fit", "spec.yaml", "--format", "json"]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        assert f'"engine": "{engine}' in done.stdout, done.stderr
        assert "fitted in " in done.stderr
        found.append(({"stdout": done.stdout.encode()}, everything(folder / "spec.dagreg")))
    (out, one), (again, other) = found
    assert out == again
    assert one.keys() == other.keys()
    assert {"timings.json", "fit.json", "posterior.nc", "report.html"} <= one.keys()
    assert [name for name in one if one[name] != other[name] and name != "timings.json"] == []


# ---------------------------------------------------------------- more draws than can be held; the version


@pytest.mark.parametrize(
    "asked", [("--draws", "10000000"), ("--draws", "2000001", "--chains", "1"), ("--chains", "9000")]
)
def test_more_draws_than_can_be_held_are_refused_at_once(asked: tuple[str, ...], place: Path) -> None:
    before = everything(place)
    done = run("fit", "spec.yaml", *asked)
    assert (done.returncode, "error[DR574]" in done.stderr) == (1, True)
    assert everything(place) == before


def test_more_rows_than_can_be_held_are_refused_at_once() -> None:
    done = run("simulate", "spec.yaml", "-n", "1" + "0" * 12)
    assert (done.returncode, "error[DR574]" in done.stderr) == (1, True), done.stderr


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"dagreg {version('dagreg')}\n")


# ---------------------------------------------------------------- programs find their data


_LOOKS = """
import sys, types
pm, fake = types.ModuleType("pymc"), types.ModuleType("nutpie")
sys.modules |= {"pymc": pm, "nutpie": fake, "arviz": types.ModuleType("arviz")}
def stop(built, **settings):
    print(len(data["x"]), sorted(set(data["x"].tolist())))
    raise SystemExit(0)
fake.compile_pymc_model = stop
source = open(sys.argv[1], encoding="utf-8").read()
sys.argv = sys.argv[1:]
names = [line.split("(")[0][4:] for line in source.splitlines() if line.startswith("def build")]
program = source.replace("build(data)", "data")
exec(compile(program, "model.py", "exec"), globals())
"""


def looked(program: Path, folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    """A program run up to the point where it has its data, PyMC and the sampler left out."""
    words = [sys.executable, "-c", _LOOKS, os.path.relpath(program, folder), *given]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "data",
    ["d.csv", "it's [1] {x}.csv", "d*.csv", "d.parquet", "{source: d.csv, query: 'select * from data'}",
     "{source: d.duckdb, table: t}"],
)  # fmt: skip
@pytest.mark.parametrize("way", ["fit", "compile", "optimised"])
def test_a_program_finds_its_data_from_any_folder(data: str, way: str, place: Path) -> None:
    import duckdb

    duckdb.sql(f"COPY (SELECT * FROM '{place}/d.csv') TO '{place}/d.parquet'")
    with duckdb.connect(str(place / "d.duckdb")) as base:
        base.execute(f"CREATE TABLE t AS SELECT * FROM '{place}/d.csv'")
    (place / "it's [1] {x}.csv").write_text(ROWS)
    if data == "d*.csv":
        (place / "d2.csv").write_text(ROWS)
    rows = 80 if data == "d*.csv" else 40
    (place / "study").mkdir()
    line = data if data.startswith("{") else '"' + data + '"'
    text = (
        SPEC.replace("d.csv", line)
        .replace("z: continuous", "z: {type: continuous}")
        .replace("y: continuous", "y: count")
    )
    (place / "spec.yaml").write_text(text)
    if way == "fit":
        assert "in deep/out" in run("fit", "spec.yaml", "-o", "deep/out").stderr
        program = place / "deep" / "out" / "model.py"
    else:
        program = place / "deep" / "out.py"
        more = ("--optimised",) if way == "optimised" else ()
        done = run("compile", "spec.yaml", "-o", "deep/out.py", *more)
        assert done.returncode == 0, done.stderr
    start = "" if way == "optimised" else f"{rows} ["  # equal rows are one there
    for folder in (program.parent, place, place / "study"):
        done = looked(program, folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(start)
        assert done.stdout.endswith(" [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n")
    if ".csv" in data and "*" not in data and "query" not in data:
        (place / "study" / "other's.csv").write_text("z,x,y\n1,77,3\n")
        done = looked(program, place / "study", "other's.csv")
        assert done.stdout.startswith("1 [77"), done.stderr
        next(place.glob(data.replace("[", "[[]"))).unlink()
        done = looked(program, place)
        assert done.returncode == 1
        assert f"no data file {place / data}: `python model.py FILE` reads it from elsewhere" in done.stderr


def test_a_result_with_files_opens_and_moves_with_its_data(place: Path) -> None:
    shown = run("fit", "spec.yaml", "-o", "deep/out", "--format", "md").stdout
    assert run("report", "deep/out", "--format", "md").stdout == shown
    again = run("fit", "spec.yaml", "-o", "deep/out")
    assert "nothing has changed" in again.stderr
    place.rename(place.parent / "moved")
    os.chdir(place.parent / "moved")
    assert run("report", "deep/out", "--format", "md").stdout == shown
    dagreg.open("deep/out").save("flat")
    assert '"../d.csv"' in Path("flat/model.py").read_text()
    assert '"../../d.csv"' in Path("deep/out/model.py").read_text()
    assert run("report", "flat").returncode == 0
