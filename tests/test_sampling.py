"""Draws of responses and priors at the ends of what doubles hold: none raises, and answers are right."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.errors import DagregError
from dagreg.families import FAMILIES
from dagreg.model import prior_draws
from dagreg.model.sampling import responses
from dagreg.model.terms import PriorChoice
from dagreg.simulation import simulate
from dagreg.spec.priors import DISTRIBUTIONS
from dagreg.spec.types import Spec
from tests.fitting import spec_of

EXTREME = [0.0, 5e-324, 1e-300, 1e-12, 0.3, 1.0, 50.0, 1e12, 1e19, 1e300, np.inf, np.nan]
LOCATIONS = np.array([*EXTREME, -1e300, -np.inf, -1.0])
PARAMETERS = tuple(dict.fromkeys(name for f in FAMILIES.values() for name in f.auxiliaries))


@pytest.mark.parametrize("name", [f.name for f in FAMILIES.values() if f.sample is not None])
@pytest.mark.parametrize("trials", [1.0, 1e6, 1e18, 1e300])
def test_no_response_raises_wherever_its_parameters_lie(name: str, trials: float) -> None:
    family = FAMILIES[name]
    rng = np.random.default_rng(1)
    own = [p for p in PARAMETERS if p in family.auxiliaries]
    for values in product(EXTREME, repeat=len(own)):
        p = {key: np.full((1, 1), value) for key, value in zip(own, values, strict=True)}
        if family.trials:
            p["trials"] = np.full(len(LOCATIONS), trials)
        drawn = responses(rng, family, np.broadcast_to(LOCATIONS, (20, len(LOCATIONS))), p)
        assert drawn.shape == (20, len(LOCATIONS))
        if family.real:
            continue
        low, high = family.location_range
        assert np.isnan(drawn[:, (low > LOCATIONS) | (high < LOCATIONS)]).all()
        kept = drawn[np.isfinite(drawn)]
        assert (kept >= low).all()


@pytest.mark.parametrize("name", [f.name for f in FAMILIES.values() if f.draw is not None])
def test_no_mediator_raises_wherever_its_parameters_lie(name: str) -> None:
    """Those of the g-formula, by quantiles."""
    family = FAMILIES[name]
    rng = np.random.default_rng(1)
    own = [p for p in PARAMETERS if p in family.auxiliaries]
    with np.errstate(all="ignore"):
        for values in product(EXTREME, repeat=len(own)):
            p = {key: np.full((1, 1), value) for key, value in zip(own, values, strict=True)}
            assert family.draw is not None
            assert family.draw(rng, np.broadcast_to(LOCATIONS, (5, len(LOCATIONS))), p).shape == (
                5,
                len(LOCATIONS),
            )


@pytest.mark.parametrize("mean", [1e-250, 1e-12, 3.0, 1e12, 1e250])
@pytest.mark.parametrize("name", ["gamma", "weibull", "exponential", "lognormal"])
def test_positive_responses_keep_their_mean_at_every_scale(name: str, mean: float) -> None:
    rng = np.random.default_rng(2)
    p = {"shape": np.full((1, 1), 2.0), "sigma": np.full((1, 1), 0.5)}
    drawn = responses(rng, FAMILIES[name], np.full((1, 200_000), mean), p) / mean
    right = np.exp(0.125) if name == "lognormal" else 1.0  # whose location is its median
    assert drawn.mean() == pytest.approx(right, abs=4.5 * drawn.std() / 200_000**0.5)


def test_a_weibull_has_its_quantiles() -> None:
    """P(Y > q) = exp(-(q / scale)^shape), the mean being scale * gamma(1 + 1 / shape)."""
    from scipy import special

    drawn = responses(
        np.random.default_rng(4), FAMILIES["weibull"], np.full(100_000, 3.0), {"shape": np.full(1, 0.7)}
    )
    scale = 3.0 / special.gamma(1 + 1 / 0.7)
    for share in (0.1, 0.5, 0.9):
        q = scale * (-np.log(share)) ** (1 / 0.7)
        assert (drawn > q).mean() == pytest.approx(share, abs=0.006)


def test_counts_beyond_all_whole_numbers_are_their_rate() -> None:
    rng = np.random.default_rng(3)
    p = {"shape": np.full(1, 1e300), "zero": np.zeros(1)}
    for name in (
        "poisson",
        "negative_binomial",
        "zero_inflated_poisson",
        "hurdle_poisson",
        "hurdle_negative_binomial",
    ):
        drawn = responses(rng, FAMILIES[name], np.array([1e40, np.inf]), p)
        np.testing.assert_allclose(drawn, [1e40, np.inf], rtol=1e-6)


EDGES = [1e-100, 1e-12, 1.0, 1e12, 1e100]


@pytest.mark.parametrize(
    "name", [n for n in DISTRIBUTIONS if prior_draws.proper(PriorChoice(n, (), given=True))]
)
def test_no_prior_of_the_grammar_raises_when_it_is_drawn(name: str) -> None:
    rng = np.random.default_rng(5)
    parameters = DISTRIBUTIONS[name].parameters
    for numbers in product(EDGES, repeat=len(parameters)):
        lower, upper = (-numbers[1], numbers[0]) if name == "Uniform" else (0.0, 0.0)
        chosen = (lower, upper) if name == "Uniform" else numbers
        prior = PriorChoice(name, chosen, given=True)
        assert prior_draws.draw(rng, prior, chosen, (50,)).shape == (50,)


FAMILY_SPECS = {
    "gaussian": "y: {type: continuous, family: gaussian}",
    "student_t": "y: {type: continuous, family: student_t}",
    "lognormal": "y: {type: positive, family: lognormal}",
    "gamma": "y: {type: positive, family: gamma}",
    "inverse gamma": "y: {type: positive, family: gamma, link: inverse}",
    "exponential": "y: {type: positive, family: exponential}",
    "weibull": "y: {type: positive, family: weibull}",
    "beta": "y: {type: proportion, family: beta}",
    "bernoulli": "y: {type: binary}",
    "binomial": "y: {type: count, family: binomial, trials: 9}",
    "beta_binomial": "y: {type: count, family: beta_binomial, trials: 9}",
    "poisson": "y: {type: count, family: poisson}",
    "negative_binomial": "y: {type: count, family: negative_binomial}",
    "zero_inflated_poisson": "y: {type: count, family: zero_inflated_poisson}",
    "zero_inflated_negative_binomial": "y: {type: count, family: zero_inflated_negative_binomial}",
    "hurdle_poisson": "y: {type: count, family: hurdle_poisson}",
    "hurdle_negative_binomial": "y: {type: count, family: hurdle_negative_binomial}",
    "zero_one_inflated_beta": "y: {type: proportion, family: zero_one_inflated_beta}",
    "ordered_beta": "y: {type: proportion, family: ordered_beta}",
    "skew_normal": "y: {type: continuous, family: skew_normal}",
    "von_mises": "y: {type: continuous, family: von_mises}",
    "categorical": "y: {type: categorical, levels: [a, b, c]}",
    "ordinal": "y: {type: ordinal, levels: [a, b, c]}",
}


@pytest.mark.parametrize("family", FAMILY_SPECS)
@pytest.mark.parametrize("width", ["1", "1e3", "1e100"])
def test_simulated_data_are_numbers_or_one_error(family: str, width: str) -> None:
    spec = spec_of(
        f"nodes: {{x: continuous, z: continuous, {FAMILY_SPECS[family]}}}\nedges: ['z -> x', 'x, z -> y']\n"
        "effect: x -> y\nregressions: "
        f"{{y: {{priors: {{slopes: 'Normal(0, {width})', intercept: 'Normal(0, 1)'}}}}}}"
    )
    made = [_simulated(spec, seed) for seed in range(8)]
    assert {m for m in made if isinstance(m, str)} <= {"DR572"}
    for values in (m for m in made if not isinstance(m, str)):
        assert values.dtype.kind == "O" or np.isfinite(values.astype(float)).all()


def _simulated(spec: Spec, seed: int) -> np.ndarray | str:
    """The outcome's column, or the code of the one error."""
    try:
        return np.asarray(simulate(spec, 40, seed=seed)["y"])
    except DagregError as error:
        return ",".join(d.code for d in error.diagnostics)


