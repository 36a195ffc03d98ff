"""Missing values inside the model: densities against NumPy, children on completed columns,
recovery, effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg import pipeline
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.rows import observed_rows
from dagreg.emit import prelude
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError
from dagreg.model.plan import Model
from dagreg.sources.duck import open_frame
from tests.fitting import compiled, models_of, spec_of
from tests.test_emit import Point, _check_density, normal

ROWS = 24


def _gappy(values: Any, gaps: Any) -> list[Any]:
    return [None if i in gaps else value for i, value in enumerate(np.asarray(values).tolist())]


def _data() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    w = rng.normal(0, 1, ROWS)
    z, g = rng.integers(0, 2, ROWS), np.array(["a", "b", "c"] * (ROWS // 3))
    x = rng.normal(w, 1)
    y = rng.normal(x + z)
    return {
        "w": w,
        "z": _gappy(z, {1, 4, 9, 20}),
        "g": _gappy(g, {2, 4, 11}),
        "x": _gappy(x, {3, 4, 9, 15}),
        "y": _gappy(y, {0, 9, 17}),
    }


DATA = _data()
PRIORS = "{intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)'"
GRAPH = (
    "missing: impute\nnodes: {w: continuous, z: binary, g: categorical, x: continuous, y: continuous}\n"
    "edges: ['w -> z, g, x, y', 'z -> g, x, y', 'g -> x, y', 'x -> y']\neffect: x -> y\n"
    f"regressions: {{z: {{priors: {PRIORS}}}}}, g: {{priors: {PRIORS}}}}}, "
    f"x: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}, "
    f"y: {{interactions: ['x:z'], priors: {PRIORS}, sigma: 'Exponential(1)'}}}}}}\n"
)


def arrays(data: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as a fit reads them, gaps masked."""
    return open_frame(data).arrays(tuple(data), gaps=True)


