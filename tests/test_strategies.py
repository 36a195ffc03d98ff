"""Front door, ID functionals and instruments: fitted formulas against enumeration, closed forms and
densities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from dagreg.doubts.instrument import first_stage
from dagreg.effects.functional import functional_sides
from dagreg.effects.gformula import contrast_draws
from dagreg.engines.nuts import parameters
from dagreg.identify.expression import evaluate
from dagreg.model.plan import Model
from dagreg.programs import lower_all
from dagreg.study import study_of
from tests.fitting import compiled, models_of, rows_of, spec_of, table_of

RNG = np.random.default_rng(11)
ROWS = 400


def binary(*names: str) -> dict[str, np.ndarray]:
    """Columns of zeros and ones, dependent enough that no cell is empty."""
    common = RNG.normal(size=ROWS)
    return {name: (0.7 * common + RNG.normal(size=ROWS) > 0.2).astype(int) for name in names}


def random_point(model: Model) -> dict[str, np.ndarray]:
    """Three draws of every parameter, from the priors' neighbourhood."""
    found = {}
    for equation in model.equations:
        found[equation.intercept] = RNG.normal(0, 1, 3)
        for term in equation.terms:
            found[term.symbol] = RNG.normal(0, 1, 3)
        for auxiliary in equation.auxiliaries:
            found[auxiliary.symbol] = RNG.uniform(0.5, 2, 3)
    return found


def probability(model: Model, draws: Mapping[str, np.ndarray], i: int, data: Mapping[str, np.ndarray]):
    """P(targets | given) by the logistic regressions at one draw; marginals are the rows' shares."""

    def conditional(targets: Mapping[str, int], given: Mapping[str, int]) -> float:
        if not given:
            return float(np.mean(np.all([data[name] == value for name, value in targets.items()], axis=0)))
        ((name, value),) = targets.items()
        (k,) = [j for j, f in enumerate(model.factors) if f.targets == (name,) and set(f.given) == set(given)]
        equation = model.equations[k]
        eta = draws[equation.intercept][i]
        for term in equation.terms:
            (centre,) = term.centre
            eta += draws[term.symbol][i] * (given[term.name] - centre)
        p = 1 / (1 + np.exp(-eta))
        return float(p if value == 1 else 1 - p)

    return conditional


BINARY = {
    "front door": (
        "nodes: {x: binary, m: binary, y: binary}\nedges: [x -> m -> y, x <-> y]\neffect: x -> y\n",
        "xmy",
    ),
    "two mediators": (
        "nodes: {x: binary, a: binary, b: binary, y: binary}\n"
        "edges: [x -> a -> y, x -> b -> y, a -> b, x <-> y]\neffect: x -> y\n",
        "xaby",
    ),
    "napkin": (
        "nodes: {w: binary, z: binary, x: binary, y: binary}\n"
        "edges: [w -> z -> x -> y, w <-> x, w <-> y]\neffect: x -> y\n",
        "wzxy",
    ),
    "confounded front door": (
        "nodes: {c: binary, x: binary, m: binary, y: binary}\n"
        "edges: [c -> x -> m -> y, c -> y, c -> m, x <-> y]\neffect: x -> y\n",
        "cxmy",
    ),
}


@pytest.mark.parametrize("name", BINARY)
def test_a_formula_of_two_valued_variables_is_summed_exactly(name: str) -> None:
    text, letters = BINARY[name]
    data = binary(*letters)
    model = next(m for m in models_of(text, data).values() if m.functional is not None)
    assert model.primary
    draws = random_point(model)
    (contrast,) = model.estimand.contrasts
    found = functional_sides(model, draws, rows_of(model, data), contrast, seed=1)[1]
    domains = dict.fromkeys(letters, (0, 1))
    for i in range(3):
        p = probability(model, draws, i, data)
        # A variable that the formula leaves open is given every row's value: the average over them.
        table = np.stack([data[v] for v in letters], axis=1)
        settings, counts = np.unique(table, axis=0, return_counts=True)
        weighted = [
            (dict(zip(letters, row, strict=True)), n / ROWS) for row, n in zip(settings, counts, strict=True)
        ]
        sides = [
            sum(
                share * evaluate(model.functional, {**s, "x": x, "y": 1}, p, domains) for s, share in weighted
            )
            for x in (0, 1)
        ]
        # The open variable of the napkin is taken at 2,000 evenly spread rows: off by at most one in 2,000.
        assert found[i] == pytest.approx(sides[1] - sides[0], abs=1e-9 if name != "napkin" else 1e-3)


