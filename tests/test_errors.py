"""Diagnostics under their lines, and the code table."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dagreg.errors import CODES, Diagnostic, Diagnostics, Span, SpecError, closest, either, render
from dagreg.spec.load import loads

PACKAGE = Path(__file__).parent.parent / "dagreg"


def at(line: int, column: int, end: int) -> Span:
    return Span("coaching.yaml", line, column, end)


def test_the_form_of_the_reference() -> None:
    text = "\n" * 14 + "  - coachd -> engagement -> retained\n"
    shown = render(
        Diagnostic("DR102", "unknown node `coachd`", at(15, 5, 11), "did you mean `coached`?"), text
    )
    assert shown == (
        "error[DR102]: unknown node `coachd`\n"
        " --> coaching.yaml:15:5\n"
        "   |\n"
        "15 |   - coachd -> engagement -> retained\n"
        "   |     ^^^^^^ did you mean `coached`?"
    )


@pytest.mark.parametrize(("line", "margin", "arrow"), [(1, " ", " "), (10, "  ", " "), (100, "   ", "  ")])
def test_the_margin_follows_the_line_number(line: int, margin: str, arrow: str) -> None:
    shown = render(Diagnostic("DR102", "m", at(line, 1, 2)), "\n" * (line - 1) + "x").splitlines()
    assert shown[1] == f"{arrow}--> coaching.yaml:{line}:1"
    assert shown[2:] == [f"{margin} |", f"{line} | x", f"{margin} | ^"]


def test_a_warning_says_so() -> None:
    assert render(Diagnostic("DR301", "m", severity="warning")) == "warning[DR301]: m"


def test_without_a_place_the_label_follows_the_message() -> None:
    assert render(Diagnostic("DR100", "m", label="l", notes=("n",))) == "error[DR100]: m: l\n = n"


def test_notes_stand_below() -> None:
    assert render(Diagnostic("DR102", "m", at(1, 1, 2), "l", ("one", "two")), "x").splitlines()[5:] == [
        "  = one",
        "  = two",
    ]


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "pointer"),
    [
        ("\tx y", 4, 5, "    x y", "      ^"),
        ("a\tb", 3, 4, "a    b", "     ^"),
        ("收入 b", 4, 5, "收入 b", "     ^"),
        ("收入 b", 1, 3, "收入 b", "^^^^"),
        ("e\u0301 b", 4, 5, "e\u0301 b", "  ^"),
        ("x", 2, 2, "x", " ^"),
        ("x", 9, 12, "x", " ^"),
        ("a\x1b[31mb", 7, 8, "a\\u001b[31mb", "           ^"),
        ("a\u202eb", 3, 4, "a\\u202eb", "       ^"),
    ],
)
def test_carets_stand_under_their_characters(
    line: str, column: int, end: int, shown: str, pointer: str
) -> None:
    lines = render(Diagnostic("DR102", "m", at(1, column, end)), line).splitlines()
    assert lines[3:] == [f"1 | {shown}", f"  | {pointer}"]


@pytest.mark.parametrize("start", [0, 1, 50, 95, 120, 500, 985, 994])
def test_long_lines_are_cut_around_the_span(start: int) -> None:
    line = "." * start + "target" + "." * (994 - start)
    shown, pointer = render(Diagnostic("DR102", "m", at(1, start + 1, start + 7)), line).splitlines()[3:]
    assert len(shown) <= 104
    where = pointer.index("^")
    assert shown[where : where + 6] == "target"
    assert pointer.count("^") == 6


def test_a_long_span_is_cut_too() -> None:
    shown, pointer = render(Diagnostic("DR102", "m", at(1, 11, 900)), "x" * 1000).splitlines()[3:]
    assert len(shown) <= 110
    assert len(pointer) <= 110


def test_a_line_beyond_the_text_is_empty() -> None:
    assert render(Diagnostic("DR102", "m", at(3, 1, 1)), "x\n").splitlines()[3:] == ["3 |", "  | ^"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_end_where_yaml_ends_them(line_break: str) -> None:
    assert "2 | b" in render(Diagnostic("DR102", "m", at(2, 1, 2)), f"a{line_break}b")


def test_messages_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in render(Diagnostic("DR102", "\x1b[31m", at(1, 1, 2), "\x1b"), "\x1b")


def test_mistakes_come_in_the_order_of_the_file_and_once() -> None:
    found = Diagnostics()
    for line in (3, 1, 3, 2):
        found.error("DR102", "m", at(line, 1, 2))
    assert [diagnostic.span.line for diagnostic in found.by_place() if diagnostic.span] == [1, 2, 3]


@pytest.mark.parametrize(
    ("word", "known", "match"),
    [
        ("coachd", ["retained", "coached"], "coached"),
        ("NORMAL", ["Normal"], "Normal"),
        ("x", ["longer"], None),
    ],
)
def test_the_closest_word(word: str, known: list[str], match: str | None) -> None:
    assert closest(word, known) == match


def test_the_closest_of_very_many_words_begins_alike() -> None:
    many = [f"node{i}" for i in range(5000)] + ["coached"]
    assert closest("coachd", many) == "coached"


def test_either() -> None:
    assert either(["a"]) == "`a`"
    assert either(["a", "b", "c"]) == "`a`, `b` or `c`"


# ---------------------------------------------------------------- the code table


def used_codes() -> set[str]:
    """The codes that stand in the package, apart from their table."""
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "codes.py"]
    return {code for path in files for code in re.findall(r"\bDR\d{3}\b", path.read_text(encoding="utf-8"))}


def test_every_code_in_the_source_is_documented_and_the_other_way_round() -> None:
    assert used_codes() == set(CODES)


def test_codes_stand_in_the_order_of_their_numbers() -> None:
    table = (PACKAGE / "errors/codes.py").read_text(encoding="utf-8")
    assert list(CODES) == sorted(set(CODES)) == re.findall(r'^    "(DR\d{3})": Code\(', table, re.MULTILINE)


@pytest.mark.parametrize("code", list(CODES))
def test_a_code_has_a_title_and_an_explanation(code: str) -> None:
    row = CODES[code]
    assert re.fullmatch(r"DR\d{3}", code)
    assert row.title
    assert not row.title.endswith(".")
    assert row.explanation.endswith(".")


def test_the_table_of_codes_is_loaded_when_it_is_asked_for() -> None:
    """Not by `import dagreg.errors`, not by loading, explaining, compiling and not by a mistake."""
    program = (
        "import sys, dagreg\n"
        "from dagreg.errors import DagregError\n"
        "spec = dagreg.loads('edges: [z -> x, z -> y, x -> y]\\neffect: x -> y\\n')\n"
        "dagreg.explain(spec), dagreg.compile(spec)\n"
        "try:\n    dagreg.loads('edges: [z -> z]')\n"
        "except DagregError as error:\n    str(error)\n"
        "assert 'dagreg.errors' in sys.modules and 'dagreg.errors.codes' not in sys.modules\n"
        "from dagreg.errors import CODES\n"
        "assert CODES and 'dagreg.errors.codes' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    ["key{i}: 1", "  - a -> b{i}", "  n{i}: {{type: wrd{i}}}", "  c{i}: {{type: continuous, kind{i}: 1}}"],
)
def test_thousands_of_mistakes_are_the_first_twenty_and_how_many_more(line: str, tmp_path: Path) -> None:
    """Without a search for every word that might have been meant: 20,000 mistakes take no longer than reading
    them.
    """
    heads = {"k": "edges: [a -> b]\neffect: a -> b\n", "-": "nodes: {a: binary}\nedges:\n"}
    head = heads.get(
        line.strip()[0] if line[0] == " " and line.strip()[0] == "-" else line[0], "edges: []\nnodes:\n"
    )
    text = head + "".join(line.format(i=i) + "\n" for i in range(20_000))
    with pytest.raises(SpecError) as caught:
        loads(text)
    *first, last = caught.value.diagnostics
    assert len(first) == 20
    assert last.code == "DR196"
    assert "19,980 more" in last.message
    assert [d.span.line for d in first if d.span] == sorted(d.span.line for d in first if d.span)
    assert all(d.label for d in first)
    assert len(str(caught.value)) < 21 * 300  # each with its place and hint
    (tmp_path / "many.yaml").write_text(text)
    words = [sys.executable, "-m", "dagreg.cli", "check", str(tmp_path / "many.yaml"), "--format", "json"]
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - started < 12
    assert done.returncode == 1
    assert len(done.stderr) < 20 * 500
    assert [e["code"] for e in json.loads(done.stdout)["errors"]] == [
        d.code for d in caught.value.diagnostics
    ]
