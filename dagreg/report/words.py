"""The question and its answer in words: what is changed, what changes, by how much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dagreg.effects.measures import Measure, coefficient
from dagreg.effects.types import INDIRECT, Estimate
from dagreg.report.prose import joined, listed, named
from dagreg.report.view import EffectView
from dagreg.results.numbers import interval, level, number, percent, probability
from dagreg.spec.types import Level, Side

if TYPE_CHECKING:
    from dagreg.model.equation import Equation

_QUESTION = {
    "total": "What is the {joint}total effect of {x} on {y}?",
    "direct": "What is the {joint}direct effect of {x} on {y}?",
    "mediation": "How much of the effect of {x} on {y} goes through its mediators?",
}

_ALONG = {
    "direct effect": ", the other variables on the causal paths held fixed",
    "natural direct effect": " along the paths that avoid the mediators",
    "natural indirect effect": " through the mediators alone",
    "path effect": " along this path alone",
    "effect on the treated": " over the treated",
    "effect on the untreated": " over the untreated",
}


def question(view: EffectView) -> str:
    """The effect asked for, as a question."""
    joint = "joint " if len(view.exposure) > 1 else ""
    asked = _QUESTION[view.justification.query.kind]
    among = view.justification.query.among
    words = asked.format(joint=joint, x=listed(view.exposure), y=named(view.outcome))
    return words if among == "everyone" else f"{words.rstrip('?')} among the {among}?"


def _setting(side: Side) -> str:
    """One side of a comparison: a level, or one for each exposure."""
    return ", ".join(named(level(v)) for v in (side if isinstance(side, tuple) else (side,)))


def question_details(view: EffectView) -> str:
    """What the question leaves open: the comparison, the groups, the names in full."""
    effect = view.effect
    parts = []
    if effect.contrast is not None:
        start, stop = (_setting(side) for side in effect.contrast)
        parts.append(f"The comparison is {stop} against {start}.")
    if view.justification.query.kind == "direct":
        parts.append("Every other variable on a causal path is held fixed (the controlled direct effect).")
    if effect.by:
        parts.append(f"It is also asked separately for each level of {listed(effect.by)}.")
    return " ".join([*parts, *_labels(view)])


def _labels(view: EffectView) -> list[str]:
    notes = []
    for name in (*view.exposure, view.outcome):
        node = view.spec.nodes.get(name)
        if node is None or not (node.label or node.unit or node.description):
            continue
        words = [w for w in (node.label, f"in {node.unit}" if node.unit else None, node.description) if w]
        notes.append(f"{named(name)} is {', '.join(words)}.")
    return notes


def answer_sentence(view: EffectView, e: Estimate) -> str:
    """The estimate in one or two sentences that can be read out."""
    s = e.summary
    size = number(s.mean, s.sd)
    unit = quantity_unit(view, e)
    points = f" ({number(100 * s.mean, 100 * s.sd)} percentage points)" if is_probability(view, e) else ""
    return (
        f"{_intervention(view, e)} changes {quantity(view, e)} by "
        f"{size}{f' {unit}' if unit else ''}{points} on average{_ALONG.get(e.estimand, '')}, if the graph "
        f"is right. With probability {percent(s.level)} the change lies between {interval(s, 'and')} "
        "(equal-tailed interval). The probability that it is positive is "
        f"{probability(s.prob_positive)}.{f' {share(e)}' if e.estimand == INDIRECT else ''}"
    )


def share(e: Estimate) -> str:
    """An indirect effect as a share of the total, in a sentence."""
    if e.share is None:
        return "A share of the total effect would mean nothing: that may as well be zero."
    low, high = e.share.interval
    return (
        f"That is {e.share.median:.0%} of the total effect ({percent(e.summary.level)} interval from "
        f"{low:.0%} to {high:.0%})."
    )


def _intervention(view: EffectView, e: Estimate) -> str:
    where = f"Where {joined(f'{named(k)} is {named(level(v))}' for k, v in e.by.items())}, " if e.by else ""
    words = _change(view, e)
    return where + words if where else words[0].upper() + words[1:]


def _change(view: EffectView, e: Estimate) -> str:
    if e.contrast is None:
        each = " each" if len(view.exposure) > 1 else ""
        return f"raising {joined(_measured(view, name) for name in view.exposure)} by one unit{each}"
    start, stop = (side if isinstance(side, tuple) else (side,) for side in e.contrast)
    return f"setting {_settings(view, stop)} instead of {joined(named(level(v)) for v in start)}"


def _measured(view: EffectView, name: str) -> str:
    node = view.spec.nodes.get(name)
    if node is None:
        return named(name)
    shown = f"the {node.transform} of {named(name)}" if node.transform else named(name)
    return f"{shown} (in {node.unit})" if node.unit and not node.transform else shown


def _settings(view: EffectView, values: tuple[Level, ...]) -> str:
    if len(values) != len(view.exposure):
        return f"{listed(view.exposure)} to {joined(named(level(v)) for v in values)}"
    return joined(f"{named(x)} to {named(level(v))}" for x, v in zip(view.exposure, values, strict=True))


def mean_of(view: EffectView) -> str:
    """What the primary estimator's outcome is the mean of."""
    model = next((m for m in view.models if m.primary), None)
    return _quantity(view, model.outcome if model else None)


