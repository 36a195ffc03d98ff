"""The plate diagram of a program, as DOT in the notation of `pm.model_to_graphviz`, without PyMC.

It is read from the `Model` and serves the engines that never load PyMC, exact and Metropolis: regressions and
chains of them whose values are all known, without groups. Where NUTS ran, PyMC draws its own
(`engine/plate.py`); a test holds the two equal on what both can draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagreg.emit.naming import Names, dimensions_of, names_of
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import PriorChoice

_LOOKS = {
    "data": 'shape=box style="rounded, filled"',
    "free": "shape=ellipse",
    "observed": "shape=ellipse style=filled",
    "potential": "shape=octagon style=filled",
}


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    kind: str  # a key of _LOOKS
    distribution: str
    plate: str  # its label, "" for a scalar


def plate_source(model: Model, rows: int) -> str:
    """DOT: a node for each variable of the program, in plates by shape, with arrows along the computation.

    `rows` is the number of rows used.
    """
    names = names_of(model)
    nodes = {
        n.name: n
        for n in (*_data(model, names, rows), *_parameters(model), *_likelihoods(model, names, rows))
    }
    lines = ["digraph {"]
    for plate in dict.fromkeys(n.plate for n in nodes.values()):
        inside = [
            f'{n.name} [label="{n.name}\\n~\\n{n.distribution}" {_LOOKS[n.kind]}]'
            for n in nodes.values()
            if n.plate == plate
        ]
        if plate:
            inside.append(f'label="{plate}" labeljust=r labelloc=b style=rounded')
            lines += [f'subgraph "cluster{plate}" {{', *inside, "}"]
        else:
            lines += inside
    lines += dict.fromkeys(f"{a} -> {b}" for a, b in _arrows(model, names))
    return "\n".join([*lines, "}"]) + "\n"


def _data(model: Model, names: Names, rows: int) -> Iterator[_Node]:
    read = {name for e in model.equations for name in (*_own_response(e), *_own_predictors(e))}
    for variable in model.variables.values():
        if variable.name in read:
            shape = f"{rows} x {len(variable.columns)}" if variable.coded else str(rows)
            yield _Node(variable.symbol, "data", "Data", shape)
    for equation in model.equations:
        for index, term in {names.index(t): t for t in equation.terms if names.index(t)}.items():
            yield _Node(index, "data", "Data", str(rows) if term.full else f"{rows} x {len(term.columns)}")
        for role in _roles(equation):
            yield _Node(names.of(equation)[role], "data", "Data", str(rows))


def _own_response(equation: Equation) -> list[str]:
    """The response, where its own column is read: one of several levels is read as codes."""
    return [] if equation.levels else [equation.response]


def _own_predictors(equation: Equation) -> list[str]:
    """The predictors that enter by columns of their own: not those of cells, of levels by index, or of
    curves.
    """
    names: list[str] = []
    for term in equation.terms:
        names += term.numbers if term.full or term.curve is not None else term.factors
    return list(dict.fromkeys([*names, *(v.group for v in equation.varying)]))


def _roles(equation: Equation) -> list[str]:
    """Its further data: what is read of the rows beside the variables."""
    columns = {"trials": equation.trials, "weights": equation.weights, "exposure": equation.offset}
    codes = ["codes"] if equation.levels else []
    return [*codes, *(role for role, column in columns.items() if isinstance(column, str))]


def _parameters(model: Model) -> Iterator[_Node]:
    plates = {
        symbol: " x ".join(f"{name} ({len(labels)})" for name, labels in dimensions)
        for symbol, dimensions in dimensions_of(model).items()
    }
    for equation in model.equations:
        if equation.has_intercept:
            yield _free(equation.intercept, equation.intercept_prior, plates.get(equation.intercept, ""))
        for term in equation.terms:
            yield _free(term.symbol, term.prior, plates.get(term.symbol, ""))
        for auxiliary in equation.auxiliaries:
            yield _free(auxiliary.symbol, auxiliary.prior)


def _free(symbol: str, prior: PriorChoice, plate: str = "") -> _Node:
    return _Node(symbol, "free", prior.distribution, plate)


def _likelihoods(model: Model, names: Names, rows: int) -> Iterator[_Node]:
    for equation in model.equations:
        name = names.of(equation)["observed"]
        if equation.weights is None:
            ordered = equation.family.predictor == "ordered"  # PyMC makes a Categorical of it
            distribution = (
                "Categorical" if ordered else equation.family.distribution_under(equation.link.name)
            )
            yield _Node(name, "observed", distribution, str(rows))
        else:
            yield _Node(name, "potential", "Potential", "")


def _arrows(model: Model, names: Names) -> Iterator[tuple[str, str]]:
    for equation in model.equations:
        observed = names.of(equation)["observed"]
        response = (
            names.of(equation)["codes"] if equation.levels else model.variables[equation.response].symbol
        )
        yield (observed, response) if equation.weights is None else (response, observed)
        parameters = equation.coefficient_symbols
        inputs = [model.variables[name].symbol for name in _own_predictors(equation)]
        inputs += [names.index(term) for term in equation.terms if names.index(term)]
        extra = [names.of(equation)[role] for role in _roles(equation) if role != "codes"]
        for source in (*parameters, *(a.symbol for a in equation.auxiliaries), *inputs, *extra):
            yield source, observed
