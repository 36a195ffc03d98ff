"""Densities, traces, rank plots and shrinkage: plain numbers in, honest pictures out."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagreg.effects.summary import density
from dagreg.effects.types import Density
from dagreg.report.curves import DensityCurve, finite, ranks, ridge, small_densities, trace
from dagreg.report.drawing import element, sheet
from dagreg.report.render import render
from dagreg.report.shrinkage import DrawnLevel, shrinkage
from tests.report_cases import CASES, NASTY, coaching, nasty

SVG = "{http://www.w3.org/2000/svg}"
CURVE = DensityCurve(
    "adjusted", -1.0, 3.0, (0.0, 0.5, 1.0, 0.5, 0.0), 1.0, (0.0, 2.0), "1.0 (0.0 to 2.0)", "primary"
)


def parsed(drawing):
    return ElementTree.fromstring(element(drawing, "x"))


def integral(d: Density) -> float:
    return float(np.trapezoid(d.heights, np.linspace(d.low, d.high, len(d.heights))))


# The density


def test_the_density_of_normal_draws_is_normal():
    d = density(np.random.default_rng(1).normal(2.0, 0.5, (4, 2_500)))
    grid = np.linspace(d.low, d.high, len(d.heights))
    truth = np.exp(-0.5 * ((grid - 2.0) / 0.5) ** 2) / (0.5 * np.sqrt(2 * np.pi))
    assert np.abs(np.array(d.heights) - truth).max() < 0.04
    assert integral(d) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("draw", ["normal", "exponential", "uniform"])
def test_the_density_is_that_of_arviz(draw):
    from arviz_stats.base import array_stats

    values = getattr(np.random.default_rng(2), draw)(size=4_000)
    d = density(values)
    grid, heights, _ = array_stats.kde(values)
    theirs = np.interp(np.linspace(d.low, d.high, len(d.heights)), grid, heights)
    assert np.abs(np.array(d.heights) - theirs).max() < 0.06 * max(d.heights)


def test_a_density_ends_where_the_draws_end():
    d = density(np.random.default_rng(3).exponential(size=4_000))
    assert d.low > 0
    assert d.heights[0] > 0.8  # not pulled down by what cannot be


def test_long_tails_leave_the_body_in_sight():
    d = density(np.random.default_rng(4).standard_cauchy(4_000))
    assert d.high - d.low < 100
    assert integral(d) == pytest.approx(0.98, abs=0.02)


@pytest.mark.parametrize("values", [[1.0, 1.0], [1.0, float("nan")], [1.0, float("inf")], [5e-324, 0.0]])
def test_what_does_not_vary_or_is_no_number_has_no_density(values):
    assert density(np.array(values)) is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
def test_any_draws_have_a_density_or_none(values):
    with np.errstate(all="ignore"):
        d = density(np.array(values))
    assert d is None or (np.isfinite(d.heights).all() and min(d.heights) >= 0 and d.low < d.high)


# The drawings


def test_every_point_of_a_curve_lies_on_the_canvas():
    for drawing in (ridge([CURVE, CURVE], "Risk difference", "risk difference"), *small_densities([CURVE])):
        (first, *_) = (p for p in parsed(drawing).iter(f"{SVG}path") if p.get("class") == "curve")
        steps = np.array([float(n) for n in re.findall(r"-?[\d.]+", first.get("d"))]).reshape(-1, 2)
        places = steps.cumsum(axis=0)  # the path goes by steps
        assert (places >= 0).all()
        assert (places <= [drawing.width, drawing.height]).all()
        assert places[0, 1] == pytest.approx(places[-1, 1])  # it begins and ends on the floor


def test_a_zero_far_away_does_not_press_a_curve_into_a_spike():
    far = DensityCurve("adjusted", 99.0, 101.0, (0.0, 1.0, 0.0), 100.0, (99.5, 100.5), "100", "primary")
    assert 'class="zero"' not in ridge([far], "t", "t").body


def test_an_axis_has_two_numbers_at_least():
    narrow = DensityCurve("x", -3.2, -0.9, (0.0, 1.0, 0.0), -2.0, (-2.9, -1.1), "-2")
    labels = [
        t.text for t in parsed(*small_densities([narrow])).iter(f"{SVG}text") if t.get("class") == "tick"
    ]
    assert len(labels) >= 2


def test_zero_is_marked_and_the_axis_named():
    drawing = ridge([CURVE], "Risk difference", "risk difference")
    assert 'class="zero"' in drawing.body
    assert ">risk difference</text>" in drawing.body


def test_a_curve_of_no_numbers_is_left_out():
    bad = DensityCurve("x", 0.0, float("inf"), (0.0, 1.0), 0.0, (0.0, 1.0), "not available")
    assert list(finite([bad, CURVE])) == [CURVE]


def test_a_trace_has_a_line_for_each_chain_and_ranks_a_row():
    values = np.random.default_rng(5).normal(size=(3, 100))
    drawn = trace("beta", "R-hat 1.000", values.tolist(), 10, 1000)
    assert len([p for p in parsed(drawn).iter(f"{SVG}path") if p.get("stroke-opacity") == "0.75"]) == 3
    assert ">draw</text>" in drawn.body
    rows = ranks("beta", "Rank plot", [[50] * 20] * 3, 1000)
    assert [t.text for t in parsed(rows).iter(f"{SVG}text") if (t.text or "").startswith("chain")] == [
        "chain 1",
        "chain 2",
        "chain 3",
    ]


def test_a_level_without_rows_of_its_own_has_no_ring():
    levels = [DrawnLevel("a", 9, 1.0, 0.6, 0.1, 1.1), DrawnLevel("b", 0, float("nan"), 0.0, -1.0, 1.0)]
    drawn = shrinkage(levels, 0.0, "site", "mean of y", "94% interval")
    classes = [c.get("class") for c in parsed(drawn).iter(f"{SVG}circle")]
    assert classes.count("alone") == 1
    assert classes.count("pooled") == 2


def test_a_level_of_its_own_far_away_does_not_squeeze_the_others():
    levels = [DrawnLevel("a", 1, 1e9, 0.6, 0.1, 1.1), DrawnLevel("b", 9, -0.5, -0.3, -1.0, 1.0)]
    drawn = shrinkage(levels, 0.0, "site", "mean of y", "94% interval")
    assert [c.get("class") for c in parsed(drawn).iter(f"{SVG}circle")].count("alone") == 1


@pytest.mark.parametrize("name", NASTY)
def test_no_name_breaks_out_of_a_drawing(name):
    curve = DensityCurve(name, -1.0, 3.0, (0.0, 1.0, 0.0), 1.0, (0.0, 2.0), name)
    whole = sheet(
        [
            ridge([curve], name, name),
            *small_densities([curve]),
            trace(name, name, [[0.0, 1.0]], 1, 2),
            ranks(name, name, [[1, 1]], 2),
            shrinkage([DrawnLevel(name, 1, 0.0, 0.0, -1.0, 1.0)], 0.0, name, name, "94% interval"),
        ],
        name,
    )
    parsed(whole)
    assert "<script" not in element(whole, "x")


# The report


def test_the_page_holds_every_drawing_inline_with_its_alternative():
    page = render(nasty(), "html")
    drawings = re.findall(r'<svg class="plot[^>]*>', page)
    assert len(drawings) > 10
    for drawing in drawings:
        label = re.search(r'aria-labelledby="([^"]+)"', drawing)[1]
        assert page.count(f'id="{label}"') == 1
    assert "xlink" not in page


def test_large_galleries_are_folded():
    page = render(CASES["bad_diagnostics"](), "html")
    assert re.search(r"<summary>Trace and rank plots</summary>", page)
    assert "<details open" not in page


def test_an_exact_report_has_no_traces_and_says_why():
    page = render(coaching(), "html")
    assert "Trace and rank plots" not in page
    assert "without a Markov chain (there is no trace to look at)" in page


@pytest.mark.parametrize("format", ["text", "json", "md"])
def test_other_formats_hold_no_drawing(format):
    assert "<svg" not in render(nasty(), format)


def test_pictures_are_small():
    assert len(render(CASES["bad_diagnostics"](), "html")) < 300_000
