"""Units and origins of columns: another one changes an answer by its own arithmetic, or ends in a message."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.effects.types import Estimate
from dagreg.errors import DagregError
from dagreg.result import Result
from dagreg.sources.duck import open_file
from dagreg.spec.load import load
from dagreg.spec.types import DataRef
from tests.fitting import Columns, spec_of

SPECS = Path(__file__).parents[1] / "specs"
STORIES = {  # of one kind each, solved without a chain of draws: what is shifted and scaled, y last
    "fork": ("x", "z", "y"),
    "pipe": ("x1", "x2", "y1"),
    "pauperism": ("outrelief", "old", "pop", "paup"),
}
SCALES = [1e-12, 1e-3, 0.37, 1.0, 7.7e5, 1e15]
SHIFTS = [0.0, 1000.0, 12345.678, -7.7e5]  # in sds of the column


@cache
def story(name: str) -> tuple[Any, dict[str, np.ndarray]]:
    spec = load(SPECS / f"{name}.yaml")
    assert spec.data is not None
    source = open_file(DataRef(spec.data.source), str(SPECS))
    return spec, {k: np.asarray(v) for k, v in source.arrays(source.columns).items()}


def primary(result: Result) -> Estimate:
    (found,) = result.effects
    assert found.result is not None
    assert found.diagnostics is not None
    assert found.diagnostics.ok
    return next(e for e in found.result.estimates if e.primary)


def doubts(result: Result) -> set[str]:
    return {d.code for d in result.effects[0].doubts}


def moved(
    data: Columns, columns: tuple[str, ...], scales: Mapping[str, float], shift: float
) -> dict[str, np.ndarray]:
    """Columns in other units and from another origin, so many sds away."""
    found = dict(data)
    for name in columns:
        values = np.asarray(data[name], dtype=np.float64)
        found[name] = (values + shift * values.std()) * scales[name]
    return found


@pytest.mark.parametrize("name", ["fork", "pipe", "pauperism"])
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_story_in_other_units_has_the_same_answer_in_those(name: str, shift: float) -> None:
    spec, data = story(name)
    columns = STORIES[name]
    plain = primary(pipeline.fit(spec, data)).summary
    for x in SCALES:
        for y in (SCALES[0], 0.37, SCALES[-1]):
            scales = {**dict.fromkeys(columns, x), columns[-1]: y}
            here = primary(pipeline.fit(spec, moved(data, columns, scales, shift))).summary
            unit = y / x * plain.sd
            assert here.mean / unit == pytest.approx(plain.mean / plain.sd, abs=1e-6)
            assert here.sd / unit == pytest.approx(1.0, abs=1e-6)
            np.testing.assert_allclose(
                np.array(here.interval) / unit, np.array(plain.interval) / plain.sd, atol=1e-5
            )


X = 2.0 * np.arange(60)
NOISE = np.random.default_rng(0).normal(0, 1, 60)
LINE = "edges: [x -> y]\neffect: x -> y"


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and standard error."""
    about = x - x.mean()
    slope = float(about @ y / (about @ about))
    left = y - y.mean() - slope * about
    return slope, float(np.sqrt(left @ left / (len(x) - 2) / (about @ about)))


@pytest.mark.parametrize("origin", [0, 1712345678, 171234567890123, 1712345678901234567])
@pytest.mark.parametrize("every", [1, 50, 10**9])
def test_times_far_from_their_origin(origin: int, every: int) -> None:
    """Whole numbers below 2^53 lose nothing; nanoseconds lose less than a millionth of the sd, or
    it is said.
    """
    data = {"x": origin + 2 * every * np.arange(60), "y": 4 * np.arange(60) + NOISE}
    if origin > 2**53 and every == 1:  # all of them the same double
        with pytest.raises(DagregError) as caught:
            pipeline.fit(spec_of(LINE), data)
        assert [d.code for d in caught.value.diagnostics] == ["DR435"]
        return
    result = pipeline.fit(spec_of(LINE), data)
    slope, error = least_squares(X * every, data["y"])
    coarse = every < 10**9 and origin > 2**53
    assert ("DR517" in doubts(result)) == coarse
    if not coarse:
        assert primary(result).summary.mean == pytest.approx(slope, abs=0.15 * error)
        assert primary(result).summary.sd == pytest.approx(error, rel=0.1)


def test_a_response_far_from_its_origin() -> None:
    y = np.round(400 * np.arange(60) + 100 * NOISE)
    near, far = (pipeline.fit(spec_of(LINE), {"x": X, "y": y + shift}) for shift in (0.0, 1e15))
    assert primary(far).summary.mean == pytest.approx(
        primary(near).summary.mean, abs=1e-6 * primary(near).summary.sd
    )
    assert primary(far).summary.sd == pytest.approx(primary(near).summary.sd, rel=1e-6)
    assert "DR517" not in doubts(far)
    assert "DR517" in doubts(pipeline.fit(spec_of(LINE), {"x": X, "y": 1e15 + NOISE}))


