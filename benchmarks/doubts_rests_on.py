"""How long it takes to find what an answer rests on: random graphs of 10 to 100,000 nodes.

    python benchmarks/doubts_rests_on.py

Seeded; it takes half a minute. That the list is right is `tests/test_rests_on.py` (DAGREG_TRUST=1500).
"""

from __future__ import annotations

import random
import statistics
import time

from dagreg.graph import CausalGraph
from dagreg.graph.implications import list_implications
from dagreg.identify import Query, identify
from dagreg.identify.rests_on import rests_on


def random_graph(rng: random.Random, nodes: int, parents: int = 3, reach: int = 50) -> CausalGraph:
    names = [f"v{i}" for i in range(nodes)]
    edges = {
        (names[rng.randrange(max(0, j - reach), j)], names[j])
        for j in range(1, nodes)
        for _ in range(rng.randint(0, parents))
    }
    return CausalGraph.of(names, sorted(edges))


def main() -> None:
    print("  nodes  median ms  largest ms  edges listed  cut")
    for nodes, repeats in ((10, 40), (30, 40), (100, 10), (1_000, 5), (10_000, 3), (100_000, 1)):
        times, listed, cut = [], [], 0
        for seed in range(repeats):
            rng = random.Random(seed)
            graph = random_graph(rng, nodes)
            middle = nodes // 3
            query = Query((f"v{middle}",), f"v{min(nodes - 1, middle + max(3, min(nodes // 3, 40)))}")
            answer = identify(graph, query)
            claims, more = list_implications(graph)
            started = time.perf_counter()
            found = rests_on(graph, answer, None if more else claims)
            times.append(1e3 * (time.perf_counter() - started))
            listed.append(len(found.supports))
            cut += found.truncated
        print(
            f"{nodes:>7,}  {statistics.median(times):9.1f}  {max(times):10.1f}  "
            f"{statistics.median(listed):12.0f}  {cut} of {repeats}"
        )


if __name__ == "__main__":
    main()
