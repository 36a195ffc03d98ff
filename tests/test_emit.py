"""Emitted programs: their log density against NumPy and SciPy, their text, and that they run on their own."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg import quoting
from dagreg.emit import prelude
from dagreg.model.symbols import RESERVED
from tests.fitting import compiled

Point = Mapping[str, Any]
ROWS = 40


def _data() -> dict[str, np.ndarray]:
    """One column of every kind."""
    rng = np.random.default_rng(7)
    trials = rng.integers(1, 9, ROWS)
    return {
        "x": rng.normal(10, 2, ROWS),
        "v": rng.normal(-3, 0.5, ROWS),
        "pos": rng.gamma(3, 2, ROWS),
        "share": rng.uniform(0.1, 0.9, ROWS),
        "z": rng.integers(0, 2, ROWS),
        "flag": rng.integers(0, 2, ROWS).astype(bool),
        "w": rng.choice(["no", "yes"], ROWS),
        "g": np.array((["a", "b", "c"] * ROWS)[:ROWS]),
        "h": np.array((["p", "p", "q", "q", "r"] * ROWS)[:ROWS]),
        "k": rng.choice([1, 2, 5], ROWS),
        "m": rng.normal(1, 1, ROWS),
        "d": rng.integers(0, 2, ROWS),
        "y": rng.normal(3, 4, ROWS),
        "b": rng.integers(0, 2, ROWS),
        "said": rng.choice(["dead", "alive"], ROWS),
        "c": rng.poisson(4, ROWS),
        "n": trials,
        "s": rng.binomial(trials, 0.4),
        "ten": rng.binomial(10, 0.4, ROWS),
        "e": rng.uniform(0.5, 30, ROWS),
    }


DATA = _data()


def r7(value: float) -> float:
    """Default priors are written with seven significant digits."""
    return float(f"{value:.7g}")


def centred(column: np.ndarray) -> np.ndarray:
    """Less its mean, which programs write with six significant digits."""
    return column - float(f"{column.mean():.6g}")


def sd(column: np.ndarray) -> float:
    return float(np.std(column, ddof=1))


def normal(value: Any, mean: Any = 0.0, scale: Any = 1.0) -> float:
    return float(np.sum(stats.norm.logpdf(value, mean, scale)))


def gaussian(p: Point, eta: np.ndarray, y: np.ndarray, weights: Any = 1.0, name: str = "y") -> float:
    """The likelihood and the default prior of the residual sd."""
    rate = r7(1 / sd(y))
    prior = stats.expon.logpdf(p[f"sigma_{name}"], scale=1 / rate)
    return float(prior + np.sum(weights * stats.norm.logpdf(y, eta, p[f"sigma_{name}"])))


def bernoulli(eta: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(np.where(y == 1, special.log_expit(eta), special.log_expit(-eta))))


def default_identity(p: Point, y: np.ndarray, name: str = "y") -> float:
    """The default intercept under the identity link."""
    return normal(p[f"alpha_{name}"], r7(y.mean()), r7(2.5 * sd(y)))


def logit(mean: float) -> float:
    return float(np.log(mean / (1 - mean)))


@dataclass(frozen=True)
class Case:
    """A spec, and the log density of its program written down by hand."""

    spec: str
    logp: Callable[[Point], float]
    builder: str = "build_adjusted"


def _numeric(p: Point) -> float:
    x, y = DATA["x"], DATA["y"]
    eta = p["alpha_y"] + p["beta_y_x"] * centred(x)
    return default_identity(p, y) + normal(p["beta_y_x"], 0, r7(2.5 * sd(y) / sd(x))) + gaussian(p, eta, y)


def _numeric_given(p: Point) -> float:
    eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"]
    priors = normal(p["alpha_y"], 1, 2) + normal(p["beta_y_x"], 0.5, 0.1)
    return priors + stats.halfnorm.logpdf(p["sigma_y"], scale=3) + normal(DATA["y"], eta, p["sigma_y"])


def _slopes_given(p: Point) -> float:
    """Slopes not named take `slopes`; the intercept is a default, so the predictors are centred."""
    x, z, y = DATA["x"], DATA["z"], DATA["y"]
    eta = p["alpha_y"] + p["beta_y_z"] * centred(z) + p["beta_y_x"] * centred(x)
    return (
        default_identity(p, y)
        + normal(p["beta_y_z"], 1, 3)
        + stats.t.logpdf(p["beta_y_x"], 4, 0, 0.7)
        + gaussian(p, eta, y)
    )


def _binary(column: np.ndarray, name: str) -> Callable[[Point], float]:
    def logp(p: Point) -> float:
        y, slope = DATA["y"], p[f"beta_y_{name}"]
        eta = p["alpha_y"] + slope * centred(column.astype(float))
        return default_identity(p, y) + normal(slope, 0, r7(2.5 * sd(y))) + gaussian(p, eta, y)

    return logp


def _categories(name: str, levels: list[Any]) -> Callable[[Point], float]:
    """One slope for each of `levels`, which are all but the reference."""

    def logp(p: Point) -> float:
        y, slopes = DATA["y"], p[f"beta_y_{name}"]
        eta = p["alpha_y"] + sum(
            slopes[i] * centred((DATA[name] == level).astype(float)) for i, level in enumerate(levels)
        )
        return default_identity(p, y) + normal(slopes, 0, r7(2.5 * sd(y))) + gaussian(p, eta, y)

    return logp


def _transforms(p: Point) -> float:
    x, v, pos, share, y = (DATA[c] for c in ("x", "v", "pos", "share", "pos"))
    y = np.log(DATA["e"])
    columns = {
        "x": (x - x.mean()) / sd(x),
        "v": v - v.mean(),
        "pos": np.log1p(pos),
        "share": np.log(share / (1 - share)),
        "root": np.sqrt(DATA["c"]),
    }
    eta = p["alpha_y"] + sum(p[f"beta_y_{n}"] * centred(c) for n, c in columns.items())
    slopes = sum(normal(p[f"beta_y_{n}"], 0, r7(2.5 * sd(y) / sd(c))) for n, c in columns.items())
    return default_identity(p, y) + slopes + gaussian(p, eta, y)


def _crossed(p: Point) -> float:
    """x:g, its two columns x * [g = b] and x * [g = c], with the slopes' prior on the scale of x."""
    x, g, y = DATA["x"], DATA["g"], DATA["y"]
    dummies = [(g == level).astype(float) for level in ("b", "c")]
    eta = p["alpha_y"] + p["beta_y_x"] * centred(x)
    eta = eta + sum(p["beta_y_g"][i] * centred(c) for i, c in enumerate(dummies))
    eta = eta + sum(p["beta_y_x_g"][i] * centred(x * c) for i, c in enumerate(dummies))
    scale = r7(2.5 * sd(y) / sd(x))
    slopes = normal(p["beta_y_x"], 0, scale) + normal(p["beta_y_x_g"], 0, scale)
    return default_identity(p, y) + slopes + normal(p["beta_y_g"], 0, r7(2.5 * sd(y))) + gaussian(p, eta, y)


