"""What commands share, whichever way their words were parsed: reading specs, showing answers, exit codes.

`explain` and `fit` stand here whole, so that the plain calls of `dagreg.entry` need no parser of options.
"""

from __future__ import annotations

import errno
import glob
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from dagreg import errors, files
from dagreg.errors import DagregError, Diagnostic
from dagreg.spec.load import load
from dagreg.spec.types import Spec

DONE, AT_FAULT, INTERNAL, INTERRUPTED = 0, 1, 2, 130


def run(command: Callable[[], Any]) -> NoReturn:
    """Runs a command and exits with the project's codes; no traceback reaches a user."""
    try:
        code = command()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except DagregError as error:
        complain(error, "")
        code = AT_FAULT
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and error.filename is None
        code = _stdout_failed(error) if full else failed(error)
    except Exception as error:
        code = failed(error)
    leave(code if isinstance(code, int) else DONE)


def leave(code: int) -> NoReturn:
    """Ends the process with this code, past the interpreter's own end where threads of a sampler still run."""
    sampler = sys.modules.get("dagreg.engine.nuts")
    if sampler is not None and sampler.threads_left():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the interpreter would be taken apart beneath them: a segmentation fault
    sys.exit(code)


def _stdout_failed(error: OSError) -> int:
    """A file that stdout goes to has no room. What is left in its buffer goes nowhere, so that leaving is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    complain(files.not_written("standard output", error), "")
    return AT_FAULT


def failed(error: Exception) -> int:
    """Usage errors as the parser words them; anything else is a fault of dagreg's own."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"))
        return int(error.exit_code)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if os.environ.get("DAGREG_DEBUG"):
        raise error
    say(
        errors.render(
            Diagnostic(
                "DR901", f"internal error: {type(error).__name__}: {error}", notes=("DAGREG_DEBUG=1 shows where",)
            )
        )
    )
    return INTERNAL


