"""The three layers of the talk's networks, each a `tf.Module` that builds its weights on the first call.

Weights are float32. A layer computes in the precision of its input, float32 or bfloat16, and returns the same; batch
norm's means, variances and moving averages are float32 in any case.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.shares import keep_mask, moments


class Linear(tf.Module):
    """``x @ w + b``.

    ``w`` ``[n, size]`` is uniform with variance 1/n, where n is the number of inputs: the talk's initialiser,
    TensorFlow 0.7's default, which keeps the variance of the activations (LeCun et al., "Efficient BackProp",
    1998, section 4.6). ``b`` ``[size]`` starts at zero. Both are made on the first call.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import Linear
        >>> layer = Linear(100)
        >>> layer(tf.zeros([32, 28])).shape.as_list()
        [32, 100]
        >>> layer.w.shape.as_list(), layer.b.shape.as_list()
        ([28, 100], [100])
    """

    def __init__(self, size: int, *, bias: bool = True, seed: int = 0, name: str | None = None) -> None:
        """Make a layer of ``size`` outputs whose weights are drawn from ``seed``.

        Raises:
            ValueError: if ``size`` is not a positive integer.
        """
        super().__init__(name=name)
        self.size, self.bias, self.seed = _positive("size", size), bias, seed
        self.w: tf.Variable | None = None
        self.b: tf.Variable | None = None

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``x`` ``[..., n]`` to ``[..., size]``.

        Raises:
            ValueError: if the number of inputs n is unknown or not the one the layer was built for.
        """
        x = tf.convert_to_tensor(x)
        n = _last_dimension(self, x)
        if self.w is None:
            with tf.init_scope(), self.name_scope:
                limit = math.sqrt(3 / n)  # a uniform distribution on [-a, a] has variance a**2 / 3
                w = _uniform([n, self.size], limit, self.seed)
                self.w = tf.Variable(w, name="w")
                self.b = tf.Variable(tf.zeros([self.size]), name="b") if self.bias else None
        elif self.w.shape[0] != n:
            raise ValueError(
                f"{self.name} is given {n} inputs; it must be {self.w.shape[0]}, as on the first call"
            )
        x = x @ tf.cast(self.w, x.dtype)  # [..., size]
        return x if self.b is None else x + tf.cast(self.b, x.dtype)


