"""The command line: one command a stage. Answers go to stdout, messages and progress to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dagreg import commands, errors
from dagreg.commands import (
    AT_FAULT,
    DONE,
    INTERNAL,
    answer_each,
    answer_one,
    complain,
    folder_of,
    inputs_of,
    put,
    say,
    show,
    tell,
    write,
)
from dagreg.errors import DagregError, Diagnostic
from dagreg.files import check_place
from dagreg.spec.types import LEVEL, Spec

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a causal graph to a justified Bayesian regression.",
)


class Format(StrEnum):
    text = "text"
    json = "json"
    md = "md"
    html = "html"


class Brief(StrEnum):
    text = "text"
    json = "json"


class Picture(StrEnum):
    svg = "svg"
    png = "png"
    pdf = "pdf"
    dot = "dot"
    dagitty = "dagitty"


class Graph(StrEnum):
    yaml = "yaml"
    dagitty = "dagitty"
    dot = "dot"
    gml = "gml"
    lavaan = "lavaan"


class Estimators(StrEnum):
    adjusted = "adjusted"
    chain = "chain"
    frontdoor = "frontdoor"
    functional = "functional"
    instrument = "instrument"
    unadjusted = "unadjusted"


class Engine(StrEnum):
    auto = "auto"
    exact = "exact"
    nuts = "nuts"


Specs = Annotated[list[Path], typer.Argument(help="Spec files.")]
OneSpec = Annotated[Path, typer.Argument(help="A spec file.")]
Data = Annotated[str | None, typer.Option("--data", help="Data file or database, in place of the spec's.")]
Outside = Annotated[bool, typer.Option("--allow-outside", help="Let `data:` leave the spec's folder.")]


def _version(wanted: bool) -> None:
    if wanted:
        from dagreg import __version__

        tell(f"dagreg {__version__}")
        raise typer.Exit()


@app.callback()
def _every(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """From a causal graph to a justified Bayesian regression."""


def main() -> None:
    """Runs the command line and exits with the project's codes; no traceback reaches a user."""
    commands.run(lambda: app(standalone_mode=False))


@app.command()
def explain(
    specs: Specs,
    format: Annotated[Format, typer.Option(help="How to answer.")] = Format.text,
    node: Annotated[str | None, typer.Option(help="Only why this node is in or out of the set.")] = None,
) -> int:
    """Can the effect be identified, how, and what has to be adjusted for? Needs no data."""
    return commands.explain(specs, format, node)


@app.command()
def check(specs: Specs, format: Annotated[Brief, typer.Option(help="How to answer.")] = Brief.text, data: Data = None,
          allow_outside: Outside = False) -> int:  # fmt: skip
    """Is the spec valid, do its columns fit, and would `fit` accept it? Nothing is solved."""
    from dagreg.pipeline import check as run

    def answer(spec: Spec) -> int:
        found = run(spec, data, allow_outside=allow_outside)
        for warning in found["warnings"]:
            say(f"warning[{warning['code']}]: {warning['message']}")
        if format is Brief.json:
            tell(json.dumps({"spec": spec.path, "errors": [], **found}, ensure_ascii=False))
        else:
            tell(f"{errors.printable(spec.path or spec.name)}: ok")
            for name, words in found["nodes"].items():
                tell(f"  {errors.printable(name)}: {words}")
            for warning in found["warnings"]:
                say(f"warning[{warning['code']}]: {warning['message']}")
        return DONE

    return answer_each(specs, format, answer)


@app.command()
def draw(
    spec: OneSpec,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File; its ending names the format.")] = None,
    format: Annotated[Picture | None, typer.Option(help="In place of the file's ending.")] = None,
    plate: Annotated[bool, typer.Option("--plate", help="The model's plate diagram by PyMC; needs the data.")] = False,
    estimator: Annotated[Estimators | None, typer.Option(help="Of this one's model, with --plate.")] = None,
    data: Data = None,
    allow_outside: Outside = False,
) -> int:
    """The graph as SVG, PNG, PDF, DOT or dagitty text; with --plate the model's plate diagram."""
    from dagreg.pipeline import absent_data
    from dagreg.pipeline import explain as run
    from dagreg.pipeline import plate as plate_of
    from dagreg.report.draw import draw as picture

    def answer(spec: Spec) -> int:
        read = inputs_of(spec, data)
        if output is not None:
            check_place(output, read)
        ending = output.suffix.lstrip(".").lower() if output is not None else "svg"
        kind = format or Picture({"gv": "dot", "txt": "dagitty"}.get(ending, ending))
        if plate:
            only = estimator.value if estimator else None
            write(output, plate_of(spec, kind.value, data, allow_outside=allow_outside, estimator=only), read)
            return DONE
        for doubt in absent_data(spec) if data is None else ():
            say(f"warning[{doubt.code}]: {doubt.message}")
        first = run(spec).answers[0] if spec.effects else None
        write(output, picture(spec, first, kind.value), read)
        return DONE

    if format is None and output is not None and output.suffix.lstrip(".").lower() not in (*Picture, "gv", "txt"):
        say(f"error: no picture format `{output.suffix}`; known: {', '.join(Picture)}")
        return INTERNAL
    return answer_one(spec, "text", answer)


