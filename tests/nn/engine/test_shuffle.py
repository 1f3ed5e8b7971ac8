import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.nn.engine.shuffle import _grid, events_at

permutation = tf.function(lambda seed, n: events_at(tf.range(n), n, seed), jit_compile=True)


def order(n, seed):
    return permutation(tf.constant(seed), n).numpy()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 16, 17, 97, 1000, 8192, 8191, 99_991, 1_000_003])
def test_every_event_has_one_place(n):
    assert np.array_equal(np.sort(order(n, [3, n])), np.arange(n))


@pytest.mark.parametrize("n", [1, 2, 7, 10_000_000, 2**31 - 1])
def test_the_grid_holds_the_events_and_little_else(n):
    rows, columns = _grid(n)
    assert n <= rows * columns <= n + columns
    assert max(rows, columns) <= 2**16


def test_a_part_of_the_places_gives_a_part_of_the_order():
    whole = order(5000, [1, 2])
    part = events_at(tf.range(1234, 1300), 5000, tf.constant([1, 2]))
    assert np.array_equal(part, whole[1234:1300])


def test_every_place_gets_every_event_equally_often():
    n, seeds = 11, 3000
    found = np.array([order(n, [7, seed]) for seed in range(seeds)])  # [seeds, n]
    counts = np.array([np.bincount(found[:, place], minlength=n) for place in range(n)])
    chi_squared = ((counts - seeds / n) ** 2 / (seeds / n)).sum()
    assert chi_squared < 149.4  # (n - 1)**2 = 100 degrees of freedom, p = 0.001


def test_neighbours_in_the_file_are_not_neighbours_in_the_order():
    n = 100_000
    for seed in ([0, 0], [0, 1], [1, 0], [-5, 2**31 - 1]):
        events = order(n, seed)
        places = np.empty(n)
        places[events] = np.arange(n)
        for series in (events, places):
            for lag in (1, 2, 316, 317, 1000):
                correlation = np.corrcoef(series[lag:], series[:-lag])[0, 1]
                assert abs(correlation) < 5 / np.sqrt(n)
        gaps = np.abs(np.diff(events.astype(np.int64)))
        assert abs(np.mean(gaps) / (n / 3) - 1) < 0.02  # the mean distance of two random events is n / 3


def test_orders_of_different_seeds_have_nothing_in_common():
    n = 50_000
    orders = [order(n, seed) for seed in ([0, 0], [0, 1], [1, 0], [1, 1])]
    for i, a in enumerate(orders):
        for b in orders[:i]:
            assert np.sum(a == b) < 10  # one on average
            assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(n)