@pytest.mark.parametrize("family", [f for f in FAMILY_SPECS if f not in ("categorical", "ordinal")])
@pytest.mark.parametrize("x", [1.0, 1e70])
def test_the_prior_predictive_check_of_every_family_under_a_wide_prior(family: str, x: float) -> None:
    """All but the fit: the check draws from the priors alone."""
    from dagreg.doubts.prior_predictive import prior_check

    rng = np.random.default_rng(6)
    n = 30
    y = np.where(np.arange(n) % 2, 0.25, 0.75) if "proportion" in FAMILY_SPECS[family] else np.arange(n) % 2
    y = y + 1 if "positive" in FAMILY_SPECS[family] else y
    data = {"x": x * rng.normal(50, 10, n), "y": y}
    text = (
        f"nodes: {{x: continuous, {FAMILY_SPECS[family]}}}\nedges: [x -> y]\neffect: x -> y\n"
        "regressions: {y: {priors: {slopes: 'Normal(0, 1e100)', intercept: 'Normal(0, 1e100)'}}}"
    )
    compiled = pipeline.compile(spec_of(text), data)
    model = compiled.plans[0].models[0]
    found = prior_check(model, (), {k: np.asarray(v) for k, v in data.items()}, 1)
    assert "nan" not in "".join(d.message for d in found.doubts) + found.sentence
    assert "DR516" not in {d.code for d in found.doubts}
