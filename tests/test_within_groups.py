"""Tests of the graph with labels of many levels: closed forms, permutations, calibration, and what may not
matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from dagreg.doubts.between_groups import group_doubts
from dagreg.doubts.fit import cell_doubts
from dagreg.doubts.implication_covariance import going_together
from dagreg.doubts.implications import Verdicts, put_to_data
from dagreg.doubts.types import ImplicationTest
from dagreg.doubts.within_groups import (
    ColumnSpan,
    combined,
    constant_within,
    crossed,
    of_means,
    scattered,
)
from dagreg.errors import CODES
from dagreg.pipeline import explain
from dagreg.sources.duck import open_frame
from tests.fitting import estimate_of, models_of, spec_of
from tests.test_check_groups import _draws

Table = dict[str, Any]
CONDITION = "nodes: {g: group, x: XTYPE, y: YTYPE}\nedges: ['g -> x, y']\neffect: g -> x\n"
AGAINST = "nodes: {g: group, y: YTYPE, w: continuous}\nedges: ['g, y -> w']\neffect: y -> w\n"


def verdicts(text: str, data: Table) -> Verdicts:
    spec = spec_of(text)
    return put_to_data(spec, open_frame(data), explain(spec).implications, 1)


def only(text: str, data: Table) -> ImplicationTest:
    (test,) = verdicts(text, data).tests
    return test


def _labels(codes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Names in no order."""
    names = np.random.default_rng(seed).permutation(10 * (int(codes.max()) + 1))
    return np.array([f"n{names[c]}" for c in codes])


def _dummies(*codes: np.ndarray) -> np.ndarray:
    return np.hstack([np.asarray(c[:, None] == np.unique(c), dtype=float) for c in codes])


