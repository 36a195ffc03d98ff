"""Curves: polynomials and natural cubic splines of one variable, by their heights.

A curve with k columns has k + 1 knots, at evenly spaced quantiles of the data from the smallest value to the
largest. Its coefficients are its heights at the knots, each less the height at the first: on the scale of the
linear predictor, whatever the variable's unit, and far from collinear. `poly(k)` is the polynomial of degree
k through those heights, `spline(k)` the natural cubic spline, which is linear beyond the outer knots (Hastie,
Tibshirani and Friedman 2009, section 5.2.1). Both are a basis of functions N_j, turned by the inverse of the
matrix N_j(knot_i).
"""

from __future__ import annotations

from math import comb

import numpy as np

from dagreg.model.summary import CurveBasis
from dagreg.numerics.arrays import Array


def quantiles(columns: int) -> tuple[float, ...]:
    """The shares of the data below each knot of a curve with so many columns."""
    return tuple(i / columns for i in range(columns + 1))


def basis(curve: CurveBasis, x: Array) -> Array:
    """The columns of a curve at these values: ... -> ... x columns."""
    return np.asarray(functions(curve, x) @ heights(curve))


def heights(curve: CurveBasis) -> Array:
    """The matrix, functions x columns, that turns the basis functions into columns for heights."""
    return np.asarray(np.linalg.inv(functions(curve, np.array(curve.knots)))[:, 1:])


def functions(curve: CurveBasis, x: Array) -> Array:
    """The basis functions at these values, the constant first: ... -> ... x (columns + 1)."""
    first, last = curve.knots[0], curve.knots[-1]
    u = (x - first) / (last - first)
    if curve.kind == "poly":
        return np.asarray(u[..., None] ** np.arange(len(curve.knots)))
    knots = (np.array(curve.knots) - first) / (last - first)
    beyond = np.maximum(u[..., None] - knots, 0.0) ** 3
    d = (beyond[..., :-1] - beyond[..., -1:]) / (knots[-1] - knots[:-1])
    return np.concatenate([np.ones((*u.shape, 1)), u[..., None], d[..., :-1] - d[..., -1:]], axis=-1)


def functions_sql(curve: CurveBasis, x: str) -> list[str]:
    """The same functions in SQL, without the constant; `x` is the SQL of the variable."""
    first, last = curve.knots[0], curve.knots[-1]
    u = f"(({x} - {first!r}) / {last - first!r})"
    if curve.kind == "poly":
        return [" * ".join([u] * power) for power in range(1, len(curve.knots))]
    knots = [float(k) for k in (np.array(curve.knots) - first) / (last - first)]
    cubes = [f"power(greatest({u} - {knot!r}, 0.0), 3)" for knot in knots]
    d = [
        f"(({cube} - {cubes[-1]}) / {knots[-1] - knot!r})"
        for cube, knot in zip(cubes[:-1], knots[:-1], strict=True)
    ]
    return [u, *(f"({one} - {d[-1]})" for one in d[:-1])]


def powers(curve: CurveBasis) -> Array:
    """The matrix from heights to the coefficients of x, x^2, ... of a polynomial: powers x columns."""
    first, width, degree = curve.knots[0], curve.knots[-1] - curve.knots[0], len(curve.knots) - 1
    expanded = np.zeros((degree + 1, degree + 1))  # of x^i in ((x - first) / width)^j
    for j in range(degree + 1):
        for i in range(j + 1):
            expanded[i, j] = comb(j, i) * (-first) ** (j - i) / width**j
    return np.asarray((expanded @ heights(curve))[1:])
