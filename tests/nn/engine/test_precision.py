"""Half precision, and steps in pieces: what they compute is what the one program does, up to roundings."""

from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from making import make_events

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, fit, predict, train
from higgs_tutorial.nn.engine import precision, programs
from higgs_tutorial.nn.models import build

MODES = {"eager": lambda f: f, "graph": tf.function, "xla": lambda f: tf.function(f, jit_compile=True)}
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.12}
"""Of a norm: bfloat16 has 8 binary digits, and where it rounds a value to the other side of 0, relu flips."""


@pytest.fixture(autouse=True)
def _a_processor_with_bfloat16(monkeypatch):
    monkeypatch.setattr(programs, "_programs", type(programs._programs)())
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "WORTH_IT", {"float32": 0, "bfloat16": 0})


@pytest.fixture
def in_one(monkeypatch):
    """Have all steps made in one program."""

    def switch():
        monkeypatch.setattr(precision, "WORTH_IT", {"float32": np.inf, "bfloat16": np.inf})
        programs._programs.clear()

    return switch


def steps(precision, optimizer=None, data=None, batch_size=64, **network):
    """What training changed: the variables of a network and its optimiser, less their values before."""
    data = make_events(150, k=6) if data is None else data
    arguments = {
        "num_layers": 2,
        "size": 8,
        "batch_norm": True,
        "keep_prob": 0.8,
        "beta": "uniform",
    } | network
    model = build(NeuralNetwork(**arguments, precision=precision, seed=1), data.x.shape[1])
    before = [variable.numpy() for variable in model.variables]
    loss = train(model, data, optimizer or keras.optimizers.SGD(0.1), batch_size, seed=4)
    assert all(variable.dtype == tf.float32 for variable in model.variables)
    return [np.array(loss), *(v.numpy() - b for v, b in zip(model.variables, before, strict=True))]


def assert_close(found, expected, tolerance):
    for a, b in zip(found, expected, strict=True):
        assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(b) + 1e-7


def falling():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize(("batch_norm", "keep_prob"), [(True, 0.8), (False, 1.0)])
def test_steps_in_pieces_are_those_of_one_program(name, batch_norm, keep_prob, in_one):
    network = {"batch_norm": batch_norm, "keep_prob": keep_prob}
    found = steps(name, **network)  # two steps in pieces, and the short last one
    in_one()
    expected = steps("float32", **network)
    assert_close(found, expected, TOLERANCE[name])
    if name == "bfloat16":
        assert not np.array_equal(found[0], expected[0])


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.Adam(falling(), use_ema=True, weight_decay=0.01, clipnorm=1.0),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
        lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2, loss_scale_factor=8.0),
    ],
    ids=["adam", "dynamic scale", "accumulated"],
)
def test_optimizers_get_the_same_gradients_in_pieces(optimizer, in_one):
    found = steps("float32", optimizer())
    in_one()
    assert_close(found, steps("float32", optimizer()), 1e-3)


