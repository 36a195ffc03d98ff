"""Why there is no answer, and what would make one possible."""

from __future__ import annotations

from collections.abc import Mapping

from dagreg.identify.types import NotIdentified
from dagreg.report.blocks import Block, Bullets, Paragraph
from dagreg.report.prose import braces, listed, named, sentence
from dagreg.report.sections.belief import by_levels, instrument_lines
from dagreg.report.view import EffectView

MOST_PATHS = 20
SAID_BELOW = 3  # sets to measure that the suggestions already name, each with its strategy


def refusal(view: EffectView) -> tuple[Block, ...]:
    answer = view.answer
    if not isinstance(answer, NotIdentified):
        return ()
    reason = () if view.refused else (Paragraph(sentence(answer.reason)),)  # a refusal has said it at the top
    return (
        *reason,
        *_adjustment(view),
        *_open_paths(answer.open_paths),
        *_hedge(answer.hedge),
        *_survives(answer),
        *by_levels(view.justification),
        *_measure(answer.measure, len(answer.suggestions) > 0),
        *_suggestions(answer.suggestions),
        *_instruments(view),
        *_notes(view),
    )


def _adjustment(view: EffectView) -> tuple[Block, ...]:
    reason, said = view.justification.adjustment.reason.strip(), getattr(view.answer, "reason", "")
    return (Paragraph(sentence(reason)),) if reason and reason not in said else ()


def _open_paths(paths: tuple[str, ...]) -> tuple[Block, ...]:
    if not paths:
        return ()
    return (
        Paragraph(
            "Association that is not the effect flows along these paths, whatever observed variables are adjusted for:"
        ),
        Bullets(tuple(named(p) for p in paths[:MOST_PATHS])),
    )


_GROUP = {"outer": "The larger group", "inner": "The smaller group"}


def _hedge(hedge: Mapping[str, tuple[str, ...]] | None) -> tuple[Block, ...]:
    if not hedge:
        return ()
    return (
        Paragraph(
            "The graph itself holds the proof, called a hedge: two groups of variables, one inside the other, each "
            "tied together by unobserved common causes, of which only the larger holds a variable that the question "
            "sets (the exposure, or for a direct effect one held fixed). Two worlds can then be written down that "
            "agree on everything observed and differ in the effect: no method and no amount of data tells them apart."
        ),
        Bullets(tuple(f"{_GROUP.get(name, name)}: {braces(nodes)}" for name, nodes in hedge.items())),
    )


def _survives(answer: NotIdentified) -> tuple[Block, ...]:
    return (Paragraph(f"What survives: {answer.survives.reason}"),) if answer.survives is not None else ()


def _suggestions(sentences: tuple[str, ...]) -> tuple[Block, ...]:
    return (Paragraph("What would help:"), Bullets(sentences)) if sentences else ()


def _measure(sets: tuple[tuple[str, ...], ...], said: bool) -> tuple[Block, ...]:
    if not sets or (said and len(sets) <= SAID_BELOW):
        return ()
    if len(sets) == 1:
        return (Paragraph(f"What to measure: with {listed(sets[0])} observed, the effect would be identified."),)
    return (
        Paragraph("What to measure: with any one of these sets observed, the effect would be identified."),
        Bullets(tuple(braces(s) for s in sets)),
    )


def _instruments(view: EffectView) -> tuple[Block, ...]:
    lines = instrument_lines(view.justification)
    return (Bullets(lines),) if lines else ()


def _notes(view: EffectView) -> tuple[Block, ...]:
    return tuple(Paragraph(sentence(n)) for n in view.justification.notes)
