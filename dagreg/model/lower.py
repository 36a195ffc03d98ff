"""From an identified effect to the regressions that answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as pairs

from dagreg.errors import DagregError, Diagnostic, Span, either
from dagreg.identify.chain import Chain, NoChain
from dagreg.identify.expression import Expression
from dagreg.identify.types import Answer, Justification, NotIdentified
from dagreg.identify.words import quoted
from dagreg.model import functional, priors
from dagreg.model.families import DEFAULT_FAMILY, FAMILIES, LINKED_GAUSSIAN, LINKS, Family, Link
from dagreg.model.grouping import keys_of, varying_of
from dagreg.model.naming import Namer
from dagreg.model.types import (
    Auxiliary,
    ColumnSummary,
    Contrast,
    DataSummary,
    Equation,
    Estimand,
    Estimator,
    LeftOut,
    Model,
    Plan,
    Purpose,
    Term,
    Variable,
)
from dagreg.model.variables import resolve, transformable
from dagreg.spec.types import Effect, Level, Node, Side, Spec

LARGE, LARGE_DISCRETE = 10, 50  # rows per level, on average, from which varying coefficients are sampled centred
MOST_GROUPS = 50  # values of a count that effects are given by


@dataclass(frozen=True, slots=True)
class _Regression:
    """One regression to build: a response, its predictors, and why each is there."""

    response: str
    predictors: tuple[str, ...]
    purposes: Mapping[str, tuple[Purpose, str]]
    family: Family | None = None  # None: the response's own
    linked: str | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    """What every step of one effect's lowering needs."""

    spec: Spec
    effect: Effect
    justification: Justification
    variables: Mapping[str, Variable]
    summary: DataSummary | None
    suffix: str


def needed(effect: Effect, answer: Answer, chain: Chain | NoChain) -> frozenset[str]:
    """The observed nodes whose columns an effect's regressions use; none where nothing can be fitted."""
    chosen, chained = _adjustment_set(answer.justification), _nodes_of(chain)
    ends = {*effect.exposure, effect.outcome}
    if chosen is not None:
        return frozenset({*ends, *chosen, *chained})
    if isinstance(answer, NotIdentified):
        if answer.strategy != "instrument":
            return frozenset()
        instruments, given = chosen_instruments(answer.justification)
        return frozenset({*ends, *instruments, *given})
    if answer.strategy is None or answer.functional is None:
        return frozenset()
    return frozenset({*ends, *chained, *functional.variables(answer.functional)})


def _nodes_of(chain: Chain | NoChain) -> frozenset[str]:
    if isinstance(chain, NoChain):
        return frozenset()
    return frozenset({*chain.parents, *(p for group in chain.parents.values() for p in group)})


