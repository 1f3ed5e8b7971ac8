"""Simulated events on disk: made once for each number and seed, memory-mapped afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from higgs_tutorial.data.files import explained_write_errors, locked, require_space, write_npy_header
from higgs_tutorial.data.prepared import COLUMN_COUNT, ROW_BYTES, check_splittable, open_rows
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.files import ENDING, written

FOLDER = "simulated"
"""Where they are kept, in the data folder."""
ENOUGH = 60_000
"""Held-out events of a part that make an AUC good to ±0.002."""


def simulated_sizes(events: int) -> tuple[int, int, int]:
    """Return how many of ``events`` simulated ones are for training, validation and test.

    Simulated events cost nothing, so validation and test are as large as the error of their AUCs asks for: a fifth
    each, but no more than `ENOUGH`, with which an AUC of 0.66 is good to ±0.002 and one of 0.85 to ±0.0016. Where a
    twentieth is more, it is that, and 500,000 at most, as in the talk.

    Raises:
        ValueError: if ``events`` is not an integer of at least 20.

    Example:
        >>> from higgs_tutorial.data import simulated_sizes
        >>> simulated_sizes(216_000), simulated_sizes(1_000_000), simulated_sizes(11_000_000)
        ((129600, 43200, 43200), (880000, 60000, 60000), (10000000, 500000, 500000))
    """
    check_splittable(events)
    held_out = min(500_000, max(int(events) // 20, min(ENOUGH, int(events) // 5)))
    return int(events) - 2 * held_out, held_out, held_out


def events_for(training: int) -> int:
    """Return a number of events of which `load` gives at least ``training`` to training, simulated or from a file.

    Example:
        >>> from higgs_tutorial.data import simulated_sizes
        >>> from higgs_tutorial.data.simulated import events_for
        >>> simulated_sizes(events_for(460_000))
        (460020, 60000, 60000)
    """
    # At most a tenth is held out, or of fewer simulated events twice `ENOUGH`; the rest makes up for rounding.
    return training + max(training // 9, 2 * ENOUGH) + 20


def open_simulated(folder: Path, events: int, seed: int) -> list[np.ndarray]:
    """Memory-map simulated rows as training, validation and test parts, float32 ``[n, 29]`` each.

    Simulated rows are independent of each other, so the validation rows are simply those before the test
    rows. The rows are simulated on the first call, with a progress bar on a terminal; two processes that
    ask at the same time get one file.

    Args:
        folder: the data folder; the rows are kept in its ``simulated/``.
        events: how many rows, the three parts together.
        seed: the simulation's seed.

    Raises:
        ValueError: if the file is damaged.
        OSError: if the disk is too small or a write fails.
    """
    from higgs_tutorial.physics.simulate import SIMULATOR_VERSION

    path = folder / FOLDER / f"events{events}-seed{seed}-v{SIMULATOR_VERSION}.npy"
    if not path.exists():
        with locked(path.with_name(".lock"), "simulating events"):
            if not path.exists():  # another process may have made it while this one waited
                for stale in path.parent.glob(f"*{ENDING}"):  # what a killed process left
                    stale.unlink()
                simulate_file(path, events, seed)
    rows = open_rows(path, events, "delete it, and it will be simulated again")
    train, valid, _ = simulated_sizes(events)
    return np.split(rows, [train, train + valid])


def simulate_file(
    path: Path,
    events: int,
    seed: int,
    parameters: Mapping[str, float] | None = None,
    truth: Path | None = None,
) -> None:
    """Simulate events into a ``.npy`` file, float32 ``[events, 29]``, which gets its name when it is complete.

    ``parameters`` as in :func:`higgs_tutorial.simulate`; ``truth`` is a second ``.npy`` file for its third array.

    Raises:
        ValueError: if there is no such parameter, or its value is not possible.
        OSError: if the disk is too small or a write fails.
    """
    from higgs_tutorial.physics.simulate import TRUTH, simulate_into

    size = ROW_BYTES + (TRUTH.itemsize if truth else 0)
    require_space(path.parent, events * size + 2**20, f"simulating {events:,} events")
    with written(path) as partial, written(truth) if truth else nullcontext() as partial_truth:
        with explained_write_errors(path.parent, f"simulating {events:,} events"):
            rows = _allocate(partial, (events, COLUMN_COUNT), np.float32)
            known = _allocate(partial_truth, (events,), TRUTH) if truth else None
        with progress_bar("Simulating", events, "events") as advance:
            simulate_into(rows, seed, on_chunk=advance, parameters=parameters, truth=known)
        rows.flush()
        if truth:
            known.flush()


def _allocate(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> np.memmap:
    """Map a ``.npy`` file with room for its rows: a full disk would kill a process that writes to a map."""
    row = np.dtype(dtype).itemsize * (shape[1] if len(shape) > 1 else 1)
    with open(path, "wb") as file:
        write_npy_header(file, shape, dtype)
        if hasattr(os, "posix_fallocate"):
            file.flush()
            os.posix_fallocate(file.fileno(), file.tell(), shape[0] * row)
        else:
            for _ in range(shape[0]):
                file.write(bytes(row))
    return np.load(path, mmap_mode="r+")
