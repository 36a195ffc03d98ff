"""Cells and index variables: levels with coefficients of their own, from the spec to the effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg import pipeline
from dagreg.binding import rows
from dagreg.doubts.collinear import columns_of
from dagreg.engines.exact import draw_exactly
from dagreg.errors import DagregError
from dagreg.result import Result
from dagreg.sources import source
from dagreg.spec.types import Sampling
from tests.fitting import compiled, models_of, spec_of
from tests.optimising import assert_equal_up_to_a_constant, notes, optimised

ROWS = 400


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    g, z = rng.integers(0, 3, ROWS), rng.integers(0, 2, ROWS)
    x = rng.normal(10, 2, ROWS)
    n = rng.integers(1, 9, ROWS)
    p = np.array([[0.1, 0.2], [0.5, 0.3], [0.7, 0.9]])[g, z]
    return {
        "g": np.array(["a", "b'c", "d"])[g],
        "z": z,
        "x": x,
        "n": n,
        "b": rng.binomial(1, p),
        "s": rng.binomial(n, p),
        "c": rng.poisson(4 * p),
        "y": 3 * g - z + 0.5 * x + rng.normal(size=ROWS),
    }


DATA = _data()
CELLS = "edges: ['g, z -> {y}', 'g -> z']\neffect: z -> {y}\nregressions: {{{y}: {{cells: [g, z]{more}}}}}\n"
NODES = "nodes: {g: categorical, z: binary, x: continuous, y: continuous}\n"
INDEX = (
    NODES.replace("{", "{{").replace("}", "}}")
    + "edges: ['g, x -> z', 'g, x, z -> y']\neffect: z -> y\nregressions: {{y: {{coding: index{more}}}}}\n"
)
BINOMIAL = "nodes: {g: categorical, z: binary, s: {type: count, family: binomial, trials: n}}\n"


def of(response: str, more: str = "") -> str:
    return CELLS.format(y=response, more=more)


def cell(data: dict[str, np.ndarray] = DATA) -> np.ndarray:
    return np.searchsorted(["a", "b'c", "d"], data["g"]) * 2 + data["z"]


def fit(text: str, data: Any = DATA) -> Result:
    return pipeline.fit(spec_of(text), data)


def message(text: str, data: Any = DATA) -> str:
    with pytest.raises(DagregError) as caught:
        fit(text, data)
    return str(caught.value)


# ---------------------------------------------------------------- closed forms

CONJUGATE = {
    "bernoulli": (of("b"), 1, 1),
    "a prior of the user's": (of("b", ', priors: {cells: "Beta(2, 5)"}'), 2, 5),
    "a uniform prior": (of("b", ', priors: {cells: "Uniform(0, 1)"}'), 1, 1),
    "binomial": (BINOMIAL + of("s"), 1, 1),
    "poisson": (of("c", ', priors: {cells: "Gamma(2, 0.5)"}'), 2, 0.5),
    "poisson, exponential prior": (of("c", ', priors: {cells: "Exponential(0.5)"}'), 1, 0.5),
}


def posterior(text: str, first: float, second: float) -> list[Any]:
    """The posterior of each cell, by the theorem."""
    response = spec_of(text).effects[0].outcome
    units = DATA["n"] if response == "s" else np.ones(ROWS)
    totals, units = (np.bincount(cell(), w) for w in (DATA[response], units))
    if response == "c":
        return [stats.gamma(first + t, scale=1 / (second + u)) for t, u in zip(totals, units, strict=True)]
    return [stats.beta(first + t, second + u - t) for t, u in zip(totals, units, strict=True)]


@pytest.mark.parametrize("name", CONJUGATE)
def test_exact_draws_are_those_of_the_conjugate_posterior(name: str) -> None:
    text, *prior = CONJUGATE[name]
    (piece,) = optimised(text, data=DATA).pieces
    assert notes(piece)["cells"]
    draws = draw_exactly(piece, Sampling(draws=10_000)).values[piece.equation.terms[0].symbol]
    for i, expected in enumerate(posterior(text, *prior)):
        assert stats.kstest(draws[..., i].ravel(), expected.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", CONJUGATE)
def test_the_density_of_the_program_is_the_conjugate_one(name: str) -> None:
    """log p(cells | y) of the readable program, at random points, is the theorem's up to a constant."""
    import pytensor

    text, *prior = CONJUGATE[name]
    case = optimised(text, data=DATA)
    built = case.readable.build(case.model.builder, case.rows)
    symbol = case.model.outcome.terms[0].symbol
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        logp = built.compile_fn(built.logp(jacobian=False), inputs=built.value_vars)
    rng, gaps = np.random.default_rng(1), []
    for _ in range(5):
        p = rng.uniform(0.1, 0.9, 6)
        at = np.log(p) if case.model.outcome.family.name == "poisson" else special.logit(p)
        expected = sum(e.logpdf(v) for e, v in zip(posterior(text, *prior), p, strict=True))
        gaps.append(float(logp({built.value_vars[0].name: at})) - expected)
    assert built.value_vars[0].name.startswith(symbol)
    assert np.ptp(gaps) < 1e-8


