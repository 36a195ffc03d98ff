"""One question in the making: what every strategy may read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dagreg.graph.causal import CausalGraph
from dagreg.identify.adjustment import direct_effect, total_effect
from dagreg.identify.criterion import Criterion
from dagreg.identify.types import Query


@dataclass(frozen=True, slots=True)
class Case:
    """The query on its graph, with the chosen adjustment set and the front-door sets already found."""

    graph: CausalGraph
    query: Query
    criterion: Criterion
    chosen: tuple[int, ...] | None = None
    frontdoor: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, graph: CausalGraph, query: Query) -> Case:
        xs, y = tuple(dict.fromkeys(graph.index[x] for x in query.exposure)), graph.index[query.outcome]
        criterion = direct_effect(graph, xs, y) if query.kind == "direct" else total_effect(graph, xs, y)
        return cls(graph, query, criterion)

    @property
    def xs(self) -> tuple[int, ...]:
        return self.criterion.xs

    @property
    def y(self) -> int:
        return self.criterion.y

    @property
    def zero(self) -> bool:
        """Whether the graph alone makes the effect zero."""
        if self.query.kind == "direct":
            return not any(self.y in self.graph.children[x] for x in self.xs)
        return not self.criterion.causal[self.y]

    @property
    def selected(self) -> bool:
        """Whether the rows were chosen on some node."""
        return any(self.graph.selected)

    def having(self, chosen: tuple[int, ...] | None, frontdoor: tuple[tuple[int, ...], ...]) -> Case:
        return replace(self, chosen=chosen, frontdoor=frontdoor)
