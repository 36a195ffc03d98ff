"""Help on commands, and what shells complete, from the same records that command lines are read by."""

from __future__ import annotations

import argparse
import inspect
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagreg.arguments import HELP, PROGRAM, Argument, Command, action_of

MAX_WIDTH = 90  # columns


def help_on(command: Command) -> str:
    """What `dagreg COMMAND --help` prints."""
    columns = _columns()
    parser = argparse.ArgumentParser(
        prog=command.call,
        usage=command.usage,
        description="\n\n".join(textwrap.fill(paragraph, columns) for paragraph in _paragraphs(command)),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=columns),
        add_help=False,
    )
    _declare(parser, command.arguments)
    return parser.format_help()


def overview(commands: Mapping[str, Command], words: str) -> str:
    """What `dagreg --help` prints."""
    options = [(", ".join(HELP), "Show this message and exit."), ("--version", "Say the version.")]
    margin = max(len(name) for name in (*commands, options[0][0])) + 4

    def listed(rows: Iterable[tuple[str, str]]) -> str:
        indents = ((f"  {name}".ljust(margin), says) for name, says in rows)
        return "\n".join(
            textwrap.fill(says, _columns(), initial_indent=indent, subsequent_indent=" " * margin)
            for indent, says in indents
        )

    return (
        f"usage: {PROGRAM} COMMAND [options]\n\n{words}\n\n"
        f"commands:\n{listed((c.name, _paragraphs(c)[0]) for c in commands.values())}\n\n"
        f"options:\n{listed(options)}\n\n"
        f"`{PROGRAM} help fit` says more of a command, `{PROGRAM} help DR102` of a message.\n"
    )


def whole_parser(commands: Mapping[str, Command], words: str, file: Any) -> argparse.ArgumentParser:
    """The parser of all commands, as shtab reads it; `file` is what shtab completes as the name of a file."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=words, add_help=False)
    parser.add_argument(*HELP, action="help", help="Show this message and exit.")
    parser.add_argument("--version", action="store_true", help="Say the version.")
    below = parser.add_subparsers()
    for command in commands.values():
        added = below.add_parser(command.name, help=_escaped(_paragraphs(command)[0]), add_help=False)
        _declare(added, command.arguments, file)
    return parser


def _declare(parser: argparse.ArgumentParser, arguments: Sequence[Argument], file: Any = None) -> None:
    """Adds arguments to a parser that is to be read, not to parse."""
    groups = {False: parser.add_argument_group("arguments"), True: parser.add_argument_group("options")}
    groups[True].add_argument(*HELP, action="help", help="Show this message and exit.")
    for argument in arguments:
        more: dict[str, Any] = (
            {"action": action_of(argument)} if argument.is_option else {"nargs": _nargs(argument)}
        )
        if not argument.flag:
            offered = tuple(argument.offered()) if argument.offered is not None and file is not None else None
            more |= {"metavar": argument.shown, "choices": argument.choices or offered}
        made = groups[argument.is_option].add_argument(
            *argument.names, help=_escaped(_limited(argument)), **more
        )
        if file is not None and argument.files:
            made.complete = file  # type: ignore[attr-defined]  # where shtab looks for it


def _nargs(place: Argument) -> str | None:
    return "+" if place.many else None if place.required else "?"


def _limited(argument: Argument) -> str:
    """What an argument means, whether it is needed, its default, and its bounds."""
    required = "required" if argument.required and argument.is_option else ""
    default = f"default: {argument.default}" if argument.default not in (None, False) else ""
    limits = "; ".join(word for word in (required, default, argument.bounds) if word)
    return f"{argument.words} ({limits})" if limits else argument.words


def _paragraphs(command: Command) -> list[str]:
    """The docstring of a command, a line a paragraph."""
    return [" ".join(part.split()) for part in inspect.cleandoc(command.run.__doc__ or "").split("\n\n")]


def _escaped(words: str) -> str:
    """Words for argparse, which fills in values behind a percent sign."""
    return words.replace("%", "%%")


def _columns() -> int:
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)
