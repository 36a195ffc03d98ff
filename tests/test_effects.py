"""The g-formula against brute force: the graph's variables simulated under an intervention, with known
parameters.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from dagreg import pipeline
from dagreg.effects import gformula
from dagreg.effects.estimate import estimates
from dagreg.effects.gformula import MIN_SIMULATED, contrast_draws
from dagreg.effects.mediation import decomposed
from dagreg.effects.predictor import MAX_ERROR, over_population, quadrature, trapezoidal
from dagreg.effects.rows import merge, observed_rows
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError
from dagreg.families.links import LINKS as LINKED
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics import quantiles
from tests.fitting import Columns, models_of, point, rows_of, spec_of

ROWS = 300
SIMULATED = 300_000  # rows simulated for each side of a contrast
ERRORS = 4.5  # standard errors within which two simulations have to agree

MEANS = {"identity": lambda eta: eta, "logit": special.expit, "log": np.exp}
LINKS = {
    "gaussian": "identity",
    "bernoulli": "logit",
    "poisson": "log",
    "beta": "logit",
}  # of the others: log
TYPES = {"gaussian": "continuous", "bernoulli": "binary", "beta": "proportion", "gamma": "positive"} | {
    "lognormal": "positive",
    "weibull": "positive",
}  # of the others: count
AUXILIARIES: Mapping[str, Mapping[str, float]] = {
    "gaussian": {"sigma": 0.8},
    "lognormal": {"sigma": 0.5},
    "gamma": {"shape": 2.5},
    "weibull": {"shape": 1.6},
    "beta": {"precision": 5.0},
    "negative_binomial": {"shape": 1.5},
    "zero_inflated_poisson": {"zero": 0.3},
}
SAMPLERS: Mapping[str, Any] = {  # independent of the program's own draws
    "gaussian": lambda rng, mu: rng.normal(mu, 0.8),
    "bernoulli": lambda rng, mu: rng.random(mu.shape) < mu,
    "poisson": lambda rng, mu: rng.poisson(mu),
    "lognormal": lambda rng, mu: mu * np.exp(rng.normal(0, 0.5, mu.shape)),
    "gamma": lambda rng, mu: rng.gamma(2.5, mu / 2.5),
    "weibull": lambda rng, mu: mu / special.gamma(1 + 1 / 1.6) * rng.weibull(1.6, mu.shape),
    "beta": lambda rng, mu: np.clip(rng.beta(5 * mu, 5 * (1 - mu)), 1e-9, 1 - 1e-9),
    "negative_binomial": lambda rng, mu: rng.negative_binomial(1.5, 1.5 / (1.5 + mu)),
    "zero_inflated_poisson": lambda rng, mu: (rng.random(mu.shape) >= 0.3) * rng.poisson(mu),
}
MEAN_OVER_LOCATION = {"lognormal": np.exp(0.5**2 / 2), "zero_inflated_poisson": 0.7}


@dataclass(frozen=True)
class Regression:
    """A regression with known coefficients; `x:m` is a product of columns, `1` the intercept."""

    response: str
    family: str
    slopes: Mapping[str, float]

    def eta(self, columns: Columns, shift: float = 0.0) -> Any:
        eta = self.slopes["1"] + shift
        for name, slope in self.slopes.items():
            if name != "1":
                eta = eta + slope * np.prod([columns[part] for part in name.split(":")], axis=0)
        return eta

    def location(self, columns: Columns, shift: float = 0.0) -> Any:
        return MEANS[LINKS.get(self.family, "log")](self.eta(columns, shift))

    def mean(self, columns: Columns, shift: float = 0.0) -> Any:
        return self.location(columns, shift) * MEAN_OVER_LOCATION.get(self.family, 1.0)

    def draw(self, rng: np.random.Generator, location: np.ndarray) -> np.ndarray:
        return np.asarray(SAMPLERS[self.family](rng, location)).astype(float)

    def drawn_values(self, shift: float) -> dict[str, Any]:
        """The parameters as one posterior draw."""
        found = {f"alpha_{self.response}": self.slopes["1"] + shift}
        for name, slope in self.slopes.items():
            if name != "1":
                found["_".join(["beta", self.response, *name.split(":")])] = slope
        return found | {f"{name}_{self.response}": v for name, v in AUXILIARIES.get(self.family, {}).items()}


def _spec(equations: Sequence[Regression], exposure: str, contrast: str = "") -> str:
    """Every intercept has a prior of the user's, so that nothing is centred and intercepts are at 0."""
    responses = [e.response for e in equations]
    names = dict.fromkeys(n for e in equations for term in e.slopes if term != "1" for n in term.split(":"))
    kinds = {e.response: f"{{type: {TYPES.get(e.family, 'count')}, family: {e.family}}}" for e in equations}
    nodes = "".join(f"  {n}: {kinds.get(n, 'continuous')}\n" for n in dict.fromkeys([*names, *responses]))
    edges = "".join(
        f"  - {n} -> {e.response}\n" for e in equations for n in e.slopes if n != "1" and ":" not in n
    )
    regressions = "".join(
        f"  {e.response}: {{interactions: [{', '.join(repr(n) for n in e.slopes if ':' in n)}], "
        "priors: {intercept: 'Normal(0, 5)'}}\n".replace("interactions: [], ", "")
        for e in equations
    )
    return (
        f"nodes:\n{nodes}edges:\n{edges}effect: "
        f"{{exposure: [{exposure}], outcome: {responses[-1]}{contrast}}}\n"
        f"regressions:\n{regressions}"
    )


def _observed(equations: Sequence[Regression]) -> dict[str, np.ndarray]:
    """Data from the graph itself, so that every column has a sensible value."""
    rng = np.random.default_rng(2)
    columns: dict[str, np.ndarray] = {
        "z": rng.normal(0.3, 1, ROWS),
        "x": rng.normal(0.5, 1, ROWS),
        "x2": rng.normal(-0.5, 1, ROWS),
    }
    for equation in equations:
        columns[equation.response] = equation.draw(rng, np.asarray(equation.location(columns)))
    return columns


