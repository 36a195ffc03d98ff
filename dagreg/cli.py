"""The command line: one command a stage. Answers go to stdout, messages and progress to stderr."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import dagreg
from dagreg import errors
from dagreg.arguments import HELP, PROGRAM, Argument, Command, UsageError, named_path
from dagreg.errors import DagregError, Diagnostic
from dagreg.files import check_place
from dagreg.lazy import Lazy
from dagreg.model.estimators import Estimator
from dagreg.spec.types import LEVEL, LEVELS, MAX_SEED, EngineSetting, Spec
from dagreg.terminal import (
    AT_FAULT,
    DONE,
    MISUSED,
    complain,
    located,
    put,
    run,
    say,
    show,
    show_doubts,
    tell,
    write,
)

if TYPE_CHECKING:
    import numpy as np
    import shtab

    from dagreg import helping, messages, pipeline, study
    from dagreg import result as results
    from dagreg.binding import opening
    from dagreg.graph import causal
    from dagreg.identify import placebo as placebos
    from dagreg.identify import types as answers
    from dagreg.results import folder as folders
    from dagreg.sources import tables
    from dagreg.spec import convert as formats
    from dagreg.spec import fields
    from dagreg.spec import load as loading
else:  # what some commands need and others do not
    shtab, helping, messages = Lazy("shtab"), Lazy("dagreg.helping"), Lazy("dagreg.messages")
    pipeline, study, results = Lazy("dagreg.pipeline"), Lazy("dagreg.study"), Lazy("dagreg.result")
    opening, tables = Lazy("dagreg.binding.opening"), Lazy("dagreg.sources.tables")
    formats, loading = Lazy("dagreg.spec.convert"), Lazy("dagreg.spec.load")
    fields, answers = Lazy("dagreg.spec.fields"), Lazy("dagreg.identify.types")
    causal, placebos = Lazy("dagreg.graph.causal"), Lazy("dagreg.identify.placebo")
    folders, np = Lazy("dagreg.results.folder"), Lazy("numpy")

WORDS = "From a causal graph to a justified Bayesian regression."
FORMATS = ("text", "json", "md", "html")
BRIEF = ("text", "json")
REPORTS = (*FORMATS, "latex", "docx", "bib")
REPORT_ENDINGS = {"txt": "text", "tex": "latex"}
PICTURES = ("svg", "png", "pdf", "dot", "dagitty")
GRAPHS = ("yaml", "dagitty", "dot", "gml", "lavaan")
ESTIMATORS = tuple(sorted(Estimator))
SHELLS = ("bash", "zsh", "fish", "tcsh")
PICTURE_ENDINGS = {"gv": "dot", "txt": "dagitty"}

COMMANDS: dict[str, Command] = {}
"""Every command by its name, in the order of the help."""


def command(*arguments: Argument) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Puts a function into the table of commands.

    Its name is the command's, its docstring the command's help.
    """

    def listed(run: Callable[..., int]) -> Callable[..., int]:
        COMMANDS[run.__name__] = Command(run, arguments)
        return run

    return listed


def main() -> None:
    """Runs the command line and exits with the project's codes; no traceback reaches a user."""
    # Before NumPy is loaded. Matrices are small here, and threads of BLAS that wait for each other cost more
    # than they save: on a busy machine a QR of 1,276 x 488 took 7 s with two and 0.1 s with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    run(lambda: answer(sys.argv[1:]))


def answer(words: Sequence[str]) -> int:
    """Answers a command line; returns its exit code. Raises DagregError with what the command did not report
    itself.
    """
    if not words:
        say(_help().rstrip("\n"))
        return MISUSED
    first, rest = words[0], words[1:]
    if first in HELP:
        put(_help())
    elif first == "--version":
        tell(f"{PROGRAM} {dagreg.__version__}")
    elif first in COMMANDS:
        values = COMMANDS[first].parse(rest)
        if values is not None:
            return COMMANDS[first].run(**values)
        put(_help(first))
    else:
        known = (*COMMANDS, "--help", "--version")
        message = (
            f"no option `{first}` before a command" if first.startswith("-") else f"no command `{first}`"
        )
        notes = (f"the commands are {', '.join(COMMANDS)}", f"`{PROGRAM} --help` says what each of them does")
        raise UsageError(
            (Diagnostic("DR198", message, label=errors.did_you_mean(first, known), notes=notes),)
        )
    return DONE


