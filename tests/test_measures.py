"""Ratios of the standardised means against their closed forms, and what they and the coefficients
are called.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest
from scipy import special

from dagreg.effects.estimate import estimates
from dagreg.effects.measures import Measure, coefficient
from dagreg.effects.types import Estimate, Scale, Summary
from dagreg.engines.draws import Draws
from dagreg.families import FAMILIES
from dagreg.model.estimators import Estimator
from dagreg.report.plots import Panel, Row, forest_svg, forest_text
from dagreg.results.codec import decode, encode
from tests.fitting import models_of

RNG = np.random.default_rng(11)
N = 90
Z, X = RNG.normal(0.2, 1, N), RNG.normal(0.5, 1, N)
W = RNG.integers(0, 2, N)
DATA: dict[str, Any] = {
    "z": Z, "x": X, "w": W, "g": np.array(list("ab"))[RNG.integers(0, 2, N)], "y": RNG.gamma(2, 1, N),
    "d": RNG.integers(0, 2, N), "c": RNG.poisson(2, N), "n": RNG.integers(3, 9, N), "m": RNG.normal(size=N),
}  # fmt: skip
DATA["s"] = RNG.binomial(DATA["n"], 0.4)
COEFFICIENTS = {"alpha": -0.4, "x": 0.6, "w": 0.7, "z": 0.5}


def rows_of(spec: str, values: Mapping[str, Any], estimator: str = "adjusted") -> list[Estimate]:
    model = models_of(spec, DATA)[estimator]
    draws = {
        name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()
    }
    return list(estimates(model, Draws(draws, "test", 0, 0.0), DATA, seed=0))


def spec_of(response: str, node: str, exposure: str = "w", extra: str = "") -> str:
    kind = "binary" if exposure == "w" else "continuous"
    return (
        f"nodes: {{{exposure}: {kind}, z: continuous, g: categorical, {response}: {node}}}\n"
        f"edges: ['z, g -> {exposure}', '{exposure}, z -> {response}']\n"
        f"effect: {{exposure: {exposure}, outcome: {response}{extra}}}\n"
        f"regressions: {{{response}: {{priors: {{intercept: 'Normal(0, 5)'}}}}}}\n"
    )


def values_of(response: str, exposure: str, **more: float) -> dict[str, float]:
    found = {f"alpha_{response}": COEFFICIENTS["alpha"]}
    found |= {f"beta_{response}_{name}": COEFFICIENTS[name] for name in (exposure, "z")}
    return found | {f"{name}_{response}": value for name, value in more.items()}


def sides(exposure: str, inverse: Any) -> tuple[np.ndarray, np.ndarray]:
    """The mean of every row on both sides: the exposure at 0 and 1, or as it is and one more."""
    rest = COEFFICIENTS["alpha"] + COEFFICIENTS["z"] * Z + (COEFFICIENTS["x"] * X if exposure == "x" else 0.0)
    return inverse(rest), inverse(rest + COEFFICIENTS[exposure])


BINOMIAL = "{type: count, family: %s, trials: n, column: s}"
CASES = {
    "bernoulli": ("d", "binary", special.expit, {}, ("risk ratio", "odds ratio")),
    "probit": ("d", "{type: binary, link: probit}", special.ndtr, {}, ("risk ratio", "odds ratio")),
    "binomial": ("c", BINOMIAL % "binomial", special.expit, {}, ("risk ratio", "odds ratio")),
    "beta_binomial": ("c", BINOMIAL % "beta_binomial", special.expit, {"precision": 4.0}, ("risk ratio",
    "odds ratio")),
    "poisson": ("c", "count", np.exp, {}, ("rate ratio",)),
    "softplus": ("c", "{type: count, link: softplus}", lambda eta: np.logaddexp(0, eta), {}, ("rate ratio",)),
    "negative_binomial": ("c", "{type: count, family: "
                               "negative_binomial}", np.exp, {"shape": 2.0}, ("rate ratio",)),
    "zero_inflated_poisson": (
        "c", "{type: count, family: zero_inflated_poisson}", np.exp, {"zero": 0.3}, ("rate ratio",)
    ),
    "gamma": ("y", "{type: positive, family: gamma}", np.exp, {"shape": 2.0}, ("mean ratio",)),
    "lognormal": ("y", "{type: positive, family: lognormal}", np.exp, {"sigma": 0.8}, ("mean ratio",)),
    "weibull": ("y", "{type: positive, family: weibull}", np.exp, {"shape": 1.5}, ("mean ratio",)),
    "exponential": ("y", "{type: positive, family: exponential}", np.exp, {}, ("mean ratio",)),
}  # fmt: skip


@pytest.mark.parametrize("exposure", ["w", "x"])
@pytest.mark.parametrize("name", CASES)
def test_marginal_ratios(name: str, exposure: str) -> None:
    """Of the means over all rows, not the mean of the rows' ratios."""
    response, node, inverse, more, scales = CASES[name]
    rows = rows_of(spec_of(response, node, exposure), values_of(response, exposure, **more))
    low, high = (
        np.average(side, weights=DATA["n"] if "trials" in node else None) for side in sides(exposure, inverse)
    )
    expected = {"risk ratio": high / low, "odds ratio": high / (1 - high) / (low / (1 - low))}
    found = {e.scale: e for e in rows if e.is_ratio}
    assert tuple(found) == scales
    for scale, row in found.items():
        assert row.summary.mean == pytest.approx(expected.get(scale, high / low), rel=1e-12)
        assert (row.primary, row.summary.prob_positive) == (False, 1.0)
        assert row.contrast == ((0, 1) if exposure == "w" else None)
    heads = [e for e in rows if e.primary]
    assert [e.scale for e in heads] == ["outcome"]
    more_than_one = {"lognormal": np.exp(0.32), "zero_inflated_poisson": 0.7}.get(name, 1.0)
    assert heads[0].summary.mean == pytest.approx((high - low) * more_than_one, rel=1e-12)


