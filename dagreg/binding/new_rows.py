"""New rows to predict: their columns checked against the model's variables, and coded as the
model sees them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.errors import DataError, Diagnostic
from dagreg.model.design import encode
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.model.variables import alike, level_key, stored_as, transformable
from dagreg.numerics.arrays import Array
from dagreg.sources.source import Source
from dagreg.spec.types import Level

MAX_SHOWN_VALUES = 5  # values named in a message


@dataclass(frozen=True, slots=True)
class NewRows:
    """Encoded variables, rows x columns each; `columns` are trials, offsets and known errors as they are.

    A group's positions run on beyond its levels for the labels in `unseen`.
    """

    count: int
    values: Mapping[str, Array]
    columns: Mapping[str, Array]
    unseen: Mapping[str, tuple[str, ...]]

    def part(self, start: int, stop: int) -> NewRows:
        """Some of the rows."""
        values = {name: v[start:stop] for name, v in self.values.items()}
        columns = {name: c[start:stop] for name, c in self.columns.items()}
        return NewRows(min(stop, self.count) - start, values, columns, self.unseen)


def present(source: Source, model: Model) -> frozenset[str]:
    """The model's variables whose columns the new rows have."""
    return frozenset(name for name, v in model.variables.items() if v.column in source.columns)


def read_new_rows(
    source: Source,
    model: Model,
    names: Sequence[str],
    equations: Iterable[Equation],
    optional: Collection[str],
) -> NewRows:
    """The rows of a source as a model sees them: these variables, and the other columns of these equations.

    `optional` are columns that stand for 1 where they are not there. Raises DataError with every column that
    is missing (DR311), has missing values (DR323) or others than numbers (DR312), levels that the fit has not
    seen (DR316), or values that its transform or its part in the regression cannot take (DR319, DR324,
    DR421).
    """
    beside = dict.fromkeys(
        c for e in equations for c in beside_columns(e) if c in source.columns or c not in optional
    )
    wanted = tuple(dict.fromkeys([*(model.variables[n].column for n in names), *beside]))
    _check_columns(source, wanted)
    levelled = {model.variables[n].column for n in names if model.variables[n].levels}
    source = source.narrow(wanted, [c for c in wanted if c not in levelled])
    arrays = source.arrays(wanted)
    wrong: list[Diagnostic] = []
    values: dict[str, Array] = {}
    unseen: dict[str, tuple[str, ...]] = {}
    for name in names:
        variable = model.variables[name]
        column = arrays[variable.column]
        wrong += _problems(variable, source, column)
        if not wrong and variable.sampled:
            values[name], unseen[name] = _groups(variable, column)
        elif not wrong:
            values[name] = encode(variable, _as_levels(variable, column) if variable.levels else column)
    columns = {c: np.asarray(arrays[c], dtype=np.float64) for c in beside if source.kind(c) == "number"}
    wrong += [d for e in equations for d in _misfits(e, columns, beside)]
    if wrong:
        raise DataError(tuple(dict.fromkeys(wrong)))
    return NewRows(source.rows(), values, columns, unseen)


def beside_columns(equation: Equation) -> Iterator[str]:
    """The columns that a response's distribution needs besides its predictors."""
    for column in (equation.trials, equation.offset, equation.error_column):
        if isinstance(column, str):
            yield column


def level_of(variable: Variable, value: Level) -> Level | None:
    """The level that a value stands for, `1`, `1.0` and "1" being the same; None where it is none of them."""
    return stored_as(value, variable.levels)


def _stored(variable: Variable, values: Sequence[Level]) -> list[Level | None]:
    """The level of each of these values; None where it has none."""
    known = {level_key(level): level for level in variable.levels}
    return [
        match if (match := known.get(level_key(v))) is not None else level_of(variable, v) for v in values
    ]


