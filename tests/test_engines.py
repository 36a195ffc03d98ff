"""Which engine solves what, from the command line, and what a fit loads."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.engines import importance
from dagreg.errors import DagregError
from dagreg.spec.load import loads
from tests.optimising import DATA

ROOT = Path(__file__).parents[1]
GAUSSIAN = "data: d.csv\nedges: ['g -> x', 'x, g -> y']\neffect: x -> y\nsampling: {draws: 500, chains: 2}\n"
MIXED = "data: d.csv\nedges: [z -> d -> y]\neffect: z -> y\nsampling: {draws: 300, tune: 300, chains: 2}\n"
BENT = MIXED + "regressions: {d: {priors: {z: 'StudentT(4, 0, 2)'}}}\n"  # no prior for the Metropolis engine
PARSER = {"typer", "pydantic"}
HEAVY = {"arviz", "arviz_stats", "nutpie", "numba", "pandas", "pymc", "pytensor", "scipy", "xarray"}
RUN = """
import json, sys
from dagreg.cli import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def write(folder: Path, text: str) -> None:
    names = list(DATA)
    rows = [",".join(names), *(",".join(str(DATA[n][i]) for n in names) for i in range(len(DATA["y"])))]
    (folder / "d.csv").write_text("\n".join(rows) + "\n")
    (folder / "spec.yaml").write_text(text)


def run(folder: Path, *arguments: str) -> Any:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_an_exact_fit_loads_no_sampler_and_no_data_frames(tmp_path: Path) -> None:
    write(tmp_path, GAUSSIAN)
    done = run(tmp_path, "fit", "spec.yaml", "--engine", "exact", "--format", "json")
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert {"numpy", "duckdb", "h5netcdf"} <= loaded
    assert loaded.isdisjoint(HEAVY), loaded & HEAVY
    answer = json.loads(done.stdout)
    diagnostics = answer["effects"][0]["diagnostics"]
    assert (diagnostics["engine"], diagnostics["max_r_hat"], diagnostics["min_ess"]) == ("exact", 1.0, 1000.0)
    _check_posterior(tmp_path / "spec.dagreg/posterior.nc")
    report = (tmp_path / "spec.dagreg/report.md").read_text()
    assert "solved exactly; 60 rows stand as 4" in report
    assert "compile --optimised" in report
    assert "pm.Normal(" in (tmp_path / "spec.dagreg/model.py").read_text()


def _check_posterior(path: Path) -> None:
    import xarray as xr

    with xr.open_datatree(path) as tree:
        posterior = tree["adjusted/posterior"].load()
        assert posterior["beta_y_x"].sizes == {"chain": 2, "draw": 500}
        assert posterior["beta_y_g"].sizes == {"chain": 2, "draw": 500, "levels_g": 2}
        assert list(posterior["levels_g"].values) == ["g[b]", "g[c]"]
        assert posterior.attrs["engine"] == "exact"


def test_metropolis_loads_no_sampler_and_no_data_frames(tmp_path: Path) -> None:
    write(tmp_path, MIXED)
    done = run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert loaded.isdisjoint(HEAVY | PARSER), loaded & (HEAVY | PARSER)
    diagnostics = json.loads(done.stdout)["effects"][0]["diagnostics"]
    assert diagnostics["engine"] == "exact, metropolis"
    assert diagnostics["max_r_hat"] < 1.03
    assert 200 < diagnostics["min_ess"] < 1_200
    report = (tmp_path / "spec.dagreg/report.md").read_text()
    assert "chain, d: sampled by Metropolis-Hastings; 60 rows have 2 different combinations" in report


@pytest.mark.slow
def test_a_model_of_two_engines_keeps_the_draws_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance, "MAX_PARAMETERS", 0)  # so that NUTS has a piece
    write(tmp_path, BENT)
    result = pipeline.fit(tmp_path / "spec.yaml")
    effect = result.effects[0]
    assert effect.diagnostics is not None
    assert effect.diagnostics.engine == "exact, nuts"
    result.save(tmp_path / "spec.dagreg")
    import xarray as xr

    with xr.open_datatree(tmp_path / "spec.dagreg/posterior.nc") as tree:
        assert {"alpha_d", "beta_d_z", "alpha_y", "beta_y_d", "sigma_y"} == set(
            tree["chain/posterior"].data_vars
        )
        assert "diverging" in tree["chain/sample_stats"].data_vars


