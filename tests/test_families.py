"""Every family under every link: its log density, its mean and its draws against SciPy, and what
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg import pipeline
from dagreg.effects.estimate import estimates
from dagreg.engines.draws import Draws
from dagreg.engines.nuts import sample
from dagreg.errors import DagregError
from dagreg.families import FAMILIES
from dagreg.families.links import LINKS
from tests.fitting import compiled, models_of, spec_of
from tests.laws import Angles, Ends, Hurdle, leaning, ordered
from tests.test_emit import DATA as TABLE
from tests.test_emit import Point, _check_density, centred, normal, r7, sd

SHARE = TABLE["share"]
DATA = TABLE | {"ends": np.where(SHARE < 0.3, 0.0, np.where(SHARE > 0.7, 1.0, SHARE))}
DATA |= {"angle": 6 * SHARE - 3}
INVERSE: Mapping[str, Callable[[Any], Any]] = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "logit": special.expit,
    "probit": stats.norm.cdf,
    "cloglog": lambda eta: 1 - np.exp(-np.exp(eta)),
    "inverse": lambda eta: 1 / eta,
    "softplus": lambda eta: np.log1p(np.exp(eta)),
    "tan_half": lambda eta: 2 * np.arctan(eta),
}
AUXILIARIES: Mapping[str, Callable[[float], float]] = {
    "sigma": lambda v: stats.expon.logpdf(v),  # given below as Exponential(1)
    "nu": lambda v: stats.gamma.logpdf(v, 2, scale=10),
    "shape": lambda v: stats.halfcauchy.logpdf(v, scale=5),
    "precision": lambda v: stats.halfcauchy.logpdf(v, scale=5),
    "zero": lambda v: stats.beta.logpdf(v, 1, 1),
    "extreme": lambda v: stats.beta.logpdf(v, 1, 1),
    "one": lambda v: stats.beta.logpdf(v, 1, 1),
    "cut": lambda v: stats.norm.logpdf(v, -2, 2),
    "gap": lambda v: stats.gamma.logpdf(v, 2, scale=2),
    "skew": lambda v: stats.norm.logpdf(v, 0, 4),
    "concentration": lambda v: stats.halfcauchy.logpdf(v, scale=5),
}


def _beta(mu: Any, p: Mapping[str, float]) -> Any:
    return stats.beta(mu * p["precision"], (1 - mu) * p["precision"])


def _overdispersed(mu: Any, p: Mapping[str, float]) -> Any:
    return stats.nbinom(p["shape"], p["shape"] / (p["shape"] + mu))


Distribution = Callable[[Any, Mapping[str, float]], Any]
FROZEN: Mapping[str, Distribution] = {
    "gaussian": lambda mu, p: stats.norm(mu, p["sigma"]),
    "student_t": lambda mu, p: stats.t(p["nu"], mu, p["sigma"]),
    "skew_normal": lambda mu, p: leaning(mu, p["sigma"], p["skew"]),
    "von_mises": lambda mu, p: Angles(mu, p["concentration"]),
    "lognormal": lambda mu, p: stats.lognorm(p["sigma"], scale=mu),
    "gamma": lambda mu, p: stats.gamma(p["shape"], scale=mu / p["shape"]),
    "exponential": lambda mu, p: stats.expon(scale=mu),
    "weibull": lambda mu, p: stats.weibull_min(p["shape"], scale=mu / special.gamma(1 + 1 / p["shape"])),
    "beta": _beta,
    "bernoulli": lambda mu, p: stats.bernoulli(mu),
    "binomial": lambda mu, p: stats.binom(DATA["n"], mu),
    "beta_binomial": lambda mu, p: stats.betabinom(DATA["n"], mu * p["precision"], (1 - mu) * p["precision"]),
    "poisson": lambda mu, p: stats.poisson(mu),
    "negative_binomial": _overdispersed,
    "hurdle_poisson": lambda mu, p: Hurdle(stats.poisson(mu), p["zero"]),
    "hurdle_negative_binomial": lambda mu, p: Hurdle(_overdispersed(mu, p), p["zero"]),
    "zero_one_inflated_beta": lambda mu, p: Ends(
        _beta(mu, p), p["extreme"] * (1 - p["one"]), p["extreme"] * p["one"]
    ),
    "ordered_beta": lambda mu, p: ordered(_beta(mu, p), mu, p["cut"], p["gap"]),
}
RESPONSES = {
    "beta": ("share", "proportion"),
    "zero_one_inflated_beta": ("ends", "proportion"),
    "ordered_beta": ("ends", "proportion"),
    "bernoulli": ("b", "binary"),
    "binomial": ("s", "count"),
    "beta_binomial": ("s", "count"),
    "gaussian": ("pos", "positive"),
    "student_t": ("pos", "positive"),
    "skew_normal": ("pos", "positive"),
    "von_mises": ("angle", "continuous"),
} | dict.fromkeys(("lognormal", "gamma", "exponential", "weibull"), ("pos", "positive"))


def _response(family: str) -> tuple[str, str]:
    return RESPONSES.get(family, ("c", "count"))


def logpdf(family: str, location: Any, p: Mapping[str, float], y: np.ndarray) -> np.ndarray:
    """The log density of every row."""
    if family.startswith("zero_inflated_"):
        inner = FROZEN[family.removeprefix("zero_inflated_")](location, p)
        with np.errstate(divide="ignore"):
            at_zero = np.where(y == 0, np.log(p["zero"]), -np.inf)
        return np.asarray(np.logaddexp(at_zero, np.log1p(-p["zero"]) + inner.logpmf(y)))
    frozen = FROZEN[family](location, p)
    discrete = isinstance(getattr(frozen, "dist", None), stats.rv_discrete)
    return np.asarray(frozen.logpmf(y) if discrete else frozen.logpdf(y))


PAIRS = [
    (family.name, link) for family in FAMILIES.values() for link in family.links if family.predictor == "one"
]


def _given(family: str, link: str) -> str:
    """A regression whose intercept and slope keep the mean in the family's range at all points tried."""
    column, kind = _response(family)
    trials = ", trials: n" if FAMILIES[family].trials else ""
    priors = "intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)'"
    if "sigma" in FAMILIES[family].auxiliaries:
        priors += ", sigma: 'Exponential(1)'"
    return (
        f"nodes: {{e: {{type: continuous, transform: standardize}}, {column}: "
        f"{{type: {kind}, family: {family}, link: {link}{trials}}}}}\n"
        f"edges: [e -> {column}]\neffect: e -> {column}\nregressions: "
        f"{{{column}: {{priors: {{{priors}}}}}}}\n"
    )


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_log_density(family: str, link: str) -> None:
    column, _ = _response(family)
    x = (DATA["e"] - DATA["e"].mean()) / sd(DATA["e"])
    above = link in ("identity", "inverse") and family not in ("gaussian", "student_t", "skew_normal")

    def logp(p: Point) -> float:
        location = INVERSE[link](p[f"alpha_{column}"] + p[f"beta_{column}_e"] * x)
        values = {name: float(p[f"{name}_{column}"]) for name in FAMILIES[family].auxiliaries}
        own = {"lognormal": {"sigma": AUXILIARIES["sigma"]}, "weibull": {"shape": _weibull_shape}}.get(
            family, {}
        )
        priors = sum(float({**AUXILIARIES, **own}[name](value)) for name, value in values.items())
        head = normal(p[f"alpha_{column}"], 0, 2) + normal(p[f"beta_{column}_e"], 0, 1)
        return head + priors + float(np.sum(logpdf(family, location, values, DATA[column])))

    model = compiled(_given(family, link), DATA).build(DATA)
    _check_density(model, logp, _safe(column) if above else None)


