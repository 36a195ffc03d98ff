"""Models that cannot be solved: one message, exit code 1, and a report of what is known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dagreg
from dagreg import pipeline
from dagreg.engines import exact, nuts, table
from dagreg.spec.load import loads

ROOT = Path(__file__).parents[1]
NOWHERE = """
data: d.csv
nodes: {x: continuous, y: {type: positive, family: gamma}}
edges: [x -> y]
effect: x -> y
regressions: {y: {link: identity, priors: {intercept: "Uniform(-5, -4)", x: "Uniform(-0.1, 0.1)"}}}
"""
STUDENT = "edges: [z -> x, 'z, x -> y']\neffect: x -> y\nregressions: {y: {family: student_t}}\n"
BY_NUTS = "sampling: {engine: nuts}\n"


def columns(rows: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=rows)
    x = z + rng.normal(size=rows)
    return {"z": z, "x": x, "y": np.exp(0.3 * x + z / 4 + rng.normal(size=rows) / 4)}


def write(folder: Path, text: str, rows: int = 200) -> None:
    data = columns(rows)
    lines = [",".join(data), *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
    (folder / "d.csv").write_text("\n".join(lines) + "\n")
    (folder / "spec.yaml").write_text(text)


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dagreg", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_a_density_that_is_nowhere_finite_ends_in_a_message_and_a_report(tmp_path: Path) -> None:
    """nutpie's threads outlived the failure, and the interpreter's end took Python's objects from beneath
    them.
    """
    write(tmp_path, NOWHERE)
    run = command(tmp_path, "fit", "spec.yaml", "--format", "json")
    answer, said = run.communicate(timeout=300)
    assert run.returncode == 1, said
    assert said.count("error[DR501]") == 1
    assert "`y_hat`" in said
    (effect,) = json.loads(answer)["effects"]
    assert effect["identified"]
    assert effect["estimates"] == []
    assert [f["code"] for f in effect["failures"]] == ["DR501"]
    again = dagreg.open(tmp_path / "spec.dagreg")
    assert not again.record.ok
    assert "There is no number" in again.report()
    with pytest.raises(dagreg.DagregError, match="DR564"):
        again.model()


@pytest.mark.slow
def test_an_interrupt_while_nuts_samples_ends_in_130_and_no_report(tmp_path: Path) -> None:
    """nutpie's blocking call takes an interrupt for the end and returns the draws so far."""
    write(tmp_path, "data: d.csv\n" + STUDENT, rows=5_000)
    run = command(tmp_path, "fit", "spec.yaml", "--engine", "nuts", "--draws", "200000")
    threads = Path(f"/proc/{run.pid}/task")
    until = time.monotonic() + 200
    while (
        not any("nutpie" in (t / "comm").read_text() for t in list(threads.iterdir()))
        and time.monotonic() < until
    ):
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=200)[1]
    assert run.returncode == 130, said
    assert not (tmp_path / "spec.dagreg").exists()


class PanicException(BaseException):
    """As nutpie's Rust raises it: no `Exception`."""


RAISED = [
    (RuntimeError("All initialization points failed\n\nCaused by: ..."), "DR501"),
    (MemoryError(), "DR503"),
    (nuts._Uncompiled("NotImplementedError: no Numba for this"), "DR504"),
    (RuntimeError("Chain 2 failed: not finite"), "DR505"),
    (TypeError("no logp"), "DR505"),
    (PanicException("assertion failed: val.is_finite()"), "DR505"),
]


