"""The pages of the codes: their examples give what they say, and the pages are those of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagreg.errors import CODES, SpecError
from dagreg.messages import COMMANDS, pages, tried
from dagreg.spec.load import loads
from tests.calling import call

FOLDER = Path(__file__).parent.parent / "docs" / "messages"
SHOWN = [code for code, entry in CODES.items() if entry.bad]
MENDED = [code for code, entry in CODES.items() if entry.good]
SPECS = [code for code in MENDED if CODES[code].file == "spec.yaml"]
OF_THE_SPEC = [
    code for code in SHOWN if code.startswith("DR1") and code in SPECS and code != "DR116"
]  # a note
BEYOND_AN_EXAMPLE = {
    "DR100 DR108 DR304 ": "files that are no text, or not there",
    "DR166 DR167 DR201 DR204 DR205 DR206 DR207 DR413 DR416 ": "a spec file is refused with another code: "
    "Python alone",
    "DR173 DR175 DR191 DR192 DR198 DR199 DR209 DR309 ": "what the command line says",
    "DR305 DR332 DR333 DR334 ": "databases",
    "DR337 ": "the words are DuckDB's",
    "DR661 ": "what the command line asks",
    "DR611 DR612 ": "an instrument's answer has another warning beside them",
    "DR196 DR314 DR315 DR338 ": "a spec, a table or a time too long for a page",
}


@pytest.mark.parametrize("code", SHOWN)
def test_the_bad_example_of_a_code_gives_it_alone(code: str) -> None:
    assert {found.code for found in tried(code, CODES[code].bad)} == {code}
    assert CODES[code].good


@pytest.mark.parametrize("code", MENDED)
def test_the_good_example_of_a_code_gives_nothing(code: str) -> None:
    """But for DR301 where it names a file that is not there: it shows how to write the spec."""
    entry = CODES[code]
    absent = {"DR301"} if "data:" in entry.good and not entry.data else set()
    assert {found.code for found in tried(code, entry.good)} <= absent


@pytest.mark.parametrize("code", SPECS)
def test_the_good_example_of_a_code_loads(code: str) -> None:
    assert loads(CODES[code].good).nodes


@pytest.mark.parametrize("code", OF_THE_SPEC)
def test_the_bad_example_of_a_spec_code_does_not_load_and_has_one_mistake(code: str) -> None:
    with pytest.raises(SpecError) as caught:
        loads(CODES[code].bad)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


def test_specs_that_can_show_a_code_do() -> None:
    """Codes of specs, graphs, data and models have an example, but for those that a spec and a table cannot
    give.
    """
    unseen = {code for code in CODES if code[2] in COMMANDS and not CODES[code].bad}
    assert unseen == set("".join(BEYOND_AN_EXAMPLE).split())


def test_the_pages_are_those_of_the_table() -> None:
    """`make messages` writes them anew."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert found == dict(pages())


@pytest.mark.parametrize("topic", ["DR102", "dr102", "102"])
def test_help_shows_the_page_of_a_code(topic: str) -> None:
    done = call("help", topic)
    assert done.code == 0
    assert done.stdout == (FOLDER / "DR102.md").read_text(encoding="utf-8")
    assert "^ no such name" in done.stdout