def chosen_instruments(justification: Justification) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The instruments that are used and what they are conditioned on: the smallest such set, and all that share it."""
    given = min((i.given for i in justification.instruments), key=len)
    return tuple(i.instrument for i in justification.instruments if i.given == given), given


def lower(
    spec: Spec, effect: Effect, answer: Answer, chain: Chain | NoChain, summary: DataSummary | None, suffix: str = ""
) -> Plan:
    """The models of one effect, the primary one first.

    Raises DataError where nodes and columns do not fit, DagregError (DR4xx) where a response has no
    family here. `suffix` ends the builders' names, to keep those of several effects apart.
    """
    _check_levels(spec, effect, answer)
    used = needed(effect, answer, chain)
    if not used:
        reason = answer.reason if isinstance(answer, NotIdentified) else answer.justification.adjustment.reason
        return Plan((), (LeftOut("adjusted", reason),))
    variables = resolve(spec, [name for name in spec.nodes if name in used], summary)
    context = _Context(spec, effect, answer.justification, variables, summary, suffix)
    if answer.strategy == "adjustment":
        return _by_adjustment(context, chain)
    left_out = LeftOut("adjusted", answer.justification.adjustment.reason)
    unadjusted = _single(context, "unadjusted", ())
    if isinstance(answer, NotIdentified):
        reason = _no_instrument(context)
        if reason:
            return Plan((), (left_out, LeftOut("instrument", reason)))
        return Plan((_instrumented(context), unadjusted), (left_out,))
    if isinstance(chain, Chain) and not _chain_left_out(context, chain):
        return Plan((_chained(context, chain, "functional"), unadjusted), (left_out,))
    assert answer.functional is not None  # every strategy but the adjustment has its formula
    assert answer.strategy is not None
    expression = functional.by_chain_rule(answer.functional)
    estimator: Estimator = "frontdoor" if answer.strategy == "frontdoor" else "functional"
    reason = functional.obstacle(expression, effect.outcome, variables)
    if variables[effect.outcome].coded:
        reason = f"{effect.outcome} has several levels, and formulas give the mean of one number so far"
    if reason:
        return Plan((), (left_out, LeftOut(estimator, reason)))
    return Plan((_functional(context, estimator, expression), unadjusted), (left_out,))


_WITHOUT_PARTS = "without it there are no direct and indirect effects: "


def _check_levels(spec: Spec, effect: Effect, answer: Answer) -> None:
    """Raises DagregError (DR427) where an effect that is identified cannot be given at the levels asked for."""
    conditional = answer.justification.conditional
    if conditional is None or isinstance(answer, NotIdentified) or conditional.strategy == "adjustment":
        return
    place = spec.place("effects", spec.effects.index(effect), "by") or spec.place("effect", "by") or effect.span
    late = " Only adjustment gives effects by levels so far." if conditional.identified else ""
    message = f"the effect cannot be given by {quoted(effect.by)}. {conditional.reason}{late}".rstrip(".")
    raise DagregError((Diagnostic("DR427", message, place),))


def _adjustment_set(justification: Justification) -> tuple[str, ...] | None:
    """The set that is adjusted for: with levels asked for, one that holds them."""
    conditional = justification.conditional
    if conditional is None or conditional.adjustment is None:
        return justification.adjustment.chosen
    return tuple(sorted({*conditional.adjustment, *conditional.given}))


def _by_adjustment(context: _Context, chain: Chain | NoChain) -> Plan:
    """Adjusted, then the chain where there is one that differs, then unadjusted."""
    chosen = _adjustment_set(context.justification)
    assert chosen is not None
    mediation = context.effect.kind == "mediation"
    models = [_single(context, "adjusted", chosen)]
    left_out = []
    reason = chain.reason if isinstance(chain, NoChain) else _chain_left_out(context, chain, models[0])
    if isinstance(chain, Chain) and not reason:
        reason = _by_left_out(context, chain)
    if reason:
        left_out.append(LeftOut("chain", _WITHOUT_PARTS + reason if mediation else reason))
    elif isinstance(chain, Chain) and mediation:
        models = [replace(_chained(context, chain, "chain"), primary=True), replace(models[0], primary=False)]
    elif isinstance(chain, Chain):
        models.append(_chained(context, chain, "chain"))
    if len(chosen) > 0:
        models.append(_single(context, "unadjusted", ()))
    return Plan(tuple(models), tuple(left_out))


def _single(context: _Context, estimator: Estimator, adjustment: Sequence[str]) -> Model:
    """The outcome on the exposures and an adjustment set."""
    effect, spec = context.effect, context.spec
    order = [name for name in spec.nodes if name in adjustment]
    purposes = dict.fromkeys(effect.exposure, (_EXPOSURE, _EXPOSURE_WHY[estimator])) | {
        z: (_purpose(context, z), context.justification.nodes[z].why) for z in order
    }
    regression = _Regression(effect.outcome, (*effect.exposure, *order), purposes)
    return _model(context, estimator, (regression,), tuple(adjustment), primary=estimator == "adjusted")


_EXPOSURE: Purpose = "exposure"
_EXPOSURE_WHY: Mapping[str, str] = {
    "adjusted": "its effect is asked for",
    "unadjusted": "nothing is adjusted for, so its coefficient is an association",
}


def _functional(context: _Context, estimator: Estimator, expression: Expression) -> Model:
    """A regression for every conditional of the functional."""
    factors = functional.conditionals(expression)
    regressions = tuple(
        _Regression(factor.targets[0], factor.given, _parental(context, factor.given, f"a part of {factor}"))
        for factor in factors
    )
    model = _model(context, estimator, regressions, (), primary=True, also=functional.variables(expression))
    return replace(model, functional=expression, factors=factors)


def _no_instrument(context: _Context) -> str:
    """Why the linear model of an instrument does not fit these variables, or ""."""
    effect = context.effect
    outcome, node = context.variables[effect.outcome], context.spec.nodes[effect.outcome]
    if len(effect.exposure) > 1:
        return "an instrument answers for one exposure at a time"
    for variable in (context.variables[effect.exposure[0]], outcome):
        if variable.coded or variable.type not in LINKED_GAUSSIAN.accepts:
            return f"{variable.name} is {variable.type}, and the model of an instrument is linear"
    if node.trials is not None or node.offset is not None:
        return f"{outcome.name} has trials or an offset, and the model of an instrument is linear in a plain mean"
    return ""


def _instrumented(context: _Context) -> Model:
    """A linear first stage and a linear outcome, their errors correlated (Wooldridge 2010, section 5.1)."""
    effect = context.effect
    (exposure,) = effect.exposure
    instruments, given = chosen_instruments(context.justification)
    why = "the instrument: it acts on the outcome through the exposure alone"
    covariates = _parental(context, given, "the instrument is valid given this")
    first = _Regression(
        exposure,
        (*instruments, *given),
        {**dict.fromkeys(instruments, ("parent", why)), **covariates},
        family=FAMILIES["gaussian"],
    )
    second = _Regression(
        effect.outcome,
        (exposure, *given),
        {exposure: (_EXPOSURE, _EXPOSURE_WHY["adjusted"]), **covariates},
        family=LINKED_GAUSSIAN,
        linked=exposure,
    )
    return _model(context, "instrument", (first, second), given, primary=True)


def _parental(context: _Context, names: Iterable[str], why: str) -> dict[str, tuple[Purpose, str]]:
    """Purposes of predictors that are there because a formula names them."""
    return {n: (_EXPOSURE, "") if n in context.effect.exposure else ("parent", why) for n in names}


def _chained(context: _Context, chain: Chain, estimator: Estimator) -> Model:
    """A regression for every mediator and the outcome, each on its parents."""
    regressions = tuple(
        _Regression(response, parents, _parental(context, parents, f"a parent of {response}"))
        for response, parents in chain.parents.items()
    )
    primary = estimator != "chain"
    return replace(_model(context, estimator, regressions, (), primary=primary), chained=primary)


def _chain_left_out(context: _Context, chain: Chain, adjusted: Model | None = None) -> str:
    """Why the chain is not built, or ""."""
    if adjusted is not None and list(chain.parents) == [context.effect.outcome]:
        same = set(chain.parents[context.effect.outcome]) == set(adjusted.outcome.predictors)
        if same:
            return "it is the same regression as the adjusted one"
    mediators = (response for response in chain.parents if response != context.effect.outcome)
    return next((reason for m in mediators if (reason := _mediator_obstacle(context, m, chain.parents[m]))), "")


def _by_left_out(context: _Context, chain: Chain) -> str:
    """Why the chain cannot give the effect by levels, or ""."""
    within = {p for parents in chain.parents.values() for p in parents} - set(chain.parents)
    missing = [name for name in context.effect.by if name not in within]
    return f"the effect is asked for by {missing[0]}, which none of its regressions holds" if missing else ""


def _mediator_obstacle(context: _Context, mediator: str, parents: Iterable[str]) -> str:
    """Why a mediator's distribution cannot be passed on to the regressions after it, or ""."""
    variable, node = context.variables[mediator], context.spec.nodes[mediator]
    name = _family_name(context, mediator)
    levels = name is not None and name in FAMILIES and FAMILIES[name].levelled
    if levels and any(context.variables[p].pooled for p in parents):
        return f"the mediator {mediator} has several levels, and groups among its causes are not supported yet"
    if name is None or variable.pooled:
        kind = "pooled" if variable.pooled else variable.type
        return f"the mediator {mediator} is {kind}, and such regressions are not supported yet"
    if name in FAMILIES and not FAMILIES[name].real and variable.transform:
        return f"the mediator {mediator} enters as its {variable.transform}, and {name} describes the count itself"
    if node.error is not None and not node.error_is_scale:
        return f"the mediator {mediator} is measured with error, and the regressions after it need its true value"
    trials = name in FAMILIES and FAMILIES[name].trials
    if trials or node.offset is not None:
        what = "trials" if trials else "units of exposure"
        return f"the mediator {mediator} counts over the {what} of its row, which is not supported yet"
    return ""


