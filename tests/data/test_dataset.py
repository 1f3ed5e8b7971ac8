"""Dataset: batches, epochs, orders, and what it refuses."""

import weakref

import numpy as np
import pytest

from higgs_tutorial.data.dataset import Dataset
from higgs_tutorial.data.prepared import split_sizes


def numbered(count, **kwargs):
    """A data set whose every feature is the event's number."""
    x = np.repeat(np.arange(count, dtype=np.float32)[:, None], 28, axis=1)
    return Dataset(x, (x[:, 0] % 2).copy(), **kwargs)


@pytest.mark.parametrize("batch_size", [1, 7, 10, 99, 100, 101])
def test_every_event_comes_once_an_epoch(batch_size):
    dataset = numbered(100)
    for _ in range(3):
        seen = []
        while len(seen) < 100:
            x, y = dataset.next_batch(batch_size)
            assert x.shape == (min(batch_size, 100 - len(seen)), 28)
            assert x.dtype == y.dtype == np.float32
            np.testing.assert_array_equal(y, x[:, 0] % 2)
            seen.extend(x[:, 0])
        np.testing.assert_array_equal(np.sort(seen), np.arange(100))


def test_each_epoch_has_an_order_of_its_own_that_the_seed_fixes():
    first, second = numbered(1_000), numbered(1_000)
    orders = [first.next_batch(1_000)[0][:, 0] for _ in range(2)]
    assert not np.array_equal(*orders)
    assert not np.array_equal(orders[0], np.arange(1_000))
    for order in orders:
        np.testing.assert_array_equal(second.next_batch(1_000)[0][:, 0], order)
    assert not np.array_equal(numbered(1_000, seed=1).next_batch(1_000)[0][:, 0], orders[0])


def test_shuffle_starts_a_new_epoch():
    dataset = numbered(10)
    dataset.next_batch(7)
    dataset.shuffle()
    assert len(dataset.next_batch(8)[0]) == 8


def test_arrays_are_neither_copied_nor_reordered(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((50, 29), np.float32))
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    dataset = Dataset(rows[:, 1:], rows[:, 0])
    dataset.shuffle()
    assert isinstance(dataset.x, np.memmap)
    assert np.shares_memory(dataset.x, rows)
    assert np.shares_memory(dataset.y, rows)
    x, y = dataset.next_batch(10)
    assert type(x) is type(y) is np.ndarray


def test_can_be_a_key_and_be_let_go():
    dataset = numbered(3)
    cache = weakref.WeakKeyDictionary({dataset: 1})
    assert dataset in cache
    del dataset
    assert len(cache) == 0


def test_it_says_what_it_is():
    assert repr(numbered(1_234)) == "Dataset(1,234 events, 28 features)"
    assert len(numbered(7)) == numbered(7).n == 7


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.zeros((3, 28)), np.zeros(3, np.float32), TypeError, "x is float64"),
        (np.zeros((3, 28), np.float32), np.zeros(3, int), TypeError, "y is int64"),
        ([[0.0]], np.zeros(1, np.float32), TypeError, "x is list"),
        (np.zeros(3, np.float32), np.zeros(3, np.float32), ValueError, r"x has shape \(3,\)"),
        (np.zeros((3, 28), np.float32), np.zeros((3, 1), np.float32), ValueError, r"y \(3, 1\)"),
        (np.zeros((3, 28), np.float32), np.zeros(2, np.float32), ValueError, "must be"),
        (np.zeros((0, 28), np.float32), np.zeros(0, np.float32), ValueError, "at least one event"),
        (np.zeros((3, 0), np.float32), np.zeros(3, np.float32), ValueError, "one feature"),
        (np.zeros((3, 1), np.float32), np.array([0, 1, 2], np.float32), ValueError, r"y\[2\] is 2.0"),
        (np.zeros((3, 1), np.float32), np.array([0, np.nan, 1], np.float32), ValueError, r"y\[1\] is nan"),
    ],
)
def test_bad_arrays_are_refused(x, y, error, message):
    with pytest.raises(error, match=message):
        Dataset(x, y)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, "8", None])
def test_bad_batch_sizes_are_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        numbered(10).next_batch(batch_size)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (11_000_000, (10_000_000, 500_000, 500_000)),
        (10_000_000, (9_000_000, 500_000, 500_000)),
        (400_000, (360_000, 20_000, 20_000)),
        (39, (37, 1, 1)),
        (20, (18, 1, 1)),
    ],
)
def test_split_sizes(rows, sizes):
    assert split_sizes(rows) == sizes
    assert sum(sizes) == rows


@pytest.mark.parametrize("rows", [19, 0, -5, 100.0, True, None])
def test_what_cannot_be_split(rows):
    with pytest.raises(ValueError, match="at least 20"):
        split_sizes(rows)


def test_weights_are_a_field_and_come_with_the_batches():
    x, y, weight = np.zeros([5, 2], "f"), np.float32([0, 1, 0, 1, 1]), np.float32([1, 2, 0.5, -1, 0])
    assert Dataset(x, y).weight is None
    dataset = Dataset(x, y, weight)
    assert dataset.weight is weight
    batches = [dataset.next_batch(2) for _ in range(3)]
    assert sorted(np.concatenate([batch[2] for batch in batches])) == sorted(weight)
    for _, labels, weights in batches:
        assert all(
            tuple(pair) in set(zip(y, weight, strict=True)) for pair in zip(labels, weights, strict=True)
        )
    dataset.weight = None
    assert len(dataset.next_batch(2)) == 2


@pytest.mark.parametrize(
    ("weight", "error", "says"),
    [
        (np.ones(4, "f"), ValueError, r"weight has shape \(4,\); it must be \[n\], here \[5\]"),
        (np.ones([5, 1], "f"), ValueError, "weight has shape"),
        (np.ones(5), TypeError, "weight is float64"),
        ([1, 1, 1, 1, 1], TypeError, "weight is list"),
        (np.float32([1, 1, np.inf, 1, 1]), ValueError, r"weight\[2\] is inf"),
    ],
)
def test_bad_weights_are_refused_when_they_are_set(weight, error, says):
    x, y = np.zeros([5, 2], "f"), np.float32([0, 1, 0, 1, 1])
    with pytest.raises(error, match=says):
        Dataset(x, y, weight)
    dataset = Dataset(x, y)
    with pytest.raises(error, match=says):
        dataset.weight = weight
    assert dataset.weight is None


def test_the_number_of_events_is_that_of_the_arrays():
    dataset = Dataset(np.zeros([5, 2], "f"), np.zeros(5, "f"))
    dataset.x, dataset.y = dataset.x[:3], dataset.y[:3]
    assert dataset.n == len(dataset) == 3
