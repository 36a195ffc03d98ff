"""The dose-response curve against closed forms and contrasts; which doses are chosen; its table and its
picture.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import special

from dagreg import pipeline
from dagreg.effects.dose import dose_response, evenly
from dagreg.effects.types import Dose
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError, SpecError
from dagreg.report.curve import Point, curve_svg
from dagreg.spec.load import loads
from tests.fitting import models_of, spec_of

RNG = np.random.default_rng(3)
N = 150
Z = RNG.normal(0.4, 1, N)
X = np.exp(0.5 * Z + RNG.normal(0, 0.5, N))
DATA: dict[str, Any] = {
    "z": Z, "x": X, "k": RNG.poisson(4, N), "d": RNG.integers(0, 2, N), "y": RNG.normal(size=N),
    "m": RNG.integers(0, 2, N),
}  # fmt: skip
PRIOR = "priors: {intercept: 'Normal(0, 5)'}"


def curve_of(spec: str, values: Mapping[str, Any], estimator: str = "adjusted") -> tuple[Dose, ...]:
    model = models_of(spec, DATA)[estimator]
    draws = {
        name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()
    }
    return dose_response(model, Draws(draws, "test", 0, 0.0), DATA, seed=0)


def means(doses: tuple[Dose, ...]) -> dict[float, float]:
    return {d.dose: d.summary.mean for d in doses}


@pytest.mark.parametrize("transform", ["", ", transform: log", ", transform: standardize"])
def test_the_mean_at_each_dose_is_averaged_over_the_rows(transform: str) -> None:
    """Doses are on the column's own scale."""
    spec = (
        f"nodes: {{x: {{type: positive{transform}}}, z: continuous, d: binary}}\nedges: [z -> x, 'x, z -> "
        "d']\n"
        f"effect: {{exposure: x, outcome: d, dose_response: [4, 0.5, 1]}}\nregressions: {{d: {{{PRIOR}}}}}\n"
    )
    found = curve_of(spec, {"alpha_d": -0.5, "beta_d_x": 0.7, "beta_d_z": 0.9})
    change = {"": lambda x: x, ", transform: log": np.log}.get(
        transform, lambda x: (x - X.mean()) / X.std(ddof=1)
    )
    expected = {d: special.expit(-0.5 + 0.7 * change(d) + 0.9 * Z).mean() for d in (0.5, 1.0, 4.0)}
    assert list(means(found)) == [0.5, 1.0, 4.0]
    assert means(found) == {d: pytest.approx(value, rel=1e-9) for d, value in expected.items()}


def test_a_linear_curve_is_a_line_through_the_means() -> None:
    spec = (
        "edges: [z -> x, 'x, z -> y']\neffect: {exposure: x, outcome: y, dose_response: [0, 1, 2, 3]}\n"
        f"regressions: {{y: {{{PRIOR}}}}}\n"
    )
    found = means(curve_of(spec, {"alpha_y": 0.3, "beta_y_x": 0.7, "beta_y_z": 0.9, "sigma_y": 1.0}))
    assert found == {d: pytest.approx(0.3 + 0.7 * d + 0.9 * Z.mean(), rel=1e-9) for d in (0.0, 1.0, 2.0, 3.0)}


def test_the_chain_sums_over_its_mediator() -> None:
    spec = (
        "nodes: {x: continuous, z: continuous, m: binary, d: binary}\nedges: ['z -> x, m', x -> m -> d, x -> "
        "d]\n"
        f"effect: {{exposure: x, outcome: d, dose_response: [0, 2, 5]}}\n"
        f"regressions: {{d: {{{PRIOR}}}, m: {{{PRIOR}}}}}\n"
    )
    values = {
        "alpha_m": -1.0,
        "beta_m_x": 0.6,
        "beta_m_z": 0.5,
        "alpha_d": 0.2,
        "beta_d_x": -0.3,
        "beta_d_m": 1.1,
    }
    found = means(curve_of(spec, values, "chain"))
    for dose in (0.0, 2.0, 5.0):
        one = special.expit(-1.0 + 0.6 * dose + 0.5 * Z)
        risk = one * special.expit(1.3 - 0.3 * dose) + (1 - one) * special.expit(0.2 - 0.3 * dose)
        assert found[dose] == pytest.approx(risk.mean(), rel=1e-9)


def test_the_front_door_has_a_curve_too() -> None:
    """sum_m P(m | do(x)) sum_x' P(y | m, x') P(x')."""
    spec = (
        "nodes: {x: continuous, m: binary, y: continuous}\nedges: [x -> m -> y, x <-> y]\n"
        f"effect: {{exposure: x, outcome: y, dose_response: [0, 2, 3]}}\n"
        f"regressions: {{y: {{{PRIOR}}}, m: {{{PRIOR}}}}}\n"
    )
    model = models_of(spec, DATA)["frontdoor"]
    values = {symbol: 0.4 for e in model.equations for symbol in e.parameters}
    found = means(curve_of(spec, values, "frontdoor"))
    for dose in (0.0, 2.0, 3.0):
        expected = 0.4 + 0.4 * special.expit(0.4 + 0.4 * dose) + 0.4 * X.mean()
        assert found[dose] == pytest.approx(
            expected, rel=0.02
        )  # the rows' exposures are taken at 2,000 places


