"""The helpers of emitted programs: real Python, of which a program gets a copy of each that it calls.

They stand in the order in which programs hold them. A program imports `pm` and `pt` where a helper names
them; here these names are for the type checker alone, since nothing below the engines loads PyMC.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from dagreg.families import FAMILIES

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt

# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
# Programs are read by people who want to see the statistics, so helpers carry no annotations.


Helper = Callable[..., Any]


def indicators(values, levels):
    """One 0/1 column for each of these levels: rows x levels."""
    return np.column_stack([np.asarray(values) == level for level in levels]).astype(float)


def products(left, right):
    """Every column of one block times every column of the other: rows x columns."""
    return (left[:, :, None] * right[:, None, :]).reshape((left.shape[0], -1))


def positions(values, levels):
    """Where each value stands among these levels: rows, whole numbers."""
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place[value] for value in np.asarray(values).tolist()])


def absent(values):
    """Where a column has no value: rows, true or false."""
    found = np.ma.asarray(values)
    return np.ma.getmaskarray(found) | np.array([v is None or v != v for v in found.data.tolist()])


def filled(values, value):
    """A column with this value in its gaps, until they are filled otherwise."""
    return np.where(absent(values), value, np.ma.asarray(values).data)


def every_level(data, levels):
    """The table that holds each row once for every combination of the levels that it lacks.

    Besides, the row that each row of the table stands for; and the places of each row in the table, padded
    with one beyond its end.
    """
    table = {name: np.ma.asarray(values) for name, values in data.items()}
    row = np.arange(len(next(iter(table.values()))))
    for name, known in levels.items():
        lacks = absent(table[name])
        times = np.where(lacks, len(known), 1)
        which = np.repeat(np.arange(len(times)), times)
        level = np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
        table, row = {column: values[which] for column, values in table.items()}, row[which]
        table[name] = np.where(lacks[which], np.array(known, dtype=object)[level], np.ma.getdata(table[name]))
    count = np.bincount(row)
    place = np.arange(count.max())
    return table, row, np.where(place < count[:, None], (np.cumsum(count) - count)[:, None] + place, len(row))


def log_above(z):
    """The log probability of a standard Normal above z, exact in both tails."""
    over, under = pt.maximum(z, 0), pt.minimum(z, 0)
    tail = pt.log(pt.erfcx(over / np.sqrt(2)) / 2) - over**2 / 2
    return pt.where(z > 0, tail, pt.log1p(-pt.erfc(-under / np.sqrt(2)) / 2))


def log_between(low, high):
    """The log probability of a standard Normal between two numbers, taken in the upper tail."""
    return pm.math.logdiffexp(log_above(pt.maximum(low, -high)), log_above(pt.maximum(high, -low)))


def polynomial(x, knots):
    """Rows x knots but the first: a coefficient is the curve's height at its knot, less that at the first."""

    def powers(x):
        return ((x - knots[0]) / (knots[-1] - knots[0]))[:, None] ** np.arange(len(knots))

    knots = np.asarray(knots)
    return (powers(x) @ np.linalg.inv(powers(knots)))[:, 1:]


def natural_spline(x, knots):
    """Rows x knots but the first: a coefficient is the curve's height at its knot, less that at the first.

    A natural cubic spline (Hastie, Tibshirani and Friedman 2009, section 5.2.1).
    """

    def functions(x):
        u, t = ((v - knots[0]) / (knots[-1] - knots[0]) for v in (x, knots))
        beyond = np.maximum(u[:, None] - t, 0) ** 3
        d = (beyond[:, :-1] - beyond[:, -1:]) / (t[-1] - t[:-1])
        return np.column_stack([np.ones_like(u), u, d[:, :-1] - d[:, -1:]])

    knots = np.asarray(knots)
    return (functions(x) @ np.linalg.inv(functions(knots)))[:, 1:]


HELPERS: tuple[Helper, ...] = (
    indicators,
    products,
    positions,
    absent,
    filled,
    every_level,
    log_above,
    log_between,
    polynomial,
    natural_spline,
)


def helpers_of(body: str) -> tuple[Helper, ...]:
    """The helpers that the code of a program names, those of families too, with those that they call, in
    order.
    """
    wanted = _names(compile(body, "<program>", "exec"))
    every = (*HELPERS, *(helper for family in FAMILIES.values() for helper in family.helpers))
    for helper in reversed(every):  # each calls earlier ones only
        if helper.__name__ in wanted:
            wanted |= _names(helper.__code__)
    return tuple(helper for helper in every if helper.__name__ in wanted)


def need_tensors(helpers: tuple[Helper, ...]) -> bool:
    """Whether one of these helpers names `pt`."""
    return any("pt" in _names(helper.__code__) for helper in helpers)


@cache
def source_of(helper: Helper) -> str:
    """The text of a helper, as a program holds it."""
    return inspect.getsource(helper)


def _names(code: CodeType) -> set[str]:
    """The global names that a piece of code and the functions within it read."""
    steps = (step for part in _parts(code) for step in dis.get_instructions(part))
    return {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
