"""Networks as Keras models, with the same weights and the same predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.files.models import Model, unwrapped
from higgs_tutorial.nn.layers import BatchNorm, Linear
from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork, feature_count
from higgs_tutorial.nn.standardized import Standardized

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from higgs_tutorial.nn.estimator import HiggsClassifier

INPUT, PROBABILITY, LOGIT = "events", "probability", "logit"
"""Names of the input and of the two outputs, in Keras and in what Keras writes."""


def to_keras(
    model: Model | HiggsClassifier | Pipeline,
    *,
    logits: bool = False,
    columns: Sequence[str] | None = None,
) -> keras.Model:
    """Return ``model`` as a Keras model of standard layers with a copy of its weights.

    It maps the events ``[batch, k]``, an input called ``events``, to the probability of signal ``[batch, 1]``, the
    output ``probability``, or with ``logits`` to ``logit``. Its inference is that of `predict`, to float32's rounding.
    It can be trained on: dropout drops, and batch norm goes on from the model's moving averages.

    With ``columns`` each column of the events is an input of its own, ``[batch, 1]``, called by its name: the model
    then takes a dictionary, such as ``{"lepton_pT": ..., "lepton_eta": ...}``.

    Args:
        model: a model or ensemble after its first call, a fitted `HiggsClassifier`, or a scikit-learn pipeline of a
            ``StandardScaler``, which becomes a ``Normalization`` layer, and one.
        logits: whether the output is the logit and not the probability.
        columns: names of the columns ``[k]`` in the model's order, to be inputs; default one input for all.

    Raises:
        ValueError: if the model was never called, is none of those named above, normalises with the statistics of
            the batch it is given, or ``columns`` do not fit it.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import NeuralNetwork, predict, to_keras
        >>> model, x = NeuralNetwork(2, 10, batch_norm=True), np.ones([5, 28], np.float32)
        >>> expected = predict(model, x)
        >>> network = to_keras(model)
        >>> np.allclose(network.predict(x, verbose=0)[:, 0], expected, atol=1e-6)
        True
        >>> [layer.name for layer in network.layers][:4]
        ['events', 'linear_0', 'bn_0', 'relu_0']
    """
    model, _ = unwrapped(model)
    features = _features(model)
    inputs, x = _one_input(features) if columns is None else _named_inputs(columns, features)
    output = _logit(model, x, "") if logits else _probability(model, x, "")
    return keras.Model(inputs, output, name="higgs")


def _features(model: tf.Module) -> int:
    """Return how many columns the model takes, after a check that it can be converted."""
    if isinstance(model, Ensemble):
        counts = {_features(member) for member in model.models}
        if len(counts) > 1:
            raise ValueError(f"the networks of the ensemble take different numbers of features: {counts}")
        return counts.pop()
    if isinstance(model, Standardized):
        _check_scale(model.scale.numpy())
        return _features(model.model)
    if not isinstance(model, (LogisticRegression, NeuralNetwork)):
        raise ValueError(
            f"a {type(model).__name__} has no Keras form, only: LogisticRegression, NeuralNetwork, an ensemble of"
            " these, a fitted HiggsClassifier, and a pipeline of a StandardScaler and one"
        )
    if not model.variables:
        raise ValueError("the model has no weights yet: they are made on its first call")
    if any(norm.statistics == "batch" for norm in getattr(model, "norms", [])):
        raise ValueError(
            "the model normalises with the statistics of the batch it is given, so that an event's prediction depends"
            ' on the others: set norm.statistics = "moving" for each norm of model.norms first'
        )
    return feature_count(model)


def _check_scale(scale: np.ndarray) -> None:
    """Refuse what Keras' ``Normalization`` would clip: it takes the variance, in float32, with a floor."""
    wrong = np.flatnonzero((scale < 10 * keras.config.epsilon()) | (scale > 1e18))
    if len(wrong):
        raise ValueError(
            f"column {wrong[0] + 1} has a scale of {scale[wrong[0]]:.3g}, beyond what Keras' Normalization takes: give"
            " this column in other units"
        )


