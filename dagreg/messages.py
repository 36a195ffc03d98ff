"""The page of a code: what it means, a spec that gives it with the very message, and that spec mended."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dagreg import pipeline
from dagreg.errors import CODES, Code, DagregError, Diagnostic, Doubt, render
from dagreg.simulation import simulate
from dagreg.spec import convert
from dagreg.spec.load import loads

DATA = "data.csv"  # the file that specs with data read
COMMANDS: Mapping[str, str] = {"1": "check", "2": "explain", "3": "check", "4": "compile", "6": "fit"}
"""The command that is tried, by the first digit of the code."""
RANGES: Mapping[str, str] = {
    "1": "The spec and the command line",
    "2": "The graph and identification",
    "3": "The data",
    "4": "The model",
    "5": "The fit and its result",
    "6": "Doubts about an answer",
    "9": "dagreg itself",
}


def page(code: str) -> str:
    """The page of a code in Markdown. Its bad example is run for the message."""
    entry = CODES[code]
    parts = [f"# {code}: {entry.title}", entry.explanation]
    if entry.data:
        parts += [f"`{DATA}`:", _fenced(entry.data, "csv")]
    if entry.bad:
        said = "\n\n".join(render(message, entry.bad) for message in tried(code, entry.bad))
        parts += [
            "## Bad",
            _fenced(entry.bad, _language(entry)),
            f"`{_call(code)}` says:",
            _fenced(said, "text"),
        ]
    if entry.good:
        parts += ["## Good", _fenced(entry.good, _language(entry))]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The list of all codes in Markdown, each with its page."""
    parts = [
        "# Messages",
        "The word in brackets of a message, as in `error[DR102]`, has a page here; `dagreg help DR102` "
        "shows it in the terminal. Errors stop a command (exit code 1), warnings do not.",
    ]
    for digit, title in RANGES.items():
        rows = [
            f"| [{c}]({c}.md) | {entry.title} |" for c, entry in CODES.items() if c.startswith(f"DR{digit}")
        ]
        parts += [f"## {title}", "\n".join(["| code | title |", "| --- | --- |", *rows])]
    return "\n\n".join(parts) + "\n"


def pages() -> Iterator[tuple[str, str]]:
    """Every file of the folder of pages: its name and its text."""
    yield "README.md", index()
    for code in CODES:
        yield f"{code}.md", page(code)


def tried(code: str, text: str) -> tuple[Diagnostic, ...]:
    """What the example of a code gives: its mistakes, or else its warnings. It is run in an empty folder."""
    entry = CODES[code]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, content in ((DATA, entry.data), (entry.file, text)):
            if content:
                Path(name).write_text(content, encoding="utf-8")
        try:
            warnings = _warnings(_command(code), text, entry.file)
            return tuple(
                w for w in warnings if w.code != "DR301" or entry.data
            )  # an example without data is meant so
        except DagregError as error:
            return error.diagnostics


def _warnings(command: str, text: str, file: str) -> tuple[Diagnostic, ...]:
    """Runs a command on an example, and returns the warnings. Raises DagregError with the mistakes."""
    if command == "convert":
        return convert.read(text, convert.detect(file, text), file=file).notes
    spec = loads(text, file=file)
    doubts: Iterable[Doubt] = ()
    match command:
        case "check":
            doubts = [
                Doubt(warning["code"], warning["message"]) for warning in pipeline.check(spec)["warnings"]
            ]
        case "explain":
            doubts = pipeline.explain(spec).doubts
        case "compile":
            doubts = pipeline.compile(spec).study.doubts
        case "compile --optimised":
            pipeline.compile(spec, optimised=True)
        case "simulate --rows 10":
            simulate(spec, 10)
        case "fit":
            doubts = [doubt for effect in pipeline.fit(spec).record.effects for doubt in effect.doubts]
        case _:
            raise ValueError(f"no example runs `{command}`")
    said = (
        Diagnostic(d.code, d.message, severity="warning", notes=(d.remedy,) if d.remedy else ())
        for d in doubts
    )
    return (*spec.notes, *said)


def _command(code: str) -> str:
    return CODES[code].command or COMMANDS[code[2]]


def _call(code: str) -> str:
    return f"dagreg {_command(code)} {CODES[code].file}"


def _language(entry: Code) -> str:
    return "yaml" if entry.file.endswith(".yaml") else "text"


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
