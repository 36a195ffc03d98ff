"""What may not change a doubt: the order of rows, the names of levels, units of measurement."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from dagreg.doubts.dispersion import dispersion_doubts
from dagreg.doubts.fit import cell_doubts
from dagreg.doubts.influence import prior_doubts
from tests.fitting import estimate_of, models_of
from tests.test_check import _at_mode

Table = dict[str, Any]
TEXT = (
    "nodes: {x: binary, z: ZTYPE, w: continuous, y: YTYPE}\nedges: ['z -> x', 'x, z, w -> y']\neffect: x -> "
    "y\n"
    "regressions: {y: {priors: {x: 'Normal(0, 0.3)'}}}\n"
)
YTYPES = {"binary": "binary", "binomial": "{type: count, family: binomial, trials: n}", "poisson": "count"}


def _table(seed: int, kind: str) -> Table:
    rng = np.random.default_rng(seed)
    z, w = rng.integers(0, 4, 160), rng.normal(size=160)
    x = (rng.random(160) < np.array([0.0, 0.3, 0.6, 0.9])[z]).astype(int)
    eta = x + 0.5 * z - 1 + 0.3 * w + rng.normal(size=160) * (seed % 2)
    n = rng.integers(1, 30, 160)
    y = {
        "binary": (rng.random(160) < expit(eta)).astype(int),
        "binomial": rng.binomial(n, expit(eta)),
        "poisson": rng.poisson(np.exp(eta / 2)),
    }[kind]
    return {"x": x, "z": np.array(list("abcd"))[z], "w": w, "n": n, "y": y}


def _said(text: str, data: Table) -> list[tuple[str, list[float]]]:
    """Code and figures of each doubt, in words without names."""
    model = models_of(text, data)["adjusted"]
    estimates = [estimate_of(0.1, 0.03, model.estimand.contrasts[0])]
    doubts = (
        *cell_doubts(model, estimates, data),
        *dispersion_doubts(model, _at_mode(model.outcome, model, data), data),
        *prior_doubts(model, estimates, data, 1),
    )
    return [(d.code, [float(v) for v in re.findall(r"-?\d+\.?\d*", d.message)]) for d in doubts]


def _agree(one: list[tuple[str, list[float]]], other: list[tuple[str, list[float]]]) -> None:
    assert [code for code, _ in one] == [code for code, _ in other]
    for (_, a), (_, b) in zip(one, other, strict=True):
        assert a == pytest.approx(b, rel=0.02, abs=1e-3)  # as shown


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.sampled_from(list(YTYPES)))
def test_doubts_hang_on_no_order_no_names_and_no_units(seed: int, kind: str) -> None:
    text = TEXT.replace("YTYPE", YTYPES[kind]).replace("ZTYPE", "categorical")
    data = _table(seed, kind)
    first = _said(text, data)
    order = np.random.default_rng(seed).permutation(160)
    _agree(first, _said(text, {c: v[order] for c, v in data.items()}))
    _agree(first, _said(text, data | {"w": 1e3 * data["w"] + 1e5}))
    swapped = dict(
        zip("abcd", ["a", "z9", "m", "k0"], strict=True)
    )  # the reference stays: default priors hang on it
    _agree(first, _said(text, data | {"z": np.array([swapped[v] for v in data["z"]])}))


def test_doubts_are_raised_at_all() -> None:
    """Otherwise the test above would compare nothing with nothing."""
    said = set()
    for kind, how in YTYPES.items():
        for seed in range(4):
            text = TEXT.replace("YTYPE", how).replace("ZTYPE", "categorical")
            said |= {code for code, _ in _said(text, _table(seed, kind))}
            said |= {
                code
                for code, _ in _said(
                    text.replace("w: continuous, ", "").replace(", w ->", " ->"), _table(seed, kind)
                )
            }
    assert {"DR511", "DR521", "DR522"} <= said
