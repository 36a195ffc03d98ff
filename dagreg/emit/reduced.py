"""Source of a Gaussian regression that its sufficient statistics stand for."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from dagreg.emit.naming import Names
from dagreg.emit.priors import WIDTH, argument, named_arguments, prior_lines
from dagreg.emit.terms import reason
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.statistics import Sufficient
from dagreg.model.terms import PriorChoice
from dagreg.quoting import comment, literal, number


def sufficient_lines(
    model: Model, names: Names, equation: Equation, statistics: Sufficient, origin: str
) -> list[str]:
    """A Gaussian regression that its sufficient statistics stand for."""
    own = names.of(equation)
    free, whole, root, rotated = (own[part] for part in ("free", "all", "root", "rotated"))
    sigma = equation.auxiliaries[0].symbol
    beyond = statistics.units - len(
        statistics.rotated
    )  # units that only the residual sum of squares speaks of
    lines = [
        f"# {statistics.units:,.12g} rows stand as these, by a QR decomposition of the design:",
        "# |y - X b|^2 = |rotated - root b|^2 + left, for every b",
        *_matrix(root, statistics.root),
        *_matrix(rotated, statistics.rotated),
        "# coordinates in which the posterior is nearly round; the priors act on the coefficients themselves",
        f"{free} = pm.Flat({literal(free)}, shape={len(statistics.start)})",
        *_matrix(own["spread"], statistics.spread),
        *_matrix(own["start"], statistics.start),
        f"{whole} = {own['start']} + pm.math.dot({own['spread']}, {free})",
        *_coefficients(model, names, equation, origin),
        *prior_lines(model, sigma, equation.auxiliaries[0].prior, ""),
        f"pm.Normal({literal(own['observed'])}, pm.math.dot({root}, {whole}), {sigma}, observed={rotated})",
    ]
    if beyond > 0 and statistics.left > 0:
        gamma = f"{number(beyond / 2)}, 1 / (2 * {sigma}**2), observed={statistics.left!r}"
        lines.append(f"pm.Gamma({literal(own['left'])}, {gamma})")
    elif beyond > 0:
        lines.append(f"pm.Potential({literal(own['left'])}, -{number(beyond)} * pm.math.log({sigma}))")
    return lines


def _coefficients(model: Model, names: Names, equation: Equation, origin: str) -> list[str]:
    """The coefficients as parts of one vector, and their priors as a term of the density."""
    whole, at, lines, priors = names.of(equation)["all"], 0, [], []
    if equation.has_intercept:
        lines.append(f"{equation.intercept} = pm.Deterministic({literal(equation.intercept)}, {whole}[0])")
        priors.append(_log_prior(model, equation.intercept, equation.intercept_prior))
        at = 1
    for term in equation.terms:
        width = len(term.columns)
        part = (
            f"{whole}[{at}]" if width == 1 else f"{whole}[{at}:{at + width}], dims={literal(names.dim(term))}"
        )
        lines += [comment(text).strip() for text in wrap(reason(term, origin), WIDTH - 8)]
        lines.append(f"{term.symbol} = pm.Deterministic({literal(term.symbol)}, {part})")
        priors.append(_log_prior(model, term.symbol, term.prior))
        at += width
    given = [p for p in priors if p]
    if not given:
        return lines
    name = names.of(equation)["prior"]
    return [
        *lines,
        f"pm.Potential({literal(name)}, (",
        *(f"    {'+ ' * (i > 0)}{p}" for i, p in enumerate(given)),
        "))",
    ]


def _log_prior(model: Model, symbol: str, prior: PriorChoice) -> str:
    if prior.distribution == "Flat":
        return ""
    arguments = named_arguments(prior.distribution, [argument(model, a) for a in prior.arguments])
    return f"pm.math.sum(pm.logp(pm.{prior.distribution}.dist({', '.join(arguments)}), {symbol}))"


def _matrix(symbol: str, values: Sequence[float] | Sequence[Sequence[float]]) -> list[str]:
    """A constant array, a line for each of its rows."""
    rows = [list(row) if isinstance(row, Sequence) else row for row in values]
    if rows and isinstance(rows[0], float):
        return [f"{symbol} = np.array({rows!r})"]
    return [f"{symbol} = np.array([", *(f"    {row!r}," for row in rows), "])"]
