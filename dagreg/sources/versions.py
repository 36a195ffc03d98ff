"""The versions that a result was made with."""

from __future__ import annotations

import platform
from importlib import metadata

_PACKAGES = ("dagreg", "pymc", "pytensor", "nutpie", "numpy", "duckdb", "arviz")


def versions(more: tuple[str, ...] = ()) -> dict[str, str]:
    """Package -> version, Python first, `more` at the end; a package that is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, *more):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
