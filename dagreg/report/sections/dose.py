"""The dose-response curve: the outcome's mean with the exposure set to each dose, as a table and a line."""

from __future__ import annotations

from dagreg.effects.types import Dose
from dagreg.report.blocks import Band, Block, Heading, Paragraph, Table
from dagreg.report.curve import Point
from dagreg.report.prose import joined, named
from dagreg.report.view import EffectView
from dagreg.report.words import axis_name, mean_of
from dagreg.results.numbers import interval, level, number, percent


def dose_response(view: EffectView) -> tuple[Block, ...]:
    result = view.fitted.result if view.fitted else None
    doses = result.dose_response if result and not view.refused else ()
    if not doses:
        return ()
    (x,) = view.exposure
    what, share = mean_of(view), percent(doses[0].summary.level)
    return (
        Paragraph(
            f"What {what} would be, on average over the rows, with {named(x)} set to each dose for "
            f"everyone. The intervals hold each mean by itself with probability {share}; they are not for "
            "comparing doses."
        ),
        *_beyond(x, doses),
        _table(x, what, doses, share),
        Band(
            f"{what[:1].upper()}{what[1:]}, by the dose of {named(x)}, with {share} intervals",
            axis_name(view, x),
            axis_name(view, view.outcome),
            tuple(Point(d.dose, d.summary.mean, *d.summary.interval) for d in doses),
        ),
    )


def _beyond(x: str, doses: tuple[Dose, ...]) -> tuple[Block, ...]:
    """The doses that nobody had: there the curve is the regression's own shape."""
    outside = [level(d.dose) for d in doses if not d.observed]
    if not outside:
        return ()
    those = f"The dose {outside[0]} lies" if len(outside) == 1 else f"The doses {joined(outside)} lie"
    return (
        Paragraph(
            f"{those} outside of what was observed of {named(x)}: there no data speak, and the answer is the "
            "regression's extrapolation."
        ),
    )


def _table(x: str, what: str, doses: tuple[Dose, ...], share: str) -> Table:
    return Table(
        caption=f"{what[:1].upper()}{what[1:]} at each dose",
        columns=(
            Heading(named(x), True),
            Heading("Mean", True),
            Heading("SD", True),
            Heading(f"{share} interval", True),
            Heading("Observed"),
        ),
        rows=tuple(
            (
                level(d.dose),
                number(d.summary.mean, d.summary.sd),
                number(d.summary.sd, d.summary.sd),
                interval(d.summary),
                "within the data" if d.observed else "outside",
            )
            for d in doses
        ),
        muted=frozenset(i for i, d in enumerate(doses) if not d.observed),
    )
