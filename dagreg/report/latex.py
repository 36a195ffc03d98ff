"""The report as a LaTeX article that pdflatex, xelatex and lualatex take, with packages that all have.

The drawing of the graph is `dag.pdf` beside the file, where there is one: `dagreg draw SPEC -o dag.pdf`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dagreg.report.blocks import (
    Band,
    Banner,
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    Forest,
    Gallery,
    Headline,
    Paragraph,
    Picture,
    Section,
    Table,
)
from dagreg.report.markdown import legend_line
from dagreg.report.plots import forest_text
from dagreg.report.prose import runs, visible_lines

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage{iftex}
\iftutex\usepackage{fontspec}\else\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp}\fi
\usepackage[margin=2.5cm]{geometry}
\usepackage{array,booktabs,longtable,graphicx}
\setlength{\parindent}{0pt}\setlength{\parskip}{0.6em}
\setlength{\emergencystretch}{3em}
"""
SECTIONS = {2: "section", 3: "subsection"}
PAGE = 1.0  # of the text's width that the columns of a table share
MIN_SHARE = 0.06  # of it for the narrowest column
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "-": "-{}",
}  # fmt: skip
_BREAKS = re.compile(r"(\\_|[.:/,])")


def latex(document: Document) -> str:
    """The document as the source of an article."""
    parts = [
        PREAMBLE,
        rf"\title{{{prose(document.title)}}}",
        rf"\author{{{prose(document.subtitle)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        *(_section(section) for section in document.sections),
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def prose(text: str) -> str:
    """Prose with names in typewriter and every character of LaTeX escaped."""
    return "".join(_name(piece) if is_name else escaped(piece) for is_name, piece in runs(text))


def escaped(text: str) -> str:
    """Text as LaTeX shows it: no ligature, no command.

    >>> escaped("50% of a_b -> c")
    '50\\\\% of a\\\\_b -{}\\\\textgreater{} c'
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


def _name(text: str) -> str:
    """A name, which may break after a mark within it."""
    inside = _BREAKS.sub(lambda mark: rf"{mark[1]}\allowbreak{{}}", escaped(text))
    return rf"\texttt{{{inside}}}"


def _section(section: Section) -> str:
    head = rf"\{SECTIONS[section.level]}*{{{prose(section.title)}}}"
    return "\n\n".join(
        ["", head, *(one for block in section.blocks if (one := _WRITERS[type(block)](block)))]
    )


def _items(items: list[str]) -> str:
    return "\n".join([r"\begin{itemize}", *(rf"\item {item}" for item in items), r"\end{itemize}"])


def _banner(b: Banner) -> str:
    word = {"bad": "Stop", "caution": "Caution", "note": "Note"}[b.tone]
    return rf"\textbf{{{word}: {prose(b.title)}.}}" + "\n" + _items([prose(item) for item in b.items])


def _headline(b: Headline) -> str:
    label = f"{prose(b.label)}: " if b.label else ""
    unit = f" {prose(b.unit)}" if b.unit else ""
    return rf"{label}\textbf{{{prose(b.value)}}}{unit} ({prose(b.interval)}). {prose(b.sentence)}"


def _table(b: Table) -> str:
    """A table that may break over pages, its columns as wide as their words ask for."""
    columns = "".join(
        rf">{{\{'raggedleft' if c.numeric else 'raggedright'}\arraybackslash}}p{{{share:.3f}\linewidth}}"
        for c, share in zip(b.columns, shares(b), strict=True)
    )
    head = " & ".join(rf"\textbf{{{prose(c.title)}}}" for c in b.columns) + r" \\"
    rows = [
        " & ".join(rf"\textbf{{{prose(cell)}}}" if i in b.strong else prose(cell) for cell in row) + r" \\"
        for i, row in enumerate(b.rows)
    ]
    return "\n".join(
        [
            r"{\small\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            rf"\multicolumn{{{len(b.columns)}}}{{@{{}}p{{0.98\linewidth}}}}{{\textit{{{prose(b.caption)}}}}}\\[0.4em]",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            *rows,
            r"\bottomrule",
            r"\end{longtable}}",
        ]
    )


def shares(b: Table) -> list[float]:
    """The part of the line that each column gets: by the root of its longest cell, so that none starves."""
    longest = [
        max(len(cell) for cell in (c.title, *(row[i] for row in b.rows))) for i, c in enumerate(b.columns)
    ]
    roots = [max(n, 1) ** 0.6 for n in longest]
    room = PAGE - 0.012 * len(roots)  # what stands between columns
    wanted = [max(room * r / sum(roots), MIN_SHARE) for r in roots]
    return [room * w / sum(wanted) for w in wanted]


def _verbatim(text: str) -> str:
    inside = visible_lines(text).rstrip("\n").replace(r"\end{verbatim}", r"\ end{verbatim}")
    return "\n".join([r"{\footnotesize\begin{verbatim}", inside, r"\end{verbatim}}"])


def _code(b: Code) -> str:
    """The text; of a program where it is, for its lines are too long for a page."""
    if b.language:
        return rf"It is the file \texttt{{{escaped(b.caption)}}}."
    caption = f"{prose(b.caption)}:\n" if b.caption else ""
    return caption + _verbatim(b.text)


def _picture(b: Picture) -> str:
    """The drawing if it is there, else the arrows in words."""
    arrows = _items([rf"\texttt{{{escaped(edge)}}}" for edge in b.edges])
    drawn = r"\begin{center}\includegraphics[width=0.8\linewidth]{dag.pdf}\end{center}"
    legend = _items([prose(legend_line(item)) for item in b.legend]) if b.legend else ""
    return "\n".join([rf"\IfFileExists{{dag.pdf}}{{{drawn}}}{{{arrows}}}", prose(b.caption), legend])


_WRITERS: Mapping[type[Block], Callable[[Any], str]] = {
    Paragraph: lambda b: prose(b.text),
    Bullets: lambda b: _items([prose(item) for item in b.items]),
    Facts: lambda b: _items([rf"\textbf{{{prose(name)}:}} {prose(value)}" for name, value in b.pairs]),
    Table: _table,
    Code: _code,
    Banner: _banner,
    Headline: _headline,
    Picture: _picture,
    Forest: lambda b: rf"\textit{{{prose(b.caption)}}}" + "\n" + _verbatim(forest_text(b.panels)),
    Gallery: lambda b: "",  # drawings whose numbers stand in tables
    Band: lambda b: "",
}
