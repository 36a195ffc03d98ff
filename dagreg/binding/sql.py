"""The design columns of variables and regressions in SQL, for the moments that a source is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product as pairs
from math import prod
from types import MappingProxyType

import numpy as np

from dagreg.model.curves import functions, functions_sql
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import CurveBasis, Variable
from dagreg.model.terms import Term
from dagreg.model.variables import transformed_sql
from dagreg.sources.source import Source
from dagreg.sources.sql import Column, literal


def design_sql(source: Source, variable: Variable, *, full: bool = False) -> list[str]:
    """The SQL of a variable's design columns, as `model.design.encode` has them (`full`: the reference's,
    too).
    """
    column = source.value(variable.column)
    if variable.levels:
        return [
            f"CAST({column} = {literal(level)} AS DOUBLE)" for level in variable.levels[0 if full else 1 :]
        ]
    real = source.real(variable.column)
    expression = transformed_sql(variable, real)
    if expression is None and variable.transform is not None:
        centre, scale = variable.transform_at
        return [f"(({real} - {centre!r}) / {scale!r})"]
    return [expression or real]


def variable_columns(source: Source, variable: Variable, *, full: bool = False) -> list[Column]:
    """The design columns of a variable; `full`: one for every level, the reference's first."""
    first = 0 if full else 1
    middle = variable.shares[first:] if variable.levels else (variable.mean or 0.0,)
    return [Column(c, float(m)) for c, m in zip(design_sql(source, variable, full=full), middle, strict=True)]


def regression_columns(source: Source, model: Model, equation: Equation) -> list[Column]:
    """The design columns of a regression, not centred and without the intercept's, then its response."""
    columns = term_columns(source, model, equation)
    (response,) = variable_columns(source, model.variables[equation.response])
    if equation.offset is not None:
        response = Column(f"({response.sql} - ln({source.value(equation.offset)}))", response.near)
    return [*columns, response]


Settings = Mapping[str, Sequence[float] | float]
"""Of variables that are set: the numbers of their design columns, or what is added to their one."""


NOTHING_SET: Settings = MappingProxyType({})


def term_columns(
    source: Source, model: Model, equation: Equation, settings: Settings = NOTHING_SET
) -> list[Column]:
    """The design columns of a regression, not centred and without the intercept's; some variables are set."""
    found: list[Column] = []

    def columns_of(name: str, *, full: bool = False) -> list[Column]:
        return _as_set(variable_columns(source, model.variables[name], full=full), settings.get(name), full)

    for term in equation.terms:
        if term.curve is not None:
            found += _curve_columns(columns_of(term.name), term.curve)
            continue
        if term.numbers:
            found += _slope_columns(columns_of, term)
            continue
        blocks = [columns_of(name, full=term.full) for name in term.factors]
        cells = [
            Column(" * ".join(c.sql for c in cell), prod(c.near for c in cell)) for cell in pairs(*blocks)
        ]
        found += cells[1:] if term.full else cells  # the first is 1 less the others
    return found


def _as_set(columns: list[Column], setting: Sequence[float] | float | None, full: bool) -> list[Column]:
    """The design columns of a variable where it is set, those of the table where it is not."""
    if setting is None:
        return columns
    if isinstance(setting, float | int):
        return [Column(f"({c.sql} + {setting!r})", c.near + setting) for c in columns]
    numbers = [1.0 - sum(setting), *setting] if full else setting
    return [Column(f"CAST({float(number)!r} AS DOUBLE)", float(number)) for number in numbers]


def _slope_columns(columns_of: Callable[..., list[Column]], term: Term) -> list[Column]:
    """The columns of a slope for every level, which are centred already."""
    numbers = [columns_of(name)[0] for name in term.numbers]
    (centre,) = term.centre or (0.0,)
    number = f"({' * '.join(c.sql for c in numbers)} - {centre!r})"
    blocks = [columns_of(name, full=True) for name in term.looked_up]
    return [Column(" * ".join([number, *(c.sql for c in cell)]), 0.0) for cell in pairs(*blocks)]


def _curve_columns(columns: list[Column], curve: CurveBasis) -> list[Column]:
    """The functions that a curve's columns are made of."""
    (number,) = columns
    near = functions(curve, np.array([number.near]))[0, 1:]
    return [Column(c, float(m)) for c, m in zip(functions_sql(curve, number.sql), near, strict=True)]