def _weibull_shape(value: float) -> float:
    return float(stats.lognorm.logpdf(value, 1))


def _safe(column: str) -> Mapping[str, float]:
    """A point where a predictor that has to be positive is."""
    return {f"alpha_{column}": 3.0, f"beta_{column}_e": 0.1}


def test_known_errors_of_the_response_widen_its_residual() -> None:
    spec = (
        "nodes: {x: continuous, y: {type: continuous, error: e}}\nedges: [x -> y]\neffect: x -> y\n"
        "regressions: {y: {priors: {intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)', sigma: "
        "'Exponential(1)'}}}\n"
    )

    def logp(p: Point) -> float:
        eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"]
        head = normal(p["alpha_y"], 0, 2) + normal(p["beta_y_x"]) + float(stats.expon.logpdf(p["sigma_y"]))
        return head + normal(DATA["y"], eta, np.sqrt(p["sigma_y"] ** 2 + DATA["e"] ** 2))

    _check_density(compiled(spec, DATA).build(DATA), logp)


def test_the_residual_sd_may_be_a_multiple_of_a_column() -> None:
    spec = (
        "nodes: {x: continuous, y: {type: continuous, error: {scale: e}}}\nedges: [x -> y]\neffect: x -> y\n"
    )
    x, y, e = DATA["x"], DATA["y"], DATA["e"]

    def logp(p: Point) -> float:
        eta = p["alpha_y"] + p["beta_y_x"] * centred(x)
        head = normal(p["alpha_y"], r7(y.mean()), r7(2.5 * sd(y))) + normal(
            p["beta_y_x"], 0, r7(2.5 * sd(y) / sd(x))
        )
        rate = r7(e.mean() / sd(y))
        return (
            head + float(stats.expon.logpdf(p["sigma_y"], scale=1 / rate)) + normal(y, eta, p["sigma_y"] * e)
        )

    _check_density(compiled(spec, DATA).build(DATA), logp)


