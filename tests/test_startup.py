"""`dagreg explain` starts fast: it loads nothing that only fitting or drawing needs."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"arviz", "duckdb", "jinja2", "networkx", "numpy", "pandas", "pymc", "pytensor", "scipy", "xarray"}

SPEC = """
nodes: {x: binary, y: binary, z: continuous, w: continuous, u: unobserved}
edges:
  - z -> x, y
  - x -> w -> y
  - u -> w, y
effect: x -> y
"""

RUN = """
import json, sys
sys.argv = ["dagreg", "explain", *sys.argv[1:]]
from dagreg.cli import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize("format", ["text", "json", "md"])
def test_explain_imports_nothing_heavy(tmp_path, format):
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = [sys.executable, "-c", RUN, "spec.yaml", "--format", format]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "z" in run.stdout
    loaded = set(json.loads(run.stderr.splitlines()[-1]))
    assert "yaml" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & HEAVY


UNUSED = {
    "dagreg.errors.codes",
    "dagreg.helping",
    "dagreg.messages",
    "pydantic",
    "rich",
    "shtab",
    "shutil",
    "typer",
}


@pytest.mark.parametrize("format", ["json", "md"])
def test_a_plain_call_loads_no_help_and_no_code_table(tmp_path, format):
    (tmp_path / "spec.yaml").write_text(SPEC)
    whole_names = RUN.replace('name.partition(".")[0]', "name")
    command = [sys.executable, "-c", whole_names, "spec.yaml", "--format", format]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    loaded = set(json.loads(run.stderr.splitlines()[-1]))
    assert "dagreg.errors" in loaded
    assert loaded.isdisjoint(UNUSED), loaded & UNUSED


def test_the_package_itself_costs_nothing():
    found = (
        "import sys, dagreg; print(sorted(n for n in sys.modules if n.startswith(('dagreg', 'yaml', "
        "'argparse'))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", found], capture_output=True, text=True, timeout=120, check=True
    )
    assert "dagreg.pipeline" not in run.stdout
    assert "yaml" not in run.stdout
    assert "argparse" not in run.stdout


def test_blas_has_one_thread_before_numpy_is_loaded() -> None:
    code = """
import os, sys
from dagreg import cli
cli.answer = lambda words: print("numpy" in sys.modules, os.environ["OPENBLAS_NUM_THREADS"]) or 0
cli.main()
"""
    for own, expected in ((None, "1"), ("3", "3")):
        environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
        environment |= {} if own is None else {"OPENBLAS_NUM_THREADS": own}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["False", expected]
