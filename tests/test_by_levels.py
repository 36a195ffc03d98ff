"""Effects `by` levels: the interactions that they need, against separate regressions of each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

from dagreg import pipeline
from dagreg.effects.types import Estimate
from dagreg.errors import DagregError
from tests.fitting import models_of, spec_of

ROWS = 600


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    w, k, n = rng.choice(["a", "b", "c"], ROWS), rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
    x = rng.normal(3, 1, ROWS) + k
    m = 0.4 * x * (w == "a") + 0.7 * k * x + rng.normal(size=ROWS)
    eta = -1.5 + x * np.select([w == "a", w == "b"], [0.6, -0.2], 0.3)
    return {
        "w": w,
        "k": k,
        "n": n,
        "x": x,
        "m": m,
        "y": 1 + m * (1 + k) + 0.5 * x * (w == "c") - 0.3 * n * x + rng.normal(size=ROWS),
        "d": rng.binomial(1, special.expit(eta)),
        "site": rng.integers(0, 6, ROWS),
    }


DATA = _data()
WIDE = "priors: {slopes: 'Normal(0, 1e4)'}"


def spec(by: str, nodes: str, parents: str, more: str = "", outcome: str = "y") -> str:
    return (
        f"nodes: {{x: continuous, {nodes}, {outcome}: {'binary' if outcome == 'd' else 'continuous'}}}\n"
        f"edges: ['{parents} -> x', 'x, {parents} -> {outcome}']\n"
        f"effect: {{exposure: x, outcome: {outcome}, by: [{by}]}}\nregressions: "
        f"{{{outcome}: {{{more}{WIDE}}}}}\n"
    )


def fit(text: str) -> Any:
    (effect,) = pipeline.fit(spec_of(text), DATA).effects
    return effect.result


def adjusted(result: Any) -> list[Estimate]:
    return [e for e in result.estimates if e.estimator == "adjusted" and e.scale == "outcome"]


def rows_at(by: Mapping[str, Any]) -> np.ndarray:
    return np.all([DATA[name] == level for name, level in by.items()], axis=0)


def slope(y: np.ndarray, *columns: np.ndarray) -> float:
    """The first coefficient of least squares with an intercept."""
    return float(np.linalg.lstsq(np.column_stack([*columns, np.ones(len(y))]), y, rcond=None)[0][0])


def near(estimate: Estimate, expected: float) -> bool:
    return abs(estimate.summary.mean - expected) < 6 * estimate.summary.sd / 4000**0.5 + 1e-3 * abs(expected)


@pytest.mark.parametrize(
    ("by", "nodes", "count"),
    [("w", "w: categorical", 3), ("k", "k: binary", 2), ("w, k", "w: categorical, k: binary", 6)],
)
def test_each_level_has_the_effect_of_its_own_regression(by: str, nodes: str, count: int) -> None:
    """Nothing else is adjusted for, so the rows of a level alone give the same by least squares."""
    result = fit(spec(by, nodes, by))
    rows = [e for e in adjusted(result) if e.by]
    assert len(rows) == count
    for e in rows:
        here = rows_at(e.by)
        assert near(e, slope(DATA["y"][here], DATA["x"][here]))
    assert any(
        "Because the effect is asked for by" in note and "interactions: []" in note for note in result.notes
    )


def test_a_count_bends_the_effect_in_proportion() -> None:
    """`by` a count: one more slope, on its product with the exposure."""
    rows = adjusted(fit(spec("n", "n: count", "n")))
    x, n, y = DATA["x"], DATA["n"], DATA["y"]
    design = np.column_stack([x, n * x, n, np.ones(ROWS)])
    at_zero, more = np.linalg.lstsq(design, y, rcond=None)[0][:2]
    assert [e.by for e in rows] == [{}, {"n": 0}, {"n": 1}, {"n": 2}]
    for e in rows[1:]:
        assert near(e, at_zero + more * float(e.by["n"]))


def test_a_risk_difference_by_levels_is_that_of_each_levels_own_logistic_regression() -> None:
    for e in adjusted(fit(spec("w", "w: categorical", "w", outcome="d"))):
        if not e.by:
            continue
        here = rows_at(e.by)
        design = np.column_stack([np.ones(here.sum()), DATA["x"][here]])
        d = DATA["d"][here]
        found = optimize.minimize(
            lambda b, design=design, d=d: -(d * (design @ b) - np.logaddexp(0, design @ b)).sum(), np.zeros(2)
        ).x
        more = special.expit(design @ found + found[1]) - special.expit(design @ found)
        assert e.summary.mean == pytest.approx(more.mean(), abs=0.15 * e.summary.sd)  # the mean, not the mode


CHAIN = (
    "nodes: {x: continuous, w: categorical, k: binary, m: continuous, y: continuous}\n"
    "edges: ['w, k -> x', 'x, w, k -> m', 'm, w, k -> y']\n"
    f"effect: {{exposure: x, outcome: y, by: [k]}}\nregressions: {{y: {{{WIDE}}}, m: {{{WIDE}}}}}\n"
)


def test_the_chain_has_the_products_along_the_whole_path() -> None:
    """x -> m and m -> y are both given by k: the product of their slopes at each k, by least squares."""
    result = fit(CHAIN)
    dummies = [(DATA["w"] == level).astype(float) for level in "bc"]
    rows = [e for e in result.estimates if e.estimator == "chain" and e.by]
    assert [e.by for e in rows] == [{"k": 0}, {"k": 1}]
    k = DATA["k"]
    for e in rows:
        at = int(e.by["k"])
        first = _at(DATA["m"], DATA["x"], k, dummies, at)
        second = _at(DATA["y"], DATA["m"], k, dummies, at)
        assert abs(e.summary.mean - first * second) < 0.1 * e.summary.sd
    assert {n.split("the regression of ")[1][:3] for n in result.notes if "Because" in n} == {"`m`", "`y`"}


def _at(y: np.ndarray, x: np.ndarray, k: np.ndarray, others: Sequence[np.ndarray], level: int) -> float:
    here = np.column_stack([x, x * k, k, *others, np.ones(ROWS)])
    plain, more = np.linalg.lstsq(here, y, rcond=None)[0][:2]
    return float(plain + more * level)


def test_an_empty_list_leaves_the_interaction_out_and_the_report_says_what_that_means() -> None:
    result = fit(spec("w", "w: categorical", "w", "interactions: [], "))
    rows = adjusted(result)
    assert len({round(e.summary.mean, 12) for e in rows}) == 1
    (note,) = result.notes
    assert "`interactions: []`" in note
    assert "equal by construction" in note
    (curved,) = fit(spec("w", "w: categorical", "w", "interactions: [], ", outcome="d")).notes
    assert "on the scale of the link the effect is equal" in curved


def test_interactions_of_the_users_own_stand_as_they_are() -> None:
    """x:w and x:k without their product: the user's own idea of how the effect differs."""
    text = spec("w, k", "w: categorical, k: binary", "w, k", "interactions: ['x:w', 'k:x'], ")
    outcome = models_of(text, DATA)["adjusted"].outcome
    assert [t.name for t in outcome.terms if len(t.factors) > 1] == ["x:w", "k:x"]
    assert fit(text).notes == ()


