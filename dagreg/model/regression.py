"""One regression: its terms, priors, family and identifiers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product as pairs

import numpy as np

from dagreg.errors import DagregError, Diagnostic, Span, either
from dagreg.families import FAMILIES, Family
from dagreg.families.links import LINKS, Link
from dagreg.identify.words import quoted
from dagreg.model import priors
from dagreg.model.cells import at_zero, cells_of, check_cells, coded, full_terms
from dagreg.model.context import Context, PlannedRegression, error_at
from dagreg.model.curves import basis
from dagreg.model.equation import FLAGS, Censoring, Equation, ErrorScale, KnownErrors
from dagreg.model.estimators import Estimator
from dagreg.model.grouping import varying_of
from dagreg.model.interactions import products_of, slopes_by_group
from dagreg.model.response import family_of, link_of
from dagreg.model.summary import CurveBasis, Variable
from dagreg.model.symbols import COEFFICIENT, Namer
from dagreg.model.terms import NO_INTERCEPT, Auxiliary, Purpose, Term
from dagreg.numerics.rounding import CENTRE, distinct, shortened
from dagreg.spec.types import Node

MIN_ROWS, MIN_ROWS_DISCRETE = 10, 50  # per level, on average, for varying coefficients to be sampled centred


def equation_of(
    context: Context,
    regression: PlannedRegression,
    estimator: Estimator,
    namer: Namer,
    predictors: Collection[str] = (),
) -> Equation:
    """The equation of a regression; `predictors` are those of all regressions of its model."""
    response = context.variables[regression.response]
    node, said = context.spec.nodes[response.name], context.spec.regressions.get(response.name)
    family = regression.family or family_of(context, response.name)
    link = LINKS[link_of(context, regression, family)]
    outcome = context.outcome
    groups = [p for p in regression.predictors if context.variables[p].pooled]
    linked = context.variables[regression.linked] if regression.linked is not None else None
    if node.offset is not None and link.name != "log":
        raise error_at(
            "DR420", f"`offset` of `{response.name}` needs a log link; its link is {link.name}", response
        )
    if node.offset is not None and not family.mean_is_linear:
        message = (
            f"`offset` of `{response.name}` needs a mean in proportion to it, and that of {family.name} is "
            "not"
        )
        raise error_at("DR420", message, response)
    products = products_of(context, regression)
    _check_regression(context, response, family, link, products, regression)
    cells = cells_of(context, regression)
    check_cells(context, regression, family, link, cells)
    rate = None if family.levelled else _rate(context, response.name)
    symbol = namer.identifier("alpha", response.name)
    levels = tuple(full_terms(context, regression, family, link, rate, namer))
    terms = (*levels, *_terms(context, regression, levels, estimator, namer))
    free = len(levels) == 0 or (said is not None and "intercept" in said.priors)
    return Equation(
        response=response.name,
        family=family,
        link=link,
        intercept=symbol,
        intercept_prior=priors.intercept(said, response, link, rate, levels=family.levelled)
        if free
        else NO_INTERCEPT,
        terms=terms,
        auxiliaries=tuple(
            Auxiliary(
                parameter.name,
                namer.identifier(parameter.name, response.name),
                priors.auxiliary(said, parameter, response, linked, _multiplied(context, node)),
            )
            for parameter in family.parameters
        ),
        varying=tuple(
            varying_of(
                context.spec,
                response,
                context.variables[g],
                slopes_by_group(context, regression, g),
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
        error=_error(node, measured=response.name in predictors),
        dropped=0 if response.name in predictors else response.missing,
        trials=node.trials if family.trials else None,
        censoring=_censoring(context, node),
        offset=node.offset,
        weights=None if outcome is None or outcome == response.name else context.spec.nodes[outcome].trials,
        linked=regression.linked,
        span=said.span if said else response.span,
    )


def _terms(
    context: Context,
    regression: PlannedRegression,
    levels: Sequence[Term],
    estimator: Estimator,
    namer: Namer,
) -> Iterator[Term]:
    """The terms with an intercept beside them, so to speak: numbers, levels against a reference, and
    interactions.

    They are centred, unless the user's prior is of the response where they are 0. `levels` are the terms with
    a coefficient for each level.
    """
    centred, how = not at_zero(context, regression), coded(context, regression)
    products = products_of(context, regression)
    for factors in how.sloped:
        yield _slopes(context, regression, factors, levels, namer, centred=centred)
    for factors in how.plain:
        alone = not any(factors[0] in product for product in products)
        if len(factors) == 1 and (curve := _curve_of(context, regression, factors[0])) is not None:
            yield _curved(context, regression, factors[0], curve, namer, centred=centred)
            continue
        yield _term(context, regression, factors, estimator, namer, centred=centred, alone=alone)


def _curve_of(context: Context, regression: PlannedRegression, name: str) -> CurveBasis | None:
    """The curve that the spec asks for, with its knots where there are data.

    Raises DagregError (DR442) where there is none: of levels, of too few values, in the linear regressions of
    an instrument, and at an intercept's prior without data.
    """
    said = context.spec.regressions.get(regression.response)
    curve = said.curves.get(name) if said is not None else None
    if curve is None:
        return None
    summary = context.summary.curves.get(f"{name} {curve}") if context.summary is not None else None
    wrong = ""
    if context.variables[name].levels:
        wrong = f"`{name}` is {context.variables[name].type}, and curves are of numbers"
    elif regression.family is not None:
        wrong = "the regressions of an instrument are linear"
    elif summary is not None and not summary.means:
        wrong = f"`{name}` has too few distinct values for {curve}: its knots coincide"
    elif summary is None and at_zero(context, regression):
        wrong = f"the intercept's prior is at {name} = 0, and where its knots lie is not known without data"
    if wrong:
        raise DagregError((Diagnostic("DR442", wrong, curve.span),))
    return summary.basis if summary is not None else CurveBasis(curve.kind, curve.columns)


def _curved(
    context: Context,
    regression: PlannedRegression,
    name: str,
    curve: CurveBasis,
    namer: Namer,
    *,
    centred: bool,
) -> Term:
    """A number that enters as a curve. Its coefficients are heights, so none of them is an effect.

    Centred at the means of its columns, or where the user gives the intercept's prior at its height at 0.
    """
    response, said = context.variables[regression.response], context.spec.regressions.get(regression.response)
    link = LINKS[link_of(context, regression, family_of(context, response.name))]
    purpose, why = regression.purposes[name]
    key = f"{name} {curve.kind}({curve.columns})"
    means = context.summary.curves[key].means if context.summary is not None else None
    centre = means if centred else tuple(basis(curve, np.zeros(1))[0].tolist())
    heights = f"a {'polynomial' if curve.kind == 'poly' else 'natural spline'}, by its heights at the knots"
    shown = distinct(curve.knots)[1:] or [f"knot {i + 1}" for i in range(1, curve.columns + 1)]
    return Term(
        factors=(name,),
        symbol=namer.identifier(COEFFICIENT, response.name, name),
        columns=tuple(f"{name}[{knot}]" for knot in shown),
        prior=priors.slope(said, name, response, (), link),
        purpose=purpose,
        causal=False,
        why=f"{why.rstrip('.')}; {heights}" if why else heights,
        centre=None if centre is None else tuple(shortened(c, CENTRE) for c in centre),
        centre_by_data=centre is None,
        span=context.spec.place("regressions", response.name, "curves", name),
        curve=curve,
    )


def _check_regression(
    context: Context,
    response: Variable,
    family: Family,
    link: Link,
    products: Sequence[tuple[str, ...]],
    regression: PlannedRegression,
) -> None:
    """Raises DagregError where parts of a regression do not go together."""
    node = context.spec.nodes[response.name]
    if node.error is not None and not family.error_scale:
        raise error_at(
            "DR425", f"`error` of `{response.name}` needs a residual sd, and {family.name} has none", response
        )
    if node.error is not None and response.transform not in (None, "center", "standardize"):
        message = f"`error` of `{response.name}` is that of the column, not of its {response.transform}"
        raise error_at("DR425", message, response)
    if node.error is not None and not node.error_is_scale and not family.known_errors:
        fit = either(f.name for f in FAMILIES.values() if f.known_errors)
        raise error_at("DR425", f"known errors of `{response.name}` need the {fit} family", response)
    _check_censoring(context, node, family, regression)
    grouped = [name for name in regression.predictors if context.variables[name].pooled]
    if family.predictor == "unordered" and grouped:
        message = (
            f"coefficients that vary between groups are not supported yet for the {family.name} "
            f"`{response.name}`"
        )
        label = f"say `{grouped[0]}: categorical`, or join the levels of `{response.name}` to two"
        raise error_at("DR411", message, response, label=label)
    pooled = [f for factors in products for f in factors if context.variables[f].pooled]
    if pooled:
        message = f"an interaction with the group `{pooled[0]}` is a slope that varies between its levels"
        label = f"write `varying: {{{pooled[0]}: [intercept, ...]}}`"
        said = context.spec.regressions[response.name]
        raise DagregError((Diagnostic("DR423", message, said.span, label),))


def _check_censoring(context: Context, node: Node, family: Family, regression: PlannedRegression) -> None:
    """Raises DagregError where a response cannot be censored, or a predictor is."""
    if node.censored is not None and not family.censored:
        what = "a linked regression" if regression.linked is not None else family.name
        raise error_at(
            "DR433", f"`{node.name}` is censored, and {what} has no censoring", context.variables[node.name]
        )
    for name in regression.predictors:
        if context.spec.nodes[name].censored is not None:
            message = f"`{name}` is censored and predicts `{node.name}`: that is not supported yet"
            raise error_at(
                "DR411", message, context.variables[name], label=f"leave `{name}` out of the graph"
            )


def _censoring(context: Context, node: Node) -> Censoring | None:
    """The flags of a censored response that occur; without data, all that its columns allow."""
    if node.censored is None:
        return None
    known = context.summary.columns[node.censored].levels if context.summary is not None else None
    possible = tuple(f for f in FLAGS if f != "interval" or node.upper is not None)
    return Censoring(node.censored, tuple(f for f in possible if known is None or f in known), node.upper)


def _error(node: Node, *, measured: bool) -> KnownErrors | ErrorScale | None:
    """The errors of single responses.

    Those of a response that is a predictor, too (`measured`), are of its true values: see `Latent`.
    """
    if node.error is None:
        return None
    if node.error_is_scale:
        return ErrorScale(node.error)
    return None if measured else KnownErrors(node.error)


def _large(context: Context, group: str, family: Family) -> bool:
    """Whether a group's levels hold so many rows that the data say more of each than the other levels do."""
    rows = context.summary.rows if context.summary is not None else 0
    least = MIN_ROWS_DISCRETE if family.discrete else MIN_ROWS
    return rows >= least * len(context.variables[group].levels)


