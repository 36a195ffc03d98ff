"""Predictors that separate the outcome: the likelihood then rises without end, and the prior says how far.

Rows of a regression are separated where some change of the coefficients makes none of them less likely and
some of them more (Albert and Anderson 1984: complete and quasi-complete). Each row bounds such a change by
linear inequalities, so that a linear program finds one or shows that there is none (Konis 2007). Only changes
that move the exposure matter here: others take rows out of the comparison and leave the exposure's
coefficient finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.doubts.collinear import columns_of, dependences
from dagreg.doubts.point import coefficients, design_of_rows, regular
from dagreg.errors import Doubt
from dagreg.model.design import design_columns, encoded, positions
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Term
from dagreg.numerics.arrays import Array, Mask, optimize

LINKS = ("logit", "probit", "cloglog", "log")  # under which a coefficient may have to be infinite
FAR_PREDICTORS = {
    "logit": 8.0,
    "log": 8.0,
}  # predictors that a likelihood without a maximum reaches in a few steps
FAR_PREDICTOR = 3.0  # of the other links
MAX_ROWS, MAX_ENTRIES = 20_000, 2_000_000  # distinct rows, and entries of the program, that are worth it
MIN_MOVE = 1e-6


def separation_doubts(model: Model, data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """A warning for each regression of the model whose rows the exposure (or, of a chain, a parent)
    separates.
    """
    if not model.complete:
        return ()
    doubts = (_doubt(model, equation, data) for equation in model.equations)
    return tuple(doubt for doubt in doubts if doubt is not None)


def _doubt(model: Model, equation: Equation, data: Mapping[str, Any]) -> Doubt | None:
    unfit = equation.varying or equation.censoring is not None or equation.dropped or not equation.terms
    if (
        unfit
        or equation.family.separable == ""
        or equation.link.name not in LINKS
        or not equation.has_intercept
    ):
        return None
    rows = distinct_rows(model, equation, data)
    if rows is None or (not equation.levels and not _runs_away(model, equation, data)):
        return None
    columns, moved = rows
    low, equal = moved
    asked = {*model.estimand.exposure, *(e.response for e in model.equations)}
    dependent = {one.column for one in dependences(equation, columns_of(model, equation, data), None)}
    order = columns_of(model, equation, data).terms
    lost = {order[i].symbol for i in dependent}
    for term in (t for t in equation.terms if asked & set(t.factors) and t.symbol not in lost):
        others = [t for t in equation.terms if t.symbol in lost]
        fixed = _places(equation, others, columns)
        if not _separates(equation, term, columns, low, equal, fixed):
            continue
        rest = [t for t in equation.terms if t is not term]
        alone = _separates(equation, term, columns, low, equal, _places(equation, rest, columns))
        remedy = (
            f"Read the direction, not the size; or say a prior of `{term.name}` that you would defend: "
            f'`regressions: {{{equation.response}: {{priors: {{"{term.name}": "Normal(0, 1)"}}}}}}`.'
        )
        return Doubt("DR519", _message(model, equation, term, data, alone=alone), remedy=remedy)
    return None


def distinct_rows(
    model: Model, equation: Equation, data: Mapping[str, Any]
) -> tuple[Array, tuple[Array, Array]] | None:
    """The design, and what bounds a change b of the coefficients: rows r with r b >= 0, and rows with r b =
    0.

    None for so many rows that a linear program takes long.
    """
    whole = as_columns(data).in_database
    predictors = tuple(dict.fromkeys(model.variables[name].column for name in equation.predictors))
    if whole is not None and whole.distinct(predictors) > MAX_ROWS:  # there are no fewer distinct designs
        return None
    values = encoded(
        model, dict.fromkeys((*equation.predictors, *(() if equation.levels else (equation.response,)))), data
    )
    variable = model.variables[equation.response]
    response = np.asarray(data[variable.column])
    columns = design_columns(equation, values, len(response))
    if equation.levels:
        state = positions(response, equation.levels).astype(np.float64)
    else:
        state = _state(equation, values[equation.response][:, 0], data)
    table = np.unique(np.column_stack([columns, state]), axis=0)
    several = max(len(equation.levels) - 1, 1)
    if len(table) > MAX_ROWS or table.size * several**2 > MAX_ENTRIES:
        return None
    return table[:, :-1], _bounds(equation, table[:, :-1], table[:, -1])


def _state(equation: Equation, response: Array, data: Mapping[str, Any]) -> Array:
    """-1 where a row would have its mean as low as can be, 1 as high, 0 where neither."""
    if equation.family.separable == "at zero":
        return np.where(response == 0, -1.0, 0.0)
    trials = np.ones(len(response))
    if equation.trials is not None:
        trials = (
            np.asarray(data[equation.trials], float)
            if isinstance(equation.trials, str)
            else trials * equation.trials
        )
    return np.where(response <= 0, -1.0, np.where(response >= trials, 1.0, 0.0))


def _bounds(equation: Equation, columns: Array, state: Array) -> tuple[Array, Array]:
    if not equation.levels:
        return columns[state != 0] * state[state != 0, None], columns[state == 0]
    several = len(equation.levels) - 1
    if equation.family.predictor == "ordered":
        slopes, parts = columns[:, 1:], []
        for level in range(several + 1):
            here = slopes[state == level]
            for cut, sign in (
                (level, 1.0),
                (level - 1, -1.0),
            ):  # below its own cutpoint, above the one before
                if 0 <= cut < several:
                    cuts = np.zeros((len(here), several))
                    cuts[:, cut] = sign
                    parts.append(np.hstack([cuts, -sign * here]))
        return np.vstack(parts), np.zeros((0, several + slopes.shape[1]))
    width, parts = columns.shape[1], []
    for level in range(several + 1):
        here = columns[state == level]
        for other in (k for k in range(several + 1) if k != level):
            row = np.zeros((len(here), several, width))
            if level:
                row[:, level - 1] += here
            if other:
                row[:, other - 1] -= here
            parts.append(row.reshape(len(here), -1))
    return np.vstack(parts), np.zeros((0, several * width))


def _places(equation: Equation, terms: Sequence[Term], columns: Array) -> Mask:
    """Which parameters of the bounds these terms have."""
    several = max(len(equation.levels) - 1, 1)
    own, at = np.zeros(columns.shape[1], dtype=bool), 1
    for term in equation.terms:
        own[at : at + len(term.columns)] = any(term is t for t in terms)
        at += len(term.columns)
    if equation.family.predictor == "ordered":
        return np.concatenate([np.zeros(several, dtype=bool), own[1:]])
    return np.tile(own, several) if equation.levels else own


def _separates(equation: Equation, term: Term, columns: Array, low: Array, equal: Array, fixed: Mask) -> bool:
    """Whether some change that the rows allow moves a coefficient of this term, those `fixed` staying as they
    are.
    """
    size = np.maximum(np.abs(np.vstack([low, equal])).max(axis=0), 1e-300)
    limits = [(0.0, 0.0) if stays else (-1.0, 1.0) for stays in fixed]
    for place in np.flatnonzero(_places(equation, [term], columns) & ~fixed):
        for sign in (1.0, -1.0):
            goal = np.zeros(len(fixed))
            goal[place] = -sign
            solution = optimize.linprog(
                goal,
                A_ub=-low / size if len(low) else None,
                b_ub=np.zeros(len(low)) if len(low) else None,
                A_eq=equal / size if len(equal) else None,
                b_eq=np.zeros(len(equal)) if len(equal) else None,
                bounds=limits,
                method="highs",
            )
            if solution.status == 0 and -solution.fun > MIN_MOVE:
                return True
    return False


def _runs_away(model: Model, equation: Equation, data: Mapping[str, Any]) -> bool:
    """Whether least squares, without priors, take some predictor as far as only a likelihood without a
    maximum does.
    """
    if not regular(equation):
        return True
    this = design_of_rows(model, equation, data)
    with np.errstate(all="ignore"):
        beta, _ = coefficients(equation, this, penalty=np.zeros(this.columns.shape[1]))
        eta = this.columns @ beta
    far = FAR_PREDICTORS.get(equation.link.name, FAR_PREDICTOR)
    reached = -eta.min() if equation.family.separable == "at zero" else np.abs(eta).max()
    return not np.isfinite(eta).all() or float(reached) > far


def _message(model: Model, equation: Equation, term: Term, data: Mapping[str, Any], *, alone: bool) -> str:
    where = _where(model, equation, term, data) if alone else ""
    others = [t.name for t in equation.terms if t is not term]
    who = term.name if alone or not others else f"{term.name} together with {', '.join(others)}"
    return (
        f"{who} separates the rows of {equation.response}{where}: no row speaks against a coefficient "
        "without end. The data tell its direction and a bound on one side; how large it is, and any ratio "
        f"made of it, is the prior's ({term.prior})."
    )


def _where(model: Model, equation: Equation, term: Term, data: Mapping[str, Any]) -> str:
    """The levels of a predictor in which every outcome is the same, or the place at which it changes."""
    variable = model.variables[term.factors[0]]
    if len(term.factors) > 1 or equation.levels:
        return ""
    response = encoded(model, (equation.response,), data)[equation.response][:, 0]
    state = _state(equation, response, data)
    values = np.asarray(data[variable.column])
    if variable.levels:
        said = []
        for level in variable.levels:
            here = state[values == level]
            if len(here) and (here == here[0]).all() and here[0] != 0:
                said.append(f"{variable.name} = {level}: {_all(model, equation, here[0])}")
        return f" ({'; '.join(said)})" if said else ""
    low, high = values[state < 1], values[state > -1]
    if equation.family.separable == "at zero" or not len(low) or not len(high):
        return ""
    every = _all(model, equation, 1.0)
    if low.max() <= high.min():
        return (
            f" (where {variable.name} is above {low.max():.6g} {every}, where it is below {high.min():.6g} "
            "none)"
        )
    if high.max() <= low.min():
        return (
            f" (where {variable.name} is below {low.min():.6g} {every}, where it is above {high.max():.6g} "
            "none)"
        )
    return ""


def _all(model: Model, equation: Equation, state: float) -> str:
    response = model.variables[equation.response]
    if response.levels:
        return f"every row has {response.name} = {response.levels[int(state > 0)]}"
    return f"every {'count is 0' if state < 0 else 'trial a success'}"
