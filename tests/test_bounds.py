"""Bounds of effects that are not identified: against brute force, published numbers and closed forms."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import dagreg
from dagreg.effects import bounds as evaluated
from dagreg.effects.bounds import Bounded, Counts, bounds_of, too_large
from dagreg.graph.causal import CausalGraph
from dagreg.identify.bounding import Bounding, bounding_of
from dagreg.identify.explain import identify
from dagreg.identify.types import NotIdentified, Query
from dagreg.numerics.programs import minima
from dagreg.results.fit import FittedEffect
from dagreg.study import study_of
from tests.fitting import Columns

MANY = 1e10  # rows: posterior draws of what is observed are then the truth to some five digits
NEAR = 5e-4
MODELS = int(os.environ.get("DAGREG_MODELS", "8"))  # random ones; 1,000 take an hour
INSTRUMENT = "nodes: {z: binary, x: binary, y: binary}\nedges: [z -> x, x -> y, x <-> y]\neffect: x -> y\n"


def bounding(text: str) -> Bounding:
    spec = dagreg.loads(text)
    study = study_of(spec)
    found = bounding_of(study.graph, study.answers[0])
    assert found is not None
    return found


def exact(parts: Bounding, names: tuple[str, ...], joint: np.ndarray, sizes: dict[str, int]) -> Bounded:
    """The bounds where the joint distribution of the observed nodes, an axis each, is known."""
    levels = {n: tuple(range(sizes[n])) for n in parts.nodes}
    kept = [names.index(n) for n in parts.nodes]
    others = tuple(i for i in range(len(names)) if i not in kept)
    table = joint.sum(axis=others).transpose(np.argsort(np.argsort(kept)))
    positions = np.array(list(np.ndindex(table.shape)), dtype=np.int64)
    counts = Counts(parts.nodes, positions, table[tuple(positions.T)] * MANY)
    return bounds_of(parts, levels, counts, [(0, 1)], 1)


def of_instrument(p: np.ndarray) -> tuple[float, float]:
    """Bounds from P(x, y | z), p[z, x, y]: Balke and Pearl 1997, section 3, written out."""
    p000, p010, p100, p110 = p[0, 0, 0], p[0, 1, 0], p[0, 0, 1], p[0, 1, 1]  # p y x . z
    p001, p011, p101, p111 = p[1, 0, 0], p[1, 1, 0], p[1, 0, 1], p[1, 1, 1]
    low = max(
        p111 + p000 - 1, p110 + p001 - 1, p110 - p111 - p101 - p010 - p100, p111 - p110 - p100 - p011 - p101,
        -p011 - p101, -p010 - p100, p001 - p011 - p101 - p010 - p000, p000 - p010 - p100 - p011 - p001,
    )  # fmt: skip
    high = min(
        1 - p011 - p100, 1 - p010 - p101, -p010 + p011 + p001 + p110 + p000,
        -p011 + p111 + p001 + p010 + p000, p111 + p001, p110 + p000,
        -p101 + p111 + p001 + p110 + p100, -p100 + p110 + p000 + p111 + p101,
    )  # fmt: skip
    return low, high


@pytest.mark.parametrize(
    ("given_0", "given_1", "low", "high"),
    [
        ([[0.919, 0.081], [0.0, 0.0]], [[0.315, 0.073], [0.139, 0.473]], 0.392, 0.780),  # cholestyramine
        ([[0.0064, 0.9936], [0.0, 0.0]], [[0.0028, 0.1972], [0.001, 0.799]], -0.1946, 0.0054),  # vitamin A
    ],
)
def test_published_bounds(given_0: list, given_1: list, low: float, high: float) -> None:
    joint = np.array([given_0, given_1]) / 2  # z, x, y
    found = exact(bounding(INSTRUMENT), ("z", "x", "y"), joint, dict.fromkeys("zxy", 2))
    (bound,) = found.bounds
    assert bound.sharp
    assert (bound.lower, bound.upper) == pytest.approx((low, high), abs=6e-4)
    assert of_instrument(joint * 2) == pytest.approx((low, high), abs=6e-4)


def random_instrument(rng: np.random.Generator) -> np.ndarray:
    """P(x, y | z) of a random model with a hidden cause of 16 states: 2 x 2 x 2."""
    types = rng.dirichlet(np.full(16, 0.3))
    p = np.zeros((2, 2, 2))
    for share, (x0, x1, y0, y1) in zip(types, product((0, 1), repeat=4), strict=True):
        for z, x in enumerate((x0, x1)):
            p[z, x, (y0, y1)[x]] += share
    return p


@pytest.mark.parametrize("seed", range(12))
def test_an_instrument_has_the_bounds_of_the_closed_form(seed: int) -> None:
    p = random_instrument(np.random.default_rng(seed))
    found = exact(bounding(INSTRUMENT), ("z", "x", "y"), p / 2, dict.fromkeys("zxy", 2))
    (bound,) = found.bounds
    assert (bound.lower, bound.upper) == pytest.approx(of_instrument(p), abs=NEAR)


@pytest.mark.parametrize("seed", range(4))
def test_confounding_alone_leaves_an_interval_of_length_1(seed: int) -> None:
    """Manski 1990: from P(y, x = 1) - P(y, x = 0) - P(x = 1), also within strata of a common cause."""
    p = np.random.default_rng(seed).dirichlet(np.ones(8)).reshape(2, 2, 2)  # c, x, y
    plain = "nodes: {c: binary, x: binary, y: binary}\nedges: [x -> y, x <-> y]\neffect: x -> y\n"
    joint = p.sum(axis=0)
    low = joint[1, 1] - joint[0, 1] - joint[1].sum()
    (bound,) = exact(bounding(plain), ("c", "x", "y"), p, dict.fromkeys("cxy", 2)).bounds
    assert (bound.lower, bound.upper) == pytest.approx((low, low + 1), abs=NEAR)
    within = plain.replace("edges: [", "edges: ['c -> x, y', ")
    parts = bounding(within)
    assert parts.strata == ("c",)
    (bound,) = exact(parts, ("c", "x", "y"), p, dict.fromkeys("cxy", 2)).bounds
    assert (bound.lower, bound.upper) == pytest.approx((low, low + 1), abs=NEAR)


# Random models, their effects by enumeration


class World:
    """A random graph of two-valued nodes and hidden causes of some states, with random mechanisms."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.size = int(rng.integers(3, 6))
        self.names = tuple(f"v{i}" for i in range(self.size))
        pairs = [(i, j) for j in range(self.size) for i in range(j)]
        self.arrows = [p for p in pairs if rng.random() < 0.55]
        ties = [p for p in pairs if rng.random() < 0.35]
        self.hidden: list[tuple[int, ...]] = [tuple(p) for p in ties]
        if rng.random() < 0.4:
            self.hidden.append(tuple(sorted(rng.choice(self.size, 3, replace=False).tolist())))
        self.states = 3
        self.shares = [rng.dirichlet(np.full(self.states, 0.7)) for _ in self.hidden]
        self.parents = [[i for i, j in self.arrows if j == v] for v in range(self.size)]
        self.causes = [[h for h, group in enumerate(self.hidden) if v in group] for v in range(self.size)]
        self.chances = [
            rng.beta(0.3, 0.3, size=(2,) * len(self.parents[v]) + (self.states,) * len(self.causes[v]))
            for v in range(self.size)
        ]

    def graph(self) -> CausalGraph:
        latent = [f"u{h}" for h in range(len(self.hidden))]
        directed = [(self.names[i], self.names[j]) for i, j in self.arrows]
        directed += [(latent[h], self.names[v]) for h, group in enumerate(self.hidden) for v in group]
        return CausalGraph.of((*latent, *self.names), directed, unobserved=latent)

    def joint(self, do: dict[int, int]) -> np.ndarray:
        """The distribution of the observed nodes, an axis each."""
        total = np.zeros((2,) * self.size)
        for states in product(range(self.states), repeat=len(self.hidden)):
            weight = np.prod([s[k] for s, k in zip(self.shares, states, strict=True)])
            for values in product((0, 1), repeat=self.size):
                chance = weight
                for v, value in enumerate(values):
                    if v in do:
                        chance *= do[v] == value
                        continue
                    at = (*(values[p] for p in self.parents[v]), *(states[h] for h in self.causes[v]))
                    one = self.chances[v][at]
                    chance *= one if value else 1 - one
                total[values] += chance
        return total