# ---------------------------------------------------------------- groups

_GROUP_PRIORS = "intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)', sigma: 'Exponential(1)'"


def _grouped(varying: str, more: str = "") -> str:
    return (
        "nodes: {x: continuous, g: group, y: continuous}\nedges: ['x, g -> y']\neffect: x -> y\n"
        f"regressions: {{y: {{varying: {{g: {varying}}}, priors: {{{_GROUP_PRIORS}{more}}}}}}}\n"
    )


def _common(p: Point) -> float:
    head = normal(p["alpha_y"], 0, 2) + normal(p["beta_y_x"]) + float(stats.expon.logpdf(p["sigma_y"]))
    return head


GROUPS = np.searchsorted(["a", "b", "c"], DATA["g"])


def test_varying_intercepts() -> None:
    """40 rows over 3 levels are many rows each, so the groups' own intercepts are sampled."""

    def logp(p: Point) -> float:
        spread, levels = p["sd_y_g"], p["z_y_g"]
        priors = float(stats.halfnorm.logpdf(spread, scale=r7(sd(DATA["y"])))) + normal(
            levels, p["alpha_y"], spread
        )
        eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"] + (levels - p["alpha_y"])[GROUPS]
        return _common(p) + priors + normal(DATA["y"], eta, p["sigma_y"])

    _check_density(compiled(_grouped("[intercept]"), DATA).build(DATA), logp)


def _chol_density(packed: np.ndarray, scales: list[float], eta: float) -> float:
    """Two half-normal sds and an LKJ correlation, as a density of the Cholesky factor (L11, L21, L22)."""
    first, below, diagonal = packed
    second = np.hypot(below, diagonal)
    rho = below / second
    sds = sum(
        float(stats.halfnorm.logpdf(s, scale=scale)) for s, scale in zip((first, second), scales, strict=True)
    )
    correlation = float(stats.beta.logpdf((rho + 1) / 2, eta, eta)) - np.log(2)
    return sds + correlation + np.log(np.sqrt(1 - rho**2) / second)


@pytest.mark.parametrize("many", [True, False])
def test_correlated_intercepts_and_slopes(many: bool) -> None:
    """With many rows a level the groups' own coefficients are sampled, with few their standardised
    deviations.
    """
    x, y = DATA["x"], DATA["y"]
    data = DATA if many else DATA | {"g": np.array([f"g{i // 5}" for i in range(len(x))])}
    groups = np.unique(data["g"], return_inverse=True)[1]
    scales = [r7(sd(y)), r7(sd(y) / sd(x))]

    def logp(p: Point) -> float:
        packed, raw = p["cov_y_g"], p["z_y_g"]
        factor = np.array([[packed[0], 0], [packed[1], packed[2]]])
        common = np.array([p["alpha_y"], p["beta_y_x"]])
        own = raw if many else common + raw @ factor.T
        density = (
            sum(float(stats.multivariate_normal.logpdf(row, common, factor @ factor.T)) for row in raw)
            if many
            else normal(raw)
        )
        eta = own[groups, 0] + own[groups, 1] * x
        return _common(p) + _chol_density(packed, scales, 2.0) + density + normal(y, eta, p["sigma_y"])

    _check_density(compiled(_grouped("[intercept, x]"), data).build(data), logp)


def test_the_users_priors_of_a_groups_sds() -> None:
    spec = _grouped(
        "[intercept, x]", ", 'intercept:g': 'HalfNormal(3)', 'x:g': 'HalfNormal(0.5)', g: 'LKJCholesky(4)'"
    )
    outcome = models_of(spec, DATA)["adjusted"].outcome
    (varying,) = outcome.varying
    assert [str(d.prior) for d in varying.deviations] == ["HalfNormal(3)", "HalfNormal(0.5)"]
    assert varying.concentration == 4.0


def test_slopes_of_a_group_node_and_pooled_levels() -> None:
    spec = (
        "nodes: {x: continuous, g: {type: group, slopes: [x]}, y: continuous}\nedges: ['x, g -> y']\neffect: "
        "x -> y\n"
    )
    (varying,) = models_of(spec, DATA)["adjusted"].outcome.varying
    assert [d.name for d in varying.deviations] == ["intercept", "x"]
    spec = "nodes: {g: {type: categorical, pool: true}, y: continuous}\nedges: [g -> y]\neffect: g -> y\n"
    model = models_of(spec, DATA)["adjusted"]
    assert [d.name for d in model.outcome.varying[0].deviations] == ["intercept"]
    assert [c.stop for c in model.estimand.contrasts] == [("b",), ("c",)]


# ---------------------------------------------------------------- means and draws

