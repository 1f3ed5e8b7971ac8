import gc
import weakref
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from making import Table
from sklearn.metrics import roc_auc_score

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, evaluate, fit, predict, train
from higgs_tutorial.nn.training import epoch_seed


def one_hot_events(n):
    return Dataset(np.eye(n, dtype=np.float32), np.ones(n, np.float32))


@pytest.mark.parametrize(
    ("n", "batch_size"), [(1, 1), (7, 7), (64, 16), (61, 16), (5, 16), (61, 1), (33, 32), (257, 100)]
)
def test_each_event_is_used_exactly_once_an_epoch(n, batch_size):
    model, events = Table(n), one_hot_events(n)
    loss = train(model, events, keras.optimizers.SGD(1.0), batch_size, seed=3)
    assert loss == pytest.approx(np.log(2), rel=1e-6)
    full, rest = divmod(n, batch_size)
    expected = [0.5 / batch_size] * full * batch_size + [0.5 / max(rest, 1)] * rest
    np.testing.assert_allclose(np.sort(model.w[:, 0]), np.sort(expected), rtol=1e-5)


def test_epochs_have_different_orders_and_a_seed_decides_each():
    n, events, optimizer, model = 101, one_hot_events(101), keras.optimizers.SGD(1.0), Table(101)

    def last_event(seed):
        model.w.assign(tf.zeros_like(model.w))
        train(model, events, optimizer, n - 1, seed=seed)
        return int(np.argmax(model.w))

    found = [last_event(seed) for seed in range(12)]
    assert len(set(found)) > 8
    assert last_event(5) == found[5]


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.SGD(0.1),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.01),
        lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)),
        lambda: keras.optimizers.Adam(0.01, clipnorm=0.1),
    ],
    ids=["sgd", "nesterov", "adam", "adamw", "schedule", "clipped"],
)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_step_is_what_keras_does(make, batch_norm):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("f"), rng.integers(0, 2, 40).astype("f")
    events = Dataset(x, y)
    layers = [keras.Input((6,)), keras.layers.Dense(5, use_bias=not batch_norm)]
    layers += [keras.layers.BatchNormalization(epsilon=1e-8)] * batch_norm
    theirs = keras.Sequential([*layers, keras.layers.ReLU(), keras.layers.Dense(1)])
    model = NeuralNetwork(1, 5, batch_norm, seed=2)
    model(x, training=False)
    for ours, variable in zip(_in_kerass_order(model), theirs.trainable_variables, strict=True):
        variable.assign(ours)
    theirs.compile(make(), keras.losses.BinaryCrossentropy(from_logits=True))
    optimizer, losses = make(), []
    for epoch in range(5):
        losses.append(train(model, events, optimizer, 40, seed=epoch))
    expected = theirs.fit(x, y, batch_size=40, epochs=5, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for ours, variable in zip(_in_kerass_order(model), theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, variable, rtol=2e-3, atol=2e-4)
    assert int(optimizer.iterations) == 5


def _in_kerass_order(model):
    linear = model.linears[0]
    hidden = [linear.w, model.norms[0].gamma, model.norms[0].beta] if model.norms else [linear.w, linear.b]
    return [*hidden, model.regression.w, model.regression.b]


def test_weights_multiply_the_losses():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype("f"), rng.integers(0, 2, 60).astype("f")
    weight = rng.uniform(0, 3, 60).astype("f")
    events, model = Dataset(x, y), LogisticRegression(seed=1)
    model(x, training=False)
    w, b = (v.numpy().astype(np.float64) for v in (model.regression.w, model.regression.b))
    events.weight = weight
    loss = train(model, events, keras.optimizers.SGD(0.5), 60, seed=0)
    p = 1 / (1 + np.exp(-(x @ w + b)[:, 0]))
    losses = -np.where(y == 1, np.log(p), np.log(1 - p))
    assert loss == pytest.approx((weight * losses).mean(), rel=1e-5)
    gradient = x.T @ (weight * (p - y)) / 60
    np.testing.assert_allclose(model.regression.w[:, 0], w[:, 0] - 0.5 * gradient, rtol=1e-4, atol=1e-6)


def test_a_second_epoch_does_not_trace_again():
    class Counting(Table):
        calls = 0

        def __call__(self, x, training, seed=None):
            type(self).calls += training
            return super().__call__(x, training, seed)

    model, optimizer, events = Counting(21), keras.optimizers.Adam(), one_hot_events(21)
    for seed in range(3):
        train(model, events, optimizer, 10, seed=seed)
        assert Counting.calls == 1  # for the full batches and the short one alike


def test_training_many_models_prints_no_warning(caplog):
    events = one_hot_events(9)
    with caplog.at_level("WARNING"):
        for _ in range(6):
            train(Table(9), events, keras.optimizers.SGD(0.1), 4, seed=0)
    assert not caplog.records


def test_a_model_that_is_no_longer_used_is_let_go():
    model, optimizer = Table(9), keras.optimizers.SGD(0.1)
    train(model, one_hot_events(9), optimizer, 4, seed=0)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_the_same_seed_gives_bitwise_the_same_run(higgs):
    def run(seed):
        model = NeuralNetwork(2, 20, True, 0.8, seed=seed)
        return fit(model, higgs, keras.optimizers.Adam(), 3, 700, seed=seed)

    first, again = ([(e.loss, e.valid_auc) for e in run(seed).epochs] for seed in (1, 1))
    assert first == again


def test_without_a_seed_the_data_sets_generator_decides():
    model, optimizer = Table(40), keras.optimizers.SGD(1.0)
    events = Dataset(np.eye(40, dtype=np.float32), np.ones(40, np.float32))

    def last_events(seed):
        events.rng = np.random.default_rng(seed)
        found = []
        for _ in range(4):
            model.w.assign(tf.zeros_like(model.w))
            train(model, events, optimizer, 39)
            found.append(int(np.argmax(model.w)))
        return found

    assert last_events(1) == last_events(1)
    assert last_events(1) != last_events(2)


def test_a_run_that_goes_on_is_as_if_it_never_stopped(higgs):
    def make():
        return NeuralNetwork(1, 10, True, 0.8, seed=1), keras.optimizers.Adam(0.01)

    model, optimizer = make()
    whole = fit(model, higgs, optimizer, 4, 512, seed=7)
    model, optimizer = make()
    begun = fit(model, higgs, optimizer, 2, 512, seed=7)
    parts = fit(model, higgs, optimizer, 4, 512, seed=7, history=begun)
    assert [e.loss for e in parts.epochs] == [e.loss for e in whole.epochs]
    assert [e.valid_auc for e in parts.epochs] == [e.valid_auc for e in whole.epochs]
    assert len({epoch_seed(s, e) for s in range(20) for e in range(1, 50)}) == 20 * 49


def test_a_network_learns_what_logistic_regression_cannot(higgs):
    records = []
    network = NeuralNetwork(1, 50, True)
    history = fit(network, higgs, keras.optimizers.Adam(0.01), 10, 100, on_epoch=records.append)
    logistic = fit(LogisticRegression(), higgs, keras.optimizers.SGD(0.5), 10, 100)
    assert records == history.epochs
    assert history.epochs[-1].valid_auc > 0.9
    assert logistic.epochs[-1].valid_auc < history.epochs[-1].valid_auc - 0.02
    assert history.epochs[-1].loss < history.epochs[0].loss


@pytest.mark.parametrize("batch_size", [1, 33, 1000, 20_000])
def test_evaluate_scores_every_event(higgs, batch_size):
    model, events = NeuralNetwork(1, 8, True, seed=5), higgs.valid
    train(model, events, keras.optimizers.SGD(0.1), 500, seed=1)
    if batch_size == 1:
        events = Dataset(events.x[:60], events.y[:60])
    p = predict(model, events.x, batch_size)
    assert p.dtype == np.float32
    assert p.shape == (events.n,)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-model(events.x, training=False).numpy())), rtol=1e-4)
    assert evaluate(model, events, batch_size) == pytest.approx(roc_auc_score(events.y, p), abs=1e-12)


