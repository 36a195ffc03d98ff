"""Natural direct and indirect effects by the g-formula on the chain (Pearl 2001; Imai, Keele and Yamamoto 2010).

With a, b the two sides of a contrast and M the mediators, all of them together: the total effect is Y(b, M(b)) -
Y(a, M(a)), the natural direct effect Y(b, M(a)) - Y(a, M(a)), the natural indirect effect Y(b, M(b)) - Y(b, M(a)).
The mediators are drawn under one setting of the exposure and the outcome follows under the other, with the same
random numbers throughout, so direct and indirect effect add up to the total in every posterior draw.

Where several mediators follow the exposure directly, the indirect effect is split into their paths: one
after the other, in the order of the graph, each mediator learns of the new setting (Daniel et al. 2015). A
variable between them sees the mediators before it as they are by then, so every path that starts with
exposure -> mediator counts for that mediator, and the paths add up to the indirect effect.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dagreg.effects.gformula import Side, World, means
from dagreg.effects.rows import Rows
from dagreg.engine.draws import Array
from dagreg.model.types import Contrast, Model


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the decomposition: which effect, through which mediator (None: not of one), and its draws."""

    estimand: str
    mediator: str | None
    values: Array


def decomposed(
    model: Model, draws: Mapping[str, Array], rows: Rows, contrast: Contrast, seed: int, held: Collection[str] = ()
) -> tuple[Part, ...]:
    """Total, natural direct and natural indirect effect, then the paths of several mediators; a number per draw."""
    first = first_mediators(model)
    worlds = [_world(model, "start", ()), *(_world(model, "stop", first[:i]) for i in range(len(first) + 1))]
    start, crossed, *learnt = means(model, draws, rows, contrast, worlds, seed, held)
    stop = learnt[-1]
    parts = [
        Part("total effect", None, stop - start),
        Part("natural direct effect", None, crossed - start),
        Part("natural indirect effect", None, stop - crossed),
    ]
    if len(first) > 1:
        steps = zip(first, [crossed, *learnt], learnt, strict=False)
        parts += [Part("path effect", mediator, after - before) for mediator, before, after in steps]
    return tuple(parts)


def first_mediators(model: Model) -> tuple[str, ...]:
    """The mediators with an arrow from the exposure, in the order of the graph."""
    exposures = set(model.estimand.exposure)
    return tuple(e.response for e in model.mediators if exposures & set(e.predictors))


def _world(model: Model, outcome: Side, learnt: Sequence[str]) -> World:
    """The outcome on one side, and the mediators that have learnt of it on the side of `stop`."""
    mediators = {e.response: "stop" if e.response in learnt else "start" for e in model.mediators}
    return {**mediators, model.outcome.response: outcome}  # type: ignore[dict-item]  # both are sides
