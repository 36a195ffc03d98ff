"""Nothing is derived twice: each stage of a run is called once, whatever it is asked for."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagreg import cli, pipeline
from tests.fitting import spec_of

STAGES = {
    ("graph/causal.py", "analyse"),
    ("identify/explain.py", "identify"),
    ("sources/duck.py", "open_file"),
    ("sources/duck.py", "_open"),
    ("binding/summary.py", "check_columns"),
    ("binding/summary.py", "summarise"),
    ("model/variables.py", "resolve"),
}
CHAIN = """
data: {data}
nodes: {{x: continuous, m: continuous, y: continuous}}
edges: [x -> m -> y]
effect: x -> y
sampling: {{draws: 50}}
"""


def calls(run: Callable[[], Any]) -> Counter[str]:
    """How often a run calls each stage."""
    counted: Counter[str] = Counter()

    def count(frame: Any, event: str, _: Any) -> None:
        place = frame.f_code.co_filename.split("/")[-2:]
        if event == "call" and ("/".join(place), frame.f_code.co_name) in STAGES:
            counted[frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return counted


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A chain of three nodes, whose graph implies one independence, and its data file."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    m = x + rng.normal(size=200)
    path = tmp_path_factory.mktemp("once") / "chain.csv"
    rows = np.column_stack([x, m, m + rng.normal(size=200)])
    np.savetxt(path, rows, delimiter=",", header="x,m,y", comments="")
    return spec_of(CHAIN.format(data=path))


RUNS: dict[str, Callable[[Any], Any]] = {
    "check": lambda spec: pipeline.check(spec, allow_outside=True),
    "compile": lambda spec: pipeline.compile(spec, allow_outside=True, optimised=True),
    "explain_plan": lambda spec: pipeline.explain_plan(spec, allow_outside=True),
    "fit": lambda spec: pipeline.fit(spec, allow_outside=True),
}


@pytest.mark.parametrize("name", RUNS)
def test_every_stage_runs_once(spec: Any, name: str) -> None:
    assert calls(lambda: RUNS[name](spec)) == {function: 1 for _, function in STAGES}


def test_a_node_in_no_regression_opens_the_data_once(spec: Any) -> None:
    other = spec_of(CHAIN.format(data=spec.data.source).replace("effect: x -> y", "effect: x -> m"))
    counted = calls(lambda: pipeline.check(other, allow_outside=True))
    assert (counted["open_file"], counted["check_columns"], counted["analyse"], counted["identify"]) == (
        1,
        1,
        1,
        1,
    )


def test_an_earlier_result_is_looked_at_without_reading_the_data_again(spec: Any, tmp_path: Path) -> None:
    pipeline.fit(spec, allow_outside=True).save(tmp_path / "fit")
    counted = calls(lambda: pipeline.explain_plan(spec, allow_outside=True, reuse=tmp_path / "fit"))
    assert counted == {function: 1 for _, function in STAGES}
    counted = calls(lambda: pipeline.fit(spec, allow_outside=True, reuse=tmp_path / "fit"))
    assert counted == {function: 1 for _, function in STAGES}


@pytest.mark.slow
def test_a_plate_diagram_reads_the_data_once(spec: Any) -> None:
    assert calls(lambda: pipeline.plate(spec, "dot", allow_outside=True)) == {
        function: 1 for _, function in STAGES
    }


def test_a_fit_into_a_folder_whose_data_have_changed_opens_and_identifies_once(
    spec: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = Path(spec.data.source).read_text()
    Path("chain.csv").write_text(rows)
    Path("chain.yaml").write_text(CHAIN.format(data="chain.csv"))

    def fit() -> None:
        cli.answer(["fit", "chain.yaml"])  # so few draws are doubted

    once = {function: 1 for _, function in STAGES}
    assert calls(fit) == once, "a folder that is not there"
    Path("chain.csv").write_text(rows + "1,1,1\n")
    assert calls(fit) == once, "the folder of other data"
    assert "nothing has changed" not in capsys.readouterr().err
    Path("chain.dagreg/results.json").unlink()
    assert calls(fit) == once, "a folder that is not whole"
    assert calls(fit)["analyse"] == 1
    assert "nothing has changed" in capsys.readouterr().err
