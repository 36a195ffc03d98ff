"""What a report is made of: the spec, the answers, and where there are data, the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dagreg.doubts.types import (
    DrawDiagnostics,
    ImplicationTest,
    Mixing,
    Overlap,
    Pooling,
    Sensitivity,
    Specification,
)
from dagreg.effects.types import Bound, EffectResult
from dagreg.errors import Doubt
from dagreg.identify.types import Answer, NotIdentified
from dagreg.results.numbers import interval, number, percent
from dagreg.spec.brief import Brief, cut
from dagreg.spec.types import Effect
from dagreg.study import Study

if TYPE_CHECKING:  # `explain` loads these types, and nothing that reads data or solves
    from dagreg.binding.table import DataInfo
    from dagreg.engines.solve import Failure
    from dagreg.model.estimators import Estimator
    from dagreg.model.plan import Model, Plan


@dataclass(frozen=True, slots=True, repr=False)
class FittedEffect:
    """One effect, answered. `result` and `diagnostics` are None exactly where nothing was fitted.

    `failures` are the models of the plan that have no draws; where the first is among them, nothing was
    fitted.
    """

    effect: Effect
    answer: Answer
    plan: Plan | None = None
    result: EffectResult | None = None
    diagnostics: DrawDiagnostics | None = None
    tests: tuple[ImplicationTest, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    mixing: tuple[Mixing, ...] = ()  # the chains of parameters worth looking at, where a sampler ran
    plates: Mapping[Estimator, str] = field(
        default_factory=dict
    )  # estimator -> its program's plate diagram, as DOT
    pooling: tuple[Pooling, ...] = ()
    failures: tuple[Failure, ...] = ()
    sensitivity: Sensitivity | None = None
    overlap: Overlap | None = None
    bounds: tuple[Bound, ...] = ()
    specifications: tuple[Specification, ...] = ()
    no_bounds: str = ""  # why there are none, where they would be of use

    @property
    def solved(self) -> tuple[Model, ...]:
        """The models that there are draws of."""
        failed = {f.builder for f in self.failures}
        if self.plan is None or self.result is None:
            return ()
        return tuple(m for m in self.plan.models if m.builder not in failed)

    def __repr__(self) -> str:
        return cut(f"<FittedEffect {self.line}>")

    @property
    def line(self) -> str:
        """The question with its first number: "total x -> y: 0.112 (94% interval 0.058 to 0.167)"."""
        asked = f"{self.effect.kind} {', '.join(self.effect.exposure)} -> {self.effect.outcome}"
        rows = [e for e in self.result.estimates if e.primary and e.scale == "outcome"] if self.result else []
        if isinstance(self.answer, NotIdentified):
            return f"{asked}: not identified"
        if not rows:
            return f"{asked}: nothing to estimate"
        s = rows[0].summary
        more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        return f"{asked}: {number(s.mean, s.sd)} ({percent(s.level)} interval {interval(s)}){more}"


@dataclass(frozen=True, slots=True, repr=False)
class Report(Brief):
    """What `fit` answers, ready to be rendered."""

    study: Study
    data: DataInfo
    effects: tuple[FittedEffect, ...]
    source: str  # model.py: the PyMC programs
    versions: Mapping[str, str]
    seed: int
    doubts: tuple[Doubt, ...] = ()  # those of no single effect
    tests: tuple[ImplicationTest, ...] = ()  # of the graph's implications, which belong to no single effect
    untested: tuple[str, ...] = ()  # why implications were not put to the data, a sentence each
    optimised: bool = (
        False  # whether programs of equal posterior, on reduced data, were solved in place of `source`
    )

    @property
    def ok(self) -> bool:
        """Whether every effect was identified, every model solved, and every sampler converged."""
        return all(
            not isinstance(e.answer, NotIdentified)
            and not e.failures
            and (e.diagnostics is None or e.diagnostics.ok)
            for e in self.effects
        )
