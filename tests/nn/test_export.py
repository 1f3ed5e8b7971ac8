"""A Keras model of the same network predicts what the network predicts, and can be trained and saved by Keras."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, predict
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.estimator import HiggsClassifier
from higgs_tutorial.nn.export import to_keras
from higgs_tutorial.nn.standardized import Standardized

# Keras 3's variables make arrays in the way of NumPy 1.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)

X = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)


def used(model):
    """The model with every variable, moving averages too, away from its start."""
    rng = np.random.default_rng(1)
    for step in range(3):
        model(rng.normal(2, 3, X.shape).astype(np.float32), training=True, seed=(0, step))
    for variable in model.trainable_variables:
        variable.assign_add(0.1 * rng.normal(size=variable.shape))
    return model


def networks():
    return [
        used(NeuralNetwork(2, 7, seed=3)),
        used(NeuralNetwork(3, 6, True, 0.8, seed=4, momentum=0.5, beta="uniform")),
        used(LogisticRegression(seed=5)),
    ]


MODELS = {
    "plain": lambda: networks()[0],
    "everything": lambda: networks()[1],
    "logistic": lambda: networks()[2],
    "no hidden layer": lambda: used(NeuralNetwork(0)),
    "ensemble": lambda: Ensemble([Ensemble(networks()[:2]), *networks()[1:]]),
    "ensemble of one": lambda: Ensemble(networks()[1:2]),
}


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_keras_predicts_the_same(kind, logits):
    model = MODELS[kind]()
    network = to_keras(model, logits=logits)
    expected = predict(model, X, logits=logits)
    assert expected.std() > 0.02
    assert network.input_shape == (None, 5)
    assert network.output_shape == (None, 1)
    assert [part.name for part in network.inputs] == ["events"]
    assert network.layers[-1].name == ("logit" if logits else "probability")
    assert np.allclose(network(X)[:, 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("logits", [False, True])
def test_keras_saves_it_and_loads_it_without_this_package(logits, tmp_path):
    model = MODELS["ensemble"]()
    to_keras(model, logits=logits).save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert np.allclose(again(X)[:, 0], predict(model, X, logits=logits), rtol=1e-5, atol=1e-6)


def test_columns_are_inputs_by_their_names():
    model = MODELS["everything"]()
    names = ["lepton pT", "b", "c", "d", "e"]
    network = to_keras(model, columns=names)
    given = {name: X[:, i : i + 1] for i, name in reversed(list(enumerate(names)))}
    assert np.allclose(network(given)[:, 0], predict(model, X), atol=1e-6)
    one = LogisticRegression()
    expected = predict(one, X[:, :1])
    assert np.allclose(to_keras(one, columns=["a"])({"a": X[:, :1]})[:, 0], expected, atol=1e-6)
    for wrong in (names[:4], [*names[:4], "b"]):
        with pytest.raises(ValueError, match="it must have 5, a different one for each column"):
            to_keras(model, columns=wrong)


def test_in_training_dropout_drops_and_batch_norm_sees_the_batch():
    network = to_keras(MODELS["everything"]())
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [
        pytest.approx(0.2)
    ] * 3
    assert not np.allclose(network(X, training=True), network(X, training=True), atol=1e-3)
    plain = used(NeuralNetwork(2, 6, True))
    assert np.allclose(
        to_keras(plain, logits=True)(X, training=True)[:, 0], plain(X, training=True), atol=1e-4
    )


def test_it_is_trained_on_alone():
    model = MODELS["everything"]()
    before, network = predict(model, X), to_keras(model)
    network.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    network.fit(X, (X[:, 0] > 0).astype(np.float32), epochs=2, verbose=0)
    assert not np.allclose(network(X)[:, 0], before, atol=1e-3)
    assert np.array_equal(predict(model, X), before)


def test_a_fitted_classifier_is_its_network():
    frame = pd.DataFrame(X, columns=list("abcde"))
    classifier = HiggsClassifier(1, 4, epochs=1).fit(frame, X[:, 0] > 0)
    assert np.allclose(to_keras(classifier)(X)[:, 0], classifier.predict_proba(frame)[:, 1], atol=1e-6)


@pytest.mark.parametrize("logits", [False, True])
def test_a_scaler_becomes_a_normalization_layer(logits, tmp_path):
    frame = pd.DataFrame(X * [1, 20, 300, 4, 5] + [7, 0, 50, -2, 1], columns=list("abcde"))
    pipeline = make_pipeline(StandardScaler(), HiggsClassifier(1, 4, epochs=1)).fit(frame, X[:, 0] > 0)
    network = to_keras(pipeline, logits=logits)
    assert [layer.name for layer in network.layers][:3] == ["events", "normalization", "linear_0"]
    expected = pipeline.decision_function(frame) if logits else pipeline.predict_proba(frame)[:, 1]
    network.save(tmp_path / "m.keras")
    for same in (network, keras.saving.load_model(tmp_path / "m.keras")):
        assert np.allclose(same(frame.to_numpy(np.float32))[:, 0], expected, atol=1e-5)


def test_a_scale_that_keras_would_clip_is_refused():
    model = Standardized(networks()[0], np.zeros(5), [1, 1, 1e-9, 1, 1])
    with pytest.raises(ValueError, match=r"column 3 has a scale of 1e-09.* in other units"):
        to_keras(model)


def test_what_has_no_keras_form_is_said():
    with pytest.raises(ValueError, match="no weights yet"):
        to_keras(NeuralNetwork())
    with pytest.raises(ValueError, match=r"a Module has no Keras form, only: .* a fitted HiggsClassifier"):
        to_keras(Ensemble([networks()[0], tf.Module()]))
    with pytest.raises(ValueError, match="a HiggsClassifier has no Keras form"):
        to_keras(HiggsClassifier())
    other = LogisticRegression()
    other(X[:, :4], training=False)
    with pytest.raises(ValueError, match="different numbers of features"):
        to_keras(Ensemble([networks()[0], other]))


def test_the_talks_batch_norm_has_to_choose_its_moving_averages():
    model = used(NeuralNetwork(1, 6, True, statistics="batch"))
    with pytest.raises(ValueError, match="normalises with the statistics of the batch"):
        to_keras(model)
    for norm in model.norms:
        norm.statistics = "moving"
    assert np.allclose(to_keras(model)(X)[:, 0], predict(model, X), atol=1e-6)
