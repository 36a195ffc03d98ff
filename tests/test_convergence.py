"""R-hat, effective sample sizes and ranks, held to ArviZ's."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from dagreg.engines.draws import convergence
from dagreg.numerics.convergence import bulk_size_and_r_hat, ranks, shares


def chains(rng: np.random.Generator, count: int, draws: int, correlation: float) -> np.ndarray:
    """Autoregressive chains."""
    found = rng.normal(size=(count, draws))
    for t in range(1, draws):
        found[:, t] += correlation * found[:, t - 1]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_the_numbers_are_those_of_arviz(seed: int) -> None:
    """Short and long, positively and negatively correlated, with ties, with a chain that lies apart."""
    rng = np.random.default_rng(seed)
    draws = 1_000 if seed % 3 == 0 else int(rng.integers(4, 300))
    values = chains(rng, int(rng.integers(2, 6)), draws, rng.uniform(-0.95, 0.99))
    values = np.round(values, 1) if seed % 4 == 0 else values
    values[0] += seed % 5 == 0
    ess, r_hat = bulk_size_and_r_hat(values)
    theirs = array_stats.ess(values, chain_axis=0, draw_axis=1, method="bulk")
    np.testing.assert_allclose(ess, theirs, rtol=1e-10)
    np.testing.assert_allclose(r_hat, array_stats.rhat(values, chain_axis=0, draw_axis=1), rtol=1e-10)
    blom = (stats.rankdata(values, axis=None).reshape(values.shape) - 3 / 8) / (values.size + 1 / 4)
    np.testing.assert_allclose(shares(values), blom, rtol=1e-12)


def test_equal_numbers_share_a_rank() -> None:
    np.testing.assert_array_equal(ranks(np.array([[3.0, 1.0], [1.0, 2.0]])), [[4, 1.5], [1.5, 3]])


def test_where_there_are_no_numbers() -> None:
    rng = np.random.default_rng(1)
    assert np.isnan(bulk_size_and_r_hat(rng.normal(size=(4, 3)))).all()
    assert np.isnan(bulk_size_and_r_hat(np.full((4, 100), np.nan))).all()
    ess, r_hat = bulk_size_and_r_hat(rng.normal(size=(1, 1_000)))
    assert 500 < ess < 2_000
    assert 1 <= r_hat < 1.02  # its halves agree


def test_every_number_of_a_parameter_is_judged() -> None:
    values = np.random.default_rng(2).normal(size=(4, 500, 3, 2))
    values[..., 1, 1] = 7.0
    values[0, :, 2, 0] += 3
    ess, r_hat = convergence(values)
    assert ess.shape == r_hat.shape == (3, 2)
    assert (ess[1, 1], r_hat[1, 1]) == (2_000, 1)  # what never varies has converged
    assert r_hat[2, 0] > 1.2
    assert r_hat[0].max() < 1.02
    ess, r_hat = convergence(values[..., 0, 0])
    assert ess.shape == ()