def _response(kind: str, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if kind == "binary":
        return (rng.random(len(eta)) < expit(eta)).astype(int)
    if kind == "count":
        return rng.poisson(np.exp(0.3 + 0.5 * eta))
    if kind == "categorical":
        odds = np.exp(np.column_stack([0 * eta, eta, -eta / 2]))
        above = rng.random(len(eta))[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
        return np.array(["p", "q", "r"])[above.sum(axis=1)]
    return eta + rng.normal(size=len(eta))


# ---------------------------------------------------------------- closed forms and permutations


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_a_span_is_that_of_indicator_columns(labels: int) -> None:
    rng = np.random.default_rng(labels)
    codes = [rng.integers(0, levels, 60) for levels in (9, 6, 4)[:labels]]
    columns = rng.normal(size=(60, 2))
    design = np.hstack([np.ones((60, 1)), _dummies(*codes), columns])
    hat = design @ np.linalg.pinv(design)
    span = ColumnSpan(codes, columns)
    block = rng.normal(size=(60, 3)) + 1e6
    assert span.rank == np.linalg.matrix_rank(design)
    np.testing.assert_allclose(
        span.off(block), block - block.mean(axis=0) - hat @ (block - block.mean(axis=0)), atol=1e-8
    )
    np.testing.assert_allclose(span.leverage, np.diag(hat), atol=1e-10)


def test_a_number_given_a_group_is_its_covariance_within_levels() -> None:
    """The sum of products of deviations, with the variance of rows shuffled within levels. For `categorical`,
    which needs the columns, the covariance is by rows: near it.
    """
    rng = np.random.default_rng(2)
    g = rng.integers(0, 12, 150)
    own = rng.normal(size=12)[g]
    data = {"g": _labels(g), "x": own + rng.normal(size=150), "y": own + rng.normal(size=150)}
    data["y"] += 0.3 * data["x"]
    text = CONDITION.replace("XTYPE", "continuous").replace("YTYPE", "continuous")
    test, other = only(text, data), only(text.replace("group", "categorical"), data)
    total = variance = 0.0
    for i in range(12):
        x, y = (data[n][g == i] - data[n][g == i].mean() for n in "xy")
        total += float((x * y).sum())
        variance += float((x**2).sum() * (y**2).sum()) / (len(x) - 1)
    form, left = total**2 / variance, 150 - 12
    assert not test.curved
    assert test.statistic == pytest.approx(np.sign(total) * np.sqrt(form * (left - 1) / (left - form)))
    assert other.statistic == pytest.approx(test.statistic, abs=0.3)


def test_a_group_against_a_number_is_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(40), 3)
    data = {"g": _labels(g), "y": rng.normal(size=120), "w": rng.normal(size=120)}
    f, p = stats.f_oneway(*(data["y"][g == i] for i in range(40)))
    test = only(AGAINST.replace("YTYPE", "continuous"), data)
    assert (test.statistic, test.p) == pytest.approx((f, p))


def test_two_binaries_within_strata_are_mantel_and_haenszels() -> None:
    rng = np.random.default_rng(4)
    g = rng.integers(0, 15, 200)
    x, y = ((rng.random(200) < np.linspace(0.2, 0.8, 15)[g]).astype(int) for _ in range(2))
    test = only(
        CONDITION.replace("XTYPE", "binary").replace("YTYPE", "binary"), {"g": _labels(g), "x": x, "y": y}
    )
    gap = variance = 0.0
    for i in range(15):
        a, b = x[g == i], y[g == i]
        n, r, c = len(a), a.sum(), b.sum()
        gap += (a * b).sum() - r * c / n
        variance += r * (n - r) * c * (n - c) / (n * n * (n - 1))
    assert test.statistic**2 * 185 / (184 + test.statistic**2) == pytest.approx(gap**2 / variance)


def test_moments_given_the_margins_are_those_of_shuffled_rows() -> None:
    """A gamma distribution with the mean and variance of 4,000 shuffles gives the same p value, to their
    error.
    """
    rng = np.random.default_rng(5)
    a, b = rng.choice(12, 60, p=np.arange(1, 13) / 78), rng.choice(3, 60, p=[0.7, 0.2, 0.1])

    def chi_square(b: np.ndarray) -> float:
        table = _dummies(a).T @ _dummies(b)
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / 60
        return float(((table - expected) ** 2 / expected).sum())

    found = crossed(a, b, combined((), 60))
    assert found is not None
    assert found[0] == pytest.approx(chi_square(b))
    shuffled = np.array([chi_square(rng.permutation(b)) for _ in range(4_000)])
    mean, variance = shuffled.mean(), shuffled.var()
    assert found[1] == pytest.approx(
        stats.gamma.sf(found[0], mean**2 / variance, scale=variance / mean), abs=0.03
    )


def test_products_within_levels_vary_as_those_of_shuffled_rows() -> None:
    rng = np.random.default_rng(6)
    g = rng.integers(0, 10, 80)
    x, y = rng.normal(size=(80, 1)) ** 3, rng.gamma(1, size=(80, 2))
    span = ColumnSpan([g], np.empty((80, 0)))
    statistics = []
    for _ in range(3_000):
        order = np.lexsort((rng.random(80), g))
        back = np.empty(80, dtype=int)
        back[np.argsort(g, kind="stable")] = order
        found = going_together(span, x[back], y)
        assert found is not None
        statistics.append(2 * found.statistic)
    error = np.std(statistics) / np.sqrt(3_000)
    assert np.mean(statistics) == pytest.approx(2, abs=4 * error)  # the mean of a quadratic form in two sums


def test_tests_of_means_are_least_squares_on_the_groups() -> None:
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(30), 5)
    x, y, z = rng.normal(size=(30, 2))[g], rng.normal(size=(150, 1)), rng.normal(size=(150, 1))
    means = [np.array([v[g == i].mean(axis=0) for i in range(30)]) for v in (x, y, z)]
    null = np.hstack([np.ones((30, 1)), means[2]])
    squares = [np.linalg.lstsq(d, means[1], rcond=None)[1][0] for d in (null, np.hstack([null, means[0]]))]
    f = (squares[0] - squares[1]) / 2 / (squares[1] / 26)
    assert of_means(g, x, y, z, 10) == pytest.approx((f, stats.f.sf(f, 2, 26)))
    assert of_means(g, y, x, z, 10) == pytest.approx((f, stats.f.sf(f, 2, 26)))
    t = of_means(g, x[:, :1], y, np.empty((150, 0)), 10)
    r, p = stats.pearsonr(means[0][:, 0], means[1][:, 0])
    assert t == pytest.approx((r * np.sqrt(28 / (1 - r * r)), p))


def test_sums_of_residuals_of_equal_variance_are_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(8)
    g, y = rng.integers(0, 25, 120), rng.normal(size=120)
    found = scattered(g, y - y.mean(), np.full(120, 3.0), np.ones((120, 1)))
    assert found == pytest.approx(tuple(stats.f_oneway(*(y[g == i] for i in range(25)))))


# ---------------------------------------------------------------- calibration


