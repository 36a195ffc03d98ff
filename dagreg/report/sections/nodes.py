"""What must not be adjusted for, and why every variable is in the set or out of it."""

from __future__ import annotations

from itertools import islice

from dagreg.identify.types import NodeNote
from dagreg.report.blocks import Block, Bullets, Heading, Paragraph, Table
from dagreg.report.prose import named, sentence
from dagreg.report.view import EffectView

MAX_NODES, MAX_HARMFUL = 80, 40
MAX_EXAMINED = 400  # a note is worked out on demand, and its reason searches the graph for a path


def must_not_adjust(view: EffectView) -> tuple[Block, ...]:
    notes = view.justification.nodes
    candidates = (
        note
        for note in islice(notes.values(), MAX_EXAMINED)
        if note.harmful and "unobserved" not in note.roles
    )
    harmful = tuple(islice(candidates, MAX_HARMFUL))
    if not harmful:
        return ()
    cut = len(harmful) == MAX_HARMFUL or len(notes) > MAX_EXAMINED
    more = (
        (Paragraph("There may be more; `dagreg explain` with `--node` answers for any variable."),)
        if cut
        else ()
    )
    return (
        Paragraph("A regression that also holds one of these would give a biased answer:"),
        Bullets(tuple(reason(note) for note in harmful)),
        *more,
    )


def reason(note: NodeNote) -> str:
    """Why not, the variable named once."""
    why = sentence(note.why)
    return why if why.startswith(named(note.name)) else f"{named(note.name)}: {why}"


def every_node(view: EffectView) -> tuple[Block, ...]:
    notes = view.justification.nodes
    if not notes:
        return ()
    shown = tuple(islice(notes.values(), MAX_NODES))  # they may be worked out one by one, on demand
    table = Table(
        caption="Roles, and why each variable is in the set or out of it",
        columns=(Heading("Variable"), Heading("Role"), Heading("Adjusted for"), Heading("Why")),
        rows=tuple(
            (named(n.name), ", ".join(n.roles), "yes" if n.in_set else "no", sentence(n.why)) for n in shown
        ),
        strong=frozenset(i for i, n in enumerate(shown) if n.in_set),
    )
    if len(notes) <= MAX_NODES:
        return (table,)
    return (table, Paragraph(f"Shown are {MAX_NODES} of {len(notes):,}; the JSON answer lists all."))
