"""The device that trains, and the events on it: copied there once."""

from __future__ import annotations

import os
import platform
from pathlib import Path
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


def device_name() -> str:
    """Name the device that TensorFlow computes on: the first GPU, else the CPU with the cores it may use.

    On a GPU this also asks TensorFlow to take memory as it needs it instead of all of it, which works before
    the first tensor is made there.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU: {_cpu_model()}, {count} core{'s' if count != 1 else ''}"
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow is already using it
            break
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"GPU: {details.get('device_name', gpus[0].name)}"


def free_memory() -> int | None:
    """Return the bytes that the device has left for the events, or None where that cannot be found out."""
    if tf.config.list_physical_devices("GPU"):
        from tensorflow.python.client import device_lib

        limit = next(d.memory_limit for d in device_lib.list_local_devices() if d.device_type == "GPU")
        return limit - tf.config.experimental.get_memory_info("GPU:0")["current"]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), None)


def check_shapes(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> None:
    """Refuse events whose arrays are not ``x`` ``[n, k]``, ``y`` ``[n]`` and, if there is one, ``weight`` ``[n]``.

    Raises:
        ValueError: if the shapes do not fit or there are no events.
    """
    if x.ndim != 2 or y.shape != x.shape[:1] or (weight is not None and weight.shape != y.shape):
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; expected [n, k] and [n]")
    if not len(x):
        raise ValueError("the data set has no events")


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
    check_shapes(x, y, weight)
    wrong = np.flatnonzero((y != 0) & (y != 1))
    if wrong.size:
        raise ValueError(f"label {wrong[0]} is {y[wrong[0]]}; labels must be 0 (background) or 1 (signal)")
    need, free = 4 * sum(a.size for a in arrays if a is not None), free_memory()
    if free is not None and need > free:
        raise does_not_fit(len(x), need, free)
    try:
        placed = Placed(*(None if a is None else tf.constant(a, tf.float32) for a in arrays))
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise does_not_fit(len(x), need, free) from error
    _placed[dataset] = (key, placed)
    return placed


def does_not_fit(events: int, need: int, free: int | None) -> MemoryError:
    """Return the error for ``events`` events that need more bytes than are free."""
    left = "" if free is None else f", of which {free / 1e9:.2f} GB are free"
    return MemoryError(
        f"{events:,} events ({need / 1e9:.2f} GB) do not fit into the memory of {device_name()}{left}; use fewer:"
        " --events N on the command line, load(events=N) in Python; or leave them on the disk: fit(..., stream=True)"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
