"""An epoch of training as one compiled graph, on data that stays on the device."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import keras
import tensorflow as tf

from higgs_tutorial.nn.device import Placed

EpochGraph = Callable[..., tf.Tensor]

_graphs: WeakKeyDictionary[tf.Module, WeakKeyDictionary] = WeakKeyDictionary()


def epoch_graph(model: tf.Module, optimizer: keras.optimizers.Optimizer, batch_size: int) -> EpochGraph:
    """Return ``graph(x, y, weight, seed) -> mean loss``, the same one at every call.

    It goes once over the events in an order drawn from ``seed`` (int32 ``[2]``), a step of ``optimizer`` a
    batch. The last batch is short where ``batch_size`` does not divide the number of events.
    """
    graphs = _graphs.setdefault(model, WeakKeyDictionary()).setdefault(optimizer, {})
    if batch_size not in graphs:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        graphs[batch_size] = _build(ref(model), ref(optimizer), batch_size)
    return graphs[batch_size]


def _build(model: ref, optimizer: ref, batch_size: int) -> EpochGraph:
    def step(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, seed: tf.Tensor) -> tf.Tensor:
        variables = model().trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            logits = model()(x, training=True, seed=seed)  # [batch]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)  # [batch]
            loss = tf.reduce_mean(losses if weight is None else losses * weight)
        optimizer().apply(tape.gradient(loss, variables), variables)
        return loss

    compiled = tf.function(step, jit_compile=True)

    @tf.function
    def epoch(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, seed: tf.Tensor) -> tf.Tensor:
        n = tf.shape(y)[0]
        order = tf.argsort(tf.random.stateless_uniform([n], seed))  # [n]
        steps = n // batch_size
        total = tf.zeros([], tf.float64)
        for i in tf.range(steps):
            chosen = order[i * batch_size : (i + 1) * batch_size]
            chosen = tf.ensure_shape(chosen, [batch_size])
            loss = compiled(*_gather(x, y, weight, chosen), tf.stack([seed[0], seed[1] + i]))
            total += tf.cast(loss, tf.float64) * batch_size
        rest = order[steps * batch_size :]
        if tf.size(rest) > 0:
            loss = step(*_gather(x, y, weight, rest), tf.stack([seed[0], seed[1] + steps]))
            total += tf.cast(loss, tf.float64) * tf.cast(tf.size(rest), tf.float64)
        return total / tf.cast(n, tf.float64)

    return epoch


def _gather(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, chosen: tf.Tensor) -> Placed:
    return Placed(
        tf.gather(x, chosen), tf.gather(y, chosen), None if weight is None else tf.gather(weight, chosen)
    )
