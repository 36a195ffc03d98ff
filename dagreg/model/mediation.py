"""Which parts of a mediation question are given: those that identification has judged identified, by the
chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dagreg.identify.types import Mediation, PathsIdentified
from dagreg.model.estimand import Carried
from dagreg.model.estimators import Estimator
from dagreg.model.plan import LeftOut, Model, Plan

_BOTH = "natural direct and indirect effect"


def first_mediators(chain: Model) -> tuple[str, ...]:
    """The mediators with an arrow from the exposure, in the order of the graph."""
    exposures = set(chain.estimand.exposure)
    return tuple(e.response for e in chain.mediators if exposures & set(e.predictors))


def natural(mediation: Mediation | None) -> bool:
    """Whether natural direct and indirect effects are identified."""
    return mediation is not None and mediation.direct.identified and mediation.indirect.identified


def with_parts(plan: Plan, mediation: Mediation | None) -> Plan:
    """The plan with its chain giving the parts that are identified; the reason of each of the others beside
    it.
    """
    if mediation is None or not natural(mediation):
        return replace(plan, left_out=(*plan.left_out, *_refused(mediation)))
    chains = [m for m in plan.models if len(m.mediators) > 0]
    if len(chains) == 0:
        return replace(plan, left_out=(*plan.left_out, *_without_chain(plan, mediation)))
    divided = {
        m.builder: replace(m, estimand=replace(m.estimand, natural=True, through=_through(m, mediation)))
        for m in chains
    }
    models = tuple(divided.get(m.builder, m) for m in plan.models)
    return replace(plan, models=models, left_out=(*plan.left_out, *_paths_refused(chains[0], mediation)))


def _refused(mediation: Mediation | None) -> Iterator[LeftOut]:
    if mediation is None:
        yield LeftOut(
            Estimator.CHAIN,
            "the rows are selected, and what selection leaves of them is not judged here",
            _BOTH,
        )
    elif mediation.direct.reason == mediation.indirect.reason:
        yield LeftOut(Estimator.CHAIN, mediation.direct.reason, _BOTH)
    else:
        parts = (mediation.direct, mediation.indirect)
        yield from (LeftOut(Estimator.CHAIN, part.reason, part.name) for part in parts if not part.identified)


def _without_chain(plan: Plan, mediation: Mediation) -> Iterator[LeftOut]:
    if len(mediation.mediators) == 0:
        yield LeftOut(Estimator.CHAIN, mediation.indirect.reason, mediation.indirect.name)
        return
    why = next(
        (m.reason for m in plan.left_out if m.estimator is Estimator.CHAIN),
        "it is not offered for this question",
    )
    yield LeftOut(
        Estimator.CHAIN,
        f"they are identified, but only the chain of regressions gives them, and {why}",
        _BOTH,
    )


def _through(chain: Model, mediation: Mediation) -> tuple[Carried, ...]:
    """The mediators whose paths are identified and some of the indirect ones; one of those with the same
    paths.
    """
    identified = {part.name for part in mediation.through if isinstance(part, PathsIdentified)}
    everyone = first_mediators(chain)
    carried: dict[tuple[str, ...], str] = {}
    for equation in chain.mediators:
        above = _above(chain, equation.response)
        first = tuple(name for name in everyone if name in above)
        if equation.response in identified and first != everyone:
            carried.setdefault(first, equation.response)
    return tuple(Carried(mediator, first) for first, mediator in carried.items())


def _paths_refused(chain: Model, mediation: Mediation) -> Iterator[LeftOut]:
    judged = {part.name for part in mediation.through}
    for part in mediation.through:
        if not part.identified:
            yield LeftOut(Estimator.CHAIN, part.reason, f"path effect through `{part.name}`")
    if mediation.truncated and any(e.response not in judged for e in chain.mediators):
        yield LeftOut(
            Estimator.CHAIN,
            f"only the first {len(judged)} mediators are judged",
            "path effects of more mediators",
        )


def _above(chain: Model, name: str) -> frozenset[str]:
    """The mediators from which a path of mediators leads to this one, itself among them."""
    predictors = {e.response: e.predictors for e in chain.mediators}
    above, waiting = {name}, [name]
    while waiting:
        for parent in predictors[waiting.pop()]:
            if parent in predictors and parent not in above:
                above.add(parent)
                waiting.append(parent)
    return frozenset(above)
