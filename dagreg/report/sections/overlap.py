"""Table 1 by exposure, and whether units of different exposure are alike in what is adjusted for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dagreg.doubts.types import Overlap, Profile
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import counted, listed, named
from dagreg.report.sections.confounding import share
from dagreg.report.view import EffectView
from dagreg.results.numbers import UNKNOWN, number

MAX_ROWS = 60


def overlap(view: EffectView) -> tuple[Block, ...]:
    found = view.fitted.overlap if view.fitted else None
    if found is None or view.refused:
        return ()
    return tuple(_blocks(view, found))


def _blocks(view: EffectView, found: Overlap) -> Iterator[Block]:
    yield _profile(view, found)
    if not found.balance and not found.left_out:
        yield Paragraph("Nothing is adjusted for, so that units need not be alike in anything.")
        return
    yield Paragraph(_of_levels(view, found) if found.contrast is not None else _of_number(view, found))
    if found.left_out:
        yield Paragraph(
            f"{listed(found.left_out)} {'has' if len(found.left_out) == 1 else 'have'} too many levels to be "
            "part of this: within its levels there may be less overlap than it seems."
        )
    yield _balance(view, found)


def _of_levels(view: EffectView, found: Overlap) -> str:
    assert found.contrast is not None
    x, (start, stop) = listed(view.exposure), found.contrast
    units = counted(round(found.units_without_counterpart), "unit")
    score = f"probability of {x} = {named(stop)} rather than {named(start)}"
    how = "given what is adjusted for (a logistic regression)"
    none = (
        f"{units} of {found.units:,.0f} ({share(found.share_without_counterpart)}) have no counterpart: "
        f"their {score}, {how}, lies beyond those of the other group."
        if found.units_without_counterpart >= 0.5
        else f"Every unit has a counterpart: its {score}, {how}, lies among those of the other group."
    )
    return (
        f"{none} The others, weighed by the inverse of the probability of the {x} that they had so that the "
        f"groups are alike, are worth {found.effective_rows:,.0f} units."
    )


def _of_number(view: EffectView, found: Overlap) -> str:
    x, beyond = listed(view.exposure), share(found.share_without_counterpart)
    return (
        f"What is adjusted for leaves {share(found.left)} of what {x} varies by. The answer is made of that, "
        f"as much as {found.effective_rows:,.0f} units would hold in which {x} had nothing to do with the "
        f"rest. Moved as the contrast says, {beyond} of the units have a value of {x} that no unit like them "
        "has."
    )


def _profile(view: EffectView, found: Overlap) -> Table:
    x = listed(view.exposure)
    names = [name for name, _, _ in found.profile[0].groups]
    titles = [
        Heading("All units" if i == 0 else f"{x} = {named(name)}", True) for i, name in enumerate(names)
    ]
    return Table(
        caption=(f"Table 1: units by {x}" if len(names) > 1 else "Table 1: the units")
        + "; mean (sd) of numbers, share of levels",
        columns=(Heading("Variable"), *titles),
        rows=tuple(
            (_name(p), *(_cell(p, value, sd) for _, value, sd in p.groups)) for p in found.profile[:MAX_ROWS]
        ),
    )


def _name(row: Profile) -> str:
    if row.node == "units" and row.level is None and all(sd is None for _, _, sd in row.groups):
        return "Units"
    return named(row.node) if row.level is None else f"{named(row.node)} = {named(row.level)}"


def _cell(row: Profile, value: float, sd: float | None) -> str:
    if sd is not None:
        return f"{number(value, sd / 10)} ({number(sd, sd / 10)})"
    return share(value) if row.level is not None else f"{value:,.0f}"


def _balance(view: EffectView, found: Overlap) -> Table:
    levels = found.contrast is not None
    return Table(
        caption="How far the groups differ, in sds; below 0.1 is usually called balanced"
        if levels
        else f"How {listed(view.exposure)} goes together with what is adjusted for",
        columns=(
            Heading("Variable"),
            Heading("As they are" if levels else "Correlation", True),
            *((Heading("Weighed", True),) if levels else ()),
        ),
        rows=tuple(
            (named(b.node), _plain(b.before), *((_plain(b.after),) if levels else ())) for b in found.balance
        ),
    )


def _plain(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else UNKNOWN
