"""Sums over very many rows as Taylor series: the sums, the same ones in SQL, and what is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from dagreg import pipeline
from dagreg.binding import rows as table_rows
from dagreg.binding.row_sums import in_sql, likelihood_rows, start_of
from dagreg.binding.rows import Rows
from dagreg.doubts import separation
from dagreg.effects import averages, surrogate
from dagreg.effects.averages import averages_in, averages_of
from dagreg.effects.gformula import both_sides
from dagreg.effects.rows import observed_rows
from dagreg.engines import expansion, metropolis
from dagreg.engines.draws import convergence
from dagreg.engines.expansion import Expanded, points_by_series, remainder
from dagreg.engines.metropolis import draw_by_metropolis
from dagreg.engines.run import with_intercepts
from dagreg.engines.target import look_at, mode, target_of
from dagreg.families import FAMILIES
from dagreg.families.links import LINKS
from dagreg.model.plan import Model
from dagreg.numerics import glm
from dagreg.numerics.series import ArrayRows, Series, farthest, products, told, unpacked
from dagreg.result import Result
from dagreg.sources import source
from dagreg.sources.duck import DuckSource
from dagreg.sources.expression import Sql, TableColumn, sql_of, sums_sql, total
from dagreg.spec.types import Sampling
from tests.fitting import spec_of, table_of

COUNT = 4_000
H = 1e-3  # of differences that stand for derivatives
TAYLOR = [(name, link) for name, family in FAMILIES.items() for link in family.log_taylor]
SAMPLING = Sampling(draws=1_000, chains=4, seed=5)


def data(count: int = COUNT) -> dict[str, Any]:
    rng = np.random.default_rng(12)
    z, g = rng.integers(0, 2, count), np.array(["a", "b's", "c{}"])[rng.integers(0, 3, count)]
    x = 50 + 3 * rng.normal(size=count) + z
    e = rng.uniform(0.5, 3, count)
    eta = 0.2 * (x - 50) - 0.5 * z + 0.4 * (g == "c{}")
    n = rng.integers(1, 6, count)
    return {
        "z": z, "g": g, "x": x, "e": e, "n": n,
        "b": (rng.random(count) < 1 / (1 + np.exp(-eta))).astype(int),
        "s": rng.binomial(n, 1 / (1 + np.exp(-eta))),
        "c": rng.poisson(e * np.exp(0.3 * eta)),
        "t": rng.exponential(np.exp(0.3 * eta)),
        "over": rng.poisson(rng.gamma(2, np.exp(0.3 * eta) / 2)),
    }  # fmt: skip


NODES = (
    "nodes: {{x: continuous, z: binary, g: categorical, {node}}}\nedges: ['z, g -> x', 'x, z, g -> {y}']\n"
)


def text(node: str, y: str, more: str = "") -> str:
    return NODES.format(node=f"{y}: {node}", y=y) + f"effect: x -> {y}\n{more}"


CASES = {
    "bernoulli": text("binary", "b"),
    "cloglog": text("binary", "b", "regressions: {b: {link: cloglog}}"),
    "trials": text("{type: count, family: binomial, trials: n}", "s"),
    "exposures": text("{type: count, offset: e}", "c"),
    "exponential": text("{type: positive, family: exponential}", "t"),
    "interactions": text("binary", "b", "regressions: {b: {interactions: ['x:z', 'x:g']}}"),
    "levels": text("binary", "b", "regressions: {b: {coding: index}}"),
    "curve": text("binary", "b", "regressions: {b: {curves: {x: poly(3)}}}"),
}


def case(name: str) -> tuple[Model, Rows]:
    spec = spec_of(CASES[name])
    table = table_of(spec, data())
    model = pipeline.compile(spec, data()).plans[0].models[0]
    return model, table.rows


def near_mode(rows: Any, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The mode, and points as a posterior of these rows has them."""
    found = mode(look_at(rows), model.outcome.coefficients, start_of(model.outcome, rows))
    assert found is not None
    centre, information = found
    root = np.linalg.inv(np.linalg.cholesky(information)).T
    return centre, centre + np.random.default_rng(1).normal(size=(9, len(centre))) @ root.T


