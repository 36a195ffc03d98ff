"""The numbers of a result as tidy tables: a row for each number with what it is of, a column for each of its
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from dagreg.doubts.types import ImplicationTest
from dagreg.effects.types import Coefficient, Estimate, Summary
from dagreg.errors import DagregError, Diagnostic, did_you_mean
from dagreg.results.fit import FittedEffect, Report

TableKind = Literal["estimates", "coefficients", "tests"]
TableRow = dict[str, Any]


def table(report: Report, of: str) -> dict[str, list[Any]]:
    """Columns by name, in the order of `results.json`.

    Raises DagregError (DR567) for a table that there is not.
    """
    if of not in _ROWS:
        label = did_you_mean(of, get_args(TableKind)) or f"there are {', '.join(get_args(TableKind))}"
        raise DagregError((Diagnostic("DR567", f"no table `{of}`", label=label),))
    rows = list(_ROWS[of](report))
    names = dict.fromkeys((*_COLUMNS[of], *(name for row in rows for name in row)))
    return {name: [row.get(name) for row in rows] for name in names}


def _estimates(report: Report) -> Iterator[TableRow]:
    for place, fitted in enumerate(report.effects, 1):
        for e in fitted.result.estimates if fitted.result else ():
            yield _of_effect(place, fitted) | _estimate(e)


def _of_effect(place: int, fitted: FittedEffect) -> TableRow:
    exposure = ", ".join(fitted.effect.exposure)
    return {
        "effect": place,
        "exposure": exposure,
        "outcome": fitted.effect.outcome,
        "kind": fitted.effect.kind,
    }


def _estimate(e: Estimate) -> TableRow:
    start, stop = e.contrast if e.contrast is not None else (None, None)
    return {
        "estimand": e.estimand,
        "estimator": str(e.estimator),
        "primary": e.primary,
        "scale": str(e.scale),
        "outcome_level": e.outcome_level,
        "from": start,
        "to": stop,
        **{f"by[{name}]": level for name, level in e.by.items()},
        "adjusted_for": ", ".join(e.adjusted_for),
        **_summary(e.summary),
        "label": e.label,
    }


def _coefficients(report: Report) -> Iterator[TableRow]:
    for place, fitted in enumerate(report.effects, 1):
        for c in fitted.result.coefficients if fitted.result else ():
            yield _of_effect(place, fitted) | _coefficient(c)


def _coefficient(c: Coefficient) -> TableRow:
    return {
        "estimator": str(c.estimator),
        "response": c.response,
        "response_level": c.response_level,
        "term": c.term,
        **_summary(c.summary),
        "causal": c.causal,
        "prior": c.prior,
        "prior_given": c.prior_given,
        "why": c.why,
    }


def _test(t: ImplicationTest) -> TableRow:
    given = ", ".join(t.given)
    numbers = {"statistic": t.statistic, "p": t.p, "p_adjusted": t.p_adjusted, "rejected": t.rejected}
    why = {"curved": t.curved, "explained_by": ", ".join(t.explained_by)}
    return {"x": t.x, "y": t.y, "given": given, **numbers, **why}


def _summary(s: Summary) -> TableRow:
    low, high = s.interval
    return {
        "mean": s.mean,
        "sd": s.sd,
        "median": s.median,
        "lower": low,
        "upper": high,
        "level": s.level,
        "prob_positive": s.prob_positive,
        "ess_bulk": s.ess_bulk,
        "r_hat": s.r_hat,
    }


_ROWS: Mapping[str, Callable[[Report], Iterator[TableRow]]] = {
    "estimates": _estimates,
    "coefficients": _coefficients,
    "tests": lambda report: map(_test, report.tests),
}
_HEAD = ("effect", "exposure", "outcome", "kind")
_NUMBERS = ("mean", "sd", "median", "lower", "upper", "level", "prob_positive", "ess_bulk", "r_hat")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "estimates": (*_HEAD, "estimand", "estimator", "primary", "scale", "outcome_level", "from", "to"),
    "coefficients": (*_HEAD, "estimator", "response", "response_level", "term", *_NUMBERS),
    "tests": ("x", "y", "given", "statistic", "p", "p_adjusted", "rejected", "curved", "explained_by"),
}
"""Those that are there whether or not there is a row, and first."""