def _brute(
    equations: Sequence[Regression], columns: Columns, do: Mapping[str, float], shift: float, seed: int
) -> tuple[float, float]:
    """The outcome's mean under do(...), and the sd of one simulated row."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, ROWS, SIMULATED)
    world = {n: columns[n][rows] for n in ("z", "x", "x2")} | {
        n: np.full(SIMULATED, v) for n, v in do.items()
    }
    for equation in equations[:-1]:
        world[equation.response] = equation.draw(rng, np.asarray(equation.location(world, shift)))
    outcome = np.asarray(equations[-1].mean(world, shift))
    return float(outcome.mean()), float(outcome.std())


M = {"gaussian": (0.4, 0.9), "bernoulli": (-0.5, 1.4), "poisson": (0.3, 0.5)}
LATER = dict.fromkeys(
    ("lognormal", "gamma", "weibull", "negative_binomial", "zero_inflated_poisson"), (0.1, 0.4)
)
LATER["beta"] = (-0.2, 0.8)


def _one_mediator(mediator: str, outcome: str, product: bool = False) -> list[Regression]:
    start, slope = {**M, **LATER}[mediator]
    scale = 1.0 if outcome in ("gaussian", "bernoulli", "beta") else 0.4
    slopes = {"1": 0.2, "x": 0.4 * scale, "z": -0.3 * scale, "m": 0.7 * scale}
    return [
        Regression("m", mediator, {"1": start, "x": slope, "z": 0.3}),
        Regression("y", outcome, slopes | ({"x:m": -0.5 * scale} if product else {})),
    ]


CHAINS: dict[str, list[Regression]] = (
    {
        f"{m}, {y}{', product' * p}": _one_mediator(m, y, p)
        for m in M
        for y in ("gaussian", "bernoulli", "poisson")
        for p in (False, True)
    }
    | {
        f"{family}, {other}": _one_mediator(*((family, other) if first else (other, family)))
        for family in LATER
        for first, other in ((True, "bernoulli"), (False, "poisson"))
    }
    | {
        "in sequence": [
            Regression("m", "gaussian", {"1": 0.3, "x": 0.8}),
            Regression("k", "bernoulli", {"1": -0.4, "m": 1.1, "x": 0.3}),
            Regression("y", "bernoulli", {"1": 0.1, "k": 1.2, "m": -0.6, "z": 0.4}),
        ],
        "in sequence, identity at the end": [
            Regression("m", "poisson", {"1": 0.2, "x": 0.4}),
            Regression("k", "bernoulli", {"1": -0.4, "m": 0.6}),
            Regression("y", "gaussian", {"1": 0.1, "k": 1.2, "m": -0.6}),
        ],
        "in parallel": [
            Regression("m", "gaussian", {"1": 0.3, "x": 0.8}),
            Regression("k", "bernoulli", {"1": -0.4, "x": 0.9}),
            Regression("y", "poisson", {"1": 0.1, "k": 0.5, "m": 0.3, "x": 0.1}),
        ],
        "in parallel, product of the two": [
            Regression("m", "gaussian", {"1": 0.3, "x": 0.8}),
            Regression("k", "poisson", {"1": 0.1, "x": 0.4}),
            Regression("y", "gaussian", {"1": 0.1, "k": 0.5, "m": 0.3, "m:k": 0.4}),
        ],
        "in sequence, product of the two": [
            Regression("m", "gaussian", {"1": 0.3, "x": 0.8}),
            Regression("k", "gaussian", {"1": 0.1, "m": 0.7}),
            Regression("y", "gaussian", {"1": 0.1, "k": 0.5, "m": 0.3, "m:k": 0.4}),
        ],
        "two binary": [
            Regression("m", "bernoulli", {"1": 0.3, "x": 0.8}),
            Regression("k", "bernoulli", {"1": -0.4, "x": 0.9, "m": -1.0}),
            Regression("y", "poisson", {"1": 0.1, "k": 0.5, "m": 0.3, "m:k": 0.4}),
        ],
    }
)


@pytest.mark.parametrize("name", CHAINS)
def test_chain_against_brute_force(name: str) -> None:
    """Three posterior draws that differ in every intercept, each within 4.5 standard errors of its
    simulation.
    """
    equations = CHAINS[name]
    columns = _observed(equations)
    model = models_of(_spec(equations, "x", ", contrast: [-0.5, 1]"), columns)["chain"]
    shifts = (0.0, 0.35, -0.6)
    draws = [p for s in shifts for p in [{k: v for e in equations for k, v in e.drawn_values(s).items()}]]
    joined = {symbol: np.array([d[symbol] for d in draws]) for symbol in draws[0]}
    found = contrast_draws(
        model, joined, merge(observed_rows(model, columns)), Contrast(("x",), (-0.5,), (1.0,)), seed=3
    )
    for i, shift in enumerate(shifts):
        low, low_sd = _brute(equations, columns, {"x": -0.5}, shift, seed=10 + i)
        high, high_sd = _brute(equations, columns, {"x": 1.0}, shift, seed=20 + i)
        spread = np.hypot(low_sd, high_sd)
        drawn = any(e.family != "bernoulli" for e in equations[:-1]) and not name.endswith("gaussian")
        error = spread * np.sqrt(1 / SIMULATED + (1 / MIN_SIMULATED if drawn else 0.0))
        assert abs(found[i] - (high - low)) < ERRORS * error


def _nested(
    equations: Sequence[Regression], columns: Columns, sides: Mapping[str, float], seed: int
) -> tuple[float, float]:
    """The outcome's mean where every response sees x at a value of its own, and the sd of one
    simulated row.
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, ROWS, SIMULATED)
    world = {n: columns[n][rows] for n in ("z", "x", "x2")}
    for equation in equations:
        world["x"] = np.full(SIMULATED, sides[equation.response])
        place = np.asarray(equation.location(world))
        world[equation.response] = equation.draw(rng, place) if equation is not equations[-1] else place
    outcome = np.asarray(equations[-1].mean(world))
    return float(outcome.mean()), float(outcome.std())


MEDIATED = {
    "gaussian, product": _one_mediator("gaussian", "bernoulli", product=True),
    "bernoulli": _one_mediator("bernoulli", "poisson", product=True),
    "gamma": _one_mediator("gamma", "bernoulli"),
    "in sequence": CHAINS["in sequence"],
    "in parallel": CHAINS["in parallel"],
    "two binary": CHAINS["two binary"],
}


