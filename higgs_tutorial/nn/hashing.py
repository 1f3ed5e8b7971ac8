"""A hash of integers, from which orders of events and dropout masks are drawn: the same on every device."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def mix(value: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Hash 32 bits to 32 bits: the finaliser of MurmurHash3 (A. Appleby, public domain)."""
    value = tf.bitwise.bitwise_xor(value, key)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value = tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, np.uint32(shift)))
        value *= np.uint32(factor)
    return tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, np.uint32(16)))
