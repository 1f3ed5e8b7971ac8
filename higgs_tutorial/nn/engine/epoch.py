"""An epoch of training as one compiled graph, on data that stays on the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, ref

import keras
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Batch
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
        graphs[batch_size] = _build(ref(model), ref(optimizer), batch_size), {}
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

    Weights multiply the events' losses; the mean is over the number of events, as in Keras. If the events are
    a replica's share of a larger batch, that has ``size`` events, and the result is the share's part of the
    mean. What the optimizer does to a loss that half precision would round to 0 (`LossScaleOptimizer`,
    ``loss_scale_factor``) is done here, and taken back by the optimizer itself.
    """
    variables = model.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        logits = model(batch.x, training=True, seed=seed)  # [b]
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=batch.y, logits=logits)  # [b]
        losses = losses if batch.weight is None else losses * batch.weight
        loss = tf.reduce_mean(losses) if size is None else tf.reduce_sum(losses) / size
        # An optimizer need not be Keras's to have `apply`.
        scaled = optimizer.scale_loss(loss) if hasattr(optimizer, "scale_loss") else loss
    optimizer.apply(tape.gradient(scaled, variables), variables)
    return loss


def _build(model: ref, optimizer: ref, batch_size: int) -> EpochGraph:
    # Without AutoGraph, which would spend more time on translating Python than the rest of the first epoch takes.
    graph = partial(tf.function, autograph=False)

    # The closures hold the model weakly: it is the key under which they are kept.
    def batch_at(events: Batch, start: tf.Tensor, size: int, seed: tf.Tensor) -> Batch:
        chosen = events_at(start + tf.range(size), events.x.shape[0], seed)  # [size]
        return Batch(*(None if column is None else tf.gather(column, chosen) for column in events))

    @graph
    def step(batch: Batch, number: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        loss = train_step(model(), optimizer(), batch, tf.stack([seed[0], seed[1] + number]))
        # The sum over an epoch is taken in float64: in float32 thousands of losses would round.
        return tf.cast(loss, tf.float64) * tf.cast(tf.size(batch.y), tf.float64)

    def any_size(column: tf.Tensor | None) -> tf.TensorSpec | None:
        return None if column is None else tf.TensorSpec([None, *column.shape[1:]], column.dtype)

    def step_for(events: Batch) -> Callable:
        spec = Batch(*(any_size(column) for column in events))
        return step.get_concrete_function(spec, tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32))

    @graph(jit_compile=True)
    def full_batches(events: Batch, seed: tf.Tensor) -> tuple[tf.Tensor, Batch | None]:
        n = events.x.shape[0]
        steps, rest = divmod(n, batch_size)
        total = tf.zeros([], tf.float64)
        if steps:
            one_step = step_for(events)

            def next_step(number: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                batch = batch_at(events, number * batch_size, batch_size, seed)
                return number + 1, total + one_step(batch, number, seed)

            total = tf.while_loop(lambda number, _: number < steps, next_step, (tf.constant(0), total))[1]
        return total, batch_at(events, tf.constant(n - rest), rest, seed) if rest else None

    @graph
    def epoch(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, seed: tf.Tensor) -> tf.Tensor:
        n, events = x.shape[0], Batch(x, y, weight)
        total, last = full_batches.get_concrete_function(events, seed)(events, seed)
        if last is not None:  # once an epoch: compiling this step too would take longer than it could save
            total += step_for(events)(last, tf.constant(n // batch_size), seed)
        return total / n

    return epoch
