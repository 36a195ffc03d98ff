"""The rows that an effect is averaged over: encoded, weighted, equal ones merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagreg.engine.draws import Array
from dagreg.model.design import constant, encode
from dagreg.model.types import Model
from dagreg.spec.types import Level

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
    """The covariates of every row; a row with trials stands for that many units."""
    trials = model.outcome.trials
    units = np.asarray(data[trials], dtype=np.float64) if isinstance(trials, str) else None
    values = {n: encode(model.variables[n], data[model.variables[n].column]) for n in covariates(model)}
    weights = np.ones(len(next(iter(data.values())))) if units is None else units
    return Rows(values, weights / weights.sum())


def subset(model: Model, rows: Rows, group: Mapping[str, Level]) -> Rows:
    """The rows at these levels of some covariates."""
    kept = np.ones(len(rows), dtype=bool)
    for name, level in group.items():
        kept &= (rows.values[name] == constant(model.variables[name], level, 1)).all(axis=1)
    weights = rows.weights[kept]
    total = weights.sum() if kept.any() else 1.0
    return Rows({name: values[kept] for name, values in rows.values.items()}, weights / total)


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
