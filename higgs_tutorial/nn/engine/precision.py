"""A step in pieces, for a CPU: half precision gains there on wide layers what one program would lose.

XLA's own matrix products gain nothing from bfloat16 on a CPU; TensorFlow's operation, which oneDNN computes, does.
So here the products of the hidden layers are operations, and what lies between them are small XLA programs: a
layer's batch norm, relu and dropout, the same backwards, the last layer with the loss, the optimiser's update. All
that is kept between them, ``[b, size]``, has the network's precision. They compute what `train_step` does, up to
roundings and the order of sums.
"""

from __future__ import annotations

import math
from functools import cache, partial
from pathlib import Path
from weakref import ref

import keras
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Batch
from higgs_tutorial.nn.engine.loss import mean_loss, scaled
from higgs_tutorial.nn.layers import BatchNorm, Dropout, Linear
from higgs_tutorial.nn.models import NeuralNetwork, layer_seed

LAYERS = {Linear, BatchNorm, Dropout}
"""What is written out here. A network with other layers makes its steps in one program."""
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""How Linux calls a processor's instructions for products in bfloat16; the last one on Arm."""
WORTH_IT = {"bfloat16": 53_000_000, "float32": math.inf}
"""Multiplications of a hidden layer's product, on average, from which a step is made in pieces.

Measured with 100 to 500 units and batches of 256 to 8,192 (benchmarks/README.md). In float32 pieces gain nothing; they
compute in it all the same, which is how tests tell their formulas from their roundings.
"""
PARTS = 64
"""A sum over events is one of partial sums, which XLA gives to different threads."""

Tensors = tuple[tf.Tensor, ...]


def in_pieces(model: tf.Module, batch_size: int) -> bool:
    """Say whether an epoch of ``model``, which has its weights, makes its steps in pieces.

    It depends on the network's sizes and precision, the size of the batches and the kind of processor, and not on
    what else runs there: the same settings give the same numbers.
    """
    known = type(model) is NeuralNetwork and {type(layer) for layer in model.submodules} <= LAYERS
    if not known or not model.linears or _on_gpu():
        return False
    if model.precision == "bfloat16" and not multiplies_bfloat16():
        return False
    weights = sum(math.prod(linear.w.shape) for linear in model.linears)
    return batch_size * weights / len(model.linears) >= WORTH_IT[model.precision]


def given(batch: Batch, model: tf.Module, pieces: bool = False) -> Batch:
    """Return ``batch`` with the features as ``model`` is to get them: a network computes in their precision.

    That is the network's own on a GPU, and on a CPU if its steps are made in pieces. In one program bfloat16 would
    make a CPU slower and not faster, so there it is float32.
    """
    precision = getattr(model, "precision", "float32") if pieces or _on_gpu() else "float32"
    return batch._replace(x=tf.cast(batch.x, precision))


def _on_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


@cache
def multiplies_bfloat16() -> bool:
    """Say whether this processor has instructions for products in bfloat16, as far as Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    return any(BFLOAT16_FLAGS & set(line.split()) for line in lines if line.startswith(("flags", "Features")))


class StepInPieces:
    """``step(batch, seed) -> mean loss``: a step of an optimiser on full batches of a `NeuralNetwork`."""

    def __init__(self, model: ref[NeuralNetwork], optimizer: ref[keras.optimizers.Optimizer]) -> None:
        """Hold both weakly, as they are the keys under which their graphs are kept; both have their variables."""
        self._model, self._optimizer = model, optimizer
        keep_prob, norms = model().dropout.keep_prob, model().norms
        if norms:
            forward = partial(normalised, epsilon=norms[0].epsilon, keep_prob=keep_prob)
            backward = partial(normalised_gradient, epsilon=norms[0].epsilon, keep_prob=keep_prob)
        else:
            forward, backward = (partial(f, keep_prob=keep_prob) for f in (shifted, shifted_gradient))
        program = partial(tf.function, autograph=False, jit_compile=True)
        self._forward, self._backward = program(forward), program(backward)
        self._head, self._update = program(self._loss_and_gradients), program(self._apply)

    def __call__(self, batch: Batch, seed: tf.Tensor) -> tf.Tensor:
        """Make the step on ``batch``, its masks drawn from ``seed`` (int32 ``[2]``), and return the mean loss."""
        model = self._model()
        weights = [tf.cast(linear.w, model.precision) for linear in model.linears]
        x, layers = given(batch, model, pieces=True).x, []  # [b, k]
        for i, w in enumerate(weights):
            z = x @ w  # [b, size]
            y, *statistics = self._forward(z, self._read(i), layer_seed(seed, i))
            if model.norms:
                model.norms[i].update_averages(*statistics)
            layers.append((x, z, y, statistics))
            x = y
        loss, gradient, of_w, of_b = self._head(x, batch.y, batch.weight)
        found = {model.regression.w.ref(): of_w, model.regression.b.ref(): of_b}
        for i, (x, z, y, statistics) in reversed([*enumerate(layers)]):
            gradient, *of_own = self._backward(z, y, gradient, statistics, self._read(i))  # [b, size]
            found |= {own.ref(): of for own, of in zip(self._own(i), of_own, strict=True)}
            found[model.linears[i].w.ref()] = tf.matmul(x, gradient, transpose_a=True)
            if i:
                gradient = tf.matmul(gradient, weights[i], transpose_b=True)
        self._update([found[variable.ref()] for variable in model.trainable_variables])
        return loss

    def _own(self, layer: int) -> tuple[tf.Variable, ...]:
        """Return the variables of a hidden layer that come after its product."""
        model = self._model()
        if not model.norms:
            return (model.linears[layer].b,)
        return model.norms[layer].gamma, model.norms[layer].beta

    def _read(self, layer: int) -> Tensors:
        return tuple(variable.read_value() for variable in self._own(layer))

    def _loss_and_gradients(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None) -> Tensors:
        """Return the mean loss and the gradients of the last layer's ``x`` ``[b, size]``, ``w`` and ``b``."""
        regression = self._model().regression
        w, b = regression.w.read_value(), regression.b.read_value()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, w, b])
            loss = mean_loss((tf.cast(x, tf.float32) @ w + b)[:, 0], y, weight)
            wanted = scaled(loss, self._optimizer())
        return loss, *tape.gradient(wanted, [x, w, b])

    def _apply(self, gradients: list[tf.Tensor]) -> None:
        variables = self._model().trainable_variables
        wide = [tf.cast(gradient, tf.float32) for gradient in gradients]
        self._optimizer().apply(wide, variables)


