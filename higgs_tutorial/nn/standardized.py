"""A network together with the scaling of its columns."""

from __future__ import annotations

import tensorflow as tf
from numpy.typing import ArrayLike


class Standardized(tf.Module):
    """A network whose columns are shifted and scaled first, as by scikit-learn's ``StandardScaler``.

    This is what `save_model` and `to_keras` make of a fitted pipeline: it takes the events as the pipeline does.

    Attributes:
        model: the network.
        mean: what is subtracted from each column ``[k]``.
        scale: what it is then divided by ``[k]``.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import LogisticRegression, predict
        >>> from higgs_tutorial.nn.standardized import Standardized
        >>> model, x = LogisticRegression(), np.random.default_rng(0).normal(5, 2, [4, 28]).astype(np.float32)
        >>> together = Standardized(model, np.full(28, 5), np.full(28, 2))
        >>> np.allclose(predict(together, x), predict(model, (x - 5) / 2))
        True
    """

    def __init__(
        self, model: tf.Module, mean: ArrayLike, scale: ArrayLike, *, name: str | None = None
    ) -> None:
        """Put the scaling of ``k`` columns before a network."""
        super().__init__(name=name)
        self.model = model
        self.mean, self.scale = (
            tf.Variable(tf.cast(values, tf.float32), trainable=False, name=word)
            for values, word in ((mean, "mean"), (scale, "scale"))
        )

    def __call__(self, x: tf.Tensor, training: bool, seed: tf.Tensor | tuple | None = None) -> tf.Tensor:
        """Return the logits ``[batch]`` of ``x`` ``[batch, k]``."""
        return self.model((x - self.mean) / self.scale, training=training, seed=seed)
