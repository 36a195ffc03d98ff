"""Source of priors."""

from __future__ import annotations

from collections.abc import Sequence

from dagreg.model.plan import Model
from dagreg.model.terms import DataScale, PriorChoice
from dagreg.quoting import comment, literal, number
from dagreg.spec.priors import DISTRIBUTIONS

WIDTH = 116


def prior_lines(
    model: Model,
    symbol: str,
    prior: PriorChoice,
    note: str,
    dims: str | Sequence[str] | None = None,
    more: str = "",
) -> list[str]:
    """A parameter and where its prior comes from, in a comment beside it or, where that is too
    long, above.
    """
    arguments = [
        literal(symbol),
        *named_arguments(prior.distribution, [argument(model, a) for a in prior.arguments]),
    ]
    if dims:
        named = [dims] if isinstance(dims, str) else list(dims)
        shown = ", ".join(map(literal, named))
        arguments.append(f"dims=({shown})" if len(named) > 1 else f"dims={shown}")
    if more:
        arguments.append(more)
    origin = "your prior" if prior.given else f"default {prior.rule}"
    words = comment(", ".join(w for w in (note, origin) if w))
    line = f"{symbol} = pm.{prior.distribution}({', '.join(arguments)})"
    return [line + words] if len(line + words) <= WIDTH - 8 else [words.strip(), line]


def named_arguments(distribution: str, arguments: Sequence[str]) -> list[str]:
    """Arguments with their names, which PyMC asks for in part (StudentT); the familiar ones stand alone."""
    names = [name for name, _ in DISTRIBUTIONS[distribution].parameters]
    if distribution == "Normal" or len(names) == 1:
        return list(arguments)
    return [f"{name}={argument}" for name, argument in zip(names, arguments, strict=True)]


def argument(model: Model, argument: float | DataScale) -> str:
    """A number, or where the data are not known yet the expression that takes it from them."""
    if isinstance(argument, float | int):
        return number(argument)
    if argument.statistic == "mean":
        assert argument.of is not None
        return f"{model.variables[argument.of].symbol}.get_value().mean()"
    if argument.statistic == "rate":
        assert argument.of is not None
        return f"1 / {model.variables[argument.of].symbol}.get_value().mean()"
    text = number(argument.multiple)
    if argument.of is not None:
        text += f" * {_sd(model, argument.of)}"
    return text + "".join(f" / {_sd(model, name)}" for name in argument.per)


def _sd(model: Model, name: str) -> str:
    return f"{model.variables[name].symbol}.get_value().std(ddof=1)"