def _help(name: str | None = None) -> str:
    """The help on a command, or the list of all."""
    return helping.overview(COMMANDS, WORDS) if name is None else helping.help_on(COMMANDS[name])


# ---------------------------------------------------------------- arguments that several commands have


def _formats(choices: tuple[str, ...], words: str = "How to answer.") -> Argument:
    return Argument(("--format",), words, default="text", choices=choices)


def _number(name: str, words: str) -> Argument:
    return Argument((name,), words, read=int, least=1, metavar="N")


SPEC = Argument(("spec",), "A spec file.", read=named_path, required=True, files=True)
SPECS = Argument(
    ("specs",), "Spec files.", read=named_path, required=True, many=True, files=True, metavar="SPEC"
)
FOLDER = Argument(
    ("folder",), "The folder that `dagreg fit` wrote.", read=named_path, required=True, files=True
)
DATA = Argument(("--data",), "Data file or database, in place of the spec's.", files=True)
OUTSIDE = Argument(("--allow-outside",), "Let `data:` leave the spec's folder.", flag=True, default=False)
DO = Argument(("--do",), "Set a node: x=1. Can be given several times.", many=True, metavar="NODE=VALUE")
ESTIMATOR = Argument(("--estimator",), "Only this one.", choices=ESTIMATORS)
FULL = Argument(("--full",), "The whole report, not its summary alone.", flag=True, default=False)


def _output(words: str, metavar: str = "FILE") -> Argument:
    return Argument(("-o", "--output"), words, read=named_path, metavar=metavar, files=True)


def _seed(words: str) -> Argument:
    return Argument(("--seed",), words, read=int, least=0, most=MAX_SEED, metavar="N")


TABLE = _output("File: .csv, .tsv or .parquet.")

# ---------------------------------------------------------------- the commands


@command(SPECS, _formats(FORMATS), FULL, Argument(("--node",), "Only why this node is in or out of the set."))
def explain(specs: Sequence[Path], format: str, full: bool, node: str | None) -> int:
    """Can the effect be identified, how, and what has to be adjusted for? Needs no data."""

    def answer(spec: Spec) -> int:
        explained = dagreg.explain(spec)
        if node is not None:
            tell("\n".join(_node_note(spec, node, one) for one in explained.answers))
        else:
            path = errors.printable(spec.path or spec.name)
            then = [f"`{PROGRAM} explain --full {path}`: every path and variable, and why"]
            if spec.data is not None:
                then.append(f"`{PROGRAM} fit {path}`: the number")
            show(explained, format, full=full, then=then)
        return AT_FAULT if any(not isinstance(one, answers.Identified) for one in explained.answers) else DONE

    return answer_each(specs, format, answer)


@command(SPECS, _formats(BRIEF), DATA, OUTSIDE)
def check(specs: Sequence[Path], format: str, data: str | None, allow_outside: bool) -> int:
    """Is the spec valid, do its columns fit, and would `fit` accept it? Nothing is solved."""

    def answer(spec: Spec) -> int:
        verdict = pipeline.check(spec, data, allow_outside=allow_outside)
        for warning in verdict["warnings"]:
            say(f"warning[{warning['code']}]: {warning['message']}")
        if format == "json":
            tell(json.dumps({"spec": spec.path, "errors": [], **verdict}, ensure_ascii=False))
        else:
            tell(f"{errors.printable(spec.path or spec.name)}: ok")
            for name, words in verdict["nodes"].items():
                tell(f"  {errors.printable(name)}: {words}")
        return DONE

    return answer_each(specs, format, answer)


