"""From an identified effect to the regressions that answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from dagreg.errors import DagregError, Diagnostic
from dagreg.families import gaussian
from dagreg.identify.chain import Chain, NoChain
from dagreg.identify.expression import Expression
from dagreg.identify.types import (
    Adjustment,
    AdjustmentAtLevels,
    Answer,
    ByFormula,
    Identified,
    Instrument,
    NotAtLevels,
    NotIdentified,
    NotOnTreated,
    ZeroByGraph,
)
from dagreg.identify.words import quoted
from dagreg.model import functional
from dagreg.model.context import EffectContext, PlannedRegression, place_of
from dagreg.model.contrasts import by_outcome, contrasts, groups
from dagreg.model.effect_keys import bootstrapped, doses, refuse_bootstrap, seen
from dagreg.model.estimand import Estimand
from dagreg.model.estimators import Estimator
from dagreg.model.mediation import natural, with_parts
from dagreg.model.plan import LeftOut, Model, Plan
from dagreg.model.regression import equation_of
from dagreg.model.response import chosen_family
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.symbols import Namer
from dagreg.model.terms import Purpose
from dagreg.model.unknown import completed, is_unknown, latents, mixture
from dagreg.spec.types import Effect, Spec


def needed(effect: Effect, answer: Answer, chain: Chain | NoChain) -> frozenset[str]:
    """The observed nodes whose columns an effect's regressions use; none where nothing can be fitted."""
    ends, links = {*effect.exposure, effect.outcome}, _nodes_of(chain)
    match answer:
        case Adjustment():
            return frozenset({*ends, *links, *answer.adjusted_for})
        case ByFormula():
            return frozenset({*ends, *links, *functional.variables(answer.functional)})
        case Instrument():
            return frozenset({*ends, *answer.instruments, *answer.given})
        case ZeroByGraph() | NotIdentified():
            return frozenset()
        case _:
            assert_never(answer)


def _nodes_of(chain: Chain | NoChain) -> frozenset[str]:
    if isinstance(chain, NoChain):
        return frozenset()
    return frozenset({*chain.parents, *(p for group in chain.parents.values() for p in group)})


def lower(
    spec: Spec,
    effect: Effect,
    answer: Answer,
    chain: Chain | NoChain,
    resolved: Mapping[str, Variable],
    summary: DataSummary | None,
    suffix: str = "",
) -> Plan:
    """The models of one effect, the primary one first.

    `resolved` are the variables of all nodes that are `needed`; `suffix` ends the builders' names, to keep
    those of several effects apart. Raises DagregError (DR4xx) where a response has no family here.
    """
    _check_levels(spec, effect, answer)
    refused = _treated_refused(spec, effect, answer)
    if refused is not None:
        return Plan((), (refused,))
    if isinstance(answer, NotIdentified):
        return Plan((), (LeftOut(Estimator.ADJUSTED, answer.reason),))
    if isinstance(answer, ZeroByGraph):
        return Plan((), (LeftOut(Estimator.ADJUSTED, answer.justification.adjustment.reason),))
    used = needed(effect, answer, chain)
    variables = {name: resolved[name] for name in spec.nodes if name in used}
    context = EffectContext(
        spec=spec,
        effect=effect,
        justification=answer.justification,
        variables=variables,
        summary=summary,
        suffix=suffix,
    )
    plan = _plan(context, answer, chain)
    return with_parts(plan, answer.justification.mediation) if effect.kind == "mediation" else plan


def on_set(
    spec: Spec,
    effect: Effect,
    answer: Adjustment,
    resolved: Mapping[str, Variable],
    summary: DataSummary | None,
    nodes: Sequence[str],
    suffix: str,
) -> Model:
    """The outcome's regression on the exposures and these nodes, whether or not they are a valid set.

    `suffix` ends the builder's name. Raises DagregError as `lower` does.
    """
    used = {*effect.exposure, effect.outcome, *nodes, *effect.by}
    variables = {name: resolved[name] for name in spec.nodes if name in used}
    context = EffectContext(
        spec=spec,
        effect=effect,
        justification=answer.justification,
        variables=variables,
        summary=summary,
        suffix=suffix,
    )
    return _single(context, Estimator.ADJUSTED, nodes)


