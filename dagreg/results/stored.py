"""`fit.json` and `spec.yaml` of a result's folder: with model.py and posterior.nc, all that a result is made
of.

What the compiler makes again from the spec and the summary of the data (identification, models, program) is
not stored; that it makes the same is checked when a folder is opened.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dagreg.engines.draws import Draws, Part
from dagreg.engines.store import Store, version_of
from dagreg.errors import DagregError, Diagnostic, SpecError
from dagreg.files import is_sealed, sha256_of
from dagreg.model.summary import DataSummary
from dagreg.results.codec import Json, decode, encode
from dagreg.results.fit import Report
from dagreg.results.folder import POSTERIOR, PROGRAM, RECORD, SEAL, SPEC, TIMINGS
from dagreg.results.posterior import read as read_draws
from dagreg.sources.reader import Reader
from dagreg.spec.load import loads
from dagreg.spec.types import Sampling, Spec

FORMAT = 2
_PACKAGES = ("dagreg", "pymc", "pytensor", "nutpie", "numpy", "duckdb", "arviz")
_MADE_OF = (SPEC, PROGRAM, POSTERIOR, SEAL)  # what a result is read from, beside the record
_MADE_AGAIN = ("study", "source", "effects")  # fields of a report, and of an effect, that are not stored
_MADE_AGAIN_OF_EFFECT = ("effect", "answer", "plan")


@dataclass(frozen=True, slots=True)
class Sampled:
    """How the draws of one program were made."""

    engine: str
    divergences: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A folder's record, read but for the draws.

    `report` and `effects` are the fields of their types, as JSON.
    """

    folder: Path
    spec: Spec
    summary: DataSummary | None
    query: str | None
    reader: Reader | None
    report: Json
    effects: tuple[Json, ...]
    samples: Mapping[str, Sampled]

    @property
    def version(self) -> str:
        """Of dagreg, when the folder was written."""
        return str(self.report.get("versions", {}).get("dagreg", "unknown"))


def spec_text(spec: Spec) -> str | None:
    """The text that says this very spec, but for its sampling; None for one that was made or altered in
    Python.
    """
    try:
        return spec.text if spec.text and _reloaded(spec.text, _head(spec)) == spec else None
    except SpecError:
        return None


def record_of(
    report: Report,
    text: str | None,
    summary: DataSummary | None,
    query: str | None,
    reader: Reader | None,
    samples: Mapping[str, Draws],
) -> Json:
    """What `fit.json` says, but for the hashes of the files beside it.

    `text` is the `spec_text` of its spec.
    """
    spec = report.study.spec
    return {
        "format": FORMAT,
        "spec": _head(spec) if text is not None else {"fields": encode(spec)},
        "summary": encode(summary) if summary is not None else None,
        "query": query,
        "reader": encode(reader) if reader is not None else None,
        "report": encode(report, without=_MADE_AGAIN),
        "effects": [encode(e, without=_MADE_AGAIN_OF_EFFECT) for e in report.effects],
        "samples": {b: encode(Sampled(d.engine, d.divergences, d.parts)) for b, d in samples.items()},
    }


def read_record(folder: Path) -> Stored:
    """The record of a folder that `dagreg fit` wrote.

    Raises DagregError where there is none (DR541), where a file has changed since (DR542), or where it was
    written in another format (DR543).
    """
    for name in (SEAL, RECORD):
        if not os.path.isfile(folder / name):
            raise refused("DR541", f"`{folder}` holds no finished result of `dagreg fit`: no `{name}`")
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise refused(
                "DR543", f"`{folder}` was written in format {content['format']}, and {FORMAT} is read here"
            )
        if not is_sealed(text):
            raise refused("DR542", f"`{folder / RECORD}` has changed since `dagreg fit` wrote it")
        _check_files(folder, content["files"])
        content["report"]["versions"].get("dagreg")  # else it has another shape
        return Stored(
            folder=folder,
            spec=_spec(folder, content["spec"]),
            summary=decode(DataSummary, content["summary"]) if content["summary"] is not None else None,
            query=content["query"],
            reader=decode(Reader, content["reader"]) if content.get("reader") is not None else None,
            report=content["report"],
            effects=tuple(content["effects"]),
            samples={builder: decode(Sampled, s) for builder, s in content["samples"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise refused("DR542", f"`{folder / RECORD}` cannot be read: {_words(error)}") from None


def earlier(folder: str | os.PathLike[str] | None) -> Store:
    """The draws of the result in a folder, for a fit that may use some of them; empty where there is no
    result.

    The digest of each regression's draws says whether they are as they were written, so the folder need not
    be whole.
    """
    if folder is None or not os.path.isfile(Path(folder) / RECORD):
        return Store()
    try:
        content = json.loads((Path(folder) / RECORD).read_text(encoding="utf-8"))
        parts = {builder: decode(Sampled, s).parts for builder, s in content["samples"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Store()
    return Store(parts, partial(read_draws, Path(folder) / POSTERIOR))


def timings(folder: Path) -> dict[str, float]:
    """The seconds that a fit took, by what was done; none where they are not there or not as they were
    written.
    """
    if not os.path.isfile(folder / TIMINGS):
        return {}
    try:
        text = (folder / TIMINGS).read_text(encoding="ascii")
        return dict(json.loads(text)["seconds"]) if is_sealed(text) else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def refused(code: str, message: str) -> DagregError:
    """The error of a folder that cannot be opened."""
    return DagregError((Diagnostic(code, message, notes=("fit the spec again to have it anew",)),))


def _words(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__


def _check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    for name in (name for name in _MADE_OF if name in hashes):
        path, expected = folder / name, hashes[name]
        if not os.path.isfile(path):
            raise refused("DR542", f"`{path}` is not there any more")
        if sha256_of(path) != expected:
            raise refused("DR542", f"`{path}` has changed since `dagreg fit` wrote it")


def _head(spec: Spec) -> Json:
    """What is known of a spec besides its text."""
    place = spec.place()
    file = place.file if place is not None else spec.path or spec.name
    return {"name": spec.name, "path": spec.path, "file": file, "sampling": encode(spec.sampling)}


def _reloaded(text: str, head: Mapping[str, Any]) -> Spec:
    spec = loads(text, file=head["file"])
    sampling = decode(Sampling, head["sampling"])
    return replace(spec, name=head["name"], path=head["path"], text=text, sampling=sampling)


def _spec(folder: Path, stored: Mapping[str, Any]) -> Spec:
    if "fields" in stored:
        return decode(Spec, stored["fields"])
    with (folder / SPEC).open(encoding="utf-8", newline="") as stream:
        return _reloaded(stream.read(), stored)


def versions(more: tuple[str, ...] = ()) -> dict[str, str]:
    """Package -> version, Python first, `more` at the end; a package that is not installed is left out."""
    known = {package: version_of(package) for package in (*_PACKAGES, *more)}
    return {"python": platform.python_version()} | {package: v for package, v in known.items() if v}