def test_an_interaction_of_something_else_does_not_stand_in_for_it() -> None:
    text = spec("w", "w: categorical, k: binary", "w, k", "interactions: ['x:k'], ")
    outcome = models_of(text, DATA)["adjusted"].outcome
    assert [t.name for t in outcome.terms if len(t.factors) > 1] == ["x:k", "x:w"]


def test_other_effects_of_the_same_outcome_have_no_such_interaction() -> None:
    text = spec("w", "w: categorical", "w").replace("effect: ", "effects:\n  - ") + ""
    text = text.replace("\nregressions", "\n  - x -> y\nregressions")
    for effect, terms in ((0, ["x", "w", "x:w"]), (1, ["x", "w"])):
        assert [t.name for t in models_of(text, DATA, effect)["adjusted"].outcome.terms] == terms


def test_levels_of_a_group_get_slopes_that_vary() -> None:
    """A product with a group is a slope for each of its levels, partially pooled."""
    text = spec("site", "site: group", "site")
    (varying,) = models_of(text, DATA)["adjusted"].outcome.varying
    assert [d.name for d in varying.deviations] == ["intercept", "x"]
    (left,) = models_of(text.replace("{priors", "{interactions: [], priors"), DATA)[
        "adjusted"
    ].outcome.varying
    assert [d.name for d in left.deviations] == ["intercept"]


