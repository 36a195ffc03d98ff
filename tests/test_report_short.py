"""The summary on the terminal: about 25 lines, no word cut in two, nothing that matters left out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import dagreg
from dagreg.report.render import print_short, render
from dagreg.report.view import Subject
from dagreg.results.numbers import number
from tests.fitting import Columns

SPECS = Path(__file__).parents[1] / "specs"
LINES = 40  # of one effect with everything that can be said of it; about 25 as a rule


def shown(subject: Subject, width: int = 80) -> list[str]:
    stream = io.StringIO()
    print_short(
        subject, Console(file=stream, width=width, color_system=None), ["`out/report.html`: the rest"]
    )
    return stream.getvalue().splitlines()


def _words(lines: list[str]) -> set[str]:
    """But for the rules below titles, which are as long as these."""
    return {word for line in lines for word in line.split() if word.strip("=-")}


def columns(rows: int = 300) -> Columns:
    rng = np.random.default_rng(2)
    z = rng.normal(size=rows)
    x = z + rng.normal(size=rows)
    return {"z": z, "x": x, "y": x - z + rng.normal(size=rows)}


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_summary_is_short_and_breaks_no_word(path: Path) -> None:
    explained = dagreg.explain(path)
    lines = shown(explained)
    effects = min(len(explained.answers), 8)
    assert len(lines) <= LINES if effects == 1 else 14 * effects + 12
    assert max(map(len, lines)) <= 80
    assert _words(lines) == _words(shown(explained, 60))  # no width cuts a word in two
    assert len(lines) < len(render(explained, "text").splitlines())


def test_a_summary_says_the_number_what_was_adjusted_for_and_the_number_without() -> None:
    spec = dagreg.loads("edges: ['z -> x, y', x -> y]\neffect: x -> y\n")
    result = dagreg.fit(spec, columns())
    (effect,) = result.record.effects
    assert effect.result is not None
    text = " ".join(" ".join(shown(result.record)).split())
    adjusted, unadjusted = (
        next(e.summary for e in effect.result.estimates if e.estimator == name and e.scale == "outcome")
        for name in ("adjusted", "unadjusted")
    )
    assert f" {number(adjusted.mean, adjusted.sd)} " in text
    assert "Adjusted for: z." in text
    assert f"Without adjustment: {number(unadjusted.mean, unadjusted.sd)} " in text
    assert "out/report.html: the rest" in text


def test_a_summary_of_a_refusal_says_why_and_what_would_help() -> None:
    spec = dagreg.loads(
        "nodes: {x: binary, y: binary, u: unobserved}\nedges: ['u -> x, y', x -> y]\neffect: x -> y\n"
    )
    text = " ".join(" ".join(shown(dagreg.explain(spec))).split())
    assert "STOP" in text
    assert "x <- u -> y stays open" in text
    assert "With u measured" in text


def test_a_summary_counts_what_it_leaves_out() -> None:
    names = [f"x{i}" for i in range(12)]
    edges = ", ".join(f"{name} -> y" for name in names)
    spec = dagreg.loads(f"edges: [{edges}]\neffects: [{edges}]\n")
    text = " ".join(" ".join(shown(dagreg.explain(spec))).split())
    assert "4 more effects not shown here." in text