def _crossed_given(p: Point) -> float:
    """With the user's intercept nothing is centred, products neither."""
    x, w = DATA["x"], (DATA["w"] == "yes").astype(float)
    eta = p["alpha_y"] + p["beta_y_x"] * x + p["beta_y_w"] * w + p["beta_y_x_w"] * x * w
    priors = (
        normal(p["alpha_y"], 0, 5)
        + normal([p["beta_y_x"], p["beta_y_w"]], 0, 1)
        + normal(p["beta_y_x_w"], 0, 0.5)
    )
    return priors + gaussian(p, eta, DATA["y"])


def _numeric_products(p: Point) -> float:
    x, v, y = DATA["x"], DATA["v"], DATA["y"]
    eta = (
        p["alpha_y"]
        + p["beta_y_x"] * centred(x)
        + p["beta_y_v"] * centred(v)
        + p["beta_y_x_v"] * centred(x * v)
    )
    slopes = (
        normal(p["beta_y_x"], 0, r7(2.5 * sd(y) / sd(x)))
        + normal(p["beta_y_v"], 0, r7(2.5 * sd(y) / sd(v)))
        + normal(p["beta_y_x_v"], 0, r7(2.5 * sd(y) / (sd(x) * sd(v))))
    )
    return default_identity(p, y) + slopes + gaussian(p, eta, y)


def _categories_crossed(p: Point) -> float:
    """g:h, the first factor varying slowest: b:q, b:r, c:q, c:r."""
    g, h, y = DATA["g"], DATA["h"], DATA["y"]
    gs = [(g == level).astype(float) for level in ("b", "c")]
    hs = [(h == level).astype(float) for level in ("q", "r")]
    eta = p["alpha_y"] + sum(p["beta_y_g"][i] * centred(c) for i, c in enumerate(gs))
    eta = eta + sum(p["beta_y_h"][i] * centred(c) for i, c in enumerate(hs))
    cells = [a * b for a in gs for b in hs]
    eta = eta + sum(p["beta_y_g_h"][i] * centred(c) for i, c in enumerate(cells))
    slopes = np.concatenate([p["beta_y_g"], p["beta_y_h"], p["beta_y_g_h"]])
    return default_identity(p, y) + normal(slopes, 0, r7(2.5 * sd(y))) + gaussian(p, eta, y)


def _bernoulli(column: str, one: Any) -> Callable[[Point], float]:
    def logp(p: Point) -> float:
        y = (DATA[column] == one).astype(int)
        alpha, slope = p[f"alpha_{column}"], p[f"beta_{column}_x"]
        priors = normal(alpha, r7(logit(y.mean())), 2.5) + normal(slope, 0, r7(2.5 / sd(DATA["x"])))
        return priors + bernoulli(alpha + slope * centred(DATA["x"]), y)

    return logp


