"""The JSON Schema says what the loader says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagreg.spec.fields import NODE_RECORD, SPEC, schema


def test_it_is_json() -> None:
    written = schema()
    assert json.loads(json.dumps(written)) == written
    assert written["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_of_the_loader_is_described() -> None:
    properties = schema()["properties"]
    assert set(properties) == {entry.key for entry in SPEC.fields}
    assert all(value["description"] for value in properties.values())


def test_the_attributes_of_nodes() -> None:
    forms = schema()["properties"]["nodes"]["additionalProperties"]["anyOf"]
    (mapping,) = [form for form in forms if form.get("type") == "object"]
    assert set(mapping["properties"]) == {entry.key for entry in NODE_RECORD.fields}
    assert not mapping["additionalProperties"]
    assert {"type": "null"} in forms


def test_only_edges_are_required() -> None:
    assert schema()["required"] == ["edges"]


VALID: list[dict[str, Any]] = [
    {"edges": ["a -> b"]},
    {"edges": "a -> b", "effect": "a -> b", "dagreg": 1, "data": "a.csv"},
    {
        "edges": [["a", "b"], {"from": "a", "to": "c"}, {"between": ["b", "c"]}],
        "nodes": {"a": None, "b": "count"},
    },
    {"edges": [], "nodes": {"a": {"type": "binary", "levels": [0, 1]}}, "sampling": {"chains": 4}},
    {"edges": ["a -> b"], "regressions": {"b": {"priors": {"a": "Normal(0, 1)"}, "interactions": ["a:c"]}}},
    {"edges": ["a -> b"], "effects": [{"exposure": ["a"], "outcome": "b", "adjust": {"include": ["c"]}}]},
]
INVALID: list[dict[str, Any]] = [
    {},
    {"edges": 3},
    {"edges": [["a"]]},
    {"edges": [], "efect": "a -> b"},
    {"edges": [], "effect": "a -> b", "effects": ["a -> b"]},
    {"edges": [], "nodes": {"a": "binry"}},
    {"edges": [], "nodes": {"a": {"colour": "red"}}},
    {"edges": [], "sampling": {"target_accept": 1}},
    {"edges": [], "regressions": {"b": {"priors": {"a": "Normel(0, 1)"}}}},
]


@pytest.mark.parametrize(("instance", "valid"), [*((i, True) for i in VALID), *((i, False) for i in INVALID)])
def test_instances(instance: dict[str, Any], valid: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema())
    assert validator(schema()).is_valid(instance) is valid
