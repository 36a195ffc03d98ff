"""Groups that confound: varying intercepts are Normal whatever the exposure is, and an arrow from the group denies it.

Partial pooling then leaves part of the confounding, the more the fewer rows each group has. Within groups the
exposure's coefficient is free of it; the two are compared as Hausman (1978) does, whose variance of the difference is
the difference of the variances (Wooldridge 2010, section 10.7.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.check.types import Doubt
from dagreg.data.counted import counts_of
from dagreg.engine.draws import Draws
from dagreg.model.design import design_columns, encode, encoded
from dagreg.model.types import Equation, Model, Varying

BEYOND = 2.0  # standard errors of the difference
FEW = 30  # rows per group, on average, below which a comparison that cannot be made is worth a word


def group_doubts(model: Model, draws: Draws, data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """One warning for each confounding group whose pooling may leave confounding in the exposure's coefficient."""
    equation = model.outcome
    found = (_doubt(model, equation, v, draws, data) for v in equation.varying if v.purpose == "adjustment")
    return tuple(doubt for doubt in found if doubt is not None)


def _doubt(model: Model, equation: Equation, varying: Varying, draws: Draws, data: Mapping[str, Any]) -> Doubt | None:
    mend = f"Declare {varying.group} `categorical`: its levels are then adjusted for in full."
    head = (
        f"{varying.group} is a cause of the exposure, and varying intercepts take its deviations to be independent of "
        f"it: part of the confounding may remain."
    )
    places = encode(model.variables[varying.group], data[model.variables[varying.group].column])[:, 0].astype(np.int64)
    column = _exposure_column(equation)
    if column is None or equation.link.name != "identity" or len(varying.deviations) > 1:
        rows = counts_of(data, len(places)).sum() / len(varying.levels)
        few = rows < FEW
        return Doubt("DR526", f"{head} With {rows:.3g} rows per level that can matter. {mend}") if few else None
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
