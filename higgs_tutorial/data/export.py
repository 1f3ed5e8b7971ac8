"""Simulated events to a file: in exactly the HIGGS file's format, or with names, as Parquet and ROOT have them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from higgs_tutorial.data.files import explained_write_errors, text_file
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.data.simulated import simulate_file
from higgs_tutorial.data.sources.root import branch_name, import_uproot
from higgs_tutorial.files import ENDING, written
from higgs_tutorial.physics.features import COLUMNS
from higgs_tutorial.physics.parameters import Parameters

CHUNK = 50_000
ENDINGS = (".npy", ".csv.gz", ".csv", ".parquet", ".root")
TRUTH_ENDINGS = (".npy", ".parquet")
TREE = "events"
"""What the tree in a ROOT file is called."""


def write_simulated(
    out: str | os.PathLike,
    events: int,
    seed: int = 0,
    *,
    parameters: Mapping[str, float] | None = None,
    truth: str | os.PathLike | None = None,
) -> Path:
    """Simulate events into ``out``, under a temporary name until all are there.

    Args:
        out: a ``.npy`` (float32 ``[events, 29]``, label first), a ``.csv`` or ``.csv.gz`` (29 columns, no header, each
            value printed as ``%.18e``, as in HIGGS.csv.gz), a ``.parquet`` (``label`` and the names of
            `features.COLUMNS`), or a ``.root`` (the same in a tree `TREE`, each name with underscores for what ROOT's
            formulas don't take: ``jet_1_b_tag``).
        events: number of events.
        seed: same seed, same rows.
        parameters: values of the simulation that shall differ, by name (see `higgs_tutorial.simulate`).
        truth: a file for partons and all jets, in the order of the events: a ``.npy`` (the third array of
            `higgs_tutorial.simulate`) or a ``.parquet`` (its values in columns: ``bottom_1_E``, …, ``jet_8_origin``).

    Raises:
        ImportError: if a ROOT file is asked for and uproot is not installed.
        ValueError: if ``events`` is not positive, a file's ending is another one, or a parameter is not possible.
        OSError: if the disk is too small or a write fails.

    """
    out, truth = Path(out), None if truth is None else Path(truth)
    for file, endings in ((out, ENDINGS), (truth, TRUTH_ENDINGS)):
        if file is not None and not file.name.endswith(endings):
            raise ValueError(f"{file}: the name of the file must end in {', '.join(endings)}")
    if out == truth:
        raise ValueError(f"{out}: events and truth must go to two files")
    if events < 1:
        raise ValueError(f"events must be at least 1, not {events}")
    parameters = Parameters.of(parameters)
    if out.suffix == ".root":
        import_uproot(out)
    for file in filter(None, (out, truth)):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _array_of(out) as rows, _array_of(truth) if truth else nullcontext() as known:
        simulate_file(rows, events, seed, parameters, known)
    return out


@contextmanager
def _array_of(out: Path) -> Iterator[Path]:
    """Yield the `.npy` to fill for `out`: itself, or one that becomes a text or Parquet file and goes."""
    if out.suffix == ".npy":
        yield out
        return
    with written(out) as file:
        array = file.with_name(f"{file.name}.npy{ENDING}")
        try:
            yield array
            rows = np.load(array, mmap_mode="r")
            with explained_write_errors(out.parent, f"writing {len(rows):,} events"):
                if out.suffix == ".parquet":
                    _write_parquet(file, rows)
                elif out.suffix == ".root":
                    _write_root(file, rows)
                else:
                    _write_csv(file, rows, gzipped=out.suffix == ".gz")
        finally:
            array.unlink(missing_ok=True)


def _columns(chunk: np.ndarray) -> dict[str, np.ndarray]:
    """Return events or their truth as columns: four-vectors as _E, _px, _py, _pz, jets as jet_1_pt, …, jet_8_pt."""
    if not chunk.dtype.names:
        return dict(zip(("label", *COLUMNS), np.ascontiguousarray(chunk.T), strict=True))
    values = {}
    for field in chunk.dtype.names:
        names = [f"{field}_{v}" for v in ("E", "px", "py", "pz")]
        if field.startswith("jet_"):
            names = [f"jet_{jet + 1}_{field[4:]}" for jet in range(chunk[field].shape[1])]
        values |= dict(zip(names, np.ascontiguousarray(chunk[field].T), strict=True))
    return values


def _write_parquet(file: Path, rows: np.ndarray) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(file, pa.table(_columns(rows[:0])).schema) as writer:
        for start in range(0, len(rows), CHUNK):
            writer.write_table(pa.table(_columns(rows[start : start + CHUNK])))


def _write_root(file: Path, rows: np.ndarray) -> None:
    columns = {branch_name(name): values.dtype for name, values in _columns(rows[:0]).items()}
    with import_uproot(file).recreate(file) as opened:
        tree = opened.mktree(TREE, columns)
        for start in range(0, len(rows), CHUNK):
            chunk = _columns(rows[start : start + CHUNK])
            tree.extend({branch_name(name): values for name, values in chunk.items()})


def _write_csv(file: Path, rows: np.ndarray, *, gzipped: bool) -> None:
    line = ",".join(["%.18e"] * rows.shape[1]) + "\n"
    bar = progress_bar("Writing", len(rows), "events")
    with text_file(file, gzipped=gzipped) as stream, bar as advance:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            stream.write(((line * len(chunk)) % tuple(chunk.ravel().tolist())).encode())
            advance(len(chunk))
