"""One content in every format; nothing in it can break out of any of them.

DAGREG_PROMOTE=1 writes the goldens anew: review the diff.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from dagreg.report.blocks import Banner, Bullets, Headline, Paragraph, Table
from dagreg.report.document import document
from dagreg.report.prose import runs, visible
from dagreg.report.render import render
from tests.report_cases import BAD, CASES, EXPLAINED, NASTY, coaching, several, unidentified, zero_by_graph

GOLDEN = Path(__file__).parent / "golden" / "report"
SUFFIX = {"text": "txt", "md": "md"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("format", SUFFIX)
def test_golden(case, format):
    path = GOLDEN / f"{case}.{SUFFIX[format]}"
    text = render(CASES[case](), format)
    if os.environ.get("DAGREG_PROMOTE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# What a reader must be told


def test_the_number_comes_first_and_in_words():
    text = _unwrapped(render(coaching(), "text"))
    assert text.index("0.112") < text.index("Why this can be believed")
    assert "Setting coached to 1 instead of 0 changes the probability of retained = 1 by 0.112" in text
    assert "94% interval from 0.058 to 0.167" in text
    assert "equal-tailed" in text


def test_a_slope_has_its_units():
    text = _unwrapped(render(several(), "text"))
    assert "Raising dose (in mg) by one unit changes the mean of pain by -1.28 points on average" in text


def test_the_primary_estimate_is_marked_and_the_unadjusted_one_is_for_comparison():
    markdown = render(coaching(), "md")
    assert len(re.findall(r"\*\*adjusted \(primary\)\*\*", markdown)) == 2
    assert "unadjusted (for comparison only)" in markdown
    assert "unadjusted (primary)" not in markdown


def test_other_coefficients_are_set_apart():
    titles = [b.caption for b in _blocks(coaching()) if isinstance(b, Table)]
    assert titles.index("Coefficients that are not effects") > 0
    assert "Table 2 fallacy" in render(coaching(), "text")


@pytest.mark.parametrize("format", ["text", "md", "html"])
def test_bad_diagnostics_stand_over_the_number(format):
    text = render(coaching(BAD, disagrees=True), format)
    assert text.index("The sampling failed its checks") < text.index("0.112")
    assert "differ by more than chance allows" in text


def test_a_refusal_gives_reasons_and_a_way_out_and_calls_nothing_an_effect():
    text = _unwrapped(render(unidentified(), "text"))
    assert "No data of the observed variables can answer this question" in text
    assert "called a hedge" in text
    assert "with u observed, the effect would be identified" in text
    assert "They are not estimates of the effect" in text
    assert "(primary)" not in text


@pytest.mark.parametrize(("mean", "verdict"), [(0.02, "holds zero"), (0.3, "speak against the graph")])
def test_zero_by_the_graph_is_a_test_of_the_graph(mean, verdict):
    text = _unwrapped(render(zero_by_graph(mean), "text"))
    assert "by the graph the effect is exactly zero" in text
    assert "a test of the graph, not an effect" in text
    assert verdict in text


@pytest.mark.parametrize("case", EXPLAINED)
def test_an_explanation_has_no_numbers(case):
    kinds = Counter(type(b) for b in _blocks(EXPLAINED[case]()))
    assert kinds[Headline] == 0
    assert "Provenance" not in [s.title for s in document(EXPLAINED[case]()).sections]


def test_several_questions_are_answered_at_a_glance_first():
    first = document(several()).sections[0]
    assert first.title == "The answers at a glance"
    assert isinstance(first.blocks[0], Table)
    assert len(first.blocks[0].rows) == 5


# One content


@pytest.mark.parametrize("case", CASES)
def test_every_format_says_the_same(case):
    subject = CASES[case]()
    pages = {f: _letters(_read(render(subject, f), f)) for f in ("text", "md", "html")}
    for block in _blocks(subject):
        for sentence in _sentences(block):
            for format, page in pages.items():
                assert _letters("".join(p for _, p in runs(sentence))) in page, (format, sentence)


@pytest.mark.parametrize("case", CASES)
def test_headings_descend_in_order(case):
    levels = [1, *(s.level for s in document(CASES[case]()).sections)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    page = _parsed(render(CASES[case](), "html"))
    assert page.headings == levels


# Nothing breaks out


def test_html_holds_no_element_of_a_name():
    page = _parsed(render(CASES["nasty"](), "html"))
    assert not page.tags.keys() & {"script", "b", "img", "iframe"}
    assert page.unbalanced == []
    for name in NASTY:
        assert visible(name).replace("`", "\u02cb") in page.text


def test_html_asks_for_nothing_from_elsewhere():
    for case in CASES:
        page = _parsed(render(CASES[case](), "html"))
        assert all(value.startswith(("#", "data:,")) for value in page.links)
        assert "@import" not in page.styles
        assert "url(" not in page.styles


def test_html_does_not_fill_in_names_as_templates():
    assert "{{ 7 * 7 }}" in _parsed(render(CASES["nasty"](), "html")).text


@pytest.mark.parametrize("case", CASES)
def test_markdown_keeps_its_tables_and_has_no_html(case):
    tokens = MarkdownIt("commonmark").enable("table").parse(render(CASES[case](), "md"))
    inline = [child for token in tokens for child in token.children or ()]
    assert not [
        t for t in (*tokens, *inline) if t.type in ("html_block", "html_inline", "link_open", "image")
    ]
    tables = [b for b in _blocks(CASES[case]()) if isinstance(b, Table)]
    assert sum(t.type == "table_open" for t in tokens) == len(tables)
    assert sum(t.type == "td_open" for t in tokens) == sum(len(b.rows) * len(b.columns) for b in tables)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("format", ["text", "md", "html"])
def test_no_control_character_gets_through(case, format):
    text = render(CASES[case](), format)
    assert not set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text))


def test_rich_markup_in_names_is_text():
    assert "[bold]rich[/bold]" in render(CASES["nasty"](), "text")


# Width


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_fits_the_console(width):
    report = coaching()
    given = {*report.source.splitlines(), report.data.sha256, report.effects[0].answer.estimand}
    for line in render(report, "text", width).splitlines():
        assert len(line) <= width or any(text.strip() and text.strip() in line for text in given), line


# Helpers


def _blocks(subject):
    return [block for section in document(subject).sections for block in section.blocks]


def _sentences(block):
    if isinstance(block, Paragraph):
        return [block.text]
    if isinstance(block, Bullets | Banner):
        return list(block.items)
    if isinstance(block, Headline):
        return [block.value, block.interval, block.sentence]
    return []


def _unwrapped(text):
    return " ".join(text.split())


def _letters(text):
    """What is left where neither wrapping nor the kind of minus counts."""
    return "".join(text.replace("\u2212", "-").split())


def _read(text, format):
    if format == "html":
        return _parsed(text).text
    if format == "md":
        return _parsed(MarkdownIt("commonmark").enable("table").render(text)).text
    return re.sub(r"\s+", " ", text)


VOID = {"meta", "link", "br", "img", "hr", "line", "circle", "ellipse", "path", "polygon", "rect"}


class _Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags = Counter()
        self.links, self.headings, self.unbalanced, self.open = [], [], [], []
        self.text = self.styles = ""

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.links += [
            value for name, value in attrs if name in ("href", "src", "xlink:href", "action", "data")
        ]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.styles += data
        else:
            self.text += data


def _parsed(html):
    page = _Page()
    page.feed(html)
    page.close()
    return page
