"""The text report at every width: whole words, labels that differ, no sentence twice and none
with two ends.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagreg
from dagreg.report.blocks import (
    Banner,
    Bullets,
    Document,
    Facts,
    Heading,
    Headline,
    Paragraph,
    Section,
    Table,
)
from dagreg.report.document import document
from dagreg.report.plots import Panel, Row, forest_svg, forest_text, told_apart
from dagreg.report.prose import runs
from dagreg.report.render import render
from dagreg.report.text import print_document
from tests.report_cases import CASES

STORIES = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
WIDTHS = (60, 80, 100, 120)


def subjects():
    yield from ((name, case()) for name, case in CASES.items() if name != "nasty")
    yield from ((path.stem, dagreg.explain(dagreg.load(path))) for path in STORIES)


SUBJECTS = dict(subjects())


# Tables


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_no_word_of_a_table_is_broken(name, width):
    subject = SUBJECTS[name]
    tables = [b for section in document(subject).sections for b in section.blocks if isinstance(b, Table)]
    missing = [word for table in tables for word in broken(table, render(subject, "text", width), width)]
    assert missing == []


WORDS = st.text(st.sampled_from("abcxyz-=()"), min_size=1, max_size=18)
CELLS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(st.data(), st.sampled_from(WIDTHS))
def test_no_word_of_any_table_is_broken(data, width):
    count = data.draw(st.integers(1, 8))
    columns = tuple(
        data.draw(st.builds(Heading, WORDS.filter(lambda w: "`" not in w), st.booleans()))
        for _ in range(count)
    )
    rows = tuple(tuple(data.draw(CELLS) for _ in range(count)) for _ in range(data.draw(st.integers(0, 4))))
    table = Table("Caption", columns, rows)
    text = written(table, width)
    assert broken(table, text, width) == []
    assert max(map(len, text.splitlines())) <= width


def broken(table, text, width):
    """The words of a table that do not stand whole in a text."""
    tokens = set(text.split())
    cells = [column.title for column in table.columns if table.rows] + [
        cell for row in table.rows for cell in row
    ]
    words = {word for cell in cells for word in "".join(piece for _, piece in runs(cell)).split()}
    first_small = {word: word[:1].lower() + word[1:] for word in words}
    return [
        word
        for word in words
        if len(word) < width - 8
        and not {w + end for w in (word, first_small[word]) for end in ("", ";", ":")} & tokens
    ]


def written(table, width):
    import io

    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, legacy_windows=False)
    print_document(Document("Title", "", (Section("Section", (table,), 2, "a"),)), console)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


# Forest plots

LABELS = st.lists(
    st.text(st.sampled_from("ab "), min_size=1, max_size=90).map(str.strip).filter(len),
    min_size=1,
    max_size=6,
)


@given(LABELS, st.sampled_from(WIDTHS))
def test_labels_of_a_forest_are_whole_in_text(labels, width):
    rows = tuple(Row(label, 1.0, 0.0, 2.0, "1", "plain") for label in labels)
    lines = forest_text((Panel("Panel", rows),), width).splitlines()
    assert all(len(line) <= width for line in lines)
    words = " ".join(re.sub(r"[-*|]+.*", "", line) for line in lines).split()
    assert [w for label in labels for w in label.split()] == words[1:][
        : sum(len(label.split()) for label in labels)
    ]


@given(st.lists(st.text(st.sampled_from("ab"), max_size=90), max_size=8), st.integers(12, 44))
def test_labels_that_are_cut_stay_distinct(labels, length):
    shown = told_apart(labels, [length] * len(labels))
    assert len(set(shown)) == len(set(labels))
    assert all(len(s) <= length for s in shown)


def test_labels_of_a_drawn_forest_differ():
    words = [
        f"adjusted (primary): the dose of the drug that was given is set, where {x}"
        for x in ("age = 1", "age = 2")
    ]
    rows = tuple(Row(label, 1.0, 0.0, 2.0, "1.0", "primary") for label in words)
    shown = re.findall(r'<text x="1" [^>]*>([^<]*)</text>', forest_svg((Panel("Panel", rows),), "t"))
    assert len(shown) == len(set(shown)) == 2
    assert all(text.endswith(str(i)) for i, text in enumerate(shown, 1))


# Sentences


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_sentence_ends_twice(name):
    said = [
        text
        for section in document(SUBJECTS[name]).sections
        for block in section.blocks
        for text in spoken(block)
    ]
    assert [text for text in said if re.search(r"\.\)\.|(?<!\.)\.\.(?!\.)|\.;|\?\.|:\.", text)] == []


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_sentence_of_a_section_is_there_in_two_wordings(name):
    for section in document(SUBJECTS[name]).sections:
        if section.title == "For a paper":
            continue  # it says the same of each question, and each is pasted by itself
        said = [
            frozenset(re.findall(r"[a-z]+", sentence.lower()))
            for block in section.blocks
            if isinstance(block, Paragraph)
            for sentence in re.split(
                r"(?<=[.:;])\s+", "".join(piece for is_name, piece in runs(block.text) if not is_name)
            )
        ]
        for one, other in combinations(said, 2):
            assert len(one & other) <= 0.55 * len(one | other) or min(len(one), len(other)) < 5, (one, other)


def test_one_measure_has_one_name():
    text = render(CASES["several"](), "text")
    assert "mean difference" in text
    assert "difference in mean" not in text


def spoken(block):
    match block:
        case Paragraph():
            return [block.text]
        case Bullets() | Banner():
            return list(block.items)
        case Headline():
            return [block.sentence]
        case Facts():
            return [value for _, value in block.pairs]
        case Table():
            return [cell for row in block.rows for cell in row]
    return []
