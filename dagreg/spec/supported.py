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


def _given(attribute: str) -> Callable[[Spec], Places]:
    """Where nodes have the attribute."""

    def places(spec: Spec) -> Places:
        for name, node in spec.nodes.items():
            if getattr(node, attribute):
                yield spec.place("nodes", name, attribute) or node.span

    return places


def _imputed(spec: Spec) -> Places:
    if spec.missing == "impute":
        yield spec.place("missing")


def _connection(spec: Spec) -> Places:
    if spec.data is not None and "://" in spec.data.source:
        yield spec.data.span


LATER: Mapping[str, Callable[[Spec], Places]] = {
    "`missing: impute`": _imputed,
    "`censored`": _given("censored"),
    "`data` from a database": _connection,
}
