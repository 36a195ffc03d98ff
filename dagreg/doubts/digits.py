"""Numbers whose meaning is lost in their last digits, and units that reach far beyond them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dagreg.effects.steps import MAX_UNIT, far
from dagreg.errors import Doubt
from dagreg.model.plan import Model
from dagreg.model.summary import Variable

MIN_STEP = 1e-6  # of the sd: steps between neighbouring doubles that are worth a word


def digit_doubts(model: Model) -> Iterator[Doubt]:
    """Columns that doubles hold too coarsely, and effects per unit that are slopes, since no value is a unit
    away.
    """
    for variable in model.variables.values():
        step = _step(variable)
        if step > 0:
            message = (
                f"Column `{variable.column}` has a mean of {_mean(variable):.3g} and an sd of "
                f"{_sd(variable):.3g}, and numbers of that size are stored in steps of {step:.2g}, so that "
                "its last digits are rounding."
            )
            remedy = f"Subtract a round number from `{variable.column}` where the data are made."
            yield Doubt("DR517", message, remedy=remedy)
    for name in dict.fromkeys(filter(None, (far(model, contrast) for contrast in model.estimand.contrasts))):
        message = (
            f"One unit of `{name}` is more than {MAX_UNIT:,.0f} of its standard deviations, far beyond all "
            f"rows, and the mean of `{model.estimand.outcome}` does not change linearly: the effect per "
            "unit is the slope at the observed values."
        )
        remedy = f"Give a `contrast: [a, b]` within the data, or `{name}` in a smaller unit."
        yield Doubt("DR437", message, remedy=remedy)


def _mean(variable: Variable) -> float:
    return variable.transform_at[0] or variable.mean or 0.0


def _sd(variable: Variable) -> float:
    return (variable.sd or 0.0) * variable.transform_at[1]


def _step(variable: Variable) -> float:
    """The step between neighbouring doubles near a column's mean, where it is a part of the sd; else 0."""
    shaped = variable.transform not in (None, "center", "standardize")
    if variable.levels or shaped or not variable.sd:
        return 0.0
    whole = variable.integral and abs(_mean(variable)) < 2**53
    step = float(np.spacing(abs(_mean(variable))))
    return step if step > MIN_STEP * _sd(variable) and not whole else 0.0
