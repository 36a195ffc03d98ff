"""`dagreg test`: the verdict in every format, and the graph beside itself with exchanged names."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import dagreg
from dagreg.doubts.implications import Probe
from dagreg.doubts.relabelled import relabelled
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.graph.implications import list_implications
from dagreg.graph.separation import separated
from dagreg.sources.duck import open_frame
from tests.calling import call
from tests.fitting import spec_of

CHAIN = "edges: [a -> b -> c -> d]\neffect: a -> d\n"


def chain(rows: int = 600, extra: float = 0.0, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    data = {"a": rng.normal(size=rows)}
    for cause, effect in zip("abc", "bcd", strict=True):
        data[effect] = data[cause] + rng.normal(size=rows)
    data["d"] += extra * data["a"] ** 2
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, extra in (("right", 0.0), ("wrong", 0.5)):
        data = chain(extra=extra)
        lines = [",".join(data), *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
        (tmp_path / f"{name}.yaml").write_text(f"data: {name}.csv\n{CHAIN}")
    return tmp_path


# ---------------------------------------------------------------- the command


def test_a_right_graph_ends_with_0_and_a_wrong_one_with_1(folder: Path) -> None:
    right, wrong = (call("test", folder / f"{n}.yaml") for n in ("right", "wrong"))
    assert (right.code, wrong.code) == (0, 1)
    assert "The data reject none of the 3 independences tested." in " ".join(right.stdout.split())
    assert "not in a trend" in " ".join(wrong.stdout.split())
    assert "a -> d" in wrong.stdout
    both = call("test", folder / "right.yaml", folder / "wrong.yaml", "--format", "json")
    assert both.code == 1
    assert len(both.stdout.splitlines()) == 2


def test_json_holds_every_test_and_the_relabelled_graphs(folder: Path) -> None:
    answer = json.loads(call("test", folder / "wrong.yaml", "--format", "json").stdout)
    assert set(answer) == {
        "spec",
        "implications",
        "implications_truncated",
        "tests",
        "untested",
        "rejected",
        "relabelled",
        "data",
        "seed",
    }
    assert [(t["x"], t["y"], t["rejected"]) for t in answer["tests"]] == [
        ("a", "c", False),
        ("a", "d", True),
        ("b", "d", False),
    ]
    assert answer["tests"][1]["curved"]
    assert all("a -> d" in t["explained_by"] for t in answer["tests"] if t["rejected"])
    assert answer["rejected"] == 1
    assert answer["relabelled"]["graphs"] == 24
    assert answer["relabelled"]["every"] is True
    assert answer["data"]["rows"] == 600


@pytest.mark.parametrize("format", ["md", "html"])
def test_pages_hold_the_verdict(folder: Path, format: str) -> None:
    done = call("test", folder / "wrong.yaml", "--format", format)
    assert done.code == 1
    assert "The data reject 1 of the 3 independences tested" in done.stdout


def test_equal_runs_give_equal_bytes_and_a_seed_is_kept(folder: Path) -> None:
    first, second = (call("test", folder / "right.yaml", "--format", "json", "--seed", 7) for _ in range(2))
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["seed"] == 7
    none = call("test", folder / "right.yaml", "--format", "json", "--relabellings", 0)
    assert json.loads(none.stdout)["relabelled"] is None


def test_a_spec_without_an_effect_is_tested() -> None:
    data = chain()
    asked, plain = (dagreg.test(spec_of(text), data) for text in (CHAIN, CHAIN.split("effect")[0]))
    assert asked.tests == plain.tests
    assert "The data reject none" in str(asked)
    assert asked._repr_html_().startswith("<iframe")


def test_the_numbers_are_those_of_a_fit() -> None:
    data = chain(extra=0.5)
    spec = spec_of(CHAIN)
    assert dagreg.test(spec, data).tests == dagreg.fit(spec, data).record.tests


def test_what_has_no_column_or_no_claim_is_said() -> None:
    data = chain()
    del data["b"]
    tested = dagreg.test(spec_of("edges: [a -> b -> c -> d]\neffect: c -> d\n"), data)
    assert [(t.x, t.y) for t in tested.tests] == [("a", "d")]
    assert "No column `b`" in tested.untested[0]
    full = dagreg.test(spec_of("edges: [a -> c, a -> d, c -> d]\neffect: a -> d\n"), data)
    assert "any data agree with it" in str(full)
    assert full.relabelling is not None
    assert full.relabelling.same == 1


def test_no_data_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(CHAIN)
    done = call("test", tmp_path / "spec.yaml", "--format", "json")
    assert done.code == 1
    assert json.loads(done.stdout)["errors"][0]["code"] == "DR300"


# ---------------------------------------------------------------- exchanged names


def _claims(graph: CausalGraph) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(i.x, i.y, i.given) for i in list_implications(graph)[0]]


def _every_independence(graph: CausalGraph) -> frozenset[tuple[frozenset[str], frozenset[str]]]:
    """By brute force: of all pairs given all sets."""
    nodes = range(len(graph))
    found = set()
    for x, y in ((a, b) for a in nodes for b in nodes if a < b):
        others = [v for v in nodes if v not in (x, y)]
        for bits in range(2 ** len(others)):
            given = [v for i, v in enumerate(others) if bits >> i & 1]
            if separated(graph, (x,), (y,), given):
                found.add((frozenset(graph.named((x, y))), frozenset(graph.named(given))))
    return frozenset(found)


@pytest.mark.parametrize(
    "edges",
    ["a -> b -> c -> d", "a -> b <- c, c -> d", "a -> b <- c; b -> d", "a -> b <-> c <- d", "a -> b, c -> d"],
)
def test_the_share_that_imply_the_same_is_that_of_brute_force(edges: str) -> None:
    text = "edges: |\n" + "".join(f"  {line.strip()}\n" for line in edges.split(";"))
    graph = analyse(spec_of(text.replace(", c -> d", "\n  c -> d") + "effect: a -> d\n"))
    own, same = _every_independence(graph), 0
    for order in permutations("abcd"):
        name = dict(zip("abcd", order, strict=True))
        moved = {(frozenset(name[n] for n in pair), frozenset(name[n] for n in given)) for pair, given in own}
        same += moved == own
    data = chain(50)
    probe = Probe.of(spec_of(CHAIN), open_frame(data), "abcd", 1)
    found = relabelled(graph, _claims(graph), probe, 1000, 1)
    assert found is not None
    assert (found.tried, found.every) == (24, True)
    assert found.same == pytest.approx(same / 24)


def test_relabelled_graphs_fit_as_well_where_nothing_depends_on_anything_and_worse_where_all_does() -> None:
    text = "edges: [a -> b -> c -> d -> e]\neffect: a -> e\n"
    graph = analyse(spec_of(text))
    rng = np.random.default_rng(3)
    noise = {n: rng.normal(size=400) for n in "abcde"}
    real = chain(400)
    real["e"] = real["d"] + rng.normal(size=400)
    shares = []
    for data in (noise, real):
        probe = Probe.of(spec_of(text), open_frame(data), "abcde", 1)
        found = relabelled(graph, _claims(graph), probe, 1000, 1)
        assert found is not None
        assert found.same == pytest.approx(2 / 120)  # a chain read backwards implies the same
        shares.append(found.as_few)
    assert shares[0] > 0.3
    assert shares[1] <= 0.05


def test_many_names_are_exchanged_at_random_and_work_is_bounded() -> None:
    names = [f"n{i}" for i in range(9)]
    text = f"edges: [{' -> '.join(names)}]\neffect: n0 -> n8\n"
    graph = analyse(spec_of(text))
    rng = np.random.default_rng(4)
    data = {n: rng.normal(size=60) for n in names}
    probe = Probe.of(spec_of(text), open_frame(data), names, 1)
    found, again = (relabelled(graph, _claims(graph), probe, 20, 5) for _ in range(2))
    assert found == again
    assert found is not None
    assert (found.tried, found.every) == (20, False)
