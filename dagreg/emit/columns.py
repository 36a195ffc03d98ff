"""The data columns and the dimensions of a program's model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dagreg.emit.naming import Names
from dagreg.emit.priors import WIDTH
from dagreg.emit.unknown import raw
from dagreg.model.curves import quantiles
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import CurveBasis, Variable
from dagreg.model.terms import Term, Varying
from dagreg.quoting import comment, literal, number

MAX_LISTED = 1_000  # levels of a group that a program lists
_TRANSFORMS = {
    "log": "np.log({x})",
    "log1p": "np.log1p({x})",
    "logit": "np.log({x} / (1 - {x}))",
    "sqrt": "np.sqrt({x})",
}


def columns(model: Model, names: Names) -> list[str]:
    """The data columns, coded: numbers as they are, levels as 0/1 columns."""
    lines = []
    whole = {e.response for e in model.equations if e.family.discrete}
    predictors = {name for e in model.equations for name in _own_columns(e)}
    answers = {e.response: e for e in model.equations if e.levels}
    read = {name for e in model.equations for name in (e.response, *_own_columns(e))}
    for variable in (v for v in model.variables.values() if v.name in read):
        if variable.name in answers:
            codes = f"positions({raw(model, variable)}, [{', '.join(map(literal, variable.levels))}])"
            lines.append(_data(names.of(answers[variable.name])["codes"], codes, _coding_note(variable)))
            if variable.name not in predictors:
                continue
        coded = _coded(model, names, variable, "int" if variable.name in whole else "float")
        lines.append(_data(variable.symbol, coded, _coding_note(variable)))
    for equation in model.equations:
        lines += dict.fromkeys(_places(model, names, term) for term in equation.terms if term.full)
        for term in equation.terms:
            lines += _curve(model, names, term, term.curve) if term.curve is not None else []
        for role, column, kind in (
            ("trials", equation.trials, "int"),
            ("weights", equation.weights, "float"),
            ("exposure", equation.offset, "float"),
            ("error", equation.error_column, "float"),
        ):
            if isinstance(column, str):
                values = f"np.asarray(data[{literal(column)}], dtype={kind})"
                lines.append(_data(names.of(equation)[role], values, role))
        lines += _bounds(model, names, equation)
    return lines


def _bounds(model: Model, names: Names, equation: Equation) -> list[str]:
    """The flags of a censored response, and the upper bounds of its intervals."""
    censoring = equation.censoring
    if censoring is None:
        return []
    flags = f"data[{literal(censoring.column)}]"
    flags = f'filled({flags}, "none")' if equation.dropped else flags
    lines = [f"{names.of(equation)['flags']} = np.asarray({flags}, dtype=str)"]
    if "interval" in censoring.flags and censoring.upper is not None:
        upper = replace(model.variables[equation.response], column=censoring.upper)
        lines.append(
            f"{names.of(equation)['upper']} = {_coded(model, names, upper, 'float')}{comment('upper bounds')}"
        )
    return lines


def _own_columns(equation: Equation) -> tuple[str, ...]:
    """The predictors whose design columns the program holds: those in terms that do not look
    their rows up.
    """
    names = [
        n
        for term in equation.terms
        if term.curve is None
        for n in (term.numbers if term.full else term.factors)
    ]
    return (*names, *(v.group for v in equation.varying))


def _places(model: Model, names: Names, term: Term) -> str:
    """Where each row stands among the columns of a term with one for every level."""
    text = ""
    for i, variable in enumerate(model.variables[name] for name in term.looked_up):
        levels = ", ".join(map(literal, variable.levels))
        place = f"positions(data[{literal(variable.column)}], [{levels}])"
        before = f"({text})" if i > 1 else text
        text = f"{before} * {len(variable.levels)} + {place}" if text else place
    return _data(
        names.index(term), text, f"of {', '.join(term.looked_up)}" if len(term.looked_up) > 1 else ""
    )


def _curve(model: Model, names: Names, term: Term, curve: CurveBasis) -> list[str]:
    """The columns of a curve, its knots literal numbers, or the data's quantiles where there are none yet."""
    variable = model.variables[term.name]
    x, note = _coded(model, names, variable, "float"), comment(_coding_note(variable))
    knots = f"[{', '.join(map(number, curve.knots))}]"
    if not curve.knots:
        knots = f"np.quantile({x}, {list(quantiles(curve.columns))!r})"
    head, name = FUNCTION[curve.kind], literal(names.index(term))
    line = f"{names.index(term)} = pm.Data({name}, {head}({x}, {knots}))"
    if len(line + note) <= WIDTH - 8:
        return [line + note]
    return [f"{names.index(term)} = pm.Data({name}, {head}({note}", f"    {x},", f"    {knots},", "))"]


