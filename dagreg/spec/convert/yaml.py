"""A spec as YAML that `load` reads back as the same spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import yaml

from dagreg.errors import LINE_BREAK
from dagreg.spec.convert.draft import Read, Written
from dagreg.spec.convert.losses import said_of
from dagreg.spec.load import loads
from dagreg.spec.source import core_value
from dagreg.spec.types import Adjust, Curve, DataRef, Edge, Effect, Node, Prior, Regression, Sampling, Spec

Part = Node | Edge | Effect | Adjust | Regression | Sampling | DataRef | Prior | Curve

_PLAIN = re.compile(r"\w+(?:[ .]\w+)*")
"""Names that are themselves in the grammar of edges and of interactions."""


def read(text: str, name: str, file: str) -> Read:
    """The spec in the text. Raises SpecError with every mistake of it."""
    return Read(loads(text, file=file))


def write(spec: Spec) -> Written:
    """The whole spec; nothing is left out."""
    nodes = {name: _node(node) for name, node in spec.nodes.items()}
    document: dict[str, Any] = {
        "name": spec.name,
        "data": _data(spec.data),
        "missing": spec.missing if spec.missing != "error" else None,
        "nodes": nodes if spec.declared or not _follow_from_edges(spec) else None,
        "edges": [_edge(edge) for edge in spec.edges],
        **_effects(spec.effects),
        "regressions": {name: _regression(r) for name, r in spec.regressions.items()} or None,
        "sampling": _sampling(spec.sampling),
    }
    given = {key: value for key, value in document.items() if value is not None}
    return Written(text_of(given))


def text_of(document: Mapping[str, Any]) -> str:
    """Plain values as the text of a spec file."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**30)


def entry(part: Part) -> Any:
    """A part of a spec as plain values, by the keys of a file."""
    match part:
        case Node():
            return _node(part)
        case Edge():
            return _edge(part)
        case Effect():
            return _effect(part)
        case Adjust():
            return _adjust(part)
        case Regression():
            return _regression(part)
        case Sampling():
            return _sampling(part)
        case DataRef():
            return _data(part)
        case Prior():
            return _prior(part)
        case Curve():
            return str(part)


def _follow_from_edges(spec: Spec) -> bool:
    """Whether a spec without `nodes:` has these nodes, in this order."""
    used = dict.fromkeys(end for edge in spec.edges for end in (edge.source, edge.target))
    return list(used) == list(spec.nodes) and all(_node(node) == {} for node in spec.nodes.values())


class _Flow(dict[str, Any]):
    """A mapping written as `{a: 1, b: 2}`."""


def _given(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Those with a value, as a mapping on one line."""
    return _Flow({key: value for key, value in entries.items() if value is not None})


def _node(node: Node) -> Any:
    """One word where that says it all."""
    attributes = {
        entry.name: _attribute(value)
        for entry in fields(Node)
        if entry.name not in ("name", "observed", "span", "error_is_scale")
        and (value := getattr(node, entry.name)) != entry.default
    }
    if node.error_is_scale:
        attributes["error"] = _Flow({"scale": node.error})
    if not node.observed:
        return "unobserved" if not attributes else _Flow({"observed": False, **attributes})
    return node.type if list(attributes) == ["type"] else _Flow(attributes)


def _attribute(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _edge(edge: Edge) -> Any:
    if _PLAIN.fullmatch(edge.source) and _PLAIN.fullmatch(edge.target):
        return f"{edge.source} {'<->' if edge.bidirected else '->'} {edge.target}"
    if edge.bidirected:
        return _Flow({"between": [edge.source, edge.target]})
    return _Flow({"from": edge.source, "to": edge.target})


def _effects(effects: tuple[Effect, ...]) -> dict[str, Any]:
    match [_effect(effect) for effect in effects]:
        case []:
            return {}
        case [effect]:
            return {"effect": effect}
        case several:
            return {"effects": several}


def _effect(effect: Effect) -> Any:
    ends = (*effect.exposure, effect.outcome)
    if effect == Effect(effect.exposure, effect.outcome, span=effect.span) and all(
        map(_PLAIN.fullmatch, ends)
    ):
        return f"{', '.join(effect.exposure)} -> {effect.outcome}"
    parts: dict[str, Any] = {
        "exposure": list(effect.exposure) if len(effect.exposure) > 1 else effect.exposure[0],
        "outcome": effect.outcome,
    }
    for key, value in said_of(effect).items():
        parts[key] = _adjust(value) if isinstance(value, Adjust) else _attribute(value)
    return _given(parts)


def _adjust(adjust: Adjust | None) -> Any:
    if adjust is None:
        return None
    if adjust.exactly is not None:
        return list(adjust.exactly)
    return _given({"include": list(adjust.include) or None, "exclude": list(adjust.exclude) or None})


def _data(data: DataRef | None) -> Any:
    if data is None or (data.table is None and data.query is None):
        return data.source if data else None
    return _given({"source": data.source, "table": data.table, "query": data.query})


def _regression(regression: Regression) -> dict[str, Any]:
    shown: dict[str, Callable[[Any], Any]] = {
        "curves": lambda curves: {name: str(curve) for name, curve in curves.items()},
        "interactions": lambda products: [_interaction(names) for names in products],
        "varying": lambda varying: {group: list(terms) for group, terms in varying.items()},
        "priors": lambda priors: {term: _prior(prior) for term, prior in priors.items()},
    }
    values = {entry.name: (getattr(regression, entry.name), entry.default) for entry in fields(Regression)}
    return {
        name: shown.get(name, _attribute)(value)
        for name, (value, default) in values.items()
        if name not in ("response", "span") and value != default and value != {}
    }


def _interaction(names: tuple[str, ...]) -> Any:
    return ":".join(names) if all(map(_PLAIN.fullmatch, names)) else list(names)


def _prior(prior: Prior) -> str:
    """As `str`, with every digit of the numbers."""
    numbers = (str(int(a)) if a.is_integer() and abs(a) < 1e15 else repr(a) for a in prior.arguments)
    return f"{prior.distribution}({', '.join(numbers)})"


def _sampling(sampling: Sampling) -> Any:
    changed = {
        entry.name: value
        for entry in fields(Sampling)
        if (value := getattr(sampling, entry.name)) != entry.default
    }
    return _Flow(changed) if changed else None


# ---------------------------------------------------------------- PyYAML


class _Dumper(yaml.SafeDumper):
    """Block style, but for `_Flow` and lists of words; text in quotes where YAML 1.1 or 1.2 reads something
    else.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _list(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    block = any(isinstance(item, dict) or (isinstance(item, str) and " -> " in item) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not block)


def _text(dumper: _Dumper, data: str) -> yaml.Node:
    style = None if core_value(data) == data else "'"
    if LINE_BREAK.search(data):
        style = '"'  # which alone keeps a line break as it is
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(str, _text)
