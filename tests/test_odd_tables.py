"""Random odd tables through `init`, `check`, `fit` and the reports; `tests/odd_tables.py` makes them.

DAGREG_TRUST=20000 sends 1,000 of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dagreg.engine import nuts
from dagreg.errors import Diagnostic, Unsolvable
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


def test_wrong_numbers_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: it passes what is right, and finds an estimate that is one posterior sd off."""
    rows = "".join(f"{i % 7},{(i * i) % 5},{i % 7 + (i * 3) % 4}\n" for i in range(60))
    found = put_through(Odd(f"x,y,z\n{rows}", ("x", "y", "z"), (), 60), tmp_path, 1)
    assert faults(found) == []
    assert found.result is not None
    assert compared(found)


def compared(way: Any) -> bool:
    """Whether moving the table's own numbers is noticed, so that something has been compared."""
    import tests.odd_tables as module

    before = module._ridge
    try:
        module._ridge = lambda y, blocks: (before(y, blocks) or 0.0) + 1e6  # type: ignore[assignment]
        return len(module.wrong_numbers(way)) == 1
    finally:
        module._ridge = before
