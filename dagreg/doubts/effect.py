"""One effect doubted: every check of its models, and what the checks add to its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dagreg.binding.summary import columns_of
from dagreg.binding.table import Table
from dagreg.doubts.bounds import nodes_of_bounds
from dagreg.doubts.by_levels import by_level_notes
from dagreg.doubts.checks import doubts_of, not_made
from dagreg.doubts.collinear import collinearity
from dagreg.doubts.confounding import sensitivity
from dagreg.doubts.diagnostics import diagnose
from dagreg.doubts.disagreement import disagreements
from dagreg.doubts.dispersion import Beside, beside_outcome, between_rows, rows_beside
from dagreg.doubts.explanations import explained
from dagreg.doubts.graph_test import nodes_tested, probe_of
from dagreg.doubts.implication_columns import MAX_ROWS
from dagreg.doubts.implications import Verdicts, verdicts_on
from dagreg.doubts.mixing import mixing
from dagreg.doubts.overlap import overlap_doubts, overlap_of
from dagreg.doubts.pooling import poolings
from dagreg.doubts.prior_predictive import prior_check
from dagreg.doubts.types import DrawDiagnostics, Mixing, Overlap, Pooling, Sensitivity
from dagreg.effects.estimate import surrogate_notes
from dagreg.effects.types import EffectResult, Estimate
from dagreg.engines.explain import sentences
from dagreg.engines.solve import Solved
from dagreg.errors import Doubt
from dagreg.identify.types import Query
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.optimise.types import Pieces
from dagreg.spec.brief import Brief
from dagreg.spec.types import Effect
from dagreg.study import Study


@dataclass(frozen=True, slots=True, repr=False)
class Doubted(Brief):
    """The numbers of one effect with what the checks add to them, and what speaks against them."""

    result: EffectResult
    diagnostics: DrawDiagnostics
    doubts: tuple[Doubt, ...]
    mixing: tuple[Mixing, ...]
    pooling: tuple[Pooling, ...]
    sensitivity: Sensitivity | None
    overlap: Overlap | None


def nodes_of_checks(study: Study) -> Iterable[str]:
    """The nodes whose columns checks read beside the regressions': of the graph's implications, beside
    outcomes, and those that bounds are made of.
    """
    outcomes = dict.fromkeys(s.effect.outcome for s in study.effects)
    beside = [n for y in outcomes for n in beside_outcome(study.spec, study.graph, y)]
    return dict.fromkeys((*nodes_tested(study.spec, study.implications), *beside, *nodes_of_bounds(study)))


def graph_verdicts(study: Study, table: Table) -> Verdicts:
    """The independences that the graph implies, held against the data, with what would explain rejections."""
    probe = probe_of(study, table, nodes_tested(study.spec, study.implications))
    verdicts = verdicts_on(study.implications, probe)
    return replace(verdicts, tests=explained(verdicts.tests, study.graph, probe))


def doubt(
    study: Study, effect: Effect, solved: Solved, result: EffectResult, pieces: Pieces, table: Table
) -> Doubted:
    """Every check of one effect's models, of which there are some."""
    spec, seed, models, draws = study.spec, study.spec.sampling.seed, solved.models, solved.by_estimator
    first, head = models[0], next(m for m in models if m.primary)
    numbers: dict[str, tuple[Estimate, ...]] = {
        m.estimator: tuple(e for e in result.estimates if e.estimator == m.estimator) for m in models
    }
    by_name = {m.estimator: m for m in models}
    gaps = (
        disagreements(by_name[Estimator.ADJUSTED], by_name[Estimator.CHAIN], numbers, solved.distinct, seed)
        if {Estimator.ADJUSTED, Estimator.CHAIN} <= set(by_name)
        else ()
    )
    priors = prior_check(head, numbers[head.estimator], table.rows, seed)
    tied, harmless = collinearity(first, draws[first.estimator], solved.distinct)
    beside = _beside(study, first, effect.outcome, table)
    doubts = doubts_of(first, numbers[first.estimator], draws, solved.distinct, gaps, seed, beside)
    alike = overlap_of(head, table.rows, seed)
    notes = (
        *by_level_notes(spec, effect.by, models),
        *not_made(models, table.rows.count),
        *surrogate_notes(result.estimates),
        *harmless,
    )
    engines = [(part.engine, part.origin) for m in models for part in draws[m.estimator].parts]
    unknown = {symbol for m in models for symbol in m.unknown}
    plan = sentences([piece for m in models for piece in pieces[m.builder]], engines)
    return Doubted(
        replace(result, disagreements=gaps, notes=notes, prior_predictive=priors.sentence),
        replace(diagnose(draws, result.estimates, unknown), plan=plan),
        (*tied, *doubts, *priors.doubts, *overlap_doubts(alike, head)),
        mixing(models, draws),
        poolings(models, draws, table.rows),
        sensitivity(head, numbers[head.estimator], table.rows, draws[head.estimator], effect.assume, seed),
        alike,
    )


def touched(query: Query, result: EffectResult | None) -> str:
    """The estimate that answers, by name: "total effect x -> y, adjusted"; without one the question."""
    rows = result.estimates if result is not None else ()
    head = next((e for e in rows if e.primary), rows[0] if rows else None)
    if head is None:
        return f"{query.kind} effect {', '.join(query.exposure)} -> {query.outcome}"
    return f"{head.estimand} {head.name}, {head.estimator.label}"


def _beside(study: Study, model: Model, outcome: str, table: Table) -> Beside | None:
    """A sample of the rows with all that is observed beside the outcome; None where no check asks for it."""
    if not between_rows(model.outcome):
        return None
    spec, names = study.spec, beside_outcome(study.spec, study.graph, outcome)
    known = [n for n in names if (spec.nodes[n].column or n) in table.source.columns]
    columns = columns_of(spec, (model.outcome.response, *known))
    return rows_beside(spec, model, known, table.rows.sample(columns, MAX_ROWS, spec.sampling.seed))
