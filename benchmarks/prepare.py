"""From HIGGS.csv.gz to arrays on disk: `higgs-tutorial prepare` against the talk's way, with pandas and with polars.

Each run is a process of its own, timed from its start to its end, imports included. The ways take turns on
the same file of simulated events in HIGGS format, and a ratio is that of two runs that followed each other.

    python benchmarks/prepare.py            # the table, into benchmarks/prepare.md: some five minutes
    python benchmarks/prepare.py --quick    # a smoke test: a small file, one round, printed only
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np

SIMULATE = """
import sys
from higgs_tutorial.data.export import write_simulated
write_simulated(sys.argv[1], int(sys.argv[2]))
"""

OURS = """
import sys
from higgs_tutorial.data.prepare import prepare
prepare(sys.argv[1], sys.argv[2], rows=int(sys.argv[3]))
"""

PANDAS = """
import pandas as pd
events = pd.read_csv(source, header=None).astype(np.float32).values
"""

POLARS = """
import polars as pl
schema = {f"column_{i + 1}": pl.Float32 for i in range(29)}
events = pl.read_csv(source, has_header=False, schema=schema).to_numpy()
"""

TALK = """
import sys
import numpy as np
source, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
READ
held_out = min(500_000, rows // 20)
others, test = events[:-held_out], events[-held_out:]
others = others[np.random.permutation(len(others))]
np.save(folder + "/higgs_train.npy", others[:-held_out])
np.save(folder + "/higgs_valid.npy", others[-held_out:])
np.save(folder + "/higgs_test.npy", test)
"""

WAYS = {
    "prepare": OURS,
    "polars": TALK.replace("READ", POLARS),
    "pandas, as in the talk": TALK.replace("READ", PANDAS),
}
WAYS |= {
    f"{way}, rows not permuted": WAYS[way].replace("[np.random.permutation(len(others))]", "")
    for way in list(WAYS)[1:]
}


@dataclass
class Run:
    """One process: seconds on the clock, seconds of CPU, and MiB at its peak."""

    wall: float
    cpu: float
    peak: float


def run(way: str, source: Path, folder: Path, rows: int) -> Run:
    """Run one way in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    start = perf_counter()
    process = subprocess.Popen([sys.executable, "-c", WAYS[way], source, folder, str(rows)])
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way} failed")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def same_events(folder: Path) -> bool:
    """Whether all ways wrote the same test events, and the same others up to order and split."""

    def sorted_others(way: str) -> np.ndarray:
        parts = [np.load(folder / way / f"higgs_{part}.npy") for part in ("train", "valid")]
        others = np.concatenate(parts)
        return others[np.lexsort(others[:, 1:8].T)]

    tests = [np.load(folder / way / "higgs_test.npy") for way in WAYS]
    others = [sorted_others(way) for way in WAYS]
    return all(np.array_equal(tests[0], test) for test in tests) and all(
        np.array_equal(others[0], other) for other in others
    )


def measure(source: Path, folder: Path, rows: int, rounds: int) -> dict[str, list[Run]]:
    """Let the ways take turns, each round beginning with another one."""
    with source.open("rb") as file:  # so that it is in the page cache for everybody
        while file.read(2**20):
            pass
    runs = {way: [] for way in WAYS}
    ways = list(WAYS)
    for number in range(rounds):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            runs[way].append(run(way, source, folder / way, rows))
            print(f"round {number + 1}, {way}: {runs[way][-1]}", flush=True)
    return runs


def table(runs: dict[str, list[Run]], rows: int) -> list[str]:
    """The runs as a Markdown table, with the ratio to `prepare` pair by pair."""
    lines = [
        f"| {rows:,} events | wall, median (s) | CPU, median (s) | peak memory (MiB) "
        "| time / prepare's: median | every round |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for way, results in runs.items():
        ratios = [theirs.wall / ours.wall for theirs, ours in zip(results, runs["prepare"], strict=True)]
        wall, cpu = (statistics.median(getattr(one, field) for one in results) for field in ("wall", "cpu"))
        every = ", ".join(f"{ratio:.2f}" for ratio in ratios) if way != "prepare" else ""
        lines.append(
            f"| {way} | {wall:.2f} | {cpu:.2f} | {max(one.peak for one in results):.0f} "
            f"| {statistics.median(ratios):.2f} | {every} |"
        )
    return lines


def machine() -> str:
    """Describe the machine and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas", "polars", "isal"))
    cores = f"{os.cpu_count()} cores (load {os.getloadavg()[1]:.1f} over five minutes)"
    return f"{cpu}, {cores}, {platform.system()}; Python {platform.python_version()}, {versions}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a smoke test; writes nothing")
    arguments.add_argument("--rounds", type=int, default=6)
    arguments.add_argument("--folder", type=Path, help="where to keep the files between calls")
    options = arguments.parse_args()
    rows, rounds = (5_000, 1) if options.quick else (500_000, options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        small, large = folder / f"events-{rows}.csv.gz", folder / f"events-{4 * rows}.csv.gz"
        if not small.exists():
            subprocess.run([sys.executable, "-c", SIMULATE, small, str(rows)], check=True)
        with large.open("wb") as repeated:  # gzip members in a row are one gzip file
            for _ in range(4):
                with small.open("rb") as file:
                    shutil.copyfileobj(file, repeated)
        # Linux counts this process's own peak as its children's: nothing large is loaded before the last run.
        runs = measure(small, folder / "small", rows, rounds)
        many = measure(large, folder / "large", 4 * rows, 1 if options.quick else 2)
        if not same_events(folder / "small"):
            raise SystemExit("the ways wrote different events")
    report = [
        "# From HIGGS.csv.gz to arrays on disk",
        "",
        f"Written by `python benchmarks/prepare.py`, on {machine()}.",
        "",
        "Simulated events in HIGGS format, gzipped. Every run is a process of its own, imports included; the",
        "ways take turns, and a ratio compares runs of the same round. Above 1, `prepare` is faster. All ways",
        "wrote the same events, which the benchmark checks. `prepare` leaves the rows in the file's order, since",
        "training draws a new one every epoch; the talk permuted them, which the last lines leave out.",
        "",
        *table(runs, rows),
        "",
        "The same file four times over, to see what happens to the memory:",
        "",
        *table(many, 4 * rows),
    ]
    print("\n".join(report))
    if not options.quick:
        Path(__file__).with_suffix(".md").write_text("\n".join(report) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
