"""The tutorial's wrong models: each is refused, or doubted by name, or it is said why no data can tell.

A wrong `adjust:` is refused. A wrong graph that implies an independence is doubted where the data reject it.
A wrong graph that implies none fits any data; then the claim that is wrong is named among those that the
answer rests on, as one that no data of these variables can tell.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagreg import pipeline
from dagreg.errors import DagregError
from dagreg.report.json import report_json
from dagreg.report.render import render
from dagreg.result import Result

DATA = Path(__file__).parent.parent / "specs" / "data"
SAMPLING = "sampling: {draws: 200, chains: 2}\n"


def fitted(tmp_path: Path, data: str, edges: str, effect: str = "x -> y") -> Result:
    spec = tmp_path / "wrong.yaml"
    spec.write_text(f"data: {data}.csv\nedges: [{edges}]\neffect: {effect}\n{SAMPLING}")
    return pipeline.fit(spec, DATA / f"{data}.csv", allow_outside=True)


@pytest.mark.parametrize(
    ("data", "edges", "effect", "says"),
    [
        ("collider", "'x, y -> z'", "{exposure: x, outcome: y, adjust: [z]}", "`x -> z <- y` is open"),
        ("fork", "'z -> x, y', x -> y", "{exposure: x, outcome: y, adjust: []}", "`x <- z -> y` stays open"),
        (
            "pipe",
            "x1 -> x2 -> y1",
            "{exposure: x1, outcome: y1, adjust: [x2]}",
            "`x2` lies on the causal path x1 -> x2 -> y1",
        ),
        (
            "combined",
            "x1 -> x2 -> y, x1 -> y, 'x1, y -> z'",
            "{exposure: x1, outcome: y, adjust: [z]}",
            "`z` is a consequence of the outcome",
        ),
        (
            "combined",
            "x1 -> x2 -> y, x1 -> y, 'x1, y -> z'",
            "{exposure: x1, outcome: y, adjust: {include: [x2]}}",
            "`x2` lies on the causal path",
        ),
    ],
    ids=["collider in", "fork out", "mediator in", "collider of both in", "mediator of both in"],
)
def test_a_wrong_set_is_refused_by_name(
    tmp_path: Path, data: str, edges: str, effect: str, says: str
) -> None:
    with pytest.raises(DagregError) as caught:
        fitted(tmp_path, data, edges, effect)
    (found,) = caught.value.diagnostics
    assert found.code in ("DR202", "DR203")
    assert says in found.message


@pytest.mark.parametrize(
    ("data", "edges", "effect", "pair"),
    [
        ("collider", "'z -> x, y'", "x -> y", ("x", "y")),
        ("fork", "z -> x -> y", "x -> y", ("z", "y")),
        ("fork", "'x, z -> y'", "x -> y", ("x", "z")),
        ("pipe", "'x1, x2 -> y1'", "x1 -> y1", ("x1", "x2")),
        ("combined", "x1 -> x2 -> y, x1 -> z, z -> y", "x1 -> y", ("x2", "z")),
    ],
    ids=[
        "collider as common cause",
        "fork without z -> y",
        "fork without z -> x",
        "mediator as second cause",
        "collider as mediator",
    ],
)
def test_a_wrong_graph_that_claims_something_is_doubted_by_name(
    tmp_path: Path, data: str, edges: str, effect: str, pair: tuple[str, str]
) -> None:
    """First of the effect's doubts, with what to add; a warning where the effect does not rest on it."""
    answer = report_json(fitted(tmp_path, data, edges, effect).record)
    said = [*answer["effects"][0]["doubts"], *answer["warnings"]]
    assert said[0]["code"] == "DR534"
    mends = [d.get("remedy") or d["message"] for d in said if d["code"] == "DR534"]
    edges_named = [f"`{a} {mark} {b}`" for a, b in (pair, pair[::-1]) for mark in ("->", "<->")]
    assert any(edge in mend for mend in mends for edge in edges_named)


@pytest.mark.parametrize(
    ("data", "edges", "effect", "wrong"),
    [
        ("collider", "z -> x -> y, z -> y", "x -> y", "`z` acts on `x`, not `x` on `z`"),
        ("pipe", "'x2 -> x1, y1', x1 -> y1", "x1 -> y1", "`x2` acts on `x1`, not `x1` on `x2`"),
    ],
    ids=["collider as common cause", "mediator as common cause"],
)
def test_a_wrong_graph_that_claims_nothing_fits_any_data_and_its_claim_is_named(
    tmp_path: Path, data: str, edges: str, effect: str, wrong: str
) -> None:
    """Every two nodes are joined, so the graph implies nothing; the right graph fits as well, no better."""
    result = fitted(tmp_path, data, edges, effect)
    answer = report_json(result.record)
    assert answer["implications"] == []
    named = [r for r in answer["effects"][0]["rests_on"] if r["claim"] == wrong]
    assert [(r["changes"], r["testable"]) for r in named] == [("set", False)]
    assert f"{wrong}. Otherwise another set has to be adjusted for. No data of these variables can tell." in (
        render(result.record, "md")
    )


def test_a_common_cause_that_the_graph_does_not_name_is_named_from_the_data(tmp_path: Path) -> None:
    """x and y alone cannot tell: the line fits. But the table has a column z, and its name is said."""
    result = fitted(tmp_path, "fork", "x -> y")
    answer = report_json(result.record)
    first = answer["effects"][0]["rests_on"][0]
    assert (first["absent"], first["changes"], first["testable"]) == ("x <-> y", "verdict", False)
    assert answer["data"]["unnamed"] == ["z"]
    text = render(result.record, "md")
    assert "The data have a column that the graph does not name: `z`. If one of them acts on both" in text
