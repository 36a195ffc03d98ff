"""Tests keep out of the user's own list of files, and BLAS runs as under the command."""

from __future__ import annotations

import os
import tempfile

_STATE = tempfile.TemporaryDirectory(prefix="dagreg-tests-")
os.environ["XDG_STATE_HOME"] = _STATE.name
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
