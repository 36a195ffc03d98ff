"""The forest plot: places, ticks and words, from plain values."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagreg.report.plots import Panel, Row, forest_svg, forest_text, ticks

PANELS = (
    Panel(
        "Risk difference",
        (Row("adjusted", 0.1, 0.05, 0.15, "0.10", "primary"), Row("none", 0.2, 0.1, 0.3, "0.2")),
    ),
    Panel("Log odds ratio", (Row("adjusted", -0.5, -0.9, -0.1, "-0.5"),)),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_each_scale_has_its_panel():
    root = ElementTree.fromstring(forest_svg(PANELS, "Estimates"))
    assert len(root.findall(f"{SVG}g")) == 2
    assert root.find(f"{SVG}title").text == "Estimates"
    assert len(root.findall(f".//{SVG}line[@class='zero']")) == 3


def test_points_lie_within_their_intervals_and_the_picture():
    root = ElementTree.fromstring(forest_svg(PANELS, "Estimates"))
    width = float(root.get("width"))
    for row in root.iter(f"{SVG}g"):
        line, point = row.find(f"{SVG}line[@class='interval']"), row.find(f"{SVG}circle")
        if line is not None:
            assert 0 <= float(line.get("x1")) < float(point.get("cx")) < float(line.get("x2")) <= width


def test_labels_are_escaped_and_cut():
    label = '<script>"&\x1b' + "long " * 30
    root = ElementTree.fromstring(forest_svg((Panel(label, (Row(label, 1, 0, 2, label),)),), label))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert any(t.startswith('<script>"&\\x1b') and t.endswith("…") for t in texts)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_has_no_mark(bad):
    panel = Panel("p", (Row("r", bad, bad, bad, "not available"),))
    assert "<circle" not in forest_svg((panel,), "t")
    assert "*" not in forest_text((panel,))


def test_text_marks_the_point_and_zero():
    lines = forest_text(PANELS, 60).splitlines()
    assert "*" in lines[1]
    assert "|" in lines[1]
    assert all(len(line) <= 60 for line in lines)


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12))
def test_ticks_are_few_round_and_inside(low, width):
    high = low + width
    found = ticks(low, high)
    assert len(found) <= 12
    slack = 1e-9 * max(abs(low), abs(high), 1e-300)
    assert all(low - slack <= t <= high + slack for t in found)


@given(st.lists(st.tuples(*(st.floats(allow_nan=True, allow_infinity=True) for _ in range(3))), max_size=5))
def test_any_numbers_can_be_plotted(values):
    rows = tuple(Row("r", *sorted(v, key=lambda x: (x != x, x)), "t") for v in values)
    ElementTree.fromstring(forest_svg((Panel("p", rows),), "t"))
    forest_text((Panel("p", rows),))
