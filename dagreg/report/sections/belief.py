"""Why the answer can be believed: what is adjusted for and why that is enough; and other ways to the same
answer.
"""

from __future__ import annotations

from dagreg.identify.types import (
    Adjustment,
    AdjustmentSets,
    FrontDoor,
    Identified,
    Justification,
    NotAtLevels,
    NotOnTreated,
    ZeroByGraph,
)
from dagreg.report.blocks import Block, Bullets, Code, Paragraph
from dagreg.report.prose import braces, joined, listed, named, sentence
from dagreg.report.view import EffectView

MAX_SETS = 12


def belief(view: EffectView) -> tuple[Block, ...]:
    if not isinstance(view.answer, Identified):
        return ()
    why = view.justification
    formula = (Code(view.answer.estimand, caption="The estimand"),) if view.answer.estimand else ()
    others = other_ways(why)
    ways: tuple[Block, ...] = (
        (Paragraph("The ways that the graph leaves open:"), Bullets(others)) if others else ()
    )
    notes = tuple(Paragraph(sentence(n)) for n in why.notes)
    return (
        *(Paragraph(p) for p in opening(view.answer)),
        *formula,
        *by_levels(why),
        *on_treated(why),
        *ways,
        *notes,
    )


def by_levels(why: Justification) -> tuple[Block, ...]:
    """What the graph says of the effect at each level of the variables that it is asked by."""
    levels = why.conditional
    if levels is None:
        return ()
    reason = Paragraph(sentence(levels.reason))
    if isinstance(levels, NotAtLevels):
        return (reason,)
    return (reason, Code(levels.estimand, caption="The estimand at each level"))


def on_treated(why: Justification) -> tuple[Block, ...]:
    """What the graph says of the effect over those who were seen at one level of the exposure."""
    treated = why.treated
    if treated is None:
        return ()
    reason = Paragraph(sentence(treated.reason))
    if isinstance(treated, NotOnTreated):
        return (reason,)
    return (reason, Code(treated.estimand, caption=f"The estimand among the {treated.group}"))


def opening(answer: Identified) -> tuple[str, ...]:
    """What is adjusted for and why that is enough, in sentences."""
    why = answer.justification
    reason = sentence(why.adjustment.reason)
    if isinstance(answer, ZeroByGraph):
        return tuple(
            p for p in ("The effect is zero by the graph; nothing needs to be estimated.", reason) if p
        )
    first = _adjusted(why) if isinstance(answer, Adjustment) else f"The effect is identified {answer.words}."
    sets = why.adjustment
    is_news = sets.chosen and _is_only(sets) and "minimal" not in reason
    only = "The set is minimal, and no other set is." if is_news else ""
    return tuple(p for p in (first, reason, only, _in_words(answer)) if p)


def _in_words(answer: Identified) -> str:
    """What a formula other than adjustment does, for those who do not read it."""
    query = answer.justification.query
    m = listed(answer.mediators) if isinstance(answer, FrontDoor) else ""
    return answer.in_words.format(x=listed(query.exposure), y=named(query.outcome), m=m)


def _adjusted(why: Justification) -> str:
    chosen = why.adjustment.chosen or ()
    x, y = listed(why.query.exposure), named(why.query.outcome)
    if not why.causal_path:
        given = f"given {listed(chosen)}" if chosen else "with nothing adjusted for"
        return f"By the graph {x} and {y} are independent, {given}."
    if not chosen:
        what = "direct effect" if why.query.kind == "direct" else "effect"
        return (
            f"Nothing needs to be adjusted for: every path that carries association from {x} to {y} is part "
            f"of the {what}."
        )
    these, none = ("it", "it is not a") if len(chosen) == 1 else ("them", "none of them is a")
    adjusted = f"Adjusted for: {listed(chosen)}. Given {these}, every path from {x} to {y}"
    if why.query.kind == "direct":
        return f"{adjusted} except the direct one is closed."
    return (
        f"{adjusted} that is not part of the effect is closed, and {none} consequence of {x} that would bias "
        "the answer."
    )


def other_ways(why: Justification) -> tuple[str, ...]:
    """The other sets and strategies, a sentence each."""
    sets = why.adjustment
    return (*_minimal(sets), *_optimal(sets), *_least(sets), *_frontdoor(why), *instrument_lines(why))


def _minimal(sets: AdjustmentSets) -> tuple[str, ...]:
    if not sets.minimal or _is_only(sets):
        return ()
    shown = joined([braces(s) for s in sets.minimal[:MAX_SETS]])
    more = " (and more, not listed)" if sets.truncated or len(sets.minimal) > MAX_SETS else ""
    if len(sets.minimal) == 1:
        which = "A" if more else "The only"
        meaning = " (nothing can be left out of it)" if sets.minimal[0] else ""
        return (f"{which} minimal adjustment set{meaning} is {shown}{more}.",)
    return (f"The minimal adjustment sets (nothing can be left out of them) are {shown}{more}.",)


def _is_only(sets: AdjustmentSets) -> bool:
    return sets.minimal == (sets.chosen,) and not sets.truncated


def _optimal(sets: AdjustmentSets) -> tuple[str, ...]:
    if sets.optimal is None or (sets.optimal == sets.chosen and "O-set" in sets.reason):
        return ()
    return (
        "The set with the smallest variance in large samples (the O-set of Henckel, Perkovic and Maathuis "
        f"2022) is {braces(sets.optimal)}.",
    )


def _least(sets: AdjustmentSets) -> tuple[str, ...]:
    """The smallest and the cheapest set, where they are not the chosen one and not the only one."""
    if sets.minimum is None or sets.cheapest is None or len(sets.minimal) < 2:
        return ()
    if sets.minimum == sets.cheapest:
        return (
            ()
            if sets.minimum == sets.chosen
            else (f"The smallest valid set, and the cheapest, is {braces(sets.minimum)}.",)
        )
    return (
        f"The smallest valid set is {braces(sets.minimum)}; the cheapest to measure is "
        f"{braces(sets.cheapest)}.",
    )


def _frontdoor(why: Justification) -> tuple[str, ...]:
    if not why.frontdoor:
        return ()
    return (
        "The front-door formula works through "
        f"{joined((braces(s) for s in why.frontdoor[:MAX_SETS]), 'or')}.",
    )


def instrument_lines(why: Justification) -> tuple[str, ...]:
    return tuple(
        f"{named(i.instrument)} is an instrument{f' given {listed(i.given)}' if i.given else ''}: it would "
        "give the effect on the assumption of linearity."
        for i in why.instruments
    )
