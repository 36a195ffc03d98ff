"""Draws that need not be made again: what a regression's draws hang on, as a key, and those of an earlier
fit.

A result's folder is the store. Its `posterior.nc` holds the draws, its `fit.json` the `Part` of every
regression: key, engine, statistics and the digest of the draws. Nothing is kept twice, and what the present
fit does not use is gone when its result is written.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

from dagreg.binding.rows import Rows
from dagreg.emit.program import emit
from dagreg.engines.draws import Draws, Origin, Part
from dagreg.engines.statistics import Statistics
from dagreg.engines.table import ENGINES, runs_program
from dagreg.numerics.arrays import Array
from dagreg.optimise.types import Piece
from dagreg.spec.types import Sampling

FORMAT = 2  # of keys and digests


DrawsReader = Callable[[str, Iterable[str]], tuple[Mapping[str, Array], Sequence[Statistics]]]
"""Reads the draws of a builder's symbols from an earlier result, with the statistics of its samplers."""


class Store:
    """Draws by key: those of an earlier result, and those that this fit has made.

    What cannot be read, or is not what was written, counts as not there.
    """

    def __init__(
        self, parts: Mapping[str, Sequence[Part]] | None = None, read: DrawsReader | None = None
    ) -> None:
        self._parts = parts or {}  # of the earlier result, by builder
        self._source = read
        self._read: dict[str, dict[str, Draws]] = {}  # by builder
        self._made: dict[str, Draws] = {}

    def __bool__(self) -> bool:
        """Whether there is an earlier result."""
        return bool(self._parts)

    def holds(self, key: str) -> bool:
        """Whether the earlier result names this key; its draws may still turn out to be unreadable."""
        return any(part.key == key for parts in self._parts.values() for part in parts)

    def find(self, key: str) -> Draws | None:
        """The draws of this key, marked by where they come from."""
        if key in self._made:
            return _marked(self._made[key], "same fit")
        for builder, parts in self._parts.items():
            if any(part.key == key for part in parts):
                draws = self._of(builder).get(key)
                if draws is not None:
                    self._made[key] = draws
                    return _marked(draws, "earlier fit")
        return None

    def keep(self, key: str, draws: Draws) -> Draws:
        """The draws as those of this key."""
        symbols, digest = tuple(draws.values), digest_of(draws)
        part = Part(key, symbols, draws.engine, draws.divergences, digest)
        kept = self._made[key] = replace(draws, parts=(part,))
        return kept

    def _of(self, builder: str) -> dict[str, Draws]:
        if builder not in self._read:
            self._read[builder] = self._from_file(builder)
        return self._read[builder]

    def _from_file(self, builder: str) -> dict[str, Draws]:
        """The draws of one program of the earlier result, each under its key; damaged ones are left out."""
        parts = self._parts[builder]
        try:
            assert self._source is not None  # there are parts
            values, trees = self._source(builder, [s for part in parts for s in part.symbols])
        except (
            OSError,
            KeyError,
            ValueError,
            TypeError,
            RuntimeError,
        ):  # whatever h5py makes of a damaged file
            return {}
        by_key: dict[str, Draws] = {}
        sampled = iter(trees)
        for part in parts:
            own = (
                tuple(tree for tree in (next(sampled, None),) if tree is not None)
                if runs_program(part.engine)
                else ()
            )
            draws = Draws(
                {symbol: values[symbol] for symbol in part.symbols}, part.engine, part.divergences, 0.0, own
            )
            if digest_of(draws) == part.digest:
                by_key[part.key] = replace(draws, parts=(part,))
        return by_key


def _marked(draws: Draws, origin: Origin) -> Draws:
    return replace(draws, seconds=0.0, parts=tuple(replace(part, origin=origin) for part in draws.parts))


