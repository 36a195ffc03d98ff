"""A report's content, in order. Every renderer writes this one document, so that no two can differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dagreg.report.blocks import Block, Document, Section
from dagreg.report.prose import counted, named
from dagreg.report.sections.agreement import agreement
from dagreg.report.sections.answer import answer
from dagreg.report.sections.assumptions import assumptions
from dagreg.report.sections.belief import belief
from dagreg.report.sections.bounds import bounds
from dagreg.report.sections.coefficients import coefficients
from dagreg.report.sections.confounding import confounding
from dagreg.report.sections.diagnostics import diagnostics
from dagreg.report.sections.dose import dose_response
from dagreg.report.sections.doubts import doubts, general_doubts
from dagreg.report.sections.estimates import associations, estimates
from dagreg.report.sections.glance import glance
from dagreg.report.sections.implications import implications
from dagreg.report.sections.junctions import junctions
from dagreg.report.sections.left_out import left_out
from dagreg.report.sections.mediation import mediation
from dagreg.report.sections.movement import movement
from dagreg.report.sections.nodes import every_node, must_not_adjust
from dagreg.report.sections.overlap import overlap
from dagreg.report.sections.paper import paper
from dagreg.report.sections.paths import paths
from dagreg.report.sections.picture import picture
from dagreg.report.sections.pooling import pooling
from dagreg.report.sections.priors import priors
from dagreg.report.sections.program import program
from dagreg.report.sections.provenance import provenance
from dagreg.report.sections.refusal import refusal
from dagreg.report.sections.rests_on import rests_on
from dagreg.report.view import EffectView, Subject, study_in, views
from dagreg.report.words import question
from dagreg.results.fit import Report

OfEffect = Callable[[EffectView], tuple[Block, ...]]
OfWhole = Callable[[Subject], tuple[Block, ...]]

BEFORE: tuple[tuple[str, OfWhole], ...] = (("The answers at a glance", glance),)

OF_EFFECT: tuple[tuple[str, OfEffect], ...] = (
    ("The graph", picture),
    ("Why this can be believed", belief),
    ("Why there is no answer from the graph alone", refusal),
    ("What this answer rests on", rests_on),
    ("What can still be said: bounds", bounds),
    ("How the effect is carried", mediation),
    ("The paths", paths),
    ("What must not be adjusted for", must_not_adjust),
    ("Estimates", estimates),
    ("Dose and response", dose_response),
    ("What else could move it", movement),
    ("If a common cause was missed", confounding),
    ("Overlap and balance", overlap),
    ("Associations, not effects", associations),
    ("A test of the graph: chain against adjustment", agreement),
    ("Coefficients", coefficients),
    ("Partial pooling", pooling),
    ("Priors", priors),
    ("Doubts", doubts),
    ("Diagnostics", diagnostics),
    ("Every variable", every_node),
    ("Estimators left out", left_out),
)

AFTER: tuple[tuple[str, OfWhole], ...] = (
    ("General warnings", general_doubts),
    ("What the graph claims about the data", implications),
    ("Junctions", junctions),
    ("Assumptions", assumptions),
    ("For a paper", paper),
    ("The program", program),
    ("Provenance", provenance),
)


def document(subject: Subject) -> Document:
    """The whole report: the number first, then why it can be believed, then everything else."""
    return Document(
        title=named(study_in(subject).spec.name),
        subtitle=subtitle(subject),
        sections=(*_whole(BEFORE, subject, "before"), *_effects(subject), *_whole(AFTER, subject, "after")),
    )


def subtitle(subject: Subject) -> str:
    spec = study_in(subject).spec
    size = f"{counted(len(spec.nodes), 'variable')}, {counted(len(spec.edges), 'arrow')}"
    if isinstance(subject, Report):
        return f"Causal report. {size}, {counted(subject.data.rows_used, 'row')} of data used."
    return f"Identification report: what the graph alone can say. {size}."


def _whole(table: tuple[tuple[str, OfWhole], ...], subject: Subject, anchor: str) -> Iterator[Section]:
    for i, (title, section) in enumerate(table, 1):
        blocks = section(subject)
        if blocks:
            yield Section(title, blocks, 2, f"{anchor}-{i}")


def _effects(subject: Subject) -> Iterator[Section]:
    for view in views(subject):
        yield Section(question(view), answer(view), 2, f"effect-{view.place}")
        for i, (title, section) in enumerate(OF_EFFECT, 1):
            blocks = section(view)
            if blocks:
                yield Section(title, blocks, 3, f"effect-{view.place}-{i}")