@command(
    SPECS,
    _formats(FORMATS),
    DATA,
    Argument(
        ("--relabellings",),
        "Graphs with exchanged names to set beside it, at most; 0 for none.",
        read=int,
        default=1000,
        least=0,
        metavar="N",
    ),
    _seed("Seed of the random numbers."),
    OUTSIDE,
)
def test(
    specs: Sequence[Path],
    format: str,
    data: str | None,
    relabellings: int,
    seed: int | None,
    allow_outside: bool,
) -> int:
    """Do the data contradict the graph, and could they have? Nothing is fitted.

    The exit code is 1 where they reject an independence that the graph implies.
    """

    def answer(spec: Spec) -> int:
        asked = spec.with_sampling(seed=seed)
        tested = dagreg.test(asked, data, allow_outside=allow_outside, relabellings=relabellings)
        show(tested, format)
        return AT_FAULT if tested.rejected else DONE

    return answer_each(specs, format, answer)


@command(
    SPEC,
    _output("File; its ending names the format."),
    Argument(("--format",), "In place of the file's ending.", choices=PICTURES),
    Argument(("--plate",), "The model's plate diagram by PyMC; needs the data.", flag=True, default=False),
    Argument(("--estimator",), "Of this one's model, with --plate.", choices=ESTIMATORS),
    DATA,
    OUTSIDE,
)
def draw(
    spec: Path,
    output: Path | None,
    format: str | None,
    plate: bool,
    estimator: str | None,
    data: str | None,
    allow_outside: bool,
) -> int:
    """The graph as SVG, PNG, PDF, DOT or dagitty text; with --plate the model's plate diagram."""
    ending = output.suffix.lstrip(".").lower() if output is not None else "svg"
    kind: Any = format or PICTURE_ENDINGS.get(ending, ending)
    if kind not in PICTURES:
        known = ", ".join((*PICTURES, *PICTURE_ENDINGS))
        raise COMMANDS["draw"].refused(
            f"the ending of `{output}` names no format of pictures; known: {known}"
        )

    def answer(spec: Spec) -> int:
        read = inputs_of(spec, data)
        if output is not None:
            check_place(output, read)
        if plate:
            picture = pipeline.plate(spec, kind, data, allow_outside=allow_outside, estimator=estimator)
        else:
            for doubt in study.absent_data(spec) if data is None else ():
                say(f"warning[{doubt.code}]: {doubt.message}")
            picture = pipeline.draw(spec, kind)
        write(output, picture, read)
        return DONE

    return answer_one(spec, "text", answer)


@command(
    SPEC,
    _output("File to write."),
    ESTIMATOR,
    Argument(("--optimised",), "The equal program on reduced data.", flag=True, default=False),
    Argument(("--explain-plan",), "How a fit solves it, and why so.", flag=True, default=False),
    DATA,
    OUTSIDE,
)
def compile(
    spec: Path,
    output: Path | None,
    estimator: str | None,
    optimised: bool,
    explain_plan: bool,
    data: str | None,
    allow_outside: bool,
) -> int:
    """The PyMC program as readable Python that runs without dagreg."""

    def answer(spec: Spec) -> int:
        read = inputs_of(spec, data)
        if output is not None:
            check_place(output, read)
        of: Any = {"allow_outside": allow_outside, "estimator": estimator}
        if explain_plan:
            write(output, pipeline.explain_plan(spec, data, reuse=folder_of(spec), **of), read)
            return DONE
        place = output.parent if output is not None else ""
        compiled = dagreg.compile(spec, data, optimised=optimised, folder=place, **of)
        for doubt in compiled.study.doubts:
            say(f"warning[{doubt.code}]: {doubt.message}")
        write(output, compiled.source, read)
        return DONE

    return answer_one(spec, "text", answer)


