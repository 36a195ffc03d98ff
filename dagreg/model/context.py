"""What lowering needs: for any regression, and for those that answer an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagreg.errors import DagregError, Diagnostic, Span
from dagreg.families import Family
from dagreg.identify.types import AdjustmentAtLevels, Justification
from dagreg.model.estimators import Estimator
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.terms import Purpose
from dagreg.spec.types import Effect, Spec

FORMER = {"dose_response": "curve"}  # keys by the names that they had before


@dataclass(frozen=True, slots=True)
class PlannedRegression:
    """One regression to build: a response, its predictors, and why each is there."""

    response: str
    predictors: tuple[str, ...]
    purposes: Mapping[str, tuple[Purpose, str]]
    family: Family | None = None  # None: the response's own
    linked: str | None = None
    imputes: bool = False  # it is there for the values of the response that are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What building a regression needs. By itself it answers no effect."""

    spec: Spec
    variables: Mapping[str, Variable]
    summary: DataSummary | None
    responses: frozenset[str] = frozenset()  # of the regressions of one model, those that impute apart

    @property
    def exposure(self) -> tuple[str, ...]:
        """The exposures of the effect that is answered."""
        return ()

    @property
    def outcome(self) -> str | None:
        """Its outcome; None where no effect is answered."""
        return None

    @property
    def by(self) -> tuple[str, ...]:
        """The variables at whose levels it is asked for."""
        return ()

    def place(self, key: str) -> Span | None:
        """Where the effect has this key."""
        return None

    def answers(self, response: str, estimator: Estimator) -> bool:
        """Whether the exposure's coefficient in this response's regression is the effect, on the
        link scale.
        """
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectContext(Context):
    """What every step of one effect's lowering needs."""

    effect: Effect
    justification: Justification
    suffix: str

    @property
    def exposure(self) -> tuple[str, ...]:
        return self.effect.exposure

    @property
    def outcome(self) -> str:
        return self.effect.outcome

    @property
    def by(self) -> tuple[str, ...]:
        return self.effect.by

    @property
    def at_levels_alone(self) -> bool:
        """Whether the effect is identified at the levels asked for, and not on average."""
        levels = self.justification.conditional
        return isinstance(levels, AdjustmentAtLevels) and levels.alone

    def place(self, key: str) -> Span | None:
        return place_of(self.spec, self.effect, key)

    def answers(self, response: str, estimator: Estimator) -> bool:
        return response == self.outcome and self.effect.kind in estimator.offers.coefficient


def place_of(spec: Spec, effect: Effect, key: str) -> Span | None:
    """Where an effect has this key; where it has none, or was built in Python, the effect itself."""
    names = (key, FORMER[key]) if key in FORMER else (key,)
    at = spec.effects.index(effect)
    places = (spec.place("effects", at, name) or spec.place("effect", name) for name in names)
    return next((place for place in places if place is not None), effect.span)


def error_at(
    code: str, message: str, variable: Variable, effect: Effect | None = None, *, label: str = ""
) -> DagregError:
    return DagregError((Diagnostic(code, message, effect.span if effect else variable.span, label),))