def _check_columns(source: Source, wanted: Sequence[str]) -> None:
    absent = [c for c in wanted if c not in source.columns]
    wrong = []
    if absent:
        there = ", ".join(source.columns[:12]) + (", ..." if len(source.columns) > 12 else "")
        message = f"the new rows have no column {_listed(absent)}"
        wrong.append(Diagnostic("DR311", message, label=f"columns: {there}"))
    wrong += [
        Diagnostic("DR308", f"the new rows have several columns named `{c}`")
        for c in wanted
        if c in source.repeated
    ]
    if not wrong:
        missing = {c: n for c, n in source.missing(wanted).items() if n}
        if missing:
            shown = ", ".join(f"`{c}` ({n})" for c, n in missing.items())
            wrong.append(Diagnostic("DR323", f"missing values in the new rows: {shown}"))
    if wrong:
        raise DataError(tuple(wrong))


def _problems(variable: Variable, source: Source, column: npt.NDArray[Any]) -> Iterator[Diagnostic]:
    name = variable.column
    if variable.levels:
        distinct = _distinct(column)
        extra = [v for v, level in zip(distinct, _stored(variable, distinct), strict=True) if level is None]
        if extra and not variable.sampled:
            levels = ", ".join(map(str, variable.levels[:12])) + (
                ", ..." if len(variable.levels) > 12 else ""
            )
            message = f"column `{name}` holds levels that the fit has not seen: {_shown(extra)}"
            yield Diagnostic("DR316", message, label=alike(extra[0], variable.levels) or f"levels: {levels}")
    elif source.kind(name) != "number":
        yield Diagnostic(
            "DR312", f"`{variable.name}` is a number, and column `{name}` of the new rows holds none"
        )
    else:
        numbers = np.asarray(column, dtype=np.float64)
        if not np.isfinite(numbers).all():
            yield Diagnostic("DR306", f"column `{name}` of the new rows holds infinite values")
        elif len(numbers) > 0:
            ends = [v for v in (float(numbers.min()), float(numbers.max())) if not transformable(variable, v)]
            if ends:
                yield Diagnostic(
                    "DR319", f"`transform: {variable.transform}` of `{name}` cannot take {ends[0]:g}"
                )


def _misfits(
    equation: Equation, columns: Mapping[str, Array], beside: Collection[str]
) -> Iterator[Diagnostic]:
    """What trials, offsets and errors cannot be."""
    for column in (c for c in beside_columns(equation) if c in beside and c not in columns):
        yield Diagnostic("DR312", f"column `{column}` of the new rows holds no numbers")
    if isinstance(equation.trials, str) and equation.trials in columns:
        trials = columns[equation.trials]
        if not ((trials >= 1) & (trials == np.floor(trials))).all():
            yield Diagnostic(
                "DR324", f"trials are whole numbers from 1, and `{equation.trials}` holds others"
            )
    if (
        equation.offset is not None
        and equation.offset in columns
        and not (columns[equation.offset] > 0).all()
    ):
        yield Diagnostic("DR421", f"an offset is above 0, and `{equation.offset}` holds others")
    error = equation.error_column
    if error is not None and error in columns and not (columns[error] >= 0).all():
        yield Diagnostic("DR425", f"a known error is not negative, and `{error}` holds some that are")


def _distinct(column: npt.NDArray[Any]) -> list[Level]:
    values: list[Level] = np.unique(column).tolist()
    return values


def _as_levels(variable: Variable, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values as the fit's data had them."""
    distinct, where = np.unique(column, return_inverse=True)
    stored = np.empty(len(distinct), dtype=object)
    stored[:] = _stored(variable, distinct.tolist())
    return np.asarray(stored[where.ravel()])


def _groups(variable: Variable, column: npt.NDArray[Any]) -> tuple[Array, tuple[str, ...]]:
    """Each row's group by its place among the levels, or after them among the labels not seen before."""
    place = {level_key(level): i for i, level in enumerate(variable.levels)}
    distinct, where = np.unique(column, return_inverse=True)
    labels = [level_key(v) for v in distinct.tolist()]
    unseen = tuple(label for label in labels if label not in place)
    place |= {label: len(variable.levels) + i for i, label in enumerate(unseen)}
    places = np.array([place[label] for label in labels], dtype=np.float64)
    return places[where.ravel()][:, None], unseen


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(values: Sequence[Level]) -> str:
    return ", ".join(map(repr, values[:MAX_SHOWN_VALUES])) + (
        f" and {len(values) - MAX_SHOWN_VALUES} others" if len(values) > MAX_SHOWN_VALUES else ""
    )
