"""Groups as predictors: the coefficients that vary between their levels, and the priors of how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dagreg.errors import DagregError, Diagnostic
from dagreg.families.links import Link
from dagreg.model import priors
from dagreg.model.summary import Variable
from dagreg.model.symbols import Namer
from dagreg.model.terms import Deviation, Purpose, Term, Varying
from dagreg.spec.priors import DISTRIBUTIONS
from dagreg.spec.types import Spec


def varying_of(
    spec: Spec,
    response: Variable,
    group: Variable,
    by: Sequence[str],
    terms: Sequence[Term],
    variables: Mapping[str, Variable],
    link: Link,
    namer: Namer,
    purpose: tuple[Purpose, str],
    *,
    centred: bool,
) -> Varying:
    """What varies between the levels of a group in one regression: its intercept, and the slopes asked for.

    Asked for under the response's `varying`, else by the group's own `slopes` and, of `by`, by an effect that
    is given by its levels. Raises DagregError (DR424) where the sds of one group have priors of different
    distributions.
    """
    said = spec.regressions.get(response.name)
    asked = said.varying.get(group.name) if said is not None else None
    alone = {t.name for t in terms}
    slopes = (*spec.nodes[group.name].slopes, *(name for name in by if name in alone))
    names = asked if asked is not None else ("intercept", *dict.fromkeys(slopes))
    deviations = tuple(_deviations(spec, response, group, names, terms, variables, link))
    negative = [d.prior for d in deviations if DISTRIBUTIONS[d.prior.distribution].support == "real"]
    if negative:
        message = (
            f"the sd between levels of `{group.name}` is above 0, and `{negative[0]}` admits negative values"
        )
        raise DagregError((Diagnostic("DR155", message, negative[0].span),))
    if len({d.prior.distribution for d in deviations}) > 1:
        message = f"the sds of `{group.name}` need priors of one distribution"
        raise DagregError((Diagnostic("DR424", message, said.span if said else group.span),))
    correlated = len(deviations) > 1
    return Varying(
        group=group.name,
        deviations=deviations,
        symbol=namer.identifier("by", response.name, group.name),
        scale=namer.identifier("cov" if correlated else "sd", response.name, group.name),
        levels=group.levels,
        purpose=purpose[0],
        why=purpose[1],
        centred=centred,
        concentration=priors.concentration(said, group.name),
        span=group.span,
    )


def _deviations(
    spec: Spec,
    response: Variable,
    group: Variable,
    names: Sequence[str],
    terms: Sequence[Term],
    variables: Mapping[str, Variable],
    link: Link,
) -> Iterator[Deviation]:
    said = spec.regressions.get(response.name)
    for name in names:
        if name == "intercept" and name not in variables:
            prior = priors.between_groups(said, (f"intercept:{group.name}", group.name), response, (), link)
            yield Deviation("intercept", prior)
            continue
        _refuse_sloped(name, group, terms)
        for term in (t for t in terms if set(t.factors) == set(name.split(":")) or t.name == name):
            factors = tuple(variables[f] for f in term.factors)
            keys = (f"{term.name}:{group.name}", f"{group.name}:{term.name}", group.name)
            prior = priors.between_groups(said, keys, response, factors, link)
            yield from (Deviation(column, prior, term.name, i) for i, column in enumerate(term.columns))


def _refuse_sloped(name: str, group: Variable, terms: Sequence[Term]) -> None:
    """Raises DagregError (DR411) where a slope is to vary between groups and has no mean, but one for each
    level.
    """
    sloped = next((t for t in terms if ":".join(t.numbers) == name), None)
    if sloped is not None and all(t.name != name for t in terms):
        levels = ":".join(sloped.looked_up)
        message = (
            f"`{name}` has a slope for each level of `{levels}`, and one that varies over `{group.name}` "
            "beside them"
        )
        label = "leave out one of the two, or `coding: index`"
        raise DagregError((Diagnostic("DR411", f"{message} is not supported yet", sloped.span, label),))


def keys_of(varying: Varying) -> Iterator[str]:
    """The keys by which a spec may name these deviations."""
    yield varying.group
    for deviation in varying.deviations:
        name = deviation.term or "intercept"
        yield f"{name}:{varying.group}"
        yield f"{varying.group}:{name}"
