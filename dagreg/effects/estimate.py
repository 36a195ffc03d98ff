"""From draws to the rows of the answer: effects on the outcome's and the link's scale, and coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.effects.averages import averages_in, averages_of
from dagreg.effects.functional import functional_sides
from dagreg.effects.gformula import Known, both_sides
from dagreg.effects.measures import Measure, coefficient, compared, event, measures_of
from dagreg.effects.mediation import EffectPart, decomposed
from dagreg.effects.rows import EncodedRows, as_they_are, linear, merge, observed_rows, subset
from dagreg.effects.steps import far
from dagreg.effects.summary import summarise
from dagreg.effects.surrogate import Surrogate, surrogate_of
from dagreg.effects.types import INDIRECT, Coefficient, Estimate, Scale, Share, null_of
from dagreg.engines.draws import Draws
from dagreg.model.curves import powers
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.model.terms import Term
from dagreg.model.variables import transformed_value
from dagreg.numerics.arrays import Array
from dagreg.spec.types import LEVEL, Level


def estimates(model: Model, draws: Draws, data: Mapping[str, Any], seed: int) -> tuple[Estimate, ...]:
    """Every contrast of a model, averaged over the rows, and at each level asked for over the rows of that
    level.

    Then the other measures of the same means that its family has, and its coefficient on the link scale,
    where that is one number.
    """
    of_means = _in_place(model, draws, data)
    if of_means is None:
        of_means = _over_rows(model, draws, data, seed)
    return (
        *(row for row in of_means if not isinstance(row.scale, Measure)),
        *(row for row in of_means if isinstance(row.scale, Measure)),
        *_on_link(model, draws),
    )


def _in_place(model: Model, draws: Draws, data: Mapping[str, Any]) -> list[Estimate] | None:
    """The contrasts of a model whose rows stay in their database; None where they have to be read."""
    table, wanted = as_columns(data).in_place, model.estimand
    found: list[Estimate] = []
    for group in [*([{}] if wanted.average else []), *wanted.groups]:
        averages = None if table is None else averages_in(model, draws.flat(), table, group)
        if averages is None:
            return None
        for contrast in wanted.contrasts:
            told = averages.parts(contrast)
            if told is None:
                return None
            found += _told(model, draws, contrast, group, *told)
    return found


def _over_rows(model: Model, draws: Draws, data: Mapping[str, Any], seed: int) -> list[Estimate]:
    """The contrasts of a model over rows in memory, and over those of each level asked for."""
    wanted = model.estimand
    parts: list[tuple[Mapping[str, Level], EncodedRows]] = (
        [({}, observed_rows(model, data))] if wanted.average else []
    )
    if wanted.groups:
        every = observed_rows(model, data, wanted.by)
        parts += [(group, subset(model, every, group)) for group in wanted.groups]
    found: list[Estimate] = []
    for group, rows in ((group, merge(rows)) for group, rows in parts if len(rows) > 0):
        known: Known = {}
        averages = averages_of(model, draws.flat(), rows, group)
        surrogate = surrogate_of(model, draws.flat(), rows, group)
        for contrast in wanted.contrasts:
            told = None if averages is None else averages.parts(contrast)
            if told is None:
                told = _averaged(model, draws, rows, contrast, group, seed, known, surrogate)
            found += _told(model, draws, contrast, group, *told)
    return found


def surrogate_notes(rows: Sequence[Estimate]) -> tuple[str, ...]:
    """Which averages over the rows were worked out at some draws alone, and how far off the others may be."""
    errors: dict[Estimator, float] = {}
    for row in rows:
        if row.surrogate_error is not None:
            errors[row.estimator] = max(row.surrogate_error, errors.get(row.estimator, 0.0))
    return tuple(
        f"The {estimator} estimates are averages of so many terms that they were worked out at some of the "
        "draws; a polynomial of the coefficients gives them at the others, with an error of "
        f"{error:.1g} posterior sds"
        for estimator, error in errors.items()
    )


ORDER = ("natural indirect effect", "natural direct effect", "total effect", "path effect")
"""Of the rows of a mediation: what was asked comes first."""


def _averaged(
    model: Model,
    draws: Draws,
    rows: EncodedRows,
    contrast: Contrast,
    group: Mapping[str, Level],
    seed: int,
    known: Known,
    surrogate: Surrogate | None,
) -> tuple[tuple[EffectPart, ...], float]:
    """The parts of a contrast, averaged over the rows; and their error in posterior sds."""
    if surrogate is None:
        return _parts(model, draws.flat(), rows, contrast, group, seed, known), 0.0
    return surrogate.parts(lambda some, shared: _parts(model, some, rows, contrast, group, seed, shared))


def _told(
    model: Model,
    draws: Draws,
    contrast: Contrast,
    group: Mapping[str, Level],
    by_draw: tuple[EffectPart, ...],
    error: float,
) -> Iterator[Estimate]:
    """The rows of one contrast; an indirect effect with its share of the total."""
    parts = [
        replace(p, start=p.start.reshape(draws.shape), values=p.values.reshape(draws.shape)) for p in by_draw
    ]
    total = next(p for p in parts if p.estimand == model.estimand.name)
    for part in parts:
        for row in _rows(model, contrast, part, group, independent=draws.independent):
            indirect = part.estimand == INDIRECT and row.scale == "outcome"
            share = share_of(part.values, total.values) if indirect else None
            yield replace(row, share=share, surrogate_error=error or None)


def share_of(part: Array, total: Array, level: float = LEVEL) -> Share | None:
    """The share of a total, draw by draw; None where the total's interval holds 0, and a share
    means nothing.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(total, [tail, 1 - tail])
    if low <= 0 <= high:
        return None
    with np.errstate(all="ignore"):
        least, middle, most = np.quantile(part / total, [tail, 0.5, 1 - tail])
    return Share(float(middle), (float(least), float(most)))


