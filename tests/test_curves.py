"""Curves: polynomials and natural splines, from the spec to the effect."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator, CubicSpline

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.effects.rows import linear
from dagreg.emit import prelude
from dagreg.errors import DagregError
from dagreg.model.curves import basis, functions, functions_sql, powers
from dagreg.model.summary import CurveBasis
from dagreg.result import Result
from dagreg.sources import source
from tests.fitting import compiled, models_of, spec_of
from tests.optimising import assert_equal_up_to_a_constant, optimised

ROWS = 300
KNOTS = (2.0, 3.5, 4.0, 7.25, 11.0)


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    z = rng.normal(50, 10, ROWS)
    x = rng.gamma(3, 2, ROWS) + 0.02 * z
    m = 0.4 * x + rng.normal(0, 0.5, ROWS)
    return {
        "z": z,
        "x": x,
        "m": m,
        "k": rng.integers(0, 3, ROWS),
        "b": rng.binomial(1, 1 / (1 + np.exp(-np.sin(x)))),
        "y": np.sin(x) + 0.002 * (z - 50) ** 2 + rng.normal(0, 0.3, ROWS),
        "w": (m - 1) ** 2 + rng.normal(0, 0.2, ROWS),
    }


DATA = _data()
FLAT = "priors: {intercept: Flat(), slopes: Flat()}"
TO_Y = "edges: [z -> x, 'z, x -> y']\neffect: {{exposure: x, outcome: y{contrast}}}\n" + (
    "regressions: {{y: {{curves: {{x: {x}, z: {z}}}, {more}}}}}\n"
)


def to_y(x: str = "spline(4)", z: str = "poly(2)", more: str = FLAT, contrast: str = "") -> str:
    return TO_Y.format(x=x, z=z, more=more, contrast=contrast)


def fit(text: str, data: Any = DATA) -> Result:
    return pipeline.fit(spec_of(text), data)


def adjusted(result: Result) -> Any:
    return next(e.summary for e in result.effects[0].result.estimates if e.estimator == "adjusted")


def least_squares(y: np.ndarray, *blocks: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(np.column_stack([np.ones(len(y)), *blocks]), y, rcond=None)[0]


# ---------------------------------------------------------------- the basis


def test_a_spline_is_the_natural_cubic_one_through_its_heights() -> None:
    """SciPy's, between the knots; a straight line beyond them."""
    heights = np.array([0.0, 1.0, -2.0, 0.5, 3.0])
    curve = CurveBasis("spline", 4, KNOTS)
    x = np.linspace(2, 11, 200)
    expected = CubicSpline(KNOTS, heights, bc_type="natural")
    np.testing.assert_allclose(basis(curve, x) @ heights[1:], expected(x), atol=1e-12)
    for end, beyond in ((2.0, np.array([-3.0, 0.0, 1.0])), (11.0, np.array([12.0, 20.0]))):
        line = expected(end) + expected(end, 1) * (beyond - end)
        np.testing.assert_allclose(basis(curve, beyond) @ heights[1:], line, atol=1e-11)


def test_a_polynomial_goes_through_its_heights() -> None:
    heights = np.array([0.0, 1.0, -2.0, 0.5, 3.0])
    curve = CurveBasis("poly", 4, KNOTS)
    x = np.linspace(0, 14, 50)
    np.testing.assert_allclose(
        basis(curve, x) @ heights[1:], BarycentricInterpolator(KNOTS, heights)(x), rtol=1e-9
    )
    of_powers = powers(curve) @ heights[1:]
    values = np.column_stack([x**i for i in range(1, 5)]) @ of_powers
    np.testing.assert_allclose(np.diff(values), np.diff(basis(curve, x) @ heights[1:]), atol=1e-9)


