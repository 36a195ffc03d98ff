"""The numbers of one effect: estimates of every solved model, coefficients, and the dose-response curve."""

from __future__ import annotations

from dagreg.binding.table import Table
from dagreg.effects.dose import dose_response
from dagreg.effects.estimate import coefficients, estimates
from dagreg.effects.types import EffectResult, Estimate
from dagreg.engines.solve import Solved


def estimate(solved: Solved, table: Table) -> EffectResult:
    """The effect from the draws of its models, of which there are some; what checks find is added by these."""
    seed, draws = table.spec.sampling.seed, solved.by_estimator
    rows = [row for m in solved.models for row in estimates(m, draws[m.estimator], solved.distinct, seed)]
    head = next(m for m in solved.models if m.primary)
    curve = dose_response(head, draws[head.estimator], table.rows, seed)
    return EffectResult(tuple(rows), coefficients(solved.models, draws), dose_response=curve)


def of_model(result: EffectResult, estimator: str) -> tuple[Estimate, ...]:
    """The estimates of one model."""
    return tuple(e for e in result.estimates if e.estimator == estimator)
