"""What each node and arrow is to the question, and how that is drawn: the colours and shapes, and their
legend.

What a node is to the question is told by shape and border as well as by colour (after Okabe and
Ito's palette, safe for colour-blind readers).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dagreg.identify.types import Answer, Instrument
from dagreg.report.blocks import LegendItem
from dagreg.spec.types import Spec

Look = Literal["exposure", "outcome", "adjusted", "harmful", "instrument", "unobserved", "other"]


@dataclass(frozen=True, slots=True)
class Style:
    """How one kind of node is drawn: in words, as Graphviz attributes, and its (fill, line) by day and by
    night.
    """

    name: str
    look: str
    shape: Mapping[str, str]
    swatch: str  # SVG shapes within 30 x 18
    day: tuple[str, str]
    night: tuple[str, str]

    @property
    def attributes(self) -> dict[str, str]:
        fill, line = self.day
        filled = {"fillcolor": fill} if fill != "none" else {}
        return {**self.shape, **filled, "color": line}


_OVAL = '<ellipse cx="15" cy="9" rx="13" ry="7"/>'

STYLES: Mapping[Look, Style] = {
    "exposure": Style(
        "Exposure",
        "blue rectangle",
        {"shape": "box", "style": "filled", "penwidth": "2"},
        '<rect x="2" y="2" width="26" height="14" stroke-width="2"/>',
        ("#d6e9f5", "#0072b2"),
        ("#12384f", "#63b7e6"),
    ),
    "outcome": Style(
        "Outcome",
        "orange rectangle with rounded corners",
        {"shape": "box", "style": "filled,rounded", "penwidth": "2"},
        '<rect x="2" y="2" width="26" height="14" rx="5" stroke-width="2"/>',
        ("#fce8cd", "#b85c00"),
        ("#4a2f10", "#eba55a"),
    ),
    "adjusted": Style(
        "Adjusted for",
        "green, double border",
        {"style": "filled", "peripheries": "2"},
        '<ellipse cx="15" cy="9" rx="11" ry="5.5"/><ellipse cx="15" cy="9" rx="14" ry="8.3" fill="none"/>',
        ("#d8f0e6", "#00785a"),
        ("#123f32", "#5cc7a4"),
    ),
    "harmful": Style(
        "Must not be adjusted for",
        "purple octagon",
        {"shape": "octagon", "style": "filled"},
        '<polygon points="9,2 21,2 28,6 28,12 21,16 9,16 2,12 2,6"/>',
        ("#f6e3ee", "#a0467f"),
        ("#44203a", "#dd95c2"),
    ),
    "instrument": Style(
        "Instrument",
        "yellow hexagon",
        {"shape": "hexagon", "style": "filled"},
        '<polygon points="8,2 22,2 28,9 22,16 8,16 2,9"/>',
        ("#f8f2ca", "#857600"),
        ("#3d3810", "#d9c84a"),
    ),
    "unobserved": Style(
        "Unobserved",
        "grey, dashed border",
        {"style": "dashed"},
        '<ellipse cx="15" cy="9" rx="13" ry="7" stroke-dasharray="4 2"/>',
        ("none", "#6b7280"),
        ("none", "#9aa4b0"),
    ),
    "other": Style("Other variables", "plain outline", {}, _OVAL, ("none", "#57606a"), ("none", "#a6b0bb")),
}

MAX_NODES, MAX_EDGES = 400, 1500  # beyond these a layout takes minutes, and nobody could read it
MAX_NAMES = 40  # in one entry of the legend

INK, ARROW, CAUSAL = "#24292f", "#6e7781", "#0072b2"
_NIGHT_INK, _NIGHT_ARROW, _NIGHT_CAUSAL = "#e3e7ec", "#98a2ad", "#63b7e6"

_ARROWS: Mapping[str, str] = {
    "causal": f'<path d="M1 9H22" fill="none" stroke="{CAUSAL}" stroke-width="2.4"/>'
    f'<polygon points="21,4 29,9 21,14" fill="{CAUSAL}"/>',
    "bidirected": f'<path d="M7 9H23" fill="none" stroke="{ARROW}" stroke-width="1.4" stroke-dasharray="4 '
    '2"/>'
    f'<polygon points="22,5 29,9 22,13" fill="{ARROW}"/><polygon points="8,5 1,9 8,13" fill="{ARROW}"/>',
}


def night_css() -> str:
    """The colours for dark screens; the drawing itself holds those for light ones and for paper."""
    nodes = "".join(
        f'.dag .{look} [fill="{style.day[0]}"]{{fill:{style.night[0]}}}.dag .{look} '
        f"[stroke]{{stroke:{style.night[1]}}}"
        for look, style in STYLES.items()
    )
    edges = (
        f".dag .edge path{{stroke:{_NIGHT_ARROW}}}.dag .edge "
        f"polygon{{fill:{_NIGHT_ARROW};stroke:{_NIGHT_ARROW}}}"
        f".dag .causal path{{stroke:{_NIGHT_CAUSAL}}}"
        f".dag .causal polygon{{fill:{_NIGHT_CAUSAL};stroke:{_NIGHT_CAUSAL}}}"
    )
    return f"@media screen and (prefers-color-scheme:dark){{.dag text{{fill:{_NIGHT_INK}}}{nodes}{edges}}}"


def swatch(css: str) -> str:
    """A legend's small drawing, in the colours that `night_css` knows."""
    if css in _ARROWS:
        return _swatch(f"edge {css}", _ARROWS[css])
    style = next(style for look, style in STYLES.items() if look == css)
    fill, line = style.day
    return _swatch(f"node {css}", f'<g fill="{fill}" stroke="{line}">{style.swatch}</g>')


