"""How fast are events simulated? Events a second by number of workers, memory, and the time for a million.

    python benchmarks/simulate.py

Every line simulates into a memory map, as the package does for its cache, and is the best of a few runs; the rows
of all lines are compared. Beside wall-clock time it prints processor time, which other work on the machine does not
change. Writes simulate.md beside this file (or into --out). `--quick` is for a test that the script runs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from higgs_tutorial.physics.simulate import CHUNK, SIMULATOR_VERSION, simulate_into


def run(folder: Path, events: int, workers: int) -> tuple[float, float, str]:
    """Wall-clock seconds, processor seconds and a hash of the rows."""
    out = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, (events, 29))
    wall, processor = time.perf_counter(), time.process_time()
    simulate_into(out, seed=0, workers=workers)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return wall, processor, hashlib.sha256(out.tobytes()).hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=8 * CHUNK, help="events of a line, but the last")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--million", type=int, default=1_000_000, help="events of the last line")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    if options.quick:
        options.events, options.repeats, options.million = 1000, 1, 2000
    cores = os.cpu_count() or 1
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), 1000, 1)  # imports, tables
        plan = [(options.events, workers, options.repeats) for workers in range(1, cores + 1)]
        for events, workers, repeats in [*plan, (options.million, cores, 1)]:
            results = [run(Path(folder), events, workers) for _ in range(repeats)]
            wall, processor, _ = min(results)
            lines.append((events, workers, wall, processor, {rows for *_, rows in results}))
    same = len(set.union(*(rows for *_, rows in lines[:-1]))) == 1
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    peak = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20
    )
    table = [
        f"| {events:,} | {workers} | {wall:.1f} | {events / wall:,.0f} | {events / processor:,.0f} |"
        for events, workers, wall, processor, _ in lines
    ]
    text = "\n".join(
        [
            "# Speed of the simulation",
            "",
            f"`python benchmarks/simulate.py`: simulator {SIMULATOR_VERSION}, {cores} cores ({platform.machine()}), "
            f"Python {platform.python_version()}, NumPy {np.__version__}.",
            "",
            "| events | workers | seconds | events a second | events a processor-second |",
            "|---|---|---|---|---|",
            *table,
            "",
            f"Same rows whatever the number of workers: {'yes' if same else 'NO'}. "
            f"Peak memory of the process: {peak:,.0f} MiB.",
            "",
        ]
    )
    (options.out / "simulate.md").write_text(text)
    print(text)
    if not same:
        raise SystemExit("the rows depend on the number of workers")


if __name__ == "__main__":
    main()
