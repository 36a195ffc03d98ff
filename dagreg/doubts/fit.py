"""Doubts about the outcome's regression: additivity, positivity, rows that count as many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.doubts.between_groups import fixed_within
from dagreg.doubts.point import design_of_rows
from dagreg.effects.estimate import comparison
from dagreg.effects.rows import averaged_over
from dagreg.effects.types import Estimate
from dagreg.errors import Doubt
from dagreg.identify.words import quoted
from dagreg.model.design import constant, encode, encoded
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array, Index
from dagreg.spec.types import Level


def weight_doubts(model: Model) -> tuple[Doubt, ...]:
    """Regressions of mediators in which a row counts as many times as the outcome has trials."""
    weighted = [e.response for e in model.equations if e.weights is not None]
    if not weighted:
        return ()
    message = (
        f"In the {model.estimator} model each row counts as many times as {model.outcome.response} has "
        f"trials, in the regression of {', '.join(weighted)} too. That is right where a row stands for so "
        "many units with these values; where it was measured once per row, the intervals are too narrow."
    )
    remedy = (
        f"Where {quoted(weighted)} {'was' if len(weighted) == 1 else 'were'} measured once per row, give the "
        f"data a row for each unit and take `trials:` from `{model.outcome.response}`."
    )
    return (Doubt("DR524", message, remedy=remedy),)


def empty_level_doubts(model: Model) -> tuple[Doubt, ...]:
    """Positivity (DR522) where a side of a contrast is a level that `levels:` lists and no row has."""
    sides = dict.fromkeys(side for contrast in model.estimand.contrasts for side in _empty(model, contrast))
    return tuple(
        Doubt(
            "DR522",
            f"Positivity: no row has {name} = {level}, a level that `levels:` lists. What the outcome "
            "would be there is the prior's word alone, and so is every comparison with it.",
            remedy=f"Take `{level}` out of the `levels:` of `{name}`, or put another level first.",
        )
        for name, level in sides
    )


def _empty(model: Model, contrast: Contrast) -> list[tuple[str, Level]]:
    """The exposures and levels of a contrast that no row has."""
    sides = [
        s
        for side in (contrast.start, contrast.stop)
        for s in zip(contrast.exposures, side or (), strict=False)
    ]
    shares = {name: dict(zip(v.levels, v.shares, strict=False)) for name, v in model.variables.items()}
    return [
        (name, level) for name, level in sides if any(shares[name].values()) and shares[name].get(level) == 0
    ]


def cell_doubts(model: Model, estimates: Sequence[Estimate], data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """Positivity, and whether a saturated model of the cells gives another answer than the additive one.

    Only where exposure and adjustment set are discrete. The saturated estimate is the g-formula over the
    observed cell means (Hernan and Robins 2020, section 13.1). Groups are no strata where the exposure was
    set for whole ones: levels with one side only are then the design.
    """
    exposures = model.estimand.exposure
    others = [n for n in model.outcome.predictors if n not in exposures and not _whole(model, n, data)]
    discrete = all(model.variables[n].levels or model.variables[n].type == "count" for n in others)
    settings = all(model.variables[x].levels for x in exposures)
    if model.outcome.censoring is not None or not model.estimand.average:
        return ()
    if len(model.equations) > 1 or model.outcome.levels or not settings or not discrete or not others:
        return ()
    cells = _cells(model, others, data)
    doubts: list[Doubt] = []
    heads = [e for e in estimates if e.average]
    for contrast, estimate in zip(model.estimand.contrasts, heads, strict=True):
        if _empty(model, contrast):
            continue  # said already
        doubts += _compare(model, contrast, estimate, cells, data)
    return tuple(doubts)


def _whole(model: Model, name: str, data: Mapping[str, Any]) -> bool:
    """Whether it is a group within which no exposure varies."""
    return model.variables[name].sampled and fixed_within(model, name, data)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Of each row: its stratum, the units it stands for in the average (0: not averaged over), the trials or
    units of exposure it counts over, its sum.
    """

    strata: Index
    units: Array
    size: Array
    total: Array


