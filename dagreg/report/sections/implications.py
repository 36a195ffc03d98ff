"""What the graph claims about the data, and where there are data, whether it holds."""

from __future__ import annotations

from itertools import combinations

from dagreg.check.types import ImplicationTest
from dagreg.report.blocks import Banner, Block, Bullets, Column, Paragraph, Table
from dagreg.report.numbers import number, short_probability
from dagreg.report.prose import counted, listed, named
from dagreg.report.result import Report
from dagreg.report.view import Subject, explained_of
from dagreg.spec.types import Spec

MOST_ROWS = 60


def implications(subject: Subject) -> tuple[Block, ...]:
    tests = _tests(subject)
    if tests:
        return (Paragraph(_CLAIM + _HOW), *_verdict(tests), _tested(tests), *_cut(len(tests)))
    claims = explained_of(subject).implications
    if not claims and not _complete(explained_of(subject).spec):
        return ()  # there are some, but they were not listed
    if not claims:
        return (
            Paragraph("The graph implies no independence among observed variables, so data cannot refute it this way."),
        )
    shown = tuple(_claim(*claim) for claim in claims[:MOST_ROWS])
    return (Paragraph(_CLAIM), Bullets(shown), *_cut(len(claims)))


_CLAIM = "If the graph is right, these independences hold. Data that contradict one of them contradict the graph."
_HOW = " The adjusted p allows for the number of tests."


def _complete(spec: Spec) -> bool:
    """Whether every two observed variables are joined by an edge, so that the graph implies nothing of them."""
    joined = {frozenset((e.source, e.target)) for e in spec.edges}
    observed = [name for name, node in spec.nodes.items() if node.observed]
    return all(frozenset(pair) in joined for pair in combinations(observed, 2))


def _claim(x: str, y: str, given: tuple[str, ...]) -> str:
    return f"{named(x)} and {named(y)} are independent{f' given {listed(given)}' if given else ''}."


def _tests(subject: Subject) -> tuple[ImplicationTest, ...]:
    effects = subject.effects if isinstance(subject, Report) else ()
    return tuple(dict.fromkeys(test for effect in effects for test in effect.tests))


def _verdict(tests: tuple[ImplicationTest, ...]) -> tuple[Block, ...]:
    rejected = tuple(_claim(t.x, t.y, t.given) for t in tests if t.rejected)
    if rejected:
        return (Banner("caution", f"The data reject {counted(len(rejected), 'implied independence')}", rejected),)
    return (Paragraph("The data reject none of them, which does not prove the graph: other graphs imply the same."),)


def _tested(tests: tuple[ImplicationTest, ...]) -> Table:
    shown = tests[:MOST_ROWS]
    return Table(
        caption="Implied independences and their tests",
        columns=(
            Column("Independent"),
            Column("Given"),
            Column("Statistic", True),
            Column("p", True),
            Column("p (adjusted)", True),
            Column("Verdict"),
        ),
        rows=tuple(_row(t) for t in shown),
        strong=frozenset(i for i, t in enumerate(shown) if t.rejected),
    )


def _row(t: ImplicationTest) -> tuple[str, ...]:
    return (
        listed((t.x, t.y)),
        listed(t.given) if t.given else "nothing",
        number(t.statistic),
        short_probability(t.p),
        short_probability(t.p_adjusted),
        "rejected" if t.rejected else "not rejected",
    )


def _cut(n: int) -> tuple[Block, ...]:
    return (Paragraph(f"Shown are {MOST_ROWS} of {n:,}; the JSON answer lists all."),) if n > MOST_ROWS else ()