def _bernoulli_given(p: Point) -> float:
    eta = p["alpha_b"] + p["beta_b_x"] * DATA["x"]
    priors = stats.cauchy.logpdf(p["alpha_b"], 0, 2) + stats.laplace.logpdf(p["beta_b_x"], 0.1, 0.3)
    return float(priors) + bernoulli(eta, DATA["b"])


def _binomial(column: str, trials: Any) -> Callable[[Point], float]:
    def logp(p: Point) -> float:
        y, x = DATA[column], DATA["x"]
        alpha, slope = p[f"alpha_{column}"], p[f"beta_{column}_x"]
        rate = y.mean() / np.mean(trials)
        eta = alpha + slope * centred(x)
        priors = normal(alpha, r7(logit(rate)), 2.5) + normal(slope, 0, r7(2.5 / sd(x)))
        return priors + float(np.sum(stats.binom.logpmf(y, trials, special.expit(eta))))

    return logp


def _poisson(offset: bool) -> Callable[[Point], float]:
    def logp(p: Point) -> float:
        y, x, exposure = DATA["c"], DATA["x"], DATA["e"] if offset else np.ones(ROWS)
        rate = y.mean() / exposure.mean()
        mean = exposure * np.exp(p["alpha_c"] + p["beta_c_x"] * centred(x))
        priors = normal(p["alpha_c"], r7(np.log(rate)), 2.5) + normal(p["beta_c_x"], 0, r7(2.5 / sd(x)))
        return priors + float(np.sum(stats.poisson.logpmf(y, mean)))

    return logp


def _poisson_given(p: Point) -> float:
    """The user's intercept is at predictors = 0, per unit of exposure."""
    mean = DATA["e"] * np.exp(p["alpha_c"] + p["beta_c_x"] * DATA["x"])
    return (
        normal(p["alpha_c"], 0, 1)
        + normal(p["beta_c_x"], 0, 0.2)
        + float(np.sum(stats.poisson.logpmf(DATA["c"], mean)))
    )


def _weighted_chain(column: str, trials: Any, mediator: str) -> Callable[[Point], float]:
    """x -> mediator -> binomial: a row of the mediator's regression counts as often as it has trials."""

    def logp(p: Point) -> float:
        x, m, y = DATA["x"], DATA[mediator], DATA[column]
        alpha, slope = p[f"alpha_{mediator}"], p[f"beta_{mediator}_x"]
        eta = alpha + slope * centred(x)
        units = np.broadcast_to(trials, m.shape)
        if mediator == "m":
            first = default_identity(p, m, "m") + normal(slope, 0, r7(2.5 * sd(m) / sd(x)))
            first += gaussian(p, eta, m, units, "m")
        else:
            each = np.where(m == 1, special.log_expit(eta), special.log_expit(-eta))
            first = (
                normal(alpha, r7(logit(m.mean())), 2.5)
                + normal(slope, 0, r7(2.5 / sd(x)))
                + np.sum(units * each)
            )
        outcome = p[f"alpha_{column}"] + p[f"beta_{column}_{mediator}"] * centred(m.astype(float))
        scale = 1.0 if mediator == "d" else sd(m)
        second = normal(p[f"alpha_{column}"], r7(logit(y.mean() / np.mean(trials))), 2.5)
        second += normal(p[f"beta_{column}_{mediator}"], 0, r7(2.5 / scale))
        return first + second + float(np.sum(stats.binom.logpmf(y, trials, special.expit(outcome))))

    return logp


