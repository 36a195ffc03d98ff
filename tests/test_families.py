"""Every family under every link: its log density, its mean and its draws against SciPy, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg.errors import DagregError
from dagreg.model.families import FAMILIES
from dagreg.model.links import LINKS
from tests.fitting import compiled, models_of
from tests.test_emit import DATA, Point, _check_density, centred, normal, r3, sd

INVERSE: Mapping[str, Callable[[Any], Any]] = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "logit": special.expit,
    "probit": stats.norm.cdf,
    "cloglog": lambda eta: 1 - np.exp(-np.exp(eta)),
    "inverse": lambda eta: 1 / eta,
    "softplus": lambda eta: np.log1p(np.exp(eta)),
}
AUXILIARIES: Mapping[str, Callable[[float], float]] = {
    "sigma": lambda v: stats.expon.logpdf(v),  # given below as Exponential(1)
    "nu": lambda v: stats.gamma.logpdf(v, 2, scale=10),
    "shape": lambda v: stats.halfcauchy.logpdf(v, scale=5),
    "precision": lambda v: stats.halfcauchy.logpdf(v, scale=5),
    "zero": lambda v: stats.beta.logpdf(v, 1, 1),
}
Distribution = Callable[[Any, Mapping[str, float]], Any]
FROZEN: Mapping[str, Distribution] = {
    "gaussian": lambda mu, p: stats.norm(mu, p["sigma"]),
    "student_t": lambda mu, p: stats.t(p["nu"], mu, p["sigma"]),
    "lognormal": lambda mu, p: stats.lognorm(p["sigma"], scale=mu),
    "gamma": lambda mu, p: stats.gamma(p["shape"], scale=mu / p["shape"]),
    "exponential": lambda mu, p: stats.expon(scale=mu),
    "weibull": lambda mu, p: stats.weibull_min(p["shape"], scale=mu / special.gamma(1 + 1 / p["shape"])),
    "beta": lambda mu, p: stats.beta(mu * p["precision"], (1 - mu) * p["precision"]),
    "bernoulli": lambda mu, p: stats.bernoulli(mu),
    "binomial": lambda mu, p: stats.binom(DATA["n"], mu),
    "beta_binomial": lambda mu, p: stats.betabinom(DATA["n"], mu * p["precision"], (1 - mu) * p["precision"]),
    "poisson": lambda mu, p: stats.poisson(mu),
    "negative_binomial": lambda mu, p: stats.nbinom(p["shape"], p["shape"] / (p["shape"] + mu)),
}
RESPONSES = {
    "beta": ("share", "proportion"),
    "bernoulli": ("b", "binary"),
    "binomial": ("s", "count"),
    "beta_binomial": ("s", "count"),
    "gaussian": ("pos", "positive"),
    "student_t": ("pos", "positive"),
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


PAIRS = [(family.name, link) for family in FAMILIES.values() for link in family.links if family.predictor == "one"]


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
        f"edges: [e -> {column}]\neffect: e -> {column}\nregressions: {{{column}: {{priors: {{{priors}}}}}}}\n"
    )


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_log_density(family: str, link: str) -> None:
    column, _ = _response(family)
    x = (DATA["e"] - DATA["e"].mean()) / sd(DATA["e"])
    above = link in ("identity", "inverse") and family not in ("gaussian", "student_t")

    def logp(p: Point) -> float:
        location = INVERSE[link](p[f"alpha_{column}"] + p[f"beta_{column}_e"] * x)
        values = {name: float(p[f"{name}_{column}"]) for name in FAMILIES[family].auxiliaries}
        own = {"lognormal": {"sigma": AUXILIARIES["sigma"]}, "weibull": {"shape": _weibull_shape}}.get(family, {})
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
        "regressions: {y: {priors: {intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)', sigma: 'Exponential(1)'}}}\n"
    )

    def logp(p: Point) -> float:
        eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"]
        head = normal(p["alpha_y"], 0, 2) + normal(p["beta_y_x"]) + float(stats.expon.logpdf(p["sigma_y"]))
        return head + normal(DATA["y"], eta, np.sqrt(p["sigma_y"] ** 2 + DATA["e"] ** 2))

    _check_density(compiled(spec, DATA).build(DATA), logp)


def test_the_residual_sd_may_be_a_multiple_of_a_column() -> None:
    spec = "nodes: {x: continuous, y: {type: continuous, error: {scale: e}}}\nedges: [x -> y]\neffect: x -> y\n"
    x, y, e = DATA["x"], DATA["y"], DATA["e"]

    def logp(p: Point) -> float:
        eta = p["alpha_y"] + p["beta_y_x"] * centred(x)
        head = normal(p["alpha_y"], r3(y.mean()), r3(2.5 * sd(y))) + normal(p["beta_y_x"], 0, r3(2.5 * sd(y) / sd(x)))
        rate = r3(e.mean() / sd(y))
        return head + float(stats.expon.logpdf(p["sigma_y"], scale=1 / rate)) + normal(y, eta, p["sigma_y"] * e)

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
        priors = float(stats.halfnorm.logpdf(spread, scale=r3(sd(DATA["y"])))) + normal(levels, p["alpha_y"], spread)
        eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"] + (levels - p["alpha_y"])[GROUPS]
        return _common(p) + priors + normal(DATA["y"], eta, p["sigma_y"])

    _check_density(compiled(_grouped("[intercept]"), DATA).build(DATA), logp)


def _chol_density(packed: np.ndarray, scales: list[float], eta: float) -> float:
    """Two half-normal sds and an LKJ correlation, as a density of the Cholesky factor (L11, L21, L22)."""
    first, below, diagonal = packed
    second = np.hypot(below, diagonal)
    rho = below / second
    sds = sum(float(stats.halfnorm.logpdf(s, scale=scale)) for s, scale in zip((first, second), scales, strict=True))
    correlation = float(stats.beta.logpdf((rho + 1) / 2, eta, eta)) - np.log(2)
    return sds + correlation + np.log(np.sqrt(1 - rho**2) / second)


@pytest.mark.parametrize("many", [True, False])
def test_correlated_intercepts_and_slopes(many: bool) -> None:
    """With many rows a level the groups' own coefficients are sampled, with few their standardised deviations."""
    x, y = DATA["x"], DATA["y"]
    data = DATA if many else DATA | {"g": np.array([f"g{i // 5}" for i in range(len(x))])}
    groups = np.unique(data["g"], return_inverse=True)[1]
    scales = [r3(sd(y)), r3(sd(y) / sd(x))]

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
    spec = _grouped("[intercept, x]", ", 'intercept:g': 'HalfNormal(3)', 'x:g': 'HalfNormal(0.5)', g: 'LKJCholesky(4)'")
    outcome = models_of(spec, DATA)["adjusted"].outcome
    (varying,) = outcome.varying
    assert [str(d.prior) for d in varying.deviations] == ["HalfNormal(3)", "HalfNormal(0.5)"]
    assert varying.concentration == 4.0


