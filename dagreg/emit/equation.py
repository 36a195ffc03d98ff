"""Source of one regression: priors, linear predictor, likelihood."""

from __future__ import annotations

from textwrap import wrap

from dagreg.emit.density import arguments_of, density_lines
from dagreg.emit.groups import group_summands, varying_lines
from dagreg.emit.naming import Names
from dagreg.emit.priors import WIDTH, prior_lines
from dagreg.emit.reduced import sufficient_lines
from dagreg.emit.terms import reason, summand, summand_by_level
from dagreg.emit.unknown import around, by_rows
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.response import starting_cutpoints
from dagreg.model.statistics import Sufficient
from dagreg.model.summary import Variable
from dagreg.model.terms import PriorChoice
from dagreg.numerics.rounding import distinct
from dagreg.quoting import comment, literal


def equation_lines(
    model: Model, names: Names, equation: Equation, origin: str, statistics: Sufficient | None
) -> list[str]:
    """The regression, of `statistics` where they stand for its rows."""
    response = model.variables[equation.response]
    place = f"{origin}:{equation.span.line}" if equation.span else origin
    head = f"{equation.response}: {equation.family.name}, {equation.link.name} link ({place})"
    lines = [comment(head).strip()]
    if statistics is not None:
        return [*lines, *sufficient_lines(model, names, equation, statistics, origin)]
    centred = any(t.centre or t.centre_by_data for t in equation.terms)
    here = "at the predictors' means" if centred else "at predictors = 0"
    note = here if equation.terms else ""
    outcomes = names.of(equation)["dim"] if equation.levels else None
    if equation.has_intercept:
        lines += prior_lines(
            model, equation.intercept, equation.intercept_prior, note, outcomes, _start(equation, response)
        )
    for term in equation.terms:
        dims = [names.dim(term)] if len(term.columns) > 1 else []
        if equation.family.predictor == "unordered":  # each level of the outcome has slopes of its own
            dims.append(names.of(equation)["dim"])
        lines += [comment(text).strip() for text in wrap(reason(term, origin), WIDTH - 8)]
        lines += prior_lines(model, term.symbol, term.prior, "", dims or None)
    for varying in equation.varying:
        lines += varying_lines(model, names, equation, varying, origin)
    for auxiliary in equation.auxiliaries:
        lines += prior_lines(model, auxiliary.symbol, auxiliary.prior, "")
    lines += _predictor(model, names, equation)
    lines += _likelihood(model, names, equation, response)
    return lines


def _start(equation: Equation, response: Variable) -> str:
    """Where a sampler starts, if the prior's centre will not do.

    Cutpoints are in order, and start at those of the observed shares (without data, evenly spread). A mean
    that has to be above 0 under a link that does not see to it starts at the observed one, if the prior
    allows it.
    """
    if equation.family.predictor != "ordered":
        bounded = equation.link.name == "inverse" or (
            equation.link.name == "identity" and not equation.family.real
        )
        if not bounded or not equation.intercept_prior.given:
            return ""
        mean, sd = response.mean, response.sd
        start = equation.link.of_mean(1.0 if mean is None else mean)
        if not _allows(equation.intercept_prior, start):
            return ""
        return (
            f"initval={start:.3g}" if mean is None or sd is None or mean < 100 * sd else f"initval={start!r}"
        )
    starts = ", ".join(distinct(starting_cutpoints(equation, response), least=3))
    return f"transform=pm.distributions.transforms.ordered, initval=np.array([{starts}])"


def _predictor(model: Model, names: Names, equation: Equation) -> list[str]:
    if equation.family.predictor == "unordered":
        return _predictor_by_level(model, names, equation)
    head = [equation.intercept] if equation.family.predictor == "one" and equation.has_intercept else []
    parts = [*head, *(summand(model, names, term) for term in equation.terms)] or [
        _nothing(model, names, equation)
    ]
    parts += [
        part for varying in equation.varying for part in group_summands(model, names, equation, varying)
    ]
    if equation.offset is not None:
        parts.append(f"pm.math.log({names.of(equation)['exposure']})")
    name = names.of(equation)["eta"]
    line = f"{name} = {' + '.join(parts)}"
    if len(line) <= WIDTH - 8:
        return [line]
    return [f"{name} = (", f"    {parts[0]}", *(f"    + {part}" for part in parts[1:]), ")"]


def _nothing(model: Model, names: Names, equation: Equation) -> str:
    """A predictor of nothing, for cutpoints: a number, or one of every row where densities are
    taken by rows.
    """
    return (
        f"np.zeros({names.of(equation)['codes']}.get_value().size)"
        if by_rows(model, equation)
        else "np.zeros(1)"
    )


def _predictor_by_level(model: Model, names: Names, equation: Equation) -> list[str]:
    """One predictor for each level of the response, that of the first being 0."""
    rows = f"{names.of(equation)['codes']}.get_value().size"
    free = f"np.zeros(({rows}, {len(equation.levels) - 1}))"
    parts = [
        equation.intercept,
        *([summand_by_level(model, names, term) for term in equation.terms] or [free]),
    ]
    name, first, others = names.of(equation)["eta"], f"np.zeros(({rows}, 1))", names.of(equation)["others"]
    line = f"{others} = {' + '.join(parts)}"
    if len(line) > WIDTH - 8:
        broken = [f"{others} = (", f"    {parts[0]}", *(f"    + {part}" for part in parts[1:]), ")"]
    else:
        broken = [line]
    return [*broken, f"{name} = pm.math.concatenate([{first}, {others}], axis=1)"]


def _likelihood(model: Model, names: Names, equation: Equation, response: Variable) -> list[str]:
    symbols = names.of(equation)
    observed = literal(symbols["observed"])
    true = around(model, names, equation)
    if true:
        return true
    if equation.censoring is not None or by_rows(model, equation):
        lines = density_lines(model, names, equation)
        if model.mixture is not None:
            return lines
        return [*lines, f"pm.Potential({observed}, pm.math.sum({symbols['logp']}))"]
    answer = symbols["codes"] if equation.levels else response.symbol
    distribution = f"pm.{equation.family.distribution_under(equation.link.name)}"
    arguments = arguments_of(model, names, equation)
    if equation.weights is None:
        arguments += ", compute_p=False" if equation.family.predictor == "ordered" else ""
        return [f"{distribution}({observed}, {arguments}, observed={answer})"]
    weights = symbols["weights"] if isinstance(equation.weights, str) else str(equation.weights)
    return [
        "# each row stands for as many units as its weight says",
        f"{symbols['logp']} = pm.logp({distribution}.dist({arguments}), {answer})",
        f"pm.Potential({observed}, pm.math.sum({weights} * {symbols['logp']}))",
    ]


def _allows(prior: PriorChoice, value: float) -> bool:
    """Whether a value lies inside a prior that ends; of the others, that of a mean above 0 lies in all."""
    if prior.distribution != "Uniform":
        return True
    lower, upper = prior.arguments
    return not (isinstance(lower, float | int) and isinstance(upper, float | int)) or lower < value < upper
