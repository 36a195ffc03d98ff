"""Data drawn from a spec's model: the whole graph under its priors, or what a fit knows under its
posterior.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.binding.new_rows import beside_columns
from dagreg.binding.summary import check_columns, columns_of, declared_numbers, summarise
from dagreg.effects.predict import replicate, routed
from dagreg.effects.route import setting
from dagreg.effects.simulate import Simulated
from dagreg.effects.simulate import simulate as from_regressions
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError, DataError, Diagnostic, did_you_mean
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.model.plan import Model
from dagreg.model.whole import Whole, whole
from dagreg.sources.duck import open_frame
from dagreg.sources.source import Source
from dagreg.spec.types import Level, Spec


def from_priors(spec: Spec, rows: int, source: Source | None, do: Mapping[str, Any], seed: int) -> Simulated:
    """Rows of the whole graph under one draw of its priors; its roots are resampled from the source where
    there is one.

    Raises DagregError where the spec cannot be compiled, a prior is improper (DR571) or too wide (DR572), or
    `do` names no node or value (DR562).
    """
    names = [name for name, node in spec.nodes.items() if node.observed]
    if source is None:
        graph = whole(spec, None)
        return from_regressions(graph, rows, seed, _interventions(graph, do), {})
    check_columns(source, spec, names)
    columns = columns_of(spec, names)
    source = source.narrow(columns, declared_numbers(spec, columns))
    where = source.complete(columns)
    summary, _ = summarise(source, spec, names, where, graph=analyse(spec))
    graph = whole(spec, summary)
    beside = [c for equation in graph.equations.values() for c in beside_columns(equation)]
    roots = [
        v.column for n, v in graph.variables.items() if n not in graph.equations and n not in graph.latent
    ]
    given = _resampled(source, [*roots, *beside], where, rows, seed)
    return from_regressions(graph, rows, seed, _interventions(graph, do), given)


def from_posterior(
    model: Model,
    draws: Draws,
    graph: CausalGraph,
    rows: int,
    source: Source,
    do: Mapping[str, Any],
    seed: int,
) -> Simulated:
    """The outcome, and in the chain the mediators, of resampled rows, under one draw of the posterior.

    Raises DagregError where the model does not cover `do` (DR561), or the rows lack a column (DR311).
    """
    drawn = {e.response for e in model.mediators} | {model.estimand.outcome}
    read = [v.column for name, v in model.variables.items() if name not in drawn]
    beside = [c for e in (*model.mediators, model.outcome) for c in beside_columns(e)]
    columns = tuple(dict.fromkeys([*read, *beside]))
    _check_present(source, columns)
    given = _resampled(source, columns, source.complete(columns), rows, seed)
    way, new = routed(model, graph, open_frame(given), do)
    values, parameters = replicate(model, draws.flat(), way, new, seed)
    fixed = {
        name: np.full(rows, v, dtype=object if isinstance(v, str) else None) for name, v in way.do.items()
    }
    made = {model.variables[name].column: column for name, column in {**fixed, **values}.items()}
    return Simulated({**given, **made}, parameters, way.notes)


def _interventions(graph: Whole, do: Mapping[str, Any]) -> dict[str, Level]:
    settings = {}
    for name, value in do.items():
        if name not in graph.variables or name in graph.latent:
            what = "is unobserved" if name in graph.variables else "is no node of the spec"
            label = did_you_mean(name, graph.variables)
            raise DagregError((Diagnostic("DR562", f"`do` sets `{name}`, which {what}", label=label),))
        settings[name] = setting(graph.variables[name], value)
    return settings


def _resampled(source: Source, columns: Iterable[str], where: str, rows: int, seed: int) -> dict[str, Any]:
    """Observed rows drawn with replacement, whole: what belongs together stays together."""
    arrays = source.arrays(tuple(dict.fromkeys(columns)), where)
    if not arrays:
        return {}
    count = len(next(iter(arrays.values())))
    picked = np.random.default_rng([seed, 3]).integers(0, count, rows)
    return {name: values[picked] for name, values in arrays.items()}


def _check_present(source: Source, columns: Sequence[str]) -> None:
    absent = [c for c in columns if c not in source.columns]
    if absent:
        raise DataError((Diagnostic("DR311", f"no column `{absent[0]}` in {source.origin}"),))
