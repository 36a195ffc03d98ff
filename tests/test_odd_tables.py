"""Random odd tables through `init`, `check`, `fit` and the reports; `tests/odd_tables.py` makes them.

DAGREG_TRUST=20000 sends 1,000 of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dagreg.engines import nuts
from dagreg.errors import Diagnostic, Unsolvable
from tests import odd_tables
from tests.odd_tables import Odd, faults, odd_table, put_through

TABLES = max(25, int(os.environ.get("DAGREG_TRUST", "0")) // 20)


@pytest.fixture(autouse=True)
def unsampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that only NUTS could solve stay unsolved: all else is done as ever."""

    def sample(*_: Any) -> None:
        raise Unsolvable((Diagnostic("DR503", "left to NUTS", notes=("no sampler here",)),))

    monkeypatch.setattr(nuts, "sample", sample)


@pytest.mark.parametrize("seed", range(TABLES))
def test_an_odd_table_has_an_answer_or_a_message(seed: int, tmp_path: Path) -> None:
    odd = odd_table(seed)
    assert faults(put_through(odd, tmp_path, seed)) == [], (odd.kinds, odd.rows)


def test_a_wrong_number_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right passes, and one posterior sd beside it does not: something is compared."""
    rows = "".join(f"{i % 7 + 0.5},{(i * i) % 5 - 0.5},{i % 7 + (i * 3) % 4 - 0.25}\n" for i in range(60))
    way = put_through(Odd(f"x,y,z\n{rows}", ("x", "y", "z"), (), 60), tmp_path, 1)
    assert faults(way) == []
    assert way.result is not None
    effect = way.result.effects[0]
    assert effect.result is not None
    (sd,) = (e.summary.sd for e in effect.result.estimates if e.estimator == "adjusted")
    right = odd_tables._ridge
    monkeypatch.setattr(odd_tables, "_ridge", lambda y, blocks: (right(y, blocks) or 0.0) + sd)
    (found,) = faults(way)
    assert "its closed form is" in found
