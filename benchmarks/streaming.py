"""What it costs to train from a file instead of from memory: `train(stream=True)` against `train`.

The two take turns on the same events, one from a memory-mapped file. The file is in the page cache, as it is where
memory suffices: the figures are the cost of the pipeline and of copying, to which a disk adds its own.

    python benchmarks/streaming.py            # the table, into benchmarks/streaming.md: some two minutes
    python benchmarks/streaming.py --quick    # a smoke test: few events, one round, printed only
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np
from training import machine

import higgs_tutorial as ht

HERE = Path(__file__).parent
BATCH_SIZE = 8192
MODELS = {
    "logistic": (ht.LogisticRegression, keras.optimizers.SGD),
    "nn-1x100": (lambda: ht.NeuralNetwork(1, 100), keras.optimizers.SGD),
    "adam-3x100": (lambda: ht.NeuralNetwork(3, 100, True), keras.optimizers.Adam),
}


def data_sets(folder: Path, n: int) -> dict[str, ht.Dataset]:
    """The same random events in memory and in a file."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n, 29), np.float32)
    rows[:, 0] = rows[:, 0] > 0
    np.save(folder / "events.npy", rows)
    mapped = np.load(folder / "events.npy", mmap_mode="r")
    return {
        "memory": ht.Dataset(rows[:, 1:].copy(), rows[:, 0].copy()),
        "file": ht.Dataset(mapped[:, 1:], mapped[:, 0]),
    }


def measure(data: dict[str, ht.Dataset], rounds: int):
    """Yield a line of the table a model."""
    for name, (make_model, make_optimizer) in MODELS.items():
        models = {where: (make_model(), make_optimizer()) for where in data}
        taken = {where: [] for where in data}
        for seed in range(rounds + 1):  # the first one compiles
            for where, (model, optimizer) in models.items():
                start = perf_counter()
                ht.train(model, data[where], optimizer, BATCH_SIZE, seed=seed, stream=where == "file")
                taken[where].append(perf_counter() - start)
        memory, file = taken["memory"][1:], taken["file"][1:]
        ratios = [f / m for f, m in zip(file, memory, strict=True)]
        yield (
            f"| {name} | {median(memory):.2f} | {median(file):.2f} | {median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test, printed only")
    quick = parser.parse_args().quick
    n, rounds = (20_000, 1) if quick else (2_000_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        data = data_sets(Path(folder), n)
        lines = [
            "# Training from a file",
            "",
            f"Seconds of an epoch of {n:,} random events in batches of {BATCH_SIZE:,}; medians of {rounds} rounds, in",
            "which memory and file take turns. The file is memory-mapped and in the page cache.",
            "",
            f"Machine: {machine()}",
            "",
            "| network | from memory, s | from the file, s | file / memory, median | range |",
            "| --- | ---: | ---: | ---: | ---: |",
            *measure(data, rounds),
            "",
            "Produced by `python benchmarks/streaming.py`.",
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if not quick:
        (HERE / "streaming.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
