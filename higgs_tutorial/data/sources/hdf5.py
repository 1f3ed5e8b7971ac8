"""HDF5, read by h5py, which comes with Keras: an array, records with named fields, or a group of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.sources.arrays import Array, damage, kind_of
from higgs_tutorial.data.sources.base import Columns, Source
from higgs_tutorial.data.sources.several import the_one
from higgs_tutorial.safe_text import one_line


class Group(Columns):
    """A group of one-dimensional data sets of one length, the columns, as a `Source`."""

    def __init__(self, file: str, columns: dict[str, Any]) -> None:
        """Wrap data sets by name.

        Raises:
            ValueError: if they are not of one length.
        """
        self.file, self.names, self.count = file, list(columns), len(columns)
        self._columns = list(columns.values())
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name!r} {length:,}" for name, length in list(lengths.items())[:5])
            raise ValueError(f"{file} has columns of different lengths ({listed})")
        self.rows = next(iter(lengths.values()))

    def kind(self, place: int) -> str | None:
        """See `Source.kind`."""
        return kind_of(self._columns[place].dtype)

    def values(self, places: Sequence[int], size: int) -> Iterator[NDArray]:
        """See `Columns.values`."""
        for start in range(0, self.rows, size):
            with damage(self.file, start):
                columns = [self._columns[place][start : start + size] for place in places]
            yield np.stack(columns, axis=1)


def open_hdf5(path: Path, inside: str | None, columns: int) -> Source:
    """Open a table of about so many ``columns`` in an HDF5 file, which needs no name if it is the only one.

    Raises:
        ValueError: if the file is damaged or pandas' own, or there is no such table, or several.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
        tables = _tables(file)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is a damaged or cut off HDF5 file ({one_line(error)})") from error
    name = the_one(path, "table", list(tables), inside)
    shown = str(path) if inside is None else f"{path}:{inside}"
    found = tables[name]
    if isinstance(found, h5py.Dataset):
        return Array(shown, found, columns)
    if "pandas_type" in found.attrs:
        raise ValueError(
            f"{shown} is an HDF5 file of pandas, in a form of its own; make a Parquet file of it:"
            ' pandas.read_hdf(FILE, KEY).to_parquet("events.parquet")'
        )
    return Group(shown, _columns(found))


def _tables(file: Any) -> dict[str, Any]:
    """Return what may be a table, by name: arrays [n, k], records, groups of columns, and pandas' groups."""
    import h5py

    tables = {"/": file} if len(_columns(file)) > 1 else {}
    pandas: list[str] = []

    def look(name: str, item: Any) -> None:
        if any(name.startswith(f"{group}/") for group in pandas):
            return
        if isinstance(item, h5py.Dataset):
            is_table = item.ndim == 2 or bool(item.dtype.names)
        else:
            is_table = "pandas_type" in item.attrs or len(_columns(item)) > 1
            pandas.extend([name] if "pandas_type" in item.attrs else [])
        if is_table:
            tables[name] = item

    file.visititems(look)
    return tables


def _columns(group: Any) -> dict[str, Any]:
    import h5py

    return {
        name: item
        for name, item in group.items()
        if isinstance(item, h5py.Dataset) and item.ndim == 1 and not item.dtype.names
    }