PARAMETERS = {"sigma": 0.6, "nu": 5.0, "shape": 1.7, "precision": 4.0, "zero": 0.3}
PARAMETERS |= {"extreme": 0.3, "one": 0.6, "cut": -1.2, "gap": 2.5, "skew": 3.0}
PARAMETERS |= {"concentration": 2.0}


@pytest.mark.parametrize("family", [f.name for f in FAMILIES.values() if f.draw is not None])
def test_draws_have_the_mean_and_spread_of_the_family(family: str) -> None:
    """The mean function, and the draws that stand in for a mediator, against the family's own moments."""
    entry, count = FAMILIES[family], 200_000
    place = 0.4 if "logit" in entry.links else 2.0
    p = {name: np.array([[PARAMETERS[name]]]) for name in entry.auxiliaries}
    draw = entry.draw
    assert draw is not None
    drawn = draw(np.random.default_rng(1), np.full((1, count), place), p)[0]
    mean = float(np.squeeze(entry.mean(np.array([[place]]), p)))
    assert abs(drawn.mean() - mean) < 4.5 * drawn.std() / np.sqrt(count)
    values = {name: PARAMETERS[name] for name in entry.auxiliaries}
    if family.startswith("zero_inflated_"):
        inner = FROZEN[family.removeprefix("zero_inflated_")](place, values)
        expected = 0.3 + 0.7 * inner.pmf(0)
        assert (drawn == 0).mean() == pytest.approx(expected, abs=4.5 * np.sqrt(expected / count))
        assert mean == pytest.approx(0.7 * inner.mean())
    else:
        frozen = FROZEN[family](place, values)
        assert mean == pytest.approx(float(frozen.mean()))
        at = float(frozen.ppf(0.8))
        assert (drawn <= at).mean() == pytest.approx(float(frozen.cdf(at)), abs=4.5 * 0.5 / np.sqrt(count))


@pytest.mark.parametrize(
    "family", [f.name for f in FAMILIES.values() if f.draw is not None and f.name != "von_mises"]
)
def test_draws_grow_with_the_location(family: str) -> None:
    """With the same random numbers: so the noise of a contrast cancels. (Angles go round.)"""
    entry = FAMILIES[family]
    p = {name: np.array([[PARAMETERS[name]]]) for name in entry.auxiliaries}
    draw = entry.draw
    assert draw is not None
    low, high = (draw(np.random.default_rng(1), np.full((3, 500), at), p) for at in (0.3, 0.6))
    assert (high >= low).all()


@pytest.mark.parametrize("link", LINKS)
def test_links(link: str) -> None:
    entry, eta = LINKS[link], np.linspace(0.2, 2, 9)
    np.testing.assert_allclose(entry.inverse(eta), INVERSE[link](eta), rtol=1e-12)
    step = 1e-6
    numeric = (INVERSE[link](eta + step) - INVERSE[link](eta - step)) / (2 * step)
    np.testing.assert_allclose(entry.slope(eta), numeric, rtol=1e-6)
    mean = float(INVERSE[link](np.array(0.7)))
    assert entry.of_mean(mean) == pytest.approx(0.7, rel=1e-6)


# ---------------------------------------------------------------- refusals


def _codes(spec: str) -> list[tuple[str, int]]:
    with pytest.raises(DagregError) as caught:
        compiled(spec, DATA)
    return [(d.code, d.span.line if d.span else 0) for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("nodes", "more", "code", "line"),
    [
        ("  b: {type: binary, link: log}\n", "", "DR422", 3),
        ("  c: {type: count, link: inverse}\n", "", "DR422", 3),
        ("  c: count\n", "regressions:\n  c: {link: logit}\n", "DR422", 7),
        ("  c: {type: count, offset: e, link: softplus}\n", "", "DR420", 3),
        ("  c: {type: count, family: hurdle_poisson, offset: e}\n", "", "DR420", 3),
        ("  c: {type: count, error: e}\n", "", "DR425", 3),
        ("  y: {type: continuous, family: student_t, error: e}\n", "", "DR425", 3),
        ("  y: {type: continuous, family: gamma}\n", "", "DR414", 3),
        ("  pos: {type: positive, family: beta}\n", "", "DR414", 3),
        ("  pos: {type: positive, family: gamma, transform: log}\n", "", "DR412", 3),
        ("  g: group\n", "", "DR411", 3),
    ],
)
def test_refusals(nodes: str, more: str, code: str, line: int) -> None:
    name = nodes.split(":")[0].strip()
    spec = f"nodes:\n  x: continuous\n{nodes}edges: [x -> {name}]\neffect: x -> {name}\n{more}"
    assert _codes(spec) == [(code, line)]


