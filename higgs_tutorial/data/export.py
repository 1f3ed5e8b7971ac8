"""Simulated events to a file in exactly the real file's format."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from higgs_tutorial.data.files import explained_write_errors, text_file
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.data.simulated import simulate_file
from higgs_tutorial.files import ENDING, written

CHUNK = 50_000
ENDINGS = (".npy", ".csv.gz", ".csv")


def write_simulated(out: str | os.PathLike, events: int, seed: int = 0) -> Path:
    """Simulate events into ``out``, under a temporary name until all are there.

    Args:
        out: a ``.npy`` (float32 ``[events, 29]``, label first) or a ``.csv`` or ``.csv.gz`` (29 columns, no header,
            each value printed as ``%.18e``, as in HIGGS.csv.gz).
        events: number of events.
        seed: same seed, same rows.

    Raises:
        ValueError: if ``events`` is not positive, or the file's ending is another one.
        OSError: if the disk is too small or a write fails.

    """
    out = Path(out)
    if not out.name.endswith(ENDINGS):
        raise ValueError(f"{out}: the name of the file must end in {', '.join(ENDINGS)}")
    if events < 1:
        raise ValueError(f"events must be at least 1, not {events}")
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npy":
        simulate_file(out, events, seed)
        return out
    with written(out) as text:
        array = text.with_name(f"{text.name}.npy{ENDING}")
        try:
            simulate_file(array, events, seed)
            with explained_write_errors(out.parent, f"writing {events:,} events"):
                _write_csv(text, np.load(array, mmap_mode="r"), gzipped=out.suffix == ".gz")
        finally:
            array.unlink(missing_ok=True)
    return out


def _write_csv(file: Path, rows: np.ndarray, *, gzipped: bool) -> None:
    line = ",".join(["%.18e"] * rows.shape[1]) + "\n"
    bar = progress_bar("Writing", len(rows), "events")
    with text_file(file, gzipped=gzipped) as stream, bar as advance:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            stream.write(((line * len(chunk)) % tuple(chunk.ravel().tolist())).encode())
            advance(len(chunk))
