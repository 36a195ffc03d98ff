"""Could the data have refuted the graph at all? The graph beside itself with its nodes' names exchanged.

A graph that fits as well under other names says little about which variable is which (Eulig, Mastakouri,
Blobaum, Hardt and Janzing 2023, "Toward falsifying causal graphs using a permutation-based test"). Two shares
of all relabelled graphs: of those that imply the same independences as the graph itself (where they are many,
no data can tell the graph from them), and of those of whose independences the data reject as small a part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from dagreg.doubts.implications import Probe
from dagreg.doubts.types import Relabelling
from dagreg.graph.causal import CausalGraph
from dagreg.graph.separation import separated
from dagreg.study import Claim

LEVEL = 0.05  # of each test, as in the paper without regard to their number
MAX_TESTS = 2_000  # different ones
MAX_ROWS = 2_000
MAX_CLAIMS = 100


def relabelled(
    graph: CausalGraph, claims: Sequence[Claim], probe: Probe, most: int, seed: int
) -> Relabelling | None:
    """The graph beside at most `most` relabelled ones; None where fewer than two nodes can change places.

    Names change places among observed nodes with columns that are no groups; all relabellings are tried where
    they are not more than `most`, itself among them, else random ones until `MAX_TESTS` tests are made.
    """
    free = [
        n
        for n, column in probe.columns.items()
        if n in graph.index and not column.label and not graph.selected[graph.index[n]]
    ]
    if len(free) < 2 or most < 1:
        return None
    small = _thinned(probe)
    asked = [c for c in claims[:MAX_CLAIMS] if not isinstance(_answer(small, c, {}), str)]
    own = _violated(small, asked, {})
    every = math.factorial(len(free)) <= most
    tried = same = as_few = 0
    for names in _namings(free, most, every, seed):
        if len(small.known) > MAX_TESTS and not every:
            break
        tried += 1
        same += all(_implied(graph, claim, names) for claim in claims[:MAX_CLAIMS])
        as_few += not asked or _violated(small, asked, names) <= own
    failed = round(own * len(asked))
    rows = max((len(c.there) for c in small.columns.values()), default=0)
    return Relabelling(tried, every, as_few / tried, same / tried, failed, len(asked), rows)


def _namings(free: Sequence[str], most: int, every: bool, seed: int) -> Iterator[Mapping[str, str]]:
    if every:
        for order in permutations(free):
            yield dict(zip(free, order, strict=True))
        return
    rng = np.random.default_rng(seed)
    for _ in range(most):
        yield dict(zip(free, (free[i] for i in rng.permutation(len(free))), strict=True))


def _thinned(probe: Probe) -> Probe:
    """The same columns with at most `MAX_ROWS` rows, spread evenly."""
    columns = {}
    for name, column in probe.columns.items():
        count = len(column.there)
        kept = np.arange(min(count, MAX_ROWS)) * count // min(count, MAX_ROWS) if count else np.arange(0)
        parts = {part: getattr(column, part)[kept] for part in ("blocks", "there", "units")}
        columns[name] = replace(column, **parts)
    return Probe(columns, probe.absent, type(probe.spans)(), {})


def _answer(probe: Probe, claim: Claim, names: Mapping[str, str]) -> float | str:
    """The p value of a claim under other names; a pair is asked in one order only."""
    x, y = sorted((names.get(claim[0], claim[0]), names.get(claim[1], claim[1])))
    found = probe.asked((x, y, tuple(sorted(names.get(g, g) for g in claim[2]))))
    return found if isinstance(found, str) else found.p


def _violated(probe: Probe, claims: Sequence[Claim], names: Mapping[str, str]) -> float:
    """The share of these claims that the data reject, among those that can be tested."""
    values = [p for p in (_answer(probe, c, names) for c in claims) if not isinstance(p, str)]
    return sum(p < LEVEL for p in values) / len(values) if values else 0.0


def _implied(graph: CausalGraph, claim: Claim, names: Mapping[str, str]) -> bool:
    """Whether the graph itself implies a claim under other names.

    The relabelled graph implies as many independences as the graph, so that all of them held by one are those
    of both.
    """
    x, y, given = (claim[0],), (claim[1],), claim[2]
    at = [[graph.index[names.get(n, n)] for n in part] for part in (x, y, given)]
    return separated(graph, at[0], at[1], at[2])