def test_a_group_where_none_can_stand_says_what_to_do() -> None:
    """As a response, and beside a response of several levels."""
    nodes = "nodes: {x: continuous, y: {type: categorical, levels: [p, q, r]}, g: group}\n"
    data = {"x": [0.0, 1.0, 2.0] * 8, "y": list("pqr") * 8, "g": list("abcdefgh") * 3}
    for edges, effect in (("[x -> g]", "x -> g"), ("[g -> x, 'x, g -> y']", "x -> y")):
        said = f"{nodes}edges: {edges}\neffect: {effect}\n"
        with pytest.raises(DagregError) as caught:
            compiled(said, data)
        (found,) = caught.value.diagnostics
        assert found.code == "DR411"
        assert "say `g: categorical`" in found.label
        compiled(said.replace("g: group", "g: categorical"), data)


def test_shares_of_0_and_1_are_led_to_the_families_that_take_them() -> None:
    spec = (
        "nodes: {x: continuous, ends: {type: proportion, family: beta}}\nedges: [x -> ends]\neffect: x -> "
        "ends\n"
    )
    with pytest.raises(DagregError) as caught:
        compiled(spec, DATA)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "DR414"
    named = "`family: zero_one_inflated_beta` or `family: ordered_beta` takes numbers from 0 to 1"
    assert named in diagnostic.notes
    for family in ("zero_one_inflated_beta", "ordered_beta"):
        assert compiled(spec.replace("family: beta", f"family: {family}"), DATA).source


@pytest.mark.parametrize(
    ("family", "column"),
    [("ordered_beta", "ends"), ("hurdle_poisson", "c"), ("hurdle_negative_binomial", "c")],
)
def test_a_mean_that_bends_is_averaged_over_the_population_of_groups(family: str, column: str) -> None:
    """The mean of the family's means, not that at the mean location: quadrature by hand gives the same."""
    kind = "proportion" if column == "ends" else "count"
    spec = (
        f"nodes: {{x: continuous, h: group, {column}: {{type: {kind}, family: {family}}}}}\n"
        f"edges: ['x, h -> {column}']\neffect: {{exposure: x, outcome: {column}, contrast: [9, 11]}}\n"
        f"regressions: {{{column}: {{priors: {{intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)'}}}}}}\n"
    )
    model, sd_of_groups = models_of(spec, DATA)["adjusted"], 0.9
    values = {name: PARAMETERS[name] for name in FAMILIES[family].auxiliaries}
    own = {f"{name}_{column}": value for name, value in values.items()}
    draws = _point(
        **{f"alpha_{column}": -0.4, f"beta_{column}_x": 0.08, f"sd_{column}_h": sd_of_groups}, **own
    )
    zeros = _point(**{f"by_{column}_h": np.zeros(3)})
    draws = Draws({**draws.values, **zeros.values}, "test", 0, 0.0)
    (found,) = (e.summary.mean for e in estimates(model, draws, DATA, 0) if e.scale == "outcome")
    z, weights = np.polynomial.hermite_e.hermegauss(120)

    def mean(x: float) -> float:
        location = INVERSE[FAMILIES[family].links[0]](-0.4 + 0.08 * x + sd_of_groups * z)
        return float(weights @ np.asarray(FROZEN[family](location, values).mean()) / weights.sum())

    assert found == pytest.approx(mean(11.0) - mean(9.0), rel=1e-6)


@pytest.mark.parametrize(
    ("regression", "code"),
    [
        ("interactions: ['x:g']", "DR423"),
        ("varying: {g: [intercept, z]}", "DR418"),
        ("varying: {g: [intercept, x]}, priors: {'x:g': 'Exponential(1)'}", "DR424"),
        ("priors: {g: 'Normal(0, 1)'}", "DR155"),
    ],
)
def test_refusals_of_groups(regression: str, code: str) -> None:
    spec = (
        "nodes: {x: continuous, z: continuous, g: group, y: continuous}\nedges: ['x, g -> y', z -> x]\n"
        f"effect: x -> y\nregressions: {{y: {{{regression}}}}}\n"
    )
    assert [code_ for code_, _ in _codes(spec)] == [code]


# ---------------------------------------------------------------- responses of several levels


def _softmax(eta: np.ndarray) -> np.ndarray:
    eta = np.column_stack([np.zeros(len(eta)), eta])
    return np.asarray(special.softmax(eta, axis=1))


def _cumulative(cuts: np.ndarray, eta: np.ndarray) -> np.ndarray:
    below = special.expit(cuts[None, :] - eta[:, None])
    return np.diff(np.column_stack([np.zeros(len(eta)), below, np.ones(len(eta))]), axis=1)


LEVELLED = "nodes: {{x: continuous, h: categorical, g: {{type: {kind}, levels: [a, b, c]}}}}\n" + (
    "edges: [h -> x, 'x, h -> g']\neffect: x -> g\n"
)
H = np.column_stack([DATA["h"] == level for level in ("q", "r")]).astype(float)
SCALE = r7(2.5 / sd(DATA["x"]))
ROW = np.arange(len(GROUPS))


