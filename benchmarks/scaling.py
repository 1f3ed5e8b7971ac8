"""Time of an epoch against the number of events and against the batch size, as a picture.

Every point is the shortest of some epochs after an untimed first one, on random events; the small ones are
repeated until they have taken a second.

    python benchmarks/scaling.py            # the picture and the table, into benchmarks/scaling.png and .md
    python benchmarks/scaling.py --quick    # a smoke test: few and small points, printed only
"""

import argparse
from pathlib import Path
from time import perf_counter

import keras
import matplotlib.pyplot as plt
import numpy as np

import higgs_tutorial as ht
from higgs_tutorial import plots
from higgs_tutorial.nn.engine.device import device_name, take_memory_as_needed

HERE = Path(__file__).parent
MODELS = {
    "logistic": (ht.LogisticRegression, keras.optimizers.SGD),
    "1×100": (lambda: ht.NeuralNetwork(1, 100), keras.optimizers.SGD),
    "3×100, batch norm, Adam": (lambda: ht.NeuralNetwork(3, 100, True), keras.optimizers.Adam),
}
EVENTS = (10_000, 30_000, 100_000, 1_000_000, 10_000_000)
BATCHES = (128, 1024, 8192, 65_536)
BATCH_SIZE, BATCH_EVENTS = 8192, 500_000
MOST = {"3×100, batch norm, Adam": 1_000_000}


def events(n):
    rng = np.random.default_rng(0)
    return ht.Dataset(rng.standard_normal((n, 28), np.float32), rng.integers(0, 2, n).astype(np.float32))


def epoch_seconds(model, optimizer, dataset, batch_size, budget=1.0):
    """Return the shortest time of an epoch, compilation apart."""
    ht.train(model, dataset, optimizer, batch_size, seed=0)
    taken = []
    while len(taken) < 2 or (sum(taken) < budget and len(taken) < 20):
        start = perf_counter()
        ht.train(model, dataset, optimizer, batch_size, seed=1 + len(taken))
        taken.append(perf_counter() - start)
    return min(taken)


def measure(sizes, batches, batch_events):
    """Return seconds by model: against the number of events and against the batch size."""
    by_events = {name: {} for name in MODELS}
    for n in sizes:
        dataset = events(n)
        for name, (make_model, make_optimizer) in MODELS.items():
            if n <= MOST.get(name, n):
                by_events[name][n] = epoch_seconds(make_model(), make_optimizer(), dataset, BATCH_SIZE)
        del dataset
    by_batch = {name: {} for name in MODELS}
    dataset = events(batch_events)
    for size in batches:
        for name, (make_model, make_optimizer) in MODELS.items():
            by_batch[name][size] = epoch_seconds(make_model(), make_optimizer(), dataset, size)
    return by_events, by_batch


def rows(by_events, by_batch, batch_events):
    """Yield the lines of the two tables."""
    yield f"## Events, in batches of {BATCH_SIZE:,}: nanoseconds an event"
    yield from _table("events", by_events, lambda n, seconds: 1e9 * seconds / n)
    yield ""
    yield f"## Batch size, {batch_events:,} events: nanoseconds an event"
    yield from _table("batch size", by_batch, lambda _, seconds: 1e9 * seconds / batch_events)


def _table(head, results, unit):
    points = sorted({point for series in results.values() for point in series})
    yield ""
    yield f"| {head} | {' | '.join(results)} |"
    yield "| ---: |" + " ---: |" * len(results)
    for point in points:
        cells = (f"{unit(point, s[point]):,.0f}" if point in s else "" for s in results.values())
        yield f"| {point:,} | {' | '.join(cells)} |"


def draw(by_events, by_batch, batch_events, file):
    with plots.style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
        for name in MODELS:
            left.plot(by_events[name].keys(), by_events[name].values(), "o-", label=name)
            right.plot(by_batch[name].keys(), by_batch[name].values(), "o-", label=name)
        left.set(title=f"Batches of {BATCH_SIZE:,}", xlabel="events", ylabel="time of an epoch (s)")
        right.set(title=f"{batch_events:,} events", xlabel="batch size", ylabel="time of an epoch (s)")
        for axes in (left, right):
            axes.set(xscale="log", yscale="log")
        left.legend()
        figure.savefig(file, dpi=110)
        plt.close(figure)


def main():
    take_memory_as_needed()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test, printed only")
    quick = parser.parse_args().quick
    sizes, batches, batch_events = ((2000, 4000), (512,), 4000) if quick else (EVENTS, BATCHES, BATCH_EVENTS)
    by_events, by_batch = measure(sizes, batches, batch_events)
    text = "\n".join(
        ["# Scaling", "", f"Device: {device_name()}.", "", *rows(by_events, by_batch, batch_events)]
    )
    print(text)
    if not quick:
        (HERE / "scaling.md").write_text(text + "\n\nProduced by `python benchmarks/scaling.py`.\n")
        draw(by_events, by_batch, batch_events, HERE / "scaling.png")


if __name__ == "__main__":
    main()
