"""Columns that the data cannot tell apart, and what they do tell of them.

A column whose part beside the others is rounding alone has no coefficient of its own: the likelihood is the
same along a line, and how the sum splits is the prior's (Belsley, Kuh and Welsch 1980, chapter 3). The same
holds, whatever the rounding of the data, where so little is left of it that the prior says more of its
coefficient than all rows do. High correlation alone is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.doubts.point import design, design_of_rows
from dagreg.engines.draws import Draws
from dagreg.errors import Doubt
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Term
from dagreg.model.triangle import triangle
from dagreg.numerics.arrays import Array

MAX_EXACT_REST = 1e-7  # of a column's spread: less beside the others is rounding
ROUNDING = 1e-13  # of a column's size
MAX_NEAR_REST = 0.01  # of its spread, from which on a column is worth comparing with its prior
MIN_PRECISION_RATIO = 0.1  # of a prior's precision: the data say less than that
MIN_PART = 1e-6  # of a column's spread: a smaller share of it in another is rounding
MAX_NAMED = 4  # columns of a combination that is written out
COLUMNS = 600  # more take too long


@dataclass(frozen=True, slots=True)
class Dependence:
    """A design column that is a combination of earlier ones: `column` = constant + sum of share x other."""

    column: int
    shares: Mapping[int, float]
    constant: float
    exact: bool


@dataclass(frozen=True, slots=True)
class ScaledColumns:
    """The design of a regression but for its intercept: a root of its centred cross-products,
    means, sizes.
    """

    terms: tuple[Term, ...]  # of each column
    names: tuple[str, ...]
    root: Array
    means: Array
    sizes: Array


def collinearity(
    model: Model, draws: Draws, data: Mapping[str, Any]
) -> tuple[tuple[Doubt, ...], tuple[str, ...]]:
    """A warning for each combination in which the effect asked for is caught, a note for each of others
    alone.
    """
    doubts, notes = [], []
    if not model.complete:
        return (), ()
    for equation in model.equations:
        if not equation.terms or equation.dropped or sum(len(t.columns) for t in equation.terms) > COLUMNS:
            continue
        columns = columns_of(model, equation, data)
        rows = as_columns(data).count
        combinations = list(dependences(equation, columns, _noise(equation, draws)))
        few = rows <= len(columns.names) + equation.has_intercept
        if few and combinations:
            message = _few(equation, rows, len(columns.names) + equation.has_intercept)
            remedy = (
                "Use fewer terms (a smaller set in `adjust:`, no `interactions:`), or say priors that you "
                f"would defend: `regressions: {{{equation.response}: {{priors: ...}}}}`."
            )
            doubts.append(Doubt("DR518", message, remedy=remedy))
            continue
        for one in combinations:
            if _moved(model, columns, one):
                message = _message(equation, columns, one, draws)
                doubts.append(Doubt("DR518", message, remedy=_remedy(equation, columns, one)))
            else:
                same = _words(columns, one)
                notes.append(
                    f"In the regression of {equation.response}, {same}: the data do not tell their "
                    "coefficients apart, and the effect asked for does not hang on that."
                )
    return tuple(doubts), tuple(notes)


def _moved(model: Model, columns: ScaledColumns, one: Dependence) -> bool:
    """Whether a contrast of the exposure, or of a mediator, moves along the combination.

    Where every level has a column, a contrast is the difference of two of them: nothing moves it that adds
    the same to all, as two such terms always leave open.
    """
    asked = {*model.estimand.exposure, *(e.response for e in model.equations)}
    along = {one.column: 1.0, **{k: -share for k, share in one.shares.items()}}
    for term in dict.fromkeys(columns.terms[i] for i in along):
        parts = [along.get(i, 0.0) for i, own in enumerate(columns.terms) if own is term]
        alike = (
            term.full
            and len(term.factors) == 1
            and max(parts) - min(parts) <= MIN_PART * max(map(abs, parts))
        )
        if asked & set(term.factors) and not alike:
            return True
    return False


def columns_of(model: Model, equation: Equation, data: Mapping[str, Any]) -> ScaledColumns:
    """The design columns by way of their triangle, the exposure's last, so that others stand for it."""
    factor = _triangle(model, equation, data)
    sizes = np.linalg.norm(factor, axis=0)
    means = factor[0] / factor[0, 0] if equation.has_intercept and factor[0, 0] else np.zeros(len(sizes))
    skip = int(equation.has_intercept)
    every = [
        (t, _shown(model, t, name), c)
        for t in equation.terms
        for name, c in zip(t.columns, _centres(t), strict=True)
    ]
    order = sorted(range(len(every)), key=lambda i: every[i][0].purpose == "exposure")
    at = np.array(order, dtype=np.int64) + skip
    shift = np.array([every[i][2] for i in order])
    return ScaledColumns(
        tuple(every[i][0] for i in order),
        tuple(every[i][1] for i in order),
        factor[skip:, at],
        means[at] + shift,
        sizes[at],
    )


