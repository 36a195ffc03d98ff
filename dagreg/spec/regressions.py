"""`regressions:` -> `Regression`s."""

from __future__ import annotations

from collections.abc import Mapping

from dagreg.errors import Span, did_you_mean
from dagreg.spec import fields as f
from dagreg.spec.likelihoods import parameters, takes_trials
from dagreg.spec.nodes import Declarations
from dagreg.spec.priors import admits_negative, is_scalar
from dagreg.spec.scope import Scope
from dagreg.spec.shapes import Located, Reading
from dagreg.spec.source import shorten
from dagreg.spec.types import Curve, Prior, Regression

OF_TERMS = ("intercept", "slopes")
"""Keys of `priors:` that name no node, beside the parameters of families."""
CELLS_PRIOR = "cells"
"""The key of the prior of cell means, where the regression has `cells`."""

_READ_APART = ("cells", "curves", "interactions", "varying", "priors")
"""Keys that need more than their value; every other one is read by its `Field` alone."""
_MAX_COLONS = 10  # at which a name that holds colons itself is looked for


def read_regressions(forms: Mapping[str, tuple[Span, Reading | None]], scope: Scope) -> dict[str, Regression]:
    """The regressions by response; those of unknown or unobserved responses are reported and left out."""
    regressions = {}
    for response, (span, reading) in forms.items():
        known = scope.observed(Located(response, span), "have a regression")
        if reading is not None:
            regression = _regression(response, span, reading, scope)
            if known:
                regressions[response] = regression
    return regressions


def _regression(response: str, span: Span, reading: Reading, scope: Scope) -> Regression:
    _check_trials(response, reading, scope)
    regression = Regression(
        response=response,
        cells=_cells(response, reading, scope),
        curves=_curves(response, reading, scope),
        interactions=_interactions(response, reading, scope),
        varying=_varying(response, reading, scope),
        priors=_priors(response, reading, scope),
        span=span,
        **reading.attributes(Regression, but=_READ_APART),
    )
    _check_beside_cells(regression, reading, scope)
    _check_beside_curves(regression, reading, scope)
    return regression


def _curves(response: str, reading: Reading, scope: Scope) -> dict[str, Curve]:
    """The curves by node, each of which is a number as far as types are declared."""
    kept = {}
    for name, (span, curve) in (reading[f.CURVES] or {}).items():
        known = scope.observed(Located(name, span), "be a curve")
        if name == response:
            scope.mistakes.error(
                "DR159", f"the response `{shorten(name)}` cannot be among its own terms", span
            )
        elif known and scope.type(name) not in (None, *f.TRANSFORMS_OF):
            message = f"`{shorten(name)}` is {scope.type(name)}, and curves are of numbers"
            scope.mistakes.error("DR159", message, span, "levels have a coefficient each as it is")
        elif known and curve is not None:
            kept[name] = curve
    return kept


def _check_beside_curves(regression: Regression, reading: Reading, scope: Scope) -> None:
    """A curve has no interactions and no varying slopes yet."""
    for factors in regression.interactions or ():
        if any(name in regression.curves for name in factors):
            message = f"an interaction with a curve is not supported yet: `{shorten(':'.join(factors))}`"
            label = "leave out the curve, or the interaction"
            scope.mistakes.error("DR159", message, reading.key(f.INTERACTIONS), label)
    for group, terms in regression.varying.items():
        for term in (t for t in terms if t in regression.curves):
            message = f"a curve that varies over `{shorten(group)}` is not supported yet: `{shorten(term)}`"
            scope.mistakes.error(
                "DR159", message, reading.key(f.VARYING), "leave out the curve, or the varying slope"
            )


