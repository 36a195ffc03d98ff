"""The entry points: a report or an explanation, written in the format asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from json import dumps
from typing import TYPE_CHECKING, Any, Literal

from dagreg.doubts.types import GraphTest
from dagreg.lazy import Lazy
from dagreg.report.view import Subject
from dagreg.results.fit import Report
from dagreg.study import Study

if TYPE_CHECKING:
    from rich import console as rich

    from dagreg.report import blocks, document, html, json, latex, markdown, references, short, tested, text
    from dagreg.report import word as words
else:  # each format's own
    document, html = Lazy("dagreg.report.document"), Lazy("dagreg.report.html")
    json, markdown = Lazy("dagreg.report.json"), Lazy("dagreg.report.markdown")
    rich, text = Lazy("rich.console"), Lazy("dagreg.report.text")
    short, latex = Lazy("dagreg.report.short"), Lazy("dagreg.report.latex")
    tested = Lazy("dagreg.report.tested")
    words, references = Lazy("dagreg.report.word"), Lazy("dagreg.report.references")

ReportFormat = Literal["text", "json", "md", "html", "latex", "bib"]
TEXT_WIDTH = 100


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Study):
    """What `explain` answers: a study that prints as its report, and draws itself in a notebook."""

    @classmethod
    def of(cls, study: Study) -> Explanation:
        """The same study."""
        return cls(**{field.name: getattr(study, field.name) for field in fields(study)})

    def __str__(self) -> str:
        return render(self, "text")

    def _repr_html_(self) -> str:
        return framed(render(self, "html"))


@dataclass(frozen=True, slots=True, repr=False)
class TestedGraph(GraphTest):
    """What `test` answers: a graph held against data, that prints as its report."""

    @classmethod
    def of(cls, test: GraphTest) -> TestedGraph:
        """The same test."""
        return cls(**{field.name: getattr(test, field.name) for field in fields(test)})

    def __str__(self) -> str:
        return render(self, "text")

    def _repr_html_(self) -> str:
        return framed(render(self, "html"))


def render(subject: Subject | GraphTest, format: ReportFormat, width: int = TEXT_WIDTH) -> str:
    """The whole report as a string. `width` is that of text, in characters."""
    return _text(subject, width) if format == "text" else _FORMATS[format](subject)


def word(subject: Subject) -> bytes:
    """The whole report as a Word document. Raises DagregError (DR552) without the package python-docx."""
    return words.word(document.document(subject))


def print_text(subject: Subject | GraphTest, console: rich.Console) -> None:
    """Write the report to a rich console, as wide and as colourful as that is."""
    text.print_document(_document(subject), console)


def print_short(subject: Subject, console: rich.Console, then: Sequence[str] = ()) -> None:
    """Write its summary, of about 25 lines, to a rich console; `then` says where the rest is."""
    text.print_document(short.short(subject, then), console)


def print_doubts(subject: Subject, console: rich.Console) -> None:
    """Write what speaks against the answers of a report to a rich console."""
    text.print_document(short.doubted(subject), console)


def framed(page: str) -> str:
    """An HTML page for a notebook's cell, its styles kept apart from the notebook's."""
    return f'<iframe srcdoc="{escape(page)}" style="width: 100%; height: 40em; border: 0"></iframe>'


def _document(subject: Subject | GraphTest) -> blocks.Document:
    return tested.tested(subject) if isinstance(subject, GraphTest) else document.document(subject)


def _text(subject: Subject | GraphTest, width: int) -> str:
    stream = io.StringIO()
    print_text(
        subject,
        rich.Console(file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False),
    )
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _json(subject: Subject | GraphTest) -> str:
    if isinstance(subject, GraphTest):
        answer = json.test_json(subject)
    else:
        answer = json.report_json(subject) if isinstance(subject, Report) else json.study_json(subject)
    line = dumps(answer, ensure_ascii=False, allow_nan=False)
    return line.encode("utf-8", "backslashreplace").decode() + "\n"  # lone surrogates have escapes alone


_FORMATS: Mapping[ReportFormat, Callable[[Any], str]] = {
    "json": _json,
    "md": lambda subject: markdown.markdown(_document(subject)),
    "html": lambda subject: html.html(_document(subject)),
    "bib": lambda subject: references.bibtex(subject),
    "latex": lambda subject: latex.latex(document.document(subject)),
}
