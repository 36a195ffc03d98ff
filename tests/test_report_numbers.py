"""Digits follow the uncertainty; nothing is claimed for certain."""

from __future__ import annotations

import doctest
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagreg.report import plots, prose
from dagreg.report.prose import named, runs, visible
from dagreg.results import numbers
from dagreg.results.numbers import number, percent, probability


@pytest.mark.parametrize("module", [numbers, prose, plots])
def test_the_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("value", "sd", "text"),
    [
        (-0.61234, 0.0312, "-0.612"),
        (0.1, 0.03, "0.100"),
        (1234.56, 87.0, "1235"),
        (-0.0001, 0.12, "0.00"),
        (0.0, 0.0, "0"),
        (3.2e-9, 1.1e-9, "3.2e-09"),
        (4.5e9, 1.2e8, "4.50e+09"),
        (math.nan, 1.0, "not available"),
    ],
)
def test_number(value, sd, text):
    assert number(value, sd) == text


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_printed(value, sd):
    assert number(value, sd)


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e4))
def test_a_printed_number_is_right_to_its_sd(value, sd):
    assert abs(float(number(value, sd)) - value) <= max(0.06 * sd, 0.5 if sd > 10 else 0) + 1e-9


def test_probabilities_never_reach_zero_or_one():
    assert [probability(p) for p in (0.0, 0.004, 0.5, 0.995, 1.0)] == [
        "below 0.001",
        "0.004",
        "0.50",
        "0.995",
        "above 0.999",
    ]
    assert percent(0.94) == "94%"


@given(st.text())
def test_names_survive_being_marked(name):
    pieces = list(runs(named(name)))
    assert "".join(p for _, p in pieces) == visible(name.replace("`", "\u02cb") or " ")


@given(st.text(st.characters()))
def test_visible_text_has_no_control_characters(text):
    assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in visible(text))