def test_the_linear_front_door_is_the_product_of_its_slopes() -> None:
    data = {v: RNG.normal(size=ROWS) for v in ("x", "m", "y")}
    text = (
        "nodes: {x: continuous, m: continuous, y: continuous}\nedges: [x -> m -> y, x <-> y]\neffect: x -> "
        "y\n"
    )
    model = models_of(text, data)["frontdoor"]
    draws = random_point(model)
    (contrast,) = model.estimand.contrasts
    found = functional_sides(model, draws, rows_of(model, data), contrast, seed=3)[1]
    np.testing.assert_allclose(found, draws["beta_m_x"] * draws["beta_y_m"], atol=1e-9)


def test_a_drawn_mediator_under_a_logit_agrees_with_integration() -> None:
    """E[y | do(x)] = the mean over x' of the integral of expit(a + b m + c x') against m's Normal."""
    x = RNG.normal(size=ROWS)
    data = {
        "x": (x > 0).astype(int),
        "m": RNG.normal(size=ROWS),
        "y": (RNG.normal(size=ROWS) > 0).astype(int),
    }
    text = "nodes: {x: binary, m: continuous, y: binary}\nedges: [x -> m -> y, x <-> y]\neffect: x -> y\n"
    model = models_of(text, data)["frontdoor"]
    draws = {name: values[:1] for name, values in random_point(model).items()}
    (contrast,) = model.estimand.contrasts
    found = np.array(
        [
            functional_sides(model, draws, rows_of(model, data), contrast, seed=s)[1][0]
            for s in range(0, 4_000, 100)
        ]
    )
    at = {e.response: e for e in model.equations}
    slopes = {
        (e.response, t.name): (draws[t.symbol][0], t.centre[0]) for e in model.equations for t in e.terms
    }
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    share = data["x"].mean()

    def mean(do: int) -> float:
        slope, centre = slopes["m", "x"]
        m = draws[at["m"].intercept][0] + slope * (do - centre) + draws["sigma_m"][0] * nodes
        total = 0.0
        for value, chance in ((0, 1 - share), (1, share)):
            (b, at_m), (c, at_x) = slopes["y", "m"], slopes["y", "x"]
            eta = draws[at["y"].intercept][0] + b * (m - at_m) + c * (value - at_x)
            total += chance * float(weights @ (1 / (1 + np.exp(-eta))))
        return total

    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - (mean(1) - mean(0))) < 4.5 * error


def test_treatment_confounder_feedback_is_a_chain_and_no_regression() -> None:
    """a1 -> l -> a2 -> y with l -> y: the joint effect is b1 + b2 + bl * (a1's slope on l), never an adjusted
    slope.
    """
    data = {v: RNG.normal(size=ROWS) for v in ("a1", "l", "a2", "y")}
    nodes = ", ".join(f"{v}: continuous" for v in data)
    text = (
        f"nodes: {{{nodes}}}\nedges: [a1 -> l -> a2 -> y, 'a1, l -> y']\neffect: "
        f"{{exposure: [a1, a2], outcome: y}}\n"
    )
    models = models_of(text, data)
    model = models["functional"]
    assert "adjusted" not in models
    assert model.chained
    draws = random_point(model)
    (contrast,) = model.estimand.contrasts
    found = contrast_draws(model, draws, rows_of(model, data), contrast, seed=3)
    expected = draws["beta_y_a1"] + draws["beta_y_a2"] + draws["beta_y_l"] * draws["beta_l_a1"]
    np.testing.assert_allclose(found, expected, atol=1e-9)


INSTRUMENT = (
    "nodes: {z: continuous, w: continuous, x: continuous, y: continuous}\n"
    "edges: [z -> x -> y, 'w -> z, x, y', x <-> y]\neffect: x -> y\n"
)


