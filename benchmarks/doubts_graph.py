"""Size and power of the test of implied independences, against a partial correlation and regressions.

    python -m benchmarks.doubts_graph [--tables 1000] [--rows 100 1000 10000]

x and y are independent given z in every world of `NULLS`, so each test should reject in 5 % of tables; in
those of `SHAPES` they are not. `partial` is the t test of the partial correlation, as peers test
independences of numbers; `regression` the F test of x in a linear regression of y on x and z, or the
likelihood ratio of Poisson or logistic ones where y is a count or binary: what dagreg did before. Seeded;
about 6 minutes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from dagreg.doubts.implication_covariance import going_together, thinned
from dagreg.doubts.implication_curves import curves, is_number, powers
from dagreg.doubts.implication_regressions import binomial_means, poisson_means
from dagreg.doubts.within_groups import ColumnSpan
from dagreg.numerics.arrays import Array
from dagreg.numerics.tails import chi_square_upper, f_upper, t_two_sided

Draw = tuple[Sequence[Array], Array, Array]  # blocks of z, and x and y, each rows x columns
World = Callable[[np.random.Generator, int], Draw]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A world in which x and y depend on each other; `straight` where a line shows it."""

    world: World
    straight: bool


def _numbers(z: Array, x: Array, y: Array) -> Draw:
    return [c[:, None] for c in np.atleast_2d(z.T)], x[:, None], y[:, None]


