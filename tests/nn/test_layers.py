import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.nn import BatchNorm, Dropout, Linear

MODES = {"eager": lambda f: f, "graph": tf.function, "xla": lambda f: tf.function(f, jit_compile=True)}


@pytest.fixture(params=MODES, ids=MODES)
def compiled(request):
    return MODES[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def normal(rng, *shape):
    return rng.normal(loc=2, scale=3, size=shape).astype(np.float32)


def numpy_batch_norm(x, gamma, beta, epsilon):
    x = x.astype(np.float64)
    mean, variance = x.mean(0), x.var(0)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta, mean, variance


@pytest.mark.parametrize("batch", [1, 3, 64, 1021])
def test_linear_is_the_affine_map_of_numpy_and_keras(rng, compiled, batch):
    x, layer = normal(rng, batch, 28), Linear(7, seed=3)
    layer(x)
    layer.b.assign(normal(rng, 7))
    ours = compiled(layer)(tf.constant(x)).numpy()
    np.testing.assert_allclose(ours, x @ layer.w.numpy() + layer.b.numpy(), rtol=1e-4, atol=1e-4)
    dense = keras.layers.Dense(7)
    dense.build((None, 28))
    dense.set_weights([layer.w.numpy(), layer.b.numpy()])
    np.testing.assert_allclose(ours, dense(x), rtol=1e-4, atol=1e-4)


def test_linear_gradients_are_those_of_numpy(rng, compiled):
    x, layer = normal(rng, 33, 28), Linear(5)
    layer(x)
    upstream = normal(rng, 33, 5)

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * upstream)
        return tape.gradient(loss, [x, layer.w, layer.b])

    dx, dw, db = compiled(gradients)(tf.constant(x))
    np.testing.assert_allclose(dx, upstream @ layer.w.numpy().T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(dw, x.T @ upstream, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(db, upstream.sum(0), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("inputs", [28, 100, 500])
def test_linear_weights_are_uniform_with_variance_one_over_fan_in(inputs):
    layer = Linear(2000, seed=1)
    layer(tf.zeros([1, inputs]))
    w, limit = layer.w.numpy(), math.sqrt(3 / inputs)
    assert w.var() == pytest.approx(1 / inputs, rel=0.03)
    assert abs(w.mean()) < 5 / math.sqrt(inputs * w.size)
    assert -limit <= w.min() < -0.99 * limit
    assert 0.99 * limit < w.max() <= limit
    assert np.abs(layer.b).max() == 0


def test_seeds_decide_the_weights():
    weights = []
    for seed in (4, 4, 5):
        layer = Linear(3, seed=seed)
        layer(tf.zeros([1, 6]))
        weights.append(layer.w.numpy())
    assert np.array_equal(weights[0], weights[1])
    assert not np.isclose(weights[0], weights[2]).any()


def test_a_layer_first_called_inside_a_graph_is_built_once(rng):
    layer = Linear(4, seed=2)
    x = tf.constant(normal(rng, 3, 6))
    inside = tf.function(layer)(x)
    np.testing.assert_allclose(inside, layer(x), rtol=1e-5)
    assert len(layer.trainable_variables) == 2


@pytest.mark.parametrize("make", [lambda: Linear(3), lambda: BatchNorm()])
def test_an_unknown_or_changed_last_dimension_is_an_error(make):
    layer = make()
    call = layer if isinstance(layer, Linear) else lambda x: layer(x, training=True)
    with pytest.raises(ValueError, match="last dimension must be known"):
        tf.function(call).get_concrete_function(tf.TensorSpec([None, None]))
    call(tf.ones([4, 6]))
    with pytest.raises(ValueError, match=r"is given 5 .*; it must be 6"):
        call(tf.ones([4, 5]))


@pytest.mark.parametrize("batch", [2, 3, 64, 1021])
def test_batch_norm_normalises_as_numpy_and_keras_do(rng, compiled, batch):
    x, layer = normal(rng, batch, 9), BatchNorm(epsilon=1e-3)
    layer(x, training=False)
    gamma, beta = normal(rng, 9), normal(rng, 9)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    ours = compiled(lambda x: layer(x, training=True))(tf.constant(x)).numpy()
    np.testing.assert_allclose(ours, numpy_batch_norm(x, gamma, beta, 1e-3)[0], rtol=1e-3, atol=1e-3)
    theirs = keras.layers.BatchNormalization(epsilon=1e-3)
    theirs.build(x.shape)
    theirs.gamma.assign(gamma)
    theirs.beta.assign(beta)
    np.testing.assert_allclose(ours, theirs(x, training=True), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("batch", [5, 256])
def test_batch_norm_gradients_are_those_of_keras_in_double_precision(rng, compiled, batch):
    x, upstream, layer = normal(rng, batch, 9), normal(rng, batch, 9), BatchNorm(epsilon=1e-3)
    layer(x, training=False)
    gamma, beta = normal(rng, 9), normal(rng, 9)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) * upstream)
        return tape.gradient(loss, [x, layer.gamma, layer.beta])

    theirs = keras.layers.BatchNormalization(epsilon=1e-3, dtype="float64")
    theirs.build(x.shape)
    theirs.gamma.assign(gamma)
    theirs.beta.assign(beta)
    wide = tf.constant(x, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(wide)
        loss = tf.reduce_sum(theirs(wide, training=True) * upstream)
    expected = tape.gradient(loss, [wide, theirs.gamma.value, theirs.beta.value])
    for got, want in zip(compiled(gradients)(tf.constant(x)), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4 * np.abs(want).max())


@pytest.mark.parametrize("mean", [0, 1e3])
def test_batch_norm_survives_columns_far_from_zero(rng, compiled, mean):
    x = (mean + rng.normal(size=(4096, 6))).astype(np.float32)
    layer = BatchNorm()
    y = compiled(lambda x: layer(x, training=True))(tf.constant(x)).numpy()
    np.testing.assert_allclose(y, numpy_batch_norm(x, 1, 0, 1e-8)[0], atol=2e-3)


def test_a_constant_column_becomes_beta(compiled):
    layer = BatchNorm()
    y = compiled(lambda x: layer(x, training=True))(tf.fill([500, 3], 0.1))
    np.testing.assert_allclose(y, 0, atol=0.02)


def test_moving_averages_after_k_steps(rng, compiled):
    layer, theirs = BatchNorm(momentum=0.8), keras.layers.BatchNormalization(momentum=0.8)
    theirs.build((None, 4))
    step = compiled(lambda x: layer(x, training=True))
    batches = [normal(rng, 50, 4) * (k + 1) for k in range(6)]
    for k, batch in enumerate(batches, 1):
        step(tf.constant(batch))
        theirs(batch, training=True)
        ages = np.arange(k)[::-1]
        means, variances = zip(*[(b.mean(0), b.var(0)) for b in batches[:k]], strict=True)
        np.testing.assert_allclose(
            layer.moving_mean, np.average(means, axis=0, weights=0.8**ages), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(
            layer.moving_variance, np.average(variances, axis=0, weights=0.8**ages), rtol=1e-3
        )
        seen = 1 - 0.8**k  # the rest of Keras's average is its start value: 0, and 1 for the variance
        np.testing.assert_allclose(layer.moving_mean, theirs.moving_mean / seen, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(
            layer.moving_variance, (theirs.moving_variance - 0.8**k) / seen, rtol=1e-3, atol=1e-4
        )


def test_inference_uses_the_moving_averages_and_leaves_them(rng, compiled):
    layer = BatchNorm()
    for _ in range(3):
        layer(normal(rng, 80, 4), training=True)
    before = [v.numpy() for v in layer.variables]
    infer = compiled(lambda x: layer(x, training=False))
    x = normal(rng, 7, 4)
    y = infer(tf.constant(x))
    expected = (x - layer.moving_mean) / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(infer(tf.constant(x[:1]))[0], y[0], rtol=1e-5)  # of no other event's business
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.variables, strict=True))


def test_the_talks_batch_norm_uses_batch_statistics_everywhere(rng, compiled):
    layer, x = BatchNorm(statistics="batch"), normal(rng, 300, 4)
    layer(normal(rng, 100, 4) + 40, training=True)
    y = compiled(lambda x: layer(x, training=False))(tf.constant(x))
    np.testing.assert_allclose(y, numpy_batch_norm(x, 1, 0, 1e-8)[0], rtol=1e-3, atol=1e-3)


def test_the_talks_beta_is_uniform_with_variance_one():
    layer = BatchNorm(beta="uniform", seed=1)
    layer(tf.zeros([2, 5000]), training=False)
    beta = layer.beta.numpy()
    assert beta.var() == pytest.approx(1, rel=0.05)
    assert np.abs(beta).max() <= math.sqrt(3)
    assert np.all(layer.gamma == 1)


@pytest.mark.parametrize("keep_prob", [0.9, 0.5, 0.123])
def test_dropout_keeps_the_fraction_and_the_mean(compiled, keep_prob):
    layer, x = Dropout(keep_prob), np.full([1000, 500], 3, np.float32)
    y = compiled(lambda x: layer(x, training=True, seed=(1, 2)))(tf.constant(x)).numpy()
    kept = y != 0
    error = math.sqrt(keep_prob * (1 - keep_prob) / y.size)
    assert abs(kept.mean() - keep_prob) < 5 * error
    np.testing.assert_allclose(y[kept], 3 / keep_prob, rtol=1e-4)
    for axis in (0, 1):  # no row and no column is favoured
        spread = kept.mean(axis).std() / math.sqrt(keep_prob * (1 - keep_prob) / y.shape[axis])
        assert spread == pytest.approx(1, abs=0.15)
    neighbours = np.corrcoef(kept[:, :-1].ravel(), kept[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 5 / math.sqrt(y.size)


def test_dropout_masks_are_a_function_of_the_seed():
    layer, x = Dropout(0.5), tf.ones([100, 100])
    masks = [layer(x, training=True, seed=seed).numpy() for seed in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert np.array_equal(masks[0], masks[1])
    for other in masks[2:]:
        assert np.mean(masks[0] == other) == pytest.approx(0.5, abs=0.03)


def test_dropout_passes_gradients_through_what_it_kept(compiled):
    layer, x = Dropout(0.6), tf.random.stateless_normal([50, 20], [1, 1])

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True, seed=(3, 4))
        return y, tape.gradient(y, x)

    y, gradient = compiled(run)(x)
    np.testing.assert_allclose(gradient, np.where(y == 0, 0, y / x), rtol=1e-5)


def test_dropout_does_nothing_at_inference_and_needs_a_seed_in_training():
    layer, x = Dropout(0.5), tf.ones([4, 4])
    assert np.array_equal(layer(x, training=False), x)
    with pytest.raises(ValueError, match="needs a seed"):
        layer(x, training=True)
    assert np.array_equal(Dropout(1)(x, training=True), x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0), "size is 0"),
        (lambda: Linear(2.5), "size is 2.5"),
        (lambda: Linear(True), "size is True"),
        (lambda: BatchNorm(momentum=1), "momentum is 1"),
        (lambda: BatchNorm(epsilon=0), "epsilon is 0"),
        (lambda: BatchNorm(statistics="none"), "statistics is 'none'"),
        (lambda: BatchNorm(beta="ones"), "beta is 'ones'"),
        (lambda: Dropout(0), "keep_prob is 0"),
        (lambda: Dropout(1.1), "keep_prob is 1.1"),
        (lambda: Dropout(math.nan), "keep_prob is nan"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("batch", [1, 64, 1021])
def test_layers_in_bfloat16_round_what_numpy_computes(rng, compiled, batch):
    """A value of bfloat16 is off by at most 1/256 of itself."""
    x = tf.cast(normal(rng, batch, 28), tf.bfloat16)
    wide = x.numpy().astype(np.float64)
    linear, norm = Linear(7, seed=3), BatchNorm(beta="uniform")
    products, normalised = compiled(linear)(x), compiled(lambda x: norm(x, training=True))(x)
    assert products.dtype == normalised.dtype == tf.bfloat16
    w = tf.cast(linear.w, tf.bfloat16).numpy().astype(np.float64)
    np.testing.assert_allclose(products.numpy().astype("d"), wide @ w, rtol=2**-7, atol=0.05)
    expected, mean, variance = numpy_batch_norm(wide, 1, norm.beta.numpy(), 1e-8)
    if batch > 1:
        np.testing.assert_allclose(normalised.numpy().astype("d"), expected, rtol=2**-7, atol=1e-3)
    np.testing.assert_allclose(norm.moving_mean, mean, rtol=1e-4, atol=1e-5)  # float32, of float32 sums
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-4, atol=1e-5)
    assert Dropout(0.5)(x, training=True, seed=(0, 1)).dtype == tf.bfloat16
