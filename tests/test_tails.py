"""Estimates whose posterior may have no mean: how often the check cries wolf, and how often it sleeps."""

from __future__ import annotations

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.doubts.tails import has_long_tails
from dagreg.effects.summary import summarise
from dagreg.spec.load import loads

REPEATS = 200
ORDINARY = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "Student t, 4 degrees": lambda rng, shape: rng.standard_t(4, size=shape),
    "lognormal, sd 1": lambda rng, shape: np.exp(rng.normal(size=shape)),
    "beta near 0": lambda rng, shape: rng.beta(0.2, 20, size=shape),
}
ENDLESS = {
    "Cauchy": lambda rng, shape: rng.standard_cauchy(size=shape),
    "exp of a half-Cauchy squared": lambda rng, shape: np.exp(
        np.minimum(np.abs(rng.standard_cauchy(size=shape)) ** 2 / 2, 300)
    ),
    "ratio of Normals, the lower 2 sds from 0": lambda rng, shape: (
        rng.normal(1, 1, size=shape) / rng.normal(2, 1, size=shape)
    ),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_it_does_not_cry_wolf(name: str) -> None:
    """Never in 200 posteriors of 4,000 draws that have a mean and an sd."""
    rng = np.random.default_rng(1)
    draws = (ORDINARY[name](rng, (4, 1_000)) for _ in range(REPEATS))
    assert not any(has_long_tails(summarise(d, independent=True)) for d in draws)


@pytest.mark.parametrize("name", ENDLESS)
def test_it_does_not_sleep(name: str) -> None:
    """In 95 of 100 posteriors without a mean."""
    rng = np.random.default_rng(2)
    draws = (ENDLESS[name](rng, (4, 1_000)) for _ in range(REPEATS))
    assert sum(has_long_tails(summarise(d, independent=True)) for d in draws) >= 0.95 * REPEATS


def test_a_population_without_a_mean_is_named() -> None:
    """One of few groups has counts of 0 alone: nothing bounds the sd between groups, or exp of it squared."""
    rng = np.random.default_rng(3)
    group, x = np.repeat(np.arange(6), 7), rng.normal(size=42)
    counts = np.where(group == 5, 0, rng.poisson(np.exp(0.5 + 0.3 * x + 1.5 * (group - 2))))
    spec = "nodes: {x: continuous, g: group, y: count}\nedges: ['x, g -> y']\neffect: x -> y\n"
    spec += "regressions: {y: {priors: {g: 'HalfCauchy(5)'}}}\n"
    data = {"x": x, "g": np.array(list("abcdef"))[group], "y": counts}
    result = pipeline.fit(loads(spec, file="s.yaml"), data)
    assert "DR536" in [doubt.code for doubt in result.effects[0].doubts]
