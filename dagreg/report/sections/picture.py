"""The graph of one question, drawn and in words."""

from __future__ import annotations

from dagreg.report.blocks import Block, Picture
from dagreg.report.draw import CannotDraw, draw, edge_text, picture_title, svg
from dagreg.report.looks import legend
from dagreg.report.view import EffectView

MAX_EDGES = 200


def picture(view: EffectView) -> tuple[Block, ...]:
    def drawing() -> str | None:
        try:
            return svg(view.spec, view.answer, f"dag{view.place}")
        except CannotDraw:
            return None

    def image() -> bytes | None:
        try:
            return draw(view.spec, view.answer, "png")
        except CannotDraw:
            return None

    return (
        Picture(
            alt=picture_title(view.spec, view.answer),
            caption="Arrows point from cause to effect.",
            edges=_edges(view),
            legend=legend(view.spec, view.answer),
            svg=drawing,
            png=image,
        ),
    )


def _edges(view: EffectView) -> tuple[str, ...]:
    edges = view.spec.edges
    shown = tuple(edge_text(e) for e in edges[:MAX_EDGES])
    return shown if len(edges) <= MAX_EDGES else (*shown, f"... and {len(edges) - MAX_EDGES:,} more arrows")