def _model(
    context: _Context,
    estimator: Estimator,
    regressions: tuple[_Regression, ...],
    adjusted_for: tuple[str, ...],
    *,
    primary: bool,
    also: Iterable[str] = (),
) -> Model:
    namer = Namer()
    used = {*also, *context.effect.exposure, *(n for r in regressions for n in (r.response, *r.predictors))}
    variables = {
        name: replace(variable, symbol=namer.identifier(name))
        for name, variable in context.variables.items()
        if name in used
    }
    here = replace(context, variables=variables)
    equations = tuple(_equation(here, regression, estimator, namer) for regression in regressions)
    return Model(
        estimator=estimator,
        builder=f"build_{estimator}{context.suffix}",
        variables=variables,
        equations=equations,
        estimand=Estimand(
            kind=context.effect.kind,
            exposure=context.effect.exposure,
            outcome=context.effect.outcome,
            contrasts=_by_outcome(contrasts(context.effect, context.variables), equations[-1]),
            groups=_groups(here, estimator, [r.response for r in regressions]),
            adjusted_for=adjusted_for,
        ),
        primary=primary,
    )


def _groups(context: _Context, estimator: Estimator, responses: Sequence[str]) -> tuple[Mapping[str, Level], ...]:
    """The levels at which this model gives the effect besides the average; none where it does not hold them."""
    by = context.effect.by
    held = all(name in context.variables and name not in responses for name in by)
    if len(by) == 0 or not held or estimator not in ("adjusted", "chain"):
        return ()
    return tuple(dict(zip(by, levels, strict=True)) for levels in pairs(*(_listed(context, name) for name in by)))


