"""The PyMC program that was fitted."""

from __future__ import annotations

from dagreg.report.blocks import Block, Code, Paragraph
from dagreg.report.result import Report
from dagreg.report.view import Subject

_OPTIMISED = (
    "This is the model that was fitted. It runs without dagreg. What was solved is an optimised form of it, with the "
    "same posterior for less work: `dagreg compile --optimised` prints that one, `--explain-plan` says what was done."
)


def program(subject: Subject) -> tuple[Block, ...]:
    if not isinstance(subject, Report) or not subject.source:
        return ()
    return (
        Paragraph(_OPTIMISED if subject.optimised else "This is the model as it was fitted. It runs without dagreg."),
        Code(subject.source, "python", "model.py"),
    )
