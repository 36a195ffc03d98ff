"""Groups that confound: varying intercepts are Normal whatever the exposure is, and an arrow from the group
denies it.

Partial pooling then leaves part of the confounding, the more the fewer rows each group has. Within groups the
exposure's coefficient is free of it, and a pooled one is a mean of that and of the coefficient between the
groups' means. Whether those two differ is tested as Mundlak (1978) does (Wooldridge 2010, section 10.7.3):
their errors are independent, while Hausman's difference of two nearly equal variances is mostly noise. An
exposure that is the same in all rows of a group, as where it was drawn by lot for whole groups, leaves
nothing to compare within them, and nothing to declare otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.counted import counts_of
from dagreg.doubts.within_groups import constant_within
from dagreg.engines.draws import Draws
from dagreg.errors import Doubt
from dagreg.model.design import column as column_of
from dagreg.model.design import design_columns, encode, encoded
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Varying
from dagreg.numerics.tails import t_two_sided

FALSE_ALARM_RATE = 0.05  # chance of a false alarm
MIN_SHIFT = 0.75  # posterior sds between pooled and within that are worth a word
# rows per group, on average, below which a comparison that cannot be made is worth a word
MIN_ROWS_PER_GROUP = 30


def group_doubts(model: Model, draws: Draws, data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """One warning for each confounding group whose pooling may leave confounding in the exposure's
    coefficient.
    """
    equation = model.outcome
    doubts = (_doubt(model, equation, v, draws, data) for v in equation.varying if v.purpose == "adjustment")
    return tuple(doubt for doubt in doubts if doubt is not None)


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


def _doubt(
    model: Model, equation: Equation, varying: Varying, draws: Draws, data: Mapping[str, Any]
) -> Doubt | None:
    if fixed_within(model, varying.group, data):
        exposure = " and ".join(model.estimand.exposure)
        message = (
            f"{exposure} does not vary within the levels of {varying.group}, which the graph has as a "
            f"cause of {exposure}: there is nothing to compare within them. The answer compares whole "
            f"levels, and takes their deviations to be independent of {exposure}. That holds where "
            f"{exposure} was drawn by lot for whole levels; then the graph has no arrow {varying.group} -> "
            f"{exposure}. Otherwise these data cannot adjust for {varying.group}."
        )
        remedy = (
            f"Where {exposure} was drawn by lot for whole levels, take `{varying.group} -> {exposure}` out "
            "of `edges:`. Otherwise measure what differs between levels, and name it in place of "
            f"{varying.group}."
        )
        return Doubt("DR535", message, remedy=remedy)
    mend = f"`nodes: {{{varying.group}: categorical}}`: its levels are then adjusted for in full."
    head = (
        f"{varying.group} is a cause of the exposure, and varying intercepts take its deviations to be "
        "independent of it: part of the confounding may remain."
    )
    places = _places(model, varying.group, data)
    column = _exposure_column(equation)
    if column is None or equation.link.name != "identity" or len(varying.deviations) > 1:
        units = column_of(equation.trials, data, len(places)) * counts_of(data, len(places))
        each = units.sum() / len(varying.levels)
        what = "rows" if equation.trials is None else "units"
        few = each < MIN_ROWS_PER_GROUP
        return (
            Doubt("DR526", f"{head} With {each:.3g} {what} per level that can matter.", remedy=mend)
            if few
            else None
        )
    pooled = draws.values[equation.terms[column].symbol]
    (within, error), means = _within(model, equation, places, data, column)
    if means is None or abs(within - float(pooled.mean())) <= MIN_SHIFT * float(pooled.std()):
        return None
    across, spread, free = means
    if t_two_sided((within - across) / float(np.hypot(error, spread)), free) > FALSE_ALARM_RATE:
        return None
    numbers = (
        f"Within the levels of {varying.group} the coefficient is {within:.4g} (standard error {error:.2g})"
    )
    message = f"{head} {numbers}, partially pooled it is {float(pooled.mean()):.4g}."
    return Doubt("DR526", message, remedy=mend)


def _exposure_column(equation: Equation) -> int | None:
    """The term of the exposure, where that is one coefficient."""
    terms = [i for i, t in enumerate(equation.terms) if t.purpose == "exposure"]
    return terms[0] if len(terms) == 1 and len(equation.terms[terms[0]].columns) == 1 else None


def _within(
    model: Model, equation: Equation, places: npt.NDArray[np.int64], data: Mapping[str, Any], term: int
) -> tuple[tuple[float, float], tuple[float, float, float] | None]:
    """Least squares within and between groups: the exposure's coefficient and its standard error, twice.

    Within, on deviations from the groups' means; between, on those means, with the degrees of freedom (None
    where groups are too few for the coefficients, or their means do not vary).
    """
    values = encoded(model, (equation.response, *(f for t in equation.terms for f in t.factors)), data)
    table = np.hstack([design_columns(equation, values, len(places)), values[equation.response]])
    at = int(equation.has_intercept) + sum(len(t.columns) for t in equation.terms[:term])
    rows = counts_of(data, len(places))
    counts = np.bincount(places, weights=rows)
    means = (
        np.column_stack([np.bincount(places, weights=c * rows) for c in table.T])
        / np.maximum(counts, 1.0)[:, None]
    )
    occupied = counts > 0
    columns = table.shape[1] - 1 - int(equation.has_intercept)
    inside = _coefficient(
        (table - means[places]) * np.sqrt(rows)[:, None], at, rows.sum() - occupied.sum() - columns
    )
    about = means[occupied] - means[occupied].mean(axis=0)
    free = float(len(about) - 1 - columns)
    varies = float((about[:, at] ** 2).sum()) > 1e-12 * float((table[:, at] ** 2).sum())
    return inside, ((*_coefficient(about, at, free), free) if free >= 1 and varies else None)


def _coefficient(table: npt.NDArray[np.float64], at: int, free: float) -> tuple[float, float]:
    """Of one column, with its standard error, in the regression of the last one on the others."""
    inverse = np.linalg.pinv(table[:, :-1].T @ table[:, :-1])
    beta = inverse @ table[:, :-1].T @ table[:, -1]
    left = table[:, -1] - table[:, :-1] @ beta
    return float(beta[at]), float(np.sqrt(inverse[at, at] * (left @ left) / max(free, 1.0)))
