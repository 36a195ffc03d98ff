"""Lowering: priors and their numbers, terms, families against types, contrasts, what is refused and what left
out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.errors import DagregError, SpecError
from dagreg.model.contrasts import contrasts
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.model.symbols import Namer
from dagreg.model.variables import resolve
from dagreg.spec.load import loads
from tests.fitting import compiled, models_of

ROWS = 60


def _table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    return {
        "x": rng.normal(50, 10, ROWS),
        "v": rng.gamma(3, 1, ROWS),
        "w": rng.choice(["no", "yes"], ROWS),
        "g": np.array((["a", "b", "c"] * ROWS)[:ROWS]),
        "m": rng.normal(2, 3, ROWS),
        "y": rng.normal(1_000, 200, ROWS),
        "d": rng.integers(0, 2, ROWS),
        "c": rng.poisson(4, ROWS),
        "n": np.full(ROWS, 20),
        "e": rng.uniform(1, 3, ROWS),
        "k": np.array(([1, 2, 3] * ROWS)[:ROWS]),
        "one": np.ones(ROWS),
        "neg": np.arange(ROWS) - 5,
        "many": np.array([f"id{i}" for i in range(ROWS)]),
    }


TABLE = _table()


def sd(column: np.ndarray) -> float:
    return float(np.std(column, ddof=1))


def _outcome(spec: str) -> Equation:
    return models_of(spec, TABLE)["adjusted"].outcome


def _codes(spec: str, data: Any = TABLE) -> list[str]:
    with pytest.raises(DagregError) as caught:
        compiled(spec, data)
    return [d.code for d in caught.value.diagnostics]


# ---------------------------------------------------------------- default priors

Y, X, V, C, D = TABLE["y"], TABLE["x"], TABLE["v"], TABLE["c"], TABLE["d"]
DEFAULTS: dict[str, tuple[str, dict[str, tuple[str, tuple[float, ...], str]]]] = {
    "gaussian": (
        "edges: [w -> x, 'x, w -> y']\neffect: x -> y",
        {
            "intercept": ("Normal", (Y.mean(), 2.5 * sd(Y)), "Normal(mean(y), 2.5 sd(y))"),
            "x": ("Normal", (0, 2.5 * sd(Y) / sd(X)), "Normal(0, 2.5 sd(y) / sd(x))"),
            "w": ("Normal", (0, 2.5 * sd(Y)), "Normal(0, 2.5 sd(y))"),
            "sigma": ("Exponential", (1 / sd(Y),), "Exponential(1 / sd(y))"),
        },
    ),
    "bernoulli": (
        "edges: [g -> x, 'x, g -> d']\neffect: x -> d",
        {
            "intercept": (
                "Normal",
                (math.log(D.mean() / (1 - D.mean())), 2.5),
                "Normal(logit of the mean response, 2.5)",
            ),
            "x": ("Normal", (0, 2.5 / sd(X)), "Normal(0, 2.5 / sd(x))"),
            "g": ("Normal", (0, 2.5), "Normal(0, 2.5)"),
        },
    ),
    "poisson": (
        "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c",
        {
            "intercept": (
                "Normal",
                (math.log(C.mean() / TABLE["e"].mean()), 2.5),
                "Normal(log of the mean response, 2.5)",
            ),
            "x": ("Normal", (0, 2.5 / sd(X)), "Normal(0, 2.5 / sd(x))"),
        },
    ),
    "binomial": (
        "nodes: {x: continuous, c: {type: count, family: binomial, trials: 20}}\nedges: [x -> c]\neffect: x "
        "-> c",
        {
            "intercept": (
                "Normal",
                (math.log(C.mean() / (20 - C.mean())), 2.5),
                "Normal(logit of the mean response, 2.5)",
            ),
        },
    ),
    "transforms": (
        "nodes: {v: {type: positive, transform: log}, y: {type: continuous, transform: standardize}}\n"
        "edges: [v -> y]\neffect: v -> y",
        {
            "intercept": ("Normal", (0, 2.5), "Normal(mean(y), 2.5 sd(y))"),
            "v": ("Normal", (0, 2.5 / sd(np.log(V))), "Normal(0, 2.5 sd(y) / sd(v))"),
            "sigma": ("Exponential", (1.0,), "Exponential(1 / sd(y))"),
        },
    ),
    "products": (
        "edges: [v -> x, 'x, v, g -> y']\neffect: {exposure: x, outcome: y, adjust: [v, g]}\n"
        "regressions: {y: {interactions: ['x:v', 'x:g']}}",
        {
            "x:v": ("Normal", (0, 2.5 * sd(Y) / (sd(X) * sd(V))), "Normal(0, 2.5 sd(y) / (sd(x) sd(v)))"),
            "x:g": ("Normal", (0, 2.5 * sd(Y) / sd(X)), "Normal(0, 2.5 sd(y) / sd(x))"),
        },
    ),
}


def _priors(equation: Equation) -> dict[str, Any]:
    return (
        {"intercept": equation.intercept_prior}
        | {t.name: t.prior for t in equation.terms}
        | {a.name: a.prior for a in equation.auxiliaries}
    )


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_priors(name: str) -> None:
    """Scaled to the data by the rule that is printed with them (Gelman, Hill and Vehtari 2020,
    section 9.5).
    """
    spec, expected = DEFAULTS[name]
    found = _priors(_outcome(spec))
    for term, (distribution, arguments, rule) in expected.items():
        prior = found[term]
        assert (prior.distribution, prior.rule, prior.given) == (distribution, rule, False), term
        assert prior.arguments == pytest.approx(arguments, rel=6e-3, abs=1e-12), term


def test_default_priors_follow_the_units() -> None:
    """Metres for centimetres: the prior of the effect says the same."""
    spec = "edges: [x -> y]\neffect: x -> y"
    scaled = TABLE | {"x": TABLE["x"] / 100, "y": TABLE["y"] * 1000}
    here, there = (models_of(spec, data)["adjusted"].outcome for data in (TABLE, scaled))
    assert there.terms[0].prior.arguments[1] == pytest.approx(
        here.terms[0].prior.arguments[1] * 1e5, rel=6e-3
    )


def test_interactions_priors_do_not_depend_on_where_zero_is() -> None:
    spec = "edges: [v -> x, 'x, v -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:v']}}"
    moved = TABLE | {"x": TABLE["x"] + 10_000}
    here, there = (models_of(spec, data)["adjusted"].outcome.terms[-1].prior for data in (TABLE, moved))
    assert here == there


def test_default_intercepts_are_at_the_predictors_means() -> None:
    terms = _outcome("edges: [g -> x, 'x, g -> y']\neffect: x -> y").terms
    assert terms[0].centre == pytest.approx((X.mean(),), rel=1e-5)
    assert terms[1].centre == pytest.approx([(TABLE["g"] == level).mean() for level in ("b", "c")], rel=1e-5)


def test_given_priors_stand_as_they_are_with_the_intercept_at_zero() -> None:
    equation = _outcome(
        "edges: [w -> x, 'x, w -> y']\neffect: x -> y\nregressions:\n  y:\n    priors:\n"
        "      intercept: Normal(1, 0.123456789)\n"
        "      x: StudentT(3, 0, 1)\n      slopes: Normal(0, 7)\n      sigma: HalfNormal(2)\n"
    )
    assert {name: (str(p), p.given) for name, p in _priors(equation).items()} == {
        "intercept": ("Normal(1, 0.123456789)", True),
        "x": ("StudentT(3, 0, 1)", True),
        "w": ("Normal(0, 7)", True),
        "sigma": ("HalfNormal(2)", True),
    }
    assert [t.centre for t in equation.terms] == [None, None]


def test_slopes_given_leave_the_intercept_at_the_means() -> None:
    equation = _outcome(
        "edges: [x -> y]\neffect: x -> y\nregressions: {y: {priors: {slopes: 'Normal(0, 1)'}}}"
    )
    assert not equation.intercept_prior.given
    assert equation.terms[0].centre is not None


def test_priors_apply_in_every_regression_of_their_response() -> None:
    models = models_of(
        "edges: [w -> x, x -> m -> y, w -> y]\neffect: x -> y\n"
        "regressions: {y: {priors: {w: 'Normal(0, 9)'}}, m: {priors: {x: 'Normal(0, 8)'}}}",
        TABLE,
    )
    assert set(models) == {"adjusted", "chain", "unadjusted"}
    for estimator in ("adjusted", "chain"):
        (term,) = (t for t in models[estimator].outcome.terms if t.name == "w")
        assert str(term.prior) == "Normal(0, 9)"
    assert str(models["chain"].equations[0].terms[0].prior) == "Normal(0, 8)"


@pytest.mark.parametrize(
    "regression",
    [
        "y: {priors: {g: 'Normal(0, 1)'}}",  # a node, but in no regression of y
        "y: {priors: {'x:w': 'Normal(0, 1)'}}",  # no such interaction
        "y: {interactions: ['x:g']}",  # g is in no regression of y
        "d: {priors: {sigma: 'HalfNormal(1)'}}",  # a bernoulli response has none
    ],
)
def test_terms_that_occur_in_no_regression_are_errors(regression: str) -> None:
    outcome = regression[0]
    spec = (
        "nodes: {w: binary, x: continuous, g: categorical, d: binary, y: continuous}\n"
        f"edges: [w -> x, 'x, w -> y, d', x -> g]\neffect: x -> {outcome}\nregressions: {{{regression}}}"
    )
    assert _codes(spec) == ["DR418"]


# ---------------------------------------------------------------- types, families

REFUSED = {
    "groups as an outcome": ("nodes: {x: continuous, g: group}\nedges: [x -> g]\neffect: x -> g", "DR411"),
    "binary outcome, poisson": (
        "nodes: {x: continuous, d: {type: binary, family: poisson}}\nedges: [x -> d]\neffect: x -> d",
        "DR412",
    ),
    "numbers, bernoulli": (
        "nodes: {x: continuous, y: {type: continuous, family: bernoulli}}\nedges: [x -> y]\neffect: x -> y",
        "DR412",
    ),
    "a count with fractions": ("nodes: {x: continuous, y: count}\nedges: [x -> y]\neffect: x -> y", "DR325"),
    "a count below 0": ("nodes: {x: continuous, neg: count}\nedges: [x -> neg]\neffect: x -> neg", "DR325"),
    "a count that causes, with fractions": (
        "nodes: {x: count, y: continuous}\nedges: [x -> y]\neffect: x -> y",
        "DR325",
    ),
    "poisson with fractions": (
        "nodes: {x: continuous, y: {family: poisson}}\nedges: [x -> y]\neffect: x -> y",
        "DR414",
    ),
    "poisson below 0": (
        "nodes: {x: continuous, neg: {family: poisson}}\nedges: [x -> neg]\neffect: x -> neg",
        "DR414",
    ),
    "a transformed count": (
        "nodes: {x: continuous, c: {type: count, transform: log1p}}\nedges: [x -> c]\neffect: x -> c",
        "DR412",
    ),
    "text as a number": ("nodes: {g: continuous, y: continuous}\nedges: [g -> y]\neffect: g -> y", "DR312"),
    "three values, binary": ("nodes: {k: binary, y: continuous}\nedges: [k -> y]\neffect: k -> y", "DR317"),
    "levels not in the list": (
        "nodes: {g: {type: categorical, levels: [a, b]}, y: continuous}\nedges: [g -> y]\neffect: g -> y",
        "DR316",
    ),
    "no such reference": (
        "nodes: {g: {type: categorical, reference: z}, y: continuous}\nedges: [g -> y]\neffect: g -> y",
        "DR318",
    ),
    "single value": ("edges: [one -> y]\neffect: one -> y", "DR313"),
    "text with a value each": ("edges: [many -> y]\neffect: many -> y", "DR315"),
    "log of 0 and below": (
        "nodes: {neg: {type: continuous, transform: log}, y: continuous}\nedges: [neg -> y]\neffect: neg -> "
        "y",
        "DR319",
    ),
    "logit beyond 1": (
        "nodes: {x: {type: proportion, transform: logit}, y: continuous}\nedges: [x -> y]\neffect: x -> y",
        "DR319",
    ),
    "sqrt below 0": (
        "nodes: {neg: {type: continuous, transform: sqrt}, y: continuous}\nedges: [neg -> y]\neffect: neg -> "
        "y",
        "DR319",
    ),
    "contrast of no level": ("edges: [g -> y]\neffect: {exposure: g, outcome: y, contrast: [a, z]}", "DR417"),
    "contrast in words": (
        "edges: [x -> y]\neffect: {exposure: x, outcome: y, contrast: [low, high]}",
        "DR417",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    spec, code = REFUSED[name]
    assert _codes(spec) == [code]


def test_a_binary_column_of_one_value_says_which_rows_were_looked_at() -> None:
    """The others may have been dropped for a value that they lack."""
    spec = "nodes: {one: binary, y: continuous}\nedges: [one -> y]\neffect: one -> y"
    with pytest.raises(DagregError, match=r"a single value in the rows that are used: 1.*leave it out"):
        compiled(spec, TABLE)


def test_all_misfits_are_reported_together() -> None:
    spec = "nodes: {g: continuous, k: binary, y: continuous}\nedges: ['g, k -> y', k -> g]\neffect: g -> y"
    assert _codes(spec) == ["DR312", "DR317"]


def test_a_gaussian_family_takes_counts_and_0_1() -> None:
    """A linear probability model, asked for by name."""
    equation = _outcome(
        "nodes: {x: continuous, d: {type: binary, family: gaussian}}\nedges: [x -> d]\neffect: x -> d"
    )
    assert (equation.family.name, equation.link.name) == ("gaussian", "identity")


# ---------------------------------------------------------------- chains that are left out

MEDIATORS = {
    "groups": "g: group",
    "pooled categories": "g: {type: categorical, pool: true}",
    "binomial": "g: {type: count, family: binomial, trials: n, column: c}",
    "poisson with an offset": "g: {type: count, offset: e, column: c}",
    "a transformed count": "g: {type: count, transform: log1p, column: c}",
}


@pytest.mark.parametrize("name", MEDIATORS)
def test_mediators_whose_distribution_cannot_be_passed_on(name: str) -> None:
    """The adjusted estimate stands; the chain is left out and says why."""
    spec = (
        f"nodes: {{x: continuous, {MEDIATORS[name]}, y: continuous}}\nedges: [x -> g -> y, x -> y]\neffect: "
        "x -> y"
    )
    (plan,) = compiled(spec, TABLE).plans
    assert [m.estimator for m in plan.models] == ["adjusted"]
    (left,) = plan.left_out
    assert left.estimator == "chain"
    assert "mediator g" in left.reason


def test_a_chain_that_is_the_adjusted_regression_is_not_fitted_twice() -> None:
    (plan,) = compiled("edges: [w -> x, 'x, w -> y']\neffect: x -> y", TABLE).plans
    assert [m.estimator for m in plan.models] == ["adjusted", "unadjusted"]
    assert "same regression" in plan.left_out[0].reason


def test_exactly_one_model_is_primary() -> None:
    (plan,) = compiled("edges: [w -> x, x -> m -> y, w -> y]\neffect: x -> y", TABLE).plans
    assert [m.primary for m in plan.models] == [True, False, False]
    assert plan.models[0].estimator == "adjusted"


# ---------------------------------------------------------------- contrasts, coefficients

CONTRASTS: dict[str, tuple[str, list[Contrast]]] = {
    "per unit": ("edges: [x -> y]\neffect: x -> y", [Contrast(("x",), None, None)]),
    "given": (
        "edges: [x -> y]\neffect: {exposure: x, outcome: y, contrast: [40, 60]}",
        [Contrast(("x",), (40.0,), (60.0,))],
    ),
    "binary text": ("edges: [w -> y]\neffect: w -> y", [Contrast(("w",), ("no",), ("yes",))]),
    "binary numbers": ("edges: [d -> y]\neffect: d -> y", [Contrast(("d",), (0,), (1,))]),
    "levels": (
        "edges: [g -> y]\neffect: g -> y",
        [Contrast(("g",), ("a",), ("b",)), Contrast(("g",), ("a",), ("c",))],
    ),
    "levels, reference b": (
        "nodes: {g: {type: categorical, reference: b}, y: continuous}\nedges: [g -> y]\neffect: g -> y",
        [Contrast(("g",), ("b",), ("a",)), Contrast(("g",), ("b",), ("c",))],
    ),
    "levels in integers": (
        "nodes: {k: categorical, y: continuous}\nedges: [k -> y]\neffect: {exposure: k, outcome: y, "
        "contrast: [3, 1]}",
        [Contrast(("k",), (3,), (1,))],
    ),
    "joint, binary": (
        "edges: ['w, d -> y']\neffect: w, d -> y",
        [Contrast(("w", "d"), ("no", 0), ("yes", 1))],
    ),
    "joint, continuous": ("edges: ['x, v -> y']\neffect: x, v -> y", [Contrast(("x", "v"), None, None)]),
    "joint, given": (
        "edges: ['x, v -> y']\neffect: {exposure: [x, v], outcome: y, contrast: [0, 1]}",
        [Contrast(("x", "v"), (0.0, 0.0), (1.0, 1.0))],
    ),
}


@pytest.mark.parametrize("name", CONTRASTS)
def test_contrasts(name: str) -> None:
    spec, expected = CONTRASTS[name]
    assert list(models_of(spec, TABLE)["adjusted"].estimand.contrasts) == expected


def test_only_the_exposures_coefficient_is_causal() -> None:
    def causal(model: Model) -> list[tuple[str, str]]:
        return [(e.response, t.name) for e in model.equations for t in e.terms if t.causal]

    models = models_of("edges: [w -> x, x -> m -> y, w -> y]\neffect: x -> y", TABLE)
    assert causal(models["adjusted"]) == [("y", "x")]
    assert causal(models["unadjusted"]) == []
    assert causal(models["chain"]) == []
    crossed = "edges: [w -> x, 'x, w -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:w']}}"
    assert causal(models_of(crossed, TABLE)["adjusted"]) == []


# ---------------------------------------------------------------- names


def test_identifiers_are_unique_and_stable() -> None:
    words = ["a b", "a_b", "a-b", "é", "è", "class", "1", "", "_", "x", "x", "np", "float"]
    made = [[namer.identifier(word) for word in words] for namer in (Namer(), Namer())]
    assert made[0] == made[1]
    assert len(set(made[0])) == len(words)
    assert all(
        name.isidentifier() and name.isascii() and name != "np" and name != "float" for name in made[0]
    )


def test_a_joint_contrast_gives_each_exposure_its_own_values() -> None:
    spec = loads(
        "nodes: {a: binary, b: continuous, y: continuous}\nedges: ['a, b -> y']\n"
        "effect: {exposure: [a, b], outcome: y, contrast: [[0, 2], [1, 3.5]]}\n"
    )
    (effect,) = spec.effects
    variables = resolve(spec, spec.nodes, None)
    (contrast,) = contrasts(effect, variables)
    assert (contrast.start, contrast.stop) == ((0, 2.0), (1, 3.5))


def test_a_joint_contrast_needs_a_value_for_each_exposure() -> None:
    with pytest.raises(SpecError, match="one value for each exposure: 2, found 1"):
        loads(
            "nodes: {a: binary, b: continuous, y: continuous}\nedges: ['a, b -> y']\n"
            "effect: {exposure: [a, b], outcome: y, contrast: [[0], [1, 2]]}\n"
        )


def test_a_regression_that_no_model_holds_is_doubted() -> None:
    spec = loads(
        "nodes: {x: continuous, y: continuous, z: continuous}\nedges: [x -> y, x -> z]\neffect: x -> y\n"
        "regressions:\n  z: {priors: {sigma: Exponential(1)}}\n  y: {priors: {sigma: Exponential(1)}}\n"
    )
    found = pipeline.compile(spec, TABLE | {"z": TABLE["m"]}).study.doubts
    assert [d.code for d in found] == ["DR419"]
    assert "regresses z" in found[0].message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nodes: {x: continuous, y: {type: continuous, offset: e}}\nedges: [x -> y]\neffect: x -> "
         "y\n", "DR420"),
        ("nodes: {x: continuous, c: {type: count, offset: neg}}\nedges: [x -> c]\neffect: x -> c\n", "DR421"),
        ("nodes: {x: continuous, c: {family: binomial, type: count, trials: 2}}\nedges: [x -> c]\n"
         "effect: x -> c\n", "DR324"),
        ("nodes: {v: {type: positive, transform: log}, y: continuous}\nedges: [v -> y]\n"
         "effect: {exposure: v, outcome: y, contrast: [0, 1]}\n", "DR319"),
        ("nodes: {x: continuous, z: {column: x}, y: continuous}\nedges: ['z -> x, y', x -> y]\n"
         "effect: x -> y\n", "DR326"),
        ("nodes: {m: proportion, y: continuous}\nedges: [m -> y]\neffect: m -> y\n", "DR325"),
    ],
)  # fmt: skip
def test_what_a_regression_cannot_honour_is_refused(text: str, code: str) -> None:
    with pytest.raises(DagregError) as caught:
        compiled(text, TABLE)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].span is not None