def _plan(
    context: EffectContext, answer: Adjustment | ByFormula | Instrument, chain: Chain | NoChain
) -> Plan:
    """The models of a strategy, and those that it leaves out."""
    match answer:
        case Adjustment():
            return _by_adjustment(context, answer, chain)
        case ByFormula():
            return _by_formula(context, answer, chain)
        case Instrument():
            return _by_instrument(context, answer)
        case _:
            assert_never(answer)


def _by_adjustment(context: EffectContext, answer: Adjustment, chain: Chain | NoChain) -> Plan:
    """Adjusted, then the chain where there is one that differs, then unadjusted."""
    models = [_single(context, Estimator.ADJUSTED, answer.adjusted_for)]
    left_out = []
    reason = chain.reason if isinstance(chain, NoChain) else _chain_left_out(context, chain, models[0])
    if isinstance(chain, Chain) and not reason:
        reason = _by_left_out(context, chain)
    if reason:
        left_out.append(LeftOut(Estimator.CHAIN, reason))
    elif isinstance(chain, Chain) and natural(context.justification.mediation):
        models = [
            replace(_chained(context, chain, Estimator.CHAIN), primary=True),
            replace(models[0], primary=False),
        ]
    elif isinstance(chain, Chain):
        models.append(_chained(context, chain, Estimator.CHAIN))
    if len(answer.adjusted_for) > 0:
        models.append(_single(context, Estimator.UNADJUSTED, ()))
    return Plan(tuple(models), tuple(left_out))


def _by_formula(context: EffectContext, answer: ByFormula, chain: Chain | NoChain) -> Plan:
    """Where no set can be adjusted for: the chain, or the formula itself."""
    estimator, outcome = Estimator[answer.strategy.upper()], context.outcome
    left_out = LeftOut(Estimator.ADJUSTED, answer.justification.adjustment.reason)
    unadjusted = _single(context, Estimator.UNADJUSTED, ())
    if isinstance(chain, Chain) and not _chain_left_out(context, chain):
        return Plan((_chained(context, chain, Estimator.FUNCTIONAL), unadjusted), (left_out,))
    expression = functional.by_chain_rule(answer.functional)
    reason = functional.obstacle(expression, outcome, context.variables) or _unknown_obstacle(
        context, expression
    )
    if context.variables[outcome].coded:
        reason = f"{outcome} has several levels, and formulas give the mean of one number so far"
    if reason:
        return Plan((), (left_out, LeftOut(estimator, reason)))
    refuse_bootstrap(context, f"{answer.formula} takes its marginals from the rows as they are")
    return Plan((_functional(context, estimator, expression), unadjusted), (left_out,))


def _by_instrument(context: EffectContext, answer: Instrument) -> Plan:
    """Where no formula gives the effect: a linear model by the instruments."""
    left_out = LeftOut(Estimator.ADJUSTED, answer.justification.adjustment.reason)
    unadjusted = _single(context, Estimator.UNADJUSTED, ())
    reason = _no_instrument(context)
    if reason:
        return Plan((), (left_out, LeftOut(Estimator.INSTRUMENT, reason)))
    return Plan((_instrumented(context, answer), unadjusted), (left_out,))


def _unknown_obstacle(context: EffectContext, expression: Expression) -> str:
    """Why a formula cannot be evaluated where values are not known, or ""."""
    names = sorted(functional.variables(expression) - {context.effect.outcome})
    unknown = [name for name in names if is_unknown(context, name)]
    return (
        f"values of {unknown[0]} are not known, and formulas average over the rows as they are"
        if unknown
        else ""
    )


def _check_levels(spec: Spec, effect: Effect, answer: Answer) -> None:
    """Raises DagregError (DR427) where an effect that is identified cannot be given at the levels
    asked for.
    """
    conditional = answer.justification.conditional
    if (
        conditional is None
        or not isinstance(answer, Identified)
        or isinstance(conditional, AdjustmentAtLevels)
    ):
        return
    place = place_of(spec, effect, "by")
    late = "" if isinstance(conditional, NotAtLevels) else " Only adjustment gives effects by levels so far."
    message = f"the effect cannot be given by {quoted(effect.by)}. {conditional.reason}{late}".rstrip(".")
    raise DagregError((Diagnostic("DR427", message, place),))


