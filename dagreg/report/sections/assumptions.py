"""What has to be taken on trust: the data cannot show it."""

from __future__ import annotations

from collections.abc import Iterator

from dagreg.identify.types import Adjustment, Instrument
from dagreg.report.blocks import Block, Bullets
from dagreg.report.prose import joined, listed, named
from dagreg.report.view import Subject, study_in, views
from dagreg.results.fit import Report
from dagreg.spec.types import Spec

_MISSING = {
    "drop": "Rows with a missing value in a variable used were left out, which is harmless only where what "
    "is missing does not depend on the outcome, given the other variables of the regression.",
    "impute": "Missing values are missing at random: whether one is missing does not depend on the value "
    "itself, given what is known of the other variables of the model (Little and Rubin 2019, section "
    "1.3). The graph says nothing of why values are missing, so this is taken on trust. It may depend on "
    "the outcome, where leaving rows out would be wrong.",
}


def assumptions(subject: Subject) -> tuple[Block, ...]:
    spec = study_in(subject).spec
    return (Bullets((*_graph(spec), *_identification(subject), *_model(subject))),)


def _graph(spec: Spec) -> Iterator[str]:
    yield (
        "The graph is complete: every arrow that is not drawn, and every unobserved common cause that is "
        "not drawn, is assumed not to exist. Absent arrows are the strong assumptions; present ones claim "
        "little."
    )
    yield (
        "Consistency: a unit's outcome is the same whether its exposure is set to a value or has that value "
        "by itself, and the exposure of one unit does not change the outcome of another."
    )
    selected = [name for name, node in spec.nodes.items() if node.selected]
    if selected:
        yield f"The rows were selected on {listed(selected)}; every statement is made under this selection."
    exact = [name for name, node in spec.nodes.items() if node.observed and node.error is None]
    if exact:
        yield "Variables are measured without error, except where the spec states a measurement error."


def _identification(subject: Subject) -> Iterator[str]:
    effects = views(subject)
    sets = dict.fromkeys(
        v.justification.adjustment.chosen for v in effects if isinstance(v.answer, Adjustment)
    )
    for chosen in sets:
        if chosen:
            every = "value" if len(chosen) == 1 else "combination"
            yield (
                "Positivity: each value of the exposure that is compared could have occurred at every "
                f"{every} of {listed(chosen)} in the data."
            )
    for view in effects:
        if isinstance(view.answer, Instrument):
            yield (
                f"Linearity: the effect on {named(view.outcome)} is linear in the exposure and the same for "
                "everyone."
            )
        if view.justification.query.kind == "mediation":
            yield (
                "Cross-world independence: apart from the mediators named, nothing that the exposure changes "
                f"is a common cause of a mediator and {named(view.outcome)}. No experiment could check "
                "this."
            )


def _model(subject: Subject) -> Iterator[str]:
    if not isinstance(subject, Report):
        return
    if any(v.models for v in views(subject)):
        yield "The regressions have the right form: the families, links and terms of the program below."
    nodes = subject.study.spec.nodes
    censored = {
        e.response
        for v in views(subject)
        for m in v.models
        for e in m.equations
        if nodes[e.response].censored
    }
    if censored:
        yield (
            f"Censoring is uninformative: given the predictors, a bound of {listed(sorted(censored))} says "
            "that the value lies beyond it, and nothing more. Beyond the bounds, means rest on the family."
        )
    words = _MISSING.get(subject.study.spec.missing)
    if words and subject.data.missing:
        yield words
    yield from _unknown(subject)


def _unknown(subject: Subject) -> Iterator[str]:
    """How the values that are not known enter the models."""
    models = [m for v in views(subject) for m in v.models]
    latents = {la.variable: la for m in models for la in m.latents}
    summed = [f"{la.missing:,} of {named(la.variable)}" for la in latents.values() if la.summed]
    values = [
        f"{la.missing:,} of {named(la.variable)}" for la in latents.values() if la.missing and not la.summed
    ]
    errors = [la.variable for la in latents.values() if la.error is not None]
    dropped = {e.response: e.dropped for m in models for e in m.equations if e.dropped}
    if values:
        yield (
            f"Missing values that are parameters of the model: {joined(values)}. Each has its regression for "
            "a prior."
        )
    if summed:
        yield f"Missing levels that the likelihood is summed over: {joined(summed)}."
    for name, count in dropped.items():
        yield (
            f"{count:,} rows without {named(name)}, which predicts nothing, are left out of its regression "
            "alone."
        )
    if errors:
        yield (
            f"The measurement errors of {listed(errors)} are Normal with the standard errors given, "
            "independent of the true values and of all else (Carroll et al. 2006, section 1.2). Effects "
            "are those of the true values."
        )
