"""The record of doubts: strongest first, each with the estimate that it touches and with what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

import dagreg.doubts
from dagreg import pipeline
from dagreg.doubts.strength import STRENGTH, strength, strongest_first
from dagreg.errors import CODES, Doubt
from dagreg.report.json import report_json
from dagreg.report.render import render
from tests.fitting import spec_of


def made_doubts() -> list[tuple[str, str, set[str]]]:
    """Every call of `Doubt(...)` under doubts/: its file, its code and the keywords given."""
    found = []
    for file in Path(dagreg.doubts.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Doubt":
                code = node.args[0]
                assert isinstance(code, ast.Constant)
                assert isinstance(code.value, str)
                found.append((file.name, code.value, {k.arg for k in node.keywords if k.arg}))
    return found


def test_every_doubt_has_a_place_in_the_order_and_a_remedy() -> None:
    found = made_doubts()
    assert len(found) > 15
    assert [(f, c) for f, c, _ in found if strength(Doubt(c, "")) == len(STRENGTH)] == []
    assert [(f, c) for f, c, given in found if "remedy" not in given] == []
    assert all(c in CODES for _, c, _ in found)
    assert len(set(STRENGTH)) == len(STRENGTH)


def test_the_strongest_comes_first_and_each_once() -> None:
    weak, strong = Doubt("DR517", "digits"), Doubt("DR534", "rejected", about="both")
    assert [(d.code, d.about) for d in strongest_first([weak, strong, weak], "the answer")] == [
        ("DR534", "both"),
        ("DR517", "the answer"),
    ]


def test_the_record_of_a_fit() -> None:
    """y depends on z, which the graph denies; and column x lies so far off that its last digits are lost."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=300)
    x = z + rng.normal(size=300)
    data = {"z": z, "x": x + 1e13, "y": x + 2 * z + rng.normal(size=300)}
    result = pipeline.fit(spec_of("edges: [z -> x -> y]\neffect: x -> y\nsampling: {draws: 200}\n"), data)
    answer = report_json(result.record)
    (effect,) = answer["effects"]
    assert [d["code"] for d in effect["doubts"]] == ["DR534", "DR517"]
    assert all(set(d) == {"code", "about", "message", "remedy"} for d in effect["doubts"])
    assert {d["about"] for d in effect["doubts"]} == {"total effect x -> y, adjusted"}
    assert "`z -> y` or `z <-> y` to `edges:`" in effect["doubts"][0]["remedy"]
    assert {"DR534", "DR517"} <= {w["code"] for w in answer["warnings"]}
    text = render(result.record, "md")
    assert text.index("What to do: If you believe the data") < text.index(
        "What to do: Subtract a round number"
    )
