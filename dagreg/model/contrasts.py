"""The settings of the exposures that are compared, and the levels at which that is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product as pairs

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.context import EffectContext, error_at
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.estimators import Estimator
from dagreg.model.summary import Variable
from dagreg.model.variables import alike, stored_as, transformable
from dagreg.numerics.rounding import MAX_NUMBER
from dagreg.spec.types import Effect, Level, Side

MAX_GROUPS = 50  # values of a count that effects are given by


def groups(
    context: EffectContext, estimator: Estimator, responses: Collection[str]
) -> tuple[Mapping[str, Level], ...]:
    """The levels at which this model gives the effect besides the average; none where it does not
    hold them.
    """
    by = context.by
    held = all(name in context.variables and name not in responses for name in by)
    if len(by) == 0 or not held or not estimator.offers.levels:
        return ()
    return tuple(
        dict(zip(by, levels, strict=True)) for levels in pairs(*(_listed(context, name) for name in by))
    )


def _listed(context: EffectContext, name: str) -> tuple[Level, ...]:
    """The levels of a variable that effects are given by. Raises DagregError where it has none."""
    variable = context.variables[name]
    if variable.levels:
        return variable.levels
    column = context.summary.columns[variable.column] if context.summary is not None else None
    if column is None or column.distinct > MAX_GROUPS or variable.transform is not None:
        said = f"`{name}` is {variable.type}, and effects are given by levels"
        raise error_at("DR426", f"{said}: declare it categorical", variable, context.effect)
    return column.levels


def by_outcome(compared: tuple[Contrast, ...], outcome: Equation) -> tuple[Contrast, ...]:
    """A contrast for every level of the outcome, where it is one of several."""
    if len(outcome.levels) == 0:
        return compared
    return tuple(replace(contrast, level=level) for contrast in compared for level in outcome.levels)


def contrasts(effect: Effect, variables: Mapping[str, Variable]) -> tuple[Contrast, ...]:
    """The contrasts of an effect: the user's, else against the reference, else one unit more.

    Raises DagregError where the contrast names levels that do not exist.
    """
    exposures = effect.exposure
    if effect.contrast is not None:
        start, stop = (_settings(side, exposures, variables, effect) for side in effect.contrast)
        return (Contrast(exposures, start, stop),)
    if len(exposures) == 1 and variables[exposures[0]].levels:
        reference, *others = variables[exposures[0]].levels
        return tuple(Contrast(exposures, (reference,), (level,)) for level in others)
    if all(variables[x].type == "binary" for x in exposures):
        return (
            Contrast(
                exposures,
                tuple(variables[x].levels[0] for x in exposures),
                tuple(variables[x].levels[1] for x in exposures),
            ),
        )
    coded = [x for x in exposures if variables[x].levels]
    if coded:
        names = ", ".join(f"`{x}`" for x in coded)
        raise error_at(
            "DR415", f"a joint effect of {names} and others needs a `contrast:`", variables[coded[0]], effect
        )
    return (Contrast(exposures, None, None),)


def _settings(
    side: Side, exposures: tuple[str, ...], variables: Mapping[str, Variable], effect: Effect
) -> tuple[Level, ...]:
    """One side of a contrast, a value for each exposure, levels as they are stored."""
    values = side if isinstance(side, tuple) else (side,) * len(exposures)
    if len(values) != len(exposures):
        raise error_at(
            "DR416", "the contrast needs one value for each exposure", variables[exposures[0]], effect
        )
    return tuple(_value(variables[x], value, effect) for x, value in zip(exposures, values, strict=True))


def _value(variable: Variable, value: Level, effect: Effect) -> Level:
    if not variable.levels:
        if isinstance(value, str):
            raise error_at(
                "DR417",
                f"`{value}` is not a number, and `{variable.name}` is {variable.type}",
                variable,
                effect,
            )
        return _within_domain(variable, float(value), effect)
    level = stored_as(value, variable.levels)
    if level is not None:
        return level
    known = ", ".join(str(level) for level in variable.levels[:8])
    message, hint = f"`{value}` is not a level of `{variable.name}` ({known})", alike(value, variable.levels)
    raise DagregError((Diagnostic("DR417", message, effect.span, hint),))


def _within_domain(variable: Variable, value: float, effect: Effect) -> float:
    if not abs(value) <= MAX_NUMBER:
        raise error_at("DR417", f"the contrast's {value:g} is beyond {MAX_NUMBER:g}", variable, effect)
    if not transformable(variable, value):
        what = f"`transform: {variable.transform}` of `{variable.name}`"
        raise error_at("DR319", f"{what} does not take the contrast's {value:g}", variable, effect)
    return value
