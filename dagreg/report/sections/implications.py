"""What the graph claims about the data, and where there are data, whether it holds."""

from __future__ import annotations

from itertools import combinations

from dagreg.doubts.types import ImplicationTest
from dagreg.report.blocks import Banner, Block, Bullets, Heading, Paragraph, Table
from dagreg.report.prose import counted, listed, named
from dagreg.report.view import Subject, study_in
from dagreg.results.fit import Report
from dagreg.results.numbers import number, short_probability
from dagreg.spec.types import Spec
from dagreg.study import Study

MAX_ROWS = 60


def implications(subject: Subject) -> tuple[Block, ...]:
    study, tests = study_in(subject), _tests(subject)
    shortened, left = study.implications_complete is False, _untested(subject)
    if tests:
        return with_tests(tests, left, shortened=shortened)
    claims = study.implications
    if not claims:
        return tuple(Paragraph(text) for text in _without_claims(study))
    bullets = Bullets(tuple(_claim(*claim) for claim in claims[:MAX_ROWS]))
    return (Paragraph(_CLAIM), bullets, *_cut(len(claims)), *_shortened(shortened), *_left(left))


def with_tests(
    tests: tuple[ImplicationTest, ...], left: tuple[str, ...], *, shortened: bool
) -> tuple[Block, ...]:
    """Implied independences with their tests, the verdict first; `left` says why others have none."""
    if not tests:
        return (Paragraph(_CLAIM), *_left(left), *_shortened(shortened))
    shown = (Paragraph(_CLAIM + _HOW), *_verdict(tests), _tested(tests), *_cut(len(tests)))
    return (*shown, *_shortened(shortened), *_left(left))


_CLAIM = (
    "If the graph is right, these independences hold. Data that contradict one of them contradict the graph."
)
_HOW = (
    " Each is tested by whether what is left of both, once smooth functions of what is given are taken off, "
    "goes together: no line, family or equal variance is assumed (Shah and Peters 2020). The adjusted p "
    "allows for the number of tests (Holm 1979)."
)
_NONE = "The graph implies no independence among observed variables, so data cannot refute it this way."
_LARGE = "The graph implies independences among observed variables; it is too large for a list of them."
_SHORTENED = "The graph implies more independences than are listed: the list is cut for a graph of this size."


def _without_claims(study: Study) -> tuple[str, ...]:
    if study.implications_complete is False:
        return (_LARGE,)
    return (_NONE,) if study.implications_complete or _complete(study.spec) else ()


def _shortened(cut: bool) -> tuple[Block, ...]:
    return (Paragraph(_SHORTENED),) if cut else ()


def _untested(subject: Subject) -> tuple[str, ...]:
    return subject.untested if isinstance(subject, Report) else ()


def _left(sentences: tuple[str, ...]) -> tuple[Block, ...]:
    return (Paragraph("Not tested:"), Bullets(sentences)) if sentences else ()


def _complete(spec: Spec) -> bool:
    """Whether every two observed variables are joined by an edge, so that the graph implies
    nothing of them.
    """
    joined = {frozenset((e.source, e.target)) for e in spec.edges}
    observed = [name for name, node in spec.nodes.items() if node.observed]
    return all(frozenset(pair) in joined for pair in combinations(observed, 2))


def _claim(x: str, y: str, given: tuple[str, ...]) -> str:
    return f"{named(x)} and {named(y)} are independent{f' given {listed(given)}' if given else ''}."


def _tests(subject: Subject) -> tuple[ImplicationTest, ...]:
    if not isinstance(subject, Report):
        return ()
    return tuple(
        dict.fromkeys((*subject.tests, *(test for effect in subject.effects for test in effect.tests)))
    )


def _verdict(tests: tuple[ImplicationTest, ...]) -> tuple[Block, ...]:
    rejected = tuple(_claim(t.x, t.y, t.given) + _explained(t) for t in tests if t.rejected)
    if rejected:
        return (
            Banner("caution", f"The data reject {counted(len(rejected), 'implied independence')}", rejected),
        )
    return (
        Paragraph(
            "The data reject none of them, which does not prove the graph: other graphs imply the same."
        ),
    )


def _explained(t: ImplicationTest) -> str:
    how = " It fails in curvature, spread or a sign that changes, not in a trend." if t.curved else ""
    return how + (f" {_edges(t)} would explain it." if t.explained_by else "")


def _edges(t: ImplicationTest) -> str:
    return " or ".join(f"`{e}`" for e in t.explained_by)


def _tested(tests: tuple[ImplicationTest, ...]) -> Table:
    shown = tests[:MAX_ROWS]
    why = any(t.explained_by for t in shown)
    return Table(
        caption="Implied independences and their tests",
        columns=(
            Heading("Independent"),
            Heading("Given"),
            Heading("Statistic", True),
            Heading("p", True),
            Heading("p (adjusted)", True),
            Heading("Verdict"),
            *((Heading("Would explain it"),) if why else ()),
        ),
        rows=tuple(_row(t) + ((_edges(t),) if why else ()) for t in shown),
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
    return (Paragraph(f"Shown are {MAX_ROWS} of {n:,}; the JSON answer lists all."),) if n > MAX_ROWS else ()
