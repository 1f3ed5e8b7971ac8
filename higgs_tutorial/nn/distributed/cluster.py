"""The devices and machines that share the work: the strategy, who is the chief, what all must agree on."""

from __future__ import annotations

import faulthandler
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

SUM = tf.distribute.ReduceOp.SUM
STRATEGIES = ("mirrored", "multiworker")

_TF_CONFIG_EXAMPLE = (
    """TF_CONFIG='{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}',"""
    " with each worker's own index"
)

_adders: dict[np.dtype, Callable] = {}


def make_strategy(name: str, *, timeout: float = 600) -> tf.distribute.Strategy:
    """Return a strategy by its name; nothing may have been computed before.

    ``"mirrored"`` uses all GPUs of this machine or, to show how it works where there is none, two logical
    devices that halve the CPU. ``"multiworker"`` uses the devices of all machines that ``TF_CONFIG`` names, over
    ports that are open on every interface, without password or encryption: only in a network that you trust.

    Raises:
        ValueError: if the name is unknown, or ``TF_CONFIG`` is missing or wrong.
        SystemExit: (in effect) the process ends if not all workers are there within ``timeout`` seconds.
        RuntimeError: if TensorFlow has already divided the CPU otherwise.
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy is {name!r}; it must be one of: {', '.join(STRATEGIES)}")
    if name == "multiworker":
        return _multiworker(timeout)
    gpus = tf.config.list_logical_devices("GPU") if tf.config.list_physical_devices("GPU") else []
    if not gpus:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy([device.name for device in gpus] or ["CPU:0", "CPU:1"])


def _multiworker(timeout: float) -> tf.distribute.Strategy:
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        config["cluster"]["worker"][0], config["task"]["type"], int(config["task"]["index"])
    except KeyError as error:
        raise ValueError(f"the strategy multiworker needs {error} in {_TF_CONFIG_EXAMPLE}") from None
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f"TF_CONFIG is wrong ({error}); set it as in {_TF_CONFIG_EXAMPLE}") from None
    # TensorFlow would wait for an hour, holding Python's lock: only a watchdog outside of Python can end that.
    faulthandler.dump_traceback_later(timeout, exit=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        faulthandler.cancel_dump_traceback_later()


def agree(identity: dict[str, Any]) -> None:
    """Compare what this worker is about to run with what the chief runs.

    Raises:
        ValueError: on every worker, if they differ anywhere.
    """
    chiefs = json.loads(from_chief(json.dumps(identity).encode()))
    ours = json.loads(json.dumps(identity))
    differs = sorted(key for key in {*chiefs, *ours} if chiefs.get(key) != ours.get(key))
    if add_up(np.array([len(differs)], np.int64))[0]:
        what = f"{' and '.join(differs)} of this one" if differs else "another one"
        raise ValueError(
            f"the workers' runs differ: {what} is not the chief's; start all with the same command"
        )


@contextmanager
def naming_lost_workers() -> Iterator[None]:
    """Replace what TensorFlow raises after the loss of another worker by an error that says what to do.

    Raises:
        ConnectionError: in place of TensorFlow's error.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        if workers() == 1:
            raise
        raise ConnectionError(
            "another worker was lost; start all of them again, with the same checkpoints (--resume on the "
            f"command line), and the run goes on after its last epoch ({error.message.splitlines()[0][:120]})"
        ) from error


def workers() -> int:
    """Return the number of processes that the current strategy spans."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return 1
    cluster = resolver.cluster_spec()
    return sum(cluster.num_tasks(job) for job in cluster.jobs if job in ("chief", "worker"))


def is_chief() -> bool:
    """Say whether this process is the one that writes files."""
    return tf.distribute.get_strategy().extended.should_checkpoint


def add_up(value: np.ndarray) -> np.ndarray:
    """Return the sum of all workers' ``value``, an array of the same shape on each."""
    strategy = tf.distribute.get_strategy()
    if workers() == 1:
        return value
    first = replicas(strategy)[0]  # adds this process's value; its other replicas add zeros
    mine = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            value if context.replica_id_in_sync_group == first else np.zeros_like(value)
        )
    )

    add = _adders.setdefault(value.dtype, tf.function(_add, reduce_retracing=True))
    return strategy.experimental_local_results(add(mine))[0].numpy()


def from_chief(value: bytes) -> bytes:
    """Return the chief worker's ``value`` on every worker."""
    if workers() == 1:
        return value
    size = int(add_up(np.int64(len(value) if is_chief() else 0)[None])[0])
    if not size:
        return b""  # TensorFlow's collectives crash on empty tensors
    mine = np.frombuffer(value, np.uint8) if is_chief() else np.zeros(size, np.uint8)
    return add_up(mine.astype(np.int32)).astype(np.uint8).tobytes()


def replicas(strategy: tf.distribute.Strategy) -> list[int]:
    """Return the numbers of this process's replicas among all."""
    numbers = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(context.replica_id_in_sync_group)
    )
    return [int(number) for number in strategy.experimental_local_results(numbers)]


def _add(value: Any) -> Any:
    return tf.distribute.get_strategy().run(lambda v: all_sum(tf.identity(v)), [value])


def all_sum(value: tf.Tensor) -> tf.Tensor:
    """Return the sum of all replicas' ``value``; called in a replica."""
    return tf.distribute.get_replica_context().all_reduce(SUM, value)