def _centres(term: Term) -> Sequence[float]:
    """What was subtracted from each column; of slopes for each level 0, as their number alone is centred."""
    return (0.0,) * len(term.columns) if term.numbers else term.centre or (0.0,) * len(term.columns)


def _triangle(model: Model, equation: Equation, data: Mapping[str, Any]) -> Array:
    """That of the design, from the database's cross-products where there are many rows."""
    table = as_columns(data).in_database
    if table is not None and not equation.family.normal:
        found = table.design_triangle(model, equation)
        if found is not None:
            return found
    this = design(model, equation, data) if equation.family.normal else design_of_rows(model, equation, data)
    return triangle(this.columns if this.rows is None else this.columns * np.sqrt(this.rows)[:, None])


def _shown(model: Model, term: Term, name: str) -> str:
    """A design column; of two levels with the one that counts 1, unless that is said by its name."""
    variable = model.variables[term.factors[0]]
    words = len(variable.levels) == 2 and variable.levels[1] not in (1, True)
    return f"{name}[{variable.levels[1]}]" if words and name == variable.name else name


def _noise(equation: Equation, draws: Draws) -> float | None:
    """The residual variance of a Gaussian regression; None for others, whose columns are compared exactly
    alone.
    """
    if not equation.family.normal:
        return None
    return float(np.mean(draws.values[equation.auxiliaries[0].symbol]) ** 2)


def dependences(equation: Equation, columns: ScaledColumns, noise: float | None) -> Iterator[Dependence]:
    """The columns that those before them leave nothing of, or next to nothing."""
    priors = [t.prior for t in columns.terms]
    kept: list[int] = []
    whole = np.zeros((len(columns.root), len(columns.names)))
    for j in range(len(columns.names)):
        column, basis = columns.root[:, j], whole[:, : len(kept)]
        left = column - basis @ (basis.T @ column)
        left = left - basis @ (basis.T @ left)  # once more, for the digits
        size, spread = float(np.linalg.norm(left)), float(np.linalg.norm(column))
        exact = size <= max(MAX_EXACT_REST * spread, ROUNDING * columns.sizes[j])
        prior = priors[j]
        normal = prior.distribution == "Normal"
        sd = float(prior.arguments[1]) if normal else np.inf  # type: ignore[arg-type]  # data are known here
        silent = (
            noise is not None
            and size < MAX_NEAR_REST * spread
            and size**2 * sd**2 / noise < MIN_PRECISION_RATIO
        )
        if not exact and not silent:
            whole[:, len(kept)] = left / size
            kept.append(j)
            continue
        if spread <= ROUNDING * columns.sizes[j]:
            continue  # a constant column: it has been refused, or is an interaction's that no row has
        solved = np.linalg.lstsq(columns.root[:, kept], column, rcond=None)[0]
        sizes = np.linalg.norm(columns.root[:, kept], axis=0)
        floor = MIN_PART if exact else MAX_NEAR_REST
        shares = {
            k: float(b) for k, b, s in zip(kept, solved, sizes, strict=True) if abs(b) * s > floor * spread
        }
        constant = float(columns.means[j] - sum(b * columns.means[k] for k, b in shares.items()))
        yield Dependence(j, shares, constant if equation.has_intercept else 0.0, exact)