@command(
    SPEC,
    _output("Folder of the report.", "FOLDER"),
    _formats(FORMATS, "How to answer on stdout."),
    FULL,
    DATA,
    Argument(("--engine",), "How to compute the posterior.", choices=get_args(EngineSetting)),
    _seed("Seed of the random numbers."),
    _number("--draws", "Draws per chain."),
    _number("--tune", "Warm-up draws per chain."),
    _number("--chains", "Chains."),
    Argument(("--fresh",), "Fit all anew, whatever the folder holds.", flag=True, default=False),
    Argument(("--placebo",), "Also a question whose answer is zero by the graph.", many=True, metavar="NODE"),
    OUTSIDE,
)
def fit(
    spec: Path,
    output: Path | None,
    format: str,
    full: bool,
    data: str | None,
    fresh: bool,
    placebo: Sequence[str] | None,
    allow_outside: bool,
    **settings: int | str | None,
) -> int:
    """Fits the model and reports: the effect, what was adjusted for and why, and how it could be wrong.

    Regressions that have not changed since the fit in the folder keep its draws.
    """

    def answer(spec: Spec) -> int:
        changed = spec.with_sampling(**settings)
        if placebo:
            changed = placebos.with_placebos(changed, causal.analyse(changed), placebo)
        folder = folder_of(spec) if output is None else output
        asked: Any = changed
        rows: Any = data
        record, stored = None, None if fresh else results.same_question(folder, changed)
        if stored is not None:  # the fit goes on with what is made here
            asked = study.study_of(changed)
            rows = opening.open_source(changed, data, allow_outside=allow_outside)
            record = _standing(folder, results.unchanged(stored, asked, rows))
        if record is None:
            folders.check_result_folder(folder)
            reuse = None if fresh else folder
            result = dagreg.fit(asked, rows, allow_outside=allow_outside, progress=say, reuse=reuse)
            result = result.placed(folder)
            record, took = result.record, f"{spec.name}: {_duration(result.timings)}"
            try:
                result.save(folder)
            except (
                DagregError
            ) as error:  # a disk may fill during a long fit: its numbers are not lost with it
                say(took)
                complain(error, "")
                show(record, format)  # all of it, for there is no file that holds it
                return AT_FAULT
            say(f"{took}; the report is in {folder}")
        for failure in (f for effect in record.effects for f in effect.failures):
            say(errors.render(Diagnostic(failure.code, failure.message, notes=failure.notes)))
        show(record, format, full=full, then=_further(folder))
        return DONE if record.ok else AT_FAULT

    return answer_one(spec, format, answer)


@command(
    FOLDER,
    _output("File; its ending names the format."),
    Argument(("--format",), "How to answer; text unless the file's ending says otherwise.", choices=REPORTS),
    FULL,
)
def report(folder: Path, output: Path | None, format: str | None, full: bool) -> int:
    """Shows a stored result again, or writes it as a file; nothing is fitted."""
    ending = output.suffix.lstrip(".").lower() if output is not None else "text"
    kind: Any = format or REPORT_ENDINGS.get(ending, ending)
    if kind not in REPORTS:
        known = ", ".join((*REPORTS, *REPORT_ENDINGS))
        raise COMMANDS["report"].refused(
            f"the ending of `{output}` names no format of reports; known: {known}"
        )
    if output is not None:
        check_place(output)
    result = dagreg.open(folder)
    if output is None and kind != "docx":
        show(result.record, kind, full=full, then=_further(folder))
    else:
        write(output, result.report(kind))
    return DONE


@command(FOLDER, _formats(BRIEF), DATA)
def doubt(folder: Path, format: str, data: str | None) -> int:
    """What else speaks against a stored answer: checks that may cost more than the fit.

    The result's own draws are used again, and its folder holds what was found.
    """
    spec = dagreg.open(folder).record.study.spec
    result = pipeline.fit(spec, data, allow_outside=True, progress=say, reuse=folder, thorough=True)
    result = result.placed(folder)
    result.save(folder)
    show_doubts(result.record, format)
    return DONE if result.record.ok else AT_FAULT


