"""Identification beside its peers, in one run: medians of five, and how many times a peer's time dagreg's is.

    make bench                                        # makes the environment of the peers, then runs this
    python benchmarks/identification.py --rounds 5    # in an environment that has them

A peer that is not installed is said to be missing; it is never a dependency of dagreg. The contenders of a
row take turns, so that a busy moment of the machine falls on all of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from surroundings import environment, machine

from dagreg.graph import CausalGraph
from dagreg.identify import Query, identify
from dagreg.identify.adjustment import optimal_set, total_effect
from dagreg.identify.frontdoor import frontdoor_candidates, largest_frontdoor

PEERS = ("ciflypy", "networkx", "dowhy", "pathmc")
CONFOUNDERS = 18
Run = Callable[[], object]


@dataclass(frozen=True)
class Task:
    """A sparse graph and its question; the edges as numbers, for every contender alike."""

    n: int
    edges: list[tuple[int, int]]
    x: int
    y: int

    @property
    def graph(self) -> CausalGraph:
        return CausalGraph.of([str(v) for v in range(self.n)], [(str(a), str(b)) for a, b in self.edges])


def sparse(n: int, seed: int = 2026) -> Task:
    """Two arrows a node, most of them short; the exposure in the middle, the outcome at the end."""
    rng = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    while len(edges) < 2 * n:
        a = rng.randrange(n - 1)
        edges.add((a, min(n - 1, a + rng.randint(1, 50)) if rng.random() < 0.9 else rng.randrange(a + 1, n)))
    return Task(n, sorted(edges), n // 2, n - 1)


def confounded(k: int) -> list[tuple[str, str]]:
    """k common causes of x and y."""
    return [("x", "y"), *((f"z{i}", end) for i in range(k) for end in "xy")]


# ------------------------------------------------------------ contenders: one minimal set, the O-set

_RULES = {
    "ancestors": "START <-- AT X\nOUTPUT ...\n\n... | <-- | next not in W",
    "descendants": "START --> AT X\nOUTPUT ...\n\n... | --> | next not in W",
    "cut ancestors": "START <-- AT X\nOUTPUT ...\n\n... | <-- | next not in W or current not in C",
    "moral": (
        "START <-- AT X\nOUTPUT ...\n\n"
        "--> | <-- | next in A and (next not in W or current not in C)\n"
        "... | <-- | next in A and current not in Z and (next not in W or current not in C)\n"
        "... | --> | next in A and current not in Z and (current not in W or next not in C)"
    ),
}
_PARENTS = (
    "EDGES --> <--\nSETS X\nCOLORS here, above\nSTART ... [here] AT X\nOUTPUT ... [above]\n\n"
    "... [here] | <-- [above] | true"
)


class Cifly:
    """The same theorems as rule tables of CIfly (van der Zander and Liskiewicz 2020; Henckel et al. 2022).

    W holds the exposure and C the causal nodes: the edges from W to C are those that the proper back-door
    graph lacks.
    """

    def __init__(self, task: Task) -> None:
        import ciflypy

        self.reach, self.task = ciflypy.reach, task
        head = "EDGES --> <--\nSETS X, W, C, A, Z\n"
        self.tables = {
            name: ciflypy.Ruletable(head + rule, table_as_string=True) for name, rule in _RULES.items()
        }
        self.parents = ciflypy.Ruletable(_PARENTS, table_as_string=True)
        edges = {"-->": task.edges}
        self.graph = ciflypy.Graph(edges, self.tables["moral"])
        self.plain = ciflypy.Graph(edges, self.parents)

    def find(self, rule: str, **sets: object) -> set[int]:
        given = dict.fromkeys("XWCAZ", ()) | sets
        return set(self.reach(self.graph, {k: list(v) for k, v in given.items()}, self.tables[rule]))  # type: ignore[arg-type]

    def causal(self) -> tuple[set[int], set[int]]:
        x, y = [self.task.x], [self.task.y]
        cn = (self.find("descendants", X=x, W=x) & self.find("ancestors", X=y, W=x)) - set(x)
        return cn, self.find("descendants", X=cn)

    def minimal(self) -> list[int] | None:
        x, y = [self.task.x], [self.task.y]
        cn, forbidden = self.causal()
        above = self.find("cut ancestors", X=x + y, W=x, C=cn)
        usable = above - forbidden - {*x, *y}
        near = self.find("moral", X=x, W=x, C=cn, A=above, Z=usable)
        if self.task.y in near:
            return None
        border = near & usable
        return sorted(border & self.find("moral", X=y, W=x, C=cn, A=above, Z=border))

    def optimal(self) -> list[int]:
        cn, forbidden = self.causal()
        return sorted(set(self.reach(self.plain, {"X": list(cn)}, self.parents)) - forbidden - {self.task.x})


def by_networkx(n: int) -> Run:
    """`find_minimal_d_separator` on the proper back-door graph, which is made beforehand."""
    import networkx

    task = sparse(n)
    criterion = total_effect(task.graph, (task.x,), task.y)
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(task.n))
    graph.add_edges_from(task.edges)
    graph.remove_edges_from([(task.x, c) for c in list(graph.successors(task.x)) if criterion.causal[c]])
    allowed = {v for v, a in enumerate(criterion.allowed) if a}
    return lambda: networkx.find_minimal_d_separator(graph, task.x, task.y, restricted=allowed)


def minimal_set(n: int) -> dict[str, Callable[[], Run]]:
    task = sparse(n)
    graph = task.graph

    def ours() -> Run:
        return lambda: total_effect(graph, (task.x,), task.y).one()

    def cifly() -> Run:
        peer = Cifly(task)
        assert peer.minimal() == list(ours()() or ())  # the same set, the nearest to the exposure
        return peer.minimal

    return {"dagreg": ours, "ciflypy": cifly, "networkx": lambda: lambda: in_a_process(f"networkx {n}")}


def o_set(n: int) -> dict[str, Callable[[], Run]]:
    task = sparse(n)
    graph = task.graph

    def ours() -> Run:
        return lambda: optimal_set(total_effect(graph, (task.x,), task.y))

    def cifly() -> Run:
        peer = Cifly(task)
        assert peer.optimal() == list(ours()() or ())
        return peer.optimal

    return {"dagreg": ours, "ciflypy": cifly}


def front_door(n: int) -> dict[str, Callable[[], Run]]:
    """A confounded chain of mediators, every second one confounded with the outcome too; the search meets
    all.
    """
    mediators = [f"m{i}" for i in range(2 * n // 3)]
    hidden = ["u", *(f"u{i}" for i in range(1, len(mediators), 2))]
    edges = [*pairwise(["x", *mediators, "y"]), ("u", "x"), ("u", "y")]
    edges += [(u, end) for u in hidden[1:] for end in ("m" + u[1:], "y")]
    graph = CausalGraph.of(["x", *mediators, "y", *hidden], edges, unobserved=hidden)
    y = graph.index["y"]

    def find() -> object:
        found = largest_frontdoor(graph, (0,), y, (), frontdoor_candidates(graph, (0,), y))
        assert found is not None
        return found

    return {"dagreg": lambda: find}


def everything(n: int) -> dict[str, Callable[[], Run]]:
    """The whole answer: all listings within their bounds, all strategies, and the note of every node."""
    task = sparse(n)
    graph, query = task.graph, Query((str(task.x),), str(task.y))
    return {"dagreg": lambda: lambda: list(identify(graph, query).justification.nodes.values())}


# ------------------------------------------------------------ contenders: many confounders


def many_confounders() -> dict[str, Callable[[], Run]]:
    edges = confounded(CONFOUNDERS)
    names = list(dict.fromkeys(v for edge in edges for v in edge))
    graph, query = CausalGraph.of(names, edges), Query(("x",), "y")
    return {
        "dagreg": lambda: lambda: identify(graph, query),
        "dowhy": lambda: lambda: in_a_process("dowhy"),
        "pathmc": lambda: lambda: in_a_process("pathmc"),
    }


def by_dowhy() -> Run:
    import networkx
    from dowhy.causal_identifier import EstimandType, identify_effect_auto

    edges = confounded(CONFOUNDERS)
    graph = networkx.DiGraph(edges)
    observed = list(graph.nodes)
    return lambda: identify_effect_auto(graph, ["x"], ["y"], observed, EstimandType.NONPARAMETRIC_ATE)


def by_pathmc() -> Run:
    from pathmc.graph import build_graph
    from pathmc.identify import adjustment_sets
    from pathmc.parse import parse_spec

    zs = " + ".join(f"z{i}" for i in range(CONFOUNDERS))
    graph = build_graph(parse_spec(f"x ~ {zs}\ny ~ x + {zs}"))
    return lambda: adjustment_sets(graph, "x", "y")


SLOW: Mapping[str, Callable[[], Run]] = {
    "dowhy": by_dowhy,
    "pathmc": by_pathmc,
    **{f"networkx {n}": (lambda n=n: by_networkx(n)) for n in (10_000, 100_000)},
}


class TooLong(Exception):
    """The peer did not answer in the time that it was given."""


def in_a_process(peer: str) -> float:
    """The seconds that the peer's call takes, its imports apart; a process of its own can be stopped."""
    command = [sys.executable, __file__, "--only-time", peer]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment())
    except subprocess.TimeoutExpired:
        raise TooLong from None
    if run.returncode != 0:
        raise ImportError(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "it failed")
    return float(run.stdout.split()[-1])


