"""The numeric posterior: its density is the emitted program's, its derivatives are those of its density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg.engines.density import Posterior, obstacle, parameters, posterior_of
from dagreg.engines.draws import by_symbol
from dagreg.families import FAMILIES
from dagreg.model.statistics import Sufficient
from dagreg.numerics.gamma import log_rising
from dagreg.numerics.jets import Jet, variable
from dagreg.numerics.logs import logaddexp
from dagreg.numerics.pareto import tail_shape
from dagreg.optimise.types import Piece
from tests.optimising import DATA, Optimised, optimised
from tests.test_censored import _spec as censored_spec
from tests.test_emit import PRIORS
from tests.test_families import DATA as RESPONSES
from tests.test_families import PAIRS
from tests.test_families import _given as on_one_number
from tests.test_metropolis import COUNT, regression

EXACT = 1e-9  # of a log density, up to a constant that is the same at all points
SINGLE = 1e-8  # where PyMC takes the root of 2 in single precision
TIMES = {
    **DATA,
    "x": (DATA["x"] - 10) / 2,
    "time": DATA["pos"],
    "to_time": DATA["pos"] + DATA["e"],
    "share": DATA["e"] / 40,
}
TIMES |= {"to_share": TIMES["share"] + 0.1, "how": np.array(["none", "right", "left", "interval"] * 15)}
LACKING = {**DATA, "c": np.ma.masked_array(DATA["c"], np.arange(60) % 7 == 0)}
BY_PRIOR = {name: DATA["x"] * np.cos(k * DATA["m"]) for k, name in enumerate(PRIORS)}
CELLS = "edges: ['g -> z', 'g, z -> b']\neffect: z -> b\n"
STRUCTURES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "instrument": (
        "nodes: {z: binary, x: continuous, m: continuous, y: continuous, u: unobserved}\n"
        "edges: ['z, x -> m', 'm, x -> y', 'u -> m, y']\neffect: m -> y\n",
        "instrument",
        DATA,
    ),
    "priors of every kind": (
        f"nodes: {{{', '.join(f'{name}: continuous' for name in PRIORS)}, y: continuous}}\n"
        f"edges: ['{', '.join(list(PRIORS)[1:])} -> x1', '{', '.join(PRIORS)} -> y']\neffect: x1 -> y\n"
        f"regressions: {{y: {{priors: {{{
            ', '.join(f'{k}: {prior!r}' for k, (prior, _) in PRIORS.items())
        }}}}}}}\n",
        "adjusted",
        {**DATA, **BY_PRIOR},
    ),
    "statistics in place of rows": (
        regression("continuous", "y", "regressions: {y: {priors: {x: 'StudentT(3, 0, 1)'}}}"),
        "adjusted",
        DATA,
    ),
    "cells whose priors are not conjugate": (
        CELLS + "regressions: {b: {cells: [z, g], priors: {cells: 'Uniform(0.1, 0.9)'}}}\n",
        "adjusted",
        DATA,
    ),
    "known errors": (regression("{type: continuous, error: e}", "y"), "adjusted", DATA),
    "a residual sd that is a multiple": (
        regression("{type: continuous, error: {scale: e}}", "y"),
        "adjusted",
        DATA,
    ),
    "exposures": (regression("{type: count, family: negative_binomial, offset: e}", "c"), "adjusted", DATA),
    "rows without a response": (
        "missing: impute\n" + regression("{type: count, family: negative_binomial}", "c"),
        "adjusted",
        LACKING,
    ),
    "weights": (
        "nodes: {z: binary, w: continuous, s: {type: count, family: binomial, trials: n}, pos: {type: "
        "positive, "
        "family: gamma}}\nedges: [z -> pos -> s]\neffect: z -> s\n",
        "chain",
        DATA,
    ),
    "a curve, and an interaction": (
        regression(
            "{type: positive, family: gamma}",
            "pos",
            "regressions: {pos: {curves: {x: spline(3)}, interactions: ['m:z']}}",
        )
        .replace("x: continuous", "x: continuous, m: continuous")
        .replace("'x, z ->", "'x, z, m ->"),
        "adjusted",
        DATA,
    ),
    "ordinal": (regression("{type: ordinal, levels: [0, 1, 2]}", "k"), "adjusted", DATA),
    "ordinal, probit": (
        regression("{type: ordinal, levels: [0, 1, 2]}", "k", "regressions: {k: {link: probit}}"),
        "adjusted",
        DATA,
    ),
    "categorical": (regression("categorical", "g"), "adjusted", DATA),
    "trials": (regression(COUNT.format(n="n"), "s"), "adjusted", DATA),
    "levels that are not known": (
        "missing: impute\nnodes: {g: categorical, z: binary, y: continuous}\n"
        "edges: ['g -> z, y', z -> y]\neffect: z -> y\n",
        "adjusted",
        {**DATA, "g": np.ma.masked_array(DATA["g"], np.arange(60) % 5 == 0)},
    ),
    "levels of two variables, and responses": (
        "missing: impute\nnodes: {g: categorical, z: binary, x: continuous, c: count}\n"
        "edges: ['g, z -> x', 'g, z, x -> c']\neffect: x -> c\n",
        "adjusted",
        {
            **LACKING,
            "g": np.ma.masked_array(DATA["g"], np.arange(60) % 5 == 0),
            "z": np.ma.masked_array(DATA["z"], np.arange(60) % 4 == 0),
        },
    ),
    "levels beside an ordinal response": (
        "missing: impute\nnodes: {g: categorical, z: binary, k: {type: ordinal, levels: [0, 1, 2]}}\n"
        "edges: ['g -> z, k', z -> k]\neffect: z -> k\n",
        "adjusted",
        {**DATA, "g": np.ma.masked_array(DATA["g"], np.arange(60) % 5 == 0)},
    ),
}
STRUCTURES |= {
    f"censored, {f.name}": (
        censored_spec(f.name, f.links[0], "share" if f.name == "beta" else "time"),
        "adjusted",
        TIMES,
    )
    for f in FAMILIES.values()
    if f.censored
}


def the_piece(text: str, estimator: str = "adjusted", data: Any = None) -> tuple[Optimised, Piece]:
    """Of a chain the mediator's, whose rows have weights."""
    case = optimised(text, estimator, data)
    return case, case.pieces[0 if estimator == "chain" else -1]


