"""The result's folder: files appear whole or not at all, and `results.json` says that all are there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagreg.files import flush, folders, replace_all, sealed, sha256_of, writing
from dagreg.report.blocks import Document, Gallery
from dagreg.report.document import document
from dagreg.report.draw import CannotDraw, svg
from dagreg.report.drawing import element, sheet
from dagreg.report.html import html
from dagreg.report.markdown import markdown
from dagreg.report.render import render
from dagreg.results.fit import Report
from dagreg.results.folder import (
    GALLERIES,
    NAMES,
    PICTURE,
    PROGRAM,
    RECORD,
    SEAL,
    TEXTS,
    TIMINGS,
    check_result_folder,
)

Writer = Callable[[Path], object]


def write_reports(
    report: Report,
    directory: Path,
    extra: Mapping[str, Writer] | None = None,
    record: Mapping[str, Any] | None = None,
    timings: Mapping[str, float] | None = None,
) -> None:
    """Write the report's files into `directory`, `results.json` last.

    `extra` names further files, each with a callable that writes it to the path it is given. `fit.json` holds
    `record` and the hashes of all other files but `timings.json`, so that the next run knows them again. An
    older `results.json` is removed before anything else changes, so that a run that is cut short never leaves
    it beside files of another run. Raises DagregError (DR580 to DR586) where a file that dagreg did not write
    is in the way or something cannot be written; nothing in the folder has changed then.
    """
    check_result_folder(directory)
    with writing(directory), folders(directory), _workshop(directory) as workshop:
        picture = _picture(report)
        content = document(report)
        hung = tuple(_galleries(content, workshop))
        texts = _texts(report, content, picture, [path.name for path in hung], workshop)
        made = [
            *hung,
            *texts,
            *_extras(extra or {}, workshop),
            _written(workshop / SEAL, render(report, "json")),
        ]
        hashes = {path.name: sha256_of(path) for path in sorted(made)}
        made.append(_written(workshop / RECORD, sealed({**(record or {}), "files": hashes})))
        made.append(_written(workshop / TIMINGS, sealed({"seconds": dict(timings or {})})))
        away = workshop / "away"
        away.mkdir()
        replace_all(made, directory, NAMES, RECORD, SEAL, away)


@contextmanager
def _workshop(directory: Path) -> Iterator[Path]:
    """A hidden folder on the same file system, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix=".partial-", dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _picture(report: Report) -> str | None:
    study = report.study
    answer = report.effects[0].answer if report.effects else None
    try:
        return svg(study.spec, answer)
    except CannotDraw:
        return None


def _galleries(content: Document, workshop: Path) -> Iterator[Path]:
    """The first gallery of each file's name, as that file."""
    galleries = [b for section in content.sections for b in section.blocks if isinstance(b, Gallery)]
    for name in GALLERIES:
        drawings = next((b.drawings() for b in galleries if b.file == name), ())
        if drawings:
            whole = drawings[0] if len(drawings) == 1 else sheet(drawings, name.removesuffix(".svg"))
            yield _written(workshop / name, element(whole, name.removesuffix(".svg"), alone=True))


def _texts(
    report: Report, content: Document, picture: str | None, files: Sequence[str], workshop: Path
) -> Iterator[Path]:
    yield _written(workshop / TEXTS[0], html(content))
    yield _written(workshop / TEXTS[1], markdown(content, PICTURE if picture else None, files))
    yield _written(workshop / PROGRAM, report.source)
    if picture is not None:
        yield _written(workshop / PICTURE, picture)


def _extras(extra: Mapping[str, Writer], workshop: Path) -> Iterator[Path]:
    for name, write in extra.items():
        path = workshop / name
        write(path)
        flush(path)
        yield path


def _written(path: Path, text: str) -> Path:
    """Write `text`, and see it safely on the disk before it gets its place."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path