@pytest.mark.parametrize("name", MEDIATED)
def test_natural_effects_against_brute_force(name: str) -> None:
    """Mediators drawn under one setting, the outcome under the other; the parts add up to the total."""
    equations = MEDIATED[name]
    columns = _observed(equations)
    spec = _spec(equations, "x", ", contrast: [-0.5, 1], kind: mediation")
    model = models_of(spec, columns)["chain"]
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    rows = merge(observed_rows(model, columns))
    parts = decomposed(model, draws, rows, Contrast(("x",), (-0.5,), (1.0,)), seed=3)
    found = {(p.estimand, p.mediator): float(p.values[0]) for p in parts}
    *mediators, outcome = (e.response for e in equations)

    def simulated(at_one: Sequence[str], seed: int) -> tuple[float, float]:
        sides = {r: 1.0 if r in at_one else -0.5 for r in (*mediators, outcome)}
        return _nested(equations, columns, sides, seed)

    start, crossed, stop = simulated([], 1), simulated([outcome], 2), simulated([*mediators, outcome], 3)
    for (estimand, low), high in zip(
        (("total effect", start), ("natural direct effect", start), ("natural indirect effect", crossed)),
        (stop, crossed, stop),
        strict=True,
    ):
        error = np.hypot(low[1], high[1]) * np.sqrt(1 / SIMULATED + 1 / MIN_SIMULATED)
        assert abs(found[estimand, None] - (high[0] - low[0])) < ERRORS * error, estimand
    assert found["natural direct effect", None] + found["natural indirect effect", None] == pytest.approx(
        found["total effect", None], abs=1e-12
    )
    paths = {mediator: value for (estimand, mediator), value in found.items() if estimand == "path effect"}
    learnt: list[str] = []
    for mediator in PATHS.get(
        name, ()
    ):  # the outcome sees the new setting, and the mediators before this one
        before, after = (
            simulated([outcome, *names], 4 + len(names)) for names in (learnt, [*learnt, mediator])
        )
        error = np.hypot(before[1], after[1]) * np.sqrt(1 / SIMULATED + 1 / MIN_SIMULATED)
        assert abs(paths.pop(mediator) - (after[0] - before[0])) < ERRORS * error, mediator
        learnt.append(mediator)
    assert paths == {}


PATHS = {"in sequence": ("m",), "in parallel": ("k", "m"), "two binary": ("m",)}
"""The mediators whose own paths are identified: from m an arrow leads to k and one past it, so k has none."""


def test_natural_effects_of_a_linear_chain_are_products_of_coefficients() -> None:
    equations = _one_mediator("gaussian", "gaussian")
    columns = _observed(equations)
    model = models_of(_spec(equations, "x", ", kind: mediation"), columns)["chain"]
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    parts = decomposed(
        model, draws, merge(observed_rows(model, columns)), Contrast(("x",), None, None), seed=0
    )
    assert [float(p.values[0]) for p in parts] == pytest.approx([0.4 + 0.63, 0.4, 0.63], rel=1e-12)


def test_linear_chains_are_exact() -> None:
    """The product of coefficients (Wright 1921), to the last digits."""
    equations = _one_mediator("gaussian", "gaussian")
    columns = _observed(equations)
    model = models_of(_spec(equations, "x"), columns)["chain"]
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    rows = merge(observed_rows(model, columns))
    found = contrast_draws(model, draws, rows, Contrast(("x",), (0.0,), (2.0,)), seed=0)
    assert found[0] == pytest.approx(2 * (0.4 + 0.7 * 0.9), rel=1e-12)


def test_drawn_mediators_add_little_noise() -> None:
    """The same posterior draw 200 times: what varies is simulation. It has to be small beside a posterior sd.

    With n rows an estimate's sd is about sd(y) sqrt(4 / n), where x is half and half: at 5,000 rows .014.
    The noise falls with the number of rows just as the sd does.
    """
    rows = 5_000
    for mediator in ("gaussian", "poisson"):
        equations = _one_mediator(mediator, "bernoulli")
        columns = {name: np.resize(values, rows) for name, values in _observed(equations).items()}
        model = models_of(_spec(equations, "x"), columns)["chain"]
        once = {k: v for e in equations for k, v in e.drawn_values(0.0).items()}
        draws = {symbol: np.full(200, value) for symbol, value in once.items()}
        contrast = Contrast(("x",), (0.0,), (1.0,))
        noise = contrast_draws(model, draws, observed_rows(model, columns), contrast, seed=1).std()
        assert noise < 0.15 * 0.5 * np.sqrt(4 / rows)


def test_poisson_quantiles() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([rng.gamma(1, 5, 300), rng.gamma(2, 400, 300), [1e-9, 20.0, 1e6]])
    uniforms = rng.random((3, len(means)))
    uniforms[0, :5] = [0.0, 1e-16, 1 - 1e-16, 0.5, np.exp(-means[4])]
    np.testing.assert_array_equal(
        quantiles.poisson(uniforms, means), np.maximum(stats.poisson.ppf(uniforms, means), 0)
    )


def test_joint_exposures_against_brute_force() -> None:
    equations = [
        Regression("m", "bernoulli", {"1": -0.3, "x": 0.8, "x2": -0.6, "z": 0.2}),
        Regression("y", "bernoulli", {"1": 0.2, "m": 1.1, "x2": 0.5, "z": -0.4}),
    ]
    columns = _observed(equations)
    model = models_of(_spec(equations, "x, x2", ", contrast: [0, 1]"), columns)["chain"]
    assert model.estimand.contrasts == (Contrast(("x", "x2"), (0.0, 0.0), (1.0, 1.0)),)
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    rows = merge(observed_rows(model, columns))
    found = contrast_draws(model, draws, rows, model.estimand.contrasts[0], seed=0)[0]
    low, low_sd = _brute(equations, columns, {"x": 0, "x2": 0}, 0.0, seed=1)
    high, high_sd = _brute(equations, columns, {"x": 1, "x2": 1}, 0.0, seed=2)
    assert abs(found - (high - low)) < ERRORS * np.hypot(low_sd, high_sd) / np.sqrt(SIMULATED)


# ---------------------------------------------------------------- contrasts of one regression, in closed form


def _table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    trials = rng.integers(1, 30, 200)
    return {
        "x": rng.gamma(4, 1, 200),
        "z": rng.normal(size=200),
        "g": rng.choice(["a", "b", "c"], 200),
        "w": rng.choice(["no", "yes"], 200),
        "y": rng.normal(size=200),
        "d": rng.integers(0, 2, 200),
        "c": rng.poisson(3, 200),
        "n": trials,
        "s": rng.binomial(trials, 0.4),
    }


