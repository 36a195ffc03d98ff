"""The fitted coefficients: the one that is the effect, and apart from it those that are not."""

from __future__ import annotations

from dagreg.effects.types import Coefficient
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import counted, named
from dagreg.report.sections.densities import of_coefficients
from dagreg.report.view import EffectView
from dagreg.results.numbers import interval, level, number, percent

MAX_ROWS = 100

_FALLACY = (
    "Each regression answers one question. Its other coefficients are not effects, even if they look like "
    "effects: they may be confounded, or show only part of an effect. Reading them as effects is the Table 2 "
    "fallacy (Westreich and Greenland 2013). For another effect, ask another question."
)


def coefficients(view: EffectView) -> tuple[Block, ...]:
    rows = view.fitted.result.coefficients if view.fitted and view.fitted.result else ()
    causal = tuple(c for c in rows if c.causal and not view.refused)
    others = tuple(c for c in rows if not c.causal or view.refused)
    carried = "the effect asked for" if view.justification.causal_path else "zero if the graph is right"
    effects = (
        (_table(causal, f"Coefficients that are {carried}, on the scale of the link"),) if causal else ()
    )
    return (*effects, *_not_effects(others), *of_coefficients((*causal, *others)))


def _not_effects(rows: tuple[Coefficient, ...]) -> tuple[Block, ...]:
    if not rows:
        return ()
    more = (
        (Paragraph(f"Shown are {MAX_ROWS} of {counted(len(rows), 'coefficient')}; results.json lists all."),)
        if len(rows) > MAX_ROWS
        else ()
    )
    return (Paragraph(_FALLACY), _table(rows, "Coefficients that are not effects"), *more)


def _table(rows: tuple[Coefficient, ...], caption: str) -> Table:
    shown = rows[:MAX_ROWS]
    return Table(
        caption=caption,
        columns=(
            Heading("Regression"),
            Heading("Response"),
            Heading("Term"),
            Heading("Mean", True),
            Heading("SD", True),
            Heading(f"{percent(rows[0].summary.level)} interval", True),
            Heading("Why"),
        ),
        rows=tuple(_row(c) for c in shown),
        muted=frozenset(i for i, c in enumerate(shown) if not c.estimator.offers.effect),
    )


def _response(c: Coefficient) -> str:
    """The response, and which level of it the coefficient makes likelier where it is positive."""
    return (
        named(c.response)
        if c.response_level is None
        else f"{named(c.response)} = {named(level(c.response_level))}"
    )


def _row(c: Coefficient) -> tuple[str, ...]:
    s = c.summary
    return (
        c.estimator.label,
        _response(c),
        named(c.term),
        number(s.mean, s.sd),
        number(s.sd, s.sd),
        interval(s),
        c.why,
    )
