"""The result's folder: files appear whole or not at all, and `results.json` last."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dagreg import files
from dagreg.errors import DagregError
from dagreg.report import write as module
from dagreg.report.draw import CannotDraw
from dagreg.report.write import write_reports
from tests.report_cases import CASES, REPORTS, coaching, unidentified

ALWAYS = {"report.html", "report.md", "results.json", "model.py", "dag.svg", "fit.json", "timings.json"}
FILES = ALWAYS | {"posterior.svg", "model.svg"}  # of the coaching report
EXTRA = {
    "coaching": {"posterior.svg", "model.svg"},
    "bad_diagnostics": {"posterior.svg", "model.svg", "chains.svg"},
    "zero_by_graph": {"posterior.svg"},
    "several": {"posterior.svg"},
    "nasty": {"posterior.svg", "model.svg", "chains.svg", "pooling.svg"},
}


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("case", REPORTS)
def test_writes_every_file(case, tmp_path):
    write_reports(CASES[case](), tmp_path / "deep" / "out")
    assert names(tmp_path / "deep" / "out") == ALWAYS | EXTRA.get(case, set())
    json.loads((tmp_path / "deep" / "out" / "results.json").read_text())


def test_the_markdown_shows_the_picture(tmp_path):
    write_reports(coaching(), tmp_path)
    assert "](dag.svg)" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("case", EXTRA)
def test_every_drawing_is_a_file_of_its_own_and_the_markdown_shows_it(case, tmp_path):
    write_reports(CASES[case](), tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert set(re.findall(r"^!\[[^]]*\]\(([\w.]+\.svg)[ )]", text, re.MULTILINE)) == {"dag.svg"} | EXTRA[case]
    for name in EXTRA[case]:
        root = ElementTree.parse(tmp_path / name).getroot()
        assert root.get("role") == "img"
        assert root.find("{http://www.w3.org/2000/svg}title").text
        assert (tmp_path / name).stat().st_size < 300_000


def test_drawings_of_an_older_run_go(tmp_path):
    write_reports(CASES["bad_diagnostics"](), tmp_path)
    write_reports(unidentified(), tmp_path)
    assert names(tmp_path) == ALWAYS


def test_the_seal_is_removed_first_and_placed_last(tmp_path, monkeypatch):
    write_reports(coaching(), tmp_path)
    moved = []
    really = files.move

    def watched(source: Path, target: Path) -> None:
        moved.append((target.name, target.parent == tmp_path, (tmp_path / "results.json").exists()))
        really(source, target)

    monkeypatch.setattr(files, "move", watched)
    write_reports(coaching(), tmp_path)
    assert moved[0] == ("results.json", False, True)
    assert moved[-1] == ("results.json", True, False)
    assert not any(sealed for _, _, sealed in moved[1:])
    placed = [name for name, into, _ in moved if into]
    assert placed[0] == "fit.json"  # so that whatever lies there is known by its hashes
    assert [name for name, into, _ in moved if not into][-1] == "fit.json"


def test_a_failing_writer_leaves_the_older_files(tmp_path):
    write_reports(coaching(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(path: Path) -> None:
        path.write_text("half of")
        raise OSError("no space left on device")

    with pytest.raises(DagregError, match=r"DR586.*no space"):
        write_reports(unidentified(), tmp_path, {"posterior.nc": fail})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("after", range(18))
def test_a_run_cut_short_while_moving_puts_the_older_files_back(tmp_path, monkeypatch, after):
    write_reports(coaching(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    really, moved = files.move, []

    def cut(source: Path, target: Path) -> None:
        if len(moved) == after:
            raise KeyboardInterrupt
        moved.append(target)
        really(source, target)

    monkeypatch.setattr(files, "move", cut)
    with pytest.raises(KeyboardInterrupt):
        write_reports(CASES["bad_diagnostics"](), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("after", [0, 1, 7, 9, 12, 18])
def test_a_run_that_is_killed_while_moving_leaves_nothing_that_the_next_does_not_know(
    tmp_path, monkeypatch, after
):
    """A process that ends at once puts nothing back: what lies in the folder then is known by a whole
    `fit.json`.
    """
    write_reports(coaching(), tmp_path / "whole")
    script = f"""
import os, sys
from pathlib import Path
from dagreg import files
from dagreg.report.write import write_reports
from tests.report_cases import CASES
really, left = files.move, [{after}]
def cut(source, target):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    really(source, target)
files.move = cut
write_reports(CASES["bad_diagnostics"](), Path(sys.argv[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "whole")], cwd=Path(__file__).parents[1]
    )
    assert done.returncode in (0, 9)
    if done.returncode == 9:
        assert not (after and (tmp_path / "whole" / "results.json").exists())
    write_reports(coaching(), tmp_path / "whole")
    assert names(tmp_path / "whole") >= FILES


def test_extra_files_and_those_of_an_older_run(tmp_path):
    for _ in range(2):
        write_reports(coaching(), tmp_path, {"posterior.nc": lambda p: p.write_bytes(b"x")})
        assert names(tmp_path) == FILES | {"posterior.nc"}
    write_reports(coaching(), tmp_path)
    assert names(tmp_path) == FILES  # draws of another run would not be those of this report


def test_goes_on_without_a_picture(tmp_path, monkeypatch):
    write_reports(coaching(), tmp_path)

    def refuse(*_: object) -> str:
        raise CannotDraw("too many nodes")

    monkeypatch.setattr(module, "svg", refuse)
    monkeypatch.setattr("dagreg.report.sections.picture.svg", refuse)
    write_reports(coaching(), tmp_path)
    assert names(tmp_path) == FILES - {"dag.svg"}
    assert '<svg class="dag" role' not in (tmp_path / "report.html").read_text()
    assert "tenure -&gt; coached" in (tmp_path / "report.html").read_text()
    assert "dag.svg" not in (tmp_path / "report.md").read_text()


def test_the_same_report_gives_the_same_bytes(tmp_path):
    for place in ("a", "b"):
        write_reports(coaching(), tmp_path / place)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