def _listed(context: _Context, name: str) -> tuple[Level, ...]:
    """The levels of a variable that effects are given by. Raises DagregError where it has none."""
    variable = context.variables[name]
    if variable.levels:
        return variable.levels
    column = context.summary.columns[variable.column] if context.summary is not None else None
    if column is None or column.distinct > MOST_GROUPS or variable.transform is not None:
        said = f"`{name}` is {variable.type}, and effects are given by levels"
        raise _error("DR426", f"{said}: declare it categorical", variable, context.effect)
    return column.levels


def _by_outcome(found: tuple[Contrast, ...], outcome: Equation) -> tuple[Contrast, ...]:
    """A contrast for every level of the outcome, where it is one of several."""
    if len(outcome.levels) == 0:
        return found
    return tuple(replace(contrast, level=level) for contrast in found for level in outcome.levels)


def _purpose(context: _Context, name: str) -> Purpose:
    roles = context.justification.nodes[name].roles
    return "adjustment" if "confounder" in roles else "precision"


def _family_name(context: _Context, response: str) -> str | None:
    node, regression = context.spec.nodes[response], context.spec.regressions.get(response)
    declared = (regression.family if regression else None) or node.family
    if declared is None and node.trials is not None:
        return "binomial"
    variable = context.variables[response]
    if declared in (None, "categorical") and len(variable.levels) == 2 and not variable.pooled:
        return "bernoulli"
    return declared or DEFAULT_FAMILY.get(variable.type)


