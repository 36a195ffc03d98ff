"""The g-formula against brute force: the graph's variables simulated under an intervention, with known parameters."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg.effects.estimate import estimates
from dagreg.effects.gformula import MONTE_CARLO, contrast_draws
from dagreg.effects.rows import merge, observed_rows
from dagreg.engine.draws import Draws
from dagreg.model import quantiles
from dagreg.model.types import Contrast, Model
from tests.fitting import Columns, models_of, point

ROWS = 300
SIMULATED = 300_000  # rows simulated for each side of a contrast
ERRORS = 4.5  # standard errors within which two simulations have to agree

MEANS = {"identity": lambda eta: eta, "logit": special.expit, "log": np.exp}
LINKS = {"gaussian": "identity", "bernoulli": "logit", "poisson": "log"}
TYPES = {"gaussian": "continuous", "bernoulli": "binary", "poisson": "count"}


@dataclass(frozen=True)
class Regression:
    """A regression with known coefficients; `x:m` is a product of columns, `1` the intercept."""

    response: str
    family: str
    slopes: Mapping[str, float]
    sigma: float = 0.8

    def eta(self, columns: Columns, shift: float = 0.0) -> Any:
        eta = self.slopes["1"] + shift
        for name, slope in self.slopes.items():
            if name != "1":
                eta = eta + slope * np.prod([columns[part] for part in name.split(":")], axis=0)
        return eta

    def mean(self, columns: Columns, shift: float = 0.0) -> Any:
        return MEANS[LINKS[self.family]](self.eta(columns, shift))

    def draw(self, rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
        if self.family == "gaussian":
            return rng.normal(mean, self.sigma)
        return (rng.random(mean.shape) < mean if self.family == "bernoulli" else rng.poisson(mean)).astype(float)

    def drawn_values(self, shift: float) -> dict[str, Any]:
        """The parameters as one posterior draw."""
        found = {f"alpha_{self.response}": self.slopes["1"] + shift}
        for name, slope in self.slopes.items():
            if name != "1":
                found["_".join(["beta", self.response, *name.split(":")])] = slope
        return found | ({f"sigma_{self.response}": self.sigma} if self.family == "gaussian" else {})


def _spec(equations: Sequence[Regression], exposure: str, contrast: str = "") -> str:
    """Every intercept has a prior of the user's, so that nothing is centred and intercepts are at 0."""
    responses = [e.response for e in equations]
    names = dict.fromkeys(n for e in equations for term in e.slopes if term != "1" for n in term.split(":"))
    kinds = {e.response: TYPES[e.family] for e in equations}
    nodes = "".join(f"  {n}: {kinds.get(n, 'continuous')}\n" for n in dict.fromkeys([*names, *responses]))
    edges = "".join(f"  - {n} -> {e.response}\n" for e in equations for n in e.slopes if n != "1" and ":" not in n)
    regressions = "".join(
        f"  {e.response}: {{interactions: [{', '.join(repr(n) for n in e.slopes if ':' in n)}], "
        "priors: {intercept: 'Normal(0, 5)'}}\n".replace("interactions: [], ", "")
        for e in equations
    )
    return (
        f"nodes:\n{nodes}edges:\n{edges}effect: {{exposure: [{exposure}], outcome: {responses[-1]}{contrast}}}\n"
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
        columns[equation.response] = equation.draw(rng, np.asarray(equation.mean(columns)))
    return columns


def _brute(
    equations: Sequence[Regression], columns: Columns, do: Mapping[str, float], shift: float, seed: int
) -> tuple[float, float]:
    """The outcome's mean under do(...), and the sd of one simulated row."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, ROWS, SIMULATED)
    world = {n: columns[n][rows] for n in ("z", "x", "x2")} | {n: np.full(SIMULATED, v) for n, v in do.items()}
    for equation in equations[:-1]:
        world[equation.response] = equation.draw(rng, np.asarray(equation.mean(world, shift)))
    outcome = np.asarray(equations[-1].mean(world, shift))
    return float(outcome.mean()), float(outcome.std())


M = {"gaussian": (0.4, 0.9), "bernoulli": (-0.5, 1.4), "poisson": (0.3, 0.5)}


def _one_mediator(mediator: str, outcome: str, product: bool = False) -> list[Regression]:
    start, slope = M[mediator]
    scale = 0.4 if outcome == "poisson" else 1.0
    slopes = {"1": 0.2, "x": 0.4 * scale, "z": -0.3 * scale, "m": 0.7 * scale}
    return [
        Regression("m", mediator, {"1": start, "x": slope, "z": 0.3}),
        Regression("y", outcome, slopes | ({"x:m": -0.5 * scale} if product else {})),
    ]


CHAINS: dict[str, list[Regression]] = {
    f"{m}, {y}{', product' * p}": _one_mediator(m, y, p)
    for m in M
    for y in ("gaussian", "bernoulli", "poisson")
    for p in (False, True)
} | {
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


@pytest.mark.parametrize("name", CHAINS)
def test_chain_against_brute_force(name: str) -> None:
    """Three posterior draws that differ in every intercept, each within 4.5 standard errors of its simulation."""
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
        error = spread * np.sqrt(1 / SIMULATED + (1 / MONTE_CARLO if drawn else 0.0))
        assert abs(found[i] - (high - low)) < ERRORS * error


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
    np.testing.assert_array_equal(quantiles.poisson(uniforms, means), np.maximum(stats.poisson.ppf(uniforms, means), 0))


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
    """The means of the estimates by scale and contrast, where the posterior is one point."""
    model = models_of(spec, data)["adjusted"]
    draws = {name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()}
    found = estimates(model, Draws(draws, "test", 0, 0.0), data, seed=0)
    return {(e.scale, e.contrast): e.summary.mean for e in found}


def test_per_unit_of_a_continuous_exposure() -> None:
    """Under a nonlinear link the mean over rows of E[y | x + 1] - E[y | x], shown as `contrast: null`."""
    spec = "edges: [z -> x, 'x, z -> d']\neffect: x -> d\n" + _PRIORS.format("d")
    found = _adjusted(spec, {"alpha_d": -1.0, "beta_d_x": 0.5, "beta_d_z": 0.8})
    eta = -1 + 0.5 * TABLE["x"] + 0.8 * TABLE["z"]
    expected = np.mean(special.expit(eta + 0.5) - special.expit(eta))
    assert found == {("outcome", None): pytest.approx(expected, rel=1e-12), ("link", None): pytest.approx(0.5)}


def test_contrast_is_second_minus_first() -> None:
    spec = "edges: [z -> x, 'x, z -> d']\neffect: {exposure: x, outcome: d, contrast: [5, 2]}\n" + _PRIORS.format("d")
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
def test_categories_against_their_reference(reference: str, contrast: str, expected: dict[Any, float]) -> None:
    for outcome, link in (("y", "identity"), ("d", "logit")):
        kind = "continuous" if outcome == "y" else "binary"
        spec = (
            f"nodes: {{g: {{type: categorical, levels: [a, b, c]{reference}}}, z: continuous, {outcome}: {kind}}}\n"
            f"edges: [z -> g, 'g, z -> {outcome}']\neffect: {{exposure: g, outcome: {outcome}{contrast}}}\n"
            + _PRIORS.format(outcome)
        )
        found = _adjusted(spec, {f"alpha_{outcome}": 0.1, f"beta_{outcome}_g": [0.7, -0.4], f"beta_{outcome}_z": 0.5})
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
    assert found == {("outcome", ("yes", "no") if turned else ("no", "yes")): pytest.approx(-0.7 if turned else 0.7)}


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
        "edges: [z -> x, 'g, x, z -> y']\neffect: {exposure: x, outcome: y, contrast: [0, 1], adjust: [z, g]}\n"
        "regressions: {y: {interactions: ['x:z', 'x:g'], priors: {intercept: 'Normal(0, 5)'}}}\n"
    )
    values = {"alpha_y": 0.3, "beta_y_x": 0.5, "beta_y_z": 0.2, "beta_y_g": [1.0, 2.0], "sigma_y": 1.0}
    values |= {"beta_y_x_z": -0.4, "beta_y_x_g": [0.6, -0.9]}
    expected = 0.5 - 0.4 * TABLE["z"].mean() + 0.6 * (TABLE["g"] == "b").mean() - 0.9 * (TABLE["g"] == "c").mean()
    assert _adjusted(spec, values) == {("outcome", (0.0, 1.0)): pytest.approx(expected, rel=1e-9)}


def test_centred_regressions_answer_alike() -> None:
    """Centring moves the intercept and nothing else: alpha at the means is alpha at 0 plus slopes times means."""
    given = "edges: [z -> x, 'x, z -> d']\neffect: x -> d\n"
    slopes = {"beta_d_x": 0.5, "beta_d_z": 0.8}
    shift = 0.5 * float(f"{TABLE['x'].mean():.6g}") + 0.8 * float(f"{TABLE['z'].mean():.6g}")
    plain = _adjusted(given + _PRIORS.format("d"), {"alpha_d": -1.0, **slopes})
    centred = _adjusted(given, {"alpha_d": -1.0 + shift, **slopes})
    assert centred == {key: pytest.approx(value, rel=1e-12) for key, value in plain.items()}


def test_merging_equal_rows_changes_nothing() -> None:
    spec = "edges: ['w, g -> d', w -> g]\neffect: {exposure: g, outcome: d, contrast: [a, c]}\n" + _PRIORS.format("d")
    model = models_of(spec, TABLE)["adjusted"]
    draws = point(model, alpha_d=[0.1, -0.3], beta_d_g=[[0.7, -0.4], [0.1, 1.0]], beta_d_w=[0.5, 0.2])
    rows = observed_rows(model, TABLE)
    merged = merge(rows)
    assert len(merged) == 6
    assert merged.weights.sum() == pytest.approx(1)
    contrast = model.estimand.contrasts[0]
    np.testing.assert_allclose(
        contrast_draws(model, draws, rows, contrast, 0), contrast_draws(model, draws, merged, contrast, 0), rtol=1e-12
    )


def test_order_of_rows_does_not_matter() -> None:
    """Not even where mediators are drawn: equal rows are merged in the order of their values."""
    equations = _one_mediator("gaussian", "bernoulli")
    columns = {name: np.round(values, 1) for name, values in _observed(equations).items()}
    model = models_of(_spec(equations, "x"), columns)["chain"]
    draws = point(model, **{k: v for e in equations for k, v in e.drawn_values(0.0).items()})
    turned = {name: values[::-1] for name, values in columns.items()}
    contrast = Contrast(("x",), (0.0,), (1.0,))
    found = [contrast_draws(model, draws, merge(observed_rows(model, c)), contrast, 1)[0] for c in (columns, turned)]
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
    assert _peak(model, values, many | {"m": many["x"], "y": many["x"]}, Contrast(("x",), (0.0,), (1.0,))) < limit


@pytest.mark.slow
def test_logit_over_many_distinct_rows_stays_within_the_chunk() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=20_000), "z": rng.normal(size=20_000), "d": rng.integers(0, 2, 20_000)}
    model = models_of("edges: [z -> x, 'x, z -> d']\neffect: x -> d\n", data)["adjusted"]
    draws = {name: np.full(4_000, 0.1) for name in ("alpha_d", "beta_d_x", "beta_d_z")}
    assert _peak(model, draws, data, model.estimand.contrasts[0]) < 150  # rows by draws: 640 MB
