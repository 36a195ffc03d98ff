"""Equal rows as counts: a report says the same of a table of counts as of its units, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from dagreg import pipeline
from dagreg.binding.counted import are_cells
from dagreg.doubts.disagreement import _jackknife
from dagreg.doubts.prior_predictive import prior_check
from tests.fitting import estimate_of, models_of, spec_of
from tests.test_dispersion import _singles
from tests.test_within_groups import verdicts

Table = dict[str, Any]
COUNTS = "nodes: {a: categorical, b: binary, x: binary, y: {type: count, family: binomial, trials: n}}\n"
UNITS = "nodes: {a: categorical, b: binary, x: binary, y: binary}\n"
GRAPH = "edges: [a -> x, x -> b, 'a, b -> y']\neffect: x -> y\nsampling: {draws: 500}\n"


def _cells(seed: int, size: int = 60) -> Table:
    """The counts of all combinations of a, b and x that occur among so many units a cell, of the
    graph above.
    """
    rng = np.random.default_rng(seed)
    units = 12 * size
    a = rng.integers(0, 3, units)
    x = (rng.random(units) < 0.3 + 0.2 * a).astype(int)
    b = (rng.random(units) < expit(x - 0.5)).astype(int)
    y = rng.random(units) < expit(0.8 * a - b)
    cell = a * 4 + b * 2 + x
    there, n = np.unique(cell, return_counts=True)
    hits = np.bincount(cell, weights=y)[there].astype(int)
    return {"a": np.array(list("pqr"))[there // 4], "b": there // 2 % 2, "x": there % 2, "n": n, "y": hits}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_tests_of_the_graph_are_those_of_the_units(seed: int) -> None:
    data = _cells(seed)
    counts, units = verdicts(COUNTS + GRAPH, data), verdicts(UNITS + GRAPH, _singles(data))
    assert [(t.x, t.y, t.given) for t in counts.tests] == [("a", "b", ("x",)), ("x", "y", ("a", "b"))]
    for one, other in zip(counts.tests, units.tests, strict=True):
        assert (one.x, one.y, one.given, one.rejected) == (other.x, other.y, other.given, other.rejected)
        assert one.p == pytest.approx(other.p, rel=1e-6)
    assert counts.untested == units.untested


def test_clusters_are_no_cells() -> None:
    """A value of their own for each herd, or values that several share: the herds stay the rows."""
    assert are_cells([np.repeat(["a", "b"], 6), np.tile(np.arange(6), 2)])
    assert not are_cells([np.random.default_rng(0).normal(size=30), np.resize([0, 1], 30)])
    assert not are_cells([np.resize(["a", "b"], 30)])


def test_the_jackknife_leaves_out_units() -> None:
    """On the cells of a table the sd of chain less adjusted was that of leaving out whole cells."""
    data = _cells(3)
    sds = []
    for text, table in ((COUNTS, data), (UNITS, _singles(data))):
        models = models_of(text + GRAPH, table)
        gap, sd = _jackknife(models["adjusted"], models["chain"], table, 1)
        sds.append((float(gap[0]), float(sd[0])))
    assert sds[0][0] == pytest.approx(sds[1][0], abs=1e-6)
    assert sds[0][1] == pytest.approx(sds[1][1], rel=0.4)  # of 60 groups at random: 9 % each


def test_what_priors_say_of_the_mean_hangs_on_no_grouping() -> None:
    data = _cells(4)
    said = []
    for text, table in ((COUNTS, data), (UNITS, _singles(data))):
        model = models_of(text + GRAPH, table)["adjusted"]
        said.append(prior_check(model, [estimate_of(0.0, 0.1)], table, 1).sentence.rpartition("it is ")[2])
    assert said[0] == said[1] == f"{data['y'].sum() / data['n'].sum():.3g}."


@pytest.mark.slow
def test_a_report_on_counts_is_that_on_their_units() -> None:
    data = _cells(5)
    records = [
        pipeline.fit(spec_of(t + GRAPH), d).record for t, d in ((COUNTS, data), (UNITS, _singles(data)))
    ]
    counts, units = (r.effects[0] for r in records)
    assert counts.result is not None
    assert units.result is not None
    for one, other in zip(counts.result.estimates, units.result.estimates, strict=True):
        assert one.summary.mean == pytest.approx(other.summary.mean, abs=0.3 * other.summary.sd)
        assert one.summary.sd == pytest.approx(other.summary.sd, rel=0.2)
    own = {"DR524"}  # says in which case a row counts as its trials
    assert {d.code for d in counts.doubts} - own == {d.code for d in units.doubts}
    assert [d.code for d in records[0].doubts] == [d.code for d in records[1].doubts]
    assert [d.disagrees for d in counts.result.disagreements] == [
        d.disagrees for d in units.result.disagreements
    ]