def _swatch(css: str, inside: str) -> str:
    return (
        f'<svg class="dag swatch" width="30" height="18" viewBox="0 0 30 18" aria-hidden="true">'
        f'<g class="{css}">{inside}</g></svg>'
    )


def looks(spec: Spec, answer: Answer | None) -> dict[str, Look]:
    """What each node is to the question, one thing each."""
    nodes = names(spec)
    harmful = _harmful(nodes, answer)
    return {name: _look(name, spec, answer, name in harmful) for name in nodes}


def _harmful(nodes: tuple[str, ...], answer: Answer | None) -> frozenset[str]:
    """Those that must not be adjusted for; not asked in a graph too large to be drawn, where finding out
    takes long.
    """
    if answer is None or len(nodes) > MAX_NODES:
        return frozenset()
    notes = answer.justification.nodes
    return frozenset(name for name in nodes if name in notes and notes[name].harmful)


def names(spec: Spec) -> tuple[str, ...]:
    """The nodes, and should an edge name another, that too."""
    ends = (end for edge in spec.edges for end in (edge.source, edge.target))
    return tuple(dict.fromkeys((*spec.nodes, *ends)))


def _look(name: str, spec: Spec, answer: Answer | None, harmful: bool) -> Look:
    node = spec.nodes.get(name)
    hidden = node is not None and not node.observed
    if answer is None:
        return "unobserved" if hidden else "other"
    why = answer.justification
    tests: tuple[tuple[Look, bool], ...] = (
        ("exposure", name in why.query.exposure),
        ("outcome", name == why.query.outcome),
        ("unobserved", hidden),
        ("adjusted", name in (why.adjustment.chosen or ())),
        ("instrument", isinstance(answer, Instrument) and any(name == i.instrument for i in why.instruments)),
        ("harmful", harmful),
    )
    return next((look for look, holds in tests if holds), "other")


def causal_edges(spec: Spec, answer: Answer | None) -> frozenset[tuple[str, str]]:
    """The edges on directed paths from an exposure to the outcome that do not pass an exposure again."""
    if answer is None:
        return frozenset()
    query = answer.justification.query
    exposure = set(query.exposure)
    arrows = [(e.source, e.target) for e in spec.edges if not e.bidirected and e.target not in exposure]
    below = _reached(exposure, arrows)
    above = _reached({query.outcome}, [(b, a) for a, b in arrows])
    return frozenset((a, b) for a, b in arrows if a in below and b in above and a != query.outcome)


def _reached(start: Iterable[str], arrows: Iterable[tuple[str, str]]) -> set[str]:
    after: dict[str, list[str]] = {}
    for a, b in arrows:
        after.setdefault(a, []).append(b)
    seen, waiting = set(start), list(start)
    while waiting:
        fresh = [b for b in after.get(waiting.pop(), ()) if b not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return seen


def legend(spec: Spec, answer: Answer | None) -> tuple[LegendItem, ...]:
    """The kinds of node and arrow that the picture holds."""
    kinds = looks(spec, answer)
    members = {look: tuple(n for n, kind in kinds.items() if kind == look) for look in STYLES}
    nodes = [
        LegendItem(
            look, style.name, style.look, members[look][:MAX_NAMES], max(0, len(members[look]) - MAX_NAMES)
        )
        for look, style in STYLES.items()
        if members[look]
    ]
    arrows = []
    if causal_edges(spec, answer):
        arrows.append(LegendItem("causal", "Causal path", "thick blue arrow"))
    if any(e.bidirected for e in spec.edges):
        arrows.append(
            LegendItem("bidirected", "Unobserved common cause of two variables", "dashed double-headed arrow")
        )
    return (*nodes, *arrows)
