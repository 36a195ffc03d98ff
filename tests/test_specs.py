"""The stories under `specs/`: every one is valid, and its lesson comes out right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dagreg import pipeline
from dagreg.effects.types import Estimate
from dagreg.identify.types import NotIdentified
from dagreg.result import Result, open_result
from dagreg.spec.load import load

ROOT = Path(__file__).parents[1]
SPECS = sorted(ROOT.glob("specs/*.yaml"))


@cache
def fitted(name: str) -> Result:
    return pipeline.fit(load(ROOT / "specs" / f"{name}.yaml"))


def estimate(lesson: Lesson) -> Estimate:
    result = fitted(lesson.spec).effects[lesson.effect].result
    assert result is not None
    (row,) = [
        e
        for e in result.estimates
        if (e.estimator, e.scale, tuple(e.by.values())) == (lesson.estimator, lesson.scale, lesson.by)
        and lesson.contrast in (None, e.contrast)
        and lesson.estimand in (None, e.estimand)
    ]
    return row


def codes(name: str, effect: int = 0) -> set[str]:
    return {doubt.code for doubt in fitted(name).effects[effect].doubts}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_story_is_valid_and_its_columns_fit(path: Path) -> None:
    assert pipeline.check(load(path))["nodes"]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_story_compiles_without_its_data_or_with_them(path: Path) -> None:
    program = pipeline.compile(load(path))
    compile(program.source, str(path), "exec")


def test_the_tutorials_data_come_from_its_seeds(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "examples/tutorial/generate.py", tmp_path], check=True)
    for made in sorted(tmp_path.glob("*.csv")):
        kept, again = (
            np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
            for path in (ROOT / "specs/data" / made.name, made)
        )
        assert kept.dtype == again.dtype
        for column in kept.dtype.names:
            if kept[column].dtype.kind == "U":
                assert (again[column] == kept[column]).all()
            else:
                np.testing.assert_allclose(again[column], kept[column], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
@pytest.mark.parametrize("name", ["sleep", "pooled", "berkeley", "simple"])
def test_a_story_is_opened_again_as_it_was(name: str, tmp_path: Path) -> None:
    """Groups, correlations, levels, and what samplers say of themselves."""
    fitted(name).save(tmp_path / "out")
    again = open_result(tmp_path / "out")
    assert again.report("json") == fitted(name).report("json")
    for builder, branch in fitted(name).draws.items():
        for part, tree in branch.items():
            stored = again.draws[builder][part].to_dataset()
            for variable, values in tree.to_dataset().data_vars.items():
                if values.dtype == object:  # statistics that this sampler leaves at None
                    continue
                np.testing.assert_array_equal(stored[variable], values)
                assert stored[variable].dims == values.dims


def column(name: str) -> np.ndarray:
    story, field = name.split(".")
    return np.asarray(np.genfromtxt(ROOT / f"specs/data/{story}.csv", delimiter=",", names=True)[field])


@dataclass(frozen=True)
class Lesson:
    """A published or closed-form number: the mean within `within`, which allows for Monte Carlo error and
    priors.
    """

    spec: str
    estimator: str
    mean: float
    within: float
    effect: int = 0
    scale: str = "outcome"
    contrast: tuple[int, int] | None = None
    by: tuple[int, ...] = ()
    estimand: str | None = None


# Means and tolerances are those of an independent fit (exact, ordinary least squares or maximum likelihood).
LESSONS = [
    Lesson("simple", "adjusted", 4.99903, 0.00055),
    Lesson("multivariate", "adjusted", 2.00542, 0.00045),
    Lesson("pipe", "adjusted", 10.00047, 0.0095),
    Lesson("pipe", "chain", 10.0005, 0.0095),
    Lesson("fork", "adjusted", 0.00438, 0.016),
    Lesson("fork", "unadjusted", 0.66597, 0.001),
    Lesson("collider", "adjusted", -0.14845, 0.0525),
    Lesson("collider_tight_prior", "adjusted", 0.03563, 0.0115),
    Lesson("combined", "adjusted", 3.99517, 0.003),
    Lesson("combined", "adjusted", -2.07213, 0.2, effect=1),
    Lesson("combined_tight_prior", "adjusted", -1.56982, 0.064),
    Lesson("berkeley", "adjusted", 0.141491, 0.0073),
    Lesson("berkeley", "adjusted", 0.6104, 0.0326, scale="link"),
    Lesson("berkeley", "adjusted", -0.0999, 0.041, effect=1, scale="link"),
    Lesson("kidney_stones", "adjusted", 0.0537, 0.01),
    Lesson("kidney_stones", "unadjusted", -0.0457, 0.01),
    Lesson("pauperism", "adjusted", 0.75209, 0.0675),
    Lesson("titanic", "adjusted", 0.2373, 0.012),
    Lesson("publications", "adjusted", -0.22459, 0.0273, scale="link"),
    Lesson("categories", "adjusted", -0.7978, 0.0197, contrast=(0, 1)),
    Lesson("categories", "adjusted", -2.4253, 0.0188, contrast=(0, 2)),
    Lesson("categories", "adjusted", -1.4433, 0.0184, contrast=(0, 3)),
    Lesson("pooled", "adjusted", -2.4229, 0.02, contrast=(0, 2)),
    Lesson("heterogeneity", "adjusted", 2.68167, 0.0101),
    Lesson("heterogeneity", "adjusted", -1.04195, 0.0159, by=(0,)),
    Lesson("heterogeneity", "adjusted", 4.41029, 0.0177, by=(1,)),
    Lesson("heterogeneity", "adjusted", 6.02555, 0.0191, by=(2,)),
    Lesson("binary", "adjusted", 0.0011, 0.0039),
    Lesson("binary", "adjusted", 0.08872, 0.0059, by=(0,)),
    Lesson("binary", "adjusted", -0.07509, 0.0062, by=(1,)),
    Lesson("binary", "adjusted", -0.01267, 0.0079, by=(2,)),
    Lesson("fork_tutorial_prior", "adjusted", 0.01039, 0.0032),
    Lesson("fork_tutorial_prior", "unadjusted", 0.66597, 0.001),
    Lesson("pipe_tutorial_prior", "adjusted", 9.99957, 0.0019),
    Lesson("pipe_tutorial_prior", "chain", 10.0005, 0.0019),
    Lesson("pipe_tutorial_prior", "adjusted", -0.19604, 0.0168, effect=1),
    Lesson("collider_as_confounder", "adjusted", -1.49983, 0.0003),
    Lesson("categories_index", "adjusted", -0.79574, 0.004, contrast=(0, 1)),
    Lesson("categories_index", "adjusted", -2.42285, 0.0038, contrast=(0, 2)),
    Lesson("categories_index", "adjusted", -1.44119, 0.0037, contrast=(0, 3)),
    Lesson("pooled_index", "adjusted", -2.42285, 0.0077, contrast=(0, 2)),
    Lesson("heterogeneity_off", "adjusted", 2.54887, 0.031),
    Lesson("heterogeneity_pooled", "adjusted", 2.68167, 0.0101),
    Lesson("heterogeneity_pooled", "adjusted", -1.04195, 0.0159, by=(0,)),
    Lesson("heterogeneity_pooled", "adjusted", 4.41029, 0.0177, by=(1,)),
    Lesson("heterogeneity_pooled", "adjusted", 6.02555, 0.0191, by=(2,)),
    Lesson("binary_cells", "adjusted", 0.0011, 0.0008),
    Lesson("binary_cells", "adjusted", 0.08872, 0.0012, by=(0,)),
    Lesson("binary_cells", "adjusted", -0.07509, 0.0013, by=(1,)),
    Lesson("binary_cells", "adjusted", -0.01267, 0.0016, by=(2,)),
    Lesson("nhefs_curves", "adjusted", 3.4626, 0.044),
    Lesson("sleep", "adjusted", 10.4298, 0.6),
    Lesson("survival", "adjusted", 2.6656, 0.14),  # maximum likelihood, with a standard error of .42
    Lesson("features", "adjusted", 1.513549, 0.0025),
    Lesson("messages", "adjusted", 0.0575, 0.0003),
    Lesson(
        "marriages", "adjusted", 0.4173, 0.06
    ),  # maximum likelihood, standard error .150; .210 without the errors
    Lesson("homework", "adjusted", 1.5523, 0.07),  # maximum likelihood, standard error .209; the truth is 1.5
    Lesson("jobs", "chain", -0.056009, 0.0226, estimand="total effect"),
    Lesson("jobs", "chain", -0.040265, 0.0218, estimand="natural direct effect"),
    Lesson("jobs", "chain", -0.015745, 0.0063, estimand="natural indirect effect"),
]


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda x: f"{x.spec}-{x.estimator}-{x.effect}-{x.scale}")
def test_the_lesson_of_a_story(lesson: Lesson) -> None:
    found = estimate(lesson).summary
    assert found.mean == pytest.approx(lesson.mean, abs=lesson.within)
    diagnostics = fitted(lesson.spec).effects[lesson.effect].diagnostics
    assert diagnostics is not None
    assert diagnostics.ok


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("collider", set()),
        ("collider_tight_prior", {"DR511"}),
        ("combined_tight_prior", {"DR511"}),
        ("simple", set()),
        ("pipe_tutorial_prior", {"DR515"}),
        ("fork_tutorial_prior", set()),
        ("binary_cells", set()),
        ("titanic", {"DR523"}),
        ("publications", {"DR521"}),
    ],
)
def test_the_tutorials_mistakes_and_real_datas_traps_are_warned_about(spec: str, expected: set[str]) -> None:
    assert codes(spec) == expected


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
def test_the_warning_names_the_prior_that_moves_the_answer() -> None:
    (uncentred,) = [d.message for d in fitted("collider_tight_prior").effects[0].doubts if d.code == "DR511"]
    (collinear,) = [d.message for d in fitted("combined_tight_prior").effects[0].doubts if d.code == "DR511"]
    assert "intercept's prior, Normal(0, 1)" in uncentred
    x1, x2 = (column(f"combined.{name}") for name in ("x1", "x2"))
    inflation = 1 / (1 - np.corrcoef(x1, x2)[0, 1] ** 2)
    assert f"variance inflation {inflation:,.0f}" in collinear


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
def test_an_effect_that_is_not_identified_gets_no_number() -> None:
    total, direct = fitted("berkeley_ability").effects
    assert total.result is not None
    assert isinstance(direct.answer, NotIdentified)
    assert direct.result is None
    assert not fitted("berkeley_ability").record.ok


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
def test_people_who_differ_in_their_slopes_widen_the_average_slope() -> None:
    """The sd separates the models: .80 with varying intercepts alone, 1.24 pooled, 1.55 to 1.75 where slopes
    vary.
    """
    found = estimate(Lesson("sleep", "adjusted", 10.4298, 0.6)).summary
    assert 1.35 < found.sd < 2.0
    diagnostics = fitted("sleep").effects[0].diagnostics
    assert diagnostics is not None
    assert diagnostics.divergences == 0


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
def test_direct_and_indirect_effects_add_up_to_the_total() -> None:
    parts = [
        estimate(Lesson("jobs", "chain", 0, 0, estimand=f"{part} effect")).summary.mean
        for part in ("natural direct", "natural indirect", "total")
    ]
    assert parts[0] + parts[1] == pytest.approx(parts[2], abs=1e-10)


@pytest.mark.slow
@pytest.mark.xdist_group("stories")
def test_new_phones_are_predicted_with_intervals(tmp_path: Path) -> None:
    """The talk's last step, from the folder; against weighted least squares, whose priors are flat."""
    names = ("degree", "betweenness", "burstiness", "reciprocity")
    design = np.column_stack([np.ones(400), *(column(f"messages.{n}") for n in names)])
    new = np.column_stack([np.ones(10), *(column(f"messages_new.{n}") for n in names)])
    weights = 1 / column("messages.expected_error")
    beta, (rss,), *_ = np.linalg.lstsq(design * weights[:, None], column("messages.share") * weights)
    half = 1.96 * np.sqrt(rss / 395) * column("messages_new.expected_error")

    fitted("messages").save(tmp_path / "out")
    rows = ROOT / "specs/data/messages_new.csv"
    found = open_result(tmp_path / "out").predict(rows, level=0.95)
    assert len(found) == 10
    np.testing.assert_allclose(found["expected"], new @ beta, atol=0.0005)
    np.testing.assert_allclose(found["mean"], new @ beta, atol=0.003)
    np.testing.assert_allclose(found["upper"] - found["lower"], 2 * half, rtol=0.06)
    np.testing.assert_array_equal(found["lower"], fitted("messages").predict(rows, level=0.95)["lower"])
