"""Specs without the passwords of their connection strings, for what is stored beside a result."""

from __future__ import annotations

from dataclasses import replace

from dagreg.errors import SpecError, redacted
from dagreg.spec.load import loads
from dagreg.spec.types import Spec


def shareable(spec: Spec) -> Spec:
    """The same spec, its connection string as it is shown to people.

    It keeps its text, with the string replaced there, where that says this very spec; else it is one without
    a text.
    """
    if spec.data is None or redacted(spec.data.source) == spec.data.source:
        return spec
    shown = redacted(spec.data.source)
    hidden = replace(spec, data=replace(spec.data, source=shown), text="")
    before, after = (_reread(spec, text) for text in (spec.text, spec.text.replace(spec.data.source, shown)))
    known = before == spec and after is not None and after.data is not None and after.data.source == shown
    return after if known and after is not None else hidden


def _reread(spec: Spec, text: str) -> Spec | None:
    place = spec.place()
    try:
        read = loads(text, file=place.file if place is not None else spec.path or spec.name)
    except SpecError:
        return None
    return replace(read, name=spec.name, path=spec.path, text=text, sampling=spec.sampling)
