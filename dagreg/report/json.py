"""The machine-readable answer: what `explain` and `fit` print with `--format json`.

Numbers that are not finite become null; everything else is stated as it is in the results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dagreg.effects.types import INDIRECT
from dagreg.identify.types import AdjustmentAtLevels, Identified, NoFunctional, NotAtLevels, NotIdentified

if TYPE_CHECKING:
    from dagreg.binding.table import DataInfo
    from dagreg.doubts.types import (
        DrawDiagnostics,
        GraphTest,
        ImplicationTest,
        Overlap,
        Relabelling,
        Sensitivity,
        Specification,
    )
    from dagreg.effects.types import Bound, Coefficient, Disagreement, Dose, Estimate, Summary
    from dagreg.errors import Doubt
    from dagreg.identify.types import (
        AdjustmentSets,
        Answer,
        Conditional,
        Footing,
        Justification,
        Mediation,
        OddsRatio,
        PathEffect,
        Treated,
    )
    from dagreg.results.fit import FittedEffect, Report
    from dagreg.study import Study

Json = dict[str, Any]


def study_json(study: Study) -> Json:
    """The identification answers of one spec, ready for `json.dumps`."""
    effects = [{**answer_json(s.answer), **footing_json(s.footing)} for s in study.effects]
    return _plain_object({**_frame(study, effects), "warnings": _doubts(study.doubts)})


def report_json(report: Report) -> Json:
    """What `study_json` says, with the numbers of every effect and where they came from."""
    return _plain_object(
        {
            **_frame(
                report.study,
                [
                    {**_fitted(effect), **footing_json(studied.footing)}
                    for effect, studied in zip(report.effects, report.study.effects, strict=True)
                ],
            ),
            "data": _data(report.data),
            "versions": report.versions,
            "seed": report.seed,
            "tests": [_test(t) for t in report.tests],
            "untested": report.untested,
            "warnings": _all_warnings(report),
        }
    )


def test_json(test: GraphTest) -> Json:
    """What `dagreg test` answers."""
    beside = test.relabelling
    return _plain_object(
        {
            "spec": test.spec.path or test.spec.name,
            "implications": [{"x": x, "y": y, "given": given} for x, y, given in test.implications],
            "implications_truncated": not test.complete,
            "tests": [_test(t) for t in test.tests],
            "untested": test.untested,
            "rejected": len(test.rejected),
            "relabelled": None if beside is None else _relabelled(beside),
            "data": {"source": test.source, "rows": test.rows},
            "seed": test.seed,
        }
    )


def _relabelled(beside: Relabelling) -> Json:
    return {
        "graphs": beside.tried,
        "every": beside.every,
        "as_few_violations": beside.as_few,
        "same_independences": beside.same,
        "violated": beside.failed,
        "tested": beside.tested,
        "rows": beside.rows,
    }


def answer_json(answer: Answer) -> Json:
    """One effect as identification answers it."""
    why = answer.justification
    return {
        "exposure": why.query.exposure,
        "outcome": why.query.outcome,
        "kind": why.query.kind,
        "causal_path": why.causal_path,
        "identified": isinstance(answer, Identified),
        "strategy": answer.strategy,
        "adjustment": _adjustment(why.adjustment),
        "frontdoor": why.frontdoor,
        "instruments": [{"instrument": i.instrument, "given": i.given} for i in why.instruments],
        "estimand": answer.estimand if isinstance(answer, Identified) else None,
        "conditional": _conditional(why.conditional),
        "mediation": _mediation(why.mediation),
        "among": _treated(why.treated),
        "not_identified": _refusal(answer) if isinstance(answer, NoFunctional) else None,
        "nodes": _nodes(why),
        "paths": [
            {
                "path": p.path,
                "causal": p.causal,
                "open": p.open,
                "closed_by": p.closed_by,
                "open_after": p.open_after,
            }
            for p in why.paths
        ],
        "paths_truncated": why.paths_truncated,
        "notes": why.notes,
    }


def footing_json(footing: Footing) -> Json:
    """What an answer rests on, the easiest to doubt first."""
    return {
        "rests_on": [
            {
                "absent": s.absent,
                "present": s.present or None,
                "changes": s.changes,
                "strategy": s.strategy,
                "claim": s.claim,
                "otherwise": s.otherwise,
                "testable": s.testable,
            }
            for s in footing.supports
        ],
        "rests_on_truncated": footing.truncated,
    }


def _frame(study: Study, effects: list[Json]) -> Json:
    return {
        "spec": study.spec.path or study.spec.name,
        "effects": effects,
        "junctions": [{"kind": j.kind, "nodes": j.nodes, "shielded": j.shielded} for j in study.junctions],
        "junctions_truncated": study.junctions_truncated,
        "implications": [{"x": x, "y": y, "given": given} for x, y, given in study.implications],
        "implications_truncated": study.implications_complete is False,
    }


def _adjustment(sets: AdjustmentSets) -> Json:
    return {
        "valid": sets.chosen is not None,
        "chosen": sets.chosen,
        "minimal": sets.minimal,
        "optimal": sets.optimal,
        "truncated": sets.truncated,
        "reason": sets.reason,
        "minimum": sets.minimum,
        "cheapest": sets.cheapest,
    }


def _conditional(levels: Conditional | None) -> Json | None:
    if levels is None:
        return None
    return {
        "given": levels.given,
        "identified": not isinstance(levels, NotAtLevels),
        "strategy": None if isinstance(levels, NotAtLevels) else levels.strategy,
        "adjustment": levels.adjustment if isinstance(levels, AdjustmentAtLevels) else None,
        "estimand": None if isinstance(levels, NotAtLevels) else levels.estimand,
        "reason": levels.reason,
        "average": not (isinstance(levels, AdjustmentAtLevels) and levels.alone),
    }


def _mediation(mediation: Mediation | None) -> Json | None:
    if mediation is None:
        return None
    return {
        "mediators": mediation.mediators,
        "reference": mediation.reference,
        "natural_direct": _path_effect(mediation.direct),
        "natural_indirect": _path_effect(mediation.indirect),
        "through": [_path_effect(e) for e in mediation.through],
        "paths": [_path_effect(e) for e in mediation.paths],
        "truncated": mediation.truncated,
    }


def _treated(treated: Treated | None) -> Json | None:
    if treated is None:
        return None
    return {
        "group": treated.group,
        "identified": treated.identified,
        "estimand": treated.estimand,
        "reason": treated.reason,
    }


def _path_effect(effect: PathEffect) -> Json:
    return {
        "name": effect.name,
        "paths": effect.paths,
        "identified": effect.identified,
        "zero": effect.zero,
        "estimand": effect.estimand,
        "reason": effect.reason,
        "witness": effect.witness,
    }


def _refusal(answer: NoFunctional) -> Json:
    survives = answer.survives
    return {
        "reason": answer.reason,
        "open_paths": answer.open_paths,
        "hedge": None if answer.hedge is None else {"outer": answer.hedge.outer, "inner": answer.hedge.inner},
        "measure": answer.measure,
        "suggestions": answer.suggestions,
        "survives": None if survives is None else _survivor(survives),
    }


def _survivor(ratio: OddsRatio) -> Json:
    return {"measure": "odds ratio", "given": ratio.given, "reason": ratio.reason}


def _nodes(why: Justification) -> Json:
    return {
        name: {"roles": note.roles, "in_set": note.in_set, "why": note.why, "harmful": note.harmful}
        for name, note in why.nodes.items()
    }


def _fitted(fitted: FittedEffect) -> Json:
    result = fitted.result
    rows = [_estimate(e) for e in result.estimates] if result else []
    refused = isinstance(fitted.answer, NotIdentified)
    numbers = {"estimates": [], "associations": rows} if refused else {"estimates": rows}
    return {
        **answer_json(fitted.answer),
        **numbers,
        "coefficients": [_coefficient(c) for c in result.coefficients] if result else [],
        "dose_response": [_dose(d) for d in result.dose_response] if result else [],
        "disagreements": [_disagreement(d) for d in result.disagreements] if result else [],
        "estimate_notes": result.notes if result else (),
        "prior_predictive": result.prior_predictive if result else "",
        "left_out": [
            {"estimator": str(m.estimator), "estimand": m.estimand or None, "reason": m.reason}
            for m in fitted.plan.left_out
        ]
        if fitted.plan
        else [],
        "failures": [
            {"estimator": f.estimator, "code": f.code, "message": f.message} for f in fitted.failures
        ],
        "diagnostics": _diagnostics(fitted.diagnostics),
        "sensitivity": _sensitivity(fitted.sensitivity),
        "overlap": _overlap(fitted.overlap),
        "bounds": [_bound(b) for b in fitted.bounds],
        "no_bounds": fitted.no_bounds or None,
        "specifications": [_specification(s) for s in fitted.specifications],
        "tests": [_test(t) for t in fitted.tests],
        "doubts": _doubted(fitted.doubts),
        "warnings": _doubts(fitted.doubts),
    }


def _summary(summary: Summary) -> Json:
    return {
        "mean": summary.mean,
        "sd": summary.sd,
        "median": summary.median,
        "interval": summary.interval,
        "level": summary.level,
        "prob_positive": summary.prob_positive,
        "ess_bulk": summary.ess_bulk,
        "r_hat": summary.r_hat,
    }


def _estimate(e: Estimate) -> Json:
    return {
        "name": e.name,
        "estimand": e.estimand,
        "estimator": str(e.estimator),
        "primary": e.primary,
        "scale": str(e.scale),
        "contrast": e.contrast,
        "by": e.by,
        "adjusted_for": e.adjusted_for,
        "outcome_level": e.outcome_level,
        **_summary(e.summary),
        "label": e.label,
        **({"share_of_total": _share(e)} if e.estimand == INDIRECT and e.scale == "outcome" else {}),
    }


def _share(e: Estimate) -> Json | None:
    return None if e.share is None else {"median": e.share.median, "interval": e.share.interval}


def _dose(d: Dose) -> Json:
    return {"dose": d.dose, "outcome_level": d.outcome_level, **_summary(d.summary), "observed": d.observed}


def _coefficient(c: Coefficient) -> Json:
    return {
        "response": c.response,
        "response_level": c.response_level,
        "term": c.term,
        "estimator": str(c.estimator),
        **_summary(c.summary),
        "causal": c.causal,
        "prior": c.prior,
        "prior_given": c.prior_given,
        "why": c.why,
    }


def _disagreement(d: Disagreement) -> Json:
    return {
        "contrast": d.contrast,
        "difference": d.difference,
        "sd": d.sd,
        "disagrees": d.disagrees,
        "message": d.message,
    }


def _diagnostics(d: DrawDiagnostics | None) -> Json | None:
    if d is None:
        return None
    return {
        "engine": d.engine,
        "divergences": d.divergences,
        "max_r_hat": d.max_r_hat,
        "min_ess": d.min_ess,
        "ok": d.ok,
        "problems": d.problems,
    }


def _sensitivity(s: Sensitivity | None) -> Json | None:
    if s is None:
        return None
    return {
        "robustness_value": s.robustness_value,
        "robustness_value_interval": s.robustness_value_interval,
        "partial_r2": s.partial_r2,
        "degrees_of_freedom": s.degrees_of_freedom,
        "level": s.level,
        "benchmarks": [
            {
                "node": b.node,
                "times": b.times,
                "share_exposure": b.share_exposure,
                "share_outcome": b.share_outcome,
                "mean": b.mean,
                "sd": b.sd,
                "interval": b.interval,
            }
            for b in s.benchmarks
        ],
        "assumed": None
        if s.assumed is None
        else {
            "name": s.assumed.name,
            "mean": s.assumed.mean,
            "sd": s.assumed.sd,
            "interval": s.assumed.interval,
            "possible": s.assumed.possible,
        },
        "e_value": None
        if s.e_value is None
        else {
            "measure": s.e_value.measure,
            "estimate": s.e_value.estimate,
            "interval": s.e_value.interval,
        },
    }


def _specification(s: Specification) -> Json:
    return {
        "name": s.name,
        "adjusted_for": s.adjusted_for,
        "valid": s.valid,
        "why": s.why,
        "mean": s.mean,
        "sd": s.sd,
        "interval": s.interval,
        "primary": s.primary,
    }


def _bound(b: Bound) -> Json:
    return {
        "estimand": b.estimand,
        "contrast": b.contrast,
        "by": b.by,
        "outcome_level": b.outcome_level,
        "lower": b.lower,
        "upper": b.upper,
        "lower_interval": b.lower_interval,
        "upper_interval": b.upper_interval,
        "interval": b.interval,
        "level": b.level,
        "sharp": b.sharp,
        "assumptions": b.assumptions,
    }


def _overlap(o: Overlap | None) -> Json | None:
    if o is None:
        return None
    return {
        "contrast": o.contrast,
        "units": o.units,
        "units_without_counterpart": o.units_without_counterpart,
        "share_without_counterpart": o.share_without_counterpart,
        "effective_rows": o.effective_rows,
        "share_of_variance_left": o.left,
        "left_out": o.left_out,
        "balance": [{"node": b.node, "before": b.before, "after": b.after} for b in o.balance],
        "table": [
            {
                "node": p.node,
                "level": p.level,
                "groups": [{"name": n, "value": value, "sd": sd} for n, value, sd in p.groups],
            }
            for p in o.profile
        ],
    }


def _test(t: ImplicationTest) -> Json:
    return {
        "x": t.x,
        "y": t.y,
        "given": t.given,
        "statistic": t.statistic,
        "p": t.p,
        "p_adjusted": t.p_adjusted,
        "rejected": t.rejected,
        "curved": t.curved,
        "explained_by": t.explained_by,
    }


def _data(data: DataInfo) -> Json:
    return {
        "source": data.source,
        "rows": data.rows,
        "rows_used": data.rows_used,
        "missing": data.missing,
        "sha256": data.sha256,
        "inferred": data.inferred,
        "unnamed": data.unnamed,
    }


def _doubts(doubts: Iterable[Doubt]) -> list[Json]:
    """Warnings, each once; the message ends with what to do."""
    said = dict.fromkeys((d.code, f"{d.message} {d.remedy}".rstrip()) for d in doubts)
    return [{"code": code, "message": message} for code, message in said]


def _doubted(doubts: Iterable[Doubt]) -> list[Json]:
    """What speaks against one answer, the strongest first."""
    return [
        {"code": d.code, "about": d.about, "message": d.message, "remedy": d.remedy}
        for d in dict.fromkeys(doubts)
    ]


def _all_warnings(report: Report) -> list[Json]:
    """Every warning once, at the top, wherever it arose."""
    of_effects = (doubt for effect in report.effects for doubt in effect.doubts)
    return _doubts((*report.study.doubts, *report.doubts, *of_effects))


def _plain_object(value: Json) -> Json:
    return {key: _plain(item) for key, item in value.items()}


def _plain(value: Any) -> Any:
    """`value` in the types of JSON: tuples as lists, NumPy scalars as numbers, non-finite floats as null."""
    if type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (str, int)) or value is None:  # bool is an int
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "item"):  # a NumPy scalar
        return _plain(value.item())
    return str(value)
