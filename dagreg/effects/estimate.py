"""From draws to the rows of the answer: effects on the outcome's and the link's scale, and coefficients."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dagreg.effects.functional import functional_draws
from dagreg.effects.gformula import contrast_draws
from dagreg.effects.mediation import Part, decomposed
from dagreg.effects.rows import Rows, merge, observed_rows, subset
from dagreg.effects.summary import summarise
from dagreg.effects.types import Coefficient, Estimate
from dagreg.engine.draws import Array, Draws
from dagreg.model.types import Contrast, Equation, Model, Term, Variable
from dagreg.model.variables import transformed_value
from dagreg.spec.types import Level

_ESTIMAND = {"total": "total effect", "direct": "direct effect", "mediation": "total effect"}


def estimates(model: Model, draws: Draws, data: Mapping[str, Any], seed: int) -> tuple[Estimate, ...]:
    """Every contrast of a model, averaged over the rows, and at each level asked for over the rows of that level.

    Then its coefficient on the link scale, where that is one number.
    """
    wanted = model.estimand
    parts: list[tuple[Mapping[str, Level], Rows]] = [({}, observed_rows(model, data))]
    if wanted.groups:
        every = observed_rows(model, data, wanted.by)
        parts += [(group, subset(model, every, group)) for group in wanted.groups]
    found = [
        row
        for group, rows in parts
        if len(rows) > 0
        for contrast in wanted.contrasts
        for row in _on_outcome(model, draws, merge(rows), contrast, group, seed)
    ]
    return (*found, *_on_link(model, draws))


def effect_draws(
    model: Model, draws: Draws, rows: Rows, contrast: Contrast, seed: int, held: Collection[str] = ()
) -> Array:
    """One contrast on the outcome's scale, chains x draws; `held` are groups at whose levels it is given."""
    if model.functional is not None:
        return functional_draws(model, draws.flat(), rows, contrast, seed).reshape(draws.shape)
    return contrast_draws(model, draws.flat(), rows, contrast, seed, held).reshape(draws.shape)


def _on_outcome(
    model: Model, draws: Draws, rows: Rows, contrast: Contrast, group: Mapping[str, Level], seed: int
) -> tuple[Estimate, ...]:
    if model.estimand.kind == "mediation" and len(model.mediators) > 0:
        parts = decomposed(model, draws.flat(), rows, contrast, seed, group)
        return tuple(_of_part(model, draws, contrast, part, group) for part in parts)
    values = effect_draws(model, draws, rows, contrast, seed, group)
    return (
        _estimate(
            model,
            contrast,
            values,
            "outcome",
            primary=model.primary,
            independent=draws.independent,
            group=group,
        ),
    )


def _of_part(model: Model, draws: Draws, contrast: Contrast, part: Part, group: Mapping[str, Level]) -> Estimate:
    """A row of the decomposition; the total is the answer's own."""
    primary = model.primary and part.estimand == _ESTIMAND["mediation"]
    values = part.values.reshape(draws.shape)
    row = _estimate(model, contrast, values, "outcome", primary=primary, independent=draws.independent, group=group)
    if part.mediator is None:
        return replace(row, estimand=part.estimand)
    path = f"{', '.join(contrast.exposures)} -> {part.mediator} -> {model.estimand.outcome}"
    return replace(row, name=path, estimand=part.estimand, label=f"{row.label}, by {path}")


def _on_link(model: Model, draws: Draws) -> tuple[Estimate, ...]:
    """The exposure's coefficient, where the link is not the identity and no interaction bends it."""
    single = model.estimator in ("adjusted", "unadjusted") and len(model.estimand.exposure) == 1
    if model.outcome.link.name == "identity" or not single or model.outcome.family.predictor == "unordered":
        return ()
    exposure = model.estimand.exposure[0]
    terms = [t for t in model.outcome.terms if exposure in t.factors]
    if len(terms) != 1:
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
    if exposure.coded:
        padded = {level: values[..., i] for i, level in enumerate(exposure.levels[1:])}
        zero = 0.0 * values[..., 0]
        return padded.get(contrast.stop[0], zero) - padded.get(contrast.start[0], zero)
    start, stop = (_code(exposure, side[0]) for side in (contrast.start, contrast.stop))
    return values * (stop - start)


