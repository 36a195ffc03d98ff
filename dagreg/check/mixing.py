"""What trace and rank plots show of a sampler's chains, as plain numbers (Vehtari et al. 2021 for the ranks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dagreg.check.types import Mixing
from dagreg.engine.draws import Array, Draws, convergence
from dagreg.model.types import Model

MOST = 8  # parameters shown: the effect's own, then those that mixed worst
POINTS = 120  # of a trace, per chain
STRETCHES = 20  # of the ranks


def mixing(models: Sequence[Model], draws: Mapping[str, Draws]) -> tuple[Mixing, ...]:
    """The parameters of the sampled models that are worth looking at; none where every draw is independent.

    `draws` is by estimator. The coefficients that are the effect come first, then the least effective ones.
    """
    found = [
        (not causal, float(ess), -float(r_hat), i, (name, estimator, values))
        for i, (name, estimator, values, causal) in enumerate(_parameters(models, draws))
        for ess, r_hat in [convergence(values)]
    ]
    return tuple(_mixing(*what, ess=ess, r_hat=-r_hat) for _, ess, r_hat, _, what in sorted(found)[:MOST])


def _parameters(models: Sequence[Model], draws: Mapping[str, Draws]) -> Iterator[tuple[str, str, Array, bool]]:
    """Name, estimator, chains x draws, and whether it is the effect, of every number that a chain moved."""
    for model in models:
        here = draws[model.estimator]
        if here.independent or model.estimator == "unadjusted":
            continue
        sampled = {str(name) for tree in here.trees for name in tree["posterior"].data_vars}
        terms = {t.symbol: t for e in model.equations for t in e.terms}
        for symbol, values in here.values.items():
            if symbol in sampled:
                term = terms.get(symbol)
                for name, one in _numbers(symbol, values, term.columns if term else ()):
                    yield name, model.estimator, one, term is not None and term.causal


def _numbers(symbol: str, values: Array, columns: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """Each number of a parameter that varies, called as in the program, with its label where it is one of several."""
    flat = values.reshape(*values.shape[:2], -1)
    for j in range(flat.shape[2]):
        place = ", ".join(str(i) for i in np.unravel_index(j, values.shape[2:]))
        label = columns[j] if len(columns) == flat.shape[2] else place
        if np.ptp(flat[..., j]) > 0:
            yield symbol if values.ndim == 2 else f"{symbol}[{label}]", flat[..., j]


def _mixing(name: str, estimator: str, values: Array, *, ess: float, r_hat: float) -> Mixing:
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


def rank_counts(values: Array, stretches: int = STRETCHES) -> tuple[tuple[int, ...], ...]:
    """For each chain (chains x draws), its draws in equal stretches of the ranks among all; ArviZ ranks them."""
    from arviz_stats.base import array_stats

    shares = np.asarray(array_stats.compute_ranks(values, axis=(0, 1), relative=True))
    return tuple(tuple(map(int, np.histogram(row, stretches, (0.0, 1.0))[0])) for row in shares)
