"""The priors as used: the user's own, and the defaults with the rule that scaled them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagreg.report.blocks import Block, Bullets, Heading, Paragraph, Table
from dagreg.report.prose import named, sentence
from dagreg.report.view import EffectView

if TYPE_CHECKING:
    from dagreg.model.equation import Equation
    from dagreg.model.terms import PriorChoice

Line = tuple[str, str, str, str]


def priors(view: EffectView) -> tuple[Block, ...]:
    used: dict[Line, list[str]] = {}
    for model in view.models:
        for equation in model.equations:
            for line in _lines(equation):
                used.setdefault(line, []).append(model.estimator.label)
    if not used:
        return ()
    notes = tuple(dict.fromkeys(sentence(note) for model in view.models for note in model.notes))
    said = view.fitted.result.prior_predictive if view.fitted and view.fitted.result else ""
    table = Table(
        caption="The prior of every parameter",
        columns=(
            Heading("Regression of"),
            Heading("Parameter"),
            Heading("Prior"),
            Heading("Origin"),
            Heading("Used in"),
        ),
        rows=tuple((*line, ", ".join(dict.fromkeys(where))) for line, where in used.items()),
    )
    return (
        Paragraph(
            "A prior that you gave is used exactly as written. A default prior is scaled to the data by the "
            "rule shown. A prior of yours for an intercept is about predictors of zero, a default one about "
            "predictors at their means."
            + (_REFERENCE if any(_has_reference(e) for m in view.models for e in m.equations) else "")
        ),
        table,
        *((Paragraph(sentence(said)),) if said else ()),
        *((Bullets(notes),) if notes else ()),
    )


_REFERENCE = (
    " Default priors of several levels are about their differences from the reference level. With another "
    "reference the same rule says something else, and so does the answer where the data say little."
)


def _has_reference(equation: Equation) -> bool:
    """Whether default priors are about differences from one level of three or more."""
    terms = (t for t in equation.terms if len(t.columns) > 1 and not t.full and t.curve is None)
    return equation.family.predictor == "unordered" or any(not t.prior.given for t in terms)


def _lines(equation: Equation) -> Iterator[Line]:
    choices: list[tuple[str, PriorChoice]] = [
        *([("intercept", equation.intercept_prior)] if equation.has_intercept else []),
        *((term.name, term.prior) for term in equation.terms),
        *((f"sd of {d.name} by {v.group}", d.prior) for v in equation.varying for d in v.deviations),
        *((auxiliary.name, auxiliary.prior) for auxiliary in equation.auxiliaries),
    ]
    for parameter, prior in choices:
        yield named(equation.response), named(parameter), named(prior), _origin(prior)


def _origin(prior: PriorChoice) -> str:
    if prior.given:
        return "given"
    return f"default: {prior.rule}" if prior.rule and prior.rule != str(prior) else "default"