def posterior(case: Optimised, piece: Piece) -> Posterior:
    assert obstacle(piece.model) == ""
    statistics = piece.statistics if isinstance(piece.statistics, Sufficient) else None
    this = posterior_of(piece.model, case.table(piece) if piece.reads_rows else {}, statistics)
    if piece.equation.link.name == "inverse":  # near 0 the mean has no end, and differences no digits
        this.start[0], this.start[1] = 1.5, 0.05
    return this


def around(this: Posterior, count: int = 6, spread: float = 0.3) -> np.ndarray:
    return this.start + spread * np.random.default_rng(3).normal(size=(count, len(this.start)))


def program_density(
    case: Optimised, piece: Piece, points: np.ndarray, unknown: Sequence[Mapping[str, np.ndarray]] = ()
) -> np.ndarray:
    """The log density of the program's PyMC model in its own coordinates, which have the names of the
    parameters; at each point with these unknown numbers.
    """
    import pytensor

    built = case.program.build(piece.model.builder, case.table(piece) if piece.reads_rows else {})
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        logp = built.compile_fn(built.logp(), inputs=built.value_vars, on_unused_input="ignore")
    names = [value.name for value in built.value_vars]
    endings = ("_log__", "_logodds__", "_interval__", "_ordered__")
    heights = []
    for number, point in enumerate(points):
        named: dict[str, Any] = {k: v[None, None] for k, v in unknown[number].items()} if unknown else {}
        at = 0
        for e in piece.model.equations:
            last = at + parameters_of(e)
            named |= by_symbol(e, point[None, None, at:last])
            named |= {a.symbol: point[None, None, last + i] for i, a in enumerate(e.auxiliaries)}
            at = last + len(e.auxiliaries)
        if isinstance(piece.statistics, Sufficient):
            whole = point[: len(piece.equation.coefficients)] - np.array(piece.statistics.start)
            free = np.linalg.solve(np.array(piece.statistics.spread), whole)
            named[piece.names.of(piece.equation)["free"]] = free[None, None]
        symbols = {
            name: next((name.removesuffix(s) for s in endings if name.endswith(s)), name) for name in names
        }
        heights.append(
            float(logp({name: np.asarray(named[symbol][0, 0]) for name, symbol in symbols.items()}))
        )
    return np.array(heights)