def _family(context: _Context, response: str) -> Family:
    """The likelihood of a response. Raises DagregError where it has none here, or does not take this type."""
    variable, name = context.variables[response], _family_name(context, response)
    family = FAMILIES.get(name) if name is not None else None
    if family is None:
        what = f"family `{name}`" if name else f"a {variable.type} response"
        raise _error("DR411", f"{what} is not supported yet for `{response}`", variable)
    if variable.type not in family.accepts or variable.pooled or (variable.coded and not family.levelled):
        raise _error("DR412", f"`{response}` is {variable.type}: {family.name} needs {family.support}", variable)
    if family.trials and context.spec.nodes[response].trials is None:
        raise _error("DR413", f"`{response}` is {family.name} and needs `trials:` (a column or a number)", variable)
    _check_support(context, response, family)
    _check_order(context, variable, family)
    return family


def _check_support(context: _Context, response: str, family: Family) -> None:
    """Responses have to lie in the family's support, where the data are known, and the families of some numbers
    only describe the column itself, not a transform of it."""
    variable = context.variables[response]
    if not family.real and variable.transform:
        said = f"`{response}` is transformed ({variable.transform})"
        raise _error("DR412", f"{family.name} needs {family.support}; {said}: say `family: gaussian`", variable)
    column = context.summary.columns[variable.column] if context.summary else None
    offset = context.spec.nodes[response].offset
    if context.summary is not None and offset is not None and not context.summary.columns[offset].minimum > 0:
        raise _error(
            "DR421", f"the offset of `{response}` is a log: column `{offset}` has values not above 0", variable
        )
    if column is None or column.kind != "number":
        return
    if not family.fits(column.minimum, column.maximum, column.integral):
        found = _outside(column, family)
        raise _error("DR414", f"{family.name} needs {family.support}; `{response}` holds {found}", variable)


def _check_order(context: _Context, variable: Variable, family: Family) -> None:
    """The levels of an ordinal response stand in the order that the user gives, the lowest first."""
    node = context.spec.nodes[variable.name]
    words = node.levels is None and any(isinstance(level, str) for level in variable.levels)
    turned = node.reference is not None and node.levels is not None and node.reference != node.levels[0]
    if family.predictor == "ordered" and (words or turned):
        said = f"the order of the levels of `{variable.name}` is not known: declare `levels:`, the lowest first"
        raise _error("DR401", said if words else f"`{variable.name}` has its lowest level as reference", variable)


def _outside(column: ColumnSummary, family: Family) -> str:
    """The value, or the kind of values, that lies outside a family's support."""
    if family.discrete and not column.integral:
        return "numbers that are not whole"
    low_fits = family.fits(column.minimum, column.minimum, column.integral)
    return f"{column.maximum:g}" if low_fits else f"{column.minimum:g}"


