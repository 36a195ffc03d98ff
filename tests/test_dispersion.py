"""More variation than the family allows: where it is said, where it is not, and what may not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from dagreg.doubts.dispersion import _chi_square, _Rows, beside_outcome, dispersion_doubts, rows_beside
from dagreg.graph.causal import analyse
from dagreg.pipeline import fit
from dagreg.spec.load import load
from tests.fitting import models_of, spec_of
from tests.test_check import _at_mode

Table = dict[str, Any]
COUNT = "nodes: {x: XTYPE, m: MTYPE, y: {type: count, family: binomial, trials: n}}\n"
SINGLE = "nodes: {x: XTYPE, m: MTYPE, y: binary}\n"
EDGES = "edges: [x -> m, 'x, m -> y']\neffect: x -> y\n"


def says(text: str, data: Table) -> list[str]:
    """The codes for the total effect of the spec, with all that it observes in view."""
    spec = spec_of(text)
    model = models_of(text, data)["adjusted"]
    names = beside_outcome(spec, analyse(spec), "y")
    table = {c: np.ma.asarray(v) for c, v in data.items()}
    found = dispersion_doubts(
        model, _at_mode(model.outcome, model, data), data, rows_beside(spec, model, names, table)
    )
    return [d.code for d in found]


def _typed(text: str, x: str, m: str) -> str:
    return text.replace("XTYPE", x).replace("MTYPE", m) + EDGES


def _singles(data: Table) -> Table:
    """A row for each unit."""
    n, y = np.asarray(data["n"]), np.asarray(data["y"])
    every = {c: np.repeat(v, n) for c, v in data.items() if c not in ("n", "y")}
    return every | {"y": np.concatenate([np.arange(k) < h for k, h in zip(n, y, strict=True)]).astype(int)}


@pytest.mark.slow
def test_the_counts_of_a_table_are_no_overdispersion() -> None:
    """Berkeley's total effect: departments differ, and its interval is right to the bootstrap of the
    applicants.
    """
    report = fit(load("specs/berkeley.yaml")).record
    assert "DR521" not in [d.code for effect in report.effects for d in effect.doubts]


@pytest.mark.parametrize("poisson", [False, True])
def test_mean_and_variance_are_those_of_the_sums_shared_out_anew(poisson: bool) -> None:
    """By 20,000 draws with the sums fixed; the means are exact, so are the variances."""
    rng = np.random.default_rng(1)
    units = np.array([3.0, 1.0, 12.0, 7.0, 1.0])
    hits, draws = 9, 20_000
    if poisson:
        drawn = rng.multinomial(hits, units / units.sum(), draws)
    else:
        drawn = rng.multivariate_hypergeometric(units.astype(int), hits, draws)
    one, places = np.ones(5 * draws), np.repeat(np.arange(draws), 5)
    rows = _Rows(drawn.ravel().astype(float), np.tile(units, draws), one, 0 * one)
    statistic, mean, variance = _chi_square(rows, places, poisson=poisson)
    assert mean[0] == pytest.approx(4)
    assert statistic.mean() == pytest.approx(4, abs=4 * statistic.std() / draws**0.5)
    fourth = ((statistic - 4) ** 4).mean() - variance[0] ** 2
    assert statistic.var() == pytest.approx(variance[0], abs=4 * (fourth / draws) ** 0.5)


def _herds(seed: int, alike: float, kind: str) -> Table:
    rng = np.random.default_rng(seed)
    n = rng.integers(10, 30, 60)
    x = rng.permutation(60) % 2 if kind == "binary" else rng.normal(size=60)
    p = expit(-0.5 + 0.7 * x)
    if alike > 0:
        p = rng.beta((1 / alike - 1) * p, (1 / alike - 1) * (1 - p))
    return {"x": x, "m": np.resize(["a", "b", "c"], 60), "n": n, "y": rng.binomial(n, p)}


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_herds_whose_animals_are_alike_are_found(kind: str) -> None:
    """An intraclass correlation of .2 makes sums of 20 animals 4.8 times as variable; without it nothing is
    said.
    """
    text = _typed(COUNT, kind, "categorical")
    assert [says(text, _herds(seed, 0.2, kind)) for seed in range(10)] == [["DR521"]] * 10
    assert sum(says(text, _herds(seed, 0.0, kind)) != [] for seed in range(30)) <= stats.binom.ppf(
        0.999, 30, 0.01
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["categorical", "continuous"]), st.floats(0, 4), st.booleans())
def test_grouping_equal_rows_changes_no_warning(seed: int, kind: str, gap: float, alike: bool) -> None:
    """Cells that differ by a mediator outside of the regression, as single rows and as counts, in
    any order.
    """
    rng = np.random.default_rng(seed)
    x = np.repeat([0, 1], 30)
    m = np.tile(np.arange(30), 2)
    n = rng.integers(1, 60, 60)
    own = rng.normal(0, 1.0 if alike else 0.0, 60)
    y = rng.binomial(n, expit(gap * (m / 30 - 0.5) + 0.3 * x + own))
    values = m if kind == "continuous" else np.array([f"d{i:02}" for i in m])
    data = {"x": x, "m": values, "n": n, "y": y}
    counts = says(_typed(COUNT, "binary", kind), data)
    assert says(_typed(SINGLE, "binary", kind), _singles(data)) == counts
    order = rng.permutation(60)
    assert says(_typed(COUNT, "binary", kind), {c: v[order] for c, v in data.items()}) == counts
    if kind == "continuous":
        assert says(_typed(COUNT, "binary", kind), data | {"m": 1e6 + 0.01 * m}) == counts
    else:
        assert counts == []  # a table of counts
        names = rng.permutation(30)
        assert (
            says(_typed(COUNT, "binary", kind), data | {"m": np.array([f"e{names[i]}" for i in m])}) == counts
        )


def test_rare_counts_are_not_said_to_vary_too_much() -> None:
    """Pearson's statistic of counts with mean .02 has a variance of 52 a row, not of 2."""
    text = "nodes: {x: binary, y: count}\nedges: [x -> y]\neffect: x -> y\n"
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 2, 300)
        model = models_of(text, data := {"x": x, "y": rng.poisson(0.02 + 0.01 * x)})["adjusted"]
        wrong += dispersion_doubts(model, _at_mode(model.outcome, model, data), data) != ()
    assert wrong <= stats.binom.ppf(0.999, 60, 0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 365.0]))
