"""Which networks gain from steps in pieces, and from bfloat16? Where `nn/engine/precision.py` draws its line.

    python benchmarks/pieces.py            # prints a table: three minutes on two idle cores
    python benchmarks/pieces.py --quick    # a smoke test

Milliseconds of a step with batch norm and Adam, the least of some epochs: of CPU time, all threads added up, which
other work on the machine disturbs little, and in brackets on the clock.
"""

import argparse
from time import perf_counter, process_time

import keras
import numpy as np

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import NeuralNetwork, train
from higgs_tutorial.nn.engine import precision, programs

CASES = [
    # hidden layers, units, events a batch, batches
    (1, 100, 8192, 30),
    (2, 100, 8192, 30),
    (3, 100, 8192, 30),
    (6, 100, 8192, 15),
    (6, 200, 8192, 8),
    (6, 500, 8192, 3),
    (3, 100, 256, 200),
    (6, 200, 256, 100),
    (6, 500, 256, 50),
]
WAYS = [("float32", False), ("float32", True), ("bfloat16", True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    cases = [(1, 10, 64, 3)] if asked.quick else CASES
    print(
        "| network | batch | products, 10⁶ | float32, one program | float32, in pieces | bfloat16, in pieces |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for case in cases:
        layers, units, batch, _ = case
        product = batch * (28 * units + (layers - 1) * units**2) / layers / 1e6
        cells = " | ".join(measure(*case, *way, asked.rounds) for way in WAYS)
        print(f"| {layers}×{units} | {batch:,} | {product:,.1f} | {cells} |", flush=True)


def measure(layers, units, batch, steps, name, pieces, rounds):
    """Return the milliseconds of a step, made in pieces or in one program."""
    precision.WORTH_IT[name] = 0 if pieces else np.inf
    programs._programs.clear()
    rng, n = np.random.default_rng(1), steps * batch
    x, y = rng.standard_normal((n, 28), np.float32), rng.integers(0, 2, n).astype(np.float32)
    data, model = Dataset(x, y), NeuralNetwork(layers, units, batch_norm=True, precision=name)
    optimizer, taken = keras.optimizers.Adam(), []
    for _ in range(rounds + 1):
        start = process_time(), perf_counter()
        train(model, data, optimizer, batch)
        taken.append((process_time() - start[0], perf_counter() - start[1]))
    cpu, clock = (1e3 * min(column) / steps for column in zip(*taken[1:], strict=True))
    return f"{cpu:.3g} ({clock:.3g})"


if __name__ == "__main__":
    main()
