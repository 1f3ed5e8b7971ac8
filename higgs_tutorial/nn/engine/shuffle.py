"""An epoch's order as a function: the event at each place is computed, not looked up in a shuffled list.

TensorFlow's `tf.random.shuffle` has no GPU kernel and sorting random numbers takes longer than an epoch of
logistic regression. A Feistel network needs neither memory nor order: it maps the places 0 … n-1 one to one
onto the events 0 … n-1, whatever its round function is, and looks random if that mixes well (M. Luby and
C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", SIAM J. Comput. 17, 1988;
for any n: J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, section 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.hashing import mix

ROUNDS = 3


def events_at(places: tf.Tensor, n: int, seed: tf.Tensor) -> tf.Tensor:
    """Return which of ``n`` events stand at the given places of the order drawn from ``seed``.

    Args:
        places: int32 ``[b]``, each at least 0 and below ``n``.
        n: number of events, at most 2**31 - 1.
        seed: int32 ``[2]``.

    Returns:
        int32 ``[b]``: over all places, each event exactly once.
    """
    rows, columns = _grid(n)
    words = tf.bitcast(seed, tf.uint32)
    keys = tf.unstack(
        mix(words[0], words[1] + np.arange(2 * ROUNDS, dtype=np.uint32) * np.uint32(0x9E3779B9))
    )

    def permute(cell: tf.Tensor) -> tf.Tensor:
        row, column = cell // np.uint32(columns), cell % np.uint32(columns)
        for i in range(ROUNDS):
            row = _rotate(row, mix(column, keys[2 * i]), rows)
            column = _rotate(column, mix(row, keys[2 * i + 1]), columns)
        return row * np.uint32(columns) + column

    cells = permute(tf.cast(places, tf.uint32))
    if rows * columns > n:  # a cell beyond the events is permuted again, until it falls on one
        outside = lambda c: c >= np.uint32(n)  # noqa: E731
        cells = tf.while_loop(
            lambda c: tf.reduce_any(outside(c)), lambda c: [tf.where(outside(c), permute(c), c)], [cells]
        )[0]
    return tf.cast(cells, tf.int32)


def seed_words(seed: int | Sequence[int]) -> np.ndarray:
    """Return the int32 ``[2]`` of a seed of any size, from which an epoch's order and its steps' seeds come.

    Step number i, from 0, draws what it needs from ``[words[0], words[1] + i]``.
    """
    return np.random.SeedSequence(seed).generate_state(2).view(np.int32)


def _grid(n: int) -> tuple[int, int]:
    """Return the sides, near the square root of ``n``, of a grid with as few cells beyond ``n`` as can be."""
    side = math.isqrt(n - 1) + 1
    columns = np.arange(side, min(2 * side, 2**16) + 1)
    best = int(columns[np.argmin(-n % columns)])
    return -(-n // best), best


def _rotate(value: tf.Tensor, random: tf.Tensor, size: int) -> tf.Tensor:
    """Add a random number below ``size`` (at most 2**16) to ``value``, modulo ``size``."""
    # The upper 16 bits times the size, divided by 2**16: evenly spread below the size, without a division.
    random = tf.bitwise.right_shift(random, np.uint32(16)) * np.uint32(size)
    value += tf.bitwise.right_shift(random, np.uint32(16))
    return tf.where(value >= np.uint32(size), value - np.uint32(size), value)