def test_ratios_by_levels_are_of_the_means_of_the_level() -> None:
    """Homogeneous odds ratios within strata, different ones over each: the measure is not collapsible."""
    spec = spec_of("d", "binary", extra=", by: [g]").replace("{priors:", "{interactions: [], priors:")
    rows = rows_of(spec, values_of("d", "w") | {"beta_d_g": 1.5})
    low, high = (
        special.expit(special.logit(side) + 1.5 * (DATA["g"] == "b")) for side in sides("w", special.expit)
    )
    for level, where in ((None, np.ones(N, bool)), ("a", DATA["g"] == "a"), ("b", DATA["g"] == "b")):
        (found,) = (e for e in rows if e.scale == "risk ratio" and e.by.get("g") == level)
        assert found.summary.mean == pytest.approx(high[where].mean() / low[where].mean(), rel=1e-12)


def test_a_falling_ratio_has_no_chance_of_being_above_one() -> None:
    rows = rows_of(spec_of("c", "count"), values_of("c", "w") | {"beta_c_w": -0.5})
    (found,) = (e for e in rows if e.is_ratio)
    assert found.summary.mean == pytest.approx(np.exp(-0.5))
    assert found.summary.prob_positive == 0.0


def test_means_that_are_not_above_zero_have_no_ratio() -> None:
    rows = rows_of(spec_of("c", "{type: count, link: identity}"), values_of("c", "w"))
    assert [e.scale for e in rows] == ["outcome"]