def normalised(z: tf.Tensor, own: Tensors, seed: tf.Tensor, *, epsilon: float, keep_prob: float) -> Tensors:
    """Return dropout(relu(batch_norm(z))) of products ``z`` ``[b, k]``, and the batch's mean and variance ``[k]``.

    ``own`` are batch norm's gamma and beta ``[k]``.
    """
    wide, (gamma, beta) = tf.cast(z, tf.float32), own
    mean = column_sums(wide) / z.shape[0]
    variance = column_sums(tf.math.squared_difference(wide, mean)) / z.shape[0]
    y = tf.nn.relu((wide - mean) * (gamma * tf.math.rsqrt(variance + epsilon)) + beta)
    return tf.cast(Dropout(keep_prob)(y, True, seed), z.dtype), mean, variance


def normalised_gradient(
    z: tf.Tensor, y: tf.Tensor, gradient: tf.Tensor, statistics: list, own: Tensors, *, epsilon: float,
    keep_prob: float,
) -> Tensors:  # fmt: skip
    """Return the gradients of ``z``, gamma and beta, given that of ``y`` and all that `normalised` took and returned.

    Batch norm's are those of Ioffe and Szegedy (arXiv:1502.03167, section 3). An event's ``y`` is above 0 where it
    was kept and relu let it through: only there has it a gradient.
    """
    (mean, variance), gamma = statistics, own[0]
    gradient = tf.where(y > 0, tf.cast(gradient, tf.float32) / keep_prob, 0)
    rsqrt = tf.math.rsqrt(variance + epsilon)
    x = (tf.cast(z, tf.float32) - mean) * rsqrt
    of_beta, of_gamma = column_sums(gradient), column_sums(gradient * x)
    of_z = gamma * rsqrt * (gradient - (of_beta + x * of_gamma) / z.shape[0])
    return tf.cast(of_z, z.dtype), of_gamma, of_beta


def shifted(z: tf.Tensor, own: Tensors, seed: tf.Tensor, *, keep_prob: float) -> Tensors:
    """Return dropout(relu(z + b)) of products ``z`` ``[b, k]``; ``own`` is the bias ``[k]``."""
    y = tf.nn.relu(tf.cast(z, tf.float32) + own[0])
    return (tf.cast(Dropout(keep_prob)(y, True, seed), z.dtype),)


def shifted_gradient(
    z: tf.Tensor, y: tf.Tensor, gradient: tf.Tensor, statistics: list, own: Tensors, *, keep_prob: float
) -> Tensors:
    """Return the gradients of ``z`` and the bias, given that of ``y`` and all that `shifted` took and returned."""
    gradient = tf.where(y > 0, tf.cast(gradient, tf.float32) / keep_prob, 0)
    return tf.cast(gradient, z.dtype), column_sums(gradient)


def column_sums(x: tf.Tensor) -> tf.Tensor:
    """Return the sums ``[k]`` over the rows of ``x`` ``[b, k]``."""
    rows, columns = x.shape
    parts = tf.reshape(x, [math.gcd(rows, PARTS), -1, columns])
    return tf.reduce_sum(tf.reduce_sum(parts, 1), 0)
