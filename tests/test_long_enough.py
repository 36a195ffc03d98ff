"""NUTS goes on by itself where its chains are worth too few draws, and ends there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dagreg.engines.nuts import LENGTHS, MAX_SECONDS, _long_enough, parameters
from dagreg.numerics.convergence import bulk_size_and_r_hat
from dagreg.spec.types import Sampling
from tests.optimising import Optimised, optimised

SAMPLING = Sampling(draws=500, tune=500, chains=4, seed=1)


@pytest.fixture(scope="module")
def case() -> Optimised:
    return optimised("edges: [z -> y]\neffect: z -> y\n")


class Chains:
    """Stands for nutpie: each draw depends on the one before, in the first run and in longer ones."""

    def __init__(self, case: Optimised, first: float, longer: float, takes: float = 1.0) -> None:
        self.case, self.first, self.longer, self.takes = case, first, longer, takes
        self.runs: list[int] = []
        self.lines: list[str] = []
        self.now = 0.0

    def __call__(self, times: int) -> Any:
        self.runs.append(times)
        self.now += self.takes
        rng, draws = np.random.default_rng(times), SAMPLING.draws * times
        sticky = self.first if times == 1 else self.longer
        posterior = {}
        for symbol in parameters(self.case.model):
            steps = rng.normal(size=(4, draws)) * (1 - sticky**2) ** 0.5
            for i in range(1, draws):
                steps[:, i] += sticky * steps[:, i - 1]
            posterior[symbol] = (("chain", "draw"), steps)
        diverging = np.zeros((4, draws), dtype=bool)
        diverging[:, :3] = True
        stats = {"diverging": (("chain", "draw"), diverging), "step": ((), 0.1)}
        return xr.DataTree.from_dict(
            {"posterior": xr.Dataset(posterior), "sample_stats": xr.Dataset(stats)}  # type: ignore[arg-type]  # dicts
        )

    def sampled(self, sampling: Sampling = SAMPLING) -> tuple[Any, int]:
        return _long_enough(self, self.case.model, sampling, self.lines.append, lambda: self.now)


def sizes(tree: Any) -> Iterator[float]:
    return (bulk_size_and_r_hat(values.to_numpy())[0] for values in tree["posterior"].values())


def test_chains_that_are_worth_enough_run_once(case: Optimised) -> None:
    chains = Chains(case, 0.2, 0.2)
    tree, divergences = chains.sampled()
    assert (chains.runs, chains.lines, divergences) == ([1], [], 12)
    assert tree["posterior"].sizes["draw"] == SAMPLING.draws


def test_chains_that_are_not_run_longer_and_are_thinned(case: Optimised) -> None:
    chains = Chains(case, 0.8, 0.2)
    tree, divergences = chains.sampled()
    assert chains.runs == [1, 2]
    (line,) = chains.lines
    assert line.startswith("chains are worth ")
    assert line.endswith("fewer than 400; sampling 2 times as long")
    assert tree["posterior"].sizes["draw"] == SAMPLING.draws
    assert divergences == 12  # of all draws, also of those that are not kept
    assert min(sizes(tree)) > 400


def test_there_is_an_end(case: Optimised) -> None:
    hopeless = Chains(case, 0.999, 0.999)
    hopeless.sampled()
    assert hopeless.runs == list(LENGTHS)
    slow = Chains(case, 0.999, 0.999, takes=MAX_SECONDS + 1)
    slow.sampled()
    assert slow.runs == [1]
    assert slow.lines == []


def test_who_asks_for_few_draws_gets_few(case: Optimised) -> None:
    chains = Chains(case, 0.9, 0.9)
    chains.sampled(Sampling(draws=90, tune=100, chains=4))
    assert chains.runs == [1]
