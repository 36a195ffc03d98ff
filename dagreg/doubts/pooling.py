"""Shrinkage: each level's coefficient from its own rows alone, beside its partially pooled posterior.

Gelman and Hill (2007, section 12.2) compare the two. The estimate alone is by quasi-likelihood (McCullagh and
Nelder 1989, chapter 9), which asks of the family no more than its mean, with the coefficients that do not
vary at their posterior means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.rows import Rows
from dagreg.doubts.types import PooledLevel, Pooling
from dagreg.effects.predictor import deviation_factors, predictor
from dagreg.engines.draws import Draws
from dagreg.families.links import LINKS
from dagreg.model.design import column, encode, encoded
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Deviation, Varying
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array
from dagreg.spec.types import LEVEL

MAX_LEVELS, MAX_PICTURES = 30, 6
MAX_ROWS = 1_000_000
MAX_STEPS = 60
MAX_MOVE = 1e-8  # of the coefficients, by one step more, where they have converged
MAX_PREDICTOR = 30.0  # of a probability: beyond, it is on its way to infinity


def poolings(models: Sequence[Model], draws: Mapping[str, Draws], data: Rows) -> tuple[Pooling, ...]:
    """Of every coefficient that varies between groups, but in the unadjusted models.

    `draws` is by estimator.
    """
    if data.count > MAX_ROWS:
        return ()
    each = (
        pooling
        for model in models
        if model.estimator.offers.effect
        for equation in model.equations
        if not equation.levels
        for varying in equation.varying
        for pooling in _poolings(model, equation, varying, draws[model.estimator].flat(), data)
    )
    return tuple(pooling for pooling, _ in zip(each, range(MAX_PICTURES), strict=False))


def _poolings(
    model: Model, equation: Equation, varying: Varying, draws: Mapping[str, Array], data: Mapping[str, Any]
) -> Iterator[Pooling]:
    groups = encode(model.variables[varying.group], data[model.variables[varying.group].column])[:, 0].astype(
        np.int64
    )
    counts = np.bincount(groups, minlength=len(varying.levels))
    every = draws[varying.symbol] if varying.correlated else draws[varying.symbol][..., None]
    means = every.mean(axis=0)
    some = np.unique(np.concatenate([shown_levels(means[:, i]) for i in range(means.shape[1])]))
    alone = _alone(model, equation, varying, draws, data, groups, some)
    labels = [str(level) for level in varying.levels]
    for i, deviation in enumerate(varying.deviations):
        base = _base(equation, deviation, draws)
        own = every[..., i]
        levels, omitted = pooled_levels(labels, counts.tolist(), alone[:, i], base[:, None] + own)
        yield Pooling(
            varying.group,
            equation.response,
            model.estimator,
            deviation.name,
            _scale(equation, deviation),
            LEVEL,
            float(base.mean()),
            levels,
            omitted,
        )


def pooled_levels(
    labels: Sequence[str], counts: Sequence[int], alone: Array, draws: Array
) -> tuple[tuple[PooledLevel, ...], int]:
    """Levels in the order of their pooled means (`draws`: draws x levels), and how many are left out.

    Of many levels every k-th is kept, so that those shown are as different as all are.
    """
    tail = (1 - LEVEL) / 2
    levels = []
    for i in shown_levels(draws.mean(axis=0)):
        low, high = np.quantile(draws[:, i], [tail, 1 - tail])
        mean = float(draws[:, i].mean())
        levels.append(PooledLevel(labels[i], counts[i], float(alone[i]), mean, (float(low), float(high))))
    return tuple(levels), len(labels) - len(levels)


def shown_levels(means: Array) -> npt.NDArray[np.int64]:
    """The places of the levels that are shown, in the order of their means: every k-th of many."""
    order = np.argsort(means, kind="stable")
    if len(order) > MAX_LEVELS:
        order = order[np.linspace(0, len(order) - 1, MAX_LEVELS).round().astype(np.int64)]
    return order


def _base(equation: Equation, deviation: Deviation, draws: Mapping[str, Array]) -> Array:
    """The coefficient that the groups deviate from."""
    if deviation.term is None:
        return draws[equation.intercept]
    term = next(t for t in equation.terms if t.name == deviation.term)
    values = draws[term.symbol]
    return values if values.ndim == 1 else values[:, deviation.column]


def _alone(
    model: Model,
    equation: Equation,
    varying: Varying,
    draws: Mapping[str, Array],
    data: Mapping[str, Any],
    groups: npt.NDArray[np.int64],
    some: npt.NDArray[np.int64],
) -> Array:
    """Levels x deviations: the coefficients of some levels by their own rows; NaN where they do not tell."""
    nothing = np.full((len(varying.levels), len(varying.deviations)), np.nan)
    if not equation.family.mean_is_location or equation.linked is not None:
        return nothing
    used = (*equation.predictors, equation.response)
    values = encoded(model, used, data)
    rows = len(groups)
    fixed = {name: d.mean(axis=0, keepdims=True) for name, d in draws.items()}
    for deviation in varying.deviations:
        _remove(equation, deviation, fixed)
    others = [v for v in equation.varying if v is not varying]
    offset = np.broadcast_to(predictor(equation, fixed, values, others), (1, rows))[0]
    if equation.offset is not None:
        offset = offset + np.log(np.asarray(data[equation.offset], dtype=np.float64))
    trials = column(equation.trials, data, rows)
    weights = trials * column(equation.weights, data, rows)
    factors = deviation_factors(varying, equation, values)
    design = np.column_stack([np.broadcast_to(f, (rows,)) for f in factors])
    response = values[equation.response][:, 0] / trials
    for level in some:
        here = groups == level
        nothing[level] = own_coefficients(
            equation.link.name, response[here], design[here], offset[here], weights[here]
        )
    return nothing


def _remove(equation: Equation, deviation: Deviation, fixed: dict[str, Array]) -> None:
    """Sets to 0 the coefficient that varies."""
    if deviation.term is None:
        fixed[equation.intercept] = 0.0 * fixed[equation.intercept]
        return
    term = next(t for t in equation.terms if t.name == deviation.term)
    values = fixed[term.symbol].copy()
    values[(..., deviation.column) if values.ndim > 1 else ...] = 0.0
    fixed[term.symbol] = values


def own_coefficients(link: str, response: Array, design: Array, offset: Array, weights: Array) -> Array:
    """The quasi-likelihood estimate of a few rows; NaN where they do not determine it, or only at
    infinity.
    """
    how = LINKS[link]
    unknown = np.full(design.shape[1], np.nan)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return unknown
    centre = how.of_mean(float(np.average(response, weights=weights)))
    if not math.isfinite(centre):
        return unknown

    def derivatives(eta: Array) -> glm.Derivatives:
        with np.errstate(all="ignore"):
            mean, slope = how.inverse(eta), how.slope(eta)
            weight = weights[:, None] * slope / _variance(link, mean)
            gradient, information = weight * (response[:, None] - mean), weight * slope
        return glm.Derivatives(None, gradient, information[:, :, None])

    def moved(beta: Array, steps: int) -> Array:
        return glm.fit(
            design, derivatives, beta, offset=offset[:, None], steps=steps, tolerance=MAX_MOVE / 10
        )

    first = derivatives(np.full((len(response), 1), centre))  # every row at the mean
    slopes = first.information[:, 0, 0]
    try:
        ahead = centre - offset + first.gradient[:, 0] / slopes
        start = glm.weighted_least_squares(design, ahead, slopes)[:, None]
        beta = moved(start, MAX_STEPS)
        again = moved(beta, 1)
    except np.linalg.LinAlgError:  # numbers that are not finite
        return unknown
    settled = np.abs(again - beta).max() <= MAX_MOVE * (1 + np.abs(beta).max())
    far = how.unit and np.abs(offset + design @ beta[:, 0]).max() >= MAX_PREDICTOR
    return beta[:, 0] if settled and not far else unknown


def _variance(link: str, mean: Array) -> Array:
    """What the variance is taken to be in proportion to: quasi-likelihood is consistent whatever it is."""
    if link == "identity":
        return np.ones_like(mean)
    return mean * (1 - mean) if link in ("logit", "probit", "cloglog") else np.abs(mean)


_SCALE = {"identity": "mean of {y}", "logit": "log odds of {y}", "log": "log of the mean of {y}"}


def _scale(equation: Equation, deviation: Deviation) -> str:
    """What the numbers are, in words."""
    measure = _SCALE.get(equation.link.name, f"{equation.link.name} of the mean of {{y}}").format(
        y=equation.response
    )
    if deviation.term is not None:
        return f"coefficient of {deviation.name}, {measure}"
    at_means = any(t.centre is not None for t in equation.terms)
    where = " at the predictors' means" if at_means else " at predictors = 0" if equation.terms else ""
    return measure + where
