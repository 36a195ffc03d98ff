"""New rows on their way to the outcome: the route through a model, and the rows as the model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagreg.binding.new_rows import NewRows, present, read_new_rows
from dagreg.effects.route import Route, route, settings
from dagreg.graph.causal import CausalGraph
from dagreg.model.types import Model
from dagreg.sources.source import Source


def routed(model: Model, graph: CausalGraph, source: Source, do: Mapping[str, Any]) -> tuple[Route, NewRows]:
    """How a model reaches the outcome of the rows of a source, and those rows as it sees them.

    Raises DagregError where the model does not cover `do` (DR561), DataError where the rows do not fit it.
    """
    way = route(model, graph, settings(model, do), present(source, model))
    equations = (*way.simulated, model.outcome)
    optional = {e.offset for e in equations if e.offset is not None}
    return way, read_new_rows(source, model, way.observed, equations, optional)
