"""Modules that are loaded when the first of their names is used, so that files can name them at their top:

    if TYPE_CHECKING:
        import pandas as pd
    else:
        pd = Lazy("pandas")

It is for modules that take long to load and that few calls need. Type checkers and the contracts of the
layers see the import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Lazy:
    """Stands for a module. Each name is read off the module when it is used, and so can be replaced there."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)
