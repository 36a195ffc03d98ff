"""What a sampler says of its draws, in the types of a netCDF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dagreg.lazy import Lazy

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = Lazy("xarray")


def as_written(values: Any, kind: str) -> npt.NDArray[Any]:
    """The array that xarray wrote: it keeps truth values as small integers, with a note, and texts as
    objects.
    """
    array = np.asarray(values)
    if kind == "bool":
        return array.astype(bool)
    return _texts(array) if array.dtype.kind in "OSU" else array


def _texts(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Texts as an array of Python's own, nothing being the empty one."""
    flat = [
        v.decode() if isinstance(v, bytes) else "" if v is None else str(v) for v in values.ravel().tolist()
    ]
    texts = np.empty(len(flat), dtype=object)
    texts[:] = flat
    return texts.reshape(values.shape)


def statistics(tree: Any) -> Statistics:
    """The statistics of a sampler's tree, as they come back from a file."""
    variables = tree["sample_stats"].to_dataset().variables
    return Statistics({str(n): (v.dims, as_written(v.to_numpy(), "")) for n, v in variables.items()})


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of a sampler, in the types of a file; xarray is loaded where they are asked for as a
    data set.
    """

    stats: Mapping[str, tuple[tuple[str, ...], npt.NDArray[Any]]]

    def __getitem__(self, name: str) -> Statistics:
        if name != "sample_stats":
            raise KeyError(name)
        return self

    def to_dataset(self) -> xr.Dataset:
        coords = {name for name, (dims, _) in self.stats.items() if dims == (name,)}
        return xr.Dataset(
            {name: stat for name, stat in self.stats.items() if name not in coords},
            coords={name: self.stats[name][1] for name in coords},
        )
