"""Every node's roles, and the sentence that says why it is in the chosen set or out of it.

Each claim is tested on the graph first: a path named as closed is open without the node and closed with
it, a path named as opened is closed without it and open with it.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from functools import cached_property

from dagreg.graph.ancestry import ancestors
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import Path, open_path, open_path_where
from dagreg.graph.separators import Budget
from dagreg.identify.criterion import Criterion
from dagreg.identify.survey import Survey
from dagreg.identify.types import NodeNote, Role
from dagreg.identify.words import directed, forbidden_because, is_common_cause, opening, quoted, shown
from dagreg.spec.types import Kind

MAX_SEARCH_WORK = 2_000_000  # nodes times edges up to which every note may search the whole graph
MAX_WORK = 4_000_000  # nodes and edges visited by the searches of all notes of a larger graph
BOUNDED = (
    "The graph is large, so the search for paths through each variable was bounded: some sentences name "
    "no path, and a collider may go unmarked. `dagreg explain` with `--node` searches without that bound."
)


class NodeNotes(Mapping[str, NodeNote]):
    """The notes of all nodes, in order of declaration; each is worked out when it is asked for.

    `chosen` is None where no set is valid; the notes then speak of the empty set. `instruments` gives each
    instrument with a set that makes it one. A note asked for by name searches the whole graph for the path
    that it names; in a large graph those of `values()` and `items()` share a bounded amount of work.
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
        self.kind = kind
        self.optimal = optimal
        self.instruments = {} if instruments is None else instruments
        self.survey = Survey(criterion, () if chosen is None else chosen)
        self.allowance: int | None = None  # visits of one search; None: the whole graph

    @property
    def bounded(self) -> bool:
        """Whether the graph is too large for every note to search all of it."""
        return len(self) * self.criterion.graph.size > MAX_SEARCH_WORK

    @cached_property
    def _together(self) -> NodeNotes:
        """These notes, to be read all at once."""
        if not self.bounded:
            return self
        notes = NodeNotes(self.criterion, self.chosen, self.kind, self.optimal, self.instruments)
        notes.survey, notes.allowance = self.survey, MAX_WORK // len(self)
        return notes

    def __getitem__(self, name: str) -> NodeNote:
        v = self.criterion.graph.index[name]
        return NodeNote(name, self.roles(v), bool(self.survey.in_base[v]), self.why(v), self.harmful(v))

    def __iter__(self) -> Iterator[str]:
        return iter(self.criterion.graph.names)

    def __len__(self) -> int:
        return len(self.criterion.graph)

    def __contains__(self, name: object) -> bool:
        return name in self.criterion.graph.index

    def values(self) -> ValuesView[NodeNote]:
        return ValuesView(self._together)

    def items(self) -> ItemsView[str, NodeNote]:
        return ItemsView(self._together)

    def harmful(self, v: int) -> bool:
        """Whether the chosen set with v would no longer be valid, v taken as if it were observed."""
        criterion = self.criterion
        if self.survey.in_base[v] or v == criterion.y or v in criterion.xs:
            return False
        return bool(criterion.forbidden[v]) or (self.chosen is not None and bool(self.survey.opening[v]))

    def roles(self, v: int) -> tuple[Role, ...]:
        criterion, survey = self.criterion, self.survey
        if v == criterion.y:
            return ("outcome",)
        if v in criterion.xs:
            return ("exposure",)
        roles: list[Role] = []
        if not criterion.graph.observed[v]:
            roles.append("unobserved")
        if criterion.causal[v]:
            roles.append("mediator")
        elif survey.forks[v]:
            roles.append("confounder")
        if self.turning_path(v) is not None:
            roles.append("collider")
        if v in self.instruments:
            roles.append("instrument")
        if survey.below_exposure[v] and not criterion.causal[v]:
            roles.append("descendant of exposure")
        if survey.below_outcome[v]:
            roles.append("descendant of outcome")
        if survey.above_outcome[v] and not {"mediator", "confounder", "instrument"} & set(roles):
            roles.append("ancestor of outcome")
        return tuple(roles) if len(roles) > 0 else ("unrelated",)

    # ------------------------------------------------------------ paths

    def turning_path(self, v: int) -> Path | None:
        """A path between exposure and outcome on which v is a collider, open once v is adjusted for."""
        criterion, survey = self.criterion, self.survey
        if not survey.may_turn[v]:
            return None
        if self.allowance is None:
            return open_path(
                criterion.graph, criterion.xs, (criterion.y,), (*survey.rows, v), v, turning=True
            )
        return self._within_bounds(criterion.graph, self._rows, v, 1, through=v, turning=True)

    def passing_path(self, v: int) -> Path | None:
        """A biasing path through v, as a non-collider, that is open before adjustment."""
        criterion, survey = self.criterion, self.survey
        if not survey.may_pass[v] or v in survey.rows:
            return None
        if self.allowance is None:
            return open_path(criterion.cut, criterion.xs, (criterion.y,), survey.rows, through=v)
        return self._within_bounds(criterion.cut, self._rows, v, 0, through=v)

    def opened_path(self, v: int) -> Path | None:
        """A biasing path that adjusting for v as well opens."""
        if self.allowance is None:
            return self.criterion.biasing_path((*self.survey.base, v))
        return self._within_bounds(self.criterion.cut, self._base, v, 1)

    def path_closed_by(self, z: int) -> Path | None:
        """A biasing path that is open without this member of the set."""
        if self.allowance is None:
            return self.criterion.biasing_path([v for v in self.survey.base if v != z])
        cut, y = self.criterion.cut, self.criterion.y
        for x in self.criterion.xs:
            if z in cut.parents[x] and z in cut.parents[y]:
                return Path((x, z, y), ("<-", "->"))
        return self._within_bounds(self.criterion.cut, self._members, z, 0)

    def _within_bounds(
        self,
        graph: CausalGraph,
        masks: tuple[bytearray, bytearray],
        v: int,
        given: int,
        through: int | None = None,
        turning: bool = False,
    ) -> Path | None:
        """A search that stops early, v given or not.

        It turns at fewer colliders than are open: what it finds holds.
        """
        criterion, budget = self.criterion, Budget(self.allowance or 0)
        blocked, opened = masks
        before = blocked[v], opened[v]
        blocked[v] = given
        opened[v] = given or (opened[v] and not before[0])
        try:
            return open_path_where(
                graph, criterion.xs, (criterion.y,), blocked, opened, through, turning, budget
            )
        finally:
            blocked[v], opened[v] = before

    @cached_property
    def _rows(self) -> tuple[bytearray, bytearray]:
        """Which nodes block, and which colliders are open, before adjustment."""
        graph, rows = self.criterion.graph, self.survey.rows
        return graph.mask(rows), ancestors(graph, rows)

    @cached_property
    def _base(self) -> tuple[bytearray, bytearray]:
        """The same given the set."""
        graph, given = self.criterion.cut, self.survey.given
        return graph.mask(given), ancestors(graph, given)

    @cached_property
    def _members(self) -> tuple[bytearray, bytearray]:
        """The same where some member may be missing: colliders are open only at the others themselves."""
        given = self.criterion.cut.mask(self.survey.given)
        return given, bytearray(given)

    # ------------------------------------------------------------ sentences

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
        if self.survey.in_base[v]:
            return self._why_in(v)
        if not criterion.graph.observed[v]:
            return self._why_unobserved(v)
        if self.harmful(v):
            return self._why_harmful(v)
        if self.chosen is None:
            return self._why_unused(v)
        if v in self.instruments and not self.survey.forks[v]:
            return self._why_instrument(v)
        return self._why_not_needed(v)

    def _why_in(self, v: int) -> str:
        criterion, survey = self.criterion, self.survey
        graph, name = criterion.graph, criterion.graph.names[v]
        if survey.needed[v]:
            path = self.path_closed_by(v)
            if path is None:
                return f"`{name}` is needed: without it a path that biases the effect would be open"
            words = shown(graph, path, v)
            if path.causal:
                return (
                    f"`{name}` lies on {words}: holding it fixed closes that path and leaves the direct "
                    "effect"
                )
            if is_common_cause(path, v):
                return f"`{name}` is a common cause: it closes {words}"
            if len(path.colliders) > 0:
                return f"`{name}` closes {words}, a path that the other nodes of the set open"
            return f"`{name}` closes {words}"
        toward = survey.to_outcome(v)
        if self.optimal and toward is not None:
            return (
                f"`{name}` is not needed against bias; it explains part of the outcome "
                f"({directed(graph, toward)}), so the estimate is more precise with it"
            )
        return f"`{name}` is in the set as asked for; without it the set would be valid too"

    def _why_unobserved(self, v: int) -> str:
        graph, name = self.criterion.graph, self.criterion.graph.names[v]
        text = f"`{name}` is unobserved, so it cannot be adjusted for"
        path = self.passing_path(v)
        if path is None:
            return text
        if self.chosen is None:
            return f"{text}: {shown(graph, path, v)} stays open"
        return f"{text}; {shown(graph, path, v)} is closed by {closers(path, graph, self.survey.in_base)}"

    def _why_harmful(self, v: int) -> str:
        criterion = self.criterion
        if (
            self.survey.separates
            and self.survey.opening[v]
            and not (criterion.causal[v] and criterion.forbidden[v])
        ):
            path = self.opened_path(v)
            if path is not None:
                return opening(criterion.graph, v, path)
            if not criterion.forbidden[v]:
                return (
                    f"adjusting for `{criterion.graph.names[v]}` would open a path that biases the effect: "
                    "given the set it is tied to the exposure and to the outcome"
                )
        return forbidden_because(self.survey, v)

    def _why_instrument(self, v: int) -> str:
        graph, ws = self.criterion.graph, self.instruments[v]
        given = "" if len(ws) == 0 else f", given {quoted(graph.named(ws))}"
        text = (
            f"`{graph.names[v]}` is an instrument{given}: it is tied to the outcome only through the exposure"
        )
        if not self.survey.tied_to_exposure[v]:
            return f"{text}; the chosen set does not need it"
        return f"{text}; adjusting for it would cost precision and amplify any bias that is left"

    def _why_unused(self, v: int) -> str:
        """No set is valid: what v would close, and what it would open."""
        graph, name = self.criterion.graph, self.criterion.graph.names[v]
        through, turning = self.passing_path(v), self.turning_path(v)
        if turning is not None:
            text = opening(graph, v, turning)
            return text if through is None else f"{text}; without it {shown(graph, through, v)} stays open"
        if through is not None:
            spoilt = "the choice of the rows spoils every set" if self.criterion.selection.barring else ""
            return f"`{name}` closes {shown(graph, through, v)}, but {spoilt or 'no set closes every path'}"
        if v in self.instruments:
            return self._why_instrument(v)
        return f"`{name}` is not used: no set is valid, with it or without it"

    def _why_not_needed(self, v: int) -> str:
        graph, name = self.criterion.graph, self.criterion.graph.names[v]
        path = self.passing_path(v)
        if path is not None:
            by = closers(path, graph, self.survey.in_base)
            return f"`{name}` is not needed: {shown(graph, path, v)} is closed by {by}"
        moves, explains = self.survey.tied_to_exposure[v], self.survey.tied_to_outcome[v]
        if explains and not moves:
            return (
                f"`{name}` is not needed against bias; it is tied to the outcome and not to the exposure, so "
                "adjusting for it does no harm and can make the estimate more precise"
            )
        if moves and not explains:
            return (
                f"`{name}` is not needed: given the set it is tied to the exposure and not to the outcome, "
                "so adjusting for it would only cost precision"
            )
        if not moves:
            return f"`{name}` is not needed: given the set it is tied to neither exposure nor outcome"
        return f"`{name}` is not needed: no open path leads through it that biases the effect"


def closers(path: Path, graph: CausalGraph, given: bytearray) -> str:
    """Which of the marked nodes close a path that is open without them."""
    return quoted(graph.names[v] for v in path.noncolliders if given[v])
