"""The tests of implied independences: calibrated where the graph is right, rejecting where an edge is
missing.

DAGREG_TRUST=2000 simulates that many tables.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from scipy import stats

from dagreg.doubts.implication_covariance import FIRST_SHARE
from dagreg.doubts.implications import Verdicts, holm, implication_doubts, put_to_data
from dagreg.doubts.types import ImplicationTest
from dagreg.errors import CODES
from dagreg.graph import analyse
from dagreg.pipeline import explain, fit
from dagreg.sources.duck import open_frame
from dagreg.spec.load import loads
from dagreg.spec.types import Spec

TABLES = min(int(os.environ.get("DAGREG_TRUST", "300")), 3000) // 8

MIXED = """
nodes:
  z: continuous
  b: binary
  c: count
  k: {type: categorical, levels: [p, q, r]}
  y: continuous
  d: binary
edges: [z -> b, z -> c, b -> k, c -> y, k -> y, b -> d, y -> d]
effect: z -> y
"""


def spec_of(text: str) -> Spec:
    return loads(text, file="spec.yaml")


def mixed(seed: int, rows: int = 400, extra: float = 0.0) -> dict[str, np.ndarray]:
    """Rows of the graph of `MIXED`; `extra` is an arrow z -> y that it lacks."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=rows)
    b = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(int)
    c = rng.poisson(np.exp(0.3 + 0.4 * z))
    odds = np.exp(np.column_stack([np.zeros(rows), 0.5 * b, -0.7 * b]))
    k = (rng.random(rows)[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    y = 0.5 * c + np.array([0, 1, -1])[k] + extra * z + rng.normal(size=rows)
    d = (rng.random(rows) < 1 / (1 + np.exp(0.5 - 0.4 * y - b))).astype(int)
    return {"z": z, "b": b, "c": c, "k": np.array(["p", "q", "r"])[k], "y": y, "d": d}


def verdicts(spec: Spec, data: dict[str, np.ndarray]) -> Verdicts:
    return put_to_data(spec, open_frame(data), explain(spec).implications, 1)


def test_a_right_graph_is_rejected_one_time_in_twenty() -> None:
    """Over all tests of a table together; each row of the table of families occurs."""
    spec = spec_of(MIXED)
    results = [verdicts(spec, mixed(seed)) for seed in range(TABLES)]
    assert all(len(r.tests) == 8 and r.untested == () for r in results)
    wrong = sum(any(t.rejected for t in r.tests) for r in results)
    assert wrong <= stats.binom.ppf(0.999, TABLES, 0.05)
    for i in range(8):
        assert stats.kstest([r.tests[i].p for r in results], "uniform").pvalue > 1e-4


def test_a_missing_arrow_is_found() -> None:
    spec = spec_of(MIXED)
    found = [t for t in verdicts(spec, mixed(0, extra=0.5)).tests if t.rejected]
    assert ("z", "y") in [(t.x, t.y) for t in found]
    spared, (own,) = implication_doubts(found, analyse(spec), explain(spec).answers)
    doubts = (*spared, *own)
    assert {d.code for d in doubts} == {"DR534"}
    assert "DR534" in CODES
    said = " ".join(d.message for d in doubts)
    assert re.search(r"`z` and `y`( are independent)? given `c` and `k`.*\(p [=<] ", said)


@pytest.mark.parametrize(
    ("pair", "says"),
    [(("a", "b"), "the answer does not rest on this"), (("z", "y"), "would no longer be enough")],
)
def test_a_rejection_says_whether_the_answer_rests_on_it(pair: tuple[str, str], says: str) -> None:
    """Two covariates may be tied; the instrument z and the outcome may not, with nothing but a and b adjusted
    for.
    """
    spec = spec_of("edges: ['a, b -> x, y', z -> x, x -> y]\neffect: x -> y\n")
    test = ImplicationTest(*pair, (), 9.0, 1e-9, 1e-8, True)
    spared, (own,) = implication_doubts([test], analyse(spec), explain(spec).answers)
    (doubt,) = (*spared, *own)
    assert says in doubt.message
    assert (spared == ()) == ("no longer" in says)
    assert f"add `{pair[0]} -> {pair[1]}`" in doubt.remedy


def test_two_numbers_without_a_set_are_tested_by_their_correlation() -> None:
    rng = np.random.default_rng(3)
    data = {n: rng.normal(size=200) for n in "abc"}
    data["b"] += 0.3 * data["a"]
    (test,) = verdicts(spec_of("edges: [a -> c, b -> c]\neffect: a -> c\n"), data).tests
    r, p = stats.pearsonr(data["a"], data["b"])
    assert not test.curved
    assert test.statistic == pytest.approx(r * np.sqrt(198 / (1 - r**2)))
    level = FIRST_SHARE * p / FIRST_SHARE, (1 - FIRST_SHARE) * p / FIRST_SHARE
    assert test.p == pytest.approx(1 - (1 - level[0]) * (1 - level[1]))  # either part as small as this


def test_two_binary_variables_without_a_set_give_the_chi_square_of_their_table() -> None:
    table = np.array([[30, 20], [15, 35]])
    a, b = (np.repeat(v.ravel(), table.ravel()) for v in np.indices((2, 2)))
    (test,) = verdicts(
        spec_of("edges: [a -> c, b -> c]\neffect: a -> c\n"), {"a": a, "b": b, "c": a + b}
    ).tests
    pearson = stats.chi2_contingency(table, correction=False)[0] * 99 / 100
    assert test.statistic == pytest.approx(np.sqrt(pearson * 98 / (99 - pearson)))
    assert test.p == pytest.approx(2 * stats.t.sf(test.statistic, 98))


def test_overdispersed_counts_do_not_reject() -> None:
    """A negative binomial is four times as variable as a Poisson: the dispersion takes that up."""
    spec = spec_of(
        "nodes: {a: continuous, b: count, c: continuous}\nedges: [a -> c, b -> c]\neffect: a -> c\n"
    )
    wrong = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = {
            "a": rng.normal(size=300),
            "b": rng.negative_binomial(1, 0.25, size=300),
            "c": rng.normal(size=300),
        }
        wrong += verdicts(spec, data).tests[0].rejected
    assert wrong <= 6


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: {k: v for k, v in d.items() if k != "a"}, "No column `a`"),
        (lambda d: {**d, "a": np.ones(100)}, "single value"),
        (lambda d: {**d, "a": np.where(np.arange(100) < 95, np.nan, d["a"])}, "only 5 rows have all values"),
        (lambda d: {**d, "a": d["c"] * 2}, "`a` does not vary once the others are given"),
    ],
)
def test_what_cannot_be_tested_is_left_out_with_a_sentence(change, reason: str) -> None:
    rng = np.random.default_rng(5)
    c = rng.normal(size=100)
    data = change({"a": c + rng.normal(size=100), "b": c + rng.normal(size=100), "c": c})
    result = verdicts(spec_of("edges: [c -> a, c -> b]\neffect: c -> b\n"), data)
    assert result.tests == ()
    assert reason in " ".join(result.untested)