def test_predict_on_no_events_and_on_wrong_shapes():
    model = LogisticRegression()
    model(tf.zeros([1, 3]), training=False)
    assert predict(model, np.zeros([0, 3], np.float32)).shape == (0,)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        predict(model, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="is given 4 inputs; it must be 3"):
        predict(model, np.zeros([5, 4], np.float32))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, None, "8"])
def test_a_bad_batch_size_is_an_error(higgs, batch_size):
    model = LogisticRegression()
    calls = [
        lambda: train(model, higgs.train, keras.optimizers.SGD(), batch_size),
        lambda: fit(model, higgs, keras.optimizers.SGD(), 1, batch_size),
    ]
    if batch_size is not None:  # which lets evaluate choose
        calls.append(lambda: evaluate(model, higgs.valid, batch_size))
    for call in calls:
        with pytest.raises(ValueError, match="batch_size is"):
            call()


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True])
def test_a_bad_number_of_epochs_is_an_error(higgs, epochs):
    with pytest.raises(ValueError, match="epochs is"):
        fit(LogisticRegression(), higgs, keras.optimizers.SGD(), epochs, 100)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros([0, 3]), np.zeros(0), "no events"),
        (np.zeros([3]), np.zeros(3), "shape"),
        (np.zeros([3, 2]), np.zeros(4), "shape"),
        (np.zeros([3, 2]), np.zeros([3, 1]), "shape"),
        (np.zeros([3, 2]), np.array([0, 1, 2]), "label"),
        (np.zeros([3, 2]), np.array([0, 1, np.nan]), "label"),
    ],
)
def test_events_that_do_not_fit_are_an_error(x, y, message):
    class Events:
        n = len(x)

    events = Events()
    events.x, events.y = x.astype(np.float32), y.astype(np.float32)
    with pytest.raises(ValueError, match=message):
        train(LogisticRegression(), events, keras.optimizers.SGD(), 2, seed=0)


