"""`dagreg explain` starts fast: it loads nothing that only fitting or drawing needs."""

import json
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


ANY = """
nodes: {x: binary, y: binary, u: unobserved}
edges: ['x -> y', 'u -> x, y']
effect: x -> y
"""
CALLS = (
    "explain good.yaml",
    "explain good.yaml --format json",
    "explain --format md good.yaml",
    "explain good.yaml --format html",
    "explain good.yaml lost.yaml --format json",
    "explain lost.yaml",
    "explain bad.yaml --format json",
    "explain good.yaml bad.yaml",
    "explain absent.yaml",
    "explain --format=json good.yaml",
    "explain good.yaml --format",
    "explain good.yaml --format xml",
    "explain good.yaml --format json --format text",
    "explain good.yaml --node z",
    "explain -- good.yaml",
    "explain",
    "explain --help",
    "check good.yaml --format json",
    "fit good.yaml",
    "fit good.yaml --fresh --format json -o out",
    "fit bad.yaml --output out --format json",
    "fit lost.yaml -o out",
    "fit good.yaml -o",
    "fit good.yaml -o out --output out",
    "fit good.yaml bad.yaml",
    "fit absent.yaml",
    "fit --fresh",
    "fit good.yaml --engine exact",
    "explain good.yaml --fresh",
    "",
)


@pytest.mark.parametrize("call", CALLS)
def test_the_entry_point_answers_as_the_command_line(tmp_path, call):
    """The same output, messages and exit code with and without the parser of options."""
    for name, text in (("good", SPEC), ("lost", ANY), ("bad", SPEC + "efect: x -> y\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    found = []
    for module in ("entry", "cli"):
        run = f"import sys; sys.argv = ['dagreg', *{call.split()}]; from dagreg.{module} import main; main()"
        done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        found.append((done.stdout, done.stderr, done.returncode))
    assert found[0] == found[1]


@pytest.mark.parametrize("format", ["json", "md"])
def test_a_plain_call_loads_no_parser_of_options(tmp_path, format):
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = [sys.executable, "-c", RUN.replace("dagreg.cli", "dagreg.entry"), "spec.yaml", "--format", format]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stderr.splitlines()[-1])).isdisjoint({"typer", "rich", "pydantic"})


def test_the_package_itself_costs_nothing():
    found = "import sys, dagreg; print(sorted(n for n in sys.modules if n.startswith(('dagreg', 'yaml', 'typer'))))"
    run = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, timeout=120, check=True)
    assert "dagreg.pipeline" not in run.stdout
    assert "yaml" not in run.stdout
