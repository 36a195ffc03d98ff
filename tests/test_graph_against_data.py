"""The graph against the data: the covariance beside smooth functions, its size and power, and what would
explain a rejection.

`benchmarks/doubts_graph.py` measures size and power with more repetitions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from benchmarks.doubts_graph import ALTERNATIVES, NULLS, flexible, partial
from dagreg.doubts.explanations import edge_of, explained
from dagreg.doubts.implication_covariance import FIRST_SHARE, going_together, ranks
from dagreg.doubts.implication_curves import MAX_COLUMNS, curves
from dagreg.doubts.implications import Probe, verdicts_on
from dagreg.doubts.types import ImplicationTest
from dagreg.doubts.within_groups import ColumnSpan
from dagreg.graph.causal import analyse
from dagreg.graph.implications import list_implications
from dagreg.sources.duck import open_frame
from tests.fitting import spec_of

# ---------------------------------------------------------------- the statistic


def _left(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]


def test_the_statistic_is_the_generalised_covariance_measure() -> None:
    """Shah and Peters (2020), (3): the mean of products of residuals over their standard deviation, by least
    squares on the same columns; rows of large leverage count as much as they would without it (HC2).
    """
    rng = np.random.default_rng(1)
    z = rng.normal(size=(400, 1))
    x, y = np.sin(2 * z) + rng.normal(size=(400, 1)), z**2 + rng.gamma(1, size=(400, 1))
    columns = np.hstack([np.ones((400, 1)), curves([z], 400)])
    room = 1 - np.diag(columns @ np.linalg.pinv(columns))
    products = (_left(columns, x) * _left(columns, y))[:, 0]
    form = products.sum() ** 2 / (products**2 / room).sum()
    left = 400 - columns.shape[1]
    found = going_together(ColumnSpan((), curves([z], 400)), x, y)
    assert found is not None
    assert found.statistic == pytest.approx(
        np.sign(products.sum()) * np.sqrt(form * (left - 1) / (left - form))
    )
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.statistic), left - 1))
    plain = np.sqrt(400) * products.mean() / products.std()  # the paper's own
    assert found.statistic == pytest.approx(plain, abs=0.1)


def test_sums_by_clusters_are_those_of_the_cluster_robust_covariance() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(50), 6)
    x, y = (rng.normal(size=50)[groups] + rng.normal(size=300) for _ in range(2))
    x, y = x - x.mean(), y - y.mean()
    sums = np.array([(x * y)[groups == g].sum() for g in range(50)]) / np.sqrt(1 - 1 / 300)
    form = (x * y).sum() ** 2 / (sums**2).sum()
    found = going_together(ColumnSpan((), np.empty((300, 0))), x[:, None], y[:, None], clusters=groups)
    assert found is not None
    assert found.statistic**2 == pytest.approx(form * 48 / (49 - form))


def test_both_parts_share_the_level() -> None:
    """x and x squared against y, without anything given: both F tests by themselves, the level divided."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=500), rng.normal(size=500)
    y += 0.3 * x**2
    found = going_together(ColumnSpan((), np.empty((500, 0))), x[:, None], y[:, None], x_bends=True)
    assert found is not None
    assert found.curved
    scores = np.column_stack([x, ranks(x) ** 2])
    scores -= scores.mean(axis=0)
    sums = scores.T @ (y - y.mean())
    whole = sums @ np.linalg.solve(scores.T @ scores * y.var() * 500 / 499, sums)
    first = sums[0] ** 2 / (scores[:, 0] @ scores[:, 0] * y.var() * 500 / 499)
    assert found.statistic == pytest.approx(whole - first)
    p = stats.f.sf(whole - first, 1, 499)
    assert found.p == pytest.approx(p / (1 - FIRST_SHARE), rel=0.01)  # p / share, to its square


def test_ranks_are_scipys() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 7.0, 3.0])
    np.testing.assert_allclose(ranks(values), 2 * (stats.rankdata(values) - 0.5) / 6 - 1)