TABLE = _table()
_PRIORS = "regressions: {{{0}: {{priors: {{intercept: 'Normal(0, 5)'}}}}}}\n"


def _adjusted(spec: str, values: Mapping[str, Any], data: Columns = TABLE) -> dict[tuple[str, Any], float]:
    """The means of the estimates by scale and contrast, where the posterior is one point; ratios apart."""
    model = models_of(spec, data)["adjusted"]
    draws = {
        name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()
    }
    found = estimates(model, Draws(draws, "test", 0, 0.0), data, seed=0)
    return {(e.scale, e.contrast): e.summary.mean for e in found if not e.is_ratio}


def test_per_unit_of_a_continuous_exposure() -> None:
    """Under a nonlinear link the mean over rows of E[y | x + 1] - E[y | x], shown as `contrast: null`."""
    spec = "edges: [z -> x, 'x, z -> d']\neffect: x -> d\n" + _PRIORS.format("d")
    found = _adjusted(spec, {"alpha_d": -1.0, "beta_d_x": 0.5, "beta_d_z": 0.8})
    eta = -1 + 0.5 * TABLE["x"] + 0.8 * TABLE["z"]
    expected = np.mean(special.expit(eta + 0.5) - special.expit(eta))
    assert found == {
        ("outcome", None): pytest.approx(expected, rel=1e-12),
        ("link", None): pytest.approx(0.5),
    }


def test_contrast_is_second_minus_first() -> None:
    spec = (
        "edges: [z -> x, 'x, z -> d']\neffect: {exposure: x, outcome: d, contrast: [5, 2]}\n"
        + _PRIORS.format("d")
    )
    found = _adjusted(spec, {"alpha_d": -1.0, "beta_d_x": 0.5, "beta_d_z": 0.8})
    rest = -1 + 0.8 * TABLE["z"]
    expected = np.mean(special.expit(rest + 1.0) - special.expit(rest + 2.5))
    assert found == {
        ("outcome", (5.0, 2.0)): pytest.approx(expected, rel=1e-12),
        ("link", (5.0, 2.0)): pytest.approx(-1.5),
    }


@pytest.mark.parametrize(
    ("reference", "contrast", "expected"),
    [
        ("", "", {("a", "b"): 0.7, ("a", "c"): -0.4}),
        (", reference: c", "", {("c", "a"): 0.7, ("c", "b"): -0.4}),  # the slopes are those of a and b now
        ("", ", contrast: [b, c]", {("b", "c"): -1.1}),
        ("", ", contrast: [c, a]", {("c", "a"): 0.4}),
    ],
)
def test_categories_against_their_reference(
    reference: str, contrast: str, expected: dict[Any, float]
) -> None:
    for outcome, link in (("y", "identity"), ("d", "logit")):
        kind = "continuous" if outcome == "y" else "binary"
        spec = (
            f"nodes: {{g: {{type: categorical, levels: [a, b, c]{reference}}}, z: continuous, "
            f"{outcome}: {kind}}}\n"
            f"edges: [z -> g, 'g, z -> {outcome}']\neffect: {{exposure: g, outcome: {outcome}{contrast}}}\n"
            + _PRIORS.format(outcome)
        )
        found = _adjusted(
            spec, {f"alpha_{outcome}": 0.1, f"beta_{outcome}_g": [0.7, -0.4], f"beta_{outcome}_z": 0.5}
        )
        shown = {
            pair: value
            for (scale, pair), value in found.items()
            if scale == ("link" if link != "identity" else "outcome")
        }
        assert shown == {pair: pytest.approx(value, abs=1e-12) for pair, value in expected.items()}


