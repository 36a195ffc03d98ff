"""The dose-response curve: the outcome's mean with the exposure set to each of some doses, E[Y |
do(x = d)].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dagreg.effects.functional import functional_means
from dagreg.effects.gformula import contrast_means
from dagreg.effects.measures import event
from dagreg.effects.rows import EncodedRows, merge, observed_rows
from dagreg.effects.summary import summarise
from dagreg.effects.types import Dose
from dagreg.engines.draws import Draws
from dagreg.model.estimand import Contrast
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array

ENDS = (0.025, 0.975)  # quantiles of the observed exposure between which doses are spaced evenly


def dose_response(model: Model, draws: Draws, data: Mapping[str, Any], seed: int) -> tuple[Dose, ...]:
    """The mean at every dose asked for, standardised over the rows; () where no curve is asked for.

    Every dose uses the same random numbers, so that the curve is as smooth as the posterior lets it be.
    """
    asked = model.estimand.doses
    if asked is None:
        return ()
    exposure = model.variables[model.estimand.exposure[0]]
    seen = np.asarray(data[exposure.column], dtype=np.float64)
    doses = asked if isinstance(asked, tuple) else evenly(seen, asked, whole=exposure.integral)
    rows, low, high = _rows(model, data), seen.min(), seen.max()
    level = event(model.variables[model.estimand.outcome])
    return tuple(
        Dose(
            dose,
            summarise(values.reshape(draws.shape), independent=draws.independent),
            bool(low <= dose <= high),
            level,
        )
        for dose, values in zip(doses, _means(model, draws, rows, doses, seed), strict=True)
    )


def evenly(seen: Array, count: int, *, whole: bool) -> tuple[float, ...]:
    """So many doses from the 2.5 % to the 97.5 % quantile; of a count whole numbers, each once."""
    low, high = np.quantile(seen, ENDS)
    doses = np.linspace(low, high, count)
    return tuple(float(d) for d in (np.unique(np.round(doses)) if whole else np.unique(doses)))


def _rows(model: Model, data: Mapping[str, Any]) -> EncodedRows:
    """The rows to average over. The exposure is set in all of them, so its own values keep none apart."""
    rows = observed_rows(model, data)
    if model.functional is not None:  # whose marginals may be the exposure's own
        return merge(rows)
    exposure = model.estimand.exposure[0]
    others = {name: entry for name, entry in rows.unseen.items() if name != exposure}
    values = {**rows.values, exposure: np.zeros_like(rows.values[exposure])}
    return merge(replace(rows, values=values, unseen=others))


def _means(model: Model, draws: Draws, rows: EncodedRows, doses: tuple[float, ...], seed: int) -> list[Array]:
    """Two doses at a time, as the two sides of a contrast."""
    means: list[Array] = []
    for i in range(0, len(doses), 2):
        pair = doses[i : i + 2]
        contrast = Contrast(model.estimand.exposure, (pair[0],), (pair[-1],))
        sides = (
            functional_means(model, draws.flat(), rows, contrast, seed)
            if model.functional is not None
            else contrast_means(model, draws.flat(), rows, contrast, seed)
        )
        means += sides[: len(pair)]
    return means
