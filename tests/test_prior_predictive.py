"""What the priors said before the data: figures against closed forms, and the two doubts."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from dagreg import pipeline
from dagreg.doubts.prior_predictive import CENTRAL, PriorCheck, prior_check
from dagreg.errors import CODES
from tests.fitting import models_of, spec_of
from tests.optimising import DATA

TO_Y = "nodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"


def given(*priors: str) -> str:
    return TO_Y + "regressions:\n  y:\n    priors:\n" + "".join(f"      {p}\n" for p in priors)


def checked(text: str, data: Any = DATA) -> PriorCheck:
    model = next(iter(models_of(text, data).values()))
    return prior_check(model, [], data, 1)


def figures(found: PriorCheck) -> tuple[float, float]:
    words = re.search(r"between (\S+) and (\S+) with", found.sentence)
    assert words is not None
    return float(words[1]), float(words[2])


def test_the_interval_of_the_mean_is_the_closed_form() -> None:
    """With a Normal intercept and slope the mean of y is Normal, its variance 100 + 4 mean(x)^2 +
    noise / n.
    """
    found = checked(given("intercept: Normal(5, 10)", "x: Normal(0, 2)", "sigma: Uniform(1, 1.0001)"))
    sd = (100 + 4 * DATA["x"].mean() ** 2 + 1 / len(DATA["x"])) ** 0.5
    low, high = figures(found)
    assert low == pytest.approx(5 - 1.881 * sd, abs=0.2 * sd)
    assert high == pytest.approx(5 + 1.881 * sd, abs=0.2 * sd)
    assert "of which some are yours" in found.sentence
    assert f"it is {DATA['y'].mean():.3g}" in found.sentence
    assert found.doubts == ()


def test_priors_in_other_units_rule_out_the_mean() -> None:
    tight = given("intercept: Normal(0, 0.01)", "x: Normal(0, 0.001)", "sigma: Exponential(0.2)")
    (doubt,) = checked(tight, DATA | {"y": DATA["y"] + 1000}).doubts
    assert doubt.code == "DR515"
    assert "place the mean of y between -" in doubt.message
    assert f"with probability {CENTRAL:.1%}; in the data it is 1e+03" in doubt.message


def test_a_noise_too_small_rules_out_the_sd() -> None:
    (doubt,) = checked(
        given("intercept: Normal(0, 10)", "x: Normal(0, 0.01)", "sigma: HalfNormal(0.01)")
    ).doubts
    assert "place the sd of y between" in doubt.message


def test_defaults_are_not_blamed() -> None:
    found = checked(TO_Y, DATA | {"y": DATA["y"] * 1e6 + 1e9})
    assert found.doubts == ()
    assert "the default priors place the mean of y" in found.sentence


@pytest.mark.parametrize("prior", ["intercept: Flat()", "x: Flat()", "sigma: HalfFlat()"])
def test_of_flat_priors_nothing_is_said(prior: str) -> None:
    assert checked(given(prior)) == PriorCheck((), "")


MODELS = {
    "gamma": "edges: [x -> pos]\neffect: x -> pos\nregressions: {pos: {family: gamma}}\n",
    "student": "edges: [x -> y]\neffect: x -> y\nregressions: {y: {family: student_t}}\n",
    "bernoulli": "edges: ['x, g -> b', g -> x]\neffect: x -> b\n",
    "binomial": "nodes: {z: binary, s: {type: count, family: binomial, trials: n}}\nedges: [z -> s]\neffect: "
                "z -> s\n",
    "beta-binomial": "nodes: {z: binary, s: {type: count, family: beta_binomial, trials: n}}\n"
    "edges: [z -> s]\neffect: z -> s\n",
    "poisson with an offset": "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: "
                              "x -> c\n",
    "zero-inflated": "edges: [z -> c]\neffect: z -> c\nregressions: {c: {family: zero_inflated_poisson}}\n",
    "groups": "nodes: {x: continuous, g: {type: group, slopes: [x]}, y: continuous}\n"
    "edges: ['x, g -> y', g -> x]\neffect: x -> y\n",
    "cells": "edges: ['z, g -> b', g -> z]\neffect: z -> b\nregressions: {b: {cells: [z, g]}}\n",
    "index": "edges: ['z, g -> y', g -> z]\neffect: z -> y\nregressions: {y: {coding: index}}\n",
    "curve": "edges: [x -> y]\neffect: x -> y\nregressions: {y: {curves: {x: spline(3)}}}\n",
    "known errors": "nodes: {x: continuous, y: {type: continuous, error: e}}\nedges: [x -> y]\neffect: x -> "
                    "y\n",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_default_priors_cover_the_data_in_every_model(name: str) -> None:
    found = checked(MODELS[name])
    low, high = figures(found)
    assert low < high
    assert found.doubts == ()


def test_a_mediators_priors_are_checked_too() -> None:
    text = (
        "edges: [x -> m -> y]\neffect: x -> y\nregressions:\n  m:\n    priors:\n      intercept: Normal(500, "
        "0.1)\n"
    )
    model = models_of(text, DATA)["chain"]
    assert [d.code for d in prior_check(model, [], DATA, 1).doubts] == ["DR515"]


def test_an_answer_that_is_the_priors() -> None:
    result = pipeline.fit(spec_of(given("intercept: Normal(3, 10)", "x: Normal(0, 0.001)")), DATA)
    (doubt,) = [d for d in result.effects[0].doubts if d.code == "DR516"]
    assert "The data hardly move the effect (one unit more of x)" in doubt.message
    assert "under the priors alone" in doubt.message
    wide = pipeline.fit(spec_of(given("intercept: Normal(3, 10)", "x: Normal(0, 10)")), DATA)
    assert not [d for d in wide.effects[0].doubts if d.code in ("DR515", "DR516")]


def test_the_report_has_the_sentence() -> None:
    result = pipeline.fit(spec_of(TO_Y), DATA)
    assert "Before the data, the default priors place the mean of y between" in " ".join(
        result.report().split()
    )
    assert result.effects[0].result.prior_predictive.startswith("Before the data")


def test_it_costs_little() -> None:
    """Measured at 10 ms on an idle core; the bound leaves room for a busy one."""
    model = next(iter(models_of(TO_Y, DATA).values()))
    took = []
    for _ in range(5):
        started = time.perf_counter()
        prior_check(model, [], DATA, 1)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05


def test_the_codes_are_documented() -> None:
    assert {"DR515", "DR516"} <= set(CODES)
