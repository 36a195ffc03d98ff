"""What trace and rank plots show of a sampler's chains, as plain numbers (Vehtari et al.

2021 for the ranks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dagreg.doubts.types import Mixing
from dagreg.engines.draws import Draws, convergence
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.numerics.convergence import shares

MAX_PARAMETERS = 8  # parameters shown: the effect's own, then those that mixed worst
POINTS = 120  # of a trace, per chain
ROUNDING = 1e-9  # what varies less than that share of itself, as a correlation with itself, does not vary
RANK_BINS = 20  # of the ranks


def mixing(models: Sequence[Model], draws: Mapping[str, Draws]) -> tuple[Mixing, ...]:
    """The parameters of the sampled models that are worth looking at; none where every draw is independent.

    `draws` is by estimator. The coefficients that are the effect come first, then the least effective ones.
    """
    numbers = [
        (not causal, ess, -r_hat, i, (name, estimator, values))
        for i, (name, estimator, values, causal, ess, r_hat) in enumerate(_numbers(models, draws))
    ]
    chosen: list[Mixing] = []
    seen: set[bytes] = set()
    for _, ess, worse, _, (name, estimator, values) in sorted(numbers, key=lambda row: row[:4]):
        if (
            values.tobytes() not in seen and len(chosen) < MAX_PARAMETERS
        ):  # a correlation matrix holds each twice
            chosen.append(_mixing(name, estimator, values, ess=ess, r_hat=-worse))
            seen.add(values.tobytes())
    return tuple(chosen)


Traced = tuple[str, Estimator, Array, bool, float, float]


def _numbers(models: Sequence[Model], draws: Mapping[str, Draws]) -> Iterator[Traced]:
    """Name, estimator, chains x draws, whether it is the effect, ESS and R-hat of every number that a chain
    moved, but for values that are not known: there may be thousands, and what they do shows in the others.
    """
    for model in models:
        here = draws[model.estimator]
        if here.independent or not model.estimator.offers.effect:
            continue
        labels = _labels(model)
        causal = {t.symbol for e in model.equations for t in e.terms if t.causal}
        for symbol, values in here.values.items():
            if symbol not in here.sampled or symbol in model.unknown:
                continue
            flat = values.reshape(*values.shape[:2], -1)
            moving = np.ptp(flat, axis=(0, 1)) > ROUNDING * np.abs(flat).max(axis=(0, 1))
            ess, r_hat = convergence(flat)
            for j in np.flatnonzero(moving):
                name = (
                    symbol
                    if values.ndim == 2
                    else f"{symbol}[{_place(labels.get(symbol, ()), values, int(j))}]"
                )
                yield name, model.estimator, flat[..., j], symbol in causal, float(ess[j]), float(r_hat[j])


def _place(labels: Sequence[str], values: Array, at: int) -> str:
    """Which of a parameter's numbers: its label, or its place where it has none."""
    count = values[0, 0].size
    return (
        labels[at]
        if len(labels) == count
        else ", ".join(str(i) for i in np.unravel_index(at, values.shape[2:]))
    )


def _labels(model: Model) -> dict[str, list[str]]:
    """The labels of the numbers of each parameter that has several, in order."""
    labels = {t.symbol: list(t.columns) for e in model.equations for t in e.terms}
    for varying in (v for e in model.equations for v in e.varying):
        names = [d.name for d in varying.deviations]
        levels = [str(level) for level in varying.levels]
        labels[varying.symbol] = (
            [f"{level}, {name}" for level in levels for name in names] if names[1:] else levels
        )
        labels[varying.parameters[1]] = names
    return labels


def _mixing(name: str, estimator: Estimator, values: Array, *, ess: float, r_hat: float) -> Mixing:
    chains, count = values.shape
    step = max(1, -(-count // POINTS))
    return Mixing(
        name=name,
        estimator=estimator,
        r_hat=r_hat,
        ess_bulk=ess,
        draws=count,
        step=step,
        traces=tuple(tuple(map(float, values[c, ::step])) for c in range(chains)),
        ranks=rank_counts(values),
    )


def rank_counts(values: Array, stretches: int = RANK_BINS) -> tuple[tuple[int, ...], ...]:
    """For each chain (chains x draws), its draws in equal stretches of the ranks among all."""
    return tuple(tuple(map(int, np.histogram(row, stretches, (0.0, 1.0))[0])) for row in shares(values))