@pytest.mark.parametrize("kind", ["poly", "spline"])
def test_the_same_in_the_program_and_in_sql(kind: Any) -> None:
    curve, x = CurveBasis(kind, 4, KNOTS), np.linspace(0, 14, 40)
    written = (prelude.polynomial if kind == "poly" else prelude.natural_spline)(x, list(KNOTS))
    np.testing.assert_allclose(written, basis(curve, x), atol=1e-12)
    found = duckdb.sql(
        f"SELECT {', '.join(functions_sql(curve, 'x'))} FROM (SELECT unnest({x.tolist()}) AS x)"
    ).fetchall()
    np.testing.assert_allclose(np.array(found, dtype=float), functions(curve, x)[:, 1:], atol=1e-12)


# ---------------------------------------------------------------- fits and effects


def test_one_unit_more_moves_along_the_curve() -> None:
    """Under flat priors the posterior mean is that of least squares, the basis evaluated at x and x + 1."""
    x, z, y = (DATA[n] for n in "xzy")
    curve = CurveBasis("spline", 4, tuple(np.quantile(x, np.linspace(0, 1, 5))))
    b = least_squares(y, basis(curve, x), z, z**2)[1:5]
    expected = ((basis(curve, x + 1) - basis(curve, x)) @ b).mean()
    found = adjusted(fit(to_y()))
    assert found.mean == pytest.approx(expected, abs=0.1 * found.sd)


@pytest.mark.parametrize("kind", ["poly(3)", "spline(3)"])
def test_a_contrast_is_a_difference_of_heights(kind: str) -> None:
    x, z, y = (DATA[n] for n in "xzy")
    curve = CurveBasis("poly" if "poly" in kind else "spline", 3, tuple(np.quantile(x, np.linspace(0, 1, 4))))
    b = least_squares(y, basis(curve, x), z, z**2)[1:4]
    low, high = basis(curve, np.array([4.0, 9.0])) @ b
    found = adjusted(fit(to_y(kind, contrast=", contrast: [4, 9]")))
    assert found.mean == pytest.approx(high - low, abs=0.1 * found.sd)


def test_a_polynomial_is_reported_by_its_powers() -> None:
    result = fit(to_y("poly(2)"))
    rows_of = {c.term: c for c in result.effects[0].result.coefficients if c.estimator == "adjusted"}
    x, z, y = (DATA[n] for n in "xzy")
    expected = least_squares(y, x, x**2, z, z**2)[1:]
    assert set(rows_of) == {"x", "x^2", "z", "z^2"}
    for value, row in zip(expected, rows_of.values(), strict=True):
        assert row.summary.mean == pytest.approx(value, abs=0.1 * row.summary.sd)
    assert not any(row.causal for row in rows_of.values())


def test_a_curve_in_a_mediator_is_averaged_over_its_distribution() -> None:
    """y = c1 m + c2 m^2 with m = a + b x + noise: E[y | do(x + 1)] - E[y | do(x)] = c1 b + c2 (2 b mean(mu) +
    b^2).
    """
    text = "edges: [x -> m -> w]\neffect: x -> w\nregressions: {w: {curves: {m: poly(2)}}}\n"
    result = fit(text)
    (model,) = [m for m in result.effects[0].plan.models if m.estimator == "chain"]
    assert not linear(model)
    draws, outcome = result.samples["build_chain"].flat(), model.outcome
    c1, c2 = (draws[outcome.terms[0].symbol] @ powers(outcome.terms[0].curve).T).T
    (first,) = model.mediators[0].terms
    b = draws[first.symbol]
    mu = draws[model.mediators[0].intercept] + b * (DATA["x"].mean() - first.centre[0])
    expected = c1 * b + c2 * (2 * b * mu + b**2)
    (found,) = [e.summary for e in result.effects[0].result.estimates if e.estimator == "chain"]
    assert found.mean == pytest.approx(expected.mean(), abs=0.02 * found.sd + 0.002)
    assert found.sd == pytest.approx(expected.std(), rel=0.05)


def test_the_optimised_program_has_the_density_of_the_readable_one() -> None:
    assert_equal_up_to_a_constant(optimised(to_y(more="priors: {sigma: Exponential(1)}"), data=DATA))


