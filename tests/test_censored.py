"""Censored responses: the density of every family against SciPy, recovery, mean survival, and what is
refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.errors import DagregError
from dagreg.families import FAMILIES
from tests.fitting import compiled, spec_of
from tests.test_emit import Point, _check_density, normal
from tests.test_families import AUXILIARIES, FROZEN, INVERSE, _weibull_shape
from tests.test_impute import PRIORS, _gappy, arrays

ROWS = 40
FLAGS = np.array(["none", "right", "left", "interval"] * (ROWS // 4))
CENSORED = [f.name for f in FAMILIES.values() if f.censored]


def _data() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    time, share = rng.gamma(3, 2, ROWS), rng.uniform(0.1, 0.6, ROWS)
    return {
        "x": rng.normal(0, 1, ROWS),
        "time": time,
        "share": share,
        "how": FLAGS,
        "to_time": time + rng.uniform(0.5, 2, ROWS),
        "to_share": share + rng.uniform(0.05, 0.3, ROWS),
    }


DATA = _data()
GRAPH = "edges: [x -> time]\neffect: x -> time\n"


def _spec(family: str, link: str, column: str) -> str:
    kind = "proportion" if column == "share" else "positive"
    priors = "intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)'"
    if "sigma" in FAMILIES[family].auxiliaries:
        priors += ", sigma: 'Exponential(1)'"
    return (
        f"nodes: {{x: continuous, {column}: {{type: {kind}, family: {family}, link: {link}, "
        f"censored: {{flags: how, upper: to_{column}}}}}}}\n"
        f"edges: [x -> {column}]\neffect: x -> {column}\nregressions: "
        f"{{{column}: {{priors: {{{priors}}}}}}}\n"
    )


def _between(frozen: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The log probability between two values, from the tail in which it loses no digits."""
    tails = ((frozen.logcdf(high), frozen.logcdf(low)), (frozen.logsf(low), frozen.logsf(high)))
    with np.errstate(divide="ignore", invalid="ignore"):
        below, above = (big + np.log1p(-np.exp(small - big)) for big, small in tails)
    return np.where(tails[0][0] < tails[1][0], below, above)


