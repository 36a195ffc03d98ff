"""The same effect by other regressions: each equals a fit of its own, and says what the graph thinks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dagreg
from dagreg.doubts.types import Specification
from dagreg.errors import DagregError, SpecError
from dagreg.graph.causal import analyse
from dagreg.identify.placebo import with_placebos
from tests.calling import call
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


def test_doubt_tries_what_a_fit_leaves_out_and_keeps_its_draws(tmp_path: Path) -> None:
    data = table(200)
    data["y"] = (data["y"] > 0).astype(int)
    lines = [",".join(data), *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "s.yaml").write_text("data: d.csv\n" + SPEC)
    assert call("fit", tmp_path / "s.yaml", "-o", tmp_path / "out", "--format", "json").code == 0
    before = dagreg.open(tmp_path / "out").effects[0]
    names = {s.name for s in before.specifications}
    assert "another set" not in names
    done = call("doubt", tmp_path / "out")
    assert done.code == 0
    assert "What else could move it" in done.stdout
    assert done.stderr.count("not solved again") >= 2
    after = dagreg.open(tmp_path / "out").effects[0]
    assert {s.name for s in after.specifications} > names
    assert before.result == after.result
    answer = json.loads(call("doubt", tmp_path / "out", "--format", "json").stdout)
    assert len(answer["effects"][0]["specifications"]) == len(after.specifications)


def test_the_report_shows_them_in_order() -> None:
    text = dagreg.fit(dagreg.loads(SPEC), table()).report("text")
    assert "What else could move it" in text
    assert text.index("without `a`".replace("`", "")) > 0


@pytest.mark.parametrize(("power", "name"), [(0.5, "priors half as strong"), (2.0, "priors twice as strong")])
def test_scaled_priors_are_a_fit_with_these_priors(power: float, name: str) -> None:
    """A Normal to the power of a is a Normal whose sd is smaller by the root of a; a HalfNormal too."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=30)
    data = {"x": x, "y": 0.8 * x + rng.normal(size=30)}

    def spec(a: float) -> str:
        root = a**0.5
        sds = [size / root for size in (1, 0.5, 1)]
        priors = "intercept: 'Normal(0, {})', x: 'Normal(0, {})', sigma: 'HalfNormal({})'".format(*sds)
        asked = "edges: [x -> y]\neffect: x -> y\nsampling: {draws: 5000}\n"
        return f"{asked}regressions: {{y: {{priors: {{{priors}}}}}}}\n"

    found = found_in(spec(1.0), data)
    (effect,) = dagreg.fit(dagreg.loads(spec(power)), data).record.effects
    assert effect.result is not None
    refitted = effect.result.estimates[0].summary
    row = found[name]
    assert row.mean == pytest.approx(refitted.mean, abs=0.1 * refitted.sd)
    assert row.sd == pytest.approx(refitted.sd, rel=0.1)
    assert row.interval == pytest.approx(refitted.interval, abs=0.1 * refitted.sd)


def test_a_placebo_is_zero_by_the_graph_and_shows_what_it_has_missed(tmp_path: Path) -> None:
    """`u` is a common cause that the graph has missed; `n` is moved by it, and by nothing else."""
    rng = np.random.default_rng(4)
    u, z = rng.normal(size=(2, 300))
    x, n = u + z + rng.normal(size=300), u + rng.normal(size=300)
    y = x + u + z + rng.normal(size=300)
    rows = "".join(f"{a},{b},{c},{d}\n" for a, b, c, d in zip(z, x, y, n, strict=True))
    (tmp_path / "d.csv").write_text("z,x,y,n\n" + rows)
    spec = "data: d.csv\nnodes: {z: continuous, x: continuous, y: continuous, n: continuous}\n"
    (tmp_path / "s.yaml").write_text(spec + "edges: ['z -> x, y', x -> y]\neffect: x -> y\n")
    ask = ("fit", tmp_path / "s.yaml", "-o", tmp_path / "out", "--format", "json", "--placebo")
    effects = json.loads(call(*ask, "n").stdout)["effects"]
    assert [(e["exposure"], e["outcome"]) for e in effects] == [(["x"], "y"), (["x"], "n"), (["n"], "y")]
    assert [e["causal_path"] for e in effects] == [True, False, False]
    low, high = effects[1]["estimates"][0]["interval"]
    assert not low <= 0 <= high
    refused = call(*ask, "z")
    assert refused.code == 0  # as an outcome: x does not move it
    refused = call(*ask, "nobody")
    assert refused.code == 1
    assert "DR205" in refused.stderr


def test_a_mediator_is_no_placebo() -> None:
    spec = dagreg.loads("edges: [x -> m -> y]\neffect: x -> y\n")
    with pytest.raises(DagregError, match="is no placebo"):
        with_placebos(spec, analyse(spec), ["m"])