def _cells(response: str, reading: Reading, scope: Scope) -> tuple[str, ...]:
    """The nodes of `cells`, each of which has levels as far as types are declared."""
    named = reading.plain(f.CELLS) or ()
    for name in named:
        node = scope.nodes.get(name.value)
        if name.value == response:
            message = f"the response `{shorten(response)}` cannot be among its own cells"
            scope.mistakes.error("DR158", message, name.span)
        elif node is not None and node.type not in (None, "binary", "categorical", "ordinal"):
            message = f"`{shorten(name.value)}` is {node.type}, and cells are combinations of levels"
            scope.mistakes.error(
                "DR158", message, name.span, "cells take binary, categorical and ordinal nodes"
            )
        elif node is not None and node.pool:
            message = (
                f"the levels of `{shorten(name.value)}` are pooled, and those of cells have means of their "
                "own"
            )
            scope.mistakes.error("DR158", message, name.span, "leave out `pool`, or take it out of `cells`")
    scope.keep_observed(named, "be among cells")
    return tuple(name.value for name in named if name.value in scope.nodes and name.value != response)


def _check_beside_cells(regression: Regression, reading: Reading, scope: Scope) -> None:
    """What cells leave no room for: an intercept, and interactions or varying slopes of their nodes."""
    if not regression.cells:
        return
    if "intercept" in regression.priors:
        span = regression.priors["intercept"].span
        scope.mistakes.error(
            "DR158", "`cells` stand in place of an intercept", span, "give the prior `cells` instead"
        )
    for factors in regression.interactions or ():
        within = [name for name in factors if name in regression.cells]
        if within:
            message = f"the cells hold every interaction of `{shorten(within[0])}` with their other nodes"
            scope.mistakes.error(
                "DR158", message, reading.key(f.INTERACTIONS), "name all its nodes in `cells`"
            )
    for group, terms in regression.varying.items():
        within = [term for term in terms if term in regression.cells]
        if within:
            message = (
                f"`{shorten(within[0])}` is among the cells and has no slope that varies over "
                f"`{shorten(group)}`"
            )
            scope.mistakes.error("DR158", message, reading.key(f.VARYING), "take it out of `cells`")


def _check_trials(response: str, reading: Reading, scope: Scope) -> None:
    family, node = reading[f.FAMILY], scope.nodes.get(response)
    if family is not None and node is not None and node.trials is None and takes_trials(family.value):
        label = f"add `trials` to `{shorten(response)}` under `nodes:`"
        scope.mistakes.error("DR134", f"`{family.value}` needs `trials`", family.span, label)


def check_trials(declarations: Declarations, regressions: Mapping[str, Regression], scope: Scope) -> None:
    """`trials` belong to a binomial family, of the node or of its regression."""
    for name, (_, form) in declarations.items():
        if not isinstance(form, Reading) or f.TRIALS not in form:
            continue
        regression = regressions.get(name)
        family = (regression.family if regression else None) or form.plain(f.FAMILY)
        unreadable = f.FAMILY in form and form[f.FAMILY] is None
        if not takes_trials(family) and not unreadable and scope.nodes[name].observed:
            label = "add `family: binomial`"
            scope.mistakes.error("DR134", "`trials` without a binomial family", form.key(f.TRIALS), label)


def _interactions(response: str, reading: Reading, scope: Scope) -> tuple[tuple[str, ...], ...] | None:
    if f.INTERACTIONS not in reading:
        return None
    kept: dict[frozenset[str], tuple[str, ...]] = {}
    for form in reading.plain(f.INTERACTIONS) or ():
        written = form.value if isinstance(form.value, tuple) else None
        names = tuple(name.value for name in written) if written is not None else _factors(form.value, scope)
        if not _check_interaction(names, response, form.span, scope):
            continue
        if frozenset(names) in kept:
            scope.mistakes.error("DR115", f"the interaction `{':'.join(names)}` is given twice", form.span)
        kept.setdefault(frozenset(names), names)
    return tuple(kept.values())


def _factors(text: str, scope: Scope) -> tuple[str, ...]:
    """`a:b` -> a, b; a name may hold a colon itself if the whole is a node."""
    parts = [part.strip() for part in text.split(":")]
    for i in range(1, min(len(parts), _MAX_COLONS)):
        pair = ":".join(parts[:i]), ":".join(parts[i:])
        if all(name in scope.nodes for name in pair):
            return pair
    return tuple(parts)