def _multiplied(context: Context, node: Node) -> float | None:
    """The mean of the column that the residual sd is a multiple of; None where there is none, or no data."""
    if not node.error_is_scale or node.error is None or context.summary is None:
        return None
    return context.summary.columns[node.error].mean


def _rate(context: Context, response: str) -> float | None:
    """The mean response per trial, or per unit of exposure to it; None without data."""
    variable, node = context.variables[response], context.spec.nodes[response]
    if variable.mean is None or context.summary is None:
        return None
    per = node.trials if node.trials is not None else node.offset
    if isinstance(per, int):
        return variable.mean / per
    return variable.mean / context.summary.columns[per].mean if per is not None else variable.mean


def _term(
    context: Context,
    regression: PlannedRegression,
    factors: tuple[str, ...],
    estimator: Estimator,
    namer: Namer,
    *,
    centred: bool,
    alone: bool,
) -> Term:
    variables = tuple(context.variables[f] for f in factors)
    response, said = context.variables[regression.response], context.spec.regressions.get(regression.response)
    link = LINKS[link_of(context, regression, regression.family or family_of(context, response.name))]
    moments = _moments(context, variables)
    main = len(factors) == 1
    purpose, why = regression.purposes[factors[0]] if main else _product_purpose(context, regression, factors)
    return Term(
        factors=factors,
        symbol=namer.identifier(COEFFICIENT, response.name, *factors),
        columns=tuple(":".join(names) for names in pairs(*(v.columns for v in variables))),
        prior=priors.slope(said, ":".join(factors), response, variables, link),
        purpose=purpose,
        causal=purpose == "exposure" and main and alone and context.answers(response.name, estimator),
        why=why,
        centre=tuple(shortened(mean, CENTRE * sd) for mean, sd in moments) if centred and moments else None,
        centre_by_data=centred and not moments,
        span=_place(context, factors, response.name),
    )