_TO_Y = "edges: [{0} -> y]\neffect: {0} -> y\n"
_GIVEN = """\
edges: [x -> y]
effect: x -> y
regressions: {{y: {{priors: {{{0}}}}}}}
"""
CASES = {
    "gaussian, numeric": Case(_TO_Y.format("x"), _numeric),
    "gaussian, priors given": Case(
        _GIVEN.format("intercept: 'Normal(1, 2)', x: 'Normal(0.5, 0.1)', sigma: 'HalfNormal(3)'"),
        _numeric_given,
    ),
    "gaussian, slopes given": Case(
        "edges: [x -> z, 'x, z -> y']\neffect: z -> y\n"
        "regressions: {y: {priors: {z: 'Normal(1, 3)', slopes: 'StudentT(4, 0, 0.7)'}}}",
        _slopes_given,
    ),
    "binary numbers": Case(_TO_Y.format("z"), _binary(DATA["z"], "z")),
    "binary text": Case(_TO_Y.format("w"), _binary(DATA["w"] == "yes", "w")),
    "booleans": Case(_TO_Y.format("flag"), _binary(DATA["flag"], "flag")),
    "binary text, reference turned": Case(
        "nodes: {w: {type: binary, reference: 'yes'}, y: continuous}\n" + _TO_Y.format("w"),
        _binary(DATA["w"] == "no", "w"),
    ),
    "binary numbers, reference turned": Case(
        "nodes: {z: {type: binary, reference: 1}, y: continuous}\n" + _TO_Y.format("z"),
        _binary(DATA["z"] == 0, "z"),
    ),
    "categories": Case(_TO_Y.format("g"), _categories("g", ["b", "c"])),
    "categories, reference named": Case(
        "nodes: {g: {type: categorical, levels: [c, b, a], reference: b}, y: continuous}\n"
        + _TO_Y.format("g"),
        _categories("g", ["c", "a"]),
    ),
    "categories in integers": Case(
        "nodes: {k: categorical, y: continuous}\n" + _TO_Y.format("k"), _categories("k", [2, 5])
    ),
    "transforms": Case(
        "nodes:\n  x: {type: continuous, transform: standardize}\n  v: {type: continuous, transform: "
        "center}\n"
        "  pos: {type: positive, transform: log1p}\n  share: {type: proportion, transform: logit}\n"
        "  root: {type: count, transform: sqrt, column: c}\n"
        "  y: {type: positive, transform: log, column: e}\n"
        "edges: ['v, pos, share, root -> x', 'x, v, pos, share, root -> y']\neffect: x -> y\n",
        _transforms,
    ),
    "numeric x categorical": Case(
        "edges: [g -> x, 'g, x -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:g']}}", _crossed
    ),
    "numeric x binary, priors given": Case(
        "edges: [w -> x, 'w, x -> y']\neffect: x -> y\nregressions:\n  y:\n    interactions: ['x:w']\n    "
        "priors:\n"
        "      intercept: Normal(0, 5)\n      slopes: Normal(0, 1)\n      'x:w': Normal(0, 0.5)\n",
        _crossed_given,
    ),
    "numeric x numeric": Case(
        "edges: [v -> x, 'v, x -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:v']}}",
        _numeric_products,
    ),
    "categorical x categorical": Case(
        "edges: [h -> g, 'g, h -> y']\neffect: g -> y\nregressions: {y: {interactions: ['g:h']}}",
        _categories_crossed,
    ),
    "bernoulli, numbers": Case("edges: [x -> b]\neffect: x -> b", _bernoulli("b", 1)),
    "bernoulli, text": Case("edges: [x -> said]\neffect: x -> said", _bernoulli("said", "dead")),
    "bernoulli, booleans": Case("edges: [x -> flag]\neffect: x -> flag", _bernoulli("flag", True)),
    "bernoulli, priors given": Case(
        "edges: [x -> b]\neffect: x -> b\n"
        "regressions: {b: {priors: {intercept: 'Cauchy(0, 2)', x: 'Laplace(0.1, 0.3)'}}}",
        _bernoulli_given,
    ),
    "binomial, column": Case(
        "nodes: {x: continuous, s: {type: count, family: binomial, trials: n}}\nedges: [x -> s]\neffect: x "
        "-> s",
        _binomial("s", DATA["n"]),
    ),
    "binomial, number": Case(
        "nodes: {x: continuous, ten: {type: count, family: binomial, trials: 10}}\nedges: [x -> "
        "ten]\neffect: x -> ten",
        _binomial("ten", 10),
    ),
    "poisson": Case("edges: [x -> c]\neffect: x -> c", _poisson(offset=False)),
    "poisson, offset": Case(
        "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c",
        _poisson(offset=True),
    ),
    "poisson, offset, priors given": Case(
        "nodes: {x: continuous, c: {type: count, offset: e}}\nedges: [x -> c]\neffect: x -> c\n"
        "regressions: {c: {priors: {intercept: 'Normal(0, 1)', slopes: 'Normal(0, 0.2)'}}}",
        _poisson_given,
    ),
    "chain, weighted by a column": Case(
        "nodes: {x: continuous, m: continuous, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [x -> m -> s]\neffect: x -> s",
        _weighted_chain("s", DATA["n"], "m"),
        "build_chain",
    ),
    "chain, weighted by a number": Case(
        "nodes: {x: continuous, d: binary, ten: {type: count, family: binomial, trials: 10}}\n"
        "edges: [x -> d -> ten]\neffect: x -> ten",
        _weighted_chain("ten", 10, "d"),
        "build_chain",
    ),
}


