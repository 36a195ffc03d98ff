"""dagreg from Python: paths, specs of plain values, short reprs, tables, and what ArviZ takes."""

from __future__ import annotations

import dataclasses
import doctest
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import dagreg
from dagreg import pipeline
from dagreg.errors import DagregError, SpecError
from dagreg.spec.types import Edge, Effect, Node, Prior, Regression, Sampling, Spec

ROOT = Path(__file__).parents[1]
STORIES = sorted((ROOT / "specs").glob("*.yaml"))
SMALL = {"draws": 200, "chains": 2}


def test_the_page_says_what_happens(tmp_path, monkeypatch):
    (tmp_path / "specs" / "data").mkdir(parents=True)
    shutil.copy(ROOT / "specs" / "titanic.yaml", tmp_path / "specs")
    shutil.copy(ROOT / "specs" / "data" / "titanic.csv", tmp_path / "specs" / "data")
    monkeypatch.chdir(tmp_path)
    page = str(ROOT / "docs" / "python.md")
    failed, tried = doctest.testfile(page, module_relative=False, optionflags=doctest.ELLIPSIS)
    assert (failed, tried > 10) == (0, True)


# Paths


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_as_good_as_a_spec(tmp_path, kind):
    (tmp_path / "s.yaml").write_text(
        "nodes: {x: binary, y: continuous}\nedges: [x -> y]\neffect: x -> y\ndata: d.csv\n"
    )
    (tmp_path / "d.csv").write_text("x,y\n" + "".join(f"{i % 2},{i}\n" for i in range(20)))
    path = kind(tmp_path / "s.yaml")
    spec = dagreg.load(path)
    assert str(dagreg.explain(path)) == str(dagreg.explain(spec))
    assert dagreg.compile(path).source == dagreg.compile(spec).source
    assert pipeline.check(path) == pipeline.check(spec)
    assert dagreg.draw(path, "dot") == dagreg.draw(spec, "dot")
    assert pipeline.explain_plan(path) == pipeline.explain_plan(spec)
    drawn, again = dagreg.simulate(path, 5), dagreg.simulate(spec, 5)
    assert [list(v) for v in drawn.columns.values()] == [list(v) for v in again.columns.values()]
    assert dagreg.fit(path).to_frame().equals(dagreg.fit(spec).to_frame())


@pytest.mark.parametrize("wrong", ["edges: [a -> b]\neffect: a -> b\n", 3, {"edges": ["a -> b"]}, None])
def test_what_is_no_spec_and_no_path_is_said(wrong):
    for run in (dagreg.explain, dagreg.compile, dagreg.fit, pipeline.check, dagreg.draw):
        with pytest.raises(SpecError) as caught:
            run(wrong)
        (found,) = caught.value.diagnostics
        assert found.code == "DR167"
        assert found.label


# Specs of Python values


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_every_story_can_be_said_in_python(path):
    values = yaml.safe_load(path.read_text())
    spec, loaded = Spec(**values, path=path), dagreg.load(path)
    assert _bare(spec) == _bare(dataclasses.replace(loaded, name=values.get("name", "spec")))
    assert dataclasses.replace(spec, name="other").nodes == spec.nodes
    assert dagreg.loads(spec.text).nodes.keys() == spec.nodes.keys()


def _bare(value):
    """Without places and text."""
    if dataclasses.is_dataclass(value):
        skipped = ("span", "places", "text", "path")
        return {
            f.name: _bare(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in skipped
        }
    if isinstance(value, Mapping):
        return {k: _bare(v) for k, v in value.items()}
    return [_bare(v) for v in value] if isinstance(value, tuple | list) else value


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=2, max_size=4, unique=True), st.text(max_size=20))
def test_any_text_survives_or_is_refused(names, words):
    edge = {"from": names[0], "to": names[1]}
    try:
        spec = Spec(nodes=dict.fromkeys(names, "binary"), edges=[edge], name=words or None)
    except SpecError:
        return
    assert list(spec.nodes) == names
    assert spec.edges[0].source == names[0]
    assert spec.name == (words or "spec")


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300), st.booleans())
def test_numbers_survive_to_the_last_digit(number, of_numpy):
    value = np.float64(number) if of_numpy else number
    spec = Spec(edges=["a -> b"], effect={"exposure": "a", "outcome": "b", "contrast": ["low", value]})
    assert spec.effects[0].contrast == ("low", number)


def test_values_of_numpy_and_paths_are_taken():
    nodes = {"g": {"type": "categorical", "levels": np.array(["a", "b", "c"])}, "y": "continuous"}
    doses = {"exposure": "g", "outcome": "y", "contrast": ("a", np.str_("b"))}
    spec = Spec(
        nodes=nodes, edges=("g -> y",), effects=(doses,), data=Path("d.csv"), sampling={"seed": np.int64(3)}
    )
    assert spec.nodes["g"].levels == ("a", "b", "c")
    assert spec.effects[0].contrast == ("a", "b")
    assert (spec.data.source, spec.sampling.seed) == ("d.csv", 3)


