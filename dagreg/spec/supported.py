"""What the language has and the compiler has not yet. To open a feature, remove its row from `LATER`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dagreg.errors import Diagnostic, Span
from dagreg.spec.types import Spec

Places = Iterator[Span | None]


def unsupported(spec: Spec) -> tuple[Diagnostic, ...]:
    """An error for every place where `spec` asks for what a later version brings; for the commands that fit."""
    return tuple(
        Diagnostic("DR190", f"not supported yet: {feature}", span)
        for feature, places in LATER.items()
        for span in places(spec)
    )


LATER: Mapping[str, Callable[[Spec], Places]] = {}