def test_the_direct_effect_by_a_mediator() -> None:
    """The mediator is held fixed, so the effect may be asked for at its levels."""
    text = (
        "nodes: {x: continuous, k: binary, y: continuous}\nedges: [x -> k, 'x, k -> y']\n"
        f"effect: {{exposure: x, outcome: y, kind: direct, by: [k]}}\nregressions: {{y: {{{WIDE}}}}}\n"
    )
    for e in adjusted(fit(text)):
        if e.by:
            here = rows_at(e.by)
            assert near(e, slope(DATA["y"][here], DATA["x"][here]))


def test_a_table_too_large_for_arrays_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from dagreg.binding import rows

    text = spec("w, k", "w: categorical, k: binary", "w, k")
    small = adjusted(fit(text))
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    for one, other in zip(small, adjusted(fit(text)), strict=True):
        assert one.summary.mean == pytest.approx(other.summary.mean, abs=0.1 * one.summary.sd)


def test_without_data_the_program_has_them_too() -> None:
    text = spec("w", "w: {type: categorical, levels: [a, b]}", "w")
    assert "beta_y_x_w" in pipeline.compile(spec_of(text)).source


CHOSEN = (
    "nodes: {x: binary, y: binary, s: {selected: true}, a: {}, b: binary}\n"
    "edges: [x -> y, 'a -> x, s', 'b -> s, y']\neffect: {exposure: x, outcome: y, by: [b]}\n"
)


def test_chosen_rows_tell_the_effect_at_each_level_and_not_its_average() -> None:
    """Rows chosen on a common consequence of a cause of x and of b: risk differences of .3 and .4 in all
    rows.
    """
    rng = np.random.default_rng(5)
    n = 40_000
    a, b = rng.normal(size=n), rng.integers(0, 2, n)
    x = rng.binomial(1, special.expit(1.5 * a))
    y = rng.binomial(1, 0.2 + 0.3 * x + 0.2 * b + 0.1 * x * b)
    kept = rng.random(n) < special.expit(2 * a + 3 * b - 2)
    data = {name: values[kept] for name, values in {"a": a, "b": b, "x": x, "y": y, "s": np.ones(n)}.items()}
    (effect,) = pipeline.fit(spec_of(CHOSEN), data).effects
    rows = [e for e in effect.result.estimates if e.primary]
    assert [e.by for e in rows] == [{"b": 0}, {"b": 1}]
    for e, truth in zip(rows, (0.3, 0.4), strict=True):
        assert abs(e.summary.mean - truth) < 3.5 * e.summary.sd
        assert e.summary.sd < 0.02
    assert not [
        e for e in effect.result.estimates if e.estimator == "adjusted" and not e.by and e.scale != "link"
    ]
    assert effect.answer.justification.conditional.alone


def test_the_average_over_chosen_rows_is_refused_with_the_way_out() -> None:
    answer = pipeline.explain(spec_of(CHOSEN.replace(", by: [b]", ""))).answers[0]
    assert "ask `by: [b]`" in answer.reason
    assert "independent of the outcome" in answer.reason


def test_no_curve_averages_over_levels_that_are_lost() -> None:
    text = CHOSEN.replace("x: binary", "x: continuous").replace("by: [b]", "by: [b], dose_response: 5")
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec_of(text))
    assert [d.code for d in caught.value.diagnostics] == ["DR429"]
