import keras
import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=(64, 28)).astype(np.float32)


def parameters(model):
    return sum(int(tf.size(v)) for v in model.trainable_variables)


def test_logistic_regression_is_one_weight_a_feature(x):
    model = LogisticRegression(seed=1)
    logits = model(x, training=True)
    w, b = model.regression.w.numpy(), model.regression.b.numpy()
    np.testing.assert_allclose(logits, (x @ w + b)[:, 0], rtol=1e-4, atol=1e-5)
    assert logits.shape == (64,)
    assert parameters(model) == 29


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("num_layers", [0, 1, 3])
def test_the_network_is_kerass_with_the_same_weights(x, num_layers, batch_norm):
    model = NeuralNetwork(num_layers, 10, batch_norm, seed=3)
    model(x, training=True)
    layers = [keras.Input((28,))]
    for _ in range(num_layers):
        layers.append(keras.layers.Dense(10, use_bias=not batch_norm))
        if batch_norm:
            layers.append(keras.layers.BatchNormalization(epsilon=1e-8))
        layers.append(keras.layers.ReLU())
    theirs = keras.Sequential([*layers, keras.layers.Dense(1)])
    weights = []
    for i, linear in enumerate(model.linears):
        weights.append(linear.w)
        if batch_norm:
            norm = model.norms[i]
            weights += [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]
        else:
            weights.append(linear.b)
    theirs.set_weights([w.numpy() for w in [*weights, model.regression.w, model.regression.b]])
    for training in (False, True):
        ours = model(x, training=training)
        np.testing.assert_allclose(ours, theirs(x, training=training)[:, 0], rtol=1e-3, atol=1e-4)
    assert parameters(model) == theirs.count_params() - 20 * num_layers * batch_norm  # moving averages


def test_dropout_acts_in_training_only_and_differs_between_layers(x):
    model = NeuralNetwork(2, 50, keep_prob=0.5, seed=3)
    plain = NeuralNetwork(2, 50, seed=3)
    assert np.array_equal(model(x, training=False), plain(x, training=False))
    first, again, other = (model(x, training=True, seed=s) for s in ((1, 1), (1, 1), (1, 2)))
    assert np.array_equal(first, again)
    assert not np.isclose(first, other).any()
    with pytest.raises(ValueError, match="needs a seed"):
        model(x, training=True)


def test_the_config_rebuilds_the_model(x):
    model = NeuralNetwork(2, 7, True, 0.9, seed=4, statistics="batch", beta="uniform", momentum=0.5)
    again = NeuralNetwork(**model.config)
    assert again.config == model.config
    assert np.array_equal(model(x, training=False), again(x, training=False))
    logistic = LogisticRegression(seed=2)
    assert np.array_equal(
        logistic(x, training=False), LogisticRegression(**logistic.config)(x, training=False)
    )


def test_layers_get_different_weights_and_seeds_decide_them(x):
    model, other = NeuralNetwork(3, 28, seed=0), NeuralNetwork(3, 28, seed=1)
    for m in (model, other):
        m(x, training=False)
    weights = [linear.w.numpy() for m in (model, other) for linear in m.linears]
    for i, a in enumerate(weights):
        for b in weights[:i]:
            assert not np.isclose(a, b).all()
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_layers": -1}, "num_layers is -1"),
        ({"num_layers": 1.5}, "num_layers is 1.5"),
        ({"size": 0}, "size is 0"),
        ({"keep_prob": 2}, "keep_prob is 2"),
        ({"batch_norm": True, "statistics": "x"}, "statistics is 'x'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        NeuralNetwork(**arguments)


def test_a_model_is_a_checkpointable_module(x, tmp_path):
    model = NeuralNetwork(2, 5, True, seed=1)
    model(x, training=True)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "model"))
    again = NeuralNetwork(**model.config | {"seed": 9})
    again(x, training=False)
    tf.train.Checkpoint(model=again).read(path).assert_consumed()
    assert np.array_equal(model(x, training=False), again(x, training=False))