@command(
    FOLDER,
    Argument(("--data",), "The new rows.", read=named_path, required=True, files=True, metavar="FILE"),
    DO,
    TABLE,
    Argument(("--estimator",), "In place of the primary one.", choices=ESTIMATORS),
    Argument(
        ("--effect",), "Of a spec with several, in its order.", read=int, default=1, least=1, metavar="N"
    ),
    Argument(
        ("--level",),
        "Probability of the intervals.",
        read=float,
        default=LEVEL,
        least=LEVELS[0],
        most=LEVELS[1],
    ),
    _seed("Seed of the random numbers, in place of the fit's."),
    _formats(BRIEF, "How to answer on stdout."),
)
def predict(
    folder: Path,
    data: Path,
    do: Sequence[str] | None,
    output: Path | None,
    estimator: str | None,
    effect: int,
    level: float,
    seed: int | None,
    format: str,
) -> int:
    """The outcome of new rows: mean, sd, median and interval, of the response and of its mean."""
    if output is not None:
        tables.check_ending(output)
        check_place(output, [data])
    settings = _settings(do)
    opened = dagreg.open(folder)
    prediction = opened.predict(
        data, settings, estimator=estimator, effect=effect - 1, level=level, seed=seed
    )
    for note in (*((prediction.of,) if prediction.of else ()), *prediction.notes):
        say(f"note: {note}")
    columns = {"row": np.arange(1, len(prediction) + 1), **prediction.columns}
    if output is not None or format == "text":
        _tabled(columns, output, [data])
    if format == "json":
        facts = {
            "outcome": prediction.outcome,
            "estimator": prediction.estimator,
            "do": prediction.do,
            "level": prediction.level,
        }
        notes = {"of": prediction.of or prediction.outcome, "notes": prediction.notes}
        tell(
            json.dumps(
                {**facts, **notes, "rows": tables.records(columns)}, ensure_ascii=False, allow_nan=False
            )
        )
    return DONE


@command(
    SPEC,
    Argument(("-n", "--rows"), "Rows to draw.", read=int, required=True, least=1, metavar="N"),
    _seed("Seed of the random numbers, in place of the spec's."),
    DO,
    Argument(("--from",), "Draw from this fit's posterior.", read=named_path, files=True, metavar="FOLDER"),
    TABLE,
    DATA,
    _formats(BRIEF, "How to answer on stdout."),
    OUTSIDE,
)
def simulate(
    spec: Path,
    rows: int,
    seed: int | None,
    do: Sequence[str] | None,
    from_: Path | None,
    output: Path | None,
    data: str | None,
    format: str,
    allow_outside: bool,
) -> int:
    """Draws data from the model: from its priors, or from a posterior."""

    def answer(spec: Spec) -> int:
        read = inputs_of(spec, data)
        if output is not None:
            tables.check_ending(output)
            check_place(output, read)
        simulated = dagreg.simulate(
            spec, rows, data=data, do=_settings(do), seed=seed, posterior=from_, allow_outside=allow_outside
        )
        for note in simulated.notes:
            say(f"note: {note}")
        if output is not None or format == "text":
            _tabled(simulated.columns, output, read)
        if format == "json":
            parameters = {
                k: v if isinstance(v, float) else v.tolist() for k, v in simulated.parameters.items()
            }
            facts = {"spec": spec.path, "parameters": parameters, "notes": simulated.notes}
            tell(
                json.dumps(
                    {**facts, "rows": tables.records(simulated.columns)}, ensure_ascii=False, allow_nan=False
                )
            )
        return DONE

    return answer_one(spec, format, answer)


