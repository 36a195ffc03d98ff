"""NumPy, and SciPy's special functions and distributions, loaded by the first number that is computed.

What `explain` needs of a family (its name, its parameters) is read without them, and they take longer to load
than all of `explain` to run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Array", "np", "special", "stats"]


class _Later:
    """A module that is loaded when the first of its names is asked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._module), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy import special, stats
else:
    np, special, stats = _Later("numpy"), _Later("scipy.special"), _Later("scipy.stats")

type Array = npt.NDArray[np.float64]
