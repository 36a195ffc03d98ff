"""What the language has and the compiler has not yet. To open a feature, remove its row from `LATER`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dagreg.errors import Diagnostic, Span
from dagreg.spec.types import Node, Spec

Places = Iterator[Span | None]

CANONICAL_LINKS: Mapping[str, str] = {
    "gaussian": "identity",
    "bernoulli": "logit",
    "binomial": "logit",
    "poisson": "log",
}
"""The families that are supported, each with the one link that is."""

_FAMILY_OF_TYPE = {
    "continuous": "gaussian",
    "positive": "gaussian",
    "proportion": "gaussian",
    "binary": "bernoulli",
    "count": "poisson",
}


def unsupported(spec: Spec) -> tuple[Diagnostic, ...]:
    """An error for every place where `spec` asks for what a later version brings; for the commands that fit."""
    return tuple(
        Diagnostic("DR190", f"not supported yet: {feature}", span)
        for feature, places in LATER.items()
        for span in places(spec)
    )


def _given(attribute: str) -> Callable[[Spec], Places]:
    """Where nodes have the attribute."""

    def places(spec: Spec) -> Places:
        for name, node in spec.nodes.items():
            if getattr(node, attribute):
                yield spec.place("nodes", name, attribute) or node.span

    return places


def _typed(type: str) -> Callable[[Spec], Places]:
    """Where nodes of the type can be terms or responses."""

    def places(spec: Spec) -> Places:
        for name, node in spec.nodes.items():
            if node.type == type:
                yield spec.place("nodes", name, "type") or spec.place("nodes", name) or node.span

    return places


def _imputed(spec: Spec) -> Places:
    if spec.missing == "impute":
        yield spec.place("missing")


def _mediation(spec: Spec) -> Places:
    for i, effect in enumerate(spec.effects):
        if effect.kind == "mediation":
            yield spec.place("effects", i, "kind") or spec.place("effect", "kind") or effect.span


def _varying(spec: Spec) -> Places:
    for response, regression in spec.regressions.items():
        if regression.varying:
            yield spec.place("regressions", response, "varying") or regression.span


def _families(spec: Spec) -> Places:
    for _, family, path in _choices(spec, "family"):
        if family not in CANONICAL_LINKS:
            yield spec.place(*path)


def _links(spec: Spec) -> Places:
    for node, link, path in _choices(spec, "link"):
        family = _family(spec, node)
        if family is not None and CANONICAL_LINKS.get(family, link) != link:
            yield spec.place(*path)


def _choices(spec: Spec, attribute: str) -> Iterator[tuple[Node, str, tuple[str, str, str]]]:
    """Every family or link that is written, and its path."""
    for section, choosers in (("nodes", spec.nodes), ("regressions", spec.regressions)):
        for name, chooser in choosers.items():
            if (choice := getattr(chooser, attribute)) is not None:
                yield spec.nodes[name], choice, (section, name, attribute)


def _family(spec: Spec, node: Node) -> str | None:
    """The family of a node's regression, as far as the spec says it."""
    regression = spec.regressions.get(node.name)
    return (regression and regression.family) or node.family or _FAMILY_OF_TYPE.get(node.type or "")


LATER: Mapping[str, Callable[[Spec], Places]] = {
    "`missing: impute`": _imputed,
    "`kind: mediation`": _mediation,
    "families other than gaussian, bernoulli, binomial and poisson": _families,
    "links other than the family's own": _links,
    "`error`": _given("error"),
    "`censored`": _given("censored"),
    "`pool`": _given("pool"),
    "`slopes`": _given("slopes"),
    "`varying`": _varying,
    "nodes of type `group`": _typed("group"),
    "nodes of type `ordinal`": _typed("ordinal"),
}
