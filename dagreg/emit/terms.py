"""Source of the terms of a linear predictor."""

from __future__ import annotations

from dagreg.emit.naming import Names
from dagreg.emit.unknown import completed
from dagreg.model.plan import Model
from dagreg.model.terms import Term
from dagreg.quoting import number


def reason(term: Term, origin: str) -> str:
    """Which line of the spec a term comes from, and the causal reason for it."""
    place = f" ({origin}:{term.span.line})" if term.span else ""
    return f"{term.name}, {term.purpose}{place}" + (f": {term.why}" if term.why else "")


def summand_by_level(model: Model, names: Names, term: Term) -> str:
    if len(term.columns) > 1:
        return summand(model, names, term)
    return f"{design_column(model, names, term, 0)}[:, None] * {term.symbol}"


def design_column(model: Model, names: Names, term: Term, column: int) -> str:
    """One design column of a term, centred as the model says."""
    if term.full:
        here = f"pm.math.eq({names.index(term)}, {column})"
        return f"{_number(model, names, term)} * {here}" if term.numbers else here
    design = design_of(model, names, term)
    several = len(term.columns) > 1 or len(term.factors) > 1
    flat = f"{design}[:, {column}]" if several else design
    if term.centre_by_data:
        return f"({flat} - {flat}.mean())"
    centre = 0.0 if term.centre is None else term.centre[column]
    return minus(flat, number(centre)) if centre else flat


def summand(model: Model, names: Names, term: Term) -> str:
    """A term's part of the linear predictor, its design columns centred as the model says."""
    if term.full:
        own = f"{term.symbol}[{names.index(term)}]"
        return f"{own} * {_number(model, names, term)}" if term.numbers else own
    design = design_of(model, names, term)
    if len(term.columns) == 1:
        return f"{term.symbol} * {design_column(model, names, term, 0)}"
    if term.centre_by_data:
        return f"pm.math.dot({design} - {design}.mean(axis=0), {term.symbol})"
    if term.centre is None:
        return f"pm.math.dot({design}, {term.symbol})"
    centres = ", ".join(number(c) for c in term.centre)
    return f"pm.math.dot({design} - np.array([{centres}]), {term.symbol})"


def _number(model: Model, names: Names, term: Term) -> str:
    """The number that each level has a slope on, centred as the model says."""
    text = " * ".join(completed(model, names, model.variables[name]) for name in term.numbers)
    text = f"({text})" if len(term.numbers) > 1 else text
    if term.centre_by_data:
        return f"({text} - {text}.mean())"
    (centre,) = term.centre or (0.0,)
    return minus(text, number(centre)) if centre else text


def minus(what: str, centre: str) -> str:
    return f"({what} + {centre[1:]})" if centre.startswith("-") else f"({what} - {centre})"


def design_of(model: Model, names: Names, term: Term) -> str:
    if term.curve is not None:
        return names.index(term)
    variables = [model.variables[name] for name in term.factors]
    if len(variables) == 1:
        return completed(model, names, variables[0])
    blocks = [v.symbol if v.coded else f"{completed(model, names, v)}[:, None]" for v in variables]
    text = blocks[0]
    for other in blocks[1:]:
        text = f"products({text}, {other})"
    return text
