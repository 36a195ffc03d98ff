"""The same effect by other regressions: a specification curve, in a table and a picture."""

from __future__ import annotations

from dagreg.doubts.types import Specification
from dagreg.report.blocks import Block, Forest, Heading, Paragraph, Table
from dagreg.report.plots import Emphasis, Panel, Row
from dagreg.report.prose import listed, sentence
from dagreg.report.view import EffectView
from dagreg.report.words import scale
from dagreg.results.numbers import number, percent

MAX_NAMED = 4


def movement(view: EffectView) -> tuple[Block, ...]:
    found = view.fitted.specifications if view.fitted else ()
    if len(found) < 2 or view.refused:
        return ()
    rows = sorted(found, key=lambda s: s.mean)
    head = view.primary()[0]
    level = percent(head.summary.level)
    return (
        Paragraph(
            "The same comparison by other regressions. Those that the graph allows should agree up to noise; "
            "where they do not, the graph or a regression is wrong. Those that it does not allow show what "
            "the answer would be without what they leave out: they are no second opinion."
        ),
        Table(
            caption="Regressions and their estimates, from the smallest to the largest",
            columns=(
                Heading("Regression"),
                Heading("Adjusted for"),
                Heading("By the graph"),
                Heading("Mean", True),
                Heading(f"{level} interval", True),
            ),
            rows=tuple(_row(s) for s in rows),
            strong=frozenset(i for i, s in enumerate(rows) if s.primary),
            muted=frozenset(i for i, s in enumerate(rows) if not s.valid),
        ),
        Forest(
            f"Other regressions, with {level} intervals",
            (Panel(scale(view, head).capitalize(), tuple(_point(s) for s in rows), head.null),),
        ),
    )


def _row(s: Specification) -> tuple[str, ...]:
    return (
        f"{s.name} (the answer)" if s.primary else s.name,
        _set(s),
        _verdict(s),
        number(s.mean, s.sd),
        f"{number(s.interval[0], s.sd)} to {number(s.interval[1], s.sd)}",
    )


def _set(s: Specification) -> str:
    if not s.adjusted_for:
        return "nothing"
    if len(s.adjusted_for) > MAX_NAMED:
        return f"{len(s.adjusted_for)} variables"
    return listed(s.adjusted_for)


def _verdict(s: Specification) -> str:
    if s.valid:
        return "valid"
    return sentence(f"not valid: {s.why}") if s.why else "not valid"


def _point(s: Specification) -> Row:
    emphasis: Emphasis = "primary" if s.primary else "plain" if s.valid else "muted"
    words = f"{number(s.mean, s.sd)} ({number(s.interval[0], s.sd)} to {number(s.interval[1], s.sd)})"
    return Row(s.name.replace("`", ""), s.mean, *s.interval, words, emphasis)
