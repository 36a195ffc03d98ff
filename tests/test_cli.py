"""The command line: words, options and their mistakes, help, and completion."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import dagreg
from dagreg import cli
from dagreg.arguments import Argument, Command, UsageError
from dagreg.model.estimators import Estimator
from dagreg.report.draw import PictureFormat
from dagreg.report.render import ReportFormat
from dagreg.spec.convert import FORMATS
from tests.calling import Called, call

GOOD = """
nodes: {x: binary, y: binary, z: continuous, w: continuous, u: unobserved}
edges:
  - z -> x, y
  - x -> w -> y
  - u -> w, y
effect: x -> y
"""
LOST = """
nodes: {x: binary, y: binary, u: unobserved}
edges: ['x -> y', 'u -> x, y']
effect: x -> y
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("good", GOOD), ("lost", LOST), ("bad", GOOD + "efect: x -> y\n"), ("-x", GOOD)):
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def said(line: str) -> Called:
    return call(*line.split())


# Every call, its exit code, and a pattern of what it says: on stdout where that begins with `>`, else on
# stderr.
CALLS = (
    ("explain good.yaml", 0, ">good"),
    ("explain good.yaml --format json", 0, r'>"spec"'),
    ("explain --format md good.yaml", 0, ">#"),
    ("explain good.yaml --format html", 0, ">(?i)<!doctype html"),
    ("explain good.yaml lost.yaml --format json", 1, r'>"spec"'),
    ("explain lost.yaml", 1, ">lost"),
    ("explain bad.yaml --format json", 1, r'>"DR103"'),
    ("explain good.yaml bad.yaml", 1, r"error\[DR103\]"),
    ("explain absent.yaml", 1, r"error\[DR100\]"),
    ("explain --format=json good.yaml", 0, r'>"spec"'),
    ("explain good.yaml --format", 2, "`--format` needs a value"),
    ("explain good.yaml --format xml", 2, "`--format xml` is none of text, json, md, html"),
    ("explain good.yaml --format xml --format json", 0, r'>"spec"'),
    ("explain good.yaml --node z", 0, ">z .* is in the adjustment set"),
    ("explain good.yaml --node q", 1, r"error\[DR209\]"),
    ("explain -- good.yaml", 0, ">good"),
    ("explain -- -x.yaml", 0, ">-x"),
    ("explain good.yaml --format json -- -x.yaml", 0, r'>"spec"'),
    ("explain -x.yaml", 2, "`dagreg explain` has no option `-x.yaml`"),
    ("explain", 2, "`dagreg explain` needs SPEC"),
    ("explain --help", 0, ">Needs no"),
    ("explain good.yaml -h", 0, ">usage: dagreg explain"),
    ("explain --frmat json good.yaml", 2, "no option `--frmat`: did you mean `--format`"),
    ("explain good.yaml --form json", 2, "no option `--form`: did you mean `--format`"),
    ("explain good.yaml --fresh", 2, "no option `--fresh`"),
    ("explian good.yaml", 2, "no command `explian`: did you mean `explain`"),
    ("--versio", 2, "no option `--versio` before a command: did you mean `--version`"),
    ("check good.yaml --format json", 0, r'>"errors": \[\]'),
    ("check good.yaml --format md", 2, "`--format md` is none of text, json"),
    ("fit good.yaml", 1, r"error\[DR300\]"),
    ("fit good.yaml --fresh --format json -o out", 1, r'>"DR300"'),
    ("fit bad.yaml --output=out --format json", 1, r'>"DR103"'),
    ("fit lost.yaml -oout", 1, r"error\[DR300\]"),
    ("fit good.yaml -o", 2, "`-o/--output` needs a value"),
    ("fit good.yaml bad.yaml", 2, "one argument too many: `bad.yaml`"),
    ("fit absent.yaml", 1, r"error\[DR100\]"),
    ("fit --fresh", 2, "`dagreg fit` needs SPEC"),
    ("fit good.yaml --fresh=yes", 2, "`--fresh` takes no value"),
    ("fit good.yaml --engine exakt", 2, "did you mean `exact`"),
    ("fit good.yaml --seed -1", 2, "it has to be 0 to"),
    ("fit good.yaml --seed x", 2, "`--seed x`: `x` is not a whole number"),
    ("fit good.yaml --draws 0", 2, "`--draws 0`: it has to be at least 1"),
    ("fit good.yaml --draws 1.5", 2, "is not a whole number"),
    ("predict out", 2, "`dagreg predict` needs `--data`"),
    ("predict out --data d.csv --level 1", 2, "`--level 1`: it has to be 0.01 to 0.999"),
    ("predict out --data d.csv --level nan", 2, "it has to be 0.01 to 0.999"),
    ("predict out --data d.csv --level 0.01", 1, r"error\[DR541\]"),
    ("predict out --data d.csv --level 0.999", 1, r"error\[DR541\]"),
    ("predict out --data d.csv --effect 0", 2, "at least 1"),
    ("predict out --data d.csv --do x=1 --do x=2", 1, r"error\[DR562\]"),
    ("simulate good.yaml", 2, "needs `--rows`"),
    ("simulate good.yaml -n 0", 2, "`--rows 0`: it has to be at least 1"),
    ("simulate good.yaml -n2 --seed 1", 0, ">z,x,w,y"),
    ("simulate good.yaml -n 2 --do x=0 --do z=1", 0, ">z,x,w,y"),
    ("draw good.yaml -o picture.bmp", 2, "known: svg, png, pdf, dot, dagitty, gv, txt"),
    ("draw good.yaml --format dagitty", 0, ">dag {"),
    ("completion", 2, "`dagreg completion` needs bash|zsh|fish|tcsh"),
    ("convert good.yaml --to lavaan", 0, ">y ~"),
    ("help fit", 0, ">usage: dagreg fit"),
    ("help", 0, ">usage: dagreg COMMAND"),
    ("help fti", 2, r"error\[DR199\].*did you mean `fit`"),
    ("help DR12", 2, "codes that begin alike: DR120, DR121"),
    ("--help", 0, ">usage: dagreg COMMAND"),
    ("--version", 0, f">dagreg {re.escape(dagreg.__version__)}"),
    ("", 2, "usage: dagreg COMMAND"),
)