def _treated_refused(spec: Spec, effect: Effect, answer: Answer) -> LeftOut | None:
    """Why there is no effect on the treated, where another strategy than adjustment answers for everyone.

    Raises DagregError (DR428) where a member of the adjustment set follows from the exposure: another set
    would do.
    """
    treated = answer.justification.treated
    if not isinstance(treated, NotOnTreated):
        return None
    if not isinstance(answer, Adjustment):
        return LeftOut(Estimator.ADJUSTED, treated.reason, f"effect on the {treated.group}")
    message = f"there is no effect on the {treated.group} here. {treated.reason}".rstrip(".")
    raise DagregError((Diagnostic("DR428", message, place_of(spec, effect, "among")),))


def _single(context: EffectContext, estimator: Estimator, adjustment: Sequence[str]) -> Model:
    """The outcome on the exposures and an adjustment set."""
    effect, spec = context.effect, context.spec
    order = [name for name in spec.nodes if name in adjustment]
    purposes = dict.fromkeys(effect.exposure, (_EXPOSURE, estimator.exposure_why)) | {
        z: (_purpose(context, z), context.justification.nodes[z].why) for z in order
    }
    regression = PlannedRegression(effect.outcome, (*effect.exposure, *order), purposes)
    return _model(context, estimator, (regression,), tuple(adjustment))


_EXPOSURE: Purpose = "exposure"


def _functional(context: EffectContext, estimator: Estimator, expression: Expression) -> Model:
    """A regression for every conditional of the functional."""
    factors = functional.conditionals(expression)
    regressions = tuple(
        PlannedRegression(
            factor.targets[0], factor.given, _parental(context, factor.given, f"a part of {factor}")
        )
        for factor in factors
    )
    model = _model(context, estimator, regressions, (), also=functional.variables(expression))
    return replace(model, functional=expression, factors=factors)


def _no_instrument(context: EffectContext) -> str:
    """Why the linear model of an instrument does not fit these variables, or ""."""
    effect = context.effect
    outcome, node = context.variables[effect.outcome], context.spec.nodes[effect.outcome]
    if len(effect.exposure) > 1:
        return "an instrument answers for one exposure at a time"
    for variable in (context.variables[effect.exposure[0]], outcome):
        if variable.coded or variable.type not in gaussian.LINKED.accepts:
            return f"{variable.name} is {variable.type}, and the model of an instrument is linear"
    if node.trials is not None or node.offset is not None:
        return (
            f"{outcome.name} has trials or an offset, and the model of an instrument is linear in a plain "
            "mean"
        )
    return ""


def _instrumented(context: EffectContext, answer: Instrument) -> Model:
    """A linear first stage and a linear outcome, their errors correlated (Wooldridge 2010, section 5.1)."""
    effect = context.effect
    (exposure,) = effect.exposure
    instruments, given, estimator = answer.instruments, answer.given, Estimator.INSTRUMENT
    why = "the instrument: it acts on the outcome through the exposure alone"
    covariates = _parental(context, given, "the instrument is valid given this")
    first = PlannedRegression(
        exposure,
        (*instruments, *given),
        {**dict.fromkeys(instruments, ("parent", why)), **covariates},
        family=gaussian.FAMILY,
    )
    second = PlannedRegression(
        effect.outcome,
        (exposure, *given),
        {exposure: (_EXPOSURE, estimator.exposure_why), **covariates},
        family=gaussian.LINKED,
        linked=exposure,
    )
    return _model(context, estimator, (first, second), given)


def _parental(context: EffectContext, names: Iterable[str], why: str) -> dict[str, tuple[Purpose, str]]:
    """Purposes of predictors that are there because a formula names them."""
    return {n: (_EXPOSURE, "") if n in context.effect.exposure else ("parent", why) for n in names}


def _chained(context: EffectContext, chain: Chain, estimator: Estimator) -> Model:
    """A regression for every mediator and the outcome, each on its parents."""
    regressions = tuple(
        PlannedRegression(response, parents, _parental(context, parents, f"a parent of {response}"))
        for response, parents in chain.parents.items()
    )
    return replace(_model(context, estimator, regressions, ()), chained=True)


