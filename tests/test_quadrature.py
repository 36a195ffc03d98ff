"""Mixed models that are not Gaussian, by quadrature: integrals by brute force, calibration, NUTS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from dagreg.engines.quadrature import Integrated, integrated_of
from dagreg.model.design import positions
from tests.optimising import Optimised, optimised

ROWS, LEVELS = 30, 4
EXACT = 1e-8

SPEC = """
nodes: {{x: continuous, y: {type}, g: group}}
edges: [x -> y, g -> y]
effect: x -> y
regressions:
  y: {{{said}}}
"""


def responses(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Of every type, as the nodes below name them."""
    share = rng.beta(2, 2, ROWS)
    return {
        "binary": rng.integers(0, 2, ROWS),
        "counts": rng.poisson(3, ROWS),
        "successes": rng.binomial(7, 0.4, ROWS),
        "positive": rng.gamma(2, 1.5, ROWS),
        "share": share,
        "number": rng.standard_t(3, ROWS),
        "stage": np.array(["a", "b", "c", "d"])[rng.integers(0, 4, ROWS)],
    }


NODES = {
    "bernoulli": ("binary", "binary"),
    "bernoulli, probit": ("binary", "{type: binary, link: probit}"),
    "poisson": ("counts", "{type: count}"),
    "negative binomial": ("counts", "{type: count, family: negative_binomial}"),
    "zero inflated": ("counts", "{type: count, family: zero_inflated_poisson}"),
    "binomial": ("successes", "{type: count, family: binomial, trials: n}"),
    "beta binomial": ("successes", "{type: count, family: beta_binomial, trials: n}"),
    "gamma": ("positive", "{type: positive, family: gamma}"),
    "weibull": ("positive", "{type: positive, family: weibull}"),
    "beta": ("share", "{type: proportion, family: beta}"),
    "student t": ("number", "{type: continuous, family: student_t}"),
    "ordinal": ("stage", "{type: ordinal, levels: [a, b, c, d]}"),
    "offset": ("counts", "{type: count, offset: exposure}"),
    "weights": ("binary", "{type: binary, weights: n}"),
}
INTERCEPTS, SLOPES = "", "varying: {g: [intercept, x]}"


def case_of(name: str, said: str = INTERCEPTS, seed: int = 3) -> tuple[Optimised, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    column, node = NODES[name]
    data = {"x": rng.normal(1, 1, ROWS), "g": rng.integers(0, LEVELS, ROWS), "n": np.full(ROWS, 7)}
    data["exposure"] = rng.uniform(0.5, 3, ROWS)
    data["y"] = responses(rng)[column]
    if name == "weights":
        data["n"] = rng.integers(1, 4, ROWS)
    return optimised(SPEC.format(type=node, said=said), data=data), data


def target_of(case: Optimised) -> tuple[Integrated, np.ndarray]:
    (piece,) = case.pieces
    assert piece.engines[0] == "quadrature", piece.notes
    target, start, _ = integrated_of(piece.model, case.table(piece))
    return target, start


def brute_force(case: Optimised, data: dict[str, Any], target: Integrated, point: np.ndarray) -> float:
    """The log likelihood from SciPy's distributions and a fine grid of deviations, all rows one by one."""
    (equation,) = case.model.equations
    values, factors = target.parameters(point[None])
    root, family = factors[0], equation.family
    width = len(root)
    line = np.linspace(-9, 9, 6_001 if width == 1 else 501)
    grid = np.stack(np.meshgrid(*[line] * width, indexing="ij"), axis=-1).reshape(-1, width)
    own = grid @ root.T
    weights = stats.norm.logpdf(grid).sum(axis=1) + width * np.log(line[1] - line[0])
    cuts = len(equation.levels) - 1 if family.predictor == "ordered" else 0
    coefficients, others = values[0][: cuts + 2 - bool(cuts)], values[0][cuts + 2 - bool(cuts) :]
    slope = coefficients[-1]
    x = data["x"] - np.array(equation.terms[0].centre)
    p: dict[str, Any] = {a.name: v for a, v in zip(equation.auxiliaries, others, strict=True)}
    p["trials"] = np.array(7.0)
    total = 0.0
    for level in equation.varying[0].levels:
        height = weights.copy()
        for i in np.flatnonzero(data["g"] == level):
            eta = x[i] * slope + own[:, 0] + (own[:, 1] * x[i] if width == 2 else 0.0)
            if cuts:
                code = positions(np.array([data["y"][i]]), equation.levels)
                cutpoints = np.repeat(coefficients[:cuts, None], len(eta), axis=1)
                height += family.log_likelihood[equation.link.name](code, eta[None], cutpoints)[0]
                continue
            eta = eta + coefficients[0]
            if equation.offset is not None:
                eta = eta + np.log(data["exposure"][i])
            law = family.law(equation.link.inverse(eta), p)
            density = law.logpmf if hasattr(law, "logpmf") and family.discrete else law.logpdf
            height += density(data["y"][i]) * (data["n"][i] if equation.weights is not None else 1)
        total += special.logsumexp(height)
    return total


@pytest.mark.parametrize("said", [INTERCEPTS, SLOPES], ids=["intercepts", "slopes"])
@pytest.mark.parametrize("name", NODES)
def test_the_likelihood_is_that_of_brute_force(name: str, said: str) -> None:
    """Up to a constant, at points with small and large sds and correlations."""
    case, data = case_of(name, said)
    target, start = target_of(case)
    points = start + 0.4 * np.random.default_rng(1).normal(size=(4, len(start)))
    points[1, target.folded[0]] = 0.02
    values, factors = target.parameters(points)
    ours = target.marginal.log_likelihood(values, factors, 61 if said == INTERCEPTS else 31, target.near)
    theirs = np.array([brute_force(case, data, target, point) for point in points])
    assert np.ptp(theirs) > 0.5
    assert np.ptp(ours - theirs) < EXACT * np.abs(theirs).max()