@app.command()
def compile(
    spec: OneSpec,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")] = None,
    estimator: Annotated[Estimators | None, typer.Option(help="Only this one.")] = None,
    optimised: Annotated[bool, typer.Option("--optimised", help="The equal program on reduced data.")] = False,
    explain_plan: Annotated[bool, typer.Option("--explain-plan", help="How a fit solves it, and why so.")] = False,
    data: Data = None,
    allow_outside: Outside = False,
) -> int:
    """The PyMC program as readable Python that runs without dagreg."""
    from dagreg.pipeline import compile as run
    from dagreg.pipeline import explain_plan as planned

    def answer(spec: Spec) -> int:
        only = estimator.value if estimator else None
        read = inputs_of(spec, data)
        if output is not None:
            check_place(output, read)
        if explain_plan:
            reuse = folder_of(spec)
            write(output, planned(spec, data, allow_outside=allow_outside, estimator=only, reuse=reuse), read)
            return DONE
        place = output.parent if output is not None else ""
        compiled = run(spec, data, allow_outside=allow_outside, estimator=only, optimised=optimised, folder=place)
        for doubt in compiled.explained.doubts:
            say(f"warning[{doubt.code}]: {doubt.message}")
        write(output, compiled.source, read)
        return DONE

    return answer_one(spec, "text", answer)


@app.command()
def fit(
    spec: OneSpec,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder of the report.")] = None,
    format: Annotated[Format, typer.Option(help="How to answer on stdout.")] = Format.text,
    data: Data = None,
    engine: Annotated[Engine | None, typer.Option(help="How to compute the posterior.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Draws per chain.")] = None,
    tune: Annotated[int | None, typer.Option(min=1, help="Warm-up draws per chain.")] = None,
    chains: Annotated[int | None, typer.Option(min=1, help="Chains.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Fit all anew, whatever the folder holds.")] = False,
    allow_outside: Outside = False,
) -> int:
    """Fits the model and reports: the effect, what was adjusted for and why, and how it could be wrong.

    Regressions that have not changed since the fit in the folder keep its draws.
    """
    chosen = engine.value if engine else None
    settings = {"engine": chosen, "seed": seed, "draws": draws, "tune": tune, "chains": chains}
    return commands.fit(spec, output, format, data=data, fresh=fresh, allow_outside=allow_outside, settings=settings)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder that `dagreg fit` wrote.")],
    format: Annotated[Format, typer.Option(help="How to answer.")] = Format.text,
) -> int:
    """Shows a stored result again; nothing is fitted."""
    from dagreg.reopen import open_result

    show(open_result(folder).record, format)
    return DONE


Do = Annotated[list[str] | None, typer.Option("--do", help="Set a node: x=1. Can be given several times.")]
Table = Annotated[Path | None, typer.Option("-o", "--output", help="File: .csv, .tsv or .parquet.")]


def _settings(do: Sequence[str] | None) -> dict[str, str]:
    """`x=1` as {"x": "1"}. Raises DagregError (DR562) for anything else."""
    found: dict[str, str] = {}
    for one in do or ():
        name, sign, value = (part.strip() for part in one.partition("="))
        if not (name and sign and value) or name in found:
            what = "is set twice" if name in found else "is not a node and its value"
            raise DagregError((Diagnostic("DR562", f"`--do {one}`: `{name}` {what}", label="write `--do x=1`"),))
        found[name] = value
    return found


