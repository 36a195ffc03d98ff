"""What the optimiser's tests share: specs with their data, and log densities of programs at the same
parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg import pipeline
from dagreg.binding.rows import Rows
from dagreg.emit.naming import dimensions_of
from dagreg.model.plan import Model
from dagreg.model.statistics import Sufficient
from dagreg.optimise.types import Piece
from tests.fitting import spec_of, table_of

Point = Mapping[str, Any]
ROWS = 60


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    trials = rng.integers(1, 9, ROWS)
    z, k = rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
    x = rng.normal(10, 2, ROWS)
    return {
        "x": x,
        "u": 3 * x + rng.normal(0, 1e-4, ROWS),  # nearly a multiple of x
        "pos": rng.gamma(3, 2, ROWS),
        "z": z,
        "k": k,
        "w": np.array(["no", "yes"])[rng.integers(0, 2, ROWS)],
        "g": np.array(["a", "b", "c"])[rng.integers(0, 3, ROWS)],
        "m": rng.normal(1, 1, ROWS) + z,
        "d": rng.integers(0, 2, ROWS),
        "said": np.array(["alive", "dead"])[rng.integers(0, 2, ROWS)],
        "y": rng.normal(3, 4, ROWS) + 2 * z,
        "b": rng.integers(0, 2, ROWS),
        "c": rng.poisson(4, ROWS),
        "n": trials,
        "s": rng.binomial(trials, 0.4),
        "e": rng.uniform(0.5, 30, ROWS),
    }


DATA = _data()


@dataclass(frozen=True)
class Optimised:
    """One model, the pieces that stand for it, and the programs of both."""

    model: Model
    pieces: tuple[Piece, ...]
    readable: Any  # Program
    program: Any  # Program
    rows: Rows

    def table(self, piece: Piece) -> Mapping[str, Any]:
        return self.rows if piece.grouping is None else self.rows.grouped(piece.grouping)


def optimised(
    text: str, estimator: str = "adjusted", data: Mapping[str, np.ndarray] | None = None, effect: int = 0
) -> Optimised:
    """What a fit of this spec solves in place of one of its models."""
    data = DATA if data is None else data
    spec = spec_of(text)
    plain, fast = (pipeline.compile(spec, data, optimised=choice) for choice in (False, True))
    (model,) = (m for m in plain.plans[effect].models if m.estimator == estimator)
    table = table_of(spec, data)
    return Optimised(model, fast.pieces[model.builder], plain.program, fast.program, table.rows)


def notes(piece: Piece) -> dict[str, bool]:
    """Which passes applied."""
    return {note.step: note.applied for note in piece.notes}


def points(model: Model, count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Random values of every parameter of a model."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        point: dict[str, Any] = {}
        sizes = {s: tuple(len(labels) for _, labels in dims) for s, dims in dimensions_of(model).items()}
        for e in model.equations:
            point[e.intercept] = rng.normal(0, 0.5, sizes.get(e.intercept))
            if e.family.predictor == "ordered":
                point[e.intercept] = np.sort(point[e.intercept])
            for t in e.terms:
                point[t.symbol] = rng.normal(0, 0.2, sizes.get(t.symbol))
            point |= {a.symbol: rng.uniform(0.5, 4) for a in e.auxiliaries}
        found.append(point)
    return found


def densities(
    program: Any, model: Model, data: Mapping[str, Any], at: list[dict[str, Any]], piece: Piece | None = None
) -> np.ndarray:
    """The log density of a program's PyMC model in the parameters themselves, at these points.

    `piece` is the model's, where statistics stand for its rows.
    """
    import pytensor

    built = program.build(model.builder, data)
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        logp = built.compile_fn(built.logp(jacobian=False), inputs=built.value_vars, on_unused_input="ignore")
    return np.array([float(logp(_as_taken(built, model, point, piece))) for point in at])


def _as_taken(built: Any, model: Model, point: Point, piece: Piece | None) -> dict[str, Any]:
    """A point as PyMC takes it: scales by logs, cutpoints by logs of steps, whitened coefficients
    by theirs.
    """
    taken = {}
    for value in built.value_vars:
        name = value.name
        if name.endswith("_log__"):
            taken[name] = np.log(point[name.removesuffix("_log__")])
        elif name.endswith("_ordered__"):
            cuts = point[name.removesuffix("_ordered__")]
            taken[name] = np.concatenate([cuts[:1], np.log(np.diff(cuts))])
        elif name in point:
            taken[name] = np.asarray(point[name], dtype=float)
    if piece is not None and isinstance(piece.statistics, Sufficient):
        statistics, e = piece.statistics, piece.equation
        whole = np.concatenate([np.atleast_1d(point[s]) for s in e.coefficient_symbols])
        free = np.linalg.solve(np.array(statistics.spread), whole - np.array(statistics.start))
        taken[piece.names.of(e)["free"]] = free
    return taken


def gaps(case: Optimised, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """At random points, the readable program's log density, and its difference from that of the pieces."""
    at = points(case.model, count)
    whole = densities(case.readable, case.model, case.rows, at)
    parts = sum(densities(case.program, p.model, case.table(p), at, p) for p in case.pieces)
    return whole, whole - parts


def assert_equal_up_to_a_constant(case: Optimised, rel: float = 1e-9) -> None:
    whole, gap = gaps(case)
    assert np.ptp(whole) > 1  # the points differ, so equality says something
    assert np.ptp(gap) <= rel * np.abs(whole).max()