def _equation(context: _Context, regression: _Regression, estimator: Estimator, namer: Namer) -> Equation:
    response = context.variables[regression.response]
    node, said = context.spec.nodes[response.name], context.spec.regressions.get(response.name)
    family = regression.family or _family(context, response.name)
    link = LINKS[_link(context, regression, family)]
    outcome = context.spec.nodes[context.effect.outcome]
    groups = [p for p in regression.predictors if context.variables[p].pooled]
    linked = context.variables[regression.linked] if regression.linked is not None else None
    if node.offset is not None and link.name != "log":
        raise _error("DR420", f"`offset` of `{response.name}` needs a log link; its link is {link.name}", response)
    centred = not (said is not None and "intercept" in said.priors)
    products = [i for i in (said.interactions if said else ()) if set(i) <= set(regression.predictors)]
    _check_regression(context, response, family, link, products, regression)
    single = [p for p in regression.predictors if not context.variables[p].pooled]
    symbol = namer.identifier("alpha", response.name)
    terms = tuple(
        _term(
            context,
            regression,
            factors,
            estimator,
            namer,
            centred=centred,
            alone=not any(factors[0] in i for i in products),
        )
        for factors in [*((p,) for p in single), *products]
    )
    return Equation(
        response=response.name,
        family=family,
        link=link,
        intercept=symbol,
        intercept_prior=priors.intercept(
            said, response, link, None if family.levelled else _rate(context, response.name), levels=family.levelled
        ),
        terms=terms,
        symbols=_symbols(response.name, namer),
        auxiliaries=tuple(
            Auxiliary(
                name,
                namer.identifier(name, response.name),
                priors.auxiliary(said, name, response, family.name, linked, _multiplied(context, node)),
            )
            for name in family.auxiliaries
        ),
        varying=tuple(
            varying_of(
                context.spec,
                response,
                context.variables[g],
                terms,
                context.variables,
                link,
                namer,
                regression.purposes[g],
                centred=_large(context, g, family),
            )
            for g in groups
        ),
        levels=response.levels if family.levelled else (),
        error=None if node.error_is_scale else node.error,
        scaled_by=node.error if node.error_is_scale else None,
        trials=node.trials if family.trials else None,
        offset=node.offset,
        weights=outcome.trials if response.name != outcome.name else None,
        linked=regression.linked,
        span=said.span if said else response.span,
    )


_REDUCED = ("root", "rotated", "left", "spread", "start", "free", "all", "prior")


def _symbols(response: str, namer: Namer) -> dict[str, str]:
    """Identifiers of the parts of a regression that are not parameters."""
    parts = ("trials", "weights", "exposure", "error", "logp", "codes", "others", *_REDUCED)
    after = {part: namer.identifier(response, part) for part in parts}
    after["dim"] = namer.identifier("outcomes", response)
    return {"eta": namer.identifier("eta", response), "observed": namer.identifier(response, "hat"), **after}


def _link(context: _Context, regression: _Regression, family: Family) -> str:
    said = context.spec.regressions.get(regression.response)
    declared = (said.link if said else None) or context.spec.nodes[regression.response].link
    if declared is not None and declared not in family.links:
        place = context.spec.place("regressions", regression.response, "link")
        place = place or context.spec.place("nodes", regression.response, "link")
        message = f"{family.name} has no {declared} link here"
        label = f"use {either(family.links)}"
        raise DagregError((Diagnostic("DR422", message, place or context.spec.nodes[regression.response].span, label),))
    return declared or family.links[0]


def _check_regression(
    context: _Context,
    response: Variable,
    family: Family,
    link: Link,
    products: Sequence[tuple[str, ...]],
    regression: _Regression,
) -> None:
    """Raises DagregError where parts of a regression do not go together."""
    node = context.spec.nodes[response.name]
    if node.error is not None and not ("sigma" in family.auxiliaries and family.real):
        raise _error("DR425", f"`error` of `{response.name}` needs a residual sd, and {family.name} has none", response)
    if node.error is not None and not node.error_is_scale and family.name != "gaussian":
        raise _error("DR425", f"known errors of `{response.name}` need the gaussian family", response)
    for name in regression.predictors:
        predictor = context.spec.nodes[name]
        if predictor.error is not None and not predictor.error_is_scale:
            message = f"`{name}` is measured with error and predicts `{response.name}`: that is not supported yet"
            raise _error("DR411", message, context.variables[name])
    grouped = [name for name in regression.predictors if context.variables[name].pooled]
    if family.levelled and grouped:
        message = f"coefficients that vary between groups are not supported yet for the {family.name} `{response.name}`"
        raise _error("DR411", message, response)
    pooled = [f for factors in products for f in factors if context.variables[f].pooled]
    if pooled:
        message = f"an interaction with the group `{pooled[0]}` is a slope that varies between its levels"
        label = f"write `varying: {{{pooled[0]}: [intercept, ...]}}`"
        said = context.spec.regressions[response.name]
        raise DagregError((Diagnostic("DR423", message, said.span, label),))


