"""Training on more events than fit into memory: they are read from the disk while the network trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from higgs_tutorial.data.dataset import check_values
from higgs_tutorial.nn.engine.device import Batch, columns

BLOCK = 4096
"""Events that are read in one piece: half a megabyte of HIGGS."""
WINDOW = 2**19
"""About how many events a window holds; there are two, one being read while the other is used."""


def windows(
    dataset: Any, batch_size: int, seed: int, *, block: int = BLOCK, window: int = WINDOW
) -> Iterator[Batch]:
    """Yield all events of ``dataset`` once, in windows of whole batches, each read while the last is in use.

    ``dataset.x`` and ``dataset.y`` may be memory maps. Blocks of neighbouring events are drawn in an order
    that depends on ``seed``, so that the disk reads long pieces; a window holds pieces from all over the
    file, and `train` shuffles it. Two events that are neighbours in the file are likelier to
    meet in a batch than others are: a file that is sorted, by class say, must be shuffled before.
    """
    window = max(1, window // batch_size) * batch_size
    starts = np.arange(0, dataset.n, block)
    np.random.default_rng(seed).shuffle(starts)
    ends = np.minimum(starts + block, dataset.n)
    behind = np.cumsum(ends - starts)  # events up to and with each block
    read_from = [column for column in columns(dataset) if column is not None]

    def read(number: np.ndarray) -> list[np.ndarray]:
        first, last = number * window, min((number + 1) * window, dataset.n)
        touched = range(np.searchsorted(behind, first, "right"), np.searchsorted(behind, last, "left") + 1)
        pieces = []
        for i in touched:
            # The event at place p of the whole order lies at p + offset, where its block is in the file.
            offset = starts[i] - (behind[i] - (ends[i] - starts[i]))
            pieces.append(slice(max(starts[i], first + offset), min(ends[i], last + offset)))
        return [np.concatenate([column[piece] for piece in pieces]) for column in read_from]

    def load(number: tf.Tensor) -> list[tf.Tensor]:
        return tf.numpy_function(read, [number], [tf.float32] * len(read_from), stateful=False)

    numbers = tf.data.Dataset.range(-(-dataset.n // window))
    for tensors in numbers.map(load, num_parallel_calls=1, deterministic=True).prefetch(1):
        check_values(*(column.numpy() for column in tensors[1:]))
        x = tf.ensure_shape(tensors[0], [None, dataset.x.shape[1]])
        yield Batch(x, *tensors[1:])
