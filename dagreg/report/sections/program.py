"""The PyMC program that was fitted."""

from __future__ import annotations

from functools import partial

from dagreg.report.blocks import Block, Code, Gallery, Paragraph
from dagreg.report.draw import CannotDraw
from dagreg.report.drawing import Drawing
from dagreg.report.plate import plate
from dagreg.report.prose import named
from dagreg.report.view import Subject
from dagreg.results.fit import FittedEffect, Report

MAX_IN_SIGHT = 14  # variables of a diagram; larger ones open on a click
_OPTIMISED = (
    "This is the model that was fitted. It runs without dagreg. To save work, dagreg solved another form of "
    "it, with the same posterior: `dagreg compile --optimised` prints that form, and `--explain-plan` says "
    "what was done."
)


def program(subject: Subject) -> tuple[Block, ...]:
    if not isinstance(subject, Report) or not subject.source:
        return ()
    return (
        Paragraph(
            _OPTIMISED if subject.optimised else "This is the model that was fitted. It runs without dagreg."
        ),
        *(gallery for effect in subject.effects for gallery in _plates(effect)),
        Code(subject.source, "python", "model.py"),
    )


_NOTATION = (
    "Ellipses are random variables with their distributions, shaded ones observed; rounded boxes are "
    "data. A frame is a plate: what stands in it is repeated as often as it says. Arrows follow the "
    "computation, not causation."
)


def _plates(effect: FittedEffect) -> tuple[Block, ...]:
    """The plate diagram of each program of an effect, the primary one's in sight."""
    y = effect.effect.outcome
    return tuple(
        Gallery(
            caption=f"Plate diagram of the {estimator.label} model of {named(y)}",
            note="" if i else _NOTATION,
            kind="wide",
            drawings=partial(_drawn, source, f"Plate diagram of the {estimator} model of {y}"),
            folded=i > 0 or source.count("~") > MAX_IN_SIGHT,
            file="" if i else "model.svg",
        )
        for i, (estimator, source) in enumerate(effect.plates.items())
    )


def _drawn(source: str, title: str) -> tuple[Drawing, ...]:
    try:
        return (plate(source, title),)
    except CannotDraw:
        return ()