# ------------------------------------------------------------ derivatives


@pytest.mark.parametrize(("name", "link"), TAYLOR)
def test_the_derivatives_of_a_log_likelihood(name: str, link: str) -> None:
    family, eta = FAMILIES[name], np.linspace(-4, 3, 30)[:, None]
    y, trials = (np.arange(30.0) % 2)[:, None], np.ones((30, 1))
    if family.trials:
        y, trials = y + 2, 5 * trials
    taylor = family.log_taylor[link]
    here, up, down = (taylor(y, eta + step, trials, 4) for step in (0, H, -H))
    plain = family.log_density[link](y, eta, LINKS[link].inverse(eta), {"trials": trials})
    np.testing.assert_allclose(here[0], plain, rtol=1e-12, atol=1e-13)
    for k in range(4):
        slope = (up[k] - down[k]) / (2 * H)
        np.testing.assert_allclose(here[k + 1], slope, atol=1e-6 * np.abs(slope).max())
        assert len(taylor(y, eta, trials, k)) == k + 1


@pytest.mark.parametrize("link", [name for name, one in LINKS.items() if one.taylor is not None])
def test_the_derivatives_of_an_inverse_link(link: str) -> None:
    taylor, eta = LINKS[link].taylor, np.linspace(-4, 3, 30)
    assert taylor is not None
    here, up, down = (taylor(eta + step) for step in (0, H, -H))
    np.testing.assert_allclose(here[0], LINKS[link].inverse(eta), rtol=1e-12)
    for k in range(4):
        slope = (up[k] - down[k]) / (2 * H)
        np.testing.assert_allclose(here[k + 1], slope, atol=3e-6 * np.abs(slope).max())


# ------------------------------------------------------------ SQL


def sums(formulas: list[Any], values: str) -> list[float]:
    asked = sums_sql([sql_of(one) for one in formulas], f"(VALUES {values}) AS v (y, eta)", "TRUE")
    return list(duckdb.sql(asked).fetchall()[0])


@pytest.mark.parametrize(("name", "link"), [pair for pair in TAYLOR if LINKS[pair[1]].taylor is not None])
def test_a_formula_in_sql_is_what_numpy_computes(name: str, link: str) -> None:
    eta, y = np.array([-300.0, -20.0, -1e-7, 0.0, 0.3, 4.0]), np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    values = ", ".join(f"({a!r}, {b!r})" for a, b in zip(y.tolist(), eta.tolist(), strict=True))
    names = (TableColumn("CAST(y AS DOUBLE)"), TableColumn("CAST(eta AS DOUBLE)"))
    taylor = FAMILIES[name].log_taylor[link]
    found = sums(list(taylor(*names, 1.0, 4)), values)
    plain = [np.sum(np.broadcast_to(part, (6,))) for part in taylor(y, np.maximum(eta, -200.0), 1.0, 4)]
    if name == "exponential":  # its likelihood at such a predictor is beyond all sums
        assert np.isfinite(found).all()
        return
    plain[0] += (y[0] * (eta[0] + 200.0)) if name == "poisson" else 0.0
    np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-10)


def test_what_is_used_twice_is_worked_out_once() -> None:
    x = TableColumn("CAST(eta AS DOUBLE)")
    half = np.exp(x)
    asked = sums_sql([half * half, half + x, total([])], "t", "y > 0", " OFFSET 0")
    assert asked.count("exp(") == 1
    assert asked.count("CAST(eta AS DOUBLE)") == 1
    assert asked.count(" OFFSET 0") == 2
    assert asked.count("WHERE y > 0") == 1