@pytest.mark.parametrize(("line", "code", "pattern"), CALLS)
def test_calls_and_their_exit_codes(folder: Path, line: str, code: int, pattern: str) -> None:
    done = said(line)
    assert done.code == code, done.stderr
    assert re.search(pattern.removeprefix(">"), done.stdout if pattern[0] == ">" else done.stderr)
    if code == 2:
        assert done.stdout == ""


def test_options_may_stand_anywhere(folder: Path) -> None:
    first = said("explain good.yaml lost.yaml --format json")
    assert (
        first
        == said("explain --format json good.yaml lost.yaml")
        == said("explain good.yaml --format=json lost.yaml")
    )
    assert [json.loads(line)["spec"] for line in first.stdout.splitlines()] == ["good.yaml", "lost.yaml"]


def test_messages_show_no_password(folder: Path) -> None:
    done = call("fit", "good.yaml", "postgres://me:hidden@host/db")
    assert done.code == 2
    assert "hidden" not in done.stderr


def test_a_program_is_named_alike_however_it_is_run() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-m", module, "fit", "--help"], capture_output=True, text=True, check=True
        )
        for module in ("dagreg", "dagreg.cli")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.startswith("usage: dagreg fit [options] SPEC\n")


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_the_help_names_every_argument_with_its_default_and_bounds(folder: Path, name: str) -> None:
    """It says what the command does, too, and fits a terminal of 80 columns but for lists of choices."""
    found = said(f"{name} --help").stdout
    flat = " ".join(found.split())
    assert " ".join((cli.COMMANDS[name].run.__doc__ or "").split()) in flat
    for argument in cli.COMMANDS[name].arguments:
        assert argument.words in flat
        assert all(option in found for option in argument.names if argument.is_option)
        assert argument.bounds in flat
        assert argument.default in (None, False) or f"default: {argument.default}" in flat
    assert all(len(line) <= 80 or "|" in line for line in found.splitlines())
    assert f"  {name}" in said("--help").stdout


def test_every_argument_is_a_parameter_of_its_command() -> None:
    for command in cli.COMMANDS.values():
        parameters = set(command.run.__code__.co_varnames[: command.run.__code__.co_argcount])
        named = {argument.parameter for argument in command.arguments}
        settings = {"engine", "seed", "draws", "tune", "chains"} if command.name == "fit" else set()
        assert named == parameters | settings


def test_choices_are_those_of_the_functions() -> None:
    assert set(cli.ESTIMATORS) == set(Estimator)
    assert get_args(PictureFormat) == cli.PICTURES
    assert {*get_args(ReportFormat), "docx"} == set(cli.REPORTS)
    assert set(cli.GRAPHS) == set(FORMATS)


@pytest.mark.parametrize("shell", cli.SHELLS)
def test_completion_knows_commands_options_and_choices(folder: Path, shell: str) -> None:
    script = call("completion", shell)
    assert script.code == 0
    for word in (*cli.COMMANDS, "allow-outside", "dagitty", "DR102"):
        assert word in script.stdout


def test_bash_completes_a_command_an_option_and_a_choice(folder: Path) -> None:
    script = call("completion", "bash").stdout
    found = []
    for words in ("expl", "fit --fre", "fit --engine ex", "help DR10"):
        line = ["dagreg", *words.split()]
        ask = (
            f"COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1}; _shtab_dagreg; echo "
            f"${{COMPREPLY[@]}}"
        )
        done = subprocess.run(
            ["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, timeout=60, check=True
        )
        found.append(done.stdout.split())
    assert found[:3] == [["explain"], ["--fresh"], ["exact"]]
    assert found[3] == [f"DR10{digit}" for digit in range(10)]


def test_a_percent_sign_in_an_argument_is_shown_as_it_is() -> None:
    def share(level: float) -> int:
        """Of 100 %."""
        return int(level)

    from dagreg.helping import help_on

    command = Command(
        share, (Argument(("--level",), "In %d of all.", read=float, default=0.5, least=0.1, most=0.9),)
    )
    assert "In %d of all. (default: 0.5; 0.1 to 0.9)" in help_on(command)
    assert "Of 100 %." in help_on(command)
    assert command.parse(["--level", ".9"]) == {"level": 0.9}
    with pytest.raises(UsageError, match="DR198"):
        command.parse(["--level", "-.2"])


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("fit", "good.yaml", "--seed", "-1"), "--seed"),
        (("simulate", "good.yaml", "-n", "5", "--seed", "4294967296"), "--seed"),
        (("predict", "good.dagreg", "--data", "good.csv", "--seed", "-1"), "--seed"),
        (("fit", "good.yaml", "-o", ""), "--output"),
        (("check", ""), "the name of a file"),
    ],
)
def test_seeds_and_names_are_looked_at_before_anything_is_done(
    words: tuple[str, ...], what: str, folder: Path
) -> None:
    """An unset variable of a shell gives an empty name, which Python takes for the present folder."""
    before = sorted(folder.iterdir())
    done = call(*words)
    assert (done.code, "error[DR198]" in done.stderr, what in done.stderr) == (2, True, True)
    assert sorted(folder.iterdir()) == before
