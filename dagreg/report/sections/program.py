"""The PyMC program that was fitted."""

from __future__ import annotations

from dagreg.report.blocks import Block, Code, Paragraph
from dagreg.report.result import Report
from dagreg.report.view import Subject


def program(subject: Subject) -> tuple[Block, ...]:
    if not isinstance(subject, Report) or not subject.source:
        return ()
    return (
        Paragraph("This is the model as it was fitted. It runs without dagreg."),
        Code(subject.source, "python", "model.py"),
    )