def test_categories_on_the_outcome_scale_average_over_the_rows() -> None:
    spec = "edges: [z -> g, 'g, z -> d']\neffect: g -> d\n" + _PRIORS.format("d")
    found = _adjusted(spec, {"alpha_d": 0.1, "beta_d_g": [0.7, -0.4], "beta_d_z": 0.5})
    rest = 0.1 + 0.5 * TABLE["z"]
    for level, slope in (("b", 0.7), ("c", -0.4)):
        expected = np.mean(special.expit(rest + slope) - special.expit(rest))
        assert found["outcome", ("a", level)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("contrast", ["", ", contrast: ['no', 'yes']", ", contrast: ['yes', 'no']"])
def test_binary_text(contrast: str) -> None:
    spec = f"edges: [w -> y]\neffect: {{exposure: w, outcome: y{contrast}}}\n" + _PRIORS.format("y")
    found = _adjusted(spec, {"alpha_y": 0.1, "beta_y_w": 0.7, "sigma_y": 1.0})
    turned = "['yes'" in contrast
    assert found == {
        ("outcome", ("yes", "no") if turned else ("no", "yes")): pytest.approx(-0.7 if turned else 0.7)
    }


@pytest.mark.parametrize(
    ("transform", "change"),
    [
        ("log", np.log(6) - np.log(2)),
        ("log1p", np.log(7) - np.log(3)),
        ("sqrt", np.sqrt(6) - np.sqrt(2)),
        ("center", 4.0),
        ("standardize", 4.0 / np.std(TABLE["x"], ddof=1)),
    ],
)
def test_contrasts_are_on_the_columns_own_scale(transform: str, change: float) -> None:
    spec = (
        f"nodes: {{x: {{type: continuous, transform: {transform}}}, y: continuous, d: binary}}\n"
        "edges: ['x -> y, d']\neffect: {exposure: x, outcome: %s, contrast: [2, 6]}\n"
    )
    found = _adjusted(spec % "y" + _PRIORS.format("y"), {"alpha_y": 0.1, "beta_y_x": 0.7, "sigma_y": 1.0})
    assert found == {("outcome", (2.0, 6.0)): pytest.approx(0.7 * change)}
    found = _adjusted(spec % "d" + _PRIORS.format("d"), {"alpha_d": 0.1, "beta_d_x": 0.7})
    assert found["link", (2.0, 6.0)] == pytest.approx(0.7 * change)


def test_trials_are_weights() -> None:
    """A row with t trials stands for t units; the effect is on the risk of one trial."""
    spec = (
        "nodes: {w: binary, z: continuous, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [z -> w, 'w, z -> s']\neffect: w -> s\n" + _PRIORS.format("s")
    )
    found = _adjusted(spec, {"alpha_s": -0.2, "beta_s_w": 0.9, "beta_s_z": 1.5})
    rest = -0.2 + 1.5 * TABLE["z"]
    expected = np.average(special.expit(rest + 0.9) - special.expit(rest), weights=TABLE["n"])
    assert found["outcome", ("no", "yes")] == pytest.approx(expected, rel=1e-12)


def test_offset_gives_rates_per_unit_of_exposure() -> None:
    spec = (
        "nodes: {w: binary, z: continuous, c: {type: count, offset: x}}\n"
        "edges: [z -> w, 'w, z -> c']\neffect: w -> c\n" + _PRIORS.format("c")
    )
    found = _adjusted(spec, {"alpha_c": -0.2, "beta_c_w": 0.4, "beta_c_z": 0.3})
    rest = -0.2 + 0.3 * TABLE["z"]
    expected = np.mean(np.exp(rest + 0.4) - np.exp(rest))
    assert found["outcome", ("no", "yes")] == pytest.approx(expected, rel=1e-12)


def test_interactions_in_the_adjusted_regression() -> None:
    spec = (
        "edges: [z -> x, 'g, x, z -> y']\neffect: {exposure: x, outcome: y, contrast: [0, 1], adjust: [z, "
        "g]}\n"
        "regressions: {y: {interactions: ['x:z', 'x:g'], priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    values = {"alpha_y": 0.3, "beta_y_x": 0.5, "beta_y_z": 0.2, "beta_y_g": [1.0, 2.0], "sigma_y": 1.0}
    values |= {"beta_y_x_z": -0.4, "beta_y_x_g": [0.6, -0.9]}
    expected = (
        0.5 - 0.4 * TABLE["z"].mean() + 0.6 * (TABLE["g"] == "b").mean() - 0.9 * (TABLE["g"] == "c").mean()
    )
    assert _adjusted(spec, values) == {("outcome", (0.0, 1.0)): pytest.approx(expected, rel=1e-9)}


def test_centred_regressions_answer_alike() -> None:
    """Centring moves the intercept and nothing else: alpha at the means is alpha at 0 plus slopes times
    means.
    """
    given = "edges: [z -> x, 'x, z -> d']\neffect: x -> d\n"
    slopes = {"beta_d_x": 0.5, "beta_d_z": 0.8}
    shift = 0.5 * float(f"{TABLE['x'].mean():.6g}") + 0.8 * float(f"{TABLE['z'].mean():.6g}")
    plain = _adjusted(given + _PRIORS.format("d"), {"alpha_d": -1.0, **slopes})
    centred = _adjusted(given, {"alpha_d": -1.0 + shift, **slopes})
    assert centred == {key: pytest.approx(value, rel=1e-12) for key, value in plain.items()}


def test_merging_equal_rows_changes_nothing() -> None:
    spec = (
        "edges: ['w, g -> d', w -> g]\neffect: {exposure: g, outcome: d, contrast: [a, c]}\n"
        + _PRIORS.format("d")
    )
    model = models_of(spec, TABLE)["adjusted"]
    draws = point(model, alpha_d=[0.1, -0.3], beta_d_g=[[0.7, -0.4], [0.1, 1.0]], beta_d_w=[0.5, 0.2])
    rows = observed_rows(model, TABLE)
    merged = merge(rows)
    assert len(merged) == 6
    assert merged.weights.sum() == pytest.approx(1)
    contrast = model.estimand.contrasts[0]
    np.testing.assert_allclose(
        contrast_draws(model, draws, rows, contrast, 0),
        contrast_draws(model, draws, merged, contrast, 0),
        rtol=1e-12,
    )


def test_order_of_rows_does_not_matter() -> None:
    """Not even where mediators are drawn: equal rows are merged in the order of their values."""
    equations = _one_mediator("gaussian", "bernoulli")
    columns = {name: np.round(values, 1) for name, values in _observed(equations).items()}
    model = models_of(_spec(equations, "x"), columns)["chain"]
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    turned = {name: values[::-1] for name, values in columns.items()}
    contrast = Contrast(("x",), (0.0,), (1.0,))
    found = [
        contrast_draws(model, draws, merge(observed_rows(model, c)), contrast, 1)[0]
        for c in (columns, turned)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-12)


# ---------------------------------------------------------------- memory


def _peak(model: Model, draws: Mapping[str, np.ndarray], data: Columns, contrast: Contrast) -> float:
    """The largest memory held at once, in MB."""
    rows = merge(observed_rows(model, data))
    tracemalloc.start()
    try:
        contrast_draws(model, draws, rows, contrast, 0)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mediator", "outcome", "rows", "draws", "limit"),
    [
        ("gaussian", "gaussian", 200_000, 4_000, 60),
        ("gaussian", "bernoulli", 20_000, 500, 400),
        ("bernoulli", "bernoulli", 20_000, 500, 400),
    ],
)
def test_no_array_of_rows_by_draws(mediator: str, outcome: str, rows: int, draws: int, limit: float) -> None:
    """Rows by draws would be 6,400 MB at 200,000 x 4,000, and several times 80 MB at 20,000 x 500."""
    equations = _one_mediator(mediator, outcome)
    columns = _observed(equations)
    model = models_of(_spec(equations, "x"), columns)["chain"]
    rng = np.random.default_rng(0)
    many = {"z": rng.normal(size=rows), "x": rng.normal(size=rows)}
    values = {k: np.full(draws, v) for e in equations for k, v in e.drawn_values(0.0).items()}
    assert (
        _peak(model, values, many | {"m": many["x"], "y": many["x"]}, Contrast(("x",), (0.0,), (1.0,)))
        < limit
    )


@pytest.mark.slow
def test_logit_over_many_distinct_rows_stays_within_the_chunk() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=20_000), "z": rng.normal(size=20_000), "d": rng.integers(0, 2, 20_000)}
    model = models_of("edges: [z -> x, 'x, z -> d']\neffect: x -> d\n", data)["adjusted"]
    draws = {name: np.full(4_000, 0.1) for name in ("alpha_d", "beta_d_x", "beta_d_z")}
    assert _peak(model, draws, data, model.estimand.contrasts[0]) < 150  # rows by draws: 640 MB


# ---------------------------------------------------------------- by levels, and groups


def _rows_of(spec: str, values: Mapping[str, Any], data: Columns = TABLE) -> list[Any]:
    model = models_of(spec, data)["adjusted"]
    draws = {
        name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()
    }
    return list(estimates(model, Draws(draws, "test", 0, 0.0), data, seed=0))