def say(text: str) -> None:
    """A line of progress, a warning or an error."""
    sys.stderr.write(f"{errors.printable_lines(text)}\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """A line of the answer."""
    put(f"{text}\n")


def put(text: str) -> None:
    """Text on stdout, where nothing in it steers a terminal; files that are written hold it as it is."""
    sys.stdout.write(errors.printable_lines(text))
    sys.stdout.flush()


def complain(error: DagregError, text: str) -> None:
    for diagnostic in error.diagnostics:
        say(errors.render(diagnostic, text))


def answer_each(specs: Sequence[Path], format: str, answer: Callable[[Spec], int]) -> int:
    """Runs a command over several specs; a refused one is reported and the others still run."""
    worst = DONE
    for path in specs:
        worst = max(worst, answer_one(path, format, answer))
    return worst


def answer_one(path: Path, format: str, answer: Callable[[Spec], int]) -> int:
    text = ""
    try:
        spec = load(path)
        text = spec.text
        for note in spec.notes:
            say(errors.render(note, text))
        return answer(spec)
    except DagregError as error:
        complain(error, text or _readable(path))
        if format == "json":
            tell(
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


def show(subject: Any, format: str) -> None:
    from dagreg.report.render import print_text, render

    if format == "text":
        from rich.console import Console

        print_text(subject, Console())
    else:
        tell(render(subject, format).rstrip("\n"))  # type: ignore[arg-type]  # one of the renderers' names


def write(path: Path | None, content: str | bytes, inputs: Iterable[Path] = (), *, to_edit: bool = False) -> None:
    """To a file, which appears whole or not at all and in the place of none but dagreg's own, or to stdout."""
    if path is None:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            tell(content.rstrip("\n"))
        return
    raw = content if isinstance(content, bytes) else content.encode()
    files.write_file(path, lambda half: half.write_bytes(raw), inputs, to_edit=to_edit)


def inputs_of(spec: Spec, data: str | os.PathLike[str] | None) -> tuple[Path, ...]:
    """The files that a command on this spec reads, as far as their names tell."""
    named = data if data is not None else (spec.data.source if spec.data is not None else None)
    found = [Path(spec.path)] if spec.path else []
    if named is not None:
        place = os.path.join(os.path.dirname(spec.path or "") if data is None else "", os.fspath(named))
        found += [Path(place), *(Path(one) for one in glob.glob(place, recursive=True))]
    return tuple(found)


def _node_note(spec: Spec, node: str, answer: Any) -> str:
    note = answer.justification.nodes.get(node)
    if note is None:
        hint = errors.did_you_mean(node, spec.nodes)
        raise DagregError((Diagnostic("DR209", f"{spec.name} has no node `{node}`", label=hint),))
    query = answer.justification.query
    place = "in the adjustment set" if note.in_set else "not in the adjustment set"
    return f"{', '.join(query.exposure)} -> {query.outcome}: {node} ({', '.join(note.roles)}) is {place}. {note.why}"


def folder_of(spec: Spec) -> Path:
    """Where a fit of this spec goes unless it is told otherwise."""
    return Path(f"{Path(spec.path or spec.name).stem}.dagreg")


def _standing(folder: Path, spec: Spec, data: str | None, *, allow_outside: bool) -> Any:
    """The report in a folder, where a fit would only repeat it."""
    if not os.path.isdir(folder):
        return None
    from dagreg.reopen import unchanged

    result = unchanged(folder, spec, data, allow_outside=allow_outside)
    if result is None:
        return None
    if not all(os.path.isfile(folder / name) for name in ("report.html", "report.md")):
        result.save(folder)
    say(f"{spec.name}: nothing has changed since the report in {folder} was written (--fresh fits it again)")
    return result.record


def _duration(result: Any) -> str:
    """How long a fit took, and what part of it each program."""
    seconds = dict(result.timings)
    whole = seconds.pop("fit")
    parts = ", ".join(f"{builder.removeprefix('build_')} {value:.2g} s" for builder, value in seconds.items())
    return f"fitted in {whole:.2g} s" + (f" (solving: {parts})" if parts else "")


def explain(specs: Sequence[Path], format: str, node: str | None = None) -> int:
    """An explanation of each spec, or of one node in it."""
    from dagreg.identify.types import NotIdentified
    from dagreg.pipeline import explain as explained_by

    def answer(spec: Spec) -> int:
        explained = explained_by(spec)
        if node is not None:
            tell("\n".join(_node_note(spec, node, a) for a in explained.answers))
        else:
            show(explained, format)
        return AT_FAULT if any(isinstance(a, NotIdentified) for a in explained.answers) else DONE

    return answer_each(specs, format, answer)


def fit(
    spec: Path,
    output: Path | None,
    format: str,
    *,
    data: str | None = None,
    fresh: bool = False,
    allow_outside: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Fits a spec and shows the report, or the one in the folder where nothing has changed.

    `settings` are those that override the spec's `sampling:`.
    """
    from dagreg.pipeline import fit as fitted
    from dagreg.pipeline import overridden
    from dagreg.report.write import check_result_folder

    def answer(spec: Spec) -> int:
        changed = overridden(spec, **(settings or {}))
        folder = folder_of(spec) if output is None else output
        record = None if fresh else _standing(folder, changed, data, allow_outside=allow_outside)
        if record is None:
            check_result_folder(folder)
            reuse = None if fresh else folder
            result = fitted(changed, data, allow_outside=allow_outside, progress=say, reuse=reuse)
            result = result.placed(folder)
            record, took = result.record, f"{spec.name}: {_duration(result)}"
            try:
                result.save(folder)
            except DagregError as error:  # a disk may fill during a long fit: its numbers are not lost with it
                say(took)
                complain(error, "")
                show(record, format)
                return AT_FAULT
            say(f"{took}; the report is in {folder}")
        for failure in (f for effect in record.effects for f in effect.failures):
            say(errors.render(Diagnostic(failure.code, failure.message, notes=failure.notes)))
        show(record, format)
        return DONE if record.ok else AT_FAULT

    return answer_one(spec, format, answer)