def _large(context: _Context, group: str, family: Family) -> bool:
    """Whether a group's levels hold so many rows that the data say more of each than the other levels do."""
    rows = context.summary.rows if context.summary is not None else 0
    least = LARGE_DISCRETE if family.discrete else LARGE
    return rows >= least * len(context.variables[group].levels)


def _multiplied(context: _Context, node: Node) -> float | None:
    """The mean of the column that the residual sd is a multiple of; None where there is none, or no data."""
    if not node.error_is_scale or node.error is None or context.summary is None:
        return None
    return context.summary.columns[node.error].mean


def _rate(context: _Context, response: str) -> float | None:
    """The mean response per trial, or per unit of exposure to it; None without data."""
    variable, node = context.variables[response], context.spec.nodes[response]
    if variable.mean is None or context.summary is None:
        return None
    per = node.trials if node.trials is not None else node.offset
    if isinstance(per, int):
        return variable.mean / per
    return variable.mean / context.summary.columns[per].mean if per is not None else variable.mean


def _term(
    context: _Context,
    regression: _Regression,
    factors: tuple[str, ...],
    estimator: Estimator,
    namer: Namer,
    *,
    centred: bool,
    alone: bool,
) -> Term:
    variables = tuple(context.variables[f] for f in factors)
    response, said = context.variables[regression.response], context.spec.regressions.get(regression.response)
    link = LINKS[_link(context, regression, regression.family or _family(context, response.name))]
    moments = _moments(context, variables)
    main = len(factors) == 1
    purpose, why = regression.purposes[factors[0]] if main else ("precision", "declared under `interactions`")
    return Term(
        factors=factors,
        symbol=namer.identifier("beta", response.name, *factors),
        dim=namer.identifier("levels", *factors),
        columns=tuple(":".join(names) for names in pairs(*(v.columns for v in variables))),
        prior=priors.slope(said, ":".join(factors), response, variables, link),
        purpose=purpose,
        causal=purpose == "exposure" and main and alone and _asked_for(context, regression, estimator),
        why=why,
        centre=tuple(float(f"{mean:.6g}") for mean, _ in moments) if centred and moments else None,
        centre_by_data=centred and not moments,
        span=_place(context.spec, factors, response.name),
    )


def _place(spec: Spec, factors: tuple[str, ...], response: str) -> Span | None:
    """Where the spec brings a term in: its arrow to the response, else its node; an interaction where declared."""
    if len(factors) > 1:
        return spec.place("regressions", response, "interactions") or spec.regressions[response].span
    arrows = (e.span for e in spec.edges if e.source == factors[0] and e.target == response and not e.bidirected)
    return next(arrows, None) or spec.nodes[factors[0]].span


def _asked_for(context: _Context, regression: _Regression, estimator: Estimator) -> bool:
    """Whether the exposure's coefficient in this regression is the effect asked for, on the link scale."""
    if estimator in ("adjusted", "instrument"):
        return regression.response == context.effect.outcome
    direct = context.effect.kind == "direct"
    return estimator == "chain" and direct and regression.response == context.effect.outcome


def _moments(context: _Context, variables: tuple[Variable, ...]) -> tuple[tuple[float, float], ...]:
    """Mean and sd of each design column of a term; () without data."""
    if context.summary is None:
        return ()
    if len(variables) > 1:
        return context.summary.products[":".join(v.name for v in variables)]
    (variable,) = variables
    if variable.coded:
        return tuple((share, (share * (1 - share)) ** 0.5) for share in variable.shares[1:])
    assert variable.mean is not None
    assert variable.sd is not None
    return ((variable.mean, variable.sd),)