def _slopes(
    context: Context,
    regression: PlannedRegression,
    factors: tuple[str, ...],
    levels: Sequence[Term],
    namer: Namer,
    *,
    centred: bool,
) -> Term:
    """A slope for each level, or combination of levels: `b[level] * x`, x less its mean (McElreath 2020,
    section 8.1).

    That moves the coefficients of these levels and no others. Raises DagregError (DR443) where they have
    none.
    """
    variables, response = tuple(context.variables[f] for f in factors), context.variables[regression.response]
    said = context.spec.regressions.get(response.name)
    link = LINKS[link_of(context, regression, regression.family or family_of(context, response.name))]
    numbers = tuple(v.name for v in variables if not v.levels)
    kinds = tuple(v.name for v in variables if v.levels)
    span = _place(context, factors, response.name)
    if centred and not any(set(kinds) <= set(t.factors) for t in levels):
        product, means = ":".join(numbers), ":".join(kinds)
        message = (
            f"`{product}` has a slope for each combination of `{means}`, and the response no mean for each"
        )
        raise DagregError((Diagnostic("DR443", message, span, f"add `{means}` to `interactions`"),))
    mean = _mean_of_numbers(context, numbers)
    purpose, why = _product_purpose(context, regression, factors)
    if len(numbers) == 1:
        purpose, why = regression.purposes[numbers[0]]
    own, shared = ":".join(factors), ":".join(numbers)
    key = (
        shared if said is not None and own not in said.priors else own
    )  # a prior of x is that of each of its slopes
    each = f"a slope for each {'level' if len(kinds) == 1 else 'combination of levels'}"
    return Term(
        factors=factors,
        symbol=namer.identifier(COEFFICIENT, response.name, *factors),
        columns=tuple(
            ":".join(names) for names in pairs(*(v.every_level if v.levels else v.columns for v in variables))
        ),
        prior=priors.slope(said, key, response, variables, link),
        purpose=purpose,
        causal=False,
        why=f"{why.rstrip('.')}; {each}" if why else each,
        centre=(mean,) if centred and mean is not None else None,
        centre_by_data=centred and mean is None,
        span=span,
        full=True,
        numbers=numbers,
    )