@command(
    Argument(("spec",), "File to write; stdout without it.", read=named_path, files=True),
    Argument(("--data",), "Data file or database that the spec is for.", files=True),
)
def init(spec: Path | None, data: str | None) -> int:
    """Writes a commented spec, its nodes and types taken from the data."""
    if spec is not None:
        if os.path.lexists(spec):
            raise DagregError((Diagnostic("DR191", f"`{spec}` exists already: it is not overwritten"),))
        check_place(spec)
    write(spec, opening.starter_for(data, spec), to_edit=True)
    if spec is not None:
        say(
            f"{spec} is written: draw the arrows and ask the question as its last lines say, then `dagreg "
            f"check {spec}`"
        )
    return DONE


@command()
def schema() -> int:
    """The JSON Schema of the spec file."""
    tell(json.dumps(fields.schema(), indent=2, ensure_ascii=False))
    return DONE


@command(
    Argument(("file",), "A spec or a graph; `-` is stdin.", required=True, files=True),
    Argument(("--to",), "Format to write: the output's, or yaml, unless given.", choices=GRAPHS),
    Argument(("--from",), "Format of the file, where it does not tell.", choices=GRAPHS),
    _output("File; its ending names the format."),
)
def convert(file: str, to: str | None, from_: str | None, output: Path | None) -> int:
    """Graphs of other programs in and out: YAML, dagitty, DOT, GML, lavaan."""
    inputs = [] if file == "-" else [Path(file)]
    try:
        shown = "<stdin>" if file == "-" else file
        text = loading.decoded(sys.stdin.buffer.read(), shown) if file == "-" else loading.read_text(file)
        if output is not None:
            check_place(output, inputs)
        target = to or (formats.format_to_write(str(output)) if output is not None else "yaml")
        read = formats.read(text, from_ or formats.detect(shown, text), file=shown)
        written = formats.write(read.spec, target)
    except DagregError as error:
        complain(error, getattr(error, "text", ""))
        return AT_FAULT
    for note in (*read.notes, *written.notes):
        say(errors.render(note, text))
    write(output, written.text, inputs)
    return DONE


def _topics() -> Iterable[str]:
    return (*COMMANDS, *errors.CODES)


@command(Argument(("topic",), "A command, or the code of a message: DR102, dr102, 102.", offered=_topics))
def help(topic: str | None) -> int:
    """What a command does, or what a message means, with a spec that gives it and that spec mended."""
    if topic is None or topic in COMMANDS:
        put(_help(topic))
    else:
        code = topic.upper() if topic[:2].upper() == "DR" else f"DR{topic}"
        if code not in errors.CODES:
            alike = ", ".join(one for one in errors.CODES if one.startswith(code[:4]))
            notes = ((f"codes that begin alike: {alike}",) if alike else ()) + (
                f"`{PROGRAM} --help` lists the commands; a code is the word in brackets of a message",
            )
            message = f"`{topic}` is neither a command nor the code of a message"
            hint = errors.did_you_mean(topic, COMMANDS)
            raise UsageError((Diagnostic("DR199", message, label=hint, notes=notes),))
        put(messages.page(code))
    return DONE


@command(Argument(("shell",), "The shell.", choices=SHELLS, required=True))
def completion(shell: str) -> int:
    """Prints what makes a shell complete dagreg's words.

    For bash, put this into ~/.bashrc: eval "$(dagreg completion bash)"
    """
    put(shtab.complete(helping.whole_parser(COMMANDS, WORDS, shtab.FILE), shell))
    return DONE


# ---------------------------------------------------------------- what commands share


def answer_each(specs: Sequence[Path], format: str, answer: Callable[[Spec], int]) -> int:
    """Runs a command over several specs; a refused one is reported and the others still run."""
    worst = DONE
    for path in specs:
        worst = max(worst, answer_one(path, format, answer))
    return worst


