"""Rows with equal predictors as one row.

**Theorem.** Let the rows of a group share the linear predictor eta, row i standing for w_i units. Then, up to
a factor free of eta, the likelihood of the group depends on the sums of the responses only:

- Bernoulli, p = expit(eta):    prod_i [p^y_i (1-p)^(1-y_i)]^w_i  ~  Binomial(sum w_i y_i | sum w_i, p);
- Binomial with trials n_i:     prod_i [p^y_i (1-p)^(n_i-y_i)]^w_i  ~  Binomial(sum w_i y_i | sum w_i n_i, p);
- Poisson with exposures e_i:   prod_i [(e_i exp eta)^y_i exp(-e_i exp eta)]^w_i
                                  ~  Poisson(sum w_i y_i | exp(eta) sum w_i e_i)

- response in levels:           prod_i p(y_i | eta)^w_i over the rows that also share y  =  p(y | eta)^(sum
  w_i)

The last keeps a row for each level that occurs beside the predictors, weighted; any family would do.
(Sufficiency in exponential families: McCullagh and Nelder 1989, section 2.2). The cost of a gradient then
follows the distinct rows, not the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dagreg.emit.naming import Names
from dagreg.families import FAMILIES
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.optimise.types import Data, Piece
from dagreg.sources.types import Grouping, Sum

STEP = "grouped"
# of the rows: with more distinct ones than this, grouping is not worth a table of its own
MAX_DISTINCT_SHARE = 0.5


def grouped(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece on grouped rows, where few of them are distinct."""
    equation = piece.equation
    if len(piece.model.equations) > 1 or not (equation.family.grouped_as or equation.levels):
        return (piece,)
    if equation.dropped:
        return (piece.noted(STEP, f"rows lack {equation.response}", applied=False),)
    if equation.family.units == "exposure" and equation.link.name != "log":
        why = f"under the {equation.link.name} link a count over several units is none of one predictor"
        return (piece.noted(STEP, why, applied=False),)
    shared = (*equation.predictors, *((equation.response,) if equation.levels else ()))
    keys = tuple(dict.fromkeys(piece.model.variables[name].column for name in shared))
    distinct = data.distinct(keys)
    if distinct > MAX_DISTINCT_SHARE * data.count:
        why = f"{distinct:,} of {data.count:,} rows have different predictors"
        return (piece.noted(STEP, why, applied=False),)
    what = "predictors and response" if equation.levels else "predictors"
    why = f"{data.count:,} rows have {distinct:,} different combinations of {what}: counts stand for them"
    model, grouping = (weigh if equation.levels else collapse)(piece.model, piece.names, equation, keys)
    return (replace(piece, model=model, grouping=grouping, rows=distinct).noted(STEP, why, applied=True),)


def collapse(model: Model, names: Names, equation: Equation, keys: tuple[str, ...]) -> tuple[Model, Grouping]:
    """The model of the counts, and the table that holds them."""
    response = model.variables[equation.response]
    weight: tuple[str | int, ...] = () if equation.weights is None else (equation.weights,)
    level = response.levels[1] if response.levels else None
    count = _free(response.column, keys)
    total = _free(names.of(equation)[equation.family.units], (*keys, count))
    units = equation.offset if equation.family.units == "exposure" else equation.trials
    sums = (
        Sum(count, (response.column, *weight), level),
        Sum(total, (*weight, *(() if units is None else (units,)))),
    )
    return _on_counts(model, equation, response, count, total), Grouping(keys, sums)


def weigh(model: Model, names: Names, equation: Equation, keys: tuple[str, ...]) -> tuple[Model, Grouping]:
    """The model of rows that stand for all equal ones, and the table with their weights."""
    name = _free(names.of(equation)["weights"], keys)
    factors: tuple[str | int, ...] = () if equation.weights is None else (equation.weights,)
    return replace(model, equations=(replace(equation, weights=name),)), Grouping(keys, (Sum(name, factors),))


def _on_counts(model: Model, equation: Equation, response: Variable, count: str, total: str) -> Model:
    """The same regression, of `count` out of (or over) `total`."""
    counted = replace(response, column=count, type="count", levels=(), shares=())
    exposed = equation.family.units == "exposure"
    changed = replace(
        equation,
        family=FAMILIES[equation.family.grouped_as],
        trials=None if exposed else total,
        offset=total if exposed else None,
        weights=None,
    )
    return replace(model, variables={**model.variables, response.name: counted}, equations=(changed,))


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, with underscores added until it is none of those taken."""
    while name in taken:
        name += "_"
    return name