def axis_name(view: EffectView, name: str) -> str:
    """A variable's label and unit, short enough for an axis."""
    node = view.spec.nodes.get(name)
    if node is None:
        return name
    return f"{node.label or name} ({node.unit})" if node.unit else node.label or name


def quantity(view: EffectView, e: Estimate) -> str:
    """What the outcome scale measures: a mean, a probability, a count."""
    equation = view.outcome_equation(e.estimator)
    if equation is not None and equation.levels and e.outcome_level is not None:
        return f"the probability of {named(view.outcome)} = {named(level(e.outcome_level))}"
    return _quantity(view, equation)


def _quantity(view: EffectView, equation: Equation | None) -> str:
    y = named(view.outcome)
    if equation is None:
        return f"the mean of {y}"
    return equation.family.scale.quantity_over(equation.offset).format(y=_event(view, equation))


def _event(view: EffectView, equation: Equation) -> str:
    variable = view.variable(view.outcome)
    y = named(view.outcome)
    if variable is None:
        return y
    if equation.family.scale.probability and not equation.levels and len(variable.levels) == 2:
        return f"{y} = {named(level(variable.levels[1]))}"
    return f"the {variable.transform} of {y}" if variable.transform else y


def is_probability(view: EffectView, e: Estimate) -> bool:
    equation = view.outcome_equation(e.estimator)
    return e.scale == "outcome" and equation is not None and equation.family.scale.probability


def quantity_unit(view: EffectView, e: Estimate) -> str:
    """The outcome's unit, where the number is in it."""
    node = view.spec.nodes.get(view.outcome)
    given = node.unit if node and node.unit and not node.transform else ""
    return given if e.scale == "outcome" and not is_probability(view, e) else ""


def scale(view: EffectView, e: Estimate) -> str:
    """The scale's name in the field's words."""
    equation = view.outcome_equation(e.estimator)
    if e.scale == "link":
        return coefficient(equation) if equation else "coefficient on the link scale"
    if isinstance(e.scale, Measure):
        return str(e.scale)
    return equation.family.scale.difference if equation else "mean difference"


def comparison(e: Estimate) -> str:
    """What was compared, short enough for a table."""
    if e.comparison or e.label:
        return e.comparison or e.label
    if e.contrast is None:
        words = "per unit"
    else:
        start, stop = (_side(side) for side in e.contrast)
        words = f"{stop} against {start}"
    groups = ", ".join(f"{k} = {level(v)}" for k, v in e.by.items())
    return f"{words}, {groups}" if groups else words


def compared(view: EffectView, e: Estimate, rows: Iterable[Estimate]) -> str:
    """What was compared, and of which level of the outcome where these rows are of several."""
    words = comparison(e)
    several = len({row.outcome_level for row in rows if row.outcome_level is not None}) > 1
    return (
        f"{view.outcome} = {level(e.outcome_level)}; {words}"
        if several and e.outcome_level is not None
        else words
    )


def _side(side: Level | tuple[Level, ...]) -> str:
    return ", ".join(level(v) for v in side) if isinstance(side, tuple) else level(side)
