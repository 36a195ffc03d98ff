"""Draws that are kept: what has not changed is not solved again, and nothing else is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.engines import importance, metropolis, nuts
from dagreg.result import Result
from tests.fitting import spec_of

CHAIN = """\
nodes:
  z: continuous
  x: continuous
  m: continuous
  y: continuous
edges:
  - z -> x -> m -> y
  - z -> y
effect: x -> y
regressions: {m: {priors: {x: "Normal(0, 2)"}}}
sampling: {draws: 250, chains: 2}
"""
SAMPLED = """\
nodes: {z: binary, x: binary, m: binary, y: binary}
edges: [z -> x -> m -> y, z -> y]
effect: x -> y
regressions: {m: {priors: {x: "StudentT(5, 0, 1)"}}}
sampling: {draws: 100, tune: 100, chains: 2}
"""


def _data(count: int = 80) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    z = rng.normal(size=count)
    x = z + rng.normal(size=count)
    m = x + rng.normal(size=count)
    return {"z": z, "x": x, "m": m, "y": m + z + rng.normal(size=count)}


def _binary() -> dict[str, np.ndarray]:
    return {name: (values > 0).astype(np.int64) for name, values in _data(200).items()}


def _origins(result: Result, builder: str) -> dict[str, str]:
    """Response -> where its draws are from."""
    return {
        next(s for s in p.symbols if s.startswith(("alpha", "beta"))).split("_")[1]: p.origin
        for p in result.samples[builder].parts
    }


def _equal(one: Result, other: Result) -> None:
    assert one.samples.keys() == other.samples.keys()
    for builder, draws in one.samples.items():
        again = other.samples[builder]
        assert again.values.keys() == draws.values.keys()
        for symbol, values in draws.values.items():
            assert again.values[symbol].tobytes() == values.tobytes(), (builder, symbol)
        assert again.divergences == draws.divergences
        for mine, theirs in zip(draws.trees, again.trees, strict=True):
            assert mine.to_dataset().identical(theirs.to_dataset())


def _numbers(result: Result) -> str:
    """The whole machine-readable answer."""
    return result.report("json")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    pipeline.fit(spec_of(CHAIN), _data()).save(tmp_path / "out")
    return tmp_path / "out"


def test_an_unchanged_fit_keeps_every_draw_and_says_so(earlier: Path) -> None:
    fresh = pipeline.fit(spec_of(CHAIN), _data())
    again = pipeline.fit(spec_of(CHAIN), _data(), reuse=earlier)
    _equal(fresh, again)
    assert _numbers(fresh) == _numbers(again)
    assert {p.origin for d in again.samples.values() for p in d.parts} == {"earlier fit"}
    assert again.effects[0].diagnostics is not None
    assert all("Reused: it has not changed" in line for line in again.effects[0].diagnostics.plan)
    assert "Reused: it has not changed" in again.report("md")
    assert "Reused" not in fresh.report("md")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Normal(0, 2)", "Normal(0, 3)"),
        ('x: "Normal(0, 2)"', 'sigma: "Exponential(2)"'),
    ],
)
def test_a_changed_regression_is_solved_again_alone(earlier: Path, old: str, new: str) -> None:
    text = CHAIN.replace(old, new)
    again = pipeline.fit(spec_of(text), _data(), reuse=earlier)
    assert _origins(again, "build_chain") == {"m": "solved", "y": "earlier fit"}
    assert _origins(again, "build_adjusted") == {"y": "earlier fit"}
    _equal(pipeline.fit(spec_of(text), _data()), again)


def test_a_changed_column_concerns_the_regressions_that_read_it(earlier: Path) -> None:
    data = _data()
    data["z"] = data["z"] + np.linspace(0, 1, len(data["z"]))
    again = pipeline.fit(spec_of(CHAIN), data, reuse=earlier)
    assert _origins(again, "build_chain") == {"m": "earlier fit", "y": "solved"}


@pytest.mark.parametrize("new", ["draws: 251", "draws: 250, seed: 3", "draws: 250, tune: 9"])
def test_other_settings_are_another_fit(earlier: Path, new: str) -> None:
    again = pipeline.fit(spec_of(CHAIN.replace("draws: 250", new)), _data(), reuse=earlier)
    kept = {p.origin for d in again.samples.values() for p in d.parts}
    assert kept == ({"earlier fit"} if "tune" in new else {"solved"})  # independent draws have no warm-up


def test_words_are_no_change(earlier: Path) -> None:
    text = "# a remark\n" + CHAIN.replace("m: continuous", "m: {type: continuous, label: Mood, unit: points}")
    again = pipeline.fit(spec_of(text), _data(), reuse=earlier)
    assert {p.origin for d in again.samples.values() for p in d.parts} == {"earlier fit"}


def test_one_regression_of_two_programs_is_solved_once() -> None:
    text = CHAIN.replace("effect: x -> y", "effects: [x -> y, z -> y]")
    result = pipeline.fit(spec_of(text), _data())
    assert _origins(result, "build_chain_1") == {"m": "solved", "y": "solved"}
    assert _origins(result, "build_chain_2") == {"x": "solved", "m": "same fit", "y": "same fit"}
    assert "Reused: another program here has the same regression" in result.report("md")


def test_draws_of_different_regressions_are_independent() -> None:
    text = CHAIN.replace("draws: 250", "draws: 4000")
    values = pipeline.fit(spec_of(text), _data()).samples["build_chain"].flat()
    assert abs(np.corrcoef(values["sigma_m"], values["sigma_y"])[0, 1]) < 0.05
    assert abs(np.corrcoef(values["beta_m_x"], values["beta_y_m"])[0, 1]) < 0.05


def _flip(path: Path) -> None:
    """One bit of the draws themselves."""
    import h5py

    with h5py.File(path / "posterior.nc", "r+") as file:
        file["chain/posterior/sigma_m"][0, 0] *= 1.0000001


def _cut(path: Path) -> None:
    whole = (path / "posterior.nc").read_bytes()
    (path / "posterior.nc").write_bytes(whole[: len(whole) // 2])


def _edit(path: Path, old: str, new: str) -> None:
    text = (path / "fit.json").read_text()
    assert old in text
    (path / "fit.json").write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (_flip, 3),
        (lambda p: _edit(p, '"divergences": 0', '"divergences": 1'), 0),
        (_cut, 0),
        (lambda p: (p / "posterior.nc").write_bytes(b"nothing"), 0),
        (lambda p: (p / "posterior.nc").unlink(), 0),
        (lambda p: (p / "fit.json").write_text("{"), 0),
        (lambda p: (p / "fit.json").write_text("[]"), 0),
        (lambda p: (p / "fit.json").write_bytes(b"\xff"), 0),
        (lambda p: (p / "fit.json").unlink(), 0),
        (lambda p: _edit(p, '"symbols"', '"signs"'), 0),
        (lambda p: _edit(p, '"sigma_m"', '"sigma_q"'), 2),
    ],
)
def test_what_is_damaged_is_solved_again(earlier: Path, damage: Callable[[Path], object], kept: int) -> None:
    fresh = pipeline.fit(spec_of(CHAIN), _data())
    damage(earlier)
    again = pipeline.fit(spec_of(CHAIN), _data(), reuse=earlier)
    _equal(fresh, again)
    assert sum(p.origin == "earlier fit" for d in again.samples.values() for p in d.parts) == kept


def test_a_folder_without_a_result_is_no_error(tmp_path: Path) -> None:
    pipeline.fit(spec_of(CHAIN), _data(), reuse=tmp_path / "nowhere")


def test_a_second_saving_keeps_what_there_is_and_drops_what_is_not_used(earlier: Path) -> None:
    text = CHAIN.replace("Normal(0, 2)", "Normal(0, 3)")
    pipeline.fit(spec_of(text), _data(), reuse=earlier).save(earlier)
    parts = [
        p for s in json.loads((earlier / "fit.json").read_text())["samples"].values() for p in s["parts"]
    ]
    again = pipeline.fit(spec_of(text), _data(), reuse=earlier)
    assert {p.key for d in again.samples.values() for p in d.parts} == {p["key"] for p in parts}
    assert {p.origin for d in again.samples.values() for p in d.parts} == {"earlier fit"}
    back = pipeline.fit(spec_of(CHAIN), _data(), reuse=earlier)
    assert _origins(back, "build_chain")["m"] == "solved"


@pytest.mark.slow
def test_chains_are_kept_bit_for_bit_with_their_diagnostics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`m on x` by NUTS, as its prior asks for, the others by Metropolis."""
    calls: list[str] = []

    def counted(solve, model):  # type: ignore[no-untyped-def]  # it stands in for an engine
        def run(*arguments):  # type: ignore[no-untyped-def]
            calls.append(arguments[model].formula)
            return solve(*arguments)

        return run

    monkeypatch.setattr(importance, "MAX_PARAMETERS", 0)  # it would solve `m on x`, too
    monkeypatch.setattr(nuts, "sample", counted(nuts.sample, 1))
    monkeypatch.setattr(metropolis, "draw_by_metropolis", counted(metropolis.draw_by_metropolis, 0))
    data = _binary()
    fresh = pipeline.fit(spec_of(SAMPLED), data)
    assert sorted(calls) == ["m on x", "y on x", "y on x, z", "y on z, m"]
    fresh.save(tmp_path / "out")
    calls.clear()
    again = pipeline.fit(spec_of(SAMPLED), data, reuse=tmp_path / "out")
    assert calls == []
    _equal(fresh, again)
    assert again.report("json") == fresh.report("json")
    assert again.effects[0].mixing == fresh.effects[0].mixing
    again.save(tmp_path / "out")
    changed = pipeline.fit(spec_of(SAMPLED.replace("(5, 0, 1)", "(5, 0, 2)")), data, reuse=tmp_path / "out")
    assert calls == ["m on x"]
    assert (
        changed.samples["build_chain"].values["beta_y_m"].tobytes()
        == fresh.samples["build_chain"].values["beta_y_m"].tobytes()
    )


