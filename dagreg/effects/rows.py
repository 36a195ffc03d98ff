"""The rows that an effect is averaged over: encoded, weighted, equal ones merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.data.rows import Rows as TableRows
from dagreg.engine.draws import Array
from dagreg.model.design import encode
from dagreg.model.types import Model

MERGE_FROM = 64  # fewer rows are not worth the sorting


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded variables, rows x columns each, and the weight of each row (they sum to 1)."""

    values: Mapping[str, Array]
    weights: Array

    def __len__(self) -> int:
        return len(self.weights)


def covariates(model: Model) -> tuple[str, ...]:
    """The variables whose observed values the effect is averaged over: all but outcome and drawn mediators."""
    drawn = {model.estimand.outcome, *(e.response for e in model.mediators)}
    return tuple(name for name in model.variables if name not in drawn)


def observed_rows(model: Model, data: Mapping[str, Any]) -> Rows:
    """The covariates of every row; a row with trials stands for that many units.

    Of a large table only what the average needs: its mean row where every regression is linear.
    """
    if isinstance(data, TableRows) and data.large and model.functional is None and linear(model):
        return mean_row(model, data)
    trials = model.outcome.trials
    units = np.asarray(data[trials], dtype=np.float64) if isinstance(trials, str) else None
    values = {n: encode(model.variables[n], data[model.variables[n].column]) for n in covariates(model)}
    weights = np.ones(len(next(iter(data.values())))) if units is None else units
    return Rows(values, weights / weights.sum())


def linear(model: Model) -> bool:
    """Whether every regression is linear in every variable: then the average row answers for all rows."""
    used = (*model.mediators, model.outcome)
    return all(e.link.name == "identity" and all(len(t.factors) == 1 for t in e.terms) for e in used)


def mean_row(model: Model, table: TableRows, without: int | None = None) -> Rows:
    """The average of the covariates, as the only row; one group of rows left out if asked."""
    return Rows(table.means([model.variables[n] for n in covariates(model)], without), np.ones(1))


def merge(rows: Rows) -> Rows:
    """Equal rows as one, their weights added. The order is that of the values, so it is stable."""
    if not rows.values:
        return Rows({}, np.ones(1))
    if len(rows) < MERGE_FROM:
        return rows
    table = np.column_stack(list(rows.values.values()))
    distinct, where = np.unique(table, axis=0, return_inverse=True)
    if len(distinct) == len(rows):
        return rows
    weights = np.bincount(where.ravel(), weights=rows.weights, minlength=len(distinct))
    stops = np.cumsum([block.shape[1] for block in rows.values.values()])[:-1]
    return Rows(dict(zip(rows.values, np.split(distinct, stops, axis=1), strict=True)), weights)