def parameters_of(equation: Any) -> int:
    """The coefficients of an equation, each once for every level that it has one for."""
    several, head = max(len(equation.levels) - 1, 1), int(equation.has_intercept)
    each = several if equation.family.predictor == "unordered" else 1
    return several * head + each * (len(equation.coefficients) - head)


def assert_the_programs(case: Optimised, piece: Piece, exact: float = EXACT) -> None:
    this = posterior(case, piece)
    points = around(this)
    ours, theirs = this(points), program_density(case, piece, points)
    there = np.isfinite(theirs)
    np.testing.assert_array_equal(there, np.isfinite(ours))
    assert there.sum() > len(points) / 2
    assert np.ptp(theirs[there]) > 0.1  # the points differ, so equality says something
    assert np.ptp((ours - theirs)[there]) <= exact * np.abs(theirs[there]).max()


def assert_derivatives(this: Posterior) -> None:
    """Against differences of fourth order, of the density and of its gradient."""
    point, step = around(this, 1, 0.2)[0], 1e-4
    gradient, hessian = this.derivatives(point)
    moves = step * np.eye(len(point))
    one, two = ((this(point + k * moves), this(point - k * moves)) for k in (1, 2))
    slope = (8 * (one[0] - one[1]) - (two[0] - two[1])) / (12 * step)
    assert np.isfinite(slope).all()
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-6 * max(np.abs(slope).max(), 1.0))
    up, down = (np.array([this.derivatives(point + k * move)[0] for move in moves]) for k in (1, -1))
    bend = (up - down) / (2 * step)
    np.testing.assert_allclose(hessian, bend, rtol=1e-4, atol=1e-5 * max(np.abs(bend).max(), 1.0))


# ------------------------------------------------------------ equal to the program


DEFAULTS = [(f, link) for f, link in PAIRS if link == FAMILIES[f].links[0] and f != "gaussian"]
OTHERS = [("gaussian", "log"), ("gamma", "softplus"), ("weibull", "identity"), ("exponential", "inverse")]
OTHERS += [("beta", "cloglog"), ("beta_binomial", "probit"), ("negative_binomial", "identity")]


@pytest.mark.parametrize(("family", "link"), DEFAULTS + OTHERS)
def test_the_density_of_a_family_is_the_programs(family: str, link: str) -> None:
    case, piece = the_piece(on_one_number(family, link), data=RESPONSES)
    assert_the_programs(case, piece)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_density_of_a_structure_is_the_programs(name: str) -> None:
    case, piece = the_piece(*STRUCTURES[name])
    assert_the_programs(case, piece, SINGLE if "probit" in name else EXACT)


NUMBERS = "missing: impute\nnodes: {{x: {x}, m: {m}, z: binary, y: continuous}}\n"
NUMBERS += "edges: ['x -> m, y', 'm, z -> y']\neffect: m -> y\n"
GAPS = {
    **DATA,
    "x": np.ma.masked_array(DATA["x"], np.arange(60) % 5 == 0),
    "m": np.ma.masked_array(DATA["m"], np.arange(60) % 4 == 1),
    "y": np.ma.masked_array(DATA["y"], np.arange(60) % 7 == 3),
    "small": 0.1 + DATA["e"] / 100,
}
UNKNOWN_NUMBERS = {
    "of two variables, and responses": NUMBERS.format(x="continuous", m="continuous"),
    "in an interaction": NUMBERS.format(x="continuous", m="continuous")
    + "regressions: {y: {interactions: ['m:z']}}\n",
    "measured with errors": NUMBERS.format(x="{type: continuous, error: small}", m="continuous"),
    "both measured with errors, one standardised": NUMBERS.format(
        x="{type: continuous, error: small, transform: standardize}", m="{type: continuous, error: small}"
    ),
    "beside known errors of the response": NUMBERS.format(x="continuous", m="continuous").replace(
        "y: continuous", "y: {type: continuous, error: small}"
    ),
}