def _few(equation: Equation, rows: int, coefficients: int) -> str:
    return (
        f"The regression of {equation.response} has {coefficients} coefficients and {rows} rows, which "
        f"tell at most {rows} combinations of them: the rest of the answer is the priors', and another "
        "prior would give another one."
    )


def _message(equation: Equation, columns: ScaledColumns, one: Dependence, draws: Draws) -> str:
    names = _listed(dict.fromkeys(columns.terms[i].name for i in (one.column, *one.shares)))
    told = _told(equation, columns, one, draws)
    splits = (
        "How their coefficients split is the priors' doing: another prior gives another answer, and more "
        f"such rows would not change that.{told}"
    )
    what = f"The data cannot tell {names} apart in the regression of {equation.response}"
    return f"{what}: {_words(columns, one)}. {splits}"


def _remedy(equation: Equation, columns: ScaledColumns, one: Dependence) -> str:
    names = _listed({f"`{columns.terms[i].name}`": None for i in (one.column, *one.shares)})
    return (
        f"Where {names} measure the same, keep one of them in `edges:`. Where they do not, say a prior that "
        f"you would defend: `regressions: {{{equation.response}: {{priors: ...}}}}`."
    )


def _words(columns: ScaledColumns, one: Dependence) -> str:
    """The combination in the columns' own units; by name alone where it is long."""
    name = columns.names[one.column]
    where = "in every row" if one.exact else "in every row, to the rounding of the data"
    if len(one.shares) > MAX_NAMED:
        others = _listed(dict.fromkeys(columns.terms[i].name for i in one.shares))
        return f"{name} is a combination of {others} {where}"
    parts = [
        f"{'' if abs(b - 1) < MIN_PART else f'{b:.4g} '}{columns.names[k]}" for k, b in one.shares.items()
    ]
    scale = max((abs(b * columns.means[k]) for k, b in one.shares.items()), default=0.0)
    if abs(one.constant) > 1e-9 * max(scale, abs(float(columns.means[one.column])), 1e-300) or not parts:
        parts.append(f"{one.constant:.4g}")
    return f"{name} = {' + '.join(parts).replace('+ -', '- ')} {where}"


def _told(equation: Equation, columns: ScaledColumns, one: Dependence, draws: Draws) -> str:
    """The sums of coefficients that the data do tell, with their posterior."""
    if not 0 < len(one.shares) <= MAX_NAMED or equation.family.predictor != "one":
        return ""
    values = _coefficients(equation, columns, draws)
    parts = []
    for k, b in one.shares.items():
        first, second, times = (k, one.column, b) if len(one.shares) > 1 else (one.column, k, 1 / b)
        total = values[first] + times * values[second]
        much = "" if abs(times - 1) < MIN_PART else f"{times:.4g} times "
        parts.append(
            f"the coefficient of {columns.names[first]} plus {much}that of {columns.names[second]}: "
            f"{total.mean():.4g} (sd {total.std():.2g})"
        )
    return f" What the data do tell is {'; '.join(parts)}."


def _coefficients(equation: Equation, columns: ScaledColumns, draws: Draws) -> list[Array]:
    """The draws of each column's coefficient."""
    slopes = []
    for i, term in enumerate(columns.terms):
        values, first = draws.values[term.symbol], columns.terms.index(term)
        slopes.append((values if values.ndim == 2 else values[..., i - first]).ravel())
    return slopes


def _listed(names: Sequence[str] | Mapping[str, None]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else str(last)