def test_what_doubles_lose_is_said() -> None:
    result = pipeline.fit(spec_of(LINE), {"x": 1e15 + NOISE, "y": X + 0.5})
    assert "DR517" in doubts(result)


# ------------------------------------------------------------ per unit


CHAIN = "edges: [x -> m -> y, x -> y]\neffect: {exposure: x, outcome: y, kind: mediation}"


@pytest.mark.parametrize("x", [1e-20, 1.0, 1e20, 1e60])
def test_parts_of_a_linear_mediation_per_unit(x: float) -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(5, 1, 200)
    m = 2 * a + rng.normal(size=200)
    y = 3 * m + a + rng.normal(size=200)
    plain, here = (
        pipeline.fit(spec_of(CHAIN), {"x": a * s, "m": m, "y": y}).effects[0].result for s in (1.0, x)
    )
    assert plain is not None
    assert here is not None
    for before, after in zip(plain.estimates, here.estimates, strict=True):
        assert after.summary.mean * x == pytest.approx(before.summary.mean, abs=1e-6 * before.summary.sd)
        assert after.summary.sd * x == pytest.approx(before.summary.sd, rel=1e-6)


def test_an_interaction_is_linear_in_the_exposure_at_every_scale() -> None:
    rng = np.random.default_rng(4)
    x, g = rng.normal(5, 1, 300), rng.choice(["a", "b"], 300)
    y = np.where(g == "a", 1.0, 3.0) * x + rng.normal(size=300)
    text = (
        "edges: [g -> x, 'x, g -> y']\neffect: {exposure: x, outcome: y, by: [g]}\n"
        "regressions: {y: {interactions: ['x:g']}}"
    )
    plain, here = (
        pipeline.fit(spec_of(text), {"x": x * s, "g": g, "y": y}).effects[0].result for s in (1.0, 1e18)
    )
    assert plain is not None
    assert here is not None
    for before, after in zip(plain.estimates, here.estimates, strict=True):
        assert after.summary.mean * 1e18 == pytest.approx(before.summary.mean, abs=1e-6 * before.summary.sd)
    by = [e.summary.mean for e in plain.estimates if e.primary and e.by]
    assert by == pytest.approx([1.0, 3.0], abs=0.25)


LOGISTIC = "nodes: {x: continuous, y: binary}\nedges: [x -> y]\neffect: x -> y"


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e10, 1e20])
def test_a_unit_that_no_row_is_away_from_is_a_slope(scale: float) -> None:
    """The mean of slope * p (1 - p), at the mode of the likelihood by Newton's method."""
    rng = np.random.default_rng(5)
    x = rng.normal(3, 1, 500)
    y = (rng.random(500) < 1 / (1 + np.exp(3 - x))).astype(int)
    design, b = np.column_stack([np.ones(500), x - 3]), np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ b))
        b = b + np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (y - p))
    right = float(b[1] * (p * (1 - p)).mean())
    result = pipeline.fit(spec_of(LOGISTIC), {"x": x * scale, "y": y})
    found = primary(result)
    assert found.summary.mean * scale == pytest.approx(right, abs=0.2 * found.summary.sd * scale)
    assert ("DR437" in doubts(result)) == (scale < 1)
    assert found.contrast is None
    assert ("slope" in found.label) == (scale < 1)
    scales = {e.scale for e in result.effects[0].result.estimates}  # type: ignore[union-attr]
    assert ("risk ratio" in scales) == (scale > 1)


def test_a_unit_within_the_data_is_a_difference_of_two_means() -> None:
    """E[y | x + 1] - E[y | x], from the draws themselves."""
    rng = np.random.default_rng(6)
    x = rng.normal(0, 2, 200)
    y = (rng.random(200) < 1 / (1 + np.exp(-x))).astype(int)
    result = pipeline.fit(spec_of(LOGISTIC), {"x": x, "y": y})
    model = result.effects[0].plan.models[0]
    posterior = result.draws["adjusted/posterior"]
    (term,) = model.outcome.terms
    assert term.centre is not None
    intercept, slope = (
        posterior[name].values.ravel()[:, None] for name in (model.outcome.intercept, term.symbol)
    )
    eta = intercept + slope * (x - term.centre[0])
    upper = 1 / (1 + np.exp(-eta - slope))
    assert primary(result).summary.mean == pytest.approx(
        float((upper - 1 / (1 + np.exp(-eta))).mean()), rel=1e-9
    )


# ------------------------------------------------------------ numbers beyond use


@pytest.mark.parametrize("column", ["x", "y"])
@pytest.mark.parametrize("size", [1e76, 1e160, 1e300])
def test_numbers_too_large_to_square_are_an_error_of_their_own(column: str, size: float) -> None:
    data = {"x": X, "y": X + NOISE}
    with pytest.raises(DagregError) as caught:
        pipeline.fit(spec_of(LINE), {**data, column: data[column] * size})
    (found,) = caught.value.diagnostics
    assert found.code == "DR435"
    assert f"`{column}`" in found.message


