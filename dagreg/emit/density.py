"""Source of the log density of a response: the arguments of its distribution, and what censoring
makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dagreg.emit.naming import Names
from dagreg.emit.unknown import completed
from dagreg.families.links import LINKS
from dagreg.model.equation import Equation, ErrorScale, KnownErrors
from dagreg.model.plan import Model
from dagreg.quoting import literal

_ROWS: Mapping[str, str] = {"none": "exact", "left": "below", "right": "above", "interval": "between"}
_SEEN: Mapping[str, str] = {
    "none": "seen exactly",
    "left": "below the value seen",
    "right": "above the value seen",
    "interval": "between two values",
}


def arguments_of(model: Model, names: Names, equation: Equation, at: str = "") -> str:
    """The arguments of the response's distribution; `at` picks rows, `[rows]`."""
    return equation.family.likelihood[equation.link.name].format(**_holes(model, names, equation, at))


def _holes(model: Model, names: Names, equation: Equation, at: str) -> dict[str, str]:
    symbols = names.of(equation)
    holes = {a.name: a.symbol for a in equation.auxiliaries} | {"eta": symbols["eta"] + at}
    if equation.linked is not None:
        other = next(e for e in model.equations if e.response == equation.linked)
        holes |= {
            "linked": completed(model, names, model.variables[other.response]) + at,
            "linked_eta": names.of(other)["eta"] + at,
        }
    if equation.trials is not None:
        holes["trials"] = symbols["trials"] + at if isinstance(equation.trials, str) else str(equation.trials)
    if isinstance(equation.error, KnownErrors):
        holes["sigma"] = f"pm.math.sqrt({holes['sigma']}**2 + {symbols['error']}{at}**2)"
    if isinstance(equation.error, ErrorScale):
        holes["sigma"] = (
            f"({holes['sigma']} * {symbols['error']}{at})" if at else f"{holes['sigma']} * {symbols['error']}"
        )
    if equation.levels:
        holes["cutpoints"] = equation.intercept
    return holes


def density_lines(model: Model, names: Names, equation: Equation) -> list[str]:
    """The log density of every row."""
    symbols, response = names.of(equation), model.variables[equation.response]
    if equation.censoring is not None:
        lines = _censored(model, names, equation, equation.censoring.flags)
    else:
        answer = symbols["codes"] if equation.levels else completed(model, names, response)
        arguments = arguments_of(model, names, equation)
        lines = [
            f"{symbols['logp']} = pm.logp(pm.{equation.family.distribution}.dist({arguments}), {answer})"
        ]
    if equation.weights is not None:
        weights = symbols["weights"] if isinstance(equation.weights, str) else str(equation.weights)
        said = "# each row stands for as many units as its weight says"
        lines += [said, f"{symbols['logp']} = {weights} * {symbols['logp']}"]
    if equation.dropped:
        gone = f"absent(data[{literal(response.column)}])"
        said = f"# {equation.dropped} rows without {response.symbol} say nothing of it"
        lines += [said, f"{symbols['logp']} = pm.math.where({gone}, 0, {symbols['logp']})"]
    return lines


def _censored(model: Model, names: Names, equation: Equation, flags: Sequence[str]) -> list[str]:
    """The log density of every row, in the order of the rows, where some responses are known by bounds only.

    A response beyond a bound contributes the probability of that (Klein and Moeschberger 2003, section 3.5).
    """
    symbols = names.of(equation)
    picked = [symbols[_ROWS[flag]] for flag in flags]
    lines = [
        f"{rows} = np.flatnonzero({symbols['flags']} == {literal(flag)})  # {_SEEN[flag]}"
        for rows, flag in zip(picked, flags, strict=True)
    ]
    parts = [_part(model, names, equation, flag) for flag in flags]
    if len(parts) == 1:
        return [*lines, f"{symbols['logp']} = {parts[0]}"]
    order = f"[np.argsort(np.concatenate([{', '.join(picked)}]))]"
    return [
        *lines,
        f"{symbols['logp']} = pm.math.concatenate(",
        "    [",
        *(f"        {part}," for part in parts),
        "    ]",
        f"){order}",
    ]


def _part(model: Model, names: Names, equation: Equation, flag: str) -> str:
    """The log density, or the log probability, of the responses with this flag."""
    symbols, family = names.of(equation), equation.family
    at = f"[{symbols[_ROWS[flag]]}]"
    value = model.variables[equation.response].symbol + at
    arguments = arguments_of(model, names, equation, at)
    if flag == "none":
        return f"pm.logp(pm.{family.distribution}.dist({arguments}), {value})"
    holes = _holes(model, names, equation, at)
    holes["mean"] = LINKS[equation.link.name].source.format(eta=holes["eta"])
    upper = f"{symbols['upper']}{at}"
    return family.censored[_ROWS[flag]].format(**holes, arguments=arguments, at=value, low=value, high=upper)