def test_doses_between_the_quantiles() -> None:
    seen = np.linspace(0, 100, 1001)
    assert evenly(seen, 5, whole=False) == pytest.approx((2.5, 26.25, 50.0, 73.75, 97.5))
    assert evenly(np.arange(101.0), 4, whole=True) == (2.0, 34.0, 66.0, 98.0)
    assert evenly(np.array([1.0, 2.0, 3.0]), 11, whole=True) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            "nodes: {x: {type: positive, transform: log}, y: continuous}\nedges: [x -> y]\n",
            "does not take the dose 0",
        ),
        ("nodes: {y: continuous}\nedges: [g -> y]\n", "`g` is categorical, and doses are numbers"),
        (
            "nodes: {x: continuous, g: {type: categorical}}\nedges: [x -> g]\n",
            "`g` has several levels, and no mean",
        ),
    ],
)
def test_refusals_stand_at_the_curve(spec: str, says: str) -> None:
    exposure, outcome = ("g", "y") if "g -> y" in spec else ("x", "g") if "x -> g" in spec else ("x", "y")
    spec = spec.replace("nodes: {y: continuous}\n", "")
    spec += f"effect:\n  exposure: {exposure}\n  outcome: {outcome}\n  dose_response: [0, 1]\n"
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec_of(spec), DATA | {"g": np.array(list("abc"))[np.arange(N) % 3]})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "DR429"
    assert diagnostic.span is not None
    assert spec.splitlines()[diagnostic.span.line - 1].strip() == "dose_response: [0, 1]"
    assert says in diagnostic.message


def test_the_fit_tells_the_curve_in_every_format() -> None:
    """The posterior of a regression's mean at a dose, known in closed form under flat priors."""
    rng = np.random.default_rng(0)
    data = {"x": (x := rng.uniform(0, 10, 400)), "y": 1 + 0.5 * x + rng.normal(0, 1, 400)}
    spec = (
        "nodes: {x: {type: continuous, unit: mg}, y: continuous}\nedges: [x -> y]\n"
        "effect: {exposure: x, outcome: y, dose_response: [0, 5, 20]}\nsampling: {engine: exact, draws: "
        "4000}\n"
    )
    result = pipeline.fit(spec_of(spec), data)
    found = json.loads(result.report("json"))["effects"][0]["dose_response"]
    design = np.column_stack([np.ones(400), x])
    beta, residual = np.linalg.lstsq(design, data["y"], rcond=None)[:2]
    variance = residual[0] / 398 * np.linalg.inv(design.T @ design)
    for row in found:
        at = np.array([1.0, row["dose"]])
        sd = float(np.sqrt(at @ variance @ at))
        assert row["mean"] == pytest.approx(float(at @ beta), abs=0.05 * sd + 0.02 * sd)
        assert row["sd"] == pytest.approx(sd, rel=0.04)
        assert row["interval"] == pytest.approx(
            [at @ beta - 1.881 * sd, at @ beta + 1.881 * sd], abs=0.12 * sd
        )
    assert [row["observed"] for row in found] == [bool(x.min() <= d <= x.max()) for d in (0, 5, 20)]
    text = " ".join(result.report("text").split())
    assert "Dose and response" in text
    assert "there no data speak, and the answer is the regression's extrapolation" in text
    assert 'class="forest curve"' in result.report("html")
    assert "Dose and response" in result.report("md")


def test_the_picture_names_its_axes_and_escapes_them() -> None:
    points = [Point(0, 1, 0.5, 1.5), Point(5, 2, 1.5, 2.5), Point(9, float("nan"), 0, 1)]
    root = ElementTree.fromstring(curve_svg(points, "<t>", "a & b", "y" * 90))
    svg = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{svg}circle")) == 2
    texts = [t.text for t in root.iter(f"{svg}text")]
    assert "a & b" in texts
    assert any(t is not None and t.endswith("\u2026") for t in texts)
    assert ElementTree.fromstring(curve_svg([], "t", "a", "b")) is not None


def test_the_former_name_of_the_key_is_read_and_said() -> None:
    text = "edges: [x -> y]\neffect: {exposure: x, outcome: y, curve: [0, 5]}\n"
    spec, now = loads(text), loads(text.replace("curve", "dose_response"))
    assert spec.effects[0].doses == now.effects[0].doses == (0.0, 5.0)
    assert [(n.code, n.severity) for n in spec.notes] == [("DR116", "warning")]
    assert now.notes == ()
    with pytest.raises(SpecError, match="one key"):
        loads(text.replace("curve", "dose_response: [1, 2], curve"))