def test_categorical_log_density() -> None:
    def logp(p: Point) -> float:
        eta = p["alpha_g"] + centred(DATA["x"])[:, None] * p["beta_g_x"] + (H - _shares(H)) @ p["beta_g_h"]
        priors = (
            normal(p["alpha_g"], 0, 2.5) + normal(p["beta_g_x"], 0, SCALE) + normal(p["beta_g_h"], 0, 2.5)
        )
        return priors + float(np.log(_softmax(eta)[ROW, GROUPS]).sum())

    _check_density(compiled(LEVELLED.format(kind="categorical"), DATA).build(DATA), logp)


def test_ordinal_log_density() -> None:
    def logp(p: Point) -> float:
        eta = p["beta_g_x"] * centred(DATA["x"]) + (H - _shares(H)) @ p["beta_g_h"]
        priors = (
            normal(p["alpha_g"], 0, 2.5) + normal(p["beta_g_x"], 0, SCALE) + normal(p["beta_g_h"], 0, 2.5)
        )
        return priors + float(np.log(_cumulative(p["alpha_g"], eta)[ROW, GROUPS]).sum())

    _check_density(compiled(LEVELLED.format(kind="ordinal"), DATA).build(DATA), logp)


def test_ordinal_log_density_under_a_probit() -> None:
    spec = LEVELLED.format(kind="ordinal").replace("type: ordinal", "type: ordinal, link: probit")

    def logp(p: Point) -> float:
        eta = p["beta_g_x"] * centred(DATA["x"]) + (H - _shares(H)) @ p["beta_g_h"]
        priors = (
            normal(p["alpha_g"], 0, 2.5) + normal(p["beta_g_x"], 0, SCALE) + normal(p["beta_g_h"], 0, 2.5)
        )
        below = stats.norm.cdf(p["alpha_g"] - eta[:, None])
        shares = np.diff(np.column_stack([np.zeros(len(eta)), below, np.ones(len(eta))]), axis=1)
        return priors + float(np.log(shares[ROW, GROUPS]).sum())

    _check_density(compiled(spec, DATA).build(DATA), logp)


ORDERED_BY_GROUP = (
    "nodes: {x: continuous, h: group, g: {type: ordinal, levels: [a, b, c]}}\nedges: ['x, h -> g']\n"
    "effect: {exposure: x, outcome: g, contrast: [9, 11]}\n"
    "regressions: {g: {varying: {h: [intercept, x]}, priors: {intercept: 'Normal(0, 2)', slopes: 'Normal(0, "
    "1)', "
    "h: 'HalfNormal(1)'}}}\n"
)


@pytest.mark.parametrize("times", [1, 5])
def test_an_ordinal_regression_with_groups(times: int) -> None:
    """With many rows a level the groups' own coefficients are sampled, around a predictor whose mean is 0."""
    data = {name: np.tile(DATA[name], times) for name in ("x", "h", "g")}
    groups, places = np.tile(GROUPS, times), np.unique(data["h"], return_inverse=True)[1]

    def logp(p: Point) -> float:
        packed, raw, means = p["cov_g_h"], p["z_g_h"], np.array([0.0, p["beta_g_x"]])
        factor = np.array([[packed[0], 0], [packed[1], packed[2]]])
        own = raw if times > 1 else means + raw @ factor.T
        centred_density = sum(
            float(stats.multivariate_normal.logpdf(r, means, factor @ factor.T)) for r in raw
        )
        eta = own[places, 0] + own[places, 1] * data["x"]
        priors = (
            normal(p["alpha_g"], 0, 2) + normal(p["beta_g_x"], 0, 1) + _chol_density(packed, [1.0, 1.0], 2.0)
        )
        shares = _cumulative(p["alpha_g"], eta)[np.arange(len(eta)), groups]
        return priors + (centred_density if times > 1 else normal(raw)) + float(np.log(shares).sum())

    _check_density(compiled(ORDERED_BY_GROUP, data).build(data), logp)


def test_levels_are_averaged_over_the_population_of_groups() -> None:
    model = models_of(ORDERED_BY_GROUP, DATA)["adjusted"]
    alpha, sds, rho = np.array([-0.3, 0.9]), np.array([0.8, 0.05]), -0.4
    draws = _point(
        alpha_g=alpha,
        beta_g_x=0.1,
        by_g_h=np.zeros((3, 2)),
        cov_g_h_stds=sds,
        cov_g_h_corr=[[1, rho], [rho, 1]],
    )
    found = [e.summary.mean for e in estimates(model, draws, DATA, 0) if e.scale == "outcome"]
    z, weights = np.polynomial.hermite_e.hermegauss(80)

    def share(x: float) -> np.ndarray:
        spread = np.sqrt(sds[0] ** 2 + 2 * rho * sds[0] * sds[1] * x + (sds[1] * x) ** 2)
        return np.asarray(weights @ _cumulative(alpha, 0.1 * x + spread * z) / weights.sum())

    assert found == pytest.approx(list(share(11.0) - share(9.0)), rel=1e-6)


