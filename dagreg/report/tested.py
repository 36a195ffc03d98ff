"""The report of `dagreg test`: whether the data contradict the graph, and whether they could have."""

from __future__ import annotations

from collections.abc import Iterator

from dagreg.doubts.types import GraphTest, Relabelling
from dagreg.report.blocks import Block, Document, Paragraph, Section
from dagreg.report.prose import counted, named
from dagreg.report.sections.implications import with_tests

UNINFORMATIVE = 0.05  # share of relabelled graphs, as in the paper
MAX_EDGES = 3


def tested(test: GraphTest) -> Document:
    """The verdict, every independence with its test, and the graph beside relabelled ones."""
    size = f"{counted(len(test.spec.nodes), 'variable')}, {counted(len(test.spec.edges), 'arrow')}"
    return Document(
        title=named(test.spec.name),
        subtitle=f"A graph and its data. {size}, {counted(test.rows, 'row')}.",
        sections=tuple(_sections(test)),
    )


def _sections(test: GraphTest) -> Iterator[Section]:
    yield Section("The graph against the data", (Paragraph(_verdict(test)),), 2, "verdict")
    if test.tests or test.untested:
        blocks = with_tests(test.tests, test.untested, shortened=not test.complete)
        yield Section("What the graph claims about the data", blocks, 2, "implications")
    if test.relabelling is not None and test.implications:
        shown = tuple(_beside(test, test.relabelling))
        yield Section("Could the data have refuted it?", shown, 2, "relabelled")


def _verdict(test: GraphTest) -> str:
    implied = counted(len(test.implications), "independence")
    if not test.implications and not test.complete:
        return "The graph is too large for a list of what it implies, so nothing was tested."
    if not test.implications:
        return "The graph implies no independence among observed variables: any data agree with it."
    if not test.tests:
        return f"The graph implies {implied}, and none of them could be tested."
    count = len(test.tests)
    held = "only independence tested" if count == 1 else f"{count:,} independences tested"
    if len(test.tests) < len(test.implications):
        held += f" (the graph implies {len(test.implications):,})"
    if not test.rejected:
        return f"The data do not reject the {held}." if count == 1 else f"The data reject none of the {held}."
    edges = [e for t in test.rejected for e in t.explained_by]
    most = max(map(edges.count, edges), default=0)
    best = [f"`{e}`" for e in dict.fromkeys(edges) if edges.count(e) == most]
    said = ""
    if most > 1 or len(test.rejected) == most == 1:
        what = "it" if len(test.rejected) == 1 else f"{most} of them"
        said = f" {' or '.join(best[:MAX_EDGES])} would explain {what}."
    many = "the" if count == 1 else f"{len(test.rejected):,} of the"
    it = "it" if len(test.rejected) == 1 else "them"
    return f"The data reject {many} {held}, and with {it} the graph as it is.{said}"


def _beside(test: GraphTest, beside: Relabelling) -> Iterator[Block]:
    which = "all that there are" if beside.every else "at random"
    text = (
        f"The names of the nodes were exchanged among them: {beside.tried:,} relabelled graphs, {which} "
        f"(Eulig, Mastakouri, Blöbaum, Hardt and Janzing 2023). {_share(beside.same)} of these imply the "
        "same independences as the graph."
    )
    if beside.tested:
        text += (
            f" Of the graph's own, {beside.failed} of {beside.tested} fail at 5 % each, on "
            f"{counted(beside.rows, 'row')}; of {_share(beside.as_few)} of the relabelled graphs, as small a "
            "part fails or a smaller one."
        )
    yield Paragraph(text)
    yield Paragraph(_meaning(test, beside))


def _meaning(test: GraphTest, beside: Relabelling) -> str:
    if beside.same > UNINFORMATIVE:
        so = (
            "and are contradicted with it"
            if test.rejected
            else "so that data which agree with it are hardly evidence for it"
        )
        return f"The graph is uninformative: {_share(beside.same)} of relabelled graphs imply the same, {so}."
    if not beside.tested:
        return "None of its independences could be tested: these data cannot refute it."
    if beside.as_few <= UNINFORMATIVE:
        although = ", although they reject part of it" if test.rejected else ""
        return f"The data could have refuted the graph, and tell it from others of the same shape{although}."
    return (
        "Other graphs of the same shape imply other independences, and many of these agree with the data as "
        "well: the data do not tell the graph from them."
    )


def _share(value: float) -> str:
    if 0 < value < 0.01:
        return "under 1 %"
    return f"{100 * value:.{0 if value == 0 or value >= 0.1 else 1}f} %"
