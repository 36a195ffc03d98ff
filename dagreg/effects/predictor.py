"""The linear predictor of a regression on posterior draws, and the mean response: arrays of draws x rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from dagreg.families.links import Link
from dagreg.model.design import block
from dagreg.model.equation import Equation
from dagreg.model.terms import Term, Varying
from dagreg.numerics.arrays import Array

REACH = 8.0  # sds on either side of the mean that the trapezoidal rule covers
GAUSSIAN = (5, 7, 9, 11, 15, 21)  # nodes of Gauss-Hermite rules
MAX_ERROR = 1e-9  # of a mean
PROBES = 41  # predictors at which rules are compared
BENT = 10.0  # predictors up to which links bend; beyond, they are powers or exponentials
MAX_SD = 300.0  # of a predictor, up to which the steps of the trapezoidal rule shrink


def predicted(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The mean response (per trial, per unit of exposure), groups at their own levels."""
    return equation.family.mean(location(equation, draws, values), parameters(equation, draws))


def parameters(equation: Equation, draws: Mapping[str, Array]) -> dict[str, Array]:
    """The family's parameters besides the location, draws x 1 each, as far as they are drawn."""
    return {a.name: draws[a.symbol][:, None] for a in equation.auxiliaries if a.symbol in draws}


def location(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The inverse link of the linear predictor, groups at their own levels."""
    return equation.link.inverse(predictor(equation, draws, values, equation.varying))


def predictor(
    equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array], groups: Sequence[Varying]
) -> Array:
    """The linear predictor, with the deviations of these groups."""
    ordered = equation.family.predictor == "ordered"  # its intercepts are the cutpoints
    eta = np.zeros((len(draws[equation.intercept]), 1)) if ordered else draws[equation.intercept][:, None]
    alike: dict[int, list[Term]] = {}  # terms that are the same in every draw, by their rows
    for term in equation.terms:
        if all(values[f].ndim == 2 for f in term.factors):
            alike.setdefault(max(len(values[f]) for f in term.factors), []).append(term)
        else:
            eta = eta + _by_draw(term, draws[term.symbol], values)
    for terms in alike.values():
        slopes = np.hstack([draws[t.symbol].reshape(len(eta), -1) for t in terms])
        eta = eta + slopes @ np.hstack([block(t, values) for t in terms]).T
    for varying in groups:
        eta = eta + _deviation(varying, equation, draws[varying.symbol], values)
    return eta


def slope_on(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array], name: str) -> Array:
    """What one more of a number adds to the linear predictor, which is linear in it: draws x (rows or 1)."""
    total: Array = np.zeros((1, 1))
    for term in equation.terms:
        if name in term.factors:
            bare = replace(term, centre=None)
            total = total + _by_draw(bare, draws[term.symbol], {**values, name: np.ones((1, 1))})
    return total


def _deviation(varying: Varying, equation: Equation, deviations: Array, values: Mapping[str, Array]) -> Array:
    """What the groups add to the linear predictor."""
    groups = values[varying.group][:, 0].astype(np.int64)
    total: Array = np.zeros((1, 1))
    for i, factor in enumerate(deviation_factors(varying, equation, values)):
        total = total + (deviations[..., i] if varying.correlated else deviations)[:, groups] * factor
    return total


def deviation_factors(
    varying: Varying, equation: Equation, values: Mapping[str, Array]
) -> list[Array | float]:
    """What each deviation is multiplied by: 1 for the intercept, else a design column."""
    terms = {t.name: t for t in equation.terms}
    return [
        1.0 if d.term is None else block(terms[d.term], values)[..., d.column] for d in varying.deviations
    ]


def population_sd(
    varying: Sequence[Varying], equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]
) -> Array:
    """The sd, over the population of groups, of what they add to the linear predictor."""
    total: Array = np.zeros((1, 1))
    for one in varying:
        factors = deviation_factors(one, equation, values)
        for i, left in enumerate(factors):
            for j, right in enumerate(factors):
                total = total + _covariance(one, draws, i, j)[:, None] * left * right
    return np.sqrt(np.maximum(total, 0.0))


def _covariance(varying: Varying, draws: Mapping[str, Array], i: int, j: int) -> Array:
    if not varying.correlated:
        return draws[varying.scale] ** 2
    sds, correlations = (draws[symbol] for symbol in varying.parameters[1:])
    return np.asarray(sds[:, i] * sds[:, j] * correlations[:, i, j])


def over_population(link: Link, eta: Array, sd: Array | None) -> Array:
    """The mean of the inverse link where the predictor is Normal(eta, sd): closed forms, or quadrature.

    No number where the sd is none.
    """
    if sd is None:
        return link.inverse(eta)
    if link.averaged is not None:
        return link.averaged(eta, sd)
    known = np.where(np.isfinite(sd), sd, np.nan)
    mean: Array = np.zeros(np.broadcast_shapes(eta.shape, sd.shape))
    for place, weight in zip(*quadrature(link, eta, largest(known)), strict=True):
        mean += weight * link.inverse(eta + known * place)
    return mean


def largest(sd: Array) -> float:
    """The largest that is a number."""
    return float(np.nanmax(sd, initial=0.0))


def quadrature(link: Link, eta: Array, sd: float) -> tuple[Array, Array]:
    """Nodes and weights for the mean of the inverse link over Normal(eta, sd), with sds up to this one.

    The Gauss-Hermite rule of the fewest nodes that agree with the trapezoidal rule at predictors across the
    range; its error grows with the sd. Where none does it is the trapezoidal rule itself.
    """
    exact = trapezoidal(sd)
    low, high = float(np.min(eta)), float(np.max(eta))
    inside = np.linspace(max(low, -BENT), min(high, BENT), PROBES)
    probes = np.clip(np.append(inside, [low, high]), low, high)[:, None]
    with np.errstate(all="ignore"):  # of the trapezoidal rule's furthest nodes
        expected = link.inverse(probes + sd * exact[0]) @ exact[1]
        for nodes in GAUSSIAN:
            places, weights = _gaussian(nodes)
            found = link.inverse(probes + sd * places) @ weights
            if (np.abs(found - expected) <= MAX_ERROR * np.abs(expected)).all():
                return places, weights
    return exact


@cache
def _gaussian(nodes: int) -> tuple[Array, Array]:
    """The Gauss-Hermite rule of so many nodes, for means over a standard Normal."""
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return places, weights / weights.sum()


def trapezoidal(sd: float) -> tuple[Array, Array]:
    """The trapezoidal rule, which converges geometrically for functions that are analytic near the real axis
    (Trefethen and Weideman 2014).

    The links' singularities come closer as the sd grows, and the step shrinks with it. Beyond `MAX_SD` it
    need not: there the inverse link is all but a step, or a ramp.
    """
    step = min(0.5, 0.5 / min(max(sd, 1e-300), MAX_SD))
    places = step * np.arange(-math.ceil(REACH / step), math.ceil(REACH / step) + 1.0)
    weights: Array = np.exp(-0.5 * places**2)
    return places, weights / weights.sum()


def mean_over_population(
    equation: Equation, draws: Mapping[str, Array], eta: Array, sd: Array | None
) -> Array:
    """The mean response where the predictor is Normal(eta, sd); `sd` is None where it is eta."""
    family, p = equation.family, parameters(equation, draws)
    if sd is None or family.mean_is_linear:
        return family.mean(over_population(equation.link, eta, sd), p)
    known = np.where(np.isfinite(sd), sd, np.nan)
    mean: Array = np.zeros(np.broadcast_shapes(eta.shape, sd.shape))
    for place, weight in zip(*trapezoidal(largest(known)), strict=True):
        mean += weight * family.mean(equation.link.inverse(eta + known * place), p)
    return mean


def probabilities(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The probability of every level of a response, draws x rows x levels, groups at their own levels."""
    if equation.family.predictor == "ordered":
        return ordered(equation, draws, predictor(equation, draws, values, equation.varying), None)
    return unordered(equation, draws, values)


def ordered(equation: Equation, draws: Mapping[str, Array], eta: Array, sd: Array | None) -> Array:
    """The probability of every level of an ordinal response, draws x rows x levels (McCullagh 1980).

    `sd`: of the predictor over the population of groups.
    """
    below = [over_population(equation.link, cut[:, None] - eta, sd) for cut in draws[equation.intercept].T]
    shares = np.empty((len(below) + 1, *below[0].shape))  # level by level, so that each is written in one go
    shares[0], shares[-1] = below[0], 1.0 - below[-1]
    for i in range(1, len(below)):
        np.subtract(below[i], below[i - 1], out=shares[i])
    return np.moveaxis(shares, 0, -1)


def unordered(equation: Equation, draws: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
    """The probability of every level of a categorical response, draws x rows x levels."""
    alpha = draws[equation.intercept]
    several = alpha.shape[1]
    matrices = [draws[t.symbol].reshape(len(alpha), len(t.columns), several) for t in equation.terms]
    blocks = [block(t, values) for t in equation.terms]
    etas = [alpha[:, level, None] for level in range(several)]
    for one, matrix in zip(blocks, matrices, strict=True):
        for level in range(several):
            slopes = matrix[..., level]
            part = slopes @ one.T if one.ndim == 2 else np.einsum("drk,dk->dr", one, slopes)
            etas[level] = etas[level] + part
    shape = np.broadcast_shapes(*(eta.shape for eta in etas))
    shares = np.empty((several + 1, *shape))  # level by level: the predictors, then what they become
    shares[0] = 0.0
    for level, eta in enumerate(etas):
        shares[level + 1] = eta
    shares -= shares.max(axis=0)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=0)
    return np.moveaxis(shares, 0, -1)


def _by_draw(term: Term, coefficients: Array, values: Mapping[str, Array]) -> Array:
    """A term's part of the linear predictor, draws x rows, where its columns differ between draws."""
    slopes = coefficients[:, None] if coefficients.ndim == 1 else coefficients
    columns = block(term, values)
    return np.asarray(
        np.einsum("drk,dk->dr", np.broadcast_to(columns, (len(slopes), *columns.shape[-2:])), slopes)
    )
