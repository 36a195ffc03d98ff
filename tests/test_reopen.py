"""Results saved and opened again: the same answer, and nothing that was altered."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import dagreg
from dagreg import pipeline
from dagreg.errors import DagregError
from dagreg.files import sealed
from dagreg.result import Result
from dagreg.results.codec import decode, encode
from dagreg.spec.types import Effect
from tests.fitting import spec_of

SPEC = """\
nodes:
  g: {type: categorical, levels: [a, b, c]}
  x: binary
  m: continuous
  y: {type: continuous, transform: log}
edges:
  - g -> x -> m -> y
  - g, x -> y
effects:
  - x -> y
  - {exposure: m, outcome: y, kind: total}
regressions: {y: {interactions: ["x:g"]}}
sampling: {draws: 50, chains: 2}
"""


def _rows(count: int = 120) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    g = rng.integers(0, 3, count)
    x = (rng.random(count) < 0.3 + 0.2 * (g == 1)).astype(np.int64)
    m = 0.5 * x + rng.normal(size=count)
    levels = np.array(["a", "b", "c"], dtype=object)
    return {"g": levels[g], "x": x, "m": m, "y": np.exp(m + x + rng.normal(size=count))}


@cache
def fitted() -> Result:
    return pipeline.fit(spec_of(SPEC), _rows())


def _saved(folder: Path) -> Path:
    fitted().save(folder)
    return folder


@pytest.mark.parametrize("format", ["text", "json", "md", "html"])
def test_a_result_opened_again_reports_the_same(
    tmp_path: Path, format: Literal["text", "json", "md", "html"]
) -> None:
    again = dagreg.open(_saved(tmp_path / "out"))
    assert again.report(format) == fitted().report(format)


def test_a_result_opened_again_has_the_same_draws_and_numbers(tmp_path: Path) -> None:
    again = dagreg.open(_saved(tmp_path / "out"))
    assert again.samples.keys() == fitted().samples.keys()
    for builder, draws in fitted().samples.items():
        assert again.samples[builder].engine == draws.engine
        for symbol, values in draws.values.items():
            np.testing.assert_array_equal(again.samples[builder].values[symbol], values)
    for mine, theirs in zip(fitted().effects, again.effects, strict=True):
        assert theirs.result == mine.result
        assert theirs.diagnostics == mine.diagnostics
        assert theirs.doubts == mine.doubts
    assert again.draws.equals(fitted().draws)


def test_a_result_without_intercepts_predicts_as_before(tmp_path: Path) -> None:
    nodes = (
        "nodes: {g: {type: categorical, levels: [a, b, c]}, y: positive}\nedges: [g -> y]\neffect: g -> y\n"
    )
    text = nodes + "regressions: {y: {coding: index, family: gaussian, link: identity}}\n"
    result = pipeline.fit(spec_of(text), _rows())
    result.save(tmp_path / "out")
    again = dagreg.open(tmp_path / "out")
    assert again.samples["build_adjusted"].values.keys() == result.samples["build_adjusted"].values.keys()
    new = {"g": np.array(["a", "c"], dtype=object)}
    np.testing.assert_array_equal(again.predict(new).columns["mean"], result.predict(new).columns["mean"])


def test_a_result_survives_a_second_saving(tmp_path: Path) -> None:
    once = dagreg.open(_saved(tmp_path / "out"))
    once.save(tmp_path / "again")
    for name in ("results.json", "model.py", "spec.yaml", "report.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_spec_is_stored_as_it_was_written(tmp_path: Path) -> None:
    assert (_saved(tmp_path / "out") / "spec.yaml").read_text() == SPEC


def test_a_spec_changed_in_python_is_stored_by_its_fields(tmp_path: Path) -> None:
    spec = replace(spec_of(SPEC), effects=(Effect(("m",), "y"),))
    result = pipeline.fit(spec, _rows())
    result.save(tmp_path / "out")
    assert not (tmp_path / "out" / "spec.yaml").exists()
    again = dagreg.open(tmp_path / "out")
    assert again.record.study.spec == spec
    assert again.report() == result.report()


def test_an_effect_that_is_not_identified_is_stored_too(tmp_path: Path) -> None:
    result = pipeline.fit(
        spec_of("edges: [x -> y, x <-> y]\neffect: x -> y\n"), {k: _rows()[k] for k in "xy"}
    )
    result.save(tmp_path / "out")
    assert dagreg.open(tmp_path / "out").report("json") == result.report("json")


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


def _rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A record that was altered by someone who knows how it is sealed."""
    record = json.loads((folder / "fit.json").read_text())
    del record["sha256"]
    change(record)
    (folder / "fit.json").write_text(sealed(record))


