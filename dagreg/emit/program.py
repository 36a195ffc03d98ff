"""Models to source: a readable PyMC program that runs without dagreg, stable byte for byte.

Names from the spec enter the program as string literals or inside comments, never as code.
"""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from dagreg.emit.columns import columns, model_line
from dagreg.emit.equation import equation_lines
from dagreg.emit.naming import Names
from dagreg.emit.prelude import helpers_of, need_tensors, source_of
from dagreg.emit.unknown import latent_lines, mixture_lines, table_lines
from dagreg.model.plan import Model
from dagreg.model.statistics import Sufficient
from dagreg.quoting import docstring, literal, number
from dagreg.sources.reader import ATTACH, DUCKDB, Reader
from dagreg.spec.brief import Brief, cut
from dagreg.spec.types import LEVEL, Sampling


@dataclass(frozen=True, slots=True, repr=False)
class Program:
    """PyMC source, with one builder per model: `build_adjusted(data) -> pm.Model`, ...

    `data` maps column names to arrays of rows.
    """

    source: str
    builders: tuple[str, ...]

    def __repr__(self) -> str:
        return cut(f"<Program of {len(self.source.splitlines()):,} lines: {', '.join(self.builders)}>")

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


@dataclass(frozen=True, slots=True, repr=False)
class Builder(Brief):
    """What a function of a program is made of: `statistics` stand for the rows where there are some."""

    model: Model
    names: Names
    statistics: Sufficient | None = None


def emit(
    builders: Sequence[Builder],
    title: str,
    origin: str,
    query: str | Mapping[str, str] | None,
    sampling: Sampling,
    reader: Reader = DUCKDB,
) -> Program:
    """The program of these builders.

    `query` is the SQL that reads the data, or one for each builder that reads any; None where SQL cannot
    reach them or there are none yet. `reader` says who answers it.
    """
    models = [builder.model for builder in builders]
    blocks = [_source(builder, origin) for builder in builders]
    body = "\n\n".join(blocks)
    helpers = helpers_of(body)
    parts = [_header(title, origin), _imports(query, tensors=need_tensors(helpers))]
    parts += ["\n" + source_of(helper) for helper in helpers]
    parts += ["\n" + block for block in blocks]
    if query is not None:
        parts.append("\n" + _main(models, query, sampling, reader))
    return Program("\n".join(part.rstrip("\n") + "\n" for part in parts), tuple(m.builder for m in models))


def _header(title: str, origin: str) -> str:
    return docstring([title, "", f"Written by dagreg from {origin}; runs without it."])


def _imports(query: str | Mapping[str, str] | None, *, tensors: bool) -> str:
    lines = ["import numpy as np", "import pymc as pm"]
    lines += ["import pytensor.tensor as pt"] if tensors else []
    if isinstance(query, str):
        lines += ["", f"QUERY = {literal(query)}"]
    elif query:
        lines += ["", "QUERIES = {", *(f"    {literal(k)}: {literal(q)}," for k, q in query.items()), "}"]
    return "\n".join(lines)


def _source(builder: Builder, origin: str) -> str:
    model, names, statistics = builder.model, builder.names, builder.statistics
    doc = f"{model.estimator}: {model.formula}.{'' if statistics is None else ' It reads no data.'}"
    lines = [f"def {model.builder}(data):", *_indent(docstring([doc]).splitlines())]
    lines += _indent([*table_lines(model, names), *model_line(model, names)])
    if statistics is None:
        lines += _indent([*columns(model, names), *latent_lines(model, names)], 2)
    for equation in model.equations:
        lines += _indent(equation_lines(model, names, equation, origin, statistics), 2)
    lines += _indent(mixture_lines(model, names, model.mixture), 2) if model.mixture is not None else []
    return "\n".join([*lines, "    return model"])


def _main(models: Sequence[Model], query: str | Mapping[str, str], sampling: Sampling, reader: Reader) -> str:
    builders = ", ".join(m.builder for m in models) + ("," if len(models) == 1 else "")
    once, each = _reading(query, reader)
    build, adaptation = "build", '"low_rank"'
    if any(m.adaptation != "low_rank" for m in models):
        builders = ", ".join(f"({m.builder}, {literal(m.adaptation)})" for m in models) + ","
        build, adaptation = "build, adaptation", "adaptation"
    return f"""if __name__ == "__main__":
    import arviz as az
{once}
    for {build} in ({builders}):{each}
        compiled = nutpie.compile_pymc_model(build(data), jitter_rvs=set())
        draws = nutpie.sample(
            compiled,
            draws={sampling.draws},
            tune={sampling.tune},
            chains={sampling.chains},
            seed={sampling.seed},
            target_accept={number(max([sampling.target_accept, *(m.least_acceptance for m in models)]))},
            adaptation={adaptation},
            progress_bar=False,
        )
        print(build.__doc__)
        print(az.summary(draws, ci_prob={LEVEL}))
"""


def _reading(query: str | Mapping[str, str], reader: Reader) -> tuple[str, str]:
    """How the program reads its data: before its loop over the builders, and within."""
    if not query:
        return "    import nutpie\n\n    data = {}", ""
    head = "".join(f"    import {module}\n" for module in sorted({*reader.imports, "nutpie"}))
    said = "".join(f"\n    {line}".rstrip(" ") for line in (*reader.once, *_place(query, reader)))
    if isinstance(query, str):
        return f"{head}{said}\n    data = {reader.columns.format(query='QUERY')}", ""
    rows = reader.columns.format(query="query")
    return (
        head + said,
        f"\n        query = QUERIES.get(build.__name__)\n        data = {rows} if query else {{}}",
    )


def _place(query: str | Mapping[str, str], reader: Reader) -> list[str]:
    """The lines that find the data: from the program's own folder, or where its user says."""
    if not reader.files:
        return []
    quoting = """"'" + file.replace("'", "''") + "'" """ if reader.opens == ATTACH else _ESCAPED
    names = "names[0]" if reader.opens == ATTACH else """"[" + ", ".join(names) + "]\""""
    swapped = f"replace({literal(reader.opens + reader.named())}, {literal(reader.opens)} + {names})"
    text = f"QUERY = QUERY.{swapped}"
    if not isinstance(query, str):
        text = f"QUERIES = {{name: query.{swapped} for name, query in QUERIES.items()}}"
    known = ", ".join(map(literal, reader.files))
    return [
        "# The paths in the query begin at this program's folder; `python model.py FILE` reads another file.",
        "given = [os.path.abspath(file) for file in sys.argv[1:]]",
        "os.chdir(os.path.dirname(os.path.abspath(sys.argv[0])))",
        f"for file in given or [{known}]:",
        "    if not os.path.isfile(file):",
        '        sys.exit(f"no data file {os.path.abspath(file)}: `python model.py FILE` reads it from '
        'elsewhere")',
        "if given:",
        f"    names = [{quoting.strip()} for file in given]",
        f"    {text}",
    ]


_ESCAPED = """"'" + glob.escape(file).replace("'", "''") + "'" """


def _indent(lines: Sequence[str], levels: int = 1) -> list[str]:
    return ["    " * levels + line if line else line for line in lines]
