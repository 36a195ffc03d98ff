"""The command line: one command a stage. Answers go to stdout, messages and progress to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dagreg import errors
from dagreg.errors import DagregError, Diagnostic
from dagreg.spec.load import load
from dagreg.spec.types import Spec

DONE, AT_FAULT, INTERNAL, INTERRUPTED = 0, 1, 2, 130

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


def main() -> None:
    """Runs the command line and exits with the project's codes; no traceback reaches a user."""
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except DagregError as error:
        _complain(error, "")
        code = AT_FAULT
    except Exception as error:
        code = failed(error)
    sys.exit(code if isinstance(code, int) else DONE)


def failed(error: Exception) -> int:
    """Usage errors as the parser words them; anything else is a fault of dagreg's own."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        error.show()
        return int(error.exit_code)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if os.environ.get("DAGREG_DEBUG"):
        raise error
    _say(
        errors.render(
            Diagnostic(
                "DR901", f"internal error: {type(error).__name__}: {error}", notes=("DAGREG_DEBUG=1 shows where",)
            )
        )
    )
    return INTERNAL


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _complain(error: DagregError, text: str) -> None:
    for diagnostic in error.diagnostics:
        _say(errors.render(diagnostic, text))


def _each(specs: Sequence[Path], format: str, answer: Callable[[Spec], int]) -> int:
    """Runs a command over several specs; a refused one is reported and the others still run."""
    worst = DONE
    for path in specs:
        worst = max(worst, _one(path, format, answer))
    return worst


def _one(path: Path, format: str, answer: Callable[[Spec], int]) -> int:
    text = ""
    try:
        spec = load(path)
        text = spec.text
        return answer(spec)
    except DagregError as error:
        _complain(error, text or _readable(path))
        if format == "json":
            typer.echo(
                json.dumps({"spec": str(path), "errors": [_located(d) for d in error.diagnostics]}, ensure_ascii=False)
            )
        return AT_FAULT


def _readable(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _located(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "line": span.line if span else None,
        "column": span.column if span else None,
    }


def _show(subject: Any, format: str) -> None:
    from dagreg.report.render import print_text, render

    if format == "text":
        from rich.console import Console

        print_text(subject, Console())
    else:
        typer.echo(render(subject, format).rstrip("\n"))  # type: ignore[arg-type]  # one of the renderers' names


def _write(path: Path | None, content: str | bytes) -> None:
    """To a file, which appears whole or not at all, or to stdout."""
    if path is None:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            typer.echo(content.rstrip("\n"))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(content if isinstance(content, bytes) else content.encode())
    half.replace(path)


@app.command()
def explain(
    specs: Specs,
    format: Annotated[Format, typer.Option(help="How to answer.")] = Format.text,
    node: Annotated[str | None, typer.Option(help="Only why this node is in or out of the set.")] = None,
) -> int:
    """Can the effect be identified, how, and what has to be adjusted for? Needs no data."""
    from dagreg.identify.types import NotIdentified
    from dagreg.pipeline import explain as run

    def answer(spec: Spec) -> int:
        explained = run(spec)
        if node is not None:
            typer.echo("\n".join(_node_note(spec, node, a) for a in explained.answers))
        else:
            _show(explained, format)
        return AT_FAULT if any(isinstance(a, NotIdentified) for a in explained.answers) else DONE

    return _each(specs, format, answer)


def _node_note(spec: Spec, node: str, answer: Any) -> str:
    note = answer.justification.nodes.get(node)
    if note is None:
        hint = errors.did_you_mean(node, spec.nodes)
        raise DagregError((Diagnostic("DR209", f"{spec.name} has no node `{node}`", label=hint),))
    query = answer.justification.query
    place = "in the adjustment set" if note.in_set else "not in the adjustment set"
    return f"{', '.join(query.exposure)} -> {query.outcome}: {node} ({', '.join(note.roles)}) is {place}. {note.why}"


@app.command()
def check(specs: Specs, format: Annotated[Brief, typer.Option(help="How to answer.")] = Brief.text, data: Data = None,
          allow_outside: Outside = False) -> int:  # fmt: skip
    """Is the spec valid, and do its columns fit? No model is built."""
    from dagreg.pipeline import check as run

    def answer(spec: Spec) -> int:
        found = run(spec, data, allow_outside=allow_outside)
        if format is Brief.json:
            typer.echo(json.dumps({"spec": spec.path, "errors": [], **found}, ensure_ascii=False))
        else:
            typer.echo(f"{spec.path}: ok")
            for name, words in found["nodes"].items():
                typer.echo(f"  {name}: {words}")
        return DONE

    return _each(specs, format, answer)


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
    from dagreg.pipeline import explain as run
    from dagreg.pipeline import plate as plate_of
    from dagreg.report.draw import draw as picture

    def answer(spec: Spec) -> int:
        ending = output.suffix.lstrip(".").lower() if output else "svg"
        kind = format or Picture({"gv": "dot", "txt": "dagitty"}.get(ending, ending))
        if plate:
            only = estimator.value if estimator else None
            _write(output, plate_of(spec, kind.value, data, allow_outside=allow_outside, estimator=only))
            return DONE
        first = run(spec).answers[0] if spec.effects else None
        _write(output, picture(spec, first, kind.value))
        return DONE

    if format is None and output is not None and output.suffix.lstrip(".").lower() not in (*Picture, "gv", "txt"):
        _say(f"error: no picture format `{output.suffix}`; known: {', '.join(Picture)}")
        return INTERNAL
    return _one(spec, "text", answer)


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
        if explain_plan:
            reuse = _folder(spec)
            _write(output, planned(spec, data, allow_outside=allow_outside, estimator=only, reuse=reuse))
            return DONE
        compiled = run(spec, data, allow_outside=allow_outside, estimator=only, optimised=optimised)
        for doubt in compiled.explained.doubts:
            _say(f"warning[{doubt.code}]: {doubt.message}")
        _write(output, compiled.source)
        return DONE

    return _one(spec, "text", answer)


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
    from dagreg.pipeline import fit as run
    from dagreg.pipeline import overridden

    def answer(spec: Spec) -> int:
        chosen = engine.value if engine is not None else None
        changed = overridden(spec, seed=seed, draws=draws, tune=tune, chains=chains, engine=chosen)
        folder = output or _folder(spec)
        record = None if fresh else _standing(folder, changed, data, allow_outside=allow_outside)
        if record is None:
            reuse = None if fresh else folder
            result = run(changed, data, allow_outside=allow_outside, progress=_say, reuse=reuse)
            result.save(folder)
            _say(f"{spec.name}: the report is in {folder}")
            record = result.record
        _show(record, format)
        return DONE if record.ok else AT_FAULT

    return _one(spec, format, answer)


def _folder(spec: Spec) -> Path:
    """Where a fit of this spec goes unless it is told otherwise."""
    return Path(f"{Path(spec.path or spec.name).stem}.dagreg")


def _standing(folder: Path, spec: Spec, data: str | None, *, allow_outside: bool) -> Any:
    """The report in a folder, where a fit would only repeat it."""
    if not folder.is_dir():
        return None
    from dagreg.reopen import unchanged

    result = unchanged(folder, spec, data, allow_outside=allow_outside)
    if result is None:
        return None
    if not all((folder / name).is_file() for name in ("report.html", "report.md")):
        result.save(folder)
    _say(f"{spec.name}: nothing has changed since the report in {folder} was written (--fresh fits it again)")
    return result.record


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder that `dagreg fit` wrote.")],
    format: Annotated[Format, typer.Option(help="How to answer.")] = Format.text,
) -> int:
    """Shows a stored result again; nothing is fitted."""
    from dagreg.reopen import open_result

    _show(open_result(folder).record, format)
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


def _tabled(columns: Any, output: Path | None) -> None:
    """A table in a file, or as CSV on stdout."""
    from dagreg.data.tables import csv_text, write_table

    if output is None:
        typer.echo(csv_text(columns), nl=False)
    else:
        write_table(output, columns)


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="The folder that `dagreg fit` wrote.")],
    data: Annotated[Path, typer.Option("--data", help="The new rows.")],
    do: Do = None,
    output: Table = None,
    estimator: Annotated[Estimators | None, typer.Option(help="In place of the primary one.")] = None,
    effect: Annotated[int, typer.Option(min=1, help="Of a spec with several, in its order.")] = 1,
    level: Annotated[float, typer.Option(min=0.01, max=0.999, help="Probability of the intervals.")] = 0.94,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.  [default: the fit's]")] = None,
    format: Annotated[Brief, typer.Option(help="How to answer on stdout.")] = Brief.text,
) -> int:
    """The outcome of new rows: mean, sd, median and interval, of the response and of its mean."""
    import numpy as np

    from dagreg.data.tables import check_ending, records
    from dagreg.reopen import open_result

    if output is not None:
        check_ending(output)
    settings = _settings(do)
    found = open_result(folder).predict(
        data, settings, estimator=estimator.value if estimator else None, effect=effect - 1, level=level, seed=seed
    )
    for note in (*((found.of,) if found.of else ()), *found.notes):
        _say(f"note: {note}")
    columns = {"row": np.arange(1, len(found) + 1), **found.columns}
    if output is not None or format is Brief.text:
        _tabled(columns, output)
    if format is Brief.json:
        facts = {"outcome": found.outcome, "estimator": found.estimator, "do": found.do, "level": found.level}
        notes = {"of": found.of or found.outcome, "notes": found.notes}
        typer.echo(json.dumps({**facts, **notes, "rows": records(columns)}, ensure_ascii=False, allow_nan=False))
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
        if output is not None:
            check_ending(output)
        found = run(spec, rows, data=data, do=_settings(do), seed=seed, posterior=from_, allow_outside=allow_outside)
        for note in found.notes:
            _say(f"note: {note}")
        if output is not None or format is Brief.text:
            _tabled(found.columns, output)
        if format is Brief.json:
            parameters = {k: v if isinstance(v, float) else v.tolist() for k, v in found.parameters.items()}
            facts = {"spec": spec.path, "parameters": parameters, "notes": found.notes}
            typer.echo(json.dumps({**facts, "rows": records(found.columns)}, ensure_ascii=False, allow_nan=False))
        return DONE

    return _one(spec, format, answer)


@app.command()
def init(
    spec: Annotated[Path | None, typer.Argument(help="File to write; stdout without it.")] = None,
    data: Data = None,
) -> int:
    """Writes a commented spec, its nodes and types taken from the data."""
    from dagreg.pipeline import starter

    if spec is not None and spec.exists():
        raise DagregError((Diagnostic("DR191", f"`{spec}` exists already: it is not overwritten"),))
    _write(spec, starter(data, spec))
    return DONE


@app.command()
def schema() -> int:
    """The JSON Schema of the spec file."""
    from dagreg.spec.schema import schema as written

    typer.echo(json.dumps(written(), indent=2, ensure_ascii=False))
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

    try:
        shown = "<stdin>" if file == "-" else file
        text = decoded(sys.stdin.buffer.read(), shown) if file == "-" else read_text(file)
        target = to or (formats.format_to_write(str(output)) if output else Graph.yaml)
        read = formats.read(text, from_ or formats.detect(shown, text), file=shown)
        written = formats.write(read.spec, target)
    except DagregError as error:
        _complain(error, getattr(error, "text", ""))
        return AT_FAULT
    for note in (*read.notes, *written.notes):
        _say(errors.render(note, text))
    _write(output, written.text)
    return DONE


if __name__ == "__main__":
    main()