def _shares(columns: np.ndarray) -> np.ndarray:
    return np.array([float(f"{share:.6g}") for share in columns.mean(axis=0)])


def test_an_ordinal_response_needs_the_order_of_its_levels() -> None:
    spec = "nodes: {x: continuous, g: ordinal}\nedges: [x -> g]\neffect: x -> g\n"
    assert [code for code, _ in _codes(spec)] == ["DR401"]


def _point(**values: Any) -> Draws:
    return Draws({n: np.broadcast_to(v, (2, 5, *np.shape(v))) for n, v in values.items()}, "test", 0, 0.0)


@pytest.mark.parametrize("kind", ["categorical", "ordinal"])
def test_effects_on_the_probability_of_every_level(kind: str) -> None:
    spec = LEVELLED.format(kind=kind).replace(
        "effect: x -> g", "effect: {exposure: x, outcome: g, contrast: [9, 11]}"
    )
    model = models_of(spec, DATA)
    slopes = {"categorical": np.array([0.3, -0.2]), "ordinal": np.array(0.3)}[kind]
    others = {"categorical": np.array([[0.5, 0.1], [-0.4, 0.8]]), "ordinal": np.array([0.5, -0.4])}[kind]
    alpha = np.array([-0.3, 0.9])
    draws = _point(alpha_g=alpha, beta_g_x=slopes, beta_g_h=others)
    found = {
        e.name: e.summary.mean for e in estimates(model["adjusted"], draws, DATA, 0) if e.scale == "outcome"
    }

    def share(x: float) -> np.ndarray:
        shift = x - float(f"{DATA['x'].mean():.6g}")
        rest = (H - _shares(H)) @ others
        if kind == "ordinal":
            return _cumulative(alpha, shift * slopes + rest).mean(axis=0)
        return _softmax(alpha + shift * slopes + rest).mean(axis=0)

    expected = dict(zip((f"x -> g = {level}" for level in "abc"), share(11.0) - share(9.0), strict=True))
    assert found == {name: pytest.approx(value, rel=1e-10) for name, value in expected.items()}