def test_parts_and_plain_values_mix():
    made = Spec(
        nodes={"x": Node("x", type="binary"), "y": {"type": "count"}},
        edges=[Edge("x", "y")],
        effect=Effect(("x",), "y"),
        regressions={"y": Regression("y", priors={"x": Prior("Normal", (0.0, 1.5))})},
        sampling=Sampling(draws=7),
    )
    written = "nodes: {x: binary, y: count}\nedges: [x -> y]\neffect: x -> y\nsampling: {draws: 7}\n"
    written += "regressions:\n  y:\n    priors:\n      x: Normal(0, 1.5)\n"
    assert _bare(made) == _bare(dagreg.loads(written))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({}, ["DR109"]),
        ({"nodes": {}, "edges": []}, ["DR114"]),
        ({"edges": ["a -> b"], "efect": "a -> b"}, ["DR103"]),
        ({"edges": ["a -> b"], "effect": "a -> c", "sampling": {"chains": 0}}, ["DR102", "DR113"]),
        ({"nodes": {1: "binary", "b": "binary"}, "edges": []}, ["DR106"]),
        ({"edges": {"a -> b"}}, ["DR166"]),
        ({"edges": ["a -> b"], "data": {"source": object()}, "effect": 3j}, ["DR166", "DR166"]),
        ({"edges": ["a -> b"], "nodes": {("a",): "binary"}}, ["DR166"]),
    ],
)
def test_mistakes_are_those_of_a_file(values, codes):
    with pytest.raises(SpecError) as caught:
        Spec(**values)
    assert sorted(d.code for d in caught.value.diagnostics) == codes
    assert all(d.span is None or d.span.file == "<Spec>" for d in caught.value.diagnostics)


def test_a_table_is_no_part_of_a_spec():
    import pandas as pd

    with pytest.raises(SpecError) as caught:
        Spec(edges=["a -> b"], data=pd.DataFrame({"a": [1], "b": [2]}))
    assert "dagreg.fit(spec, data=table)" in caught.value.diagnostics[0].label


def test_what_holds_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(SpecError) as caught:
        Spec(edges=loop)
    assert caught.value.diagnostics[0].code == "DR107"


def test_a_result_of_python_values_is_kept(tmp_path):
    spec = Spec(nodes={"x": "binary", "y": "continuous"}, edges=["x -> y"], effect="x -> y", sampling=SMALL)
    result = dagreg.fit(spec, {"x": [0, 1] * 10, "y": [float(i) for i in range(20)]})
    result.save(tmp_path / "r")
    assert (tmp_path / "r" / "spec.yaml").read_text() == spec.text
    assert dagreg.open(tmp_path / "r").effects == result.effects


# Reprs


@pytest.fixture(scope="module")
def titanic():
    return dagreg.fit(ROOT / "specs" / "titanic.yaml")


def test_reprs_are_short(titanic):
    path = ROOT / "specs" / "titanic.yaml"
    rows = {"first": [0, 1] * 500, "man": [0, 1] * 500, "adult": [1, 1] * 500}
    held = [
        titanic,
        dagreg.load(path),
        dagreg.explain(path),
        dagreg.compile(path, optimised=True),
        titanic.predict(rows),
    ]
    held.append(dagreg.simulate(path, 50))
    found = [record for one in held for record in _records(one, set())]
    assert len(found) > 100
    assert [
        type(record).__name__ for record in found if len(repr(record)) > 250 or "\n" in repr(record)
    ] == []


