"""Chain against adjusted: two estimates of one effect whose gap, beyond chance, is evidence against the graph.

Both use the same rows, so their errors are correlated, and their variances must not be added. The sd
of the difference comes from the delete-a-group jackknife (Efron and Tibshirani 1993, section 11.5):
both are refitted without each of up to `GROUPS` groups of rows. The refits are all but free of
priors, which pull chain and adjusted estimates apart without saying anything about the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.check.point import Design, as_draws, coefficients, design, regular
from dagreg.effects.estimate import comparison
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.rows import Rows, observed_rows
from dagreg.effects.types import Disagreement, Estimate
from dagreg.engine.draws import Array
from dagreg.model.types import Model

GROUPS = 60
SAME = 1e-3  # in posterior sds: differences that never exceed this are no test
NEARLY_FLAT = 1e-6  # of a prior's precision: enough to keep separated classes finite
SIZE = 0.05  # chance of a false alarm over all contrasts of an effect


def disagreements(
    adjusted: Model, chain: Model, estimates: Mapping[str, tuple[Estimate, ...]], data: Mapping[str, Any], seed: int
) -> tuple[Disagreement, ...]:
    """One comparison per contrast of the outcome's mean; none where refits have no closed form."""
    if not all(regular(e) for m in (adjusted, chain) for e in m.equations):
        return ()
    pairs = [
        (a, c)
        for a, c in zip(_on_outcome(estimates["adjusted"]), _on_outcome(estimates["chain"]), strict=True)
        if a.contrast == c.contrast
    ]
    gaps, spread = _jackknife(adjusted, chain, data, seed)
    beyond = NormalDist().inv_cdf(1 - SIZE / (2 * len(pairs)))
    return tuple(
        _compare(comparison(adjusted, contrast), *pair, float(gap), float(sd), beyond)
        for contrast, pair, gap, sd in zip(adjusted.estimand.contrasts, pairs, gaps, spread, strict=True)
    )


def _on_outcome(rows: tuple[Estimate, ...]) -> list[Estimate]:
    return [row for row in rows if row.average]


def _compare(what: str, adjusted: Estimate, chain: Estimate, gap: float, sd: float, beyond: float) -> Disagreement:
    """The verdict on one contrast: `gap` and its `sd` are of the refits; the posteriors' is shown."""
    difference = chain.summary.mean - adjusted.summary.mean
    if sd < SAME * adjusted.summary.sd:
        message = (
            f"For {what}, chain and adjusted estimates are the same function of the data (they differ by "
            f"{difference:+.2g}, through priors and simulation): this graph puts no restriction between them to test."
        )
        return Disagreement(what, difference, sd, False, message)
    disagrees = abs(gap) > beyond * sd
    verdict = (
        "That is more than chance explains: an arrow or an independence of this graph, or the shape of a "
        "regression, does not hold in these data."
        if disagrees
        else "That is within chance: this comparison gives no evidence against the graph."
    )
    message = f"For {what}, the chain's estimate less the adjusted one is {gap:+.3g}, with sd {sd:.2g}. {verdict}"
    return Disagreement(what, difference, sd, disagrees, message)


def _jackknife(adjusted: Model, chain: Model, data: Mapping[str, Any], seed: int) -> tuple[Array, Array]:
    """Chain minus adjusted on all rows, and its sd: one number each for each contrast."""
    models = (adjusted, chain)
    designs = [[design(m, e, data) for e in m.equations] for m in models]
    rows = [observed_rows(m, data) for m in models]
    count = len(designs[0][0].response)
    groups = min(GROUPS, count)
    member = np.random.default_rng(seed).permutation(count) % groups

    def gap(weights: Array) -> Array:
        first, second = (_point(m, d, r, weights, seed) for m, d, r in zip(models, designs, rows, strict=True))
        return second - first

    left_out = np.array([gap(weights) for weights in _folds(member, groups)])
    return gap(np.ones(count)), np.sqrt((groups - 1) / groups * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))


def _folds(member: npt.NDArray[np.int64], groups: int) -> Iterator[Array]:
    for g in range(groups):
        yield (member != g).astype(np.float64)


def _point(model: Model, designs: list[Design], rows: Rows, weights: Array, seed: int) -> Array:
    """Every contrast of a model, refitted and averaged with these row weights."""
    draws: dict[str, Array] = {}
    for equation, this in zip(model.equations, designs, strict=True):
        draws |= as_draws(equation, *coefficients(equation, this, weights, penalty=NEARLY_FLAT * this.precision))
    kept = rows.weights * weights
    here = Rows(rows.values, kept / kept.sum())
    return np.array([contrast_draws(model, draws, here, c, seed)[0] for c in model.estimand.contrasts])
