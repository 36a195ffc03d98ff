"""What half the prior, and twice the prior, would make of the answer, without fitting again (Kallioinen,
Paananen, Burkner and Vehtari 2024).

A prior to the power of a is half as strong for a = 1/2 and twice as strong for a = 2. Draws of the posterior
become those under it by the weights prior^(a - 1), smoothed by a Pareto tail; where its shape says that the
weights do not serve, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dagreg.effects.gformula import contrast_draws
from dagreg.effects.rows import linear, observed_rows
from dagreg.engines.draws import Draws
from dagreg.model.densities import log_concave_density, log_density
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.numerics.pareto import pareto_smoothed
from dagreg.spec.types import LEVEL

POWERS = ((0.5, "priors half as strong"), (2.0, "priors twice as strong"))
MAX_SHAPE = 0.7  # of the weights' tail, up to which they serve


@dataclass(frozen=True, slots=True)
class Scaled:
    """The answer under priors of another strength."""

    name: str
    mean: float
    sd: float
    interval: tuple[float, float]


def scaled_priors(
    model: Model, draws: Draws, data: Mapping[str, object], contrast: Contrast, seed: int
) -> tuple[Scaled, ...]:
    """The effect under half and twice the prior; none where the model is no linear regression on known
    values, or a prior has no density here.
    """
    equation = model.outcome
    if not model.complete or len(model.equations) > 1 or equation.varying or not linear(model):
        return ()
    flat = draws.flat()
    try:
        log_prior = sum(_parts(model, flat), np.zeros(1))
    except KeyError:
        return ()
    effect = contrast_draws(model, flat, observed_rows(model, data), contrast, seed)
    return tuple(_scaled(effect, log_prior, POWERS))


def _parts(model: Model, flat: Mapping[str, Array]) -> Iterator[Array]:
    """The log density of each prior, by draw. Raises KeyError for one that is not listed."""
    equation = model.outcome
    if equation.has_intercept:
        yield log_concave_density(equation.intercept_prior, flat[equation.intercept])
    for term in equation.terms:
        each = log_concave_density(term.prior, flat[term.symbol])
        yield each if each.ndim == 1 else each.reshape(len(each), -1).sum(axis=1)
    for auxiliary in equation.auxiliaries:
        yield log_density(auxiliary.prior, flat[auxiliary.symbol])


def _scaled(effect: Array, log_prior: Array, powers: tuple[tuple[float, str], ...]) -> Iterator[Scaled]:
    for power, name in powers:
        weights, shape = pareto_smoothed((power - 1) * np.broadcast_to(log_prior, effect.shape))
        if not shape <= MAX_SHAPE:
            continue
        mean = float(weights @ effect)
        order = np.argsort(effect)
        reached = np.cumsum(weights[order]) - 0.5 * weights[order]
        tail = (1 - LEVEL) / 2
        low, high = np.interp([tail, 1 - tail], reached, effect[order])
        yield Scaled(name, mean, float(np.sqrt(weights @ (effect - mean) ** 2)), (float(low), float(high)))
