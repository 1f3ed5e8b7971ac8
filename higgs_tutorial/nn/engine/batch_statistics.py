"""Batch norm's means and variances over many events, for weights that training did not go through."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Events
from higgs_tutorial.nn.engine.shuffle import seed_words
from higgs_tutorial.nn.layers import BatchNorm

EVENTS, BATCH = 200_000, 20_000
"""The statistics are measured on at most ``EVENTS`` events, ``BATCH`` at a time."""


def measure_batch_norm(model: tf.Module, events: Events, seed: int | tuple[int, ...] = 0) -> None:
    """Set the moving means and variances of the model's `BatchNorm` layers to those of ``events``.

    Training never ran with averaged weights, so the moving averages that it kept do not fit them. Therefore the
    events (or ``EVENTS`` of them, evenly spaced) pass once through the network as in training, dropout included,
    and each layer gets mean and variance over all of them (Izmailov et al., arXiv:1803.05407, section 3.2).
    Other variables stay as they are.
    """
    layers = [m for m in model.submodules if isinstance(m, BatchNorm) and m.statistics == "moving"]
    if not layers:
        return
    rows = np.unique(np.linspace(0, events.n - 1, min(events.n, EVENTS)).astype(np.int64))
    start = np.atleast_1d(seed).tolist()
    sums: list[Any] = [(0.0, 0.0) for _ in layers]
    for number, batch in enumerate(np.array_split(rows, -(-len(rows) // BATCH))):
        for layer in layers:
            layer.moving_weight.assign(0.0)  # makes the moving averages those of the next batch alone
        model(
            tf.constant(events.x[batch], tf.float32),
            training=True,
            seed=tf.constant(seed_words([*start, number])),
        )
        for i, layer in enumerate(layers):
            mean, variance = (_wide(v) for v in (layer.moving_mean, layer.moving_variance))  # [k], [k]
            first, second = sums[i]
            sums[i] = first + len(batch) * mean, second + len(batch) * (variance + mean**2)
    for layer, (first, second) in zip(layers, sums, strict=True):
        mean = first / len(rows)
        layer.moving_mean.assign(mean.astype(np.float32))
        layer.moving_variance.assign(np.maximum(second / len(rows) - mean**2, 0).astype(np.float32))
        layer.moving_weight.assign(1.0)


def _wide(variable: tf.Variable) -> np.ndarray:
    return variable.numpy().astype(np.float64)
