"""Means of cells by conjugacy.

**Theorem.** Let every row lie in one cell c, with the mean p_c of its own, independent a priori. Then the
posterior is the product over cells of (Gelman et al. 2013, sections 2.4 and 2.6)

- Bernoulli or binomial rows, p_c ~ Beta(a, b), s_c successes in n_c trials:  p_c | y ~ Beta(a + s_c, b + n_c
  - s_c);
- Poisson rows, p_c ~ Gamma(a, b) (shape, rate), s_c in all over n_c units:   p_c | y ~ Gamma(a + s_c, b +
  n_c).

Uniform(0, 1) is Beta(1, 1), Exponential(b) is Gamma(1, b). A cell without rows keeps its prior.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dagreg.model.cells import is_conjugate
from dagreg.model.design import places
from dagreg.model.equation import Equation
from dagreg.model.statistics import CellCounts
from dagreg.optimise.grouped import collapse
from dagreg.optimise.types import Data, Piece

STEP = "cells"


def cells(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece with the counts of its cells, where those have conjugate priors."""
    equation = piece.equation
    if len(piece.model.equations) > 1 or not saturated(equation):
        return (piece,)
    (term,) = equation.terms
    if not is_conjugate(term.prior, equation.family.cell_support):
        shape = "Beta" if equation.family.cell_support == "probability" else "Gamma"
        return (piece.noted(STEP, f"the prior {term.prior} of a cell is no {shape}", applied=False),)
    counts = _counts(piece, equation, data)
    why = f"{data.count:,} rows in {len(counts.units)} cells, whose means have posteriors in closed form"
    return (replace(piece, statistics=counts).noted(STEP, why, applied=True),)


def saturated(equation: Equation) -> bool:
    """Whether every row's mean is a parameter of its own cell."""
    alone = len(equation.terms) == 1 and not equation.has_intercept and not equation.varying
    on_mean = (
        equation.link.name == "identity" and equation.family.cell_support != "" and equation.offset is None
    )
    return alone and equation.terms[0].full and on_mean


def _counts(piece: Piece, equation: Equation, data: Data) -> CellCounts:
    """Totals and units of every cell, from a table with a row for each cell that has rows."""
    model, grouping = piece.model, piece.grouping
    variables = [model.variables[name] for name in equation.terms[0].factors]
    if grouping is None:
        keys = tuple(dict.fromkeys(v.column for v in variables))
        grouping = collapse(model, piece.names, equation, keys)[1]
    table = data.grouped(grouping)
    at, width = places(variables, table), len(equation.terms[0].columns)
    totals, units = (np.bincount(at, table[s.name].astype(np.float64), width) for s in grouping.sums)
    return CellCounts(tuple(totals.tolist()), tuple(units.tolist()))
