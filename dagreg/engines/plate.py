"""The plate diagram of a program that was fitted: PyMC's own where a sampler has loaded PyMC, else read from
the IR.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from dagreg.binding.rows import Rows
from dagreg.emit import plate
from dagreg.emit.program import Program
from dagreg.engines.draws import Draws
from dagreg.engines.table import runs_program
from dagreg.lazy import Lazy
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model

if TYPE_CHECKING:
    import pymc as pm
else:
    pm = Lazy("pymc")

MAX_ROWS = 1_000_000  # PyMC draws a model that holds its rows, which the optimised one may never have read


def fitted_plate(program: Program, model: Model, draws: Draws, data: Rows) -> str | None:
    """The diagram of a model's builder in `program`, as DOT; None where PyMC cannot draw it.

    A picture is not worth a fit: whatever PyMC raises is left aside.
    """
    if not any(runs_program(part.engine) for part in draws.parts):
        return plate.plate_source(model, data.count)
    if data.count > MAX_ROWS:
        return None
    try:
        return plate_source(program, model.builder, data)
    except Exception:
        return None


def fitted_plates(
    program: Program, models: Iterable[Model], draws: Mapping[str, Draws], data: Rows
) -> dict[Estimator, str]:
    """The diagram of each solved model but the unadjusted one, by estimator. `draws` is by builder."""
    drawn = (m for m in models if m.estimator != Estimator.UNADJUSTED)
    pictures = {m.estimator: fitted_plate(program, m, draws[m.builder], data) for m in drawn}
    return {name: dot for name, dot in pictures.items() if dot is not None}


def plate_source(program: Program, builder: str, data: Mapping[str, Any]) -> str:
    """DOT by `pm.model_to_graphviz`, of a builder of the program on these columns. Loads PyMC."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cast(str, pm.model_to_graphviz(program.build(builder, data)).source)
