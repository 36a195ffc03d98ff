"""From solved plans to the record of a fit: every effect estimated and doubted, then the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dagreg.binding.table import Table
from dagreg.doubts.bounds import effect_bounds
from dagreg.doubts.effect import doubt, touched
from dagreg.doubts.implications import Verdicts, implication_doubts
from dagreg.doubts.specifications import specifications
from dagreg.doubts.strength import strongest_first
from dagreg.effects.dose import dose_response
from dagreg.effects.estimate import coefficients, estimates
from dagreg.effects.types import EffectResult
from dagreg.emit.program import Program
from dagreg.engines.draws import Draws
from dagreg.engines.plate import fitted_plates
from dagreg.engines.solve import Solved
from dagreg.model.plan import Plan
from dagreg.optimise.types import Pieces
from dagreg.programs import idle_doubts
from dagreg.results.fit import FittedEffect, Report
from dagreg.results.stored import versions
from dagreg.spec.secrets import shareable
from dagreg.study import StudiedEffect, Study


def fitted(
    study: Study,
    solved: Iterable[Solved],
    pieces: Pieces,
    table: Table,
    program: Program,
    verdicts: Verdicts,
    *,
    thorough: bool = False,
) -> tuple[tuple[FittedEffect, ...], dict[str, Draws]]:
    """Every effect with its numbers and its doubts, and the draws of all its models by builder."""
    effects, draws = list[FittedEffect](), dict[str, Draws]()
    for studied, one in zip(study.effects, solved, strict=True):
        found = _fitted(study, studied, one, pieces, table, program, thorough)
        effects.append(replace(found, tests=verdicts.tests))
        draws |= one.draws
    return tuple(effects), draws


def _fitted(
    study: Study,
    studied: StudiedEffect,
    solved: Solved,
    pieces: Pieces,
    table: Table,
    program: Program,
    thorough: bool,
) -> FittedEffect:
    """One effect; without numbers where none of its models was solved."""
    result = estimate(solved, table) if solved.draws else None
    bounded = effect_bounds(study, studied, table, result)
    answered = FittedEffect(
        studied.effect,
        studied.answer,
        solved.plan,
        failures=solved.failures,
        doubts=bounded.doubts,
        bounds=bounded.bounds,
        no_bounds=bounded.reason,
    )
    if result is None:
        return answered
    doubted = doubt(study, studied.effect, solved, result, pieces, table)
    return replace(
        answered,
        result=doubted.result,
        diagnostics=doubted.diagnostics,
        doubts=(*bounded.doubts, *doubted.doubts),
        mixing=doubted.mixing,
        plates=fitted_plates(program, solved.models, solved.draws, table.rows),
        pooling=doubted.pooling,
        sensitivity=doubted.sensitivity,
        overlap=doubted.overlap,
        specifications=specifications(study, studied, solved, doubted.result, table, thorough=thorough),
    )


def estimate(solved: Solved, table: Table) -> EffectResult:
    """The numbers of one effect from the draws of its models, of which there are some; checks add theirs
    later.
    """
    seed, draws = table.spec.sampling.seed, solved.by_estimator
    rows = [row for m in solved.models for row in estimates(m, draws[m.estimator], solved.distinct, seed)]
    head = next(m for m in solved.models if m.primary)
    curve = dose_response(head, draws[head.estimator], table.rows, seed)
    return EffectResult(tuple(rows), coefficients(solved.models, draws), dose_response=curve)


def report_of(
    study: Study,
    table: Table,
    plans: Sequence[Plan],
    program: Program,
    pieces: Pieces,
    effects: tuple[FittedEffect, ...],
    verdicts: Verdicts,
) -> Report:
    """The record of a fit, with what is doubtful of no single effect."""
    spec = study.spec
    spared, touching = implication_doubts(verdicts.tests, study.graph, study.answers)
    return Report(
        replace(study, spec=shareable(spec)),
        table.info,
        tuple(
            replace(
                e, doubts=strongest_first((*own, *e.doubts), touched(e.answer.justification.query, e.result))
            )
            for e, own in zip(effects, touching, strict=True)
        ),
        program.source,
        versions(table.source.packages),
        spec.sampling.seed,
        (*table.doubts, *table.odd(), *idle_doubts(spec, plans), *spared),
        verdicts.tests,
        verdicts.untested,
        optimised=any(p.reduced for group in pieces.values() for p in group),
    )
