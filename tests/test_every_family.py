"""Every family under every link: its mean as an outcome, as a mediator of a chain, and its parameters
recovered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg.effects.gformula import MIN_SIMULATED, contrast_draws
from dagreg.effects.rows import observed_rows
from dagreg.engines.draws import Draws
from dagreg.engines.run import draw
from dagreg.families import FAMILIES
from dagreg.spec.types import Sampling
from tests.fitting import models_of
from tests.optimising import optimised
from tests.test_families import FROZEN, INVERSE, PAIRS

ROWS, SIMULATED, ERRORS = 400, 400_000, 4.5
TRIALS = 20
AUXILIARIES: Mapping[str, Mapping[str, float]] = {
    "gaussian": {"sigma": 0.5},
    "student_t": {"nu": 4.0, "sigma": 0.5},
    "lognormal": {"sigma": 0.5},
    "gamma": {"shape": 3.0},
    "weibull": {"shape": 1.6},
    "beta": {"precision": 8.0},
    "beta_binomial": {"precision": 8.0},
    "negative_binomial": {"shape": 2.0},
    "zero_inflated_poisson": {"zero": 0.3},
    "zero_inflated_negative_binomial": {"zero": 0.25, "shape": 1.5},
    "hurdle_poisson": {"zero": 0.3},
    "hurdle_negative_binomial": {"zero": 0.25, "shape": 1.5},
    "zero_one_inflated_beta": {"precision": 8.0, "extreme": 0.25, "one": 0.6},
    "ordered_beta": {"precision": 8.0, "cut": -1.2, "gap": 2.5},
    "skew_normal": {"sigma": 0.5, "skew": 3.0},
    "von_mises": {"concentration": 3.0},
}
TYPES = {
    "beta": "proportion",
    "zero_one_inflated_beta": "proportion",
    "ordered_beta": "proportion",
    "bernoulli": "binary",
}


def _line(link: str) -> tuple[float, float]:
    """Intercept and slope at which the mean lies in every family's range for x between -1 and 1."""
    return {"identity": (2.0, 0.8), "softplus": (2.0, 0.8), "inverse": (0.5, -0.2), "log": (0.9, 0.5)}.get(
        link, (-0.2, 0.7)
    )


def _node(family: str, link: str) -> str:
    kind = TYPES.get(family, "count" if FAMILIES[family].discrete else "continuous")
    trials = f", trials: {TRIALS}" if FAMILIES[family].trials else ""
    return f"{{type: {kind}, family: {family}, link: {link}{trials}}}"


def _frozen(family: str, location: Any) -> Any:
    p = AUXILIARIES.get(family, {})
    if family == "binomial":
        return stats.binom(TRIALS, location)
    if family == "beta_binomial":
        return stats.betabinom(TRIALS, location * p["precision"], (1 - location) * p["precision"])
    return FROZEN[family.removeprefix("zero_inflated_")](location, p)


def _responses(family: str, location: Any, rng: np.random.Generator) -> np.ndarray:
    """Responses by SciPy's own generators."""
    drawn = np.asarray(_frozen(family, location).rvs(random_state=rng, size=np.shape(location)))
    if family.startswith("zero_inflated_"):
        drawn = drawn * (rng.random(drawn.shape) >= AUXILIARIES[family]["zero"])
    return drawn


def _mean(family: str, location: Any) -> np.ndarray:
    """The mean response, per trial."""
    mean = np.asarray(_frozen(family, location).mean()) / (TRIALS if FAMILIES[family].trials else 1)
    return mean * (1 - AUXILIARIES[family]["zero"]) if family.startswith("zero_inflated_") else mean


def _point(values: Mapping[str, Any], draws: int = 1) -> dict[str, np.ndarray]:
    return {
        name: np.repeat(np.asarray(value, dtype=float)[None], draws, axis=0) for name, value in values.items()
    }


def _parameters(family: str, link: str, response: str) -> dict[str, float]:
    alpha, beta = _line(link)
    own = {f"{name}_{response}": value for name, value in AUXILIARIES.get(family, {}).items()}
    return {f"alpha_{response}": alpha, f"beta_{response}_x": beta} | own


