"""Text -> `Spec`: every mistake of a file located and reported together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from dagreg.errors import LINE_BREAK, Diagnostic, Diagnostics, Span, SpecError
from dagreg.spec import fields as f
from dagreg.spec.edges import Edges, read_edges
from dagreg.spec.effects import read_effect
from dagreg.spec.nodes import check_slopes, nodes_of_edges, read_nodes
from dagreg.spec.regressions import check_trials, read_regressions
from dagreg.spec.scope import Scope
from dagreg.spec.shapes import Located, Reading
from dagreg.spec.source import MAX_BYTES, Mapping, Sequence, Tree, compose
from dagreg.spec.types import DataRef, Edge, Effect, Missing, Sampling, Spec

Path_ = tuple[str | int, ...]


def load(path: str | Path) -> Spec:
    """The spec in a file.

    Raises SpecError with every mistake of the file, or where it cannot be read.
    """
    text = read_text(path)
    return read_named(text, str(path), Path(path).stem, str(path))


def loads(text: str, *, file: str = "<spec>") -> Spec:
    """The spec in a text. `file` is what messages call it.

    Raises SpecError with every mistake of the text.
    """
    return read_named(text.removeprefix("\ufeff"), file, Path(file).stem.strip("<>") or "spec", None)


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8, of a large one its beginning.

    Raises SpecError where it cannot be read (DR100) or is not UTF-8 (DR108).
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise SpecError((Diagnostic("DR100", f"cannot read {path}: {reason}"),)) from None
    return decoded(raw, str(path))


def decoded(raw: bytes, shown: str) -> str:
    """The text of the bytes, which messages call `shown`.

    Raises SpecError (DR108) where they are not UTF-8.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if len(raw) > MAX_BYTES:
            return raw.decode("utf-8", "replace")
        raise _not_utf8(raw, problem.start, shown) from None


def _not_utf8(raw: bytes, at: int, file: str) -> SpecError:
    before = LINE_BREAK.split(raw[:at].decode("utf-8-sig", "replace"))
    column = len(before[-1]) + 1
    span = Span(file, len(before), column, column + 1)
    diagnostic = Diagnostic(
        "DR108", "the file is not UTF-8", span, f"the byte 0x{raw[at]:02x}; save the file as UTF-8"
    )
    return SpecError((diagnostic,), raw.decode("utf-8-sig", "replace"))


def spec_of(given: object) -> Spec:
    """A spec, or the one in a file. Raises SpecError as `load` does, and for what is neither (DR167)."""
    if isinstance(given, Spec):
        return given
    if isinstance(given, str) and "\n" in given:
        what, label = (
            "this is the text of a spec, where its path is expected",
            "`dagreg.loads(text)` reads a text",
        )
        raise SpecError((Diagnostic("DR167", what, label=label),))
    if not isinstance(given, str | os.PathLike):
        what = f"expected a spec or its path, found a value of type `{type(given).__name__}`"
        label = "`dagreg.Spec(edges=[...], effect=...)` makes a spec of Python values"
        raise SpecError((Diagnostic("DR167", what, label=label),))
    return load(os.fspath(given))


def read_named(text: str, file: str, stem: str, path: str | None) -> Spec:
    """The spec in a text that messages call `file`, its name being `stem` where it gives none.

    `path` is what its data are relative to. Raises SpecError with every mistake of the text.
    """
    mistakes = Diagnostics()
    tree = compose(text, file, mistakes)
    reading = f.SPEC.read(tree, mistakes) if tree is not None else None
    spec = (
        _spec(reading, tree, mistakes, stem, path, text) if reading is not None and tree is not None else None
    )
    if spec is None or len(mistakes):
        raise SpecError(mistakes.by_place(), text)
    return spec


def _spec(
    reading: Reading, tree: Tree, mistakes: Diagnostics, stem: str, path: str | None, text: str
) -> Spec:
    scope, edges = _graph(reading, mistakes)
    regressions = read_regressions(reading[f.REGRESSIONS] or {}, scope)
    check_trials(reading[f.NODES] or {}, regressions, scope)
    return Spec(
        name=reading.plain(f.NAME) or stem,
        nodes=scope.nodes,
        edges=edges,
        effects=_effects(reading, scope),
        data=_data(reading, mistakes),
        missing=cast(Missing, reading.plain(f.MISSING) or "error"),
        regressions=regressions,
        sampling=_sampling(reading),
        path=path,
        declared=f.NODES in reading,
        text=text,
        places=dict(_places(tree, ())),
        notes=mistakes.notes,
    )


def _graph(reading: Reading, mistakes: Diagnostics) -> tuple[Scope, tuple[Edge, ...]]:
    declarations, tree = reading[f.NODES], reading[f.EDGES]
    before = len(mistakes)
    edges = read_edges(tree, declarations or (), mistakes) if tree is not None else Edges()
    sound = len(mistakes) == before and tree is not None
    if f.NODES not in reading:
        nodes, complete = nodes_of_edges(edges.names), sound
    else:
        nodes, complete = read_nodes(declarations or {}, mistakes), declarations is not None
    scope = Scope(nodes, f.NODES in reading, complete, mistakes)
    if complete and not nodes:
        mistakes.error(
            "DR114", "a graph without nodes", reading.key(f.EDGES), "name some in `edges:` or under `nodes:`"
        )
    if declarations is not None:
        for name in edges.names:
            scope.known(name)
        check_slopes(declarations, scope)
    return scope, tuple(edges.edges)


def _effects(reading: Reading, scope: Scope) -> tuple[Effect, ...]:
    if f.EFFECT in reading and f.EFFECTS in reading:
        label = "put all of them under `effects:`"
        scope.mistakes.error("DR146", "both `effect` and `effects` are given", reading.key(f.EFFECT), label)
    single, several = reading[f.EFFECT], reading[f.EFFECTS]
    forms = [*([single] if single is not None else []), *(several.value if several is not None else [])]
    effects = [read_effect(form, scope) for form in forms]
    return tuple(effect for effect in effects if effect is not None)


def _data(reading: Reading, mistakes: Diagnostics) -> DataRef | None:
    match reading[f.DATA]:
        case Located(value=source, span=span):
            return DataRef(source, span=span)
        case Reading() as data:
            source = data.plain(f.SOURCE)
            table, query = data.plain(f.TABLE), data.plain(f.QUERY)
            if table is not None and query is not None:
                mistakes.error(
                    "DR160", "both `table` and `query` are given", data.key(f.QUERY), "keep one of the two"
                )
            return DataRef(source, table, query, data.span) if source is not None else None
        case _:
            return None


def _sampling(reading: Reading) -> Sampling:
    sampling = reading[f.SAMPLING]
    if sampling is None:
        return Sampling()
    given = {key: located.value for key, located in sampling.values.items()}
    return Sampling(**given)


def _places(tree: Tree, path: Path_) -> Iterator[tuple[Path_, Span]]:
    yield path, tree.span
    match tree:
        case Mapping():
            for key, value in tree.entries:
                yield from _places(value, (*path, key.text))
        case Sequence():
            for i, item in enumerate(tree.items):
                yield from _places(item, (*path, i))
