"""Distinct rows with their counts give what all rows give: effects, refits, doubts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.binding.counted import Counted
from dagreg.binding.rows import Rows
from dagreg.doubts import disagreement
from dagreg.doubts.dispersion import dispersion_doubts
from dagreg.doubts.fit import cell_doubts
from dagreg.doubts.influence import prior_doubts
from dagreg.doubts.point import as_draws, coefficients, design
from dagreg.effects.estimate import estimates
from dagreg.engines.draws import Draws
from dagreg.model.plan import Model
from dagreg.sources.moments import GROUPS
from tests.fitting import spec_of, table_of

ROWS = 4_000
TYPES = (
    "nodes: {g: {type: categorical}, x: binary, m: binary, y: binary, c: count, s: {type: count, family: "
    "binomial, "
)
TYPES += "trials: n}}\n"
CASES = {
    "logistic chain": "edges: ['g -> x, m, y', x -> m, 'x, m -> y']\neffect: x -> y",
    "cells": "edges: ['g -> x, y', x -> y]\neffect: x -> y",
    "overdispersed counts": "edges: ['g -> x, c', x -> c]\neffect: x -> c",
    "trials": "edges: ['g -> x, s', x -> m -> s]\neffect: x -> s",
    "priors that decide": "edges: ['g -> x, y', x -> y]\neffect: x -> y\n"
    "regressions: {y: {priors: {slopes: 'Normal(0, 0.05)'}}}",
    "by group": "edges: ['g -> x, y', x -> y]\neffect: {exposure: x, outcome: y, by: [g]}",
    "the treated": "edges: ['g -> x, y', x -> y]\neffect: {exposure: x, outcome: y, among: treated}",
}


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    g = rng.integers(0, 3, ROWS)
    x = (rng.random(ROWS) < 0.3 + 0.15 * g).astype(int)
    m = (rng.random(ROWS) < 0.2 + 0.4 * x).astype(int)
    n = rng.integers(1, 4, ROWS)
    y = (rng.random(ROWS) < 0.1 + 0.2 * x * (g > 0) + 0.3 * m + 0.1 * g).astype(int)
    c = rng.poisson(np.exp(0.2 * x) * rng.gamma(1, 2, ROWS))
    s = rng.binomial(n, 0.2 + 0.3 * x + 0.1 * m)
    return {"g": np.array(["a", "b", "c"])[g], "x": x, "m": m, "y": y, "c": c, "n": n, "s": s}


DATA = _data()


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[Model, ...], Rows, Counted]:
    spec = spec_of(TYPES + CASES[request.param])
    table = table_of(spec, DATA)
    models = pipeline.compile(spec, DATA).plans[0].models
    with monkeypatch.context() as patch:
        patch.setattr(rows, "COUNTED_FROM", 10)
        counted = table.rows.counted(models)
    assert counted is not None
    assert len(counted.counts) < ROWS / 10
    return models, table.rows, counted


def _draws(model: Model, data: Any) -> Draws:
    found: dict[str, np.ndarray] = {}
    for equation in model.equations:
        found |= as_draws(equation, *coefficients(equation, design(model, equation, data)))
    rng = np.random.default_rng(1)
    return Draws(
        {n: v + 0.05 * rng.normal(size=(2, 20, *v.shape[1:])) for n, v in found.items()}, "exact", 0, 0.0
    )


def test_every_row_is_counted_once(case: tuple[tuple[Model, ...], Rows, Counted]) -> None:
    _, table, counted = case
    assert counted.counts.sum() == ROWS
    np.testing.assert_array_equal(counted.parts.sum(axis=1), counted.counts)
    assert counted.parts.shape[1] == GROUPS
    sizes = counted.parts.sum(axis=0)
    assert sizes.max() - sizes.min() <= 1
    for row in range(len(counted.counts)):
        same = np.all([np.asarray(table[c]) == v[row] for c, v in counted.items()], axis=0)
        assert same.sum() == counted.counts[row]


def test_the_answers_are_those_of_the_rows(case: tuple[tuple[Model, ...], Rows, Counted]) -> None:
    models, table, counted = case
    for model in models:
        draws = _draws(model, table)
        for name, values in _draws(model, counted).values.items():
            np.testing.assert_allclose(values, draws.values[name], rtol=1e-7, atol=1e-9)
        slow, fast = (estimates(model, draws, data, 1) for data in (table, counted))
        for a, b in zip(slow, fast, strict=True):
            assert b.summary.mean == pytest.approx(a.summary.mean, rel=1e-9, abs=1e-12)
            assert b.summary.sd == pytest.approx(a.summary.sd, rel=1e-9, abs=1e-12)


def test_the_doubts_are_those_of_the_rows(case: tuple[tuple[Model, ...], Rows, Counted]) -> None:
    model, table, counted = case[0][0], case[1], case[2]
    draws = _draws(model, table)
    found = estimates(model, draws, table, 1)
    assert dispersion_doubts(model, draws, counted) == dispersion_doubts(model, draws, table)
    assert cell_doubts(model, found, counted) == cell_doubts(model, found, table)
    assert prior_doubts(model, found, counted, 1) == prior_doubts(model, found, table, 1)


def test_doubts_are_raised_at_all() -> None:
    """Otherwise the test above would compare nothing with nothing."""
    said = set()
    for text in CASES.values():
        spec = spec_of(TYPES + text)
        table = table_of(spec, DATA).rows
        model = pipeline.compile(spec, DATA).plans[0].models[0]
        draws = _draws(model, table)
        found = estimates(model, draws, table, 1)
        every = (*dispersion_doubts(model, draws, table), *cell_doubts(model, found, table))
        said |= {d.code for d in (*every, *prior_doubts(model, found, table, 1))}
    assert {"DR511", "DR521", "DR523"} <= said


def test_refits_without_a_group_are_those_of_the_rows(case: tuple[tuple[Model, ...], Rows, Counted]) -> None:
    """The groups differ (by number here, at random there), so the sd agrees within a jackknife's
    own error.
    """
    by_name = {m.estimator: m for m in case[0]}
    if "chain" not in by_name:
        return
    pair = by_name["adjusted"], by_name["chain"]
    slow, fast = (disagreement._jackknife(*pair, data, 1) for data in case[1:])
    np.testing.assert_allclose(fast[0], slow[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fast[1], slow[1], rtol=0.5)


def test_rows_that_do_not_repeat_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = DATA | {"z": np.random.default_rng(2).normal(size=ROWS)}
    spec = spec_of("edges: [z -> x, 'z, x -> y']\neffect: x -> y")
    table = table_of(spec, data)
    monkeypatch.setattr(rows, "COUNTED_FROM", 10)
    assert table.rows.counted(pipeline.compile(spec, data).plans[0].models) is None