def fillings(i: int, known: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """The levels that a row may have."""
    options = [levels if DATA[name][i] is None else (DATA[name][i],) for name, levels in known.items()]
    return (dict(zip(known, chosen, strict=True)) for chosen in product(*options))


def _row(p: Point, i: int, z: int, g: str, x: float) -> float:
    """The log density of one row whose gaps are filled."""
    w, y, which = DATA["w"][i], DATA["y"][i], "abc".index(g)
    found = stats.bernoulli.logpmf(z, special.expit(p["alpha_z"] + p["beta_z_w"] * w))
    odds = np.concatenate([[0.0], p["alpha_g"] + p["beta_g_w"] * w + p["beta_g_z"] * z])
    found += odds[which] - special.logsumexp(odds)
    indicators = np.array([which == 1, which == 2], dtype=float)
    mean = p["alpha_x"] + p["beta_x_w"] * w + p["beta_x_z"] * z + indicators @ p["beta_x_g"]
    found += stats.norm.logpdf(x, mean, p["sigma_x"])
    if y is not None:
        eta = (
            p["alpha_y"]
            + p["beta_y_x"] * x
            + p["beta_y_w"] * w
            + p["beta_y_z"] * z
            + indicators @ p["beta_y_g"]
        )
        found += stats.norm.logpdf(y, eta + p["beta_y_x_z"] * x * z, p["sigma_y"])
    return float(found)


def _priors(p: Point) -> float:
    found = sum(normal(v, 0, 2) for name, v in p.items() if name.startswith("alpha"))
    found += sum(normal(v, 0, 1) for name, v in p.items() if name.startswith("beta"))
    return found + sum(float(stats.expon.logpdf(v)) for name, v in p.items() if name.startswith("sigma"))


def test_missing_levels_are_summed_over_and_missing_numbers_are_parameters() -> None:
    """Row 4 lacks two levels and a number, row 9 a level, a number and its outcome."""

    def logp(p: Point) -> float:
        unseen = iter(p["x_unseen"])
        x = [next(unseen) if v is None else v for v in DATA["x"]]
        rows = [
            special.logsumexp(
                [_row(p, i, f["z"], f["g"], x[i]) for f in fillings(i, {"z": (0, 1), "g": tuple("abc")})]
            )
            for i in range(ROWS)
        ]
        return _priors(p) + float(np.sum(rows))

    columns = arrays(DATA)
    _check_density(compiled(GRAPH, DATA).build(columns), logp)


@pytest.mark.parametrize("as_frame", [False, True], ids=["masked arrays", "not a number"])
def test_a_child_reads_the_completed_column(as_frame: bool) -> None:
    """With one imputed value moved by d, the child's residual in that row moves by its slope times d."""
    data = {"x": _gappy(np.linspace(-1, 1, 9), {2, 6}), "y": np.linspace(0, 3, 9)}
    text = (
        "missing: impute\nnodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
        f"regressions: {{x: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}, "
        f"y: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}}}\n"
    )

    def logp(p: Point) -> float:
        x = np.array([np.nan if v is None else v for v in data["x"]])
        x[[2, 6]] = p["x_unseen"]
        eta = p["alpha_y"] + p["beta_y_x"] * x
        return _priors(p) + normal(x, p["alpha_x"], p["sigma_x"]) + normal(data["y"], eta, p["sigma_y"])

    columns = {k: np.array(v, dtype=float) for k, v in data.items()} if as_frame else arrays(data)
    _check_density(compiled(text, data).build(columns), logp)


def test_a_mediators_child_reads_the_mediators_completed_column() -> None:
    """In the chain the mediator's own regression is its distribution, and the outcome sees what
    was imputed.
    """
    rng = np.random.default_rng(2)
    a = rng.normal(size=12)
    data = {"a": a, "m": _gappy(rng.normal(a), {0, 7, 8}), "y": rng.normal(size=12)}
    text = (
        "missing: impute\nnodes: {a: continuous, m: continuous, y: continuous}\nedges: [a -> m -> "
        "y]\neffect: a -> y\n"
        f"regressions: {{m: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}, "
        f"y: {{priors: {PRIORS}, sigma: 'Exponential(1)'}}}}}}\n"
    )

    def logp(p: Point) -> float:
        m = np.array([np.nan if v is None else v for v in data["m"]])
        m[[0, 7, 8]] = p["m_unseen"]
        first = normal(m, p["alpha_m"] + p["beta_m_a"] * a, p["sigma_m"])
        return _priors(p) + first + normal(data["y"], p["alpha_y"] + p["beta_y_m"] * m, p["sigma_y"])

    _check_density(compiled(text, data).build(arrays(data), "build_chain"), logp)


def test_a_response_without_children_is_not_imputed() -> None:
    data = {"x": np.linspace(-1, 1, 30), "y": _gappy(np.linspace(0, 3, 30) ** 2, {3, 4})}
    text = "missing: impute\nnodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
    result = pipeline.fit(spec_of(text), data)
    dropped = pipeline.fit(spec_of(text.replace("impute", "drop")), data)
    for fitted in (result, dropped):
        assert fitted.effects[0].diagnostics is not None
        assert fitted.effects[0].diagnostics.engine == "exact"
    ours, theirs = (r.effects[0].result.estimates[0].summary for r in (result, dropped))  # type: ignore[union-attr]  # fitted
    assert ours.mean == pytest.approx(theirs.mean, rel=5e-3)  # the default prior follows the rows used
    assert result.record.data.rows_used == 30
    assert dropped.record.data.rows_used == 28


def test_regressions_without_the_node_are_solved_as_ever() -> None:
    rng = np.random.default_rng(2)
    a, m = rng.normal(size=(2, 80))
    data = {"a": a, "m": m, "k": _gappy(rng.normal(size=80), {1, 5}), "y": rng.normal(size=80)}
    text = (
        "missing: impute\nnodes: {a: continuous, m: continuous, k: continuous, y: continuous}\n"
        "edges: [a -> m -> y, k -> y]\neffect: a -> y\n"
    )
    pieces = pipeline.compile(spec_of(text), data, optimised=True).pieces["build_chain"]
    assert [(len(p.model.equations), p.engine) for p in pieces] == [(2, "importance"), (1, "exact")]
    assert [e.response for e in pieces[0].model.equations] == ["k", "y"]


# ---------------------------------------------------------------- effects


def _draws(model: Model, count: int, cells: int, unseen: int) -> dict[str, Any]:
    rng = np.random.default_rng(9)
    found: dict[str, Any] = {"x_unseen": rng.normal(size=(1, count, unseen))}
    for equation in model.equations:
        found[equation.intercept] = rng.normal(size=(1, count))
        for term in equation.terms:
            width = () if len(term.columns) == 1 else (len(term.columns),)
            found[term.symbol] = rng.normal(size=(1, count, *width))
    chances = rng.dirichlet(np.ones(2), size=(1, count, cells))
    return {**found, "chances": chances}


def test_effects_average_over_what_is_imputed_draw_by_draw() -> None:
    """Under a logit link the covariates matter: a brute-force average over rows, levels and draws."""
    rng = np.random.default_rng(3)
    data = {
        "t": rng.integers(0, 2, ROWS),
        "z": DATA["z"],
        "x": DATA["x"],
        "y": rng.integers(0, 2, ROWS),
    }
    text = (
        "missing: impute\nnodes: {t: binary, z: binary, x: continuous, y: binary}\n"
        "edges: ['z -> t, y', 'x -> t, y', 't -> y']\neffect: {exposure: t, outcome: y, by: [z]}\n"
        f"regressions: {{y: {{interactions: [], priors: {PRIORS}}}}}}}\n"
    )
    model = models_of(text, data)["adjusted"]
    values = _draws(model, 7, 4, 4)
    draws = Draws(values, "nuts", 0, 0.0)
    chance = values["chances"][0]
    gaps = [i for i in range(ROWS) if data["z"][i] is None]

    def truth(d: int, only: int | None) -> float:
        at = {name: v[0, d] for name, v in values.items()}
        total = weight = 0.0
        unseen = iter(at["x_unseen"])
        for i in range(ROWS):
            x = data["x"][i] if data["x"][i] is not None else next(unseen)
            for z in (0, 1):
                known = data["z"][i]
                p = float(known == z) if known is not None else chance[d, gaps.index(i), z]
                p *= only in (None, z)
                eta = at["alpha_y"] + at["beta_y_z"] * z + at["beta_y_x"] * x
                total += p * (special.expit(eta + at["beta_y_t"]) - special.expit(eta))
                weight += p
        return total / weight

    (contrast,) = model.estimand.contrasts
    columns = arrays(data)
    found = contrast_draws(model, draws.flat(), observed_rows(model, columns), contrast, 1)
    np.testing.assert_allclose(found, [truth(d, None) for d in range(7)], rtol=1e-12)
    from dagreg.effects.rows import subset

    ones = subset(model, observed_rows(model, columns, ("z",)), {"z": 1})
    found = contrast_draws(model, draws.flat(), ones, contrast, 1, ("z",))
    np.testing.assert_allclose(found, [truth(d, 1) for d in range(7)], rtol=1e-12)


def test_the_table_of_the_effects_is_that_of_the_program() -> None:
    from dagreg.effects.rows import every_level

    levels = {"z": [0, 1], "g": ["a", "b", "c"]}
    table, row, cells = prelude.every_level(arrays(DATA), levels)
    ours, rows, place = every_level(arrays(DATA), levels)
    np.testing.assert_array_equal(rows, row)
    np.testing.assert_array_equal(cells[row, place], np.arange(len(row)))
    for name in levels:
        assert list(table[name]) == list(ours[name])


# ---------------------------------------------------------------- recovery


def at_random(rows: int, seed: int = 4) -> dict[str, Any]:
    """A confounder missing more often where the outcome is large: complete rows mislead,
    imputation does not.
    """
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, rows)
    x = rng.normal(0.8 * z, 1)
    y = rng.normal(0.5 * x + 1.0 * z, 1)
    b = rng.random(rows) < special.expit(2 * y - 1)
    return {"x": x, "y": y, "z": _gappy(z, set(np.flatnonzero(b).tolist()))}