class BatchNorm(tf.Module):
    """Batch normalisation (Ioffe and Szegedy, arXiv:1502.03167, algorithms 1 and 2).

    Each column is shifted and scaled to mean 0 and variance 1, then to what the network finds useful:
    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``. In training, mean and variance are those of the
    batch, over all its dimensions but the last; the variance is the biased one (divided by the batch size).

    With ``statistics="moving"`` inference uses averages over the batches seen in training, weighted by
    ``momentum ** age`` with the weights summing to one, so that they are right from the first step on: there
    is no start value to forget. Before any training they are mean 0 and variance 1. With
    ``statistics="batch"`` inference normalises with the statistics of the batch it is given, as the talk did:
    a prediction then depends on the other events of its batch.

    ``gamma`` starts at 1. ``beta`` starts at 0 (``beta="zeros"``) or, as in the talk, where it got TensorFlow
    0.7's default, uniform with variance 1 (``beta="uniform"``). ``epsilon`` is the talk's.

    Where replicas share a batch (see `distributed`), mean and variance are those of the whole batch; with
    ``synchronized=False`` each replica uses its own share's, which saves two exchanges a layer and step, and
    the moving averages are the replicas' mean.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import BatchNorm
        >>> layer = BatchNorm()
        >>> x = tf.constant([[1.0], [3.0], [5.0]])
        >>> print(layer(x, training=True).numpy().round(3).ravel())
        [-1.225  0.     1.225]
        >>> round(float(layer.moving_mean[0]), 3)  # of one batch so far
        3.0
    """

    def __init__(
        self,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-8,
        statistics: str = "moving",
        beta: str = "zeros",
        synchronized: bool = True,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        """Make a layer; ``seed`` is only used with ``beta="uniform"``.

        Raises:
            ValueError: if an argument is out of range.
        """
        super().__init__(name=name)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum!r}; it must be at least 0 and below 1")
        if not epsilon > 0:
            raise ValueError(f"epsilon is {epsilon!r}; it must be positive")
        if statistics not in ("moving", "batch"):
            raise ValueError(f"statistics is {statistics!r}; it must be 'moving' or 'batch'")
        if beta not in ("zeros", "uniform"):
            raise ValueError(f"beta is {beta!r}; it must be 'zeros' or 'uniform'")
        self.momentum, self.epsilon, self.statistics = momentum, epsilon, statistics
        self.synchronized = synchronized
        self.beta_initial, self.seed = beta, seed
        self.gamma: tf.Variable | None = None
        self.beta: tf.Variable | None = None
        self.moving_mean: tf.Variable | None = None
        self.moving_variance: tf.Variable | None = None
        self.moving_weight: tf.Variable | None = None

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        """Normalise ``x`` ``[..., k]``; ``training`` also updates the moving averages.

        Raises:
            ValueError: if the number of columns k is unknown or not the one the layer was built for.
        """
        x = tf.convert_to_tensor(x)
        self._build(_last_dimension(self, x))
        given, x = x.dtype, tf.cast(x, tf.float32)
        if training or self.statistics == "batch":
            mean, variance = moments(x, synchronized=self.synchronized)  # [k], [k]
            if training:
                self.update_averages(mean, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)  # [k]
        return tf.cast((x - mean) * scale + self.beta, given)

    def _build(self, k: int) -> None:
        if self.gamma is not None:
            if self.gamma.shape[0] != k:
                raise ValueError(
                    f"{self.name} is given {k} columns; it must be {self.gamma.shape[0]}, as on the first call"
                )
            return
        with tf.init_scope(), self.name_scope:
            beta = _uniform([k], math.sqrt(3), self.seed) if self.beta_initial == "uniform" else tf.zeros([k])
            self.gamma = tf.Variable(tf.ones([k]), name="gamma")
            self.beta = tf.Variable(beta, name="beta")
            # Each replica updates its own copy; this says how one value is read from them.
            aggregation = tf.VariableAggregation
            local = {
                "trainable": False,
                "synchronization": tf.VariableSynchronization.ON_READ,
                "aggregation": aggregation.ONLY_FIRST_REPLICA if self.synchronized else aggregation.MEAN,
            }
            self.moving_mean = tf.Variable(tf.zeros([k]), name="moving_mean", **local)
            self.moving_variance = tf.Variable(tf.ones([k]), name="moving_variance", **local)
            self.moving_weight = tf.Variable(0.0, name="moving_weight", **local)

    def update_averages(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Take mean and variance ``[k]`` of a batch seen in training into the moving averages."""
        # After t steps 1 - momentum**t, the sum of the weights so far: dividing by it makes them sum to one.
        self.moving_weight.assign(self.momentum * self.moving_weight + (1 - self.momentum))
        rate = (1 - self.momentum) / self.moving_weight
        self.moving_mean.assign_add(rate * (mean - self.moving_mean))
        self.moving_variance.assign_add(rate * (variance - self.moving_variance))


class Dropout(tf.Module):
    """Inverted dropout (Hinton et al., arXiv:1207.0580): in training each value is kept with ``keep_prob``.

    What is kept is divided by ``keep_prob``, so that inference changes nothing. The layer has no random
    state: the mask is a function of the seed that each call passes.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import Dropout
        >>> layer, x = Dropout(keep_prob=0.5), tf.ones([1000])
        >>> dropped = layer(x, training=True, seed=(0, 1)).numpy()
        >>> sorted(set(dropped.tolist()))
        [0.0, 2.0]
        >>> set(layer(x, training=False).numpy().tolist())
        {1.0}
    """

    def __init__(self, keep_prob: float, *, name: str | None = None) -> None:
        """Make a layer.

        Raises:
            ValueError: if ``keep_prob`` is not above 0 and at most 1.
        """
        super().__init__(name=name)
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob is {keep_prob!r}; it must be above 0 and at most 1")
        self.keep_prob = keep_prob

    def __call__(self, x: tf.Tensor, training: bool, seed: tf.Tensor | tuple | None = None) -> tf.Tensor:
        """Drop values of ``x``, any shape; ``seed`` is two integers, needed in training only.

        Raises:
            ValueError: if values are to be dropped and there is no ``seed``.
        """
        x = tf.convert_to_tensor(x)
        if not training or self.keep_prob == 1:
            return x
        if seed is None:
            raise ValueError(f"{self.name} needs a seed of two integers in training, such as seed=(0, step)")
        keep = keep_mask(tf.shape(x), self.keep_prob, seed)
        return tf.where(keep, x / self.keep_prob, 0)


def _uniform(shape: list[int], limit: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-limit, limit, shape).astype(np.float32)


def _last_dimension(layer: tf.Module, x: tf.Tensor) -> int:
    if x.shape.rank is None or x.shape.rank < 1 or x.shape[-1] is None:
        raise ValueError(
            f"{layer.name} is given a tensor of shape {x.shape}; its last dimension must be known,"
            " as the weights are made from it"
        )
    return x.shape[-1]


def _positive(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a positive integer")
    return int(value)