def instrumented(rows: int = 300, strength: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    w, u = rng.normal(size=rows), rng.normal(size=rows)
    z = w + rng.normal(size=rows)
    x = strength * z + 0.5 * w + u + rng.normal(size=rows)
    return {"z": z, "w": w, "x": x, "y": 2 * x + w + 1.5 * u + rng.normal(size=rows)}


def test_the_instruments_program_is_the_bivariate_normal() -> None:
    """Its log density is that of (x, y) given z, w jointly Normal, written with SciPy, at random points."""
    data = instrumented()
    program = compiled(INSTRUMENT, data)
    (model,) = [m for m in program.plans[0].models if m.estimator == "instrument"]
    built = program.build(data, model.builder)
    logp = built.compile_logp(jacobian=False, vars=built.observed_RVs, mode="FAST_COMPILE")
    for _ in range(3):
        p = {name: RNG.normal(0, 1) for name in parameters(model)}
        p["sigma_x"], p["sigma_y"] = RNG.uniform(0.5, 2, 2)
        values = {
            v.name: np.log(p[rv.name]) if rv.name.startswith("sigma") else p[rv.name]
            for rv, v in built.rvs_to_values.items()
            if rv in built.free_RVs
        }
        z, w = (data[v] - float(f"{data[v].mean():.6g}") for v in ("z", "w"))
        mean_x = p["alpha_x"] + p["beta_x_z"] * z + p["beta_x_w"] * w
        centre = float(f"{data['x'].mean():.6g}")
        mean_y = p["alpha_y"] + p["beta_y_x"] * (mean_x - centre) + p["beta_y_w"] * w
        slope = p["beta_y_x"] + p["control_y"]  # of y on x's first-stage error
        covariance = np.array(
            [
                [p["sigma_x"] ** 2, slope * p["sigma_x"] ** 2],
                [slope * p["sigma_x"] ** 2, p["sigma_y"] ** 2 + slope**2 * p["sigma_x"] ** 2],
            ]
        )
        residual = np.stack([data["x"] - mean_x, data["y"] - mean_y], axis=1)
        expected = stats.multivariate_normal.logpdf(residual, np.zeros(2), covariance).sum()
        assert float(logp(values)) == pytest.approx(expected, rel=1e-8)


def test_the_first_stage_statistic_is_the_partial_f() -> None:
    data = instrumented(strength=0.1)
    model = models_of(INSTRUMENT, data)["instrument"]
    names, found = first_stage(model, data)
    assert names == ("z",)
    columns = np.column_stack([np.ones(300), data["w"], data["z"]])
    beta, left, *_ = np.linalg.lstsq(columns, data["x"], rcond=None)
    sd = np.sqrt(left[0] / (300 - 3) * np.linalg.inv(columns.T @ columns)[2, 2])
    assert found == pytest.approx((beta[2] / sd) ** 2, rel=1e-6)


@pytest.mark.slow
def test_the_instrument_recovers_what_regression_cannot() -> None:
    """The posterior mean against two-stage least squares, and the unadjusted slope far from both."""
    from dagreg import pipeline

    data = instrumented(rows=1_000)
    (effect,) = pipeline.fit(spec_of(INSTRUMENT), data).effects
    assert effect.result is not None
    rows = {e.estimator: e.summary for e in effect.result.estimates}
    given = np.column_stack([np.ones(1_000), data["w"]])
    residual = {v: data[v] - given @ np.linalg.lstsq(given, data[v], rcond=None)[0] for v in ("z", "x", "y")}
    two_stage = (residual["z"] @ residual["y"]) / (residual["z"] @ residual["x"])
    found = rows["instrument"]
    assert (
        abs(found.mean - two_stage) < 0.25 * found.sd
    )  # weak priors on a strong instrument move it less than that
    assert abs(found.mean - 2) < 4 * found.sd
    assert abs(rows["unadjusted"].mean - 2) > 10 * rows["unadjusted"].sd
    assert effect.diagnostics is not None
    assert effect.diagnostics.ok


@pytest.mark.parametrize(
    ("text", "letters", "reason"),
    [
        (
            "nodes: {w: continuous, z: binary, x: binary, y: binary}\n"
            "edges: [w -> z -> x -> y, w <-> x, w <-> y]\neffect: x -> y\n",
            "wzxy",
            "a ratio of sums over w",
        ),
        (
            "nodes: {w: binary, z: binary, x: continuous, y: binary}\n"
            "edges: [w -> z -> x -> y, w <-> x, w <-> y]\neffect: x -> y\n",
            "wzxy",
            "the probability of a value of x",
        ),
    ],
)
def test_a_formula_that_cannot_be_evaluated_is_left_out_with_the_reason(
    text: str, letters: str, reason: str
) -> None:
    data = binary(*letters)
    for name in letters:
        if f"{name}: continuous" in text:
            data[name] = RNG.normal(size=ROWS)
    (plan,) = compiled_plans(text, data)
    assert plan.models == ()
    assert any(reason in left.reason for left in plan.left_out)


def compiled_plans(text: str, data: Mapping[str, np.ndarray]):
    """The plans alone: there may be no model to compile."""

    spec = spec_of(text)
    return lower_all(study_of(spec), table_of(spec, data, allow_outside=False))


def test_a_joint_marginal_of_two_exposures_is_one_distribution() -> None:
    """sum over a', b' of P(y | a', b', m) P(a', b'): weights that add up to 1, not to 2."""
    text = (
        "nodes: {a: binary, b: binary, m: binary, y: binary, u: unobserved}\n"
        "edges: ['a, b -> m -> y', a -> b, 'u -> a, b, y']\neffect: {exposure: [a, b], outcome: y}\n"
    )
    data = binary("a", "b", "m", "y")
    model = models_of(text, data)["frontdoor"]
    draws = random_point(model)
    (contrast,) = model.estimand.contrasts
    found = functional_sides(model, draws, rows_of(model, data), contrast, seed=1)[1]
    for i in range(3):
        p = probability(model, draws, i, data)
        domains = dict.fromkeys("abmy", (0, 1))
        sides = [evaluate(model.functional, {"a": v, "b": v, "y": 1}, p, domains) for v in (0, 1)]
        assert found[i] == pytest.approx(sides[1] - sides[0], abs=1e-9)


def test_a_joint_marginal_with_a_number_is_drawn_from_the_rows_whole() -> None:
    text = (
        "nodes: {a: binary, b: continuous, m: continuous, y: continuous, u: unobserved}\n"
        "edges: ['a, b -> m -> y', a -> b, 'u -> a, b, y']\n"
        "effect: {exposure: [a, b], outcome: y, contrast: [[0, 0], [1, 2]]}\n"
    )
    data = binary("a") | {v: RNG.normal(size=ROWS) for v in "bmy"}
    model = models_of(text, data)["frontdoor"]
    draws = random_point(model)
    (contrast,) = model.estimand.contrasts
    found = functional_sides(model, draws, rows_of(model, data), contrast, seed=1)[1]
    expected = (draws["beta_m_a"] + 2 * draws["beta_m_b"]) * draws["beta_y_m"]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_an_exposure_that_acts_through_another_one_alone_adds_nothing() -> None:
    data = {v: RNG.normal(size=ROWS) for v in ("a", "b", "y")}
    text = "nodes: {a: continuous, b: continuous, y: continuous}\nedges: [a -> b -> y]\n"
    models = models_of(text + "effect: {exposure: [a, b], outcome: y}\n", data)
    for model in models.values():
        draws = random_point(model)
        (contrast,) = model.estimand.contrasts
        found = contrast_draws(model, draws, rows_of(model, data), contrast, seed=3)
        slopes = [draws[t.symbol] for t in model.outcome.terms]
        np.testing.assert_allclose(found, sum(slopes), atol=1e-9)
    hidden = text.replace("edges: [", "edges: [a <-> b, ") + "effect: {exposure: [a, b], outcome: y}\n"
    assert models_of(hidden, data)


@pytest.mark.parametrize(
    ("outcome", "exposure", "reason"),
    [
        ("{type: count, family: binomial, trials: t}", "binary", "trials or an offset"),
        ("{type: count, offset: t}", "binary", "trials or an offset"),
        ("continuous", "{type: categorical, levels: [p, q, r]}", "x is categorical"),
    ],
)
def test_an_instrument_is_left_out_where_its_model_does_not_fit(
    outcome: str, exposure: str, reason: str
) -> None:
    text = (
        f"nodes: {{z: binary, x: {exposure}, y: {outcome}}}\nedges: [z -> x -> y, x <-> y]\neffect: x -> y\n"
    )
    data = binary("z", "x", "y") | {"t": np.full(ROWS, 3)}
    if "categorical" in exposure:
        data["x"] = np.array((["p", "q", "r"] * ROWS)[:ROWS])
    (plan,) = compiled_plans(text, data)
    assert plan.models == ()
    assert any(reason in left.reason for left in plan.left_out)


def test_a_functional_whose_chain_is_left_out_says_so() -> None:
    text = (
        "nodes:\n  l: {type: categorical, levels: [p, q, r], pool: true}\n"
        + "".join(f"  {name}: binary\n" for name in "wzaby")
        + "edges: [w -> z -> l, a -> l -> b -> y, 'l, a -> y']\neffect: {exposure: [a, b], outcome: y}\n"
    )
    data = binary("w", "z", "a", "b", "y") | {"l": np.array((["p", "q", "r"] * ROWS)[:ROWS])}
    (plan,) = compiled_plans(text, data)
    assert plan.models == ()
    assert any("l" in left.reason for left in plan.left_out)
