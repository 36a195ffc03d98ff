"""What the pictures show of a fit: the plate diagram against PyMC's own, chains against the draws they stand
for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.doubts.mixing import MAX_PARAMETERS, POINTS, mixing, rank_counts
from dagreg.emit.plate import plate_source
from dagreg.engines.draws import Draws, Part
from dagreg.report.draw import CannotDraw
from dagreg.report.plate import MAX_NODES, canonical, plate, plate_file, plate_picture
from dagreg.spec.load import load
from tests.fitting import compiled, spec_of, table_of

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(7)
X = RNG.normal(size=60)
DATA = {
    "x": X,
    "g": np.array(["a", "b", "c"] * 20),
    "h": np.array([0, 1] * 30),
    "m": X + RNG.normal(size=60),
    "y": 2 * X + RNG.normal(size=60),
    "k": RNG.poisson(3, 60),
    "n": np.full(60, 30),
}
SPECS = {
    "one predictor": "edges: [x -> y]\neffect: x -> y",
    "levels and a product": "edges: [g -> x, g -> y, x -> y]\neffect: x -> y\n"
    "regressions:\n  y: {interactions: ['x:g']}",
    "a chain": "edges: [x -> m, m -> y, h -> x, h -> y]\neffect: x -> y",
    "counts": "nodes: {x: continuous, k: count, h: binary}\nedges: [h -> x, h -> k, x -> k]\neffect: x -> k",
    "cells": "nodes: {g: categorical, h: binary, y: continuous}\nedges: [g -> h, g -> y, h -> y]\neffect: h "
    "-> y\n"
    "regressions:\n  y: {cells: [g, h]}",
    "index variables and a curve": "edges: [g -> x, g -> y, x -> y]\neffect: x -> y\n"
    "regressions:\n  y: {coding: index, curves: {x: spline(3)}}",
    "levels of their own slopes": "nodes: {x: continuous, g: categorical, h: binary}\n"
    "edges: [h -> x, h -> g, x -> g]\neffect: x -> g",
    "levels in order": "nodes: {x: continuous, y: continuous, g: {type: ordinal, levels: [a, b, c]}}\n"
    "edges: [g -> y, x -> g, x -> y]\neffect: x -> y",
    "trials": "nodes: {x: continuous, h: binary, k: {type: count, family: binomial, trials: n}}\n"
    "edges: [x -> h, h -> k, x -> k]\neffect: x -> k",
    "a prior of one's own": "edges: [x -> y]\neffect: x -> y\nregressions:\n  y: {priors: {sigma: "
    "'HalfCauchy(2)'}}",
}


def same(mine: str, theirs: str) -> bool:
    """Whether two diagrams say the same; PyMC's names of distributions are lower-case behind their first
    letter.
    """
    (nodes, arrows), (their_nodes, their_arrows) = canonical(mine), canonical(theirs)
    plain = {n: (d.lower(), *rest) for n, (d, *rest) in nodes.items()}
    their_plain = {n: (d.lower().replace("_", ""), *rest) for n, (d, *rest) in their_nodes.items()}
    return plain == their_plain and arrows == their_arrows


@pytest.mark.slow
@pytest.mark.parametrize("case", SPECS)
def test_the_plate_diagram_is_that_of_pymc(case):
    from dagreg.engines import plate as engine

    found = compiled(SPECS[case], DATA)
    for model in (m for plan in found.plans for m in plan.models):
        theirs = engine.plate_source(found.program, model.builder, DATA)
        assert same(plate_source(model, 60), theirs)


def may_do_without_nuts(model) -> bool:
    """Whether other engines may solve all of it; PyMC draws the others."""
    return model.complete and not any(
        e.linked or e.varying or e.error or e.censoring for e in model.equations
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml")), ids=lambda p: p.stem)
def test_every_story_has_the_plate_diagram_of_pymc(path):
    from dagreg.engines import plate as engine

    spec = load(path)
    table = table_of(spec, allow_outside=False)
    found = pipeline.compile(spec)
    models = [m for plan in found.plans for m in plan.models if may_do_without_nuts(m)]
    for model in models:
        theirs = engine.plate_source(found.program, model.builder, table.rows)
        assert same(plate_source(model, table.summary.rows), theirs)


def test_the_order_of_pymc_s_sets_does_not_show():
    lines = ["a [label=a]", "b [label=b]", "a -> b"]
    assert plate("digraph {" + ";".join(lines) + "}", "t") == plate(
        "digraph {" + ";".join(lines[::-1]) + "}", "t"
    )


def test_a_diagram_too_large_or_broken_is_refused():
    many = ";".join(f"n{i}" for i in range(MAX_NODES + 1))
    with pytest.raises(CannotDraw, match="too many"):
        plate(f"digraph {{{many}}}", "t")
    with pytest.raises(CannotDraw):
        plate("digraph {", "t")


def test_other_formats_of_the_diagram():
    (model,) = (m for m in compiled(SPECS["one predictor"], DATA).plans[0].models if m.primary)
    source = plate_source(model, 60)
    assert plate_file(source, "png").startswith(b"\x89PNG")
    assert plate_file(source, "pdf").startswith(b"%PDF")


# Chains


def test_ranks_of_chains_that_agree_are_even_and_of_a_stuck_one_are_not():
    values = np.random.default_rng(8).normal(size=(4, 1000))
    even = np.array(rank_counts(values))
    assert even.sum(axis=1).tolist() == [1000] * 4
    assert even.sum(axis=0).max() - even.sum(axis=0).min() <= 2  # ranks are fractional
    assert np.abs(even - 50).max() < 30
    values[3] += 3
    assert rank_counts(values)[3][-1] > 150


def test_the_effect_comes_first_then_what_mixed_worst():
    (model,) = (m for m in compiled(SPECS["levels and a product"], DATA).plans[0].models if m.primary)
    (equation,) = model.equations
    rng = np.random.default_rng(9)
    values = {t.symbol: rng.normal(size=(4, 500, len(t.columns))) for t in equation.terms}
    values[equation.terms[0].symbol] = values[equation.terms[0].symbol][..., 0]
    values |= {
        equation.intercept: rng.normal(size=(4, 500)).cumsum(axis=1),
        "never_sampled": rng.normal(size=(4, 500)),
    }
    moved = tuple(name for name in values if name != "never_sampled")
    draws = Draws(values, "nuts", 0, 1.0, parts=(Part("", moved, "nuts", 0, ""),))
    found = mixing([model], {"adjusted": draws})
    assert len(found) == min(MAX_PARAMETERS, 1 + sum(len(t.columns) for t in equation.terms))
    causal = {t.symbol for t in equation.terms if t.causal}
    after = [m.name for m in found if m.name.partition("[")[0] not in causal]
    assert after[0] == equation.intercept
    assert "never_sampled" not in after
    assert all(len(chain) <= POINTS for m in found for chain in m.traces)


def test_independent_draws_have_no_chains():
    (model,) = (m for m in compiled(SPECS["one predictor"], DATA).plans[0].models if m.primary)
    assert mixing([model], {"adjusted": Draws({"a": np.zeros((4, 10))}, "exact", 0, 0.1)}) == ()


# Whole fits


def test_an_exact_fit_has_its_pictures(tmp_path):
    result = pipeline.fit(spec_of(SPECS["one predictor"]), DATA)
    result.save(tmp_path)
    assert {"posterior.svg", "model.svg"} <= {p.name for p in tmp_path.iterdir()}
    assert not (tmp_path / "chains.svg").exists()
    page = (tmp_path / "report.html").read_text()
    assert "Posterior densities of the estimates" in page
    assert "Plate diagram of the" in page


RUN = """
import json, sys
from dagreg import pipeline
from dagreg.spec.load import load
pipeline.fit(load(sys.argv[1])).save(sys.argv[2])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_pictures_of_an_exact_fit_load_nothing_heavy(tmp_path):
    command = [sys.executable, "-c", RUN, str(ROOT / "specs" / "nhefs.yaml"), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert loaded.isdisjoint(
        {"arviz", "arviz_stats", "matplotlib", "nutpie", "pandas", "pymc", "pytensor", "xarray"}
    )
    assert (tmp_path / "model.svg").exists()


@pytest.mark.slow
def test_a_sampled_fit_has_its_chains_and_pymc_s_diagram(tmp_path):
    spec = spec_of(SPECS["counts"] + "\nsampling: {draws: 200, tune: 200, chains: 2}")
    result = pipeline.fit(spec, DATA)
    result.save(tmp_path)
    (effect,) = result.effects
    assert effect.mixing[0].draws == 200
    assert len(effect.mixing[0].traces) == 2
    assert "~\nPoisson" in effect.plates["adjusted"].replace("\\n", "\n")
    assert (tmp_path / "chains.svg").exists()
    assert "Trace and rank plots" in (tmp_path / "report.html").read_text()


# The command


def draw(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dagreg.cli", "draw", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_draw_writes_the_plate_diagram(tmp_path):
    run = draw(tmp_path, str(ROOT / "specs" / "simple.yaml"), "--plate", "-o", "plate.svg")
    assert run.returncode == 0, run.stderr
    assert 'class="plot plate"' in (tmp_path / "plate.svg").read_text()
    run = draw(tmp_path, str(ROOT / "specs" / "simple.yaml"), "--plate", "--format", "dot")
    assert run.stdout.startswith("digraph")


def test_the_plate_diagram_needs_data_and_a_format_of_its_own(tmp_path):
    (tmp_path / "spec.yaml").write_text("edges: [x -> y]\neffect: x -> y\n")
    run = draw(tmp_path, "spec.yaml", "--plate")
    assert run.returncode == 1
    assert "DR300" in run.stderr
    with pytest.raises(CannotDraw, match="cannot be written as dagitty"):
        plate_picture("digraph {}", "dagitty", "t")
