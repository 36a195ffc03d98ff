"""Shrinkage: each level's own estimate against closed forms and lme4's published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.doubts.pooling import MAX_LEVELS, own_coefficients, pooled_levels
from dagreg.spec.load import load
from tests.fitting import spec_of

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(11)
ONE = np.ones((40, 1))
X = RNG.normal(size=40)


def test_a_mean_alone_is_the_mean_of_what_the_others_leave():
    y, offset = RNG.normal(size=40), RNG.normal(size=40)
    (found,) = own_coefficients("identity", y, ONE, offset, np.ones(40))
    assert found == pytest.approx((y - offset).mean())


def test_slopes_alone_are_least_squares():
    y = 3 - 2 * X + RNG.normal(size=40)
    design = np.column_stack([ONE, X])
    found = own_coefficients("identity", y, design, np.zeros(40), np.ones(40))
    assert found == pytest.approx(np.linalg.lstsq(design, y, rcond=None)[0])


def test_log_odds_and_log_rates_alone_have_closed_forms():
    hits = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    (odds,) = own_coefficients("logit", hits, np.ones((5, 1)), np.zeros(5), np.ones(5))
    assert odds == pytest.approx(np.log(0.4 / 0.6))
    counts, exposure = np.array([3.0, 5.0]), np.array([1.0, 4.0])
    (rate,) = own_coefficients("log", counts, np.ones((2, 1)), np.log(exposure), np.ones(2))
    assert rate == pytest.approx(np.log(8 / 5))


def test_trials_are_weights():
    shares, trials = np.array([0.2, 0.5]), np.array([10.0, 30.0])
    (odds,) = own_coefficients("logit", shares, np.ones((2, 1)), np.zeros(2), trials)
    assert odds == pytest.approx(np.log(17 / 23))


@pytest.mark.parametrize("link", ["logit", "log"])
def test_what_lies_at_infinity_is_not_known(link):
    assert np.isnan(own_coefficients(link, np.zeros(5), np.ones((5, 1)), np.zeros(5), np.ones(5))).all()


def test_rows_that_do_not_determine_a_slope_give_none():
    design = np.column_stack([np.ones(3), np.full(3, 2.0)])
    assert np.isnan(own_coefficients("identity", np.arange(3.0), design, np.zeros(3), np.ones(3))).all()
    assert np.isnan(
        own_coefficients("identity", np.zeros(0), np.ones((0, 1)), np.zeros(0), np.zeros(0))
    ).all()


def test_of_many_levels_some_are_shown_the_extremes_among_them():
    draws = RNG.normal(size=(500, 100)) * 0.01 + np.arange(100)
    names = [f"l{i}" for i in range(100)]
    levels, omitted = pooled_levels(names, [5] * 100, np.full(100, np.nan), draws)
    assert (len(levels), omitted) == (MAX_LEVELS, 100 - MAX_LEVELS)
    assert (levels[0].name, levels[-1].name) == ("l0", "l99")
    assert [v.mean for v in levels] == sorted(v.mean for v in levels)


@pytest.mark.slow
def test_sleep_shrinks_as_in_lme4(tmp_path):
    """Bates et al. (2015): subject 335's slope is -2.88 by its own rows, -0.28 as lme4 pools it."""
    result = pipeline.fit(load(ROOT / "specs" / "sleep.yaml"))
    (effect,) = result.effects
    intercept, slope = effect.pooling
    assert (intercept.coefficient, slope.coefficient) == ("intercept", "days")
    (level,) = (v for v in slope.levels if v.name == "s335")
    assert level.alone == pytest.approx(-2.88, abs=0.01)
    assert level.mean == pytest.approx(-0.28, abs=0.6)
    assert level.count == 10
    assert all(abs(v.mean - slope.centre) < abs(v.alone - slope.centre) + 1 for v in slope.levels)
    names = [m.name for m in effect.mixing]
    assert len(names) == len(set(names))
    assert "cov_reaction_subject_corr[1, 1]" not in names
    result.save(tmp_path)
    assert (tmp_path / "pooling.svg").exists()
    assert "Shrinkage of pooled levels" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_rows_of_a_binary_response_shrink_towards_the_common_log_odds():
    groups = np.repeat([f"g{i}" for i in range(8)], [3, 3, 5, 10, 20, 40, 80, 160])
    truth = dict(zip(sorted(set(groups.tolist())), RNG.normal(0, 1, 8), strict=True))
    x = RNG.normal(size=len(groups))
    y = (RNG.random(len(groups)) < 1 / (1 + np.exp(-x - np.array([truth[g] for g in groups])))).astype(int)
    spec = spec_of(
        "nodes: {x: continuous, y: binary, site: group}\nedges: [site -> y, x -> y]\neffect: x -> y\n"
        "sampling: {draws: 300, tune: 300, chains: 2}"
    )
    (effect,) = pipeline.fit(spec, {"x": x, "y": y, "site": groups}).effects
    (pooling,) = effect.pooling
    assert pooling.scale.startswith("log odds of y")
    for level in pooling.levels:
        if np.isfinite(level.alone):
            assert abs(level.mean - pooling.centre) < abs(level.alone - pooling.centre) + 0.3