def answer_one(path: Path, format: str, answer: Callable[[Spec], int]) -> int:
    """Runs a command over a spec. Under JSON its mistakes are the answer, beside the messages."""
    text = ""
    try:
        spec = dagreg.load(path)
        text = spec.text
        for note in spec.notes:
            say(errors.render(note, text))
        return answer(spec)
    except DagregError as error:
        complain(error, text or _readable(path))
        if format == "json":
            tell(
                json.dumps(
                    {"spec": str(path), "errors": [located(d) for d in error.diagnostics]}, ensure_ascii=False
                )
            )
        return AT_FAULT


def _readable(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def inputs_of(spec: Spec, data: str | os.PathLike[str] | None) -> tuple[Path, ...]:
    """The files that a command on this spec reads, as far as their names tell."""
    named = data if data is not None else (spec.data.source if spec.data is not None else None)
    files = [Path(spec.path)] if spec.path else []
    if named is not None:
        place = os.path.join(os.path.dirname(spec.path or "") if data is None else "", os.fspath(named))
        files += [Path(place), *(Path(one) for one in glob.glob(place, recursive=True))]
    return tuple(files)


def _node_note(spec: Spec, node: str, answer: Any) -> str:
    note = answer.justification.nodes.get(node)
    if note is None:
        hint = errors.did_you_mean(node, spec.nodes)
        raise DagregError((Diagnostic("DR209", f"{spec.name} has no node `{node}`", label=hint),))
    query = answer.justification.query
    place = "in the adjustment set" if note.in_set else "not in the adjustment set"
    return (
        f"{', '.join(query.exposure)} -> {query.outcome}: {node} ({', '.join(note.roles)}) is {place}. "
        f"{note.why}"
    )


def folder_of(spec: Spec) -> Path:
    """Where a fit of this spec goes unless it is told otherwise."""
    return Path(f"{Path(spec.path or spec.name).stem}.dagreg")


def _further(folder: Path) -> list[str]:
    """Where the rest of a report is, and what to do with the result."""
    shown, page = errors.printable(str(folder)), errors.printable(str(folder / "report.html"))
    return [
        f"`{page}`: the whole report, with pictures (`--full` prints it here)",
        f"`{PROGRAM} doubt {shown}`: what else could move the answer",
        f"`{PROGRAM} predict {shown} --data NEW.csv`: the outcome of new rows",
    ]


def _standing(folder: Path, result: Any) -> Any:
    """The report in a folder, where a fit would only repeat its result."""
    if result is None:
        return None
    if not all(os.path.isfile(folder / name) for name in ("report.html", "report.md")):
        result.save(folder)
    name = result.record.study.spec.name
    say(f"{name}: nothing has changed since the report in {folder} was written (--fresh fits it again)")
    return result.record


def _duration(timings: Mapping[str, float]) -> str:
    """How long a fit took, and what part of it each program."""
    seconds = dict(timings)
    whole_fit = seconds.pop("fit")
    parts = ", ".join(f"{builder.removeprefix('build_')} {value:.2g} s" for builder, value in seconds.items())
    return f"fitted in {whole_fit:.2g} s" + (f" (solving: {parts})" if parts else "")


def _settings(do: Sequence[str] | None) -> dict[str, str]:
    """`x=1` as {"x": "1"}. Raises DagregError (DR562) for anything else."""
    settings: dict[str, str] = {}
    for one in do or ():
        name, sign, value = (part.strip() for part in one.partition("="))
        if not (name and sign and value) or name in settings:
            what = "is set twice" if name in settings else "is not a node and its value"
            raise DagregError(
                (Diagnostic("DR562", f"`--do {one}`: `{name}` {what}", label="write `--do x=1`"),)
            )
        settings[name] = value
    return settings


def _tabled(columns: Any, output: Path | None, inputs: Sequence[Path]) -> None:
    """A table in a file, or as CSV on stdout."""
    if output is None:
        put(tables.csv_text(columns))
    else:
        tables.write_table(output, columns, inputs)


if __name__ == "__main__":
    main()
