"""Source of what is not known: missing values and true values as parameters, missing levels as a sum."""

from __future__ import annotations

from dagreg.families.links import LINKS
from dagreg.model.types import Equation, Latent, Mixture, Model, Variable
from dagreg.quoting import comment, literal, number


def raw(model: Model, variable: Variable) -> str:
    """The data column of a variable; where values are missing that are not summed over, with something in the gaps."""
    column = f"data[{literal(variable.column)}]"
    summed = model.mixture is not None and variable.name in model.mixture.variables
    return f"filled({column}, {literal(variable.filler)})" if variable.missing and not summed else column


def completed(model: Model, variable: Variable) -> str:
    """What regressions use of a variable: its column, or the completed one."""
    latent = next((la for la in model.latents if la.variable == variable.name and not la.summed), None)
    return variable.symbol if latent is None else latent.all


def table_lines(model: Model) -> list[str]:
    """The rows, each once for every level that it may have."""
    mixture = model.mixture
    if mixture is None:
        return []
    variables = (model.variables[name] for name in mixture.variables)
    levels = ", ".join(f"{literal(v.column)}: [{', '.join(map(literal, v.levels))}]" for v in variables)
    return [f"data, {mixture.row}, {mixture.cells} = every_level(data, {{{levels}}})"]


def latent_lines(model: Model) -> list[str]:
    """The values that are parameters, and the columns that they complete."""
    found = []
    for latent in model.latents:
        if not latent.summed:
            variable = model.variables[latent.variable]
            found += _unseen(model, latent, variable) if latent.error is None else _true(model, latent, variable)
    return found


def _unseen(model: Model, latent: Latent, variable: Variable) -> list[str]:
    said = f"{latent.missing} missing values; the regression of {variable.name} says how they are distributed"
    lines = [
        comment(said).strip(),
        f"{latent.rows} = np.flatnonzero(absent(data[{literal(variable.column)}]))",
    ]
    size, values = f"len({latent.rows})", latent.values
    if model.mixture is not None:
        lines.append(f"{latent.known} = np.unique({model.mixture.row}[{latent.rows}], return_inverse=True)[1]")
        size, values = f"int({latent.known}.max()) + 1", f"{latent.values}[{latent.known}]"
    start = f"initval=np.full({size}, {number(variable.mean or 0.0)})"
    return [
        *lines,
        f"{latent.values} = pm.{_flat(latent)}, shape={size}, {start})",
        f"{latent.all} = {variable.symbol}[{latent.rows}].set({values})",
    ]


def _flat(latent: Latent) -> str:
    bounds = ", 0, 1" if latent.support == "Uniform" else ""
    return f"{latent.support}({literal(latent.values)}{bounds}"


def _true(model: Model, latent: Latent, variable: Variable) -> list[str]:
    """True values behind measurements with known standard errors."""
    mixture, x = model.mixture, variable.symbol
    first = "" if mixture is None else f"[{mixture.cells}[:, 0]]"
    column = f"data[{literal(latent.error)}]"
    errors = f"np.asarray({f'filled({column}, 1)' if variable.missing else column}, dtype=float)"
    scale = f" / {number(variable.transform_at[1])}" if variable.transform == "standardize" else ""
    lines = [f"{latent.errors} = pm.Data({literal(latent.errors)}, {errors}{scale})  # standard errors"]
    if latent.raw:
        return lines
    start = f"{x}.get_value(){first}"
    return [
        *lines,
        comment(f"the true values of {variable.name}; its regression says how they are distributed").strip(),
        f"{latent.values} = pm.{_flat(latent)}, shape={start}.size, initval={start})",
        f"{latent.all} = {latent.values}" + ("" if mixture is None else f"[{mixture.row}]"),
        *_measured(model, latent, variable),
    ]


def _measured(model: Model, latent: Latent, variable: Variable) -> list[str]:
    """The density of the measurements given the true values, each row once."""
    mixture, x = model.mixture, variable.symbol
    if mixture is None and not variable.missing:
        arguments = f"{latent.all}, {latent.errors}, observed={x}"
        return [f"pm.Normal({literal(latent.measured)}, {arguments})"]
    lacks = f"absent(data[{literal(variable.column)}])"
    rows = f"np.flatnonzero(~{lacks})"
    if mixture is not None:
        first = f"{mixture.cells}[:, 0]"
        rows = f"{first}[~{lacks}[{first}]]"
    at = f"[{latent.known}]"
    density = f"pm.logp(pm.Normal.dist({latent.all}{at}, {latent.errors}{at}), {x}{at})"
    return [
        f"{latent.known} = {rows}",
        f"pm.Potential({literal(latent.measured)}, pm.math.sum({density}))",
    ]


def around(model: Model, equation: Equation) -> list[str]:
    """The true values of a response as its regression's mean and Normal draws; none where they are parameters."""
    latent = next((la for la in model.latents if la.variable == equation.response and la.raw), None)
    if latent is None:
        return []
    variable, (sigma,) = model.variables[latent.variable], (a.symbol for a in equation.auxiliaries)
    mean = LINKS[equation.link.name].source.format(eta=equation.symbols["eta"])
    return [
        comment(f"the true values of {latent.variable}").strip(),
        f"{latent.raw} = pm.Normal({literal(latent.raw)}, 0, 1, shape={variable.symbol}.get_value().size)",
        f"{latent.all} = pm.Deterministic({literal(latent.values)}, {mean} + {sigma} * {latent.raw})",
        *_measured(model, latent, variable),
    ]


def by_rows(model: Model, equation: Equation) -> bool:
    """Whether the log density of an equation is written down row by row."""
    own = any(la.variable == equation.response and not la.summed for la in model.latents)
    return model.mixture is not None or own or equation.dropped > 0


def mixture_lines(model: Model, mixture: Mixture) -> list[str]:
    """The rows' densities, summed over the levels that a row may have."""
    densities = " + ".join(e.symbols["logp"] for e in model.equations)
    return [
        "# a row counts with the sum of its densities over the levels that it may have",
        f"{mixture.together} = pm.math.concatenate([{densities}, [-np.inf]])[{mixture.cells}]",
        f"pm.Potential({literal(mixture.together)}, pm.math.sum(pm.math.logsumexp({mixture.together}, axis=1)))",
        f"several = np.flatnonzero({mixture.cells}[:, 1] < {mixture.row}.size)",
        f"pm.Deterministic({literal(mixture.chances)}, pm.math.softmax({mixture.together}[several], axis=1))",
    ]