def test_effects_by_level_average_over_the_rows_of_that_level() -> None:
    """Each with its own covariates: z differs between the levels of w, and with it the effect on the risk."""
    data = dict(TABLE) | {"z": TABLE["z"] + 2.0 * (TABLE["w"] == "yes")}
    spec = (
        "nodes: {z: continuous, w: binary, g: categorical, d: binary}\n"
        "edges: ['z, w -> g', 'g, w, z -> d', w -> z]\neffect: {exposure: g, outcome: d, by: [w]}\n"
        "regressions: {d: {interactions: ['g:w'], priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    values = {
        "alpha_d": 0.1,
        "beta_d_g": [0.7, -0.4],
        "beta_d_z": 0.5,
        "beta_d_w": 0.2,
        "beta_d_g_w": [0.3, 0.9],
    }
    found = {
        (e.contrast, e.by.get("w")): e.summary.mean
        for e in _rows_of(spec, values, data)
        if e.scale == "outcome"
    }
    yes = (data["w"] == "yes").astype(float)
    rest = 0.1 + 0.5 * data["z"] + 0.2 * yes
    for i, level in enumerate("bc"):
        effect = special.expit(rest + (0.7, -0.4)[i] + yes * (0.3, 0.9)[i]) - special.expit(rest)
        assert found[("a", level), None] == pytest.approx(effect.mean(), rel=1e-12)
        assert found[("a", level), "yes"] == pytest.approx(effect[yes == 1].mean(), rel=1e-12)
        assert found[("a", level), "no"] == pytest.approx(effect[yes == 0].mean(), rel=1e-12)
    assert len(found) == 6


def test_effects_by_two_variables_are_given_for_the_cells_that_occur() -> None:
    data = dict(TABLE) | {"k": np.where(TABLE["w"] == "yes", 1, TABLE["d"])}
    spec = (
        "nodes: {x: continuous, w: binary, k: binary, y: continuous}\nedges: ['w, k -> x', 'x, w, k -> y', w "
        "-> k]\n"
        "effect: {exposure: x, outcome: y, by: [w, k]}\n" + _PRIORS.format("y")
    )
    spec = spec.replace("{y: {", "{y: {interactions: [], ")
    rows = _rows_of(
        spec, {"alpha_y": 0.0, "beta_y_x": 0.7, "beta_y_w": 1.0, "beta_y_k": 1.0, "sigma_y": 1.0}, data
    )
    cells = [tuple(e.by.values()) for e in rows]
    assert cells == [(), ("no", 0), ("no", 1), ("yes", 1)]


@pytest.mark.parametrize(
    ("edges", "by"),
    [("['x -> m -> y', m -> k]", "k"), ("[x -> y, 'x <-> c', 'c <-> y', x -> q]", "c")],
)
def test_inadmissible_levels_are_refused_where_they_stand(edges: str, by: str) -> None:
    """A consequence of the exposure, and a collider."""
    spec = f"edges: {edges}\neffect: {{exposure: x, outcome: y, by: [{by}]}}\n"
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec_of(spec))
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.span and diagnostic.span.line) == ("DR427", 2)


@pytest.mark.parametrize("adjust", ["", ", adjust: [z]"])
def test_levels_outside_the_set_join_it(adjust: str) -> None:
    spec = (
        "nodes: {z: continuous, i: binary, x: continuous, y: continuous}\nedges: [z -> x, 'z, x -> y', i -> "
        "x]\n"
        f"effect: {{exposure: x, outcome: y, by: [i]{adjust}}}\n"
    )
    data = {name: TABLE[name] for name in ("z", "x", "y")} | {"i": TABLE["d"]}
    model = models_of(spec, data)["adjusted"]
    assert model.estimand.adjusted_for == ("i", "z")
    assert model.estimand.groups == ({"i": 0}, {"i": 1})


VARYING = (
    "nodes: {{x: continuous, g: {type}, d: binary}}\nedges: ['x, g -> d']\n"
    "effect: {{exposure: x, outcome: d, contrast: [1, 2]{by}}}\n"
    "regressions: {{d: {{varying: {{g: [intercept, x]}}, priors: {{intercept: 'Normal(0, 5)'}}}}}}\n"
)
DEVIATIONS = np.array([[0.5, 0.2], [-0.1, -0.3], [0.0, 0.4]])
SPREAD = {"cov_d_g_stds": [1.3, 0.6], "cov_d_g_corr": [[1.0, -0.4], [-0.4, 1.0]]}
VALUES = {"alpha_d": -1.0, "beta_d_x": 0.5, "by_d_g": DEVIATIONS} | SPREAD


def test_coefficients_that_vary_are_averaged_over_the_population_of_groups() -> None:
    """Over new groups, by a fine grid in both deviations, and not over the three groups that were
    observed.
    """
    (row,) = _rows_of(VARYING.format(type="group", by=""), VALUES)[:1]
    sds = np.array(SPREAD["cov_d_g_stds"])
    factor = np.linalg.cholesky(np.outer(sds, sds) * SPREAD["cov_d_g_corr"])
    z = np.linspace(-9, 9, 601)
    deviations = np.einsum("ij,jab->iab", factor, np.array(np.meshgrid(z, z, indexing="ij")))
    weights = np.outer(stats.norm.pdf(z), stats.norm.pdf(z)) * (z[1] - z[0]) ** 2
    low, high = (
        (special.expit(-1.0 + deviations[0] + (0.5 + deviations[1]) * x) * weights).sum() for x in (1.0, 2.0)
    )
    assert row.summary.mean == pytest.approx(high - low, rel=1e-6)


def test_listed_levels_stay_those_of_the_rows() -> None:
    (row,) = _rows_of(VARYING.format(type="{type: categorical, pool: true}", by=""), VALUES)[:1]
    assert row.summary.mean == pytest.approx(_own(np.ones(len(TABLE["g"]), dtype=bool)), rel=1e-12)


def _own(rows: Any) -> float:
    """The effect among some rows, each with the deviations of its own group."""
    own = DEVIATIONS[np.searchsorted(["a", "b", "c"], TABLE["g"])][rows]
    low, high = (special.expit(-1.0 + own[:, 0] + (0.5 + own[:, 1]) * x) for x in (1.0, 2.0))
    return float(np.mean(high - low))


