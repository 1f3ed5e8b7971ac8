"""Simulated events to a file in exactly the real file's format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

CHUNK = 50_000


def write_simulated(
    out: str | os.PathLike,
    events: int,
    seed: int = 0,
    *,
    workers: int | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> Path:
    """Simulate events into `out`, under a temporary name until all are there.

    Args:
        out: a `.npy` (float32 `[events, 29]`, label first) or a `.csv` or `.csv.gz` (29 columns, no header,
            each value printed as `%.18e`, as in HIGGS.csv.gz).
        events: number of events.
        seed: same seed, same rows.
        workers: see `simulate_into`.
        on_rows: called with the number of rows done since the last call.

    Raises:
        ValueError: `events` is not positive, or the file's ending is another one.

    """
    from ..physics.simulate import simulate_into

    out = Path(out)
    kind = next((ending for ending in (".npy", ".csv.gz", ".csv") if out.name.endswith(ending)), None)
    if kind is None:
        raise ValueError(f"{out}: the name of the file must end in .npy, .csv or .csv.gz")
    if events < 1:
        raise ValueError(f"events must be at least 1, not {events}")
    out.parent.mkdir(parents=True, exist_ok=True)
    array = out.with_name(f".{out.name}.{os.getpid()}.npy")
    text = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        rows = np.lib.format.open_memmap(array, mode="w+", dtype=np.float32, shape=(events, 29))
        simulate_into(rows, seed, workers=workers, on_chunk=on_rows)
        rows.flush()
        if kind == ".npy":
            array.replace(out)
        else:
            _write_csv(text, rows, gzipped=kind == ".csv.gz")
            text.replace(out)
    finally:
        array.unlink(missing_ok=True)
        text.unlink(missing_ok=True)
    return out


def _write_csv(file: Path, rows: np.ndarray, *, gzipped: bool) -> None:
    from isal import igzip

    line = ",".join(["%.18e"] * rows.shape[1]) + "\n"
    opened = igzip.open(file, "wb", compresslevel=2) if gzipped else file.open("wb")
    with opened as stream:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            stream.write(((line * len(chunk)) % tuple(chunk.ravel().tolist())).encode())