def test_numbers_that_sql_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        sql_of(np.inf)
    with pytest.raises(ValueError, match="only squares"):
        sql_of(TableColumn("x")) ** 3
    with pytest.raises(TypeError):
        FAMILIES["bernoulli"].log_taylor["probit"](Sql("y"), TableColumn("eta"), 1.0, 0)


@pytest.mark.parametrize("name", CASES)
def test_the_sums_of_a_database_are_those_of_arrays(name: str) -> None:
    """In all orders, under every coding of the design, with trials and exposures."""
    model, rows = case(name)
    assert in_sql(model.outcome)
    there, here = likelihood_rows(model, model.outcome, rows), target_of(model, rows)
    assert here.sums is not None
    np.testing.assert_allclose(start_of(model.outcome, there), here.start, rtol=1e-12)
    centre, points = near_mode(there, model)
    for order in (2, 3, 4):
        for a, b in zip(there.series(centre, order).sums, here.sums.series(centre, order).sums, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max())
    np.testing.assert_allclose(there.totals(points), here.sums.totals(points), rtol=1e-11)


@pytest.mark.parametrize("size", [1e-50, 1e60])
def test_sizes_that_powers_would_carry_beyond_all_numbers(size: float) -> None:
    model, rows = case("bernoulli")
    scaled = data()
    scaled["x"] = scaled["x"] * size
    spec = spec_of(CASES["bernoulli"])
    other = pipeline.compile(spec, scaled).plans[0].models[0]
    table = table_of(spec, scaled).rows
    one, two = (near_mode(likelihood_rows(m, m.outcome, r), m)[0] for m, r in ((model, rows), (other, table)))
    at = 1 + [t.name for t in model.outcome.terms].index("x")
    two[at] *= size
    np.testing.assert_allclose(two, one, rtol=1e-6)


# ------------------------------------------------------------ series


def exponentials(size: int = 3) -> ArrayRows:
    rng = np.random.default_rng(2)
    columns, offset = rng.normal(size=(700, size)), rng.normal(size=(700, 1)) / 9
    units = rng.integers(1, 3, (700, 1)).astype(float)
    return ArrayRows(
        columns, offset, {"w": units}, lambda given, eta, k: [given["w"] * np.exp(eta)] * (k + 1)
    )


def test_the_remainder_is_of_the_next_order() -> None:
    """Half as far from the centre, 2^(K + 1) times less is left over."""
    rows, centre = exponentials(), np.array([0.1, -0.2, 0.3])
    directions = np.random.default_rng(3).normal(size=(9, 3))
    for order in (1, 2, 3, 4):
        apart = directions / (500, 200, 80, 30)[order - 1]  # nearer, and rounding is left over
        series = rows.series(centre, order)
        assert series.order == order
        far, near = (rows.totals(centre + a) - series(centre + a) for a in (apart, apart / 2))
        assert np.median(np.log2(np.abs(far / near))) == pytest.approx(order + 1, abs=0.15)