def test_an_effect_by_groups_is_each_observed_groups_own() -> None:
    found = {
        e.by["g"]: e
        for e in _rows_of(VARYING.format(type="group", by=", by: [g]"), VALUES)
        if e.by and e.scale == "outcome"
    }
    assert {g: e.summary.mean for g, e in found.items()} == {
        g: pytest.approx(_own(TABLE["g"] == g), rel=1e-12) for g in ("a", "b", "c")
    }


@pytest.mark.parametrize("sd", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("link", ["logit", "log", "probit", "cloglog", "softplus", "identity"])
def test_means_over_a_population_are_integrals(link: str, sd: float) -> None:
    """Gauss-Hermite quadrature and the closed forms, against adaptive quadrature."""
    eta = np.array([[-1.5, 0.2, 2.0]])
    found = over_population(LINKED[link], eta, np.full((1, 1), sd))
    for value, centre in zip(found[0], eta[0], strict=True):
        expected, _ = integrate.quad(
            lambda z, c=centre: stats.norm.pdf(z) * float(LINKED[link].inverse(np.array(c + sd * z))),
            -12,
            30,
            limit=400,
        )
        assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("link", ["logit", "cloglog", "softplus"])
def test_few_nodes_are_as_good_as_many(link: str) -> None:
    """Of the rule chosen, within what it is chosen by, at other predictors and smaller sds; sds of 2 need
    many.
    """
    rng = np.random.default_rng(2)
    few = []
    for sd in (0.05, 0.3, 0.6, 1.0, 2.0):
        for centre, scale in ((0.0, 2.0), (-12.0, 1.0), (0.0, 60.0)):
            eta, sds = rng.normal(centre, scale, (20, 50)), rng.uniform(0.0, sd, (20, 1))
            found = over_population(LINKED[link], eta, sds)
            places, weights = trapezoidal(sd)
            expected = LINKED[link].inverse(eta[..., None] + sds[..., None] * places) @ weights
            np.testing.assert_allclose(found, expected, rtol=2 * MAX_ERROR)
        few.append(len(quadrature(LINKED[link], eta, sd)[0]))
    assert few[0] <= 7 < few[-1]


def test_means_over_a_population_without_end() -> None:
    """Draws of an improper posterior: no number where there is none, and no endless sum elsewhere."""
    sds = np.array([[1.0], [1e8], [np.inf], [np.nan]])
    found = over_population(LINKED["logit"], np.full((4, 1), 1.0), sds)[:, 0]
    one = over_population(LINKED["logit"], np.ones((1, 1)), np.ones((1, 1)))[0, 0]
    np.testing.assert_allclose(found[:2], [one, 0.5], atol=1e-3)
    assert np.isnan(found[2:]).all()


@pytest.mark.parametrize("drawn", [False, True])
def test_mediators_vary_with_their_groups(monkeypatch: pytest.MonkeyPatch, drawn: bool) -> None:
    """m | x is Normal with the variance of its groups and its errors together: then a logit, by
    quadrature.
    """
    if drawn:
        monkeypatch.setattr(gformula, "shifts", lambda model: frozenset())
    spec = (
        "nodes: {x: continuous, g: group, m: continuous, d: binary}\nedges: ['x, g -> m', m -> d]\n"
        "effect: {exposure: x, outcome: d, contrast: [0, 1]}\n"
        "regressions: {m: {priors: {intercept: 'Normal(0, 5)'}}, d: {priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    data = dict(TABLE) | {"m": TABLE["x"] + TABLE["z"]}
    model = models_of(spec, data)["chain"]
    values = {"alpha_m": 0.2, "beta_m_x": 0.9, "by_m_g": [0.5, -0.4, 0.1], "sd_m_g": 1.2, "sigma_m": 0.8}
    draws = {
        name: np.repeat(np.asarray(v)[None], 40, axis=0)
        for name, v in (values | {"alpha_d": -0.5, "beta_d_m": 1.1}).items()
    }
    found = contrast_draws(model, draws, observed_rows(model, data), model.estimand.contrasts[0], 3)
    spread = 1.1 * np.hypot(1.2, 0.8)
    low, high = (
        integrate.quad(
            lambda z, x=x: stats.norm.pdf(z) * special.expit(-0.5 + 1.1 * (0.2 + 0.9 * x) + spread * z),
            -12,
            12,
        )[0]
        for x in (0, 1)
    )
    error = ERRORS * found.std() / np.sqrt(len(found)) if drawn else 1e-9
    assert found.mean() == pytest.approx(high - low, abs=error)


def test_groups_as_exposures_are_compared_with_their_reference() -> None:
    spec = "nodes: {g: {type: group, reference: b}, y: continuous}\nedges: [g -> y]\neffect: g -> y\n"
    found = {e.contrast: e.summary.mean for e in _rows_of(spec, {"alpha_y": 1.0, "by_y_g": [0.2, -0.5, 1.1]})}
    assert found == {("b", "a"): pytest.approx(-0.7), ("b", "c"): pytest.approx(0.9)}


def test_poisson_quantiles_of_huge_means_end() -> None:
    """A wide prior under a log link has such rates: one count more is no other number there."""
    means = np.array([1e8, 1e17, 1e200, np.inf])
    found = quantiles.poisson(np.array([0.5, 0.9, 0.1, 0.5]), means)
    np.testing.assert_allclose(found[:3], means[:3], rtol=1e-3)
    assert np.isinf(found[3])


def test_the_levels_of_an_outcome_share_their_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass a contrast for all of them, and the numbers of a pass for each."""
    r = np.random.default_rng(3)
    x = r.integers(0, 2, 60)
    m = x + r.normal(size=60)
    data = {
        "x": x,
        "m": m,
        "y": np.array(list("pqr"))[np.clip((m + r.normal(size=60) + 1).astype(int), 0, 2)],
    }
    result = pipeline.fit(spec_of("edges: [x -> m -> y]\neffect: x -> y\nsampling: {draws: 20}\n"), data)
    model = result.model("chain")
    draws, rows = result.samples[model.builder], rows_of(model, data)
    passes = []
    alone = gformula._means
    monkeypatch.setattr(gformula, "_means", lambda *a: passes.append(a[-1]) or alone(*a))
    found = [e for e in estimates(model, draws, data, 2026) if e.scale == "outcome"]
    assert passes == [(0, 1, 2)]
    for estimate, contrast in zip(found, model.estimand.contrasts, strict=True):
        _, change = gformula.both_sides(model, draws.flat(), rows, contrast, 2026)
        assert estimate.summary.mean == pytest.approx(change.mean(), abs=1e-12)
    assert passes[1:] == [(0,), (1,), (2,)]


def test_counts_are_summed_over_where_few_are_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a sum by hand, to rounding; and against drawn counts, within the error of their simulation."""
    equations = _one_mediator("poisson", "bernoulli")
    data = _observed(equations)
    model = models_of(_spec(equations, "x"), data)["chain"]
    draws = point(model, **{name: [at, at] for e in equations for name, at in e.drawn_values(0.0).items()})
    contrast, rows = model.estimand.contrasts[0], rows_of(model, data)
    summed = contrast_draws(model, draws, rows, contrast, 1)
    first, second = equations
    by_hand = []
    for added in (0.0, 1.0):
        seen = {**data, "x": data["x"] + added}
        counts = np.arange(200.0)[:, None]
        likely = stats.poisson(first.mean(seen)).pmf(counts)
        by_hand.append(float((likely * second.mean({**seen, "m": counts})).sum(axis=0).mean()))
    assert summed == pytest.approx(by_hand[1] - by_hand[0], abs=1e-9)
    monkeypatch.setattr(gformula, "MAX_SUMMED", 0)
    drawn = np.concatenate([contrast_draws(model, draws, rows, contrast, seed) for seed in range(20)])
    assert len(np.unique(drawn)) > 20  # so they are drawn
    assert abs(drawn.mean() - summed[0]) < ERRORS * drawn.std(ddof=1) / len(drawn) ** 0.5


SHIFTED = (
    Regression("k", "gaussian", {"1": 0.2, "x": 0.7, "z": -0.3}),
    Regression("m", "gaussian", {"1": -0.1, "x": 0.4, "k": 0.6, "z": 0.1, "k:z": 0.2}),
    Regression("y", "bernoulli", {"1": -0.4, "x": 0.5, "m": 0.8, "k": -0.5, "x:m": 0.3, "z": 0.4}),
)


def test_normal_mediators_are_integrated_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the integral over their errors by a product of rules, and against drawing them."""
    data = _observed(SHIFTED)
    model = models_of(_spec(SHIFTED, "x"), data)["chain"]
    draws = point(model, **{name: [at, at] for e in SHIFTED for name, at in e.drawn_values(0.0).items()})
    contrast, rows = model.estimand.contrasts[0], rows_of(model, data)
    assert gformula.shifts(model) == {"k", "m"}
    found = contrast_draws(model, draws, rows, contrast, 1)
    first, second, outcome = SHIFTED
    places, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    by_hand = []
    for added in (0.0, 1.0):
        shape = (ROWS, len(places), len(places))
        seen = {n: np.broadcast_to((data[n] + added * (n == "x"))[:, None, None], shape) for n in ("x", "z")}
        seen["k"] = first.mean(seen) + 0.8 * places[:, None]
        seen["m"] = second.mean(seen) + 0.8 * places
        by_hand.append(float((outcome.mean(seen) @ weights @ weights).mean()))
    assert found == pytest.approx(by_hand[1] - by_hand[0], abs=1e-9)
    monkeypatch.setattr(gformula, "shifts", lambda model: frozenset())
    drawn = np.concatenate([contrast_draws(model, draws, rows, contrast, seed) for seed in range(20)])
    assert len(np.unique(drawn)) > 20  # so they are drawn
    assert abs(drawn.mean() - found[0]) < ERRORS * drawn.std(ddof=1) / len(drawn) ** 0.5


@pytest.mark.parametrize(
    ("second", "outcome", "through"),
    [
        ("m: continuous", "y: binary", {"k", "m"}),
        ("m: binary", "y: binary", set()),  # m follows k, and is no line of it
        ("m: positive", "y: binary", {"k", "m"}),
        ("m: {type: positive, family: lognormal}", "y: binary", set()),
        ("m: continuous", "y: {type: ordinal, levels: [a, b, c]}", {"k", "m"}),
        ("m: continuous", "y: {type: categorical, levels: [a, b, c]}", set()),
        ("m: continuous", "y: continuous", set()),  # their means do
    ],
)
def test_mediators_are_integrated_over_only_where_they_shift_the_predictor(
    second: str, outcome: str, through: set[str]
) -> None:
    r = np.random.default_rng(4)
    x, k, m = r.normal(size=(3, 90))
    values = {"m: binary": (m > 0).astype(int), "m: continuous": m}.get(second, np.exp(m))
    levels = np.array(list("abc"))[r.integers(0, 3, 90)]
    y = levels if "levels" in outcome else (m > 0).astype(int) if "binary" in outcome else m + k
    spec = (
        f"nodes: {{x: continuous, k: continuous, {second}, {outcome}}}\n"
        "edges: [x -> k, 'x, k -> m', 'x, k, m -> y']\neffect: x -> y\n"
    )
    assert gformula.shifts(models_of(spec, {"x": x, "k": k, "m": values, "y": y})["chain"]) == through


def test_mediators_that_multiply_each_other_are_drawn() -> None:
    r = np.random.default_rng(4)
    x, k, m = r.normal(size=(3, 90))
    data = {"x": x, "k": k, "m": m, "y": (k * m > 0).astype(int)}
    spec = (
        "nodes: {x: continuous, k: continuous, m: continuous, y: binary}\n"
        "edges: [x -> k, x -> m, 'x, k, m -> y']\neffect: x -> y\nregressions: {y: {interactions: ['k:m']}}\n"
    )
    assert gformula.shifts(models_of(spec, data)["chain"]) == set()


def test_a_mediator_whose_errors_differ_from_row_to_row_leaves_the_chain_out() -> None:
    """Its own sd would be that of no row."""
    r = np.random.default_rng(4)
    x = r.normal(size=90)
    m = x + r.normal(size=90)
    data = {"x": x, "m": m, "e": r.uniform(0.5, 2, 90), "y": (m > 0).astype(int)}
    spec = (
        "nodes: {x: continuous, m: {type: continuous, error: {scale: e}}, y: binary}\n"
        "edges: [x -> m, 'x, m -> y']\neffect: x -> y\n"
    )
    (effect,) = pipeline.fit(spec_of(spec), data).record.effects
    assert effect.plan is not None
    (reason,) = [m.reason for m in effect.plan.left_out if m.estimator == "chain"]
    assert "differ from row to row" in reason
