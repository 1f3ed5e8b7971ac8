"""A file of HIGGS events -> higgs_train.npy, higgs_valid.npy, higgs_test.npy and manifest.json, as a stream."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import numpy as np

from higgs_tutorial.data.files import explained_write_errors, locked, require_space, write_npy_header
from higgs_tutorial.data.higgs_files import HiggsFile, count_rows, open_higgs
from higgs_tutorial.data.prepared import (
    COLUMN_COUNT,
    MANIFEST,
    PARTS,
    ROW_BYTES,
    SCHEMA,
    part_file,
    split_sizes,
)
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.data.settings import data_folder
from higgs_tutorial.data.sources.several import Location
from higgs_tutorial.data.uci import HIGGS_FILE, HIGGS_ROWS, HIGGS_SHA256
from higgs_tutorial.files import ended_by_exceptions


def prepare(
    csv: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    *,
    rows: int | None = HIGGS_ROWS,
    seed: int = 0,
    progress: bool = True,
) -> dict:
    """Turn a CSV file in HIGGS format, or a table of HIGGS events, into the three memory-mappable parts.

    The split is the talk's (`split_sizes`): the last rows are the test set and a random choice of the others,
    drawn with ``seed``, is the validation set. Within each part the events stay in the order of the file; the
    talk permuted them here, and `Dataset` draws a new order every epoch instead. The file is read once and
    in bounded memory, and the parts get their names only when all of them are complete.

    Args:
        csv: the file; by default ``HIGGS.csv.gz`` in the data folder. A CSV is plain, gzipped or the only one in a zip
            archive. Parquet, ROOT, HDF5 (``FILE:TREE`` where there are several) and records in ``.npy`` have a
            label (``label``, ``class``, …) and the 28 columns by name, an array in ``.npy`` or HDF5 the label first.
        data_dir: where to write; by default ``HIGGS_DATA_DIR``, else ``data/`` of a checkout, else
            the user's cache folder.
        rows: how many rows the file must have; None for any number (a CSV is then read twice, the first time
            only to count).
        seed: seed of the choice of validation events.
        progress: whether to show a progress bar if standard error is a terminal.

    Returns:
        The manifest: the source's name, size and SHA-256 (in a zip archive, those of the CSV in it), the rows
        of each part, the seed and the versions.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if it is a ROOT file and uproot is not installed.
        ValueError: if a line is not in HIGGS format (with its number), the file is something else, damaged or
            cut off, or it has another number of rows.
        OSError: if the disk is too small or a write fails.

    Example:
        >>> from higgs_tutorial import load, prepare
        >>> from higgs_tutorial.data.export import write_simulated
        >>> file = write_simulated("events.csv.gz", events=200)
        >>> manifest = prepare(file, "prepared", rows=None)
        >>> load("uci", data_dir="prepared").train.n
        180
    """
    folder = data_folder(data_dir)
    location = Location.of(csv if csv is not None else folder / HIGGS_FILE)
    if not location.path.is_file():
        raise FileNotFoundError(
            f"{location} is not a file; run: higgs-tutorial download, or name the CSV file"
        )
    if rows is not None:
        split_sizes(rows)
    location.path.open("rb").close()  # an unreadable file should say so before anything else happens
    with locked(folder / ".prepare.lock", "preparing HIGGS", progress=progress):
        if rows is None:
            rows = _count(location, progress)
        with progress_bar("Preparing", location.path.stat().st_size, enabled=progress) as advance:
            return write_parts(folder, open_higgs(location, advance), location, rows, seed)


def write_parts(
    folder: Path, source: HiggsFile, called: object, rows: int, seed: int, **origin: bool
) -> dict:
    """Write the parts of ``source``, which has ``rows`` events, into ``folder``, and return their manifest.

    They get their names only when all of them are complete. The caller holds the folder's lock.

    Args:
        folder: where to write.
        source: the events.
        called: what messages call them.
        rows: how many there must be.
        seed: of the choice of validation events.
        origin: what else the manifest says of the source.

    Raises:
        ValueError: if there are more or fewer rows, or one cannot be used.
        OSError: if the disk is too small or a write fails.
    """
    require_space(folder, rows * ROW_BYTES + 2**20, "preparing HIGGS")
    partial = folder / ".prepare.partial"
    shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
    with ended_by_exceptions():
        try:
            partial.mkdir()
            manifest = _write_parts(partial, source, called, rows, seed, origin)
            _publish(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _count(file: Location, progress: bool) -> int:
    with progress_bar("Counting rows", file.path.stat().st_size, enabled=progress) as advance:
        rows = count_rows(file, advance)
    if rows < 20:
        raise ValueError(f"{file} has {rows} rows; at least 20 are needed to split them in three")
    return rows


def _write_parts(
    folder: Path, source: HiggsFile, called: object, rows: int, seed: int, origin: dict[str, bool]
) -> dict:
    sizes = dict(zip(PARTS, split_sizes(rows), strict=True))
    with explained_write_errors(folder.parent, "preparing HIGGS"), ExitStack() as stack:
        files = [stack.enter_context(open(folder / part_file(part), "wb")) for part in PARTS]
        for part, count in zip(files, sizes.values(), strict=True):
            write_npy_header(part, (count, COLUMN_COUNT))
        _route(called, source, _assign(rows, seed), files)
    manifest = {
        "schema": SCHEMA,
        "source": {
            "name": source.name,
            "bytes": source.size,
            "sha256": source.sha256,
            "is_uci": source.sha256 == HIGGS_SHA256,
            **origin,
        },
        "rows": rows,
        "parts": {part: {"file": part_file(part), "rows": count} for part, count in sizes.items()},
        "split": {"rule": "last rows: test; random choice of the others: validation", "seed": seed},
        "dtype": "float32",
        "columns": COLUMN_COUNT,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("higgs-tutorial", "numpy", "polars", "isal")},
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _assign(rows: int, seed: int) -> np.ndarray:
    """Return which part each row belongs to, uint8 ``[rows]``: an index into `PARTS`."""
    train, valid, test = split_sizes(rows)
    part = np.zeros(rows, np.uint8)
    part[rows - test :] = 2
    part[np.random.default_rng(seed).choice(train + valid, valid, replace=False, shuffle=False)] = 1
    return part


def _route(called: object, source: HiggsFile, part: np.ndarray, files: Iterable) -> None:
    """Write every row of ``source`` to the file of its part.

    Raises:
        ValueError: if there are not as many rows as ``part`` has.
    """
    first = 0
    for block in source.blocks():
        last = first + len(block)
        if last > len(part):
            raise ValueError(_unexpected(called, f"more than {len(part):,}", len(part)))
        for index, file in enumerate(files):
            chosen = part[first:last] == index
            if chosen.any():
                file.write(block[chosen])
        first = last
    if first != len(part):
        raise ValueError(_unexpected(called, f"{first:,}", len(part)))


def _unexpected(called: object, found: str, expected: int) -> str:
    return (
        f"{called} has {found} rows instead of {expected:,}. If that is right, say so: "
        "higgs-tutorial prepare --any-rows (in Python, rows=None)"
    )


def _publish(partial: Path, folder: Path) -> None:
    """Give the complete parts their names; without a manifest, which comes last, none of them counts."""
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in (*map(part_file, PARTS), MANIFEST):
        os.replace(partial / name, folder / name)