@pytest.mark.slow
def test_nuts_gives_the_posterior_of_the_exact_engine() -> None:
    exact, nuts = fit(of("b")), fit(of("b") + "sampling: {engine: nuts}\n")
    values = [r.samples["build_adjusted"].values["cells_b"].reshape(-1, 6) for r in (exact, nuts)]
    sd = values[0].std(axis=0)
    np.testing.assert_allclose(values[1].mean(axis=0), values[0].mean(axis=0), atol=0.1 * sd.min())
    np.testing.assert_allclose(values[1].std(axis=0), sd, rtol=0.1)


def test_a_prior_that_is_not_conjugate_is_left_to_the_sampler() -> None:
    (piece,) = optimised(of("c", ', priors: {cells: "HalfNormal(5)"}'), data=DATA).pieces
    assert not notes(piece)["cells"]
    assert piece.engine != "exact"


# ---------------------------------------------------------------- effects


def test_the_effect_is_the_average_difference_of_cells() -> None:
    result = fit(of("b").replace("effect: z -> b", "effect: {exposure: z, outcome: b, by: [g]}"))
    draws = result.samples["build_adjusted"].values["cells_b"].reshape(-1, 3, 2)
    differences = draws[..., 1] - draws[..., 0]
    rows_of = [e for e in result.effects[0].result.estimates if e.estimator == "adjusted"]
    found = [e for e in rows_of if e.scale == "outcome"]
    weights = np.bincount(cell() // 2) / ROWS
    assert found[0].summary.mean == pytest.approx((differences @ weights).mean(), rel=1e-12)
    for i, row in enumerate(found[1:]):
        assert row.by == {"g": ["a", "b'c", "d"][i]}
        assert row.summary.mean == pytest.approx(differences[:, i].mean(), rel=1e-12)
    assert "link" not in {e.scale for e in rows_of}


def test_a_cell_without_rows_has_its_prior_and_the_report_says_so() -> None:
    kept = cell() != 3
    data = {name: values[kept] for name, values in DATA.items()}
    result = fit(of("b", ', priors: {cells: "Beta(3, 2)"}'), data)
    draws = result.samples["build_adjusted"].values["cells_b"][..., 3].ravel()
    assert stats.kstest(draws, stats.beta(3, 2).cdf).pvalue > 1e-4
    (doubt,) = [d.message for d in result.effects[0].doubts if d.code == "DR522"]
    assert "the answer is the prior alone, Beta(3, 2)" in doubt


def test_cells_of_the_predictors_at_hand() -> None:
    """In the regression without adjustment the cells are those of the exposure alone."""
    adjusted, unadjusted = models_of(of("b"), DATA).values()
    assert adjusted.outcome.terms[0].columns[:2] == ("g[a]:z[0]", "g[a]:z[1]")
    assert unadjusted.outcome.terms[0].columns == ("z[0]", "z[1]")
    assert not any(t.causal for m in (adjusted, unadjusted) for t in m.outcome.terms)


def test_a_mediator_by_cells() -> None:
    """The chain through a mediator with cells is the sum over its values of probabilities of cells."""
    text = (
        "edges: [z -> b, 'z, b -> y']\neffect: z -> y\nregressions: {b: {cells: [z]}, y: {cells: [z, b]}}\n"
    )
    result = fit("nodes: {z: binary, b: binary, y: continuous}\n" + text)
    draws = result.samples["build_chain"].flat()
    b, y = draws["cells_b"], draws["cells_y"].reshape(-1, 2, 2)
    means = (1 - b) * y[..., 0] + b * y[..., 1]
    (row,) = [e for e in result.effects[0].result.estimates if e.estimator == "chain"]
    assert row.summary.mean == pytest.approx((means[:, 1] - means[:, 0]).mean(), rel=1e-12)


def test_cells_of_numbers_are_their_means() -> None:
    """With flat priors the exact posterior of a Gaussian cell is centred at the mean of its rows."""
    result = fit(NODES + of("y", ', priors: {cells: "Flat()"}'))
    draws = result.samples["build_adjusted"].values["cells_y"].reshape(-1, 6)
    for i in range(6):
        here = DATA["y"][cell() == i]
        assert abs(draws[:, i].mean() - here.mean()) < 5 * draws[:, i].std() / len(draws) ** 0.5


# ---------------------------------------------------------------- index variables


def test_index_coding_is_the_reference_coding_under_flat_priors() -> None:
    flat = ", priors: {slopes: Flat()}"
    index = fit(INDEX.format(more=flat.replace("slopes: Flat()", "g: Flat(), slopes: 'Normal(0, 1e4)'")))
    reference = fit(INDEX.format(more=flat).replace("coding: index", "coding: reference"))
    one, other = (r.effects[0].result.estimates[0].summary for r in (index, reference))
    assert one.mean == pytest.approx(other.mean, abs=0.1 * other.sd)
    assert one.sd == pytest.approx(other.sd, rel=0.05)


def test_there_is_no_intercept_unless_it_has_a_prior() -> None:
    plain, kept = (
        models_of(INDEX.format(more=more), DATA)["adjusted"].outcome
        for more in ("", ', priors: {intercept: "Normal(0, 5)"}')
    )
    assert not plain.has_intercept
    assert kept.has_intercept
    assert [t.name for t in plain.terms] == ["z", "g", "x"]
    assert plain.terms[0].prior.rule.startswith("Normal(mean(y)")
    assert plain.terms[1].prior.rule == "Normal(0, 2.5 sd(y))"
    assert plain.terms[2].centre is not None
    assert kept.terms[2].centre is None


def test_the_optimised_program_has_the_density_of_the_readable_one() -> None:
    assert_equal_up_to_a_constant(optimised(INDEX.format(more=""), data=DATA))
    assert_equal_up_to_a_constant(optimised(NODES + of("y"), data=DATA))
    assert_equal_up_to_a_constant(optimised(of("b", ", link: logit"), data=DATA))


@pytest.mark.parametrize(
    "text",
    [INDEX.format(more=""), NODES + of("y"), INDEX.format(more=', priors: {intercept: "Normal(0, 5)"}')],
)
def test_cross_products_give_the_triangle_of_the_rows(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R'R and the rest: a design of levels is not of full rank, so its triangle is one of several."""
    case = optimised(text, data=DATA)
    units, root = case.rows.triangle(case.model, case.model.outcome)
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    found = case.rows.triangle_without(case.model, case.model.outcome, None)
    assert found is not None
    assert found[0] == units
    np.testing.assert_allclose(found[1].T @ found[1], root.T @ root, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("text", [INDEX.format(more=""), NODES + of("y")])
def test_large_tables_give_the_same_effect(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = fit(text).effects[0].result.estimates[0].summary
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    large = fit(text).effects[0].result.estimates[0].summary
    assert large.mean == pytest.approx(small.mean, abs=0.1 * small.sd)
    assert large.sd == pytest.approx(small.sd, rel=0.05)


def test_levels_on_the_scale_of_the_link() -> None:
    """The log odds ratio is the difference of two levels' coefficients."""
    text = "edges: ['g, z -> b', g -> z]\neffect: z -> b\nregressions: {b: {coding: index}}\n"
    (model, _) = models_of(text, DATA).values()
    from dagreg.effects.estimate import estimates
    from dagreg.engines.draws import Draws

    values = {
        "alpha_b": np.zeros((1, 2)),
        "beta_b_z": np.array([[[0.5, 0.75], [1.0, 1.5]]]),
        "beta_b_g": np.zeros((1, 2, 3)),
    }
    found = estimates(model, Draws(values, "exact", 0, 0.0), DATA, 1)
    (row,) = [e for e in found if e.scale == "link"]
    assert row.summary.mean == pytest.approx(0.375)


# ---------------------------------------------------------------- slopes for each level

SLOPES = (
    NODES + "edges: ['g -> x', 'x, g -> y']\neffect: {exposure: x, outcome: y, by: [g]}\n"
    "regressions: {y: {coding: index, interactions: [%s], priors: {%s}}}\n"
)


def normal_posterior(design: np.ndarray, y: np.ndarray, scales: np.ndarray, sigma: float) -> np.ndarray:
    """The posterior means of coefficients that are Normal(0, scales), sigma known (Bishop 2006,
    section 3.3).
    """
    precision = design.T @ design / sigma**2 + np.diag(scales**-2.0)
    return np.asarray(np.linalg.solve(precision, design.T @ y / sigma**2))


def test_slopes_of_a_centred_number_are_checked_for_collinearity() -> None:
    """Without priors of the levels the number is centred: one centre, and a column for each level."""
    model = models_of(SLOPES % ('"x:g"', ""), DATA)["adjusted"]
    (slopes,) = (t for t in model.outcome.terms if t.numbers)
    assert slopes.centre is not None
    assert len(slopes.centre) == 1 < len(slopes.columns)
    names = columns_of(model, model.outcome, DATA).names
    assert set(slopes.columns) < set(names)


def test_each_level_has_a_slope_with_the_same_prior() -> None:
    """`a[g] + b[g] * x` under one prior for every b, against the closed form; sigma is all but known."""
    few = {name: values[:12] for name, values in DATA.items()}
    levels = np.unique(few["g"])
    hot = few["g"][:, None] == levels
    priors = 'g: "Normal(0, 5)", "x:g": "Normal(0, 0.2)", sigma: "Uniform(0.999, 1.001)"'
    result = fit(SLOPES % ('"x:g"', priors) + "sampling: {draws: 10000}\n", few)
    outcome = result.model().outcome
    assert [(t.name, t.columns) for t in outcome.terms] == [
        ("g", tuple(f"g[{level}]" for level in levels)),
        ("x:g", tuple(f"x:g[{level}]" for level in levels)),
    ]
    expected = normal_posterior(
        np.hstack([hot, hot * few["x"][:, None]]), few["y"], np.repeat([5, 0.2], len(levels)), 1
    )
    rows = [e for e in result.effects[0].result.estimates if e.by]
    for e, level in zip(rows, levels, strict=True):
        assert e.by == {"g": level}
    for e, slope in zip(rows, expected[len(levels) :], strict=True):
        assert e.summary.mean == pytest.approx(slope, abs=5 * e.summary.sd / 40_000**0.5)


def test_the_reference_level_has_no_say_in_slopes_for_each_level() -> None:
    """Under reference coding it has: there the prior is of differences from it."""
    few = {name: values[:12] for name, values in DATA.items()}
    found = []
    for reference in ("a", "d"):
        text = SLOPES % ("", '"x:g": "Normal(0, 0.2)", g: "Normal(0, 5)"')
        text = text.replace("interactions: [], ", "")
        text = text.replace("g: categorical", f"g: {{type: categorical, reference: {reference}}}")
        rows = fit(text, few).effects[0].result.estimates
        found.append({e.by["g"]: e.summary for e in rows if e.by})
    for level, one in found[0].items():
        assert one.mean == pytest.approx(found[1][level].mean, abs=6 * one.sd / 4000**0.5)


def test_a_prior_of_the_number_is_that_of_each_of_its_slopes() -> None:
    text = SLOPES.replace("interactions: [%s], ", "") % 'x: "Normal(0, 0.2)"'
    (term,) = [t for t in models_of(text, DATA)["adjusted"].outcome.terms if t.name == "x:g"]
    assert str(term.prior) == "Normal(0, 0.2)"
    both = SLOPES.replace("interactions: [%s], ", "") % 'x: "Normal(0, 0.2)", "x:g": "Normal(0, 3)"'
    (term,) = [t for t in models_of(both, DATA)["adjusted"].outcome.terms if t.name == "x:g"]
    assert str(term.prior) == "Normal(0, 3)"


@pytest.mark.parametrize(
    ("products", "terms"),
    [
        ('"x:g"', ["z", "g", "x:g"]),
        ('"g:z"', ["g:z", "x"]),
        ('"g:z", "x:g:z"', ["g:z", "x:g:z"]),
        ('"g:z", "x:g", "x:z"', ["g:z", "x:g", "x:z"]),
    ],
)
def test_what_a_coefficient_for_each_level_says_is_not_said_again(products: str, terms: list[str]) -> None:
    text = INDEX.format(more=f", interactions: [{products}]")
    (outcome, *_) = (m.outcome for m in models_of(text, DATA).values())
    assert [t.name for t in outcome.terms] == terms


def test_slopes_for_combinations_need_their_means() -> None:
    assert "and the response no mean for each" in message(INDEX.format(more=', interactions: ["x:g:z"]'))


SLOPED = [
    SLOPES.replace("effect: {exposure: x, outcome: y, by: [g]}", "effect: x -> y") % ('"x:g"', ""),
    INDEX.format(more=', interactions: ["g:z", "x:g:z"]'),
    INDEX.format(more=', interactions: ["x:g", "x:z"]'),
    INDEX.format(more=', interactions: ["x:g"], priors: {intercept: "Normal(0, 5)"}'),
]


@pytest.mark.parametrize("text", SLOPED)
def test_the_program_has_the_density_of_slopes_for_each_level(text: str) -> None:
    assert_equal_up_to_a_constant(optimised(text, data=DATA))


@pytest.mark.parametrize("text", SLOPED)
def test_cross_products_of_slopes_give_the_triangle_of_the_rows(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = optimised(text, data=DATA)
    _, root = case.rows.triangle(case.model, case.model.outcome)
    monkeypatch.setattr(rows, "MAX_IN_MEMORY", 10)
    found = case.rows.triangle_without(case.model, case.model.outcome, None)
    if found is None:  # slopes on x for g and for z each sum to x: the rows are read
        assert "x:z" in text
        return
    np.testing.assert_allclose(found[1].T @ found[1], root.T @ root, rtol=1e-9, atol=1e-9)


def test_a_slope_for_each_level_is_the_reference_coding_under_flat_priors() -> None:
    """Centring moves the levels' coefficients only; the effects of both codings are those of separate
    regressions.
    """
    text = SLOPES.replace("interactions: [%s], ", "") % 'g: "Normal(0, 1e5)", slopes: "Normal(0, 1e5)"'
    index, reference = (fit(t) for t in (text, text.replace("index", "reference")))
    for one, other in zip(*(r.effects[0].result.estimates[:4] for r in (index, reference)), strict=True):
        assert one.by == other.by
        assert one.summary.mean == pytest.approx(other.summary.mean, abs=0.1 * other.summary.sd)
        if one.by:
            here = DATA["g"] == one.by["g"]
            slope = np.polyfit(DATA["x"][here], DATA["y"][here], 1)[0]
            assert one.summary.mean == pytest.approx(slope, abs=0.1 * other.summary.sd)


# ---------------------------------------------------------------- mistakes, and what cells leave out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (of("b", ', priors: {cells: "Normal(0, 1)"}'), "a cell's mean is a probability"),
        (of("b", ', priors: {cells: "Uniform(0, 2)"}'), "is not kept between 0 and 1"),
        (of("c", ', priors: {cells: "Normal(0, 1)"}'), "a cell's mean is a rate"),
        (of("b").replace("cells: [g, z]", "cells: [z]"), "leaves no room for `g` beside them"),
        (of("b").replace("[g, z]", "[x, z]").replace("g,", "x,").replace("g ->", "x ->"),
        "`x` is continuous"),
        (of("b", ', priors: {z: "Normal(0, 1)"}'), "no regression of `b` has a term `z`"),
        (INDEX.format(more="").replace("y: continuous", "y: {type: categorical, column: "
                                                        "n}"), "has an intercept"),
    ],
)  # fmt: skip
def test_what_cells_do_not_take(text: str, said: str) -> None:
    assert said in message(text)


def test_another_link_lets_terms_stand_beside_cells() -> None:
    outcome = models_of(of("b", ", link: logit").replace("[g, z]", "[z]"), DATA)["adjusted"].outcome
    assert [t.name for t in outcome.terms] == ["z", "g"]
    assert outcome.link.name == "logit"


def test_a_program_without_data_reads_its_default_rate_from_them() -> None:
    nodes = "nodes: {g: {type: categorical, levels: [a, b]}, z: binary, c: count}\n"
    source = compiled(nodes + of("c")).source
    assert 'pm.Gamma("cells_c", alpha=1, beta=1 / c.get_value().mean()' in source


def test_levels_that_are_not_known_are_not_looked_up() -> None:
    known = np.arange(ROWS) % 7 > 0
    data = DATA | {"g": np.where(known, DATA["g"], None)}
    assert "enters with a coefficient for each level" in message("missing: impute\n" + of("b"), data)


def test_the_seed_decides() -> None:
    (piece,) = optimised(of("b"), data=DATA).pieces
    one, same, other = (draw_exactly(piece, Sampling(seed=s)).values["cells_b"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
