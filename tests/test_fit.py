"""`dagreg fit` from end to end: the files, the JSON, the exit codes, and a posterior that is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

ROWS = 80
SPEC = """\
data: rows.csv
nodes:
  z: continuous
  x: continuous
  y: {type: continuous, label: Yield, unit: kg}
edges:
  - z -> x
  - x -> y
effect: x -> y
regressions:
  y:
    priors:
      intercept: Normal(0, 1)
      slopes: Normal(0, 0.3)
      sigma: HalfNormal(1)
sampling: {draws: 1000, tune: 500, chains: 2}
"""


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(30)
    z = rng.normal(size=ROWS)
    x = 0.7 * z + rng.normal(size=ROWS)
    return {"z": z, "x": x, "y": 1.2 + 0.5 * x - 0.4 * z + rng.normal(0, 1.3, ROWS)}


def _write(folder: Path, spec: str = SPEC) -> None:
    data = _data()
    lines = [
        ",".join(data),
        *(",".join(map(repr, map(float, row))) for row in zip(*data.values(), strict=True)),
    ]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "spec.yaml").write_text(spec)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "dagreg.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert "Traceback" not in done.stderr
    return done


def _only(text: str) -> Any:
    """The one JSON object that stands on the one line of stdout."""
    (line,) = text.strip().splitlines()
    return json.loads(line)


# ---------------------------------------------------------------- one fit, looked at from all sides


@pytest.mark.slow
def test_fit(tmp_path: Path) -> None:
    """Two runs into the same folder with the same seed: one test, for each run compiles its model anew."""
    _write(tmp_path)
    folder = tmp_path / "spec.dagreg"
    first = _run(tmp_path, "fit", "spec.yaml", "--seed", "5", "--format", "json")
    assert first.returncode == 0, first.stderr
    assert "solving" in first.stderr
    answer = _only(first.stdout)
    assert json.loads((folder / "results.json").read_text()) == answer
    _check_files(folder)
    _check_fields(answer)
    _check_posterior(answer["effects"][0]["estimates"][0])
    _check_tree(folder)
    for format in ("text", "json", "md", "html"):
        shown = _run(tmp_path, "report", "spec.dagreg", "--format", format)
        assert shown.returncode == 0
        assert shown.stdout.strip()

    again = ("fit", "spec.yaml", "--seed", "5", "--fresh", "--format", "json")
    (folder / "report.md").write_text("somebody's own words")
    refused = _run(tmp_path, *again)
    assert (refused.returncode, "report.md" in refused.stderr) == (1, True)
    assert (folder / "report.md").read_text() == "somebody's own words"
    (folder / "report.md").unlink()
    second = _run(tmp_path, *again)
    assert second.returncode == 0, second.stderr
    _check_files(folder)
    assert _numbers(_only(second.stdout)) == _numbers(answer)


def _numbers(answer: Any) -> Any:
    (effect,) = answer["effects"]
    return effect["estimates"], effect["coefficients"], answer["seed"], answer["data"]


def _check_files(folder: Path) -> None:
    """All there, nothing else, the results written last."""
    names = {path.name for path in folder.iterdir()}
    texts = {
        "report.html",
        "report.md",
        "results.json",
        "model.py",
        "dag.svg",
        "spec.yaml",
        "fit.json",
        "timings.json",
    }
    assert names == {*texts, "posterior.nc", "posterior.svg", "model.svg"}
    times = {name: (folder / name).stat().st_ctime_ns for name in names}  # when they got their places
    assert max(times.values()) == times["results.json"]


def _check_fields(answer: Any) -> None:
    assert {
        "spec",
        "effects",
        "junctions",
        "implications",
        "data",
        "versions",
        "seed",
        "warnings",
    } <= answer.keys()
    assert (answer["spec"], answer["seed"]) == ("spec.yaml", 5)
    assert (answer["data"]["rows"], answer["data"]["rows_used"], answer["data"]["missing"]) == (
        ROWS,
        ROWS,
        {},
    )
    assert len(answer["data"]["sha256"]) == 64
    (effect,) = answer["effects"]
    assert (effect["exposure"], effect["outcome"], effect["kind"]) == (["x"], "y", "total")
    assert (effect["identified"], effect["strategy"], effect["causal_path"]) == (True, "adjustment", True)
    assert (effect["adjustment"]["valid"], effect["adjustment"]["minimal"]) == (True, [[]])
    (estimate,) = effect["estimates"]
    assert {
        "name", "estimand", "estimator", "primary", "scale", "contrast", "by", "adjusted_for",
        "mean", "sd", "median", "interval", "level", "prob_positive", "ess_bulk", "r_hat",
    } <= estimate.keys()  # fmt: skip
    assert (estimate["name"], estimate["estimand"], estimate["scale"]) == (
        "x -> y",
        "total effect",
        "outcome",
    )
    assert (estimate["estimator"], estimate["primary"], estimate["adjusted_for"]) == ("adjusted", True, [])
    assert (estimate["contrast"], estimate["by"], estimate["level"]) == (None, {}, 0.94)
    assert estimate["interval"][0] < estimate["median"] < estimate["interval"][1]
    (coefficient,) = effect["coefficients"]
    assert {"response": "y", "term": "x", "causal": True}.items() <= coefficient.items()
    assert coefficient.keys() >= {"mean", "sd"}
    assert effect["diagnostics"].keys() >= {"engine", "divergences", "max_r_hat", "min_ess", "ok"}
    assert effect["diagnostics"]["ok"]
    assert isinstance(effect["tests"], list)


def _check_posterior(estimate: Any) -> None:
    """Within 4.5 Monte Carlo errors of the known one."""
    mean, sd = _closed_form()
    error = sd / np.sqrt(estimate["ess_bulk"])
    assert estimate["ess_bulk"] > 400
    assert abs(estimate["mean"] - mean) < 4.5 * error
    assert (
        abs(estimate["sd"] - sd) < 4.5 * error
    )  # the sd's own error is about that over the square root of 2


def _closed_form() -> tuple[float, float]:
    """Mean and sd of the slope of x: Normal given sigma, and sigma on a grid (the priors are
    those of SPEC).
    """
    data = _data()
    columns = np.column_stack([np.ones(ROWS), data["x"]])
    prior = np.diag([1.0, 0.3**2])
    logs, means, variances = [], [], []
    for sigma in np.linspace(0.5, 3.0, 400):
        marginal = stats.multivariate_normal(
            np.zeros(ROWS), columns @ prior @ columns.T + sigma**2 * np.eye(ROWS)
        )
        logs.append(marginal.logpdf(data["y"]) + stats.halfnorm.logpdf(sigma))
        covariance = np.linalg.inv(np.linalg.inv(prior) + columns.T @ columns / sigma**2)
        means.append((covariance @ columns.T @ data["y"] / sigma**2)[1])
        variances.append(covariance[1, 1])
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    mean = float(weights @ means)
    return mean, float(np.sqrt(weights @ (np.array(variances) + np.array(means) ** 2) - mean**2))


def _check_tree(folder: Path) -> None:
    """Every parameter is in the posterior's file, and nothing per row."""
    import xarray as xr

    with xr.open_datatree(folder / "posterior.nc", engine="h5netcdf") as tree:
        posterior = tree["adjusted/posterior"]
        assert posterior["beta_y_x"].sizes == {"chain": 2, "draw": 1000}
        assert {"alpha_y", "beta_y_x", "sigma_y"} <= set(posterior.data_vars)
        assert all(ROWS not in v.shape for v in posterior.data_vars.values())


