"""One compiled epoch for each shape: what it computes is what a network's own one does."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, train
from higgs_tutorial.nn.engine import programs
from higgs_tutorial.nn.engine.device import place
from higgs_tutorial.nn.engine.epoch import build_optimizer, epoch_graph
from higgs_tutorial.nn.engine.shuffle import seed_words
from higgs_tutorial.nn.schedules import make_schedule


@pytest.fixture
def made(monkeypatch):
    """The numbers of programs that this test makes, from none on."""
    monkeypatch.setattr(programs, "_programs", type(programs._programs)())
    found = []
    init = programs.Program.__init__
    monkeypatch.setattr(programs.Program, "__init__", lambda *a: (found.append(1), init(*a))[1])
    return found


def events(n=130, k=4, seed=0, weight=None):
    rng = np.random.default_rng(seed)
    return Dataset(rng.normal(size=(n, k)).astype("f"), rng.integers(0, 2, n).astype("f"), weight)


def of_its_own(model, optimizer, data, batch_size, seed):
    """An epoch by a graph that was made for these two objects."""
    model(data.x[:1], training=False)
    build_optimizer(optimizer, model)
    placed = place(data)
    return float(epoch_graph(model, optimizer, batch_size, placed)(*placed, tf.constant(seed_words(seed))))


def state(model, optimizer):
    return [v.numpy() for v in model.variables] + [np.asarray(v) for v in optimizer.variables]


def falling(rate):
    return keras.optimizers.schedules.ExponentialDecay(rate, 3, 0.5)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        lambda rate: keras.optimizers.Adam(rate),
        lambda rate: keras.optimizers.Adam(rate, use_ema=True),
        lambda rate: keras.optimizers.Adam(falling(0.01)),
        lambda rate: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
    ],
    ids=["nesterov", "adam", "ema", "schedule", "scaled"],
)
def test_the_second_network_of_a_shape_needs_no_program_and_trains_bitwise_as_with_its_own(optimizer, made):
    data = events()
    for seed, rate in ((1, 0.1), (2, 0.01)):  # other weights, another learning rate: the same program
        found, expected = [], []
        for losses, one in ((found, train_shared), (expected, of_its_own)):
            model, steps = NeuralNetwork(2, 6, True, 0.8, seed=seed), optimizer(rate)
            losses += [one(model, steps, data, 50, epoch) for epoch in range(3)]
            losses += state(model, steps)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(made) == 1


def train_shared(model, optimizer, data, batch_size, seed):
    return train(model, data, optimizer, batch_size, seed=seed)


def test_a_rate_that_is_set_between_epochs_is_used(made):
    data, outcomes = events(), []
    for one in (train_shared, of_its_own):
        model, optimizer = LogisticRegression(seed=1), keras.optimizers.SGD(0.1)
        one(model, optimizer, data, 50, 0)
        optimizer.learning_rate = 0.7
        one(model, optimizer, data, 50, 1)
        outcomes.append(model.regression.w.numpy())
    np.testing.assert_array_equal(*outcomes)
    assert len(made) == 1


@pytest.mark.parametrize("name", ["cosine", "exponential", "linear"])
def test_schedules_that_fall_from_other_rates_share_a_program(name, made):
    data = events()
    for rate in (0.1, 0.7):
        outcomes = []
        for one in (train_shared, of_its_own):
            model = LogisticRegression(seed=1)
            optimizer = keras.optimizers.SGD(make_schedule(name, rate, 6))
            losses = [one(model, optimizer, data, 50, epoch) for epoch in range(2)]
            outcomes.append([losses, *state(model, optimizer)])
            assert optimizer._learning_rate.initial_learning_rate == rate  # a number still, not the program's
        for a, b in zip(*outcomes, strict=True):
            np.testing.assert_array_equal(a, b)
    assert len(made) == 1
    train(LogisticRegression(), data, keras.optimizers.SGD(make_schedule(name, 0.1, 7)), 50, seed=0)
    assert len(made) == 2  # falls over other steps


class Doubled(NeuralNetwork):
    def __call__(self, x, training, seed=None):
        return 2 * super().__call__(x, training, seed)


def patched(model):
    model.dropout = lambda x, training, seed: x * 0.5
    return model


def with_other_dropout(model):
    model.dropout.keep_prob = 0.5
    return model


def frozen(model):
    model(np.zeros([1, 4], "f"), training=False)
    for variable in (model.linears[0].w, model.linears[0].b):
        variable._trainable = False
    return model


def without_decay_of_biases(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["b"])
    return optimizer


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        (lambda: Doubled(1, 5, seed=1), lambda: keras.optimizers.SGD(0.1)),
        (lambda: patched(NeuralNetwork(1, 5, seed=1)), lambda: keras.optimizers.SGD(0.1)),
        (lambda: with_other_dropout(NeuralNetwork(1, 5, seed=1)), lambda: keras.optimizers.SGD(0.1)),
        (lambda: frozen(NeuralNetwork(1, 5, seed=1)), lambda: keras.optimizers.SGD(0.1)),
        (
            lambda: NeuralNetwork(1, 5, seed=1),
            lambda: without_decay_of_biases(keras.optimizers.AdamW(0.1, weight_decay=0.5)),
        ),
        (lambda: NeuralNetwork(1, 5, seed=1), lambda: keras.optimizers.SGD(lambda: 0.3)),
    ],
    ids=["subclass", "patched", "attribute", "frozen", "no decay", "function"],
)
def test_what_only_looks_like_a_known_shape_gets_an_epoch_of_its_own(model, optimizer, made):
    data = events()
    train(NeuralNetwork(1, 5, seed=1), data, keras.optimizers.SGD(0.1), 50, seed=0)
    train(NeuralNetwork(1, 5, seed=1), data, keras.optimizers.AdamW(0.1, weight_decay=0.5), 50, seed=0)
    known = len(made)
    outcomes = []
    for one in (train_shared, of_its_own):
        network, steps = model(), optimizer()
        outcomes.append([one(network, steps, data, 50, epoch) for epoch in range(2)] + state(network, steps))
    for a, b in zip(*outcomes, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(made) == known == 2


def test_weighted_events_and_other_numbers_of_them_are_other_shapes(made):
    for data in (events(), events(weight=np.ones(130, "f")), events(131), events(130, 5)):
        train(LogisticRegression(), data, keras.optimizers.SGD(0.1), 50, seed=0)
    assert len(made) == 4


def test_so_many_are_kept_and_the_others_let_go(made, monkeypatch):
    monkeypatch.setattr(programs, "KEPT", 2)
    for n in (20, 21, 20, 22, 20):
        train(LogisticRegression(), events(n), keras.optimizers.SGD(0.1), 10, seed=0)
    assert len(made) == 3  # 20 was used last when 22 came, so 21 went
    held = [weakref.ref(program) for program in programs._programs.values()]
    programs._programs.clear()
    gc.collect()
    assert [program() for program in held] == [None, None]


def test_networks_of_one_shape_train_side_by_side(made):
    data = events(500)

    def final(seed):
        model, optimizer = NeuralNetwork(1, 8, True, seed=seed), keras.optimizers.Adam(0.01)
        for epoch in range(5):
            train(model, data, optimizer, 50, seed=epoch)
        return np.concatenate([v.numpy().ravel() for v in model.variables])

    one_by_one = [final(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(final, range(4)))
    np.testing.assert_array_equal(one_by_one, at_once)
    assert len(made) == 1


def test_an_epoch_that_fails_changes_nothing(made, monkeypatch):
    data, model, optimizer = events(), NeuralNetwork(1, 5, seed=1), keras.optimizers.Adam(0.1)
    train(model, data, optimizer, 50, seed=0)
    before = state(model, optimizer)
    (program,) = programs._programs.values()

    def interrupted(*arguments):
        program_run(*arguments)
        raise KeyboardInterrupt

    program_run = program._run
    monkeypatch.setattr(program, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, data, optimizer, 50, seed=1)
    for a, b in zip(before, state(model, optimizer), strict=True):
        np.testing.assert_array_equal(a, b)