@pytest.mark.parametrize("name", UNKNOWN_NUMBERS)
def test_unknown_numbers_are_integrated_out(name: str) -> None:
    """The program's density, over that of the unknown numbers given the parameters, is the same wherever
    they are.
    """
    case, piece = the_piece(UNKNOWN_NUMBERS[name], data=GAPS)
    this = posterior(case, piece)
    assert this.unknown is not None
    points, rng = around(this), np.random.default_rng(4)
    values = this.coordinates.values(points)
    drawn = [{n: v[0, 0] for n, v in this.unknown.draws(p[None, None], rng).items()} for p in values]
    moved = [{n: v + rng.normal(size=v.shape) for n, v in one.items()} for one in drawn]
    for unknown in (drawn, moved):
        theirs = program_density(case, piece, points, unknown)
        given = [_conditional(this, p, one) for p, one in zip(values, unknown, strict=True)]
        ours = this(points)
        assert np.ptp(ours) > 0.1
        assert np.ptp(ours - (theirs - np.array(given))) <= EXACT * np.abs(theirs).max()
    assert_derivatives(this)


def test_slopes_of_unknown_numbers_lose_no_digits_far_from_0() -> None:
    """A row's slope is 1 for the number itself, and the other factor in an interaction."""
    far = {**GAPS, "m": GAPS["m"] * 1e14 + 3.7e16}
    case, piece = the_piece(UNKNOWN_NUMBERS["in an interaction"], data=far)
    this = posterior(case, piece)
    assert this.unknown is not None
    checked = 0
    for pattern in this.unknown.patterns:
        own = [p for r in pattern.residuals for k, p in r.slopes.items() if "m" in pattern.unknown[k]]
        for predictor in (pattern.factor.predictors[p] for p in own):
            slopes = predictor.design
            assert (np.abs(slopes - 1) < 1e-6).all(axis=0).any()  # of the number itself
            np.testing.assert_allclose(slopes, np.round(slopes), atol=1e-6)  # times z, which is 0 or 1
            checked += 1
    assert checked > 0


def _conditional(this: Posterior, values: np.ndarray, unknown: Mapping[str, np.ndarray]) -> float:
    """The log density of these unknown numbers given the parameters."""
    total = 0.0
    assert this.unknown is not None
    for pattern in this.unknown.patterns:
        matrix, vector = pattern.normal(values[None])
        moves = [
            (unknown[symbol][places] - start)[:, None]
            for symbol, places, start in zip(pattern.unknown, pattern.places, pattern.start, strict=True)
        ]
        for k, move in enumerate(moves):
            mean = vector[k] - sum(matrix[k][j] * moves[j] for j in range(k + 1, len(moves)))
            precision = np.broadcast_to(matrix[k][k], move.shape)
            total += stats.norm.logpdf(move, mean / precision, precision**-0.5).sum()
    return total