def _moved_moments(folder: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["summary"]["columns"]["m"]["mean"] += 1.0

    _rewritten(folder, change)


def _moved_moments_unsealed(folder: Path) -> None:
    record = json.loads((folder / "fit.json").read_text())
    record["report"]["data"]["rows"] += 1
    (folder / "fit.json").write_text(json.dumps(record))


def _cut(folder: Path) -> None:
    whole = (folder / "posterior.nc").read_bytes()
    (folder / "posterior.nc").write_bytes(whole[: len(whole) // 2])


def _no_levels(folder: Path) -> None:
    _rewritten(folder, lambda record: record["summary"]["columns"]["g"]["levels"].pop())


def _no_counts(folder: Path) -> None:
    _rewritten(folder, lambda record: record["summary"]["columns"]["x"]["counts"].clear())


def _other_version(folder: Path) -> None:
    _moved_moments(folder)
    _rewritten(folder, lambda record: record["report"]["versions"].update(dagreg="0.0.1"))


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("DR541", lambda folder: (folder / "results.json").unlink()),
        ("DR541", lambda folder: (folder / "fit.json").unlink()),
        ("DR542", lambda folder: (folder / "posterior.nc").unlink()),
        ("DR542", lambda folder: (folder / "fit.json").write_text("{")),
        ("DR542", lambda folder: (folder / "fit.json").write_text("[]")),
        ("DR542", lambda folder: (folder / "fit.json").write_text('{"format": 2}')),
        ("DR542", lambda folder: (folder / "fit.json").write_bytes(b"\xff\xfe")),
        ("DR543", _edit("fit.json", '"format": 2', '"format": 99')),
        ("DR542", _edit("spec.yaml", "draws: 50", "draws: 51")),
        ("DR542", _edit("model.py", "import numpy as np", "import numpy as np  # mine")),
        ("DR542", _edit("results.json", '"sd": ', '"sd": 1')),
        ("DR542", _moved_moments),
        ("DR542", _moved_moments_unsealed),
        ("DR542", _edit("fit.json", '"divergences": 0', '"divergences": 1')),
        ("DR542", _edit("fit.json", ', "format"', ',  "format"')),
        ("DR542", _cut),
        ("DR542", _no_levels),
        ("DR542", lambda folder: _rewritten(folder, lambda record: record.update(report=True))),
        ("DR542", _no_counts),
        ("DR543", _other_version),
    ],
)
def test_a_folder_that_was_altered_is_refused(
    tmp_path: Path, code: str, change: Callable[[Path], None]
) -> None:
    change(_saved(tmp_path / "out"))
    with pytest.raises(DagregError) as caught:
        dagreg.open(tmp_path / "out")
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert str(tmp_path / "out") in caught.value.diagnostics[0].message


def test_any_other_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DagregError, match="DR541"):
        dagreg.open(tmp_path / "nowhere")


def _run(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, *code], cwd=folder, capture_output=True, text=True, env=environment
    )


def test_opening_loads_neither_arviz_nor_xarray_nor_pymc(tmp_path: Path) -> None:
    _saved(tmp_path / "out")
    heavy = "{'arviz', 'arviz_stats', 'pandas', 'pymc', 'pytensor', 'xarray'}"
    done = _run(tmp_path, "-c", f"import dagreg, sys; dagreg.open('out'); print({heavy} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr


def test_the_report_command_says_what_fit_said_and_refuses_without_a_traceback(tmp_path: Path) -> None:
    _saved(tmp_path / "out")
    shown = _run(tmp_path, "-m", "dagreg.cli", "report", "out", "--format", "json")
    assert (shown.returncode, shown.stdout) == (
        0,
        (tmp_path / "out" / "results.json").read_text().rstrip("\n") + "\n",
    )
    (tmp_path / "out" / "posterior.nc").unlink()
    refused = _run(tmp_path, "-m", "dagreg.cli", "report", "out")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error[DR542]: `out/posterior.nc` is not there any more")
    assert "Traceback" not in refused.stderr


# ---------------------------------------------------------------- records as JSON


@dataclass(frozen=True)
class Inner:
    number: float


@dataclass(frozen=True)
class Outer:
    side: str | int | float | bool
    sides: tuple[str | int, str | int] | tuple[tuple[int, ...], tuple[int, ...]] | None
    inner: tuple[Inner, ...]
    places: dict[tuple[str | int, ...], float]


@pytest.mark.parametrize(
    "record",
    [
        Outer(1, (1, "b"), (Inner(0.1), Inner(math.inf)), {("a", 0): 1.5}),
        Outer(1.0, ((1, 2), (3, 4)), (), {}),
        Outer(True, None, (Inner(-0.0),), {(): 2.0}),
    ],
)
def test_a_record_reads_back_as_it_was(record: Outer) -> None:
    again = decode(Outer, json.loads(json.dumps(encode(record), allow_nan=False)))
    assert again == record
    assert type(again.side) is type(record.side)


@pytest.mark.parametrize(
    "data",
    [None, [], {"number": "x"}, {"number": [1.0]}, {"number": None}, {"other": 1.0}, {}],
)
def test_data_of_another_shape_are_refused(data: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        decode(Inner, data)
