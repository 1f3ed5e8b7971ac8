"""Networks to train in, kept for the next fit, so that a hundred small fits compile their step once.

An epoch compiled as a whole, as in `train`, is compiled anew for each number of events: seconds that pay off
in a long run only. Here a step is compiled, or `AT_ONCE` of them, for any number of events, and Python goes over the
batches, in the same order and with the same dropout masks as `train`, so that the result is the same but for rounding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Batch, Events, columns
from higgs_tutorial.nn.engine.epoch import train_step
from higgs_tutorial.nn.engine.precision import given
from higgs_tutorial.nn.engine.shuffle import events_at, seed_words
from higgs_tutorial.nn.models import NeuralNetwork, build
from higgs_tutorial.nn.training import train

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(),
    "sgd": lambda: keras.optimizers.SGD(),
    "nesterov": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
}
FEW_STEPS, MANY_STEPS = 300, 10_000
"""From ``FEW_STEPS`` steps on XLA compiles `AT_ONCE` of them, from ``MANY_STEPS`` on the epoch: then it pays off."""
AT_ONCE = 64
"""Steps that one compiled program makes: calling it takes longer than one step of a small network does."""
KEPT = 16
"""Number of networks that each thread keeps, those used last."""

_thread = threading.local()


class KeptNetwork:
    """A network with an optimiser and their compiled step, to be trained again and again.

    Attributes:
        model: the network.
        optimizer: the optimiser.
    """

    def __init__(self, features: int, optimizer: str, config: tuple[tuple[str, Any], ...]) -> None:
        """Make a network of ``config`` (its arguments as pairs) for ``features`` columns."""
        self.model = build(NeuralNetwork(**dict(config)), features)
        self.optimizer = OPTIMIZERS[optimizer]()
        self.optimizer.build(self.model.trainable_variables)
        self._start = [variable.numpy() for variable in self.optimizer.variables]
        column = tf.TensorSpec([None], tf.float32)
        any_size = [tf.TensorSpec([None, features], tf.float32), column, column, tf.TensorSpec([2], tf.int32)]
        self._step = tf.function(self._one_step, input_signature=any_size, autograph=False)
        self._fast_steps = tf.function(self._some_steps, jit_compile=True, autograph=False)

    def reset(self, model: NeuralNetwork) -> None:
        """Start as ``model``, of the same sizes, and with a fresh optimiser."""
        copy_weights(model, self.model)
        for variable, start in zip(self.optimizer.variables, self._start, strict=True):
            variable.assign(start)

    def train(self, dataset: Events, batch_size: int, seed: int, epochs: int) -> float:
        """Train for one epoch, as `higgs_tutorial.train` does, of ``epochs`` in all; return the mean loss.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        steps = epochs * (dataset.n // batch_size)
        if steps >= MANY_STEPS:
            return train(self.model, dataset, self.optimizer, batch_size, seed=seed)
        start, numbers = seed_words(seed), np.arange(-(-dataset.n // batch_size), dtype=np.int32)
        order = _order(dataset.n)(tf.constant(start)).numpy()
        # Step i has the seed (start[0], start[1] + i), as in the compiled epoch.
        seeds = np.stack([np.broadcast_to(start[:1], numbers.shape), start[1:] + numbers], axis=1)
        x, y, weight = columns(dataset)
        events = Batch(x, y, np.ones(dataset.n, np.float32) if weight is None else weight)
        full = dataset.n // batch_size if steps >= FEW_STEPS else 0  # a short last batch has another shape
        losses = []
        for first in range(0, full, AT_ONCE):
            count = min(AT_ONCE, full - first)
            # The program always gets so many batches; those after the first `count` are not looked at.
            at = np.resize(order[first * batch_size : (first + count) * batch_size], (AT_ONCE, batch_size))
            at_once = (tf.constant(column[at]) for column in events)
            some = tf.constant(np.resize(seeds[first : first + count], (AT_ONCE, 2)))
            losses.append(float(self._fast_steps(*at_once, some, tf.constant(count))))
        for number in range(full, len(seeds)):
            at = order[number * batch_size : (number + 1) * batch_size]
            loss = self._step(*(tf.constant(column[at]) for column in events), tf.constant(seeds[number]))
            losses.append(float(loss) * len(at))
        if not np.isfinite(losses).all():
            raise FloatingPointError(
                "the loss is not finite: training has diverged; try a smaller learning rate"
            )
        return sum(losses) / dataset.n

    def _some_steps(
        self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor, seeds: tf.Tensor, count: tf.Tensor
    ) -> tf.Tensor:
        """Make ``count`` steps, each on a batch of ``x`` ``[AT_ONCE, b, features]``; return the sum of all losses."""

        def step(number: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            loss = self._one_step(x[number], y[number], weight[number], seeds[number])
            return number + 1, total + tf.cast(loss, tf.float64) * y.shape[1]

        start = (tf.constant(0), tf.zeros([], tf.float64))
        return tf.while_loop(lambda number, _: number < count, step, start, parallel_iterations=1)[1]

    def _one_step(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return train_step(self.model, self.optimizer, given(Batch(x, y, weight), self.model), seed)


@lru_cache(KEPT)
def _order(n: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function from a seed (int32 ``[2]``) to the order of ``n`` events, as a graph of its own."""
    return tf.function(lambda seed: events_at(tf.range(n), n, seed), autograph=False)


def kept_network(features: int, optimizer: str, config: dict[str, Any]) -> KeptNetwork:
    """Return the network that this thread keeps for such a network; its weights are those of the last fit."""
    if not hasattr(_thread, "kept"):
        _thread.kept = lru_cache(KEPT)(KeptNetwork)
    return _thread.kept(features, optimizer, tuple(sorted(config.items())))


def copy_weights(source: tf.Module, target: tf.Module) -> None:
    """Set the variables of ``target``, moving averages too, to those of ``source``, a network of equal sizes."""
    for old, new in zip(target.variables, source.variables, strict=True):
        old.assign(new)