@pytest.mark.parametrize("rows", [40, 100, 1_000, 10_000])
@pytest.mark.parametrize("nodes", [1, 2, 4, 12])
def test_columns_leave_rows_to_spare(rows: int, nodes: int) -> None:
    rng = np.random.default_rng(4)
    blocks = [rng.normal(size=(rows, 1)) for _ in range(nodes)]
    columns = curves(blocks, rows)
    assert columns.shape[1] <= max(nodes, min(MAX_COLUMNS, rows // 5))
    assert np.isfinite(columns).all()
    span = ColumnSpan((), columns)
    assert span.rank == columns.shape[1] + 1  # none of them in vain


# ---------------------------------------------------------------- size and power


def _rejections(world: Callable, test: Callable, rows: int, tables: int) -> int:
    return sum(test(*world(np.random.default_rng([seed, rows]), rows)) < 0.05 for seed in range(tables))


@pytest.mark.parametrize("name", NULLS)
def test_independence_is_rejected_one_time_in_twenty(name: str) -> None:
    for rows, tables in ((100, 60), (500, 60)):
        wrong = _rejections(NULLS[name], flexible, rows, tables)
        assert wrong <= stats.binom.ppf(0.9995, tables, 0.06), rows


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_dependence_is_found(name: str) -> None:
    """Also where a partial correlation sleeps."""
    found = _rejections(ALTERNATIVES[name].world, flexible, 1_000, 20)
    assert found >= 18
    if not ALTERNATIVES[name].straight:
        assert _rejections(ALTERNATIVES[name].world, partial, 1_000, 20) <= 8


# ---------------------------------------------------------------- what would explain a rejection


def _tests(text: str, rejected: Callable[[ImplicationTest], bool]) -> tuple[ImplicationTest, ...]:
    implied, _ = list_implications(analyse(spec_of(text)))
    tests = [ImplicationTest(i.x, i.y, i.given, 0.0, 0.5, 1.0, False) for i in implied]
    return tuple(
        ImplicationTest(t.x, t.y, t.given, 9.0, 1e-9, 1e-8, True) if rejected(t) else t for t in tests
    )


@pytest.mark.parametrize("missing", ["a -> d", "b <-> d", "a <-> c"])
def test_the_data_choose_among_edges_that_would_explain_as_much(missing: str) -> None:
    """a -> b -> c -> d without one edge: the first two take the same two independences from the graph."""
    rng = np.random.default_rng(5)
    u = rng.normal(size=2_000)
    data = {"a": rng.normal(size=2_000) + u * (missing == "a <-> c")}
    data["b"] = data["a"] + rng.normal(size=2_000) + u * (missing == "b <-> d")
    data["c"] = data["b"] + rng.normal(size=2_000) + u * (missing == "a <-> c")
    data["d"] = data["c"] + rng.normal(size=2_000) + u * (missing == "b <-> d")
    data["d"] += data["a"] * (missing == "a -> d")
    spec = spec_of("edges: [a -> b -> c -> d]\neffect: a -> d\n")
    graph = analyse(spec)
    claims = [(i.x, i.y, i.given) for i in list_implications(graph)[0]]
    probe = Probe.of(spec, open_frame(data), "abcd", 1)
    found = explained(verdicts_on(claims, probe).tests, graph, probe)
    assert any(t.rejected for t in found)
    assert all(missing in t.explained_by for t in found if t.rejected)


def test_an_explanation_takes_its_claim_from_the_graph() -> None:
    text = "edges: [z -> x, z -> y, x -> w, y -> w, w -> v]\neffect: x -> w\n"
    graph = analyse(spec_of(text))
    for test in explained(_tests(text, lambda t: True), graph):
        assert test.explained_by
        for words in test.explained_by:
            wider = edge_of(words, graph).added_to(graph)
            implied, _ = list_implications(wider)
            assert (test.x, test.y, test.given) not in [(i.x, i.y, i.given) for i in implied]


def test_a_large_graph_gets_the_edge_between_the_two() -> None:
    names = [f"n{i}" for i in range(60)]
    text = f"edges: [{' -> '.join(names)}]\neffect: n0 -> n59\n"
    tests = explained(_tests(text, lambda t: True)[:300], analyse(spec_of(text)))
    assert all(f"{t.x} -> {t.y}" in t.explained_by for t in tests)


# ---------------------------------------------------------------- rows of one group depend on each other


def test_rows_of_a_group_may_depend_on_each_other() -> None:
    """x and y vary between 40 sites, each by itself: by rows, one such table in four is rejected."""
    text = "nodes: {site: group, x: continuous, y: continuous, w: continuous}\nedges: ['site, x, y -> w']\n"
    spec = spec_of(text + "effect: x -> w\n")
    site, wrong, by_rows = np.repeat(np.arange(40), 8), 0, 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 6])
        x, y = (rng.normal(size=40)[site] + rng.normal(size=320) for _ in range(2))
        probe = Probe.of(spec, open_frame({"site": site, "x": x, "y": y, "w": x}), ("site", "x", "y"), 1)
        found = probe.asked(("x", "y", ()))
        assert not isinstance(found, str)
        wrong += found.p < 0.05
        by_rows += flexible([], x[:, None], y[:, None]) < 0.05
    assert wrong <= stats.binom.ppf(0.999, 60, 0.06)
    assert by_rows >= 9  # and not 3
