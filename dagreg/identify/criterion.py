"""What every covariate criterion has in common: a graph to separate in, and nodes that are barred.

A set Z is valid when it separates exposure and outcome in the graph `cut` and holds
only observed nodes outside `forbidden`. Rows chosen on a node are conditioned on it,
so `selected` nodes stand in every set; they are left out of the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from dagreg.graph.ancestry import ancestors, both, descendants, members, reachable, without
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path, open_path, separated
from dagreg.graph.separators import Budget, Separation, minimal_separators, nearest_separator

MAX_LISTED_SETS = 1000  # sets listed
MAX_WORK = 3_000_000  # nodes and edges visited by a listing


@dataclass(frozen=True, slots=True)
class Selection:
    """Nodes on which the rows were chosen: `before` and `after` the exposures; `barring` if no set can mend
    it.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    barring: bool


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question: which sets Z separate `xs` and `y` in `cut` and avoid `forbidden`?

    `causal` marks the nodes on proper causal paths from the exposures to the outcome, the
    outcome included (cn); `allowed` those that a set may hold: observed, not forbidden, not of the question.
    """

    graph: CausalGraph
    cut: CausalGraph
    xs: tuple[int, ...]
    y: int
    causal: bytearray
    forbidden: bytearray
    selection: Selection
    allowed: bytes

    @classmethod
    def of(
        cls,
        graph: CausalGraph,
        cut: CausalGraph,
        xs: tuple[int, ...],
        y: int,
        causal: bytearray,
        forbidden: bytearray,
        selection: Selection,
    ) -> Criterion:
        allowed = without(bytes(graph.observed), forbidden)
        for v in (*xs, y, *selection.before, *selection.after):
            allowed[v] = 0
        return cls(graph, cut, xs, y, causal, forbidden, selection, bytes(allowed))

    def task(self, include: Iterable[int] = (), exclude: Iterable[int] = ()) -> Separation:
        allowed = bytearray(self.allowed)
        for v in exclude:
            allowed[v] = 0
        return Separation.of(self.cut, self.xs, (self.y,), allowed, (*self.selection.before, *include))

    def valid(self, nodes: Collection[int]) -> bool:
        """Whether Z = nodes is a valid set: allowed throughout, and separating."""
        allowed = self.allowed
        return all(allowed[v] for v in nodes) and self.separates(nodes) and self.recoverable(nodes)

    def recoverable(self, nodes: Collection[int]) -> bool:
        """Whether the chosen rows stand for all rows given Z: P(y | x, z, s) = P(y | x, z) and P(z | s) =
        P(z).
        """
        after = self.selection.after
        if self.selection.barring:
            return False
        return len(after) == 0 or (
            separated(self.graph, (self.y,), after, (*self.xs, *nodes))
            and separated(self.graph, nodes, after, ())
        )

    def separates(self, nodes: Collection[int]) -> bool:
        return separated(self.cut, self.xs, (self.y,), (*nodes, *self.selection.before))

    def biasing_path(self, nodes: Collection[int]) -> Path | None:
        """A shortest path that stays open given `nodes`, or None where they separate."""
        return open_path(self.cut, self.xs, (self.y,), (*nodes, *self.selection.before))

    def one(self, include: Iterable[int] = (), exclude: Iterable[int] = ()) -> tuple[int, ...] | None:
        """A minimal set (beyond `include`) in linear time, the nearest to the exposures; None: no
        set exists.
        """
        separator = nearest_separator(self.task(include, exclude))
        return separator if separator is not None and self.recoverable((*separator, *include)) else None

    def minimal(
        self, limit: int = MAX_LISTED_SETS, work: int = MAX_WORK
    ) -> tuple[list[tuple[int, ...]], bool]:
        """Every minimal set, at most `limit` of them, and whether the list was cut."""
        budget = Budget(work)
        separators = list(islice(minimal_separators(self.task(), budget), limit + 1))
        recoverable = [zs for zs in separators[:limit] if self.recoverable(zs)]
        return recoverable, len(separators) > limit or budget.exhausted


def causal_nodes(graph: CausalGraph, xs: Collection[int], y: int) -> bytearray:
    """cn(X, Y): the nodes on proper causal paths, without X and with Y; empty where X is no cause of Y.

    (De(X) with the edges into X deleted, without X) and An(Y) with the edges out of X
    deleted (van der Zander, Liskiewicz and Textor 2014): a proper path leaves X once.
    """
    exposures = graph.mask(xs)
    below = reachable(graph.children, xs, exposures)
    above = ancestors(graph, [y], exposures)
    return without(both(below, above), exposures)


def forbidden_nodes(graph: CausalGraph, causal: bytearray) -> bytearray:
    """De(cn), inclusive (Perkovic et al. 2018)."""
    return descendants(graph, members(causal))
