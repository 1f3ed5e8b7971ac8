"""What a layer must know when it sees only a share of a batch: where the share is, and who has the rest.

Outside of `sharing` a layer sees whole batches and these functions are TensorFlow's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.hashing import mix


class Share(NamedTuple):
    """The events ``start`` to ``start + len(x)`` of a batch of ``size``."""

    start: tf.Tensor
    size: tf.Tensor


_share: ContextVar[Share | None] = ContextVar("share", default=None)


@contextmanager
def sharing(start: tf.Tensor, size: tf.Tensor) -> Iterator[None]:
    """Tell the layers, in a replica, which part of the batch they see."""
    token = _share.set(Share(start, size))
    try:
        yield
    finally:
        _share.reset(token)


def moments(x: tf.Tensor, *, synchronized: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance ``[k]`` of the batch, of which ``x`` ``[..., k]`` may be this replica's share.

    With ``synchronized`` they are those of the whole batch, for which the replicas add up their sums, twice:
    once for the mean and once for the variance, as the difference of two large sums would not be exact.
    Otherwise they are those of the share.
    """
    axes = list(range(x.shape.rank - 1))
    if _share.get() is None:
        return tf.nn.moments(x, axes)
    count = tf.cast(tf.size(x), x.dtype) / x.shape[-1]
    if synchronized:
        count = _all_sum(count)
    add = _all_sum if synchronized else tf.identity
    mean = tf.math.divide_no_nan(add(tf.reduce_sum(x, axes)), count)
    variance = tf.math.divide_no_nan(add(tf.reduce_sum(tf.math.squared_difference(x, mean), axes)), count)
    return mean, variance


def keep_mask(shape: tf.Tensor, keep_prob: float, seed: tf.Tensor | tuple) -> tf.Tensor:
    """Return for each of ``shape`` values ``[b, ...]`` whether it is kept, with probability ``keep_prob``.

    It is a hash of the value's place in the whole batch and of ``seed``, two integers. So N replicas drop the
    units that one would, in a compiled graph and out of one: TensorFlow's own generators differ there.
    """
    share, shape = _share.get(), tf.convert_to_tensor(shape)
    start = 0 if share is None else share.start * tf.reduce_prod(shape[1:])
    place = tf.cast(tf.range(tf.reduce_prod(shape)) + start, tf.uint32)
    words = tf.bitcast(tf.cast(seed, tf.int32), tf.uint32)
    first = mix(words[0], np.uint32(0x9E3779B9))
    hashed = mix(mix(place, first), mix(words[1], first))
    # 2**32 itself, for a keep_prob of nearly 1, would not fit into 32 bits.
    return tf.reshape(hashed < np.uint32(min(round(keep_prob * 2**32), 2**32 - 1)), shape)


def _all_sum(value: tf.Tensor) -> tf.Tensor:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)
