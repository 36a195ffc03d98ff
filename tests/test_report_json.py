"""The machine-readable answer: the fields that SPEC promises, and only numbers that JSON knows."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dagreg.report.json import report_json, study_json
from dagreg.report.render import render
from tests.report_cases import (
    CASES,
    EXPLAINED,
    REPORTS,
    coaching,
    nasty,
    unidentified,
    zero_by_graph,
    zero_without_a_set,
)

OF_EFFECT = {
    "exposure", "outcome", "kind", "causal_path", "identified", "strategy", "adjustment", "frontdoor",
    "instruments",
    "estimand", "not_identified", "nodes", "paths", "paths_truncated",
}  # fmt: skip
OF_ESTIMATE = {
    "name", "estimand", "estimator", "primary", "scale", "contrast", "by", "adjusted_for", "mean", "sd",
    "median",
    "interval", "level", "prob_positive", "ess_bulk", "r_hat",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_is_one_line_of_strict_json(case):
    text = render(CASES[case](), "json")
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize("case", EXPLAINED)
def test_explained_has_the_fields_of_the_spec(case):
    answer = study_json(EXPLAINED[case]())
    assert {"spec", "effects", "junctions", "implications"} <= answer.keys()
    for effect in answer["effects"]:
        assert effect.keys() >= OF_EFFECT
        assert effect["adjustment"].keys() >= {"valid", "chosen", "minimal", "optimal", "truncated"}
        assert "estimates" not in effect


@pytest.mark.parametrize("case", REPORTS)
def test_report_has_the_fields_of_the_spec(case):
    answer = report_json(REPORTS[case]())
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
    assert {"rows", "rows_used", "missing", "sha256"} <= answer["data"].keys()
    for effect in answer["effects"]:
        assert effect.keys() >= OF_EFFECT | {"estimates", "coefficients", "diagnostics", "tests"}
        for row in effect["estimates"]:
            assert row.keys() >= OF_ESTIMATE
        for row in effect["coefficients"]:
            assert row.keys() >= {"response", "term", "mean", "sd", "causal"}


def test_the_answer_is_stated_as_it_is():
    effect = report_json(coaching())["effects"][0]
    assert effect["adjustment"] == {
        "valid": True,
        "chosen": ["tenure"],
        "minimal": [["tenure"]],
        "optimal": ["tenure"],
        "truncated": False,
        "reason": "It is the smallest set that closes every path with an arrow into `coached`.",
        "minimum": None,
        "cheapest": None,
    }
    assert effect["not_identified"] is None
    assert effect["paths"][2]["closed_by"] == ["tenure"]
    assert effect["nodes"]["engagement"]["harmful"] is True
    assert [row["estimator"] for row in effect["estimates"] if row["primary"]] == ["adjusted", "adjusted"]
    assert effect["left_out"][0]["estimator"] == "frontdoor"
    assert effect["tests"][0] == {
        "x": "bonus", "y": "tenure", "given": ["retained"], "statistic": 0.71, "p": 0.4781,
        "p_adjusted": 0.9562,
        "rejected": False, "curved": False, "explained_by": [],
    }  # fmt: skip


def test_junctions_say_whether_they_are_shielded():
    assert study_json(coaching().study)["junctions"][2] == {
        "kind": "collider",
        "nodes": ["engagement", "retained", "tenure"],
        "shielded": False,
    }


def test_a_refusal_has_associations_and_no_estimates():
    effect = report_json(unidentified())["effects"][0]
    assert effect["identified"] is False
    assert effect["estimates"] == []
    assert effect["associations"][0]["estimator"] == "unadjusted"
    assert effect["estimand"] is None
    assert effect["adjustment"]["chosen"] is None
    assert effect["adjustment"]["minimal"] == []
    assert effect["not_identified"]["measure"] == [["u"]]
    assert effect["not_identified"]["hedge"] == {"outer": ["x", "y"], "inner": ["y"]}


def test_the_empty_set_is_not_the_absence_of_a_set():
    chosen = report_json(REPORTS["several"]())["effects"][1]["adjustment"]
    assert chosen["chosen"] == []
    assert chosen["minimal"] == [[]]
    assert chosen["valid"] is True


def test_zero_by_the_graph():
    assert report_json(zero_by_graph())["effects"][0]["causal_path"] is False
    without = report_json(zero_without_a_set())["effects"][0]
    assert (without["identified"], without["strategy"], without["estimates"]) == (True, None, [])
    assert without["diagnostics"] is None


def test_numbers_that_are_not_finite_become_null():
    effect = report_json(nasty())["effects"][0]
    assert effect["estimates"][1]["mean"] is None
    assert effect["diagnostics"]["max_r_hat"] is None
    assert effect["tests"][0]["statistic"] is None


def test_every_warning_is_at_the_top_once():
    assert [w["code"] for w in report_json(coaching())["warnings"]] == ["DR301"]


def test_importing_it_is_light():
    heavy = ("jinja2", "rich", "graphviz", "pygraphviz", "pymc", "numpy")
    code = f"import dagreg.report.json, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