def _one_input(features: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    events = keras.Input([features], name=INPUT)
    return events, events


def _named_inputs(
    columns: Sequence[str], features: int
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    names = [str(name) for name in columns]
    if len(names) != features or len(set(names)) != features:
        raise ValueError(
            f"columns has {len(names)} names, {len(set(names))} of them different; it must have {features}, a"
            " different one for each column of the model"
        )
    inputs = {name: keras.Input([1], name=name) for name in names}
    if features == 1:  # Keras concatenates two and more
        return inputs, inputs[names[0]]
    return inputs, keras.layers.Concatenate(name=INPUT)(list(inputs.values()))


def _probability(model: tf.Module, x: keras.KerasTensor, prefix: str) -> keras.KerasTensor:
    """Return the probabilities ``[batch, 1]`` of ``x`` ``[batch, k]``; ``prefix`` sets the layers of members apart."""
    if isinstance(model, Ensemble) and len(model.models) == 1:
        return _probability(model.models[0], x, prefix)
    if isinstance(model, Ensemble):
        members = [_probability(m, x, f"{prefix}model_{i}_") for i, m in enumerate(model.models)]
        return keras.layers.Average(name=prefix + PROBABILITY)(members)
    if isinstance(model, Standardized):
        return _probability(model.model, _scaled(model, x, prefix), prefix)
    return keras.layers.Activation("sigmoid", name=prefix + PROBABILITY)(_logit(model, x, prefix))


def _logit(model: tf.Module, x: keras.KerasTensor, prefix: str) -> keras.KerasTensor:
    if isinstance(model, Ensemble) and len(model.models) == 1:
        return _logit(model.models[0], x, prefix)
    if isinstance(model, Ensemble):
        members = [_logit(m, x, f"{prefix}model_{i}_") for i, m in enumerate(model.models)]
        return _mean_logit(members, prefix)
    if isinstance(model, Standardized):
        return _logit(model.model, _scaled(model, x, prefix), prefix)
    for i, linear in enumerate(getattr(model, "linears", [])):
        x = _dense(linear, x, f"{prefix}linear_{i}")  # [batch, size]
        if model.norms:
            x = _normalised(model.norms[i], x, f"{prefix}bn_{i}")
        x = keras.layers.Activation("relu", name=f"{prefix}relu_{i}")(x)
        if model.dropout.keep_prob < 1:
            x = keras.layers.Dropout(1 - model.dropout.keep_prob, name=f"{prefix}dropout_{i}")(x)
    return _dense(model.regression, x, prefix + LOGIT)  # [batch, 1]


def _mean_logit(members: list[keras.KerasTensor], prefix: str) -> keras.KerasTensor:
    """Return the logit of the mean probability as `Ensemble` computes it."""
    logits = keras.ops.stack(members)  # [models, batch, 1]
    signal, background = (keras.ops.logsumexp(keras.ops.log_sigmoid(s * logits), axis=(0,)) for s in (1, -1))
    return keras.layers.Subtract(name=prefix + LOGIT)([signal, background])


def _scaled(model: Standardized, x: keras.KerasTensor, prefix: str) -> keras.KerasTensor:
    mean, scale = model.mean.numpy(), model.scale.numpy()
    return keras.layers.Normalization(mean=mean, variance=scale**2, name=f"{prefix}normalization")(x)


def _dense(linear: Linear, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    layer = keras.layers.Dense(linear.size, use_bias=linear.bias, name=name)
    x = layer(x)
    layer.set_weights(_values(linear.w, linear.b) if linear.bias else _values(linear.w))
    return x


def _normalised(norm: BatchNorm, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    layer = keras.layers.BatchNormalization(momentum=norm.momentum, epsilon=norm.epsilon, name=name)
    x = layer(x)
    layer.set_weights(_values(norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance))
    return x


def _values(*variables: tf.Variable) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]