def test_weights_multiply_the_losses_in_pieces(in_one):
    data = make_events(150, k=6)
    weighted = Dataset(data.x, data.y, np.linspace(0, 2, data.n).astype("f"))
    found = steps("bfloat16", data=weighted)
    in_one()
    assert_close(found, steps("float32", data=weighted), TOLERANCE["bfloat16"])


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_step_in_bfloat16_is_that_of_keras(batch_norm):
    """Keras computes in its policy mixed_bfloat16, and keeps batch norm's statistics in float32, too."""
    data = make_events(64, k=6)
    model = build(NeuralNetwork(2, 16, batch_norm, precision="bfloat16", seed=1), 6)
    layers = []
    for linear in model.linears:
        layers.append(dense := keras.layers.Dense(16, use_bias=not batch_norm, dtype="mixed_bfloat16"))
        dense.build((None, linear.w.shape[0]))
        dense.set_weights([v.numpy() for v in (linear.w, linear.b) if v is not None])
        if batch_norm:
            layers.append(keras.layers.BatchNormalization(epsilon=1e-8, dtype="mixed_bfloat16"))
        layers.append(keras.layers.ReLU(dtype="mixed_bfloat16"))
    layers.append(last := keras.layers.Dense(1, dtype="float32"))
    last.build((None, 16))
    last.set_weights([model.regression.w.numpy(), model.regression.b.numpy()])
    peer = keras.Sequential(layers)
    peer.compile(keras.optimizers.SGD(1.0), keras.losses.BinaryCrossentropy(from_logits=True))
    before = [linear.w.numpy() for linear in model.linears]
    theirs = float(peer.train_on_batch(data.x, data.y))
    ours = train(model, data, keras.optimizers.SGD(1.0), 64, seed=0)
    assert ours == pytest.approx(theirs, rel=3e-3)
    kernels = [layer.kernel.numpy() for layer in layers if isinstance(layer, keras.layers.Dense)]
    for linear, kernel, start in zip(model.linears, kernels[:-1], before, strict=True):
        assert_close([linear.w.numpy() - start], [kernel - start], TOLERANCE["bfloat16"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_the_gradient_of_a_normalised_layer_is_that_of_double_precision(mode, name):
    rng = np.random.default_rng(0)
    z, upstream = (tf.cast(rng.normal(2, 3, (96, 5)).astype("f"), name) for _ in range(2))
    gamma, beta, seed = tf.constant(rng.uniform(0.5, 2, 5), tf.float32), tf.zeros(5), tf.constant([3, 4])
    how = {"epsilon": 1e-8, "keep_prob": 0.7}
    y, *statistics = MODES[mode](partial(precision.normalised, **how))(z, (gamma, beta), seed)
    gradient = MODES[mode](partial(precision.normalised_gradient, **how))
    found = gradient(z, y, upstream, statistics, (gamma, beta))
    wide = [tf.cast(v, tf.float64) for v in (z, gamma, beta)]
    with tf.GradientTape() as tape:
        tape.watch(wide)
        mean, variance = tf.nn.moments(wide[0], [0])
        normal = (wide[0] - mean) * tf.math.rsqrt(variance + 1e-8) * wide[1] + wide[2]
        expected = tf.where(y > 0, tf.nn.relu(normal) / 0.7, 0)
    wanted = tape.gradient(expected, wide, tf.cast(upstream, tf.float64))
    assert y.dtype == found[0].dtype == tf.as_dtype(name)
    assert 0 < np.mean(y.numpy().astype("f") == 0) < 1
    pairs = zip((y, *statistics, *found), (expected, mean, variance, *wanted), strict=True)
    for a, b in pairs:
        assert_close([tf.cast(a, tf.float64).numpy()], [b.numpy()], {"float32": 1e-5, "bfloat16": 6e-3}[name])


@pytest.mark.parametrize("rows", [1, 7, 64, 250, 8192])
def test_column_sums_in_parts_are_numpys(rows):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("f")
    np.testing.assert_allclose(precision.column_sums(tf.constant(x)), x.sum(0, dtype="d"), atol=1e-3)


def test_a_gpus_one_program_computes_in_bfloat16(in_one, monkeypatch):
    in_one()
    expected = steps("float32")
    np.testing.assert_array_equal(
        steps("bfloat16")[0], expected[0]
    )  # a CPU's does not: it would gain nothing
    programs._programs.clear()
    monkeypatch.setattr(precision, "_on_gpu", lambda: True)
    found = steps("bfloat16")
    assert_close(found, expected, TOLERANCE["bfloat16"])
    assert not np.array_equal(found[0], expected[0])


def test_wide_layers_and_large_batches_are_in_pieces(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "_on_gpu", lambda: False)

    def batches(name, layers, size):
        model = build(NeuralNetwork(layers, size, True, precision=name), 28)
        return [batch for batch in (256, 8192) if precision.in_pieces(model, batch)]

    sizes = (1, 100), (2, 100), (3, 100), (6, 200), (6, 500)
    assert [batches("float32", *size) for size in sizes] == [[], [], [], [], []]
    assert [batches("bfloat16", *size) for size in sizes] == [[], [], [8192], [8192], [256, 8192]]
    wide = build(NeuralNetwork(6, 500, precision="bfloat16"), 28)
    assert not precision.in_pieces(build(LogisticRegression(), 28), 8192)
    assert not precision.in_pieces(build(type("Own", (NeuralNetwork,), {})(6, 500), 28), 8192)
    wide.another = tf.Module()  # a layer that the pieces do not know
    assert not precision.in_pieces(wide, 8192)
    del wide.another
    assert precision.in_pieces(wide, 8192)
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: False)
    assert not precision.in_pieces(wide, 8192)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("flags\t: fpu avx512f avx512_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t: fpu avx2", False),
        ("model name\t: avx512_bf16", False),
    ],
)
def test_a_processors_flags_say_whether_it_multiplies_bfloat16(lines, says, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(precision.Path, "read_text", lambda _: lines)
    assert precision.multiplies_bfloat16.__wrapped__() is says


def test_a_run_in_bfloat16_that_goes_on_is_bitwise_one_that_never_stopped(tmp_path):
    higgs = SimpleNamespace(train=make_events(300, 1, k=6), valid=make_events(200, 2, k=6), source="made")

    def run(epochs, name="bfloat16", folder=None):
        model, optimizer = NeuralNetwork(2, 16, True, 0.9, precision=name, seed=3), keras.optimizers.Adam()
        history = fit(model, higgs, optimizer, epochs, 64, seed=3, checkpoint_dir=folder)
        return [(epoch.loss, epoch.valid_auc) for epoch in history.epochs], predict(model, higgs.valid.x)

    curve, predicted = run(3)
    run(2, folder=tmp_path)
    again = run(3, folder=tmp_path)
    assert again[0] == curve
    np.testing.assert_array_equal(again[1], predicted)
    assert again[1].dtype == np.float32
    with pytest.raises(ValueError, match=r"model\.precision is 'bfloat16' there and 'float32' here"):
        run(3, "float32", tmp_path)


def test_a_second_network_in_bfloat16_uses_the_program_of_the_first(monkeypatch):
    made, init = [], programs.Program.__init__
    monkeypatch.setattr(programs.Program, "__init__", lambda *a: (made.append(1), init(*a))[1])
    first, second = steps("bfloat16"), steps("bfloat16")
    assert len(made) == 1
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    steps("float32")
    assert len(made) == 2


def test_streamed_events_are_trained_on_in_pieces(in_one):
    def loss():
        model = NeuralNetwork(2, 8, True, precision="bfloat16", seed=1)
        return train(model, make_events(150, k=6), keras.optimizers.SGD(0.1), 64, seed=4, stream=True)

    found = loss()
    in_one()
    assert found == pytest.approx(loss(), rel=3e-3)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision is 'float16'; it must be one of: float32, bfloat16"):
        NeuralNetwork(precision="float16")
