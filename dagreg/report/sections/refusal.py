"""Why there is no answer, and what would make one possible."""

from __future__ import annotations

from dagreg.identify.types import Hedge, NoFunctional
from dagreg.report.blocks import Block, Bullets, Paragraph
from dagreg.report.prose import braces, listed, named, sentence
from dagreg.report.sections.belief import by_levels, instrument_lines
from dagreg.report.view import EffectView

MAX_PATHS = 20
SAID_BELOW = 3  # sets to measure that the suggestions already name, each with its strategy


def refusal(view: EffectView) -> tuple[Block, ...]:
    answer = view.answer
    if not isinstance(answer, NoFunctional):
        return ()
    reason = () if view.refused else (Paragraph(sentence(answer.reason)),)  # a refusal has said it at the top
    return (
        *reason,
        *_adjustment(answer),
        *_open_paths(answer.open_paths),
        *_hedge(answer.hedge),
        *_survives(answer),
        *by_levels(view.justification),
        *_measure(answer.measure, len(answer.suggestions) > 0),
        *_suggestions(answer.suggestions),
        *_instruments(view),
        *(Paragraph(sentence(note)) for note in view.justification.notes),
    )


def _adjustment(answer: NoFunctional) -> tuple[Block, ...]:
    reason = answer.justification.adjustment.reason.strip()
    return (Paragraph(sentence(reason)),) if reason and reason not in answer.reason else ()


def _open_paths(paths: tuple[str, ...]) -> tuple[Block, ...]:
    if not paths:
        return ()
    return (
        Paragraph(
            "Association that is not the effect flows along these paths, whatever observed variables are "
            "adjusted for:"
        ),
        Bullets(tuple(named(p) for p in paths[:MAX_PATHS])),
    )


def _hedge(hedge: Hedge | None) -> tuple[Block, ...]:
    if hedge is None:
        return ()
    return (
        Paragraph(
            "The graph itself holds the proof, called a hedge: two groups of variables, one inside the "
            "other. Unobserved common causes tie each group together, and only the larger group holds a "
            "variable that the question sets (the exposure, or one held fixed for a direct effect). So there "
            "are two worlds that agree on everything observed and differ in the effect: no method and no "
            "amount of data tells them apart."
        ),
        Bullets((f"The larger group: {braces(hedge.outer)}", f"The smaller group: {braces(hedge.inner)}")),
    )


def _survives(answer: NoFunctional) -> tuple[Block, ...]:
    return (Paragraph(f"What survives: {answer.survives.reason}"),) if answer.survives is not None else ()


def _suggestions(sentences: tuple[str, ...]) -> tuple[Block, ...]:
    return (Paragraph("What would help:"), Bullets(sentences)) if sentences else ()


def _measure(sets: tuple[tuple[str, ...], ...], said: bool) -> tuple[Block, ...]:
    if not sets or (said and len(sets) <= SAID_BELOW):
        return ()
    if len(sets) == 1:
        return (
            Paragraph(f"What to measure: with {listed(sets[0])} observed, the effect would be identified."),
        )
    return (
        Paragraph("What to measure: with any one of these sets observed, the effect would be identified."),
        Bullets(tuple(braces(s) for s in sets)),
    )


def _instruments(view: EffectView) -> tuple[Block, ...]:
    lines = instrument_lines(view.justification)
    return (Bullets(lines),) if lines else ()
