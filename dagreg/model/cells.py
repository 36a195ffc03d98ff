"""Levels with coefficients of their own, in place of an intercept and differences from a reference.

Two forms: `coding: index` gives every level of every categorical predictor a coefficient (index variables,
McElreath 2020, section 5.3.2), and `cells` gives one to each combination of the levels of several nodes: the
saturated model. The mean of a cell is then a parameter itself, and its prior acts on the mean: `Beta(1, 1)`
on a probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product as pairs

from dagreg.errors import DagregError, Diagnostic
from dagreg.families.family import Family
from dagreg.families.links import Link
from dagreg.model import priors
from dagreg.model.context import Context, PlannedRegression
from dagreg.model.interactions import products_of
from dagreg.model.symbols import COEFFICIENT, Namer
from dagreg.model.terms import PriorChoice, Purpose, Term
from dagreg.spec import types as spec
from dagreg.spec.priors import DISTRIBUTIONS, admits_negative
from dagreg.spec.regressions import CELLS_PRIOR

_SUPPORT = {"probability": "between 0 and 1", "rate": "above 0"}
_EXAMPLE = {"probability": "`Beta(1, 1)`", "rate": "`Gamma(1, 1)`"}
_OTHER_LINK = {"probability": "logit", "rate": "log"}


def cells_of(context: Context, regression: PlannedRegression) -> tuple[str, ...]:
    """The predictors of a regression that are cells together, in the order of the spec.

    None in the linear regressions of an instrument, which keep an intercept.
    """
    said = context.spec.regressions.get(regression.response) if regression.family is None else None
    return tuple(name for name in (said.cells if said else ()) if name in regression.predictors)


@dataclass(frozen=True, slots=True)
class Coded:
    """How the predictors of a regression enter, and their products: a term each.

    `indexed` have a coefficient for each level or combination of levels, the cells first; `sloped` a slope
    for each. `plain` are the others. What a slope or a mean for each level says already is no term of its own
    beside it.
    """

    indexed: tuple[tuple[str, ...], ...]
    sloped: tuple[tuple[str, ...], ...]
    plain: tuple[tuple[str, ...], ...]


def coded(context: Context, regression: PlannedRegression) -> Coded:
    """The terms of a regression, those of groups apart."""
    known, cells = context.variables, cells_of(context, regression)
    said = context.spec.regressions.get(regression.response)
    by_index = said is not None and said.coding == "index" and regression.family is None
    mains = [(p,) for p in regression.predictors if p not in cells and not known[p].pooled]
    products = products_of(context, regression)

    def levels(factors: tuple[str, ...]) -> frozenset[str]:
        return frozenset(f for f in factors if known[f].levels)

    def full(factors: tuple[str, ...]) -> bool:
        pooled = any(known[f].pooled for f in factors)
        return len(levels(factors)) > 0 and not pooled and (by_index or levels(factors) <= set(cells))

    def said_by(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
        return set(inner) < set(outer) and set(outer) - set(inner) <= levels(outer) and full(outer)

    terms = [t for t in (*mains, *products) if not any(said_by(t, p) for p in products)]
    return Coded(
        indexed=(*((cells,) if cells else ()), *(t for t in terms if full(t) and levels(t) == set(t))),
        sloped=tuple(t for t in terms if full(t) and levels(t) != set(t)),
        plain=tuple(t for t in terms if not full(t)),
    )


def indexed_of(context: Context, regression: PlannedRegression) -> tuple[tuple[str, ...], ...]:
    """The factors of every term with a coefficient for each level: the cells, then what `coding: index` asks
    for.
    """
    return coded(context, regression).indexed


def at_zero(context: Context, regression: PlannedRegression) -> bool:
    """Whether a prior of the user's says where the response is at predictors = 0: an intercept's, or that of
    levels.
    """
    said, indexed = context.spec.regressions.get(regression.response), indexed_of(context, regression)
    if said is None:
        return False
    return "intercept" in said.priors or (
        len(indexed) > 0 and _given(context, regression, indexed[0]) is not None
    )


def _given(context: Context, regression: PlannedRegression, factors: tuple[str, ...]) -> PriorChoice | None:
    """The user's prior of such a term, or None."""
    said = context.spec.regressions[regression.response]
    keys = (CELLS_PRIOR,) if factors == cells_of(context, regression) else (":".join(factors), "slopes")
    return next((priors.given(said.priors[key]) for key in keys if key in said.priors), None)


def full_terms(
    context: Context,
    regression: PlannedRegression,
    family: Family,
    link: Link,
    rate: float | None,
    namer: Namer,
) -> Iterator[Term]:
    """The terms with a coefficient for each level, or combination of levels.

    The first of them stands in place of the intercept, unless the user gives that a prior. `rate` is the mean
    response per trial or per unit of exposure, None without data.
    """
    said = context.spec.regressions.get(regression.response)
    kept = said is not None and "intercept" in said.priors
    for i, factors in enumerate(indexed_of(context, regression)):
        prior = _given(context, regression, factors)
        prior = prior or _default(context, regression, factors, family, link, rate, first=i == 0 and not kept)
        yield _full_term(context, regression, factors, prior, namer)