def contrasts(effect: Effect, variables: Mapping[str, Variable]) -> tuple[Contrast, ...]:
    """The contrasts of an effect: the user's, else against the reference, else one unit more.

    Raises DagregError where the contrast names levels that do not exist.
    """
    exposures = effect.exposure
    if effect.contrast is not None:
        start, stop = (_settings(side, exposures, variables, effect) for side in effect.contrast)
        return (Contrast(exposures, start, stop),)
    if len(exposures) == 1 and variables[exposures[0]].levels:
        reference, *others = variables[exposures[0]].levels
        return tuple(Contrast(exposures, (reference,), (level,)) for level in others)
    if all(variables[x].type == "binary" for x in exposures):
        return (
            Contrast(
                exposures,
                tuple(variables[x].levels[0] for x in exposures),
                tuple(variables[x].levels[1] for x in exposures),
            ),
        )
    coded = [x for x in exposures if variables[x].levels]
    if coded:
        names = ", ".join(f"`{x}`" for x in coded)
        raise _error("DR415", f"a joint effect of {names} and others needs a `contrast:`", variables[coded[0]], effect)
    return (Contrast(exposures, None, None),)


def _settings(
    side: Side, exposures: tuple[str, ...], variables: Mapping[str, Variable], effect: Effect
) -> tuple[Level, ...]:
    """One side of a contrast, a value for each exposure, levels as they are stored."""
    values = side if isinstance(side, tuple) else (side,) * len(exposures)
    if len(values) != len(exposures):
        raise _error("DR416", "the contrast needs one value for each exposure", variables[exposures[0]], effect)
    return tuple(_value(variables[x], value, effect) for x, value in zip(exposures, values, strict=True))


def _value(variable: Variable, value: Level, effect: Effect) -> Level:
    if not variable.levels:
        if isinstance(value, str):
            raise _error(
                "DR417", f"`{value}` is not a number, and `{variable.name}` is {variable.type}", variable, effect
            )
        return _within_domain(variable, float(value), effect)
    for level in variable.levels:
        if level == value or str(level).lower() == str(value).lower():
            return level
    known = ", ".join(str(level) for level in variable.levels[:8])
    raise _error("DR417", f"`{value}` is not a level of `{variable.name}` ({known})", variable, effect)


def _within_domain(variable: Variable, value: float, effect: Effect) -> float:
    if not transformable(variable, value):
        what = f"`transform: {variable.transform}` of `{variable.name}`"
        raise _error("DR319", f"{what} does not take the contrast's {value:g}", variable, effect)
    return value


def unused_terms(spec: Spec, plans: Iterable[Plan]) -> tuple[Diagnostic, ...]:
    """One error for each prior or interaction of the user's whose term occurs in no regression of its response."""
    equations: dict[str, list[Equation]] = {}
    for plan in plans:
        for model in plan.models:
            for equation in model.equations:
                equations.setdefault(equation.response, []).append(equation)
    wrong = []
    for response, regression in spec.regressions.items():
        if response not in equations:
            continue  # the regression of a response that this effect does not need
        known = {"intercept", "slopes"}
        for equation in equations[response]:
            known |= {t.name for t in equation.terms} | {a.name for a in equation.auxiliaries}
            known |= {key for varying in equation.varying for key in keys_of(varying)}
        asked = [(key, prior.span) for key, prior in regression.priors.items()]
        asked += [(":".join(factors), regression.span) for factors in regression.interactions]
        place = spec.place("regressions", response, "varying") or regression.span
        asked += [(f"{term}:{group}", place) for group, terms in regression.varying.items() for term in terms]
        label = f"terms: {', '.join(sorted(known))}"
        wrong += [
            Diagnostic("DR418", f"no regression of `{response}` has a term `{key}`", span, label=label)
            for key, span in asked
            if key not in known
        ]
    return tuple(wrong)


def idle_regressions(spec: Spec, plans: Iterable[Plan]) -> tuple[str, ...]:
    """The responses whose regression the spec describes and no model holds."""
    used = {e.response for plan in plans for model in plan.models for e in model.equations}
    return tuple(response for response in spec.regressions if response not in used)


def _error(code: str, message: str, variable: Variable, effect: Effect | None = None) -> DagregError:
    return DagregError((Diagnostic(code, message, effect.span if effect else variable.span),))