def _layout(name: str, rng: np.random.Generator) -> np.ndarray:
    if name == "skewed":
        shares = 1 / np.arange(1, 21)
        return rng.choice(20, 200, p=shares / shares.sum())
    return {"few": rng.integers(0, 5, 200), "pairs": np.repeat(np.arange(100), 2)}[name]


def _conditional(kinds: tuple[str, str], layout: str, rng: np.random.Generator) -> tuple[str, Table]:
    g = _layout(layout, rng)
    own = rng.normal(size=int(g.max()) + 1)[g]
    text = CONDITION.replace("XTYPE", kinds[0]).replace("YTYPE", kinds[1])
    return text, {"g": _labels(g), **{n: _response(k, own, rng) for n, k in zip("xy", kinds, strict=True)}}


def _marginal(kind: str, layout: str, rng: np.random.Generator) -> tuple[str, Table]:
    g = _layout(layout, rng)
    y = _response(kind, np.zeros(200), rng)
    return AGAINST.replace("YTYPE", kind), {"g": _labels(g), "y": y, "w": rng.normal(size=200)}


CALIBRATED: dict[str, Callable[[str, np.random.Generator], tuple[str, Table]]] = {
    "numbers given a group": lambda layout, rng: _conditional(("continuous", "continuous"), layout, rng),
    "binaries given a group": lambda layout, rng: _conditional(("binary", "binary"), layout, rng),
    "levels given a group": lambda layout, rng: _conditional(("continuous", "categorical"), layout, rng),
    "counts given a group": lambda layout, rng: _conditional(("binary", "count"), layout, rng),
    "a group and a number": lambda layout, rng: _marginal("continuous", layout, rng),
    "a group and levels": lambda layout, rng: _marginal("categorical", layout, rng),
    "a group and counts": lambda layout, rng: _marginal("count", layout, rng),
}


@pytest.mark.parametrize("layout", ["few", "skewed", "pairs"])
@pytest.mark.parametrize("case", CALIBRATED)
def test_a_right_graph_is_rejected_one_time_in_twenty(case: str, layout: str) -> None:
    tables = 40
    wrong = sum(
        only(*CALIBRATED[case](layout, np.random.default_rng([seed, 9]))).rejected for seed in range(tables)
    )
    assert wrong <= stats.binom.ppf(0.999, tables, 0.05)


@pytest.mark.parametrize("kind", ["continuous", "binary", "categorical", "count"])
def test_a_missing_arrow_is_found(kind: str) -> None:
    """x -> y within 40 sites, and site -> y: both far beyond chance in 800 rows."""
    rng = np.random.default_rng(11)
    g = rng.integers(0, 40, 800)
    own = rng.normal(size=40)[g]
    x = own + rng.normal(size=800)
    inside = {"g": _labels(g), "x": x, "y": _response(kind, own + 0.7 * (x - own), rng)}
    assert only(CONDITION.replace("XTYPE", "continuous").replace("YTYPE", kind), inside).p < 1e-6
    across = {"g": _labels(g), "y": _response(kind, own, rng), "w": rng.normal(size=800)}
    assert only(AGAINST.replace("YTYPE", kind), across).p < 1e-6


# ---------------------------------------------------------------- what may not matter


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["continuous", "binary", "categorical", "count"]),
    st.sampled_from(["continuous", "binary", "categorical"]),
    st.booleans(),
    st.integers(0, 1_000),
)
def test_names_of_levels_the_order_of_rows_and_units_change_no_verdict(
    y_kind: str, x_kind: str, pooled: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 9, 120)
    own = rng.normal(size=9)[g]
    z = rng.normal(size=120)
    x, y = _response(x_kind, own + z, rng), _response(y_kind, own - z, rng)
    kind = "{type: categorical, pool: true}" if pooled else "group"
    text = (
        f"nodes: {{g: {kind}, z: continuous, x: {x_kind}, y: {y_kind}, w: continuous}}\n"
        "edges: ['g, z -> x, y', 'x, y -> w']\neffect: g -> x\n"
    )
    data = {"g": _labels(g, 1), "z": z, "x": x, "y": y, "w": rng.normal(size=120)}
    order = rng.permutation(120)
    other = {n: v[order] for n, v in (data | {"g": _labels(g, 2), "z": 1e9 + 3e3 * z}).items()}
    first, second = verdicts(text, data), verdicts(text, other)
    assert [(t.x, t.y, t.given) for t in first.tests] == [(t.x, t.y, t.given) for t in second.tests]
    assert len(first.tests) > 2
    np.testing.assert_allclose([t.p for t in first.tests], [t.p for t in second.tests], rtol=1e-4, atol=1e-9)


