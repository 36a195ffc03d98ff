"""The table of engines: which one solves a piece, and which takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from dagreg.emit.naming import names_of
from dagreg.engines import explain, run, store, table
from dagreg.engines.draws import Draws
from dagreg.engines.engine import Engine, Obstacle
from dagreg.engines.explain import sentences
from dagreg.optimise.types import Piece
from dagreg.spec.types import EngineSetting, Sampling
from tests.optimising import Optimised, optimised

SPEC = "edges: ['z -> d -> y']\neffect: z -> y\n"


def engine(name: str, **more: Any) -> Engine:
    """One that solves whatever it is given, by zeros."""
    plain = Engine(
        name=name,
        words=f"{name} in words",
        participle=f"solved by {name}",
        obstacle=lambda piece, data: None,
        solve=lambda piece, data, sampling, *_: Draws({"beta": np.zeros((1, 2))}, name, 0, 0.0),
        packages=("dagreg",),
        step=f"step of {name}",
        grounds=lambda piece: f"{name} can",
    )
    return replace(plain, **more)


def use(monkeypatch: pytest.MonkeyPatch, *engines: Engine) -> None:
    for module in (table, run, store, explain):
        monkeypatch.setattr(module, "ENGINES", {e.name: e for e in engines})


@pytest.fixture(scope="module")
def model() -> Optimised:
    return optimised(SPEC)


def bare(model: Optimised) -> Piece:
    return Piece(model.model, names_of(model.model), model.rows.count)


def test_every_setting_of_a_spec_but_the_free_choice_names_an_engine() -> None:
    assert {s for s in get_args(EngineSetting) if table.demanded(s) is None} == {Sampling().engine}


def test_an_engine_goes_by_its_own_name_and_the_last_one_never_refuses(model: Optimised) -> None:
    assert [e.name for e in table.ENGINES.values()] == list(table.ENGINES)
    *others, last = table.ENGINES.values()
    assert last.unfit == ""
    assert last.obstacle(bare(model), model.rows) is None
    assert all(e.step for e in others), "an engine that may refuse says so in the plan"


def test_the_first_engine_without_an_obstacle_solves(
    model: Optimised, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = engine("blind", obstacle=lambda piece, data: Obstacle("it cannot see"))
    use(monkeypatch, blind, engine("second"), engine("third"))
    piece = table.assigned(bare(model), model.rows)
    assert piece.engines == ("second",)
    assert [(n.step, n.applied, n.why) for n in piece.notes] == [
        ("step of blind", False, "it cannot see"),
        ("step of second", True, "second can"),
    ]


def test_where_an_engine_gives_up_the_next_one_takes_over(
    model: Optimised, monkeypatch: pytest.MonkeyPatch
) -> None:
    timid = engine("timid", unfit="nothing fitted it", solve=lambda piece, data, sampling, *_: None)
    refusing = engine("refusing", obstacle=lambda piece, data: Obstacle("never"))
    use(monkeypatch, timid, refusing, engine("last"))
    piece = table.assigned(bare(model), model.rows)
    assert piece.engines == ("timid", "last")
    draws = run.draw((piece,), lambda: model.program, model.rows, Sampling())
    assert [part.engine for part in draws.parts] == ["last"]
    (sentence,) = sentences((piece,), [(part.engine, part.origin) for part in draws.parts])
    assert "solved by last, as nothing fitted it" in sentence


def test_draws_ask_the_table_whether_they_are_independent() -> None:
    def made(engines: str) -> bool:
        return Draws({"beta": np.zeros((1, 2))}, engines, 0, 0.0).independent

    assert [made(e.name) for e in table.ENGINES.values()] == [e.independent for e in table.ENGINES.values()]
    assert not made("one that this version does not know")
    free, bound = (
        next(e.name for e in table.ENGINES.values() if e.independent is kind) for kind in (True, False)
    )
    assert made(f"{free}, {free}")
    assert not made(f"{free}, {bound}")


def test_keys_hang_on_the_packages_of_every_engine_that_may_solve(
    model: Optimised, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def versions(packages: tuple[str, ...]) -> tuple[()]:
        asked.append(packages)
        return ()

    monkeypatch.setattr(store, "_versions", versions)
    use(monkeypatch, engine("timid", unfit="no", packages=("a", "b")), engine("last", packages=("b", "c")))
    store.key_of(table.assigned(bare(model), model.rows), model.rows, Sampling())
    assert asked == [("a", "b", "c")]