# ---------------------------------------------------------------- the command line


def _project(folder: Path) -> None:
    data = _data()
    rows = [",".join(data), *(",".join(str(data[n][i]) for n in data) for i in range(len(data["y"])))]
    (folder / "d.csv").write_text("\n".join(rows) + "\n")
    (folder / "spec.yaml").write_text("data: d.csv\n" + CHAIN)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "dagreg.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def test_a_fit_of_nothing_new_answers_from_its_folder(tmp_path: Path) -> None:
    _project(tmp_path)
    first = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert first.returncode == 0, first.stderr
    second = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert "nothing has changed" in second.stderr
    assert "solving" not in second.stderr
    (tmp_path / "spec.dagreg/report.html").unlink()
    _run(tmp_path, "fit", "spec.yaml")
    assert (tmp_path / "spec.dagreg/report.html").is_file()
    anew = _run(tmp_path, "fit", "spec.yaml", "--fresh")
    assert "solving" in anew.stderr
    assert "not solved again" not in anew.stderr
    other = _run(tmp_path, "fit", "spec.yaml", "--seed", "9")
    assert "nothing has changed" not in other.stderr


def test_a_fit_says_what_it_did_not_solve_again(tmp_path: Path) -> None:
    _project(tmp_path)
    _run(tmp_path, "fit", "spec.yaml")
    plan = _run(tmp_path, "compile", "spec.yaml", "--explain-plan")
    assert plan.stdout.count("reused:") == 4
    text = (tmp_path / "spec.yaml").read_text()
    (tmp_path / "spec.yaml").write_text(text.replace("Normal(0, 2)", "Normal(0, 3)"))
    plan = _run(tmp_path, "compile", "spec.yaml", "--explain-plan")
    assert plan.stdout.count("reused:") == 3
    done = _run(tmp_path, "fit", "spec.yaml")
    assert "spec: not solved again, as nothing has changed: y on z, m" in done.stderr
    (tmp_path / "spec.dagreg/results.json").write_text("{}")
    refused = _run(tmp_path, "fit", "spec.yaml")
    assert refused.returncode == 1
    assert "error[DR580]: `spec.dagreg/results.json` is there already" in refused.stderr
    (tmp_path / "spec.dagreg/results.json").unlink()
    repaired = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert repaired.returncode == 0
    assert "Traceback" not in repaired.stderr
    assert json.loads((tmp_path / "spec.dagreg/results.json").read_text()) == json.loads(repaired.stdout)


def test_changed_data_are_noticed(tmp_path: Path) -> None:
    _project(tmp_path)
    _run(tmp_path, "fit", "spec.yaml")
    with (tmp_path / "d.csv").open("a") as stream:
        stream.write("1.0,1.0,1.0,1.0\n")
    done = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert "nothing has changed" not in done.stderr
    assert "not solved again" not in done.stderr
    assert json.loads(done.stdout)["data"]["rows"] == 81
