"""The ROC AUC against scikit-learn and against its definition, pair by pair."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, evaluate, fit, predict
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.scoring import roc_auc, roc_auc_difference, roc_auc_error
from higgs_tutorial.physics.significance import best_cut


def pairs(y, score, weight):
    """The weighted share of (signal, background) pairs in the right order, counted one by one."""
    s, b = y == 1, y == 0
    right = (score[s][:, None] > score[b]) + 0.5 * (score[s][:, None] == score[b])
    both = weight[s][:, None] * weight[b]
    return (right * both).sum() / both.sum()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["none", "positive", "zeros", "signed"])
def test_the_auc_is_that_of_its_definition(seed, kind):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300).astype("f")
    score = np.round(rng.normal(size=300) + y, 1).astype("f")  # rounded, so that there are ties
    weight = {
        "none": None,
        "positive": rng.exponential(size=300).astype("f"),
        "zeros": rng.integers(0, 3, 300).astype("f"),
        "signed": np.where(rng.random(300) < 0.2, -1, 1).astype("f"),
    }[kind]
    found = roc_auc(y, score, weight)
    assert found == pytest.approx(
        pairs(y, score, np.ones(300) if weight is None else weight.astype(float)), rel=1e-9
    )
    if kind != "signed":
        assert found == pytest.approx(roc_auc_score(y, score, sample_weight=weight), rel=1e-6)


def test_signed_weights_measure_what_the_plain_sample_does():
    """Each event twice with weight 1 and once with -1 is that event once."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200).astype("f")
    score = (rng.normal(size=200) + y).astype("f")
    weight = np.repeat(np.float32([1, 1, -1]), 200)
    assert roc_auc(np.tile(y, 3), np.tile(score, 3), weight) == pytest.approx(roc_auc(y, score), rel=1e-9)


def two_scores(rng, n=400, digits=None):
    """Labels, and two scores that share half of their noise; with few digits there are ties."""
    y = np.arange(n) % 3 > 0
    shared = rng.normal(size=n)
    scores = [s * y + shared + rng.exponential(size=n) for s in (1.5, 1.0)]
    return y, *(score if digits is None else np.round(score, digits) for score in scores)


@pytest.mark.parametrize("digits", [None, 0])
def test_the_errors_are_the_spreads_of_many_samples(digits):
    rng = np.random.default_rng(2)
    samples = [two_scores(rng, digits=digits) for _ in range(400)]
    aucs = np.array([[roc_auc(y, score) for score in scores] for y, *scores in samples])
    errors = [roc_auc_error(y, first) for y, first, _ in samples]
    differences, of_difference = np.transpose([roc_auc_difference(*sample) for sample in samples])
    np.testing.assert_allclose(differences, aucs[:, 0] - aucs[:, 1], atol=1e-12)
    assert np.mean(errors) == pytest.approx(aucs[:, 0].std(), rel=0.12)
    assert np.mean(of_difference) == pytest.approx(differences.std(), rel=0.12)
    assert np.mean(of_difference) < 0.9 * np.hypot(*aucs.std(axis=0))  # the events are the same


def test_the_error_follows_from_the_pairs():
    """The variances over signal and over background of the shares of pairs won, by the table of all pairs."""
    y, score, other = two_scores(np.random.default_rng(3), 60, digits=0)
    won = []
    for one in (score, other):
        signal, background = one[y][:, None], one[~y]
        won.append((signal > background) + 0.5 * (signal == background))  # [signal, background]

    def error(table):
        return np.sqrt(sum(table.mean(axis=1 - a).var(ddof=1) / table.shape[a] for a in (0, 1)))

    assert roc_auc_error(y, score) == pytest.approx(error(won[0]))
    assert roc_auc_difference(y, score, other)[1] == pytest.approx(error(won[0] - won[1]))
    assert roc_auc_difference(y, score, score) == (0, 0)


def test_the_error_with_weights_is_the_spread_of_weighted_aucs():
    rng = np.random.default_rng(4)
    aucs, errors, unweighted = [], [], []
    for _ in range(400):
        y, score, _ = two_scores(rng, digits=1)
        weight = rng.choice([-0.5, 1.0, 5.0], len(y), p=[0.1, 0.7, 0.2])
        aucs.append(roc_auc(y, score, weight))
        errors.append(roc_auc_error(y, score, weight))
        unweighted.append(roc_auc_error(y, score))
    assert np.mean(errors) == pytest.approx(np.std(aucs), rel=0.12)
    assert np.mean(errors) > 1.3 * np.mean(unweighted)
    assert roc_auc_error(y, score, np.full(len(y), 0.3)) == pytest.approx(unweighted[-1])


