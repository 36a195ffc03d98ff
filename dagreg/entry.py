"""The entry point. Plain calls of `explain` and `fit` are answered without the parser of options.

Loading that parser takes as long as a whole explanation, and a tenth of a fit. Whatever is not plain (another option,
`--help`) goes to `dagreg.cli`, which answers plain calls in the same words: a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

FORMATS = ("text", "json", "md", "html")
VALUED = {"--format": "--format", "-o": "--output", "--output": "--output"}
OF_FIT = {"--output", "--fresh"}


def main() -> None:
    """Runs the command line and exits with the project's codes."""
    command = plain(sys.argv[1:])
    if command is not None:
        from dagreg.commands import run

        run(command)
    from dagreg.cli import main as parsed

    parsed()


def plain(arguments: Sequence[str]) -> Callable[[], int] | None:
    """The answer to a plain command line, `explain SPEC...` or `fit SPEC`; None for any other."""
    name, rest = "".join(arguments[:1]), list(arguments[1:])
    given: dict[str, str] = {}
    names: list[str] = []
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            names.append(word)
        elif word == "--fresh":
            given[word] = ""
        elif word in VALUED and rest and not rest[0].startswith("-") and VALUED[word] not in given:
            given[VALUED[word]] = rest.pop(0)
        else:
            return None
    if not all(names) or given.get("--format", "text") not in FORMATS:
        return None
    if name == "explain" and names and not OF_FIT & given.keys():
        return lambda: _explain(names, given)
    if name == "fit" and len(names) == 1 and given.get("--output") != "":
        return lambda: _fit(names[0], given)
    return None


def _explain(names: Sequence[str], given: dict[str, str]) -> int:
    from pathlib import Path

    from dagreg.commands import explain

    return explain([Path(name) for name in names], given.get("--format", "text"))


def _fit(name: str, given: dict[str, str]) -> int:
    from pathlib import Path

    from dagreg.commands import fit

    folder = given.get("--output")
    where = None if folder is None else Path(folder)
    return fit(Path(name), where, given.get("--format", "text"), fresh="--fresh" in given)