IMPUTED = (
    "missing: {}\nnodes: {{x: continuous, z: continuous, y: continuous}}\nedges: ['z -> x, y', 'x -> y']\n"
    "effect: x -> y\nsampling: {{draws: 500, tune: 500, chains: 2}}\n"
)


@pytest.mark.slow
def test_the_effect_is_recovered_where_complete_rows_mislead() -> None:
    data = at_random(400)
    imputed, dropped = (
        pipeline.fit(spec_of(IMPUTED.format(how)), data).effects[0].result for how in ("impute", "drop")
    )
    assert imputed is not None
    assert dropped is not None
    ours, theirs = imputed.estimates[0].summary, dropped.estimates[0].summary
    assert abs(ours.mean - 0.5) < 2 * ours.sd
    assert theirs.mean < 0.5 - 2 * theirs.sd


@pytest.mark.slow
def test_a_missing_binary_confounder_is_summed_out() -> None:
    rng = np.random.default_rng(6)
    z = rng.integers(0, 2, 600)
    x = rng.integers(0, 2, 600) * 0 + (rng.random(600) < 0.3 + 0.4 * z)
    y = rng.normal(1.0 * x + 2.0 * z, 1)
    gone = set(np.flatnonzero(rng.random(600) < special.expit(y - 2)).tolist())
    data = {"x": x.astype(int), "z": _gappy(z, gone), "y": y}
    text = IMPUTED.format("impute").replace("x: continuous, z: continuous", "x: binary, z: binary")
    found = pipeline.fit(spec_of(text), data)
    result = found.effects[0].result
    assert result is not None
    assert abs(result.estimates[0].summary.mean - 1.0) < 2.5 * result.estimates[0].summary.sd
    chances = found.samples["build_adjusted"].values["chances"]
    assert chances.shape[2:] == (len(gone), 2)
    np.testing.assert_allclose(chances.sum(axis=-1), 1, rtol=1e-12)
    right = chances.mean(axis=(0, 1))[:, 1] > 0.5
    assert (right == (z[sorted(gone)] == 1)).mean() > 0.75


