"""No test writes into the list of files that dagreg keeps for the user."""

from __future__ import annotations

import os
import tempfile

_STATE = tempfile.TemporaryDirectory(prefix="dagreg-tests-")
os.environ["XDG_STATE_HOME"] = _STATE.name
