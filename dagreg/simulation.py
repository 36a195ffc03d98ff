"""Data drawn from a spec's model: the whole graph under its priors, or what a fit knows under its posterior."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.binding.new_rows import beside_columns
from dagreg.binding.room import check_rows
from dagreg.binding.summary import check_columns, columns_of, declared_numbers, summarise
from dagreg.effects.predict import replicate
from dagreg.effects.route import setting
from dagreg.effects.simulate import Simulated
from dagreg.effects.simulate import simulate as from_priors
from dagreg.errors import DagregError, DataError, Diagnostic, did_you_mean
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.model.whole import Whole, whole
from dagreg.pipeline import Result, Specified, open_data, prepared
from dagreg.reopen import open_result
from dagreg.sources.duck import open_frame
from dagreg.sources.source import Source
from dagreg.spec.load import spec_of
from dagreg.spec.python import check_number
from dagreg.spec.types import MOST_SEED, Level, Spec


def simulate(
    spec: Specified,
    rows: int,
    *,
    data: Any = None,
    do: Mapping[str, Any] | None = None,
    seed: int | None = None,
    posterior: Result | str | os.PathLike[str] | None = None,
    allow_outside: bool = False,
) -> Simulated:
    """Rows drawn from the model with one set of parameters: of the priors, or of a fit's `posterior`.

    With data, roots are resampled from the observed rows; without, they are drawn by their types. `do` sets nodes and
    cuts the arrows into them. Raises DagregError where the spec cannot be compiled, a prior is improper (DR571) or too
    wide (DR572), `do` names no node or value (DR562) or is not covered by the fit (DR561), or the fit is of another
    spec (DR573), or a number is out of its range (DR569).
    """
    spec = spec_of(spec)
    check_number("rows", rows, 1, 2**53, whole=True)
    check_rows(rows, len(spec.nodes))
    chosen = spec.sampling.seed if seed is None else seed
    check_number("seed", chosen, 0, MOST_SEED, whole=True)
    if posterior is not None:
        result = posterior if isinstance(posterior, Result) else open_result(posterior)
        return _from_posterior(spec, rows, data, do or {}, chosen, result, allow_outside=allow_outside)
    source = _source_or_none(spec, data, allow_outside=allow_outside)
    names = [name for name, node in spec.nodes.items() if node.observed]
    if source is None:
        graph = whole(spec, None)
        return from_priors(graph, rows, chosen, _interventions(graph, do or {}), {})
    check_columns(source, spec, names)
    columns = columns_of(spec, names)
    source = source.narrow(columns, declared_numbers(spec, columns))
    where = source.complete(columns)
    graph = whole(spec, summarise(source, spec, names, where))
    beside = [c for equation in graph.equations.values() for c in beside_columns(equation)]
    roots = [v.column for n, v in graph.variables.items() if n not in graph.equations and n not in graph.latent]
    given = _resampled(source, [*roots, *beside], where, rows, chosen)
    return from_priors(graph, rows, chosen, _interventions(graph, do or {}), given)


def _source_or_none(spec: Spec, data: Any, *, allow_outside: bool) -> Source | None:
    """The data, or None where the spec names none or its file is not there."""
    if data is None and spec.data is None:
        return None
    try:
        return open_data(spec, data, allow_outside=allow_outside)
    except DataError as error:
        if data is None and all(d.code == "DR301" for d in error.diagnostics):
            return None
        raise


def _interventions(graph: Whole, do: Mapping[str, Any]) -> dict[str, Level]:
    found = {}
    for name, value in do.items():
        if name not in graph.variables or name in graph.latent:
            what = "is unobserved" if name in graph.variables else "is no node of the spec"
            label = did_you_mean(name, graph.variables)
            raise DagregError((Diagnostic("DR562", f"`do` sets `{name}`, which {what}", label=label),))
        found[name] = setting(graph.variables[name], value)
    return found


def _resampled(source: Source, columns: Iterable[str], where: str, rows: int, seed: int) -> dict[str, Any]:
    """Observed rows drawn with replacement, whole: what belongs together stays together."""
    found = source.arrays(tuple(dict.fromkeys(columns)), where)
    if not found:
        return {}
    count = len(next(iter(found.values())))
    picked = np.random.default_rng([seed, 3]).integers(0, count, rows)
    return {name: values[picked] for name, values in found.items()}


def _from_posterior(
    spec: Spec, rows: int, data: Any, do: Mapping[str, Any], seed: int, result: Result, *, allow_outside: bool
) -> Simulated:
    """The outcome, and in the chain the mediators, of resampled rows, under one draw of the posterior."""
    if spec.text != result.record.explained.spec.text:
        raise DagregError((Diagnostic("DR573", f"`{spec.path or spec.name}` is not the spec of this fit"),))
    model = _fullest(result)
    source = open_data(spec, data, allow_outside=allow_outside)
    drawn = {e.response for e in model.mediators} | {model.estimand.outcome}
    read = [v.column for name, v in model.variables.items() if name not in drawn]
    beside = [c for e in (*model.mediators, model.outcome) for c in beside_columns(e)]
    columns = tuple(dict.fromkeys([*read, *beside]))
    _check_present(source, columns)
    given = _resampled(source, columns, source.complete(columns), rows, seed)
    way, new = prepared(spec, model, open_frame(given), do)
    draws = result.samples[model.builder].flat()
    values, parameters = replicate(model, draws, way, new, seed)
    fixed = {name: np.full(rows, v, dtype=object if isinstance(v, str) else None) for name, v in way.do.items()}
    made = {model.variables[name].column: column for name, column in {**fixed, **values}.items()}
    return Simulated({**given, **made}, parameters, way.notes)


def _check_present(source: Source, columns: Sequence[str]) -> None:
    absent = [c for c in columns if c not in source.columns]
    if absent:
        raise DataError((Diagnostic("DR311", f"no column `{absent[0]}` in {source.origin}"),))


def _fullest(result: Result) -> Model:
    """The chain where it was fitted, for it draws the mediators too; else the primary model."""
    try:
        return result.model(Estimator.CHAIN)
    except DagregError:
        return result.model()