def test_the_chain_and_its_natural_parts_have_ratios_too() -> None:
    """Two-valued mediator and outcome, summed by hand; the parts' ratios multiply to the total's (VanderWeele
    2015).
    """
    spec = (
        "nodes: {w: binary, k: binary, d: binary}\nedges: [w -> k -> d, w -> d]\n"
        "effect: {exposure: w, outcome: d, kind: mediation}\n"
        "regressions: {d: {priors: {intercept: 'Normal(0, 5)'}}, k: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    DATA["k"] = RNG.integers(0, 2, N)
    values = {"alpha_k": -0.3, "beta_k_w": 1.2, "alpha_d": -0.8, "beta_d_w": 0.6, "beta_d_k": 0.9}
    rows = rows_of(spec, values, "chain")

    def risk(outcome: int, mediator: int) -> float:
        one = special.expit(-0.3 + 1.2 * mediator)
        return float(
            sum(p * special.expit(-0.8 + 0.6 * outcome + 0.9 * k) for k, p in ((0, 1 - one), (1, one)))
        )

    found = {e.estimand: e.summary.mean for e in rows if e.scale == "risk ratio"}
    assert found == {
        "total effect": pytest.approx(risk(1, 1) / risk(0, 0), rel=1e-12),
        "natural direct effect": pytest.approx(risk(1, 0) / risk(0, 0), rel=1e-12),
        "natural indirect effect": pytest.approx(risk(1, 1) / risk(1, 0), rel=1e-12),
    }


# ---------------------------------------------------------------- names


NAMES = {
    ("bernoulli", "logit"): "log odds ratio",
    ("bernoulli", "probit"): "difference in probits",
    ("bernoulli", "cloglog"): "difference in log cumulative hazards",
    ("beta", "logit"): "log odds ratio of the mean",
    ("poisson", "log"): "log rate ratio",
    ("zero_inflated_negative_binomial", "log"): "log rate ratio",
    ("gamma", "log"): "log mean ratio",
    ("gaussian", "log"): "log mean ratio",
    ("lognormal", "log"): "log mean ratio",
    ("gamma", "inverse"): "difference in the inverse mean",
    ("poisson", "softplus"): "difference on the softplus scale",
    ("ordinal", "logit"): "log cumulative odds ratio",
}


def test_every_family_is_told_what_its_coefficients_are() -> None:
    equation = models_of(spec_of("d", "binary"), DATA)["adjusted"].outcome
    from dataclasses import replace

    from dagreg.families.links import LINKS

    found = {
        (family.name, link): coefficient(replace(equation, family=family, link=LINKS[link]))
        for family in FAMILIES.values()
        for link in family.links
        if link != "identity"
    }
    assert {pair: found[pair] for pair in NAMES} == NAMES
    assert all("link scale" not in name for name in found.values())


@pytest.mark.parametrize(
    ("response", "node", "more", "name"),
    [
        ("d", "{type: binary, link: probit}", {}, "difference in probits of d = 1"),
        ("y", "{type: positive, family: gamma}", {"shape": 2.0}, "log mean ratio"),
        ("c", "count", {}, "log rate ratio"),
    ],
)
def test_the_coefficient_beside_the_effect(
    response: str, node: str, more: dict[str, float], name: str
) -> None:
    rows = rows_of(spec_of(response, node), values_of(response, "w", **more))
    (found,) = (e for e in rows if e.scale == "link")
    assert found.label == f"{name}, w: 1 against 0"
    assert found.summary.mean == pytest.approx(COEFFICIENTS["w"])


def test_every_measure_compares_means_that_some_family_has() -> None:
    assert {measure.compares for measure in Measure} <= {family.scale.kind for family in FAMILIES.values()}


@pytest.mark.parametrize("scale", [*get_args(get_args(Scale)[0]), *Measure])
@pytest.mark.parametrize("estimator", Estimator)
def test_saved_results_keep_the_names_of_scales_and_estimators(scale: Scale, estimator: Estimator) -> None:
    summary = Summary(1.0, 0.1, 1.0, (0.8, 1.2), 0.94, 0.5, 400.0, 1.0)
    row = Estimate("x -> y", "total effect", estimator, True, scale, None, {}, (), summary)
    written = json.loads(json.dumps(encode(row)))
    assert (written["scale"], written["estimator"]) == (str(scale), str(estimator))
    read = decode(Estimate, written)
    assert read == row
    assert (type(read.scale), type(read.estimator)) == (type(scale), Estimator)


# ---------------------------------------------------------------- the forest plot


def test_no_effect_is_one_on_the_axis_of_a_ratio() -> None:
    panel = Panel("Risk ratio", (Row("adjusted", 1.5, 1.2, 1.9, "1.5"),), 1.0)
    picture = forest_svg((panel,), "t")
    at = [float(part.split('"')[0]) for part in picture.split('class="zero" x1="')[1:]]
    left = float(picture.split('class="axis" x1="')[1].split('"')[0])
    low = float(picture.split('class="interval" x1="')[1].split('"')[0])
    assert left < at[0] < low
    assert forest_text((panel,), 60).splitlines()[1].index("|") < forest_text((panel,), 60).splitlines()[
        1
    ].index("*")
