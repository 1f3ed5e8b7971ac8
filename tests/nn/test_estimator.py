"""The estimator against scikit-learn's own checks, its tools, and the package's own training."""

import pickle
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from higgs_tutorial.nn import NeuralNetwork, small_fits
from higgs_tutorial.nn.engine.shuffle import events_at, seed_words
from higgs_tutorial.nn.estimator import HiggsClassifier, _even_batch
from higgs_tutorial.nn.files.models import load_model, save_model, variables
from higgs_tutorial.nn.training import epoch_seed

CANNOT_HOLD = {
    "check_sample_weight_equivalence_on_dense_data": "asks for equality to 1e-7, which float32 sums cannot give"
    " and batch norm's statistics do not; test_weight_two_is_the_event_twice checks it to 1e-4"
}


@parametrize_with_checks([HiggsClassifier()], expected_failed_checks=lambda estimator: CANNOT_HOLD)
def test_scikit_learns_own_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it one of them is skipped
    check(estimator)


def make(n, seed, k=4):
    """Signal on both sides of a plane, so that a hidden layer is needed."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).astype(np.float32)
    return x, (x[:, 0] + np.abs(x[:, 1]) - 0.8 + 0.3 * rng.normal(size=n) > 0).astype(np.float32)


@pytest.fixture(scope="module")
def events():
    (x, y), (x_test, y_test) = make(3000, 1), make(1000, 2)
    return SimpleNamespace(x=x, y=y, x_test=x_test, y_test=y_test)


SMALL = {"num_layers": 1, "size": 20, "batch_size": 100, "epochs": 4, "learning_rate": 0.01}
PLAIN = {**SMALL, "batch_norm": False}


@pytest.fixture(scope="module")
def fitted(events):
    return HiggsClassifier(**SMALL).fit(events.x, events.y)


def by_hand(x, y, weight, seed, epochs=4, batch_size=100):
    """The estimator's training written out: Keras's loss, eager steps."""
    model, adam = NeuralNetwork(1, 20, True, seed=seed), keras.optimizers.Adam(0.01)
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    means = []
    for epoch in range(1, epochs + 1):
        start = tf.constant(seed_words(epoch_seed(seed, epoch)))
        order = events_at(tf.range(len(x)), len(x), start).numpy()
        losses = []
        for start in range(0, len(x), batch_size):
            chosen = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                logits = model(x[chosen], training=True)
                loss = cross_entropy(y[chosen][:, None], logits[:, None], sample_weight=weight[chosen])
            adam.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(len(chosen) * float(loss))
        means.append(sum(losses) / len(x))
    return model, means


@pytest.mark.parametrize("weighted", [False, True])
def test_trains_as_written_out(events, weighted):
    x, y = events.x[:950], events.y[:950]
    weight = np.random.default_rng(0).uniform(0.1, 3, 950) if weighted else np.ones(950)
    estimator = HiggsClassifier(**SMALL).fit(x, y, sample_weight=weight if weighted else None)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    model, losses = by_hand(x, y, (weight / weight.mean()).astype(np.float32), seed)
    assert estimator.loss_curve_ == pytest.approx(losses, rel=1e-4)
    theirs, ours = variables(model), variables(estimator.model_)
    assert all(np.allclose(ours[name], theirs[name], atol=1e-3) for name in theirs)


@pytest.mark.parametrize("path", ["XLA steps", "XLA epochs"])
@pytest.mark.parametrize("keep_prob", [1.0, 0.8])
@pytest.mark.parametrize("weighted", [False, True])
def test_long_fits_learn_the_same(events, path, keep_prob, weighted, monkeypatch):
    """What is compiled changes the time, not the result: neither order nor masks, with a short last batch."""
    x, y = events.x[:2950], events.y[:2950]
    weight = np.random.default_rng(0).uniform(0.1, 3, 2950) if weighted else None
    estimator = HiggsClassifier(**SMALL, keep_prob=keep_prob)
    short = clone(estimator).fit(x, y, sample_weight=weight)
    monkeypatch.setattr(small_fits, "FEW_STEPS", 0)
    monkeypatch.setattr(small_fits, "MANY_STEPS", 10**9 if path == "XLA steps" else 0)
    monkeypatch.setattr(small_fits, "AT_ONCE", 12)  # of 29 full batches: two programs' worth, and five
    long = clone(estimator).fit(x, y, sample_weight=weight)
    assert long.loss_curve_ == pytest.approx(short.loss_curve_, rel=1e-4)
    assert np.allclose(long.decision_function(x), short.decision_function(x), atol=0.02)


def test_dropout_draws_a_mask_each_epoch(events):
    """All events alike and a rate of next to nothing: the loss varies by the masks alone."""
    x, y = np.tile(events.x[:1], (100, 1)), np.tile([0.0, 1.0], 50)
    still = HiggsClassifier(**{**PLAIN, "learning_rate": 1e-9})
    assert np.ptp(still.fit(x, y).loss_curve_) < 1e-5
    assert np.ptp(still.set_params(keep_prob=0.5).fit(x, y).loss_curve_) > 1e-3


def test_outputs_agree_with_each_other(events, fitted):
    logits, p = fitted.decision_function(events.x_test), fitted.predict_proba(events.x_test)
    assert p.shape == (1000, 2)
    assert np.allclose(p.sum(axis=1), 1)
    assert np.allclose(p[:, 1], 1 / (1 + np.exp(-logits)))
    assert np.array_equal(fitted.predict(events.x_test), fitted.classes_[(p[:, 1] > 0.5).astype(int)])
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4
    assert fitted.validation_scores_ is None


def test_same_seed_same_network_whatever_was_fitted_between(events, fitted):
    other = HiggsClassifier(**SMALL, random_state=5).fit(events.x, events.y)
    again = clone(fitted).fit(events.x, events.y)
    assert np.array_equal(again.decision_function(events.x), fitted.decision_function(events.x))
    assert not np.array_equal(other.decision_function(events.x), fitted.decision_function(events.x))
    assert again.loss_curve_ == fitted.loss_curve_


def test_an_earlier_fit_is_not_touched_by_a_later_one(events, fitted):
    before = fitted.decision_function(events.x)
    HiggsClassifier(**SMALL, random_state=7).fit(events.x, events.y)
    assert np.array_equal(fitted.decision_function(events.x), before)


def test_random_state_may_be_none_or_a_generator(events):
    settings = {**SMALL, "epochs": 1}
    a, b = (HiggsClassifier(**settings, random_state=None).fit(events.x, events.y) for _ in range(2))
    assert not np.array_equal(a.decision_function(events.x), b.decision_function(events.x))
    c, d = (
        HiggsClassifier(**settings, random_state=np.random.RandomState(3)).fit(events.x, events.y)
        for _ in range(2)
    )
    assert np.array_equal(c.decision_function(events.x), d.decision_function(events.x))


def test_weight_two_is_the_event_twice(events):
    """Plain layers, all events in one batch: the two gradients are the same sum."""
    x, y = events.x[:60], events.y[:60]
    weight = np.random.default_rng(0).integers(0, 4, 60)
    assert weight.sum() < PLAIN["batch_size"]
    plain = HiggsClassifier(**{**PLAIN, "epochs": 30})
    a = clone(plain).fit(x, y, sample_weight=weight).predict_proba(events.x_test)
    b = clone(plain).fit(x.repeat(weight, axis=0), y.repeat(weight)).predict_proba(events.x_test)
    c = clone(plain).fit(x, y).predict_proba(events.x_test)
    assert np.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.abs(a - c).max() > 0.01


def test_only_ratios_of_weights_matter_and_weight_zero_removes(events):
    x, y, weight = events.x[:500], events.y[:500], np.random.default_rng(0).integers(0, 3, 500)
    estimator = HiggsClassifier(**SMALL)
    a = clone(estimator).fit(x, y, sample_weight=weight)
    b = clone(estimator).fit(x, y, sample_weight=1e-6 * weight)
    kept = weight > 0
    c = clone(estimator).fit(x[kept], y[kept], sample_weight=weight[kept])
    assert a.loss_curve_ == pytest.approx(b.loss_curve_, rel=1e-4)
    assert np.array_equal(a.decision_function(x), c.decision_function(x))


def test_weights_move_the_probabilities_as_a_prior(events):
    weight = np.where(events.y == 1, 3.0, 1.0)
    settings = {**SMALL, "epochs": 8}
    plain = HiggsClassifier(**settings).fit(events.x, events.y)
    heavy = HiggsClassifier(**settings).fit(events.x, events.y, sample_weight=weight)
    odds = heavy.decision_function(events.x_test) - plain.decision_function(events.x_test)
    assert np.median(odds) == pytest.approx(np.log(3), abs=0.4)


def test_early_stopping_returns_to_the_best_epoch(events):
    noise = np.random.default_rng(0).permutation(events.y)  # nothing to learn: the AUC wanders
    estimator = HiggsClassifier(**{**SMALL, "epochs": 40}, early_stopping=True, patience=3)
    estimator.fit(events.x, noise)
    scores = estimator.validation_scores_
    best = int(np.argmax(scores))
    assert estimator.n_iter_ == len(scores) == best + 1 + 3 < 40
    shorter = clone(estimator).set_params(epochs=best + 1).fit(events.x, noise)
    assert np.allclose(shorter.decision_function(events.x), estimator.decision_function(events.x), atol=1e-4)


def test_early_stopping_scores_with_the_weights(events):
    weight = np.random.default_rng(0).uniform(0.1, 5, len(events.x))
    estimator = HiggsClassifier(**SMALL, early_stopping=True, validation_fraction=0.3)
    heavy = clone(estimator).fit(events.x, events.y, sample_weight=weight)
    plain = clone(estimator).fit(events.x, events.y)
    assert heavy.validation_scores_ != plain.validation_scores_
    assert max(heavy.validation_scores_) > 0.95


@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential", "linear"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nesterov"])
def test_every_optimizer_and_schedule_learns(events, optimizer, schedule):
    rate = {"adam": 0.01, "sgd": 0.3, "nesterov": 0.1}[optimizer]
    settings = {**SMALL, "optimizer": optimizer, "learning_rate": rate, "schedule": schedule}
    estimator = HiggsClassifier(**settings).fit(events.x, events.y)
    assert estimator.score(events.x_test, events.y_test) > 0.85
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[0]


def test_a_schedule_lowers_the_rate(events):
    """With so large a rate the last epochs jump about unless it falls."""
    rough = {**SMALL, "optimizer": "sgd", "learning_rate": 8.0, "epochs": 6}
    last = {
        schedule: HiggsClassifier(**rough, schedule=schedule).fit(events.x, events.y).loss_curve_[-1]
        for schedule in ("constant", "cosine", "exponential")
    }
    assert last["cosine"] < last["constant"]
    assert last["exponential"] < last["constant"]


def test_labels_of_any_two_kinds(events, fitted):
    words = np.where(events.y == 1, "signal", "background")
    estimator = clone(fitted).fit(events.x, words)
    assert list(estimator.classes_) == ["background", "signal"]
    assert np.array_equal(estimator.decision_function(events.x), fitted.decision_function(events.x))
    assert set(estimator.predict(events.x)) == {"background", "signal"}


def test_names_of_features_are_kept_and_checked(events):
    frame = pd.DataFrame(events.x, columns=["a", "b", "c", "d"])
    estimator = HiggsClassifier(**{**SMALL, "epochs": 1}).fit(frame, events.y)
    assert list(estimator.feature_names_in_) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[["b", "a", "c", "d"]])


def test_pickling_and_model_files(events, fitted, tmp_path):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.decision_function(events.x), fitted.decision_function(events.x))
    assert again.get_params() == fitted.get_params()
    assert again.loss_curve_ == fitted.loss_curve_
    loaded = load_model(save_model(fitted.model_, tmp_path / "m.npz"))
    p = 1 / (1 + np.exp(-loaded(events.x, training=False).numpy().astype(float)))
    assert np.allclose(p, fitted.predict_proba(events.x)[:, 1], atol=1e-6)
    assert np.array_equal(clone(again).fit(events.x, events.y).loss_curve_, fitted.loss_curve_)


def test_a_pickle_opens_in_a_new_process(events, fitted, tmp_path):
    (tmp_path / "e.pkl").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "x.npy", events.x[:100])
    code = (
        "import pickle, sys, numpy as np\n"
        "estimator = pickle.load(open(sys.argv[1] + '/e.pkl', 'rb'))\n"
        "np.save(sys.argv[1] + '/d.npy', estimator.decision_function(np.load(sys.argv[1] + '/x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    assert np.array_equal(np.load(tmp_path / "d.npy"), fitted.decision_function(events.x[:100]))


def test_works_in_a_pipeline_and_needs_the_scaler(events):
    far = 1e4 * events.x + 3e4
    scaled = make_pipeline(StandardScaler(), HiggsClassifier(**PLAIN)).fit(far, events.y)
    assert scaled.score(1e4 * events.x_test + 3e4, events.y_test) > 0.85
    weighted = clone(scaled).fit(far, events.y, higgsclassifier__sample_weight=1 + events.y)
    assert not np.array_equal(weighted.decision_function(far), scaled.decision_function(far))


def test_grid_search_finds_the_deeper_network(events):
    search = GridSearchCV(HiggsClassifier(**SMALL), {"num_layers": [0, 1]}, scoring="roc_auc", cv=2)
    search.fit(events.x, events.y)
    assert search.best_params_ == {"num_layers": 1}
    assert search.best_score_ > search.cv_results_["mean_test_score"].min() + 0.05


def test_calibration_repairs_probabilities(events):
    """Trained with signal weighted tenfold, the network is far too sure of signal."""
    weight = np.where(events.y == 1, 10.0, 1.0)
    skewed = HiggsClassifier(**SMALL).fit(events.x, events.y, sample_weight=weight)
    repaired = CalibratedClassifierCV(HiggsClassifier(**SMALL), method="isotonic", cv=2)
    repaired.fit(events.x, events.y)
    gap = [
        abs(e.predict_proba(events.x_test)[:, 1].mean() - events.y_test.mean()) for e in (skewed, repaired)
    ]
    assert gap[1] < 0.05 < gap[0]


def test_permutation_importance_finds_the_two_columns_that_matter(events, fitted):
    found = permutation_importance(
        fitted, events.x_test, events.y_test, scoring="roc_auc", n_repeats=2, random_state=0
    )
    assert set(np.argsort(found.importances_mean)[-2:]) == {0, 1}
    assert np.abs(found.importances_mean[2:]).max() < 0.02


def test_outputs_do_not_depend_on_the_company(events, fitted):
    alone = np.concatenate([fitted.decision_function(events.x_test[i : i + 1]) for i in range(20)])
    assert np.array_equal(alone, fitted.decision_function(events.x_test)[:20])


@pytest.mark.parametrize(
    ("n", "batch"), [(50, 100), (100, 100), (199, 100), (210, 70), (1010, 92), (1030, 100), (1050, 100)]
)
def test_no_last_batch_of_a_few_events(n, batch):
    assert _even_batch(n, 100) == batch
    assert n % batch == 0 or n < batch or n % batch >= batch / 4


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"optimizer": "lbfgs"}, "optimizer is 'lbfgs'; it must be one of: adam, sgd, nesterov"),
        ({"schedule": None}, "schedule is None; it must be one of: constant, cosine, exponential, linear"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"patience": True}, "patience is True"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        (
            {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 9)},
            "must be a positive number, and may fall by schedule",
        ),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction is 1.5"),
        ({"num_layers": -1}, "num_layers is -1"),
        ({"keep_prob": 0}, "keep_prob is 0"),
    ],
)
def test_bad_parameters(events, settings, says):
    with pytest.raises(ValueError, match=says):
        HiggsClassifier(**settings).fit(events.x, events.y)


@pytest.mark.parametrize(
    ("weight", "says"),
    [
        (-0.5, r"sample_weight\[3\] is -0.5"),
        (np.nan, "sample_weight contains NaN"),
    ],
)
def test_bad_weights(events, weight, says):
    weights = np.ones(len(events.y))
    weights[3], weights[4:6] = (
        weight,
        weight if np.isnan(weight) else -2.0,
    )  # the first is named, with its own value
    with pytest.raises(ValueError, match=says):
        HiggsClassifier(**SMALL).fit(events.x, events.y, sample_weight=weights)


def test_bad_shapes_and_labels(events):
    estimator = HiggsClassifier(**SMALL)
    with pytest.raises(ValueError, match="every sample_weight is zero"):
        estimator.fit(events.x, events.y, sample_weight=np.zeros(3000))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        estimator.fit(events.x, events.y, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match=r"multiclass: there are 3 classes"):
        estimator.fit(events.x, np.arange(3000) % 3)
    with pytest.raises(ValueError, match="one class"):
        estimator.fit(events.x, events.y, sample_weight=events.y)
    with pytest.raises(NotFittedError):
        estimator.predict(events.x)


def test_divergence_names_the_epoch(events):
    wild = HiggsClassifier(**{**SMALL, "optimizer": "sgd", "learning_rate": 1e30})
    with pytest.raises(FloatingPointError, match=r"epoch \d: the loss is not finite"):
        wild.fit(events.x, events.y)
    again = HiggsClassifier(**{**SMALL, "optimizer": "sgd"}).fit(events.x, events.y)
    assert np.isfinite(again.loss_curve_).all()


def test_threads_fit_side_by_side(events, fitted):
    scores = cross_val_score(HiggsClassifier(**SMALL), events.x, events.y, cv=2, scoring="roc_auc")
    from joblib import parallel_backend

    with parallel_backend("threading", n_jobs=2):
        beside = cross_val_score(HiggsClassifier(**SMALL), events.x, events.y, cv=2, scoring="roc_auc")
    assert np.array_equal(scores, beside)


def test_early_stopping_needs_both_classes_in_both_parts(events):
    few = np.concatenate([np.flatnonzero(events.y == 0), np.flatnonzero(events.y == 1)[:4]])
    estimator = HiggsClassifier(**SMALL, early_stopping=True, validation_fraction=0.05)
    with pytest.raises(ValueError, match=r"of the 4 events of class .* held out for early stopping"):
        estimator.fit(events.x[few], events.y[few])
    with pytest.raises(ValueError, match=r"of the 4 events of class .* to train on"):
        estimator.set_params(validation_fraction=0.95).fit(events.x[few], events.y[few])
    with pytest.raises(NotFittedError):
        estimator.predict(events.x)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, FloatingPointError])
def test_a_fit_that_fails_leaves_the_classifier_as_it_was(events, error, monkeypatch):
    """Also one on other columns: neither the network nor the number of features may be half changed."""
    first = HiggsClassifier(**SMALL)
    fitted = clone(first).fit(events.x, events.y)
    before = fitted.predict_proba(events.x)
    frame = pd.DataFrame(events.x[:, :3], columns=["a", "b", "c"])

    def fail(self, *arguments, train=small_fits.KeptNetwork.train):
        calls.append(1)
        if len(calls) % 2 == 0:
            raise error("stopped in the second epoch")
        return train(self, *arguments)

    calls = []
    monkeypatch.setattr(small_fits.KeptNetwork, "train", fail)
    for estimator in (first, fitted):
        with pytest.raises(error):
            estimator.fit(frame, events.y)
    monkeypatch.undo()
    with pytest.raises(NotFittedError):
        first.predict(events.x)
    assert not [name for name in vars(first) if name.endswith("_")]
    assert np.array_equal(fitted.predict_proba(events.x), before)
    assert fitted.fit(frame, events.y).n_features_in_ == 3
    assert not hasattr(fitted.fit(events.x, events.y), "feature_names_in_")


def test_small_probabilities_of_both_classes_keep_their_order(events, fitted):
    logits = fitted.decision_function(events.x) * 20
    steep = clone(fitted).fit(events.x, events.y)
    steep.decision_function = lambda X: logits
    background, _ = steep.predict_proba(events.x).T
    sure = logits > 40  # where 1 - p would be 0
    assert sure.sum() > 100
    np.testing.assert_allclose(np.log(background[sure]), -logits[sure], rtol=1e-9)
