"""Models to source: a readable PyMC program that runs without dagreg, stable byte for byte.

Names from the spec enter the program as string literals or inside comments, never as code.
"""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from types import CodeType
from typing import Any

from dagreg.emit.prose import comment, docstring, literal, number
from dagreg.model.types import DataScale, Equation, Model, PriorChoice, Sufficient, Term, Variable
from dagreg.spec.priors import DISTRIBUTIONS
from dagreg.spec.types import Sampling

WIDTH = 116
_INDICATORS = '''
def indicators(values, levels):
    """One 0/1 column for each of these levels: rows x levels."""
    return np.column_stack([np.asarray(values) == level for level in levels]).astype(float)
'''
_PRODUCTS = '''
def products(left, right):
    """Every column of one block times every column of the other: rows x columns."""
    return (left[:, :, None] * right[:, None, :]).reshape((left.shape[0], -1))
'''
_TRANSFORMS = {
    "log": "np.log({x})",
    "log1p": "np.log1p({x})",
    "logit": "np.log({x} / (1 - {x}))",
    "sqrt": "np.sqrt({x})",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """How a program reads its rows: what it imports, what it says once, and the columns that answer `{query}`."""

    imports: tuple[str, ...]
    once: tuple[str, ...]
    columns: str


DUCKDB = Reader(("duckdb",), (), "duckdb.sql({query}).fetchnumpy()")


@dataclass(frozen=True, slots=True)
class Program:
    """PyMC source, with one builder per model: `build_adjusted(data) -> pm.Model`, ...

    `data` maps column names to arrays of rows.
    """

    source: str
    builders: tuple[str, ...]

    def build(self, builder: str, data: Mapping[str, Any]) -> Any:
        """Runs a builder of this very source on the data and returns the pm.Model.

        Raises KeyError for a builder that the program does not have.
        """
        if builder not in self.builders:
            raise KeyError(builder)
        name = f"<dagreg program {hash(self.source) & 0xFFFFFFFF:08x}>"
        linecache.cache[name] = (len(self.source), None, self.source.splitlines(keepends=True), name)
        code: CodeType = compile(self.source, name, "exec")
        namespace: dict[str, Any] = {"__name__": "dagreg_program"}
        exec(code, namespace)  # noqa: S102  # what is read is what runs: the source is emit's own
        return namespace[builder](data)


def emit(
    models: Sequence[Model],
    title: str,
    origin: str,
    query: str | Mapping[str, str] | None,
    sampling: Sampling,
    reader: Reader = DUCKDB,
) -> Program:
    """The program of these models.

    `query` is the SQL that reads the data, or one for each builder that reads any; None where SQL cannot reach
    them or there are none yet. `reader` says who answers it.
    """
    parts = [_header(title, origin), _imports(query)]
    blocks = [_builder(model, origin) for model in models]
    body = "\n\n".join(blocks)
    if "indicators(" in body:
        parts.append(_INDICATORS)
    if "products(" in body:
        parts.append(_PRODUCTS)
    parts += ["\n" + block for block in blocks]
    if query is not None:
        parts.append("\n" + _main(models, query, sampling, reader))
    return Program("\n".join(part.rstrip("\n") + "\n" for part in parts), tuple(m.builder for m in models))


def _header(title: str, origin: str) -> str:
    return docstring([title, "", f"Written by dagreg from {origin}; runs without it."])


def _imports(query: str | Mapping[str, str] | None) -> str:
    lines = ["import numpy as np", "import pymc as pm"]
    if isinstance(query, str):
        lines += ["", f"QUERY = {literal(query)}"]
    elif query:
        lines += ["", "QUERIES = {", *(f"    {literal(k)}: {literal(q)}," for k, q in query.items()), "}"]
    return "\n".join(lines)


def _builder(model: Model, origin: str) -> str:
    lines = [f"def {model.builder}(data):", *_indent(docstring(_builder_doc(model)).splitlines())]
    lines += _indent(_model_line(model))
    lines += _indent(_columns(model), 2)
    for equation in model.equations:
        lines += _indent(_equation(model, equation, origin), 2)
    return "\n".join([*lines, "    return model"])


def _builder_doc(model: Model) -> list[str]:
    equations = [f"{e.response} on {', '.join(t.name for t in e.terms) or 'nothing'}" for e in model.equations]
    reads = any(e.sufficient is None for e in model.equations)
    return [f"{model.estimator}: {'; '.join(equations)}.{'' if reads else ' It reads no data.'}"]


def _columns(model: Model) -> list[str]:
    """The data columns, coded: numbers as they are, levels as 0/1 columns."""
    if all(e.sufficient is not None for e in model.equations):
        return []
    lines = []
    whole = {e.response for e in model.equations if e.family.discrete}
    read = {name for e in model.equations for name in (e.response, *e.predictors)}
    for variable in (v for v in model.variables.values() if v.name in read):
        coded = _coded(variable, "int" if variable.name in whole else "float")
        lines.append(_data(variable.symbol, coded, _coding_note(variable)))
    for equation in model.equations:
        for role, column, kind in (
            ("trials", equation.trials, "int"),
            ("weights", equation.weights, "float"),
            ("exposure", equation.offset, "float"),
        ):
            if isinstance(column, str):
                lines.append(_data(equation.symbols[role], f"np.asarray(data[{literal(column)}], dtype={kind})", role))
    return lines


def _data(symbol: str, values: str, note: str) -> str:
    return f"{symbol} = pm.Data({literal(symbol)}, {values}){comment(note)}"


def _coding_note(variable: Variable) -> str:
    words = [w for w in (variable.label, variable.unit) if w]
    if variable.levels:
        words.append(f"reference {variable.levels[0]}")
    if variable.transform:
        words.append(f"{variable.transform} of the column")
    return ", ".join(words)


def _coded(variable: Variable, kind: str) -> str:
    raw = f"data[{literal(variable.column)}]"
    if variable.coded:
        return f"indicators({raw}, [{', '.join(literal(level) for level in variable.levels[1:])}])"
    if variable.levels and variable.levels != (0, 1):
        return f"(np.asarray({raw}) == {literal(variable.levels[1])}).astype({kind})"
    numbers = f"np.asarray({raw}, dtype={kind})"
    if variable.transform in _TRANSFORMS:
        return _TRANSFORMS[variable.transform].format(x=numbers)
    if variable.transform is not None:
        centre, scale = variable.transform_at
        shifted = f"({numbers} - {number(centre)})"
        return shifted if variable.transform == "center" else f"{shifted} / {number(scale)}"
    return numbers


def _model_line(model: Model) -> list[str]:
    coords = {}
    for equation in model.equations:
        for term in equation.terms:
            if len(term.columns) > 1:
                coords[term.dim] = term.columns
    if not coords:
        return ["with pm.Model() as model:"]
    listed = [f"    {literal(k)}: [{', '.join(map(literal, v))}]," for k, v in coords.items()]
    return ["coords = {", *listed, "}", "with pm.Model(coords=coords) as model:"]


def _equation(model: Model, equation: Equation, origin: str) -> list[str]:
    response = model.variables[equation.response]
    place = f"{origin}:{equation.span.line}" if equation.span else origin
    head = f"{equation.response}: {equation.family.name}, {equation.link.name} link ({place})"
    lines = [comment(head).strip()]
    if equation.sufficient is not None:
        return [*lines, *_sufficient(model, equation, equation.sufficient, origin)]
    centred = any(t.centre or t.centre_by_data for t in equation.terms)
    here = "at the predictors' means" if centred else "at predictors = 0"
    lines += _prior(model, equation.intercept, equation.intercept_prior, here if equation.terms else "")
    for term in equation.terms:
        dims = term.dim if len(term.columns) > 1 else None
        lines += [comment(text).strip() for text in wrap(_reason(term, origin), WIDTH - 8)]
        lines += _prior(model, term.symbol, term.prior, "", dims)
    for auxiliary in equation.auxiliaries:
        lines += _prior(model, auxiliary.symbol, auxiliary.prior, "")
    lines += _predictor(model, equation)
    lines += _likelihood(model, equation, response)
    return lines


def _reason(term: Term, origin: str) -> str:
    """Which line of the spec a term comes from, and the causal reason for it."""
    place = f" ({origin}:{term.span.line})" if term.span else ""
    return f"{term.name}, {term.purpose}{place}" + (f": {term.why}" if term.why else "")


def _sufficient(model: Model, equation: Equation, statistics: Sufficient, origin: str) -> list[str]:
    """A Gaussian regression that its sufficient statistics stand for."""
    names = equation.symbols
    free, whole, root, rotated = (names[part] for part in ("free", "all", "root", "rotated"))
    sigma = equation.auxiliaries[0].symbol
    shape = number((statistics.units - len(statistics.rotated)) / 2)
    lines = [
        f"# {statistics.units:,.12g} rows stand as these, by a QR decomposition of the design:",
        "# |y - X b|^2 = |rotated - root b|^2 + left, for every b",
        *_matrix(root, statistics.root),
        *_matrix(rotated, statistics.rotated),
        "# coordinates in which the posterior is nearly round; the priors act on the coefficients themselves",
        f"{free} = pm.Flat({literal(free)}, shape={len(statistics.rotated)})",
        *_matrix(names["spread"], statistics.spread),
        *_matrix(names["start"], statistics.start),
        f"{whole} = {names['start']} + pm.math.dot({names['spread']}, {free})",
        *_coefficients(model, equation, origin),
        *_prior(model, sigma, equation.auxiliaries[0].prior, ""),
        f"pm.Normal({literal(names['observed'])}, pm.math.dot({root}, {whole}), {sigma}, observed={rotated})",
        f"pm.Gamma({literal(names['left'])}, {shape}, 1 / (2 * {sigma}**2), observed={statistics.left!r})",
    ]
    return lines


def _coefficients(model: Model, equation: Equation, origin: str) -> list[str]:
    """The coefficients as parts of one vector, and their priors as a term of the density."""
    whole, at = equation.symbols["all"], 1
    lines = [f"{equation.intercept} = pm.Deterministic({literal(equation.intercept)}, {whole}[0])"]
    priors = [_log_prior(model, equation.intercept, equation.intercept_prior)]
    for term in equation.terms:
        width = len(term.columns)
        part = f"{whole}[{at}]" if width == 1 else f"{whole}[{at}:{at + width}], dims={literal(term.dim)}"
        lines += [comment(text).strip() for text in wrap(_reason(term, origin), WIDTH - 8)]
        lines.append(f"{term.symbol} = pm.Deterministic({literal(term.symbol)}, {part})")
        priors.append(_log_prior(model, term.symbol, term.prior))
        at += width
    given = [p for p in priors if p]
    if not given:
        return lines
    name = equation.symbols["prior"]
    return [
        *lines,
        f"pm.Potential({literal(name)}, (",
        *(f"    {'+ ' * (i > 0)}{p}" for i, p in enumerate(given)),
        "))",
    ]


def _log_prior(model: Model, symbol: str, prior: PriorChoice) -> str:
    if prior.distribution == "Flat":
        return ""
    arguments = _named(prior.distribution, [_argument(model, a) for a in prior.arguments])
    return f"pm.math.sum(pm.logp(pm.{prior.distribution}.dist({', '.join(arguments)}), {symbol}))"


def _matrix(symbol: str, values: Sequence[float] | Sequence[Sequence[float]]) -> list[str]:
    """A constant array, a line for each of its rows."""
    rows = [list(row) if isinstance(row, Sequence) else row for row in values]
    if rows and isinstance(rows[0], float):
        return [f"{symbol} = np.array({rows!r})"]
    return [f"{symbol} = np.array([", *(f"    {row!r}," for row in rows), "])"]


def _prior(model: Model, symbol: str, prior: PriorChoice, note: str, dims: str | None = None) -> list[str]:
    """A parameter and where its prior comes from, in a comment beside it or, where that is too long, above."""
    arguments = [literal(symbol), *_named(prior.distribution, [_argument(model, a) for a in prior.arguments])]
    if dims:
        arguments.append(f"dims={literal(dims)}")
    origin = "your prior" if prior.given else f"default {prior.rule}"
    words = comment(", ".join(w for w in (note, origin) if w))
    line = f"{symbol} = pm.{prior.distribution}({', '.join(arguments)})"
    return [line + words] if len(line + words) <= WIDTH - 8 else [words.strip(), line]


def _named(distribution: str, arguments: Sequence[str]) -> list[str]:
    """Arguments with their names, which PyMC asks for in part (StudentT); the familiar ones stand alone."""
    names = [name for name, _ in DISTRIBUTIONS[distribution].parameters]
    if distribution == "Normal" or len(names) == 1:
        return list(arguments)
    return [f"{name}={argument}" for name, argument in zip(names, arguments, strict=True)]


def _argument(model: Model, argument: float | DataScale) -> str:
    """A number, or where the data are not known yet the expression that takes it from them."""
    if isinstance(argument, float | int):
        return number(argument)
    if argument.statistic == "mean":
        assert argument.of is not None
        return f"{model.variables[argument.of].symbol}.get_value().mean()"
    text = number(argument.multiple)
    if argument.of is not None:
        text += f" * {_sd(model, argument.of)}"
    return text + "".join(f" / {_sd(model, name)}" for name in argument.per)


def _sd(model: Model, name: str) -> str:
    return f"{model.variables[name].symbol}.get_value().std(ddof=1)"


def _predictor(model: Model, equation: Equation) -> list[str]:
    parts = [equation.intercept, *(_summand(model, term) for term in equation.terms)]
    if equation.offset is not None:
        parts.append(f"pm.math.log({equation.symbols['exposure']})")
    name = equation.symbols["eta"]
    line = f"{name} = {' + '.join(parts)}"
    if len(line) <= WIDTH - 8:
        return [line]
    return [f"{name} = (", f"    {parts[0]}", *(f"    + {part}" for part in parts[1:]), ")"]


def _summand(model: Model, term: Term) -> str:
    """A term's part of the linear predictor, its design columns centred as the model says."""
    design = _design(model, term)
    if len(term.columns) == 1:
        (centre,) = term.centre or (0.0,)
        flat = design if len(term.factors) == 1 else f"{design}[:, 0]"
        if term.centre_by_data:
            return f"{term.symbol} * ({flat} - {flat}.mean())"
        return f"{term.symbol} * {_minus(flat, number(centre)) if centre else flat}"
    if term.centre_by_data:
        return f"pm.math.dot({design} - {design}.mean(axis=0), {term.symbol})"
    if term.centre is None:
        return f"pm.math.dot({design}, {term.symbol})"
    centres = ", ".join(number(c) for c in term.centre)
    return f"pm.math.dot({design} - np.array([{centres}]), {term.symbol})"


def _minus(what: str, centre: str) -> str:
    return f"({what} + {centre[1:]})" if centre.startswith("-") else f"({what} - {centre})"


def _design(model: Model, term: Term) -> str:
    variables = [model.variables[name] for name in term.factors]
    if len(variables) == 1:
        return variables[0].symbol
    blocks = [v.symbol if v.coded else f"{v.symbol}[:, None]" for v in variables]
    text = blocks[0]
    for other in blocks[1:]:
        text = f"products({text}, {other})"
    return text


def _linked(model: Model, equation: Equation) -> dict[str, str]:
    """What an equation's likelihood takes from the one that its errors correlate with."""
    if equation.linked is None:
        return {}
    other = next(e for e in model.equations if e.response == equation.linked)
    return {"linked": model.variables[other.response].symbol, "linked_eta": other.symbols["eta"]}


def _likelihood(model: Model, equation: Equation, response: Variable) -> list[str]:
    symbols = equation.symbols
    holes = {a.name: a.symbol for a in equation.auxiliaries} | {"eta": symbols["eta"]} | _linked(model, equation)
    if equation.trials is not None:
        holes["trials"] = symbols["trials"] if isinstance(equation.trials, str) else str(equation.trials)
    arguments = equation.family.likelihood[equation.link.name].format(**holes)
    distribution, observed = f"pm.{equation.family.distribution}", literal(symbols["observed"])
    if equation.weights is None:
        return [f"{distribution}({observed}, {arguments}, observed={response.symbol})"]
    weights = symbols["weights"] if isinstance(equation.weights, str) else str(equation.weights)
    return [
        "# each row stands for as many units as it has trials",
        f"{symbols['logp']} = pm.logp({distribution}.dist({arguments}), {response.symbol})",
        f"pm.Potential({observed}, pm.math.sum({weights} * {symbols['logp']}))",
    ]


def _main(models: Sequence[Model], query: str | Mapping[str, str], sampling: Sampling, reader: Reader) -> str:
    builders = ", ".join(m.builder for m in models) + ("," if len(models) == 1 else "")
    once, each = _reading(query, reader)
    return f"""if __name__ == "__main__":
    import arviz as az
{once}
    for build in ({builders}):{each}
        compiled = nutpie.compile_pymc_model(build(data), jitter_rvs=set())
        draws = nutpie.sample(
            compiled,
            draws={sampling.draws},
            tune={sampling.tune},
            chains={sampling.chains},
            seed={sampling.seed},
            target_accept={number(sampling.target_accept)},
            adaptation="low_rank",
            progress_bar=False,
        )
        print(build.__doc__)
        print(az.summary(draws))
"""


def _reading(query: str | Mapping[str, str], reader: Reader) -> tuple[str, str]:
    """How the program reads its data: before its loop over the builders, and within."""
    if not query:
        return "    import nutpie\n\n    data = {}", ""
    head = "".join(f"    import {module}\n" for module in sorted({*reader.imports, "nutpie"}))
    said = "".join(f"\n    {line}".rstrip(" ") for line in reader.once)
    if isinstance(query, str):
        return f"{head}{said}\n    data = {reader.columns.format(query='QUERY')}", ""
    rows = reader.columns.format(query="query")
    return (
        head + said,
        f"\n        query = QUERIES.get(build.__name__)\n        data = {rows} if query else {{}}",
    )


def _indent(lines: Sequence[str], levels: int = 1) -> list[str]:
    return ["    " * levels + line if line else line for line in lines]