def test_an_error_needs_two_events_of_each_class():
    for weight in (None, np.ones(4)):
        with pytest.raises(ValueError, match="1 of signal and 3 of background"):
            roc_auc_error([1, 0, 0, 0], [1.0, 2.0, 3.0, 4.0], weight)


def saturated(n=2000, scale=100.0):
    """Events, and a logistic regression of weight 1 whose logits lie around ``scale``: all sigmoids are 1."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, n).astype("f")
    x = (scale + y + rng.normal(size=n)).astype("f")[:, None]
    model = LogisticRegression()
    model(x[:1], training=False)
    model.regression.w.assign([[1.0]])
    model.regression.b.assign([0.0])
    return Dataset(x, y), model


@pytest.mark.parametrize("scale", [-100.0, 30.0, 100.0])
def test_events_are_ranked_by_logits_where_every_probability_is_the_same(scale):
    events, model = saturated(scale=scale)
    expected = roc_auc_score(events.y, events.x[:, 0])
    assert expected > 0.7
    assert evaluate(model, events) == pytest.approx(expected, abs=1e-6)
    assert evaluate(model, events, stream=True) == pytest.approx(expected, abs=1e-6)
    assert evaluate(Ensemble([model, model]), events) == pytest.approx(expected, abs=1e-6)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert evaluate(model, events) == pytest.approx(expected, abs=1e-6)
    logits = predict(model, events.x, logits=True)
    np.testing.assert_array_equal(logits, model(events.x, training=False))
    np.testing.assert_array_equal(predict(model, events.x), tf.sigmoid(logits))


def test_the_best_cut_is_found_among_logits():
    events, model = saturated()
    logits = predict(model, events.x, logits=True)
    cut, all_alike = best_cut(events.y, logits), best_cut(events.y, predict(model, events.x))
    assert cut.threshold > 90
    assert all_alike.background_efficiency == 1 > cut.background_efficiency
    assert cut.significance > all_alike.significance


def test_every_score_takes_the_weights():
    rng = np.random.default_rng(2)
    events, model = saturated(scale=0.0)
    weight = np.where(events.x[:, 0] > 0.5, 3, 0.1).astype("f") * rng.random(events.n).astype("f")
    weighted = Dataset(events.x, events.y, weight)
    expected = roc_auc_score(events.y, events.x[:, 0], sample_weight=weight)
    assert abs(expected - evaluate(model, events)) > 0.01
    for stream in (False, True):
        assert evaluate(model, weighted, stream=stream) == pytest.approx(expected, abs=1e-6)
    model = NeuralNetwork(1, 5, seed=1)
    history = fit(model, SimpleNamespace(train=events, valid=weighted), keras.optimizers.Adam(1e-3), 2, 200)
    assert history.epochs[-1].valid_auc == evaluate(model, weighted)


@pytest.mark.parametrize(
    ("y", "weight", "says"),
    [
        ([0, 0, 0], None, "0 are signal and 3 background"),
        ([1, 1, 1], None, "3 are signal and 0 background"),
        ([0, 1, 1], [0, 1, 1], "weights of the background among the validation events add up to 0"),
        ([0, 1, 1], [1, 1, -2], "weights of the signal among the validation events add up to -1"),
    ],
)
def test_a_class_that_is_missing_is_noticed_before_the_training(y, weight, says):
    x = np.zeros([3, 2], np.float32)
    weight = None if weight is None else np.float32(weight)
    higgs = SimpleNamespace(train=Dataset(x, np.float32([0, 1, 1])), valid=Dataset(x, np.float32(y), weight))
    with pytest.raises(ValueError, match=says):
        fit(LogisticRegression(), higgs, keras.optimizers.SGD(0.1), 1, 2, on_epoch=pytest.fail)
    with pytest.raises(ValueError, match=r"signal|background"):
        evaluate(LogisticRegression(), higgs.valid)
