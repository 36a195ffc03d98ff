"""How the effect is carried: which natural and path-specific effects are identified, and what forbids the
others.
"""

from __future__ import annotations

from dagreg.identify.types import Mediation, PathEffect, PathsIdentified
from dagreg.report.blocks import Block, Bullets, Code, Heading, Paragraph, Table
from dagreg.report.prose import joined, listed, named
from dagreg.report.view import EffectView


def mediation(view: EffectView) -> tuple[Block, ...]:
    answer = view.justification.mediation
    if answer is None:
        return ()
    x, y = listed(view.exposure), named(view.outcome)
    if not answer.mediators:
        return (Paragraph(f"No observed variable lies between {x} and {y}, so there is nothing to divide."),)
    return (
        Paragraph(_question(x, y, answer)),
        Bullets(_verdicts(answer)),
        *_formula(answer, x, y),
        *_table("Through one mediator, along every path that it lies on", "Through", answer.through),
        *_table("Along one path alone", "Path", answer.paths),
        *_reasons((*answer.through, *answer.paths)),
        *(
            (Paragraph("There are more mediators or paths than are listed here."),)
            if answer.truncated
            else ()
        ),
    )


def _question(x: str, y: str, mediation: Mediation) -> str:
    names = listed(mediation.mediators)
    opening = (
        f"The mediator is {names}."
        if len(mediation.mediators) == 1
        else f"The mediators, taken together, are {names}."
    )
    what, stay, move = (
        ("the mediator", "stays as it", "moves")
        if len(mediation.mediators) == 1
        else ("the mediators", "stay as they", "move")
    )
    return (
        f"{opening} The natural direct effect is what a change of {x} does to {y} while {what} {stay} "
        "would have been without that change; the natural indirect effect is what it does where only "
        f"{what} {move} as if {x} had changed. The two add up to the total effect."
    )


def _verdicts(mediation: Mediation) -> tuple[str, ...]:
    direct, indirect = mediation.direct, mediation.indirect
    if (_standing(direct), direct.reason) == (_standing(indirect), indirect.reason):
        return (f"Natural direct and natural indirect effect: {_standing(direct)}. {direct.reason}",)
    return tuple(f"{e.name[:1].upper()}{e.name[1:]}: {_standing(e)}. {e.reason}" for e in (direct, indirect))


def _standing(effect: PathEffect) -> str:
    if effect.zero:
        return "zero by the graph"
    return "identified" if effect.identified else "not identified"


def _formula(mediation: Mediation, x: str, y: str) -> tuple[Block, ...]:
    if mediation.direct.estimand is None and mediation.indirect.estimand is None:
        return ()
    formula = mediation.direct.estimand or mediation.indirect.estimand or ""
    return (
        Paragraph(
            f"Both rest on one distribution: that of {y} with {x} at its new value for the direct path and "
            f"at its old value ({named(mediation.reference)}) for the mediators."
        ),
        Code(formula, caption="The estimand"),
    )


def _table(caption: str, title: str, effects: tuple[PathEffect, ...]) -> tuple[Block, ...]:
    if not effects:
        return ()
    return (
        Table(
            caption=caption,
            columns=(Heading(title), Heading("Effect"), Heading("Formula, or what forbids it")),
            rows=tuple((named(e.name), _standing(e), _short(e)) for e in effects),
            strong=frozenset(i for i, e in enumerate(effects) if isinstance(e, PathsIdentified)),
        ),
    )


def _short(effect: PathEffect) -> str:
    if effect.estimand is not None:
        return named(effect.estimand)
    if len(effect.witness) == 1:
        return f"recanting witness {named(effect.witness[0])}"
    return (
        f"recanting district {listed(effect.witness)}"
        if effect.witness
        else "the total effect is not identified"
    )


def _reasons(effects: tuple[PathEffect, ...]) -> tuple[Block, ...]:
    """Each reason once, with the effects that it forbids."""
    refused: dict[str, list[str]] = {}
    for effect in effects:
        if effect.witness:
            refused.setdefault(effect.reason, []).append(named(effect.name))
    if not refused:
        return ()
    return (Bullets(tuple(f"{joined(list(dict.fromkeys(names)))}: {why}" for why, names in refused.items())),)
