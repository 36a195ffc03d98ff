"""The effect on the treated: against counterfactuals simulated with known parameters, and its refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import special

from dagreg import pipeline
from dagreg.effects.estimate import estimates
from dagreg.effects.types import Estimate
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError, SpecError
from dagreg.programs import lower_all
from dagreg.study import study_of
from tests.fitting import models_of, spec_of

N = 400_000
ERRORS = 4.5


def world() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Rows, and what their outcome would be: z confounds, moderates and moves the exposure; m mediates."""
    rng = np.random.default_rng(1)
    z, noise = rng.integers(0, 3, N), rng.random((3, N))
    x = (noise[0] < special.expit(-1.0 + 0.9 * z)).astype(int)

    def outcome(at: int) -> tuple[np.ndarray, np.ndarray]:
        m = (noise[1] < special.expit(-0.5 + 1.1 * at - 0.4 * z)).astype(int)
        return m, (noise[2] < special.expit(-0.6 + 0.4 * at + 0.8 * m + 1.5 * z)).astype(int)

    (m0, y0), (m1, y1) = outcome(0), outcome(1)
    data = {"z": z, "x": x, "m": np.where(x == 1, m1, m0), "y": np.where(x == 1, y1, y0)}
    return data, {"y0": y0, "y1": y1}


DATA, WOULD = world()
SPEC = (
    "nodes: {x: binary, z: count, m: binary, y: binary}\nedges: ['z -> x, m, y', 'x -> m, y', m -> y]\n"
    "effect: {exposure: x, outcome: y%s}\n"
    "regressions: {y: {priors: {intercept: 'Normal(0, 5)'}}, m: {priors: {intercept: 'Normal(0, 5)'}}}\n"
)
CHAIN = {
    "alpha_m": -0.5,
    "beta_m_x": 1.1,
    "beta_m_z": -0.4,
    "alpha_y": -0.6,
    "beta_y_x": 0.4,
    "beta_y_m": 0.8,
}
CHAIN["beta_y_z"] = 1.5


def rows_of(spec: str, values: dict[str, Any], estimator: str) -> list[Estimate]:
    model = models_of(spec, DATA)[estimator]
    draws = {
        name: np.broadcast_to(np.asarray(v, dtype=float), (2, 5, *np.shape(v))) for name, v in values.items()
    }
    return list(estimates(model, Draws(draws, "test", 0, 0.0), DATA, seed=0))


@pytest.mark.parametrize(("among", "level"), [("treated", 1), ("untreated", 0)])
def test_the_chain_over_the_treated_is_the_mean_of_their_counterfactuals(among: str, level: int) -> None:
    head = rows_of(SPEC % f", among: {among}", CHAIN, "chain")[0]
    here = DATA["x"] == level
    gain = (WOULD["y1"] - WOULD["y0"])[here].astype(float)
    assert head.estimand == f"effect on the {among}"
    assert abs(head.summary.mean - gain.mean()) < ERRORS * gain.std() / np.sqrt(here.sum())
    everyone = (WOULD["y1"] - WOULD["y0"]).mean()
    assert abs(head.summary.mean - everyone) > ERRORS * gain.std() / np.sqrt(here.sum())


def test_the_adjusted_regression_is_averaged_over_the_treated_rows() -> None:
    values = {"alpha_y": -0.8, "beta_y_x": 0.6, "beta_y_z": 0.45}
    z = DATA["z"]
    each = special.expit(-0.2 + 0.45 * z) - special.expit(-0.8 + 0.45 * z)
    for among, chosen in (("treated", DATA["x"] == 1), ("untreated", DATA["x"] == 0), ("everyone", z >= 0)):
        head = rows_of(SPEC % f", among: {among}", values, "adjusted")[0]
        assert head.primary
        assert head.average
        assert head.summary.mean == pytest.approx(each[chosen].mean(), rel=1e-10)


def test_by_levels_it_is_over_the_treated_of_each_level() -> None:
    values = {"alpha_y": -0.8, "beta_y_x": 0.6, "beta_y_z": 0.45}
    spec = SPEC.replace("{y: {", "{y: {interactions: [], ") % ", among: treated, by: [z]"
    rows = rows_of(spec, values, "adjusted")
    for e in rows:
        if e.by and e.scale == "outcome":
            eta = -0.8 + 0.45 * float(e.by["z"])
            assert e.summary.mean == pytest.approx(special.expit(eta + 0.6) - special.expit(eta), rel=1e-10)


def test_the_untreated_are_those_at_the_reference() -> None:
    spec = SPEC.replace("x: binary", "x: {type: binary, levels: [0, 1], reference: 1}") % ", among: treated"
    assert models_of(spec, DATA)["adjusted"].estimand.seen == 0


def small() -> dict[str, np.ndarray]:
    return {name: values[:400] for name, values in DATA.items()}


def test_the_fit_and_explain_tell_it() -> None:
    spec = "edges: ['z -> x, y', x -> y]\nnodes: {x: binary, z: count, y: continuous}\n"
    spec += "effect: {exposure: x, outcome: y, among: treated}\nsampling: {engine: exact, draws: 100}\n"
    result = pipeline.fit(spec_of(spec), small())
    effect = json.loads(result.report("json"))["effects"][0]
    assert effect["estimates"][0]["estimand"] == "effect on the treated"
    assert effect["among"]["estimand"] == "sum_z P(y | x, z) P(z | x')"
    text = " ".join(pipeline.explain(spec_of(spec)).__str__().split())
    assert "What is the total effect of x on y among the treated?" in text
    assert "The effect on the treated is the average over the rows of the treated alone" in text


@pytest.mark.parametrize(
    ("spec", "line", "says"),
    [
        (
            "nodes: {x: binary, k: binary, y: count}\nedges: [x -> k, x -> y]\neffect:\n  exposure: x\n  "
            "outcome: y\n"
            "  adjust: [k]\n  among: treated\n",
            7,
            "`k` in the adjustment set follows from `x`",
        ),
        (
            "nodes: {x: categorical, y: count}\nedges: [x -> y]\neffect:\n  exposure: x\n  outcome: y\n"
            "  among: treated\n",
            6,
            "`x` is categorical with 3 levels, and not two",
        ),
    ],
)
def test_refusals_stand_where_it_is_asked(spec: str, line: int, says: str) -> None:
    data = {"x": np.array([0, 1, 0, 1]), "k": np.array([0, 1, 1, 0]), "y": np.array([1, 2, 3, 1])}
    if "categorical" in spec:
        data["x"] = np.array(list("abca"))
    with pytest.raises(DagregError) as caught:
        pipeline.compile(spec_of(spec), data)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.span and diagnostic.span.line) == ("DR428", line)
    assert says in diagnostic.message


def test_another_strategy_leaves_it_out_with_the_reason() -> None:
    spec = spec_of(
        "nodes: {x: binary, m: binary, y: count}\nedges: [x -> m -> y, x <-> y]\n"
        "effect: {exposure: x, outcome: y, among: treated}\n"
    )
    (plan,) = lower_all(study_of(spec), None)
    assert plan.models == ()
    assert [(m.estimand, m.reason.split(",")[0]) for m in plan.left_out] == [
        ("effect on the treated", "The effect on the treated is given by adjustment")
    ]


def test_it_is_no_matter_of_direct_effects() -> None:
    with pytest.raises(SpecError):
        spec_of(SPEC % ", among: treated, kind: direct")
