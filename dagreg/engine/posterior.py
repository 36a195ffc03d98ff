"""`posterior.nc`: the draws of every program as netCDF, which `xarray.open_datatree` and ArviZ read.

Exact draws are written by h5netcdf alone: xarray (and with it pandas) is loaded only where a sampler has done so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dagreg.engine.draws import Array, Draws

if TYPE_CHECKING:
    import xarray as xr

Coordinates = Mapping[str, tuple[str, tuple[str, ...]]]  # symbol of several coefficients: their dimension and labels


def write(path: Path, samples: Mapping[str, Draws], coordinates: Mapping[str, Coordinates]) -> None:
    """Writes a branch for each builder, with its `posterior` and, where it was sampled, its `sample_stats`."""
    if any(draws.trees for draws in samples.values()):
        as_tree(samples, coordinates).to_netcdf(path, engine="h5netcdf")
        return
    import h5netcdf

    with h5netcdf.File(path, "w") as file:
        for builder, draws in samples.items():
            group = file.create_group(f"{_branch(builder)}/posterior")
            _write_group(group, draws, coordinates.get(builder, {}))


def _write_group(group: Any, draws: Draws, coordinates: Coordinates) -> None:
    """The variables of one program, along chain, draw and the coefficients' own dimensions."""
    chains, count = draws.shape
    group.dimensions = {"chain": chains, "draw": count} | {dim: len(names) for dim, names in coordinates.values()}
    for name, size in (("chain", chains), ("draw", count)):
        group.create_variable(name, (name,), data=np.arange(size))
    for dim, names in dict(coordinates.values()).items():
        labels = group.create_variable(dim, (dim,), dtype=_text())
        labels[:] = np.array(names, dtype=object)
    for symbol, dims, values in _variables(draws, coordinates):
        group.create_variable(symbol, dims, data=values)
    group.attrs["engine"] = draws.engine


def _text() -> Any:
    import h5py

    return h5py.string_dtype()


def _variables(draws: Draws, coordinates: Coordinates) -> Iterator[tuple[str, tuple[str, ...], Array]]:
    for symbol, values in draws.values.items():
        unnamed = tuple(f"{symbol}_{i}" for i in range(values.ndim - 2))
        own = (coordinates[symbol][0],) if symbol in coordinates else unnamed
        yield symbol, ("chain", "draw", *own), values


def as_tree(samples: Mapping[str, Draws], coordinates: Mapping[str, Coordinates]) -> xr.DataTree:
    """Every program's draws as one tree: a branch for each builder."""
    import xarray as xr

    groups = {}
    for builder, draws in samples.items():
        groups[f"{_branch(builder)}/posterior"] = _dataset(draws, coordinates.get(builder, {}))
        for i, tree in enumerate(draws.trees):
            name = "sample_stats" if len(draws.trees) == 1 else f"sample_stats_{i + 1}"
            groups[f"{_branch(builder)}/{name}"] = tree["sample_stats"].to_dataset()
    return xr.DataTree.from_dict(groups)


def _branch(builder: str) -> str:
    return builder.removeprefix("build_")


def _dataset(draws: Draws, coordinates: Coordinates) -> xr.Dataset:
    import xarray as xr

    chains, count = draws.shape
    labels: dict[str, Any] = {dim: list(names) for dim, names in coordinates.values()}
    return xr.Dataset(
        {symbol: (dims, values) for symbol, dims, values in _variables(draws, coordinates)},
        coords={"chain": np.arange(chains), "draw": np.arange(count), **labels},
        attrs={"engine": draws.engine},
    )