def _parts(
    model: Model,
    draws: Mapping[str, Array],
    rows: EncodedRows,
    contrast: Contrast,
    group: Mapping[str, Level],
    seed: int,
    known: Known,
) -> tuple[EffectPart, ...]:
    """What one contrast is told in: the effect, or its natural parts; a number per draw."""
    if linear(model, group) and not _has_measures(model):
        rows = as_they_are(rows)  # a difference that is the same for all rows
    if model.estimand.natural:
        parts = decomposed(model, draws, rows, contrast, seed, group, known)
        return tuple(sorted(parts, key=lambda p: ORDER.index(p.estimand)))
    sides = (
        functional_sides(model, draws, rows, contrast, seed)
        if model.functional is not None
        else both_sides(model, draws, rows, contrast, seed, group, known)
    )
    return (EffectPart(model.estimand.name, None, *sides),)


def _rows(
    model: Model, contrast: Contrast, part: EffectPart, group: Mapping[str, Level], *, independent: bool
) -> Iterator[Estimate]:
    """The difference of a part's two means, then its other measures, which are never primary."""
    primary = model.primary and part.estimand == (INDIRECT if model.estimand.natural else model.estimand.name)
    path = f"{', '.join(contrast.exposures)} -> {part.mediator} -> {model.estimand.outcome}"
    measured = {} if far(model, contrast) else _measured(model, part)  # of two means that are a unit apart
    on_scales: list[tuple[Scale, Array]] = [("outcome", part.values), *measured.items()]
    for scale, draws in on_scales:
        head = primary and scale == "outcome"
        row = _estimate(model, contrast, draws, scale, primary=head, independent=independent, group=group)
        row = replace(row, estimand=part.estimand)
        through = f", by {path}"
        yield (
            row
            if part.mediator is None
            else replace(row, name=path, label=row.label + through, comparison=row.comparison + through)
        )


def _measured(model: Model, part: EffectPart) -> dict[Measure, Array]:
    """The measures of the outcome's own mean: a transformed outcome's are of another quantity."""
    return compared(model.outcome, part.start, part.start + part.values) if _has_measures(model) else {}


def _has_measures(model: Model) -> bool:
    given = model.chained or model.estimator.offers.measures
    plain = model.variables[model.estimand.outcome].transform is None
    return given and plain and len(measures_of(model.outcome)) > 0


def _on_link(model: Model, draws: Draws) -> tuple[Estimate, ...]:
    """The exposure's coefficient, where the link is not the identity and no interaction bends it."""
    single = model.estimator.offers.single and len(model.estimand.exposure) == 1
    if model.outcome.link.name == "identity" or not single or model.outcome.family.predictor == "unordered":
        return ()
    exposure = model.estimand.exposure[0]
    terms = [t for t in model.outcome.terms if exposure in t.factors]
    if len(terms) != 1 or terms[0].factors != (exposure,) or terms[0].curve is not None:
        return ()
    values = draws.values[terms[0].symbol]
    return tuple(
        _estimate(
            model,
            contrast,
            _scaled(model.variables[exposure], terms[0], contrast, values),
            "link",
            primary=False,
            independent=draws.independent,
        )
        for contrast in dict.fromkeys(replace(c, level=None) for c in model.estimand.contrasts)
    )


def _scaled(exposure: Variable, term: Term, contrast: Contrast, values: Array) -> Array:
    """The change of the linear predictor that a contrast of the exposure makes."""
    if contrast.start is None or contrast.stop is None:
        return values
    if exposure.coded or term.full:
        own = exposure.levels if term.full else exposure.levels[1:]
        padded = {level: values[..., i] for i, level in enumerate(own)}
        zero = 0.0 * values[..., 0]
        return padded.get(contrast.stop[0], zero) - padded.get(contrast.start[0], zero)
    start, stop = (_code(exposure, side[0]) for side in (contrast.start, contrast.stop))
    return values * (stop - start)


def _code(exposure: Variable, value: Any) -> float:
    return (
        float(exposure.levels.index(value)) if exposure.levels else transformed_value(exposure, float(value))
    )


