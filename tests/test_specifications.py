"""The same effect by other regressions: each equals a fit of its own, and says what the graph thinks."""

from __future__ import annotations

import numpy as np
import pytest

import dagreg
from dagreg.doubts.types import Specification
from dagreg.errors import SpecError
from tests.fitting import Columns

EDGES = "edges: ['a -> z, x', 'z -> y', 'a -> w', 'w -> y', x -> m, 'm, x -> y']\n"
SPEC = EDGES + "effect: {exposure: x, outcome: y}\n"


def table(rows: int = 300) -> Columns:
    rng = np.random.default_rng(1)
    a = rng.normal(size=rows)
    z, w = a + rng.normal(size=rows), a + rng.normal(size=rows)
    x = a + rng.normal(size=rows)
    m = x + rng.normal(size=rows)
    return {"a": a, "z": z, "w": w, "x": x, "m": m, "y": m + z + w + rng.normal(size=rows)}


def found_in(text: str, data: Columns | None = None) -> dict[str, Specification]:
    (effect,) = dagreg.fit(dagreg.loads(text), table() if data is None else data).record.effects
    return {s.name: s for s in effect.specifications}


def test_every_row_is_the_fit_of_its_set() -> None:
    found = found_in(SPEC.replace("outcome: y", "outcome: y, adjust: [z, w]"))
    assert found["adjusted"].primary
    assert set(found) >= {"adjusted", "unadjusted", "another set", "without `z`", "without `w`"}
    alone = found_in(SPEC.replace("outcome: y", "outcome: y, adjust: [a]"))["adjusted"]
    other = found["another set"]
    assert other.adjusted_for == ("a",)
    assert (other.mean, other.sd) == pytest.approx((alone.mean, alone.sd), rel=0.05)
    data = table()
    design = np.column_stack([np.ones(300), data["x"], data["z"]])
    beta = np.linalg.lstsq(design, data["y"])[0]
    assert found["without `w`"].mean == pytest.approx(beta[1], abs=0.02)
    assert found["without `w`"].adjusted_for == ("z",)


def test_a_row_says_whether_the_graph_allows_it() -> None:
    found = found_in(SPEC.replace("outcome: y", "outcome: y, adjust: [z, w]"))
    assert found["another set"].valid
    assert not found["without `w`"].valid
    assert found["without `w`"].why == "`x <- a -> w -> y` stays open"
    assert not found["unadjusted"].valid


def test_a_regression_of_the_users_own() -> None:
    found = found_in(SPEC.replace("outcome: y", "outcome: y, compare: y ~ x + a + m"))
    own = found["your own"]
    assert own.adjusted_for == ("a", "m")
    assert not own.valid
    assert own.why == "`m` follows from the exposure"
    data = table()
    beta = np.linalg.lstsq(np.column_stack([np.ones(300), data["x"], data["a"], data["m"]]), data["y"])[0]
    assert own.mean == pytest.approx(beta[1], abs=0.03)


def test_a_regression_that_is_asked_for_is_tried_whatever_the_family() -> None:
    data = table()
    data["y"] = (data["y"] > 0).astype(int)
    assert set(found_in(SPEC, data)) == {"adjusted", "chain (g-formula)", "unadjusted"}
    found = found_in(SPEC.replace("outcome: y", "outcome: y, compare: y ~ x + a"), data)
    assert found["your own"].valid


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("y", "expected a regression"),
        ("y ~ x +", "expected a regression"),
        ("m ~ x + a", "its response is `m`"),
        ("y ~ a", "the exposure `x` is not among its terms"),
        ("y ~ x + y", "the outcome is among its own terms"),
        ("y ~ x + nobody", "unknown node `nobody`"),
    ],
)
def test_what_is_no_regression_is_refused(written: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        dagreg.loads(SPEC.replace("outcome: y", f"outcome: y, compare: '{written}'"))


def test_the_report_shows_them_in_order() -> None:
    text = dagreg.fit(dagreg.loads(SPEC), table()).report("text")
    assert "What else could move it" in text
    assert text.index("without `a`".replace("`", "")) > 0
