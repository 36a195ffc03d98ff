"""NumPy, and what is needed of SciPy, loaded by the first number that is computed.

What `explain` needs of a family (its name, its parameters) is read without them, and they take longer to load
than all of `explain` to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagreg.lazy import Lazy

__all__ = ["Array", "Index", "Mask", "linalg", "np", "optimize", "sparse", "special", "stats"]


class _Kept(Lazy):
    """Keeps each name: loops use them often, and nothing replaces them."""

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy import linalg, optimize, sparse, special, stats
else:
    np, optimize = _Kept("numpy"), _Kept("scipy.optimize")
    special, stats = _Kept("scipy.special"), _Kept("scipy.stats")
    linalg, sparse = _Kept("scipy.linalg"), _Kept("scipy.sparse")

type Array = npt.NDArray[np.float64]
type Index = npt.NDArray[np.int64]
type Mask = npt.NDArray[np.bool_]
