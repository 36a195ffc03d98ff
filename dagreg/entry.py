"""The entry point. A plain `dagreg explain SPEC... [--format F]` is answered without the parser of options.

Loading that parser takes as long as the whole explanation. Whatever is not plain (another option, `--help`, a spec that
is refused) goes to `dagreg.cli`, which answers plain calls in the same words: a test compares the two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagreg.pipeline import Explanation
    from dagreg.report.render import Format

DONE, AT_FAULT, INTERRUPTED = 0, 1, 130
FORMATS: dict[str, Format] = {"text": "text", "json": "json", "md": "md", "html": "html"}


def main() -> None:
    """Runs the command line and exits with the project's codes."""
    try:
        asked = plain(sys.argv[1:])
        answers = _explained(asked[0]) if asked is not None else None
        if asked is not None and answers is not None:
            sys.exit(_shown(answers, asked[1]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    from dagreg.cli import main as parsed

    parsed()


def plain(arguments: Sequence[str]) -> tuple[list[str], Format] | None:
    """The specs of a plain `explain`, and the format; None for any other command line."""
    command, rest = arguments[:1], list(arguments[1:])
    if command != ["explain"]:
        return None
    format = "text"
    if "--format" in rest[:-1]:
        at = rest.index("--format")
        format = rest[at + 1]
        del rest[at : at + 2]
    if not rest or format not in FORMATS or any(word.startswith("-") for word in rest):
        return None
    return rest, FORMATS[format]


def _explained(specs: Sequence[str]) -> list[Explanation] | None:
    """An explanation of each spec; None where one is refused, which is for `dagreg.cli` to say."""
    from dagreg.pipeline import explain
    from dagreg.spec.load import load

    try:
        return [explain(load(Path(spec))) for spec in specs]
    except Exception:  # the parsed command meets it again, and words it
        return None


def _shown(answers: Sequence[Explanation], format: Format) -> int:
    from dagreg.identify.types import NotIdentified
    from dagreg.report.render import print_text, render

    try:
        for explained in answers:
            if format == "text":
                from rich.console import Console

                print_text(explained, Console())
            else:
                print(render(explained, format).rstrip("\n"), flush=True)  # noqa: T201  # this is the command line
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        from dagreg.cli import failed

        return failed(error)
    lost = any(isinstance(a, NotIdentified) for explained in answers for a in explained.answers)
    return AT_FAULT if lost else DONE
