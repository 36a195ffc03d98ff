"""Questions that are refused: the code table's own examples, and where the message points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dagreg.errors import CODES, DagregError
from dagreg.graph import CausalGraph
from dagreg.identify import Query, identify
from dagreg.pipeline import explain
from dagreg.spec.load import loads
from dagreg.spec.types import Adjust

GRAPH_CODES = [code for code in sorted(CODES) if code.startswith("DR2")]


@pytest.mark.parametrize("code", [code for code in GRAPH_CODES if CODES[code].bad])
def test_the_bad_example_raises_its_code_alone_and_the_good_one_does_not(code: str) -> None:
    with pytest.raises(DagregError) as caught:
        explain(loads(CODES[code].bad, file="spec.yaml"))
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert explain(loads(CODES[code].good, file="spec.yaml")).answers


@pytest.mark.parametrize("code", GRAPH_CODES)
def test_every_code_shows_a_spec_that_is_right(code: str) -> None:
    assert CODES[code].good


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(("q",), "y"), "DR205"),
        (Query(("x",), "y", by=("q",)), "DR205"),
        (Query(("u",), "y"), "DR206"),
        (Query(("x",), "y", by=("u",)), "DR206"),
        (Query((), "y"), "DR207"),
        (Query(("y",), "y"), "DR207"),
        (Query(("x",), "y", by=("x",)), "DR207"),
        (Query(("x",), "y", adjust=Adjust(exactly=("x",))), "DR204"),
        (Query(("x",), "y", adjust=Adjust(include=("u",))), "DR204"),
        (Query(("x",), "y", adjust=Adjust(exclude=("q",))), "DR204"),
    ],
)
def test_a_question_that_does_not_fit_the_graph(query: Query, code: str) -> None:
    graph = CausalGraph.of(["x", "y", "u"], [("x", "y"), ("u", "y")], unobserved=["u"])
    with pytest.raises(DagregError) as caught:
        identify(graph, query)
    assert {d.code for d in caught.value.diagnostics} == {code}


def explained(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "dagreg.cli", "explain", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


SPEC = """edges:
  - x -> m -> y
  - z -> x
  - z -> w -> y
effect:
  exposure: x
  outcome: y
"""


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("  adjust: [m, z]", "DR202", "`m` lies on the causal path x -> m -> y"),
        ("  adjust: []", "DR202", "`x <- z -> w -> y` stays open"),
        ("  adjust: {exclude: [z, w]}", "DR203", "`x <- z -> w -> y` stays open"),
    ],
)
def test_the_message_points_at_the_line_of_the_spec(tmp_path: Path, line: str, code: str, says: str) -> None:
    found = explained(tmp_path / "spec.yaml", f"{SPEC}{line}\n")
    assert found.returncode == 1
    start, pointer, _, shown, carets = found.stderr.splitlines()
    assert start.startswith(f"error[{code}]: ")
    assert says in start
    assert pointer.endswith("spec.yaml:8:11")
    assert shown == f"8 | {line}"
    assert carets.strip("|^ ") == ""
    assert carets.count("^") == len(line) - len("  adjust: ")


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        ("  adjust: [z]", ["z"]),
        ("  adjust: [w, z]", ["w", "z"]),
        ("  adjust: {include: [z]}", ["w", "z"]),
        ("  adjust: {exclude: [w]}", ["z"]),
    ],
)
def test_include_and_exclude_are_honoured(line: str, chosen: list[str]) -> None:
    answer = explain(loads(f"{SPEC}{line}\n", file="spec.yaml")).answers[0]
    assert list(answer.justification.adjustment.chosen or ()) == chosen
