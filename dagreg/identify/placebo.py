"""Placebo questions: the same regressions with a node in the place of exposure or outcome that the graph says
has no part in the effect (Lipsitch, Tchetgen Tchetgen and Cohen 2010).

An outcome that the exposure cannot move, or an exposure that cannot move the outcome, has the effect zero by
the graph. An estimate that is not zero then shows what the graph has missed: most often an unmeasured cause
that the real question shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dagreg.errors import DagregError, Diagnostic, did_you_mean
from dagreg.graph.ancestry import descendants
from dagreg.graph.causal import CausalGraph
from dagreg.spec.types import Effect, Spec


def with_placebos(spec: Spec, graph: CausalGraph, nodes: Sequence[str]) -> Spec:
    """The spec with a placebo question for each of these nodes, and each of its effects, behind its own.

    Raises DagregError where a node is not there (DR205), not observed (DR206), or no placebo: the graph lets
    it have a part in every effect (DR661).
    """
    placebos = [effect for name in nodes for effect in _placebos(spec, graph, name)]
    return replace(spec, effects=(*spec.effects, *dict.fromkeys(placebos)))


def _placebos(spec: Spec, graph: CausalGraph, name: str) -> Iterator[Effect]:
    if name not in graph.index:
        message = f"the placebo `{name}` is no node of the graph"
        raise DagregError((Diagnostic("DR205", message, label=did_you_mean(name, graph.index)),))
    if not graph.observed[graph.index[name]]:
        raise DagregError((Diagnostic("DR206", f"the placebo `{name}` is unobserved"),))
    found = [one for effect in spec.effects for one in _of_effect(graph, effect, name)]
    if not found:
        what = " and ".join(f"{', '.join(e.exposure)} -> {e.outcome}" for e in spec.effects)
        message = (
            f"`{name}` is no placebo: by the graph the exposure may move it, and it may move the outcome"
        )
        raise DagregError((Diagnostic("DR661", message, notes=(f"the effects asked for: {what}",)),))
    yield from found


def _of_effect(graph: CausalGraph, effect: Effect, name: str) -> Iterator[Effect]:
    """The node as the outcome where nothing leads to it from the exposure, and as the exposure where nothing
    leads from it to the outcome.
    """
    if name in (*effect.exposure, effect.outcome):
        return
    v = graph.index[name]
    plain = Effect(effect.exposure, effect.outcome)
    if not descendants(graph, [graph.index[x] for x in effect.exposure])[v]:
        yield replace(plain, outcome=name, contrast=effect.contrast)
    if not descendants(graph, [v])[graph.index[effect.outcome]]:
        yield replace(plain, exposure=(name,))