def _table(family: str, link: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, ROWS)
    alpha, beta = _line(link)
    m = _responses(family, INVERSE[link](alpha + beta * x), rng)
    return {"x": x, "m": m, "d": (rng.random(ROWS) < special.expit(m - np.mean(m))).astype(int)}


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_the_mean_of_an_outcome(family: str, link: str) -> None:
    alpha, beta = _line(link)
    spec = (
        f"nodes: {{x: continuous, m: {_node(family, link)}}}\nedges: [x -> m]\n"
        "effect: {exposure: x, outcome: m, contrast: [-0.5, 0.75]}\n"
        "regressions: {m: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    data = _table(family, link)
    model = models_of(spec, data)["adjusted"]
    draws = _point(_parameters(family, link, "m"))
    found = contrast_draws(model, draws, observed_rows(model, data), model.estimand.contrasts[0], 0)
    low, high = (_mean(family, INVERSE[link](alpha + beta * x)) for x in (-0.5, 0.75))
    assert found[0] == pytest.approx(float(high - low), rel=1e-9)


@pytest.mark.parametrize(("family", "link"), [(f, k) for f, k in PAIRS if not FAMILIES[f].trials])
def test_a_chain_through_a_mediator_against_brute_force(family: str, link: str) -> None:
    """The outcome's logit bends what the mediator passes on: its mean alone would give another answer."""
    alpha, beta = _line(link)
    spec = (
        f"nodes: {{x: continuous, m: {_node(family, link)}, d: binary}}\nedges: [x -> m, 'x, m -> d']\n"
        "effect: {exposure: x, outcome: d, contrast: [-0.5, 0.75]}\n"
        "regressions: {m: {priors: {intercept: 'Normal(0, 5)'}}, d: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    data = _table(family, link)
    model = models_of(spec, data)["chain"]
    repeats = 20
    values = _parameters(family, link, "m") | {"alpha_d": -1.0, "beta_d_x": 0.3, "beta_d_m": 1.1}
    found = contrast_draws(
        model, _point(values, repeats), observed_rows(model, data), model.estimand.contrasts[0], 5
    )
    rng = np.random.default_rng(11)
    sides = []
    for x in (-0.5, 0.75):
        m = _responses(family, np.full(SIMULATED, INVERSE[link](alpha + beta * x)), rng)
        sides.append(special.expit(-1.0 + 0.3 * x + 1.1 * m))
    difference = sides[1].mean() - sides[0].mean()
    spread = np.hypot(sides[0].std(), sides[1].std())
    drawn = 0.0 if FAMILIES[family].draw is None else 1 / (repeats * MIN_SIMULATED)
    assert abs(found.mean() - difference) < ERRORS * spread * np.sqrt(1 / SIMULATED + drawn)


def test_no_family_is_left_out() -> None:
    assert {f for f, _ in PAIRS} == {f.name for f in FAMILIES.values() if f.predictor == "one"}
    for family in FAMILIES.values():
        assert {k for f, k in PAIRS if f == family.name} == set(
            family.links if family.predictor == "one" else ()
        )


# ---------------------------------------------------------------- recovery

LEVELS = ("low", "mid", "high")
CUTPOINTS = (-0.7, 0.9)


def _by_level(rng: np.random.Generator, x: np.ndarray) -> dict[str, np.ndarray]:
    """Levels in order, their log odds shifted by .7 x; and levels of their own intercepts and slopes."""
    places = (rng.logistic(size=len(x)) + 0.7 * x)[:, None] > np.array(CUTPOINTS)
    eta = np.column_stack([np.zeros_like(x), 0.4 + 0.6 * x, -0.3 - 0.8 * x])
    chosen = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    return {"ordered": np.array(LEVELS)[places.sum(axis=1)], "unordered": np.array(["a", "b", "c"])[chosen]}


@cache
def _every_response() -> dict[str, np.ndarray]:
    """Rows of x, of a response for every family and link, and of a z that hangs on none."""
    rng = np.random.default_rng(21)
    x = rng.uniform(-1, 1, ROWS)
    data = {"x": x}
    for family, link in PAIRS:
        alpha, beta = _line(link)
        data[f"{family}_{link}"] = _responses(family, INVERSE[link](alpha + beta * x), rng)
    return data | _by_level(rng, x) | {"z": rng.normal(size=ROWS)}


MEDIATORS = {f"{family}_{link}": (family, link) for family, link in PAIRS if not FAMILIES[family].trials}
PRIOR = "regressions: {m: {priors: {intercept: 'Normal(0, 3)'}}}\n"
BY_LEVEL = {
    "ordered": ("{type: ordinal, levels: [low, mid, high]}", {"alpha_m": CUTPOINTS, "beta_m_x": 0.7}),
    "unordered": (
        "{type: categorical, levels: [a, b, c]}",
        {"alpha_m": (0.4, -0.3), "beta_m_x": (0.6, -0.8)},
    ),
}


def _draws(node: str, data: Mapping[str, np.ndarray]) -> Draws:
    """Of m on x, by whatever engine solves it; its density is the program's (`test_numeric_posterior.py`)."""
    case = optimised(
        f"nodes: {{x: continuous, m: {node}}}\nedges: [x -> m]\neffect: x -> m\n" + PRIOR, data=data
    )
    return draw(case.pieces, lambda: case.program, case.rows, Sampling(seed=3))


def _recovered(draws: Draws, truth: Mapping[str, Any]) -> None:
    """Within 4.5 posterior sds, and informed."""
    assert draws.divergences == 0
    for symbol, value in truth.items():
        values = draws.values[symbol].reshape(-1, *np.shape(value))
        assert np.all(np.abs(values.mean(axis=0) - value) < ERRORS * values.std(axis=0)), symbol
        assert np.all(values.std(axis=0) < 0.5 * np.maximum(np.abs(value), 0.5)), symbol


@pytest.mark.parametrize("name", MEDIATORS)
def test_parameters_are_recovered_under_every_link(name: str) -> None:
    every = _every_response()
    draws = _draws(_node(*MEDIATORS[name]), {"x": every["x"], "m": every[name]})
    _recovered(draws, _parameters(*MEDIATORS[name], "m"))


@pytest.mark.parametrize("name", BY_LEVEL)
def test_parameters_of_levels_are_recovered(name: str) -> None:
    every = _every_response()
    node, truth = BY_LEVEL[name]
    _recovered(_draws(node, {"x": every["x"], "m": every[name]}), truth)


@pytest.mark.parametrize(("family", "link"), [(f, k) for f, k in PAIRS if FAMILIES[f].trials])
def test_parameters_of_trials_are_recovered(family: str, link: str) -> None:
    rng = np.random.default_rng(31)
    x = rng.uniform(-1, 1, ROWS)
    alpha, beta = _line(link)
    response = _responses(family, INVERSE[link](alpha + beta * x), rng)
    _recovered(_draws(_node(family, link), {"x": x, "m": response}), _parameters(family, link, "m"))