def _records(value, seen):
    if id(value) in seen:
        return
    seen.add(id(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in dataclasses.fields(value):
            yield from _records(getattr(value, field.name), seen)
    elif isinstance(value, Mapping | tuple | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _records(part, seen)


def test_reprs_say_what_a_record_is(titanic):
    assert "0.237 (94% interval 0.179 to 0.293)" in repr(titanic)
    assert "risk difference of survived = 1, first: 1 against 0: 0.2368" in repr(
        titanic.effects[0].result.estimates[0]
    )
    assert repr(Node("x", type="binary")) == "Node('x', type='binary')"


def test_keys_of_draws_see_what_reprs_leave_out():
    """Two records whose short reprs are the same are not the same for the store."""
    from dagreg.engines.store import _sha256
    from dagreg.model.statistics import CellCounts

    one, other = (CellCounts((1.0, 2.0, 3.0, last), (5.0,) * 4) for last in (4.0, 4.5))
    assert repr(one) == repr(other)
    assert _sha256((one,)) != _sha256((other,))
    assert _sha256((Node("a" * 300),)) != _sha256((Node("a" * 301),))


# Tables


def test_frames_hold_what_the_json_says():
    spec = Spec(
        nodes={"x": "binary", "z": "binary", "y": "binary", "w": "continuous"},
        edges=["z -> x, y", "x -> y", "w -> y"],
        effects=[{"exposure": "x", "outcome": "y", "by": ["z"]}, "w -> y"],
        regressions={"y": {"interactions": ["x:z"]}},
        sampling=SMALL,
    )
    rng = np.random.default_rng(1)
    z, w = rng.integers(0, 2, 200), rng.normal(size=200)
    x = rng.integers(0, 2, 200)
    result = dagreg.fit(spec, {"x": x, "z": z, "w": w, "y": (rng.random(200) < 0.3 + 0.3 * x).astype(int)})
    told = json.loads(result.report("json"))
    rows = [(i, row) for i, effect in enumerate(told["effects"], 1) for row in effect["estimates"]]
    frame = result.to_frame()
    assert len(frame) == len(rows)
    for (place, row), (_, found) in zip(rows, frame.iterrows(), strict=True):
        assert (found["effect"], found["scale"], found["estimator"]) == (
            place,
            row["scale"],
            row["estimator"],
        )
        assert [found["lower"], found["upper"], found["mean"]] == pytest.approx(
            [*row["interval"], row["mean"]]
        )
        assert found["level"] == row["level"] == 0.94
        by = found["by[z]"]
        assert (row["by"].get("z") == by) or (not row["by"] and (by is None or by != by))
    terms = [row["term"] for effect in told["effects"] for row in effect["coefficients"]]
    assert result.to_frame("coefficients")["term"].tolist() == terms
    assert set(result.to_frame("coefficients")["level"]) == {0.94}
    assert result.to_frame("tests")["p"].tolist() == pytest.approx([t["p"] for t in told["tests"]])
    with pytest.raises(DagregError, match="DR567"):
        result.to_frame("draws")


def test_one_level_for_every_interval(titanic):
    data = {"first": [0, 1], "man": [1, 1], "adult": [1, 1]}
    assert titanic.predict(data).level == 0.94
    assert {c.summary.level for c in titanic.effects[0].result.coefficients} == {0.94}
    assert "az.summary(draws, ci_prob=0.94)" in titanic.record.source


def test_nothing_heavy_is_loaded_unasked():
    import subprocess
    import sys

    code = (
        "import sys, dagreg\n"
        "s = dagreg.Spec(nodes={'x': 'binary', 'y': 'binary'}, edges=['x -> y'], effect='x -> y')\n"
        "repr(dagreg.explain(s))\n"
        "print(sorted(m for m in ('numpy', 'pandas', 'arviz', 'xarray', 'scipy', 'pymc') if m in "
        "sys.modules))\n"
        f"r = dagreg.fit({str(ROOT / 'specs' / 'titanic.yaml')!r})\n"
        "repr(r)\n"
        "print(sorted(m for m in ('pandas', 'arviz', 'xarray', 'pymc') if m in sys.modules))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]


# ---------------------------------------------------------------- numbers out of their range


@pytest.mark.parametrize(
    "wrong", [{"level": 2}, {"level": float("nan")}, {"level": "0.9"}, {"seed": -1}, {"seed": 1.5}]
)
def test_numbers_of_a_prediction_out_of_their_range_are_refused(wrong: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    result = dagreg.fit(
        dagreg.Spec(edges=["x -> y"], effect="x -> y"), {"x": x, "y": x + rng.normal(size=40)}
    )
    with pytest.raises(dagreg.DagregError, match="DR569"):
        result.predict({"x": [0.0]}, **wrong)


@pytest.mark.parametrize(("rows", "seed"), [(-1, 1), (0, 1), (2.5, 1), (True, 1), (5, -1), (5, 2**32)])
def test_numbers_of_a_simulation_out_of_their_range_are_refused(rows: Any, seed: Any) -> None:
    with pytest.raises(dagreg.DagregError, match="DR569"):
        dagreg.simulate(dagreg.Spec(edges=["x -> y"], effect="x -> y"), rows, seed=seed)


@pytest.mark.parametrize("data", [[{"x": 1.0, "y": 2.0}], [1, 2], ({"x": 1},), {"x": 1.0, "y": 2.0}])
def test_data_that_are_no_table_say_what_would_be_one(data: Any) -> None:
    with pytest.raises(dagreg.DataError, match="no table") as caught:
        dagreg.fit(dagreg.Spec(edges=["x -> y"], effect="x -> y"), data)
    assert "a mapping of column names to lists" in str(caught.value)


def test_a_contrast_beyond_all_use_is_refused() -> None:
    effect = {"exposure": "x", "outcome": "y", "contrast": [0, 1e308]}
    with pytest.raises(dagreg.DagregError, match="DR417"):
        dagreg.fit(dagreg.Spec(edges=["x -> y"], effect=effect), {"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]})
