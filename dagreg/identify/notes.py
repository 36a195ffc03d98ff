"""Every node's roles, and the sentence that says why it is in the chosen set or out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dagreg.identify.criterion import Criterion
from dagreg.identify.types import NodeNote


class NodeNotes(Mapping[str, NodeNote]):
    """The notes of all nodes, each worked out when it is asked for."""

    def __init__(self, criterion: Criterion, chosen: tuple[int, ...] | None) -> None:
        self._criterion = criterion
        self._chosen = chosen

    def __getitem__(self, name: str) -> NodeNote:
        v = self._criterion.graph.index[name]
        return NodeNote(name, (), self._chosen is not None and v in self._chosen, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._criterion.graph.names)

    def __len__(self) -> int:
        return len(self._criterion.graph.names)
