"""Several networks that predict together."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf


class Ensemble(tf.Module):
    """Networks whose probabilities are averaged (Lakshminarayanan et al., arXiv:1612.01474, section 2.4).

    It goes wherever a trained model does: into `predict`, `evaluate` and the ROC AUC. Its members are trained
    one by one, each with its own seed, on the same events. They are not copied.

    Attributes:
        models: the members.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import Ensemble, LogisticRegression, predict
        >>> x = np.ones([4, 28], np.float32)
        >>> models = [LogisticRegression(seed=seed) for seed in range(3)]
        >>> mean = np.mean([predict(model, x) for model in models], axis=0)
        >>> np.allclose(predict(Ensemble(models), x), mean)
        True
    """

    def __init__(self, models: Iterable[tf.Module], *, name: str | None = None) -> None:
        """Make an ensemble of trained models for the same features.

        Raises:
            ValueError: if there is no model.
        """
        super().__init__(name=name)
        self.models = list(models)
        if not self.models:
            raise ValueError("an ensemble needs at least one model")

    def __call__(self, x: tf.Tensor, training: bool, seed: tf.Tensor | tuple | None = None) -> tf.Tensor:
        """Return the logits ``[batch]`` of the mean probability of ``x`` ``[batch, k]``.

        The logit of a mean of probabilities p is ``log(sum p) - log(sum (1 - p))``, here by way of
        ``log p``, which does not round to 0 or 1.

        Raises:
            ValueError: if ``training``: the members are trained, not the ensemble.
        """
        if training:
            raise ValueError("an ensemble is not trained: train each of its models with fit")
        logits = tf.stack([model(x, training=False) for model in self.models])  # [models, batch]
        signal, background = (tf.reduce_logsumexp(tf.math.log_sigmoid(s * logits), axis=0) for s in (1, -1))
        return signal - background
