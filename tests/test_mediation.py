"""The rows of a mediation question: those that identification judges identified; else a reason in their
place.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.effects.mediation import decomposed
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Plan
from tests.fitting import compiled, models_of, point, rows_of, spec_of

RNG = np.random.default_rng(5)
DATA = {name: RNG.normal(size=120) for name in ("x", "r", "m", "k", "y", "c")}
PRIORS = "regressions: {%s}\n"


def plan_of(edges: str) -> Plan:
    return compiled(f"edges: {edges}\neffect: {{exposure: x, outcome: y, kind: mediation}}\n", DATA).plans[0]


def left_out(plan: Plan) -> dict[str, str]:
    return {m.estimand: m.reason for m in plan.left_out if m.estimand}


def test_the_kite_has_no_path_effect_through_what_follows_the_witness() -> None:
    """Avin, Shpitser and Pearl 2005, figure 1: r is a recanting witness of the paths through m."""
    plan = plan_of("['x -> r, m, y', 'r -> m, y', m -> y]")
    (chain,) = (m for m in plan.models if m.estimator == "chain")
    assert chain.primary
    assert chain.estimand.natural
    assert [(c.mediator, c.first) for c in chain.estimand.through] == [("r", ("r",))]
    assert "(a recanting witness)" in left_out(plan)["path effect through `m`"]


def test_mediators_in_parallel_have_their_paths() -> None:
    plan = plan_of("['x -> m, k, y', 'm, k -> y']")
    assert [c.mediator for c in plan.models[0].estimand.through] == ["m", "k"]
    assert left_out(plan) == {}


@pytest.mark.parametrize("confounder", ["m <-> y", "u -> m, y"])
def test_a_confounded_mediator_leaves_the_total_effect_alone(confounder: str) -> None:
    nodes = (
        "nodes: {x: continuous, m: continuous, y: continuous, u: unobserved}\n" if "u" in confounder else ""
    )
    spec = (
        f"{nodes}edges: [x -> m -> y, x -> y, '{confounder}']\n"
        "effect: {exposure: x, outcome: y, kind: mediation}\n"
        "sampling: {engine: exact, draws: 50}\n"
    )
    effect = json.loads(pipeline.fit(spec_of(spec), DATA).report("json"))["effects"][0]
    assert {row["estimand"] for row in effect["estimates"]} == {"total effect"}
    assert [row["estimator"] for row in effect["estimates"] if row["primary"]] == ["adjusted"]
    reasons = {m["estimand"]: m["reason"] for m in effect["left_out"]}
    assert "(a recanting district)" in reasons["natural direct and indirect effect"]
    assert reasons["natural direct and indirect effect"] == effect["mediation"]["natural_direct"]["reason"]


def test_the_report_says_why_a_path_has_no_row() -> None:
    spec = (
        "edges: ['x -> r, m, y', 'r -> m, y', m -> y]\neffect: {exposure: x, outcome: y, kind: mediation}\n"
        "sampling: {engine: exact, draws: 50}\n"
    )
    fitted = pipeline.fit(spec_of(spec), DATA)
    rows = {(e.estimand, e.name) for e in fitted.effects[0].result.estimates if e.estimator == "chain"}  # type: ignore[union-attr]  # it is fitted
    assert rows == {
        ("total effect", "x -> y"),
        ("natural direct effect", "x -> y"),
        ("natural indirect effect", "x -> y"),
        ("path effect", "x -> r -> y"),
    }
    assert "Path effect through m: r lies both on the paths asked about" in " ".join(fitted.report().split())


def test_identified_parts_without_a_chain_say_what_is_missing() -> None:
    """The front door: the indirect effect is the total one, and no regression of the outcome on its causes
    gives it.
    """
    plan = plan_of("[x -> m -> y, 'x <-> y']")
    assert [m.estimator for m in plan.models if m.primary] == ["frontdoor"]
    assert "only the chain of regressions gives them" in left_out(plan)["natural direct and indirect effect"]


def test_nothing_lies_between() -> None:
    assert "is zero" in left_out(plan_of("[x -> y, 'c -> x, y']"))["natural indirect effect"]


def test_paths_that_join_before_a_mediator_count_for_it_together() -> None:
    """x -> r -> m and x -> m: all of r's paths go on through m, and the sums of products are known (Wright
    1921).
    """
    spec = (
        "edges: ['x -> r, m, k, y', r -> m, 'm, k -> y']\neffect: {exposure: x, outcome: y, kind: "
        "mediation}\n"
        "regressions: {r: {priors: {intercept: 'Normal(0, 5)'}}, m: {priors: {intercept: 'Normal(0, 5)'}}, "
        "k: {priors: {intercept: 'Normal(0, 5)'}}, y: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    model = models_of(spec, DATA)["chain"]
    coefficients = {"beta_r_x": 0.7, "beta_m_x": 0.2, "beta_m_r": 0.5, "beta_k_x": -0.4}
    coefficients |= {"beta_y_x": 0.3, "beta_y_m": 1.1, "beta_y_k": 0.6}
    noise = {f"{p}_{v}": 1.0 for p in ("alpha", "sigma") for v in "rmky"}
    parts = decomposed(
        model, point(model, **coefficients, **noise), rows_of(model, DATA), Contrast(("x",), None, None), 0
    )
    found = {(p.estimand, p.mediator): float(p.values[0]) for p in parts}
    assert found == {
        ("total effect", None): pytest.approx(0.3 + (0.2 + 0.35) * 1.1 - 0.24),
        ("natural direct effect", None): pytest.approx(0.3),
        ("natural indirect effect", None): pytest.approx((0.2 + 0.35) * 1.1 - 0.24),
        ("path effect", "r"): pytest.approx(0.35 * 1.1),
        ("path effect", "m"): pytest.approx((0.2 + 0.35) * 1.1),
        ("path effect", "k"): pytest.approx(-0.24),
    }


def test_the_answer_to_a_mediation_is_the_indirect_effect_and_its_share() -> None:
    """Against the products of least-squares coefficients: indirect a b, direct c, total c + a b."""
    rng = np.random.default_rng(4)
    n = 3000
    x = rng.normal(size=n)
    m = 0.8 * x + rng.normal(size=n)
    y = 0.5 * m + 0.6 * x + rng.normal(size=n)
    text = (
        "edges: ['x -> m, y', m -> y]\neffects:\n  - {exposure: x, outcome: y, kind: mediation}\n  - x -> m\n"
    )
    result = pipeline.fit(spec_of(text), {"x": x, "m": m, "y": y})
    one = np.ones(n)
    (a, _), (b, c, _) = (
        np.linalg.lstsq(np.column_stack(columns), response, rcond=None)[0]
        for columns, response in (([x, one], m), ([m, x, one], y))
    )
    found = [e for e in result.effects[0].result.estimates if e.estimator == "chain"]
    assert [e.estimand for e in found] == ["natural indirect effect", "natural direct effect", "total effect"]
    assert [e.primary for e in found] == [True, False, False]
    for e, expected in zip(found, (a * b, c, c + a * b), strict=True):
        assert e.summary.mean == pytest.approx(expected, abs=0.1 * e.summary.sd)
    share = found[0].share
    assert share is not None
    assert share.median == pytest.approx(a * b / (c + a * b), abs=0.003)
    assert share.interval[0] < share.median < share.interval[1]
    report = " ".join(result.report("text").split())
    shown = f"{share.median:.0%} of the total"
    assert f"That is {shown} effect" in report
    heads = [
        report.index(f"{word}, one unit more of x") for word in ("Natural indirect effect", "Total effect")
    ]
    assert report.index(shown) < heads[0] < heads[1]  # at a glance first, then the headline
    (first, _) = json.loads(result.report("json"))["effects"]
    assert first["estimates"][0]["share_of_total"]["median"] == share.median


def test_a_share_of_what_may_be_nothing_is_not_given() -> None:
    """Indirect and direct effect cancel: any ratio would be noise."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=400)
    m = x + rng.normal(size=400)
    data = {"x": x, "m": m, "y": m - x + rng.normal(size=400)}
    text = "edges: ['x -> m, y', m -> y]\neffect: {exposure: x, outcome: y, kind: mediation}\n"
    result = pipeline.fit(spec_of(text), data)
    head = result.effects[0].result.estimates[0]
    assert head.primary
    assert head.share is None
    assert "would mean nothing" in " ".join(result.report("text").split())


def test_where_the_parts_are_not_identified_the_report_says_that_it_gives_the_total() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=200)
    m = x + rng.normal(size=200)
    data = {"x": x, "m": m, "y": m + x + rng.normal(size=200)}
    text = "edges: ['x -> m, y', m -> y, m <-> y]\neffect: {exposure: x, outcome: y, kind: mediation}\n"
    assert "The part that goes through the mediators is not given." in pipeline.fit(
        spec_of(text), data
    ).report("text")
