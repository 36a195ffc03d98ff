"""Every bad spec renders exactly as its golden says.

DAGREG_PROMOTE=1 writes the goldens anew: review the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagreg.errors import SpecError, render
from dagreg.spec.load import load

BAD = Path(__file__).parent / "bad"
SPECS = sorted(BAD.glob("*.yaml"))


def rendering(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load(path)
    shown = "\n\n".join(render(diagnostic, caught.value.text) for diagnostic in caught.value.diagnostics)
    return shown.replace(str(path), path.name) + "\n"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_bad_spec_renders_as_its_golden(path: Path) -> None:
    golden = path.with_suffix(".txt")
    shown = rendering(path)
    if os.environ.get("DAGREG_PROMOTE"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_every_golden_has_its_spec() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in SPECS}


def test_there_are_many_bad_specs() -> None:
    assert len(SPECS) >= 60
