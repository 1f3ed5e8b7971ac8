"""Training on events that stay on the disk: each is seen once an epoch, whatever the sizes."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from making import make_events

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, fit
from higgs_tutorial.nn.engine.streaming import windows


def numbered(n):
    x = np.arange(n, dtype=np.float32)[:, None] * [1, -1]
    return Dataset(x.astype(np.float32), (np.arange(n) % 2).astype(np.float32))


@pytest.mark.parametrize(
    ("n", "batch_size", "block", "window"),
    [
        (1, 1, 1, 1),
        (10, 3, 4, 6),
        (100, 7, 10, 30),
        (100, 7, 9, 50),
        (1000, 64, 100, 1),
        (999, 10, 1000, 500),
        (1000, 1, 1, 10),
    ],
)
def test_every_event_comes_once_in_whole_batches(n, batch_size, block, window):
    dataset = numbered(n)
    dataset.weight = dataset.x[:, 0] / 2
    parts = list(windows(dataset, batch_size, 3, block=block, window=window))
    assert all(part.n % batch_size == 0 for part in parts[:-1])
    assert all(part.n <= max(window, batch_size) for part in parts)
    x, y, weight = (np.concatenate([part[i] for part in parts]) for i in range(3))
    np.testing.assert_array_equal(np.sort(x[:, 0]), np.arange(n))
    np.testing.assert_array_equal(x[:, 1], -x[:, 0])
    np.testing.assert_array_equal(y, x[:, 0] % 2)
    np.testing.assert_array_equal(weight, x[:, 0] / 2)


def test_the_seed_decides_the_order_of_blocks():
    def order(seed):
        return np.concatenate(
            [part.x[:, 0] for part in windows(numbered(500), 10, seed, block=20, window=100)]
        )

    np.testing.assert_array_equal(order(1), order(1))
    assert (order(1) != order(2)).mean() > 0.8


def test_streamed_from_a_file_it_learns_as_from_memory(tmp_path):
    higgs = SimpleNamespace(train=make_events(3000, 1), valid=make_events(1000, 2))

    def on_disk(name):
        dataset = getattr(higgs, name)
        np.save(tmp_path / name, np.column_stack([dataset.y, dataset.x]))
        rows = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        return Dataset(rows[:, 1:], rows[:, 0])

    mapped = SimpleNamespace(train=on_disk("train"), valid=on_disk("valid"))

    def run(data, stream):
        model = NeuralNetwork(1, 20, True, seed=1)
        return fit(model, data, keras.optimizers.Adam(0.01), 4, 100, stream=stream).epochs

    streamed, again, held = run(mapped, True), run(higgs, True), run(higgs, False)
    assert [(e.loss, e.valid_auc) for e in streamed] == [(e.loss, e.valid_auc) for e in again]
    assert streamed[-1].valid_auc > 0.8
    assert streamed[-1].valid_auc == pytest.approx(held[-1].valid_auc, abs=0.03)


def test_a_streamed_run_goes_on_from_a_checkpoint_bitwise(tmp_path):
    higgs = SimpleNamespace(train=make_events(300, 1), valid=make_events(100, 2))

    def run(epochs, folder):
        optimizer = keras.optimizers.Adam(0.01)
        return fit(LogisticRegression(), higgs, optimizer, epochs, 50, checkpoint_dir=folder, stream=True)

    run(1, tmp_path)
    parts, whole = run(3, tmp_path), run(3, None)
    assert [(e.loss, e.valid_auc) for e in parts.epochs] == [(e.loss, e.valid_auc) for e in whole.epochs]
