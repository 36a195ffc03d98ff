"""The design columns of variables and regressions in SQL, for the moments that a source is asked for."""

from __future__ import annotations

from itertools import product as pairs
from math import prod

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
    columns: list[Column] = []
    for term in equation.terms:
        if term.curve is not None:
            columns += _curve_columns(source, model.variables[term.name], term.curve)
            continue
        if term.numbers:
            columns += _slope_columns(source, model, term)
            continue
        blocks = [variable_columns(source, model.variables[name], full=term.full) for name in term.factors]
        cells = [
            Column(" * ".join(c.sql for c in cell), prod(c.near for c in cell)) for cell in pairs(*blocks)
        ]
        columns += cells[1:] if term.full else cells  # the first is 1 less the others
    (response,) = variable_columns(source, model.variables[equation.response])
    if equation.offset is not None:
        response = Column(f"({response.sql} - ln({source.value(equation.offset)}))", response.near)
    return [*columns, response]


def _slope_columns(source: Source, model: Model, term: Term) -> list[Column]:
    """The columns of a slope for every level, which are centred already."""
    numbers = [variable_columns(source, model.variables[name])[0] for name in term.numbers]
    (centre,) = term.centre or (0.0,)
    number = f"({' * '.join(c.sql for c in numbers)} - {centre!r})"
    blocks = [variable_columns(source, model.variables[name], full=True) for name in term.looked_up]
    return [Column(" * ".join([number, *(c.sql for c in cell)]), 0.0) for cell in pairs(*blocks)]


def _curve_columns(source: Source, variable: Variable, curve: CurveBasis) -> list[Column]:
    """The functions that a curve's columns are made of."""
    (number,) = variable_columns(source, variable)
    near = functions(curve, np.array([number.near]))[0, 1:]
    return [Column(c, float(m)) for c, m in zip(functions_sql(curve, number.sql), near, strict=True)]