def _default(
    context: Context,
    regression: PlannedRegression,
    factors: tuple[str, ...],
    family: Family,
    link: Link,
    rate: float | None,
    *,
    first: bool,
) -> PriorChoice:
    response = context.variables[regression.response]
    if factors == cells_of(context, regression) and link.name == "identity" and family.cell_support:
        return priors.cell_mean(response, family.cell_support, rate)
    if first:
        return priors.intercept(None, response, link, rate)
    return priors.slope(None, "", response, tuple(context.variables[f] for f in factors), link)


def _full_term(
    context: Context,
    regression: PlannedRegression,
    factors: tuple[str, ...],
    prior: PriorChoice,
    namer: Namer,
) -> Term:
    response, cells = regression.response, factors == cells_of(context, regression)
    purpose, why = _purpose(regression, factors, context.exposure, cells=cells)
    place = context.spec.place("regressions", response, "cells" if cells else "coding")
    return Term(
        factors=factors,
        symbol=namer.identifier("cells" if cells else COEFFICIENT, response, *(() if cells else factors)),
        columns=tuple(
            ":".join(names) for names in pairs(*(context.variables[f].every_level for f in factors))
        ),
        prior=prior,
        purpose=purpose,
        causal=False,
        why=why,
        span=place or context.spec.regressions[response].span,
        full=True,
        cells=cells,
    )


def _purpose(
    regression: PlannedRegression, factors: tuple[str, ...], exposures: Sequence[str], *, cells: bool
) -> tuple[Purpose, str]:
    purpose, why = regression.purposes[next((f for f in factors if f in exposures), factors[0])]
    what = "mean" if cells else "coefficient"
    each = (
        f"a {what} for each combination of levels"
        if cells or len(factors) > 1
        else f"a {what} for each level"
    )
    return purpose, f"{why.rstrip('.')}; {each}" if why else each


def check_cells(
    context: Context, regression: PlannedRegression, family: Family, link: Link, cells: Sequence[str]
) -> None:
    """Raises DagregError where a regression cannot have cells (DR441) or their prior leaves their range
    (DR155).
    """
    said = context.spec.regressions.get(regression.response)
    if said is None or not (cells or said.coding == "index"):
        return
    wrong = _misfit(context, regression, family, link, cells)
    if wrong:
        key = "cells" if cells else "coding"
        place = context.spec.place("regressions", regression.response, key) or said.span
        raise DagregError((Diagnostic("DR441", wrong, place),))
    prior = said.priors.get(CELLS_PRIOR)
    if prior is None or not cells or link.name != "identity" or not family.cell_support:
        return
    if not _within(prior, family.cell_support):
        message = (
            f"a cell's mean is a {family.cell_support}, and `{prior}` is not kept "
            f"{_SUPPORT[family.cell_support]}"
        )
        label = (
            f"use {_EXAMPLE[family.cell_support]}, or `link: {_OTHER_LINK[family.cell_support]}` and its "
            "scale"
        )
        raise DagregError((Diagnostic("DR155", message, prior.span, label),))


def _misfit(
    context: Context, regression: PlannedRegression, family: Family, link: Link, cells: Sequence[str]
) -> str:
    """Why this regression cannot have cells, or ""."""
    if family.levelled:
        return (
            f"each level of `{regression.response}` has an intercept, so its predictors stay against a "
            "reference"
        )
    for name in cells:
        variable = context.variables[name]
        if not variable.levels or variable.pooled:
            return (
                f"`{name}` is {variable.type}, and cells are combinations of levels: declare it categorical"
            )
    beside = [p for p in regression.predictors if p not in cells]
    if cells and beside and link.name == "identity" and family.cell_support:
        hint = f"add it to `cells`, or say `link: {_OTHER_LINK[family.cell_support]}`"
        return f"a {family.cell_support} for each cell leaves no room for `{beside[0]}` beside them: {hint}"
    return ""


def _within(prior: spec.Prior, support: str) -> bool:
    if support == "rate":
        return not admits_negative(prior)
    unit = DISTRIBUTIONS[prior.distribution].support == "unit"
    return unit or (prior.distribution == "Uniform" and prior.arguments[0] >= 0 and prior.arguments[1] <= 1)


def beta_or_gamma(prior: PriorChoice) -> tuple[float, float]:
    """The two parameters of a conjugate prior, as a Beta's (of a probability) or a Gamma's (of a rate)."""
    if prior.distribution == "Uniform":
        return 1.0, 1.0
    numbers = [float(a) for a in prior.arguments if isinstance(a, float | int)]
    first, second = (1.0, *numbers) if prior.distribution == "Exponential" else numbers
    return first, second


def is_conjugate(prior: PriorChoice, support: str) -> bool:
    """Whether cells under this prior have posteriors of the same shape: Beta for probabilities, Gamma for
    rates.
    """
    if support == "rate":
        return prior.distribution in ("Gamma", "Exponential")
    return prior.distribution == "Beta" or (prior.distribution == "Uniform" and prior.arguments == (0.0, 1.0))
