"""Large graphs: linear passes stay linear, listings stay lazy, nothing recurses.

Time is compared with time on the same machine (twice the graph against once), never with a clock's.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations

import pytest

from dagreg.graph import CausalGraph
from dagreg.graph.ancestry import ancestors, districts
from dagreg.graph.junctions import list_junctions
from dagreg.graph.paths import list_paths
from dagreg.graph.projection import hub_projection, latent_projection
from dagreg.graph.separation import separated
from dagreg.identify import Identified, Query, identify
from dagreg.identify import notes as notes_module
from dagreg.identify.adjustment import optimal_set, total_effect
from dagreg.identify.chain import chain_of
from dagreg.identify.criterion import Criterion
from dagreg.identify.frontdoor import frontdoor_candidates, largest_frontdoor
from dagreg.identify.functional import is_identified
from dagreg.identify.notes import NodeNotes
from dagreg.identify.survey import Survey, forks
from dagreg.report.json import answer_json
from dagreg.spec.load import loads

X_ON_Y = Query(("x",), "y")


# ------------------------------------------------------------ graphs


def sparse(n: int, seed: int = 7) -> CausalGraph:
    """Two arrows a node, most of them short; x is in the middle and y at the end."""
    rng = random.Random(seed)
    names = [f"v{i}" for i in range(n)]
    names[n // 2], names[-1] = "x", "y"
    edges = set()
    while len(edges) < 2 * n:
        a = rng.randrange(n - 1)
        b = min(n - 1, a + rng.randint(1, 50)) if rng.random() < 0.9 else rng.randrange(a + 1, n)
        edges.add((names[a], names[b]))
    return CausalGraph.of(names, sorted(edges))


def chain(n: int) -> CausalGraph:
    names = ["x", *(f"v{i}" for i in range(n - 2)), "y"]
    return CausalGraph.of(names, pairwise(names))


def latents(n: int) -> CausalGraph:
    """A chain of latents, each with an observed child that causes the outcome: its projection has n^2 / 2
    `<->`.
    """
    hidden, seen = [f"l{i}" for i in range(n)], [f"c{i}" for i in range(n)]
    edges = [("x", "y"), *pairwise(hidden), *zip(hidden, seen, strict=True)]
    return CausalGraph.of(["x", "y", *hidden, *seen], [*edges, *((c, "y") for c in seen)], unobserved=hidden)


def mediators(n: int) -> CausalGraph:
    """A confounded x -> m0 -> m1 -> ...

    -> y, every second mediator confounded with y: the others are front doors.
    """
    names = [f"m{i}" for i in range(n)]
    hidden = ["u", *(f"u{i}" for i in range(1, n, 2))]
    edges = [*pairwise(["x", *names, "y"]), ("u", "x"), ("u", "y")]
    edges += [(u, end) for u in hidden[1:] for end in ("m" + u[1:], "y")]
    return CausalGraph.of(["x", *names, "y", *hidden], edges, unobserved=hidden)


def two_a_path(n: int) -> CausalGraph:
    """n paths x <- a -> b -> y: one of two nodes on each, so 2^n minimal sets."""
    edges = [("x", "y")]
    for i in range(n):
        edges += [(f"a{i}", "x"), (f"a{i}", f"b{i}"), (f"b{i}", "y")]
    return CausalGraph.of(["x", "y", *(f"{k}{i}" for i in range(n) for k in "ab")], edges)


def random_graphs(count: int, largest: int = 8, hidden: float = 0.2) -> Iterator[CausalGraph]:
    for seed in range(count):
        rng = random.Random(seed)
        names = [f"v{i}" for i in range(rng.randint(3, largest))]
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        density = rng.choice((0.2, 0.4, 0.6))
        yield CausalGraph.of(
            rng.sample(names, len(names)),
            [p for p in pairs if rng.random() < density],
            [p for p in pairs if rng.random() < 0.08],
            [v for v in names if rng.random() < hidden],
        )


# ------------------------------------------------------------ time follows size


def growth(prepare: Callable[[int], Callable[[], object]], n: int) -> float:
    """CPU time at 2n over CPU time at n, each the least of three; the least of up to five such ratios."""
    small, large = prepare(n), prepare(2 * n)
    ratios: list[float] = []
    while len(ratios) < 5 and min(ratios, default=9.0) >= 3:
        ratios.append(least_time(large) / least_time(small))
    return min(ratios)


def least_time(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return max(min(times), 1e-6)


def on_total_effect(graph: CausalGraph, run: Callable[[Criterion], object]) -> Callable[[], object]:
    x, y = graph.index["x"], graph.index["y"]
    return lambda: run(total_effect(graph, (x,), y))


def front_door(graph: CausalGraph) -> object:
    x, y = graph.index["x"], graph.index["y"]
    found = largest_frontdoor(graph, (x,), y, (), frontdoor_candidates(graph, (x,), y))
    assert found is not None
    return found


def all_notes(graph: CausalGraph) -> Callable[[], object]:
    """Every note, as the JSON answer asks for them."""

    def run() -> object:
        criterion = total_effect(graph, (graph.index["x"],), graph.index["y"])
        return list(NodeNotes(criterion, criterion.one()).values())

    return run


LINEAR: dict[str, tuple[Callable[[int], Callable[[], object]], int]] = {
    "one minimal set": (lambda n: on_total_effect(sparse(n), Criterion.one), 10_000),
    "the O-set": (lambda n: on_total_effect(sparse(n), optimal_set), 10_000),
    "a front-door set": (lambda n: (lambda g: lambda: front_door(g))(mediators(n)), 10_000),
    "the notes of a sparse graph": (lambda n: all_notes(sparse(n)), 5_000),
    "the notes of a chain": (lambda n: all_notes(chain(n)), 5_000),
    "the chain of regressions under latents": (
        lambda n: (lambda g: lambda: chain_of(g, X_ON_Y))(latents(n)),
        4_000,
    ),
    "the ID algorithm under latents": (
        lambda n: (lambda g: lambda: is_identified(g, (0,), 1))(latents(n)),
        4_000,
    ),
    "reading a chain": (lambda n: (lambda t: lambda: loads(t))(chain_text(n)), 4_000),
}


def chain_text(n: int) -> str:
    edges = "".join(f"  - v{i} -> v{i + 1}\n" for i in range(n - 1))
    return f"edges:\n{edges}effect: v0 -> v{n - 1}\n"


@pytest.mark.parametrize("what", LINEAR)
def test_twice_the_graph_takes_about_twice_the_time(what: str) -> None:
    prepare, n = LINEAR[what]
    assert growth(prepare, n) < 3


# ------------------------------------------------------------ large answers


def test_two_to_the_thirty_minimal_sets() -> None:
    answer = identify(two_a_path(30), X_ON_Y)
    sets = answer.justification.adjustment
    assert sets.truncated
    assert 0 < len(sets.minimal) <= 1000
    assert all(len(zs) == 30 for zs in sets.minimal)


@pytest.mark.parametrize("kind", ["total", "direct"])
@pytest.mark.parametrize(
    "make", [chain, sparse, latents, mediators, two_a_path], ids=lambda make: make.__name__
)
def test_a_graph_of_thousands_of_nodes_is_explained_whole(
    make: Callable[[int], CausalGraph], kind: str
) -> None:
    graph = make(3_000)
    answer = identify(graph, Query(("x",), "y", "direct" if kind == "direct" else "total"))
    written = answer_json(answer)
    assert len(written["nodes"]) == len(graph)
    assert all(len(note["why"]) < 2_000 for note in written["nodes"].values())


def test_ten_thousand_nodes_in_a_chain_from_file_to_answer(tmp_path) -> None:
    (tmp_path / "chain.yaml").write_text(chain_text(10_000))
    command = [sys.executable, "-m", "dagreg.cli", "explain", "chain.yaml", "--format", "json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    effect = json.loads(run.stdout)["effects"][0]
    assert effect["identified"]
    assert effect["adjustment"]["minimal"] == [[]]
    assert len(effect["nodes"]) == 10_000
    assert effect["nodes"]["v5000"]["roles"] == ["mediator"]
    assert "v4999 -> v5000 -> v5001" in effect["nodes"]["v5000"]["why"]


def test_listings_say_that_they_were_cut() -> None:
    names = [f"v{i}" for i in range(30)]
    complete = CausalGraph.of(names, [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]])
    paths, cut = list_paths(complete, (0,), (29,))
    assert cut
    assert len(paths) == 200
    few, more = list_junctions(complete, limit=50)
    assert (len(few), more) == (50, True)
    every, more = list_junctions(chain(50))
    assert (len(every), more) == (48, False)


# ----------------------------------------------------------- the shared passes against one question at a time


def test_hubs_have_the_districts_of_the_pairwise_projection() -> None:
    rng = random.Random(1)
    for graph in random_graphs(300, hidden=0.5):
        pairs, hubs = latent_projection(graph), hub_projection(graph)
        assert (pairs.names, pairs.parents) == (hubs.names, hubs.parents)
        for _ in range(4):
            within = bytearray(rng.random() < 0.7 for _ in pairs.names)
            assert districts(pairs, within) == districts(hubs, within)


def test_hubs_take_linear_space() -> None:
    projected = hub_projection(latents(2_000))
    assert sum(map(len, projected.hubs)) + sum(map(len, projected.siblings)) <= 4_000


def directed_paths(graph: CausalGraph, start: int, end: int) -> Iterator[tuple[int, ...]]:
    stack = [(start,)]
    while stack:
        path = stack.pop()
        if path[-1] == end:
            yield path
        else:
            stack += [(*path, c) for c in graph.children[path[-1]]]


def test_forks_are_two_legs_that_share_only_their_start() -> None:
    for graph in random_graphs(150, largest=7):
        for x, y in permutations(range(len(graph)), 2):
            found = forks(graph, (x,), y)
            for v in range(len(graph)):
                legs = (
                    (p, q)
                    for p in directed_paths(graph, v, x)
                    for q in directed_paths(graph, v, y)
                    if v not in (x, y)
                )
                assert bool(found[v]) == any(set(p) & set(q) == {v} for p, q in legs)


def surveys(count: int) -> Iterator[tuple[CausalGraph, Criterion, tuple[int, ...]]]:
    """A random graph, a total effect, and a valid set that is not always minimal."""
    for seed, graph in enumerate(random_graphs(count)):
        rng = random.Random(seed)
        seen = [v for v, o in enumerate(graph.observed) if o]
        if len(seen) < 2:
            continue
        x, y = rng.sample(seen, 2)
        criterion = total_effect(graph, (x,), y)
        zs = tuple(v for v in seen if criterion.allowed[v] and rng.random() < 0.5)
        if criterion.valid(zs):
            yield graph, criterion, zs


def test_what_opens_is_needed_or_is_tied_is_found_for_all_nodes_at_once() -> None:
    checked = 0
    for graph, criterion, zs in surveys(600):
        survey, x, y = Survey(criterion, zs), criterion.xs[0], criterion.y
        for v in range(len(graph)):
            if v in zs:
                assert bool(survey.needed[v]) == (not criterion.separates([z for z in zs if z != v]))
            elif v not in (x, y):
                checked += 1
                assert bool(survey.opening[v]) == (not criterion.separates((*zs, v)))
                assert bool(survey.tied_to_exposure[v]) == (not separated(graph, (v,), (x,), zs))
                assert bool(survey.tied_to_outcome[v]) == (not separated(graph, (v,), (y,), (x, *zs)))
    assert checked > 500


def test_bounded_notes_claim_nothing_that_whole_searches_do_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    for work in (0, 60, 400):
        for graph in random_graphs(150):
            seen = [v for v, o in enumerate(graph.observed) if o]
            if len(seen) < 2:
                continue
            criterion = total_effect(graph, (seen[0],), seen[-1])
            notes = NodeNotes(criterion, criterion.one())
            whole = dict(notes.items())
            with monkeypatch.context() as patched:
                patched.setattr(notes_module, "MAX_SEARCH_WORK", 0)
                patched.setattr(notes_module, "MAX_WORK", work)
                bounded = dict(NodeNotes(criterion, criterion.one()).items())
                assert NodeNotes(criterion, criterion.one())["v0"] == whole["v0"]
            assert list(bounded) == list(whole)
            for name, note in bounded.items():
                assert (note.harmful, note.in_set) == (whole[name].harmful, whole[name].in_set)
                assert set(note.roles) - {"unrelated"} <= set(whole[name].roles)
                assert note.why.endswith(".")


def test_a_large_graph_says_that_its_searches_were_bounded() -> None:
    assert notes_module.BOUNDED in identify(sparse(3_000), X_ON_Y).justification.notes
    assert notes_module.BOUNDED not in identify(chain(50), X_ON_Y).justification.notes
    assert isinstance(identify(chain(50), X_ON_Y), Identified)


def test_ancestors_and_routes_agree() -> None:
    """A long path is cut to its ends, and every step that is shown is an arrow."""
    graph = chain(40)
    survey = Survey(total_effect(graph, (0,), 39), ())
    shown = survey.causal_path(20)
    assert (shown[0], shown[-1]) == (0, 39)
    assert len(shown) < 20
    assert 20 in shown
    for a, b in pairwise(shown):
        assert -1 in (a, b) or b in graph.children[a]
    assert ancestors(graph, [39])[0]
