"""The entry points: a report or an explanation, written in the format asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from dagreg.report.view import Subject
from dagreg.study import Study

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["text", "json", "md", "html"]
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


def render(subject: Subject, format: Format, width: int = TEXT_WIDTH) -> str:
    """The whole report as a string. `width` is that of text, in characters."""
    return _text(subject, width) if format == "text" else _FORMATS[format](subject)


def print_text(subject: Subject, console: Console) -> None:
    """Write the report to a rich console, as wide and as colourful as that is."""
    from dagreg.report.document import document
    from dagreg.report.text import print_document

    print_document(document(subject), console)


def framed(page: str) -> str:
    """An HTML page for a notebook's cell, its styles kept apart from the notebook's."""
    from html import escape

    return f'<iframe srcdoc="{escape(page)}" style="width: 100%; height: 40em; border: 0"></iframe>'


def _text(subject: Subject, width: int) -> str:
    import io

    from rich.console import Console

    stream = io.StringIO()
    print_text(
        subject,
        Console(file=stream, width=width, color_system=None, force_terminal=False, legacy_windows=False),
    )
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _json(subject: Subject) -> str:
    import json

    from dagreg.report.json import report_json, study_json
    from dagreg.results.fit import Report

    answer = report_json(subject) if isinstance(subject, Report) else study_json(subject)
    line = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    return (
        line.encode("utf-8", "backslashreplace").decode() + "\n"
    )  # a lone surrogate has no UTF-8, but a JSON escape


def _markdown(subject: Subject) -> str:
    from dagreg.report.document import document
    from dagreg.report.markdown import markdown

    return markdown(document(subject))


def _html(subject: Subject) -> str:
    from dagreg.report.document import document
    from dagreg.report.html import html

    return html(document(subject))


_FORMATS: Mapping[Format, Callable[[Subject], str]] = {"json": _json, "md": _markdown, "html": _html}