def key_of(piece: Piece, data: Rows, sampling: Sampling) -> str:
    """All that the draws of a piece hang on: its program and data (or what stands for them), settings and
    versions.
    """
    engines = [ENGINES[name] for name in piece.engines]
    packages = _versions(tuple(dict.fromkeys(package for engine in engines for package in engine.packages)))
    if engines[0].statistics is not None:
        settings = (sampling.seed, sampling.draws, sampling.chains, piece.model.formula)
        return _sha256((piece.engine, FORMAT, settings, packages, engines[0].statistics(piece)))
    used = replace(
        sampling, engine=Sampling().engine
    )  # it says which pieces there are, and nothing of this one
    what = (_code(piece), piece.model.adaptation, used, packages)
    return _sha256((piece.engine, FORMAT, what, *_data(piece, data)))


def seeded(piece: Piece, sampling: Sampling, *, whole: bool) -> Sampling:
    """The sampling settings of a piece, with a seed of its own that does not change with the other pieces.

    A model that is sampled whole keeps the seed, as its printed program has it; so does a piece whose
    engine's generator takes the regression beside the seed.
    """
    if whole or ENGINES[piece.engine].statistics is not None:
        return sampling
    own = int.from_bytes(hashlib.sha256(piece.model.formula.encode()).digest()[:4], "big")
    return replace(sampling, seed=sampling.seed + own)


def digest_of(draws: Draws) -> str:
    """The hash of draws and their statistics."""
    digest = hashlib.sha256(repr((FORMAT, draws.engine, draws.divergences)).encode())
    for symbol, values in draws.values.items():
        _add(digest, symbol, values)
    for tree in draws.trees:
        for name, (dims, values) in sorted(tree.stats.items()):
            _add(digest, f"{name} {dims}", values)
    return digest.hexdigest()


def _data(piece: Piece, data: Rows) -> tuple[str, ...]:
    """The hash of the table that the piece's program reads; of one that stays in a database nothing is known
    but that it has been asked in this fit.
    """
    if not piece.reads_rows:
        return ()
    if ENGINES[piece.engine].in_place(piece, data):
        return (data.token,)
    table: Mapping[str, Any] = data if piece.grouping is None else data.grouped(piece.grouping)
    digest = hashlib.sha256()
    for column in piece.model.columns if piece.grouping is None else table:
        _add(digest, column, table[column])
    return (digest.hexdigest(),)


def _add(digest: Any, name: str, values: Any) -> None:
    """An array's name, type, shape and values; what is masked has no value."""
    array = np.ma.getdata(values)
    mask = np.ma.getmask(values)
    if mask is not np.ma.nomask:
        array = np.where(mask, np.zeros((), dtype=array.dtype), array)
        digest.update(np.packbits(mask).tobytes())
    digest.update(repr((name, str(array.dtype), array.shape)).encode())
    if array.dtype == object:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).data)


def _code(piece: Piece) -> str:
    """The program of a model without what says nothing of its posterior: comments, docstrings, the builder's
    name.
    """
    title = Sampling()  # of the part of a program that runs it, which is left out without a query
    builder = replace(piece.builder, model=replace(piece.model, builder="build"))
    tree = ast.parse(emit([builder], "", "", None, title).source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            del node.body[0]
    return ast.dump(tree)


@cache
def _versions(packages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, version_of(name)) for name in packages)


@cache
def version_of(package: str) -> str:
    """The version of an installed package; "" of one that is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _sha256(what: object) -> str:
    return hashlib.sha256(repr(_spelled(what)).encode()).hexdigest()


def _spelled(what: object) -> object:
    """The value in tuples, texts and numbers, with every field of a record: a repr is for people and may be
    cut.
    """
    if is_dataclass(what) and not isinstance(what, type):
        return (type(what).__name__, *(_spelled(getattr(what, field.name)) for field in fields(what)))
    if isinstance(what, Mapping):
        return tuple((_spelled(key), _spelled(value)) for key, value in what.items())
    if isinstance(what, tuple | list):
        plain = set(map(type, what)) <= {float}  # a row of a matrix, of which there may be hundreds
        return tuple(what) if plain else tuple(map(_spelled, what))
    return what