def _mean_of_numbers(context: Context, numbers: tuple[str, ...]) -> float | None:
    """The mean of their product; None without data."""
    if context.summary is None:
        return None
    if len(numbers) > 1:
        return context.summary.products[":".join(numbers)][0][0]
    return context.variables[numbers[0]].mean


def _product_purpose(
    context: Context, regression: PlannedRegression, factors: tuple[str, ...]
) -> tuple[Purpose, str]:
    """What an interaction is there for."""
    said = context.spec.regressions.get(regression.response)
    if said is not None and factors in (said.interactions or ()):
        return "precision", "declared under `interactions`"
    levels = quoted(f for f in factors if f in context.by)
    return "precision", f"the effect is asked for by {levels}"


def _place(context: Context, factors: tuple[str, ...], response: str) -> Span | None:
    """Where the spec brings a term in: its arrow to the response, else its node; an interaction where
    declared.
    """
    spec = context.spec
    if len(factors) > 1:
        said = spec.regressions.get(response)
        if said is None or factors not in (said.interactions or ()):
            return context.place("by")
        return spec.place("regressions", response, "interactions") or said.span
    arrows = (
        e.span for e in spec.edges if e.source == factors[0] and e.target == response and not e.bidirected
    )
    return next(arrows, None) or spec.nodes[factors[0]].span


def _moments(context: Context, variables: tuple[Variable, ...]) -> tuple[tuple[float, float], ...]:
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
