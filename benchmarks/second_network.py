"""What the second network of a shape costs: the time to its first epoch and the memory that stays.

    python benchmarks/second_network.py

A notebook, an ensemble, a search or a set of seeds trains many small networks of the same sizes. Each is made,
trained for three epochs and dropped; the peer is Keras, whose `fit` a good user calls with `jit_compile=True`
and large batches of its own. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

EVENTS, BATCH, FEATURES = 100_000, 256, 28


def main() -> None:
    """Measure each way in a process of its own, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--way", choices=("ours", "keras"), help="measure this one only, and print its row")
    options = parser.parse_args()
    if options.way:
        print(row(options.way, options.networks))
        return
    print(f"{options.networks} networks of three layers of 100, {EVENTS:,} events in batches of {BATCH}.\n")
    print("| | first network's first epoch / later ones | next networks' | memory that 2 to last added, MB |")
    print("|---|--:|--:|--:|")
    for way in ("ours", "keras"):
        command = [sys.executable, __file__, "--networks", str(options.networks), "--way", way]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


def row(way: str, networks: int) -> str:
    """Return a row of the table: train ``networks`` networks and compare their epochs."""
    train = {"ours": ours, "keras": with_keras}[way]()
    first, grown = [], 0.0
    for seed in range(networks):
        epochs = train(seed)
        gc.collect()
        first.append(epochs[0] / statistics.median(epochs[1:]))
        if seed == 0:
            start = resident()
        grown = resident() - start
    others = f"{statistics.median(first[1:]):.2f}" if networks > 1 else "–"
    return f"| {way} | {first[0]:.1f} | {others} | {grown / 1e6:,.0f} |"


def ours():
    """Return a function that trains a network of this package for three epochs and returns their seconds."""
    import keras

    from higgs_tutorial import NeuralNetwork
    from higgs_tutorial import train as one_epoch
    from higgs_tutorial.data import Dataset

    data = Dataset(*events())

    def train(seed: int) -> list[float]:
        model, optimizer = NeuralNetwork(3, 100, True, seed=seed), keras.optimizers.Adam(1e-3)
        return [seconds(lambda: one_epoch(model, data, optimizer, BATCH)) for _ in range(3)]

    return train


def with_keras():
    """Return a function that trains a Keras network for three epochs and returns their seconds."""
    import keras

    x, y = events()

    def train(seed: int) -> list[float]:
        keras.utils.set_random_seed(seed)
        layers = [keras.Input((FEATURES,))]
        for _ in range(3):
            layers += [keras.layers.Dense(100, use_bias=False), keras.layers.BatchNormalization()]
            layers += [keras.layers.ReLU()]
        model = keras.Sequential([*layers, keras.layers.Dense(1)])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=True)
        return [seconds(lambda: model.fit(x, y, BATCH, verbose=0)) for _ in range(3)]

    return train


def events():
    """Return features ``[n, k]`` and labels ``[n]`` that a network can learn."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(EVENTS, FEATURES)).astype(np.float32)
    return x, (x[:, 0] + rng.normal(size=EVENTS) > 0).astype(np.float32)


def seconds(work) -> float:
    """Return how long ``work()`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident() -> float:
    """Return this process's resident memory in bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
