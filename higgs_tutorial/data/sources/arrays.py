"""Arrays on disk: a .npy file, mapped into memory, and what else is read by slices of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.sources.base import Columns
from higgs_tutorial.safe_text import one_line


class Array(Columns):
    """An array ``[n, k]``, or one of n records with named fields, as a `Source`; any that slices like NumPy's."""

    def __init__(self, file: str, array: Any, columns: int) -> None:
        """Wrap ``array``, called ``file`` in messages, of which about so many ``columns`` are expected.

        Raises:
            ValueError: if it is neither.
        """
        self.file, self._array = file, array
        self.names = list(array.dtype.names) if array.dtype.names else None
        if array.ndim != (1 if self.names else 2) or (not self.names and array.dtype.kind not in "fiu"):
            found = f"{one_line(array.dtype)} {list(array.shape)}"
            raise ValueError(f"{file} holds {found}; it must be numbers [n, {columns}]")
        self.count = len(self.names) if self.names else array.shape[1]
        self.rows = len(array)

    def kind(self, place: int) -> str | None:
        """See `Source.kind`."""
        return kind_of(self._array.dtype[place]) if self.names else None

    def values(self, places: Sequence[int], size: int) -> Iterator[NDArray]:
        """See `Columns.values`."""
        for start in range(0, self.rows, size):
            with damage(self.file, start):
                block = np.asarray(self._array[start : start + size])
            if self.names:
                yield np.stack([block[self.names[place]] for place in places], axis=1)
            else:
                yield block[:, list(places)]


def open_npy(path: Path, columns: int) -> Array:
    """Open a ``.npy`` file of about so many ``columns``, never unpickling anything.

    Raises:
        ValueError: if it is damaged, or does not hold numbers ``[n, k]`` or records.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python: SyntaxError, RecursionError, TypeError, …
        raise ValueError(f"{path} is a damaged or cut off .npy file ({one_line(error)})") from error
    return Array(str(path), array, columns)


def kind_of(dtype: np.dtype) -> str | None:
    """Return what a column of this type holds, if that is anything but numbers; see `Source.kind`."""
    if dtype.shape:
        return f"{list(dtype.shape)} values an event"
    return None if dtype.kind in "fiu" else "bool" if dtype.kind == "b" else one_line(dtype)


@contextmanager
def damage(file: str, rows: int) -> Iterator[None]:
    """Say of an error while a library reads that the file is damaged after so many rows."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # what a library makes of wrong bytes may be of any kind
        raise ValueError(f"{file} is damaged after row {rows:,} ({one_line(error)})") from error