# ---------------------------------------------------------------- without sampling


def test_not_identified(tmp_path: Path) -> None:
    """The report is written all the same, and the exit code is 1."""
    confounded = (
        "nodes: {x: continuous, y: continuous, u: unobserved}\nedges: ['u -> x, y', x -> y]\neffect: x -> y\n"
    )
    _write(tmp_path, f"data: rows.csv\n{confounded}")
    run = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert run.returncode == 1
    (effect,) = _only(run.stdout)["effects"]
    assert (effect["identified"], effect["estimates"]) == (False, [])
    assert effect["not_identified"]["measure"] == [["u"]]
    assert (tmp_path / "spec.dagreg" / "results.json").is_file()
    assert (tmp_path / "spec.dagreg" / "report.html").is_file()


FAULTS = {
    "no such column": (
        SPEC.replace("  x: continuous", "  x: {type: continuous, column: nowhere}"),
        "DR311",
        4,
    ),
    "numbers for a binary node": (SPEC.replace("  x: continuous", "  x: binary"), "DR317", 4),
    "no data file": (SPEC.replace("rows.csv", "absent.csv"), "DR301", 1),
    "outside of the folder": (SPEC.replace("rows.csv", "../rows.csv"), "DR30", 1),
    "unused prior": (SPEC.replace("slopes:", "'x:z':"), "DR418", 14),
    "unknown node": (SPEC.replace("effect: x", "effect: q"), "DR102", 9),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_input(name: str, tmp_path: Path) -> None:
    """Exit code 1, the message with its place on stderr, the same in JSON, and no folder."""
    spec, code, line = FAULTS[name]
    _write(tmp_path, spec)
    run = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert run.returncode == 1
    (error,) = _only(run.stdout)["errors"]
    assert error["code"].startswith(code)
    assert error["line"] == line
    assert f"error[{error['code']}]" in run.stderr
    assert f"spec.yaml:{line}:" in run.stderr
    assert not (tmp_path / "spec.dagreg").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit"],
        ["fit", "spec.yaml", "--nonsense"],
        ["fit", "spec.yaml", "--draws", "none"],
        ["fit", "spec.yaml", "--draws", "0"],
        ["fit", "spec.yaml", "--format", "xml"],
        ["fit", "spec.yaml", "--engine", "magic"],
        ["fti", "spec.yaml"],
    ],
)
def test_usage_errors(arguments: list[str], tmp_path: Path) -> None:
    _write(tmp_path)
    run = _run(tmp_path, *arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr


def test_conditional_effects_are_not_dropped_in_silence(tmp_path: Path) -> None:
    """`by` gives one estimate per level and the average, or is refused."""
    _write(
        tmp_path,
        SPEC.replace("effect: x -> y", "effect: {exposure: x, outcome: y, by: [z]}").replace(
            "z: continuous", "z: categorical"
        ),
    )
    run = _run(tmp_path, "fit", "spec.yaml", "--format", "json")
    (effect,) = _only(run.stdout)["effects"]
    rows = [e for e in effect["estimates"] if e["primary"]]
    assert rows[0]["by"] == {}
    assert len(rows) > 1
    assert all(set(row["by"]) == {"z"} for row in rows[1:])
