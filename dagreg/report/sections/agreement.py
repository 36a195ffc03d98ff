"""Where the graph allows two estimators, their difference puts the graph to the test."""

from __future__ import annotations

from dagreg.effects.types import Disagreement
from dagreg.report.blocks import Banner, Block, Heading, Paragraph, Table
from dagreg.report.prose import sentence
from dagreg.report.view import EffectView
from dagreg.results.numbers import number


def agreement(view: EffectView) -> tuple[Block, ...]:
    rows = view.fitted.result.disagreements if view.fitted and view.fitted.result else ()
    if not rows:
        return ()
    bad = tuple(sentence(d.message) for d in rows if d.disagrees)
    verdict: Block = (
        Banner("caution", "The two estimates differ by more than chance allows", bad)
        if bad
        else Paragraph("They agree within the uncertainty of their difference, as the graph asks.")
    )
    return (
        Paragraph(
            "The chain of regressions and the adjusted regression estimate the same effect if the graph "
            "is right. A difference beyond its own uncertainty speaks against an arrow, against a missing "
            "arrow, or against the form of a regression. The standard deviation is that of the difference "
            "itself: both use the same rows."
        ),
        verdict,
        Table(
            caption="Chain minus adjusted",
            columns=(
                Heading("Comparison"),
                Heading("Difference", True),
                Heading("SD", True),
                Heading("Verdict"),
            ),
            rows=tuple(_row(d) for d in rows),
            strong=frozenset(i for i, d in enumerate(rows) if d.disagrees),
        ),
    )


def _row(d: Disagreement) -> tuple[str, ...]:
    verdict = "they disagree" if d.disagrees else "they agree"
    return (d.contrast, number(d.difference, d.sd), number(d.sd, d.sd), verdict)
