"""A paragraph on methods and one on results, made of the facts of the run, ready for a paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagreg.identify.types import Adjustment, Answer, FrontDoor, Functional, Identified, Instrument
from dagreg.report.blocks import Block, Bullets, Paragraph
from dagreg.report.prose import counted, joined, listed, named, sentence
from dagreg.report.references import cited, short
from dagreg.report.view import EffectView, Subject, views
from dagreg.report.words import answer_sentence, compared, question, scale
from dagreg.results.fit import Report
from dagreg.results.numbers import interval, number, percent

if TYPE_CHECKING:
    from dagreg.model.equation import Equation

MAX_EFFECTS = 6


def paper(subject: Subject) -> tuple[Block, ...]:
    if not isinstance(subject, Report):
        return ()
    shown = [v for v in views(subject)[:MAX_EFFECTS] if v.primary()]
    if not shown:
        return ()
    return (
        Paragraph(
            "To paste and to edit: what only the authors can say (why these arrows, why no others, how the "
            "data were gathered) is not in it. `dagreg report` with `-o cited.bib` writes the works cited."
        ),
        Paragraph(f"Methods. {' '.join(_methods(subject, shown))}"),
        Paragraph(f"Results. {' '.join(_results(subject, shown))}"),
        Bullets(tuple(_reference(dict(w.fields)) for w in cited(subject))),
    )


def _methods(report: Report, shown: list[EffectView]) -> Iterator[str]:
    spec = report.study.spec
    hidden = [n for n, node in spec.nodes.items() if not node.observed]
    graph = f"{counted(len(spec.nodes), 'variable')} and {counted(len(spec.edges), 'arrow')}"
    unobserved = f", {listed(hidden)} unobserved" if 0 < len(hidden) <= 5 else ""
    yield (
        f"We stated our causal assumptions as a directed acyclic graph of {graph}{unobserved}"
        f"{short(shown[0], 'pearl2009', 'tennant2021')}."
    )
    for view in shown:
        yield from _identified(view)
        yield from _regressed(view)
    rows = report.data
    left = rows.rows - rows.rows_used
    why = {"drop": " because of missing values", "impute": ""}.get(spec.missing, "")
    yield (
        f"We used {counted(rows.rows_used, 'row')} of data"
        + (f"; {left:,} more were left out{why}." if left > 0 else ".")
    )
    if spec.missing == "impute" and rows.missing:
        yield "Missing values were imputed within the model, on the assumption of missingness at random."
    used = dict.fromkeys(e for v in shown for e in _engines(v))
    by = f"{'engine' if len(used) == 1 else 'engines'} {joined(used)}, " if used else ""
    version = report.versions.get("dagreg", "")
    yield f"Posteriors were computed with dagreg {version} ({by}seed {report.seed})."


def _identified(view: EffectView) -> Iterator[str]:
    x, y = listed(view.exposure), named(view.outcome)
    kind = {"direct": "controlled direct", "mediation": "natural indirect"}.get(
        view.justification.query.kind, "total"
    )
    yield f"The quantity of interest is the {kind} effect of {x} on {y}, {_way(view, view.answer)}."


def _way(view: EffectView, answer: Answer) -> str:
    match answer:
        case Adjustment():
            by = (
                f"adjustment for {listed(answer.adjusted_for)}"
                if answer.adjusted_for
                else "no adjustment at all"
            )
            return f"which the graph identifies by {by}{short(view, 'shpitser2010', 'henckel2022')}"
        case FrontDoor():
            return (
                f"which the graph identifies by the front-door formula through {listed(answer.mediators)}"
                + short(view, "pearl1995")
            )
        case Functional():
            return (
                f"which the graph identifies by the ID algorithm{short(view, 'tian2002')}: {answer.estimand}"
            )
        case Instrument():
            given = f" given {listed(answer.given)}" if answer.given else ""
            what = "an instrument" if len(answer.instruments) == 1 else "instruments"
            return (
                f"which the graph alone does not identify; we used {listed(answer.instruments)} as {what}"
                f"{given}, on the assumption that the effect is linear and the same for everyone"
                f"{short(view, 'angrist1996')}"
            )
        case _:
            return "which is zero by the graph; the estimate tests that"


def _regressed(view: EffectView) -> Iterator[str]:
    model = next((m for m in view.models if m.primary), None)
    if model is None:
        return
    parts = [_regression(e) for e in (*model.mediators, model.outcome)]
    given = any(t.prior.given for e in model.equations for t in e.terms)
    priors = "the priors given below" if given else "weakly informative priors scaled to the data"
    yield f"We fitted {joined(parts)}, with {priors}."
    if isinstance(view.answer, Identified) and model.outcome.link.name != "identity":
        yield (
            "Effects are contrasts of the outcome's mean, averaged over the rows of the data by the g-formula"
            f"{short(view, 'robins1986')}."
        )


def _engines(view: EffectView) -> list[str]:
    diagnostics = view.fitted.diagnostics if view.fitted else None
    return diagnostics.engine.split(", ") if diagnostics is not None else []


def _regression(equation: Equation) -> str:
    on = listed(equation.regressors) if equation.regressors else "a constant"
    link = "" if equation.link.name == "identity" else f" with the {equation.link.name} link"
    return f"a Bayesian {equation.family.words} regression{link} of {named(equation.response)} on {on}"


def _results(report: Report, shown: list[EffectView]) -> Iterator[str]:
    for view in shown:
        first = view.primary()[0]
        if len(shown) > 1:
            yield f"{question(view)}"
        yield answer_sentence(view, first) if view.justification.causal_path else _test(view)
        yield from _association(view)
        strong = view.doubts[:1]
        if strong:
            yield f"A caution: {sentence(strong[0].message)}"


def _test(view: EffectView) -> str:
    s = view.primary()[0].summary
    size = f"{number(s.mean, s.sd)} ({percent(s.level)} interval {interval(s)})"
    return f"The association left after adjustment was {size}."


def _association(view: EffectView) -> Iterator[str]:
    first = view.primary()[0]
    for e in view.estimates:
        if (
            not e.estimator.offers.effect
            and e.scale == first.scale
            and e.contrast == first.contrast
            and not e.by
        ):
            s = e.summary
            words = f"{scale(view, e)}, {compared(view, e, view.estimates)}"
            yield f"Without adjustment the association was {number(s.mean, s.sd)} ({interval(s)}; {words})."
            return


def _reference(fields: dict[str, str]) -> str:
    """A work in one line."""
    where = fields.get("journal") or fields.get("booktitle") or fields.get("publisher") or ""
    volume = f" {fields['volume']}" if "volume" in fields else ""
    number_ = f"({fields['number'].replace('--', '-')})" if "number" in fields else ""
    pages = f": {fields['pages'].replace('--', '-')}" if "pages" in fields else ""
    authors = fields["author"].replace("\\'c", "c").replace(" and others", " et al.").replace(" and ", " & ")
    title = fields["title"].replace("{", "").replace("}", "")
    return f"{authors} ({fields['year']}). {title}. {where}{volume}{number_}{pages}."
