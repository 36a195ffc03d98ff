"""Numbers in few digits: near enough, and no fewer than tell them apart."""

from __future__ import annotations

import pytest

from dagreg.families.links import LINKS
from dagreg.numerics.rounding import distinct, shortened
from tests.fitting import compiled


@pytest.mark.parametrize("value", [1712345737.0, 0.1 + 0.2, -3.14159265358979, 1e15 + 3, 5e-300])
@pytest.mark.parametrize("share", [1e-3, 1e-9, 0.0])
def test_a_shortened_number_is_near_enough(value: float, share: float) -> None:
    found = shortened(value, share * abs(value))
    assert abs(found - value) <= share * abs(value)
    assert len(repr(found)) <= max(len(repr(value)), 8)


def test_a_mean_far_above_its_sd_keeps_its_digits() -> None:
    assert shortened(1712345737.123456, 1e-5 * 34.9) == 1712345737.1235


def test_words_tell_numbers_apart() -> None:
    assert distinct([1.0, 2.0]) == ("1", "2")
    assert distinct([1712345678.0, 1712345679.0]) == ("1712345678", "1712345679")


def test_cutpoints_of_rare_levels_start_in_order() -> None:
    """Of 1,000 rows one has the fourth level: its two cutpoints are .006 apart."""
    levels = ["a"] * 600 + ["b"] * 200 + ["c"] * 1 + ["d"] * 199
    text = "nodes: {x: continuous, y: {type: ordinal, levels: [a, b, c, d]}}\nedges: [x -> y]\neffect: x -> y"
    source = compiled(text, {"x": [float(i % 7) for i in range(1000)], "y": levels}).program.source
    line = next(part for part in source.splitlines() if "transforms.ordered" in part)
    starts = [float(c) for c in line.split("np.array([")[1].split("]")[0].split(",")]
    assert starts == sorted(set(starts))
    assert len(starts) == 3


@pytest.mark.parametrize("mean", [1e-12, 1e-7, 0.5])
@pytest.mark.parametrize("link", ["log", "logit", "probit", "cloglog", "inverse", "softplus"])
def test_a_small_mean_has_its_own_predictor(link: str, mean: float) -> None:
    import numpy as np

    found = LINKS[link].inverse(np.array([LINKS[link].of_mean(mean)]))[0]
    assert found == pytest.approx(mean, rel=1e-6)
