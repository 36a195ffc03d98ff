"""Weak instruments: the first stage held against the usual threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dagreg.doubts.point import design
from dagreg.errors import Doubt
from dagreg.identify.words import quoted
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array

MIN_F_STATISTIC = 10.0  # Staiger and Stock 1997


def instrument_doubts(model: Model, data: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """What an instrument rests on, and whether its first stage is too weak to lean on."""
    if not model.estimator.offers.first_stage:
        return ()
    exposure, outcome = model.equations[0].response, model.outcome.response
    names, statistic = first_stage(model, data)
    weak = [
        Doubt(
            "DR532",
            f"The estimate rests on an instrument ({', '.join(names)}): on linear regressions, the same "
            f"effect of {exposure} for everyone, and on the instrument touching {outcome} through "
            f"{exposure} alone. Neither can be read off the data, and without them the effect is not "
            "identified.",
            remedy=(
                f"Measure the common causes of {quoted((exposure, outcome))} and draw them in `edges:`: with "
                "them the effect is identified without an instrument. Until then defend in words that no "
                f"arrow leads from {quoted(names)} to `{outcome}` past `{exposure}`."
            ),
        )
    ]
    if statistic < MIN_F_STATISTIC:
        message = (
            f"The instrument is weak: the first-stage F statistic is {statistic:.2g}, below "
            f"{MIN_F_STATISTIC:g}. The data hardly say how much the instrument moves the exposure, so the "
            "prior decides most of this estimate."
        )
        remedy = (
            f"Find an instrument that moves `{exposure}` more, or more rows; and say `priors:` under "
            f"`{exposure}` and `{outcome}` that you would defend, since they decide."
        )
        weak.append(Doubt("DR533", message, remedy=remedy))
    return tuple(weak)


def first_stage(model: Model, data: Mapping[str, Any]) -> tuple[tuple[str, ...], float]:
    """The instruments, and the F statistic of leaving them out of the first stage."""
    first = model.equations[0]
    kept = {name for term in model.outcome.terms for name in term.factors}
    this = design(model, first, data)
    names = tuple(t.name for t in first.terms if t.name not in kept)
    excluded = np.array([False, *(t.name in names for t in first.terms for _ in t.columns)])
    full, reduced = (
        _residual(this.columns[:, mask], this.response) for mask in (np.ones_like(excluded), ~excluded)
    )
    free = len(this.response) - len(excluded)
    return names, float((reduced - full) / excluded.sum() / (full / max(free, 1)))


def _residual(columns: Array, response: Array) -> float:
    left = response - columns @ np.linalg.lstsq(columns, response, rcond=None)[0]
    return float(left @ left)