def by_rows(frozen: Any, value: np.ndarray, upper: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """The log density, or log probability, of every row."""
    return np.select(
        [flags == "none", flags == "right", flags == "left"],
        [frozen.logpdf(value), frozen.logsf(value), frozen.logcdf(value)],
        _between(frozen, value, upper),
    )


@pytest.mark.parametrize(("family", "link"), [(f, link) for f in CENSORED for link in FAMILIES[f].links])
def test_log_density(family: str, link: str) -> None:
    column = "share" if family == "beta" else "time"
    above = link in ("identity", "inverse") and family not in ("gaussian", "student_t")

    def logp(p: Point) -> float:
        location = INVERSE[link](p[f"alpha_{column}"] + p[f"beta_{column}_x"] * DATA["x"])
        values = {name: float(p[f"{name}_{column}"]) for name in FAMILIES[family].auxiliaries}
        own = {"lognormal": {"sigma": AUXILIARIES["sigma"]}, "weibull": {"shape": _weibull_shape}}.get(
            family, {}
        )
        priors = sum(float({**AUXILIARIES, **own}[name](value)) for name, value in values.items())
        head = normal(p[f"alpha_{column}"], 0, 2) + normal(p[f"beta_{column}_x"], 0, 1)
        frozen = FROZEN[family](location, values)
        return head + priors + float(by_rows(frozen, DATA[column], DATA[f"to_{column}"], FLAGS).sum())

    at = {f"alpha_{column}": 4.0, f"beta_{column}_x": 0.1} if above else None
    _check_density(compiled(_spec(family, link, column), DATA).build(DATA), logp, at)


def test_with_a_predictor_that_is_missing() -> None:
    """The censored outcome reads the completed column."""
    text = _spec("weibull", "log", "time").replace(
        "regressions: {", f"regressions: {{x: {{priors: {PRIORS}}}}}, "
    )
    text = "missing: impute\n" + text.replace(
        "'Normal(0, 1)'}}, time", "'Normal(0, 1)', sigma: 'Exponential(1)'}}, time"
    )
    data = {**DATA, "x": _gappy(DATA["x"], {1, 2, 3})}

    def logp(p: Point) -> float:
        x = DATA["x"].copy()
        x[[1, 2, 3]] = p["x_unseen"]
        location, shape = np.exp(p["alpha_time"] + p["beta_time_x"] * x), float(p["shape_time"])
        frozen = FROZEN["weibull"](location, {"shape": shape})
        own = (
            normal(x, p["alpha_x"], p["sigma_x"])
            + normal(p["alpha_x"], 0, 2)
            + AUXILIARIES["sigma"](p["sigma_x"])
        )
        head = normal(p["alpha_time"], 0, 2) + normal(p["beta_time_x"], 0, 1) + _weibull_shape(shape)
        return float(own + head + by_rows(frozen, DATA["time"], DATA["to_time"], FLAGS).sum())

    _check_density(compiled(text, data).build(arrays(data)), logp)


def survival_data(family: str, rows: int, seed: int = 11) -> dict[str, Any]:
    """Survival times of two arms, mean 4 and 4 e^.7, followed until a random time between 2 and 9."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, rows)
    mean = np.exp(np.log(4) + 0.7 * arm)
    noise = {"exponential": {}, "weibull": {"shape": 1.6}, "lognormal": {"sigma": 0.6}}[family]
    location = mean / np.exp(0.18) if family == "lognormal" else mean
    time = FROZEN[family](location, noise).rvs(random_state=rng)
    end = rng.uniform(2, 9, rows)
    return {"arm": arm, "time": np.minimum(time, end), "how": np.where(time > end, "right", "none")}


SURVIVAL = (
    "nodes: {{arm: binary, time: {{type: positive, family: {}, censored: how}}}}\nedges: [arm -> time]\n"
)
ASKED = "effect: arm -> time\nsampling: {draws: 500, tune: 500, chains: 2}\n"


@pytest.mark.slow
@pytest.mark.parametrize("family", ["exponential", "weibull", "lognormal"])
def test_the_difference_in_mean_survival_is_recovered(family: str) -> None:
    truth = 4 * np.exp(0.7) - 4
    data = survival_data(family, 1500)
    result = pipeline.fit(spec_of(SURVIVAL.format(family) + ASKED), data).effects[0].result
    assert result is not None
    found = next(e for e in result.estimates if e.primary).summary
    assert abs(found.mean - truth) < 3 * found.sd
    assert found.sd < 0.6
    if family != "weibull":
        return
    naive = {k: v for k, v in data.items() if k != "how"}
    text = SURVIVAL.format(family).replace(", censored: how", "") + ASKED
    ignored = pipeline.fit(spec_of(text), naive).effects[0].result
    assert ignored is not None
    assert next(e for e in ignored.estimates if e.primary).summary.mean < truth - 0.5


def test_a_censored_regression_keeps_its_rows() -> None:
    spec = spec_of(
        "nodes: {x: continuous, time: {type: positive, censored: {flags: how, upper: to_time}}}\n" + GRAPH
    )
    found = pipeline.compile(spec, DATA, optimised=True)
    ((piece,),) = found.pieces.values()
    assert "values of time are censored" in {n.why for n in piece.notes}
    assert not piece.reduced


@pytest.mark.parametrize(
    ("node", "data", "code", "words"),
    [
        ("{type: positive, censored: how}", {"how": ["yes", "none"] * 20}, "DR327", "'yes'"),
        ("{type: positive, censored: how}", {}, "DR327", "no column of their upper bounds"),
        (
            "{type: positive, censored: {flags: how, upper: share}}",
            {},
            "DR327",
            "not above the lower one in 10",
        ),
    ],
)
def test_censoring_that_cannot_be_read(node: str, data: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(DagregError) as caught:
        compiled(f"nodes: {{x: continuous, time: {node}}}\n{GRAPH}", {**DATA, **data})
    (found,) = caught.value.diagnostics
    assert (found.code, words in found.message) == (code, True)


def test_families_without_censoring_and_censored_predictors_are_refused() -> None:
    data = {**DATA, "time": np.arange(ROWS) % 7, "how": np.where(FLAGS == "right", "right", "none")}
    for text, code in (
        ("nodes: {x: continuous, time: {censored: how, family: poisson}}\n" + GRAPH, "DR433"),
        ("nodes: {x: continuous, time: {censored: how}}\nedges: [time -> x]\neffect: time -> x\n", "DR411"),
    ):
        with pytest.raises(DagregError) as caught:
            compiled(text, data)
        assert caught.value.diagnostics[0].code == code


def test_a_censored_mediator_ends_the_chain() -> None:
    data = survival_data("weibull", 60) | {"y": np.random.default_rng(0).normal(size=60)}
    text = (
        "nodes: {arm: binary, time: {type: positive, family: weibull, censored: how}, y: continuous}\n"
        "edges: [arm -> time -> y]\neffect: arm -> y\n"
    )
    plan = compiled(text, data).plans[0]
    assert [m.estimator for m in plan.models] == ["adjusted"]
    assert "censored" in plan.left_out[0].reason
