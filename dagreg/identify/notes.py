"""Every node's roles, and the sentence that says why it is in the chosen set or out of it.

Each claim is tested on the graph first: a path named as closed is open without the node and closed with
it, a path named as opened is closed without it and open with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dagreg.graph.ancestry import ancestors, descendants, shortest_directed_path
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path, open_path, separated
from dagreg.identify.criterion import Criterion
from dagreg.identify.types import NodeNote, Role
from dagreg.identify.words import directed, forbidden_because, is_common_cause, opening, quoted
from dagreg.spec.types import Kind


class NodeNotes(Mapping[str, NodeNote]):
    """The notes of all nodes, in order of declaration; each is worked out when it is asked for.

    `chosen` is None where no set is valid; the notes then speak of the empty set. `instruments` gives each
    instrument with a set that makes it one.
    """

    def __init__(
        self,
        criterion: Criterion,
        chosen: tuple[int, ...] | None,
        kind: Kind = "total",
        optimal: bool = False,
        instruments: Mapping[int, tuple[int, ...]] | None = None,
    ) -> None:
        self.criterion = criterion
        self.chosen = chosen
        self.base = () if chosen is None else chosen
        self.kind = kind
        self.optimal = optimal
        self.instruments = {} if instruments is None else instruments
        graph, y = criterion.graph, criterion.y
        exposures = graph.mask(criterion.xs)
        self._below_exposure = descendants(graph, criterion.xs)
        self._below_outcome = descendants(graph, [y])
        self._above_outcome = ancestors(graph, [y])
        self._above_outcome_otherwise = ancestors(graph, [y], exposures)
        self._above_exposure = ancestors(graph, criterion.xs)

    def __getitem__(self, name: str) -> NodeNote:
        v = self.criterion.graph.index[name]
        return NodeNote(name, self.roles(v), v in self.base, self.why(v), self.harmful(v))

    def __iter__(self) -> Iterator[str]:
        return iter(self.criterion.graph.names)

    def __len__(self) -> int:
        return len(self.criterion.graph)

    def __contains__(self, name: object) -> bool:
        return name in self.criterion.graph.index

    def harmful(self, v: int) -> bool:
        """Whether the chosen set with v would no longer be valid, v taken as if it were observed."""
        criterion = self.criterion
        if v in self.base or v == criterion.y or v in criterion.xs:
            return False
        if criterion.forbidden[v]:
            return True
        return self.chosen is not None and not criterion.separates((*self.base, v))

    def roles(self, v: int) -> tuple[Role, ...]:
        criterion = self.criterion
        if v == criterion.y:
            return ("outcome",)
        if v in criterion.xs:
            return ("exposure",)
        found: list[Role] = []
        if not criterion.graph.observed[v]:
            found.append("unobserved")
        if criterion.causal[v]:
            found.append("mediator")
        elif self.fork(v) is not None:
            found.append("confounder")
        if self.turning_path(v) is not None:
            found.append("collider")
        if v in self.instruments:
            found.append("instrument")
        if self._below_exposure[v] and not criterion.causal[v]:
            found.append("descendant of exposure")
        if self._below_outcome[v]:
            found.append("descendant of outcome")
        if self._above_outcome[v] and not {"mediator", "confounder", "instrument"} & set(found):
            found.append("ancestor of outcome")
        return tuple(found) if len(found) > 0 else ("unrelated",)

    def fork(self, v: int) -> Path | None:
        """A path x <- ... <- v -> ... -> y whose legs share only v, or None where none is found."""
        if not self._above_exposure[v] or not self._above_outcome_otherwise[v]:
            return None
        criterion = self.criterion
        return fork_path(criterion.graph, v, criterion.xs, criterion.y)

    def turning_path(self, v: int) -> Path | None:
        """A path between exposure and outcome on which v is a collider, open once v is adjusted for."""
        criterion = self.criterion
        if len(criterion.graph.parents[v]) + len(criterion.graph.siblings[v]) < 2:
            return None
        given = (*criterion.selection.before, v)
        return open_path(criterion.graph, criterion.xs, (criterion.y,), given, through=v, turning=True)

    def why(self, v: int) -> str:
        """One sentence."""
        text = self._why(v)
        return text if text.endswith(".") else text + "."

    def _why(self, v: int) -> str:
        criterion, name = self.criterion, self.criterion.graph.names[v]
        if v == criterion.y:
            return f"`{name}` is the outcome"
        if v in criterion.xs:
            return f"`{name}` is the exposure"
        if v in (*criterion.selection.before, *criterion.selection.after):
            return f"the rows were chosen on `{name}`, so it is conditioned on in any case"
        if v in self.base:
            return self._why_in(v)
        if not criterion.graph.observed[v]:
            return self._why_unobserved(v)
        if self.harmful(v):
            return self._why_harmful(v)
        if self.chosen is None:
            return self._why_unused(v)
        if v in self.instruments and self.fork(v) is None:
            return self._why_instrument(v)
        return self._why_not_needed(v)

    def _why_in(self, v: int) -> str:
        criterion = self.criterion
        graph, name = criterion.graph, criterion.graph.names[v]
        path = criterion.biasing_path([z for z in self.base if z != v])
        if path is not None:
            shown = path.render(graph)
            if path.causal:
                return f"`{name}` lies on {shown}: holding it fixed closes that path and leaves the direct effect"
            if is_common_cause(path, v):
                return f"`{name}` is a common cause: it closes {shown}"
            if len(path.colliders) > 0:
                return f"`{name}` closes {shown}, a path that the other nodes of the set open"
            return f"`{name}` closes {shown}"
        toward = shortest_directed_path(graph, [v], graph.mask([criterion.y]), graph.mask(criterion.xs))
        if self.optimal and toward is not None:
            return (
                f"`{name}` is not needed against bias; it explains part of the outcome "
                f"({directed(graph, toward)}), so the estimate is more precise with it"
            )
        return f"`{name}` is in the set as asked for; without it the set would be valid too"

    def _why_unobserved(self, v: int) -> str:
        criterion = self.criterion
        graph, name = criterion.graph, criterion.graph.names[v]
        text = f"`{name}` is unobserved, so it cannot be adjusted for"
        path = criterion_path(criterion, self.base, v)
        if path is not None:
            return f"{text}: {path.render(graph)} stays open"
        path = criterion_path(criterion, (), v)
        if path is not None and self.chosen is not None:
            return f"{text}; {path.render(graph)} is closed by {closers(path, graph, self.base)}"
        return text

    def _why_harmful(self, v: int) -> str:
        criterion = self.criterion
        if not criterion.causal[v] or not criterion.forbidden[v]:
            path = criterion.biasing_path((*self.base, v))
            opened = path is not None and len(path.colliders) > 0 and criterion.separates(self.base)
            if opened and path is not None:
                return opening(criterion.graph, v, path)
        return forbidden_because(criterion, v)

    def _why_instrument(self, v: int) -> str:
        criterion = self.criterion
        graph, ws = criterion.graph, self.instruments[v]
        given = "" if len(ws) == 0 else f", given {quoted(graph.named(ws))}"
        text = f"`{graph.names[v]}` is an instrument{given}: it is tied to the outcome only through the exposure"
        if separated(graph, (v,), criterion.xs, (*self.base, *criterion.selection.before)):
            return f"{text}; the chosen set does not need it"
        return f"{text}; adjusting for it would cost precision and amplify any bias that is left"

    def _why_unused(self, v: int) -> str:
        """No set is valid: what v would close, and what it would open."""
        criterion = self.criterion
        graph, name = criterion.graph, criterion.graph.names[v]
        through, turning = criterion_path(criterion, (), v), self.turning_path(v)
        if turning is not None:
            text = opening(graph, v, turning)
            return text if through is None else f"{text}; without it {through.render(graph)} stays open"
        if through is not None:
            return f"`{name}` closes {through.render(graph)}, but no set closes every path"
        if v in self.instruments:
            return self._why_instrument(v)
        return f"`{name}` is not used: no set is valid, with it or without it"

    def _why_not_needed(self, v: int) -> str:
        criterion = self.criterion
        graph, name = criterion.graph, criterion.graph.names[v]
        path = criterion_path(criterion, (), v)
        if path is not None:
            return f"`{name}` is not needed: {path.render(graph)} is closed by {closers(path, graph, self.base)}"
        base = (*self.base, *criterion.selection.before)
        moves = not separated(graph, (v,), criterion.xs, base)
        explains = not separated(graph, (v,), (criterion.y,), (*criterion.xs, *base))
        if explains and not moves:
            return (
                f"`{name}` is not needed against bias; it tells something of the outcome and nothing of the exposure, "
                "so adjusting for it would do no harm and could make the estimate more precise"
            )
        if moves and not explains:
            return (
                f"`{name}` is not needed: given the set it tells something of the exposure and nothing "
                "more of the outcome, so adjusting for it would only cost precision"
            )
        if not moves:
            return f"`{name}` is not needed: given the set it tells nothing of exposure or outcome"
        return f"`{name}` is not needed: no open path leads through it that biases the effect"


def criterion_path(criterion: Criterion, nodes: Collection[int], v: int) -> Path | None:
    """A biasing path through v, as a non-collider, that is open given `nodes`."""
    return open_path(criterion.cut, criterion.xs, (criterion.y,), (*nodes, *criterion.selection.before), through=v)


def closers(path: Path, graph: CausalGraph, given: Collection[int]) -> str:
    """Which nodes of `given` close a path that is open without them."""
    return quoted(graph.names[v] for v in path.noncolliders if v in given)


def fork_path(graph: CausalGraph, v: int, xs: tuple[int, ...], y: int) -> Path | None:
    """Two directed legs from v, one to an exposure and one to y, that share only v."""
    exposures, outcome = graph.mask(xs), graph.mask([y])
    for y_first in (True, False):
        if y_first:
            to_y = shortest_directed_path(graph, [v], outcome, exposures)
            to_x = None if to_y is None else shortest_directed_path(graph, [v], exposures, graph.mask(to_y))
        else:
            to_x = shortest_directed_path(graph, [v], exposures, outcome)
            barred = None if to_x is None else graph.mask((*to_x, *xs))
            to_y = None if barred is None else shortest_directed_path(graph, [v], outcome, barred)
        if to_x is not None and to_y is not None:
            nodes = (*reversed(to_x), *to_y[1:])
            return Path(nodes, ("<-",) * (len(to_x) - 1) + ("->",) * (len(to_y) - 1))
    return None
