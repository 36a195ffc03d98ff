"""Design columns from data columns, in NumPy: what the emitted program computes in its first lines.

Rows are the first axis throughout; a block of design columns is rows x columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.model.families import Array
from dagreg.model.types import Equation, Model, Term, Variable
from dagreg.spec.types import Level

_FUNCTIONS: Mapping[str | None, Callable[[Array], Array]] = {
    "log": np.log,
    "log1p": np.log1p,
    "logit": lambda p: np.log(p / (1 - p)),
    "sqrt": np.sqrt,
}


def encode(variable: Variable, values: npt.NDArray[np.generic]) -> Array:
    """A data column as the model sees it, rows x columns: numbers transformed, levels as 0/1 columns.

    The levels of a pooled variable are one column of positions.
    """
    if variable.pooled:
        return positions(values, variable.levels)[:, None].astype(np.float64)
    if variable.levels:
        return np.column_stack([values == level for level in variable.levels[1:]]).astype(np.float64)
    numbers = values.astype(np.float64)
    if variable.transform in _FUNCTIONS:
        numbers = _FUNCTIONS[variable.transform](numbers)
    elif variable.transform is not None:
        centre, scale = variable.transform_at
        numbers = (numbers - centre) / scale
    return numbers[:, None]


def absent(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a column has no value."""
    found = np.ma.getdata(values)
    lacks: npt.NDArray[np.bool_] = np.array([v is None or v != v for v in found.tolist()], dtype=bool)
    return np.asarray(np.ma.getmaskarray(values) | lacks)


def positions(values: npt.NDArray[np.generic], levels: Sequence[Level]) -> npt.NDArray[np.int64]:
    """Where each value stands among these levels. Raises KeyError for one that is not among them."""
    place = {level: i for i, level in enumerate(levels)}
    distinct, where = np.unique(values, return_inverse=True)
    found = np.array([place[value] for value in distinct.tolist()], dtype=np.int64)
    return np.asarray(found[where.ravel()])


def constant(variable: Variable, level: Level, rows: int) -> Array:
    """The encoding of one value (on the column's own scale) held for every row."""
    column = np.array([level], dtype=object)
    return np.broadcast_to(encode(variable, column), (rows, len(variable.columns)))


def product(left: Array, right: Array) -> Array:
    """Every column of one block times every column of the other, the left one varying slowest."""
    return np.asarray((left[:, :, None] * right[:, None, :]).reshape(len(left), -1))


def block(term: Term, encoded: Mapping[str, Array]) -> Array:
    """The design columns of a term, centred where the term is."""
    columns = encoded[term.factors[0]]
    for factor in term.factors[1:]:
        columns = product(columns, encoded[factor])
    return columns if term.centre is None else columns - np.array(term.centre)


def regression_rows(model: Model, equation: Equation, data: Mapping[str, Any]) -> tuple[Array, Array]:
    """The rows [1, design, response] of a regression under the identity link, and the units that each stands for."""
    if equation.dropped:
        there = ~absent(data[model.variables[equation.response].column])
        data = {name: np.asarray(data[name])[there] for name in model.columns}
    used = (equation.response, *equation.predictors)
    encoded = {name: encode(model.variables[name], data[model.variables[name].column]) for name in used}
    response = encoded[equation.response]
    if equation.offset is not None:
        response = response - np.log(np.asarray(data[equation.offset], dtype=np.float64))[:, None]
    ones = np.ones((len(response), 1))
    rows = np.hstack([ones, *(block(term, encoded) for term in equation.terms), response])
    return rows, column(equation.weights, data, len(rows))


def column(what: str | int | None, data: Mapping[str, Any], rows: int) -> Array:
    """A column of numbers, or the same number (1 for None) in every row."""
    if isinstance(what, str):
        return np.asarray(data[what], dtype=np.float64)
    return np.full(rows, float(1 if what is None else what))
