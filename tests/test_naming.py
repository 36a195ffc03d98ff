"""The names of emitted programs: unique, the same in a model's pieces as in its readable program."""

from __future__ import annotations

import numpy as np
import pytest

from dagreg.emit.naming import Names, dimensions_of, names_of
from dagreg.model.plan import Model
from tests.fitting import models_of
from tests.optimising import DATA, optimised

ROWS = 60
GROUPS = {**DATA, "h": np.array((["p", "p", "q", "q", "r"] * ROWS)[:ROWS])}
SHARED = """
nodes: {m: continuous, y: continuous, x: {}, g: {}}
edges: [g -> m, g -> y, m -> y, x -> y, x -> m, x -> g]
effect: x -> y
"""
VARYING = """
nodes: {h: group, x: {}, m: {}, y: {}}
edges: [x -> m, m -> y, x -> y, h -> y, h -> m]
regressions: {y: {varying: {h: [intercept, x]}}, m: {varying: {h: [intercept]}}}
effect: x -> y
"""
INDEXED = """
nodes: {x: {}, g: {}, h: {}, y: {}}
edges: [g -> y, x -> y, h -> y, g -> x]
regressions: {y: {coding: index}}
effect: {exposure: x, outcome: y, by: g}
"""
# Joined with their parts, these names are those of other parts: `alpha` + `y`, `y` + `hat`, `levels` + `g`.
AWKWARD = """
nodes:
  {alpha: continuous, y: continuous, y_hat: continuous, eta: continuous, levels_g: continuous, g: categorical}
edges: [alpha -> y, y_hat -> y, eta -> y, levels_g -> y, g -> y, g -> alpha, y_hat -> alpha, eta -> alpha]
effect: alpha -> y
"""
SPECS = {"shared": SHARED, "varying": VARYING, "indexed": INDEXED, "awkward": AWKWARD}


def data_of(name: str) -> dict[str, np.ndarray]:
    numbers = ("alpha", "y", "y_hat", "eta", "levels_g")
    if name != "awkward":
        return GROUPS
    rng = np.random.default_rng(3)
    return {"g": DATA["g"], **{column: rng.normal(size=ROWS) for column in numbers}}


def all_names(model: Model, names: Names) -> list[str]:
    """Every identifier of a model's program, each once for what has it."""
    parts = [name for parts in names.equations.values() for name in parts.values()]
    dims = [term.dim for term in names.terms.values()]
    indices = {
        term.index for term in names.terms.values() if term.index
    }  # slopes by level share that of their means
    groups = [name for g in names.groups.values() for name in (g.raw, g.factor, g.dim, g.effects_dim)]
    parameters = [symbol for equation in model.equations for symbol in equation.parameters]
    return [*(v.symbol for v in model.variables.values()), *parameters, *parts, *dims, *indices, *groups]


@pytest.mark.parametrize("name", SPECS)
def test_no_name_stands_for_two_things(name: str) -> None:
    for model in models_of(SPECS[name], data_of(name)).values():
        given = all_names(model, names_of(model))
        assert len(set(given)) == len(given)


@pytest.mark.parametrize("name", SPECS)
def test_the_same_model_has_the_same_names(name: str) -> None:
    model, again = (models_of(SPECS[name], data_of(name))["adjusted"] for _ in range(2))
    assert names_of(model) == names_of(again)


def test_pieces_keep_the_names_of_the_readable_program() -> None:
    case = optimised(SHARED, "chain")
    names = names_of(case.model)
    assert len(case.pieces) == 3
    for piece in case.pieces:
        assert piece.names == names
        for term in piece.equation.terms:
            if len(term.columns) > 1:
                assert f'dims="{names.dim(term)}"' in case.program.source
                assert f'dims="{names.dim(term)}"' in case.readable.source
    assert {names.dim(t) for p in case.pieces for t in p.equation.terms if t.factors == ("g",)} == {
        "levels_g",
        "levels_g_2",
    }


def test_dimensions_are_those_that_the_program_declares() -> None:
    model = models_of(VARYING, GROUPS)["chain"]
    built = optimised(VARYING, "chain", GROUPS).readable.build(model.builder, GROUPS)
    declared = {name: tuple(dims) for name, dims in built.named_vars_to_dims.items()}
    for symbol, dimensions in dimensions_of(model).items():
        if symbol in declared:
            assert declared[symbol] == tuple(dim for dim, _ in dimensions)
        for dim, labels in dimensions:
            if dim in built.coords:
                assert tuple(map(str, built.coords[dim])) == labels
    assert {"by_m_h", "by_y_h"} <= declared.keys() & dimensions_of(model).keys()
