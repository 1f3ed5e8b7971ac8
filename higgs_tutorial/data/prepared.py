"""Events on disk: three ``.npy`` files with one manifest, and how they are opened safely."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from higgs_tutorial.data.kinds import kind_of
from higgs_tutorial.files import parse_json
from higgs_tutorial.safe_text import one_line

COLUMN_COUNT = 29
"""The label and 28 features."""
ROW_BYTES = COLUMN_COUNT * np.dtype(np.float32).itemsize
PARTS = ("train", "valid", "test")
MANIFEST = "manifest.json"
SMALL = "openml"
"""Where OpenML's small file is kept, in the data folder; scikit-learn keeps what it downloads there, too."""
SCHEMA = 1


def split_sizes(rows: int) -> tuple[int, int, int]:
    """Return how many of a file's ``rows`` are for training, validation and test; see `simulated_sizes` for others.

    Test and validation get ``min(500_000, rows // 20)`` each and training the rest: the talk's 10,000,000,
    500,000 and 500,000 at HIGGS's 11,000,000 rows.

    Raises:
        ValueError: if ``rows`` is not an integer of at least 20.
    """
    check_splittable(rows)
    held_out = min(500_000, int(rows) // 20)
    return int(rows) - 2 * held_out, held_out, held_out


def check_splittable(rows: int) -> None:
    """Refuse a number of events that is too small to be split in three, or none.

    Raises:
        ValueError: if ``rows`` is not an integer of at least 20.
    """
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 20:
        raise ValueError(f"{rows!r} events cannot be split in three; give an integer of at least 20")


def part_file(part: str) -> str:
    """Return the name of the file of a part: ``higgs_train.npy`` and so on."""
    return f"higgs_{part}.npy"


def open_rows(path: Path, rows: int | None, mend: str) -> np.ndarray:
    """Memory-map float32 rows ``[rows, 29]``, never unpickling anything.

    Args:
        path: the ``.npy`` file.
        rows: how many rows it must have; None for any.
        mend: what to do about a bad file, as the end of the error's message.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an intact ``.npy`` file of that shape and type.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; {mend}") from None
    except Exception as error:  # NumPy parses the header as Python: SyntaxError, RecursionError, TypeError, …
        kind = kind_of(path)
        why = f"it is {kind}" if kind and "NumPy" not in kind else one_line(error)
        raise ValueError(f"{path} cannot be read as a .npy file ({why}); {mend}") from error
    if not isinstance(array, np.ndarray):  # np.load opens a zip archive as an NpzFile
        array.close()
        raise ValueError(f"{path} is an archive and not a .npy file; {mend}")
    if array.dtype != np.float32 or array.ndim != 2 or array.shape[1] != COLUMN_COUNT:
        raise ValueError(
            f"{path} holds {array.dtype} {list(array.shape)} instead of float32 [n, {COLUMN_COUNT}]; {mend}"
        )
    if rows is not None and len(array) != rows:
        raise ValueError(f"{path} holds {len(array):,} rows instead of {rows:,}; {mend}")
    return array


def is_prepared(folder: Path) -> bool:
    """Say whether ``folder`` holds a prepared HIGGS file: its manifest, which is written last."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path, mend: str = "") -> dict:
    """Return the manifest of the prepared file in ``folder``; ``mend`` is what the errors propose, if not `prepare`.

    Raises:
        FileNotFoundError: if nothing was prepared there.
        ValueError: if the manifest is damaged or of another schema.
    """
    path = folder / MANIFEST
    try:
        manifest = parse_json(path.read_text(encoding="utf-8"))
        if manifest["schema"] != SCHEMA:
            raise ValueError(f"schema {manifest['schema']} instead of {SCHEMA}")
        if split_sizes(manifest["rows"]) != tuple(manifest["parts"][part]["rows"] for part in PARTS):
            raise ValueError("its parts do not add up")
        if type(manifest["source"]["is_uci"]) is not bool or type(manifest["source"]["name"]) is not str:
            raise ValueError("its source has no name")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no prepared HIGGS file in {folder}; {mend or 'run: higgs-tutorial download && higgs-tutorial prepare'}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"{path} is damaged ({one_line(repr(error))}); {mend or 'run: higgs-tutorial prepare'}"
        ) from error
    return manifest


def describe(manifest: dict) -> str:
    """Say what a prepared file holds: UCI's events, OpenML's, or those of a file whose hash is another."""
    source = manifest["source"]
    if source.get("is_openml") is True:
        return f"HIGGS events (OpenML's {manifest['rows']:,})"
    if source["is_uci"]:
        return "HIGGS events"
    name = os.fsencode(source["name"]).decode("utf-8", "replace")  # a file's name may be no text, or no line
    return f"events of {''.join(c if c.isprintable() else chr(0xFFFD) for c in name)}"


def open_prepared(folder: Path, events: int | None, at_most: int, mend: str = "") -> list[np.ndarray]:
    """Memory-map the prepared parts, float32 ``[n, 29]`` each: the first rows of every part.

    Args:
        folder: where ``higgs-tutorial prepare`` wrote.
        events: how many events to use; None for all of them, but no more than ``at_most``.
        at_most: the default's upper limit.
        mend: what to do about a bad file, as the end of the error's message; by default to prepare it again.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, or there are fewer than ``events`` rows.
    """
    manifest = read_manifest(folder, mend)
    if events is None:
        events = min(manifest["rows"], at_most)
    if events > manifest["rows"]:
        raise ValueError(f"{events:,} events wanted, but the file in {folder} has {manifest['rows']:,}")
    parts, mend = [], mend or f"run: higgs-tutorial prepare --data-dir {os.fspath(folder)}"
    for part, wanted in zip(PARTS, split_sizes(events), strict=True):
        rows = open_rows(folder / part_file(part), manifest["parts"][part]["rows"], mend)
        parts.append(rows[:wanted])
    return parts