def test_sums_told_once_are_all_sums() -> None:
    series = exponentials().series(np.zeros(3), 4)
    numbers = [series.sums[k][one] for k in range(5) for one in products(3, k)]
    assert len(numbers) == told(3, 4)
    for a, b in zip(unpacked(3, numbers, 4), series.sums, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_series_in_other_columns() -> None:
    rows, centre = exponentials(), np.array([0.1, -0.2, 0.3])
    matrix = np.random.default_rng(4).normal(size=(3, 2))
    other = replace(rows, columns=rows.columns @ matrix)
    point = np.array([0.2, -0.1])
    own = rows.series(matrix @ point, 4).turned(matrix, point)
    for a, b in zip(own.sums, other.series(point, 4).sums, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max())
    assert centre.shape == (3,)


def test_newtons_method_finds_the_mode_from_sums() -> None:
    model, rows = case("bernoulli")
    there = likelihood_rows(model, model.outcome, rows)
    centre, _ = near_mode(there, model)
    _, gradient, curvature = there.series(centre, 2).sums
    prior = glm.prior_of([p.arguments for p in model.outcome.coefficients])
    gradient = gradient - prior.precision * (centre - prior.mean)
    sds = 1 / np.sqrt(np.diag(-curvature))
    assert np.abs(gradient * sds).max() < 1e-6


def test_no_mode_of_separated_rows_under_flat_priors() -> None:
    columns = np.column_stack([np.ones(40), np.repeat([-1.0, 1.0], 20)])
    taylor = FAMILIES["bernoulli"].log_taylor["logit"]
    y = (columns[:, [1]] > 0).astype(float)
    rows = ArrayRows(columns, None, {"y": y}, lambda given, eta, k: taylor(given["y"], eta, 1.0, k))
    flat = glm.prior_of([None, None])
    found = glm.mode(look_at(rows), np.zeros(2), prior=flat, close=1e-9)
    assert found is None or np.abs(found[0]).max() > 15


# ------------------------------------------------------------ draws


@pytest.mark.parametrize("name", ["bernoulli", "exposures", "cloglog"])
def test_the_polynomial_is_the_posterior_to_what_its_check_allows(name: str) -> None:
    model, rows = case(name)
    target = target_of(model, rows)
    assert target.sums is not None
    found = mode(target.look, target.priors, target.start)
    assert found is not None
    centre, information = found
    root = np.linalg.inv(np.linalg.cholesky(information)).T
    points = centre + np.random.default_rng(6).normal(size=(200, len(centre))) @ root.T
    near = Expanded(target.sums.series(centre, 4), target.priors, root)
    gap = target(points) - near(points)
    assert np.ptp(gap) <= 2 * expansion.MAX_REMAINDER
    assert near(centre[None] + 99 * root[0])[0] == -np.inf


def test_draws_by_series_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = case("bernoulli")
    few = replace(SAMPLING, draws=500)
    exact = draw_by_metropolis(model, rows, few)
    monkeypatch.setattr(metropolis, "MANY", 10)
    near = draw_by_metropolis(model, rows, few)
    assert exact is not None
    assert near is not None
    for symbol, values in exact.values.items():
        others = near.values[symbol]
        ess = (convergence(values)[0], convergence(others)[0])
        error = values.std(axis=(0, 1)) * np.sqrt(1 / ess[0] + 1 / ess[1])
        assert (np.abs(values.mean(axis=(0, 1)) - others.mean(axis=(0, 1))) < 4.5 * error).all()
        ratio = np.log(values.std(axis=(0, 1)) / others.std(axis=(0, 1)))
        assert (np.abs(ratio) < 4.5 * np.sqrt(1 / ess[0] + 1 / ess[1])).all()


def test_few_events_are_no_polynomial() -> None:
    """Nine events in many rows: a skewed posterior, for which the check sends the engine back to the rows."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=2_000)
    b = np.zeros(2_000, dtype=int)
    b[np.argsort(x)[-9:]] = 1
    spec = spec_of("nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b")
    table = table_of(spec, {"x": x, "b": b})
    (model, *_) = pipeline.compile(spec, {"x": x, "b": b}).plans[0].models
    target = target_of(model, table.rows)
    assert target.sums is not None

    def chains(density: Any, centre: np.ndarray, root: np.ndarray) -> np.ndarray | None:
        return metropolis.chains(density, centre, root, 2, 500, np.random.default_rng(8))

    assert (
        points_by_series(target.sums, target.priors, target.start, chains, np.random.default_rng(9)) is None
    )


def test_a_wrong_sum_is_found() -> None:
    """A third derivative that is half as large: what is left over at draws far out says so."""
    model, rows = case("exposures")
    target = target_of(model, rows)
    assert target.sums is not None
    found = mode(target.look, target.priors, target.start)
    assert found is not None
    root = np.linalg.inv(np.linalg.cholesky(found[1])).T
    rng = np.random.default_rng(10)
    points = found[0] + rng.normal(size=(4_000, len(root))) @ root.T
    right = target.sums.series(found[0], 4)
    wrong = Series(right.centre, (*right.sums[:3], right.sums[3] / 2, right.sums[4]))
    assert remainder(target.sums, right, points, root, rng) <= expansion.MAX_REMAINDER
    assert remainder(target.sums, wrong, points, root, rng) > 4 * expansion.MAX_REMAINDER


def test_the_farthest_points_are_among_those_tried() -> None:
    rng = np.random.default_rng(11)
    root = np.array([[2.0, 0.0], [1.0, 0.1]])
    standard = rng.normal(size=(500, 2))
    some = farthest(standard @ root.T, np.zeros(2), root, rng)
    lengths = np.linalg.norm(np.linalg.solve(root, some.T), axis=0)
    assert np.isclose(lengths.max(), np.linalg.norm(standard, axis=1).max())
    assert stats.chi2(2).cdf(lengths.min() ** 2) < 0.99


# ------------------------------------------------------------ averages


def draws_of(model: Model, rows: Rows) -> Any:
    found = draw_by_metropolis(model, rows, replace(SAMPLING, draws=300))
    assert found is not None
    return with_intercepts(found, model).flat()


@pytest.mark.parametrize("name", ["bernoulli", "trials", "exposures", "interactions", "curve", "levels"])
def test_averages_by_series_are_those_of_every_draw(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averages, "MAX_CELLS", 1)
    model, rows = case(name)
    draws, encoded = draws_of(model, rows), observed_rows(model, rows)
    (contrast,) = model.estimand.contrasts
    here, there = averages_of(model, draws, encoded), averages_in(model, draws, rows)
    assert here is not None
    assert there is not None
    exact = both_sides(model, draws, encoded, contrast, 1)
    told = [one.parts(contrast) for one in (here, there)]
    assert None not in told
    ((part,), error), ((other,), _) = told
    assert error <= averages.MAX_ERROR
    for values, found in zip(exact, (part.start, part.values), strict=True):
        assert np.sqrt(np.mean((values - found) ** 2)) <= 2 * averages.MAX_ERROR * values.std()
    np.testing.assert_allclose(other.start, part.start, rtol=1e-9)
    np.testing.assert_allclose(other.values, part.values, rtol=1e-7, atol=1e-9 * part.values.std())


def test_a_wide_posterior_is_worked_out_at_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averages, "MAX_CELLS", 1)
    model, rows = case("bernoulli")
    draws = {
        s: v + 2 * np.random.default_rng(1).normal(size=v.shape) for s, v in draws_of(model, rows).items()
    }
    one = averages_of(model, draws, observed_rows(model, rows))
    assert one is not None
    assert one.parts(model.estimand.contrasts[0]) is None


# ------------------------------------------------------------ whole fits


def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables are large ones."""
    monkeypatch.setattr(table_rows, "MAX_IN_MEMORY", 10)
    monkeypatch.setattr(source, "EXACT_COUNTS", 10)
    monkeypatch.setattr(metropolis, "MANY", 10)
    monkeypatch.setattr(averages, "MAX_CELLS", 1)
    monkeypatch.setattr(surrogate, "MAX_CELLS", 1)
    monkeypatch.setattr(separation, "MAX_ROWS", 10)


def refuse(self: Rows, column: str) -> None:
    raise AssertionError(f"{column} was read")


def assert_same(mine: Result, theirs: Result) -> None:
    for builder, draws in mine.samples.items():
        for symbol, values in draws.values.items():
            other = theirs.samples[builder].values[symbol]
            np.testing.assert_allclose(other, values, rtol=1e-6, atol=1e-6 * values.std())
    for a, b in zip(mine.effects, theirs.effects, strict=True):
        assert a.result is not None
        assert b.result is not None
        for known, found in zip(a.result.estimates, b.result.estimates, strict=True):
            assert found.label == known.label
            assert found.summary.mean == pytest.approx(known.summary.mean, rel=1e-6)
            assert found.summary.sd == pytest.approx(known.summary.sd, rel=1e-6)


FEW = "sampling: {draws: 300, chains: 2}\n"
WHOLE = {
    "plain": text("binary", "b", FEW),
    "levels": "nodes: {x: continuous, z: binary, g: categorical, b: binary}\n"
    f"edges: ['x, z -> g', 'x, z, g -> b']\neffect: g -> b\n{FEW}",
    "at levels, of the treated": "nodes: {x: continuous, z: binary, g: categorical, b: binary}\n"
    "edges: ['x, g -> z', 'x, z, g -> b']\n"
    f"effect: {{exposure: z, outcome: b, by: [g], among: treated}}\n{FEW}",
    "tight priors": text("binary", "b", FEW + "regressions: {b: {priors: {x: 'Normal(0, 0.01)'}}}"),
    "counts that vary more than a Poisson": text("count", "over", FEW),
}


@pytest.mark.parametrize("name", WHOLE)
def test_rows_that_stay_where_they_are_give_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws, averages and doubts, and no column is read."""
    many(monkeypatch)
    spec = WHOLE[name]
    mine = pipeline.fit(spec_of(spec), data())
    monkeypatch.setattr(DuckSource, "elsewhere", True)
    monkeypatch.setattr(Rows, "__getitem__", refuse)
    theirs = pipeline.fit(spec_of(spec), data())
    assert {d.engine for d in theirs.samples.values()} == {"metropolis"}
    assert_same(mine, theirs)
    assert theirs.effects[0].doubts == mine.effects[0].doubts
    codes = {"tight priors": {"DR511"}, "counts that vary more than a Poisson": {"DR521"}}
    assert codes.get(name, set()) <= {d.code for d in theirs.effects[0].doubts}


def test_rows_beyond_memory_stay_in_their_file(monkeypatch: pytest.MonkeyPatch) -> None:
    many(monkeypatch)
    spec = spec_of(CASES["bernoulli"])
    assert table_of(spec, data()).rows.in_place is None
    monkeypatch.setenv("DAGREG_MEMORY", "0.0001")
    table = table_of(spec, data()).rows
    assert table.in_place is table


def test_simulation_based_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the prior, the truth's rank among draws by series is uniform (Talts et al. 2018)."""
    monkeypatch.setattr(metropolis, "MANY", 10)
    by_series = 0
    whole = expansion.points_by_series

    def counted(*arguments: Any) -> Any:
        nonlocal by_series
        found = whole(*arguments)
        by_series += found is not None
        return found

    monkeypatch.setattr(metropolis, "points_by_series", counted)
    rng, ranks = np.random.default_rng(13), []
    x, e = rng.normal(size=600), rng.uniform(1, 9, 600)
    text = (
        "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c\n"
        "regressions: {c: {priors: {intercept: 'Normal(0.5, 1)', x: 'Normal(0, 0.5)'}}}"
    )
    spec, table = spec_of(text), {"x": x, "e": e, "c": np.arange(600) % 4}
    (model, *_) = pipeline.compile(spec, table).plans[0].models
    for _ in range(120):
        truth = rng.normal([0.5, 0.0], [1.0, 0.5])
        drawn = {**table, "c": rng.poisson(e * np.exp(truth[0] + truth[1] * x))}
        found = draw_by_metropolis(
            model, drawn, Sampling(draws=99, chains=1, seed=int(rng.integers(1 << 30)))
        )
        assert found is not None
        draws = np.stack([found.values[s][0] for s in model.outcome.coefficient_symbols])
        ranks.append((draws < truth[:, None]).sum(axis=1))
    assert by_series > 60
    for each in np.array(ranks).T:
        assert stats.chisquare(np.bincount(np.asarray(each) // 10, minlength=10)).pvalue > 1e-4
