"""Priors that move the answer: too tight for an uncentred or a collinear predictor.

The posterior mode is found again without the user's priors (all of them, the intercept's, the slopes').
A shift of the effect by more than `MIN_SHIFT` posterior sds is worth a warning, with the prior that does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.row_sums import in_sql, likelihood_rows, start_of
from dagreg.binding.rows import Rows
from dagreg.doubts.point import (
    Design,
    as_draws,
    coefficients,
    design,
    irregularity,
    regular,
    triangle_design,
)
from dagreg.effects.averages import averages_in
from dagreg.effects.estimate import comparison
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.rows import as_they_are, observed_rows
from dagreg.effects.types import Estimate
from dagreg.engines.target import CLOSE, look_at
from dagreg.errors import Doubt
from dagreg.identify.words import quoted
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.numerics import glm
from dagreg.numerics.arrays import Array, Mask

MIN_SHIFT = 0.5
INFLATION = 100.0  # variance inflation of the exposure that is worth naming


def prior_doubts(
    model: Model, estimates: Sequence[Estimate], data: Mapping[str, Any], seed: int
) -> tuple[Doubt, ...]:
    """A warning for each contrast that the user's priors move; none where all priors are defaults."""
    outcome = model.outcome
    choices = [outcome.intercept_prior, *(t.prior for t in outcome.terms)]
    if not any(c.given for c in choices) or len(model.equations) > 1 or irregularity(outcome):
        return ()
    this = _design(model, data)
    slots = _given(outcome)
    rows = [e for e in estimates if e.average]
    doubts = []
    for i, estimate in enumerate(rows):
        free = _effect(model, this, slots["intercept"] | slots["slopes"], data, seed)[i]
        if not regular(outcome):  # a mode of another likelihood: only the step between two of them counts
            free += (
                estimate.summary.mean - _effect(model, this, np.zeros_like(slots["slopes"]), data, seed)[i]
            )
        shift = estimate.summary.mean - free
        if abs(shift) <= MIN_SHIFT * estimate.summary.sd:
            continue
        culprit = _culprit(model, this, slots, data, seed, i, free)
        doubts.append(
            Doubt(
                "DR511",
                _message(model, this, i, estimate, free, culprit),
                remedy=_remedy(model, culprit),
            )
        )
    return tuple(doubts)


def _design(model: Model, data: Mapping[str, Any]) -> Design:
    """The regression's numbers: of rows that stay in their database the triangle of the design."""
    table = as_columns(data).in_place
    found = (
        None if table is None or not in_sql(model.outcome) else table.design_triangle(model, model.outcome)
    )
    if found is None:
        return design(model, model.outcome, data)
    without = np.hstack([found, np.zeros((len(found), 1))])
    known = triangle_design(model.outcome, (float(len(found)), without))
    assert known is not None
    return known


def _given(equation: Equation) -> dict[str, Mask]:
    """Which coefficients have a prior of the user's: the intercept, and the slopes."""
    slopes = [t.prior.given for t in equation.terms for _ in t.columns]
    free = equation.has_intercept
    head = np.array([*([equation.intercept_prior.given] if free else []), *[False] * len(slopes)])
    return {"intercept": head, "slopes": np.array([*([False] if free else []), *slopes])}


def _effect(model: Model, this: Design, released: Mask, data: Mapping[str, Any], seed: int) -> Array:
    """Every contrast at the posterior mode with these priors released."""
    penalty = np.where(released, 0.0, this.precision)
    table = as_columns(data).in_place
    if table is not None and in_sql(model.outcome):
        found = _effect_in_place(model, table, glm.NormalPriors(penalty, this.centre))
        if found is not None:
            return found
        this = design(model, model.outcome, data)
    draws = as_draws(model.outcome, *coefficients(model.outcome, this, penalty=penalty))
    rows = as_they_are(observed_rows(model, data))
    return np.array([contrast_draws(model, draws, rows, c, seed)[0] for c in model.estimand.contrasts])


def _effect_in_place(model: Model, table: Rows, prior: glm.NormalPriors) -> Array | None:
    """The same of rows that stay in their database; None where they have to be read."""
    averages = averages_in(model, {}, table)
    if averages is None:
        return None
    rows = likelihood_rows(model, model.outcome, table)
    found = glm.mode(look_at(rows), start_of(model.outcome, rows), prior=prior, close=CLOSE)
    if found is None:
        return None
    return np.array([averages.change(contrast, found[0]) for contrast in model.estimand.contrasts])


def _culprit(
    model: Model,
    this: Design,
    slots: Mapping[str, Mask],
    data: Mapping[str, Any],
    seed: int,
    i: int,
    free: float,
) -> str:
    """The group of priors whose release alone brings the effect closest to the data's own."""
    candidates = [name for name, mask in slots.items() if mask.any()]
    return min(candidates, key=lambda name: abs(_effect(model, this, slots[name], data, seed)[i] - free))


def _message(model: Model, this: Design, i: int, estimate: Estimate, free: float, culprit: str) -> str:
    what = comparison(model, model.estimand.contrasts[i])
    sds = abs(estimate.summary.mean - free) / estimate.summary.sd
    start = (
        f"Your priors move the effect ({what}) from {free:.4g} to {estimate.summary.mean:.4g}, "
        f"{sds:.1f} posterior standard deviations. "
    )
    if culprit == "intercept":
        return start + (
            f"It is the intercept's prior, {model.outcome.intercept_prior}: it speaks of all predictors at "
            "0, far from their values."
        )
    inflation = variance_inflation(model, this)
    collinear = (
        " The exposure is nearly a linear function of the other predictors (variance inflation "
        f"{inflation:,.0f}), so the data say little about its coefficient alone and a tight prior decides."
        if inflation > INFLATION
        else ""
    )
    return start + "It is the slopes' prior." + collinear


def _remedy(model: Model, culprit: str) -> str:
    """Which prior to widen, or what makes it harmless."""
    response = model.outcome.response
    if culprit == "intercept":
        numbers = [n for n in model.outcome.predictors if not model.variables[n].levels]
        centre = f"Centre {quoted(numbers)} (`transform: center`), or widen" if numbers else "Widen"
        return f"{centre} `intercept` under `regressions: {{{response}: {{priors: ...}}}}`."
    return f"Widen the priors of slopes under `regressions: {{{response}: {{priors: ...}}}}`, or defend them."


def variance_inflation(model: Model, this: Design) -> float:
    """1 / (1 - R^2) of the exposure's first design column on all others; 1 where each level has a
    coefficient.
    """
    if not model.outcome.has_intercept:
        return 1.0  # the columns of levels add up to 1, which says nothing about the data
    at = 1
    for term in model.outcome.terms:
        if term.purpose == "exposure":
            break
        at += len(term.columns)
    columns = this.columns if this.rows is None else this.columns * np.sqrt(this.rows)[:, None]
    column, others = columns[:, at], np.delete(columns, at, axis=1)
    left = column - others @ np.linalg.lstsq(others, column, rcond=None)[0]
    one = columns[:, 0]
    about = column - one * (one @ column) / (one @ one)  # its mean, in a triangle too
    return float((about**2).sum() / max((left**2).sum(), 1e-300))
