"""Averages of weights, against NumPy, and going on with them bit for bit."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from making import make_events

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, evaluate, fit, train
from higgs_tutorial.nn.engine import batch_statistics
from higgs_tutorial.nn.engine.batch_statistics import measure_batch_norm

MOMENTUM = 0.8


@pytest.fixture(scope="module")
def small():
    return SimpleNamespace(train=make_events(500, 1), valid=make_events(200, 2), source="made")


def network(keep_prob=0.8):
    return NeuralNetwork(2, 8, True, keep_prob, seed=3)


def adam(average):
    kept = {"use_ema": True, "ema_momentum": MOMENTUM} if average == "ema" else {}
    return keras.optimizers.Adam(0.01, **kept)


def weights(model):
    return [variable.numpy() for variable in model.trainable_variables]


def scores(history):
    return [(epoch.epoch, epoch.loss, epoch.valid_auc) for epoch in history.epochs]


def path(higgs, epochs, batch_size):
    """The weights after each epoch of a run that averages nothing."""
    model, found = network(), []
    fit(model, higgs, adam(None), epochs, batch_size, seed=5, on_epoch=lambda _: found.append(weights(model)))
    return found


def test_the_mean_of_the_last_epochs_is_numpys(small):
    after, seen, model = path(small, 5, 100), [], network()
    history = fit(
        model, small, adam(3), 5, 100, seed=5, average=3, on_epoch=lambda _: seen.append(weights(model))
    )
    for epoch in range(5):
        window = after[max(0, epoch - 2) : epoch + 1]
        for found, *values in zip(seen[epoch], *window, strict=True):
            np.testing.assert_allclose(found, np.mean(values, axis=0), rtol=1e-6, atol=1e-7)
    for found, last in zip(weights(model), seen[-1], strict=True):
        np.testing.assert_array_equal(found, last)
    assert evaluate(model, small.valid) == history.epochs[-1].valid_auc


def test_the_exponential_average_is_numpys(small):
    one_step = SimpleNamespace(train=small.train, valid=small.valid)
    after = path(one_step, 6, 500)  # an epoch is a step
    expected = after[0]
    for values in after[1:]:
        expected = [MOMENTUM * e + (1 - MOMENTUM) * v for e, v in zip(expected, values, strict=True)]
    model = network()
    fit(model, one_step, adam("ema"), 6, 500, seed=5, average="ema")
    for found, value in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("average", ["ema", 2])
def test_training_goes_on_from_the_weights_themselves(small, average):
    plain, averaged = (
        fit(network(), small, adam(a), 4, 100, seed=5, average=a).epochs for a in (None, average)
    )
    assert [e.loss for e in averaged] == [e.loss for e in plain]
    assert [e.valid_auc for e in averaged[1:]] != [e.valid_auc for e in plain[1:]]


@pytest.mark.parametrize("average", ["ema", 3])
def test_going_on_is_bitwise_the_run_that_never_stopped(small, tmp_path, average):
    def run(folder, epochs):
        model = network()
        history = fit(
            model, small, adam(average), epochs, 100, seed=5, average=average, checkpoint_dir=folder
        )
        return scores(history), [variable.numpy() for variable in model.variables]

    whole, expected = run(None, 5)
    begun, _ = run(tmp_path, 2)
    assert begun == whole[:2]
    for _ in range(2):  # the second time nothing is left to do, and the average must be there all the same
        ended, found = run(tmp_path, 5)
        assert ended == whole
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_checkpoints_of_another_average_or_schedule_are_refused(small, tmp_path):
    def run(average, rate=0.01, **kept):
        optimizer = keras.optimizers.SGD(rate, **kept)
        fit(LogisticRegression(), small, optimizer, 2, 100, average=average, checkpoint_dir=tmp_path)

    run(2)
    for bad, says in (
        ({"average": 3}, "average is 2 there and 3 here"),
        ({"average": None}, "average is 2 there and None here"),
        ({"average": "ema", "use_ema": True}, "average is 2 there and 'ema' here"),
        ({"average": 2, "rate": keras.optimizers.schedules.CosineDecay(0.01, 10)}, "learning_rate is 0.0"),
    ):
        with pytest.raises(ValueError, match=says):
            run(**bad)


def test_batch_norm_of_one_batch_is_what_the_layer_computes(small):
    model, x = network(keep_prob=1.0), small.train.x
    train(model, small.train, adam(None), 100, seed=1)
    measure_batch_norm(model, small.train)
    np.testing.assert_allclose(model(x, training=False), model(x, training=True), rtol=1e-4, atol=1e-5)
    hidden = x @ model.linears[0].w.numpy()
    np.testing.assert_allclose(model.norms[0].moving_mean, hidden.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.norms[0].moving_variance, hidden.var(0), rtol=1e-5)


def test_batch_norm_of_many_batches_is_that_of_all_events(small, monkeypatch):
    monkeypatch.setattr(batch_statistics, "BATCH", 77)
    model = network(keep_prob=1.0)
    model(small.train.x, training=False)
    measure_batch_norm(model, small.train)
    hidden = small.train.x @ model.linears[0].w.numpy()
    np.testing.assert_allclose(model.norms[0].moving_mean, hidden.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.norms[0].moving_variance, hidden.var(0), rtol=1e-5)
    monkeypatch.setattr(batch_statistics, "EVENTS", 100)
    measure_batch_norm(model, small.train)
    chosen = np.linspace(0, 499, 100).astype(int)
    np.testing.assert_allclose(model.norms[0].moving_mean, hidden[chosen].mean(0), atol=1e-6)


def test_averaged_moving_averages_would_be_wrong(small):
    """The reason for measuring: averaged weights make smaller activations than any of those averaged."""
    model, found = network(keep_prob=1.0), []
    model(small.train.x, training=False)
    rng = np.random.default_rng(0)
    w = model.linears[0].w
    start = w.numpy()
    for _ in range(4):
        w.assign(start + rng.normal(size=w.shape))
        measure_batch_norm(model, small.train)
        found.append((w.numpy(), model.norms[0].moving_variance.numpy()))
    w.assign(np.mean([weight for weight, _ in found], axis=0))
    measure_batch_norm(model, small.train)
    assert (model.norms[0].moving_variance.numpy() < np.mean([v for _, v in found], axis=0)).all()


def test_dropout_masks_of_the_measuring_are_a_function_of_the_seed(small):
    model, found = network(keep_prob=0.5), []
    model(small.train.x, training=False)
    for seed in (1, 1, 2):
        measure_batch_norm(model, small.train, seed)
        found.append(model.norms[1].moving_mean.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_an_optimizer_need_not_be_kerass(small):
    class Descent(tf.Module):
        built = True

        def apply(self, gradients, variables):
            for gradient, variable in zip(gradients, variables, strict=True):
                variable.assign_sub(0.1 * gradient)

    for average in (None, 2):
        history = fit(network(), small, Descent(), 2, 100, average=average)
        assert history.epochs[-1].loss < history.epochs[0].loss
    with pytest.raises(ValueError, match="average='ema' needs an optimizer"):
        fit(network(), small, Descent(), 2, 100, average="ema")


def test_same_seed_same_average(small):
    first, again = (scores(fit(network(), small, adam(2), 3, 100, average=2)) for _ in range(2))
    assert first == again


def test_an_error_in_on_epoch_leaves_the_weights_themselves(small):
    def stop(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    model = network()
    with pytest.raises(KeyboardInterrupt):
        fit(model, small, adam(2), 3, 100, seed=5, average=2, on_epoch=stop)
    for found, expected in zip(weights(model), path(small, 2, 100)[-1], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("average", [0, 1, -2, True, 2.5, "3", "swa"])
def test_a_bad_average_is_an_error(small, average):
    with pytest.raises(ValueError, match="it must be 'ema' or a number of epochs, 2 or more"):
        fit(network(), small, adam(None), 1, 100, average=average)


def test_what_cannot_be_averaged_is_an_error(small):
    with pytest.raises(ValueError, match=r"average='ema' needs an optimizer .*use_ema=True"):
        fit(network(), small, adam(None), 1, 100, average="ema")
    with pytest.raises(ValueError, match="nothing uses: give average='ema'"):
        fit(network(), small, adam("ema"), 1, 100)
    with pytest.raises(ValueError, match="give average='ema' and not 2"):
        fit(network(), small, adam("ema"), 1, 100, average=2)
    begun = fit(network(), small, adam(2), 1, 100, average=2)
    with pytest.raises(ValueError, match="from its checkpoints"):
        fit(network(), small, adam(2), 2, 100, average=2, history=begun)
    with (
        tf.distribute.MirroredStrategy(["CPU:0"]).scope(),
        pytest.raises(ValueError, match="cannot be used with a strategy"),
    ):
        fit(network(), small, adam(2), 2, 100, average=2)


def test_it_helps_where_the_steps_are_noisy():
    """Averaging is for noise: of SGD steps too large to settle, the mean is nearer to the minimum."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 28)).astype(np.float32)
    y = (rng.random(3000) < 1 / (1 + np.exp(-x[:, 0]))).astype(np.float32)
    higgs = SimpleNamespace(train=Dataset(x[:2000], y[:2000]), valid=Dataset(x[2000:], y[2000:]))
    last, mean = (
        fit(LogisticRegression(), higgs, keras.optimizers.SGD(2.0), 12, 8, average=average).epochs[-1]
        for average in (None, 8)
    )
    assert mean.valid_auc > last.valid_auc