def _points(
    model: Any, count: int = 2, at: Mapping[str, float] | None = None
) -> list[tuple[dict[str, Any], dict[str, Any], float]]:
    """Random points, some parameters held: as the model takes them, as they are, and the log Jacobian
    between.
    """
    rng, found = np.random.default_rng(11), []
    for _ in range(count):
        free, values, jacobian = {}, {}, 0.0
        for name, start in model.initial_point().items():
            u = (
                rng.normal(0, 0.5, np.shape(start))
                if name not in (at or {})
                else np.asarray((at or {})[name])
            )
            free[name] = np.asarray(u)
            if name.endswith("_log__"):
                values[name.removesuffix("_log__")] = np.exp(u)
                jacobian += float(np.sum(u))
            elif name.endswith("_cholesky-cov-packed__"):  # logarithms on the diagonal, which is L11 and L22
                diagonal = np.array([True, False, True])
                values[name.removesuffix("_cholesky-cov-packed__")] = np.where(diagonal, np.exp(u), u)
                jacobian += float(u[diagonal].sum())
            elif name.endswith("_ordered__"):  # the first as it is, then logarithms of the steps
                values[name.removesuffix("_ordered__")] = np.cumsum(np.concatenate([u[:1], np.exp(u[1:])]))
                jacobian += float(u[1:].sum())
            elif name.endswith(("_logodds__", "_interval__")):
                unit = special.expit(u)
                low, high = (-2.0, 3.0) if name.endswith("_interval__") else (0.0, 1.0)
                values[name.removesuffix("_logodds__").removesuffix("_interval__")] = (
                    low + (high - low) * unit
                )
                jacobian += float(np.sum(np.log((high - low) * unit * (1 - unit))))
            else:
                values[name] = u
        found.append((free, values, jacobian))
    return found


def _check_density(model: Any, logp: Callable[[Point], float], at: Mapping[str, float] | None = None) -> None:
    import pytensor

    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        emitted = model.compile_fn(
            [model.logp(jacobian=False), model.logp(jacobian=True)],
            inputs=model.value_vars,
            on_unused_input="ignore",
        )
    for free, values, jacobian in _points(model, at=at):
        expected = logp(values)
        without, whole = emitted(free)
        assert float(without) == pytest.approx(expected, rel=1e-8)
        assert float(whole) == pytest.approx(expected + jacobian, rel=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_log_density(name: str) -> None:
    case = CASES[name]
    program = compiled(case.spec, DATA)
    _check_density(program.build(DATA, case.builder), case.logp)


PRIORS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "x1": ("Normal(0.3, 2)", lambda v: stats.norm.logpdf(v, 0.3, 2)),
    "x2": ("StudentT(4, 0.3, 2)", lambda v: stats.t.logpdf(v, 4, 0.3, 2)),
    "x3": ("Cauchy(0.3, 2)", lambda v: stats.cauchy.logpdf(v, 0.3, 2)),
    "x4": ("Laplace(0.3, 2)", lambda v: stats.laplace.logpdf(v, 0.3, 2)),
    "x5": ("HalfNormal(2)", lambda v: stats.halfnorm.logpdf(v, scale=2)),
    "x6": ("HalfCauchy(2)", lambda v: stats.halfcauchy.logpdf(v, scale=2)),
    "x7": ("HalfStudentT(4, 2)", lambda v: np.log(2) + stats.t.logpdf(v, 4, 0, 2)),
    "x8": ("Exponential(2)", lambda v: stats.expon.logpdf(v, scale=0.5)),
    "x9": ("Gamma(2, 3)", lambda v: stats.gamma.logpdf(v, 2, scale=1 / 3)),
    "x10": ("InverseGamma(2, 3)", lambda v: stats.invgamma.logpdf(v, 2, scale=3)),
    "x11": ("LogNormal(0.3, 2)", lambda v: stats.lognorm.logpdf(v, 2, scale=np.exp(0.3))),
    "x12": ("Beta(2, 3)", lambda v: stats.beta.logpdf(v, 2, 3)),
    "x13": ("Uniform(-2, 3)", lambda v: stats.uniform.logpdf(v, -2, 5)),
    "x14": ("Flat()", lambda v: 0.0),
    "x15": ("HalfFlat()", lambda v: 0.0),
    "x16": ("Normal(sigma=2, mu=0.3)", lambda v: stats.norm.logpdf(v, 0.3, 2)),
}


def test_every_prior_of_the_grammar_is_emitted_as_written() -> None:
    rng = np.random.default_rng(3)
    data = {name: rng.normal(size=12) for name in (*PRIORS, "y")}
    priors = "".join(f"      {name}: {text}\n" for name, (text, _) in PRIORS.items())
    others = ", ".join(list(PRIORS)[1:])
    spec = (
        f"edges: ['{others} -> x1', 'x1, {others} -> y']\neffect: x1 -> y\n"
        "regressions:\n  y:\n    priors:\n      intercept: Normal(0, 1)\n      sigma: "
        f"HalfCauchy(1)\n{priors}"
    )

    def logp(p: Point) -> float:
        eta = p["alpha_y"] + sum(p[f"beta_y_{name}"] * data[name] for name in PRIORS)
        given = sum(float(density(p[f"beta_y_{name}"])) for name, (_, density) in PRIORS.items())
        head = normal(p["alpha_y"]) + float(stats.halfcauchy.logpdf(p["sigma_y"]))
        return given + head + normal(data["y"], eta, p["sigma_y"])

    _check_density(compiled(spec, data).build(data), logp)


