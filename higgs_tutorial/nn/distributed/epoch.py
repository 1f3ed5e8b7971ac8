"""Data parallelism: `train`, `predict`, `evaluate` and `fit` within the scope of a `tf.distribute` strategy.

Every replica holds a copy of the model. A batch is split: replica r of N takes the events from r/N to (r+1)/N
of it, in the same order that one device would use, so that each event is seen once an epoch. The gradient of
the batch's mean loss is the sum of the replicas' parts, which `tf.distribute` adds up; every copy then makes
the same step. Dropout masks are the rows that one device would draw, and batch norm's statistics are those of
the whole batch (or, with ``synchronized=False``, of each share): N replicas compute what one computes, up to
the rounding of sums taken in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.data.dataset import check_values
from higgs_tutorial.nn.distributed.cluster import SUM, add_up, replicas
from higgs_tutorial.nn.engine.device import Batch, columns
from higgs_tutorial.nn.engine.epoch import build_optimizer, train_step
from higgs_tutorial.nn.engine.precision import given
from higgs_tutorial.nn.engine.shuffle import events_at
from higgs_tutorial.nn.shares import sharing

_orders: dict[int, Callable] = {}
_graphs: WeakKeyDictionary[tf.Module, WeakKeyDictionary] = WeakKeyDictionary()


def train_epoch(
    model: tf.Module, dataset: Any, optimizer: keras.optimizers.Optimizer, batch_size: int, seed: np.ndarray
) -> float:
    """Train for one epoch as `train` does, the replicas of the current strategy sharing the work.

    ``seed`` is two int32 words. Return the mean loss.

    Raises:
        ValueError: if model or optimizer were not made in the strategy's scope, or the optimizer cannot train
            the model or would do something with the gradients before they are added up.
    """
    strategy = tf.distribute.get_strategy()
    _check(strategy, model, optimizer)
    build_optimizer(optimizer, model)
    order = _order(dataset.n, seed)
    events = [np.asarray(column) for column in columns(dataset) if column is not None]
    check_values(*events[1:])
    full, rest = divmod(dataset.n, batch_size)
    total, step = 0.0, 0
    # All full batches are one call of a graph, and the short last batch, if there is one, another.
    for steps, size in ((full, batch_size), (min(rest, 1), rest)):
        if steps:
            rows = order[step * batch_size :][: steps * size].reshape(steps, size)
            shares = [_scatter(strategy, lambda r, c=column: c[r], rows) for column in events]
            graph = _graph(strategy, model, optimizer, size)
            total += float(graph(shares, _starts(strategy, size), tf.constant(seed), tf.constant(step)))
            step += steps
    return total / dataset.n


def predict_shares(model: tf.Module, x: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the logits ``[n]`` of ``x`` ``[n, k]``, each replica computing its share, every worker all of them."""
    strategy = tf.distribute.get_strategy()
    model(tf.zeros([1, x.shape[1]]), training=False)
    found = np.zeros(len(x), np.float32)
    graphs = _graphs.setdefault(model, WeakKeyDictionary()).setdefault(strategy, {})
    if "predict" not in graphs:
        graphs["predict"] = _predict_graph(strategy, ref(model))
    for start in range(0, len(x), batch_size):
        rows = np.arange(start, min(start + batch_size, len(x)))[None]
        share = _scatter(strategy, lambda r: np.asarray(x[r[0]], np.float32), rows)
        starts = _starts(strategy, rows.size)
        parts = strategy.experimental_local_results(graphs["predict"](share, starts, tf.constant(rows.size)))
        for replica, part in zip(replicas(strategy), parts, strict=True):
            found[_share_of(rows, replica, strategy)[0]] = part.numpy()
    return add_up(found)  # each worker has filled in its own events and left the others at 0


def _check(strategy: tf.distribute.Strategy, model: tf.Module, optimizer: Any) -> None:
    for variable in model.variables:
        if not strategy.extended.variable_created_in_scope(variable):
            raise ValueError(
                "the model's weights were made before: make the model within strategy.scope(), too"
            )
    if optimizer._distribution_strategy is not strategy:
        raise ValueError("the optimizer was made elsewhere: make it within strategy.scope(), too")
    options = ("clipnorm", "clipvalue", "global_clipnorm", "gradient_accumulation_steps")
    parts = (optimizer, *getattr(optimizer, "optimizers", ()))  # a MultiOptimizer's own ones
    used = [option for option in options for part in parts if getattr(part, option, None) is not None]
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        used.append("the dynamic scale of LossScaleOptimizer")
    if used:
        raise ValueError(
            f"{used[0]} would act on each replica's part of the gradient and not on their sum;"
            " it cannot be used with a strategy"
        )


def _order(n: int, seed: np.ndarray) -> np.ndarray:
    """Return the order of one device's epoch."""
    if n not in _orders:
        _orders[n] = tf.function(
            lambda seed: events_at(tf.range(n), n, seed), jit_compile=True, autograph=False
        )
    with tf.device("CPU:0"):
        return _orders[n](tf.constant(seed)).numpy()


def _bounds(size: int, replica: int, strategy: tf.distribute.Strategy) -> tuple[int, int]:
    replicas = strategy.num_replicas_in_sync
    return replica * size // replicas, (replica + 1) * size // replicas


def _share_of(rows: np.ndarray, replica: int, strategy: tf.distribute.Strategy) -> np.ndarray:
    start, end = _bounds(rows.shape[1], replica, strategy)
    return rows[:, start:end]


def _scatter(strategy: tf.distribute.Strategy, take: Callable, rows: np.ndarray) -> Any:
    """Give each replica ``take`` of its share of ``rows`` ``[steps, size]``."""
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(take(_share_of(rows, context.replica_id_in_sync_group, strategy)))
    )


def _starts(strategy: tf.distribute.Strategy, size: int) -> Any:
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(_bounds(size, context.replica_id_in_sync_group, strategy)[0])
    )


def _graph(strategy: Any, model: tf.Module, optimizer: Any, size: int) -> Callable:
    graphs = _graphs.setdefault(model, WeakKeyDictionary()).setdefault(optimizer, {})
    if size not in graphs:
        graphs[size] = _train_graph(strategy, ref(model), ref(optimizer), size)
    return graphs[size]


def _train_graph(strategy: Any, model: ref, optimizer: ref, size: int) -> Callable:
    # The closures hold model and optimizer weakly: they are the keys under which the graph is kept.
    @tf.autograph.experimental.do_not_convert
    def step(columns: list, start: tf.Tensor, number: tf.Tensor, seed: tf.Tensor, total: tf.Tensor):
        x, y, *weight = (column[number] for column in columns)
        with sharing(start, tf.constant(size)):
            batch = given(Batch(x, y, weight[0] if weight else None), model())
            loss = train_step(model(), optimizer(), batch, seed, size)
        return total + tf.cast(loss, tf.float64) * size

    @tf.function
    def epoch(columns: list, starts: Any, seed: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        total = strategy.run(lambda: tf.zeros([], tf.float64))
        for number in tf.range(tf.shape(strategy.experimental_local_results(columns[1])[0])[0]):
            words = tf.stack([seed[0], seed[1] + first + number])
            total = strategy.run(step, [columns, starts, number, words, total])
        return strategy.reduce(SUM, total, axis=None)

    return epoch


def _predict_graph(strategy: Any, model: ref) -> Callable:
    def infer(x: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        with sharing(start, size):
            return model()(x, training=False)

    return tf.function(lambda x, starts, size: strategy.run(infer, [x, starts, size]), autograph=False)
