"""The graph's building blocks: forks, pipes and colliders."""

from __future__ import annotations

from dagreg.graph.junctions import Junction
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import counted, named
from dagreg.report.view import Subject, study_in

MAX_ROWS = 60

_DRAWN = {"fork": "{a} <- {m} -> {b}", "pipe": "{a} -> {m} -> {b}", "collider": "{a} -> {m} <- {b}"}
_MEANS = {
    "fork": "common cause: adjusting for {m} closes it",
    "pipe": "mediation: adjusting for {m} closes it",
    "collider": "common effect: closed until {m} or a consequence of it is adjusted for",
}


def junctions(subject: Subject) -> tuple[Block, ...]:
    listed = study_in(subject).junctions
    if not listed:
        return ()
    table = Table(
        caption="Forks, pipes and colliders",
        columns=(
            Heading("Junction"),
            Heading("Kind"),
            Heading("What it does"),
            Heading("Ends joined by an arrow"),
        ),
        rows=tuple(_row(j) for j in listed[:MAX_ROWS]),
    )
    if len(listed) <= MAX_ROWS:
        return (table,)
    number = counted(len(listed), "junction")
    if study_in(subject).junctions_truncated:
        return (
            table,
            Paragraph(f"Shown are {MAX_ROWS} of more than {number}; the JSON answer lists so many."),
        )
    return (table, Paragraph(f"Shown are {MAX_ROWS} of {number}; the JSON answer lists all."))


def _row(j: Junction) -> tuple[str, ...]:
    a, m, b = j.nodes
    drawn = _DRAWN[j.kind].format_map({"a": a, "m": m, "b": b})
    means = _MEANS[j.kind].format_map({"m": named(m)})
    return (named(drawn), j.kind, means, "yes (shielded)" if j.shielded else "no")
