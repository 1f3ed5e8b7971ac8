"""OpenML's HIGGS: 98,049 of UCI's events, some 20 MB instead of 2.8 GB, prepared like any file of events."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.files import locked
from higgs_tutorial.data.higgs_files import by_names
from higgs_tutorial.data.prepare import write_parts
from higgs_tutorial.data.prepared import PARTS, SMALL, open_rows, part_file, read_manifest
from higgs_tutorial.data.progress import spinner
from higgs_tutorial.data.settings import data_folder
from higgs_tutorial.safe_text import one_line

DATA_ID = 23512
ROWS = 98_049
"""Its last row, the 98,050th, has missing values."""
COMMAND = "run: higgs-tutorial download --small"
_NAME = f"OpenML's HIGGS (data set {DATA_ID})"


def download_small(
    data_dir: str | os.PathLike | None = None, *, rows: int = ROWS, progress: bool = True
) -> dict:
    """Download and prepare OpenML's HIGGS (data set 23512), unless that was done before.

    ``sklearn.datasets.fetch_openml`` downloads it, checks the MD5 checksum that OpenML gives, and keeps the file. Its
    last row has missing values and is left out; the others are split as `prepare` does.

    Args:
        data_dir: the data folder, as for `load`; it is written to ``openml/`` there.
        rows: how many whole rows there must be.
        progress: whether to show what is going on if standard error is a terminal.

    Returns:
        The manifest.

    Raises:
        ConnectionError: if OpenML cannot be reached.
        ValueError: if what it sends is damaged, has other columns or another number of rows, or misses values in
            other rows than the last.
        OSError: if the disk is too small or a write fails.
    """
    folder = data_folder(data_dir) / SMALL
    with locked(folder / ".prepare.lock", "preparing OpenML's HIGGS", progress=progress):
        try:
            return _manifest(folder)
        except (FileNotFoundError, ValueError):  # not there yet, or damaged
            pass
        with spinner("Downloading HIGGS from OpenML", enabled=progress):
            table = _whole_rows(_fetch(folder.parent))
        if len(table) != rows:
            raise ValueError(f"{_NAME} has {len(table):,} rows without missing values instead of {rows:,}")
        return write_parts(folder, _Rows(table), _NAME, rows, 0, is_openml=True)


def _manifest(folder: Path) -> dict:
    manifest = read_manifest(folder, COMMAND)
    for part in PARTS:
        open_rows(folder / part_file(part), manifest["parts"][part]["rows"], COMMAND)
    return manifest


class _Rows:
    """Rows in memory as a `HiggsFile`."""

    def __init__(self, rows: NDArray) -> None:
        self._rows, self.name, self.size = rows, _NAME, rows.nbytes
        self.sha256 = hashlib.sha256(rows.tobytes()).hexdigest()

    def blocks(self) -> Iterator[NDArray]:
        yield self._rows


def _fetch(data_home: Path) -> Any:
    """Return OpenML's table, a pandas frame."""
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tries that failed and were repeated
            return fetch_openml(
                data_id=DATA_ID,
                data_home=data_home,
                target_column=None,  # so that a class that is missing in the last row is no error
                as_frame=True,
                read_csv_kwargs={"dtype": None},  # classes 0 and 1 are numbers, too
            ).frame
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is the server's answer, too, and would hold the connection
        raise ConnectionError(
            f"{_NAME} could not be downloaded ({one_line(getattr(error, 'reason', error))}); try again later"
        ) from error
    except OSError:
        raise  # of the disk
    except Exception as error:  # whatever scikit-learn and pandas make of an answer of another form
        if "md5 checksum" in str(error):
            why = "its MD5 checksum is not the one that OpenML gives"
        else:
            why = f"what OpenML sends cannot be read: {one_line(error)}"
        raise ValueError(f"{_NAME} is damaged ({why}); try again later") from error


def _whole_rows(frame: Any) -> NDArray:
    """Return label and features, float32 ``[n, 29]``, without the last row if values are missing in it."""
    frame = frame.iloc[:, by_names(_NAME, [str(name) for name in frame.columns])]
    try:
        values = np.column_stack([_numbers(frame.iloc[:, i]) for i in range(frame.shape[1])])
    except (ValueError, TypeError) as error:
        raise ValueError(f"{_NAME} holds something else than numbers ({one_line(error)})") from error
    wrong = ~np.isfinite(values)
    wrong[:, 0] |= (values[:, 0] != 0) & (values[:, 0] != 1)
    if len(values) and wrong[-1].any():
        values, wrong = values[:-1], wrong[:-1]
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{_NAME}, row {row + 1:,}: {frame.columns[column]!r} is {values[row, column]:g}; only its last row may"
            " miss a value, and the class is 0 or 1"
        )
    return values.astype(np.float32)


def _numbers(column: Any) -> NDArray:
    """Return a column as float64, what is missing as NaN; ARFF may have quotes around a class."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_numeric(column.astype(str).str.strip("'"))
    return column.to_numpy(np.float64, na_value=np.nan)