def _check_interaction(names: tuple[str, ...], response: str, span: Span, scope: Scope) -> bool:
    if len(names) < 2 or not all(names):
        scope.mistakes.error("DR156", "an interaction joins two nodes or more", span, "write `a:b`")
    elif len(set(names)) < len(names):
        scope.mistakes.error("DR156", "an interaction of a node with itself", span, "its nodes must differ")
    elif response in names:
        scope.mistakes.error(
            "DR156", f"the response `{shorten(response)}` cannot be among its own terms", span
        )
    else:
        return _are_terms(names, span, scope)
    return False


def _are_terms(names: tuple[str, ...], span: Span, scope: Scope) -> bool:
    """Whether all can be terms; reports each that cannot."""
    return len(scope.keep_observed([Located(name, span) for name in names], "be a term")) == len(names)


def _varying(response: str, reading: Reading, scope: Scope) -> dict[str, tuple[str, ...]]:
    varying: dict[str, tuple[str, ...]] = {}
    for group, (span, terms) in (reading[f.VARYING] or {}).items():
        known = scope.observed(Located(group, span), "be a group")
        if known and scope.type(group) not in (None, "group") and not scope.nodes[group].pool:
            message = f"`{shorten(group)}` is {scope.type(group)}, not a group"
            label = "give it `type: group`" + (
                ", or `pool: true`" if scope.type(group) == "categorical" else ""
            )
            scope.mistakes.error("DR157", message, span, label)
        for term in terms.value if terms else ():
            _check_term(term, response, scope)
        if known and terms is not None:
            varying[group] = tuple(term.value for term in terms.value)
    return varying


def _check_term(term: Located[str], response: str, scope: Scope) -> None:
    if term.value == "intercept" and term.value not in scope.nodes:
        return
    names = (term.value,) if term.value in scope.nodes else _factors(term.value, scope)
    if response in names:
        message = f"the response `{shorten(response)}` cannot be among its own terms"
        scope.mistakes.error("DR157", message, term.span)
        return
    _are_terms(names, term.span, scope)


def _priors(response: str, reading: Reading, scope: Scope) -> dict[str, Prior]:
    priors: dict[str, Prior] = {}
    for term, (span, prior) in (reading[f.PRIORS] or {}).items():
        of_cells = term == CELLS_PRIOR and f.CELLS in reading
        if not (of_cells or _check_prior_key(term, response, span, scope)) or prior is None:
            continue
        _check_support(term, prior, scope)
        priors[term] = prior
    return priors


def _check_prior_key(term: str, response: str, span: Span, scope: Scope) -> bool:
    if not scope.complete or term in _reserved():
        return True
    names = (term,) if term in scope.nodes else _factors(term, scope)
    if len(names) == 2 and "intercept" in names and "intercept" not in scope.nodes:
        names = tuple(name for name in names if name != "intercept")  # the sd of varying intercepts
    if response in names:
        scope.mistakes.error(
            "DR151", f"the response `{shorten(response)}` is no term of its own regression", span
        )
        return False
    unknown = [name for name in names if name not in scope.nodes]
    if unknown:
        label = did_you_mean(unknown[0], (*_reserved(), *scope.nodes))
        label = label or "a prior is for `intercept`, `slopes`, `sigma`, a node or an interaction `a:b`"
        scope.mistakes.error("DR151", f"`{shorten(term)}` names no term", span, label)
        return False
    return _are_terms(names, span, scope)


def _reserved() -> tuple[str, ...]:
    return (*OF_TERMS, *parameters())


def _check_support(term: str, prior: Prior, scope: Scope) -> None:
    parameter = parameters().get(term)
    if (parameter is not None or term in (*OF_TERMS, CELLS_PRIOR)) and not is_scalar(prior):
        message = f"`{prior.distribution}` is a prior for several numbers, `{term}` is one"
        scope.mistakes.error("DR155", message, prior.span)
    elif parameter is not None and parameter.positive and admits_negative(prior):
        message = f"`{term}` is {parameter.words}, and `{prior.distribution}` admits negative values"
        scope.mistakes.error(
            "DR155", message, prior.span, "use `HalfNormal`, `Exponential` or another prior above 0"
        )
