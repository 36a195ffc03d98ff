"""What commands say, where they write, and how they end: answers to stdout, messages to stderr,
exit codes.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dagreg import errors, files
from dagreg.arguments import UsageError
from dagreg.errors import DagregError, Diagnostic
from dagreg.lazy import Lazy

if TYPE_CHECKING:
    from rich import console as rich

    from dagreg.report import render as renderers
else:
    renderers, rich = Lazy("dagreg.report.render"), Lazy("rich.console")

DONE, AT_FAULT, INTERNAL, INTERRUPTED = 0, 1, 2, 130
MISUSED = 2  # as INTERNAL: neither says anything of the input


def run(command: Callable[[], int]) -> NoReturn:
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
        code = MISUSED if isinstance(error, UsageError) else AT_FAULT
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and error.filename is None
        code = _stdout_failed(error) if full else failed(error)
    except Exception as error:
        code = failed(error)
    leave(code)


def leave(code: int) -> NoReturn:
    """Ends the process with this code, past the interpreter's own end where threads of a sampler
    still run.
    """
    sampler = sys.modules.get("dagreg.engines.nuts")
    if sampler is not None and sampler.threads_left():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the interpreter would be taken apart beneath them: a segmentation fault
    sys.exit(code)


def _stdout_failed(error: OSError) -> int:
    """A file that stdout goes to has no room.

    What is left in its buffer goes nowhere, so that leaving is no error.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    complain(files.not_written("standard output", error), "")
    return AT_FAULT


def failed(error: Exception) -> int:
    """A fault of dagreg's own."""
    if os.environ.get("DAGREG_DEBUG"):
        raise error
    say(
        errors.render(
            Diagnostic(
                "DR901",
                f"internal error: {type(error).__name__}: {error}",
                notes=("DAGREG_DEBUG=1 shows where",),
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


def located(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "line": span.line if span else None,
        "column": span.column if span else None,
    }


def show(subject: Any, format: str, *, full: bool = True, then: Sequence[str] = ()) -> None:
    """A report on stdout; of text its summary, unless all of it is asked for. `then` ends the summary."""
    if format == "text" and not full:
        renderers.print_short(subject, rich.Console(), then)
    elif format == "text":
        renderers.print_text(subject, rich.Console())
    else:
        tell(renderers.render(subject, format).rstrip("\n"))  # type: ignore[arg-type]  # one of the renderers' names


def show_doubts(subject: Any, format: str) -> None:
    """What speaks against the answers of a report, on stdout."""
    if format == "text":
        renderers.print_doubts(subject, rich.Console())
    else:
        tell(renderers.render(subject, "json").rstrip("\n"))


def write(
    path: Path | None, content: str | bytes, inputs: Iterable[Path] = (), *, to_edit: bool = False
) -> None:
    """To a file, which appears whole or not at all and in the place of none but dagreg's own, or
    to stdout.
    """
    if path is None:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            tell(content.rstrip("\n"))
        return
    raw = content if isinstance(content, bytes) else content.encode()
    files.write_file(path, lambda half: half.write_bytes(raw), inputs, to_edit=to_edit)
