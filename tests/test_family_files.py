"""A family is one file: the folder is the table, nothing else names a family, and one more touches nothing
else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from scipy import stats

import dagreg
from dagreg.families import FAMILIES
from dagreg.families.family import Family, Parameter, ResponseType
from dagreg.model.symbols import RESERVED
from dagreg.numerics.arrays import np as later
from dagreg.simulation import simulate
from dagreg.spec.fields import NODE_RECORD
from dagreg.spec.types import NodeType
from tests.fitting import compiled, spec_of
from tests.test_emit import DATA, _check_density, normal

HOUSE = Path(dagreg.__file__).parent
TYPES = {"categorical", "ordinal"}  # words for types of nodes as well
ELSEWHERE = {
    "model/symbols.py": {"beta"},  # what the symbols of slopes begin with
    "spec/priors.py": {"gaussian"},  # what others call the prior `Normal`
}


def _strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_names_a_family() -> None:
    names = set(FAMILIES) - TYPES
    found = {
        path.relative_to(HOUSE).as_posix(): names & set(_strings(path))
        for path in HOUSE.rglob("*.py")
        if path.parent.name != "families"
    }
    assert {path: named for path, named in found.items() if named} == ELSEWHERE


def test_the_folder_is_the_table() -> None:
    files = {
        p.stem
        for p in (HOUSE / "families").glob("*.py")
        if "\nFAMILY = Family(" in p.read_text(encoding="utf-8")
    }
    assert set(FAMILIES) == files
    places = [family.place for family in FAMILIES.values()]
    assert places == sorted(set(places))


def test_every_type_but_groups_is_a_response_with_one_default() -> None:
    assert {*get_args(ResponseType), "group"} == set(get_args(NodeType))
    cases = [case for family in FAMILIES.values() for case in family.default_for]
    assert sorted(cases) == sorted({*get_args(ResponseType), "trials"})


def test_synonyms_lead_to_one_family_and_are_none_themselves() -> None:
    words = [word for family in FAMILIES.values() for word in family.synonyms]
    assert len(words) == len(set(words))
    assert set(words).isdisjoint(FAMILIES)


def test_families_that_are_named_by_others_exist() -> None:
    others = {name for f in FAMILIES.values() for name in (f.widens, f.grouped_as) if name}
    others |= {name for f in FAMILIES.values() for name in re.findall(r"`family: (\w+)`", f.overdispersion)}
    assert others <= set(FAMILIES)


def test_no_node_takes_the_name_of_a_familys_helper() -> None:
    assert {helper.__name__ for family in FAMILIES.values() for helper in family.helpers} <= RESERVED


# ---------------------------------------------------------------- the table of the docs


def test_the_docs_have_the_links_and_the_parameters_of_every_family() -> None:
    text = (HOUSE.parent / "docs" / "regressions.md").read_text(encoding="utf-8")
    told: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = [name for name in re.findall(r"`(\w+)`", cells[0]) if name in FAMILIES]
        if len(cells) != 4 or not names:
            continue
        told += names
        rows = [FAMILIES[name] for name in names]
        assert {tuple(cells[2].split(", "))} == {family.links for family in rows}
        parameters = dict.fromkeys(name for family in rows for name in family.auxiliaries)
        assert re.findall(r"`(\w+)`", cells[3]) == list(parameters)
        defaults = {case for family in rows for case in family.default_for} - {"trials"}
        assert all(case in cells[0] for case in defaults)
    assert told == list(FAMILIES)


# ---------------------------------------------------------------- one more family


def _draw(rng: np.random.Generator, location: Any, p: Any) -> Any:
    return location + p["width"] * rng.laplace(size=location.shape)


def _toy() -> Family:
    """A Laplace distribution about the mean."""
    return Family(
        name="toy",
        place=1000,
        synonyms=("plaything",),
        links=("identity",),
        accepts=("continuous",),
        support="any number",
        distribution="Laplace",
        likelihood={"identity": "mu={eta}, b={width}"},
        parameters=(Parameter("width", ("HalfCauchy", (3.0,))),),
        real=True,
        draw=_draw,
        sample=_draw,
        law=lambda mean, p: stats.laplace(mean, p["width"]),
    )


TOY = "nodes: {x: continuous, y: {type: continuous, family: toy}}\nedges: [x -> y]\neffect: x -> y\n"
PRIORS = (
    "regressions: {y: {priors: {intercept: 'Normal(0, 2)', slopes: 'Normal(0, 1)', width: "
    "'Exponential(1)'}}}\n"
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Family:
    """The one record is all that a new family is."""
    family = _toy()
    monkeypatch.setitem(FAMILIES, family.name, family)  # type: ignore[arg-type]  # a dict to those who own it
    return family


def test_a_new_family_is_in_the_schema_and_its_synonym_in_messages(toy: Family) -> None:
    (field,) = (f for f in NODE_RECORD.fields if f.key == "family")
    assert field.shape.schema() == {"enum": list(FAMILIES)}
    with pytest.raises(dagreg.SpecError, match="did you mean `toy`"):
        spec_of(TOY.replace("family: toy", "family: plaything"))


def test_a_new_family_has_its_program(toy: Family) -> None:
    def logp(p: Any) -> float:
        head = (
            normal(p["alpha_y"], 0, 2) + normal(p["beta_y_x"], 0, 1) + float(stats.expon.logpdf(p["width_y"]))
        )
        eta = p["alpha_y"] + p["beta_y_x"] * DATA["x"]
        return head + float(np.sum(stats.laplace.logpdf(DATA["y"], eta, p["width_y"])))

    _check_density(compiled(TOY + PRIORS, DATA).build(DATA), logp)
    assert 'width_y = pm.HalfCauchy("width_y", 3)' in compiled(TOY, DATA).source


def test_a_new_family_is_simulated(toy: Family) -> None:
    spec = spec_of(
        TOY + "regressions: {y: {priors: {intercept: 'Normal(2, 0.01)', slopes: 'Normal(1, 0.01)'}}}\n"
    )
    made = simulate(spec, 500, seed=1)
    assert np.isfinite(np.asarray(made["y"])).all()


@pytest.mark.slow
def test_a_new_family_is_fitted(toy: Family) -> None:
    """NUTS finds the coefficient that made the data."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    spec = spec_of(TOY + "sampling: {draws: 300, chains: 2}\n")
    result = dagreg.fit(spec, {"x": x, "y": 1 + 0.5 * x + rng.laplace(size=400)})
    (effect,) = result.effects
    assert effect.result is not None
    (head,) = (e for e in effect.result.estimates if e.primary)
    assert abs(head.summary.mean - 0.5) < 4.5 * head.summary.sd
    assert head.summary.sd < 0.15


def test_records_are_read_without_numpy() -> None:
    """`np` of the families is a name until a number is computed, and then NumPy's own."""
    assert later.log is np.log