FUNCTION = {"poly": "polynomial", "spline": "natural_spline"}


def _data(symbol: str, values: str, note: str) -> str:
    return f"{symbol} = pm.Data({literal(symbol)}, {values}){comment(note)}"


def _coding_note(variable: Variable) -> str:
    words = [w for w in (variable.label, variable.unit) if w]
    if variable.levels:
        words.append(f"reference {variable.levels[0]}")
    if variable.transform:
        words.append(f"{variable.transform} of the column")
    return ", ".join(words)


def _coded(model: Model, names: Names, variable: Variable, kind: str) -> str:
    values = raw(model, variable)
    if variable.pooled:
        dims = (names.group(v).dim for e in model.equations for v in e.varying if v.group == variable.name)
        levels = next((f"coords[{literal(dim)}]" for dim in dims), None)
        return f"positions({values}, {levels or list(variable.levels)})"
    if variable.coded:
        return f"indicators({values}, [{', '.join(literal(level) for level in variable.levels[1:])}])"
    if variable.levels and variable.levels != (0, 1):
        return f"(np.asarray({values}) == {literal(variable.levels[1])}).astype({kind})"
    numbers = f"np.asarray({values}, dtype={kind})"
    if variable.transform in _TRANSFORMS:
        return _TRANSFORMS[variable.transform].format(x=numbers)
    if variable.transform is not None:
        centre, scale = variable.transform_at
        shifted = f"({numbers} - {number(centre)})"
        return shifted if variable.transform == "center" else f"{shifted} / {number(scale)}"
    return numbers


def model_line(model: Model, names: Names) -> list[str]:
    coords: dict[str, list[str]] = {}
    for equation in model.equations:
        for term in equation.terms:
            if len(term.columns) > 1:
                coords[names.dim(term)] = list(map(literal, term.columns))
        if equation.levels:
            coords[names.of(equation)["dim"]] = list(map(literal, equation.levels[1:]))
        for varying in equation.varying:
            group = names.group(varying)
            coords[group.dim] = list(map(literal, varying.levels))
            if varying.correlated:
                coords[group.effects_dim] = [literal(d.name) for d in varying.deviations]
    if not coords:
        return ["with pm.Model() as model:"]
    groups = [v for e in model.equations for v in e.varying if _is_found(v)]
    dims = {names.group(v).dim: model.variables[v.group].column for v in groups}
    listed = []
    for dim, labels in coords.items():
        if dim in dims:
            listed.append(f"    {literal(dim)}: np.unique(data[{literal(dims[dim])}]).tolist(),")
        else:
            listed += _listed(f"    {literal(dim)}: ", labels)
    return ["coords = {", *listed, "}", "with pm.Model(coords=coords) as model:"]


def _is_found(varying: Varying) -> bool:
    """Whether a program takes the levels of a group from its data: they are too many to list."""
    return len(varying.levels) > MAX_LISTED and list(varying.levels) == sorted(varying.levels)


def _listed(head: str, values: Sequence[str]) -> list[str]:
    """A list literal after `head`, broken between its values where it is long."""
    line = f"{head}[{', '.join(values)}],"
    if len(line) <= WIDTH - 8:
        return [line]
    lines = [""]
    for value in values:
        if lines[-1] and len(lines[-1]) + len(value) > WIDTH - 20:
            lines.append("")
        lines[-1] += f" {value}," if lines[-1] else f"{value},"
    return [f"{head}[", *(f"        {part}" for part in lines), "    ],"]