@pytest.mark.slow
def test_nuts_runs_the_readable_program(tmp_path: Path) -> None:
    write(tmp_path, GAUSSIAN)
    done = run(tmp_path, "fit", "spec.yaml", "--engine", "nuts", "--tune", "500", "--format", "json")
    assert json.loads(done.stdout)["effects"][0]["diagnostics"]["engine"] == "nuts"
    report = (tmp_path / "spec.dagreg/report.md").read_text()
    assert "sampled by NUTS on 60 rows" in report
    assert "This is the model that was fitted." in report
    assert "dagreg solved another form" not in report


def test_exact_is_refused_where_it_is_said(tmp_path: Path) -> None:
    text = (
        "data: d.csv\nedges: [x -> y]\neffect: x -> y\nregressions:\n  y:\n    priors:\n      x: StudentT(4, "
        "0, 1)\n"
        "sampling: {engine: exact}\n"
    )
    write(tmp_path, text)
    done = run(tmp_path, "fit", "spec.yaml", "--format", "json")
    assert done.returncode == 1
    (error,) = json.loads(done.stdout)["errors"]
    assert (error["code"], error["line"]) == ("DR502", 7)
    assert "StudentT(4, 0, 1)" in error["message"]


def test_every_model_that_cannot_be_solved_is_refused_at_once() -> None:
    spec = loads(
        "edges: [z -> d, 'z, d -> b']\neffect: d -> b\nsampling: {engine: exact}\n", file="spec.yaml"
    )
    with pytest.raises(DagregError) as caught:
        pipeline.fit(spec, DATA)
    assert {d.code for d in caught.value.diagnostics} == {"DR502"}
    assert len(caught.value.diagnostics) == 2  # adjusted and unadjusted


def test_the_plan_is_explained(tmp_path: Path) -> None:
    write(tmp_path, MIXED)
    done = run(tmp_path, "compile", "spec.yaml", "--explain-plan")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "build_adjusted" in lines
    assert "  d on z (binomial)" in lines
    assert "    engine:      metropolis, on 2 rows" in lines
    assert "    engine:      exact, on 3 rows" in lines
    assert any(line.startswith("    grouped:     applied: 60 rows have 2 different") for line in lines)


def test_the_optimiser_needs_data(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(GAUSSIAN)
    done = run(tmp_path, "compile", "spec.yaml", "--optimised")
    assert done.returncode == 1
    assert "DR432" in done.stderr


def test_the_optimised_program_stands_alone(tmp_path: Path) -> None:
    """It builds without dagreg: grouped tables by its own queries, sufficient statistics from its own
    numbers.
    """
    import duckdb

    write(tmp_path, MIXED)
    done = run(tmp_path, "compile", "spec.yaml", "--optimised", "-o", "program.py")
    assert done.returncode == 0, done.stderr
    assert "import dagreg" not in (tmp_path / "program.py").read_text()
    found = runpy.run_path(str(tmp_path / "program.py"))
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for name in ("build_chain_d", "build_chain_y"):
            query = found["QUERIES"].get(name)
            assert (query is None) == (name == "build_chain_y")
            model = found[name](duckdb.sql(query).fetchnumpy() if query else {})
            assert np.isfinite(model.compile_logp()(model.initial_point()))
    finally:
        os.chdir(here)


@pytest.mark.slow
def test_a_balanced_table_has_no_gradient_at_its_start_and_is_sampled() -> None:
    """Half of each half: the chains start at the very mode, which nutpie refuses."""
    x, y = np.array([0, 0, 1, 1] * 50), np.array([0, 1, 0, 1] * 50)
    text = "edges: [x -> y]\neffect: x -> y\nsampling: {engine: nuts, draws: 300, tune: 300, chains: 2}"
    result = pipeline.fit(loads(text, file="spec.yaml"), {"x": x, "y": y})
    assert abs(result.samples["build_adjusted"].values["beta_y_x"].mean()) < 0.2
