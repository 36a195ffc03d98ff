"""The names that a spec may use, and the complaint about others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dagreg.errors import Diagnostics, did_you_mean
from dagreg.spec.shapes import Located
from dagreg.spec.source import shorten
from dagreg.spec.types import Node


@dataclass(frozen=True, slots=True)
class Scope:
    """The nodes known so far. Not `complete` where a mistake hides some: unknown names are no news then."""

    nodes: Mapping[str, Node]
    declared: bool
    complete: bool
    mistakes: Diagnostics

    def known(self, name: Located[str]) -> bool:
        """Whether `name` is a node; reports it where it is not."""
        if name.value in self.nodes:
            return True
        if self.complete:
            place = "under `nodes:`" if self.declared else "in `edges:`"
            self.mistakes.error(
                "DR102",
                f"unknown node `{shorten(name.value)}`",
                name.span,
                lambda: did_you_mean(name.value, self.nodes) or f"no such name {place}",
            )
        return False

    def observed(self, name: Located[str], use: str) -> bool:
        """Whether `name` is an observed node; `use` completes "cannot ..."."""
        if not self.known(name):
            return False
        if not self.nodes[name.value].observed:
            self.mistakes.error("DR141", f"`{shorten(name.value)}` is unobserved and cannot {use}", name.span)
            return False
        return True

    def type(self, name: str) -> str | None:
        """The declared type of a node; None where it is open or the node is unknown."""
        node = self.nodes.get(name)
        return node.type if node is not None else None

    def keep_observed(self, names: Iterable[Located[str]], use: str) -> tuple[Located[str], ...]:
        return tuple(name for name in names if self.observed(name, use))
