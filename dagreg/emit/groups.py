"""Source of the coefficients that vary between groups."""

from __future__ import annotations

from textwrap import wrap

from dagreg.emit.naming import GroupNames, Names
from dagreg.emit.priors import WIDTH, argument, prior_lines
from dagreg.emit.terms import design_column
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Deviation, Term, Varying
from dagreg.quoting import comment, literal, number
from dagreg.spec.priors import DISTRIBUTIONS


def varying_lines(model: Model, names: Names, equation: Equation, varying: Varying, origin: str) -> list[str]:
    """The deviations of the groups from the equation's coefficients, and the priors of their sds."""
    named = ", ".join(d.name for d in varying.deviations)
    place = f" ({origin}:{varying.span.line})" if varying.span else ""
    words = f"{named} by {varying.group}, {varying.purpose}{place}" + (
        f": {varying.why}" if varying.why else ""
    )
    spread = (
        _correlated(model, names.group(varying), varying) if varying.correlated else _alone(model, varying)
    )
    form = _centred if varying.centred else _non_centred
    return [
        *(comment(text).strip() for text in wrap(words, WIDTH - 8)),
        *spread,
        *form(names.group(varying), varying, _means(equation, varying)),
    ]


def _means(equation: Equation, varying: Varying) -> str:
    """The coefficients that the groups deviate from."""
    whole = _whole_term(equation, varying)
    if whole is not None:
        return whole.symbol
    means = [_mean_of(equation, deviation) for deviation in varying.deviations]
    return f"pm.math.stack([{', '.join(means)}])" if varying.correlated else means[0]


def _mean_of(equation: Equation, deviation: Deviation) -> str:
    """The coefficient that the groups deviate from."""
    if deviation.term is None:  # the intercepts of ordered levels are cutpoints: the predictor's mean is 0
        return "0.0" if equation.family.predictor == "ordered" else equation.intercept
    term = next(t for t in equation.terms if t.name == deviation.term)
    return term.symbol if len(term.columns) == 1 else f"{term.symbol}[{deviation.column}]"


def _alone(model: Model, varying: Varying) -> list[str]:
    note = f"sd between levels of {varying.group}"
    return prior_lines(model, varying.scale, varying.deviations[0].prior, note)


def _correlated(model: Model, names: GroupNames, varying: Varying) -> list[str]:
    count, eta = len(varying.deviations), number(varying.concentration)
    rules = "; ".join(
        f"{d.name}: {'your prior' if d.prior.given else d.prior.rule}" for d in varying.deviations
    )
    return [
        *(
            comment(text).strip()
            for text in wrap(f"sds between levels of {varying.group}: {rules}", WIDTH - 8)
        ),
        *call(
            f"{names.factor}, _, _ = pm.LKJCholeskyCov",
            f"{literal(varying.scale)}, n={count}, eta={eta}, sd_dist={_spreads(model, varying)}",
        ),
    ]


def _dims(names: GroupNames, varying: Varying) -> str:
    groups = literal(names.dim)
    return f"({groups}, {literal(names.effects_dim)})" if varying.correlated else groups


def _non_centred(names: GroupNames, varying: Varying, mean: str) -> list[str]:
    """Standard Normal draws, multiplied by the sds: no funnel where the data say little of each group.

    They start at random: with all deviations at 0 the gradient of the correlations is 0, and no sampler
    starts.
    """
    raw, by, dims = names.raw, varying.symbol, _dims(names, varying)
    value = f"pm.math.dot({raw}, {names.factor}.T)" if varying.correlated else f"{varying.scale} * {raw}"
    return [
        *call(f"{raw} = pm.Normal", f'{literal(raw)}, 0, 1, dims={dims}, initval="prior"'),
        *call(f"{by} = pm.Deterministic", f"{literal(by)}, {value}, dims={dims}"),
    ]


def _centred(names: GroupNames, varying: Varying, mean: str) -> list[str]:
    """The groups' own coefficients around the common ones: the data place each group where they say much of
    it.
    """
    raw, by, dims = names.raw, varying.symbol, _dims(names, varying)
    spread = f"chol={names.factor}" if varying.correlated else f"sigma={varying.scale}"
    distribution = "MvNormal" if varying.correlated else "Normal"
    return [
        *call(
            f"{raw} = pm.{distribution}", f'{literal(raw)}, mu={mean}, {spread}, dims={dims}, initval="prior"'
        ),
        *call(f"{by} = pm.Deterministic", f"{literal(by)}, {raw} - {mean}, dims={dims}"),
    ]


def call(head: str, arguments: str) -> list[str]:
    """A call, its arguments on a line of their own where it is long."""
    line = f"{head}({arguments})"
    return [line] if len(line) <= WIDTH - 8 else [f"{head}(", f"    {arguments}", ")"]


def _spreads(model: Model, varying: Varying) -> str:
    """The prior of several sds as one distribution, its arguments arrays."""
    priors = [d.prior for d in varying.deviations]
    names = [name for name, _ in DISTRIBUTIONS[priors[0].distribution].parameters]
    columns = zip(*(p.arguments for p in priors), strict=True)
    arguments = [
        f"{name}=np.array([{', '.join(argument(model, a) for a in column)}])"
        for name, column in zip(names, columns, strict=True)
    ]
    return f"pm.{priors[0].distribution}.dist({', '.join(arguments)})"


def group_summands(model: Model, names: Names, equation: Equation, varying: Varying) -> list[str]:
    """What the groups add to the linear predictor: a deviation of the intercept, deviations times their
    columns.
    """
    rows = model.variables[varying.group].symbol
    summands = []
    whole = _whole_term(equation, varying)
    if whole is not None:
        return [f"{varying.symbol}[{rows}, {names.index(whole)}]"]
    for i, deviation in enumerate(varying.deviations):
        here = f"{varying.symbol}[:, {i}][{rows}]" if varying.correlated else f"{varying.symbol}[{rows}]"
        term = next((t for t in equation.terms if t.name == deviation.term), None)
        summands.append(
            here if term is None else f"{here} * {design_column(model, names, term, deviation.column)}"
        )
    return summands


def _whole_term(equation: Equation, varying: Varying) -> Term | None:
    """The term with a coefficient for each level that varies as a whole: then a row's own deviation is looked
    up.
    """
    named = [(d.term, d.column) for d in varying.deviations]
    whole = (
        t
        for t in equation.terms
        if t.full and not t.numbers and named == [(t.name, i) for i in range(len(t.columns))]
    )
    return next(whole, None) if varying.correlated else None
