"""Questions to the database in SQL: grouped tables, and moments of the columns of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from itertools import product as pairs
from math import prod

import numpy as np

from dagreg.model.curves import functions, functions_sql
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import CurveBasis, Variable
from dagreg.model.terms import Term
from dagreg.model.variables import transformed_sql
from dagreg.optimise.types import Grouping, Sum
from dagreg.sources.source import Source, identifier, quote
from dagreg.spec.types import Level


def literal(level: Level) -> str:
    """A level as an SQL literal."""
    return quote(level) if isinstance(level, str) else repr(level)


def grouped_sql(source: Source, grouping: Grouping, select: str, where: str) -> str:
    """SELECT keys, sums FROM select GROUP BY keys, ordered by the keys."""
    keys = [f"{source.value(c)} AS {identifier(c)}" for c in grouping.keys]
    sums = [f"{_sum(source, s)} AS {identifier(s.name)}" for s in grouping.sums]
    kept = "" if where == "TRUE" else f" WHERE {where}"
    order = ", ".join(str(i + 1) for i in range(len(keys)))
    ending = f" GROUP BY {order} ORDER BY {order}" if keys else ""
    return f"SELECT {', '.join([*keys, *sums])} FROM {select}{kept}{ending}"


def _sum(source: Source, total: Sum) -> str:
    """Sums in floating point: exact for whole numbers below 2^53, and no type that NumPy lacks."""
    if not total.factors:
        return "CAST(count(*) AS DOUBLE)"
    first, *others = total.factors
    parts = [_factor(source, f) for f in others]
    level = f"({source.value(str(first))} = {literal(total.level)})" if total.level is not None else None
    head = f"CAST({level} AS DOUBLE)" if level else _factor(source, first)
    return f"sum({' * '.join([head, *parts])})"


def _factor(source: Source, factor: str | int) -> str:
    return source.real(factor) if isinstance(factor, str) else f"{factor}.0"


def design_sql(source: Source, variable: Variable, *, full: bool = False) -> list[str]:
    """The SQL of a variable's design columns, as `model.design.encode` has them (`full`: the reference's, too)."""
    column = source.value(variable.column)
    if variable.levels:
        return [f"CAST({column} = {literal(level)} AS DOUBLE)" for level in variable.levels[0 if full else 1 :]]
    real = source.real(variable.column)
    expression = transformed_sql(variable, real)
    if expression is None and variable.transform is not None:
        centre, scale = variable.transform_at
        return [f"(({real} - {centre!r}) / {scale!r})"]
    return [expression or real]


@dataclass(frozen=True, slots=True)
class Column:
    """A number of every row in SQL, and one near its mean, for sums that lose no digits to it."""

    sql: str
    near: float


def variable_columns(source: Source, variable: Variable, *, full: bool = False) -> list[Column]:
    """The design columns of a variable; `full`: one for every level, the reference's first."""
    first = 0 if full else 1
    middle = variable.shares[first:] if variable.levels else (variable.mean or 0.0,)
    return [Column(c, float(m)) for c, m in zip(design_sql(source, variable, full=full), middle, strict=True)]


def regression_columns(source: Source, model: Model, equation: Equation) -> list[Column]:
    """The design columns of a regression, not centred and without the intercept's, then its response."""
    found: list[Column] = []
    for term in equation.terms:
        if term.curve is not None:
            found += _curve_columns(source, model.variables[term.name], term.curve)
            continue
        if term.numbers:
            found += _slope_columns(source, model, term)
            continue
        blocks = [variable_columns(source, model.variables[name], full=term.full) for name in term.factors]
        cells = [Column(" * ".join(c.sql for c in cell), prod(c.near for c in cell)) for cell in pairs(*blocks)]
        found += cells[1:] if term.full else cells  # the first is 1 less the others
    (response,) = variable_columns(source, model.variables[equation.response])
    if equation.offset is not None:
        response = Column(f"({response.sql} - ln({source.value(equation.offset)}))", response.near)
    return [*found, response]


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


def parts_sql(source: Source, columns: Sequence[str], groups: int, where: str) -> str:
    """The rows of every distinct combination in every group: its place in their order, the group, the count."""
    keys = ", ".join(f"k{i}" for i in range(len(columns)))
    named = ", ".join(f"{source.value(c)} AS k{i}" for i, c in enumerate(columns))
    dealt = f"SELECT {named}, {source.numbering} % {groups} AS part FROM {source.select} WHERE {where}"
    counted = f"SELECT {keys}, part, count(*) AS counted FROM ({dealt}) AS dealt GROUP BY {keys}, part"
    return f"SELECT dense_rank() OVER (ORDER BY {keys}) - 1, part, counted FROM ({counted}) AS combinations"


def moments_sql(source: Source, columns: Sequence[Column], groups: int, where: str, *, extremes: bool = False) -> str:
    """A row for each group of rows: its number, its rows, sums and cross-products, less what columns are near.

    With `extremes` then the rows that have a value of each column, the smallest, and the largest values.
    """
    here = range(len(columns))
    named = [f"{c.sql} - {c.near!r} AS v{i}" for i, c in enumerate(columns)]
    sums = [f"sum(v{i})" for i in here]
    sums += [f"sum(v{i} * v{j})" for i, j in combinations_with_replacement(here, 2)]
    if extremes:
        named += [f"{c.sql} AS r{i}" for i, c in enumerate(columns)]
        sums += [f"{f}(r{i})" for f in ("count", "min", "max") for i in here]
    group = f"{source.numbering} % {groups}" if groups > 1 else "0"
    numbered = f"SELECT {group} AS part, {', '.join(named)} FROM {source.select} WHERE {where}"
    return f"SELECT part, count(*), {', '.join(sums)} FROM ({numbered}) AS numbered GROUP BY part ORDER BY part"