def _tabled(columns: Any, output: Path | None, inputs: Sequence[Path]) -> None:
    """A table in a file, or as CSV on stdout."""
    from dagreg.data.tables import csv_text, write_table

    if output is None:
        put(csv_text(columns))
    else:
        write_table(output, columns, inputs)


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="The folder that `dagreg fit` wrote.")],
    data: Annotated[Path, typer.Option("--data", help="The new rows.")],
    do: Do = None,
    output: Table = None,
    estimator: Annotated[Estimators | None, typer.Option(help="In place of the primary one.")] = None,
    effect: Annotated[int, typer.Option(min=1, help="Of a spec with several, in its order.")] = 1,
    level: Annotated[float, typer.Option(min=0.01, max=0.999, help="Probability of the intervals.")] = LEVEL,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.  [default: the fit's]")] = None,
    format: Annotated[Brief, typer.Option(help="How to answer on stdout.")] = Brief.text,
) -> int:
    """The outcome of new rows: mean, sd, median and interval, of the response and of its mean."""
    import numpy as np

    from dagreg.data.tables import check_ending, records
    from dagreg.reopen import open_result

    if output is not None:
        check_ending(output)
        check_place(output, [data])
    settings = _settings(do)
    found = open_result(folder).predict(
        data, settings, estimator=estimator.value if estimator else None, effect=effect - 1, level=level, seed=seed
    )
    for note in (*((found.of,) if found.of else ()), *found.notes):
        say(f"note: {note}")
    columns = {"row": np.arange(1, len(found) + 1), **found.columns}
    if output is not None or format is Brief.text:
        _tabled(columns, output, [data])
    if format is Brief.json:
        facts = {"outcome": found.outcome, "estimator": found.estimator, "do": found.do, "level": found.level}
        notes = {"of": found.of or found.outcome, "notes": found.notes}
        tell(json.dumps({**facts, **notes, "rows": records(columns)}, ensure_ascii=False, allow_nan=False))
    return DONE


@app.command()
def simulate(
    spec: OneSpec,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="Rows to draw.")],
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.  [default: the spec's]")] = None,
    do: Do = None,
    from_: Annotated[Path | None, typer.Option("--from", help="Draw from this fit's posterior.")] = None,
    output: Table = None,
    data: Data = None,
    format: Annotated[Brief, typer.Option(help="How to answer on stdout.")] = Brief.text,
    allow_outside: Outside = False,
) -> int:
    """Draws data from the model: from its priors, or from a posterior."""
    from dagreg.data.tables import check_ending, records
    from dagreg.simulation import simulate as run

    def answer(spec: Spec) -> int:
        read = inputs_of(spec, data)
        if output is not None:
            check_ending(output)
            check_place(output, read)
        found = run(spec, rows, data=data, do=_settings(do), seed=seed, posterior=from_, allow_outside=allow_outside)
        for note in found.notes:
            say(f"note: {note}")
        if output is not None or format is Brief.text:
            _tabled(found.columns, output, read)
        if format is Brief.json:
            parameters = {k: v if isinstance(v, float) else v.tolist() for k, v in found.parameters.items()}
            facts = {"spec": spec.path, "parameters": parameters, "notes": found.notes}
            tell(json.dumps({**facts, "rows": records(found.columns)}, ensure_ascii=False, allow_nan=False))
        return DONE

    return answer_one(spec, format, answer)


@app.command()
def init(
    spec: Annotated[Path | None, typer.Argument(help="File to write; stdout without it.")] = None,
    data: Data = None,
) -> int:
    """Writes a commented spec, its nodes and types taken from the data."""
    from dagreg.pipeline import starter

    if spec is not None:
        if os.path.lexists(spec):
            raise DagregError((Diagnostic("DR191", f"`{spec}` exists already: it is not overwritten"),))
        check_place(spec)
    write(spec, starter(data, spec), to_edit=True)
    if spec is not None:
        say(
            f"{spec} is written: draw the arrows and ask the question as its last lines say, then `dagreg check {spec}`"
        )
    return DONE


@app.command()
def schema() -> int:
    """The JSON Schema of the spec file."""
    from dagreg.spec.schema import schema as written

    tell(json.dumps(written(), indent=2, ensure_ascii=False))
    return DONE


@app.command()
def convert(
    file: Annotated[str, typer.Argument(help="A spec or a graph; `-` is stdin.")],
    to: Annotated[Graph | None, typer.Option("--to", help="Format to write.  [default: the output's, or yaml]")] = None,
    from_: Annotated[Graph | None, typer.Option("--from", help="Format of the file, where it does not tell.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File; its ending names the format.")] = None,
) -> int:
    """Graphs of other programs in and out: YAML, dagitty, DOT, GML, lavaan."""
    from dagreg.spec import convert as formats
    from dagreg.spec.load import decoded, read_text

    inputs = [] if file == "-" else [Path(file)]
    try:
        shown = "<stdin>" if file == "-" else file
        text = decoded(sys.stdin.buffer.read(), shown) if file == "-" else read_text(file)
        if output is not None:
            check_place(output, inputs)
        target = to or (formats.format_to_write(str(output)) if output is not None else Graph.yaml)
        read = formats.read(text, from_ or formats.detect(shown, text), file=shown)
        written = formats.write(read.spec, target)
    except DagregError as error:
        complain(error, getattr(error, "text", ""))
        return AT_FAULT
    for note in (*read.notes, *written.notes):
        say(errors.render(note, text))
    write(output, written.text, inputs)
    return DONE


if __name__ == "__main__":
    main()
