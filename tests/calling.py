"""Calls of the command line in this process, with what they print and the code they exit with."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from unittest import mock

import pytest

from dagreg import cli


@dataclass(frozen=True)
class Called:
    stdout: str
    stderr: str
    code: int


def call(*words: object, stdin: str = "") -> Called:
    """What `dagreg` does with these words."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        mock.patch.multiple(sys, argv=["dagreg", *map(str, words)], stdin=given, stdout=out, stderr=err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    for stream in (out, err):
        stream.flush()
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]  # a BytesIO
    return Called(*said, int(ended.value.code or 0))
