"""The report in about 25 lines, for a terminal: the answer, what speaks against it, and what it rests on.

It says nothing that the whole report does not say; where something is left out, it says how much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from dagreg.effects.types import Estimate
from dagreg.errors import Doubt
from dagreg.identify.types import Adjustment, Identified, Instrument, NoFunctional, NotIdentified
from dagreg.report.blocks import Banner, Block, Bullets, Document, Paragraph, Section
from dagreg.report.document import subtitle
from dagreg.report.prose import counted, joined, listed, named, sentence
from dagreg.report.sections.answer import core
from dagreg.report.sections.belief import opening
from dagreg.report.sections.bounds import bounds
from dagreg.report.sections.bounds import in_a_sentence as in_bounds
from dagreg.report.sections.confounding import confounding, in_a_sentence
from dagreg.report.sections.doubts import doubts
from dagreg.report.sections.movement import movement
from dagreg.report.sections.nodes import MAX_EXAMINED, reason
from dagreg.report.sections.overlap import overlap
from dagreg.report.view import EffectView, Subject, study_in, views
from dagreg.report.words import compared, question, scale
from dagreg.results.fit import Report
from dagreg.results.numbers import interval, number

MAX_EFFECTS = 8
DOUBTS = (
    ("Doubts", doubts),
    ("What else could move it", movement),
    ("If a common cause was missed", confounding),
    ("Overlap and balance", overlap),
    ("Bounds", bounds),
)
MAX_NAMES = 8
MAX_ITEMS = 3  # of a list, where there is one effect
FEW_ITEMS = 1  # the same of each of several
_END = re.compile(r"(?<=[.:?!])\s+(?=[A-Z`])")


def short(subject: Subject, then: Sequence[str] = ()) -> Document:
    """The summary of a report; `then` are its last lines: where the rest is, and what to do next."""
    effects = views(subject)
    shown = effects[:MAX_EFFECTS]
    several = len(effects) > 1
    sections = [
        Section(question(view), tuple(_effect(view, several)), 3 if several else 2, f"effect-{view.place}")
        for view in shown
    ]
    return Document(
        title=named(study_in(subject).spec.name),
        subtitle=subtitle(subject),
        sections=(
            *sections,
            Section("Next", tuple(_last(subject, len(effects) - len(shown), then)), 2, "next"),
        ),
    )


def _effect(view: EffectView, several: bool) -> Iterator[Block]:
    most = FEW_ITEMS if several else MAX_ITEMS
    yield from core(view, most)
    yield from _against(view.doubts, most, "What speaks against it")
    if several:
        if not view.refused:  # the banner over it has said why
            yield from _lines([_adjusted(view)])
        return
    if isinstance(view.answer, Identified):
        missed = in_a_sentence(view)
        parts = [*_enough(view.answer), *_harmful(view, most), *_unadjusted(view), *_trusted(view)]
        yield from _lines([*parts, missed] if missed else parts)
    else:
        between = in_bounds(view)
        parts = [*_would_help(view, most), *_unadjusted(view), *_trusted(view)]
        yield from _lines([between, *parts] if between else parts)


def _against(doubts: Sequence[Doubt], most: int, title: str) -> Iterator[Block]:
    """The strongest doubts, the first sentence of each, and how many more there are."""
    if not doubts:
        return
    items = [f"{named(d.code)}: {_first_sentence(d.message)}" for d in doubts[:most]]
    if len(doubts) > most:
        items.append(f"and {counted(len(doubts) - most, 'more warning')}")
    yield Banner("caution", title, tuple(items))


def _first_sentence(text: str) -> str:
    return sentence(_END.split(text.strip(), maxsplit=1)[0])


def _lines(items: Sequence[str]) -> Iterator[Block]:
    if items:
        yield Bullets(tuple(items))


def _enough(answer: Identified) -> tuple[str, ...]:
    """What is adjusted for and why that is enough; that the set is minimal or optimal can wait."""
    said = opening(answer)
    return said[:1] if isinstance(answer, Adjustment) else said


def _adjusted(view: EffectView) -> str:
    chosen = view.justification.adjustment.chosen
    if isinstance(view.answer, Identified) and chosen is not None:
        return f"Adjusted for {listed(chosen)}." if chosen else "Nothing needs to be adjusted for."
    return sentence(view.answer.reason if isinstance(view.answer, NoFunctional) else view.answer.words)


def _harmful(view: EffectView, most: int) -> Iterator[str]:
    """What must not be adjusted for, and why."""
    examined = islice(view.justification.nodes.values(), MAX_EXAMINED)
    notes = [n for n in examined if n.harmful and "unobserved" not in n.roles]
    for note in notes[:most]:
        yield f"Not adjusted for: {reason(note)}"
    others = [named(n.name) for n in notes[most : most + MAX_NAMES]]
    if others:
        more = [f"{len(notes) - most - MAX_NAMES:,} more"] if len(notes) > most + MAX_NAMES else []
        yield f"Nor for {joined([*others, *more])}."


def _trusted(view: EffectView) -> Iterator[str]:
    """The claim that is easiest to doubt of those on which the answer rests."""
    if view.footing.supports:
        first, others = view.footing.supports[0], len(view.footing.supports) - 1
        more = f" (and {counted(others, 'more claim')})" if others else ""
        yield f"Taken on trust: {first.claim}{more}."


def _unadjusted(view: EffectView) -> Iterator[str]:
    """The number that nothing was adjusted for in, beside the answer's."""
    rows = [e for e in view.estimates if not e.estimator.offers.effect and e.scale == "outcome" and not e.by]
    first = view.primary()[:1]
    match = next((e for e in rows if not first or e.contrast == first[0].contrast), None)
    if match is not None:
        yield f"Without adjustment: {_size(view, match)}: an association, not the effect."


def _size(view: EffectView, e: Estimate) -> str:
    s = e.summary
    return f"{number(s.mean, s.sd)} ({interval(s)}; {scale(view, e)}, {compared(view, e, view.estimates)})"


def _would_help(view: EffectView, most: int) -> Iterator[str]:
    answer = view.answer
    if isinstance(answer, NotIdentified):
        yield from (sentence(s) for s in answer.suggestions[:most])
    elif isinstance(answer, Instrument):
        yield sentence(answer.reason)


def _last(subject: Subject, effects: int, then: Sequence[str]) -> Iterator[Block]:
    if effects:
        yield Paragraph(f"{counted(effects, 'more effect')} not shown here.")
    own = subject.doubts if isinstance(subject, Report) else ()
    yield from _against(
        tuple(dict.fromkeys((*study_in(subject).doubts, *own))), MAX_ITEMS, "Of the spec and the data"
    )
    yield from _lines(list(then))


def doubted(subject: Subject) -> Document:
    """What speaks against each answer, and what else could move it: the parts of the report on doubts."""
    sections = [
        Section(f"{question(view)} {title}", blocks, 2, f"doubts-{view.place}-{i}")
        for view in views(subject)
        for i, (title, section) in enumerate(DOUBTS, 1)
        if (blocks := section(view))
    ]
    return Document(named(study_in(subject).spec.name), subtitle(subject), tuple(sections))
