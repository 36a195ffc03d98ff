"""What lowering one effect needs, and the regressions that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagreg.errors import DagregError, Diagnostic
from dagreg.families import Family
from dagreg.identify.types import Justification
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.terms import Purpose
from dagreg.spec.types import Effect, Spec


@dataclass(frozen=True, slots=True)
class Regression:
    """One regression to build: a response, its predictors, and why each is there."""

    response: str
    predictors: tuple[str, ...]
    purposes: Mapping[str, tuple[Purpose, str]]
    family: Family | None = None  # None: the response's own
    linked: str | None = None
    imputes: bool = False  # it is there for the values of the response that are not known


@dataclass(frozen=True, slots=True)
class Context:
    """What every step of one effect's lowering needs."""

    spec: Spec
    effect: Effect
    justification: Justification
    variables: Mapping[str, Variable]
    summary: DataSummary | None
    suffix: str
    responses: frozenset[str] = frozenset()  # of the regressions of one model, those that impute apart


def error_at(
    code: str, message: str, variable: Variable, effect: Effect | None = None, *, label: str = ""
) -> DagregError:
    return DagregError((Diagnostic(code, message, effect.span if effect else variable.span, label),))
