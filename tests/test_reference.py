"""The pages of the language reference name every key that the loader reads."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from dagreg.spec import fields
from dagreg.spec.shapes import Record
from dagreg.spec.types import NodeType, Transform

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize(
    ("record", "page"),
    [
        (fields.NODE_RECORD, "nodes.md"),
        (fields.DATA_RECORD, "nodes.md"),
        (fields.EFFECT_RECORD, "effects.md"),
        (fields.REGRESSION, "regressions.md"),
    ],
    ids=["nodes", "data", "effect", "regressions"],
)
def test_a_page_names_every_key(record: Record, page: str) -> None:
    text = (DOCS / page).read_text()
    assert [field.key for field in record.fields if f"`{field.key}" not in text] == []


def test_the_page_of_nodes_names_every_type_and_transform() -> None:
    text = (DOCS / "nodes.md").read_text()
    assert [word for word in (*get_args(NodeType), *get_args(Transform)) if f"`{word}`" not in text] == []