LIMIT = 120.0


# ------------------------------------------------------------ contenders: start-up

TEN_NODES = """
nodes: {tenure: continuous, band: continuous, site: continuous, coached: binary, engagement: continuous,
        retained: binary, aptitude: unobserved, mood: continuous, pay: continuous, leaves: binary}
edges:
  - tenure, band, site -> coached, retained
  - coached -> engagement -> retained
  - coached -> retained
  - aptitude -> engagement, retained
  - mood, pay -> engagement
  - retained -> leaves
effect: coached -> retained
"""


def start_up(format: str) -> dict[str, Callable[[], Run]]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    (folder / "ten.yaml").write_text(TEN_NODES)

    compiled = environment() | {"PYTHONPYCACHEPREFIX": str(folder / "cache")}

    def process(*arguments: str) -> Run:
        def run() -> object:
            command = [sys.executable, *arguments]
            return subprocess.run(command, cwd=folder, env=compiled, capture_output=True, check=True)

        run()  # leaves the bytecode behind
        return run

    explain = ("-m", "dagreg", "explain", "ten.yaml", "--format", format)
    return {
        "dagreg": lambda: process(*explain),
        "import networkx, yaml": lambda: process("-c", "import networkx, yaml"),
    }


# ------------------------------------------------------------ measuring and writing


