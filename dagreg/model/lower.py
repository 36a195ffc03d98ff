"""From an identified effect to the regressions that answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dagreg.errors import DagregError, Diagnostic
from dagreg.families import gaussian
from dagreg.identify.chain import Chain, NoChain
from dagreg.identify.expression import Expression
from dagreg.identify.types import Answer, Justification, NotIdentified
from dagreg.identify.words import quoted
from dagreg.model import functional
from dagreg.model.context import Context, Regression
from dagreg.model.contrasts import by_outcome, contrasts, groups
from dagreg.model.effect_keys import bootstrapped, doses, place_of, refuse_bootstrap, seen
from dagreg.model.estimand import Estimand
from dagreg.model.mediation import natural, with_parts
from dagreg.model.plan import Estimator, LeftOut, Model, Plan
from dagreg.model.regression import equation_of
from dagreg.model.response import chosen_family
from dagreg.model.summary import DataSummary
from dagreg.model.symbols import Namer
from dagreg.model.terms import Purpose
from dagreg.model.unknown import completed, is_unknown, latents, mixture
from dagreg.model.variables import resolve
from dagreg.spec.types import Effect, Spec


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
    refused = _treated_refused(spec, effect, answer)
    if refused is not None:
        return Plan((), (refused,))
    used = needed(effect, answer, chain)
    if not used:
        reason = answer.reason if isinstance(answer, NotIdentified) else answer.justification.adjustment.reason
        return Plan((), (LeftOut("adjusted", reason),))
    variables = resolve(spec, [name for name in spec.nodes if name in used], summary)
    context = Context(spec, effect, answer.justification, variables, summary, suffix)
    plan = _by_adjustment(context, chain) if answer.strategy == "adjustment" else _otherwise(context, answer, chain)
    return with_parts(plan, answer.justification.mediation) if effect.kind == "mediation" else plan


def _otherwise(context: Context, answer: Answer, chain: Chain | NoChain) -> Plan:
    """The models where no set can be adjusted for: the chain, the formula itself, or an instrument."""
    effect, variables = context.effect, context.variables
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
    reason = functional.obstacle(expression, effect.outcome, variables) or _unknown_obstacle(context, expression)
    if variables[effect.outcome].coded:
        reason = f"{effect.outcome} has several levels, and formulas give the mean of one number so far"
    if reason:
        return Plan((), (left_out, LeftOut(estimator, reason)))
    return Plan((_functional(context, estimator, expression), unadjusted), (left_out,))


def _unknown_obstacle(context: Context, expression: Expression) -> str:
    """Why a formula cannot be evaluated where values are not known, or ""."""
    names = sorted(functional.variables(expression) - {context.effect.outcome})
    unknown = [name for name in names if is_unknown(context, name)]
    return f"values of {unknown[0]} are not known, and formulas average over the rows as they are" if unknown else ""


def _check_levels(spec: Spec, effect: Effect, answer: Answer) -> None:
    """Raises DagregError (DR427) where an effect that is identified cannot be given at the levels asked for."""
    conditional = answer.justification.conditional
    if conditional is None or isinstance(answer, NotIdentified) or conditional.strategy == "adjustment":
        return
    place = place_of(spec, effect, "by")
    late = " Only adjustment gives effects by levels so far." if conditional.identified else ""
    message = f"the effect cannot be given by {quoted(effect.by)}. {conditional.reason}{late}".rstrip(".")
    raise DagregError((Diagnostic("DR427", message, place),))


def _treated_refused(spec: Spec, effect: Effect, answer: Answer) -> LeftOut | None:
    """Why there is no effect on the treated, where another strategy than adjustment answers for everyone.

    Raises DagregError (DR428) where a member of the adjustment set follows from the exposure: another set would do.
    """
    found = answer.justification.treated
    if found is None or found.identified:
        return None
    if answer.strategy != "adjustment":
        return LeftOut("adjusted", found.reason, f"effect on the {found.group}")
    message = f"there is no effect on the {found.group} here. {found.reason}".rstrip(".")
    raise DagregError((Diagnostic("DR428", message, place_of(spec, effect, "among")),))


def _adjustment_set(justification: Justification) -> tuple[str, ...] | None:
    """The set that is adjusted for: with levels asked for, one that holds them."""
    conditional = justification.conditional
    if conditional is None or conditional.adjustment is None:
        return justification.adjustment.chosen
    return tuple(sorted({*conditional.adjustment, *conditional.given}))


def _by_adjustment(context: Context, chain: Chain | NoChain) -> Plan:
    """Adjusted, then the chain where there is one that differs, then unadjusted."""
    chosen = _adjustment_set(context.justification)
    assert chosen is not None
    models = [_single(context, "adjusted", chosen)]
    left_out = []
    reason = chain.reason if isinstance(chain, NoChain) else _chain_left_out(context, chain, models[0])
    if isinstance(chain, Chain) and not reason:
        reason = _by_left_out(context, chain)
    if reason:
        left_out.append(LeftOut("chain", reason))
    elif isinstance(chain, Chain) and natural(context.justification.mediation):
        models = [replace(_chained(context, chain, "chain"), primary=True), replace(models[0], primary=False)]
    elif isinstance(chain, Chain):
        models.append(_chained(context, chain, "chain"))
    if len(chosen) > 0:
        models.append(_single(context, "unadjusted", ()))
    return Plan(tuple(models), tuple(left_out))


def _single(context: Context, estimator: Estimator, adjustment: Sequence[str]) -> Model:
    """The outcome on the exposures and an adjustment set."""
    effect, spec = context.effect, context.spec
    order = [name for name in spec.nodes if name in adjustment]
    purposes = dict.fromkeys(effect.exposure, (_EXPOSURE, _EXPOSURE_WHY[estimator])) | {
        z: (_purpose(context, z), context.justification.nodes[z].why) for z in order
    }
    regression = Regression(effect.outcome, (*effect.exposure, *order), purposes)
    return _model(context, estimator, (regression,), tuple(adjustment), primary=estimator == "adjusted")


_EXPOSURE: Purpose = "exposure"


_EXPOSURE_WHY: Mapping[str, str] = {
    "adjusted": "its effect is asked for",
    "unadjusted": "nothing is adjusted for, so its coefficient is an association",
}


def _functional(context: Context, estimator: Estimator, expression: Expression) -> Model:
    """A regression for every conditional of the functional."""
    formula = "the front-door formula" if estimator == "frontdoor" else "the formula"
    refuse_bootstrap(context, f"{formula} takes its marginals from the rows as they are")
    factors = functional.conditionals(expression)
    regressions = tuple(
        Regression(factor.targets[0], factor.given, _parental(context, factor.given, f"a part of {factor}"))
        for factor in factors
    )
    model = _model(context, estimator, regressions, (), primary=True, also=functional.variables(expression))
    return replace(model, functional=expression, factors=factors)


def _no_instrument(context: Context) -> str:
    """Why the linear model of an instrument does not fit these variables, or ""."""
    effect = context.effect
    outcome, node = context.variables[effect.outcome], context.spec.nodes[effect.outcome]
    if len(effect.exposure) > 1:
        return "an instrument answers for one exposure at a time"
    for variable in (context.variables[effect.exposure[0]], outcome):
        if variable.coded or variable.type not in gaussian.LINKED.accepts:
            return f"{variable.name} is {variable.type}, and the model of an instrument is linear"
    if node.trials is not None or node.offset is not None:
        return f"{outcome.name} has trials or an offset, and the model of an instrument is linear in a plain mean"
    return ""


def _instrumented(context: Context) -> Model:
    """A linear first stage and a linear outcome, their errors correlated (Wooldridge 2010, section 5.1)."""
    effect = context.effect
    (exposure,) = effect.exposure
    instruments, given = chosen_instruments(context.justification)
    why = "the instrument: it acts on the outcome through the exposure alone"
    covariates = _parental(context, given, "the instrument is valid given this")
    first = Regression(
        exposure,
        (*instruments, *given),
        {**dict.fromkeys(instruments, ("parent", why)), **covariates},
        family=gaussian.FAMILY,
    )
    second = Regression(
        effect.outcome,
        (exposure, *given),
        {exposure: (_EXPOSURE, _EXPOSURE_WHY["adjusted"]), **covariates},
        family=gaussian.LINKED,
        linked=exposure,
    )
    return _model(context, "instrument", (first, second), given, primary=True)


def _parental(context: Context, names: Iterable[str], why: str) -> dict[str, tuple[Purpose, str]]:
    """Purposes of predictors that are there because a formula names them."""
    return {n: (_EXPOSURE, "") if n in context.effect.exposure else ("parent", why) for n in names}


def _chained(context: Context, chain: Chain, estimator: Estimator) -> Model:
    """A regression for every mediator and the outcome, each on its parents."""
    regressions = tuple(
        Regression(response, parents, _parental(context, parents, f"a parent of {response}"))
        for response, parents in chain.parents.items()
    )
    primary = estimator != "chain"
    return replace(_model(context, estimator, regressions, (), primary=primary), chained=primary)


def _chain_left_out(context: Context, chain: Chain, adjusted: Model | None = None) -> str:
    """Why the chain is not built, or ""."""
    if adjusted is not None and list(chain.parents) == [context.effect.outcome]:
        same = set(chain.parents[context.effect.outcome]) == set(adjusted.outcome.predictors)
        if same:
            return "it is the same regression as the adjusted one"
    mediators = (response for response in chain.parents if response != context.effect.outcome)
    return next((reason for m in mediators if (reason := _mediator_obstacle(context, m, chain.parents[m]))), "")


def _alone(context: Context) -> bool:
    """Whether the effect is identified at the levels asked for, and not on average."""
    conditional = context.justification.conditional
    return conditional is not None and conditional.alone


def _by_left_out(context: Context, chain: Chain) -> str:
    """Why the chain cannot give the effect by levels, or ""."""
    if _alone(context):
        return "the rows were chosen, and it would average over how all else is distributed among these alone"
    within = {p for parents in chain.parents.values() for p in parents} - set(chain.parents)
    missing = [name for name in context.effect.by if name not in within]
    return f"the effect is asked for by {missing[0]}, which none of its regressions holds" if missing else ""


def _mediator_obstacle(context: Context, mediator: str, parents: Iterable[str]) -> str:
    """Why a mediator's distribution cannot be passed on to the regressions after it, or ""."""
    variable, node = context.variables[mediator], context.spec.nodes[mediator]
    family = chosen_family(context, mediator)
    if family is not None and family.predictor == "unordered" and any(context.variables[p].pooled for p in parents):
        return f"the mediator {mediator} has several levels, and groups among its causes are not supported yet"
    if family is None or variable.pooled:
        kind = "pooled" if variable.pooled else variable.type
        return f"the mediator {mediator} is {kind}, and such regressions are not supported yet"
    if not family.real and variable.transform:
        return (
            f"the mediator {mediator} enters as its {variable.transform}, and {family.name} describes the count itself"
        )
    if node.censored is not None:
        return f"the mediator {mediator} is censored, and the regressions after it need its true value"
    if family.trials or node.offset is not None:
        what = "trials" if family.trials else "units of exposure"
        return f"the mediator {mediator} counts over the {what} of its row, which is not supported yet"
    return ""


def _model(
    context: Context,
    estimator: Estimator,
    regressions: tuple[Regression, ...],
    adjusted_for: tuple[str, ...],
    *,
    primary: bool,
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
    equations = tuple(equation_of(here, regression, estimator, namer, predictors) for regression in regressions)
    found = latents(here, equations, namer)
    summed = [latent.variable for latent in found if latent.summed]
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
            average=estimator == "unadjusted" or not _alone(context),
            bootstrapped=bootstrapped(context),
        ),
        primary=primary,
        latents=found,
        imputed=frozenset(r.response for r in regressions if r.imputes),
        mixture=mixture(found, namer),
    )


def _purpose(context: Context, name: str) -> Purpose:
    roles = context.justification.nodes[name].roles
    return "adjustment" if "confounder" in roles else "precision"
