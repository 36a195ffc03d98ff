"""Questions to the database in SQL: grouped tables, and moments of the columns of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from itertools import product as pairs
from typing import Any

import numpy as np

from dagreg.data.duck import DuckSource, identifier, quote
from dagreg.model.families import Array
from dagreg.model.types import Equation, Model, Variable
from dagreg.model.variables import transformed_sql
from dagreg.optimise.types import Grouping, Sum
from dagreg.spec.types import Level


def literal(level: Level) -> str:
    """A level as an SQL literal."""
    return quote(level) if isinstance(level, str) else repr(level)


def grouped_sql(source: DuckSource, grouping: Grouping, select: str, where: str) -> str:
    """SELECT keys, sums FROM select GROUP BY keys, ordered by the keys."""
    keys = [f"{source.value(c)} AS {identifier(c)}" for c in grouping.keys]
    sums = [f"{_sum(source, s)} AS {identifier(s.name)}" for s in grouping.sums]
    kept = "" if where == "TRUE" else f" WHERE {where}"
    order = ", ".join(str(i + 1) for i in range(len(keys)))
    ending = f" GROUP BY {order} ORDER BY {order}" if keys else ""
    return f"SELECT {', '.join([*keys, *sums])} FROM {select}{kept}{ending}"


def _sum(source: DuckSource, total: Sum) -> str:
    """Sums in floating point: exact for whole numbers below 2^53, and no type that NumPy lacks."""
    if not total.factors:
        return "CAST(count(*) AS DOUBLE)"
    first, *others = total.factors
    parts = [_factor(source, f) for f in others]
    level = f"({source.value(str(first))} = {literal(total.level)})" if total.level is not None else None
    head = f"CAST({level} AS DOUBLE)" if level else _factor(source, first)
    return f"sum({' * '.join([head, *parts])})"


def _factor(source: DuckSource, factor: str | int) -> str:
    return f"CAST({source.value(factor)} AS DOUBLE)" if isinstance(factor, str) else f"{factor}.0"


def design_sql(source: DuckSource, variable: Variable) -> list[str]:
    """The SQL of a variable's design columns, as `model.design.encode` has them."""
    column = source.value(variable.column)
    if variable.levels:
        return [f"CAST({column} = {literal(level)} AS DOUBLE)" for level in variable.levels[1:]]
    real = f"CAST({column} AS DOUBLE)"
    expression = transformed_sql(variable, real)
    if expression is None and variable.transform is not None:
        centre, scale = variable.transform_at
        return [f"(({real} - {centre!r}) / {scale!r})"]
    return [expression or real]


def regression_sql(source: DuckSource, model: Model, equation: Equation) -> tuple[list[str], list[float], str]:
    """Design columns (without the intercept) and response of a regression, their shifts, and the weight of a row.

    A column is what its SQL says less its shift, which is the centre of its term.
    """
    columns, shifts = [], []
    for term in equation.terms:
        blocks = [design_sql(source, model.variables[name]) for name in term.factors]
        cells = [" * ".join(cell) for cell in pairs(*blocks)]
        columns += cells
        shifts += list(term.centre or (0.0,) * len(cells))
    (response,) = design_sql(source, model.variables[equation.response])
    if equation.offset is not None:
        response = f"({response} - ln({source.value(equation.offset)}))"
    weight = "1.0" if equation.weights is None else _factor(source, equation.weights)
    return [*columns, response], [*shifts, 0.0], weight


def moments_sql(source: DuckSource, model: Model, equation: Equation, where: str) -> tuple[str, int]:
    """One row: units, then means, then cross-products about the mean of a regression's columns; and their number.

    Two scans: the means first, then products of differences, which lose no digits to large means.
    """
    columns, shifts, weight = regression_sql(source, model, equation)
    width = len(columns)
    named = ", ".join(
        f"{c} - {s!r} AS v{i}" if s else f"{c} AS v{i}" for i, (c, s) in enumerate(zip(columns, shifts, strict=True))
    )
    means = ", ".join(f"sum(w * v{i}) / sum(w) AS m{i}" for i in range(width))
    products = ", ".join(
        f"sum(w * (v{i} - m{i}) * (v{j} - m{j}))" for i, j in combinations_with_replacement(range(width), 2)
    )
    shown = ", ".join(f"any_value(m{i})" for i in range(width))
    return (
        f"WITH used AS (SELECT {named}, {weight} AS w FROM {source.select} WHERE {where}), "
        f"middle AS (SELECT {means} FROM used) "
        f"SELECT sum(w), {shown}, {products} FROM used, middle"
    ), width


def unpacked(row: Sequence[Any], width: int) -> tuple[float, Array, Array]:
    """Units, means and the symmetric matrix of cross-products, from the row that `moments_sql` asks for."""
    units, means = float(row[0]), np.array(row[1 : 1 + width], dtype=np.float64)
    products = np.zeros((width, width))
    upper = np.triu_indices(width)
    products[upper] = np.array(row[1 + width :], dtype=np.float64)
    return units, means, products + np.triu(products, 1).T