def _expit(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def _hits(rng: np.random.Generator, chance: Array) -> Array:
    return np.asarray(rng.random(len(chance)) < chance, dtype=float)


def _level(rng: np.random.Generator, eta: Array) -> Array:
    """Indicators of levels, but the first, by a multinomial logit."""
    shares = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    level = (rng.random(len(eta))[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    return np.asarray(level[:, None] == np.arange(1, eta.shape[1]), dtype=float)


def _linear(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, z + rng.normal(size=n), z + rng.normal(size=n))


def _waves(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, np.sin(2 * z) + rng.normal(size=n) / 2, np.sin(2 * z) + rng.normal(size=n) / 2)


def _squares(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, z**2 + rng.normal(size=n), z**2 + rng.normal(size=n))


def _unequal(rng: np.random.Generator, n: int) -> Draw:
    z = rng.uniform(-2, 2, size=n)
    spread = 0.3 + np.abs(z)
    return _numbers(
        z, 2 * np.exp(z / 2) + spread * rng.normal(size=n), np.sin(2 * z) + spread * rng.normal(size=n)
    )


def _skewed(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, np.tanh(2 * z) + rng.exponential(size=n), 2 * np.tanh(2 * z) + rng.exponential(size=n))


def _heavy(rng: np.random.Generator, n: int) -> Draw:
    z = rng.standard_t(3, size=n)
    return _numbers(z, z + rng.standard_t(3, size=n), z + rng.standard_t(3, size=n))


def _lognormal(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, *(np.exp(z / 2 + 0.7 * rng.normal(size=n)) for _ in range(2)))


def _three(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=(n, 3))
    mean = np.sin(1.5 * z[:, 0]) + 0.7 * z[:, 1] * z[:, 2]
    return _numbers(z, mean + rng.normal(size=n), mean + z[:, 2] + rng.normal(size=n))


def _interaction(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=(n, 2))
    mean = 2 * np.tanh(z[:, 0] * z[:, 1])
    return _numbers(z, mean + rng.normal(size=n), mean + rng.normal(size=n))


def _binary(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, _hits(rng, _expit(2 * z)), _hits(rng, _expit(2 * z + 1)))


def _rare(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, _hits(rng, _expit(z - 2.5)), _hits(rng, _expit(z - 2)))


def _counts(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    return _numbers(z, np.sin(2 * z) + rng.normal(size=n), rng.poisson(np.exp(0.5 + 0.7 * z)).astype(float))


def _levels(rng: np.random.Generator, n: int) -> Draw:
    z = rng.normal(size=n)
    eta = np.column_stack([0 * z, 1.5 * z, z**2 - 1])
    return [z[:, None]], _level(rng, eta), _level(rng, eta)


def _levels_given(rng: np.random.Generator, n: int) -> Draw:
    level, z = _level(rng, np.zeros((n, 3))), rng.normal(size=n)
    mean = (level @ [1.0, -1.0]) * z + level @ [1.0, 2.0]
    x, y = mean + rng.normal(size=n), rng.poisson(np.exp(0.4 * mean)).astype(float)
    return [level, z[:, None]], x[:, None], y[:, None]


def _counts_given(rng: np.random.Generator, n: int) -> Draw:
    z = rng.poisson(2, size=n).astype(float)
    x, y = np.cos(1.5 * z) + rng.normal(size=n), _hits(rng, _expit(2 * np.cos(1.5 * z)))
    return _numbers(z, x, y)


def _nothing_given(rng: np.random.Generator, n: int) -> Draw:
    return [], rng.exponential(size=(n, 1)), rng.exponential(size=(n, 1))


NULLS: dict[str, World] = {
    "lines": _linear,
    "waves": _waves,
    "squares": _squares,
    "unequal variances": _unequal,
    "skewed noise": _skewed,
    "heavy tails": _heavy,
    "lognormal": _lognormal,
    "three given": _three,
    "product of two given": _interaction,
    "binary": _binary,
    "rare binary": _rare,
    "a count": _counts,
    "levels": _levels,
    "levels and number given": _levels_given,
    "a count given": _counts_given,
    "nothing given": _nothing_given,
}


def _strength(n: int) -> float:
    return (8 / n) ** 0.5


def _trend(rng: np.random.Generator, n: int, size: float) -> Draw:
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    return _numbers(z, x, z + size * x + rng.normal(size=n))


def _binary_trend(rng: np.random.Generator, n: int, size: float) -> Draw:
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    return _numbers(z, x, _hits(rng, _expit(z + 2 * size * x)))


def _bent(rng: np.random.Generator, n: int, size: float) -> Draw:
    z, x = rng.normal(size=(2, n))
    return _numbers(z, x, z + size * x**2 + rng.normal(size=n))


def _bent_beside(rng: np.random.Generator, n: int, size: float) -> Draw:
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    return _numbers(z, x, z + size * x**2 / 2 + rng.normal(size=n))


def _sign_changes(rng: np.random.Generator, n: int, size: float) -> Draw:
    z, x = rng.normal(size=(2, n))
    return _numbers(z, x, z + size * x * z + rng.normal(size=n))


def _spread(rng: np.random.Generator, n: int, size: float) -> Draw:
    z, x = rng.normal(size=(2, n))
    return _numbers(z, x, z + np.exp(size * x) * rng.normal(size=n))


SHAPES: dict[str, tuple[Callable[[np.random.Generator, int, float], Draw], bool]] = {
    "trend": (_trend, True),
    "trend, y binary": (_binary_trend, True),
    "y follows x squared": (_bent, False),
    "y follows x squared, x follows z": (_bent_beside, False),
    "the sign changes with z": (_sign_changes, False),
    "y varies more with x": (_spread, False),
}
ALTERNATIVES: dict[str, Alternative] = {
    name: Alternative(lambda rng, n, shape=shape: shape(rng, n, 0.25), straight)
    for name, (shape, straight) in SHAPES.items()
}
"""The same strength at every number of rows: a partial correlation of about .25."""


def flexible(given: Sequence[Array], x: Array, y: Array) -> float:
    """The p value of dagreg's test, on the rows that it takes."""
    rows = thinned(np.ones(len(x), dtype=np.bool_))
    given, x, y = [g[rows] for g in given], x[rows], y[rows]
    found = going_together(
        ColumnSpan((), curves(given, len(x))),
        x,
        y,
        [powers(g)[0][:, 0] for g in given],
        x_bends=is_number(x),
        y_spreads=is_number(y),
    )
    return found.p if found is not None else 1.0


def partial(given: Sequence[Array], x: Array, y: Array) -> float:
    """Of the partial correlation; NaN for levels."""
    if x.shape[1] > 1 or y.shape[1] > 1:
        return float("nan")
    null = np.hstack([np.ones((len(x), 1)), *given])
    a, b = (v[:, 0] - null @ np.linalg.lstsq(null, v[:, 0], rcond=None)[0] for v in (x, y))
    r, free = float(a @ b / np.sqrt(a @ a * (b @ b))), len(x) - null.shape[1] - 1
    return t_two_sided(r * (free / (1 - r * r)) ** 0.5, free)


def regression(given: Sequence[Array], x: Array, y: Array) -> float:
    """Of x in the regression of y on x and z, by y's own family; NaN for levels."""
    if y.shape[1] > 1:
        return float("nan")
    response = y[:, 0]
    null = np.hstack([np.ones((len(x), 1)), *given])
    both = np.hstack([null, x])
    free = len(x) - both.shape[1]
    if set(np.unique(response)) <= {0.0, 1.0}:
        ones = np.ones(len(x))
        fits = [binomial_means(response, ones, c) for c in (null, both)]
        logs = [np.log(np.where(response > 0, f, 1 - f)).sum() for f in fits]
        return chi_square_upper(2 * float(logs[1] - logs[0]), x.shape[1])
    if (response == np.round(response)).all():
        means = [poisson_means(response, np.zeros(len(x)), c) for c in (null, both)]
        logs = [(response * np.log(m) - m).sum() for m in means]
        dispersion = max(1.0, float(((response - means[1]) ** 2 / means[1]).sum()) / free)
        return f_upper(2 * float(logs[1] - logs[0]) / dispersion / x.shape[1], x.shape[1], free)
    left = [response - c @ np.linalg.lstsq(c, response, rcond=None)[0] for c in (null, both)]
    before, after = (float(v @ v) for v in left)
    return f_upper((before - after) / x.shape[1] / (after / free), x.shape[1], free)


TESTS = {"dagreg": flexible, "partial": partial, "regression": regression}


def _shares(world: World, rows: int, tables: int, seed: int) -> str:
    p = [
        [test(*world(np.random.default_rng([seed, rows, i]), rows)) for test in TESTS.values()]
        for i in range(tables)
    ]
    rejected = np.where(np.isnan(p), np.nan, np.asarray(p) < 0.05).mean(axis=0)
    return " | ".join("  -  " if np.isnan(r) else f"{r:5.3f}" for r in rejected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="*", default=[100, 1000, 10_000])
    asked = parser.parse_args()
    print(f"rejected at 5 %: {' | '.join(TESTS)}")
    for rows in asked.rows:
        tables = asked.tables if rows <= 1000 else max(asked.tables // 4, 1)
        error = (0.05 * 0.95 / tables) ** 0.5
        print(f"\n{rows:,} rows, {tables:,} tables: Monte Carlo error of 5 % is {error:.3f}")
        start = time.process_time()
        for seed, (name, world) in enumerate(NULLS.items()):
            print(f"{name:34s} {_shares(world, rows, tables, seed)}", flush=True)
        for seed, (name, (shape, _)) in enumerate(SHAPES.items(), 100):
            size = _strength(rows)
            shown = _shares(lambda rng, n, s=shape, f=size: s(rng, n, f), rows, tables // 2, seed)
            print(f"{name:34s} {shown}   (power)", flush=True)
        print(f"{time.process_time() - start:.0f} s")


if __name__ == "__main__":
    main()
