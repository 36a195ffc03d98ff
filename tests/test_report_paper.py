"""What a paper needs: the report as LaTeX and as a Word document, its paragraphs, the works that it cites."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from docx import Document as opened

import dagreg
from dagreg.errors import DagregError
from dagreg.report.blocks import Bullets, Code, Document, Heading, Paragraph, Section, Table
from dagreg.report.document import document
from dagreg.report.latex import latex, shares
from dagreg.report.prose import runs
from dagreg.report.render import render
from dagreg.report.render import word as word_file
from dagreg.report.word import word
from tests.calling import call
from tests.report_cases import CASES, NASTY

SPEC = "data: d.csv\nedges: ['z -> x, y', x -> y]\neffect: x -> y\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("paper")
    rng = np.random.default_rng(6)
    z = rng.normal(size=90)
    x = z + rng.normal(size=90)
    y = x - z + rng.normal(size=90)
    lines = ["z,x,y", *(f"{a},{b},{c}" for a, b, c in zip(z, x, y, strict=True))]
    (place / "d.csv").write_text("\n".join(lines) + "\n")
    (place / "study.yaml").write_text(SPEC)
    dagreg.fit(place / "study.yaml").save(place / "out")
    return place


def plain(text: str) -> str:
    return "".join(piece for _, piece in runs(text))


def _environments(source: str) -> list[str]:
    """The environments that stay open: none, where every one that begins ends in turn."""
    waiting: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", source):
        if kind == "begin":
            waiting.append(name)
        elif waiting.pop() != name:
            return [name]
    return waiting


@pytest.mark.parametrize("case", CASES)
def test_latex_is_well_formed(case: str) -> None:
    source = latex(document(CASES[case]()))
    assert _environments(source) == []
    outside = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", source, flags=re.DOTALL)
    bare = re.sub(r"\\[\\{}$&#%_]", "", outside)
    assert bare.count("{") == bare.count("}")
    body = bare[bare.index(r"\begin{document}") :]
    assert not re.search(r"[#%$_]", re.sub(r"dag\.pdf|\\\w+", "", body))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path: Path) -> None:
    table = Table(
        "100% of #1_a", (Heading("a_b"), Heading("n", True)), (("`x_1 & y`", "0.5"),), frozenset({0})
    )
    marks = Paragraph(r"`a_b` ~^\ {} $ % # -> <- \| " + '"q"')
    content = Document(
        "t", "s", (Section("A & B", (marks, table, Bullets(("one",)), Code("x = 1")), 2, "a"),)
    )
    (tmp_path / "r.tex").write_text(latex(content), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "r.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("name", [*NASTY, r"\input{x}", r"\end{verbatim}", "a}b{c"])
def test_latex_escapes_what_users_write(name: str) -> None:
    blocks = (Paragraph(name), Bullets((name,)), Code(name))
    content = Document(name, name, (Section(name, blocks, 2, "a"),))
    source = latex(content)
    assert _environments(source) == []
    assert r"\input{x}" not in re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", source, flags=re.DOTALL)


def test_columns_share_the_line() -> None:
    table = Table("t", (Heading("a"), Heading("a long title", True)), (("x", "1"), ("y" * 200, "2")))
    found = shares(table)
    assert sum(found) < 1
    assert found[0] > found[1] > 0.05


@pytest.mark.parametrize("case", CASES)
def test_a_word_document_says_what_the_report_says(case: str) -> None:
    content = document(CASES[case]())
    page = opened(io.BytesIO(word(content)))
    text = "\n".join(p.text for p in page.paragraphs)
    cells = {cell.text for table in page.tables for row in table.rows for cell in row.cells}
    for section in content.sections:
        assert plain(section.title) in text
        for block in section.blocks:
            if isinstance(block, Paragraph):
                assert plain(block.text) in text
            if isinstance(block, Table):
                assert {plain(one) for row in block.rows for one in row} <= cells


def test_equal_reports_are_equal_files(folder: Path) -> None:
    record = dagreg.open(folder / "out").record
    assert word_file(record) == word_file(record)
    assert render(record, "latex") == render(record, "latex")


def test_the_ending_names_the_format(folder: Path, tmp_path: Path) -> None:
    for name, head in (
        ("r.docx", b"PK"),
        ("r.tex", rb"\documentclass"),
        ("r.bib", b"@book"),
        ("r.md", b"# "),
    ):
        assert call("report", folder / "out", "-o", tmp_path / name).code == 0
        assert (tmp_path / name).read_bytes().startswith(head)
    refused = call("report", folder / "out", "-o", tmp_path / "r.xls")
    assert refused.code == 2
    assert "names no format of reports" in refused.stderr


def test_without_python_docx_a_message_says_how_to_get_it(folder: Path) -> None:
    record = dagreg.open(folder / "out").record
    with mock.patch.dict(sys.modules, {"docx": None}), pytest.raises(DagregError, match="dagreg\\[word\\]"):
        word_file(record)


def test_the_paragraphs_state_the_facts_of_the_run(folder: Path) -> None:
    result = dagreg.open(folder / "out")
    text = " ".join(result.report("text").split())
    (effect,) = result.effects
    assert effect.result is not None
    first = effect.result.estimates[0].summary
    methods = text[text.index("Methods. ") : text.index("Results. ")]
    results = text[text.index("Results. ") :]
    assert "3 variables and 3 arrows" in methods
    assert "total effect of x on y" in methods
    assert "by adjustment for z" in methods
    assert "a Bayesian gaussian regression of y on x and z" in methods
    assert "90 rows of data" in methods
    assert "(engine exact, seed" in methods
    assert f"by {first.mean:.2f}" in results
    assert "Without adjustment the association was" in results


def test_only_what_an_answer_rests_on_is_cited(folder: Path) -> None:
    record = dagreg.open(folder / "out").record
    keys = re.findall(r"@\w+\{(\w+),", render(record, "bib"))
    assert "shpitser2010" in keys
    assert not {"pearl1995", "angrist1996", "tian2002", "pearl2001"} & set(keys)
    assert len(set(keys)) == len(keys)
