"""Direct effects: the single-door criterion.

Theorem (Pearl 2009, theorem 5.3.1; Spirtes et al. 1998). The coefficient of X -> Y is that of X
in the regression of Y on X and Z where Z holds no descendant of Y and separates X and Y once the
edge X -> Y is deleted. The mediators in Z intercept every other causal path, and P(y | do(x, those)) is
identified, so Z gives a controlled direct effect without linearity too. Without such an edge
the direct effect is zero, and any separating set tests that.
"""

from __future__ import annotations

from dagreg.graph.ancestry import descendants
from dagreg.graph.causal import CausalGraph
from dagreg.identify.criterion import Criterion, Selection, causal_nodes


def direct_effect(graph: CausalGraph, xs: tuple[int, ...], y: int) -> Criterion:
    """The single-door criterion for xs on y."""
    edges = [(x, y) for x in xs if y in graph.children[x]]
    forbidden = descendants(graph, [y]) if len(edges) > 0 else graph.mask([y])
    selected = tuple(v for v, s in enumerate(graph.selected) if s and v != y and v not in xs)
    selection = Selection(selected, (), graph.selected[y] or any(forbidden[s] for s in selected))
    causal = causal_nodes(graph, xs, y)
    return Criterion.of(graph, graph.without(edges), xs, y, causal, forbidden, selection)