WITHOUT_DATA = {
    "gaussian": "nodes: {x: continuous, y: continuous}\nedges: [x -> y]\neffect: x -> y",
    "products": (
        "nodes: {x: continuous, v: continuous, g: {type: categorical, levels: [a, b, c]}, y: continuous}\n"
        "edges: ['v, g -> x', 'x, v, g -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:v', "
        "'x:g']}}"
    ),
    "bernoulli": "nodes: {x: continuous, b: binary}\nedges: [x -> b]\neffect: x -> b",
}


@pytest.mark.parametrize("name", WITHOUT_DATA)
def test_without_data_the_program_takes_default_priors_from_them_by_the_same_rule(name: str) -> None:
    """Priors and centring are (up to the digits shown) those of the program that was compiled with data."""
    import pytensor

    models = [compiled(WITHOUT_DATA[name], data).build(DATA) for data in (None, DATA)]
    scales, likelihoods = [], []
    rng = np.random.default_rng(5)
    at = {name: np.asarray(rng.normal(0, 0.5, np.shape(v))) for name, v in models[0].initial_point().items()}
    for model in models:
        rvs = [rv for rv in model.free_RVs if rv.name.startswith(("beta_", "sigma_"))]
        with pytensor.config.change_flags(mode="FAST_COMPILE"):
            # inputs of a random variable: generator, size, then its parameters, a scale last
            scales.append({rv.name: float(np.max(rv.owner.inputs[-1].eval())) for rv in rvs})
            likelihoods.append(float(model.compile_logp(vars=model.observed_RVs)(at)))
    assert likelihoods[0] == pytest.approx(likelihoods[1], rel=1e-4)
    assert scales[0].keys() == scales[1].keys()
    for symbol, scale in scales[1].items():
        assert scales[0][symbol] == pytest.approx(scale, rel=6e-3), symbol


# ---------------------------------------------------------------- names

HOSTILE = [
    "class", "lambda", "None", "match", "_", "__import__", "int", "float", "len", "range", "print", "type",
    "str",
    "list", "pm", "np", "data", "model", "coords", "products", "indicators", "build", "build_adjusted",
    "query",
    'x"; import os', "'); import os "
                     "#", '"""', "a\\", "\\N{DIGIT ONE}", "{0}", "%s", "# coding: latin-1", "größe", "ɑ",
    "ａ", "\u202eevil", "a b", "a_b", "a-b", "1st", "é", "y_hat", "alpha_y", "beta_y_x", "eta_y", "sigma_y",
    "y_trials",
    "y_weights", "levels_g", "v", "v_2", "self", "import os", "os", "draws", "az", "duckdb", "nutpie",
    "compiled",
]  # fmt: skip


def _hostile_spec(names: list[str]) -> str:
    """x and every hostile name cause y; the names are also confounders."""
    import json

    edges = [[name, end] for name in names for end in ("x", "y")]
    listed = "".join(f"  - {json.dumps(pair, ensure_ascii=True)}\n" for pair in [*edges, ["x", "y"]])
    return f"edges:\n{listed}effect: x -> y\n"


def _hostile_data(names: list[str], rows: int = 80) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=rows) for name in (*names, "x", "y")}


def _identifiers(source: str) -> set[str]:
    """Every name that the program uses as code, not as text."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for field in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


def test_hostile_names_build_and_stay_text() -> None:
    data = _hostile_data(HOSTILE)
    program = compiled(_hostile_spec(HOSTILE), data)
    model = program.build(data)
    assert len(model.free_RVs) == len(HOSTILE) + 3
    plain = (
        set(dir(np))
        | set(dir(program))
        | _identifiers(compiled("edges: [x -> y]\neffect: x -> y", DATA).source)
    )
    for name in _identifiers(program.source) - plain:
        assert name.isascii()
        assert name.isidentifier()
    called = {
        n.func.attr
        for n in ast.walk(ast.parse(program.source))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    assert called <= {
        "Model",
        "Data",
        "Normal",
        "Exponential",
        "asarray",
        "compile_pymc_model",
        "sample",
        "summary",
        "sql",
        "fetchnumpy",
    }
    imported = {
        a.name for n in ast.walk(ast.parse(program.source)) if isinstance(n, ast.Import) for a in n.names
    }
    assert imported <= {"numpy", "pymc", "arviz", "duckdb", "nutpie"}


def test_hostile_levels_and_columns_are_literals() -> None:
    levels = ['a"', "b'", "c\\", "d\n", '"""', "{e}", "\u202e", "# f", "g'\""]
    data = {
        "g": np.array(levels * 5),
        "x\n": np.random.default_rng(0).normal(size=45),
        "y": np.random.default_rng(1).normal(size=45),
    }
    spec = (
        'nodes: {g: categorical, x: {type: continuous, column: "x\\n"}, y: continuous}\n'
        'edges: [g -> x, "g, x -> y"]\neffect: x -> y'
    )
    program = compiled(spec, data)
    model = program.build(data)
    expected = np.column_stack([data["g"] == level for level in sorted(levels)[1:]])
    np.testing.assert_array_equal(model["g"].get_value(), expected)


