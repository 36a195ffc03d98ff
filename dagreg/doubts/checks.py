"""Everything that speaks against an answer, gathered in the order in which it should be read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dagreg.doubts.between_groups import group_doubts
from dagreg.doubts.digits import digit_doubts
from dagreg.doubts.disagreement import compared, obstacle
from dagreg.doubts.dispersion import Beside, dispersion_doubts
from dagreg.doubts.fit import cell_doubts, empty_level_doubts, weight_doubts
from dagreg.doubts.influence import prior_doubts
from dagreg.doubts.instrument import instrument_doubts
from dagreg.doubts.modification import modification_doubts
from dagreg.doubts.point import irregularity
from dagreg.doubts.separation import separation_doubts
from dagreg.doubts.tails import tail_doubts
from dagreg.effects.types import Disagreement, Estimate
from dagreg.engines.draws import Draws
from dagreg.errors import Doubt
from dagreg.model.plan import Model


def doubts_of(
    model: Model,
    estimates: Sequence[Estimate],
    draws: Mapping[str, Draws],
    data: Mapping[str, Any],
    gaps: Sequence[Disagreement],
    seed: int,
    beside: Beside | None = None,
) -> tuple[Doubt, ...]:
    """The doubts about the primary model's answer; `beside` are rows of all that is observed."""
    if not model.complete:
        return (*tail_doubts(estimates), *digit_doubts(model), *weight_doubts(model))
    graph = [
        Doubt(
            "DR531",
            f"Chain and adjusted estimates disagree. {g.message}",
            about=f"{estimates[0].estimand} {estimates[0].name}, chain and adjusted",
            remedy=_gap_remedy(model.outcome.response),
        )
        for g in gaps
        if g.disagrees
    ]
    return (
        *graph,
        *tail_doubts(estimates),
        *digit_doubts(model),
        *empty_level_doubts(model),
        *separation_doubts(model, data),
        *instrument_doubts(model, data),
        *prior_doubts(model, estimates, data, seed),
        *weight_doubts(model),
        *group_doubts(model, draws[model.estimator], data),
        *cell_doubts(model, estimates, data),
        *modification_doubts(model, estimates, data, seed),
        *dispersion_doubts(model, draws[model.estimator], data, beside),
    )


def _gap_remedy(response: str) -> str:
    return (
        "Look for an arrow or a common cause that `edges:` lacks: the tests of the graph's claims say "
        "between which two. Where none is rejected, the regressions may have the wrong form: try "
        f"`interactions:` or a curve under `{response}` and under the mediators."
    )


_NO_MODE = "that takes refits by iteratively reweighted least squares, and"


def not_made(models: Sequence[Model], rows: float = math.inf) -> tuple[str, ...]:
    """The checks that these models leave unmade on so many rows, a sentence each with the reason."""
    return (
        *_not_compared(models, rows),
        *_not_released(models[0]),
        *_not_dispersed(models[0]),
    )


def _not_compared(models: Sequence[Model], rows: float) -> tuple[str, ...]:
    pair = compared(models)
    reason = obstacle(*pair, rows) if pair is not None else ""
    return (f"Chain and adjusted estimates were not compared: {_NO_MODE} {reason}.",) if reason else ()


def _not_released(model: Model) -> tuple[str, ...]:
    """Whether the user's priors decide the answer, where there are any."""
    given = [e for e in model.equations if e.intercept_prior.given or any(t.prior.given for t in e.terms)]
    if len(given) == 0:
        return ()
    reason = irregularity(model.outcome)
    if not model.estimand.average:
        reason = "the check is of the average effect, which is not identified here"
    elif len(model.equations) > 1:
        reason = (
            f"the {model.estimator} model has {len(model.equations)} regressions, and the check is of one"
        )
    else:
        reason = reason and f"{_NO_MODE} {reason}"
    return (f"Whether your priors decide the answer was not checked: {reason}.",) if reason else ()


def _not_dispersed(model: Model) -> tuple[str, ...]:
    reason, counted = irregularity(model.outcome), not model.variables[model.outcome.response].levels
    if not (model.outcome.family.overdispersion and counted and reason):
        return ()
    return (
        f"Whether `{model.outcome.response}` varies more than its family allows was not checked: {reason}.",
    )