def test_slopes_of_a_group_node_and_pooled_levels() -> None:
    spec = (
        "nodes: {x: continuous, g: {type: group, slopes: [x]}, y: continuous}\nedges: ['x, g -> y']\neffect: x -> y\n"
    )
    (varying,) = models_of(spec, DATA)["adjusted"].outcome.varying
    assert [d.name for d in varying.deviations] == ["intercept", "x"]
    spec = "nodes: {g: {type: categorical, pool: true}, y: continuous}\nedges: [g -> y]\neffect: g -> y\n"
    model = models_of(spec, DATA)["adjusted"]
    assert [d.name for d in model.outcome.varying[0].deviations] == ["intercept"]
    assert [c.stop for c in model.estimand.contrasts] == [("b",), ("c",)]


# ---------------------------------------------------------------- means and draws

PARAMETERS = {"sigma": 0.6, "nu": 5.0, "shape": 1.7, "precision": 4.0, "zero": 0.3}


@pytest.mark.parametrize("family", [f.name for f in FAMILIES.values() if f.draw is not None])
def test_draws_have_the_mean_and_spread_of_the_family(family: str) -> None:
    """The mean function, and the draws that stand in for a mediator, against the family's own moments."""
    entry, count = FAMILIES[family], 200_000
    place = 0.4 if family == "beta" else 2.0
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


@pytest.mark.parametrize("family", [f.name for f in FAMILIES.values() if f.draw is not None])
def test_draws_grow_with_the_location(family: str) -> None:
    """With the same random numbers: so the noise of a contrast cancels."""
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
        ("  b: {type: binary, link: log}\n", "", "DR420", 3),
        ("  c: {type: count, link: inverse}\n", "", "DR420", 3),
        ("  c: count\n", "regressions:\n  c: {link: logit}\n", "DR420", 7),
        ("  c: {type: count, offset: e, link: softplus}\n", "", "DR421", 3),
        ("  c: {type: count, error: e}\n", "", "DR422", 3),
        ("  y: {type: continuous, family: student_t, error: e}\n", "", "DR422", 3),
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


def test_a_predictor_measured_with_error_is_not_supported_yet() -> None:
    spec = "nodes: {x: {type: continuous, error: e}, y: continuous}\nedges: [x -> y]\neffect: x -> y\n"
    assert [code for code, _ in _codes(spec)] == ["DR411"]
