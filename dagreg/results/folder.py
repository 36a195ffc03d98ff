"""The files of a result's folder, and which of those that stand there dagreg has written."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from dagreg.files import check_folder, is_sealed

SEAL, RECORD, TIMINGS = "results.json", "fit.json", "timings.json"
SPEC, PROGRAM, POSTERIOR = "spec.yaml", "model.py", "posterior.nc"
TEXTS = ("report.html", "report.md")
PICTURE = "dag.svg"
GALLERIES = ("posterior.svg", "model.svg", "chains.svg", "pooling.svg")  # those that there are
NAMES = (*TEXTS, SEAL, RECORD, TIMINGS, SPEC, PROGRAM, POSTERIOR, PICTURE, *GALLERIES)


def check_result_folder(directory: Path) -> None:
    """Whether a result can be written here, before anything is fitted.

    Raises DagregError (DR580 to DR585) where a file of the result's names is there that dagreg did not write,
    or the folder cannot be written to.
    """
    check_folder(directory, NAMES, written_by_dagreg(directory))


def written_by_dagreg(directory: Path) -> dict[str, str]:
    """The hashes of the files that a fit left in a folder: those that its `fit.json` keeps, if that is whole
    itself.
    """
    marks: dict[str, str] = {}
    for name in (
        n for n in (RECORD, TIMINGS) if os.path.isfile(directory / n)
    ):  # reading a named pipe would wait
        with suppress(OSError, ValueError):
            raw = (directory / name).read_bytes()
            if is_sealed(raw.decode("ascii")):
                marks[name] = hashlib.sha256(raw).hexdigest()
    if RECORD in marks:
        with suppress(OSError, ValueError, KeyError, TypeError):
            marks |= json.loads((directory / RECORD).read_text(encoding="ascii"))["files"]
    return marks
