"""An epoch of training as one compiled graph, on data that stays on the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, ref

import keras
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Batch
from higgs_tutorial.nn.engine.loss import mean_loss, scaled
from higgs_tutorial.nn.engine.precision import StepInPieces, given, in_pieces
from higgs_tutorial.nn.engine.shuffle import events_at

EpochGraph = Callable[..., tf.Tensor]

_graphs: WeakKeyDictionary[tf.Module, WeakKeyDictionary] = WeakKeyDictionary()


def epoch_graph(
    model: tf.Module, optimizer: keras.optimizers.Optimizer, batch_size: int, events: Batch
) -> EpochGraph:
    """Return ``graph(x, y, weight, seed) -> mean loss`` for ``events`` of this shape, the same one at every call.

    It goes once over the events in an order drawn from ``seed`` (int32 ``[2]``), a step of ``optimizer`` a
    batch. The last batch is short where ``batch_size`` does not divide the number of events. The model must
    have its weights.
    """
    graphs = _graphs.setdefault(model, WeakKeyDictionary()).setdefault(optimizer, {})
    if batch_size not in graphs:
        build_optimizer(optimizer, model)
        graphs[batch_size] = _Epoch(ref(model), ref(optimizer), batch_size).graph, {}
    function, traced = graphs[batch_size]
    key = tuple(events.x.shape), events.weight is None
    if key not in traced:
        specs = (None if column is None else tf.TensorSpec(column.shape, column.dtype) for column in events)
        traced[key] = function.get_concrete_function(*specs, tf.TensorSpec([2], tf.int32))
    return traced[key]


def build_optimizer(optimizer: keras.optimizers.Optimizer, model: tf.Module) -> None:
    """Let ``optimizer`` make its variables for those of ``model``, unless it has them.

    Raises:
        ValueError: if it cannot: some of Keras's optimizers (Muon, Adafactor) ask the variables for what only
            those of Keras's own layers have.
    """
    if optimizer.built:
        return
    try:
        optimizer.build(model.trainable_variables)
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"{type(optimizer).__name__} cannot train these layers, whose weights are TensorFlow's variables and"
            f" not Keras's ({str(error).splitlines()[0]}): take another optimizer, such as Adam"
        ) from error


def without_names(config: Any) -> Any:
    """Leave the names out of an optimizer's config: Keras numbers them in each process, also inner ones."""
    if not isinstance(config, dict):
        return config
    return {key: without_names(value) for key, value in config.items() if key != "name"}


def train_step(
    model: tf.Module,
    optimizer: keras.optimizers.Optimizer,
    batch: Batch,
    seed: tf.Tensor,
    size: int | None = None,
) -> tf.Tensor:
    """Make one step of ``optimizer`` on the mean cross-entropy of ``batch`` and return it.

    The network computes in the precision of the features. If the events are a replica's share of a larger batch,
    that has ``size`` events (see `mean_loss`).
    """
    variables = model.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        logits = model(batch.x, training=True, seed=seed)  # [b]
        loss = mean_loss(logits, batch.y, batch.weight, size)
        wanted = scaled(loss, optimizer)
    optimizer.apply(tape.gradient(wanted, variables), variables)
    return loss


# Without AutoGraph, which would spend more time on translating Python than the rest of the first epoch takes.
_graph = partial(tf.function, autograph=False)


class _Epoch:
    """The graph of an epoch. It holds model and optimizer weakly: they are the keys under which it is kept."""

    def __init__(self, model: ref, optimizer: ref, batch_size: int) -> None:
        self._model, self._optimizer, self._batch_size = model, optimizer, batch_size
        self._step, self._pieces = _graph(self._one_step), None
        if in_pieces(model(), batch_size):
            self._pieces, self._batch_at = StepInPieces(model, optimizer), _graph(batch_at, jit_compile=True)
            self._full_batches = _graph(self._full_batches_in_pieces)
        else:
            self._full_batches = _graph(self._full_batches_in_one, jit_compile=True)
        self.graph = _graph(self._epoch)

    def _epoch(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, seed: tf.Tensor) -> tf.Tensor:
        n, events = x.shape[0], Batch(x, y, weight)
        total, last = self._full_batches.get_concrete_function(events, seed)(events, seed)
        if last is not None:  # once an epoch: compiling this step too would take longer than it could save
            total += self._step_for(events)(last, tf.constant(n // self._batch_size), seed)
        return total / n

    def _full_batches_in_one(self, events: Batch, seed: tf.Tensor) -> tuple[tf.Tensor, Batch | None]:
        def step(number: tf.Tensor) -> tf.Tensor:
            batch = batch_at(events, number * self._batch_size, self._batch_size, seed)
            return self._step_for(events)(batch, number, seed)

        return self._all_steps(events, step), self._last_batch(events, seed)

    def _full_batches_in_pieces(self, events: Batch, seed: tf.Tensor) -> tuple[tf.Tensor, Batch | None]:
        def step(number: tf.Tensor) -> tf.Tensor:
            batch = self._batch_at(events, number * self._batch_size, self._batch_size, seed)
            loss = self._pieces(batch, tf.stack([seed[0], seed[1] + number]))
            return tf.cast(loss, tf.float64) * self._batch_size

        return self._all_steps(events, step), self._last_batch(events, seed)

    def _all_steps(self, events: Batch, step: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Return the sum of what ``step`` returns for each full batch, called with its number."""
        steps, nothing = events.x.shape[0] // self._batch_size, tf.zeros([], tf.float64)
        if not steps:
            return nothing
        return tf.while_loop(
            lambda number, _: number < steps,
            lambda number, total: (number + 1, total + step(number)),
            (tf.constant(0), nothing),
            parallel_iterations=1,
        )[1]

    def _last_batch(self, events: Batch, seed: tf.Tensor) -> Batch | None:
        n = events.x.shape[0]
        rest = n % self._batch_size
        return batch_at(events, tf.constant(n - rest), rest, seed) if rest else None

    def _one_step(self, batch: Batch, number: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        model, words = self._model(), tf.stack([seed[0], seed[1] + number])
        loss = train_step(model, self._optimizer(), given(batch, model, self._pieces is not None), words)
        # The sum over an epoch is taken in float64: in float32 thousands of losses would round.
        return tf.cast(loss, tf.float64) * tf.cast(tf.size(batch.y), tf.float64)

    def _step_for(self, events: Batch) -> Callable:
        spec = Batch(*(_any_size(column) for column in events))
        return self._step.get_concrete_function(
            spec, tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32)
        )


def batch_at(events: Batch, start: tf.Tensor, size: int, seed: tf.Tensor) -> Batch:
    """Return the ``size`` events from place ``start`` on in the order drawn from ``seed``."""
    chosen = events_at(start + tf.range(size), events.x.shape[0], seed)  # [size]
    return Batch(*(None if column is None else tf.gather(column, chosen) for column in events))


def _any_size(column: tf.Tensor | None) -> tf.TensorSpec | None:
    return None if column is None else tf.TensorSpec([None, *column.shape[1:]], column.dtype)
