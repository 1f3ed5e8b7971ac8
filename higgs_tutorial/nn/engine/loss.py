"""The loss of a step."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def mean_loss(
    logits: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None, size: int | None = None
) -> tf.Tensor:
    """Return the mean cross-entropy of ``logits`` ``[b]`` and labels ``y`` ``[b]``.

    Weights ``[b]`` multiply the events' losses; the mean is over the number of events, as in Keras. If the events
    are a replica's share of a larger batch, that has ``size`` events, and the result is the share's part of the
    mean.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)  # [b]
    losses = losses if weight is None else losses * weight
    return tf.reduce_mean(losses) if size is None else tf.reduce_sum(losses) / size


def scaled(loss: tf.Tensor, optimizer: Any) -> tf.Tensor:
    """Return what ``optimizer`` wants the gradient of.

    That is another number where half precision would round it to 0 (`LossScaleOptimizer`, ``loss_scale_factor``);
    the optimizer itself takes it back. One that is not Keras's need only have `apply`.
    """
    return optimizer.scale_loss(loss) if hasattr(optimizer, "scale_loss") else loss
