"""Source of what is not known: missing values and true values as parameters, missing levels as a sum."""

from __future__ import annotations

from dagreg.emit.naming import Names
from dagreg.families.links import LINKS
from dagreg.model.equation import Equation
from dagreg.model.plan import Latent, Mixture, Model
from dagreg.model.summary import Variable
from dagreg.quoting import comment, literal, number


def raw(model: Model, variable: Variable) -> str:
    """The data column of a variable; where values are missing that are not summed over, with something in the
    gaps.
    """
    column = f"data[{literal(variable.column)}]"
    summed = model.mixture is not None and variable.name in model.mixture.variables
    return f"filled({column}, {literal(variable.filler)})" if variable.missing and not summed else column


def completed(model: Model, names: Names, variable: Variable) -> str:
    """What regressions use of a variable: its column, or the completed one."""
    latent = next((la for la in model.latents if la.variable == variable.name and not la.summed), None)
    return variable.symbol if latent is None else names.latent(latent).all


def table_lines(model: Model, names: Names) -> list[str]:
    """The rows, each once for every level that it may have."""
    mixture = model.mixture
    if mixture is None:
        return []
    variables = (model.variables[name] for name in mixture.variables)
    levels = ", ".join(f"{literal(v.column)}: [{', '.join(map(literal, v.levels))}]" for v in variables)
    return [f"data, {names.mixture.row}, {names.mixture.cells} = every_level(data, {{{levels}}})"]


def latent_lines(model: Model, names: Names) -> list[str]:
    """The values that are parameters, and the columns that they complete."""
    written = []
    for latent in model.latents:
        if not latent.summed:
            variable = model.variables[latent.variable]
            lines = _unseen if latent.error is None else _true
            written += lines(model, names, latent, variable)
    return written


def _unseen(model: Model, names: Names, latent: Latent, variable: Variable) -> list[str]:
    own = names.latent(latent)
    said = f"{latent.missing} missing values; the regression of {variable.name} says how they are distributed"
    lines = [
        comment(said).strip(),
        f"{own.rows} = np.flatnonzero(absent(data[{literal(variable.column)}]))",
    ]
    size, values = f"len({own.rows})", latent.values
    if model.mixture is not None:
        lines.append(f"{own.known} = np.unique({names.mixture.row}[{own.rows}], return_inverse=True)[1]")
        size, values = f"int({own.known}.max()) + 1", f"{latent.values}[{own.known}]"
    start = f"initval=np.full({size}, {number(variable.mean or 0.0)})"
    return [
        *lines,
        f"{latent.values} = pm.{_flat(latent)}, shape={size}, {start})",
        f"{own.all} = {variable.symbol}[{own.rows}].set({values})",
    ]


def _flat(latent: Latent) -> str:
    bounds = ", 0, 1" if latent.support == "Uniform" else ""
    return f"{latent.support}({literal(latent.values)}{bounds}"


def _true(model: Model, names: Names, latent: Latent, variable: Variable) -> list[str]:
    """True values behind measurements with known standard errors."""
    mixture, x, own = model.mixture, variable.symbol, names.latent(latent)
    first = "" if mixture is None else f"[{names.mixture.cells}[:, 0]]"
    column = f"data[{literal(latent.error)}]"
    errors = f"np.asarray({f'filled({column}, 1)' if variable.missing else column}, dtype=float)"
    scale = f" / {number(variable.transform_at[1])}" if variable.transform == "standardize" else ""
    lines = [f"{own.errors} = pm.Data({literal(own.errors)}, {errors}{scale})  # standard errors"]
    if latent.around:
        return lines
    start = f"{x}.get_value(){first}"
    return [
        *lines,
        comment(f"the true values of {variable.name}; its regression says how they are distributed").strip(),
        f"{latent.values} = pm.{_flat(latent)}, shape={start}.size, initval={start})",
        f"{own.all} = {latent.values}" + ("" if mixture is None else f"[{names.mixture.row}]"),
        *_measured(model, names, latent, variable),
    ]


def _measured(model: Model, names: Names, latent: Latent, variable: Variable) -> list[str]:
    """The density of the measurements given the true values, each row once."""
    mixture, x, own = model.mixture, variable.symbol, names.latent(latent)
    if mixture is None and not variable.missing:
        arguments = f"{own.all}, {own.errors}, observed={x}"
        return [f"pm.Normal({literal(own.measured)}, {arguments})"]
    lacks = f"absent(data[{literal(variable.column)}])"
    rows = f"np.flatnonzero(~{lacks})"
    if mixture is not None:
        first = f"{names.mixture.cells}[:, 0]"
        rows = f"{first}[~{lacks}[{first}]]"
    at = f"[{own.known}]"
    density = f"pm.logp(pm.Normal.dist({own.all}{at}, {own.errors}{at}), {x}{at})"
    return [
        f"{own.known} = {rows}",
        f"pm.Potential({literal(own.measured)}, pm.math.sum({density}))",
    ]


def around(model: Model, names: Names, equation: Equation) -> list[str]:
    """The true values of a response as its regression's mean and Normal draws; none where they are
    parameters.
    """
    latent = next((la for la in model.latents if la.variable == equation.response and la.around), None)
    if latent is None:
        return []
    own = names.latent(latent)
    variable, (sigma,) = model.variables[latent.variable], (a.symbol for a in equation.auxiliaries)
    mean = LINKS[equation.link.name].source.format(eta=names.of(equation)["eta"])
    return [
        comment(f"the true values of {latent.variable}").strip(),
        f"{own.raw} = pm.Normal({literal(own.raw)}, 0, 1, shape={variable.symbol}.get_value().size)",
        f"{own.all} = pm.Deterministic({literal(latent.values)}, {mean} + {sigma} * {own.raw})",
        *_measured(model, names, latent, variable),
    ]


def by_rows(model: Model, equation: Equation) -> bool:
    """Whether the log density of an equation is written down row by row."""
    own = any(la.variable == equation.response and not la.summed for la in model.latents)
    return model.mixture is not None or own or equation.dropped > 0


def mixture_lines(model: Model, names: Names, mixture: Mixture) -> list[str]:
    """The rows' densities, summed over the levels that a row may have."""
    densities = " + ".join(names.of(e)["logp"] for e in model.equations)
    own = names.mixture
    return [
        "# a row counts with the sum of its densities over the levels that it may have",
        f"{own.together} = pm.math.concatenate([{densities}, [-np.inf]])[{own.cells}]",
        f"pm.Potential({literal(own.together)}, pm.math.sum(pm.math.logsumexp({own.together}, axis=1)))",
        f"several = np.flatnonzero({own.cells}[:, 1] < {own.row}.size)",
        f"pm.Deterministic({literal(mixture.chances)}, pm.math.softmax({own.together}[several], axis=1))",
    ]
