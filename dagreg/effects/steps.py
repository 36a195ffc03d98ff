"""Steps of the exposures for an effect per unit, and the change of a linear mean, which takes none.

One unit more is x + 1 against x as long as arithmetic on doubles and the data can tell the two apart. Where
the mean is linear in the exposures, any step gives the same change per unit, and one of the columns' size
loses no digits. Else, where a unit is too small a part of a column's sd, or a large multiple of it, the
change per unit is the slope at the observed values, by a central difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dagreg.model.design import constant
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.model.terms import Term
from dagreg.numerics.arrays import Array

MIN_UNIT = 1e-8  # in sds: of a smaller unit's change rounding leaves less than eight digits
MAX_UNIT = 1e3  # in sds: a larger unit is far beyond all data
SHARE = 1e-4  # of the sd that a central difference spans: its error is of the order of this squared
ContrastEnd = Literal["start", "stop"]
World = Mapping[str, ContrastEnd]


@dataclass(frozen=True, slots=True)
class Step:
    """What is added to the exposures on the two sides of a contrast, and the units between them."""

    start: float = 0.0
    stop: float = 1.0
    slope: bool = False  # a derivative: there are no means one unit apart

    @property
    def units(self) -> float:
        return self.stop - self.start


def step_of(model: Model, contrast: Contrast) -> Step:
    """The step of one unit more of the exposures; of other contrasts, which say their sides, one unit."""
    sds = [sd for x in contrast.exposures if (sd := model.variables[x].sd)]
    if contrast.start is not None or not sds:
        return Step()
    if moves_linearly(model, contrast.exposures):
        return Step(0.0, _power_of_two(min(sds)))
    if max(sds) <= 1 / MIN_UNIT and min(sds) >= 1 / MAX_UNIT:
        return Step()
    half = _power_of_two(SHARE * min(sds)) / 2
    return Step(-half, half, slope=True)


def far(model: Model, contrast: Contrast) -> str | None:
    """The exposure of which one unit is far beyond all data, where that bends the answer."""
    if not step_of(model, contrast).slope:
        return None
    return next((x for x in contrast.exposures if (model.variables[x].sd or 1.0) < 1 / MAX_UNIT), None)


def _power_of_two(size: float) -> float:
    return float(2.0 ** round(math.log2(size)))


def moves_linearly(model: Model, exposures: tuple[str, ...]) -> bool:
    """Whether the outcome's mean is linear in these exposures, whatever paths it takes."""
    outcome = model.outcome.response
    own = [e for e in model.equations if e.response not in model.imputed]
    moving = {*exposures, *(e.response for e in own if e.response != outcome)}
    return all(_linear_in(e, moving) for e in own)


def _linear_in(equation: Equation, moving: set[str]) -> bool:
    terms = [t for t in equation.terms if not moving.isdisjoint(t.factors)]
    groups = [v for v in equation.varying if v.group in moving]
    if not terms and not groups:
        return True
    plain = equation.link.name == "identity" and not equation.levels and not groups
    return plain and all(t.curve is None and sum(f in moving for f in t.factors) == 1 for t in terms)


def change(model: Model, draws: Mapping[str, Array], contrast: Contrast, world: World) -> Array:
    """The change of the outcome's mean from one side of a contrast to a world, in a model of lines: one for
    each draw.

    Coefficients times what they multiply, passed on from regression to regression: no difference of two
    means.
    """
    moved: dict[str, Array] = {}
    widths = {name: _width(model, contrast, i) for i, name in enumerate(contrast.exposures)}
    total = np.zeros(len(draws[model.outcome.intercept]))
    for equation in (*model.mediators, model.outcome):
        seen = {**moved, **(widths if world[equation.response] == "stop" else {})}
        total = np.zeros(len(total))
        for term in equation.terms:
            if term.name in seen:
                slopes = draws[term.symbol].reshape(len(total), -1)
                total = total + (slopes * _columns(term, seen[term.name])).sum(axis=1)
        moved[equation.response] = total[:, None]
    return total


def _width(model: Model, contrast: Contrast, i: int) -> Array:
    """What an exposure's columns change by."""
    if contrast.start is None or contrast.stop is None:
        return np.ones((1, 1))
    variable = model.variables[contrast.exposures[i]]
    return constant(variable, contrast.stop[i], 1) - constant(variable, contrast.start[i], 1)


def _columns(term: Term, width: Array) -> Array:
    """The same with a column for every level, the reference's too, where the term has that."""
    return np.hstack([-width.sum(axis=1, keepdims=True), width]) if term.full else width
