"""Averages of a regression's mean over very many rows, as Taylor series in its coefficients.

Under a contrast the mean of row i is h(x_i' b), x_i being its design with the exposures set. The average over
the rows is a sum of the kind of `numerics/series.py`: a few passes over the rows give it at every draw, in
memory or in the database that holds them. The error is measured at draws far out, as a share of the posterior
sd.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from dagreg.binding.row_sums import rows_of, sums_of
from dagreg.binding.rows import Rows
from dagreg.binding.sql import Settings, design_sql
from dagreg.effects.gformula import SIDES, intervened
from dagreg.effects.mediation import EffectPart
from dagreg.effects.rows import EncodedRows, linear
from dagreg.effects.steps import ContrastEnd, step_of
from dagreg.model.design import constant, design_columns
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.numerics.series import ArrayRows, Function, RowSums, farthest
from dagreg.sources.expression import TableColumn, sql_of
from dagreg.spec.types import Level

MAX_CELLS = 200_000_000  # draws x rows up to which every draw is worked out
MAX_ERROR = 0.01  # of the posterior sd
ORDERS = (2, 3)
NO_GROUP: Mapping[str, Level] = MappingProxyType({})
JITTER = 1e-12  # of the draws' variances, without which coefficients that are told by others have no root


@dataclass(frozen=True, slots=True)
class Averages:
    """The averages of a model of one regression at all draws, by the side of a contrast."""

    model: Model
    draws: Mapping[str, Array]
    rows: Callable[[Contrast, ContrastEnd], RowSums]

    def parts(self, contrast: Contrast) -> tuple[tuple[EffectPart, ...], float] | None:
        """The start and the change that a contrast makes, and their largest error in posterior sds; None
        where no series is close enough.
        """
        points = self._points()
        centre = points.mean(axis=0)
        spread = np.cov(points.T).reshape(len(centre), len(centre))
        root = np.linalg.cholesky(spread + JITTER * np.diag(np.maximum(np.diag(spread), 1e-300)))
        some = farthest(points, centre, root, np.random.default_rng(len(points)))
        start, stop = self.rows(contrast, "start"), self.rows(contrast, "stop")
        if min(rows.highest(len(centre)) for rows in (start, stop)) < max(ORDERS):
            return None
        units = step_of(self.model, contrast).units
        exact = _sides(start.totals(some), stop.totals(some), units)
        for order in ORDERS:
            series = [rows.series(centre, order) for rows in (start, stop)]
            found = _sides(series[0](points), series[1](points), units)
            error = _error(exact - _sides(series[0](some), series[1](some), units), found)
            if error <= MAX_ERROR:
                return (EffectPart(self.model.estimand.name, None, found[0], found[1]),), error
        return None

    def change(self, contrast: Contrast, point: Array) -> float:
        """The change that a contrast makes at one point, exactly."""
        start, stop = (float(self.rows(contrast, side).totals(point[None])[0]) for side in SIDES)
        return (stop - start) / step_of(self.model, contrast).units

    def _points(self) -> Array:
        """The coefficients, draws x coefficients."""
        parts = [self.draws[symbol] for symbol in self.model.outcome.coefficient_symbols]
        return np.hstack([part.reshape(len(part), -1) for part in parts])


def _sides(start: Array, stop: Array, units: float) -> Array:
    return np.stack([start, (stop - start) / units])


def _error(off: Array, values: Array) -> float:
    """The rms of errors in sds of the values, the larger of the two; rounding is none."""
    error, sd = np.sqrt((off**2).mean(axis=1)), values.std(axis=1)
    rounding = 1e-12 * np.abs(values).max(axis=1)
    found = float(np.where(error <= rounding, 0.0, error / np.maximum(sd, 1e-300)).max())
    return found if np.isfinite(found) else np.inf


def is_one_mean(model: Model, held: Collection[str] = ()) -> bool:
    """Whether what is averaged is the mean of one regression, a smooth function of one predictor."""
    outcome = model.outcome
    plain = not (model.mediators or outcome.varying or outcome.levels or model.latents or model.mixture)
    asked = model.functional is None and not model.estimand.natural and not linear(model, held)
    family = outcome.family
    smooth = outcome.link.taylor is not None and family.predictor == "one" and family.mean_is_location
    return bool(plain and asked and smooth)


def averages_of(
    model: Model, draws: Mapping[str, Array], rows: EncodedRows, held: Collection[str] = ()
) -> Averages | None:
    """Those over rows in memory; None where they are few, or no such sums."""
    count = len(draws[model.outcome.intercept])
    if count * len(rows) <= MAX_CELLS or not is_one_mean(model, held):
        return None
    if not rows.complete or rows.units is not None:
        return None

    def rows_on(contrast: Contrast, side: ContrastEnd) -> RowSums:
        step = step_of(model, contrast)
        values = intervened(model, rows.values, len(rows), contrast, side, step)
        columns = design_columns(model.outcome, values, len(rows))
        return ArrayRows(columns, None, {"weight": rows.weights[:, None]}, _mean(model))

    return Averages(model, draws, rows_on)


def averages_in(
    model: Model, draws: Mapping[str, Array], table: Rows, group: Mapping[str, Level] = NO_GROUP
) -> Averages | None:
    """Those over rows of a database, which stay there: all of them, or those at these levels of some
    variables. None where they are no such sums, or there is no such row.
    """
    wanted = model.estimand
    only = dict(group) if wanted.seen is None else {**group, wanted.exposure[0]: wanted.seen}
    if not is_one_mean(model, group) or wanted.bootstrapped or not model.complete:
        return None
    if any(level not in model.variables[name].levels for name, level in only.items()):
        return None
    weight = sql_of(1.0)
    if isinstance(model.outcome.trials, str):
        weight = TableColumn(table.source.real(model.outcome.trials))
    for name, level in only.items():
        variable = model.variables[name]
        column = design_sql(table.source, variable, full=True)[variable.levels.index(level)]
        weight = weight * TableColumn(column)
    plain = not only and not isinstance(model.outcome.trials, str)
    units = float(table.count) if plain else sums_of(table, [weight])[0]
    if not units > 0:
        return None
    given = {"weight": weight / units}

    def rows_on(contrast: Contrast, side: ContrastEnd) -> RowSums:
        return rows_of(model, model.outcome, table, given, _mean(model), _settings(model, contrast, side))

    return Averages(model, draws, rows_on)


def _settings(model: Model, contrast: Contrast, side: ContrastEnd) -> Settings:
    """What the exposures are set to on one side of a contrast."""
    step, levels = step_of(model, contrast), contrast.stop if side == "stop" else contrast.start
    found: dict[str, Any] = {}
    for i, name in enumerate(contrast.exposures):
        if levels is not None:
            found[name] = tuple(constant(model.variables[name], levels[i], 1)[0].tolist())
        elif added := step.stop if side == "stop" else step.start:
            found[name] = float(added)
    return found


def _mean(model: Model) -> Function:
    """The mean response of a row, by its weight."""
    taylor = model.outcome.link.taylor
    assert taylor is not None  # see `is_one_mean`
    return lambda given, eta, order: [given["weight"] * part for part in taylor(eta)[: order + 1]]