def test_a_large_mean_is_no_lack_of_variation() -> None:
    rng = np.random.default_rng(12)
    data = {n: rng.normal(size=80) for n in "abc"}
    text = "edges: [a -> c, b -> c]\neffect: a -> c\n"
    near, far = only(text, data), only(text, {n: 1.7e9 + v for n, v in data.items()})
    assert far.p == pytest.approx(near.p, rel=1e-4)


def test_many_levels_take_no_time() -> None:
    rng = np.random.default_rng(13)
    g, h = rng.integers(0, 800, 30_000), rng.integers(0, 700, 30_000)
    data = {"g": g, "h": h, "x": rng.normal(size=30_000), "y": (rng.random(30_000) < 0.4).astype(int)}
    text = "nodes: {g: group, h: group, x: continuous, y: binary}\nedges: ['g, h -> x, y']\neffect: g -> x\n"
    start = time.process_time()
    tests = verdicts(text, data).tests
    assert {(t.x, t.y) for t in tests} == {("g", "h"), ("x", "y")}
    assert not any(t.rejected for t in tests)
    assert time.process_time() - start < 30


# ---------------------------------------------------------------- fixed within groups

TRIAL = "nodes: {site: group, x: binary, y: continuous}\nedges: [EDGES]\neffect: x -> y\n"
APART, CAUSE = TRIAL.replace("EDGES", "'site, x -> y'"), TRIAL.replace("EDGES", "'site -> x, y', x -> y")


def _trial(seed: int, sites: int = 24, each: int = 20) -> Table:
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(sites), each)
    x = rng.permutation(sites) % 2
    return {
        "site": _labels(site),
        "x": x[site],
        "y": 0.5 * x[site] + rng.normal(size=sites)[site] + rng.normal(size=len(site)),
    }


def test_constant_within_is_beyond_chance() -> None:
    g = np.repeat(np.arange(20), 5)
    fixed = (np.arange(20) % 2)[g][:, None].astype(float)
    assert constant_within(fixed, g)
    assert not constant_within(np.eye(100)[:, :1], g)  # one row differs from its site's others
    assert not constant_within(np.random.default_rng(0).integers(0, 2, (100, 1)).astype(float), g)
    alone = np.arange(100)
    assert not constant_within(fixed, alone)  # each row a level of its own


def test_where_whole_sites_were_randomised_nothing_is_asked_of_single_ones() -> None:
    """The number stands (least squares on the sites' means); neither warning nor advice points
    within sites.
    """
    data = _trial(1)
    result = verdicts(APART, data)
    assert result.tests == ()
    assert "`x` is the same in all rows of a `site`" in result.untested[0]
    model = models_of(APART, data)["adjusted"]
    assert group_doubts(model, _draws(model, 0.5, 0.3), data) == ()
    assert cell_doubts(model, [estimate_of(0.5, 0.3)], data) == ()


def test_a_site_said_to_cause_what_it_was_given_as_a_whole_is_named() -> None:
    data = _trial(2)
    model = models_of(CAUSE, data)["adjusted"]
    (doubt,) = group_doubts(model, _draws(model, 0.5, 0.3), data)
    assert doubt.code == "DR535"
    assert doubt.code in CODES
    assert "no arrow site -> x" in doubt.message
    assert "categorical" not in doubt.message
    assert cell_doubts(model, [estimate_of(0.5, 0.3)], data) == ()


def test_what_was_given_to_whole_sites_is_tested_by_sites() -> None:
    """By rows, half of such right graphs were rejected: x and w both vary between sites."""
    text = TRIAL.replace("x: binary", "x: binary, w: continuous").replace("EDGES", "'site -> w, y', x -> y")
    wrong = 0
    for seed in range(40):
        data = _trial(seed)
        rng = np.random.default_rng([seed, 1])
        own = dict(zip(np.unique(data["site"]), rng.normal(size=24), strict=True))
        data["w"] = np.array([own[s] for s in data["site"]]) + rng.normal(size=480)
        found = [t for t in verdicts(text, data).tests if {t.x, t.y} == {"x", "w"}]
        assert len(found) == 1
        wrong += found[0].p < 0.05
    assert wrong <= stats.binom.ppf(0.999, 40, 0.05)
