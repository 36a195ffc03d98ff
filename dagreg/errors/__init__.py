"""Located diagnostics: where a mistake stands, what it is, and how to mend it.

Every stage reports mistakes as `Diagnostic` values; `DagregError` carries all of
them together, so that a user sees every mistake of a file in one run. `render` draws a
diagnostic under its line of the file. `CODES` documents every code; each has a page in `docs/messages`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagreg.errors.diagnostic import (
    DagregError,
    DataError,
    Diagnostic,
    Diagnostics,
    Doubt,
    Offence,
    Severity,
    Span,
    SpecError,
    Unsolvable,
    closest,
    did_you_mean,
    either,
)
from dagreg.errors.render import LINE_BREAK, printable, printable_lines, render, spelled, steers
from dagreg.errors.secrets import HIDDEN, redacted, secret_setting

if TYPE_CHECKING:
    from dagreg.errors.codes import CODES, Code

__all__ = [
    "CODES",
    "HIDDEN",
    "LINE_BREAK",
    "Code",
    "DagregError",
    "DataError",
    "Diagnostic",
    "Diagnostics",
    "Doubt",
    "Offence",
    "Severity",
    "Span",
    "SpecError",
    "Unsolvable",
    "closest",
    "did_you_mean",
    "either",
    "printable",
    "printable_lines",
    "redacted",
    "render",
    "secret_setting",
    "spelled",
    "steers",
]


def __getattr__(name: str) -> Any:
    """The table of codes is long, and loaded when it is first asked for."""
    if name in ("CODES", "Code"):
        from dagreg.errors import codes

        return getattr(codes, name)
    raise AttributeError(f"module 'dagreg.errors' has no attribute '{name}'")