@dataclass(frozen=True)
class Row:
    question: str
    contender: str
    seconds: float | None
    note: str = ""  # why there is no number


def measure(question: str, contenders: Mapping[str, Callable[[], Run]], rounds: int) -> list[Row]:
    """Medians; contenders take turns. A peer that takes too long once is not asked again."""
    runs: dict[str, Run] = {}
    said: dict[str, str] = {}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for name, prepare in contenders.items():
        try:
            runs[name] = prepare()
        except ImportError:
            said[name] = "not installed"
    for _ in range(rounds):
        for name, run in runs.items():
            if name in said:
                continue
            start = time.perf_counter()
            try:
                answer = run()
            except TooLong:
                said[name] = f"> {LIMIT:g} s"
            except ImportError as error:
                said[name] = f"not run: {error}"
            else:
                taken = time.perf_counter() - start
                times[name].append(answer if isinstance(answer, float) else taken)
    return [
        Row(question, name, statistics.median(times[name]) if name not in said else None, said.get(name, ""))
        for name in contenders
    ]


def table(rows: list[Row]) -> str:
    """Markdown. The last column is dagreg's time over the contender's: below 1, dagreg is faster."""
    own = {row.question: row.seconds for row in rows if row.contender == "dagreg"}
    lines = ["| question | contender | median | dagreg / contender |", "| --- | --- | ---: | ---: |"]
    for row in rows:
        ours = own[row.question]
        ratio = ""
        if ours is not None and row.contender != "dagreg":
            if row.seconds is not None:
                ratio = f"{ours / row.seconds:.2g}"
            elif row.note.startswith(">"):
                ratio = f"< {ours / LIMIT:.1g}"
        shown = row.note if row.seconds is None else duration(row.seconds)
        lines.append(f"| {row.question} | {row.contender} | {shown} | {ratio} |")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    parser.add_argument("--only-time", choices=tuple(SLOW), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_time:
        run = SLOW[given.only_time]()
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start)
        return
    questions: list[tuple[str, dict[str, Callable[[], Run]]]] = [
        ("one minimal set, sparse, 10,000 nodes", minimal_set(10_000)),
        ("one minimal set, sparse, 100,000 nodes", minimal_set(100_000)),
        ("the O-set, sparse, 10,000 nodes", o_set(10_000)),
        ("the O-set, sparse, 100,000 nodes", o_set(100_000)),
        ("a front-door set, chain of 10,000 nodes", front_door(10_000)),
        ("a front-door set, chain of 100,000 nodes", front_door(100_000)),
        ("the whole answer with every note, sparse, 100,000 nodes", everything(100_000)),
        (f"{CONFOUNDERS} confounders, the whole answer", many_confounders()),
        ("start-up: `explain`, ten nodes, JSON", start_up("json")),
        ("start-up: `explain`, ten nodes, text", start_up("text")),
    ]
    rows: list[Row] = []
    for question, contenders in questions:
        rows += measure(question, contenders, given.rounds)
        print(f"measured: {question}", file=sys.stderr)
    text = table(rows)
    print(text)
    if given.write:
        intro = f"Medians of {given.rounds}, in one run, the contenders taking turns. {machine(PEERS)}."
        given.write.write_text(f"# Identification beside its peers\n\n{intro}\n\n{text}\n")


if __name__ == "__main__":
    main()