def test_labels_and_titles_are_comments() -> None:
    """The spec's name stands in the docstring, labels and units in comments."""
    spec = (
        'name: \'""" + boom() + """\\\'\n'
        "nodes:\n  x: {type: continuous, label: '\"\"\" # boom()', unit: '\\N boom()'}\n  y: continuous\n"
        "edges: [x -> y]\neffect: x -> y\n"
    )
    program = compiled(spec, DATA)
    assert "boom" in program.source
    assert "boom" not in _identifiers(program.source)
    program.build(DATA)


def test_no_text_ends_a_comment_or_a_docstring() -> None:
    """Also what no spec file can hold, for specs that are built in Python."""
    for text in (
        "a\nboom()",
        "a\rboom()",
        "a\u2028boom()",
        "a\x0cboom()",
        "a\x00",
        '"""\nboom()',
        "\\",
        '"',
        "\ud800",
    ):
        source = f"x = 1{quoting.comment(text)}\n"
        assert len(ast.parse(source).body) == 1
        for lines in ([text], [text, text]):
            tree = ast.parse(f"def f():\n    {quoting.docstring(lines)}\n")
            assert len(tree.body[0].body) == 1  # type: ignore[attr-defined]


def test_literals_read_back_as_they_are() -> None:
    for value in ("a", 'a"', "a'", "a'\"", "\\", "\n", "\u202e", "{x}", 1, 2.5, True, ""):
        assert ast.literal_eval(quoting.literal(value)) == value
    for value in (0.1, 1e300, -3.0, 1e22, 5e-324, 12345678.0):
        assert float(eval(quoting.number(value), {})) == value  # noqa: S307


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_programs_do_not_depend_on_the_hash_seed(seed: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(_hostile_spec(HOSTILE), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dagreg.cli", "compile", "spec.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        check=True,
    )
    from dagreg.pipeline import compile as compile_
    from dagreg.spec.load import load

    here = compile_(load(tmp_path / "spec.yaml")).source
    assert done.stdout.decode().rstrip("\n") == here.replace(str(tmp_path) + os.sep, "").rstrip("\n")


# ---------------------------------------------------------------- on their own

_WITHOUT_DAGREG = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "dagreg":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
_RUN = _WITHOUT_DAGREG + "import runpy; runpy.run_path('model.py', run_name='__main__')"
_READ = (
    _WITHOUT_DAGREG
    + """
import duckdb, runpy
program = runpy.run_path("model.py")
data = duckdb.sql(program["QUERY"]).fetchnumpy()
print(len(data["x"]), [rv.name for rv in program["build_adjusted"](data).free_RVs])
"""
)


def _write_rows(folder: Path) -> None:
    """The same table in every kind of file."""
    import duckdb

    columns = {c: DATA[c] for c in ("x", "g", "c")}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    with duckdb.connect(str(folder / "rows.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT * FROM read_csv({str(folder / 'rows.csv')!r})")
        connection.execute("CREATE TABLE other AS SELECT 1 AS one")
        connection.execute(f"COPY t TO {str(folder / 'rows.parquet')!r}")
        connection.execute(f"COPY t TO {str(folder / 'rows.tsv')!r} (DELIMITER '\\t')")


def _compile_in(folder: Path, data: str) -> None:
    from dagreg.pipeline import compile as compile_
    from dagreg.spec.load import load

    _write_rows(folder)
    (folder / "spec.yaml").write_text(
        f"data: {data}\nedges: [g -> x, 'g, x -> c']\neffect: x -> c\nsampling: "
        f"{{draws: 20, tune: 20, chains: 1}}\n"
    )
    (folder / "model.py").write_text(compile_(load(folder / "spec.yaml")).source)


def _alone(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_programs_run_without_dagreg(tmp_path: Path) -> None:
    _compile_in(tmp_path, "rows.csv")
    printed = _alone(_RUN, tmp_path)
    assert "beta_c_x" in printed
    assert "beta_c_g[g[b]]" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "rows"),
    {
        "rows.parquet": ROWS,
        "rows.tsv": ROWS,
        "{source: rows.duckdb, table: t}": ROWS,
        "{source: rows.duckdb, query: 'select * from t where x > 10'}": int((DATA["x"] > 10).sum()),
        "{source: rows.csv, query: 'select * from data where x > 10 -- only these'}": int(
            (DATA["x"] > 10).sum()
        ),
    }.items(),
)
def test_programs_find_their_data_without_dagreg(data: str, rows: int, tmp_path: Path) -> None:
    _compile_in(tmp_path, data)
    assert _alone(_READ, tmp_path).split(" ", 1) == [str(rows), "['alpha_c', 'beta_c_x', 'beta_c_g']\n"]


def test_a_program_of_a_table_in_memory_has_no_script_part() -> None:
    """There is no file that it could read: it is a module of builders."""
    assert "__main__" not in compiled(_TO_Y.format("x"), DATA).source


# ---------------------------------------------------------------- goldens

GOLDEN = Path(__file__).parent / "golden" / "programs"
PROGRAMS = {
    "gaussian_confounded": ("edges: [z -> x, 'z, x -> y']\neffect: x -> y\n", True),
    "chain_with_priors": (
        "nodes: {x: binary, m: continuous, y: {type: continuous, label: Yield, unit: kg}}\n"
        "edges: [x -> m -> y]\neffect: x -> y\n"
        "regressions:\n  y:\n    priors:\n      intercept: Normal(0, 10)\n      slopes: Normal(0, 1)\n"
        "      sigma: HalfNormal(5)\n",
        True,
    ),
    "binomial_categories": (
        "nodes: {g: categorical, h: categorical, s: {type: count, family: binomial, trials: n}}\n"
        "edges: [h -> g, 'g, h -> s']\neffect: g -> s\nregressions: {s: {interactions: ['g:h']}}\n",
        True,
    ),
    "poisson_offset": (
        "nodes: {x: {type: continuous, transform: standardize}, c: {type: count, offset: e}}\n"
        "edges: [x -> c]\neffect: x -> c\n",
        True,
    ),
    "varying_slopes": (
        "nodes: {x: continuous, g: group, h: {type: categorical, pool: true}, y: continuous}\n"
        "edges: ['x, g, h -> y', g -> x]\neffect: x -> y\nregressions: {y: {varying: {g: [intercept, x]}}}\n",
        True,
    ),
    "mediator_of_levels": (
        "nodes: {x: continuous, g: {type: categorical, levels: [a, b, c]}, b: {type: binary, link: probit}}\n"
        "edges: [x -> g -> b, x -> b]\neffect: {exposure: x, outcome: b, kind: mediation}\n",
        True,
    ),
    "cells": (
        "nodes: {g: categorical, z: binary, b: binary, y: continuous}\nedges: ['g, z -> b', 'g, b -> y', g "
        "-> z]\n"
        "effect: z -> y\nregressions: {b: {cells: [g, z]}, y: {coding: index}}\n",
        True,
    ),
    "curves": (
        "nodes: {x: continuous, v: {type: continuous, transform: standardize}, y: continuous}\n"
        "edges: [v -> x, 'v, x -> y']\neffect: x -> y\nregressions: {y: {curves: {x: spline(3), v: "
        "poly(2)}}}\n",
        True,
    ),
    "curves_without_data": (
        "edges: [v -> x, 'v, x -> y']\neffect: x -> y\nregressions: {y: {curves: {x: spline(3)}}}\n",
        False,
    ),
    "hurdle": (
        "nodes: {x: binary, c: {type: count, family: hurdle_negative_binomial}}\nedges: [x -> c]\neffect: x "
        "-> c\n",
        True,
    ),
    "zero_one_inflated_beta": (
        "nodes: {x: continuous, s: {type: proportion, family: zero_one_inflated_beta}}\nedges: [x -> s]\n"
        "effect: x -> s\n",
        False,
    ),
    "ordered_beta": (
        "nodes: {x: binary, s: {type: proportion, family: ordered_beta}}\nedges: [x -> s]\neffect: x -> s\n",
        False,
    ),
    "skew_normal": (
        "nodes: {x: binary, y: {type: continuous, family: skew_normal}}\nedges: [x -> y]\neffect: x -> y\n",
        False,
    ),
    "von_mises": (
        "nodes: {x: binary, a: {type: continuous, family: von_mises}}\nedges: [x -> a]\neffect: x -> a\n",
        False,
    ),
    "without_data": (WITHOUT_DATA["products"], False),
}  # fmt: skip


def _golden_data(spec: str) -> dict[str, np.ndarray]:
    return DATA | {"x": DATA["z"]} if "x: binary" in spec else DATA


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_text(name: str) -> None:
    """DAGREG_PROMOTE=1 writes the texts anew: read the diff before you commit it."""
    spec, with_data = PROGRAMS[name]
    source = compiled(spec, _golden_data(spec) if with_data else None).source
    path = GOLDEN / f"{name}.py"
    if os.environ.get("DAGREG_PROMOTE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


# ---------------------------------------------------------------- helpers of programs


def test_no_node_takes_the_name_of_a_helper() -> None:
    assert {helper.__name__ for helper in prelude.HELPERS} <= RESERVED


def test_a_program_holds_the_helpers_that_it_calls_and_those_that_they_call() -> None:
    body = "def build(data):\n    return log_between(data['filled'], filled(data['x'], 0)).positions(1)\n"
    found = [helper.__name__ for helper in prelude.helpers_of(body)]
    assert found == ["absent", "filled", "log_above", "log_between"]
    assert prelude.need_tensors(prelude.helpers_of(body))
    assert not prelude.need_tensors(prelude.helpers_of("positions(1, 2)"))