def held(seed: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many effects of a random model were bounded; each bound holds the truth."""
    monkeypatch.setattr(evaluated, "DRAWS", 3)
    monkeypatch.setattr(evaluated, "FEW_DRAWS", 3)
    world = World(seed)
    graph, joint, bounded = world.graph(), world.joint({}), 0
    for x, y in product(range(world.size), repeat=2):
        if x >= y:
            continue
        answer = identify(graph, Query((world.names[x],), world.names[y]))
        parts = bounding_of(graph, answer)
        sizes = dict.fromkeys(world.names, 2)
        if parts is None or too_large(parts, dict.fromkeys(parts.nodes, (0, 1))):
            continue
        truth = float(world.joint({x: 1}).sum(axis=tuple(i for i in range(world.size) if i != y))[1])
        truth -= float(world.joint({x: 0}).sum(axis=tuple(i for i in range(world.size) if i != y))[1])
        found = exact(parts, world.names, joint, sizes)
        assert found.possible > 0, (seed, x, y)
        (bound,) = found.bounds
        assert bound.lower - NEAR <= truth <= bound.upper + NEAR, (seed, x, y, truth, bound)
        bounded += 1
    return bounded


def test_bounds_hold_the_truth_of_random_models(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(held(seed, monkeypatch) for seed in range(MODELS)) > 0.6 * MODELS


@pytest.mark.parametrize("seed", range(5))
def test_many_right_sides_have_the_minima_of_each_alone(seed: int) -> None:
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    rows = np.eye(6)[rng.integers(0, 6, 14)].T + (rng.random((6, 14)) < 0.4)
    cost = rng.normal(size=14)
    sides = rng.dirichlet(np.ones(14), size=80) @ rows.T
    sides[:5] += 3 * rng.random((5, 6))  # most of these have no solution
    found = minima(cost, rows, sides).values
    gaps = []
    for side, least in zip(sides, found, strict=True):
        solved = linprog(cost, A_eq=rows, b_eq=side, bounds=(0, None))
        if solved.status == 0:
            assert least <= solved.fun + 1e-7  # never too narrow
            gaps.append(solved.fun - least)
        else:
            assert len(gaps) < 5
    assert np.mean(np.array(gaps) < 1e-7) >= 0.9  # a vertex may be missed, of which few sides make use


# Whole fits


def table(rows: int, seed: int = 1, strength: float = 0.4) -> Columns:
    rng = np.random.default_rng(seed)
    z, u = rng.integers(0, 2, rows), rng.random(rows)
    x = ((u < 0.2) | ((u < 0.7) & (z == 1))).astype(int)
    y = (rng.random(rows) < 0.2 + 0.3 * x + strength * (u > 0.7)).astype(int)
    return {"z": z, "x": x, "y": y}


def fitted(text: str, data: Columns) -> FittedEffect:
    (effect,) = dagreg.fit(dagreg.loads(text), data).record.effects
    return effect


def test_a_linear_instrument_has_bounds_beside_it() -> None:
    effect = fitted(INSTRUMENT, table(800))
    (bound,) = effect.bounds
    assert effect.result is not None
    assert bound.contrast == (0, 1)
    assert bound.lower_interval[0] == bound.interval[0] <= bound.lower <= bound.upper <= bound.interval[1]
    assert bound.lower_interval[0] <= 0.3 <= bound.upper_interval[1]


def test_a_refusal_has_bounds_for_an_answer() -> None:
    text = "nodes: {x: binary, y: binary, u: unobserved}\nedges: [x -> y, 'u -> x, y']\neffect: x -> y\n"
    effect = fitted(text, table(500))
    assert isinstance(effect.answer, NotIdentified)
    (bound,) = effect.bounds
    assert bound.upper - bound.lower == pytest.approx(1, abs=0.01)


def test_numbers_have_none_and_the_reason_is_said() -> None:
    rng = np.random.default_rng(1)
    text = "edges: [x -> y, x <-> y]\neffect: x -> y\n"
    effect = fitted(text, {"x": rng.normal(size=50), "y": rng.normal(size=50)})
    assert effect.bounds == ()
    assert "is continuous" in effect.no_bounds


def test_an_identified_effect_has_none() -> None:
    text = "nodes: {z: binary, x: binary, y: binary}\nedges: ['z -> x, y', x -> y]\neffect: x -> y\n"
    effect = fitted(text, table(100))
    assert effect.bounds == ()
    assert effect.no_bounds == ""


def test_data_that_no_instrument_makes_refute_the_graph() -> None:
    """P(y = 1, x = 1 | z = 1) + P(y = 0, x = 1 | z = 0) is above 1 (Pearl 1995)."""
    p = np.zeros((2, 2, 2))  # z, x, y
    p[0, 1, 0] = p[1, 1, 1] = 0.9
    p[0, 0, 0] = p[1, 0, 1] = 0.1
    parts = bounding(INSTRUMENT)
    assert exact(parts, ("z", "x", "y"), p / 2, dict.fromkeys("zxy", 2)).possible == 0
    rng = np.random.default_rng(3)
    z, u = rng.integers(0, 2, 600), rng.random(600)
    x = ((u < 0.9) | ((u < 0.95) & (z == 1))).astype(int)
    effect = fitted(INSTRUMENT, {"z": z, "x": x, "y": np.where(rng.random(600) < 0.95, z, 1 - z)})
    assert effect.bounds == ()
    assert "DR611" in [d.code for d in effect.doubts]


def test_an_estimate_outside_of_the_bounds_is_doubted() -> None:
    """Compliers gain nothing, defiers there are, and a line through the instrument's two groups is steep."""
    rng = np.random.default_rng(4)
    z, u = rng.integers(0, 2, 4_000), rng.random(4_000)
    x = np.where(u < 0.48, z, np.where(u < 0.9, 1 - z, u < 0.95)).astype(int)
    y = np.where(u < 0.48, x, np.where(u < 0.9, 1 - x, 0)).astype(int)
    effect = fitted(INSTRUMENT, {"z": z, "x": x, "y": y})
    (bound,) = effect.bounds
    assert effect.result is not None
    head = next(e for e in effect.result.estimates if e.primary)
    assert head.summary.mean > bound.upper_interval[1]
    assert "DR612" in [d.code for d in effect.doubts]


@pytest.mark.parametrize(
    "text",
    [
        INSTRUMENT.replace("effect: x -> y", "effect: {exposure: x, outcome: y, kind: direct}"),
        INSTRUMENT.replace("z: binary", "z: {type: binary, selected: true}"),
    ],
)
def test_other_questions_have_no_bounds(text: str) -> None:
    spec = dagreg.loads(text)
    study = study_of(spec)
    assert bounding_of(study.graph, study.answers[0]) is None


@pytest.mark.parametrize("rows", [200, 2_000])
def test_intervals_reach_the_bounds_where_many_terms_tie(rows: int) -> None:
    """All 16 types alike: every term of Balke and Pearl's maximum is near. 97 % at each end."""
    truth = of_instrument(np.full((2, 2, 2), 0.25))
    parts, rng = bounding(INSTRUMENT), np.random.default_rng(rows)
    levels = dict.fromkeys("zxy", (0, 1))
    low = high = 0
    tables = 25
    for _ in range(tables):
        z = rng.integers(0, 2, rows)
        x0, x1, y0, y1 = rng.integers(0, 2, (4, rows))
        x = np.where(z, x1, x0)
        y = np.where(x, y1, y0)
        positions, counts = np.unique(np.column_stack([z, x, y]), axis=0, return_counts=True)
        (bound,) = bounds_of(parts, levels, Counts(("z", "x", "y"), positions, counts), [(0, 1)], 1).bounds
        low += bound.interval[0] <= truth[0]
        high += bound.interval[1] >= truth[1]
    assert min(low, high) >= 0.97 * tables - 4 * np.sqrt(tables * 0.97 * 0.03)


def test_data_at_the_border_refute_nothing() -> None:
    """Everyone is exposed: the outcome must not differ between levels of z, and by chance it does."""
    parts, rng = bounding(INSTRUMENT), np.random.default_rng(2)
    z, y = rng.integers(0, 2, (2, 2_000))
    positions, counts = np.unique(np.column_stack([z, np.ones_like(z), y]), axis=0, return_counts=True)
    found = bounds_of(
        parts, dict.fromkeys("zxy", (0, 1)), Counts(("z", "x", "y"), positions, counts), [(0, 1)], 1
    )
    assert found.violation < 4


def test_what_bounds_read_is_in_the_report(tmp_path: Path) -> None:
    result = dagreg.fit(dagreg.loads(INSTRUMENT), table(300))
    text = " ".join(result.report("text").split())
    assert "What can still be said: bounds" in text
    assert "Balke and Pearl 1997" in text
    result.save(tmp_path / "out")
    assert dagreg.open(tmp_path / "out").effects[0].bounds == result.effects[0].bounds
