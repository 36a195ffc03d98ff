"""Tests of independence where a group or another label is among the variables, or rows repeat a group's
values.

The statistics are those of `within_groups.py`; here is which of them answers which question.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dagreg.doubts.implication_columns import NodeColumn
from dagreg.doubts.implication_covariance import span_of
from dagreg.doubts.implication_curves import curves
from dagreg.doubts.implication_regressions import (
    FLOOR,
    FREE,
    MAX_LEVELS,
    binomial_means,
    function_text,
    poisson_means,
    squares_about_mean,
)
from dagreg.doubts.within_groups import (
    Statistic,
    between,
    combined,
    constant_within,
    crossed,
    of_means,
    scattered,
)
from dagreg.identify.words import quoted


def fixed_within(
    x: NodeColumn,
    y: NodeColumn,
    given: Sequence[NodeColumn],
    groups: Sequence[NodeColumn],
    rows: npt.NDArray[np.bool_],
) -> tuple[NodeColumn, NodeColumn, npt.NDArray[np.bool_]] | None:
    """Which of the two does not vary within the levels of a group that is not given, that group, the rows
    with all.
    """
    constant = []
    for group in groups:
        there = rows & group.there
        if any(g is group for g in given) or there.sum() < FREE:
            continue
        places = group.places(there)
        for column in (x, y):
            if column is not group and constant_within(
                column.blocks[there] / column.units[there, None], places
            ):
                constant.append((len(np.unique(places)), column, group, there))
    if not constant:
        return None
    return min(constant, key=lambda f: f[0])[1:]


def by_group(
    x: NodeColumn,
    y: NodeColumn,
    given: Sequence[NodeColumn],
    fixed: NodeColumn,
    group: NodeColumn,
    rows: npt.NDArray[np.bool_],
) -> Statistic | str:
    """The test on the means of the groups."""
    why = f"`{fixed.variable.name}` is the same in all rows of a `{group.variable.name}`"
    if x.label or y.label:
        return f"{why}, so rows do not say how it goes with single levels"
    places = group.places(rows)
    beside = [g for g in given if g.label]
    if any(not constant_within(g.blocks[rows], places) for g in beside):
        return f"{why}, and {quoted(g.variable.name for g in beside)} is not"
    count = len(np.unique(places))
    others = [g.indicators(rows) for g in beside]
    smooth = curves([g.predictor(rows) for g in given if not g.label], count)
    result = of_means(places, x.predictor(rows), y.predictor(rows), np.hstack([smooth, *others]), FREE)
    return result or f"{why}, and {count} of them are too few for a test"


def of_label(
    x: NodeColumn, y: NodeColumn, given: Sequence[NodeColumn], rows: npt.NDArray[np.bool_]
) -> Statistic | str:
    """A label against anything."""
    few = "too few rows for the number of levels"
    if y.family == "levels" and all(g.label or g.variable.levels for g in given):
        strata = combined([g.places(rows) for g in given], int(rows.sum()))
        return crossed(x.places(rows), y.places(rows), strata) or few
    if x.label and y.label and len(y.variable.levels) > MAX_LEVELS:
        x, y = y, x
    if len(y.variable.levels) > MAX_LEVELS:
        return f"both have more than {MAX_LEVELS} levels"
    if y.family == "number" or any(g.label for g in given):
        responses = (y.indicators(rows) if y.label else y.predictor(rows)).T
        span, wider = span_of(given, rows), span_of(given, rows, x)
        if y.family == "number" and (span.off(responses.T) ** 2).sum() <= FLOOR * squares_about_mean(
            responses[0]
        ):
            return function_text(y)
        return _smallest([between(span, wider, r, FREE) for r in responses]) or few
    return _smallest(_scattered(x, y, given, rows)) or few


def _scattered(
    x: NodeColumn, y: NodeColumn, given: Sequence[NodeColumn], rows: npt.NDArray[np.bool_]
) -> list[Statistic | None]:
    """The spread between a label's levels of what a regression on `given` leaves: of each level of y, or of
    counts.
    """
    count = int(rows.sum())
    columns = np.hstack([np.ones((count, 1)), span_of(given, rows).basis])
    units = y.units[rows] if y.family != "levels" else np.ones(count)
    if y.family == "levels":
        indicators = y.indicators(rows) if y.label else y.blocks[rows]
        every = np.column_stack([1 - indicators.sum(axis=1), indicators])
        responses = every if every.shape[1] > 2 else indicators
    else:
        responses = y.blocks[rows]
    statistics = []
    for response in responses.T:
        if y.family == "count":
            mean = poisson_means(response, np.log(units), columns)
            variance = mean
        else:
            share = binomial_means(response, units, columns)
            mean, variance = units * share, units * share * (1 - share)
        statistics.append(scattered(x.places(rows), response - mean, np.maximum(variance, FLOOR), columns))
    return statistics


def _smallest(results: Sequence[Statistic | None]) -> Statistic | None:
    """The clearest of several tests, its p value times their number (Bonferroni)."""
    known = [r for r in results if r is not None]
    if not known:
        return None
    statistic, p = min(known, key=lambda r: r[1])
    return statistic, min(1.0, len(known) * p)