@pytest.mark.parametrize(("error", "code"), RAISED)
def test_whatever_a_sampler_raises_has_a_code(
    error: BaseException, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(nuts, "_sampled", fail)
    monkeypatch.setattr(nuts, "_culprits", lambda built: "")
    result = pipeline.fit(loads(STUDENT + BY_NUTS, file="s.yaml"), columns())
    (effect,) = result.effects
    assert [f.code for f in effect.failures] == [code]
    assert effect.result is None
    assert not result.record.ok
    assert result.samples == {}
    assert code in result.report()
    assert json.loads(result.report("json"))["effects"][0]["failures"][0]["code"] == code


def test_a_second_model_that_fails_leaves_the_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The chain's mediator is left to NUTS; the adjusted model is solved exactly."""
    text = "edges: [x -> m -> y, x -> y]\neffect: x -> y\nregressions: {m: {family: student_t}}\n"
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    m = x + rng.normal(size=300)

    def fail(*_: Any) -> Any:
        raise RuntimeError("Chain 2 failed")

    monkeypatch.setattr(table, "ENGINES", {e.name: e for e in (exact.ENGINE, nuts.ENGINE)})
    monkeypatch.setattr(nuts, "_sampled", fail)
    result = pipeline.fit(loads(text, file="s.yaml"), {"x": x, "m": m, "y": m + rng.normal(size=300)})
    (effect,) = result.effects
    assert [(f.estimator, f.code) for f in effect.failures] == [("chain", "DR505")]
    assert effect.result is not None
    head = next(e for e in effect.result.estimates if e.primary)
    slope = np.polyfit(x, m, 1)[0]
    assert head.estimator == "adjusted"
    assert abs(head.summary.mean - slope) < 4 * head.summary.sd
    assert not result.record.ok
    result.save(tmp_path / "r")
    assert dagreg.open(tmp_path / "r").report() == result.report()


def test_chains_do_not_start_outside_the_intercepts_prior() -> None:
    text = NOWHERE.replace("data: d.csv\n", "").replace("-5, -4", "4, 5")
    source = pipeline.compile(loads(text, file="s.yaml"), columns()).source
    assert "initval" not in source.split("beta_y_x")[0]
    assert "initval" in pipeline.compile(loads(text.replace("4, 5", "0, 5"), file="s.yaml"), columns()).source


def test_memory_is_estimated_before_anything_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "edges: [z -> x, 'z, x -> y']\neffect: x -> y\n"
    monkeypatch.setenv("DAGREG_MEMORY", "0.5")
    pipeline.fit(loads(text, file="s.yaml"), columns())
    many = loads(text + "sampling: {draws: 400000}\n", file="s.yaml")
    with pytest.raises(dagreg.DagregError, match="DR508"):
        pipeline.fit(many, columns())
    monkeypatch.setenv("DAGREG_MEMORY", "0.0001")
    with pytest.raises(dagreg.DagregError, match="DR508") as caught:
        pipeline.fit(loads(text + "sampling: {draws: 10, chains: 1}\n", file="s.yaml"), columns(1_000))
    assert "1,000 rows, 3 coefficients" in caught.value.diagnostics[0].message
    assert "random part of the rows" in caught.value.diagnostics[0].notes[0]


def wide(rows: int, confounders: int) -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(0)
    names = [f"z{i}" for i in range(confounders)]
    data: dict[str, Any] = {n: rng.normal(size=rows) for n in names}
    x = data["z0"] + rng.normal(size=rows)
    listed = ", ".join(names)
    text = f"edges: ['{listed} -> x', '{listed}, x -> y']\neffect: x -> y\nsampling: {{draws: 500}}\n"
    return text, {**data, "x": x, "y": x + rng.normal(size=rows)}


MEASURE = """
import sys
sys.path.insert(0, sys.argv[1])
from dagreg import pipeline
from dagreg.spec.load import loads
from tests.test_failures import wide
text, data = wide(800, 500)
result = pipeline.fit(loads(text, file="s.yaml"), data)
found = next(e for e in result.effects[0].result.estimates if e.primary).summary
# Of this process alone: ru_maxrss counts that of the one that started it.
with open("/proc/self/status") as status:
    kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
print(found.mean, found.sd, int(kilobytes) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the memory of a process is read off /proc"
)
def test_five_hundred_confounders_stay_below_a_gigabyte() -> None:
    """The summaries of all columns at once took 28 MB for each; the answer is that of ridge regression."""
    command = [sys.executable, "-c", MEASURE, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    mean, sd, memory = map(float, done.stdout.split())
    assert memory < 1e9
    _, data = wide(800, 500)
    design = np.column_stack([np.ones(800), *(v for n, v in data.items() if n != "y")])
    beta = np.linalg.lstsq(design, data["y"], rcond=None)[0]
    assert abs(mean - beta[-1]) < sd  # the default priors shrink a little