@pytest.mark.parametrize("more", ["priors: {sigma: Exponential(1)}", "priors: {intercept: Flat()}"])
def test_cross_products_give_the_triangle_of_the_rows(more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = optimised(to_y(more=more), data=DATA)
    units, root = case.rows.triangle(case.model, case.model.outcome)
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    found = case.rows.triangle_without(case.model, case.model.outcome, None)
    assert found is not None
    assert found[0] == units
    gram = root.T @ root
    scale = np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    assert (np.abs(found[1].T @ found[1] - gram) / scale).max() < 1e-9


def test_a_large_table_gives_the_same_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    small = adjusted(fit(to_y()))
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    assert adjusted(fit(to_y())).mean == pytest.approx(small.mean, abs=0.05 * small.sd)


@pytest.mark.slow
def test_another_family() -> None:
    """A logistic curve: the g-formula is the mean of the inverse link over rows, at the posterior's own
    draws.
    """
    text = "edges: [x -> b]\neffect: x -> b\nregressions: {b: {curves: {x: spline(5)}}}\n"
    result = fit(text)
    (model,) = result.effects[0].plan.models
    (term,) = model.outcome.terms
    draws, x = result.samples["build_adjusted"].flat(), DATA["x"]

    def mean(at: np.ndarray) -> np.ndarray:
        eta = (
            draws[model.outcome.intercept][:, None]
            + draws[term.symbol] @ (basis(term.curve, at) - term.centre).T
        )
        return (1 / (1 + np.exp(-eta))).mean(axis=1)

    rows_of = result.effects[0].result.estimates
    assert [e.scale for e in rows_of] == ["outcome", "risk ratio", "odds ratio"]
    assert rows_of[0].summary.mean == pytest.approx((mean(x + 1) - mean(x)).mean(), rel=1e-9)
    assert result.effects[0].diagnostics.ok


def test_the_prior_is_of_heights_and_the_intercepts_at_zero() -> None:
    default, given = (
        models_of(to_y(more=more), DATA)["adjusted"].outcome.terms[0]
        for more in (
            "priors: {sigma: Exponential(1)}",
            "priors: {intercept: 'Normal(0, 1)', x: 'Normal(0, 3)'}",
        )
    )
    assert default.prior.rule == "Normal(0, 2.5 sd(y))"
    assert str(given.prior) == "Normal(0, 3)"
    np.testing.assert_allclose(default.centre, basis(default.curve, DATA["x"]).mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(given.centre, basis(given.curve, np.zeros(1))[0], rtol=1e-4)
    assert default.columns[-1] == f"x[{DATA['x'].max():.6g}]"


def test_the_transform_comes_first() -> None:
    text = "nodes: {x: {type: continuous, transform: log}, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
    (term,) = models_of(text + "regressions: {y: {curves: {x: spline(2)}}}\n", DATA)["adjusted"].outcome.terms
    np.testing.assert_allclose(term.curve.knots, np.quantile(np.log(DATA["x"]), [0, 0.5, 1]), rtol=1e-5)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "edges: [k -> y]\neffect: k -> y\nregressions: {y: {curves: {k: spline(4)}}}\n",
            "too few distinct values",
        ),
        ("edges: [b -> y]\neffect: b -> y\nregressions: {y: {curves: {b: poly(2)}}}\n", "`b` is binary"),
        (
            "edges: [z -> x, x -> y]\neffect: x -> y\nregressions: {y: {curves: {z: poly(2)}}}\n",
            "has a term `z`",
        ),
        (
            "nodes: {u: unobserved, x: continuous, y: continuous, z: continuous}\n"
            "edges: [z -> x, x -> y, 'u -> x, y']\neffect: x -> y\nregressions: {y: {curves: {x: "
            "poly(2)}}}\n",
            "the regressions of an instrument are linear",
        ),
    ],
)
def test_what_cannot_be_a_curve(text: str, said: str) -> None:
    with pytest.raises(DagregError) as caught:
        compiled(text, DATA)
    assert said in str(caught.value)


def test_without_data_the_intercepts_prior_needs_knots() -> None:
    with pytest.raises(DagregError, match="DR442"):
        compiled(to_y())
