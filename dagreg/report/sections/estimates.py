"""Every estimate, the primary one marked, the unadjusted one beside it for comparison; and their
forest plot.
"""

from __future__ import annotations

from dagreg.effects.types import Estimate
from dagreg.report.blocks import Block, Bullets, Forest, Heading, Paragraph, Table
from dagreg.report.plots import Emphasis, Panel, Row
from dagreg.report.prose import counted, joined, listed, named, sentence
from dagreg.report.sections.densities import of_estimates
from dagreg.report.view import EffectView
from dagreg.report.words import compared, quantity_unit, scale
from dagreg.results.numbers import interval, level, number, percent, short_probability

MAX_ROWS, MAX_POINTS = 200, 40


def estimates(view: EffectView) -> tuple[Block, ...]:
    rows = view.estimates
    if not rows or view.refused:
        return ()
    result = view.fitted.result if view.fitted else None
    notes = tuple(sentence(n) for n in result.notes) if result else ()
    return (
        _table(view, rows, _caption(view, rows)),
        *_cut(len(rows)),
        Paragraph(_how_to_read(view, rows)),
        *((Paragraph(_BOOTSTRAP),) if view.effect.standardise != "rows" else ()),
        Forest(f"Estimates with their {percent(rows[0].summary.level)} intervals", _panels(view, rows)),
        *of_estimates(view),
        *((Bullets(notes),) if notes else ()),
    )


def associations(view: EffectView) -> tuple[Block, ...]:
    """What was regressed although the effect is not identified: never called an effect."""
    if not view.estimates or not view.refused:
        return ()
    return (
        Paragraph(
            "These numbers describe how the variables go together in these data. They are not estimates "
            "of the effect, which these data cannot give."
        ),
        _table(view, view.estimates, "How the variables go together"),
    )


def _caption(view: EffectView, rows: tuple[Estimate, ...]) -> str:
    if not view.justification.causal_path:
        return "Estimates that test the graph"
    return f"Estimates of the {joined(dict.fromkeys(e.estimand for e in rows))}"


def _cut(n: int) -> tuple[Block, ...]:
    if n <= MAX_ROWS:
        return ()
    return (Paragraph(f"Shown are {MAX_ROWS} of {counted(n, 'estimate')}; results.json lists all."),)


def _table(view: EffectView, rows: tuple[Estimate, ...], caption: str) -> Table:
    shown = rows[:MAX_ROWS]
    several = len({e.estimand for e in rows}) > 1
    columns = (
        Heading("Estimator"),
        *((Heading("Estimand"),) if several else ()),
        Heading("Comparison"),
        Heading("Scale"),
        Heading("Mean", True),
        Heading("SD", True),
        Heading(f"{percent(rows[0].summary.level)} interval", True),
        Heading("P(> 0)", True),
        Heading("Adjusted for"),
    )
    return Table(
        caption=caption,
        columns=columns,
        rows=tuple(_row(view, e, several) for e in shown),
        strong=frozenset(i for i, e in enumerate(shown) if _is_primary(view, e)),
        muted=frozenset(i for i, e in enumerate(shown) if not e.estimator.offers.effect),
    )


def _is_primary(view: EffectView, e: Estimate) -> bool:
    return e.primary and not view.refused


def _row(view: EffectView, e: Estimate, several: bool) -> tuple[str, ...]:
    s = e.summary
    unit = quantity_unit(view, e)
    return (
        _estimator(view, e),
        *((e.estimand,) if several else ()),
        compared(view, e, view.estimates),
        f"{scale(view, e)}, {unit}" if unit else scale(view, e),
        number(s.mean, s.sd),
        number(s.sd, s.sd),
        interval(s),
        short_probability(s.prob_positive),
        _adjusted_for(view, e),
    )


def _adjusted_for(view: EffectView, e: Estimate) -> str:
    if not e.adjusted_for:
        return "nothing"
    chosen = view.justification.adjustment.chosen
    long = len(e.adjusted_for) > 3
    return (
        "the chosen set"
        if long and chosen is not None and set(e.adjusted_for) == set(chosen)
        else listed(e.adjusted_for)
    )


def _estimator(view: EffectView, e: Estimate) -> str:
    mark = (
        "primary" if _is_primary(view, e) else "for comparison only" if not e.estimator.offers.effect else ""
    )
    return f"{e.estimator.label} ({mark})" if mark else e.estimator.label


def _how_to_read(view: EffectView, rows: tuple[Estimate, ...]) -> str:
    share = percent(rows[0].summary.level)
    ratios = _RATIOS if any(e.is_ratio for e in rows) else ""
    unadjusted = (
        " The unadjusted rows adjust for nothing: they show what adjusting changes, and do not answer the "
        "question."
        if any(not e.estimator.offers.effect for e in rows)
        else ""
    )
    return (
        f"Intervals are equal-tailed and hold the effect with probability {share}, given the graph and the "
        f"model. P(> 0) is the probability that it is positive.{_event(view, rows)}{ratios}{unadjusted}"
    )


def _event(view: EffectView, rows: tuple[Estimate, ...]) -> str:
    """Which level of a two-valued outcome the numbers are of."""
    levels = {e.outcome_level for e in rows if e.outcome_level is not None}
    if len(levels) != 1:
        return ""
    return f" Probabilities and odds are those of {named(view.outcome)} = {named(level(*levels))}."


_BOOTSTRAP = (
    "The covariates' distribution counts as uncertain too: each posterior draw weighs the rows anew, by "
    "the Bayesian bootstrap (Rubin 1981), so that the intervals are for the population that the rows are "
    "a sample of."
)
_RATIOS = (
    " Ratios compare the same two averages as the difference does. A ratio of 1 is no effect, and P(> 0) of "
    "a ratio is the probability that it is above 1. An odds ratio of averages differs from the exponential "
    "of a coefficient, which holds within strata, even without confounding."
)


def _panels(view: EffectView, rows: tuple[Estimate, ...]) -> tuple[Panel, ...]:
    """One panel for each scale: numbers of different scales share no axis."""
    scales = {scale(view, e): e.null for e in rows}
    return tuple(
        Panel(
            name.capitalize(),
            tuple(_point(view, e) for e in rows if scale(view, e) == name)[:MAX_POINTS],
            null,
        )
        for name, null in scales.items()
    )


def _point(view: EffectView, e: Estimate) -> Row:
    s = e.summary
    several = len({_what(view, o) for o in view.estimates}) > 1
    label = f"{_estimator(view, e)}: {_what(view, e)}" if several else _estimator(view, e)
    emphasis: Emphasis = "primary" if e.primary else "muted" if not e.estimator.offers.effect else "plain"
    return Row(label, s.mean, *s.interval, f"{number(s.mean, s.sd)} ({interval(s)})", emphasis)


def _what(view: EffectView, e: Estimate) -> str:
    one_kind = len({o.estimand for o in view.estimates}) == 1
    words = compared(view, e, view.estimates)
    return words if one_kind else f"{e.estimand}, {words}"
