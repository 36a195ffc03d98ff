"""The Bayesian bootstrap of the covariates: against the Dirichlet's moments (Rubin 1981), and its size in
memory.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import special

from dagreg import pipeline
from dagreg.effects.dose import dose_response
from dagreg.effects.estimate import estimates
from dagreg.effects.rows import bootstrap_weights, merge, observed_rows, repeated
from dagreg.effects.types import Estimate
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError
from dagreg.model.plan import Model
from tests.fitting import models_of, spec_of

RNG = np.random.default_rng(21)
N = 60
DATA: dict[str, Any] = {
    "w": RNG.integers(0, 2, N), "z": RNG.normal(0, 2, N), "g": RNG.integers(0, 3, N), "d": RNG.integers(0, 2,
    N),
    "n": RNG.integers(1, 9, N), "y": RNG.normal(size=N), "m": RNG.normal(size=N),
}  # fmt: skip
DATA["s"] = RNG.binomial(DATA["n"], 0.4)
DRAWS = 20_000
PRIOR = "priors: {intercept: 'Normal(0, 5)'}"
BOOTSTRAP = ", standardise: bayesian bootstrap"
SPEC = (
    "nodes: {w: binary, z: continuous, %s}\nedges: [z -> w, 'w, z -> %s']\neffect: {exposure: w, outcome: "
    "%s%s}\n"
    f"regressions: {{%s: {{{PRIOR}}}}}\n"
)


def model_of(response: str, node: str, extra: str = BOOTSTRAP, covariate: str = "z") -> Model:
    spec = SPEC % (f"{response}: {node}", response, response, extra, response)
    return models_of(spec, DATA | {"z": DATA[covariate]})["adjusted"]


def heads(model: Model, values: Mapping[str, Any], covariate: str = "z") -> list[Estimate]:
    draws = {n: np.broadcast_to(np.asarray(v, float), (2, DRAWS // 2)) for n, v in values.items()}
    return list(estimates(model, Draws(draws, "exact", 0, 0.0), DATA | {"z": DATA[covariate]}, seed=4))


def each_row(alpha: Any = -0.5, slope: Any = 0.9, z: Any = None) -> np.ndarray:
    eta = alpha + 0.8 * (DATA["z"] if z is None else z)
    return np.asarray(special.expit(eta + slope) - special.expit(eta))


POINT = {"alpha_d": -0.5, "beta_d_w": 0.9, "beta_d_z": 0.8}


def near(found: float, expected: float, draws: int = DRAWS) -> bool:
    """An sd of so many independent draws, within 4.5 of its standard errors (Normal: sd / sqrt(2 draws))."""
    return abs(found / expected - 1) < 4.5 / np.sqrt(2 * draws) * 1.3


@pytest.mark.parametrize("covariate", ["z", "g"])  # distinct rows, and equal ones that are merged
def test_the_sd_is_that_of_a_dirichlet_mean(covariate: str) -> None:
    """Of sum_i W_i e_i, W ~ Dirichlet(1, ..., 1): mean e, variance (mean e^2 - (mean e)^2) / (n + 1)."""
    head = heads(model_of("d", "binary", covariate=covariate), POINT, covariate)[0]
    e = each_row(z=DATA[covariate])
    sd = e.std() / np.sqrt(N + 1)
    assert abs(head.summary.mean - e.mean()) < 4.5 * sd / np.sqrt(DRAWS)
    assert near(head.summary.sd, sd)


def test_a_row_with_trials_is_so_many_units() -> None:
    model = model_of("s", "{type: count, family: binomial, trials: n}")
    head = heads(model, {"alpha_s": -0.5, "beta_s_w": 0.9, "beta_s_z": 0.8})[0]
    e, units = each_row(), DATA["n"]
    mean = np.average(e, weights=units)
    sd = np.sqrt(np.average((e - mean) ** 2, weights=units) / (units.sum() + 1))
    assert abs(head.summary.mean - mean) < 4.5 * sd / np.sqrt(DRAWS)
    assert near(head.summary.sd, sd)


def test_the_interval_is_wider_than_that_of_fixed_rows_by_the_right_amount() -> None:
    """Variances add: that of the posterior with the rows fixed, and the mean over it of the rows' own."""
    rng = np.random.default_rng(2)
    alpha, slope = rng.normal(-0.5, 0.2, (2, DRAWS // 2)), rng.normal(0.9, 0.05, (2, DRAWS // 2))
    values = {"alpha_d": alpha, "beta_d_w": slope, "beta_d_z": 0.8}
    uncertain, fixed = (heads(model_of("d", "binary", extra), values)[0].summary for extra in (BOOTSTRAP, ""))
    some = [each_row(a, b) for a, b in zip(alpha.ravel()[:2000], slope.ravel()[:2000], strict=True)]
    added = np.mean([e.var() for e in some]) / (N + 1)
    assert near(uncertain.sd, np.sqrt(fixed.sd**2 + added))
    assert uncertain.interval[1] - uncertain.interval[0] > 1.05 * (fixed.interval[1] - fixed.interval[0])


def test_a_linear_model_without_interactions_has_the_same_effect() -> None:
    values = {
        "alpha_y": 0.3,
        "beta_y_w": RNG.normal(0.7, 0.1, (2, DRAWS // 2)),
        "beta_y_z": 0.9,
        "sigma_y": 1.0,
    }
    uncertain, fixed = (
        heads(model_of("y", "continuous", extra), values)[0].summary for extra in (BOOTSTRAP, "")
    )
    assert uncertain == fixed


def test_the_mean_at_a_dose_of_a_linear_model_is_uncertain() -> None:
    spec = (
        "edges: [z -> m, 'm, z -> y']\neffect: "
        f"{{exposure: m, outcome: y, dose_response: [0, 2]{BOOTSTRAP}}}\n"
        f"regressions: {{y: {{{PRIOR}}}}}\n"
    )
    model = models_of(spec, DATA)["adjusted"]
    values = {"alpha_y": 0.3, "beta_y_m": 0.7, "beta_y_z": 0.9, "sigma_y": 1.0}
    draws = Draws({n: np.full((2, DRAWS // 2), v) for n, v in values.items()}, "exact", 0, 0.0)
    for dose in dose_response(model, draws, DATA, 0):
        sd = 0.9 * DATA["z"].std() / np.sqrt(N + 1)
        assert near(dose.summary.sd, sd)
        expected = 0.3 + 0.7 * dose.dose + 0.9 * DATA["z"].mean()
        assert abs(dose.summary.mean - expected) < 4.5 * sd / np.sqrt(DRAWS)


def test_levels_are_bootstrapped_within() -> None:
    spec = (
        "nodes: {w: binary, z: continuous, g: categorical, d: binary}\nedges: ['z, g -> w', 'w, z, g -> d']\n"
        f"effect: {{exposure: w, outcome: d, by: [g]{BOOTSTRAP}}}\nregressions: "
        f"{{d: {{interactions: [], {PRIOR}}}}}\n"
    )
    model = models_of(spec, DATA)["adjusted"]
    draws = {n: np.full((2, DRAWS // 2), v) for n, v in POINT.items()} | {
        "beta_d_g": np.zeros((2, DRAWS // 2, 2))
    }
    for row in estimates(model, Draws(draws, "exact", 0, 0.0), DATA, seed=0):
        if row.scale == "outcome" and row.by:
            e = each_row()[DATA["g"] == row.by["g"]]
            assert near(row.summary.sd, e.std() / np.sqrt(len(e) + 1))


def test_rows_repeated_for_drawn_mediators_share_their_weight() -> None:
    model = model_of("d", "binary")
    rows = merge(observed_rows(model, DATA))
    weights = bootstrap_weights(repeated(rows, 3), 3, 500, seed=0)
    assert weights.shape == (500, 3 * len(rows))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_array_equal(weights[:, ::3], weights[:, 1::3])
    np.testing.assert_allclose(
        weights.reshape(500, -1, 3).sum(axis=2).var(), (1 / N) * (1 - 1 / N) / (N + 1), rtol=0.05
    )


def test_a_formula_refuses_it_where_it_stands() -> None:
    spec = f"edges: [w -> m -> y, w <-> y]\neffect: {{exposure: w, outcome: y{BOOTSTRAP}}}\n"
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec_of(spec), DATA)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.span and diagnostic.span.line) == ("DR430", 2)


def test_no_array_of_rows_by_draws() -> None:
    """10,000 distinct rows by 2,000 draws would be 160 MB; a chunk of 2 million cells is 16."""
    rng = np.random.default_rng(0)
    data = {"z": rng.normal(size=10_000), "w": rng.integers(0, 2, 10_000), "d": rng.integers(0, 2, 10_000)}
    spec = SPEC % ("d: binary", "d", "d", BOOTSTRAP, "d")
    model = models_of(spec, data)["adjusted"]
    draws = Draws({n: np.full((2, 1000), v) for n, v in POINT.items()}, "exact", 0, 0.0)
    tracemalloc.start()
    try:
        estimates(model, draws, data, 0)
        assert tracemalloc.get_traced_memory()[1] < 130e6
    finally:
        tracemalloc.stop()
