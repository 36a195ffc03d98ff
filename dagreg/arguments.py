"""Commands and their arguments as records, and command lines read by them.

Only the parser of the command that is named is made. `dagreg.helping` writes help, from the same records.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagreg.errors import DagregError, Diagnostic, did_you_mean

PROGRAM = "dagreg"
HELP = ("-h", "--help")


def named_path(word: str) -> Path:
    """A path. Raises ValueError for no name, which Python takes for the present folder."""
    if not word:
        raise ValueError
    return Path(word)


KINDS: Mapping[Callable[[str], Any], str] = {
    int: "a whole number",
    float: "a number",
    named_path: "the name of a file",
}
NEGATIVE_NUMBER = re.compile(r"-\.?\d")


class UsageError(DagregError):
    """A command line that cannot be read (exit code 2)."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command: an option where its names begin with a dash, else a word that its place
    tells.

    `read` makes a value of a word, and raises ValueError where it cannot (see `KINDS`).
    """

    names: tuple[str, ...]
    words: str
    read: Callable[[str], Any] = str
    default: Any = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float = math.inf
    required: bool = False
    many: bool = False  # an option that may be repeated, or one word and more
    flag: bool = False  # an option without a value
    metavar: str = ""
    files: bool = False  # the shell completes names of files
    offered: Callable[[], Iterable[str]] | None = None  # other words that the shell completes

    @property
    def is_option(self) -> bool:
        return self.names[0].startswith("-")

    @property
    def key(self) -> str:
        """The name of its attribute in what the parser gives."""
        return self.names[-1].lstrip("-").replace("-", "_")

    @property
    def parameter(self) -> str:
        """Its name among the parameters of the command's function; `from` is a word of Python's own."""
        return "from_" if self.key == "from" else self.key

    @property
    def shown(self) -> str:
        """What stands for its value."""
        return self.metavar or "|".join(self.choices) or self.key.upper()

    def value_of(self, word: str) -> Any:
        """The value that a word gives. Raises ValueError with what is wrong."""
        given = f"`{self.names[-1]} {word}`" if self.is_option else f"`{word}`"
        if self.choices and word not in self.choices:
            raise ValueError(
                f"{given} is none of {', '.join(self.choices)}", did_you_mean(word, self.choices)
            )
        try:
            value = self.read(word)
        except ValueError:
            raise ValueError(f"{given}: `{word}` is not {KINDS[self.read]}", "") from None
        if self.least is not None and not self.least <= value <= self.most:
            raise ValueError(f"{given}: it has to be {self.bounds}", "")
        return value

    @property
    def bounds(self) -> str:
        """Its bounds in words; empty where it has none."""
        if self.least is None:
            return ""
        return f"at least {self.least}" if self.most == math.inf else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the function that runs it, named as the command is and documented in its words, and its
    arguments.
    """

    run: Callable[..., int]
    arguments: tuple[Argument, ...]

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def call(self) -> str:
        return f"{PROGRAM} {self.name}"

    @property
    def usage(self) -> str:
        """How it is called, on a line."""
        needed = [f"{option.names[-1]} {option.shown}" for option in self.options if option.required]
        places = [f"{place.shown}..." if place.many else place.shown for place in self.places]
        places = [
            word if place.required else f"[{word}]" for place, word in zip(self.places, places, strict=True)
        ]
        return " ".join([self.call, "[options]", *needed, *places])

    @property
    def options(self) -> list[Argument]:
        return [a for a in self.arguments if a.is_option]

    @property
    def places(self) -> list[Argument]:
        """The arguments that are told by their place."""
        return [a for a in self.arguments if not a.is_option]

    def parse(self, words: Sequence[str]) -> dict[str, Any] | None:
        """The values of its arguments by parameter, or None where help is asked for. Raises UsageError."""
        end = words.index("--") if "--" in words else len(words)
        if any(word in HELP for word in words[:end]):
            return None
        self._check_names(words[:end])
        parser = argparse.ArgumentParser(
            formatter_class=_formatter, add_help=False, allow_abbrev=False, exit_on_error=False
        )
        for option in self.options:
            parser.add_argument(*option.names, action=action_of(option))
        try:
            given, places = parser.parse_known_args(list(words[:end]))
        except argparse.ArgumentError as error:
            flag = any(a.flag and "/".join(a.names) == error.argument_name for a in self.options)
            raise self.refused(f"`{error.argument_name}` {'takes no' if flag else 'needs a'} value") from None
        values = {a.parameter: self._value(a, getattr(given, a.key)) for a in self.options}
        return values | self._placed([*places, *words[end + 1 :]])

    def refused(self, message: str, hint: str = "") -> UsageError:
        """The error that says what is wrong with the words behind this command."""
        notes = (f"usage: {self.usage}", f"`{self.call} --help` says what each of them means")
        return UsageError((Diagnostic("DR198", message, label=hint, notes=notes),))

    def _check_names(self, words: Sequence[str]) -> None:
        """Raises UsageError for the first word that begins like an option and is none."""
        known = [name for option in self.options for name in option.names] + list(HELP)
        for word in words:
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if len(word) > 1 and word[0] == "-" and name not in known and not NEGATIVE_NUMBER.match(word):
                name = word.partition("=")[0]
                raise self.refused(f"`{self.call}` has no option `{name}`", did_you_mean(name, known))

    def _placed(self, words: list[str]) -> dict[str, Any]:
        """The values of the arguments that are told by their place."""
        values: dict[str, Any] = {}
        for place in self.places:
            taken, words = (words, []) if place.many else (words[:1], words[1:])
            if place.required and not taken:
                raise self.refused(f"`{self.call}` needs {place.shown}: {place.words}")
            values[place.parameter] = self._value(
                place, taken if place.many else "".join(taken) if taken else None
            )
        if words:
            raise self.refused(f"one argument too many: `{words[0]}`")
        return values

    def _value(self, argument: Argument, given: Any) -> Any:
        """What the words given stand for, or the default."""
        if given is None or argument.flag:
            if argument.required and given is None:
                raise self.refused(f"`{self.call}` needs `{argument.names[-1]}`: {argument.words}")
            return argument.default if given is None else given
        try:
            return [argument.value_of(w) for w in given] if argument.many else argument.value_of(given)
        except ValueError as error:
            raise self.refused(*error.args) from None


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Of a width given: to ask the terminal for it, argparse would load every compressor that Python has."""
    return argparse.HelpFormatter(prog, width=80)


def action_of(option: Argument) -> Any:
    return "store_true" if option.flag else "append" if option.many else "store"
