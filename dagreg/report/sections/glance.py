"""Several questions at a glance: one row each, before any of them is taken up."""

from __future__ import annotations

from dagreg.effects.types import INDIRECT
from dagreg.identify.types import Identified, Instrument
from dagreg.report.blocks import Block, Heading, Table
from dagreg.report.prose import braces
from dagreg.report.view import EffectView, Subject, views
from dagreg.report.words import compared, quantity_unit, question
from dagreg.results.numbers import interval, number, percent


def glance(subject: Subject) -> tuple[Block, ...]:
    effects = views(subject)
    if len(effects) < 2:
        return ()
    numbers = any(v.primary() for v in effects)
    columns = (Heading("Question"), Heading("Identified"), Heading("Adjusted for"))
    return (
        Table(
            caption="One row for each question",
            columns=(*columns, Heading("Answer")) if numbers else columns,
            rows=tuple((*_start(v), _number(v)) if numbers else _start(v) for v in effects),
        ),
    )


def _start(view: EffectView) -> tuple[str, str, str]:
    chosen = view.justification.adjustment.chosen
    return (question(view), _standing(view), braces(chosen) if chosen is not None else "no set exists")


def _standing(view: EffectView) -> str:
    if isinstance(view.answer, Identified):
        return "yes" if view.justification.causal_path else "yes: zero by the graph"
    return "no: rests on linearity" if isinstance(view.answer, Instrument) else "no"


def _number(view: EffectView) -> str:
    rows = view.primary()
    if not rows:
        return "none: the model could not be solved" if view.fitted and view.fitted.failures else "none"
    s = rows[0].summary
    unit = quantity_unit(view, rows[0])
    size = f"{number(s.mean, s.sd)} {unit}" if unit else number(s.mean, s.sd)
    part = f"{rows[0].estimand}, " if rows[0].estimand == INDIRECT else ""
    words = f"{size} ({percent(s.level)} interval {interval(s)}; {part}{compared(view, rows[0], rows)})"
    if rows[0].share is not None:
        words += f", {rows[0].share.median:.0%} of the total"
    elif view.justification.query.kind == "mediation" and not part:
        words += ", the total effect"
    failed = (
        view.fitted is not None and view.fitted.diagnostics is not None and not view.fitted.diagnostics.ok
    )
    more = f"; {len(rows) - 1} more below" if len(rows) > 1 else ""
    return f"{words}{more}{'; the sampling failed its checks' if failed else ''}"
