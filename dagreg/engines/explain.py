"""The optimiser's decisions in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dagreg.engines.table import ENGINES
from dagreg.optimise.types import Piece

_REUSED = {
    "earlier fit": " Reused: it has not changed since an earlier fit, whose draws these are.",
    "same fit": " Reused: another program here has the same regression, whose draws these are.",
}


def plan_text(
    pieces: Mapping[str, Sequence[Piece]], stored: Mapping[str, Sequence[bool]] | None = None
) -> str:
    """For every regression of every builder: the passes that applied and those that did not, the engine, its
    rows.

    `stored` says, for each, whether the draws of an earlier fit serve.
    """
    lines: list[str] = []
    for builder, group in pieces.items():
        lines.append(builder)
        for piece, there in zip(group, (stored or {}).get(builder, (False,) * len(group)), strict=True):
            lines += _piece(piece)
            lines += (
                [f"    {'reused:':12} unchanged since the earlier fit, whose draws serve"] if there else []
            )
    return "\n".join(lines)


def _piece(piece: Piece) -> list[str]:
    lines = [f"  {_regressions(piece)}"]
    lines += [
        f"    {note.step + ':':12} {'applied' if note.applied else 'not applied'}: {note.why}"
        for note in piece.notes
    ]
    return [*lines, f"    {'engine:':12} {piece.engine}, on {_rows(piece)}"]


def _regressions(piece: Piece) -> str:
    return "; ".join(
        f"{e.response} on {', '.join(t.name for t in e.terms) or 'nothing'} ({e.family.name})"
        for e in piece.model.equations
    )


def _rows(piece: Piece) -> str:
    return f"{piece.rows:,} row{'s' * (piece.rows != 1)}"


def sentences(pieces: Iterable[Piece], made: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """For each piece: how it was solved and what stood for its rows, and where draws that were not made anew
    are from.

    `made` are the engine and the origin of the draws (`engine/draws.py`).
    """
    return tuple(
        _sentence(p, engine) + _REUSED.get(o, "") for p, (engine, o) in zip(pieces, made, strict=True)
    )


def _sentence(piece: Piece, engine: str) -> str:
    responses = " and ".join(e.response for e in piece.model.equations)
    which = f"{piece.model.estimator}, {responses}"
    reduced = [n.why for n in piece.notes if n.applied and n.step in ("grouped", "cells", "sufficient")]
    tried = piece.engines[: piece.engines.index(engine)] if engine in piece.engines else ()
    gave_up = " and ".join(ENGINES[name].unfit for name in tried)
    how = ENGINES[engine].participle + (f", as {gave_up}" if gave_up else "")
    return f"{which}: {how}" + (f"; {reduced[0]}." if reduced else f" on {_rows(piece)}.")