def _chain_left_out(context: EffectContext, chain: Chain, adjusted: Model | None = None) -> str:
    """Why the chain is not built, or ""."""
    if adjusted is not None and list(chain.parents) == [context.effect.outcome]:
        same = set(chain.parents[context.effect.outcome]) == set(adjusted.outcome.predictors)
        if same:
            return "it is the same regression as the adjusted one"
    mediators = (response for response in chain.parents if response != context.effect.outcome)
    return next(
        (reason for m in mediators if (reason := _mediator_obstacle(context, m, chain.parents[m]))), ""
    )


def _by_left_out(context: EffectContext, chain: Chain) -> str:
    """Why the chain cannot give the effect by levels, or ""."""
    if context.at_levels_alone:
        return "the rows were chosen, and it would average over how all else is distributed among these alone"
    within = {p for parents in chain.parents.values() for p in parents} - set(chain.parents)
    missing = [name for name in context.effect.by if name not in within]
    return f"the effect is asked for by {missing[0]}, which none of its regressions holds" if missing else ""


def _mediator_obstacle(context: EffectContext, mediator: str, parents: Iterable[str]) -> str:
    """Why a mediator's distribution cannot be passed on to the regressions after it, or ""."""
    variable, node = context.variables[mediator], context.spec.nodes[mediator]
    family = chosen_family(context, mediator)
    if (
        family is not None
        and family.predictor == "unordered"
        and any(context.variables[p].pooled for p in parents)
    ):
        return (
            f"the mediator {mediator} has several levels, and groups among its causes are not supported yet"
        )
    if family is None or variable.pooled:
        kind = "pooled" if variable.pooled else variable.type
        return f"the mediator {mediator} is {kind}, and such regressions are not supported yet"
    if not family.real and variable.transform:
        return (
            f"the mediator {mediator} enters as its {variable.transform}, and {family.name} describes the "
            "count itself"
        )
    if node.censored is not None:
        return f"the mediator {mediator} is censored, and the regressions after it need its true value"
    if node.error_is_scale:
        return f"the errors of the mediator {mediator} differ from row to row, and are not passed on yet"
    if family.trials or node.offset is not None:
        what = "trials" if family.trials else "units of exposure"
        return f"the mediator {mediator} counts over the {what} of its row, which is not supported yet"
    return ""


def _model(
    context: EffectContext,
    estimator: Estimator,
    regressions: tuple[PlannedRegression, ...],
    adjusted_for: tuple[str, ...],
    *,
    also: Iterable[str] = (),
) -> Model:
    namer = Namer()
    regressions = completed(context, regressions)
    used = {*also, *context.effect.exposure, *(n for r in regressions for n in (r.response, *r.predictors))}
    variables = {
        name: replace(variable, symbol=namer.identifier(name))
        for name, variable in context.variables.items()
        if name in used
    }
    responses = frozenset(r.response for r in regressions if not r.imputes)
    here = replace(context, variables=variables, responses=responses)
    predictors = {p for r in regressions for p in r.predictors}
    equations = tuple(
        equation_of(here, regression, estimator, namer, predictors) for regression in regressions
    )
    unknown = latents(here, equations, namer)
    summed = [latent.variable for latent in unknown if latent.summed]
    if summed:
        refuse_bootstrap(context, f"a row where {summed[0]} is missing stands for each of its levels")
    return Model(
        estimator=estimator,
        builder=f"build_{estimator}{context.suffix}",
        variables=variables,
        equations=equations,
        estimand=Estimand(
            kind=context.effect.kind,
            exposure=context.effect.exposure,
            outcome=context.effect.outcome,
            contrasts=by_outcome(contrasts(context.effect, context.variables), equations[-1]),
            groups=groups(here, estimator, responses),
            adjusted_for=adjusted_for,
            among=context.effect.among,
            seen=seen(context),
            doses=doses(context, estimator),
            average=not estimator.offers.effect or not context.at_levels_alone,
            bootstrapped=bootstrapped(context),
        ),
        primary=estimator.offers.primary,
        latents=unknown,
        imputed=frozenset(r.response for r in regressions if r.imputes),
        mixture=mixture(unknown, namer),
    )


def _purpose(context: EffectContext, name: str) -> Purpose:
    roles = context.justification.nodes[name].roles
    return "adjustment" if "confounder" in roles else "precision"