def _cells(model: Model, others: Sequence[str], data: Mapping[str, Any]) -> _Cells:
    this = design_of_rows(model, model.outcome, data)
    table = np.hstack(list(encoded(model, others, data).values()))
    strata = np.unique(table, axis=0, return_inverse=True)[1].ravel()
    averaged = this.units * averaged_over(model, data, len(strata))
    return _Cells(strata, averaged, this.units * np.exp(this.offset), this.units * this.response)


def _compare(
    model: Model, contrast: Contrast, estimate: Estimate, cells: _Cells, data: Mapping[str, Any]
) -> list[Doubt]:
    assert contrast.start is not None
    assert contrast.stop is not None  # levels always have both sides
    sides = [_means(cells, _set_to(model, contrast, side, data)) for side in (contrast.start, contrast.stop)]
    share = np.bincount(cells.strata, weights=cells.units) / cells.units.sum()
    both = (sides[0][1] > 0) & (sides[1][1] > 0)
    what = comparison(model, contrast)
    lost = float(share[~both].sum())
    if lost > 0:
        message = (
            f"Positivity: {lost:.1%} of the units lie in strata of "
            f"{', '.join(model.estimand.adjusted_for)} that hold only one side of the contrast ({what}). "
            f"{_where_empty(model)}"
        )
        remedy = (
            f"Merge levels of {quoted(model.estimand.adjusted_for)} where the data are made, or answer for "
            "the strata that hold both sides alone: `data: {source: ..., query: ...}` with a `WHERE` that "
            "keeps them."
        )
        return [Doubt("DR522", message, remedy=remedy)]
    saturated = float(share @ (sides[1][0] - sides[0][0]))
    difference = estimate.summary.mean - saturated
    if model.outcome.link.name == "identity" or abs(difference) <= estimate.summary.sd:
        return []
    message = (
        f"Additivity: the regression used here is additive on the {model.outcome.link.name} scale and "
        f"gives {estimate.summary.mean:.3g} ({what}); a saturated model, each cell with its own mean, "
        f"gives {saturated:.3g}. The additive answer is the one reported. Where they differ this much, the "
        "effect varies between strata."
    )
    others = [n for n in model.outcome.predictors if n not in contrast.exposures]
    products = ", ".join(f'"{x}:{n}"' for x in contrast.exposures for n in others)
    remedy = f"`interactions: [{products}]` under `{model.outcome.response}` lets the effect vary."
    return [Doubt("DR523", message, remedy=remedy)]


def _where_empty(model: Model) -> str:
    """What the answer rests on where there are no rows."""
    cells = [t for t in model.outcome.terms if t.full and not t.numbers and len(t.factors) > 1]
    if not cells:
        return "There the answer is the regression's extrapolation."
    return (
        f"Cells without rows have means of their own: there the answer is the prior alone, {cells[0].prior}."
    )


def _set_to(
    model: Model, contrast: Contrast, side: Sequence[Level], data: Mapping[str, Any]
) -> npt.NDArray[np.bool_]:
    """The rows whose exposures are all as on this side of the contrast."""
    matches = []
    for name, level in zip(contrast.exposures, side, strict=True):
        variable = model.variables[name]
        exposure = encode(variable, data[variable.column])
        matches.append((exposure == constant(variable, level, len(exposure))).all(axis=1))
    return np.all(matches, axis=0)


def _means(cells: _Cells, chosen: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """The mean response (per trial, per unit of exposure) of the chosen rows in each stratum, and what it
    rests on.
    """
    count = int(cells.strata.max()) + 1
    size = np.bincount(cells.strata, weights=cells.size * chosen, minlength=count)
    total = np.bincount(cells.strata, weights=cells.total * chosen, minlength=count)
    return np.divide(total, size, out=np.zeros(count), where=size > 0), size
