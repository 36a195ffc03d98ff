"""`posterior.nc`: the draws of every program as netCDF, which `xarray.open_datatree` and ArviZ read.

Exact draws are written by h5netcdf alone, and all are read by it: xarray (and with it pandas) is loaded only
where a sampler has done so, or where a tree is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dagreg.emit.naming import Dimension
from dagreg.engines.draws import Draws
from dagreg.engines.statistics import Statistics, as_written
from dagreg.files import system_error
from dagreg.lazy import Lazy
from dagreg.numerics.arrays import Array

if TYPE_CHECKING:
    import h5netcdf
    import h5py
    import xarray as xr
else:
    h5netcdf, h5py, xr = Lazy("h5netcdf"), Lazy("h5py"), Lazy("xarray")

Coordinates = Mapping[str, tuple[Dimension, ...]]  # of each symbol that is more than one number


def write(path: Path, samples: Mapping[str, Draws], coordinates: Mapping[str, Coordinates]) -> None:
    """Writes a branch for each builder, with its `posterior` and, where it was sampled, its `sample_stats`.

    Raises OSError where the file cannot be written.
    """
    try:
        if any(draws.trees for draws in samples.values()):
            as_tree(samples, coordinates).to_netcdf(path, engine="h5netcdf")
        else:
            _write_exact(path, samples, coordinates)
    except (OSError, RuntimeError) as error:  # h5py's words for a disk that is full
        raise system_error(error) from error


def _write_exact(path: Path, samples: Mapping[str, Draws], coordinates: Mapping[str, Coordinates]) -> None:
    with h5netcdf.File(path, "w") as file:
        for builder, draws in samples.items():
            group = file.create_group(f"{_branch(builder)}/posterior")
            _write_group(group, draws, coordinates.get(builder, {}))


def read(path: Path, builder: str, symbols: Iterable[str]) -> tuple[dict[str, Array], tuple[Statistics, ...]]:
    """The draws of these parameters of one program, and the statistics of its samplers. Loads h5netcdf alone.

    Raises OSError where the file is not netCDF, KeyError where it does not hold them.
    """
    with h5netcdf.File(path, "r") as file:
        branch = file[_branch(builder)]
        values = {
            symbol: np.asarray(branch["posterior"][symbol][...], dtype=np.float64) for symbol in symbols
        }
        names = [name for name in branch.groups if name.startswith("sample_stats")]
        trees = tuple(_statistics(branch[name]) for name in sorted(names, key=lambda name: (len(name), name)))
    return values, trees


def _statistics(group: Any) -> Statistics:
    return Statistics(
        {
            name: (variable.dimensions, as_written(variable[...], str(variable.attrs.get("dtype", ""))))
            for name, variable in group.variables.items()
        }
    )


def _write_group(group: Any, draws: Draws, coordinates: Coordinates) -> None:
    """The variables of one program, along chain, draw and the coefficients' own dimensions."""
    chains, count = draws.shape
    own = _labels(coordinates)
    group.dimensions = {"chain": chains, "draw": count} | {dim: len(names) for dim, names in own.items()}
    for name, size in (("chain", chains), ("draw", count)):
        group.create_variable(name, (name,), data=np.arange(size))
    for dim, names in own.items():
        labels = group.create_variable(dim, (dim,), dtype=h5py.string_dtype())
        labels[:] = np.array(names, dtype=object)
    for symbol, dims, values in _variables(draws, coordinates):
        group.create_variable(symbol, dims, data=values)
    group.attrs["engine"] = draws.engine


def _variables(draws: Draws, coordinates: Coordinates) -> Iterator[tuple[str, tuple[str, ...], Array]]:
    for symbol, values in draws.values.items():
        named = tuple(dim for dim, _ in coordinates.get(symbol, ()))
        yield symbol, ("chain", "draw", *(named or (f"{symbol}_{i}" for i in range(values.ndim - 2)))), values


def _labels(coordinates: Coordinates) -> dict[str, tuple[str, ...]]:
    """The labels of every dimension."""
    return dict(dimension for dimensions in coordinates.values() for dimension in dimensions)


def as_tree(
    samples: Mapping[str, Draws], coordinates: Mapping[str, Coordinates], first: str | None = None
) -> xr.DataTree:
    """Every program's draws as one tree: a branch for each builder, and the groups of `first` at the root."""
    groups: dict[str, xr.Dataset] = {}
    for builder, draws in samples.items():
        own = groups_of(draws, coordinates.get(builder, {}))
        if builder == first:
            groups |= own
        groups |= {f"{_branch(builder)}/{name}": dataset for name, dataset in own.items()}
    return xr.DataTree.from_dict(groups)


def groups_of(draws: Draws, coordinates: Coordinates) -> dict[str, xr.Dataset]:
    """The `posterior` of one program, and its `sample_stats` where it was sampled."""
    groups = {"posterior": _dataset(draws, coordinates)}
    for i, tree in enumerate(draws.trees):
        name = "sample_stats" if len(draws.trees) == 1 else f"sample_stats_{i + 1}"
        groups[name] = tree["sample_stats"].to_dataset()
    return groups


def with_rows(
    draws: Draws, coordinates: Coordinates, rows: Mapping[str, Mapping[str, Array]], seen: Mapping[str, Array]
) -> xr.DataTree:
    """One program's draws in ArviZ's groups, with others of draws x rows by response, and the
    responses seen.
    """
    chains, count = draws.shape
    groups = groups_of(draws, coordinates)
    for name, arrays in rows.items():
        cells = {y: (("chain", "draw", "row"), v.reshape(chains, count, -1)) for y, v in arrays.items()}
        along = {
            "chain": np.arange(chains),
            "draw": np.arange(count),
            "row": np.arange(len(next(iter(seen.values())))),
        }
        groups[name] = xr.Dataset(cells, coords=along)
    if rows:
        groups["observed_data"] = xr.Dataset({y: ("row", v) for y, v in seen.items()})
    return xr.DataTree.from_dict(groups)


def _branch(builder: str) -> str:
    return builder.removeprefix("build_")


def _dataset(draws: Draws, coordinates: Coordinates) -> xr.Dataset:
    chains, count = draws.shape
    labels: dict[str, Any] = {dim: list(names) for dim, names in _labels(coordinates).items()}
    return xr.Dataset(
        {symbol: (dims, values) for symbol, dims, values in _variables(draws, coordinates)},
        coords={"chain": np.arange(chains), "draw": np.arange(count), **labels},
        attrs={"engine": draws.engine},
    )