def test_missing_values_are_dropped_per_test() -> None:
    rng = np.random.default_rng(6)
    data = {n: rng.normal(size=60) for n in "abcd"}
    data["a"][:30] = np.nan
    spec = spec_of("edges: [a -> d, b -> d, c -> d]\neffect: b -> d\n")
    by_pair = {(t.x, t.y): t for t in verdicts(spec, data).tests}
    r = np.corrcoef(data["b"], data["c"])[0, 1]
    assert by_pair["b", "c"].statistic == pytest.approx(r * np.sqrt(58 / (1 - r**2)))
    r = np.corrcoef(data["a"][30:], data["b"][30:])[0, 1]
    assert by_pair["a", "b"].statistic == pytest.approx(r * np.sqrt(28 / (1 - r**2)))


def test_a_selection_without_a_column_is_held_fixed() -> None:
    rng = np.random.default_rng(7)
    data = {n: rng.normal(size=60) for n in ("a", "b", "y")}
    text = "nodes: {a: continuous, b: continuous, y: continuous, s: {type: binary, selected: true}}\n"
    result = verdicts(spec_of(text + "edges: [a -> y, b -> y, a -> s]\neffect: a -> y\n"), data)
    assert [(t.x, t.y, t.given) for t in result.tests] == [("a", "b", ("s",))]
    assert result.untested == ()


def test_many_rows_are_sampled_alike_each_time() -> None:
    rng = np.random.default_rng(8)
    data = {n: rng.normal(size=120_000) for n in "abc"}
    spec = spec_of("edges: [a -> c, b -> c]\neffect: a -> c\n")
    first, second = verdicts(spec, data).tests, verdicts(spec, data).tests
    assert first == second
    assert isinstance(first[0], ImplicationTest)


@pytest.mark.slow
def test_the_report_holds_the_tests_and_the_doubt() -> None:
    rng = np.random.default_rng(9)
    z = rng.normal(size=200)
    data = {
        "z": z,
        "x": z + rng.normal(size=200),
        "y": z + rng.normal(size=200),
        "w": z + rng.normal(size=200),
    }
    text = "edges: [x -> y, x -> w]\neffect: x -> y\nsampling: {draws: 100, tune: 200, chains: 2}\n"
    record = fit(spec_of(text), data).record
    assert [(t.x, t.y, t.rejected) for t in record.tests] == [("y", "w", True)]
    assert record.effects[0].tests == record.tests
    assert [d.code for d in record.doubts] == ["DR534"]


def test_rejections_on_which_no_answer_rests_share_one_warning() -> None:
    spec = loads("edges:\n  - a, b, c -> x, y\n  - x -> y\neffect: x -> y\n")
    tests = [
        ImplicationTest(x, y, (), 9.0, 1e-20, 3e-20, True) for x, y in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    (doubt,), own = implication_doubts(tests, analyse(spec), explain(spec).answers)
    assert own == ((),)
    assert "reject 3 of the 3 independences" in doubt.message
    assert "`a` and `b` (p < 1e-16)" in doubt.message