def test_draws_of_unknown_numbers_have_their_mean_and_spread() -> None:
    case, piece = the_piece(UNKNOWN_NUMBERS["of two variables, and responses"], data=GAPS)
    this = posterior(case, piece)
    assert this.unknown is not None
    count = 20_000
    values = np.broadcast_to(this.coordinates.values(around(this, 1))[0], (1, count, len(this.start)))
    drawn = this.unknown.draws(values, np.random.default_rng(5))
    checked = 0
    for pattern in this.unknown.patterns:
        matrix, vector = pattern.normal(values[0, :1])
        size = len(pattern.factor.weights)
        ones = [[np.broadcast_to(a, (size, 1))[:, 0] for a in row] for row in matrix]
        vectors = [np.broadcast_to(v, (size, 1))[:, 0] for v in vector]
        for row in range(size):
            upper = np.array([[ones[k][j][row] for j in range(len(ones))] for k in range(len(ones))])
            precision = upper.T @ np.diag(1 / np.diag(upper)) @ upper  # L D L', as elimination left it
            mean = np.linalg.solve(upper, [v[row] for v in vectors])
            moves = np.column_stack(
                [
                    drawn[symbol][0, :, places[row]] - start[row]
                    for symbol, places, start in zip(
                        pattern.unknown, pattern.places, pattern.start, strict=True
                    )
                ]
            )
            covariance = np.linalg.inv(precision)
            far = np.abs(moves.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / count)
            assert far.max() < 5
            assert np.abs(np.cov(moves.T) / covariance - 1).max() < 5 * (2 / count) ** 0.5 * 2
            checked += 1
    assert checked == sum(len(p.factor.weights) for p in this.unknown.patterns) > 20


# ------------------------------------------------------------ derivatives


@pytest.mark.parametrize(("family", "link"), [pair for pair in PAIRS if pair != ("gaussian", "identity")])
def test_the_derivatives_under_every_link(family: str, link: str) -> None:
    case, piece = the_piece(on_one_number(family, link), data=RESPONSES)
    assert_derivatives(posterior(case, piece))


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_derivatives_of_a_structure(name: str) -> None:
    assert_derivatives(posterior(*the_piece(*STRUCTURES[name])))


def test_sums_of_exponentials_are_numpys() -> None:
    """At infinities too, where parts of it are no numbers."""
    ends = np.array([-np.inf, -800.0, -1e-9, 0.0, 3.0, 40.0, 1e5, np.inf])
    a, b = np.meshgrid(ends, ends)
    for left, right in ((a, b), (a[1:-1, 1:-1], b[1:-1, 1:-1]), (0.0, a[:, 1:-1]), (-np.inf, a)):
        np.testing.assert_allclose(logaddexp(left, right), np.logaddexp(left, right), rtol=1e-15, atol=1e-300)
    jet = logaddexp(0.0, variable(np.array([[-1e3], [0.3], [1e3]]), 0))
    share = special.expit([[-1e3], [0.3], [1e3]])
    np.testing.assert_allclose(jet.first[0], share, rtol=1e-14)
    np.testing.assert_allclose(jet.second[0, 0], share * (1 - share), rtol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a * b - a / b + (-a) ** 2 - b**1.7,
        lambda a, b: a**b + np.sqrt(b) * np.square(a) - np.abs(a - 3 * b),
        lambda a, b: np.exp(a) * np.log(b) + np.log1p(b * a) * np.expm1(-a),
        lambda a, b: np.logaddexp(a, 2 * b) + np.logaddexp(0.0, a - b) * np.minimum(a, b) * np.maximum(a, b),
        lambda a, b: special.gammaln(a + b) + special.log_ndtr(a - b) * special.log_ndtr(b - 5 * a),
        lambda a, b: special.expit(a) * special.log_expit(b) + special.xlogy(a, b) + special.xlog1py(2.0, a),
        lambda a, b: special.gammainc(a, b) + special.gammaincc(b, a) + special.betainc(a, b, 0.3),
        lambda a, b: special.stdtr(a, b) + np.where(a > b, a * b, a / b) * np.where(b > 0, a, 1.0),
        lambda a, b: log_rising(a, b) + log_rising(30 * a, 2.5 * b),
    ],
)
def test_jets_have_the_derivatives_of_differences(function: Any) -> None:
    at, step = np.array([0.7, 1.9]), 1e-3
    jet = function(*(variable(np.array([[v]]), i) for i, v in enumerate(at)))
    moves = step * np.eye(2)

    def value(v: np.ndarray) -> float:
        return float(np.asarray(function(v[0], v[1])))

    assert isinstance(jet, Jet)
    assert jet.value.item() == pytest.approx(value(at), rel=1e-14)
    for i in range(2):
        one, two = (value(at + k * moves[i]) - value(at - k * moves[i]) for k in (1, 2))
        assert np.ravel(jet.first[i]).item() == pytest.approx((8 * one - two) / (12 * step), rel=1e-7)
        for j in range(i, 2):
            corners = [(p, q, value(at + p * moves[i] + q * moves[j])) for p in (1, -1) for q in (1, -1)]
            second = sum(p * q * v for p, q, v in corners) / (4 * step**2)
            found = np.ravel(jet.second.get((i, j), 0.0)).item()
            assert found == pytest.approx(second, rel=1e-4, abs=1e-5)


