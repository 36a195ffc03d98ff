"""One effect as a section sees it: the question, the answer, and the numbers where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagreg.effects.types import Estimate, Scale
from dagreg.errors import Doubt
from dagreg.identify.types import NO_FOOTING, Answer, Footing, Justification, NotIdentified
from dagreg.results.fit import FittedEffect, Report
from dagreg.spec.types import Effect, Spec
from dagreg.study import Study

if TYPE_CHECKING:
    from dagreg.model.equation import Equation
    from dagreg.model.estimators import Estimator
    from dagreg.model.plan import Model
    from dagreg.model.summary import Variable

Subject = Study | Report


@dataclass(frozen=True, slots=True)
class EffectView:
    """`place` counts the effects from 1. `fitted` is None where there are no numbers, as in `explain`."""

    spec: Spec
    place: int
    answer: Answer
    effect: Effect
    fitted: FittedEffect | None = None
    footing: Footing = NO_FOOTING  # what the answer rests on
    unnamed: tuple[str, ...] = ()  # columns of the data that no node has

    @property
    def justification(self) -> Justification:
        return self.answer.justification

    @property
    def exposure(self) -> tuple[str, ...]:
        return self.justification.query.exposure

    @property
    def outcome(self) -> str:
        return self.justification.query.outcome

    @property
    def refused(self) -> bool:
        """Not identified, and no instrument offers an answer either."""
        return isinstance(self.answer, NotIdentified)

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        return self.fitted.result.estimates if self.fitted and self.fitted.result else ()

    @property
    def models(self) -> tuple[Model, ...]:
        return self.fitted.plan.models if self.fitted and self.fitted.plan else ()

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        return tuple(dict.fromkeys(self.fitted.doubts)) if self.fitted else ()

    def primary(self, scale: Scale = "outcome") -> tuple[Estimate, ...]:
        """The rows of the answer; none for an effect that is refused."""
        return () if self.refused else tuple(e for e in self.estimates if e.primary and e.scale == scale)

    def outcome_equation(self, estimator: Estimator) -> Equation | None:
        return next((m.outcome for m in self.models if m.estimator == estimator), None)

    def variable(self, name: str) -> Variable | None:
        return next((m.variables[name] for m in self.models if name in m.variables), None)


def study_in(subject: Subject) -> Study:
    return subject.study if isinstance(subject, Report) else subject


def views(subject: Subject) -> tuple[EffectView, ...]:
    """A view for each effect, in the order of the spec."""
    if isinstance(subject, Report):
        spec = subject.study.spec
        pairs = enumerate(zip(subject.effects, subject.study.effects, strict=True), 1)
        return tuple(
            EffectView(spec, i, f.answer, f.effect, f, s.footing, subject.data.unnamed) for i, (f, s) in pairs
        )
    return tuple(
        EffectView(subject.spec, i, s.answer, s.effect, footing=s.footing)
        for i, s in enumerate(subject.effects, 1)
    )