@pytest.mark.parametrize("kind", ["categorical", "ordinal"])
def test_chains_through_a_mediator_of_several_levels(kind: str) -> None:
    """The mediator's levels are summed over: the sum by hand is the same number."""
    spec = (
        f"nodes: {{x: continuous, g: {{type: {kind}, levels: [a, b, c]}}, b: binary}}\n"
        "edges: [x -> g -> b, x -> b]\neffect: {exposure: x, outcome: b, contrast: [9, 11]}\n"
        "regressions: {b: {priors: {intercept: 'Normal(0, 5)'}}, g: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    model = models_of(spec, DATA)["chain"]
    slopes = {"categorical": np.array([0.1, -0.2]), "ordinal": np.array(0.1)}[kind]
    alpha, effects = np.array([-0.3, 0.9]), np.array([0.0, 0.7, -1.1])
    draws = _point(alpha_g=alpha, beta_g_x=slopes, alpha_b=-1.0, beta_b_x=0.1, beta_b_g=effects[1:])
    (found,) = (e.summary.mean for e in estimates(model, draws, DATA, 0) if e.scale == "outcome")

    def risk(x: float) -> float:
        share = _softmax(np.array([alpha + x * slopes]))[0] if kind == "categorical" else None
        share = _cumulative(alpha, np.array([x * slopes]))[0] if share is None else share
        return float(share @ special.expit(-1.0 + 0.1 * x + effects))

    assert found == pytest.approx(risk(11.0) - risk(9.0), rel=1e-10)


def test_a_chain_through_levels_with_trials_weighs_its_rows() -> None:
    """Rows of the mediator's regression count as often as they have trials."""
    spec = (
        "nodes:\n  x: continuous\n  g: {type: categorical, levels: [a, b, c]}\n"
        "  s: {type: count, family: binomial, trials: n}\n"
        "edges: [x -> g -> s]\neffect: x -> s\n"
    )
    n, y, x = DATA["n"], DATA["s"], DATA["x"]
    dummies = np.column_stack([GROUPS == 1, GROUPS == 2]).astype(float)

    def logp(p: Point) -> float:
        eta = p["alpha_g"] + centred(x)[:, None] * p["beta_g_x"]
        first = normal(p["alpha_g"], 0, 2.5) + normal(p["beta_g_x"], 0, SCALE)
        first += float((n * np.log(_softmax(eta)[ROW, GROUPS])).sum())
        rate = y.mean() / n.mean()
        second = normal(p["alpha_s"], r7(np.log(rate / (1 - rate))), 2.5) + normal(p["beta_s_g"], 0, 2.5)
        eta = p["alpha_s"] + (dummies - _shares(dummies)) @ p["beta_s_g"]
        return first + second + float(stats.binom.logpmf(y, n, special.expit(eta)).sum())

    _check_density(compiled(spec, DATA).build(DATA, "build_chain"), logp)


# ---------------------------------------------------------------- recovery

RECOVERED: Mapping[str, Mapping[str, float]] = {
    "student_t": {"nu": 4.0, "sigma": 0.7},
    "lognormal": {"sigma": 0.5},
    "gamma": {"shape": 3.0},
    "weibull": {"shape": 1.6},
    "beta": {"precision": 8.0},
    "negative_binomial": {"shape": 2.0},
    "zero_inflated_poisson": {"zero": 0.3},
    "zero_inflated_negative_binomial": {"zero": 0.25, "shape": 4.0},
    "exponential": {},
}


def _simulated(rows: int = 1_000) -> dict[str, np.ndarray]:
    """A column from each family, with intercept .4 at x = 0 and slope .5 under its default link; their sum is
    z.
    """
    rng = np.random.default_rng(8)
    found = {"x": rng.normal(size=rows)}
    for family, values in RECOVERED.items():
        entry = FAMILIES[family]
        location = np.asarray(INVERSE[entry.links[0]](0.4 + 0.5 * found["x"]))
        draw = entry.draw
        assert draw is not None
        drawn = draw(rng, location[None, :], {name: np.array([[value]]) for name, value in values.items()})[0]
        found[family] = drawn.astype(np.int64) if entry.discrete else drawn
    return found | {"z": rng.normal(size=rows)}


def _draws(text: str, data: Mapping[str, Any], estimator: str) -> Draws:
    spec = spec_of(text + "sampling: {draws: 400, tune: 600, chains: 2, seed: 3}\n")
    program = pipeline.compile(spec, data)
    model = next(m for m in program.plans[0].models if m.estimator == estimator)
    return sample(program.program, model, data, spec.sampling)


@pytest.mark.slow
def test_parameters_are_recovered() -> None:
    """One chain with a mediator of every family: within 4 posterior standard deviations of the truth, and
    close.
    """
    nodes = "".join(f"  {f}: {{type: {FAMILIES[f].accepts[0]}, family: {f}}}\n" for f in RECOVERED)
    priors = "".join(f"  {f}: {{priors: {{intercept: 'Normal(0, 3)'}}}}\n" for f in RECOVERED)
    spec = (
        f"nodes:\n  x: continuous\n{nodes}  z: continuous\nedges: ['x -> {', '.join(RECOVERED)} -> z']\n"
        f"effect: x -> z\nregressions:\n{priors}"
    )
    draws = _draws(spec, _simulated(), "chain")
    assert draws.divergences == 0
    for family, values in RECOVERED.items():
        truth = {"alpha": 0.4, "beta": 0.5} | values
        for name, value in truth.items():
            found = draws.values[f"beta_{family}_x" if name == "beta" else f"{name}_{family}"]
            assert abs(found.mean() - value) < 4 * found.std(), (family, name)
            assert found.std() < 0.3 * max(value, 0.3), (family, name)


@pytest.mark.slow
def test_groups_are_recovered_where_the_data_say_little_of_each() -> None:
    """100 groups of five rows, sampled non-centred: sds, correlation and the average slope."""
    rng = np.random.default_rng(12)
    groups, each = 100, 5
    factor = np.linalg.cholesky(np.array([[1.0, 0.5 * 0.6], [0.5 * 0.6, 0.36]]))
    own = rng.normal(size=(groups, 2)) @ factor.T
    g, x = np.repeat(np.arange(groups), each), rng.normal(size=groups * each)
    y = 1.0 + own[g, 0] + (0.8 + own[g, 1]) * x + rng.normal(0, 1.0, groups * each)
    data = {"x": x, "g": g, "y": y}
    spec = "nodes: {x: continuous, g: {type: group, slopes: [x]}, y: continuous}\n"
    spec += "edges: ['x, g -> y']\neffect: x -> y\n"
    assert not models_of(spec, data)["adjusted"].outcome.varying[0].centred
    draws = _draws(spec, data, "adjusted")
    assert draws.divergences == 0
    for values, truth in (
        (draws.values["beta_y_x"], 0.8),
        (draws.values["cov_y_g_stds"][..., 0], 1.0),
        (draws.values["cov_y_g_stds"][..., 1], 0.6),
        (draws.values["cov_y_g_corr"][..., 0, 1], 0.5),
    ):
        assert abs(values.mean() - truth) < 4 * values.std()
        assert values.std() < 0.2