def test_grouping_equal_poisson_rows_and_units_of_exposure_change_no_warning(seed: int, unit: float) -> None:
    text = "nodes: {x: categorical, m: categorical, y: {type: count, offset: e}}\n" + EDGES
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(12), 30)
    e = rng.uniform(0.1, 3, 360)
    y = rng.poisson(e * np.exp(0.2 * (cell % 4)))
    data = {
        "x": np.array(list("abc"))[cell // 4],
        "m": np.array(list("pqrs"))[cell % 4],
        "e": unit * e,
        "y": y,
    }
    first = np.arange(12) * 30
    grouped = {c: data[c][first] for c in ("x", "m")}
    grouped |= {c: np.bincount(cell, weights=data[c]) for c in ("e", "y")}
    grouped["y"] = grouped["y"].astype(int)
    assert says(text, grouped) == []
    assert says(text, data) in ([], ["DR521"] if _chance(y, e, cell) else [])


def _chance(y: np.ndarray, e: np.ndarray, cell: np.ndarray) -> bool:
    """Whether these Poisson counts vary by chance as seldom in a hundred tables."""
    rate = (np.bincount(cell, weights=y) / np.bincount(cell, weights=e))[cell]
    return bool(stats.chi2.sf(((y - e * rate) ** 2 / (e * rate)).sum(), len(y) - 12) < 0.02)
