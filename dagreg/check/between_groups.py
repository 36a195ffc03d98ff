"""Groups that confound: varying intercepts are Normal whatever the exposure is, and an arrow from the group denies it.

Partial pooling then leaves part of the confounding, the more the fewer rows each group has. Within groups the
exposure's coefficient is free of it; the two are compared as Hausman (1978) does, whose variance of the difference is
the difference of the variances (Wooldridge 2010, section 10.7.3). An exposure that is the same in all rows of a group,
as where it was drawn by lot for whole groups, leaves nothing to compare within them, and nothing to declare otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.check.types import Doubt
from dagreg.check.within_groups import constant_within
from dagreg.data.counted import counts_of
from dagreg.engine.draws import Draws
from dagreg.model.design import column as column_of
from dagreg.model.design import design_columns, encode, encoded
from dagreg.model.types import Equation, Model, Varying

BEYOND = 2.0  # standard errors of the difference
FEW = 30  # rows per group, on average, below which a comparison that cannot be made is worth a word


def group_doubts(model: Model, draws: Draws, data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """One warning for each confounding group whose pooling may leave confounding in the exposure's coefficient."""
    equation = model.outcome
    found = (_doubt(model, equation, v, draws, data) for v in equation.varying if v.purpose == "adjustment")
    return tuple(doubt for doubt in found if doubt is not None)


def fixed_within(model: Model, group: str, data: Mapping[str, Any]) -> bool:
    """Whether no exposure varies within the levels of a group that stands for a population."""
    variable = model.variables[group]
    if not variable.sampled or group in model.estimand.exposure:
        return False
    places = _places(model, group, data)
    exposures = (model.variables[x] for x in model.estimand.exposure)
    return all(constant_within(encode(x, data[x.column]), places) for x in exposures)


def _places(model: Model, group: str, data: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    variable = model.variables[group]
    return encode(variable, data[variable.column])[:, 0].astype(np.int64)


def _doubt(model: Model, equation: Equation, varying: Varying, draws: Draws, data: Mapping[str, Any]) -> Doubt | None:
    if fixed_within(model, varying.group, data):
        exposure = " and ".join(model.estimand.exposure)
        message = (
            f"{exposure} does not vary within the levels of {varying.group}, which the graph has as a cause of "
            f"{exposure}: there is nothing to compare within them. The answer compares whole levels, and takes their "
            f"deviations to be independent of {exposure}. That holds where {exposure} was drawn by lot for whole "
            f"levels; then the graph has no arrow {varying.group} -> {exposure}. Otherwise these data cannot adjust "
            f"for {varying.group}."
        )
        return Doubt("DR535", message)
    mend = f"Declare {varying.group} `categorical`: its levels are then adjusted for in full."
    head = (
        f"{varying.group} is a cause of the exposure, and varying intercepts take its deviations to be independent of "
        f"it: part of the confounding may remain."
    )
    places = _places(model, varying.group, data)
    column = _exposure_column(equation)
    if column is None or equation.link.name != "identity" or len(varying.deviations) > 1:
        units = column_of(equation.trials, data, len(places)) * counts_of(data, len(places))
        each = units.sum() / len(varying.levels)
        what = "rows" if equation.trials is None else "units"
        few = each < FEW
        return Doubt("DR526", f"{head} With {each:.3g} {what} per level that can matter. {mend}") if few else None
    pooled = draws.values[equation.terms[column].symbol]
    within, error = _within(model, equation, places, data, column)
    spread = np.sqrt(max(error**2 - float(pooled.var()), 1e-12 * error**2))
    if abs(within - float(pooled.mean())) <= BEYOND * spread:
        return None
    numbers = f"Within the levels of {varying.group} the coefficient is {within:.4g} (standard error {error:.2g})"
    return Doubt("DR526", f"{head} {numbers}, partially pooled it is {float(pooled.mean()):.4g}. {mend}")


def _exposure_column(equation: Equation) -> int | None:
    """The term of the exposure, where that is one coefficient."""
    terms = [i for i, t in enumerate(equation.terms) if t.purpose == "exposure"]
    return terms[0] if len(terms) == 1 and len(equation.terms[terms[0]].columns) == 1 else None


def _within(
    model: Model, equation: Equation, places: npt.NDArray[np.int64], data: Mapping[str, Any], term: int
) -> tuple[float, float]:
    """Least squares on deviations from the groups' means: the exposure's coefficient and its standard error."""
    values = encoded(model, (equation.response, *(f for t in equation.terms for f in t.factors)), data)
    table = np.hstack([design_columns(equation, values, len(places)), values[equation.response]])
    at = int(equation.has_intercept) + sum(len(t.columns) for t in equation.terms[:term])
    rows = counts_of(data, len(places))
    counts = np.maximum(np.bincount(places, weights=rows), 1.0)
    means = np.column_stack([np.bincount(places, weights=c * rows) / counts for c in table.T])
    centred = (table - means[places]) * np.sqrt(rows)[:, None]
    inverse = np.linalg.pinv(centred[:, :-1].T @ centred[:, :-1])
    beta = inverse @ centred[:, :-1].T @ centred[:, -1]
    left = centred[:, -1] - centred[:, :-1] @ beta
    freedom = max(rows.sum() - len(counts) - (len(beta) - int(equation.has_intercept)), 1.0)
    return float(beta[at]), float(np.sqrt(inverse[at, at] * (left @ left) / freedom))
