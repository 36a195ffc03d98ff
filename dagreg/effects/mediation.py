"""Natural direct and indirect effects by the g-formula on the chain (Pearl 2001; Imai, Keele and Yamamoto
2010).

With a, b the two sides of a contrast and M the mediators, all of them together: the total effect is Y(b,
M(b)) - Y(a, M(a)), the natural direct effect Y(b, M(a)) - Y(a, M(a)), the natural indirect effect Y(b, M(b))
- Y(b, M(a)). The mediators are drawn under one setting of the exposure and the outcome follows under the
other, with the same random numbers throughout, so direct and indirect effect add up to the total in every
posterior draw.

Rows appear only for what identification has judged identified (`dagreg.identify.mediation`):
`Estimand.natural` and `Estimand.through` carry its verdict. Where several mediators follow the exposure
directly, the indirect effect is split: one after the other, in the order of the graph, all paths through a
mediator learn of the new setting (Daniel et al. 2015). Where these sets of paths are apart and together hold
every indirect path, their effects add up to the indirect one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dagreg.effects.gformula import Known, changes
from dagreg.effects.rows import EncodedRows
from dagreg.effects.steps import ContrastEnd, World
from dagreg.effects.types import INDIRECT
from dagreg.model.estimand import Contrast
from dagreg.model.mediation import first_mediators
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array


@dataclass(frozen=True, slots=True)
class EffectPart:
    """One row of the decomposition: which effect, through which mediator (None: not of one).

    By draw the outcome's mean before it, and the change that it is.
    """

    estimand: str
    mediator: str | None
    start: Array
    values: Array


def decomposed(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    seed: int,
    held: Collection[str] = (),
    known: Known | None = None,
) -> tuple[EffectPart, ...]:
    """Total, natural direct and natural indirect effect, then the paths of several mediators; a number per
    draw.
    """
    everyone = frozenset(first_mediators(model))
    steps = _steps(model)
    settings = list(dict.fromkeys((frozenset[str](), everyone, *(s for step in steps for s in step[1:]))))
    worlds = [_world(model, "start", frozenset()), *(_world(model, "stop", learnt) for learnt in settings)]
    base, (_, *others) = changes(model, draws, rows, contrast, worlds, seed, held, known)
    change = dict(zip(settings, others, strict=True))
    direct, total = change[frozenset()], change[everyone]
    return (
        EffectPart("total effect", None, base, total),
        EffectPart("natural direct effect", None, base, direct),
        EffectPart(INDIRECT, None, base + direct, total - direct),
        *(
            EffectPart("path effect", m, base + change[before], change[after] - change[before])
            for m, before, after in steps
        ),
    )


def _steps(model: Model) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    """Each mediator that has a row, with the mediators that know of the new setting before and after its
    paths do.
    """
    learnt: frozenset[str] = frozenset()
    steps = []
    for carried in model.estimand.through:
        after = learnt | set(carried.first)
        steps.append((carried.mediator, after - set(carried.first), after))
        learnt = after
    return steps


def _world(model: Model, outcome: ContrastEnd, learnt: Collection[str]) -> World:
    """The outcome on one side, and the mediators that have learnt of it on the side of `stop`."""
    mediators = {e.response: "stop" if e.response in learnt else "start" for e in model.mediators}
    return {**mediators, model.outcome.response: outcome}  # type: ignore[dict-item]  # both are sides