def test_a_loss_that_is_not_finite_names_the_epoch():
    x = np.ones([40, 3], np.float32)
    y = (np.arange(40) % 2).astype(np.float32)
    higgs = SimpleNamespace(train=Dataset(x, y), valid=Dataset(x, y))
    with pytest.raises(FloatingPointError, match=r"^epoch 2: the loss is .* smaller learning rate"):
        fit(_Explodes(), higgs, keras.optimizers.SGD(1.0), 5, 40)
    x[17, 1] = np.nan
    with pytest.raises(FloatingPointError, match="epoch 1: the loss is nan"):
        fit(
            LogisticRegression(),
            SimpleNamespace(train=Dataset(x, y), valid=Dataset(x, y)),
            keras.optimizers.SGD(),
            3,
            40,
        )


class _Explodes(tf.Module):
    """A model that is fine for one epoch of one step."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(0.0)
        self.calls = tf.Variable(0.0, trainable=False)

    def __call__(self, x, training, seed=None):
        if training:
            self.calls.assign_add(1.0)
        return self.w + 1 / tf.where(self.calls < 2, 1.0, 0.0) * tf.reduce_sum(x, 1)


def test_one_class_has_no_auc():
    events = Dataset(np.ones([5, 2], np.float32), np.ones(5, np.float32))
    with pytest.raises(ValueError, match="one class"):
        evaluate(LogisticRegression(), events)


def test_read_only_memory_maps_and_views_train_alike(tmp_path, higgs):
    rows = np.column_stack([higgs.train.y, higgs.train.x])
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    losses = [
        train(LogisticRegression(), events, keras.optimizers.SGD(0.1), 100, seed=1)
        for events in (higgs.train, Dataset(mapped[:, 1:], mapped[:, 0]))
    ]
    assert losses[0] == losses[1]


def optimizer_of_kind(kind, **settings):
    if kind == "LossScaleOptimizer":
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**20)
    if kind == "MultiOptimizer":
        return keras.optimizers.MultiOptimizer(lambda variable: keras.optimizers.SGD(0.1))
    return getattr(keras.optimizers, kind)(0.1, **settings)


KINDS = sorted(
    name
    for name, kind in vars(keras.optimizers).items()
    if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer) and name != "Optimizer"
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_optimizer_of_keras_steps_as_in_keras_or_says_why_not(kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("f"), rng.integers(0, 2, 40).astype("f")
    model, events, optimizer = LogisticRegression(seed=2), Dataset(x, y), optimizer_of_kind(kind)
    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    theirs.set_weights([v.numpy() for v in weights_of(model, x)])
    # Compiled, Keras's fit starts the momentum of ScheduleFreeAdamW at zero and not at the weights; eager it is right.
    eager = kind == "ScheduleFreeAdamW"
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    theirs.compile(optimizer_of_kind(kind), loss, run_eagerly=eager)
    if kind in ("Adafactor", "Muon"):
        with pytest.raises(ValueError, match=rf"{kind} cannot train these layers.*another optimizer"):
            train(model, events, optimizer, 40, seed=0)
        return
    losses = [train(model, events, optimizer, 40, seed=epoch) for epoch in range(3)]
    expected = theirs.fit(x, y, batch_size=40, epochs=3, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for ours, variable in zip(weights_of(model, x), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(ours, variable, rtol=2e-3, atol=2e-4)


def weights_of(model, x):
    model(x, training=False)
    return [model.regression.w, model.regression.b]


def test_a_scaled_loss_trains_as_one_that_is_not(tmp_path):
    """Whatever the factor, the optimizer takes it back; a run with it goes on from its checkpoints."""
    higgs = SimpleNamespace(train=random_events(500, 1), valid=random_events(200, 2))
    kinds = {
        "plain": lambda: keras.optimizers.Adam(0.01),
        "factor": lambda: keras.optimizers.Adam(0.01, loss_scale_factor=1024.0),
        "dynamic": lambda: keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(0.01), initial_scale=1024.0, dynamic_growth_steps=3
        ),
    }
    found = {
        name: fit(NeuralNetwork(1, 8, True, seed=1), higgs, make(), 3, 100, seed=4).epochs
        for name, make in kinds.items()
    }
    for name in ("factor", "dynamic"):
        losses = [[epoch.loss for epoch in found[which]] for which in ("plain", name)]
        np.testing.assert_allclose(*losses, rtol=1e-3)
    for epochs in (2, 3):
        again = fit(
            NeuralNetwork(1, 8, True, seed=1), higgs, kinds["dynamic"](), epochs, 100, seed=4,
            checkpoint_dir=tmp_path,
        ).epochs  # fmt: skip
    assert [epoch.loss for epoch in again] == [epoch.loss for epoch in found["dynamic"]]


def test_a_dynamic_scale_passes_over_steps_that_overflow():
    events, model = random_events(400, 1), LogisticRegression(seed=1)
    events.x *= 10
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=3e38)
    losses = [train(model, events, optimizer, 40, seed=epoch) for epoch in range(3)]
    assert float(optimizer.dynamic_scale) < 3e38  # it did overflow
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("stream", [False, True])
def test_wrong_weights_are_refused_whatever_reads_them(stream):
    events = random_events(50, 1)

    def refused(weight, says):
        class Events:
            x, y, n, rng = events.x, events.y, 50, events.rng

        data = Events()
        data.weight = weight
        with pytest.raises(ValueError, match=says):
            train(LogisticRegression(), data, keras.optimizers.SGD(0.1), 20, seed=1, stream=stream)

    ones = np.ones(50, np.float32)
    refused(ones[:49], "weight has shape")
    refused(ones[:, None], "weight has shape")
    refused(np.append(ones[:49], np.float32(np.nan)), r"weight\[\d+\] is nan")
    refused(np.append(ones[:49], np.float32(-0.5)), r"weight\[49\] is -0.5; with negative weights")


def random_events(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype("f")
    return Dataset(x, (x[:, 0] + rng.normal(size=n) > 0).astype("f"))