def _estimate(
    model: Model,
    contrast: Contrast,
    values: Array,
    scale: Scale,
    *,
    primary: bool,
    independent: bool,
    group: Mapping[str, Level] = MappingProxyType({}),
) -> Estimate:
    estimand = model.estimand
    joint = len(contrast.exposures) > 1
    words = _compared(model, contrast, group)
    return Estimate(
        name=f"{', '.join(contrast.exposures)} -> {_outcome(model, contrast)}",
        estimand=estimand.name,
        estimator=model.estimator,
        primary=primary,
        scale=scale,
        contrast=_shown(contrast, joint=joint),
        by=dict(group),
        adjusted_for=estimand.adjusted_for,
        summary=summarise(values, independent=independent, null=null_of(scale)),
        label=f"{_measure(model, contrast, scale)}, {words}",
        comparison=words,
        outcome_level=_level(model, contrast),
    )


def _shown(contrast: Contrast, *, joint: bool) -> Any:
    if contrast.start is None or contrast.stop is None:
        return None
    return (contrast.start, contrast.stop) if joint else (contrast.start[0], contrast.stop[0])


def _compared(model: Model, contrast: Contrast, group: Mapping[str, Level]) -> str:
    """What was compared, and where, in words."""
    where = " and ".join(f"{name} is {_word(level)}" for name, level in group.items())
    return comparison(model, contrast) + (f", where {where}" if where else "")


def comparison(model: Model, contrast: Contrast) -> str:
    """The two settings of the exposures, in words."""
    if contrast.start is None or contrast.stop is None:
        units = " and ".join(_unit(model.variables[x]) for x in contrast.exposures)
        slope = far(model, contrast) is not None
        return (
            f"per unit of {units}, as the slope at the observed values"
            if slope
            else f"one unit more of {units}"
        )
    sides = zip(contrast.exposures, contrast.start, contrast.stop, strict=True)
    return ", ".join(f"{name}: {_word(stop)} against {_word(start)}" for name, start, stop in sides)


def _width(model: Model, contrast: Contrast) -> str:
    """What a coefficient is multiplied by, in words: nothing for one unit, and for levels."""
    exposure = model.variables[contrast.exposures[0]]
    if contrast.start is None or contrast.stop is None or exposure.levels:
        return ""
    start, stop = (_code(exposure, side[0]) for side in (contrast.start, contrast.stop))
    return "" if stop - start == 1 else f" (coefficient times {stop - start:.6g})"


def _outcome(model: Model, contrast: Contrast) -> str:
    """The outcome, or the level of it whose probability is compared."""
    outcome = model.estimand.outcome
    return outcome if contrast.level is None else f"{outcome} = {_word(contrast.level)}"


def _level(model: Model, contrast: Contrast) -> Level | None:
    return contrast.level if contrast.level is not None else event(model.variables[model.estimand.outcome])


def _measure(model: Model, contrast: Contrast, scale: Scale) -> str:
    """What the number is, and of which level of the outcome."""
    if scale == "outcome" and contrast.level is not None:
        return f"difference in the probability of {_outcome(model, contrast)}"
    outcome = model.variables[model.estimand.outcome]
    base = {"outcome": model.outcome.family.scale.difference, "link": coefficient(model.outcome)}.get(
        scale, scale
    )
    level = event(outcome)
    if level is not None:
        base = f"{base} of {outcome.name} = {_word(level)}"
    elif scale == "outcome" and outcome.transform:
        base = f"{base} ({outcome.transform} scale)"
    return base + _width(model, contrast) if scale == "link" else base


def _unit(variable: Variable) -> str:
    scale = f"{variable.transform}({variable.name})" if variable.transform else variable.name
    return f"{scale} ({variable.unit})" if variable.unit and not variable.transform else scale


def _word(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def coefficients(models: Sequence[Model], draws: Mapping[str, Draws]) -> tuple[Coefficient, ...]:
    """Every coefficient of the models but the unadjusted one, with its prior and whether it is the effect."""
    return tuple(
        Coefficient(
            response=equation.response,
            term=column,
            estimator=model.estimator,
            summary=summarise(values, independent=draws[model.estimator].independent),
            causal=term.causal,
            prior=str(term.prior),
            prior_given=term.prior.given,
            why=term.why,
            response_level=level if level is not None else event(model.variables[equation.response]),
        )
        for model in models
        if model.estimator.offers.effect
        for equation in model.equations
        for term in equation.terms
        for column, level, values in _named(equation, term, draws[model.estimator].values[term.symbol])
    )


def _named(equation: Equation, term: Term, values: Array) -> Iterator[tuple[str, Level | None, Array]]:
    """Every coefficient of a term: its name, the response's level that is its own, and chains x draws.

    Of a polynomial those of the powers.
    """
    if term.curve is not None and term.curve.kind == "poly" and not equation.family.levelled:
        of_powers = values @ powers(term.curve).T
        yield from (
            (term.name if i == 0 else f"{term.name}^{i + 1}", None, of_powers[..., i])
            for i in range(len(term.columns))
        )
        return
    if equation.family.predictor == "unordered":
        each = values.reshape(*values.shape[:2], len(term.columns), -1)
        for i, column in enumerate(term.columns):
            for j, level in enumerate(equation.levels[1:]):
                yield f"{column}, {_word(level)}", level, each[..., i, j]
    else:
        yield from (
            (c, None, values if values.ndim == 2 else values[..., i]) for i, c in enumerate(term.columns)
        )
