"""Tail probabilities against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dagreg.numerics.tails import chi_square_upper, f_upper, t_two_sided


@pytest.mark.parametrize("free", [1.0, 2.5, 10.0, 300.0, 5e4])
@pytest.mark.parametrize("x", [0.0, 1e-3, 0.5, 1.0, 2.0, 5.0, 30.0])
def test_tails_are_those_of_scipy(x: float, free: float) -> None:
    def close(value: float) -> object:
        return pytest.approx(value, rel=1e-8, abs=1e-300)

    assert t_two_sided(x, free) == close(2 * stats.t.sf(x, free))
    assert t_two_sided(-x, free) == close(2 * stats.t.sf(x, free))
    for columns in (1, 2, 7, 40):
        assert f_upper(x, columns, free) == close(stats.f.sf(x, columns, free))
        assert chi_square_upper(x * columns, columns) == close(stats.chi2.sf(x * columns, columns))


def test_nothing_and_everything() -> None:
    assert f_upper(-1.0, 2, 10) == 1.0
    assert chi_square_upper(-1.0, 3) == 1.0
    assert t_two_sided(np.inf, 5) == 0.0