@pytest.mark.parametrize("column", ["x", "y"])
@pytest.mark.parametrize("size", [1e-90, 1e-200, 1e-300])
def test_numbers_too_small_to_square_are_an_error_of_their_own(column: str, size: float) -> None:
    data = {"x": X, "y": X + NOISE}
    with pytest.raises(DagregError) as caught:
        pipeline.fit(spec_of(LINE), {**data, column: data[column] * size})
    (found,) = caught.value.diagnostics
    assert found.code == "DR435"
    assert f"`{column}`" in found.message


@pytest.mark.parametrize("x", [1e-70, 1.0, 1e70])
@pytest.mark.parametrize("y", [1e-70, 1.0, 1e70])
def test_all_smaller_and_larger_numbers_have_their_answer(x: float, y: float) -> None:
    a = X + 1
    plain = primary(pipeline.fit(spec_of(LINE), {"x": a, "y": 4 * a + NOISE})).summary
    here = primary(pipeline.fit(spec_of(LINE), {"x": a * x, "y": (4 * a + NOISE) * y})).summary
    assert here.mean / y * x == pytest.approx(plain.mean, abs=1e-6 * plain.sd)
    assert here.sd / y * x == pytest.approx(plain.sd, rel=1e-6)


def test_products_too_large_to_square_are_an_error_of_their_own() -> None:
    text = "edges: ['x, z -> y']\neffect: x -> y\nregressions: {y: {interactions: ['x:z']}}"
    with pytest.raises(DagregError) as caught:
        pipeline.fit(spec_of(text), {"x": X * 1e60, "z": NOISE * 1e60, "y": X})
    (found,) = caught.value.diagnostics
    assert (found.code, "`x:z`" in found.message) == ("DR435", True)


BEYOND = ["Normal(0, 1e300)", "Normal(1e101, 1)", "Normal(0, 1e-200)", "Uniform(-1e308, 1e308)"]


@pytest.mark.parametrize("prior", BEYOND)
def test_numbers_of_a_prior_beyond_use_are_an_error_of_their_own(prior: str) -> None:
    with pytest.raises(DagregError) as caught:
        spec_of(f"{LINE}\nregressions: {{y: {{priors: {{x: '{prior}'}}}}}}")
    assert {d.code for d in caught.value.diagnostics} == {"DR436"}


@pytest.mark.parametrize("sd", ["1e100", "1e50"])
def test_the_widest_prior_is_as_good_as_flat(sd: str) -> None:
    data = {"x": X, "y": 4 * X + NOISE}
    wide, flat = (
        primary(pipeline.fit(spec_of(f"{LINE}\nregressions: {{y: {{priors: {{x: '{p}'}}}}}}"), data)).summary
        for p in (f"Normal(0, {sd})", "Flat()")
    )
    assert wide.mean == pytest.approx(flat.mean, abs=0.1 * flat.sd)
    assert wide.sd == pytest.approx(flat.sd, rel=0.1)


# ------------------------------------------------------------ default priors of small rates


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e12])
def test_a_rate_per_small_unit_has_the_same_rate_ratio(scale: float) -> None:
    """Rates of 1e-9 have a default prior about them, too: units of exposure cancel from a ratio."""
    rng = np.random.default_rng(7)
    x, days = rng.integers(0, 2, 80), rng.uniform(10, 30, 80)
    data = {"x": x, "days": days, "y": rng.poisson(0.02 * days * np.exp(0.5 * x))}
    text = (
        "nodes: {x: binary, y: {type: count, offset: days}}\nedges: [x -> y]\neffect: x -> y\nsampling: "
        "{draws: 2000}"
    )
    plain, here = (
        pipeline.fit(spec_of(text), {**data, "days": days * s}).effects[0].result for s in (1.0, 1.0 / scale)
    )
    assert plain is not None
    assert here is not None
    before, after = (next(e.summary for e in r.estimates if e.scale == "link") for r in (plain, here))
    assert after.mean == pytest.approx(before.mean, abs=0.08 * before.sd)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e9])
def test_refits_of_the_checks_know_no_unit(scale: float) -> None:
    """Chain against adjusted, and priors released: the same doubts in every unit."""
    rng = np.random.default_rng(8)
    n = 120
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    m = x + rng.normal(size=n)
    y = 0.5 * m + z + rng.normal(size=n)
    linear = "edges: ['z -> x, y', x -> m, m -> y]\neffect: x -> y"
    gaps = []
    for s in (1.0, scale):
        data = {"z": z * s, "x": x * s, "m": m * s, "y": y * s}
        found = pipeline.fit(spec_of(linear), data).effects[0].result
        assert found is not None
        gaps.append(found.disagreements[0])
    assert gaps[1].disagrees == gaps[0].disagrees
    assert gaps[1].sd == pytest.approx(gaps[0].sd, rel=1e-6)