def _code(exposure: Variable, value: Any) -> float:
    return float(exposure.levels.index(value)) if exposure.levels else transformed_value(exposure, float(value))


def _estimate(
    model: Model,
    contrast: Contrast,
    values: Array,
    scale: Any,
    *,
    primary: bool,
    independent: bool,
    group: Mapping[str, Level] = MappingProxyType({}),
) -> Estimate:
    estimand = model.estimand
    joint = len(contrast.exposures) > 1
    return Estimate(
        name=f"{', '.join(contrast.exposures)} -> {_outcome(model, contrast)}",
        estimand=_ESTIMAND[estimand.kind],
        estimator=model.estimator,
        primary=primary,
        scale=scale,
        contrast=_shown(contrast, joint=joint),
        by=dict(group),
        adjusted_for=estimand.adjusted_for,
        summary=summarise(values, independent=independent),
        label=_label(model, contrast, scale, group),
    )


def _shown(contrast: Contrast, *, joint: bool) -> Any:
    if contrast.start is None or contrast.stop is None:
        return None
    return (contrast.start, contrast.stop) if joint else (contrast.start[0], contrast.stop[0])


def _label(model: Model, contrast: Contrast, scale: str, group: Mapping[str, Level]) -> str:
    """What was compared, in words."""
    on_link = _LINK_MEASURE.get(model.outcome.link.name, "link scale")
    measure = _measure(model, contrast) if scale == "outcome" else on_link
    where = " and ".join(f"{name} is {_word(level)}" for name, level in group.items())
    return f"{measure}, {comparison(model, contrast)}" + (f", where {where}" if where else "")


def comparison(model: Model, contrast: Contrast) -> str:
    """The two settings of the exposures, in words."""
    if contrast.start is None or contrast.stop is None:
        units = [_unit(model.variables[x]) for x in contrast.exposures]
        return "one unit more of " + " and ".join(units)
    sides = zip(contrast.exposures, contrast.start, contrast.stop, strict=True)
    return ", ".join(f"{name}: {_word(stop)} against {_word(start)}" for name, start, stop in sides)


_LINK_MEASURE = {"logit": "log odds ratio", "log": "log rate ratio"}


_DIFFERENCE = dict.fromkeys(("bernoulli", "binomial", "beta_binomial"), "risk difference") | dict.fromkeys(
    ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial"), "difference in rate"
)


def _outcome(model: Model, contrast: Contrast) -> str:
    """The outcome, or the level of it whose probability is compared."""
    outcome = model.estimand.outcome
    return outcome if contrast.level is None else f"{outcome} = {_word(contrast.level)}"


def _measure(model: Model, contrast: Contrast) -> str:
    if contrast.level is not None:
        return f"difference in the probability of {_outcome(model, contrast)}"
    base = _DIFFERENCE.get(model.outcome.family.name, "difference in mean")
    transform = model.variables[model.estimand.outcome].transform
    return f"{base} ({transform} scale)" if transform else base


def _unit(variable: Variable) -> str:
    scale = f"{variable.transform}({variable.name})" if variable.transform else variable.name
    return f"{scale} ({variable.unit})" if variable.unit and not variable.transform else scale


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


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
        )
        for model in models
        if model.estimator != "unadjusted"
        for equation in model.equations
        for term in equation.terms
        for column, values in _named(equation, term, draws[model.estimator].values[term.symbol])
    )


def _named(equation: Equation, term: Term, values: Array) -> Iterator[tuple[str, Array]]:
    """Every coefficient of a term with its name, chains x draws."""
    if equation.family.predictor == "unordered":
        each = values.reshape(*values.shape[:2], len(term.columns), -1)
        for i, column in enumerate(term.columns):
            yield from ((f"{column}, {_word(level)}", each[..., i, j]) for j, level in enumerate(equation.levels[1:]))
    else:
        yield from ((c, values if values.ndim == 2 else values[..., i]) for i, c in enumerate(term.columns))
