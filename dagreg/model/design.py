"""Design columns from data columns, in NumPy: what the emitted program computes in its first lines.

Rows are the first axis throughout; a block of design columns is rows x columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.model.curves import basis, heights
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.model.terms import Term
from dagreg.numerics.arrays import Array
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
    data = np.ma.getdata(values)
    lacks: npt.NDArray[np.bool_] = np.array([v is None or v != v for v in data.tolist()], dtype=bool)
    return np.asarray(np.ma.getmaskarray(values) | lacks)


def positions(values: npt.NDArray[np.generic], levels: Sequence[Level]) -> npt.NDArray[np.int64]:
    """Where each value stands among these levels. Raises KeyError for one that is not among them."""
    place = {level: i for i, level in enumerate(levels)}
    distinct, where = np.unique(values, return_inverse=True)
    places = np.array([place[value] for value in distinct.tolist()], dtype=np.int64)
    return np.asarray(places[where.ravel()])


def constant(variable: Variable, level: Level, rows: int) -> Array:
    """The encoding of one value (on the column's own scale) held for every row."""
    column = np.array([level], dtype=object)
    return np.broadcast_to(encode(variable, column), (rows, len(variable.columns)))


def product(left: Array, right: Array) -> Array:
    """Every column of one block times every column of the other, the left one varying slowest.

    Blocks are (draws x) rows x columns; where only one of them varies by draw, so does the product.
    """
    rows = np.broadcast_shapes(left.shape[:-1], right.shape[:-1])
    return np.asarray((left[..., :, None] * right[..., None, :]).reshape(*rows, -1))


def block(term: Term, encoded: Mapping[str, Array]) -> Array:
    """The design columns of a term, (draws x) rows x columns, centred where the term is.

    Of a slope for each level the number itself is centred.
    """
    if term.numbers:
        slope = reduce(product, (encoded[f] for f in term.numbers)) - np.array(term.centre or (0.0,))
        return product(slope, reduce(product, (_of_factor(term, f, encoded) for f in term.looked_up)))
    columns = reduce(product, (_of_factor(term, f, encoded) for f in term.factors))
    return columns if term.centre is None else columns - np.array(term.centre)


def _of_factor(term: Term, name: str, values: Mapping[str, Array]) -> Array:
    """What a variable's encoding becomes in a term: columns of a curve; one more, the reference's, where it
    is full.
    """
    encoded = values[name]
    if term.curve is not None:
        return basis(term.curve, encoded[..., 0])
    if not term.full:
        return encoded
    return np.concatenate([1.0 - encoded.sum(axis=-1, keepdims=True), encoded], axis=-1)


def places(variables: Sequence[Variable], data: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """The cell of each row among all combinations of these variables' levels, the last one
    varying fastest.
    """
    cells = np.zeros(1, dtype=np.int64)
    for variable in variables:
        cells = cells * len(variable.levels) + positions(np.asarray(data[variable.column]), variable.levels)
    return cells


def encoded(model: Model, names: Iterable[str], data: Mapping[str, Any]) -> dict[str, Array]:
    """These variables of a model, each as the model sees it, from the columns of the data."""
    return {name: encode(model.variables[name], data[model.variables[name].column]) for name in names}


def regression_rows(model: Model, equation: Equation, data: Mapping[str, Any]) -> tuple[Array, Array]:
    """The rows [design, response] of a regression under the identity link, and the units that each stands
    for.
    """
    if equation.dropped:
        there = ~absent(data[model.variables[equation.response].column])
        data = {name: np.asarray(data[name])[there] for name in model.columns}
    used = (equation.response, *equation.predictors)
    values = encoded(model, used, data)
    response = values[equation.response]
    if equation.offset is not None:
        response = response - np.log(np.asarray(data[equation.offset], dtype=np.float64))[:, None]
    rows = np.hstack([design_columns(equation, values, len(response)), response])
    return rows, column(equation.weights, data, len(rows))


def design_columns(equation: Equation, encoded: Mapping[str, Array], rows: int) -> Array:
    """The design of a regression, rows x coefficients: the intercept's column first, where there is one."""
    ones = [np.ones((rows, 1))] if equation.has_intercept else []
    return np.hstack([*ones, *(block(term, encoded) for term in equation.terms)])


def column(what: str | int | None, data: Mapping[str, Any], rows: int) -> Array:
    """A column of numbers, or the same number (1 for None) in every row."""
    if isinstance(what, str):
        return np.asarray(data[what], dtype=np.float64)
    return np.full(rows, float(1 if what is None else what))


def design_map(equation: Equation) -> Array | None:
    """The matrix from the columns of a database, [1, design, response], to a regression's own; None where
    they are.

    Of a mean for every level the database has all columns but the first, which is 1 less the others, as
    cross-products need columns that are no combination of each other; of a slope for every level it has all.
    Of a curve it has the functions that the columns are made of.
    """
    if equation.has_intercept and not any(term.full or term.curve is not None for term in equation.terms):
        return None
    free = 1 + sum(stored_columns(t) for t in equation.terms) + 1
    unit = np.eye(free)
    blocks = [unit[:, :1]] if equation.has_intercept else []
    at = 1
    for term in equation.terms:
        width = stored_columns(term)
        own = unit[:, at : at + width]
        if width < len(term.columns):
            blocks.append(unit[:, :1] - own.sum(axis=1, keepdims=True))
        if term.curve is not None:
            own = np.hstack([unit[:, :1], own]) @ heights(term.curve)
            own[0] -= np.array(term.centre or 0.0)
        blocks.append(own)
        at += width
    return np.hstack([*blocks, unit[:, -1:]])


def stored_columns(term: Term) -> int:
    """How many columns of a term a database has."""
    return len(term.columns) - (term.full and not term.numbers)
