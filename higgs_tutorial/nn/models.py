"""The talk's two kinds of model: logistic regression and a neural network that ends in one."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.layers import BatchNorm, Dropout, Linear

PRECISIONS = ("float32", "bfloat16")
"""In what `train` has a network's hidden layers compute."""


class LogisticRegression(tf.Module):
    """One weight a feature: the logit is ``x @ w + b``.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import LogisticRegression
        >>> model = LogisticRegression()
        >>> model(tf.zeros([32, 28]), training=False).shape.as_list()  # logits
        [32]
        >>> [variable.shape.as_list() for variable in model.trainable_variables]
        [[1], [28, 1]]
    """

    def __init__(self, *, seed: int = 0, name: str | None = None) -> None:
        """Make a model whose weights are drawn from ``seed``."""
        super().__init__(name=name)
        self.config = {"seed": seed}
        self.regression = Linear(1, seed=seed, name="regression")

    def __call__(self, x: tf.Tensor, training: bool, seed: tf.Tensor | tuple | None = None) -> tf.Tensor:
        """Return the logits ``[batch]`` of ``x`` ``[batch, k]``; ``training`` and ``seed`` change nothing."""
        return self.regression(x)[:, 0]


class NeuralNetwork(tf.Module):
    """``num_layers`` hidden layers of ``size`` rectified units, then logistic regression.

    Each hidden layer is ``dropout(relu(batch_norm(linear(x))))``, batch norm and dropout being optional. With
    batch norm the linear layer has no bias: the mean would take it away again, and beta stands in for it
    (Ioffe and Szegedy, arXiv:1502.03167, section 3.2).

    Attributes:
        config: the arguments; ``NeuralNetwork(**model.config)`` is the same model before training.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import NeuralNetwork
        >>> model = NeuralNetwork(num_layers=3, size=100, batch_norm=True)
        >>> model(tf.zeros([32, 28]), training=False).shape.as_list()  # logits
        [32]
        >>> sum(int(tf.size(variable)) for variable in model.trainable_variables)
        23501
    """

    def __init__(
        self,
        num_layers: int = 1,
        size: int = 100,
        batch_norm: bool = False,
        keep_prob: float = 1.0,
        *,
        seed: int = 0,
        statistics: str = "moving",
        beta: str = "zeros",
        momentum: float = 0.9,
        synchronized: bool = True,
        precision: str = "float32",
        name: str | None = None,
    ) -> None:
        """Make a network whose weights are drawn from ``seed``.

        ``statistics``, ``beta``, ``momentum`` and ``synchronized`` are `BatchNorm`'s. With
        ``precision="bfloat16"`` `train` computes the hidden layers in bfloat16 where that is faster; weights,
        batch norm's statistics, last layer, loss and optimizer stay float32, and so do predictions.

        Raises:
            ValueError: if an argument is out of range.
        """
        super().__init__(name=name)
        if isinstance(num_layers, bool) or not isinstance(num_layers, (int, np.integer)) or num_layers < 0:
            raise ValueError(f"num_layers is {num_layers!r}; it must be an integer, 0 or more")
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; it must be one of: {', '.join(PRECISIONS)}")
        self.config = {
            "num_layers": int(num_layers),
            "size": size,
            "batch_norm": batch_norm,
            "keep_prob": keep_prob,
            "seed": seed,
            "statistics": statistics,
            "beta": beta,
            "momentum": momentum,
            "synchronized": synchronized,
            "precision": precision,
        }
        self.precision = precision
        # A seed for each layer that draws something, so that two layers of equal shape start differently.
        seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(2 * num_layers + 1)]
        self.linears = [
            Linear(size, bias=not batch_norm, seed=seeds[2 * i], name=f"linear_{i}")
            for i in range(num_layers)
        ]
        self.norms = [
            BatchNorm(
                statistics=statistics,
                beta=beta,
                momentum=momentum,
                synchronized=synchronized,
                seed=seeds[2 * i + 1],
                name=f"bn_{i}",
            )
            for i in range(num_layers if batch_norm else 0)
        ]
        self.dropout = Dropout(keep_prob)
        self.regression = Linear(1, seed=seeds[-1], name="regression")

    def __call__(self, x: tf.Tensor, training: bool, seed: tf.Tensor | tuple | None = None) -> tf.Tensor:
        """Return the logits ``[batch]``, float32, of ``x`` ``[batch, k]``, in whose precision the layers compute.

        ``seed``, two integers, draws the dropout masks; it is needed in training with ``keep_prob`` below 1.

        Raises:
            ValueError: if the number of features k is unknown or not the one the model was built for.
        """
        for i, linear in enumerate(self.linears):
            x = linear(x)  # [batch, size]
            if self.norms:
                x = self.norms[i](x, training)
            x = tf.nn.relu(x)
            x = self.dropout(x, training, None if seed is None else layer_seed(seed, i))
        return self.regression(tf.cast(x, tf.float32))[:, 0]


def build(model: tf.Module, features: int) -> tf.Module:
    """Make the weights of ``model`` for ``features`` columns, and return it."""
    model(tf.zeros([1, features]), training=False)
    return model


def feature_count(model: tf.Module) -> int:
    """Return how many columns a model takes; it must have been called."""
    first = model.linears[0] if getattr(model, "linears", None) else model.regression
    return int(first.w.shape[0])


def layer_seed(seed: tf.Tensor | tuple, layer: int) -> tf.Tensor:
    """Return the seed, two integers, of the dropout mask of hidden layer number ``layer``, from 0."""
    return tf.cast(seed, tf.int32) + tf.constant([layer, 0])
