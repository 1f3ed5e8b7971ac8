"""Where the events are while a network trains on them: on the device, copied there once."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf


class Events(Protocol):
    """What is needed of a data set: features ``[n, k]`` and labels ``[n]``, both float32."""

    x: np.ndarray
    y: np.ndarray
    n: int


class Placed(NamedTuple):
    """A data set on the device: ``x`` ``[n, k]``, ``y`` ``[n]`` and the events' weights ``[n]`` or None."""

    x: tf.Tensor
    y: tf.Tensor
    weight: tf.Tensor | None


_placed: WeakKeyDictionary[Events, tuple[tuple, Placed]] = WeakKeyDictionary()


def place(dataset: Events) -> Placed:
    """Copy the events to the device, once: a second call returns the same tensors.

    Arrays that were put in the place of ``dataset.x`` or ``dataset.y`` are copied anew; values that were
    changed inside them are not noticed.

    Raises:
        ValueError: if the shapes do not fit, there are no events, or a label is neither 0 nor 1.
        MemoryError: if the events do not fit into the device's memory.
    """
    arrays = (dataset.x, dataset.y, getattr(dataset, "weight", None))
    key = tuple(None if a is None else (a.__array_interface__["data"], a.shape, a.strides) for a in arrays)
    if dataset in _placed and _placed[dataset][0] == key:
        return _placed[dataset][1]
    _placed.pop(dataset, None)
    x, y, weight = arrays
    if x.ndim != 2 or y.shape != x.shape[:1] or (weight is not None and weight.shape != y.shape):
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; expected [n, k] and [n]")
    if not len(x):
        raise ValueError("the data set has no events")
    wrong = np.flatnonzero((y != 0) & (y != 1))
    if wrong.size:
        raise ValueError(f"label {wrong[0]} is {y[wrong[0]]}; labels must be 0 (background) or 1 (signal)")
    placed = Placed(*(None if a is None else tf.constant(a, tf.float32) for a in arrays))
    _placed[dataset] = (key, placed)
    return placed


def device_name() -> str:
    """Return what TensorFlow computes on, such as `CPU` or `GPU: NVIDIA T4`."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return "GPU: " + str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name))
