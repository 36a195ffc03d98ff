"""The JSON Schema of the spec file, from the tables that the loader validates with."""

from __future__ import annotations

from dagreg.spec.fields import EFFECT, EFFECTS, SPEC
from dagreg.spec.shapes import JSON


def schema() -> JSON:
    """The spec file as JSON Schema, draft 2020-12.

    It says what shape a spec has; what its names refer to and how its parts fit is checked by `load`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A dagreg spec",
        **SPEC.schema(),
        "not": {"required": [EFFECT.key, EFFECTS.key]},
    }
