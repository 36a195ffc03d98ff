"""Everything that speaks against an answer, gathered in the order in which it should be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagreg.check.fit import cell_doubts, dispersion_doubts, weight_doubts
from dagreg.check.influence import prior_doubts
from dagreg.check.instrument import instrument_doubts
from dagreg.check.types import Doubt
from dagreg.effects.types import Disagreement, Estimate
from dagreg.engine.draws import Draws
from dagreg.model.types import Model


def doubts_of(
    model: Model,
    estimates: Sequence[Estimate],
    draws: Mapping[str, Draws],
    data: Mapping[str, Any],
    gaps: Sequence[Disagreement],
    seed: int,
) -> tuple[Doubt, ...]:
    """The doubts about the primary model's answer."""
    if not model.complete:
        return weight_doubts(model)
    graph = [Doubt("DR531", f"Chain and adjusted estimates disagree. {g.message}") for g in gaps if g.disagrees]
    return (
        *graph,
        *instrument_doubts(model, data),
        *prior_doubts(model, estimates, data, seed),
        *weight_doubts(model),
        *cell_doubts(model, estimates, data),
        *dispersion_doubts(model, draws[model.estimator], data),
    )
