"""What the lessons write out (cells tagged `from-scratch`) does what the package does, on random data."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from notebook_rules import FROM_SCRATCH, code_cells, tags
from sklearn.metrics import roc_auc_score

import higgs_tutorial as package
from higgs_tutorial.cli.tables import auc_error
from higgs_tutorial.nn.shares import keep_mask

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
COMPILED = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])


@pytest.fixture
def without_compiling() -> Iterator[None]:
    """Run graphs as they are written: a few steps need no compiler, which would take longer than they do."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@cache
def lesson(number: str) -> SimpleNamespace:
    """The definitions in the tagged cells of notebook `number`, with all that the notebook imports."""
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    cells = [cell for _, cell in code_cells(nbformat.read(path, as_version=4))]
    imports = [
        node
        for cell in cells
        for node in ast.parse(cell.source).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    names: dict = {"__name__": f"lesson_{number}"}
    exec(compile(ast.Module(imports, []), path.name, "exec"), names)
    imported = set(names)
    for cell in cells:
        if FROM_SCRATCH in tags(cell):
            file = f"<{path.name}, {cell.id}>"  # AutoGraph asks for the source, as it does in a kernel
            linecache.cache[file] = len(cell.source), None, cell.source.splitlines(keepends=True), file
            exec(compile(cell.source, file, "exec"), names)
    return SimpleNamespace(**{name: value for name, value in names.items() if name not in imported})


def events(n: int = 300, k: int = 28, seed: int = 0) -> package.Dataset:
    rng = np.random.default_rng(seed)
    x = (3 * rng.normal(size=(n, k)) + rng.normal(size=k)).astype(np.float32)
    y = (x[:, 0] - x[:, 1] + rng.normal(size=n) > 0).astype(np.float32)
    return package.Dataset(x, y, seed=seed)


def give_weights(source: tf.Module, target: tf.Module) -> None:
    """Copy all variables: both modules hold linear layers, norms and the last layer, in that order."""
    for kind in ("linears", "norms"):
        for old, new in zip(getattr(target, kind, ()), getattr(source, kind, ()), strict=True):
            copy_layer(new, old)
    copy_layer(source.regression, target.regression)


def copy_layer(source: tf.Module, target: tf.Module) -> None:
    for name in ("w", "b", "gamma", "beta", "moving_mean", "moving_variance", "moving_weight"):
        if getattr(source, name, None) is not None:
            getattr(target, name).assign(getattr(source, name))


def same_variables(first: tf.Module, second: tf.Module) -> bool:
    """Whether both have the same trained numbers, whatever they are called."""
    pairs = zip(shaped(first.trainable_variables), shaped(second.trainable_variables), strict=True)
    return all(np.allclose(one, other, **CLOSE) for one, other in pairs)


def shaped(variables):
    return sorted((v.numpy() for v in variables), key=lambda v: (v.shape, v.ravel()[0]))


def train_as_package(lesson_model, package_model, epochs: int = 3) -> None:
    """With one batch of all events the order plays no role, so the two must end with the same weights."""
    data, own, reference = events(), keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)
    for _ in range(epochs):
        ours = package.train(lesson_model, data, own, data.n, seed=1)
        theirs = package.train(package_model, data, reference, data.n, seed=1)
        assert np.isclose(ours, theirs, **CLOSE)
    assert same_variables(lesson_model, package_model)
    assert np.isclose(package.evaluate(lesson_model, data), package.evaluate(package_model, data), atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_03_the_tape_has_the_gradients_of_tensorflow(seed: int):
    start = np.random.default_rng(seed).normal(size=3)

    def calculate(a, b, c, sigmoid, log):
        used_twice = a * b + sigmoid(a)
        return -log(sigmoid(used_twice * used_twice + c)) * used_twice

    own = lesson("03").Tape()
    ours = [own.number(float(value)) for value in start]
    result = calculate(*ours, lambda number: number.sigmoid(), lambda number: number.log())
    theirs = [tf.Variable(value) for value in start]
    with tf.GradientTape() as tape:
        expected = calculate(*theirs, tf.sigmoid, tf.math.log)
    assert np.isclose(result.value, expected)
    assert np.allclose(own.gradient(result, ours), tape.gradient(expected, theirs))
    assert own.gradient(ours[0] * ours[0], [ours[1]]) == [None]


@COMPILED
def test_05_linear(compiled: bool):
    x = tf.constant(events(40, 7).x)
    ours, theirs = lesson("05").Linear(5, seed=3), package.Linear(5, seed=3)
    ours(x), theirs(x)
    assert ours.w.shape == (7, 5)
    assert np.array_equal(ours.w, theirs.w)
    ours.b.assign(tf.range(5.0))
    theirs.b.assign(tf.range(5.0))
    call = tf.function(ours.__call__) if compiled else ours
    assert np.allclose(call(x), theirs(x), **CLOSE)


def test_05_logistic_regression():
    data = events()
    ours, theirs = lesson("05").LogisticRegression(seed=4), package.LogisticRegression(seed=4)
    assert np.allclose(ours(data.x, training=False), theirs(data.x, training=False), **CLOSE)
    assert ours(data.x, training=True).shape == (data.n,)


def test_05_gradient_descent():
    rng = np.random.default_rng(5)
    ours, theirs = (tf.Variable(tf.ones([4, 3])) for _ in range(2))
    own, reference = lesson("05").GradientDescent(0.3), keras.optimizers.SGD(0.3)
    reference.build([theirs])
    for _ in range(4):
        gradient = tf.constant(rng.normal(size=(4, 3)), tf.float32)
        own.apply([gradient], [ours])
        reference.apply([gradient], [theirs])
    assert not np.allclose(ours, 1)
    assert np.allclose(ours, theirs, **CLOSE)


@pytest.mark.usefixtures("without_compiling")
def test_05_train_takes_the_steps_of_the_package():
    data = events()
    ours, theirs = lesson("05").LogisticRegression(), package.LogisticRegression()
    descent, sgd = lesson("05").GradientDescent(0.1), keras.optimizers.SGD(0.1)
    for _ in range(5):
        loss = lesson("05").train(ours, data, descent, data.n)
        assert np.isclose(loss, package.train(theirs, data, sgd, data.n), **CLOSE)
    assert same_variables(ours, theirs)


@pytest.mark.usefixtures("without_compiling")
def test_05_train_uses_every_event_once_and_weighs_the_short_batch():
    data = events()  # 300 events in batches of 128: 128, 128, 44
    ours, theirs = lesson("05").LogisticRegression(), package.LogisticRegression()
    frozen = lesson("05").GradientDescent(0.0)
    whole = package.train(theirs, data, keras.optimizers.SGD(1e-12), data.n)
    assert np.isclose(lesson("05").train(ours, data, frozen, 128), whole, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [300, 128, 7])
def test_05_evaluate_scores_every_event(batch_size: int):
    data = events()
    model = package.LogisticRegression(seed=1)
    assert np.isclose(
        lesson("05").evaluate(model, data, batch_size), package.evaluate(model, data), atol=1e-4
    )


def test_05_compiled_epoch_takes_the_steps_of_the_package():
    data = events()
    ours, theirs = package.LogisticRegression(), package.LogisticRegression()
    ours(data.x, training=False)
    epoch = lesson("05").compiled_epoch(ours, lesson("05").GradientDescent(0.1), data.n)
    sgd = keras.optimizers.SGD(0.1)
    for number in range(3):
        loss = float(epoch(tf.constant(data.x), tf.constant(data.y), (0, number)))
        assert np.isclose(loss, package.train(theirs, data, sgd, data.n), **CLOSE)
    assert same_variables(ours, theirs)


def test_05_compiled_epoch_uses_every_event_of_its_batches_once():
    data = events()  # in batches of 75: four, and no rest
    model = package.LogisticRegression()
    model(data.x, training=False)
    frozen = lesson("05").compiled_epoch(model, lesson("05").GradientDescent(0.0), 75)
    found = [float(frozen(tf.constant(data.x), tf.constant(data.y), (0, number))) for number in range(2)]
    whole = keras.losses.BinaryCrossentropy(from_logits=True)(data.y, model(data.x, training=False))
    assert np.allclose(found, whole, rtol=1e-5)


@pytest.mark.usefixtures("without_compiling")
@pytest.mark.parametrize("num_layers", [1, 3])
def test_06_neural_network(num_layers: int):
    data = events()
    ours = lesson("06").NeuralNetwork(num_layers=num_layers, size=10, seed=2)
    theirs = package.NeuralNetwork(num_layers=num_layers, size=10, seed=2)
    ours(data.x, training=False), theirs(data.x, training=False)
    give_weights(ours, theirs)
    assert np.allclose(ours(data.x, training=False), theirs(data.x, training=False), **CLOSE)
    train_as_package(ours, theirs)


@COMPILED
def test_07_batch_statistics(compiled: bool):
    x = tf.constant(events(60, 4).x)
    gamma, beta = tf.constant([1.0, 2.0, -1.0, 0.5]), tf.constant([0.0, 1.0, 2.0, -3.0])
    theirs = package.BatchNorm(statistics="batch")
    theirs(x, training=True)
    theirs.gamma.assign(gamma)
    theirs.beta.assign(beta)
    batch_norm = lesson("07").batch_norm
    ours = (tf.function(batch_norm) if compiled else batch_norm)(x, gamma, beta)
    assert np.allclose(ours, theirs(x, training=False), **CLOSE)


@COMPILED
def test_07_moving_averages(compiled: bool):
    ours, theirs = lesson("07").BatchNorm(momentum=0.8), package.BatchNorm(momentum=0.8)
    batches = [tf.constant(events(50, 4, seed).x) for seed in range(6)]
    assert np.allclose(ours(batches[0], training=False), theirs(batches[0], training=False), **CLOSE)
    call = tf.function(ours.__call__) if compiled else ours
    for batch in batches:
        assert np.allclose(call(batch, training=True), theirs(batch, training=True), **CLOSE)
        for name in ("moving_mean", "moving_variance", "moving_weight"):
            assert np.allclose(getattr(ours, name), getattr(theirs, name), **CLOSE)
        for few in (batch[:1], batch):
            assert np.allclose(call(few, training=False), theirs(few, training=False), **CLOSE)
    assert not np.allclose(ours.moving_mean, batches[-1].numpy().mean(0), atol=1e-3)


def test_07_gradients():
    x = tf.constant(events(50, 4).x)
    weights = tf.constant(np.random.default_rng(1).normal(size=(50, 4)), tf.float32)
    found = []
    for norm in (lesson("07").BatchNorm(), package.BatchNorm()):
        norm(x, training=False)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(weights * norm(x, training=True))
        found.append(tape.gradient(loss, [x, norm.gamma, norm.beta]))
    for ours, theirs in zip(*found, strict=True):
        assert np.allclose(ours, theirs, **CLOSE)


@pytest.mark.usefixtures("without_compiling")
@pytest.mark.parametrize("num_layers", [1, 3])
def test_07_network(num_layers: int):
    data = events()
    ours = lesson("07").BNNeuralNetwork(num_layers=num_layers, size=10, seed=2)
    theirs = package.NeuralNetwork(num_layers=num_layers, size=10, batch_norm=True, seed=2)
    ours(data.x, training=False), theirs(data.x, training=False)
    give_weights(ours, theirs)
    for training in (False, True, False):
        assert np.allclose(ours(data.x, training=training), theirs(data.x, training=training), **CLOSE)
    train_as_package(ours, theirs)


@COMPILED
def test_08_adam_is_the_adam_of_keras(compiled: bool):
    rng = np.random.default_rng(6)
    shapes = [(5, 3), (3,), ()]
    ours, theirs = ([tf.Variable(tf.ones(shape)) for shape in shapes] for _ in range(2))
    settings = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6}
    own, reference = lesson("08").Adam(**settings), keras.optimizers.Adam(**settings)
    own.build(ours)
    reference.build(theirs)
    assert own.built
    step = tf.function(lambda *gradients: own.apply(list(gradients), ours)) if compiled else None
    for _ in range(40):
        gradients = [
            tf.constant(10.0 ** rng.integers(-3, 4) * rng.normal(size=s), tf.float32) for s in shapes
        ]
        step(*gradients) if compiled else own.apply(gradients, ours)
        reference.apply(gradients, theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert not np.allclose(one, 1, atol=1e-3)
        assert np.allclose(one, other, **CLOSE)


@pytest.mark.usefixtures("without_compiling")
def test_08_adam_has_the_defaults_of_keras_and_trains_like_it():
    data = events()
    models = [package.NeuralNetwork(1, 10, batch_norm=True, seed=1) for _ in range(2)]
    own, reference = lesson("08").Adam(), keras.optimizers.Adam()
    for _ in range(5):
        ours = package.train(models[0], data, own, data.n, seed=2)
        assert np.isclose(ours, package.train(models[1], data, reference, data.n, seed=2), **CLOSE)
    assert same_variables(*models)


@pytest.mark.parametrize("rung", [rung for rung in package.LADDER.values() if rung.batch_norm])
def test_09_parameters(rung):
    model = rung.model()
    model(events(2).x, training=False)
    count = sum(int(tf.size(variable)) for variable in model.trainable_variables)
    assert lesson("09").parameters(rung.num_layers, rung.size) == count


@COMPILED
def test_09_saw_is_the_tooth_applied_again_and_again(compiled: bool):
    x = tf.random.stateless_uniform([200, 1], seed=(1, 2))
    repeated = x[:, 0]
    for depth in range(1, 6):
        repeated = lesson("09").tooth(repeated)
        model = lesson("09").saw(depth)
        out = (tf.function(model.__call__) if compiled else model)(x, training=False)
        assert np.allclose(out, repeated, atol=1e-4)
        assert len(model.linears) == depth
    assert np.allclose(lesson("09").tooth(tf.constant([0.0, 0.25, 0.5, 0.75, 1.0])), [0, 0.5, 1, 0.5, 0])


@pytest.mark.parametrize(("signal", "background"), [(200, 200), (100, 400)])
@pytest.mark.parametrize("scale", [1.5, 6.0])
def test_09_error_of_an_auc_is_its_spread(signal: int, background: int, scale: float):
    rng = np.random.default_rng(7)  # exponential scores, for which the formula is exact
    labels = np.repeat([1, 0], [signal, background])
    aucs = [roc_auc_score(labels, rng.exponential(np.where(labels, scale, 1))) for _ in range(400)]
    assert np.isclose(np.mean(aucs), scale / (1 + scale), atol=0.01)
    assert np.isclose(lesson("09").auc_error(np.mean(aucs), signal, background), np.std(aucs), rtol=0.15)
    assert np.isclose(lesson("09").auc_error(0.5, 100, 100), np.sqrt(201 / 12) / 100)  # Mann and Whitney's
    for auc in (0.5, 0.7, 0.99):
        assert np.isclose(lesson("09").auc_error(auc, signal, background), auc_error(auc, signal, background))


def test_09_measure():
    data = events()
    model = package.NeuralNetwork(num_layers=2, size=10, batch_norm=True, seed=1)
    loss, auc = lesson("09").measure(model, data)
    logits = model(data.x, training=False)
    assert np.isclose(loss, keras.losses.BinaryCrossentropy(from_logits=True)(data.y, logits), **CLOSE)
    assert np.isclose(auc, package.evaluate(model, data), atol=1e-6)


@pytest.mark.usefixtures("without_compiling")
def test_09_watch_trains_on_the_portions_in_turn_and_measures_after_each():
    portions, held_out = [events(100, seed=1), events(100, seed=2)], events(50, seed=3)
    models = [package.NeuralNetwork(1, 10, batch_norm=True, seed=1) for _ in range(2)]
    own, reference = keras.optimizers.Adam(), keras.optimizers.Adam()
    seen = lesson("09").watch(models[0], own, portions, portions[0], held_out, rounds=3, batch_size=40)
    for number, row in enumerate(seen):
        package.train(models[1], portions[number % 2], reference, 40, seed=number)
        measure = lesson("09").measure
        assert np.allclose(row, [*measure(models[1], portions[0]), *measure(models[1], held_out)], atol=1e-5)
    assert seen.shape == (3, 4)
    assert same_variables(*models)


def give_masks(keep_prob: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lesson's dropout draw the package's masks, which need `keep_prob` as a number."""
    names = lesson("10").Dropout.__call__.__globals__
    monkeypatch.setitem(names, "keep_mask", lambda shape, _, seed: keep_mask(shape, keep_prob, seed))


@COMPILED
def test_10_dropout_is_the_package_s_given_the_same_mask(compiled: bool, monkeypatch: pytest.MonkeyPatch):
    dropout = lesson("10").Dropout
    x = tf.constant(events(50, 40).x)
    for keep_prob in (0.9, 0.5):
        give_masks(keep_prob, monkeypatch)
        ours, theirs = dropout(keep_prob), package.Dropout(keep_prob)
        call = tf.function(ours.__call__) if compiled else ours
        for seed in ((1, 2), (3, 4)):
            out = call(x, training=True, seed=seed)
            assert np.array_equal(out == 0, theirs(x, training=True, seed=seed) == 0)
            assert np.allclose(out, theirs(x, training=True, seed=seed), **CLOSE)
            assert 0 < np.mean(out == 0) < 1
        assert np.array_equal(call(x, training=False), theirs(x, training=False))


@pytest.mark.parametrize("keep_prob", [0.9, 0.5])
def test_10_masks_are_distributed_as_the_package_s(keep_prob: float):
    shape, tolerance = (400, 500), 5 * np.sqrt(keep_prob * (1 - keep_prob))
    for draw in (lesson("10").keep_mask, keep_mask):
        one, other = (np.asarray(draw(shape, keep_prob, seed)) for seed in ((8, 1), (8, 2)))
        assert abs(one.mean() - keep_prob) < tolerance / np.sqrt(one.size)
        assert np.abs(one.mean(0) - keep_prob).max() < tolerance / np.sqrt(400)
        assert np.abs(one.mean(1) - keep_prob).max() < tolerance / np.sqrt(500)
        for another in (other, np.roll(one, 1, axis=0), np.roll(one, 1, axis=1)):  # independent of each other
            assert abs(np.corrcoef(one.ravel(), another.ravel())[0, 1]) < 5 / np.sqrt(one.size)


def test_10_keep_prob_can_be_changed_without_a_new_graph():
    dropout, x = lesson("10").Dropout(0.9), tf.ones([100, 100])
    call = tf.function(dropout.__call__)
    for keep_prob in (0.9, 0.3):
        dropout.keep_prob.assign(keep_prob)
        assert np.allclose(np.mean(call(x, training=True, seed=(0, 1)) > 0), keep_prob, atol=0.03)
    assert call.experimental_get_tracing_count() == 1
    assert not dropout.trainable_variables


@pytest.mark.usefixtures("without_compiling")
@pytest.mark.parametrize("num_layers", [1, 3])
def test_10_network(num_layers: int, monkeypatch: pytest.MonkeyPatch):
    data = events()
    give_masks(0.8, monkeypatch)
    ours = lesson("10").DropoutNetwork(num_layers=num_layers, size=10, keep_prob=0.8, seed=2)
    theirs = package.NeuralNetwork(num_layers=num_layers, size=10, batch_norm=True, keep_prob=0.8, seed=2)
    ours(data.x, training=False), theirs(data.x, training=False)
    give_weights(ours, theirs)
    assert np.allclose(ours(data.x, training=False), theirs(data.x, training=False), **CLOSE)
    noisy = ours(data.x, training=True, seed=tf.constant([4, 5]))
    assert np.allclose(noisy, theirs(data.x, training=True, seed=(4, 5)), **CLOSE)
    assert not np.allclose(noisy, ours(data.x, training=False), atol=0.1)
    train_as_package(ours, theirs)


def test_11_cosine_is_the_schedule():
    ours, theirs = lesson("11").cosine, package.make_schedule("cosine", 0.02, 40)
    assert np.allclose(
        [ours(step, 40, 0.02) for step in range(41)], [theirs(step) for step in range(41)], atol=1e-8
    )


@COMPILED
def test_11_the_exponential_average_is_the_one_of_keras(compiled: bool):
    rng = np.random.default_rng(8)
    shapes = [(5, 3), (3,)]
    ours, theirs = ([tf.Variable(tf.ones(shape)) for shape in shapes] for _ in range(2))
    own = lesson("11").WithAverage(keras.optimizers.Adam(0.02), momentum=0.8)
    reference = keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.8)
    own.build(ours)
    reference.build(theirs)
    step = tf.function(lambda *gradients: own.apply(list(gradients), ours)) if compiled else None
    for _ in range(12):
        gradients = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
        step(*gradients) if compiled else own.apply(gradients, ours)
        reference.apply(gradients, theirs)
    assert all(np.allclose(one, other, **CLOSE) for one, other in zip(ours, theirs, strict=True))
    reference.finalize_variable_values(theirs)
    for average, weights, expected in zip(own.averages, ours, theirs, strict=True):
        assert not np.allclose(average, weights, atol=1e-3)
        assert np.allclose(average, expected, **CLOSE)


@pytest.mark.usefixtures("without_compiling")
@pytest.mark.parametrize("average", ["ema", 2])
def test_11_both_averages_are_those_of_fit(average: str | int):
    data, steps = events(), 3
    higgs = SimpleNamespace(train=data, valid=data)
    ours, theirs = (package.NeuralNetwork(2, 10, batch_norm=True, seed=1) for _ in range(2))
    kept = {"use_ema": True, "ema_momentum": 0.8} if average == "ema" else {}
    package.fit(theirs, higgs, keras.optimizers.Adam(0.01, **kept), 3, data.n // steps, average=average)
    own, ends = lesson("11").WithAverage(keras.optimizers.Adam(0.01), momentum=0.8), []

    def note(epoch):
        ends.append([variable.numpy() for variable in ours.trainable_variables])

    package.fit(ours, higgs, own, 3, data.n // steps, on_epoch=note)
    weights = own.averages if average == "ema" else lesson("11").mean_of(ends[-2:])
    lesson("11").with_weights(ours, weights, data.x)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        if "moving_weight" not in one.name:  # how fast batch norm would forget if training went on from here
            assert np.allclose(one, other, **CLOSE)
    assert np.isclose(package.evaluate(ours, data), package.evaluate(theirs, data), atol=1e-4)
