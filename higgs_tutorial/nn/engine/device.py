"""The device that trains, and the events on it: copied there once."""

from __future__ import annotations

import os
import platform
from functools import reduce
from pathlib import Path
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf
from isal import isal_zlib

from higgs_tutorial.data.dataset import check_values


class Events(Protocol):
    """What is needed of a data set: features ``[n, k]`` and labels ``[n]``, both float32.

    It may also have an attribute ``weight``: float32 ``[n]``, or None where all events count the same.
    """

    x: np.ndarray
    y: np.ndarray

    @property
    def n(self) -> int:
        """The number of events."""


class Batch(NamedTuple):
    """Events as tensors, many or few: ``x`` ``[n, k]``, ``y`` ``[n]`` and, if they are weighted, ``weight`` ``[n]``."""

    x: tf.Tensor
    y: tf.Tensor
    weight: tf.Tensor | None = None

    @property
    def n(self) -> int:
        """Number of events."""
        return int(self.x.shape[0])


class _Kept(NamedTuple):
    arrays: tuple[np.ndarray | None, ...]  # held, so that no other array can come to lie at their addresses
    contents: tuple[int | None, ...]
    placed: Batch


_placed: WeakKeyDictionary[Events, _Kept] = WeakKeyDictionary()
_ROWS = 2**16


def columns(dataset: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return ``x`` ``[n, k]``, ``y`` ``[n]`` and ``weight`` ``[n]`` or None, if their shapes fit.

    Raises:
        ValueError: if they do not, or there are no events.
    """
    x, y, weight = dataset.x, dataset.y, getattr(dataset, "weight", None)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; they must be [n, k] and [n]")
    if weight is not None and weight.shape != y.shape:
        raise ValueError(f"weight has shape {weight.shape} and y {y.shape}; both must be [n]")
    if dataset.n != len(x):
        raise ValueError(f"n is {dataset.n} and x has {len(x)} events; the two must be the same")
    if not len(x):
        raise ValueError("the data set has no events")
    return x, y, weight


def device_name() -> str:
    """Name the device that TensorFlow computes on: the first GPU, else the CPU with the cores it may use."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU: {_cpu_model()}, {count} core{'s' if count != 1 else ''}"
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"GPU: {details.get('device_name', gpus[0].name)}"


def take_memory_as_needed() -> None:
    """Ask TensorFlow to take a GPU's memory as it needs it instead of all at once.

    It works before the first tensor is made there, and changes nothing on a CPU.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow is already using it
            break


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


def place(dataset: Events) -> Batch:
    """Copy the events to the device, once: a second call returns the same tensors.

    They are copied anew if other arrays were put in the place of ``dataset.x``, ``y`` or ``weight``, or other
    values into them: arrays that can be written to are compared by a checksum.

    Raises:
        ValueError: if the shapes do not fit, there are no events, a label is neither 0 nor 1, or a weight is
            not finite.
        MemoryError: if the events do not fit into the device's memory.
    """
    arrays = columns(dataset)
    contents = tuple(_checksum(array) for array in arrays)
    kept = _placed.get(dataset)
    if kept and contents == kept.contents and all(map(_same_memory, arrays, kept.arrays)):
        return kept.placed
    del kept  # first, since the device may have no room for the old copy and the new one
    _placed.pop(dataset, None)
    x, y, weight = arrays
    check_values(y, weight)
    need, free = 4 * sum(a.size for a in arrays if a is not None), free_memory()
    if free is not None and need > free:
        raise does_not_fit(len(x), need, free)
    try:
        placed = Batch(*(None if a is None else tf.constant(a, tf.float32) for a in arrays))
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise does_not_fit(len(x), need, free) from error
    _placed[dataset] = _Kept(arrays, contents, placed)
    return placed


def _same_memory(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Say whether two living arrays are the same values of the same memory, as two views of one may be."""
    if a is None or b is None:
        return a is b
    return a is b or a.__array_interface__ == b.__array_interface__


def _checksum(array: np.ndarray | None) -> int | None:
    """Return the CRC-32 of the values (30 GB/s, a small part of an epoch), None if nobody can change them."""
    base = array  # a view that is read-only may show memory that is not
    while isinstance(base, np.ndarray) and not base.flags.writeable:
        base = base.base
    if not isinstance(base, np.ndarray):
        return None
    parts = (np.ascontiguousarray(array[i : i + _ROWS]) for i in range(0, len(array), _ROWS))
    return reduce(lambda crc, part: isal_zlib.crc32(part, crc), parts, 0)


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