# ---------------------------------------------------------------- refusals and the report


@pytest.mark.parametrize(
    ("nodes", "data", "code"),
    [
        ("x: count, y: continuous", {"x": _gappy(np.arange(ROWS) % 5, {3})}, "DR434"),
        ("x: group, y: continuous", {"x": _gappy(np.arange(ROWS) % 5, {3})}, "DR434"),
        ("x: continuous, y: {type: count, offset: u}", {"u": _gappy(np.ones(ROWS), {2})}, "DR328"),
    ],
)
def test_what_is_not_imputed(nodes: str, data: Mapping[str, Any], code: str) -> None:
    columns = {"x": DATA["w"], "y": np.arange(ROWS) % 4, **data}
    text = f"missing: impute\nnodes: {{{nodes}}}\nedges: [x -> y]\neffect: x -> y\n"
    with pytest.raises(DagregError) as caught:
        compiled(text, columns)
    assert caught.value.diagnostics[0].code == code


def test_formulas_need_every_value() -> None:
    """The front door averages over the rows as they are."""
    rng = np.random.default_rng(1)
    x, m, y = rng.normal(size=(3, 20))
    data = {"x": x, "m": _gappy(m, {2}), "y": y}
    text = "missing: impute\nedges: [x -> m -> y, x <-> y]\neffect: x -> y\n"
    plan = compiled(text, data | {"m": m}).plans[0]
    assert [m.estimator for m in plan.models] == ["frontdoor", "unadjusted"]
    with pytest.raises(DagregError) as caught:
        compiled(text, data)
    assert "values of m are not known" in caught.value.diagnostics[0].message


REPORTED = (
    "missing: impute\nnodes: {x: continuous, z: binary, y: continuous}\n"
    "edges: ['z -> x, y', 'x -> y']\neffect: x -> y\n"
)


@pytest.mark.slow
def test_the_report_counts_what_is_missing_and_names_the_assumption() -> None:
    data = {name: DATA[name] for name in ("x", "y", "z")}
    text = pipeline.fit(spec_of(REPORTED + "sampling: {draws: 100, tune: 200, chains: 2}\n"), data).report()
    assert "4 in x" in text
    assert "missing at random" in text
    assert "does not depend on the value itself" in text