# ------------------------------------------------------------ its parts


def test_rows_that_are_equal_count_together() -> None:
    rng = np.random.default_rng(1)
    rows = 5_000
    data = {"z": rng.integers(0, 2, rows), "d": rng.integers(0, 2, rows), "c": rng.poisson(3, rows)}
    spec = "nodes: {z: binary, d: binary, c: {type: count, family: negative_binomial}}\n"
    case, piece = the_piece(spec + "edges: [z -> d, 'z, d -> c']\neffect: d -> c\n", data=data)
    this = posterior(case, piece)
    assert this.rows < 100
    some = posterior_of(piece.model, {k: v[:400] for k, v in data.items()})  # too few to be worth it
    rest = posterior_of(piece.model, {k: v[400:] for k, v in data.items()})
    points = around(this)
    prior = this.coordinates.log_prior(points, this.coordinates.values(points))
    np.testing.assert_allclose(some(points) + rest(points) - prior, this(points), rtol=1e-11)


def test_blocks_of_rows_and_points_and_threads() -> None:
    rng = np.random.default_rng(2)
    data = {"x": rng.normal(size=3_017), "pos": rng.gamma(2, 1, 3_017)}
    case, piece = the_piece(
        "nodes: {x: continuous, pos: {type: positive, family: gamma}}\nedges: [x -> pos]\neffect: x -> pos\n",
        data=data,
    )
    this = posterior(case, piece)
    points = around(this, 700)
    np.testing.assert_allclose(this(points), np.concatenate([this(p[None]) for p in points]), rtol=1e-12)


def test_the_shape_of_a_tail_is_arvizs() -> None:
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(4)
    for shape in (0.1, 0.4, 0.7, 1.2):
        weights = shape * rng.exponential(size=4_000)
        assert tail_shape(weights) == pytest.approx(float(array_stats.psislw(-weights)[1]), rel=1e-12)
    assert tail_shape(np.zeros(100)) == -np.inf
    assert tail_shape(np.zeros(3)) == np.inf


def test_ratios_of_gamma_functions_keep_their_digits() -> None:
    a, y = np.array([0.3, 5.0, 29.9, 30.1, 80.0]), np.array([2.0, 0.5, 7.0, 7.0, 300.0])
    plain = special.gammaln(a + y) - special.gammaln(a) - y * np.log(a)
    np.testing.assert_allclose(log_rising(a, y), plain, rtol=1e-10)
    rising = np.sum(np.log1p(np.arange(7) / 1e9))  # of whole numbers it is a product
    assert float(log_rising(1e9, 7.0)) == pytest.approx(rising, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "nodes: {x: continuous, g: group, b: binary}\nedges: ['x, g -> b']\neffect: x -> b\n",
            "vary between",
        ),
        ("missing: impute\nedges: [x -> c]\neffect: x -> c\n", "not known"),
    ],
)
def test_models_that_have_none(text: str, why: str) -> None:
    data = {**DATA, "x": np.ma.masked_array(DATA["x"], np.arange(60) % 9 == 0)} if "impute" in text else DATA
    case = optimised(text, data=data)
    assert why in obstacle(case.pieces[-1].model)


def test_how_many_parameters_there_are() -> None:
    for text, count in ((regression("categorical", "g"), 6), (regression("count", "c"), 3)):
        case, piece = the_piece(text)
        assert parameters(piece.model) == count == len(posterior(case, piece).start)
